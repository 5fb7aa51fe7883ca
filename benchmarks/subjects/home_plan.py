"""A plan of a home with every device: CPU time, certified gap, stability of the first hour, re-plans in closed loop."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import numpy as np

from benchmarks.measure import silence
from benchmarks.random_homes import REPORTED, RandomHome, random_home
from benchmarks.registry import Bar, Line, Options, subject
from varme.components.home import Slots
from varme.home.schedule.plan import Plan, make_plan
from varme.home.schedule.search import QUICK

#: Gap that counts as closed, whatever the cost of the day [cent].
FLOOR_CENT = 1.0


def gap_share(plan: Plan) -> float:
    """Return the certified gap as a share of the cost; 0 within the floor."""
    gap = plan.certificate.gap_abs
    return 0.0 if gap <= FLOOR_CENT else gap / max(abs(plan.certificate.objective), 1e-9)


def _planned(homes: list[RandomHome], hours: float, step_min: int) -> tuple[list[float], list[Plan]]:
    make_plan(homes[0].plant, homes[0].slots(hours, step_min), homes[0].state)
    seconds, plans = [], []
    for home in homes:
        slots = home.slots(hours, step_min)
        started = time.process_time()
        plans.append(make_plan(home.plant, slots, home.state))
        seconds.append(time.process_time() - started)
    return seconds, plans


@subject("home-plan", "a plan of a home with every device, random homes on random days of a year")
def home_plan(options: Options) -> Iterator[Line]:
    """Measure plans of random homes whose seeds were never tuned on."""
    count = 8 if options.quick else 24
    cases = [(24, 30, 15), (24, 15, 15), (48, 15, 15)] + ([] if options.quick else [(48, 5, 5)])
    shown: dict[tuple[int, int], list[Plan]] = {}
    for hours, step, base in cases:
        some = count if step > 5 else 4
        homes = [random_home(REPORTED + k, days=3, step_min=base) for k in range(some)]
        with silence():
            seconds, plans = _planned(homes, hours, step)
        shown[hours, step] = plans
        main = (hours, step) == (24, 15)
        name, arrays = f"{hours} h / {step} min", plans[0].problem.arrays
        size = f"{arrays.shape[0]} x {arrays.shape[1]}, {int(arrays.integer.sum())} whole"
        gaps = [gap_share(plan) for plan in plans]
        cents = statistics.median(plan.certificate.gap_abs for plan in plans)
        yield Line(f"{name}, build to plan", statistics.median(seconds), size=size, bar=Bar(0.040) if main else None,
                   note=f"median of {some}; p90 {1e3 * np.quantile(seconds, 0.9):.0f} ms")  # fmt: skip
        yield Line(f"{name}, gap, median", 100 * statistics.median(gaps), "%", bar=Bar(0.5) if main else None,
                   note=f"gaps up to 1 cent count as 0; {cents:.1f} cent")  # fmt: skip
        yield Line(
            f"{name}, gap, p95", float(100 * np.quantile(gaps, 0.95)), "%", bar=Bar(1.0) if main else None
        )
    worst = max(plan.residual_kwh for plans in shown.values() for plan in plans)
    yield Line("energy balance, worst", worst, "kWh", bar=Bar(1e-9))
    changed = 100 * _changed(shown[24, 15], shown[48, 15])
    yield Line("first hour changed by a doubled horizon", changed, "%", bar=Bar(5.0),
               note="compressor on or off otherwise for half an hour or more")  # fmt: skip
    with silence():
        cost = _loop(6 if options.quick else 20)
    yield Line("re-plan in closed loop, kept basis", cost, bar=Bar(0.013), note="40 uneven slots over 24 h")


def _changed(short: list[Plan], long: list[Plan]) -> float:
    """Return the share of homes whose compressor differs in two or more of the first four quarter-hours."""
    differs = []
    for one, other in zip(short, long, strict=True):
        a, b = (np.array([mode != "off" for mode in plan.modes[:4]]) for plan in (one, other))
        differs.append(bool(np.sum(a != b) >= 2))
    return float(np.mean(differs))


def _loop(steps: int) -> float:
    """Return the median CPU time of hourly re-plans over several homes."""
    seconds = []
    for seed in range(REPORTED, REPORTED + 6):
        home = random_home(seed, days=3)
        state, warm = home.state, None
        for hour in range(steps):
            slots = Slots(4 * hour, np.array([1] * 16 + [2] * 8 + [4] * 16, dtype=np.int32), 0.25)
            started = time.process_time()
            plan = make_plan(home.plant, slots, state, warm=warm, effort=QUICK)
            if hour:
                seconds.append(time.process_time() - started)
            state, warm = plan.first_state_after(4), plan.warm
    return statistics.median(seconds)
