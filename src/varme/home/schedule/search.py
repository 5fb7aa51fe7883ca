"""The planner: a bound from the relaxed LP, patterns of the compressor, and moves that the LP's duals point at.

1. The relaxed LP (:mod:`varme.home.schedule.relaxed`) with the tightened rows of :mod:`varme.home.schedule.problem`.
2. Patterns: the cheapest by dynamic programming over the states of compressor, tank and house at the LP's prices
   (:mod:`varme.home.schedule.dynamic`), and patterns near the LP: schedules that follow its heat in runs, the closest
   that keep minimum run and pause.
3. Polish: the LP with the pattern and the vehicles' charging slots fixed, hot started.
4. Moves: with ``d`` the reduced costs of the fixed statuses, ``cost(x') >= cost(x) + d (x' - x)`` for every other
   pattern x' (the LP's value is convex in what is fixed), so a move whose estimate is not negative cannot help and is
   never tried; the best of the others are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from varme.home.schedule.dynamic import Cells, Dynamic, fits
from varme.home.schedule.moves import asked, pattern_moves
from varme.home.schedule.problem import VENT, Problem
from varme.home.schedule.relaxed import Basis, Relaxed
from varme.home.schedule.runs import Pattern, Rules
from varme.kernel.highs import Solution
from varme.kernel.model import Floats, Ints

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Effort:
    """How far the planner goes.

    Attributes:
        gap_share: Gap, relative to the cost, at which it ends.
        gap_cent: Gap at which it ends, whatever the cost.
        thresholds: Status of the relaxed LP above which a pattern runs.
        swings: How far a following pattern may run ahead or behind, in shortest runs of heat: for room and hot water.
        moves: Most LPs spent on moves of the compressor; one where the dynamic program has been through the states.
        rounds: Most LPs spent on rounding the charge of vehicles.
        rounds_of_others: Most LPs spent on rounding everything else that is whole.
        vehicle_moves: Most LPs spent on moves of vehicles, if rounding left something to do.
        stages: Hours that are fixed at a time on the way through the plan; 0 for none.
        labels: Labels of the dynamic program, whose pattern comes first; 0 for none.
        others: Whether other patterns are tried where one that was given makes a plan.
    """

    gap_share: float = 2e-3
    gap_cent: float = 0.5
    thresholds: tuple[float, ...] = (0.5,)
    swings: tuple[tuple[float, float], ...] = ((0.5, 0.5),)
    moves: int = 6
    rounds: int = 4
    rounds_of_others: int = 12
    vehicle_moves: int = 3
    stages: float = 6.0
    labels: int = 100
    others: bool = True


#: For re-plans in a closed loop and for fleets: a narrow dynamic program, one move.
QUICK = Effort(labels=60, moves=1, stages=0.0)


#: A plan further above its bound than this, and than a tenth of it, is looked for in every other way too [cent].
HARD_CENT = 60.0
#: A plan of the dynamic program that is further above its bound than this [cent] and this share is not moved any more.
NEAR_CENT, NEAR_SHARE = 2.0, 0.01


@dataclass(frozen=True, eq=False)
class Choice:
    """What is decided: the compressor's pattern (n,), and for each vehicle the slots in which it charges (n,)."""

    pattern: Pattern
    charging: tuple[Bools, ...] = ()

    @property
    def key(self) -> bytes:
        """What tells choices apart."""
        return self.pattern.tobytes() + b"".join(c.tobytes() for c in self.charging)


@dataclass(frozen=True, eq=False)
class Found:
    """A choice with its LP: values, objective, reduced costs, row duals."""

    choice: Choice
    solution: Solution

    @property
    def objective(self) -> float:
        """Objective [cent]."""
        return self.solution.objective


@dataclass(eq=False)
class Planner:
    """A planner for one problem.

    Attributes:
        problem: The problem.
        lp: Its hot LP.
        effort: How far to go.
        best: The best choice so far.
        bound: Proven bound [cent].
        told: Whether the dynamic program gave a pattern.
    """

    problem: Problem
    lp: Relaxed
    effort: Effort
    best: Found | None = None
    bound: float = -np.inf
    seen: dict[bytes, float] = field(default_factory=dict)
    basis: Basis | None = None
    base: Found | None = None
    near: list[tuple[float, int, Choice]] = field(default_factory=list)
    curves: list[float] = field(default_factory=list)
    told: bool = False

    def __post_init__(self) -> None:
        """Gather columns."""
        problem, model = self.problem, self.problem.model
        plant, pump = problem.plant, problem.plant.heat_pump
        self.rules = None if pump is None else Rules.of(pump, problem.slots, problem.state)
        self.on = np.zeros((0, problem.slots.n), dtype=np.int32)
        if pump is not None:
            self.on = np.stack([model.vars[f"heat_pump.{mode}_on"].now for mode in pump.modes])
        self.vehicles = [v for v in plant.vehicles if v.charge_min_kw > 0]
        self.charge = [model.vars[f"vehicle.{v.name}.charge"].now for v in self.vehicles]
        self.plugged = [model.vars[f"vehicle.{v.name}.charging"].now for v in self.vehicles]
        known = [self.on.ravel(), *self.plugged]
        self.vent = model.vars[VENT].now if VENT in model.vars else np.zeros(0, dtype=np.int32)
        rest = problem.arrays.integer.copy()
        rest[np.concatenate(known)] = False
        self.other = np.flatnonzero(rest).astype(np.int32)
        self.decided = np.zeros(len(self.other))
        self.groups, self.group_is_way = self._grouped()

    def _grouped(self) -> tuple[list[Ints], dict[int, bool]]:
        """Return the places in ``other`` of each variable, and whether it is a way, by its first place."""
        groups: list[Ints] = []
        ways: dict[int, bool] = {}
        for name, var in self.problem.model.vars.items() if len(self.other) else ():
            places = np.flatnonzero(np.isin(self.other, np.atleast_1d(var.now))).astype(np.int32)
            if len(places):
                groups.append(places)
                ways[int(places[0])] = name.endswith((".importing", ".charging"))
        return groups, ways

    # ------------------------------------------------------------------ the whole way
    def run(self, first: list[Choice]) -> Solution:
        """Plan; the best choice is in ``best``, the bound in ``bound``.

        Args:
            first: Choices to try first, from an earlier plan.

        Returns:
            The relaxed LP's solution; its status says whether there is a plan at all.
        """
        root = self.relax()
        if root.status != "optimal":
            return self.root
        for choice in first:
            if self.rules is None or self.rules.allows(choice.pattern):
                self.try_choice(Choice(choice.pattern))
        given = self.best is not None and self.stands(self.best) and not self.effort.others
        if not given and not self.close():
            for pattern in self.patterns(root):
                self.try_choice(Choice(pattern))
                if self.close():
                    break
        self.improve(self._moves_left())
        if self.rules is not None and (self.best is None or not self.stands(self.best)):
            self.try_choice(Choice(self.rules.cheapest(np.ones((self.rules.modes, self.rules.n)))))
        self.round_vehicles()
        return self.root

    def relax(self) -> Solution:
        """Return the relaxed LP's solution with everything whole decided but the compressor and the vehicles."""
        self.root = self.lp.run()
        if self.root.status != "optimal":
            return self.root
        self.bound = self.root.objective
        self.basis = self.lp.solver.basis()
        return self.decide(self.root)

    def sketch(self) -> None:
        """Try the pattern of the dynamic program alone, vehicles as they like."""
        root = self.relax()
        if root.status == "optimal":
            for pattern in self.dynamic(root):
                self.try_choice(Choice(pattern))

    def decide(self, found: Solution) -> Solution:
        """Round what else is whole, the largest fraction of each group first, the relaxed LP solved anew each time.

        Groups: ways of grid and battery (rounded at once), starts of loads, the legionella duty, a second heater.
        """
        if not len(self.other):
            return found
        for _ in range(self.effort.rounds_of_others):
            lower, upper = self.lp.lower[self.other].copy(), self.lp.upper[self.other].copy()
            x = found.x[self.other]
            fraction = np.abs(x - np.round(x)) > 1e-6
            if not fraction.any():
                break
            for group in self.groups:
                open_ = group[fraction[group]]
                if not len(open_):
                    continue
                if self.group_is_way[int(group[0])]:
                    lower[open_] = upper[open_] = np.round(x[open_])
                else:
                    lower[open_[np.argmax(x[open_])]] = 1.0
            self.lp.fix(self.other, lower, upper)
            found = self.lp.run()
            if found.status != "optimal":
                return found
        self.decided = np.round(found.x[self.other])
        self.lp.fix(self.other, self.decided, self.decided)
        return self.lp.run()

    def close(self) -> bool:
        """Return whether the best pattern, vehicles left as they like, is close enough to the bound."""
        if self.best is None:
            return False
        target = max(self.effort.gap_cent, self.effort.gap_share * abs(self.best.objective))
        return self.best.objective - self.bound <= 0.7 * target

    @property
    def settled(self) -> bool:
        """Whether the dynamic program has been through the states, and left no more than a hard day does.

        Of a legionella duty it knows only in part.
        """
        if not self.told or self.best is None or not self.stands(self.best):
            return False
        if "tank.duty" in self.problem.model.vars:
            return False
        return self.best.objective - self.bound <= max(HARD_CENT, 0.1 * abs(self.bound))

    def _moves_left(self) -> int:
        """Return how many moves are worth an LP: after the dynamic program one, and only where it may close the gap."""
        if self.best is None or not self.settled:
            return self.effort.moves
        near = self.best.objective - self.bound <= max(NEAR_CENT, NEAR_SHARE * abs(self.best.objective))
        return min(self.effort.moves, int(near))

    def round_vehicles(self) -> None:
        """Let vehicles charge at their smallest power or more, or not at all."""
        if self.best is None or not self.charge:
            return
        free = self.best
        if self._whole_charge(free.solution):
            self.best = replace(free, choice=Choice(free.choice.pattern, self.charging(free.solution)))
            return
        self.apply(free.choice)
        found: Solution = free.solution
        for _ in range(self.effort.rounds):
            for vehicle, columns in zip(self.vehicles, self.charge, strict=True):
                x = found.x[columns]
                between = (x > 1e-9) & (x < vehicle.charge_min_kw - 1e-9)
                on = between & (x >= 0.5 * vehicle.charge_min_kw)
                lower = np.where(on, vehicle.charge_min_kw, self.lp.lower[columns])
                upper = np.where(between & ~on, 0.0, self.lp.upper[columns])
                self.lp.fix(columns, lower, upper)
            found = self.lp.run()
            if found.status != "optimal":
                found = free.solution
                break
            if self._whole_charge(found):
                self.best = Found(Choice(free.choice.pattern, self.charging(found)), found)
                return
        self.best, self.near, self.base = None, [], None
        self.try_choice(Choice(free.choice.pattern, self.charging(found)))
        self.improve(self.effort.vehicle_moves, close_to=free.objective)

    def _whole_charge(self, found: Solution) -> bool:
        return all(
            bool(np.all((found.x[c] <= 1e-9) | (found.x[c] >= v.charge_min_kw - 1e-9)))
            for v, c in zip(self.vehicles, self.charge, strict=True)
        )

    def done(self) -> bool:
        """Return whether the gap is small enough."""
        if self.best is None or not self.stands(self.best):
            return False
        target = max(self.effort.gap_cent, self.effort.gap_share * abs(self.best.objective))
        return self.best.objective - self.bound <= target

    @property
    def status(self) -> str:
        """How the search ended."""
        return "gap reached" if self.done() else "effort spent"

    def whole(self, found: Found) -> Floats:
        """Return the values of all columns of the problem, statuses whole."""
        x = np.clip(found.solution.x, self.problem.arrays.col_lower, self.problem.arrays.col_upper)
        x[self.on.ravel()] = np.round(x[self.on.ravel()])
        for vehicle, on in zip(self.vehicles, found.choice.charging, strict=True):
            x[self.problem.model.vars[f"vehicle.{vehicle.name}.charging"].now] = on
        x[self.other] = np.round(x[self.other])
        if self.rules is not None:
            start = self.problem.model.vars["heat_pump.start"].now
            on = np.concatenate([[self.rules.on_before], found.choice.pattern >= 0])
            x[start] = on[1:] & ~on[:-1]
        return x

    def adopt(self, x: Floats) -> None:
        """Take over the decisions of a plan from elsewhere."""
        pattern = np.full(self.problem.slots.n, -1)
        for m, columns in enumerate(self.on):
            pattern[x[columns] > 0.5] = m
        charging = [x[self.problem.model.vars[f"vehicle.{v.name}.charging"].now] > 0.5 for v in self.vehicles]
        self.decided = np.round(x[self.other])
        self.seen.clear()
        if self.best is not None and not self.stands(self.best):
            self.best = None
        self.try_choice(Choice(pattern, tuple(charging)))

    def stands(self, found: Found) -> bool:
        """Return whether a choice is a plan: no tank has to give heat away."""
        return not len(self.vent) or bool(found.solution.x[self.vent].max() <= 1e-7)

    # ------------------------------------------------------------------ patterns
    def patterns(self, found: Solution) -> Iterator[Pattern]:
        """Yield patterns near a relaxed plan."""
        rules, pump = self.rules, self.problem.plant.heat_pump
        if rules is None or pump is None:
            yield np.full(self.problem.slots.n, -1)
            return
        yield from self.dynamic(found)
        x = found.x[self.on]
        pattern = self.following(found, self.effort.swings[0])
        if rules.allows(pattern):
            yield pattern
        if self.settled:
            return
        if self.effort.stages:
            pattern = self.staged(found)
            if rules.allows(pattern):
                yield pattern
        for swings in self.effort.swings[1:]:
            pattern = self.following(found, swings)
            if rules.allows(pattern):
                yield pattern
        total = x.sum(axis=0)
        share = np.where(total > 1e-9, x / np.maximum(total, 1e-9), 0.0)
        for threshold in self.effort.thresholds:
            # Cost of a slot: how far the status is from the threshold; the mode with the larger share goes first.
            cost = 10 * rules.start_cent * (threshold - total) - 1e-3 * share
            pattern = rules.cheapest(cost)
            if rules.allows(pattern):
                yield pattern
        if self.best is None:
            yield rules.cheapest(np.full(x.shape, 1.0))

    def dynamic(self, found: Solution) -> Iterator[Pattern]:
        """Yield the pattern of the dynamic program at the prices of a relaxed plan, if there is one."""
        pump, labels = self.problem.plant.heat_pump, self.effort.labels
        if pump is None or self.rules is None or not labels or not fits(self.problem):
            return
        program = Dynamic(self.problem, self.rules, self.lp.duals(found), Cells.of(pump, labels), found.x)
        told = program.run()
        if told is not None and self.rules.allows(told[0]):
            self.told = True
            yield told[0]

    def following(
        self, found: Solution, swings: tuple[float, float], before: Pattern | None = None
    ) -> Pattern:
        """Return a pattern that follows the heat of a relaxed plan in runs."""
        assert self.rules is not None
        return self.rules.following(asked(self.problem, found, swings), before)

    def staged(self, found: Solution) -> Pattern:
        """Return a pattern fixed from the start on, some hours at a time, the relaxed LP solved anew for the rest."""
        slots, arrays = self.problem.slots, self.lp.part.arrays
        pattern = self.following(found, self.effort.swings[0])
        for hour in np.arange(self.effort.stages, slots.start_h[-1], self.effort.stages):
            at = int(np.searchsorted(slots.start_h, hour - 1e-9))
            lower, upper = arrays.col_lower[self.on].copy(), arrays.col_upper[self.on].copy()
            for m in range(len(self.on)):
                lower[m, :at] = upper[m, :at] = pattern[:at] == m
            self.lp.fix(self.on.ravel(), lower.ravel(), upper.ravel())
            if len(self.vent):
                self.lp.fix(self.vent, np.zeros(len(self.vent)), np.full(len(self.vent), 50.0))
            found = self.lp.run()
            if found.status != "optimal":
                break
            pattern = self.following(found, self.effort.swings[0], pattern[:at])
        return pattern

    def charging(self, found: Solution) -> tuple[Bools, ...]:
        """Return the slots in which the vehicles charge: those with half the smallest charge or more."""
        out = []
        for vehicle, columns in zip(self.vehicles, self.charge, strict=True):
            out.append(found.x[columns] >= 0.5 * vehicle.charge_min_kw)
        return tuple(out)

    # ------------------------------------------------------------------ polish
    def apply(self, choice: Choice) -> None:
        """Fix the LP's bounds to a choice."""
        if len(self.vent):
            self.lp.fix(self.vent, np.zeros(len(self.vent)), np.full(len(self.vent), 50.0))
        for m, columns in enumerate(self.on):
            value = (choice.pattern == m).astype(float)
            self.lp.fix(columns, value, value)
        if not choice.charging:
            for columns in [*self.charge, *self.plugged]:
                self.lp.free(columns)
        for columns, on in zip(self.plugged, choice.charging, strict=False):
            self.lp.fix(columns, on.astype(float), on.astype(float))
        for vehicle, columns, on in zip(self.vehicles, self.charge, choice.charging, strict=False):
            upper = self.lp.part.arrays.col_upper[columns]
            self.lp.fix(columns, np.where(on, vehicle.charge_min_kw, 0.0), np.where(on, upper, 0.0))
        if len(self.other):
            self.lp.fix(self.other, self.decided, self.decided)

    def try_choice(self, choice: Choice) -> Found | None:
        """Solve the LP of a choice and keep it if it is the best; ``None`` if it is known or has no plan."""
        if choice.key in self.seen:
            return None
        self.apply(choice)
        solution = self.lp.run()
        if solution.status != "optimal":
            self.seen[choice.key] = np.inf
            return None
        self.seen[choice.key] = solution.objective
        found = Found(choice, solution)
        if self.best is None or self._rank(found) < self._rank(self.best):
            self.best = found
        return found

    def _rank(self, found: Found) -> tuple[bool, float]:
        return not self.stands(found), found.objective + 1e-9

    # ------------------------------------------------------------------ moves
    def improve(self, solves: int, close_to: float = -np.inf) -> None:
        """Try moves around the best choice until none helps, the gap is closed, or the effort is spent.

        The estimate of a move is a bound, and the further the move the looser: what is added for the square of the
        slots that change is learnt from the moves that were tried.
        """
        for _ in range(solves):
            if self.best is None or self.close() or self.best.objective < close_to + 0.3:
                return
            base = self.best
            if base is not self.base:
                self.base, self.near = base, self.moves(base)
            curve = float(np.median(self.curves)) if self.curves else 0.2
            ranked = sorted(self.near, key=lambda one, curve=curve: one[0] + curve * one[1] ** 2)  # type: ignore[misc]
            chosen = next((one for one in ranked if self._fresh(one[2])), None)
            if chosen is None:
                return
            estimate, changed, choice = chosen
            found = self.try_choice(choice)
            if found is not None:
                self.curves.append(max(0.0, found.objective - base.objective - estimate) / changed**2)

    def _fresh(self, choice: Choice) -> bool:
        return choice.key not in self.seen and (self.rules is None or self.rules.allows(choice.pattern))

    def moves(self, base: Found) -> list[tuple[float, int, Choice]]:
        """Return changes of a choice whose estimate is negative: estimate, slots that change, choice."""
        out: list[tuple[float, int, Choice]] = []
        d = base.solution.reduced_cost
        if self.rules is not None and not base.choice.charging:
            for estimate, pattern in pattern_moves(self.rules, base.choice.pattern, d[self.on]):
                changed = int(np.sum(pattern != base.choice.pattern))
                out.append((estimate, changed, Choice(pattern, base.choice.charging)))
        for number, columns in enumerate(self.charge if base.choice.charging else []):
            out += self._charge_moves(base, number, columns, d[columns])
        return [one for one in out if one[0] < -1e-2]

    def _charge_moves(
        self, base: Found, number: int, columns: Ints, d: Floats
    ) -> list[tuple[float, int, Choice]]:
        on, least = base.choice.charging[number], self.vehicles[number].charge_min_kw
        may = self.lp.part.arrays.col_upper[columns] >= least
        x = base.solution.x[columns]
        estimate = np.where(on, -np.maximum(d, 0.0) * x, np.minimum(d * least, 0.0))
        estimate[~may] = 0.0
        slots = np.argsort(estimate)[:6]
        out = []
        for slot in slots[estimate[slots] < -1e-3]:
            changed = on.copy()
            changed[slot] = not on[slot]
            rest = base.choice.charging
            charging = (*rest[:number], changed, *rest[number + 1 :])
            out.append((float(estimate[slot]), 1, Choice(base.choice.pattern, charging)))
        return out
