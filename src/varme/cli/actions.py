"""What the commands do. Everything heavy is imported here, and this module only when a command runs."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.text import Text

from varme.cli import show
from varme.cli.examples import example
from varme.cli.export import known, print_json, records, writing
from varme.cli.progress import Shown
from varme.ground.errors import CODES, InputError, Problem
from varme.ground.result import Result, plain
from varme.report.page import write_page
from varme.study.compare import compare
from varme.study.file import read_study
from varme.study.folder import read_state
from varme.study.overrides import field_paths
from varme.study.registry import find, names
from varme.study.run import check, load, run
from varme.study.sweep import sweep

#: The examples that ``varme demo`` runs.
DEMOS = {"district": "district-east-denmark-2011", "retrofit": "retrofit-town", "home": "home-day"}
#: What ``varme demo --quick`` changes of the first: a linear model of four winter weeks, without the published figures.
QUICK: dict[str, Any] = {"solve.mode": "lp", "time.end": "2011-01-29", "on_top": [], "published_table": None}


def run_study(
    study: Path,
    settings: list[str],
    shortcuts: dict[str, str | None],
    out: Path | None,
    jobs: int,
    *,
    resume: bool,
    force: bool,
    opened: bool,
) -> int:
    """``varme run``."""
    given = {name: value for name, value in shortcuts.items() if value is not None}
    overrides = settings + [f"{_path_of(study, name)}={value}" for name, value in given.items()]
    folder = out or _folder_for(study, resume=resume)
    with _interruptible(), Shown(show.console(error=True)) as progress:
        result = run(
            study, set=overrides, out=folder, jobs=jobs, resume=resume, force=force, progress=progress
        )
    _finish(result, folder, opened=opened)
    return 0


def replay_study(
    study: Path, settings: list[str], out: Path | None, jobs: int, *, resume: bool, force: bool, opened: bool
) -> int:
    """``varme replay``: as ``varme run``, for studies of the kind ``home-replay`` only."""
    kind = read_study(study, settings).kind.name
    if kind != "home-replay":
        remedy = 'Use varme run, or write kind = "home-replay".'
        raise InputError(
            Problem("P166", "kind", "is not a replay", repr(kind), "'home-replay'", remedy), str(study)
        )
    return run_study(study, settings, {}, out, jobs, resume=resume, force=force, opened=opened)


def sweep_study(
    study: Path,
    vary: list[str],
    settings: list[str],
    out: Path | None,
    jobs: int,
    *,
    resume: bool,
    force: bool,
    keep: bool,
    opened: bool,
) -> int:
    """``varme sweep``."""
    folder = out or _folder_for(study, resume=resume, suffix="-sweep")
    with _interruptible(), Shown(show.console(error=True)) as progress:
        result = sweep(
            study, vary, set=settings, out=folder, jobs=jobs, resume=resume, force=force, keep=keep, progress=progress
        )  # fmt: skip
    _finish(result, folder, opened=opened, table="points")
    return 0


def run_demo(study: str, out: Path | None, *, quick: bool, jobs: int, opened: bool | None) -> int:
    """``varme demo``."""
    known("demo", study, list(DEMOS))
    folder = out or _free(Path("runs") / ("demo" if study == "district" else f"demo-{study}"))
    overrides = QUICK if quick and study == "district" else {}
    with _interruptible(), Shown(show.console(error=True)) as progress:
        result = run(example(DEMOS[study]), set=overrides, out=folder, jobs=jobs, progress=progress)
    _finish(result, folder, opened=_has_screen() if opened is None else opened)
    return 0


def check_study(study: Path, settings: list[str], *, as_json: bool) -> int:
    """``varme check``."""
    findings = check(study, set=settings)
    if as_json:
        print_json({"findings": [plain(f.as_dict()) for f in findings]})
        return 0
    out = show.console()
    show.show_findings(out, findings)
    more = f", {len(findings)} finding{'s' if len(findings) > 1 else ''}" if findings else ""
    out.print(f"{study}: no problems{more}", markup=False)
    return 0


def show_run(
    folder: Path, table: str | None, rows: int, chart: str | None, png: Path | None, *, as_json: bool
) -> int:
    """``varme show``."""
    out = show.console()
    state = read_state(folder)
    if state.state not in {"finished", "empty"} and not (table or chart):
        if as_json:
            print_json({"state": state.as_dict()})
        else:
            show.show_state(out, state)
        return 0
    result = load(folder)
    if chart is not None:
        return _show_chart(result, chart, rows, png, as_json=as_json)
    if table is not None:
        known("table", table, list(result.data))
        if as_json:
            print_json(records(result.tables[table], rows))
        else:
            show.show_table(out, result.data[table], rows)
        return 0
    if as_json:
        print_json(result.as_dict())
        return 0
    show.show_result(out, result, findings=0)
    show.list_contents(out, result)
    page = folder / "report.html"
    show.where_next(out, folder, page if page.exists() else None)
    return 0


def _show_chart(result: Result, name: str, rows: int, png: Path | None, *, as_json: bool) -> int:
    known("chart", name, [c.name for c in result.charts])
    chart = result.chart(name)
    if png is not None:
        from varme.report.png import draw_png  # matplotlib, which nothing else needs

        with writing(png):
            png.parent.mkdir(parents=True, exist_ok=True)
            draw_png(chart, result, png)
        print(png)
        return 0
    frame = chart.data(result.data)
    if as_json:
        print_json(plain(chart.as_dict()) | {"data": records(frame, rows)})
    else:
        print(frame.to_string(index=False, max_rows=rows or None))
    return 0


def compare_runs(folders: list[Path], *, every: bool, as_json: bool) -> int:
    """``varme compare``."""
    if len(folders) < 2:
        raise InputError(
            Problem("P108", "compare", "needs at least two runs", remedy="varme compare RUN RUN")
        )
    comparison = compare([load(f) for f in folders], [f.name or str(f) for f in folders])
    if as_json:
        print_json(comparison.as_dict())
    else:
        show.show_comparison(show.console(), comparison, every=every)
    return 0


def rewrite_report(folder: Path, *, png: bool, opened: bool) -> int:
    """``varme report``."""
    result = load(folder)
    page = folder / "report.html"
    with writing(folder):
        write_page(result, page)
        if png:
            from varme.report.png import write_pngs  # matplotlib, which nothing else needs

            for path in write_pngs(result, folder / "charts"):
                print(path)
    print(page)
    if opened:
        webbrowser.open(page.resolve().as_uri())
    return 0


def list_kinds() -> int:
    """``varme kinds``."""
    out = show.console()
    width = max(len(n) for n in names())
    for name in names():
        out.print(Text(f"{name:{width}}  {find(name).title}"))
    return 0


def explain(code: str) -> int:
    """``varme explain``."""
    entry = CODES.get(code.upper())
    if entry is None:
        raise InputError(
            Problem("P106", "CODE", "is not an error code", repr(code), f"{min(CODES)} to {max(CODES)}")
        )
    out = show.console()
    out.print(Text(f"{code.upper()} {entry.title}", style="bold"))
    out.print(Text(entry.meaning))
    out.print(Text(f"What to do: {entry.remedy}"))
    return 0


def _finish(result: Result, folder: Path, *, opened: bool, table: str | None = None) -> None:
    """Print what a reader needs first of a finished run, and write its report."""
    out = show.console()
    show.show_result(out, result)
    if table is not None:
        show.show_table(out, result.data[table], 20)
    page = folder / "report.html"
    with writing(folder):
        write_page(result, page)
    show.where_next(out, folder, page)
    if opened:
        webbrowser.open(page.resolve().as_uri())


def _path_of(study: Path, leaf: str) -> str:
    """Return the path of the field that ``--quality`` or ``--mode`` means, which depends on the kind of study."""
    job = read_study(study)
    paths = [p for p in field_paths(type(job.spec)) if p.split(".")[-1] == leaf and "NAME" not in p]
    if not paths:
        raise InputError(
            Problem("P111", f"--{leaf}", f"a study of the kind {job.kind.name} has no field {leaf}")
        )
    return min(paths, key=lambda p: p.count("."))


def _folder_for(study: Path, *, resume: bool, suffix: str = "") -> Path:
    """Return the run folder when none was given: a new one under ``runs/``, or with resume the last unfinished one."""
    if resume and (study / "study.json").is_file():
        return study
    name = study.resolve().name if study.is_dir() else study.stem
    if name == "study":
        name = study.resolve().parent.name
    first = Path("runs") / f"{name}{suffix}"
    if not resume:
        return _free(first)
    there = [p for p in _numbered(first) if (p / "study.json").exists()]
    return there[-1] if there else first


def _free(first: Path) -> Path:
    return next(p for p in _candidates(first) if not p.exists() or (p.is_dir() and not any(p.iterdir())))


def _numbered(first: Path) -> list[Path]:
    found: list[Path] = []
    for path in _candidates(first):
        if not path.exists():
            return found
        found.append(path)
    return found


def _candidates(first: Path) -> Iterator[Path]:
    yield first
    number = 2
    while True:
        yield first.with_name(f"{first.name}-{number}")
        number += 1


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM end a run as Ctrl-C does: what is finished stays, and the way on is told."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _has_screen() -> bool:
    if not sys.stdout.isatty():
        return False
    return sys.platform in {"win32", "darwin"} or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
