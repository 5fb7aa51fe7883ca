"""A plan as a user has it: from the study file to the report. What must close, what must be told."""

from __future__ import annotations

import json

import numpy as np
import pytest

import varme
from tests.home.tiny import column, home, run
from varme.ground.errors import InputError, ModelError
from varme.report.page import write_page

SUPPLY = ("import_kw", "pv_kw", "battery_discharge_kw", "vehicle_discharge_kw")
USES = (
    "export_kw", "load_kw", "heat_pump_kw", "backup_kw", "battery_charge_kw", "vehicle_charge_kw", "deferrable_kw",
)  # fmt: skip


@pytest.fixture(scope="module")
def result():
    return run(vehicles=[{"name": "car"}], photovoltaics=[{"peak_kwp": 5.0}], weather={"ghi_w_per_m2": 50.0})


def residual(result):
    flows = {name: column(result, "plan", name) for name in (*SUPPLY, *USES)}
    return sum(flows[n] for n in SUPPLY) - sum(flows[n] for n in USES)


def test_electricity_closes_in_every_slot(result):
    hours = column(result, "plan", "length_min") / 60
    assert np.max(np.abs(residual(result) * hours)) < 1e-9


def test_the_battery_closes_over_the_plan(result):
    hours = column(result, "plan", "length_min") / 60
    eta = np.sqrt(0.90)
    change = (
        eta * column(result, "plan", "battery_charge_kw")
        - column(result, "plan", "battery_discharge_kw") / eta
    )
    level = column(result, "plan", "battery_kwh")
    start = 0.3 * 5.0
    assert start + np.cumsum(change * hours) == pytest.approx(level, abs=1e-7)


def test_cost_is_what_the_flows_cost_at_their_prices(result):
    hours = column(result, "plan", "length_min") / 60
    bought = column(result, "plan", "import_kw") * column(result, "plan", "import_cent_per_kwh") * hours
    sold = column(result, "plan", "export_kw") * column(result, "plan", "export_cent_per_kwh") * hours
    costs = dict(zip(column(result, "costs", "category"), column(result, "costs", "amount_eur"), strict=True))
    assert costs["electricity bought"] == pytest.approx(bought.sum() / 100)
    assert costs["electricity sold"] == pytest.approx(-sold.sum() / 100)
    wishes = dict(zip(column(result, "costs", "category"), column(result, "costs", "wish"), strict=True))
    money = sum(amount for name, amount in costs.items() if not wishes[name])
    assert result["cost_eur"] == pytest.approx(money)


def test_the_compressor_is_never_between_nothing_and_its_minimum(result):
    mode = column(result, "plan", "mode")
    heat = column(result, "plan", "room_heat_kw") + column(result, "plan", "water_heat_kw")
    assert set(mode) <= {"off", "room", "water"}
    assert np.all(heat[mode == "off"] < 1e-6)
    assert np.all(heat[mode != "off"] > 1.0)  # 30 % of 6 kW


def test_every_slot_of_the_heat_pump_has_its_reason(result):
    devices = column(result, "reasons", "device")
    assert np.count_nonzero(devices == "heat_pump") == len(column(result, "plan", "time"))
    assert all(str(text).strip() for text in column(result, "reasons", "text"))
    moving = column(result, "plan", "vehicle_charge_kw") > 1e-6
    assert np.count_nonzero(devices == "car") == np.count_nonzero(moving)


def test_a_reason_names_a_dearer_time_when_it_speaks_of_a_cheap_hour(result):
    cheap = (column(result, "reasons", "reason") == "cheap_hour") & (
        column(result, "reasons", "device") == "heat_pump"
    )
    then, now = (
        column(result, "reasons", "needed_price_cent_per_kwh"),
        column(result, "reasons", "price_cent_per_kwh"),
    )
    assert cheap.any()
    assert np.all(then[cheap] > now[cheap])


def test_heat_in_the_room_is_worth_more_in_the_expensive_evening_than_at_night(result):
    where = column(result, "worth", "where")
    worth = column(result, "worth", "worth_cent_per_kwh")
    electricity = worth[where == "electricity"]
    assert electricity[16:20].min() > electricity[:6].max()
    assert worth[where == "room (heat)"].min() >= -1e-9


def test_the_gap_is_told_in_cents_and_the_bound_lies_below(result):
    provenance = result.provenance
    assert provenance["bound_cent"] <= provenance["objective_cent"] + 1e-9
    assert result["gap_cent"] == pytest.approx(
        provenance["objective_cent"] - provenance["bound_cent"], rel=1e-6, abs=1e-9
    )
    assert provenance["violation"] < 1e-6


def test_two_runs_are_equal():
    first, second = run(), run()
    for name, table in first.data.items():
        for key in table.data:
            assert table.data[key].tobytes() == second.data[name].data[key].tobytes(), (name, key)


def test_a_result_is_saved_and_read_again_with_its_report(result, tmp_path):
    result.save(tmp_path)
    again = varme.load(tmp_path)
    assert json.dumps(again.as_dict()) == json.dumps(result.as_dict())
    page = write_page(result, tmp_path / "report.html")
    assert "comfort band" in page.read_text(encoding="utf-8")


def test_the_order_of_vehicles_does_not_change_the_cost():
    cars = [{"name": "a", "charge_max_kw": 3.7}, {"name": "b", "capacity_kwh": 40.0, "charge_max_kw": 7.4}]
    one, two = run(vehicles=cars), run(vehicles=cars[::-1])
    tolerance = (
        one["gap_cent"] + two["gap_cent"]
    ) / 100 + 0.05  # the values of what is left differ within the gap
    assert one["cost_eur"] == pytest.approx(two["cost_eur"], abs=tolerance)


def test_a_home_of_a_load_alone_pays_its_load():
    result = run(house=None, heat_pump=None, hot_water=None, battery=None)
    prices = column(result, "plan", "import_cent_per_kwh")
    assert result["cost_eur"] == pytest.approx(0.4 * prices.sum() / 100)


def test_twice_the_price_of_energy_is_twice_the_cost_of_a_load_alone():
    bare = {"house": None, "heat_pump": None, "hot_water": None, "battery": None}
    fees = {"supplier_eur_per_kwh": 0.0, "network_eur_per_kwh": 0.0, "feed_in_fee_eur_per_kwh": 0.0}
    one = run(**bare, tariff=fees | {"energy_eur_per_kwh": 0.1})
    two = run(**bare, tariff=fees | {"energy_eur_per_kwh": 0.2})
    assert two["cost_eur"] == pytest.approx(2 * one["cost_eur"])


@pytest.mark.parametrize(("day", "quarters"), [("2025-03-30", 92), ("2025-10-26", 100), ("2024-02-29", 96)])
def test_days_of_changing_clocks_and_leap_days_have_their_quarter_hours(day, quarters):
    after = str(np.datetime64(day) + 1)
    time = {"start": day, "end": after, "step_min": 15, "timezone": "Europe/Copenhagen"}
    result = run(time=time, tariff={"energy_eur_per_kwh": 0.2}, battery=None)
    assert len(column(result, "plan", "time")) == quarters
    assert np.max(np.abs(residual(result))) < 1e-8


def test_a_horizon_of_one_slot_is_planned():
    time = {"start": "2025-01-14T00:00:00Z", "end": "2025-01-14T01:00:00Z", "step_min": 60, "timezone": "UTC"}
    result = run(time=time, tariff={"energy_eur_per_kwh": 0.2})
    assert len(column(result, "plan", "time")) == 1
    assert abs(residual(result)[0]) < 1e-9


def test_negative_prices_do_not_burn_energy_in_the_battery():
    prices = [-0.30] * 4 + [0.2] * 20
    result = run(tariff={"energy_eur_per_kwh": prices})
    both = np.minimum(
        column(result, "plan", "battery_charge_kw"), column(result, "plan", "battery_discharge_kw")
    )
    assert both.max() < 1e-6
    assert np.minimum(column(result, "plan", "import_kw"), column(result, "plan", "export_kw")).max() < 1e-6


def test_export_above_import_is_told_and_bounded():
    tariff = {"energy_eur_per_kwh": 0.1, "feed_in_eur_per_kwh": 0.9}
    result = run(tariff=tariff)
    assert "export_above_import" in {f.code for f in result.findings}
    assert np.minimum(column(result, "plan", "import_kw"), column(result, "plan", "export_kw")).max() < 1e-6


BAD = {
    "a comfort band upside down": ({"house": {"temperature_min_c": 24.0}}, "house.temperature_min_c"),
    "a tank that nothing heats": ({"heat_pump": None, "house": None}, "hot_water"),
    "a connection below the load": (
        {"grid": {"import_max_kw": 3.0}, "household": {"load_kw": 9.0}}, "grid.import_max_kw",
    ),
    "a trip longer than the battery": (
        {"vehicles": [{"capacity_kwh": 20.0, "trips": [{"energy_kwh": 30.0, "days": ["tue"]}]}]}, "vehicles[0].trips",
    ),
    "two cars of one name": ({"vehicles": [{"name": "car"}, {"name": "car"}]}, "vehicles"),
    "a house that starts at 60 C": ({"state": {"room_c": 60.0}}, "state.room_c"),
    "a compressor in a mode that it lacks": (
        {"hot_water": None, "state": {"compressor": "water"}}, "state.compressor",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD, ids=list(BAD))
def test_contradictions_are_refused_with_their_place(case):
    changes, where = BAD[case]
    with pytest.raises(InputError) as caught:
        run(**changes)
    problems = caught.value.problems
    assert where in {p.where for p in problems}
    assert all(p.what for p in problems)


def test_all_contradictions_are_told_at_once():
    low = [24.0] * 24  # a series: only known once it is read
    with pytest.raises(InputError) as caught:
        run(house={"temperature_min_c": low}, grid={"import_max_kw": 0.1}, household={"load_kw": 9.0})
    assert {"house.temperature_min_c", "grid.import_max_kw"} <= {p.where for p in caught.value.problems}


@pytest.mark.parametrize("room_c", [17.0, 26.0])
def test_a_start_outside_the_band_is_planned_and_told(room_c):
    result = run(state={"room_c": room_c})
    assert "start_outside_band" in {f.code for f in result.findings}
    assert result["room_missed_k_h"] > 0
    assert "comfort_missed" in {f.code for f in result.findings}


def test_a_start_above_the_tanks_band_cools_down_instead_of_failing():
    result = run(state={"tank_c": 70.0})
    tank = column(result, "plan", "tank_c")
    assert tank[0] < 70.0
    assert np.all(np.diff(tank[tank > 55.0]) < 0)


def test_the_tiny_home_is_plain_data_that_tests_may_change_without_touching_each_other():
    assert home(house=None) != home()
    assert "house" in home()


def test_a_plan_that_does_not_exist_is_explained_with_power_time_and_remedy():
    # Three hours of 6 kW behind 4 kW of import: the battery could help with its power, but holds too little energy.
    load = [0.4] * 12 + [6.0] * 3 + [0.4] * 9
    with pytest.raises(ModelError) as caught:
        run(household={"load_kw": load}, grid={"import_max_kw": 4.0}, battery={"capacity_kwh": 2.0})
    [problem] = caught.value.problems
    assert problem.code == "P301"
    assert problem.where == "grid.import_max_kw"
    assert "short by up to" in problem.what
    assert "2025-01-14 12:00" in problem.what or "2025-01-14 13:00" in problem.what or "14:00" in problem.what
    assert "import_max_kw" in problem.remedy


def test_the_shortage_that_is_told_is_the_energy_that_is_missing():
    # 24 kWh asked in 4 h at 6 kW, 16 kWh can come in; the battery of 2 kWh can be full before: 2 * sqrt(0.9) come out.
    load = [0.0] * 12 + [6.0] * 4 + [0.0] * 8
    with pytest.raises(ModelError) as caught:
        run(
            household={"load_kw": load}, grid={"import_max_kw": 4.0}, battery={"capacity_kwh": 2.0}, house=None,
            heat_pump=None, hot_water=None,
        )  # fmt: skip
    short = 8.0 - 2.0 * np.sqrt(0.9)
    assert f"({short:.2f} kWh)" in caught.value.problems[0].what
