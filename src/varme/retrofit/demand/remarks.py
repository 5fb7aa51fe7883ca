"""Charts and findings of retrofitted demand."""

from __future__ import annotations

import numpy as np

from varme.ground.charts import Chart
from varme.ground.findings import Finding
from varme.retrofit.demand.project import Demand

#: Section of the report in which the charts stand.
SECTION = "Retrofitted demand"
#: Years of weather that a design temperature asks for (DIN EN 12831: ten times in twenty years).
RECORD_YEARS = 20
#: A heat map of hours shows the last so many days: one year.
MAP_DAYS = 366


def charts(demand: Demand, *, household: bool = False) -> list[Chart]:
    """Return the charts over those tables.

    Args:
        demand: The demand.
        household: Whether a load of today was given.
    """
    per_day = demand.grid.steps_per_day
    last = len(demand.grid.local_day)
    first = max(last - MAP_DAYS * per_day, 0)
    load = ("household_mw", "together_mw") if household else ("heat_pumps_mw",)
    source = demand.shape_rows.source
    return [
        Chart(
            "demand_days", "line", "Electricity of retrofitted heat pumps by day", "town_days", "date",
            ("electricity_mwh",), x_label="day", y_label="electricity [MWh/day]",
            y2=("temperature_c",), y2_label="outdoor temperature [°C]", section=SECTION,
            note="What all gas homes would draw with heat pumps, by the heat that they used on each day and the COP of "
            "its hours (Fig. 1 of Bayer & Pruckner 2023). Table town_days holds P5 and P95.",
        ),
        Chart(
            "demand_scatter", "scatter", "Daily heat of gas homes and electricity of heat pumps against temperature",
            "town_days", "temperature_c", ("heat_mwh_th", "electricity_mwh", "constant_spf_mwh"),
            x_label="outdoor temperature [°C]",
            y_label="energy [MWh/day]", section=SECTION,
            note="One point a day. The COP falls in the cold: a constant SPF gives too much in mild weather and too "
            "little on the days for which a network is built.",
        ),
        Chart(
            "demand_duration", "duration",
            "Load of the town, before and after" if household else "Load of heat pumps",
            "town_hours", "time_utc", load, x_label="hours", y_label="load [MW]", section=SECTION,
            note="Each curve is sorted for itself from the highest hour to the lowest.",
        ),
        Chart(
            "demand_map", "heatmap", "Heat-pump load by day and hour, last year", "town_hours", "date", ("local_h",),
            colour="heat_pumps_mw", x_label="day", y_label="local time [h]", rows=(first, last), section=SECTION,
            note="Mean power of all retrofitted heat pumps [MW].",
        ),
        Chart(
            "hour_shapes", "line", "Course of the day by outdoor temperature, weekdays", "hour_shapes", "local_h",
            ("load_percent",), group="temperature", where={"kind": ("weekday",)}, x_label="local time [h]",
            y_label="power over the day's mean [%]", section=SECTION, note=f"Shapes from: {source}.",
        ),
        Chart(
            "sizing", "bars", "Heat pumps by size", "sizing", "size_kw", ("homes_count",),
            x_label="capacity at -7 °C [kW]", y_label="buildings", section=SECTION,
            note=f"Rule: {demand.sizing.rule.rule.replace('_', ' ')}, design temperature "
            f"{demand.sizing.rule.design_c:.1f} °C. Small classes are put together.",
        ),
    ]  # fmt: skip


def findings(demand: Demand) -> list[Finding]:
    """Return what a reader of the demand must know."""
    out = [_constant_spf(demand)] if demand.years else []
    for made in (
        _beyond_curve(demand),
        _record(demand),
        _backup(demand),
        _largest(demand),
        _blocking(demand),
        _shapes(demand),
    ):
        out += made
    return out  # fmt: skip


def _constant_spf(demand: Demand) -> Finding:
    worst = max(demand.years, key=lambda y: y.understated_share)
    return Finding(
        "constant_spf_understates", "note", f"year {worst.year}",
        f"A constant SPF would put the peak day at {worst.constant_spf_peak_day_mwh:.4g} MWh instead of "
        f"{worst.peak_day_mwh[1]:.4g} MWh at {worst.peak_day_c:.1f} °C: {100 * worst.understated_share:.0f} % too low.",
        {"understated_share": worst.understated_share, "year": worst.year},
    )  # fmt: skip


def _beyond_curve(demand: Demand) -> list[Finding]:
    low = demand.level.measured_low_c
    if demand.shapes is not None:
        low = max(low, demand.shapes.low_c)
    days = int((demand.temperature_c < low - 1e-9).sum())
    spell = int((demand.spell.temperature_c < low - 1e-9).sum())
    if not days and not spell:
        return []
    return [
        Finding(
            "temperature_extrapolated", "warning", f"below {low:.1f} °C",
            f"{days} days of the period and {spell} of the design cold spell are colder than the coldest day on which "
            f"heat pumps were measured ({low:.1f} °C): COP and shape are carried on from there.",
            {"days": days, "spell_days": spell, "low_c": low},
        )
    ]  # fmt: skip


def _record(demand: Demand) -> list[Finding]:
    years = len(demand.town.days) / 365.25
    if demand.spec.design_temperature_c is not None or years >= RECORD_YEARS:
        return []
    return [
        Finding(
            "design_record_short", "note", "demand.design_temperature_c",
            f"The design temperature {demand.spell.design_c:.1f} °C comes from {years:.1f} years of weather; the "
            "standard asks for twenty. Give the one of your national annex.",
            {"years": years, "design_c": demand.spell.design_c},
        )
    ]  # fmt: skip


def _backup(demand: Demand) -> list[Finding]:
    s = demand.sizing
    heat = float(np.nansum(s.heat_kwh_th))
    share = float(np.nansum(s.backup_share * s.heat_kwh_th)) / heat if heat else 0.0
    text = {
        "in_meters": "The load holds what the measured heat pumps' meters hold.",
        "modelled": "It is added to the load.",
        "none": "It is not in the load.",
    }[demand.spec.backup]
    return [
        Finding(
            "backup_heat", "note", "sizing",
            f"Backup heaters would give {100 * share:.2g} % of the heat of an average year, with "
            f"{float(np.nansum(s.backup_kw)) / 1e3:.3g} MW at {s.rule.design_c:.1f} °C. {text}",
            {"share": share, "backup_mw": float(np.nansum(s.backup_kw)) / 1e3},
        )
    ]  # fmt: skip


def _largest(demand: Demand) -> list[Finding]:
    many = int((demand.sizing.units > 1).sum())
    if not many:
        return []
    return [
        Finding(
            "heat_pumps_in_cascade", "note", "sizing",
            f"{many} buildings need more than the largest heat pump of the catalogue and get several side by side: "
            "check whether they are homes.",
            {"buildings": many},
        )
    ]  # fmt: skip


def _blocking(demand: Demand) -> list[Finding]:
    if demand.blocked is None or demand.blocked.unserved_share <= 1e-6:
        return []
    days = int((demand.blocked.unserved_kwh.sum(axis=0) > 1e-6).sum())
    return [
        Finding(
            "blocking_unserved", "warning", "demand.blocking",
            f"{100 * demand.blocked.unserved_share:.2g} % of the electricity finds no room around the blocked hours "
            f"and is not drawn, on {days} days: those homes get colder. Larger heat pumps or shorter windows help.",
            {"share": demand.blocked.unserved_share, "days": days},
        )
    ]  # fmt: skip


def _shapes(demand: Demand) -> list[Finding]:
    shapes = demand.shapes
    if shapes is None or shapes.effective_days is None or shapes.bandwidth_k is None:
        return []
    wide = shapes.bandwidth_k > 3.0
    if not wide.any():
        return []
    centres = np.concatenate([[shapes.low_c], shapes.edges_c])
    return [
        Finding(
            "shapes_borrowed", "note", "hour shapes",
            f"{int(wide.sum())} of {len(wide)} temperature bins have too few measured days for a shape of their own "
            f"(coldest: {centres[wide][0]:.0f} °C) and borrow from days up to {shapes.bandwidth_k.max():.0f} K away.",
            {"bins": int(wide.sum()), "of": len(wide)},
        )
    ]  # fmt: skip
