"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import benchmarks.subjects  # noqa: F401  fills the registry
from benchmarks.registry import SUBJECTS, Line, Options
from benchmarks.table import heading, machine, machine_line, row, title


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit status is 0 even where a bar is missed: the table says so."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="CPU seconds beside the peers, with bars."
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help=f"subjects: {', '.join(SUBJECTS)}")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, nothing that takes minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to a file")
    chosen = parser.parse_args(arguments)
    names = chosen.only or [name for name, subject in SUBJECTS.items() if not (chosen.quick and subject.slow)]
    if unknown := [name for name in names if name not in SUBJECTS]:
        parser.error(f"no such subject: {', '.join(unknown)}; there are: {', '.join(SUBJECTS)}")
    print(machine_line())
    print(heading(), flush=True)
    measured: dict[str, list[Line]] = {}
    for name in names:
        measured[name] = _measure(name, Options(quick=chosen.quick))
    lines = [line for found in measured.values() for line in found]
    missed = [line for line in lines if line.passed is False]
    barred = [line for line in lines if line.bar]
    print(f"\n{len(barred) - len(missed)} of {len(barred)} bars reached" + (", missed:" if missed else ""))
    for name, found in measured.items():
        for line in found:
            if line.passed is False:
                print(f"  {name}: {line.phase}" + (f" against {line.peer}" if line.peer else ""))
    if chosen.json:
        chosen.json.write_text(json.dumps(_plain(measured), indent=2) + "\n", encoding="utf-8")
    return 0


def _measure(name: str, options: Options) -> list[Line]:
    subject = SUBJECTS[name]
    lines: list[Line] = []
    for line in subject.measure(options):
        if not lines:
            print(title(subject, line.size))
        lines.append(line)
        print(row(line), flush=True)
    return lines


def _plain(measured: dict[str, list[Line]]) -> dict[str, Any]:
    def entry(line: Line) -> dict[str, Any]:
        return asdict(line) | {"ratio": line.ratio, "passed": line.passed}

    return {
        "machine": machine(),
        "subjects": {name: [entry(x) for x in found] for name, found in measured.items()},
    }
