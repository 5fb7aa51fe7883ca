"""Run a study: from a file or plain data to a result, in memory or in a run folder."""

from __future__ import annotations

import difflib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from varme.ground.context import Context, Progress, Silent
from varme.ground.errors import InputError, Problem, RunError
from varme.ground.findings import Finding
from varme.ground.result import Result, plain
from varme.study.file import Overrides, Study, as_run, read_study, versions
from varme.study.folder import RunFolder, State, read_state


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a run in a folder: what was finished is kept.

    Attributes:
        problem: P506, with the command that goes on.
        state: Where the run stands.
    """

    exit_code = 130

    def __init__(self, state: State) -> None:
        self.state = state
        where = state.folder
        self.problem = Problem(
            "P506", where, f"stopped by hand; {state.text()}", remedy=f"Go on with: {state.command}"
        )
        super().__init__(str(self.problem))


def run(
    study: str | Path | Mapping[str, Any],
    *,
    set: Overrides | None = None,  # noqa: A002 - the name of the option on the command line
    out: str | Path | None = None,
    jobs: int = 1,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
    base: Path | None = None,
) -> Result:
    """Run a study and return its result.

    Args:
        study: Path of a study file or of a folder that holds one, or the study as plain data.
        set: Values that replace those of the study: ``{"solve.mode": "lp"}`` or ``["solve.mode=lp"]``.
        out: Run folder; by default nothing is written.
        jobs: Worker processes; 0 for one per processor.
        resume: Go on with the run in ``out`` where it was stopped.
        force: Begin anew in ``out`` although it holds a run; only files of varme's own are removed.
        progress: Where to report how far it is.
        base: Folder where relative paths of the study start; by default that of the file.

    Raises:
        VarmeError: of the class that fits, with every problem found.
        Interrupted: on Ctrl-C, if ``out`` is given; what was finished is kept there.
    """
    workers = worker_count(jobs)
    job = read_study(study, set, base)
    context = Context(base=job.base, jobs=workers, progress=progress or Silent(), source=job.source)
    if out is None:
        if resume or force:
            raise InputError(
                Problem("P108", "out", "must be given with resume or force: which folder is meant")
            )
        return solved(job, context)
    folder = RunFolder(Path(out))
    whole = prepare(folder, job, resume=resume, force=force)
    if whole is not None:
        return whole
    try:
        with folder.held(as_run(job, verb="run"), context.progress) as recorder:
            result = solved(job, replace(context, work=folder.work, resume=resume, progress=recorder))
            result.save(folder.path)
    except KeyboardInterrupt:
        raise Interrupted(read_state(folder.path)) from None
    return result


def check(
    study: str | Path | Mapping[str, Any],
    *,
    set: Overrides | None = None,  # noqa: A002 - the name of the option on the command line
    base: Path | None = None,
) -> list[Finding]:
    """Check a study and its data without solving it, and return what a reader must know.

    Args:
        study: Path of a study file or of a folder that holds one, or the study as plain data.
        set: Values that replace those of the study.
        base: Folder where relative paths of the study start; by default that of the file.

    Raises:
        VarmeError: with every problem found.
    """
    job = read_study(study, set, base)
    return job.kind.check(job.spec, Context(base=job.base, source=job.source))


def load(folder: str | Path) -> Result:
    """Read the result of a run from its folder.

    Raises:
        RunError: P502 if the folder holds none; it says how far the run is, if there is one.
    """
    path = Path(folder)
    if not path.exists():
        near = difflib.get_close_matches(
            path.name, [p.parent.name for p in path.parent.glob("*/result.json")], n=1
        )
        remedy = f"Did you mean {path.parent / near[0]}?" if near else ""
        raise RunError(Problem("P502", str(path), "no such folder", remedy=remedy))
    state = read_state(path) if path.is_dir() else State("empty")
    if state.state not in {"finished", "empty"}:
        problem = Problem(
            "P502", str(path), f"no result yet: {state.text()}", remedy=f"Go on with: {state.command}"
        )
        raise RunError(problem)
    return Result.load(path)


def worker_count(jobs: int) -> int:
    """Return the number of worker processes that is meant; 0 means one per processor.

    Raises:
        InputError: P101 if it is negative.
    """
    if jobs < 0:
        raise InputError(Problem("P101", "jobs", "cannot be negative", str(jobs), "0 = one per processor"))
    return jobs or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def prepare(folder: RunFolder, study: Study, *, resume: bool, force: bool, also: str = "") -> Result | None:
    """Make a run folder ready; return the result if it holds the finished run of the same study already.

    Args:
        folder: The run folder.
        study: The study that is to be run.
        resume: Whether to go on with what is there.
        force: Whether to remove what is there.
        also: What else makes the run what it is (the axes of a sweep).

    Raises:
        RunError: P501 if it holds something, P505 if that belongs to another study, other data or another version.
    """
    if resume:
        found = _fingerprint_in(folder.path)
        wanted = study.fingerprint + also
        if found and found != wanted:
            what = "the run in this folder belongs to another study, other data or another version"
            raise RunError(Problem("P505", str(folder.path), what, found[:12], f"now {wanted[:12]}"))
        if (folder.path / "result.json").exists():
            folder.finish()
            return load(folder.path)
    elif force:
        folder.clear()
    else:
        folder.refuse_unless_free()
    return None


def _fingerprint_in(path: Path) -> str:
    try:
        data = json.loads((path / "study.json").read_text(encoding="utf-8"))
        return str(data["fingerprint"]) + str(data.get("also", ""))
    except (OSError, ValueError, KeyError):
        return ""


def solved(study: Study, context: Context) -> Result:
    """Run a study that was read, and stamp its result."""
    started, clock = datetime.now(UTC), time.perf_counter()
    result = study.kind.run(study.spec, context)
    timing = {
        "started": started.isoformat("T", "seconds"),
        "seconds": round(time.perf_counter() - clock, 3),
        "jobs": context.jobs,
        "resumed": context.resume,
    }
    return stamped(result, study, timing)


def stamped(result: Result, study: Study, timing: dict[str, Any]) -> Result:
    """Return the result with the study as it was run, its hash, the versions, and its clock times.

    All times are under ``provenance["timing"]``; everything else is equal for equal runs.
    """
    own = dict(result.provenance)
    inner = own.pop("timing", {})
    provenance = {
        "study_hash": study.hash,
        "source": study.source,
        "versions": versions(),
        **own,
        "timing": {**inner, **timing} if isinstance(inner, Mapping) else {"kind": inner, **timing},
    }
    return replace(result, provenance=provenance, study=result.study or plain(study.data))
