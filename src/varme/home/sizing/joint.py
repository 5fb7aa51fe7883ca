"""Periods and sizes in one program: typical days for a preview, and the one-shot program that tests compare with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.home.sizing.master import SizeCost
from varme.home.sizing.period import PeriodProgram
from varme.kernel.highs import Solver, require_optimal
from varme.kernel.model import Arrays, Floats

INF = float("inf")
#: Share of its largest size above which the relaxation is taken to build something.
BUILT_SHARE = 0.05
#: Row numbers within a block, columns and values.
Term = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Joint:
    """What the one program answered: sizes and yearly cost [EUR]."""

    sizes: Floats
    value: float


class _Matrix:
    """Rows in coordinate form, grown by parts."""

    def __init__(self) -> None:
        self.rows: list[Floats] = []
        self.columns: list[Floats] = []
        self.values: list[Floats] = []
        self.lower: list[Floats] = []
        self.upper: list[Floats] = []
        self.count = 0

    def add(self, lower: Floats, upper: Floats, *terms: Term) -> None:
        """Add a block of rows; a term holds row numbers within the block, columns and values."""
        for rows, columns, values in terms:
            self.rows.append(np.asarray(rows) + self.count)
            self.columns.append(np.asarray(columns))
            self.values.append(np.asarray(values, dtype=float))
        self.lower.append(lower)
        self.upper.append(upper)
        self.count += len(lower)


def solve_joint(
    programs: list[PeriodProgram],
    weights: Floats,
    sizes: list[SizeCost],
    start: Floats | None = None,
    fixed: Floats | None = None,
    rounded: bool = False,
) -> Joint:
    """Decide sizes and operation in one program.

    Args:
        programs: The periods.
        weights: EUR a year per cent of each period, shape (K,).
        sizes: The sizes.
        start: Levels at the start of a chain of periods; if ``None``, every period ends at least where it began.
        fixed: Sizes to hold, shape (D,).
        rounded: Whether what is built is rounded from the relaxation instead of decided: a good answer in a third of
        the
            time, without a proof.
    """
    d, matrix = len(sizes), _Matrix()
    first = 3 * d + np.concatenate([[0], np.cumsum([len(p.base.cost) for p in programs])]).astype(int)
    columns = int(first[-1])
    cost, lower, upper = np.zeros(columns), np.zeros(columns), np.full(columns, INF)
    whole = np.zeros(columns, dtype=bool)
    cost[2 * d : 3 * d] = 1.0
    for k, size in enumerate(sizes):
        upper[k], upper[d + k] = size.high, 1.0
        lower[d + k] = 0.0 if size.low == 0 or size.optional else 1.0
        whole[d + k] = size.whole
        if fixed is not None:
            lower[k] = upper[k] = fixed[k]
        matrix.add(
            np.array([-INF]), np.zeros(1), (np.zeros(2), np.array([k, d + k]), np.array([1.0, -size.high]))
        )
        matrix.add(
            np.zeros(1), np.array([INF]), (np.zeros(2), np.array([k, d + k]), np.array([1.0, -size.low]))
        )
        for per, constant in size.lines:
            term = (np.zeros(3), np.array([2 * d + k, k, d + k]), np.array([1.0, -per, -constant]))
            matrix.add(np.zeros(1), np.array([INF]), term)
    for k, program in enumerate(programs):
        _period(matrix, program, int(first[k]), (lower, upper))
        cost[first[k] : first[k + 1]] = weights[k] * program.base.cost
        before = programs[k - 1] if start is not None and k else program
        begin = first[k - 1] if start is not None and k else first[k]
        if start is not None and not k:
            at = first[0] + program.starts
            lower[at] = upper[at] = start
            continue
        for store, ends in enumerate(before.ends):
            at = np.array([first[k] + program.starts[store], *(begin + c for _, c in ends)])
            values = np.array([-1.0, *(w for w, _ in ends)])
            matrix.add(
                np.zeros(1), np.array([INF if start is None else 0.0]), (np.zeros(len(at)), at, values)
            )
    arrays = _assembled(matrix, cost, lower, upper, whole)
    solver = Solver(arrays, mip_rel_gap=1e-5)
    if rounded and whole.any():
        solver.relax(True)
        relaxed = require_optimal(solver.run(), "sizes and operation in one program")
        places = np.flatnonzero(whole).astype(np.int32)
        built = (relaxed.x[places] > BUILT_SHARE).astype(float)
        solver.change_bounds(places, built, built)
    found = solver.run()
    if rounded or not whole.any():
        require_optimal(found, "sizes and operation in one program")
    return Joint(np.clip(found.x[:d], 0.0, None), found.objective)


def _period(matrix: _Matrix, program: PeriodProgram, first: int, bounds: tuple[Floats, Floats]) -> None:
    """Add the rows of a period; limits that depend on sizes become terms in the sizes' columns."""
    base = program.base
    lower, upper = bounds
    lower[first : first + len(base.cost)], upper[first : first + len(base.cost)] = (
        base.col_lower,
        base.col_upper,
    )
    rows = np.repeat(np.arange(len(base.row_lower)), np.diff(base.indptr))
    terms: list[Term] = [(rows, base.indices + first, base.data)]
    terms += [(s.rows, np.full(len(s.rows), d), -s.row_slope) for d, s in enumerate(program.slopes)]
    matrix.add(base.row_lower, base.row_upper, *terms)
    sized = np.unique(np.concatenate([s.columns for s in program.slopes])).astype(int)
    place = {int(c): i for i, c in enumerate(sized)}
    more: list[Term] = [(np.arange(len(sized)), sized + first, np.ones(len(sized)))]
    for d, s in enumerate(program.slopes):
        own = np.array([place[int(c)] for c in s.columns], dtype=int)
        more.append((own, np.full(len(own), d), -s.upper_slope))
    matrix.add(np.full(len(sized), -INF), base.col_upper[sized], *more)
    upper[first + sized] = INF


def _assembled(matrix: _Matrix, cost: Floats, lower: Floats, upper: Floats, whole: Floats) -> Arrays:
    rows = np.concatenate(matrix.rows).astype(int)
    order = np.argsort(rows, kind="stable")
    indptr = np.zeros(matrix.count + 1, dtype=np.int32)
    np.cumsum(np.bincount(rows, minlength=matrix.count), out=indptr[1:])
    return Arrays(
        cost, lower, upper, np.asarray(whole, dtype=bool), np.concatenate(matrix.lower), np.concatenate(matrix.upper),
        indptr, np.concatenate(matrix.columns)[order].astype(np.int32), np.concatenate(matrix.values)[order],
    )  # fmt: skip
