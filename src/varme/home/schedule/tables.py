"""Tables, charts and findings of a plan."""

from __future__ import annotations

import numpy as np

from varme.ground.charts import Chart
from varme.ground.findings import Finding
from varme.ground.tables import Column, Table, TableSchema
from varme.home.chart_words import WORDS
from varme.home.schedule.figures import Kpis
from varme.home.schedule.flows import Flows, flows_of
from varme.home.schedule.plan import Plan

PLAN = TableSchema(
    "plan",
    "The plan, slot by slot",
    (
        Column("time", "time", "start of the slot (UTC)"),
        Column("length_min", "number", "length of the slot"),
        Column("import_cent_per_kwh", "number", "price of imported electricity"),
        Column("export_cent_per_kwh", "number", "what exported electricity earns"),
        Column("outdoor_c", "number", "outdoor temperature"),
        Column("load_kw", "number", "the household's load"),
        Column("pv_kw", "number", "PV that is used or sold"),
        Column("pv_cut_kw", "number", "PV that is cut"),
        Column("import_kw", "number", "import"),
        Column("export_kw", "number", "export"),
        Column("mode", "text", "what the compressor does: off, room, water, cool"),
        Column("room_on_share", "number", "1 where the compressor heats the room"),
        Column("water_on_share", "number", "1 where it makes hot water"),
        Column("cool_on_share", "number", "1 where it cools"),
        Column("heat_pump_kw", "number", "electricity of the heat pump, standby included, without backup"),
        Column("backup_kw", "number", "electricity of the backup heater"),
        Column("room_heat_kw", "number", "heat for the room, of heat pump, backup and second heater"),
        Column("water_heat_kw", "number", "heat into the tank, likewise"),
        Column("room_c", "number", "room temperature at the end of the slot"),
        Column("room_low_c", "number", "lower end of comfort"),
        Column("room_high_c", "number", "upper end of comfort"),
        Column("tank_c", "number", "tank temperature at the end of the slot"),
        Column("tank_low_c", "number", "tank temperature that is expected"),
        Column("tank_high_c", "number", "highest tank temperature"),
        Column("battery_charge_kw", "number", "charge of the battery"),
        Column("battery_discharge_kw", "number", "discharge of the battery"),
        Column("battery_kwh", "number", "level of the battery at the end of the slot"),
        Column("vehicle_charge_kw", "number", "charge of the vehicles"),
        Column("vehicle_discharge_kw", "number", "discharge of the vehicles"),
        Column("vehicle_kwh", "number", "level of the vehicles at the end of the slot"),
        Column("deferrable_kw", "number", "deferrable loads"),
    ),
)


def plan_table(plan: Plan, flows: Flows | None = None) -> Table:
    """Return the plan slot by slot."""
    flows = flows or flows_of(plan)
    plant, slots = plan.problem.plant, plan.slots
    house, tank = plant.house, plant.tank
    nan = np.full(slots.n, np.nan)
    levels = [plan.value(f"vehicle.{v.name}.level") for v in plant.vehicles]
    data = {
        "time": plant.seen.grid.times[slots.edges[:-1]],
        "length_min": slots.step_h * 60,
        "import_cent_per_kwh": plant.grid.import_cent_per_kwh,
        "export_cent_per_kwh": plant.grid.export_cent_per_kwh,
        "outdoor_c": slots.mean(plant.seen.outdoor_c),
        "load_kw": flows.load_kw,
        "pv_kw": flows.pv_kw,
        "pv_cut_kw": flows.cut_kw,
        "import_kw": flows.import_kw,
        "export_kw": flows.export_kw,
        "mode": plan.modes,
        "room_on_share": plan.value("heat_pump.room_on"),
        "water_on_share": plan.value("heat_pump.water_on"),
        "cool_on_share": plan.value("heat_pump.cool_on"),
        "heat_pump_kw": flows.heat_pump_kw,
        "backup_kw": flows.backup_kw,
        "room_heat_kw": flows.room_heat_kw + flows.backup_room_kw + flows.second_room_kw,
        "water_heat_kw": flows.water_heat_kw + flows.backup_water_kw + flows.second_water_kw,
        "room_c": nan if house is None else plan.value("house.temperature_0"),
        "room_low_c": nan if house is None else house.low_c,
        "room_high_c": nan if house is None else house.high_c,
        "tank_c": nan if tank is None else plan.value("tank.temperature"),
        "tank_low_c": nan if tank is None else np.broadcast_to(tank.low_c, (slots.n,)),
        "tank_high_c": nan if tank is None else np.broadcast_to(tank.high_c, (slots.n,)),
        "battery_charge_kw": flows.charge_kw,
        "battery_discharge_kw": flows.discharge_kw,
        "battery_kwh": plan.value("battery.level"),
        "vehicle_charge_kw": flows.vehicle_charge_kw,
        "vehicle_discharge_kw": flows.vehicle_discharge_kw,
        "vehicle_kwh": sum(levels, start=np.zeros(slots.n)),
        "deferrable_kw": flows.deferrable_kw,
    }
    return Table(PLAN, data)


def plan_charts(plan: Plan) -> list[Chart]:
    """Return the charts of a plan; devices that the home lacks have none."""
    plant = plan.problem.plant
    uses = ["load_kw"]
    uses += ["heat_pump_kw", "backup_kw"] if plant.heat_pump is not None else []
    uses += ["vehicle_charge_kw"] if plant.vehicles else []
    uses += ["battery_charge_kw"] if plant.battery is not None else []
    uses += ["deferrable_kw"] if np.any(flows_of(plan).deferrable_kw > 0) else []
    uses += ["export_kw"] if np.any(flows_of(plan).export_kw > 1e-3) else []
    sources = ["import_kw", "pv_kw"]
    sources += ["battery_discharge_kw"] if plant.battery is not None else []
    sources += ["vehicle_discharge_kw"] if any(v.discharge_max_kw for v in plant.vehicles) else []
    section = "The plan"
    charts = [
        Chart(
            "schedule", "stack", "What the home draws, and the price of electricity", "plan", "time", tuple(uses),
            x_label="Time", y_label="Power [kW]", y2=("import_cent_per_kwh",), y2_label="Import price [ct/kWh]",
            section=section, words=WORDS,
            note="Means over each slot, what is sold included; the next chart shows where it comes from.",
        ),
        Chart(
            "supply", "stack", "Where the electricity comes from", "plan", "time", tuple(sources), x_label="Time",
            y_label="Power [kW]", section=section, words=WORDS,
            note="Means over each slot.",
        ),
    ]  # fmt: skip
    if plant.heat_pump is not None:
        on = tuple(f"{mode}_on_share" for mode in plant.heat_pump.modes)
        charts.append(
            Chart(
                "compressor", "stack", "What the compressor runs for, and when it is off", "plan", "time", on,
                x_label="Time", y_label="On [-]", section=section, words=WORDS, low=True,
                note="One compressor, one 3-way valve: never two at once.",
            )
        )  # fmt: skip
    if plant.house is not None:
        charts.append(
            Chart(
                "room", "steps", "Room temperature within its comfort band", "plan", "time",
                ("room_c", "room_low_c", "room_high_c"), x_label="Time", y_label="Temperature [°C]",
                y2=("outdoor_c",), y2_label="Outdoor [°C]", section=section, words=WORDS,
                note="Temperature at the end of each slot.",
            )
        )  # fmt: skip
    if plant.tank is not None:
        hot = plant.tank.duty is not None and bool(
            np.any(plan.value("tank.temperature") > plant.tank.high_c + 0.05)
        )
        charts.append(
            Chart(
                "tank", "steps", "Tank temperature and its band", "plan", "time",
                ("tank_c", "tank_low_c", "tank_high_c"), x_label="Time", y_label="Temperature [°C]", section=section,
                words=WORDS,
                note="Temperature at the end of each slot."
                + (" The legionella duty lets the tank above its upper end." if hot else ""),
            )
        )  # fmt: skip
    stores = tuple(
        n
        for n, there in (("battery_kwh", plant.battery is not None), ("vehicle_kwh", bool(plant.vehicles)))
        if there
    )
    if stores:
        charts.append(
            Chart(
                "levels", "steps", "Electricity in battery and car", "plan", "time", stores, x_label="Time",
                y_label="Energy [kWh]", section=section, words=WORDS, note="Level at the end of each slot.",
            )
        )  # fmt: skip
    charts += [
        Chart(
            "energy", "sankey", "Energy from source to use", "energy", "source", ("target", "energy_kwh"),
            y_label="Energy [kWh]", section=section,
            note="Over the whole plan. Heat from outside and electricity make the heat of the heat pump.",
        ),
        Chart(
            "why", "stacked_bars", "Hours by device and reason", "reason_hours", "device", ("duration_h",),
            group="reason", x_label="Device", y_label="Time [h]", section="Why", words=WORDS,
            note="Every slot has its reason in the table of reasons, with the price then and when the heat is needed.",
        ),
        Chart(
            "worth", "steps", "What a kWh more would be worth, where it is", "worth", "time", ("worth_cent_per_kwh",),
            group="where", x_label="Time", y_label="Worth [ct/kWh]", section="Why", words=WORDS,
            note="From the plan with its on/off decisions fixed. Heat is counted in kWh of heat.",
        ),
    ]  # fmt: skip
    return charts


#: A gap that is worth a word: above this many cents, and above this share of the plan's objective.
GAP_WIDE_CENT, GAP_WIDE_SHARE = 25.0, 0.04


def plan_findings(plan: Plan, kpis: Kpis) -> list[Finding]:
    """Return what a reader of a plan must know: wishes that were missed, PV that was cut, limits that bind."""
    out = []
    if kpis.room_missed_k_h > 0.05:
        cold, warm = plan.value("house.cold"), plan.value("house.warm")
        worst = cold + warm
        slot = int(np.argmax(worst))
        too_warm = float(warm @ plan.slots.step_h) > float(cold @ plan.slots.step_h)
        why = (
            "the sun and what else heats it are more than it loses, or avoiding it is dearer than comfort is worth"
            if too_warm
            else "more heat is not possible, or dearer than what comfort is worth"
        )
        text = (
            f"The room is {'above' if too_warm else 'below'} its comfort band by {kpis.room_missed_k_h:.1f} K h "
            f"in all, by {worst[slot]:.1f} K at "
            f"most ({_when(plan, slot)}): {why}."
        )
        out.append(Finding("comfort_missed", "warning", "house", text, {"missed_k_h": kpis.room_missed_k_h}))
    if kpis.hot_water_missed_k_h > 0.05:
        missed = plan.value("tank.missed")
        slot = int(np.argmax(missed))
        text = (
            f"The tank is below its expected temperature by {kpis.hot_water_missed_k_h:.1f} K h in all, by "
            f"{missed[slot]:.1f} K at most ({_when(plan, slot)})."
        )
        out.append(
            Finding(
                "hot_water_missed", "warning", "hot_water", text, {"missed_k_h": kpis.hot_water_missed_k_h}
            )
        )
    for vehicle in plan.problem.plant.vehicles:
        short = plan.value(f"vehicle.{vehicle.name}.short")
        if float(short.max(initial=0.0)) > 0.05:
            slot = int(np.argmax(short))
            text = f"{vehicle.name} leaves with {short[slot]:.1f} kWh less than wished ({_when(plan, slot)})."
            out.append(
                Finding("departure_missed", "warning", f"vehicles.{vehicle.name}", text, {"kwh": short[slot]})
            )
    cut = float(np.sum(plan.value("grid.cut") * plan.slots.step_h))
    if cut > 0.05:
        text = f"{cut:.1f} kWh of PV are cut: they can neither be used nor sold, or selling them costs money."
        out.append(Finding("pv_cut", "note", "photovoltaics", text, {"kwh": cut}))
    return out + _gap_findings(plan)


def _gap_findings(plan: Plan) -> list[Finding]:
    """Tell that a better plan may exist, where that could be worth looking for."""
    gap, cost = plan.certificate.gap_abs, abs(plan.certificate.objective)
    if gap <= GAP_WIDE_CENT or gap <= GAP_WIDE_SHARE * cost:
        return []
    text = (
        f"Another plan may be better by up to {gap:.0f} ct ({gap / max(cost, 1e-9):.0%} of what this one costs). "
        'State `[plan] quality = "thorough"`, which searches for some seconds, or "exact", for some minutes.'
    )
    return [Finding("plan_gap_wide", "warning", "plan", text, {"gap_cent": round(gap, 3)})]


def _when(plan: Plan, slot: int) -> str:
    seen = plan.problem.plant.seen
    return seen.grid.label(int(plan.slots.edges[slot]), seen.timezone)
