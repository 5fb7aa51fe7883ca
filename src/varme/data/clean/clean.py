"""Clean a panel of meters: readings in, trusted intervals, counters and verdicts out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from varme.data.clean import rules_gas_day, rules_meter, rules_time, rules_values
from varme.data.clean.daily import to_daily, valid_by_day
from varme.data.clean.enough import judge
from varme.data.clean.expect import expect, features_of, season_of
from varme.data.clean.ledger import AuditLine, Ledger
from varme.data.clean.rules_register import intervals_of
from varme.data.clean.runs import Runs, runs_of, spread
from varme.data.clean.sheet import Sheet, Surroundings
from varme.data.clean.spec import CleaningSpec
from varme.data.meters.panel import MeterPanel

__all__ = ["AuditLine", "Cleaned", "Surroundings", "clean", "to_daily", "valid_by_day"]


@dataclass(frozen=True)
class Cleaned:
    """What is left after cleaning.

    Attributes:
        panel: Intervals (never registers), NaN where a reading cannot be trusted. Same meters, same steps.
        counts: Rule -> number of steps that it touched, by meter, shape (meters,).
        audit: One line per occurrence, in the order of meters and times; at most ``audit_lines_max`` of them.
        valid_days: Days with a trusted value, shape (meters, years).
        usable: Whether the meter's year may be used, shape (meters, years).
        reason: Why not (a key of :data:`varme.data.clean.enough.REASONS`; empty where usable), object array of the
            same shape.
        merged: Steps whose energy was spread from a reading of several steps: right in sum, not by step; same shape as
            the values, ``None`` if there are none.
        vacant: Steps in which a home is vacant, likewise.
        ledger: Everything that was found, beyond the capped audit.
    """

    panel: MeterPanel
    counts: dict[str, NDArray[np.int64]]
    audit: tuple[AuditLine, ...]
    valid_days: NDArray[np.int64]
    usable: NDArray[np.bool_]
    reason: NDArray[np.object_] = field(repr=False)
    merged: NDArray[np.bool_] | None = field(default=None, repr=False)
    vacant: NDArray[np.bool_] | None = field(default=None, repr=False)
    ledger: Ledger | None = field(default=None, repr=False)


def clean(panel: MeterPanel, spec: CleaningSpec, around: Surroundings) -> Cleaned:
    """Clean a panel of daily or sub-daily readings.

    Args:
        panel: Readings as they were read.
        spec: Which rules apply.
        around: What is known besides.
    """
    sheet, bridged, totals = _sheet_of(panel, spec, around)
    if panel.values.size:
        if len(bridged):
            spread(sheet.y, bridged, totals, sheet.e)
        rules_values.estimated(sheet)
        _value_rules(sheet)
        rules_meter.part_years(sheet)
        rules_meter.vacancies(sheet)
        _time_rules(sheet)
    verdict = judge(sheet, rules_meter.verdicts(sheet))
    return Cleaned(
        panel=replace(panel, values=sheet.y, reading="interval", estimated=None, duplicates=None),
        counts=sheet.ledger.counts,
        audit=sheet.ledger.lines(panel.meters, panel.steps, spec.audit_lines_max),
        valid_days=verdict.valid_days,
        usable=verdict.usable,
        reason=verdict.reason,
        merged=sheet.merged if sheet.merged.any() else None,
        vacant=sheet.vacant if sheet.vacant.any() else None,
        ledger=sheet.ledger,
    )


def _sheet_of(
    panel: MeterPanel, spec: CleaningSpec, around: Surroundings
) -> tuple[Sheet, Runs, NDArray[np.float64]]:
    """Return the sheet with intervals and expectations, and the runs whose energy is to be spread by them."""
    ledger = Ledger(len(panel.meters))
    bridged, totals = Runs(*(np.zeros(0, dtype=np.int64) for _ in range(3))), np.zeros(0)
    if panel.reading == "register":
        made = intervals_of(panel, spec, ledger)
        y, bridged, totals = made.values, made.merged, made.totals
    else:
        y = np.array(panel.values, dtype=np.float32)
    sheet = Sheet.of(panel, spec, around, ledger, y)
    if panel.reading == "register" and panel.values.size:
        highest = np.fmax.reduce(panel.values, axis=1)
        sheet.resolution[:] = np.spacing(np.nan_to_num(highest).astype(np.float32))
    if len(bridged):
        place, _ = bridged.flat(y.shape[1])
        sheet.merged.reshape(-1)[place] = True
    if not y.size:
        return sheet, bridged, totals
    rules_values.duplicates(sheet)
    if not sheet.daily:
        rules_time.dst_hours(sheet)
    values = sheet.daily_values(None)
    sheet.features = features_of(around.temperature_c, around.carrier, values)
    season = season_of(sheet.features)
    sheet.season = season if sheet.daily else np.repeat(season, sheet.length)
    sheet.expected = expect(values, sheet.features)
    changed = rules_meter.mixed_units(sheet)
    if len(changed):
        sheet.expected.renew(changed, expect(sheet.daily_values(changed), sheet.features))
    sheet.expect_steps()
    return sheet, bridged, totals


def _value_rules(sheet: Sheet) -> None:
    """Apply the rules for values; only meters that could have a fault are looked at closely."""
    y = sheet.y
    none = y == 0
    zero = np.count_nonzero(none, axis=1)
    same = y[:, 1:] == y[:, :-1]
    same &= ~none[:, 1:]
    repeated = np.count_nonzero(same, axis=1)
    suspects = np.flatnonzero(repeated >= 2)
    rules_values.resolution(sheet, suspects)
    _limits(sheet)
    rules_values.repeats(sheet, suspects)
    rules_values.negatives(sheet)
    rules_values.zeros(sheet, _cold_zeros(sheet, np.flatnonzero(zero)))
    _expect_anew(sheet)
    rules_values.spikes(sheet, _high_periods(sheet))
    if "spike" in sheet.ledger.counts:
        _limits(sheet)


def _expect_anew(sheet: Sheet) -> None:
    """Make the expectation of meters anew whose zeros of months turned out to be no readings."""
    touched = sheet.ledger.counts.get("part_year")
    if touched is None:
        return
    rows = np.flatnonzero(touched)
    sheet.missing[rows] = True
    sheet.expected.renew(rows, expect(sheet.daily_values(rows), sheet.features))
    sheet.expect_steps()


def _cold_zeros(sheet: Sheet, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which of some rows have zeros in the heating season, or at an end of the series."""
    hit = (sheet.y[rows][:, [0, -1]] == 0).any(axis=1)
    season = runs_of(sheet.season[None, :])
    for first, last in zip(season.first.tolist(), season.last.tolist(), strict=True):
        hit |= (sheet.y[rows, first : last + 1] == 0).any(axis=1)
    return np.asarray(rows[hit], dtype=np.int64)


def _high_periods(sheet: Sheet) -> NDArray[np.int64]:
    """Return the rows that may have a spike: a period of days is as far above the expected as one spike makes it."""
    expected = sheet.expected
    means = sheet.spec.spike_means if sheet.daily else sheet.spec.spike_hour_means / sheet.per_day
    least = 0.6 * means / expected.periods.length.max(initial=1)
    with np.errstate(invalid="ignore"):
        seen = expected.period_ratio * np.maximum(expected.period_day, 0.05 * expected.mean[:, None])
        above = seen - expected.period_day > least * expected.mean[:, None]
    return np.asarray(np.flatnonzero(above.any(axis=1) | sheet.missing | (expected.mean <= 0)))


def _limits(sheet: Sheet) -> None:
    top = np.fmax.reduce(sheet.y, axis=1)
    ties = np.count_nonzero(sheet.y == top[:, None], axis=1)
    rules_values.clipped(sheet, np.flatnonzero(ties >= 5))


def _time_rules(sheet: Sheet) -> None:
    if sheet.daily:
        rules_time.leap_days(sheet)
    else:
        rules_time.lost_leap_days(sheet)
        rules_time.clock_slips(sheet)
    if sheet.around.temperature_c is None or sheet.features.shape[1] < 3:
        return
    if sheet.daily:
        degrees = sheet.features[:, -1]
        filled = sheet.filled()
        lags = rules_time.lags_of(sheet, filled - sheet.e, degrees)
        rules_time.slipped_days(sheet, lags, filled, degrees)
        if sheet.around.carrier == "gas":
            rules_gas_day.gas_day(sheet, lags, degrees)
