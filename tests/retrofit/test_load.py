"""Daily demand: energy closes, cold nights count, the known faults of retrofit tools are kept out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from varme.ground.errors import InputError
from varme.retrofit.demand.hot_water import (
    WaterCop,
    legionella_kwh_by_day,
    seasonal_water,
    water_cop_of_fleets,
)
from varme.retrofit.demand.load import (
    DayHeat,
    Scaled,
    day_mean,
    efficiency_by_day,
    electricity_by_day,
    heat_by_group,
    heat_weighted_cop,
    level_factor,
    retrofitted,
    scaled_to,
    split_heat,
    sum_by_group,
)
from varme.retrofit.demand.totals import demand_draws, drawn_days, yearly

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """COP 3 at 5 C, 2 % per kelvin: no flat end, so that figures can be checked by hand."""

    slope: float = 0.02

    def cop(self, temperature_c: Floats | float) -> Floats:
        return 3 * np.exp(self.slope * (np.asarray(temperature_c, dtype=float) - 5))


def test_one_day_by_hand():
    """100 kWh of heat, gamma 0.1, COP 3 at 5 C: 90 / 3 = 30 kWh."""
    found = electricity_by_day(np.array([[100.0]]), np.array([5.0]), Line(), 0.1)
    assert found == pytest.approx(np.array([[30.0]]))


def test_space_water_and_backup_by_hand():
    """Each use has its own COP; the backup heater's heat is its electricity."""
    heat = DayHeat(np.array([[80.0]]), np.array([[20.0]]), np.zeros((1, 1)))
    efficiency = efficiency_by_day(Line(), np.array([5.0]), water_cop=2.0, backup_share=np.array([0.25]))
    used = retrofitted(heat, efficiency, 0.1)
    assert used.space_kwh[0, 0] == pytest.approx(80 * 0.9 * 0.75 / 3)
    assert used.water_kwh[0, 0] == pytest.approx(20 * 0.9 / 2)
    assert used.backup_kwh[0, 0] == pytest.approx(80 * 0.9 * 0.25)
    assert used.total_kwh[0, 0] == pytest.approx(18 + 9 + 18)
    assert used.heating_kwh[0, 0] == pytest.approx(36)


@settings(max_examples=60, deadline=None)
@given(
    spf=st.floats(1.5, 6),
    gamma=st.floats(0, 0.5),
    backup=st.floats(0, 0.2),
    seed=st.integers(0, 10_000),
    keep=st.booleans(),
)
def test_the_level_meets_the_spf_whatever_the_parts(spf, gamma, backup, seed, keep):
    """Heat over electricity of the whole period is the SPF, with backup heaters and hot water in it."""
    rng = np.random.default_rng(seed)
    t = rng.uniform(-12, 25, 50)
    heat = DayHeat(rng.gamma(2, 20, (3, 50)), rng.gamma(2, 2, (3, 50)), np.zeros((3, 50)))
    share = np.where(t < -5, backup, 0)
    raw = efficiency_by_day(Line(), t, water_cop=2.5, backup_share=share)
    try:
        done = scaled_to(raw, spf, heat, keep_water=keep)
    except InputError:
        fixed = (heat.space_kwh_th * share).sum() + keep * heat.water_kwh_th.sum() / 2.5
        assert fixed >= heat.useful_kwh_th.sum() / spf
        return
    used = retrofitted(heat, done, gamma)
    assert heat.useful_kwh_th.sum() * (1 - gamma) / used.total_kwh.sum() == pytest.approx(spf, rel=1e-9)
    if keep:
        assert done.water_cop == pytest.approx(2.5)


def test_backup_that_alone_exceeds_the_spf_is_refused():
    """Half of the heat by a rod cannot have an SPF of 3: refused with figures, not scaled to nonsense."""
    heat = DayHeat(np.full((1, 5), 100.0), np.zeros((1, 5)), np.zeros((1, 5)))
    raw = efficiency_by_day(Line(), np.zeros(5), backup_share=np.full(5, 0.5))
    with pytest.raises(InputError, match=r"P123.*250 kWh"):
        level_factor(raw, 3.0, heat)


def test_a_constant_spf_understates_the_cold_day_by_a_fifth():
    """The toy mistake: with 2.2 % per kelvin a constant SPF is 18 to 38 % low on the coldest day of a German year."""
    rng = np.random.default_rng(3)
    day = np.arange(365)
    t = 9.5 - 9.5 * np.cos(2 * np.pi * (day - 17) / 365) + rng.normal(0, 3.5, 365)
    t[20:24] = -11.0
    heat = DayHeat(10 * np.maximum(15 - t, 0)[None, :], np.full((1, 365), 12.0), np.zeros((1, 365)))
    used = retrofitted(heat, scaled_to(efficiency_by_day(Line(0.022), t), 3.0, heat), 0.105).total_kwh[0]
    constant = heat.useful_kwh_th[0] * 0.895 / 3.0
    assert constant.sum() == pytest.approx(used.sum())
    assert 0.18 < 1 - constant.max() / used.max() < 0.38


def test_heat_and_electricity_weights_tell_the_same_day():
    """The COP of a day is the same from its heat meter and from its electricity meter."""
    rng = np.random.default_rng(1)
    t, day = rng.normal(0, 6, 48), np.repeat([0, 1], 24)
    heat = rng.gamma(2, 1, 48)
    electricity = heat / Line().cop(t)
    from_heat = heat_weighted_cop(Line(), t, day, heat_share=heat)
    from_electricity = heat_weighted_cop(Line(), t, day, electricity_share=electricity)
    assert from_heat == pytest.approx(from_electricity)
    assert from_heat == pytest.approx(np.bincount(day, heat) / np.bincount(day, electricity))


def test_cold_nights_count():
    """A day with its heat at night has a lower COP than one with the same heat at noon."""
    t, day = 5 * np.cos(2 * np.pi * (np.arange(24) - 14) / 24), np.zeros(24, dtype=int)
    night = np.where(t < 0, 1.0, 0.1)
    at_night = heat_weighted_cop(Line(), t, day, heat_share=night)[0]
    by_day = heat_weighted_cop(Line(), t, day, heat_share=1.1 - night)[0]
    assert at_night < Line().cop(0.0) < by_day


def test_no_space_heat_in_july():
    """Above the heating limit all heat is hot water, however noisy the day; below it, hot water stays the base."""
    t = np.array([-5.0, 10.0, 24.0])
    heat = split_heat(np.array([[100.0, 40.0, 14.0]]), np.array([10.0]), t, limit_c=17.0)
    assert heat.space_kwh_th == pytest.approx(np.array([[90, 30, 0]]))
    assert heat.water_kwh_th == pytest.approx(np.array([[10, 10, 14]]))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), standby=st.floats(0, 0.9), limit=st.one_of(st.none(), st.floats(10, 20)))
def test_splitting_heat_loses_nothing(seed, standby, limit):
    """Room heat, hot water and what the furnace lost are all of the measured heat, none below zero."""
    rng = np.random.default_rng(seed)
    t = rng.uniform(-10, 30, 40)
    heat = rng.gamma(1.5, 20, (4, 40))
    parts = split_heat(heat, rng.gamma(2, 5, 4), t, limit_c=limit, standby_share=standby)
    assert parts.space_kwh_th + parts.water_kwh_th + parts.standby_kwh_th == pytest.approx(heat)
    assert min(parts.space_kwh_th.min(), parts.water_kwh_th.min(), parts.standby_kwh_th.min()) >= 0


def test_base_load_of_a_group_counts_usable_meters_of_that_year():
    """A meter that is not usable in a year does not lend its base load to that year; group -1 is nobody."""
    usable = np.array([[True, False], [True, True], [True, True]])
    found = sum_by_group(np.array([1.0, 2.0, 4.0]), usable, np.array([0, 0, -1]), 2, np.array([0, 0, 1]))
    assert found == pytest.approx(np.array([[3, 3, 2], [0, 0, 0]]))


def test_heat_of_a_group_is_the_sum_of_its_heating_lines():
    """Putting limits together in steps of 0.05 K changes a day by less than half a step of slope."""
    rng = np.random.default_rng(2)
    slope, limit, group = rng.gamma(4, 1.3, 500), rng.normal(15, 1.5, 500), rng.integers(-1, 3, 500)
    t = rng.uniform(-15, 25, 30)
    exact = np.zeros((3, 30))
    each = slope[:, None] * np.maximum(limit[:, None] - t, 0)
    for g in range(3):
        exact[g] = each[group == g].sum(axis=0)
    found = heat_by_group(slope, limit, group, 3, t)
    assert np.abs(found - exact).max() <= slope.sum() * 0.025
    assert found.sum() == pytest.approx(exact.sum(), rel=1e-4)


def test_day_means_hold_on_short_and_long_days():
    """23 and 25 hours are averaged over what they have."""
    day = np.repeat([0, 1, 2], [23, 24, 25])
    assert day_mean(day.astype(float) * 2, day) == pytest.approx([0, 2, 4])


def test_hot_water_cop_is_found_from_both_fleets():
    """Two fleets of different homes: the ratio of the COPs is found although their level is not known."""
    rng = np.random.default_rng(5)
    t = 10 - 10 * np.cos(2 * np.pi * np.arange(730) / 365) + rng.normal(0, 3, 730)
    room, tap = 1000 * np.maximum(15 - t, 0), np.full(730, 900.0)
    curve = Line()
    used = 0.05 * (room / curve.cop(t) + tap / (0.8 * curve.cop(t)))
    found = water_cop_of_fleets(room + tap, used, t, curve)
    assert found.ratio == pytest.approx(0.8, abs=0.03)
    assert found.days == (t >= 18).sum()


def test_hot_water_cop_says_when_it_knows_nothing():
    """A record without warm days falls back on the COP of space heat, and says so."""
    t = np.full(100, 3.0)
    found = water_cop_of_fleets(np.ones(100), np.ones(100), t, Line())
    assert found.ratio == 1
    assert "too few warm days" in found.source
    assert WaterCop(Line(), fixed_cop=2.2).cop(t) == pytest.approx(2.2)


def test_seasonal_hot_water_keeps_its_summer_level():
    """The measured base load is that of summer; winter lies above it, and no swing means flat."""
    doy = np.arange(365)
    assert seasonal_water(np.array([10.0]), doy, 0.0) == pytest.approx(10.0)
    swing = seasonal_water(np.array([10.0]), doy, 0.1)[0]
    assert swing.min() == pytest.approx(10.0, abs=0.01)
    assert swing.max() == pytest.approx(10 * 1.1 / 0.9, abs=0.01)


def test_weekly_heating_up_by_hand():
    """200 l by 10 K is 2.32 kWh, on Sundays only, once a home."""
    found = legionella_kwh_by_day(np.array([3.0]), np.arange(7), tank_l=200, stored_c=50, target_c=60)
    assert found[0, 6] == pytest.approx(3 * 200 * 10 * 4.18 / 3600)
    assert found[0, :6].sum() == 0


def test_draws_keep_the_period_and_widen_the_cold_end():
    """The tilt of the curve moves energy between days but not its sum; cold days are less certain than the year."""
    t = np.linspace(-12, 25, 365)
    daily = np.maximum(16 - t, 0) + 1
    tilt = 0.003 * (np.minimum(t, 15) - 5)
    cloud = drawn_days(daily, demand_draws(log_se=0.0, df=1e6, modes=-tilt[None], count=2000, seed=1))
    assert cloud.sum(axis=1) == pytest.approx(daily.sum())
    spread = cloud.std(axis=0) / daily
    assert spread[0] > 5 * spread[t < 10].min()
    level = demand_draws(log_se=0.05, df=1e6, modes=0 * t[None], count=4000, seed=1)
    assert np.log(drawn_days(daily, level).sum(axis=1)).std() == pytest.approx(0.05, rel=0.06)


def test_years_peaks_and_full_load_hours_by_hand():
    """Two years of two days each; the peak hour is the highest step, full-load hours are energy over it."""
    days = np.array(["2019-12-30", "2019-12-31", "2020-01-01", "2020-01-02"], dtype="datetime64[D]")
    daily = np.array([24.0, 48.0, 72.0, 24.0])
    day = np.repeat(np.arange(4), 24)
    hourly = (daily / 24)[day]
    hourly[60] += 2.0
    hourly[61] -= 2.0
    hours = days[0].astype("datetime64[s]") + 3600 * np.arange(96).astype("timedelta64[s]")
    none = demand_draws(log_se=0, df=1e6, modes=np.zeros((1, 4)), count=100, seed=1)
    first, second = yearly(
        days, np.array([1.0, 0, -5, 2]), daily * 3, daily, np.zeros(4), hourly, hours, day, 1.0, none
    )
    assert (first.year, second.year) == (2019, 2020)
    assert first.electricity_gwh == pytest.approx((72e-6, 72e-6, 72e-6))
    assert second.peak_day == days[2]
    assert second.peak_day_c == -5
    assert second.peak_hour_utc == hours[60]
    assert second.peak_hour_mw[1] == pytest.approx(0.005)
    assert second.full_load_h == pytest.approx(96 / 5)
    assert second.spf == pytest.approx(3)
    assert second.understated_share == pytest.approx(0)


def test_a_scaled_curve_is_the_curve_times_a_factor():
    """The level is a factor: the shape of the curve stays."""
    t = np.array([-10.0, 0, 10])
    assert Scaled(Line(), 1.1).cop(t) == pytest.approx(1.1 * Line().cop(t))
