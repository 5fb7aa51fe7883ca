"""The stages of one search; see :mod:`varme.kernel.search`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import highspy
import numpy as np

from varme.ground.errors import ModelError, Problem, SolverError
from varme.kernel.blocks import (
    BlockAnswer,
    Relaxation,
    column_steps,
    gap_by_step,
    improve,
    lift,
    penalised,
    relaxation,
    surroundings,
)
from varme.kernel.check import FEASIBILITY_TOLERANCE, violation
from varme.kernel.cuts import CoverSeparator, Cuts, joined, none
from varme.kernel.dive import Plan, mixed, rounded, solve_fixed
from varme.kernel.effort import Effort, SearchResult, Step
from varme.kernel.highs import Solution, Solver, require_optimal
from varme.kernel.model import Arrays, Commitment, Floats, Ints
from varme.kernel.trajectories import TrajectorySeparator

#: Tried after the effort's own thresholds as long as no plan is known.
LAST_THRESHOLDS = (0.02, 0.3, 0.0)
#: Steps before and after a penalised one that are planned again with it.
MEND_BEFORE, MEND_AFTER = 2, 3
#: Rounds at most, the next one only if the last one brought something.
MEND_ROUNDS = 3
#: A mending MIP stops at this share of the penalty paid.
MEND_SHARE = 0.2


@dataclass(frozen=True)
class Prepared:
    """What a search reads off a matrix once.

    Attributes:
        arrays: The model; its numbers may change between runs, the matrix may not.
        commitments: Its on/off devices.
        integers: Its integer columns.
        covers: Finds cover inequalities.
        trajectories: Finds trajectory inequalities.
        col_step: Step of each column.
        ungated: Columns whose amount no status decides.
    """

    arrays: Arrays
    commitments: list[Commitment]
    integers: Ints
    covers: CoverSeparator
    trajectories: TrajectorySeparator
    col_step: Ints
    ungated: Ints


def prepare(arrays: Arrays, commitments: Sequence[Commitment]) -> Prepared:
    """Read off a matrix what its searches need."""
    free = ~arrays.integer
    for unit in commitments:
        for columns in (unit.level, unit.start, unit.stop):
            if columns is not None:
                free[columns] = False
    return Prepared(
        arrays,
        list(commitments),
        np.flatnonzero(arrays.integer).astype(np.int32),
        CoverSeparator(arrays, commitments),
        TrajectorySeparator(arrays, commitments),
        column_steps(arrays, commitments),
        np.flatnonzero(free).astype(np.int32),
    )


@dataclass
class Run:
    """One run's state: the best plan, the bound, the cuts, the counters."""

    solver: Solver
    parent: Prepared
    effort: Effort
    time_limit_s: float
    where: str
    plan: Plan | None = None
    bound: float = -np.inf
    cuts: list[Cuts] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    iterations: int = 0
    n_lps: int = 0
    n_mips: int = 0
    nodes: int = 0
    late: bool = False

    def __post_init__(self) -> None:
        self.began = time.monotonic()
        self.clock = time.process_time()
        self.arrays = self.parent.arrays
        self.own_rows = len(self.arrays.row_lower)
        self.solves = 0

    # ------------------------------------------------------------------ stages
    def search(self, start: Floats | None) -> SearchResult:
        """Run the stages; the solver is put back in order whatever happens."""
        self.solver.relax(True)
        root = require_optimal(self._lp(), self.where)
        basis, kept = self.solver.highs.getBasis(), self.solver.basis()
        self.bound = root.objective
        self._log("lp")
        try:
            self._stages(root, basis, start)
        finally:
            self._restore(basis)
        if self.plan is None:
            self._whole()
        assert self.plan is not None
        return SearchResult(
            self.plan.x, self.plan.objective, min(self.bound, self.plan.objective), self.iterations, self.n_lps,
            self.n_mips, self.nodes, self.late, tuple(self.steps), self.plan.row_dual, root.objective, root.row_dual,
            kept,
        )  # fmt: skip

    def _stages(self, root: Solution, basis: object, start: Floats | None) -> None:
        if start is not None and violation(self.arrays, start)[0] <= FEASIBILITY_TOLERANCE:
            self._offer(start)
        if not len(self.parent.integers):
            self._offer(root.x, root.row_dual)
            return
        relaxed = self._relaxation(root)
        if self.effort.first_dive and not self._done():
            self._dive(relaxed, basis)
        if not self._done():
            self._free()
            self.solver.highs.setBasis(basis)
            relaxed = self._relaxation(self._cut(root))
            self._dive(relaxed, self._loosened())
        self._mend(relaxed)
        for number in range(self.effort.passes):
            if self.plan is None or self._done():
                break
            self._improve(relaxed, shift=(number % 2) * self.effort.block_steps // 2)
            if number == 0 and not self._done():
                self._lift(relaxed)
        if self.steps[-1].stage in ("improve", "lift"):
            self._mend(relaxed)
        if self.plan is not None and self.plan.row_dual is None:
            self._settle(self.plan.x)
            self._log("settle")

    def _cut(self, answer: Solution) -> Solution:
        """Add violated inequalities in rounds, as long as the bound rises."""
        rows = 0
        for _ in range(self.effort.cut_rounds):
            cuts = joined([self.parent.covers(self.arrays, answer.x), self.parent.trajectories(answer.x)])
            if not len(cuts) or self._over():
                break
            self._add(cuts)
            rows += len(cuts)
            further = self._lp()
            if further.status == "infeasible" and self.plan is None:
                raise self._no_plan()
            if further.status != "optimal":
                raise SolverError(
                    Problem("P401", self.where, "the LP with cuts was not solved", value=further.status)
                )
            rise, answer = further.objective - answer.objective, further
            self.bound = max(self.bound, answer.objective)
            if rise < self.effort.cut_progress * abs(answer.objective):
                break
        self._log("cuts", rows)
        return answer

    def _loosened(self) -> object:
        """Return the basis of the LP with cuts and take the cuts' limits away.

        With whole statuses they say nothing new, and the duals of what is left are those of the model's own rows.
        """
        basis, count = self.solver.highs.getBasis(), sum(len(cuts) for cuts in self.cuts)
        rows = np.arange(self.own_rows, self.own_rows + count, dtype=np.int32)
        self.solver.highs.changeRowsBounds(count, rows, np.full(count, -np.inf), np.full(count, np.inf))
        return basis

    def _dive(self, relaxed: Relaxation, basis: object) -> None:
        """Round at every threshold, then put the best blocks together; every LP starts from ``basis``."""
        parent, plans = self.parent, []
        for number, threshold in enumerate((*self.effort.thresholds, *LAST_THRESHOLDS)):
            if number >= len(self.effort.thresholds) and self.plan is not None:
                break
            values = rounded(parent.commitments, self.arrays, parent.integers, relaxed.x, threshold)
            self.solver.highs.setBasis(basis)
            plan = self._fixed(values)
            if plan is not None:
                plans.append(plan)
            if self._done():
                break
        if len(plans) > 1 and not self._done():
            best = min(plans, key=lambda plan: plan.objective)
            values = mixed(relaxed, plans, self.effort.mix_steps)[parent.integers]
            if not np.array_equal(values, best.x[parent.integers]):
                self._fixed(values)
        self._log("dive")

    def _improve(self, relaxed: Relaxation, shift: int) -> None:
        """Neighbourhoods in time, largest gap first, then one LP over all steps with the statuses found."""
        assert self.plan is not None
        steps, x = self.effort.block_steps, self.plan.x
        for first, end, gap in self._worst(relaxed, x, steps, shift)[: self.effort.block_solves]:
            if self._over() or float(self.arrays.cost @ x) + self.arrays.offset <= self._aim():
                break
            tolerance = self.effort.block_share * gap
            answer = self._count(improve(relaxed, x, first, end, abs_gap=tolerance, nodes=self.effort.nodes))
            x = x if answer.x is None else answer.x
        self._settle(x)
        self._log("improve")

    def _mend(self, relaxed: Relaxation) -> None:
        """Plan the steps again in which the plan pays a penalty that the LP does not."""
        if self.plan is None:
            return
        found = False
        for _ in range(MEND_ROUNDS):
            x = self.plan.x
            paid = penalised(relaxed, self.parent.ungated, x)
            found |= bool(paid.any())
            for first, end, amount in surroundings(paid, MEND_BEFORE, MEND_AFTER)[: self.effort.mends]:
                if self._over():
                    break
                tolerance = MEND_SHARE * amount
                answer = self._count(
                    improve(relaxed, x, first, end, abs_gap=tolerance, nodes=self.effort.nodes)
                )
                x = x if answer.x is None else answer.x
            if x is self.plan.x or not self._offer(x):
                break
        if found:
            self._log("mend")

    def _settle(self, x: Floats) -> None:
        """Solve one LP over all steps with the statuses of ``x``; keep ``x`` if that gives nothing better."""
        if self._fixed(x[self.parent.integers]) is None:
            self._offer(x)

    def _lift(self, relaxed: Relaxation) -> None:
        """Price blocks, largest gap first; their gains add up because the blocks are one partition."""
        assert self.plan is not None
        x, bound = self.plan.x, relaxed.bound
        for first, end, gap in self._worst(relaxed, x, self.effort.lift_steps, 0)[: self.effort.lift_solves]:
            if self._over() or self._done():
                break
            tolerance = self.effort.lift_share * gap
            answer = self._count(lift(relaxed, x, first, end, abs_gap=tolerance, nodes=self.effort.nodes))
            bound += answer.gain
            self.bound = max(self.bound, bound)
        self._log("lift")

    def _whole(self) -> None:
        """Let HiGHS search the whole model, when no dive gave a feasible plan."""
        solver = self.solver
        solver.set(mip_rel_gap=self.effort.target, time_limit=max(1.0, self.time_limit_s))
        solver.relax(False)
        answer = solver.run()
        solver.relax(True)
        solver.set(mip_rel_gap=1e-4, time_limit=float("inf"))
        self.late |= answer.status == "time_limit"
        self.nodes += answer.nodes
        self.n_mips += 1
        if answer.status == "infeasible":
            raise self._no_plan()
        if answer.feasible:
            x = answer.x.copy()
            x[self.parent.integers] = np.round(x[self.parent.integers])
            self._offer(x)
            if self.plan is None:
                self._fixed(x[self.parent.integers])
                self._free()
        if self.plan is None:
            raise SolverError(
                Problem("P402", self.where, "no plan was found within the limits", value=answer.status)
            )
        self.bound = max(self.bound, min(answer.bound, self.plan.objective))
        self._log("whole")

    # ------------------------------------------------------------------ parts
    def _worst(self, relaxed: Relaxation, x: Floats, steps: int, shift: int) -> list[tuple[int, int, float]]:
        """Return the blocks of one partition with their gaps, largest first, without those that hardly matter."""
        length = relaxed.length
        starts = np.unique(np.concatenate([[0], np.arange(shift, length, steps)]))
        gaps = np.add.reduceat(gap_by_step(relaxed, x), starts)
        ends = np.append(starts[1:], length)
        least = 0.05 * self.effort.target * abs(relaxed.bound) / len(starts)
        order = [number for number in np.argsort(-gaps, kind="stable").tolist() if gaps[number] > least]
        return [(int(starts[number]), int(ends[number]), float(gaps[number])) for number in order]

    def _lp(self) -> Solution:
        answer = self.solver.run()
        self.n_lps += 1
        self.solves += 1
        self.iterations += answer.iterations
        return answer

    def _fixed(self, values: Floats) -> Plan | None:
        plan, iterations = solve_fixed(self.solver, self.parent.integers, values)
        self.n_lps += 1
        self.solves += 1
        self.iterations += iterations
        if plan is not None and not self._offer(plan.x, plan.row_dual):
            return None
        return plan

    def _offer(self, x: Floats, row_dual: Floats | None = None) -> bool:
        """Accept a plan if NumPy finds it feasible; keep it if it is the best, or as good and with prices."""
        if violation(self.arrays, x)[0] > FEASIBILITY_TOLERANCE:
            return False
        objective = float(self.arrays.cost @ x) + self.arrays.offset
        priced = self.plan is not None and self.plan.row_dual is None and row_dual is not None
        slack = 1e-9 * abs(objective) if priced else 0.0
        if self.plan is None or objective - slack < self.plan.objective:
            self.plan = Plan(x, objective, None if row_dual is None else row_dual[: self.own_rows])
        return True

    def _count(self, answer: BlockAnswer) -> BlockAnswer:
        self.n_mips += 1
        self.solves += 1
        self.nodes += answer.nodes
        self.iterations += answer.iterations
        return answer

    def _relaxation(self, answer: Solution) -> Relaxation:
        cuts = joined(self.cuts) if self.cuts else none()
        return relaxation(
            self.arrays,
            cuts,
            self.parent.col_step,
            answer.x,
            answer.row_dual,
            answer.reduced_cost,
            answer.objective,
        )

    def _add(self, cuts: Cuts) -> None:
        count, highest = len(cuts), np.full(len(cuts), np.inf)
        status = self.solver.highs.addRows(
            count, cuts.lower, highest, len(cuts.data), cuts.indptr[:-1], cuts.indices, cuts.data
        )
        if status != highspy.HighsStatus.kOk:
            raise SolverError(Problem("P401", "HiGHS", "adding cuts failed"))
        self.cuts.append(cuts)

    def _free(self) -> None:
        integers = self.parent.integers
        self.solver.change_bounds(integers, self.arrays.col_lower[integers], self.arrays.col_upper[integers])

    def _restore(self, basis: object) -> None:
        """Take the cuts out, free the statuses and set the relaxed LP's basis."""
        count = sum(len(cuts) for cuts in self.cuts)
        if count:
            rows = np.arange(self.own_rows, self.own_rows + count, dtype=np.int32)
            self.solver.highs.deleteRows(count, rows)
        self._free()
        self.solver.highs.setBasis(basis)

    def _no_plan(self) -> ModelError:
        return ModelError(Problem("P301", self.where, "the model has no feasible plan with whole statuses"))

    def _aim(self) -> float:
        return self.bound + self.effort.target * abs(self.bound)

    def _done(self) -> bool:
        return self.plan is not None and self.plan.objective <= self._aim()

    def _over(self) -> bool:
        self.late |= time.monotonic() - self.began > self.time_limit_s
        return self.late

    def _log(self, stage: str, rows: int = 0) -> None:
        now = time.process_time()
        objective = np.inf if self.plan is None else self.plan.objective
        self.steps.append(Step(stage, objective, self.bound, now - self.clock, self.solves, rows))
        self.clock, self.solves = now, 0
