"""Patterns by dynamic programming, bounds and plans from windows: against enumeration and against branch and bound."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from scipy.optimize import linprog

from benchmarks.random_homes import RandomHome, random_home
from varme.components.home import Slots
from varme.home.schedule.dynamic import Cells, Dynamic, extra_cost, fits
from varme.home.schedule.plan import make_plan
from varme.home.schedule.problem import Problem, build
from varme.home.schedule.relaxed import Relaxed
from varme.home.schedule.runs import Rules
from varme.home.schedule.search import Effort, Planner
from varme.home.schedule.thorough import Closing, Thoroughness, disjoint, windows
from varme.home.spec import PlanSpec
from varme.kernel.highs import Solver
from varme.kernel.model import Floats


@lru_cache(maxsize=32)
def _home(seed: int) -> RandomHome:
    return random_home(seed)


def _tiny(seed: int, n: int = 6) -> tuple[Problem, Floats, Floats]:
    """Return a problem of some half hours with the duals and values of its relaxed LP."""
    home = _home(seed)
    problem = build(home.plant, Slots(0, np.full(n, 2, dtype=np.int32), 0.25), home.state)
    relaxed = Relaxed(problem)
    found = relaxed.run()
    return problem, relaxed.duals(found), found.x


def _rules(problem: Problem) -> Rules:
    assert problem.plant.heat_pump is not None
    return Rules.of(problem.plant.heat_pump, problem.slots, problem.state)


def _enumerated(program: Dynamic, rules: Rules) -> float:
    """Return the smallest cost over all sequences of actions, each gone through slot by slot."""
    problem, acts = program.problem, program.actions
    plant, hours = problem.plant, problem.slots.step_h
    assert plant.house is not None
    assert plant.tank is not None
    a, per_kw, rest = plant.house.steps(hours)
    keep = np.exp(-plant.tank.loss_kw_per_k * hours / plant.tank.capacity_kwh_per_k)
    warms = (1 - keep) / plant.tank.loss_kw_per_k
    fall = (1 - keep) * plant.tank.surroundings_c - warms * plant.tank.draw_kw
    top = problem.arrays.col_upper[problem.model.vars["tank.temperature"].now]
    best = np.inf
    for chosen in itertools.product(range(len(acts.mode)), repeat=rules.n):
        pattern = acts.mode[list(chosen)].astype(np.int64)
        if not rules.allows(pattern):
            continue
        room, tank, cost, on = problem.state.house_c, float(problem.state.tank_c.mean()), 0.0, rules.on_before
        for t, k in enumerate(chosen):
            room = a[t] @ room + per_kw[t] * acts.room_kw[t, k] + rest[t]
            tank = keep[t] * tank + warms[t] * acts.water_kw[t, k] + fall[t]
            if tank > top[t] + 1e-9:
                cost = np.inf
                break
            cost += acts.cost_cent[t, k] + rules.start_cent * (pattern[t] >= 0 and not on)
            cold, warm = plant.house.low_c[t] - room[0], room[0] - plant.house.high_c[t]
            cost += plant.house.discomfort_cent_per_k_h * hours[t] * max(cold, warm, 0.0)
            cost += plant.tank.missed_cent_per_k_h * hours[t] * max(plant.tank.low_c - tank, 0.0)
            on = pattern[t] >= 0
        left = float(problem.worth.room_cent_per_k @ room) + problem.worth.tank_cent_per_k * tank
        best = min(best, cost - left)
    return best


@pytest.mark.parametrize("seed", [3, 31, 12])
def test_with_fine_cells_it_is_an_enumeration(seed: int) -> None:
    problem, duals, x = _tiny(seed, 5)
    rules = _rules(problem)
    program = Dynamic(problem, rules, duals, Cells(1e-7, 1e-7, 10**6), x)
    told = program.run()
    assert told is not None
    assert told[1] == pytest.approx(_enumerated(program, rules), abs=1e-6)


def test_coarse_cells_never_beat_the_enumeration_and_keep_the_rules() -> None:
    for seed in range(8):
        problem, duals, x = _tiny(seed, 12)
        rules = _rules(problem)
        assert problem.plant.heat_pump is not None
        coarse = Dynamic(problem, rules, duals, Cells.of(problem.plant.heat_pump, 20), x).run()
        fine = Dynamic(problem, rules, duals, Cells.of(problem.plant.heat_pump, 2000), x).run()
        assert coarse is not None
        assert fine is not None
        assert rules.allows(coarse[0])
        assert rules.allows(fine[0])
        assert coarse[1] >= fine[1] - 0.5


def test_more_electricity_costs_what_the_cheapest_use_of_battery_vehicle_and_grid_costs() -> None:
    problem, duals, _ = _tiny(5, 12)
    plant, model = problem.plant, problem.model
    assert plant.battery is not None
    assert plant.heat_pump is not None
    store, car, grid = plant.battery, plant.vehicles[0], plant.grid
    stored = -duals[model.rows["battery.balance"].index]
    in_car = -duals[model.rows[f"vehicle.{car.name}.balance"].index]
    powers = np.array([0.0, 0.7, 2.5, 9.0])
    told = extra_cost(problem, duals, np.tile(powers, (problem.slots.n, 1)))
    for t in range(problem.slots.n):
        need = grid.load_kw[t] - grid.pv_kw[t] + plant.heat_pump.standby_kw
        costs = [
            grid.import_cent_per_kwh[t], -grid.export_cent_per_kwh[t], -store.one_way_share * stored[t],
            stored[t] / store.one_way_share + store.wear_cent_per_kwh, -car.charge_efficiency_share * in_car[t],
        ]  # fmt: skip
        most = [None, None, store.power_kw, store.power_kw, car.home[t] * car.charge_max_kw]
        found = [
            linprog(costs, A_eq=[[1, -1, -1, 1, -1]], b_eq=[need + p], bounds=[(0, m) for m in most]).fun
            for p in powers
        ]
        assert told[t] == pytest.approx(np.array(found) - found[0], abs=1e-6)


def test_a_home_with_a_second_path_of_heat_is_left_to_other_patterns() -> None:
    problem, _, _ = _tiny(3)
    assert fits(problem)
    assert not fits(replace(problem, plant=replace(problem.plant, heat_pump=None)))


def test_the_largest_sum_of_disjoint_windows() -> None:
    gains = {(0, 4): 1.0, (4, 8): 1.0, (2, 6): 2.5, (6, 8): 0.25, (0, 8): 2.6}
    assert disjoint(gains, 8) == pytest.approx(2.75)
    assert disjoint({}, 8) == 0.0


def test_windows_cover_the_plan_once_or_by_halves() -> None:
    home = _home(3)
    problem = build(home.plant, home.slots(24, 30), home.state)
    apart = windows(problem, 5.0, overlap=False)
    assert [slot for a, b in apart for slot in range(a, b)] == list(range(48))
    half = windows(problem, 6.0, overlap=True)
    assert half[0] == (0, 12)
    assert half[1] == (6, 18)
    assert half[-1][1] == 48


def test_the_raised_bound_never_passes_the_optimum_and_is_above_the_relaxed_one() -> None:
    raised = 0.0
    for seed in range(20):
        home = _home(seed)
        problem = build(home.plant, Slots(24, np.full(12, 2, dtype=np.int32), 0.25), home.state)
        planner = Planner(problem, Relaxed(problem), Effort(moves=0))
        root = planner.run([])
        asked = Thoroughness(gap_share=0.0, gap_cent=0.0, rounds=((2.0, 2.0), (3.0, 3.0)))
        closing = Closing(planner, asked)
        closing.run()
        exact = Solver(problem.arrays, mip_rel_gap=0.0, mip_abs_gap=1e-4).run()
        assert root.objective - 1e-6 <= planner.bound <= exact.objective + 1e-3, seed
        assert planner.best is not None
        assert planner.best.objective >= exact.objective - 1e-3
        raised += planner.bound - root.objective
    assert raised > 5.0


def test_a_thorough_plan_is_no_worse_and_its_gap_smaller_and_it_repeats_itself() -> None:
    home, slots = _home(10), _home(10).slots(24, 30)
    fast = make_plan(home.plant, slots, home.state)
    one, two = (make_plan(home.plant, slots, home.state, PlanSpec(quality="thorough")) for _ in range(2))
    assert one.x.tobytes() == two.x.tobytes()
    assert one.certificate == two.certificate
    assert one.certificate.max_violation < 1e-6
    assert one.certificate.objective <= fast.certificate.objective + 1e-6
    assert one.certificate.bound >= fast.certificate.bound - 1e-6
    gaps = [p.certificate.objective - p.certificate.bound for p in (fast, one)]
    assert gaps[1] < 0.8 * gaps[0] or gaps[1] < 1.0
