"""Houses as thermal networks: exact steps, emitters and their inverse, a heat loss from a yearly demand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varme.physics.building import (
    emitter_flow_c,
    emitter_heat_kw,
    heat_demand_kwh,
    heat_loss_for,
    one_node,
    two_nodes,
)

LOSS, CAPACITY = 0.16, 10.0


def test_one_node_decays_by_its_time_constant():
    a, heat, gain, out = one_node(LOSS, CAPACITY).step(1.0)
    keep = np.exp(-LOSS / CAPACITY)
    assert a[0, 0] == pytest.approx(keep, rel=1e-12)
    assert heat[0] == pytest.approx((1 - keep) / LOSS, rel=1e-12)
    assert gain[0] == pytest.approx(heat[0], rel=1e-12)
    assert out[0] == pytest.approx(1 - keep, rel=1e-12)


def test_four_quarter_hours_are_an_hour():
    house = two_nodes(LOSS, 2.0, 8.0, 6 * LOSS, 0.4, 0.7)
    a, heat, gain, out = house.step(0.25)
    whole = house.step(1.0)
    t = np.array([20.0, 22.0])
    state = t
    for _ in range(4):
        state = a @ state + heat * 3.0 + gain * 0.5 + out * -5.0
    assert state == pytest.approx(whole[0] @ t + whole[1] * 3.0 + whole[2] * 0.5 + whole[3] * -5.0, abs=1e-12)


def test_exact_step_agrees_with_fine_euler_steps():
    house = two_nodes(LOSS, 2.0, 8.0, 6 * LOSS, 0.4, 0.7)
    a, heat, _, out = house.step(1.0)
    state, n = np.array([20.0, 21.0]), 20_000
    exact = a @ state + heat * 4.0 + out * -7.0
    for _ in range(n):
        flow = -house.conductance_kw_per_k @ state + house.to_outdoor_kw_per_k * -7.0 + house.heat_share * 4.0
        state = state + flow / house.capacity_kwh_per_k / n
    assert state == pytest.approx(exact, abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.03, 1.0),
    st.floats(1.0, 40.0),
    st.floats(0.05, 0.5),
    st.floats(0.05, 0.9),
    st.floats(0.0, 0.9),
)
def test_two_nodes_lose_what_is_stated_and_balance_energy(loss, capacity, room, direct, to_mass):
    house = two_nodes(loss, room * capacity, (1 - room) * capacity, 6 * loss, direct, to_mass)
    assert house.heat_loss_kw_per_k == pytest.approx(loss, rel=1e-9)
    steady = house.steady_c(20.0, -10.0)
    a, heat, _, out = house.step(3.0)
    q = (np.eye(2) - a) @ steady - out * -10.0  # heat * power
    power = q[0] / heat[0] if abs(heat[0]) > abs(heat[1]) else q[1] / heat[1]
    assert a @ steady + heat * power + out * -10.0 == pytest.approx(steady, abs=1e-8)
    lost = house.to_outdoor_kw_per_k @ (steady + 10.0)
    assert lost == pytest.approx(power, rel=1e-6)


@pytest.mark.parametrize(
    ("exponent", "flow", "back"), [(1.0, 45.0, 40.0), (1.1, 35.0, 30.0), (1.3, 55.0, 45.0)]
)
def test_emitters_give_back_the_heat_of_their_flow(exponent, flow, back):
    heats = np.linspace(0.01, 9.0, 50)
    flows = emitter_flow_c(heats, 21.0, 5.0, flow, back, exponent)
    assert emitter_heat_kw(flows, 21.0, 5.0, flow, back, exponent) == pytest.approx(heats, abs=1e-8)
    assert emitter_heat_kw(flow, 20.0, 5.0, flow, back, exponent) == pytest.approx(5.0, abs=1e-9)
    assert np.all(np.diff(flows) > 0)


def test_emitters_give_nothing_to_a_room_that_is_warmer():
    assert emitter_heat_kw(np.array([15.0, 20.0]), 20.0, 5.0, 35.0, 30.0, 1.1) == pytest.approx([0.0, 0.0])


def year() -> tuple[np.ndarray, ...]:
    hours = np.arange(8760)
    rng = np.random.default_rng(3)
    outdoor = 8.5 - 8.5 * np.cos(2 * np.pi * (hours / 8760 - 0.05)) + rng.normal(0, 2, 8760)
    return np.full(8760, 0.6), outdoor, np.full(8760, 20.0), np.full(8760, 24.0)


def test_heat_loss_from_a_yearly_demand_gives_that_demand_again():
    gains, outdoor, low, high = year()
    network = lambda loss: two_nodes(loss, 1.5, 6.0, 6 * loss, 0.4)  # noqa: E731
    loss = heat_loss_for(14_000.0, network, gains, outdoor, low, high, 1.0)
    again = heat_demand_kwh([loss], network, gains, outdoor, low, high, 1.0)
    assert again[0] == pytest.approx(14_000.0, abs=0.1)


def test_constant_cold_needs_steady_heat_less_gains():
    n = 24 * 30
    outdoor, low, high = np.full(n, -4.0), np.full(n, 20.0), np.full(n, 24.0)
    heat = heat_demand_kwh([0.1, 0.2], lambda x: one_node(x, 8.0), np.full(n, 0.5), outdoor, low, high, 1.0)
    assert heat == pytest.approx([(0.1 * 24 - 0.5) * n, (0.2 * 24 - 0.5) * n], rel=1e-9)


def test_demand_rises_with_the_loss_and_windows_let_summer_heat_out():
    gains, outdoor, low, high = year()
    network = lambda loss: one_node(loss, 7.0)  # noqa: E731
    found = heat_demand_kwh(np.geomspace(0.03, 1.0, 8), network, gains, outdoor, low, high, 1.0)
    assert np.all(np.diff(found)[2:] > 0)
    assert np.all(found >= 0)
    closed = heat_demand_kwh([0.1], network, gains, outdoor, low, np.full(8760, 60.0), 1.0)
    opened = heat_demand_kwh([0.1], network, gains, outdoor, low, np.full(8760, 20.5), 1.0)
    assert opened[0] > closed[0]


def test_impossible_demand_is_refused():
    gains, outdoor, low, high = year()
    with pytest.raises(ValueError, match="kWh"):
        heat_loss_for(1e8, lambda x: one_node(x, 7.0), gains, outdoor, low, high, 1.0)
