"""Hourly electricity of a synthetic town's heat pumps: night setback, hot water, on and off, blocking times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from varme.data.synthetic.town_pumps import PumpDays, Pumps
from varme.data.synthetic.town_spec import TownSpec
from varme.data.synthetic.town_weather import TownWeather

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]

#: Smallest part load of a modulating heat pump, of its rated power (assumption: usual inverters go down to 0.3).
PART_LOAD = 0.35
#: Shortest run of a heat pump that runs on and off [h] (assumption).
RUN_H = 0.5


def hourly_electricity(
    spec: TownSpec,
    rng: np.random.Generator,
    pumps: Pumps,
    days: PumpDays,
    weather: TownWeather,
    daily: Floats32,
) -> Floats32:
    """Return electricity by pump and hour [kWh], shape (pumps, hours).

    The day's energy is spread over its hours, then delivered in runs: a run starts when enough demand has gathered, so
    the energy of the year is kept to less than one run, while single hours are all or little, as real ones are.

    Args:
        spec: The town.
        rng: Random generator.
        pumps: The heat pumps.
        days: Their electricity by day, for its parts.
        weather: The weather.
        daily: What the hours of each day add up to before the runs [kWh], shape (pumps, days).
    """
    day, hour = weather.day_of_hour, weather.hour_of_day
    charge = _charges(pumps)
    shape = _courses(rng, pumps) * np.where(charge > 0, 0.25, 1.0).astype(np.float32)
    weight = shape[:, hour] * np.clip(1 - 0.02 * (weather.hourly_c - weather.daily_c[day]), 0.5, 1.5).astype(
        np.float32
    )
    water_weight = charge[:, hour]
    for weights in (weight, water_weight):
        weights /= np.maximum(np.add.reduceat(weights, weather.edges, axis=1), 1e-6)[:, day]
    share = days.water / np.maximum(days.space + days.water + days.backup + days.circuit, 1e-6)
    weight *= (daily * (1 - share))[:, day]
    water_weight *= (daily * share)[:, day]
    if spec.blocking_h:
        _block(weight, hour, spec.blocking_h)
        _block(water_weight, hour, spec.blocking_h)
    return _runs(rng, pumps, days, weight) + water_weight


def _charges(pumps: Pumps) -> Floats32:
    """Return the share of each local hour in the day's hot water, shape (pumps, 24)."""
    out = np.zeros((len(pumps.spf), 24), dtype=np.float32)
    rows = np.arange(len(out))
    for k in range(2):
        start = pumps.water_hour[:, k]
        used = start >= 0
        out[rows[used], start[used]] += 0.75
        out[rows[used], (start[used] + 1) % 24] += 0.25
    return out


def _courses(rng: np.random.Generator, pumps: Pumps) -> Floats32:
    """Return the course of a day of space heating, shape (pumps, 24): even, less at night, or more by day."""
    hour = np.arange(24)
    night = np.where((hour >= 22) | (hour < 5), 0.45, np.where(hour < 8, 1.6, 1.1))
    sunny = 1 + 0.45 * np.exp(-(((hour - 13) / 3.0) ** 2))
    table = np.stack([np.ones(24), night, sunny])
    shift = rng.integers(-1, 2, len(pumps.spf))
    out = table[pumps.setback[:, None], (hour[None, :] - shift[:, None]) % 24]
    return np.asarray(out, dtype=np.float32)


def _block(demand: Floats32, hour: NDArray[np.int64], blocked: tuple[float, ...]) -> None:
    """Move what falls into blocked hours to the next hour that is open; what would fall beyond the end stays out."""
    closed = np.isin(hour, np.asarray(blocked, dtype=np.int64))
    place = np.where(~closed, np.arange(len(hour)), len(hour))
    following = np.minimum.accumulate(place[::-1])[::-1]
    source = np.flatnonzero(closed & (following < len(hour)))
    open_hours, first = np.unique(following[source], return_index=True)
    demand[:, open_hours] += np.add.reduceat(demand[:, source], first, axis=1) if len(source) else 0
    demand[:, closed] = 0


def _runs(rng: np.random.Generator, pumps: Pumps, days: PumpDays, demand: Floats32) -> Floats32:
    """Return demand as a heat pump delivers it: below its smallest power, or always if it runs on and off, in runs."""
    rated = days.design_kw * pumps.size_ratio
    smallest = np.where(pumps.on_off, np.inf, PART_LOAD * rated)
    run = np.where(pumps.on_off, RUN_H, PART_LOAD) * rated
    in_runs = demand < smallest[:, None].astype(np.float32)
    gathered = np.where(in_runs, demand, 0)
    stock = np.cumsum(gathered, axis=1, dtype=np.float64)
    stock /= run[:, None]
    stock += rng.random(len(run))[:, None]
    runs = np.floor(stock, out=stock).astype(np.float32)
    started = np.diff(runs, axis=1, prepend=np.float32(0))
    noise = rng.standard_normal(demand.shape, dtype=np.float32)
    noise *= np.float32(0.08)
    noise += 1
    return np.asarray(started * run.astype(np.float32)[:, None] + np.where(in_runs, 0, demand * noise))


def hidden_by_sun(pumps: Pumps, weather: TownWeather, hourly: Floats32) -> Floats32:
    """Return what a meter sees of heat pumps with photovoltaics behind it: sunny hours draw less from the grid."""
    hour = weather.hour_of_day
    height = np.clip(np.sin(np.pi * (hour - 7) / 12), 0, 1)
    hidden = np.clip(1.3 * height * weather.sun_share[weather.day_of_hour], 0, 0.92).astype(np.float32)
    out = hourly.copy()
    out[pumps.pv] *= 1 - hidden
    return out
