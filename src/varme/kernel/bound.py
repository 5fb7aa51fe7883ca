"""Lower bounds from duals: of one model, and of a whole horizon from the duals of its windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.kernel.horizon import Trajectories
from varme.kernel.model import Arrays, Floats, Model

#: Steps between the switching points that are tried within an overlap.
SWITCH_STEP = 4


@dataclass(frozen=True)
class BoundParts:
    """What rows and columns contribute to a dual bound, shapes (m,) and (n,); -inf where a column is unbounded."""

    rows: Floats
    columns: Floats


def bound_parts(arrays: Arrays, row_dual: Floats) -> BoundParts:
    """Return what every row and column contributes to the bound that row duals prove.

    ``min over x of (c - A'y) x + y b``, taken column by column over the bounds: weak duality, valid for every
    ``y``. Duals of
    the wrong sign for a one-sided row count as 0, so the bound is always valid, if perhaps weak.
    """
    dual = np.where((row_dual > 0) & np.isneginf(arrays.row_lower), 0.0, row_dual)
    dual = np.where((dual < 0) & np.isposinf(arrays.row_upper), 0.0, dual)
    weights = np.repeat(dual, np.diff(arrays.indptr)) * arrays.data
    reduced = arrays.cost - np.bincount(arrays.indices, weights=weights, minlength=len(arrays.cost))
    limit = np.where(dual > 0, arrays.row_lower, arrays.row_upper)
    rows = np.where(dual != 0, dual * np.where(np.isfinite(limit), limit, 0.0), 0.0)
    tiny = np.abs(reduced) < 1e-7 * np.maximum(1.0, np.abs(arrays.cost))
    at = np.where(reduced > 0, arrays.col_lower, arrays.col_upper)
    free = ~np.isfinite(at)
    columns = np.where(free, np.where(tiny, 0.0, -np.inf), reduced * np.where(free, 0.0, at))
    return BoundParts(rows, columns)


def dual_bound(arrays: Arrays, row_dual: Floats) -> float:
    """Return the lower bound that any row duals prove for the LP relaxation, hence for the MILP.

    It is -inf if a column without a bound has a reduced cost that needs one.
    """
    parts = bound_parts(arrays, row_dual)
    return float(parts.rows.sum() + parts.columns.sum()) + arrays.offset


def horizon_bound(model: Model, found: Trajectories) -> float:
    """Return a lower bound of the whole horizon's cost from the relaxed duals of its windows.

    The windows' duals, put side by side, are a dual point of the whole horizon's relaxation. At a seam two
    windows offer duals
    for the steps of the overlap; a bound is lost where they disagree about the worth of what is handed over.
    So at every
    seam several switching points are tried, and the best is taken: what it contributes depends on that seam alone.

    Args:
        model: The assembled model of the whole horizon, with the state before it put in.
        found: Trajectories of its windows.
    """
    arrays: Arrays = model.arrays  # type: ignore[assignment]
    firsts = found.column("first").astype(int)
    overlap = min((len(t) for tails in found.bound_tails.values() for t in tails[:-1]), default=0)
    best = _dual(model, found, np.zeros(len(firsts), dtype=int))
    if len(firsts) == 1 or not overlap:
        return dual_bound(arrays, best)
    row_step, column_step = _steps(model)
    options = list(range(0, overlap + 1, SWITCH_STEP))
    seams = firsts[1:]
    worth = np.empty((len(options), len(seams)))
    for position, shift in enumerate(options):
        parts = bound_parts(arrays, _dual(model, found, np.full(len(firsts), shift)))
        by_step = np.bincount(row_step, weights=parts.rows, minlength=model.length)
        by_step += np.bincount(column_step, weights=parts.columns, minlength=model.length)
        total = np.concatenate([[0.0], np.cumsum(np.where(np.isfinite(by_step), by_step, -1e15))])
        ends = np.minimum(seams + overlap + 2, model.length)
        worth[position] = total[ends] - total[np.maximum(seams - 2, 0)]
    shifts = np.concatenate([[0], np.array(options)[worth.argmax(axis=0)]])
    return max(dual_bound(arrays, _dual(model, found, shifts)), dual_bound(arrays, best))


def _dual(model: Model, found: Trajectories, shifts: NDArray[np.int_]) -> Floats:
    """Return the duals of all rows, each window's reaching ``shifts[k + 1]`` steps into its overlap."""
    arrays: Arrays = model.arrays  # type: ignore[assignment]
    firsts = found.column("first").astype(int)
    dual = np.zeros(len(arrays.row_lower))
    for name, rows in model.rows.items():
        own = found.bound_duals.get(name)
        if own is None or rows.index.size != own.size:
            continue
        values = own.copy()
        tails = found.bound_tails.get(name, [])
        for number, tail in enumerate(tails[:-1]):
            reach = min(int(shifts[number + 1]), len(tail))
            start = firsts[number + 1]
            values[start : start + reach] = tail[:reach]
        dual[rows.index] = values
    return dual


def _steps(model: Model) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Return the step that every row and every column belongs to; scalars belong to the first."""
    arrays: Arrays = model.arrays  # type: ignore[assignment]
    row_step = np.zeros(len(arrays.row_lower), dtype=int)
    for rows in model.rows.values():
        if rows.index.size == model.length:
            row_step[rows.index] = np.arange(model.length)
    column_step = np.zeros(len(arrays.cost), dtype=int)
    for var in model.vars.values():
        if var.index.ndim:
            column_step[var.index] = np.maximum(np.arange(len(var.index)) - var.history, 0)
    return row_step, column_step
