"""Baselines: the same heat as the plan, ends valued alike, set points tuned; never a straw man."""

import numpy as np
import pytest

from benchmarks.random_homes import random_home
from varme.home.schedule.plan import make_plan
from varme.home.simulate.baselines import RULES, EndWorth, baseline_costs, simulated, tuned
from varme.home.simulate.fleet import FleetRun, stack
from varme.home.simulate.replay_plan import planned_cent


def beside_a_plan(seed):
    home = random_home(seed, days=2, day=20)
    slots = home.slots(24, 15)
    plan = make_plan(home.plant, slots, home.state)
    worth = plan.problem.worth
    valued = EndWorth(
        worth.room_cent_per_k, worth.tank_cent_per_k, worth.battery_cent_per_kwh, worth.vehicle_cent_per_kwh
    )
    heat = [
        float((plan.value(f"heat_pump.{m}_heat") + plan.value(f"backup.{m}")) @ slots.step_h)
        for m in ("room", "water")
    ]
    nodes = np.array([plan.value(f"house.temperature_{k}")[-1] for k in (0, 1)])
    end = float(valued.room_cent_per_k @ nodes) + valued.tank_cent_per_k * plan.value("tank.temperature")[-1]
    end += valued.battery_cent_per_kwh * plan.value("battery.level")[-1]
    end += valued.vehicle_cent_per_kwh * plan.value("vehicle.car.level")[-1]
    found = baseline_costs(home.plant, slots, home.state, (heat[0], heat[1]), valued, float(end))
    return home, plan, heat, found


@pytest.mark.parametrize("seed", [0, 2])
def test_a_baseline_delivers_the_plans_heat(seed):
    """The thermostat's set points are calibrated: room and tank get the plan's heat, and it costs no less."""
    _, plan, heat, found = beside_a_plan(seed)
    thermostat = found[0]
    assert thermostat.name == "thermostat"
    assert thermostat.same_heat
    assert thermostat.room_heat_kwh == pytest.approx(heat[0], rel=0.01)
    assert thermostat.water_heat_kwh == pytest.approx(heat[1], rel=0.01, abs=0.02)
    assert thermostat.cost_cent > planned_cent(plan)


def test_comfort_is_reported_for_every_baseline():
    """Degree-hours, hot water and departures missed stand beside each cost, computed from its temperatures."""
    home, _, _, found = beside_a_plan(2)
    for one in found:
        low = home.plant.house.low_c[: len(one.room_c)]
        assert one.cold_k_h == pytest.approx(np.maximum(low - one.room_c, 0).sum() * 0.25)
        assert one.short_kwh >= 0
        assert len(one.import_kw) == 96


def test_tuned_rules_are_the_cheapest_that_were_tried():
    """In the same weather no other set point of the same rule is cheaper, comfort at its price included."""
    home = random_home(8, days=7, day=20)
    best = tuned(home.plant, home.state, ["thermostat"])[0]

    def cost(rules):
        out = FleetRun(stack([home.plant], np.float64), [home.state], [rules]).run()
        wishes = home.plant.house.discomfort_cent_per_k_h * (out["cold_k_h"] + out["warm_k_h"])
        return float(
            (out["cost_cent"] + wishes + home.plant.tank.missed_cent_per_k_h * out["water_missed_k_h"])[0]
        )

    assert cost(best) <= cost(RULES["thermostat"])


def test_a_rule_with_set_back_lets_the_room_cool_at_night():
    """The timer is colder at five in the morning than the thermostat, and charges the tank at noon."""
    home = random_home(3, days=3, day=40)
    slots = home.slots(72, 15)
    trace, _ = simulated(home.plant, home.state, slots, [RULES["thermostat"], RULES["timer"]])
    morning = np.flatnonzero(home.plant.seen.local_h == 5.0)
    room = trace["room_c"][morning[1:]]
    assert np.all(room[:, 1] <= room[:, 0] + 1e-9)
