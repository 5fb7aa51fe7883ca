"""Demand of a retrofitted town from what the meters said: days, hours, peaks, sizes, in one call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import InputError, Problem
from varme.retrofit.demand.blocking import BlockedLoad, Blocking, block, read_windows
from varme.retrofit.demand.hot_water import (
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
from varme.retrofit.demand.totals import YearDemand, demand_draws, drawn_days, yearly

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Town:
    """The calendar and weather of a town.

    Attributes:
        days: Local calendar days, shape (days,).
        hours_utc: Hours of the period, shape (hours,), ``datetime64[s]``.
        local_day: Number of the local day of each hour.
        local_hour: Local hour of each hour, 0 to 23.
        temperature_c: Outdoor temperature by hour [C].
    """

    days: NDArray[np.datetime64]
    hours_utc: NDArray[np.datetime64]
    local_day: NDArray[np.int64]
    local_hour: NDArray[np.int64]
    temperature_c: Floats

    @property
    def weekday(self) -> NDArray[np.int64]:
        """0 for Monday to 6 for Sunday, shape (days,)."""
        return np.asarray((self.days.astype("datetime64[D]").astype(np.int64) + 3) % 7)


@dataclass(frozen=True)
class GasHomes:
    """Useful heat of the gas homes.

    Attributes:
        heat: By group and day [kWh], shape (groups, days).
        base: Of a day without heating, of the same meters, by group and day [kWh]
            (:func:`~varme.retrofit.demand.load.sum_by_group`).
        homes: Homes by group, shape (groups,).
        lines: Change-point models, one per building that is sized.
        line_group: Group of each of those buildings, negative for none.
        slope_se: Standard error of their slopes; ``None`` if not known.
    """

    heat: Floats
    base: Floats
    homes: Floats
    lines: HeatingLines
    line_group: NDArray[np.int64]
    slope_se: Floats | None = None


@dataclass(frozen=True)
class HeatPumpHomes:
    """Electricity of the measured heat pumps.

    Attributes:
        fleet_heat: Heat of the gas fleet by day [kWh], for the COP of hot water; shape (days,).
        fleet_electricity: Electricity of the heat-pump fleet by day [kWh].
        values: Sub-daily readings [kWh], shape (meters, steps), NaN where missing; ``None`` if there are none.
        grid: Where those steps lie in the town's days.
    """

    fleet_heat: Floats | None = None
    fleet_electricity: Floats | None = None
    values: NDArray[np.float32] | None = None
    grid: StepGrid | None = None


@dataclass(frozen=True)
class Level:
    """What was estimated of the efficiency.

    Attributes:
        spf: SPF of the fleet over the period.
        gamma_share: How much less heat homes with heat pumps need.
        curve: COP over outdoor temperature, at any level.
        log_se: Standard error of log B, everything included.
        df: Its degrees of freedom.
        slope_se_share_per_k: Standard error of the slope of log COP [1/K].
        reference_c: Temperature around which the curve turns [C].
        flat_above_c: Above this temperature the curve is flat [C].
        measured_low_c: Coldest day on which heat pumps were measured [C].
    """

    spf: float
    gamma_share: float
    curve: CopSource
    log_se: float = 0.0
    df: float = 1e6
    slope_se_share_per_k: float = 0.0
    reference_c: float = 5.0
    flat_above_c: float = 15.0
    measured_low_c: float = -np.inf

    def tilt(self, temperature_c: Floats) -> Floats:
        """Return one standard error of log COP against its mean by day, negative in the cold, shape (days,).

        From the curve's own band where it has one (``log_se``), else from the standard error of its slope.
        """
        away = np.minimum(temperature_c, self.flat_above_c) - self.reference_c
        known = getattr(self.curve, "log_se", None)
        size = self.slope_se_share_per_k * np.abs(away) if known is None else known(temperature_c)
        return np.asarray(np.sign(away) * size, dtype=float)


@dataclass(frozen=True)
class DesignSpell:
    """The town in a design cold spell.

    Attributes:
        design_c: Design outdoor temperature: the lowest two-day mean of the spell [C].
        temperature_c: Mean outdoor temperature by day [C], shape (days,).
        electricity_mwh: Electricity by day [MWh].
        peak_mw: Highest step of the spell [MW].
    """

    design_c: float
    temperature_c: Floats
    electricity_mwh: Floats
    peak_mw: float


@dataclass(frozen=True)
class Demand:
    """Demand of the retrofitted town.

    Attributes:
        town: Calendar and weather.
        spec: How it was computed.
        level: What was estimated of the efficiency.
        temperature_c: Mean outdoor temperature by day [C], shape (days,).
        heat: Useful heat of the gas homes by group and day, before gamma.
        efficiency: COPs by day, at the level of the SPF.
        water_cop: Where the COP of hot water comes from.
        electricity: By group and day [kWh].
        grid: Steps of the load.
        times_utc: Their starts.
        load_kwh: Electricity by group and step [kWh], float32, shape (groups, steps); after blocking.
        shapes: Measured shapes by temperature; ``None`` with a standard profile.
        shape_rows: Shapes of every day.
        blocked: What blocking did; ``None`` without.
        sizing: Heat pumps of the buildings.
        years: Years, peak days, peak hours.
        day_low_kwh: P5 of the town's electricity by day.
        day_high_kwh: P95.
        spell: The design cold spell.
    """

    town: Town
    spec: DemandSpec
    level: Level
    temperature_c: Floats
    heat: DayHeat
    efficiency: Efficiency
    water_cop: WaterCop
    electricity: DayElectricity
    grid: StepGrid
    times_utc: NDArray[np.datetime64]
    load_kwh: NDArray[np.float32]
    shapes: HourShapes | None
    shape_rows: ShapesOfDays
    blocked: BlockedLoad | None
    sizing: Sizing
    years: tuple[YearDemand, ...]
    day_low_kwh: Floats
    day_high_kwh: Floats
    spell: DesignSpell

    @property
    def daily_kwh(self) -> Floats:
        """Electricity of the town by day [kWh], shape (days,)."""
        return np.asarray(self.electricity.total_kwh.sum(axis=0), dtype=float)

    @property
    def hourly_kwh(self) -> Floats:
        """Electricity of the town by step [kWh], shape (steps,)."""
        return np.asarray(self.load_kwh.sum(axis=0, dtype=np.float64))

    @property
    def constant_spf_kwh(self) -> Floats:
        """What a constant SPF makes of the same heat, by day [kWh]."""
        return np.asarray(
            self.heat.useful_kwh_th.sum(axis=0) * (1 - self.level.gamma_share) / self.level.spf, dtype=float
        )


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
    heat = split_heat(gas.heat, base, daily_c, limit_c=spec.heating_limit_c, standby_share=spec.standby_share)
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
        log_se=level.log_se, df=level.df, tilt=level.tilt(daily_c), count=spec.draws_count, seed=spec.seed
    )
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
