"""The table of buildings: what is known of the building behind each meter."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.data.tabular import Cells, TableFile, fetch_cells, number_columns, open_table
from varme.ground.errors import Collector, DataError
from varme.ground.findings import Finding
from varme.ground.units import UNITS, conversion_factor, unit_of

Columns = dict[str, NDArray[Any]]

#: Number column -> (least value, greatest value, whether the least one itself is allowed).
LIMITS: dict[str, tuple[float, float, bool]] = {
    "volume_m3": (0.0, 1e6, False),
    "floor_area_m2": (0.0, 2e5, False),
    "construction_year": (1000.0, 2100.0, True),
    "dwellings_count": (1.0, 1e4, True),
    "furnace_year": (1900.0, 2100.0, True),
    "latitude_deg": (-90.0, 90.0, True),
    "longitude_deg": (-180.0, 180.0, True),
    "household_kwh": (0.0, 1e7, True),
    "pv_kwp": (0.0, 1e5, True),
}
#: Text column -> how its words are written in files -> varme's word; ``None`` for free text.
WORDS: dict[str, dict[str, str] | None] = {
    "carrier": {
        "gas": "gas", "natural gas": "gas", "erdgas": "gas", "heat_pump": "heat_pump", "heat pump": "heat_pump",
        "hp": "heat_pump", "heatpump": "heat_pump", "wärmepumpe": "heat_pump", "waermepumpe": "heat_pump",
    },
    "source": {
        "air": "air", "air source": "air", "ashp": "air", "luft": "air", "air-water": "air", "luft/wasser": "air",
        "ground": "ground", "ground source": "ground", "gshp": "ground", "sole": "ground", "brine": "ground",
        "water": "ground", "sole/wasser": "ground",
    },
    "boundary": {b.lower(): b for b in ("H1", "H2", "H3", "H4")},
    "building_type": None, "furnace_type": None, "transformer": None, "feeder": None,
}  # fmt: skip
#: Suffixes that name no unit of :mod:`varme.ground.units` but of a column here.
_OWN_UNITS = {"year", "kwp"}


def read_buildings(path: Path, meter_column: str = "meter", where: str = "buildings") -> Columns:
    """Read the table of buildings.

    Known columns are checked and turned into their unit by the suffix of their name (``volume_ft3``); unknown ones are
    kept as they are, numbers as numbers. An empty cell is NaN, or an empty text.

    Args:
        path: CSV or Parquet, one row per meter.
        meter_column: Column with the meters' ids.
        where: Field of the study that names the file, for messages.

    Returns:
        Column -> values of shape (rows,); ``meter`` holds the ids as text.

    Raises:
        DataError: with every problem: P200 unreadable, P201 no column of ids, P209 not a number, P220 no rows, P222 a
            row without id, an id that occurs twice, a value outside its limits, or a word that is not known.
    """
    table = open_table(path, f"{where}.file")
    problems = Collector()
    if meter_column not in table.columns:
        near = difflib.get_close_matches(meter_column, table.columns, n=1)
        problems.add(
            "P201", f"{where}.meter_column", f"{path.name} has no such column", value=meter_column,
            limit=f"columns: {', '.join(table.columns[:20])}", remedy=f"Did you mean {near[0]}?" if near else "",
        )  # fmt: skip
        problems.raise_if_any(DataError)
    names = _names(table, meter_column)
    numbers = [c for c in table.columns if c in names and _is_number(table, c, names[c][0])]
    texts = [c for c in table.columns if c in names and c not in numbers]
    cells = fetch_cells(table, [meter_column, *texts], numbers, f"{where}.file")
    if not len(cells.line):
        problems.add("P220", f"{where}.file, {path.name}", "holds a header and no rows")
    ids = cells.texts[meter_column]
    _check_ids(ids, cells, f"{where}.file", problems)
    out: Columns = {"meter": ids}
    for column in numbers:
        target, factor = names[column]
        out[target] = _numbers(cells, column, target, factor, ids, f"{where}.file", problems)
    for column in texts:
        out[names[column][0]] = _texts(cells, column, names[column][0], f"{where}.file", problems)
    problems.raise_if_any(DataError)
    return out


def _names(table: TableFile, meter_column: str) -> dict[str, tuple[str, float]]:
    """Return column -> the name it gets and the factor to that name's unit."""
    stems = {known.rsplit("_", 1)[0]: known for known in LIMITS}
    names: dict[str, tuple[str, float]] = {}
    for column in table.columns:
        if column == meter_column:
            continue
        key = column.strip().lower()
        unit = unit_of(key)
        known = stems.get(key[: -len(unit) - 1]) if unit and unit not in _OWN_UNITS else None
        target = unit_of(known) if known else None
        if key in LIMITS or key in WORDS:
            names[column] = (key, 1.0)
        elif known and unit and target and UNITS[unit][0] == UNITS[target][0]:
            names[column] = (known, conversion_factor(unit, target))
        else:
            names[column] = (column if column != "meter" else "meter_", 1.0)
    return names


def _is_number(table: TableFile, column: str, target: str) -> bool:
    if target in LIMITS or target in WORDS:
        return target in LIMITS
    filled = any(c.strip() for c in table.first[column])
    return filled and column in number_columns(table)


def _check_ids(ids: NDArray[Any], cells: Cells, where: str, problems: Collector) -> None:
    empty = np.flatnonzero(ids == "")
    if len(empty):
        lines = ", ".join(str(cells.line[i]) for i in empty[:5])
        problems.add("P222", f"{where}, line {lines}", f"{len(empty)} rows have no meter")
    values, count = np.unique(ids.astype(str), return_counts=True)
    twice = [str(v) for v in values[(count > 1) & (values != "")]]
    if twice:
        lines = ", ".join(str(cells.line[i]) for i in np.flatnonzero(ids == twice[0])[:3])
        problems.add(
            "P222", f"{where}, lines {lines}", f"{len(twice)} meters occur more than once",
            value=", ".join(twice[:5]), remedy="Keep one row per meter.",
        )  # fmt: skip


def _numbers(
    cells: Cells, column: str, target: str, factor: float, ids: NDArray[Any], where: str, problems: Collector
) -> NDArray[np.float64]:
    values = cells.numbers[column] * factor
    bad = np.flatnonzero(cells.bad[column])
    if len(bad):
        lines = ", ".join(str(cells.line[i]) for i in bad[:5])
        problems.add(
            "P209", f"{where}, line {lines}", f"{column} holds text where a number belongs in {len(bad)} rows"
        )
    if target not in LIMITS:
        return values
    low, high, closed = LIMITS[target]
    with np.errstate(invalid="ignore"):
        outside = np.flatnonzero((values < low) | (values > high) | ((values == low) & (not closed)))
    if len(outside):
        lines = ", ".join(str(cells.line[i]) for i in outside[:5])
        sign = ">=" if closed else ">"
        problems.add(
            "P222", f"{where}, line {lines}", f"{column} lies outside its limits in {len(outside)} rows",
            value=", ".join(f"{values[i]:g} ({ids[i]})" for i in outside[:5]), limit=f"{sign} {low:g} and <= {high:g}",
            remedy="Correct the cells, or leave them empty where the value is not known.",
        )  # fmt: skip
    return values


def _texts(cells: Cells, column: str, target: str, where: str, problems: Collector) -> NDArray[Any]:
    values = cells.texts[column]
    words = WORDS.get(target)
    if words is None:
        return values
    found, back = np.unique(np.char.lower(values.astype(str)), return_inverse=True)
    unknown = [str(w) for w in found if w and w not in words]
    if unknown:
        row = int(np.argmax(np.char.lower(values.astype(str)) == unknown[0]))
        problems.add(
            "P222", f"{where}, line {cells.line[row]}", f"{column} holds words that are not known",
            value=", ".join(unknown[:5]), limit=", ".join(sorted(set(words.values()))),
        )  # fmt: skip
        return values
    return np.array([words.get(str(w), "") for w in found], dtype=object)[back]


def ids_without_meter(columns: Columns, meters: Sequence[str], where: str = "buildings") -> list[Finding]:
    """Return findings on buildings that no meter has, and on meters without a building.

    Args:
        columns: As :func:`read_buildings` returns them.
        meters: Ids of all meters.
        where: Place, for the findings.
    """
    known, metered = set(columns["meter"].tolist()), set(meters)
    found = []
    for code, ids, text in (
        ("building_without_meter", sorted(known - metered), "buildings name a meter that no file has"),
        ("meter_without_building", sorted(metered - known), "meters are in no row of the table of buildings"),
    ):
        if ids:
            message = f"{len(ids)} {text}: {', '.join(ids[:5])}{'...' if len(ids) > 5 else ''}."
            found.append(Finding(code, "warning", where, message, {"count": len(ids), "first": ids[:5]}))
    return found
