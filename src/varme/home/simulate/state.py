"""What is simulated: the states of homes, what is asked of their devices, and what then flows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from varme.components.deferrable_load import LoadState
from varme.components.home_heat_pump import MODE_CODES
from varme.home.plant import Mode, State
from varme.kernel.model import Floats

Codes = NDArray[np.int8]
#: Mode of each code.
MODES: tuple[Mode, ...] = ("off", "room", "water", "cool")


@dataclass(eq=False)
class Homes:
    """The states of H homes, changed in place by a simulation.

    Attributes:
        house_c: Temperatures of the houses' nodes, shape (H, k).
        tank_c: Temperatures of the tanks' layers, shape (H, layers).
        battery_kwh: Levels of the batteries, shape (H,).
        vehicle_kwh: Levels of the vehicles, shape (H, vehicles).
        mode: What the compressors do, as codes, shape (H,).
        mode_min: For how long each compressor has been on or off [min], shape (H,).
        starts_today: Starts since local midnight, shape (H,).
        peak_kw: Highest import so far, shape (H,).
        buffer_c: Temperatures of the buffer tanks, shape (H,).
        legionella_h: Hours since the last disinfection of the tank, shape (H,).
        hot_h: For how long the whole tank has been as hot as the disinfection asks for [h], shape (H,).
        load_min: For how long each load has run in its open window [min], shape (H, loads).
        load_on: Whether each load runs, shape (H, loads).
    """

    house_c: Floats
    tank_c: Floats
    battery_kwh: Floats
    vehicle_kwh: Floats
    mode: Codes
    mode_min: Floats
    starts_today: NDArray[np.int64]
    peak_kw: Floats
    buffer_c: Floats
    legionella_h: Floats
    hot_h: Floats
    load_min: Floats
    load_on: NDArray[np.bool_]

    @classmethod
    def of(cls, state: State, count: int = 1) -> Homes:
        """Return some homes that all start from one state."""
        full = np.ones(count)
        return cls(
            np.tile(state.house_c, (count, 1)), np.tile(state.tank_c, (count, 1)), full * state.battery_kwh,
            np.tile(np.asarray(state.vehicle_kwh, dtype=float), (count, 1)),
            np.full(count, MODE_CODES[state.mode], dtype=np.int8), full * state.mode_min,
            np.full(count, state.starts_today, dtype=np.int64), full * state.peak_kw, full * state.buffer_c,
            full * state.legionella_h, full * state.hot_h, np.tile([x.done_min for x in state.loads], (count, 1)),
            np.tile(np.array([x.running for x in state.loads], dtype=bool), (count, 1)),
        )  # fmt: skip

    def state(self, home: int = 0) -> State:
        """Return the state of one home, as plans take it."""
        return State(
            self.house_c[home].copy(), self.tank_c[home].copy(), float(self.battery_kwh[home]),
            tuple(float(v) for v in self.vehicle_kwh[home]), MODES[self.mode[home]], float(self.mode_min[home]),
            int(self.starts_today[home]), float(self.peak_kw[home]),
            tuple(LoadState(float(m), bool(r)) for m, r in zip(self.load_min[home], self.load_on[home], strict=True)),
            float(self.buffer_c[home]), float(self.legionella_h[home]), float(self.hot_h[home]),
        )  # fmt: skip


def nothing() -> Floats:
    """Return the power of a device that is not asked for anything."""
    return np.zeros(1)


@dataclass(eq=False)
class Command:
    """What is asked of the devices in a step; arrays of shape (H,), or (1,) for all homes alike.

    Attributes:
        mode: What the compressor should do, as codes.
        heat_kw: Heat that it should give.
        electric_kw: Electricity that it should take, on top of its standby, instead of a heat.
        backup_room_kw: Backup heater into the room.
        backup_water_kw: Backup heater into the tank.
        charge_kw: Charge of the battery.
        discharge_kw: Discharge of the battery.
        vehicle_charge_kw: Charge of each vehicle, shape (H, vehicles).
        vehicle_discharge_kw: Discharge of each vehicle, likewise.
        emitter_kw: Heat that the emitters should take out of the buffer tank.
        load_kw: Power of each load that may wait, shape (H, loads).
        second_room_kw: Heat of the second heater for the room.
        second_water_kw: Heat of the second heater into the tank.
        part_run: Whether the compressor runs at full load for a part of the step, if it is asked for less heat.
    """

    mode: Codes = field(default_factory=lambda: np.zeros(1, dtype=np.int8))
    heat_kw: Floats = field(default_factory=nothing)
    electric_kw: Floats | None = None
    backup_room_kw: Floats = field(default_factory=nothing)
    backup_water_kw: Floats = field(default_factory=nothing)
    charge_kw: Floats = field(default_factory=nothing)
    discharge_kw: Floats = field(default_factory=nothing)
    vehicle_charge_kw: Floats = field(default_factory=lambda: np.zeros((1, 0)))
    vehicle_discharge_kw: Floats = field(default_factory=lambda: np.zeros((1, 0)))
    emitter_kw: Floats = field(default_factory=lambda: np.full(1, np.inf))
    load_kw: Floats = field(default_factory=lambda: np.zeros((1, 0)))
    part_run: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(1, dtype=bool))
    second_room_kw: Floats = field(default_factory=nothing)
    second_water_kw: Floats = field(default_factory=nothing)


#: What a simulation notes of every step, arrays of shape (steps, H).
NOTED = (
    "import_kw", "export_kw", "cut_kw", "over_kw", "heat_pump_kw", "backup_kw", "room_heat_kw", "water_heat_kw",
    "cool_heat_kw", "backup_room_kw", "backup_water_kw", "charge_kw", "discharge_kw", "vehicle_charge_kw",
    "vehicle_discharge_kw", "stranded_kwh", "short_kwh", "start", "held", "mode", "room_c", "tank_c", "top_c",
    "battery_kwh", "vehicle_kwh", "loads_kw",
    "buffer_c", "emitter_kw", "legionella_h", "second_room_kw", "second_water_kw",
)  # fmt: skip


class Trace:
    """What happened in a simulation: one array of shape (steps, H) for each name of :data:`NOTED`.

    Attributes:
        hours: Length of a step [h].
        first: Base step at which it begins.
        parts: Steps of the simulation in a base step.
    """

    def __init__(self, steps: int, homes: int, first: int, parts: int, hours: float) -> None:
        self.data: dict[str, Floats] = {name: np.zeros((steps, homes)) for name in NOTED}
        self.first, self.parts, self.hours = first, parts, hours

    def __getitem__(self, name: str) -> Floats:
        return self.data[name]

    @property
    def steps(self) -> int:
        """Steps of the simulation."""
        return len(self.data["import_kw"])

    def base(self, name: str) -> Floats:
        """Return the means over base steps, shape (base steps, H)."""
        values = self.data[name]
        return np.asarray(values.reshape(-1, self.parts, values.shape[1]).mean(axis=1))

    def at_end(self, name: str) -> Floats:
        """Return the values at the ends of base steps, shape (base steps, H)."""
        return self.data[name][self.parts - 1 :: self.parts]
