"""Demand of a retrofitted town from what the meters said: days, hours, peaks, sizes, in one call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import InputError, Problem
from varme.retrofit.demand.blocking import BlockedLoad, Blocking, block, read_windows
from varme.retrofit.demand.hot_water import (
    WATER_LOG_SD,
    WaterCop,
    legionella_kwh_by_day,
    seasonal_water,
    water_cop_of_fleets,
)
from varme.retrofit.demand.hourly import StepGrid, by_use
from varme.retrofit.demand.load import (
    CopSource,
    DayElectricity,
    DayHeat,
    Efficiency,
    Scaled,
    day_mean,
    efficiency_by_day,
    heat_by_group,
    heat_weighted_cop,
    level_factor,
    retrofitted,
    split_heat,
)
from varme.retrofit.demand.outcome import Demand, DesignSpell, GasHomes, HeatPumpHomes, Level, Town
from varme.retrofit.demand.profiles import HourShapes, ShapesOfDays, measured_shapes, of_measured
from varme.retrofit.demand.sizing import (
    HeatingLines,
    Sizing,
    SizingRule,
    backup_by_temperature,
    cold_spell,
    design_temperature_c,
    size_heat_pumps,
)
from varme.retrofit.demand.spec import DemandSpec
from varme.retrofit.demand.standard import (
    HeatFactors,
    bdew_factors,
    by_local_step,
    electric_shapes,
    heat_shapes,
    reference_temperature,
    when2heat_factors,
)
from varme.retrofit.demand.totals import demand_draws, drawn_days, yearly

__all__ = [
    "Demand", "DesignSpell", "GasHomes", "HeatPumpHomes", "Level", "Town", "no_heating_above_c", "project",
    "sizing_rule",
]  # fmt: skip

Floats = NDArray[np.float64]


#: How much warmer than its heating limit a day may be on which a building still heats [K] (assumption).
INERTIA_K = 1.0


def sizing_rule(spec: DemandSpec, daily_c: Floats) -> SizingRule:
    """Return the sizing rule of a spec; the design temperature comes from the record where none is given."""
    design = spec.design_temperature_c
    blocked = sum(b - a for a, b in read_windows(spec.blocking, "demand.blocking", spec.step_min)) / 60
    return SizingRule(
        spec.sizing, design_temperature_c(daily_c) if design is None else design, spec.bivalence_c,
        spec.design_indoor_c, spec.capacity_fall_share_per_k, spec.operation_limit_c, tuple(spec.catalogue_kw),
        blocked, spec.backup_energy == "electric",
    )  # fmt: skip


@dataclass(frozen=True)
class _Shapes:
    """Shapes of the days, and the COPs by day that follow from them."""

    measured: HourShapes | None
    factors: HeatFactors | None
    rows: ShapesOfDays
    space_cop: Floats
    water_cop: Floats


def no_heating_above_c(lines: HeatingLines) -> float:
    """Return the daily temperature from which on nobody heats [C]: above the limits of nearly all of the heat.

    The limit that 99 % of the slopes lie below, and ``INERTIA_K`` more: buildings feel the day before.
    """
    slope, limit = (np.asarray(v, dtype=float) for v in (lines.slope, lines.limit_c))
    good = np.isfinite(slope) & np.isfinite(limit) & (slope > 0)
    if not good.any():
        return np.inf
    order = np.argsort(limit[good])
    part = np.cumsum(slope[good][order])
    at = int(np.searchsorted(part, 0.99 * part[-1]))
    return float(limit[good][order][min(at, len(order) - 1)]) + INERTIA_K


def project(spec: DemandSpec, town: Town, gas: GasHomes, pumps: HeatPumpHomes, level: Level) -> Demand:
    """Return the demand of a town in which every gas home has a heat pump.

    Args:
        spec: How it is computed.
        town: Calendar and weather.
        gas: Useful heat of the gas homes.
        pumps: The measured heat pumps.
        level: SPF, gamma, COP curve, and what is not known about them.

    Raises:
        InputError: P108 if shapes are to be measured and there is nothing to measure them on; P123 to P126.
    """
    daily_c = day_mean(town.temperature_c, town.local_day)
    grid = StepGrid.of_hours(town.local_day, town.local_hour, spec.step_min)
    water = _water_cop(spec, pumps, daily_c, level)
    base = gas.base * seasonal_water(np.ones(1), _day_of_year(town.days), spec.hot_water_swing_share)
    limit = no_heating_above_c(gas.lines) if spec.heating_limit_c is None else spec.heating_limit_c
    heat = split_heat(gas.heat, base, daily_c, limit_c=limit, standby_share=spec.standby_share)
    shapes = _shapes(spec, town, pumps, level.curve, water, daily_c, heat)
    rule = sizing_rule(spec, daily_c)

    def sized(curve: CopSource) -> Sizing:
        return size_heat_pumps(
            gas.lines, town.temperature_c, curve, rule, gamma=level.gamma_share, slope_se=gas.slope_se,
            water_share=1 - spec.standby_share,
        )  # fmt: skip

    backup = None
    if spec.backup == "modelled" and spec.backup_energy == "electric":
        backup = backup_by_temperature(sized(level.curve), daily_c, gas.line_group, len(gas.heat))
    raw = efficiency_by_day(
        level.curve, daily_c, space_cop=shapes.space_cop, water_cop=shapes.water_cop, backup_share=backup
    )
    keep = spec.hot_water_cop is not None
    factor = level_factor(raw, level.spf, heat, keep_water=keep)
    efficiency = Efficiency(
        raw.space_cop * factor, raw.water_cop * (1.0 if keep else factor), raw.backup_share
    )
    sizing = sized(Scaled(level.curve, factor))
    electricity = _with_legionella(spec, town, gas, retrofitted(heat, efficiency, level.gamma_share))
    load = by_use(
        electricity.heating_kwh.astype(np.float32),
        electricity.water_kwh.astype(np.float32),
        shapes.rows,
        grid,
    )
    blocked = _blocked(spec, town, gas, sizing, grid, load)
    if blocked is not None:
        load = blocked.load_kwh.astype(np.float32)
    times = grid.utc_of(town.hours_utc)
    daily = electricity.total_kwh.sum(axis=0)
    draws = demand_draws(
        log_se=level.log_se, df=level.df, modes=_modes(level, daily_c, electricity, keep), count=spec.draws_count,
        seed=spec.seed,
    )  # fmt: skip
    low, high = np.quantile(drawn_days(daily, draws), (0.05, 0.95), axis=0)
    years = yearly(
        town.days, daily_c, heat.useful_kwh_th.sum(axis=0) * (1 - level.gamma_share), daily,
        electricity.backup_kwh.sum(axis=0), load.sum(axis=0, dtype=np.float64), times, grid.local_day,
        grid.step_h, draws,
    )  # fmt: skip
    spell = _spell(spec, town, gas, level, factor, water, shapes, sizing, rule.design_c)
    return Demand(
        town, spec, level, daily_c, heat, efficiency, water, electricity, grid, times, load, shapes.measured,
        shapes.rows, blocked, sizing, tuple(years), low, high, spell,
    )  # fmt: skip


def _modes(level: Level, daily_c: Floats, used: DayElectricity, water_known: bool) -> Floats:
    """Return what one standard deviation of the curve, and of hot water's COP, does to log electricity by day."""
    tap = used.water_kwh.sum(axis=0)
    share = tap / np.maximum(tap + used.heating_kwh.sum(axis=0), 1e-9)
    return np.stack([-level.tilt(daily_c), -(0.0 if water_known else WATER_LOG_SD) * share])


def _day_of_year(days: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return np.asarray((days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64))


def _water_cop(spec: DemandSpec, pumps: HeatPumpHomes, daily_c: Floats, level: Level) -> WaterCop:
    curve = level.curve
    if spec.hot_water_cop is not None:
        return WaterCop(curve, fixed_cop=spec.hot_water_cop, source="study")
    if pumps.fleet_heat is None or pumps.fleet_electricity is None:
        return WaterCop(curve)
    return water_cop_of_fleets(pumps.fleet_heat, pumps.fleet_electricity, daily_c, curve, level.gamma_share)


def _shapes(
    spec: DemandSpec,
    town: Town,
    pumps: HeatPumpHomes,
    curve: CopSource,
    water: WaterCop,
    daily_c: Floats,
    heat: DayHeat,
) -> _Shapes:
    weekend = town.weekday >= 5
    per_day = 1440 // spec.step_min
    if spec.shapes != "measured":
        factors = (
            when2heat_factors(spec.profile_folder, spec.profile_building)
            if spec.shapes == "when2heat"
            else bdew_factors(spec.profile_class_count, "MFH" if spec.profile_building == "MFH" else "EFH")
        )
        total = np.maximum(heat.useful_kwh_th.sum(axis=0), 1e-9)
        share = heat.water_kwh_th.sum(axis=0) / total
        hours = by_local_step(town.temperature_c, town.local_day, town.local_hour, 24)
        return _standard(factors, daily_c, town.weekday, share, hours, curve, water, per_day)
    measured = _measured(pumps, daily_c, weekend)
    rows = of_measured(measured.refined(per_day), daily_c, weekend)
    hourly = rows.space.reshape(len(daily_c), 24, -1).sum(axis=2)[town.local_day, town.local_hour]
    space, tap = (
        heat_weighted_cop(c, town.temperature_c, town.local_day, electricity_share=hourly)
        for c in (curve, water)
    )
    return _Shapes(measured, None, rows, space, tap)


def _standard(
    factors: HeatFactors,
    daily_c: Floats,
    weekday: NDArray[np.int64],
    water_share: Floats,
    hours_c: Floats,
    curve: CopSource,
    water: WaterCop,
    per_day: int,
) -> _Shapes:
    """Return the shapes of a standard profile for days with these temperatures."""
    space_heat, water_heat = heat_shapes(factors, reference_temperature(daily_c), weekday, water_share)
    fine = np.repeat(hours_c, per_day // 24, axis=1)
    rows, space, tap = electric_shapes(space_heat, water_heat, fine, curve, water, factors.source)
    return _Shapes(None, factors, rows, space, tap)


def _measured(pumps: HeatPumpHomes, daily_c: Floats, weekend: NDArray[np.bool_]) -> HourShapes:
    if pumps.values is None or pumps.grid is None:
        raise InputError(
            Problem(
                "P108", "demand.shapes", "hourly shapes cannot be measured: no heat-pump meter is read within the day",
                '"measured"', remedy='Use shapes = "bdew" (extra `profiles`) or shapes = "when2heat".',
            )
        )  # fmt: skip
    grid = pumps.grid
    inside = (grid.local_day >= 0) & (grid.local_day < len(daily_c))
    return measured_shapes(
        pumps.values[:, inside], grid.local_day[inside], grid.local_step[inside], daily_c, weekend=weekend,
        steps_per_day=grid.steps_per_day,
    )  # fmt: skip


def _with_legionella(spec: DemandSpec, town: Town, gas: GasHomes, plain: DayElectricity) -> DayElectricity:
    if not spec.legionella:
        return plain
    extra = legionella_kwh_by_day(
        gas.homes, town.weekday, tank_l=spec.tank_l, stored_c=spec.stored_c, target_c=spec.legionella_c
    )
    return DayElectricity(plain.space_kwh, plain.water_kwh + extra, plain.backup_kwh)


def _blocked(
    spec: DemandSpec, town: Town, gas: GasHomes, sizing: Sizing, grid: StepGrid, load: NDArray[np.float32]
) -> BlockedLoad | None:
    windows = read_windows(spec.blocking, "demand.blocking", spec.step_min)
    if not windows:
        return None
    power = np.zeros(len(gas.heat))
    chosen = gas.line_group >= 0
    np.add.at(power, gas.line_group[chosen], np.nan_to_num(sizing.electric_kw[chosen]))
    rule = Blocking(windows, spec.preheat_share, spec.shift_reach_h, spec.blocking_days == "all")
    return block(load.astype(float), power, rule, grid, town.weekday >= 5)


def _spell(
    spec: DemandSpec,
    town: Town,
    gas: GasHomes,
    level: Level,
    factor: float,
    water: WaterCop,
    shapes: _Shapes,
    sizing: Sizing,
    design_c: float,
) -> DesignSpell:
    """Return the town's demand in a design cold spell, from the change-point models of its buildings."""
    hours = cold_spell(town.temperature_c, town.local_day, design_c, spec.design_spell_days)
    days = len(hours) // 24
    table = hours[: 24 * days].reshape(days, 24)
    daily_c = table.mean(axis=1)
    groups = len(gas.heat)
    room = heat_by_group(
        np.asarray(gas.lines.slope), np.asarray(gas.lines.limit_c), gas.line_group, groups, daily_c
    )
    tap = gas.base.max(axis=1, keepdims=True) * (1 - spec.standby_share) * np.ones((1, days))
    curve = Scaled(level.curve, factor)
    tap_curve = WaterCop(water.curve if water.fixed_cop else curve, water.ratio, water.fixed_cop)
    backup = None
    if spec.backup != "none" and spec.backup_energy == "electric":
        backup = backup_by_temperature(sizing, daily_c, gas.line_group, groups)
        if spec.backup == "in_meters":  # measured days hold their backup heaters already; colder ones do not
            backup = np.where(daily_c[None, :] < level.measured_low_c, backup, 0)
    used = retrofitted(
        DayHeat(room, tap, np.zeros_like(tap)),
        efficiency_by_day(curve, daily_c, water_cop=tap_curve.cop(daily_c), backup_share=backup),
        level.gamma_share,
    )
    if shapes.measured is not None:
        rows = of_measured(shapes.measured.refined(1440 // spec.step_min), daily_c)
    else:
        assert shapes.factors is not None
        share = tap.sum(axis=0) / np.maximum((room + tap).sum(axis=0), 1e-9)
        weekday = np.zeros(days, dtype=np.int64)
        rows = _standard(
            shapes.factors, daily_c, weekday, share, table, curve, tap_curve, 1440 // spec.step_min
        ).rows
    load = (
        used.heating_kwh.sum(axis=0)[:, None] * rows.space + used.water_kwh.sum(axis=0)[:, None] * rows.water
    )
    return DesignSpell(
        design_c, daily_c, used.total_kwh.sum(axis=0) / 1e3, float(load.max()) * 60 / spec.step_min / 1e3
    )
