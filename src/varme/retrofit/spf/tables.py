"""Tables, charts and findings of the estimation of B and SPF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from varme.ground.charts import Chart
from varme.ground.findings import Finding
from varme.ground.tables import Column, Table, TableSchema
from varme.retrofit.spf import identify
from varme.retrofit.spf.estimate import Estimate
from varme.retrofit.spf.power import Power
from varme.retrofit.spf.spec import SpfSpec

SECTION = "Seasonal performance factor"

_ESTIMATE = (
    Column("year", "integer", "calendar year"),
    Column("method", "text", "method of estimation"),
    Column("b_ratio", "number", "B = SPF / (1 - gamma) of the fleet: sum of heat over sum of electricity"),
    Column("b_low_ratio", "number", "lower end of the interval of B (sampling alone)"),
    Column("b_high_ratio", "number", "upper end of the interval of B (sampling alone)"),
    Column("fleet_spf", "number", "SPF of the fleet: sum of heat over sum of electricity"),
    Column("geometric_spf", "number", "geometric mean of the homes' SPF"),
    Column("arithmetic_spf", "number", "arithmetic mean of the homes' SPF"),
    Column("gas_meters_count", "integer", "gas meters used"),
    Column("heat_pumps_count", "integer", "heat-pump meters used"),
    Column("covariates", "text", "what the homes were compared at equal values of"),
)

#: Name differs from the study's own ``spf`` table, which also carries priors and years joined.
SPF_BY_YEAR = TableSchema("spf_by_year", "B and SPF of each year from annual totals", _ESTIMATE)
METHODS = TableSchema(
    "spf_methods",
    "All methods beside each other",
    (*_ESTIMATE, Column("remark", "text", "why there is no figure")),
)
DIVERGENCE = TableSchema(
    "divergence",
    "Divergence of the histograms over the scale",
    (
        Column("year", "integer", "calendar year"),
        Column("kind", "text", "divergence: lin (Jensen-Shannon) or jeffreys (half of it, Eq. 6 as printed)"),
        Column("b_ratio", "number", "scale B"),
        Column("divergence_ratio", "number", "divergence [nat]"),
        Column("interval_ratio", "number", "the same within the interval of B"),
        Column("minimum_ratio", "number", "the same at the smallest"),
    ),
)
POWER = TableSchema(
    "spf_power",
    "Precision of B over the number of heat-pump meters",
    (
        Column("heat_pumps_count", "integer", "heat-pump meters"),
        Column("half_width_percent", "number", "half width of the interval of B, as a share of it"),
        Column("floor_percent", "number", "the same of the best possible method without covariates"),
        Column("present", "flag", "whether this is the number of heat pumps at hand"),
    ),
)
COVARIATES = TableSchema(
    "spf_covariates",
    "What the homes were compared by",
    (
        Column("year", "integer", "calendar year"),
        Column("covariate", "text", "column of the table of buildings"),
        Column("used", "flag", "whether it was used"),
        Column("reason", "text", "why not"),
        Column("slope_ratio", "number", "change of log heat per standard score of the covariate"),
        Column("slope_se_ratio", "number", "its standard error"),
        Column("difference_ratio", "number", "mean score of heat-pump homes less that of gas homes"),
        Column(
            "overlap_share", "number", "share of heat-pump homes within the central 98 % of the gas homes"
        ),
        Column("missing_share", "number", "share of homes without a value, in the worse group"),
    ),
)
IDENTIFIABILITY = TableSchema(
    "spf_identifiability",
    "What the meters can tell, and what they cannot",
    (
        Column("year", "integer", "calendar year"),
        Column("question", "text", "what is asked for"),
        Column("identifiable", "text", "yes, partly or no"),
        Column("why", "text", "the figures behind it"),
    ),
)
SCHEMAS: tuple[TableSchema, ...] = (SPF_BY_YEAR, METHODS, DIVERGENCE, POWER, COVARIATES, IDENTIFIABILITY)


def _row(year: int, e: Estimate, gamma_share: float) -> tuple[object, ...]:
    spf = [e.estimands.get(k, float("nan")) * (1 - gamma_share) for k in ("fleet", "geometric", "arithmetic")]
    return (
        year, e.method, e.b_ratio, e.low_ratio, e.high_ratio, *spf, e.heat_meters, e.electricity_meters,
        ", ".join(e.covariates) or "-",
    )  # fmt: skip


def _table(schema: TableSchema, rows: Sequence[tuple[object, ...]]) -> Table:
    return Table(schema, {c.name: [r[k] for r in rows] for k, c in enumerate(schema.columns)})


def spf_table(estimates: Mapping[int, Estimate], spec: SpfSpec) -> Table:
    """Return the table of one estimate per year.

    Args:
        estimates: Year -> estimate.
        spec: Its gamma turns B into SPF.
    """
    return _table(SPF_BY_YEAR, [_row(y, e, spec.gamma_share) for y, e in estimates.items()])


def methods_table(estimates: Mapping[int, Sequence[Estimate]], spec: SpfSpec) -> Table:
    """Return the table of all methods by year; a method that refused has empty figures and its reason."""
    rows = [
        (*_row(year, e, spec.gamma_share), e.refused or "-")
        for year, found in estimates.items()
        for e in found
    ]
    return _table(METHODS, rows)


def divergence_table(estimates: Mapping[int, Sequence[Estimate]]) -> Table:
    """Return the divergence over the scale of all estimates that have one, by year and divergence."""
    rows: list[tuple[object, ...]] = []
    nan = float("nan")
    for year, found in estimates.items():
        for e in found:
            if e.scan is None:
                continue
            for b, d in zip(e.scan.b_ratio.tolist(), e.scan.divergence.tolist(), strict=True):
                inside = e.low_ratio <= b <= e.high_ratio
                best = b == e.scan.best_ratio
                rows.append((year, e.scan.kind, b, d, d if inside else nan, d if best else nan))
    return _table(DIVERGENCE, rows)


def power_table(found: Power) -> Table:
    """Return precision over the number of heat pumps."""
    rows = zip(
        found.heat_pumps.tolist(), (100 * found.half_width).tolist(), (100 * found.floor).tolist(),
        (found.heat_pumps == found.now).tolist(), strict=True,
    )  # fmt: skip
    return _table(POWER, list(rows))


def covariates_table(estimates: Mapping[int, Estimate]) -> Table:
    """Return what became of each covariate in each year."""
    rows: list[tuple[object, ...]] = []
    nan = float("nan")
    for year, e in estimates.items():
        slopes, errors = e.details.get("slopes", {}), e.details.get("slope_ses", {})
        for note in e.covariate_notes:
            name = str(note["name"])
            missing = max(float(note.get(f"missing_{k}_share", 0.0)) for k in ("heat", "electricity"))
            rows.append(
                (
                    year, name, bool(note["used"]), note["reason"] or "-", slopes.get(name, nan), errors.get(name, nan),
                    note.get("difference_sd", nan), note.get("overlap_share", nan), missing,
                )
            )  # fmt: skip
    return _table(COVARIATES, rows)


def identifiability_table(
    estimates: Mapping[int, Estimate], spec: SpfSpec, others: Mapping[int, Sequence[Estimate]] | None = None
) -> Table:
    """Return the verdict of each year, question by question."""
    rows = [
        (year, v.what, v.identifiable, v.why)
        for year, e in estimates.items()
        for v in identify.verdicts(e, spec, (others or {}).get(year, ()))
    ]
    return _table(IDENTIFIABILITY, rows)


def power_findings(found: Power) -> list[Finding]:
    """Return the one sentence on how many heat pumps a better interval takes."""
    parts = []
    for wanted, count in found.needed.items():
        if wanted < found.now_half_width - 0.005:
            parts.append(
                f"+- {100 * wanted:.0f} % takes {count:,}"
                if count is not None
                else f"+- {100 * wanted:.0f} % is out of reach with {found.gas_meters:,} gas meters"
            )
    now = f"{found.now} heat-pump meters give B within +- {100 * found.now_half_width:.0f} %"
    at_hand = float(found.floor[np.flatnonzero(found.heat_pumps == found.now)[0]])
    floor = f"no method without covariates can be better than +- {100 * at_hand:.0f} % with as many meters"
    message = f"{now}; {'; '.join(parts) + '; ' if parts else ''}{floor}."
    evidence = {
        "heat_pumps_count": found.now,
        "half_width_share": found.now_half_width,
        "floor_share": at_hand,
        "needed": {f"{w:g}": c for w, c in found.needed.items()},
    }
    return [Finding("heat_pumps_needed", "note", "spf", message, evidence)]


def estimate_findings(
    estimates: Mapping[int, Estimate], spec: SpfSpec, others: Mapping[int, Sequence[Estimate]] | None = None
) -> list[Finding]:
    """Return what a reader must know of the estimates of all years; what is the same in all of them is said once.

    Args:
        estimates: Year -> estimate.
        spec: How they were made.
        others: Year -> all methods.
    """
    out: list[Finding] = []
    for year, e in estimates.items():
        out += identify.findings(e, spec, (others or {}).get(year, ()), f"spf {year}")
        for side, count in e.left_out.items():
            if count:
                what = "gas" if side == "heat" else "heat-pump"
                text = f"{count} {what} meters have no positive total of {year}; they are left out."
                out.append(
                    Finding("totals_left_out", "note", f"spf {year}", text, {"count": count, "side": side})
                )
    return _said_once(out)


def _said_once(found: Sequence[Finding]) -> list[Finding]:
    """Return findings without those whose code and sentence an earlier year had."""
    first: dict[tuple[str, str], Finding] = {}
    for finding in found:
        first.setdefault((finding.code, finding.message), finding)
    return list(first.values())


def divergence_charts(table: Table) -> list[Chart]:
    """Return one chart per divergence: the latest year's curve with its minimum and interval."""
    if not len(table):
        return []
    year = int(table.column("year").max())
    kinds = dict.fromkeys(table.column("kind").tolist())
    names = {
        "lin": "Jensen-Shannon divergence",
        "jeffreys": "Half of Jeffreys' divergence (Eq. 6 as printed)",
    }
    return [
        Chart(
            f"divergence_{kind}",
            "line",
            f"{names[kind]} between heat and scaled electricity, {year}",
            table.schema.name,
            "b_ratio",
            ("divergence_ratio", "interval_ratio", "minimum_ratio"),
            where={"kind": (kind,), "year": (year,)},
            x_label="scale B [-]",
            y_label="divergence [nat]",
            section=SECTION,
            note="Method of Bayer & Pruckner 2023, for comparison. Marked: the smallest value, and the scales within "
            "the interval of its place over resampled meters, which is known to be too narrow.",
        )
        for kind in kinds
    ]


def methods_chart(table: Table) -> list[Chart]:
    """Return the chart of all methods with their intervals, over the years."""
    if not len(table):
        return []
    year = int(table.column("year").max())
    return [
        Chart(
            "spf_methods",
            "scatter",
            f"B by method, {year}, with its interval",
            table.schema.name,
            "method",
            ("b_ratio", "b_low_ratio", "b_high_ratio"),
            where={"year": (year,)},
            x_label="method",
            y_label="B [-]",
            section=SECTION,
            note="Estimate, lower end and upper end. All methods saw the same meters; one without points refused.",
        )
    ]


def power_chart(table: Table) -> list[Chart]:
    """Return the chart of precision over the number of heat pumps."""
    return [
        Chart(
            "spf_power",
            "bars",
            "How precisely B is known, over the number of heat-pump meters",
            table.schema.name,
            "heat_pumps_count",
            ("half_width_percent", "floor_percent"),
            x_label="heat-pump meters [-]",
            y_label="half width of the interval of B [%]",
            section=SECTION,
            note="From the spread that this town's homes have. The floor is that of the best method without "
            "covariates: only covariates, more meters, panels and priors go below it.",
            threshold={"+- 5 %": 5.0},
        )
    ]
