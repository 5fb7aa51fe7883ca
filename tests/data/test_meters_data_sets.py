"""Known data sets, as tiny made-up files of the schema in which their users download them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from varme.data.meters.annual import open_annual
from varme.data.meters.data_sets import heapo_covariates
from varme.data.meters.read import open_meters
from varme.data.meters.spec import MeterFilesSpec
from varme.ground.errors import DataError

FIRST, LAST = date(2020, 1, 1), date(2020, 1, 10)
QUARTERS = np.datetime64("2020-01-01T00:00", "s") + np.arange(96 * 4) * np.timedelta64(900, "s")


def opened(
    folder: Path, files: str, layout: str, *, where: str = "heat_pump_meters", zone="Europe/Berlin", **stated
):
    spec = MeterFilesSpec(files=files, layout=layout, **stated)
    found = open_meters(spec, folder, FIRST, LAST, zone, where=where)
    return found, found.source.block(0, len(found.source.meters))


@pytest.fixture
def heapo(tmp_path):
    head = "Household_ID;Group;AffectsTimePoint;Timestamp;kWh_received_Total;kWh_received_HeatPump;kWh_received_Other\n"
    fine = tmp_path / "heapo_data" / "smart_meter_data" / "15min"
    fine.mkdir(parents=True)
    for home, pump in ((1018375, "0.25"), (1027422, ""), (1033455, "0.5")):
        rows = "".join(
            f"{home};treatment;before visit;{str(t).replace('T', ' ')}+00:00;0.75;{pump};0.5\n"
            for t in QUARTERS
        )
        (fine / f"{home}.csv").write_text(head + rows)
    meta, reports = tmp_path / "heapo_data" / "meta_data", tmp_path / "heapo_data" / "reports"
    meta.mkdir()
    reports.mkdir()
    (meta / "meta_data.csv").write_text(
        "Household_ID;Survey_Building_Type;Survey_Building_LivingArea;Survey_HeatPump_Installation_Type\n"
        "1018375;house;160;air-source\n1033455;house;;ground-source\n"
    )
    (reports / "protocols.csv").write_text(
        "Report_ID;Household_ID;Building_FloorAreaHeated_Total;Building_ConstructionYear;HeatPump_Installation_Type\n"
        "1;1033455;210;1987;ground-source\n2;;100;1950;air-source\n"
    )
    return tmp_path


def test_heapo_reads_the_heat_pump_and_what_is_known_of_the_home(heapo):
    found, panel = opened(heapo, "heapo_data", "heapo", zone="Europe/Zurich")
    assert panel.meters == ("1018375", "1033455")  # the third has no meter of its own for the heat pump
    assert (found.unit, panel.step_min, panel.start) == ("kwh", 15, np.datetime64("2019-12-31T23:00:00"))
    assert np.nansum(panel.values, axis=1).tolist() == [0.25 * 384, 0.5 * 384]
    assert np.isnan(panel.values[0, :4]).all()  # the first hour in Zurich is not in the file
    assert found.covariates["floor_area_m2"].tolist() == [160, 210]
    assert found.covariates["source"].tolist() == ["air", "ground"]


def test_heapo_reads_the_whole_home_if_asked_to(heapo):
    found, panel = opened(heapo, "heapo_data", "heapo", value_column="kWh_received_Total")
    assert len(panel.meters) == 3
    assert "whole home" in found.findings[0].message


def test_heapo_without_reports_has_no_covariates(tmp_path):
    assert heapo_covariates(tmp_path, ["1"]) == {}


def test_fluvius_gas_hours_are_gross_by_assumption(tmp_path):
    hours = np.datetime64("2019-12-31T23:00", "s") + np.arange(240) * np.timedelta64(3600, "s")
    rows = "".join(
        f"{home},{str(t)[:10]},{t}Z,{t + np.timedelta64(3600, 's')}Z,{1.5 * home},G4,Residentieel\n"
        for home in (1, 2) for t in hours
    )  # fmt: skip
    head = "EAN_ID,Datum,Datum_Startuur,Datum_Einduur,Volume_Afname_KWh,Type_Gasmeter,Contract_Categorie\n"
    (tmp_path / "gas.csv").write_text(head + rows)
    found, panel = opened(tmp_path, "gas.csv", "fluvius", where="gas_meters", zone="Europe/Brussels")
    assert (found.unit, panel.step_min) == ("kwh_hs", 60)
    assert np.nansum(panel.values, axis=1).tolist() == [360, 720]
    assert "gross" in found.findings[0].message


@pytest.mark.parametrize(("yes", "no"), [("1", "0"), ("True", "False")])
def test_fluvius_electricity_keeps_homes_with_a_heat_pump(yes, no, tmp_path):
    head = (
        "EAN_ID;Datum;Datum_Startuur;Volume_Afname_kWh;Volume_Injectie_kWh;Warmtepomp_Indicator;"
        "Elektrisch_Voertuig_Indicator;PV-Installatie_Indicator;Contract_Categorie\n"
    )
    rows = "".join(
        f"{home};{str(t)[:10]};{t}Z;0,25;0,0;{flag};{no};{no};Residentieel\n"
        for home, flag in ((1, no), (2, yes)) for t in QUARTERS
    )  # fmt: skip
    (tmp_path / "P6269_1_50_DMK_Sample_Elek.csv").write_text(head + rows)
    _, panel = opened(tmp_path, "P6269_1_50_DMK_Sample_Elek.csv", "fluvius")
    assert panel.meters == ("2",)
    assert np.nanmax(panel.values) == 0.25


def test_eoh_registers_every_two_minutes_become_quarter_hours(tmp_path):
    clean = tmp_path / "clean"
    clean.mkdir()
    times = np.datetime64("2020-01-01T00:00", "s") + np.arange(30 * 24 * 3 + 1) * np.timedelta64(120, "s")
    head = "Timestamp,Whole_System_Energy_Consumed,Heat_Pump_Energy_Output,External_Air_Temperature\n"
    for home, start in (("EOH0001", 5000.0), ("EOH0742", 120.0)):
        rows = "".join(
            f"{str(t).replace('T', ' ')},{start + 0.02 * k:.3f},{3 * (start + 0.02 * k):.3f},4.5\n"
            for k, t in enumerate(times)
        )
        (clean / f"Property_ID={home}.csv").write_text(head + rows)
    _, panel = opened(tmp_path, "clean", "eoh", zone="Europe/London")
    assert panel.meters == ("EOH0001", "EOH0742")
    assert (panel.reading, panel.step_min, panel.values.dtype) == ("register", 15, np.float64)
    used = np.diff(panel.values[0, :90])
    assert used.sum() == pytest.approx(panel.values[0, 89] - panel.values[0, 0])
    assert np.abs(used - 0.15).max() < 0.011  # seven or eight readings of 0.02 kWh
    _, heat = opened(tmp_path, "clean", "eoh", zone="Europe/London", value_column="Heat_Pump_Energy_Output")
    assert heat.values[1, 0] == pytest.approx(3 * panel.values[1, 0])


def test_wpuq_powers_become_energies_of_the_heat_pumps(tmp_path):
    h5py = pytest.importorskip("h5py")
    kind = np.dtype([("index", "<i8"), ("P_1", "<f8"), ("P_TOT", "<f8")])
    table = np.zeros(len(QUARTERS), dtype=kind)
    table["index"] = QUARTERS.astype(np.int64)
    with h5py.File(tmp_path / "2020_data_15min.hdf5", "w") as file:
        for home, power in (("NO_PV/SFH3", 2000.0), ("NO_PV/SFH10", 400.0), ("WITH_PV/SFH13", np.nan)):
            table["P_TOT"] = power
            file[f"{home}/HEATPUMP/table"] = table
            file[f"{home}/HOUSEHOLD/table"] = table
    found, panel = opened(tmp_path, "2020_data_15min.hdf5", "wpuq")
    assert panel.meters == ("SFH3", "SFH10", "SFH13")
    assert (found.unit, panel.step_min) == ("kwh", 15)
    assert np.nansum(panel.values, axis=1).tolist() == pytest.approx([0.5 * 384, 0.1 * 384, 0])


def test_need_annual_figures_count_where_their_flag_says_valid(tmp_path):
    old = "HH_ID,REGION,Gcons2011,Gcons2011Valid,Gcons2012,Gcons2012Valid,FLOOR_AREA_BAND\n"
    (tmp_path / "old.csv").write_text(old + "7,E12000003,14000,V,13500,V,2\n8,E12000003,200,L,9000,V,1\n")
    new = "PROP_TYPE,MAIN_HEAT_FUEL,Gcons2019,GasValFlag2019,Econs2019,ElecValFlag2019\n"
    (tmp_path / "new.csv").write_text(new + "Detached,1,8000,V,3100,V\nFlat,2,,O,2200,V\n")
    found = open_annual(tmp_path / "old.csv")
    assert (found.years.tolist(), found.unit, found.meters.tolist()) == ([2011, 2012], "kwh_hs", ["7", "8"])
    np.testing.assert_array_equal(found.energy, [[14000, 13500], [np.nan, 9000]])
    assert found.covariates["FLOOR_AREA_BAND"].tolist() == ["2", "1"]
    power = open_annual(tmp_path / "new.csv", "electricity")
    assert power.energy[:, 0].tolist() == [3100, 2200]
    assert np.isnan(open_annual(tmp_path / "new.csv").energy[1, 0])


@pytest.mark.parametrize(
    ("layout", "word"), [("heapo", "HEAPO"), ("fluvius", "Fluvius"), ("eoh", "EoH"), ("wpuq", "hdf5")]
)
def test_files_of_another_data_set_are_refused(layout, word, tmp_path):
    (tmp_path / "m.csv").write_text("meter,date,kwh\na,2020-01-01,1\n")
    with pytest.raises(DataError) as caught:
        opened(tmp_path, "m.csv", layout)
    assert caught.value.problems[0].code in {"P223", "P200"}


def test_need_without_annual_columns_is_refused(tmp_path):
    (tmp_path / "m.csv").write_text("meter,date,kwh\na,2020-01-01,1\n")
    with pytest.raises(DataError, match="P223"):
        open_annual(tmp_path / "m.csv")
