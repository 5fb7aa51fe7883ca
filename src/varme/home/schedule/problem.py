"""The optimisation model of a home's plan, from numbers and a state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from varme.components import battery, electric_vehicle, grid_connection, home_heat_pump, hot_water_tank, house
from varme.components.base import Block
from varme.components.home import ELECTRICITY, ROOM, WATER, Slots
from varme.home.plant import Plant, State
from varme.kernel.model import Arrays, Floats, Ints, Model, Number, Rows


@dataclass(frozen=True, eq=False)
class Worth:
    """What is left at the end of a plan is worth: the terminal values."""

    room_cent_per_k: Floats
    tank_cent_per_k: float
    battery_cent_per_kwh: float
    vehicle_cent_per_kwh: float


@dataclass(frozen=True, eq=False)
class Problem:
    """A plan's model.

    Attributes:
        model: The model.
        arrays: Its arrays; the objective is in cents, with the stores' values at the start as offset.
        plant: The home over the slots.
        slots: The slots.
        state: The state at the start.
        worth: Terminal values.
        blocks: Devices by name.
        balance: Rows of the electricity balance.
    """

    model: Model
    arrays: Arrays
    plant: Plant
    slots: Slots
    state: State
    worth: Worth
    blocks: dict[str, Block]
    balance: Rows


def worth_of(plant: Plant, slots: Slots) -> Worth:
    """Return terminal values: what it would cost to make the heat and electricity anew at a mean price.

    Args:
        plant: The home over the slots.
        slots: The slots.
    """
    price = float(np.median(plant.grid.import_cent_per_kwh))
    heat = price
    pump = plant.heat_pump
    if pump is not None:
        full = pump.electric_on_kw / np.maximum(pump.heat_max_kw, 1e-9) + pump.electric_per_heat
        heat = price * float(np.median(full))
    room = np.zeros(0) if plant.house is None else 0.8 * heat * plant.house.network.capacity_kwh_per_k
    tank = 0.0 if plant.tank is None else 0.9 * heat * plant.tank.capacity_kwh_per_k
    return Worth(room, tank, 0.85 * price, 0.85 * price)


def build(whole: Plant, slots: Slots, state: State, worth: Worth | None = None) -> Problem:
    """Build the model of a plan.

    Args:
        whole: The home over its base grid.
        slots: The slots of the plan.
        state: The state at the start.
        worth: Terminal values; :func:`worth_of` if not given.
    """
    plant = whole.take(slots)
    worth = worth or worth_of(plant, slots)
    model = Model(slots.n)
    blocks: dict[str, Block] = {}
    if plant.heat_pump is not None:
        blocks["heat_pump"] = home_heat_pump.block(plant.heat_pump, model, slots)
    feeds = [p for b in blocks.values() for p in b.ports]
    if plant.house is not None:
        into = [p for p in feeds if p.bus == ROOM]
        blocks["house"] = house.block(plant.house, model, slots, into, worth.room_cent_per_k)
    if plant.tank is not None:
        into = [p for p in feeds if p.bus == WATER]
        blocks["tank"] = hot_water_tank.block(plant.tank, model, slots, into, worth.tank_cent_per_k)
    if plant.battery is not None:
        blocks["battery"] = battery.block(plant.battery, model, slots, worth.battery_cent_per_kwh)
    for vehicle in plant.vehicles:
        one = electric_vehicle.block(vehicle, model, slots, worth.vehicle_cent_per_kwh)
        blocks[one.name] = one
    blocks["grid"] = grid_connection.block(plant.grid, model, slots)
    ports = [p for b in blocks.values() for p in b.ports if p.bus == ELECTRICITY]
    terms: list[tuple[Number, Ints]] = [(p.coefficient, p.var.now) for p in ports]
    standby = 0.0 if plant.heat_pump is None else plant.heat_pump.standby_kw
    demand = plant.grid.load_kw - plant.grid.pv_kw + standby
    balance = model.add("electricity", terms, lower=demand, upper=demand)
    arrays = model.assemble()
    _start(model, plant, slots, state)
    return Problem(model, arrays, plant, slots, state, worth, blocks, balance)


def _start(model: Model, plant: Plant, slots: Slots, state: State) -> None:
    """Fix the history columns to the state, and hold or rest the compressor as its minimum times ask."""
    for k, value in enumerate(state.house_c):
        model.set_history(model.vars[f"house.temperature_{k}"], np.array([value]))
    if plant.tank is not None:
        model.set_history(model.vars["tank.temperature"], state.tank_c[:1])
    if plant.battery is not None:
        model.set_history(model.vars["battery.level"], np.array([state.battery_kwh]))
    for vehicle, level in zip(plant.vehicles, state.vehicle_kwh, strict=True):
        model.set_history(model.vars[f"vehicle.{vehicle.name}.level"], np.array([level]))
    pump = plant.heat_pump
    if pump is None:
        return
    for mode in pump.modes:
        model.set_history(model.vars[f"heat_pump.{mode}_on"], np.array([float(state.mode == mode)]))
    for name in ("start", "stop"):
        var = model.vars[f"heat_pump.{name}"]
        model.set_history(var, np.zeros(var.history))
    left = (pump.run_min if state.mode != "off" else pump.pause_min) - state.mode_min
    if left > 0:
        bound = (slots.start_h * 60 < left - 1e-9).astype(float)
        rows = model.rows["heat_pump.exclusive"]
        model.set_limits(rows, **({"lower": bound} if state.mode != "off" else {"upper": 1.0 - bound}))
