"""A certified search for unit-commitment MILPs: bound first, then plans, then both where the gap still is.

Stages, each left as soon as the proven gap is at the target:

1. the relaxed LP, on the hot solver object;
2. cover and trajectory inequalities (:mod:`varme.kernel.cuts`, :mod:`varme.kernel.trajectories`);
3. rounding dives: hot LPs with fixed statuses (:mod:`varme.kernel.dive`);
4. neighbourhoods in time, largest local gap first (:func:`varme.kernel.blocks.improve`);
5. priced blocks that lift the bound (:func:`varme.kernel.blocks.lift`);
6. neighbourhoods around steps that still pay a penalty price, for example unserved demand, whatever the gap;
7. HiGHS on the whole model, only where no plan was found.

All limits count solves and nodes, so a run repeats itself; the time limit is a safety stop, and is reported. Every plan
is re-checked in NumPy before it counts. Nothing here knows energy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from varme.kernel.effort import EFFORTS, Effort, Quality, SearchResult, Step
from varme.kernel.highs import Solver
from varme.kernel.model import Arrays, Commitment, Floats
from varme.kernel.stages import Run, prepare

__all__ = ["EFFORTS", "Effort", "Quality", "SearchResult", "Searcher", "Step", "search"]


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
        self.prepared = prepare(arrays, commitments)

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
        return Run(self.solver, self.prepared, chosen, time_limit_s, where).search(start)


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
