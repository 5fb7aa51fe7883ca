"""Shapes of the day: how a day's energy is spread over its hours or quarter-hours.

Three sources, one form. A *measured* shape is electricity, from the town's own heat-pump meters, by temperature and by
weekday or weekend. A *standard* profile (BDEW through demandlib, or the hourly factors that When2Heat ships) is heat,
one table for space heat and one column for hot water; it becomes electricity with the COP of each hour.

Sources: BDEW/VKU/GEODE, guideline "Abwicklung von Standardlastprofilen Gas" (temperature classes of 5 K, hourly
factors); Ruhnau, Hirth and Praktiknjo 2019, "Time series of heat demand and heat pump efficiency for energy system
modeling", Scientific Data 6:189 (reference temperature, hot water at the factors of the highest class).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Width of a temperature bin of measured shapes [K]: neighbours are smoothed together, so it may be fine (assumption).
BIN_K = 1.0
#: Widths of the smoothing kernel that are tried in turn [K], until enough days stand behind a shape (assumption).
BANDWIDTHS_K = (1.5, 3.0, 6.0, 12.0)
#: Days that must stand behind a shape before the kernel stops widening (assumption).
DAYS_WANTED = 15.0
#: Days of the pooled shape that a weekend or weekday shape is weighed against (assumption: partial pooling).
POOL_DAYS = 5.0
#: Meters read at once: 256 meters of three years of hours are 27 MB.
METER_BLOCK = 256


@dataclass(frozen=True)
class HourShapes:
    """Share of the day by local step (hour, or quarter-hour) and temperature bin.

    Attributes:
        edges_c: Edges between bins of the daily temperature [C], shape (bins - 1,).
        share: Share of the day's energy in each step, shape (bins, steps of a day); rows sum to 1. Weekdays, if
            ``weekend_share`` is given.
        days: Days behind each row, shape (bins,).
        source: Where the shapes come from.
        weekend_share: The same for Saturdays and Sundays; ``None`` where they are not told apart.
        effective_days: Kernel-weighted days behind each row, shape (bins,); ``None`` where nothing was smoothed.
        bandwidth_k: Width of the kernel of each row [K], shape (bins,).
        low_c: Coldest day behind the shapes [C]; below it they are extrapolated.
        high_c: Warmest day.
    """

    edges_c: Floats
    share: Floats
    days: NDArray[np.int64]
    source: str
    weekend_share: Floats | None = None
    effective_days: Floats | None = None
    bandwidth_k: Floats | None = None
    low_c: float = -np.inf
    high_c: float = np.inf

    @property
    def steps_per_day(self) -> int:
        """Steps of a day: 24, 48 or 96."""
        return int(self.share.shape[1])

    def of_days(self, temperature_c: Floats, weekend: NDArray[np.bool_] | None = None) -> Floats:
        """Return the shape of days with these temperatures, shape (days, steps of a day).

        Args:
            temperature_c: Mean outdoor temperature by day [C].
            weekend: Whether a day is a Saturday or Sunday; all are weekdays if not given.
        """
        row = np.searchsorted(self.edges_c, temperature_c, side="right")
        shape = self.share[row]
        if weekend is not None and self.weekend_share is not None:
            shape = np.where(weekend[:, None], self.weekend_share[row], shape)
        return np.asarray(shape, dtype=float)

    def refined(self, steps_per_day: int) -> HourShapes:
        """Return the shapes in finer steps (see :func:`refine`), or in coarser ones by adding up.

        Raises:
            ValueError: if neither divides the other.
        """
        weekend = None if self.weekend_share is None else refine(self.weekend_share, steps_per_day)
        return HourShapes(
            self.edges_c, refine(self.share, steps_per_day), self.days, self.source, weekend, self.effective_days,
            self.bandwidth_k, self.low_c, self.high_c,
        )  # fmt: skip


def refine(share: Floats, steps_per_day: int) -> Floats:
    """Return shares of the day in other steps, shape (rows, ``steps_per_day``); every coarse step keeps its energy.

    Finer steps follow a straight line within the coarse one, whose slope is the smaller of the differences to both
    neighbours (the minmod limiter of finite-volume methods: van Leer 1979), so that no share becomes negative and no
    new peak appears. The day is a ring. What a heat pump does within the hour is not invented.

    Args:
        share: Shares by coarse step, shape (rows, steps).
        steps_per_day: Steps wanted.

    Raises:
        ValueError: if neither divides the other.
    """
    n = share.shape[1]
    if steps_per_day == n:
        return share
    if n % steps_per_day == 0:
        return np.asarray(share.reshape(len(share), steps_per_day, -1).sum(axis=2), dtype=float)
    if steps_per_day % n:
        raise ValueError(f"{n} steps a day cannot become {steps_per_day}")
    parts = steps_per_day // n
    back, ahead = share - np.roll(share, 1, axis=1), np.roll(share, -1, axis=1) - share
    slope = np.where(back * ahead > 0, np.sign(back) * np.minimum(np.abs(back), np.abs(ahead)), 0)
    place = (np.arange(parts) + 0.5) / parts - 0.5
    fine = (share[:, :, None] + slope[:, :, None] * place) / parts
    return np.asarray(fine.reshape(len(share), steps_per_day), dtype=float)


def fleet_days(
    values: NDArray[np.float32],
    local_day: NDArray[np.int64],
    local_step: NDArray[np.int64],
    steps_per_day: int,
) -> tuple[Floats, NDArray[np.int64]]:
    """Return the fleet's energy by day and local step, and the meters behind each day.

    A meter counts on the days on which it has every step, so that a gap bends no shape. Days on which the clock is
    changed, and days without a whole meter, are NaN.

    Args:
        values: Energy by meter and step [kWh], shape (meters, steps), NaN where missing.
        local_day: Day number of each step, rising, shape (steps,).
        local_step: Local step of the day of each step.
        steps_per_day: Steps of an ordinary day.

    Returns:
        Energy, shape (days, steps of a day), and whole meters, shape (days,).
    """
    n_days = int(local_day[-1]) + 1
    length = np.bincount(local_day, minlength=n_days)
    starts = np.concatenate([[0], np.cumsum(length)[:-1]])
    sums, meters = np.zeros(len(local_day)), np.zeros(n_days, dtype=np.int64)
    some = length > 0
    for first in range(0, len(values), METER_BLOCK):
        block = values[first : first + METER_BLOCK]
        found = np.isfinite(block)
        whole = np.zeros((len(block), n_days), dtype=bool)
        whole[:, some] = np.add.reduceat(found, starts[some], axis=1, dtype=np.int32) == length[some]
        sums += np.where(whole[:, local_day], block, 0).sum(axis=0, dtype=np.float64)
        meters += whole.sum(axis=0)
    cube = np.full((n_days, steps_per_day), np.nan)
    plain = (length == steps_per_day) & (meters > 0)
    kept = plain[local_day]
    cube[local_day[kept], local_step[kept]] = sums[kept]
    return cube, meters


def measured_shapes(
    hourly: NDArray[np.float32],
    local_day: NDArray[np.int64],
    local_hour: NDArray[np.int64],
    temperature_c: Floats,
    *,
    weekend: NDArray[np.bool_] | None = None,
    steps_per_day: int = 24,
    days_wanted: float = DAYS_WANTED,
) -> HourShapes:
    """Return the shapes of the town's own heat pumps, smoothed over temperature.

    The shape at a temperature is the energy-weighted mean over days, with Gaussian weights in the difference of
    temperatures; where fewer than ``days_wanted`` days stand behind it, the kernel is widened: rare bins borrow from
    their neighbours. Weekend and weekday shapes are drawn towards the shape of all days by ``POOL_DAYS``.

    Args:
        hourly: Electricity by heat pump and step [kWh], shape (meters, steps), NaN where missing.
        local_day: Day number of each step, rising, shape (steps,).
        local_hour: Local step of the day of each step: the hour, 0 to 23, or the quarter-hour, 0 to 95.
        temperature_c: Outdoor temperature by day, shape (days,).
        weekend: Whether a day is a Saturday or Sunday, shape (days,); all days are alike if not given.
        steps_per_day: Steps of an ordinary day.
        days_wanted: Days that must stand behind a shape.

    Raises:
        ValueError: if no day has a whole meter that used anything.
    """
    cube, _ = fleet_days(hourly, local_day, local_hour, steps_per_day)
    cube = np.pad(cube, ((0, len(temperature_c) - len(cube)), (0, 0)), constant_values=np.nan)
    good = np.isfinite(cube).all(axis=1) & (np.nansum(cube, axis=1) > 0) & np.isfinite(temperature_c)
    if not good.any():
        raise ValueError("no day has a whole heat-pump meter that used anything")
    energy, t = cube[good], temperature_c[good]
    low, high = np.floor(t.min()), max(np.ceil(t.max()), np.floor(t.min()) + BIN_K)
    centres = np.arange(low, high, BIN_K) + BIN_K / 2
    weight, width = _weights(t, centres, days_wanted)
    everyday = _shares(weight @ energy)
    work = weekend_share = None
    if weekend is not None:
        rest = weekend[good]
        work, weekend_share = (_pooled(weight * kind, energy, everyday) for kind in (~rest, rest))
    edges = centres[:-1] + BIN_K / 2
    count = np.bincount(np.searchsorted(edges, t, side="right"), minlength=len(centres))
    return HourShapes(
        edges, everyday if work is None else work, count, "heat-pump meters of the town", weekend_share,
        weight.sum(axis=1), width, float(t.min()), float(t.max()),
    )  # fmt: skip


def _weights(t: Floats, centres: Floats, wanted: float) -> tuple[Floats, Floats]:
    """Return the weights of the days, shape (bins, days), and each bin's kernel width [K]."""
    distance = (t[None, :] - centres[:, None]) ** 2
    out = np.exp(-distance / (2 * BANDWIDTHS_K[0] ** 2))
    width = np.full(len(centres), BANDWIDTHS_K[0])
    for h in BANDWIDTHS_K[1:]:
        few = out.sum(axis=1) < wanted
        out[few] = np.exp(-distance[few] / (2 * h**2))
        width[few] = h
    return out, width


def _shares(energy: Floats) -> Floats:
    return np.asarray(energy / energy.sum(axis=1, keepdims=True), dtype=float)


def _pooled(weight: Floats, energy: Floats, everyday: Floats) -> Floats:
    """Return a kind of day's shapes, drawn towards those of all days where few days stand behind them."""
    sums = weight @ energy
    days = weight.sum(axis=1, keepdims=True)
    own = np.where(
        sums.sum(axis=1, keepdims=True) > 0,
        sums / np.maximum(sums.sum(axis=1, keepdims=True), 1e-300),
        everyday,
    )
    return np.asarray((days * own + POOL_DAYS * everyday) / (days + POOL_DAYS), dtype=float)


@dataclass(frozen=True)
class ShapesOfDays:
    """Electricity shares of every day of a period, space heat and hot water apart.

    Attributes:
        space: Share of the day's electricity for space heat by step, shape (days, steps of a day); rows sum to 1.
        water: The same for hot water.
        source: Where they come from.
    """

    space: Floats
    water: Floats
    source: str


def of_measured(
    shapes: HourShapes, temperature_c: Floats, weekend: NDArray[np.bool_] | None = None
) -> ShapesOfDays:
    """Return measured shapes for these days: a meter sees both uses at once, so both get the same shape."""
    rows = shapes.of_days(temperature_c, weekend)
    return ShapesOfDays(rows, rows, shapes.source)
