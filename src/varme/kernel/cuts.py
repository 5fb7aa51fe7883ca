"""Cover inequalities for rows that several on/off devices serve together: a far stronger bound than the relaxed LP.

In the relaxed LP a large device may run at a few percent of its minimum, with a status to match. A row
``sum a_j f_j + rest >= D`` with ``0 <= f_j <= F_j x_j`` says more: if the devices of a set ``C`` give at most
``a(C) < D``, the others must supply ``D' = D - a(C)``, so ``sum over the others of min(a_j F_j, D') x_j + rest >= D'``.
Any other device may also stand in the inequality with its level ``a_j f_j`` in place of its status. Continuous columns
stay in ``rest`` or go to a bound.

Sources: knapsack covers, Carr, Fleischer, Leung and Phillips 2000 (SODA, 106-115); flow covers with variable upper
bounds, Padberg, Van Roy and Wolsey 1985 (doi:10.1287/opre.33.4.842); bound substitution as in Marchand and Wolsey 2001
(doi:10.1287/opre.49.3.363.11211).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.kernel.model import Arrays, Commitment, Floats, Ints

Bools = NDArray[np.bool_]

#: Statuses at or above these values put a device into the cover.
THRESHOLDS = (0.9999, 0.9, 0.7, 0.5, 0.3, 0.15, 0.05)


@dataclass(frozen=True)
class Cuts:
    """Rows ``lower <= A x`` in CSR form, with how far each is violated (as a share of its right-hand side)."""

    lower: Floats
    indptr: Ints
    indices: Ints
    data: Floats
    violation: Floats

    def __len__(self) -> int:
        return len(self.lower)


@dataclass(frozen=True)
class _Entries:
    """The candidate rows, padded to one width, with every coefficient oriented so that the row reads ``>=``."""

    row: Ints
    sign: Floats
    col: Ints
    coef: Floats
    item: Bools
    status: Ints
    capacity: Floats
    partner: Ints
    ratio: Floats


class CoverSeparator:
    """Finds violated cover inequalities; it is prepared once for a matrix and used for every change of numbers.

    Args:
        arrays: The model.
        commitments: Its on/off devices.
    """

    def __init__(self, arrays: Arrays, commitments: Sequence[Commitment]) -> None:
        self.entries = _prepare(arrays, commitments)

    def __call__(self, arrays: Arrays, x: Floats, *, least: float = 1e-3) -> Cuts:
        """Return at most one violated inequality per row and way of handling the continuous columns.

        Args:
            arrays: The model with the numbers of now.
            x: The point to cut off.
            least: Smallest violation, as a share of the right-hand side.
        """
        entries = self.entries
        if entries is None:
            return none()
        parts = [_separate(entries, arrays, x, least, near) for near in (True, False)]
        return joined(parts)


def none() -> Cuts:
    """Return no cuts."""
    empty, zero = np.empty(0), np.zeros(1, dtype=np.int32)
    return Cuts(empty, zero, np.empty(0, dtype=np.int32), empty, empty)


def joined(parts: Sequence[Cuts]) -> Cuts:
    """Return several sets of cuts as one."""
    ends = np.cumsum([0, *(len(part.indices) for part in parts)])
    pointers = [part.indptr[:-1] + end for part, end in zip(parts, ends, strict=False)]
    return Cuts(
        np.concatenate([part.lower for part in parts]),
        np.concatenate([*pointers, ends[-1:]]).astype(np.int32),
        np.concatenate([part.indices for part in parts]),
        np.concatenate([part.data for part in parts]),
        np.concatenate([part.violation for part in parts]),
    )


def _variable_bounds(arrays: Arrays, level_of: Ints) -> tuple[Ints, Floats]:
    """Return per column the level column ``f`` (-1 = none) and the ratio of a row ``q <= r f``."""
    n = len(arrays.cost)
    lead, ratio = np.full(n, -1, dtype=np.int32), np.zeros(n)
    two = np.flatnonzero((np.diff(arrays.indptr) == 2) & np.isfinite(arrays.row_upper))
    two = two[arrays.row_upper[two] == 0]
    at = arrays.indptr[two][:, None] + np.arange(2)
    col, coef = arrays.indices[at], arrays.data[at]
    for own, other in ((0, 1), (1, 0)):
        fits = (
            (coef[:, own] > 0)
            & (coef[:, other] < 0)
            & (level_of[col[:, other]] >= 0)
            & (level_of[col[:, own]] < 0)
        )
        fits &= ~arrays.integer[col[:, own]] & (arrays.col_lower[col[:, own]] >= 0)
        lead[col[fits, own]] = col[fits, other]
        ratio[col[fits, own]] = -coef[fits, other] / coef[fits, own]
    return lead, ratio


def _prepare(arrays: Arrays, commitments: Sequence[Commitment]) -> _Entries | None:
    n = len(arrays.cost)
    device, status, most = np.full(n, -1, dtype=np.int32), np.full(n, -1, dtype=np.int32), np.zeros(n)
    for number, unit in enumerate(commitments):
        device[unit.level], status[unit.level], most[unit.level] = number, unit.status, unit.level_max
    lead, ratio = _variable_bounds(arrays, device)
    led = np.flatnonzero(lead >= 0)
    status[led], most[led] = status[lead[led]], ratio[led] * most[lead[led]]
    device[led] = device[lead[led]]
    width = np.diff(arrays.indptr)
    owner = np.repeat(np.arange(len(width)), width)
    known = device[arrays.indices] >= 0
    pairs = np.unique(owner[known].astype(np.int64) * (len(commitments) + 1) + device[arrays.indices[known]])
    several = np.bincount(pairs // (len(commitments) + 1), minlength=len(width)) >= 2
    sides = [(np.flatnonzero(several & np.isfinite(side)), sign) for side, sign in _sides(arrays)]
    rows = np.concatenate([side for side, _ in sides]).astype(np.int32)
    if not len(rows):
        return None
    sign = np.concatenate([np.full(len(side), sign) for side, sign in sides])
    place = np.arange(width[rows].max())
    real = place < width[rows][:, None]
    at = np.where(real, arrays.indptr[rows][:, None] + place, 0)
    col, coef = arrays.indices[at], np.where(real, arrays.data[at] * sign[:, None], 0.0)
    item = real & (status[col] >= 0) & (coef > 0)
    partner = np.full(col.shape, -1, dtype=np.int32)
    for position in range(col.shape[1]):
        fits = (coef[:, position] < 0) & (lead[col[:, position]] >= 0)
        leader = (col == lead[col[:, position]][:, None]) & item & fits[:, None]
        where = np.nonzero(leader)
        partner[where] = position
    useful = item.sum(axis=1) >= 2
    return _Entries(
        row=rows[useful],
        sign=sign[useful],
        col=col[useful],
        coef=coef[useful],
        item=item[useful],
        status=np.where(item, status[col], 0)[useful],
        capacity=np.where(item, coef * most[col], 0.0)[useful],
        partner=partner[useful],
        ratio=np.where(partner >= 0, np.take_along_axis(ratio[col], np.maximum(partner, 0), 1), 0.0)[useful],
    )


def _sides(arrays: Arrays) -> tuple[tuple[Floats, float], tuple[Floats, float]]:
    return (arrays.row_lower, 1.0), (arrays.row_upper, -1.0)


def _separate(e: _Entries, arrays: Arrays, x: Floats, least: float, near: bool) -> Cuts:
    """Return the most violated inequality of each row; ``near`` puts continuous columns at their nearer bound."""
    value = x[e.col]
    lower, upper = arrays.col_lower[e.col], arrays.col_upper[e.col]
    demand = np.where(e.sign > 0, arrays.row_lower[e.row], -arrays.row_upper[e.row])
    paired, place = e.partner >= 0, np.maximum(e.partner, 0)
    pull = np.where(paired, -np.take_along_axis(e.coef, place, 1), 0.0)
    drawn = np.take_along_axis(value, place, 1)
    slack = pull * (e.ratio * value - drawn)
    tight = paired & (drawn > 0.5 * e.ratio * value)
    capacity = e.capacity * np.where(tight, 1.0 - pull * e.ratio / np.where(e.item, e.coef, 1.0), 1.0)
    supply = e.coef * value - pull * drawn
    mate = np.zeros(e.col.shape, dtype=bool)
    row_of, position_of = np.nonzero(paired)
    mate[row_of, e.partner[row_of, position_of]] = True
    rest = ~e.item & ~mate & (e.coef != 0)
    base, far = np.where(e.coef > 0, lower, upper), np.where(e.coef > 0, upper, lower)
    keep = np.isfinite(base) & rest
    if near:
        keep &= np.abs(value - base) <= np.abs(value - far)
    else:
        keep &= ~np.isfinite(far)
    with np.errstate(invalid="ignore"):
        shift = np.where(keep, e.coef * base, np.where(rest, e.coef * far, 0.0))
    need = demand - shift.sum(axis=1)
    loose = np.where(keep, e.coef * (value - base), 0.0).sum(axis=1)
    on = x[e.status]
    best = np.full(len(need), least)
    chosen, stand_in, net = np.zeros_like(e.item), np.zeros_like(e.item), need.copy()
    extra = np.where(tight, slack, 0.0)
    for threshold in THRESHOLDS:
        cover = e.item & (on >= threshold)
        left = need - np.where(cover, capacity, 0.0).sum(axis=1)
        by_status = np.minimum(capacity, left[:, None]) * on + extra
        use = e.item & ~cover & (by_status <= supply)
        given = np.where(cover, extra, np.where(use, by_status, np.where(e.item, supply, 0.0))).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            short = np.where(left > 1e-3 * np.abs(need) + 1e-6, (left - given - loose) / left, -1.0)
        better = np.isfinite(short) & (short > best + 1e-9)
        best = np.where(better, short, best)
        net = np.where(better, left, net)
        chosen[better], stand_in[better] = cover[better], use[better]
    hit = np.flatnonzero(best > least)
    if not len(hit):
        return none()
    return _written(
        e, hit, chosen[hit], stand_in[hit], net[hit], best[hit], keep, shift, tight, pull, capacity
    )


def _written(
    e: _Entries,
    hit: NDArray[np.intp],
    cover: Bools,
    stand_in: Bools,
    net: Floats,
    violation: Floats,
    keep: Bools,
    shift: Floats,
    tight: Bools,
    pull: Floats,
    capacity: Floats,
) -> Cuts:
    """Write the chosen inequalities in the model's columns, divided by their right-hand side ``D'``."""
    item, partner = e.item[hit], e.partner[hit]
    keep, tight, pull = keep[hit], tight[hit], pull[hit]
    as_level = item & ~cover & ~stand_in
    slack = item & ~as_level & tight
    on_status = np.where(stand_in, np.minimum(capacity[hit], net[:, None]), 0.0)
    on_column = np.where(keep | as_level, e.coef[hit], 0.0) + np.where(slack, pull * e.ratio[hit], 0.0)
    drawing = np.where((as_level | slack) & (partner >= 0), -pull, 0.0)
    row_of, position_of = np.nonzero(partner >= 0)
    on_column[row_of, partner[row_of, position_of]] += drawing[row_of, position_of]
    right = net + np.where(keep, shift[hit], 0.0).sum(axis=1)
    columns = np.concatenate([e.col[hit], e.status[hit]], axis=1)
    values = np.concatenate([on_column, on_status], axis=1) / net[:, None]
    full = values != 0
    counts = full.sum(axis=1)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return Cuts(right / net, indptr, columns[full].astype(np.int32), values[full], violation)
