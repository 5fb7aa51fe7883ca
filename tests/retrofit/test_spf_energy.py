"""Energy distance by ranks: exact against all pairs, an interval that holds, and no memory for pairs."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varme.retrofit.spf.energy import energy_distance, quantile_of_differences, rank_shift


@given(
    st.lists(st.floats(-5, 5), min_size=3, max_size=30),
    st.lists(st.floats(-5, 5), min_size=3, max_size=30),
)
@settings(max_examples=150, deadline=None)
def test_the_shift_is_a_median_of_all_pairwise_differences(x, y):
    x, y = np.array(x), np.array(y)
    shift = rank_shift(x, y, 0.95).shift_log
    differences = np.subtract.outer(x, y).ravel()
    assert (differences <= shift + 1e-6).mean() >= 0.5
    assert (differences >= shift - 1e-6).mean() >= 0.5


def test_the_shift_minimises_the_energy_distance():
    rng = np.random.default_rng(3)
    x, y = rng.normal(1.2, 0.5, 400), rng.gamma(4, 0.25, 60)
    shift = rank_shift(x, y, 0.95).shift_log
    at = [energy_distance(x, y, shift + step) for step in (-0.05, -0.01, 0.0, 0.01, 0.05)]
    assert min(at) == at[2]
    assert at[0] > at[1]
    assert at[4] > at[3]


def test_energy_distance_is_that_of_its_definition():
    rng = np.random.default_rng(4)
    x, y = rng.normal(0, 1, 40), rng.normal(0.5, 2, 30)

    def mean_distance(a, b):
        return np.abs(np.subtract.outer(a, b)).mean()

    expected = 2 * mean_distance(x - 0.3, y) - mean_distance(x, x) - mean_distance(y, y)
    assert energy_distance(x, y, 0.3) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "m"), [(300, 40), (40, 300)])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.9])
def test_quantiles_of_differences_are_those_of_all_pairs(n, m, share):
    rng = np.random.default_rng(5)
    x, y = np.sort(rng.normal(1, 0.5, n)), np.sort(rng.normal(0, 0.7, m))
    found = quantile_of_differences(x, y, share, (0.0, 0.01))
    assert found == pytest.approx(np.quantile(np.subtract.outer(x, y), share), abs=1e-3)


def test_the_interval_covers_with_few_values_of_unequal_spread_and_skew():
    rng, inside = np.random.default_rng(6), 0
    towns = 600
    middle = np.median(np.subtract.outer(rng.normal(0, 0.4, 4000), np.log(rng.gamma(3, 1, 4000))))
    for _ in range(towns):
        found = rank_shift(rng.normal(0, 0.4, 200), np.log(rng.gamma(3, 1, 30)), 0.95)
        inside += found.low_log <= middle <= found.high_log
    assert 0.925 <= inside / towns <= 0.975


def test_a_million_by_fifty_thousand_takes_no_pairs():
    rng = np.random.default_rng(7)
    x, y = rng.normal(1.2, 0.5, 1_000_000), rng.normal(0, 0.5, 50_000)
    tracemalloc.start()
    started = time.process_time()
    found = rank_shift(x, y, 0.95)
    seconds, peak = time.process_time() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.shift_log == pytest.approx(1.2, abs=0.01)
    assert peak < 100e6
    assert seconds < 2.0


def test_all_values_equal_give_their_difference():
    found = rank_shift(np.full(20, 2.0), np.full(10, 0.5), 0.95)
    assert found.shift_log == pytest.approx(1.5, abs=1e-6)
