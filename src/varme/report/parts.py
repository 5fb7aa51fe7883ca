"""The parts of a page in words: figures with bands, findings, tables, provenance and the study as text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from varme.ground.result import plain
from varme.ground.units import stem_of, unit_of
from varme.report.numbers import (
    MISSING,
    decimals_for,
    display_unit,
    format_fixed,
    format_number,
    format_quantity,
    unit_label,
    words_of,
)

if TYPE_CHECKING:
    from varme.ground.findings import Finding
    from varme.ground.result import Figure, Result
    from varme.ground.tables import Column, Table

#: Tables with no more rows than this are shown whole.
SMALL: Final = 60
#: So many rows are shown of a larger table.
HEAD_ROWS: Final = 10
#: So many findings of one severity are shown before the rest is folded away.
FINDINGS_SHOWN: Final = 12
#: Lists in the study longer than this are shortened.
LIST_SHOWN: Final = 12
SEVERITIES: Final = (("alarm", "Alarms"), ("warning", "Warnings"), ("note", "Notes"))


@dataclass(frozen=True)
class Gauge:
    """A band and a value on a line from 0 to 100."""

    low: float
    high: float
    value: float


@dataclass(frozen=True)
class FigureRow:
    """A figure of the summary in words."""

    name: str
    meaning: str
    text: str
    unit: str
    exact: str
    is_number: bool
    band: str = ""
    inside: bool | None = None
    reference: str = ""
    gauge: Gauge | None = None


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text and how it is set (``number``, ``text``, ``good``, ``bad``)."""

    text: str
    style: str


@dataclass(frozen=True)
class TableView:
    """A table, or its first rows."""

    name: str
    anchor: str
    title: str
    heads: list[tuple[str, str, str, str]]
    rows: list[list[Cell]]
    total: int
    open: bool

    @property
    def shortened(self) -> bool:
        """Whether rows are missing."""
        return len(self.rows) < self.total


@dataclass(frozen=True)
class FindingGroup:
    """The findings of one severity."""

    severity: str
    title: str
    shown: list[dict[str, Any]]
    folded: list[dict[str, Any]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Number of findings."""
        return len(self.shown) + len(self.folded)


def anchor(prefix: str, title: str) -> str:
    """Return an id for a heading.

    >>> anchor("charts", "Prices & costs")
    'charts-prices-costs'
    """
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    return f"{prefix}-{words}" if words else prefix


def figure_rows(result: Result) -> list[FigureRow]:
    """Return the figures of a result in words."""
    return [figure_row(figure) for figure in result.summary.values()]


def figure_row(figure: Figure) -> FigureRow:
    """Return a figure in words: value and band in one unit, and whether the value lies inside."""
    value = figure.value
    unit = unit_of(figure.name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    shown_in = display_unit(value, unit) if is_number else unit
    quantity = format_quantity(value, unit, shown_in, significant=4)
    exact = f"{figure.name} = {value!r}" if is_number else figure.name
    band, inside, gauge = "", None, None
    if figure.band is not None:
        low, high = figure.band
        ends = [format_quantity(end, unit, shown_in, significant=4).text for end in (low, high)]
        label = unit_label(shown_in)
        band = f"{ends[0]} to {ends[1]}" + (f"\u00a0{label}" if label else "")
        if is_number and isinstance(value, (int, float)):
            inside = bool(low <= value <= high)
            gauge = _gauge(float(value), low, high)
    return FigureRow(
        figure.name,
        figure.meaning,
        quantity.text,
        quantity.unit,
        exact,
        is_number,
        band,
        inside,
        figure.reference,
        gauge,
    )


def _gauge(value: float, low: float, high: float) -> Gauge | None:
    width = high - low
    if not (math.isfinite(width) and width > 0):
        return None
    start, end = min(low - 0.35 * width, value - 0.1 * width), max(high + 0.35 * width, value + 0.1 * width)
    place = [round(100 * (v - start) / (end - start), 1) for v in (low, high, value)]
    return Gauge(*place)


def finding_groups(findings: Sequence[Finding]) -> list[FindingGroup]:
    """Return the findings by severity, the gravest first."""
    groups = []
    for severity, title in SEVERITIES:
        own = [_finding(f) for f in findings if f.severity == severity]
        if own:
            groups.append(FindingGroup(severity, title, own[:FINDINGS_SHOWN], own[FINDINGS_SHOWN:]))
    return groups


def _finding(finding: Finding) -> dict[str, Any]:
    evidence = [(words_of(str(key)), value_text(str(key), value)) for key, value in finding.evidence.items()]
    return {"code": finding.code, "where": finding.where, "message": finding.message, "evidence": evidence}


def value_text(key: str, value: Any) -> str:
    """Return a value of a dictionary as text, with the unit of its key."""
    value = plain(value)
    if value is None:
        return MISSING
    if isinstance(value, (bool, int, float)):
        if isinstance(value, int) and not isinstance(value, bool) and unit_of(key) is None:
            return str(value)
        unit = unit_of(key)
        return str(format_quantity(value, unit, "percent" if unit == "share" else unit, significant=6))
    if isinstance(value, str):
        return value
    return compact_json(value)


def table_view(table: Table, whole: bool = False) -> TableView:
    """Return a table as rows of text; a large one by its first rows unless ``whole``."""
    total = len(table)
    count = total if whole or total <= SMALL else HEAD_ROWS
    columns = table.schema.columns
    texts = [_column_texts(table, column, count, whole) for column in columns]
    rows = [list(cells) for cells in zip(*texts, strict=True)] if columns else []
    heads = [(_head(c), unit_label(c.unit), f"{c.name}: {c.meaning}", _style(c)) for c in columns]
    schema = table.schema
    return TableView(
        schema.name, anchor("table", schema.name), schema.title, heads, rows, total, open=total <= 15
    )


def _head(column: Column) -> str:
    if column.name == "time_utc":
        return "Time (UTC)"
    return (
        words_of(column.name)
        if column.dtype in {"number", "integer"}
        else column.name.replace("_", " ").capitalize()
    )


def _style(column: Column) -> str:
    return "number" if column.dtype in {"number", "integer"} else "text"


def _column_texts(table: Table, column: Column, count: int, mixed: bool) -> list[Cell]:
    if column.dtype == "text":
        texts = table.categories.get(column.name)
        values = table.data[column.name][:count]
        return [Cell(texts[int(v)] if texts else str(v), "text") for v in values]
    values = table.data[column.name][:count]
    if column.dtype == "time":
        return [
            Cell(MISSING if np.isnat(v) else str(v.astype("datetime64[m]")).replace("T", " "), "time")
            for v in values
        ]
    if column.dtype == "flag":
        verdict = column.name.startswith("inside")
        return [Cell("yes" if v else "no", ("good" if v else "bad") if verdict else "text") for v in values]
    if column.dtype == "integer":
        plain_year = column.name == "year" or column.name.endswith("_year")
        return [Cell(str(int(v)) if plain_year else format_number(int(v)), "number") for v in values]
    if mixed or whole_range(values):
        return [Cell(format_number(float(v)), "number") for v in values]
    places = decimals_for(values)
    return [Cell(format_fixed(float(v), places), "number") for v in values]


def whole_range(values: Any) -> bool:
    """Return whether a column spans so many magnitudes that one number of decimals would hide its small values."""
    sizes = np.abs(np.asarray(values, dtype=float))
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    return bool(len(sizes) and sizes.max() / sizes.min() > 1e4 and np.any(sizes != np.round(sizes)))


def provenance_rows(provenance: Mapping[str, Any], depth: int = 0) -> list[tuple[int, str, str]]:
    """Return provenance as lines: depth, words of the key, value as text (empty for a heading)."""
    rows: list[tuple[int, str, str]] = []
    for key, value in provenance.items():
        words = words_of(str(key)) if depth == 0 else stem_of(str(key)).replace("_", " ") or str(key)
        if isinstance(value, Mapping) and value:
            rows.append((depth, words, ""))
            rows.extend(provenance_rows({str(k): v for k, v in value.items()}, depth + 1))
        elif key == "seconds":
            rows.append((depth, "Duration", str(format_quantity(value, "s", "s"))))
        else:
            rows.append((depth, words, value_text(str(key), value)))
    return rows


def study_text(study: Mapping[str, Any]) -> str:
    """Return a study as indented JSON, with long lists shortened."""
    return json.dumps(_shortened(plain(study)), indent=2, ensure_ascii=False)


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(v) for key, v in value.items()}
    if isinstance(value, list):
        if len(value) > LIST_SHOWN and all(not isinstance(v, (dict, list)) for v in value):
            first = ", ".join(json.dumps(v, ensure_ascii=False) for v in value[:4])
            return f"[{first}, \u2026] ({len(value):,} values)"
        return [_shortened(v) for v in value]
    return value


def compact_json(value: Any) -> str:
    """Return a list or dictionary as one line of text, shortened where it is long."""
    if isinstance(value, list) and all(isinstance(v, (str, int, float)) for v in value):
        shown = ", ".join(str(v) for v in value[:LIST_SHOWN])
        return shown + (f", \u2026 ({len(value):,} in all)" if len(value) > LIST_SHOWN else "")
    text = json.dumps(_shortened(value), ensure_ascii=False)
    return text if len(text) <= 600 else text[:600] + "\u2026"
