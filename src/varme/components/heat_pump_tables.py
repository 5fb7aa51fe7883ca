"""Tables and charts of a heat pump: the COP map with its certified points, and capacity against the house's demand."""

from __future__ import annotations

import numpy as np

from varme.components.heat_pump_machine import Machine, full_load_kw, operation_limit_c, source_of
from varme.components.heat_pump_spec import HomeHeatPump
from varme.components.house import House
from varme.data.catalogue.heat_pumps import HeatPumpModel
from varme.ground.charts import Chart
from varme.ground.tables import Column, Table, TableSchema
from varme.physics.performance_map import PerformanceMap

COP_MAP = TableSchema(
    "cop_map",
    "COP over source and flow temperature at full load, with the points that it was made from",
    (
        Column(
            "row",
            "text",
            "`map`: of the grid; `line`: of the three usual flow temperatures; `point`: a known point",
        ),
        Column("source_c", "number", "temperature of air or brine"),
        Column("flow_c", "number", "flow temperature"),
        Column("load_share", "number", "heat over full load"),
        Column("map_cop", "number", "COP of the map"),
        Column("low_cop", "number", "lower end of its interval of one standard deviation"),
        Column("high_cop", "number", "upper end"),
        Column("point_cop", "number", "COP of the known point; empty in the map"),
        Column("flow", "text", "flow temperature as text, for charts"),
    ),
)
BIVALENCE = TableSchema(
    "bivalence",
    "What the heat pump can give and what the house needs, over outdoor temperature",
    (
        Column("outdoor_c", "number", "outdoor temperature"),
        Column("need_kw", "number", "heat load of the house at 20 C inside, without gains"),
        Column("heat_max_kw", "number", "heat pump at full load into the emitters"),
        Column("heat_min_kw", "number", "smallest heat of the running compressor"),
        Column("with_backup_kw", "number", "heat pump and backup heater"),
        Column("flow_c", "number", "flow temperature for the need"),
        Column("cop", "number", "COP at the need, within smallest and full load"),
    ),
)
#: Grids of the map.
SOURCES_C = {"air": np.arange(-20.0, 21.0, 2.5), "brine": np.arange(-5.0, 15.1, 1.25)}
FLOWS_C = np.arange(25.0, 65.1, 2.5)
LINES_C = (35.0, 45.0, 55.0)


def cop_map_table(machine: PerformanceMap, spec: HomeHeatPump | None = None) -> Table:
    """Return the COP map of a machine with the points that it was made from.

    Args:
        machine: The machine.
        spec: The heat pump that it belongs to; not needed.
    """
    del spec
    grid = SOURCES_C[machine.source]
    rows = [("map", s, f, 1.0, np.nan) for f in FLOWS_C for s in grid if f <= machine.flow_max_c]
    rows += [("line", s, f, 1.0, np.nan) for f in LINES_C for s in grid if f <= machine.flow_max_c]
    for p in machine.points:
        share = p.load_share if p.load_share is not None else machine.certified_load(p.source_c, p.flow_c)
        rows.append(("point", p.source_c, p.flow_c, share, p.cop))
    source, flow, load, known = (np.array([r[i] for r in rows], dtype=float) for i in range(1, 5))
    cop, error = machine.cop(source, flow, load), machine.cop_error_share(source, flow)
    return Table(
        COP_MAP,
        {
            "row": [r[0] for r in rows], "source_c": source, "flow_c": flow, "load_share": load, "map_cop": cop,
            "low_cop": cop * np.exp(-error), "high_cop": cop * np.exp(error), "point_cop": known,
            "flow": [f"Flow {f:g} °C" for f in flow],
        },
    )  # fmt: skip


def bivalence_table(
    spec: HomeHeatPump, machine: Machine, house: House, model: HeatPumpModel | None = None
) -> Table:
    """Return capacity and demand over outdoor temperature."""
    outdoor = np.arange(-25.0, 20.1, 0.5)
    air = source_of(spec, model) == "air"
    source = outdoor if air else np.full(len(outdoor), float(np.mean(machine.source_c)))
    runs = outdoor >= operation_limit_c(spec, model)
    performance = machine.performance
    high = np.where(runs, full_load_kw(performance, house, source), 0.0)
    need = house.heat_loss_w_per_k / 1e3 * (20.0 - outdoor)
    low = np.minimum(performance.heat_min_kw(source, house.flow_c(0.5 * high)), high)
    given = np.clip(need, np.maximum(low, 1e-3), np.maximum(high, 1e-3))
    flow = house.flow_c(given)
    share = given / performance.heat_max_kw(source, flow)
    return Table(
        BIVALENCE,
        {
            "outdoor_c": outdoor, "need_kw": need, "heat_max_kw": high,
            "heat_min_kw": np.where(runs, low, 0.0),
            "with_backup_kw": high + spec.backup_kw, "flow_c": house.flow_c(np.maximum(need, 0.0)),
            "cop": np.where(runs, performance.cop(source, flow, share), 1.0),
        },
    )  # fmt: skip


def heat_pump_charts(machine: PerformanceMap | None = None) -> list[Chart]:
    """Return the charts of both tables.

    Args:
        machine: The machine, whose known points are named under its map.
    """
    section, note = "Heat pump", ""
    if machine is not None and machine.points:
        known = [f"{p.cop:.2f} at {p.source_c:g}/{p.flow_c:g} °C" for p in machine.points[:8]]
        note = f"Made from {len(machine.points)} known points (COP at source/flow): {', '.join(known)}."
    elif machine is not None:
        note = "No point of this machine is known: the median of certified machines."
    return [
        Chart(
            "cop_map", "heatmap", "COP at full load over source and flow temperature", "cop_map", "source_c",
            ("flow_c",), colour="map_cop", where={"row": ("map",)}, x_label="Source [°C]", y_label="Flow [°C]",
            section=section, words={"map_cop": "COP"}, note=note,
        ),
        Chart(
            "cop_lines", "line", "COP at full load at three flow temperatures", "cop_map", "source_c", ("map_cop",),
            group="flow", where={"row": ("line",)}, x_label="Source [°C]", y_label="COP [-]", section=section,
        ),
        Chart(
            "cop_points", "scatter", "Known points, and what the map gives there", "cop_map", "source_c",
            ("point_cop", "map_cop"), where={"row": ("point",)}, x_label="Source [°C]", y_label="COP [-]",
            section=section, words={"point_cop": "Known point", "map_cop": "Map"},
            note="Certified or data-sheet points at their own load; the map smooths them where they contradict.",
        ),
        Chart(
            "bivalence", "line", "Capacity of the heat pump and heat load of the house", "bivalence", "outdoor_c",
            ("need_kw", "heat_max_kw", "heat_min_kw", "with_backup_kw"), x_label="Outdoor temperature [°C]",
            y_label="Heat [kW]", section=section,
            words={
                "need_kw": "Heat load of the house", "heat_max_kw": "Heat pump, full load",
                "heat_min_kw": "Heat pump, least load", "with_backup_kw": "With backup heater",
            },
            note="Left of where need and full load cross the backup heater helps; right of where need and smallest "
            "heat cross the compressor starts and stops.",
        ),
    ]  # fmt: skip
