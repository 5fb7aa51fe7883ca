"""Tables of retrofitted demand; its charts and findings are handed on from ``remarks``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from varme.ground.tables import Column, Table, TableSchema
from varme.retrofit.demand.project import Demand
from varme.retrofit.demand.remarks import charts, findings

__all__ = [
    "DEMAND_YEARS", "DESIGN_SPELL", "HOUR_SHAPES", "SCHEMAS", "SIZING", "SIZING_BUILDINGS", "TOWN_DAYS", "TOWN_HOURS",
    "charts", "findings", "tables",
]  # fmt: skip

Floats = NDArray[np.float64]

TOWN_DAYS = TableSchema(
    "town_days",
    "Heat and electricity of the retrofitted town by day",
    (
        Column("date", "time", "local calendar day"),
        Column("temperature_c", "number", "mean outdoor temperature"),
        Column("heat_mwh_th", "number", "useful heat of the gas homes, before gamma"),
        Column("water_mwh_th", "number", "hot water in it"),
        Column("electricity_mwh", "number", "electricity of the heat pumps that replace the furnaces"),
        Column("electricity_low_mwh", "number", "its P5"),
        Column("electricity_high_mwh", "number", "its P95"),
        Column("backup_mwh", "number", "electricity of backup heaters in it, where they are modelled"),
        Column("constant_spf_mwh", "number", "what a constant SPF makes of the same heat"),
        Column("day_cop", "number", "heat over electricity of the day"),
    ),
)
TOWN_HOURS = TableSchema(
    "town_hours",
    "Load of the retrofitted town",
    (
        Column("time_utc", "time", "start of the step"),
        Column("date", "time", "local calendar day"),
        Column("local_h", "number", "local time of the day, start of the step"),
        Column("heat_pumps_mw", "number", "mean power of the heat pumps that replace the furnaces"),
        Column("heat_pumps_low_mw", "number", "its P5: level and slope of the COP, the course of the day as known"),
        Column("heat_pumps_high_mw", "number", "its P95"),
        Column("household_mw", "number", "load of today, 0 where none was given"),
        Column("together_mw", "number", "load of today and heat pumps together"),
    ),
)  # fmt: skip
DEMAND_YEARS = TableSchema(
    "demand_years",
    "Demand of the retrofitted town by year",
    (
        Column("year", "integer", "calendar year"),
        Column("heat_gwh_th", "number", "useful heat of the heat pumps, after gamma"),
        Column("electricity_gwh", "number", "electricity of the heat pumps"),
        Column("electricity_low_gwh", "number", "its P5"),
        Column("electricity_high_gwh", "number", "its P95"),
        Column("fleet_spf", "number", "heat over electricity of the year"),
        Column(
            "backup_share",
            "number",
            "share of the electricity used by backup heaters, where they are modelled",
        ),
        Column("peak_date", "time", "local day with the highest demand"),
        Column("peak_temperature_c", "number", "its mean outdoor temperature"),
        Column("peak_day_mwh", "number", "its electricity"),
        Column("peak_day_low_mwh", "number", "P5 of the year's highest day"),
        Column("peak_day_high_mwh", "number", "P95 of the year's highest day"),
        Column("constant_spf_peak_day_mwh", "number", "peak day that a constant SPF gives"),
        Column("understated_share", "number", "how much of the peak day a constant SPF leaves out"),
        Column("peak_hour_utc", "time", "start of the highest step"),
        Column("peak_mw", "number", "its mean power"),
        Column("peak_low_mw", "number", "its P5"),
        Column("peak_high_mw", "number", "its P95"),
        Column("full_load_h", "number", "electricity over the peak"),
    ),
)
SIZING = TableSchema(
    "sizing",
    "Heat pumps chosen, by size",
    (
        Column("size_kw", "number", "capacity of the heat pump at -7 C; of merged classes their mean"),
        Column("homes_count", "integer", "buildings with this size"),
        Column("design_kw", "number", "median heat load at the design temperature"),
        Column("design_low_kw", "number", "median lower end of its interval"),
        Column("design_high_kw", "number", "median upper end"),
        Column("bivalence_c", "number", "median bivalence temperature"),
        Column("backup_kw", "number", "median power of the backup heater at the design temperature"),
        Column("backup_heat_share", "number", "share of the class's yearly heat from backup heaters"),
        Column("full_load_h", "number", "median full-load hours of the heat pump"),
        Column("running_h", "number", "median hours below the heating limit"),
        Column("electric_kw", "number", "mean of the highest electric power"),
    ),
)
SIZING_BUILDINGS = TableSchema(
    "sizing_buildings",
    "Heat pump of every building",
    (
        Column("meter", "text", "gas meter"),
        Column("loss_kw_per_k", "number", "slope of the heating line"),
        Column("limit_c", "number", "heating limit"),
        Column("design_kw", "number", "heat load at the design temperature"),
        Column("design_low_kw", "number", "lower end of its interval"),
        Column("design_high_kw", "number", "upper end"),
        Column("size_kw", "number", "capacity of the heat pump at -7 C"),
        Column("units_count", "integer", "machines side by side"),
        Column("bivalence_c", "number", "bivalence temperature"),
        Column("backup_kw", "number", "power of the backup heater at the design temperature"),
        Column("backup_heat_share", "number", "share of the yearly heat from the backup heater"),
        Column("full_load_h", "number", "full-load hours of the heat pump"),
        Column("electric_kw", "number", "highest electric power"),
    ),
)
HOUR_SHAPES = TableSchema(
    "hour_shapes",
    "Shape of the day of the measured heat pumps, by temperature",
    (
        Column("temperature", "text", "mean outdoor temperature of the day"),
        Column("temperature_c", "number", "the same as a number"),
        Column("kind", "text", "weekday or weekend"),
        Column("local_h", "number", "local time of the day, start of the step"),
        Column("load_percent", "number", "power over the mean power of the day"),
        Column("days_count", "integer", "measured days of this temperature"),
    ),
)
DESIGN_SPELL = TableSchema(
    "design_spell",
    "The town in a design cold spell",
    (
        Column("day_count", "integer", "day of the spell"),
        Column("temperature_c", "number", "mean outdoor temperature"),
        Column("electricity_mwh", "number", "electricity of the heat pumps"),
    ),
)
SCHEMAS: tuple[TableSchema, ...] = (
    TOWN_DAYS, TOWN_HOURS, DEMAND_YEARS, SIZING, SIZING_BUILDINGS, HOUR_SHAPES, DESIGN_SPELL,
)  # fmt: skip

#: Temperatures of which shapes are drawn [C].
SHOWN_C = (-10.0, -5.0, 0.0, 5.0, 10.0, 15.0, 20.0)


def town_days(demand: Demand) -> Table:
    """Return the table of days."""
    daily = demand.daily_kwh
    useful = demand.heat.useful_kwh_th.sum(axis=0)
    return Table(
        TOWN_DAYS,
        {
            "date": demand.town.days,
            "temperature_c": demand.temperature_c,
            "heat_mwh_th": useful / 1e3,
            "water_mwh_th": demand.heat.water_kwh_th.sum(axis=0) / 1e3,
            "electricity_mwh": daily / 1e3,
            "electricity_low_mwh": demand.day_low_kwh / 1e3,
            "electricity_high_mwh": demand.day_high_kwh / 1e3,
            "backup_mwh": demand.electricity.backup_kwh.sum(axis=0) / 1e3,
            "constant_spf_mwh": demand.constant_spf_kwh / 1e3,
            "day_cop": np.where(
                daily > 0, useful * (1 - demand.level.gamma_share) / np.where(daily > 0, daily, 1), np.nan
            ),
        },
    )


def town_hours(demand: Demand, household_kw: Floats | None = None) -> Table:
    """Return the table of steps.

    Args:
        demand: The demand.
        household_kw: Load of today by step of ``demand.grid`` [kW], shape (steps,).
    """
    grid = demand.grid
    power = demand.hourly_kwh / grid.step_h / 1e3
    daily = np.maximum(demand.daily_kwh, 1e-12)
    low, high = ((edge / daily)[grid.local_day] for edge in (demand.day_low_kwh, demand.day_high_kwh))
    house = np.zeros(len(power)) if household_kw is None else household_kw / 1e3
    return Table(
        TOWN_HOURS,
        {
            "time_utc": demand.times_utc,
            "date": demand.town.days[grid.local_day],
            "local_h": grid.local_step * grid.step_h,
            "heat_pumps_mw": power,
            "heat_pumps_low_mw": power * low,
            "heat_pumps_high_mw": power * high,
            "household_mw": house,
            "together_mw": power + house,
        },
    )


def demand_years(demand: Demand) -> Table:
    """Return the table of years."""
    years = demand.years
    low, mid, high = (
        {
            "gwh": [y.electricity_gwh[k] for y in years],
            "day": [y.peak_day_mwh[k] for y in years],
            "hour": [y.peak_hour_mw[k] for y in years],
        }
        for k in range(3)
    )
    return Table(
        DEMAND_YEARS,
        {
            "year": [y.year for y in years],
            "heat_gwh_th": [y.heat_gwh_th for y in years],
            "electricity_gwh": mid["gwh"],
            "electricity_low_gwh": low["gwh"],
            "electricity_high_gwh": high["gwh"],
            "fleet_spf": [y.spf for y in years],
            "backup_share": [y.backup_share for y in years],
            "peak_date": [y.peak_day for y in years],
            "peak_temperature_c": [y.peak_day_c for y in years],
            "peak_day_mwh": mid["day"],
            "peak_day_low_mwh": low["day"],
            "peak_day_high_mwh": high["day"],
            "constant_spf_peak_day_mwh": [y.constant_spf_peak_day_mwh for y in years],
            "understated_share": [y.understated_share for y in years],
            "peak_hour_utc": [y.peak_hour_utc for y in years],
            "peak_mw": mid["hour"],
            "peak_low_mw": low["hour"],
            "peak_high_mw": high["hour"],
            "full_load_h": [y.full_load_h for y in years],
        },
    )


def sizing_classes(demand: Demand, k_count: int = 5) -> Table:
    """Return the table of heat-pump sizes; classes of fewer than ``k_count`` buildings join their neighbour.

    Args:
        demand: The demand.
        k_count: Smallest class that is shown.
    """
    s = demand.sizing
    known = np.flatnonzero(np.isfinite(s.size_kw) & (s.size_kw > 0))
    classes = _classes(s.size_kw[known], k_count)
    rows: dict[str, list[float]] = {c.name: [] for c in SIZING.columns}
    for members in classes:
        mine = known[members]
        heat = s.heat_kwh_th[mine].sum()
        rows["size_kw"].append(float(s.size_kw[mine].mean()))
        rows["homes_count"].append(len(mine))
        rows["backup_heat_share"].append(
            float((s.backup_share[mine] * s.heat_kwh_th[mine]).sum() / heat) if heat else 0.0
        )
        rows["electric_kw"].append(float(s.electric_kw[mine].mean()))
        for name, values in (
            ("design_kw", s.design_kw), ("design_low_kw", s.design_low_kw), ("design_high_kw", s.design_high_kw),
            ("bivalence_c", s.bivalence_c), ("backup_kw", s.backup_kw), ("full_load_h", s.full_load_h),
            ("running_h", s.running_h),
        ):  # fmt: skip
            rows[name].append(float(np.median(values[mine])))
    return Table(SIZING, rows)


def _classes(size: Floats, k_count: int) -> list[NDArray[np.int64]]:
    """Return the members of each class of size, small ones merged upwards, the last one downwards; none below k."""
    out: list[NDArray[np.int64]] = []
    waiting = np.zeros(0, dtype=np.int64)
    for value in np.unique(size):
        waiting = np.concatenate([waiting, np.flatnonzero(size == value)])
        if len(waiting) >= k_count:
            out.append(waiting)
            waiting = np.zeros(0, dtype=np.int64)
    if len(waiting) and out:
        out[-1] = np.concatenate([out[-1], waiting])
    return out


def sizing_buildings(demand: Demand, meters: tuple[str, ...]) -> Table:
    """Return the table of buildings; the caller masks ids and small groups.

    Args:
        demand: The demand.
        meters: Ids (or numbers) of the buildings that were sized.
    """
    s = demand.sizing
    return Table(
        SIZING_BUILDINGS,
        {
            "meter": list(meters),
            "loss_kw_per_k": s.loss_kw_per_k,
            "limit_c": s.limit_c,
            "design_kw": s.design_kw,
            "design_low_kw": s.design_low_kw,
            "design_high_kw": s.design_high_kw,
            "size_kw": s.size_kw,
            "units_count": s.units,
            "bivalence_c": s.bivalence_c,
            "backup_kw": s.backup_kw,
            "backup_heat_share": s.backup_share,
            "full_load_h": s.full_load_h,
            "electric_kw": s.electric_kw,
        },
    )


def hour_shapes(demand: Demand) -> Table:
    """Return the courses of the day at a few temperatures, of measured heat pumps or of the standard profile."""
    rows: dict[str, list[object]] = {c.name: [] for c in HOUR_SHAPES.columns}
    t, weekend = demand.temperature_c, demand.town.weekday >= 5
    steps = demand.grid.steps_per_day
    for centre in SHOWN_C:
        for kind, of_kind in (("weekday", ~weekend), ("weekend", weekend)):
            near = np.flatnonzero((np.abs(t - centre) <= 1.5) & of_kind)
            if len(near) == 0:
                continue
            daily = (
                demand.electricity.heating_kwh.sum(axis=0)[near],
                demand.electricity.water_kwh.sum(axis=0)[near],
            )
            mean = daily[0] @ demand.shape_rows.space[near] + daily[1] @ demand.shape_rows.water[near]
            share = mean / max(mean.sum(), 1e-12)
            rows["temperature"] += [f"{centre:g} °C"] * steps
            rows["temperature_c"] += [centre] * steps
            rows["kind"] += [kind] * steps
            rows["local_h"] += (np.arange(steps) * 24 / steps).tolist()
            rows["load_percent"] += (100 * share * steps).tolist()
            rows["days_count"] += [len(near)] * steps
    return Table(HOUR_SHAPES, rows)


def design_spell(demand: Demand) -> Table:
    """Return the table of the design cold spell."""
    spell = demand.spell
    return Table(
        DESIGN_SPELL,
        {
            "day_count": np.arange(1, len(spell.temperature_c) + 1),
            "temperature_c": spell.temperature_c,
            "electricity_mwh": spell.electricity_mwh,
        },
    )


def tables(
    demand: Demand,
    *,
    household_kw: Floats | None = None,
    meters: tuple[str, ...] | None = None,
    k_count: int = 5,
) -> dict[str, Table]:
    """Return all tables by name; that of single buildings only if their names are given."""
    made = [
        town_days(demand), town_hours(demand, household_kw), demand_years(demand), sizing_classes(demand, k_count),
        hour_shapes(demand), design_spell(demand),
    ]  # fmt: skip
    if meters is not None:
        made.append(sizing_buildings(demand, meters))
    return {table.schema.name: table for table in made}
