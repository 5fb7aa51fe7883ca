r"""The plan under uncertainty as a two-stage model, solved by cutting planes over hot linear programs.

First stage: what is decided before anyone knows better, in the first slots: the mode of the compressor (whole numbers),
its power, charge and discharge of battery and vehicles, backup heaters. Second stage, for each scenario: everything
after, and what follows the weather at once (import, export, PV that is cut, temperatures); there the compressor is
relaxed. With the cost :math:`Q_s(x)` of scenario s after first decisions x, weights p, risk weight
:math:`\rho` and confidence :math:`\alpha`,

.. math:: min_x (1 - \rho) \sum_s p_s Q_s(x) + \rho CVaR_{\alpha}(Q(x))

with CVaR as by Rockafellar and Uryasev 2000 (doi:10.21314/JOR.2000.038). Each :math:`Q_s` is convex and piecewise
linear; the reduced costs of the fixed columns are its slope, so each solve gives a cut of the master, a small MILP
(multi-cut L-shaped method, Birge and Louveaux 1988, doi:10.1016/0377-2217(88)90159-2). The master's bound and the best
x that was tried enclose the optimum.

Where a scenario cannot carry x out (a tank that would boil, a connection at its limit), it deviates at a price that is
far above any electricity: as the controller of a real home would cut back. What deviates is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from varme.components.home import Slots
from varme.ground.errors import ModelError
from varme.ground.errors import Problem as Trouble
from varme.home.plant import Plant, State
from varme.home.schedule.problem import Problem, Worth, build, worth_of
from varme.home.schedule.relaxed import crash, lean
from varme.kernel.highs import AT_LOWER, BASIC, Solution, Solver, require_optimal
from varme.kernel.model import INF, Arrays, Floats, Ints

#: Price of not carrying out a first decision [cent per kW and hour].
DEVIATION_CENT = 100.0
#: Price of not carrying out an on/off decision [cent per slot].
SWITCH_DEVIATION_CENT = 300.0
Basis = tuple[NDArray[np.int8], NDArray[np.int8]]


@dataclass(frozen=True)
class Risk:
    """How costs of scenarios are weighed: ``(1 - share) mean + share CVaR`` at a confidence."""

    share: float = 0.0
    confidence_share: float = 0.9

    def of(self, costs: Floats, weights: Floats) -> float:
        """Return the weighed cost of scenarios, each of shape (S,)."""
        mean = float(costs @ weights)
        return (1 - self.share) * mean + self.share * self.tail(costs, weights) if self.share else mean

    def tail(self, costs: Floats, weights: Floats) -> float:
        """Return the CVaR: the mean of the costliest ``1 - confidence`` of the weight."""
        order = np.argsort(-costs, kind="stable")
        left, tail = 1 - self.confidence_share, 0.0
        taken = np.minimum(
            weights[order], np.maximum(left - np.concatenate([[0], np.cumsum(weights[order])[:-1]]), 0)
        )
        tail = float(taken @ costs[order])
        return tail / left


@dataclass(frozen=True, eq=False)
class First:
    """The first decisions: which columns of a problem, and their limits.

    Attributes:
        names: Variable of each decision, ``battery.charge``; one per decision.
        slots: Slot of each decision.
        columns: Column of each decision in the problems, shape (d,).
        lower: Smallest value, (d,).
        upper: Largest value, (d,).
        whole: Whether it is a whole number, (d,).
        price_cent: Price of a deviation, (d,).
    """

    names: list[str]
    slots: Ints
    columns: Ints
    lower: Floats
    upper: Floats
    whole: NDArray[np.bool_]
    price_cent: Floats

    def value(self, x: Floats, name: str, slot: int = 0) -> float:
        """Return a decision; 0 if there is no such."""
        for k, own in enumerate(self.names):
            if own == name and self.slots[k] == slot:
                return float(x[k])
        return 0.0


def is_decision(name: str) -> bool:
    """Return whether a variable is decided beforehand, rather than what follows."""
    device, _, part = name.rpartition(".")
    if device in ("heat_pump", "second_heater", "backup", "buffer"):
        return device == "backup" or part.endswith(("_on", "_above", "_heat")) or device == "second_heater"
    return part in ("charge", "discharge", "charging") and device != "grid"


def first_of(problem: Problem, count: int) -> First:
    """Return the decisions of the first ``count`` slots."""
    names, slots, columns = [], [], []
    for name, var in problem.model.vars.items():
        if is_decision(name) and var.now.shape == (problem.slots.n,):
            for slot in range(count):
                names.append(name)
                slots.append(slot)
                columns.append(int(var.now[slot]))
    index = np.array(columns, dtype=np.int32)
    arrays, where = problem.arrays, np.array(slots, dtype=np.int32)
    whole = arrays.integer[index]
    upper = np.minimum(arrays.col_upper[index], 1e3)
    price = np.where(whole, SWITCH_DEVIATION_CENT, DEVIATION_CENT * problem.slots.step_h[where])
    return First(names, where, index, arrays.col_lower[index].copy(), upper, whole, price)


class Recourse:
    """One scenario: its cost after first decisions, and the slope of it, from a hot LP.

    Args:
        problem: The home as the scenario has it.
        first: The first decisions.
        like: Another scenario, solved, to start from.
    """

    def __init__(self, problem: Problem, first: First, like: Recourse | None = None) -> None:
        self.problem, self.first = problem, first
        self.part = lean(problem)
        self.rows, self.columns = len(self.part.arrays.row_lower), len(self.part.arrays.cost)
        self.solver = Solver(_with_links(self.part.arrays, first), presolve="off")
        d = len(first.columns)
        columns, rows = crash(problem, self.part)
        fresh = np.full(2 * d, AT_LOWER, dtype=np.int8)
        basis = (np.concatenate([columns, fresh]), np.concatenate([rows, np.full(d, BASIC, dtype=np.int8)]))
        self.solver.set_basis(basis if like is None else self._transferred(like, basis), alien=True)
        self.solves = 0
        self.last: Solution | None = None

    def _transferred(self, like: Recourse, own: Basis) -> Basis:
        """Return the basis of another scenario in this one's rows; rows that only one has stay as they are."""
        columns, rows = like.solver.basis()
        if len(columns) != self.columns + 2 * len(self.first.columns):
            return own
        theirs = np.full(len(like.problem.arrays.row_lower), BASIC, dtype=np.int8)
        theirs[like.part.rows] = rows[: like.rows]
        mine = np.full(len(self.problem.arrays.row_lower), BASIC, dtype=np.int8)
        for name, block in self.problem.model.rows.items():
            other = like.problem.model.rows.get(name)
            if other is not None and other.index.shape == block.index.shape:
                mine[block.index] = theirs[other.index]
        return columns, np.concatenate([mine[self.part.rows], rows[like.rows :]])

    def free(self) -> tuple[float, Floats]:
        """Return the scenario's least cost with first decisions of its own, and those."""
        found = self._run(np.full(len(self.first.columns), -INF), np.full(len(self.first.columns), INF))
        return found.objective, found.x[self.first.columns]

    def cost(self, x: Floats) -> tuple[float, Floats]:
        """Return the scenario's cost after first decisions x [cent], and its slope, (d,)."""
        found = self._run(x, x)
        return found.objective, found.row_dual[self.rows :]

    def deviation(self) -> float:
        """Return by how much the last solve deviated from the first decisions, summed."""
        return 0.0 if self.last is None else float(self.last.x[self.columns :].sum())

    def _run(self, lower: Floats, upper: Floats) -> Solution:
        rows = np.arange(self.rows, self.rows + len(lower), dtype=np.int32)
        highs = self.solver.highs
        highs.changeRowsBounds(len(rows), rows, lower, upper)
        self.last = require_optimal(self.solver.run(), "scenario")
        self.solves += 1
        return self.last


def _with_links(arrays: Arrays, first: First) -> Arrays:
    """Return a model with ``y + less - more = x`` for each first decision; x stands in the rows' limits."""
    d, columns = len(first.columns), len(arrays.cost)
    cost = np.concatenate([arrays.cost, first.price_cent, first.price_cent])
    ends = np.concatenate([arrays.col_upper, np.full(2 * d, INF)])
    less, more = columns + np.arange(d), columns + d + np.arange(d)
    indices = np.stack([first.columns, less, more], axis=1).astype(np.int32).reshape(-1)
    data = np.tile([1.0, 1.0, -1.0], d)
    links = np.arange(1, d + 1, dtype=np.int32) * 3 + arrays.indptr[-1]
    return replace(
        arrays, cost=cost, col_lower=np.concatenate([arrays.col_lower, np.zeros(2 * d)]), col_upper=ends,
        integer=np.zeros(columns + 2 * d, dtype=bool), row_lower=np.concatenate([arrays.row_lower, np.full(d, -INF)]),
        row_upper=np.concatenate([arrays.row_upper, np.full(d, INF)]),
        indptr=np.concatenate([arrays.indptr, links]).astype(np.int32),
        indices=np.concatenate([arrays.indices, indices]), data=np.concatenate([arrays.data, data]),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class ScenarioPlan:
    """First decisions that suit all scenarios, certified.

    Attributes:
        first: What is decided.
        x: The decisions, (d,).
        risk: How costs are weighed.
        weights: Weight of each scenario, (S,).
        costs_cent: Cost of each scenario after x, (S,).
        alone_cent: Cost of each scenario if it were known, (S,).
        objective_cent: Weighed cost.
        bound_cent: Proven lower bound.
        rounds: Rounds of cuts.
        solves: Linear programs solved.
        recourses: The scenarios' models, at x.
    """

    first: First
    x: Floats
    risk: Risk
    weights: Floats
    costs_cent: Floats
    alone_cent: Floats
    objective_cent: float
    bound_cent: float
    rounds: int
    solves: int
    recourses: list[Recourse]

    @property
    def gap_cent(self) -> float:
        """Largest possible loss against the best first decisions."""
        return max(0.0, self.objective_cent - self.bound_cent)

    @property
    def information_cent(self) -> float:
        """Expected value of perfect information: what it would be worth to know which scenario comes true."""
        return float(self.weights @ (self.costs_cent - self.alone_cent))


def recourses_of(
    plants: Sequence[Plant],
    slots: Slots,
    state: State,
    worth: Worth,
    first_count: int,
    model: Callable[[Plant], Problem] | None = None,
) -> tuple[First, list[Recourse]]:
    """Build the scenarios' models, each started from the first one's basis."""
    out: list[Recourse] = []
    first: First | None = None
    for plant in plants:
        problem = build(plant, slots, state, worth) if model is None else model(plant)
        first = first or first_of(problem, first_count)
        one = Recourse(problem, first, out[0] if out else None)
        if not out:
            one.free()
        out.append(one)
    assert first is not None
    return first, out


def scenario_plan(
    plants: Sequence[Plant],
    slots: Slots,
    state: State,
    *,
    worth: Worth | None = None,
    risk: Risk | None = None,
    weights: Floats | None = None,
    first_count: int = 2,
    gap_cent: float = 0.5,
    rounds: int = 60,
    model: Callable[[Plant], Problem] | None = None,
    trial: Callable[[First], Floats] | None = None,
    relaxed_rounds: int = 0,
) -> ScenarioPlan:
    """Plan a home under uncertainty.

    Args:
        plants: The home as each scenario has it.
        slots: The slots.
        state: The state at the start.
        worth: Terminal values; those of the first plant if not given.
        risk: How costs are weighed; the expected cost if not given.
        weights: Weight of each scenario, (S,), summing to 1; equal if not given.
        first_count: Slots whose decisions are the same in all scenarios.
        gap_cent: Gap at which the plan is good enough.
        rounds: Most rounds of cuts.
        model: Gives the model of a scenario; :func:`~varme.home.schedule.problem.build` if not given.
        trial: Gives first decisions that are tried first: the plan is then no worse than they are.
        relaxed_rounds: Most rounds with a relaxed master before those with whole numbers: many decisions in common are
            found several times faster so.

    Raises:
        ModelError: P301 if a scenario has no plan; P351 if there is no scenario.
    """
    if not plants:
        raise ModelError(Trouble("P351", "scenarios", "there is no scenario to plan for"))
    worth = worth or worth_of(plants[0].take(slots), slots)
    first, recourses = recourses_of(plants, slots, state, worth, min(first_count, slots.n), model)
    count = len(plants)
    share = np.full(count, 1.0 / count) if weights is None else np.asarray(weights, dtype=float)
    begin = None if trial is None else trial(first)
    return _cutting(first, recourses, share, risk or Risk(), gap_cent, rounds, begin, relaxed_rounds)


def _cutting(
    first: First,
    recourses: list[Recourse],
    weights: Floats,
    risk: Risk,
    gap_cent: float,
    rounds: int,
    begin: Floats | None = None,
    relaxed_rounds: int = 0,
) -> ScenarioPlan:
    free = [one.free() for one in recourses]
    alone, wishes = np.array([c for c, _ in free]), np.stack([x for _, x in free])
    master = Master(first, alone, weights, risk, recourses[0].problem)
    best, best_x, best_costs, last = np.inf, wishes[0], alone, None
    bound = _relaxed_rounds(master, recourses, weights @ wishes, gap_cent, relaxed_rounds)
    trial = master.nearest(weights @ wishes) if begin is None else begin
    done = 0
    while done < rounds:
        done += 1
        answers = [one.cost(trial) for one in recourses]
        costs = np.array([c for c, _ in answers])
        value, last = risk.of(costs, weights), trial
        if value < best:
            best, best_x, best_costs = value, trial, costs
        master.cut(trial, costs, np.stack([g for _, g in answers]))
        trial, lower = master.solve(gap_cent / 4 if relaxed_rounds else 1e-3)
        bound = max(bound, lower)
        if best - bound <= gap_cent:
            break
        trial = master.between(trial, best_x)
    if last is not best_x:
        best_costs = np.array([one.cost(best_x)[0] for one in recourses])
    solves = sum(one.solves for one in recourses)
    return ScenarioPlan(
        first, best_x, risk, weights, best_costs, alone, risk.of(best_costs, weights), min(bound, best), done, solves,
        recourses,
    )  # fmt: skip


def _relaxed_rounds(
    master: Master, recourses: list[Recourse], x: Floats, gap_cent: float, rounds: int
) -> float:
    """Cut with the master's whole numbers relaxed until that gap is closed; return the bound."""
    best, best_x, bound = np.inf, x, -np.inf
    for _ in range(rounds):
        answers = [one.cost(x) for one in recourses]
        costs = np.array([c for c, _ in answers])
        value = master.risk.of(costs, master.weights)
        if value < best:
            best, best_x = value, x
        master.cut(x, costs, np.stack([g for _, g in answers]))
        found, lower = master.relaxed()
        bound = max(bound, lower)
        if best - bound <= gap_cent / 2:
            break
        x = 0.5 * found + 0.5 * best_x
    return bound


class Master:
    """The small MILP over first decisions and the scenarios' costs under their cuts.

    Args:
        first: The first decisions.
        alone: Least cost of each scenario, a bound of its cost, (S,).
        weights: Weights, (S,).
        risk: How costs are weighed.
        problem: A problem, for what ties decisions together (one mode at a time).
    """

    def __init__(self, first: First, alone: Floats, weights: Floats, risk: Risk, problem: Problem) -> None:
        self.risk, self.weights = risk, weights
        self.first, self.count, d, s = first, len(alone), len(first.columns), len(alone)
        self.base = float(alone.mean())
        low = alone - self.base
        tail = risk.share / (1 - risk.confidence_share)
        zero = np.zeros(d)
        self.arrays = Arrays(
            cost=np.concatenate([zero, (1 - risk.share) * weights, [risk.share], tail * weights]),
            col_lower=np.concatenate([first.lower, low, [low.min() if risk.share else 0.0], np.zeros(s)]),
            col_upper=np.concatenate([first.upper, np.full(s, INF), [INF if risk.share else 0.0], np.full(s, INF)]),
            integer=np.concatenate([first.whole, np.zeros(2 * s + 1, dtype=bool)]),
            row_lower=np.zeros(0), row_upper=np.zeros(0), indptr=np.zeros(1, dtype=np.int32),
            indices=np.zeros(0, dtype=np.int32), data=np.zeros(0), offset=self.base,
        )  # fmt: skip
        if risk.share:
            own = np.arange(s)
            columns = np.stack([d + s + 1 + own, d + own, np.full(s, d + s)], axis=1)
            self._add(columns, np.tile([1.0, -1.0, 1.0], (s, 1)), np.zeros(s))
        self._own_rows(problem)

    def _add(
        self, columns: NDArray[np.int64], data: Floats, lower: Floats, upper: Floats | None = None
    ) -> None:
        a, (count, width) = self.arrays, columns.shape
        end = np.full(count, INF) if upper is None else upper
        pointers = a.indptr[-1] + width * np.arange(1, count + 1)
        self.arrays = replace(
            a, row_lower=np.concatenate([a.row_lower, lower]), row_upper=np.concatenate([a.row_upper, end]),
            indptr=np.concatenate([a.indptr, pointers]).astype(np.int32),
            indices=np.concatenate([a.indices, columns.reshape(-1)]).astype(np.int32),
            data=np.concatenate([a.data, data.reshape(-1)]),
        )  # fmt: skip

    def _own_rows(self, problem: Problem) -> None:
        """Keep what the model says of first decisions alone: rows that touch no other column that can move."""
        arrays = problem.arrays
        for slot in np.unique(self.first.slots):
            modes = [
                k
                for k, name in enumerate(self.first.names)
                if name.startswith("heat_pump.") and name.endswith("_on") and self.first.slots[k] == slot
            ]
            if len(modes) > 1:
                self._add(np.array([modes]), np.ones((1, len(modes))), np.zeros(1), np.ones(1))
        place = np.full(len(arrays.cost), -1)
        place[self.first.columns] = np.arange(len(self.first.columns))
        still = arrays.col_lower == arrays.col_upper
        widths = np.diff(arrays.indptr)
        row = np.repeat(np.arange(len(widths)), widths)
        mine, other = place[arrays.indices] >= 0, (place[arrays.indices] < 0) & ~still[arrays.indices]
        candidates = np.setdiff1d(np.unique(row[mine]), np.unique(row[other & (arrays.data != 0)]))
        for r in candidates:
            span = slice(arrays.indptr[r], arrays.indptr[r + 1])
            index, data = arrays.indices[span], arrays.data[span]
            rest = float(data[place[index] < 0] @ arrays.col_lower[index[place[index] < 0]])
            keep = place[index] >= 0
            self._add(
                place[index[keep]][None], data[keep][None], np.array([arrays.row_lower[r] - rest]),
                np.array([arrays.row_upper[r] - rest]),
            )  # fmt: skip

    def cut(self, x: Floats, costs: Floats, slopes: Floats) -> None:
        """Add a cut for each scenario: ``cost_s >= costs_s + slopes_s (x' - x)``."""
        d, s = len(x), self.count
        columns = np.concatenate([np.tile(np.arange(d), (s, 1)), d + np.arange(s)[:, None]], axis=1)
        data = np.concatenate([-slopes, np.ones((s, 1))], axis=1)
        self._add(columns, data, costs - self.base - slopes @ x)

    def relaxed(self) -> tuple[Floats, float]:
        """Return the best first decisions under the cuts with whole numbers relaxed, and the bound."""
        arrays = replace(self.arrays, integer=np.zeros(len(self.arrays.cost), dtype=bool))
        found = require_optimal(Solver(arrays, presolve="off").run(), "scenarios")
        x = found.x[: len(self.first.columns)]
        return np.clip(x, self.first.lower, self.first.upper), found.objective

    def solve(self, gap_cent: float = 1e-3) -> tuple[Floats, float]:
        """Return the best first decisions under the cuts, and the bound.

        Args:
            gap_cent: Gap of the master itself; presolve pays where it is not closed to nothing.
        """
        presolve = "off" if gap_cent <= 1e-3 else "on"
        solver = Solver(self.arrays, mip_rel_gap=0.0, mip_abs_gap=gap_cent, presolve=presolve)
        found = solver.run()
        if not found.feasible:
            raise ModelError(Trouble("P301", "scenarios", "the first decisions have no feasible point"))
        return self._clean(found.x[: len(self.first.columns)]), found.bound

    def nearest(self, x: Floats) -> Floats:
        """Return feasible first decisions near a point: whole numbers rounded, modes one at a time."""
        d = len(x)
        whole = np.flatnonzero(self.first.whole)
        arrays = replace(self.arrays, cost=np.zeros(len(self.arrays.cost)))
        arrays.cost[:d] = np.where(self.first.whole, 0.5 - x, 0.0)
        if not len(whole):
            return self._clean(x)
        found = Solver(arrays, presolve="off").run()
        rounded = np.where(self.first.whole, found.x[:d], x) if found.feasible else x
        return self.between(rounded, rounded)

    def between(self, x: Floats, best: Floats) -> Floats:
        """Return a trial between the master's and the best: half-way where the whole numbers agree."""
        if np.array_equal(x[self.first.whole], best[self.first.whole]):
            x = 0.5 * x + 0.5 * best
        return self._clean(x)

    def _clean(self, x: Floats) -> Floats:
        x = np.clip(x, self.first.lower, self.first.upper)
        return np.where(self.first.whole, np.round(x), x)
