"""Simultaneity: hand-solved cases, laws, and what a careless version gets wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varme.ground.errors import InputError
from varme.retrofit.grid.simultaneity import fit_curve, measure_resolution, measure_simultaneity


def panel(meters=12, days=40, seed=0, temperature=-3.0):
    rng = np.random.default_rng(seed)
    load = rng.gamma(2.0, 1.0, (meters, days * 24)).astype(np.float32)
    return load, np.repeat(np.arange(days), 24), np.full(days, temperature)


def whole(load, day, temperature, **kw):
    return measure_simultaneity(load, day, temperature, draws=kw.pop("draws", 40), **kw)


def test_meters_that_peak_together_have_a_simultaneity_of_one():
    one, day, t = panel(1)
    load = np.repeat(one, 10, axis=0) * np.arange(1, 11, dtype=np.float32)[:, None]
    found = whole(load, day, t)
    assert np.allclose(found.median[0], 1.0)
    assert np.allclose(found.p05[0], 1.0)


def test_meters_that_run_one_after_the_other_have_one_over_n():
    n, days = 8, 8
    load = np.full((n, days * 24), 1e-6, dtype=np.float32)
    load[np.arange(n), 24 * np.arange(n) + 5] = 2.0
    found = whole(load, np.repeat(np.arange(days), 24), np.full(days, 0.0))
    assert found.count.tolist() == [1, 2, 3, 4, 5, 6, 8]
    assert np.allclose(found.median[0], 1 / found.count, atol=1e-4)


def test_two_meters_solved_by_hand():
    # Peaks 4 and 2; the sum 3 + 2 = 5 is highest in step 1: g(2) = 5 / 6.
    load = np.ones((2, 24), dtype=np.float32) * 0.1
    load[0, :3] = [4, 3, 0]
    load[1, :3] = [0, 2, 1]
    found = whole(load, np.zeros(24, dtype=int), np.array([2.0]))
    assert found.median[0] == pytest.approx([1.0, 5 / 6])


def test_own_peak_of_the_bin_and_of_the_year_differ_in_mild_bins():
    load, day, t = panel(10, 60)
    t = np.where(np.arange(60) < 20, -8.0, 12.0)
    load[:, day >= 20] *= 0.1
    annual = whole(load, day, t, own_peak="annual")
    by_bin = whole(load, day, t, own_peak="bin")
    mild = -1
    assert annual.median[mild, 0] < 0.25
    assert by_bin.median[mild, 0] == pytest.approx(1.0)
    assert np.allclose(annual.median[0], by_bin.median[0])
    assert annual.labels[1] == "below -5 °C"


def test_missing_is_not_zero():
    # All run alike, so g is 1. A third of them miss the day of the peak.
    day = np.repeat(np.arange(60), 24)
    course = np.where(day == 30, 2.0, 1.0) * (1 + 0.1 * np.cos(day))
    load = (np.linspace(1, 3, 30)[:, None] * course).astype(np.float32)
    holes = load.copy()
    holes[::3, day == 30] = np.nan
    t = np.full(60, -3.0)
    filled, as_zero = whole(holes, day, t), whole(np.nan_to_num(holes), day, t)
    assert filled.median[0] == pytest.approx(1.0, abs=1e-5)
    assert as_zero.median[0, -1] < 0.85
    assert filled.filled_share == pytest.approx(1 / 180)


def test_a_meter_without_winter_is_left_out_and_counted():
    load, day, t = panel(12, 60)
    t = np.where(np.arange(60) < 30, -2.0, 15.0)
    load[0, day < 30] = np.nan
    load[1] = 0.0
    found = whole(load, day, t)
    assert (found.meters, found.dropped) == (10, 2)


def test_no_usable_meter_is_said():
    load, day, t = panel(3, 10)
    with pytest.raises(InputError, match="P129"):
        whole(np.full_like(load, np.nan), day, t)


def test_days_without_temperature_are_left_out():
    load, day, t = panel(10, 30)
    load[:, day == 4] = 50.0
    t[4] = np.nan
    found = whole(load, day, t)
    assert found.days[0] == 29
    assert found.median[0, -1] < 0.7


def test_equal_seeds_give_equal_bytes_and_other_seeds_do_not():
    load, day, t = panel()
    a, b, c = (whole(load, day, t, seed=s) for s in (1, 1, 2))
    assert a.median.tobytes() == b.median.tobytes()
    assert a.median.tobytes() != c.median.tobytes()


def test_independent_loads_give_a_curve_between_rusck_and_kerber():
    load, day, t = panel(80, 120, seed=5)
    fit = whole(load, day, t, draws=100).fits[0]
    assert fit is not None
    assert fit.rmse_share < 0.02
    assert fit.exponent_low < 0.75
    assert fit.exponent_high > 0.5
    assert fit.limit_low_share <= fit.limit_share <= fit.limit_high_share


def test_the_fit_extrapolates_to_more_meters_than_there_are():
    load, day, t = panel(160, 40, seed=7)
    few = whole(load[:60], day, t, draws=120)
    truth = load.sum(axis=0).max() / load.max(axis=1).sum()
    assert few.fits[0] is not None
    assert float(few.fits[0].at(160.0)) == pytest.approx(truth, rel=0.10)
    assert few.measured_to_count == 30


def test_too_few_meters_have_no_fit():
    load, day, t = panel(5, 20)
    assert whole(load, day, t).fits[0] is None


@given(
    limit=st.floats(0.05, 0.9),
    exponent=st.floats(0.4, 1.4),
    first=st.floats(0.91, 1.0),
)
@settings(max_examples=50, deadline=None)
def test_the_fit_finds_the_curve_that_made_the_points(limit, exponent, first):
    n = np.array([1.0, 2, 3, 5, 8, 12, 20, 30])
    found, a, error = fit_curve(n, limit + (first - limit) * n**-exponent)
    assert found == pytest.approx(limit, abs=0.02)
    assert a == pytest.approx(exponent, abs=0.02 + 0.1 * (first - limit < 0.05))
    assert error < 1e-3


@given(seed=st.integers(0, 10_000), meters=st.integers(2, 15))
@settings(max_examples=25, deadline=None)
def test_simultaneity_lies_between_one_over_n_and_one(seed, meters):
    load, day, t = panel(meters, 5, seed)
    found = whole(load, day, t, draws=10)
    assert (found.median[0] <= 1 + 1e-6).all()
    assert (found.median[0] >= 1 / found.count - 1e-6).all()
    assert (found.p05[0] <= found.p95[0]).all()


@given(scale=st.floats(0.01, 100))
@settings(max_examples=20, deadline=None)
def test_units_do_not_matter(scale):
    load, day, t = panel(8, 6, 2)
    a, b = whole(load, day, t), whole((load * scale).astype(np.float32), day, t)
    assert np.allclose(a.median[0], b.median[0], rtol=1e-4)


def test_hourly_means_hide_the_peaks_within_the_hour_less_for_many():
    rng = np.random.default_rng(3)
    fine = (rng.random((40, 24 * 4 * 20)) < 0.4).astype(np.float32)
    found = measure_resolution(fine, 15, draws=30)
    assert found.ratio[0] >= 1.0
    assert found.ratio[-1] < found.ratio[4]
    assert (found.ratio >= 1 - 1e-6).all()


def test_resolution_solved_by_hand():
    fine = np.array([[4, 0, 0, 0, 1, 1, 1, 1]], dtype=np.float32)
    assert measure_resolution(fine, 15, draws=3).ratio[0] == pytest.approx(4.0)
    with pytest.raises(InputError, match="P129"):
        measure_resolution(fine, 60)
