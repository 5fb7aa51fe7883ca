"""A certified search for unit-commitment MILPs: bound first, then plans, then both where the gap still is.

Stages, each left as soon as the proven gap is at the target:

1. the relaxed LP, on the hot solver object;
2. cover and trajectory inequalities (:mod:`varme.kernel.cuts`, :mod:`varme.kernel.trajectories`);
3. rounding dives: hot LPs with fixed statuses (:mod:`varme.kernel.dive`);
4. neighbourhoods in time, largest local gap first (:func:`varme.kernel.blocks.improve`);
5. priced blocks that lift the bound (:func:`varme.kernel.blocks.lift`);
6. HiGHS on the whole model, only where no plan was found.

All limits count solves and nodes, so a run repeats itself; the time limit is a safety stop, and is reported. Every plan
is re-checked in NumPy before it counts. Nothing here knows energy.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import highspy
import numpy as np

from varme.ground.errors import ModelError, Problem, SolverError
from varme.kernel.blocks import BlockAnswer, Relaxation, column_steps, gap_by_step, improve, lift, relaxation
from varme.kernel.check import FEASIBILITY_TOLERANCE, violation
from varme.kernel.cuts import CoverSeparator, Cuts, joined, none
from varme.kernel.dive import Plan, mixed, rounded, solve_fixed
from varme.kernel.highs import Solution, Solver, require_optimal
from varme.kernel.model import Arrays, Commitment, Floats
from varme.kernel.trajectories import TrajectorySeparator

Quality = Literal["fast", "precise"]


#: Tried after the effort's own thresholds as long as no plan is known.
LAST_THRESHOLDS = (0.02, 0.3, 0.0)


@dataclass(frozen=True)
class Effort:
    """How hard to search.

    Attributes:
        target: Relative gap at which the search ends.
        first_dive: Whether to dive once before the cuts, which may already do.
        cut_rounds: Rounds of cuts at most.
        cut_progress: Relative rise of the bound per round below which cutting stops.
        thresholds: Rounding thresholds, as shares of the minimum level.
        mix_steps: Steps per block when the dives' plans are put together.
        block_steps: Steps per neighbourhood.
        block_solves: Neighbourhoods at most, per pass.
        passes: Passes over the neighbourhoods, each shifted by half a block.
        block_share: A neighbourhood's MIP stops at this share of the block's gap.
        lift_steps: Steps per priced block.
        lift_solves: Priced blocks at most.
        lift_share: A priced block's MIP stops at this share of the block's gap.
        nodes: Branch-and-bound nodes per block.
    """

    target: float
    first_dive: bool = False
    cut_rounds: int = 8
    cut_progress: float = 2e-5
    thresholds: tuple[float, ...] = (0.02, 0.1, 0.3)
    mix_steps: int = 6
    block_steps: int = 8
    block_solves: int = 28
    passes: int = 1
    block_share: float = 0.2
    lift_steps: int = 6
    lift_solves: int = 0
    lift_share: float = 0.2
    nodes: int = 60


EFFORTS: dict[Quality, Effort] = {
    "fast": Effort(target=7.5e-3, first_dive=True, cut_rounds=3, thresholds=(0.02,), block_solves=6),
    "precise": Effort(target=1e-3, thresholds=(0.1,), block_solves=16, lift_solves=24),
}


@dataclass(frozen=True)
class Step:
    """One stage's outcome: objective and bound after it, CPU seconds, LPs or MIPs solved, rows added."""

    stage: str
    objective: float
    bound: float
    cpu_s: float
    solves: int
    rows: int = 0


@dataclass(frozen=True)
class SearchResult:
    """A checked plan with its proof.

    Attributes:
        x: The plan, shape (n,).
        objective: Its objective, computed anew from ``x``.
        bound: Proven lower bound.
        lp_iterations: Simplex iterations in all.
        n_lps: LPs solved on the hot object.
        n_mips: Block MIPs solved.
        nodes: Branch-and-bound nodes in all.
        time_limit_hit: Whether the safety stop ended the search; only then may a second run differ.
        steps: What each stage brought.
    """

    x: Floats
    objective: float
    bound: float
    lp_iterations: int
    n_lps: int
    n_mips: int
    nodes: int
    time_limit_hit: bool
    steps: tuple[Step, ...]

    @property
    def gap_abs(self) -> float:
        """Objective minus bound, at least 0."""
        return max(0.0, self.objective - self.bound)

    @property
    def gap_rel(self) -> float:
        """Gap relative to the objective (0 if both are 0)."""
        return self.gap_abs / max(abs(self.objective), 1e-9) if self.gap_abs > 0 else 0.0


class Searcher:
    """A search that is prepared once for a matrix and run for every change of costs, bounds and limits.

    Args:
        solver: The hot solver that holds the model; treated as an LP. After a run it holds the model as before, with
            the relaxed LP's basis, from which the next window starts.
        arrays: The model; its numbers may change between runs, the matrix may not.
        commitments: Its on/off devices.
    """

    def __init__(self, solver: Solver, arrays: Arrays, commitments: Sequence[Commitment]) -> None:
        self.solver = solver
        self.arrays = arrays
        self.commitments = list(commitments)
        self.integers = np.flatnonzero(arrays.integer).astype(np.int32)
        self.covers = CoverSeparator(arrays, self.commitments)
        self.trajectories = TrajectorySeparator(arrays, self.commitments)
        self.col_step = column_steps(arrays, self.commitments)

    def run(
        self,
        quality: Quality = "fast",
        *,
        gap_target: float | None = None,
        time_limit_s: float = 3600.0,
        start: Floats | None = None,
        effort: Effort | None = None,
        where: str = "search",
    ) -> SearchResult:
        """Search for a plan and a bound.

        Args:
            quality: Preset of the effort.
            gap_target: Relative gap at which to end, in place of the preset's.
            time_limit_s: Wall-clock safety stop between solves.
            start: A plan to begin with, for example a shifted one; used if it is feasible.
            effort: Own effort in place of a preset.
            where: What is solved, for messages.

        Raises:
            ModelError: P301 if the relaxed LP, and so the model, or the MIP is infeasible, P302 if it is unbounded.
            SolverError: P402 if no plan was found within the limits.
        """
        chosen = effort or EFFORTS[quality]
        if gap_target is not None:
            chosen = replace(chosen, target=gap_target)
        return _Run(self, chosen, time_limit_s, where).search(start)


def search(
    solver: Solver,
    arrays: Arrays,
    commitments: Sequence[Commitment],
    *,
    quality: Quality = "fast",
    **options: object,
) -> SearchResult:
    """Search once; for many windows keep a :class:`Searcher`. Options as in :meth:`Searcher.run`."""
    return Searcher(solver, arrays, commitments).run(quality, **options)  # type: ignore[arg-type]


@dataclass
class _Run:
    """One run's state: the best plan, the bound, the cuts, the counters."""

    parent: Searcher
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
        self.solver, self.arrays = self.parent.solver, self.parent.arrays
        self.own_rows = len(self.arrays.row_lower)
        self.solves = 0

    # ------------------------------------------------------------------ stages
    def search(self, start: Floats | None) -> SearchResult:
        """Run the stages; the solver is put back in order whatever happens."""
        self.solver.relax(True)
        root = require_optimal(self._lp(), self.where)
        basis = self.solver.highs.getBasis()
        self.bound = root.objective
        self._log("lp")
        try:
            self._stages(root, start)
        finally:
            self._restore(basis)
        if self.plan is None:
            self._whole()
        assert self.plan is not None
        return SearchResult(
            self.plan.x, self.plan.objective, min(self.bound, self.plan.objective), self.iterations, self.n_lps,
            self.n_mips, self.nodes, self.late, tuple(self.steps),
        )  # fmt: skip

    def _stages(self, root: Solution, start: Floats | None) -> None:
        if start is not None and violation(self.arrays, start)[0] <= FEASIBILITY_TOLERANCE:
            self._offer(start)
        if not len(self.parent.integers):
            self._offer(root.x)
            return
        relaxed = self._relaxation(root)
        if self.effort.first_dive and not self._done():
            self._dive(relaxed)
        if not self._done():
            relaxed = self._relaxation(self._cut(root))
            self._dive(relaxed)
        for number in range(self.effort.passes):
            if self.plan is None or self._done():
                break
            self._improve(relaxed, shift=(number % 2) * self.effort.block_steps // 2)
            if number == 0 and not self._done():
                self._lift(relaxed)

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

    def _dive(self, relaxed: Relaxation) -> None:
        """Round at every threshold, then put the best blocks together."""
        parent, plans = self.parent, []
        basis = self.solver.highs.getBasis()
        for number, threshold in enumerate((*self.effort.thresholds, *LAST_THRESHOLDS)):
            if number >= len(self.effort.thresholds) and self.plan is not None:
                break
            values = rounded(parent.commitments, self.arrays, parent.integers, relaxed.x, threshold)
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
        self._free()
        self.solver.highs.setBasis(basis)
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
        self._fixed(x[self.parent.integers])
        self._offer(x)
        self._free()
        self._log("improve")

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
        if plan is not None and not self._offer(plan.x):
            return None
        return plan

    def _offer(self, x: Floats) -> bool:
        """Accept a plan if NumPy finds it feasible; keep it if it is the best."""
        if violation(self.arrays, x)[0] > FEASIBILITY_TOLERANCE:
            return False
        objective = float(self.arrays.cost @ x) + self.arrays.offset
        if self.plan is None or objective < self.plan.objective:
            self.plan = Plan(x, objective)
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
