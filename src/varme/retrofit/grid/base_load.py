"""What the transformers carry already: households, as a mean profile with the scatter that few homes have."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import Collector, InputError, Problem

Floats = NDArray[np.float64]

#: Household electricity by hour of a winter day, mean 1. Means over December to February of the six household classes
#: of SimBench's 2016 profiles (ODbL 1.0), each class with the same annual energy; rounded.
HOUSEHOLD_HOURS = np.array([
    0.62, 0.49, 0.43, 0.40, 0.40, 0.45, 0.71, 0.89, 1.05, 1.14, 1.16, 1.21,
    1.18, 1.18, 1.23, 1.24, 1.30, 1.39, 1.51, 1.49, 1.39, 1.28, 1.05, 0.81,
])  # fmt: skip
#: Amplitude of the annual wave of household electricity about its mean, highest in mid-January: same source
#: (January 1.37, July 0.74).
SEASON_AMPLITUDE = 0.30
#: Standard deviation of one household's hour about the profile, relative to it: same source (0.3 to 0.8 by class).
HOUSEHOLD_SPREAD = 0.7


@dataclass(frozen=True)
class BaseLoad:
    """What each transformer carries without the new heat pumps.

    Attributes:
        mean_kw: Annual mean power, shape (transformers,).
        relative: Power over the annual mean by local day and slot, shape (days, slots).
        noise_share: Standard deviation of a slot of each transformer about that, relative; 0 where the peak itself
            was given, shape (transformers,).
        source: Where it comes from.
    """

    mean_kw: Floats
    relative: Floats
    noise_share: Floats
    source: str

    @property
    def peak_kw(self) -> Floats:
        """Highest expected power of each transformer, shape (transformers,)."""
        return np.asarray(self.mean_kw * self.relative.max(initial=0.0), dtype=float)


def household_profile(days: NDArray[np.datetime64], slots: int = 24) -> Floats:
    """Return household power over its annual mean by day and slot, shape (days, slots): SimBench's mean shape."""
    start = days.astype("datetime64[Y]").astype("datetime64[D]")
    day_of_year = (days.astype("datetime64[D]") - start).astype(np.int64)
    season = 1 + SEASON_AMPLITUDE * np.cos(2 * np.pi * (day_of_year - 14) / 365.25)
    hours = np.arange(slots) * 24 // slots
    return np.asarray(season[:, None] * HOUSEHOLD_HOURS[hours][None, :] / HOUSEHOLD_HOURS.mean(), dtype=float)


def h0_profile(days: NDArray[np.datetime64], slots: int = 24) -> Floats:
    """Return the BDEW standard profile H0 (dynamic) over its annual mean by day and slot, shape (days, slots).

    Holidays are not treated as Sundays. Days of 23 and 25 hours get an ordinary day.

    Raises:
        InputError: P124 if demandlib is not installed.
    """
    try:
        from demandlib import bdew
    except ModuleNotFoundError:
        raise InputError(
            Problem("P124", "grid.base_profile", "the BDEW profile H0 is computed by demandlib, which is not installed",
                    value="h0", remedy='Run `pip install "varme[profiles]"`, or use `base_profile = "household"`.')
        ) from None  # fmt: skip
    years = days.astype("datetime64[Y]").astype(int) + 1970
    out = np.empty((len(days), slots))
    for year in np.unique(years):
        # demandlib 0.2.2 makes all warnings errors, and then trips over what pandas 3 deprecates.
        with warnings.catch_warnings(), mock.patch.object(warnings, "simplefilter"):
            warnings.filterwarnings("ignore")
            frame = bdew.ElecSlp(int(year)).slp_frame
        quarter = frame["h0_dyn"].to_numpy(dtype=float)
        table = quarter.reshape(-1, slots, 96 // slots).mean(axis=2) / quarter.mean()
        mine = years == year
        first = np.datetime64(f"{year}-01-01", "D")
        out[mine] = table[(days[mine].astype("datetime64[D]") - first).astype(np.int64)]
    return out


def base_from_households(
    annual_kwh: Floats,
    households: NDArray[np.int64],
    profile: Floats,
    source: str,
    *,
    spread_share: float = HOUSEHOLD_SPREAD,
) -> BaseLoad:
    """Return the base load of households from their annual electricity.

    Args:
        annual_kwh: Annual electricity of the households behind each transformer [kWh], shape (transformers,).
        households: Their number, shape (transformers,).
        profile: Power over its annual mean by day and slot, shape (days, slots).
        source: Name of the profile.
        spread_share: Scatter of one household's slot about the profile; that of n is this over sqrt(n).

    Raises:
        InputError: P132 if an energy is negative or not a number.
    """
    _refuse_bad(annual_kwh, "households' annual electricity", "kWh")
    noise = np.where(households > 0, spread_share / np.sqrt(np.maximum(households, 1)), 0.0)
    return BaseLoad(np.asarray(annual_kwh, dtype=float) / 8766.0, profile, noise, source)


def base_from_peaks(peak_kw: Floats, profile: Floats, source: str = "given peaks") -> BaseLoad:
    """Return the base load whose highest slot is the given peak, with the shape of a profile.

    Raises:
        InputError: P132 if a peak is negative or not a number.
    """
    _refuse_bad(peak_kw, "base peak", "kW")
    return BaseLoad(np.asarray(peak_kw, dtype=float) / profile.max(), profile, np.zeros(len(peak_kw)), source)


def base_from_series(
    series_kw: Floats,
    share: Floats,
    local_day: NDArray[np.int64],
    slot: NDArray[np.int64],
    days: int,
    slots: int = 24,
) -> BaseLoad:
    """Return the base load of a measured series that is divided over the transformers.

    Args:
        series_kw: Power of all transformers together by step [kW], shape (steps,).
        share: Share of each transformer, shape (transformers,).
        local_day: Day number of each step, shape (steps,).
        slot: Slot of the local day of each step.
        days: Number of days.
        slots: Slots of a day.

    Raises:
        InputError: P132 if the series has another length, or a negative or missing value.
    """
    if len(series_kw) != len(local_day):
        raise InputError(
            Problem("P132", "grid.base_load", "the series has another length than the study's steps",
                    value=str(len(series_kw)), limit=str(len(local_day)))
        )  # fmt: skip
    _refuse_bad(series_kw, "base load", "kW")
    mean = float(np.mean(series_kw))
    at = local_day * slots + slot
    count = np.bincount(at, minlength=days * slots)
    table = np.bincount(at, series_kw, minlength=days * slots) / np.maximum(count, 1)
    relative = table.reshape(days, slots) / max(mean, 1e-12)
    return BaseLoad(mean * np.asarray(share, dtype=float), relative, np.zeros(len(share)), "given series")


def no_base(transformers: int, days: int, slots: int = 24) -> BaseLoad:
    """Return no base load at all."""
    return BaseLoad(np.zeros(transformers), np.zeros((days, slots)), np.zeros(transformers), "none")


def _refuse_bad(values: Floats, what: str, unit: str) -> None:
    problems = Collector()
    numbers = np.asarray(values, dtype=float)
    bad = ~(np.isfinite(numbers) & (numbers >= 0))
    for row in np.flatnonzero(bad)[:5].tolist():
        problems.add(
            "P132",
            f"grid.base_load row {row}",
            f"{what} must be 0 or more",
            value=f"{numbers[row]:g} {unit}",
        )
    problems.raise_if_any(InputError)
