"""COP over temperature from daily fleets: the slope of fleets that differ in everything but physics."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.retrofit.fleets import make_fleets
from varme.ground.errors import ModelError
from varme.retrofit.spf.curve import (
    SLOPE_LIMITS,
    CopCurve,
    fit_cop_curve,
    fit_cop_curves_by_source,
    prior_cop_curve,
)
from varme.retrofit.spf.lift import COEFFICIENTS, lift_cop


def fitted(fleets, **options):
    return fit_cop_curve(fleets.heat, fleets.electricity, fleets.temperature_c, fleets.rest, **options)


def naive_slope(fleets):
    """What a regression of log(Q / E) on cold days gives, net of the summer base."""
    t = fleets.temperature_c
    summer, cold = t > 19, t < 10
    q, e = (x - np.median(x[summer]) for x in (fleets.heat, fleets.electricity))
    return float(np.polyfit(t[cold], np.log(q[cold] / e[cold]), 1)[0])


@pytest.mark.parametrize("slope", [0.008, 0.022, 0.035])
def test_clean_fleets_give_their_slope(slope):
    curve = fitted(make_fleets(1, slope=slope, own_felt_k=0.05, noise=0.005))
    assert curve.slope_share_per_k == pytest.approx(slope, abs=0.0008)
    assert curve.source == "daily fleets"


def test_homes_that_stop_heating_earlier_do_not_bend_the_slope():
    """A limit 1 K lower moves the slope of the plain ratio by a third; here the days around the limit tell it."""
    fleets = make_fleets(2, shift_k=-1.0, own_felt_k=0.3, noise=0.01)
    curve = fitted(fleets)
    assert abs(naive_slope(fleets) / 0.022 - 1) > 0.2
    assert curve.slope_share_per_k == pytest.approx(0.022, rel=0.12)
    assert curve.limit_shift_k == pytest.approx(-1.0, abs=0.25)


def test_hot_water_does_not_bend_the_slope():
    """All heat over all electricity is flatter than the COP: hot water has a lower one, whatever the weather."""
    fleets = make_fleets(3, water=0.45, water_power=0.6, own_felt_k=0.2, noise=0.005)
    cold = fleets.temperature_c < 10
    ratio = np.log(fleets.heat[cold] / fleets.electricity[cold])
    plain = float(np.polyfit(fleets.temperature_c[cold], ratio, 1)[0])
    assert plain < 0.9 * 0.022
    assert fitted(fleets).slope_share_per_k == pytest.approx(0.022, rel=0.1)


def test_weekends_and_wild_days_hardly_move_it():
    fleets = make_fleets(4, weekend=0.1, own_felt_k=0.2, noise=0.005)
    before = fitted(fleets).slope_share_per_k
    fleets.electricity[100:104] *= 5
    fleets.heat[400:403] *= 0.1
    assert fitted(fleets).slope_share_per_k == pytest.approx(before, abs=0.001)


def test_intervals_of_the_slope_cover():
    """Each fleet has sun and wind of its own (0.6 K) and 1.5 % noise: intervals hold the truth."""
    curves = [fitted(make_fleets(seed, own_felt_k=0.6, noise=0.015, shift_k=-0.5)) for seed in range(16)]
    errors = np.array([c.slope_share_per_k - 0.022 for c in curves])
    inside = np.abs(errors) <= 1.96 * np.array([c.slope_se_share_per_k for c in curves])
    assert inside.mean() >= 0.85
    assert np.abs(errors).mean() < 0.1 * 0.022


def test_defrosting_shows_as_a_dip():
    """The COP at 2 C lies below the line between -4 and 8 C, by about the dip that was put in."""
    curve = fitted(make_fleets(5, dip=0.06, own_felt_k=0.2, noise=0.005))
    line = np.interp(2.0, [-4.0, 8.0], np.log(curve.cop(np.array([-4.0, 8.0]))))
    assert np.log(float(curve.cop(2.0))) < line - 0.02


def test_scaled_to_an_spf_it_has_that_spf():
    fleets = make_fleets(6)
    curve = fitted(fleets).scaled_to(3.1, fleets.space, fleets.temperature_c)
    used = fleets.space / curve.cop(fleets.temperature_c)
    assert fleets.space.sum() / used.sum() == pytest.approx(3.1, rel=1e-12)
    whole = curve.whole
    assert whole is not None
    assert fleets.space.sum() / (fleets.space / whole.cop(fleets.temperature_c)).sum() == pytest.approx(3.1)


def test_split_into_space_and_water_it_has_that_spf_too():
    fleets = make_fleets(7)
    curve = fitted(fleets).split_to(2.9, fleets.space, fleets.water, fleets.temperature_c)
    used = curve.electricity(fleets.space, fleets.water, fleets.temperature_c)
    assert (fleets.space + fleets.water).sum() / used.sum() == pytest.approx(2.9)
    assert (used > 0).all()


def test_the_curve_of_all_heat_reproduces_the_daily_electricity():
    """Total heat of a day over the curve is its electricity, where hot water has the same share in both fleets."""
    fleets = make_fleets(8, water=0.25, water_power=0.6, own_felt_k=0.1, noise=0.005)
    total = fleets.space + fleets.water
    whole = fitted(fleets).whole
    assert whole is not None
    whole = whole.scaled_to(total.sum() / fleets.electricity.sum(), total, fleets.temperature_c)
    used = total / whole.cop(fleets.temperature_c)
    for days in (np.argsort(fleets.temperature_c)[:20], np.argsort(fleets.temperature_c)[-60:]):
        assert used[days].sum() / fleets.electricity[days].sum() == pytest.approx(1.0, abs=0.012)


@pytest.mark.parametrize("remove", ["winter", "all", "nothing cold"])
def test_without_cold_days_the_curve_is_that_of_physics_and_says_so(remove):
    fleets = make_fleets(9)
    cold = fleets.temperature_c < 12
    if remove == "nothing cold":
        fleets.heat[cold] = np.nan
    elif remove == "winter":
        fleets.electricity[np.flatnonzero(cold)[40:]] = 0.0
    else:
        fleets.heat[:] = np.nan
    curve = fitted(fleets)
    assert curve.source == "prior"
    assert SLOPE_LIMITS[0] < curve.slope_share_per_k < SLOPE_LIMITS[1]


def test_half_the_days_missing_is_no_harm():
    fleets = make_fleets(10, own_felt_k=0.2, noise=0.005)
    gone = np.random.default_rng(0).random(len(fleets.heat)) < 0.5
    fleets.heat[gone] = np.nan
    fleets.temperature_c[::50] = np.nan
    assert fitted(fleets).slope_share_per_k == pytest.approx(0.022, rel=0.15)


def test_other_meters_in_another_year_are_no_change_of_the_cop():
    """A quarter more heat-pump meters in the second year: with the year of each day the slope stays."""
    fleets = make_fleets(11, own_felt_k=0.2, noise=0.005)
    year = fleets.days.astype("datetime64[Y]").astype(int) + 1970
    fleets.electricity[year == 2020] *= 1.1
    assert fitted(fleets, year_of_day=year).slope_share_per_k == pytest.approx(0.022, rel=0.12)


def test_sources_have_curves_of_their_own():
    air, ground = make_fleets(12, slope=0.03, own_felt_k=0.1), make_fleets(12, slope=0.008, own_felt_k=0.1)
    curves = fit_cop_curves_by_source(
        air.heat, {"air": air.electricity, "ground": ground.electricity}, air.temperature_c
    )
    assert curves["air"].slope_share_per_k > curves["ground"].slope_share_per_k + 0.015


def test_arrays_of_different_lengths_are_refused_all_at_once():
    with pytest.raises(ModelError) as caught:
        fit_cop_curve(np.ones(10), np.ones(9), np.ones(8), np.ones(7, dtype=bool))
    assert [p.code for p in caught.value.problems] == ["P316"] * 3


def test_the_band_is_narrowest_in_the_middle_and_holds_the_curve():
    curve = fitted(make_fleets(13, own_felt_k=0.4, noise=0.01))
    t = np.arange(-15.0, 16.0)
    low, high = curve.band(t)
    assert (low < curve.cop(t)).all()
    assert (curve.cop(t) < high).all()
    width = np.log(high / low)
    assert width[t == -15] > width[t == 4]
    wider = curve.band(t, level_log_se=0.06)
    assert (wider[0] < low).all()


@settings(max_examples=50, deadline=None)
@given(st.floats(-25, 40), st.floats(0.006, 0.038), st.floats(1.5, 5))
def test_a_plain_curve_is_an_exponential_that_ends_at_its_limit(t, slope, level):
    curve = CopCurve(level, 5.0, slope, 0.002)
    assert float(curve.cop(t)) == pytest.approx(level * np.exp(slope * (min(t, 15.0) - 5.0)))
    assert float(curve.log_se(t)) == pytest.approx(0.002 * abs(min(t, 15.0) - 5.0))


def test_physics_by_hand():
    """Air at 0 C to radiators at 40 C: lift 40 K, 6.08 - 3.764 + 0.7424 = 3.0584, in the field 0.85 of it."""
    assert float(lift_cop(0.0, "air", "radiator")) == pytest.approx(0.85 * 3.0584)
    assert float(lift_cop(25.0, "air", "radiator")) == pytest.approx(float(lift_cop(30.0, "air", "radiator")))
    ground, air = prior_cop_curve(1.0), prior_cop_curve(0.0)
    assert ground.slope_share_per_k < air.slope_share_per_k


def test_coefficients_are_those_of_when2heat():
    path = (
        Path(__file__).resolve().parents[2].parent
        / "shared/data/profiles/when2heat_parameters/cop_parameters.csv"
    )
    if not path.is_file():
        pytest.skip("the shared When2Heat parameters are not on this machine")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    for source, ours in COEFFICIENTS.items():
        assert [float(row[source].replace(",", ".")) for row in rows] == pytest.approx(ours)


@pytest.mark.parametrize(
    "case", ["constant", "swapped", "temperature upside down", "one winter", "huge", "empty", "one day"]
)
def test_odd_fleets_give_a_finite_curve_with_a_band_and_no_warning(case):
    """Warnings are errors in the tests; whether such a curve is plausible is told by a finding."""
    fleets = make_fleets(14, own_felt_k=0.5, noise=0.02)
    heat, used, t = fleets.heat, fleets.electricity, fleets.temperature_c
    if case == "constant":
        heat, used = np.full(len(t), 5.0), np.full(len(t), 2.0)
    elif case == "swapped":
        heat, used = used, heat
    elif case == "temperature upside down":
        t = -t
    elif case == "one winter":
        winter = (fleets.days >= np.datetime64("2019-11-01")) & (fleets.days < np.datetime64("2020-04-01"))
        heat, used, t = heat[winter], used[winter], t[winter]
    elif case == "huge":
        heat, used = heat * 1e9, used * 1e-9
    else:
        size = {"empty": 0, "one day": 1}[case]
        heat, used, t = heat[:size], used[:size], t[:size]
    curve = fit_cop_curve(heat, used, t)
    at = np.arange(-30.0, 40.0)
    low, high = curve.band(at)
    assert np.isfinite(curve.cop(at)).all()
    assert (low <= high).all()
    if case == "one winter":
        assert abs(curve.slope_share_per_k - 0.022) <= 2.5 * curve.slope_se_share_per_k
