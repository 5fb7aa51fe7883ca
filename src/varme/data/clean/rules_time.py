"""Rules for time: dependence on neighbouring days, days and hours that slipped, daylight saving, leap days.

All compare a meter with the temperature of the day before and after, through its own response: a reading cannot depend
on tomorrow's temperature unless its day reaches into tomorrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from varme.data.clean.expect import season_of
from varme.data.clean.runs import Runs, best_segments, runs_of
from varme.data.clean.sheet import Sheet
from varme.ground.timegrid import utc_offset_s

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Share of tomorrow's temperature in a day's reading that a gas day shows at least half of the time. From 06:00 to
#: 06:00 a quarter of the hours are tomorrow's; walls that answer to yesterday too leave about half of that.
GAS_DAY_SHARE = 0.12
#: Log-likelihood ratio from which a span is taken for slipped: by chance exp(-13) at any start.
SLIP_EVIDENCE = 13.0
#: The same without what all meters have in common: their median is known less well than the weather (assumption).
SLIP_EVIDENCE_APART = 14.0
#: Share of the evidence that a slip of its span could give at most, from which it is one (expected: half).
SLIP_ROOM_SHARE = 0.4
#: The same by period, from which a meter is looked at by day (at 4, a little more is found in a third
#: more time).
SLIP_SUSPICION = 6.5
#: Meters from which a block tells what a day has in common.
COMMON_METERS_MIN = 30
#: Shortest span that is taken for slipped [days]: what is shorter may be weather (assumption).
SLIP_DAYS_MIN = 40
#: Least correlation of the patterns before and after a change of the clocks, at the best shift, and least gain over no
#: shift (ten simulated towns, 60 changes: a slip has 0.55 to 0.99 and gains 0.01 to 0.83, mostly more than 0.2; without
#: one, 59 have no gain and one 0.08).
CLOCK_FIT, CLOCK_GAIN = 0.6, 0.05
#: Days of a part of the series in which the dependence on neighbouring days is estimated.
PART_DAYS = 91
#: Days colder than this below the heating limit, and with neighbours that are, tell of yesterday and tomorrow [K].
COLD_K = 2.0


@dataclass(frozen=True)
class Lags:
    """How much of a day's reading follows the temperature of the day after and the day before.

    Attributes:
        ahead: Share of tomorrow, shape (meters,): the median over parts of the series.
        behind: Share of yesterday, likewise.
        error: Standard error of ``ahead``, from its scatter over the parts.
        steady: Share of the parts in which tomorrow has a share above a quarter of :data:`GAS_DAY_SHARE`.
        before: Share of the day before yesterday.
    """

    ahead: Floats
    behind: Floats
    error: Floats
    steady: Floats
    before: Floats


def lags_of(sheet: Sheet, residual: NDArray[np.float32], degrees: Floats) -> Lags:
    """Regress the residual on how much colder tomorrow and the two days before are than today, by quarter years.

    The day before yesterday keeps slow walls from looking like anything else. Days are weighted by the inverse square
    of their level, because cold days scatter more. The mean over the parts of the heating season without the lowest and
    the highest does not move when one of them is wrong.

    Args:
        sheet: The readings.
        residual: Readings less expectation, shape (meters, days).
        degrees: Degrees below the heating limit by day, shape (days,).
    """
    days, meters = len(degrees), len(residual)
    x = neighbours_of(degrees)
    cold = _cold(degrees)
    weighted = np.where(cold, 1 / (degrees + 1e-9), 0)[:, None] * x
    cuts = np.linspace(0, days, max(1, days // PART_DAYS) + 1).astype(int)
    grams = np.stack([x[a:b].T @ weighted[a:b] for a, b in pairwise(cuts.tolist())])
    size = np.trace(grams, axis1=1, axis2=2)
    sound = np.array([np.linalg.cond(g) < 1e6 if np.isfinite(g).all() and g.any() else False for g in grams])
    good = np.flatnonzero(sound & (size > 0.25 * max(float(size.max(initial=0)), 1e-12)))
    if not len(good):
        return Lags(*(np.zeros(meters) for _ in range(5)))
    found = np.zeros((meters, len(good), 3))
    small = weighted.astype(np.float32)
    for k, piece in enumerate(good.tolist()):
        a, b = cuts[piece], cuts[piece + 1]
        found[:, k] = (residual[:, a:b] @ small[a:b]) @ np.linalg.inv(grams[piece])
    share = found / np.maximum(sheet.expected.slope, 1e-9)[:, None, None]
    weight = size[good] / size[good].sum()
    middle = np.einsum("ijk,j->ik", share, weight)
    for _ in range(3):
        off = np.abs(share - middle[:, None, :])
        kept = weight[None, :, None] / (1 + (off / 0.15) ** 2)
        middle = (share * kept).sum(axis=1) / kept.sum(axis=1)
    steady = (share[:, :, 0] > 0.25 * GAS_DAY_SHARE).mean(axis=1)
    scatter = np.sqrt((kept * (share - middle[:, None, :]) ** 2).sum(axis=1) / kept.sum(axis=1))[:, 0]
    error = scatter / np.sqrt(max(len(good) - 1, 1)) + (1.0 if len(good) < 2 else 0.0)
    return Lags(
        np.clip(middle[:, 0], -0.2, 0.6),
        np.clip(middle[:, 1], -0.2, 0.6),
        error,
        steady,
        np.clip(middle[:, 2], -0.2, 0.6),
    )


def slipped_days(sheet: Sheet, lags: Lags, filled: NDArray[np.float32], degrees: Floats) -> None:
    """Find spans whose readings stand one day too late or too early, and move them back.

    The score of a day is the log-likelihood ratio of the shifted against the own expectation, which knows the meter's
    usual dependence on its neighbours; the span is the one with the largest sum. Days outside the heating season tell
    nothing. Periods of all meters are screened first: the expectation is linear, so their scores are products of small
    matrices.

    Args:
        sheet: The readings.
        lags: Dependence on neighbouring days.
        filled: Readings, what is missing as expected, shape (meters, days).
        degrees: Degrees below the heating limit by day, shape (days,).
    """
    expected = sheet.expected
    rows = np.flatnonzero((expected.heating_share > 0.3) & (expected.slope > 0))
    if not len(rows):
        return
    near = np.maximum(np.stack([lags.ahead, lags.behind, lags.before], axis=1), 0) * expected.slope[:, None]
    own = np.concatenate([expected.coefficients, near], axis=1)
    x = np.concatenate([sheet.features, neighbours_of(degrees)], axis=1)
    squares = (own[:, :, None] * own[:, None, :]).reshape(len(own), -1)
    edges, length = expected.periods.edges, expected.periods.length
    level = np.maximum(expected.period_day, 0.5 * expected.mean[:, None])
    sigma2 = (expected.noise[:, None] * level) ** 2 + 1e-12
    cold = _cold(degrees) & season_of(sheet.features, 1.1)
    usual = _common_days(sheet, rows, filled, own, x)
    for shift in (1, -1):
        change = np.where(cold[:, None], _shifted(x, shift) - x, 0)
        small = change.astype(np.float32)
        gain = np.empty(expected.period_day.shape)
        for p, (a, n) in enumerate(zip(edges.tolist(), length.astype(int).tolist(), strict=True)):
            g, part = change[a : a + n], filled[:, a : a + n] @ small[a : a + n]
            fixed = 2 * x[a : a + n].T @ g + g.T @ g
            gain[:, p] = 2 * np.einsum("ij,ij->i", part, own) - squares @ fixed.reshape(-1)
        best, _, _ = best_segments(np.clip(gain / (2 * sigma2), -3 * length, 3 * length)[rows])
        suspects = rows[best > SLIP_SUSPICION]
        if len(suspects):
            other = (own[suspects] @ change.T).astype(np.float32)
            off = filled[suspects] - (own[suspects] @ x.T).astype(np.float32)
            _slip_rows(sheet, suspects, shift, other, off, cold, usual)


def _common_days(
    sheet: Sheet, rows: Ints, filled: NDArray[np.float32], own: Floats, x: Floats
) -> NDArray[np.float32]:
    """Return by how much all meters of a block are above what is expected of them, by day, relative to their level.

    Sun, wind and holidays are no meter's own. The median of up to 400 meters; 0 where there are fewer than 30. Shape
    (days,).
    """
    if len(rows) < COMMON_METERS_MIN:
        return np.zeros(len(x), dtype=np.float32)
    some = rows[:: max(1, len(rows) // 400)]
    off = filled[some] - (own[some] @ x.T).astype(np.float32)
    off /= np.maximum(sheet.e[some], 0.5 * sheet.mean[some, None]).astype(np.float32)
    return np.asarray(np.median(off, axis=0), dtype=np.float32)


def _slip_rows(
    sheet: Sheet,
    rows: Ints,
    shift: int,
    other: NDArray[np.float32],
    off: NDArray[np.float32],
    cold: NDArray[np.bool_],
    usual: NDArray[np.float32],
) -> None:
    """Score suspicious rows by day, with noise in proportion to the level, and move what slipped.

    Each is scored as it is and without what all meters have in common: the first finds slips of whole files, which the
    second cannot see; the second those of single meters behind the weather.
    """
    level = np.maximum(sheet.e[rows], 0.5 * sheet.mean[rows, None])
    noise = sheet.expected.noise[rows, None]
    there = np.isfinite(sheet.y[rows]) & ~sheet.vacant[rows]
    evidence, first, last, hit = _slip_spans(sheet, other, off, noise * level, there, SLIP_EVIDENCE)
    if usual.any():
        apart = off - usual[None, :] * level
        left = np.median(np.abs(apart[:, cold] / level[:, cold]), axis=1)[:, None] * 1.4826
        sigma = np.clip(left, 0.03, noise) * level
        gain, begin, end, enough = _slip_spans(sheet, other, apart, sigma, there, SLIP_EVIDENCE_APART)
        better = enough & ~(hit & (evidence > gain))
        evidence = np.where(better, gain, evidence)
        first, last = np.where(better, begin, first), np.where(better, end, last)
        hit = hit | better
    for row, a, b in zip(rows[hit].tolist(), first[hit].tolist(), last[hit].tolist(), strict=True):
        moved = np.roll(sheet.y[row, a : b + 1], -shift)
        moved[-1 if shift > 0 else 0] = np.nan
        sheet.y[row, a : b + 1] = moved
    found = Runs(rows, first, last).chosen(hit)
    figures = np.stack([np.full(hit.sum(), shift), evidence[hit]], axis=1)
    sheet.ledger.add(
        "time_slip", found, "corrected", "shifted by {0:+.0f} d, log-likelihood ratio {1:.0f}", figures
    )


def _slip_spans(
    sheet: Sheet,
    other: NDArray[np.float32],
    off: NDArray[np.float32],
    sigma: NDArray[np.floating],
    there: NDArray[np.bool_],
    least: float,
) -> tuple[Floats, Ints, Ints, NDArray[np.bool_]]:
    """Return the span of each row that a shift explains best: its evidence, first and last day, and if it is enough."""
    bounded = np.clip(off, -3 * sigma, 3 * sigma)
    score = np.clip(np.where(there, other * (2 * bounded - other) / (2 * sigma**2), 0), -2.0, 2.0)
    room = np.where(there, np.minimum(other**2 / (2 * sigma**2), 2.0), 0)
    score = score / _widening(score, room, sheet.expected.periods.edges)[:, None]
    evidence, first, last = best_segments(score.astype(np.float64))
    column = np.arange(score.shape[1])[None, :]
    inside = (column >= first[:, None]) & (column <= last[:, None])
    hit = (
        (evidence > least)
        & (evidence > SLIP_ROOM_SHARE * np.where(inside, room, 0).sum(axis=1))
        & (last - first >= SLIP_DAYS_MIN)
    )
    return evidence, first, last, hit


def _widening(score: NDArray[np.floating], room: NDArray[np.floating], edges: Ints) -> Floats:
    """Return by how much the scores of periods scatter more than those of independent days would, at least 1.

    Without a slip, a log-likelihood ratio has the mean ``-r`` and the variance ``2 r``; weekly habits and long memories
    widen it. The median over periods does not see the slip itself.
    """
    s, r = np.add.reduceat(score, edges, axis=1), np.add.reduceat(room, edges, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        square = np.where(r > 0.3, (s + r) ** 2 / (2 * r), np.nan)
    some = np.isfinite(square).sum(axis=1) >= 5
    out = np.ones(len(score))
    out[some] = np.nanmedian(square[some], axis=1) / 0.455
    return np.maximum(out, 1)


def neighbours_of(degrees: Floats) -> Floats:
    """Return how much colder tomorrow, yesterday and the day before are than today, shape (days, 3)."""
    ahead = np.r_[degrees[1:], degrees[-1]] - degrees
    behind = np.r_[degrees[0], degrees[:-1]] - degrees
    before = np.r_[degrees[:1], degrees[:1], degrees[:-2]] - degrees
    return np.stack([ahead, behind, before], axis=1)


def _cold(degrees: Floats) -> NDArray[np.bool_]:
    """Return which days are cold and have cold neighbours: there, the response to the temperature is straight."""
    around = degrees[:, None] + neighbours_of(degrees)
    return np.asarray(np.minimum(degrees, around.min(axis=1)) > COLD_K)


def _shifted(values: Floats, shift: int) -> Floats:
    """Return rows moved down by a number of days; what is left at the end repeats the first or last row."""
    days = len(values)
    return values[np.clip(np.arange(days) - shift, 0, days - 1)]


def leap_days(sheet: Sheet) -> None:
    """Count 29 Februaries without a value between days with one."""
    day = sheet.panel.steps.astype("datetime64[D]")
    place = np.flatnonzero(is_leap_day(day))
    place = place[(place > 0) & (place < len(day) - 1)]
    if not len(place) or not sheet.daily:
        return
    y = sheet.y
    lost = np.isnan(y[:, place]) & np.isfinite(y[:, place - 1]) & np.isfinite(y[:, place + 1])
    lost &= np.isnan(sheet.panel.values[:, place])
    row, which = np.nonzero(lost)
    sheet.ledger.add("leap_day", Runs(row, place[which], place[which]), "flagged", "29 February has no value")


def lost_leap_days(sheet: Sheet) -> None:
    """Count 29 Februaries of sub-daily series that have no value at all between days with some."""
    leap = runs_of(is_leap_day(sheet.panel.steps.astype("datetime64[D]"))[None, :])
    for a, b in zip(leap.first.tolist(), leap.last.tolist(), strict=True):
        if a == 0 or b == sheet.y.shape[1] - 1:
            continue
        lost = np.isnan(sheet.panel.values[:, a : b + 1]).all(axis=1)
        rows = np.flatnonzero(lost & np.isfinite(sheet.y[:, a - 1]) & np.isfinite(sheet.y[:, b + 1]))
        span = Runs(rows, np.full(len(rows), a), np.full(len(rows), b))
        sheet.ledger.add("leap_day", span, "flagged", "29 February has no value")


def clock_slips(sheet: Sheet) -> None:
    """Flag panels whose daily pattern moves by an hour or two when the clocks change: their stamps miss it.

    Heating programmes follow the local clock. The mean pattern of all meters by local hour, three weeks before and
    after each change, is compared at shifts of up to two hours; two changes and at least half must agree, those of
    spring in one direction and those of autumn in the other. A single meter says too little: its pattern wanders by
    more than an hour with the season. Patterns without edges (:data:`CLOCK_GAIN`) say nothing: they may follow the sun.
    """
    offset = utc_offset_s(sheet.panel.steps, sheet.around.timezone)
    mean = sheet.mean
    rows = np.flatnonzero(mean > 0)
    hour = max(1, sheet.per_day // 24)
    window = 21 * sheet.per_day
    change = np.flatnonzero(np.diff(offset) != 0) + 1
    change = change[(change >= window) & (change <= len(offset) - window)]
    if len(rows) < 10 or not len(change):
        return
    fleet = np.nan_to_num(np.clip(sheet.y[rows] / mean[rows, None], 0, 6)).mean(axis=0)
    seconds = sheet.panel.steps.astype("datetime64[s]").astype(np.int64) + offset.astype(np.int64)
    slot = (seconds // (60 * sheet.panel.step_min)) % sheet.per_day
    moved = []
    for at in change.tolist():
        before, after = (
            np.bincount(slot[part], fleet[part], sheet.per_day)
            for part in (slice(at - window, at), slice(at, at + window))
        )
        shifts = range(-2, 3)
        if min(np.ptp(before), np.ptp(after)) == 0:  # no pattern: no readings, or all hours alike
            moved.append(0)
            continue
        fit = np.array([np.corrcoef(np.roll(before, k * hour), after)[0, 1] for k in shifts])
        best = int(np.argmax(fit))
        moved.append(shifts[best] if fit[best] > CLOCK_FIT and fit[best] > fit[2] + CLOCK_GAIN else 0)
    off = np.array(moved) * np.sign(offset[change] - offset[change - 1]).astype(int)
    agree = np.bincount(off + 2, minlength=5)
    agree[2] = 0
    if agree.max() < max(len(off) / 2, min(2, len(off))):
        return
    last = np.full(len(rows), sheet.y.shape[1] - 1)
    size = np.full(len(rows), float(abs(int(agree.argmax()) - 2)))
    sheet.ledger.add(
        "clock_slip", Runs(rows, np.zeros_like(last), last), "flagged",
        "the daily pattern of all meters moves by {0:.1f} h when the clocks change", size,
    )  # fmt: skip


def dst_hours(sheet: Sheet) -> None:
    """Share out what two hours of autumn's clock change hold, where one has the sum of both and the other nothing."""
    offset = utc_offset_s(sheet.panel.steps, sheet.around.timezone)
    hour = max(1, sheet.per_day // 24)
    n = len(offset)
    back = np.flatnonzero(np.diff(offset) < 0) + 1
    for at in back[(back >= 3 * hour) & (back < n - 3 * hour)].tolist():
        early, late = slice(at - hour, at), slice(at, at + hour)
        for full, empty in ((early, late), (late, early)):
            held = sheet.y[:, full].astype(np.float64)
            none = ~(np.nan_to_num(sheet.y[:, empty]) > 0).any(axis=1)
            around = np.concatenate(
                [sheet.y[:, at - 3 * hour : at - hour], sheet.y[:, at + hour : at + 3 * hour]], axis=1
            ).astype(np.float64)
            usual = np.nanmean(np.where(np.isfinite(around), around, 0), axis=1)
            hit = none & (held.mean(axis=1) > 1.4 * usual) & (around > 0).all(axis=1)
            # Pumps that run on and off have empty hours of their own, at full power beside them.
            near = np.nan_to_num(sheet.y[:, max(0, at - 4 * sheet.per_day) : at + 4 * sheet.per_day])
            hit &= (near > 0).mean(axis=1) > 0.9
            running = (around > 0).mean(axis=0).min()  # meters that run in each hour beside
            if running * len(sheet.y) >= 10 and 1 - none.mean() < 0.1 * running:
                hit = none & (held > 0).all(axis=1)  # the whole file has it
            rows = np.flatnonzero(hit)
            if not len(rows):
                continue
            half = sheet.y[rows, full] / 2
            sheet.y[rows, full] = half
            sheet.y[rows, empty] = half
            span = Runs(rows, np.full(len(rows), at - hour), np.full(len(rows), at + hour - 1))
            sheet.ledger.add(
                "dst_hours", span, "corrected", "clock change: {0:.2f} in one hour, the other is empty",
                held[rows].sum(axis=1),
            )  # fmt: skip


def is_leap_day(day: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    """Return which days are a 29 February."""
    month = day.astype("datetime64[M]")
    return np.asarray(
        ((day.astype("datetime64[D]") - month.astype("datetime64[D]")).astype(int) == 28)
        & (month.astype(int) % 12 == 1)
    )
