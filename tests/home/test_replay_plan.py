"""A plan executed: at its own step the same states, minute by minute nearly the same, and the guard that stays."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.random_homes import random_home
from varme.components.home import Slots
from varme.home.schedule.plan import make_plan
from varme.home.simulate.guard import Guard, Override
from varme.home.simulate.replay_plan import replay_plan

SEEDS = [0, 2, 4, 7, 12, 21]


def planned(seed, hours=24):
    home = random_home(seed, days=2)
    return home, make_plan(home.plant, home.slots(hours, 15), home.state)


@pytest.mark.parametrize("seed", SEEDS)
def test_block_and_step_are_one_physics(seed):
    """Replayed at its own step with its own straight lines, every plan gives its own states and its own cost."""
    home, plan = planned(seed)
    done = replay_plan(home.plant, plan, step_min=15, exact=False)
    assert done.room_error_k < 1e-9
    assert done.tank_error_k < 1e-9
    assert done.battery_error_kwh < 1e-9
    assert done.cost_cent == pytest.approx(done.planned_cent, abs=1e-6)
    assert done.executable_share == 1.0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_plan_executed_minute_by_minute_stays_within_its_bars(seed):
    """Temperatures within 0.3 K, nothing that devices cannot do; the heat pump takes the plan's power within 5 %."""
    home, plan = planned(seed)
    done = replay_plan(home.plant, plan)
    assert max(done.room_error_k, done.tank_error_k) < 0.3
    assert done.executable_share == 1.0
    assert done.trace.steps == 24 * 60
    table = done.table()
    assert table.data["heat_pump_kw"].mean() == pytest.approx(
        table.data["planned_heat_pump_kw"].mean(), rel=0.05
    )


def test_uneven_slots_are_replayed_as_they_are():
    """Quarter-hours, then hours: the ends of slots are the plan's."""
    home = random_home(2, days=2)
    slots = Slots(0, np.array([1] * 16 + [4] * 12, dtype=np.int32), 0.25)
    plan = make_plan(home.plant, slots, home.state)
    done = replay_plan(home.plant, plan, step_min=15, exact=False)
    assert done.room_error_k < 0.05
    assert len(done.table()) == slots.n


def test_what_the_plan_asks_too_early_is_held_and_told():
    """A compressor that stopped five minutes before may not start: the guard holds it, and a finding says so."""
    home, plan = next(p for p in map(planned, range(30)) if p[1].modes[0] != "off")
    tired = replace(plan.problem, state=replace(plan.problem.state, mode="off", mode_min=0.0))
    done = replay_plan(home.plant, replace(plan, problem=tired))
    assert done.trace["held"][:30].all()
    assert done.executable_share < 1.0
    assert next(f.code for f in done.findings()) == "plan_not_executable"


def test_an_override_by_hand_wins():
    """Off by hand for two hours in a run: no heat in them, once the shortest run is over."""
    home, plan = planned(1)
    on = np.flatnonzero(np.array(plan.modes) != "off")
    first = int(on[8])
    done = replay_plan(home.plant, plan, guard=Guard(overrides=(Override("off", first, first + 8),)))
    mode = done.trace.base("mode")[first + 4 : first + 8, 0]
    assert not mode.any()


def test_electricity_as_set_point_gives_nearly_the_heat():
    """Asked for the planned electricity instead of heat, temperatures move by what the COP differs."""
    home, plan = planned(4)
    done = replay_plan(home.plant, plan, setpoint="electric")
    assert done.room_error_k < 0.3
    planned_kw = done.table().data["planned_heat_pump_kw"]
    assert done.table().data["heat_pump_kw"] == pytest.approx(planned_kw, abs=0.25)


def test_the_findings_carry_figures():
    """A replay that differs says by how much, in its text and as evidence."""
    home, plan = planned(4)
    done = replace(replay_plan(home.plant, plan), room_error_k=0.5)
    finding = done.findings()[-1]
    assert finding.code == "plan_replay_differs"
    assert "0.50 K" in finding.message
    assert finding.evidence["room_error_k"] == 0.5
