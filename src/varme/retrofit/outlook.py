"""The town after the retrofit: demand by day and hour, peaks of transformers, adoption."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import InputError
from varme.ground.findings import Finding
from varme.retrofit.analysis import Metered
from varme.retrofit.case import RetrofitCase
from varme.retrofit.demand.change_point import fit_change_points
from varme.retrofit.demand.hourly import StepGrid
from varme.retrofit.demand.load import heat_by_group, sum_by_group
from varme.retrofit.demand.project import Demand, GasHomes, HeatPumpHomes, Level, Town, project
from varme.retrofit.grid.assemble import ExistingHeatPumps, assemble_case, slot_of, transformers_of
from varme.retrofit.grid.library import ProfileLibrary, library_from_shape, measured_library
from varme.retrofit.grid.peaks import day_factors
from varme.retrofit.grid.ratio import Ratios, electricity_ratio
from varme.retrofit.grid.results import GridResults, grid_results, hours_wanted
from varme.retrofit.grid.simultaneity import Simultaneity, measure_simultaneity
from varme.retrofit.levels import Levels, per_meter, year_index

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Verdicts on a meter's year whose building has a furnace all the same: its own model stands in for the readings.
#: A meter that is not read in a year (smart meters come one by one) counts too: its building stands there all the same.
HEATED_ALL_THE_SAME = (
    "not_this_year", "too_few_days", "heating_gap", "too_much_estimated", "multi_family", "vacant",
)  # fmt: skip


@dataclass(frozen=True)
class Outlook:
    """The town after the retrofit.

    Attributes:
        demand: Demand by day and hour.
        grid: Transformers; ``None`` if no building names one.
        household_kwh: Annual electricity of the households behind the gas meters, NaN where not known.
        modelled: Meter-years whose heat is their own model's.
        findings: What a reader must know.
    """

    demand: Demand
    grid: GridResults | None
    household_kwh: Floats
    modelled: int
    findings: tuple[Finding, ...] = ()


def look_ahead(case: RetrofitCase, meters: Metered, levels: Levels) -> Outlook:
    """Return demand and grid of the town in which every gas home has a heat pump.

    Raises:
        InputError: P108, P123 to P132 for what the study asks and the data do not give.
    """
    gas_homes, modelled = heat_of_groups(case, meters)
    clock = case.clock
    town = Town(case.days, clock.times_utc, clock.day, clock.hour, case.temperature_hour_c)
    pumps = meters.pumps
    measured = HeatPumpHomes(
        fleet_heat=None if pumps is None else per_meter(meters.gas.fleet_days, meters.gas.usable, case),
        fleet_electricity=None if pumps is None else per_meter(pumps.fleet_days, pumps.usable, case),
        values=None if meters.sample is None else meters.sample.values,
        grid=None if meters.sample is None else step_grid(meters),
    )
    curve = levels.curve
    level = Level(
        spf=levels.fleet_spf,
        gamma_share=case.study.spf.gamma_share,
        curve=curve,
        log_se=levels.demand_log_se,
        df=levels.demand_df,
        slope_se_share_per_k=curve.slope_se_share_per_k,
        reference_c=curve.reference_c,
        flat_above_c=curve.flat_above_c,
        measured_low_c=float(np.nanmin(case.temperature_c)) if pumps is not None else -np.inf,
    )
    spec = case.study.demand
    if spec.profile_folder:
        spec = spec.model_copy(update={"profile_folder": str(case.base / spec.profile_folder)})
    demand = project(spec, town, gas_homes, measured, level)
    household = np.asarray(case.buildings.of(meters.gas.meters, "household_kwh"), dtype=float)
    has_transformers = case.buildings.has("transformer")
    grid = _grid(case, meters, levels, demand, household) if has_transformers else None
    return Outlook(demand, grid, household, modelled, tuple(_findings(meters, modelled, grid)))


def heat_of_groups(case: RetrofitCase, meters: Metered) -> tuple[GasHomes, int]:
    """Return the useful heat of all buildings with a furnace, by group and day; and the meter-years that are modelled.

    Usable meters count as they were read. A building whose year may not be used for the SPF but which is heated all the
    same (gaps, several dwellings) counts with its own change-point model; cooking-only meters do not count.
    """
    gas, group = meters.gas, meters.group
    groups = len(gas.group_days)
    fits = gas.fits
    index = year_index(case)
    fitted = np.isfinite(fits.slope) & (fits.slope > 0)
    stand_in = np.isin(gas.reason, HEATED_ALL_THE_SAME) & fitted[:, None]
    heat = gas.group_days.astype(float).copy()
    for k in range(len(gas.years)):
        mine = np.where(stand_in[:, k], group, -1)
        if (mine >= 0).any():
            days = np.flatnonzero(index == k)
            t = np.nan_to_num(case.temperature_c[days], nan=15.0)
            heat[:, days] += heat_by_group(fits.slope, fits.limit_c, mine, groups, t)
            heat[:, days] += np.bincount(
                mine[mine >= 0], np.maximum(fits.base[mine >= 0], 0), minlength=groups
            )[:, None]
    counted = gas.usable | stand_in
    base = sum_by_group(np.maximum(fits.base, 0), counted, group, groups, index)
    once = counted.any(axis=1) & (group >= 0)
    homes = np.bincount(group[once], minlength=groups).astype(float)
    lines = np.where(once, group, -1)
    slope_se = getattr(fits, "slope_se", None)
    return GasHomes(heat, base, homes, fits, lines, slope_se), int(stand_in.sum())


def step_grid(meters: Metered) -> StepGrid:
    """Return where the steps of the heat-pump sample lie."""
    clock = meters.sample_clock
    assert clock is not None
    slot = slot_of(clock.times_utc, clock.hour, clock.step_min)
    return StepGrid(clock.day, slot, 1440 // clock.step_min)


def _grid(
    case: RetrofitCase, meters: Metered, levels: Levels, demand: Demand, household: Floats
) -> GridResults:
    study = case.study
    transformers = transformers_of(meters.groups, study.grid, case.transformers)
    library = _library(case, meters, levels, demand)
    simultaneity = _simultaneity(case, meters)
    daily, annual = per_home(case, meters, demand)
    there = existing_heat_pumps(case, meters, study.grid.base_profile != "none")
    peak_case = assemble_case(
        study.grid, transformers, meters.transformer, daily, days=case.days, temperature_c=case.temperature_c,
        town_kwh=demand.daily_kwh, library=library, household_kwh=household, annual_kwh=annual,
        spf_log_sd=levels.demand_log_se,
        day_factor=day_factors(meters.gas.fleet_days, case.temperature_c, _year_of_day(case)), existing=there,
    )  # fmt: skip
    used = (meters.transformer >= 0) & np.isfinite(annual)
    furnace = np.asarray(case.buildings.of(meters.gas.meters, "furnace_year"), dtype=float)[used]
    steps = hours_wanted(demand.hourly_kwh, demand.times_utc, study.grid.hours, study.demand.step_min)
    step_day, step_slot = demand.grid.local_day[steps], demand.grid.local_step[steps]
    hourly = demand.load_kwh[: len(meters.groups), steps].astype(float) / demand.grid.step_h
    if there is not None:
        shape = demand.shape_rows.space[step_day, step_slot] / demand.grid.step_h
        hourly += there.beside(transformers).hourly_kw(len(meters.groups), step_day, shape)
    return grid_results(
        peak_case, transformers, study.grid, study.adoption, study.privacy, furnace_year=furnace,
        simultaneity=simultaneity, ratios=_ratios(annual, household),
        hourly_kw=hourly,
        times_utc=demand.times_utc[steps],
        step_day=step_day, step_slot=step_slot * library.slots // demand.grid.steps_per_day,
    )  # fmt: skip


def existing_heat_pumps(case: RetrofitCase, meters: Metered, wanted: bool = True) -> ExistingHeatPumps | None:
    """Return the metered heat pumps that transformers carry already; ``None`` if no building places one.

    Args:
        case: The case.
        meters: Its meters.
        wanted: Whether what transformers carry already is to be counted at all.
    """
    if meters.pumps is None or not wanted:
        return None
    place = case.buildings.of(meters.pumps.meters, "transformer", "")
    known = np.isin(place, meters.groups)
    if not known.any():
        return None
    where = np.full(len(place), -1, dtype=np.int64)
    where[known] = np.searchsorted(meters.groups, place[known])
    daily = per_meter(meters.pumps.fleet_days, meters.pumps.usable, case)
    model = fit_change_points(daily[None, :].astype(np.float32), case.temperature_c)
    modelled = model.predict(np.nan_to_num(case.temperature_c, nan=15.0))[0]
    household = np.asarray(case.buildings.of(meters.pumps.meters, "household_kwh"), dtype=float)
    return ExistingHeatPumps(where, np.where(np.isfinite(daily), daily, np.nan_to_num(modelled)), household)


def _year_of_day(case: RetrofitCase) -> Ints:
    return np.asarray(case.days.astype("datetime64[Y]").astype(np.int64) + 1970)


def per_home(case: RetrofitCase, meters: Metered, demand: Demand) -> tuple[Any, Floats]:
    """Return a function that predicts each home's electricity on given days, and the electricity of an average year."""
    fits, gas = meters.gas.fits, meters.gas
    gamma, efficiency = demand.level.gamma_share, demand.efficiency
    base, slope = np.maximum(np.nan_to_num(fits.base), 0), np.maximum(np.nan_to_num(fits.slope), 0)
    limit = np.nan_to_num(fits.limit_c, nan=15.0)
    backup = np.asarray(efficiency.backup_share)
    backup = backup.mean(axis=0) if backup.ndim == 2 else backup
    known = np.asarray(
        np.isfinite(gas.energy).any(axis=1) | np.isin(gas.reason, HEATED_ALL_THE_SAME).any(axis=1)
    )

    def predict(rows: slice, days: Ints) -> Floats:
        need = np.maximum(limit[rows, None] - case.temperature_c[days][None, :], 0)
        room = slope[rows, None] * need * ((1 - backup[days]) / efficiency.space_cop[days] + backup[days])
        tap = base[rows, None] / efficiency.water_cop[days]
        return np.where(known[rows, None], (room + tap) * (1 - gamma), np.nan)

    seen = np.isfinite(gas.energy).sum(axis=1)
    heat = np.where(seen > 0, np.nansum(gas.energy, axis=1) / np.maximum(seen, 1), np.nan)
    modelled = base * 365.25 + slope * _need(case, limit)
    heat = np.where(np.isfinite(heat), heat, np.where(known, modelled, np.nan))
    spf = demand.heat.useful_kwh_th.sum() * (1 - gamma) / demand.daily_kwh.sum()
    return predict, np.asarray(heat * (1 - gamma) / spf, dtype=float)


def _need(case: RetrofitCase, limit: Floats) -> Floats:
    """Return kelvin-days below each home's limit in an average year, from a table over limits."""
    t = case.temperature_c[np.isfinite(case.temperature_c)]
    levels = np.arange(0.0, 30.1, 0.1)
    table = np.maximum(levels[:, None] - t[None, :], 0).sum(axis=1) * 365.25 / len(t)
    return np.asarray(np.interp(limit, levels, table), dtype=float)


def _library(case: RetrofitCase, meters: Metered, levels: Levels, demand: Demand) -> ProfileLibrary:
    if meters.sample is not None and meters.sample_clock is not None:
        grid = step_grid(meters)
        with suppress(InputError):  # too few whole cold days: the mean shape, and a finding says so
            return measured_library(
                meters.sample.values, grid.local_day, grid.local_step, case.temperature_c, levels.curve,
                slots=grid.steps_per_day, seed=case.study.grid.seed,
            )  # fmt: skip
    share = demand.shape_rows.space
    return library_from_shape(
        share, case.temperature_c, seed=case.study.grid.seed, source=demand.shape_rows.source
    )


def _simultaneity(case: RetrofitCase, meters: Metered) -> Simultaneity | None:
    """Return the simultaneity of the years in which at least half as many heat pumps are read as in the best one."""
    if meters.sample is None or meters.sample_clock is None or len(meters.sample.meters) < 2:
        return None
    grid, values = case.study.grid, meters.sample.values
    year = year_index(case)[meters.sample_clock.day]
    read = np.array(
        [np.isfinite(values[:, year == k]).any(axis=1).sum() for k in range(len(case.study.years))]
    )
    keep = (read >= max(read.max() / 2, 1))[year]
    try:
        return measure_simultaneity(
            values[:, keep], meters.sample_clock.day[keep], case.temperature_c, seed=grid.seed, own_peak=grid.own_peak,
            step_min=meters.sample.step_min,
        )  # fmt: skip
    except InputError:
        return None  # no heat pump is read on enough cold days: a finding says so


def _ratios(annual: Floats, household: Floats) -> Ratios | None:
    if not np.isfinite(household).any():
        return None
    return electricity_ratio(annual, household)


def _findings(meters: Metered, modelled: int, grid: GridResults | None) -> list[Finding]:
    out = []
    if modelled:
        text = (
            f"{modelled} meter-years count in the demand with the meter's own change-point model: they are heated, but "
            "their readings may not be used for the SPF (not read that year, gaps, several dwellings, vacancy)."
        )
        out.append(Finding("demand_from_models", "note", "demand", text, {"meter_years": modelled}))
    outside, left_out = int((meters.transformer < 0).sum()), int((meters.group < 0).sum())
    if outside:
        text = f"{outside} gas meters have no transformer in the table of buildings; they count in no transformer"
        text += (
            " and, because they are fewer than privacy.k_count, not in the town's demand: the town less its "
            "transformers would show them."
            if left_out
            else ", but in the town's demand."
        )
        out.append(Finding("meters_without_transformer", "warning", "buildings", text, {"count": outside}))
    if grid is not None and grid.simultaneity is None and meters.sample is not None:
        text = (
            "No two heat pumps are read on enough cold days to measure their simultaneity; peaks of transformers are "
            "too smooth where the heat pumps' mean shape has to stand in."
        )
        out.append(Finding("simultaneity_not_measured", "warning", "heat_pump_meters", text))
    return out
