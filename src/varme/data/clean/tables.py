"""Tables and findings of cleaning: what each rule did, where, and which meters and years may be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.data.clean.clean import Cleaned
from varme.data.clean.enough import REASONS
from varme.data.clean.ledger import AuditLine
from varme.ground.charts import Chart
from varme.ground.findings import Finding
from varme.ground.tables import Column, Table, TableSchema

#: Rule -> what is done, and what it means.
RULES: dict[str, tuple[str, str]] = {
    "roll_over": ("corrected", "the register passed its last digit and began at 0: one turn is added"),
    "register_swap": (
        "removed",
        "the register fell, or began anew: a new meter, or a reset; that step is not known",
    ),
    "misread": ("removed", "one register reading that its neighbours contradict"),
    "gap_bridged": (
        "corrected",
        "missing register readings: the difference across them is spread over the steps",
    ),
    "duplicate_same": ("flagged", "the file has the reading more than once, with one value"),
    "duplicate_conflict": ("removed", "the file has the reading more than once, with different values"),
    "estimated": (
        "corrected",
        "estimates and the actual reading after them: their sum is spread over the steps",
    ),
    "negative": ("removed", "negative use that no register explains"),
    "stuck_register": ("corrected", "zeros, then one reading that makes up for them: spread over the steps"),
    "stuck_value": ("removed", "one value again and again, more often than by chance"),
    "resolution": ("flagged", "the meter counts in coarse units: its zeros are readings"),
    "zeros_missing": ("removed", "zeros where the meter never uses nothing: not read"),
    "spike": ("removed", "far above what the temperature explains"),
    "clipped": ("corrected", "values at one limit: what was cut off is added as expected"),
    "dst_hours": ("corrected", "the doubled hour of autumn's clock change in one step: shared out"),
    "clock_slip": (
        "flagged",
        "the daily pattern of all meters moves when the clocks change: their time zone is wrong",
    ),
    "leap_day": ("flagged", "29 February is missing, or 0 (then removed)"),
    "time_slip": ("corrected", "a span of days stands one day off: moved back"),
    "gas_day": ("corrected", "the day is read at 06:00: tomorrow's share is moved to tomorrow"),
    "part_year": ("flagged", "the meter starts late or ends early (zeros there are removed)"),
    "vacancy": ("flagged", "weeks of the heating season with far less use than expected"),
    "mixed_units": ("corrected", "a span in another unit: brought back, or removed where several units fit"),
    "multi_family": ("flagged", "the meter serves several dwellings"),
    "cooking_only": ("flagged", "little gas that does not follow the temperature"),
    "no_heating": ("flagged", "use that does not follow the temperature"),
}

CLEANING = TableSchema(
    "cleaning",
    "Cleaning rules and what they found",
    (
        Column("carrier", "text", "gas or heat_pump"),
        Column("rule", "text", "name of the rule"),
        Column("meters_count", "integer", "meters in which it found something"),
        Column("steps_count", "integer", "steps (days or hours) that it touched"),
        Column("action", "text", "what is done as a rule: removed, corrected, flagged"),
        Column("meaning", "text", "what the rule looks for"),
    ),
)
AUDIT = TableSchema(
    "cleaning_audit",
    "What cleaning found, one line per occurrence",
    (
        Column("carrier", "text", "gas or heat_pump"),
        Column("rule", "text", "name of the rule"),
        Column("meter", "text", "id of the meter"),
        Column("first", "time", "first step (local day, or instant in UTC)"),
        Column("last", "time", "last step"),
        Column("steps_count", "integer", "steps touched"),
        Column("action", "text", "what was done: removed, corrected, flagged"),
        Column("detail", "text", "the figures behind it"),
    ),
)
METERS_USED = TableSchema(
    "meters_used",
    "Meters and years: used or not, and why",
    (
        Column("meter", "text", "id of the meter"),
        Column("carrier", "text", "gas or heat_pump"),
        Column("year", "integer", "calendar year"),
        Column("usable", "flag", "whether the year is used"),
        Column("reason", "text", "why not; empty where it is"),
        Column("valid_days_count", "integer", "days with a trusted value"),
    ),
)
DROPPED = TableSchema(
    "dropped",
    "Meter-years that are not used, by reason",
    (
        Column("carrier", "text", "gas or heat_pump"),
        Column("year", "integer", "calendar year"),
        Column("reason", "text", "why not"),
        Column("meters_count", "integer", "meters"),
        Column("meters_percent", "number", "share of all meters of the carrier [%]"),
        Column("meaning", "text", "what the reason means"),
    ),
)
SCHEMAS: tuple[TableSchema, ...] = (CLEANING, AUDIT, METERS_USED, DROPPED)


@dataclass(frozen=True)
class CleaningResult:
    """What cleaning left to say of all meters of one carrier, joined over blocks.

    Attributes:
        carrier: ``gas`` or ``heat_pump``.
        meters: Ids.
        years: Calendar years.
        counts: Rule -> steps touched, by meter.
        audit: Audit lines.
        valid_days: Days with a trusted value, shape (meters, years).
        usable: Whether a year may be used, likewise.
        reason: Why not, likewise.
    """

    carrier: str
    meters: tuple[str, ...]
    years: tuple[int, ...]
    counts: Mapping[str, NDArray[np.int64]]
    audit: Sequence[AuditLine]
    valid_days: NDArray[np.int64]
    usable: NDArray[np.bool_]
    reason: NDArray[np.object_]

    @classmethod
    def of(cls, cleaned: Cleaned, carrier: str, years: tuple[int, ...]) -> CleaningResult:
        """Return the result of one cleaned panel."""
        return cls(
            carrier, cleaned.panel.meters, years, cleaned.counts, cleaned.audit, cleaned.valid_days, cleaned.usable,
            cleaned.reason,
        )  # fmt: skip


def cleaning_table(results: Sequence[CleaningResult]) -> Table:
    """Return what each rule did; every rule has a row for every carrier, also one that found nothing."""
    rows = [
        (r.carrier, rule, int(np.count_nonzero(count)), int(np.sum(count)), action, meaning)
        for r in results
        for rule, (action, meaning) in RULES.items()
        for count in (r.counts.get(rule, np.zeros(0, dtype=np.int64)),)
    ]
    return _table(CLEANING, rows)


def audit_table(results: Sequence[CleaningResult]) -> Table:
    """Return the audit lines."""
    rows = [
        (r.carrier, a.rule, a.meter, a.first.astype("datetime64[s]"), a.last.astype("datetime64[s]"), a.steps, a.action,
         a.detail)
        for r in results
        for a in r.audit
    ]  # fmt: skip
    return _table(AUDIT, rows)


def meters_used_table(results: Sequence[CleaningResult]) -> Table:
    """Return one row per meter and year; codes and categories keep a million meters small."""
    parts: dict[str, list[NDArray[np.int64]]] = {c.name: [] for c in METERS_USED.columns}
    ids: list[str] = []
    reasons = ["", *REASONS]
    carriers = [r.carrier for r in results]
    for k, r in enumerate(results):
        n, y = r.usable.shape
        place = {name: i for i, name in enumerate(reasons)}
        parts["meter"].append(np.repeat(np.arange(n), y) + len(ids))
        parts["carrier"].append(np.full(n * y, k))
        parts["year"].append(np.tile(np.array(r.years, dtype=np.int64), n))
        parts["usable"].append(r.usable.reshape(-1).astype(np.int64))
        parts["reason"].append(np.array([place[x] for x in r.reason.reshape(-1).tolist()], dtype=np.int64))
        parts["valid_days_count"].append(r.valid_days.reshape(-1))
        ids += r.meters
    joined = {name: np.concatenate(p) if p else np.zeros(0, dtype=np.int64) for name, p in parts.items()}
    return Table(
        METERS_USED,
        joined
        | {
            "meter": (joined["meter"], ids),
            "carrier": (joined["carrier"], carriers),
            "reason": (joined["reason"], reasons),
        },
    )


def dropped_table(results: Sequence[CleaningResult]) -> Table:
    """Return how many meters each reason dropped in each year."""
    rows = []
    for r in results:
        for k, year in enumerate(r.years):
            found = Counter(r.reason[:, k].tolist())
            rows += [
                (r.carrier, year, name, found[name], 100 * found[name] / max(len(r.meters), 1), meaning)
                for name, meaning in REASONS.items()
                if found[name]
            ]
    return _table(DROPPED, rows)


def tables(results: Sequence[CleaningResult]) -> dict[str, Table]:
    """Return all tables of cleaning, by name."""
    made = (cleaning_table(results), audit_table(results), meters_used_table(results), dropped_table(results))
    return {table.schema.name: table for table in made}


def charts(results: Sequence[CleaningResult]) -> list[Chart]:
    """Return charts over the tables: what was dropped, and what was found."""
    out = []
    if any((~r.usable).any() for r in results):
        out.append(
            Chart(
                "cleaning_dropped", "stacked_bars", "Meters that are not used, by year and reason", "dropped", "year",
                ("meters_count",), group="reason", x_label="year", y_label="meters", section="Meters",
                where={"carrier": ("gas",)} if any(r.carrier == "gas" and (~r.usable).any() for r in results) else {},
                note="A meter counts once a year, for the first reason that fits; the table of meters names each one.",
            )
        )  # fmt: skip
    return out


def findings(results: Sequence[CleaningResult]) -> list[Finding]:
    """Return what a reader must know of the meters."""
    out: list[Finding] = []
    for r in results:
        if not r.meters:
            continue
        out += _dropped_findings(r)
        out += _rule_findings(r)
    return out


def _dropped_findings(r: CleaningResult) -> list[Finding]:
    out = []
    total = max(len(r.meters), 1)
    for k, year in enumerate(r.years):
        left = int(r.usable[:, k].sum())
        if total - left > 0.05 * total:
            found = Counter(x for x in r.reason[:, k].tolist() if x)
            most = ", ".join(f"{name} {count}" for name, count in found.most_common(3))
            out.append(
                Finding(
                    "meters_dropped", "alarm" if left < 0.5 * total else "warning", f"{r.carrier} {year}",
                    f"{total - left} of {total} {r.carrier} meters are not used in {year}: {most}.",
                    {"meters": total, "dropped": total - left, **found},
                )
            )  # fmt: skip
    return out


#: Rules whose hits are worth a finding: rule -> (share of meters from which, code, severity, sentence).
_WORTH: dict[str, tuple[float, str, str]] = {
    "gas_day": (0.2, "gas_day_found", "days that reach into the next one (read at 06:00); they were corrected by the"
                " meters' response to the temperature. State day_start_h = 6 if all are"),
    "mixed_units": (0.0, "units_mixed", "spans in another unit; see the audit for factors"),
    "clipped": (0.01, "values_clipped", "highest values cut off at a limit; peaks are estimates there"),
    "clock_slip": (0.0, "clock_slip_found", "a daily pattern that does not follow the local clock: check timezone"),
    "time_slip": (0.02, "days_slipped", "spans that stand a day off; they were moved back"),
    "duplicate_conflict": (0.01, "duplicates_conflict", "readings that occur twice with different values; removed"),
    "estimated": (0.1, "readings_estimated", "estimated readings, merged with the next actual one"),
    "resolution": (0.3, "coarse_resolution", "readings in coarse units; days are uncertain by one unit, sums are not"),
    "roll_over": (0.05, "registers_rolled", "registers that rolled over within the period"),
}  # fmt: skip


def _rule_findings(r: CleaningResult) -> list[Finding]:
    out = []
    total = max(len(r.meters), 1)
    for rule, (share, code, text) in _WORTH.items():
        count = int(np.count_nonzero(r.counts.get(rule, np.zeros(0))))
        if count and count > share * total:
            severity = "warning" if count > 0.2 * total or rule in {"mixed_units", "clock_slip"} else "note"
            message = f"{count} of {total} {r.carrier} meters have {text}."
            out.append(Finding(code, severity, r.carrier, message, {"meters": total, "found": count}))  # type: ignore[arg-type]
    return out


def _table(schema: TableSchema, rows: Sequence[tuple[object, ...]]) -> Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(schema.columns)
    return Table(schema, {c.name: list(v) for c, v in zip(schema.columns, columns, strict=True)})
