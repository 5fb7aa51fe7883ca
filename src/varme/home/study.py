"""The study kind ``home``: one plan, certified and explained."""

from __future__ import annotations

import time

from varme.components.home import Slots
from varme.ground.context import Context, Kind
from varme.ground.errors import Collector, InputError
from varme.ground.findings import Finding
from varme.ground.result import Figure, Result
from varme.ground.tables import Table, TableSchema
from varme.home.case import HomeCase, load_case, state_of
from varme.home.checks import check_state
from varme.home.scenarios.compare import plan_under_uncertainty
from varme.home.scenarios.report import (
    scenario_charts,
    scenario_figures,
    scenario_findings,
    scenario_schemas,
    scenario_tables,
)
from varme.home.schedule.duty import duty_findings
from varme.home.schedule.figures import (
    COSTS,
    ENERGY,
    KPIS,
    Kpis,
    costs_table,
    energy_table,
    kpis_of,
    kpis_table,
)
from varme.home.schedule.flows import flows_of
from varme.home.schedule.plan import Plan, make_plan
from varme.home.schedule.reasons import REASON_HOURS, REASONS, hours_table, reasons_of, reasons_table
from varme.home.schedule.tables import PLAN, plan_charts, plan_findings, plan_table
from varme.home.schedule.worth import WORTH, worth_table
from varme.home.spec import HomeStudy
from varme.home.templates import home_files


def check(study: HomeStudy, context: Context) -> list[Finding]:
    """Check a study and its data without planning.

    Raises:
        InputError: with every problem of the study.
        DataError: with every problem of the data.
    """
    case = load_case(study, context)
    return [*case.findings, *_start_findings(study, case, context)]


def run(study: HomeStudy, context: Context) -> Result:
    """Plan a home.

    Raises:
        VarmeError: as :func:`check`, and if there is no plan.
    """
    started = time.process_time()
    case = load_case(study, context)
    told = _start_findings(study, case, context)
    state = state_of(study.state, study, case.plant)
    plan = make_plan(case.plant, Slots.even(0, case.grid.n, case.grid.step_h), state, study.plan)
    planned = time.process_time() - started
    kpis = kpis_of(plan)
    summary = figures(plan, kpis)
    unsure = None
    if study.scenarios is not None:
        unsure = plan_under_uncertainty(study, study.scenarios, context, state)
        summary += scenario_figures(unsure)
    return Result(
        kind=study.kind,
        title=study.title or "A home and its heat pump",
        summary={f.name: f for f in summary},
        data=tables(plan, kpis) | ({} if unsure is None else scenario_tables(unsure)),
        findings=(
            *case.findings,
            *told,
            *plan_findings(plan, kpis),
            *duty_findings(plan),
            *([] if unsure is None else scenario_findings(unsure)),
        ),
        charts=(*plan_charts(plan), *([] if unsure is None else scenario_charts(unsure))),
        provenance=_provenance(case, plan)
        | {"timing": {"cpu_s": round(time.process_time() - started, 3), "plan_cpu_s": round(planned, 3)}},
        study=study.model_dump(mode="json"),
    )


def _start_findings(study: HomeStudy, case: HomeCase, context: Context) -> list[Finding]:
    """Return what must be known of the start.

    Raises:
        InputError: if the start is impossible.
    """
    problems = Collector()
    told = check_state(study.state, case.plant, problems)
    if len(problems):
        raise InputError(problems.problems, context.source)
    return told


def tables(plan: Plan, kpis: Kpis) -> dict[str, Table]:
    """Return the tables of a plan."""
    flows = flows_of(plan)
    reasons = reasons_of(plan)
    made = [
        plan_table(plan, flows), reasons_table(plan, reasons), hours_table(plan, reasons), worth_table(plan),
        costs_table(plan), energy_table(plan, flows), kpis_table(kpis),
    ]  # fmt: skip
    return {table.schema.name: table for table in made}


def _provenance(case: HomeCase, plan: Plan) -> dict[str, object]:
    return {
        "data_hashes": case.data_hashes,
        "solver_status": plan.status,
        "bound_cent": plan.certificate.bound,
        "objective_cent": plan.certificate.objective,
        "gap_cent": plan.certificate.gap_abs,
        "violation": plan.certificate.max_violation,
    }


def figures(plan: Plan, kpis: Kpis) -> list[Figure]:
    """Return the summary of a plan."""
    first = [
        Figure("cost_eur", kpis.cost_eur, "what the plan costs"),
        Figure("gap_cent", plan.certificate.gap_abs, "at most that much better could any plan be"),
    ]
    rest = [Figure(name, value, text) for name, value, text in kpis.meanings() if name != "cost_eur"]
    return [*first, *rest]


def schemas() -> list[TableSchema]:
    """Return the schemas of all tables of a result."""
    return [PLAN, REASONS, REASON_HOURS, WORTH, COSTS, ENERGY, KPIS, *scenario_schemas()]


KIND = Kind(
    name="home",
    title="Plan of a home with heat pump, tank, PV, battery and vehicle, certified and explained",
    spec=HomeStudy,
    run=run,
    check=check,
    template=home_files,
    tables=schemas,
)
