"""Files to staged rows: every group of files is read once into a compact Parquet of (meter, t, v) in file order.

The fast way reads typed columns; if a cell does not fit, the files are read again as text, which accepts what can be
understood and names the rows that cannot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from varme.data.meters import sql
from varme.data.meters.find import FileGroup, scan_of
from varme.data.meters.roles import Roles
from varme.data.meters.stamps import Kind
from varme.data.tabular import MISSING
from varme.ground.errors import Collector

_LINE = re.compile(r"CSV Error on Line: (\d+)")
_FILE = re.compile(r"file ?= ?(\S+)")
_TRUE = "^(e|est.*|true|1|y|yes|gesch.*|ersatz.*|rechn.*|calc.*)$"
_STEM = r"(^(.*/)?(Property_ID=)?)|(\.(csv|txt|tsv|parquet)(\.gz)?$)"


@dataclass(frozen=True)
class Staged:
    """A group's rows on disk.

    Attributes:
        group: The files.
        roles: What their columns are.
        source: SQL of a table with meter (text), t (days or seconds), v, and f (number of the file), u (unit),
            e (estimated) where there are several files, or such columns.
        path: The Parquet file behind it, ``None`` for a table in memory.
        kind: What t counts.
        rows: Rows with a meter, a time and a reading.
        without_time: Rows dropped for want of a time.
        without_meter: Rows dropped for want of a meter.
        empty: Rows without a reading.
        first_file: Number of the group's first file.
    """

    group: FileGroup
    roles: Roles
    source: str
    path: Path | None
    kind: Kind
    rows: int
    without_time: int
    without_meter: int
    empty: int
    first_file: int

    @property
    def known(self) -> str:
        """SQL that keeps rows with a time."""
        return " WHERE t IS NOT NULL" if self.without_time else ""

    def columns(self, value: str = "v") -> str:
        """Return the columns besides the meter.

        Args:
            value: SQL of the reading.
        """
        more = {"f": len(self.group.files) > 1, "u": bool(self.roles.unit), "e": bool(self.roles.estimated)}
        return ", ".join(["t", f"{value} AS v", *(c for c, there in more.items() if there)])


#: Share of DuckDB's memory that the files' text may have for their rows to be staged in memory.
SMALL_SHARE = 0.2
#: Memory below which a CSV file is read in smaller pieces.
TIGHT_BYTES = 512e6


def memory_limit(connection: duckdb.DuckDBPyConnection) -> float:
    """Return the bytes that DuckDB may use."""
    stated = str(connection.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]).split()
    return float(stated[0]) * {"bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}[stated[1]]


def is_small(connection: duckdb.DuckDBPyConnection, groups: Sequence[FileGroup]) -> bool:
    """Return whether the files are so small that their rows are staged in memory."""
    sizes = [
        p.stat().st_size * (8 if p.suffix in {".gz", ".parquet"} else 1) for g in groups for p in g.files
    ]
    return sum(sizes) <= SMALL_SHARE * memory_limit(connection)


def stage(
    connection: duckdb.DuckDBPyConnection, group: FileGroup, roles: Roles, name: str, path: Path | None,
    first_file: int, pick: dict[str, str], where: str, problems: Collector,
) -> Staged | None:  # fmt: skip
    """Read a group of files into a table in memory, or a Parquet file; what cannot be read becomes a problem."""
    source = name if path is None else sql.text(str(path))
    tight = memory_limit(connection) < TIGHT_BYTES
    try:
        _copy(connection, _rows(group, roles, pick, tolerant=False, tight=tight), name, path)
    except duckdb.Error as error:
        if group.parquet and not isinstance(error, duckdb.ConversionException):
            _unreadable(group, error, where, problems)
            return None
        if not _explain(connection, group, roles, pick, where, problems):
            return None
        try:
            _copy(connection, _rows(group, roles, pick, tolerant=True, tight=tight), name, path)
        except duckdb.Error as again:
            _unreadable(group, again, where, problems)
            return None
    total, meters, times, values, whole = connection.execute(
        "SELECT count(*), count(meter), count(t), count(v), count(*) FILTER "
        f"(meter IS NOT NULL AND t IS NOT NULL AND v IS NOT NULL) FROM {source}"
    ).fetchall()[0]
    if not whole:
        picked = f" where {pick}" if pick else ""
        problems.add(
            "P220", f"{where}.files, {group.files[0].name}", f"holds no reading{picked}",
            value=f"{total} rows, {meters} with a meter, {times} with a time, {values} with a value",
        )  # fmt: skip
        return None
    return Staged(
        group, roles, source, path, roles.stamps.kind, whole, total - times, total - meters, total - values, first_file
    )  # fmt: skip


def _copy(connection: duckdb.DuckDBPyConnection, query: str, name: str, path: Path | None) -> None:
    if path is None:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")
        return
    target = sql.text(str(path))
    connection.execute(f"COPY ({query}) TO {target} (FORMAT parquet, COMPRESSION lz4_raw)")


def _rows(group: FileGroup, roles: Roles, pick: dict[str, str], *, tolerant: bool, tight: bool) -> str:
    """Return SQL that yields meter, t, v, f, and u and e where there are such columns."""
    many = len(group.files) > 1
    named = many or roles.layout == "single"
    scan = _scan(group, roles, tolerant=tolerant, named=named, tight=tight)
    source = sql.name("filename")
    stem = f"regexp_replace({source}, {sql.text(_STEM)}, '', 'g')"
    paths = sql.texts([str(p) for p in group.files])
    number = f"(list_position({paths}, {source}) - 1)::INTEGER" if many else "0"
    tests = [f"trim(CAST({sql.name(c)} AS VARCHAR)) = {sql.text(v)}" for c, v in pick.items()]
    chosen = f" WHERE {' AND '.join(tests)}" if tests else ""
    if roles.layout in {"wide", "transposed"}:
        return _unpivoted(group, roles, scan, chosen, number, tolerant=tolerant)
    meter = {"single": stem}.get(roles.layout) or _meter(group, roles.meter, tolerant=tolerant)
    parts = [f"{meter} AS meter", f"{_time(group, roles, tolerant=tolerant)} AS t"]
    parts.append(f"{_value(group, roles.values[0], tolerant=tolerant)} AS v")
    if many:
        parts.append(f"{number} AS f")
    if roles.unit:
        parts.append(f"trim(CAST({sql.name(roles.unit)} AS VARCHAR)) AS u")
    if roles.estimated:
        mark = f"lower(trim(CAST({sql.name(roles.estimated)} AS VARCHAR)))"
        parts.append(f"coalesce(regexp_matches({mark}, {sql.text(_TRUE)}), false) AS e")
    return f"SELECT {', '.join(parts)} FROM {scan}{chosen}"


def _scan(group: FileGroup, roles: Roles, *, tolerant: bool, named: bool, tight: bool = False) -> str:
    types: dict[str, str] = {}
    options = ["buffer_size=8000000"] if tight and not group.parquet else []
    if not tolerant and not group.parquet:
        if roles.time:
            types[roles.time] = roles.stamps.type
            options.append(roles.stamps.option)
        types |= dict.fromkeys(roles.values, "DOUBLE")
        options.append(_missing(group, roles))
        if group.table.decimal == ",":
            options.append("decimal_separator=','")
    return scan_of(group, types, options, named=named)


def _missing(group: FileGroup, roles: Roles) -> str:
    """Return the option for cells that mean "no value", if the first rows have such; each one costs time per cell."""
    cells = {c for column in roles.values[:50] for c in group.table.first[column]}
    seen = sorted(c for c in cells if c.strip() and c.strip().lower() in MISSING)
    return f"nullstr={sql.texts(['', *seen])}" if seen else ""


def _meter(group: FileGroup, column: str, *, tolerant: bool) -> str:
    cells = group.table.first[column]
    if group.table.types[column] != "VARCHAR":
        return f"CAST({sql.name(column)} AS VARCHAR)"
    if tolerant or any(c != c.strip() for c in cells):
        return f"nullif(trim({sql.name(column)}), '')"
    return sql.name(column)


def _time(group: FileGroup, roles: Roles, *, tolerant: bool) -> str:
    column = sql.name(roles.time)
    if group.parquet and group.table.types[roles.time] != "VARCHAR":
        return roles.stamps.count.format(column)
    if tolerant or group.parquet:
        return (
            roles.stamps.count.format(roles.stamps.tolerant(column))
            if roles.stamps.kind != "date"
            else (roles.stamps.count.format(f"CAST({roles.stamps.tolerant(column)} AS DATE)"))
        )
    return roles.stamps.count.format(column)


def _value(group: FileGroup, column: str, *, tolerant: bool) -> str:
    name = sql.name(column)
    if group.table.types[column] != "VARCHAR":
        return f"CAST({name} AS DOUBLE)"
    return _number(name, group.table.decimal) if tolerant or group.parquet else name


def _number(name: str, decimal: str) -> str:
    cell = f"trim({name})"
    if decimal == ",":
        cell = f"CASE WHEN contains({cell}, ',') THEN replace(replace({cell}, '.', ''), ',', '.') ELSE {cell} END"
    return f"try_cast({cell} AS DOUBLE)"


def _unpivoted(group: FileGroup, roles: Roles, scan: str, chosen: str, number: str, *, tolerant: bool) -> str:
    values = ", ".join(f"{_value(group, c, tolerant=tolerant)} AS {sql.name(c)}" for c in roles.values)
    names = ", ".join(sql.name(c) for c in roles.values)
    if roles.layout == "wide":
        inner = f"SELECT {_time(group, roles, tolerant=tolerant)} AS t, {number} AS f, {values} FROM {scan}{chosen}"
        return f"SELECT meter, t, v, f FROM (UNPIVOT ({inner}) ON {names} INTO NAME meter VALUE v)"
    meter = _meter(group, roles.meter, tolerant=tolerant)
    inner = f"SELECT {meter} AS meter, {number} AS f, {values} FROM {scan}{chosen}"
    stamp = roles.stamps.tolerant("d")
    stamp = f"CAST({stamp} AS DATE)" if roles.stamps.kind == "date" else stamp
    return (
        f"SELECT meter, {roles.stamps.count.format(stamp)} AS t, v, f "
        f"FROM (UNPIVOT ({inner}) ON {names} INTO NAME d VALUE v)"
    )


def _unreadable(group: FileGroup, error: duckdb.Error, where: str, problems: Collector) -> None:
    """Say in plain words what DuckDB says."""
    said = str(error).strip()
    line, file = _LINE.search(said), _FILE.search(said)
    name = Path(file.group(1)).name if file else ", ".join(p.name for p in group.files[:3])
    what = next((row for row in said.split("\n") if "Expected Number of Columns" in row), said.split("\n")[0])
    place = f", line {line.group(1)}" if line else ""
    if isinstance(error, duckdb.OutOfMemoryException):
        remedy = "Give open_meters more memory, or fewer threads."
        problems.add(
            "P200", f"{where}.files, {name}", "the memory that is allowed is too small", remedy=remedy
        )
        return
    problems.add("P200", f"{where}.files, {name}{place}", f"cannot be read: {what.strip().rstrip('.')}")


def _explain(
    connection: duckdb.DuckDBPyConnection, group: FileGroup, roles: Roles, pick: dict[str, str], where: str,
    problems: Collector,
) -> bool:  # fmt: skip
    """Return whether every cell can be read as text; name the rows of those that cannot."""
    scan = _scan(group, roles, tolerant=True, named=True)
    missing = ", ".join(sql.text(m) for m in MISSING)
    tests = [f"trim(CAST({sql.name(c)} AS VARCHAR)) = {sql.text(v)}" for c, v in pick.items()]
    chosen = f"WHERE {' AND '.join(tests)}" if tests else ""
    checks = [(c, _value(group, c, tolerant=True), "P209") for c in roles.values]
    if roles.time:
        checks.append((roles.time, _time(group, roles, tolerant=True), "P212"))
    before, good = len(problems), True
    for column, read, code in checks:
        cell = f"CAST({sql.name(column)} AS VARCHAR)"
        bad = f"({read}) IS NULL AND {cell} IS NOT NULL AND lower(trim({cell})) NOT IN ({missing})"
        query = (
            f"SELECT filename, line, cell, count(*) OVER () FROM (SELECT filename, {cell} AS cell, {bad} AS bad, "
            f"row_number() OVER (PARTITION BY filename) + {group.table.header_line} AS line FROM {scan} {chosen}) "
            "WHERE bad ORDER BY filename, line LIMIT 3"
        )
        try:
            found = connection.execute(query).fetchall()
        except duckdb.Error as error:
            _unreadable(group, error, where, problems)
            return False
        if found:
            lines = ", ".join(f"{Path(file).name} line {line} ({text!r})" for file, line, text, _ in found)
            what = (
                "cells hold text where a number belongs" if code == "P209" else "time stamps cannot be read"
            )
            problems.add(
                code,
                f"{where}.files, {lines}",
                f"{found[0][3]} {what}, column {column}",
                remedy=_hint(roles, code, str(found[0][2])),
            )
            good = False
    return good and len(problems) == before


def _hint(roles: Roles, code: str, cell: str) -> str:
    if code == "P209" and re.fullmatch(r"-?\d+,\d+", cell.strip()):
        return "The cells have decimal commas: write points, or separate the columns by semicolons."
    if code == "P212":
        return f"They were taken as {roles.stamps.described}; correct the cells, or state time_column."
    return "Correct the cells, or leave them empty where a reading is missing."
