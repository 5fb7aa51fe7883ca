"""Buildings of a synthetic town: volumes, ages, people, furnaces, where they stand and which transformer feeds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from varme.data.synthetic.town_spec import TownSpec

Floats = NDArray[np.float64]

#: Year of construction at shares of the stock (assumption: a small German town); homes with heat pumps are newer.
GAS_YEARS = ((0.0, 0.18, 0.55, 0.8, 0.95, 1.0), (1890.0, 1949.0, 1978.0, 1995.0, 2009.0, 2016.0))
HEAT_PUMP_YEARS = ((0.0, 0.06, 0.2, 0.36, 0.66, 1.0), (1890.0, 1949.0, 1978.0, 1995.0, 2009.0, 2018.0))
#: Furnace type -> mean and standard deviation of its annual efficiency on the gross calorific value (assumption; within
#: the typical ranges 0.70-0.80, 0.78-0.86 and 0.86-0.95).
FURNACES = {
    "constant_temperature": (0.76, 0.025),
    "low_temperature": (0.82, 0.02),
    "condensing": (0.90, 0.02),
}
#: Transformer ratings [kVA] (usual in German low-voltage networks).
RATINGS_KVA = np.array([160.0, 250.0, 400.0, 630.0])
#: Volume of the median building [m3] (assumption: a house with its attic, as a 3D model has it).
VOLUME_M3 = 650.0


@dataclass(frozen=True)
class Homes:
    """Homes of the town, gas first, then heat pumps; arrays of shape (homes,).

    Attributes:
        columns: What a building table shows, one array per column.
        annual_kwh_th: Useful heat in an average year [kWh].
        log_heat: Standardised logarithm of it.
        own_year: Own factor of each year, shape (homes, years).
        persons: People who live there.
        efficiency_share: Efficiency of the gas homes' furnaces on Hs, shape (gas homes,).
        oversizing_ratio: Furnace rating over the design load, shape (gas homes,).
        zone: Number of the supply zone.
        transformer: Number of the transformer.
        transformers: What a table of transformers shows.
    """

    columns: dict[str, NDArray[Any]]
    annual_kwh_th: Floats
    log_heat: Floats
    own_year: Floats
    persons: NDArray[np.int64]
    efficiency_share: Floats
    oversizing_ratio: Floats
    zone: NDArray[np.int64]
    transformer: NDArray[np.int64]
    transformers: dict[str, NDArray[Any]]


def town_homes(spec: TownSpec) -> Homes:
    """Return the homes of a town."""
    rng = np.random.default_rng([spec.seed, 0])
    n, m = spec.gas_meters_count, spec.heat_pumps_count
    log_v, quality = _scores(spec, rng)
    own = rng.normal(-(spec.own_year_noise_share**2) / 2, spec.own_year_noise_share, (n + m, len(spec.years)))
    log_heat, spread = _heat_scores(spec, log_v, quality, own)
    volume = VOLUME_M3 * np.exp(0.5 * log_v)
    annual = np.exp(spread * log_heat)
    annual *= spec.annual_heat_kwh_th / annual[:n].mean()
    annual[n:] *= (1 - spec.gamma_share) * spec.heat_pump_volume_ratio
    volume[n:] *= spec.heat_pump_volume_ratio
    built = _built(rng, quality, n)
    area = volume * np.clip(rng.normal(0.235, 0.02, n + m), 0.18, 0.29)
    persons = np.clip(rng.poisson(0.6 + 0.9 * np.sqrt(area / 140)) + 1, 1, 8)
    kind, furnace_year, efficiency, oversizing = _furnaces(rng, built[:n], max(spec.years))
    place = _places(spec, rng, n + m)
    household = np.asarray((1100.0 + 850.0 * persons) * np.exp(rng.normal(0, 0.35, n + m)), dtype=float)
    none, flags = np.full(m, ""), np.zeros((2, n + m), dtype=bool)
    for flag, share in zip(flags, (spec.solar_thermal_share, spec.cooking_share), strict=True):
        flag[:n] = rng.permutation(np.arange(n) < round(n * share))
    columns: dict[str, NDArray[Any]] = {
        "meter": np.array([f"G{i:06d}" for i in range(n)] + [f"H{i:05d}" for i in range(m)]),
        "carrier": np.array(["gas"] * n + ["heat_pump"] * m),
        "volume_m3": volume,
        "floor_area_m2": area,
        "building_type": np.where(volume > 1500, "multi_family", np.where(volume > 550, "detached", "terraced")),
        "built_year": built,
        "persons_count": persons,
        "furnace_type": np.concatenate([kind, none]),
        "furnace_year": np.concatenate([furnace_year, np.full(m, np.nan)]),
        "zone": np.array([f"Z{k + 1}" for k in place["zone"]]),
        "transformer": np.array([f"T{k + 1:02d}" for k in place["transformer"]]),
        "x_m": place["x_m"],
        "y_m": place["y_m"],
        "household_kwh": household,
        "solar_thermal": flags[0],
        "gas_cooking": flags[1],
    }  # fmt: skip
    return Homes(
        columns, annual, log_heat, np.exp(own), persons, efficiency, oversizing, place["zone"], place["transformer"],
        _transformers(spec, rng, place, household),
    )  # fmt: skip


def _scores(spec: TownSpec, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return standard scores of volume and of how much heat a volume needs; those of gas homes are exactly standard."""
    n, m = spec.gas_meters_count, spec.heat_pumps_count
    log_v, quality = rng.normal(size=n + m), rng.normal(size=n + m)
    if spec.even_draws and m:
        # R2 low-discrepancy sequence (Roberts 2018, "The unreasonable effectiveness of quasirandom sequences").
        k = np.arange(m)[:, None]
        u = (0.5 + (k + 1) * np.array([0.7548776662466927, 0.5698402909980532])) % 1
        log_v[n:], quality[n:] = ndtri(u.T)
        for scores in (log_v, quality):
            scores[n:] = (scores[n:] - scores[n:].mean()) / max(float(scores[n:].std()), 1e-9)
    if n > 10:
        log_v[:n] = (log_v[:n] - log_v[:n].mean()) / log_v[:n].std()
        left = quality[:n] - quality[:n].mean()
        left -= log_v[:n] * (left @ log_v[:n]) / n
        quality[:n] = left / left.std()
    return log_v, quality


def _heat_scores(spec: TownSpec, log_v: Floats, quality: Floats, own: Floats) -> tuple[Floats, float]:
    """Return the score of log heat and its spread, solved so that annual totals have the spread and the correlation.

    The correlation is that of the values themselves (not of the logarithms), mean over the years, over gas homes.
    """
    n = spec.gas_meters_count
    spread = float(np.sqrt(max(spec.log_spread_share**2 - spec.own_year_noise_share**2, 0.01)))
    low, high = 0.0, 0.999
    volume = np.exp(0.5 * log_v[:n])
    for _ in range(40 if n > 10 else 0):
        rho = (low + high) / 2
        log_q = (spread * (rho * log_v + np.sqrt(1 - rho**2) * quality))[:n, None] + own[:n]
        reached = np.mean([np.corrcoef(volume, np.exp(log_q[:, k]))[0, 1] for k in range(own.shape[1])])
        low, high = (rho, high) if reached < spec.volume_correlation_share else (low, rho)
        spread *= spec.log_spread_share / float(log_q.std(axis=0).mean())
    if n <= 10:
        rho, spread = 0.67, spec.log_spread_share
    return rho * log_v + np.sqrt(1 - rho**2) * quality, spread


def _built(rng: np.random.Generator, quality: Floats, n: int) -> Floats:
    """Return years of construction: homes that need more heat for their volume are older (rank correlation 0.5)."""
    old = ndtr(0.5 * quality + np.sqrt(0.75) * rng.normal(size=len(quality)))
    years = np.interp(1 - old, *GAS_YEARS)
    years[n:] = np.interp(1 - old[n:], *HEAT_PUMP_YEARS)
    return np.asarray(np.floor(years), dtype=float)


def _furnaces(
    rng: np.random.Generator, built: Floats, now: int
) -> tuple[NDArray[np.str_], Floats, Floats, Floats]:
    """Return type, year, efficiency on Hs and oversizing of the furnaces.

    A furnace lasts about 20 years; until 1987 it keeps its water at a constant temperature, until about 2003 it is of
    the low-temperature kind, condensing since (assumption). Oversizing costs 1 point of efficiency per doubling.
    """
    age = np.clip(rng.gamma(4.0, 4.5, len(built)), 0, 45)
    year = np.floor(np.maximum(now - age, built))
    names = np.array(list(FURNACES))
    score = year + rng.normal(0, 3, len(built))
    which = (score >= 1987).astype(int) + (score >= 2002)
    mean, sd = np.array(list(FURNACES.values()))[which].T
    oversizing = np.exp(rng.normal(0.5, 0.3, len(built)))
    efficiency = mean + rng.normal(0, 1, len(built)) * sd - 0.01 * np.log2(oversizing / 1.65)
    return names[which], year, np.clip(efficiency, 0.65, 0.97), oversizing


def _places(spec: TownSpec, rng: np.random.Generator, homes: int) -> dict[str, NDArray[Any]]:
    """Return coordinates, transformer and zone: homes cluster round transformers; the nearest one feeds a home."""
    count = spec.transformers_count
    side = int(np.ceil(np.sqrt(count)))
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)[:count]
    centre = 260.0 * grid + rng.normal(0, 35, (count, 2))
    home = rng.choice(count, homes, p=rng.dirichlet(np.full(count, 12.0)))
    home[: min(count, homes)] = np.arange(min(count, homes))
    place = centre[home] + rng.normal(0, 60, (homes, 2))
    distance = ((place[:, None, :] - centre[None]) ** 2).sum(axis=2)
    near = distance.argmin(axis=1)
    zone = np.minimum((grid[near, 0] * spec.zones_count) // side, spec.zones_count - 1)
    return {"transformer": near, "zone": zone, "x_m": place[:, 0], "y_m": place[:, 1], "centre": centre}


def _transformers(
    spec: TownSpec, rng: np.random.Generator, place: dict[str, NDArray[Any]], household: Floats
) -> dict[str, NDArray[Any]]:
    """Return the table of transformers: sized for the households of today with some headroom."""
    count = spec.transformers_count
    homes = np.bincount(place["transformer"], minlength=count)
    other = rng.poisson(0.25 * homes)
    energy = np.bincount(place["transformer"], household, minlength=count) * (
        1 + other / np.maximum(homes, 1)
    )
    peak = 0.00028 * energy + 1.1 * np.sqrt(homes + other)
    rating = RATINGS_KVA[
        np.minimum(np.searchsorted(RATINGS_KVA, peak * rng.uniform(1.8, 3.2, count)), len(RATINGS_KVA) - 1)
    ]
    return {
        "transformer": np.array([f"T{k + 1:02d}" for k in range(count)]),
        "rating_kva": rating,
        "feeder": np.array([f"F{k * 4 // count + 1}" for k in range(count)]),
        "x_m": place["centre"][:, 0],
        "y_m": place["centre"][:, 1],
        "homes_count": homes,
        "unmetered_homes_count": other,
        "base_peak_kw": peak,
    }
