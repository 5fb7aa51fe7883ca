"""The planner against enumeration: rules of the compressor, cheapest schedules, optima of tiny horizons."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.random_homes import random_home
from varme.components.home import Slots
from varme.home.plant import Plant, State
from varme.home.schedule.plan import make_plan
from varme.home.schedule.problem import build
from varme.home.schedule.relaxed import Relaxed
from varme.home.schedule.runs import Pattern, Rules
from varme.home.schedule.search import Choice, Effort, Planner
from varme.home.spec import PlanSpec
from varme.kernel.check import row_activity

STATES = [
    State(),
    State(mode="off", mode_min=10.0),
    State(mode="room", mode_min=30.0),
    State(mode="water", mode_min=500),
]


def kept(pattern: Pattern, slots: Slots, state: State, run_min: float, pause_min: float) -> bool:
    """Follow the compressor in minutes and say whether minimum run and pause are kept (runs past the end may go on)."""
    on, spent = state.mode != "off", state.mode_min
    for mode, minutes in zip(pattern.tolist(), (slots.step_h * 60).tolist(), strict=True):
        runs = mode >= 0
        if runs != on:
            if spent < (run_min if on else pause_min) - 1e-9:
                return False
            on, spent = runs, 0.0
        spent += minutes
    return True


def uneven() -> Slots:
    """Return seven slots of 15 to 60 minutes."""
    return Slots(0, np.array([1, 1, 2, 1, 4, 1, 1], dtype=np.int32), 0.25)


def rules_of(
    slots: Slots, state: State, run_min: float = 60.0, pause_min: float = 30.0
) -> tuple[Rules, Plant]:
    home = random_home(3)
    assert home.plant.heat_pump is not None
    plant = replace(home.plant, heat_pump=replace(home.plant.heat_pump, run_min=run_min, pause_min=pause_min))
    assert plant.heat_pump is not None
    return Rules.of(plant.heat_pump.take(slots), slots, state), plant


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("run_min", "pause_min"), [(60, 30), (30, 45), (0, 0), (75, 15)])
def test_rules_allow_exactly_what_keeps_minimum_run_and_pause(
    state: State, run_min: float, pause_min: float
) -> None:
    slots = uneven()
    rules, _ = rules_of(slots, state, run_min, pause_min)
    wrong = []
    for status in itertools.product((-1, 0), repeat=slots.n):
        pattern = np.array(status)
        on = pattern >= 0
        # A run that begins so late that the plan ends before its shortest length counts as kept.
        if rules.allows(pattern) != kept(pattern, slots, state, run_min, pause_min):
            wrong.append("".join("x" if one else "." for one in on))
    assert not wrong


@pytest.mark.parametrize("state", STATES)
def test_rows_of_the_model_allow_exactly_what_the_rules_allow(state: State) -> None:
    slots = uneven()
    rules, plant = rules_of(slots, state)
    home = random_home(3)
    full = replace(home.state, mode=state.mode, mode_min=state.mode_min)
    problem = build(plant, slots, full)
    model, arrays = problem.model, problem.arrays
    names = ("heat_pump.switch", "heat_pump.run_min", "heat_pump.pause_min")
    rows = np.concatenate([model.rows[name].index for name in names])
    on, start = model.vars["heat_pump.room_on"], model.vars["heat_pump.start"]
    base = np.where(np.isfinite(arrays.col_lower), arrays.col_lower, 0.0)
    wrong = []
    for status in itertools.product((0, 1), repeat=slots.n):
        x = base.copy()
        before = np.concatenate([[state.mode != "off"], np.array(status)])
        x[on.now], x[start.now] = status, np.maximum(np.diff(before.astype(float)), 0.0)
        activity = row_activity(arrays, x)
        fits = np.all(
            (activity >= arrays.row_lower - 1e-9)[rows] & (activity <= arrays.row_upper + 1e-9)[rows]
        )
        fits &= bool(np.all(x <= arrays.col_upper + 1e-9) and np.all(x >= arrays.col_lower - 1e-9))
        if fits != rules.allows(np.array(status) - 1):
            wrong.append(status)
    assert not wrong


@pytest.mark.parametrize("state", STATES)
def test_cheapest_schedule_equals_enumeration(state: State) -> None:
    slots = uneven()
    rules, _ = rules_of(slots, state)
    rng = np.random.default_rng(5)
    patterns = [np.array(p) for p in itertools.product((-1, 0, 1), repeat=slots.n)]
    patterns = [p for p in patterns if rules.allows(p)]
    assert len(patterns) > 5
    for _ in range(20):
        cost = rng.normal(size=(2, slots.n)) * 3

        def total(pattern: Pattern, cost: np.ndarray = cost) -> float:
            on = np.concatenate([[rules.on_before], pattern >= 0])
            run = np.where(pattern >= 0, cost[np.maximum(pattern, 0), np.arange(slots.n)], 0.0).sum()
            return float(run + rules.start_cent * np.sum(on[1:] & ~on[:-1]))

        best = min(total(p) for p in patterns)
        found = rules.cheapest(cost)
        assert rules.allows(found)
        assert total(found) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("seed", [2, 5, 9])
def test_optimum_of_six_slots_equals_enumeration_and_lies_between_bound_and_plan(seed: int) -> None:
    home = random_home(seed)
    plant, state = replace(home.plant, vehicles=()), replace(home.state, vehicle_kwh=())
    slots = Slots(28, np.full(6, 2, dtype=np.int32), 0.25)
    planner = Planner(problem := build(plant, slots, state), Relaxed(problem), Effort())
    planner.root = planner.lp.run()
    assert planner.rules is not None
    values = []
    for one in itertools.product((-1, 0, 1), repeat=6):
        if planner.rules.allows(np.array(one)):
            found = planner.try_choice(Choice(np.array(one)))
            if found is not None and planner.stands(found):
                values.append(found.objective)
    optimum = min(values)
    exact = make_plan(plant, slots, state, PlanSpec(quality="exact", gap_cent=0.0))
    fast = make_plan(plant, slots, state)
    assert exact.certificate.objective == pytest.approx(optimum, abs=1e-5)
    assert fast.certificate.bound <= optimum + 1e-6
    assert fast.certificate.objective >= optimum - 1e-6
    assert fast.certificate.objective - optimum <= fast.certificate.gap_abs + 1e-6


@pytest.mark.parametrize("seed", [1, 4, 11])
def test_branch_and_bound_lies_between_bound_and_fast_plan(seed: int) -> None:
    home = random_home(seed)
    slots = home.slots(8, 30)
    fast = make_plan(home.plant, slots, home.state)
    exact = make_plan(home.plant, slots, home.state, PlanSpec(quality="exact", gap_cent=0.0))
    assert fast.certificate.bound <= exact.certificate.objective + 1e-6
    assert exact.certificate.objective <= fast.certificate.objective + 1e-6
    assert exact.certificate.gap_abs <= 1e-4 + 1e-6 * abs(exact.certificate.objective)
