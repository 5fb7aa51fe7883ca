"""The heat pump of a home: one compressor, which heats the room or the hot water (3-way valve), never both.

Per mode m: ``low x_m <= q_m <= high x_m`` and electricity ``a x_m + b q_m``, exact at smallest and full load at the
slot's temperatures; ``sum of x_m <= 1``; starts, minimum run and pause belong to the compressor, not to the mode.
A backup heater adds heat at a COP of 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from varme.components.base import Block, Cost, Port
from varme.components.home import ELECTRICITY, ROOM, WATER, Slots, Surroundings
from varme.components.hot_water_tank import HotWaterTank
from varme.components.house import House
from varme.ground.size import Size
from varme.ground.spec import Spec
from varme.kernel.model import Floats, Ints, Model, Number, Var
from varme.physics.performance_map import PerformanceMap, PerformancePoint, map_from

Mode = Literal["room", "water", "cool"]


class PointSpec(Spec):
    """A point of a data sheet."""

    source_c: float
    """Outdoor air or brine temperature [C]."""
    flow_c: float
    """Flow temperature [C]."""
    point_cop: float = Field(gt=1, lt=12)
    """COP at the point."""
    heat_kw: float | None = Field(default=None, gt=0)
    """Heat at full load, if it is known."""


class HomeHeatPump(Spec):
    """A heat pump of a home."""

    source: Literal["air", "brine"] = "air"
    """Where its heat comes from."""
    rated_kw: Size = 6.0
    """Heat at full load at a source of -7 C (brine: 0 C) and a flow of 35 C."""
    points: list[PointSpec] = Field(default=[])
    """Points of the data sheet; the median machine without any."""
    minimum_share: float = Field(default=0.3, ge=0, le=1)
    """Smallest heat over full load at -7 C."""
    run_min: float = Field(default=30.0, ge=0)
    """Shortest run of the compressor [min]."""
    pause_min: float = Field(default=15.0, ge=0)
    """Shortest pause of the compressor [min]."""
    start_cost_eur: float = Field(default=0.02, ge=0)
    """Wear of a start (assumption)."""
    standby_w: float = Field(default=10.0, ge=0)
    """Electricity when off."""
    backup_kw: float = Field(default=6.0, ge=0)
    """Electric backup heater, for room and hot water."""
    water_approach_k: float = Field(default=5.0, ge=0)
    """Flow temperature above the tank's when hot water is made."""


@dataclass(frozen=True, eq=False)
class HeatPumpNumbers:
    """A heat pump compiled over the base grid; M modes.

    Attributes:
        modes: The modes that it has.
        heat_min_kw: Smallest heat when on, shape (M, N).
        heat_max_kw: Heat at full load, shape (M, N).
        electric_on_kw: a of ``electricity = a x + b q``, shape (M, N).
        electric_per_heat: b, shape (M, N).
        available: 1 where it may run, shape (N,).
        run_min: Shortest run [min].
        pause_min: Shortest pause [min].
        start_cent: Cost of a start.
        standby_kw: Electricity when off.
        backup_kw: Electric backup heater.
    """

    modes: tuple[Mode, ...]
    heat_min_kw: Floats
    heat_max_kw: Floats
    electric_on_kw: Floats
    electric_per_heat: Floats
    available: Floats
    run_min: float
    pause_min: float
    start_cent: float
    standby_kw: float
    backup_kw: float

    def take(self, slots: Slots) -> HeatPumpNumbers:
        """Return the numbers over slots."""
        return HeatPumpNumbers(
            self.modes, slots.mean(self.heat_min_kw), slots.mean(self.heat_max_kw), slots.mean(self.electric_on_kw),
            slots.mean(self.electric_per_heat), slots.least(self.available), self.run_min, self.pause_min,
            self.start_cent, self.standby_kw, self.backup_kw,
        )  # fmt: skip


def performance(spec: HomeHeatPump, rated_kw: float) -> PerformanceMap:
    """Return the map of COP and capacity of a heat pump of a given size."""
    points = [PerformancePoint(p.source_c, p.flow_c, p.point_cop, p.heat_kw) for p in spec.points]
    return map_from(points, rated_kw, spec.minimum_share)


def compiled(
    spec: HomeHeatPump, seen: Surroundings, house: House | None, tank: HotWaterTank | None, rated_kw: float
) -> HeatPumpNumbers:
    """Return the numbers of a heat pump between its surroundings, the emitters and the tank."""
    machine = performance(spec, rated_kw)
    source = seen.outdoor_c if spec.source == "air" else seen.ground_c
    modes: list[Mode] = []
    low: list[Floats] = []
    high: list[Floats] = []
    on: list[Floats] = []
    slope: list[Floats] = []
    for mode, present in (("room", house is not None), ("water", tank is not None)):
        if not present:
            continue
        modes.append(mode)  # type: ignore[arg-type]
        if mode == "room":
            assert house is not None
            q_high = machine.heat_max_kw(source, house.flow_c(machine.heat_max_kw(source, 35.0)))
            q_low = np.minimum(machine.heat_min_kw(source, house.flow_c(0.3 * q_high)), q_high)
            flow_low, flow_high = house.flow_c(q_low), house.flow_c(q_high)
        else:
            assert tank is not None
            mean_c = (tank.temperature_min_c + tank.temperature_max_c) / 2
            flow_low = flow_high = np.full(seen.grid.n, mean_c + spec.water_approach_k)
            q_high = machine.heat_max_kw(source, flow_high)
            q_low = np.minimum(machine.heat_min_kw(source, flow_low), q_high)
        p_low = q_low / machine.cop(source, flow_low, q_low / q_high)
        p_high = q_high / machine.cop(source, flow_high, 1.0)
        b = np.where(
            q_high - q_low > 1e-6, (p_high - p_low) / np.maximum(q_high - q_low, 1e-6), p_high / q_high
        )
        low, high = [*low, q_low], [*high, q_high]
        on, slope = [*on, p_low - b * q_low], [*slope, b]
    return HeatPumpNumbers(
        tuple(modes), np.stack(low), np.stack(high), np.stack(on), np.stack(slope), np.ones(seen.grid.n), spec.run_min,
        spec.pause_min, 100 * spec.start_cost_eur, spec.standby_w / 1e3, spec.backup_kw,
    )  # fmt: skip


def within(slots: Slots, minutes: float) -> list[Floats]:
    """Return, for lags 0, 1, 2..., whether a switch that many slots ago still binds in each slot, arrays (n,) of 0/1.

    A compressor that starts at the start of slot s must run in all slots that begin less than ``minutes`` later.
    """
    start, out = slots.start_h * 60, []
    for lag in range(slots.n):
        binds = np.zeros(slots.n)
        binds[lag:] = (start[lag:] - start[: slots.n - lag] < minutes - 1e-9) | (lag == 0)
        if not binds.any():
            break
        out.append(binds)
    return out


def block(numbers: HeatPumpNumbers, model: Model, slots: Slots) -> Block:
    """Add the modes, the compressor and the backup heater."""
    ports: list[Port] = []
    status: list[Var] = []
    for m, mode in enumerate(numbers.modes):
        x = model.var(f"heat_pump.{mode}_on", upper=numbers.available, integer=True, history=1)
        q = model.var(f"heat_pump.{mode}_heat")
        model.add(f"heat_pump.{mode}_max", [(1.0, q.now), (-numbers.heat_max_kw[m], x.now)], upper=0.0)
        model.add(f"heat_pump.{mode}_min", [(1.0, q.now), (-numbers.heat_min_kw[m], x.now)], lower=0.0)
        bus = WATER if mode == "water" else ROOM
        ports.append(Port(bus, q, -1.0 if mode == "cool" else 1.0))
        ports.append(Port(ELECTRICITY, q, -numbers.electric_per_heat[m]))
        ports.append(Port(ELECTRICITY, x, -numbers.electric_on_kw[m]))
        status.append(x)
        if numbers.backup_kw and mode != "cool":
            extra = model.var(f"backup.{mode}", upper=numbers.backup_kw)
            ports += [Port(bus, extra, 1.0), Port(ELECTRICITY, extra, -1.0)]
    runs, pauses = within(slots, numbers.run_min), within(slots, numbers.pause_min)
    start = model.var("heat_pump.start", upper=1.0, cost=numbers.start_cent, history=len(runs) - 1)
    stop = model.var("heat_pump.stop", upper=1.0, history=len(pauses) - 1)
    now: list[tuple[Number, Ints]] = [(1.0, x.now) for x in status]
    before: list[tuple[Number, Ints]] = [(1.0, x.lag(1)) for x in status]
    switch = [(1.0, start.now), (-1.0, stop.now), *((-1.0, i) for _, i in now), *before]
    model.add("heat_pump.switch", switch, lower=0.0, upper=0.0)
    model.add("heat_pump.exclusive", now, lower=0.0, upper=1.0)
    for name, var, lags, sign in (("run", start, runs, -1.0), ("pause", stop, pauses, 1.0)):
        terms: list[tuple[Number, Ints]] = [(binds, var.lag(lag)) for lag, binds in enumerate(lags)]
        terms += [(sign, i) for _, i in now]
        model.add(f"heat_pump.{name}_min", terms, upper=0.0 if sign < 0 else 1.0)
    return Block("heat_pump", ports, [Cost("starts", start, numbers.start_cent)])
