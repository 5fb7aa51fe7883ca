"""Rules for meters as a whole: mixed units, part years, vacancy, and meters that do not heat one home."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from varme.data.clean.expect import Expected
from varme.data.clean.runs import Runs, best_segments
from varme.data.clean.sheet import Sheet

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Gross energy of a unit of gas, roughly: for verdicts on the level only, never for energy [kWh].
KWH_PER_UNIT = {
    "m3": 10.55,
    "ft3": 0.299,
    "kwh_hs": 1.0,
    "kwh_hi": 1.108,
    "therm": 29.3,
    "mwh_hs": 1000.0,
    "kwh": 1.0,
}
#: Verdicts on a meter, the first that fits counts.
VERDICTS = ("multi_family", "cooking_only", "no_heating", "units_unclear")


def mixed_units(sheet: Sheet) -> Ints:
    """Find spans that were delivered in another unit; bring them back, or take them out where two units fit.

    A span is one whose readings are a known factor above or below what is expected, day by day. Returns the rows that
    changed, so that their expectation can be made anew.
    """
    ratio = sheet.expected.period_ratio
    enough = sheet.expected.period_day > 0.4 * sheet.expected.mean[:, None]
    with np.errstate(invalid="ignore"):
        off = ((ratio > 2.0) | ((ratio < 0.45) & (ratio > 0))) & enough
    suspects = np.flatnonzero((off[:, 1:] & off[:, :-1]).any(axis=1))
    changed: list[Ints] = []
    for _ in range(4):
        if not len(suspects):
            break
        suspects = _bring_back(sheet, suspects)
        changed.append(suspects)
    return np.unique(np.concatenate(changed)) if changed else np.zeros(0, dtype=np.int64)


def _bring_back(sheet: Sheet, rows: Ints) -> Ints:
    """Find and treat one span in each of some rows; return the rows that had one."""
    y, e = sheet.daily_values(rows), sheet.expected.day[rows].astype(np.float64)
    mean = sheet.expected.mean[rows, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        quotient = np.log(y / np.maximum(e, 0.05 * mean))
    known = np.isfinite(quotient)
    again = y[:, 1:] == y[:, :-1]
    known[:, 1:] &= ~again
    known[:, :-1] &= ~again
    quotient = np.where(known, quotient, 0)
    use = np.minimum(e / np.maximum(mean, 1e-12), 1.0)
    weight = np.maximum(use, 0.15) * known
    logs = _logs_of(sheet)
    if not len(logs):
        return np.zeros(0, dtype=np.int64)
    best, first, last = _best_spans(quotient, weight, logs, _likely(sheet, rows, logs))
    column = np.arange(y.shape[1])[None, :]
    inside = (column >= first[:, None]) & (column <= last[:, None]) & known
    count = inside.sum(axis=1)
    total = np.where(inside, use, 0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = np.where(inside, use * quotient, 0).sum(axis=1) / total
        scatter = np.where(inside, use * np.abs(quotient - middle[:, None]), 0).sum(axis=1) / total
        beside = known & ~inside & (np.abs(quotient) < 1)
        near_one = np.where(beside, use * np.abs(quotient), 0).sum(axis=1)
        usual = near_one / np.where(beside, use, 0).sum(axis=1)
        middle = np.log(np.where(inside, y, 0).sum(axis=1) / np.where(inside, e, 0).sum(axis=1))
    middle = np.where(np.isfinite(middle), middle, 0.0)
    near = np.abs(logs[None, :] - middle[:, None])
    season = np.add.reduceat(sheet.season, sheet.edges) > 0
    cold = np.where(inside & season[None, :], e, 0).sum(axis=1) > 10 * mean[:, 0]
    hit = (
        (count >= 14) & (cold | (count >= 40)) & (last - first < 0.7 * y.shape[1]) & (near.min(axis=1) < 0.3)
    )
    # Low spans may be empty homes, whose use is uneven; high ones can only be units.
    even = np.where(middle < 0, 1.5 * usual + 0.02, 2.2 * usual + 0.1)
    hit &= (scatter < even) & (scatter < 0.6 * np.abs(middle)) & (best > 0.35 * count)
    error = 1.25 * scatter / np.sqrt(np.maximum(count / 4, 1)) + 0.01
    order = np.sort(near, axis=1)
    clear = (order[:, 1] - order[:, 0] > 2 * error) if len(logs) > 1 else np.ones(len(rows), dtype=bool)
    factor = np.exp(logs[np.argmin(near, axis=1)])
    runs = sheet.to_steps(Runs(rows, first, last))
    _enter(sheet, runs.chosen(hit & clear), factor[hit & clear], np.exp(middle[hit & clear]))
    unclear = hit & ~clear
    sheet.ledger.add(
        "mixed_units", runs.chosen(unclear), "removed", "{0:.2f} x the expected: several units fit",
        np.exp(middle[unclear]),
    )  # fmt: skip
    sheet.clear(runs.chosen(unclear))
    return np.asarray(rows[hit], dtype=np.int64)


def _logs_of(sheet: Sheet) -> Floats:
    """Return the logarithms of the factors that are tried."""
    spec = sheet.spec
    gas = sheet.around.carrier == "gas"
    factors = np.array(spec.unit_factors if gas else spec.electric_unit_factors)
    up = factors[factors >= (5.0 if gas else 1.5)]
    return np.unique(np.r_[np.log(up), -np.log(factors[factors >= 5.0])])


def _likely(sheet: Sheet, rows: Ints, logs: Floats) -> NDArray[np.bool_]:
    """Return which factors may explain the periods that are off, shape (rows, factors)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        seen = np.log(sheet.expected.period_ratio[rows])
    seen = np.where(np.isfinite(seen) & (np.abs(seen) > 0.6), seen, np.nan)
    near = np.stack([(np.abs(seen - log) < 0.35).sum(axis=1) >= 2 for log in logs.tolist()], axis=1)
    return np.asarray(near)


def _best_spans(
    quotient: Floats, weight: Floats, logs: Floats, likely: NDArray[np.bool_]
) -> tuple[Floats, Ints, Ints]:
    """Return the span of each row that one of its likely factors explains best: its gain, first and last day."""
    best = np.zeros(len(quotient))
    first, last = (np.zeros(len(quotient), dtype=np.int64) for _ in range(2))
    for k, log in enumerate(logs.tolist()):
        mine = np.flatnonzero(likely[:, k])
        if not len(mine):
            continue
        off = quotient[mine]
        found, a, b = best_segments(weight[mine] * np.clip(np.abs(off) - np.abs(off - log), -1.0, 1.0))
        better = found > best[mine]
        mine = mine[better]
        best[mine], first[mine], last[mine] = found[better], a[better], b[better]
    return best, first, last


def _enter(sheet: Sheet, runs: Runs, factor: Floats, seen: Floats) -> None:
    if not len(runs):
        return
    place, _ = runs.flat(sheet.y.shape[1])
    sheet.y.reshape(-1)[place] /= np.repeat(factor, runs.length).astype(np.float32)
    sheet.ledger.add(
        "mixed_units",
        runs,
        "corrected",
        "{1:.2f} x the expected: divided by {0:.4g}",
        np.stack([factor, seen], axis=1),
    )


def part_years(sheet: Sheet) -> None:
    """Count the days before a meter's first and after its last value, from 20 days on."""
    rows = np.flatnonzero(sheet.missing)
    if not len(rows):
        return
    there = np.isfinite(sheet.panel.values[rows])
    n = there.shape[1]
    some = there.any(axis=1)
    rows, there = rows[some], there[some]
    first = np.argmax(there, axis=1)
    last = n - 1 - np.argmax(there[:, ::-1], axis=1)
    least = 20 * sheet.per_day
    zero = np.zeros_like(first)
    sheet.ledger.add(
        "part_year", Runs(rows, zero, first - 1).chosen(first >= least), "flagged", "no values yet"
    )
    end = np.full_like(last, n - 1)
    sheet.ledger.add(
        "part_year", Runs(rows, last + 1, end).chosen(n - 1 - last >= least), "flagged", "no values any more"
    )


def vacancies(sheet: Sheet) -> None:
    """Flag weeks of the heating season in which far less is used than expected: nobody lives there."""
    expected = sheet.expected
    with np.errstate(invalid="ignore"):
        low = (expected.period_ratio < sheet.spec.vacant_use_share) & (
            expected.period_day > 0.5 * expected.mean[:, None]
        )
    suspects = np.flatnonzero((low[:, 1:] & low[:, :-1]).any(axis=1))
    for _ in range(3):
        if not len(suspects):
            return
        y, e = sheet.daily_values(suspects), expected.day[suspects].astype(np.float64)
        known = np.isfinite(y) & ~sheet.vacant_by_day(suspects)
        score = np.where(known, 0.5 * e - np.nan_to_num(y), 0)
        score = np.where(sheet.vacant_by_day(suspects), -1e9, score)
        _, first, last = best_segments(score)
        column = np.arange(y.shape[1])[None, :]
        inside = (column >= first[:, None]) & (column <= last[:, None]) & known
        used = np.where(inside, y, 0).sum(axis=1)
        due = np.where(inside, e, 0).sum(axis=1)
        mean = expected.mean[suspects]
        hit = (inside.sum(axis=1) >= sheet.spec.vacant_days_min) & (used < sheet.spec.vacant_use_share * due)
        hit &= due > 15 * mean
        runs = sheet.to_steps(Runs(suspects, first, last)).chosen(hit)
        figures = np.stack([used[hit], due[hit]], axis=1)
        sheet.ledger.add("vacancy", runs, "flagged", "{0:.1f} used, {1:.1f} expected", figures)
        sheet.mark_vacant(runs)
        suspects = suspects[hit]


def verdicts(sheet: Sheet) -> dict[str, NDArray[np.bool_]]:
    """Return for each verdict which meters it fits: meters that do not measure the heating of one home.

    Gas only. Without a temperature nothing can be said of heating.
    """
    expected = sheet.expected
    count = len(expected.mean)
    out = {name: np.zeros(count, dtype=bool) for name in VERDICTS}
    if sheet.around.carrier != "gas":
        return out
    spec, around = sheet.spec, sheet.around
    annual = 365.25 * expected.mean * KWH_PER_UNIT.get(sheet.panel.unit, 1.0)
    known = around.dwellings_count
    dwellings = np.full(count, np.nan) if known is None else np.asarray(known, dtype=float)
    volume = np.full(count, np.nan) if around.volume_m3 is None else np.asarray(around.volume_m3, dtype=float)
    with np.errstate(invalid="ignore"):
        large = (annual > spec.multi_family_kwh_min) | (volume > spec.multi_family_m3_min)
        out["multi_family"] = np.where(np.isfinite(dwellings), dwellings > 1, large)
    flat = (heating_share(expected) < spec.heating_share_min) & (expected.mean > 0)
    there = np.isfinite(sheet.daily_values(None))
    season = np.add.reduceat(sheet.season, sheet.edges) > 0
    judged = (there.sum(axis=1) >= 150) & (there @ season.astype(np.float32) >= 60)
    flat &= judged & (around.temperature_c is not None)
    out["cooking_only"] = flat & (annual <= spec.cooking_kwh_max) & ~out["multi_family"]
    out["no_heating"] = flat & (annual > spec.cooking_kwh_max) & ~out["multi_family"]
    last = np.full(count, sheet.y.shape[1] - 1)
    runs = Runs(np.arange(count), np.zeros(count, dtype=np.int64), last)
    share = np.stack([annual, 100 * heating_share(expected), dwellings, volume], axis=1)
    for name, text in (
        ("multi_family", "{0:.0f} kWh a year, {2:.0f} dwellings, {3:.0f} m3"),
        ("cooking_only", "{0:.0f} kWh a year, {1:.0f} % follows the temperature"),
        ("no_heating", "{0:.0f} kWh a year, {1:.0f} % follows the temperature"),
    ):
        sheet.ledger.add(name, runs.chosen(out[name]), "flagged", text, share[out[name]])
    return out


def heating_share(expected: Expected) -> Floats:
    """Return the share of each meter's use that follows the temperature."""
    return expected.heating_share
