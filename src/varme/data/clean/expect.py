"""What a meter would read on each day, from its own response to the temperature: robust against the faults it has.

The model is piecewise linear in the outdoor temperature (VDI 3807, IPMVP change-point models, with two or three limits
at fixed places),

    e = a + sum over limits of b_k * max(limit_k - T, 0),

fitted to means over about eight days, with weights that fall to 0 for periods that do not fit (Tukey's bisquare). A day
that is wrong then costs a period, not the fit; and the fit of all meters is a few small products of matrices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats32 = NDArray[np.float32]
Floats = NDArray[np.float64]

#: Heating limits of the model [C]: two for a furnace; a third for heat pumps, whose electricity bends upwards in the
#: cold as the COP falls (assumption: places that bracket the usual limits of 12 to 17 C).
LIMITS_C = {"gas": (12.0, 16.5), "heat_pump": (3.0, 11.0, 16.5)}
#: Days of a period.
PERIOD_DAYS = 8


@dataclass(frozen=True)
class Periods:
    """Days gathered into periods of equal length (the last one may be longer)."""

    edges: NDArray[np.int64]
    length: Floats

    @classmethod
    def of(cls, days: int) -> Periods:
        """Return periods for so many days: at least 20 of them, if there are as many days."""
        size = max(1, min(PERIOD_DAYS, days // 20))
        count = max(1, days // size)
        edges = np.arange(count) * size
        return cls(edges, np.diff(np.r_[edges, days]).astype(float))

    def means(self, values: Floats32) -> Floats:
        """Return the mean of each period, NaN where less than half of it is valid, shape (rows, periods)."""
        out = np.asarray(np.add.reduceat(values, self.edges, axis=1) / self.length, dtype=np.float64)
        gaps = np.flatnonzero(np.isnan(out).any(axis=1))
        if len(gaps):
            part = values[gaps]
            ok = np.isfinite(part)
            count = np.add.reduceat(ok, self.edges, axis=1, dtype=np.int32)
            total = np.add.reduceat(np.where(ok, part, np.float32(0)), self.edges, axis=1, dtype=np.float64)
            out[gaps] = np.where(2 * count >= self.length, total / np.maximum(count, 1), np.nan)
        return out


@dataclass(frozen=True)
class Expected:
    """What is expected of each meter.

    Attributes:
        day: Expected reading by day, shape (meters, days).
        mean: Its mean over all days, shape (meters,); 0 where nothing is known.
        sd: Robust standard deviation of a day's reading around it, shape (meters,).
        noise: Robust standard deviation of a day of the heating season, relative to what is expected, shape (meters,).
        slope: Reading per degree below all limits, shape (meters,).
        heating_share: Share of what is expected that follows the temperature, shape (meters,).
        coefficients: Of the features, shape (meters, features).
        period_ratio: Mean reading over mean expectation by period, shape (meters, periods), NaN where missing.
        period_day: Mean expectation by period, shape (meters, periods).
        periods: The periods.
    """

    day: Floats32
    mean: Floats
    sd: Floats
    noise: Floats
    slope: Floats
    heating_share: Floats
    coefficients: Floats
    period_ratio: Floats
    period_day: Floats
    periods: Periods

    @classmethod
    def nothing(cls, meters: int, days: int) -> Expected:
        """Return what is expected before anything is known: nothing."""
        zero = np.zeros(meters)
        periods = Periods(np.zeros(0, dtype=np.int64), np.zeros(0))
        none = np.zeros((meters, 0))
        return cls(
            np.zeros((meters, days), np.float32), zero, zero, zero, zero, zero, none, none, none, periods
        )

    def renew(self, rows: NDArray[np.int64], other: Expected) -> None:
        """Put the expectation of some rows, made anew, in place of the old one."""
        for name in (
            "day",
            "mean",
            "sd",
            "noise",
            "slope",
            "heating_share",
            "coefficients",
            "period_ratio",
            "period_day",
        ):
            getattr(self, name)[rows] = getattr(other, name)


def features_of(temperature_c: Floats | None, carrier: str, values: Floats32) -> Floats:
    """Return what the model is linear in, by day: 1 and the degrees below each limit, shape (days, features).

    Without temperatures, the mean of all meters, each relative to its own level, takes their place.
    """
    days = values.shape[1]
    if temperature_c is not None and np.isfinite(temperature_c).sum() >= 2:
        known = np.isfinite(temperature_c)
        filled = np.interp(np.arange(days), np.flatnonzero(known), temperature_c[known])
        below = np.maximum(np.array(LIMITS_C[carrier])[None, :] - filled[:, None], 0)
        return np.concatenate([np.ones((days, 1)), below], axis=1)
    positive = np.where(values > 0, values, 0)
    usual = positive.sum(axis=1, keepdims=True) / np.maximum(np.count_nonzero(positive, axis=1)[:, None], 1)
    share = np.clip(values / np.where(usual > 0, usual, np.nan), 0, 4)
    seen = np.flatnonzero(np.isfinite(share).any(axis=0))
    fleet = np.ones(days)
    if len(seen):
        fleet[seen] = np.nanmean(share[:, seen], axis=0)
    return np.stack([np.ones(days), fleet], axis=1)


def season_of(features: Floats, share: float = 0.8) -> NDArray[np.bool_]:
    """Return the days of the heating season: those whose month around them is colder than the year, shape (days,).

    A cold day in summer is none of them, a warm one in winter is.

    Args:
        features: See :func:`features_of`.
        share: Degrees of the month, as a share of those of the whole series, from which it belongs to the season.
    """
    degrees = features[:, -1]
    window = min(31, len(degrees))
    kernel = np.ones(window) / window
    weight = np.convolve(np.ones(len(degrees)), kernel, mode="same")
    smooth = np.convolve(degrees, kernel, mode="same") / weight
    return np.asarray(smooth >= share * smooth.mean())


def expect(values: Floats32, features: Floats) -> Expected:
    """Fit the model to every row.

    Args:
        values: Readings by day, shape (meters, days), NaN where there is none.
        features: See :func:`features_of`.
    """
    periods = Periods.of(values.shape[1])
    means = periods.means(values)
    x = np.add.reduceat(features, periods.edges, axis=0) / periods.length[:, None]
    weight = _first_weights(means, x)
    coefficients = _solve(means, weight, x)
    for _ in range(3):
        fitted = np.maximum(coefficients @ x.T, 0)
        level = fitted.mean(axis=1, keepdims=True)
        off = (means - fitted) / np.maximum(fitted, 0.3 * level + 1e-12)
        known = np.isfinite(off)
        scale = np.maximum(4.5 * _median(np.where(weight > 0, np.abs(off), np.nan))[:, None], 0.4)
        inside = 1 - (np.where(known, off, np.inf) / scale) ** 2
        weight = np.where(inside > 0, inside, 0) ** 2
        coefficients = _solve(means, weight, x)
    fitted = np.maximum(coefficients @ x.T, 0)
    day = (coefficients.astype(np.float32)) @ features.T.astype(np.float32)
    np.maximum(day, 0, out=day)
    part, due = values[:, 2 % values.shape[1] :: 7], day[:, 2 % values.shape[1] :: 7]
    off = np.abs(part - due)
    sd = 1.4826 * _median(off)
    cold = season_of(features)[2 % values.shape[1] :: 7]
    with np.errstate(invalid="ignore", divide="ignore"):
        noise = 1.4826 * _median((off / due)[:, cold])
    mean = fitted @ (periods.length / periods.length.sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = means / np.maximum(fitted, 0.05 * mean[:, None])
    mean, sd = np.nan_to_num(mean), np.nan_to_num(sd)
    noise = np.clip(np.nan_to_num(noise, nan=1.0, posinf=1.0), 0.03, 1.0)
    heating = 1 - np.clip(coefficients[:, 0], 0, None) / np.maximum(mean, 1e-12)
    explained = _explained(means, fitted, weight)
    follows = (explained > 0.6) | ((explained > 0.35) & (noise < 0.6))
    slope = coefficients[:, 1:].sum(axis=1)
    return Expected(
        day, mean, sd, noise, slope, np.clip(heating, 0, 1) * follows, coefficients, ratio, fitted, periods
    )


def _explained(means: Floats, fitted: Floats, weight: Floats) -> Floats:
    """Return the share of the variance of periods that the model explains, with the weights of the fit."""
    total = np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
    seen = np.nan_to_num(means)
    middle = (weight * seen).sum(axis=1, keepdims=True) / total
    left = (weight * (seen - fitted) ** 2).sum(axis=1)
    return np.asarray(1 - left / np.maximum((weight * (seen - middle) ** 2).sum(axis=1), 1e-12))


def _first_weights(means: Floats, x: Floats) -> Floats:
    """Return 1 for periods near a typical home's shape at the meter's median level, 0 for those far from it.

    Periods of the heating season are compared; a period of zeros counts only where a home may well use nothing.
    """
    shape = x[:, -1] + 0.15 * x[:, -1].mean() if x.shape[1] > 1 else x[:, 0]
    season = shape > 0.7 * shape.mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = means / np.maximum(shape, 1e-9)
        level = _median(np.where(season & (means > 0), ratio, np.nan))[:, None]
        relative = ratio / level
        near = np.where(season, (relative > 0.4) & (relative < 2.2), relative < 3.0)
    weight = (near & np.isfinite(means)).astype(np.float64)
    few = weight.sum(axis=1) < 3 * x.shape[1]
    weight[few] = (np.isfinite(means) & (means > 0))[few]
    return weight


def _median(values: NDArray[np.floating]) -> Floats:
    """Return the median of each row without its NaN; NaN where there is nothing else."""
    if not values.shape[1]:
        return np.full(len(values), np.nan)
    ordered = np.sort(values, axis=1)
    count = np.isfinite(values).sum(axis=1)
    rows = np.arange(len(values))
    low = np.maximum(count - 1, 0) // 2
    high = np.minimum(count // 2, values.shape[1] - 1)
    middle = 0.5 * (ordered[rows, low].astype(np.float64) + ordered[rows, high])
    return np.asarray(np.where(count > 0, middle, np.nan), dtype=np.float64)


def _solve(means: Floats, weight: Floats, x: Floats) -> Floats:
    """Return weighted least squares of every row: normal equations, eliminated for all rows at once."""
    k = x.shape[1]
    outer = (x[:, :, None] * x[:, None, :]).reshape(len(x), k * k)
    left = (outer.T @ weight.T).reshape(k, k, -1)
    right = x.T @ (weight * np.nan_to_num(means)).T
    scale = sum(left[i, i] for i in range(k)) / k
    for i in range(k):
        left[i, i] += 1e-7 * scale + 1e-12
    for i in range(k):
        left[i, i + 1 :] /= left[i, i]
        right[i] /= left[i, i]
        for j in range(k):
            if j != i:
                factor = left[j, i].copy()
                left[j, i + 1 :] -= factor * left[i, i + 1 :]
                right[j] -= factor * right[i]
    return np.asarray(right.T, dtype=np.float64)
