"""What is printed: figures, findings, tables, comparisons; with rich, in colour where there is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid
from rich.text import Text

from varme.cli.progress import figures_of
from varme.ground.findings import Finding
from varme.ground.result import Figure, Result
from varme.ground.tables import Column, Table
from varme.ground.units import unit_of
from varme.report.numbers import (
    decimals_for,
    display_unit,
    format_fixed,
    format_number,
    format_quantity,
    unit_label,
)
from varme.study.compare import Comparison, Row
from varme.study.folder import State

_COLOURS = {"alarm": "bold red", "warning": "yellow", "note": "cyan"}
_ORDER = {"alarm": 0, "warning": 1, "note": 2}
#: Width where no terminal says its own: logs and pipes are not wrapped.
_PIPE_WIDTH = 10_000


def console(*, error: bool = False) -> Console:
    """Return where to print: standard output, or standard error; plain text if it is no terminal or NO_COLOR is set."""
    stream = sys.stderr if error else sys.stdout
    width = None if stream.isatty() else _PIPE_WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=not stream.isatty())


def show_result(out: Console, result: Result, *, findings: int = 12) -> None:
    """Print the figures, the certificate and the findings of a result."""
    out.print(f"[bold]{escape(result.title)}[/bold]  ({escape(result.kind)})")
    out.print(figures_grid(result.summary.values()))
    line = certificate_line(result)
    if line:
        out.print(line)
    show_findings(out, result.findings, most=findings)


def figures_grid(figures: Iterable[Figure]) -> Grid:
    """Return the figures as a grid: what it is, the number, the unit, and the band it is compared with."""
    grid = _grid()
    grid.add_column("")
    grid.add_column("", justify="right", no_wrap=True)
    grid.add_column("", no_wrap=True)
    grid.add_column("")
    for figure in figures:
        shown = format_quantity(figure.value, unit_of(figure.name))
        grid.add_row(escape(figure.meaning or figure.name), shown.text, shown.unit, _band(figure, shown.unit))
    return grid


def _band(figure: Figure, unit: str) -> Text:
    if figure.band is None:
        return Text("")
    low, high = figure.band
    suffix = unit_of(figure.name)
    target = next((u for u in ("percent",) if suffix == "share"), suffix)
    ends = [format_quantity(v, suffix, shown_in=target).text for v in (low, high)]
    value = figure.value
    inside = isinstance(value, (int, float)) and low <= value <= high
    source = f", {figure.reference}" if figure.reference else ""
    text = f"{'within' if inside else 'outside'} {ends[0]} to {ends[1]}{source}"
    return Text(text, style="green" if inside else "yellow")


def certificate_line(result: Result) -> str:
    """Return what is proven of the result, as a sentence; empty if it states nothing.

    It reads the summary figures ``gap_...`` and ``bound_...``: of the run, of the worst window, and the bound.
    """
    shown = {
        name: str(format_quantity(figure.value, unit_of(name))).replace("\u00a0", " ")
        for name, figure in result.summary.items()
        if name.startswith(("gap_", "bound_")) and isinstance(figure.value, (int, float))
    }
    run = next((n for n in ("gap_run_percent", "gap_share", "gap_percent") if n in shown), "")
    worst = next((n for n in ("gap_worst_percent", "gap_worst_share") if n in shown), "")
    money = next((n for n in ("gap_eur", "gap_meur") if n in shown), "")
    bound = next((n for n in shown if n.startswith("bound_")), "")
    gap = ", ".join(shown[n] for n in (run, money) if n)
    parts = [f"gap of the run {gap}" if gap else "", f"worst window {shown[worst]}" if worst else ""]
    parts.append(f"no plan can cost less than {shown[bound]}" if bound else "")
    text = "; ".join(p for p in parts if p)
    return f"Proven: {text}" if text else ""


def show_findings(out: Console, findings: Sequence[Finding], *, most: int = 0) -> None:
    """Print findings, alarms first; at most so many, 0 for all."""
    ordered = sorted(findings, key=lambda f: _ORDER[f.severity])
    shown = ordered[:most] if most else ordered
    for finding in shown:
        label = Text(f"{finding.severity:8}", style=_COLOURS[finding.severity])
        where = f" {finding.where}:" if finding.where else ""
        out.print(label + Text(f"{where} {finding.message}", style=""))
    if len(shown) < len(ordered):
        out.print(f"... and {len(ordered) - len(shown)} more: in the report")


def show_state(out: Console, state: State) -> None:
    """Print where an unfinished run stands."""
    out.print(f"[yellow]Unfinished[/yellow]: {escape(state.text())}")
    figures = figures_of(state.info)
    if figures:
        out.print(f"  last seen: {escape(figures)}")
    for problem in state.problems:
        out.print(Text(f"  {problem}"))
    if state.state != "running":
        out.print(Text(f"Go on with: {state.command}"))


def show_table(out: Console, table: Table, rows: int) -> None:
    """Print a table: its title, its first rows, the numbers aligned, as many columns as fit; 0 rows for all."""
    count = len(table) if rows <= 0 else min(rows, len(table))
    grid = _grid(header=True)
    cells: list[list[str]] = []
    room = out.width
    left: list[str] = []
    for column in table.schema.columns:
        texts = _cells(column, table.column(column.name)[:count])
        width = max(len(column.label), *(len(t) for t in texts), 0) + 2
        if (left or width > room) and cells:
            left.append(column.name)
            continue
        room -= width
        number = column.dtype in {"number", "integer"}
        grid.add_column(Text(column.label), justify="right" if number else "left", no_wrap=True)
        cells.append(texts)
    for row in zip(*cells, strict=True):
        grid.add_row(*(escape(cell) for cell in row))
    out.print(f"[bold]{escape(table.schema.title)}[/bold]  ({escape(table.schema.name)})")
    out.print(grid)
    if left:
        out.print(Text(f"{len(left)} more columns do not fit: {', '.join(left)}"))
    if count < len(table):
        out.print(f"{count} of {format_number(len(table))} rows; all with --rows 0")


def _cells(column: Column, values: Any) -> list[str]:
    if column.dtype == "number":
        places = decimals_for(values)
        return [format_fixed(v, places) for v in values]
    if column.dtype == "integer":
        return [format_number(int(v)) for v in values]
    if column.dtype == "time":
        return [str(v).replace("T", " ").removesuffix(":00") for v in np.asarray(values)]
    if column.dtype == "flag":
        return ["yes" if v else "no" for v in values]
    return [str(v) for v in values]


def list_contents(out: Console, result: Result) -> None:
    """Print the names of the tables and charts."""
    grid = _grid()
    for column in ("", "", ""):
        grid.add_column(column)
    for name, table in result.data.items():
        grid.add_row("table", escape(name), escape(f"{table.schema.title}, {format_number(len(table))} rows"))
    for chart in result.charts:
        grid.add_row("chart", escape(chart.name), escape(chart.title))
    out.print(grid)


def show_comparison(out: Console, comparison: Comparison, *, every: bool) -> None:
    """Print figures side by side; those that are equal in all runs only if asked for."""
    grid = _grid(header=True)
    grid.add_column("")
    grid.add_column("unit", no_wrap=True)
    for number, label in enumerate(comparison.labels):
        grid.add_column(Text(label), justify="right", no_wrap=True)
        if number:
            grid.add_column("difference", justify="right", no_wrap=True)
            grid.add_column("%", justify="right", no_wrap=True)
    equal = 0
    for row in comparison.rows:
        if row.equal and not every:
            equal += 1
            continue
        grid.add_row(*_compared(row))
    out.print(grid)
    if equal:
        out.print(f"{equal} figures are equal; all with --all")


def _compared(row: Row) -> list[str]:
    """Return the cells of one figure: meaning, unit, the first value, then value, difference and percent of each."""
    unit = unit_of(row.name)
    numbers = [abs(v) for v in row.values if isinstance(v, (int, float)) and not isinstance(v, bool)]
    target = display_unit(max(numbers), unit) if numbers else unit
    cells = [escape(row.meaning), unit_label(target) if numbers else ""]
    parts = zip(row.values, row.differences(), row.percents(), strict=True)
    for number, (value, difference, percent) in enumerate(parts):
        cells.append(escape(format_quantity(value, unit, shown_in=target).text))
        if number:
            cells.append(
                "" if difference is None else _signed(format_quantity(difference, unit, target, 4).text)
            )
            cells.append("" if percent is None else _signed(format_fixed(percent, 2)))
    return cells


def _signed(text: str) -> str:
    return text if text.startswith("\u2212") or not text.strip("0.,") else f"+{text}"


def where_next(out: Console, folder: Path, page: Path | None) -> None:
    """Print where the report is, and what to do next."""
    if page is not None:
        out.print(Text("Report: ").append(str(page), style="bold"))
    out.print(
        Text(
            f"Next: varme show {folder}   varme show {folder} --table NAME   varme export {folder} --format csv"
        )
    )


def _grid(*, header: bool = False) -> Grid:
    return Grid(box=None, show_header=header, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
