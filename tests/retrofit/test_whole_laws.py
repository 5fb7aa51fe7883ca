"""Laws of the whole study on small towns: what must not matter does not, what must scale scales, what must close does.

No test looks at how a figure is made: a law holds for any method that is right.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from varme.data.meters.panel import MeterPanel, PanelSource
from varme.ground.context import Context
from varme.ground.spec import parse
from varme.retrofit.analysis import metered
from varme.retrofit.case import Buildings, RetrofitCase, load_case
from varme.retrofit.contents import Found, all_findings, all_tables
from varme.retrofit.levels import find_levels
from varme.retrofit.outlook import look_ahead
from varme.retrofit.spec import RetrofitStudy
from varme.retrofit.summary import figures

SMALL = {
    "seed": 7, "gas_meters_count": 160, "heat_pumps_count": 30, "transformers_count": 4, "faults": False,
}  # fmt: skip
CONTEXT = Context(base=Path())


def town(years=None, **fields) -> RetrofitCase:
    more = {} if years is None else {"years": years, "winter_mean_c": (3.5,) * len(years)}
    return load_case(
        parse(
            RetrofitStudy,
            {"kind": "retrofit", "town": {**SMALL, **more}, "grid": {"draws_count": 40}, **fields},
            "test",
        ),
        CONTEXT,
    )


def found(case: RetrofitCase) -> Found:
    meters = metered(case, CONTEXT)
    levels = find_levels(case, meters)
    return Found(case, meters, levels, look_ahead(case, meters, levels))


def panel(case: RetrofitCase, which: str) -> MeterPanel:
    return case.town.gas if which == "gas" else case.town.heat_pumps


def with_values(case: RetrofitCase, which: str, values) -> RetrofitCase:
    p = panel(case, which)
    made = MeterPanel(p.meters, p.start, p.step_min, np.asarray(values, dtype=np.float32), p.unit)
    return dataclasses.replace(case, **{which: PanelSource(made)})


def with_rows(case: RetrofitCase, which: str, rows) -> RetrofitCase:
    p = panel(case, which)
    made = MeterPanel(tuple(p.meters[i] for i in rows), p.start, p.step_min, p.values[rows], p.unit)
    return dataclasses.replace(case, **{which: PanelSource(made)})


def with_buildings(case: RetrofitCase, **columns) -> RetrofitCase:
    return dataclasses.replace(case, buildings=Buildings(case.buildings.columns | columns))


def gwh(f: Found) -> np.ndarray:
    return np.array([y.electricity_gwh[1] for y in f.outlook.demand.years])


def year_of(days) -> np.ndarray:
    return days.astype("datetime64[Y]").astype(int) + 1970


@pytest.fixture(scope="module")
def case() -> RetrofitCase:
    return town()


@pytest.fixture(scope="module")
def plain(case) -> Found:
    return found(case)


def test_gamma_enters_once(plain):
    level, demand = plain.levels.interval, plain.outlook.demand
    gamma = plain.case.study.spf.gamma_share
    heat, used = demand.heat.useful_kwh_th.sum(), demand.daily_kwh.sum()
    assert level.spf == pytest.approx(level.b * (1 - gamma), rel=1e-12)
    assert heat / used == pytest.approx(level.b, rel=1e-9), "E = Q / B"
    assert heat * (1 - gamma) / used == pytest.approx(level.spf, rel=1e-9), "E = Q (1 - gamma) / SPF"


def test_another_gamma_moves_the_spf_and_not_the_demand(case, plain):
    other = town(spf={"gamma_share": 0.3})
    f = found(dataclasses.replace(case, study=other.study))
    assert f.levels.interval.b == pytest.approx(plain.levels.interval.b, rel=1e-9)
    assert f.levels.interval.spf == pytest.approx(plain.levels.interval.b * 0.7, rel=1e-9)
    assert gwh(f).sum() == pytest.approx(gwh(plain).sum(), rel=1e-6)
    assert gwh(f) == pytest.approx(gwh(plain), rel=5e-3), "gamma is of rooms: hot water's COP moves a little"


def test_the_order_of_the_meters_does_not_matter(case, plain):
    rng = np.random.default_rng(3)
    mixed = with_rows(case, "gas", rng.permutation(160))
    f = found(with_rows(mixed, "heat_pumps", rng.permutation(30)))
    assert f.levels.interval.spf == pytest.approx(plain.levels.interval.spf, rel=1e-6)
    assert f.levels.interval.high == pytest.approx(plain.levels.interval.high, rel=1e-6)
    assert gwh(f) == pytest.approx(gwh(plain), rel=1e-5)
    peaks = plain.outlook.grid.peaks.p95_kw
    assert f.outlook.grid.peaks.p95_kw == pytest.approx(peaks, rel=0.03), "draws differ, not what is drawn"


def test_a_town_twice_has_the_same_spf_half_the_variance_and_twice_the_demand(case, plain):
    def twice(p: MeterPanel) -> PanelSource:
        ids = p.meters + tuple(f"{m}x" for m in p.meters)
        return PanelSource(MeterPanel(ids, p.start, p.step_min, np.concatenate([p.values] * 2), p.unit))

    columns = {k: np.concatenate([v, v]) for k, v in case.buildings.columns.items()}
    ids = case.buildings.columns["meter"]
    columns["meter"] = np.concatenate([ids, np.array([f"{m}x" for m in ids], dtype=object)])
    double = dataclasses.replace(
        case, gas=twice(case.town.gas), heat_pumps=twice(case.town.heat_pumps), buildings=Buildings(columns)
    )
    f = found(double)
    assert f.levels.interval.b == pytest.approx(plain.levels.interval.b, rel=0.005)
    assert f.levels.pooled.log_se == pytest.approx(plain.levels.pooled.log_se / np.sqrt(2), rel=0.03)
    assert gwh(f) == pytest.approx(2 * gwh(plain), rel=0.005)


def test_a_tenth_more_gas_is_a_tenth_more_b_and_the_same_demand(case, plain):
    f = found(with_values(case, "gas", 1.1 * case.town.gas.values))
    assert f.levels.interval.b == pytest.approx(1.1 * plain.levels.interval.b, rel=1e-4)
    assert f.levels.interval.b_high == pytest.approx(1.1 * plain.levels.interval.b_high, rel=1e-4)
    assert gwh(f) == pytest.approx(gwh(plain), rel=1e-4), "what all homes share cancels in Q / B"


def test_a_tenth_more_electricity_is_a_tenth_less_b_and_a_tenth_more_demand(case, plain):
    f = found(with_values(case, "heat_pumps", 1.1 * case.town.heat_pumps.values))
    assert f.levels.interval.b == pytest.approx(plain.levels.interval.b / 1.1, rel=1e-3)
    assert gwh(f) == pytest.approx(1.1 * gwh(plain), rel=2e-3)
    slope = plain.levels.curve.slope_share_per_k
    assert f.levels.curve.slope_share_per_k == pytest.approx(slope, rel=1e-2), "the curve's shape stays"


def test_the_demand_is_as_uncertain_as_b_where_meters_tell_it_and_more_so_where_they_do_not(case, plain):
    assert plain.levels.demand_log_se == plain.levels.pooled.log_se, "efficiency and gamma cancel in Q / B"
    stated = {"fleet_spf": 3.0, "low_spf": 2.8, "high_spf": 3.1, "source": "assumption of the test"}
    study = case.study.model_copy(update={"given": parse_given(stated)})
    levels = find_levels(dataclasses.replace(case, study=study), plain.meters)
    gamma, sd = study.spf.gamma_share, study.spf.gamma_sd_share
    shared = sum(p.log_sd**2 for p in levels.priors) + (sd / (1 - gamma)) ** 2
    own = np.log(3.1 / 2.8) / 2 / 1.959964
    assert levels.demand_log_se == pytest.approx(np.hypot(own, np.sqrt(shared)), rel=1e-6)
    assert levels.interval.spf == pytest.approx(3.0)
    assert (levels.interval.low, levels.interval.high) == (2.8, 3.1), "as it was given"
    assert levels.interval.b_high / levels.interval.b_low > 3.1 / 2.8, "gamma is between the SPF and B"
    assert levels.interval.b == pytest.approx(3.0 / (1 - gamma))


def parse_given(values):
    from varme.retrofit.spec import GivenSpfSpec

    return parse(GivenSpfSpec, values, "test")


def test_the_years_and_their_joint_level_agree(plain):
    logs = [np.log(e.b_ratio) for e in plain.levels.by_year.values()]
    assert np.log(plain.levels.pooled.b_ratio) == pytest.approx(
        np.mean(logs), abs=plain.levels.pooled.log_se / 3
    )
    assert plain.levels.interval.spf == pytest.approx(
        np.mean(list(plain.levels.joint.b_ratio)) * (1 - plain.case.study.spf.gamma_share), rel=0.01
    )


def test_transformers_add_up_to_the_town(plain):
    demand, grid = plain.outlook.demand, plain.outlook.grid
    homes = grid.case.energy_kwh.sum(axis=0, dtype=float)
    assert homes == pytest.approx(demand.daily_kwh[grid.case.days], rel=0.02), "homes' models, candidate days"
    assert grid.case.annual_kwh.sum() == pytest.approx(demand.daily_kwh.sum() / 3, rel=0.01)
    assert demand.load_kwh.sum(axis=1, dtype=float) == pytest.approx(
        demand.electricity.total_kwh.sum(axis=1), rel=1e-4
    )


def test_the_curve_that_is_shown_is_the_curve_that_the_demand_uses(plain):
    table = all_tables(plain)["cop_curve"]
    shown = np.interp([0.0, 5.0, 10.0], table.column("temperature_c"), table.column("space_cop"))
    daily, cop = plain.case.temperature_c, plain.outlook.demand.efficiency.space_cop
    used = [cop[np.abs(daily - t) < 0.5].mean() for t in (0.0, 5.0, 10.0)]
    assert shown == pytest.approx(used, rel=0.02)


def test_homes_without_a_transformer_are_in_the_town_but_not_in_the_grid(case, plain):
    names = case.buildings.columns["transformer"].copy()
    names[:40] = ""
    f = found(with_buildings(case, transformer=names))
    assert gwh(f) == pytest.approx(gwh(plain), rel=1e-4)
    assert f.outlook.grid.peaks.homes.sum() == 120
    assert f.outlook.demand.load_kwh.shape[0] == 5
    told = [x for x in f.outlook.findings if x.code == "meters_without_transformer"]
    assert told[0].evidence == {"count": 40}


def test_too_few_homes_without_a_transformer_would_show_in_a_difference_and_are_left_out(case):
    names = case.buildings.columns["transformer"].copy()
    names[:3] = ""
    f = found(with_buildings(case, transformer=names))
    assert f.outlook.demand.load_kwh.shape[0] == 4
    told = [x for x in f.outlook.findings if x.code == "meters_without_transformer"]
    assert "not in the town's demand" in told[0].message


def test_meters_that_come_one_by_one_do_not_make_the_town_grow(case, plain):
    values, year = case.town.gas.values.copy(), year_of(case.days)
    values[80:, year == 2019] = np.nan
    values[120:, year == 2020] = np.nan
    f = found(with_values(case, "gas", values))
    assert gwh(f) == pytest.approx(gwh(plain), rel=0.06)
    assert any(x.code == "demand_from_models" for x in f.outlook.findings)


def test_heat_pumps_that_are_missing_in_a_year_stop_nothing(case, plain):
    values = case.town.heat_pumps.values.copy()
    values[:, year_of(case.days)[case.clock.day] == 2019] = np.nan
    f = found(with_values(case, "heat_pumps", values))
    assert list(f.levels.by_year) == [2020, 2021]
    assert f.levels.interval.spf == pytest.approx(plain.levels.interval.spf, rel=0.05)
    assert f.outlook.grid.simultaneity is not None
    assert gwh(f) == pytest.approx(gwh(plain), rel=0.05)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "Pacific/Auckland"])
def test_the_clock_of_the_town_does_not_move_its_spf(zone, plain):
    more = {**SMALL, "timezone": zone}
    f = found(load_case(parse(RetrofitStudy, {"kind": "retrofit", "town": more}, "test"), CONTEXT))
    assert f.levels.interval.spf == pytest.approx(plain.levels.interval.spf, rel=1e-3)
    assert gwh(f) == pytest.approx(gwh(plain), rel=2e-3)
    daily = np.bincount(f.outlook.demand.grid.local_day, f.outlook.demand.hourly_kwh)
    assert daily == pytest.approx(f.outlook.demand.daily_kwh, rel=1e-4), "days of 23 and 25 hours close, too"


@pytest.mark.parametrize("years", [(2023, 2024), (2024,), (1999, 2000, 2001)])
def test_calendar_years_and_leap_days_do_not_matter(years):
    f = found(town(years))
    truth = f.case.town.truth
    assert f.levels.interval.low < truth["spf_fleet"].mean() < f.levels.interval.high
    assert gwh(f).sum() == pytest.approx(truth["retrofit_year_kwh"].sum() / 1e6, rel=0.12)
    assert len(f.outlook.demand.daily_kwh) == len(f.case.days)


def test_nothing_of_a_single_meter_is_told_unless_the_study_says_so(plain):
    ids = {*plain.case.town.gas.meters, *plain.case.town.heat_pumps.meters}
    told = " ".join(f"{x.message} {x.evidence}" for x in all_findings(plain))
    assert not [m for m in ids if m in told]
    for table in all_tables(plain).values():
        for name in table.data:
            values = table.column(name)
            if values.dtype.kind in "OU":
                assert not ids & set(values.astype(str).tolist()), f"{table.schema.name}.{name}"


def test_heat_pumps_that_are_there_already_load_their_transformers(case, plain):
    no_peaks = {k: v for k, v in case.transformers.items() if k != "base_peak_kw"}
    bare = dataclasses.replace(case, transformers=no_peaks)
    names = case.buildings.columns["transformer"].copy()
    of_pumps = names[160:].copy()
    names[160:] = ""
    without, there = found(with_buildings(bare, transformer=names)).outlook.grid, found(bare).outlook.grid
    assert (without.case.existing, there.case.existing) == (0, 30)
    count = np.array([(of_pumps == n).sum() for n in there.case.names])
    extra = there.peaks.p50_kw - without.peaks.p50_kw
    each = there.case.energy_kwh[160:].max() / 24
    assert (extra[count > 0] > 0.6 * each * count[count > 0]).all()
    assert (extra < 4 * each * count + 2 * count + 1).all(), "their own load, and that of their households"
    assert there.peaks.homes.tolist() == without.peaks.homes.tolist(), "only gas homes switch"
    assert there.paths[0].energy_kwh == pytest.approx(without.paths[0].energy_kwh, rel=0.03)
    assert there.paths[0].switched.tolist() == without.paths[0].switched.tolist()
    assert (there.hours.heat_pumps_kw.sum(axis=1) > without.hours.heat_pumps_kw.sum(axis=1)).all()
    assert (there.peaks.full_p95_share <= without.peaks.full_p95_share + 1e-9).all()
    assert plain.outlook.grid.case.existing == 0, "a base peak that is given holds them"


def test_a_transformer_of_three_homes_shows_nowhere(case):
    names = case.buildings.columns["transformer"].astype(object)
    names[:3] = "TX"
    own = {"transformer": "TX", "rating_kva": 5.0, "feeder": "F1", "base_peak_kw": 1.0}
    table = {
        k: np.concatenate([v.astype(object) if v.dtype.kind == "U" else v, np.array([own.get(k, 0)])])
        for k, v in case.transformers.items()
    }
    f = found(dataclasses.replace(with_buildings(case, transformer=names), transformers=table))
    grid = f.outlook.grid
    hidden = 100 * grid.peaks.loading_p95_share[grid.case.names.index("TX")]
    told = {x.name: x for x in figures(f)}
    assert told["worst_loading_percent"].value < hidden, "it is the most loaded one, and too small"
    assert not [x for x in told.values() if "TX" in x.meaning]
    assert not [x for x in all_findings(f) if "TX" in f"{x.message} {x.evidence}"]
    for made in all_tables(f).values():
        for name in made.data:
            if made.column(name).dtype.kind in "OU":
                assert "TX" not in made.column(name).astype(str).tolist(), f"{made.schema.name}.{name}"


def test_years_of_three_meters_show_no_means_of_them(case):
    gas, pumps = case.town.gas.values.copy(), case.town.heat_pumps.values.copy()
    gas[3:, year_of(case.days) == 2019] = np.nan
    pumps[3:, year_of(case.days)[case.clock.day] == 2019] = np.nan
    gone = with_values(with_values(case, "gas", gas), "heat_pumps", pumps)
    tables = all_tables(found(gone))
    days = tables["fleet_days"]
    first = days.column("year").astype(str) == "2019"
    for name in ("gas_heat_kwh_th", "heat_pump_kwh"):
        assert np.isnan(days.column(name)[first]).all(), name
        assert np.isfinite(days.column(name)[~first]).all(), name
    assert tables["fleet_heat"].column("date").min() >= np.datetime64("2020-01-01")
    for table, names in (
        ("consistency", ("total_gwh_th", "mean_kwh_th", "panel_mean_kwh_th")),
        ("normalised", ("measured_gwh_th", "normalised_gwh_th", "panel_gwh_th", "panel_high_gwh_th")),
    ):
        for name in names:
            assert np.isnan(tables[table].column(name)[0]), f"{table}.{name}"
