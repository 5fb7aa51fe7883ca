"""Plans of a machine with modes: in each step at most one of a few columns is not zero, and then within limits.

The relaxation is a lean LP without statuses: ``0 <= p_m <= high_m`` and ``sum of p_m / high_m <= 1`` per step, which is
the projection of the usual model with statuses. Plans come from it by

1. dives: the LP's amounts are rounded in time order, a part of the steps at a time, so that the running total stays
   close (error diffusion), and the LP is solved again, hot, with what is decided so far;
2. moves: with the pattern fixed, the LP's value is convex in the bounds, so the reduced costs give a lower bound on
   what a change brings; changes that cannot help are never tried;
3. branch and bound by HiGHS from the best plan, on the model with statuses, only as far as the gap asks for it.

Limits count LPs; the time limit is a safety stop. Nothing here knows energy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import ModelError, Problem
from varme.kernel.check import FEASIBILITY_TOLERANCE, violation
from varme.kernel.highs import AT_LOWER, BASIC, Solution, Solver, require_optimal
from varme.kernel.model import Arrays, Floats, Ints, Model
from varme.kernel.packets import Store

Pattern = NDArray[np.int64]
Basis = tuple[NDArray[np.int8], NDArray[np.int8]]

#: How HiGHS solves these LPs: devex prices and no scaling, from a basis near the end.
LP_OPTIONS: dict[str, object] = {
    "presolve": "off", "simplex_dual_edge_weight_strategy": 1, "simplex_scale_strategy": 0
}  # fmt: skip
#: Shares of the smallest amount that must be owed before a mode runs, one per dive.
THRESHOLDS = (0.5, 0.3, 0.7)
#: Branch and bound with a good plan at hand: no restarts, no symmetry, few heuristics of its own.
TREE_OPTIONS: dict[str, object] = {
    "mip_allow_restart": False, "mip_detect_symmetry": False, "mip_heuristic_effort": 0.02,
    "mip_heuristic_run_rins": False, "mip_heuristic_run_rens": False, "mip_heuristic_run_feasibility_jump": False,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Modes:
    """The columns of which at most one per step is not zero.

    Attributes:
        columns: Shape (M, n).
        low: Smallest value when on, shape (M, n).
        high: Largest value, shape (M, n).
        stores: For modes at one value (``low = high``), the store that each fills; checks moves before they are solved.
        artificial: Columns that are not zero where a pattern cannot be kept, at a price; zero in every plan. They keep
            the LPs of dives and moves feasible.
    """

    columns: Ints
    low: Floats
    high: Floats
    stores: tuple[Store | None, ...] = ()
    artificial: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int32))


@dataclass(frozen=True)
class Limits:
    """How far a search goes.

    Attributes:
        gap_share: Gap relative to the objective at which it ends.
        gap_abs: Gap at which it ends, whatever the objective.
        stages: For each dive, parts of the horizon that it decides one after the other.
        moves: LPs spent on moves, at most.
        time_limit_s: Safety stop of branch and bound, on the wall clock as HiGHS counts it.
    """

    gap_share: float = 0.01
    gap_abs: float = 0.0
    stages: tuple[int, ...] = (8, 12, 5)
    moves: int = 40
    time_limit_s: float = 600.0


@dataclass(frozen=True, eq=False)
class Switched:
    """A plan with its bound.

    Attributes:
        x: Values of the columns of the lean model.
        objective: Objective.
        bound: Proven lower bound.
        pattern: Mode of each step, -1 for none, shape (n,).
        lps: LPs solved.
        nodes: Nodes of branch and bound.
        stage: Where it ended: ``dive``, ``moves`` or ``tree``.
    """

    x: Floats
    objective: float
    bound: float
    pattern: Pattern
    lps: int
    nodes: int
    stage: str

    @property
    def gap_share(self) -> float:
        """Gap relative to the objective."""
        return max(0.0, self.objective - self.bound) / max(abs(self.objective), 1e-9)


def crash(model: Model, carried: Sequence[tuple[str, str]]) -> Basis:
    """Return a first basis in which a variable carries each block of equations: levels their balances.

    Args:
        model: The model.
        carried: Pairs of a block of equations and the variable that is basic in it.

    Raises:
        ValueError: if the model is not assembled.
    """
    arrays = model.arrays
    if arrays is None:
        raise ValueError("assemble the model first")
    columns = np.full(len(arrays.cost), AT_LOWER, dtype=np.int8)
    rows = np.full(len(arrays.row_lower), BASIC, dtype=np.int8)
    for block, var in carried:
        columns[model.vars[var].now] = BASIC
        rows[model.rows[block].index] = AT_LOWER
    return columns, rows


def with_statuses(arrays: Arrays, modes: Modes) -> tuple[Arrays, Ints]:
    """Return the model with a status per mode and step, and the columns of the statuses, shape (M, n)."""
    (count, length), n, m = modes.columns.shape, len(arrays.cost), len(arrays.row_lower)
    size = count * length
    status = (n + np.arange(size, dtype=np.int32)).reshape(count, length)
    columns, zeros, ones = modes.columns.reshape(-1), np.zeros(size), np.ones(size)
    pairs = np.stack([columns, status.reshape(-1)], axis=1).reshape(-1).astype(np.int32)
    below = np.stack([ones, -modes.high.reshape(-1)], axis=1).reshape(-1)
    above = np.stack([ones, -modes.low.reshape(-1)], axis=1).reshape(-1)
    one = status.T.reshape(-1)
    last = len(arrays.data)
    steps = [2 * np.arange(1, 2 * size + 1), 4 * size + count * np.arange(1, length + 1)]
    fixed = modes.high.reshape(-1) <= modes.low.reshape(-1)
    out = Arrays(
        cost=np.concatenate([arrays.cost, zeros]),
        col_lower=np.concatenate([arrays.col_lower, zeros]),
        col_upper=np.concatenate([arrays.col_upper, ones]),
        integer=np.concatenate([arrays.integer, np.ones(size, dtype=bool)]),
        row_lower=np.concatenate(
            [arrays.row_lower, np.where(fixed, 0.0, -np.inf), zeros, np.full(length, -np.inf)]
        ),
        row_upper=np.concatenate([arrays.row_upper, zeros, np.where(fixed, 0.0, np.inf), np.ones(length)]),
        indptr=np.concatenate([arrays.indptr, *(last + step for step in steps)]).astype(np.int32),
        indices=np.concatenate([arrays.indices, pairs, pairs, one]).astype(np.int32),
        data=np.concatenate([arrays.data, below, above, np.ones(size)]),
        offset=arrays.offset,
    )
    assert len(out.row_lower) == m + 2 * size + length
    return out, status


class _Search:
    """One search's state."""

    def __init__(
        self, arrays: Arrays, modes: Modes, limits: Limits, start: Basis | None, hot: Solver | None
    ) -> None:
        self.arrays, self.modes, self.limits = arrays, modes, limits
        self.solver = hot or Solver(arrays, **LP_OPTIONS)
        if start is not None:
            self.solver.set_basis(start)
        self.flat = modes.columns.reshape(-1).astype(np.int32)
        self.lps = self.nodes = 0
        self.best: Solution | None = None
        self.base: Solution | None = None
        self.pattern = np.full(modes.columns.shape[1], -1, dtype=np.int64)
        self.base_pattern = np.full(modes.columns.shape[1], -1, dtype=np.int64)
        self.bound = -np.inf
        self.stage = "lp"

    # ------------------------------------------------------------------ LPs
    def lp(self) -> Solution:
        self.lps += 1
        return self.solver.run()

    def fix(self, pattern: Pattern, until: int | None = None) -> None:
        """Fix the modes of the first steps; the others are free."""
        lower, upper = self.arrays.col_lower[self.modes.columns], self.arrays.col_upper[self.modes.columns]
        end = len(pattern) if until is None else until
        chosen = np.arange(len(self.modes.columns))[:, None] == pattern[None, :end]
        lower[:, :end] = np.where(chosen, self.modes.low[:, :end], 0.0)
        upper[:, :end] = np.where(chosen, self.modes.high[:, :end], 0.0)
        self.solver.change_bounds(self.flat, lower.reshape(-1), upper.reshape(-1))

    def offer(self, pattern: Pattern, found: Solution) -> bool:
        """Keep a plan if it is the best so far; return whether it is better than the base of the moves."""
        if found.status != "optimal":
            return False
        closed = not len(self.modes.artificial) or found.x[self.modes.artificial].max() <= 1e-9
        if closed and (self.best is None or found.objective < self.best.objective - 1e-9):
            if violation(self.arrays, found.x)[0] > FEASIBILITY_TOLERANCE:
                return False
            self.best, self.pattern = found, pattern.copy()
        better = self.base is None or found.objective < self.base.objective - 1e-9
        if better:
            self.base, self.base_pattern = found, pattern.copy()
        return better

    def done(self) -> bool:
        if self.best is None:
            return False
        target = max(self.limits.gap_abs, self.limits.gap_share * abs(self.best.objective))
        return self.best.objective - self.bound <= target

    # ------------------------------------------------------------------ dive
    def dive(self, root: Solution, stages: int, threshold: float) -> None:
        """Decide the steps part by part; leave it at the first part that cannot be kept."""
        length = self.modes.columns.shape[1]
        pattern = np.full(length, -1, dtype=np.int64)
        edges = np.linspace(0, length, stages + 1).round().astype(int)
        found = root
        for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            kept = pattern.copy()
            for bar in (threshold, 0.5 * threshold, 1.5 * threshold, 0.02):
                pattern[first:end] = diffused(
                    found.x[self.modes.columns[:, first:end]], self.modes, first, bar
                )
                self.fix(pattern, end)
                after = self.lp()
                if after.status == "optimal":
                    break
                pattern = kept.copy()
            else:
                return
            found = after
            if self.base is not None and found.objective >= self.base.objective:
                return
        self.offer(pattern, found)

    # ------------------------------------------------------------------ moves
    def moves(self) -> None:
        """Change one or two steps at a time as long as that helps."""
        left = self.limits.moves
        tried: set[bytes] = set()
        while left > 0 and self.base is not None and not self.done():
            better = False
            for pattern in self.candidates(self.base):
                key = pattern.tobytes()
                if key in tried:
                    continue
                tried.add(key)
                self.fix(pattern)
                left -= 1
                if self.offer(pattern, self.lp()):
                    better = True
                    break
                if left <= 0:
                    break
            if not better:
                return

    def candidates(self, base: Solution) -> list[Pattern]:
        """Return patterns one or two steps away, most promising first, that the stores allow."""
        modes, pattern = self.modes, self.base_pattern
        price = base.reduced_cost[modes.columns]
        into = np.where(price > 0, modes.low, modes.high) * price
        now = base.x[modes.columns]
        out: list[tuple[float, Pattern]] = []
        off = np.flatnonzero(pattern < 0)
        for m in range(len(modes.columns)):
            on = np.flatnonzero(pattern == m)
            leave = -price[m, on] * now[m, on]
            gains = leave[:, None] + into[m, off][None, :]
            for a, b in zip(*_least(gains, 60), strict=True):
                changed = pattern.copy()
                changed[on[a]], changed[off[b]] = -1, m
                out.append((float(gains[a, b]), changed))
            for other in range(len(modes.columns)):
                if other != m:
                    out += self._swaps(m, other, price, now, into)
                    gain = into[other, on] + leave
                    for a in np.argsort(gain, kind="stable")[:8].tolist():
                        changed = pattern.copy()
                        changed[on[a]] = other
                        out.append((float(gain[a]), changed))
            for part, where, value in ((leave, on, -1), (into[m, off], off, m)):
                for a in np.argsort(part, kind="stable")[:8].tolist():
                    changed = pattern.copy()
                    changed[where[a]] = value
                    out.append((float(part[a]), changed))
        out = sorted((o for o in out if o[0] < -1e-4), key=lambda o: o[0])[:150]
        allowed = self.allowed([changed for _, changed in out])
        return [changed for (_, changed), good in zip(out, allowed, strict=True) if good]

    def _swaps(
        self, m: int, other: int, price: Floats, now: Floats, into: Floats
    ) -> list[tuple[float, Pattern]]:
        """Return patterns in which two steps change their modes with each other."""
        pattern = self.base_pattern
        here, there = np.flatnonzero(pattern == m), np.flatnonzero(pattern == other)
        if m > other or not len(here) or not len(there):
            return []
        one = into[other, here] - price[m, here] * now[m, here]
        two = into[m, there] - price[other, there] * now[other, there]
        gains = one[:, None] + two[None, :]
        out = []
        for a, b in zip(*_least(gains, 30), strict=True):
            changed = pattern.copy()
            changed[here[a]], changed[there[b]] = other, m
            out.append((float(gains[a, b]), changed))
        return out

    def allowed(self, patterns: list[Pattern]) -> list[bool]:
        """Return which patterns keep the stores of modes at one value within limits; all while the base does not."""
        if not patterns or self.base is not self.best:
            return [True] * len(patterns)
        stacked = np.stack(patterns)
        good = np.ones(len(patterns), dtype=bool)
        for m, store in enumerate(self.modes.stores):
            if store is not None:
                good &= store.allows((stacked == m).astype(float))
        return [bool(g) for g in good]

    # ------------------------------------------------------------------ tree
    def tree(self, time_limit_s: float) -> None:
        """Go on with HiGHS's branch and bound from the best plan, until the gap is closed or the time is spent."""
        full, status = with_statuses(self.arrays, self.modes)
        full.col_upper[self.modes.artificial] = 0.0
        share = max(self.limits.gap_share, 1e-9)
        solver = Solver(
            full, mip_rel_gap=share, mip_abs_gap=self.limits.gap_abs, time_limit=time_limit_s, **TREE_OPTIONS
        )
        if self.best is not None:
            chosen = np.arange(len(status))[:, None] == self.pattern[None, :]
            point = np.concatenate([self.best.x, chosen.reshape(-1).astype(float)])
            solver.start_from(np.clip(point, full.col_lower, full.col_upper))
        found = solver.run()
        self.nodes += found.nodes
        self.stage = "tree"
        self.bound = max(self.bound, found.bound)
        if found.feasible:
            on = found.x[status] > 0.5
            pattern = np.where(on.any(axis=0), on.argmax(axis=0), -1).astype(np.int64)
            self.fix(pattern)
            self.offer(pattern, self.lp())


def _least(values: Floats, count: int) -> tuple[list[int], list[int]]:
    """Return rows and columns of the least elements."""
    if not values.size:
        return [], []
    flat = values.reshape(-1)
    places = np.argpartition(flat, min(count, flat.size) - 1)[:count]
    rows, columns = np.unravel_index(places, values.shape)
    return rows.tolist(), columns.tolist()


def diffused(amounts: Floats, modes: Modes, first: int, threshold: float) -> Pattern:
    """Return modes of a few steps whose running total follows an LP's amounts.

    Args:
        amounts: The LP's values in these steps, shape (M, k).
        modes: The modes.
        first: First of these steps.
        threshold: Share of the smallest amount that must be owed before a mode runs.
    """
    count, steps = amounts.shape
    owed = [0.0] * count
    low, high = (v[:, first : first + steps].T.tolist() for v in (modes.low, modes.high))
    out = []
    for k, row in enumerate(amounts.T.tolist()):
        owed = [o + a for o, a in zip(owed, row, strict=True)]
        shares = [o / max(q, 1e-9) for o, q in zip(owed, low[k], strict=True)]
        m = max(range(count), key=shares.__getitem__)
        if shares[m] >= threshold:
            owed[m] -= min(max(owed[m], low[k][m]), high[k][m])
            out.append(m)
        else:
            out.append(-1)
    return np.array(out, dtype=np.int64)


def plan(
    arrays: Arrays,
    modes: Modes,
    limits: Limits | None = None,
    *,
    start: Basis | None = None,
    first: Sequence[Pattern] = (),
    hot: Solver | None = None,
    told: Callable[[str], None] | None = None,
) -> Switched:
    """Plan a machine with modes.

    Args:
        arrays: The lean model, without statuses; it has no other whole columns.
        modes: The columns of which at most one per step is not zero.
        limits: How far to go.
        start: A basis to begin with (:func:`crash`).
        first: Patterns to try first, from an earlier plan.
        hot: A solver that holds the model with its present numbers and a basis.
        told: Called with the name of each stage that is done.

    Raises:
        ModelError: P301 if there is no plan.
        SolverError: P402 if none was found within the limits.
    """
    began = time.monotonic()
    limits = limits or Limits()
    search = _Search(arrays, modes, limits, start, hot)
    if hot is not None:
        columns = search.flat
        search.solver.change_bounds(columns, arrays.col_lower[columns], arrays.col_upper[columns])
    root = require_optimal(search.lp(), "switched")
    search.bound = root.objective
    for pattern in first:
        search.fix(pattern)
        search.offer(pattern, search.lp())
    search.stage = "first"
    basis = search.solver.basis()
    for number, stages in enumerate(limits.stages):
        if search.done():
            break
        if number:
            search.solver.set_basis(basis)
        search.dive(root, stages, THRESHOLDS[number % len(THRESHOLDS)])
        search.stage = "dive"
    if not search.done():
        search.moves()
        search.stage = "moves"
    if told is not None:
        told(search.stage)
    if not search.done():
        search.tree(max(0.1, limits.time_limit_s - (time.monotonic() - began)))
    if search.best is None:
        raise ModelError(Problem("P301", "switched", "the model has no feasible plan with whole modes"))
    best = search.best
    bound = min(search.bound, best.objective)
    return Switched(best.x, best.objective, bound, search.pattern, search.lps, search.nodes, search.stage)
