"""From what a study knows to the case that peaks are drawn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import Collector
from varme.retrofit.grid import base_load
from varme.retrofit.grid.base_load import BaseLoad
from varme.retrofit.grid.library import ProfileLibrary
from varme.retrofit.grid.peaks import PeakCase, candidate_days
from varme.retrofit.grid.spec import GridSpec

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]

#: Homes predicted at once: 50,000 homes times 30 days are 12 MB.
HOMES_AT_ONCE = 50_000


@dataclass(frozen=True)
class Transformers:
    """What is known of the transformers, each of shape (transformers,).

    Attributes:
        names: Names.
        rating_kva: Rating [kVA]; the study's default where the table has none.
        feeder: Number of each one's feeder.
        feeders: Names of the feeders.
        base_peak_kw: Peak of what it carries already [kW], NaN where not known.
        unmetered: Homes behind it without a meter in the data.
        x_m: Place, east [m], NaN where not known.
        y_m: Place, north [m].
        defaulted: Transformers whose rating is the study's default.
    """

    names: tuple[str, ...]
    rating_kva: Floats
    feeder: Ints
    feeders: tuple[str, ...]
    base_peak_kw: Floats
    unmetered: Ints
    x_m: Floats
    y_m: Floats
    defaulted: int


def transformers_of(
    names: Sequence[str], spec: GridSpec, table: Mapping[str, NDArray[Any]] | None = None
) -> Transformers:
    """Return the transformers of a study, in the order of ``names``.

    Args:
        names: Transformers that meters name.
        spec: Defaults.
        table: Columns of the table of transformers: ``transformer`` and any of ``rating_kva``, ``feeder``,
            ``base_peak_kw``, ``unmetered_homes_count``, ``x_m`` and ``y_m``, or ``lon_deg`` and ``lat_deg``.

    Raises:
        InputError: P127 for a name that occurs twice, or a rating that is not above 0.
    """
    columns = dict(table or {})
    listed = [str(n) for n in columns.get("transformer", ())]
    problems = Collector()
    for name in sorted(n for n, count in Counter(listed).items() if count > 1)[:5]:
        problems.add("P127", "transformers", "the name occurs twice", value=name)
    place = {n: i for i, n in enumerate(listed)}
    row = np.array([place.get(str(n), -1) for n in names], dtype=np.int64)

    def column(key: str) -> Floats:
        if key not in columns or not len(columns[key]):
            return np.full(len(names), np.nan)
        return np.where(row >= 0, np.asarray(columns[key], dtype=float)[np.maximum(row, 0)], np.nan)

    rating = column("rating_kva")
    for i in np.flatnonzero(rating <= 0)[:5].tolist():
        problems.add(
            "P127", f"transformers.{names[i]}.rating_kva", "must be above 0", value=f"{rating[i]:g} kVA"
        )
    problems.raise_if_any()
    feeder_names = [str(columns["feeder"][r]) if "feeder" in columns and r >= 0 else "" for r in row.tolist()]
    feeders = tuple(sorted({f or "all" for f in feeder_names}))
    feeder = np.array([feeders.index(f or "all") for f in feeder_names], dtype=np.int64)
    x, y = column("x_m"), column("y_m")
    if np.isnan(x).all():
        x, y = _metres(column("lon_deg"), column("lat_deg"))
    return Transformers(
        tuple(str(n) for n in names), np.where(np.isnan(rating), spec.rating_kva, rating), feeder, feeders,
        column("base_peak_kw"), np.nan_to_num(column("unmetered_homes_count")).astype(np.int64), x, y,
        int(np.isnan(rating).sum()),
    )  # fmt: skip


def _metres(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Return degrees as metres east and north of the middle (equirectangular: good for a town)."""
    if np.isnan(lon).all() or np.isnan(lat).all():
        return np.full(len(lon), np.nan), np.full(len(lat), np.nan)
    lon0, lat0 = float(np.nanmean(lon)), float(np.nanmean(lat))
    metres = 111_320.0
    return (lon - lon0) * metres * np.cos(np.radians(lat0)), (lat - lat0) * metres


def base_of(
    spec: GridSpec,
    transformers: Transformers,
    days: NDArray[np.datetime64],
    household_kwh: Floats,
    homes: Ints,
    slots: int = 24,
) -> BaseLoad:
    """Return what the transformers carry already.

    A given peak counts where there is one; elsewhere households' annual electricity times the profile.

    Args:
        spec: Profile and scatter.
        transformers: Transformers.
        days: Local days of the study.
        household_kwh: Annual electricity of the households behind each transformer [kWh].
        homes: Households behind each transformer.
        slots: Slots of a day.

    Raises:
        InputError: P124 if the BDEW profile is asked for and not installed; P132 for negative figures.
    """
    groups = len(transformers.names)
    if spec.base_profile == "none":
        return base_load.no_base(groups, len(days), slots)
    profile = (
        base_load.h0_profile(days, slots)
        if spec.base_profile == "h0"
        else base_load.household_profile(days, slots)
    )
    known = np.isfinite(transformers.base_peak_kw)
    given = base_load.base_from_peaks(np.where(known, transformers.base_peak_kw, 0.0), profile)
    made = base_load.base_from_households(
        household_kwh, homes, profile, spec.base_profile, spread_share=spec.household_spread_share
    )
    names = ["given peaks"] if known.any() else []
    names += [f"{spec.base_profile} profile"] if not known.all() else []
    return BaseLoad(
        np.where(known, given.mean_kw, made.mean_kw), profile, np.where(known, 0.0, made.noise_share),
        ", ".join(names),
    )  # fmt: skip


@dataclass(frozen=True)
class ExistingHeatPumps:
    """Heat pumps that are there already and are metered.

    Each draws what the mean of them draws: a transformer's load tells nothing of a single meter.

    Attributes:
        transformer: Transformer of each, -1 for none, shape (heat pumps,).
        daily_kwh: Mean electricity of a heat pump by day [kWh], shape (days,).
        household_kwh: Annual electricity of each one's household [kWh], NaN where not known.
    """

    transformer: Ints
    daily_kwh: Floats
    household_kwh: Floats

    def beside(self, transformers: Transformers) -> ExistingHeatPumps:
        """Return those behind transformers whose base peak is not given: a given one holds them."""
        open_to = np.r_[np.isnan(transformers.base_peak_kw), False]
        keep = open_to[self.transformer]
        return replace(self, transformer=self.transformer[keep], household_kwh=self.household_kwh[keep])

    def with_households(
        self, transformer: Ints, household_kwh: Floats, spec: GridSpec
    ) -> tuple[Ints, Floats]:
        """Return transformers and households of the gas homes with those of the heat pumps behind them."""
        mine = np.where(np.isfinite(self.household_kwh), self.household_kwh, spec.household_kwh)
        return np.concatenate([transformer, self.transformer]), np.concatenate([household_kwh, mine])

    def added_to(self, case: PeakCase) -> PeakCase:
        """Return the case with these heat pumps, which run whoever switches."""
        count = len(self.transformer)
        daily = np.tile(np.maximum(self.daily_kwh[case.days], 0).astype(np.float32), (count, 1))
        annual = None if case.annual_kwh is None else np.concatenate([case.annual_kwh, np.zeros(count)])
        return replace(
            case, energy_kwh=np.concatenate([case.energy_kwh, daily]),
            transformer=np.concatenate([case.transformer, self.transformer]), annual_kwh=annual, existing=count,
        )  # fmt: skip

    def hourly_kw(self, groups: int, step_day: Ints, shape: Floats) -> Floats:
        """Return their expected power by transformer and step [kW], shape (groups, steps).

        Args:
            groups: Number of transformers.
            step_day: Number of the local day of each step.
            shape: Share of the day's electricity in an hour at each step [1/h].
        """
        count = np.bincount(self.transformer, minlength=groups).astype(float)
        return np.asarray(count[:, None] * (self.daily_kwh[step_day] * shape)[None, :], dtype=float)


def assemble_case(
    spec: GridSpec,
    transformers: Transformers,
    transformer: Ints,
    predict_kwh: Callable[[slice, Ints], Floats | Floats32],
    *,
    days: NDArray[np.datetime64],
    temperature_c: Floats,
    town_kwh: Floats,
    library: ProfileLibrary,
    household_kwh: Floats | None = None,
    annual_kwh: Floats | None = None,
    spf_log_sd: float = 0.0,
    day_factor: Floats | None = None,
    existing: ExistingHeatPumps | None = None,
) -> PeakCase:
    """Return the case that peaks are drawn from.

    Args:
        spec: Defaults, candidate days, power factor.
        transformers: Transformers.
        transformer: Transformer of each gas home, shape (homes,); homes with -1 or without a prediction are left out.
        predict_kwh: ``predict_kwh(rows, days)`` gives the retrofitted electricity [kWh] of a range of homes on the
            days with these numbers, shape (rows, days).
        days: Local days of the study, shape (days,).
        temperature_c: Outdoor temperature by day [C].
        town_kwh: Retrofitted electricity of the town by day [kWh]: picks the candidate days.
        library: Measured profiles.
        household_kwh: Annual electricity of each home's household [kWh]; the default of the spec where NaN.
        annual_kwh: Retrofitted electricity of each home in an average year [kWh].
        spf_log_sd: What is not known of the SPF, as the standard deviation of its logarithm.
        day_factor: What all homes together used over their model by day (:func:`day_factors`), for weather years that
            were measured; the common deviation of a day is then taken from there and not drawn.
        existing: Heat pumps that are there already, where a transformer's given base peak does not hold them.
    """
    year = days.astype("datetime64[Y]").astype(np.int64) + 1970
    known = np.isfinite(temperature_c)
    chosen = candidate_days(np.where(known, town_kwh, np.nan), year, spec.candidate_days_count)
    homes = len(transformer)
    energy = np.empty((homes, len(chosen)), dtype=np.float32)
    for first in range(0, homes, HOMES_AT_ONCE):
        rows = slice(first, min(first + HOMES_AT_ONCE, homes))
        energy[rows] = predict_kwh(rows, chosen)
    if day_factor is not None:
        energy *= day_factor[chosen].astype(np.float32)[None, :]
        library = library.level_days()
    used = (transformer >= 0) & np.isfinite(energy).all(axis=1)
    groups = len(transformers.names)
    house = (
        np.full(homes, spec.household_kwh)
        if household_kwh is None
        else np.asarray(household_kwh, dtype=float)
    )
    house = np.where(np.isfinite(house), house, spec.household_kwh)
    there = existing.beside(transformers) if existing is not None else None
    place, house = (transformer, house) if there is None else there.with_households(transformer, house, spec)
    placed = place >= 0
    metered = np.bincount(place[placed], minlength=groups)
    energy_kwh = np.bincount(place[placed], house[placed], minlength=groups).astype(float)
    mean = np.where(metered > 0, energy_kwh / np.maximum(metered, 1), spec.household_kwh)
    base = base_of(
        spec, transformers, days, energy_kwh + transformers.unmetered * mean, metered + transformers.unmetered,
        library.slots,
    )  # fmt: skip
    case = PeakCase(
        np.maximum(energy[used], 0), transformer[used].astype(np.int64), transformers.names, transformers.rating_kva,
        spec.power_factor_share, chosen, year[chosen], temperature_c[chosen].astype(float), base, library,
        transformers.feeder, transformers.feeders, spf_log_sd, spec.peak_ratio,
        None if annual_kwh is None else np.asarray(annual_kwh, dtype=float)[used],
    )  # fmt: skip
    return case if there is None else there.added_to(case)


def slot_of(times_utc: NDArray[np.datetime64], local_hour: Ints, step_min: int) -> Ints:
    """Return the slot of the local day of each step: the hour, or the quarter-hour for quarter-hours.

    Zones whose offset is no whole hour keep the minutes of UTC: their slots are shifted by up to half an hour.
    """
    per_hour = max(60 // step_min, 1)
    minute = (times_utc.astype("datetime64[m]").astype(np.int64) % 60) // max(step_min, 1)
    return np.asarray(local_hour * per_hour + np.minimum(minute, per_hour - 1), dtype=np.int64)
