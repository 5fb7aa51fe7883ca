"""Outdoor temperature and wind power of a synthetic year, correlated as they are in the measured ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from varme.data.synthetic.calendar import Clock
from varme.data.synthetic.noise import coloured, exponential, smooth, white
from varme.data.synthetic.spec import SyntheticSpec

Floats = NDArray[np.float64]

#: Temperature: share of the fast part in the variance and its correlation time [h]; the rest is half smooth over
#: the second time [h] and half slow over the third. Chosen so that daily means persist as in Denmark 2007-2016 (PVGIS;
#: within a month 0.75, 0.49, 0.32 after 1, 2, 3 days) and hours change as in Copenhagen 2020 and 2023 (0.6 K).
TEMPERATURE_TIMES = (0.12, 3.0, 22.0, 110.0)
#: Wind: share of the fast part and the two correlation times [h]. Chosen so that the power persists as in DK2 2019
#: (0.98 after 1 h, 0.78 after 6 h, 0.55 after 12 h, 0.20 after 48 h) and ramps as there (5 % of capacity an hour).
WIND_TIMES = (0.57, 6.0, 56.0)
#: Mean correlation of slow wind and temperature over the year.
WIND_TEMPERATURE_MEAN = 0.1
#: Annual and daily swing of wind, in normal scores; fitted to DK2 2019 (winter +0.3, 16 h local +0.05).
WIND_SEASON, WIND_DAY = 0.30, 0.05
#: Second shape parameter of the Kumaraswamy distribution of hourly wind; fitted to DK2 2019 (largest error 2 %).
WIND_SHAPE = 1.35
#: Random streams.
STREAM_FAST, STREAM_SLOW, STREAM_SKY, STREAM_WIND_FAST, STREAM_WIND_SLOW = range(5)


def temperature(spec: SyntheticSpec, clock: Clock) -> Floats:
    """Return the outdoor temperature [C], shape (clock.grid.n,).

    Season through the monthly means, a daily wave that is largest in May (cloudy days have a smaller one), and
    weather of two time scales. With ``months = "pinned"`` every month of the calendar year has its mean exactly.
    """
    n = clock.grid.n
    share, fast_h, smooth_h, slow_h = TEMPERATURE_TIMES
    fast = coloured(white(spec.seed, STREAM_FAST), smooth(fast_h))[:n]
    slow = coloured(white(spec.seed, STREAM_SLOW), (smooth(smooth_h) + exponential(slow_h)) / 2)[:n]
    middle = (spec.temperature_sd_winter_k + spec.temperature_sd_summer_k) / 2
    swing = (spec.temperature_sd_winter_k - spec.temperature_sd_summer_k) / 2
    anomaly = (middle + swing * clock.season(15)) * (np.sqrt(share) * fast + np.sqrt(1 - share) * slow)
    sky = np.exp(0.4 * coloured(white(spec.seed, STREAM_SKY), exponential(30.0))[:n] - 0.08)
    wave = (1.95 + 1.45 * clock.season(140)) * sky * np.cos(2 * np.pi * (clock.hour - 14) / 24)
    weather = np.asarray(anomaly + wave, dtype=float)
    centred = weather if spec.months == "pinned" else np.zeros(n)
    return np.asarray(weather + _monthly_curve(spec, clock, centred), dtype=float)


def _monthly_curve(spec: SyntheticSpec, clock: Clock, weather: Floats) -> Floats:
    """Return a curve, linear between mid-months, that brings the monthly means of ``weather`` to the spec's."""
    target = np.asarray(spec.monthly_mean_c, dtype=float)
    hours = np.arange(clock.grid.n, dtype=float)
    month, inside = clock.month[clock.inside], clock.inside
    count = np.bincount(month, minlength=12)
    centre = np.bincount(month, weights=hours[inside], minlength=12) / count
    nodes = np.concatenate([[centre[0] - 31 * 24], centre, [centre[-1] + 31 * 24]])
    values = target.copy()
    for _ in range(60):
        curve = np.interp(hours, nodes, np.concatenate([values[-1:], values, values[:1]]))
        reached = np.bincount(month, weights=(weather + curve)[inside], minlength=12) / count
        miss = target - reached
        values += miss
        if np.abs(miss).max() < 1e-10:
            break
    return np.asarray(curve, dtype=float)


def wind(spec: SyntheticSpec, clock: Clock) -> Floats:
    """Return wind power [MW], shape (clock.grid.n,), between 0 and the capacity; the calendar year sums to the target.

    A Gaussian process of two time scales, its slow part correlated with the temperature's (mild winters are windy,
    hot summer days calm), is mapped to a Kumaraswamy distribution ``(1 - (1 - u)**(1/b))**g`` whose ``g`` is solved
    for the year's energy.

    Raises:
        ValueError: if the energy cannot be reached (excluded by the spec's own check).
    """
    n = clock.grid.n
    share, fast_h, slow_h = WIND_TIMES
    rho = WIND_TEMPERATURE_MEAN + spec.wind_temperature_correlation_share * clock.season(15)
    driver = white(spec.seed, STREAM_WIND_SLOW)
    driver[:n] = rho * white(spec.seed, STREAM_SLOW)[:n] + np.sqrt(1 - rho**2) * driver[:n]
    slow = coloured(driver, exponential(slow_h))[:n]
    fast = coloured(white(spec.seed, STREAM_WIND_FAST), smooth(fast_h))[:n]
    score = np.sqrt(share) * fast + np.sqrt(1 - share) * slow
    score += WIND_SEASON * clock.season(15) + WIND_DAY * np.cos(2 * np.pi * (clock.hour - 16) / 24)
    log_base = np.log1p(-np.power(ndtr(-score / np.sqrt(1 + WIND_SEASON**2 / 2)), 1 / WIND_SHAPE))
    wanted = spec.wind_twh * 1e6 / (spec.wind_capacity_mw * np.count_nonzero(clock.inside))
    factor = np.exp(_exponent(log_base[clock.inside], wanted) * log_base)
    return np.asarray(factor * (spec.wind_capacity_mw * wanted / factor[clock.inside].mean()), dtype=float)


def _exponent(log_base: Floats, wanted: float) -> float:
    """Return g with ``mean(exp(g * log_base)) = wanted`` by Newton's method (the mean is convex and falls in g)."""
    g = 1.0
    for _ in range(50):
        power = np.exp(g * log_base)
        mean = float(power.mean())
        step = (mean - wanted) / -float((power * log_base).mean())
        g = max(g + step, g / 4)
        if abs(mean - wanted) < 1e-13:
            break
    return g
