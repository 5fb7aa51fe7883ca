"""The system in linopy: blocks over (plant, hour), as its documentation recommends."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import linopy
import numpy as np
import pandas as pd
import xarray as xr

from benchmarks.peers.system import Plant, System


def build(system: System, *, binary: bool) -> Any:
    """Return the linopy model, with on/off as binaries or relaxed to 0..1; the ramps are start-aware either way."""
    model = linopy.Model()
    hour = pd.RangeIndex(system.hours, name="hour")
    plants = system.plants
    unit = pd.Index([p.name for p in plants], name="unit")

    full = over([p.fuel_max for p in plants], unit)
    least = over([p.fuel_max * p.min_load for p in plants], unit)
    every_hour = xr.DataArray(np.ones(system.hours), coords=[hour])
    fuel = model.add_variables(lower=0.0, upper=full * every_hour, name="fuel")
    if binary:
        status = model.add_variables(binary=True, coords=[unit, hour], name="status")
    else:
        status = model.add_variables(lower=0.0, upper=1.0, coords=[unit, hour], name="status")
    model.add_constraints(fuel - full * status <= 0, name="max")
    model.add_constraints(fuel - least * status >= 0, name="min")
    _ramps(model, fuel, status, plants)

    tapped = [p for p in plants if p.extraction]
    heat = None
    if tapped:
        names = pd.Index([p.name for p in tapped], name="unit")
        most = over([p.fuel_max * p.heat_share for p in tapped], names)
        heat = model.add_variables(lower=0.0, upper=most * every_hour, name="heat")
        share = over([p.heat_share for p in tapped], names)
        model.add_constraints(heat - share * fuel.sel(unit=names) <= 0, name="back_pressure")

    supply = {bus.name: _from_plants(bus.name, plants, fuel, heat) for bus in system.buses}
    _stores(model, system, supply, hour)
    for item in system.converters:
        out = model.add_variables(lower=0.0, upper=item.heat_max, coords=[hour], name=item.name)
        supply[item.area].append(1.0 * out)
        supply[item.node].append((-1.0 / item.heat_per_power) * out)
    costs = [(over([p.price for p in plants], unit) * fuel).sum()]
    for bus in system.buses:
        if bus.shortfall is not None:
            short = model.add_variables(lower=0.0, coords=[hour], name=f"{bus.name} short")
            supply[bus.name].append(1.0 * short)
            costs.append((bus.shortfall * short).sum())
        if bus.spill:
            supply[bus.name].append(
                -1.0 * model.add_variables(lower=0.0, coords=[hour], name=f"{bus.name} spill")
            )
        demand = xr.DataArray(bus.demand, coords=[hour])
        model.add_constraints(
            linopy.merge(supply[bus.name], cls=linopy.LinearExpression) == demand, name=bus.name
        )
    model.add_objective(sum(costs[1:], start=costs[0]))
    return model


def over(values: Sequence[float], index: pd.Index) -> xr.DataArray:
    """Return coefficients over an index."""
    return xr.DataArray(np.asarray(values, dtype=float), coords=[index])


def _from_plants(bus: str, plants: Sequence[Plant], fuel: Any, heat: Any) -> list[Any]:
    """Return what the plants give to a bus."""
    out: list[Any] = []

    def give(variable: Any, shares: dict[str, float]) -> None:
        if shares:
            index = pd.Index(list(shares), name="unit")
            out.append((over(list(shares.values()), index) * variable.sel(unit=index)).sum("unit"))

    power = [p for p in plants if p.node == bus]
    give(fuel, {p.name: p.condensing_share if p.extraction else p.power_share for p in power})
    give(fuel, {p.name: p.heat_share for p in plants if p.area == bus and not p.extraction})
    give(heat, {p.name: -p.cv for p in power if p.extraction})
    give(heat, {p.name: 1.0 for p in plants if p.area == bus and p.extraction})
    return out


def _ramps(model: Any, fuel: Any, status: Any, plants: Sequence[Plant]) -> None:
    """``f - f' <= r F x' + SU (x - x')`` and ``f' - f <= r F x + SU (x' - x)`` with ``SU = max(r F, f_min)``."""
    slow = [p for p in plants if p.limits_ramp]
    if not slow:
        return
    unit = pd.Index([p.name for p in slow], name="unit")
    rate = xr.DataArray([p.ramp_share * p.fuel_max for p in slow], coords=[unit])
    start = xr.DataArray([max(p.ramp_share, p.min_load) * p.fuel_max for p in slow], coords=[unit])
    f, x = fuel.sel(unit=unit), status.sel(unit=unit)
    later, before = slice(1, None), slice(None, -1)
    hour = f.coords["hour"][1:]
    f_now, x_now = f.isel(hour=later), x.isel(hour=later)
    f_old = f.isel(hour=before).assign_coords(hour=hour)
    x_old = x.isel(hour=before).assign_coords(hour=hour)
    model.add_constraints(f_now - f_old - start * x_now + (start - rate) * x_old <= 0, name="ramp_up")
    model.add_constraints(f_old - f_now - start * x_old + (start - rate) * x_now <= 0, name="ramp_down")


def _stores(model: Any, system: System, supply: dict[str, list[Any]], hour: pd.Index) -> None:
    """``L = L' + c - d``."""
    stores = system.stores
    if not stores:
        return
    store = pd.Index([s.name for s in stores], name="store")

    def block(name: str, most: list[float]) -> Any:
        upper = xr.DataArray(np.repeat(np.array(most)[:, None], system.hours, 1), coords=[store, hour])
        return model.add_variables(lower=0.0, upper=upper, name=name)

    level = block("level", [s.capacity for s in stores])
    charge = block("charge", [s.charge_max for s in stores])
    discharge = block("discharge", [s.discharge_max for s in stores])
    first = xr.DataArray(np.zeros((len(stores), system.hours)), coords=[store, hour])
    first[:, 0] = [s.start for s in stores]
    with warnings.catch_warnings():  # the level before the first hour stands on the right
        warnings.simplefilter("ignore")
        model.add_constraints(level - level.shift(hour=1) - charge + discharge == first, name="storage")
    for area in {s.area for s in stores}:
        names = [s.name for s in stores if s.area == area]
        supply[area].append((discharge.sel(store=names) - charge.sel(store=names)).sum("store"))


def hand_over(model: Any) -> Any:
    """Return a HiGHS object that holds the model."""
    return model.to_highspy()
