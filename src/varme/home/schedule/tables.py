"""Tables, charts and findings of a plan."""

from __future__ import annotations

import numpy as np

from varme.ground.charts import Chart
from varme.ground.findings import Finding
from varme.ground.tables import Column, Table, TableSchema
from varme.home.schedule.plan import Plan

PLAN = TableSchema(
    "plan",
    "The plan, slot by slot",
    (
        Column("time", "time", "start of the slot (UTC)"),
        Column("step_min", "number", "length of the slot"),
        Column("import_cent_per_kwh", "number", "price of imported electricity"),
        Column("export_cent_per_kwh", "number", "what exported electricity earns"),
        Column("outdoor_c", "number", "outdoor temperature"),
        Column("load_kw", "number", "the household's load"),
        Column("pv_kw", "number", "PV that is used"),
        Column("pv_cut_kw", "number", "PV that is cut"),
        Column("import_kw", "number", "import"),
        Column("export_kw", "number", "export"),
        Column("mode", "text", "what the compressor does: off, room, water, cool"),
        Column("heat_pump_kw", "number", "electricity of the heat pump without backup"),
        Column("backup_kw", "number", "electricity of the backup heater"),
        Column("room_heat_kw", "number", "heat into the room"),
        Column("water_heat_kw", "number", "heat into the tank"),
        Column("room_c", "number", "room temperature at the end of the slot"),
        Column("room_low_c", "number", "lower end of comfort"),
        Column("room_high_c", "number", "upper end of comfort"),
        Column("tank_c", "number", "tank temperature at the end of the slot"),
        Column("battery_charge_kw", "number", "charge of the battery"),
        Column("battery_discharge_kw", "number", "discharge of the battery"),
        Column("battery_kwh", "number", "level of the battery at the end of the slot"),
        Column("vehicle_charge_kw", "number", "charge of the vehicles"),
        Column("vehicle_discharge_kw", "number", "discharge of the vehicles"),
        Column(
            "electricity_worth_cent_per_kwh", "number", "what a kWh more electricity would save in this slot"
        ),
    ),
)


def plan_table(plan: Plan) -> Table:
    """Return the plan slot by slot."""
    problem, plant, slots = plan.problem, plan.problem.plant, plan.slots
    seen = plant.seen
    grid = plant.grid
    pump = plant.heat_pump
    zero = np.zeros(slots.n)
    electric = zero.copy()
    if pump is not None:
        electric += pump.standby_kw
        for m, mode in enumerate(pump.modes):
            on, heat = plan.value(f"heat_pump.{mode}_on"), plan.value(f"heat_pump.{mode}_heat")
            electric += pump.electric_on_kw[m] * on + pump.electric_per_heat[m] * heat
    room = plan.value("heat_pump.room_heat") + plan.value("backup.room")
    nan = np.full(slots.n, np.nan)
    vehicles = [f"vehicle.{v.name}" for v in plant.vehicles]
    cut = plan.value("grid.cut")
    data = {
        "time": seen.grid.times[slots.edges[:-1]],
        "step_min": slots.step_h * 60,
        "import_cent_per_kwh": grid.import_cent_per_kwh,
        "export_cent_per_kwh": grid.export_cent_per_kwh,
        "outdoor_c": slots.mean(seen.outdoor_c),
        "load_kw": grid.load_kw,
        "pv_kw": grid.pv_kw - cut,
        "pv_cut_kw": cut,
        "import_kw": plan.value("grid.import"),
        "export_kw": plan.value("grid.export"),
        "mode": plan.modes,
        "heat_pump_kw": electric,
        "backup_kw": plan.value("backup.room") + plan.value("backup.water"),
        "room_heat_kw": room,
        "water_heat_kw": plan.value("heat_pump.water_heat") + plan.value("backup.water"),
        "room_c": plan.value("house.temperature_0") if plant.house else nan,
        "room_low_c": plant.house.low_c if plant.house else nan,
        "room_high_c": plant.house.high_c if plant.house else nan,
        "tank_c": plan.value("tank.temperature") if plant.tank else nan,
        "battery_charge_kw": plan.value("battery.charge"),
        "battery_discharge_kw": plan.value("battery.discharge"),
        "battery_kwh": plan.value("battery.level"),
        "vehicle_charge_kw": sum((plan.value(f"{v}.charge") for v in vehicles), start=zero),
        "vehicle_discharge_kw": sum((plan.value(f"{v}.discharge") for v in vehicles), start=zero),
        "electricity_worth_cent_per_kwh": plan.row_dual[problem.balance.index] / slots.step_h,
    }
    return Table(PLAN, data)


def plan_charts(plan: Plan) -> list[Chart]:
    """Return the charts of a plan."""
    return [
        Chart(
            "schedule", "stack", "What the home draws, and the price", "plan", "time",
            ("load_kw", "heat_pump_kw", "backup_kw", "vehicle_charge_kw", "battery_charge_kw"),
            x_label="Time", y_label="Power [kW]", y2=("import_cent_per_kwh",), y2_label="Import price [ct/kWh]",
            section="Schedule",
        ),
        Chart(
            "room", "steps", "Room temperature and its comfort band", "plan", "time",
            ("room_c", "room_low_c", "room_high_c"), x_label="Time", y_label="Temperature [°C]", section="Schedule",
        ),
        Chart(
            "tank", "steps", "Tank temperature", "plan", "time", ("tank_c",), x_label="Time",
            y_label="Temperature [°C]", section="Schedule",
        ),
    ]  # fmt: skip


def plan_findings(plan: Plan) -> list[Finding]:
    """Return what a reader of a plan must know."""
    return []
