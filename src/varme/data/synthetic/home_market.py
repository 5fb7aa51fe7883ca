"""Day-ahead price and CO2 intensity of a home's year: hourly, driven by demand, wind and sun."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaincinv

from varme.data.synthetic.home_clock import Floats, HomeClock
from varme.data.synthetic.home_weather import Weather
from varme.data.synthetic.noise import coloured, exponential, white

#: Random streams.
DRIFT, MARKET, EMISSION = range(45, 48)


def home_market(clock: HomeClock, weather: Weather) -> tuple[Floats, Floats]:
    """Return day-ahead price [EUR/kWh] and CO2 intensity [g/kWh] in hourly blocks, each of shape (grid.n,).

    A score (demand with its morning and evening peak, less wind and sun, plus drift) is mapped by rank to the wanted
    distribution: gamma above zero, a short negative tail below, so mean, spread and negative hours are reached. The
    weights are assumptions, chosen so that prices persist as in DK2 2017-2022 (0.91-0.97 after one hour, 0.56-0.79
    after a day) and fall with wind as in DK2 2019 (-0.33; stronger here, as wind has grown since).
    """
    spec = clock.spec
    hours = clock.grid.n // 4
    inside = clock.inside[::4]
    demand = _demand(clock)
    sun = clock.hourly(weather.ghi)
    sun = np.convolve(sun, [0.25, 0.5, 0.25], mode="same") / 1000
    wind = _share(weather.wind_score)
    season = clock.hourly(clock.winter)
    drift = coloured(white(spec.seed, DRIFT), exponential(220.0))[:hours]
    market = coloured(white(spec.seed, MARKET), exponential(10.0))[:hours]
    residual = demand - 1.5 * wind - 1.35 * sun - 0.12 * weather.warm_score * np.maximum(season, 0)
    price = _mapped(clock, residual + 0.25 * drift + 0.12 * market, inside)
    noise = coloured(white(spec.seed, EMISSION), exponential(30.0))[:hours]
    emission = np.exp(0.55 * (residual - residual[inside].mean()) + 0.12 * noise)
    emission *= spec.co2_mean_g_per_kwh / emission[inside].mean()
    return np.repeat(price * spec.price_level_ratio, 4), np.repeat(emission, 4)


def _share(score: Floats) -> Floats:
    """Return wind power as a share of capacity: an S-curve of the wind score (mean about 0.3)."""
    return np.asarray(1 / (1 + np.exp(1.1 - 1.5 * score)))


def _demand(clock: HomeClock) -> Floats:
    """Return the demand score of each hour: low nights, peaks at 8 and 19 h (18 h in winter), quiet free days."""
    hour = np.floor(clock.hour[::4]) + 0.5
    day = clock.local[::4].astype(np.int64) // 86400
    free = clock.free(np.unique(day))[np.searchsorted(np.unique(day), day)]
    season = clock.hourly(clock.winter)
    evening = 18.9 - 0.6 * season
    level = 0.55 / (1 + np.exp(-(hour - 6.2) * 1.6)) / (1 + np.exp((hour - 22.3) * 1.3))
    morning = 0.32 * np.exp(-0.5 * ((hour - 8.2) / 1.3) ** 2)
    peak = (0.55 + 0.08 * season) * np.exp(-0.5 * ((hour - evening) / 1.7) ** 2)
    return np.asarray(level + np.where(free, 0.25, 1.0) * morning + peak - 0.18 * free + 0.12 * season)


def _mapped(clock: HomeClock, score: Floats, inside: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
    """Return a score's ranks among the calendar year as prices of the wanted mean, spread and negative hours."""
    spec = clock.spec
    mean, sd = spec.price_mean_eur_per_kwh, spec.price_sd_eur_per_kwh
    ordered = np.sort(score[inside])
    n, below = len(ordered), round(spec.price_negative_h)
    depth = np.arange(below, 0, -1) / max(below, 1)
    negative = -0.35 * sd * (0.02 + depth**2)
    count = n - below
    left = (n * mean - negative.sum()) / count
    spread = (n * (sd**2 + mean**2) - (negative**2).sum()) / count - left**2
    spread = max(spread, (0.05 * left) ** 2)
    shape = left**2 / spread
    positive = gammaincinv(shape, (np.arange(count) + 0.5) / count)
    positive = left + (positive - positive.mean()) * np.sqrt(spread / positive.var())
    positive += np.maximum(1e-5 - positive, 0.0)
    positive *= left / positive.mean()
    quantiles = np.concatenate([negative, positive])
    return np.asarray(np.interp(score, ordered, quantiles))
