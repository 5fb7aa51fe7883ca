"""Change-point fits: against least squares in double precision, on known truths, with gaps, outliers and no heating."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from varme.retrofit.demand.change_point import (
    AMBIGUOUS,
    HEATING,
    NO_DATA,
    NO_HEATING,
    ChangePoints,
    fit_change_points,
)
from varme.retrofit.demand.heating_grid import HeatingGrid, effective_temperature

Floats = NDArray[np.float64]


def weather(years: int = 3, seed: int = 1) -> Floats:
    """Return daily temperatures of a temperate climate, with weather that lasts some days."""
    rng = np.random.default_rng(seed)
    days = int(365.25 * years)
    noise = rng.normal(0, 1.8, days)
    for i in range(1, days):
        noise[i] += 0.75 * noise[i - 1]
    return np.asarray(10 - 8.5 * np.cos(2 * np.pi * (np.arange(days) - 15) / 365.25) + noise)


def heating(
    t: Floats, base: Floats, slope: Floats, limit: Floats, noise: float, seed: int, rho: float = 0.0
) -> NDArray[np.float32]:
    """Return daily heat of homes whose truth is known; the noise follows itself with ``rho``."""
    rng = np.random.default_rng(seed)
    e = rng.normal(size=(len(base), len(t)))
    for i in range(1, len(t)):
        e[:, i] = rho * e[:, i - 1] + np.sqrt(1 - rho**2) * e[:, i]
    mean = base[:, None] + slope[:, None] * np.maximum(limit[:, None] - t, 0)
    return (mean + noise * slope[:, None] * e).astype(np.float32)


def straight(y: NDArray[np.float32], t: Floats, limit: float) -> tuple[float, float, float]:
    """Return base, slope and sum of squares for one limit, by least squares in double precision."""
    ok = np.isfinite(y)
    x = np.stack([np.ones(ok.sum()), np.maximum(limit - t[ok], 0)], axis=1)
    c, *_ = np.linalg.lstsq(x, y[ok].astype(float), rcond=None)
    r = y[ok] - x @ c
    return float(c[0]), float(c[1]), float(r @ r)


@pytest.fixture(scope="module")
def town() -> tuple[Floats, NDArray[np.float32], Floats, Floats, Floats]:
    rng = np.random.default_rng(7)
    t = weather()
    base, slope, limit = rng.uniform(3, 20, 60), rng.uniform(1, 9, 60), rng.uniform(11, 18, 60)
    y = heating(t, base, slope, limit, 1.5, seed=8)
    y[:, 100] = np.nan
    y[5, 300:500] = np.nan
    y[rng.random(y.shape) < 0.02] = np.nan
    return t, y, base, slope, limit


def test_base_and_slope_are_those_of_double_precision_least_squares_at_the_same_limit(town):
    t, y, *_ = town
    found = fit_change_points(y, t, robust=False)
    t32 = t.astype(np.float32).astype(float)
    for i in range(len(y)):
        base, slope, sse = straight(y[i], t32, found.limit_c[i])
        assert found.base[i] == pytest.approx(base, rel=1e-4)
        assert found.slope[i] == pytest.approx(slope, rel=1e-4)
        assert found.residual_sd[i] == pytest.approx(np.sqrt(sse / (found.days[i] - 3)), rel=1e-4)


def test_the_limit_is_the_best_of_a_fine_search(town):
    t, y, *_ = town
    found = fit_change_points(y, t, robust=False)
    for i in range(0, len(y), 6):
        fine = np.arange(found.limit_c[i] - 1.5, found.limit_c[i] + 1.5, 0.01)
        sse = [straight(y[i], t, x)[2] for x in fine]
        ours = found.residual_sd[i] ** 2 * (found.days[i] - 3)
        assert ours <= min(sse) * (1 + 1e-4)


def test_large_bases_lose_no_digits_in_single_precision():
    t = weather()
    y = heating(t, np.array([3000.0]), np.array([4.0]), np.array([15.0]), 1.0, seed=3)
    found = fit_change_points(y, t, robust=False)
    base, slope, _ = straight(y[0], t, float(found.limit_c[0]))
    assert found.slope[0] == pytest.approx(slope, rel=1e-3)
    assert found.base[0] == pytest.approx(base, rel=1e-5)


def test_without_noise_the_truth_comes_back():
    t = weather()
    found = fit_change_points(
        heating(t, np.array([5.0]), np.array([3.0]), np.array([14.3]), 0.0, seed=1), t, robust=False
    )
    assert found.limit_c[0] == pytest.approx(14.3, abs=0.01)
    assert found.slope[0] == pytest.approx(3.0, rel=2e-3)
    assert found.base[0] == pytest.approx(5.0, rel=1e-2)
    assert found.r2[0] > 0.99999
    assert found.verdict[0] == HEATING


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_intervals_cover_the_truth_with_noise_that_grows_with_the_cold_and_lasts(rho: float):
    m, rng = 1500, np.random.default_rng(11)
    t = weather(seed=12)
    base, slope, limit = np.full(m, 12.0), rng.uniform(2, 6, m), rng.uniform(13, 17, m)
    flat = heating(t, base * 0, np.ones(m), limit, 1.0, seed=13, rho=rho) - np.maximum(limit[:, None] - t, 0)
    mean = base[:, None] + slope[:, None] * np.maximum(limit[:, None] - t, 0)
    found = fit_change_points((mean * (1 + 0.15 * flat)).astype(np.float32), t, robust=False)
    covered = {
        "base": np.mean(np.abs(found.base - base) < 1.96 * found.base_se),
        "slope": np.mean(np.abs(found.slope - slope) < 1.96 * found.slope_se),
        "limit": np.mean((found.limit_low_c <= limit) & (limit <= found.limit_high_c)),
    }
    assert all(0.92 <= share <= 0.98 for share in covered.values()), covered


def test_missing_days_change_nothing_but_the_days_used():
    t = weather()
    y = heating(t, np.full(3, 8.0), np.full(3, 4.0), np.full(3, 15.0), 0.8, seed=21)
    y[1:] = y[0]
    y[1, ::7] = np.nan
    y[2, 50:200] = np.inf
    found = fit_change_points(y, t, robust=False)
    assert found.days.tolist() == [len(t), int(np.isfinite(y[1]).sum()), len(t) - 150]
    kept = fit_change_points(
        np.delete(y[:1], np.s_[50:200], axis=1), np.delete(t, np.s_[50:200]), robust=False
    )
    assert found.slope[2] == pytest.approx(kept.slope[0], rel=1e-4)
    assert found.limit_c[2] == pytest.approx(kept.limit_c[0], abs=0.01)


def test_days_without_a_temperature_are_not_used():
    t = weather()
    y = heating(t, np.full(2, 8.0), np.full(2, 4.0), np.full(2, 15.0), 0.8, seed=22)
    gone = t.copy()
    gone[10:40] = np.nan
    y_gone = y.copy()
    y_gone[:, 10:40] = np.nan
    a, b = fit_change_points(y, gone), fit_change_points(y_gone, t)
    assert a.days.tolist() == [len(t) - 30] * 2
    np.testing.assert_allclose(a.slope, b.slope, rtol=1e-4)
    assert np.isnan(fit_change_points(y, np.full(len(t), np.nan)).slope).all()


def test_verdicts_tell_heating_from_cooking_and_from_nothing():
    t = weather()
    rng = np.random.default_rng(31)
    y = np.stack([
        heating(t, np.array([8.0]), np.array([4.0]), np.array([15.0]), 1.0, seed=32)[0],
        rng.gamma(4, 0.5, len(t)),
        np.full(len(t), 2.0),
        np.zeros(len(t)),
        np.full(len(t), np.nan),
        np.where(np.arange(len(t)) < 40, 20.0 + rng.normal(size=len(t)), np.nan),
    ]).astype(np.float32)  # fmt: skip
    found = fit_change_points(y, t)
    assert found.verdict.tolist() == [HEATING, NO_HEATING, NO_HEATING, NO_HEATING, NO_DATA, AMBIGUOUS]
    assert found.verdict_names().tolist()[0] == "heating"
    assert np.isnan(found.base[4])
    assert found.base[3] == 0


def test_hardly_any_meter_without_heating_is_taken_for_one_that_heats():
    t = weather(2, seed=41)
    rng = np.random.default_rng(42)
    y = rng.gamma(1.5, 2.0, (6000, len(t))).astype(np.float32)
    found = fit_change_points(y, t)
    assert np.mean(found.verdict == HEATING) <= 0.001
    assert np.mean(found.verdict == NO_HEATING) > 0.9


def test_the_base_is_never_negative_and_the_fit_is_the_best_of_those_allowed():
    t = weather()
    y = heating(t, np.array([-6.0]), np.array([4.0]), np.array([17.0]), 0.5, seed=51)
    assert straight(y[0], t, 17.0)[0] < -5
    found = fit_change_points(y, t, robust=False)
    assert found.base[0] == 0
    assert np.isnan(found.base_se[0])
    fine = np.arange(8, 20, 0.01)
    sse = []
    for x in fine:
        need = np.maximum(x - t, 0)
        s = (need @ y[0]) / (need @ need)
        sse.append(((y[0] - s * need) ** 2).sum())
    ours = found.residual_sd[0] ** 2 * (found.days[0] - 3)
    assert ours <= min(sse) * (1 + 1e-4)
    assert found.limit_c[0] == pytest.approx(fine[int(np.argmin(sse))], abs=0.05)


def test_outliers_that_slipped_through_cleaning_hardly_move_the_robust_fit():
    t = weather()
    clean = heating(t, np.full(2, 8.0), np.full(2, 4.0), np.full(2, 15.0), 0.8, seed=61)
    dirty = clean.copy()
    dirty[:, 180:190] = 400.0
    good = fit_change_points(clean, t)
    plain, robust = fit_change_points(dirty, t, robust=False), fit_change_points(dirty, t)
    assert not good.robust.any()
    assert robust.robust.all()
    assert (np.abs(robust.slope - 4) < 0.1).all()
    assert (np.abs(robust.limit_c - 15) < 0.2).all()
    assert (np.abs(plain.base - 8) > 4 * np.abs(robust.base - 8)).all()


@settings(max_examples=25, deadline=None)
@given(factor=st.floats(0.01, 500), shift=st.floats(0, 50), seed=st.integers(0, 999))
def test_scaling_and_shifting_the_energy_scale_and_shift_the_model(factor: float, shift: float, seed: int):
    t = weather(1, seed=71)
    y = heating(t, np.array([20.0]), np.array([4.0]), np.array([15.0]), 0.8, seed=seed)
    a = fit_change_points(y, t, robust=False)
    b = fit_change_points((y * factor + shift * factor).astype(np.float32), t, robust=False)
    assert b.slope[0] == pytest.approx(a.slope[0] * factor, rel=2e-3)
    # Two limits some 0.03 K apart may fit as well as each other (seed 541): rounding chooses between them.
    assert b.base[0] == pytest.approx((a.base[0] + shift) * factor, rel=5e-3)
    assert b.limit_c[0] == pytest.approx(a.limit_c[0], abs=0.05)


def test_a_meter_is_fitted_the_same_in_any_company(town):
    t, y, *_ = town
    whole = fit_change_points(np.tile(y, (12, 1)), t)
    alone = fit_change_points(y[:1], t)
    assert whole.slope[0] == pytest.approx(
        alone.slope[0], rel=2e-3
    )  # products of other shapes round otherwise
    assert whole.limit_c[660] == pytest.approx(alone.limit_c[0], abs=0.03)


def test_single_days_and_whole_rows_are_predicted_alike(town):
    t, y, *_ = town
    found = fit_change_points(y, t)
    whole = found.predict(t)
    rows, days = np.array([0, 3, 3]), np.array([5, 100, 1000])
    np.testing.assert_allclose(found.at(rows, t[days]), whole[rows, days])
    part = found.rows(slice(2, 5))
    assert isinstance(part, ChangePoints)
    np.testing.assert_array_equal(part.slope, found.slope[2:5])
    np.testing.assert_array_equal(
        ChangePoints.join([part, part]).days, np.r_[found.days[2:5], found.days[2:5]]
    )


def test_a_house_of_some_mass_is_explained_better_by_the_two_day_temperature():
    t = weather()
    felt = effective_temperature(t, 0.3)
    assert felt[0] == t[0]
    assert felt[10] == pytest.approx(0.7 * t[10] + 0.3 * t[9])
    y = heating(felt, np.full(5, 8.0), np.full(5, 4.0), np.full(5, 15.0), 0.5, seed=81)
    assert (fit_change_points(y, felt).r2 > fit_change_points(y, t).r2 + 0.005).all()


def test_sums_over_days_for_a_limit_are_those_of_the_days():
    t = weather()
    grid = HeatingGrid.of(t)
    limits = np.array([-30.0, 8.3, 15.0, 60.0])
    sums = grid.sums(limits)
    need = np.maximum(limits[:, None] - grid.temperature_c.astype(float), 0)
    np.testing.assert_array_equal(sums.active, (need > 0).sum(axis=1))
    np.testing.assert_allclose(sums.need, need.sum(axis=1), atol=1e-6)
    np.testing.assert_allclose(sums.need2, (need**2).sum(axis=1), atol=1e-6)
