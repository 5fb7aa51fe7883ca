"""The study as a whole, through files as a user has them: what must close, what is private, what is handed over."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import varme
from varme.components.heat_pump import HeatPump
from varme.data.synthetic.town import TownSpec, build_town
from varme.data.synthetic.town_files import write_town
from varme.ground.result import Result
from varme.ground.spec import parse
from varme.retrofit.spec import RetrofitStudy

SMALL = {"seed": 7, "gas_meters_count": 160, "heat_pumps_count": 30, "transformers_count": 4}

STUDY = """\
kind = "retrofit"
title = "From files"
[period]
years = [2019, 2020, 2021]
timezone = "Europe/Berlin"
[gas_meters]
files = "gas.parquet"
[heat_pump_meters]
files = "heat_pumps.parquet"
[temperature_c]
file = "temperature.csv"
column = "temperature_c"
[buildings]
file = "buildings.csv"
[transformers]
file = "transformers.csv"
[gas]
calorific_file = "calorific.csv"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("town")
    write_town(build_town(TownSpec(**SMALL)), target)
    (target / "study.toml").write_text(STUDY)
    return target


@pytest.fixture(scope="module")
def from_files(folder) -> Result:
    return varme.run(folder / "study.toml")


@pytest.fixture(scope="module")
def from_town() -> Result:
    return varme.run({"kind": "retrofit", "town": SMALL, "privacy": {"show_meters": True}})


def test_the_same_town_gives_the_same_result_through_files_and_in_memory(from_files, from_town):
    for name in ("fleet_spf", "b_ratio", "electricity_gwh", "peak_hour_mw", "gas_usable_count"):
        assert from_files[name] == pytest.approx(from_town[name], rel=2e-3), name


def test_two_runs_give_the_same_tables(folder, from_files):
    again = varme.run(folder / "study.toml", jobs=2)
    assert set(again.data) == set(from_files.data)
    for name, table in from_files.data.items():
        for column, values in table.data.items():
            np.testing.assert_array_equal(values, again.data[name].data[column], err_msg=f"{name}.{column}")


def test_energy_closes_from_hours_over_days_to_years(from_files):
    hours, days = from_files.data["town_hours"], from_files.data["town_days"]
    years = from_files.data["demand_years"]
    total_mwh = hours.column("heat_pumps_mw").sum()
    assert total_mwh == pytest.approx(days.column("electricity_mwh").sum(), rel=1e-5)
    assert total_mwh / 1e3 == pytest.approx(years.column("electricity_gwh").sum(), rel=1e-5)
    heat = from_files["heat_gwh_th"] * len(years)
    assert heat / (total_mwh / 1e3) == pytest.approx(from_files["fleet_spf"], rel=0.01)


def test_b_and_spf_are_apart_and_bound_by_gamma(from_files):
    assert from_files["fleet_spf"] == pytest.approx(from_files["b_ratio"] * (1 - 0.105), rel=1e-9)
    assert from_files["fleet_low_spf"] < from_files["fleet_spf"] < from_files["fleet_high_spf"]
    wider = from_files["fleet_high_spf"] / from_files["fleet_low_spf"]
    assert wider > from_files["b_high_ratio"] / from_files["b_low_ratio"], (
        "gamma widens the interval of the SPF"
    )


def test_the_truth_of_the_town_lies_in_the_intervals(from_town):
    table = from_town.data["comparison_truth"]
    inside = dict(zip(table.column("quantity").tolist(), table.column("inside").tolist(), strict=True))
    assert inside["SPF of the fleet, all years"] == "yes"
    assert sum(v == "no" for v in inside.values()) <= 2, inside


def test_a_constant_spf_understates_the_peak_day(from_town):
    assert from_town["understated_percent"] > 10


def test_single_meters_are_shown_only_if_the_study_says_so(from_files, from_town):
    per_meter = {"annual", "change_points", "meters_used", "cleaning_audit", "sizing_buildings"}
    assert not per_meter & set(from_files.data)
    assert per_meter <= set(from_town.data)
    text = json.dumps(from_files.as_dict())
    ids = [f"G{i:06d}" for i in range(160)]
    assert not [m for m in ids if m in text]
    for table in from_files.data.values():
        for categories in table.categories.values():
            assert not set(ids) & set(categories)


def test_every_table_has_its_schema_and_every_chart_its_columns(from_town):
    schemas = {s.name for s in varme.study.registry.find("retrofit").tables()}
    assert set(from_town.data) <= schemas
    for chart in from_town.charts:
        assert len(chart.data(from_town.data)) > 0, chart.name


def test_the_heat_pump_is_a_device_of_the_other_studies(from_files, tmp_path):
    import tomllib

    text = varme.study.registry.find("retrofit").device(from_files)
    device = parse(HeatPump, tomllib.loads(text)["devices"]["heat_pump"], "device")
    assert 0.2 < device.carnot_share < 0.7


@pytest.mark.parametrize("form", ["pandapower", "opendss", "simbench"])
def test_transformers_are_handed_over_from_a_saved_result(from_files, tmp_path, form):
    from_files.save(tmp_path / "run")
    loaded = varme.load(tmp_path / "run")
    paths = varme.study.registry.find("retrofit").exports[form](loaded, tmp_path)
    assert all(p.stat().st_size > 0 for p in paths)
    names = (tmp_path / "names.csv").read_text()
    assert "T01" in names


def test_a_given_spf_needs_no_heat_pump_meters(folder, tmp_path):
    study = {
        "kind": "retrofit",
        "period": {"years": [2019, 2020, 2021], "timezone": "Europe/Berlin"},
        "gas_meters": {"files": str(folder / "gas.parquet")},
        "temperature_c": {"file": str(folder / "temperature.csv"), "column": "temperature_c"},
        "given": {"fleet_spf": 3.0, "low_spf": 2.7, "high_spf": 3.3, "source": "assumption of the test"},
        "demand": {"shapes": "bdew"},
    }
    result = varme.run(study, base=folder)
    assert result["fleet_spf"] == pytest.approx(3.0)
    assert result["fleet_low_spf"] == pytest.approx(2.7, rel=0.01)
    assert {f.code for f in result.findings} >= {"spf_from_elsewhere"}
    assert "transformers" not in result.data


def test_the_template_is_a_study():
    import tomllib

    from varme.retrofit.templates import retrofit_files

    study = parse(RetrofitStudy, tomllib.loads(retrofit_files()["study.toml"]), "template")
    assert study.town is not None


def test_other_towns_draw_an_uncertain_town_to_them_and_narrow_it(folder):
    few = {**SMALL, "heat_pumps_count": 12, "years": [2021]}
    alone = varme.run({"kind": "retrofit", "town": few})
    others = [
        {"name": n, "b_ratio": b, "low_ratio": b * 0.95, "high_ratio": b * 1.05}
        for n, b in (("A", 3.3), ("B", 3.25), ("C", 3.35), ("D", 3.3))
    ]
    pooled = varme.run({"kind": "retrofit", "town": few, "other_towns": others})
    assert abs(np.log(pooled["b_ratio"] / 3.3)) < abs(np.log(alone["b_ratio"] / 3.3))
    assert pooled["b_high_ratio"] / pooled["b_low_ratio"] < alone["b_high_ratio"] / alone["b_low_ratio"]
    table = pooled.data["towns"]
    assert table.column("town").tolist() == ["this town", "A", "B", "C", "D"]
    assert table.column("alone_b_ratio")[0] == pytest.approx(alone["b_ratio"], rel=1e-6)


def test_an_order_by_transformer_needs_transformers(folder):
    from varme.ground.errors import InputError

    study = {
        "kind": "retrofit",
        "period": {"years": [2021], "timezone": "Europe/Berlin"},
        "gas_meters": {"files": "gas.parquet"},
        "heat_pump_meters": {"files": "heat_pumps.parquet"},
        "temperature_c": {"file": "temperature.csv", "column": "temperature_c"},
        "adoption": {"order": "by_transformer"},
    }
    with pytest.raises(InputError) as caught:
        varme.check(study, base=folder)
    assert "P130" in caught.value.text()


def test_a_change_of_gas_is_told_once_in_check_and_in_the_run(folder):
    change = {"zone": "Z1", "day": "2020-05-01", "before_kwh_hs_per_m3": 9.8}
    study = {
        "kind": "retrofit",
        "period": {"years": [2019, 2020, 2021], "timezone": "Europe/Berlin"},
        "gas_meters": {"files": "gas.parquet"},
        "heat_pump_meters": {"files": "heat_pumps.parquet"},
        "temperature_c": {"file": "temperature.csv", "column": "temperature_c"},
        "buildings": {"file": "buildings.csv"},
        "gas": {"calorific_file": "calorific.csv", "changeovers": [change]},
    }
    checked = [f.message for f in varme.check(study, base=folder) if f.code == "gas_change_over"]
    told = [f.message for f in varme.run(study, base=folder).findings if f.code == "gas_change_over"]
    assert checked
    assert told == checked
    assert len(set(told)) == len(told)
