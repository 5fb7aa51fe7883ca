"""The distribution-free form: the shift of log heat that minimises the energy distance to log electricity.

The energy distance of X - t and Y (Szekely & Rizzo 2013) is ``2 E|X - t - Y| - E|X - X'| - E|Y - Y'|``; only the first
term depends on t, and it is smallest at the median of all pairwise differences: the estimator of Hodges and Lehmann
(1963). The n m differences are never formed: the count of those below t is a binary search in the sorted heat, and t is
found by bisection. The interval inverts the studentised rank test of Brunner and Munzel (2000), which does not assume
equal spreads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from varme.retrofit.spf.intervals import welch_df

Floats = NDArray[np.float64]

#: The variance of placements is that of every k-th home in order, so that at most about twice this many are placed.
PLACED_COUNT = 50_000


@dataclass(frozen=True)
class RankShift:
    """A shift found by ranks.

    Attributes:
        shift_log: Median of the pairwise differences.
        low_log: Lower end of its interval.
        high_log: Upper end.
        df: Degrees of freedom.
    """

    shift_log: float
    low_log: float
    high_log: float
    df: float

    def variance(self, confidence_share: float) -> float:
        """Return the variance that the interval's width stands for."""
        reach = float(stats.t.ppf(0.5 + confidence_share / 2, self.df))
        return ((self.high_log - self.low_log) / (2 * reach)) ** 2


def _share_below(x_sorted: Floats, y_sorted: Floats, t: float) -> float:
    """Return the share of pairs with ``x - y <= t``."""
    moved = y_sorted + t
    n, m = len(x_sorted), len(y_sorted)
    if n >= m:
        return float(np.searchsorted(x_sorted, moved, side="right").sum(dtype=np.int64)) / (n * m)
    return 1 - float(np.searchsorted(moved, x_sorted, side="left").sum(dtype=np.int64)) / (n * m)


def quantile_of_differences(
    x_sorted: Floats, y_sorted: Floats, share: float, around: tuple[float, float]
) -> float:
    """Return the t below which this share of all ``x_i - y_j`` lies.

    Args:
        x_sorted: Values, ascending, shape (n,).
        y_sorted: Values, ascending, shape (m,).
        share: Share of the pairs.
        around: A guess and its reach; the bracket grows from there.
    """
    middle, reach = around
    reach = max(reach, 1e-6)
    low, high = middle - reach, middle + reach
    lowest, highest = float(x_sorted[0] - y_sorted[-1]), float(x_sorted[-1] - y_sorted[0])
    while low > lowest and _share_below(x_sorted, y_sorted, low) > share:
        low -= 2 * (high - low)
    while high < highest and _share_below(x_sorted, y_sorted, high) < share:
        high += 2 * (high - low)
    f_low, f_high = (
        _share_below(x_sorted, y_sorted, low) - share,
        _share_below(x_sorted, y_sorted, high) - share,
    )
    # Illinois on a step function that is nearly straight: a few steps; bisection guards the rest.
    for k in range(60):
        if high - low < 1e-7 or f_low == 0 or f_high == 0:
            break
        t = (
            low - f_low * (high - low) / (f_high - f_low)
            if f_high > f_low and k % 3 != 2
            else (low + high) / 2
        )
        width = high - low
        t = min(max(t, low + 0.02 * width), high - 0.02 * width)
        f = _share_below(x_sorted, y_sorted, t) - share
        if f <= 0:
            low, f_low = t, f
        if f >= 0:
            high, f_high = t, f
    if f_low == 0 and f_high == 0:
        return (low + high) / 2
    return low if f_low == 0 else high if f_high == 0 else (low + high) / 2


def rank_shift(x: Floats, y: Floats, confidence_share: float) -> RankShift:
    """Return the shift of x above y by energy distance, with an interval.

    Args:
        x: Log heat, or its residuals, shape (n,).
        y: Log electricity, or its residuals, shape (m,).
        confidence_share: Confidence of the interval.
    """
    xs, ys = np.sort(x), np.sort(y)
    n, m = len(xs), len(ys)
    guess = float(xs[n // 2] - ys[m // 2])
    spread = sum(float(v[(3 * len(v)) // 4] - v[len(v) // 4]) for v in (xs, ys)) or 1e-3
    reach = spread * (1 / n + 1 / m) ** 0.5
    shift = quantile_of_differences(xs, ys, 0.5, (guess, reach))
    variance, df = _placement_variance(xs, ys, shift)
    wide = float(stats.t.ppf(0.5 + confidence_share / 2, df) * np.sqrt(variance))
    ends = [
        quantile_of_differences(
            xs, ys, float(np.clip(0.5 + sign * wide, 1e-9, 1 - 1e-9)), (shift + sign * 2 * reach, reach)
        )
        for sign in (-1, 1)
    ]
    return RankShift(shift, ends[0], ends[1], df)


def _placement_variance(x: Floats, y: Floats, shift: float) -> tuple[float, float]:
    """Return the variance of the share of pairs below the shift, from placements, and Welch's degrees of freedom."""
    n, m, moved = len(x), len(y), y + shift
    of_y = (np.searchsorted(x, moved, side="left") + np.searchsorted(x, moved, side="right")) / (2 * n)
    some = x[:: max(1, n // PLACED_COUNT)]
    of_x = (np.searchsorted(moved, some, side="left") + np.searchsorted(moved, some, side="right")) / (2 * m)
    vx = float(of_x.var(ddof=1)) / n if n > 1 else 0.25
    vy = float(of_y.var(ddof=1)) / m if m > 1 else 0.25
    return vx + vy, welch_df(vx, vy, n - 1, m - 1)


def energy_distance(x: Floats, y: Floats, shift: float) -> float:
    """Return the energy distance of ``x - shift`` and ``y``, without forming pairs.

    Args:
        x: Values, shape (n,).
        y: Values, shape (m,).
        shift: Shift taken off x.
    """
    a, b = np.sort(x - shift), np.sort(y)
    both = np.sort(np.concatenate([a, b]))
    width = np.diff(both)
    F = np.searchsorted(a, both[:-1], side="right") / len(a)
    G = np.searchsorted(b, both[:-1], side="right") / len(b)
    return float(2 * np.sum(np.square(F - G) * width))
