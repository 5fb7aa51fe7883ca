"""The master of the search: sizes, what they cost, and what the planes say of the cost of operation.

Variables: the sizes, whether each is built, its yearly cost, the cost of every period, and what the stores hold at
every seam. All planes of all rounds stay; those found with different worths at a seam combine through the levels
there. Its optimum is a lower bound of what any sizes can cost. The next sizes are those nearest to the best so far at
which the planes still promise a share of the gap (level method, Lemarechal, Nemirovskii and Nesterov 1995,
doi:10.1007/BF01585555, here with the largest relative change as the distance).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from varme.ground.errors import SolverError
from varme.home.sizing.period import Cut
from varme.kernel.highs import Solver, require_optimal
from varme.kernel.model import Arrays, Floats

INF = float("inf")
#: Share of its largest size below which something with a fixed cost is taken as not built.
TRACE_SHARE = 1e-3
#: Coefficients of planes below this are rounding: with sizes and levels below 1e4 they are worth less than 1e-5 cents.
TINY = 1e-9


@dataclass(frozen=True)
class SizeCost:
    """A size as the master sees it.

    Attributes:
        name: Name, ending in its unit.
        low: Smallest size if built.
        high: Largest size.
        lines: Yearly cost as the largest of lines (EUR per unit and year, EUR a year), if built.
        optional: Whether it may be left out (0) though ``low`` is above 0.
    """

    name: str
    low: float
    high: float
    lines: tuple[tuple[float, float], ...] = ((0.0, 0.0),)
    optional: bool = False

    @property
    def whole(self) -> bool:
        """Whether building it is an integer decision."""
        return self.high > 0 and (self.low == 0 or self.optional) and (
            self.optional or any(fixed for _, fixed in self.lines)
        )  # fmt: skip

    def yearly_eur(self, size: float) -> float:
        """Return the yearly cost of a size."""
        if size <= 0 and (self.low == 0 or self.optional):
            return 0.0
        return max(per * size + fixed for per, fixed in self.lines)


@dataclass(frozen=True, eq=False)
class MasterPoint:
    """A point of the master: sizes, the value of the model there, a bound of it."""

    sizes: Floats
    value: float
    bound: float
    built: Floats


@dataclass
class Master:
    """The master.

    Attributes:
        sizes: The sizes.
        weights: EUR a year per cent of each scenario's operation, shape (C,).
        periods: Periods of each scenario.
        start: Levels of the stores at the start of each scenario, shape (C, S).
        level_limits: Limits of the levels at the seams, shape (2, S).
        level_sizes: Store -> (position of a size, level per unit of it): its upper limit.
    """

    sizes: list[SizeCost]
    weights: Floats
    periods: list[int]
    start: Floats
    level_limits: Floats
    level_sizes: dict[int, tuple[int, float]] = field(default_factory=dict)
    _cut_rows: list[int] = field(default_factory=list)
    _cut_period: list[int] = field(default_factory=list)
    _cut_end: list[Floats] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stores = self.start.shape[1]
        self.count = len(self.sizes)
        first = np.concatenate([[0], np.cumsum(self.periods)]).astype(int)
        self.first = first
        total = int(first[-1])
        d = self.count
        # Columns: sizes, built, yearly cost, periods' costs, levels at the start of each period.
        self.built0, self.cost0, self.theta0, self.level0 = d, 2 * d, 3 * d, 3 * d + total
        self.columns = self.level0 + total * self.stores
        self._block = _Rows()
        self._fixed_rows()

    def add(self, scenario: int, cuts: list[Cut]) -> None:
        """Add a plane of every period of a scenario."""
        for k, cut in enumerate(cuts):
            row = int(self.first[scenario]) + k
            columns = [self.theta0 + row, *range(self.count)]
            values = [1.0, *(-cut.slope)]
            constant = cut.constant
            if k:
                columns += range(self.level0 + row * self.stores, self.level0 + (row + 1) * self.stores)
                values += list(-cut.start_slope)
            else:
                constant += float(cut.start_slope @ self.start[scenario])
            if k + 1 < self.periods[scenario]:
                columns += range(self.level0 + (row + 1) * self.stores, self.level0 + (row + 2) * self.stores)
                values += list(-cut.end_slope)
            self._cut_rows.append(len(self._block.lower))
            self._cut_period.append(row)
            self._cut_end.append(cut.end_slope)
            self._block.add(columns, values, constant, INF)

    def solve(self) -> MasterPoint:
        """Return the optimum of the model: its value is a lower bound of what any sizes can cost."""
        arrays = self._arrays(self._objective(), [])
        try:
            found = Solver(arrays, mip_rel_gap=1e-6).run()
        except SolverError:
            found = Solver(arrays, mip_rel_gap=1e-6, presolve="off").run()
        if not arrays.integer.any():
            require_optimal(found, "master")
        return self._point(found.x, found.bound)

    def toward(self, centre: Floats, built: Floats, level: float) -> MasterPoint:
        """Return the sizes nearest to a centre at which the model is not above a level.

        Args:
            centre: Sizes to stay near, shape (D,).
            built: What is built, shape (D,).
            level: Value that the model may reach.
        """
        objective = np.zeros(self.columns + 1)
        objective[-1] = 1.0
        extra: list[tuple[list[int], list[float], float, float]] = []
        cost = self._objective()
        used = np.flatnonzero(cost)
        extra.append((used.tolist(), cost[used].tolist(), -INF, level))
        for d, size in enumerate(self.sizes):
            span = max(size.high, 1e-9)
            extra.append(([d, self.columns], [1 / span, -1.0], -INF, centre[d] / span))
            extra.append(([d, self.columns], [1 / span, 1.0], centre[d] / span, INF))
        arrays = self._arrays(objective, extra, built)
        found = require_optimal(Solver(arrays).run(), "master")
        return self._point(found.x[:-1], -INF)

    def extreme(
        self, size: int, sign: float, limit: float, built: Floats | None = None
    ) -> MasterPoint | None:
        """Return the point of least ``sign * size`` at which the model is not above a limit, or ``None``."""
        objective = np.zeros(self.columns)
        objective[size] = sign
        cost = self._objective()
        used = np.flatnonzero(cost)
        arrays = self._arrays(objective, [(used.tolist(), cost[used].tolist(), -INF, limit)], built)
        found = Solver(arrays, mip_rel_gap=1e-4).run()
        return self._point(found.x, -INF) if found.feasible else None

    def at(self, sizes: Floats) -> tuple[float, list[Floats]]:
        """Return the model's value at given sizes, a lower bound of what they cost, and the worths at the seams there.

        Returns:
            EUR a year, and for every scenario the worth of a unit of each store at the start of each period [cent],
            shape (K + 1, S): the combination of the planes' slopes that the model's optimum uses.
        """
        arrays = self._arrays(self._objective(), [])
        lower, upper = arrays.col_lower, arrays.col_upper
        lower[: self.count] = upper[: self.count] = sizes
        built = (sizes > 0).astype(float)
        lower[self.built0 : self.cost0] = upper[self.built0 : self.cost0] = built
        relaxed = Arrays(**{**arrays.__dict__, "integer": np.zeros(len(arrays.cost), dtype=bool)})
        found = require_optimal(Solver(relaxed).run(), "master")
        share = found.row_dual[np.array(self._cut_rows, dtype=int)]
        worths = np.zeros((int(self.first[-1]), self.stores))
        total = np.zeros(int(self.first[-1]))
        np.add.at(total, self._cut_period, share)
        np.add.at(worths, self._cut_period, share[:, None] * np.array(self._cut_end))
        worths /= np.maximum(total, 1e-12)[:, None]
        none = np.zeros((1, self.stores))
        return found.objective, [
            np.concatenate([none, worths[a:b]]) for a, b in zip(self.first, self.first[1:], strict=False)
        ]

    def snapped(self, sizes: Floats) -> Floats:
        """Return sizes without traces: next to nothing of what costs something to build at all becomes nothing."""
        traces = [s.whole and x < TRACE_SHARE * s.high for s, x in zip(self.sizes, sizes, strict=True)]
        return np.where(traces, 0.0, sizes)

    def yearly_eur(self, sizes: Floats) -> float:
        """Return what sizes cost a year without operation."""
        return float(sum(s.yearly_eur(float(x)) for s, x in zip(self.sizes, sizes, strict=True)))

    # ------------------------------------------------------------------ arrays
    def _objective(self) -> Floats:
        cost = np.zeros(self.columns)
        cost[self.cost0 : self.theta0] = 1.0
        for c, weight in enumerate(self.weights):
            cost[self.theta0 + self.first[c] : self.theta0 + self.first[c + 1]] = weight
        return cost

    def _fixed_rows(self) -> None:
        d = self.count
        for k, size in enumerate(self.sizes):
            self._block.add([k, d + k], [1.0, -size.high], -INF, 0.0)
            self._block.add([k, d + k], [1.0, -size.low], 0.0, INF)
            for per, fixed in size.lines:
                self._block.add([2 * d + k, k, d + k], [1.0, -per, -fixed], 0.0, INF)
        rows = np.arange(int(self.first[-1]))
        for store, (position, per) in self.level_sizes.items():
            for row in rows:
                self._block.add([self.level0 + row * self.stores + store, position], [1.0, -per], -INF, 0.0)

    def _arrays(
        self,
        cost: Floats,
        extra: list[tuple[list[int], list[float], float, float]],
        built: Floats | None = None,
    ) -> Arrays:
        columns, d = len(cost), self.count
        lower, upper = np.full(columns, -INF), np.full(columns, INF)
        lower[:d], upper[:d] = 0.0, [s.high for s in self.sizes]
        lower[d : 2 * d] = [0.0 if s.low == 0 or s.optional else 1.0 for s in self.sizes]
        upper[d : 2 * d] = 1.0
        lower[2 * d : 3 * d] = 0.0
        if built is not None:
            lower[d : 2 * d] = upper[d : 2 * d] = built
        levels = slice(self.level0, self.columns)
        lower[levels] = np.tile(self.level_limits[0], int(self.first[-1]))
        upper[levels] = np.tile(self.level_limits[1], int(self.first[-1]))
        if columns > self.columns:
            lower[-1] = 0.0
        whole = np.zeros(columns, dtype=bool)
        if built is None:
            whole[d : 2 * d] = [s.whole for s in self.sizes]
        return self._block.arrays(cost, lower, upper, whole, extra)

    def _point(self, x: Floats, bound: float) -> MasterPoint:
        sizes = np.clip(x[: self.count], 0.0, [s.high for s in self.sizes])
        built = np.round(x[self.built0 : self.cost0])
        sizes[np.array([s.whole for s in self.sizes], dtype=bool) & (built < 0.5)] = 0.0
        return MasterPoint(self.snapped(sizes), float(self._objective() @ x[: self.columns]), bound, built)


class _Rows:
    """Rows that grow, as arrays."""

    def __init__(self) -> None:
        self.indices: list[int] = []
        self.values: list[float] = []
        self.starts: list[int] = [0]
        self.lower: list[float] = []
        self.upper: list[float] = []

    def add(self, columns: list[int], values: list[float], lower: float, upper: float) -> None:
        kept = [(c, v) for c, v in zip(columns, values, strict=True) if abs(v) > TINY]
        self.indices += [c for c, _ in kept]
        self.values += [float(v) for _, v in kept]
        self.starts.append(len(self.indices))
        self.lower.append(lower)
        self.upper.append(upper)

    def arrays(
        self,
        cost: Floats,
        lower: Floats,
        upper: Floats,
        whole: np.ndarray[tuple[int], np.dtype[np.bool_]],
        extra: list[tuple[list[int], list[float], float, float]],
    ) -> Arrays:
        more = _Rows()
        for row in extra:
            more.add(*row)
        starts = np.array(self.starts, dtype=np.int32)
        added = np.array(more.starts[1:], dtype=np.int32) + starts[-1]
        return Arrays(
            cost, lower, upper, whole, np.array(self.lower + more.lower), np.array(self.upper + more.upper),
            np.concatenate([starts, added]), np.array(self.indices + more.indices, dtype=np.int32),
            np.array(self.values + more.values, dtype=float),
        )  # fmt: skip
