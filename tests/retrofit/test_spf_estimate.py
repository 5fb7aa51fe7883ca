"""The default estimate: hand-made cases, laws, dirt, missing covariates, and intervals that cover."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varme.data.synthetic.population import SCENARIOS, PopulationSpec, sample_town
from varme.ground.errors import InputError, ModelError
from varme.retrofit.spf import paper
from varme.retrofit.spf.covariates import prepare
from varme.retrofit.spf.dirt import core_level
from varme.retrofit.spf.estimate import all_methods, estimate_b
from varme.retrofit.spf.intervals import median_resamples, studentised_ratio_of_means, t_interval, welch_df
from varme.retrofit.spf.shift import fit_shift, robust_variance, variance_consistency
from varme.retrofit.spf.spec import SpfSpec

SPEC = SpfSpec()
REAL = (
    Path(__file__).resolve().parents[2].parent
    / "shared/data/retrofit/heatpumpmonitor_systems_365d_2026.csv.gz"
)


def of_town(town, spec=SPEC, *, covariates=True):
    known = ({"volume_m3": town.gas_volume_m3}, {"volume_m3": town.pump_volume_m3}) if covariates else ()
    return estimate_b(town.heat_kwh_th, town.electricity_kwh, spec, *known)


def simulate(scenario, count, *, first=0, spec=SPEC, covariates=True):
    """Return estimates over towns of development seeds: errors, and whether the interval holds the truth."""
    rows = []
    for seed in range(first, first + count):
        town = sample_town(SCENARIOS[scenario], seed)
        e = of_town(town, spec, covariates=covariates)
        truth = town.fleet_b_ratio
        rows.append((e.b_ratio / truth - 1, e.low_ratio <= truth <= e.high_ratio))
    return np.array(rows)


# Laws


@given(st.floats(0.05, 20), st.floats(0.05, 20))
@settings(max_examples=15, deadline=None)
def test_b_scales_with_heat_and_against_electricity(up, down):
    town = sample_town(SCENARIOS["mixed"], 1)
    one = of_town(town)
    other = estimate_b(
        town.heat_kwh_th * up, town.electricity_kwh * down, SPEC,
        {"volume_m3": town.gas_volume_m3}, {"volume_m3": town.pump_volume_m3},
    )  # fmt: skip
    assert other.b_ratio == pytest.approx(one.b_ratio * up / down, rel=1e-6)
    assert other.low_ratio == pytest.approx(one.low_ratio * up / down, rel=1e-6)


def test_the_order_of_meters_does_not_matter():
    town = sample_town(SCENARIOS["dirty"], 2)
    i, j = np.random.default_rng(1).permutation(1400), np.random.default_rng(2).permutation(73)
    other = estimate_b(
        town.heat_kwh_th[i], town.electricity_kwh[j], SPEC,
        {"volume_m3": town.gas_volume_m3[i]}, {"volume_m3": town.pump_volume_m3[j]},
    )  # fmt: skip
    assert other.b_ratio == pytest.approx(of_town(town).b_ratio, rel=1e-7)


def test_two_runs_are_equal_to_the_last_bit():
    town = sample_town(SCENARIOS["dirty"], 2)
    known = ({"volume_m3": town.gas_volume_m3}, {"volume_m3": town.pump_volume_m3})
    a, b = (all_methods(town.heat_kwh_th, town.electricity_kwh, SPEC, *known) for _ in range(2))
    assert [(e.b_ratio, e.low_ratio, e.high_ratio) for e in a if not e.refused] == [
        (e.b_ratio, e.low_ratio, e.high_ratio) for e in b if not e.refused
    ]


def test_the_scale_of_a_covariate_does_not_matter():
    town = sample_town(SCENARIOS["shifted"], 2)
    litres = estimate_b(
        town.heat_kwh_th, town.electricity_kwh, SpfSpec(covariates=["v"]),
        {"v": town.gas_volume_m3 * 1000}, {"v": town.pump_volume_m3 * 1000},
    )  # fmt: skip
    assert litres.b_ratio == pytest.approx(of_town(town).b_ratio, rel=1e-9)


def test_identical_populations_scaled_by_three_have_b_three():
    heat = np.exp(np.random.default_rng(1).normal(9.9, 0.5, 500))
    none = SpfSpec(spf_variance_share=0.0, spf_variance_sd_share=1e-6)
    found = estimate_b(heat, heat / 3, none)
    assert found.b_ratio == pytest.approx(3.0, rel=5e-3)
    assert found.estimands["geometric"] == pytest.approx(3.0, rel=5e-3)


# Estimands


def test_fleet_geometric_and_arithmetic_b_are_told_apart():
    spec = SCENARIOS["mixed"].model_copy(update={"gas_meters_count": 60000, "heat_pumps_count": 30000})
    town = sample_town(spec, 5)
    found = of_town(
        town, SpfSpec(spf_log_spread_share=float(np.sqrt(0.14**2 + 0.24 * 0.76 * np.log(1.27) ** 2)))
    )
    assert found.estimands["fleet"] == pytest.approx(town.fleet_b_ratio, rel=0.01)
    assert found.estimands["geometric"] == pytest.approx(town.geometric_b_ratio, rel=0.01)
    assert found.estimands["arithmetic"] == pytest.approx(town.arithmetic_b_ratio, rel=0.01)
    assert found.estimands["fleet"] < found.estimands["geometric"] < found.estimands["arithmetic"]


def test_with_many_heat_pumps_the_fleet_correction_is_measured_not_assumed():
    many = {"gas_meters_count": 60000, "heat_pumps_count": 30000}
    mixed = of_town(sample_town(SCENARIOS["mixed"].model_copy(update=many), 5))
    ideal = of_town(sample_town(SCENARIOS["ideal"].model_copy(update=many), 5))
    assert mixed.details["excess_variance"] == pytest.approx(0.030, abs=0.006)
    assert ideal.details["excess_variance"] == pytest.approx(0.0, abs=0.006)


# Accuracy and coverage on development seeds; the benchmark reports others


@pytest.mark.parametrize(
    ("scenario", "limit", "bias"),
    [("ideal", 0.05, 0.02), ("mixed", 0.056, 0.02), ("dirty", 0.066, 0.04), ("shifted", 0.056, 0.02)],
)
def test_error_bias_and_coverage_by_scenario(scenario, limit, bias):
    found = simulate(scenario, 120)
    assert np.sqrt(np.mean(found[:, 0] ** 2)) < limit
    assert abs(found[:, 0].mean()) < bias
    assert found[:, 1].mean() > 0.90


@pytest.mark.parametrize(
    "scenario", ["student_tails", "contaminated", "gamma", "weibull", "copula", "attics"]
)
def test_it_holds_where_its_assumptions_do_not(scenario):
    found = simulate(scenario, 60)
    assert np.sqrt(np.mean(found[:, 0] ** 2)) < 0.068
    assert found[:, 1].mean() > 0.88


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["ideal", "mixed", "shifted"])
def test_intervals_cover_95_percent(scenario):
    assert 0.935 <= simulate(scenario, 800, first=100)[:, 1].mean() <= 0.97


def test_twenty_heat_pumps_are_covered_too():
    assert simulate("pumps_20", 100)[:, 1].mean() > 0.91


def test_covariates_lower_the_variance_and_take_away_the_bias_of_larger_homes():
    bare, adjusted = (simulate("shifted", 80, covariates=c)[:, 0] for c in (False, True))
    assert bare.mean() < -0.035  # homes 10 % larger need 6 % more heat: straight into B
    assert abs(adjusted.mean()) < 0.02
    assert adjusted.std() < 0.85 * bare.std()


def test_it_beats_the_printed_method_twofold():
    ours, theirs = [], []
    printed = SpfSpec(divergence="jeffreys")
    for seed in range(60):
        town = sample_town(SCENARIOS["ideal"], seed)
        ours.append(of_town(town).b_ratio - 3.3)
        theirs.append(paper.scan(town.heat_kwh_th, town.electricity_kwh, printed).best_ratio - 3.3)
    assert np.std(theirs) > 1.7 * np.std(ours)
    assert np.mean(theirs) > 0.1  # the tiny floor makes tail bins dominate


# Dirt


def test_meters_in_another_unit_hardly_move_it():
    town = sample_town(SCENARIOS["mixed"], 8)
    e = town.electricity_kwh.copy()
    e[:4] *= 1000
    e[4:6] /= 1000
    known = ({"volume_m3": town.gas_volume_m3}, {"volume_m3": town.pump_volume_m3})
    dirty = estimate_b(town.heat_kwh_th, e, SPEC, *known)
    assert dirty.b_ratio == pytest.approx(of_town(town).b_ratio, rel=0.03)
    assert (dirty.sound[:6] < 0.01).all()
    means = {x.method: x for x in all_methods(town.heat_kwh_th, e, SPEC, *known)}["ratio_of_means"]
    assert means.b_ratio < 0.2 * dirty.b_ratio


def test_part_year_meters_are_doubted_and_move_it_less_than_a_mean():
    town = sample_town(SCENARIOS["mixed"], 9)
    e = town.electricity_kwh.copy()
    e[:7] *= 0.15
    known = ({"volume_m3": town.gas_volume_m3}, {"volume_m3": town.pump_volume_m3})
    clean, dirty = (estimate_b(town.heat_kwh_th, x, SPEC, *known) for x in (town.electricity_kwh, e))
    assert dirty.sound[:7].mean() < 0.3 < 0.85 < dirty.sound[7:].mean()
    assert abs(np.log(dirty.b_ratio / clean.b_ratio)) < 0.05
    assert dirty.details["dirt_share"] > clean.details["dirt_share"]


def test_a_third_of_the_gas_meters_being_cookers_does_not_break_it_down():
    town = sample_town(SCENARIOS["mixed"], 10)
    heat = town.heat_kwh_th.copy()
    heat[:420] = np.random.default_rng(1).uniform(300, 1200, 420)
    known = ({"volume_m3": town.gas_volume_m3}, {"volume_m3": town.pump_volume_m3})
    found = estimate_b(heat, town.electricity_kwh, SPEC, *known)
    assert found.b_ratio == pytest.approx(of_town(town).b_ratio, rel=0.04)
    assert found.details["gas_left_out_count"] >= 415


def test_core_level_of_clean_residuals_is_their_mean():
    r = np.random.default_rng(3).normal(0.1, 0.4, 2000)
    found = core_level(r, np.full(2000, 0.4), np.ones(2000))
    assert found.mean == pytest.approx(r.mean(), abs=0.003)
    assert found.variance == pytest.approx(0.4**2 / 2000, rel=0.15)
    assert found.dirt_share < 0.01


def test_core_level_of_few_residuals_has_a_finite_variance():
    for seed in range(30):
        rng = np.random.default_rng(seed)
        found = core_level(rng.standard_t(1, 5), np.full(5, 0.4), np.ones(5))
        assert np.isfinite(found.mean)
        assert 0 < found.variance < 100


# Covariates


def test_missing_volumes_lose_precision_not_truth():
    for scenario in ("volume_missing", "volume_missing_shifted"):
        found = simulate(scenario, 60)
        assert abs(found[:, 0].mean()) < 0.022
        assert found[:, 1].mean() > 0.89


def test_a_missing_volume_is_imputed_by_group_and_widens_the_home():
    heat, pump = (
        np.array([100.0] * 10 + [1000.0] * 10 + [np.nan] * 5),
        np.array([400.0] * 12 + [900.0] * 12 + [0.0] * 4),
    )
    p = prepare({"v": heat}, {"v": pump}, ["v"], 25, 28)
    assert p.names == ("v",)
    assert p.electricity[-1, 0] == pytest.approx(p.electricity[:24, 0].mean())
    assert p.imputed_electricity[-1, 0] > 0 == p.imputed_electricity[0, 0]
    assert p.double_electricity[-1] == pytest.approx(4 / 24)


def test_covariates_are_used_only_where_both_groups_have_them():
    rng = np.random.default_rng(4)
    heat, el = np.exp(rng.normal(10, 0.5, 300)), np.exp(rng.normal(8.8, 0.5, 40))
    columns_heat = {
        "only_gas": rng.random(300),
        "flat": np.ones(300),
        "empty": np.full(300, np.nan),
        "far": rng.random(300),
    }
    columns_el = {"flat": np.ones(40), "empty": rng.random(40), "far": 100 + rng.random(40)}
    names = ["only_gas", "flat", "empty", "far", "nowhere"]
    found = estimate_b(heat, el, SpfSpec(covariates=names), columns_heat, columns_el)
    assert found.covariates == ()
    reasons = {n["name"]: n["reason"] for n in found.covariate_notes}
    assert reasons == {
        "only_gas": "not known for both groups", "flat": "the same for all homes", "empty": "known for too few homes",
        "far": "the groups do not overlap", "nowhere": "not known for both groups",
    }  # fmt: skip


def test_a_covariate_that_says_nothing_costs_next_to_nothing():
    town = sample_town(SCENARIOS["mixed"], 11)
    rng = np.random.default_rng(5)
    noise = ({"volume_m3": rng.random(1400)}, {"volume_m3": rng.random(73)})
    bare = of_town(town, covariates=False)
    useless = estimate_b(town.heat_kwh_th, town.electricity_kwh, SPEC, *noise)
    assert useless.log_se == pytest.approx(bare.log_se, rel=0.05)


def test_overlap_weights_balance_the_groups():
    town = sample_town(SCENARIOS["shifted"].model_copy(update={"size_ratio": 1.5}), 3)
    known = ({"v": town.gas_volume_m3}, {"v": town.pump_volume_m3})
    plain = prepare(*known, ["v"], 1400, 73)
    weighted = prepare(*known, ["v"], 1400, 73, overlap_weights=True)

    def apart(p):
        return np.average(p.electricity[:, 0], weights=p.weight_electricity) - np.average(
            p.heat[:, 0], weights=p.weight_heat
        )

    assert abs(apart(weighted)) < 0.2 * abs(apart(plain))
    found = of_town(town, SpfSpec(weighting="overlap"))
    assert found.low_ratio < 3.3 < found.high_ratio


# Bad input


def test_totals_that_are_no_numbers_are_counted_and_left_out():
    town = sample_town(SCENARIOS["mixed"], 12)
    heat = np.concatenate([town.heat_kwh_th, [np.nan, 0.0, -5.0, np.inf]])
    found = estimate_b(heat, np.append(town.electricity_kwh, np.nan), SPEC)
    assert found.left_out == {"heat": 4, "electricity": 1}
    assert found.b_ratio == pytest.approx(of_town(town, covariates=False).b_ratio, rel=1e-9)


@pytest.mark.parametrize("method", ["adjusted", "energy_distance", "paper"])
def test_too_few_meters_are_refused_with_both_counts(method):
    with pytest.raises(ModelError, match="P311") as caught:
        estimate_b(np.array([1.0, np.nan]), np.array([]), SpfSpec(method=method))
    assert len(caught.value.problems) == 2
    assert "heat-pump meters = 0" in str(caught.value)


def test_covariates_of_another_length_are_refused():
    with pytest.raises(InputError, match=r"P120 covariates of heat: volume_m3 = 3.*4 totals"):
        estimate_b(
            np.arange(1.0, 5), np.arange(1.0, 5), SPEC, {"volume_m3": np.ones(3)}, {"volume_m3": np.ones(4)}
        )


def test_totals_that_are_all_equal_are_refused():
    with pytest.raises(
        ModelError, match=r"P313 heat-pump meters = 5000 kWh: all totals of the year are equal"
    ):
        estimate_b(np.linspace(1e4, 3e4, 50), np.full(20, 5000.0), SPEC)


@pytest.mark.parametrize("seed", range(40))
def test_odd_small_samples_give_finite_figures_in_order(seed):
    """Ties, constant covariates, missing and negative ones, wild tails, three meters: never a crash or a warning."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.choice([3, 5, 15, 60])), int(rng.choice([3, 5, 15, 60]))
    heat, el = np.exp(rng.normal(9.8, 0.5, n)), np.exp(rng.normal(8.6, 0.5, m))
    if seed % 4 == 1:
        heat, el = np.round(heat, -3) + 1000, np.round(el, -3) + np.arange(m) % 2 * 1000
    if seed % 4 == 2:
        heat, el = (np.exp(np.clip(2 * rng.standard_cauchy(k), -12, 25)) for k in (n, m))

    def column(k):
        v = np.exp(rng.normal(6, 0.5, k))
        return [v, np.where(rng.random(k) < 0.4, np.nan, v), np.full(k, 5.0), v - 400][
            seed % 3 + int(rng.integers(2))
        ]

    spec = SpfSpec(
        covariates=["a", "b"], weighting=["none", "overlap"][seed % 2], b_max_ratio=12.0, bootstraps_count=100
    )
    found = all_methods(heat, el, spec, {k: column(n) for k in "ab"}, {k: column(m) for k in "ab"})
    for e in found:
        if not e.refused:
            assert np.isfinite([e.b_ratio, e.low_ratio, e.high_ratio, e.log_se]).all(), e.method
            assert e.low_ratio <= e.b_ratio * (1 + 1e-9), e.method
            assert e.high_ratio >= e.b_ratio * (1 - 1e-9), e.method


def test_fewer_than_ten_heat_pumps_run_with_a_wide_interval():
    town = sample_town(PopulationSpec(heat_pumps_count=4), 2)
    found = of_town(town)
    assert found.low_ratio < 3.3 < found.high_ratio
    assert found.high_ratio / found.low_ratio > 1.8


# Parts


def test_welch_by_hand():
    assert welch_df(1.0, 0.0, 9, 5) == pytest.approx(9)
    assert welch_df(1.0, 1.0, 10, 10) == pytest.approx(20)
    found = t_interval(np.log(3.0), 0.01, 72, 0.95)
    assert np.log(found.high / 3) == pytest.approx(1.9935 * 0.1, abs=1e-4)
    assert found.low * found.high == pytest.approx(9.0)


def test_resampled_medians_have_the_spread_of_resampling():
    values = np.random.default_rng(1).normal(10, 2, 101)
    fast = median_resamples(values, 4000, np.random.default_rng(2))
    rng = np.random.default_rng(3)
    slow = np.median(rng.choice(values, (4000, 101)), axis=1)
    assert fast.mean() == pytest.approx(slow.mean(), abs=0.03)
    assert fast.std() == pytest.approx(slow.std(), rel=0.06)


def test_the_studentised_interval_of_means_covers_skewed_totals():
    rng, inside = np.random.default_rng(4), 0
    for _ in range(150):
        x, y = np.exp(rng.normal(0, 0.5, 300)), np.exp(rng.normal(0, 0.5, 73))
        found = studentised_ratio_of_means(x, y, 0.95, 400, rng)
        inside += found.low <= 1.0 <= found.high
    assert inside / 150 > 0.9


def test_robust_variance_is_that_of_the_normal_core():
    r = np.random.default_rng(5).normal(0, 0.5, 20000)
    assert robust_variance(r, 0.5) == pytest.approx(0.25, rel=0.03)
    r[:1000] = 50
    assert robust_variance(r, 0.5) == pytest.approx(0.25, rel=0.04)
    assert 0.5 < variance_consistency(4.0) < 1


def test_the_sandwich_error_is_that_of_repeated_towns():
    shifts, errors = [], []
    for seed in range(150):
        town = sample_town(SCENARIOS["mixed"], seed)
        p = prepare({"v": town.gas_volume_m3}, {"v": town.pump_volume_m3}, ["v"], 1400, 73)
        fit = fit_shift(np.log(town.heat_kwh_th), np.log(town.electricity_kwh), p)
        shifts.append(fit.shift_log)
        errors.append(np.sqrt(fit.variance))
    assert np.mean(errors) == pytest.approx(np.std(shifts), rel=0.15)


def test_every_method_finds_a_large_clean_town():
    town = sample_town(PopulationSpec(gas_meters_count=20000, heat_pumps_count=10000), 1)
    none = SpfSpec(spf_variance_share=0.0, b_max_ratio=6.0)
    known = ({"volume_m3": town.gas_volume_m3}, {"volume_m3": town.pump_volume_m3})
    found = all_methods(town.heat_kwh_th, town.electricity_kwh, none, *known)
    assert len(found) == 9
    assert found[0].method == "adjusted"
    for e in found:
        assert e.b_ratio == pytest.approx(3.3, abs=0.12 if e.method.startswith("paper") else 0.06), e.method
        assert e.low_ratio < e.b_ratio < e.high_ratio


# Real systems: the truth is metered


@pytest.mark.skipif(not REAL.exists(), reason="the monitored systems are not beside this checkout")
def test_real_systems_against_their_metered_spf():
    import pandas as pd

    data = pd.read_csv(REAL)
    q, e = data.combined_heat_kwh.to_numpy(float), data.combined_elec_kwh.to_numpy(float)
    known = {n: data[n].to_numpy(float) for n in ("floor_area", "hp_output")}
    truth = q.sum() / e.sum()
    spec = SpfSpec(covariates=["floor_area", "hp_output"])
    printed = SpfSpec(divergence="jeffreys", b_max_ratio=6.0)
    ours, theirs, inside = [], [], 0
    for seed in range(60):
        order = np.random.default_rng([seed, 83]).permutation(len(q))
        a, b = order[:83], order[83:]
        found = estimate_b(
            q[a], e[b], spec, {n: v[a] for n, v in known.items()}, {n: v[b] for n, v in known.items()}
        )
        ours.append(found.b_ratio - truth)
        theirs.append(paper.scan(q[a], e[b], printed).best_ratio - truth)
        inside += found.low_ratio <= truth <= found.high_ratio
    assert np.sqrt(np.mean(np.square(ours))) < 0.45 * np.sqrt(np.mean(np.square(theirs)))
    assert abs(np.mean(ours)) < 0.08
    assert inside >= 52
