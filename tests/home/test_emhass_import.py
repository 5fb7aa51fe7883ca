"""EMHASS configurations: every key is carried over, named with a reason, or known to say nothing about the home."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import varme
from varme.ground.errors import InputError
from varme.ground.spec import parse
from varme.home.emhass import Imported, from_emhass, read_configuration
from varme.home.spec import HomeStudy

#: Written by hand with the names of 0.18: battery, PV, a tariff of two prices, five loads, heat pump, room and tank.
CONFIG: dict[str, Any] = {
    "optimization_time_step": 15,
    "delta_forecast_daily": 1,
    "time_zone": "Europe/Berlin",
    "costfun": "profit",
    "sensor_power_photovoltaics": "sensor.pv",
    "lp_solver_mip_rel_gap": 0.01,
    "set_use_battery": True,
    "battery_nominal_energy_capacity": 10000,
    "battery_minimum_state_of_charge": 0.1,
    "battery_maximum_state_of_charge": 0.9,
    "battery_target_state_of_charge": 0.5,
    "battery_charge_power_max": 5000,
    "battery_discharge_power_max": 4000,
    "battery_charge_efficiency": 0.96,
    "battery_discharge_efficiency": 0.95,
    "weight_battery_discharge": 0.02,
    "weight_battery_charge": 0.01,
    "set_nodischarge_to_grid": False,
    "set_use_pv": True,
    "pv_module_model": ["SomeMaker_SM_410W", "405"],
    "modules_per_string": [10, 8],
    "strings_per_inverter": [2, 1],
    "surface_tilt": [30, 45],
    "surface_azimuth": [180, 90],
    "load_cost_forecast_method": "hp_hc_periods",
    "load_peak_hours_cost": 0.32,
    "load_offpeak_hours_cost": 0.22,
    "load_peak_hour_periods": {
        "day": [{"start": "07:30"}, {"end": "10:00"}],
        "night": [{"start": "22:00"}, {"end": "01:30"}],
    },
    "production_price_forecast_method": "constant",
    "photovoltaic_production_sell_price": 0.08,
    "maximum_power_from_grid": 11000,
    "maximum_power_to_grid": 7000,
    "number_of_deferrable_loads": 5,
    "nominal_power_of_deferrable_loads": [2000, [500, 1500, 1000], 3700, 1000, 400],
    "operating_hours_of_each_deferrable_load": [2, 0, 4, 1.5, 0],
    "treat_deferrable_load_as_semi_cont": [True, False, False, True, True],
    "set_deferrable_load_single_constant": [False, False, False, True, False],
    "start_timesteps_of_each_deferrable_load": [0, 32, 68, 0, 0],
    "end_timesteps_of_each_deferrable_load": [0, 80, 0, 0, 0],
    "set_deferrable_max_startups": [2, 0, 0, 0, 0],
    "def_minimum_on_time": [2, 0, 0, 0, 0],
    "deferrable_load_max_cost": [0.0, 0.7, 0.0, 0.0, 0.0],
    "heat_topology": {
        "extend_deferrable_loads": True,
        "sources": [
            {"id": "hp", "type": "heatpump", "nominal_power": 3000, "min_power": 800, "supply_temperature": 35.0,
             "treat_as_semi_cont": False},
            {"id": "hpw", "type": "heatpump", "nominal_power": 3000, "min_power": 800, "supply_temperature": 55.0,
             "treat_as_semi_cont": False},
            {"id": "rod", "type": "electric", "nominal_power": 2000, "efficiency": 1.0},
            {"id": "stove", "type": "gas", "nominal_power": 9000, "efficiency": 0.9},
        ],
        "storage": [
            {"id": "room", "thermal_mass": 9.0, "loss_coefficient": 0.16, "start_temperature": 20.5,
             "min_temperatures": [20.0], "max_temperatures": [23.0]},
            {"id": "tank", "volume": 0.2, "start_temperature": 50.0, "min_temperatures": [45.0],
             "max_temperatures": [58.0]},
        ],
        "consumers": [{"id": "taps", "type": "profile", "target": "tank", "profile": [0.05] * 96}],
        "flows": [{"from": "hp", "to": "room"}, {"from": "hpw", "to": "tank"}, {"from": "rod", "to": "tank"},
                  {"from": "stove", "to": "room"}],
    },
}  # fmt: skip


def study_of(found: Imported) -> HomeStudy:
    return parse(HomeStudy, tomllib.loads(found.text), "test")


def changed(**fields: Any) -> dict[str, Any]:
    return {**copy.deepcopy(CONFIG), **fields}


def test_devices_prices_and_limits_are_those_of_the_configuration() -> None:
    study = study_of(from_emhass(CONFIG))
    assert study.time.step_min == 15
    assert study.time.timezone == "Europe/Berlin"
    assert study.battery is not None
    assert study.battery.capacity_kwh == pytest.approx(8.0)
    assert study.battery.power_kw == 4.0
    assert study.battery.round_trip_share == pytest.approx(0.96 * 0.95)
    assert study.battery.wear_eur_per_kwh == pytest.approx(0.03)
    assert study.state.battery_share == pytest.approx(0.5)
    assert [p.peak_kwp for p in study.photovoltaics] == pytest.approx([8.2, 3.24])
    assert [p.azimuth_deg for p in study.photovoltaics] == [180, 90]
    assert (study.grid.import_max_kw, study.grid.export_max_kw) == (11.0, 7.0)
    assert study.tariff.feed_in_eur_per_kwh == pytest.approx(0.08)


def test_prices_of_two_periods_come_back_as_they_were_at_every_hour() -> None:
    tariff = study_of(from_emhass(CONFIG)).tariff
    assert tariff.vat_share == 0.0
    at = [(p.from_h, p.to_h) for p in tariff.network_periods]
    assert at == [(7.5, 10.0), (22.0, 24.0), (0.0, 1.5)]
    assert isinstance(tariff.energy_eur_per_kwh, float)
    low = tariff.energy_eur_per_kwh + tariff.network_eur_per_kwh
    assert low == pytest.approx(0.22)
    assert tariff.energy_eur_per_kwh + tariff.network_periods[0].charge_eur_per_kwh == pytest.approx(0.32)


def test_loads_keep_their_kind_energy_window_and_starts() -> None:
    loads = {one.name: one for one in study_of(from_emhass(CONFIG)).deferrable_loads}
    assert [one.run for one in loads.values()] == ["pieces", "block", "free", "block"]
    assert loads["load 0"].starts_count_max == 2
    assert loads["load 0"].piece_min == 30
    assert loads["load 1"].profile_kw == [0.5, 1.5, 1.0]
    assert (loads["load 1"].from_h, loads["load 1"].to_h) == (8.0, 20.0)
    assert loads["load 1"].missed_eur == pytest.approx(0.7)
    assert loads["load 2"].energy_kwh == pytest.approx(14.8)
    assert loads["load 2"].from_h == 17.0


def test_a_topology_becomes_house_tank_and_one_heat_pump_with_its_carnot_points() -> None:
    study = study_of(from_emhass(CONFIG))
    assert study.house is not None
    assert study.house.heat_loss_w_per_k == pytest.approx(160)
    assert study.house.capacity_kwh_per_k == 9.0
    assert study.hot_water is not None
    assert study.hot_water.volume_l == 200
    assert study.hot_water.draw_kw == [0.2] * 96
    assert study.heat_pump is not None
    assert study.heat_pump.minimum_share == pytest.approx(0.8 / 3, abs=1e-4)
    assert study.heat_pump.backup_kw == 2.0
    at_seven = next(p for p in study.heat_pump.points if p.source_c == 7 and p.flow_c == 35)
    assert at_seven.point_cop == pytest.approx(0.4 * 308.15 / 28, abs=1e-3)
    assert (study.state.room_c, study.state.tank_c) == (20.5, 50.0)


def test_what_does_not_fit_is_named_with_its_reason_in_the_list_and_in_the_file() -> None:
    found = from_emhass(changed(set_nocharge_from_grid=True, capacity_cost_per_kw=5.0, batery_size=3))
    left = {entry.key: entry.why for entry in found.left}
    assert "set_nocharge_from_grid" in left
    assert "capacity_cost_per_kw" in left
    assert "second_heater" in left["heat_topology.sources[stove]"]
    assert "smaller" in left["battery_charge_power_max"]
    assert "not a key of EMHASS" in left["batery_size"]
    for entry in found.left:
        assert f"# - {entry.key}:" in found.text
    assert "SYNTHETIC YEAR" in found.text


def test_every_key_is_read_named_or_known_to_say_nothing() -> None:
    found = from_emhass(CONFIG)
    assert not [entry for entry in found.left if "not a key" in entry.why]
    assert "sensor_power_photovoltaics" in {entry.key for entry in found.irrelevant}


def test_older_names_are_understood() -> None:
    found = from_emhass({"freq": 30, "Enom": 6000, "set_use_battery": True, "SOCmin": 0.0, "SOCmax": 1.0})
    study = study_of(found)
    assert study.battery is not None
    assert study.battery.capacity_kwh == pytest.approx(6.0)
    assert not [entry for entry in found.left if "not a key" in entry.why]


def test_thermal_config_and_thermal_battery_become_a_house() -> None:
    config = {
        "number_of_deferrable_loads": 1, "nominal_power_of_deferrable_loads": [2000],
        "operating_hours_of_each_deferrable_load": [0], "treat_deferrable_load_as_semi_cont": [True],
        "def_load_config": [{"thermal_config": {"heating_rate": 5.0, "cooling_constant": 0.1}}],
    }  # fmt: skip
    house = study_of(from_emhass(config)).house
    assert house is not None
    assert house.heat_loss_w_per_k / house.capacity_kwh_per_k == pytest.approx(100.0, rel=1e-3)
    config["def_load_config"] = [
        {
            "thermal_battery": {
                "supply_temperature": 35.0, "volume": 20.0, "u_value": 0.4, "envelope_area": 300.0,
                "ventilation_rate": 0.5, "heated_volume": 400.0, "indoor_target_temperature": 20.0,
            }
        }
    ]  # fmt: skip
    house = study_of(from_emhass(config)).house
    assert house is not None
    assert house.heat_loss_w_per_k == pytest.approx(0.4 * 300 + 0.5 * 400 * 1.2 * 1005 / 3600, rel=1e-4)


def test_values_that_emhass_would_refuse_are_told_all_at_once() -> None:
    with pytest.raises(InputError) as told:
        from_emhass(changed(set_use_battery="yes", load_peak_hours_cost="dear", maximum_power_from_grid=-4))
    text = str(told.value)
    assert text.count("P162") == 3
    assert all(key in text for key in ("set_use_battery", "load_peak_hours_cost", "maximum_power_from_grid"))


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="P161"):
        from_emhass({"kind": "home", "colour": "red"})
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    for name in ("broken.json", "absent.json"):
        with pytest.raises(InputError, match="P161"):
            read_configuration(tmp_path / name)


def test_a_wrong_type_deep_inside_is_an_error_and_no_traceback() -> None:
    broken = copy.deepcopy(CONFIG)
    broken["heat_topology"]["storage"][0]["thermal_mass"] = "heavy"
    with pytest.raises(InputError, match="P162"):
        from_emhass(broken)


def test_the_command_writes_a_study_that_can_be_checked_and_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")

    def varme_command(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "varme", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = varme_command("new", "home", "--from-emhass", "config.json", "--out", "mine")
    assert done.returncode == 0, done.stderr
    assert "Not carried over" in done.stdout
    assert "heat_topology.sources[stove]" in done.stdout
    checked = varme_command("check", "mine/study.toml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    again = varme_command("new", "home", "--from-emhass", "config.json", "--out", "mine")
    assert "P501" in again.stderr
    assert "P101" in varme_command("new", "district", "--from-emhass", "config.json").stderr


def test_the_plan_of_an_imported_home_runs_its_loads() -> None:
    config = changed(heat_topology=None, set_use_battery=False)
    config["number_of_deferrable_loads"] = 2
    result = varme.run(tomllib.loads(from_emhass(config).text))
    bare = varme.run(tomllib.loads(from_emhass({**config, "number_of_deferrable_loads": 0}).text))
    taken = {name: r.summary["import_kwh"].value - r.summary["export_kwh"].value for name, r in
             (("with", result), ("without", bare))}  # fmt: skip
    assert taken["with"] - taken["without"] == pytest.approx(4.0 + 0.75, abs=1e-6)


def test_emhass_own_default_configuration_is_carried_over_without_an_unknown_key() -> None:
    folder = Path(os.environ.get("VARME_BENCH_DATA", "/tmp/varme-bench")) / "emhass"
    paths = sorted(folder.glob("lib/python3*/site-packages/emhass/data/config_defaults.json"))
    if not paths:
        pytest.skip("EMHASS is not installed in the benchmark's folder")
    found = from_emhass(read_configuration(paths[0]))
    assert not [entry for entry in found.left if "not a key" in entry.why]
    assert study_of(found).deferrable_loads[0].energy_kwh == pytest.approx(12.0)
