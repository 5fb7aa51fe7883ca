"""The house: presets from five answers, comfort by the clock, windows, emitters, comfort as a priced wish."""

import itertools
from datetime import UTC, date, datetime

import numpy as np
import pytest

from tests.components.around import Solved, slots, surroundings
from varme.components.base import Port
from varme.components.home import ROOM
from varme.components.house import HEAT_LOSS_BY_YEAR, House, block, comfort_band, compiled, solar_kw
from varme.ground.errors import InputError
from varme.ground.spec import parse
from varme.kernel.model import Model
from varme.physics.sun import irradiance


def house(**fields):
    return parse(House, fields, "test")


def refused(**fields):
    with pytest.raises(InputError) as caught:
        house(**fields)
    return str(caught.value)


def test_five_answers_give_a_house():
    found = house(floor_area_m2=140, built_year=1975, emitter="radiator")
    assert found.heat_loss_w_per_k == pytest.approx(2.1 * 140)
    assert found.capacity_kwh_per_k == pytest.approx(140 * 165 / 3600)
    assert (found.design_flow_c, found.design_return_c) == (55.0, 45.0)
    assert found.internal_gains_kw == pytest.approx(0.42)


def test_what_is_stated_wins_over_a_preset():
    found = house(floor_area_m2=140, built_year=1975, heat_loss_w_per_k=150, solar_aperture_m2=2)
    assert found.heat_loss_w_per_k == 150
    assert found.solar_aperture_m2 == 2


def test_newer_houses_lose_less_and_no_year_is_left_out():
    losses = [loss for _, loss in HEAT_LOSS_BY_YEAR]
    assert losses == sorted(losses, reverse=True)
    found = [house(floor_area_m2=100, built_year=y).heat_loss_w_per_k for y in range(1700, 2200, 7)]
    assert all(a >= b for a, b in itertools.pairwise(found))


def test_a_house_that_is_written_and_read_again_is_the_same():
    found = house(floor_area_m2=140, built_year=1975, emitter="fan_coil", windows=[{"area_m2": 10}])
    assert house(**found.model_dump(mode="json")) == found


def test_contradictions_are_refused_with_a_remedy():
    assert "comfort needs a band" in refused(temperature_min_c=24, temperature_max_c=22).lower()
    assert "floor_area_m2" in refused(built_year=1990)
    assert "radiators do not cool" in refused(emitter="radiator", cool_flow_c=16)
    assert "flow_max_c" in refused(design_flow_c=55, design_return_c=45, flow_max_c=40)
    assert "design_return_c" in refused(design_flow_c=35, design_return_c=40)
    assert "monday" in refused(comfort=[{"days": ["monday"], "temperature_min_c": 18}])
    assert "temperature_min_c" in refused(comfort=[{"from_h": 22, "until_h": 6}])


def test_emitters_carry_the_house_at_the_design_temperature():
    for emitter in ("floor", "radiator", "fan_coil"):
        one = house(emitter=emitter)
        assert one.emitter_max_kw > one.design_heat_kw
        assert one.flow_c(one.emitter_max_kw) == pytest.approx(one.highest_flow_c)
        assert one.flow_c(one.design_heat_kw) == pytest.approx(one.design_flow_c)


def test_radiators_of_before_a_renovation_need_colder_water():
    own = house(emitter="radiator")
    old = house(emitter="radiator", emitter_design_kw=2 * own.design_heat_kw)
    assert old.flow_c(own.design_heat_kw) < own.flow_c(own.design_heat_kw) - 10
    assert old.flow_c(2 * own.design_heat_kw) == pytest.approx(55.0)
    assert old.design_heat_kw == own.design_heat_kw


def test_floors_and_fan_coils_cool_and_radiators_do_not():
    floor, radiator, coil = (house(emitter=e) for e in ("floor", "radiator", "fan_coil"))
    assert radiator.cool_max_kw == 0.0
    assert not radiator.can_cool
    assert 0 < floor.cool_max_kw < coil.cool_max_kw


def test_heat_load_is_loss_times_design_difference_plus_heating_up():
    one = house(floor_area_m2=150, heat_loss_w_per_k=200, design_outdoor_c=-12)
    assert one.heat_load_kw() == pytest.approx(6.4)
    assert one.heat_load_kw(21.0, reheat_w_per_m2=10) == pytest.approx(6.6 + 1.5)


def test_night_set_back_follows_the_wall_clock_over_midnight():
    one = house(comfort=[{"from_h": 22, "until_h": 6, "temperature_min_c": 17}])
    seen = surroundings(date(2025, 1, 14), date(2025, 1, 16))
    low, high = comfort_band(one, seen, np.full(192, 20.0), np.full(192, 23.0))
    assert low.reshape(2, 96)[0, :24] == pytest.approx(17.0)
    assert low[24:88] == pytest.approx(20.0)
    assert low[88:120] == pytest.approx(17.0)
    assert high == pytest.approx(23.0)


def test_set_back_begins_on_its_days_and_ends_the_morning_after():
    one = house(comfort=[{"from_h": 22, "until_h": 6, "days": ["tue"], "temperature_min_c": 17}])
    seen = surroundings(date(2025, 1, 14), date(2025, 1, 16))  # Tuesday, Wednesday
    low, _ = comfort_band(one, seen, np.full(192, 20.0), np.full(192, 23.0))
    assert low[:24] == pytest.approx(20.0)  # Monday's night is none
    assert low[88:120] == pytest.approx(17.0)
    assert low[184:] == pytest.approx(20.0)


@pytest.mark.parametrize(("day", "quarters"), [(date(2025, 3, 30), 92), (date(2025, 10, 26), 100)])
def test_set_back_ends_at_six_on_days_that_change_the_clock(day, quarters):
    one = house(comfort=[{"from_h": 22, "until_h": 6, "temperature_min_c": 17}])
    seen = surroundings(day, date.fromordinal(day.toordinal() + 1))
    assert seen.grid.n == quarters
    low, _ = comfort_band(one, seen, np.full(quarters, 20.0), np.full(quarters, 23.0))
    wakes = int(np.flatnonzero(low > 19)[0])
    assert seen.grid.label(wakes, seen.timezone)[11:16] == "06:00"
    assert wakes == 24 + quarters - 96


def test_later_periods_win_and_the_upper_end_has_its_own():
    one = house(
        comfort=[
            {"from_h": 0, "until_h": 24, "temperature_min_c": 18, "temperature_max_c": 26},
            {"from_h": 17, "until_h": 21, "temperature_min_c": 21},
        ]
    )
    seen = surroundings()
    low, high = comfort_band(one, seen, np.full(96, 20.0), np.full(96, 23.0))
    assert low[70] == 21.0
    assert low[0] == 18.0
    assert high == pytest.approx(26.0)


def june(**fields):
    seen = surroundings(date(2025, 6, 21), date(2025, 6, 22))
    ghi = 800 * np.maximum(np.sin(np.pi * (seen.local_h - 4.5) / 17), 0)
    light = irradiance(seen.grid.times, 15, 55.7, 12.6, ghi)
    return surroundings(
        date(2025, 6, 21), date(2025, 6, 22), light=light, window_w_per_m2=0.5 * ghi, **fields
    )


def test_east_windows_warm_the_morning_and_west_windows_the_evening():
    seen = june()
    east = solar_kw(house(windows=[{"area_m2": 10, "azimuth_deg": 90}]), seen)
    west = solar_kw(house(windows=[{"area_m2": 10, "azimuth_deg": 270}]), seen)
    assert east[:50].sum() > 2 * east[56:].sum()
    assert west[60:].sum() > 2 * west[:46].sum()
    assert 0 < east.max() < 10 * 0.35 * 1.1


def test_an_aperture_takes_the_mean_of_the_walls():
    seen = june()
    assert solar_kw(house(solar_aperture_m2=4), seen) == pytest.approx(4 * seen.window_w_per_m2 / 1e3)


def plan_of(spec, price, low=20.0, start=20.0):
    """Return a plan of a house with one heater of 10 kW, at prices per slot."""
    seen = surroundings(step_min=60)
    numbers = compiled(spec, seen, 0.0, low, 23.0).take(slots(seen))
    model = Model(seen.grid.n)
    heater = model.var("heater", upper=10.0, cost=price)
    made = block(numbers, model, slots(seen), [Port(ROOM, heater, 1.0)], np.zeros(spec.nodes_count))
    history = {f"house.temperature_{k}": start for k in range(spec.nodes_count)}
    return Solved(model, history), numbers, made


def test_cheap_comfort_is_bought_and_dear_comfort_is_missed_and_counted():
    spec = house(nodes_count=1, discomfort_eur_per_k_h=1.0)
    cheap, _, _ = plan_of(spec, 1.0)
    assert cheap.value("house.cold").sum() == pytest.approx(0.0, abs=1e-9)
    dear, _, _ = plan_of(spec, 1e5)
    missed = dear.value("house.cold")
    assert dear.value("heater").sum() == pytest.approx(0.0, abs=1e-9)
    keep = np.exp(-0.16 / 10.0 * np.arange(1, 25))
    assert missed == pytest.approx(20.0 - 20.0 * keep, abs=1e-6)


@pytest.mark.parametrize("nodes", [1, 2])
def test_a_plans_energy_balance_closes(nodes):
    spec = house(nodes_count=nodes)
    solved, numbers, _ = plan_of(spec, 1.0)
    net = numbers.network
    states = np.stack([solved.value(f"house.temperature_{k}") for k in range(nodes)], axis=1)
    before = np.vstack([np.full((1, nodes), 20.0), states[:-1]])
    a, heat, rest = numbers.steps(np.ones(24))
    again = np.einsum("tij,tj->ti", a, before) + heat * solved.value("heater")[:, None] + rest
    assert states == pytest.approx(again, abs=1e-9)
    # What entered is what is stored and what left; the exact integral of the temperatures closes it.
    stored = float(net.capacity_kwh_per_k @ (states[-1] - 20.0))
    steps = 400
    lost, state = 0.0, np.full(nodes, 20.0)
    small = net.step(1 / steps)
    for q in solved.value("heater"):
        for _ in range(steps):
            after = small[0] @ state + small[1] * q
            lost += float(net.to_outdoor_kw_per_k @ (state + after) / 2) / steps
            state = after
    assert solved.value("heater").sum() == pytest.approx(stored + lost, abs=2e-4)


def test_a_cold_house_at_the_start_is_planned_and_told_not_refused():
    solved, _, _ = plan_of(house(nodes_count=1), 1.0, start=12.0)
    assert solved.value("house.cold")[0] > 0


def test_local_hours_of_the_test_are_those_of_the_clock():
    assert surroundings().grid.start == datetime(2025, 1, 13, 23, tzinfo=UTC)
