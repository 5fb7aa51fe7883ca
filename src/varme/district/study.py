"""The study kind ``district``: check, run, export the model."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from varme.compute import progress
from varme.compute.executor import Executor
from varme.compute.outcome import Progress as TaskProgress
from varme.compute.outcome import in_order
from varme.district import capacity, parameters
from varme.district.base_case import BaseSpec
from varme.district.build import build
from varme.district.case import Case, fingerprint, load_case
from varme.district.charts import district_charts
from varme.district.operate import Dispatched, Operation, dispatch, operate
from varme.district.published import published_table, read_published, with_bands
from varme.district.spec import DistrictStudy
from varme.district.summary import Reading, figures, findings, lp_milp_table, summary
from varme.district.tables import (
    SCHEMAS,
    SIZES,
    balance_table,
    costs_table,
    dispatch_table,
    months_table,
    stores_table,
    synthetic_table,
    units_table,
    windows_table,
)
from varme.district.templates import district_files
from varme.ground.context import Checkpoints, Context, Kind
from varme.ground.errors import InputError, Problem
from varme.ground.findings import Finding
from varme.ground.result import Result
from varme.ground.size import Decision, largest
from varme.ground.spec import parse, read_file
from varme.ground.tables import Table
from varme.kernel.highs import Solver


def check(study: DistrictStudy, context: Context) -> list[Finding]:
    """Check a study and its data without solving.

    Raises:
        InputError: with every problem of the study.
        DataError: with every problem of the data.
    """
    case = load_case(study, context)
    if study.published_table:
        read_published(context.base / study.published_table)
    for kind, spec in _read_on_top(study, context):
        kind.check(spec, context)
    return [*case.findings, *_capacity_findings(case)]


def _capacity_findings(case: Case) -> list[Finding]:
    """Warn where demand exceeds all the capacity on a bus."""
    out = []
    for bus, demand in case.demand.items():
        if not bus.startswith("heat:"):
            continue
        total = 0.0
        for device in case.devices.values():
            if bus not in device.buses().values():
                continue
            plate = getattr(device, "nameplate", None)
            size = getattr(device, "heat_max_mw", getattr(device, "discharge_max_mw", 0.0))
            total += plate().heat_mw if plate else largest(size)
        most = float(np.max(demand))
        if most > total and not any(d.type in {"line", "must_take"} for d in case.devices.values()):
            hours = int(np.count_nonzero(np.atleast_1d(demand) > total))
            text = f"Demand reaches {most:,.0f} MW, capacity and stores give {total:,.0f} MW ({hours} intervals)."
            out.append(
                Finding(
                    "demand_above_capacity", "warning", bus, text, {"demand_mw": most, "capacity_mw": total}
                )
            )
    return out


def run(study: DistrictStudy, context: Context) -> Result:
    """Run a study.

    Raises:
        VarmeError: as :func:`check`, and if the model has no answer or a run cannot be stored.
    """
    started = time.process_time()
    case = load_case(study, context)
    published = read_published(context.base / study.published_table) if study.published_table else []
    cases = {"case": case}
    if study.reference:
        cases["reference"] = case.without(study.reference.without)
    if study.solve.compare_lp and study.solve.mode == "milp" and not context.brief:
        relaxed = study.solve.model_copy(update={"mode": "lp"})
        cases["relaxed"] = replace(case, study=study.model_copy(update={"solve": relaxed}))
    runs = _operate_all(cases, context)
    readings = {name: Reading.of(operation) for name, operation in runs.items()}
    main, other = readings["case"], readings.get("reference")
    relaxed_reading = readings.get("relaxed")
    tables = _tables(main, other, runs)
    if relaxed_reading is not None:
        tables["comparison_lp_milp"] = lp_milp_table(main, relaxed_reading)
    if published:
        tables["comparison_published"] = published_table(published, figures(main, other))
    if case.synthetic:
        tables["comparison_synthetic"] = synthetic_table(case.synthetic["targets"])
    extra = [] if context.brief else _studies_on_top(study, context)
    charts = district_charts(main.operation, main.flows, has_reference=other is not None)
    for result in extra:
        tables |= result.data
        charts += result.charts
    return Result(
        kind=study.kind,
        title=study.title,
        summary=with_bands(summary(main, other), published),
        data=tables,
        findings=(*findings(main, other), *(f for r in extra for f in r.findings if f not in case.findings)),
        charts=tuple(charts),
        provenance=_provenance(case, runs, time.process_time() - started),
        study=study.model_dump(mode="json"),
    )


def _studies_on_top(study: DistrictStudy, context: Context) -> list[Result]:
    """Run the capacity and parameter studies that go into the same report."""
    return [kind.run(spec, context) for kind, spec in _read_on_top(study, context)]


def _read_on_top(study: DistrictStudy, context: Context) -> list[tuple[Kind, BaseSpec]]:
    kinds = {kind.name: kind for kind in (capacity.KIND, parameters.KIND)}
    out: list[tuple[Kind, BaseSpec]] = []
    for name in study.on_top:
        path = context.base / name
        data = read_file(path)
        kind = kinds.get(str(data.get("kind")))
        if kind is None:
            what = Problem(
                "P106", f"on_top: {name}", "is not a study on top", str(data.get("kind")), ", ".join(kinds)
            )
            raise InputError(what, context.source)
        spec = parse(kind.spec, data, path.name)
        assert isinstance(spec, BaseSpec)
        out.append((kind, spec))
    return out


def _operate_all(cases: dict[str, Case], context: Context) -> dict[str, Operation]:
    """Operate all cases: side by side in worker processes if there may be several."""
    stores = {part: context.checkpoints(part, fingerprint(case, part)) for part, case in cases.items()}
    if context.jobs == 1 or len(cases) == 1:
        return {
            part: operate(case, store=stores[part], progress=context.progress, stage=part)
            for part, case in cases.items()
        }
    tasks = [(case, stores[part], part) for part, case in cases.items()]
    shown = _Together(context, list(cases))
    with Executor(context.jobs) as executor:
        found = in_order(executor.map(_dispatch_task, tasks, on_progress=shown.update, labels=list(cases)))
    return {part: dispatched.finish() for part, dispatched in zip(cases, found, strict=True)}


class _WorkerProgress:
    """Progress of a task in a worker, sent to the parent."""

    def __init__(self) -> None:
        self.total = 1

    def stage(self, name: str, total: int) -> None:
        """See :class:`varme.ground.context.Progress`."""
        self.total = total

    def advance(self, done: int, info: Mapping[str, object]) -> None:
        """See :class:`varme.ground.context.Progress`."""
        progress(done, self.total, dict(info))


class _Together:
    """Shows several tasks as one stage."""

    def __init__(self, context: Context, names: list[str]) -> None:
        self.context = context
        self.done: dict[int, tuple[float, float]] = {}
        self.costs: dict[int, float] = {}
        self.gaps: dict[int, float] = {}
        self.names = names
        self.total = 0

    def update(self, news: TaskProgress) -> None:
        """Add up what the tasks have done."""
        self.done[news.index] = (news.done, news.total)
        total = int(sum(t for _, t in self.done.values()) * len(self.names) / len(self.done))
        if total != self.total:
            self.total = total
            self.context.progress.stage(", ".join(self.names), total)
        self.costs[news.index] = float(news.info.get("cost_meur", 0.0))
        self.gaps[news.index] = float(news.info.get("gap_percent", 0.0))
        info = {
            "cost_meur": round(sum(self.costs.values()), 1),
            "gap_percent": max(self.gaps.values()),
        }
        self.context.progress.advance(int(sum(d for d, _ in self.done.values())), info)


def _dispatch_task(task: tuple[Case, Checkpoints | None, str]) -> Dispatched:
    case, store, part = task
    return dispatch(case, store=store, progress=_WorkerProgress(), stage=part)


def _tables(main: Reading, other: Reading | None, runs: dict[str, Operation]) -> dict[str, Table]:
    operation, flows = main.operation, main.flows
    tables = {
        "dispatch": dispatch_table(operation, flows),
        "balance": balance_table(operation, main.buses),
        "units": units_table(operation, flows),
        "costs": costs_table(
            flows,
            main.buses,
            main.cap_eur,
            (other.flows, other.buses, other.cap_eur) if other else None,
        ),
        "windows": windows_table(runs),
    }
    stores, months = stores_table(operation, flows), months_table(operation, flows)
    tables |= {"stores": stores} if len(stores) else {}
    tables |= {"heat_pump_months": months} if len(months) else {}
    if operation.sizes:
        tables["sizes"] = _sizes_table(operation, main)
    return tables


def _sizes_table(operation: Operation, main: Reading) -> Table:
    original = operation.decisions
    names = list(operation.sizes)
    costs = [_size_cost(original[name], operation.sizes[name], operation.case.env.hours) for name in names]
    return Table(
        SIZES,
        {
            "unit": names,
            "size": [operation.sizes[name] for name in names],
            "limit": [original[name].max for name in names],
            "cost_eur": costs,
        },
    )


def _size_cost(decision: Decision, size: float, hours: float) -> float:
    return decision.eur_per_unit(hours) * size + (decision.eur_build(hours) if size > 0 else 0.0)


def _provenance(case: Case, runs: dict[str, Operation], cpu_s: float) -> dict[str, object]:
    windows = {name: len(op.trajectories.records) for name, op in runs.items()}
    return {
        "data_hashes": case.data_hashes,
        "synthetic": case.synthetic,
        "solver": "HiGHS",
        "mode": case.study.solve.mode,
        "windows": windows,
        "objective_eur": {name: op.cost for name, op in runs.items()},
        "bound_eur": {name: op.year_bound for name, op in runs.items()},
        "timing": {"cpu_s": cpu_s, **{f"cpu_{name}_s": op.cpu_s for name, op in runs.items()}},
    }


def write_model(study: DistrictStudy, context: Context, folder: Path, suffix: str) -> list[Path]:
    """Write the model of the first window as MPS or LP, with names.

    Args:
        study: The study.
        context: Where its files are.
        folder: Where to write.
        suffix: ``mps`` or ``lp``.
    """
    case = load_case(study, context)
    spec = study.solve
    length = case.grid.n
    if spec.horizon == "rolling":
        length = min(length, case.env.steps(spec.keep_h) + round(spec.overlap_h / case.env.step_h))
    model = build(case, length).model
    solver = Solver(model.assemble())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{context.source.removesuffix('.toml') or 'model'}-window-0.{suffix}"
    solver.write(path, model.column_names(), model.row_names())
    return [path]


KIND = Kind(
    name="district",
    title="Heat pumps in a system of CHP plants, stores and district-heating networks: dispatch, cost, saving",
    spec=DistrictStudy,
    run=run,
    check=check,
    write_model=write_model,
    template=district_files,
    tables=lambda: SCHEMAS,
)
