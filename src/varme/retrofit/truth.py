"""A synthetic town knows the truth: estimates beside it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from varme.ground.tables import Column, Table, TableSchema
from varme.retrofit.case import RetrofitCase
from varme.retrofit.levels import Levels
from varme.retrofit.outlook import Outlook

COMPARISON_TRUTH = TableSchema(
    "comparison_truth",
    "The synthetic town knows the truth: estimates beside it",
    (
        Column("quantity", "text", "what is compared"),
        Column("truth_ratio", "number", "what the synthetic town was made with, in the unit of the quantity"),
        Column("estimate_ratio", "number", "what the meters told"),
        Column("low_ratio", "number", "lower end of its interval"),
        Column("high_ratio", "number", "upper end of its interval"),
        Column("error_percent", "number", "estimate against the truth"),
        Column("inside", "text", "whether the truth lies in the interval"),
    ),
)

_Row = tuple[str, float, float, float, float]


def truth_table(case: RetrofitCase, levels: Levels, outlook: Outlook) -> Table | None:
    """Return estimates beside the truth, ``None`` without a synthetic town."""
    if case.town is None:
        return None
    data: dict[str, list[object]] = {c.name: [] for c in COMPARISON_TRUTH.columns}
    for quantity, truth, estimate, low, high in _rows(case, levels, outlook):
        known = np.isfinite(low) and np.isfinite(high)
        inside = ("yes" if low <= truth <= high else "no") if known else "-"
        row = (quantity, truth, estimate, low, high, 100 * (estimate / truth - 1), inside)
        for column, value in zip(COMPARISON_TRUTH.columns, row, strict=True):
            data[column.name].append(value)
    return Table(COMPARISON_TRUTH, data)


def _rows(case: RetrofitCase, levels: Levels, outlook: Outlook) -> Iterator[_Row]:
    assert case.town is not None
    truth, nan = case.town.truth, float("nan")
    level, demand = levels.interval, outlook.demand
    spf = float(np.mean(truth["spf_fleet"]))
    yield "SPF of the fleet, all years", spf, level.spf, level.low, level.high
    for number, year in enumerate(case.study.years):
        if year in levels.interval_by_year:
            one = levels.interval_by_year[year]
            yield f"SPF of the fleet, {year}", float(truth["spf_fleet"][number]), one.spf, one.low, one.high
    curve = levels.curve
    slope = float(truth["cop_slope_space_share_per_k"])
    doubt = 1.96 * curve.slope_se_share_per_k
    middle = curve.slope_share_per_k
    yield (
        "rise of the COP of space heating [%/K]", 100 * slope, 100 * middle, 100 * (middle - doubt),
        100 * (middle + doubt),
    )  # fmt: skip
    for number, found in enumerate(demand.years):
        low, mid, high = found.electricity_gwh
        made = float(truth["retrofit_year_kwh"][number]) / 1e6
        yield f"electricity after the retrofit, {found.year} [GWh]", made, mid, low, high
    worst = max(demand.years, key=lambda y: y.peak_day_mwh[1])
    low, mid, high = worst.peak_day_mwh
    yield "peak day after the retrofit [MWh]", float(truth["retrofit_peak_day_kwh"]) / 1e3, mid, low, high
    yield (
        "the same with a constant SPF [MWh]", float(truth["retrofit_peak_day_kwh"]) / 1e3,
        worst.constant_spf_peak_day_mwh, nan, nan,
    )  # fmt: skip
