"""Sweeps: one study for all combinations of some values, in parallel, resumable point by point."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from varme.compute import Executor, TaskResult
from varme.ground.context import Context, Kind, Progress, Silent
from varme.ground.errors import Collector, InputError, Problem, RunError, VarmeError
from varme.ground.findings import Finding
from varme.ground.result import Figure, Result, plain, write_text
from varme.ground.spec import parse
from varme.study.axes import Axes, Vary, read_axes
from varme.study.file import Overrides, Study, as_run, canonical_hash, read_study, undated
from varme.study.folder import RunFolder, read_state
from varme.study.overrides import overridden
from varme.study.points import points_charts, points_table
from varme.study.registry import find, sendable
from varme.study.run import Interrupted, prepare, solved, stamped, worker_count


@dataclass(frozen=True)
class Point:
    """What came of one point.

    Attributes:
        values: Value of each field.
        key: Stable key; the name of its folder or file.
        figures: Summary figures, as in ``result.json``.
        findings: How many findings of each severity it has.
        error: Text of the error, if it failed.
        bug: Traceback, if it failed unexpectedly.
    """

    values: tuple[Any, ...]
    key: str
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    findings: dict[str, int] = field(default_factory=dict)
    error: str = ""
    bug: str = ""


def sweep(
    study: str | Path | Mapping[str, Any],
    vary: Vary = (),
    *,
    set: Overrides | None = None,  # noqa: A002 - the name of the option on the command line
    out: str | Path | None = None,
    jobs: int = 1,
    resume: bool = False,
    force: bool = False,
    keep: bool = False,
    progress: Progress | None = None,
    base: Path | None = None,
) -> Result:
    """Run a study for all combinations of some values.

    Args:
        study: Path of a study file, of a folder that holds one, or the study as plain data.
        vary: ``{"devices.HP.heat_max_mw": [100, 200]}``, ``["devices.HP.heat_max_mw=100:300:50"]``, or the points
            themselves, ``[{"a.b_mw": 1, "c.d_c": 2}, ...]``. With ``resume`` that of the run folder if not given.
        set: Values that replace those of the study in all points.
        out: Run folder; by default nothing is written.
        jobs: Points that run at the same time; 0 for one per processor.
        resume: Go on with the sweep in ``out`` where it was stopped; failed points are tried again.
        force: Begin anew in ``out`` although it holds a run.
        keep: Keep the whole result of each point in ``out/points/KEY``, not its summary only.
        progress: Where to report how far it is.
        base: Folder where relative paths of the study start.

    Returns:
        A result of the kind ``sweep``: table ``points`` with the fields and all numeric figures, and charts.

    Raises:
        VarmeError: if the study or ``vary`` is wrong, or if every point failed.
        Interrupted: on Ctrl-C, if ``out`` is given; finished points are kept there.
    """
    workers = worker_count(jobs)
    target = None if out is None else Path(out)
    axes = read_axes(_earlier(target) if resume and target is not None and not vary else vary)
    job = read_study(study, set, base)
    _check_fields(job, axes)
    shown = progress or Silent()
    if target is None:
        if resume or force or keep:
            raise InputError(
                Problem("P108", "out", "must be given with resume, force or keep: which folder is meant")
            )
        return _swept(job, axes, None, workers, shown, resume=False, keep=False)
    also = canonical_hash([list(axes.fields), [list(p) for p in axes.points], keep])
    folder = RunFolder(target, "sweep")
    whole = prepare(folder, job, resume=resume, force=force, also=also)
    if whole is not None:
        return whole
    points = [axes.settings(p) for p in axes.points]
    try:
        with folder.held(as_run(job, verb="sweep", vary=points, keep=keep, also=also), shown) as recorder:
            result = _swept(job, axes, folder, workers, recorder, resume=resume, keep=keep)
            result.save(folder.path)
    except KeyboardInterrupt:
        raise Interrupted(read_state(folder.path)) from None
    return result


def _earlier(folder: Path) -> Vary:
    """Return the points of the sweep that a folder holds."""
    try:
        data = json.loads((folder / "study.json").read_text(encoding="utf-8"))
        return [dict(p) for p in data["vary"]]
    except (OSError, ValueError, KeyError):
        raise RunError(Problem("P502", str(folder), "holds no sweep to go on with")) from None


def _check_fields(study: Study, axes: Axes) -> None:
    """Refuse paths that name no field, before anything runs; values that do not fit fail at their point.

    Raises:
        InputError: P111.
    """
    problems = Collector()
    for name, value in axes.settings(axes.points[0]).items():
        try:
            study.changed({name: value})
        except InputError as error:
            for problem in error.problems:
                if problem.code == "P111":
                    where = problem.where.replace("--set", "--vary")
                    problems.add("P111", where, problem.what, limit=problem.limit, remedy=problem.remedy)
    problems.raise_if_any(InputError, study.source)


def _swept(
    study: Study,
    axes: Axes,
    folder: RunFolder | None,
    jobs: int,
    progress: Progress,
    *,
    resume: bool,
    keep: bool,
) -> Result:
    started, clock = datetime.now(UTC), time.perf_counter()
    store = folder.work / "points" if folder else None
    kept = folder.path / "points" if folder and keep else None
    tasks, points = _open_points(study, axes, store if resume else None, kept)
    old = len(points)
    progress.stage("points", len(axes.points))
    progress.advance(_count(axes, points), {})
    labels = [axes.label(t.values) for t in tasks]
    first: VarmeError | None = None
    with Executor(jobs=jobs) as executor:
        for done in executor.map(_run_point, tasks, labels=labels):
            point, first = _ended(tasks[done.index], done, first)
            points[point.values] = point
            if store is not None and not point.error:
                _save(store, point)
            progress.advance(
                _count(axes, points), {"failed_count": sum(bool(p.error) for p in points.values())}
            )
    ordered = [points[v] for v in axes.points]
    if first is not None and all(p.error for p in ordered):
        raise first
    timing = {
        "started": started.isoformat("T", "seconds"),
        "seconds": round(time.perf_counter() - clock, 3),
        "jobs": jobs,
        "resumed": resume,
        "points_resumed_count": old,
    }
    return stamped(_result(study, axes, ordered, keep=keep), study, timing)


def _count(axes: Axes, points: Mapping[tuple[Any, ...], Point]) -> int:
    return sum(v in points for v in axes.points)


@dataclass(frozen=True)
class _Task:
    kind: str | Kind
    data: dict[str, Any]
    base: Path
    source: str
    values: tuple[Any, ...]
    settings: dict[str, Any]
    key: str
    folder: Path | None


def _open_points(
    study: Study, axes: Axes, store: Path | None, kept: Path | None
) -> tuple[list[_Task], dict[tuple[Any, ...], Point]]:
    """Return the points that are still to be run, and those that were finished by an earlier run."""
    base = study.fingerprint
    tasks: dict[tuple[Any, ...], _Task] = {}
    points: dict[tuple[Any, ...], Point] = {}
    for values in axes.points:
        settings = axes.settings(values)
        key = canonical_hash([base, settings])[:16]
        earlier = _read(store, key, values) if store is not None else None
        if earlier is not None:
            points[values] = earlier
        elif values not in tasks:
            place = kept / key if kept is not None else None
            kind = sendable(study.kind)
            tasks[values] = _Task(kind, study.data, study.base, study.source, values, settings, key, place)
    return list(tasks.values()), points


def _run_point(task: _Task) -> Point:
    """Run one point; called in a worker process."""
    kind = find(task.kind) if isinstance(task.kind, str) else task.kind
    data = undated(overridden(kind.spec, task.data, task.settings, task.source))
    study = Study(kind, data, parse(kind.spec, data, task.source), task.base, task.source)
    result = solved(study, Context(base=study.base, source=study.source, brief=True))
    if task.folder is not None:
        result.save(task.folder)
    figures = result.as_dict()["summary"]
    counts: dict[str, int] = {}
    for finding in result.findings:
        counts[finding.severity] = counts.get(finding.severity, 0) + 1
    return Point(task.values, task.key, figures, counts)


def _ended(task: _Task, done: TaskResult[Point], first: VarmeError | None) -> tuple[Point, VarmeError | None]:
    """Return the point that a task gave, with the text of its error if it failed, and the first error of all."""
    if done.ok:
        return done.get(), first
    error = done.error
    if isinstance(error, VarmeError):
        if any(p.code in {"P503", "P506"} for p in error.problems):
            raise error
        return Point(task.values, task.key, error="; ".join(str(p) for p in error.problems)), first or error
    text = f"{type(error).__name__}: {error}".split("\n")[0]
    wrapped = RunError(Problem("P507", done.label, text))
    return Point(task.values, task.key, error=text, bug=done.traceback_text), first or wrapped


def _save(store: Path, point: Point) -> None:
    data = plain({"key": point.key, "figures": point.figures, "findings": point.findings})
    try:
        store.mkdir(parents=True, exist_ok=True)
        write_text(store / f"{point.key}.json", json.dumps(data))
    except OSError as error:
        raise RunError(Problem("P503", str(store), f"cannot write: {error.strerror or error}")) from None


def _read(store: Path, key: str, values: tuple[Any, ...]) -> Point | None:
    try:
        data = json.loads((store / f"{key}.json").read_text(encoding="utf-8"))
        return Point(values, key, data["figures"], data["findings"])
    except (OSError, ValueError, KeyError):
        return None


def _result(study: Study, axes: Axes, points: list[Point], *, keep: bool) -> Result:
    failed = [p for p in points if p.error]
    fields = ", ".join(axes.fields)
    title = str(getattr(study.spec, "title", "") or study.kind.name)
    table = points_table(axes, points)
    figures = [
        Figure("points_count", len(points), "Points"),
        Figure("points_failed_count", len(failed), "Points that failed"),
    ]
    return Result(
        kind="sweep",
        title=f"{title}: sweep of {fields}",
        summary={f.name: f for f in figures},
        data={"points": table},
        findings=tuple(_failure(axes, p) for p in failed) + _alarms(axes, points),
        charts=points_charts(axes, table, points),
        provenance={"study_kind": study.kind.name, "fields": list(axes.fields), "results_kept": keep},
    )


def _failure(axes: Axes, point: Point) -> Finding:
    evidence: dict[str, Any] = {"values": plain(axes.settings(point.values)), "error": point.error}
    if point.bug:
        evidence["traceback"] = point.bug
    code = "point_bug" if point.bug else "point_failed"
    severity = "alarm" if point.bug else "warning"
    return Finding(code, severity, axes.label(point.values), f"this point failed: {point.error}", evidence)  # type: ignore[arg-type]


def _alarms(axes: Axes, points: list[Point]) -> tuple[Finding, ...]:
    """Return one finding for all points whose own results carry alarms."""
    loud = [axes.label(p.values) for p in points if p.findings.get("alarm")]
    if not loud:
        return ()
    what = f"{len(loud)} points have alarms of their own; run them singly to see them: {'; '.join(loud[:5])}"
    return (Finding("points_with_alarms", "warning", "", what, {"points": loud}),)
