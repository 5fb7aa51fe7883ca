"""A plan beside rules that deliver the same heat, and executed minute by minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from varme.ground.charts import Chart
from varme.ground.findings import Finding
from varme.ground.result import Figure
from varme.ground.tables import Column, Table, TableSchema
from varme.home.chart_words import WORDS
from varme.home.plant import Plant
from varme.home.schedule.figures import Kpis
from varme.home.schedule.flows import Flows
from varme.home.schedule.plan import Plan
from varme.home.simulate.baselines import Baseline, EndWorth, baseline_costs
from varme.home.simulate.replay_plan import REPLAY, PlanReplay, planned_cent, replay_plan

BASELINES = TableSchema(
    "baselines",
    "The plan beside rules that deliver the same heat",
    (
        Column("control", "text", "plan, or the rule"),
        Column(
            "cost_eur",
            "number",
            "electricity, peaks, fuel, wear and starts; what is left in the stores is valued as in the plan",
        ),
        Column("more_eur", "number", "how much more than the plan"),
        Column("electricity_eur", "number", "electricity bought less sold"),
        Column("room_heat_kwh", "number", "heat into the room"),
        Column("water_heat_kwh", "number", "heat into the tank"),
        Column("room_missed_k_h", "number", "degree-hours outside the comfort band"),
        Column("hot_water_missed_k_h", "number", "degree-hours of the tank below the temperature expected"),
        Column("departure_missed_kwh", "number", "energy missing in vehicles at departure"),
        Column("starts_count", "integer", "starts of the compressor"),
        Column("peak_kw", "number", "highest import"),
        Column("same_heat", "flag", "whether room and tank got the plan's heat within 1 %"),
    ),
)
#: What each rule is, for people.
RULE_TEXT = {
    "thermostat": "a thermostat: room and tank at set points, car charged on return",
    "thermostat_night_car": "a thermostat with the car charged from midnight on",
    "timer": "a timer: night set-back, hot water at fixed hours, car from midnight on",
    "no_storage": "no storage: heat when needed, nothing shifted",
}


@dataclass(frozen=True, eq=False)
class Comparison:
    """A plan beside rules, and executed.

    Attributes:
        plan_cent: What the plan costs: electricity, peaks, fuel, wear, starts.
        rules: The rules with the same heat.
        replay: The plan executed in steps of a minute; ``None`` if the home has a device that is not simulated.
    """

    plan_cent: float
    rules: tuple[Baseline, ...]
    replay: PlanReplay | None


def compared(plant: Plant, plan: Plan, flows: Flows) -> Comparison | None:
    """Return a plan beside rules with the same heat, and executed; ``None`` if the home is not simulated.

    Args:
        plant: The home over its base grid.
        plan: The plan.
        flows: What flows in it.
    """
    if plant.heat_pump is None:
        return None
    hours, worth = plan.slots.step_h, plan.problem.worth
    ends = EndWorth(
        worth.room_cent_per_k, worth.tank_cent_per_k, worth.battery_cent_per_kwh, worth.vehicle_cent_per_kwh
    )
    heat = (
        float(np.sum((flows.room_heat_kw + flows.backup_room_kw + flows.second_room_kw) * hours)),
        float(np.sum((flows.water_heat_kw + flows.backup_water_kw + flows.second_water_kw) * hours)),
    )
    names = [name for name in RULE_TEXT if plant.vehicles or name != "thermostat_night_car"]
    rules: Sequence[Baseline] = baseline_costs(
        as_full(plant, plan), plan.slots, plan.problem.state, heat, ends, end_worth_cent(plan), names
    )
    return Comparison(planned_cent(plan), tuple(rules), replay_plan(plant, plan))


def as_full(plant: Plant, plan: Plan) -> Plant:
    """Return the home with vehicles that should leave as full as in a plan, so that rules charge the same energy.

    Otherwise a plan that fills a car in a cheap night would be credited for energy that nobody asked the rule for.

    Args:
        plant: The home over its base grid.
        plan: The plan.
    """
    slots, vehicles = plan.slots, []
    for vehicle in plant.vehicles:
        level = np.repeat(plan.value(f"vehicle.{vehicle.name}.level"), slots.counts)
        wish = vehicle.wish_kwh.copy()
        part = wish[slots.edges[0] : slots.edges[-1]]
        part[:] = np.where(part > 0, np.maximum(part, level), part)
        vehicles.append(replace(vehicle, wish_kwh=wish))
    return replace(plant, vehicles=tuple(vehicles))


def end_worth_cent(plan: Plan) -> float:
    """Return what the plan's end state is worth at its terminal values [cent]."""
    worth, plant = plan.problem.worth, plan.problem.plant
    out = 0.0
    if plant.house is not None:
        nodes = [plan.value(f"house.temperature_{k}")[-1] for k in range(plant.house.network.nodes)]
        out += float(worth.room_cent_per_k @ np.array(nodes))
    if plant.tank is not None:
        out += worth.tank_cent_per_k * float(plan.value("tank.temperature")[-1])
    if plant.battery is not None:
        out += worth.battery_cent_per_kwh * float(plan.value("battery.level")[-1])
    for vehicle in plant.vehicles:
        out += worth.vehicle_cent_per_kwh * float(plan.value(f"vehicle.{vehicle.name}.level")[-1])
    return out


def comparison_tables(found: Comparison, plan: Plan, kpis: Kpis, flows: Flows) -> list[Table]:
    """Return the rules beside the plan, and the replay."""
    hours = plan.slots.step_h
    rows = [
        _plan_row(found, plan, kpis, flows, hours),
        *(_rule_row(rule, found.plan_cent) for rule in found.rules),
    ]
    names = [column.name for column in BASELINES.columns]
    table = Table(BASELINES, {name: [row[place] for row in rows] for place, name in enumerate(names)})
    return [table] if found.replay is None else [table, found.replay.table()]


def _plan_row(found: Comparison, plan: Plan, kpis: Kpis, flows: Flows, hours: object) -> tuple[object, ...]:
    costs, step = plan.costs(), np.asarray(hours)
    electricity = (costs.get("electricity bought", 0.0) + costs.get("electricity sold", 0.0)) / 100
    return (
        "plan", found.plan_cent / 100, 0.0, electricity,
        float(np.sum((flows.room_heat_kw + flows.backup_room_kw + flows.second_room_kw) * step)),
        float(np.sum((flows.water_heat_kw + flows.backup_water_kw + flows.second_water_kw) * step)),
        kpis.room_missed_k_h, kpis.hot_water_missed_k_h, kpis.departure_missed_kwh, kpis.starts_count,
        kpis.peak_kw, True,
    )  # fmt: skip


def _rule_row(rule: Baseline, plan_cent: float) -> tuple[object, ...]:
    return (
        rule.name, rule.cost_cent / 100, (rule.cost_cent - plan_cent) / 100, rule.electricity_cent / 100,
        rule.room_heat_kwh, rule.water_heat_kwh, rule.cold_k_h + rule.warm_k_h, rule.water_missed_k_h, rule.short_kwh,
        rule.starts, float(np.max(rule.import_kw)), rule.same_heat,
    )  # fmt: skip


def comparison_figures(found: Comparison) -> list[Figure]:
    """Return what the plan saves against each rule, and how well it can be executed."""
    out = [
        Figure(
            f"saving_{rule.name}_eur",
            (rule.cost_cent - found.plan_cent) / 100,
            f"Saved against {RULE_TEXT[rule.name]}",
        )
        for rule in found.rules
    ]
    if found.replay is not None:
        replay = found.replay
        out += [
            Figure(
                "replay_room_k",
                round(replay.room_error_k, 3),
                "Executed by the minute: largest difference of the room's temperature",
            ),
            Figure(
                "replay_tank_k",
                round(replay.tank_error_k, 3),
                "Executed by the minute: largest difference of the tank's temperature",
            ),
            Figure(
                "replay_cost_percent",
                round(100 * replay.cost_error_share, 2),
                "Executed by the minute: difference of cost",
            ),
        ]
    return out


def comparison_findings(found: Comparison) -> list[Finding]:
    """Return what a reader must know of the comparison."""
    out: list[Finding] = [] if found.replay is None else list(found.replay.findings())
    dearest = max((rule.peak_cent for rule in found.rules), default=0.0)
    if dearest > 1.0:
        text = (
            f"Rules make peaks that cost up to {dearest / 100:.2f} EUR. They are paid once in a month or year, and "
            "stay in what the plan of this day saves: do not multiply it by days."
        )
        evidence = {"peaks_eur": {rule.name: round(rule.peak_cent / 100, 2) for rule in found.rules}}
        out.append(Finding("saving_holds_peaks", "warning", "baselines", text, evidence))
    apart = [rule.name for rule in found.rules if not rule.same_heat]
    if apart:
        text = (
            f"No set point of {', '.join(apart)} delivers the plan's heat within 1 %; the nearest one stands, and "
            "what is left in the stores is valued."
        )
        out.append(Finding("baseline_heat_differs", "note", "baselines", text, {"rules": apart}))
    return out


def comparison_charts(found: Comparison) -> list[Chart]:
    """Return the charts of the comparison."""
    charts = [
        Chart(
            "baselines", "bars", "What the day costs, by plan and by rules with the same heat", "baselines", "control",
            ("cost_eur",), x_label="Control", y_label="Cost [EUR]", section="Against what", words=WORDS,
            note="Set points of the rules are shifted until room and tank get the plan's heat; what is left in the "
            "stores is valued alike.",
        )
    ]  # fmt: skip
    return charts if found.replay is None else [*charts, *found.replay.charts()]


def comparison_schemas() -> list[TableSchema]:
    """Return the schemas of the comparison's tables."""
    return [BASELINES, REPLAY]
