"""One estimate from levels, panel and curve: log B of every year, with what each part knows and no more.

Levels come from annual totals, year by year; the panel of the same meters tells differences between years; the curve of
daily fleets tells how much of them the temperature explains. For the years of a town::

    log B_y = mu + s x_y + u_y          x_y: temperature of the year (or the effect that the curve expects)
    s ~ N(slope of the curve, its variance)        u_y ~ N(0, tau^2), summing to 0;  tau ~ half-Cauchy

All is linear and Gaussian given tau, so posteriors are exact; tau is integrated over a grid. Half-Cauchy, because a
fleet that really changed must be able to say so (Gelman 2006, *Bayesian Analysis* 1, 515-534).

**Levels of the same meters are not independent.** The 73 heat pumps of one year are those of the next, and so is the
error of their level: three years do not make it smaller by the root of three. The covariance of level errors between
years follows from the panel: two years of the same meters differ by the variance that the panel has. And the levels'
differences are the panel's own data once more, so where a panel links years only the mean of their levels counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from varme.ground.errors import Collector, ModelError
from varme.retrofit.spf.curve import CopCurve
from varme.retrofit.spf.estimate import Estimate
from varme.retrofit.spf.years import PanelYears

Floats = NDArray[np.float64]

#: Scale of the half-Cauchy prior of year-to-year changes that temperature does not explain, in log B (assumption).
YEAR_SCALE = 0.02
#: Slope of log B per kelvin where no curve is given: mean and standard deviation (assumption: 0.5 to 4 %/K).
SLOPE_PRIOR = (0.02, 0.01)
#: Without a panel nobody knows how alike the errors of two years are. Assumed, to be safe in both directions: wholly
#: common for the mean, and an own error of this share of the variance for the differences.
OWN_SHARE = 0.25
#: Grid of tau and of the difference between towns.
GRID = np.geomspace(1e-4, 1.0, 81)


@dataclass(frozen=True)
class YearLevel:
    """The level of one year, from its annual totals.

    Attributes:
        year: Calendar year.
        log_b: Logarithm of B.
        log_se: Its standard error.
        df: Degrees of freedom of the standard error.
    """

    year: int
    log_b: float
    log_se: float
    df: float = np.inf

    @classmethod
    def of(cls, year: int, estimate: Estimate) -> YearLevel:
        """Return the level of an estimate of one year."""
        return cls(year, float(np.log(estimate.b_ratio)), estimate.log_se, estimate.df)


@dataclass(frozen=True)
class Priors:
    """What is assumed; the defaults are weak.

    Attributes:
        year_scale: Scale of what changes between years beyond temperature.
        slope_factor: Factor on the standard error of the curve's slope.
        level: Mean and standard deviation of log B from field trials; ``None`` (default) for none.
        systematic_log_sd: What is not known about factors that all years share (furnace efficiency, calorific value):
            added to every year alike.
        common_share: Share of the variance of levels that all years have in common, instead of what the panel tells.
    """

    year_scale: float = YEAR_SCALE
    slope_factor: float = 1.0
    level: tuple[float, float] | None = None
    systematic_log_sd: float = 0.0
    common_share: float | None = None


@dataclass(frozen=True)
class Sensitivity:
    """The estimate under another prior.

    Attributes:
        name: What was changed.
        b_ratio: B by year, shape (years,).
        low_ratio: Lower ends, shape (years,).
        high_ratio: Upper ends, shape (years,).
    """

    name: str
    b_ratio: Floats
    low_ratio: Floats
    high_ratio: Floats


@dataclass(frozen=True)
class JointEstimate:
    """B of every year, from all that is known.

    Attributes:
        years: Calendar years.
        b_ratio: Estimate of B, shape (years,).
        low_ratio: Lower end of its interval, shape (years,).
        high_ratio: Upper end, shape (years,).
        log_mean: Posterior mean of log B, shape (years,).
        log_cov: Its covariance, shape (years, years).
        df: Degrees of freedom of the intervals.
        level_b_ratio: What the levels alone said, shape (years,).
        level_log_se: Their standard errors, shape (years,).
        level_correlation: Correlation of the levels' errors that was used, shape (years, years).
        shrinkage_share: How far each year's difference from the mean of the years was drawn from what its level says to
            what the model expects, 0 to 1, shape (years,); NaN where the level does not differ.
        mean_b_ratio: B of the mean year (geometric).
        mean_low_ratio: Lower end of its interval.
        mean_high_ratio: Upper end.
        slope_share_per_k: Posterior slope of log B per kelvin; per unit of the expected effect if that was given.
        slope_se_share_per_k: Its standard error.
        year_sd: Posterior mean of the standard deviation of years beyond temperature.
        beyond_log: What is left of each year's effect after temperature, shape (years,).
        beyond_log_se: Its standard error, shape (years,).
        confidence_share: Confidence of the intervals.
        sensitivity: The estimate under other priors.
    """

    years: tuple[int, ...]
    b_ratio: Floats
    low_ratio: Floats
    high_ratio: Floats
    log_mean: Floats
    log_cov: Floats
    df: float
    level_b_ratio: Floats
    level_log_se: Floats
    level_correlation: Floats
    shrinkage_share: Floats
    mean_b_ratio: float
    mean_low_ratio: float
    mean_high_ratio: float
    slope_share_per_k: float
    slope_se_share_per_k: float
    year_sd: float
    beyond_log: Floats
    beyond_log_se: Floats
    confidence_share: float
    sensitivity: tuple[Sensitivity, ...] = field(default=(), repr=False)


def expected_effects(
    curve: CopCurve,
    heat_by_day: Floats,
    temperature_c: Floats,
    year_of_day: NDArray[np.int64],
    years: Sequence[int],
) -> Floats:
    """Return log SPF of each year as the curve expects it from the year's days, less the mean, shape (years,).

    Args:
        curve: COP over temperature; its curve of all heat is used if it has one.
        heat_by_day: Heat by day, hot water included [kWh], shape (days,).
        temperature_c: Outdoor temperature by day [C], shape (days,).
        year_of_day: Calendar year of each day, shape (days,).
        years: Years wanted.
    """
    use = curve.whole or curve
    known = np.isfinite(heat_by_day) & np.isfinite(temperature_c)
    used = np.where(known, heat_by_day / use.cop(temperature_c), 0.0)
    heat = np.where(known, heat_by_day, 0.0)
    out = np.array([np.log(heat[year_of_day == y].sum() / used[year_of_day == y].sum()) for y in years])
    return np.asarray(out - out.mean(), dtype=float)


def joint_estimate(
    levels: Sequence[YearLevel],
    panel: PanelYears | None = None,
    curve: CopCurve | None = None,
    temperature_c: Floats | None = None,
    confidence_share: float = 0.95,
    expected_log: Floats | None = None,
    priors: Priors | None = None,
    sensitivity: bool = True,
) -> JointEstimate:
    """Return B of every year from levels, panel and curve.

    Args:
        levels: One level per year, in order.
        panel: Year effects of the same meters, for the same years in the same order.
        curve: COP over temperature; the slope of its curve of all heat is used if it has one.
        temperature_c: Temperature of each year, weighted by degree days [C], shape (years,).
        confidence_share: Confidence of the intervals.
        expected_log: Effect of each year that the curve expects (:func:`expected_effects`), instead of temperatures,
            shape (years,).
        priors: What is assumed.
        sensitivity: Whether to repeat the estimate under other priors.

    Raises:
        ModelError: P317 if years differ between the parts, or a level has no standard error.
    """
    _check(levels, panel, temperature_c, expected_log)
    given = priors or Priors()
    x, slope = _regressor(len(levels), curve, temperature_c, expected_log)
    estimate = _solve(levels, panel, x, slope, confidence_share, given)
    if not sensitivity:
        return estimate
    other = {
        "half as much change between years": replace(given, year_scale=given.year_scale / 2),
        "twice as much change between years": replace(given, year_scale=given.year_scale * 2),
        "slope of the curve twice as uncertain": replace(given, slope_factor=given.slope_factor * 2),
        "errors of levels independent": replace(given, common_share=0.0),
    }
    lines = []
    for name, prior in other.items():
        part = _solve(levels, panel, x, slope, confidence_share, prior)
        lines.append(Sensitivity(name, part.b_ratio, part.low_ratio, part.high_ratio))
    return replace(estimate, sensitivity=tuple(lines))


def posterior_of_grid(log_like: Floats, scale: float) -> Floats:
    """Return the posterior over the grid: half-Cauchy prior, uniform steps in the logarithm."""
    log_p = log_like - np.log1p((GRID / scale) ** 2) + np.log(GRID)
    p = np.exp(log_p - log_p.max())
    return np.asarray(p / p.sum(), dtype=float)


def _check(
    levels: Sequence[YearLevel],
    panel: PanelYears | None,
    temperature_c: Floats | None,
    expected_log: Floats | None,
) -> None:
    problems, years = Collector(), [level.year for level in levels]
    if not levels:
        problems.add("P317", "joint.levels", "no year has a level")
    for level in levels:
        if not (np.isfinite(level.log_b) and np.isfinite(level.log_se) and level.log_se > 0):
            problems.add("P317", f"joint.levels.{level.year}", "B or its standard error is not known",
                         value=f"log B {level.log_b}, standard error {level.log_se}")  # fmt: skip
    if panel is not None and list(panel.years) != years:
        problems.add("P317", "joint.panel", "the panel has other years than the levels", value=str(list(panel.years)),
                     limit=str(years))  # fmt: skip
    for name, values in (("temperature_c", temperature_c), ("expected_log", expected_log)):
        if values is not None and (len(values) != len(levels) or not np.all(np.isfinite(values))):
            problems.add("P317", f"joint.{name}", "there is one figure per year",
                         value=str(np.asarray(values).tolist()), limit=str(years))  # fmt: skip
    problems.raise_if_any(ModelError)


def _regressor(
    n: int, curve: CopCurve | None, temperature_c: Floats | None, expected_log: Floats | None
) -> tuple[Floats, tuple[float, float]]:
    """Return what the years' effects are proportional to, and mean and standard deviation of the factor."""
    use = None if curve is None else (curve.whole or curve)
    slope = SLOPE_PRIOR if use is None else (use.slope_share_per_k, use.slope_se_share_per_k)
    if expected_log is not None:
        x = np.asarray(expected_log, dtype=float)
        return x - x.mean(), (1.0, slope[1] / max(abs(slope[0]), 1e-6))
    if temperature_c is None:
        return np.zeros(n), slope
    x = np.asarray(temperature_c, dtype=float)
    return x - x.mean(), slope


def _level_covariance(levels: Sequence[YearLevel], panel: PanelYears | None, prior: Priors) -> Floats:
    """Return the covariance of the levels' errors between years.

    Levels of the same meters differ by what the panel says two years differ by: ``2 V (1 - rho) = variance of the
    change``. Where some meters are others, only their common part counts.
    """
    se = np.array([level.log_se for level in levels])
    n = len(se)
    if prior.common_share is not None:
        share = prior.common_share
        return np.asarray(share * np.outer(se, se) + (1 - share) * np.diag(se**2), dtype=float)
    if panel is None:
        return np.asarray(np.outer(se, se) + OWN_SHARE * np.diag(se**2) * (n > 1), dtype=float)
    correlation, pairs = np.eye(n), panel.electricity_pairs
    for a in range(n):
        for b in range(n):
            if a != b:
                same = pairs[a, b] / max(np.sqrt(float(pairs[a, a]) * float(pairs[b, b])), 1.0)
                change = panel.log_cov[a, a] + panel.log_cov[b, b] - 2 * panel.log_cov[a, b]
                own = (
                    min(float(change) / (se[a] ** 2 + se[b] ** 2), 1.0)
                    if panel.group[a] == panel.group[b]
                    else 0.0
                )
                correlation[a, b] = same * (1 - own)
    value, vector = np.linalg.eigh(correlation)
    correlation = vector @ (np.maximum(value, 0)[:, None] * vector.T)
    return np.asarray(np.outer(se, se) * correlation, dtype=float)


def _observations(
    levels: Sequence[YearLevel], panel: PanelYears | None, cov: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return rows of the design on log B, their values and the covariance of their errors."""
    n = len(levels)
    se, value = np.array([level.log_se for level in levels]), np.array([level.log_b for level in levels])
    group = np.arange(n) if panel is None else panel.group
    member = (group[None, :] == np.unique(group)[:, None]).astype(float)
    weight = member / se**2
    weight /= weight.sum(axis=1, keepdims=True)
    rows, values, errors = weight, weight @ value, weight @ cov @ weight.T
    if panel is None or np.all(panel.log_cov == 0):
        return rows, values, errors
    variance, direction = np.linalg.eigh(panel.log_cov)
    keep = variance > 1e-9 * variance.max()
    known = direction[:, keep].T
    all_errors = np.zeros((len(rows) + len(known),) * 2)
    all_errors[: len(rows), : len(rows)] = errors
    all_errors[len(rows) :, len(rows) :] = np.diag(variance[keep])
    return np.vstack([rows, known]), np.r_[values, known @ panel.log_effect], all_errors


def _solve(
    levels: Sequence[YearLevel],
    panel: PanelYears | None,
    x: Floats,
    slope: tuple[float, float],
    confidence_share: float,
    prior: Priors,
) -> JointEstimate:
    n = len(levels)
    level_cov = _level_covariance(levels, panel, prior)
    rows, values, errors = _observations(levels, panel, level_cov)
    centre, spread = prior.level or (float(values[0]), 10.0)
    # Unknowns: mu, s, u_1 ... u_n; log B = design @ unknowns.
    design = np.column_stack([np.ones(n), x, np.eye(n)])
    start = np.r_[centre, slope[0], np.zeros(n)]
    seen = rows @ design
    means, covs, log_like = [], [], []
    for tau in GRID:
        before = np.diag(np.r_[spread**2, (slope[1] * prior.slope_factor) ** 2, np.zeros(n)])
        before[2:, 2:] = tau**2 * (np.eye(n) - 1 / n)
        total = seen @ before @ seen.T + errors
        gain = np.linalg.solve(total, seen @ before).T
        left = values - seen @ start
        means.append(start + gain @ left)
        covs.append(before - gain @ seen @ before)
        log_like.append(
            -0.5 * float(left @ np.linalg.solve(total, left)) - 0.5 * float(np.linalg.slogdet(total)[1])
        )
    p = posterior_of_grid(np.array(log_like), prior.year_scale)
    mean = np.einsum("g,gi->i", p, np.array(means))
    away = np.array(means) - mean
    cov = np.einsum("g,gij->ij", p, np.array(covs)) + np.einsum("g,gi,gj->ij", p, away, away)
    return _estimate_of(levels, level_cov, design, mean, cov, float(p @ GRID), confidence_share, prior)


def _estimate_of(
    levels: Sequence[YearLevel],
    level_cov: Floats,
    design: Floats,
    mean: Floats,
    cov: Floats,
    year_sd: float,
    confidence_share: float,
    prior: Priors,
) -> JointEstimate:
    log_mean = design @ mean
    log_cov = design @ cov @ design.T
    se = np.array([level.log_se for level in levels])
    value = np.array([level.log_b for level in levels])
    # The level's part of the variance has the level's degrees of freedom; the rest is taken as known (Welch 1947).
    level_df = min(level.df for level in levels)
    part = min(float(level_cov.mean()) / max(float(log_cov.mean()), 1e-300), 1.0)
    df = level_df / part**2 if np.isfinite(level_df) else np.inf
    log_cov = log_cov + prior.systematic_log_sd**2
    t = float(stats.t.ppf(0.5 + confidence_share / 2, df))
    width = t * np.sqrt(np.diag(log_cov))
    middle, half = float(log_mean.mean()), t * float(np.sqrt(log_cov.mean()))
    own, drawn = value - value.mean(), log_mean - middle
    moved = np.divide(own - drawn, own, out=np.full(len(own), np.nan), where=np.abs(own) > 1e-6)
    return JointEstimate(
        tuple(level.year for level in levels), np.exp(log_mean), np.exp(log_mean - width), np.exp(log_mean + width),
        log_mean, log_cov, df, np.exp(value), se, level_cov / np.sqrt(np.outer(np.diag(level_cov), np.diag(level_cov))),
        np.clip(moved, 0, 1), float(np.exp(middle)), float(np.exp(middle - half)), float(np.exp(middle + half)),
        float(mean[1]), float(np.sqrt(cov[1, 1])), year_sd, mean[2:], np.sqrt(np.diag(cov)[2:]), confidence_share,
    )  # fmt: skip
