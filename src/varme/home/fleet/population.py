"""The homes of a fleet as columns: drawn from a seeded population, or read from a file.

A column is named like the field of a home study that it replaces (``house.heat_loss_w_per_k``,
``battery.capacity_kwh``); NaN leaves the typical home's value. A size of 0 removes the device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.ground.size import largest
from varme.home.fleet.spec import FleetStudy, PopulationSpec, SpreadSpec
from varme.kernel.model import Floats

#: Columns that are no fields of a home study: what they mean.
OWN_COLUMNS = {
    "load_ratio": "the household's load over the typical home's",
    "draw_ratio": "draws of hot water over the typical home's",
    "shift_h": "by how much load and draws come later than in the typical home [h]",
    "noise_seed": "seed of the differences in load and draws from step to step; none without one",
    "vehicles.trip_energy_kwh": "electricity of each trip",
    "vehicles.leave_h": "hour of departure",
    "vehicles.return_h": "hour of return",
    "age": "age of the building (a text for tables)",
    "floor_area_m2": "heated floor area (for tables)",
    "persons_count": "persons (for tables)",
    "comfort_shift_k": "by how much the comfort band lies above the typical home's",
    "pump_quality_ratio": "COP over that of the typical home's machine",
}


@dataclass(frozen=True, eq=False)
class Homes:
    """Homes as columns.

    Attributes:
        names: Name of each home.
        columns: Column -> values, shape (homes,): floats (NaN = as the typical home) or objects (texts, ``None``).
    """

    names: list[str]
    columns: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.names)

    def row(self, index: int) -> dict[str, Any]:
        """Return what differs from the typical home."""
        out: dict[str, Any] = {}
        for name, values in self.columns.items():
            value = values[index]
            if value is None or (isinstance(value, (float, np.floating)) and np.isnan(value)):
                continue
            out[name] = value.item() if isinstance(value, np.generic) else value
        return out

    def part(self, index: NDArray[np.int64]) -> Homes:
        """Return some of the homes."""
        return Homes([self.names[i] for i in index], {k: v[index] for k, v in self.columns.items()})


def drawn_homes(study: FleetStudy, population: PopulationSpec) -> Homes:
    """Draw a population about the typical home. Pure: equal studies give equal homes.

    Each property has its own stream of random numbers, so a change of one leaves the others as they were, and the first
    homes of a larger population are those of a smaller one.
    """
    n = population.homes_count
    draw = _Draw(population.seed, n)
    columns: dict[str, NDArray[Any]] = {}
    persons = 1 + draw.choice("persons", population.persons_share)
    columns["persons_count"] = persons.astype(float)
    _houses(study, population, draw, columns)
    _water(study, population, draw, columns, persons)
    extra = 1 + 0.15 * (persons - population.typical_persons_count)
    columns["load_ratio"] = draw.spread("load", population.load_ratio) * np.maximum(extra, 0.5)
    columns["shift_h"] = draw.normal("shift") * population.shift_h
    if population.noise_share > 0:
        columns["noise_seed"] = (population.seed * 1_000_003 + np.arange(n)).astype(float)
    _electric(study, population, draw, columns)
    _states(study, population, draw, columns)
    return Homes([f"home {i + 1}" for i in range(n)], columns)


class _Draw:
    """Random numbers by property."""

    def __init__(self, seed: int, n: int) -> None:
        self.seed, self.n = seed, n

    def _rng(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, *name.encode()])

    def normal(self, name: str) -> Floats:
        return self._rng(name).normal(size=self.n)

    def uniform(self, name: str) -> Floats:
        return self._rng(name).uniform(size=self.n)

    def choice(self, name: str, shares: list[float]) -> NDArray[np.int64]:
        edges = np.cumsum(np.asarray(shares) / np.sum(shares))
        return np.minimum(np.searchsorted(edges, self.uniform(name), side="right"), len(shares) - 1)

    def spread(self, name: str, spec: SpreadSpec) -> Floats:
        values = spec.median * np.exp(spec.spread_share * self.normal(name))
        return np.asarray(np.clip(values, spec.min, spec.max))


def _houses(study: FleetStudy, spec: PopulationSpec, draw: _Draw, columns: dict[str, NDArray[Any]]) -> None:
    """House and heat pump: the machine follows from the heat loss at the design temperature."""
    if study.house is None:
        return
    ages = draw.choice("age", [a.homes_share for a in spec.ages])
    area = draw.spread("area", spec.floor_area_m2)
    loss = area / 100 * np.array([a.loss_100_m2_w_per_k for a in spec.ages])[ages]
    flow = np.array([a.design_flow_c for a in spec.ages])[ages]
    floor = np.array([a.emitter == "floor" for a in spec.ages])[ages]
    columns["age"] = np.array([a.name for a in spec.ages], dtype=object)[ages]
    columns["floor_area_m2"] = np.round(area, 1)
    columns["house.heat_loss_w_per_k"] = np.round(loss, 1)
    capacity = area / 100 * draw.spread("capacity", spec.capacity_100_m2_kwh_per_k)
    columns["house.capacity_kwh_per_k"] = np.round(capacity, 2)
    columns["house.solar_aperture_m2"] = np.round(study.house.solar_aperture_m2 * area / 130.0, 2)
    columns["house.emitter"] = np.where(floor, "floor", "radiator").astype(object)
    columns["house.design_flow_c"] = flow
    columns["house.design_return_c"] = flow - np.where(floor, 5.0, 10.0)
    columns["comfort_shift_k"] = np.round(spec.comfort_spread_k * np.clip(draw.normal("comfort"), -2, 2), 1)
    if study.heat_pump is None:
        return
    need = loss / 1e3 * (20.0 - study.house.design_outdoor_c) * draw.spread("sizing", spec.pump_sizing_ratio)
    step = spec.pump_step_kw
    columns["heat_pump.rated_kw"] = np.maximum(np.ceil(need / step) * step, 3.0)
    quality = draw.spread("quality", spec.pump_quality_ratio)
    columns["pump_quality_ratio"] = np.round(quality / 0.04) * 0.04


def _water(
    study: FleetStudy,
    spec: PopulationSpec,
    draw: _Draw,
    columns: dict[str, NDArray[Any]],
    persons: NDArray[np.int64],
) -> None:
    if study.hot_water is None:
        return
    volume = persons * draw.spread("tank", spec.tank_per_person_l)
    columns["hot_water.volume_l"] = np.maximum(np.round(volume, -1), 100.0)
    columns["draw_ratio"] = persons / spec.typical_persons_count * draw.spread("draws", spec.draw_ratio)


def _electric(study: FleetStudy, spec: PopulationSpec, draw: _Draw, columns: dict[str, NDArray[Any]]) -> None:
    """PV, battery and vehicle: a size of 0 where a home has none."""
    pv = draw.uniform("has pv") < spec.photovoltaics_share
    columns["photovoltaics.peak_kwp"] = np.where(pv, np.round(draw.spread("pv", spec.peak_kwp), 1), 0.0)
    columns["photovoltaics.azimuth_deg"] = np.array([90.0, 135.0, 180.0, 225.0, 270.0])[
        draw.choice("azimuth", [0.15, 0.2, 0.3, 0.2, 0.15])
    ]
    battery = pv & (draw.uniform("has battery") < spec.battery_share)
    kwh = np.round(draw.spread("battery", spec.battery_kwh), 1)
    columns["battery.capacity_kwh"] = np.where(battery, kwh, 0.0)
    columns["battery.power_kw"] = np.round(np.clip(kwh / 2, 2.0, 10.0), 1)
    vehicle = draw.uniform("has vehicle") < spec.vehicle_share
    columns["vehicles.capacity_kwh"] = np.where(
        vehicle, np.round(draw.spread("vehicle", spec.vehicle_kwh), 0), 0.0
    )
    columns["vehicles.trip_energy_kwh"] = np.round(draw.spread("trip", spec.trip_kwh), 1)
    trip = study.vehicles[0].trips[0] if study.vehicles and study.vehicles[0].trips else None
    leave, back = (trip.leave_h, trip.return_h) if trip is not None else (7.5, 17.0)
    leaves = np.clip(leave + spec.leave_spread_h * draw.normal("leave"), 4.0, 12.0)
    returns = np.clip(back + spec.leave_spread_h * draw.normal("return"), leaves + 1.0, 23.5)
    columns["vehicles.leave_h"], columns["vehicles.return_h"] = np.round(leaves, 2), np.round(returns, 2)


def _states(study: FleetStudy, spec: PopulationSpec, draw: _Draw, columns: dict[str, NDArray[Any]]) -> None:
    """States at the start: near the typical home's."""
    share, state = spec.state_spread_share, study.state
    columns["state.room_c"] = state.room_c + share * (draw.uniform("room") - 0.5)
    columns["state.tank_c"] = state.tank_c + share * 6.0 * (draw.uniform("tank state") - 0.5)
    for name, typical in (("battery_share", state.battery_share), ("vehicle_share", state.vehicle_share)):
        other = np.clip(typical + 0.5 * (draw.uniform(name) - 0.5), 0.05, 0.95)
        columns[f"state.{name}"] = (1 - share) * typical + share * other
    if "comfort_shift_k" in columns:
        columns["state.room_c"] = columns["state.room_c"] + columns["comfort_shift_k"]


def sizes_of(study: FleetStudy) -> dict[str, float]:
    """Return the sizes of the typical home's devices, for tables; 0 for a device that it lacks."""
    return {
        "heat_pump.rated_kw": largest(study.heat_pump.rated_kw) if study.heat_pump else 0.0,
        "hot_water.volume_l": study.hot_water.volume_l if study.hot_water else 0.0,
        "battery.capacity_kwh": largest(study.battery.capacity_kwh) if study.battery else 0.0,
        "photovoltaics.peak_kwp": sum(largest(p.peak_kwp) for p in study.photovoltaics),
        "vehicles.capacity_kwh": sum(v.capacity_kwh for v in study.vehicles),
        "house.heat_loss_w_per_k": study.house.heat_loss_w_per_k if study.house else 0.0,
    }
