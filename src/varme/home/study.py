"""The study kind ``home``: one plan, certified and explained."""

from __future__ import annotations

import time

import numpy as np

from varme.components.home import Slots
from varme.ground.context import Context, Kind
from varme.ground.findings import Finding
from varme.ground.result import Figure, Result
from varme.ground.tables import TableSchema
from varme.home.case import load_case, state_of
from varme.home.schedule.plan import Plan, make_plan
from varme.home.schedule.tables import PLAN, plan_charts, plan_findings, plan_table
from varme.home.spec import HomeStudy
from varme.home.templates import home_files


def check(study: HomeStudy, context: Context) -> list[Finding]:
    """Check a study and its data without planning.

    Raises:
        InputError: with every problem of the study.
        DataError: with every problem of the data.
    """
    return load_case(study, context).findings


def run(study: HomeStudy, context: Context) -> Result:
    """Plan a home.

    Raises:
        VarmeError: as :func:`check`, and if there is no plan.
    """
    started = time.process_time()
    case = load_case(study, context)
    state = state_of(study.state, study, case.plant)
    plan = make_plan(case.plant, Slots.even(0, case.grid.n, case.grid.step_h), state, study.plan)
    summary = figures(plan)
    return Result(
        kind=study.kind,
        title=study.title or "A home and its heat pump",
        summary={f.name: f for f in summary},
        data={"plan": plan_table(plan)},
        findings=(*case.findings, *plan_findings(plan)),
        charts=tuple(plan_charts(plan)),
        provenance={
            "data_hashes": case.data_hashes,
            "solver_status": plan.status,
            "bound_cent": plan.certificate.bound,
            "gap_cent": plan.certificate.gap_abs,
            "timing": {"cpu_s": round(time.process_time() - started, 3)},
        },
        study=study.model_dump(mode="json"),
    )


def figures(plan: Plan) -> list[Figure]:
    """Return the summary of a plan."""
    hours = plan.slots.step_h
    return [
        Figure("cost_eur", plan.cost_cent / 100, "what the plan costs"),
        Figure("gap_cent", plan.certificate.gap_abs, "largest possible loss against the best plan"),
        Figure("import_kwh", float(np.sum(plan.value("grid.import") * hours)), "electricity bought"),
        Figure("export_kwh", float(np.sum(plan.value("grid.export") * hours)), "electricity sold"),
    ]


def schemas() -> list[TableSchema]:
    """Return the schemas of all tables of a result."""
    return [PLAN]


KIND = Kind(
    name="home",
    title="Plan of a home with heat pump, tank, PV, battery and vehicle, certified and explained",
    spec=HomeStudy,
    run=run,
    check=check,
    template=home_files,
    tables=schemas,
)
