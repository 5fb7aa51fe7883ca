"""Synthesis of hourly and quarter-hourly load from daily energy, for many homes at memory speed.

A day of 24 hours is a row of 24 numbers; a stretch of days between two changes of the clock is a plain block, so a
whole town is a few products of blocks. Days of 23 and 25 hours lose or double the local hour, and keep their energy.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from varme.retrofit.demand.profiles import METER_BLOCK, ShapesOfDays

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]

#: Homes whose rows are worked on together: their hours stay in the cache (4 x 35 kB).
CACHE_HOMES = 4


@dataclass(frozen=True)
class StepGrid:
    """The steps of a period and the local days they belong to.

    Attributes:
        local_day: Day number of each step, rising from 0, shape (steps,).
        local_step: Local step of the day (hour 0 to 23, quarter-hour 0 to 95), shape (steps,).
        steps_per_day: Steps of an ordinary day: 24, 48 or 96.
    """

    local_day: NDArray[np.int64]
    local_step: NDArray[np.int64]
    steps_per_day: int

    @property
    def days(self) -> int:
        """Number of local days."""
        return int(self.local_day[-1]) + 1

    @property
    def step_h(self) -> float:
        """Length of a step [h]."""
        return 24 / self.steps_per_day

    @classmethod
    def of_hours(
        cls, local_day: NDArray[np.int64], local_hour: NDArray[np.int64], step_min: int = 60
    ) -> StepGrid:
        """Return the grid of an hourly calendar, its hours cut into steps of 60, 30 or 15 minutes."""
        parts = 60 // step_min
        step = np.repeat(local_hour * parts, parts) + np.tile(np.arange(parts), len(local_hour))
        return cls(np.repeat(local_day, parts), step, 24 * parts)

    def stretches(self) -> list[tuple[int, int, int, int]]:
        """Return stretches of days of equal length: first day, last day (exclusive), first step, steps of a day."""
        length = np.bincount(self.local_day)
        first = np.concatenate([[0], np.flatnonzero(np.diff(length)) + 1, [len(length)]])
        start = np.concatenate([[0], np.cumsum(length)])
        return [(int(a), int(b), int(start[a]), int(length[a])) for a, b in pairwise(first)]

    def shares(self, rows: Floats) -> Floats32:
        """Return each step's share of its day, shape (steps,); the shares of every local day sum to 1.

        Args:
            rows: Share of the day by local step, shape (days, steps of a day).
        """
        share = rows[self.local_day, self.local_step]
        total = np.bincount(self.local_day, share)
        return np.asarray(share / total[self.local_day], dtype=np.float32)

    def utc_of(self, hours_utc: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
        """Return the starts of the steps, given those of the hours."""
        parts = self.steps_per_day // 24
        inner = np.tile(np.arange(parts) * (3600 // parts), len(hours_utc)).astype("timedelta64[s]")
        return np.asarray(np.repeat(hours_utc, parts) + inner)


def synthesise(daily: Floats32, rows: Floats, grid: StepGrid, out: Floats32 | None = None) -> Floats32:
    """Return energy by home and step [kWh], shape (homes, steps), every home with the same shape on the same day.

    Args:
        daily: Energy by home (or group) and local day [kWh], shape (homes, days).
        rows: Share of the day by local step, shape (days, steps of a day).
        grid: The steps.
        out: Where to put it, if there is a place already, C-contiguous.
    """
    homes = len(daily)
    result = np.empty((homes, len(grid.local_day)), dtype=np.float32) if out is None else out
    share = grid.shares(rows)
    daily = np.asarray(daily, dtype=np.float32)
    for a, b, start, steps in grid.stretches():
        end = start + (b - a) * steps
        block = share[start:end].reshape(b - a, steps)
        target = _as_days(result, start, b - a, steps)
        np.multiply(daily[:, a:b, None], block, out=target)
    return result


def _as_days(result: Floats32, start: int, days: int, steps: int) -> Floats32:
    """Return a stretch of days as a view of shape (homes, days, steps): no copy."""
    row, item = result.strides
    return np.lib.stride_tricks.as_strided(
        result[:, start:], (len(result), days, steps), (row, steps * item, item), writeable=True
    )


def by_use(heating: Floats32, water: Floats32, shapes: ShapesOfDays, grid: StepGrid) -> Floats32:
    """Return electricity by home and step [kWh]: room heat at its shape plus hot water at its own.

    Args:
        heating: Electricity for rooms by home and day, backup included [kWh], shape (homes, days).
        water: Electricity for hot water by home and day [kWh].
        shapes: Shapes of every day.
        grid: The steps.
    """
    out = synthesise(heating, shapes.space, grid)
    if shapes.space is shapes.water:
        return synthesise(heating + water, shapes.space, grid, out)
    out += synthesise(water, shapes.water, grid)
    return out


@dataclass(frozen=True)
class ShapeLibrary:
    """Measured days of single heat pumps: each a row of shares, sorted by meter, kind of day and temperature.

    Attributes:
        rows: Share of the day by local step, shape (rows, steps of a day), float32; each sums to 1.
        first: First row of each cell, shape (meters, _, bins); a cell with too few days holds its neighbours too.
        count: Rows of each cell, at least 1.
        edges_c: Edges between bins of temperature [C], shape (bins - 1,).
        days: Measured days behind the library.
    """

    rows: Floats32
    first: NDArray[np.int32]
    count: NDArray[np.int32]
    edges_c: Floats
    days: int

    @property
    def meters(self) -> int:
        """Meters that give days."""
        return int(self.first.shape[0])


def shape_library(
    values: Floats32,
    grid: StepGrid,
    temperature_c: Floats,
    weekend: NDArray[np.bool_],
    *,
    least_days: int = 7,
    bin_k: float = 2.0,
) -> ShapeLibrary:
    """Return the library of the measured days of heat-pump meters.

    Rows of one meter and kind of day (weekday, weekend) are sorted by temperature. A cell is the run of rows whose
    temperature falls into its bin, widened to both sides until it holds ``least_days`` (or all that there are).

    Args:
        values: Electricity by meter and step [kWh], shape (meters, steps), NaN where missing.
        grid: The steps of the meters.
        temperature_c: Outdoor temperature by day [C], shape (days,).
        weekend: Whether a day is a Saturday or Sunday, shape (days,).
        least_days: Days from which a home may draw, at least.
        bin_k: Width of a bin [K].

    Raises:
        ValueError: if no meter has a whole day that used anything.
    """
    n = grid.steps_per_day
    length = np.bincount(grid.local_day, minlength=len(temperature_c))
    start = np.concatenate([[0], np.cumsum(length)[:-1]])
    plain = np.flatnonzero((length == n) & np.isfinite(temperature_c))
    steps = start[plain][:, None] + np.arange(n)
    low, high = np.floor(temperature_c[plain].min()), np.ceil(temperature_c[plain].max())
    edges = np.arange(low + bin_k, max(high, low + 2 * bin_k), bin_k)
    kept: list[Floats32] = []
    first: list[NDArray[np.int64]] = []
    count: list[NDArray[np.int64]] = []
    used = 0
    for at in range(0, len(values), METER_BLOCK):
        for meter in values[at : at + METER_BLOCK]:
            days = meter[steps]
            total = days.sum(axis=1)
            good = np.isfinite(total) & (total > 0)
            if not good.any():
                continue
            share = (days[good] / total[good, None]).astype(np.float32)
            f, c, order = _cells(temperature_c[plain][good], weekend[plain][good], edges, least_days)
            kept.append(share[order])
            first.append(f + used)
            count.append(c)
            used += len(order)
    if not kept:
        raise ValueError("no heat-pump meter has a whole day that used anything")
    return ShapeLibrary(
        np.concatenate(kept), np.stack(first).astype(np.int32), np.stack(count).astype(np.int32), edges, used
    )


def _cells(
    t: Floats, weekend: NDArray[np.bool_], edges: Floats, least: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return first row and number of rows by kind and bin, each (2, bins), and the order of the rows."""
    order = np.lexsort((t, weekend))
    firsts, counts = [], []
    offset = 0
    limits = np.concatenate([[-np.inf], edges, [np.inf]])
    both = np.sort(t), 0
    for kind in (False, True):
        mine = np.sort(t[weekend == kind])
        if len(mine) == 0:  # no weekend day at all: draw from the weekdays
            mine, base = both
        else:
            base = offset
        a, b = np.searchsorted(mine, limits[:-1]), np.searchsorted(mine, limits[1:])
        lack = np.maximum(min(least, len(mine)) - (b - a), 0)
        a = np.clip(a - (lack + 1) // 2, 0, None)
        b = np.clip(np.maximum(b + lack // 2, a + min(least, len(mine))), None, len(mine))
        a = np.minimum(a, b - np.minimum(least, len(mine)))
        firsts.append(a + base)
        counts.append(b - a)
        offset += int((weekend == kind).sum())
    return np.stack(firsts), np.stack(counts), order


def synthesise_individual(
    daily: Floats32,
    library: ShapeLibrary,
    grid: StepGrid,
    temperature_c: Floats,
    weekend: NDArray[np.bool_],
    *,
    seed: int,
    donor: NDArray[np.int64] | None = None,
    first_home: int = 0,
    out: Floats32 | None = None,
) -> Floats32:
    """Return energy by home and step [kWh], shape (homes, steps), each home with days of its own.

    Every home takes one measured heat pump as donor and draws, for each of its days, one of the donor's measured days
    of about the same temperature and the same kind (weekday, weekend). Peaks of single homes are then those of real
    heat pumps, and not of the mean of many. What homes share on a day beyond temperature and kind of day is not drawn.

    Args:
        daily: Energy by home and local day [kWh], shape (homes, days).
        library: Measured days; its steps of a day must be those of the grid.
        grid: The steps.
        temperature_c: Outdoor temperature by day [C], shape (days,).
        weekend: Whether a day is a Saturday or Sunday, shape (days,).
        seed: Seed; a home's days depend on the seed and its number alone, not on which homes are asked for.
        donor: Meter of the library of each home, shape (homes,); drawn if not given.
        first_home: Number of the first home, for towns that are made block by block.
        out: Where to put it.
    """
    homes, days = daily.shape
    result = np.empty((homes, len(grid.local_day)), dtype=np.float32) if out is None else out
    meters, _, bins = library.first.shape
    cell = weekend.astype(np.int64) * bins + np.searchsorted(library.edges_c, temperature_c, side="right")
    first, count = library.first.reshape(meters, -1), library.count.reshape(meters, -1)
    numbers = np.arange(first_home, first_home + homes, dtype=np.uint64)
    chosen = _donors(seed, numbers, meters) if donor is None else donor
    span = count[:, cell].astype(np.uint64)
    begin = first[:, cell].astype(np.int64)
    n = grid.steps_per_day
    buffer = np.empty((CACHE_HOMES, days, n), dtype=np.float32)
    stretches = grid.stretches()
    for a in range(0, homes, CACHE_HOMES):
        b = min(a + CACHE_HOMES, homes)
        draw = _random32(seed, numbers[a:b], days)
        row = begin[chosen[a:b]] + ((draw * span[chosen[a:b]]) >> np.uint64(32)).astype(np.int64)
        part = buffer[: b - a]
        np.take(library.rows, row, axis=0, out=part, mode="clip")
        _place(part, np.asarray(daily[a:b], dtype=np.float32), grid, stretches, result[a:b])
    return result


def _place(
    part: Floats32,
    daily: Floats32,
    grid: StepGrid,
    stretches: list[tuple[int, int, int, int]],
    result: Floats32,
) -> None:
    """Put the days of a few homes into their rows; days of another length take the local steps that they have."""
    for first, last, start, steps in stretches:
        target = _as_days(result, start, last - first, steps)
        if steps == grid.steps_per_day:
            np.multiply(part[:, first:last], daily[:, first:last, None], out=target)
            continue
        for k, day in enumerate(range(first, last)):
            places = grid.local_step[start + k * steps : start + (k + 1) * steps]
            shares = part[:, day][:, places]
            total = shares.sum(axis=1, keepdims=True)
            shares = np.where(total > 0, shares / np.where(total > 0, total, 1), 1 / steps)
            np.multiply(shares, daily[:, day, None], out=target[:, k])


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return well-mixed 64-bit numbers: the finaliser of SplitMix64 (Steele, Lea and Flood 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _state(seed: int, numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    start = np.uint64((seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) & 0xFFFFFFFFFFFFFFFF)
    return _mixed(_mixed(numbers + np.uint64(1)) ^ start)


def _donors(seed: int, numbers: NDArray[np.uint64], meters: int) -> NDArray[np.int64]:
    """Return a donor for each home."""
    draw = _mixed(_state(seed, numbers) ^ np.uint64(0xD1B54A32D192ED03)) >> np.uint64(32)
    return np.asarray((draw * np.uint64(meters)) >> np.uint64(32), dtype=np.int64)


def _random32(seed: int, numbers: NDArray[np.uint64], days: int) -> NDArray[np.uint64]:
    """Return uniform 32-bit draws by home and day, shape (homes, days): a counter-based generator, no state to keep."""
    counter = np.arange(1, days + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return _mixed(_state(seed, numbers)[:, None] + counter[None, :]) >> np.uint64(32)
