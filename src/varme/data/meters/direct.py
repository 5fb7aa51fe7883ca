"""Parquet that is sorted by meter: read where it lies, block by block."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np

from varme.data.meters import sql
from varme.data.meters.find import FileGroup, scan_of
from varme.data.meters.panel import DAY_MIN, MeterSource
from varme.data.meters.request import row_of
from varme.data.meters.roles import Roles
from varme.data.meters.sample import SAMPLED, Sample, step_of
from varme.data.meters.sources import PanelShape, Reading, SortedParquet, usable_step, write_meters
from varme.ground.errors import DataError
from varme.ground.findings import Finding

if TYPE_CHECKING:
    from varme.data.meters.read import _Reader

#: Fewer rows are not worth the trouble: a dense store is made within a second.
LEAST_ROWS = 2_000_000

Opened = tuple[MeterSource, str, Reading, list[Finding], list[dict[str, Any]]]


def open_sorted(
    reader: _Reader, group: FileGroup, roles: Roles, least_rows: int | None = None
) -> Opened | None:
    """Return a source over Parquet that is sorted by meter; ``None`` if the files are not of that kind."""
    request = reader.request
    plain = group.parquet and roles.layout == "long" and not roles.unit and not roles.estimated
    if not plain or request.spec.pick or request.spec.label == "end" or request.spec.register_day == "start":
        return None
    kind = group.table.types[roles.meter]
    whole = "INT" in kind
    if (not whole and kind != "VARCHAR") or (
        roles.stamps.kind == "wall" and group.table.types[roles.time] == "VARCHAR"
    ):
        return None
    try:
        rows = _sorted_rows(reader, group, roles.meter)
        if rows is None or rows < (LEAST_ROWS if least_rows is None else least_rows):
            return None
        return _opened(reader, group, roles, whole, rows)
    except duckdb.Error:
        return None  # the staged way says what is wrong


def _sorted_rows(reader: _Reader, group: FileGroup, meter: str) -> int | None:
    """Return the rows of files whose row groups hold meters in order, ``None`` if they do not.

    Of several files each must be sorted, and no two may hold the same meter.
    """
    whole = "INT" in group.table.types[meter]
    found = reader.connection.execute(
        "SELECT file_name, row_group_num_rows, stats_min_value, stats_max_value FROM "
        f"parquet_metadata({sql.texts([str(f) for f in group.files])}) WHERE path_in_schema = {sql.text(meter)} "
        "ORDER BY file_name, row_group_id"
    ).fetchall()
    if not found or any(low is None or high is None for _, _, low, high in found):
        return None
    cast: Any = int if whole else str
    files = {
        name: [(cast(r[2]), cast(r[3])) for r in found if r[0] == name] for name in {r[0] for r in found}
    }
    if any(b < a for groups in files.values() for (_, a), (b, _) in pairwise(groups)):
        return None
    spans = sorted((groups[0][0], groups[-1][1]) for groups in files.values())
    if len(files) != len(group.files) or any(b <= a for (_, a), (b, _) in pairwise(spans)):
        return None
    return sum(int(r[1]) for r in found)


def _opened(reader: _Reader, group: FileGroup, roles: Roles, whole: bool, rows: int) -> Opened | None:
    request, connection = reader.request, reader.connection
    scan, meter = scan_of(group, {}, [], named=False), sql.name(roles.meter)
    seconds = roles.stamps.seconds.format(sql.name(roles.time))
    value = f"CAST({sql.name(roles.values[0])} AS DOUBLE)"
    ids = sql.plain(
        connection.execute(
            f"SELECT DISTINCT {meter} AS m FROM {scan} WHERE m IS NOT NULL ORDER BY 1"
        ).fetchnumpy()["m"]
    ).tolist()
    chosen = [ids[i] for i in np.linspace(0, len(ids) - 1, min(SAMPLED, len(ids))).astype(int)]
    listed = ", ".join(str(c) if whole else sql.text(c) for c in dict.fromkeys(chosen))
    found = connection.execute(
        f"SELECT dense_rank() OVER (ORDER BY {meter}) AS k, {seconds} AS t, {value} AS v FROM {scan} "
        f"WHERE {meter} IN ({listed}) AND {value} IS NOT NULL"
    ).fetchnumpy()
    sample = Sample(*(sql.plain(found[n]) for n in ("k", "t", "v")))
    length = step_of(sample)
    reading = reader.reading(sample, [(group, roles)])
    date = roles.stamps.kind == "date" or (length >= 82800 and bool((sample.t % 86400 == 0).all()))
    daily = (
        82800 <= length <= 90000 and date and not (request.spec.day_start_h and roles.stamps.kind != "date")
    )
    fine = roles.stamps.kind == "utc" and 0 < length < 82800 and usable_step(length // 60) and length >= 900
    if roles.stamps.kind == "wall" and reading == "register":
        return None
    if not daily and not fine:
        return None
    table = reader.unit_tables(group, roles, None)
    reader.problems.raise_if_any(DataError)
    unit = next(iter(table.values()))
    factor = unit.factor * (length / 3600 if unit.power else 1)
    timeline = reader.timeline(DAY_MIN if daily else length // 60, reading)
    count, column = roles.stamps.seconds, sql.name(roles.time)
    ends = f"SELECT min({column}) AS a, max({column}) AS b FROM {scan}"  # answered from the file's statistics
    limits = connection.execute(f"SELECT {count.format('a')}, {count.format('b')} FROM ({ends})").fetchall()[
        0
    ]
    shape = PanelShape(
        timeline.start, timeline.step_min, timeline.steps, unit.unit, reading,
        request.spec.day_start_h if daily else 0.0,
    )  # fmt: skip
    step, test = _step(roles, timeline, limits[0], limits[1], group.table.types[roles.time])
    kind = "DOUBLE" if reading == "register" else "FLOAT"
    scaled = sql.name(roles.values[0]) if factor == 1 else f"{value} * {factor!r}"
    write_meters(reader.folder, [str(i).replace("\n", " ") for i in ids])
    source = SortedParquet(
        reader.folder, shape, len(ids), f"(SELECT * FROM {scan}{test})" if test else scan, meter, whole, step,
        f"CAST({scaled} AS {kind})", owner=reader.owner,
    )  # fmt: skip
    how = {**roles.how, "unit": "stated" if request.spec.unit else "detected", "reading": "detected"}
    clock = "date" if daily else "utc"
    spans = (len(ids), limits[0], limits[1])
    understood = [
        row_of(request, group, roles, table, reading, length, timeline.step_min, clock, rows, spans, how)
    ]
    start, end = (
        int(d.astype("datetime64[s]").astype(np.int64)) for d in (timeline.first_day, timeline.last_day)
    )
    if limits[0] > end + 2 * 86400 or limits[1] < start - 86400:
        reader.problems.add(
            "P217", f"{request.where}.files", "no reading lies in the years of the study",
            value=f"{understood[0]['first']} to {understood[0]['last']}",
            limit=f"{request.first_day} to {request.last_day}",
        )  # fmt: skip
        reader.problems.raise_if_any(DataError)
    return source, unit.unit, reading, _negative(reader, group, roles, reading, scan, rows), understood


def _step(roles: Roles, timeline: Any, first: int, last: int, kind: str) -> tuple[str, str]:
    """Return SQL of the number of a row's step, and of the test that keeps rows of the period."""
    column = sql.name(roles.time)
    start = int(timeline.start.astype("datetime64[s]").astype(np.int64))
    length = timeline.step_min * 60
    low, high = start - length, start + timeline.steps * length
    inside = first >= start and last < high
    back = 1 if timeline.register and timeline.step_min != DAY_MIN else 0
    if timeline.step_min == DAY_MIN:
        days = column if kind == "DATE" else f"CAST({column} AS DATE)"
        if "TIME ZONE" in kind:
            days = f"CAST(make_timestamp(epoch_us({column})) AS DATE)"
        small = "SMALLINT" if inside and timeline.steps < 32000 else "INTEGER"
        step = f"CAST({days} - DATE '{timeline.first_day}' AS {small})"
    else:
        seconds = roles.stamps.seconds.format(column)
        step = f"CAST(({seconds} - {start + back}) // {length} AS INTEGER)"
    if inside:
        return step, ""
    return step, f" WHERE {roles.stamps.seconds.format(column)} BETWEEN {low} AND {high}"


def _negative(
    reader: _Reader, group: FileGroup, roles: Roles, reading: str, scan: str, rows: int
) -> list[Finding]:
    """Count negative readings, if the statistics of the file say that there are any."""
    found = reader.connection.execute(
        f"SELECT min(TRY_CAST(stats_min_value AS DOUBLE)), count(*) FILTER (stats_min_value IS NULL) FROM "
        f"parquet_metadata({sql.texts([str(f) for f in group.files])}) "
        f"WHERE path_in_schema = {sql.text(roles.values[0])}"
    ).fetchall()[0]
    if reading == "register" or (found[0] is not None and found[0] >= 0 and not found[1]):
        return []
    value = sql.name(roles.values[0])
    negative, positive = reader.connection.execute(
        f"SELECT count(*) FILTER ({value} < 0), count(*) FILTER ({value} > 0) FROM {scan}"
    ).fetchall()[0]
    if negative > positive:
        reader.problems.add(
            "P221", f"{reader.request.where}.files",
            "most readings are negative: is this feed-in, or the sign turned round?",
            value=f"{negative} of {rows}",
        )  # fmt: skip
        reader.problems.raise_if_any(DataError)
    if not negative:
        return []
    text = f"{negative:,} readings are negative; cleaning decides what becomes of them."
    return [
        Finding("negative_readings", "warning", reader.request.where, text, {"count": negative, "of": rows})
    ]
