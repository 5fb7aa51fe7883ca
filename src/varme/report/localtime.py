"""Times of a study in its local zone: wall-clock positions on an axis, and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from varme.ground.result import Result


def zone_of(result: Result) -> str:
    """Return the time zone of a study, ``UTC`` if it names none or one that is unknown here."""
    time = result.study.get("time")
    zone = time.get("timezone") if isinstance(time, dict) else None
    if not isinstance(zone, str):
        return "UTC"
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC"
    return zone


def wall_clock(times: NDArray[Any], zone: str) -> pd.DatetimeIndex:
    """Return UTC times as naive local times."""
    import pandas as pd

    index = pd.DatetimeIndex(np.asarray(times, dtype="datetime64[s]")).tz_localize("UTC")
    return index.tz_convert(zone).tz_localize(None)


def axis_seconds(times: NDArray[Any], zone: str) -> NDArray[np.int64]:
    """Return positions on an axis of local time [s since 1970-01-01 00:00 local], never running backwards.

    When clocks go back, the hour that exists twice holds both passes, each squeezed into half of it, so that a line
    does not turn back on itself.
    """
    utc = np.asarray(times, dtype="datetime64[s]").astype(np.int64)
    wall = wall_clock(times, zone).to_numpy().astype("datetime64[s]").astype(np.int64)
    offset = wall - utc
    for row in np.nonzero((np.diff(offset) < 0) & (np.diff(wall) <= 0) & (np.diff(utc) > 0))[0]:
        change, back = utc[row + 1], offset[row] - offset[row + 1]
        double = (utc >= change - back) & (utc < change + back)
        start = change - back
        wall[double] = start + offset[row] + (utc[double] - start) // 2
    return wall


def time_labels(times: NDArray[Any], zone: str) -> list[str]:
    """Return short labels of times for a category axis: months, days or hours, with the year if it changes.

    Times that all lie on midnight in UTC but not in the zone are days or months of UTC and are labelled so.
    """
    local = wall_clock(times, zone)
    if not len(local):
        return []
    if len(local) == 1:
        return [f"{local[0].day} {local[0].strftime('%b %Y %H:%M')}"]
    year = len(set(local.year)) > 1
    if not (local == local.normalize()).all():
        whole_days = wall_clock(times, "UTC")
        local = whole_days if (whole_days == whole_days.normalize()).all() else local
    midnight = bool((local == local.normalize()).all())
    if midnight and bool((local.day == 1).all()):
        return [t.strftime("%b %Y" if year else "%b") for t in local]
    pattern = "%b %Y" if year else "%b"
    clock = "" if midnight else " %H:%M"
    return [f"{t.day} {t.strftime(pattern + clock)}" for t in local]
