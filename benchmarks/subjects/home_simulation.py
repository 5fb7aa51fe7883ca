"""Simulation of fleets: home-years per second and core, and that the fast view is the slow one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from benchmarks.measure import silence
from benchmarks.random_homes import REPORTED, random_home
from benchmarks.registry import Bar, Line, Options, subject
from varme.home.plant import Plant, State
from varme.home.simulate.engine import Simulator
from varme.home.simulate.fleet import BLOCK, FleetRun, stack
from varme.home.simulate.rules import THERMOSTAT, RuleController
from varme.home.simulate.state import Homes

#: Distinct machines, houses, tanks and profiles that the homes of the fleet are put together from.
PARTS = 32


def fleet(homes: int, days: int) -> tuple[list[Plant], list[State]]:
    """Return random homes in one weather: 2R2C house, tank, PV, battery, heat pump; no vehicle.

    Machines and roofs come from 32 random homes, load and draws from 16 weeks-shifted profiles, capacities of house,
    tank and battery are drawn for each home.
    """
    rng = np.random.default_rng(REPORTED)
    base = [random_home(REPORTED + 8 * k, days=days, day=0) for k in range(PARTS)]
    seen, first = base[0].plant.seen, base[0].plant
    assert first.tank is not None
    loads = [np.roll(first.grid.load_kw, 96 * 7 * k) for k in range(16)]
    draws = [np.roll(first.tank.draw_kw, 96 * 7 * k) for k in range(16)]
    plants, states = [], []
    for _ in range(homes):
        one = base[rng.integers(PARTS)]
        house, tank, store = one.plant.house, one.plant.tank, one.plant.battery
        assert house is not None
        assert tank is not None
        assert store is not None
        capacity = house.network.capacity_kwh_per_k * rng.uniform(0.8, 1.2)
        plants.append(
            replace(
                one.plant,
                seen=seen,
                grid=replace(one.plant.grid, load_kw=loads[rng.integers(16)]),
                house=replace(house, network=replace(house.network, capacity_kwh_per_k=capacity)),
                tank=replace(
                    tank,
                    capacity_kwh_per_k=tank.capacity_kwh_per_k * rng.uniform(0.7, 1.5),
                    draw_kw=draws[rng.integers(16)],
                ),
                battery=replace(store, capacity_kwh=store.capacity_kwh * rng.uniform(0.7, 1.5)),
                vehicles=(),
            )
        )
        states.append(replace(one.state, vehicle_kwh=()))
    return plants, states


@subject("home-simulation", "a fleet of homes under rules, 15 min")
def home_simulation(options: Options) -> Iterator[Line]:
    """Measure a block of homes over weeks of the year; a year is the same loop for longer."""
    days = 14 if options.quick else 42
    plants, states = fleet(BLOCK, days)
    started = time.process_time()
    block = stack(plants, np.float32)
    stacked = time.process_time() - started
    seconds = []
    with silence():
        for _ in range(options.repeats):
            run = FleetRun(block, states, THERMOSTAT)
            started = time.process_time()
            run.run()
            seconds.append(time.process_time() - started)
    years = BLOCK * days / 365
    yield Line(
        "home-years a second and core", years / float(np.median(seconds)), "1/s", size=f"{BLOCK} homes, {days} days",
        bar=Bar(1000.0, "at_least"), note="2R2C, tank, PV, battery, heat pump; single precision; reference 245-379",
    )  # fmt: skip
    yield Line("best of the repetitions", years / min(seconds), "1/s")
    yield Line("put homes into a block, each", 1e3 * stacked / BLOCK, "ms")
    yield from _agreement(plants[:8], states[:8])


def _agreement(plants: list[Plant], states: list[State]) -> Iterator[Line]:
    """Compare the loop in double precision with the engine that simulates components one by one."""
    fast = FleetRun(stack(plants, np.float64), states, THERMOSTAT, record=True).run()
    worst = 0.0
    for k, (plant, state) in enumerate(zip(plants, states, strict=True)):
        simulator = Simulator(plant)
        rules = RuleController(plant, [THERMOSTAT], simulator.hours)
        trace = simulator.run(Homes.of(state), 0, 672, rules)
        worst = max(worst, float(np.abs(trace["room_c"][:, 0] - fast.traces["room_c"][:672, k]).max()))
    yield Line("largest difference from the components, one week", worst, "K", bar=Bar(1e-9))
