"""Peaks of transformers: solved by hand, laws, the two methods against each other, and a town whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.retrofit.grid_towns import DAYS, case_of, flat_library, household_base, lively_library
from varme.ground.errors import InputError
from varme.retrofit.grid import moments
from varme.retrofit.grid.assemble import assemble_case, slot_of, transformers_of
from varme.retrofit.grid.base_load import (
    base_from_households,
    base_from_peaks,
    base_from_series,
    h0_profile,
    household_profile,
)
from varme.retrofit.grid.library import library_from_shape, measured_library
from varme.retrofit.grid.peaks import candidate_days, day_factors, simulate
from varme.retrofit.grid.spec import GridSpec
from varme.retrofit.grid.transformers import feeder_peaks, hosting_shares, method_for, transformer_peaks
from varme.retrofit.spf.curve import CopCurve


def _part(energy, rows, days):
    return energy[rows][:, days]


CURVE = CopCurve(3.0, 5.0, 0.02, 0.001)


def test_even_heat_pumps_have_the_mean_power_of_the_coldest_day_as_peak():
    case = case_of(60, 3, library=flat_library())
    found = transformer_peaks(case, draws=20, method="monte_carlo")
    want = np.bincount(case.transformer, case.energy_kwh[:, 0]) / 24
    assert found.p50_kw == pytest.approx(want, rel=1e-5)
    assert found.p95_kw == pytest.approx(want, rel=1e-5)
    assert found.loading_p50_share == pytest.approx(want / 400, rel=1e-5)


def test_base_load_and_heat_pumps_peak_together_hour_by_hour_not_peak_plus_peak():
    library = flat_library()
    relative = library.relative.copy()
    relative[:, :, :] = 0.5
    relative[:, :, 6] = 12.5  # all heat pumps at six in the morning
    base = base_from_peaks(np.full(3, 100.0), household_profile(DAYS))
    case = case_of(60, 3, library=replace(library, relative=relative), base=base)
    found = transformer_peaks(case, draws=20, method="monte_carlo")
    six = case.base_kw[:, 0, 6]
    pumps = np.bincount(case.transformer, case.energy_kwh[:, 0]) / 24
    assert found.p50_kw == pytest.approx(12.5 * pumps + six, rel=1e-3)
    assert (found.p50_kw < found.heat_pumps_p50_kw + found.base_kw - 10).all()
    assert (found.peak_slot == 6).all()


def test_the_spf_factor_is_common_to_all_homes():
    case = case_of(600, 3, library=flat_library(), spf_log_sd=0.1)
    found = transformer_peaks(case, draws=600, method="monte_carlo")
    assert found.p95_kw / found.p50_kw == pytest.approx(np.exp(1.645 * 0.1), rel=0.03)


def test_a_day_that_all_share_does_not_average_out():
    still = lively_library()
    flat = replace(still, relative=(still.relative / still.relative.mean(axis=(1, 2), keepdims=True)))
    common = replace(
        still, relative=flat.relative * np.tile(np.array([0.7, 1.3], np.float32), 20)[:, None, None]
    )
    many = 3000
    a = transformer_peaks(case_of(many, 1, library=flat), draws=60, method="monte_carlo")
    b = transformer_peaks(case_of(many, 1, library=common), draws=60, method="monte_carlo")
    assert b.p95_kw[0] > 1.05 * a.p95_kw[0]


def test_equal_seeds_give_equal_bytes():
    case = case_of()
    a, b = (transformer_peaks(case, draws=30, seed=4) for _ in range(2))
    assert a.p95_kw.tobytes() == b.p95_kw.tobytes()
    assert a.p95_kw.tobytes() != transformer_peaks(case, draws=30, seed=5).p95_kw.tobytes()


def test_the_overload_probability_is_that_of_the_quantiles():
    case = case_of(300, 6, spf_log_sd=0.05)
    found = transformer_peaks(case, draws=400)
    at_median = replace(case, rating_kva=found.p50_kw)
    assert transformer_peaks(at_median, draws=400).overload_share == pytest.approx(0.5, abs=0.02)
    at_p95 = replace(case, rating_kva=found.p95_kw)
    again = transformer_peaks(at_p95, draws=400)
    assert again.overload_share == pytest.approx(0.05, abs=0.02)
    by_table = transformer_peaks(at_median, method="moments")
    assert by_table.overload_share == pytest.approx(0.5, abs=0.12)


def test_moments_and_draws_agree_within_five_percent():
    rng = np.random.default_rng(5)
    homes = 900
    case = case_of(homes, 20, spf_log_sd=0.05, base=household_base(np.full(20, 45)))
    case = replace(case, transformer=rng.choice(20, homes, p=rng.dirichlet(np.full(20, 4.0))))
    table = moments.build_table(case, draws=600)
    drawn = transformer_peaks(case, draws=800, method="monte_carlo", table=table)
    read = transformer_peaks(case, method="moments", table=table)
    big = drawn.homes >= 5
    assert big.sum() >= 18
    for name in ("p50_kw", "p95_kw", "heat_pumps_p50_kw", "heat_pumps_p95_kw"):
        ratio = getattr(read, name)[big] / getattr(drawn, name)[big]
        assert np.abs(ratio - 1).max() < 0.05, name
        assert abs(ratio.mean() - 1) < 0.015, name


def test_moments_and_draws_agree_for_feeders_and_the_town():
    case = case_of(600, 12, spf_log_sd=0.05, base=household_base(np.full(12, 50)))
    table = moments.build_table(case)
    simulation = simulate(case, 400, 1)
    peaks = transformer_peaks(case, simulation=simulation, table=table, method="monte_carlo")
    drawn = feeder_peaks(case, peaks, simulation=simulation)
    read = feeder_peaks(case, peaks, table=table)
    assert read.p95_kw == pytest.approx(drawn.p95_kw, rel=0.04)
    assert read.town_p50_kw == pytest.approx(drawn.town_p50_kw, rel=0.03)


def test_a_feeder_peaks_below_the_sum_of_its_transformers():
    case = case_of(120, 12)
    simulation = simulate(case, 200, 1)
    peaks = transformer_peaks(case, simulation=simulation, method="monte_carlo")
    found = feeder_peaks(case, peaks, simulation=simulation)
    assert (found.p95_kw < 0.95 * found.sum_of_transformers_kw).all()
    assert found.town_p95_kw < found.p95_kw.sum() * 1.001


def test_more_candidate_days_change_the_p95_by_less_than_one_percent():
    found = []
    for days in (10, 30):
        rng = np.random.default_rng(2)
        level = 60 * rng.lognormal(0, 0.5, 400)
        course = np.exp(-0.02 * np.arange(days))
        case = case_of(400, 4, days=days)
        case = replace(case, energy_kwh=(level[:, None] * course).astype(np.float32))
        found.append(transformer_peaks(case, draws=1500, method="moments").p95_kw)
    assert found[1] == pytest.approx(found[0], rel=0.01)


def test_a_transformer_without_homes_carries_its_base_load_only():
    case = case_of(60, 4, base=household_base(np.array([20, 20, 20, 30]), spread=0.0))
    case = replace(case, transformer=case.transformer % 3)
    for method in ("monte_carlo", "moments"):
        found = transformer_peaks(case, draws=20, method=method)
        assert found.p95_kw[3] == pytest.approx(case.base_kw[3].max(), rel=1e-6)
        assert found.homes[3] == 0
        assert found.hosts_all[3]


@pytest.mark.parametrize("method", ["monte_carlo", "moments"])
def test_edges_no_load_one_home_and_no_home_at_all(method):
    empty = case_of(6, 3)
    empty = replace(empty, transformer=np.zeros(6, dtype=int))
    found = transformer_peaks(empty, draws=20, method=method)
    assert found.p95_kw[1:].tolist() == [0.0, 0.0]
    assert found.p95_kw[0] > 0
    one = case_of(1, 1)
    assert transformer_peaks(one, draws=20, method=method).p50_kw[0] > one.energy_kwh.max() / 24
    nobody = case_of(1, 2, base=household_base(np.array([10, 10]), spread=0.0))
    nobody = replace(
        nobody, energy_kwh=nobody.energy_kwh[:0], transformer=nobody.transformer[:0], annual_kwh=np.empty(0)
    )
    found = transformer_peaks(nobody, draws=20, method=method)
    assert found.p50_kw == pytest.approx(nobody.base_kw.max(axis=(1, 2)))
    assert found.overload_share.tolist() == [0, 0]


def test_hosting_capacity_reproduces_the_rating():
    case = case_of(300, 6, base=household_base(np.full(6, 50)))
    whole = transformer_peaks(case, method="moments")
    case = replace(case, rating_kva=0.6 * whole.p95_kw)
    table = moments.build_table(case)
    ones = np.ones(6)
    _, p95, loading = hosting_shares(case, table, ones, ones)
    assert ((p95 > 0.2) & (p95 < 0.8)).all()
    assert (np.diff(loading, axis=1) >= -1e-9).all()
    share = float(p95.mean())
    found = []
    for seed in range(12):
        kept = np.random.default_rng(seed).random(300) < share
        part = replace(
            case, energy_kwh=case.energy_kwh[kept], transformer=case.transformer[kept], annual_kwh=None
        )
        found.append(transformer_peaks(part, method="moments", table=table).loading_p95_share.mean())
    assert np.mean(found) == pytest.approx(1.0, abs=0.03)


def test_full_from_the_start_and_never_full_are_told_apart():
    case = case_of(60, 2, base=household_base(np.array([30, 30]), spread=0.0))
    peak = case.base_kw.max(axis=(1, 2))
    case = replace(case, rating_kva=np.array([0.9 * peak[0], 1e4]))
    found = transformer_peaks(case, draws=50)
    assert found.full_p95_share.tolist() == [0.0, 1.0]
    assert found.hosts_all.tolist() == [False, True]


@given(size=st.floats(1, 2000), ratio=st.floats(0, 15), scatter=st.floats(0, 0.7), more=st.floats(1.0, 3.0))
@settings(max_examples=60, deadline=None)
def test_peaks_rise_with_probability_and_with_the_base_load(table, size, ratio, scatter, more):
    one = np.array([1.0])
    low = table.at(size * one, ratio * one, scatter * one)[0]
    high = table.at(size * one, ratio * more * one, scatter * one)[0]
    assert (np.diff(low) >= -1e-6).all()
    assert (high >= low - 1e-6).all()


@pytest.fixture(scope="module")
def table():
    return moments.build_table(case_of(base=household_base(np.full(6, 50))), draws=100)


def test_scale_is_a_scale():
    case = case_of(120, 3)
    double = replace(case, energy_kwh=case.energy_kwh * 2)
    for method in ("monte_carlo", "moments"):
        a, b = (transformer_peaks(c, draws=30, method=method) for c in (case, double))
        assert b.p95_kw == pytest.approx(2 * a.p95_kw, rel=1e-4)


def test_auto_takes_the_moments_for_many_homes():
    assert method_for(case_of(1400, 24)) == "monte_carlo"
    assert method_for(case_of(30_000, 24)) == "moments"


def test_day_factors_find_the_windy_day_and_leave_other_years_alone():
    rng = np.random.default_rng(1)
    t = 5 - 12 * np.cos(2 * np.pi * np.arange(730) / 365)
    fleet = (100 + 60 * np.maximum(15 - t, 0)) * rng.normal(1, 0.01, 730)
    fleet[365:] *= 1.5  # more meters in the second year
    fleet[20] *= 1.2
    factor = day_factors(fleet, t, np.repeat([2020, 2021], 365))
    assert factor[20] == pytest.approx(1.2, abs=0.03)
    assert factor[385] == pytest.approx(1.0, abs=0.06)
    assert (factor[t > 10] == 1).all()
    for half in (slice(0, 365), slice(365, 730)):
        assert factor[half].mean() == pytest.approx(1.0, abs=0.01)


def test_a_known_day_is_not_drawn_a_second_time():
    level = lively_library().level_days()
    assert level.relative.mean(axis=(1, 2)) == pytest.approx(1.0, abs=1e-5)
    case = case_of(3000, 1)
    drawn, known = (
        transformer_peaks(replace(case, library=x), draws=80, method="monte_carlo")
        for x in (lively_library(), level)
    )
    assert known.p95_kw[0] / known.p50_kw[0] < drawn.p95_kw[0] / drawn.p50_kw[0]


def test_candidate_days_are_the_highest_of_each_year():
    kwh = np.array([1.0, 9, 8, np.nan, 2, 7, 6, 3])
    assert candidate_days(kwh, np.array([2020] * 4 + [2021] * 4), 2).tolist() == [1, 2, 5, 6]


# ---------------------------------------------------------------------------------------------- profiles, base load


def test_the_library_keeps_level_and_common_days_and_reproduces_what_was_measured():
    rng = np.random.default_rng(0)
    days = 200
    t = 5 - 12 * np.cos(2 * np.pi * np.arange(days) / 200) + rng.normal(0, 2, days)
    heat = 5 + 4 * np.maximum(15 - t, 0)
    daily = heat / CURVE.cop(t)
    shape = rng.gamma(4, 0.25, (30, days, 24))
    hourly = (daily[None, :, None] / 24 * shape).astype(np.float32)
    flat = hourly.reshape(30, -1)
    flat[3, 100:160] = np.nan
    library = measured_library(flat, np.repeat(np.arange(days), 24), np.tile(np.arange(24), days), t, CURVE)
    assert library.meters == 30
    assert library.relative.mean() == pytest.approx(1.0, abs=0.02)
    assert np.isfinite(library.relative).all()
    assert library.relative.std() == pytest.approx(0.5, abs=0.03)
    assert 0 < library.filled_share < 0.01


def test_faulty_days_are_not_profiles():
    days = 120
    t = np.linspace(-8, 14, days)
    daily = (5 + 4 * np.maximum(15 - t, 0)) / CURVE.cop(t)
    hourly = np.repeat(daily[None, :, None] / 24, 24, axis=2).repeat(12, axis=0).astype(np.float32)
    hourly[2, 10] *= 30
    hourly[4, 12, 5] = -3
    library = measured_library(
        hourly.reshape(12, -1), np.repeat(np.arange(days), 24), np.tile(np.arange(24), days), t, CURVE
    )
    assert library.relative.max() < 3
    assert library.relative.min() >= 0
    assert library.unfit_days >= 2


def test_days_of_23_and_25_hours_are_left_out_of_the_library():
    days = 90
    day = np.repeat(np.arange(days), 24)
    hour = np.tile(np.arange(24), days)
    keep = ~((day == 40) & (hour == 2))
    load = np.full((4, len(day)), 1.0, dtype=np.float32)
    t = np.linspace(-5, 12, days)
    library = measured_library(load[:, keep], day[keep], hour[keep], t, CURVE)
    assert t[40] not in library.temperature_c
    assert t[39] in library.temperature_c


def test_no_whole_day_is_said():
    with pytest.raises(InputError, match="P129"):
        measured_library(
            np.full((3, 240), np.nan, dtype=np.float32), np.repeat(np.arange(10), 24), np.tile(np.arange(24), 10),
            np.zeros(10), CURVE,
        )  # fmt: skip


def test_a_given_shape_makes_a_library_of_its_mean_and_scatter():
    share = np.r_[np.full(12, 1.5), np.full(12, 0.5)] / 24
    library = library_from_shape(share, np.linspace(-5, 5, 200), spread_share=0.4, source="BDEW")
    mean = library.relative.mean(axis=(0, 1))
    assert mean[:12] == pytest.approx(1.5, abs=0.05)
    assert library.relative[:, :, 0].std() / mean[0] == pytest.approx(0.4, abs=0.02)
    assert library.meters == 0


def test_household_profile_has_the_annual_energy():
    profile = household_profile(DAYS)
    assert profile.mean() == pytest.approx(1.0, abs=0.01)
    base = base_from_households(np.array([3500.0]), np.array([1]), profile, "household")
    assert base.mean_kw[0] * profile.mean() * 8760 == pytest.approx(3500, rel=0.01)
    assert profile[:31].mean() > 1.6 * profile[181:212].mean()


def test_h0_has_the_annual_energy_and_an_evening_peak_in_winter():
    pytest.importorskip("demandlib")
    days = np.arange(np.datetime64("2019-12-20"), np.datetime64("2021-01-10"))
    profile = h0_profile(days)
    assert profile.shape == (len(days), 24)
    assert profile[12:378].mean() == pytest.approx(1.0, abs=0.02)
    assert profile[:10].mean(axis=0).argmax() in (18, 19)


def test_h0_without_demandlib_says_how_to_get_it(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "demandlib", None)
    with pytest.raises(InputError, match="P124") as error:
        h0_profile(DAYS)
    assert 'pip install "varme[profiles]"' in str(error.value)


def test_given_series_keeps_its_power():
    series = np.linspace(100, 200, 48)
    base = base_from_series(
        series, np.array([0.25, 0.75]), np.repeat([0, 1], 24), np.tile(np.arange(24), 2), 2
    )
    power = base.mean_kw[:, None, None] * base.relative[None]
    assert power.sum(axis=0).ravel() == pytest.approx(series)
    with pytest.raises(InputError, match="P132"):
        base_from_series(series[:-1], np.ones(1), np.repeat([0, 1], 24), np.tile(np.arange(24), 2), 2)
    with pytest.raises(InputError, match="P132"):
        base_from_peaks(np.array([5.0, -1.0]), household_profile(DAYS))


def test_few_households_scatter_more_than_many():
    few = case_of(10, 2, base=household_base(np.array([5, 5])), energy=1e-3)
    many = case_of(10, 2, base=household_base(np.array([500, 500])), energy=1e-3)
    a, b = (transformer_peaks(c, draws=100, method="monte_carlo") for c in (few, many))
    assert a.p50_kw[0] / a.base_kw[0] > 1.3
    assert b.p50_kw[0] / b.base_kw[0] < 1.12


# ------------------------------------------------------------------------------------------------------ assembling


def test_bad_transformers_are_all_reported_at_once():
    table = {"transformer": np.array(["A", "B", "B"]), "rating_kva": np.array([0.0, 250.0, -3.0])}
    with pytest.raises(InputError) as error:
        transformers_of(("A", "B"), GridSpec(), table)
    text = str(error.value)
    assert "P127 transformers.A.rating_kva = 0 kVA" in text
    assert "occurs twice" in text


def test_defaults_and_places_of_transformers():
    table = {
        "transformer": np.array(["B", "A"]), "rating_kva": np.array([np.nan, 630.0]), "feeder": np.array(["F2", "F1"]),
        "lon_deg": np.array([10.0, 10.01]), "lat_deg": np.array([50.0, 50.0]),
    }  # fmt: skip
    found = transformers_of(("A", "B", "C"), GridSpec(rating_kva=250), table)
    assert found.rating_kva.tolist() == [630, 250, 250]
    assert found.defaulted == 2
    assert [found.feeders[i] for i in found.feeder] == ["F1", "F2", "all"]
    assert found.x_m[0] - found.x_m[1] == pytest.approx(715, abs=5)
    assert np.isnan(found.x_m[2])


def test_homes_without_transformer_or_model_are_left_out():
    spec = GridSpec(candidate_days_count=3, base_profile="none")
    t = np.linspace(-5, 10, len(DAYS))
    energy = np.tile(np.linspace(50, 5, len(DAYS)), (4, 1))
    energy[2] = np.nan
    case = assemble_case(
        spec, transformers_of(("A", "B"), spec), np.array([0, -1, 1, 1]), lambda rows, days: energy[rows][:, days],
        days=DAYS, temperature_c=t, town_kwh=np.nansum(energy, axis=0), library=flat_library(),
    )  # fmt: skip
    assert case.homes.tolist() == [1, 1]
    assert case.days.tolist() == [0, 1, 2]
    assert case.energy_kwh[0, 0] == pytest.approx(50)


def test_slots_of_quarter_hours():
    times = np.arange("2021-01-01T00:00", "2021-01-01T02:00", 15, dtype="datetime64[m]").astype(
        "datetime64[s]"
    )
    assert slot_of(times, np.repeat([1, 2], 4), 15).tolist() == list(range(4, 12))
    assert slot_of(times[::4], np.array([1, 2]), 60).tolist() == [1, 2]


# --------------------------------------------------------------------------------------------------- against truth


@pytest.mark.slow
def test_the_interval_holds_the_true_peaks_of_a_town_that_did_not_make_the_model():
    """The synthetic town runs every gas home's heat pump hour by hour; its true peaks lie where P5 to P95 say."""
    from varme.data.synthetic.town import TownSpec, build_town
    from varme.data.synthetic.town_truth import retrofitted_hours
    from varme.ground.timegrid import utc_offset_s
    from varme.retrofit.demand.change_point import fit_change_points

    inside, bias, town_off = [], [], []
    for seed in (14, 15):
        spec = TownSpec(seed=seed, faults=False)
        town = build_town(spec)
        local = town.hours_utc + utc_offset_s(town.hours_utc, spec.timezone).astype("timedelta64[s]")
        day = (local.astype("datetime64[D]") - town.days[0]).astype(int)
        hour = (local - local.astype("datetime64[D]")).astype("timedelta64[h]").astype(int)
        t = np.bincount(day, town.temperature_c) / np.bincount(day)
        year = town.days.astype("datetime64[Y]").astype(int) + 1970
        energy = fit_change_points(town.gas.values, t).predict(t) / CURVE.cop(t)
        energy *= (town.truth["retrofit_home_kwh"].sum(axis=1) / energy.sum(axis=1))[:, None]
        library = measured_library(town.heat_pumps.values, day, hour, t, CURVE)
        names = town.transformers["transformer"]
        behind = np.searchsorted(names, town.buildings["transformer"][: len(energy)])
        grid = GridSpec(base_profile="none")
        factor = day_factors(town.gas.values.sum(axis=0).astype(float), t, year)
        case = assemble_case(
            grid, transformers_of(names, grid, town.transformers), behind, partial(_part, energy),
            days=town.days, temperature_c=t, town_kwh=energy.sum(axis=0) * factor, library=library, day_factor=factor,
        )  # fmt: skip
        simulation = simulate(case, 200, 1)
        true = retrofitted_hours(spec)
        for y, number in enumerate(spec.years):
            peak = true[:, year[day] == number].max(axis=1)
            low, middle, high = np.quantile(simulation.heat_pumps_kw[:, :, y], [0.05, 0.5, 0.95], axis=0)
            inside += ((peak >= low) & (peak <= high)).tolist()
            bias.append(float(np.log(middle / peak).mean()))
            town_off.append(
                np.median(simulation.town_kw[:, -1, y]) / true[:, year[day] == number].sum(axis=0).max() - 1
            )
    assert 0.75 <= np.mean(inside) <= 0.99
    assert abs(np.mean(bias)) < 0.06
    assert np.abs(town_off).mean() < 0.06
