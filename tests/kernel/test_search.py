"""The search against brute force: bound <= optimum <= objective on instances small enough to enumerate."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from varme.ground.errors import ModelError
from varme.kernel.blocks import column_steps, gap_by_step, lift, relaxation, surroundings
from varme.kernel.bound import dual_bound
from varme.kernel.check import violation
from varme.kernel.cuts import CoverSeparator, none
from varme.kernel.dive import solve_fixed
from varme.kernel.highs import Solver
from varme.kernel.model import INF, Model
from varme.kernel.patterns import on_off, ramp
from varme.kernel.search import EFFORTS, Searcher, search
from varme.kernel.trajectories import TrajectorySeparator

STEPS = 5


def system(demand, *, ramps=0.4, start_cost=0.0, min_up=1, min_down=1, slack=True, initial=(0.0, 0.0)):
    """Two devices with a minimum load and a store serve a demand; what is missing costs 50."""
    length = len(demand)
    model = Model(length)
    supply = []
    for name, most, least, cost, before in (
        ("a", 10.0, 5.0, 1.0, initial[0]),
        ("b", 6.0, 3.0, 3.0, initial[1]),
    ):
        past = max(1, min_up, min_down)
        level = model.var(f"{name}.level", upper=most, cost=cost, history=past)
        kinds = {"start_cost": start_cost, "min_up": min_up, "min_down": min_down}
        device = on_off(model, name, level, level_min=least, level_max=most, **kinds)
        if ramps < 1:
            step = ramps * most
            ramp(model, name, level, up=step, down=step, level_min=least, status=device.status)
        supply.append((1.0, level.now))
        model_state = (level, device, before)
        model.__dict__.setdefault("states", []).append(model_state)
    content = model.var("store.content", upper=2.0, history=1)
    charge = model.var("store.charge", lower=-1.0, upper=1.0)
    model.add("store", [(1.0, content.now), (-1.0, content.lag(1)), (-1.0, charge.now)], lower=0.0, upper=0.0)
    spill = model.var("spill", upper=INF if slack else 0.0)
    missing = model.var("missing", upper=INF if slack else 0.0, cost=50.0)
    terms = [*supply, (-1.0, charge.now), (-1.0, spill.now), (1.0, missing.now)]
    demand = np.asarray(demand, dtype=float)
    model.add("balance", terms, lower=demand, upper=demand)
    arrays = model.assemble()
    for level, device, before in model.__dict__["states"]:
        model.set_history(level, np.full(level.history, before))
        model.set_history(device.status, np.full(device.status.history, float(before > 0)))
        for extra in (device.start, device.stop):
            if extra is not None:
                model.set_history(extra, np.zeros(extra.history))
    model.set_history(content, np.ones(1))
    return model, arrays


def brute_force(arrays):
    """The optimum over every combination of statuses, by LPs."""
    solver = Solver(arrays)
    solver.relax(True)
    integers = np.flatnonzero(arrays.integer).astype(np.int32)
    best = np.inf
    for values in itertools.product((0.0, 1.0), repeat=len(integers)):
        plan, _ = solve_fixed(solver, integers, np.array(values))
        best = min(best, np.inf if plan is None else plan.objective)
    return best


def assert_honest(arrays, found, optimum):
    tolerance = 1e-6 * max(1.0, abs(optimum))
    assert found.bound <= optimum + tolerance
    assert found.objective >= optimum - tolerance
    assert violation(arrays, found.x)[0] <= 1e-6
    assert found.objective == pytest.approx(float(arrays.cost @ found.x) + arrays.offset)
    assert found.gap_abs == pytest.approx(max(0.0, found.objective - found.bound))


@pytest.mark.parametrize("quality", ["fast", "precise"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ramps": 1.0},
        {"start_cost": 7.0},
        {"start_cost": 7.0, "min_up": 3},
        {"min_up": 2, "min_down": 3, "initial": (5.0, 0.0)},
    ],
)
def test_brackets_the_enumerated_optimum(quality, options):
    model, arrays = system([3.0, 9.5, 12.0, 1.0, 4.0], **options)
    optimum = brute_force(arrays)
    solver = Solver(arrays, presolve="off")
    found = search(solver, arrays, model.commitments, quality=quality)
    assert_honest(arrays, found, optimum)
    tight = search(solver, arrays, model.commitments, quality="precise", gap_target=1e-9)
    assert_honest(arrays, tight, optimum)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    demand=st.lists(st.floats(0.0, 17.0).map(lambda value: round(value, 2)), min_size=4, max_size=4),
    ramps=st.sampled_from([0.2, 0.4, 1.0]),
    start_cost=st.sampled_from([0.0, 4.0]),
    minimum=st.sampled_from([(1, 1), (2, 1), (1, 3)]),
    on=st.booleans(),
)
def test_brackets_any_small_system(demand, ramps, start_cost, minimum, on):
    kinds = {"ramps": ramps, "start_cost": start_cost, "min_up": minimum[0], "min_down": minimum[1]}
    model, arrays = system(demand, initial=(5.0 if on else 0.0, 0.0), **kinds)
    optimum = brute_force(arrays)
    effort = replace(EFFORTS["precise"], target=1e-9, block_steps=2, lift_steps=2)
    found = Searcher(Solver(arrays, presolve="off"), arrays, model.commitments).run(effort=effort)
    assert_honest(arrays, found, optimum)


def relaxed_with_plans(demand, **options):
    """The LP, and every feasible plan of the enumeration."""
    model, arrays = system(demand, **options)
    solver = Solver(arrays, presolve="off")
    solver.relax(True)
    answer = solver.run()
    integers = np.flatnonzero(arrays.integer).astype(np.int32)
    plans = []
    for values in itertools.product((0.0, 1.0), repeat=len(integers)):
        plan, _ = solve_fixed(solver, integers, np.array(values))
        if plan is not None:
            plans.append(plan)
    steps = column_steps(arrays, model.commitments)
    duals = (answer.row_dual, answer.reduced_cost, answer.objective)
    return model, arrays, answer, plans, relaxation(arrays, none(), steps, answer.x, *duals)


def test_cuts_hold_for_every_plan_and_raise_the_bound():
    model, arrays, answer, plans, _ = relaxed_with_plans([3.0, 10.5, 12.0, 1.0], initial=(5.0, 0.0))
    cuts = [CoverSeparator(arrays, model.commitments)(arrays, answer.x)]
    cuts.append(TrajectorySeparator(arrays, model.commitments)(answer.x))
    assert len(cuts[0]), "a wrong separator finds nothing and proves nothing"
    for found in cuts:
        for row in range(len(found)):
            span = slice(found.indptr[row], found.indptr[row + 1])
            assert found.data[span] @ answer.x[found.indices[span]] < found.lower[row]
            worst = min(found.data[span] @ plan.x[found.indices[span]] for plan in plans)
            assert worst >= found.lower[row] - 1e-7


def test_trajectories_hold_for_every_plan():
    model, arrays, answer, plans, _ = relaxed_with_plans([9.9, 0.0, 9.9, 0.0, 9.9], ramps=0.2)
    found = TrajectorySeparator(arrays, model.commitments)(answer.x)
    assert len(found)
    for row in range(len(found)):
        span = slice(found.indptr[row], found.indptr[row + 1])
        assert (
            min(found.data[span] @ plan.x[found.indices[span]] for plan in plans) >= found.lower[row] - 1e-7
        )


def test_the_gap_splits_exactly_over_time():
    _, arrays, _, plans, relaxed = relaxed_with_plans([3.0, 9.5, 12.0, 1.0], start_cost=5.0)
    for plan in plans[:20]:
        gaps = gap_by_step(relaxed, plan.x)
        assert gaps.min() >= -1e-6
        assert gaps.sum() == pytest.approx(float(arrays.cost @ plan.x) - relaxed.bound, abs=1e-6)


def test_lifted_blocks_stay_below_the_optimum():
    _, _, _, plans, relaxed = relaxed_with_plans([3.0, 9.5, 12.0, 1.0])
    best = min(plans, key=lambda plan: plan.objective)
    gains = [lift(relaxed, best.x, first, first + 2, abs_gap=0.0, nodes=100).gain for first in (0, 2)]
    assert min(gains) >= 0
    assert relaxed.bound + sum(gains) <= best.objective + 1e-6


def test_an_infeasible_model_is_reported():
    model, arrays = system([30.0, 30.0, 30.0, 30.0, 30.0], slack=False)
    with pytest.raises(ModelError):
        search(Solver(arrays, presolve="off"), arrays, model.commitments)


def test_infeasible_only_with_whole_statuses_is_reported():
    """Demand below every minimum with no spill: the LP runs a device at a fraction, no plan can."""
    model, arrays = system([2.5, 2.5, 2.5, 2.5, 2.5], slack=False)
    with pytest.raises(ModelError):
        search(Solver(arrays, presolve="off"), arrays, model.commitments)


def test_the_solver_is_left_as_it_was_and_runs_repeat():
    model, arrays = system([3.0, 9.5, 12.0, 1.0, 4.0])
    solver = Solver(arrays, presolve="off")
    searcher = Searcher(solver, arrays, model.commitments)
    first, second = searcher.run("precise"), searcher.run("precise")
    assert solver.highs.getNumRow() == len(arrays.row_lower)
    assert (first.objective, first.bound) == (second.objective, second.bound)
    np.testing.assert_array_equal(first.x, second.x)
    assert not first.time_limit_hit


def test_a_start_is_used_only_if_it_is_feasible():
    model, arrays = system([3.0, 9.5, 12.0, 1.0, 4.0])
    searcher = Searcher(Solver(arrays, presolve="off"), arrays, model.commitments)
    best = searcher.run("precise", gap_target=1e-9)
    again = searcher.run("fast", gap_target=1.0, start=best.x)
    assert again.objective == pytest.approx(best.objective)
    wrong = searcher.run("fast", start=np.zeros(len(arrays.cost)))
    assert violation(arrays, wrong.x)[0] <= 1e-6


@pytest.mark.parametrize("quality", ["fast", "precise"])
def test_prices_are_the_duals_of_the_plan_with_its_statuses_fixed(quality):
    """Strong duality on the model's own rows: no part of the objective is left to a cut."""
    model, arrays = system([3.0, 9.5, 12.0, 1.0, 4.0], start_cost=7.0)
    found = search(Solver(arrays, presolve="off"), arrays, model.commitments, quality=quality)
    assert found.row_dual is not None
    assert found.row_dual.shape == arrays.row_lower.shape
    fixed = np.where(arrays.integer, np.round(found.x), np.nan)
    lower = np.where(arrays.integer, fixed, arrays.col_lower)
    upper = np.where(arrays.integer, fixed, arrays.col_upper)
    held = replace(arrays, col_lower=lower, col_upper=upper)
    assert dual_bound(held, found.row_dual) == pytest.approx(found.objective, rel=1e-7)
    assert dual_bound(arrays, found.root_dual) == pytest.approx(found.root_bound, rel=1e-7)


def test_a_penalty_that_a_start_avoids_is_not_left_in_the_plan():
    """At a gap target that any plan meets, demand is served all the same where that is cheaper."""
    model, arrays = system([3.0, 9.5, 12.0, 9.0, 4.0], ramps=1.0)
    searcher = Searcher(Solver(arrays, presolve="off"), arrays, model.commitments)
    missing = model.vars["missing"].now
    off = replace(EFFORTS["fast"], target=1e9, thresholds=(3.0,), mends=0)
    assert searcher.run(effort=off).x[missing].sum() > 1.0
    found = searcher.run(effort=replace(off, mends=8))
    assert found.x[missing].sum() == pytest.approx(0.0, abs=1e-9)
    assert found.row_dual is not None


def test_spans_around_penalties_are_joined_while_short():
    amounts = np.zeros(30)
    amounts[[1, 3, 20]] = 5.0, 1.0, 9.0
    assert surroundings(amounts, 2, 3) == [(18, 24, 9.0), (0, 7, 6.0)]
    assert surroundings(np.zeros(30), 2, 3) == []
