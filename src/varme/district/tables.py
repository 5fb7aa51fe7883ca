"""The tables of a district result."""

from __future__ import annotations

from typing import Any

import numpy as np

from varme.components.base import APART_CATEGORIES, CAP_CATEGORY
from varme.components.chp import BackPressure, Extraction, PowerPlant
from varme.components.heat_pump import HeatPump
from varme.district.flows import BusFlows, DeviceFlows
from varme.district.operate import Operation
from varme.ground.size import largest
from varme.ground.tables import Column, Table, TableSchema
from varme.kernel.horizon import RECORD_FIELDS
from varme.kernel.model import Floats

_TIME = Column("time_utc", "time", "start of the interval, UTC")
_UNIT = Column("unit", "text", "name of the device")

DISPATCH = TableSchema(
    "dispatch",
    "Dispatch of every device",
    (
        _TIME,
        _UNIT,
        Column("type", "text", "kind of device"),
        Column("fuel_mw", "number", "fuel burnt"),
        Column("power_out_mw", "number", "electricity delivered"),
        Column("power_in_mw", "number", "electricity drawn"),
        Column("heat_out_mw", "number", "heat delivered"),
        Column("heat_in_mw", "number", "heat taken (stores charging, lines sending)"),
        Column("on", "flag", "whether the device runs"),
    ),
)
BALANCE = TableSchema(
    "balance",
    "Demand, shortfall, spill and price of every node and area",
    (
        _TIME,
        Column("bus", "text", "electricity:NODE or heat:AREA"),
        Column("demand_mw", "number", "demand"),
        Column("shortfall_mw", "number", "demand that is not served"),
        Column("spill_mw", "number", "surplus that nobody takes"),
        Column(
            "price_eur_per_mwh", "number", "what one more MWh would cost (dual of the LP with fixed statuses)"
        ),
        Column("price_setter", "text", "device that sets the price"),
    ),
)
STORES = TableSchema(
    "stores",
    "Heat stores",
    (
        _TIME,
        _UNIT,
        Column("level_mwh", "number", "heat in the store at the end of the interval"),
        Column("charge_mw", "number", "heat into the store"),
        Column("discharge_mw", "number", "heat out of the store"),
    ),
)
UNITS = TableSchema(
    "units",
    "Year of every device",
    (
        _UNIT,
        Column("type", "text", "kind of device"),
        Column("fuel", "text", "fuel"),
        Column("operating_h", "number", "hours in which it runs"),
        Column("full_load_h", "number", "output over the horizon divided by capacity"),
        Column("starts_count", "integer", "starts"),
        Column(
            "mean_output_mw",
            "number",
            "mean output when running: heat of heat pumps and boilers, else electricity",
        ),
        Column("full_back_pressure_h", "number", "hours at the largest heat (CHP plants)"),
        Column("fuel_mwh", "number", "fuel"),
        Column("power_out_mwh", "number", "electricity delivered"),
        Column("power_in_mwh", "number", "electricity drawn"),
        Column("heat_out_mwh", "number", "heat delivered"),
        Column("cost_eur", "number", "all its costs"),
        Column("co2_t", "number", "emissions"),
    ),
)
MONTHS = TableSchema(
    "heat_pump_months",
    "Heat pumps and electric boilers by month",
    (
        _UNIT,
        Column("month", "integer", "calendar month in local time, 1 to 12"),
        Column("operating_h", "number", "hours in which it runs"),
        Column("heat_out_mwh", "number", "heat delivered"),
        Column("power_in_mwh", "number", "electricity drawn"),
    ),
)
COSTS = TableSchema(
    "costs",
    "Costs by device and category",
    (
        _UNIT,
        Column(
            "category",
            "text",
            "what is paid for; shortfall and the price of a CO2 cap are kept apart from the cost",
        ),
        Column("case_eur", "number", "with everything"),
        Column("reference_eur", "number", "in the reference case; empty without one"),
    ),
)
WINDOWS = TableSchema(
    "windows",
    "Proof of every planning window",
    (
        Column("start_utc", "time", "first interval"),
        Column("run", "text", "case or reference"),
        Column("length_h", "number", "hours planned"),
        Column("keep_h", "number", "hours kept"),
        Column("objective_eur", "number", "cost of the plan, overlap included"),
        Column("bound_eur", "number", "proven lower bound of that cost"),
        Column("gap_eur", "number", "what is at most lost"),
        Column("gap_percent", "number", "the same relative to the cost"),
        Column("violation_mw", "number", "largest violation of any constraint, recomputed"),
        Column("iterations_count", "integer", "simplex iterations"),
        Column("status", "text", "how the search ended"),
    ),
)
SIZES = TableSchema(
    "sizes",
    "Decided sizes",
    (
        _UNIT,
        Column("size", "number", "decided size, MW or MWh as the field that it stands in"),
        Column("limit", "number", "largest size allowed"),
        Column("cost_eur", "number", "annuity and fixed operation over the horizon"),
    ),
)
PUBLISHED = TableSchema(
    "comparison_published",
    "Published figures beside ours (no band: not to be reproduced without the original series)",
    (
        Column("figure", "text", "which figure"),
        Column("published", "number", "published value"),
        Column("ours", "number", "value of this run"),
        Column("low", "number", "lower end of the band in which a run on these data should lie"),
        Column("high", "number", "upper end"),
        Column(
            "verdict",
            "text",
            "inside or outside the band; no band: not to be reproduced without the original series",
        ),
        Column("source", "text", "where the figure is published"),
        Column("note", "text", "how to read it"),
    ),
)
LP_MILP = TableSchema(
    "comparison_lp_milp",
    "The same case as LP and as MILP",
    (
        Column("figure", "text", "which figure"),
        Column("lp", "number", "with relaxed statuses"),
        Column("milp", "number", "with units on or off"),
        Column("difference_percent", "number", "MILP against LP"),
    ),
)
SYNTHETIC = TableSchema(
    "comparison_synthetic",
    "What the synthetic hours were made from: published totals, wanted and reached",
    (
        Column("target", "text", "field of the generator"),
        Column("wanted", "number", "value asked for"),
        Column("reached", "number", "value of the hours that were made"),
        Column("source", "text", "where the default comes from"),
    ),
)
SCHEMAS = [DISPATCH, BALANCE, STORES, UNITS, MONTHS, COSTS, WINDOWS, SIZES, PUBLISHED, LP_MILP, SYNTHETIC]


def dispatch_table(operation: Operation, flows: dict[str, DeviceFlows]) -> Table:
    """Return the dispatch, one row per device and interval, ordered by device."""
    n, names = operation.case.grid.n, list(flows)
    types = [operation.case.devices[name].type for name in names]
    kinds = list(dict.fromkeys(types))

    def joined(field: str) -> Floats:
        return np.concatenate([getattr(flows[name], field) for name in names]) if names else np.zeros(0)

    repeat = np.repeat(np.arange(len(names), dtype=np.int32), n)
    return Table(
        DISPATCH,
        {
            "time_utc": np.tile(operation.case.grid.times, len(names)),
            "unit": (repeat, names),
            "type": (np.repeat(np.array([kinds.index(t) for t in types], dtype=np.int32), n), kinds),
            **{f: joined(f) for f in ("fuel_mw", "power_out_mw", "power_in_mw", "heat_out_mw", "heat_in_mw")},
            "on": joined("status") > 0.5,
        },
    )


def balance_table(operation: Operation, buses: dict[str, BusFlows]) -> Table:
    """Return demand, shortfall, spill, price and price setter, one row per bus and interval."""
    n, names = operation.case.grid.n, list(buses)
    setters = sorted({s for b in buses.values() for s in b.setters})
    codes = [
        np.array([setters.index(s) for s in b.setters], dtype=np.int32)[b.setter] for b in buses.values()
    ]

    def joined(field: str) -> Floats:
        return np.concatenate([getattr(buses[name], field) for name in names])

    return Table(
        BALANCE,
        {
            "time_utc": np.tile(operation.case.grid.times, len(names)),
            "bus": (np.repeat(np.arange(len(names), dtype=np.int32), n), names),
            **{f: joined(f) for f in ("demand_mw", "shortfall_mw", "spill_mw", "price_eur_per_mwh")},
            "price_setter": (np.concatenate(codes), setters),
        },
    )


def stores_table(operation: Operation, flows: dict[str, DeviceFlows]) -> Table:
    """Return the stores' levels and flows."""
    n = operation.case.grid.n
    names = [name for name, block in operation.system.blocks.items() if "level_mwh" in block.readings]

    def joined(field: str) -> Floats:
        return np.concatenate([getattr(flows[name], field) for name in names]) if names else np.zeros(0)

    return Table(
        STORES,
        {
            "time_utc": np.tile(operation.case.grid.times, len(names)),
            "unit": (np.repeat(np.arange(len(names), dtype=np.int32), n), names),
            "level_mwh": joined("level_mwh"),
            "charge_mw": joined("heat_in_mw"),
            "discharge_mw": joined("heat_out_mw"),
        },
    )


def units_table(operation: Operation, flows: dict[str, DeviceFlows]) -> Table:
    """Return the year of every device."""
    step = operation.case.env.step_h
    rows: dict[str, list[object]] = {c.name: [] for c in UNITS.columns}
    for name, flow in flows.items():
        device = operation.case.devices[name]
        output = main_output(operation, name, flow)
        running = flow.status > 0.5
        capacity = _capacity(device, output)
        rows["unit"].append(name)
        rows["type"].append(device.type)
        rows["fuel"].append(getattr(device, "fuel", ""))
        rows["operating_h"].append(float(running.sum()) * step)
        rows["full_load_h"].append(float(output.sum()) * step / capacity if capacity else 0.0)
        rows["starts_count"].append(flow.starts)
        rows["mean_output_mw"].append(float(output[running].mean()) if running.any() else 0.0)
        rows["full_back_pressure_h"].append(full_back_pressure_h(operation, name, flow))
        rows["fuel_mwh"].append(float(flow.fuel_mw.sum()) * step)
        rows["power_out_mwh"].append(float(flow.power_out_mw.sum()) * step)
        rows["power_in_mwh"].append(float(flow.power_in_mw.sum()) * step)
        rows["heat_out_mwh"].append(float(flow.heat_out_mw.sum()) * step)
        rows["cost_eur"].append(flow.cost_eur)
        rows["co2_t"].append(float(flow.co2_t.sum()))
    return Table(UNITS, rows)


def main_output(operation: Operation, name: str, flow: DeviceFlows) -> Floats:
    """Return the output that a device is there for: electricity of plants, else heat."""
    device = operation.case.devices[name]
    makes_power = isinstance(device, (BackPressure, Extraction, PowerPlant)) or not flow.heat_out_mw.any()
    return flow.power_out_mw if makes_power else flow.heat_out_mw


def _capacity(device: object, output: Floats) -> float:
    if isinstance(device, (BackPressure, Extraction, PowerPlant)):
        plate = device.nameplate()
        return max(plate.power_condensing_mw, plate.power_back_pressure_mw)
    size = getattr(device, "heat_max_mw", None)
    return largest(size) if size is not None else float(output.max(initial=0.0))


def full_back_pressure_h(operation: Operation, name: str, flow: DeviceFlows) -> float:
    """Return the hours in which a CHP plant gives its largest heat (within 0.1 %)."""
    device = operation.case.devices[name]
    if not isinstance(device, (BackPressure, Extraction)):
        return 0.0
    most = device.nameplate().heat_mw
    if isinstance(device, Extraction) and device.diagrams():
        most = max(corner[1] for piece in device.diagrams() for corner in piece)
    return float(np.count_nonzero(flow.heat_out_mw >= 0.999 * most)) * operation.case.env.step_h


def months_table(operation: Operation, flows: dict[str, DeviceFlows]) -> Table:
    """Return hours, heat and electricity of the heat pumps and electric boilers by calendar month."""
    case = operation.case
    months = case.grid.months(case.study.time.timezone) - 1
    rows: dict[str, list[object]] = {c.name: [] for c in MONTHS.columns}
    for name, flow in flows.items():
        if not isinstance(case.devices[name], HeatPump) and case.devices[name].type != "electric_boiler":
            continue
        running = flow.heat_out_mw > RUNNING_HEAT_MW
        for field, values in (
            ("operating_h", running),
            ("heat_out_mwh", flow.heat_out_mw),
            ("power_in_mwh", flow.power_in_mw),
        ):
            sums = (
                np.bincount(months, weights=np.asarray(values, dtype=float), minlength=12) * case.env.step_h
            )
            rows[field] += sums.tolist()
        rows["unit"] += [name] * 12
        rows["month"] += list(range(1, 13))
    return Table(MONTHS, rows)


#: Heat above which a heat pump counts as running [MW].
RUNNING_HEAT_MW = 0.01


def costs_table(
    flows: dict[str, DeviceFlows],
    buses: dict[str, BusFlows],
    cap_eur: float,
    reference: tuple[dict[str, DeviceFlows], dict[str, BusFlows], float] | None,
) -> Table:
    """Return the costs by device and category, of the case and the reference."""
    case = cost_entries(flows, buses, cap_eur)
    other = cost_entries(*reference) if reference else {}
    keys = sorted(set(case) | set(other))
    return Table(
        COSTS,
        {
            "unit": [k[0] for k in keys],
            "category": [k[1] for k in keys],
            "case_eur": [case.get(k, 0.0) for k in keys],
            "reference_eur": [other.get(k, 0.0) if reference else np.nan for k in keys],
        },
    )


def cost_entries(
    flows: dict[str, DeviceFlows], buses: dict[str, BusFlows], cap_eur: float
) -> dict[tuple[str, str], float]:
    """Return (device or bus, category) -> cost [EUR]."""
    out = {
        (name, category): value for name, flow in flows.items() for category, value in flow.costs_eur.items()
    }
    for bus, flow in buses.items():
        if flow.shortfall_eur:
            out[bus, "shortfall"] = flow.shortfall_eur
        if flow.spill_eur:
            out[bus, "spill"] = flow.spill_eur
    if cap_eur:
        out["carbon", CAP_CATEGORY] = cap_eur
    return out


#: Categories that are reported apart from the cost.
APART = ("shortfall", *APART_CATEGORIES)


def windows_table(runs: dict[str, Operation]) -> Table:
    """Return the proof of every window of every run."""
    rows: dict[str, list[object]] = {c.name: [] for c in WINDOWS.columns}
    for run, operation in runs.items():
        case, found = operation.case, operation.trajectories
        step = case.env.step_h
        for record, status in zip(found.records, found.statuses, strict=True):
            entry = dict(zip(RECORD_FIELDS, record, strict=True))
            rows["start_utc"].append(case.grid.times[int(entry["first"])])
            rows["run"].append(run)
            rows["length_h"].append(entry["length"] * step)
            rows["keep_h"].append(entry["keep"] * step)
            rows["objective_eur"].append(entry["objective"])
            rows["bound_eur"].append(entry["bound"])
            rows["gap_eur"].append(entry["gap_abs"])
            rows["gap_percent"].append(100 * entry["gap_share"])
            rows["violation_mw"].append(entry["violation"])
            rows["iterations_count"].append(int(entry["iterations"]))
            rows["status"].append(status)
    return Table(WINDOWS, rows)


def synthetic_table(targets: list[dict[str, Any]]) -> Table:
    """Return the targets of the synthetic series, wanted and reached."""
    return Table(
        SYNTHETIC, {column.name: [row[column.name] for row in targets] for column in SYNTHETIC.columns}
    )
