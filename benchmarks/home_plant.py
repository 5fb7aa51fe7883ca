"""The parity home as a plant of varme's own components, planned by the product's planner."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks.home_parity import MODES, Parity
from varme.components import deferrable_load
from varme.components.battery import BatteryNumbers
from varme.components.deferrable_load import DeferrableLoad
from varme.components.grid_connection import GridNumbers
from varme.components.home import Slots, Surroundings
from varme.components.home_heat_pump import HeatPumpNumbers
from varme.components.hot_water_tank import TankNumbers
from varme.components.house import HouseNumbers
from varme.ground.timegrid import TimeGrid
from varme.home.plant import Plant, State
from varme.home.schedule.problem import Problem, Worth, build
from varme.home.schedule.relaxed import Relaxed
from varme.home.schedule.search import Effort, Planner
from varme.physics.building import one_node

#: Price of a kelvin and hour outside a band: far above what heat costs, so that bands are kept where they can be.
DEAR_CENT_PER_K_H = 2000.0


def plant_of(case: Parity) -> tuple[Plant, State]:
    """Return the home as numbers of varme's components, and its state at the start.

    EMHASS's steps are explicit Euler: the capacity is chosen so that varme's exact step keeps the same share.
    """
    n, h, zeros = case.n, case.step_h, np.zeros(case.n)
    start = datetime(2025, 1, 15, 12, tzinfo=UTC)
    grid = TimeGrid.between(start, start + timedelta(hours=n * h), step_min=round(60 * h), timezone="UTC")
    seen = Surroundings(grid, "UTC", case.outdoor, zeros + 8.0, zeros + 10.0, zeros)
    capacity = -case.loss_kw_per_k * h / np.log(1 - case.loss_kw_per_k * h / case.mass_kwh_per_k)
    low, high = np.full(n, case.room_min_c), np.full(n, case.room_max_c)
    low[-1], high[-1] = -50.0, 80.0
    cop = np.stack([case.cop_room, case.cop_water])
    floor = case.power_kw if case.strict else case.power_min_kw
    pump = HeatPumpNumbers(
        MODES, floor * cop, case.power_kw * cop, np.zeros_like(cop), 1 / cop, np.ones(n), 0.0, 0.0, 0.0, 0.0, 0.0
    )  # fmt: skip
    within = np.flatnonzero(case.car)
    car = DeferrableLoad(
        name="car", run="free", power_kw=case.car_kw, duration_min=60 * case.car_kwh / case.car_kw, missed_eur=100.0,
        from_h=(12 + within[0] * h) % 24, to_h=(12 + (within[-1] + 1) * h) % 24,
    )  # fmt: skip
    plant = Plant(
        seen,
        GridNumbers(case.grid_kw, case.grid_kw, 100 * case.buy, 100 * case.sell, zeros, case.load, case.pv),
        HouseNumbers(
            one_node(case.loss_kw_per_k, float(capacity)), zeros, case.outdoor, low, high, DEAR_CENT_PER_K_H, 100.0
        ),
        pump,
        TankNumbers(
            1 / case.tank_k_per_kwh, 1e-7, 20.0, case.tank_min_c, case.tank_max_c, case.draw / h + case.tank_loss_kw,
            DEAR_CENT_PER_K_H,
        ),
        BatteryNumbers(
            case.battery_kwh, case.battery_kw, case.battery_one_way, 0.0, case.battery_min * case.battery_kwh
        ),
        (),
        (deferrable_load.compiled(car, seen),),
    )  # fmt: skip
    state = State(
        np.array([case.room_start_c]), np.array([case.tank_start_c]), case.battery_start * case.battery_kwh
    )
    return plant, state


def problem_of(case: Parity) -> Problem:
    """Return the product's model of the home.

    As in EMHASS the battery ends as it began, nothing left is worth anything, and the end of the last step is free.
    """
    plant, state = plant_of(case)
    problem = build(plant, Slots.even(0, case.n, case.step_h), state, Worth(np.zeros(1), 0.0, 0.0, 0.0))
    last = problem.model.vars["battery.level"].now[-1]
    problem.arrays.col_lower[last] = problem.arrays.col_upper[last] = case.battery_start * case.battery_kwh
    problem.arrays.row_lower[problem.model.rows["tank.comfort"].index[-1]] = -np.inf
    return problem


def planned(case: Parity, gap: float) -> Planner:
    """Plan the home with the product's planner."""
    problem = problem_of(case)
    planner = Planner(problem, Relaxed(problem), Effort(gap_share=gap, gap_cent=0.0))
    planner.run([])
    return planner
