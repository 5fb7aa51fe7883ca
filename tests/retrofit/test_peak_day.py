"""The retrofitted town in one call: against the truth of a synthetic town, with every source of shapes and option."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from varme.data.synthetic.town import Town as SyntheticTown
from varme.data.synthetic.town import TownSpec, build_town
from varme.ground.errors import InputError
from varme.ground.timegrid import utc_offset_s
from varme.retrofit.demand.change_point import fit_change_points
from varme.retrofit.demand.hourly import StepGrid
from varme.retrofit.demand.load import day_mean, sum_by_group
from varme.retrofit.demand.project import (
    Demand,
    GasHomes,
    HeatPumpHomes,
    Level,
    Town,
    no_heating_above_c,
    project,
)
from varme.retrofit.demand.spec import DemandSpec
from varme.retrofit.demand.tables import SCHEMAS, charts, findings, tables
from varme.retrofit.spf.curve import fit_cop_curve

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A synthetic town as the study sees it, with the level of the SPF as it truly is."""

    made: SyntheticTown
    town: Town
    gas: GasHomes
    pumps: HeatPumpHomes
    level: Level


@lru_cache(maxsize=2)
def case(seed: int = 11) -> Case:
    """Return a small town: 400 gas homes, 60 heat pumps, two winters, no faults."""
    spec = TownSpec(
        seed=seed, faults=False, gas_meters_count=400, heat_pumps_count=60, years=(2019, 2020),
        winter_mean_c=(3.0, 2.0), transformers_count=6, pv_share=0, boundary_h2_share=0, boundary_h4_share=0,
    )  # fmt: skip
    made = build_town(spec)
    local = made.hours_utc + utc_offset_s(made.hours_utc, spec.timezone).astype("timedelta64[s]")
    day = (local.astype("datetime64[D]") - made.days[0]).astype(np.int64)
    hour = (local - local.astype("datetime64[D]")).astype("timedelta64[h]").astype(np.int64)
    daily_c = day_mean(made.temperature_c, day)
    useful = (made.gas.values * np.float32(spec.z_share * 11.3 * 0.87)).astype(np.float32)
    fits = fit_change_points(useful, daily_c)
    names = np.unique(made.buildings["transformer"])
    group = np.searchsorted(names, made.buildings["transformer"][:400])
    heat = np.zeros((len(names), len(made.days)))
    np.add.at(heat, group, useful.astype(float))
    base = sum_by_group(
        fits.base, np.ones((400, 1), dtype=bool), group, len(names), np.zeros(len(made.days), dtype=np.int64)
    )
    used = np.bincount(day, made.heat_pumps.values.sum(axis=0, dtype=np.float64))
    curve = fit_cop_curve(heat.sum(axis=0), used, daily_c)
    spf = float(heat.sum() * (1 - spec.gamma_share) / made.truth["retrofit_day_kwh"].sum())
    return Case(
        made,
        Town(made.days, made.hours_utc, day, hour, made.temperature_c),
        GasHomes(
            heat, base, np.bincount(group, minlength=len(names)).astype(float), fits, group, fits.slope_se
        ),
        HeatPumpHomes(heat.sum(axis=0), used, made.heat_pumps.values, StepGrid(day, hour, 24)),
        Level(spf, spec.gamma_share, curve, 0.05, 70, 0.001, measured_low_c=float(daily_c.min())),
    )


def demand_of(**fields: object) -> Demand:
    c = case()
    return project(DemandSpec.model_validate(fields), c.town, c.gas, c.pumps, c.level)


def test_the_peak_day_is_that_of_the_truth_and_a_constant_spf_is_not():
    """Within 6 % for this one town (the benchmark takes many); a constant SPF leaves out far more."""
    true = case().made.truth["retrofit_day_kwh"]
    demand = demand_of()
    peak = int(true.argmax())
    ours = demand.daily_kwh[peak] / true[peak] - 1
    constant = demand.constant_spf_kwh[peak] / true[peak] - 1
    assert abs(ours) < 0.06
    assert constant < -0.10
    assert abs(ours) < abs(constant) / 2
    assert np.corrcoef(demand.daily_kwh, true)[0, 1] > 0.995


def test_energy_closes_from_heat_to_hours():
    """Heat over SPF is the electricity of all days, which is that of all hours, group by group and day by day."""
    demand, c = demand_of(), case()
    heat = c.gas.heat.sum() * (1 - c.level.gamma_share)
    assert heat / demand.daily_kwh.sum() == pytest.approx(c.level.spf, rel=1e-9)
    by_day = np.add.reduceat(
        demand.load_kwh.astype(float), np.flatnonzero(np.diff(c.town.local_day, prepend=-1)), axis=1
    )
    assert by_day == pytest.approx(demand.electricity.total_kwh, rel=2e-5, abs=1e-4)
    assert sum(y.electricity_gwh[1] for y in demand.years) * 1e6 == pytest.approx(demand.daily_kwh.sum())


@pytest.mark.parametrize("step_min", [15, 30])
def test_finer_steps_hold_the_same_energy(step_min: int):
    """Quarter-hours sum to the same days, and their peak is at least that of the hours."""
    hours, fine = demand_of(), demand_of(step_min=step_min)
    assert len(fine.times_utc) == len(hours.times_utc) * 60 // step_min
    assert fine.load_kwh.sum(dtype=float) == pytest.approx(hours.load_kwh.sum(dtype=float), rel=1e-5)
    assert fine.years[0].peak_hour_mw[1] >= hours.years[0].peak_hour_mw[1] * 0.999


def test_bdew_shapes_carry_the_same_days():
    """Another source of shapes moves hours, not days beyond the weighting of the COP within the day."""
    pytest.importorskip("demandlib")
    measured, bdew = demand_of(), demand_of(shapes="bdew")
    assert bdew.shapes is None
    assert "BDEW" in bdew.shape_rows.source
    assert bdew.daily_kwh == pytest.approx(measured.daily_kwh, rel=0.02)
    assert bdew.daily_kwh.sum() == pytest.approx(measured.daily_kwh.sum(), rel=1e-9)


def test_modelled_backup_moves_the_level_not_the_year():
    """With the backup heaters modelled the SPF stays what was estimated; cold days get more, mild ones less."""
    plain = demand_of(bivalence_c=2.0, design_temperature_c=-10)
    backup = demand_of(bivalence_c=2.0, design_temperature_c=-10, backup="modelled")
    assert backup.electricity.backup_kwh.sum() > 0
    assert backup.daily_kwh.sum() == pytest.approx(plain.daily_kwh.sum(), rel=1e-9)
    coldest = int(plain.temperature_c.argmin())
    assert backup.daily_kwh[coldest] > plain.daily_kwh[coldest]
    assert backup.efficiency.space_cop.mean() > plain.efficiency.space_cop.mean()


def test_a_given_hot_water_cop_stays_what_was_given():
    """The level of the SPF moves the COP of space heat alone if hot water's is known."""
    demand = demand_of(hot_water_cop=2.4)
    assert demand.efficiency.water_cop == pytest.approx(2.4)
    heat, c = demand.heat.useful_kwh_th.sum() * (1 - case().level.gamma_share), case()
    assert heat / demand.daily_kwh.sum() == pytest.approx(c.level.spf)


def test_blocking_leaves_its_hours_free_and_reports_what_is_lost():
    """No load in the blocked hours; what is drawn and what is not are all of the demand."""
    demand = demand_of(blocking=["11:00-13:00", "17:00-19:00"])
    assert demand.blocked is not None
    assert demand.load_kwh[:, demand.blocked.blocked].max() == 0
    both = demand.load_kwh.sum(dtype=float) + demand.blocked.unserved_kwh.sum()
    assert both == pytest.approx(demand.daily_kwh.sum(), rel=1e-5)
    codes = {f.code for f in findings(demand)}
    assert ("blocking_unserved" in codes) == (demand.blocked.unserved_share > 1e-6)


def test_the_interval_is_that_of_the_level_and_wider_in_the_cold():
    """5 % on log B: P5 to P95 of the year is about 1.65 x 5 % to both sides, and wider on the peak day."""
    year = demand_of().years[0]
    low, mid, high = year.electricity_gwh
    assert np.log(high / mid) == pytest.approx(1.67 * 0.05, rel=0.15)
    assert np.log(mid / low) == pytest.approx(1.67 * 0.05, rel=0.15)
    assert high / low < year.peak_day_mwh[2] / year.peak_day_mwh[0]


def test_a_colder_design_temperature_gives_a_higher_spell():
    """The design cold spell grows with the cold, and lies above the record's peak if it is colder than the record."""
    mild, hard = demand_of(design_temperature_c=-5), demand_of(design_temperature_c=-16)
    assert hard.spell.electricity_mwh.max() > mild.spell.electricity_mwh.max()
    assert hard.spell.electricity_mwh.max() * 1e3 > hard.daily_kwh.max()
    assert "temperature_extrapolated" in {f.code for f in findings(hard)}
    assert hard.spell.peak_mw > hard.spell.electricity_mwh.max() / 24


def test_the_weekly_heating_up_comes_on_sundays():
    """Legionella: the difference to the plain load lies on Sundays and is as many kWh as homes ask for."""
    plain, weekly = demand_of(), demand_of(legionella=True)
    extra = weekly.daily_kwh - plain.daily_kwh
    sunday = case().town.weekday == 6
    assert extra[~sunday] == pytest.approx(0)
    assert extra[sunday] == pytest.approx(400 * 200 * 10 * 4.18 / 3600)


def test_shapes_need_something_to_measure():
    """Daily heat-pump meters only: the message names both other sources."""
    c = case()
    daily = replace(c.pumps, values=None)
    with pytest.raises(InputError, match=r"P108 demand.shapes.*bdew.*when2heat"):
        project(DemandSpec(), c.town, c.gas, daily, c.level)


def test_nobody_heats_in_july():
    """Above the limits of the buildings all heat is hot water, whatever a day's noise."""
    demand, c = demand_of(), case()
    warm = demand.temperature_c > no_heating_above_c(c.gas.lines)
    assert warm.sum() > 30
    assert demand.heat.space_kwh_th[:, warm].max() == 0
    assert demand.electricity.heating_kwh[:, warm].max() == 0
    cold = demand.temperature_c < 10
    assert demand.heat.space_kwh_th[:, cold].min() > 0
    assert 15 < no_heating_above_c(c.gas.lines) < 21


def test_equal_studies_give_equal_numbers():
    """Nothing is random without the seed of the study."""
    first, second, other = demand_of(), demand_of(), demand_of(seed=2)
    assert np.array_equal(first.load_kwh, second.load_kwh)
    assert first.years == second.years
    assert first.years != other.years


def test_tables_charts_and_findings_fit_together():
    """Every chart finds its columns, every schema has its table, small classes of sizes are put together."""
    demand = demand_of()
    house = np.full(len(demand.times_utc), 150.0)
    made = tables(demand, household_kw=house, meters=tuple(f"M{k}" for k in range(400)), k_count=25)
    assert set(made) == {s.name for s in SCHEMAS}
    for chart in charts(demand, household=True):
        assert len(chart.data(made)) > 0
    sizes = made["sizing"]
    assert sizes.column("homes_count").min() >= 25
    assert sizes.column("homes_count").sum() == int((demand.sizing.size_kw > 0).sum())
    peak = max(y.peak_hour_mw[1] for y in demand.years)
    assert made["town_hours"].column("together_mw").max() == pytest.approx(peak + 0.15)
    understated = next(f for f in findings(demand) if f.code == "constant_spf_understates")
    assert 0.05 < understated.evidence["understated_share"] < 0.5


def test_classes_of_one_building_never_show():
    """With fewer buildings than k there is no row at all."""
    demand = demand_of()
    assert len(tables(demand, k_count=500)["sizing"]) == 0
