"""Year-to-year changes of B from a panel: the same meters in both years, so what differs between homes cancels.

Model, for gas homes ``i``, heat pumps ``j`` and years ``y``::

    log Q_iy = a_i + q_y + noise        log E_jy = c_j + p_y + noise        log B_y = level + q_y - p_y

The level is left to the annual totals (:mod:`varme.retrofit.spf.estimate`): it is uncertain to 5-6 % at 73 heat pumps,
while the difference between two years of the same meters is known to 1-2 %. Each pair of years gives a robust location
of the paired log ratios (Tukey's biweight, Beaton & Tukey 1974); the pairs are joined into year effects by weighted
least squares. This is the two-way fixed-effects estimate for any pattern of missing years. Its covariance is summed
from the influence of each meter on all effects at once (Huber & Ronchetti 2009, *Robust Statistics*, 6.3 and 7.6), so
that meters, not meter-years, count as independent.

Simultaneous intervals use Šidák's inequality (Šidák 1967): they hold together for all pairs of years.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from varme.ground.errors import Collector, ModelError

Floats = NDArray[np.float64]

#: Fewest meters in both years that make a pair of years comparable (assumption: below it a standard error is a guess).
MIN_PAIRS = 5
#: Tuning constant of the biweight, in standard deviations: 98 % efficiency under the normal distribution (computed from
#: E[psi']^2 / E[psi^2]; the usual 4.685 gives 95 %).
BIWEIGHT = 5.92
#: Median absolute deviation to standard deviation under the normal distribution.
MAD_TO_SD = 1.4826


@dataclass(frozen=True)
class Change:
    """Change of B from one year to another.

    Attributes:
        first_year: Earlier year.
        last_year: Later year.
        ratio: B of the later year over B of the earlier one.
        low_ratio: Lower end of its interval, simultaneous over all pairs of years.
        high_ratio: Upper end.
        log_se: Standard error of the log ratio.
        df: Its degrees of freedom.
        heat_meters: Gas meters in both years.
        electricity_meters: Heat pumps in both years.
    """

    first_year: int
    last_year: int
    ratio: float
    low_ratio: float
    high_ratio: float
    log_se: float
    df: float
    heat_meters: int
    electricity_meters: int

    @property
    def changed(self) -> bool:
        """Whether the interval leaves out 1: a change that is not sampling noise."""
        return not self.low_ratio <= 1.0 <= self.high_ratio

    @property
    def verdict(self) -> str:
        """``changed`` or ``not distinguishable``."""
        return "changed" if self.changed else "not distinguishable"

    def changed_by(self, b_ratio: float, change: float) -> bool:
        """Return whether B is shown to have moved by a given amount: estimate at least so large, interval without 0.

        Args:
            b_ratio: Level of B in the earlier year.
            change: Change of B in question, without sign (0.5 in the paper's discussion of its three years).
        """
        return self.changed and abs(self.ratio - 1.0) * b_ratio >= change


@dataclass(frozen=True)
class PanelYears:
    """Year effects of log B from meters that are present in several years.

    Attributes:
        years: Calendar years, in the order of everything below.
        log_effect: Effect of each year on log B; the effects of linked years sum to 0, shape (years,).
        log_cov: Their covariance, singular by that sum, shape (years, years).
        heat_log_effect: The same of log heat, shape (years,).
        electricity_log_effect: The same of log electricity, shape (years,).
        group: Number of the group of linked years that a year belongs to; years of different groups have no meters in
            common and cannot be compared by the panel, shape (years,).
        heat_pairs: Gas meters in both years, shape (years, years).
        electricity_pairs: Heat pumps in both years, shape (years, years).
        df: Degrees of freedom, of the year effects as a whole.
        changes: One per pair of linked years.
        temperature_c: Temperature of the years, if given, shape (years,).
        slope_share_per_k: Rise of log B per kelvin; NaN without temperatures or linked years.
        slope_se_share_per_k: Its standard error, from sampling alone.
        slope_low_share_per_k: Lower end of its interval.
        slope_high_share_per_k: Upper end.
        misfit_p_share: Probability of year effects as far from a line in temperature as these, if there were one; NaN
            below three linked years.
        confidence_share: Confidence of the intervals.
    """

    years: tuple[int, ...]
    log_effect: Floats
    log_cov: Floats
    heat_log_effect: Floats
    electricity_log_effect: Floats
    group: NDArray[np.int64]
    heat_pairs: NDArray[np.int64]
    electricity_pairs: NDArray[np.int64]
    df: float
    changes: tuple[Change, ...]
    temperature_c: Floats | None
    slope_share_per_k: float
    slope_se_share_per_k: float
    slope_low_share_per_k: float
    slope_high_share_per_k: float
    misfit_p_share: float
    confidence_share: float

    @property
    def linked(self) -> bool:
        """Whether all years are comparable."""
        return bool(len(self.years) > 1 and np.all(self.group == self.group[0]))

    @property
    def changed(self) -> bool:
        """Whether any pair of years differs beyond its simultaneous interval."""
        return any(change.changed for change in self.changes)

    def spread_ratio(self, b_ratio: float) -> float:
        """Return the largest difference of B between linked years at this level of B."""
        return b_ratio * max((abs(change.ratio - 1.0) for change in self.changes), default=0.0)


def panel_changes(
    heat: Floats,
    electricity: Floats,
    years: Sequence[int],
    temperature_c: Floats | None = None,
    confidence_share: float = 0.95,
) -> PanelYears:
    """Return year effects and year-to-year changes of B from meters that are present in several years.

    Args:
        heat: Useful heat by gas home and year [kWh], shape (n, years); NaN or 0 where a year is not usable.
        electricity: Electricity by heat pump and year [kWh], shape (m, years); the same.
        years: Calendar years of the columns.
        temperature_c: Temperature of each year, best weighted by degree days (:func:`heating_temperature_c`) [C],
            shape (years,).
        confidence_share: Confidence of the intervals.

    Raises:
        ModelError: P315 if the arrays do not have one column per year.
    """
    x, y = _logs(heat), _logs(electricity)
    _check(x, y, years, temperature_c)
    n_years = len(years)
    pairs = [(a, b) for a, b in combinations(range(n_years), 2)
             if min(_both(x, a, b), _both(y, a, b)) >= MIN_PAIRS]  # fmt: skip
    group = _groups(n_years, pairs)
    q, q_cov = _effects(x, pairs, n_years)
    p, p_cov = _effects(y, pairs, n_years)
    effect, cov = q - p, q_cov + p_cov
    counts = tuple(
        np.array([[_both(v, a, b) for b in range(n_years)] for a in range(n_years)]) for v in (x, y)
    )
    linked = [(a, b) for a, b in combinations(range(n_years), 2) if group[a] == group[b]]
    # Šidák: all intervals hold together with at least this confidence.
    each = confidence_share ** (1 / max(len(linked), 1))
    changes = tuple(
        _change(a, b, years, effect, (q_cov, p_cov), (counts[0][a, b], counts[1][a, b]), each)
        for a, b in linked
    )
    df = min((change.df for change in changes), default=np.inf)
    t = None if temperature_c is None else np.asarray(temperature_c, dtype=float)
    slope, se, misfit = _slope(effect, cov, t, group)
    width = float(stats.t.ppf(0.5 + confidence_share / 2, df)) * se if np.isfinite(se) else np.nan
    return PanelYears(
        tuple(int(v) for v in years), effect, cov, q, p, group, counts[0], counts[1], float(df), changes, t,
        slope, se, slope - width, slope + width, misfit, confidence_share,
    )  # fmt: skip


def heating_temperature_c(
    temperature_c: Floats, year_of_day: NDArray[np.int64], years: Sequence[int], limit_c: float = 15.0
) -> Floats:
    """Return each year's outdoor temperature weighted by degree days [C], shape (years,).

    It is the temperature at which the year's heat was drawn, and so the one that an annual SPF answers to.

    Args:
        temperature_c: Mean outdoor temperature by day, shape (days,); NaN days are left out.
        year_of_day: Calendar year of each day, shape (days,).
        years: Years wanted.
        limit_c: Heating limit; 15 C is that of VDI 3807 for existing buildings.
    """
    need = np.where(np.isfinite(temperature_c), np.maximum(limit_c - np.nan_to_num(temperature_c), 0.0), 0.0)
    index = np.searchsorted(np.asarray(years), year_of_day)
    mine = (index < len(years)) & (np.asarray(years)[np.minimum(index, len(years) - 1)] == year_of_day)
    total = np.bincount(index[mine], need[mine], minlength=len(years))
    weighted = np.bincount(index[mine], (need * np.nan_to_num(temperature_c))[mine], minlength=len(years))
    return np.asarray(np.where(total > 0, weighted / np.where(total > 0, total, 1.0), np.nan), dtype=float)


def robust_location(values: Floats) -> tuple[float, Floats]:
    """Return Tukey's biweight location of values and the influence of each, shape (n,).

    The squared influences sum to the variance of the location, with Huber's correction for small samples (Huber &
    Ronchetti 2009, 7.6).
    """
    n = len(values)
    at = float(np.median(values))
    scale = max(float(np.median(np.abs(values - at))) * MAD_TO_SD, 1e-9)
    for _ in range(50):
        u = (values - at) / (BIWEIGHT * scale)
        w = np.where(np.abs(u) < 1, (1 - u**2) ** 2, 0.0)
        step = float(w @ (values - at) / max(w.sum(), 1e-12))
        at += step
        if abs(step) < 1e-10 * scale:
            break
    u = (values - at) / (BIWEIGHT * scale)
    inside = np.abs(u) < 1
    psi = np.where(inside, (values - at) * (1 - u**2) ** 2, 0.0)
    steep = np.where(inside, (1 - u**2) * (1 - 5 * u**2), 0.0)
    mean = max(float(steep.mean()), 0.05)
    correction = 1 + float(steep.var()) / (n * mean**2)
    return at, np.asarray(correction * np.sqrt(n / (n - 1)) * psi / (n * mean), dtype=float)


def _logs(energy: Floats) -> Floats:
    values = np.atleast_2d(np.asarray(energy, dtype=float))
    usable = np.isfinite(values) & (values > 0)
    return np.where(usable, np.log(np.where(usable, values, 1.0)), np.nan)


def _check(x: Floats, y: Floats, years: Sequence[int], temperature_c: Floats | None) -> None:
    problems = Collector()
    for name, values in (("heat", x), ("electricity", y)):
        if values.shape[1] != len(years):
            problems.add("P315", f"panel.{name}", "a panel has one column per year", value=values.shape[1],
                         limit=f"{len(years)} years")  # fmt: skip
    if temperature_c is not None and len(temperature_c) != len(years):
        problems.add("P315", "panel.temperature_c", "there is one temperature per year", value=len(temperature_c),
                     limit=f"{len(years)} years")  # fmt: skip
    if len(set(years)) != len(years):
        problems.add("P315", "panel.years", "a year occurs twice", value=str(list(years)))
    problems.raise_if_any(ModelError)


def _both(x: Floats, a: int, b: int) -> int:
    return int((np.isfinite(x[:, a]) & np.isfinite(x[:, b])).sum())


def _groups(n_years: int, pairs: list[tuple[int, int]]) -> NDArray[np.int64]:
    """Return the number of the group of linked years of each year."""
    group = np.arange(n_years)
    for _ in range(n_years):
        for a, b in pairs:
            group[[a, b]] = min(group[a], group[b])
    return np.asarray(np.unique(group, return_inverse=True)[1], dtype=np.int64)


def _effects(x: Floats, pairs: list[tuple[int, int]], n_years: int) -> tuple[Floats, Floats]:
    """Return year effects that sum to 0 within groups, and their covariance."""
    if not pairs:
        return np.zeros(n_years), np.zeros((n_years, n_years))
    design, location, influence = np.zeros((len(pairs), n_years)), np.zeros(len(pairs)), []
    for k, (a, b) in enumerate(pairs):
        difference = x[:, b] - x[:, a]
        here = np.isfinite(difference)
        location[k], mine = robust_location(difference[here])
        whole = np.zeros(len(x), dtype=np.float32)
        whole[here] = mine
        influence.append(whole)
        design[k, a], design[k, b] = -1.0, 1.0
    by_pair = np.array(influence)
    cov_of_pairs = np.array([[np.dot(u, v) for v in by_pair] for u in by_pair], dtype=float)
    weight = 1 / np.maximum(np.diag(cov_of_pairs), 1e-18)
    weight /= weight.max()
    normal = design.T @ (weight[:, None] * design)
    join = np.linalg.pinv(normal, rcond=1e-10) @ (design.T * weight)
    cov = join @ cov_of_pairs @ join.T
    # A covariance of many years from few meters is nearly singular: drawn to equal variances by their numbers.
    even = np.linalg.pinv(normal, rcond=1e-10) @ normal
    meters = int(np.isfinite(x).any(axis=1).sum())
    share = n_years / (n_years + meters)
    return join @ location, (1 - share) * cov + share * np.trace(cov) / max(np.trace(even), 1e-12) * even


def _change(
    a: int,
    b: int,
    years: Sequence[int],
    effect: Floats,
    covariances: tuple[Floats, Floats],
    counts: tuple[int, int],
    confidence_share: float,
) -> Change:
    """Return the change between two years, with Welch's degrees of freedom (Welch 1947)."""
    part = [float(c[a, a] + c[b, b] - 2 * c[a, b]) for c in covariances]
    # Years without a pair of their own are joined through a third: the meters behind them are those of the links.
    homes = [max(int(n), MIN_PAIRS) for n in counts]
    variance = sum(part)
    df = min(homes) - 1.0
    if variance > 0:
        df = variance**2 / sum(v**2 / (n - 1) for v, n in zip(part, homes, strict=True))
    se = float(np.sqrt(variance))
    t = float(stats.t.ppf(0.5 + confidence_share / 2, max(df, 1.0)))
    change = float(effect[b] - effect[a])
    return Change(
        int(years[a]), int(years[b]), float(np.exp(change)), float(np.exp(change - t * se)),
        float(np.exp(change + t * se)), se, float(df), int(counts[0]), int(counts[1]),
    )  # fmt: skip


def _slope(
    effect: Floats, cov: Floats, temperature_c: Floats | None, group: NDArray[np.int64]
) -> tuple[float, float, float]:
    """Return slope, its standard error and the p-value of the misfit, by generalised least squares."""
    if temperature_c is None:
        return np.nan, np.nan, np.nan
    size = np.bincount(group)
    t = np.where(size[group] > 1, temperature_c, 0.0)
    t = t - (np.bincount(group, t) / size)[group]
    if not np.all(np.isfinite(t)) or float(t @ t) < 1e-6:
        return np.nan, np.nan, np.nan
    precision = np.linalg.pinv(cov, rcond=1e-9, hermitian=True)
    information = float(t @ precision @ t)
    if information <= 0:
        return np.nan, np.nan, np.nan
    slope = float(t @ precision @ effect) / information
    left = effect - slope * t
    free = len(effect) - len(size) - 1
    misfit = float(stats.chi2.sf(left @ precision @ left, free)) if free > 0 else np.nan
    return slope, float(1 / np.sqrt(information)), misfit
