"""The system in PyPSA: plants are Links from a fuel bus, extraction is a second Link that gives up power for heat."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.peers.system import System

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pypsa

logging.getLogger("pypsa").setLevel(logging.ERROR)
logging.getLogger("linopy").setLevel(logging.ERROR)


def network(system: System, *, committable: bool) -> Any:
    """Return the network: ``committable`` plants are on or off with start-aware ramps, others have plain ramps."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _network(system, committable=committable)


def _network(system: System, *, committable: bool) -> Any:
    n = pypsa.Network()
    n.set_snapshots(list(range(system.hours)))
    n.add("Carrier", ["fuel", "heat", "electricity"])
    n.add("Bus", "fuel", carrier="fuel")
    n.add("Generator", "fuel", bus="fuel", p_nom=1e6, carrier="fuel")
    for bus in system.buses:
        n.add("Bus", bus.name, carrier="heat")
        n.add("Load", f"{bus.name} demand", bus=bus.name, p_set=pd.Series(bus.demand, index=n.snapshots))
        if bus.shortfall is not None:
            n.add("Generator", f"{bus.name} short", bus=bus.name, p_nom=1e5, marginal_cost=bus.shortfall)
        if bus.spill:
            n.add("Generator", f"{bus.name} spill", bus=bus.name, p_nom=1e5, sign=-1)
    _plants(n, system, committable=committable)
    for store in system.stores:
        n.add(
            "StorageUnit", store.name, bus=store.area, p_nom=max(store.charge_max, store.discharge_max),
            max_hours=store.capacity / max(store.charge_max, store.discharge_max),
            p_max_pu=store.discharge_max / max(store.charge_max, store.discharge_max),
            p_min_pu=-store.charge_max / max(store.charge_max, store.discharge_max),
            state_of_charge_initial=store.start, cyclic_state_of_charge=False,
        )  # fmt: skip
    for item in system.converters:
        n.add(
            "Link", item.name, bus0=item.node, bus1=item.area, efficiency=item.heat_per_power,
            p_nom=item.heat_max / item.heat_per_power,
        )  # fmt: skip
    return n


def _plants(n: Any, system: System, *, committable: bool) -> None:
    plants = system.plants
    limits = np.array([p.ramp_share if p.limits_ramp else np.nan for p in plants])
    start = np.array([max(p.ramp_share, p.min_load) if p.limits_ramp else np.nan for p in plants])
    extra: dict[str, Any] = {}
    if committable:
        extra = {
            "committable": True,
            "p_min_pu": [p.min_load for p in plants],
            "ramp_limit_start_up": start,
            "ramp_limit_shut_down": start,
        }
    n.add(
        "Link",
        [p.name for p in plants],
        bus0="fuel",
        bus1=[p.node for p in plants],
        bus2=["" if p.area is None or p.extraction else p.area for p in plants],
        efficiency=[p.condensing_share if p.extraction else p.power_share for p in plants],
        efficiency2=[p.heat_share if p.area is not None and not p.extraction else 0.0 for p in plants],
        p_nom=[p.fuel_max for p in plants],
        marginal_cost=[p.price for p in plants],
        ramp_limit_up=limits,
        ramp_limit_down=limits,
        **extra,
    )
    tapped = [p for p in plants if p.extraction]
    n.add(
        "Link",
        [f"{p.name} heat" for p in tapped],
        bus0=[p.node for p in tapped],
        bus1=[p.area for p in tapped],
        efficiency=[1 / p.cv for p in tapped],
        p_nom=[p.cv * p.heat_share * p.fuel_max for p in tapped],
    )


def extraction_lines(system: System, n: Any) -> None:
    """Add ``q <= eta_q f`` to the network's model: the back-pressure line of the extraction plants."""
    power = n.model.variables["Link-p"]
    for p in system.plants:
        if p.extraction:
            lhs = power.sel(name=f"{p.name} heat") / p.cv - p.heat_share * power.sel(name=p.name)
            n.model.add_constraints(lhs <= 0, name=f"back pressure of {p.name}")


def build(n: Any, system: System, snapshots: Any = None) -> Any:
    """Return the linopy model that PyPSA makes of the network."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = n.optimize.create_model(snapshots=snapshots)
        extraction_lines(system, n)
    return model


def hand_over(model: Any) -> Any:
    """Return a HiGHS object that holds the model."""
    return model.to_highspy()


def roll(n: Any, system: System, horizon: int, overlap: int) -> None:
    """Run PyPSA's own rolling horizon with HiGHS on one thread.

    Raises:
        RuntimeError: if PyPSA left hours without an answer.
    """
    whole = (system.hours - overlap) // (horizon - overlap) * (horizon - overlap)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        n.optimize.optimize_with_rolling_horizon(
            snapshots=n.snapshots[: whole + overlap], horizon=horizon, overlap=overlap, solver_name="highs",
            extra_functionality=lambda network, _: extraction_lines(system, network), threads=1, output_flag=False,
            progress=False,
        )  # fmt: skip
    if n.links_t.p0.iloc[:whole].isna().to_numpy().any():
        raise RuntimeError("PyPSA left hours without an answer")
