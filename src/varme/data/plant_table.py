"""Plant tables: one unit a row, the header names the fields of the unit's spec, a blank cell means its default.

::

    # East Denmark, table 1
    name,area,type,fuel_max_mw,electric_efficiency_share
    AMV1,1,back_pressure,365,0.21
    KYB1,,electricity_only,850,0.30
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from varme.ground.errors import Collector, DataError

#: Words that stand for truth values (lower case).
FLAGS = {"true": True, "yes": True, "false": False, "no": False}
#: Columns that stay text, whatever they look like: names such as ``1`` or ``2`` are names.
TEXT_COLUMNS = frozenset({"name", "area", "node", "type", "kind", "fuel", "group", "from", "to", "title"})


def read_plant_table(
    path: Path, where: str = "", *, text_columns: frozenset[str] = TEXT_COLUMNS
) -> list[dict[str, Any]]:
    """Read a CSV table of units.

    Separator ``,`` or ``;`` (then decimal commas are read too); lines that begin with ``#`` and empty lines are left
    out. Numbers become ``int`` or ``float``, ``true``/``false`` become truth values, blank cells are left out so that
    the spec's default holds. Whether the fields exist and fit is the spec's business (``ground.spec.parse``).

    Args:
        path: The file.
        where: Field that names the file, for messages.
        text_columns: Columns that are never turned into numbers.

    Returns:
        One dict per unit, in file order. The key ``_line`` is not added; use :func:`lines_of` for messages.

    Raises:
        DataError: P200 unreadable file or header, P213 rows that do not fit, all at once with their lines.
    """
    return [fields for _, fields in _read(path, where, text_columns)]


def lines_of(path: Path) -> list[int]:
    """Return the line number, from 1, of every unit in a plant table, in the order of :func:`read_plant_table`.

    Raises:
        DataError: as :func:`read_plant_table`.
    """
    return [line for line, _ in _read(path, "", TEXT_COLUMNS)]


def _read(path: Path, where: str, text_columns: frozenset[str]) -> list[tuple[int, dict[str, Any]]]:
    problems = Collector()
    place = where or str(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        problems.add("P200", place, "no such file", value=str(path))
        lines = []
    except (OSError, UnicodeDecodeError) as error:
        problems.add("P200", place, f"cannot be read: {error}", value=str(path))
        lines = []
    problems.raise_if_any(DataError)
    kept = [
        (n, line)
        for n, line in enumerate(lines, start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not kept:
        problems.add("P200", place, "the table is empty", value=str(path))
    problems.raise_if_any(DataError)
    separator = ";" if kept[0][1].count(";") > kept[0][1].count(",") else ","
    cells = list(csv.reader(io.StringIO("\n".join(line for _, line in kept)), delimiter=separator))
    header = [name.strip() for name in cells[0]]
    _check_header(header, place, path, problems)
    rows = [(number, row) for (number, _), row in zip(kept[1:], cells[1:], strict=False)]
    units = [(n, _unit(n, row, header, separator, text_columns, place, path, problems)) for n, row in rows]
    _check_names(units, place, path, problems)
    problems.raise_if_any(DataError)
    return units


def _check_header(header: list[str], place: str, path: Path, problems: Collector) -> None:
    blank = [str(k + 1) for k, name in enumerate(header) if not name]
    if blank:
        problems.add("P200", place, f"columns without a name: {', '.join(blank)}", value=str(path))
    double = sorted({name for name in header if name and header.count(name) > 1})
    if double:
        problems.add("P200", place, f"columns occur more than once: {', '.join(double)}", value=str(path))
    problems.raise_if_any(DataError)


def _unit(
    line: int, row: list[str], header: list[str], separator: str, text_columns: frozenset[str], place: str, path: Path,
    problems: Collector,
) -> dict[str, Any]:  # fmt: skip
    if any(cell.strip() for cell in row[len(header) :]):
        what = f"the row has {len(row)} cells, the header {len(header)}"
        problems.add(
            "P213", f"{place}: {path.name} line {line}", what, remedy="Quote cells that hold the separator."
        )
    filled = {name: cell.strip() for name, cell in zip(header, row, strict=False) if cell.strip()}
    return {name: cell if name in text_columns else _value(cell, separator) for name, cell in filled.items()}


def _value(cell: str, separator: str) -> Any:
    """Return a cell as truth value, number or text."""
    if cell.lower() in FLAGS:
        return FLAGS[cell.lower()]
    number = cell.replace(",", ".") if separator == ";" else cell
    for kind in (int, float):
        try:
            return kind(number)
        except ValueError:
            continue
    return cell


def _check_names(
    units: list[tuple[int, dict[str, Any]]], place: str, path: Path, problems: Collector
) -> None:
    seen: dict[str, int] = {}
    for line, fields in units:
        spot = f"{place}: {path.name} line {line}"
        name = fields.get("name")
        if name is None:
            problems.add("P213", spot, "the row has no name", remedy="Fill the column `name`.")
        elif name in seen:
            problems.add("P213", spot, f"the name occurs in line {seen[name]} too", value=str(name))
        else:
            seen[str(name)] = line
