"""Heating and cooling at once, and weekends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from varme.retrofit.demand.change_point import fit_change_points
from varme.retrofit.demand.cooling import fit_heating_cooling, weekend_effect


def weather() -> NDArray[np.float64]:
    rng = np.random.default_rng(4)
    day = np.arange(1096)
    return np.asarray(12 - 10 * np.cos(2 * np.pi * (day - 15) / 365.25) + rng.normal(0, 3, 1096))


def test_the_five_parameters_of_a_heat_pump_that_cools_come_back():
    t = weather()
    rng = np.random.default_rng(5)
    y = 4 + 1.2 * np.maximum(14 - t, 0) + 0.8 * np.maximum(t - 21, 0) + rng.normal(0, 0.8, (30, len(t)))
    y[:, ::9] = np.nan
    found = fit_heating_cooling(y.astype(np.float32), t)
    assert found.cools.all()
    assert np.abs(found.heating_limit_c - 14).mean() < 0.5
    assert np.abs(found.cooling_limit_c - 21).mean() < 0.7
    assert np.abs(found.heating_slope - 1.2).mean() < 0.04
    assert np.abs(found.cooling_slope - 0.8).mean() < 0.1
    assert np.abs(found.base - 4).mean() < 0.2
    assert np.nanmean(np.abs(found.predict(t) - y)) < 0.75


def test_a_heat_pump_that_only_heats_shows_no_cooling_and_the_three_parameter_model():
    t = weather()
    rng = np.random.default_rng(6)
    y = (4 + 1.2 * np.maximum(15 - t, 0) + rng.normal(0, 0.8, (400, len(t)))).astype(np.float32)
    found, three = fit_heating_cooling(y, t), fit_change_points(y, t)
    assert found.cools.mean() <= 0.005
    only = ~found.cools
    assert (found.cooling_slope[only] == 0).all()
    assert np.isnan(found.cooling_limit_c[only]).all()
    np.testing.assert_allclose(found.heating_slope[only], three.slope[only], rtol=0.06)
    assert (found.r2[only] <= three.r2[only] + 1e-3).all()


def test_weekends_are_found_and_their_error_covers():
    t = weather()
    rng = np.random.default_rng(7)
    weekend = np.arange(1096) % 7 >= 5
    y = 6 + 1.2 * np.maximum(15 - t, 0) + 1.5 * weekend + rng.normal(0, 1.0, (300, len(t)))
    y[:, ::11] = np.nan
    y = y.astype(np.float32)
    effect, error = weekend_effect(y, t, fit_change_points(y, t), weekend)
    assert np.abs(effect.mean() - 1.5) < 0.03
    assert 0.9 <= np.mean(np.abs(effect - 1.5) < 1.96 * error) <= 0.99
