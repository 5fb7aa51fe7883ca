"""From steps to local days."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from varme.data.clean.spec import CleaningSpec
from varme.data.meters.panel import DAY_MIN, MeterPanel
from varme.ground.timegrid import utc_offset_s


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
    first, edges, length = local_days(panel, timezone)
    values = day_sums(panel.values, edges, length, valid_share)
    return replace(panel, start=first, step_min=DAY_MIN, values=values, estimated=None, duplicates=None)


def local_days(
    panel: MeterPanel, timezone: str
) -> tuple[np.datetime64, NDArray[np.int64], NDArray[np.int64]]:
    """Return the first local day of a sub-daily panel, the first step of each day, and the steps of each day."""
    steps = panel.steps
    local = (steps + utc_offset_s(steps, timezone).astype("timedelta64[s]")).astype("datetime64[D]")
    edges = np.flatnonzero(np.r_[True, local[1:] != local[:-1]])
    return local[0], edges, np.diff(np.r_[edges, len(steps)])


def day_sums(
    values: NDArray[np.float32], edges: NDArray[np.int64], length: NDArray[np.int64], valid_share: float
) -> NDArray[np.float32]:
    """Return the sums of days: the mean of the valid steps times the steps, NaN with too few of them."""
    ok = np.isfinite(values)
    valid = np.add.reduceat(ok, edges, axis=1, dtype=np.int64)
    total = np.add.reduceat(np.where(ok, values, 0), edges, axis=1, dtype=np.float64)
    enough = valid >= np.maximum(1, valid_share * length)
    return np.asarray(np.where(enough, total / np.maximum(valid, 1) * length, np.nan), dtype=np.float32)
