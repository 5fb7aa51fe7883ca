"""What a plan hands on, what it says of prices, and how it repeats itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.random_homes import random_home
from varme.components.home import Slots
from varme.home.schedule.plan import make_plan
from varme.home.schedule.problem import worth_of
from varme.home.schedule.search import QUICK
from varme.home.spec import PlanSpec


def test_equal_calls_give_equal_bytes() -> None:
    home = random_home(5)
    one, two = (make_plan(home.plant, home.slots(24, 30), home.state) for _ in range(2))
    assert one.x.tobytes() == two.x.tobytes()
    assert one.certificate == two.certificate


def test_a_warm_start_keeps_the_certificate_and_the_plan_within_its_gap() -> None:
    home = random_home(9)
    first = make_plan(home.plant, home.slots(24, 30), home.state)
    state, slots = first.first_state_after(2), Slots(4, np.full(48, 2, dtype=np.int32), 0.25)
    cold, warm = make_plan(home.plant, slots, state), make_plan(home.plant, slots, state, warm=first.warm)
    assert warm.certificate.max_violation < 1e-6
    # Both know the COP at other tank temperatures: a few cents apart.
    assert abs(warm.certificate.bound - cold.certificate.bound) < 0.02 * abs(cold.certificate.bound) + 3


def test_a_basis_of_another_home_serves() -> None:
    donor, home = random_home(7), random_home(8)
    left = make_plan(donor.plant, donor.slots(24, 30), donor.state).warm
    plan = make_plan(home.plant, home.slots(24, 30), home.state, warm=left, effort=QUICK)
    assert plan.certificate.max_violation < 1e-6
    assert plan.certificate.bound <= plan.certificate.objective


def test_state_after_slots_is_that_of_the_plan() -> None:
    home = random_home(3)
    plan = make_plan(home.plant, home.slots(24, 30), home.state)
    after = plan.first_state_after(20)
    assert after.battery_kwh == plan.value("battery.level")[19]
    assert after.house_c[0] == plan.value("house.temperature_0")[19]
    assert after.mode == plan.modes[19]
    on = [mode != "off" for mode in plan.modes[:20]]
    spent = next((k for k, one in enumerate(reversed(on)) if one != on[-1]), len(on))
    assert after.mode_min == pytest.approx(30.0 * spent) or spent == len(on)


def test_worth_of_electricity_is_the_price_where_it_is_bought_and_nothing_else_moves() -> None:
    home = random_home(1)
    bare = replace(home.plant, battery=None, vehicles=())
    plan = make_plan(bare, home.slots(24, 30), replace(home.state, vehicle_kwh=()))
    worth = plan.row_dual[plan.problem.balance.index] / plan.slots.step_h
    bought, sold = plan.value("grid.import") > 1e-3, plan.value("grid.export") > 1e-3
    assert worth[bought] == pytest.approx(plan.problem.plant.grid.import_cent_per_kwh[bought], abs=1e-6)
    assert worth[sold] == pytest.approx(plan.problem.plant.grid.export_cent_per_kwh[sold], abs=1e-6)
    assert bought.sum() > 10


def test_terminal_values_know_the_season() -> None:
    home = random_home(1)
    slots = home.slots(24, 60)
    plant = home.plant.take(slots)
    assert plant.house is not None
    winter = worth_of(plant, slots)
    summer = worth_of(replace(plant, house=replace(plant.house, outdoor_c=np.full(24, 26.0))), slots)
    assert winter.room_cent_per_k.min() > 0
    assert summer.room_cent_per_k.max() == 0
    assert summer.tank_cent_per_k > 0


def test_cop_of_hot_water_is_that_at_the_plans_own_temperatures_within_a_tenth() -> None:
    home = random_home(4)
    plan = make_plan(home.plant, home.slots(24, 30), home.state)
    pump = plan.problem.plant.heat_pump
    assert pump is not None
    m = pump.modes.index("water")
    drawn = pump.electric_on_kw[m] * plan.value("heat_pump.water_on")
    drawn = drawn + pump.electric_per_heat[m] * plan.value("heat_pump.water_heat")
    assert plan.water_error_kwh <= 0.1 * float(np.sum(drawn * plan.slots.step_h)) + 1e-9


def test_exact_plans_close_the_gap() -> None:
    home = random_home(0)
    plan = make_plan(home.plant, home.slots(12, 60), home.state, PlanSpec(quality="exact", gap_cent=0.5))
    assert plan.certificate.gap_abs <= 0.5 + 1e-6
