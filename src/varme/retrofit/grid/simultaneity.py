"""Simultaneity of heat pumps, measured: g(n, temperature) from the town's own meters.

``g(n) = max_t sum_i x_i(t) / sum_i own_i`` for a group of n heat pumps, where ``own_i`` is the heat pump's own peak:

- ``annual``: its highest step of all (what a planner multiplies with: the installed or measured maximum);
- ``bin``: its highest step within the temperature bin (how far the peaks of such days coincide).

The two differ a lot in mild bins: a heat pump that peaks at -10 C never comes near that peak at 10 C.

Missing is not zero. A missing step of a heat pump takes the load factor (share of the own peak) that another one, drawn
for the day, has in that step; steps with less than half of the heat pumps are left out. Meters that miss much of the
cold days have no known own peak and are left out and counted.

Source of the form ``g_inf + (g_1 - g_inf) n^-a``: a = 1/2 is the limit of independent loads (Rusck 1956, "The
simultaneous demand in distribution network supplying domestic consumers", ASEA Journal 10); a = 3/4 is used by Kerber
2011 ("Aufnahmefaehigkeit von Niederspannungsverteilnetzen...", Eq. 3.2) and, after him, by eDisGo (pull request 660),
which notes that no table for heat pumps exists. Here g_inf and a are fitted to what was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import InputError, Problem

Floats = NDArray[np.float64]

#: Numbers of heat pumps at which g is measured, as far as there are so many.
COUNTS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 36, 45, 60, 70, 100, 150, 220, 330, 500)
#: Lower edges of the temperature bins [C] (daily mean outdoor temperature).
LOW_C = (-np.inf, -5.0, 0.0, 5.0, 10.0)
#: Kerber's exponent (see the module).
KERBER_EXPONENT = 0.75
#: Steps that are summed at once: 8,192 steps times 2,000 groups are 65 MB.
STEPS_AT_ONCE = 8192
#: Exponents that are tried by the fit.
EXPONENTS = np.linspace(0.2, 2.0, 181)


@dataclass(frozen=True)
class SimultaneityFit:
    """``g(n) = limit + (first - limit) n^-exponent`` for one bin.

    Attributes:
        first_share: g(1); 1 by definition for own peaks of the bin.
        limit_share: g_inf, where very many heat pumps end.
        limit_low_share: Lower end of its interval (over which meters the town happens to have).
        limit_high_share: Upper end.
        exponent: a.
        exponent_low: Lower end of its interval.
        exponent_high: Upper end.
        kerber_limit_share: g_inf if the exponent is held at Kerber's 3/4.
        rmse_share: Root mean square deviation of the fit from the measured means.
    """

    first_share: float
    limit_share: float
    limit_low_share: float
    limit_high_share: float
    exponent: float
    exponent_low: float
    exponent_high: float
    kerber_limit_share: float
    rmse_share: float

    def at(self, count: NDArray[np.float64] | float) -> Floats:
        """Return g for any number of heat pumps, also beyond the meters that there are."""
        n = np.maximum(np.asarray(count, dtype=float), 1.0)
        return np.asarray(
            self.limit_share + (self.first_share - self.limit_share) * n**-self.exponent, dtype=float
        )

    def kerber_at(self, count: NDArray[np.float64] | float) -> Floats:
        """Return what Kerber's exponent gives with a limit fitted to the same points."""
        n = np.maximum(np.asarray(count, dtype=float), 1.0)
        limit = self.kerber_limit_share
        return np.asarray(limit + (self.first_share - limit) * n**-KERBER_EXPONENT, dtype=float)


@dataclass(frozen=True)
class Simultaneity:
    """Peak of the sum of n heat pumps over the sum of their own peaks. The first row is the whole period.

    Attributes:
        count: Numbers of heat pumps n, shape (counts,).
        low_c: Lower edge of the temperature bins [C], shape (bins,); minus infinity in rows 0 and 1.
        high_c: Upper edge, shape (bins,).
        median: Median over random groups, shape (bins, counts); NaN where a bin has no step.
        p05: 5th percentile over random groups.
        p95: 95th percentile.
        days: Days in each bin, shape (bins,).
        fits: Fitted curve by bin, ``None`` where there are too few meters or steps.
        measured_to_count: Groups above this number (half of the meters) overlap so much that their spread is too
            small: there the fitted curve counts, not ``p05`` and ``p95``.
        meters: Heat pumps used.
        dropped: Heat pumps left out because they miss too much of the cold days.
        own_peak: Definition of the own peak.
        own_kw: Own peak of each heat pump used, highest step of all [kW], shape (meters,).
        step_min: Length of the steps; peaks of shorter steps are higher.
        filled_share: Share of the steps that were filled with another heat pump's load factor.
    """

    count: NDArray[np.int64]
    low_c: Floats
    high_c: Floats
    median: Floats
    p05: Floats
    p95: Floats
    days: NDArray[np.int64]
    fits: tuple[SimultaneityFit | None, ...]
    measured_to_count: int
    meters: int
    dropped: int
    own_peak: Literal["annual", "bin"]
    own_kw: Floats
    step_min: int
    filled_share: float

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the bins."""
        return tuple(
            "all days" if k == 0 else _bin_label(low, high)
            for k, (low, high) in enumerate(zip(self.low_c, self.high_c, strict=True))
        )


def _bin_label(low: float, high: float) -> str:
    if np.isinf(low):
        return f"below {high:g} °C"
    return f"from {low:g} °C" if np.isinf(high) else f"{low:g} to {high:g} °C"


def measure_simultaneity(
    hourly: NDArray[np.float32],
    local_day: NDArray[np.int64],
    temperature_c: Floats,
    *,
    draws: int = 200,
    seed: int = 1,
    own_peak: Literal["annual", "bin"] = "annual",
    low_c: Sequence[float] = LOW_C,
    counts: Sequence[int] = COUNTS,
    step_min: int = 60,
    min_valid_share: float = 0.8,
) -> Simultaneity:
    """Return g(n, temperature) from heat-pump meters.

    Args:
        hourly: Electricity by heat pump and step [kWh], shape (meters, steps), NaN where missing.
        local_day: Day number of each step, shape (steps,).
        temperature_c: Outdoor temperature by day [C], shape (days,); days without one are left out.
        draws: Random groups for each n, drawn without replacement.
        seed: Seed of the groups.
        own_peak: ``annual`` or ``bin``, see the module.
        low_c: Lower edges of the temperature bins [C].
        counts: Numbers of heat pumps; those above the number of meters are left out.
        step_min: Length of a step [min].
        min_valid_share: Share of the steps of days below 10 C that a meter must have.

    Raises:
        InputError: P129 if no heat pump has enough values.
    """
    panel, own, filled, dropped = _usable(hourly, local_day, temperature_c, min_valid_share, seed)
    m = len(own)
    edges = np.asarray(low_c, dtype=float)
    day_bin = np.where(
        np.isfinite(temperature_c), np.searchsorted(edges, temperature_c, side="right") - 1, -1
    )
    step_bin = day_bin[local_day]
    keep = (step_bin >= 0) & np.isfinite(panel).all(axis=0)
    order = np.argsort(step_bin[keep], kind="stable")
    load = np.ascontiguousarray(panel[:, keep][:, order])
    starts = np.searchsorted(step_bin[keep][order], np.arange(len(edges) + 1))
    n_counts = np.unique([n for n in counts if 1 <= n <= m]).astype(np.int64)
    rng = np.random.default_rng(seed)
    members = _nested_groups(rng, m, n_counts, draws)
    ratio = _ratios(load, starts, own, members.reshape(-1, m), own_peak).reshape(
        len(edges) + 1, draws, len(n_counts)
    )
    p05, p50, p95 = _quantiles(ratio)
    half = max(m // 2, 1)
    fits = _fits(ratio, n_counts, half, load, starts, own, own_peak, rng)
    days = np.array(
        [np.isfinite(temperature_c).sum(), *np.bincount(day_bin[day_bin >= 0], minlength=len(edges))]
    )
    low = np.concatenate([[-np.inf], edges])
    high = np.concatenate([[np.inf], edges[1:], [np.inf]])
    return Simultaneity(
        n_counts, low, high, p50, p05, p95, days, fits, half, m, dropped, own_peak,
        own.astype(float) * 60 / step_min, step_min, filled,
    )  # fmt: skip


def _quantiles(ratio: Floats) -> tuple[Floats, Floats, Floats]:
    empty = np.isnan(ratio).all(axis=1)
    found = np.quantile(np.where(np.isnan(ratio), 0.0, ratio), [0.05, 0.5, 0.95], axis=1)
    found[:, empty] = np.nan
    return found[0], found[1], found[2]


def _usable(
    hourly: NDArray[np.float32],
    local_day: NDArray[np.int64],
    temperature_c: Floats,
    min_valid_share: float,
    seed: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32], float, int]:
    """Return the panel of usable meters, filled, their own peaks, the share filled, and the number left out."""
    cold = (temperature_c < 10.0)[local_day]
    if not cold.any():
        cold = np.ones(len(local_day), dtype=bool)
    valid = np.isfinite(hourly)
    peak = np.where(valid, hourly, -np.inf).max(axis=1, initial=-np.inf)
    good = (valid[:, cold].mean(axis=1) >= min_valid_share) & (peak > 0)
    if not good.any():
        raise InputError(
            Problem(
                "P129", "heat_pump_meters", "no heat pump has values on enough of the days below 10 C",
                value=str(len(hourly)), limit=f"at least {min_valid_share:.0%} of the steps",
            )
        )  # fmt: skip
    panel, own = hourly[good].astype(np.float32), peak[good].astype(np.float32)
    present = np.isfinite(panel)
    missing = float(1 - present.mean())
    if missing:
        panel = _filled(panel, present, own, local_day, np.random.default_rng([seed, len(own)]))
        panel[:, own @ present < own.sum() / 2] = np.nan
    return panel, own, missing, int((~good).sum())


def _filled(
    panel: NDArray[np.float32],
    present: NDArray[np.bool_],
    own: NDArray[np.float32],
    local_day: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Fill missing steps with the load factor that another heat pump, drawn for the day, has in the same step.

    The mean load factor of all others would make the sum of few follow the others too closely: it would raise peaks.
    """
    days = int(local_day[-1]) + 1
    starts = np.searchsorted(local_day, np.arange(days))
    has = np.bincount(local_day, minlength=days) > 0
    whole = np.zeros((len(panel), days), dtype=bool)
    whole[:, has] = np.logical_and.reduceat(present, starts[has], axis=1)
    ranked = np.argsort(np.where(whole, rng.random(whole.shape), np.inf), axis=0)
    count = whole.sum(axis=0)
    pick = (rng.random(whole.shape) * count[None, :]).astype(np.int64)
    giver = np.take_along_axis(ranked, pick, axis=0)[:, local_day]
    steps = np.arange(panel.shape[1])[None, :]
    factor = panel[giver, steps] / own[giver]
    factor[:, count[local_day] == 0] = np.nan
    return np.where(present, panel, own[:, None] * factor).astype(np.float32)


def _nested_groups(
    rng: np.random.Generator, m: int, counts: NDArray[np.int64], draws: int
) -> NDArray[np.float32]:
    """Return who is in which group, shape (draws, counts, m): a draw's smaller groups are parts of its larger ones."""
    rank = np.argsort(rng.random((draws, m)), axis=1)
    return (rank[:, None, :] < counts[None, :, None]).astype(np.float32)


def _ratios(
    load: NDArray[np.float32],
    starts: NDArray[np.int64],
    own: NDArray[np.float32],
    members: NDArray[np.float32],
    own_peak: str,
) -> Floats:
    """Return g of every group, shape (bins + 1, groups): row 0 the whole period. Steps are sorted by bin."""
    bins = len(starts) - 1
    peak = np.full((bins, len(members)), -np.inf)
    for b in range(bins):
        for first in range(int(starts[b]), int(starts[b + 1]), STEPS_AT_ONCE):
            last = min(first + STEPS_AT_ONCE, int(starts[b + 1]))
            peak[b] = np.maximum(peak[b], (members @ load[:, first:last]).max(axis=1))
    annual = (members @ own).astype(float)
    out = np.empty((bins + 1, len(members)))
    out[0] = peak.max(axis=0) / annual
    for b in range(bins):
        block = load[:, starts[b] : starts[b + 1]]
        if not block.shape[1]:
            out[b + 1] = np.nan
            continue
        out[b + 1] = peak[b] / (annual if own_peak == "annual" else (members @ block.max(axis=1)))
    return out


def fit_curve(count: Floats, mean: Floats, exponents: Floats = EXPONENTS) -> tuple[float, float, float]:
    """Fit ``g_inf + (g_1 - g_inf) n^-a`` by least squares over a grid of exponents; g_1 is the first mean.

    Args:
        count: Numbers of heat pumps, the first is 1, shape (counts,).
        mean: Mean g over groups, shape (counts,).
        exponents: Exponents that are tried.

    Returns:
        g_inf (0 to g_1), a, and the root mean square deviation.
    """
    first = mean[0]
    fade = count[None, :] ** -exponents[:, None]
    rest = 1 - fade
    limit = ((mean - first * fade) * rest).sum(axis=1) / np.maximum((rest**2).sum(axis=1), 1e-12)
    limit = np.clip(limit, 0, first)
    left = mean[None, :] - limit[:, None] * rest - first * fade
    error = np.sqrt((left**2).mean(axis=1))
    best = int(np.argmin(error))
    return float(limit[best]), float(exponents[best]), float(error[best])


#: Random halves of the meters from which the interval of the fit comes, and groups in each.
HALVES, GROUPS_IN_HALF = 40, 12


def _fits(
    ratio: Floats,
    counts: NDArray[np.int64],
    half: int,
    load: NDArray[np.float32],
    starts: NDArray[np.int64],
    own: NDArray[np.float32],
    own_peak: str,
    rng: np.random.Generator,
) -> tuple[SimultaneityFit | None, ...]:
    """Fit every bin; intervals from random halves of the meters (delete-half jackknife, Shao & Wu 1989).

    A bootstrap with replacement would put the same heat pump into a group twice, which peaks with itself.
    """
    fitted = counts[counts <= half]
    if len(fitted) < 4:
        return (None,) * len(ratio)
    m = len(own)
    chosen = np.argsort(rng.random((HALVES, m)), axis=1)[:, :half]
    members = np.zeros((HALVES, GROUPS_IN_HALF, len(fitted), m), dtype=np.float32)
    rank = np.argsort(rng.random((HALVES, GROUPS_IN_HALF, half)), axis=2)
    inside = (rank[:, :, None, :] < fitted[None, None, :, None]).astype(np.float32)
    np.put_along_axis(members, np.broadcast_to(chosen[:, None, None, :], inside.shape), inside, axis=3)
    halves = _ratios(load, starts, own, members.reshape(-1, m), own_peak).reshape(
        len(ratio), HALVES, GROUPS_IN_HALF, len(fitted)
    )
    return tuple(
        _fit_bin(mine.mean(axis=0)[: len(fitted)], fitted.astype(float), parts.mean(axis=1))
        for mine, parts in zip(ratio, halves, strict=True)
    )


def _fit_bin(mean: Floats, counts: Floats, halves: Floats) -> SimultaneityFit | None:
    if np.isnan(mean).any():
        return None
    limit, exponent, error = fit_curve(counts, mean)
    kerber = fit_curve(counts, mean, np.array([KERBER_EXPONENT]))[0]
    parts = np.array([fit_curve(counts, row)[:2] for row in halves])
    sd_limit, sd_exponent = np.sqrt(((parts - np.array([limit, exponent])) ** 2).mean(axis=0)).tolist()
    first = float(mean[0])
    return SimultaneityFit(
        first, limit, max(limit - 1.96 * sd_limit, 0.0), min(limit + 1.96 * sd_limit, first),
        exponent, max(exponent - 1.96 * sd_exponent, 0.0), exponent + 1.96 * sd_exponent, kerber, error,
    )  # fmt: skip


@dataclass(frozen=True)
class ResolutionFactor:
    """How much higher peaks of a fine step are than those of hourly means.

    Attributes:
        count: Heat pumps in a group, shape (counts,).
        ratio: Median over groups of the fine peak over the hourly peak, shape (counts,).
        step_min: The fine step [min].
    """

    count: NDArray[np.int64]
    ratio: Floats
    step_min: int


def measure_resolution(
    fine: NDArray[np.float32],
    step_min: int,
    *,
    draws: int = 100,
    seed: int = 1,
    counts: Sequence[int] = COUNTS,
) -> ResolutionFactor:
    """Return the peak of fine steps over the peak of hourly means, by group size: what hourly meters do not show.

    Args:
        fine: Electricity by heat pump and step, shape (meters, steps), the first step at a full hour; a missing step
            makes its hour missing for that heat pump, and hours with missing values are left out.
        step_min: Step [min], a divisor of 60 and below 60.
        draws: Random groups for each n.
        seed: Seed of the groups.
        counts: Numbers of heat pumps.

    Raises:
        InputError: P129 if the step is no proper part of an hour or no hour is whole.
    """
    parts = 60 // step_min if step_min and 60 % step_min == 0 else 0
    hours = fine.shape[1] // parts if parts > 1 else 0
    cube = fine[:, : hours * parts].reshape(len(fine), hours, max(parts, 1)) if hours else fine[:, :, None]
    whole = np.isfinite(cube).all(axis=(0, 2))
    if parts < 2 or not whole.any():
        raise InputError(
            Problem(
                "P129",
                "heat_pump_meters",
                "peaks within the hour need whole hours of a finer step",
                str(step_min),
            )
        )
    cube = cube[:, whole]
    m = len(cube)
    n = np.unique([c for c in counts if 1 <= c <= m]).astype(np.int64)
    members = _nested_groups(np.random.default_rng(seed), m, n, draws).reshape(-1, m)
    sums = (members @ cube.reshape(m, -1).astype(np.float32)).reshape(len(members), -1, parts)
    ratio = sums.max(axis=(1, 2)) / np.maximum(sums.mean(axis=2).max(axis=1), 1e-12)
    return ResolutionFactor(n, np.median(ratio.reshape(draws, len(n)), axis=0).astype(float), step_min)
