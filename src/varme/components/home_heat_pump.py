"""The heat pump of a home: one compressor, which heats the room or the hot water (3-way valve), never both.

Per mode m: ``low x_m <= q_m <= high x_m`` and electricity ``a x_m + b q_m``, exact at smallest and full load at the
slot's temperatures; ``sum of x_m <= 1``; starts, minimum run and pause belong to the compressor, not to the mode.
A backup heater adds heat at a COP of 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from varme.components.base import Block, Cost, Port
from varme.components.heat_pump_machine import (
    Machine,
    full_load_kw,
    model_of,
    operation_limit_c,
    performance,
    source_of,
    standby_w,
)
from varme.components.heat_pump_spec import HomeHeatPump, PointSpec
from varme.components.home import ELECTRICITY, ROOM, WATER, Slots, Surroundings
from varme.components.hot_water_tank import HotWaterTank
from varme.components.house import House
from varme.data.catalogue.heat_pumps import HeatPumpModel
from varme.kernel.model import Floats, Ints, Model, Number, Var
from varme.physics.performance_map import PerformanceMap

__all__ = [
    "MODE_CODES", "HeatPumpNumbers", "HomeHeatPump", "Machine", "Mode", "PointSpec", "block", "compiled", "pausing",
    "performance", "planned_room_c", "step", "within",
]  # fmt: skip

Mode = Literal["room", "water", "cool"]


@dataclass(frozen=True, eq=False)
class HeatPumpNumbers:
    """A heat pump compiled over the base grid; M modes.

    Electricity is ``standby_kw + electric_on_kw * x + electric_per_heat * q`` with x = 1 while the compressor runs in a
    mode: ``standby_kw`` is drawn always, ``electric_on_kw`` is what comes on top of it, so a running machine draws what
    its COP says. For the mode "water" the numbers of the modes hold at the mean temperature of the tank; the pairs
    ``water_*`` hold at a cool and a hot tank, with a straight line between them (:meth:`water_at`).

    Attributes:
        modes: The modes that it has.
        heat_min_kw: Smallest heat (cold in the mode "cool") when on, shape (M, N).
        heat_max_kw: Heat (cold) at full load, shape (M, N).
        electric_on_kw: a of ``electricity = a x + b q``, shape (M, N).
        electric_per_heat: b, shape (M, N).
        available: 1 where it may run, shape (N,): not in blocking times, not below its operation limit.
        run_min: Shortest run [min].
        pause_min: Shortest pause [min].
        start_cent: Cost of a start.
        standby_kw: Electricity drawn always, also when off.
        backup_kw: Electric backup heater.
        starts_per_day_max: Most starts of the compressor in a local calendar day; infinite for none.
        electric_max_kw: Most electricity of compressor and backup heater, shape (N,); ``None`` for no limit. A grid
            operator that dims leaves at least 4.2 kW (German EnWG 14a).
        water_low_c: Temperature of the cool tank of the pairs; NaN without the mode "water".
        water_high_c: Temperature of the hot tank of the pairs.
        water_heat_min_kw: Smallest heat at the cool and the hot tank, shape (2, N); ``None`` without "water".
        water_heat_max_kw: Heat at full load, likewise.
        water_electric_on_kw: a, likewise.
        water_electric_per_heat: b, likewise.
        water_max_c: Highest tank temperature that the compressor reaches; above it only the backup heater heats.
        flow_c: Flow temperature at full load, shape (M, N); ``None`` if it was not computed.
        cop_error_share: Standard deviation of the COP, as a share of it: of heating, the median of the study.
        machine: The machine behind the numbers, for simulations at the temperatures that really occur.
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
    starts_per_day_max: float = np.inf
    electric_max_kw: Floats | None = None
    water_low_c: float = np.nan
    water_high_c: float = np.nan
    water_heat_min_kw: Floats | None = None
    water_heat_max_kw: Floats | None = None
    water_electric_on_kw: Floats | None = None
    water_electric_per_heat: Floats | None = None
    water_max_c: float = np.inf
    flow_c: Floats | None = None
    cop_error_share: float = 0.0
    machine: Machine | None = None

    def take(self, slots: Slots) -> HeatPumpNumbers:
        """Return the numbers over slots."""

        def mean(values: Floats | None) -> Floats | None:
            return None if values is None else slots.mean(values)

        return replace(
            self,
            heat_min_kw=slots.mean(self.heat_min_kw),
            heat_max_kw=slots.mean(self.heat_max_kw),
            electric_on_kw=slots.mean(self.electric_on_kw),
            electric_per_heat=slots.mean(self.electric_per_heat),
            available=slots.least(self.available),
            electric_max_kw=None if self.electric_max_kw is None else slots.least(self.electric_max_kw),
            water_heat_min_kw=mean(self.water_heat_min_kw),
            water_heat_max_kw=mean(self.water_heat_max_kw),
            water_electric_on_kw=mean(self.water_electric_on_kw),
            water_electric_per_heat=mean(self.water_electric_per_heat),
            flow_c=mean(self.flow_c),
        )

    def water_at(self, tank_c: Floats | float) -> tuple[Floats, Floats, Floats, Floats]:
        """Return smallest heat, full load, a and b of the mode "water" at tank temperatures.

        Straight lines through the pairs, held beyond them.

        Args:
            tank_c: Tank temperature, broadcast against the time axis: a number, shape (n,), or (homes, 1).

        Raises:
            ValueError: if it has no mode "water".
        """
        pairs = (
            self.water_heat_min_kw,
            self.water_heat_max_kw,
            self.water_electric_on_kw,
            self.water_electric_per_heat,
        )
        if any(pair is None for pair in pairs):
            raise ValueError("the heat pump makes no hot water")
        span = max(self.water_high_c - self.water_low_c, 1e-9)
        share = np.clip((np.asarray(tank_c, dtype=float) - self.water_low_c) / span, 0.0, 1.0)
        low, full, on, slope = (p[0] + share * (p[1] - p[0]) for p in pairs if p is not None)
        return low, full, on, slope


def compiled(
    spec: HomeHeatPump,
    seen: Surroundings,
    house: House | None,
    tank: HotWaterTank | None,
    rated_kw: float,
    model: HeatPumpModel | None = None,
) -> HeatPumpNumbers:
    """Return the numbers of a heat pump between its surroundings, the emitters and the tank.

    Args:
        spec: The heat pump.
        seen: The surroundings.
        house: The house that it heats, if any.
        tank: The tank that it charges, if any.
        rated_kw: Heat at full load at the reference.
        model: Its model of a catalogue.
    """
    if model is None:
        model = model_of(spec)
    machine = performance(spec, rated_kw, model)
    source = seen.outdoor_c if source_of(spec, model) == "air" else seen.ground_c
    standby = standby_w(spec, model) / 1e3
    runs = source >= operation_limit_c(spec, model)
    for hours in spec.blocked:
        runs = runs & ~hours.mask(seen)
    ends: dict[str, _Ends] = {}
    if house is not None:
        ends["room"] = _room(machine, house, source, seen.outdoor_c)
    edges = (np.nan, np.nan)
    if tank is not None:
        edges = (tank.temperature_min_c, tank.temperature_max_c)
        for name, tank_c in (("water", sum(edges) / 2), ("cool tank", edges[0]), ("hot tank", edges[1])):
            ends[name] = _at_flow(machine, source, tank_c + spec.water_approach_k)
    lines = dict(zip(ends, _lines(machine, source, list(ends.values()), standby), strict=True))
    pair = [lines.pop(name) for name in ("cool tank", "hot tank") if name in lines]
    if spec.reversible and house is not None and house.can_cool:
        lines["cool"] = _cool(machine, house, seen.outdoor_c, standby)
    every = list(lines.values())
    some = slice(None, None, max(seen.grid.n // 12, 1))
    error = float(np.median(machine.cop_error_share(source[some], every[0].flow_c[some]))) if ends else 0.0
    numbers = HeatPumpNumbers(
        tuple(lines),  # type: ignore[arg-type]
        np.stack([x.heat_min_kw for x in every]),
        np.stack([x.heat_max_kw for x in every]),
        np.stack([x.electric_on_kw for x in every]),
        np.stack([x.electric_per_heat for x in every]),
        runs.astype(float),
        spec.run_min,
        spec.pause_min,
        100 * spec.start_cost_eur,
        standby,
        spec.backup_kw,
        starts_per_day_max=np.inf if spec.starts_per_day_count is None else float(spec.starts_per_day_count),
        water_max_c=machine.flow_max_c - spec.water_approach_k,
        flow_c=np.stack([x.flow_c for x in every]),
        cop_error_share=error,
        machine=Machine(machine, house, source, spec.water_approach_k),
    )
    if tank is None:
        return numbers
    return replace(
        numbers,
        water_low_c=edges[0],
        water_high_c=edges[1],
        water_heat_min_kw=np.stack([x.heat_min_kw for x in pair]),
        water_heat_max_kw=np.stack([x.heat_max_kw for x in pair]),
        water_electric_on_kw=np.stack([x.electric_on_kw for x in pair]),
        water_electric_per_heat=np.stack([x.electric_per_heat for x in pair]),
    )


@dataclass(frozen=True, eq=False)
class _Line:
    """Limits of the heat, the straight line of the electricity, and the flow at full load, arrays of shape (N,)."""

    heat_min_kw: Floats
    heat_max_kw: Floats
    electric_on_kw: Floats
    electric_per_heat: Floats
    flow_c: Floats


@dataclass(frozen=True, eq=False)
class _Ends:
    """Smallest and full-load heat, each with its flow temperature, arrays of shape (N,)."""

    low_kw: Floats
    low_flow_c: Floats
    high_kw: Floats
    high_flow_c: Floats


#: By how much a planned room is warmer than the lower end of comfort while heat is made [K], over the outdoor
#: temperature [C]: means of the plans of 60 random homes, weighted by heat (`benchmarks/random_homes.py`, seeds 0 to
#: 59). In mild weather plans heat ahead. A kelvin is worth 1.4 % of the electricity in the cold, 3 % in mild weather.
ROOM_ABOVE_AT_C = (-6.0, -2.0, 2.0, 6.0, 10.0, 14.0)
ROOM_ABOVE_K = (0.35, 0.5, 0.65, 1.15, 1.6, 2.1)


def planned_room_c(house: House, outdoor_c: Floats | float) -> Floats:
    """Return the room temperature at which a plan's flow temperatures are taken [C], in the shape of the outdoor one.

    In the lower three quarters of a constant comfort band.
    """
    low, high = house.temperature_min_c, house.temperature_max_c
    above = np.interp(outdoor_c, ROOM_ABOVE_AT_C, ROOM_ABOVE_K)
    if not isinstance(low, (int, float)):
        return np.asarray(20.0 + above)
    width = float(high) - float(low) if isinstance(high, (int, float)) else np.inf
    return np.asarray(float(low) + np.minimum(above, 0.75 * max(width, 0.0)))


def _room(machine: PerformanceMap, house: House, source: Floats, outdoor: Floats) -> _Ends:
    """Return the ends of the line into the emitters: the flow follows the heat."""
    room_c = planned_room_c(house, outdoor)
    high = full_load_kw(machine, house, source, room_c)
    low = np.minimum(machine.heat_min_kw(source, house.flow_c(0.5 * high, room_c)), high)
    return _Ends(low, house.flow_c(low, room_c), high, house.flow_c(high, room_c))


def _at_flow(machine: PerformanceMap, source: Floats, flow_c: float) -> _Ends:
    """Return the ends of the line at one flow temperature; beyond the machine's highest those at its highest."""
    flow = np.full(len(source), min(flow_c, machine.flow_max_c))
    high = machine.heat_max_kw(source, flow)
    return _Ends(np.minimum(machine.heat_min_kw(source, flow), high), flow, high, flow)


def _lines(machine: PerformanceMap, source: Floats, ends: list[_Ends], standby: float) -> list[_Line]:
    """Return the straight lines of the electricity through smallest and full load; all COPs are found at once."""
    heat = np.stack([[e.low_kw, e.high_kw] for e in ends])
    flow = np.stack([[e.low_flow_c, e.high_flow_c] for e in ends])
    power = heat / machine.cop(source, flow, heat / machine.heat_max_kw(source, flow))
    span = heat[:, 1] - heat[:, 0]
    full = power[:, 1] / np.maximum(heat[:, 1], 1e-9)
    slope = np.where(span > 1e-6, (power[:, 1] - power[:, 0]) / np.maximum(span, 1e-6), full)
    on = power[:, 0] - slope * heat[:, 0] - standby
    return [_Line(e.low_kw, e.high_kw, on[i], slope[i], e.high_flow_c) for i, e in enumerate(ends)]


def _cool(machine: PerformanceMap, house: House, outdoor: Floats, standby: float) -> _Line:
    """Return the line of cooling: cold out of the room, at a flow that the emitters allow."""
    assert machine.cooling is not None
    water = np.full(len(outdoor), house.coolest_flow_c)
    high = np.minimum(machine.cooling.cold_max_kw(outdoor, water), house.cool_max_kw)
    low = np.minimum(machine.cooling.cold_min_kw(outdoor, water), high)
    slope = 1.0 / machine.cooling.eer(outdoor, water)
    return _Line(low, high, np.full(len(outdoor), -standby), slope, water)


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
    """Add the modes, the compressor and the backup heater.

    In each mode the heat is ``low x + y`` with ``0 <= y <= (high - low) x``: ``heat_pump.MODE_above`` is y. Minimum run
    and pause are those of Rajan and Takriti 2005 (IBM report RC23628), whose polytope has whole corners for one unit;
    a start at s forbids running in every earlier slot that ends less than a pause before it.
    """
    ports: list[Port] = []
    status: list[Var] = []
    extras: list[Var] = []
    for m, mode in enumerate(numbers.modes):
        low, room = numbers.heat_min_kw[m], numbers.heat_max_kw[m] - numbers.heat_min_kw[m]
        a, b = numbers.electric_on_kw[m], numbers.electric_per_heat[m]
        x = model.var(f"heat_pump.{mode}_on", upper=numbers.available, integer=True, history=1)
        y = model.var(f"heat_pump.{mode}_above", upper=room * (numbers.available > 0))
        model.add(f"heat_pump.{mode}_max", [(1.0, y.now), (-room, x.now)], upper=0.0)
        bus, sign = (WATER if mode == "water" else ROOM), (-1.0 if mode == "cool" else 1.0)
        ports += [Port(bus, x, sign * low), Port(bus, y, sign)]
        ports += [Port(ELECTRICITY, x, -(a + b * low)), Port(ELECTRICITY, y, -b)]
        status.append(x)
        if numbers.backup_kw and mode != "cool":
            extra = model.var(f"backup.{mode}", upper=numbers.backup_kw)
            ports += [Port(bus, extra, 1.0), Port(ELECTRICITY, extra, -1.0)]
            extras.append(extra)
    if len(extras) > 1:  # one heater, for room and hot water together
        model.add("backup.shared", [(1.0, e.now) for e in extras], upper=numbers.backup_kw)
    _compressor(numbers, model, slots, status)
    _limits(numbers, model, ports)
    return Block("heat_pump", ports, [Cost("starts", model.vars["heat_pump.start"], numbers.start_cent)])


def _compressor(numbers: HeatPumpNumbers, model: Model, slots: Slots, status: Sequence[Var]) -> None:
    """Add starts, minimum run and pause."""
    runs, pauses = within(slots, numbers.run_min), pausing(slots, numbers.pause_min)
    history = max(len(runs) - 1, len(pauses))
    start = model.var("heat_pump.start", upper=1.0, cost=numbers.start_cent, history=history)
    now: list[tuple[Number, Ints]] = [(1.0, x.now) for x in status]
    before: list[tuple[Number, Ints]] = [(1.0, x.lag(1)) for x in status]
    model.add("heat_pump.switch", [(1.0, start.now), *((-1.0, i) for _, i in now), *before], lower=0.0)
    run: list[tuple[Number, Ints]] = [(binds, start.lag(lag)) for lag, binds in enumerate(runs)]
    model.add("heat_pump.run_min", [*run, *((-1.0, i) for _, i in now)], upper=0.0)
    # Beyond the last slot stand columns of the history, each once in a row, with a coefficient of 0.
    slot = np.arange(slots.n)
    rest: list[tuple[Number, Ints]] = []
    for lead, binds in enumerate(pauses, start=1):
        later = np.minimum(slot + lead, slots.n - 1)
        column = np.where(slot + lead < slots.n, start.now[later], start.index[lead - 1])
        rest.append((binds, column.astype(np.int32)))
    model.add("heat_pump.pause_min", [*now, *rest], lower=-np.inf, upper=1.0)


def _limits(numbers: HeatPumpNumbers, model: Model, ports: Sequence[Port]) -> None:
    """Keep compressor and backup heater within the electricity that they may draw."""
    if numbers.electric_max_kw is None:
        return
    slot = np.flatnonzero(np.isfinite(numbers.electric_max_kw))
    if not len(slot):
        return
    terms: list[tuple[Number, Ints]] = [
        (-(p.coefficient[slot] if isinstance(p.coefficient, np.ndarray) else p.coefficient), p.var.now[slot])  # type: ignore[operator]
        for p in ports
        if p.bus == ELECTRICITY
    ]
    model.add("heat_pump.limit", terms, upper=numbers.electric_max_kw[slot])


def pausing(slots: Slots, minutes: float) -> list[Floats]:
    """Return, for leads 1, 2..., whether a start that many slots later comes too soon after each slot, arrays (n,)."""
    start, end, out = slots.start_h * 60, (slots.start_h + slots.step_h) * 60, []
    for lead in range(1, slots.n):
        binds = np.zeros(slots.n)
        binds[: slots.n - lead] = (start[lead:] - end[: slots.n - lead] < minutes - 1e-9) | (lead == 1)
        if not binds.any():
            break
        out.append(binds)
    return out


#: Modes as whole numbers, for arrays of homes.
MODE_CODES = {"off": 0, "room": 1, "water": 2, "cool": 3}


def step(
    numbers: HeatPumpNumbers,
    at: int,
    mode: Literal["room", "water", "cool"],
    heat_kw: Floats,
    sink_c: Floats,
    source_c: float | None = None,
    *,
    part_run: NDArray[np.bool_] | bool = False,
) -> tuple[Floats, Floats]:
    """Return heat and electricity of a running compressor in one mode (simulation view), shape (homes,).

    Heat is what is asked for, between smallest heat and full load; electricity is on top of the standby.

    Args:
        numbers: The heat pump over the base grid.
        at: Base step.
        mode: What it does.
        heat_kw: Heat asked for, shape (homes,).
        sink_c: Temperature of room or tank, shape (homes,).
        source_c: Source temperature: then limits and COP are those of the machine at the temperatures as they are;
            ``None`` for the straight lines that plans use.
        part_run: Whether it runs at full load for a part of the step if it is asked for less, shape (homes,).
    """
    machine, m = numbers.machine, numbers.modes.index(mode)
    if source_c is None or machine is None or mode == "cool":
        low, high, on, slope = (
            x[m, at]
            for x in (
                numbers.heat_min_kw,
                numbers.heat_max_kw,
                numbers.electric_on_kw,
                numbers.electric_per_heat,
            )
        )
        heat = np.clip(heat_kw, np.where(part_run, 0.0, low), high)
        return heat, np.asarray(np.where(part_run, heat * (on / high + slope), on + slope * heat))
    source = np.full(heat_kw.shape, source_c)
    lowest, highest = machine.limits_kw(mode, source, sink_c)
    heat = np.clip(heat_kw, np.where(part_run, 0.0, lowest), highest)
    load = np.where(part_run, highest, heat)
    power = machine.electric_kw(mode, source, sink_c, load) - numbers.standby_kw
    return heat, np.asarray(power * heat / load)
