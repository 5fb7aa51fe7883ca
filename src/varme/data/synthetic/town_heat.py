"""Useful heat of the homes of a synthetic town by day: change point, inertia, hot water, holidays, own noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.data.synthetic.town_buildings import Homes
from varme.data.synthetic.town_spec import TownSpec
from varme.data.synthetic.town_weather import TownWeather

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]

#: Useful heat for hot water of a person in a year, with storage and circulation [kWh] (assumption).
WATER_KWH_PER_PERSON = 850.0


@dataclass(frozen=True)
class DailyHeat:
    """Useful heat by home and day [kWh]; homes as in :class:`Homes`.

    Attributes:
        space: Space heating, shape (homes, days).
        water: Hot water, shape (homes, days).
        limit_c: Heating limit of each home [C], shape (homes,).
        slope: Space heating per day and kelvin below the limit, mean over the period, shape (homes,).
        water_share: Share of hot water in the annual heat, shape (homes,).
    """

    space: Floats32
    water: Floats32
    limit_c: Floats
    slope: Floats
    water_share: Floats


def daily_heat(spec: TownSpec, homes: Homes, weather: TownWeather) -> DailyHeat:
    """Return the heat of every home and day; the mean annual sum over the period is exactly that of the home.

    Space heating: slope times what the felt temperature, a mean of today and yesterday with each home's own weights, is
    below the home's limit; weekends and holidays away change it; daily noise 12 %. Hot water: by person, 12 % more in
    February than in August (colder mains), nothing when away, daily noise 30 %.
    """
    rng = np.random.default_rng([spec.seed, 2])
    n, days = len(homes.annual_kwh_th), len(weather.days)
    gas = spec.gas_meters_count
    limit = np.clip(rng.normal(15.0, 1.2, n), 10, 19)
    limit[gas:] += spec.heat_pump_limit_shift_k
    today = rng.uniform(0.4, 0.7, n).astype(np.float32)
    felt = np.repeat(weather.felt_c.astype(np.float32), (gas, n - gas), axis=0)
    before = np.concatenate([felt[:, :1], felt[:, :-1]], axis=1)
    need = limit.astype(np.float32)[:, None] - before - today[:, None] * (felt - before)
    np.maximum(need, 0, out=need)
    raw = need.sum(axis=1, dtype=float) / len(spec.years)
    weekend = np.where(weather.weekend, 1.0, 0.0).astype(np.float32)
    need *= 1 + rng.normal(0.03, 0.05, n).astype(np.float32)[:, None] * weekend
    need *= _noise(rng, n, days, 0.12)
    water = _noise(rng, n, days, 0.30)
    doy = (weather.days - weather.days.astype("datetime64[Y]").astype("datetime64[D]")).astype(float)
    water *= (1 + 0.06 * np.cos(2 * np.pi * (doy - 45) / 365.25) + 0.12 * weekend).astype(np.float32)
    _go_away(rng, need, water, spec)
    share = np.clip(
        homes.persons * WATER_KWH_PER_PERSON * rng.normal(1, 0.2, n) / homes.annual_kwh_th, 0.03, 0.40
    )
    year = weather.year - spec.years[0]
    own = homes.own_year.astype(np.float32)[:, year]
    count = len(spec.years)
    slope = homes.annual_kwh_th * (1 - share) * count / np.maximum(need.sum(axis=1, dtype=float), 1e-6)
    level = homes.annual_kwh_th * share * count / np.maximum(water.sum(axis=1, dtype=float), 1e-6)
    need *= slope.astype(np.float32)[:, None] * own
    water *= level.astype(np.float32)[:, None] * own
    return DailyHeat(need, water, limit, homes.annual_kwh_th * (1 - share) / np.maximum(raw, 1e-6), share)


def _noise(rng: np.random.Generator, rows: int, columns: int, sd: float) -> Floats32:
    """Return lognormal noise with mean 1, shape (rows, columns)."""
    noise = rng.standard_normal((rows, columns), dtype=np.float32)
    noise *= np.float32(sd)
    noise -= np.float32(sd**2 / 2)
    return np.asarray(np.exp(noise, out=noise))


def _go_away(rng: np.random.Generator, space: Floats32, water: Floats32, spec: TownSpec) -> None:
    """Turn heating down and hot water off while people are away: in summer and, a third of them, in winter."""
    n, days = space.shape
    day = np.arange(days)
    for first_year, winter in ((k, w) for k in range(len(spec.years)) for w in (False, True)):
        earliest, latest, shortest, longest = (0, 75, 5, 10) if winter else (170, 240, 7, 21)
        start = np.asarray(365 * first_year + rng.integers(earliest, latest, n))
        length = np.asarray(rng.integers(shortest, longest, n))
        goes = np.asarray(rng.random(n) < (0.33 if winter else 0.8))
        inside = (day >= start[:, None]) & (day < (start + length)[:, None]) & goes[:, None]
        rows, columns = np.nonzero(inside)
        water[rows, columns] = 0
        space[rows, columns] *= np.float32(0.6)
