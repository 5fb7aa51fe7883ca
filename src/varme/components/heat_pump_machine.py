"""From the spec of a heat pump to its machine: model of a catalogue, map of COP and capacity, emitters and tank."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from varme.components.heat_pump_spec import HomeHeatPump
from varme.components.house import House
from varme.data.catalogue.heat_pumps import HeatPumpModel, read_catalogue, typical_heat_pumps
from varme.ground.errors import Collector, InputError, Problem, VarmeError
from varme.ground.size import largest
from varme.kernel.model import Floats
from varme.physics.performance_map import (
    CAPACITY_PER_FLOW_K,
    CARNOT_MAX_SHARE,
    PerformanceMap,
    PerformancePoint,
    constant_map,
    cooling_from,
    map_from,
)

#: Highest flow temperature, standby electricity and operation limit where nothing is stated: medians of the Keymark's
#: machines (WTOL, PSB), and an assumption for the limit.
FLOW_MAX_C = {"air": 60.0, "brine": 65.0}
STANDBY_W = {"air": 15.0, "brine": 10.0}
OPERATION_LIMIT_C = -20.0
#: Standard error of a brine machine's certified COP as one of its temperatures alone: all are at 0 C brine, and two of
#: them at a flow of 30 C, with another load (they differ by 9 % on average; assumption: half of it).
BRINE_LOAD_ERROR = 0.05
#: Limits of the certificate's climate: an operation limit of -10 C says only that nothing colder was declared.
DECLARED_LIMIT_C = -10.0


def model_of(spec: HomeHeatPump, base: Path | None = None, where: str = "heat_pump") -> HeatPumpModel | None:
    """Return the model of a catalogue that a spec names, ``None`` if it names none.

    Args:
        spec: The heat pump.
        base: Folder of the study file.
        where: Field path, for messages.

    Raises:
        InputError: P140, P141 if the name is unknown or ambiguous; P142 if its source contradicts the spec's.
        DataError: P200, P240, P241 if the file cannot be used.
    """
    if spec.model is None:
        return None
    if spec.catalogue is None:
        catalogue = typical_heat_pumps()
    else:
        catalogue = read_catalogue((base or Path()) / spec.catalogue, f"{where}.catalogue")
    model = catalogue.find(spec.model, f"{where}.model")
    if model.source != spec.source and "source" in spec.model_fields_set:
        what = f"is an {model.source}/water machine, and the study states another source"
        raise InputError(
            Problem(
                "P142",
                f"{where}.source",
                what,
                repr(spec.source),
                "",
                f'Set source = "{model.source}", or leave it out.',
            )
        )
    return model


def looked_up(spec: HomeHeatPump, base: Path, problems: Collector) -> HeatPumpModel | None:
    """Return the model that a spec names, as :func:`model_of`; what is wrong with it is collected."""
    try:
        return model_of(spec, base)
    except VarmeError as error:
        problems.problems += error.problems
        return None


def source_of(spec: HomeHeatPump, model: HeatPumpModel | None = None) -> str:
    """Return ``air`` or ``brine``: the model's, else the spec's."""
    return spec.source if model is None else model.source


def size_kw(spec: HomeHeatPump, model: HeatPumpModel | None = None) -> float:
    """Return the heat at full load at the reference [kW]: the model's, unless the spec states one."""
    stated = "rated_kw" in spec.model_fields_set
    if model is None or stated or model.manufacturer == "typical" or model.full_kw is None:
        return largest(spec.rated_kw)
    if any(p.heat_kw is not None for p in model.points):
        return model.full_kw
    return model.full_kw / (1 + CAPACITY_PER_FLOW_K * (52.0 - 35.0))  # hplib states it at a flow of 52 C


def performance(spec: HomeHeatPump, rated_kw: float, model: HeatPumpModel | None = None) -> PerformanceMap:
    """Return the map of COP and capacity of a heat pump of a given size.

    Args:
        spec: The heat pump.
        rated_kw: Heat at full load at the reference.
        model: Its model; looked up beside the working folder if the spec names one and none is given.
    """
    if model is None:
        model = model_of(spec)
    flow_max = spec.flow_max_c or (None if model is None or np.isnan(model.flow_max_c) else model.flow_max_c)
    source = "brine" if source_of(spec, model) == "brine" else "air"
    highest = FLOW_MAX_C[source] if flow_max is None else flow_max
    if model is not None:
        whole = _modelled(spec, rated_kw, model)
    elif spec.carnot_share is not None or spec.lorenz_share is not None:
        whole = constant_map(
            spec.carnot_share or spec.lorenz_share or 0.0, rated_kw, spec.minimum_share, source=spec.source,
            form="lorenz" if spec.carnot_share is None else "carnot", defrost_share=spec.defrost_share,
            regulated=spec.regulated,
        )  # fmt: skip
    else:
        whole = map_from(
            [p.as_point() for p in spec.points], rated_kw, spec.minimum_share, source=spec.source,
            refrigerant=spec.refrigerant, regulated=spec.regulated,
        )  # fmt: skip
    cooling = None
    if spec.reversible:
        own = [PerformancePoint(p.outdoor_c, p.water_c, p.eer_cop, p.cold_kw) for p in spec.cooling_points]
        if not own and model is not None:
            own = [PerformancePoint(p.source_c, p.flow_c, p.cop) for p in model.cooling_points]
        cooling = cooling_from(rated_kw, own)
    return replace(whole, flow_max_c=highest, cooling=cooling, in_use_ratio=spec.in_use_ratio)


def _modelled(spec: HomeHeatPump, rated_kw: float, model: HeatPumpModel) -> PerformanceMap:
    """Return the map of a catalogue's model, scaled to a size."""
    scale = rated_kw / model.full_kw if model.full_kw else 1.0
    error = (
        model.cop_error_share
        if model.source == "air"
        else float(np.hypot(model.cop_error_share, BRINE_LOAD_ERROR))
    )
    points = [
        PerformancePoint(
            p.source_c, p.flow_c, p.cop, None, 1.0 if p.full_load else None, error
        )
        for p in model.points
        if PerformancePoint(p.source_c, p.flow_c, p.cop).carnot_share <= CARNOT_MAX_SHARE
    ]  # fmt: skip
    smallest = (
        None if model.minimum_kw is None or spec.minimum_share is not None else model.minimum_kw * scale
    )
    return map_from(
        points, rated_kw, spec.minimum_share, source=model.source, refrigerant=model.refrigerant or spec.refrigerant,
        regulated=spec.regulated and model.regulated, minimum_kw=smallest,
    )  # fmt: skip


def standby_w(spec: HomeHeatPump, model: HeatPumpModel | None = None) -> float:
    """Return the electricity drawn all the time [W]: stated, else the model's, else the Keymark's median."""
    if spec.standby_w is not None:
        return spec.standby_w
    if model is not None and np.isfinite(model.standby_w):
        return model.standby_w
    return STANDBY_W[source_of(spec, model)]


def operation_limit_c(spec: HomeHeatPump, model: HeatPumpModel | None = None) -> float:
    """Return the outdoor temperature below which the compressor stops [C]; minus infinity for brine."""
    if source_of(spec, model) == "brine":
        return -np.inf
    if spec.operation_limit_c is not None:
        return spec.operation_limit_c
    if model is not None and model.operation_limit_c < DECLARED_LIMIT_C:
        return model.operation_limit_c
    return OPERATION_LIMIT_C


@dataclass(frozen=True, eq=False)
class Machine:
    """The machine behind the numbers, for simulations at the temperatures that really occur.

    Attributes:
        performance: COP and capacity over source and flow temperature.
        house: The house whose emitters it feeds.
        source_c: Temperature of its source, shape (N,) over the base grid.
        water_approach_k: Flow temperature above the tank's.
    """

    performance: PerformanceMap
    house: House | None
    source_c: Floats
    water_approach_k: float

    def flow_c(self, mode: str, heat_kw: Floats, sink_c: Floats) -> Floats:
        """Return the flow temperature for a heat into a room or tank of a given temperature [C]."""
        if mode == "water" or self.house is None:
            return np.asarray(sink_c + self.water_approach_k, dtype=float)
        if mode == "cool":
            return np.broadcast_to(np.asarray(self.house.coolest_flow_c), np.shape(sink_c))
        return self.house.flow_c(heat_kw, sink_c)

    def limits_kw(self, mode: str, source_c: Floats, sink_c: Floats) -> tuple[Floats, Floats]:
        """Return the smallest heat (cold) when on and that at full load [kW]."""
        sink = np.asarray(sink_c, dtype=float)
        if mode == "cool":
            return self._cold_kw(source_c, sink)
        if mode == "water" or self.house is None:
            flow = self.flow_c(mode, np.zeros(1), sink)
            high = self.performance.heat_max_kw(source_c, flow)
            return np.minimum(self.performance.heat_min_kw(source_c, flow), high), high
        high = full_load_kw(self.performance, self.house, np.asarray(source_c, dtype=float), sink)
        low = self.performance.heat_min_kw(source_c, self.house.flow_c(0.3 * high, sink))
        return np.minimum(low, high), high

    def _cold_kw(self, source_c: Floats, sink_c: Floats) -> tuple[Floats, Floats]:
        cooling, house = self.performance.cooling, self.house
        if cooling is None or house is None:
            return np.zeros(np.shape(sink_c)), np.zeros(np.shape(sink_c))
        water = self.flow_c("cool", sink_c, sink_c)
        high = np.minimum(cooling.cold_max_kw(source_c, water), house.cool_max_kw)
        return np.minimum(cooling.cold_min_kw(source_c, water), high), high

    def electric_kw(self, mode: str, source_c: Floats, sink_c: Floats, heat_kw: Floats) -> Floats:
        """Return the electricity for a heat (cold) at a source and a sink (room or tank) temperature [kW]."""
        flow = self.flow_c(mode, heat_kw, sink_c)
        if mode == "cool":
            assert self.performance.cooling is not None
            return np.asarray(heat_kw / self.performance.cooling.eer(source_c, flow))
        full = self.performance.heat_max_kw(source_c, flow)
        return np.asarray(heat_kw / self.performance.cop(source_c, flow, heat_kw / full))


def full_load_kw(
    machine: PerformanceMap, house: House, source_c: Floats, room_c: Floats | float = 20.0
) -> Floats:
    """Return the heat at full load into the emitters, whose flow temperature depends on that same heat [kW].

    The fixed point ``q = capacity(source, flow(q))`` by repeated insertion, which contracts: a kW more heat raises the
    flow by a few kelvin, and a kelvin lowers the capacity by 0.2 %. Where the flow that it needs is above the machine's
    highest, the heat is what the emitters give at that flow.
    """
    heat = machine.heat_max_kw(source_c, 35.0)
    for _ in range(5):
        heat = machine.heat_max_kw(source_c, house.flow_c(heat, room_c))
    if not np.isfinite(machine.flow_max_c):
        return heat
    return np.asarray(np.minimum(heat, np.maximum(house.emitter_heat_kw(machine.flow_max_c, room_c), 0.0)))
