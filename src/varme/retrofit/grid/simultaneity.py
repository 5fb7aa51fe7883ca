"""Simultaneity of heat pumps, measured: g(n, temperature) from the town's own meters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Simultaneity:
    """Peak of the sum of n heat pumps over the sum of their own peaks.

    Attributes:
        count: Numbers of heat pumps n, shape (counts,).
        low_c: Lower edge of the temperature bins [C], shape (bins,); the first is minus infinity.
        median: Median over random groups, shape (bins, counts).
        p05: 5th percentile over random groups.
        p95: 95th percentile.
        days: Days in each bin, shape (bins,).
    """

    count: NDArray[np.int64]
    low_c: Floats
    median: Floats
    p05: Floats
    p95: Floats
    days: NDArray[np.int64]


def measure_simultaneity(
    hourly: NDArray[np.float32],
    local_day: NDArray[np.int64],
    temperature_c: Floats,
    *,
    draws: int = 200,
    seed: int = 1,
) -> Simultaneity:
    """Return g(n, temperature) from hourly heat-pump meters.

    Args:
        hourly: Electricity by heat pump and step [kWh], shape (meters, steps), NaN where missing.
        local_day: Day number of each step, shape (steps,).
        temperature_c: Outdoor temperature by day [C], shape (days,).
        draws: Random groups for each n.
        seed: Seed of the groups.
    """
    rng = np.random.default_rng(seed)
    load = np.nan_to_num(hourly)
    own = np.quantile(load, 0.999, axis=1)
    keep = own > 0
    load, own = load[keep], own[keep]
    m = len(own)
    counts = np.unique(np.clip(np.array([1, 2, 3, 5, 8, 12, 20, 30, 45, 70]), 1, m))
    low = np.array([-np.inf, -5.0, 0.0, 5.0, 10.0])
    bin_of_step = (np.searchsorted(low, temperature_c, side="right") - 1)[local_day]
    draw = np.empty((draws, len(low), len(counts)))
    for d in range(draws):
        order = rng.permutation(m)
        for c, n in enumerate(counts):
            total = load[order[:n]].sum(axis=0)
            for b in range(len(low)):
                mine = total[bin_of_step == b]
                draw[d, b, c] = mine.max() / own[order[:n]].sum() if len(mine) else np.nan
    days = np.bincount(np.searchsorted(low, temperature_c, side="right") - 1, minlength=len(low))
    p05, p50, p95 = np.quantile(draw, [0.05, 0.5, 0.95], axis=0)
    return Simultaneity(counts, low, p50, p05, p95, days)
