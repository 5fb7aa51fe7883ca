"""Simulation of homes: energy closes, the fast view is the slow one, rules do what they say, machines are protected."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.random_homes import random_home
from varme.components.home_heat_pump import MODE_CODES
from varme.home.simulate.engine import Simulator, smooth
from varme.home.simulate.fleet import FleetRun, simulate_fleet, stack
from varme.home.simulate.guard import Guard, Override, protected
from varme.home.simulate.inputs import RANK_MAX, series_of
from varme.home.simulate.rules import BASELINES, THERMOSTAT, RuleController, within_hours
from varme.home.simulate.state import Command, Homes

#: Flows of the engine and of the fast loop that must agree.
TIED = {
    "room_c": "room_c", "tank_c": "tank_c", "room_heat_kw": "room_heat_kw", "water_heat_kw": "water_heat_kw",
    "backup_room_kw": "backup_room_kw", "backup_water_kw": "backup_water_kw", "vehicle_charge_kw": "car",
}  # fmt: skip


def both(seed, days=3, *, plant=None, rules=BASELINES):
    """Return a home, what the engine makes of it under rules, and what the fast loop does, in double precision."""
    home = random_home(seed, days=days)
    plant = plant(home.plant) if plant else home.plant
    simulator, homes = Simulator(plant), Homes.of(home.state, len(rules))
    trace = simulator.run(homes, 0, plant.seen.grid.n, RuleController(plant, rules, simulator.hours))
    fast = FleetRun(
        stack([plant] * len(rules), np.float64), [home.state] * len(rules), rules, record=True
    ).run()
    return plant, home.state, trace, homes, fast


@pytest.mark.parametrize("seed", [0, 3, 11, 40])
def test_the_fast_loop_is_the_engine(seed):
    """All four rules, in every step: the same temperatures, heat and charge to rounding, the same starts."""
    _, _, trace, homes, fast = both(seed)
    for name, other in TIED.items():
        assert trace[name] == pytest.approx(fast.traces[other], abs=1e-9), name
    assert np.array_equal(trace["start"].sum(axis=0), fast["starts_count"])
    assert fast["import_kwh"] == pytest.approx(trace["import_kw"].sum(axis=0) / 4, abs=1e-9)
    assert fast.end["battery_kwh"] == pytest.approx(homes.battery_kwh, abs=1e-9)


@pytest.mark.parametrize("lacks", ["house", "tank", "battery", "heat_pump", "vehicles"])
def test_homes_may_lack_devices(lacks):
    """Without a device both views agree, and nothing of it flows."""
    without = () if lacks == "vehicles" else None
    _, _, trace, _, fast = both(5, plant=lambda p: replace(p, **{lacks: without}), rules=BASELINES[:2])
    assert fast["import_kwh"] == pytest.approx(trace["import_kw"].sum(axis=0) / 4, abs=1e-9)
    gone = {"house": "room_c", "tank": "tank_c", "battery": "charge_kw", "heat_pump": "heat_pump_kw"}
    assert not trace[gone.get(lacks, "vehicle_charge_kw")].any()


def test_blocking_times_stop_the_compressor_in_both_views():
    """Four hours of blocking: nothing runs, and engine and fast loop agree on what follows."""

    def blocked(plant):
        available = plant.heat_pump.available.copy()
        available[40:56] = 0.0
        return replace(plant, heat_pump=replace(plant.heat_pump, available=available))

    _, _, trace, _, fast = both(3, plant=blocked, rules=BASELINES[:1])
    assert not trace["mode"][40:56].any()
    assert trace["room_c"] == pytest.approx(fast.traces["room_c"], abs=1e-9)


def closure(plant, trace, k=0):
    """Return by how much electricity, battery, tank and house do not close in any step [kWh]."""
    h, part = trace.hours, np.repeat(np.arange(trace.steps // trace.parts), trace.parts)
    f = {name: values[:, k] for name, values in trace.data.items()}
    load, pv = plant.grid.load_kw[part], plant.grid.pv_kw[part]
    demand = load + f["heat_pump_kw"] + f["backup_kw"] + f["vehicle_charge_kw"] - f["vehicle_discharge_kw"]
    bus = f["import_kw"] - f["export_kw"] + pv - f["cut_kw"] - demand - f["charge_kw"] + f["discharge_kw"]
    eta = plant.battery.one_way_share
    battery = np.diff(f["battery_kwh"]) - h * (eta * f["charge_kw"] - f["discharge_kw"] / eta)[1:]
    tank, ua = plant.tank, plant.tank.loss_kw_per_k
    heat = (f["water_heat_kw"] + f["backup_water_kw"] - plant.tank.draw_kw[part])[1:]
    # Mean temperature over the step from the exact solution: what the losses are taken from.
    settled, rate = tank.surroundings_c + heat / ua, ua * h / tank.capacity_kwh_per_k
    mean = settled + (f["tank_c"][:-1] - settled) * (1 - np.exp(-rate)) / rate
    lost = ua * (mean - tank.surroundings_c)
    water = tank.capacity_kwh_per_k * np.diff(f["tank_c"]) - h * (heat - lost)
    return np.abs(bus).max() * h, np.abs(battery).max(), np.abs(water).max()


@pytest.mark.parametrize(("seed", "parts"), [(2, 1), (9, 5)])
def test_energy_of_every_device_closes(seed, parts):
    """Electricity, battery and tank close to 1e-9 kWh in every step, at 15 min and at 1 min."""
    home = random_home(seed, days=2)
    simulator, homes = Simulator(home.plant, parts=parts, exact=parts > 1), Homes.of(home.state)
    controller = RuleController(home.plant, [THERMOSTAT], simulator.hours)
    trace = simulator.run(homes, 0, home.plant.seen.grid.n, controller)
    assert max(closure(home.plant, trace)) < 1e-9


def test_the_house_closes_by_its_conductances():
    """The heat that the nodes gain is heat and gains less what leaves, integrated finely: to 1e-6 of the heat."""
    home = random_home(6, days=1)
    house = home.plant.house
    simulator, homes = Simulator(home.plant, parts=15), Homes.of(home.state)
    controller = RuleController(home.plant, [THERMOSTAT], simulator.hours)
    before, lost, net = homes.house_c[0].copy(), 0.0, house.network
    outdoor = smooth(house.outdoor_c, 15)
    trace = simulator.run(homes, 0, 24, controller)
    heat = (trace["room_heat_kw"] + trace["backup_room_kw"])[:, 0] * trace.hours
    # A second, finer integration of the same heat: 20 Euler steps in each minute.
    nodes, dt = before.copy(), trace.hours / 20
    for k in range(trace.steps):
        for _ in range(20):
            out = net.conductance_kw_per_k @ nodes - net.to_outdoor_kw_per_k * outdoor[k]
            gain = net.heat_share * heat[k] / trace.hours + net.gain_share * house.gains_kw[k // 15]
            nodes = nodes + dt * (gain - out) / net.capacity_kwh_per_k
            lost += dt * out.sum()
    stored = float(net.capacity_kwh_per_k @ (homes.house_c[0] - before))
    assert nodes == pytest.approx(homes.house_c[0], abs=2e-4)
    assert stored == pytest.approx(heat.sum() + house.gains_kw[:24].sum() * 0.25 - lost, rel=1e-3)


def test_single_precision_closes_to_a_hundred_thousandth():
    """Over a week of twelve homes electricity balances, and the cost is that of double precision to a thousandth.

    A thermostat may switch a step earlier or later; energy closes all the same.
    """
    homes = [random_home(8 * seed, days=7, day=20) for seed in range(12)]
    plants, states = [h.plant for h in homes], [h.state for h in homes]
    seen = plants[0].seen
    plants = [replace(p, seen=seen) for p in plants]
    fast = FleetRun(stack(plants, np.float32), states, THERMOSTAT).run()
    exact = FleetRun(stack(plants, np.float64), states, THERMOSTAT).run()
    load = np.array([p.grid.load_kw.sum() for p in plants]) / 4
    pv = np.array([p.grid.pv_kw.sum() for p in plants]) / 4
    used = load + sum(
        fast[k] for k in ("heat_pump_kwh", "backup_room_kwh", "backup_water_kwh", "vehicle_kwh", "charge_kwh")
    )
    given = fast["import_kwh"] - fast["export_kwh"] - fast["cut_kwh"] + pv + fast["discharge_kwh"]
    assert used == pytest.approx(given, rel=1e-5)
    assert fast["cost_cent"].sum() == pytest.approx(exact["cost_cent"].sum(), rel=1e-3)


def test_series_of_many_homes_are_combinations_of_a_few():
    """Profiles times factors are found again as such; noise of its own in each home is kept whole."""
    rng = np.random.default_rng(1)
    shapes = rng.uniform(size=(500, 3))
    rows = [shapes @ rng.uniform(size=3) for _ in range(60)]
    found = series_of(rows)
    assert found.rank == 3
    assert found.basis @ found.weights == pytest.approx(np.stack(rows, axis=1), abs=1e-5)
    noise = series_of([rng.uniform(size=500) for _ in range(RANK_MAX + 5)])
    assert noise.whole is not None


def test_blocks_give_what_one_block_gives(monkeypatch):
    """Homes taken in blocks of three have the results of all at once."""
    homes = [random_home(8 * seed, days=2, day=20) for seed in range(7)]
    seen = homes[0].plant.seen
    plants, states = [replace(h.plant, seen=seen) for h in homes], [h.state for h in homes]
    whole = simulate_fleet(plants, states, THERMOSTAT, np.float64)
    monkeypatch.setattr("varme.home.simulate.fleet.BLOCK", 3)
    parts = simulate_fleet(plants, states, THERMOSTAT, np.float64)
    assert parts["cost_cent"] == pytest.approx(whole["cost_cent"], rel=1e-12)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 300))
def test_the_compressor_keeps_its_minimum_times_whatever_is_asked(seed):
    """Random commands every minute: no run is shorter than the shortest run, no pause than the shortest pause."""
    home = random_home(1, days=1)
    pump = home.plant.heat_pump
    rng = np.random.default_rng(seed)
    simulator, homes = Simulator(home.plant, parts=15, exact=True), Homes.of(home.state)

    def erratic(at, part, homes):
        mode = np.array([rng.choice([0, 0, 1, 2])], dtype=np.int8)
        return Command(mode=mode, heat_kw=rng.uniform(0, 10, size=1))

    trace = simulator.run(homes, 0, 24, erratic)
    on = trace["mode"][:, 0] > 0
    edges = np.flatnonzero(np.diff(on.astype(int))) + 1
    for first, last in itertools.pairwise(edges):
        assert last - first >= (pump.run_min if on[first] else pump.pause_min) - 1e-9
    given = trace["room_heat_kw"][:, 0] + trace["water_heat_kw"][:, 0]
    assert np.all(given[on & (trace["water_heat_kw"][:, 0] == 0)] > 0.1)
    assert not np.any((trace["room_heat_kw"] > 0) & (trace["water_heat_kw"] > 0))


def test_starts_per_day_are_counted_to_local_midnight():
    """With two starts a day allowed, the third is held, and the next day begins anew."""
    home = random_home(1, days=2)
    assert home.plant.heat_pump is not None
    pump = replace(home.plant.heat_pump, starts_per_day_max=2, run_min=15.0, pause_min=15.0)
    plant = replace(home.plant, heat_pump=pump)
    simulator, homes = Simulator(plant), Homes.of(replace(home.state, starts_today=0))

    def toggling(at, part, homes):
        return Command(mode=np.array([at // 4 % 2], dtype=np.int8), heat_kw=np.full(1, 3.0))

    trace = simulator.run(homes, 0, plant.seen.grid.n, toggling)
    starts = [trace["start"][plant.seen.local_day == d].sum() for d in np.unique(plant.seen.local_day)]
    assert max(starts) == 2
    assert starts[1] == 2


def test_by_hand_wins_over_the_plan_but_not_over_the_machine():
    """An override changes what is asked; the guard still keeps the shortest run."""
    guard = Guard(overrides=(Override("off", 4, 8),))
    asked = np.array([MODE_CODES["room"]], dtype=np.int8)
    assert guard.wished(3, asked)[0] == MODE_CODES["room"]
    assert guard.wished(4, asked)[0] == 0
    assert guard.stale(121.0)
    assert not guard.stale(120.0)
    home = random_home(1, days=1)
    homes = Homes.of(replace(home.state, mode="room", mode_min=5.0))
    mode, held = protected(home.plant.heat_pump, 0, homes, guard.wished(4, asked), 55.0)
    assert mode[0] == MODE_CODES["room"]
    assert held[0]


def test_a_warm_tank_does_not_keep_the_compressor_from_the_room():
    """The trap of hysteresis in steps: heat up to the end point, losses in the same step, and hot water for ever."""
    home = random_home(3, days=4, day=15)
    simulator, homes = Simulator(home.plant), Homes.of(home.state)
    trace = simulator.run(
        homes, 0, home.plant.seen.grid.n, RuleController(home.plant, [THERMOSTAT], simulator.hours)
    )
    water = np.count_nonzero(trace["mode"] == MODE_CODES["water"])
    assert water < 0.4 * trace.steps
    assert trace["heat_pump_kw"].sum() > 3 * trace["backup_kw"].sum()


def test_smoothing_keeps_the_mean_of_every_step():
    values = np.random.default_rng(2).normal(size=50)
    fine = smooth(values, 15)
    assert fine.reshape(50, 15).mean(axis=1) == pytest.approx(values, abs=1e-12)
    assert np.abs(np.diff(fine)).max() < np.abs(np.diff(values)).max()


def test_hours_may_pass_midnight():
    clock = np.arange(24.0)
    assert within_hours(clock, (22.0, 5.0)).sum() == 7
    assert within_hours(clock, (12.0, 16.0)).sum() == 4
