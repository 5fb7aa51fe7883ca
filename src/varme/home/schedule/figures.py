"""Key figures of a plan, what it costs by category, and energy from source to use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from varme.ground.tables import Column, Table, TableSchema
from varme.home.schedule.flows import Flows, flows_of
from varme.home.schedule.plan import WISHES, Plan
from varme.kernel.model import Floats

COSTS = TableSchema(
    "costs",
    "What the plan costs, by category; wishes that were missed are priced apart",
    (
        Column("category", "text", "category"),
        Column("amount_eur", "number", "amount; negative where money comes in"),
        Column("wish", "flag", "whether it is the price of a wish that was missed, not money"),
    ),
)
ENERGY = TableSchema(
    "energy",
    "Energy from source to use over the plan",
    (
        Column("source", "text", "where it comes from"),
        Column("target", "text", "where it goes"),
        Column("energy_kwh", "number", "energy"),
    ),
)
KPIS = TableSchema(
    "kpis",
    "Key figures",
    (
        Column("figure", "text", "key figure"),
        Column("value", "number", "its value, in the unit of its name"),
        Column("meaning", "text", "what it is"),
    ),
)


@dataclass(frozen=True)
class Kpis:
    """Key figures of a span of time; the field names end in their unit.

    ``spf`` is heat of heat pump and backup over their electricity, standby included (SPF H3); ``None`` without heat.
    """

    cost_eur: float
    co2_kg: float
    spf: float | None
    self_consumption_share: float | None
    self_sufficiency_share: float
    import_kwh: float
    export_kwh: float
    peak_kw: float
    starts_count: int
    room_missed_k_h: float
    room_missed_h: float
    hot_water_missed_k_h: float
    departure_missed_kwh: float

    def meanings(self) -> list[tuple[str, float, str]]:
        """Return name, value and meaning of each figure that there is."""
        rows = [(name, getattr(self, name), text) for name, text in _MEANINGS.items()]
        return [(name, float(value), text) for name, value, text in rows if value is not None]


_MEANINGS = {
    "cost_eur": "Cost: electricity, fuel and wear, without wishes missed",
    "spf": "SPF: heat of heat pump and backup over their electricity",
    "co2_kg": "Emissions of the electricity bought and of fuel",
    "self_consumption_share": "Self-consumption: PV that is used at home",
    "self_sufficiency_share": "Self-sufficiency: use that is not bought",
    "peak_kw": "Highest import",
    "import_kwh": "Electricity bought",
    "export_kwh": "Electricity sold",
    "starts_count": "Starts of the compressor",
    "room_missed_k_h": "Degree-hours outside the comfort band",
    "room_missed_h": "Hours outside the comfort band by more than 0.05 K",
    "hot_water_missed_k_h": "Degree-hours of the tank below the temperature expected",
    "departure_missed_kwh": "Energy missing in vehicles at departure",
}


def kpis_of(plan: Plan, flows: Flows | None = None) -> Kpis:
    """Return the key figures of a plan."""
    flows = flows or flows_of(plan)
    hours = plan.slots.step_h
    bought, sold = _sum(flows.import_kw, hours), _sum(flows.export_kw, hours)
    electric = _sum(flows.heat_pump_kw + flows.backup_kw, hours)
    heat = _sum(flows.room_heat_kw + flows.water_heat_kw + flows.cool_heat_kw + flows.backup_kw, hours)
    used, pv = _sum(flows.demand_kw, hours), _sum(flows.pv_kw, hours)
    outside = plan.value("house.cold") + plan.value("house.warm")
    short = sum(float(np.sum(plan.value(f"vehicle.{v.name}.short"))) for v in plan.problem.plant.vehicles)
    second = plan.problem.plant.second_heater
    burnt = (
        0.0
        if second is None
        else _sum(flows.second_room_kw + flows.second_water_kw, hours) * second.co2_g_per_kwh
    )
    return Kpis(
        cost_eur=plan.cost_cent / 100,
        co2_kg=(_sum(flows.import_kw * plan.problem.plant.grid.co2_g_per_kwh, hours) + burnt) / 1e3,
        spf=heat / electric if heat > 1e-6 and electric > 1e-6 else None,
        self_consumption_share=(pv - min(sold, pv)) / pv if pv > 1e-6 else None,
        self_sufficiency_share=max(0.0, 1 - bought / used) if used > 1e-9 else 0.0,
        import_kwh=bought,
        export_kwh=sold,
        peak_kw=float(np.max(flows.import_kw)),
        starts_count=int(np.round(np.sum(plan.value("heat_pump.start")))),
        room_missed_k_h=_sum(outside, hours),
        room_missed_h=float(np.sum(hours[outside > 0.05])),
        hot_water_missed_k_h=_sum(plan.value("tank.missed"), hours),
        departure_missed_kwh=short,
    )


def kpis_table(kpis: Kpis) -> Table:
    """Return key figures as a table."""
    rows = kpis.meanings()
    columns = [list(c) for c in zip(*rows, strict=True)]
    return Table(KPIS, {"figure": columns[0], "value": columns[1], "meaning": columns[2]})


def costs_table(plan: Plan) -> Table:
    """Return what a plan costs, by category."""
    costs = {name: amount / 100 for name, amount in plan.costs().items()}
    return Table(
        COSTS,
        {"category": list(costs), "amount_eur": list(costs.values()), "wish": [c in WISHES for c in costs]},
    )


def energy_table(plan: Plan, flows: Flows | None = None) -> Table:
    """Return energy from source to use, in two stages: sources to electricity, electricity to uses; heat likewise."""
    flows = flows or flows_of(plan)
    hours = plan.slots.step_h
    heat = {"Room": flows.room_heat_kw, "Hot water": flows.water_heat_kw}
    links = [
        ("Bought", "Electricity", flows.import_kw),
        ("PV", "Electricity", flows.pv_kw),
        ("From the battery", "Electricity", flows.discharge_kw),
        ("From the car", "Electricity", flows.vehicle_discharge_kw),
        ("Electricity", "Household", flows.load_kw),
        ("Electricity", "Deferrable loads", flows.deferrable_kw),
        ("Electricity", "Heat pump", flows.heat_pump_kw),
        ("Electricity", "Backup heater", flows.backup_kw),
        ("Electricity", "Battery", flows.charge_kw),
        ("Electricity", "Car", flows.vehicle_charge_kw),
        ("Electricity", "Sold", flows.export_kw),
        ("Outside", "Heat pump", np.maximum(sum(heat.values()) - flows.room_kw - flows.water_kw, 0.0)),
        ("Heat pump", "Room", flows.room_heat_kw),
        ("Heat pump", "Hot water", flows.water_heat_kw),
        ("Backup heater", "Room", flows.backup_room_kw),
        ("Backup heater", "Hot water", flows.backup_water_kw),
        ("Second heater", "Room", flows.second_room_kw),
        ("Second heater", "Hot water", flows.second_water_kw),
    ]
    amounts = [(source, target, _sum(power, hours)) for source, target, power in links]
    kept = [row for row in amounts if row[2] > 1e-3]
    columns = [list(c) for c in zip(*kept, strict=True)] if kept else [[], [], []]
    return Table(ENERGY, {"source": columns[0], "target": columns[1], "energy_kwh": columns[2]})


def _sum(power_kw: Floats, hours: Floats) -> float:
    return float(np.sum(power_kw * hours))
