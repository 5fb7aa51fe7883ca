"""Is it consistent? Alarms over meters and totals, and what others measured, put together for one study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from varme.ground.charts import Chart
from varme.ground.findings import Finding
from varme.ground.tables import Table
from varme.retrofit import alarms, consistency, field_trials, meter_alarms, published
from varme.retrofit.analysis import Metered
from varme.retrofit.case import RetrofitCase
from varme.retrofit.heat import efficiency_findings
from varme.retrofit.levels import Levels, per_meter, year_of_day
from varme.retrofit.published import Ours

Floats = NDArray[np.float64]

#: Share of ground sources where the building table does not tell (Bayer & Pruckner 2023).
GROUND_SHARE = 0.24


def sources_known(case: RetrofitCase, meters: Metered) -> bool:
    """Return whether the building table tells the source of any heat pump."""
    if meters.pumps is None or not case.buildings.has("source"):
        return False
    return bool(np.isin(case.buildings.of(meters.pumps.meters, "source", ""), ("air", "ground")).any())


def ground_share(case: RetrofitCase, meters: Metered) -> float:
    """Return the share of ground sources among the heat pumps."""
    if meters.pumps is None or not case.buildings.has("source"):
        return GROUND_SHARE
    source = case.buildings.of(meters.pumps.meters, "source", "")
    known = np.isin(source, ("air", "ground"))
    return float((source[known] == "ground").mean()) if known.any() else GROUND_SHARE


def boundaries(case: RetrofitCase, meters: Metered) -> list[str]:
    """Return the boundary of each heat-pump meter, empty where it is not stated."""
    if meters.pumps is None:
        return []
    return [str(b) for b in case.buildings.of(meters.pumps.meters, "boundary", "")]


def check_findings(case: RetrofitCase, meters: Metered, levels: Levels) -> list[Finding]:
    """Return the alarms of a study."""
    gas, pumps = meters.gas, meters.pumps
    days = consistency.degree_days(case.temperature_c, year_of_day(case), gas.years)
    out = efficiency_findings(case.study.furnace, case.gas_unit)
    same = np.isfinite(gas.energy).all(axis=1)
    if same.any():
        out += consistency.totals_findings(
            gas.energy[same].mean(axis=0),
            days,
            gas.years,
            what="heat of the same gas meters",
            meters_count=int(same.sum()),
        )
    out += consistency.meter_set_findings(gas.energy, gas.years)
    fleet = per_meter(gas.fleet_days, gas.usable, case)
    out += meter_alarms.shifted_days_findings(fleet, case.temperature_c, "gas meters")
    if pumps is not None:
        fleet = per_meter(pumps.fleet_days, pumps.usable, case)
        out += meter_alarms.shifted_days_findings(fleet, case.temperature_c, "heat-pump meters")
    level = levels.interval
    if levels.source == "unpaired" and pumps is not None:
        out += consistency.meter_set_findings(pumps.energy, pumps.years, "heat-pump meters")
        out += alarms.boundary_findings(boundaries(case, meters))
        out += alarms.years_findings(_used(gas.usable, gas.years), _used(pumps.usable, pumps.years))
        used = int(pumps.usable.any(axis=1).sum())
        out += alarms.few_heat_pump_findings(
            used, int(gas.usable.any(axis=1).sum()), levels.pooled.residual_spread_heat or 0.5
        )
        out += alarms.gross_net_findings(level.b, level.b_low, level.b_high, case.gas_unit)
        out += _hourly_findings(case, meters)
    boundary = boundaries(case, meters)
    common = boundary[0] if boundary and len(set(boundary)) == 1 else ""
    trials = field_trials.field_trial_findings(
        level.spf, level.low, level.high, ground_share(case, meters), common
    )
    if not sources_known(case, meters):
        trials = [
            replace(f, message=f.message.replace("ground source", "ground source (assumed)")) for f in trials
        ]
    out += trials
    if case.town is not None and case.town.spec.b_by_year_ratio is not None:
        out += [  # a town made to be like the paper's: its figures stand beside ours
            replace(
                f,
                where="Bayer & Pruckner 2023",
                severity="note",
                message=f"The paper's own figures: {f.message}",
            )
            for f in published.paper_findings()
        ]
    if len(levels.by_year) > 1:
        years = list(levels.by_year)
        se = float(np.mean([e.log_se for e in levels.by_year.values()]))
        out += published.trend_findings(
            [levels.by_year[y].b_ratio for y in years], winter_means(case, years), years, se
        )
    return out


def _hourly_findings(case: RetrofitCase, meters: Metered) -> list[Finding]:
    if meters.sample is None or meters.sample_clock is None:
        return []
    clock, values = meters.sample_clock, meters.sample.values
    ratio = meter_alarms.noon_ratio(values, clock.day, clock.hour, case.days, case.temperature_c)
    energy = np.asarray(np.nansum(values, axis=1, dtype=np.float64), dtype=float)
    edges = np.flatnonzero(np.r_[True, clock.day[1:] != clock.day[:-1]])
    daily = np.full((len(values), len(case.days)), np.nan)
    daily[:, clock.day[edges]] = np.add.reduceat(values, edges, axis=1)
    return [
        *meter_alarms.photovoltaics_findings(ratio, energy),
        *meter_alarms.cooling_findings(daily, case.temperature_c),
    ]


def _used(usable: NDArray[np.bool_], years: tuple[int, ...]) -> list[int]:
    return [y for k, y in enumerate(years) if usable[:, k].any()]


def winter_means(case: RetrofitCase, years: list[int]) -> list[float]:
    """Return the mean temperature of the winter days of each year: to 20 February and from November [C]."""
    day = case.days.astype("datetime64[D]")
    number = (day - day.astype("datetime64[Y]")).astype(int)
    winter = (number <= 50) | (day.astype("datetime64[M]").astype(int) % 12 >= 10)
    year = year_of_day(case)
    return [float(np.nanmean(case.temperature_c[winter & (year == y)])) for y in years]


def check_tables(case: RetrofitCase, meters: Metered, levels: Levels) -> list[Table]:
    """Return the tables of consistency, field trials and, for a synthetic town, the paper's figures."""
    gas, level = meters.gas, levels.interval
    days = consistency.degree_days(case.temperature_c, year_of_day(case), gas.years)
    boundary = boundaries(case, meters)
    common = boundary[0] if boundary and len(set(boundary)) == 1 and boundary[0] else "H3"
    out = [
        consistency.consistency_table(gas.energy, days, gas.years, k_count=case.study.privacy.k_count),
        field_trials.field_trial_table(level.spf, level.low, level.high, ground_share(case, meters), common),
    ]
    if case.town is not None and meters.pumps is not None:
        out.append(published.published_table(_ours(case, meters, levels)))
    return out


def _ours(case: RetrofitCase, meters: Metered, levels: Levels) -> dict[tuple[str, int | None], Ours]:
    """Return the study's figures that the paper has, too."""
    assert meters.pumps is not None
    year = year_of_day(case)
    ours = published.correlations(
        per_meter(meters.gas.fleet_days, meters.gas.usable, case),
        per_meter(meters.pumps.fleet_days, meters.pumps.usable, case),
        case.temperature_c, year, list(meters.gas.years),
    )  # fmt: skip
    volume = np.asarray(case.buildings.of(meters.gas.meters, "volume_m3"), dtype=float)
    ours |= published.volume_correlation(meters.gas.energy, volume)
    for y, interval in levels.interval_by_year.items():
        ours["b", y] = Ours(interval.b, interval.b_low, interval.b_high)
        ours["spf", y] = Ours(interval.spf, interval.low, interval.high)
    return ours


def check_charts(case: RetrofitCase, levels: Levels) -> list[Chart]:
    """Return the charts over those tables."""
    level = levels.interval
    makers: list[Callable[[], list[Chart]]] = [
        consistency.consistency_chart,
        lambda: field_trials.field_trial_chart(level.spf, level.low, level.high),
    ]
    if case.town is not None:
        makers.append(published.published_chart)
    return [chart for make in makers for chart in make()]


SCHEMAS = (consistency.CONSISTENCY, field_trials.FIELD_TRIALS, published.PUBLISHED)
