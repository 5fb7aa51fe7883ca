"""The scenario plan beside the deterministic one: both first decisions judged by the same model on fresh scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from varme.components.home import Slots
from varme.ground.context import Context
from varme.home.plant import Plant, State
from varme.home.scenarios.generate import Maker, drawn, forecast
from varme.home.scenarios.spec import ScenariosSpec
from varme.home.scenarios.two_stage import (
    Recourse,
    Risk,
    ScenarioPlan,
    first_of,
    scenario_plan,
)
from varme.home.schedule.problem import Worth, build, worth_of
from varme.home.spec import HomeFields
from varme.kernel.model import Floats

#: Fresh scenarios start this far from those of the plan, so none is met twice.
FRESH_SEED = 1_000_000


@dataclass(frozen=True, eq=False)
class Judged:
    """Costs of first decisions over scenarios [cent].

    Attributes:
        scenario_cent: After the scenario plan's decisions, (R,).
        forecast_cent: After the deterministic plan's, (R,).
        deviated: Scenarios in which a decision could not be carried out, of either plan.
    """

    scenario_cent: Floats
    forecast_cent: Floats
    deviated: int

    @property
    def saved_cent(self) -> float:
        """Mean saving by the scenario plan: the value of the stochastic solution."""
        return float(np.mean(self.forecast_cent - self.scenario_cent))

    @property
    def saved_error_cent(self) -> float:
        """Standard error of it: pairs of opposite scenarios count as one observation each."""
        saved = self.forecast_cent - self.scenario_cent
        pairs = saved[: len(saved) // 2 * 2].reshape(-1, 2).mean(axis=1)
        return float(pairs.std(ddof=1) / np.sqrt(len(pairs))) if len(pairs) > 1 else float("nan")


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a plan under uncertainty.

    Attributes:
        plan: The scenario plan.
        plants: The home as each of its scenarios has it.
        certain: The deterministic plan: the forecast as its only scenario, the same model.
        inside: Both judged on the plan's own scenarios.
        outside: Both judged on fresh scenarios; ``None`` if not asked for.
        slots: The slots.
        state: The state at the start.
    """

    plan: ScenarioPlan
    plants: list[Plant]
    certain: ScenarioPlan
    inside: Judged
    outside: Judged | None
    slots: Slots
    state: State


def slots_of(spec: ScenariosSpec, first: int, length: int, base_h: float) -> Slots:
    """Return the slots of a scenario plan: growing with lead time if ``coarse``.

    Args:
        spec: The section.
        first: First base step.
        length: Base steps.
        base_h: Length of a base step [h].
    """
    if not spec.coarse:
        return Slots.even(first, length, base_h)
    edges = [0]
    while edges[-1] < length:
        lead = edges[-1] * base_h
        each = 1 if lead < 2 - 1e-9 else (2 if lead < 8 - 1e-9 else 4)
        edges.append(min(edges[-1] + each, length))
    return Slots(first, np.diff(edges).astype(np.int32), base_h)


def first_count(spec: ScenariosSpec, slots: Slots) -> int:
    """Return how many slots have decisions that are the same in all scenarios: at least one."""
    return max(1, int(np.sum(slots.start_h * 60 < spec.first_min - 1e-9)))


def plan_under_uncertainty(
    study: HomeFields, spec: ScenariosSpec, context: Context, state: State, *, fresh: int | None = None
) -> Outcome:
    """Plan a home under uncertainty and compare with the deterministic plan.

    Args:
        study: The home and its forecast.
        spec: Scenarios and risk.
        context: Where the study's files are.
        state: The state at the start.
        fresh: Fresh scenarios for the comparison; those of the spec if not given.

    Raises:
        VarmeError: as :func:`varme.home.case.load_case`, or if a scenario has no plan.
    """
    maker = Maker.of(study, context)
    grid = maker.forecast.seen.grid
    slots = slots_of(spec, 0, grid.n, grid.step_h)
    count, cars = first_count(spec, slots), len(study.vehicles)
    risk = Risk(spec.risk_share, spec.confidence_share)
    worth = worth_of(maker.forecast.take(slots), slots)
    errors = drawn(spec, spec.scenarios_count, grid.n, grid.step_h, cars, spec.seed)
    plants = [maker.plant(one) for one in errors]
    plan = scenario_plan(plants, slots, state, worth=worth, risk=risk, first_count=count)
    same = maker.plant(forecast(grid.n, cars))
    certain = scenario_plan([same], slots, state, worth=worth, first_count=count)
    other = np.array([one.cost(certain.x)[0] for one in plan.recourses])
    for one in plan.recourses:
        one.cost(plan.x)
    inside = Judged(plan.costs_cent, other, 0)
    number = spec.fresh_count if fresh is None else fresh
    outside = None
    if number:
        seed = spec.seed + FRESH_SEED
        news = (maker.plant(one) for one in drawn(spec, number, grid.n, grid.step_h, cars, seed))
        outside = judged(plan, certain, list(news), slots, state, worth)
    return Outcome(plan, plants, certain, inside, outside, slots, state)


def judged(
    plan: ScenarioPlan,
    certain: ScenarioPlan,
    plants: Sequence[Plant],
    slots: Slots,
    state: State,
    worth: Worth,
) -> Judged:
    """Judge both first decisions by the same recourse model on other scenarios.

    Args:
        plan: The scenario plan.
        certain: The deterministic plan.
        plants: The home as each scenario has it.
        slots: The slots.
        state: The state at the start.
        worth: Terminal values.
    """
    ours, theirs, deviated = [], [], 0
    like = plan.recourses[0]
    count = int(plan.first.slots.max()) + 1 if len(plan.first.slots) else 1
    for plant in plants:
        problem = build(plant, slots, state, worth)
        one = Recourse(problem, first_of(problem, count), like)
        ours.append(one.cost(plan.x)[0])
        off = one.deviation()
        theirs.append(one.cost(certain.x)[0])
        deviated += max(off, one.deviation()) > 1e-6
    return Judged(np.array(ours), np.array(theirs), deviated)
