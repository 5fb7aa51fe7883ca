"""Bad input of a whole study: every problem at once, with place, value and remedy; nothing in silence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import varme
from varme.data.synthetic.town import TownSpec, build_town
from varme.data.synthetic.town_files import write_town
from varme.ground.errors import DataError, InputError, ModelError, VarmeError


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("small")
    spec = TownSpec(
        seed=5, years=(2021,), winter_mean_c=(3.0,), gas_meters_count=60, heat_pumps_count=15, transformers_count=2,
        faults=False,
    )  # fmt: skip
    write_town(build_town(spec), target)
    return target


def study(town: Path, **changes) -> dict:
    base = {
        "kind": "retrofit",
        "period": {"years": [2021], "timezone": "Europe/Berlin"},
        "gas_meters": {"files": str(town / "gas.parquet")},
        "heat_pump_meters": {"files": str(town / "heat_pumps.parquet")},
        "temperature_c": {"file": str(town / "temperature.csv"), "column": "temperature_c"},
        "buildings": {"file": str(town / "buildings.csv")},
        "demand": {"draws_count": 100},
        "grid": {"draws_count": 20},
    }
    return {k: v for k, v in {**base, **changes}.items() if v is not None}


def problems(data: dict, town: Path, error: type[VarmeError] = DataError) -> str:
    with pytest.raises(error) as caught:
        varme.run(data, base=town)
    return caught.value.text()


def test_all_files_are_looked_at_before_anything_is_refused(town, tmp_path):
    (tmp_path / "empty.csv").write_text("")
    text = problems(
        study(
            town,
            gas_meters={"files": str(tmp_path / "empty.csv")},
            temperature_c={"file": "nowhere.csv", "column": "temperature_c"},
            buildings={"file": "no_buildings.csv"},
        ),
        town,
    )
    assert "empty.csv" in text
    assert "nowhere.csv" in text
    assert "no_buildings.csv" in text


def test_temperatures_that_are_missing_for_days_are_refused_with_the_remedy(town, tmp_path):
    lines = (town / "temperature.csv").read_text().splitlines()
    (tmp_path / "gap.csv").write_text("\n".join(lines[:1000] + lines[1100:]) + "\n")
    text = problems(
        study(town, temperature_c={"file": str(tmp_path / "gap.csv"), "column": "temperature_c"}), town
    )
    assert "P203" in text
    assert "interpolate" in text


def test_years_without_heat_pumps_are_named(town, tmp_path):
    other = tmp_path / "later"
    spec = TownSpec(
        seed=5, years=(2022,), winter_mean_c=(3.0,), gas_meters_count=5, heat_pumps_count=15, transformers_count=2,
        faults=False,
    )  # fmt: skip
    write_town(build_town(spec), other)
    text = problems(study(town, heat_pump_meters={"files": str(other / "heat_pumps.parquet")}), town)
    assert "P217" in text
    assert "2022" in text


def test_few_heat_pumps_run_and_say_what_that_means(town):
    frame = varme.run(study(town)).findings
    few = build_town(
        TownSpec(
            seed=5,
            years=(2021,),
            winter_mean_c=(3.0,),
            gas_meters_count=60,
            heat_pumps_count=6,
            transformers_count=2,
        )
    )
    assert len(few.heat_pumps.meters) == 6
    result = varme.run(
        {"kind": "retrofit", "town": {"seed": 5, "years": [2021], "winter_mean_c": [3.0], "gas_meters_count": 60,
                                      "heat_pumps_count": 6, "transformers_count": 2}}
    )  # fmt: skip
    codes = {f.code for f in result.findings}
    assert "few_heat_pumps" in codes
    assert "few_heat_pumps" not in {f.code for f in frame}
    narrow = result["fleet_high_spf"] / result["fleet_low_spf"]
    assert narrow > 1.4, "an interval of six heat pumps is wide"


def test_no_full_year_ends_with_the_reason(town, tmp_path):
    import duckdb

    cut = tmp_path / "half.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM '{town / 'heat_pumps.parquet'}' WHERE time_utc < TIMESTAMP '2021-04-01') "
            f"TO '{cut}' (FORMAT parquet)"
        )
    text = problems(study(town, heat_pump_meters={"files": str(cut)}), town, ModelError)
    assert "P324" in text
    assert "0 heat pumps" in text


def test_buildings_of_another_town_are_refused(town, tmp_path):
    (tmp_path / "other.csv").write_text("meter,volume_m3\nX1,500\nX2,700\n")
    text = problems(study(town, buildings={"file": str(tmp_path / "other.csv")}), town, VarmeError)
    assert "P201" in text
    assert "buildings.meter_column" in text


def test_a_volume_of_zero_is_refused_with_its_line(town, tmp_path):
    lines = (town / "buildings.csv").read_text().splitlines()
    place = lines[0].split(",").index("volume_m3")
    cells = lines[3].split(",")
    cells[place] = "0"
    (tmp_path / "zero.csv").write_text("\n".join([*lines[:3], ",".join(cells), *lines[4:]]) + "\n")
    text = problems(study(town, buildings={"file": str(tmp_path / "zero.csv")}), town)
    assert "volume_m3" in text
    assert "line 4" in text


def test_meters_that_the_table_does_not_know_are_a_finding(town, tmp_path):
    lines = (town / "buildings.csv").read_text().splitlines()
    (tmp_path / "short.csv").write_text(
        "\n".join(lines[:40] + lines[45:]) + "\nZ9" + "," * lines[0].count(",") + "\n"
    )
    found = {
        f.code: f
        for f in varme.check(study(town, buildings={"file": str(tmp_path / "short.csv")}), base=town)
    }
    assert found["meter_without_building"].evidence["count"] == 5
    assert found["building_without_meter"].evidence == {"count": 1}, "ids are private unless meters are shown"


def test_a_parquet_file_cut_in_half_is_refused(town, tmp_path):
    whole = (town / "gas.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    text = problems(study(town, gas_meters={"files": str(tmp_path / "cut.parquet")}), town)
    assert "P200" in text
    assert "cut.parquet" in text


def test_a_study_says_what_it_lacks():
    for data, wanted in (
        ({"kind": "retrofit"}, "gas_meters and temperature_c"),
        ({"kind": "retrofit", "gas_meters": {"files": "x.csv"}, "temperature_c": {"file": "t.csv"}}, "nothing tells"),
        ({"kind": "retrofit", "town": {}, "gas_meters": {"files": "x.csv"}}, "leave out gas_meters"),
        (
            {"kind": "retrofit", "gas_meters": {"files": "x.csv"}, "temperature_c": {"file": "t.csv"},
             "given": {"fleet_spf": 3, "low_spf": 2, "high_spf": 4, "source": "test"}},
            "profile_folder",
        ),
        ({"kind": "retrofit", "town": {}, "period": {"years": [2019, 2021]}}, "without a gap"),
    ):  # fmt: skip
        with pytest.raises(InputError) as caught:
            varme.check(data)
        assert wanted in caught.value.text()


def test_daily_heat_pumps_have_no_hours_to_measure(town, tmp_path):
    import duckdb

    daily = tmp_path / "daily.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT meter, CAST(time_utc AS DATE) AS date, sum(electricity_kwh) AS electricity_kwh FROM "
            f"'{town / 'heat_pumps.parquet'}' GROUP BY ALL ORDER BY ALL) TO '{daily}' (FORMAT parquet)"
        )
    data = study(town, heat_pump_meters={"files": str(daily)})
    text = problems(data, town, VarmeError)
    assert "P108" in text
    assert "bdew" in text
    result = varme.run({**data, "demand": {"shapes": "bdew", "draws_count": 100}}, base=town)
    assert np.isfinite(result["peak_hour_mw"])
    assert "simultaneity" not in result.data
