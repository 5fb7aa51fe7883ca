"""Tables, charts and findings of change-point models and weather normalisation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from varme.ground.charts import Chart
from varme.ground.findings import Finding
from varme.ground.tables import Column, Table, TableSchema
from varme.retrofit.demand.change_point import (
    AMBIGUOUS,
    CONFIDENCE,
    HEATING,
    NO_HEATING,
    VERDICTS,
    ChangePoints,
    fit_change_points,
)
from varme.retrofit.demand.normalise import Normalised

Floats = NDArray[np.float64]

SECTION = "Heat by temperature"
#: Width of the classes of heating limits [K].
CLASS_K = 0.5
#: Shares of meters, and of days, from which a finding is a warning (assumptions).
MANY_UNCLEAR, MANY_FILLED = 0.1, 0.05
#: A total moves against the weather if it is this far from the fleet's model (assumption).
AGAINST_WEATHER = 0.03

CHANGE_POINTS = TableSchema(
    "change_points",
    "Heating model of each meter: base + slope x (limit - temperature)",
    (
        Column("meter", "text", "meter"),
        Column("verdict", "text", "heating, no heating, ambiguous, or no data"),
        Column("base_kwh_th_per_day", "number", "heat of a day without heating"),
        Column("base_low_kwh_th_per_day", "number", "lower end of its interval; empty where the base is held at zero"),
        Column("base_high_kwh_th_per_day", "number", "upper end"),
        Column("slope_kwh_th_per_k_day", "number", "heat per day and kelvin below the limit"),
        Column("slope_low_kwh_th_per_k_day", "number", "lower end of its interval"),
        Column("slope_high_kwh_th_per_k_day", "number", "upper end"),
        Column("limit_c", "number", "heating limit"),
        Column("limit_low_c", "number", "lower end of its interval"),
        Column("limit_high_c", "number", "upper end"),
        Column("heat_share", "number", "share of the heat that follows the temperature"),
        Column("r2_share", "number", "share of the variance that the model explains"),
        Column("cv_rmse_share", "number", "standard deviation of the residuals over the mean"),
        Column("used_days", "integer", "days that the model was fitted to"),
        Column("robust", "flag", "whether outliers were held back"),
    ),
)  # fmt: skip
LIMITS = TableSchema(
    "heating_limits",
    "How many meters have which heating limit",
    (
        Column("limit_c", "number", "middle of the class of heating limits"),
        Column("meters_count", "integer", "meters that heat, with a limit in this class"),
        Column("meters_share", "number", "their share of the meters that heat"),
    ),
)
FLEET = TableSchema(
    "fleet_heat",
    "Mean daily heat of a home against temperature",
    (
        Column("date", "time", "local day"),
        Column("temperature_c", "number", "mean outdoor temperature"),
        Column("heat_kwh_th_per_day", "number", "mean heat of the meters that are used"),
        Column("model_kwh_th_per_day", "number", "change-point model of that mean"),
    ),
)
NORMALISED = TableSchema(
    "normalised",
    "Heat of the meters, as measured and in the same weather",
    (
        Column("year", "integer", "calendar year"),
        Column("degree_days_k_days", "number", "degree-day number G20/15 of the year"),
        Column("reference_k_days", "number", "that of the reference"),
        Column("measured_gwh_th", "number", "heat of the meters that are used in this year"),
        Column("normalised_gwh_th", "number", "the same in the weather of the reference"),
        Column(
            "panel_gwh_th", "number", "heat of the meters that are used in every year: years can be compared"
        ),
        Column("panel_normalised_gwh_th", "number", "the same in the weather of the reference"),
        Column(
            "panel_low_gwh_th", "number", "lower end of its interval, from the model of the panel's mean day"
        ),
        Column("panel_high_gwh_th", "number", "upper end"),
        Column("panel_meters_count", "integer", "meters of the panel"),
    ),
)

SCHEMAS: tuple[TableSchema, ...] = (CHANGE_POINTS, LIMITS, FLEET, NORMALISED)


def change_point_table(fits: ChangePoints, meters: Sequence[str]) -> Table:
    """Return the table ``change_points``; ``meters`` are the names that may be shown."""
    z = _z()
    return Table(
        CHANGE_POINTS,
        {
            "meter": list(meters), "verdict": (fits.verdict.astype(np.int32), list(VERDICTS)),
            "base_kwh_th_per_day": fits.base,
            "base_low_kwh_th_per_day": np.maximum(fits.base - z * fits.base_se, 0),
            "base_high_kwh_th_per_day": fits.base + z * fits.base_se,
            "slope_kwh_th_per_k_day": fits.slope,
            "slope_low_kwh_th_per_k_day": np.maximum(fits.slope - z * fits.slope_se, 0),
            "slope_high_kwh_th_per_k_day": fits.slope + z * fits.slope_se,
            "limit_c": fits.limit_c, "limit_low_c": fits.limit_low_c, "limit_high_c": fits.limit_high_c,
            "heat_share": fits.heat_share, "r2_share": fits.r2, "cv_rmse_share": fits.cv_rmse,
            "used_days": fits.days, "robust": fits.robust,
        },
    )  # fmt: skip


def limits_table(fits: ChangePoints, k_count: int = 5) -> Table:
    """Return the table ``heating_limits``; classes of fewer than ``k_count`` meters are put to their neighbours."""
    limit = fits.limit_c[fits.verdict == HEATING]
    number = np.round(limit / CLASS_K).astype(np.int64)
    names, count = np.unique(number, return_counts=True)
    middles, counts = _grouped(names * CLASS_K, count, k_count)
    return Table(
        LIMITS, {"limit_c": middles, "meters_count": counts, "meters_share": counts / max(counts.sum(), 1)}
    )


def _grouped(value: Floats, count: NDArray[np.int64], k: int) -> tuple[Floats, NDArray[np.int64]]:
    """Join neighbours until every class holds ``k``; the class has the mean value of its members."""
    values: list[float] = []
    counts: list[int] = []
    total, weight = 0, 0.0
    for v, n in zip(value.tolist(), count.tolist(), strict=True):
        total, weight = total + n, weight + v * n
        if total >= k:
            values.append(weight / total)
            counts.append(total)
            total, weight = 0, 0.0
    if total and counts:
        values[-1] = (values[-1] * counts[-1] + weight) / (counts[-1] + total)
        counts[-1] += total
    return np.round(values, 1), np.array(counts, dtype=np.int64)


def fleet_table(
    days: NDArray[np.datetime64], temperature_c: Floats, fleet_days: Floats, usable: NDArray[np.bool_],
    years: tuple[int, ...], k_count: int = 1,
) -> Table:  # fmt: skip
    """Return the table ``fleet_heat``: means per meter, so that years with other numbers of meters can be compared.

    Args:
        days: Local days.
        temperature_c: Daily means [C].
        fleet_days: Sum of the usable meters' heat by day [kWh].
        usable: Whether each meter's year is in that sum, shape (meters, years).
        years: Calendar years.
        k_count: Years with fewer usable meters are left out.
    """
    enough = usable & (usable.sum(axis=0) >= k_count)
    mean = fleet_mean(days, fleet_days, enough, years)
    fit = fit_change_points(mean[None, :].astype(np.float32), temperature_c)
    keep = np.isfinite(mean) & np.isfinite(temperature_c)
    model = fit.predict(np.where(keep, temperature_c, 0.0))[0]
    return Table(
        FLEET,
        {
            "date": days[keep], "temperature_c": temperature_c[keep], "heat_kwh_th_per_day": mean[keep],
            "model_kwh_th_per_day": model[keep],
        },
    )  # fmt: skip


def fleet_mean(
    days: NDArray[np.datetime64], fleet_days: Floats, usable: NDArray[np.bool_], years: tuple[int, ...]
) -> Floats:
    """Return the mean heat of a usable meter by day, NaN on days outside the years, shape (days,)."""
    calendar = days.astype("datetime64[Y]").astype(int) + 1970
    count = np.zeros(len(days))
    for k, year in enumerate(years):
        count[calendar == year] = usable[:, k].sum()
    return np.asarray(np.where(count > 0, fleet_days / np.maximum(count, 1), np.nan))


def normalised_table(found: Normalised, energy: Floats, k_count: int = 1) -> Table:
    """Return the table ``normalised``; ``energy`` is what was measured, shape (meters, years) [kWh].

    Sums of fewer than ``k_count`` meters are NaN.

    The interval of the panel adds up the meters' half widths: what the weather hides is hidden for all of them alike.
    """
    panel = np.isfinite(found.energy).all(axis=1)
    half = (found.high - found.energy)[panel].sum(axis=0)
    few = np.isfinite(energy).sum(axis=0) < k_count
    measured, total = (np.where(few, np.nan, v) for v in (np.nansum(energy, axis=0), found.total))
    hidden = 0.0 if found.panel_meters >= k_count else np.nan
    return Table(
        NORMALISED,
        {
            "year": found.years, "degree_days_k_days": found.degree_days,
            "reference_k_days": np.full(len(found.years), found.reference_degree_days),
            "measured_gwh_th": measured / 1e6, "normalised_gwh_th": total / 1e6,
            "panel_gwh_th": found.panel_measured / 1e6 + hidden, "panel_normalised_gwh_th": found.panel / 1e6 + hidden,
            "panel_low_gwh_th": (found.panel - half) / 1e6 + hidden,
            "panel_high_gwh_th": (found.panel + half) / 1e6 + hidden,
            "panel_meters_count": np.full(len(found.years), found.panel_meters),
        },
    )  # fmt: skip


def charts(*, normalised: bool = True) -> list[Chart]:
    """Return the charts over those tables.

    Args:
        normalised: Whether there is a table ``normalised``.
    """
    out = [
        Chart(
            "fleet_heat", "scatter", "Daily heat of a home against outdoor temperature", "fleet_heat", "temperature_c",
            ("heat_kwh_th_per_day", "model_kwh_th_per_day"), x_label="outdoor temperature [°C]",
            y_label="heat [kWh/day]", section=SECTION,
            note="One point a day: the mean of all meters that are used, and its change-point model. Left of the bend "
            "is heating, right of it hot water and cooking. Homes begin to heat at different limits, so their mean "
            "bends softly where the model bends at once.",
        ),
        Chart(
            "heating_limits", "bars", "Heating limits of the homes", "heating_limits", "limit_c", ("meters_share",),
            x_label="heating limit [°C]", y_label="share of the homes that heat", section=SECTION,
            note="Outdoor temperature below which a home begins to heat: about 10 °C for passive houses, 12 °C for low-"
            "energy ones, 15 °C for old ones (the limits of IWU's degree-day tables). Small classes are put to "
            "their neighbours.",
        ),
    ]  # fmt: skip
    if normalised:
        out.append(
            Chart(
                "normalised", "bars", "Heat by year, as measured and in the same weather", "normalised", "year",
                ("panel_gwh_th", "panel_normalised_gwh_th"), x_label="year", y_label="heat [GWh]", section=SECTION,
                note="Meters that are used in every year only. What is left of the differences in the same weather is "
                "habits, insulation, or an error of the data.",
            )
        )  # fmt: skip
    return out


def findings(
    fits: ChangePoints, filled_days: NDArray[np.int16] | None = None, where: str = "gas_meters"
) -> list[Finding]:
    """Return what a reader of the models must know.

    Args:
        fits: Models.
        filled_days: Days of each year that the model filled, shape (meters, years).
        where: Field that names the meters.
    """
    out: list[Finding] = []
    judged = max(int((fits.days > 0).sum()), 1)
    count = {code: int((fits.verdict == code).sum()) for code in (NO_HEATING, AMBIGUOUS)}
    for code, name, text in (
        (NO_HEATING, "no_heating_seen", "show no heating: cooking or hot water only, or empty homes"),
        (AMBIGUOUS, "heating_ambiguous", "do not tell whether they heat: too few days, or too much else"),
    ):
        if count[code]:
            share = count[code] / judged
            severity = "warning" if share > MANY_UNCLEAR else "note"
            message = f"{count[code]:,} of {judged:,} meters ({share:.1%}) {text}."
            out.append(Finding(name, severity, where, message, {"meters": count[code], "share": share}))  # type: ignore[arg-type]
    out += _robust(fits, judged, where)
    if filled_days is not None and filled_days.size:
        share = float(filled_days.sum() / (365.25 * filled_days.size))
        if share > 0:
            message = (
                f"{share:.2%} of all days had no trusted value and were filled by the meters' own models of the "
                "temperature."
            )
            severity = "warning" if share > MANY_FILLED else "note"
            out.append(Finding("filled_by_model", severity, where, message, {"share": share}))  # type: ignore[arg-type]
    return out


def _robust(fits: ChangePoints, judged: int, where: str) -> list[Finding]:
    robust = int(fits.robust.sum())
    if not robust:
        return []
    message = (
        f"{robust:,} of {judged:,} meters have days far from their own model that cleaning kept; their models hold "
        "such days back."
    )
    severity = "warning" if robust > MANY_UNCLEAR * judged else "note"
    return [Finding("robust_heating_models", severity, where, message, {"meters": robust})]  # type: ignore[arg-type]


def normalised_findings(found: Normalised, where: str = "gas_meters") -> list[Finding]:
    """Return a warning for each year whose heat cannot be explained by its weather.

    In the same weather a panel of the same meters should use the same; a year that is far from the others' mean has
    other habits, a changed calorific value, or missing data. Bayer & Pruckner's totals fall where the weather grows
    colder.
    """
    if found.panel_meters == 0 or len(found.years) < 2:
        return []
    out = []
    for k, year in enumerate(found.years):
        others = np.delete(found.panel, k).mean()
        change = float(found.panel[k] / others - 1)
        if abs(change) < AGAINST_WEATHER:
            continue
        measured = float(found.panel_measured[k] / np.delete(found.panel_measured, k).mean() - 1)
        weather = float(found.degree_days[k] / np.delete(found.degree_days, k).mean() - 1)
        message = (
            f"In {year} the same {found.panel_meters:,} meters used {measured:+.1%} against the other years, with "
            f"{weather:+.1%} degree days; in the same weather {change:+.1%} remain unexplained."
        )
        evidence = {"year": year, "measured": measured, "degree_days": weather, "unexplained": change}
        out.append(Finding("total_against_weather", "warning", f"{where}, {year}", message, evidence))
    return out


def _z() -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
