"""What no plan could mend: wishes that contradict each other, demand without a supplier, limits below the load.

Everything is looked for before anything is planned, and told at once.
"""

from __future__ import annotations

import numpy as np

from varme.components.electric_vehicle import VehicleNumbers, unreachable_findings
from varme.ground.errors import Collector
from varme.ground.findings import Finding
from varme.ground.size import largest
from varme.home.plant import Plant
from varme.home.spec import HomeFields, StateSpec


def check_home(study: HomeFields, plant: Plant, problems: Collector) -> None:
    """Look for contradictions in a home, and collect them.

    Args:
        study: The study.
        plant: The home as numbers.
        problems: Takes what makes a plan impossible.
    """
    _comfort(plant, problems)
    _heaters(study, plant, problems)
    _connection(plant, problems)
    for position, vehicle in enumerate(plant.vehicles):
        _vehicle(vehicle, position, plant, problems)
    _names(study, problems)


def check_pump(study: HomeFields, problems: Collector) -> None:
    """Refuse a heat pump that has nothing to heat, or no size, before its numbers are made."""
    pump = study.heat_pump
    if pump is None:
        return
    if study.house is None and study.hot_water is None:
        problems.add(
            "P190", "heat_pump", "has nothing to heat",
            remedy="Add [house] or [hot_water], or leave [heat_pump] out.",
        )  # fmt: skip
    if largest(pump.rated_kw) <= 0.0:
        problems.add(
            "P101", "heat_pump.rated_kw", "a heat pump of no size", value=largest(pump.rated_kw), limit="> 0",
            remedy="State its heat at full load, or leave [heat_pump] out and add [second_heater].",
        )  # fmt: skip


def check_state(state: StateSpec, plant: Plant, problems: Collector) -> list[Finding]:
    """Check the state at the start against the home; a start outside a comfort band is told, not refused."""
    findings = []
    if plant.house is not None:
        low, high = float(plant.house.low_c[0]), float(plant.house.high_c[0])
        if not 0.0 <= state.room_c <= 45.0:
            problems.add(
                "P101", "state.room_c", "no house is so warm or cold", value=state.room_c, limit="0 to 45 C"
            )
        elif not low <= state.room_c <= high:
            text = (
                f"The room starts at {state.room_c:g} C, outside its comfort band of {low:g} to {high:g} C."
            )
            findings.append(
                Finding("start_outside_band", "note", "state.room_c", text, {"room_c": state.room_c})
            )
    if plant.tank is not None:
        low, high = float(np.min(plant.tank.low_c)), float(np.max(plant.tank.high_c))
        if not 0.0 < state.tank_c <= 95.0:
            problems.add(
                "P101", "state.tank_c", "no tank is so warm or cold", value=state.tank_c, limit="0 to 95 C"
            )
        elif not low <= state.tank_c <= high:
            text = f"The tank starts at {state.tank_c:g} C, outside its band of {low:g} to {high:g} C."
            findings.append(
                Finding("start_outside_band", "note", "state.tank_c", text, {"tank_c": state.tank_c})
            )
    for number, vehicle in enumerate(plant.vehicles):
        level = state.vehicle_share * vehicle.capacity_kwh
        findings += unreachable_findings(vehicle, level, plant.seen, f"vehicles[{number}]")
    if plant.buffer is not None and not 0.0 < state.buffer_c <= 95.0:
        problems.add(
            "P101", "state.buffer_c", "no tank is so warm or cold", value=state.buffer_c, limit="0 to 95 C"
        )
    if state.compressor != "off" and (
        plant.heat_pump is None or state.compressor not in plant.heat_pump.modes
    ):
        modes = ", ".join(plant.heat_pump.modes) if plant.heat_pump is not None else "no heat pump"
        problems.add(
            "P190", "state.compressor", "the home has no such mode", value=state.compressor, limit=modes
        )
    return findings


def _comfort(plant: Plant, problems: Collector) -> None:
    house = plant.house
    if house is None:
        return
    crossed = np.flatnonzero(house.low_c > house.high_c)
    if crossed.size:
        step = int(crossed[0])
        problems.add(
            "P190", "house.temperature_min_c",
            f"is above temperature_max_c in {crossed.size} steps, first at {_label(plant, step)}",
            value=f"{house.low_c[step]:g} C", limit=f"<= {house.high_c[step]:g} C",
            remedy="A comfort band needs its lower end below its upper end.",
        )  # fmt: skip


def _heaters(study: HomeFields, plant: Plant, problems: Collector) -> None:
    """Refuse a house or a tank that nothing heats."""
    heats = plant.heat_pump is not None or getattr(plant, "second_heater", None) is not None
    for there, field, what in (
        (study.house is not None, "house", "the house"),
        (study.hot_water is not None, "hot_water", "the hot-water tank"),
    ):
        if there and not heats:
            problems.add(
                "P190", field, f"nothing heats {what}",
                remedy=f"Add [heat_pump] or [second_heater], or leave [{field}] out.",
            )  # fmt: skip


def _connection(plant: Plant, problems: Collector) -> None:
    """Refuse a connection that cannot carry the household alone, whatever is planned."""
    grid = plant.grid
    help_kw = 0.0 if plant.battery is None else plant.battery.power_kw
    help_kw += sum(v.discharge_max_kw for v in plant.vehicles)
    short = grid.load_kw - grid.pv_kw - help_kw - grid.import_max_kw
    bad = np.flatnonzero(short > 1e-6)
    if bad.size:
        worst = int(np.argmax(short))
        problems.add(
            "P190", "grid.import_max_kw",
            f"cannot carry the household's load in {bad.size} steps; worst at {_label(plant, worst)}, short by "
            f"{short[worst]:.2f} kW",
            value=f"{grid.import_max_kw:g} kW", limit=f"load {grid.load_kw[worst]:.2f} kW",
            remedy="Check the unit of household.load_kw, or raise import_max_kw.",
        )  # fmt: skip


def _vehicle(vehicle: VehicleNumbers, position: int, plant: Plant, problems: Collector) -> None:
    """Refuse trips that need more than the battery holds, and a smallest charge above the largest."""
    where = f"vehicles[{position}]"
    far = np.flatnonzero(vehicle.trip_kwh > vehicle.capacity_kwh + 1e-9)
    if far.size:
        problems.add(
            "P190", f"{where}.trips", "a trip needs more electricity than the battery holds",
            value=f"{vehicle.trip_kwh[far[0]]:g} kWh back at {_label(plant, int(far[0]))}",
            limit=f"<= {vehicle.capacity_kwh:g} kWh",
            remedy="Give energy_kwh as what the home battery must supply, without charging on the way.",
        )  # fmt: skip
    if vehicle.charge_min_kw > vehicle.charge_max_kw:
        problems.add(
            "P190", f"{where}.charge_min_kw", "is above charge_max_kw", value=vehicle.charge_min_kw,
            limit=f"<= {vehicle.charge_max_kw:g}",
        )  # fmt: skip


def _names(study: HomeFields, problems: Collector) -> None:
    names = [v.name for v in study.vehicles]
    for name in sorted({n for n in names if names.count(n) > 1}):
        problems.add("P112", "vehicles", "two vehicles have the same name", value=name)
    loads = [one.name for one in study.deferrable_loads]
    for name in sorted({n for n in loads if loads.count(n) > 1}):
        problems.add("P112", "deferrable_loads", "two loads have the same name", value=name)


def _label(plant: Plant, step: int) -> str:
    return plant.seen.grid.label(step, plant.seen.timezone)
