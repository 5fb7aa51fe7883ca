"""Published figures beside ours: a CSV of the example names the figures, their bands and their sources."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from varme.data.plant_table import lines_of, read_plant_table
from varme.district.tables import PUBLISHED
from varme.ground.errors import Collector, InputError
from varme.ground.result import Figure
from varme.ground.tables import Table

_TEXT = ("label", "source", "note")


def read_published(path: Path) -> list[dict[str, object]]:
    """Read a table of published figures.

    Columns: ``name`` (a key of :func:`varme.district.summary.figures`), ``label`` (the name is shown if
    empty), ``published``, ``low``, ``high`` (band; empty for none), ``source``, ``note``.

    Raises:
        InputError: with every row that lacks a figure or has something other than numbers.
    """
    problems = Collector()
    out: list[dict[str, object]] = []
    for line, row in zip(
        lines_of(path), read_plant_table(path, text_columns=frozenset({"name", *_TEXT})), strict=True
    ):
        where = f"{path.name} line {line}"
        entry: dict[str, object] = {name: str(row.get(name, "") or "") for name in _TEXT}
        entry["name"] = str(row["name"])
        entry["figure"] = entry["label"] or entry["name"]
        for name in ("published", "low", "high"):
            value = row.get(name)
            if value is None or value == "":
                entry[name] = np.nan
            elif isinstance(value, (int, float)):
                entry[name] = float(value)
            else:
                problems.add("P102", where, f"{name} must be a number", value=str(value))
        out.append(entry)
    problems.raise_if_any(InputError)
    return out


def published_table(rows: list[dict[str, object]], ours: Mapping[str, float]) -> Table:
    """Return published figures, ours, the bands and the verdicts.

    Raises:
        InputError: P107 for figures that this study does not have.
    """
    problems = Collector()
    verdicts, values = [], []
    for row in rows:
        name = str(row["name"])
        if name not in ours:
            near = difflib.get_close_matches(name, list(ours), n=1)
            problems.add(
                "P107",
                "published_table",
                "no such figure",
                value=name,
                limit=f"nearest: {near[0] if near else '-'}",
            )
            continue
        value, low, high = ours[name], float(row["low"]), float(row["high"])  # type: ignore[arg-type]
        values.append(value)
        if np.isnan(low) or np.isnan(high):
            verdicts.append("no band")
        else:
            verdicts.append("inside" if low <= value <= high else "outside")
    problems.raise_if_any(InputError)
    columns = {
        name: [row[name] for row in rows] for name in ("figure", "source", "note", "published", "low", "high")
    }
    return Table(PUBLISHED, {**columns, "ours": values, "verdict": verdicts})


def with_bands(summary: Mapping[str, Figure], rows: list[dict[str, object]]) -> dict[str, Figure]:
    """Return the summary with the bands and references of the published figures that it holds."""
    out = dict(summary)
    for row in rows:
        key = str(row["name"]).removeprefix("units.").replace(".", "_")
        low, high = float(row["low"]), float(row["high"])  # type: ignore[arg-type]
        if key in out and not (np.isnan(low) or np.isnan(high)):
            reference = f"published {row['published']:g} ({row['source']})"
            out[key] = replace(out[key], band=(low, high), reference=reference)
    return out
