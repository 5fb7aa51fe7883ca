"""Laws that every plan keeps: energy closes, the compressor's rules hold across plans, nothing is burnt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.random_homes import RandomHome, random_home
from varme.components.home import Slots
from varme.home.schedule.plan import Plan, make_plan
from varme.home.schedule.search import Effort
from varme.kernel.check import violation

SEEDS = (0, 3, 6, 11)


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    return [make_plan(home.plant, home.slots(24, 30), home.state) for home in map(random_home, SEEDS)]


def test_balances_close_to_a_billionth_of_a_kwh_by_an_own_recursion(plans: list[Plan]) -> None:
    for plan in plans:
        plant, hours, state = plan.problem.plant, plan.slots.step_h, plan.problem.state
        value, pump, tank, battery = plan.value, plant.heat_pump, plant.tank, plant.battery
        assert pump is not None
        assert tank is not None
        assert battery is not None
        assert plant.house is not None
        drawn = pump.standby_kw + value("backup.room") + value("backup.water")
        heat = {mode: value(f"heat_pump.{mode}_heat") for mode in pump.modes}
        for m, mode in enumerate(pump.modes):
            on = value(f"heat_pump.{mode}_on")
            drawn = drawn + pump.electric_on_kw[m] * on + pump.electric_per_heat[m] * heat[mode]
        drawn = drawn + plant.grid.load_kw + value("battery.charge") + value("vehicle.car.charge")
        given = plant.grid.pv_kw - value("grid.cut") + value("battery.discharge") + value("grid.import")
        assert np.abs((given - value("grid.export") - drawn) * hours).max() < 1e-9
        level, water = state.battery_kwh, float(np.mean(state.tank_c))
        keep = np.exp(-tank.loss_kw_per_k * hours / tank.capacity_kwh_per_k)
        eta = battery.one_way_share
        for t in range(plan.slots.n):
            level += hours[t] * (eta * value("battery.charge")[t] - value("battery.discharge")[t] / eta)
            warm = heat["water"][t] + value("backup.water")[t] - tank.draw_kw[t]
            water = keep[t] * water + (1 - keep[t]) * (tank.surroundings_c + warm / tank.loss_kw_per_k)
            assert abs(level - value("battery.level")[t]) < 1e-9
            assert abs(water - value("tank.temperature")[t]) * tank.capacity_kwh_per_k < 1e-9
        assert plan.residual_kwh < 1e-9


def test_certificate_is_that_of_the_whole_model(plans: list[Plan]) -> None:
    for plan in plans:
        worst, where = violation(plan.problem.arrays, plan.x)
        assert worst < 1e-6, where
        assert plan.certificate.bound <= plan.certificate.objective + 1e-9


def test_no_power_lies_between_nothing_and_the_smallest(plans: list[Plan]) -> None:
    for plan in plans:
        pump, car = plan.problem.plant.heat_pump, plan.problem.plant.vehicles[0]
        assert pump is not None
        for m, mode in enumerate(pump.modes):
            heat = plan.value(f"heat_pump.{mode}_heat")
            runs = heat > 1e-6
            assert np.all(heat[runs] >= pump.heat_min_kw[m][runs] - 1e-6)
            assert np.all(heat[runs] <= pump.heat_max_kw[m][runs] + 1e-6)
        charge = plan.value("vehicle.car.charge")
        assert np.all(charge[charge > 1e-6] >= car.charge_min_kw - 1e-6)
        both = (plan.value("heat_pump.room_heat") > 1e-6) & (plan.value("heat_pump.water_heat") > 1e-6)
        assert not both.any()


@pytest.mark.parametrize("seed", [3, 12])
def test_minimum_run_and_pause_hold_across_plans(seed: int) -> None:
    home = random_home(seed)
    state, warm, on = home.state, None, []
    for k in range(36):
        slots = Slots(2 * k, np.array([1] * 8 + [2] * 4 + [4] * 8, dtype=np.int32), 0.25)
        plan = make_plan(home.plant, slots, state, warm=warm, effort=Effort(stages=0, moves=1))
        on += [mode != "off" for mode in plan.modes[:2]]
        state, warm = plan.first_state_after(2), plan.warm
    edges = np.flatnonzero(np.diff(np.array([False, *on]).astype(int)))
    lengths = np.diff(edges)
    assert len(edges) > 2
    assert np.all(lengths[::2] >= 4), "a run of less than an hour"
    assert np.all(lengths[1::2] >= 2), "a pause of less than half an hour"


def changed_prices(home: RandomHome, bought: float | None = None, sold: float | None = None) -> RandomHome:
    grid = home.plant.grid
    prices = {"import_cent_per_kwh": bought, "export_cent_per_kwh": sold}
    for name, price in prices.items():
        values = getattr(grid, name).copy()
        if price is not None:
            values[20:36] = price
        grid = replace(grid, **{name: values})
    return replace(home, plant=replace(home.plant, grid=grid))


def test_negative_prices_burn_nothing() -> None:
    home = changed_prices(random_home(6), bought=-20.0, sold=-30.0)
    plan = make_plan(home.plant, home.slots(24, 30), home.state)
    assert np.minimum(plan.value("battery.charge"), plan.value("battery.discharge")).max() < 1e-6
    assert np.minimum(plan.value("grid.import"), plan.value("grid.export")).max() < 1e-6
    assert plan.value("grid.import").sum() > 0


def test_export_above_import_is_no_money_machine() -> None:
    home = changed_prices(random_home(6), bought=10.0, sold=25.0)
    plan = make_plan(home.plant, home.slots(24, 30), home.state)
    assert np.minimum(plan.value("grid.import"), plan.value("grid.export")).max() < 1e-6


@pytest.mark.parametrize("count", [1, 92, 100])
def test_horizons_of_one_slot_and_of_days_with_a_clock_change_work(count: int) -> None:
    home = random_home(2)
    plan = make_plan(home.plant, Slots.even(0, count, 0.25), home.state, effort=Effort(moves=1))
    assert plan.slots.n == len(plan.modes) == count
    assert plan.residual_kwh < 1e-9
    assert plan.first_state_after(1).house_c.shape == home.state.house_c.shape


def test_homes_without_devices_are_planned() -> None:
    home = random_home(4)
    bare = replace(
        home.plant, house=None, heat_pump=None, tank=None, battery=None, vehicles=(),
    )  # fmt: skip
    state = replace(home.state, house_c=np.zeros(0), tank_c=np.zeros(0), vehicle_kwh=())
    plan = make_plan(bare, home.slots(24, 60), state)
    net = plan.problem.plant.grid.load_kw - plan.problem.plant.grid.pv_kw
    assert plan.value("grid.import") == pytest.approx(np.maximum(net, 0.0), abs=1e-6)
    assert plan.certificate.gap_abs < 1e-6


def test_blocking_times_and_limits_hold() -> None:
    home = random_home(3)
    pump = home.plant.heat_pump
    assert pump is not None
    available = pump.available.copy()
    available[24:40] = 0.0
    limit = np.full(len(available), np.inf)
    limit[60:72] = 0.9
    plant = replace(home.plant, heat_pump=replace(pump, available=available, electric_max_kw=limit))
    plan = make_plan(plant, home.slots(24, 15), home.state)
    assert set(plan.modes[24:40]) == {"off"}
    drawn = plan.value("backup.room") + plan.value("backup.water")
    inside = pump.take(plan.slots)
    for m, mode in enumerate(pump.modes):
        drawn += inside.electric_on_kw[m] * plan.value(f"heat_pump.{mode}_on")
        drawn += inside.electric_per_heat[m] * plan.value(f"heat_pump.{mode}_heat")
    assert drawn[60:72].max() <= 0.9 + 1e-6


def test_starts_of_a_day_are_limited() -> None:
    home = random_home(3)
    pump = home.plant.heat_pump
    assert pump is not None
    plant = replace(home.plant, heat_pump=replace(pump, starts_per_day_max=1.0, start_cent=0.0))
    plan = make_plan(plant, home.slots(20, 30), replace(home.state, starts_today=0))
    on = np.array([False, *(mode != "off" for mode in plan.modes)])
    day = plant.seen.local_day[plan.slots.edges[:-1]]
    starts = on[1:] & ~on[:-1]
    assert max(int(starts[day == one].sum()) for one in np.unique(day)) <= 1
