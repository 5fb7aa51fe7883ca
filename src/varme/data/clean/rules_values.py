"""Rules for values: duplicates, estimates, negatives, standing registers, repeated values, zeros, spikes, limits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from varme.data.clean.expect import expect
from varme.data.clean.rules_register import TURNS
from varme.data.clean.rules_time import is_leap_day
from varme.data.clean.runs import Runs, runs_of, spread
from varme.data.clean.sheet import Sheet

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def duplicates(sheet: Sheet) -> None:
    """Count readings that came twice with one value; take out intervals that came with different ones."""
    twice = sheet.panel.duplicates
    if twice is None:
        return
    rows = np.flatnonzero(twice.any(axis=1))
    part = twice[rows]
    sheet.ledger.add("duplicate_same", runs_of(part == 1, rows), "flagged", "the same value twice")
    if sheet.panel.reading == "interval":
        conflict = runs_of(part == 2, rows)
        sheet.ledger.add(
            "duplicate_conflict",
            conflict,
            "removed",
            "different values; {0:.2f} was first",
            _first(sheet, conflict),
        )
        sheet.clear(conflict)


def estimated(sheet: Sheet) -> None:
    """Merge readings marked as estimated with the next actual one: their sum is measured (CalTRACK 2.2.2.1)."""
    marked = sheet.panel.estimated
    if marked is None or sheet.panel.reading == "register":
        return
    rows = np.flatnonzero(marked.any(axis=1))
    runs = runs_of(marked[rows], rows)
    n = sheet.y.shape[1]
    closed = runs.last < n - 1
    after = np.where(closed, runs.last + 1, runs.last)
    closed &= np.isfinite(sheet.y[runs.row, after])
    closed &= runs.length <= sheet.spec.bridge_days_max * sheet.per_day
    _merge(sheet, "estimated", runs.chosen(closed), "{0:.1f} read at the end, spread over {1:.0f} steps")
    left = runs.chosen(~closed)
    sheet.ledger.add("estimated", left, "removed", "no actual reading follows in time")
    sheet.clear(left)


def resolution(sheet: Sheet, suspects: Ints) -> None:
    """Find meters that count in coarse units: every value is a whole number of them. Zeros are then readings."""
    part = sheet.y[suspects, ::13]
    found = _unit_of(np.where(part > 0, part, np.nan).astype(np.float64), 0.97)
    coarse = found > 0.04 * np.maximum(sheet.mean[suspects], 1e-9)
    rows = suspects[coarse]
    if len(rows):
        y = sheet.y[rows].astype(np.float64)
        found[coarse] = _unit_of(np.where(y > 0, y, np.nan), 0.985)
    found = np.maximum(found, sheet.resolution[suspects])
    sheet.resolution[suspects] = found
    coarse = found > 0.04 * np.maximum(sheet.mean[suspects], 1e-9)
    last = np.full(len(suspects), sheet.y.shape[1] - 1)
    runs = Runs(suspects, np.zeros_like(last), last).chosen(coarse)
    sheet.ledger.add(
        "resolution", runs, "flagged", "counts in units of {0:g}; zeros are readings", found[coarse]
    )


def _unit_of(positive: Floats, share: float) -> Floats:
    """Return the largest unit of which nearly all values are whole multiples, 0 if there is none."""
    count = np.isfinite(positive).sum(axis=1)
    found = np.zeros(len(positive))
    left = np.flatnonzero(count >= 15)
    for unit in (0.001, 0.01, 0.1, 1.0, 10.0):
        left = left[_on_lattice(positive[left], np.full(len(left), unit), count[left], share)]
        found[left] = unit
    least = np.fmin.reduce(positive, axis=1)
    typical = np.nansum(positive, axis=1) / np.maximum(count, 1)
    some = np.flatnonzero((count >= 15) & (least > 0.03 * typical))
    some = some[_on_lattice(positive[some], least[some], count[some], share)]
    found[some] = np.maximum(least[some], found[some])
    return found


def _on_lattice(positive: Floats, unit: Floats, count: Ints, share: float) -> Bools:
    with np.errstate(invalid="ignore"):
        times = positive / unit[:, None]
        near = np.abs(times - np.rint(times)) < 2e-3 + 3e-7 * times
    return np.asarray(near.sum(axis=1) >= share * count)


def negatives(sheet: Sheet) -> None:
    """Add a turn of the register where that explains a negative value; take out the others."""
    rows = np.flatnonzero(np.fmin.reduce(sheet.y, axis=1) < 0)
    if not len(rows):
        return
    row, step = np.nonzero(sheet.y[rows] < 0)
    row = rows[row]
    value, due = sheet.y[row, step].astype(np.float64), sheet.e[row, step].astype(np.float64)
    mean = sheet.mean[row]
    candidate = value[:, None] + TURNS[None, :]
    limit = (due + 4 * mean + 6 * sheet.sd[row])[:, None] + 1e-6 * TURNS[None, :]
    slack = 0.01 * mean[:, None] + 1.2e-7 * TURNS[None, :]
    fits = (candidate >= -slack) & (candidate <= limit)
    which = np.argmax(fits, axis=1)
    turned = fits[np.arange(len(row)), which]
    runs = Runs(row, step, step)
    right = np.maximum(candidate[np.arange(len(row)), which], 0)
    sheet.y[row[turned], step[turned]] = right[turned]
    figures = np.stack([value, TURNS[which]], axis=1)
    sheet.ledger.add("roll_over", runs.chosen(turned), "corrected", "{0:.1f}: {1:.0f} added", figures[turned])
    large = ~turned & (value < -20 * mean)
    sheet.ledger.add("register_swap", runs.chosen(large), "removed", "{0:.1f}", figures[large])
    small = ~turned & ~large
    sheet.ledger.add("negative", runs.chosen(small), "removed", "{0:.2f}", figures[small])
    sheet.y[row[~turned], step[~turned]] = np.nan


def repeats(sheet: Sheet, suspects: Ints) -> None:
    """Find one positive value repeated more often than chance allows: estimates that were not marked, or a stuck value.

    If the next reading is off and makes the whole run add up to what is expected, it caught up: the run is merged with
    it. Else what was used in the run is not known, and the run is taken out.
    """
    y = sheet.y[suspects]
    same = np.zeros(y.shape, dtype=bool)
    same[:, 1:] = (y[:, 1:] == y[:, :-1]) & (y[:, 1:] > 0)
    pairs = runs_of(same)
    value = y[pairs.row, pairs.first].astype(np.float64)
    runs = Runs(suspects[pairs.row], pairs.first - 1, pairs.last)
    mean = sheet.mean[runs.row]
    due = runs.sums(sheet.e)
    odd = (runs.length > _longest_by_chance(sheet, runs, due)) & (
        (value > 0.15 * mean) | (due > 0.5 * mean * runs.length)
    )
    top = np.fmax.reduce(y, axis=1)[pairs.row]
    odd &= (value < top) | ~sheet.limited[runs.row]
    runs, value = runs.chosen(odd), value[odd]
    if not len(runs):
        return
    caught = _caught_up(sheet, runs)
    _merge(
        sheet,
        "estimated",
        runs.chosen(caught),
        "one value repeated, then {2:.1f}: {0:.1f} over {1:.0f} steps",
    )
    stuck = runs.chosen(~caught)
    sheet.ledger.add("stuck_value", stuck, "removed", "{0:.3f} repeated", value[~caught])
    keep_first = Runs(stuck.row, stuck.first + 1, stuck.last)
    sheet.clear(keep_first)


def _longest_by_chance(sheet: Sheet, runs: Runs, due: Floats) -> Floats:
    """Return the longest run of equal values that each meter may well have there.

    A meter that counts in fine units hardly repeats a value. One that counts in units of ``u`` does, about once in
    ``2 s / u`` where days scatter by ``s``; where the unit is not known, as often as it is seen to. Runs that happen
    less than once in 10^7 are not by chance.
    """
    unit = sheet.resolution[runs.row]
    often = np.bincount(runs.row, minlength=len(sheet.y))[runs.row] / max(sheet.y.shape[1], 1)
    scatter = 1.8 * sheet.expected.noise[runs.row] * due / runs.length
    chance = np.where(unit > 0, unit / np.maximum(scatter, 1e-12), 1.5 * often)
    chance = np.clip(chance, 1e-4, 0.95)
    floor = 2.0 if sheet.daily else 1.5 * sheet.per_day
    return np.asarray(np.maximum(1 + np.log(1e-7) / np.log(chance), floor), dtype=np.float64)


def _caught_up(sheet: Sheet, runs: Runs) -> Bools:
    """Return whether the reading after a run is off, and makes the run add up to what is expected."""
    n = sheet.y.shape[1]
    inside = runs.last < n - 1
    after = np.minimum(runs.last + 1, n - 1)
    value = sheet.y[runs.row, after].astype(np.float64)
    due = sheet.e[runs.row, after].astype(np.float64)
    whole = Runs(runs.row, runs.first, after)
    total, wanted = whole.sums(sheet.y), whole.sums(sheet.e)
    sd = sheet.sd[runs.row]
    off = np.abs(value - due) > np.maximum(3.0 * sd, 0.35 * due)
    sums_up = np.abs(total - wanted) < 0.45 * wanted + 2 * sd
    lone = np.abs(total - value - (wanted - due)) > 0.6 * np.abs(value - due)
    return np.asarray(inside & np.isfinite(value) & off & sums_up & (lone | (value < 0)))


def zeros(sheet: Sheet, suspects: Ints) -> None:
    """Tell zeros that mean missing from zeros that were read.

    A zero is a reading where little is expected (summer), where the meter counts in coarse units, or where the meter is
    often zero on such days. A run of zeros that the next reading makes up for is a register that stood still.
    """
    y, e = sheet.y[suspects], sheet.e[suspects]
    zero = y == 0
    local = runs_of(zero)
    runs = Runs(suspects[local.row], local.first, local.last)
    mean = np.maximum(sheet.mean[runs.row], 1e-12)
    due = runs.sums(sheet.e)
    rate = due / runs.length / mean
    brief = runs.length <= 2 * sheet.per_day
    needed = np.where(brief, 1.6, 1.0) * sheet.spec.zero_days_share
    needed = np.maximum(needed, _habit(sheet, suspects, zero, e)[local.row])
    needed = np.where(_is_leap_day(sheet, runs), 0.15, needed)
    least = 1 if sheet.daily else sheet.per_day
    missing = (rate >= needed) & (runs.length >= least) & (due >= 6 * sheet.resolution[runs.row])
    missing &= sheet.season[(runs.first + runs.last) // 2]
    heating = sheet.expected.heating_share[runs.row] >= sheet.spec.heating_share_min
    missing &= heating | (runs.length >= 7 * sheet.per_day)
    ends = (runs.first == 0) | (runs.last == y.shape[1] - 1)
    missing |= ends & (due >= 20 * mean * sheet.per_day) & (due >= 8 * sheet.resolution[runs.row])
    runs, due, ends = runs.chosen(missing), due[missing], ends[missing]
    if not len(runs):
        return
    next_one = np.minimum(runs.last + 1, y.shape[1] - 1)
    extra = sheet.y[runs.row, next_one] - sheet.e[runs.row, next_one].astype(np.float64)
    sd = sheet.sd[runs.row]
    stood = ~ends & (extra > 0.5 * due) & (extra < 1.7 * due + 3 * sd) & (extra > 4 * sd)
    stood &= runs.length <= sheet.spec.bridge_days_max * sheet.per_day
    _merge(sheet, "stuck_register", runs.chosen(stood), "stood for {1:.0f} steps, then {2:.1f}")
    rest = ~stood
    long = runs.length > 45 * sheet.per_day
    leap = _is_leap_day(sheet, runs)
    for rule, mask, text in (
        ("part_year", rest & ends & (runs.length > 20 * sheet.per_day), "zeros at the end of the series"),
        ("vacancy", rest & ~ends & long, "nothing used in {0:.0f} steps, {1:.1f} expected"),
        ("leap_day", rest & ~long & leap, "29 February is 0, {1:.1f} expected"),
    ):
        mine = runs.chosen(mask)
        action = "flagged" if rule == "vacancy" else "removed"
        figures = np.stack([mine.length, due[mask]], axis=1)
        sheet.ledger.add(rule, mine, action, text, figures)
        if rule == "vacancy":
            sheet.mark_vacant(mine)
        else:
            sheet.clear(mine)
        rest &= ~mask
    left = runs.chosen(rest)
    sheet.ledger.add("zeros_missing", left, "removed", "0, {0:.1f} expected", due[rest])
    sheet.clear(left)


def _habit(sheet: Sheet, rows: Ints, zero: Bools, e: NDArray[np.float32]) -> Floats:
    """Return the share of a mean day above which each meter is never zero for a day or two."""
    mean = sheet.mean[rows, None].astype(np.float32)
    few = np.zeros(zero.shape, dtype=bool)
    runs = runs_of(zero)
    short = runs.chosen(runs.length <= 2 * sheet.per_day)
    if len(short):
        place, _ = short.flat(zero.shape[1])
        few.reshape(-1)[place] = True
    out = np.zeros(len(rows))
    for low, high in ((0.4, 0.6), (0.6, 0.8), (0.8, 1.1)):
        band = (e >= low * mean) & (e < high * mean)
        many = (few & band).sum(axis=1) > np.maximum(0.06 * band.sum(axis=1), 3 * sheet.per_day)
        out = np.where(many, high, out)
    return out


def spikes(sheet: Sheet, suspects: Ints) -> None:
    """Take out values far above what the meter's own response to the temperature allows."""
    y, e = sheet.y[suspects], sheet.e[suspects]
    mean = sheet.mean[suspects]
    means = sheet.spec.spike_means if sheet.daily else sheet.spec.spike_hour_means
    sd = sheet.sd[suspects]
    heating = sheet.expected.heating_share[suspects] >= sheet.spec.heating_share_min
    limit = np.where(heating, np.maximum(means * mean, 6 * sd), np.maximum(2.5 * means * mean, 8 * sd))
    limit = limit[:, None].astype(np.float32)
    with np.errstate(invalid="ignore"):
        high = (y - e > limit) & (y > 2.2 * e)
    together = high.sum(axis=0) > 0.2 * max(len(sheet.y), 10)
    high[:, together] = False
    if not high.any():
        return
    runs = runs_of(high, suspects)
    figures = np.stack([_first(sheet, runs), sheet.e[runs.row, runs.first]], axis=1)
    sheet.ledger.add("spike", runs, "removed", "{0:.1f}, {1:.1f} expected", figures)
    sheet.clear(runs)


def clipped(sheet: Sheet, suspects: Ints) -> None:
    """Find meters whose highest value occurs again and again: it is a limit, not a reading.

    What was cut off is added back as the mean of a normal distribution above the limit (Greene, *Econometric Analysis*,
    truncated normal) around what is expected, which is then made anew.
    """
    y = sheet.y[suspects]
    top = np.fmax.reduce(y, axis=1)
    at_top = y == top[:, None]
    count = at_top.sum(axis=1)
    valid = np.isfinite(y).sum(axis=1)
    unit = sheet.resolution[suspects]
    beside = (y < (top - 0.5 * unit)[:, None]) & (y >= (top - 3.5 * unit)[:, None])
    by_chance = np.where(unit > 0, beside.sum(axis=1) + 4, 0)
    cut = (count >= np.maximum(5, 0.006 * valid)) & (count > by_chance) & (top > 0)
    cut &= (top > 1.2 * sheet.mean[suspects]) & ~sheet.limited[suspects]
    cut &= np.count_nonzero(at_top[:, 1:] & ~at_top[:, :-1], axis=1) >= 3
    rows = suspects[cut]
    if not len(rows):
        return
    row, step = np.nonzero(at_top[cut])
    first = np.searchsorted(row, np.arange(len(rows)))
    last = np.searchsorted(row, np.arange(len(rows)), side="right") - 1
    sheet.limited[rows] = True
    runs = Runs(rows, step[first], step[last])
    limit = top[cut].astype(np.float64)
    figures = np.stack([limit, count[cut]], axis=1)
    sheet.ledger.add("clipped", runs, "corrected", "{1:.0f} values at {0:.2f}", figures, steps=count[cut])
    at = np.repeat(limit, last - first + 1)
    row = rows[row]
    for _ in range(3):
        due = sheet.e[row, step].astype(np.float64)
        sd = np.maximum(sheet.expected.noise[row] * due, 0.02 * at) if sheet.daily else sheet.sd[row]
        z = (at - due) / sd
        hazard = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) / np.maximum(1 - ndtr(z), 1e-12)
        above = np.where(z > 4, at, np.maximum(due + sd * hazard, at))
        sheet.y[row, step] = np.minimum(above, 2 * at)
        if not sheet.daily:
            break
        sheet.expected.renew(rows, expect(sheet.y[rows], sheet.features))


def _merge(sheet: Sheet, rule: str, runs: Runs, text: str) -> None:
    """Spread what a run and the reading after it add up to over all of them; flag them as merged."""
    if not len(runs):
        return
    whole = runs.with_next()
    total = whole.sums(sheet.y)
    after = sheet.y[whole.row, whole.last].astype(np.float64)
    figures = np.stack([total, whole.length.astype(float), after], axis=1)
    sheet.ledger.add(rule, whole, "corrected", text, figures)
    spread(sheet.y, whole, np.maximum(total, 0), sheet.e)
    place, _ = whole.flat(sheet.y.shape[1])
    sheet.merged.reshape(-1)[place] = True


def _first(sheet: Sheet, runs: Runs) -> Floats:
    return sheet.y[runs.row, runs.first].astype(np.float64)


def _is_leap_day(sheet: Sheet, runs: Runs) -> Bools:
    day = sheet.panel.steps[(runs.first + runs.last) // 2]
    return is_leap_day(day) & (runs.length <= 1.3 * sheet.per_day)
