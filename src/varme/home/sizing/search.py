"""The search for sizes: cutting planes over exact periods, with a lower bound and a feasible year for the best sizes.

Every round operates a year at trial sizes (an upper bound, and planes), solves every period for itself with the worths
at the seams (planes that combine to a lower bound), and asks the master for the next trial. Kinds of equipment that
change the equations (a model of a catalogue) are branches, each with a master of its own; the branch with the lowest
bound is refined next, so most of a catalogue is dismissed after one or two rounds.

The certificate: no sizes within the limits cost less than ``bound_eur`` a year, and the best sizes found cost
``cost_eur``, operated feasibly over the whole year, in the model of this study (perfect foresight, on/off relaxed).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from varme.home.sizing.master import INF, Master, SizeCost
from varme.home.sizing.operation import Operated, Year
from varme.home.sizing.scaled import BATTERY, TANK, ScaledPlant
from varme.kernel.model import Floats

#: Share of the gap, from below, at which the planes' value of the next trial may lie.
LEVEL_SHARE = 0.4
#: Gap below which every period is also solved for itself in each round.
PLANES_BELOW = 0.01
#: Share of the way to the next trial that is gone while the gap is above that.
STEP_SHARE = 0.7
#: Share of the newly found worths at the seams that is taken over after each round; the rest is kept.
WORTH_SHARE = 0.4


@dataclass(frozen=True, eq=False)
class Branch:
    """Equipment whose equations are the same for all sizes.

    Attributes:
        name: Name of the catalogue's model, or ``""``.
        sizes: Sizes and their costs, in the order of ``ScaledPlant.names``.
        years: One home per scenario (weather, prices), per unit of size.
        yearly_eur: Yearly cost that does not depend on the sizes.
    """

    name: str
    sizes: tuple[SizeCost, ...]
    years: tuple[ScaledPlant, ...]
    yearly_eur: float = 0.0


@dataclass(frozen=True, eq=False)
class Evaluated:
    """Sizes and what they cost: ``cost_eur = capital_eur + the weighted mean of operation`` [EUR a year].

    ``objective_eur`` is the cost with the price that is put on emissions: what the search compares.
    """

    branch: str
    sizes: Floats
    cost_eur: float
    capital_eur: float
    operation_eur: Floats
    co2_kg: float
    objective_eur: float
    years: tuple[Operated, ...]


@dataclass(frozen=True)
class Round:
    """A round of the search, for the convergence chart."""

    number: int
    branch: str
    trial_eur: float
    best_eur: float
    bound_eur: float
    cpu_s: float


@dataclass(frozen=True, eq=False)
class Sized:
    """What the search found.

    Attributes:
        best: The best sizes.
        bound_eur: Proven lower bound of the yearly cost of any sizes.
        closed: Whether the gap asked for was reached.
        rounds: The rounds.
        evaluated: All trials.
    """

    best: Evaluated
    bound_eur: float
    closed: bool
    rounds: tuple[Round, ...]
    evaluated: tuple[Evaluated, ...]

    @property
    def gap_share(self) -> float:
        """Gap relative to the cost."""
        cost = self.best.objective_eur
        return max(0.0, cost - self.bound_eur) / max(abs(cost), 1e-9)


@dataclass
class _State:
    """A branch in work."""

    branch: Branch
    master: Master
    bound: float = -INF
    best: Evaluated | None = None
    trial: Floats = field(default_factory=lambda: np.zeros(0))
    rounds: int = 0
    worths: list[Floats] = field(default_factory=list)
    seeded: bool = False


class Search:
    """The search; also the exact evaluation of any sizes, for advice.

    Args:
        branches: Kinds of equipment.
        weights: Weight of each scenario, summing to 1, shape (C,).
        hours: Length of each scenario [h], shape (C,); costs are scaled to a year.
        days: Length of a period.
        co2_cent_per_kg: Price put on emissions.
    """

    def __init__(
        self,
        branches: list[Branch],
        weights: Floats,
        hours: Floats,
        days: int = 14,
        co2_cent_per_kg: float = 0.0,
    ) -> None:
        self.weights, self.hours = weights, hours
        self.scale = 8760.0 / hours
        self.co2_cent_per_kg = co2_cent_per_kg
        self.years = [Year(scaled, days, co2_cent_per_kg) for scaled in branches[0].years]
        self._current = branches[0].name
        self.states = {b.name: self._state(b) for b in branches}
        self.evaluated: list[Evaluated] = []

    def price_emissions(self, co2_cent_per_kg: float) -> None:
        """Put another price on emissions: masters begin anew, the years stay hot."""
        self.co2_cent_per_kg = co2_cent_per_kg
        for year in self.years:
            year.co2_cent_per_kg = co2_cent_per_kg
        worths = {name: state.worths for name, state in self.states.items()}
        self.states = {name: self._state(state.branch) for name, state in self.states.items()}
        for name, state in self.states.items():
            state.worths, state.rounds = worths[name], 1 if worths[name] else 0
        self.evaluated = []

    def recompile(self, branches: list[Branch]) -> None:
        """Take the same equipment compiled at other sizes: masters begin anew, bases and worths stay as a start."""
        worths = {name: state.worths for name, state in self.states.items()}
        self._current = "?"
        self.states = {b.name: self._state(b) for b in branches}
        for name, state in self.states.items():
            state.worths, state.rounds = worths.get(name, []), 1 if worths.get(name) else 0
        self.evaluated = []

    def _state(self, branch: Branch) -> _State:
        year = self.years[0]
        lower, upper = year.programs[0].base.col_lower, year.programs[0].base.col_upper
        starts, names = year.programs[0].starts, branch.years[0].names
        limits = np.stack([lower[starts], upper[starts]])
        plant, sizes = branch.years[0].plant, {}
        store = 0 if plant.house is None else plant.house.network.nodes
        for name, per in ((TANK, branch.years[0].tank_kwh_per_l), (BATTERY, 1.0)):
            if name in names:
                sizes[store] = (names.index(name), per)
                limits[1, store] = INF
                store += 1
        master = Master(
            list(branch.sizes), self.weights * self.scale / 100, [len(y.programs) for y in self.years],
            np.stack([y.start for y in self.years]), limits, sizes,
        )  # fmt: skip
        return _State(branch, master)

    def _seed(self, state: _State) -> None:
        """Give a master that knows nothing the planes that the duals found so far prove for it, and take its bound."""
        state.seeded = True
        for c, year in enumerate(self.years):
            programs = None
            if self._current != state.branch.name:
                programs = year.programs_of(state.branch.years[c])
            for duals in year.memory:
                cuts = year.planes(duals, programs)
                if cuts:
                    state.master.add(c, cuts)
        if all(year.memory for year in self.years):
            state.bound = max(state.bound, state.master.solve().bound + state.branch.yearly_eur)

    def use(self, state: _State) -> None:
        """Turn the years to a branch; their bases stay as a start."""
        if self._current != state.branch.name:
            for year, scaled in zip(self.years, state.branch.years, strict=True):
                year.turn_to(scaled)
            self._current = state.branch.name
        for year, worth in zip(self.years, state.worths, strict=False):
            year.worth = worth.copy()

    def evaluate(self, branch: str, sizes: Floats, *, planes: bool = True) -> Evaluated:
        """Operate all scenarios at some sizes, exactly; the planes found go into the master.

        Args:
            branch: Name of the branch.
            sizes: The sizes.
            planes: Whether every period is also solved for itself, for the bound.
        """
        state = self.states[branch]
        sizes = state.master.snapped(np.asarray(sizes, dtype=float))
        self.use(state)
        operated, costs = [], []
        for c, year in enumerate(self.years):
            if not state.rounds:
                year.plan(sizes)
            before = year.worth.copy()
            done, cuts = year.plan(sizes)
            state.master.add(c, cuts)
            share = 1.0 if state.rounds < 2 else WORTH_SHARE
            year.worth = share * year.worth + (1 - share) * before
            if planes:
                state.master.add(c, year.bound(sizes))
            operated.append(done)
            costs.append(done.cost_cent * self.scale[c] / 100)
        state.worths = [year.worth.copy() for year in self.years]
        state.rounds += 1
        capital = state.master.yearly_eur(sizes) + state.branch.yearly_eur
        operation = np.array(costs)
        co2 = float(self.weights @ (np.array([o.co2_kg for o in operated]) * self.scale))
        cost = capital + float(self.weights @ operation)
        out = Evaluated(
            branch, np.array(sizes), cost, capital, operation, co2, cost + self.co2_cent_per_kg / 100 * co2,
            tuple(operated),
        )  # fmt: skip
        self.evaluated.append(out)
        if state.best is None or out.objective_eur < state.best.objective_eur:
            state.best = out
        return out

    def run(
        self,
        start: dict[str, Floats],
        gap_share: float = 1e-3,
        rounds_max: int = 60,
        on_round: Callable[[Round], None] | None = None,
    ) -> Sized:
        """Search until the gap is reached.

        Args:
            start: Branch -> sizes to begin with; branches are tried in this order.
            gap_share: Gap at which to stop.
            rounds_max: Most rounds.
            on_round: Told after every round.
        """
        began, rounds = time.process_time(), []
        for name, sizes in start.items():
            self.states[name].trial = np.array(sizes)
        open_now = [self.states[name] for name in start]
        best: Evaluated | None = None
        bound = -INF
        for number in range(1, rounds_max + 1):
            state = self._next(open_now, best, gap_share)
            near = best is not None and best.objective_eur - state.bound < PLANES_BELOW * abs(
                best.objective_eur
            )
            found = self.evaluate(state.branch.name, state.trial, planes=near or state.rounds < 2)
            if best is None or found.objective_eur < best.objective_eur:
                best = found
            self._advance(state)
            bound = min(s.bound for s in open_now)
            last = Round(
                number,
                state.branch.name,
                found.objective_eur,
                best.objective_eur,
                bound,
                time.process_time() - began,
            )
            rounds.append(last)
            if on_round is not None:
                on_round(last)
            if best.objective_eur - bound <= gap_share * abs(best.objective_eur) or _stuck(rounds):
                break
        assert best is not None
        bound = min(bound, best.objective_eur)
        closed = best.objective_eur - bound <= gap_share * abs(best.objective_eur) * (1 + 1e-9)
        return Sized(best, bound, closed, tuple(rounds), tuple(self.evaluated))

    def _next(self, states: list[_State], best: Evaluated | None, gap_share: float) -> _State:
        """Return the branch to refine: the one in work until it is closed, then the one with the lowest bound."""
        if best is None:
            first = states[0]
            self.use(first)
            if not first.seeded:
                self._seed(first)
            return first
        own = self.states[best.branch]
        own.seeded = True
        if best.objective_eur - own.bound > gap_share * abs(best.objective_eur):
            return own
        for state in states:
            if not state.seeded:
                self._seed(state)
        return min(states, key=lambda s: s.bound)

    def _advance(self, state: _State) -> None:
        """Take the bound from the master, and the next trial."""
        best = state.best
        assert best is not None
        constant = state.branch.yearly_eur
        point = state.master.solve()
        state.bound = max(state.bound, point.bound + constant)
        gap = best.objective_eur - state.bound
        if gap <= 1e-9 * max(1.0, abs(best.objective_eur)):
            state.trial = best.sizes
            return
        level = state.bound + LEVEL_SHARE * gap - constant
        level = max(level, point.value + 1e-6 * max(1.0, abs(point.value)))
        nearest = state.master.toward(best.sizes, point.built, level).sizes
        step = STEP_SHARE if gap > PLANES_BELOW * abs(best.objective_eur) else 1.0
        same = np.array_equal(nearest > 1e-9, best.sizes > 1e-9)
        state.trial = best.sizes + step * (nearest - best.sizes) if same else nearest


def _stuck(rounds: list[Round]) -> bool:
    """Return whether the last rounds closed next to nothing of the gap."""
    if len(rounds) < 16:
        return False
    then, now = rounds[-11], rounds[-1]
    before, after = then.best_eur - then.bound_eur, now.best_eur - now.bound_eur
    return bool(np.isfinite(before) and after > 0.98 * before)
