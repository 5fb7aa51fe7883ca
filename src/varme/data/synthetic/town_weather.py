"""Weather of a synthetic town: local days, UTC hours, temperatures with the winter means that are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from varme.data.synthetic.town_spec import TownSpec
from varme.ground.timegrid import utc_offset_s

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Last day of the winter's first part (20 February) and first day of its second (1 November), days of the year from 0.
WINTER_DAYS = (50, 304)
#: What sun and wind do to one group of homes and not to the other [K]; chosen so that the daily means of gas and
#: heat-pump electricity correlate as the paper's do (0.97-0.99).
GROUP_FELT_K = 0.6


@dataclass(frozen=True)
class TownWeather:
    """Days, hours and weather of the period.

    Attributes:
        days: Local calendar days, shape (days,).
        hours_utc: Hours of the period, shape (hours,), ``datetime64[s]``.
        day_of_hour: Number of the local day of each hour, shape (hours,).
        hour_of_day: Local hour of each hour, 0 to 23.
        hourly_c: Outdoor temperature by hour.
        felt_c: Temperature that buildings feel by day, with sun and wind: of gas homes and of homes with heat pumps,
            whose windows and walls differ, shape (2, days); the two-day mean is not yet taken.
        sun_share: Sunshine of each day, 0 to 1.
    """

    days: NDArray[np.datetime64]
    hours_utc: NDArray[np.datetime64]
    day_of_hour: Ints
    hour_of_day: Ints
    hourly_c: Floats
    felt_c: Floats
    sun_share: Floats

    @cached_property
    def daily_c(self) -> Floats:
        """Mean outdoor temperature by local day, shape (days,)."""
        return np.asarray(np.bincount(self.day_of_hour, self.hourly_c) / np.bincount(self.day_of_hour))

    @cached_property
    def year(self) -> Ints:
        """Calendar year of each day, shape (days,)."""
        return np.asarray(self.days.astype("datetime64[Y]").astype(np.int64) + 1970, dtype=np.int64)

    @cached_property
    def month(self) -> Ints:
        """Month of each day since January of the first year, from 0, shape (days,)."""
        months = self.days.astype("datetime64[M]").astype(np.int64)
        return np.asarray(months - months[0], dtype=np.int64)

    @cached_property
    def weekend(self) -> NDArray[np.bool_]:
        """Whether a day is a Saturday or Sunday, shape (days,)."""
        return np.asarray((self.days.astype(np.int64) + 3) % 7 >= 5, dtype=bool)

    @cached_property
    def edges(self) -> Ints:
        """First hour of each local day, shape (days,)."""
        return np.asarray(np.searchsorted(self.day_of_hour, np.arange(len(self.days))), dtype=np.int64)


def town_weather(spec: TownSpec) -> TownWeather:
    """Return the weather of a town.

    A seasonal wave, autoregressive weather (0.75 from day to day, 3.6 K), a smooth shift of each winter to the mean
    that the spec wants, a daily wave that is larger in summer. Sun and wind move what buildings feel (1 K).
    """
    rng = np.random.default_rng([spec.seed, 1])
    days, hours, day_of_hour, hour = _calendar(spec)
    day_of_year = (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(int)
    noise = _persistent(rng, len(days), 0.75) * 3.6
    daily = 10.2 - 9.0 * np.cos(2 * np.pi * (day_of_year - 17) / 365.25) + noise
    early, late = WINTER_DAYS
    outside = np.clip(np.minimum(day_of_year - early, late - day_of_year), 0, 30) / 30
    taper = 0.5 + 0.5 * np.cos(np.pi * outside)
    for year, wanted in zip(spec.years, spec.winters_c(), strict=True):
        mine = days.astype("datetime64[Y]").astype(int) + 1970 == year
        winter = mine & ((day_of_year <= early) | (day_of_year >= late))
        daily = daily + np.where(mine, taper, 0) * (wanted - daily[winter].mean())
    sun = np.clip(0.45 + 0.25 * _persistent(rng, len(days), 0.5), 0, 1)
    height = 0.5 - 0.5 * np.cos(2 * np.pi * (day_of_year + 10) / 365.25)
    felt = daily + 2.5 * (0.4 + height) * (sun - 0.45) + 0.6 * _persistent(rng, len(days), 0.4)
    group = GROUP_FELT_K * np.stack([_persistent(rng, len(days), 0.4) for _ in range(2)])
    swing = (2.0 + 2.2 * np.sin(np.pi * day_of_year / 365.25)) * (0.55 + sun)
    wave = np.cos(2 * np.pi * (np.arange(24) - 15) / 24)
    hourly = daily[day_of_hour] + swing[day_of_hour] * wave[hour]
    mean = np.bincount(day_of_hour, hourly) / np.bincount(day_of_hour)
    return TownWeather(
        days, hours, day_of_hour, hour, hourly + (daily - mean)[day_of_hour], felt[None, :] + group,
        np.asarray(sun * (0.2 + height)),
    )  # fmt: skip


def _persistent(rng: np.random.Generator, n: int, memory: float) -> Floats:
    """Return first-order autoregressive noise of unit variance, shape (n,)."""
    shock = rng.normal(0, np.sqrt(1 - memory**2), n)
    shock[0] /= np.sqrt(1 - memory**2)
    return np.asarray(lfilter([1.0], [1.0, -memory], shock), dtype=float)


def _calendar(spec: TownSpec) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64], Ints, Ints]:
    """Return local days, UTC hours, the day of each hour and its local hour."""
    first = np.datetime64(f"{spec.years[0]}-01-01", "D")
    last = np.datetime64(f"{spec.years[-1] + 1}-01-01", "D")
    start = (first - 1).astype("datetime64[s]")
    span = start + 3600 * np.arange(24 * (int((last - first).astype(int)) + 2)).astype("timedelta64[s]")
    local = span + utc_offset_s(span, spec.timezone).astype("timedelta64[s]")
    inside = (local >= first.astype("datetime64[s]")) & (local < last.astype("datetime64[s]"))
    hours, local = span[inside], local[inside]
    day = (local.astype("datetime64[D]") - first).astype(np.int64)
    hour = (local - local.astype("datetime64[D]")).astype("timedelta64[h]").astype(np.int64)
    return np.arange(first, last), hours, day, hour
