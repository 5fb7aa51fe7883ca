"""Savings with intervals: weeks drawn with replacement, because one span is one draw of weather and prices.

Weeks are the blocks of the bootstrap (Künsch 1989, doi:10.1214/aos/1176347265): within a week hours depend on each
other, between weeks hardly. What a week leaves in the stores is valued, so that a week that ends warm does not look
dear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.kernel.model import Floats

#: Seasons by month of the middle of a week.
SEASONS = {"winter": (12, 1, 2), "spring": (3, 4, 5), "summer": (6, 7, 8), "autumn": (9, 10, 11)}
#: Fewest blocks for which an interval is given.
BLOCKS_MIN = 3


@dataclass(frozen=True)
class Saving:
    """A saving of one controller over another.

    Attributes:
        controller: Who saves.
        against: Compared with whom.
        season: Season, or ``all``.
        blocks: Weeks (or days).
        saving_eur: Saving over the blocks.
        low_eur: Lower end of the interval; NaN with too few blocks.
        high_eur: Upper end.
        percent: Saving over the other's cost.
        low_percent: Lower end.
        high_percent: Upper end.
    """

    controller: str
    against: str
    season: str
    blocks: int
    saving_eur: float
    low_eur: float
    high_eur: float
    percent: float
    low_percent: float
    high_percent: float


@dataclass(frozen=True, eq=False)
class Blocks:
    """The blocks of a span.

    Attributes:
        edges: First step of each block, and the one after the last.
        month: Month of the middle of each block.
        unit: ``week``, or ``day`` for spans of fewer than three weeks.
    """

    edges: NDArray[np.int64]
    month: NDArray[np.int64]
    unit: str

    @classmethod
    def of(cls, n: int, step_h: float, months: NDArray[np.int64]) -> Blocks:
        """Return the weeks of a span; a rest of under four days goes with the week before."""
        week, day = round(168 / step_h), round(24 / step_h)
        unit, length = ("week", week) if n >= BLOCKS_MIN * week else ("day", day)
        edges = list(range(0, n, length))
        if len(edges) > 1 and n - edges[-1] < 4 * length / 7:
            edges.pop()
        whole = np.array([*edges, n], dtype=np.int64)
        return cls(whole, np.asarray(months[(whole[:-1] + whole[1:]) // 2]), unit)

    def sums(self, values: Floats) -> Floats:
        """Return the sums of a series of steps in each block."""
        return np.asarray(np.add.reduceat(values, self.edges[:-1]))

    def costs(self, cost_cent: Floats, stored_cent: Floats, start_cent: float) -> Floats:
        """Return the cost of each block, less what it leaves more in the stores [cent]."""
        ends = stored_cent[self.edges[1:] - 1]
        return self.sums(cost_cent) - np.diff(np.concatenate([[start_cent], ends]))


def saving(
    names: tuple[str, str],
    ours: Floats,
    theirs: Floats,
    season: str,
    confidence_share: float,
    draws: int,
    seed: int,
) -> Saving:
    """Return a saving with its interval.

    Args:
        names: Controller, and who it is compared with.
        ours: Cost of each block [cent].
        theirs: Cost of each block of the other [cent].
        season: Label of the season.
        confidence_share: Confidence of the interval.
        draws: Draws of the bootstrap.
        seed: Its seed.
    """
    count = len(ours)
    total, base = float(np.sum(theirs - ours)) / 100, float(np.sum(theirs)) / 100
    low = high = low_share = high_share = float("nan")
    if count >= BLOCKS_MIN:
        picked = np.random.default_rng([seed, count]).integers(0, count, size=(draws, count))
        saved = (theirs - ours)[picked].sum(axis=1) / 100
        bases = theirs[picked].sum(axis=1) / 100
        tail = (1 - confidence_share) / 2
        low, high = (float(q) for q in np.quantile(saved, [tail, 1 - tail]))
        shares = saved / np.where(np.abs(bases) > 1e-9, bases, np.nan)
        low_share, high_share = (float(q) for q in np.nanquantile(shares, [tail, 1 - tail]))
    percent = 100 * total / base if abs(base) > 1e-9 else float("nan")
    return Saving(*names, season, count, total, low, high, percent, 100 * low_share, 100 * high_share)


def savings_by_season(
    names: tuple[str, str],
    ours: Floats,
    theirs: Floats,
    blocks: Blocks,
    confidence_share: float,
    draws: int,
    seed: int,
) -> list[Saving]:
    """Return the saving over all blocks, and over those of each season that has enough of them."""
    out = [saving(names, ours, theirs, "all", confidence_share, draws, seed)]
    for season, months in SEASONS.items():
        inside = np.isin(blocks.month, months)
        if blocks.unit == "week" and inside.sum() >= BLOCKS_MIN and not inside.all():
            out.append(saving(names, ours[inside], theirs[inside], season, confidence_share, draws, seed))
    return out


def running(
    ours: Floats, theirs: Floats, confidence_share: float, draws: int, seed: int
) -> tuple[Floats, Floats, Floats]:
    """Return the cumulated saving after each block and its band [EUR], shape (blocks,) each."""
    saved = (theirs - ours) / 100
    total = np.cumsum(saved)
    low, high = np.full(len(saved), np.nan), np.full(len(saved), np.nan)
    tail = (1 - confidence_share) / 2
    for k in range(BLOCKS_MIN, len(saved) + 1):
        picked = np.random.default_rng([seed, k]).integers(0, k, size=(min(draws, 1000), k))
        low[k - 1], high[k - 1] = np.quantile(saved[:k][picked].sum(axis=1), [tail, 1 - tail])
    return np.asarray(total), low, high
