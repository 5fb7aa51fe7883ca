"""A plan under uncertainty: twenty scenarios, first decisions in common, bound and gap."""

from __future__ import annotations

import statistics
import time
import tomllib
from collections.abc import Iterator

import numpy as np

from benchmarks.measure import silence
from benchmarks.registry import Bar, Line, Options, subject
from varme.ground.context import Context
from varme.home.case import state_of
from varme.home.scenarios.compare import first_count, slots_of
from varme.home.scenarios.generate import Maker, drawn
from varme.home.scenarios.spec import ScenariosSpec
from varme.home.scenarios.two_stage import Risk, ScenarioPlan, scenario_plan
from varme.home.spec import HomeStudy
from varme.home.templates import home_files

#: First seed of what is reported; development uses seeds below 1000.
SEED = 100_350
SCENARIOS = 20


def _study(number: int) -> HomeStudy:
    data = tomllib.loads(home_files()["study.toml"])
    data["synthetic"]["seed"] = SEED + number
    day = np.datetime64("2025-01-02") + int(np.random.default_rng([SEED, number]).integers(0, 360))
    data["time"] |= {"start": day.item(), "end": (day + 1).item()}
    return HomeStudy(**data)


def _planned(number: int, *, coarse: bool) -> tuple[float, ScenarioPlan]:
    """Return CPU seconds, from the scenarios' errors to the certified plan, and the plan."""
    study, spec = _study(number), ScenariosSpec(scenarios_count=SCENARIOS, seed=SEED + number, coarse=coarse)
    maker = Maker.of(study, Context())
    grid = maker.forecast.seen.grid
    state = state_of(study.state, study, maker.forecast)
    started = time.process_time()
    slots = slots_of(spec, 0, grid.n, grid.step_h)
    errors = drawn(spec, SCENARIOS, grid.n, grid.step_h, len(study.vehicles), spec.seed)
    plants = [maker.plant(one) for one in errors]
    risk = Risk(spec.risk_share, spec.confidence_share)
    plan = scenario_plan(plants, slots, state, risk=risk, first_count=first_count(spec, slots))
    return time.process_time() - started, plan


@subject("home-scenarios", "a plan of a home under 20 scenarios, with CVaR, bound and gap")
def home_scenarios(options: Options) -> Iterator[Line]:
    """Measure plans of random days: the slots of the default (growing), and even quarter-hours."""
    draws = 5 if options.quick else 20
    for coarse, name in ((True, "growing slots"), (False, "96 quarter-hours")):
        with silence():
            _planned(0, coarse=coarse)
            found = [_planned(k, coarse=coarse) for k in range(draws)]
        seconds = [s for s, _ in found]
        gaps = [p.gap_cent for _, p in found]
        size = f"{SCENARIOS} x {found[0][1].recourses[0].columns} columns"
        note = f"{draws} days; most {max(seconds):.2f} s"
        yield Line(f"20 scenarios, {name}", statistics.median(seconds), size=size, bar=Bar(1.0), note=note)
        yield Line(
            f"gap, {name}", max(gaps), "ct", bar=Bar(1.0), note="largest of all days; of the two-stage model"
        )
