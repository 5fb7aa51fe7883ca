"""A seeded synthetic town: buildings, furnaces, heat pumps, weather and meters, with the truth known.

The marginals are those of the town of Bayer & Pruckner 2023 ("Modeling of annual and daily electricity demand of
retrofitted heat pumps based on gas smart meter data"): about 1,400 daily gas meters, 73 hourly heat-pump meters, 2019
to 2021, 76 % air and 24 % ground source, correlation of heat with volume 0.63 to 0.65, winter means 3.8, 4.6 and 2.8 C.
The spread of heat over homes is that of 379 British authorities 2015-2021 (DESNZ): log spread 0.44-0.52, median 0.48.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from varme.data.meters.panel import DAY_MIN, MeterPanel
from varme.ground.spec import Spec

Floats = NDArray[np.float64]


class TownSpec(Spec):
    """What the synthetic town is like."""

    seed: int = Field(default=1, ge=0)
    """Seed of everything random."""
    years: tuple[int, ...] = (2019, 2020, 2021)
    """Calendar years, one after the other."""
    timezone: str = "Europe/Berlin"
    """Clock of the town (IANA name)."""
    gas_meters_count: int = Field(default=1400, ge=1)
    """Homes with a gas furnace and a daily gas meter."""
    heat_pumps_count: int = Field(default=73, ge=0)
    """Homes with a heat pump and an hourly meter of its own."""
    ground_source_share: float = Field(default=0.24, ge=0, le=1)
    """Share of heat pumps with the ground as source."""
    winter_mean_c: tuple[float, ...] = (3.8, 4.6, 2.8)
    """Mean outdoor temperature of the winter days of each year (1 January to 20 February, November, December)."""
    annual_heat_kwh_th: float = Field(default=22600.0, gt=0)
    """Mean useful heat of a gas home in an average year [kWh]."""
    log_spread_share: float = Field(default=0.5, gt=0)
    """Standard deviation of the logarithm of annual heat over homes."""
    volume_correlation_share: float = Field(default=0.64, ge=0, lt=1)
    """Correlation of annual heat with the volume of the building."""
    gamma_share: float = Field(default=0.105, ge=0, lt=1)
    """How much less heat the homes with heat pumps need, for the same volume."""
    spf_air: float = Field(default=2.84, gt=1)
    """Mean seasonal performance factor of air-source heat pumps."""
    spf_ground: float = Field(default=3.6, gt=1)
    """The same of ground-source heat pumps."""
    spf_log_spread_share: float = Field(default=0.14, ge=0)
    """Standard deviation of the logarithm of the SPF over homes of one source."""
    cop_slope_per_k_share: float = Field(default=0.022, ge=0)
    """Rise of the logarithm of the COP per kelvin of outdoor temperature, air source."""
    transformers_count: int = Field(default=24, ge=1)
    """Distribution transformers."""
    faults: bool = True
    """Whether the meters have the faults that real ones have, at known places."""


@dataclass(frozen=True)
class Town:
    """A synthetic town.

    Attributes:
        spec: What was asked for.
        days: Local calendar days, shape (n_days,).
        hours_utc: Hours of the period, shape (n_hours,), ``datetime64[s]``.
        temperature_c: Outdoor temperature by hour, shape (n_hours,).
        buildings: Column -> values by building (``meter``, ``volume_m3``, ``transformer``...).
        gas: Daily gas meters [m3].
        heat_pumps: Hourly heat-pump meters [kWh].
        truth: What an estimate should find.
    """

    spec: TownSpec
    days: NDArray[np.datetime64]
    hours_utc: NDArray[np.datetime64]
    temperature_c: Floats
    buildings: dict[str, NDArray[Any]]
    gas: MeterPanel
    heat_pumps: MeterPanel
    truth: dict[str, Any]


def build_town(spec: TownSpec) -> Town:
    """Return the town of a spec; equal specs give equal towns."""
    rng = np.random.default_rng([spec.seed, 0])
    days, hours, hourly_c, day_of_hour = _weather(spec, np.random.default_rng([spec.seed, 1]))
    daily_c = np.bincount(day_of_hour, hourly_c) / np.bincount(day_of_hour)
    n, m = spec.gas_meters_count, spec.heat_pumps_count
    log_v = rng.normal(0, 0.5, n + m)
    rho = spec.volume_correlation_share + 0.03
    log_q = spec.log_spread_share * (rho * log_v / 0.5 + np.sqrt(1 - rho**2) * rng.normal(size=n + m))
    annual = spec.annual_heat_kwh_th * np.exp(log_q - spec.log_spread_share**2 / 2)
    annual[n:] *= 1 - spec.gamma_share
    limit = rng.normal(15.0, 1.2, n + m)
    water = np.clip(rng.normal(0.15, 0.04, n + m), 0.03, 0.4)
    need = np.maximum(limit[:, None] - daily_c[None, :], 0)
    years = days.astype("datetime64[Y]").astype(int) + 1970
    mean_need = need.sum(axis=1) / len(spec.years)
    slope = annual * (1 - water) / mean_need
    heat = slope[:, None] * need + (annual * water / 365.25)[:, None]
    heat *= np.exp(rng.normal(-0.0072, 0.12, heat.shape))
    efficiency = np.clip(rng.normal(0.87, 0.05, n), 0.7, 0.97)
    gas = heat[:n] / efficiency[:, None] / (11.3 * 0.946)
    ground = np.arange(m) < round(m * spec.ground_source_share)
    spf = np.where(ground, spec.spf_ground, spec.spf_air) * np.exp(
        rng.normal(0, spec.spf_log_spread_share, m)
    )
    lift = np.where(ground, 0.35, 1.0) * spec.cop_slope_per_k_share
    cop = np.exp(lift[:, None] * (daily_c[None, :] - 5))
    cop *= (spf * (heat[n:] / cop).sum(axis=1) / heat[n:].sum(axis=1))[:, None]
    electricity = heat[n:] / cop
    shape = _hour_shape(rng, m, hours, day_of_hour, len(days))
    ids = [f"G{i:06d}" for i in range(n)] + [f"H{i:05d}" for i in range(m)]
    transformer = rng.integers(0, spec.transformers_count, n + m)
    buildings = {
        "meter": np.array(ids),
        "carrier": np.array(["gas"] * n + ["heat_pump"] * m),
        "volume_m3": 650 * np.exp(log_v),
        "transformer": np.array([f"T{t + 1:02d}" for t in transformer]),
        "household_kwh": 3500 * np.exp(rng.normal(-0.1, 0.45, n + m)),
        "source": np.array(["gas"] * n + ["ground" if g else "air" for g in ground]),
    }
    by_year = np.array([[heat[k, years == y].sum() for y in spec.years] for k in range(n + m)])
    used = np.array([[electricity[k, years == y].sum() for y in spec.years] for k in range(m)]).reshape(m, -1)
    truth = {
        "spf_fleet": by_year[n:].sum(axis=0) / used.sum(axis=0) if m else np.zeros(len(spec.years)),
        "heat_kwh_th": by_year,
        "electricity_kwh": used,
        "gamma_share": spec.gamma_share,
        "efficiency_share": efficiency,
    }
    return Town(
        spec=spec,
        days=days,
        hours_utc=hours,
        temperature_c=hourly_c,
        buildings=buildings,
        gas=MeterPanel(tuple(ids[:n]), days[0], DAY_MIN, gas.astype(np.float32), "m3"),
        heat_pumps=MeterPanel(
            tuple(ids[n:]), hours[0], 60, (electricity[:, day_of_hour] * shape).astype(np.float32), "kwh"
        ),
        truth=truth,
    )


def _weather(
    spec: TownSpec, rng: np.random.Generator
) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64], Floats, NDArray[np.int64]]:
    """Return local days, UTC hours, hourly temperatures and the day of each hour."""
    from varme.ground.timegrid import utc_offset_s

    first, last = (
        np.datetime64(f"{spec.years[0]}-01-01", "D"),
        np.datetime64(f"{spec.years[-1] + 1}-01-01", "D"),
    )
    days = np.arange(first, last)
    around = (first - 1).astype("datetime64[s]"), (last + 1).astype("datetime64[s]")
    span = around[0] + 3600 * np.arange(int((around[1] - around[0]).astype(int)) // 3600).astype(
        "timedelta64[s]"
    )
    local = span + utc_offset_s(span, spec.timezone).astype("timedelta64[s]")
    inside = (local >= first.astype("datetime64[s]")) & (local < last.astype("datetime64[s]"))
    hours, local = span[inside], local[inside]
    day_of_hour = (local.astype("datetime64[D]") - first).astype(np.int64)
    noise = np.zeros(len(days))
    shock = rng.normal(0, 3.6 * np.sqrt(1 - 0.75**2), len(days))
    for i in range(1, len(days)):
        noise[i] = 0.75 * noise[i - 1] + shock[i]
    day_of_year = (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(int)
    daily = 10.2 - 9.0 * np.cos(2 * np.pi * (day_of_year - 17) / 365.25) + noise
    for year, wanted in zip(spec.years, spec.winter_mean_c, strict=True):
        mine = days.astype("datetime64[Y]").astype(int) + 1970 == year
        winter = mine & ((day_of_year <= 50) | (day_of_year >= 304))
        daily[winter] += wanted - daily[winter].mean()
    hour = (local - local.astype("datetime64[D]")).astype("timedelta64[h]").astype(int)
    swing = 2.0 + 2.2 * np.sin(np.pi * day_of_year / 365.25)
    wave = np.cos(2 * np.pi * (np.arange(24) - 15) / 24)
    return days, hours, daily[day_of_hour] + swing[day_of_hour] * wave[hour], day_of_hour


def _hour_shape(
    rng: np.random.Generator,
    m: int,
    hours: NDArray[np.datetime64],
    day_of_hour: NDArray[np.int64],
    n_days: int,
) -> Floats:
    """Return each hour's share of its day, shape (m, n_hours)."""
    raw = rng.gamma(2.0, 1.0, (m, len(hours)))
    total = np.zeros((m, n_days))
    for k in range(m):
        total[k] = np.bincount(day_of_hour, raw[k], minlength=n_days)
    return np.asarray(raw / total[:, day_of_hour], dtype=float)
