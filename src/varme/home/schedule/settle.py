"""States by exact forward recursion from the decisions of a plan, and how far its balances are from closing."""

from __future__ import annotations

import numpy as np

from varme.home.schedule.problem import Problem
from varme.kernel.check import row_activity
from varme.kernel.model import Floats


def settled(problem: Problem, x: Floats) -> Floats:
    """Return a plan whose levels follow from its decisions step by step, and whose electricity adds up.

    An LP's answer keeps its rows to 1e-7; here the rest of each balance is carried forward, as the recursion of the
    store would have done, so that balances close to rounding. Decisions stay as they are.
    """
    x = x.copy()
    arrays, model, n = problem.arrays, problem.model, problem.slots.n
    plant = problem.plant
    levels: list[list[str]] = []
    if plant.house is not None:
        levels.append([f"house.temperature_{k}" for k in range(plant.house.network.nodes)])
    singles = [name.replace("balance", "level") for name in model.rows if name.endswith(".balance")]
    levels += [[name] for name in singles if name in model.vars]
    rest = row_activity(arrays, x) - arrays.row_lower
    for group in levels:
        rows = [model.rows[_balance_of(name)].index for name in group]
        if any(
            model.vars[name].history != 1 or row.shape != (n,) for name, row in zip(group, rows, strict=True)
        ):
            continue
        change = _carried(np.stack([rest[row] for row in rows], axis=1), _lags(problem, group))
        for k, name in enumerate(group):
            x[model.vars[name].now] -= change[:, k]
    balance = problem.balance.index
    rest = (row_activity(arrays, x) - arrays.row_lower)[balance]
    bought, sold = model.vars["grid.import"].now, model.vars["grid.export"].now
    # At equal prices an LP may buy and sell at once, for nothing: one meter shows the difference.
    both = np.where(arrays.cost[bought] + arrays.cost[sold] >= -1e-12, np.minimum(x[bought], x[sold]), 0.0)
    both = np.maximum(both, 0.0)
    x[bought] -= both
    x[sold] -= both
    into = x[bought] >= x[sold]
    x[bought[into]] -= rest[into]
    x[sold[~into]] += rest[~into]
    return x


def _balance_of(level: str) -> str:
    return (
        level.replace("temperature", "balance")
        if level.startswith("house.")
        else level.replace("level", "balance")
    )


def _lags(problem: Problem, group: list[str]) -> Floats:
    """Return how the levels of a group depend on themselves a slot before, shape (n, k, k)."""
    n, k = problem.slots.n, len(group)
    if group[0].startswith("house."):
        assert problem.plant.house is not None
        return problem.plant.house.steps(problem.slots.step_h)[0]
    return np.ones((n, k, k))


def _carried(rest: Floats, lags: Floats) -> Floats:
    """Return the sums of what is left over, carried forward, shape (n, k)."""
    if rest.shape[1] == 1 and np.all(lags == 1.0):
        return np.cumsum(rest, axis=0)
    out, before = np.empty_like(rest), np.zeros(rest.shape[1])
    for t, one in enumerate(rest):
        before = one + lags[t] @ before
        out[t] = before
    return out


def residual_kwh(problem: Problem, x: Floats) -> float:
    """Return the largest amount by which a balance of a plan does not close in a slot [kWh]."""
    arrays, hours = problem.arrays, problem.slots.step_h
    rest = np.abs(row_activity(arrays, x) - arrays.row_lower)
    worst = float(np.max(rest[problem.balance.index] * hours))
    plant = problem.plant
    for name, rows in problem.model.rows.items():
        if ".balance" not in name:
            continue
        scale = 1.0
        if name.startswith("house.") and plant.house is not None:
            scale = float(plant.house.network.capacity_kwh_per_k.max())
        elif name.startswith("tank.") and plant.tank is not None:
            scale = plant.tank.capacity_kwh_per_k
        worst = max(worst, float(rest[rows.index].max()) * scale)
    return worst
