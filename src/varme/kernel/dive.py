"""Plans from a relaxed LP: round the statuses by the level that the LP gives, then solve the LP with them fixed.

A device that the LP runs at a few percent of its minimum is kept on: rounding at half the minimum loses load in summer
(30 % cost error, measured), so several thresholds are tried and the blocks of the best plans are put together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from varme.kernel.blocks import Relaxation, gap_by_step
from varme.kernel.cuts import Bools
from varme.kernel.highs import Solver
from varme.kernel.model import Arrays, Commitment, Floats, Ints


@dataclass(frozen=True)
class Plan:
    """A feasible plan by the solver's account, and the row duals of the LP that gave it."""

    x: Floats
    objective: float
    row_dual: Floats | None = None


def rounded(
    commitments: Sequence[Commitment], arrays: Arrays, integers: Ints, x: Floats, threshold: float
) -> Floats:
    """Return values for the integer columns: on where the level exceeds ``threshold`` times the minimum.

    Devices without a minimum are on where their status is above the threshold. Runs that are too short for the minimum
    times are filled and extended. Other integer columns are rounded to the nearest value.
    """
    values = np.round(x)
    for unit in commitments:
        scale = np.where(unit.level_min > 0, unit.level_min, unit.level_max)
        on = x[unit.level] > threshold * scale
        on |= arrays.col_lower[unit.status] > 0.5
        on &= arrays.col_upper[unit.status] > 0.5
        if unit.min_up > 1 or unit.min_down > 1:
            on = _lengthened(on, unit.min_up, unit.min_down)
        values[unit.status] = on
    return np.asarray(values[integers], dtype=float)


def _lengthened(on: Bools, min_up: int, min_down: int) -> Bools:
    """Extend runs to ``min_up`` steps (forwards) and fill gaps shorter than ``min_down`` between runs."""
    on = on.copy()
    for _ in range(3):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(np.int8), [0]])))
        starts, ends = edges[::2], edges[1::2]
        for first, end in zip(starts.tolist(), ends.tolist(), strict=True):
            if first > 0 and end - first < min_up:
                on[first : min(len(on), first + min_up)] = True
        edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(np.int8), [0]])))
        for end, start in zip(edges[1:-1:2].tolist(), edges[2::2].tolist(), strict=True):
            if start - end < min_down:
                on[end:start] = True
    return on


def solve_fixed(solver: Solver, integers: Ints, values: Floats) -> tuple[Plan | None, int]:
    """Solve the hot LP with the integer columns fixed; ``None`` if infeasible, whatever objective HiGHS reports."""
    solver.change_bounds(integers, values, values)
    answer = solver.run()
    if answer.status != "optimal":
        return None, answer.iterations
    x = answer.x.copy()
    x[integers] = values
    return Plan(x, answer.objective, answer.row_dual), answer.iterations


def mixed(relaxed: Relaxation, plans: Sequence[Plan], steps: int) -> Floats:
    """Return a point that takes each block of ``steps`` from the plan whose gap is least there; only statuses count."""
    gaps = np.array([gap_by_step(relaxed, plan.x) for plan in plans])
    starts = np.arange(0, relaxed.length, steps)
    best = np.add.reduceat(gaps, starts, axis=1).argmin(axis=0)
    choice = np.repeat(best, np.diff(np.append(starts, relaxed.length)))[relaxed.col_step]
    points = np.array([plan.x for plan in plans])
    return np.asarray(np.take_along_axis(points, choice[None, :], 0)[0], dtype=float)
