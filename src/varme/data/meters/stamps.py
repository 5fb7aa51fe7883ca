"""How time stamps are written in a meter file, and the SQL that reads them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

_YMD = re.compile(
    r"^\d{4}([-/.])\d{1,2}\1\d{1,2}(?P<time>[ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?"
    r"(?P<zone>\s?(Z|UTC|[+-]\d{2}(:?\d{2})?))?$"
)
_DMY = re.compile(r"^(\d{1,2})([./-])(\d{1,2})\2\d{4}(?P<time>[ T]\d{1,2}:\d{2}(:\d{2})?)?$")
_COMPACT = re.compile(r"^(19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])$")
_EPOCH = re.compile(r"^[12]\d{9}(\.0*)?$")
_EPOCH_MS = re.compile(r"^[12]\d{12}$")
_TEMPORAL_NAME = re.compile(
    r"time|date|datum|stamp|zeit|epoch|unix|^ts$|^index$|^day$|^tag$|^jour$|^fecha$", re.IGNORECASE
)

Kind = Literal["date", "wall", "utc"]


@dataclass(frozen=True)
class Stamps:
    """How a column's stamps are read.

    Attributes:
        kind: ``date`` for days, ``wall`` for stamps of a clock without an offset, ``utc`` for exact instants.
        type: DuckDB type that the column is read as.
        option: Format option of ``read_csv``, empty if none is needed.
        count: SQL for days (of dates) or seconds since 1970 of that clock; ``{}`` stands for the column.
        described: What was understood, for people.
        day_first_assumed: Whether nothing tells day and month apart.
    """

    kind: Kind
    type: str
    option: str
    count: str
    described: str
    day_first_assumed: bool = False

    @property
    def unit_s(self) -> int:
        """Seconds in what is counted."""
        return 86400 if self.kind == "date" else 1

    @property
    def seconds(self) -> str:
        """SQL for seconds since 1970 of that clock."""
        return f"({self.count})::BIGINT * 86400" if self.kind == "date" else self.count

    def tolerant(self, column: str) -> str:
        """Return SQL that reads a text cell as this type, NULL where it cannot be read."""
        if self.option:
            pattern = self.option.split("=", 1)[1]
            return f"try_strptime(trim({column}), {pattern})"
        return f"try_cast(trim({column}) AS {self.type})"


_DATE = "({} - DATE '1970-01-01')::INTEGER"
_STAMP = "epoch_us({}) // 1000000"


def of_type(kind: str) -> Stamps | None:
    """Return how a Parquet column of a DuckDB type is read, ``None`` if it holds no times."""
    if kind == "DATE":
        return Stamps("date", kind, "", _DATE, "days")
    if "TIME ZONE" in kind:
        return Stamps("utc", kind, "", "epoch_us({}) // 1000000", "UTC")
    if kind.startswith("TIMESTAMP"):
        return Stamps("wall", kind, "", "epoch_us({}::TIMESTAMP) // 1000000", "clock")
    return None


def of_cells(cells: Sequence[str], column: str) -> Stamps | None:
    """Return how a column of texts is read, ``None`` if its first filled cells are no time stamps.

    Args:
        cells: First cells of the column.
        column: Its name: numbers are taken for seconds since 1970 only where the name speaks of time.
    """
    filled = [c.strip() for c in cells if c.strip()]
    if not filled:
        return None
    year_first = [_YMD.match(c) for c in filled]
    if year_first[0]:
        return _year_first([m for m in year_first if m], filled[0])
    day_first = [_DMY.match(c) for c in filled]
    if day_first[0]:
        return _day_first([m for m in day_first if m])
    if _TEMPORAL_NAME.search(column):
        return _number(filled[0])
    return None


def _year_first(found: list[re.Match[str]], cell: str) -> Stamps:
    separator = found[0].group(1)
    timed = any(m.group("time") for m in found)
    if any(m.group("zone") for m in found):
        return Stamps("utc", "TIMESTAMPTZ", "", _STAMP, "UTC (offset stated)")
    if separator == "." and timed:
        option = (
            "timestampformat='%Y.%m.%d %H:%M:%S'"
            if cell.count(":") > 1
            else "timestampformat='%Y.%m.%d %H:%M'"
        )
        return Stamps("wall", "TIMESTAMP", option, _STAMP, "clock")
    if separator == ".":
        return Stamps("date", "DATE", "dateformat='%Y.%m.%d'", _DATE, "days")
    if timed:
        return Stamps("wall", "TIMESTAMP", "", _STAMP, "clock")
    return Stamps("date", "DATE", "", _DATE, "days")


def _day_first(found: list[re.Match[str]]) -> Stamps:
    first, second = max(int(m.group(1)) for m in found), max(int(m.group(3)) for m in found)
    month_first = second > 12 >= first
    separator, time = found[0].group(2), found[0].group("time")
    date = separator.join(("%m", "%d", "%Y") if month_first else ("%d", "%m", "%Y"))
    said = "month first" if month_first else "day first"
    doubt = first <= 12 and second <= 12 and separator != "." and len(found) > 1
    if not time:
        return Stamps("date", "DATE", f"dateformat='{date}'", _DATE, f"days, {said}", doubt)
    clock = time[0] + ("%H:%M:%S" if time.count(":") > 1 else "%H:%M")
    return Stamps("wall", "TIMESTAMP", f"timestampformat='{date}{clock}'", _STAMP, f"clock, {said}", doubt)


def _number(cell: str) -> Stamps | None:
    if _COMPACT.match(cell):
        return Stamps("date", "DATE", "dateformat='%Y%m%d'", _DATE, "days")
    if _EPOCH.match(cell):
        return Stamps("utc", "DOUBLE", "", "{}::BIGINT", "seconds since 1970")
    if _EPOCH_MS.match(cell):
        return Stamps("utc", "BIGINT", "", "{} // 1000", "milliseconds since 1970")
    return None
