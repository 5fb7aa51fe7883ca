"""A seeded synthetic town: buildings, furnaces, heat pumps, weather and meters, with the truth known.

The marginals are those of the town of Bayer & Pruckner 2023 ("Modeling of annual and daily electricity demand of
retrofitted heat pumps based on gas smart meter data"): about 1,400 daily gas meters, 73 hourly heat-pump meters, 2019
to 2021, 76 % air and 24 % ground source, correlation of heat with volume 0.63 to 0.65, winter means 3.8, 4.6 and 2.8 C.
The spread of heat over homes is that of 379 British authorities 2015-2021 (DESNZ): log spread 0.44-0.52, median 0.48.
What is assumed is said at each figure; how it is made: ``docs/explanation/synthetic-town.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.data.meters.panel import DAY_MIN, MeterPanel
from varme.data.synthetic.fault_bench import FaultSpec
from varme.data.synthetic.fault_kinds import kinds_alone
from varme.data.synthetic.faults import Fault, inject
from varme.data.synthetic.town_hours import hidden_by_sun, hourly_electricity
from varme.data.synthetic.town_spec import TownSpec
from varme.data.synthetic.town_truth import (
    TownParts,
    retrofitted_hours,
    sums_by_year,
    town_parts,
    town_truth,
    year_index,
)
from varme.data.synthetic.town_weather import TownWeather

Floats = NDArray[np.float64]

#: Kinds of faults that change what is used, not what is read.
BEHAVIOUR = frozenset({"vacancy", "multi_family", "cooking_only"})

__all__ = ["Town", "TownSpec", "build_town", "retrofitted_hours"]


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
        transformers: Column -> values by transformer (``rating_kva``, ``feeder``...).
        calorific: Column -> values: ``zone``, ``month`` (YYYY-MM), ``calorific_kwh_hs_per_m3``.
    """

    spec: TownSpec
    days: NDArray[np.datetime64]
    hours_utc: NDArray[np.datetime64]
    temperature_c: Floats
    buildings: dict[str, NDArray[Any]]
    gas: MeterPanel
    heat_pumps: MeterPanel
    truth: dict[str, Any]
    transformers: dict[str, NDArray[Any]] = field(default_factory=dict)
    calorific: dict[str, NDArray[Any]] = field(default_factory=dict)


def build_town(spec: TownSpec) -> Town:
    """Return the town of a spec; equal specs give equal towns."""
    parts = town_parts(spec)
    n, weather, pumps = spec.gas_meters_count, parts.weather, parts.pumps
    rng = np.random.default_rng([spec.seed, 4])
    daily = parts.pump_days.metered(pumps.boundary) * parts.by_year.astype(np.float32)[year_index(parts)]
    hourly = hourly_electricity(spec, rng, pumps, parts.pump_days, weather, daily)
    hourly *= _as_metered(parts, hourly, daily)[:, weather.day_of_hour]
    calorific, by_day = _calorific(spec, weather)
    gas = _gas(parts, by_day)
    ids = parts.homes.columns["meter"].tolist()
    gas_panel = MeterPanel(tuple(ids[:n]), weather.days[0], DAY_MIN, gas, "m3")
    seen = hidden_by_sun(pumps, weather, hourly)
    pump_panel = MeterPanel(tuple(ids[n:]), weather.hours_utc[0], 60, seen, "kwh")
    truth = town_truth(parts, hourly)
    if spec.faults:
        gas_panel, gas_faults = _with_faults(spec, gas_panel, 9)
        pump_panel, pump_faults = _with_faults(spec, pump_panel, 10)
        truth["faults"] = gas_faults + pump_faults
    buildings = parts.homes.columns | {
        "source": np.array([""] * n + ["ground" if g else "air" for g in pumps.ground]),
        "boundary": np.array([""] * n + [f"H{b}" for b in pumps.boundary]),
        "pv": np.concatenate([np.zeros(n, dtype=bool), pumps.pv]),
    }
    return Town(
        spec=spec,
        days=weather.days,
        hours_utc=weather.hours_utc,
        temperature_c=weather.hourly_c,
        buildings=buildings,
        gas=gas_panel,
        heat_pumps=pump_panel,
        truth=truth,
        transformers=parts.homes.transformers,
        calorific=calorific,
    )


def _with_faults(spec: TownSpec, panel: MeterPanel, stream: int) -> tuple[MeterPanel, tuple[Fault, ...]]:
    """Return a panel with faults of measuring, of single meters; those of behaviour would change the truth."""
    if not panel.meters:
        return panel, ()
    kinds = [kind for kind in kinds_alone(panel) if kind not in BEHAVIOUR]
    faults = FaultSpec(share=spec.fault_share, kinds=kinds, timezone=spec.timezone)
    done = inject(panel, np.random.default_rng([spec.seed, stream]), faults)
    return done.panel, done.faults


def _as_metered(
    parts: TownParts, hourly: NDArray[np.float32], daily: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the factor that gives each year's hours the energy of the year, shape (pumps, days)."""
    by_day = np.add.reduceat(hourly, parts.weather.edges, axis=1, dtype=np.float64)
    factor = sums_by_year(parts, daily) / np.maximum(sums_by_year(parts, by_day), 1e-9)
    return factor.astype(np.float32)[:, year_index(parts)]


def _calorific(spec: TownSpec, weather: TownWeather) -> tuple[dict[str, NDArray[Any]], Floats]:
    """Return the table of calorific values by zone and month, and the values by zone and day."""
    rng = np.random.default_rng([spec.seed, 5])
    months = int(weather.month[-1]) + 1
    common = rng.normal(size=months)
    own = rng.normal(size=(spec.zones_count, months))
    values = spec.calorific_kwh_hs_per_m3 * (
        1 + spec.calorific_swing_share * (0.8 * common + 0.6 * own).clip(-3, 3)
    )
    values = np.round(values, 3)
    names = (weather.days[0].astype("datetime64[M]") + np.arange(months)).astype(str)
    table = {
        "zone": np.repeat([f"Z{k + 1}" for k in range(spec.zones_count)], months),
        "month": np.tile(names, spec.zones_count),
        "calorific_kwh_hs_per_m3": values.ravel(),
    }
    return table, values[:, weather.month]


def _gas(parts: TownParts, calorific: Floats) -> NDArray[np.float32]:
    """Return what the gas meters count by day [m3], in steps of their registers, shape (gas homes, days)."""
    spec, heat, homes = parts.spec, parts.heat, parts.homes
    n, rng = spec.gas_meters_count, np.random.default_rng([spec.seed, 6])
    water = heat.water[:n].copy()
    solar, cooks = (homes.columns[name][:n] for name in ("solar_thermal", "gas_cooking"))
    doy = (parts.weather.days - parts.weather.days.astype("datetime64[Y]").astype("datetime64[D]")).astype(
        int
    )
    bright = np.clip(1.3 * np.sin(np.pi * (doy - 75) / 215), 0, 1)
    water[solar] *= (1 - bright).astype(np.float32)
    hs = (heat.space[:n] + water) / homes.efficiency_share.astype(np.float32)[:, None]
    count = int(cooks.sum())
    hs[cooks] += (rng.gamma(2.0, 0.6, (count, 1)) * rng.gamma(3.0, 1 / 3, (count, hs.shape[1]))).astype(
        np.float32
    )
    volume = hs / (spec.z_share * calorific[homes.zone[:n]]).astype(np.float32)
    register = np.cumsum(volume, axis=1, dtype=np.float64)
    register /= spec.resolution_m3
    register += rng.random(n)[:, None]
    ticks = np.diff(np.floor(register, out=register), axis=1, prepend=0.0)
    return (ticks * spec.resolution_m3).astype(np.float32)
