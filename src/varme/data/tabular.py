"""CSV and Parquet files to raw columns: dialect, stamps and numbers, with the row of everything that could not be read.

Parsing runs inside an in-memory DuckDB connection, so a million rows take about a second and no Python loop. Stamps
are returned as they stand (wall clock plus offset, if one is written); :mod:`varme.data.clock` makes them UTC.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import DataError, Problem

#: Bytes looked at to find out separator, decimal sign and header.
SAMPLE_BYTES = 65536
#: Cells that mean "no value", in lower case.
MISSING = ("", "na", "n/a", "nan", "null", "none", "-", "n/e", "#n/a")

_ISO = re.compile(r"^\s*\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?)?")
_DMY = re.compile(r"^\s*\d{2}[./-]\d{2}[./-]\d{4}( \d{2}:\d{2}(:\d{2})?)?")
_DECIMAL_COMMA = re.compile(r"^\s*-?\d+(\.\d{3})*,\d+\s*$")

_THOUSANDS = re.compile(r"^\s*-?\d{1,3}(,\d{3})+\s*$")


#: First bytes of .xlsx and .ods (zip archives) and of .xls.
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


@dataclass(frozen=True)
class TableFile:
    """A file, how to read it, and its columns.

    Attributes:
        path: The file.
        columns: Column names in file order.
        types: DuckDB type per column; ``VARCHAR`` throughout for CSV.
        first: Text of the first rows, per column, for detection.
        scan: SQL that yields the rows.
        header_line: Line of the header (CSV), so that data row 1 is the line after; 0 for Parquet.
        decimal: Decimal sign of the numbers.
    """

    path: Path
    columns: tuple[str, ...]
    types: Mapping[str, str]
    first: Mapping[str, tuple[str, ...]]
    scan: str
    header_line: int
    decimal: str


@dataclass(frozen=True)
class RawColumns:
    """Rows of a file: stamps and values, each of shape (rows,).

    Attributes:
        line: Line in a CSV file or row in a Parquet file, from 1.
        wall_s: Stamp as written, seconds since 1970 of that wall clock; meaningless where ``stamp_bad``.
        offset_s: Offset from UTC that the stamp states [s]; NaN if it states none.
        stamp_bad: True where the stamp could not be read.
        values: Column -> numbers; NaN where empty or bad.
        bad: Column -> True where a cell holds text that is no number.
    """

    line: NDArray[np.int64]
    wall_s: NDArray[np.int64]
    offset_s: NDArray[np.float64]
    stamp_bad: NDArray[np.bool_]
    values: dict[str, NDArray[np.float64]]
    bad: dict[str, NDArray[np.bool_]]


def open_table(path: Path, where: str) -> TableFile:
    """Find out how a file is to be read.

    Args:
        path: CSV (``.csv``, ``.txt``, ``.tsv``, each also ``.gz``) or Parquet file.
        where: Field that names the file, for messages.

    Raises:
        DataError: P200 if the file does not exist, is empty, or is not of such a kind.
    """
    if not path.is_file():
        near = _nearest(path)
        raise _unreadable(path, where, "no such file", f"Did you mean {near}?" if near else "")
    try:
        return _open_parquet(path) if path.suffix == ".parquet" else _open_csv(path, where)
    except (OSError, EOFError, csv.Error, duckdb.Error) as error:
        raise _unreadable(path, where, f"cannot be read: {_first_line(error)}") from None


def time_columns(table: TableFile) -> list[str]:
    """Return the columns that hold time stamps, in file order."""
    return [
        c
        for c in table.columns
        if "TIMESTAMP" in table.types[c] or table.types[c] == "DATE" or _stamped(table, c)
    ]


def number_columns(table: TableFile) -> list[str]:
    """Return the columns whose first rows hold numbers, in file order."""
    stamps = set(time_columns(table))
    return [c for c in table.columns if c not in stamps and _numeric(table, c)]


def fetch(
    table: TableFile,
    time_column: str,
    value_columns: Sequence[str],
    where: str,
    pick: Mapping[str, str] | None = None,
) -> RawColumns:
    """Read stamps and numbers.

    Args:
        table: The file.
        time_column: Column of the stamps.
        value_columns: Columns to read as numbers.
        where: Field that names the file, for messages.
        pick: Column -> value; only rows that hold these are returned.

    Raises:
        DataError: P200 if the file breaks off or a row has more cells than the header.
    """
    wall, offset = _time_sql(table, time_column)
    parts = ["_line", f"epoch({wall}) AS _wall", f"{offset} AS _offset"]
    for number, column in enumerate(value_columns):
        value, bad = _number_sql(table, column)
        parts += [f"{value} AS _v{number}", f"{bad} AS _b{number}"]
    tests = [f"trim(CAST({_name(c)} AS VARCHAR)) = {_text(v)}" for c, v in (pick or {}).items()]
    chosen = f" WHERE {' AND '.join(tests)}" if tests else ""
    query = (
        f"SELECT {', '.join(parts)} FROM (SELECT *, row_number() OVER () AS _line FROM {table.scan}){chosen}"
    )
    try:
        with _connection() as connection:
            rows: dict[str, Any] = connection.execute(query).fetchnumpy()
    except duckdb.Error as error:
        raise _unreadable(table.path, where, f"cannot be read: {_first_line(error)}") from None
    wall_s = _floats(rows["_wall"])
    numbers = range(len(value_columns))
    return RawColumns(
        line=np.asarray(np.ma.getdata(rows["_line"]), dtype=np.int64) + table.header_line,
        wall_s=np.where(np.isnan(wall_s), 0, np.round(np.nan_to_num(wall_s))).astype(np.int64),
        offset_s=_floats(rows["_offset"]),
        stamp_bad=np.isnan(wall_s),
        values={value_columns[k]: _floats(rows[f"_v{k}"]) for k in numbers},
        bad={value_columns[k]: np.ma.filled(rows[f"_b{k}"], False).astype(bool) for k in numbers},
    )


@dataclass(frozen=True)
class Cells:
    """Columns of a table without times: texts and numbers, each of shape (rows,).

    Attributes:
        line: Line in a CSV file or row in a Parquet file, from 1.
        texts: Column -> stripped texts, empty where there is none.
        numbers: Column -> numbers, NaN where empty or bad.
        bad: Column -> True where a cell holds text that is no number.
    """

    line: NDArray[np.int64]
    texts: dict[str, NDArray[np.object_]]
    numbers: dict[str, NDArray[np.float64]]
    bad: dict[str, NDArray[np.bool_]]


def fetch_cells(table: TableFile, texts: Sequence[str], numbers: Sequence[str], where: str) -> Cells:
    """Read columns of a table that has no time axis.

    Args:
        table: The file.
        texts: Columns to read as text.
        numbers: Columns to read as numbers.
        where: Field that names the file, for messages.

    Raises:
        DataError: P200 if the file breaks off or a row has more cells than the header.
    """
    parts = [f"row_number() OVER () + {table.header_line} AS _line"]
    parts += [f"trim(coalesce(CAST({_name(c)} AS VARCHAR), '')) AS _t{k}" for k, c in enumerate(texts)]
    for number, column in enumerate(numbers):
        value, bad = _number_sql(table, column)
        parts += [f"{value} AS _v{number}", f"{bad} AS _b{number}"]
    try:
        with _connection() as connection:
            rows: dict[str, Any] = connection.execute(
                f"SELECT {', '.join(parts)} FROM {table.scan}"
            ).fetchnumpy()
    except duckdb.Error as error:
        raise _unreadable(table.path, where, f"cannot be read: {_first_line(error)}") from None
    return Cells(
        line=np.asarray(np.ma.getdata(rows["_line"]), dtype=np.int64),
        texts={c: np.asarray(np.ma.filled(rows[f"_t{k}"], ""), dtype=object) for k, c in enumerate(texts)},
        numbers={c: _floats(rows[f"_v{k}"]) for k, c in enumerate(numbers)},
        bad={c: np.ma.filled(rows[f"_b{k}"], False).astype(bool) for k, c in enumerate(numbers)},
    )


def distinct(table: TableFile, column: str, limit: int = 20) -> list[str]:
    """Return the different values of a column, sorted, at most ``limit`` of them."""
    query = (
        f"SELECT DISTINCT trim(CAST({_name(column)} AS VARCHAR)) FROM {table.scan} ORDER BY 1 LIMIT {limit}"
    )
    with _connection() as connection:
        return [str(row[0]) for row in connection.execute(query).fetchall() if row[0] is not None]


def _open_csv(path: Path, where: str) -> TableFile:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        raw: bytes = file.read(SAMPLE_BYTES)
    if raw.startswith(WORKBOOKS):
        what = "is a spreadsheet (or an archive), not text"
        raise _unreadable(path, where, what, "Save the sheet as CSV, or unpack the archive.")
    encoding, sample = _decoded(raw)
    if "\x00" in sample:
        raise _unreadable(path, where, "holds binary data, not text")
    lines = sample.splitlines()
    if len(raw) == SAMPLE_BYTES:
        lines = lines[:-1]
    skip = next((k for k, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if skip is None:
        raise _unreadable(path, where, "is empty")
    separator = max(",;\t", key=lambda sign: (lines[skip].count(sign), sign == ","))
    rows = list(csv.reader(io.StringIO("\n".join(lines[skip : skip + 200])), delimiter=separator))
    columns = tuple(name.strip() or f"column_{k + 1}" for k, name in enumerate(rows[0]))
    if len(set(columns)) < len(columns):
        double = sorted({c for c in columns if columns.count(c) > 1})
        raise _unreadable(path, where, f"column names occur more than once: {', '.join(double)}")
    first = {c: tuple(r[k] for r in rows[1:] if k < len(r)) for k, c in enumerate(columns)}
    decimal = _decimal_sign([cell for cells in first.values() for cell in cells], separator)
    named = ", ".join(f"{_text(c)}: 'VARCHAR'" for c in columns)
    scan = (
        f"read_csv({_text(str(path))}, columns={{{named}}}, auto_detect=false, header=true, skip={skip}, "
        f"delim={_text(separator)}, quote='\"', escape='\"', encoding={_text(encoding)}, null_padding=true)"
    )
    return TableFile(path, columns, dict.fromkeys(columns, "VARCHAR"), first, scan, skip + 1, decimal)


def _decoded(raw: bytes) -> tuple[str, str]:
    """Return the encoding (UTF-8, else Latin 1) and the text of a sample that may end within a character."""
    try:
        return "utf-8", raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start >= len(raw) - 4 and len(raw) == SAMPLE_BYTES:
            return "utf-8", raw[: error.start].decode("utf-8-sig")
        return "latin-1", raw.decode("latin-1")


def _decimal_sign(cells: Sequence[str], separator: str) -> str:
    """Return the decimal sign; in a file with commas between cells, ``"1,234"`` alone is not taken as a decimal."""
    commas = [cell for cell in cells if _DECIMAL_COMMA.match(cell)]
    if separator == ",":
        commas = [cell for cell in commas if not _THOUSANDS.match(cell)]
    return "," if commas else "."


def _open_parquet(path: Path) -> TableFile:
    scan = f"read_parquet({_text(str(path))})"
    with _connection() as connection:
        described = connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
        columns = tuple(str(row[0]) for row in described)
        texts = ", ".join(f"CAST({_name(c)} AS VARCHAR)" for c in columns)
        rows = connection.execute(f"SELECT {texts} FROM {scan} LIMIT 200").fetchall()
    first = {c: tuple("" if row[k] is None else str(row[k]) for row in rows) for k, c in enumerate(columns)}
    return TableFile(path, columns, {str(r[0]): str(r[1]) for r in described}, first, scan, 0, ".")


def _time_sql(table: TableFile, column: str) -> tuple[str, str]:
    """Return SQL for the stamp as a wall-clock TIMESTAMP and for its offset in seconds (NULL if none)."""
    name, kind = _name(column), table.types[column]
    if "TIME ZONE" in kind:
        return f"make_timestamp(epoch_us({name}))", "0.0"
    if kind != "VARCHAR":
        return f"CAST({name} AS TIMESTAMP)", "CAST(NULL AS DOUBLE)"
    text = f"trim({name})"
    seen = next((cell for cell in table.first[column] if cell.strip()), "")
    if _DMY.match(seen):
        dotted = f"replace(replace({text}, '/', '.'), '-', '.')"
        part = f"regexp_extract({dotted}, '^\\d{{2}}\\.\\d{{2}}\\.\\d{{4}}( [\\d:]+)?')"
        formats = "['%d.%m.%Y %H:%M:%S', '%d.%m.%Y %H:%M', '%d.%m.%Y']"
        return f"try_strptime({part}, {formats})", "CAST(NULL AS DOUBLE)"
    part = f"regexp_extract({text}, '^\\d{{4}}-\\d{{2}}-\\d{{2}}([ T]\\d{{2}}:\\d{{2}}(:\\d{{2}})?)?')"
    zone = f"regexp_extract(substr({text}, 14), '(Z|UTC|[+-]\\d{{2}}:?(\\d{{2}})?)$')"
    sign = f"CASE WHEN {zone}[1] = '-' THEN -1 ELSE 1 END"
    minutes = (
        f"coalesce(try_cast(nullif(regexp_extract({zone}, '^.\\d\\d:?(\\d\\d)$', 1), '') AS INTEGER), 0)"
    )
    seconds = f"{sign} * (try_cast(substr({zone}, 2, 2) AS INTEGER) * 3600 + {minutes} * 60)"
    offset = f"CASE WHEN {zone} = '' THEN NULL WHEN {zone} IN ('Z', 'UTC') THEN 0 ELSE {seconds} END"
    return f"try_cast({part} AS TIMESTAMP)", f"CAST({offset} AS DOUBLE)"


def _number_sql(table: TableFile, column: str) -> tuple[str, str]:
    """Return SQL for a cell as DOUBLE (NULL if empty or bad) and for whether it is bad."""
    name = _name(column)
    if table.types[column] != "VARCHAR":
        value = f"try_cast({name} AS DOUBLE)"
        return value, f"({value} IS NULL AND {name} IS NOT NULL)"
    text = f"trim({name})"
    plain = f"replace(replace({text}, '.', ''), ',', '.')" if table.decimal == "," else text
    if table.decimal == ",":
        plain = f"CASE WHEN contains({text}, ',') THEN {plain} ELSE {text} END"
    value = f"try_cast({plain} AS DOUBLE)"
    missing = ", ".join(_text(token) for token in MISSING)
    return value, f"({value} IS NULL AND {name} IS NOT NULL AND lower({text}) NOT IN ({missing}))"


def _stamped(table: TableFile, column: str) -> bool:
    cells = [cell for cell in table.first[column] if cell.strip()]
    return bool(cells) and (_ISO.match(cells[0]) is not None or _DMY.match(cells[0]) is not None)


def _numeric(table: TableFile, column: str) -> bool:
    if table.types[column] != "VARCHAR":
        return any(kind in table.types[column] for kind in ("INT", "FLOAT", "DOUBLE", "DECIMAL", "REAL"))
    cells = [c.strip() for c in table.first[column] if c.strip().lower() not in MISSING]
    if table.decimal == ",":
        cells = [c.replace(".", "").replace(",", ".") if "," in c else c for c in cells]
    return not cells or any(re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", c) for c in cells)


def _floats(values: Any) -> NDArray[np.float64]:
    if np.ma.isMaskedArray(values):
        return np.asarray(np.ma.filled(values.astype(float), np.nan), dtype=float)
    return np.asarray(values, dtype=float)


def _connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"threads": 1})


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _nearest(path: Path) -> str:
    import difflib

    if not path.parent.is_dir():
        return ""
    match = difflib.get_close_matches(path.name, [p.name for p in path.parent.iterdir() if p.is_file()], n=1)
    return match[0] if match else ""


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0].rstrip(".")


def _unreadable(path: Path, where: str, what: str, remedy: str = "") -> DataError:
    return DataError(Problem("P200", where, what, str(path), "", remedy))
