"""The optimisation model of a home's plan, from numbers and a state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from varme.components import (
    battery,
    buffer_tank,
    deferrable_load,
    electric_vehicle,
    grid_connection,
    home_heat_pump,
    hot_water_tank,
    house,
    second_heater,
)
from varme.components.base import Block, Port
from varme.components.home import ELECTRICITY, ROOM, WATER, Slots
from varme.home.plant import Plant, State
from varme.home.schedule.terminal import Worth, worth_of
from varme.kernel.model import Arrays, Floats, Ints, Model, Number, Rows, Var

__all__ = ["Problem", "Worth", "build", "worth_of"]


#: Heat that a search lets a too hot tank give away, at a price; no plan does (its upper bound is 0).
VENT = "search.vent"
VENT_CENT_PER_KWH = 100.0


@dataclass(frozen=True, eq=False)
class Problem:
    """A plan's model.

    Attributes:
        model: The model.
        arrays: Its arrays; the objective is in cents: the cost of the plan less what the stores are worth more at its
            end than at its start.
        plant: The home over the slots.
        slots: The slots.
        state: The state at the start.
        worth: Terminal values.
        blocks: Devices by name.
        balance: Rows of the electricity balance.
        derived: Quantities that are sums over variables: name -> coefficients and variables.
        water_c: Tank temperature at which the COP of hot water was taken, shape (n,); ``None`` for the mean.
        pulses: Device -> slots of its tightened rows ``pulse.DEVICE``.
    """

    model: Model
    arrays: Arrays
    plant: Plant
    slots: Slots
    state: State
    worth: Worth
    blocks: dict[str, Block]
    balance: Rows
    derived: Mapping[str, list[tuple[Number, Var]]] = field(default_factory=dict)
    water_c: Floats | None = None
    pulses: Mapping[str, Ints] = field(default_factory=dict)

    def value(self, name: str, x: Floats) -> Floats:
        """Return a variable or a derived quantity over the slots, shape (n,); zeros if there is none of that name."""
        if name in self.derived:
            total = np.zeros(self.slots.n)
            for coefficient, part in self.derived[name]:
                total = total + np.asarray(coefficient, dtype=float) * x[part.now]
            return total
        var = self.model.vars.get(name)
        return np.zeros(self.slots.n) if var is None else np.asarray(x[var.now], dtype=float)


def build(
    whole: Plant, slots: Slots, state: State, worth: Worth | None = None, *, water_c: Floats | None = None
) -> Problem:
    """Build the model of a plan.

    Args:
        whole: The home over its base grid.
        slots: The slots of the plan.
        state: The state at the start.
        worth: Terminal values; :func:`worth_of` if not given.
        water_c: Tank temperature at which the COP of hot water is taken, shape (n,); the mean of the pairs if not
            given.
    """
    plant = whole.take(slots)
    if water_c is not None:
        plant = _at_tank(plant, water_c)
    worth = worth or worth_of(plant, slots)
    model = Model(slots.n)
    blocks: dict[str, Block] = {}
    if plant.heat_pump is not None:
        blocks["heat_pump"] = home_heat_pump.block(plant.heat_pump, model, slots)
    if plant.second_heater is not None:
        buses = tuple(b for b, there in ((ROOM, plant.house), (WATER, plant.tank)) if there is not None)
        blocks["second_heater"] = second_heater.block(plant.second_heater, model, slots, buses)
    feeds = [p for b in blocks.values() for p in b.ports]
    if plant.buffer is not None:
        blocks["buffer"] = _buffer(plant, model, slots, state, worth, feeds)
        feeds = [p for p in feeds if p.bus != ROOM or _cools(p)] + list(blocks["buffer"].ports)
    if plant.house is not None:
        into = [p for p in feeds if p.bus == ROOM]
        blocks["house"] = house.block(
            plant.house, model, slots, into, worth.room_cent_per_k, _emitters_bind(plant)
        )
    if plant.tank is not None:
        paid = max(0.0, -float(plant.grid.import_cent_per_kwh.min()))
        vent = model.var(VENT, upper=0.0, cost=(VENT_CENT_PER_KWH + 2 * paid) * slots.step_h)
        into = [*(p for p in feeds if p.bus == WATER), Port(WATER, vent, -1.0)]
        blocks["tank"] = _tank(plant, model, slots, state, worth, into)
    if plant.battery is not None:
        blocks["battery"] = battery.block(
            plant.battery, model, slots, worth.battery_cent_per_kwh, plant.grid.import_cent_per_kwh, state.battery_kwh
        )  # fmt: skip
    for vehicle in plant.vehicles:
        one = electric_vehicle.block(
            vehicle, model, slots, worth.vehicle_cent_per_kwh, plant.grid.import_cent_per_kwh
        )  # fmt: skip
        blocks[one.name] = one
    for number, load in enumerate(plant.loads):
        done = state.loads[number] if number < len(state.loads) else None
        blocks[f"load.{load.name}"] = deferrable_load.block(load, model, slots, done)
    blocks["grid"] = grid_connection.block(plant.grid, model, slots, state.peak_kw)
    ports = [p for b in blocks.values() for p in b.ports if p.bus == ELECTRICITY]
    terms: list[tuple[Number, Ints]] = [(p.coefficient, p.var.now) for p in ports]
    standby = 0.0 if plant.heat_pump is None else plant.heat_pump.standby_kw
    demand = plant.grid.load_kw - plant.grid.pv_kw + standby
    balance = model.add("electricity", terms, lower=demand, upper=demand)
    pulses = _pulses(model, plant, demand)
    _starts_per_day(model, whole, plant, slots, state)
    arrays = replace(model.assemble(), offset=_worth_now(worth, plant, state))
    model.arrays = arrays
    _start(model, plant, slots, state)
    return Problem(
        model, arrays, plant, slots, state, worth, blocks, balance, _derived(plant, model), water_c, pulses
    )


def _emitters_bind(plant: Plant) -> bool:
    """Return whether the heaters may give more than the emitters take: a large compressor, or heat that is paid for.

    A buffer has a limit of its own. At ordinary prices nobody runs compressor and backup heater beyond the emitters.
    """
    pump, house_ = plant.heat_pump, plant.house
    if pump is None or house_ is None or plant.buffer is not None or "room" not in pump.modes:
        return False
    most = float(pump.heat_max_kw[pump.modes.index("room")].max())
    paid = float(plant.grid.import_cent_per_kwh.min()) < 0
    return most > house_.emitter_max_kw or (paid and most + pump.backup_kw > house_.emitter_max_kw)


def _cools(port: Port) -> bool:
    return bool(np.all(np.asarray(port.coefficient) <= 0))


def _forced_kwh(plant: Plant, slots: Slots, state: State, mode: str) -> float:
    """Return the heat of a run in a mode that the compressor must finish."""
    pump = plant.heat_pump
    if pump is None or state.mode != mode or mode not in pump.modes:
        return 0.0
    held, _ = holding(pump, slots, state)
    return float(np.sum(pump.heat_min_kw[pump.modes.index(mode)][held] * slots.step_h[held]))


def _buffer(plant: Plant, model: Model, slots: Slots, state: State, worth: Worth, feeds: list[Port]) -> Block:
    """Add the buffer tank: what heats the room goes into it, and it feeds the room; cold passes it by."""
    assert plant.buffer is not None
    into = [p for p in feeds if p.bus == ROOM and not _cools(p)]
    value = 0.0
    if plant.house is not None:
        value = float(np.sum(worth.room_cent_per_k) / np.sum(plant.house.network.capacity_kwh_per_k))
    return buffer_tank.block(
        plant.buffer, model, slots, into, value * plant.buffer.capacity_kwh_per_k, state.buffer_c,
        _forced_kwh(plant, slots, state, "room"),
    )  # fmt: skip


def _tank(plant: Plant, model: Model, slots: Slots, state: State, worth: Worth, into: list[Port]) -> Block:
    """Add the hot-water tank, with its legionella duty if that falls into the plan."""
    assert plant.tank is not None
    due_h = hot_water_tank.duty_in(plant.tank, slots, state.legionella_h)
    duty = None
    if due_h is not None:
        highest = np.inf if plant.heat_pump is None else plant.heat_pump.water_max_c
        on = model.vars.get("heat_pump.water_on")
        earliest, hint = _duty_hints(plant, slots, state, highest)
        duty = hot_water_tank.DutyDue(due_h, highest, on, earliest, hint)
    return hot_water_tank.block(
        plant.tank, model, slots, into, worth.tank_cent_per_k, float(np.mean(state.tank_c)),
        _forced_kwh(plant, slots, state, "water"), duty,
    )  # fmt: skip


def _duty_hints(plant: Plant, slots: Slots, state: State, pump_max_c: float) -> tuple[int, Floats]:
    """Return the first slot in which the legionella duty can begin, and the price of electricity by then [cent/kWh]."""
    assert plant.tank is not None
    pump, grid = plant.heat_pump, plant.grid
    pump_kw, other_kw = np.zeros(slots.n), 0.0
    if pump is not None and "water" in pump.modes:
        pump_kw = pump.heat_max_kw[pump.modes.index("water")] * pump.available
        other_kw = pump.backup_kw
    if plant.second_heater is not None:
        other_kw += float(np.min(plant.second_heater.heat_max_kw))
    start_c = float(np.mean(state.tank_c))
    earliest = hot_water_tank.earliest_slot(plant.tank, slots, start_c, pump_kw, other_kw, pump_max_c)
    surplus = grid.pv_kw > grid.load_kw + 1.0
    price = np.where(surplus, grid.export_cent_per_kwh, grid.import_cent_per_kwh)
    ends = np.cumsum(slots.step_h)
    total = np.concatenate([[0.0], np.cumsum(price * slots.step_h)])
    before = np.interp(ends - 2.0, np.concatenate([[0.0], ends]), total)
    return earliest, np.maximum((total[1:] - before) / np.minimum(ends, 2.0), 0.0)


def _at_tank(plant: Plant, water_c: Floats) -> Plant:
    """Return the home with the hot-water numbers of the heat pump at given tank temperatures."""
    pump = plant.heat_pump
    if pump is None or "water" not in pump.modes or pump.water_heat_min_kw is None:
        return plant
    m = pump.modes.index("water")
    names = ("heat_min_kw", "heat_max_kw", "electric_on_kw", "electric_per_heat")
    changed = {name: getattr(pump, name).copy() for name in names}
    for name, values in zip(names, pump.water_at(water_c), strict=True):
        changed[name][m] = values
    return replace(plant, heat_pump=replace(pump, **changed))


def _derived(plant: Plant, model: Model) -> dict[str, list[tuple[Number, Var]]]:
    out: dict[str, list[tuple[Number, Var]]] = {}
    pump = plant.heat_pump
    for m, mode in enumerate(pump.modes if pump is not None else ()):
        assert pump is not None
        on, above = model.vars[f"heat_pump.{mode}_on"], model.vars[f"heat_pump.{mode}_above"]
        out[f"heat_pump.{mode}_heat"] = [(pump.heat_min_kw[m], on), (1.0, above)]
    return out


def _worth_now(worth: Worth, plant: Plant, state: State) -> float:
    """Return what the stores are worth at the start, at the terminal values [cent]."""
    value = float(np.dot(worth.room_cent_per_k, state.house_c)) if plant.house is not None else 0.0
    if plant.tank is not None:
        value += worth.tank_cent_per_k * float(np.mean(state.tank_c))
    if plant.battery is not None:
        value += worth.battery_cent_per_kwh * state.battery_kwh
    return value + worth.vehicle_cent_per_kwh * sum(state.vehicle_kwh[: len(plant.vehicles)])


def _pulses(model: Model, plant: Plant, demand: Floats) -> dict[str, Ints]:
    """Tighten slots in which a device's smallest power is above what PV leaves: the rest must be bought or discharged.

    With a surplus S, a status x and a power p: ``import + discharge >= p - S x``, which holds for x = 0 (p = 0) and
    for x = 1 (the balance), but not for the fractions between them that the relaxed LP likes: half a heat pump on all
    of the surplus. The same for a vehicle, whose status is at most its charge over its smallest charge.
    """
    surplus = np.maximum(-demand, 0.0)
    gives = [
        v for name, v in model.vars.items() if name == "grid.import" or name.endswith((".discharge", "_discharge"))
    ]  # fmt: skip
    pump = plant.heat_pump
    drawn: list[tuple[str, list[tuple[Floats, Var]], Floats]] = []
    if pump is not None:
        parts: list[tuple[Floats, Var]] = []
        least = np.full(len(surplus), np.inf)
        for m, mode in enumerate(pump.modes):
            lowest = pump.electric_on_kw[m] + pump.electric_per_heat[m] * pump.heat_min_kw[m]
            parts.append((lowest - surplus, model.vars[f"heat_pump.{mode}_on"]))
            parts.append((pump.electric_per_heat[m], model.vars[f"heat_pump.{mode}_above"]))
            highest = pump.electric_on_kw[m] + pump.electric_per_heat[m] * pump.heat_max_kw[m]
            least = np.minimum(least, np.where(highest > surplus, 0.0, np.inf))
        drawn.append(("heat_pump", parts, least))
    for vehicle in plant.vehicles:
        if vehicle.charge_min_kw > 0:
            factor = 1.0 - surplus / vehicle.charge_min_kw
            least = np.where((factor > 0) & (vehicle.home > 0.5), 0.0, np.inf)
            drawn.append((vehicle.name, [(factor, model.vars[f"vehicle.{vehicle.name}.charge"])], least))
    out: dict[str, Ints] = {}
    for name, parts, least in drawn:
        slot = np.flatnonzero((surplus > 1e-6) & np.isfinite(least))
        if not len(slot):
            continue
        terms: list[tuple[Number, Ints]] = [(1.0, v.now[slot]) for v in gives]
        terms += [(-coefficient[slot], v.now[slot]) for coefficient, v in parts]
        model.add(f"pulse.{name}", terms, lower=0.0)
        out[name] = slot.astype(np.int32)
    return out


def _starts_per_day(model: Model, whole: Plant, plant: Plant, slots: Slots, state: State) -> None:
    pump = plant.heat_pump
    if pump is None or not np.isfinite(pump.starts_per_day_max):
        return
    day = whole.seen.local_day[slots.edges[:-1]]
    start = model.vars["heat_pump.start"]
    for number, one in enumerate(np.unique(day)):
        columns = start.now[day == one]
        left = pump.starts_per_day_max - (state.starts_today if number == 0 else 0)
        model.add_row(f"heat_pump.starts_{number}", np.ones(len(columns)), columns, upper=max(left, 0.0))


def _start(model: Model, plant: Plant, slots: Slots, state: State) -> None:
    """Fix the history columns to the state, and hold or rest the compressor as its minimum times ask."""
    for k, value in enumerate(state.house_c):
        model.set_history(model.vars[f"house.temperature_{k}"], np.array([value]))
    if plant.tank is not None:
        model.set_history(model.vars["tank.temperature"], np.array([state.tank_c.mean()]))
        if "tank.duty" in model.vars:
            duty = model.vars["tank.duty"]
            model.set_history(duty, np.zeros(duty.history))
    if plant.buffer is not None:
        model.set_history(model.vars["buffer.temperature"], np.array([state.buffer_c]))
    if plant.battery is not None:
        model.set_history(model.vars["battery.level"], np.array([state.battery_kwh]))
    for vehicle, level in zip(plant.vehicles, state.vehicle_kwh, strict=True):
        model.set_history(model.vars[f"vehicle.{vehicle.name}.level"], np.array([level]))
    for number, load in enumerate(plant.loads):
        deferrable_load.set_start(load, model, state.loads[number] if number < len(state.loads) else None)
    pump = plant.heat_pump
    if pump is None:
        return
    for mode in pump.modes:
        model.set_history(model.vars[f"heat_pump.{mode}_on"], np.array([float(state.mode == mode)]))
    start = model.vars["heat_pump.start"]
    model.set_history(start, np.zeros(start.history))
    held, rested = holding(pump, slots, state)
    if state.mode != "off":
        upper = np.ones(slots.n)
        upper[rested] = 0.0
        model.set_bounds(start, upper=upper)
        rows = model.rows["heat_pump.run_min"]
        limit = np.zeros(slots.n)
        limit[held] = -1.0
        model.set_limits(rows, upper=limit)
    else:
        for mode in pump.modes:
            upper = pump.available.copy()
            upper[rested] = 0.0
            model.set_bounds(model.vars[f"heat_pump.{mode}_on"], upper=upper)


def holding(
    pump: home_heat_pump.HeatPumpNumbers, slots: Slots, state: State
) -> tuple[Ints, Ints]:  # fmt: skip
    """Return the slots in which the state's run must go on, and those in which no run may start."""
    begins = slots.start_h * 60
    if state.mode != "off":
        free = (begins < pump.run_min - state.mode_min - 1e-9) & (pump.available > 0.5)
        held = np.cumprod(free).astype(bool)
        return np.flatnonzero(held).astype(np.int32), np.flatnonzero(begins < pump.pause_min - 1e-9).astype(
            np.int32
        )
    rested = begins < pump.pause_min - state.mode_min - 1e-9
    return np.zeros(0, dtype=np.int32), np.flatnonzero(rested).astype(np.int32)
