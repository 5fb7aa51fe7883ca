"""Start and stop trajectories of ramp-limited on/off devices as inequalities in level and status alone.

A device that started ``i`` steps ago can have climbed to ``SU + i r`` at most, and one that stops in ``i`` steps must
already be that low::

    f[t] <= SU x[t] + r (x[t-1] + ... + x[t-k+1]) + (F - SU - (k-1) r) x[t-k]        k = 1 .. K, and mirrored in time

with ``K`` the steps to full load. Proof: if the run of ones that ends at ``t`` is at least ``k + 1`` long, the
right-hand side is ``F``; if it is shorter, of length ``l <= k``, the ramp rows give ``f[t] <= SU + (l - 1) r``, which
the first ``l`` terms already allow. In the measured unit-commitment windows these rows alone gave the bound of the
per-device convex hull (a path formulation) to the printed digits.

Sources: Ostrowski, Anjos and Vannelli 2012 (doi:10.1109/TPWRS.2011.2162008); Damci-Kurt, Kucukyavuz, Rajan and Atamturk
2016 (doi:10.1007/s10107-015-0919-9).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from varme.kernel.cuts import Cuts, joined, none
from varme.kernel.model import Arrays, Commitment, Floats, Ints

#: Longest trajectory, in steps; slower devices get shorter inequalities.
LONGEST = 12


@dataclass(frozen=True)
class _Ramp:
    """A device's limit in one direction: steps of ``rate`` after a first of ``first``; ``sign`` -1 looks back."""

    level: Ints
    status: Ints
    most: float
    first: float
    rate: float
    sign: int


class TrajectorySeparator:
    """Finds violated trajectory inequalities; the ramp rows are recognised in the matrix once.

    Args:
        arrays: The model.
        commitments: Its on/off devices.
    """

    def __init__(self, arrays: Arrays, commitments: Sequence[Commitment]) -> None:
        self.ramps = _recognise(arrays, commitments)

    def __call__(self, x: Floats, *, least: float = 1e-3) -> Cuts:
        """Return the most violated trajectory inequality per device, step and direction.

        Args:
            x: The point to cut off.
            least: Smallest violation, as a share of the device's maximum.
        """
        parts = [part for ramp in self.ramps if len(part := _violated(ramp, x, least))]
        return joined(parts) if parts else none()


def _recognise(arrays: Arrays, commitments: Sequence[Commitment]) -> list[_Ramp]:
    """Find rows ``f[t] - f[t-1] - SU x[t] + (SU - r) x[t-1] <= 0`` and their mirror images."""
    n = len(arrays.cost)
    device, step, kind = np.full(n, -1), np.full(n, -1), np.full(n, -1)
    for number, unit in enumerate(commitments):
        for which, columns in enumerate((unit.level, unit.status)):
            device[columns], step[columns], kind[columns] = number, np.arange(len(columns)), which
    rows = np.flatnonzero((np.diff(arrays.indptr) == 4) & (arrays.row_upper == 0))
    at = arrays.indptr[rows][:, None] + np.arange(4)
    col, coef = arrays.indices[at], arrays.data[at]
    order = np.argsort(kind[col] * (step.max() + 2) + step[col], axis=1)
    col, coef = np.take_along_axis(col, order, 1), np.take_along_axis(coef, order, 1)
    fits = (device[col] == device[col[:, :1]]).all(axis=1) & (device[col[:, 0]] >= 0)
    fits &= (kind[col] == np.array([0, 0, 1, 1])).all(axis=1)
    fits &= (step[col[:, 1]] == step[col[:, 0]] + 1) & (step[col[:, 3]] == step[col[:, 2]] + 1)
    fits &= (step[col[:, 0]] == step[col[:, 2]]) & np.isclose(coef[:, 0], -coef[:, 1])
    col, coef = col[fits], coef[fits] / np.abs(coef[fits, :1])
    found = []
    for rising, first_at, sign in ((coef[:, 1] > 0, 3, -1), (coef[:, 0] > 0, 2, 1)):
        first, rate = -coef[rising, first_at], -coef[rising, 2] - coef[rising, 3]
        owner = device[col[rising, 0]]
        for number in np.unique(owner):
            unit, mine = commitments[number], owner == number
            most, start, climb = (
                float(unit.level_max.max()),
                float(first[mine].max()),
                float(rate[mine].max()),
            )
            complete = int(mine.sum()) == len(unit.level) - 1
            if complete and climb > 0 and start < most:
                found.append(_Ramp(unit.level, unit.status, most, start, climb, sign))
    return found


def _violated(ramp: _Ramp, x: Floats, least: float) -> Cuts:
    length = len(ramp.level)
    steps = min(int(np.ceil((ramp.most - ramp.first) / ramp.rate - 1e-9)), LONGEST, length - 1)
    if steps < 1:
        return none()
    share = np.zeros((steps + 1, steps + 1))
    for k in range(1, steps + 1):
        share[k, 0], share[k, 1:k] = ramp.first, ramp.rate
        share[k, k] = ramp.most - ramp.first - (k - 1) * ramp.rate
    position = np.arange(length)[:, None] + ramp.sign * np.arange(steps + 1)
    inside = (position >= 0) & (position < length)
    columns = ramp.status[np.clip(position, 0, length - 1)]
    allowed = np.where(inside, x[columns], 0.0) @ share.T
    reach = inside.sum(axis=1)[:, None] > np.arange(steps + 1)
    excess = np.where(reach, x[ramp.level][:, None] - allowed, -np.inf)[:, 1:] / ramp.most
    which = excess.argmax(axis=1) + 1
    worst = excess.max(axis=1)
    hit = np.flatnonzero(worst > least)
    values = np.concatenate([np.full((len(hit), 1), -1.0), share[which[hit]]], axis=1) / ramp.most
    full = values != 0
    indices = np.concatenate([ramp.level[hit][:, None], columns[hit]], axis=1)[full]
    indptr = np.concatenate([[0], np.cumsum(full.sum(axis=1))])
    return Cuts(
        np.zeros(len(hit)), indptr.astype(np.int32), indices.astype(np.int32), values[full], worst[hit]
    )
