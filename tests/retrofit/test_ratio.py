"""Ratio of heat-pump to household electricity: what is often mixed up, told apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varme.retrofit.grid.ratio import electricity_ratio
from varme.retrofit.grid.tables import ratio_bins, ratio_tables


def test_ratio_of_sums_is_not_the_mean_of_ratios():
    found = electricity_ratio(np.array([1000.0, 8000.0]), np.array([500.0, 8000.0]))
    assert found.mean[0] == pytest.approx(1.5)
    assert found.of_sums[0] == pytest.approx(9000 / 8500)
    assert found.median[0] == pytest.approx(1.5)


def test_no_household_electricity_is_excluded_and_counted_not_infinite():
    found = electricity_ratio(np.array([1000.0, 2000.0, 3000.0]), np.array([0.0, np.nan, 1500.0]))
    assert (found.used[0], found.excluded[0]) == (1, 2)
    assert found.of_sums[0] == pytest.approx(2.0)
    assert np.isnan(found.ratio[:2]).all()


def test_clipping_is_counted_and_touches_no_figure():
    pump = np.array([1.0, 2.0, 3.0, 100.0])
    found = electricity_ratio(pump, np.ones(4))
    assert found.clipped[0] == 1
    assert found.ratio.max() == 100
    assert found.mean[0] == pytest.approx(26.5)
    starts, counts = ratio_bins(found, 1)
    assert counts[-1] == 1
    assert starts[-1] == pytest.approx(6.4)
    assert sum(counts) == 4


def test_intervals_cover():
    inside = np.zeros((400, 2), dtype=bool)
    for seed in range(400):
        rng = np.random.default_rng(seed)
        house = rng.lognormal(8, 0.4, 60)
        pump = 2.0 * house * rng.lognormal(0, 0.5, 60)
        found = electricity_ratio(pump, house)
        inside[seed, 0] = found.median_low[0] <= 2.0 <= found.median_high[0]
        truth = 2.0 * np.exp(0.125)
        inside[seed, 1] = found.of_sums_low[0] <= truth <= found.of_sums_high[0]
    cover = inside.mean(axis=0)
    assert 0.93 <= cover[0] <= 0.99
    assert 0.89 <= cover[1] <= 0.98


def test_few_buildings_have_no_interval_of_the_median():
    found = electricity_ratio(np.arange(1.0, 6.0), np.ones(5))
    assert np.isnan(found.median_low[0])
    six = electricity_ratio(np.arange(1.0, 7.0), np.ones(6))
    assert (six.median_low[0], six.median_high[0]) == (1.0, 6.0)


def test_groups_are_told_apart_and_small_ones_not_shown():
    group = np.array([0] * 6 + [1] * 3)
    found = electricity_ratio(np.r_[np.full(6, 2.0), np.full(3, 8.0)], np.ones(9), group, 2)
    assert found.median.tolist() == [2.0, 8.0]
    table, _ = ratio_tables(found, ("A", "B"), 5)
    assert table.column("group").tolist() == ["A"]


@given(values=st.lists(st.floats(0, 20), min_size=1, max_size=80), k=st.integers(1, 8))
@settings(max_examples=200, deadline=None)
def test_the_histogram_has_no_bar_below_k_and_loses_nobody(values, k):
    found = electricity_ratio(np.array(values), np.ones(len(values)))
    _, counts = ratio_bins(found, k)
    assert all(c >= k for c in counts)
    assert sum(counts) == (len(values) if len(values) >= k else 0)
