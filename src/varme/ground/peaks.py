"""Peak charges as data: what the highest import of a month or a year costs, for planners, replays and bills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PeakCharge:
    """A charge on the highest import in each period (a month or a year), over a base grid of N steps or n slots.

    In a plan it is one column per period, ``peak_p >= import_t`` for every step t of p that counts, with
    ``peak_p >= floor_p``, at ``cent_per_kw``; the constant ``cent_per_kw * floor_p`` is subtracted. So a plan of one
    day pays for the kilowatts that it adds to a peak, and nothing for a peak that is already reached.

    Attributes:
        name: What the charge is called on the bill.
        cent_per_kw: Price of a kilowatt in one period, with VAT where it is charged.
        period: Number of the period of each step, rising in time, shape (N,).
        counts: Whether a step's import counts, shape (N,).
        free_kw: Import that costs nothing, or is paid anyhow (the minimum of Flanders' capacity tariff).
        so_far_kw: Peak that is already reached in the period of the first step.
        expected_kw: Peak that the home reaches anyhow in each period, so that a plan may use it freely.
        minimum_kw: Import that is billed in every period, whatever the peak: part of the fixed costs.
        interval_min: Length of the metering interval whose mean counts [min].
    """

    name: str
    cent_per_kw: float
    period: Ints
    counts: NDArray[np.bool_]
    free_kw: float = 0.0
    so_far_kw: float = 0.0
    expected_kw: float = 0.0
    minimum_kw: float = 0.0
    interval_min: int = 15

    def periods(self) -> Ints:
        """Return the numbers of the periods that occur, rising, shape (p,)."""
        return np.unique(self.period)

    def floors(self, so_far_kw: float | None = None, planning: bool = True) -> Floats:
        """Return the import up to which nothing more is paid in each period, shape (p,).

        Args:
            so_far_kw: Peak already reached in the first period; the charge's own if not given.
            planning: Whether the expected peak counts (in plans) or not (on bills).
        """
        least = max(self.free_kw, self.minimum_kw, self.expected_kw if planning else 0.0)
        floors = np.full(len(self.periods()), least)
        if len(floors):
            floors[0] = max(least, self.so_far_kw if so_far_kw is None else so_far_kw)
        return floors

    def reached_kw(self, so_far_kw: float, import_kw: Floats, first: int, count: int) -> float:
        """Return the peak so far in the period of the step after some steps: it begins anew with a month or year.

        Args:
            so_far_kw: Peak already reached in the period of the first of these steps.
            import_kw: Import in them, shape (count,).
            first: First of them.
            count: How many.
        """
        last = min(first + count, len(self.period) - 1)
        here = self.period[first : first + count]
        mine = (here == self.period[last]) & self.counts[first : first + count]
        before = so_far_kw if count == 0 or self.period[first] == self.period[last] else 0.0
        return max(before, float(np.max(import_kw[mine], initial=0.0)))

    def take(self, edges: Ints) -> PeakCharge:
        """Return the charge over slots of base steps.

        Args:
            edges: First base step of each slot and the one after the last, shape (n + 1,). A slot belongs to the period
                in which it begins, and counts if any of its steps does.
        """
        first = np.asarray(edges[:-1], dtype=np.int64)
        inside = self.counts[: int(edges[-1])]
        counts = np.logical_or.reduceat(inside, first) if len(first) else np.zeros(0, bool)
        started = (
            self
            if first.size == 0 or self.period[first[0]] == self.period[0]
            else replace(self, so_far_kw=0.0)
        )
        return replace(started, period=self.period[first], counts=counts)


def peak_after(
    charges: Sequence[PeakCharge], so_far_kw: Floats, import_kw: Floats, at: int, ends: bool = True
) -> Floats:
    """Return the highest import so far after a step of a simulation, for homes of one tariff, shape (homes,).

    Only steps that count raise it, and after the last step of a period of the first charge it is 0 again. Without a
    charge it is the highest import of all.

    Args:
        charges: The charges over the base grid.
        so_far_kw: Highest import before the step, shape (homes,).
        import_kw: Import in it, shape (homes,).
        at: Base step.
        ends: Whether this is the last part of the base step (a simulation may have several).
    """
    if not charges:
        return np.maximum(so_far_kw, import_kw)
    charge = charges[0]
    if ends and at + 1 < len(charge.period) and charge.period[at + 1] != charge.period[at]:
        return np.zeros_like(so_far_kw)
    return np.maximum(so_far_kw, import_kw) if charge.counts[at] else so_far_kw
