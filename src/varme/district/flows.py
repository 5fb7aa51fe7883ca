"""Reading an operation: what every device burns, makes, draws, costs and emits, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from varme.components.base import APART_CATEGORIES, Block, Port, Term
from varme.district.operate import Operation
from varme.kernel.model import Floats, Number, Windowed

#: Output above which a device counts as running [MW]; below it a value is numerical dust.
RUNNING_MW = 0.01


@dataclass(frozen=True, eq=False)
class DeviceFlows:
    """One device over the horizon; arrays of shape (n,), zeros where a quantity does not apply.

    Attributes:
        fuel_mw: Fuel burnt.
        power_out_mw: Electricity delivered to nodes.
        power_in_mw: Electricity drawn.
        heat_out_mw: Heat delivered to areas.
        heat_in_mw: Heat taken (stores charging, lines).
        status: 1 when on; running hours for devices without an on/off variable.
        level_mwh: Level of stores.
        co2_t: Emissions per step.
        costs_eur: Category -> cost over the horizon.
        starts: Number of starts.
    """

    fuel_mw: Floats
    power_out_mw: Floats
    power_in_mw: Floats
    heat_out_mw: Floats
    heat_in_mw: Floats
    status: Floats
    level_mwh: Floats
    co2_t: Floats
    costs_eur: dict[str, float] = field(default_factory=dict)
    starts: int = 0

    @property
    def running(self) -> Floats:
        """1 in steps in which the device runs, shape (n,)."""
        return self.status

    @property
    def cost_eur(self) -> float:
        """All costs, without what only steers the plan (CO2 cap, heat left in stores)."""
        return sum(value for category, value in self.costs_eur.items() if category not in APART_CATEGORIES)


def coefficients(number: Number, n: int) -> Floats:
    """Return a number of any form over the horizon, shape (n,)."""
    values = number.full if isinstance(number, Windowed) else np.asarray(number, dtype=float)
    return np.broadcast_to(values, (n,))


def read_flows(operation: Operation) -> dict[str, DeviceFlows]:
    """Return the flows of every device of an operation."""
    return {name: _device(block, operation) for name, block in operation.system.blocks.items()}


def _device(block: Block, operation: Operation) -> DeviceFlows:
    n = operation.case.grid.n
    values = operation.trajectories.values

    def total(terms: Sequence[Term]) -> Floats:
        out = np.zeros(n)
        for term in terms:
            out += coefficients(term.coefficient, n) * values[term.var.name]
        return out

    power_out, power_in = _split(block, "electricity:", values, n)
    heat_out, heat_in = _split(block, "heat:", values, n)
    readings = block.readings
    busiest = np.maximum.reduce([power_out, power_in, heat_out, heat_in])
    burning = total(readings.get("fuel_mw", ()))
    # A device without a minimum load may be committed at no output and no cost: that is not running.
    status = (np.maximum(busiest, burning) > RUNNING_MW).astype(float)
    if "status" in readings and operation.case.study.solve.mode == "milp":
        status *= np.round(total(readings["status"]), 6)
    before = {"on": 1.0, "off": 0.0}.get(
        getattr(operation.case.devices[block.name], "initial", "free"), status[0]
    )
    costs: dict[str, float] = {}
    for cost in block.costs:
        value = (
            np.sum(coefficients(cost.coefficient, n) * values[cost.var.name])
            if cost.var.index.ndim
            else (float(coefficients(cost.coefficient, 1)[0]) * float(values[cost.var.name]))
        )
        costs[cost.category] = costs.get(cost.category, 0.0) + float(value)
    return DeviceFlows(
        fuel_mw=burning,
        power_out_mw=power_out,
        power_in_mw=power_in,
        heat_out_mw=heat_out,
        heat_in_mw=heat_in,
        status=status,
        level_mwh=total(readings.get("level_mwh", ())),
        co2_t=total(block.co2),
        costs_eur=costs,
        starts=int(np.count_nonzero(np.diff(np.round(status), prepend=before) > 0)),
    )


def _split(block: Block, carrier: str, values: dict[str, Floats], n: int) -> tuple[Floats, Floats]:
    """Return what a device delivers to and takes from the buses of a carrier, per bus netted."""
    out, taken = np.zeros(n), np.zeros(n)
    by_bus: dict[str, list[Port]] = {}
    for port in block.ports:
        if port.bus.startswith(carrier):
            by_bus.setdefault(port.bus, []).append(port)
    for ports in by_bus.values():
        net = np.zeros(n)
        for port in ports:
            net += coefficients(port.coefficient, n) * values[port.var.name]
        out += np.maximum(net, 0.0)
        taken += np.maximum(-net, 0.0)
    return out, taken


@dataclass(frozen=True, eq=False)
class BusFlows:
    """One bus over the horizon; arrays of shape (n,).

    Attributes:
        demand_mw: Demand.
        shortfall_mw: Unserved demand.
        spill_mw: Surplus that nobody takes.
        price_eur_per_mwh: Marginal price.
        setter: Which device sets the price, as codes into ``setters``.
        setters: Names.
        shortfall_eur: Price of the unserved energy, apart from the cost.
        spill_eur: Cost of spilling.
    """

    demand_mw: Floats
    shortfall_mw: Floats
    spill_mw: Floats
    price_eur_per_mwh: Floats
    setter: np.ndarray[tuple[int], np.dtype[np.int32]]
    setters: list[str]
    shortfall_eur: float
    spill_eur: float


def read_buses(operation: Operation) -> dict[str, BusFlows]:
    """Return the flows and prices of every bus."""
    case, found = operation.case, operation.trajectories
    n, step = case.grid.n, case.env.step_h
    prices = {bus: found.duals[bus] / step for bus in operation.system.buses}
    out: dict[str, BusFlows] = {}
    for bus, block in operation.system.buses.items():
        shortfall = found.values[block.shortfall.name] if block.shortfall else np.zeros(n)
        spill = found.values[block.spill.name] if block.spill else np.zeros(n)
        codes, names = price_setters(operation, bus, prices)
        out[bus] = BusFlows(
            demand_mw=np.broadcast_to(np.asarray(case.demand[bus], dtype=float), (n,)),
            shortfall_mw=shortfall,
            spill_mw=spill,
            price_eur_per_mwh=prices[bus],
            setter=codes,
            setters=names,
            shortfall_eur=float(shortfall.sum()) * block.shortfall_eur_per_mwh * step,
            spill_eur=float(spill.sum()) * block.spill_eur_per_mwh * step,
        )
    return out


#: Names that stand where no single device sets the price.
NO_SETTER = ("several limits together", "shortfall", "spill")


def price_setters(
    operation: Operation, bus: str, prices: dict[str, Floats]
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int32]], list[str]]:
    """Return which device sets the price of a bus in each step.

    A device sets the price if its variable lies strictly between its bounds and the price equals what one more
    MWh from it
    costs, given the prices of the other buses it stands on (complementary slackness). Of several, the one that
    matches best
    is named; a store in motion is named where no plant matches. Where ramps and minimum loads tie steps
    together, no single device does.

    Returns:
        Codes, shape (n,), and the names that they stand for.
    """
    n, step = operation.case.grid.n, operation.case.env.step_h
    arrays = operation.system.model.arrays
    values = operation.trajectories.values
    names = list(NO_SETTER)
    best = np.full(n, 0.02)
    codes = np.zeros(n, dtype=np.int32)
    stores: list[tuple[str, NDArray[np.bool_]]] = []
    block = operation.system.buses[bus]
    for name, device in operation.system.blocks.items():
        for port in {id(p.var): p for p in device.ports if p.bus == bus}.values():
            var = port.var
            value = values[var.name]
            low, high = arrays.col_lower[var.now], arrays.col_upper[var.now]  # type: ignore[union-attr]
            inside = (value > low + RUNNING_MW) & (value < high - RUNNING_MW)
            if "level_mwh" in device.readings:
                stores.append((name, inside))
                continue
            own = sum(
                (coefficients(p.coefficient, n) for p in device.ports if p.var is var and p.bus == bus),
                np.zeros(n),
            )
            worth = arrays.cost[var.now] / step  # type: ignore[union-attr]
            for other in device.ports:
                if other.var is var and other.bus != bus:
                    worth = worth - coefficients(other.coefficient, n) * prices[other.bus]
            safe = np.where(np.abs(own) < 1e-9, np.nan, own)
            miss = np.abs(worth / safe - prices[bus])
            better = inside & (miss < best)
            if better.any():
                names.append(name)
                codes[better], best[better] = len(names) - 1, miss[better]
    for name, moving in stores:
        names.append(name)
        codes[(codes == 0) & moving] = len(names) - 1
    if block.spill is not None:
        codes[values[block.spill.name] > RUNNING_MW] = 2
    if block.shortfall is not None:
        codes[values[block.shortfall.name] > RUNNING_MW] = 1
    return codes, names
