"""The planner: a bound, a plan, the gap between them in cents, and what every slot and store is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from varme.components.home import Slots
from varme.ground.errors import ModelError
from varme.ground.errors import Problem as Trouble
from varme.home.plant import Plant, State
from varme.home.schedule.problem import Problem, Worth, build
from varme.home.spec import PlanSpec
from varme.kernel.check import Certificate, certify
from varme.kernel.highs import Solver, require_optimal
from varme.kernel.model import Floats
from varme.kernel.solve import priced


@dataclass(frozen=True, eq=False)
class Plan:
    """A plan of a home.

    Attributes:
        problem: The model that was solved.
        x: Values of its columns.
        certificate: Objective [cent], bound [cent], violation.
        row_dual: Duals of the rows with the on/off decisions fixed [cent per unit].
        status: ``optimal``, ``gap reached`` or ``effort spent``.
    """

    problem: Problem
    x: Floats
    certificate: Certificate
    row_dual: Floats
    status: str

    @property
    def slots(self) -> Slots:
        """The slots."""
        return self.problem.slots

    def value(self, name: str) -> Floats:
        """Return a variable over the slots; zeros if the plan has no such variable."""
        var = self.problem.model.vars.get(name)
        return np.zeros(self.slots.n) if var is None else self.x[var.now]

    @property
    def cost_cent(self) -> float:
        """What the plan costs, without the value of what is left in the stores and without wishes missed [cent]."""
        return sum(v for k, v in self.costs().items() if k not in WISHES)

    def costs(self) -> dict[str, float]:
        """Return cost by category [cent]."""
        out: dict[str, float] = {}
        for block in self.problem.blocks.values():
            for cost in block.costs:
                amount = float(np.sum(np.asarray(cost.coefficient) * self.x[cost.var.now]))
                out[cost.category] = out.get(cost.category, 0.0) + amount
        return out

    @property
    def modes(self) -> list[str]:
        """What the compressor does in each slot: off, room, water or cool."""
        out = np.full(self.slots.n, "off", dtype=object)
        pump = self.problem.plant.heat_pump
        for mode in pump.modes if pump is not None else ():
            out[self.value(f"heat_pump.{mode}_on") > 0.5] = mode
        return list(out)


#: Categories that price what was missed; they are reported apart from the cost.
WISHES = ("discomfort", "hot water missed", "missing at departure", "load not run")


def make_plan(
    plant: Plant, slots: Slots, state: State, spec: PlanSpec | None = None, worth: Worth | None = None
) -> Plan:
    """Plan a home.

    Args:
        plant: The home over its base grid.
        slots: The slots of the plan.
        state: The state at the start.
        spec: How the plan is made.
        worth: Terminal values.

    Raises:
        ModelError: P301 if there is no plan.
    """
    spec = spec or PlanSpec()
    problem = build(plant, slots, state, worth)
    solver = Solver(problem.arrays)
    solver.relax(True)
    relaxed = require_optimal(solver.run(), "home")
    solver.relax(False)
    solver.set(mip_rel_gap=1e-3, mip_abs_gap=spec.gap_cent, time_limit=60.0)
    found = solver.run()
    if not found.feasible:
        raise ModelError(Trouble("P301", "home", "the model has no feasible point"))
    x, row_dual = priced(problem.model, solver, found.x)
    objective = float(problem.arrays.cost @ x) + problem.arrays.offset
    bound = min(max(found.bound, relaxed.bound), objective)
    certificate = certify(problem.arrays, x, objective, bound, "home")
    return Plan(problem, x, certificate, row_dual, found.status)
