"""Replays: a year in closed loop, and plans executed minute by minute."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.measure import silence
from benchmarks.random_homes import REPORTED, random_home
from benchmarks.registry import Bar, Line, Options, subject
from varme.home.replay.beliefs import Belief
from varme.home.replay.loop import closed_loop
from varme.home.replay.spec import ForecastSpec, ReplaySpec
from varme.home.schedule.plan import make_plan
from varme.home.simulate.replay_plan import COST_FLOOR_CENT, replay_plan
from varme.home.spec import PlanSpec


@subject("home-replay", "a home in closed loop, hourly plans from forecasts", slow=True)
def home_replay(options: Options) -> Iterator[Line]:
    """Measure days of the closed loop at four seasons, scaled to a year; then plans against their replay in minutes."""
    days, seconds, plans = (2 if options.quick else 5), 0.0, 0
    with silence():
        for k, day in enumerate((15, 105, 196, 288)):
            home = random_home(REPORTED + k, days=days, day=day)
            started = time.process_time()
            belief = Belief(home.plant, ForecastSpec())
            done = closed_loop("plan", home.plant, home.state, belief, ReplaySpec(), PlanSpec())
            seconds += time.process_time() - started
            plans += done.plans
    note = f"{plans} plans of 24 h on {4 * days} days of four seasons, scaled to a year"
    yield Line(
        "a year, hourly plans",
        seconds * 8760 / plans,
        "s",
        size="full home, 24 h ahead",
        bar=Bar(120.0),
        note=note,
    )
    yield Line("one hour: forecast, plan, simulate", 1e3 * seconds / plans, "ms")
    yield from _executed(5 if options.quick else 20)


def _executed(count: int) -> Iterator[Line]:
    kelvin, cost, feasible = [], [], []
    with silence():
        for k in range(count):
            home = random_home(REPORTED + 100 + k, days=2)
            plan = make_plan(home.plant, home.slots(24, 15), home.state)
            done = replay_plan(home.plant, plan)
            kelvin.append(max(done.room_error_k, done.tank_error_k))
            bought = max(done.bought_cent, COST_FLOOR_CENT)
            cost.append(100 * abs(done.cost_cent - done.planned_cent) / bought)
            feasible.append(done.executable_share)
    yield Line(
        "plan in a 1-min replay: largest error",
        float(np.max(kelvin)),
        "K",
        size=f"{count} plans",
        bar=Bar(0.3),
    )
    yield Line(
        "cost error, median", float(np.median(cost)), "%", bar=Bar(1.0), note="of the electricity bought"
    )
    yield Line("cost error, 95th percentile", float(np.quantile(cost, 0.95)), "%")
    yield Line("executable share of the time", 100 * float(np.min(feasible)), "%", bar=Bar(100.0, "at_least"))
