"""Plans of a machine with modes: against every pattern that there is, with bounds that hold."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from varme.ground.errors import ModelError
from varme.kernel.check import violation
from varme.kernel.highs import Solver
from varme.kernel.model import Model
from varme.kernel.switched import Limits, Modes, crash, diffused, plan, with_statuses

STEPS = 6


def machine(seed: int, *, strict: bool = False, floor: float = 1.0) -> tuple[Model, Modes]:
    """Return a machine that fills two stores, one at a time, from a market with a kinked price."""
    rng = np.random.default_rng(seed)
    model = Model(STEPS)
    buy = model.var("buy", cost=rng.uniform(2, 6, STEPS))
    sell = model.var("sell", upper=3.0, cost=-rng.uniform(0, 1, STEPS))
    balance = [(1.0, buy.now), (-1.0, sell.now)]
    columns, artificial = [], []
    for name, need in (("a", 0.7), ("b", 0.4)):
        power = model.var(f"{name}_power", upper=2.0)
        level = model.var(f"{name}_level", upper=4.0, history=1)
        missing = model.var(f"{name}_missing", cost=500.0)
        rows = [(1.0, level.now), (-0.95, level.lag(1)), (-1.0, power.now), (-1.0, missing.now)]
        rest = -need * rng.uniform(0.5, 1.5, STEPS)
        model.add(f"{name}_balance", rows, lower=rest, upper=rest)
        balance.append((-1.0, power.now))
        columns.append(power.now)
        artificial.append(missing.now)
    surplus = rng.uniform(-0.5, 1.5, STEPS)
    model.add("one", [(0.5, c) for c in columns], upper=1.0)
    model.add("bus", balance, lower=-surplus, upper=-surplus)
    model.assemble()
    for name in ("a", "b"):
        model.set_history(model.vars[f"{name}_level"], np.array([1.0]))
    shape = (2, STEPS)
    low = np.full(shape, 2.0 if strict else floor)
    return model, Modes(np.stack(columns), low, np.full(shape, 2.0), (), np.concatenate(artificial))


def enumerated(model: Model, modes: Modes) -> float:
    """Return the least cost over all patterns, each an LP of its own."""
    best, arrays = np.inf, model.arrays
    assert arrays is not None
    solver = Solver(arrays)
    zeros = np.zeros(len(modes.artificial))
    solver.change_bounds(modes.artificial, zeros, zeros)
    for pattern in itertools.product((-1, 0, 1), repeat=STEPS):
        chosen = np.arange(2)[:, None] == np.array(pattern)[None, :]
        low, high = np.where(chosen, modes.low, 0.0), np.where(chosen, modes.high, 0.0)
        solver.change_bounds(modes.columns.reshape(-1).astype(np.int32), low.reshape(-1), high.reshape(-1))
        found = solver.run()
        if found.status == "optimal":
            best = min(best, found.objective)
    return best


@pytest.mark.parametrize("strict", [False, True], ids=["between limits", "full or off"])
@pytest.mark.parametrize("seed", range(3))
def test_a_tight_search_finds_the_best_of_all_patterns(seed: int, strict: bool) -> None:
    model, modes = machine(seed, strict=strict)
    assert model.arrays is not None
    found = plan(model.arrays, modes, Limits(gap_share=1e-9))
    assert found.objective == pytest.approx(enumerated(model, modes), rel=1e-7)
    assert found.bound == pytest.approx(found.objective, rel=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_a_loose_search_keeps_its_promise_of_the_gap_and_the_pattern(seed: int) -> None:
    model, modes = machine(seed)
    assert model.arrays is not None
    loose = plan(model.arrays, modes, Limits(gap_share=0.05, stages=(3, 2)))
    tight = plan(model.arrays, modes, Limits(gap_share=1e-9))
    assert loose.bound <= tight.objective + 1e-7
    assert loose.objective >= tight.objective - 1e-7
    assert loose.gap_share <= 0.05 + 1e-9
    assert violation(model.arrays, loose.x)[0] < 1e-6
    powers = loose.x[modes.columns]
    for m in range(2):
        on = loose.pattern == m
        assert (powers[m, on] >= modes.low[m, on] - 1e-9).all()
        assert powers[m, ~on] == pytest.approx(0.0)
    assert loose.x[modes.artificial] == pytest.approx(0.0)


def test_the_model_with_statuses_has_the_relaxation_of_the_lean_one() -> None:
    model, modes = machine(3)
    assert model.arrays is not None
    full, status = with_statuses(model.arrays, modes)
    solver = Solver(full)
    solver.relax(True)
    assert solver.run().objective == pytest.approx(Solver(model.arrays).run().objective)
    assert full.integer[status].all()


def test_a_basis_that_carries_every_balance_gives_the_same_optimum() -> None:
    model, modes = machine(5)
    assert model.arrays is not None
    carried = [("a_balance", "a_level"), ("b_balance", "b_level"), ("bus", "buy")]
    started = plan(model.arrays, modes, Limits(gap_share=1e-9), start=crash(model, carried))
    assert started.objective == pytest.approx(plan(model.arrays, modes, Limits(gap_share=1e-9)).objective)


def test_a_hot_solver_plans_changed_numbers_from_the_last_pattern() -> None:
    model, modes = machine(1)
    arrays = model.arrays
    assert arrays is not None
    solver, limits = Solver(arrays), Limits(gap_share=1e-9)
    first = plan(arrays, modes, limits, hot=solver)
    model.set_limits(model.rows["bus"], lower=-0.3, upper=-0.3)
    solver.push(model)
    again = plan(arrays, modes, limits, hot=solver, first=[first.pattern])
    assert again.objective == pytest.approx(enumerated(model, modes), rel=1e-7)


def test_a_need_that_no_pattern_meets_is_an_error_and_not_a_penalty() -> None:
    model, modes = machine(2)
    assert model.arrays is not None
    model.set_limits(model.rows["a_balance"], lower=-3.0, upper=-3.0)
    with pytest.raises(ModelError, match="P301"):
        plan(model.arrays, modes, Limits(gap_share=1e-3, time_limit_s=5))


def test_diffused_amounts_keep_the_running_total_within_a_packet() -> None:
    rng = np.random.default_rng(4)
    amounts = np.stack([rng.uniform(0, 0.9, 40), np.zeros(40)])
    modes = Modes(np.zeros((2, 40), dtype=np.int32), np.full((2, 40), 2.0), np.full((2, 40), 2.0))
    pattern = diffused(amounts, modes, 0, 0.5)
    assert np.abs(np.cumsum(amounts[0]) - 2.0 * np.cumsum(pattern == 0)).max() <= 1.0 + 1e-9
    assert not (pattern == 1).any()
