"""The truth of a synthetic town: heat, SPF, COP over temperature, and the town with every gas home retrofitted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.data.synthetic.town_buildings import Homes, town_homes
from varme.data.synthetic.town_heat import DailyHeat, daily_heat
from varme.data.synthetic.town_hours import hourly_electricity
from varme.data.synthetic.town_pumps import DESIGN_C, PumpDays, Pumps, draw_pumps, electricity
from varme.data.synthetic.town_spec import TownSpec
from varme.data.synthetic.town_weather import TownWeather, town_weather

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TownParts:
    """What the truth is made of."""

    spec: TownSpec
    weather: TownWeather
    homes: Homes
    heat: DailyHeat
    pumps: Pumps
    pump_days: PumpDays
    by_year: Floats
    """Factor on the electricity of each year, shape (years,)."""


def town_parts(spec: TownSpec) -> TownParts:
    """Return the weather, the homes, their heat and the heat pumps of a town."""
    weather, homes = town_weather(spec), town_homes(spec)
    heat = daily_heat(spec, homes, weather)
    n = spec.gas_meters_count
    pumps = draw_pumps(spec, np.random.default_rng([spec.seed, 3]), homes.log_heat[n:])
    pump_days = electricity(spec, pumps, weather, heat.space[n:], heat.water[n:], _design(heat)[n:])
    parts = TownParts(spec, weather, homes, heat, pumps, pump_days, np.ones(len(spec.years)))
    if spec.b_by_year_ratio is None or not spec.heat_pumps_count:
        return parts
    delivered = sums_by_year(parts, heat.space[n:] + heat.water[n:]).sum(axis=0)
    used = sums_by_year(parts, pump_days.metered(pumps.boundary)).sum(axis=0)
    wanted = np.asarray(spec.b_by_year_ratio) * (1 - spec.gamma_share)
    return replace(parts, by_year=delivered / used / wanted)


def year_index(parts: TownParts) -> NDArray[np.int64]:
    """Return the number of the year of each day, shape (days,)."""
    return parts.weather.year - parts.spec.years[0]


def _design(heat: DailyHeat) -> Floats:
    """Return the heat of the design day, shape (homes,)."""
    return np.asarray(
        heat.slope * (heat.limit_c - DESIGN_C) + heat.water.mean(axis=1, dtype=float), dtype=float
    )


def sums_by_year(parts: TownParts, daily: NDArray[np.floating[Any]]) -> Floats:
    """Return sums by year, shape (rows, years)."""
    first = np.searchsorted(parts.weather.year, parts.spec.years)
    return np.asarray(np.add.reduceat(daily, first, axis=1, dtype=np.float64))


def town_truth(parts: TownParts, hourly: NDArray[np.float32]) -> dict[str, Any]:
    """Return what an estimate should find; see ``docs/explanation/synthetic-town.md`` for every key."""
    spec, heat, weather, n = parts.spec, parts.heat, parts.weather, parts.spec.gas_meters_count
    pump_day = np.add.reduceat(hourly, weather.edges, axis=1, dtype=np.float64)
    pump_heat = heat.space[n:] + heat.water[n:]
    delivered, used = sums_by_year(parts, pump_heat), sums_by_year(parts, pump_day)
    each = delivered / np.maximum(used, 1e-9)
    by_home = np.concatenate([sums_by_year(parts, heat.space[:n] + heat.water[:n]), delivered])
    retrofit = _retrofitted(parts)
    truth: dict[str, Any] = {
        "heat_kwh_th": by_home,
        "electricity_kwh": used,
        "spf_by_home": each,
        "gamma_share": spec.gamma_share,
        "efficiency_share": parts.homes.efficiency_share,
        "limit_c": heat.limit_c,
        "slope_kwh_th_per_k_day": heat.slope,
        "water_kwh_th_per_day": heat.water.mean(axis=1, dtype=float),
        "water_share": heat.water_share,
        "fleet_heat_day_kwh_th": pump_heat.sum(axis=0, dtype=float),
        "fleet_day_kwh": pump_day.sum(axis=0),
        "faults": (),
    }
    empty = np.full(len(spec.years), np.nan)
    some = spec.heat_pumps_count > 0
    truth["spf_fleet"] = delivered.sum(axis=0) / used.sum(axis=0) if some else empty
    truth["spf_arithmetic"] = each.mean(axis=0) if some else empty
    truth["spf_geometric"] = np.exp(np.log(np.maximum(each, 1e-9)).mean(axis=0)) if some else empty
    truth["b_ratio"] = truth["spf_fleet"] / (1 - spec.gamma_share)
    compressor = (parts.pump_days.space + parts.pump_days.backup).sum(axis=0, dtype=float)
    space = heat.space[n:].sum(axis=0, dtype=float)
    if some:
        truth["cop_slope_share_per_k"] = _slope(
            weather.daily_c, truth["fleet_heat_day_kwh_th"], truth["fleet_day_kwh"]
        )
        truth["cop_slope_space_share_per_k"] = _slope(weather.daily_c, space, compressor)
    return truth | retrofit


def _slope(temperature_c: Floats, heat: Floats, electricity: Floats) -> float:
    """Return the rise of log COP per kelvin over days below 12 C, NaN with fewer than three."""
    cold = (temperature_c < 12) & (heat > 0) & (electricity > 0)
    if cold.sum() < 3:
        return float("nan")
    return float(np.polyfit(temperature_c[cold], np.log(heat[cold] / electricity[cold]), 1)[0])


def _retrofit_days(parts: TownParts) -> tuple[Pumps, PumpDays]:
    """Return the heat pumps that all gas homes get: of the town's kind, for (1 - gamma) of their heat."""
    spec, heat, n = parts.spec, parts.heat, parts.spec.gas_meters_count
    pumps = draw_pumps(spec, np.random.default_rng([spec.seed, 7]), parts.homes.log_heat[:n])
    less = np.float32(1 - spec.gamma_share)
    days = electricity(
        spec,
        pumps,
        parts.weather,
        heat.space[:n] * less,
        heat.water[:n] * less,
        _design(heat)[:n] * float(less),
    )
    return pumps, days


def _retrofitted(parts: TownParts) -> dict[str, Any]:
    """Return the electricity of the fully retrofitted town by day, by transformer and day, and its peak day."""
    spec = parts.spec
    _, days = _retrofit_days(parts)
    daily = days.h3 * parts.by_year.astype(np.float32)[year_index(parts)]
    group = parts.homes.transformer[: spec.gas_meters_count]
    member = np.zeros((spec.transformers_count, len(group)), dtype=np.float32)
    member[group, np.arange(len(group))] = 1
    by_transformer = (member @ daily).astype(np.float64)
    total = daily.sum(axis=0, dtype=np.float64)
    return {
        "retrofit_day_kwh": total,
        "retrofit_transformer_day_kwh": by_transformer,
        "retrofit_year_kwh": sums_by_year(parts, total[None, :])[0],
        "retrofit_home_kwh": sums_by_year(parts, daily),
        "retrofit_peak_day": int(total.argmax()),
        "retrofit_peak_day_kwh": float(total.max()),
    }


def retrofitted_hours(spec: TownSpec, block: int = 200) -> Floats:
    """Return the true electricity of the fully retrofitted town by transformer and hour [kWh].

    Every gas home has a heat pump of the town's kind that runs as those of the town do, so the peaks have real
    simultaneity. Takes about 4 s of CPU for 1,400 homes and three years; memory is that of one block.

    Args:
        spec: The town.
        block: Homes at a time.

    Returns:
        Shape (transformers, hours).
    """
    parts = town_parts(spec)
    pumps, days = _retrofit_days(parts)
    daily = days.h3 * parts.by_year.astype(np.float32)[year_index(parts)]
    out = np.zeros((spec.transformers_count, len(parts.weather.hours_utc)))
    group = parts.homes.transformer
    for first in range(0, spec.gas_meters_count, block):
        rows = slice(first, min(first + block, spec.gas_meters_count))
        some = Pumps(**{k: getattr(pumps, k)[rows] for k in Pumps.__dataclass_fields__})
        part = PumpDays(**{k: getattr(days, k)[rows] for k in PumpDays.__dataclass_fields__})
        rng = np.random.default_rng([spec.seed, 8, first])
        hourly = hourly_electricity(spec, rng, some, part, parts.weather, daily[rows])
        member = np.zeros((spec.transformers_count, hourly.shape[0]), dtype=np.float32)
        member[group[rows], np.arange(hourly.shape[0])] = 1
        out += member @ hourly
    return out
