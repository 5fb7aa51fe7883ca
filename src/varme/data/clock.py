"""Wall-clock stamps to UTC, days of 23 and 25 hours included."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from varme.ground.timegrid import utc_offset_s

DAY_S = 86400


def to_utc(
    wall_s: NDArray[np.int64], offset_s: NDArray[np.float64], timezone: str
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return UTC seconds of stamps, and which stamps do not exist on their clock.

    A stamp with an offset is exact. One without is read on the clock of ``timezone``. The hour that comes twice in
    autumn is resolved by order: of two equal stamps the first in the file is the earlier one (the later one if the
    file runs backwards in time); a single one is taken as the earlier.

    Args:
        wall_s: Wall-clock seconds since 1970, shape (rows,), in file order.
        offset_s: Offset from UTC that a stamp states [s], NaN if none, shape (rows,).
        timezone: IANA name for stamps without an offset.

    Returns:
        UTC seconds, and True for stamps in the hour that the clock skips in spring; both of shape (rows,).

    Raises:
        InputError: P101 if there is no such time zone.
    """
    naive = np.isnan(offset_s)
    utc = wall_s - np.where(naive, 0, offset_s).astype(np.int64)
    skipped = np.zeros(wall_s.size, dtype=bool)
    if naive.any():
        utc[naive], skipped[naive] = _local_to_utc(wall_s[naive], timezone)
    return utc, skipped


def _local_to_utc(wall_s: NDArray[np.int64], timezone: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    before, after = (_offsets(wall_s + shift, timezone) for shift in (-DAY_S, DAY_S))
    utc = wall_s - before
    skipped = np.zeros(wall_s.size, dtype=bool)
    near = np.flatnonzero(before != after)
    if not near.size:
        return utc, skipped
    wall, early, late = wall_s[near], wall_s[near] - before[near], wall_s[near] - after[near]
    early_ok = _offsets(early, timezone) == before[near]
    late_ok = _offsets(late, timezone) == after[near]
    second = ~early_ok & late_ok
    both = early_ok & late_ok & (early != late)
    second[both] = _occurrence(wall[both], falling=bool(np.sign(np.diff(wall_s)).sum() < 0)) > 0
    utc[near] = np.where(second, late, early)
    skipped[near] = ~early_ok & ~late_ok
    return utc, skipped


def _occurrence(stamps: NDArray[np.int64], *, falling: bool) -> NDArray[np.int64]:
    """Return for each stamp how many equal ones come before it (after it, if the file runs backwards)."""
    order = np.argsort(stamps, kind="stable")
    ordered = stamps[order]
    new = np.concatenate([[True], ordered[1:] != ordered[:-1]]) if stamps.size else np.zeros(0, dtype=bool)
    starts = np.maximum.accumulate(np.where(new, np.arange(stamps.size), 0))
    rank = np.arange(stamps.size) - starts
    if falling:
        lengths = (
            np.bincount(np.cumsum(new) - 1, minlength=int(new.sum())) if stamps.size else np.zeros(0, int)
        )
        rank = lengths[np.cumsum(new) - 1] - 1 - rank
    result = np.empty(stamps.size, dtype=np.int64)
    result[order] = rank
    return result


def transitions_utc(first_s: int, last_s: int, timezone: str) -> NDArray[np.int64]:
    """Return the UTC hours, within a span, at whose start a zone's clock changes [s], shape (changes,)."""
    hours = np.arange(first_s // 3600, last_s // 3600 + 2, dtype=np.int64) * 3600
    offsets = _offsets(hours, timezone)
    return np.asarray(hours[1:][offsets[1:] != offsets[:-1]], dtype=np.int64)


def _offsets(seconds: NDArray[np.int64], timezone: str) -> NDArray[np.int64]:
    return utc_offset_s(seconds.astype("datetime64[s]"), timezone)


def shifted_years(utc_s: NDArray[np.int64], years: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return stamps moved by whole calendar years (UTC), and which of them still exist (29 February may not)."""
    stamps = utc_s.astype("datetime64[s]")
    month = stamps.astype("datetime64[M]")
    of_month = stamps - month.astype("datetime64[s]")
    moved_month = month + np.timedelta64(12 * years, "M")
    moved = moved_month.astype("datetime64[s]") + of_month
    return moved.astype(np.int64), np.asarray(moved.astype("datetime64[M]") == moved_month)
