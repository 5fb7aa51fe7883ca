"""The printed table, and the line that says on what machine it was measured."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.registry import Line, Subject

HEADINGS = ("what", "varme", "peer", "peer's", "ratio", "bar", "")
WIDTHS = (46, 11, 16, 11, 8, 10, 6)


def machine() -> dict[str, Any]:
    """Return cores, processor, versions of Python, HiGHS and the peers."""
    versions = {}
    for package in ("highspy", "numpy", "linopy", "pypsa", "oemof.solph", "pyomo"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
        **versions,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def machine_line() -> str:
    """Return the machine as one line."""
    found = machine()
    packages = ", ".join(f"{name} {found[name]}" for name in list(found)[4:])
    return (
        f"{found['cores']} cores ({found['processor']}), load {found['load']}, Python {found['python']}, {packages}; "
        "one thread, CPU seconds"
    )


def heading() -> str:
    """Return the table's heading."""
    return _row(HEADINGS) + "\n" + "-" * (sum(WIDTHS) + 2 * len(WIDTHS))


def title(subject: Subject, size: str) -> str:
    """Return the line that begins a subject."""
    return f"{subject.name}: {subject.title}" + (f"  [{size}]" if size else "")


def row(line: Line) -> str:
    """Return one line of the table."""
    bar = line.bar.text(lambda value: _figure(value, line.unit)) if line.bar else ""
    verdict = {None: "", True: "pass", False: "MISS"}[line.passed]
    ratio = "" if line.ratio is None else f"{line.ratio:.3g} x"
    peer_value = _figure(line.peer_value, line.unit)
    cells = ("  " + line.phase, _figure(line.value, line.unit), line.peer, peer_value, ratio, bar, verdict)
    return _row(cells) + (f"\n      {line.note}" if line.note else "")


def _figure(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.3g} {unit}"


def _row(cells: Sequence[str]) -> str:
    parts = [cells[0].ljust(WIDTHS[0])]
    parts += [cell.rjust(width) for cell, width in zip(cells[1:], WIDTHS[1:], strict=True)]
    return "  ".join(parts).rstrip()
