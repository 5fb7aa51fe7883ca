"""Meter files of any common form -> a source of panels, with what was understood of each file and what is odd."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import duckdb
import numpy as np
from numpy.typing import NDArray

from varme.data.meters import sql
from varme.data.meters.data_sets import open_hdf5, recipe_of
from varme.data.meters.dense import BUCKET_ROWS, Plan, Tally, build, drop
from varme.data.meters.direct import open_sorted
from varme.data.meters.find import FileGroup, described, find_files, grouped
from varme.data.meters.meter_units import (
    AMBIGUOUS,
    KNOWN,
    Carrier,
    MeterUnit,
    is_pulses,
    meter_unit,
    unit_of_name,
)
from varme.data.meters.notes import findings_of
from varme.data.meters.panel import DAY_MIN, MeterSource
from varme.data.meters.request import Request, row_of
from varme.data.meters.roles import Roles, roles_of
from varme.data.meters.sample import SAMPLED, Sample, is_register, step_min_of, step_of
from varme.data.meters.sources import OwnedFolder, PanelShape, write_meters
from varme.data.meters.spec import MeterFilesSpec
from varme.data.meters.stage import Staged, is_small, stage
from varme.data.meters.timeline import Timeline
from varme.ground.errors import Collector, DataError
from varme.ground.findings import Finding

Reading = Literal["interval", "register"]


@dataclass(frozen=True)
class OpenedMeters:
    """Meters that are ready to be read.

    Attributes:
        source: Panels of any range of the meters; another process can use it as well.
        unit: Unit of the values (``m3``, ``kwh_hs``, ``kwh_hi``, ``kwh``).
        reading: ``interval`` or ``register``.
        findings: What a reader of a result must know.
        understood: One row per group of files with equal columns, for the table ``meter_files``.
        data_hashes: File -> SHA-256 (of large files: of size, head and tail).
        covariates: What the data set says of each meter's building (``meter`` and other columns), empty if nothing.
    """

    source: MeterSource
    unit: str
    reading: Reading
    findings: list[Finding]
    understood: list[dict[str, Any]]
    data_hashes: dict[str, str]
    covariates: dict[str, NDArray[Any]] = field(default_factory=dict)


def open_meters(
    spec: MeterFilesSpec, base: Path, first_day: date | np.datetime64, last_day: date | np.datetime64, timezone: str,
    *, work: Path | None = None, where: str = "gas_meters", carrier: Carrier | None = None, threads: int = 1,
    memory: str = sql.MEMORY, bucket_rows: int = BUCKET_ROWS,
) -> OpenedMeters:  # fmt: skip
    """Open meter files.

    Daily readings become panels of local calendar days, finer ones of UTC steps. Parquet that is sorted by meter is
    read where it lies; everything else is first written once into a dense store in ``work``, bucket by bucket, so
    that memory does not grow with the files.

    Args:
        spec: Files and what is stated about them.
        base: Folder that relative paths start from.
        first_day: First local day of the panels.
        last_day: Last local day of the panels.
        timezone: Clock of the town (IANA name).
        work: Folder for the store; a temporary one, removed when the source is, if not given.
        where: Field of the study that names the files, for messages.
        carrier: What flows through the meters; ``gas`` if ``where`` says so, else ``electricity``.
        threads: Threads that reading may use.
        memory: Memory that DuckDB may use before it spills to disk.
        bucket_rows: Readings that are placed on the grid at a time.

    Raises:
        InputError: P211 for an unknown layout, P101 for an unknown time zone.
        DataError: with every problem of the files: P200 unreadable, P201 no such column, P209 not a number, P212 stamp
            unreadable, P214 unit unclear, P215 gross or net, P216 columns in doubt, P217 no overlap with the study,
            P218 step unusable, P219 a meter in several files with other readings, P220 no readings, P221 sign.
    """
    carrier = carrier or ("gas" if "gas" in where else "electricity")
    spec, recipe = recipe_of(spec, base, carrier, where)
    first, last = np.datetime64(str(first_day), "D"), np.datetime64(str(last_day), "D")
    request = Request(spec, base, first, last, timezone, where, carrier, recipe)
    Timeline(first, last, timezone, request.clock, 60).zone(request.clock)  # an unknown zone ends here
    owner = None
    if work is None:
        owner = OwnedFolder()
        folder = owner.path
    else:
        work.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"meters-{where.replace('.', '-')}-", dir=work))
    try:
        return _opened(request, folder, owner, threads, memory, bucket_rows)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _opened(
    request: Request, folder: Path, owner: OwnedFolder | None, threads: int, memory: str, bucket_rows: int
) -> OpenedMeters:
    problems, recipe = Collector(), request.recipe
    files = find_files(request.spec.files, request.base, request.where, problems)
    problems.raise_if_any(DataError)
    hashes = {described(p, request.base): hashed(p) for p in files}
    if recipe.hdf5:
        span = (request.first_day, request.last_day)
        read = open_hdf5(files, *span, request.timezone, folder, owner, request.where)
        return OpenedMeters(read.source, "kwh", "interval", read.findings, read.understood, hashes)
    with sql.connect(threads, memory, folder) as connection:
        reader = _Reader(request, folder, owner, connection, problems, bucket_rows)
        source, unit, reading, findings, understood = reader.read(files)
    covariates = recipe.covariates(source.meters) if recipe.covariates else {}
    return OpenedMeters(source, unit, reading, findings, understood, hashes, covariates)


def hashed(path: Path) -> str:
    """Return the SHA-256 of a file; beyond 256 MB of its size, first and last 8 MB."""
    size, digest = path.stat().st_size, hashlib.sha256()
    with path.open("rb") as file:
        if size <= 256_000_000:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
        else:
            digest.update(str(size).encode() + file.read(1 << 23))
            file.seek(-(1 << 23), os.SEEK_END)
            digest.update(file.read())
    return digest.hexdigest()


class _Reader:
    """Reads the files of one request."""

    def __init__(
        self, request: Request, folder: Path, owner: Any, connection: duckdb.DuckDBPyConnection, problems: Collector,
        bucket_rows: int,
    ) -> None:  # fmt: skip
        self.request, self.folder, self.owner = request, folder, owner
        self.connection, self.problems, self.bucket_rows = connection, problems, bucket_rows

    def read(
        self, files: Sequence[Path]
    ) -> tuple[MeterSource, str, Reading, list[Finding], list[dict[str, Any]]]:
        """Return source, unit, reading, findings and rows of ``meter_files``."""
        request, problems = self.request, self.problems
        groups = grouped(files, f"{request.where}", problems)
        roles = [roles_of(g.table, request.spec, request.carrier, request.where, problems) for g in groups]
        problems.raise_if_any(DataError)
        chosen = [(g, r) for g, r in zip(groups, roles, strict=True) if r is not None]
        if len(chosen) == 1:
            direct = open_sorted(self, *chosen[0])
            if direct is not None:
                return direct
        staged = self._staged(chosen)
        problems.raise_if_any(DataError)
        self._number(staged)
        sample = self.sample(staged)
        reading = self.reading(sample, chosen)
        seconds = step_of(sample)
        dates = all(s.kind == "date" for s in staged)
        names = [p.name for p in files]
        step_min = step_min_of(
            seconds,
            dates=dates,
            register=reading == "register",
            files=names,
            where=request.where,
            problems=problems,
        )
        units = self._units(staged, seconds)
        problems.raise_if_any(DataError)
        unit = next(iter(units[0].values())).unit if units else ""
        timeline = self.timeline(step_min, reading)
        kinds = [self._kind(s, sample, step_min) for s in staged]
        shape = PanelShape(
            timeline.start, step_min, timeline.steps, unit, reading,
            request.spec.day_start_h if step_min == DAY_MIN else 0.0,
        )  # fmt: skip
        factors: list[float | dict[str, float]] = [
            {u: m.factor for u, m in table.items()} if s.roles.unit and not request.spec.unit
            else next(iter(table.values())).factor
            for s, table in zip(staged, units, strict=True)
        ]  # fmt: skip
        fine = seconds if 0 < seconds < step_min * 60 and step_min < DAY_MIN else 0
        counts = self._counts()
        understood = self._understood(staged, units, reading, seconds, step_min, kinds)
        plan = Plan(staged, timeline, shape, factors, kinds, fine, self.folder, self.owner)
        store, tally = build(self.connection, plan, counts, self.bucket_rows)
        for s in staged:
            drop(self.connection, s)
        meters = list(store.meters)
        self.judge(tally, meters, reading, understood)
        findings = findings_of(request.where, staged, tally, meters, shape, request.recipe.note)
        return store, unit, reading, findings, understood

    def _staged(self, chosen: Sequence[tuple[FileGroup, Roles]]) -> list[Staged]:
        staged, number, small = [], 0, is_small(self.connection, [g for g, _ in chosen])
        for k, (group, roles) in enumerate(chosen):
            path = None if small else self.folder / f"staged_{k}.parquet"
            one = stage(
                self.connection, group, roles, f"staged_{k}", path, number, self.request.spec.pick or {},
                self.request.where,
                self.problems,
            )  # fmt: skip
            number += len(group.files)
            if one is not None:
                staged.append(one)
        return staged

    def _number(self, staged: Sequence[Staged]) -> None:
        """Make the table ``ids``: meter, number in the order of the panels, rows."""
        union = " UNION ALL ".join(f"SELECT meter, t, v FROM {s.source}" for s in staged)
        self.connection.execute(
            "CREATE TEMP TABLE ids AS SELECT meter, (row_number() OVER (ORDER BY try_cast(meter AS BIGINT) NULLS LAST, "
            "meter) - 1)::INTEGER AS k, n, first, last FROM "
            f"(SELECT meter, count(*) AS n, min(t) AS first, max(t) AS last FROM ({union}) "
            "WHERE meter IS NOT NULL AND t IS NOT NULL AND v IS NOT NULL GROUP BY meter)"
        )
        found = self.connection.execute("SELECT meter FROM ids ORDER BY k").fetchnumpy()["meter"]
        write_meters(self.folder, [str(m).replace("\n", " ") for m in found.tolist()])

    def _counts(self) -> NDArray[np.int64]:
        found = self.connection.execute("SELECT n FROM ids ORDER BY k").fetchnumpy()["n"]
        return np.asarray(sql.plain(found), dtype=np.int64)

    def sample(self, staged: Sequence[Staged]) -> Sample:
        """Return the rows of some meters."""
        total = self.connection.execute("SELECT count(*) FROM ids").fetchall()[0][0]
        every = max(1, total // SAMPLED)
        parts = []
        for s in staged:
            found = self.connection.execute(
                f"SELECT k, t, v FROM {s.source} JOIN (SELECT meter, k FROM ids WHERE k % {every} = 0) "
                "USING (meter) WHERE t IS NOT NULL AND v IS NOT NULL"
            ).fetchnumpy()
            one = {n: sql.plain(found[n]) for n in ("k", "t", "v")}
            parts.append({**one, "t": one["t"].astype(np.int64) * s.roles.stamps.unit_s})
        k, t, v = (np.concatenate([p[n] for p in parts]) for n in ("k", "t", "v"))
        return Sample(k, t, v)

    def reading(self, sample: Sample, chosen: Sequence[tuple[FileGroup, Roles]]) -> Reading:
        """Return whether values are intervals or registers; doubt becomes a problem."""
        if self.request.spec.reading != "auto":
            return self.request.spec.reading
        share = is_register(sample)
        if share >= 0.8:
            return "register"
        if share <= 0.2:
            return "interval"
        names = ", ".join(p.name for g, _ in chosen for p in g.files[:2])
        self.problems.add(
            "P216", f"{self.request.where}.files, {names}", "registers and consumption cannot be told apart",
            value=f"{100 * share:.0f} % of the meters only rise",
            remedy=f'State reading = "register" or reading = "interval" in {self.request.where}.',
        )  # fmt: skip
        return "interval"

    def unit_tables(
        self, group: FileGroup, roles: Roles, listed: Sequence[str] | None
    ) -> dict[str, MeterUnit]:
        """Return the units of a group: the texts of its column of units, or one under its column's name."""
        spec, carrier = self.request.spec, self.request.carrier
        named = f"{self.request.where}.files, {group.files[0].name}"
        pulse = spec.m3_per_pulse_m3
        stated = spec.unit or (self.request.recipe.unit if listed is None else None)
        if stated:
            return self._one(stated, meter_unit(stated, carrier, pulse), f"{self.request.where}.unit")
        if listed is not None:
            table: dict[str, MeterUnit] = {}
            for text in listed:
                table |= self._one(text, meter_unit(text, carrier, pulse), f"{named}, column {roles.unit}")
            return table
        if roles.layout in {"wide", "transposed"}:
            found = {unit_of_name(c, carrier, pulse) for c in (*roles.values[:5], group.files[0].stem)} - {
                None
            }
            name = group.files[0].stem
            return self._one(name, found.pop() if len(found) == 1 else None, named)
        column = roles.values[0]
        return self._one(column, unit_of_name(column, carrier, pulse), f"{named}, column {column}")

    def _one(self, text: str, unit: MeterUnit | None, place: str) -> dict[str, MeterUnit]:
        field_name = f"{self.request.where}.unit"
        if unit is None and is_pulses(text):
            self.problems.add(
                "P214", place, "readings are pulses, and the volume of a pulse is not stated", value=text,
                remedy=f"State m3_per_pulse_m3 in {self.request.where} (0.01 or 0.1 is usual; it stands on the meter).",
            )  # fmt: skip
        elif unit is None:
            self.problems.add(
                "P214", place, "the unit is unknown or not stated", value=text, limit=KNOWN,
                remedy=f"State {field_name}." if "unit" not in place.split(".")[-1] else "Use one of these.",
            )  # fmt: skip
        elif unit.unit == "ambiguous":
            self.problems.add("P215", place, "gross or net?", value=text, remedy=AMBIGUOUS)
        return {} if unit is None else {text: unit}

    def _units(self, staged: Sequence[Staged], seconds: int) -> list[dict[str, MeterUnit]]:
        tables = []
        for s in staged:
            listed = None
            if s.roles.unit and not self.request.spec.unit:
                query = f"SELECT DISTINCT coalesce(u, '') FROM {s.source} WHERE v IS NOT NULL ORDER BY 1"
                listed = [str(row[0]) for row in self.connection.execute(query).fetchall()]
            table = self.unit_tables(s.group, s.roles, listed)
            hours = seconds / 3600
            tables.append(
                {k: MeterUnit(m.unit, m.factor * hours) if m.power else m for k, m in table.items()}
            )
        dimensions = sorted({m.unit for t in tables for m in t.values()} - {"ambiguous"})
        if len(dimensions) > 1:
            bases = {"kwh_hs", "kwh_hi"} <= set(dimensions)
            self.problems.add(
                "P215" if bases else "P214", f"{self.request.where}.files",
                "gross and net energy are mixed" if bases else "readings of different dimensions are mixed",
                value=", ".join(dimensions),
                remedy="Gross is 10.8 % more than net: convert the rows to one base, or read them apart."
                if bases else "Read them as two groups of meters, or pick one with pick = { column = \"value\" }.",
            )  # fmt: skip
        return tables

    def timeline(self, step_min: int, reading: Reading) -> Timeline:
        """Return the grid of the panels."""
        request = self.request
        return Timeline(
            request.first_day, request.last_day, request.timezone, request.clock, step_min, request.spec.day_start_h,
            request.spec.label == "end", reading == "register", request.spec.register_day == "start",
        )  # fmt: skip

    def _kind(self, staged: Staged, sample: Sample, step_min: int) -> str:
        """Return what t counts: midnights in UTC of daily readings are dates."""
        midnights = len(sample.t) > 0 and bool((sample.t % 86400 == 0).all())
        return "date" if staged.kind == "utc" and step_min == DAY_MIN and midnights else staged.kind

    def _understood(
        self, staged: Sequence[Staged], units: Sequence[dict[str, MeterUnit]], reading: str, seconds: int,
        step_min: int, kinds: Sequence[str],
    ) -> list[dict[str, Any]]:  # fmt: skip
        rows = []
        for s, table, kind in zip(staged, units, kinds, strict=True):
            query = "SELECT count(*), min(first), max(last) FROM ids"
            if len(staged) > 1:
                query = f"SELECT count(DISTINCT meter), min(t), max(t) FROM {s.source} WHERE v IS NOT NULL"
            found = self.connection.execute(query).fetchall()[0]
            unit_s = s.roles.stamps.unit_s
            found = (found[0], found[1] * unit_s, found[2] * unit_s)
            how = dict(s.roles.how)
            how["unit"] = (
                "stated" if self.request.spec.unit else "data set" if self.request.recipe.unit else "detected"
            )
            how["reading"] = "detected" if self.request.spec.reading == "auto" else "stated"
            rows.append(
                row_of(
                    self.request,
                    s.group,
                    s.roles,
                    table,
                    reading,
                    seconds,
                    step_min,
                    kind,
                    s.rows,
                    found,
                    how,
                )
            )
        return rows

    def judge(
        self, tally: Tally, meters: Sequence[str], reading: str, understood: Sequence[dict[str, Any]]
    ) -> None:
        """Refuse what cannot be used at all.

        Raises:
            DataError: P204, P217, P219, P221.
        """
        request, problems = self.request, self.problems
        if not tally.inside:
            spans = ", ".join(f"{r['file']}: {r['first']} to {r['last']}" for r in understood[:3])
            problems.add(
                "P217", f"{request.where}.files", "no reading lies in the years of the study", value=spans,
                limit=f"{request.first_day} to {request.last_day}",
            )  # fmt: skip
        if (
            reading == "interval"
            and tally.negative > 0.5 * max(tally.inside, 1)
            and tally.negative > tally.positive
        ):
            problems.add(
                "P221", f"{request.where}.files",
                "most readings are negative: is this feed-in, or the sign turned round?",
                value=f"{tally.negative} of {tally.inside}",
            )  # fmt: skip
        if tally.conflicting > 0.5 * max(tally.inside, 1) and not tally.across:
            problems.add(
                "P204", f"{request.where}.files", "most readings come several times with different values",
                value=f"{tally.conflicting} of {tally.inside}",
                remedy="Is the time of day in a column of its own, or do meters share an id? Join date and time "
                "in one column, or state meter_column or pick.",
            )  # fmt: skip
        apart = sorted(k for k, share in tally.across.items() if share > 0.5)
        if apart:
            listed = ", ".join(meters[k] for k in apart[:5])
            problems.add(
                "P219", f"{request.where}.files", "meters are in several files with other readings for the same times",
                value=f"{len(apart)} meters: {listed}",
                remedy="Are ids used twice for different meters? Rename them, or name only one of the files.",
            )  # fmt: skip
        problems.raise_if_any(DataError)
