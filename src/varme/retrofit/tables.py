"""Tables that belong to the study as a whole: annual energies, heat over volume, the fleets by day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.ground.charts import Chart
from varme.ground.tables import Column, Table, TableSchema
from varme.retrofit.spf.joint_towns import JointTowns
from varme.retrofit.stream import MeterYears

Floats = NDArray[np.float64]

METER_FILES = TableSchema(
    "meter_files",
    "What was understood of each meter file",
    (
        Column("meters", "text", "gas_meters or heat_pump_meters"),
        Column("file", "text", "the file, or the first of several of one form"),
        Column("layout", "text", "how it is laid out"),
        Column("meter_column", "text", "where the meters' ids stand"),
        Column("time_column", "text", "where the time stamps stand"),
        Column("value_column", "text", "where the readings stand"),
        Column("unit", "text", "unit of the readings, and what they were turned into"),
        Column("reading", "text", "interval (used in the step) or register (where it stood)"),
        Column("step", "text", "time between readings"),
        Column("clock", "text", "clock of the stamps"),
        Column("label", "text", "what a stamp marks: start or end of its interval"),
        Column("rows_count", "integer", "readings"),
        Column("meters_count", "integer", "meters"),
        Column("first", "text", "first stamp"),
        Column("last", "text", "last stamp"),
        Column("found", "text", "what was stated in the study and what was detected"),
    ),
)
ANNUAL = TableSchema(
    "annual",
    "Annual energy of every meter (pseudonyms unless privacy.show_meters)",
    (
        Column("meter", "text", "meter"),
        Column("carrier", "text", "gas or heat_pump"),
        Column("year", "integer", "calendar year"),
        Column("heat_kwh_th", "number", "useful heat (gas)"),
        Column("electricity_kwh", "number", "electricity (heat pump)"),
        Column("valid_days", "integer", "days with a trusted value"),
        Column("usable", "flag", "whether the year may be used"),
    ),
)
DISTRIBUTION = TableSchema(
    "annual_distribution",
    "Distribution of annual energy over usable meters",
    (
        Column("carrier", "text", "gas (useful heat) or heat_pump (electricity)"),
        Column("year", "integer", "calendar year"),
        Column("meters_count", "integer", "usable meters"),
        Column("total_gwh", "number", "sum"),
        Column("mean_kwh", "number", "mean"),
        Column("p10_kwh", "number", "10th percentile"),
        Column("p25_kwh", "number", "25th percentile"),
        Column("median_kwh", "number", "median"),
        Column("p75_kwh", "number", "75th percentile"),
        Column("p90_kwh", "number", "90th percentile"),
        Column(
            "log_spread_share", "number", "standard deviation of the logarithm, robust (from the quartiles)"
        ),
    ),
)
VOLUME = TableSchema(
    "heat_by_volume",
    "Annual energy over the volume of the building, in classes of equal size",
    (
        Column("carrier", "text", "gas (useful heat) or heat_pump (electricity)"),
        Column("volume_m3", "number", "median volume of the class"),
        Column("meters_count", "integer", "meters in the class"),
        Column("p25_kwh", "number", "25th percentile of annual energy"),
        Column("median_kwh", "number", "median of annual energy"),
        Column("p75_kwh", "number", "75th percentile of annual energy"),
    ),
)
FLEET_DAYS = TableSchema(
    "fleet_days",
    "Daily gas and heat-pump electricity of the fleets",
    (
        Column("day", "time", "local calendar day"),
        Column("year", "text", "calendar year"),
        Column("temperature_c", "number", "mean outdoor temperature"),
        Column("gas_heat_kwh_th", "number", "useful heat per usable gas meter"),
        Column("heat_pump_kwh", "number", "electricity per usable heat-pump meter"),
    ),
)


TOWNS = TableSchema(
    "towns",
    "B of this town and of the others, each alone and drawn to each other",
    (
        Column("town", "text", "town"),
        Column("alone_b_ratio", "number", "B of the mean year from the town's own meters"),
        Column("alone_low_ratio", "number", "lower end of its interval"),
        Column("alone_high_ratio", "number", "upper end"),
        Column("pooled_b_ratio", "number", "B with what the other towns tell"),
        Column("pooled_low_ratio", "number", "lower end of its interval"),
        Column("pooled_high_ratio", "number", "upper end"),
    ),
)


def towns_table(found: JointTowns) -> Table:
    """Return the towns, each alone and drawn to the others."""
    data: dict[str, list[Any]] = {c.name: [] for c in TOWNS.columns}
    for name, pooled in found.towns.items():
        alone = found.alone[name]
        row = (
            name, alone.mean_b_ratio, alone.mean_low_ratio, alone.mean_high_ratio, pooled.mean_b_ratio,
            pooled.mean_low_ratio, pooled.mean_high_ratio,
        )  # fmt: skip
        for column, value in zip(TOWNS.columns, row, strict=True):
            data[column.name].append(value)
    return Table(TOWNS, data)


def files_table(rows: list[dict[str, Any]]) -> Table:
    """Return what was understood of each meter file."""
    data: dict[str, list[Any]] = {c.name: [] for c in METER_FILES.columns}
    for row in rows:
        for column in METER_FILES.columns:
            data[column.name].append(row.get(column.name, 0 if column.dtype == "integer" else ""))
    return Table(METER_FILES, data)


def annual_table(fleets: Mapping[str, MeterYears], names: Mapping[str, list[str]]) -> Table:
    """Return the annual energy of every meter and year.

    Args:
        fleets: ``gas`` and, if there are any, ``heat_pump``.
        names: Carrier -> what to call each meter.
    """
    parts: dict[str, list[Any]] = {c.name: [] for c in ANNUAL.columns}
    for carrier, fleet in fleets.items():
        n, years = fleet.energy.shape
        parts["meter"].append(np.repeat(np.array(names[carrier], dtype=object), years))
        parts["carrier"].append(np.full(n * years, carrier, dtype=object))
        parts["year"].append(np.tile(np.array(fleet.years), n))
        blank = np.full(n * years, np.nan)
        energy = fleet.energy.ravel()
        parts["heat_kwh_th"].append(energy if carrier == "gas" else blank)
        parts["electricity_kwh"].append(blank if carrier == "gas" else energy)
        parts["valid_days"].append(fleet.valid_days.ravel())
        parts["usable"].append(fleet.usable.ravel())
    return Table(ANNUAL, {name: np.concatenate(values) for name, values in parts.items()})


def distribution_table(fleets: Mapping[str, MeterYears], k: int) -> Table:
    """Return percentiles of annual energy by carrier and year; nothing of fewer than ``k`` meters."""
    data: dict[str, list[Any]] = {c.name: [] for c in DISTRIBUTION.columns}
    for carrier, fleet in fleets.items():
        for number, year in enumerate(fleet.years):
            energy = fleet.energy[:, number]
            energy = energy[np.isfinite(energy)]
            if len(energy) < k:
                continue
            p10, p25, p50, p75, p90 = np.quantile(energy, [0.1, 0.25, 0.5, 0.75, 0.9])
            positive = energy[energy > 0]
            low, high = np.quantile(np.log(positive), [0.25, 0.75]) if len(positive) else (0.0, 0.0)
            row = (
                carrier, year, len(energy), energy.sum() / 1e6, energy.mean(), p10, p25, p50, p75, p90,
                (high - low) / 1.349,
            )  # fmt: skip
            for column, value in zip(DISTRIBUTION.columns, row, strict=True):
                data[column.name].append(value)
    return Table(DISTRIBUTION, data)


def volume_table(fleets: Mapping[str, tuple[Floats, Floats]], k: int, classes: int = 10) -> Table:
    """Return annual energy over classes of volume; classes hold at least ``k`` meters.

    Args:
        fleets: Carrier -> (volume [m3], annual energy [kWh]) of its meters, NaN where not known.
        k: Least number of meters in a class.
        classes: Classes at most.
    """
    data: dict[str, list[Any]] = {c.name: [] for c in VOLUME.columns}
    for carrier, (volume, energy) in fleets.items():
        known = np.isfinite(volume) & np.isfinite(energy)
        order = np.argsort(volume[known], kind="stable")
        v, e = volume[known][order], energy[known][order]
        count = min(classes, len(v) // max(k, 1))
        for part in np.array_split(np.arange(len(v)), count) if count else []:
            p25, p50, p75 = np.quantile(e[part], [0.25, 0.5, 0.75])
            row = (carrier, float(np.median(v[part])), len(part), p25, p50, p75)
            for column, value in zip(VOLUME.columns, row, strict=True):
                data[column.name].append(value)
    return Table(VOLUME, data)


def fleet_days_table(
    days: NDArray[np.datetime64], temperature_c: Floats, gas: MeterYears, pumps: MeterYears | None, k: int = 1
) -> Table:
    """Return the daily means of both fleets over their usable meters; NaN in years with fewer than ``k`` of them."""
    year = days.astype("datetime64[Y]").astype(int) + 1970
    electricity = _mean_by_day(pumps, year, k) if pumps is not None else np.full(len(days), np.nan)
    return Table(
        FLEET_DAYS,
        {
            "day": days.astype("datetime64[s]"),
            "year": [str(y) for y in year],
            "temperature_c": temperature_c,
            "gas_heat_kwh_th": _mean_by_day(gas, year, k),
            "heat_pump_kwh": electricity,
        },
    )


def _mean_by_day(fleet: MeterYears, year: NDArray[np.int64], k: int) -> Floats:
    count = np.zeros(len(year))
    for number, y in enumerate(fleet.years):
        count[year == y] = fleet.usable[:, number].sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(count >= max(k, 1), fleet.fleet_days / count, np.nan), dtype=float)


def fleet_charts(*, has_pumps: bool, has_volume: bool) -> list[Chart]:
    """Return the charts of the fleets: daily energy against temperature, heat against volume."""
    charts = [
        Chart(
            "gas_temperature", "scatter", "Useful heat of the gas homes falls with the outdoor temperature",
            "fleet_days", "temperature_c", ("gas_heat_kwh_th",), group="year",
            x_label="mean outdoor temperature of the day [°C]",
            y_label="heat per home [kWh/day]", section="Meters",
            note="One point a day: mean over the usable gas meters.",
        ),
    ]  # fmt: skip
    if has_pumps:
        charts.append(
            Chart(
                "heat_pump_temperature", "scatter", "Heat pumps draw more than in proportion on cold days",
                "fleet_days", "temperature_c", ("heat_pump_kwh",), group="year",
            x_label="mean outdoor temperature of the day [°C]",
                y_label="electricity per heat pump [kWh/day]", section="Meters",
                note="One point a day: mean over the usable heat-pump meters. Heat rises and COP falls with the cold.",
            )
        )  # fmt: skip
    if has_volume:
        charts.append(
            Chart(
                "heat_volume", "line", "Annual energy rises with the volume of the building", "heat_by_volume",
                "volume_m3", ("median_kwh", "p25_kwh", "p75_kwh"), group="carrier",
                x_label="volume of the building [m³]", y_label="annual energy [kWh]", section="Meters",
                note="Median and quartiles of classes of equal size. Gas: useful heat; heat pump: electricity.",
            )
        )  # fmt: skip
    return charts


SCHEMAS = (TOWNS, METER_FILES, ANNUAL, DISTRIBUTION, VOLUME, FLEET_DAYS)
