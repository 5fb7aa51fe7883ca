"""Packets: what the whole number of on-steps up to any step must be, when a device fills a leaky store.

A device that runs at one power or not at all puts a packet into a store whenever it is on. With a level
``T[t] = k[t] T[t-1] + g[t] x[t] + r[t]`` within ``[low, high]`` and ``x`` whole, the number of packets up to ``t``,
``N[t] = x[0] + ... + x[t]``, is at least the fewest (largest first) that lift the level to ``low[t]`` and at most the
most (smallest first) that do not exceed ``high[t]``. The relaxed LP knows neither, because it may run at a fraction.

The rows ``N[t] = N[t-1] + x[t]``, ``least[t] <= N[t] <= most[t]`` cut no plan off. They are Chvatal-Gomory cuts of the
knapsacks that the store's balances add up to (Chvatal 1973, doi:10.1016/0012-365X(73)90167-2), written sparsely with
one further column per step, on which a solver can also separate and branch. In a lot-sizing view they are the
cumulative demands in whole batches (Pochet and Wolsey 2006, ch. 4, doi:10.1007/0-387-33477-7).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.kernel.model import Floats, Ints, Model, Number, Var

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Store:
    """A leaky store that packets fill; arrays of shape (n,).

    Attributes:
        keep: k, share of the level that a step keeps.
        gain: g, what a packet adds; above 0.
        rest: r, what else a step adds.
        low: Lowest level at the end of each step; minus infinity for none.
        high: Highest level at the end of each step; infinity for none.
        start: Level before the first step.
    """

    keep: Floats
    gain: Floats
    rest: Floats
    low: Floats
    high: Floats
    start: float

    def path(self, on: Floats) -> Floats:
        """Return the levels of schedules, shape (..., n) as ``on``."""
        levels = np.empty(on.shape)
        level: Floats | float = self.start
        for t in range(len(self.keep)):
            level = self.keep[t] * level + self.gain[t] * on[..., t] + self.rest[t]
            levels[..., t] = level
        return levels

    def allows(self, on: Floats, tolerance: float = 1e-9) -> Bools:
        """Return whether schedules keep the level within its limits, shape (...)."""
        levels = self.path(on)
        within = (levels >= self.low - tolerance) & (levels <= self.high + tolerance)
        return np.asarray(within.all(axis=-1))

    def counts(self) -> tuple[Floats, Floats]:
        """Return the fewest and the most packets up to each step, shapes (n,); never below 0 or above the steps."""
        n = len(self.keep)
        # Levels divided by what has been kept since the start: the store's knapsacks then share their weights.
        kept = np.cumprod(self.keep)
        weight = self.gain / kept
        free = self.start + np.cumsum(self.rest / kept)
        need, room = self.low / kept - free, self.high / kept - free
        least, most = np.zeros(n), np.arange(1.0, n + 1)
        ordered = np.empty(0)
        for t in range(n):
            ordered = np.insert(ordered, np.searchsorted(ordered, weight[t]), weight[t])
            sums = np.cumsum(ordered[::-1])
            slack = 1e-9 * (1.0 + abs(free[t]))
            if need[t] > slack:
                least[t] = np.searchsorted(sums, need[t] - slack) + 1
            if np.isfinite(room[t]):
                most[t] = np.searchsorted(np.cumsum(ordered), room[t] + slack, side="right")
        least = np.maximum.accumulate(least)
        most = np.minimum(np.minimum.accumulate(most[::-1])[::-1], np.arange(1.0, n + 1))
        return least, most


def add_counts(model: Model, name: str, statuses: Ints, share: Number, limits: tuple[Floats, Floats]) -> Var:
    """Add the number of packets up to each step, within limits; its history column must be fixed to 0.

    Args:
        model: The model.
        name: Name of the count.
        statuses: Columns of the status, or of a level that is a share of its largest when on, shape (n,).
        share: Packets per unit of these columns: 1 for a status, 1 over the largest level for a level.
        limits: Fewest and most packets (:meth:`Store.counts`).
    """
    count = model.var(name, lower=limits[0], upper=limits[1], history=1)
    negative = -np.asarray(share, dtype=float) if not hasattr(share, "full") else share
    model.add(
        f"{name}_sum", [(1.0, count.now), (-1.0, count.lag(1)), (negative, statuses)], lower=0.0, upper=0.0
    )
    return count
