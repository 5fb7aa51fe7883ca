"""From meters to what the study needs of them, block by block: cleaned, annual sums, change points, sums by group.

A block of meters is read, cleaned and condensed before the next one is read: memory does not grow with the town.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from varme.compute.executor import Executor
from varme.compute.outcome import in_order
from varme.data.clean.clean import AuditLine, Surroundings, clean, to_daily
from varme.data.clean.spec import CleaningSpec
from varme.data.meters.panel import MeterPanel, MeterSource
from varme.retrofit.demand.change_point import ChangePoints, fit_change_points

Floats = NDArray[np.float64]

#: Meters in a block: 4,000 meters of three years of days are 17 MB.
BLOCK = 4000


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
    """

    meters: tuple[str, ...]
    years: tuple[int, ...]
    energy: Floats
    usable: NDArray[np.bool_]
    reason: NDArray[np.object_]
    valid_days: NDArray[np.int64]
    fits: ChangePoints
    group_days: Floats
    group_meters: NDArray[np.int64]
    fleet_days: Floats
    counts: dict[str, NDArray[np.int64]]
    audit: tuple[AuditLine, ...] = field(repr=False)


@dataclass(frozen=True)
class Task:
    """One block's work; sent to a worker process."""

    source: MeterSource
    first: int
    last: int
    cleaning: CleaningSpec
    around: Surroundings
    group: NDArray[np.int64]
    groups: int
    convert: Callable[[MeterPanel, int, int], MeterPanel] | None


def summarise(
    source: MeterSource,
    cleaning: CleaningSpec,
    around: Surroundings,
    group: NDArray[np.int64],
    groups: int,
    convert: Callable[[MeterPanel, int, int], MeterPanel] | None = None,
    *,
    jobs: int = 1,
    block: int = BLOCK,
) -> MeterYears:
    """Clean and condense all meters of a source.

    Args:
        source: The meters.
        cleaning: Cleaning rules.
        around: What cleaning may know besides.
        group: Group of each meter (its transformer), shape (meters,), -1 for none.
        groups: Number of groups.
        convert: Turns a cleaned daily panel of the meters ``first`` to ``last`` into energy; must be picklable.
        jobs: Worker processes.
        block: Meters in a block.
    """
    total = len(source.meters)
    tasks = [
        Task(source, i, min(i + block, total), cleaning, around, group[i : i + block], groups, convert)
        for i in range(0, total, block)
    ]
    with Executor(jobs) as executor:
        return _joined(in_order(executor.map(condense, tasks)))


def condense(task: Task) -> MeterYears:
    """Clean and condense one block."""
    panel = task.source.block(task.first, task.last)
    cleaned = clean(panel, task.cleaning, task.around)
    daily = to_daily(cleaned.panel, task.around.timezone, task.cleaning.valid_hours_share)
    if task.convert is not None:
        daily = task.convert(daily, task.first, task.last)
    days = daily.steps
    temperature = task.around.temperature_c
    if temperature is None:
        temperature = np.full(len(days), np.nan)
    fits = fit_change_points(daily.values, temperature)
    year = days.astype("datetime64[Y]").astype(int) + 1970
    filled = np.where(
        np.isfinite(daily.values), daily.values, fits.predict(np.nan_to_num(temperature))
    ).astype(float)
    usable_day = np.zeros(filled.shape, dtype=bool)
    energy = np.full(cleaned.usable.shape, np.nan)
    for k, y in enumerate(task.around.years):
        inside = year == y
        energy[:, k] = np.where(cleaned.usable[:, k], filled[:, inside].sum(axis=1), np.nan)
        usable_day[:, inside] = cleaned.usable[:, k, None]
    kept = np.where(usable_day, filled, 0.0)
    sums = np.zeros((task.groups, len(days)))
    chosen = task.group >= 0
    np.add.at(sums, task.group[chosen], kept[chosen])
    count = np.zeros((task.groups, len(task.around.years)), dtype=np.int64)
    np.add.at(count, task.group[chosen], cleaned.usable[chosen])
    return MeterYears(
        daily.meters, task.around.years, energy, cleaned.usable, cleaned.reason, cleaned.valid_days, fits, sums, count,
        kept.sum(axis=0), cleaned.counts, cleaned.audit,
    )  # fmt: skip


def _joined(parts: list[MeterYears]) -> MeterYears:
    fits = ChangePoints(
        *(np.concatenate([getattr(p.fits, n) for p in parts]) for n in ChangePoints.__dataclass_fields__)
    )
    rules = sorted({rule for p in parts for rule in p.counts})
    empty = [np.zeros(len(p.meters), dtype=np.int64) for p in parts]
    return MeterYears(
        meters=tuple(m for p in parts for m in p.meters),
        years=parts[0].years,
        energy=np.concatenate([p.energy for p in parts]),
        usable=np.concatenate([p.usable for p in parts]),
        reason=np.concatenate([p.reason for p in parts]),
        valid_days=np.concatenate([p.valid_days for p in parts]),
        fits=fits,
        group_days=np.sum([p.group_days for p in parts], axis=0),
        group_meters=np.sum([p.group_meters for p in parts], axis=0),
        fleet_days=np.sum([p.fleet_days for p in parts], axis=0),
        counts={
            r: np.concatenate([p.counts.get(r, e) for p, e in zip(parts, empty, strict=True)]) for r in rules
        },
        audit=tuple(line for p in parts for line in p.audit),
    )
