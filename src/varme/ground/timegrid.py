"""The time grid: regular, in UTC, labelled by the start of each interval.

Local time and market time units appear only at the edges: :meth:`TimeGrid.local` turns the grid into a zone's wall
clock (23 and 25-hour days included), and :meth:`TimeGrid.between` reads wall-clock limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import Collector

MINUTES_PER_DAY = 24 * 60


@dataclass(frozen=True)
class TimeGrid:
    """A regular grid of ``n`` intervals of ``step_min`` minutes from ``start`` (UTC, timezone-aware).

    Raises:
        InputError: P101 if the step is not between 1 min and 1 day or does not divide a day, or if ``n`` < 1;
            P102 if the start has no time zone or does not lie on a whole minute.
    """

    start: datetime
    step_min: int
    n: int

    def __post_init__(self) -> None:
        _check_step(self.step_min)
        problems = Collector()
        if self.n < 1:
            problems.add("P101", "time", "the horizon holds no interval", value=self.n, limit="at least 1")
        if self.start.tzinfo is None:
            problems.add("P102", "time.start", "the start needs a time zone", value=str(self.start))
        elif self.start.second or self.start.microsecond:
            problems.add("P102", "time.start", "the start must lie on a whole minute", value=str(self.start))
        problems.raise_if_any()
        object.__setattr__(self, "start", self.start.astimezone(UTC))

    @classmethod
    def between(
        cls, start: datetime | date, end: datetime | date, *, step_min: int, timezone: str
    ) -> TimeGrid:
        """Return the grid from ``start`` up to, not including, ``end``.

        Args:
            start: First instant; a naive one is wall-clock time in ``timezone``; a date is its midnight.
            end: First instant after the horizon, likewise.
            step_min: Step [min].
            timezone: IANA name for naive limits.

        Raises:
            InputError: P101 for an unknown zone, an end not after the start, or a horizon that is no whole number of
                steps.
        """
        _check_step(step_min)
        zone = zone_of(timezone)
        first, last = (_instant(limit, zone) for limit in (start, end))
        minutes = (last - first) / timedelta(minutes=1)
        problems = Collector()
        if minutes <= 0:
            problems.add(
                "P101", "time.end", "the end must lie after the start", value=str(end), limit=f"> {start}"
            )
        elif minutes % step_min:
            problems.add(
                "P101", "time.end", "the horizon is no whole number of steps", value=f"{minutes:g} min"
            )
        problems.raise_if_any()
        return cls(first, step_min, round(minutes / step_min))

    @property
    def step_h(self) -> float:
        """Length of an interval [h]."""
        return self.step_min / 60

    @property
    def end(self) -> datetime:
        """First instant after the grid (UTC)."""
        return self.start + timedelta(minutes=self.step_min) * self.n

    @cached_property
    def times(self) -> NDArray[np.datetime64]:
        """Starts of the intervals, UTC, shape (n,), dtype ``datetime64[s]``."""
        first = np.datetime64(self.start.replace(tzinfo=None), "s")
        steps = np.arange(self.n) * np.timedelta64(self.step_min * 60, "s")
        return np.asarray(first + steps, dtype="datetime64[s]")

    def local(self, timezone: str) -> NDArray[np.datetime64]:
        """Return the wall-clock starts of the intervals in a zone, shape (n,), ``datetime64[s]`` without offset.

        Repeated (autumn) and skipped (spring) hours appear as the clock shows them.
        """
        return np.asarray(self.times + utc_offset_s(self.times, timezone).astype("timedelta64[s]"))

    def months(self, timezone: str) -> NDArray[np.int64]:
        """Return the calendar month (1-12) of each interval in a zone, shape (n,)."""
        return self.local(timezone).astype("datetime64[M]").astype(np.int64) % 12 + 1

    def index_at(self, instant: datetime) -> int:
        """Return the index of the interval that holds an aware instant (may lie outside ``0..n-1``)."""
        return int((instant - self.start) // timedelta(minutes=self.step_min))

    def slice(self, first: int, count: int) -> TimeGrid:
        """Return ``count`` intervals from index ``first`` as a grid of its own."""
        return TimeGrid(self.start + timedelta(minutes=self.step_min) * first, self.step_min, count)

    def label(self, index: int, timezone: str = "UTC") -> str:
        """Return the start of one interval as text with its offset, for messages."""
        instant = self.start + timedelta(minutes=self.step_min) * index
        return instant.astimezone(zone_of(timezone)).strftime("%Y-%m-%d %H:%M %z")


def _check_step(step_min: int) -> None:
    problems = Collector()
    if not 1 <= step_min <= MINUTES_PER_DAY or MINUTES_PER_DAY % step_min:
        problems.add(
            "P101", "time.step_min", "a step must divide a day", value=step_min, limit="1 min to 1 day"
        )
    problems.raise_if_any()


def zone_of(timezone: str) -> ZoneInfo:
    """Return the time zone of an IANA name.

    Raises:
        InputError: P101 if there is no such zone.
    """
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problems = Collector()
        problems.add(
            "P101",
            "time.timezone",
            "no such time zone",
            value=timezone,
            remedy="Use an IANA name: Europe/Copenhagen.",
        )
        problems.raise_if_any()
        raise


def utc_offset_s(times: NDArray[np.datetime64], timezone: str) -> NDArray[np.int64]:
    """Return the offset of a zone's wall clock from UTC at each UTC time [s], shape of ``times``.

    Works by hour: offsets of IANA zones change only on whole quarter-hours; every quarter-hour that occurs is looked
    up once per distinct day with equal offsets at both ends, so a year costs about 366 look-ups.
    """
    zone = zone_of(timezone)
    stamps = np.asarray(times).astype("datetime64[s]").astype(np.int64)
    days, inverse = np.unique(stamps // 86400, return_inverse=True)
    day_limits = np.array(
        [[_offset_at(int(d) * 86400, zone), _offset_at(int(d + 1) * 86400 - 1, zone)] for d in days],
        dtype=np.int64,
    ).reshape(-1, 2)
    offsets: NDArray[np.int64] = day_limits[inverse, 0]
    for position in np.flatnonzero(day_limits[:, 0] != day_limits[:, 1]):
        members = np.flatnonzero(inverse == position)
        quarters, back = np.unique(stamps[members] // 900, return_inverse=True)
        offsets[members] = np.array([_offset_at(int(q) * 900, zone) for q in quarters])[back]
    return offsets


def _offset_at(stamp: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(stamp, UTC).astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def _instant(limit: datetime | date, zone: ZoneInfo) -> datetime:
    moment = limit if isinstance(limit, datetime) else datetime.combine(limit, datetime.min.time())
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
