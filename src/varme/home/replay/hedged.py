"""The planner under scenarios in closed loop: what is done until the next plan suits many futures at once.

At every plan, a deterministic plan of the believed home comes first, on the same slots. From it are taken the tank
temperatures at which the COP of hot water is read, the slot of a legionella duty and the starts of loads that may wait;
and its decisions are the first trial of the two-stage model, so the answer is no worse in that model than they are. The
first stage reaches to the next plan. What follows the weather at once (import, export, what the battery may take) is
that of the believed home after the first decisions.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from varme.components.home import Slots
from varme.home.plant import Plant, State
from varme.home.replay.beliefs import Belief
from varme.home.replay.loop import Answer
from varme.home.replay.spec import ReplaySpec
from varme.home.replay.uncertain import Cloud
from varme.home.scenarios.compare import slots_of
from varme.home.scenarios.spec import ScenariosSpec
from varme.home.scenarios.two_stage import Recourse, Risk, scenario_plan
from varme.home.schedule.plan import Plan, Warm, make_plan, tank_between
from varme.home.schedule.problem import Problem, build
from varme.home.spec import PlanSpec
from varme.kernel.check import Certificate
from varme.kernel.model import Floats

#: Gap at which the first decisions are good enough [cent].
GAP_CENT = 1.0
#: Most rounds of cuts of a plan.
ROUNDS = 15
#: Most rounds before them with relaxed whole numbers.
RELAXED_ROUNDS = 15


class Hedged:
    """A planner under scenarios.

    Args:
        belief: The home as the planner sees it.
        spec: How the home is run.
        plan_spec: How deterministic plans are made.
        scenarios: Scenarios and risk.
        vat_share: VAT on the energy price's error.
    """

    def __init__(
        self,
        belief: Belief,
        spec: ReplaySpec,
        plan_spec: PlanSpec,
        scenarios: ScenariosSpec,
        vat_share: float,
    ) -> None:
        self.belief, self.spec, self.plan_spec, self.scenarios = belief, spec, plan_spec, scenarios
        self.cloud = Cloud(belief, scenarios, spec.scenario_errors, vat_share)

    def slots(self, at: int) -> tuple[Slots, int]:
        """Return the slots of a plan, and how many of them are decided now: those that begin before the next plan."""
        grid, spec = self.belief.truth.seen.grid, self.spec
        length = min(round(spec.horizon_h / grid.step_h), grid.n - at)
        slots = slots_of(self.scenarios, at, length, grid.step_h)
        ahead_min = max(self.scenarios.first_min, spec.replan_min)
        return slots, max(1, int(np.sum(slots.start_h * 60 < ahead_min - 1e-9)))

    def __call__(self, at: int, state: State, warm: Warm | None) -> Answer:
        """See :class:`~varme.home.replay.loop.Planner`."""
        slots, count = self.slots(at)
        believed, plants = self.cloud.around(at, int(slots.counts.sum()))
        certain = make_plan(believed, slots, state, self.plan_spec, warm=warm)

        def model(plant: Plant) -> Problem:
            return _like(plant, certain)

        found = scenario_plan(
            plants, slots, state, worth=certain.problem.worth, first_count=count, gap_cent=GAP_CENT, rounds=ROUNDS,
            relaxed_rounds=RELAXED_ROUNDS,
            risk=Risk(self.scenarios.risk_share, self.scenarios.confidence_share), model=model,
            trial=lambda first: np.asarray(certain.x[first.columns]),
        )  # fmt: skip
        problem = model(believed)
        recourse = Recourse(problem, found.first, found.recourses[0])
        recourse.cost(found.x)
        x = _certain_first(recourse, found.x)
        said = Certificate(found.objective_cent, found.bound_cent, 0.0)
        plan = Plan(
            problem, x, said, np.zeros(len(problem.arrays.row_lower)), "scenarios", solves=found.solves
        )
        return Answer(plan, int(slots.edges[count]), certain.warm)


def _certain_first(recourse: Recourse, first_x: Floats) -> Floats:
    """Return what the believed home does after the first decisions; on/off decisions are those decided."""
    assert recourse.last is not None
    x = recourse.last.x[: recourse.columns].copy()
    whole = recourse.first.whole
    x[recourse.first.columns[whole]] = np.round(first_x[whole])
    return x


def _like(plant: Plant, certain: Plan) -> Problem:
    """Return the model of a scenario: hot water at the deterministic plan's tank temperatures, its duty and loads kept.

    Those begin once in many hours; relaxed they would be spread over all of them.
    """
    known = certain.problem
    problem = build(plant, certain.slots, known.state, known.worth, water_c=tank_between(known, certain.x))
    kept = [
        (problem.model.vars[name].now, np.round(certain.x[var.now]))
        for name, var in known.model.vars.items()
        if (name == "tank.duty" or name.startswith("load.")) and bool(np.all(known.arrays.integer[var.now]))
    ]
    if not kept:
        return problem
    lower, upper = problem.arrays.col_lower.copy(), problem.arrays.col_upper.copy()
    for columns, values in kept:
        lower[columns] = upper[columns] = values
    return replace(problem, arrays=replace(problem.arrays, col_lower=lower, col_upper=upper))
