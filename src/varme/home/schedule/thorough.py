"""Closing the gap on hard days: bounds from windows of some hours, better plans inside them.

On mild days a relaxed LP trickles: it runs the compressor at a twentieth of its smallest heat all day, so it needs
neither runs nor starts, and its bound is loose by a tenth and more. Two small MIPs per window mend that:

* the bound: the rows that cross the window's edges are priced with the LP's duals (:func:`varme.kernel.blocks.lift`);
  what the window's MIP costs more than the LP in the same window is a valid increase, and those of disjoint windows
  add up. Windows of several lengths are tried; the best disjoint choice among all of them counts. The status of a
  vehicle stays continuous: it adds little to the bound and half of the effort.
* the plan: everything that is decided outside a window is kept, what is inside is decided anew, all powers and levels
  of the whole horizon go along. A plan never gets worse.

Effort is counted in simplex iterations and nodes, never in seconds: two equal runs give equal bytes.

Sources: Lagrangian bounds, Geoffrion 1974 (doi:10.1007/BFb0120690); large neighbourhood search, Shaw 1998
(doi:10.1007/3-540-49481-2_30).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from varme.home.schedule.problem import Problem
from varme.home.schedule.search import Planner
from varme.kernel.blocks import BLOCK_OPTIONS, Relaxation, gap_by_step, lift, relaxation
from varme.kernel.cuts import Cuts
from varme.kernel.highs import Solver
from varme.kernel.model import Arrays, Floats, Ints


@dataclass(frozen=True)
class Thoroughness:
    """How far the gap of a plan is closed.

    Attributes:
        gap_share: Gap, relative to the cost, at which it ends.
        gap_cent: Gap at which it ends, whatever the cost.
        rounds: Hours of the windows: of the bound, and of the plan (0 for none), one round after the other.
        bound_nodes: Most nodes of a window of the bound.
        plan_nodes: Most nodes of a window of the plan.
        iterations: Simplex iterations of all windows after which no other is begun.
    """

    gap_share: float = 5e-3
    gap_cent: float = 1.0
    rounds: tuple[tuple[float, float], ...] = ((8.0, 6.0), (12.0, 8.0))
    bound_nodes: int = 100
    plan_nodes: int = 60
    iterations: int = 50_000


def close(planner: Planner, gap_cent: float, gap_share: float = Thoroughness.gap_share) -> None:
    """Close the gap of a planner that has a plan.

    Args:
        planner: The planner; it holds the better plan and the better bound afterwards.
        gap_cent: Gap that is small enough [cent].
        gap_share: Gap that is small enough, relative to the cost.
    """
    planner.effort = replace(planner.effort, gap_cent=gap_cent, gap_share=gap_share)
    if not planner.done():
        Closing(planner, Thoroughness(gap_share, gap_cent)).run()


@dataclass(eq=False)
class Closing:
    """Closes the gap of a planner that has a plan.

    Attributes:
        planner: The planner, its best plan found.
        asked: How far to go.
        x: The best plan's values.
        objective: Its objective [cent].
        gains: Increase of the bound by each window that was solved: first slot, end -> [cent].
        spent: Simplex iterations so far.
    """

    planner: Planner
    asked: Thoroughness
    gains: dict[tuple[int, int], float] = field(default_factory=dict)
    spent: int = 0

    def __post_init__(self) -> None:
        """Take over the planner's best plan and its root."""
        best, problem = self.planner.best, self.planner.problem
        assert best is not None
        self.x, self.objective = self.planner.whole(best), best.objective
        self.bound = self.root = self.planner.bound
        self.relaxed = relaxation_of(self.planner)
        self.step = self.relaxed.col_step
        self.integer = np.flatnonzero(problem.arrays.integer).astype(np.int32)

    @property
    def closed(self) -> bool:
        """Whether the gap is small enough."""
        target = max(self.asked.gap_cent, self.asked.gap_share * abs(self.objective))
        return self.objective - self.bound <= target

    def run(self) -> None:
        """Go through the rounds; the planner holds the plan and the bound afterwards."""
        before = self.objective
        for bound_h, plan_h in self.asked.rounds:
            self._raise_bound(bound_h)
            if plan_h:
                self._improve(plan_h)
        self.planner.bound = max(self.planner.bound, self.bound)
        if self.objective < before - 1e-9:
            self.planner.adopt(self.x)

    @property
    def _ended(self) -> bool:
        return self.closed or self.spent >= self.asked.iterations

    def _raise_bound(self, hours: float) -> None:
        for first, end in windows(self.planner.problem, hours, overlap=False):
            if self._ended:
                return
            if (first, end) in self.gains:
                continue
            answer = lift(self.relaxed, self.x, first, end, abs_gap=0.05, nodes=self.asked.bound_nodes)
            self.spent += answer.iterations
            self.gains[first, end] = answer.gain
            total = self.root + disjoint(self.gains, self.planner.problem.slots.n)
            self.bound = max(self.bound, total)

    def _improve(self, hours: float) -> None:
        gap = gap_by_step(self.relaxed, self.x)
        order = sorted(
            windows(self.planner.problem, hours, overlap=True), key=lambda w: -float(gap[w[0] : w[1]].sum())
        )
        for first, end in order:
            if self._ended:
                return
            self._decide(first, end)

    def _decide(self, first: int, end: int) -> None:
        """Decide a window anew."""
        arrays = self.planner.problem.arrays
        outside = self.integer[(self.step[self.integer] < first) | (self.step[self.integer] >= end)]
        lower, upper = arrays.col_lower.copy(), arrays.col_upper.copy()
        lower[outside] = upper[outside] = np.round(self.x[outside])
        part = replace(arrays, col_lower=lower, col_upper=upper)
        allowed = 0.2 * max(self.asked.gap_cent, self.asked.gap_share * abs(self.objective))
        options = {**BLOCK_OPTIONS, "mip_rel_gap": 0.0, "mip_abs_gap": allowed}
        solver = Solver(part, mip_max_nodes=self.asked.plan_nodes, **options)
        solver.start_from(self.x)
        found = solver.run()
        self.spent += found.iterations
        if found.feasible and found.objective < self.objective - 1e-6:
            self.x, self.objective = found.x, found.objective


def windows(problem: Problem, hours: float, *, overlap: bool) -> list[tuple[int, int]]:
    """Return windows over the slots: first slot and the one after the last; halves overlap if asked for."""
    slots = problem.slots
    end_h = float(slots.start_h[-1] + slots.step_h[-1])
    begins = np.arange(
        0.0, max(end_h - (hours if overlap else 0.0), 0.0) + 1e-9, hours / (2 if overlap else 1)
    )
    edges = [*np.searchsorted(slots.start_h, begins - 1e-9).tolist()]
    lasts = [*np.searchsorted(slots.start_h, begins + hours - 1e-9).tolist()]
    return [(a, b) for a, b in zip(edges, lasts, strict=True) if b > a]


def disjoint(gains: dict[tuple[int, int], float], n: int) -> float:
    """Return the largest sum of gains of windows that do not overlap."""
    best = [0.0] * (n + 1)
    for end in range(1, n + 1):
        ends = [best[a] + gain for (a, b), gain in gains.items() if b == end]
        best[end] = max(best[end - 1], *ends) if ends else best[end - 1]
    return best[n]


def relaxation_of(planner: Planner) -> Relaxation:
    """Return the relaxed LP of a planner as the kernel's windows ask for it; vehicles keep continuous statuses."""
    problem, root = planner.problem, planner.root
    none = np.zeros(0)
    cuts = Cuts(none, np.zeros(1, dtype=np.int32), np.zeros(0, dtype=np.int32), none, none)
    arrays = _without_vehicles(problem)
    duals = planner.lp.duals(root)
    return relaxation(
        arrays, cuts, slot_of_columns(problem), root.x, duals, root.reduced_cost, root.objective
    )


def _without_vehicles(problem: Problem) -> Arrays:
    integer = problem.arrays.integer.copy()
    for vehicle in problem.plant.vehicles:
        name = f"vehicle.{vehicle.name}.charging"
        if name in problem.model.vars:
            integer[problem.model.vars[name].now] = False
    return replace(problem.arrays, integer=integer)


def slot_of_columns(problem: Problem) -> Ints:
    """Return the slot of each column; columns of the whole plan and of the past count as the first slot."""
    slot: Floats = np.zeros(len(problem.arrays.cost))
    for var in problem.model.vars.values():
        if var.now.shape == (problem.slots.n,):
            slot[var.now] = np.arange(problem.slots.n)
    return slot.astype(np.int32)
