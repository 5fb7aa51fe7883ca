"""From a case to the optimisation model of a window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from varme.components.base import Block, CommittedSpec, times
from varme.components.heat_store import HeatStore
from varme.components.site import BusBlock, add_bus
from varme.district.case import Case
from varme.ground.size import Decision
from varme.kernel.model import Floats, Model, Windowed

#: Names of the variables of a CO2 cap: emitted so far [kt], and how much of that is above the budget [kt].
CAP_TOTAL, CAP_EXCESS = "co2.total", "co2.excess"


@dataclass(frozen=True, eq=False)
class SystemModel:
    """A model with the blocks that it was made of."""

    model: Model
    blocks: dict[str, Block]
    buses: dict[str, BusBlock]


def build(case: Case, length: int, first: int = 0) -> SystemModel:
    """Build the model of a window of ``length`` steps from step ``first``.

    Args:
        case: The case.
        length: Steps of the window.
        first: First step.

    Raises:
        ModelError: P303 if a device builds an empty block.
    """
    model = Model(length, first)
    blocks = {name: device.block(name, model, case.env) for name, device in case.devices.items()}
    buses = {
        bus: add_bus(bus, spec, case.demand[bus], blocks, model, case.env)
        for bus, spec in case.buses.items()
        if has_ports(bus, blocks) or np.any(np.asarray(case.demand[bus]))
    }
    _add_cap(case, model, blocks)
    _end_levels(case, model)
    return SystemModel(model, blocks, buses)


def has_ports(bus: str, blocks: Mapping[str, Block]) -> bool:
    """Return whether any device stands on a bus."""
    return any(port.bus == bus for block in blocks.values() for port in block.ports)


def _add_cap(case: Case, model: Model, blocks: Mapping[str, Block]) -> None:
    """Add what has been emitted so far [kt], handed over at seams, and hold it under the budget of each step."""
    budget = case.env.co2_budget_kt
    terms = [
        (times(term.coefficient, -1e-3), term.var.now) for block in blocks.values() for term in block.co2
    ]
    if budget is None or not terms:
        return
    total = model.var(CAP_TOTAL, history=1)
    price = case.env.co2_excess_eur_per_t * 1e3
    excess = model.var(CAP_EXCESS, cost=price, upper=np.inf if price else 0.0)
    model.add("co2.sum", [(1.0, total.now), (-1.0, total.lag(1)), *terms], lower=0.0, upper=0.0)
    model.add("co2.limit", [(1.0, total.now), (-1.0, excess.now)], upper=Windowed(budget))


def _end_levels(case: Case, model: Model) -> None:
    """Ask for the final level of stores whose size is decided; of the others it is a bound of the level."""
    if model.length < case.grid.n:
        return
    for name, device in case.devices.items():
        if not isinstance(device, HeatStore) or not isinstance(device.capacity_mwh, Decision):
            continue
        if device.level_end_min_share:
            level, size = model.vars[f"{name}.level"], np.atleast_1d(model.vars[f"{name}.size"].now)
            terms = [(1.0, level.now[-1:]), (-device.level_end_min_share, size)]
            model.add(f"{name}.end_level", terms, lower=0.0)


def initial_state(case: Case) -> dict[str, Floats]:
    """Return the state before the horizon: store levels, and devices that are stated to be on or off.

    What is stated as free is absent, and so is chosen without cost.
    """
    state: dict[str, Floats] = {} if case.env.co2_budget_kt is None else {CAP_TOTAL: np.zeros(1)}
    for name, device in case.devices.items():
        if isinstance(device, HeatStore) and not isinstance(device.capacity_mwh, Decision):
            state[f"{name}.level"] = np.array([device.level_start_share * device.capacity_mwh])
        elif isinstance(device, CommittedSpec) and device.initial != "free":
            on = 1.0 if device.initial == "on" else 0.0
            state[f"{name}.status"] = np.array([on])
            state[f"{name}.start"] = np.array([0.0])
            state[f"{name}.stop"] = np.array([0.0])
            if not on:
                state[f"{name}.fuel"] = np.array([0.0])
                state[f"{name}.heat"] = np.array([0.0])
    return state


def sized_start_levels(case: Case, system: SystemModel) -> None:
    """Tie the level before the horizon to a store's size where that size is decided."""
    for name, device in case.devices.items():
        if isinstance(device, HeatStore) and isinstance(device.capacity_mwh, Decision):
            level = system.model.vars[f"{name}.level"].index[:1]
            size = np.atleast_1d(system.model.vars[f"{name}.size"].now)
            terms = [(1.0, level), (-device.level_start_share, size)]
            system.model.add(f"{name}.start_level", terms, lower=0.0, upper=0.0)
