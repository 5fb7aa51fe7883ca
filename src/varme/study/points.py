"""The table of a sweep's points, and its charts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from varme.ground.charts import Chart
from varme.ground.tables import Column, Table, TableSchema
from varme.ground.units import label_of, unit_of
from varme.study.axes import Axes

#: At most so many charts; the table holds all figures.
MOST_CHARTS = 12
_FIXED = ("point", "key", "status")


class Row(Protocol):
    """What a point must tell."""

    @property
    def values(self) -> tuple[Any, ...]:
        """Value of each field."""

    @property
    def key(self) -> str:
        """Stable key."""

    @property
    def figures(self) -> dict[str, dict[str, Any]]:
        """Summary figures by name."""

    @property
    def error(self) -> str:
        """Why it failed."""


def points_table(axes: Axes, points: Sequence[Row]) -> Table:
    """Return one row per point: number, key, the fields, whether it ran, and every numeric figure of its result."""
    figures = _numeric(points)
    names = field_columns(axes, points)
    columns = [Column("point", "integer", "number of the point")]
    data: dict[str, Any] = {"point": np.arange(1, len(points) + 1), "key": [p.key for p in points]}
    for place, (name, path) in enumerate(zip(names, axes.fields, strict=True)):
        values = [p.values[place] for p in points]
        dtype = _dtype(values)
        columns.append(Column(name, dtype, f"value of {path}"))
        data[name] = values if dtype != "text" else [_text(v) for v in values]
    columns.append(Column("status", "text", "done or failed"))
    data["status"] = ["failed" if p.error else "done" for p in points]
    for name, meaning in figures.items():
        columns.append(Column(name, "number", meaning))
        found = [p.figures.get(name, {}).get("value") for p in points]
        data[name] = [math.nan if v is None else float(v) for v in found]
    columns.append(Column("key", "text", "stable key: the folder under points/ if whole results are kept"))
    title = f"Points of the sweep over {', '.join(axes.fields)}"
    return Table(TableSchema("points", title, tuple(columns)), data)


def field_columns(axes: Axes, points: Sequence[Row]) -> list[str]:
    """Return the column name of each field; ``set_`` stands before one that is also a figure."""
    taken = {*_numeric(points), *_FIXED}
    return [f"set_{name}" if name in taken else name for name in axes.columns()]


def points_charts(axes: Axes, table: Table, points: Sequence[Row]) -> tuple[Chart, ...]:
    """Return lines over one field, or maps over two, of each figure that varies; none for more fields."""
    names = field_columns(axes, points)
    if len(names) not in {1, 2}:
        return ()
    charts: list[Chart] = []
    for figure, meaning in _numeric(points).items():
        values = table.column(figure)
        values = values[np.isfinite(values)]
        if len(values) < 2 or values.max() <= values.min():
            continue
        charts.append(_chart(table, names, figure, meaning or figure))
        if len(charts) == MOST_CHARTS:
            break
    return tuple(charts)


def _chart(table: Table, names: list[str], figure: str, meaning: str) -> Chart:
    unit = label_of(unit_of(figure)) if unit_of(figure) else ""
    shared = {"where": {"status": ("done",)}, "section": "Sweep", "x_label": table.schema[names[0]].label}
    label = f"{meaning} [{unit}]" if unit and unit != "-" else meaning
    if len(names) == 1:
        kind: Any = "line" if table.schema[names[0]].dtype in {"number", "integer"} else "bars"
        return Chart(f"sweep_{figure}", kind, meaning, "points", names[0], (figure,), y_label=label, **shared)  # type: ignore[arg-type]
    return Chart(
        f"sweep_{figure}", "heatmap", label, "points", names[0], (names[1],), colour=figure,
        y_label=table.schema[names[1]].label, **shared,  # type: ignore[arg-type]
    )  # fmt: skip


def _numeric(points: Sequence[Row]) -> dict[str, str]:
    """Return name -> meaning of the figures that are numbers in some point, in the order of their results."""
    found: dict[str, str] = {}
    for point in points:
        for name, figure in point.figures.items():
            value = figure.get("value")
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                found.setdefault(name, str(figure.get("meaning", "")))
    return found


def _dtype(values: list[Any]) -> Any:
    if all(isinstance(v, bool) for v in values):
        return "flag"
    if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
        return "number"
    return "text"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)
