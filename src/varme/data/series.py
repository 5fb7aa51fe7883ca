"""Series of a study onto its time grid: a number, a list, a column of a file, or a synthetic quantity.

>>> from datetime import UTC, datetime
>>> from pathlib import Path
>>> from varme.ground.timegrid import TimeGrid
>>> grid = TimeGrid(datetime(2011, 1, 1, tzinfo=UTC), 60, 3)
>>> load_series(5.0, grid, base=Path(), quantity_unit="mw", where="demand").values.tolist()
[5.0, 5.0, 5.0]
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.data.align import AlignOptions, Report, align, counted
from varme.data.clock import shifted_years, to_utc
from varme.data.column_units import UnitMismatchError, factor_between, normal_unit
from varme.data.layouts import ColumnPlan, plan
from varme.data.synthetic import SyntheticYear
from varme.data.tabular import RawColumns, fetch, open_table
from varme.ground.errors import DataError, Problem, VarmeError
from varme.ground.findings import Finding
from varme.ground.series import FileSeries, SeriesSpec, SyntheticSeries
from varme.ground.timegrid import TimeGrid
from varme.ground.units import conversion_factor, dimension_of, label_of, unit_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LoadedSeries:
    """A series on the grid.

    Attributes:
        values: Interval means (or energies per interval) in the unit that was asked for, shape (grid.n,), no NaN.
        findings: What a reader of the result must know about the data.
        source: Provenance: ``kind`` and, for files, ``file``, ``sha256``, ``columns``, ``unit``, ``step_min``.
    """

    values: Floats
    findings: tuple[Finding, ...] = ()
    source: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SeriesRequest:
    """A series to load: its spec, the unit wanted, the field that it fills, the limits of its values.

    ``day_clock`` is the clock of daily values without one; empty: they are stamps like others. ``may_miss`` allows
    values to be missing, where the file asks for it (``gaps = "keep"``): they are NaN.
    """

    spec: SeriesSpec
    quantity_unit: str | None
    where: str
    minimum: float | None = None
    maximum: float | None = None
    day_clock: str = ""
    may_miss: bool = False


def load_series(
    spec: SeriesSpec, grid: TimeGrid, *, base: Path, quantity_unit: str | None, where: str,
    minimum: float | None = None, maximum: float | None = None, synthetic: SyntheticYear | None = None,
    day_clock: str = "", may_miss: bool = False,
) -> LoadedSeries:  # fmt: skip
    """Turn a series spec into interval values on a grid.

    Args:
        spec: A number, a list (one value per interval), a file's column, or a synthetic quantity.
        grid: The study's grid.
        base: Folder that relative paths start from (the study file's).
        quantity_unit: Unit of the field (``mw``, ``eur_per_mwh``, ``c``...); ``None`` for no conversion.
        where: Field path, for messages.
        minimum: Least value allowed, in ``quantity_unit``.
        maximum: Greatest value allowed.
        synthetic: The study's synthetic year, for ``{ synthetic = "wind_mw" }``.
        day_clock: Clock (IANA name) of daily means whose stamps are dates: each counts for all steps of its local day,
            also of 23 or 25 hours. Empty: they are stamps like others.
        may_miss: Whether values may be missing (NaN), for files with ``gaps = "keep"``.

    Returns:
        Values, findings and provenance.

    Raises:
        DataError: with every problem of this series, P200 to P212.
    """
    report = Report(where)
    request = SeriesRequest(spec, quantity_unit, where, minimum, maximum, day_clock, may_miss)
    loaded = _load(request, grid, base, synthetic, report)
    if loaded is None or len(report.problems):
        raise DataError(report.problems.problems)
    return loaded


def load_all(
    requests: Mapping[str, SeriesRequest],
    grid: TimeGrid,
    *,
    base: Path,
    synthetic: SyntheticYear | None = None,
) -> dict[str, LoadedSeries]:
    """Load many series; see :func:`load_series`.

    Raises:
        DataError: with every problem of every series.
    """
    loaded: dict[str, LoadedSeries] = {}
    problems: list[Problem] = []
    for name, request in requests.items():
        report = Report(request.where)
        one = _load(request, grid, base, synthetic, report)
        problems += report.problems.problems
        if one is not None:
            loaded[name] = one
    if problems:
        raise DataError(problems)
    return loaded


def _load(
    request: SeriesRequest, grid: TimeGrid, base: Path, synthetic: SyntheticYear | None, report: Report
) -> LoadedSeries | None:
    spec = request.spec
    if isinstance(spec, FileSeries):
        try:
            loaded = _from_file(spec, grid, base, request, report)
        except VarmeError as error:
            report.problems.problems.extend(error.problems)
            return None
    elif isinstance(spec, SyntheticSeries):
        loaded = _from_synthetic(spec, grid, synthetic, request, report)
    elif isinstance(spec, (int, float)):
        loaded = LoadedSeries(np.full(grid.n, float(spec)), source={"kind": "number", "value": float(spec)})
    else:
        loaded = _from_list(spec, grid, report)
    if loaded is not None:
        _check_limits(loaded.values, grid, request, report)
    return None if len(report.problems) else loaded


def _from_list(values: Sequence[float], grid: TimeGrid, report: Report) -> LoadedSeries | None:
    if len(values) != grid.n:
        report.problem(
            "P207", "the list has another length than the time grid", value=f"{len(values)} values",
            limit=f"{grid.n} intervals of {grid.step_min} min from {grid.label(0)}",
        )  # fmt: skip
        return None
    return LoadedSeries(np.array(values, dtype=float), source={"kind": "list"})


def _from_synthetic(
    spec: SyntheticSeries,
    grid: TimeGrid,
    synthetic: SyntheticYear | None,
    request: SeriesRequest,
    report: Report,
) -> LoadedSeries | None:
    known = sorted(synthetic.series) if synthetic is not None else []
    if synthetic is None or spec.synthetic not in synthetic.series:
        what = (
            "is not a synthetic quantity"
            if synthetic is not None
            else "asks for a synthetic year that is not stated"
        )
        report.problem(
            "P201", what, value=spec.synthetic, limit=", ".join(known), remedy=_near(spec.synthetic, known)
        )
        return None
    try:
        values = synthetic.on(grid, [spec.synthetic])[spec.synthetic]
        unit, wanted = unit_of(spec.synthetic), request.quantity_unit
        factor = _mean_factor(unit, wanted, grid.step_h) * _interval_factor(wanted, grid.step_h)
    except UnitMismatchError as error:
        report.problem("P208", str(error), value=spec.synthetic, remedy=error.remedy)
        return None
    except VarmeError as error:
        report.problems.problems.extend(error.problems)
        return None
    source = {
        "kind": "synthetic",
        "quantity": spec.synthetic,
        "seed": synthetic.spec.seed,
        "year": synthetic.spec.year,
    }
    return LoadedSeries(values * (factor * spec.scale_share), source=source)


def _from_file(
    spec: FileSeries, grid: TimeGrid, base: Path, request: SeriesRequest, report: Report
) -> LoadedSeries | None:
    path = base / spec.file
    if spec.gaps == "keep" and not request.may_miss:
        remedy = 'Use gaps = "refuse" or "interpolate".'
        report.problem("P203", "values may not be missing here", value='gaps = "keep"', remedy=remedy)
        return None
    table = open_table(path, report.where)
    chosen = plan(spec, table, report)
    if chosen is None:
        return None
    rows = fetch(table, chosen.time_column, chosen.terms, report.where, chosen.pick)
    _check_cells(rows, chosen, report)
    values = _summed(rows, chosen, report)
    utc_s, values, naive = _stamped(rows, values, chosen, spec, report)
    wanted = _wanted_unit(chosen, request, report)
    zone = chosen.timezone if naive and chosen.timezone != "UTC" else None
    label = spec.label
    if request.day_clock and not spec.shift_years and not _is_energy(chosen.unit):
        by_day = _local_days(rows, values, chosen, spec, grid, request.day_clock, report)
        if by_day is not None:
            (utc_s, values), label = by_day, "start"
    options = AlignOptions(label, spec.gaps, spec.gap_max_h, zone)
    try:
        on_grid = align(
            utc_s, values, grid, options, report, lambda step_h: _mean_factor(chosen.unit, wanted, step_h)
        )
        factor = _interval_factor(wanted, grid.step_h)
    except UnitMismatchError as error:
        report.problem("P208", str(error), value=" + ".join(chosen.terms), remedy=error.remedy)
        return None
    if on_grid is None:
        return None
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    source = {
        "kind": "file", "file": spec.file, "sha256": digest, "columns": list(chosen.terms), "layout": spec.layout,
        "area": spec.area, "unit": chosen.unit, "timezone": chosen.timezone, "shift_years": spec.shift_years,
    }  # fmt: skip
    return LoadedSeries(on_grid * (factor * spec.scale_share), tuple(report.findings), source)


def _local_days(
    rows: RawColumns,
    values: Floats,
    chosen: ColumnPlan,
    spec: FileSeries,
    grid: TimeGrid,
    clock: str,
    report: Report,
) -> tuple[NDArray[np.int64], Floats] | None:
    """Return daily values on the steps of their local days, or ``None`` if the stamps are no dates one by one.

    Args:
        rows: Rows of the file.
        values: Value of each row with a readable stamp, shape (rows,).
        chosen: Clock of the file.
        spec: Label of the stamps.
        grid: Grid of the study; its step must divide a day.
        clock: Clock of days whose file states none (UTC is the default of a file).
        report: Takes the note that days were taken as days of ``clock``.
    """  # fmt: skip
    wall, steps = rows.wall_s[~rows.stamp_bad], np.empty(0)
    if wall.size > 1:
        steps = np.diff(np.sort(wall))
    dated = (
        wall.size > 1 and not (wall % 86400).any() and bool(np.isnan(rows.offset_s[~rows.stamp_bad]).all())
    )
    if not dated or steps.min() != 86400 or grid.step_min > 60 or len(values) != wall.size:
        return None
    if chosen.timezone == "UTC" and clock != "UTC":
        report.finding(
            "days_taken_as_local", "note",
            f"Daily values without a clock were taken as those of calendar days of {clock}.", timezone=clock,
        )  # fmt: skip
    order = np.argsort(wall, kind="stable")
    day = wall[order] // 86400 - (1 if spec.label == "end" else 0)
    own = clock if chosen.timezone == "UTC" else chosen.timezone
    local_day = grid.local(own).astype("datetime64[D]").astype(np.int64)
    place = np.minimum(np.searchsorted(day, local_day), len(day) - 1)
    known = day[place] == local_day
    utc_s = grid.times.astype("datetime64[s]").astype(np.int64)
    return utc_s[known], values[order][place[known]]


def _check_cells(rows: RawColumns, chosen: ColumnPlan, report: Report) -> None:
    """Report unreadable stamps (P212) and cells that are no numbers (P209), with their lines."""
    if rows.stamp_bad.any():
        lines = rows.line[rows.stamp_bad]
        report.problem(
            "P212",
            f"{counted(lines.size, 'time stamp')} in {chosen.time_column} cannot be read",
            value=_lines(lines),
        )
    for column in dict.fromkeys(chosen.terms):
        lines = rows.line[rows.bad[column]]
        if lines.size:
            report.problem(
                "P209", f"{counted(lines.size, 'cell')} of {column}: text, not a number", value=_lines(lines)
            )


def _summed(rows: RawColumns, chosen: ColumnPlan, report: Report) -> Floats:
    """Return the sum of the columns; in a sum an empty cell beside a filled one counts as zero, which is reported."""
    if len(chosen.terms) == 1:
        return rows.values[chosen.terms[0]]
    block = np.stack([rows.values[c] for c in chosen.terms])
    empty = np.isnan(block)
    partly = empty.any(axis=0) & ~empty.all(axis=0)
    if partly.any():
        columns = [c for c, e in zip(chosen.terms, empty, strict=True) if e[partly].any()]
        report.finding(
            "empty_taken_as_zero", "warning",
            f"In {int(partly.sum())} rows empty cells of {', '.join(columns)} were taken as zero in a sum.",
            rows_count=int(partly.sum()), columns=columns,
        )  # fmt: skip
    return np.where(empty.all(axis=0), np.nan, np.nansum(block, axis=0))


def _stamped(
    rows: RawColumns, values: Floats, chosen: ColumnPlan, spec: FileSeries, report: Report
) -> tuple[NDArray[np.int64], Floats, bool]:
    """Return UTC stamps with their values, without the stamps that do not exist, and whether the clock was naive."""
    good = ~rows.stamp_bad
    utc_s, skipped = to_utc(rows.wall_s[good], rows.offset_s[good], chosen.timezone)
    values = values[good]
    if skipped.any():
        what = f"{counted(int(skipped.sum()), 'stamp')} in the hour that the {chosen.timezone} clock skips in spring"
        lines = _lines(rows.line[good][skipped])
        report.problem("P206", what, value=lines, limit="days of 23 and 25 hours")
    utc_s, values = utc_s[~skipped], values[~skipped]
    if spec.shift_years:
        utc_s, exists = shifted_years(utc_s, spec.shift_years)
        dropped = int((~exists).sum())
        utc_s, values = utc_s[exists], values[exists]
        report.finding(
            "shifted_years", "warning",
            f"The data were moved by {spec.shift_years} years; weekdays and holidays do not match the calendar."
            + (f" {dropped} values of 29 February were left out." if dropped else ""),
            shift_years=spec.shift_years, dropped_count=dropped,
        )  # fmt: skip
    return utc_s, values, bool(np.isnan(rows.offset_s).any())


def _wanted_unit(chosen: ColumnPlan, request: SeriesRequest, report: Report) -> str | None:
    wanted = normal_unit(request.quantity_unit) if request.quantity_unit else None
    if wanted is not None and chosen.unit is None:
        report.finding(
            "unit_assumed", "warning",
            f"Column {chosen.terms[0]} names no unit; {label_of(wanted) or wanted} was assumed. State unit.",
            column=chosen.terms[0], unit=wanted,
        )  # fmt: skip
    return wanted


def _mean_factor(unit: str | None, wanted: str | None, step_h: float) -> float:
    """Return the factor from data of a step [h] to interval means, in MW where energy per interval is wanted.

    Data without a unit are taken to be in the unit that is wanted.
    """
    if wanted is None:
        return 1.0
    return factor_between(unit or wanted, "mw" if _is_energy(wanted) else wanted, step_h)


def _interval_factor(wanted: str | None, step_h: float) -> float:
    """Return the factor from mean power [MW] to energy per interval, where energy is wanted; else 1."""
    return conversion_factor("mwh", wanted) * step_h if wanted is not None and _is_energy(wanted) else 1.0


def _is_energy(unit: str | None) -> bool:
    return unit is not None and dimension_of(unit) == "energy"


def _check_limits(values: Floats, grid: TimeGrid, request: SeriesRequest, report: Report) -> None:
    """Report values beside the field's limits, and values that are not finite (P210)."""
    unit = label_of(request.quantity_unit) if request.quantity_unit else ""
    low, high = request.minimum, request.maximum
    for bad, limit in (
        (~np.isfinite(values) & ~(request.may_miss & np.isnan(values)), "a finite number"),
        (
            values < low if low is not None else np.zeros(values.size, bool),
            f"at least {low:g} {unit}" if low is not None else "",
        ),
        (
            values > high if high is not None else np.zeros(values.size, bool),
            f"at most {high:g} {unit}" if high is not None else "",
        ),
    ):
        if bad.any():
            index = int(np.flatnonzero(bad)[0])
            report.problem(
                "P210", f"{int(bad.sum())} of {values.size} values are out of range, the first at {grid.label(index)}",
                value=f"{values[index]:g} {unit}".strip(), limit=limit.strip(),
            )  # fmt: skip


def _lines(lines: NDArray[np.int64]) -> str:
    shown = ", ".join(str(int(n)) for n in lines[:5])
    return f"line {shown}{', ...' if lines.size > 5 else ''}"


def _near(name: str, names: Sequence[str]) -> str:
    match = difflib.get_close_matches(name, names, n=1)
    return f"Did you mean {match[0]}?" if match else ""
