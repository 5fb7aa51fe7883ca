"""How known exports are laid out: which column is the time, which hold what, in which unit, for which area.

=================  =====================================================================================
``plain``          any CSV or Parquet file: a time column and number columns
``eds_settlement``  Energi Data Service, ProductionConsumptionSettlement: MWh per hour, by price area
``eds_balance``    Energi Data Service, ElectricityBalanceNonv: MWh per hour, by price area
``eds_elspot``     Energi Data Service, Elspotprices: EUR/MWh and DKK/MWh, by price area
``eds_dayahead``   Energi Data Service, DayAheadPrices (quarter-hours from October 2025)
``entsoe``         ENTSO-E Transparency Platform: Actual Total Load, Actual Generation per Production Type, Day-ahead
                   Prices, with stamps ``01.01.2019 00:00 - 01.01.2019 01:00``
``opsd``           Open Power System Data, time_series: columns such as ``DK_2_load_actual_entsoe_transparency``
=================  =====================================================================================

Short names (``gross``, ``wind``, ``load``, ``price``...) stand for columns or for sums of columns.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from varme.data.align import Report
from varme.data.column_units import normal_unit, unit_of_column
from varme.data.tabular import TableFile, distinct, number_columns, time_columns
from varme.ground.series import FileSeries

_WIND_EDS = (
    "OffshoreWindLt100MW_MWh", "OffshoreWindGe100MW_MWh", "OnshoreWindLt50kW_MWh", "OnshoreWindGe50kW_MWh",
)  # fmt: skip
_SOLAR_EDS = (
    "SolarPowerLt10kW_MWh",
    "SolarPowerGe10Lt40kW_MWh",
    "SolarPowerGe40kW_MWh",
    "SolarPowerSelfConMWh",
)


@dataclass(frozen=True)
class Layout:
    """One export: ``{area}`` in a column stands for the area, ``*`` at the end for any rest of the name."""

    title: str
    times: tuple[str, ...]
    area_column: str | None
    unit: str | None
    names: Mapping[str, tuple[str, ...]]
    units: Mapping[str, str] = field(default_factory=dict)
    clock_stated: bool = False


LAYOUTS: dict[str, Layout] = {
    "eds_settlement": Layout(
        "Energi Data Service, ProductionConsumptionSettlement", ("HourUTC",), "PriceArea", "mwh",
        {
            "gross": ("GrossConsumptionMWh",), "central": ("CentralPowerMWh",), "local": ("LocalPowerMWh",),
            "commercial": ("CommercialPowerMWh",), "decentral": ("LocalPowerMWh", "CommercialPowerMWh"),
            "wind": _WIND_EDS, "wind_offshore": _WIND_EDS[:2], "wind_onshore": _WIND_EDS[2:], "solar": _SOLAR_EDS,
            "hydro": ("HydroPowerMWh",),
        },
    ),
    "eds_balance": Layout(
        "Energi Data Service, ElectricityBalanceNonv", ("HourUTC",), "PriceArea", "mwh",
        {
            "load": ("TotalLoad",), "wind": ("OnshoreWindPower", "OffshoreWindPower"),
            "wind_onshore": ("OnshoreWindPower",), "wind_offshore": ("OffshoreWindPower",), "solar": ("SolarPower",),
            "biomass": ("Biomass",), "gas": ("FossilGas",), "coal": ("FossilHardCoal",), "oil": ("FossilOil",),
            "waste": ("Waste",), "hydro": ("HydroPower",),
        },
    ),
    "eds_elspot": Layout(
        "Energi Data Service, Elspotprices", ("HourUTC",), "PriceArea", None, {"price": ("SpotPriceEUR",)},
        {"SpotPriceEUR": "eur_per_mwh", "SpotPriceDKK": "dkk_per_mwh"},
    ),
    "eds_dayahead": Layout(
        "Energi Data Service, DayAheadPrices", ("TimeUTC",), "PriceArea", None, {"price": ("DayAheadPriceEUR",)},
        {"DayAheadPriceEUR": "eur_per_mwh", "DayAheadPriceDKK": "dkk_per_mwh"},
    ),
    "entsoe": Layout(
        "ENTSO-E Transparency Platform", ("MTU*", "Time*"), "Area", None,
        {
            "load": ("Actual Total Load*",), "price": ("Day-ahead Price*",),
            "biomass": ("Biomass - Actual Aggregated*",),
            "wind": ("Wind Offshore - Actual Aggregated*", "Wind Onshore - Actual Aggregated*"),
            "wind_offshore": ("Wind Offshore - Actual Aggregated*",),
            "wind_onshore": ("Wind Onshore - Actual Aggregated*",), "solar": ("Solar - Actual Aggregated*",),
            "gas": ("Fossil Gas - Actual Aggregated*",), "coal": ("Fossil Hard coal - Actual Aggregated*",),
            "oil": ("Fossil Oil - Actual Aggregated*",), "waste": ("Waste - Actual Aggregated*",),
        },
        clock_stated=True,
    ),
    "opsd": Layout(
        "Open Power System Data, time_series", ("utc_timestamp",), None, "mw",
        {
            "load": ("{area}_load_actual_entsoe_transparency",), "price": ("{area}_price_day_ahead",),
            "wind": ("{area}_wind_onshore_generation_actual", "{area}_wind_offshore_generation_actual"),
            "wind_onshore": ("{area}_wind_onshore_generation_actual",),
            "wind_offshore": ("{area}_wind_offshore_generation_actual",),
            "solar": ("{area}_solar_generation_actual",),
        },
        {"*_price_day_ahead": "eur_per_mwh", "*_capacity": "mw", "*_profile": "share"},
    ),
}  # fmt: skip


@dataclass(frozen=True)
class ColumnPlan:
    """What to read from a file: columns ``terms`` to be added up, in ``unit``, at the rows that hold ``pick``."""

    time_column: str
    timezone: str
    terms: tuple[str, ...]
    unit: str | None
    pick: dict[str, str]


def plan(spec: FileSeries, table: TableFile, report: Report) -> ColumnPlan | None:
    """Find out which columns of a file a series means.

    Returns:
        The plan, or ``None`` if a problem was reported: P201 unknown or undecided column or area, P205 a clock that
        must be stated, P208 an unknown unit, P211 an unknown layout.
    """
    if spec.layout != "plain" and spec.layout not in LAYOUTS:
        near = difflib.get_close_matches(spec.layout, LAYOUTS, n=1, cutoff=0.5)
        report.problem(
            "P211", "is not a known layout", value=spec.layout, limit=f"layouts: plain, {', '.join(LAYOUTS)}",
            remedy=f"Did you mean {near[0]}?" if near else "",
        )  # fmt: skip
        return None
    layout = LAYOUTS.get(spec.layout)
    before = len(report.problems)
    time_column = _time_column(spec, table, layout, report)
    timezone = _timezone(spec, table, time_column, layout, report)
    terms = _terms(spec, table, layout, report)
    pick = _pick(spec, table, layout, report)
    unit = _unit(spec, terms, layout, report)
    if len(report.problems) > before:
        return None
    return ColumnPlan(time_column, timezone, terms, unit, pick)


def _time_column(spec: FileSeries, table: TableFile, layout: Layout | None, report: Report) -> str:
    if spec.time_column is not None:
        return _known(spec.time_column, table, report, "time column")
    if layout is not None:
        found = [c for pattern in layout.times for c in table.columns if _matches(pattern, c)]
        if not found:
            expected = ", ".join(p.replace("*", "...") for p in layout.times)
            report.problem(
                "P201", f"no time column as in {layout.title}", limit=f"expected {expected}; {_listed(table)}"
            )
        return found[0] if found else ""
    found = time_columns(table)
    if not found:
        report.problem(
            "P201", "no column holds time stamps", limit=_listed(table),
            remedy="State time_column; stamps are ISO 8601 (2011-01-31T23:00Z) or 31.01.2011 23:00.",
        )  # fmt: skip
        return ""
    return next((c for c in found if "utc" in c.lower()), found[0])


def _timezone(spec: FileSeries, table: TableFile, column: str, layout: Layout | None, report: Report) -> str:
    """Return the clock of stamps without an offset; a name that says local time must not be read as UTC."""
    if "timezone" in spec.model_fields_set or not column:
        return spec.timezone
    if layout is not None and layout.clock_stated:
        return _stated_clock(spec, table, column, layout, report)
    lower = column.lower()
    local = re.search(r"local|(^|[^a-z])(cet|cest)([^a-z]|$)|hourdk|timedk", lower)
    naive = not any(
        cell.strip().endswith("Z") or re.search(r"[+-]\d{2}:?\d{2}$", cell)
        for cell in table.first[column][:1]
    )
    if local and naive and "TIME ZONE" not in table.types[column]:
        report.problem(
            "P205", f"column {column} is in local time by its name, and no timezone is stated",
            remedy='State timezone = "Europe/Copenhagen" (its clock with summer time) or "Etc/GMT-1" (CET all year).',
        )  # fmt: skip
    return spec.timezone


def _stated_clock(spec: FileSeries, table: TableFile, column: str, layout: Layout, report: Report) -> str:
    """Return the clock that the header or the first stamp names in brackets."""
    text = f"{column} {next(iter(table.first[column]), '')}".lower()
    if "cet/cest" in text:
        return "Europe/Brussels"
    if "utc" not in text:
        report.problem(
            "P205", f"the file does not say on which clock {column} runs", value=layout.title,
            remedy='State timezone = "UTC", or "Europe/Brussels" for CET/CEST.',
        )  # fmt: skip
    return spec.timezone


def _terms(spec: FileSeries, table: TableFile, layout: Layout | None, report: Report) -> tuple[str, ...]:
    if spec.column is None:
        choices = number_columns(table)
        if len(choices) == 1:
            return (choices[0],)
        names = (
            f"names: {', '.join(layout.names)}"
            if layout
            else f"number columns: {', '.join(choices) or 'none'}"
        )
        report.problem("P201", "the file has several value columns: state column", limit=names)
        return ()
    if layout is None or spec.column not in layout.names:
        extra = list(layout.names) if layout else []
        return (_known(spec.column, table, report, "column", extra),)
    return tuple(_expanded(pattern, spec, table, layout, report) for pattern in layout.names[spec.column])


def _expanded(pattern: str, spec: FileSeries, table: TableFile, layout: Layout, report: Report) -> str:
    if "{area}" in pattern:
        if spec.area is None:
            report.problem(
                "P201", f"{layout.title} holds many areas: state area", remedy='For example area = "DK_2".'
            )
            return ""
        pattern = pattern.replace("{area}", re.sub(r"^([A-Z]{2})(\d)$", r"\1_\2", spec.area))
    found = [c for c in table.columns if _matches(pattern, c)]
    if spec.area is not None and len(found) > 1:
        found = [c for c in found if spec.area in c] or found
    if not found:
        report.problem(
            "P201",
            f"no column {pattern.replace('*', '...')}, which {spec.column} needs",
            limit=_listed(table),
        )
    return found[0] if found else ""


def _pick(spec: FileSeries, table: TableFile, layout: Layout | None, report: Report) -> dict[str, str]:
    names = [layout.area_column] if layout is not None and layout.area_column else []
    names += [] if layout is not None else ["PriceArea", "price_area", "area", "Area", "zone"]
    column = next((n for n in names if n in table.columns), None)
    if column is None:
        if spec.area is not None and layout is None:
            report.problem(
                "P201", "an area is stated, but no column names areas", value=spec.area, limit=_listed(table)
            )
        return {}
    areas = distinct(table, column)
    if spec.area is None:
        if len(areas) > 1:
            report.problem("P201", f"column {column} holds several areas: state area", limit=", ".join(areas))
        return {}
    chosen = [a for a in areas if a == spec.area or a.endswith(f"|{spec.area}")]
    if not chosen:
        report.problem(
            "P201", f"no rows of this area in column {column}", value=spec.area, limit=", ".join(areas)
        )
        return {}
    return {column: chosen[0]}


def _unit(spec: FileSeries, terms: tuple[str, ...], layout: Layout | None, report: Report) -> str | None:
    if spec.unit is not None:
        unit = normal_unit(spec.unit)
        if unit is None:
            report.problem(
                "P208",
                "is not a unit that varme knows",
                value=spec.unit,
                limit="for example MW, kWh, EUR/MWh",
            )
        return unit
    if not terms:
        return None
    if layout is not None:
        for pattern, unit in layout.units.items():
            if _matches(pattern, terms[0]):
                return unit
    return unit_of_column(_without_area(terms[0])) or (layout.unit if layout is not None else None)


def _without_area(column: str) -> str:
    """``Actual Total Load [MW] - BZN|DK2`` -> ``Actual Total Load [MW]``."""
    return re.sub(r"\s+-\s+[A-Z]{3}\|.*$", "", column)


def _known(column: str, table: TableFile, report: Report, what: str, extra: list[str] | None = None) -> str:
    if column in table.columns:
        return column
    spaced = [c for c in table.columns if _squeezed(c) == _squeezed(column)]
    if spaced:
        return spaced[0]
    names = [*table.columns, *(extra or [])]
    by_lower = {n.lower(): n for n in names}
    near = difflib.get_close_matches(column.lower(), by_lower, n=1, cutoff=0.5)
    shown = f"names: {', '.join(extra)}; {_listed(table)}" if extra else _listed(table)
    report.problem(
        "P201", f"{table.path.name} has no such {what}", value=column, limit=shown,
        remedy=f"Did you mean {by_lower[near[0]]}?" if near else "",
    )  # fmt: skip
    return ""


def _matches(pattern: str, column: str) -> bool:
    name = _squeezed(column)
    if pattern.startswith("*"):
        return name.endswith(_squeezed(pattern[1:]))
    if pattern.endswith("*"):
        return name.startswith(_squeezed(pattern[:-1]))
    return name == _squeezed(pattern)


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().lower()


def _listed(table: TableFile) -> str:
    shown = ", ".join(table.columns[:30])
    return f"columns: {shown}{', ...' if len(table.columns) > 30 else ''}"
