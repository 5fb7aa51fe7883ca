"""Tanks: the exact mixed step, layers, draws that keep energy, tapping cycles and people's draws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varme.physics.draws import TAPPING, people_kw, tapping_kw
from varme.physics.tank import (
    WATER_KWH_PER_L_K,
    charged,
    drawn,
    layered_step,
    mean_when_top_reaches,
    mixed_step,
    settled,
    standing_loss_w,
    stored_kwh,
)

CAPACITY = 200 * WATER_KWH_PER_L_K
layers = st.lists(st.floats(12.0, 70.0), min_size=1, max_size=4)


def test_two_hundred_litres_hold_a_quarter_kwh_per_kelvin():
    assert pytest.approx(0.2326, abs=1e-4) == CAPACITY


def test_mixed_step_settles_where_loss_and_heat_balance():
    assert mixed_step(50.0, 0.03, 0.0, 1e6, CAPACITY, 0.0015, 18.0) == pytest.approx(38.0)
    assert mixed_step(50.0, 0.0, 0.0, 0.25, CAPACITY, 0.0015, 18.0) == pytest.approx(
        18 + 32 * np.exp(-0.0015 * 0.25 / CAPACITY), abs=1e-12
    )


def test_standing_loss_of_the_energy_classes_rises_with_class_and_volume():
    losses = [standing_loss_w(200.0, c) for c in ("A+", "A", "B", "C", "D", "E", "F")]
    assert np.all(np.diff(losses) > 0)
    assert standing_loss_w(200.0, "B") == pytest.approx(12 + 5.93 * 200**0.4)


@settings(max_examples=100, deadline=None)
@given(layers)
def test_settled_layers_fall_from_top_to_bottom_and_keep_heat(temperatures):
    after = settled(temperatures)
    assert np.all(np.diff(after) <= 1e-9)
    assert after.mean() == pytest.approx(np.mean(temperatures), abs=1e-9)


def test_settling_mixes_only_what_is_upside_down():
    assert settled([60.0, 30.0, 40.0]) == pytest.approx([60.0, 35.0, 35.0])
    assert settled([30.0, 40.0, 50.0]) == pytest.approx([40.0, 40.0, 40.0])
    assert settled([50.0, 40.0, 30.0]) == pytest.approx([50.0, 40.0, 30.0])


@settings(max_examples=150, deadline=None)
@given(layers, st.floats(0.0, 20.0), st.floats(4.0, 12.0))
def test_a_draw_takes_what_it_says_and_no_more_than_there_is(temperatures, asked, cold):
    state = settled(temperatures)
    held = float(stored_kwh(state, CAPACITY, cold))
    after, given_kwh = drawn(state, asked, cold, CAPACITY)
    assert given_kwh == pytest.approx(min(asked, held), abs=1e-9)
    assert float(stored_kwh(after, CAPACITY, cold)) == pytest.approx(held - float(given_kwh), abs=1e-9)
    assert np.all(np.diff(after) <= 1e-9)
    assert np.all(after >= cold - 1e-9)


@settings(max_examples=100, deadline=None)
@given(layers, st.floats(0.0, 5.0), st.floats(0.0, 3.0))
def test_a_layered_step_without_loss_balances_energy(temperatures, heat, draw):
    state = settled(temperatures)
    after, given_kwh = layered_step(state, heat, draw, 0.25, CAPACITY, 1e-12, 18.0, 10.0)
    change = float(stored_kwh(after, CAPACITY, 10.0) - stored_kwh(state, CAPACITY, 10.0))
    assert change == pytest.approx(heat - float(given_kwh), abs=1e-9)


def test_many_homes_at_once_are_as_each_alone():
    rng = np.random.default_rng(5)
    state = settled(rng.uniform(15, 60, (40, 3)))
    heat, draw = rng.uniform(0, 3, 40), rng.uniform(0, 4, 40)
    after, given_kwh = layered_step(state, heat, draw, 0.25, CAPACITY, 0.0015, 18.0, 10.0)
    for k in range(40):
        one, got = layered_step(state[k], heat[k], draw[k], 0.25, CAPACITY, 0.0015, 18.0, 10.0)
        assert after[k] == pytest.approx(one, abs=1e-12)
        assert given_kwh[k] == pytest.approx(float(got), abs=1e-12)


def test_heat_warms_the_cold_end_first():
    assert charged([55.0, 15.0], CAPACITY / 2 * 20.0, CAPACITY) == pytest.approx([55.0, 35.0])
    assert charged([55.0, 15.0], CAPACITY / 2 * 60.0, CAPACITY) == pytest.approx([65.0, 65.0])


def test_layers_keep_the_tap_warm_for_longer_than_a_mixed_tank():
    one, two, three = (mean_when_top_reaches(45.0, 55.0, 10.0, k) for k in (1, 2, 3))
    assert one == 45.0
    assert 10.0 < three < two < one


def test_one_layer_in_small_steps_is_the_mixed_tank():
    layered, mixed, h = np.array([50.0]), 50.0, 1 / 60
    for _ in range(60):
        layered, _given = layered_step(layered, 2.0 * h, 1.0 * h, h, CAPACITY, 0.0015, 18.0, 10.0)
        mixed = float(mixed_step(mixed, 2.0, 1.0, h, CAPACITY, 0.0015, 18.0))
    assert layered[0] == pytest.approx(mixed, abs=1e-3)


@pytest.mark.parametrize(("cycle", "energy"), [("s", 2.100), ("m", 5.845), ("l", 11.655), ("xl", 19.070)])
def test_tapping_cycles_hold_the_energy_of_the_regulation(cycle, energy):
    assert sum(e for _, e in TAPPING[cycle]) == pytest.approx(energy, abs=1e-12)
    for step_min in (5, 15, 60):
        n = 1440 // step_min
        power = tapping_kw(cycle, np.full(n, 20_000), np.arange(n) * step_min / 60, step_min / 60)
        assert power.sum() * step_min / 60 == pytest.approx(energy, abs=1e-9)


def test_a_shower_at_seven_is_drawn_at_seven():
    hours = np.arange(96) / 4
    power = tapping_kw("m", np.full(96, 20_000), hours, 0.25)
    assert power[28] * 0.25 == pytest.approx(0.105 + 1.4, abs=1e-9)
    assert power[:28].sum() == 0.0


def test_people_draw_what_is_expected_over_a_year_and_differ_from_day_to_day():
    day, hour = np.repeat(np.arange(20_000, 20_365), 96), np.tile(np.arange(96) / 4, 365)
    power = people_kw(6.5, 1, day, hour, 0.25)
    daily = power.reshape(365, 96).sum(axis=1) / 4
    assert daily.mean() == pytest.approx(6.5, rel=0.08)
    assert daily.std() > 1.0
    assert np.all(power >= 0)


def test_a_days_draws_do_not_depend_on_where_the_horizon_begins():
    day, hour = np.repeat(np.arange(20_000, 20_004), 96), np.tile(np.arange(96) / 4, 4)
    whole = people_kw(6.5, 7, day, hour, 0.25)
    later = people_kw(6.5, 7, day[192:], hour[192:], 0.25)
    assert later == pytest.approx(whole[192:], abs=1e-12)
    assert not np.allclose(people_kw(6.5, 8, day, hour, 0.25), whole)
