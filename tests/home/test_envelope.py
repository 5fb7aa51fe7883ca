"""Flexibility envelopes: against linear programs of one window, and what a deviation must never break."""

import dataclasses
import tomllib

import numpy as np
import pytest
from scipy.optimize import linprog

from varme.ground.context import Context
from varme.home.fleet.chunk import planned
from varme.home.fleet.compile import Typical
from varme.home.fleet.envelope import Flex, envelope, flex_of, stacked
from varme.home.fleet.population import drawn_homes
from varme.home.fleet.spec import FleetStudy
from varme.home.fleet.templates import fleet_files

N = 12


def bare(**parts):
    """A home of twelve quarter-hours without any device: 1 kW of import, limits far away."""
    row, one, pair = np.zeros((1, N)), np.ones((1, 1)), np.zeros((1, 2, N))
    cars = np.zeros((1, 0, N))
    fields = {
        "net_kw": row + 1.0, "import_max_kw": 100 * one, "export_max_kw": 100 * one, "mode": np.full((1, N), -1),
        "electric_kw": row, "on_kw": pair, "per_heat": np.full((1, 2, N), np.inf), "heat_min_kw": pair,
        "heat_max_kw": pair, "run_slots": 2 * one, "pause_slots": one, "since_slots": 40 * one, "was_on": 0 * one,
        "spare_starts": np.full((1, N), np.inf), "room_c": row + 21.0, "room_low_c": row + 20.0,
        "room_high_c": row + 23.0, "room_a": np.array([[[0.9, 0.08], [0.01, 0.98]]]), "room_b": np.array([[0.1, 0.02]]),
        "tank_c": row + 50.0, "tank_low_c": row + 45.0, "tank_high_c": row + 55.0, "tank_keep": 0.995 * one,
        "tank_per_kw": one, "battery_net_kw": row, "battery_kwh": row + 4.0, "battery_max_kwh": 0 * one,
        "battery_max_kw": 0 * one, "battery_eta": 0.95 * one, "car_kw": cars, "car_kwh": cars, "car_max_kw": cars,
        "car_spare_kwh": cars, "car_min_kw": cars[..., :1], "car_max_kwh": cars[..., :1], "car_eta": cars[..., :1],
    }  # fmt: skip
    return Flex(step_h=0.25, **(fields | parts))


def heat_pump(mode, electric, **parts):
    """A heat pump of 2 to 6 kW heat, electricity 0.1 + 0.3 heat in both modes."""
    flat = np.ones((1, 2, N))
    return bare(
        mode=np.array([mode]), electric_kw=np.array([electric], dtype=float), on_kw=0.1 * flat, per_heat=0.3 * flat,
        heat_min_kw=2 * flat, heat_max_kw=6 * flat, **parts,
    )  # fmt: skip


def battery(net, level, capacity=8.0, power=4.0, **parts):
    one = np.ones((1, 1))
    return bare(
        battery_net_kw=np.full((1, N), net), battery_kwh=np.full((1, N), level), battery_max_kwh=capacity * one,
        battery_max_kw=power * one, **parts,
    )  # fmt: skip


def largest_constant(length, power, headroom, per_kw):
    """The linear program of one device: the largest e with e <= power and per_kw (1..j) e <= headroom(j)."""
    rows = np.cumsum(np.broadcast_to(per_kw, (length,)))[:, None]
    found = linprog([-1.0], A_ub=rows, b_ub=np.broadcast_to(headroom, (length,)), bounds=[(0, power)])
    return -found.fun


@pytest.mark.parametrize("length", [1, 4, 8])
@pytest.mark.parametrize("level", [0.5, 4.0, 7.9])
def test_a_resting_battery_gives_what_its_linear_program_gives(length, level):
    up, down = envelope(battery(0.0, level), length)
    more = largest_constant(length, 4.0, 8.0 - level, 0.95 * 0.25)
    less = largest_constant(length, 4.0, level, 0.25 / 0.95)
    assert up[0, : N - length + 1] == pytest.approx(np.full(N - length + 1, more))
    assert down[0, : N - length + 1] == pytest.approx(np.full(N - length + 1, less))


def test_a_battery_that_turns_round_is_bounded_from_inside():
    """Where the direction turns the safe efficiency counts: replaying the deviation keeps the level within limits."""
    flex = battery(2.0, 1.0, power=4.0)
    for length in (1, 4):
        _, down = envelope(flex, length)
        e = down[0, 0]
        net = 2.0 - e
        new = net * 0.95 if net > 0 else net / 0.95
        assert 1.0 + 0.25 * length * (new - 2.0 * 0.95) >= -1e-9
        assert e > 0


def test_windows_beyond_the_plan_are_not_known():
    up, down = envelope(battery(0.0, 4.0), 5)
    assert np.isnan(up[0, N - 4 :]).all()
    assert np.isnan(down[0, N - 4 :]).all()
    assert np.isfinite(up[0, : N - 4]).all()
    everything, _ = envelope(battery(0.0, 4.0), N + 1)
    assert np.isnan(everything).all()


def test_a_pump_that_rests_may_start_for_at_least_its_shortest_run():
    """Off throughout, shortest run two slots: nothing for one slot; for two the full 1.9 kW."""
    flex = heat_pump([-1] * N, [0.0] * N)
    one, _ = envelope(flex, 1)
    two, _ = envelope(flex, 2)
    assert np.all(one[0, : N - 1] == 0)
    assert two[0, 0] == pytest.approx(0.1 + 0.3 * 6)


def test_a_pump_that_has_just_stopped_rests_first():
    flex = heat_pump([-1] * N, [0.0] * N, since_slots=np.zeros((1, 1)), pause_slots=3 * np.ones((1, 1)))
    up, _ = envelope(flex, 2)
    assert np.all(up[0, :3] == 0)
    assert up[0, 3] > 1


def test_a_start_must_not_leave_too_short_a_pause():
    """Planned on in slots 6 and 7: a start in 3 and 4 would leave one slot off, the shortest pause is two."""
    mode = [-1] * 6 + [0, 0] + [-1] * 4
    electric = [0.0] * 6 + [1.0, 1.0] + [0.0] * 4
    flex = heat_pump(mode, electric, pause_slots=2 * np.ones((1, 1)))
    up, _ = envelope(flex, 2)
    assert up[0, 3] == 0
    assert up[0, 2] > 0.5
    assert up[0, 4] > 0.5  # joined to the planned run
    assert up[0, 8] > 0.5  # the planned run goes on


def test_room_temperature_limits_a_start_as_its_linear_program_says():
    """Heat of (e - 0.1) / 0.3 in each slot must keep the room within 2 K: solved by linprog over e."""
    high = np.full((1, N), 23.0)
    flex = heat_pump([-1] * N, [0.0] * N, room_high_c=high, tank_high_c=np.full((1, N), 50.0))
    length = 8
    a, b = flex.room_a[0], flex.room_b[0]
    response, state = [], np.zeros(2)
    for _ in range(length):
        state = a @ state + b
        response.append(state[0])
    rows = np.array(response)[:, None] / 0.3
    limit = 2.0 + 0.1 / 0.3 * np.array(response)
    exact = -linprog([-1.0], A_ub=rows, b_ub=limit, bounds=[(0.7, 1.9)]).fun
    up, _ = envelope(flex, length)
    assert up[0, 0] == pytest.approx(exact)
    assert exact < 1.9


def test_a_room_at_its_upper_end_takes_nothing_and_one_too_warm_neither():
    for room in (23.0, 23.5):
        flex = heat_pump([-1] * N, [0.0] * N, room_c=np.full((1, N), room), tank_high_c=np.full((1, N), 50.0))
        up, _ = envelope(flex, 4)
        assert np.all(up[0, : N - 3] <= 1e-9)


def test_a_running_pump_is_modulated_or_stopped():
    """On throughout at 1.3 kW: up 0.6 to full load; down 1.3 by stopping: at its end no run follows, so none is cut."""
    flex = heat_pump([0] * N, [1.3] * N, was_on=np.ones((1, 1)), room_c=np.full((1, N), 21.5))
    up, down = envelope(flex, 4)
    assert up[0, 0] == pytest.approx(0.6)
    assert down[0, 0] == pytest.approx(1.3)


def test_a_run_is_not_stopped_before_its_shortest_time():
    mode = [-1, -1] + [0] * 10
    electric = [0.0, 0.0] + [1.3] * 10
    flex = heat_pump(mode, electric, run_slots=4 * np.ones((1, 1)))
    _, down = envelope(flex, 1)
    assert down[0, 2] == pytest.approx(1.3)  # the run begins a slot later
    assert down[0, 3] == pytest.approx(1.3 - 0.7)  # in its first hour: modulate only
    assert down[0, 6] == pytest.approx(1.3)


def test_a_cold_room_forbids_less_heat():
    flex = heat_pump([0] * N, [1.3] * N, was_on=np.ones((1, 1)), room_c=np.full((1, N), 20.0))
    _, down = envelope(flex, 4)
    assert np.all(down[0, : N - 3] <= 1e-9)


def test_the_connection_limits_the_sum():
    flex = battery(0.0, 4.0, import_max_kw=np.full((1, 1), 1.5), export_max_kw=np.full((1, 1), 0.0))
    up, down = envelope(flex, 1)
    assert up[0, 0] == pytest.approx(0.5)
    assert down[0, 0] == pytest.approx(1.0)


def car(charge, spare, home=None, minimum=1.4):
    away = np.ones(N) if home is None else np.asarray(home, dtype=float)
    one = np.ones((1, 1, 1))
    return bare(
        car_kw=np.array([[charge]], dtype=float), car_kwh=np.full((1, 1, N), 30.0),
        car_max_kw=11.0 * away[None, None], car_spare_kwh=np.array([[spare]], dtype=float), car_min_kw=minimum * one,
        car_max_kwh=60 * one, car_eta=0.9 * one,
    )  # fmt: skip


def test_a_car_charges_less_only_if_that_can_be_made_good():
    charge = [5.0] * N
    plenty, none = [50.0] * N, [0.0] * N
    assert envelope(car(charge, plenty), 2)[1][0, 0] == pytest.approx(5.0)
    assert envelope(car(charge, none), 2)[1][0, 0] == 0


def test_a_car_that_is_away_or_below_its_smallest_charge_gives_nothing():
    away = [0.0] * 4 + [1.0] * 8
    up, _ = envelope(car([0.0] * N, [0.0] * N, away), 2)
    assert np.all(up[0, :4] == 0)
    assert up[0, 4] == pytest.approx(11.0)
    tiny = car([0.0] * N, [0.0] * N, minimum=4.1)
    full = dataclasses.replace(tiny, car_kwh=np.full((1, 1, N), 59.5))
    assert np.all(envelope(full, 4)[0][0, : N - 3] == 0)  # 0.5 kWh of room is less than 4.1 kW for an hour


def test_longer_windows_never_allow_more_of_a_battery():
    flex = battery(0.0, 4.0)
    ups = [envelope(flex, k)[0][0, 0] for k in range(1, N + 1)]
    assert np.all(np.diff(ups) <= 1e-12)


@pytest.fixture(scope="module")
def homes():
    """Plans of eight homes of a population."""
    data = tomllib.loads(fleet_files()["study.toml"])
    data["population"] = {"homes_count": 8, "seed": 21, "battery_share": 1.0, "photovoltaics_share": 0.7}
    study = FleetStudy(**data)
    typical = Typical(study, Context())
    rows = drawn_homes(study, study.population)
    return [planned(typical, rows.row(i)) for i in range(len(rows))]


def test_envelopes_of_many_homes_are_those_of_each(homes):
    flexes = [flex_of(plan) for plan in homes]
    whole = envelope(stacked(flexes), 4)
    for i, flex in enumerate(flexes):
        alone = envelope(flex, 4)
        for k in (0, 1):
            assert np.array_equal(whole[k][i], alone[k][0], equal_nan=True)


def freely(plan, first, length, sign):
    """The linear program in which devices may trade within the window: modes as planned, or the pump in one mode.

    Battery and vehicle levels, room and tank must stay within limits in the window; every slot deviates by at least e.
    """
    flex = flex_of(plan)
    window = slice(first, first + length)
    best = 0.0
    options = [flex.mode[0, window]]
    if (flex.mode[0, window] < 0).all():
        options += [np.zeros(length, dtype=int), np.ones(length, dtype=int)]
    else:
        options += [np.full(length, -1)]
    for modes in options:
        value = _solve(flex, window, length, sign, modes)
        best = max(best, value)
    return best


def _solve(flex, window, length, sign, modes):
    """Columns: e, pump electricity (w), battery change (w), car change per car (V w)."""
    cars = flex.car_kw.shape[1]
    n = 1 + 2 * length + cars * length
    planned_kw = flex.electric_kw[0, window]
    bounds = [(0, None)]
    for j in range(length):
        m = modes[j]
        if m < 0 or m > 1 or flex.heat_max_kw[0, m, window][j] <= 0:
            bounds.append((0, 0))
        else:
            a, b = flex.on_kw[0, m, window][j], flex.per_heat[0, m, window][j]
            bounds.append(
                (a + b * flex.heat_min_kw[0, m, window][j], a + b * flex.heat_max_kw[0, m, window][j])
            )
    power, net = flex.battery_max_kw[0, 0], flex.battery_net_kw[0, window]
    bounds += [(-power - v, power - v) for v in net]
    for v in range(cars):
        top, now = flex.car_max_kw[0, v, window], flex.car_kw[0, v, window]
        bounds += [(-c, t - c) for c, t in zip(now, top, strict=True)]
    rows, limits = [], []
    for j in range(length):  # at least e more (less) in every slot
        row = np.zeros(n)
        row[0] = 1.0
        row[[1 + j, 1 + length + j, *(1 + (2 + v) * length + j for v in range(cars))]] = -sign
        rows.append(row)
        limits.append(-sign * planned_kw[j])
    eta, h = flex.battery_eta[0, 0], flex.step_h
    for j in range(length):
        row = np.zeros(n)
        row[1 + length : 1 + length + j + 1] = eta * h  # the loosest efficiency: an outer bound
        rows.append(row)
        limits.append(flex.battery_max_kwh[0, 0] - flex.battery_kwh[0, window][j] + 1e-6)
        rows.append(-row)
        limits.append(flex.battery_kwh[0, window][j] + 1e-6)
    for store, k in (("room", 0), ("tank", 1)):
        level = getattr(flex, f"{store}_c")[0, window]
        high, low = getattr(flex, f"{store}_high_c")[0, window], getattr(flex, f"{store}_low_c")[0, window]
        impulse = _impulses(flex, store, length)
        for j in range(length):
            row, constant = np.zeros(n), 0.0
            for i in range(j + 1):
                gain = impulse[j - i]
                for own, is_new in ((modes[i], True), (flex.mode[0, window][i], False)):
                    if own != k:
                        continue
                    a, b = flex.on_kw[0, k, window][i], flex.per_heat[0, k, window][i]
                    if is_new:
                        row[1 + i] += gain / b
                        constant -= gain * a / b
                    else:
                        constant -= gain * (planned_kw[i] - a) / b
            rows.append(row)
            limits.append(max(high[j] - level[j], 0.0) - constant + 1e-6)
            rows.append(-row)
            limits.append(max(level[j] - low[j], 0.0) + constant + 1e-6)
    cost = np.zeros(n)
    cost[0] = -1.0
    found = linprog(cost, np.array(rows), np.array(limits), bounds=bounds)
    return -found.fun if found.status == 0 else 0.0


def _impulses(flex, store, length):
    if store == "tank":
        return [flex.tank_per_kw[0, 0] * flex.tank_keep[0, 0] ** j for j in range(length)]
    out, state = [], flex.room_b[0]
    for _ in range(length):
        out.append(state[0])
        state = flex.room_a[0] @ state
    return out


@pytest.mark.parametrize("length", [1, 4])
def test_the_envelope_is_never_above_a_program_in_which_devices_may_trade(homes, length):
    """A safe inner bound: for real plans, at a handful of slots, both ways."""
    compared = 0
    for plan in homes:
        up, down = envelope(flex_of(plan), length)
        for first in (0, 17, 40, 66, 80):
            for sign, values in ((1.0, up), (-1.0, down)):
                if values[0, first] <= 0.05:
                    continue
                outer = freely(plan, first, length, sign)
                assert values[0, first] <= outer + 1e-5
                compared += 1
    assert compared > 10


def test_before_a_legionella_duty_is_done_the_tank_is_not_made_colder():
    """The duty falls into the plan: up to its end no window that heats water may be stopped or turned down."""
    data = tomllib.loads(fleet_files()["study.toml"])
    data["population"] = {"homes_count": 1, "seed": 3, "vehicle_share": 0.0, "photovoltaics_share": 0.0}
    data["hot_water"]["legionella"] = {"interval_days": 7}
    data["state"] = {"legionella_days": 6.9}
    study = FleetStudy(**data)
    plan = planned(Typical(study, Context()), drawn_homes(study, study.population).row(0))
    assert "tank.duty" in plan.problem.model.vars
    tank, hot = plan.value("tank.temperature"), plan.problem.plant.tank.duty.temperature_c
    done = int(np.flatnonzero(tank >= hot - 0.01)[-1])
    flex = flex_of(plan)
    assert np.array_equal(flex.tank_low_c[0, : done + 1], tank[: done + 1])
    _, down = envelope(flex, 1)
    water = np.flatnonzero((flex.mode[0] == 1) & (np.arange(96) <= done))
    assert len(water)
    assert np.all(down[0, water] <= 1e-6)


def test_a_pump_gives_no_more_than_its_emitters_take(homes):
    for plan in homes:
        flex = flex_of(plan)
        room = flex.heat_max_kw[0, 0]
        assert np.all(room <= plan.problem.plant.house.emitter_max_kw + 1e-9)
