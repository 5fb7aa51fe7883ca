"""The system in oemof.solph; on/off plants get start-aware ramps as added Pyomo constraints (solph's own are plain)."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pyomo.environ as pyo  # type: ignore[import-untyped]

from benchmarks.peers.system import Plant, System

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from oemof import solph

logging.getLogger("pyomo").setLevel(logging.ERROR)


def energy_system(system: System, *, nonconvex: bool) -> Any:
    """Return the energy system; without ``nonconvex`` the plants are always on and their ramps plain."""
    es = solph.EnergySystem(
        timeindex=pd.date_range("2011-01-01", periods=system.hours + 1, freq="h"), infer_last_interval=False
    )
    buses = {bus.name: solph.Bus(label=bus.name) for bus in system.buses}
    fuel = solph.Bus(label="fuel")
    es.add(fuel, *buses.values(), solph.components.Source(label="fuel supply", outputs={fuel: solph.Flow()}))
    for bus in system.buses:
        here = buses[bus.name]
        fixed = solph.Flow(nominal_capacity=1, fix=bus.demand)
        es.add(solph.components.Sink(label=f"{bus.name} demand", inputs={here: fixed}))
        if bus.shortfall is not None:
            dear = solph.Flow(variable_costs=bus.shortfall)
            es.add(solph.components.Source(label=f"{bus.name} short", outputs={here: dear}))
        if bus.spill:
            es.add(solph.components.Sink(label=f"{bus.name} spill", inputs={here: solph.Flow()}))
    for plant in system.plants:
        es.add(_plant(plant, fuel, buses, nonconvex=nonconvex))
    for store in system.stores:
        area = buses[store.area]
        es.add(
            solph.components.GenericStorage(
                label=store.name,
                nominal_capacity=store.capacity,
                inputs={area: solph.Flow(nominal_capacity=store.charge_max)},
                outputs={area: solph.Flow(nominal_capacity=store.discharge_max)},
                initial_storage_level=store.start / store.capacity,
                balanced=False,
            )
        )
    for item in system.converters:
        area = buses[item.area]
        es.add(
            solph.components.Converter(
                label=item.name,
                inputs={buses[item.node]: solph.Flow()},
                outputs={area: solph.Flow(nominal_capacity=item.heat_max)},
                conversion_factors={area: item.heat_per_power},
            )
        )
    return es


def _plant(plant: Plant, fuel: Any, buses: dict[str, Any], *, nonconvex: bool) -> Any:
    limits: dict[str, Any] = {}
    if nonconvex:
        limits = {"minimum": plant.min_load, "nonconvex": solph.NonConvex()}
    elif plant.limits_ramp:
        limits = {"positive_gradient_limit": plant.ramp_share, "negative_gradient_limit": plant.ramp_share}
    inflow = solph.Flow(nominal_capacity=plant.fuel_max, variable_costs=plant.price, **limits)
    node = buses[plant.node]
    area = buses[plant.area] if plant.area is not None else None
    if plant.extraction:
        return solph.components.ExtractionTurbineCHP(
            label=plant.name,
            inputs={fuel: inflow},
            outputs={node: solph.Flow(), area: solph.Flow()},
            conversion_factors={node: plant.power_share, area: plant.heat_share},
            conversion_factor_full_condensation={node: plant.condensing_share},
        )
    outputs = {node: plant.power_share} | ({area: plant.heat_share} if area is not None else {})
    return solph.components.Converter(
        label=plant.name,
        inputs={fuel: inflow},
        outputs={bus: solph.Flow() for bus in outputs},
        conversion_factors=outputs,
    )


def build(es: Any, system: System, *, nonconvex: bool) -> Any:
    """Return the Pyomo model that solph makes of the energy system."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = solph.Model(es)
    if nonconvex:
        _start_aware_ramps(model, es, system)
    return model


def _start_aware_ramps(model: Any, es: Any, system: System) -> None:
    """``f - f' <= r F x' + SU (x - x')`` and ``f' - f <= r F x + SU (x' - x)`` with ``SU = max(r F, f_min)``."""
    nodes = {str(node.label): node for node in es.nodes}
    status = model.NonConvexFlowBlock.status
    slow = {p.name: p for p in system.plants if p.limits_ramp}
    hours = range(1, system.hours)

    def terms(name: str, t: int) -> tuple[Any, Any, Any, Any, float, float]:
        p, arc = slow[name], (nodes["fuel"], nodes[name])
        f, f_old, x, x_old = model.flow[arc, t], model.flow[arc, t - 1], status[arc, t], status[arc, t - 1]
        return f, f_old, x, x_old, p.ramp_share * p.fuel_max, max(p.ramp_share, p.min_load) * p.fuel_max

    def up(_: Any, name: str, t: int) -> Any:
        f, f_old, x, x_old, rate, start = terms(name, t)
        return f - f_old - start * x + (start - rate) * x_old <= 0

    def down(_: Any, name: str, t: int) -> Any:
        f, f_old, x, x_old, rate, start = terms(name, t)
        return f_old - f - start * x_old + (start - rate) * x <= 0

    model.ramp_up = pyo.Constraint(list(slow), list(hours), rule=up)
    model.ramp_down = pyo.Constraint(list(slow), list(hours), rule=down)


def write(model: Any, path: Path) -> None:
    """Write the model as an LP file, which is how Pyomo hands it to a solver."""
    model.write(str(path), format="lp")
