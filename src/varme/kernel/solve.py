"""How one window is solved: as an LP, or as a MILP by the bound-first search, with prices from the fixed LP."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from varme.ground.errors import Problem, SolverError
from varme.kernel.highs import Solver, require_optimal
from varme.kernel.horizon import Answer
from varme.kernel.model import Model
from varme.kernel.search import EFFORTS, Quality, Searcher, SearchResult


@dataclass(frozen=True)
class LpSolve:
    """Solve the relaxation: statuses between 0 and 1."""

    where: str = "plan"

    def __call__(self, model: Model, solver: Solver) -> Answer:
        """Solve; see :class:`varme.kernel.horizon.Solve`.

        Raises:
            ModelError: P301 if there is no feasible point.
        """
        solver.relax(True)
        found = require_optimal(solver.run(), self.where)
        return Answer(
            found.x, found.objective, found.bound, found.row_dual, found.row_dual, "optimal", found.iterations, 0,
            solver.basis(), relaxed=True,
        )  # fmt: skip


@dataclass(frozen=True)
class HighsSolve:
    """Solve the MILP with HiGHS's branch and bound alone; the plain way, kept as the oracle of the search."""

    gap_share: float = 1e-3
    time_limit_s: float = 600.0
    where: str = "plan"

    def __call__(self, model: Model, solver: Solver) -> Answer:
        """Solve; see :class:`varme.kernel.horizon.Solve`.

        Raises:
            ModelError: P301 if there is no feasible point.
            SolverError: P402 if the time limit was reached before any plan was known.
        """
        relaxed = LpSolve(self.where)(model, solver)
        solver.relax(False)
        solver.set(mip_rel_gap=self.gap_share, time_limit=self.time_limit_s)
        found = solver.run()
        if not found.feasible:
            if found.status == "time_limit":
                raise SolverError(
                    Problem("P402", self.where, "the time limit was reached before a plan was known")
                )
            require_optimal(found, self.where)
        x, prices = priced(model, solver, found.x)
        objective = float(solver.arrays.cost @ x) + solver.arrays.offset
        bound = max(found.bound, relaxed.bound)
        return Answer(
            x, objective, min(bound, objective), prices, relaxed.row_dual, found.status, found.iterations, found.nodes,
            relaxed.basis,
        )  # fmt: skip


def priced(
    model: Model, solver: Solver, x: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Return the optimal plan with the integers of ``x`` fixed, and its duals: the prices.

    The bounds in HiGHS are put back afterwards.
    """
    arrays = solver.arrays
    columns = np.flatnonzero(arrays.integer).astype(np.int32)
    fixed = np.round(x[columns])
    solver.relax(True)
    solver.change_bounds(columns, fixed, fixed)
    try:
        found = require_optimal(solver.run(), "prices")
    finally:
        solver.change_bounds(columns, arrays.col_lower[columns], arrays.col_upper[columns])
    return found.x, found.row_dual


class SearchSolve:
    """Solve the MILP by the bound-first search (:mod:`varme.kernel.search`), prepared once for a solver.

    Args:
        quality: How far the search goes.
        gap_share: Relative gap at which it ends, in place of the quality's.
        time_limit_s: Safety stop for one window [s].
        where: What is solved, for messages.
    """

    def __init__(
        self,
        quality: Quality = "fast",
        gap_share: float | None = None,
        time_limit_s: float = 600.0,
        where: str = "plan",
    ) -> None:
        self.quality = quality
        self.gap_share = gap_share
        self.time_limit_s = time_limit_s
        self.where = where
        self._searcher: Searcher | None = None

    def __call__(self, model: Model, solver: Solver) -> Answer:
        """Solve; see :class:`varme.kernel.horizon.Solve`.

        Raises:
            ModelError: P301 if there is no feasible plan.
            SolverError: P402 if no plan was found within the limits.
        """
        if self._searcher is None or self._searcher.solver is not solver or model.matrix_moves:
            self._searcher = Searcher(solver, solver.arrays, model.commitments)
        found = self._searcher.run(
            self.quality, gap_target=self.gap_share, time_limit_s=self.time_limit_s, where=self.where
        )
        x, prices, objective = found.x, found.row_dual, found.objective
        if prices is None:
            x, prices = priced(model, solver, x)
            objective = float(solver.arrays.cost @ x) + solver.arrays.offset
        status = "effort spent"
        if found.time_limit_hit or self._reached(found):
            status = "time_limit" if found.time_limit_hit else "gap reached"
        return Answer(
            x, objective, min(found.bound, objective), prices, found.root_dual, status, found.lp_iterations,
            found.nodes, found.root_basis,
        )  # fmt: skip

    def _reached(self, found: SearchResult) -> bool:
        target = self.gap_share if self.gap_share is not None else EFFORTS[self.quality].target
        return found.gap_rel <= target
