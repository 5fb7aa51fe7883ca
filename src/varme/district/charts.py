"""The charts of a district result."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from varme.components.base import Device
from varme.components.chp import Extraction
from varme.components.heat_pump import HeatPump
from varme.district.flows import DeviceFlows
from varme.district.operate import Operation
from varme.ground.charts import Chart, ChartKind


def district_charts(
    operation: Operation, flows: dict[str, DeviceFlows], *, has_reference: bool
) -> list[Chart]:
    """Return the charts of a district result, in the order of the report."""
    case = operation.case
    charts = [*_demand(operation), *_heat_pumps(operation, flows)]
    charts += _extraction(case.devices)
    charts += [_week(operation, flows, carrier) for carrier in ("power", "heat")]
    charts += _stores(operation, flows)
    charts += _prices(operation)
    charts.append(_duration(operation, flows))
    charts.append(
        Chart(
            "gap", "steps", "Proven gap of every planning window", "windows", "start_utc", ("gap_percent",),
            group="run", x_label="start of the window", y_label="gap [%]", section="Proof",
            note="A plan is at most this much above the cheapest possible one for its window.",
        )
    )  # fmt: skip
    if has_reference:
        where = {
            "category": ("fuel", "tax", "co2", "starts", "operation and maintenance", "fees", "shortfall")
        }
        charts.append(
            Chart(
                "costs", "bars", "Costs by device, with and without the heat pumps", "costs", "unit",
                ("case_eur", "reference_eur"), where=where, x_label="", y_label="cost [EUR]", section="Cost",
            )
        )  # fmt: skip
    return charts


def _demand(operation: Operation) -> list[Chart]:
    buses = list(operation.system.buses)
    areas = tuple(b for b in buses if b.startswith("heat:"))
    nodes = tuple(b for b in buses if b.startswith("electricity:"))
    charts = []
    for name, chosen, text in (("electricity", nodes, "Electricity"), ("heat", areas, "Heat")):
        if chosen:
            charts.append(
                Chart(
                    f"demand_{name}", "line", f"{text} demand over the horizon", "balance", "time_utc", ("demand_mw",),
                    group="bus", where={"bus": chosen}, x_label="", y_label="demand [MW]", section="Demand",
                )
            )  # fmt: skip
    return charts


def _heat_pumps(operation: Operation, flows: dict[str, DeviceFlows]) -> list[Chart]:
    pumps = tuple(
        n for n, d in operation.case.devices.items() if isinstance(d, HeatPump) or d.type == "electric_boiler"
    )
    if not pumps:
        return []
    return [
        Chart(
            "heat_pump_hours", "bars", "Hours of operation by month", "heat_pump_months", "month", ("operating_h",),
            group="unit", x_label="month", y_label="operation [h]", section="Heat pumps",
        ),
        Chart(
            "heat_pump_heat", "line", "Heat from heat pumps and electric boilers", "dispatch", "time_utc",
            ("heat_out_mw",), group="unit", where={"unit": pumps}, x_label="", y_label="heat [MW]",
            section="Heat pumps",
        ),
        Chart(
            "heat_pump_duration", "duration", "Duration of heat from heat pumps", "dispatch", "time_utc",
            ("heat_out_mw",), group="unit", where={"unit": pumps}, x_label="hours", y_label="heat [MW]",
            section="Heat pumps",
        ),
    ]  # fmt: skip


def _extraction(devices: dict[str, Device]) -> list[Chart]:
    units = tuple(n for n, d in devices.items() if isinstance(d, Extraction))
    if not units:
        return []
    specs = [
        ("pq_scatter", "scatter", "Where the extraction plants run: power against heat", "heat_out_mw", "power_out_mw",
         "heat [MW]", "electricity [MW]"),
        ("extraction_power_duration", "duration", "Duration of the extraction plants' electricity", "time_utc",
         "power_out_mw", "hours", "electricity [MW]"),
        ("extraction_heat_duration", "duration", "Duration of the extraction plants' heat", "time_utc", "heat_out_mw",
         "hours", "heat [MW]"),
    ]  # fmt: skip
    note = "The right-hand edge is the back-pressure line, the upper edge the full-load line of power lost to heat."
    return [
        Chart(
            name, cast(ChartKind, kind), title, "dispatch", x, (y,), group="unit", where={"unit": units},
            x_label=x_label, y_label=y_label, section="Extraction plants", note=note if kind == "scatter" else "",
        )
        for name, kind, title, x, y, x_label, y_label in specs
    ]  # fmt: skip


def _week_times(operation: Operation, flows: dict[str, DeviceFlows]) -> NDArray[np.datetime64]:
    """Return the times of the week in which the heat pumps give most heat, else of the first."""
    grid = operation.case.grid
    per_week = max(1, round(168 / grid.step_h))
    heat = np.zeros(grid.n)
    for name, device in operation.case.devices.items():
        if isinstance(device, HeatPump):
            heat += flows[name].heat_out_mw
    sums = np.add.reduceat(heat, np.arange(0, grid.n, per_week))
    first = int(sums[: max(1, grid.n // per_week)].argmax()) * per_week
    return grid.times[first : first + per_week]


def _week(operation: Operation, flows: dict[str, DeviceFlows], carrier: str) -> Chart:
    """Return a stacked week: the one in which the heat pumps give most heat, else the first."""
    times = _week_times(operation, flows)
    first = int(np.searchsorted(operation.case.grid.times, times[0]))
    per_week = len(times)
    field = f"{carrier}_out_mw"
    units = tuple(
        n for n, f in flows.items() if getattr(f, field)[first : first + per_week].max(initial=0.0) > 0.01
    )
    text = "Electricity" if carrier == "power" else "Heat"
    return Chart(
        f"week_{carrier}", "stack", f"{text} in the week with most heat from heat pumps", "dispatch", "time_utc",
        (field,), group="unit", where={"unit": units, "time_utc": tuple(times.tolist())}, x_label="",
        y_label=f"{text.lower()} [MW]", section="A week",
    )  # fmt: skip


def _stores(operation: Operation, flows: dict[str, DeviceFlows]) -> list[Chart]:
    names = [n for n, b in operation.system.blocks.items() if "level_mwh" in b.readings]
    if not names:
        return []
    week = {"time_utc": tuple(_week_times(operation, flows).tolist())}
    return [
        Chart(
            "week_stores", "line", "Heat in the stores in the same week", "stores", "time_utc", ("level_mwh",),
            group="unit", where=week, x_label="", y_label="level [MWh]", section="A week",
        ),
        Chart(
            "store_levels", "line", "Heat in the stores", "stores", "time_utc", ("level_mwh",), group="unit",
            x_label="", y_label="level [MWh]", section="Stores and prices",
        )
    ]  # fmt: skip


def _prices(operation: Operation) -> list[Chart]:
    return [
        Chart(
            "price_duration", "duration", "Duration of the marginal prices", "balance", "time_utc",
            ("price_eur_per_mwh",), group="bus", x_label="hours", y_label="price [EUR/MWh]",
            section="Stores and prices",
            note="What one more MWh of demand would cost: dual of the LP with the statuses of the plan.",
        )
    ]  # fmt: skip


def _duration(operation: Operation, flows: dict[str, DeviceFlows]) -> Chart:
    units = tuple(n for n, f in flows.items() if f.fuel_mw.max(initial=0.0) > 0.01)
    return Chart(
        "fuel_duration", "duration", "Duration of every unit's fuel", "dispatch", "time_utc", ("fuel_mw",),
        group="unit", where={"unit": units}, x_label="hours", y_label="fuel [MW]", section="Units",
    )  # fmt: skip
