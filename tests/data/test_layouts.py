"""Known exports, on tiny made-up files with the headers that the real ones have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from varme.data.layouts import LAYOUTS
from varme.data.series import LoadedSeries, load_series
from varme.ground.errors import DataError
from varme.ground.series import FileSeries
from varme.ground.timegrid import TimeGrid

Write = Callable[..., str]
GRID = TimeGrid(datetime(2010, 12, 31, 23, tzinfo=UTC), 60, 2)

SETTLEMENT = (
    "HourUTC,HourDK,PriceArea,CentralPowerMWh,LocalPowerMWh,CommercialPowerMWh,LocalPowerSelfConMWh,"
    "OffshoreWindLt100MW_MWh,OffshoreWindGe100MW_MWh,OnshoreWindLt50kW_MWh,OnshoreWindGe50kW_MWh,HydroPowerMWh,"
    "SolarPowerLt10kW_MWh,SolarPowerGe10Lt40kW_MWh,SolarPowerGe40kW_MWh,SolarPowerSelfConMWh,UnknownProdMWh,"
    "ExchangeNO_MWh,ExchangeSE_MWh,ExchangeGE_MWh,ExchangeNL_MWh,ExchangeGreatBelt_MWh,GrossConsumptionMWh,"
    "GridLossTransmissionMWh,GridLossInterconnectorsMWh,GridLossDistributionMWh,PowerToHeatMWh",
    "2011-01-01T00:00:00,2011-01-01T01:00:00,DK2,902,201,11,,21,101,1,81,0.1,,,,,,,-5,,,7,1502,30,1,60,",
    "2011-01-01T00:00:00,2011-01-01T01:00:00,DK1,1,1,1,,1,1,1,1,0,,,,,,,0,,,0,2000,1,1,1,",
    "2010-12-31T23:00:00,2011-01-01T00:00:00,DK2,900,200,10,,20,100,1,80,0.1,,,,,,,-5,,,7,1500,30,1,60,",
    "2010-12-31T23:00:00,2011-01-01T00:00:00,DK1,1,1,1,,1,1,1,1,0,,,,,,,0,,,0,2000,1,1,1,",
)
BALANCE = (
    "HourUTC;HourDK;PriceArea;TotalLoad;Biomass;FossilGas;FossilHardCoal;FossilOil;HydroPower;OtherRenewable;SolarPower;"
    "Waste;OnshoreWindPower;OffshoreWindPower;ExchangeContinent;ExchangeGreatBelt;ExchangeNordicCountries;"
    "ExchangeGreatBritain",
    "2010-12-31 23:00;2011-01-01 00:00;DK2;1500,5;1;2;3;4;;;0;5;60,25;40,5;-1;2;3;",
    "2011-01-01 00:00;2011-01-01 01:00;DK2;1501,5;1;2;3;4;;;0;5;61,25;;-1;2;3;",
)
ELSPOT = (
    "HourUTC;HourDK;PriceArea;SpotPriceDKK;SpotPriceEUR",
    "2011-01-01 00:00;2011-01-01 01:00;DK1;149,200000;20,010000",
    "2011-01-01 00:00;2011-01-01 01:00;DK2;14,950000;2,010000",
    "2010-12-31 23:00;2011-01-01 00:00;DK2;-7,460000;-1,000000",
)
ENTSOE_LOAD = (
    '"Time (CET/CEST)","Day-ahead Total Load Forecast [MW] - BZN|DK2","Actual Total Load [MW] - BZN|DK2"',
    '"01.01.2011 00:00 - 01.01.2011 01:00","1490","1500"',
    '"01.01.2011 01:00 - 01.01.2011 02:00","1491","1501"',
)
ENTSOE_GENERATION = (
    '"Area","MTU","Biomass  - Actual Aggregated [MW]","Wind Offshore  - Actual Aggregated [MW]",'
    '"Wind Onshore  - Actual Aggregated [MW]"',
    '"BZN|DK2","31.12.2010 23:00 - 01.01.2011 00:00 (UTC)","300","100","n/e"',
    '"BZN|DK2","01.01.2011 00:00 - 01.01.2011 01:00 (UTC)","301","101","81"',
)
ENTSOE_PRICE = (
    '"MTU (UTC)","Day-ahead Price [EUR/MWh]","Currency","BZN|DK2"',
    '"31.12.2010 23:00 - 01.01.2011 00:00","48.5","EUR",""',
    '"01.01.2011 00:00 - 01.01.2011 01:00","-1.25","EUR",""',
)
OPSD = (
    "utc_timestamp,cet_cest_timestamp,DK_1_load_actual_entsoe_transparency,DK_2_load_actual_entsoe_transparency,"
    "DK_2_price_day_ahead,DK_2_wind_onshore_generation_actual,DK_2_wind_offshore_generation_actual",
    "2010-12-31T23:00:00Z,2011-01-01T00:00:00+0100,2000,1500,48.5,80,100",
    "2011-01-01T00:00:00Z,2011-01-01T01:00:00+0100,2001,1501,-1.25,81,101",
)


@pytest.mark.parametrize(
    ("layout", "lines", "area", "column", "unit", "expected"),
    [
        ("eds_settlement", SETTLEMENT, "DK2", "GrossConsumptionMWh", "mw", [1500, 1502]),
        ("eds_settlement", SETTLEMENT, "DK2", "gross", "kw", [1.5e6, 1.502e6]),
        ("eds_settlement", SETTLEMENT, "DK2", "wind", "mw", [201, 204]),
        ("eds_settlement", SETTLEMENT, "DK2", "decentral", "mw", [210, 212]),
        ("eds_settlement", SETTLEMENT, "DK1", "ExchangeGreatBelt_MWh", "mw", [0, 0]),
        ("eds_balance", BALANCE, "DK2", "load", "mw", [1500.5, 1501.5]),
        ("eds_balance", BALANCE, "DK2", "wind", "mw", [100.75, 61.25]),
        ("eds_balance", BALANCE, None, "Waste", "mw", [5, 5]),
        ("eds_elspot", ELSPOT, "DK2", "price", "eur_per_mwh", [-1.0, 2.01]),
        ("eds_elspot", ELSPOT, "DK2", "SpotPriceEUR", "eur_per_kwh", [-0.001, 0.00201]),
        ("entsoe", ENTSOE_LOAD, "DK2", "load", "mw", [1500, 1501]),
        ("entsoe", ENTSOE_GENERATION, "DK2", "wind", "mw", [100, 182]),
        ("entsoe", ENTSOE_GENERATION, None, "Biomass - Actual Aggregated [MW]", "mw", [300, 301]),
        ("entsoe", ENTSOE_PRICE, None, "price", "eur_per_mwh", [48.5, -1.25]),
        ("opsd", OPSD, "DK2", "load", "mw", [1500, 1501]),
        ("opsd", OPSD, "DK_1", "load", "mw", [2000, 2001]),
        ("opsd", OPSD, "DK2", "wind", "mw", [180, 182]),
        ("opsd", OPSD, "DK_2", "price", "eur_per_mwh", [48.5, -1.25]),
        ("opsd", OPSD, None, "DK_2_price_day_ahead", "eur_per_mwh", [48.5, -1.25]),
    ],
)
def test_columns_and_sums(
    tmp_path: Path, write: Write, layout: str, lines: tuple[str, ...], area: str | None, column: str, unit: str,
    expected: list[float],
) -> None:  # fmt: skip
    spec = FileSeries(file=write(*lines), layout=layout, area=area, column=column)
    loaded = load_series(spec, GRID, base=tmp_path, quantity_unit=unit, where="x")
    assert loaded.values == pytest.approx(expected)


def test_empty_cells_in_a_sum_are_zero_and_reported(tmp_path: Path, write: Write) -> None:
    spec = FileSeries(file=write(*BALANCE), layout="eds_balance", area="DK2", column="wind")
    loaded = load_series(spec, GRID, base=tmp_path, quantity_unit="mw", where="wind_mw")
    (finding,) = loaded.findings
    assert (finding.code, finding.severity) == ("empty_taken_as_zero", "warning")
    assert finding.evidence == {"rows_count": 1, "columns": ["OffshoreWindPower"]}


@pytest.mark.parametrize(
    ("spec", "code", "text"),
    [
        ({"layout": "eds_settlement", "column": "gross"}, "P201", "DK1, DK2"),
        ({"layout": "eds_settlement", "column": "gross", "area": "DK3"}, "P201", "DK3"),
        (
            {"layout": "eds_settlement", "column": "GrosConsumptionMWh", "area": "DK2"},
            "P201",
            "Did you mean GrossConsumptionMWh",
        ),
        ({"layout": "eds_settlement", "column": "winds", "area": "DK2"}, "P201", "Did you mean wind?"),
        ({"layout": "eds_settlement", "area": "DK2"}, "P201", "gross"),
        ({"layout": "opsd", "column": "load"}, "P201", "utc_timestamp"),
        ({"layout": "eds_dayahead", "column": "price", "area": "DK2"}, "P201", "TimeUTC"),
        ({"layout": "eds_settlement", "column": "gross", "area": "DK2", "unit": "EUR/MWh"}, "P208", "power"),
        ({"layout": "plain", "column": "GrossConsumptionMWh"}, "P201", "DK1, DK2"),
    ],
)
def test_what_the_layout_lacks(
    tmp_path: Path, write: Write, spec: dict[str, str], code: str, text: str
) -> None:
    with pytest.raises(DataError) as caught:
        load_series(
            FileSeries(file=write(*SETTLEMENT), **spec), GRID, base=tmp_path, quantity_unit="mw", where="x"
        )
    assert code in {p.code for p in caught.value.problems}
    assert text in str(caught.value)


def test_opsd_needs_an_area(tmp_path: Path, write: Write) -> None:
    with pytest.raises(DataError, match=r"state area.*DK_2"):
        load_series(
            FileSeries(file=write(*OPSD), layout="opsd", column="load"),
            GRID,
            base=tmp_path,
            quantity_unit="mw",
            where="x",
        )


def test_entsoe_without_a_clock_is_not_guessed(tmp_path: Path, write: Write) -> None:
    spec = FileSeries(
        file=write(*(line.replace(" (CET/CEST)", "") for line in ENTSOE_LOAD)), layout="entsoe", column="load"
    )
    with pytest.raises(DataError, match=r"P205 .*does not say on which clock"):
        load_series(spec, GRID, base=tmp_path, quantity_unit="mw", where="x")
    told = FileSeries(**{**spec.model_dump(exclude_unset=True), "timezone": "Europe/Brussels"})
    assert load_series(told, GRID, base=tmp_path, quantity_unit="mw", where="x").values.tolist() == [
        1500,
        1501,
    ]


def test_kroner_are_refused_with_a_way_out(tmp_path: Path, write: Write) -> None:
    spec = FileSeries(file=write(*ELSPOT), layout="eds_elspot", area="DK2", column="SpotPriceDKK")
    with pytest.raises(DataError, match=r"P208 .*kroner.*scale_share"):
        load_series(spec, GRID, base=tmp_path, quantity_unit="eur_per_mwh", where="x")


def test_every_layout_names_its_source_and_time() -> None:
    assert set(LAYOUTS) == {"eds_settlement", "eds_balance", "eds_elspot", "eds_dayahead", "entsoe", "opsd"}
    for layout in LAYOUTS.values():
        assert layout.title
        assert layout.times
        assert layout.names


def test_measured_dk2_2019_reads_as_its_source_says(shared: Path) -> None:
    """Totals as in the shared folder's SOURCE.md: load 13.17 TWh, greatest 2,353 and least 901 MW."""
    grid = TimeGrid(datetime(2018, 12, 31, 23, tzinfo=UTC), 60, 8760)

    def read(column: str, unit: str) -> LoadedSeries:
        spec = FileSeries(file="denmark/dk_hourly_2019.csv.gz", column=column)
        return load_series(spec, grid, base=shared, quantity_unit=unit, where=column)

    load_mw = read("dk2_load_mw", "mw").values
    assert load_mw.sum() / 1e6 == pytest.approx(13.17, abs=0.005)
    assert (round(load_mw.max()), round(load_mw.min())) == (2353, 901)
    assert read("dk2_spot_eur_mwh", "eur_per_mwh").values.mean() == pytest.approx(39.8, abs=0.1)


def test_measured_local_time_is_recognised_as_24_hours_a_day(shared: Path) -> None:
    """The 2012 file has 24 hours every day on the Danish clock: refused as summer time, read as CET all year."""
    grid = TimeGrid(datetime(2012, 1, 1, 23, tzinfo=UTC), 60, 8736)
    spec = FileSeries(file="denmark/dk_consumption_hourly_2012.csv.gz", column="dk2_consumption_mw")
    for zone, codes in ((None, ["P205"]), ("Europe/Copenhagen", ["P206", "P206"])):
        update = {} if zone is None else {"timezone": zone}
        with pytest.raises(DataError) as caught:
            load_series(
                FileSeries(**{**spec.model_dump(exclude_unset=True), **update}),
                grid,
                base=shared,
                quantity_unit="mw",
                where="x",
            )
        assert [p.code for p in caught.value.problems] == codes
    cet = FileSeries(file=spec.file, column=spec.column, timezone="Etc/GMT-1")
    loaded = load_series(cet, grid, base=shared, quantity_unit="mw", where="x")
    assert loaded.values.sum() / 1e6 == pytest.approx(13.52, abs=0.005)
