"""A year of operation for given sizes: periods solved one by one, as a bound with prices at the seams, and as a plan.

The year is cut into periods. What a store holds at a seam is a variable of both neighbours, linked by an equation whose
multiplier ``pi`` is the worth of a unit in that store at that instant.

- **Bound**: with any ``pi`` fixed, ``sum of min (cost + pi_start start - pi_end end)`` over the periods, each for
itself,
  is a lower bound of the year's cost (weak duality), convex in the sizes; every period gives a plane (:class:`Cut`).
- **Plan**: the periods one after the other, each from where the one before ended, with ``pi`` as the worth of what
  is left: a feasible year, hence an upper bound.

The worth at a seam is what a unit more would have saved the period after it, taken from the duals of the plan; passes
over the year are repeated with the worths found. The two ends then meet within hundredths of a percent, because a home
forgets within days what a fortnight began with.

The year begins with the room half a kelvin above the lower end of comfort, the tank at its expected temperature, the
battery empty, vehicles at the level that they leave with; it must end with at least that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from varme.components.home import Slots
from varme.home.sizing.period import (
    Cut,
    PeriodProgram,
    at_sizes,
    build_period,
    supporting_plane,
)
from varme.home.sizing.scaled import ScaledPlant
from varme.kernel.check import violation
from varme.kernel.highs import AT_LOWER, BASIC, Solver, require_optimal
from varme.kernel.model import Arrays, Floats


@dataclass(frozen=True, eq=False)
class Duals:
    """Duals of a period, from which a plane can be computed for another machine too: weak duality asks for no more.

    Attributes:
        row: Duals of the rows, shape (m,).
        worth_start: What was charged for a unit at the start, shape (S,).
        worth_end: What was paid for a unit at the end, shape (S,).
        fixed: Whether the levels at the start were fixed.
    """

    row: Floats
    worth_start: Floats
    worth_end: Floats
    fixed: bool


@dataclass(frozen=True, eq=False)
class Operated:
    """A year operated at some sizes.

    Attributes:
        sizes: The sizes.
        cost_cent: Cost of the feasible year, wishes missed and stores short included.
        x: Values of each period's columns.
        violation: Largest violation of a row or bound in any period.
        co2_kg: Emissions of imported electricity.
    """

    sizes: Floats
    cost_cent: float
    x: tuple[Floats, ...]
    violation: float
    co2_kg: float


class Year:
    """One year (weather, prices) of a home, cut into periods that are kept hot.

    Args:
        scaled: The home per unit of size.
        days: Length of a period [days].
        co2_cent_per_kg: Price that is put on emissions.
    """

    def __init__(self, scaled: ScaledPlant, days: int = 14, co2_cent_per_kg: float = 0.0) -> None:
        self.scaled = scaled
        self.co2_cent_per_kg = co2_cent_per_kg
        self.start = _first_levels(scaled)
        self.slots = _periods(scaled, days)
        last = len(self.slots) - 1
        self.programs = [
            build_period(scaled, slots, self.start if k == last else None)
            for k, slots in enumerate(self.slots)
        ]
        self.worth = np.stack([self._guess()] * (last + 1) + [np.zeros(len(self.start))])
        self._hot: list[_Hot | None] = [None] * (last + 1)
        self.iterations = 0
        self.memory: list[list[Duals]] = []

    def _solve(self, hot: _Hot, sizes: Floats, levels: Floats | None) -> tuple[Floats, Floats]:
        before = hot.iterations
        out = hot.solve(sizes, levels)
        self.iterations += hot.iterations - before
        return out

    def turn_to(self, scaled: ScaledPlant) -> None:
        """Take another home of the same structure; the bases stay as a start."""
        self.scaled = scaled
        self.programs = self.programs_of(scaled)
        for k, program in enumerate(self.programs):
            hot = self._hot[k]
            if hot is not None:
                basis = hot.solver.basis() if hot.iterations else None
                same = hot.program.base.shape == program.base.shape
                fresh = _Hot(program, program.base.cost)
                fresh.solver.set_basis(
                    basis if basis is not None and same else first_basis(program), alien=True
                )
                self._hot[k] = fresh

    def planes(self, duals: list[Duals], programs: list[PeriodProgram] | None = None) -> list[Cut]:
        """Return the planes that duals found for another machine prove for this one, or for other programs; if any."""
        out = []
        for program, one in zip(programs or self.programs, duals, strict=True):
            if len(one.row) != len(program.base.row_lower):
                return []
            cost = self._objective(program, one.worth_start, one.worth_end)
            levels = self.start if one.fixed else None
            out.append(supporting_plane(program, cost, one.row, one.worth_start, one.worth_end, levels))
        return out

    def programs_of(self, scaled: ScaledPlant) -> list[PeriodProgram]:
        """Return the programs of another home over the same periods."""
        last = len(self.slots) - 1
        return [build_period(scaled, s, self.start if k == last else None) for k, s in enumerate(self.slots)]

    def bound(self, sizes: Floats) -> list[Cut]:
        """Return a plane of every period, each solved for itself with the worths at the seams."""
        out = []
        kept: list[Duals] = []
        for k, program in enumerate(self.programs):
            fixed = self.start if k == 0 else None
            at_start = self.worth[k] if k else np.zeros_like(self.start)
            hot = self._ready(k)
            hot.price(self._objective(program, at_start, self.worth[k + 1]))
            _, dual = self._solve(hot, sizes, fixed)
            kept.append(Duals(dual, at_start.copy(), self.worth[k + 1].copy(), fixed is not None))
            out.append(supporting_plane(program, hot.cost, dual, at_start, self.worth[k + 1], fixed))
        self.memory.append(kept)
        return out

    def plan(self, sizes: Floats) -> tuple[Operated, list[Cut]]:
        """Operate the year from its first step to its last, each period from where the one before ended.

        The worths at the seams are those found last; afterwards they are what the plan's duals say.

        Returns:
            The year, and a plane of every period.
        """
        levels, x, cuts, found = self.start, [], [], self.worth.copy()
        worst, cost, co2, zero = 0.0, 0.0, 0.0, np.zeros_like(self.start)
        kept: list[Duals] = []
        for k, program in enumerate(self.programs):
            hot = self._ready(k)
            hot.price(self._objective(program, zero, self.worth[k + 1]))
            values, dual = self._solve(hot, sizes, levels)
            cuts.append(supporting_plane(program, hot.cost, dual, zero, self.worth[k + 1], levels))
            kept.append(Duals(dual, zero, self.worth[k + 1].copy(), fixed=True))
            found[k] = -cuts[-1].start_slope
            worst = max(worst, violation(hot.solver.arrays, values)[0])
            cost += float(program.base.cost @ values) + program.base.offset
            co2 += float(program.co2_kg @ values)
            x.append(values)
            levels = _levels_at(program, values, self.slots[k].n)
        self.worth = found
        self.memory.append(kept)
        return Operated(sizes, cost, tuple(x), worst, co2), cuts

    def _ready(self, k: int) -> _Hot:
        """Return a period's solver; a new one starts from its neighbour's basis."""
        hot = self._hot[k]
        if hot is None:
            program = self.programs[k]
            hot = _Hot(program, program.base.cost)
            before = self._hot[k - 1] if k else None
            same = before is not None and before.program.base.shape == program.base.shape
            hot.solver.set_basis(
                before.solver.basis() if before and same else first_basis(program), alien=True
            )
            self._hot[k] = hot
        return hot

    def _objective(self, program: PeriodProgram, at_start: Floats, at_end: Floats) -> Floats:
        cost = program.base.cost + self.co2_cent_per_kg * program.co2_kg
        cost[program.starts] += at_start
        for store, end in enumerate(program.ends):
            for weight, column in end:
                cost[column] -= weight * at_end[store]
        return cost

    def _guess(self) -> Floats:
        """Return a first worth of what is left: heat at a COP of 3, electricity less what a store loses."""
        plant, program = self.scaled.plant, self.programs[0]
        price = float(np.median(plant.grid.import_cent_per_kwh))
        electric = (plant.battery is not None) + len(plant.vehicles)
        share = np.full(len(self.start), 0.25)
        share[len(share) - electric :] = 0.8
        return np.asarray(share * price * program.kwh_per_unit)


class _Hot:
    """A period's program in a solver that is kept hot over changes of sizes and of the levels at the start."""

    def __init__(self, program: PeriodProgram, cost: Floats) -> None:
        self.program, self.cost = program, cost
        self.solver = Solver(replace(program.base, cost=cost), presolve="off")
        self.rows = np.unique(np.concatenate([s.rows for s in program.slopes])).astype(np.int32)
        columns = [s.columns for s in program.slopes]
        self.columns = np.unique(np.concatenate([*columns, program.starts])).astype(np.int32)
        self.iterations = 0

    def limits(self, sizes: Floats, levels: Floats | None) -> tuple[Floats, Floats, Floats, Floats]:
        """Return row limits and column bounds at some sizes."""
        low, high, upper = at_sizes(self.program, sizes)
        lower = self.program.base.col_lower.copy()
        if levels is not None:
            lower[self.program.starts] = upper[self.program.starts] = levels
        return low, high, lower, upper

    def price(self, cost: Floats) -> None:
        """Take other costs."""
        changed = np.flatnonzero(cost != self.cost).astype(np.int32)
        if len(changed):
            self.solver.highs.changeColsCost(len(changed), changed, cost[changed])
        self.cost = cost

    def arrays_at(self, sizes: Floats, levels: Floats | None) -> Arrays:
        """Return the program at some sizes as arrays."""
        low, high, lower, upper = self.limits(sizes, levels)
        return replace(
            self.program.base, row_lower=low, row_upper=high, col_lower=lower, col_upper=upper, cost=self.cost
        )

    def solve(self, sizes: Floats, levels: Floats | None) -> tuple[Floats, Floats]:
        """Solve and return values and duals of the rows."""
        arrays = self.arrays_at(sizes, levels)
        low, high, lower, upper = arrays.row_lower, arrays.row_upper, arrays.col_lower, arrays.col_upper
        self.solver.arrays = arrays
        highs, rows, columns = self.solver.highs, self.rows, self.columns
        highs.changeRowsBounds(len(rows), rows, low[rows], high[rows])
        highs.changeColsBounds(len(columns), columns, lower[columns], upper[columns])
        found = require_optimal(self.solver.run(), "operation of a period")
        self.iterations += found.iterations
        return found.x, found.row_dual


def _first_levels(scaled: ScaledPlant) -> Floats:
    plant = scaled.plant
    levels: list[float] = []
    if plant.house is not None:
        house = plant.house
        day = min(len(house.outdoor_c), round(24 / plant.seen.grid.step_h))
        levels += house.network.steady_c(
            float(house.low_c[0]) + 0.5, float(house.outdoor_c[:day].mean())
        ).tolist()
    levels += [0.0] if plant.tank is not None else []
    levels += [0.0] if plant.battery is not None else []
    levels += [0.8 * v.capacity_kwh for v in plant.vehicles]
    return np.array(levels)


def _periods(scaled: ScaledPlant, days: int) -> list[Slots]:
    """Return periods of some days; the last takes what is left."""
    grid = scaled.plant.seen.grid
    each = round(24 / grid.step_h) * days
    count = max(1, round(grid.n / each))
    edges = [*range(0, count * each, each), grid.n] if grid.n > each else [0, grid.n]
    return [Slots.even(int(a), int(b - a), grid.step_h) for a, b in pairwise(edges)]


def first_basis(program: PeriodProgram) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Return a basis to begin with: the levels of all stores and the import follow from their balances."""
    model = program.model
    columns = np.full(len(program.base.cost), AT_LOWER, dtype=np.int8)
    rows = np.full(len(program.base.row_lower), BASIC, dtype=np.int8)
    follow = [r for r in model.rows if r == "electricity" or "balance" in r]
    levels = [
        v for v in model.vars if v == "grid.import" or v.endswith((".energy", ".level")) or "temperature" in v
    ]
    for name in levels:
        columns[model.vars[name].now] = BASIC
    for name in follow:
        rows[model.rows[name].index] = AT_LOWER
    return columns, rows


def _levels_at(program: PeriodProgram, x: Floats, steps: int) -> Floats:
    """Return the stores' levels after some steps of a solution."""
    length = program.model.length
    back = length - steps
    return np.array([sum(w * x[c - back] for w, c in end) for end in program.ends])
