"""Tables and charts of the years, the COP over temperature, and the sources of heat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.ground.charts import Chart
from varme.ground.tables import Column, Table, TableSchema
from varme.retrofit.spf.curve import CopCurve, prior_cop_curve
from varme.retrofit.spf.joint import JointEstimate
from varme.retrofit.spf.mixture import MixtureEstimate
from varme.retrofit.spf.years import PanelYears

Floats = NDArray[np.float64]

SECTION = "Years and temperature"
#: Temperatures of the table [C].
CURVE_C = np.arange(-15.0, 24.5, 0.5)

YEARS = TableSchema(
    "years",
    "B by year: each year for itself, the panel of the same meters, and all joined",
    (
        Column("year", "integer", "calendar year"),
        Column("heating_temperature_c", "number", "outdoor temperature weighted by degree days"),
        Column("level_b_ratio", "number", "B of the year's totals alone"),
        Column("level_low_ratio", "number", "lower end of its interval"),
        Column("level_high_ratio", "number", "upper end of its interval"),
        Column(
            "panel_effect_share", "number", "B of the year over that of the mean year, less 1, same meters"
        ),
        Column("panel_low_share", "number", "lower end of its interval"),
        Column("panel_high_share", "number", "upper end of its interval"),
        Column("joint_b_ratio", "number", "B from levels, panel and COP curve together"),
        Column("joint_low_ratio", "number", "lower end of its interval"),
        Column("joint_high_ratio", "number", "upper end of its interval"),
        Column("joint_spf", "number", "SPF: joint B times (1 - gamma)"),
        Column("joint_low_spf", "number", "lower end of its interval, gamma taken as known"),
        Column("joint_high_spf", "number", "upper end of its interval, gamma taken as known"),
        Column(
            "beyond_temperature_share", "number", "effect of the year that its temperature does not explain"
        ),
        Column("beyond_temperature_se_share", "number", "its standard error"),
        Column(
            "shrinkage_share", "number", "how far the year's difference was drawn to what the model expects"
        ),
    ),
)
CHANGES = TableSchema(
    "year_changes",
    "Change of B between two years of the same meters",
    (
        Column("change", "text", "from which year to which"),
        Column("first_year", "integer", "earlier year"),
        Column("last_year", "integer", "later year"),
        Column("level_change_ratio", "number", "what the per-year method says: difference of B"),
        Column("panel_change_ratio", "number", "what the same meters say: difference of B"),
        Column("panel_low_ratio", "number", "lower end of its interval, simultaneous over all pairs"),
        Column("panel_high_ratio", "number", "upper end of its interval, simultaneous over all pairs"),
        Column("verdict", "text", "changed, or not distinguishable"),
        Column("gas_meters_count", "integer", "gas meters in both years"),
        Column("heat_pumps_count", "integer", "heat pumps in both years"),
    ),
)
INTERVALS = TableSchema(
    "year_intervals",
    "Intervals for box plots: whiskers are the interval, the box its inner half; rows repeat for the quantiles",
    (
        Column("figure", "text", "b, change or source"),
        Column("label", "text", "year, pair of years, or source of heat"),
        Column("way", "text", "each year alone, or years joined"),
        Column("point", "text", "low, quarter, estimate, three_quarters or high"),
        Column("b_ratio", "number", "B, or change of B"),
    ),
)
CURVE = TableSchema(
    "cop_curve",
    "COP over outdoor temperature",
    (
        Column("temperature_c", "number", "outdoor temperature"),
        Column("space_cop", "number", "COP of space heating"),
        Column("low_cop", "number", "lower end of its band (shape alone, at the SPF's level)"),
        Column("high_cop", "number", "upper end of its band"),
        Column("all_heat_cop", "number", "COP of all heat, hot water included; NaN where it is not known"),
        Column("physics_cop", "number", "curve of When2Heat at the same SPF, for comparison"),
        Column("measured", "flag", "whether days at this temperature were measured"),
    ),
)
SENSITIVITY = TableSchema(
    "joint_sensitivity",
    "The joint estimate under other assumptions",
    (
        Column("assumption", "text", "what was changed"),
        Column("year", "integer", "calendar year"),
        Column("b_ratio", "number", "B"),
        Column("low_ratio", "number", "lower end of its interval"),
        Column("high_ratio", "number", "upper end of its interval"),
    ),
)
MIXTURE = TableSchema(
    "mixture",
    "B by source of heat",
    (
        Column("source", "text", "air, ground, fleet (harmonic mean), or ground over air"),
        Column("b_ratio", "number", "B; the ratio of the two in the last row"),
        Column("low_ratio", "number", "lower end of the interval"),
        Column("high_ratio", "number", "upper end of the interval"),
        Column("heat_pumps_count", "integer", "heat pumps behind it"),
        Column(
            "learned_share", "number", "share of the prior's variance of the ratio that the data took away"
        ),
        Column("verdict", "text", "whether the data tell the sources apart"),
    ),
)
SCHEMAS = (YEARS, CHANGES, INTERVALS, CURVE, SENSITIVITY, MIXTURE)

ALONE, JOINED, PANEL = "each year alone", "years joined", "same meters"
#: Box plots show the 5, 25, 50, 75 and 95 % quantiles of what they are given: with so many repetitions, these points.
POINTS, REPEATS = ("low", "quarter", "estimate", "three_quarters", "high"), (3, 5, 5, 5, 3)


def years_table(joint: JointEstimate, panel: PanelYears | None, gamma_share: float) -> Table:
    """Return the table ``years``."""
    z = _width(joint)
    level = np.log(joint.level_b_ratio)
    effect = np.full(len(joint.years), np.nan) if panel is None else panel.log_effect
    half = np.full(len(joint.years), np.nan) if panel is None else z * np.sqrt(np.diag(panel.log_cov))
    warm = None if panel is None else panel.temperature_c
    spf = 1 - gamma_share
    return Table(
        YEARS,
        {
            "year": joint.years,
            "heating_temperature_c": np.full(len(joint.years), np.nan) if warm is None else warm,
            "level_b_ratio": joint.level_b_ratio,
            "level_low_ratio": np.exp(level - z * joint.level_log_se),
            "level_high_ratio": np.exp(level + z * joint.level_log_se),
            "panel_effect_share": np.expm1(effect),
            "panel_low_share": np.expm1(effect - half),
            "panel_high_share": np.expm1(effect + half),
            "joint_b_ratio": joint.b_ratio,
            "joint_low_ratio": joint.low_ratio,
            "joint_high_ratio": joint.high_ratio,
            "joint_spf": joint.b_ratio * spf,
            "joint_low_spf": joint.low_ratio * spf,
            "joint_high_spf": joint.high_ratio * spf,
            "beyond_temperature_share": np.expm1(joint.beyond_log),
            "beyond_temperature_se_share": joint.beyond_log_se,
            "shrinkage_share": joint.shrinkage_share,
        },
    )


def changes_table(joint: JointEstimate, panel: PanelYears | None) -> Table:
    """Return the table ``year_changes``; empty without a panel."""
    changes = () if panel is None else panel.changes
    place = {year: k for k, year in enumerate(joint.years)}
    b = [joint.b_ratio[place[c.first_year]] for c in changes]
    return Table(
        CHANGES,
        {
            "change": [f"{c.first_year} to {c.last_year}" for c in changes],
            "first_year": [c.first_year for c in changes],
            "last_year": [c.last_year for c in changes],
            "level_change_ratio": [
                joint.level_b_ratio[place[c.last_year]] - joint.level_b_ratio[place[c.first_year]]
                for c in changes
            ],
            "panel_change_ratio": [(c.ratio - 1) * v for c, v in zip(changes, b, strict=True)],
            "panel_low_ratio": [(c.low_ratio - 1) * v for c, v in zip(changes, b, strict=True)],
            "panel_high_ratio": [(c.high_ratio - 1) * v for c, v in zip(changes, b, strict=True)],
            "verdict": [c.verdict for c in changes],
            "gas_meters_count": [c.heat_meters for c in changes],
            "heat_pumps_count": [c.electricity_meters for c in changes],
        },
    )


def intervals_table(
    joint: JointEstimate, panel: PanelYears | None = None, mixture: MixtureEstimate | None = None
) -> Table:
    """Return the table ``year_intervals``, from which the box plots are drawn."""
    z, rows = _width(joint), []
    for k, year in enumerate(joint.years):
        level = joint.level_b_ratio[k] * np.exp(np.array([-1, 0, 1]) * z * joint.level_log_se[k])
        rows.append(("b", str(year), ALONE, *level))
        rows.append(("b", str(year), JOINED, joint.low_ratio[k], joint.b_ratio[k], joint.high_ratio[k]))
    changes = changes_table(joint, panel)
    names = ("level_change_ratio", "panel_low_ratio", "panel_change_ratio", "panel_high_ratio")
    for label, seen, low, middle, high in zip(
        changes.column("change"), *(changes.column(n) for n in names), strict=True
    ):
        rows.append(("change", str(label), ALONE, seen, seen, seen))
        rows.append(("change", str(label), PANEL, low, middle, high))
    if mixture is not None:
        m = mixture
        rows.append(("source", "air", JOINED, m.air_low_ratio, m.b_air_ratio, m.air_high_ratio))
        rows.append(("source", "ground", JOINED, m.ground_low_ratio, m.b_ground_ratio, m.ground_high_ratio))
        rows.append(("source", "fleet", JOINED, m.low_ratio, m.b_ratio, m.high_ratio))
    inner = 0.6745 / z
    value = np.array([(a, b + inner * (a - b), b, b + inner * (c - b), c) for *_, a, b, c in rows]).reshape(
        -1, 5
    )
    return Table(
        INTERVALS,
        {
            "figure": [row[0] for row in rows for _ in range(21)],
            "label": [row[1] for row in rows for _ in range(21)],
            "way": [row[2] for row in rows for _ in range(21)],
            "point": [
                point for _ in rows for point, n in zip(POINTS, REPEATS, strict=True) for _ in range(n)
            ],
            "b_ratio": np.repeat(value, REPEATS, axis=1).ravel(),
        },
    )


def curve_table(
    curve: CopCurve,
    heat_by_day: Floats,
    temperature_c: Floats,
    confidence_share: float = 0.95,
    ground_share: float = 0.24,
) -> Table:
    """Return the table ``cop_curve`` of a curve that is at the level of the SPF.

    Args:
        curve: The curve.
        heat_by_day: Heat by day [kWh], shape (days,): sets the physics' curve to the same SPF.
        temperature_c: Outdoor temperature by day [C], shape (days,).
        confidence_share: Confidence of the band.
        ground_share: Share of ground source in the heat, for the physics' curve.
    """
    if curve.whole is not None and np.isfinite(curve.space_over_whole_log):
        # All heat has the SPF; space heating is better by what hot water costs.
        curve = replace(curve, level_cop=curve.whole.level_cop * float(np.exp(curve.space_over_whole_log)))
    low, high = curve.band(CURVE_C, confidence_share)
    known = np.isfinite(heat_by_day) & np.isfinite(temperature_c)
    heat, t = np.asarray(heat_by_day)[known], np.asarray(temperature_c)[known]
    use = curve.whole or curve
    spf = float(heat.sum() / (heat / use.cop(t)).sum()) if len(heat) else curve.level_cop
    physics = prior_cop_curve(ground_share)
    physics = physics.scaled_to(spf, heat, t) if len(heat) else physics
    whole = np.full(len(CURVE_C), np.nan) if curve.whole is None else curve.whole.cop(CURVE_C)
    coldest, warmest = (t.min() - 0.5, t.max() + 0.5) if len(t) else (np.inf, -np.inf)
    measured = (coldest <= CURVE_C) & (warmest >= CURVE_C) & (curve.source != "prior")
    return Table(
        CURVE,
        {
            "temperature_c": CURVE_C,
            "space_cop": curve.cop(CURVE_C),
            "low_cop": low,
            "high_cop": high,
            "all_heat_cop": whole,
            "physics_cop": physics.cop(CURVE_C),
            "measured": measured,
        },
    )


def sensitivity_table(joint: JointEstimate) -> Table:
    """Return the table ``joint_sensitivity``; its first rows are the estimate itself."""
    parts = [("as estimated", joint.b_ratio, joint.low_ratio, joint.high_ratio)]
    parts += [(s.name, s.b_ratio, s.low_ratio, s.high_ratio) for s in joint.sensitivity]
    n = len(joint.years)
    return Table(
        SENSITIVITY,
        {
            "assumption": [name for name, *_ in parts for _ in range(n)],
            "year": list(joint.years) * len(parts),
            "b_ratio": np.concatenate([p[1] for p in parts]),
            "low_ratio": np.concatenate([p[2] for p in parts]),
            "high_ratio": np.concatenate([p[3] for p in parts]),
        },
    )


def mixture_table(mixture: MixtureEstimate) -> Table:
    """Return the table ``mixture``."""
    m = mixture
    total = m.air_meters + m.ground_meters
    rows = [
        ("air", m.b_air_ratio, m.air_low_ratio, m.air_high_ratio, m.air_meters if m.known_sources else total),
        ("ground", m.b_ground_ratio, m.ground_low_ratio, m.ground_high_ratio, m.ground_meters or total),
        ("fleet", m.b_ratio, m.low_ratio, m.high_ratio, total),
        ("ground over air", m.ratio, m.ratio_low, m.ratio_high, total),
    ]
    names = ("source", "b_ratio", "low_ratio", "high_ratio", "heat_pumps_count")
    data: dict[str, Any] = {name: [row[k] for row in rows] for k, name in enumerate(names)}
    return Table(MIXTURE, data | {"learned_share": [m.learned_share] * 4, "verdict": [m.verdict] * 4})


def years_charts(tables: Mapping[str, Table]) -> list[Chart]:
    """Return the charts of those tables that a result has."""
    charts = []
    if "cop_curve" in tables:
        whole = np.isfinite(tables["cop_curve"].column("all_heat_cop")).any()
        charts.append(
            Chart(
                "cop_curve", "line", "COP over outdoor temperature, with its band", "cop_curve", "temperature_c",
                ("space_cop", "low_cop", "high_cop", *(("all_heat_cop",) if whole else ()), "physics_cop"),
                x_label="Outdoor temperature [°C]", y_label="COP [-]", section=SECTION,
                note="Shape from the daily fleets, level from the annual totals. The band is that of the shape. "
                "Physics: the curves of When2Heat (Ruhnau et al. 2019) at the same SPF.",
            )
        )  # fmt: skip
    if "year_intervals" in tables:
        shown = set(tables["year_intervals"].column("figure"))
        verdict = str(tables["mixture"].column("verdict")[0]) if "mixture" in tables else ""
        charts += [chart for figure, chart in _boxes(verdict).items() if figure in shown]
    return charts


def _boxes(verdict: str) -> dict[str, Chart]:
    """Return the box plots, by the figure that they show."""
    return {
        "b": Chart(
            "b_by_year", "box", "B by year: each year alone, and years joined", "year_intervals", "label", ("b_ratio",),
            group="way", where={"figure": ("b",)}, x_label="Year", y_label="B [-]", section=SECTION,
            note="Line: estimate; whiskers: interval; box: its inner half. Years alone swing with the noise of their "
            "totals; the same meters in all years, and the temperature, tell what really changed.",
        ),
        "change": Chart(
            "year_changes", "box", "Change of B between years: each year alone, and the same meters", "year_intervals",
            "label", ("b_ratio",), group="way", where={"figure": ("change",)}, threshold={"no change": 0.0},
            x_label="Years", y_label="Change of B [-]", section=SECTION,
            note="Whiskers: intervals that hold for all pairs of years together. A change is one whose whiskers leave "
            "out 0. Years alone are single lines.",
        ),
        "source": Chart(
            "b_by_source", "box", "B of air and ground source", "year_intervals", "label", ("b_ratio",), group="way",
            where={"figure": ("source",)}, x_label="Source of heat", y_label="B [-]", section=SECTION,
            note=f"Whiskers: interval; box: its inner half. {verdict.capitalize()}.",
        ),
    }  # fmt: skip


def _width(joint: JointEstimate) -> float:
    """Return the quantile of the joint intervals."""
    se = float(np.sqrt(joint.log_cov[0, 0]))
    return float(np.log(joint.high_ratio[0] / joint.b_ratio[0])) / se
