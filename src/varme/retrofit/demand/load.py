"""Load of retrofitted heat pumps: daily with COP(T), hourly by the town's own shapes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.retrofit.spf.curve import CopCurve

Floats = NDArray[np.float64]


def electricity_by_day(heat: Floats, temperature_c: Floats, curve: CopCurve, gamma: float) -> Floats:
    """Return electricity by group and day [kWh]: E = Q (1 - gamma) / COP(T), shape as ``heat`` (groups, days)."""
    return np.asarray(heat * ((1 - gamma) / curve.cop(temperature_c))[None, :], dtype=float)


@dataclass(frozen=True)
class HourShapes:
    """Share of the day by local hour and temperature bin.

    Attributes:
        edges_c: Edges between bins of the daily temperature [C], shape (bins - 1,).
        share: Share of the day's energy in each hour, shape (bins, 24); rows sum to 1.
        days: Days behind each row, shape (bins,).
        source: Where the shapes come from.
    """

    edges_c: Floats
    share: Floats
    days: NDArray[np.int64]
    source: str

    def of_days(self, temperature_c: Floats) -> Floats:
        """Return the shape of days with these temperatures, shape (days, 24)."""
        return np.asarray(self.share[np.searchsorted(self.edges_c, temperature_c)], dtype=float)


def measured_shapes(
    hourly: NDArray[np.float32],
    local_day: NDArray[np.int64],
    local_hour: NDArray[np.int64],
    temperature_c: Floats,
) -> HourShapes:
    """Return the shapes of the town's own heat pumps.

    Args:
        hourly: Electricity by heat pump and hour [kWh], shape (meters, hours), NaN where missing.
        local_day: Day number of each hour, shape (hours,).
        local_hour: Local hour of each hour, 0 to 23.
        temperature_c: Outdoor temperature by day, shape (days,).
    """
    edges = np.arange(-9.0, 18.0, 3.0)
    bins = np.searchsorted(edges, temperature_c)[local_day]
    total = np.nansum(hourly, axis=0)
    share = np.zeros((len(edges) + 1, 24))
    np.add.at(share, (bins, local_hour), total)
    count = np.bincount(np.searchsorted(edges, temperature_c), minlength=len(edges) + 1)
    empty = share.sum(axis=1) <= 0
    share[empty] = share.sum(axis=0)
    return HourShapes(edges, share / share.sum(axis=1, keepdims=True), count, "heat-pump meters of the town")


def electricity_by_hour(
    daily: Floats,
    temperature_c: Floats,
    shapes: HourShapes,
    local_day: NDArray[np.int64],
    local_hour: NDArray[np.int64],
) -> Floats:
    """Return electricity by group and hour [kWh], shape (groups, hours); sums by local day are those of ``daily``."""
    shape = shapes.of_days(temperature_c)[local_day, local_hour]
    total = np.bincount(local_day, shape, minlength=daily.shape[1])
    return np.asarray(daily[:, local_day] * (shape / total[local_day])[None, :], dtype=float)
