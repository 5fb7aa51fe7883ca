"""Staged rows to a dense store: meters in buckets that fit into memory, placed on the grid one bucket at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from varme.data.meters import sql
from varme.data.meters.sources import DenseStore, OwnedFolder, PanelShape, Scattered, scatter
from varme.data.meters.stage import Staged
from varme.data.meters.timeline import Timeline

#: Rows, and cells of the grid, that a bucket holds at most.
BUCKET_ROWS = 12_000_000
BUCKET_CELLS = 24_000_000


@dataclass
class Tally:
    """What was counted while readings were placed.

    Attributes:
        inside: Readings on the grid.
        outside: Readings before or after the period.
        negative: Negative readings.
        positive: Positive readings.
        skipped: Readings at times that their clock does not have.
        same: Readings that came again with the same value.
        conflicting: Readings that came again with another value.
        across: Meters with conflicting readings in two files -> share of their readings of later files that conflict.
        with_data: Whether each meter has any reading on the grid, shape (meters,).
    """

    inside: int = 0
    outside: int = 0
    negative: int = 0
    positive: int = 0
    skipped: int = 0
    same: int = 0
    conflicting: int = 0
    across: dict[int, float] = field(default_factory=dict)
    with_data: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))


@dataclass(frozen=True)
class Plan:
    """How staged rows become a store.

    Attributes:
        staged: Staged groups.
        timeline: The grid.
        shape: What all panels have in common.
        factors: Multiplier of each group; of each unit for a group with a column of units.
        kinds: What t counts in each group.
        fine_s: Seconds between readings, if they are finer than the grid, else 0.
        folder: Where the store is written.
        owner: Keeps a temporary folder alive.
    """

    staged: Sequence[Staged]
    timeline: Timeline
    shape: PanelShape
    factors: Sequence[float | dict[str, float]]
    kinds: Sequence[Any]
    fine_s: int
    folder: Path
    owner: OwnedFolder | None

    def value(self, number: int) -> str:
        """Return SQL of a group's reading: in the panel's unit, unless rows have units of their own."""
        factor = self.factors[number]
        if isinstance(factor, dict):
            return "v"
        kind = "DOUBLE" if self.shape.reading == "register" or self.fine_s else "FLOAT"
        return f"CAST(v * {factor!r} AS {kind})" if factor != 1 else f"CAST(v AS {kind})"


def build(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    counts: NDArray[np.int64],
    bucket_rows: int = BUCKET_ROWS,
) -> tuple[DenseStore, Tally]:
    """Write the store.

    Args:
        connection: Has the table ``ids`` (meter, k).
        plan: What to write.
        counts: Rows of each meter, shape (meters,).
        bucket_rows: Rows that a bucket holds at most.
    """
    edges = _edges(counts, plan.shape.steps, bucket_rows)
    tally = Tally(with_data=np.zeros(len(counts), dtype=bool))
    marked = any(s.roles.estimated for s in plan.staged)
    kind = np.float64 if plan.shape.reading == "register" else np.float32
    twice = False
    paths = {n: plan.folder / f"{n}.bin" for n in ("values", "before", "estimated", "duplicates")}
    with (
        paths["values"].open("wb") as values, paths["before"].open("wb") as before,
        paths["estimated"].open("wb") as estimated, paths["duplicates"].open("wb") as duplicates,
    ):  # fmt: skip
        for first, last, parts in _buckets(connection, plan, edges):
            cells, mark = _placed(plan, parts, first, last, kind, tally)
            cells.values.tofile(values)
            cells.before.tofile(before)
            if marked:
                mark.tofile(estimated)
            if cells.duplicates is None:
                duplicates.seek(cells.values.size, 1)  # a hole reads as zeros
            else:
                twice = True
                cells.duplicates.tofile(duplicates)
        duplicates.truncate(duplicates.tell())
    for name, kept in (("estimated", marked), ("duplicates", twice), ("before", kind is np.float64)):
        if not kept:
            paths[name].unlink()
    store = DenseStore(plan.folder, plan.shape, len(counts), marked, twice, plan.owner)
    return store, tally


def _edges(counts: NDArray[np.int64], steps: int, rows: int) -> list[int]:
    """Return where buckets begin: so many meters that neither rows nor cells exceed their limits."""
    edges, used, meters = [0], 0, 0
    most = max(1, BUCKET_CELLS // max(steps, 1))
    if counts.sum() <= rows and len(counts) <= most:
        return [0, len(counts)]
    for k, n in enumerate(counts.tolist()):
        if meters and (used + n > rows or meters >= most):
            edges.append(k)
            used = meters = 0
        used += n
        meters += 1
    return [*edges, len(counts)]


Rows = dict[str, NDArray[Any]]


def drop(connection: duckdb.DuckDBPyConnection, staged: Staged) -> None:
    """Remove staged rows that are no longer needed."""
    if staged.path is None:
        connection.execute(f"DROP TABLE IF EXISTS {staged.source}")
    else:
        staged.path.unlink(missing_ok=True)


def _buckets(
    connection: duckdb.DuckDBPyConnection, plan: Plan, edges: list[int]
) -> Iterator[tuple[int, int, list[Rows]]]:
    """Yield the rows of each bucket, one set of columns per group; several buckets are parted on disk first."""
    connection.execute("SET threads = 1")  # rows stay in the order of the file
    if len(edges) == 2:
        parts = [
            _fetched(
                connection,
                f"SELECT k, {s.columns(plan.value(n))} FROM {s.source} JOIN ids USING (meter){s.known}",
            )
            for n, s in enumerate(plan.staged)
        ]
        yield 0, edges[-1], parts
        return
    bounds = ", ".join(f"({b}, {a}, {z})" for b, (a, z) in enumerate(itertools.pairwise(edges)))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE ids AS SELECT meter, k, b FROM ids "
        f"JOIN (VALUES {bounds}) AS bucket(b, a, z) ON k >= a AND k < z"
    )
    flush = max(20_000, 4_000_000 // len(edges))
    connection.execute(f"SET partitioned_write_flush_threshold = {flush}")
    for number, staged in enumerate(plan.staged):
        query = f"SELECT k, {staged.columns(plan.value(number))}, b"
        source = f"FROM {staged.source} JOIN ids USING (meter){staged.known}"
        connection.execute(
            f"COPY ({query} {source}) TO {sql.text(str(plan.folder / f'parted_{number}'))} "
            "(FORMAT parquet, COMPRESSION snappy, PARTITION_BY (b))"
        )
        drop(connection, staged)
    for bucket, (first, last) in enumerate(itertools.pairwise(edges)):
        parts = []
        for number, staged in enumerate(plan.staged):
            folder = plan.folder / f"parted_{number}" / f"b={bucket}"
            files = (
                sorted(folder.glob("*.parquet"), key=lambda p: (len(p.name), p.name))
                if folder.is_dir()
                else []
            )
            if not files:
                continue
            listed = sql.texts([str(p) for p in files])
            found = _fetched(
                connection,
                f"SELECT k, {staged.columns()} FROM read_parquet({listed}, hive_partitioning=false)",
            )
            parts.append({**found, "group": np.array([number])})
            for file in files:
                file.unlink()
        yield first, last, parts


def _fetched(connection: duckdb.DuckDBPyConnection, query: str) -> Rows:
    found: dict[str, Any] = connection.execute(query).fetchnumpy()
    return {name: sql.plain(values) for name, values in found.items()}


def _placed(
    plan: Plan, parts: list[Rows], first: int, last: int, kind: Any, tally: Tally
) -> tuple[Scattered, NDArray[np.bool_]]:
    meters, steps, values, files, marks, times = [], [], [], [], [], []
    for number, rows in enumerate(parts):
        group = int(rows["group"][0]) if "group" in rows else number
        factor, staged = plan.factors[group], plan.staged[group]
        t = rows["t"] // 86400 if plan.kinds[group] == "date" and staged.kind != "date" else rows["t"]
        step, missing = plan.timeline.index(t, plan.kinds[group], rows["k"])
        value = rows["v"]
        if isinstance(factor, dict):
            value = value * _by_unit(rows["u"], factor)
        tally.skipped += int(missing.sum())
        if missing.any():
            value = np.where(missing, np.nan, value)
        times.append(rows["t"])
        meters.append(rows["k"].astype(np.int64) - first)
        steps.append(step)
        values.append(value)
        files.append(rows.get("f", np.zeros(len(value), dtype=np.int32)) + staged.first_file)
        marks.append(rows.get("e", np.zeros(len(value), dtype=bool)).astype(bool))
    lists: dict[str, list[NDArray[Any]]] = {"m": meters, "s": steps, "v": values, "f": files, "e": marks}
    if plan.fine_s:
        lists["t"] = times
    one: Rows = {n: np.concatenate(p) if len(p) != 1 else p[0] for n, p in lists.items()}
    if plan.fine_s:
        return _condensed(plan, one, last - first, kind, tally, first)
    cells = scatter(one["m"], one["s"], one["v"], last - first, plan.shape.steps, kind)
    _count(cells, one, plan.shape.steps, tally, first)
    mark = np.zeros(cells.values.shape, dtype=bool)
    if one["e"].any():
        on = one["e"] & (one["s"] >= 0) & (one["s"] < plan.shape.steps)
        mark[one["m"][on], one["s"][on]] = True
    return cells, mark


def _by_unit(unit: NDArray[Any], factor: dict[str, float]) -> NDArray[np.float64]:
    names, place = np.unique(unit.astype(str), return_inverse=True)
    return np.array([factor[n] for n in names])[place]


def _count(cells: Scattered, rows: dict[str, NDArray[Any]], steps: int, tally: Tally, first: int) -> None:
    values = cells.values
    known = np.isfinite(values)
    tally.inside += int(np.count_nonzero(known))
    tally.negative += int(np.count_nonzero(values < 0))
    tally.positive += int(np.count_nonzero(values > 0))
    tally.outside += int(np.count_nonzero((rows["s"] < 0) | (rows["s"] >= steps)))
    tally.with_data[first : first + len(values)] = known.any(axis=1)
    if cells.duplicates is None:
        return
    tally.same += int(np.count_nonzero(cells.duplicates == 1))
    tally.conflicting += int(np.count_nonzero(cells.duplicates == 2))
    file, meter = rows["f"], rows["m"]
    if file.min() == file.max() or not len(cells.conflicts):
        return
    per_meter = np.full(len(values), np.iinfo(np.int64).max)
    np.minimum.at(per_meter, meter, file)
    later = file > per_meter[meter]
    bad = np.zeros(len(meter), dtype=bool)
    bad[cells.conflicts] = True
    total = np.bincount(meter[later], minlength=len(values))
    wrong = np.bincount(meter[later & bad], minlength=len(values))
    for k in np.flatnonzero(wrong):
        tally.across[first + int(k)] = float(wrong[k] / total[k])


def _condensed(
    plan: Plan, rows: dict[str, NDArray[Any]], meters: int, kind: Any, tally: Tally, first: int
) -> tuple[Scattered, NDArray[np.bool_]]:
    """Put readings that are finer than the grid together: the last one of a register, the sum of full intervals."""
    steps = plan.shape.steps
    known = np.isfinite(rows["v"])
    rows = {n: v[known] for n, v in rows.items()}
    if plan.shape.reading == "register":
        order = np.lexsort((rows["t"], rows["m"]))
        m, s, v = (rows[n][order] for n in ("m", "s", "v"))
        late = scatter(m[::-1], s[::-1], v[::-1], meters, steps, kind)
        early = s == -1
        late.before[m[early]] = v[early]
        cells = Scattered(late.values, None, late.before, np.empty(0, dtype=np.int64))
    else:
        inside = (rows["s"] >= 0) & (rows["s"] < steps)
        flat = rows["m"][inside] * steps + rows["s"][inside]
        total = np.bincount(flat, weights=rows["v"][inside], minlength=meters * steps)
        count = np.bincount(flat, minlength=meters * steps)
        full = count == plan.shape.step_min * 60 // plan.fine_s
        values = np.where(full, total, np.nan).astype(kind).reshape(meters, steps)
        cells = Scattered(values, None, np.full(meters, np.nan), np.empty(0, dtype=np.int64))
    _count(cells, rows, steps, tally, first)
    return cells, np.zeros(cells.values.shape, dtype=bool)
