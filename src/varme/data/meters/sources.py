"""Sources of panels: a dense store on disk, and Parquet that is sorted by meter. Worker processes reopen them."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

import duckdb
import numpy as np
from numpy.typing import NDArray

from varme.data.meters import sql
from varme.data.meters.panel import DAY_MIN, Floats32, MeterPanel

Reading = Literal["interval", "register"]


class OwnedFolder:
    """A temporary folder that is removed when the last source that uses it is."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="varme-meters-"))
        self._removed = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@lru_cache(maxsize=8)
def _meters_of(path: str) -> tuple[str, ...]:
    """Return the ids of a store; a process reads them once."""
    return tuple(Path(path).read_text(encoding="utf-8").split("\n")[:-1])


@lru_cache(maxsize=2)
def _connection(process: int, memory: str) -> duckdb.DuckDBPyConnection:
    """Return the connection of a process, which remembers what it has read of a file's footer."""
    connection = sql.connect(1, memory)
    connection.execute("SET parquet_metadata_cache = true")
    return connection


def write_meters(folder: Path, meters: Sequence[str]) -> None:
    """Write the ids of a store, one a line."""
    (folder / "meters.txt").write_text("\n".join(meters) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class PanelShape:
    """What all panels of a source have in common; see :class:`~varme.data.meters.panel.MeterPanel`."""

    start: np.datetime64
    step_min: int
    steps: int
    unit: str
    reading: Reading
    day_start_h: float = 0.0


class _Stored:
    """What stores share: ids on disk, and a folder that lives as long as its owner."""

    folder: Path
    shape: PanelShape

    @property
    def meters(self) -> Sequence[str]:
        """Ids of all meters, in the order of the rows."""
        return _meters_of(str(self.folder / "meters.txt"))

    @property
    def start(self) -> np.datetime64:
        """First step of every panel."""
        return self.shape.start

    @property
    def step_min(self) -> int:
        """Length of a step [min]."""
        return self.shape.step_min

    @property
    def steps(self) -> int:
        """Number of steps of every panel."""
        return self.shape.steps

    def _panel(self, first: int, last: int, values: NDArray[Any], **more: Any) -> MeterPanel:
        shape = self.shape
        return MeterPanel(
            tuple(self.meters[first:last]), shape.start, shape.step_min, cast(Floats32, values), shape.unit,
            shape.reading, day_start_h=shape.day_start_h, **more,
        )  # fmt: skip


@dataclass(frozen=True)
class DenseStore(_Stored):
    """Dense panels in files: one row of steps per meter, mapped into memory when a block is asked for.

    Attributes:
        folder: Where ``values.bin`` (float32 of intervals, float64 of registers), ``before.bin``, ``meters.txt`` and,
            if known, ``estimated.bin`` and ``duplicates.bin`` lie.
        shape: What all panels have in common.
        count: Number of meters.
        estimated: Whether estimated readings are marked.
        duplicates: Whether a reading came twice.
        owner: Keeps a temporary folder alive; stays behind when the store is sent to another process.
    """

    folder: Path
    shape: PanelShape
    count: int
    estimated: bool = False
    duplicates: bool = False
    owner: OwnedFolder | None = field(default=None, compare=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the owner of a temporary folder behind."""
        return {**self.__dict__, "owner": None}

    def _rows(self, name: str, dtype: Any, first: int, last: int) -> NDArray[Any]:
        kind = np.dtype(dtype)
        count = (last - first) * self.shape.steps
        offset = first * self.shape.steps * kind.itemsize
        read = np.fromfile(self.folder / name, dtype=kind, count=count, offset=offset)
        return read.reshape(last - first, self.shape.steps)

    def block(self, first: int, last: int) -> MeterPanel:
        """Return the meters ``first`` to ``last`` (exclusive) as a panel of their own arrays."""
        last = min(last, self.count)
        register = self.shape.reading == "register"
        more: dict[str, Any] = {}
        if self.estimated:
            more["estimated"] = self._rows("estimated.bin", np.bool_, first, last)
        if self.duplicates:
            more["duplicates"] = self._rows("duplicates.bin", np.uint8, first, last)
        if register:
            count = last - first
            more["before"] = np.fromfile(self.folder / "before.bin", np.float64, count, offset=8 * first)
        values = self._rows("values.bin", np.float64 if register else np.float32, first, last)
        return self._panel(first, last, values, **more)


@dataclass(frozen=True)
class SortedParquet(_Stored):
    """Parquet sorted by meter, read as it is: a block reads the row groups that hold its meters.

    Attributes:
        folder: Where ``meters.txt`` lies.
        shape: What all panels have in common.
        count: Number of meters.
        scan: SQL that yields the rows.
        meter: SQL of the meter's column.
        whole: Whether ids are integers.
        step: SQL of the number of a row's step.
        value: SQL of the reading in the panel's unit.
        memory: Memory limit of DuckDB.
        owner: Keeps a temporary folder alive.
    """

    folder: Path
    shape: PanelShape
    count: int
    scan: str
    meter: str
    whole: bool
    step: str
    value: str
    memory: str = sql.MEMORY
    owner: OwnedFolder | None = field(default=None, compare=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the owner of a temporary folder behind."""
        return {**self.__dict__, "owner": None}

    def block(self, first: int, last: int) -> MeterPanel:
        """Return the meters ``first`` to ``last`` (exclusive) as a panel."""
        last = min(last, self.count)
        if last <= first:
            return self._panel(first, first, np.empty((0, self.shape.steps), dtype=np.float32))
        ids = self.meters[first:last]
        with _connection(os.getpid(), self.memory).cursor() as connection:
            quick = self._cells(connection, ids)
            if quick is not None:
                return self._panel(first, last, quick)
            rows = self._fetch(connection, ids)
        place, step, value = rows["m"], sql.plain(rows["s"]), sql.plain(rows["v"])
        register = self.shape.reading == "register"
        kind = np.float64 if register else np.float32
        n, steps = last - first, self.shape.steps
        numbers = np.array(ids, dtype=np.int64) if self.whole else np.arange(n)
        place = sql.plain(place)
        if len(value) == n * steps and _regular(place, numbers, step, steps):
            return self._panel(first, last, np.ascontiguousarray(value, dtype=kind).reshape(n, steps))
        if self.whole:
            order = np.argsort(numbers, kind="stable")
            place = order[np.searchsorted(numbers, place, sorter=order)]
        cells = scatter(place.astype(np.int64), step.astype(np.int64), value, n, steps, kind)
        more: dict[str, Any] = {} if cells.duplicates is None else {"duplicates": cells.duplicates}
        if register:
            more["before"] = cells.before
        return self._panel(first, last, cells.values, **more)

    def _cells(self, connection: Any, ids: Sequence[str]) -> Floats32 | None:
        """Return intervals of ids that follow each other, placed by a number that SQL makes: two columns, not three.

        ``None`` where that does not do: ids with holes, rows beside the grid, registers, or a reading that came twice.
        """
        n, steps = len(ids), self.shape.steps
        if not self.whole or self.shape.reading == "register" or " WHERE " in self.scan or n * steps >= 2**31:
            return None
        low = int(ids[0])
        if int(ids[-1]) - low != n - 1 or (np.diff(np.array(ids, dtype=np.int64)) != 1).any():
            return None
        found = connection.execute(
            f"SELECT CAST({self.meter} - {low} AS INTEGER) * {steps} + {self.step} AS cell, {self.value} AS v "
            f"FROM {self.scan} WHERE {self.meter} BETWEEN {low} AND {low + n - 1}"
        ).fetchnumpy()
        cell, value = sql.plain(found["cell"]), sql.plain(found["v"])
        values = np.full(n * steps, np.nan, dtype=np.float32)
        values[cell] = value
        if np.count_nonzero(np.isfinite(values)) != np.count_nonzero(np.isfinite(value)):
            return None
        return values.reshape(n, steps)

    def _fetch(self, connection: Any, ids: Sequence[str]) -> dict[str, Any]:
        if self.whole:
            numbers = [int(i) for i in ids]
            low, high = min(numbers), max(numbers)
            query = (
                f"SELECT {self.meter} AS m, {self.step} AS s, {self.value} AS v FROM {self.scan} "
                f"WHERE {self.meter} BETWEEN {low} AND {high}"
            )
            found: dict[str, Any] = connection.execute(query).fetchnumpy()
            return found
        connection.execute("CREATE OR REPLACE TEMP TABLE _varme_ids (_varme_id VARCHAR, _varme_k INTEGER)")
        connection.execute(
            "INSERT INTO _varme_ids SELECT unnest($1::VARCHAR[]), generate_subscripts($1::VARCHAR[], 1) - 1",
            [list(ids)],
        )
        joined: dict[str, Any] = connection.execute(
            f"SELECT _varme_k AS m, {self.step} AS s, {self.value} AS v FROM {self.scan} "
            f"JOIN _varme_ids ON {self.meter} = _varme_id "
            f"WHERE {self.meter} BETWEEN {sql.text(min(ids))} AND {sql.text(max(ids))}"
        ).fetchnumpy()
        return joined


def _regular(place: NDArray[Any], numbers: NDArray[Any], step: NDArray[Any], steps: int) -> bool:
    """Return whether rows are all steps of all meters in order: then a reshape is the panel."""
    days = step.reshape(-1, steps)
    if not (days == np.arange(steps, dtype=step.dtype)).all():
        return False
    return bool((place.reshape(-1, steps) == numbers[:, None].astype(place.dtype)).all())


@dataclass(frozen=True)
class Scattered:
    """Readings placed on their grid.

    Attributes:
        values: Shape (meters, steps), NaN where there is none; the first of the file where there are several.
        duplicates: 0 once, 1 again with the same value, 2 with another one; ``None`` if nothing came twice.
        before: Last reading on the step before the first one, NaN where there is none, shape (meters,).
        conflicts: Rows, of those given, whose value is not the one kept, as an index.
    """

    values: NDArray[Any]
    duplicates: NDArray[np.uint8] | None
    before: NDArray[np.float64]
    conflicts: NDArray[np.int64]


def scatter(
    meter: NDArray[np.int64], step: NDArray[np.int64], value: NDArray[Any], meters: int, steps: int, kind: Any
) -> Scattered:
    """Place rows on a grid.

    Args:
        meter: Row of the panel, shape (rows,).
        step: Column of the panel; rows outside the grid are left out, shape (rows,).
        value: Readings, NaN where there is none.
        meters: Rows of the panel.
        steps: Columns of the panel.
        kind: Type of the values.
    """
    before = np.full(meters, np.nan)
    early = step == -1
    if early.any():
        before[meter[early]] = value[early]
    inside = np.flatnonzero((step >= 0) & (step < steps) & np.isfinite(value))
    whole = len(inside) == len(value)
    flat = (meter * steps + step) if whole else (meter[inside] * steps + step[inside])
    value = value if whole else value[inside]
    values = np.full(meters * steps, np.nan, dtype=kind)
    values[flat[::-1]] = value[::-1]
    if np.count_nonzero(np.isfinite(values)) == len(flat):
        return Scattered(values.reshape(meters, steps), None, before, np.empty(0, dtype=np.int64))
    count = np.bincount(flat, minlength=meters * steps)
    duplicates = (count > 1).astype(np.uint8)
    other = np.flatnonzero(values[flat] != value.astype(kind))
    duplicates[flat[other]] = 2
    return Scattered(values.reshape(meters, steps), duplicates.reshape(meters, steps), before, inside[other])


def usable_step(step_min: int) -> bool:
    """Return whether a day is a whole number of steps."""
    return step_min > 0 and DAY_MIN % step_min == 0
