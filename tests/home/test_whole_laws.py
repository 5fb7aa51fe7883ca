"""Laws across the whole home study: results close, agree with each other and with what a hand calculates."""

from __future__ import annotations

import copy
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import varme
from tests.home.tiny import home
from varme.components.home import Slots
from varme.ground.context import Context
from varme.ground.spec import parse
from varme.home.case import HomeCase, load_case, state_of
from varme.home.comparison import compared, comparison_findings
from varme.home.contents import plan_bill
from varme.home.learn.study import device_text
from varme.home.learn.template import learn_files, record_csv
from varme.home.plant import State
from varme.home.replay.beliefs import Belief
from varme.home.replay.loop import closed_loop
from varme.home.replay.spec import ForecastSpec, ReplaySpec
from varme.home.schedule.figures import kpis_of
from varme.home.schedule.flows import flows_of
from varme.home.schedule.plan import WISHES, Plan, make_plan
from varme.home.schedule.terminal import worth_of
from varme.home.simulate.baselines import simulated
from varme.home.simulate.fleet import simulate_fleet
from varme.home.simulate.replay_plan import replay_plan
from varme.home.simulate.rules import THERMOSTAT
from varme.home.spec import HomeStudy, PlanSpec

#: A winter's day of a home with every device, from the synthetic leap year 2024.
FULL: dict[str, Any] = {
    "time": {"start": "2024-01-15", "end": "2024-01-16", "step_min": 30, "timezone": "Europe/Copenhagen"},
    "synthetic": {"year": 2024, "seed": 3},
    "weather": {"outdoor_c": {"synthetic": "outdoor_c"}, "ghi_w_per_m2": {"synthetic": "ghi_w_per_m2"}},
    "hot_water": {"volume_l": 300.0, "draw_kw": {"synthetic": "draw_kw"}},
    "household": {"load_kw": {"synthetic": "load_kw"}},
    "photovoltaics": [{"peak_kwp": 5.0}],
    "vehicles": [{"name": "car", "capacity_kwh": 60.0, "charge_max_kw": 11.0}],
    "tariff": {
        "energy_eur_per_kwh": {"synthetic": "spot_eur_per_kwh"}, "tax_eur_per_kwh": 0.10,
        "co2_g_per_kwh": {"synthetic": "co2_g_per_kwh"},
    },
}  # fmt: skip
GAS = {"price_eur_per_kwh": 0.11, "heat_max_kw": 10.0, "serves": ["room", "water"]}


def changed(**changes: Any) -> dict[str, Any]:
    """Return the full home with sections changed; ``None`` takes one away."""
    whole = copy.deepcopy(FULL)
    for name, value in changes.items():
        both = isinstance(value, dict) and isinstance(whole.get(name), dict)
        whole[name] = {**whole[name], **value} if both else value
    return home(**whole)


def case_of(**changes: Any) -> tuple[HomeCase, State]:
    study = parse(HomeStudy, changed(**changes), "test")
    case = load_case(study, Context())
    return case, state_of(study.state, study, case.plant)


def planned(**changes: Any) -> tuple[HomeCase, Plan]:
    case, state = case_of(**changes)
    assert isinstance(case.study, HomeStudy)
    slots = Slots.even(0, case.grid.n, case.grid.step_h)
    return case, make_plan(case.plant, slots, state, case.study.plan)


def exactly(**changes: Any) -> tuple[HomeCase, Plan]:
    """Return a plan in hours without car and tank, within half a cent of the best."""
    small: dict[str, Any] = {"vehicles": [], "hot_water": None, "plan": {"quality": "exact", "gap_cent": 0.5}}
    return planned(**{**small, "time": {**FULL["time"], "step_min": 60}, **changes})


# ---------------------------------------------------------------------------------------------------- one physics
@pytest.mark.parametrize("more", [{}, {"second_heater": GAS}, {"vehicles": [], "photovoltaics": []}])
def test_a_plan_executed_at_its_own_step_is_the_plan(more: dict[str, Any]) -> None:
    case, plan = planned(**more)
    done = replay_plan(case.plant, plan, step_min=30, exact=False)
    assert max(done.room_error_k, done.tank_error_k, done.battery_error_kwh) < 1e-6
    assert done.cost_cent == pytest.approx(plan.cost_cent, abs=1e-4)
    assert done.executable_share == 1.0


def test_a_plan_with_a_buffer_is_executed_within_half_of_what_is_allowed() -> None:
    """The plan has a line for the emitters, the simulation their curve."""
    case, plan = planned(buffer={"volume_l": 200.0})
    done = replay_plan(case.plant, plan, step_min=30, exact=False)
    assert done.room_error_k < 0.15
    assert abs(done.cost_error_share) < 0.01


def test_a_closed_loop_with_perfect_forecasts_costs_at_least_the_bound_of_one_plan() -> None:
    """Both value what is left alike; the loop's wishes are priced. It may not be far above the one-shot plan either."""
    time = {"start": "2024-01-15", "end": "2024-01-17", "step_min": 30, "timezone": "UTC"}
    case, state = case_of(time=time, hot_water=None, vehicles=[])
    plant, n = case.plant, case.grid.n
    slots = Slots.even(0, n, case.grid.step_h)
    worth = worth_of(plant.take(slots), slots)
    plan = make_plan(plant, slots, state, PlanSpec(), worth)
    spec = ReplaySpec(replan_min=240, horizon_h=24, simulation_min=30, real_temperatures=False)
    run = closed_loop("plan", plant, state, Belief(plant, ForecastSpec(method="perfect")), spec, PlanSpec())
    flows, h, house = run.flows, case.grid.step_h, plant.house
    assert house is not None
    assert plant.battery is not None
    assert plant.heat_pump is not None
    grid = plant.grid
    cost = h * float(
        grid.import_cent_per_kwh @ flows["import_kw"] - grid.export_cent_per_kwh @ flows["export_kw"]
    )
    cost += plant.battery.wear_cent_per_kwh * h * float(flows["discharge_kw"].sum())
    cost += plant.heat_pump.start_cent * float(flows["start"].sum())
    missed = np.maximum(house.low_c - flows["room_c"], 0) + np.maximum(flows["room_c"] - house.high_c, 0)
    cost += house.discomfort_cent_per_k_h * h * float(missed.sum())
    cost -= float(worth.room_cent_per_k @ (run.end.house_c - state.house_c))
    cost -= worth.battery_cent_per_kwh * (run.end.battery_kwh - state.battery_kwh)
    assert plan.certificate.bound - 1e-6 <= cost <= 1.1 * plan.certificate.objective


# ---------------------------------------------------------------------------------------------------------- energy
DAYS = [
    ("Europe/Copenhagen", "2024-03-31", "2024-04-01", 92),
    ("Europe/Berlin", "2024-10-27", "2024-10-28", 100),
    ("Asia/Kolkata", "2024-02-29", "2024-03-01", 96),
    ("America/New_York", "2024-12-30", "2024-12-31", 96),
    ("Australia/Lord_Howe", "2024-04-07", "2024-04-08", 98),
]


@pytest.mark.parametrize(("zone", "start", "end", "count"), DAYS)
def test_heat_closes_by_hand_on_every_kind_of_day(zone: str, start: str, end: str, count: int) -> None:
    """Heat and gains = what conductances carry outside + what the capacities store, from the temperatures alone.

    The mean temperature of a slot is that of the exact solution: from ``C (T' - T) = h (q - G T_mean)`` of each node.
    """
    time = {"start": start, "end": end, "step_min": 15, "timezone": zone}
    case, plan = planned(time=time, second_heater=GAS)
    house, flows, h = plan.problem.plant.house, flows_of(plan), case.grid.step_h
    assert case.grid.n == count
    assert house is not None
    net = house.network
    nodes = np.stack([plan.value(f"house.temperature_{k}") for k in range(2)], axis=1)
    before = np.vstack([plan.problem.state.house_c, nodes[:-1]])
    heat = flows.room_heat_kw + flows.backup_room_kw + flows.second_room_kw - flows.cool_heat_kw
    into = heat[:, None] * net.heat_share + house.gains_kw[:, None] * net.gain_share
    into = into + house.outdoor_c[:, None] * net.to_outdoor_kw_per_k
    stored = net.capacity_kwh_per_k * (nodes - before)
    mean = np.linalg.solve(net.conductance_kw_per_k, (into - stored / h).T).T
    lost = (mean - house.outdoor_c[:, None]) * net.to_outdoor_kw_per_k
    gained = heat + house.gains_kw
    assert np.abs(gained * h - lost.sum(axis=1) * h - stored.sum(axis=1)).max() < 1e-9
    # The mean lies between the ends of a slot, or just outside where the heat was switched on: it is a temperature.
    assert np.abs(mean[:, 1] - (nodes + before)[:, 1] / 2).max() < 0.1
    given = flows.pv_kw + flows.import_kw + flows.discharge_kw + flows.vehicle_discharge_kw
    drawn = flows.demand_kw + flows.charge_kw + flows.export_kw
    second = plan.problem.plant.second_heater
    assert second is not None
    drawn = drawn + second.electric_per_heat * (flows.second_room_kw + flows.second_water_kw)
    assert np.abs(given - drawn).max() * h < 1e-9
    assert plan.residual_kwh < 1e-9


def test_steps_of_any_length_begin_alike_and_have_nearly_the_same_bound() -> None:
    bounds, starts = [], []
    for step in (5, 15, 30, 60):
        time = {"start": "2024-01-15", "end": "2024-01-16", "step_min": step, "timezone": "UTC"}
        case, state = case_of(time=time, hot_water={"volume_l": 400.0})
        slots = Slots.even(0, case.grid.n, case.grid.step_h)
        bounds.append(make_plan(case.plant, slots, state).certificate.bound)
        starts.append(state.house_c)
    assert np.ptp(starts, axis=0).max() < 0.02
    assert np.ptp(bounds) < 0.01 * np.mean(bounds)


# ----------------------------------------------------------------------------------------------------------- money
@pytest.mark.parametrize("preset", ["", "be-2023", "de-2025-module-3"])
def test_the_bill_adds_up_to_what_the_plan_costs(preset: str) -> None:
    tariff = {"preset": preset} if preset else {}
    case, plan = planned(tariff=tariff)
    assert case.prices is not None
    costs = plan.costs()
    other = sum(costs.get(k, 0.0) for k in ("battery wear", "vehicle wear", "starts", "fuel"))
    assert plan_bill(case.prices, plan).variable_cent + other == pytest.approx(plan.cost_cent, abs=1e-4)
    assert plan.cost_cent == pytest.approx(sum(v for k, v in costs.items() if k not in WISHES))


def test_twice_the_prices_are_twice_the_cost_and_the_same_plan() -> None:
    twice = {
        "tariff": {
            "energy_eur_per_kwh": {"synthetic": "spot_eur_per_kwh", "scale_share": 2.0}, "tax_eur_per_kwh": 0.20,
            "network_eur_per_kwh": 0.08, "supplier_eur_per_kwh": 0.02, "feed_in_fee_eur_per_kwh": 0.02,
        },
        "battery": {"wear_eur_per_kwh": 0.06}, "heat_pump": {"start_cost_eur": 0.04},
        "house": {"discomfort_eur_per_k_h": 2.0},
    }  # fmt: skip
    (_, once), (_, double) = exactly(), exactly(**twice)
    assert double.certificate.objective == pytest.approx(2 * once.certificate.objective, abs=1.5)


def test_the_price_of_a_wish_is_no_money_and_emissions_are_those_of_import_and_fuel() -> None:
    for price in (0.5, 5.0):
        case, plan = planned(
            house={"discomfort_eur_per_k_h": price}, state={"room_c": 17.0}, second_heater=GAS
        )
        kpis, flows, h = kpis_of(plan), flows_of(plan), case.grid.step_h
        second, grid = plan.problem.plant.second_heater, plan.problem.plant.grid
        assert second is not None
        assert kpis.room_missed_k_h > 0
        assert plan.costs()["discomfort"] == pytest.approx(100 * price * kpis.room_missed_k_h)
        heat = h * float(np.sum(flows.second_room_kw + flows.second_water_kw))
        bought = h * float(
            grid.import_cent_per_kwh @ flows.import_kw - grid.export_cent_per_kwh @ flows.export_kw
        )
        fuel = h * float(second.heat_cent_per_kwh @ (flows.second_room_kw + flows.second_water_kw))
        wear = 3.0 * h * float(flows.discharge_kw.sum()) + 2.0 * kpis.starts_count
        assert 100 * kpis.cost_eur == pytest.approx(bought + fuel + wear, abs=1e-6)
        grams = h * float(grid.co2_g_per_kwh @ flows.import_kw) + 201.96 / 0.95 * heat
        assert kpis.co2_kg == pytest.approx(grams / 1e3, rel=1e-6)


def test_rules_pay_for_the_peaks_that_they_make() -> None:
    """A car charged at 11 kW on return makes a peak; a comparison that forgot it would belittle the plan."""
    case, plan = planned(tariff={"preset": "be-2023"})
    found = compared(case.plant, plan, flows_of(plan))
    assert found is not None
    charge = case.plant.grid.peaks[0]
    floor = float(charge.floors()[0])
    for rule in found.rules:
        kw = max(float(rule.import_kw.max()) - floor, 0.0)
        assert rule.cost_cent - rule.electricity_cent > 0.9 * charge.cent_per_kw * kw - 300
    assert found.plan_cent == plan.cost_cent
    assert "saving_holds_peaks" in {f.code for f in comparison_findings(found)}


# -------------------------------------------------------------------------------------------------- heat and power
def year_of(**changes: Any) -> dict[str, float]:
    """Return sums of a year under a thermostat."""
    time = {"start": "2024-01-01", "end": "2025-01-01", "step_min": 30, "timezone": "UTC"}
    none: dict[str, Any] = {"vehicles": [], "battery": None, "photovoltaics": [], "hot_water": None}
    case, state = case_of(**{**none, "time": time, **changes})
    found = simulate_fleet([case.plant], [state], THERMOSTAT)
    return {name: float(values[0]) for name, values in found.sums.items()}


@pytest.mark.parametrize(("emitter", "low", "high"), [("floor", 3.5, 4.7), ("radiator", 2.5, 3.4)])
def test_a_year_has_a_plausible_spf_and_number_of_starts(emitter: str, low: float, high: float) -> None:
    year = year_of(house={"emitter": emitter})
    heat = year["room_heat_kwh"] + year["backup_room_kwh"]
    assert low < heat / (year["heat_pump_kwh"] + year["backup_room_kwh"]) < high
    assert 300 < year["starts_count"] < 4000
    assert year["cold_k_h"] < 20


def test_a_machine_twice_as_large_starts_more_often_and_needs_more_electricity() -> None:
    small, large = (year_of(heat_pump={"rated_kw": kw}) for kw in (6.0, 12.0))
    assert large["starts_count"] > 1.5 * small["starts_count"]
    assert large["heat_pump_kwh"] > small["heat_pump_kwh"]


def test_hot_water_is_dearer_than_floor_heating_and_nothing_is_cooled_in_winter() -> None:
    case, plan = planned(house={"emitter": "fan_coil"}, heat_pump={"reversible": True})
    pump = case.plant.heat_pump
    assert pump is not None
    assert pump.modes == ("room", "water", "cool")
    full = pump.electric_on_kw / pump.heat_max_kw + pump.electric_per_heat
    assert np.all(full[1] > full[0])
    assert float(plan.value("heat_pump.cool_heat").sum()) == 0.0


# ------------------------------------------------------------------------------------------------------- hybrids
def test_a_hybrid_takes_the_cheaper_heat_and_values_what_is_left_at_it() -> None:
    """At 3 ct/kWh the boiler heats alone, and nobody heats the house up to sell warmth to the next day."""
    _, cheap = exactly(second_heater={**GAS, "price_eur_per_kwh": 0.03})
    _, dear = exactly(second_heater={**GAS, "price_eur_per_kwh": 0.50})
    gas, pump = (
        [float(np.sum(p.value(f"{d}.room") + p.value(f"{d}.room_heat"))) for p in (cheap, dear)]
        for d in ("second_heater", "heat_pump")
    )
    assert gas[0] > 0
    assert pump[0] == 0.0
    assert gas[1] == 0.0
    assert pump[1] > 0
    assert cheap.certificate.objective < dear.certificate.objective
    assert cheap.value("house.temperature_0")[-1] < 22.9


@pytest.mark.parametrize("operation", ["optimal", "alternative", "parallel"])
def test_rules_of_a_hybrid_keep_the_house_warm_and_its_heat_is_in_the_house(operation: str) -> None:
    """A home in a simulation that forgot its boiler was at 17 C."""
    point = {} if operation == "optimal" else {"bivalence_c": 2.0}
    case, state = case_of(
        second_heater={**GAS, "operation": operation, **point}, weather={"outdoor_c": -6.0}, vehicles=[]
    )
    slots = Slots.even(0, case.grid.n, case.grid.step_h)
    trace, _ = simulated(case.plant, state, slots, [THERMOSTAT])
    assert float(trace["room_c"].min()) > 19.5
    assert float(trace["tank_c"].min()) > 40.0  # a bath draws it down within a step
    pump = float(trace["room_heat_kw"].sum() + trace["water_heat_kw"].sum())
    boiler = float(trace["second_room_kw"].sum() + trace["second_water_kw"].sum())
    assert pump + boiler > 0
    if operation == "alternative":
        assert pump == 0.0


def test_a_replay_of_a_hybrid_is_warm_pays_its_fuel_and_counts_its_emissions() -> None:
    study = changed(
        kind="home-replay", vehicles=[], second_heater={**GAS, "operation": "alternative", "bivalence_c": 15.0},
        replay={"replan_min": 360, "horizon_h": 12, "baselines": ["thermostat"], "perfect": False},
    )  # fmt: skip
    result = varme.run(study)
    kpis = result.data["replay_kpis"]
    cost, electricity = (np.asarray(kpis.column(f"{name}_eur")) for name in ("cost", "electricity"))
    assert np.all(np.asarray(kpis.column("room_mean_c")) > 19.5)
    assert np.all(np.asarray(kpis.column("stored_eur")) + cost - electricity > 3.0)  # some 80 kWh of gas
    assert np.all(np.asarray(kpis.column("co2_kg")) > 10.0)


# -------------------------------------------------------------------------------------------------- order and scale
def test_the_order_of_devices_does_not_matter() -> None:
    cars = [{"name": "a", "capacity_kwh": 60.0}, {"name": "b", "capacity_kwh": 40.0, "charge_max_kw": 3.7}]
    roofs = [{"peak_kwp": 3.0, "azimuth_deg": 90.0}, {"peak_kwp": 4.0, "azimuth_deg": 270.0}]
    loads = [{"name": "w", "power_kw": 1.0}, {"name": "d", "power_kw": 1.5, "duration_min": 60.0}]
    plans = [
        planned(vehicles=cars[::o], photovoltaics=roofs[::o], deferrable_loads=loads[::o])[1] for o in (1, -1)
    ]
    bounds = [p.certificate.bound for p in plans]
    assert bounds[0] == pytest.approx(bounds[1], abs=0.05)


def test_more_of_what_is_free_never_costs_more() -> None:
    """Best plans with a wider band, more PV, no battery, a longer run."""
    best = exactly()[1].certificate
    free = {
        "band": {"house": {"temperature_min_c": 19.0, "temperature_max_c": 24.0}},
        "sun": {"photovoltaics": [{"peak_kwp": 10.0}]},
        "none": {"battery": {"capacity_kwh": 0.0}},
        "without": {"battery": None},
    }
    value = {name: exactly(**change)[1].certificate for name, change in free.items()}
    for name in ("band", "sun"):
        assert value[name].objective <= best.objective + 0.5
    assert value["none"].objective == pytest.approx(value["without"].objective, abs=1.0)
    assert best.objective <= value["without"].objective + 0.5
    longer = exactly(heat_pump={"run_min": 240.0})[1].certificate
    assert longer.objective >= best.bound - 1e-6


def test_a_plan_does_not_sell_its_stores_and_a_day_is_worth_what_days_are() -> None:
    """Saved a day in two days one after the other, the second from where the first ended: neither empties anything."""
    case, state = case_of(
        time={"start": "2024-01-15", "end": "2024-01-17", "step_min": 30, "timezone": "UTC"}, vehicles=[]
    )
    day, costs, saved = round(24 / case.grid.step_h), [], []
    for number in range(2):
        slots = Slots.even(number * day, day, case.grid.step_h)
        plan = make_plan(case.plant, slots, state)
        found = compared(case.plant, plan, flows_of(plan))
        assert found is not None
        costs.append(plan.cost_cent)
        saved.append(found.rules[0].cost_cent - found.plan_cent)
        state = plan.first_state_after(day) if number < 1 else state
    rule, _ = simulated(
        case.plant,
        case_of(vehicles=[])[1],
        Slots.even(0, 2 * day, case.grid.step_h),
        [replace(THERMOSTAT, room_k=0.6)],
    )
    grid, h = case.plant.grid, case.grid.step_h
    thermostat = h * float(
        grid.import_cent_per_kwh @ rule["import_kw"][:, 0]
        - grid.export_cent_per_kwh @ rule["export_kw"][:, 0]
    )
    chained = thermostat - sum(costs)
    assert sum(saved) > 0
    assert chained > 0.4 * sum(saved)


# ---------------------------------------------------------------------------------------------------- learn and plan
def test_a_house_that_was_learnt_is_planned_as_the_true_one(tmp_path: Path) -> None:
    """The section that is handed over holds what was learnt and what was stated: with floor heating the plan of this
    house with radiators would be 20 % cheaper."""
    (tmp_path / "study.toml").write_text(learn_files()["study.toml"], encoding="utf-8")
    (tmp_path / "record.csv").write_text(record_csv(seed=3), encoding="utf-8")
    learnt = tomllib.loads(device_text(varme.run(tmp_path / "study.toml")))["house"]
    people = 0.3 + 0.25 * 16 / 24
    true = {
        "heat_loss_w_per_k": 160.0, "capacity_kwh_per_k": 10.0, "solar_aperture_m2": 4.0, "emitter": "radiator",
        "internal_gains_kw": people,
    }  # fmt: skip
    day: dict[str, Any] = {
        "time": {"start": "2025-01-20", "end": "2025-01-21", "step_min": 30, "timezone": "UTC"}, "vehicles": [],
        "synthetic": {"year": 2025, "seed": 3}, "hot_water": None, "heat_pump": {"rated_kw": 8.0}, "house": None,
    }  # fmt: skip
    plans = []
    for house in (true, learnt):
        study = changed(**day)
        study["house"] = house
        spec = parse(HomeStudy, study, "test")
        case = load_case(spec, Context())
        slots = Slots.even(0, case.grid.n, case.grid.step_h)
        plans.append(make_plan(case.plant, slots, state_of(spec.state, spec, case.plant)))
    heat = [float(p.value("heat_pump.room_heat").sum()) for p in plans]
    assert plans[1].cost_cent == pytest.approx(plans[0].cost_cent, rel=0.04)
    assert heat[1] == pytest.approx(heat[0], rel=0.04)
