"""Annual peaks drawn from measured profiles: what transformers, feeders and the town see, home by home.

In each draw

1. a home gets a measured heat pump, which it keeps for all days of the draw;
2. each candidate day gets a measured day of like temperature, the same for all homes;
3. a home's power is ``e / 24 h * r``: its own electricity of the candidate day, times the relative profile;
4. all heat pumps are multiplied by one factor for what is not known of the SPF (log-normal);
5. households get the scatter of few homes.

The peak of a year is the highest slot of its candidate days, those with the most electricity. Years are pooled: their
spread is the weather's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from varme.ground.errors import Collector
from varme.retrofit.demand.change_point import fit_change_points
from varme.retrofit.grid.base_load import BaseLoad
from varme.retrofit.grid.library import ProfileLibrary

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Candidate days of a year. With 10 instead of 30 the P95 of the peak moves by less than 1 % (tests).
DAYS_OF_A_YEAR = 10


@dataclass(frozen=True)
class PeakCase:
    """All that peaks are drawn from.

    Attributes:
        energy_kwh: Electricity of each home on each candidate day if it had a heat pump [kWh], shape (homes, days).
        transformer: Number of each home's transformer, shape (homes,).
        names: Names of the transformers.
        rating_kva: Their ratings [kVA], shape (transformers,).
        power_factor: Power factor of the load.
        days: Number of each candidate day among the study's local days, shape (days,), rising.
        year: Calendar year of each candidate day.
        temperature_c: Its temperature.
        base: What the transformers carry already.
        library: Measured profiles.
        feeder: Number of each transformer's feeder, shape (transformers,); one feeder for all if not known.
        feeders: Names of the feeders.
        spf_log_sd: Standard deviation of the logarithm of what is not known of the SPF, alike for all homes.
        resolution_ratio: Peaks of the step wanted over those of the library's step (1: as measured).
        annual_kwh: Electricity of each home in an average year [kWh], shape (homes,); zeros if not needed.
        existing: How many of the last homes have a heat pump already: they run at any share of switched gas homes.
    """

    energy_kwh: NDArray[np.float32]
    transformer: Ints
    names: tuple[str, ...]
    rating_kva: Floats
    power_factor: float
    days: Ints
    year: Ints
    temperature_c: Floats
    base: BaseLoad
    library: ProfileLibrary
    feeder: Ints
    feeders: tuple[str, ...]
    spf_log_sd: float = 0.0
    resolution_ratio: float = 1.0
    annual_kwh: Floats | None = None
    existing: int = 0

    def __post_init__(self) -> None:
        problems = Collector()
        for name in sorted(n for n, count in Counter(self.names).items() if count > 1)[:5]:
            problems.add("P127", "transformers", "the name occurs twice", value=name)
        bad = ~(np.isfinite(self.rating_kva) & (self.rating_kva > 0))
        for row in np.flatnonzero(bad)[:5].tolist():
            problems.add(
                "P127", f"transformers.{self.names[row]}", "the rating must be above 0",
                value=f"{self.rating_kva[row]:g} kVA",
            )  # fmt: skip
        problems.raise_if_any()

    @property
    def rated_kw(self) -> Floats:
        """Active power at which each transformer is full [kW]."""
        return np.asarray(self.rating_kva * self.power_factor, dtype=float)

    @property
    def gas_homes(self) -> int:
        """Homes that switch: the first rows of ``energy_kwh``."""
        return len(self.transformer) - self.existing

    @property
    def homes(self) -> Ints:
        """Homes behind each transformer that switch, shape (transformers,)."""
        return np.bincount(self.transformer[: self.gas_homes], minlength=len(self.names))

    @property
    def base_kw(self) -> Floats:
        """Expected base load on the candidate days, shape (transformers, days, slots)."""
        relative = self.base.relative[self.days]
        return np.asarray(self.base.mean_kw[:, None, None] * relative[None], dtype=float)


def candidate_days(
    town_kwh: Floats, year: Ints, count: int = DAYS_OF_A_YEAR, base_kwh: Floats | None = None
) -> Ints:
    """Return the days on which a year's peak can lie: those with the most electricity.

    Args:
        town_kwh: Electricity of all heat pumps by day [kWh], shape (days,); NaN where not known.
        year: Calendar year of each day, shape (days,).
        count: Days taken of each year.
        base_kwh: Other electricity by day, added if given.
    """
    total = np.nan_to_num(town_kwh if base_kwh is None else town_kwh + base_kwh, nan=-np.inf)
    chosen = []
    for y in np.unique(year):
        mine = np.flatnonzero((year == y) & np.isfinite(total))
        chosen.append(mine[np.argsort(-total[mine], kind="stable")[:count]])
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def day_factors(fleet: Floats, temperature_c: Floats, year: Ints, below_c: float = 10.0) -> Floats:
    """Return what the gas homes together used on each day over what their common model expects, shape (days,).

    Wind, sun and days that follow cold ones move all homes alike; the gas meters show by how much, so for the weather
    years that were measured it need not be drawn. Factors have mean 1 over the cold days of each year, whose meters may
    differ; days without temperature or gas, and mild days, have 1.

    Args:
        fleet: Heat (or gas) of all homes by day, shape (days,).
        temperature_c: Outdoor temperature by day [C].
        year: Calendar year of each day.
        below_c: Days that are warmer have 1.
    """
    fit = fit_change_points(np.asarray(fleet, dtype=np.float32)[None, :], temperature_c)
    expected = fit.predict(np.nan_to_num(temperature_c))[0]
    cold = (
        np.isfinite(temperature_c)
        & (temperature_c < below_c)
        & np.isfinite(fleet)
        & (fleet > 0)
        & (expected > 0)
    )
    out = np.ones(len(fleet))
    for y in np.unique(year):
        mine = cold & (year == y)
        if mine.sum() >= 5:
            out[mine] = (fleet[mine] / expected[mine]) * (expected[mine].sum() / fleet[mine].sum())
    return out


@dataclass(frozen=True)
class Simulation:
    """Peaks of all draws, for shares of homes that rise from bracket to bracket.

    Attributes:
        peak_kw: Peak of base load and heat pumps, shape (draws, brackets, transformers, years).
        heat_pumps_kw: Peak of the heat pumps alone, all brackets switched, shape (draws, transformers, years).
        feeder_kw: Peak by feeder, shape (draws, brackets, feeders, years).
        town_kw: Peak of everything, shape (draws, brackets, years).
        hours_above: Hours of the candidate days above the rating in a year, all switched, shape (draws, transformers).
        when: How often the peak of a transformer fell on a day and slot, shape (transformers, days, slots).
        energy_kwh: Annual electricity of the homes switched, shape (draws, brackets).
    """

    peak_kw: Floats
    heat_pumps_kw: Floats
    feeder_kw: Floats
    town_kw: Floats
    hours_above: Floats
    when: Ints
    energy_kwh: Floats


def simulate(
    case: PeakCase,
    draws: int,
    seed: int,
    brackets: int = 1,
    bracket_of: Callable[[np.random.Generator], Ints] | None = None,
) -> Simulation:
    """Draw annual peaks.

    Args:
        case: What is drawn from.
        draws: Draws.
        seed: Seed; draw i has its own stream, so that more draws begin with the same ones. Who switches when is drawn
            from another one: with everyone switched, all orders give the same peaks.
        brackets: Steps of adoption: homes of bracket b have switched from share b on.
        bracket_of: Gives each home's bracket in a draw, ``brackets`` for never; all in bracket 0 if not given.
    """
    starts = np.flatnonzero(np.r_[True, case.year[1:] != case.year[:-1]])
    groups, years = len(case.names), len(starts)
    base = case.base_kw
    pools = case.library.pools(case.temperature_c)
    slots = case.library.slots
    out = Simulation(
        np.empty((draws, brackets, groups, years)), np.empty((draws, groups, years)),
        np.empty((draws, brackets, len(case.feeders), years)), np.empty((draws, brackets, years)),
        np.empty((draws, groups)), np.zeros((groups, len(case.days), slots), dtype=np.int64),
        np.zeros((draws, brackets)),
    )  # fmt: skip
    nobody = np.zeros(len(case.transformer), dtype=np.int64)
    slot_h = 24 / slots
    for i in range(draws):
        rng = np.random.default_rng([seed, i])
        bracket = nobody if bracket_of is None else bracket_of(np.random.default_rng([seed, i, 1]))
        new = _loads(case, bracket, brackets, pools, rng)
        factor = case.resolution_ratio * float(np.exp(case.spf_log_sd * rng.standard_normal()))
        pumps = np.cumsum(new, axis=0) * factor
        noise = 1 + case.base.noise_share[:, None, None] * rng.standard_normal(base.shape)
        carried = base * np.maximum(noise, 0)
        total = pumps + carried[None]
        out.peak_kw[i] = np.maximum.reduceat(total.max(axis=3), starts, axis=2)
        out.heat_pumps_kw[i] = np.maximum.reduceat(pumps[-1].max(axis=2), starts, axis=1)
        by_feeder = _grouped(total, case.feeder, len(case.feeders))
        out.feeder_kw[i] = np.maximum.reduceat(by_feeder.max(axis=3), starts, axis=2)
        out.town_kw[i] = np.maximum.reduceat(by_feeder.sum(axis=1).max(axis=2), starts, axis=1)
        out.hours_above[i] = (total[-1] > case.rated_kw[:, None, None]).sum(axis=(1, 2)) * slot_h / years
        place = total[-1].reshape(groups, -1).argmax(axis=1)
        out.when.reshape(groups, -1)[np.arange(groups), place] += 1
        if case.annual_kwh is not None:
            used = np.bincount(bracket, case.annual_kwh, minlength=brackets + 1)[:brackets]
            out.energy_kwh[i] = np.cumsum(used) * factor / case.resolution_ratio
    return out


def _loads(
    case: PeakCase, bracket: Ints, brackets: int, pools: list[Ints], rng: np.random.Generator
) -> Floats:
    """Return the heat pumps' power by bracket, transformer, day and slot [kW] in one draw, before any common factor."""
    groups, kinds = len(case.names), case.library.relative.shape[1]
    homes, days = case.energy_kwh.shape
    kind = rng.integers(0, kinds, homes)
    row = (bracket * groups + case.transformer) * kinds + kind
    rows = (brackets + 1) * groups * kinds
    gather = sparse.csc_matrix((np.ones(homes, np.float32), row, np.arange(homes + 1)), shape=(rows, homes))
    energy = (gather @ case.energy_kwh)[: brackets * groups * kinds]
    weight = energy.reshape(brackets * groups, kinds, days).transpose(2, 0, 1) / 24
    drawn = np.array([int(rng.choice(pool)) for pool in pools], dtype=np.int64)
    power = weight @ case.library.relative[drawn]
    shaped = power.transpose(1, 0, 2).reshape(brackets, groups, days, case.library.slots)
    return np.asarray(shaped, dtype=float)


def _grouped(values: Floats, group: Ints, groups: int) -> Floats:
    """Return sums over transformers (axis 1) by feeder."""
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(groups))
    filled = np.bincount(group, minlength=groups) > 0
    out = np.zeros((values.shape[0], groups, *values.shape[2:]))
    out[:, filled] = np.add.reduceat(values[:, order], starts[filled], axis=1)
    return out
