"""A retrofit study with its data read: meters, temperatures, buildings, monitored heat pumps."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from varme.data.meters.buildings import read_buildings
from varme.data.meters.panel import DAY_MIN, MeterSource, PanelSource
from varme.data.meters.read import OpenedMeters, open_meters
from varme.data.meters.spec import MeterFilesSpec
from varme.data.series import load_series
from varme.data.synthetic.town import Town, build_town
from varme.data.tabular import fetch_cells, number_columns, open_table
from varme.ground.context import Context
from varme.ground.errors import Collector, DataError, InputError, Problem, VarmeError
from varme.ground.findings import Finding
from varme.ground.timegrid import TimeGrid, utc_offset_s
from varme.retrofit.calorific import Calorific, calorific_findings, calorific_of, constant, read_calorific
from varme.retrofit.monitored import Monitored, read_monitored
from varme.retrofit.spec import RetrofitStudy
from varme.retrofit.spf.spec import SpfSpec

Floats = NDArray[np.float64]
T = TypeVar("T")

#: Limits of an outdoor temperature that a study accepts [C].
TEMPERATURE_LIMITS_C = (-60.0, 60.0)


@dataclass(frozen=True)
class Clock:
    """Steps of a series and where they lie in the local calendar.

    Attributes:
        times_utc: Starts of the steps, shape (steps,), ``datetime64[s]``.
        day: Number of the local day of each step, counted from the first day of the period.
        hour: Local hour of each step, 0 to 23.
        step_min: Length of a step [min].
    """

    times_utc: NDArray[np.datetime64]
    day: NDArray[np.int64]
    hour: NDArray[np.int64]
    step_min: int

    @classmethod
    def of(
        cls, times_utc: NDArray[np.datetime64], first_day: np.datetime64, step_min: int, timezone: str
    ) -> Clock:
        """Return the clock of steps in a zone."""
        local = times_utc + utc_offset_s(times_utc, timezone).astype("timedelta64[s]")
        days = local.astype("datetime64[D]")
        hour = (local - days).astype("timedelta64[h]").astype(np.int64)
        return cls(times_utc, (days - first_day).astype(np.int64), hour, step_min)


@dataclass(frozen=True)
class Buildings:
    """What is known of each meter's building.

    Attributes:
        columns: Name -> values, one per building; ``meter`` holds the ids.
    """

    columns: dict[str, NDArray[Any]]

    @cached_property
    def _place(self) -> dict[str, int]:
        return {str(m): i for i, m in enumerate(self.columns["meter"])}

    def has(self, column: str) -> bool:
        """Return whether there is such a column."""
        return column in self.columns

    def of(self, meters: Sequence[str], column: str, default: Any = np.nan) -> NDArray[Any]:
        """Return a column for these meters, ``default`` where a meter or the column is not known."""
        if column not in self.columns:
            return np.full(len(meters), default, dtype=object if isinstance(default, str) else float)
        values, place = self.columns[column], self._place
        index = np.array([place.get(m, -1) for m in meters], dtype=np.int64)
        if not len(values):
            return np.full(len(meters), default, dtype=object if isinstance(default, str) else float)
        out = values[np.maximum(index, 0)]
        if isinstance(default, str):
            out = out.astype(object)
        return np.asarray(np.where(index >= 0, out, default))


@dataclass(frozen=True)
class RetrofitCase:
    """A study with its data.

    Attributes:
        study: The study.
        days: Local calendar days of the period, shape (days,).
        clock: Hours of the period.
        temperature_c: Mean outdoor temperature by local day, shape (days,).
        temperature_hour_c: Mean outdoor temperature by hour, shape (hours,).
        gas: Gas meters.
        heat_pumps: Heat-pump meters, ``None`` if the SPF comes from elsewhere.
        monitored: Heat pumps with heat and electricity metered.
        buildings: Buildings by meter.
        transformers: Column -> values by transformer, empty if there is no such table.
        calorific: Calorific values by zone and month.
        meter_files: What was understood of each meter file, rows of the table ``meter_files``.
        findings: What reading found.
        town: The synthetic town, if there is one: it knows the truth.
        data_hashes: File -> SHA-256.
        base: Folder that relative paths start from.
    """

    study: RetrofitStudy
    days: NDArray[np.datetime64]
    clock: Clock
    temperature_c: Floats
    temperature_hour_c: Floats
    gas: MeterSource
    gas_unit: str
    heat_pumps: MeterSource | None
    monitored: Monitored | None
    buildings: Buildings
    calorific: Calorific
    transformers: dict[str, NDArray[Any]] = field(default_factory=dict)
    meter_files: list[dict[str, Any]] = field(default_factory=list)
    findings: tuple[Finding, ...] = ()
    town: Town | None = None
    data_hashes: dict[str, str] = field(default_factory=dict)
    base: Path = field(default_factory=Path)

    @property
    def sub_daily(self) -> bool:
        """Whether there are heat-pump meters of an hour or less."""
        return self.heat_pumps is not None and self.heat_pumps.step_min < DAY_MIN


def check_order(case: RetrofitCase) -> RetrofitCase:
    """Return the case if its order of adoption can be.

    Raises:
        InputError: P130 if homes are to switch transformer by transformer and no building names one.
    """
    if case.study.adoption.order == "by_transformer" and not case.buildings.has("transformer"):
        what = "no building names a transformer"
        raise InputError(
            Problem("P130", "adoption.order", what, "by_transformer", "column transformer of [buildings]")
        )
    return case


def load_case(study: RetrofitStudy, context: Context) -> RetrofitCase:
    """Read everything that a study names.

    Raises:
        InputError: with every problem of the study.
        DataError: with every problem of the data, of all files.
    """
    return check_order(_from_town(study, context) if study.town is not None else _from_files(study, context))


def _from_town(study: RetrofitStudy, context: Context) -> RetrofitCase:
    assert study.town is not None
    town = build_town(study.town)
    calorific = calorific_of(town.calorific, study.gas.changeovers)
    clock = Clock.of(town.hours_utc, town.days[0], 60, study.timezone)
    return RetrofitCase(
        study=study,
        days=town.days,
        clock=clock,
        temperature_c=_by_day(town.temperature_c, clock),
        temperature_hour_c=town.temperature_c,
        gas=PanelSource(town.gas),
        gas_unit=town.gas.unit,
        heat_pumps=PanelSource(town.heat_pumps) if len(town.heat_pumps.meters) else None,
        monitored=None,
        buildings=Buildings(town.buildings),
        calorific=calorific,
        findings=tuple(calorific_findings(calorific, town.days)),
        transformers=dict(town.transformers),
        town=town,
        base=context.base,
    )


def _by_day(hourly: Floats, clock: Clock) -> Floats:
    return np.asarray(np.bincount(clock.day, hourly) / np.bincount(clock.day), dtype=float)


class _Reader:
    """Reads the parts of a study and collects what is wrong with any of them."""

    def __init__(self, study: RetrofitStudy, context: Context) -> None:
        self.study, self.context = study, context
        self.problems = Collector()
        self.findings: list[Finding] = []
        self.hashes: dict[str, str] = {}
        self.files: list[dict[str, Any]] = []

    def attempt(self, read: Callable[[], T]) -> T | None:
        """Return what a reader returns; its problems are kept, and ``None`` returned."""
        try:
            return read()
        except VarmeError as error:
            self.problems.problems += error.problems
            return None

    def meters(self, spec: MeterFilesSpec, where: str) -> OpenedMeters | None:
        """Open meter files."""
        years = self.study.years
        first, last = np.datetime64(f"{years[0]}-01-01", "D"), np.datetime64(f"{years[-1]}-12-31", "D")

        def read() -> OpenedMeters:
            return open_meters(
                spec, self.context.base, first, last, self.study.timezone, work=self.context.work, where=where
            )

        opened = self.attempt(read)
        if opened is not None:
            self.findings += opened.findings
            self.files += [{**row, "meters": where} for row in opened.understood]
            self.hashes |= opened.data_hashes
        return opened

    def temperature(self, grid: TimeGrid) -> Floats | None:
        """Load the outdoor temperature by hour."""
        spec = self.study.temperature_c
        assert spec is not None
        low, high = TEMPERATURE_LIMITS_C
        loaded = self.attempt(
            lambda: load_series(
                spec,
                grid,
                base=self.context.base,
                quantity_unit="c",
                where="temperature_c",
                minimum=low,
                maximum=high,
                day_clock=self.study.timezone,
            )
        )
        if loaded is None:
            return None
        self.findings += loaded.findings
        if "sha256" in loaded.source:
            self.hashes[str(loaded.source.get("file", "temperature"))] = str(loaded.source["sha256"])
        return loaded.values

    def buildings(self) -> Buildings:
        """Read the table of buildings."""
        spec = self.study.buildings
        if spec is None:
            return Buildings({"meter": np.empty(0, dtype=object)})
        path = self.context.base / spec.file
        columns = self.attempt(lambda: read_buildings(path, spec.meter_column))
        if columns is None:
            return Buildings({"meter": np.empty(0, dtype=object)})
        self.hashes[spec.file] = hashlib.sha256(path.read_bytes()).hexdigest()
        return Buildings(columns)

    def calorific(self) -> Calorific | None:
        """Return the calorific values: those of the file, or those of the study."""
        gas = self.study.gas
        if gas.calorific_file is None:
            return self.attempt(lambda: constant(gas.calorific_kwh_hs_per_m3, gas.changeovers))
        path = self.context.base / gas.calorific_file
        found = self.attempt(lambda: read_calorific(path, gas.changeovers))
        if found is not None:
            self.hashes[gas.calorific_file] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def transformers(self) -> dict[str, NDArray[Any]]:
        """Read the table of transformers."""
        spec = self.study.transformers
        if spec is None:
            return {}
        path = self.context.base / spec.file

        def read() -> dict[str, NDArray[Any]]:
            table = open_table(path, "transformers.file")
            if "transformer" not in table.columns:
                listed = ", ".join(table.columns)
                what = "has no column `transformer` with the names"
                raise DataError(Problem("P201", "transformers.file", what, spec.file, f"columns: {listed}"))
            numbers = [c for c in number_columns(table) if c not in {"transformer", "feeder"}]
            texts = [c for c in ("transformer", "feeder") if c in table.columns]
            cells = fetch_cells(table, texts, numbers, "transformers.file")
            return {**cells.texts, **cells.numbers}

        found = self.attempt(read)
        if found is None:
            return {}
        self.hashes[spec.file] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def monitored(self) -> Monitored | None:
        """Read heat pumps whose heat and electricity are metered."""
        spec = self.study.monitored
        if spec is None:
            return None
        found = self.attempt(lambda: read_monitored(spec, self.context.base))
        if found is not None:
            self.findings += found.findings
            self.hashes[spec.file] = hashlib.sha256((self.context.base / spec.file).read_bytes()).hexdigest()
        return found


def _from_files(study: RetrofitStudy, context: Context) -> RetrofitCase:
    reader = _Reader(study, context)
    years = study.years
    try:
        grid = TimeGrid.between(
            date(years[0], 1, 1), date(years[-1] + 1, 1, 1), step_min=60, timezone=study.timezone
        )
    except InputError as error:
        raise InputError(error.problems, context.source) from None
    assert study.gas_meters is not None
    gas = reader.meters(study.gas_meters, "gas_meters")
    pumps = reader.meters(study.heat_pump_meters, "heat_pump_meters") if study.heat_pump_meters else None
    hourly = reader.temperature(grid)
    buildings, monitored = reader.buildings(), reader.monitored()
    transformers, calorific = reader.transformers(), reader.calorific()
    if gas is not None:
        buildings = with_covariates(buildings, [gas, *([pumps] if pumps else [])])
    if gas is not None and study.buildings is not None and buildings.columns["meter"].size:
        _check_ids(buildings, [gas, *([pumps] if pumps else [])], reader)
    _check_covariates(buildings, study.spf.covariates, reader.problems)
    if pumps is not None and pumps.source.step_min >= DAY_MIN and study.demand.shapes == "measured":
        reader.problems.add(
            "P108", "demand.shapes", "hourly shapes cannot be measured: the heat-pump meters are daily",
            value='"measured"', remedy='Use shapes = "when2heat" with profile_folder, or "bdew" (extra `profiles`).',
        )  # fmt: skip
    if len(reader.problems) or gas is None or hourly is None or calorific is None:
        only_data = all(problem.code.startswith("P2") for problem in reader.problems.problems)
        raise (DataError if only_data else InputError)(reader.problems.problems, context.source)
    first = np.datetime64(f"{years[0]}-01-01", "D")
    last = np.datetime64(f"{years[-1] + 1}-01-01", "D")
    reader.findings += calorific_findings(calorific, np.arange(first, last))
    clock = Clock.of(grid.times, first, 60, study.timezone)
    return RetrofitCase(
        study=study,
        days=np.arange(first, last),
        clock=clock,
        temperature_c=_by_day(hourly, clock),
        temperature_hour_c=hourly,
        gas=gas.source,
        gas_unit=gas.unit,
        heat_pumps=pumps.source if pumps else None,
        monitored=monitored,
        buildings=buildings,
        calorific=calorific,
        transformers=transformers,
        meter_files=reader.files,
        findings=tuple(reader.findings),
        data_hashes=reader.hashes,
        base=context.base,
    )


def with_covariates(buildings: Buildings, opened: list[OpenedMeters]) -> Buildings:
    """Return the buildings with what published data sets say of their meters, where the study has no table."""
    told = [o.covariates for o in opened if o.covariates]
    if not told or buildings.columns["meter"].size:
        return buildings
    names = list(dict.fromkeys(name for one in told for name in one))
    columns: dict[str, NDArray[Any]] = {}
    for name in names:
        parts = [one.get(name, np.full(len(one["meter"]), np.nan)) for one in told]
        texts = any(part.dtype.kind in "OUS" for part in parts)
        columns[name] = np.concatenate([p.astype(object) for p in parts] if texts else parts)
    return Buildings(columns)


def _check_covariates(buildings: Buildings, wanted: Sequence[str], problems: Collector) -> None:
    """Report covariates that hold text, and those that the table of buildings lacks; the default may be missing."""
    if not buildings.columns["meter"].size:
        return
    default = SpfSpec().covariates
    for name in wanted:
        if name not in default and not buildings.has(name):
            problems.add(
                "P201", "spf.covariates", "the table of buildings has no such column", value=name,
                limit=", ".join(c for c in buildings.columns if c != "meter"),
            )  # fmt: skip
        elif buildings.has(name) and buildings.columns[name].dtype.kind not in "biuf":
            problems.add(
                "P222", "spf.covariates", "the column holds text; covariates are numbers", value=name,
                remedy="Leave it out, or turn it into a number (1 for detached, 0 for the others).",
            )  # fmt: skip


def _check_ids(buildings: Buildings, opened: list[OpenedMeters], reader: _Reader) -> None:
    """Say which buildings have no meter and which meters have no building; ids only if the study shows meters."""
    known = set(buildings.columns["meter"].tolist())
    metered = {m for o in opened for m in o.source.meters}
    without_meter, without_building = sorted(known - metered), sorted(metered - known)
    if known and not known & metered:
        reader.problems.add(
            "P201", "buildings.meter_column", "no building has the id of a meter",
            value=", ".join(sorted(known)[:3]), limit=f"meters: {', '.join(sorted(metered)[:3])}...",
            remedy="Name the column with the meters' ids in buildings.meter_column.",
        )  # fmt: skip
        return
    for code, ids, text in (
        ("building_without_meter", without_meter, "buildings name a meter that no file has"),
        ("meter_without_building", without_building, "meters are in no row of the table of buildings"),
    ):
        if ids:
            evidence: dict[str, Any] = {"count": len(ids)}
            message = f"{len(ids)} {text}"
            if reader.study.privacy.show_meters:
                evidence["first"] = ids[:5]
                message += f": {', '.join(ids[:5])}{'...' if len(ids) > 5 else ''}"
            else:
                message += "; `privacy.show_meters` would name them"
            reader.findings.append(Finding(code, "warning", "buildings", f"{message}.", evidence))
