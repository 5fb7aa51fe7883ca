"""From meters to what the study needs of them, block by block: cleaned, annual sums, change points, sums by group.

A block of meters is read, cleaned and condensed before the next one is read: memory does not grow with the readings.
How meters are divided into blocks depends on their number only, never on the number of worker processes, and sums are
added in the order of the blocks: a run gives the same bytes on any machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, replace
from functools import partial
from sys import intern

import numpy as np
from numpy.typing import NDArray

from varme.compute.executor import Executor
from varme.data.clean.clean import AuditLine, Surroundings
from varme.data.clean.spec import CleaningSpec
from varme.data.meters.panel import MeterPanel, MeterSource, PanelSource
from varme.ground.context import Progress, Silent
from varme.ground.errors import DataError, Problem, RunError, VarmeError
from varme.retrofit.condense import Condensed, Recipe, condense_block
from varme.retrofit.demand.change_point import ChangePoints

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Convert = Callable[[MeterPanel, int, int], MeterPanel]

#: Readings in a block: 4,000 meters of three years of days, 18 MB.
BLOCK_READINGS = 4_400_000
#: Blocks that a worker process condenses before it hands its sums over: sums by group are large.
BLOCKS_PER_TASK = 8
#: Below so many readings worker processes cost more than they save.
FEW_READINGS = 8_000_000
#: Lines of the audit table of all meters together; the counters are always complete.
AUDIT_LINES = 20_000


@dataclass(frozen=True)
class MeterYears:
    """What is kept of many meters.

    Attributes:
        meters: Ids, one per row of everything below.
        years: Calendar years.
        energy: Energy of the year, what is missing in a usable year filled by the meter's own change-point model,
            shape (meters, years), NaN where the year is not usable; useful heat or electricity [kWh].
        usable: Whether the year may be used, shape (meters, years).
        reason: Why not (empty where usable), object array of the same shape.
        valid_days: Days with a trusted value, shape (meters, years).
        fits: Change-point model of each meter over all its days.
        group_days: Sum of the usable meters' energy by group and day, shape (groups, days).
        group_meters: Meters in each group that are in those sums, by year, shape (groups, years).
        fleet_days: Sum of all usable meters' energy by day, shape (days,).
        counts: Cleaning rule -> steps touched, by meter.
        audit: Lines of the audit table, at most so many as were asked for; ``counts`` are complete.
        peak_day: Largest energy of a day in the year, shape (meters, years), NaN where the year is not usable.
        coldest_week: Mean energy of a day in the coldest seven days of the year, likewise.
        filled_days: Days of the year that the meter's own model filled, shape (meters, years).
        seconds: CPU seconds by stage, of all processes together.
    """

    meters: tuple[str, ...]
    years: tuple[int, ...]
    energy: Floats
    usable: NDArray[np.bool_]
    reason: NDArray[np.object_]
    valid_days: NDArray[np.int32]
    fits: ChangePoints
    group_days: Floats
    group_meters: NDArray[np.int64]
    fleet_days: Floats
    counts: dict[str, NDArray[np.int32]]
    audit: tuple[AuditLine, ...] = field(repr=False)
    peak_day: Floats32 = field(default_factory=lambda: np.zeros((0, 0), np.float32), repr=False)
    coldest_week: Floats32 = field(default_factory=lambda: np.zeros((0, 0), np.float32), repr=False)
    filled_days: NDArray[np.int16] = field(default_factory=lambda: np.zeros((0, 0), np.int16), repr=False)
    seconds: dict[str, float] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Task:
    """The meters ``first`` to ``last``; ``panel`` holds their readings where they do not come from files."""

    first: int
    last: int
    audit_lines: int
    panel: MeterPanel | None = None


@dataclass(frozen=True)
class Shared:
    """What all tasks need; sent to each worker process once."""

    source: MeterSource | None
    recipe: Recipe
    block: int


_SHARED: ContextVar[Shared] = ContextVar("_SHARED")


def summarise(
    source: MeterSource,
    cleaning: CleaningSpec,
    around: Surroundings,
    group: NDArray[np.int64],
    groups: int,
    convert: Convert | None = None,
    *,
    jobs: int = 1,
    block: int | None = None,
    audit_lines: int = AUDIT_LINES,
    progress: Progress | None = None,
    stage: str = "meters",
) -> MeterYears:
    """Clean and condense all meters of a source.

    Args:
        source: The meters.
        cleaning: Cleaning rules.
        around: What cleaning may know besides; arrays by meter are those of all meters.
        group: Group of each meter (its transformer), shape (meters,), -1 for none.
        groups: Number of groups.
        convert: Turns a cleaned daily panel of the meters ``first`` to ``last`` into energy; must be picklable.
        jobs: Worker processes.
        block: Meters in a block; by their number of readings if not given.
        audit_lines: Most lines of the audit table.
        progress: Where to report.
        stage: Name of the stage that is reported.

    Raises:
        RunError: P507 if a block fails; it names the meters.
        DataError: with what is wrong with a file, naming the meters.
    """
    total = len(source.meters)
    if not total:
        raise DataError(Problem("P202", stage, "there are no meters"))
    block = block or max(32, BLOCK_READINGS // max(source.steps, 1))
    recipe = Recipe(cleaning, around, np.asarray(group, dtype=np.int64), groups, convert)
    size = block * BLOCKS_PER_TASK if total > 4 * block * BLOCKS_PER_TASK else block
    firsts = range(0, total, size)
    lines = -(-audit_lines // len(firsts))
    tasks = [Task(i, min(i + size, total), lines) for i in firsts]
    joined = _Joined(source.meters, around.years, groups, stage)
    tell = progress or Silent()
    tell.stage(stage, len(tasks))
    if jobs == 1 or len(tasks) == 1 or total * source.steps < FEW_READINGS:
        shared = Shared(source, recipe, block)
        for k, task in enumerate(tasks):
            joined.add(k, _named(shared, task))
            tell.advance(k + 1, {"meters": task.last})
        return joined.finish(audit_lines)
    if isinstance(source, PanelSource):  # its readings are sent along, each block's with its task
        tasks = [replace(t, panel=source.panel.rows(slice(t.first, t.last))) for t in tasks]
        shared = Shared(None, recipe, block)
    else:
        shared = Shared(source, recipe, block)
    labels = [f"{stage} {t.first + 1} to {t.last}" for t in tasks]
    with Executor(jobs, inline=False, initializer=partial(_share, shared)) as executor:
        for k, result in enumerate(executor.map(_in_worker, tasks, labels=labels)):
            part = result.get()
            joined.add(result.index, part)
            tell.advance(k + 1, {"meters": joined.meters_done})
    return joined.finish(audit_lines)


def _share(shared: Shared) -> None:
    """Keep what all tasks need in a worker process."""
    _SHARED.set(shared)


def _in_worker(task: Task) -> Condensed:
    return _named(_SHARED.get(), task)


def _named(shared: Shared, task: Task) -> Condensed:
    """Condense the meters of a task; what goes wrong names them.

    Raises:
        RunError: P507 if it fails unexpectedly.
        VarmeError: what the data have, with the meters as its source.
    """
    source: MeterSource
    if task.panel is not None:
        source, offset = PanelSource(task.panel), task.first
    elif shared.source is not None:
        source, offset = shared.source, 0
    else:
        raise ValueError("a task needs a source")
    where = f"meters {task.first + 1:,} to {task.last:,}"
    try:
        where += f" ({source.meters[task.first - offset]} to {source.meters[task.last - 1 - offset]})"
        return condense_block(
            source, offset, task.first, task.last, shared.block, shared.recipe, task.audit_lines
        )
    except VarmeError as error:
        raise type(error)(error.problems, error.source or where) from error
    except Exception as error:
        problem = Problem("P507", where, f"could not be condensed: {type(error).__name__}: {error}")
        raise RunError(problem) from error


class _Joined:
    """Puts the parts of all meters into their places as they come, and adds sums in the order of the meters."""

    def __init__(self, meters: Sequence[str], years: tuple[int, ...], groups: int, stage: str) -> None:
        shape = (len(meters), len(years))
        self.meters, self.years, self.stage = meters, years, stage
        self.meters_done = 0
        self.energy = np.full(shape, np.nan)
        self.usable = np.ones(shape, dtype=bool)
        self.reason = np.full(shape, "", dtype=object)
        self.valid_days = np.zeros(shape, dtype=np.int32)
        self.peak_day = np.full(shape, np.nan, dtype=np.float32)
        self.coldest_week = np.full(shape, np.nan, dtype=np.float32)
        self.filled_days = np.zeros(shape, dtype=np.int16)
        self.fits = ChangePoints.empty(len(meters))
        self.counts: dict[str, NDArray[np.int32]] = {}
        self.seconds: dict[str, float] = {}
        self.groups = groups
        self.group_days: Floats | None = None
        self.group_meters = np.zeros((groups, len(years)), dtype=np.int64)
        self.fleet_days: Floats | None = None
        self._audit: dict[int, tuple[AuditLine, ...]] = {}
        self._waiting: dict[int, Condensed] = {}
        self._next = 0

    def add(self, number: int, part: Condensed) -> None:
        """Add the part of one task."""
        place = slice(part.first, part.last)
        self.meters_done += part.last - part.first
        for name in ("energy", "valid_days", "peak_day", "coldest_week", "filled_days"):
            getattr(self, name)[place] = getattr(part, name)
        for f in fields(ChangePoints):
            getattr(self.fits, f.name)[place] = getattr(part.fits, f.name)
        where, why = part.unusable
        row, year = np.divmod(where, len(self.years))
        self.usable[part.first + row, year] = False
        self.reason[part.first + row, year] = np.array([intern(r) for r in why], dtype=object)
        for rule, count in part.counts.items():
            whole = self.counts.get(rule)
            if whole is None:
                whole = self.counts[rule] = np.zeros(len(self.meters), dtype=np.int32)
            whole[place] = count
        for stage, seconds in part.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds
        self._audit[number] = part.audit
        self._waiting[number] = part
        while self._next in self._waiting:
            self._add_sums(self._waiting.pop(self._next))
            self._next += 1

    def _add_sums(self, part: Condensed) -> None:
        days = len(part.fleet_days)
        if self.group_days is None or self.fleet_days is None:
            self.group_days, self.fleet_days = np.zeros((self.groups, days)), np.zeros(days)
        self.fleet_days += part.fleet_days
        self.group_days[part.group_index] += part.group_days
        self.group_meters[part.group_index] += part.group_meters

    def finish(self, audit_lines: int) -> MeterYears:
        """Return the whole."""
        if self.group_days is None or self.fleet_days is None:
            raise ValueError("no part was added")
        audit = tuple(line for k in sorted(self._audit) for line in self._audit[k])[:audit_lines]
        return MeterYears(
            tuple(self.meters), self.years, self.energy, self.usable, self.reason, self.valid_days, self.fits,
            self.group_days, self.group_meters, self.fleet_days, {r: self.counts[r] for r in sorted(self.counts)},
            audit, self.peak_day, self.coldest_week, self.filled_days, self.seconds,
        )  # fmt: skip
