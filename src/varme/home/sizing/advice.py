"""Advice beside the optimum: how flat it is, what other sizes cost, what rules of thumb cost, where they stand.

Nothing here is a guess: a cost is an exact evaluation of the whole year, a range is proven from both sides. That cost
is convex in the sizes (with what is built held) makes both cheap: planes are bounds from below, and what lies between
two evaluated points costs at most their mix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from varme.ground.size import Decision
from varme.home.sizing.equipment import Equipment
from varme.home.sizing.scaled import BACKUP, BATTERY, HEAT_PUMP, TANK
from varme.home.sizing.search import Evaluated, Search, Sized
from varme.kernel.model import Floats

#: Sizes that are sold, for the regret table (assumption: common steps of European catalogues).
STANDARD = {
    HEAT_PUMP: (3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0),
    TANK: (100.0, 120.0, 150.0, 200.0, 300.0, 400.0, 500.0),
    BATTERY: (0.0, 5.0, 7.5, 10.0, 15.0, 20.0),
    BACKUP: (0.0, 3.0, 6.0, 9.0),
    "pv_kwp": (0.0, 3.0, 4.0, 6.0, 8.0, 10.0, 12.0, 15.0),
}
#: Rounds in which the end of a flat range is looked for.
END_ROUNDS = 2


@dataclass(frozen=True)
class FlatRange:
    """How far one size may move, the others following it, at a cost within a limit.

    Attributes:
        name: Size.
        best: Its optimum.
        low: Smallest size proven to be within the limit.
        high: Largest size proven to be within the limit.
        low_possible: Below this no sizes are within the limit.
        high_possible: Above this no sizes are within the limit.
    """

    name: str
    best: float
    low: float
    high: float
    low_possible: float
    high_possible: float


@dataclass(frozen=True, eq=False)
class Candidate:
    """Sizes that somebody may have in mind, and what they cost."""

    name: str
    why: str
    found: Evaluated


def flat_ranges(search: Search, sized: Sized, flat_share: float) -> list[FlatRange]:
    """Return, for every decided size, the range within which the cost stays near the best.

    Args:
        search: The search, hot.
        sized: What it found.
        flat_share: How near, as a share of the cost.
    """
    best = sized.best
    state = search.states[best.branch]
    limit = best.objective_eur + flat_share * abs(best.objective_eur)
    out = []
    for d, size in enumerate(state.branch.sizes):
        if size.high - size.low <= 1e-9:
            continue
        ends = {}
        for sign in (1.0, -1.0):
            ends[sign] = _end(search, best, d, sign, limit)
        out.append(
            FlatRange(
                size.name, float(best.sizes[d]), ends[1.0][0], ends[-1.0][0], ends[1.0][1], ends[-1.0][1]
            )
        )
    return out


def _end(search: Search, best: Evaluated, d: int, sign: float, limit: float) -> tuple[float, float]:
    """Return the proven and the possible end of a range; ``sign`` 1 looks for the smallest size."""
    state = search.states[best.branch]
    proven, possible = float(best.sizes[d]), float(best.sizes[d])
    for _ in range(END_ROUNDS):
        point = state.master.extreme(d, sign, limit - state.branch.yearly_eur)
        if point is None:
            break
        possible = float(point.sizes[d])
        if abs(possible - proven) < 1e-6 * max(1.0, abs(proven)):
            break
        found = search.evaluate(best.branch, point.sizes)
        over = found.objective_eur - best.objective_eur
        share = 1.0 if over <= limit - best.objective_eur else (limit - best.objective_eur) / over
        same = np.array_equal(point.sizes > 1e-9, best.sizes > 1e-9)
        reached = best.sizes[d] + share * (point.sizes[d] - best.sizes[d]) if same or share == 1.0 else proven
        proven = min(proven, reached) if sign > 0 else max(proven, reached)
        if share == 1.0:
            break
    return float(proven), possible


def candidates(equipment: Equipment, search: Search, sized: Sized, heat_load_kw: float) -> list[Candidate]:
    """Return what nearby standard sizes, rules of thumb and leaving things out cost.

    Args:
        equipment: What is decided.
        search: The search, hot.
        sized: What it found.
        heat_load_kw: Heat load of the house and its hot water.
    """
    best = sized.best
    names = [s.name for s in search.states[best.branch].branch.sizes]
    free = {
        n: d
        for n, d in equipment.decisions.items()
        if n in names and not (n == HEAT_PUMP and equipment.models)
    }
    trials: dict[str, tuple[str, Floats]] = {}
    for name, decision in free.items():
        position = names.index(name)
        for size in _nearby(name, float(best.sizes[position]), decision):
            sizes = best.sizes.copy()
            sizes[position] = size
            trials[f"{name} {size:g}"] = ("standard size, the others at the optimum", sizes)
        if _may_be_left_out(decision) and best.sizes[position] > 1e-6:
            sizes = best.sizes.copy()
            sizes[position] = 0.0
            trials[f"no {name}"] = ("left out, the others at the optimum", sizes)
    rule = _by_rule(equipment, names, best.sizes, free, heat_load_kw)
    if rule is not None:
        trials["rules of thumb"] = rule
    return [
        Candidate(name, why, search.evaluate(best.branch, sizes, planes=False))
        for name, (why, sizes) in trials.items()
    ]


def _may_be_left_out(decision: Decision) -> bool:
    return decision.min == 0 or decision.optional


def _nearby(name: str, best: float, decision: Decision) -> list[float]:
    """Return the standard sizes next to the optimum within the limits."""
    ladder = [s for s in STANDARD.get("pv_kwp" if name.startswith("pv") else name, ()) if s > 0]
    inside = [s for s in ladder if decision.min <= s <= decision.max]
    below = [s for s in inside if s <= best + 1e-9][-1:]
    above = [s for s in inside if s > best + 1e-9][:1]
    return [s for s in (*below, *above) if abs(s - best) > 1e-6]


def _by_rule(
    equipment: Equipment, names: list[str], sizes: Floats, free: dict[str, Decision], heat_load_kw: float
) -> tuple[str, Floats] | None:
    """Return sizes by rules of thumb: heat load, 50 litres a person, 1 kWh of battery per kWp."""
    out, used = sizes.copy(), []
    pv = sum(float(sizes[k]) for k, n in enumerate(names) if n.startswith("pv"))
    wishes = {
        HEAT_PUMP: (heat_load_kw, f"heat load {heat_load_kw:.1f} kW"),
        TANK: (50.0 * equipment.study.sizing.persons_count, "50 l a person"),
        BATTERY: (pv, "1 kWh per kWp"),
    }
    for name, (wish, text) in wishes.items():
        if name in free:
            out[names.index(name)] = float(np.clip(wish, free[name].min, free[name].max))
            used.append(text)
    return (", ".join(used), out) if used else None


@dataclass(frozen=True, eq=False)
class SizesMap:
    """Yearly cost over two sizes, the others at the optimum.

    Attributes:
        x: Name of the first size.
        y: Name of the second size.
        x_size: Shape (n,).
        y_size: Shape (n,).
        least_eur: Proven lower bound of the yearly cost, shape (n,).
        most_eur: Proven upper bound, NaN where no evaluated points surround the place, shape (n,).
    """

    x: str
    y: str
    x_size: Floats
    y_size: Floats
    least_eur: Floats
    most_eur: Floats


def sizes_map(search: Search, sized: Sized, x: str, y: str, points: int = 7, exact: int = 2) -> SizesMap:
    """Return the cost over two sizes: some points evaluated, all bounded from both sides.

    Args:
        search: The search, hot.
        sized: What it found.
        x: First size.
        y: Second size.
        points: Points along each size.
        exact: Points along each size that are evaluated over the whole year.
    """
    best = sized.best
    state = search.states[best.branch]
    names = [s.name for s in state.branch.sizes]
    i, j = names.index(x), names.index(y)

    def along(position: int, count: int) -> Floats:
        size = state.branch.sizes[position]
        return np.linspace(size.low, size.high, count)

    for a in along(i, exact):
        for b in along(j, exact):
            sizes = best.sizes.copy()
            sizes[i], sizes[j] = a, b
            search.evaluate(best.branch, sizes, planes=False)
    known = [e for e in search.evaluated if e.branch == best.branch]
    places = np.stack([e.sizes for e in known])
    running = np.array([e.objective_eur - e.capital_eur for e in known])
    rows = []
    for a in along(i, points):
        for b in along(j, points):
            sizes = best.sizes.copy()
            sizes[i], sizes[j] = a, b
            capital = state.master.yearly_eur(sizes) + state.branch.yearly_eur
            least = state.master.at(sizes)[0] - state.master.yearly_eur(sizes) + capital
            rows.append((a, b, least, capital + mixed_cost(places, running, sizes)))
    table = np.array(rows)
    return SizesMap(x, y, table[:, 0], table[:, 1], table[:, 2], np.maximum(table[:, 3], table[:, 2]))


def mixed_cost(places: Floats, costs: Floats, sizes: Floats) -> float:
    """Return the least mix of known costs at a place: an upper bound of a convex function; NaN outside of all."""
    spread = np.maximum(np.abs(places).max(axis=0), 1.0)
    matrix = np.vstack([(places / spread).T, np.ones(len(places))])
    right = np.append(sizes / spread, 1.0)
    found = linprog(costs, A_eq=matrix, b_eq=right, bounds=(0, 1), method="highs")
    return float(found.fun) if found.success else float("nan")
