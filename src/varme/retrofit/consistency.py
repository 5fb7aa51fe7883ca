"""Totals against degree days, and years against each other: is it the weather, or did the meters change?

Every function takes plain arrays and returns findings or tables with the figures behind them; none changes anything.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from varme.ground.charts import Chart
from varme.ground.findings import Finding, Severity
from varme.ground.tables import Column, Table, TableSchema

Floats = NDArray[np.float64]

#: Share of annual heat that does not depend on the weather (hot water), where a study knows nothing better
#: (assumption).
BASE_SHARE = 0.15
#: Deviation from the degree days that is let pass: sun and wind, which degree days do not see, move the difference of
#: two
#: years by up to 3.5 % in 30 synthetic towns of 1,400 meters.
TOLERANCE_SHARE = 0.04
#: A home's own noise from year to year, which a mean of few meters does not average out (assumption, as in the town).
OWN_NOISE_SHARE = 0.08

CONSISTENCY = TableSchema(
    "consistency",
    "Annual heat against degree days",
    (
        Column("year", "integer", "calendar year"),
        Column("meters_count", "integer", "meters with a usable year"),
        Column("degree_days_k_days", "number", "degree days of the year"),
        Column("total_gwh_th", "number", "heat of all meters used"),
        Column("mean_kwh_th", "number", "heat per meter"),
        Column("panel_mean_kwh_th", "number", "heat per meter over the meters that are usable in every year"),
        Column(
            "expected_kwh_th",
            "number",
            "heat per meter that the degree days ask for, anchored at the mean of the years",
        ),
        Column("deviation_percent", "number", "heat per meter less the expected one"),
        Column("panel_deviation_percent", "number", "the same over the meters that are usable in every year"),
    ),
)


def degree_days(
    temperature_c: Floats, year: NDArray[np.int64], years: Sequence[int], limit_c: float = 15.0
) -> Floats:
    """Return degree days by year: sum of what the daily mean is below the heating limit [K d].

    Args:
        temperature_c: Daily mean outdoor temperature, shape (days,); NaN days are replaced by the mean of the others.
        year: Calendar year of each day.
        years: Years wanted.
        limit_c: Heating limit.
    """
    need = np.maximum(limit_c - temperature_c, 0)
    return np.array([np.nanmean(need[year == y]) * (year == y).sum() for y in years])


def expected_by_degree_days(total: Floats, days: Floats, base_share: float = BASE_SHARE) -> Floats:
    """Return totals that follow the degree days, with the sum over the years of ``total``.

    Args:
        total: Totals by year, shape (years,).
        days: Degree days by year.
        base_share: Share of the mean total that does not depend on the weather.
    """
    shape = base_share + (1 - base_share) * days / days.mean()
    return np.asarray(shape * total.mean() / shape.mean(), dtype=np.float64)


def totals_findings(
    total: Floats,
    days: Floats,
    years: Sequence[int],
    *,
    what: str = "heat",
    base_share: float = BASE_SHARE,
    tolerance_share: float = TOLERANCE_SHARE,
    meters_count: int | None = None,
) -> list[Finding]:
    """Return a finding where totals (or means per meter) do not follow the degree days.

    It is an alarm if a colder year has the lower total by more than the tolerance: weather cannot do that; else a
    warning.

    Args:
        total: Total or mean per meter by year, shape (years,).
        days: Degree days by year.
        years: Calendar years.
        what: What the totals are of.
        base_share: Share that does not depend on the weather.
        tolerance_share: Deviation that is let pass.
        meters_count: Meters behind the totals: two standard errors of their own noise are let pass besides.
    """
    if meters_count:
        tolerance_share += 2 * OWN_NOISE_SHARE * float(np.sqrt(2 / meters_count))
    ok = np.isfinite(total) & np.isfinite(days) & (total > 0)
    if ok.sum() < 2:
        return []
    total, days = total[ok], days[ok]
    names = [y for y, good in zip(years, ok, strict=True) if good]
    expected = expected_by_degree_days(total, days, base_share)
    ratio = np.log(total / total[:, None]) - np.log(expected / expected[:, None])
    worst = np.unravel_index(np.abs(ratio).argmax(), ratio.shape)
    first, second = sorted((int(worst[0]), int(worst[1])))
    off = float(np.expm1(ratio[first, second]))
    if abs(off) <= tolerance_share:
        return []
    found, asked = total[second] / total[first] - 1, expected[second] / expected[first] - 1
    reversed_order = bool(found * asked < 0)
    message = (
        f"From {names[first]} to {names[second]} the {what} changes by {100 * found:+.1f} %, the degree days ask for "
        f"{100 * asked:+.1f} %"
    )
    message += ": the colder year has the lower total, which weather cannot do." if reversed_order else "."
    message += (
        " Did the set of meters change, or are there gaps? Compare years on the same meters only, and do not read "
        "a trend of B or SPF from these totals."
    )
    return [
        Finding(
            "totals_against_degree_days", "alarm" if reversed_order else "warning", what, message,
            {"years": names, "total": total.tolist(), "degree_days_k_days": days.tolist(),
             "expected": expected.tolist(),
             "deviation_share": off, "tolerance_share": tolerance_share},
        )
    ]  # fmt: skip


def consistency_table(
    energy: Floats, days: Floats, years: Sequence[int], base_share: float = BASE_SHARE, k_count: int = 1
) -> Table:
    """Return annual heat against degree days.

    Args:
        energy: Useful heat by meter and year [kWh], NaN where the year is not usable, shape (meters, years).
        days: Degree days by year.
        years: Calendar years.
        base_share: Share that does not depend on the weather.
        k_count: Heat of fewer meters is NaN.
    """
    usable = np.isfinite(energy)
    count = usable.sum(axis=0)
    few = count < max(k_count, 1)
    total = np.where(few & (count > 0), np.nan, np.where(usable, energy, 0).sum(axis=0))
    mean = np.where(few, np.nan, total / np.maximum(count, 1))
    panel = usable.all(axis=1)
    panel_mean = energy[panel].mean(axis=0) if panel.sum() >= max(k_count, 1) else np.full(len(mean), np.nan)
    expected, panel_expected = (_expected_where_known(m, days, base_share) for m in (mean, panel_mean))
    return Table(
        CONSISTENCY,
        {
            "year": list(years), "meters_count": count, "degree_days_k_days": days, "total_gwh_th": total / 1e6,
            "mean_kwh_th": mean, "panel_mean_kwh_th": panel_mean, "expected_kwh_th": expected,
            "deviation_percent": 100 * (mean / expected - 1),
            "panel_deviation_percent": 100 * (panel_mean / panel_expected - 1),
        },
    )  # fmt: skip


def _expected_where_known(mean: Floats, days: Floats, base_share: float) -> Floats:
    expected = np.full(len(mean), np.nan)
    known = np.isfinite(mean) & np.isfinite(days)
    if known.any():
        expected[known] = expected_by_degree_days(mean[known], days[known], base_share)
    return expected


def consistency_chart() -> list[Chart]:
    """Return the chart of how far annual heat is from what the degree days ask for."""
    return [
        Chart(
            "consistency", "bars", "Annual heat less what the degree days ask for", "consistency", "year",
            ("deviation_percent", "panel_deviation_percent"), x_label="year", y_label="deviation [%]",
            section="Consistency",
            note="Of all usable meters, and of those that are usable in every year. Within 4 % is weather that "
            "degree days do not see (sun, wind). Where the two part, the meters changed, not the weather.",
        )
    ]  # fmt: skip


def meter_set_findings(energy: Floats, years: Sequence[int], what: str = "gas meters") -> list[Finding]:
    """Return a finding where years are not of the same meters.

    Args:
        energy: Energy by meter and year, NaN where not usable, shape (meters, years).
        years: Calendar years.
        what: Which meters.
    """
    usable = np.isfinite(energy)
    some, every = usable.any(axis=1), usable.all(axis=1)
    if not some.any() or len(years) < 2 or every.sum() >= 0.95 * some.sum():
        return []
    count = usable.sum(axis=0)
    mean = np.array([energy[usable[:, k], k].mean() if count[k] else np.nan for k in range(len(years))])
    panel = energy[every].mean(axis=0) if every.any() else np.full(len(years), np.nan)
    drift = np.log(mean / mean[0]) - np.log(panel / panel[0])
    moved = float(np.nanmax(np.abs(drift))) if np.isfinite(drift).any() else float("nan")
    severity: Severity = "alarm" if not every.any() or moved > TOLERANCE_SHARE else "warning"
    by_year = ", ".join(f"{y}: {n}" for y, n in zip(years, count, strict=True))
    effect = (
        f"against the {int(every.sum())} meters of every year the mean moves by up to {100 * moved:.1f} %"
        if every.any()
        else "no meter is usable in every year"
    )
    return [
        Finding(
            "meter_set_changed", severity, what,
            f"The years do not hold the same meters ({by_year}; {int(every.sum())} of {int(some.sum())} in every "
            f"year): "
            f"{effect}. Use the panel of the same meters for changes between years.",
            {"years": list(years), "meters": count.tolist(), "in_every_year": int(every.sum()),
             "in_some_year": int(some.sum()), "drift_share": moved},
        )
    ]  # fmt: skip
