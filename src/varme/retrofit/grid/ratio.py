"""Heat-pump electricity over household electricity, by building and group: Fig. 2 of Bayer & Pruckner 2023.

Two figures that are often mixed up: the ratio of sums (how much more the town will draw) and the mean or median of the
buildings' ratios (what a typical home will see). Ratios are never clipped in the data; the paper draws up to 6.4, so
the chart may, and what lies beyond is counted. Buildings without household electricity (vacant, or not metered) have no
ratio: they are left out and counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Upper end of the axis of the paper's Fig. 2.
CLIP_RATIO = 6.4


@dataclass(frozen=True)
class Ratios:
    """Ratios of heat-pump to household electricity; everything but ``ratio`` by group, shape (groups,).

    Attributes:
        ratio: By building, NaN where there is none, shape (buildings,).
        used: Buildings with a ratio.
        excluded: Buildings without household electricity, or with unknown values.
        clipped: Ratios above what is drawn.
        median: Median of the ratios.
        median_low: Lower end of its interval (95 %, order statistics: no distribution assumed); NaN below 6 buildings.
        median_high: Upper end.
        mean: Mean of the ratios.
        of_sums: Sum of heat-pump over sum of household electricity of the same buildings.
        of_sums_low: Lower end of its interval (95 %, linearised; Cochran, Sampling Techniques, 3rd ed., 6.3).
        of_sums_high: Upper end.
        clip: What counts as clipped.
    """

    ratio: Floats
    used: Ints
    excluded: Ints
    clipped: Ints
    median: Floats
    median_low: Floats
    median_high: Floats
    mean: Floats
    of_sums: Floats
    of_sums_low: Floats
    of_sums_high: Floats
    clip: float


def electricity_ratio(
    heat_pump_kwh: Floats,
    household_kwh: Floats,
    group: Ints | None = None,
    groups: int = 1,
    *,
    clip: float = CLIP_RATIO,
) -> Ratios:
    """Return the ratios of heat-pump to household electricity.

    Args:
        heat_pump_kwh: Annual electricity of the (retrofitted) heat pump by building [kWh], shape (buildings,).
        household_kwh: Annual household electricity by building [kWh]; 0 or NaN where there is none.
        group: Group of each building; one for all if not given.
        groups: Number of groups.
        clip: Ratios above this are counted.
    """
    pump = np.asarray(heat_pump_kwh, dtype=float)
    house = np.asarray(household_kwh, dtype=float)
    of = np.zeros(len(pump), dtype=np.int64) if group is None else group
    good = np.isfinite(pump) & np.isfinite(house) & (house > 0) & (pump >= 0)
    ratio = np.full(len(pump), np.nan)
    ratio[good] = pump[good] / house[good]
    shape = (7, groups)
    figures = np.full(shape, np.nan)
    order = np.flatnonzero(good)[np.argsort(of[good], kind="stable")]
    ends = np.searchsorted(of[order], np.arange(groups + 1))
    for g in range(groups):
        mine = order[ends[g] : ends[g + 1]]
        if len(mine):
            figures[:, g] = _figures(ratio[mine], pump[mine], house[mine])
    return Ratios(
        ratio,
        np.bincount(of[good], minlength=groups),
        np.bincount(of[~good], minlength=groups),
        np.bincount(of[good & (np.nan_to_num(ratio) > clip)], minlength=groups),
        figures[0], figures[1], figures[2], figures[3], figures[4], figures[5], figures[6], clip,
    )  # fmt: skip


def _figures(ratio: Floats, pump: Floats, house: Floats) -> tuple[float, ...]:
    n = len(ratio)
    ordered = np.sort(ratio)
    low = high = float("nan")
    # The k-th smallest and largest of n values enclose the median with 1 - 2 P(Bin(n, 1/2) < k); 6 are the fewest.
    k = int(stats.binom.ppf(0.025, n, 0.5))
    if k >= 1:
        low, high = float(ordered[k - 1]), float(ordered[n - k])
    of_sums = float(pump.sum() / house.sum())
    spread = float("nan")
    if n > 1:
        left = pump - of_sums * house
        spread = 1.96 * float(np.sqrt((left @ left) / (n - 1) / n)) / float(house.mean())
    return (
        float(np.median(ratio)),
        low,
        high,
        float(ratio.mean()),
        of_sums,
        max(of_sums - spread, 0.0),
        of_sums + spread,
    )
