"""What is enough: which years of a meter may be used, and why not the others.

CalTRACK 2.2 asks for valid values on 90 % of a year's days. A winter's gap weighs more than a summer's, so the longest
gap in the heating season is limited too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.data.clean.sheet import Sheet

#: Reasons why a meter's year is not used, in the order in which they are tried, with their meaning.
REASONS: dict[str, str] = {
    "not_this_year": "the meter has no value in the year",
    "no_use": "the meter reads nothing but 0 in the year",
    "multi_family": "the meter serves several dwellings, or a building far larger than a home",
    "cooking_only": "little gas, and it does not follow the temperature: cooking",
    "no_heating": "the use does not follow the temperature: hot water or a process, no heating",
    "vacant": "nobody lives there for weeks of the heating season",
    "too_few_days": "less than the wanted share of the year's days is valid",
    "heating_gap": "too many days in a row of the heating season are invalid",
    "too_much_estimated": "most of the days' energy was spread from readings of several days",
}


@dataclass(frozen=True)
class Verdict:
    """What may be used: arrays of shape (meters, years)."""

    valid_days: NDArray[np.int64]
    usable: NDArray[np.bool_]
    reason: NDArray[np.object_]


def judge(sheet: Sheet, meters: dict[str, NDArray[np.bool_]]) -> Verdict:
    """Judge every meter and year.

    Args:
        sheet: Cleaned readings.
        meters: Verdicts on meters as a whole, by reason.
    """
    years = sheet.around.years
    valid = sheet.valid_days()
    year = sheet.calendar.astype("datetime64[Y]").astype(int) + 1970
    shape = (len(valid), len(years))
    counted = np.zeros(shape, dtype=np.int64)
    reason = np.full(shape, "", dtype=object)
    vacant = np.flatnonzero(sheet.vacant.any(axis=1))
    merged = np.flatnonzero(sheet.merged.any(axis=1))
    for k, y in enumerate(years):
        inside = np.flatnonzero(year == y)
        length = 366 if y % 4 == 0 and (y % 100 or y % 400 == 0) else 365
        part = slice(inside[0], inside[-1] + 1) if len(inside) else slice(0, 0)
        counted[:, k] = np.count_nonzero(valid[:, part], axis=1)
        none = counted[:, k] == 0
        few = counted[:, k] < sheet.spec.valid_days_share * length
        found: dict[str, NDArray[np.bool_]] = {"not_this_year": none, **meters, "too_few_days": few}
        steps = sheet.steps_of(part)
        found["no_use"] = ~none & ~(np.fmax.reduce(sheet.y[:, steps], axis=1, initial=0) > 0)
        found["vacant"] = _some(len(valid), vacant, sheet.vacant_by_day(vacant)[:, part].sum(axis=1) >= 7)
        most = sheet.spec.heating_gap_days_max
        gappy = np.flatnonzero(part.stop - part.start - counted[:, k] > most)  # others cannot have such a gap
        found["heating_gap"] = _some(len(valid), gappy, _longest_gap(sheet, gappy, valid[gappy], part) > most)
        spread = sheet.merged_by_day(merged)[:, part].sum(axis=1)
        limit = sheet.spec.estimated_share_max * np.maximum(counted[merged, k], 1)
        found["too_much_estimated"] = _some(len(valid), merged, spread > limit)
        for name in reversed(list(REASONS)):
            reason[found[name], k] = name
    return Verdict(counted, reason == "", reason)


def _some(count: int, rows: NDArray[np.int64], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    out = np.zeros(count, dtype=bool)
    out[rows] = mask
    return out


def _longest_gap(
    sheet: Sheet, rows: NDArray[np.int64], valid: NDArray[np.bool_], part: slice
) -> NDArray[np.int64]:
    """Return the longest run of invalid days of the heating season of each row."""
    season = sheet.expected.day[rows, part] > sheet.expected.mean[rows, None]
    gap = ~valid[:, part] & season
    total = np.cumsum(gap, axis=1, dtype=np.int64)
    floor = np.maximum.accumulate(np.where(valid[:, part], total, 0), axis=1)
    return np.asarray((total - floor).max(axis=1, initial=0), dtype=np.int64)
