"""Synthetic annual totals: the population is what it says, and its truth is the truth."""

from __future__ import annotations

import numpy as np
import pytest

from varme.data.synthetic.population import SCENARIOS, PopulationSpec, log_correlation, sample_town

MANY = {"gas_meters_count": 200_000, "heat_pumps_count": 400_000}


def large(scenario: str, seed: int = 3):
    return sample_town(SCENARIOS[scenario].model_copy(update=MANY), seed)


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_equal_seeds_give_equal_towns_and_others_differ(scenario):
    a, b, c = (sample_town(SCENARIOS[scenario], s) for s in (4, 4, 5))
    assert np.array_equal(a.heat_kwh_th, b.heat_kwh_th)
    assert np.array_equal(a.electricity_kwh, b.electricity_kwh)
    assert np.array_equal(a.pump_volume_m3, b.pump_volume_m3, equal_nan=True)
    assert not np.array_equal(a.electricity_kwh, c.electricity_kwh)
    assert np.isfinite(a.heat_kwh_th).all()
    assert (a.electricity_kwh > 0).all()


def test_marginals_are_those_of_the_sources():
    town = large("ideal")
    assert town.heat_kwh_th.mean() == pytest.approx(22600, rel=0.005)
    assert np.log(town.heat_kwh_th).std() == pytest.approx(0.5, abs=0.003)
    assert np.corrcoef(town.heat_kwh_th, town.gas_volume_m3)[0, 1] == pytest.approx(0.64, abs=0.01)


def test_the_correlation_of_values_is_weaker_than_that_of_logarithms():
    assert log_correlation(PopulationSpec(volume_correlation_share=0.64)) == pytest.approx(0.6681, abs=2e-4)
    assert log_correlation(SCENARIOS["log_correlation"]) == pytest.approx(0.64, abs=1e-3)


@pytest.mark.parametrize(
    "scenario", ["ideal", "mixed", "shifted", "copula", "b_2.3", "gamma", "weibull", "student_tails"]
)
def test_the_stated_fleet_b_is_heat_over_electricity_of_the_population(scenario):
    """The heat of the heat-pump homes is not seen; a twin population with constant SPF has the same one."""
    spec = SCENARIOS[scenario].model_copy(update=MANY)
    town = sample_town(spec, 3)
    constant = {"spf_log_spread_share": 0.0, "ground_source_share": 0.0, "heat_spf_correlation_share": 0.0}
    twin = sample_town(spec.model_copy(update=constant), 3)
    heat = twin.electricity_kwh * spec.b_ratio
    b = heat / town.electricity_kwh
    assert heat.sum() / town.electricity_kwh.sum() == pytest.approx(town.fleet_b_ratio, rel=0.003)
    assert np.exp(np.log(b).mean()) == pytest.approx(town.geometric_b_ratio, rel=0.002)
    assert b.mean() == pytest.approx(town.arithmetic_b_ratio, rel=0.002)


def test_the_three_means_are_ordered_and_apart():
    town = sample_town(SCENARIOS["mixed"], 1)
    assert town.fleet_b_ratio == 3.3
    assert town.geometric_b_ratio == pytest.approx(3.3 * 1.0149, abs=0.002)
    assert town.arithmetic_b_ratio > town.geometric_b_ratio > town.fleet_b_ratio


def test_heat_and_spf_are_correlated_only_in_the_copula_town():
    found = {}
    for scenario in ("mixed", "copula"):
        spec = SCENARIOS[scenario].model_copy(update={**MANY, "ground_source_share": 0.0})
        heat = sample_town(spec.model_copy(update={"spf_log_spread_share": 0.0}), 3).electricity_kwh
        town = sample_town(spec, 3)
        found[scenario] = np.corrcoef(np.log(heat), np.log(heat / town.electricity_kwh))[0, 1]
    assert found["mixed"] == pytest.approx(0.0, abs=0.01)
    assert found["copula"] == pytest.approx(0.15, abs=0.01)


def test_homes_with_heat_pumps_are_ten_percent_larger_in_the_shifted_town():
    town = large("shifted")
    assert np.median(town.pump_volume_m3) / np.median(town.gas_volume_m3) == pytest.approx(1.1, abs=0.01)


def test_dirt_has_the_shares_that_it_says():
    town = large("dirty")
    assert town.gas_bad.mean() == pytest.approx(0.08, abs=0.003)
    assert town.pump_bad.mean() == pytest.approx(0.07, abs=0.003)
    assert town.heat_kwh_th.min() < 1200
    sound = large("mixed")
    assert not sound.gas_bad.any()
    assert not sound.pump_bad.any()


def test_heavy_tails_are_heavier_than_normal_ones():
    def kurtosis(scenario: str) -> float:
        log = np.log(large(scenario).heat_kwh_th)
        return float(np.mean(((log - log.mean()) / log.std()) ** 4))

    assert kurtosis("mixed") == pytest.approx(3.0, abs=0.05)
    assert kurtosis("contaminated") > 3.5
    assert kurtosis("student_tails") > 3.7


@pytest.mark.parametrize("scenario", ["gamma", "weibull"])
def test_other_shapes_keep_mean_and_spread_but_are_skewed_in_the_logarithm(scenario):
    log = np.log(large(scenario).heat_kwh_th)
    assert np.exp(log).mean() == pytest.approx(22600, rel=0.01)
    assert log.std() == pytest.approx(0.5, abs=0.01)
    assert np.mean(((log - log.mean()) / log.std()) ** 3) < -0.3


def test_missing_volumes_and_attics():
    assert np.isnan(large("volume_missing").gas_volume_m3).mean() == pytest.approx(0.2, abs=0.005)
    assert large("attics").gas_volume_m3.mean() > 1.05 * large("mixed").gas_volume_m3.mean()
