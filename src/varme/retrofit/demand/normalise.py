"""Weather normalisation: energy of a year as it would have been in other weather, degree days, design cold spells.

Energy of two years can only be compared in the same weather, and a town's totals must follow its degree days: the check
that Bayer & Pruckner's published totals do not pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import Collector, ModelError
from varme.retrofit.demand.change_point import CONFIDENCE, ChangePoints
from varme.retrofit.demand.heating_grid import HeatingGrid

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]
Method = Literal["difference", "model", "degree_days"]

#: Indoor temperature and heating limit of the degree-day number G20/15 (VDI 3807-1, VDI 4710-2).
INDOOR_C, LIMIT_C = 20.0, 15.0
#: Least share of a year's days with a temperature for the year to be a reference (assumption).
LEAST_DAYS_SHARE = 0.97


def heating_degree_days(temperature_c: Floats, base_c: float = LIMIT_C) -> float:
    r"""Return heating degree days [K d]: :math:`\sum \max(t_b - T, 0)`.

    Args:
        temperature_c: Daily means [C]; days without one count nothing.
        base_c: Base temperature [C].
    """
    return float(np.nansum(np.maximum(base_c - temperature_c, 0)))


def degree_day_number(temperature_c: Floats, indoor_c: float = INDOOR_C, limit_c: float = LIMIT_C) -> float:
    r"""Return the degree-day number (Gradtagzahl) :math:`G_{t_i/t_b} = \sum_{T < t_b} (t_i - T)` [K d].

    Source: VDI 3807-1 and VDI 4710-2: on heating days, those colder than the limit, the distance to the indoor
    temperature counts, so the number jumps at the limit where heating degree days do not.

    Args:
        temperature_c: Daily means [C].
        indoor_c: Indoor temperature [C].
        limit_c: Heating limit [C].
    """
    return float(np.nansum(np.where(temperature_c < limit_c, indoor_c - temperature_c, 0.0)))


@dataclass(frozen=True)
class Weather:
    """Years of weather, day by day, in which energy is expressed.

    Attributes:
        name: What it is (``mean of 2019, 2020, 2021``).
        years: Daily mean temperatures of each year [C], each of 365 or 366 days (or a file's own length), without gaps.
    """

    name: str
    years: tuple[Floats, ...]

    def sums(self, limit_c: Floats) -> tuple[float, Floats, Floats]:
        """Return days, degree days and days below the limit of a mean year, for one limit per meter."""
        grids = [HeatingGrid.of(t) for t in self.years]
        parts = [g.sums(limit_c) for g in grids]
        days = float(np.mean([g.days for g in grids]))
        return days, np.mean([p.need for p in parts], axis=0), np.mean([p.active for p in parts], axis=0)

    @property
    def degree_days(self) -> float:
        """Degree-day number G20/15 of a mean year [K d]."""
        return float(np.mean([degree_day_number(t) for t in self.years]))


def weather_of_years(days: Days, temperature_c: Floats, years: tuple[int, ...]) -> Weather:
    """Return the weather of years of a record; gaps of a few days are interpolated.

    Args:
        days: Local days of the record.
        temperature_c: Daily means [C], NaN where not known.
        years: Calendar years.

    Raises:
        ModelError: P319 with every year that the record does not hold.
    """
    problems, found = Collector(), []
    calendar = days.astype("datetime64[Y]").astype(int) + 1970
    for year in years:
        t = temperature_c[calendar == year]
        length = int((np.datetime64(f"{year + 1}-01-01") - np.datetime64(f"{year}-01-01")).astype(int))
        known = np.isfinite(t)
        if known.sum() < LEAST_DAYS_SHARE * length or len(t) < length:
            problems.add(
                "P319", f"reference year {year}", "has too few days with a temperature",
                value=f"{int(known.sum())} of {length} days", limit=f"at least {LEAST_DAYS_SHARE:.0%}",
            )  # fmt: skip
            continue
        found.append(np.interp(np.arange(length), np.flatnonzero(known), t[known]))
    if not years:
        problems.add("P319", "reference years", "none are given")
    problems.raise_if_any(ModelError)
    name = str(years[0]) if len(years) == 1 else f"mean of {', '.join(map(str, years))}"
    return Weather(name, tuple(found))


def weather_of_series(temperature_c: Floats, name: str) -> Weather:
    """Return the weather of a reference year that was given day by day (a test reference year, for example).

    Raises:
        ModelError: P319 if it is not a whole year of 365 or 366 days, or has gaps.
    """
    t = np.asarray(temperature_c, dtype=float)
    problems = Collector()
    if len(t) not in (365, 366) or not np.isfinite(t).all():
        problems.add(
            "P319", name, "a reference year has a temperature on each of its days",
            value=f"{len(t)} days, {int((~np.isfinite(t)).sum())} of them empty", limit="365 or 366 days, none empty",
        )  # fmt: skip
    problems.raise_if_any(ModelError)
    return Weather(name, (t,))


@dataclass(frozen=True)
class Normalised:
    """Energy of meters in another weather, arrays of shape (meters, years).

    Attributes:
        reference: Name of the weather.
        years: Calendar years of the energy.
        energy: Energy as it would have been [unit of the energy].
        low: Lower end of its interval.
        high: Upper end.
        degree_days: Degree-day number G20/15 of each year [K d].
        reference_degree_days: That of the reference.
        total: Sum over the meters, shape (years,); each year over the meters that are usable in it.
        panel: Sum over the meters that are usable in all years, shape (years,): these can be compared.
        panel_measured: The same before normalisation.
        panel_meters: How many they are.
    """

    reference: str
    years: tuple[int, ...]
    energy: Floats
    low: Floats
    high: Floats
    degree_days: Floats
    reference_degree_days: float
    total: Floats
    panel: Floats
    panel_measured: Floats
    panel_meters: int


def normalise(
    fits: ChangePoints,
    energy: Floats,
    days: Days,
    temperature_c: Floats,
    years: tuple[int, ...],
    reference: Weather,
    *,
    method: Method = "difference",
) -> Normalised:
    r"""Return each meter's energy of each year in the weather of a reference.

    ``difference`` (default) adds what the model says that the weather makes, so a year's own habits stay:
    :math:`E_{ref} = E + s (N_{ref}(L) - N(L)) + b (d_{ref} - d)`, with N the meter's own degree days below its limit.
    ``model`` is the model's energy in the reference's weather alone. ``degree_days`` scales the part above the base
    with the ratio of the meter's own degree days (VDI 3807 with the meter's limit instead of 15 C).

    The interval holds what is not known of slope, limit and base, taken as independent; slope and limit err in opposite
    directions, so it is somewhat too wide.

    Args:
        fits: Model of each meter.
        energy: Energy by meter and year, shape (meters, years), NaN where not usable.
        days: Local days of the record.
        temperature_c: Daily means [C]; those that the models were fitted on.
        years: Calendar years of ``energy``.
        reference: Weather that energy is expressed in.
        method: How.

    Raises:
        ModelError: P319 if the temperatures do not hold a year.
    """
    ref_days, ref_need, ref_cold = reference.sums(_finite(fits.limit_c))
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    out, half, number = np.full(energy.shape, np.nan), np.full(energy.shape, np.nan), []
    for k, year in enumerate(years):
        weather = weather_of_years(days, temperature_c, (year,))
        number.append(weather.degree_days)
        n, need, cold = weather.sums(_finite(fits.limit_c))
        if method == "difference":
            d_days, d_need, d_cold = ref_days - n, ref_need - need, ref_cold - cold
            out[:, k] = energy[:, k] + fits.slope * d_need + fits.base * d_days
        elif method == "model":
            d_days, d_need, d_cold = ref_days, ref_need, ref_cold
            out[:, k] = np.where(
                np.isfinite(energy[:, k]), fits.slope * ref_need + fits.base * ref_days, np.nan
            )
        else:
            d_days, d_need, d_cold = ref_days - n, ref_need - need, ref_cold - cold
            ratio = np.where(need > 0, ref_need / np.maximum(need, 1e-9), 1.0)
            base = fits.base * n
            out[:, k] = (energy[:, k] - base) * ratio + fits.base * ref_days
        spread = np.sqrt(
            (_finite(fits.slope_se) * d_need) ** 2
            + (fits.slope * _finite(fits.limit_se_c) * d_cold) ** 2
            + (_finite(fits.base_se) * d_days) ** 2
        )
        half[:, k] = z * spread
    panel = np.isfinite(out).all(axis=1)
    return Normalised(
        reference.name, years, out, out - half, out + half, np.array(number), reference.degree_days,
        np.nansum(out, axis=0), out[panel].sum(axis=0), energy[panel].sum(axis=0), int(panel.sum()),
    )  # fmt: skip


def _finite(values: Floats) -> Floats:
    return np.nan_to_num(values, nan=0.0)


@dataclass(frozen=True)
class Spell:
    """A cold spell.

    Attributes:
        first: Number of its first day in the record.
        last: Number of its last day.
        mean_c: Mean temperature [C].
        temperature_c: Temperature of its days [C].
    """

    first: int
    last: int
    mean_c: float
    temperature_c: Floats


def coldest_spell(temperature_c: Floats, days: int) -> Spell:
    """Return the coldest days in a row of a record; runs with a day without a temperature are not looked at.

    Args:
        temperature_c: Daily means [C].
        days: Length of the spell.

    Raises:
        ModelError: P319 if there is no such run.
    """
    known = np.isfinite(temperature_c)
    problems = Collector()
    if len(known) >= days:
        whole = np.convolve(known, np.ones(days), "valid") == days
    else:
        whole = np.zeros(0, dtype=bool)
    if not whole.any():
        problems.add(
            "P319", "cold spell", f"no {days} days in a row have a temperature", value=int(known.sum())
        )
    problems.raise_if_any(ModelError)
    mean = np.convolve(np.nan_to_num(temperature_c), np.ones(days) / days, "valid")
    first = int(np.argmin(np.where(whole, mean, np.inf)))
    inside = temperature_c[first : first + days]
    return Spell(first, first + days - 1, float(inside.mean()), inside)


def energy_in_spell(fits: ChangePoints, spell: Spell | Floats) -> Floats:
    """Return each meter's energy over the days of a spell, measured or designed, by its model, shape (meters,)."""
    t = spell.temperature_c if isinstance(spell, Spell) else np.asarray(spell, dtype=float)
    grid = HeatingGrid.of(t)
    sums = grid.sums(_finite(fits.limit_c))
    return np.asarray(fits.base * grid.days + fits.slope * sums.need, dtype=float)
