"""From a row of the fleet to a plant and its state: the typical home with some fields replaced.

Each home is resolved by :func:`varme.home.case.load_case`, the same function that resolves a single home, so a device
means the same in both; series that homes share are read once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from varme.components.battery import Battery
from varme.components.electric_vehicle import ElectricVehicle
from varme.components.grid_connection import GridConnection
from varme.components.home_heat_pump import HomeHeatPump, PointSpec, performance
from varme.components.hot_water_tank import HotWaterTank
from varme.components.house import House
from varme.components.photovoltaics import Photovoltaics
from varme.ground.context import Context
from varme.ground.size import largest
from varme.ground.spec import Spec, parse
from varme.home.case import load_case, state_of
from varme.home.fleet.spec import FleetStudy
from varme.home.plant import Plant, State
from varme.home.spec import StateSpec
from varme.kernel.model import Floats

#: Sections of a home study that a fleet's homes may differ in, and the field that is 0 for a device that is not there.
SECTIONS: dict[str, tuple[type[Spec], str]] = {
    "house": (House, "heat_loss_w_per_k"),
    "heat_pump": (HomeHeatPump, "rated_kw"),
    "hot_water": (HotWaterTank, "volume_l"),
    "battery": (Battery, "capacity_kwh"),
    "photovoltaics": (Photovoltaics, "peak_kwp"),
    "vehicles": (ElectricVehicle, "capacity_kwh"),
    "grid": (GridConnection, ""),
    "state": (StateSpec, ""),
}
#: Sections that hold a list; a fleet's columns replace fields of its first element.
LISTS = ("photovoltaics", "vehicles")
#: Data-sheet points (source, flow) at which a machine of another quality is stated [C].
QUALITY_POINTS = ((-7.0, 34.0), (7.0, 27.0))


@dataclass(eq=False)
class Typical:
    """The typical home, its context, and what was read for it.

    Attributes:
        study: The fleet's study.
        context: Where its files are.
        memory: Series read so far (see :func:`varme.home.case.load_case`).
        machines: Data-sheet points by quality.
    """

    study: FleetStudy
    context: Context
    memory: dict[str, Any] = field(default_factory=dict)
    machines: dict[float, list[PointSpec]] = field(default_factory=dict)


def compiled_home(typical: Typical, row: dict[str, Any]) -> tuple[Plant, State]:
    """Return a home of the fleet and its state at the start.

    Args:
        typical: The typical home.
        row: What differs: ``section.field`` -> value, and the fleet's own columns.

    Raises:
        InputError: with every problem of this home.
    """
    study = differing(typical, row)
    plant = load_case(study, typical.context, typical.memory).plant
    state = state_of(study.state, study, plant)
    return varied(plant, row), state


def differing(typical: Typical, row: dict[str, Any]) -> FleetStudy:
    """Return the study of one home."""
    study = typical.study
    parts: dict[str, dict[str, Any]] = {}
    for name, value in row.items():
        section, _, name_of_field = name.partition(".")
        if name_of_field:
            parts.setdefault(section, {})[name_of_field] = value
    quality = row.get("pump_quality_ratio")
    if quality is not None and quality != 1.0 and study.heat_pump is not None:
        parts.setdefault("heat_pump", {})["points"] = _points(typical, float(quality))
    update: dict[str, Any] = {}
    for section, values in parts.items():
        old = getattr(study, section)
        first = (old[0] if old else None) if section in LISTS else old
        new = _section(section, first, dict(values))
        update[section] = ([] if new is None else [new, *old[1:]]) if section in LISTS else new
    return study.model_copy(update=update)


def _section(section: str, old: Spec | None, values: dict[str, Any]) -> Spec | None:
    """Return a section with some of its fields replaced; ``None`` if its device is not there.

    Raises:
        InputError: with every problem of the section.
    """
    kind, size = SECTIONS[section]
    if size and size in values and values[size] <= 0:
        return None
    if old is None and size and size not in values:
        return None
    trip = {k: values.pop(k) for k in ("leave_h", "return_h", "trip_energy_kwh") if k in values}
    kept = {} if old is None else {name: getattr(old, name) for name in old.model_fields_set}
    if trip and section == "vehicles":
        changed = {("energy_kwh" if k == "trip_energy_kwh" else k): v for k, v in trip.items()}
        trips = (old if isinstance(old, ElectricVehicle) else ElectricVehicle()).trips
        kept["trips"] = [parse(type(t), _given(t) | changed, "vehicles.trips") for t in trips]
    return parse(kind, kept | values, section)


def _given(spec: Spec) -> dict[str, Any]:
    return {name: getattr(spec, name) for name in spec.model_fields_set}


def _points(typical: Typical, quality: float) -> list[PointSpec]:
    """Return the data-sheet points of a machine whose COP is so much better than the typical home's."""
    key = round(quality, 6)
    if key not in typical.machines:
        pump = typical.study.heat_pump
        assert pump is not None
        machine = performance(pump, largest(pump.rated_kw))

        def cop(source: float, flow: float) -> float:
            value = quality * float(machine.cop(np.array([source]), np.array([flow]), 1.0)[0])
            return float(np.clip(value, 1.05, 11.9))

        typical.machines[key] = [
            PointSpec(source_c=source, flow_c=flow, point_cop=cop(source, flow))
            for source, flow in QUALITY_POINTS
        ]
    return typical.machines[key]


def varied(plant: Plant, row: dict[str, Any]) -> Plant:
    """Return a home whose load, draws and comfort differ from the typical home's as its row says."""
    grid = plant.seen.grid
    shift = round(float(row.get("shift_h", 0.0)) / grid.step_h)
    seed = row.get("noise_seed")
    rng = None if seed is None else np.random.default_rng([int(seed), 77])
    spread = float(row.get("noise_share", 0.4))
    load = _scattered(plant.grid.load_kw, float(row.get("load_ratio", 1.0)), shift, rng, spread)
    plant = replace(plant, grid=replace(plant.grid, load_kw=load))
    if plant.tank is not None:
        draw = _scattered(plant.tank.draw_kw, float(row.get("draw_ratio", 1.0)), shift, rng, 2 * spread)
        plant = replace(plant, tank=replace(plant.tank, draw_kw=draw))
    warmer = float(row.get("comfort_shift_k", 0.0))
    if plant.house is not None and warmer:
        house = plant.house
        plant = replace(plant, house=replace(house, low_c=house.low_c + warmer, high_c=house.high_c + warmer))
    return plant


def _scattered(
    values: Floats, ratio: float, shift: int, rng: np.random.Generator | None, spread: float
) -> Floats:
    """Return a series times a ratio, shifted round the horizon, with its steps scattered and its energy kept."""
    out = np.roll(values, shift)
    if rng is not None and spread > 0:
        out = out * np.exp(spread * rng.normal(size=len(out)))
        total = float(out.sum())
        out = out * (float(values.sum()) / total) if total > 0 else out
    return np.asarray(ratio * out)
