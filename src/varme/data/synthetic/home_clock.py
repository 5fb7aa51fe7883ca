"""The quarter-hours of a home's year: wall clock, kinds of days, and where the sun stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from varme.data.synthetic.calendar import PADDING_DAYS, YEAR_DAYS, easter
from varme.data.synthetic.home_spec import HomeYearSpec
from varme.ground.timegrid import TimeGrid, utc_offset_s, zone_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class HomeClock:
    """Quarter-hours of a padded calendar year. Arrays have shape (grid.n,) unless stated.

    Attributes:
        spec: The year.
        grid: Quarter-hours, UTC.
        offset_s: Wall clock less UTC [s].
        inside: True in the calendar year.
    """

    spec: HomeYearSpec
    grid: TimeGrid
    offset_s: Ints
    inside: NDArray[np.bool_]

    @cached_property
    def local(self) -> NDArray[np.datetime64]:
        """Wall-clock start of each interval."""
        return np.asarray(self.grid.times + self.offset_s.astype("timedelta64[s]"))

    @cached_property
    def hour(self) -> Floats:
        """Wall-clock hour with fraction."""
        return np.asarray((self.local.astype(np.int64) % 86400) / 3600, dtype=float)

    @cached_property
    def days(self) -> Ints:
        """Local days that begin in the grid, as days since 1970, shape (d,)."""
        day = self.local.astype(np.int64) // 86400
        return np.unique(day)[1:-1]

    @cached_property
    def day_start(self) -> Ints:
        """Index of the first interval of each local day, shape (d,)."""
        day = self.local.astype(np.int64) // 86400
        return np.asarray(np.searchsorted(day, self.days))

    def free(self, days: Ints) -> NDArray[np.bool_]:
        """Return whether local days are Saturdays, Sundays or holidays, shape of ``days``."""
        found: list[np.datetime64] = []
        for year in (self.spec.year - 1, self.spec.year, self.spec.year + 1):
            found += [np.datetime64(f"{year}-{day}", "D") for day in self.spec.holidays]
            sunday = np.datetime64(easter(year), "D")
            found += [sunday + np.timedelta64(k, "D") for k in self.spec.holidays_after_easter_count]
        holidays = np.array(found, dtype="datetime64[D]").astype(np.int64)
        return np.asarray(((days + 3) % 7 >= 5) | np.isin(days, holidays))

    def index_of(self, day: Ints, clock_h: Floats) -> Ints:
        """Return the interval at a wall-clock time of a local day.

        Args:
            day: Row in ``days``, shape (k,).
            clock_h: Wall-clock hour, 0 to 24, shape (k,); in the hour that spring skips it is the hour after.
        """
        first = self.day_start[day]
        index = np.minimum(first + np.floor(clock_h * 4).astype(np.int64), self.grid.n - 1)
        return np.asarray(
            np.minimum(index + (self.offset_s[first] - self.offset_s[index]) // 900, self.grid.n - 1)
        )

    @cached_property
    def winter(self) -> Floats:
        """Cosine of the year, 1 in the coldest days (28 January; half a year later in the south)."""
        turn = 0.0 if self.spec.latitude_deg >= 0 else np.pi
        day = (self.grid.times - np.datetime64(f"{self.spec.year}-01-01", "s")) / np.timedelta64(86400, "s")
        return np.asarray(np.cos(2 * np.pi * (day - 27) / YEAR_DAYS + turn), dtype=float)

    @cached_property
    def sun(self) -> Floats:
        """Sine of the sun's height in the middle of each interval."""
        middle = self.grid.times.astype(np.int64) + 450
        return sun_height(middle, self.spec.latitude_deg, self.spec.longitude_deg)

    @cached_property
    def hours(self) -> Floats:
        """Position of each interval's middle on hours whose values stand at their middles."""
        return np.asarray((np.arange(self.grid.n) + 0.5) / 4 - 0.5, dtype=float)

    def fine(self, hourly: Floats) -> Floats:
        """Return hourly values interpolated to quarter-hours."""
        return np.asarray(np.interp(self.hours, np.arange(len(hourly), dtype=float), hourly), dtype=float)

    def hourly(self, values: Floats) -> Floats:
        """Return means over whole UTC hours, shape (grid.n / 4,)."""
        return np.asarray(values.reshape(-1, 4).mean(axis=1))


def home_clock(spec: HomeYearSpec) -> HomeClock:
    """Return the padded quarter-hours of a calendar year, from a full UTC day to a full UTC day.

    Raises:
        InputError: P101 if the time zone is unknown.
    """
    zone_of(spec.timezone)
    start = datetime(spec.year, 1, 1, tzinfo=UTC) - timedelta(days=PADDING_DAYS)
    days = (datetime(spec.year + 1, 1, 1, tzinfo=UTC) - start).days + PADDING_DAYS
    grid = TimeGrid(start, 15, days * 96)
    offset = utc_offset_s(grid.times, spec.timezone)
    local = grid.times.astype(np.int64) + offset
    first = [np.datetime64(f"{spec.year + k}-01-01", "s").astype(np.int64) for k in (0, 1)]
    return HomeClock(spec, grid, offset, np.asarray((local >= first[0]) & (local < first[1])))


def sun_height(utc_s: Ints, latitude_deg: float, longitude_deg: float) -> Floats:
    """Return the sine of the sun's height above the horizon, without refraction, shape of ``utc_s``.

    The low-precision formulas of the Astronomical Almanac (0.01 degrees, 1950-2050) as given by Michalsky (1988),
    "The Astronomical Almanac's algorithm for approximate solar position (1950-2050)", Solar Energy 40(3).

    Args:
        utc_s: Seconds since 1970 (UTC).
        latitude_deg: Latitude.
        longitude_deg: Longitude.
    """
    day = np.asarray(utc_s, dtype=float) / 86400 - 10957.5  # since noon of 1 January 2000
    mean_anomaly = np.radians(357.528 + 0.9856003 * day)
    ecliptic = np.radians(
        280.460 + 0.9856474 * day + 1.915 * np.sin(mean_anomaly) + 0.020 * np.sin(2 * mean_anomaly)
    )
    tilt = np.radians(23.439 - 4e-7 * day)
    ascension = np.arctan2(np.cos(tilt) * np.sin(ecliptic), np.cos(ecliptic))
    sine = np.sin(tilt) * np.sin(ecliptic)
    sidereal_h = 6.697375 + 0.0657098242 * day + np.asarray(utc_s, dtype=float) % 86400 / 3600
    angle = np.radians(sidereal_h * 15 + longitude_deg) - ascension
    latitude = np.radians(latitude_deg)
    return np.asarray(
        np.sin(latitude) * sine + np.cos(latitude) * np.sqrt(1 - sine**2) * np.cos(angle), dtype=float
    )
