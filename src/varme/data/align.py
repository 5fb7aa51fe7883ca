"""Stamped values onto a time grid: by time, never by position; every fault is found and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from varme.data.clock import transitions_utc
from varme.data.resample import resample
from varme.ground.errors import Collector
from varme.ground.findings import Finding
from varme.ground.timegrid import TimeGrid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass
class Report:
    """Where problems and findings go, and how the place is called in messages."""

    where: str
    problems: Collector = field(default_factory=Collector)
    findings: list[Finding] = field(default_factory=list)

    def problem(self, code: str, what: str, *, value: object = "", limit: str = "", remedy: str = "") -> None:
        """Add a problem at this place."""
        self.problems.add(code, self.where, what, value=value, limit=limit, remedy=remedy)

    def finding(
        self, code: str, severity: Literal["note", "warning"], message: str, **evidence: object
    ) -> None:
        """Add a finding at this place."""
        self.findings.append(Finding(code, severity, self.where, message, dict(evidence)))


@dataclass(frozen=True)
class AlignOptions:
    """How stamps are read and gaps treated; see :class:`varme.ground.series.FileSeries`."""

    label: Literal["start", "end"] = "start"
    gaps: Literal["refuse", "interpolate", "keep"] = "refuse"
    gap_max_h: float = 3.0
    local_zone: str | None = None
    """Zone of the file's clock, if its stamps had no offset and the zone is not UTC."""


def align(
    utc_s: Ints, values: Floats, grid: TimeGrid, options: AlignOptions, report: Report,
    to_mean: Callable[[float], float] | None = None,
) -> Floats | None:  # fmt: skip
    """Return interval means on the grid from stamped values in any order.

    Args:
        utc_s: Stamps [s UTC], shape (rows,).
        values: Values, NaN where missing, shape (rows,).
        grid: The grid wanted. Regular data of another step are repeated or averaged; that is reported.
        options: Label, gaps, zone.
        report: Receives P202 to P206 and the findings.
        to_mean: Factor on the values, as a function of the data's step [h] (energy per step to mean power).

    Returns:
        Shape (grid.n,), or ``None`` if a problem was reported.
    """
    before = len(report.problems)
    order = np.argsort(utc_s, kind="stable")
    utc_s, values = utc_s[order], values[order]
    utc_s, values = _without_duplicates(utc_s, values, report)
    if utc_s.size == 0:
        report.problem("P202", "the series holds no value")
        return None
    step_s = _step_s(utc_s, grid)
    if options.label == "end":
        utc_s = utc_s - step_s
    if not _regular(utc_s, step_s, grid, report):
        return None
    source, block = _placed(utc_s, values, step_s, grid)
    block = _complete(block, source, utc_s, grid, options, report)
    if len(report.problems) > before:
        return None
    if to_mean is not None:
        block = block * to_mean(source.step_h)
    if source.step_min != grid.step_min:
        how = "averaged" if source.step_min < grid.step_min else "repeated"
        report.finding(
            "resampled", "note", f"Values of {source.step_min} min were {how} to {grid.step_min} min; means are kept.",
            source_step_min=source.step_min, step_min=grid.step_min,
        )  # fmt: skip
    return resample(block, source, grid)


def _without_duplicates(utc_s: Ints, values: Floats, report: Report) -> tuple[Ints, Floats]:
    same = np.concatenate([[False], utc_s[1:] == utc_s[:-1]]) if utc_s.size else np.zeros(0, dtype=bool)
    if same.any():
        first, last = utc_s[same][0], utc_s[same][-1]
        count = int(same.sum())
        report.problem(
            "P204", f"{counted(count, 'time stamp')} too many: they occur more than once",
            value=stamp(first) if count == 1 else f"{stamp(first)} ... {stamp(last)}",
        )  # fmt: skip
    return utc_s[~same], values[~same]


def _step_s(utc_s: Ints, grid: TimeGrid) -> int:
    """Return the most frequent distance between stamps [s]; the grid's if there is one stamp only."""
    if utc_s.size < 2:
        return grid.step_min * 60
    distances, counts = np.unique(np.diff(utc_s), return_counts=True)
    return int(distances[np.argmax(counts)])


def _regular(utc_s: Ints, step_s: int, grid: TimeGrid, report: Report) -> bool:
    """Check that the stamps lie on one regular grid that fits the study's; report P205 if not."""
    step_min, rest = divmod(step_s, 60)
    longer, shorter = max(step_min, grid.step_min), max(min(step_min, grid.step_min), 1)
    if rest or step_min < 1 or step_min > 1440 or longer % shorter:
        report.problem(
            "P205", f"data of a {step_s / 60:g} min step do not fit a grid of {grid.step_min} min",
            remedy="Use data whose step divides the grid's, or is a multiple of it.",
        )  # fmt: skip
        return False
    phases, counts = np.unique(utc_s % step_s, return_counts=True)
    phase = int(phases[np.argmax(counts)])
    odd = np.flatnonzero(utc_s % step_s != phase)
    if odd.size:
        report.problem(
            "P205", f"{odd.size} of {utc_s.size} stamps lie beside the series' own {step_min} min steps",
            value=stamp(utc_s[odd[0]]),
            remedy="If stamps shift by an hour in summer, the file is in local time: state its timezone.",
        )  # fmt: skip
        return False
    beside_s = (phase - int(grid.start.timestamp())) % (shorter * 60)
    if beside_s:
        report.problem(
            "P205", f"all stamps lie {beside_s / 60:g} min after the grid's intervals begin", value=stamp(utc_s[0]),
            limit=f"grid: {grid.label(0)}, every {grid.step_min} min",
        )  # fmt: skip
        return False
    return True


def _placed(utc_s: Ints, values: Floats, step_s: int, grid: TimeGrid) -> tuple[TimeGrid, Floats]:
    """Return the data's own grid over the study's horizon, and the values on it (NaN where there is none)."""
    phase = int(utc_s[0]) % step_s
    first = (int(grid.start.timestamp()) - phase) // step_s * step_s + phase
    count = -(-(int(grid.end.timestamp()) - first) // step_s)
    source = TimeGrid(datetime.fromtimestamp(first, UTC), step_s // 60, count)
    position = (utc_s - first) // step_s
    inside = (position >= 0) & (position < count)
    block = np.full(count, np.nan)
    block[position[inside]] = values[inside]
    return source, block


def _complete(
    block: Floats, source: TimeGrid, utc_s: Ints, grid: TimeGrid, options: AlignOptions, report: Report
) -> Floats:
    """Report what is missing (P202 ends, P203 gaps, P206 clock changes); fill or keep gaps if that was asked for."""
    missing = np.isnan(block)
    if not missing.any() or (options.gaps == "keep" and not missing.all()):
        return block
    step_s = source.step_min * 60
    first_s, last_s = int(utc_s[0]), int(utc_s[-1]) + step_s
    start_s = int(source.start.timestamp())
    lead = int(np.clip((first_s - start_s) // step_s, 0, block.size))
    tail = int(np.clip((start_s + block.size * step_s - last_s) // step_s, 0, block.size))
    if lead or tail:
        _too_short(lead, tail, first_s, last_s, source, grid, options, report)
    inner = missing.copy()
    inner[:lead] = False
    inner[block.size - tail :] = False
    starts, lengths = _runs(inner)
    if not starts.size:
        return block
    starts, lengths = _clock_changes(starts, lengths, source, options, report)
    if not starts.size:
        return block
    fillable = (
        (lengths * source.step_h <= options.gap_max_h + 1e-9) & (starts > 0) & (starts + lengths < block.size)
    )
    if options.gaps == "refuse" or not fillable.all():
        _gaps(starts, lengths, source, options, report)
        return block
    known = ~missing
    filled = np.interp(np.arange(block.size), np.flatnonzero(known), block[known])
    report.finding(
        "gap_filled", "warning",
        f"{int(lengths.sum())} missing values in {starts.size} gaps (longest {lengths.max() * source.step_h:g} h) were "
        "interpolated.", values_count=int(lengths.sum()), gaps_count=int(starts.size),
        longest_h=float(lengths.max() * source.step_h), first=source.label(int(starts[0])),
    )  # fmt: skip
    return np.where(inner, filled, block)


def _too_short(
    lead: int, tail: int, first_s: int, last_s: int, source: TimeGrid, grid: TimeGrid, options: AlignOptions,
    report: Report,
) -> None:  # fmt: skip
    step = source.step_min
    reach = f"data: {stamp(first_s)} to {stamp(last_s)}; horizon: {grid.label(0)} to {stamp(grid.end.timestamp())}"
    if (
        lead == 1
        and tail == 0
        and last_s == int(source.end.timestamp()) + 60 * step
        and options.label == "start"
    ):
        report.problem(
            "P205", f"the stamps begin and end {step} min late: they look like ends of intervals", value=stamp(first_s),
            limit=reach, remedy='State label = "end" or the time zone of the file, or move the horizon.',
        )  # fmt: skip
        return
    if lead == 0 and tail == 1 and options.label == "end":
        report.problem(
            "P205", f"the stamps begin and end {step} min early: they look like starts of intervals",
            value=stamp(first_s), limit=reach, remedy='Leave out label = "end".',
        )  # fmt: skip
        return
    middle_s = (grid.start.timestamp() + grid.end.timestamp()) / 2
    years = round((middle_s - (first_s + last_s) / 2) / (365.25 * 86400))
    apart = last_s <= grid.start.timestamp() or first_s >= grid.end.timestamp()
    hint = f"To use another year's data, state shift_years = {years}." if apart and years else ""
    count = min(lead + tail, source.n)
    report.problem(
        "P202",
        f"{count} of {source.n} intervals of {step} min lie outside the data",
        limit=reach,
        remedy=hint,
    )


def _clock_changes(
    starts: Ints, lengths: Ints, source: TimeGrid, options: AlignOptions, report: Report
) -> tuple[Ints, Ints]:
    """Report as P206 the gaps that are one hour long and lie at a change of the file's clock; return the others."""
    if options.local_zone is None or source.step_min > 60:
        return starts, lengths
    start_s = int(source.start.timestamp())
    changes = transitions_utc(
        start_s - 7200, start_s + source.n * source.step_min * 60 + 7200, options.local_zone
    )
    begin = start_s + starts * source.step_min * 60
    hour = lengths * source.step_min == 60
    at_change = hour & (np.isin(begin, changes) | np.isin(begin + 3600, changes))
    if at_change.any():
        report.problem(
            "P206", f"the hour at the change of the {options.local_zone} clock is missing",
            value=", ".join(stamp(s) for s in begin[at_change][:4]), limit="days of 23 and 25 hours",
        )  # fmt: skip
    return starts[~at_change], lengths[~at_change]


def _gaps(starts: Ints, lengths: Ints, source: TimeGrid, options: AlignOptions, report: Report) -> None:
    first, last = source.label(int(starts[0])), source.label(int(starts[-1]))
    total, longest = int(lengths.sum()), float(lengths.max() * source.step_h)
    what = f"{counted(total, 'value')} missing in {counted(starts.size, 'gap')}"
    limit, remedy = f"longest {longest:g} h", ""
    if options.gaps == "interpolate":
        limit = f"longest {longest:g} h; interpolated up to gap_max_h = {options.gap_max_h:g}, and never at the ends"
        remedy = "Fill the long gaps in the source, raise gap_max_h, or choose another horizon."
    report.problem(
        "P203",
        what,
        value=first if starts.size == 1 else f"first {first}, last {last}",
        limit=limit,
        remedy=remedy,
    )


def _runs(mask: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Return the starts and lengths of the runs of True."""
    edges = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    starts = np.flatnonzero(edges == 1)
    return starts, np.flatnonzero(edges == -1) - starts


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: ``1 gap``, ``2 gaps``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def stamp(seconds: float | np.int64) -> str:
    """Return UTC seconds as text for messages."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%d %H:%M UTC")
