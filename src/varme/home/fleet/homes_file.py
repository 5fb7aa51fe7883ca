"""Homes of a fleet from a CSV or Parquet file: one row a home, columns named like the fields of a home study."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.data.tabular import TableFile, fetch_cells, open_table
from varme.ground.errors import Collector, DataError, InputError, Problem
from varme.home.fleet.compile import SECTIONS
from varme.home.fleet.population import OWN_COLUMNS, Homes
from varme.home.fleet.spec import HomesFileSpec

WHERE = "homes.file"
#: Most problems of a file that are told one by one.
MOST = 50


def fields_of_homes() -> dict[str, str]:
    """Return every column that a file of homes may have: name -> ``number`` or ``text``."""
    out = {}
    for section, (kind, _) in SECTIONS.items():
        for name, info in kind.model_fields.items():
            of = _column_kind(info.annotation)
            if of:
                out[f"{section}.{name}"] = of
    return out | {name: "text" if name == "age" else "number" for name in OWN_COLUMNS}


def _column_kind(annotation: Any) -> str:
    """Return ``number`` or ``text`` for a field that one cell can hold; empty for lists and sections."""
    options = getattr(annotation, "__args__", None)
    if annotation in (int, float):
        return "number"
    if annotation is str:
        return "text"
    if options is None:
        return ""
    if all(isinstance(o, str) for o in options):
        return "text"
    kinds = {_column_kind(o) for o in options}
    return "number" if "number" in kinds else ("text" if "text" in kinds and kinds <= {"text", ""} else "")


def read_homes(spec: HomesFileSpec, base: Path) -> Homes:
    """Read the homes of a fleet.

    Args:
        spec: Which file.
        base: Folder where relative paths start.

    Raises:
        InputError: P183 for columns that no home has, with the nearest names.
        DataError: P200 if the file cannot be read, P184 for cells that are no numbers or names that repeat.
    """
    table = open_table(base / spec.file, WHERE)
    known = fields_of_homes()
    problems = Collector()
    for name in table.columns:
        if name != spec.name_column and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            remedy = (
                f"Did you mean {near[0]}?" if near else "`varme schema fleet` lists the fields of a home."
            )
            problems.add("P183", f"{WHERE}: column {name}", "is no field of a home", remedy=remedy)
    problems.raise_if_any(InputError)
    columns = [c for c in table.columns if c != spec.name_column]
    return _read(table, spec, {c: known[c] for c in columns})


def _read(table: TableFile, spec: HomesFileSpec, kinds: dict[str, str]) -> Homes:
    problems = Collector()
    named = spec.name_column in table.columns
    numbers = [c for c, kind in kinds.items() if kind == "number"]
    texts = [c for c, kind in kinds.items() if kind == "text"] + ([spec.name_column] if named else [])
    cells = fetch_cells(table, texts, numbers, WHERE)
    if not len(cells.line):
        raise DataError(Problem("P184", WHERE, "holds no home", value=str(table.path.name)))
    columns: dict[str, NDArray[Any]] = dict(cells.numbers)
    for column in numbers:
        for row in np.flatnonzero(cells.bad[column])[:MOST]:
            problems.add("P184", f"{WHERE}: column {column}, line {cells.line[row]}", "is not a number")
    for column in texts:
        values = np.array([t or None for t in cells.texts[column]], dtype=object)
        if column != spec.name_column:
            columns[column] = values
    names = [f"home {i + 1}" for i in range(len(cells.line))]
    if named:
        given = cells.texts[spec.name_column]
        names = [str(t) if t else names[i] for i, t in enumerate(given)]
        seen: set[str] = set()
        for row, name in enumerate(names):
            if name in seen:
                place = f"{WHERE}: column {spec.name_column}, line {cells.line[row]}"
                problems.add("P184", place, "two homes have the same name", value=name)
            seen.add(name)
    problems.raise_if_any(DataError)
    return Homes(names, columns)
