"""What a run of the kind ``home`` found, and all of its tables, figures, findings and charts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from varme.components.heat_pump_tables import (
    bivalence_table,
    cop_map_table,
    heat_pump_charts,
)
from varme.ground.charts import Chart
from varme.ground.findings import Finding
from varme.ground.result import Figure
from varme.ground.tables import Table, TableSchema
from varme.home.case import HomeCase
from varme.home.comparison import (
    Comparison,
    comparison_charts,
    comparison_figures,
    comparison_findings,
    comparison_schemas,
    comparison_tables,
)
from varme.home.plant import State
from varme.home.scenarios.compare import Outcome
from varme.home.scenarios.report import (
    scenario_charts,
    scenario_figures,
    scenario_findings,
    scenario_schemas,
    scenario_tables,
)
from varme.home.schedule.duty import duty_findings
from varme.home.schedule.figures import COSTS, ENERGY, KPIS, Kpis, costs_table, energy_table, kpis_table
from varme.home.schedule.flows import Flows
from varme.home.schedule.plan import Plan
from varme.home.schedule.reasons import REASON_HOURS, REASONS, hours_table, reasons_of, reasons_table
from varme.home.schedule.tables import PLAN, plan_charts, plan_findings, plan_table
from varme.home.schedule.worth import WORTH, worth_table
from varme.markets.bill import BILL, TARIFF, Bill, bill, bill_table, tariff_table
from varme.markets.tariffs import Prices


@dataclass(frozen=True, eq=False)
class Found:
    """What a run found.

    Attributes:
        case: The home.
        state: Its state at the start.
        plan: The plan.
        flows: What flows in it.
        kpis: Its key figures.
        told: Findings of the start.
        unsure: The plan under uncertainty, if it was asked for.
        beside: The plan beside rules with the same heat, and executed.
    """

    case: HomeCase
    state: State
    plan: Plan
    flows: Flows
    kpis: Kpis
    told: tuple[Finding, ...] = ()
    unsure: Outcome | None = None
    beside: Comparison | None = None


def all_tables(found: Found) -> dict[str, Table]:
    """Return the tables by name."""
    plan, flows = found.plan, found.flows
    reasons = reasons_of(plan)
    made = [
        plan_table(plan, flows), reasons_table(plan, reasons), hours_table(plan, reasons), worth_table(plan),
        costs_table(plan), energy_table(plan, flows), kpis_table(found.kpis),
    ]  # fmt: skip
    if found.case.prices is not None:
        made += [bill_table(plan_bill(found.case.prices, plan)), tariff_table(found.case.study.tariff)]
    made += heat_pump_tables(found.case)
    if found.beside is not None:
        made += comparison_tables(found.beside, plan, found.kpis, flows)
    tables = {table.schema.name: table for table in made}
    return tables if found.unsure is None else tables | scenario_tables(found.unsure)


def heat_pump_tables(case: HomeCase) -> list[Table]:
    """Return the heat pump's COP map and its capacity beside the house's heat load."""
    pump, spec, house = case.plant.heat_pump, case.study.heat_pump, case.study.house
    if pump is None or spec is None or pump.machine is None:
        return []
    made = [cop_map_table(pump.machine.performance)]
    return made if house is None else [*made, bivalence_table(spec, pump.machine, house, case.pump_model)]


def plan_bill(prices: Prices, plan: Plan) -> Bill:
    """Return the bill of a plan over the whole base grid of its prices; peaks count as the plan counts them."""
    bought, sold = (np.repeat(plan.value(f"grid.{way}"), plan.slots.counts) for way in ("import", "export"))
    return bill(prices, bought, sold, plan.slots.base_h, planning=True)


def all_figures(found: Found) -> list[Figure]:
    """Return the summary."""
    by_name = {name: Figure(name, value, text) for name, value, text in found.kpis.meanings()}
    figures = [
        by_name.pop("cost_eur"),
        Figure(
            "gap_cent", round(found.plan.certificate.gap_abs, 6), "Proven: no plan is better by more than"
        ),
    ]
    if found.beside is not None:
        figures += comparison_figures(found.beside)[:2]
    figures += by_name.values()
    if found.beside is not None:
        figures += comparison_figures(found.beside)[2:]
    return figures if found.unsure is None else [*figures, *scenario_figures(found.unsure)]


def all_findings(found: Found) -> list[Finding]:
    """Return all findings."""
    findings = [
        *found.case.findings,
        *found.told,
        *plan_findings(found.plan, found.kpis),
        *duty_findings(found.plan),
    ]
    if found.beside is not None:
        findings += comparison_findings(found.beside)
    return findings if found.unsure is None else [*findings, *scenario_findings(found.unsure)]


def all_charts(found: Found) -> list[Chart]:
    """Return all charts."""
    charts = plan_charts(found.plan)
    if found.beside is not None:
        charts += comparison_charts(found.beside)
    pump = found.case.plant.heat_pump
    if pump is not None and pump.machine is not None:
        known = {"cop_map", "bivalence"} if found.case.study.house is not None else {"cop_map"}
        charts += [
            chart
            for chart in heat_pump_charts(pump.machine.performance)
            if chart.table in known and (chart.name != "cop_points" or pump.machine.performance.points)
        ]
    return charts if found.unsure is None else [*charts, *scenario_charts(found.unsure)]


def all_schemas() -> list[TableSchema]:
    """Return the schemas of all tables of a result."""
    return [
        PLAN,
        REASONS,
        REASON_HOURS,
        WORTH,
        COSTS,
        ENERGY,
        KPIS,
        BILL,
        TARIFF,
        *comparison_schemas(),
        *scenario_schemas(),
    ]
