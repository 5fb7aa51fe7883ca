"""The study kind ``home``: one plan, certified and explained."""

from __future__ import annotations

import time

from varme.components.home import Slots
from varme.ground.context import Context, Kind
from varme.ground.errors import Collector, InputError, ModelError
from varme.ground.findings import Finding
from varme.ground.result import Result
from varme.home.case import HomeCase, load_case, state_of
from varme.home.checks import check_state
from varme.home.comparison import compared
from varme.home.contents import Found, all_charts, all_figures, all_findings, all_schemas, all_tables
from varme.home.scenarios.compare import plan_under_uncertainty
from varme.home.schedule.explain import infeasible
from varme.home.schedule.figures import kpis_of
from varme.home.schedule.flows import flows_of
from varme.home.schedule.plan import make_plan
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
    found, planned_s = _plan(study, context)
    return Result(
        kind=study.kind,
        title=study.title or "A home and its heat pump",
        summary={f.name: f for f in all_figures(found)},
        data=all_tables(found),
        findings=tuple(all_findings(found)),
        charts=tuple(all_charts(found)),
        provenance=_provenance(found)
        | {"timing": {"cpu_s": round(time.process_time() - started, 3), "plan_cpu_s": round(planned_s, 4)}},
        study=study.model_dump(mode="json"),
    )


def _plan(study: HomeStudy, context: Context) -> tuple[Found, float]:
    """Return what was found, and the CPU seconds of the plan alone."""
    case = load_case(study, context)
    told = _start_findings(study, case, context)
    state = state_of(study.state, study, case.plant)
    slots = Slots.even(0, case.grid.n, case.grid.step_h)
    began = time.process_time()
    try:
        plan = make_plan(case.plant, slots, state, study.plan)
    except ModelError as error:
        raise infeasible(case.plant, slots, state, error, context.source) from None
    planned_s = time.process_time() - began
    unsure = None
    if study.scenarios is not None:
        unsure = plan_under_uncertainty(study, study.scenarios, context, state)
    flows = flows_of(plan)
    beside = None if context.brief else compared(case.plant, plan, flows)
    return Found(case, state, plan, flows, kpis_of(plan, flows), tuple(told), unsure, beside), planned_s


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


def _provenance(found: Found) -> dict[str, object]:
    certificate = found.plan.certificate
    return {
        "data_hashes": found.case.data_hashes,
        "solver_status": found.plan.status,
        "bound_cent": certificate.bound,
        "objective_cent": certificate.objective,
        "gap_cent": certificate.gap_abs,
        "violation": certificate.max_violation,
        "residual_kwh": found.plan.residual_kwh,
    }


KIND = Kind(
    name="home",
    title="Plan of a home with heat pump, tank, PV, battery and vehicle, certified and explained",
    spec=HomeStudy,
    run=run,
    check=check,
    template=home_files,
    tables=all_schemas,
)
