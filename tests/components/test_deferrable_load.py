"""Loads that may wait: against every plan that there is, over windows, midnights and clock changes."""

from __future__ import annotations

import itertools
from datetime import datetime

import numpy as np
import pytest

from tests.home import tiny
from varme.components.deferrable_load import (
    DeferrableLoad,
    DeferrableNumbers,
    LoadState,
    block,
    compiled,
    due,
    set_start,
    step,
)
from varme.components.home import Slots, Surroundings
from varme.ground.errors import InputError
from varme.ground.spec import parse
from varme.ground.timegrid import TimeGrid
from varme.kernel.highs import Solver
from varme.kernel.model import Floats, Model


def surroundings(start: str, end: str, step_min: int = 60, timezone: str = "UTC") -> Surroundings:
    grid = TimeGrid.between(
        datetime.fromisoformat(start), datetime.fromisoformat(end), step_min=step_min, timezone=timezone
    )
    zeros = np.zeros(grid.n)
    return Surroundings(grid, timezone, zeros, zeros, zeros, zeros)


DAY = surroundings("2025-01-14T00:00:00+00:00", "2025-01-15T00:00:00+00:00")


def solved(
    numbers: DeferrableNumbers, price: Floats, slots: Slots, state: LoadState | None = None
) -> tuple[float, Floats, Floats]:
    """Return cost, power and starts of the cheapest plan; the load alone at a price per kWh."""
    model = Model(slots.n)
    made = block(numbers, model, slots, state)
    power = made.ports[0].var
    bought = model.var("bought", cost=price * slots.step_h)
    model.add("bus", [(1.0, bought.now), (-1.0, power.now)], lower=0.0, upper=0.0)
    model.assemble()
    set_start(numbers, model, state)
    found = Solver(model.arrays).run()
    assert found.status == "optimal"
    start = model.vars.get(f"load.{numbers.name}.start")
    return found.objective, found.x[power.now], found.x[start.now] if start else np.zeros(slots.n)


PRICES = np.random.default_rng(7).uniform(-5, 40, 24)


def test_a_block_starts_where_enumeration_finds_it_cheapest() -> None:
    load = DeferrableLoad(run="block", profile_kw=[2.0, 0.5, 1.0], profile_step_min=60, from_h=6, to_h=22)
    cost, power, _ = solved(compiled(load, DAY), PRICES, Slots.even(0, 24, 1.0))
    shape = np.array([2.0, 0.5, 1.0])
    best = min(range(6, 20), key=lambda s: float(shape @ PRICES[s : s + 3]))
    assert cost == pytest.approx(float(shape @ PRICES[best : best + 3]))
    assert power[best : best + 3] == pytest.approx(shape)


@pytest.mark.parametrize(("starts", "piece"), [(0, 0.0), (1, 0.0), (2, 0.0), (0, 120.0), (2, 120.0)])
def test_pieces_are_as_cheap_as_the_best_of_all_on_off_patterns(starts: int, piece: float) -> None:
    load = DeferrableLoad(
        run="pieces",
        power_kw=1.5,
        duration_min=240,
        from_h=2,
        to_h=14,
        starts_count_max=starts,
        piece_min=piece,
    )
    cost, power, _ = solved(compiled(load, DAY), PRICES, Slots.even(0, 24, 1.0))
    patterns = []
    for hours in itertools.combinations(range(2, 14), 4):
        runs = [len(list(g)) for _, g in itertools.groupby(enumerate(hours), lambda p: p[1] - p[0])]
        if (not starts or len(runs) <= starts) and min(runs) >= piece / 60:
            patterns.append(1.5 * PRICES[list(hours)].sum())
    assert cost == pytest.approx(min(patterns))
    assert set(np.round(power, 9)) == {0.0, 1.5}


def test_a_price_of_starts_is_paid_per_start() -> None:
    load = DeferrableLoad(
        run="pieces", power_kw=1.0, duration_min=180, from_h=0, to_h=12, start_cost_eur=0.12
    )
    cost, _, starts = solved(compiled(load, DAY), PRICES, Slots.even(0, 24, 1.0))
    best = min(
        PRICES[list(hours)].sum() + 12 * sum(h - 1 not in hours for h in hours)
        for hours in itertools.combinations(range(12), 3)
    )
    assert cost == pytest.approx(best)
    assert starts.sum() >= 1


def test_a_free_load_fills_the_cheapest_hours_up_to_its_power() -> None:
    load = DeferrableLoad(run="free", power_kw=3.7, duration_min=240, from_h=17, to_h=6)
    seen = surroundings("2025-01-14T12:00:00+00:00", "2025-01-15T12:00:00+00:00")
    cost, power, _ = solved(compiled(load, seen), PRICES, Slots.even(0, 24, 1.0))
    window = np.sort(PRICES[5:18])
    assert cost == pytest.approx(3.7 * window[:4].sum())
    assert power.sum() == pytest.approx(14.8)
    assert power[:5].sum() + power[18:].sum() == pytest.approx(0.0)


def test_a_run_is_missed_only_where_the_price_of_missing_it_is_lower() -> None:
    dear = np.full(24, 300.0)
    load = DeferrableLoad(run="block", power_kw=2.0, duration_min=120, from_h=8, to_h=12, missed_eur=5.0)
    cost, power, _ = solved(compiled(load, DAY), dear, Slots.even(0, 24, 1.0))
    assert cost == pytest.approx(500.0)
    assert power.sum() == pytest.approx(0.0)


@pytest.mark.parametrize(("day", "hours"), [("2025-03-30", 23), ("2025-10-26", 25)], ids=["spring", "autumn"])
def test_windows_follow_the_wall_clock_on_days_of_23_and_25_hours(day: str, hours: int) -> None:
    end = datetime.fromisoformat(day).replace(day=int(day[-2:]) + 1).date().isoformat()
    seen = surroundings(day, end, timezone="Europe/Copenhagen")
    assert seen.grid.n == hours
    numbers = compiled(DeferrableLoad(from_h=20, to_h=23, duration_min=60), seen)
    assert numbers.end[0] - numbers.first[0] == 3
    assert seen.local_h[numbers.first[0]] == 20


def test_a_window_over_midnight_is_one_task_and_one_beyond_the_plan_is_left_to_the_next() -> None:
    seen = surroundings("2025-01-14T12:00:00+00:00", "2025-01-16T12:00:00+00:00")
    numbers = compiled(DeferrableLoad(from_h=22, to_h=6, duration_min=60), seen)
    assert numbers.first.tolist() == [10, 34]
    assert numbers.end.tolist() == [18, 42]
    assert [k for k, _ in due(numbers, Slots.even(0, 40, 1.0))] == [0]
    short = surroundings("2025-01-14T12:00:00+00:00", "2025-01-15T02:00:00+00:00")
    assert compiled(DeferrableLoad(from_h=22, to_h=6, duration_min=60), short).end.tolist() == [18]


def test_only_the_days_that_are_named_have_a_window() -> None:
    seen = surroundings("2025-01-13T00:00:00+00:00", "2025-01-20T00:00:00+00:00")
    numbers = compiled(DeferrableLoad(from_h=8, to_h=12, days=["mon", "sat"]), seen)
    assert numbers.first.tolist() == [8, 5 * 24 + 8]


def test_a_block_that_has_begun_goes_on_and_does_not_start_again() -> None:
    load = DeferrableLoad(run="block", profile_kw=[2.0, 1.0, 0.5], profile_step_min=60, from_h=0, to_h=12)
    state = LoadState(done_min=60, running=True)
    _, power, starts = solved(compiled(load, DAY), PRICES, Slots.even(0, 24, 1.0), state)
    assert power[:3] == pytest.approx([1.0, 0.5, 0.0])
    assert starts.sum() == pytest.approx(0.0)


def test_what_is_done_is_not_done_again() -> None:
    load = DeferrableLoad(run="pieces", power_kw=1.0, duration_min=240, from_h=0, to_h=12)
    state = LoadState(done_min=180)
    _, power, _ = solved(compiled(load, DAY), np.abs(PRICES), Slots.even(0, 24, 1.0), state)
    assert power.sum() == pytest.approx(1.0)


def test_uneven_slots_keep_the_energy_of_a_block() -> None:
    seen = surroundings("2025-01-14T00:00:00+00:00", "2025-01-15T00:00:00+00:00", step_min=15)
    load = DeferrableLoad(
        run="block", profile_kw=[2.0, 0.4, 0.0, 1.2], profile_step_min=20, from_h=0, to_h=20
    )
    slots = Slots(0, np.array([1] * 16 + [2] * 8 + [4] * 16, dtype=np.int32), 0.25)
    price = np.concatenate([np.full(16, 30.0), np.full(24, 10.0)])
    cost, power, _ = solved(compiled(load, seen), price, slots)
    assert float(power @ slots.step_h) == pytest.approx(1.2)
    assert cost == pytest.approx(12.0)


def test_a_run_longer_than_its_window_is_refused_with_both_lengths() -> None:
    with pytest.raises(InputError) as told:
        parse(DeferrableLoad, {"duration_min": 300, "from_h": 22, "to_h": 2}, "test")
    assert "P160" in str(told.value)
    assert "300 min" in str(told.value)
    assert "240 min" in str(told.value)


def test_a_simulated_load_stops_when_its_energy_is_reached() -> None:
    numbers = compiled(DeferrableLoad(run="free", power_kw=2.0, duration_min=60), DAY)
    done = np.array([0.0, 1.7, 2.0])
    power, after = step(numbers, done, np.full(3, 5.0), np.array([1.0, 1.0, 1.0]), 0.25)
    assert power == pytest.approx([2.0, 1.2, 0.0])
    assert after == pytest.approx([0.5, 2.0, 2.0])


def test_a_study_with_loads_plans_them_within_their_windows() -> None:
    washing = {"name": "washing", "power_kw": 1.0, "duration_min": 120, "from_h": 8, "to_h": 20}
    with_load = tiny.run(deferrable_loads=[washing])
    without = tiny.run()
    more = with_load.summary["import_kwh"].value - without.summary["import_kwh"].value
    assert more == pytest.approx(2.0, abs=0.75)  # the battery may lose a little more or less
    assert with_load.summary["cost_eur"].value > without.summary["cost_eur"].value


def test_two_loads_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="P112"):
        tiny.run(deferrable_loads=[{"name": "pump"}, {"name": "pump"}])
