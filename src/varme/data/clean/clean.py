"""Clean a panel of meters: readings in, trusted intervals, counters and verdicts out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from varme.data.clean.spec import CleaningSpec
from varme.data.meters.panel import DAY_MIN, MeterPanel
from varme.ground.timegrid import utc_offset_s


@dataclass(frozen=True)
class Surroundings:
    """What cleaning may know besides the readings.

    Attributes:
        carrier: ``gas`` or ``heat_pump``.
        timezone: Clock of the town.
        years: Calendar years that are judged.
        temperature_c: Outdoor temperature by local day of the panel, shape (days,); ``None`` if not known.
    """

    carrier: Literal["gas", "heat_pump"]
    timezone: str
    years: tuple[int, ...]
    temperature_c: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class AuditLine:
    """One thing that a rule found: what it was, where, and what was done.

    Attributes:
        rule: Name of the rule.
        meter: Id of the meter.
        first: First step concerned (day or instant).
        last: Last step concerned.
        steps: Number of steps.
        action: What was done (``removed``, ``corrected``, ``flagged``).
        detail: The figures behind it.
    """

    rule: str
    meter: str
    first: np.datetime64
    last: np.datetime64
    steps: int
    action: str
    detail: str = ""


@dataclass(frozen=True)
class Cleaned:
    """What is left after cleaning.

    Attributes:
        panel: Intervals (never registers), NaN where a reading cannot be trusted. Same meters, same steps.
        counts: Rule -> number of steps that it touched, by meter, shape (meters,).
        audit: One line per occurrence, in the order of meters and times.
        valid_days: Days with a trusted value, shape (meters, years).
        usable: Whether the meter's year may be used, shape (meters, years).
        reason: Why not (code of the verdict; empty where usable), object array of the same shape.
    """

    panel: MeterPanel
    counts: dict[str, NDArray[np.int64]]
    audit: tuple[AuditLine, ...]
    valid_days: NDArray[np.int64]
    usable: NDArray[np.bool_]
    reason: NDArray[np.object_] = field(repr=False)


def clean(panel: MeterPanel, spec: CleaningSpec, around: Surroundings) -> Cleaned:
    """Clean a panel of daily or sub-daily readings.

    Args:
        panel: Readings as they were read.
        spec: Which rules apply.
        around: What is known besides.
    """
    days, valid = valid_by_day(panel, spec, around.timezone)
    year = days.astype("datetime64[Y]").astype(int) + 1970
    counted = np.stack([valid[:, year == y].sum(axis=1) for y in around.years], axis=1)
    length = np.array([366 if y % 4 == 0 and (y % 100 or y % 400 == 0) else 365 for y in around.years])
    usable = counted >= spec.valid_days_share * length
    reason = np.where(usable, "", "too few valid days").astype(object)
    return Cleaned(panel, {}, (), counted, usable, reason)


def valid_by_day(
    panel: MeterPanel, spec: CleaningSpec, timezone: str
) -> tuple[NDArray[np.datetime64], NDArray[np.bool_]]:
    """Return the local days of a panel and whether each has a trusted value, shape (meters, days)."""
    daily = to_daily(panel, timezone, spec.valid_hours_share)
    return daily.steps, np.isfinite(daily.values)


def to_daily(panel: MeterPanel, timezone: str, valid_share: float = 0.5) -> MeterPanel:
    """Return sums by local calendar day: the mean of the valid steps times the steps of the day (23 to 25 hours).

    A day with fewer valid steps than ``valid_share`` is NaN (CalTRACK 2.2.2.1). Daily panels are returned as they are.
    """
    if panel.step_min == DAY_MIN:
        return panel
    steps = panel.steps
    local = (steps + utc_offset_s(steps, timezone).astype("timedelta64[s]")).astype("datetime64[D]")
    first = local[0]
    edges = np.flatnonzero(np.r_[True, local[1:] != local[:-1]])
    length = np.diff(np.r_[edges, len(steps)])
    ok = np.isfinite(panel.values)
    valid = np.add.reduceat(ok, edges, axis=1, dtype=np.int64)
    total = np.add.reduceat(np.where(ok, panel.values, 0), edges, axis=1, dtype=np.float64)
    sums = np.where(
        valid >= np.maximum(1, valid_share * length), total / np.maximum(valid, 1) * length, np.nan
    )
    return MeterPanel(panel.meters, first, DAY_MIN, sums.astype(np.float32), panel.unit, panel.reading)
