"""Rule-based controllers: what heat pumps, batteries and chargers do without a plan.

Room: the heating curve (heat loss at the set point) plus a proportional part of the deviation, modulated between
smallest heat and full load, switched by a hysteresis. Hot water: hysteresis, with priority over the room; the machine
runs at full load until the tank is warm, and stops within the step. Battery: self-consumption. Vehicle: at full power
on arrival, from an hour, or from surplus PV. These are the rules that controllers are sold with, well set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from varme.components.home_heat_pump import MODE_CODES
from varme.home.plant import Plant
from varme.home.simulate.guard import TOLERANCE_MIN
from varme.home.simulate.state import Command, Homes
from varme.kernel.model import Floats


@dataclass(frozen=True)
class Rules:
    """One rule-based controller.

    Attributes:
        name: Name.
        room_k: Set point of the room above the lower end of comfort [K].
        band_k: Hysteresis of the room thermostat, from off to on [K].
        gain_share_per_k: Proportional part: share of the design heat per kelvin of deviation.
        setback_k: How much lower the set point is in the hours of set-back.
        setback_h: Wall-clock hours of the set-back: from, to (past midnight if from > to).
        water_on_k: Tank temperature at which it is heated, above the temperature that people expect.
        water_off_k: Tank temperature at which that ends, above the temperature that people expect.
        water_h: Wall-clock hours in which the tank may be heated; ``None`` for any. Below the expected temperature it
            is heated at any hour.
        surplus_kw: Surplus of PV from which room and tank are heated more; infinite for never.
        surplus_room_k: By how much the room.
        surplus_water_k: By how much the tank.
        battery: ``self``: charge from surplus, discharge into demand; ``off``: idle.
        vehicle: ``arrival``: at full power until it has what it should leave with; ``hours``: likewise, in
            ``vehicle_h``; ``surplus``: from surplus PV, and at full power in the last hours before departure.
        vehicle_h: Wall-clock hours of charging for ``hours``.
    """

    name: str = "thermostat"
    room_k: float = 1.0
    band_k: float = 0.5
    gain_share_per_k: float = 0.5
    setback_k: float = 0.0
    setback_h: tuple[float, float] = (22.0, 5.0)
    water_on_k: float = 2.0
    water_off_k: float = 7.0
    water_h: tuple[float, float] | None = None
    surplus_kw: float = np.inf
    surplus_room_k: float = 1.0
    surplus_water_k: float = 4.0
    battery: Literal["self", "off"] = "self"
    vehicle: Literal["arrival", "hours", "surplus"] = "arrival"
    vehicle_h: tuple[float, float] = (0.0, 6.0)


#: The controllers that plans are compared with, before their set points are calibrated.
THERMOSTAT = Rules("thermostat")
NIGHT_CAR = Rules("thermostat_night_car", vehicle="hours")
TIMER = Rules("timer", setback_k=1.5, water_h=(12.0, 16.0), water_off_k=10.0, vehicle="hours")
NO_STORAGE = Rules("no_storage", band_k=0.2, water_on_k=0.5, water_off_k=3.0, battery="off")
SURPLUS = Rules("pv_surplus", surplus_kw=0.5, vehicle="surplus")
BASELINES = (THERMOSTAT, TIMER, NO_STORAGE, SURPLUS)


def within_hours(local_h: Floats, hours: tuple[float, float]) -> NDArray[np.bool_]:
    """Return where the wall clock is within hours, which may pass midnight."""
    first, last = hours
    if first <= last:
        return np.asarray((local_h >= first) & (local_h < last))
    return np.asarray((local_h >= first) | (local_h < last))


@dataclass(eq=False)
class RuleState:
    """What rules remember, arrays of shape (H,): whether room and tank are being heated."""

    room: NDArray[np.bool_]
    water: NDArray[np.bool_]


@dataclass(eq=False)
class RuleController:
    """Rules for homes that share one plant, one set of rules for each home.

    Attributes:
        plant: The home over its base grid.
        rules: The rules of each home.
        hours: Length of a step [h].
        memory: What they remember.
    """

    plant: Plant
    rules: Sequence[Rules]
    hours: float
    memory: RuleState = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.rules)
        self.memory = RuleState(np.zeros(count, dtype=bool), np.zeros(count, dtype=bool))
        self.number = {name: np.array([float(getattr(r, name)) for r in self.rules]) for name in _NUMBERS}
        local = self.plant.seen.local_h
        self.setback = np.stack([within_hours(local, r.setback_h) for r in self.rules], axis=1)
        every = np.ones(len(local), dtype=bool)
        self.water_ok = np.stack(
            [every if r.water_h is None else within_hours(local, r.water_h) for r in self.rules], axis=1
        )
        self.self_use = np.array([r.battery == "self" for r in self.rules])
        self.charging = np.stack([charge_hours(r, self.plant) for r in self.rules], axis=1)
        self.by_surplus = np.array([r.vehicle == "surplus" for r in self.rules])
        self.loss_kw_per_k, self.design_kw = heating_curve(self.plant)
        self.loads = loads_at_once(self.plant)
        pump, second = self.plant.heat_pump, self.plant.second_heater
        self.backup_kw = 0.0 if pump is None else pump.backup_kw
        self.pump_max_c = -np.inf if pump is None else pump.water_max_c
        self.water_max_c = np.inf if second is not None and "water" in second.buses else self.pump_max_c
        self.second_first = second_first(self.plant)

    def set_point_c(self, at: int) -> Floats:
        """Return the set points of the room in a base step, without surplus, shape (H,)."""
        assert self.plant.house is not None
        low = float(self.plant.house.low_c[at])
        return np.asarray(low + self.number["room_k"] - self.setback[at] * self.number["setback_k"])

    def __call__(self, at: int, part: int, homes: Homes) -> Command:
        """Return what is asked for in a base step."""
        plant, grid = self.plant, self.plant.grid
        surplus = (grid.pv_kw[at] - grid.load_kw[at]) > self.number["surplus_kw"]
        command = Command()
        electric = np.zeros(len(self.rules))
        if plant.heat_pump is not None or plant.second_heater is not None:
            electric = self._heating(at, homes, surplus, command)
        command.load_kw = self.loads[at : at + 1]
        electric = electric + self.loads[at].sum()
        self._vehicles(at, homes, command, electric)
        net = grid.load_kw[at] - grid.pv_kw[at] + electric + command.vehicle_charge_kw.sum(axis=1)
        command.charge_kw = np.where(self.self_use, np.maximum(-net, 0.0), 0.0)
        command.discharge_kw = np.where(self.self_use, np.maximum(net, 0.0), 0.0)
        return command

    def _heating(self, at: int, homes: Homes, surplus: NDArray[np.bool_], command: Command) -> Floats:
        """Fill in what heats in a command; return its electricity, with standby and backup."""
        need, short_water, water = self._water(at, homes, surplus)
        asked, short_room, room = self._room(at, homes, surplus)
        self.memory = RuleState(room, water)
        if self.plant.second_heater is not None:
            room, water = self._second_heater(
                at, command, (room, asked, short_room), (water, need, short_water)
            )
        if self.plant.heat_pump is not None:
            command.backup_room_kw = np.minimum(short_room, self.backup_kw)
            command.backup_water_kw = np.minimum(short_water, self.backup_kw - command.backup_room_kw)
            self._compressor(at, homes, command, (room, asked), (water, need))
        return self._electricity(at, command)

    def _water(
        self, at: int, homes: Homes, surplus: NDArray[np.bool_]
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Return the heat that the tank needs, that which is missing urgently, and whether it is to be heated."""
        tank, number = self.plant.tank, self.number
        if tank is None:
            nothing = np.zeros(len(self.rules))
            return nothing, nothing, nothing > 0
        raised = surplus * number["surplus_water_k"]
        off = np.minimum(tank.low_c + number["water_off_k"] + raised, tank.high_c)
        on = np.where(surplus, off - 2.0, tank.low_c + number["water_on_k"])
        level = tank_c(homes)
        off, on, duty = self._duty(homes, at, off, on)
        water = level < np.where(self.memory.water, off - STOP_K, on)
        water &= self.water_ok[at] | surplus | (level < tank.low_c) | duty
        kw_per_k = tank.capacity_kwh_per_k / self.hours
        urgent = np.where(duty & (level >= self.pump_max_c), off, tank.low_c - BACKUP_K) - level
        water &= level < self.water_max_c
        return np.maximum(off - level, 0.0) * kw_per_k, np.clip(urgent * kw_per_k, 0.0, None), water

    def _room(
        self, at: int, homes: Homes, surplus: NDArray[np.bool_]
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Return the heat that the room needs, that which is missing urgently, and whether it is to be heated."""
        house, number = self.plant.house, self.number
        if house is None:
            nothing = np.zeros(len(self.rules))
            return nothing, nothing, nothing > 0
        target = self.set_point_c(at) + surplus * number["surplus_room_k"]
        error = homes.house_c[:, 0] - target
        half = number["band_k"] / 2
        room = error < np.where(self.memory.room, half, -half)
        curve = self.loss_kw_per_k * (target - house.outdoor_c[at])
        asked = curve - number["gain_share_per_k"] * self.design_kw * error
        urgent = self.set_point_c(at) - BACKUP_K - homes.house_c[:, 0]
        return np.maximum(asked, 0.0), np.clip(self.design_kw * urgent, 0.0, None), room

    def _second_heater(
        self,
        at: int,
        command: Command,
        room: tuple[NDArray[np.bool_], Floats, Floats],
        water: tuple[NDArray[np.bool_], Floats, Floats],
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Fill in the second heater; return what is left to the compressor.

        Where its heat is cheaper than that of the heat pump at the mean price of electricity, or the heat pump may not
        run, it heats alone, as the economy mode of hybrids does; elsewhere it helps where the backup heater would.
        What is urgent is cleared where it takes it over.
        """
        second = self.plant.second_heater
        assert second is not None
        wanted = []
        for bus, (on, heat, urgent) in (("room", room), ("water", water)):
            taken = np.zeros(len(self.rules))
            if bus in second.buses and second.heat_max_kw[at] > 0:
                first = self.second_first[bus][at]
                taken = np.maximum(np.where(on, heat, 0.0), urgent) if first else urgent.copy()
                on = on & (not first)
                urgent[:] = 0.0
            wanted.append((on, taken))
        command.second_water_kw = np.minimum(wanted[1][1], second.heat_max_kw[at])
        command.second_room_kw = np.minimum(wanted[0][1], second.heat_max_kw[at] - command.second_water_kw)
        return wanted[0][0], wanted[1][0]

    def _compressor(
        self,
        at: int,
        homes: Homes,
        command: Command,
        room: tuple[NDArray[np.bool_], Floats],
        water: tuple[NDArray[np.bool_], Floats],
    ) -> None:
        """Fill in the compressor: hot water comes first, and the shortest run and pause are kept."""
        pump = self.plant.heat_pump
        assert pump is not None
        heats_water = (
            water[0] & (tank_c(homes) < self.pump_max_c) if self.plant.tank is not None else water[0]
        )
        mode = np.where(heats_water, MODE_CODES["water"], np.where(room[0], MODE_CODES["room"], 0))
        on, wanted = homes.mode > 0, mode > 0
        keep = on & ~wanted & (homes.mode_min < pump.run_min - TOLERANCE_MIN)
        mode[keep] = MODE_CODES["room" if self.plant.house is not None else "water"]
        mode[~on & wanted & (homes.mode_min < pump.pause_min - TOLERANCE_MIN)] = 0
        if pump.available[at] < 0.5:
            mode[:] = 0
        command.mode = mode.astype(np.int8)
        command.part_run = mode == MODE_CODES["water"]
        command.heat_kw = np.where(command.part_run, water[1], room[1])

    def _duty(
        self, homes: Homes, at: int, off: Floats, on: Floats
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Return the tank's switching temperatures with the disinfection, and where it is being done.

        In the night before it is due, from 1 o'clock, as controllers of tanks do it.
        """
        tank = self.plant.tank
        assert tank is not None
        nothing = np.zeros(len(off), dtype=bool)
        if tank.duty is None:
            return off, on, nothing
        left = 24 * tank.duty.interval_days - homes.legionella_h
        due = (left < 24.0) & ((self.plant.seen.local_h[at] >= 1.0) | (left < 2.0))
        hot = tank.duty.temperature_c + 1.0
        return np.where(due, hot, off), np.where(due, hot - 0.5, on), due

    def _electricity(self, at: int, command: Command) -> Floats:
        """Return about what a heat pump takes for a command: what a battery's controller meets."""
        pump, second = self.plant.heat_pump, self.plant.second_heater
        out = command.backup_room_kw + command.backup_water_kw
        if second is not None:
            out = out + second.electric_per_heat * (command.second_room_kw + command.second_water_kw)
        if pump is None:
            return np.asarray(out)
        out = out + pump.standby_kw
        for m, mode in enumerate(pump.modes):
            running = command.mode == MODE_CODES[mode]
            heat = np.minimum(command.heat_kw, pump.heat_max_kw[m, at])
            full = pump.electric_on_kw[m, at] / pump.heat_max_kw[m, at] + pump.electric_per_heat[m, at]
            heat_on = np.maximum(heat, pump.heat_min_kw[m, at])
            power = pump.electric_on_kw[m, at] + pump.electric_per_heat[m, at] * heat_on
            out = out + running * np.where(command.part_run, heat * full, power)
        return np.asarray(out)

    def _vehicles(self, at: int, homes: Homes, command: Command, electric: Floats) -> None:
        vehicles = self.plant.vehicles
        command.vehicle_charge_kw = np.zeros((len(self.rules), len(vehicles)))
        spare = np.maximum(self.plant.grid.pv_kw[at] - self.plant.grid.load_kw[at] - electric, 0.0)
        for v, car in enumerate(vehicles):
            level = homes.vehicle_kwh[:, v]
            wanted = np.maximum(vehicle_wish(car) - level, 0.0) / (car.charge_efficiency_share * self.hours)
            charge = np.minimum(wanted, car.charge_max_kw) * self.charging[at]
            charge = np.where((charge > 0) & (charge < car.charge_min_kw), car.charge_min_kw, charge)
            sun = np.where(spare >= car.charge_min_kw, np.minimum(spare, car.charge_max_kw), 0.0)
            room = (car.capacity_kwh - level) / (car.charge_efficiency_share * self.hours)
            sun = np.where(room >= car.charge_min_kw, np.minimum(sun, room), 0.0)
            command.vehicle_charge_kw[:, v] = car.home[at] * np.where(
                self.by_surplus, np.maximum(charge, sun), charge
            )


#: Below the set point of the room, and the temperature expected of the tank, by this [K] the backup heater helps
#: (assumption).
BACKUP_K = 1.0
_NUMBERS = (
    "room_k", "band_k", "gain_share_per_k", "setback_k", "water_on_k", "water_off_k", "surplus_kw", "surplus_room_k",
    "surplus_water_k",
)  # fmt: skip
#: A tank that is this close to the temperature at which heating ends is warm [K]: what it loses within the step in
#: which it gets there must not keep the compressor from the room (assumption).
STOP_K = 1.0
#: Hours before departure in which a vehicle on surplus PV is charged in any case (assumption).
LAST_H = 5.0


def tank_c(homes: Homes) -> Floats:
    """Return the tank temperature that a thermostat sees: the mean of the layers, shape (H,)."""
    return np.asarray(homes.tank_c.mean(axis=1))


def heating_curve(plant: Plant) -> tuple[float, float]:
    """Return the heat loss per kelvin [kW/K] and the heat at 32 K difference [kW] that controllers go by."""
    if plant.house is None:
        return 0.0, 0.0
    loss = plant.house.network.heat_loss_kw_per_k
    return loss, 32.0 * loss


def second_first(plant: Plant) -> dict[str, NDArray[np.bool_]]:
    """Return the steps in which the second heater heats room and tank alone, by bus, shape (N,) each.

    Where it is cheaper than the heat pump at full load and the mean price of electricity, or the heat pump may not run.
    """
    second, pump = plant.second_heater, plant.heat_pump
    n = plant.seen.grid.n
    out = {bus: np.ones(n, dtype=bool) for bus in ("room", "water")}
    if second is None or pump is None:
        return out
    price = float(plant.grid.import_cent_per_kwh.mean())
    own = second.heat_cent_per_kwh + price * second.electric_per_heat
    for m, mode in enumerate(pump.modes):
        if mode in out:
            full = pump.electric_on_kw[m] / np.maximum(pump.heat_max_kw[m], 1e-9) + pump.electric_per_heat[m]
            out[mode] = (own < price * full) | (pump.available < 0.5)
    return out


def vehicle_wish(car: object) -> float:
    """Return the level that a vehicle should leave with, as its charger knows it [kWh]."""
    wish = float(np.max(car.wish_kwh))  # type: ignore[attr-defined]
    return wish if wish > 0 else float(0.8 * car.capacity_kwh)  # type: ignore[attr-defined]


def charge_hours(rules: Rules, plant: Plant) -> NDArray[np.bool_]:
    """Return the steps in which a charger gives full power, shape (N,)."""
    n = plant.seen.grid.n
    if rules.vehicle == "hours":
        return within_hours(plant.seen.local_h, rules.vehicle_h)
    if rules.vehicle == "arrival" or not plant.vehicles:
        return np.ones(n, dtype=bool)
    ahead = round(LAST_H / plant.seen.grid.step_h)
    out = np.zeros(n, dtype=bool)
    for car in plant.vehicles:
        for leave in np.flatnonzero(car.wish_kwh > 0):
            out[max(0, leave + 1 - ahead) : leave + 1] = True
    return out


def loads_at_once(plant: Plant) -> Floats:
    """Return the power of loads that may wait if they do not: each runs when its window opens, shape (N, loads)."""
    n, base_h = plant.seen.grid.n, plant.seen.grid.step_h
    out = np.zeros((n, len(plant.loads)))
    for v, load in enumerate(plant.loads):
        steps = int(np.ceil(load.energy_kwh / load.power_kw / base_h - 1e-9))
        even = np.full(max(steps, 1), load.energy_kwh / max(steps, 1) / base_h)
        profile = np.asarray(load.profile_kw) if load.run == "block" else even
        for first in load.first:
            part = out[first : first + len(profile), v]
            part += profile[: len(part)]
    return out
