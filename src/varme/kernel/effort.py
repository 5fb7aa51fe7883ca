"""How hard a search tries, and what it hands back: the presets, the record of its stages, a plan with its proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from varme.kernel.model import Floats
from varme.kernel.start import Basis

Quality = Literal["fast", "precise"]


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
        mends: Neighbourhoods at most around steps that pay a penalty price, whatever the gap.
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
    mends: int = 8


EFFORTS: dict[Quality, Effort] = {
    "fast": Effort(target=7.5e-3, first_dive=True, cut_rounds=3, thresholds=(0.02,), block_solves=6),
    "precise": Effort(
        target=1.05e-3,
        cut_rounds=12,
        thresholds=(0.1,),
        block_steps=6,
        block_solves=14,
        passes=2,
        lift_steps=8,
        lift_solves=20,
    ),
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
        row_dual: Duals of the LP with the plan's statuses fixed and without cuts, shape (m,): prices; ``None`` if that
            LP was not solved.
        root_bound: Optimum of the relaxed LP without cuts.
        root_dual: Its row duals, shape (m,).
        root_basis: Its basis.
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
    row_dual: Floats | None
    root_bound: float
    root_dual: Floats
    root_basis: Basis

    @property
    def gap_abs(self) -> float:
        """Objective minus bound, at least 0."""
        return max(0.0, self.objective - self.bound)

    @property
    def gap_rel(self) -> float:
        """Gap relative to the objective (0 if both are 0)."""
        return self.gap_abs / max(abs(self.objective), 1e-9) if self.gap_abs > 0 else 0.0
