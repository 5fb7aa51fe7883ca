"""Annual totals of a town whose truth is known: many towns a second, for testing estimators of B.

The population was fixed before any estimator was run on it. Sources: Bayer & Pruckner 2023 for the number of meters
(1,400 gas, 73 heat pumps), the sources of heat (76 % air, 24 % ground), the correlation of annual heat with volume
(0.63-0.65) and the mean heat of a home (22.6 MWh, from its totals); the spread of heat over homes is that of 379
British authorities 2015-2021 (DESNZ sub-national statistics: log spread 0.44-0.52, median 0.48); the spread of the
SPF between homes is 0.138 in 310 systems of HeatpumpMonitor.org and 0.148 in 166 of Electrification of Heat. The
shares of dirt are assumptions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import special

from varme.ground.spec import Spec

Floats = NDArray[np.float64]

#: Shape parameters that give a log spread of 0.5: trigamma(k) = 0.25 and pi / (sqrt(6) k) = 0.5; scaled for others.
GAMMA_SHAPE = 4.4794
#: Spread of heat at which the shape parameter above holds.
GAMMA_SPREAD = 0.5


class PopulationSpec(Spec):
    """Annual totals of gas homes and of heat-pump homes."""

    gas_meters_count: int = Field(default=1400, ge=1)
    """Homes with a gas furnace (Bayer & Pruckner: about 1,400)."""
    heat_pumps_count: int = Field(default=73, ge=1)
    """Homes with a heat pump (Bayer & Pruckner: 73)."""
    b_ratio: float = Field(default=3.3, gt=1)
    """Fleet B of the population: expected heat over expected electricity (Bayer & Pruckner: 3.3 in 2019)."""
    mean_heat_kwh_th: float = Field(default=22600.0, gt=0)
    """Mean useful heat of a gas home [kWh] (from the totals of Bayer & Pruckner 2023)."""
    log_spread_share: float = Field(default=0.5, gt=0, le=1.5)
    """Standard deviation of log heat over homes (DESNZ: median 0.48)."""
    volume_log_spread_share: float = Field(default=0.5, gt=0, le=1.5)
    """Standard deviation of log volume (assumption)."""
    volume_correlation_share: float = Field(default=0.64, ge=0, lt=0.9)
    """Correlation of heat with volume, of the values and not their logarithms (Bayer & Pruckner: 0.63-0.65)."""
    ground_source_share: float = Field(default=0.0, ge=0, le=1)
    """Share of heat pumps with the ground as source (Bayer & Pruckner: 0.24)."""
    ground_per_air_ratio: float = Field(default=1.27, gt=0)
    """Mean SPF of ground source over that of air source."""
    spf_log_spread_share: float = Field(default=0.0, ge=0, lt=1)
    """Standard deviation of log SPF between homes of one source (HPM 0.138, EoH 0.148)."""
    heat_spf_correlation_share: float = Field(default=0.0, gt=-1, lt=1)
    """Correlation of log heat with the log SPF of homes of one source (HPM +0.15, EoH +0.08)."""
    size_ratio: float = Field(default=1.0, gt=0)
    """How much larger the volume of heat-pump homes is; heat follows by its relation with volume."""
    cooking_share: float = Field(default=0.0, ge=0, lt=0.5)
    """Gas meters that only feed a cooker: 300 to 1,200 kWh a year."""
    multi_family_share: float = Field(default=0.0, ge=0, lt=0.5)
    """Gas meters of 3 to 8 homes; the volume is that of the whole building."""
    vacant_share: float = Field(default=0.0, ge=0, lt=0.5)
    """Gas meters of vacant homes: 2 to 15 % of their heat."""
    part_year_share: float = Field(default=0.0, ge=0, lt=0.5)
    """Heat-pump meters that saw 20 to 80 % of the year's electricity."""
    behind_pv_share: float = Field(default=0.0, ge=0, lt=0.5)
    """Heat-pump meters with PV behind them: 55 to 85 % of the electricity is seen."""
    wrong_unit_share: float = Field(default=0.0, ge=0, lt=0.5)
    """Heat-pump meters in another unit: values too large by 10 or 1,000, or too small."""
    whole_home_share: float = Field(default=0.0, ge=0, lt=0.5)
    """Heat-pump meters that measure the whole home: 2,500 to 5,500 kWh too much."""
    shape: Literal["lognormal", "student", "contaminated", "gamma", "weibull"] = "lognormal"
    """Distribution of heat: `student` (4 degrees of freedom) and `contaminated` (10 % of homes with 3 times the spread)
    are tails of what volume does not explain; `gamma` and `weibull` are the distribution of heat itself."""
    volume_missing_share: float = Field(default=0.0, ge=0, lt=1)
    """Share of homes whose volume is not known."""
    volume_outlier_share: float = Field(default=0.0, ge=0, lt=0.5)
    """Share of homes whose volume includes an unheated attic or annexe: 1.3 to 4 times too large."""


@dataclass(frozen=True)
class AnnualTown:
    """One year of a town, as an estimator sees it, with the truth beside it.

    Attributes:
        heat_kwh_th: Useful heat by gas home, shape (n,).
        electricity_kwh: Electricity by heat pump, shape (m,).
        gas_volume_m3: Volume by gas home, NaN where not known, shape (n,).
        pump_volume_m3: Volume by heat-pump home, shape (m,).
        fleet_b_ratio: Expected heat over expected electricity of the population: what a utility needs.
        geometric_b_ratio: exp of the mean of log B over homes: what a log shift finds.
        arithmetic_b_ratio: Mean of B over homes.
        pump_bad: Which heat-pump meters are dirty, shape (m,).
        gas_bad: Which gas meters are dirty, shape (n,).
    """

    heat_kwh_th: Floats
    electricity_kwh: Floats
    gas_volume_m3: Floats
    pump_volume_m3: Floats
    fleet_b_ratio: float
    geometric_b_ratio: float
    arithmetic_b_ratio: float
    pump_bad: NDArray[np.bool_]
    gas_bad: NDArray[np.bool_]


_MIXED = {"ground_source_share": 0.24, "spf_log_spread_share": 0.14}
_DIRT = {
    "cooking_share": 0.03, "multi_family_share": 0.04, "vacant_share": 0.01, "part_year_share": 0.03,
    "behind_pv_share": 0.02, "wrong_unit_share": 0.01, "whole_home_share": 0.01,
}  # fmt: skip

#: Scenarios by name; the first four are those of the bars, the others stress one assumption each.
SCENARIOS: dict[str, PopulationSpec] = {
    "ideal": PopulationSpec(),
    "mixed": PopulationSpec(**_MIXED),
    "dirty": PopulationSpec(**_MIXED, **_DIRT),
    "shifted": PopulationSpec(**_MIXED, size_ratio=1.1),
    "student_tails": PopulationSpec(**_MIXED, shape="student"),
    "contaminated": PopulationSpec(**_MIXED, shape="contaminated"),
    "gamma": PopulationSpec(**_MIXED, shape="gamma"),
    "weibull": PopulationSpec(**_MIXED, shape="weibull"),
    "copula": PopulationSpec(**_MIXED, heat_spf_correlation_share=0.15),
    "volume_missing": PopulationSpec(**_MIXED, volume_missing_share=0.2),
    "volume_missing_shifted": PopulationSpec(**_MIXED, volume_missing_share=0.2, size_ratio=1.1),
    "attics": PopulationSpec(**_MIXED, volume_outlier_share=0.1),
    "log_correlation": PopulationSpec(volume_correlation_share=0.6109),
    "b_2.3": PopulationSpec(**_MIXED, b_ratio=2.3),
    "b_2.8": PopulationSpec(**_MIXED, b_ratio=2.8),
    "b_3.8": PopulationSpec(**_MIXED, b_ratio=3.8),
    "pumps_20": PopulationSpec(**_MIXED, heat_pumps_count=20),
    "pumps_300": PopulationSpec(**_MIXED, heat_pumps_count=300),
}


def log_correlation(spec: PopulationSpec) -> float:
    """Return the correlation of log heat with log volume at which lognormal values have the wanted correlation.

    Source: covariance of two lognormals, ``exp(rho s_q s_v) - 1`` over the product of their standard deviations.
    """
    s, v = spec.log_spread_share, spec.volume_log_spread_share
    both = np.sqrt(np.expm1(s**2) * np.expm1(v**2))
    return float(np.log1p(spec.volume_correlation_share * both) / (s * v))


def _residual(rng: np.random.Generator, count: int, shape: str) -> Floats:
    """Return what volume does not explain, with variance 1, shape (count,)."""
    if shape == "student":
        return np.asarray(rng.standard_t(4, count) / np.sqrt(2.0))
    normal = rng.standard_normal(count)
    if shape == "contaminated":
        wide = rng.random(count) < 0.1
        return np.asarray(normal * np.where(wide, 3.0, 1.0) / np.sqrt(0.9 + 0.1 * 9))
    return normal


def _log_heat(score: Floats, spec: PopulationSpec) -> Floats:
    """Return log heat from standard scores, with the mean of the population before any shift of size."""
    s = spec.log_spread_share
    if spec.shape == "gamma":
        k = GAMMA_SHAPE * (GAMMA_SPREAD / s) ** 2
        quantile = special.gammaincinv(k, np.clip(special.ndtr(score), 1e-12, 1 - 1e-12))
        return np.asarray(np.log(quantile / k * spec.mean_heat_kwh_th))
    if spec.shape == "weibull":
        k = np.pi / np.sqrt(6) / s
        quantile = np.exp(np.log(-special.log_ndtr(-score)) / k)
        return np.asarray(np.log(quantile / special.gamma(1 + 1 / k) * spec.mean_heat_kwh_th))
    return np.asarray(np.log(spec.mean_heat_kwh_th) - s**2 / 2 + s * score)


def _truth(spec: PopulationSpec) -> tuple[float, float, float, float]:
    """Return the log B of air source (centre), and the fleet, geometric and arithmetic B of the population.

    ``fleet = E[Q] / E[Q / B]``: with normal log B of one source, correlated with the score of heat by r, and
    ``E[Q e^(-t w)] = E[Q] e^(t^2 / 2 - r s t)`` (exact for lognormal heat; used with the other shapes only at r = 0).
    """
    g, t = spec.ground_source_share, spec.spf_log_spread_share
    step = np.log(spec.ground_per_air_ratio)
    tilt = spec.heat_spf_correlation_share * spec.log_spread_share * t
    inverse = ((1 - g) + g * np.exp(-step)) * np.exp(t**2 / 2 - tilt)
    centre = float(np.log(spec.b_ratio * inverse))
    geometric = float(np.exp(centre + g * step))
    arithmetic = float(np.exp(centre + t**2 / 2) * ((1 - g) + g * np.exp(step)))
    return centre, spec.b_ratio, geometric, arithmetic


def sample_town(spec: PopulationSpec, seed: int) -> AnnualTown:
    """Return one town; equal seeds give equal towns.

    Args:
        spec: The population.
        seed: Seed of the town.
    """
    rng = np.random.default_rng([seed, 20230417])
    n, m = spec.gas_meters_count, spec.heat_pumps_count
    rho = log_correlation(spec)
    size = rng.standard_normal(n + m)
    size[n:] += np.log(spec.size_ratio) / spec.volume_log_spread_share
    score = rho * size + np.sqrt(1 - rho**2) * _residual(rng, n + m, spec.shape)
    log_heat = _log_heat(score, spec)
    centre, fleet, geometric, arithmetic = _truth(spec)
    r = spec.heat_spf_correlation_share
    own = r * score[n:] + np.sqrt(1 - r**2) * rng.standard_normal(m)
    ground = rng.random(m) < spec.ground_source_share
    log_b = (
        centre + np.where(ground, np.log(spec.ground_per_air_ratio), 0.0) + spec.spf_log_spread_share * own
    )
    heat, electricity = np.exp(log_heat[:n]), np.exp(log_heat[n:] - log_b)
    volume = 650.0 * np.exp(spec.volume_log_spread_share * size)
    gas_bad = _spoil_gas(rng, heat, volume[:n], spec)
    pump_bad = _spoil_pumps(rng, electricity, spec)
    attic = rng.random(n + m) < spec.volume_outlier_share
    volume *= np.where(attic, rng.uniform(1.3, 4.0, n + m), 1.0)
    volume[rng.random(n + m) < spec.volume_missing_share] = np.nan
    return AnnualTown(
        heat, electricity, volume[:n], volume[n:], fleet, geometric, arithmetic, pump_bad, gas_bad
    )  # fmt: skip


def _spoil_gas(
    rng: np.random.Generator, heat: Floats, volume: Floats, spec: PopulationSpec
) -> NDArray[np.bool_]:
    """Turn some gas meters into cooking-only, multi-family and vacant ones, in place; return which."""
    n, draw = len(heat), rng.random(len(heat))
    edges = np.cumsum([spec.cooking_share, spec.multi_family_share, spec.vacant_share])
    kind = np.searchsorted(edges, draw, side="right")
    homes, cooking, left = rng.integers(3, 9, n), rng.uniform(300, 1200, n), rng.uniform(0.02, 0.15, n)
    heat[kind == 0] = cooking[kind == 0]
    heat[kind == 1] *= homes[kind == 1]
    volume[kind == 1] *= homes[kind == 1]
    heat[kind == 2] *= left[kind == 2]
    return np.asarray(kind < 3)


def _spoil_pumps(rng: np.random.Generator, electricity: Floats, spec: PopulationSpec) -> NDArray[np.bool_]:
    """Spoil some heat-pump meters, in place; return which."""
    m, draw = len(electricity), rng.random(len(electricity))
    edges = np.cumsum(
        [spec.part_year_share, spec.behind_pv_share, spec.wrong_unit_share, spec.whole_home_share]
    )
    kind = np.searchsorted(edges, draw, side="right")
    part, seen = rng.uniform(0.2, 0.8, m), rng.uniform(0.55, 0.85, m)
    unit = rng.choice([1e-3, 0.1, 10.0, 1e3], m)
    more = rng.uniform(2500, 5500, m)
    electricity *= np.select([kind == 0, kind == 1, kind == 2], [part, seen, unit], 1.0)
    electricity += np.where(kind == 3, more, 0.0)
    return np.asarray(kind < 4)
