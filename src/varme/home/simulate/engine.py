"""One home, or many variants of it, step by step: the same numbers and steps that plans are made of.

A base step may be simulated in parts (15 minutes in 15 parts of a minute). Then the outdoor temperature runs smoothly
through the steps, with each step's mean kept, and with ``exact`` the heat pump has the limits and the COP of the
temperatures as they are, instead of the straight lines that plans use.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from varme.components import (
    battery,
    buffer_tank,
    electric_vehicle,
    grid_connection,
    home_heat_pump,
    hot_water_tank,
    house,
    second_heater,
)
from varme.components.home_heat_pump import MODE_CODES
from varme.components.hot_water_tank import DUTY_ROOM_K, TankNumbers
from varme.ground.peaks import peak_after
from varme.home.plant import Plant
from varme.home.simulate.guard import TANK_MARGIN_K, protected
from varme.home.simulate.state import Codes, Command, Homes, Trace
from varme.kernel.model import Floats

#: Returns what is asked of the devices: base step, part of it, states.
Controller = Callable[[int, int, Homes], Command]


def smooth(values: Floats, parts: int) -> Floats:
    """Return a series in parts of its steps: straight between the middles of the steps, each step's mean kept.

    >>> smooth(np.array([0.0, 2.0]), 2)
    array([-0.25,  0.25,  1.75,  2.25])
    """
    if parts == 1:
        return np.asarray(values, dtype=float)
    n = len(values)
    middles = np.arange(n) + 0.5
    fine = np.interp((np.arange(n * parts) + 0.5) / parts, middles, values).reshape(n, parts)
    return np.asarray(fine + (values - fine.mean(axis=1))[:, None]).ravel()


class Simulator:
    """Advances homes that share one plant and differ in their states and in what is asked of them.

    Args:
        plant: The home over its base grid.
        parts: Steps of the simulation in a base step.
        exact: Whether the heat pump has the limits and COP of the real temperatures.
    """

    def __init__(self, plant: Plant, *, parts: int = 1, exact: bool = False) -> None:
        self.plant, self.parts, self.exact = plant, parts, exact
        self.hours = plant.seen.grid.step_h / parts
        self.days = plant.seen.local_day
        machine = None if plant.heat_pump is None else plant.heat_pump.machine
        self.source_c = None if machine is None or not exact else smooth(machine.source_c, parts)
        if plant.house is not None:
            a, heat, gain, out = plant.house.network.step(self.hours)
            outdoor = smooth(plant.house.outdoor_c, parts)
            gains = np.repeat(plant.house.gains_kw, parts)
            self.house_step = (a, heat)
            self.house_rest = gain * gains[:, None] + out * outdoor[:, None]

    def run(self, homes: Homes, first: int, count: int, controller: Controller) -> Trace:
        """Simulate some base steps; the homes are changed in place.

        Args:
            homes: States at the start.
            first: First base step.
            count: Base steps.
            controller: What is asked of the devices.
        """
        trace = Trace(count * self.parts, len(homes.mode), first, self.parts, self.hours)
        for k in range(count * self.parts):
            at, part = first + k // self.parts, k % self.parts
            if part == 0 and at and self.days[at] != self.days[at - 1]:
                homes.starts_today[:] = 0
            self.advance(homes, at, part, controller(at, part, homes), trace, k)
        return trace

    def advance(self, homes: Homes, at: int, part: int, command: Command, trace: Trace, k: int) -> None:
        """Advance homes by one step and note what happened in row ``k`` of a trace."""
        note = {name: values[k] for name, values in trace.data.items()}
        plant = self.plant
        demand = np.full(homes.mode.shape, plant.grid.load_kw[at])
        if plant.heat_pump is not None:
            demand += self._heat_pump(homes, at, part, command, note)
        demand += self._second_heater(at, command, note)
        self._heat(homes, at, part, command, note)
        demand += self._loads(homes, at, part, command, note)
        if plant.battery is not None:
            homes.battery_kwh, charge, give = battery.step(
                plant.battery, homes.battery_kwh, command.charge_kw, command.discharge_kw, self.hours
            )
            note["charge_kw"][:], note["discharge_kw"][:], note["battery_kwh"][:] = (
                charge,
                give,
                homes.battery_kwh,
            )
            demand += charge - give
        self._vehicles(homes, at, part, command, note, demand)
        pv = np.full(homes.mode.shape, plant.grid.pv_kw[at])
        flows = grid_connection.step(plant.grid, at, demand, pv)
        for name, values in zip(("import_kw", "export_kw", "cut_kw", "over_kw"), flows, strict=True):
            note[name][:] = values
        last = part == self.parts - 1
        homes.peak_kw = peak_after(plant.grid.peaks, homes.peak_kw, note["import_kw"], at, last)

    def _second_heater(self, at: int, command: Command, note: dict[str, Floats]) -> Floats | float:
        """Run the second heater; return the electricity of its pump and fan."""
        second = self.plant.second_heater
        if second is None:
            return 0.0
        shape = note["second_room_kw"].shape
        room, water = (np.broadcast_to(x, shape) for x in (command.second_room_kw, command.second_water_kw))
        done = second_heater.step(second, at, room, water)
        note["second_room_kw"][:], note["second_water_kw"][:] = done.room_kw, done.water_kw
        return done.electric_kw

    def _heat(self, homes: Homes, at: int, part: int, command: Command, note: dict[str, Floats]) -> None:
        """Put heat into buffer, house and tank."""
        plant, hours = self.plant, self.hours
        into = note["room_heat_kw"] + note["backup_room_kw"] + note["second_room_kw"]
        if plant.buffer is not None:
            room = homes.house_c[:, 0] if plant.house is not None else 20.0
            wanted = np.broadcast_to(command.emitter_kw, into.shape)
            homes.buffer_c, into = buffer_tank.step(plant.buffer, homes.buffer_c, into, wanted, hours, room)
            note["buffer_c"][:], note["emitter_kw"][:] = homes.buffer_c, into
        if plant.house is not None:
            rest = self.house_rest[at * self.parts + part]
            homes.house_c = house.step(homes.house_c, into - note["cool_heat_kw"], *self.house_step, rest)
            note["room_c"][:] = homes.house_c[:, 0]
        if plant.tank is not None:
            heat = note["water_heat_kw"] + note["backup_water_kw"] + note["second_water_kw"]
            draw = float(plant.tank.draw_kw[at])
            homes.tank_c = hot_water_tank.step(plant.tank, homes.tank_c, heat, draw, hours)
            note["tank_c"][:] = homes.tank_c.mean(axis=1)
            note["top_c"][:] = homes.tank_c[:, 0]
            if plant.tank.duty is not None:
                hot = homes.tank_c.min(axis=1) >= plant.tank.duty.temperature_c - 0.05
                homes.hot_h = np.where(hot, homes.hot_h + hours, 0.0)
                done = homes.hot_h >= plant.tank.duty.hold_min / 60 - 1e-9
                homes.legionella_h = np.where(done, 0.0, homes.legionella_h + hours)
                note["legionella_h"][:] = homes.legionella_h

    def _loads(self, homes: Homes, at: int, part: int, command: Command, note: dict[str, Floats]) -> Floats:
        """Run loads that may wait; remember what they have done of the open window; return what they draw."""
        out = np.zeros(homes.mode.shape)
        for v, load in enumerate(self.plant.loads):
            power = np.broadcast_to(_column(command.load_kw, v), out.shape)
            homes.load_on[:, v] = power > 1e-6
            homes.load_min[:, v] += 60 * self.hours * homes.load_on[:, v]
            if part == self.parts - 1 and np.any(load.end == at + 1):
                homes.load_min[:, v] = 0.0
            out = out + power
        note["loads_kw"][:] = out
        return out

    def _heat_pump(
        self, homes: Homes, at: int, part: int, command: Command, note: dict[str, Floats]
    ) -> Floats:
        """Run the compressors and backup heaters; return their electricity."""
        pump = self.plant.heat_pump
        assert pump is not None
        wanted = np.broadcast_to(command.mode, homes.mode.shape)
        tank_max = None if self.plant.tank is None else tank_limit_c(self.plant.tank)
        mode, held = protected(pump, at, homes, wanted, tank_max)
        electric = np.full(mode.shape, pump.standby_kw)
        for name in pump.modes:
            running = mode == MODE_CODES[name]
            if not running.any():
                continue
            sink = homes.tank_c.mean(axis=1) if name == "water" else homes.house_c[:, 0]
            source = None if self.source_c is None else float(self.source_c[at * self.parts + part])
            heat, power = self._machine(at, name, command, sink, source)
            note[f"{name}_heat_kw"][:] = np.where(running, heat, 0.0)
            electric += np.where(running, power, 0.0)
        note["backup_room_kw"][:] = np.clip(command.backup_room_kw, 0.0, pump.backup_kw)
        note["backup_water_kw"][:] = np.clip(
            command.backup_water_kw, 0.0, pump.backup_kw - note["backup_room_kw"]
        )
        note["backup_kw"][:] = note["backup_room_kw"] + note["backup_water_kw"]
        note["heat_pump_kw"][:], note["mode"][:], note["held"][:] = electric, mode, held
        self._remember(homes, mode, note)
        return np.asarray(electric + note["backup_kw"])

    def _machine(
        self, at: int, name: str, command: Command, sink: Floats, source: float | None
    ) -> tuple[Floats, Floats]:
        pump = self.plant.heat_pump
        assert pump is not None
        heat = np.broadcast_to(command.heat_kw, sink.shape)
        part = command.part_run
        found = home_heat_pump.step(pump, at, name, heat, sink, source, part_run=part)  # type: ignore[arg-type]
        if command.electric_kw is not None:
            for _ in range(3):
                share = command.electric_kw / np.maximum(found[1], 1e-9)
                found = home_heat_pump.step(pump, at, name, found[0] * share, sink, source)  # type: ignore[arg-type]
        if name == "water":
            found = self._stopped(at, found, sink)
        return found

    def _stopped(self, at: int, found: tuple[Floats, Floats], sink: Floats) -> tuple[Floats, Floats]:
        """Return heat and electricity of hot water with the tank's thermostat, which stops the run within a step."""
        tank = self.plant.tank
        assert tank is not None
        leaves = tank.draw_kw[at] + tank.loss_kw_per_k * (sink - tank.surroundings_c)
        rise = tank_limit_c(tank) + TANK_MARGIN_K - sink
        room = rise * tank.capacity_kwh_per_k / self.hours + leaves
        share = np.clip(room / np.maximum(found[0], 1e-9), 0.0, 1.0)
        return found[0] * share, found[1] * share

    def _remember(self, homes: Homes, mode: Codes, note: dict[str, Floats]) -> None:
        same = (mode > 0) == (homes.mode > 0)
        started = ~same & (mode > 0)
        homes.mode_min = np.where(same, homes.mode_min, 0.0) + 60 * self.hours
        homes.starts_today = homes.starts_today + started
        homes.mode = mode
        note["start"][:] = started

    def _vehicles(
        self, homes: Homes, at: int, part: int, command: Command, note: dict[str, Floats], demand: Floats
    ) -> None:
        """Charge and drive the vehicles; add what they draw to the demand."""
        for v, numbers in enumerate(self.plant.vehicles):
            done = electric_vehicle.step(
                numbers, at, homes.vehicle_kwh[:, v], _column(command.vehicle_charge_kw, v),
                _column(command.vehicle_discharge_kw, v), self.hours, last=part == self.parts - 1,
            )  # fmt: skip
            homes.vehicle_kwh[:, v] = done.level_kwh
            note["vehicle_charge_kw"] += done.charge_kw
            note["vehicle_discharge_kw"] += done.discharge_kw
            note["stranded_kwh"] += done.stranded_kwh
            note["short_kwh"] += done.short_kwh
            note["vehicle_kwh"] += done.level_kwh
            demand += done.charge_kw - done.discharge_kw


def tank_limit_c(tank: TankNumbers) -> float:
    """Return the highest temperature of a tank, that of a disinfection included [C]."""
    return tank.high_c if tank.duty is None else max(tank.high_c, tank.duty.temperature_c + DUTY_ROOM_K)


def _column(values: Floats, v: int) -> Floats:
    return values[:, v] if values.shape[1] > v else np.zeros(1)
