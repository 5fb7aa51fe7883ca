"""Weather normalisation: hand cases, leap years, the law of equal weather, and noise that changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from varme.ground.errors import ModelError
from varme.retrofit.demand.change_point import ChangePoints, fit_change_points
from varme.retrofit.demand.normalise import (
    Method,
    coldest_spell,
    degree_day_number,
    energy_in_spell,
    heating_degree_days,
    normalise,
    weather_of_series,
    weather_of_years,
)

DAYS = np.arange("2019-01-01", "2022-01-01", dtype="datetime64[D]")
YEARS = (2019, 2020, 2021)
year_of_day = DAYS.astype("datetime64[Y]").astype(int) + 1970


def temperature(seed: int = 3, colder: float = 0.0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    day = np.arange(len(DAYS))
    t = 10 - 8.5 * np.cos(2 * np.pi * (day - 15) / 365.25) + rng.normal(0, 2.5, len(DAYS))
    return np.asarray(t - colder * (year_of_day == 2021))


def model(base: float, slope: float, limit: float, meters: int = 1) -> ChangePoints:
    """Return models that are known exactly."""
    fits = ChangePoints.empty(meters)
    for name, value in {"base": base, "slope": slope, "limit_c": limit}.items():
        getattr(fits, name)[:] = value
    return fits


def annual(y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([y[:, year_of_day == k].sum(axis=1) for k in YEARS], axis=1)


def test_degree_days_by_hand():
    t = np.array([14.9, 15.0, 16.0, 5.0, -5.0, np.nan])
    assert heating_degree_days(t, 15.0) == pytest.approx(0.1 + 10 + 20)
    assert degree_day_number(t) == pytest.approx(5.1 + 15 + 25)
    assert degree_day_number(t, 20, 12) == pytest.approx(15 + 25)


def test_a_year_moved_to_weather_one_kelvin_colder_by_hand():
    t = np.full(len(DAYS), 5.0)
    reference = weather_of_series(np.full(365, 4.0), "a kelvin colder")
    fits, energy = model(10.0, 2.0, 15.0), np.array([[11000.0, 11000.0, np.nan]])
    found = normalise(fits, energy, DAYS, t, YEARS, reference)
    assert found.energy[0, 0] == pytest.approx(11000 + 365 * 2)
    # 2020 has a day more: it loses a day of base and of heating, then gains a kelvin on the others.
    assert found.energy[0, 1] == pytest.approx(11000 - (10 + 2 * 10) + 365 * 2)
    assert np.isnan(found.energy[0, 2])
    assert found.panel_meters == 0
    assert found.total[0] == pytest.approx(11730)
    assert normalise(fits, energy, DAYS, t, YEARS, reference, method="model").energy[0, 0] == pytest.approx(
        365 * (10 + 2 * 11)
    )
    ratio = normalise(fits, energy, DAYS, t, YEARS, reference, method="degree_days").energy[0, 0]
    assert ratio == pytest.approx((11000 - 3650) * 11 / 10 + 3650)


@settings(max_examples=20, deadline=None)
@given(
    year=st.sampled_from(YEARS),
    seed=st.integers(0, 500),
    method=st.sampled_from(["difference", "degree_days"]),
)
def test_normalising_to_the_same_weather_returns_the_same_energy(year: int, seed: int, method: Method):
    t = temperature(seed)
    rng = np.random.default_rng(seed)
    y = 8 + 3 * np.maximum(15 - t, 0) + rng.normal(0, 2, (4, len(t)))
    energy = annual(y)
    fits = fit_change_points(y.astype(np.float32), t)
    found = normalise(fits, energy, DAYS, t, YEARS, weather_of_years(DAYS, t, (year,)), method=method)
    k = YEARS.index(year)
    np.testing.assert_allclose(found.energy[:, k], energy[:, k], rtol=1e-9)
    np.testing.assert_allclose(found.high[:, k], found.low[:, k], rtol=1e-9)


def test_normalising_over_all_years_keeps_their_sum_up_to_the_residual():
    t = temperature()
    y = 8 + 3 * np.maximum(15 - t, 0) + np.random.default_rng(1).normal(0, 2, (3, len(t)))
    fits = fit_change_points(y.astype(np.float32), t, robust=False)
    found = normalise(fits, annual(y), DAYS, t, YEARS, weather_of_years(DAYS, t, YEARS))
    np.testing.assert_allclose(found.energy.sum(axis=1), annual(y).sum(axis=1), rtol=1e-6)
    modelled = normalise(fits, annual(y), DAYS, t, YEARS, weather_of_years(DAYS, t, YEARS), method="model")
    np.testing.assert_allclose(modelled.energy.sum(axis=1), annual(y).sum(axis=1), rtol=1e-4)


def test_a_colder_year_is_no_change_after_normalisation():
    t = temperature(colder=1.5)
    rng = np.random.default_rng(5)
    y = 8 + 3 * np.maximum(15 - t, 0) + rng.normal(0, 2, (50, len(t)))
    energy = annual(y)
    raw = energy[:, 2].sum() / energy[:, 0].sum()
    fits = fit_change_points(y.astype(np.float32), t)
    found = normalise(fits, energy, DAYS, t, YEARS, weather_of_years(DAYS, t, (2019, 2020)))
    assert raw > 1.08
    assert found.panel[2] / found.panel[0] == pytest.approx(1, abs=0.005)
    assert found.degree_days[2] > found.degree_days[0] * 1.08
    assert found.panel_meters == 50
    assert found.panel_measured[2] == pytest.approx(energy[:, 2].sum())


def test_a_home_that_was_insulated_still_shows_it_after_normalisation():
    t = temperature()
    slope = np.where(year_of_day >= 2021, 2.0, 3.0)
    y = (8 + slope * np.maximum(15 - t, 0))[None, :]
    fits = fit_change_points(y.astype(np.float32), t, robust=False)
    found = normalise(fits, annual(y), DAYS, t, YEARS, weather_of_years(DAYS, t, YEARS))
    assert found.energy[0, 2] / found.energy[0, 0] == pytest.approx(
        annual(y)[0, 2] / annual(y)[0, 0], rel=0.05
    )


def test_the_interval_covers_what_other_weather_would_have_shown():
    t, other = temperature(7), temperature(8, colder=2.0)
    rng = np.random.default_rng(9)
    m = 600
    base, slope, limit = rng.uniform(5, 15, m), rng.uniform(1, 4, m), rng.uniform(13, 17, m)
    truth = lambda x: base[:, None] + slope[:, None] * np.maximum(limit[:, None] - x, 0)  # noqa: E731
    y = truth(t) * (1 + 0.15 * rng.normal(size=(m, len(t))))
    reference = weather_of_years(DAYS, other, (2021,))
    found = normalise(fit_change_points(y.astype(np.float32), t), annual(y), DAYS, t, YEARS, reference)
    moved = (
        annual(y)[:, 0] + truth(reference.years[0]).sum(axis=1) - truth(t[year_of_day == 2019]).sum(axis=1)
    )
    covered = np.mean((found.low[:, 0] <= moved) & (moved <= found.high[:, 0]))
    assert 0.93 <= covered <= 1.0


def test_a_reference_that_the_record_does_not_hold_is_refused_by_name():
    t = temperature()
    t[:40] = np.nan
    with pytest.raises(ModelError) as caught:
        weather_of_years(DAYS, t, (2019, 2020, 2023))
    assert [p.code for p in caught.value.problems] == ["P319", "P319"]
    assert "reference year 2019 = '325 of 365 days'" in str(caught.value) or "325 of 365" in str(caught.value)
    assert "reference year 2023" in str(caught.value)
    with pytest.raises(ModelError, match="P319 reference years"):
        weather_of_years(DAYS, t, ())
    with pytest.raises(ModelError, match="P319 try"):
        weather_of_series(np.zeros(100), "try")


def test_short_gaps_of_the_reference_are_bridged():
    t = temperature()
    gap = t.copy()
    gap[100:103] = np.nan
    a, b = weather_of_years(DAYS, t, (2019,)), weather_of_years(DAYS, gap, (2019,))
    assert b.degree_days == pytest.approx(a.degree_days, rel=0.01)
    assert len(weather_of_years(DAYS, t, (2020,)).years[0]) == 366


def test_the_coldest_spell_is_found_and_none_with_a_hole_in_it():
    t = np.full(30, 5.0)
    t[10:13] = [-8, -9, -10]
    t[20:22] = -20
    t[22] = np.nan
    t[23] = -20
    spell = coldest_spell(t, 3)
    assert (spell.first, spell.last) == (19, 21)
    assert coldest_spell(np.where(np.arange(30) > 18, 5.0, t), 3).mean_c == pytest.approx(-9)
    with pytest.raises(ModelError, match="P319 cold spell"):
        coldest_spell(np.full(10, np.nan), 3)
    with pytest.raises(ModelError, match="P319"):
        coldest_spell(t, 50)


def test_energy_in_a_design_spell_by_hand():
    fits = model(10.0, 2.0, 15.0, 2)
    np.testing.assert_allclose(energy_in_spell(fits, np.array([-10.0, -10.0, 20.0])), [30 + 2 * 50] * 2)
    spell = coldest_spell(np.array([0.0, -5.0, -5.0, 3.0]), 2)
    np.testing.assert_allclose(energy_in_spell(fits, spell), [20 + 2 * 40] * 2)
