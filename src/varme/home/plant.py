"""A home as numbers: what plans, simulations, sizing and learning all work on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from varme.components.battery import BatteryNumbers
from varme.components.buffer_tank import BufferNumbers
from varme.components.deferrable_load import DeferrableNumbers, LoadState
from varme.components.electric_vehicle import VehicleNumbers
from varme.components.grid_connection import GridNumbers
from varme.components.home import Slots, Surroundings
from varme.components.home_heat_pump import HeatPumpNumbers
from varme.components.hot_water_tank import TankNumbers
from varme.components.house import HouseNumbers
from varme.components.second_heater import SecondHeaterNumbers
from varme.kernel.model import Floats


@dataclass(frozen=True, eq=False)
class Plant:
    """A home compiled over a base grid; a device that it lacks is ``None``.

    Attributes:
        seen: The base grid and what the devices see.
        grid: Connection, prices, load and PV.
        house: The house.
        heat_pump: The heat pump.
        tank: The hot-water tank.
        battery: The battery.
        vehicles: The vehicles.
        loads: Loads that may wait.
        buffer: The buffer tank of the heating circuit.
        second_heater: A boiler or district heating beside the heat pump.
    """

    seen: Surroundings
    grid: GridNumbers
    house: HouseNumbers | None = None
    heat_pump: HeatPumpNumbers | None = None
    tank: TankNumbers | None = None
    battery: BatteryNumbers | None = None
    vehicles: tuple[VehicleNumbers, ...] = ()
    loads: tuple[DeferrableNumbers, ...] = ()
    buffer: BufferNumbers | None = None
    second_heater: SecondHeaterNumbers | None = None

    def take(self, slots: Slots) -> Plant:
        """Return the home over slots: arrays of shape (n,)."""
        return replace(
            self,
            grid=self.grid.take(slots),
            house=None if self.house is None else self.house.take(slots),
            heat_pump=None if self.heat_pump is None else self.heat_pump.take(slots),
            tank=None if self.tank is None else self.tank.take(slots),
            battery=None if self.battery is None else self.battery.take(slots),
            vehicles=tuple(v.take(slots) for v in self.vehicles),
            loads=tuple(one.take(slots) for one in self.loads),
            buffer=None if self.buffer is None else self.buffer.take(slots),
            second_heater=None if self.second_heater is None else self.second_heater.take(slots),
        )


Mode = Literal["off", "room", "water", "cool"]


@dataclass(frozen=True)
class State:
    """The state of a home at an instant: everything that a plan must know of the past.

    Attributes:
        house_c: Temperature of each node, shape (k,).
        tank_c: Temperature of each layer, shape (layers,).
        battery_kwh: Level of the battery.
        vehicle_kwh: Level of each vehicle.
        mode: What the compressor does.
        mode_min: For how long the compressor has been on, or off [min].
        starts_today: Starts since local midnight.
        peak_kw: Highest import so far in the period of a peak charge.
        loads: What each load that may wait has done of its open task; nothing if empty.
        buffer_c: Temperature of the buffer tank.
        legionella_h: Hours since the tank's last disinfection.
        hot_h: For how long the whole tank has been as hot as the disinfection asks for [h].
    """

    house_c: Floats = field(default_factory=lambda: np.zeros(0))
    tank_c: Floats = field(default_factory=lambda: np.zeros(0))
    battery_kwh: float = 0.0
    vehicle_kwh: tuple[float, ...] = ()
    mode: Mode = "off"
    mode_min: float = 1e6
    starts_today: int = 0
    peak_kw: float = 0.0
    loads: tuple[LoadState, ...] = ()
    buffer_c: float = 30.0
    legionella_h: float = 0.0
    hot_h: float = 0.0
