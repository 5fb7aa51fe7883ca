"""Which column of a meter file is what: meter, time, reading, unit; detected from names and first cells, or stated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from varme.data.meters.meter_units import Carrier, unit_of_name
from varme.data.meters.spec import MeterFilesSpec
from varme.data.meters.stamps import Stamps, of_cells, of_type
from varme.data.tabular import TableFile, number_columns
from varme.ground.errors import Collector

Layout = Literal["long", "single", "wide", "transposed"]

_METER = re.compile(
    r"^(meter|zaehler|zähler|compteur|household|property|customer|site|building|device|sensor|serial|installation|house|"
    r"dwelling|home|ean|mprn|mpan|lcl|pdl|pce|cups|metering[ _]?point|account|anon|user|hh)s?"
    r"([ _-]?(id|no|nr|nummer|number|key|ref|reference|name|code|point))*$|^id$|^(zählpunkt|zaehlpunkt|malo|melo)",
    re.IGNORECASE,
)
_UTC = re.compile(r"(^|[^a-z])(utc|gmt)([^a-z]|$)", re.IGNORECASE)
_START = re.compile(r"start|from|von|begin|debut|ab$", re.IGNORECASE)
_END = re.compile(r"end|einde|einduur|\bto\b|bis|until|fin$", re.IGNORECASE)
_VALUE = re.compile(
    r"value|reading|consumption|verbrauch|usage|volume|used|wert|menge|afname|conso|demand|energy|register|index|stand|"
    r"import|amount|quantity|gas$|gas_use",
    re.IGNORECASE,
)
_UNIT = re.compile(r"^(unit|units|uom|einheit|unite|unité|measure|unit_of_measure)$", re.IGNORECASE)
_ESTIMATED = re.compile(
    r"^(is[ _]?)?(estimated?|estimate[ _]?flag|estimated[ _]?flag|ersatzwert|geschaetzt|geschätzt)$|"
    r"^(read|reading)[ _]?(type|quality|status)$|^(quality|ablesart|status)$",
    re.IGNORECASE,
)
_NEVER = re.compile(
    r"temp|count|flag|hour|injec|export|returned|kvar|price|cost|_hours$|^year$|^month$|^day$|indicator|humid|irrad|"
    r"quality|status|factor|latitude|longitude|area|^n_",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Roles:
    """What the columns of a file are.

    Attributes:
        layout: ``long`` (meter, time, value), ``single`` (time, value: the file's name is the meter), ``wide`` (a
            column per meter), ``transposed`` (a row per meter, a column per date).
        meter: Column of the ids (empty for ``single`` and ``wide``).
        time: Column of the stamps (empty for ``transposed``).
        values: Columns of the readings: one, or all of a wide file.
        unit: Column of units, empty if there is none.
        estimated: Column that marks estimated readings, empty if there is none.
        stamps: How stamps are written.
        how: Part -> ``stated`` or ``detected``.
    """

    layout: Layout
    meter: str
    time: str
    values: tuple[str, ...]
    unit: str
    estimated: str
    stamps: Stamps
    how: dict[str, str] = field(default_factory=dict)


def roles_of(
    table: TableFile, spec: MeterFilesSpec, carrier: Carrier, where: str, problems: Collector
) -> Roles | None:
    """Return what the columns of a file are; what is in doubt becomes a problem that names the choices."""
    _check_stated(table, spec, where, problems)
    if len(problems):
        return None
    transposed = _dates_in_header(table.columns)
    if transposed and spec.layout in {"auto", "wide"} and not spec.time_column:
        return _transposed(table, spec, transposed, where, problems)
    stamps = stamped_columns(table)
    time = _time(table, spec, stamps, where, problems)
    if time is None:
        return None
    taken = {*stamps, *(c for c in (spec.meter_column,) if c), *(spec.pick or {})}
    unit = next((c for c in table.columns if _UNIT.match(c)), "")
    estimated = next((c for c in table.columns if _ESTIMATED.match(c) and c not in taken), "")
    taken |= {unit, estimated}
    base = Roles("long", "", time, (), unit, estimated, stamps[time], {"time": _how(spec.time_column)})
    meter = spec.meter_column or _meter(table, taken)
    numbers = [c for c in number_columns(table) if c not in taken and c != meter]
    if spec.layout == "wide" or (
        spec.layout == "auto" and not spec.value_column and _is_wide(numbers, meter, carrier)
    ):
        chosen = (
            tuple(c for c in numbers if not _NEVER.search(c)) if spec.layout == "auto" else tuple(numbers)
        )
        return replace(
            base,
            layout="wide",
            values=chosen,
            unit="",
            estimated="",
            how={**base.how, "layout": _how(spec.layout, "auto")},
        )
    value = spec.value_column or _value(table, numbers, carrier, where, problems)
    if value is None:
        return None
    meter = meter if meter != value else ""
    how = {
        **base.how, "layout": _how(spec.layout, "auto"), "value": _how(spec.value_column),
        "meter": _how(spec.meter_column) if meter else "file name",
    }  # fmt: skip
    return replace(base, layout="long" if meter else "single", meter=meter, values=(value,), how=how)


def _how(stated: str | None, default: str | None = None) -> str:
    return "detected" if stated in {None, default} else "stated"


def _check_stated(table: TableFile, spec: MeterFilesSpec, where: str, problems: Collector) -> None:
    stated = {
        "meter_column": spec.meter_column,
        "time_column": spec.time_column,
        "value_column": spec.value_column,
    }
    listed = ", ".join(table.columns[:20])
    for key, column in stated.items():
        if column is not None and column not in table.columns:
            problems.add(
                "P201",
                f"{where}.{key}",
                f"{table.path.name} has no such column",
                value=column,
                limit=f"columns: {listed}",
            )
    for column in spec.pick or {}:
        if column not in table.columns:
            problems.add(
                "P201",
                f"{where}.pick",
                f"{table.path.name} has no such column",
                value=column,
                limit=f"columns: {listed}",
            )


def stamped_columns(table: TableFile) -> dict[str, Stamps]:
    """Return the columns that hold time stamps and how they are written."""
    found: dict[str, Stamps] = {}
    for column in table.columns:
        kind = table.types[column]
        stamps = of_type(kind) if kind != "VARCHAR" else of_cells(table.first[column], column)
        if stamps is None and kind != "VARCHAR" and "INT" in kind:
            stamps = of_cells(table.first[column], column)
        if stamps is not None and stamps.kind == "wall" and _UTC.search(column):
            stamps = replace(stamps, kind="utc", described="UTC (by the column's name)")
        if stamps is not None:
            found[column] = stamps
    return found


def _time(
    table: TableFile, spec: MeterFilesSpec, stamps: dict[str, Stamps], where: str, problems: Collector
) -> str | None:
    if spec.time_column:
        if spec.time_column in stamps:
            return spec.time_column
        cell = next((c for c in table.first[spec.time_column] if c.strip()), "")
        problems.add(
            "P212", f"{where}.time_column, {table.path.name}", f"{spec.time_column} holds no time stamps", value=cell,
            limit="2019-01-31, 2019-01-31 23:00, 2019-01-31T23:00Z, 31.01.2019 23:00, 20190131, seconds since 1970",
        )  # fmt: skip
        return None
    timed = [c for c, s in stamps.items() if s.kind != "date"] or list(stamps)
    timed = [c for c in timed if c not in (spec.pick or {})]
    if len(timed) > 1:
        starts = [c for c in timed if _START.search(c)]
        others = [c for c in timed if not _END.search(c)]
        timed = starts if len(starts) == 1 else others if len(others) == 1 else timed
    exact = [c for c in timed if stamps[c].kind == "utc"]
    if len(timed) > 1 and len(exact) == 1:
        timed = exact
    if len(timed) == 1:
        return timed[0]
    if not timed:
        problems.add(
            "P216", f"{where}.files, {table.path.name}", "no column holds time stamps that can be read",
            limit=f"columns: {', '.join(table.columns[:20])}", remedy=_separator_hint(table),
        )  # fmt: skip
    else:
        problems.add(
            "P216", f"{where}.files, {table.path.name}", "several columns could be the time",
            limit=", ".join(timed), remedy=f"State time_column in {where}.",
        )  # fmt: skip
    return None


def _separator_hint(table: TableFile) -> str:
    if len(table.columns) > 1:
        return "State time_column, or write times as 2019-01-31 23:00, 2019-01-31T23:00Z or 31.01.2019 23:00."
    signs = [s for s in "|:~ " if s in table.columns[0]]
    found = f" (the header holds {signs[0]!r})" if signs else ""
    return f"Only one column was found{found}: separate the columns by comma, semicolon or tab."


def _meter(table: TableFile, taken: set[str]) -> str:
    """Return the column of the ids: by its name, else the only text column whose cells repeat or look like ids."""
    named = [c for c in table.columns if c not in taken and _METER.match(c)]
    if named:
        return named[0]
    numbers = set(number_columns(table))
    rest = [
        c
        for c in table.columns
        if c not in taken and c not in numbers and any(x.strip() for x in table.first[c])
    ]
    return rest[0] if len(rest) == 1 else ""


def _is_wide(numbers: Sequence[str], meter: str, carrier: Carrier) -> bool:
    """Return whether columns are meters: many, and none named as a quantity.

    A file with a meter column may still be long with several quantities, so only its absence makes columns meters.
    """
    if meter or len(numbers) < 2:
        return False
    quantities = [c for c in numbers if unit_of_name(c, carrier) or _VALUE.search(c) or _NEVER.search(c)]
    return not quantities


def _value(
    table: TableFile, numbers: list[str], carrier: Carrier, where: str, problems: Collector
) -> str | None:
    sensible = [c for c in numbers if not _NEVER.search(c)] or numbers
    united = [c for c in sensible if unit_of_name(c, carrier)]
    named = [c for c in sensible if _VALUE.search(c)]
    for chosen in (sensible, united, named):
        if len(chosen) == 1:
            return chosen[0]
    if sensible:
        problems.add(
            "P216", f"{where}.files, {table.path.name}", "several columns could be the reading",
            limit=", ".join(sensible[:12]),
            remedy=f"State value_column in {where}, or layout = \"wide\" if every one of them is a meter.",
        )  # fmt: skip
        return None
    cells = {c: next((x for x in table.first[c] if x.strip()), "") for c in table.columns}
    shown = ", ".join(f"{c} = {v!r}" for c, v in list(cells.items())[:6])
    problems.add(
        "P216", f"{where}.files, {table.path.name}", "no column holds numbers", limit=shown,
        remedy=f"State value_column in {where}; numbers are written 1234.5, or 1234,5 between semicolons.",
    )  # fmt: skip
    return None


def _dates_in_header(columns: Sequence[str]) -> list[str]:
    dated = [c for c in columns if of_cells([c], "") is not None]
    return dated if len(dated) >= 2 and len(dated) >= 0.5 * len(columns) else []


def _transposed(
    table: TableFile, spec: MeterFilesSpec, dated: list[str], where: str, problems: Collector
) -> Roles | None:
    meter = spec.meter_column or next((c for c in table.columns if _METER.match(c)), "")
    rest = [c for c in table.columns if c not in dated]
    meter = meter or (rest[0] if len(rest) == 1 else "")
    if not meter:
        problems.add(
            "P216", f"{where}.files, {table.path.name}", "no column holds the meters' ids", limit=", ".join(rest[:12]),
            remedy=f"State meter_column in {where}.",
        )  # fmt: skip
        return None
    stamps = of_cells(dated, "")
    assert stamps is not None
    how = {"layout": _how(spec.layout, "auto"), "meter": _how(spec.meter_column)}
    return Roles("transposed", meter, "", tuple(dated), "", "", stamps, how)
