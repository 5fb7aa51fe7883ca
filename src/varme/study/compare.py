"""Compare results: their summary figures side by side, with the differences to the first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from varme.ground.result import Figure, Result, plain
from varme.ground.tables import Column, Table, TableSchema
from varme.ground.units import unit_of

Value = float | int | str | bool | None


@dataclass(frozen=True)
class Row:
    """One figure in all results; ``None`` where a result does not have it."""

    name: str
    meaning: str
    values: tuple[Value, ...]

    @property
    def equal(self) -> bool:
        """Whether all results have the same value, but for rounding."""
        return all(_same(v, self.values[0]) for v in self.values)

    def differences(self) -> list[float | None]:
        """Return the difference of each value to the first, in the figure's unit."""
        first = _number(self.values[0])
        return [None if first is None or (n := _number(v)) is None else n - first for v in self.values]

    def percents(self) -> list[float | None]:
        """Return the difference of each value to the first, in percent of the first."""
        first = _number(self.values[0])
        return [None if d is None or not first else 100 * d / abs(first) for d in self.differences()]


@dataclass(frozen=True)
class Comparison:
    """Figures of several results.

    Attributes:
        labels: Name of each result.
        rows: The figures, in the order in which they first occur.
    """

    labels: tuple[str, ...]
    rows: tuple[Row, ...]

    def table(self) -> Table:
        """Return the numbers as a table: one row per figure and result."""
        data: dict[str, list[Any]] = {c.name: [] for c in _SCHEMA.columns}
        for row in self.rows:
            parts = zip(self.labels, row.values, row.differences(), row.percents(), strict=True)
            for label, value, difference, percent in parts:
                if _number(value) is None:
                    continue
                data["figure"].append(row.name)
                data["meaning"].append(row.meaning)
                data["unit"].append(unit_of(row.name) or "")
                data["run"].append(label)
                data["value"].append(_number(value))
                data["difference"].append(math.nan if difference is None else difference)
                data["difference_percent"].append(math.nan if percent is None else percent)
        return Table(_SCHEMA, data)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data, for JSON."""
        rows = [
            {
                "figure": row.name,
                "meaning": row.meaning,
                "unit": unit_of(row.name),
                "values": plain(row.values),
                "differences": plain(row.differences()),
                "differences_percent": plain(row.percents()),
            }
            for row in self.rows
        ]
        return {"runs": list(self.labels), "figures": rows}


_SCHEMA = TableSchema(
    "comparison",
    "Figures side by side",
    (
        Column("figure", "text", "name of the figure"),
        Column("meaning", "text", "what it is"),
        Column("unit", "text", "unit of value and difference"),
        Column("run", "text", "which result"),
        Column("value", "number", "value in this result, in the unit of the figure"),
        Column("difference", "number", "difference to the first result, in the unit of the figure"),
        Column("difference_percent", "number", "difference in percent of the first result's value"),
    ),
)


def compare(results: Sequence[Result], labels: Sequence[str] | None = None) -> Comparison:
    """Set the summary figures of results side by side; they may be of different kinds.

    Args:
        results: At least one result; differences are to the first.
        labels: Name of each; by default their titles. Equal ones get a number.

    Raises:
        ValueError: if there is no result, or not one label for each.
    """
    given = [r.title for r in results] if labels is None else list(labels)
    if not results or len(given) != len(results):
        raise ValueError(f"{len(results)} results, {len(given)} labels")
    figures: dict[str, Figure] = {}
    for result in results:
        for name, figure in result.summary.items():
            figures.setdefault(name, figure)
    rows = []
    for name, figure in figures.items():
        values = tuple(r.summary[name].value if name in r.summary else None for r in results)
        rows.append(Row(name, figure.meaning or name, values))
    return Comparison(tuple(_unique(given)), tuple(rows))


def _unique(labels: list[str]) -> list[str]:
    out: list[str] = []
    for label in labels:
        number, name = 2, label
        while name in out:
            name, number = f"{label} ({number})", number + 1
        out.append(name)
    return out


def _same(value: Value, other: Value) -> bool:
    one, two = _number(value), _number(other)
    if one is None or two is None:
        return value == other
    return math.isclose(one, two, rel_tol=1e-12)


def _number(value: Value) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None
