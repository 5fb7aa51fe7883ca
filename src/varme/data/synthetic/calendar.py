"""The year's clock: hours, day types, seasons and holidays of a synthetic year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from varme.data.synthetic.spec import SyntheticSpec
from varme.ground.timegrid import TimeGrid, zone_of

#: Days generated before and after the calendar year, so that horizons may overlap its ends.
PADDING_DAYS = 14
#: Days in a mean year [d].
YEAR_DAYS = 365.25


def easter(year: int) -> date:
    """Return Easter Sunday in the Gregorian calendar (anonymous algorithm; Meeus, Astronomical Algorithms, 1991)."""
    golden, century, of_century = year % 19, year // 100, year % 100
    skipped = century - century // 4 - (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + skipped + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (of_century // 4) - epact - of_century % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@dataclass(frozen=True)
class Clock:
    """Hours of a padded calendar year, with what people and seasons do in them. All arrays have shape (grid.n,)."""

    grid: TimeGrid
    local: NDArray[np.datetime64]
    day_type: NDArray[np.int64]
    """0 working day, 1 Saturday, 2 Sunday or holiday."""
    inside: NDArray[np.bool_]
    """True in the calendar year itself, False in the padding."""

    @cached_property
    def hour(self) -> NDArray[np.int64]:
        """Hour of the local day, 0-23."""
        of_day = self.local.astype("datetime64[h]") - self.local.astype("datetime64[D]")
        return np.asarray(of_day, dtype=np.int64)

    @cached_property
    def month(self) -> NDArray[np.int64]:
        """Local month, 0-11."""
        return self.local.astype("datetime64[M]").astype(np.int64) % 12

    @cached_property
    def day_of_year(self) -> NDArray[np.float64]:
        """Days since local New Year, with fraction; the padding wraps to the neighbouring year's days."""
        start = self.local.astype("datetime64[Y]")
        return np.asarray((self.local - start) / np.timedelta64(86400, "s"), dtype=float)

    def season(self, peak_day: float) -> NDArray[np.float64]:
        """Return a cosine over the year with its maximum, 1, on a day of the year."""
        return np.asarray(np.cos(2 * np.pi * (self.day_of_year - peak_day) / YEAR_DAYS), dtype=float)


def clock_of(spec: SyntheticSpec) -> Clock:
    """Return the padded hourly clock of a spec's calendar year.

    Raises:
        InputError: P101 if the time zone is unknown.
    """
    zone = zone_of(spec.timezone)
    limits = [datetime(spec.year + k, 1, 1, tzinfo=zone).astimezone(UTC) for k in (0, 1)]
    first, last = (limit.replace(minute=0) for limit in limits)
    start = first - timedelta(days=PADDING_DAYS)
    hours = round((last - first) / timedelta(hours=1)) + 2 * 24 * PADDING_DAYS
    grid = TimeGrid(start, 60, hours)
    local = grid.local(spec.timezone)
    days = local.astype("datetime64[D]")
    weekday = (days.astype(np.int64) + 3) % 7
    free = (weekday == 6) | np.isin(days, _holidays(spec))
    day_type = np.where(free, 2, np.where(weekday == 5, 1, 0)).astype(np.int64)
    inside = (grid.times >= np.datetime64(first.replace(tzinfo=None), "s")) & (
        grid.times < np.datetime64(last.replace(tzinfo=None), "s")
    )
    return Clock(grid, local, day_type, inside)


def _holidays(spec: SyntheticSpec) -> NDArray[np.datetime64]:
    days: list[np.datetime64] = []
    for year in (spec.year - 1, spec.year, spec.year + 1):
        days += [np.datetime64(f"{year}-{day}", "D") for day in spec.holidays]
        sunday = np.datetime64(easter(year), "D")
        days += [sunday + np.timedelta64(offset, "D") for offset in spec.holidays_after_easter_count]
    return np.array(days, dtype="datetime64[D]")
