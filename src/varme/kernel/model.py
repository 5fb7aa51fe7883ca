"""Models: named blocks of variables and constraints over index arrays, assembled once into CSR.

A :class:`Model` covers ``length`` time steps. Every time-dependent number may be given as a :class:`Windowed` value: an
array over the *whole* horizon, of which the model uses the part that starts at its current position. :meth:`Model.move`
goes on to another part by changing numbers only; nothing is built anew.

A variable may carry ``history``: columns for the steps before the window, which hold the state that is handed over at a
seam (levels, statuses, fuel, hours up and down). They are columns fixed by their bounds, so constraints that look back
(ramps, storage balances, minimum times) are written once, without a special case for the first step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import ModelError, Problem

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
INF = float("inf")


@dataclass(frozen=True)
class Windowed:
    """A number per step of the whole horizon; a model uses the steps of its window.

    Attributes:
        full: Shape (..., n), time on the last axis.
    """

    full: Floats

    def at(self, first: int, length: int) -> Floats:
        """Return the part of one window, shape (..., length).

        Raises:
            IndexError: if the window reaches beyond the data.
        """
        if first + length > self.full.shape[-1]:
            raise IndexError(f"window {first}..{first + length} is beyond {self.full.shape[-1]} steps")
        return self.full[..., first : first + length]


Number = float | Floats | Windowed


@dataclass(frozen=True, eq=False)
class Var:
    """A block of variables.

    Attributes:
        name: Unique name, ``unit.AMV1.fuel``.
        index: Column numbers, shape (..., history + length) for variables over time, () for scalars.
        history: How many steps before the window are included.
    """

    name: str
    index: Ints
    history: int = 0

    @property
    def now(self) -> Ints:
        """Columns of the window's steps."""
        return self.index[..., self.history :] if self.index.ndim else self.index

    def lag(self, steps: int) -> Ints:
        """Columns ``steps`` earlier than the window's steps.

        Raises:
            ValueError: if the variable has less history than that.
        """
        if steps > self.history:
            raise ValueError(f"{self.name} looks back {steps} steps but has a history of {self.history}")
        stop = self.index.shape[-1] - steps
        return self.index[..., self.history - steps : stop]


@dataclass(frozen=True, eq=False)
class Rows:
    """A block of constraints: its name and its row numbers, in the shape in which it was added."""

    name: str
    index: Ints


@dataclass(frozen=True)
class Commitment:
    """The on/off structure of one device, for searches that exploit it.

    Attributes:
        name: Name of the device.
        status: Columns of the on/off variable in the window, shape (T,).
        level: Columns of the dispatch variable, bounded by ``level_min * status <= level <= level_max * status``.
        level_min: Minimum when on, shape (T,).
        level_max: Maximum when on, shape (T,).
        start: Columns of the start variable, or ``None``.
        stop: Columns of the stop variable, or ``None``.
        min_up: Minimum steps on after a start (1 = none).
        min_down: Minimum steps off after a stop (1 = none).
    """

    name: str
    status: Ints
    level: Ints
    level_min: Floats
    level_max: Floats
    start: Ints | None = None
    stop: Ints | None = None
    min_up: int = 1
    min_down: int = 1


@dataclass(frozen=True)
class Arrays:
    """A model as arrays: minimise ``cost @ x + offset`` over ``row_lower <= A x <= row_upper``, bounds, integrality.

    ``A`` is CSR by rows: ``indptr`` (m + 1,), ``indices`` (nnz,), ``data`` (nnz,).
    """

    cost: Floats
    col_lower: Floats
    col_upper: Floats
    integer: NDArray[np.bool_]
    row_lower: Floats
    row_upper: Floats
    indptr: Ints
    indices: Ints
    data: Floats
    offset: float = 0.0

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, columns, nonzeros."""
        return len(self.row_lower), len(self.cost), len(self.data)


@dataclass
class _Moving:
    """A place in the arrays that a :class:`Windowed` value fills."""

    target: str
    first: int
    value: Windowed
    step: int = 1
    history: int = 0


@dataclass
class Changes:
    """What :meth:`Model.move` and :meth:`Model.set_history` changed since the last push: positions by kind."""

    cost: list[Ints] = field(default_factory=list)
    columns: list[Ints] = field(default_factory=list)
    rows: list[Ints] = field(default_factory=list)
    data: list[Ints] = field(default_factory=list)


class _Growing:
    """An array that grows at its end: of a large model there are never two copies at once, parts and whole."""

    def __init__(self, kind: type[np.generic]) -> None:
        self.array: NDArray[Any] = np.empty(1 << 14, dtype=kind)
        self.size = 0

    def more(self, count: int) -> NDArray[Any]:
        """Return the next ``count`` elements, to be filled before the array grows again."""
        end = self.size + count
        if end > len(self.array):
            grown = np.empty(max(end, 2 * len(self.array)), dtype=self.array.dtype)
            grown[: self.size] = self.array[: self.size]
            self.array = grown
        out = self.array[self.size : end]
        self.size = end
        return out

    def take(self) -> NDArray[Any]:
        """Return the whole and keep nothing."""
        out = self.array[: self.size]
        self.array, self.size = np.empty(0, dtype=self.array.dtype), 0
        return out


class Model:
    """A model under construction; see the module's text.

    Args:
        length: Steps in the window.
        first: Position of the window in the horizon at the start.
    """

    def __init__(self, length: int, first: int = 0) -> None:
        self.length = length
        self.first = first
        self.vars: dict[str, Var] = {}
        self.rows: dict[str, Rows] = {}
        self._commitments: list[tuple[Commitment, Number, Number]] = []
        self._n_cols = 0
        self._n_rows = 0
        self._n_data = 0
        self._cols = {name: _Growing(np.float64) for name in ("cost", "col_lower", "col_upper", "integer")}
        self._row_bounds = {name: _Growing(np.float64) for name in ("row_lower", "row_upper")}
        self._indices = _Growing(np.int32)
        self._data = _Growing(np.float64)
        self._widths: list[tuple[int, int]] = []
        self._moving: list[_Moving] = []
        self._pointers: dict[str, tuple[int, int, int]] = {}
        self.arrays: Arrays | None = None
        self.changes = Changes()

    # ------------------------------------------------------------------ building
    def var(
        self,
        name: str,
        *,
        lower: Number = 0.0,
        upper: Number = INF,
        cost: Number = 0.0,
        integer: bool = False,
        history: int = 0,
        scalar: bool = False,
    ) -> Var:
        """Add a block of variables over the window's steps (or one scalar).

        Args:
            name: Unique name.
            lower: Lower bound.
            upper: Upper bound.
            cost: Cost per unit.
            integer: Whether the values must be whole.
            history: Steps before the window; free within the largest bounds until :meth:`set_history` fixes them.
            scalar: One variable instead of one per step.

        Raises:
            ValueError: if the name is taken.
        """
        if name in self.vars:
            raise ValueError(f"variable {name} exists")
        count = 1 if scalar else history + self.length
        index = np.arange(self._n_cols, self._n_cols + count, dtype=np.int32)
        self._column(index, "cost", cost, history, past=0.0)
        self._column(index, "col_lower", lower, history, past=_least(lower))
        self._column(index, "col_upper", upper, history, past=_most(upper))
        whole = self._cols["integer"].more(count)
        whole[:history] = 0.0
        whole[history:] = float(integer)
        self._n_cols += count
        self.vars[name] = Var(name, index[0] if scalar else index, 0 if scalar else history)
        return self.vars[name]

    def _column(self, index: Ints, target: str, number: Number, history: int, past: float) -> None:
        values = self._cols[target].more(len(index))
        values[:history] = past
        values[history:] = self._current(number)
        if isinstance(number, Windowed):
            self._moving.append(_Moving(target, int(index[0]) + history, number))

    def _current(self, number: Number) -> Floats | float:
        return number.at(self.first, self.length) if isinstance(number, Windowed) else number

    def add(
        self,
        name: str,
        terms: Sequence[tuple[Number, Ints]],
        *,
        lower: Number = -INF,
        upper: Number = INF,
    ) -> Rows:
        """Add a block of constraints ``lower <= sum of coefficient * column <= upper``, one row per element.

        Args:
            name: Unique name.
            terms: Pairs of coefficient and columns; the columns are broadcast against each other and give the shape.
            lower: Lower limits, broadcast to the shape.
            upper: Upper limits, broadcast to the shape.

        Raises:
            ModelError: P303 if the block has no row or no term.
            ValueError: if the name is taken.
        """
        if name in self.rows:
            raise ValueError(f"constraint {name} exists")
        shape = np.broadcast_shapes(*(np.shape(columns) for _, columns in terms)) if terms else (0,)
        count = int(np.prod(shape))
        if not terms or not count:
            raise ModelError(Problem("P303", name, "this block of constraints is empty"))
        width = len(terms)
        indices = self._indices.more(count * width).reshape(*shape, width)
        data = self._data.more(count * width).reshape(*shape, width)
        for position, (coefficient, columns) in enumerate(terms):
            indices[..., position] = columns
            data[..., position] = self._current(coefficient)
            if isinstance(coefficient, Windowed):
                self._moving.append(_Moving("data", self._n_data + position, coefficient, step=width))
        self._widths.append((count, width))
        for target, number in (("row_lower", lower), ("row_upper", upper)):
            self._row_bounds[target].more(count).reshape(shape)[...] = self._current(number)
            if isinstance(number, Windowed):
                self._moving.append(_Moving(target, self._n_rows, number))
        index = np.arange(self._n_rows, self._n_rows + count, dtype=np.int32).reshape(shape)
        self._pointers[name] = (self._n_data, count, width)
        self._n_rows += count
        self._n_data += count * width
        self.rows[name] = Rows(name, index)
        return self.rows[name]

    def add_row(
        self, name: str, coefficients: Floats, columns: Ints, *, lower: float = -INF, upper: float = INF
    ) -> Rows:
        """Add a single constraint over many columns: ``lower <= coefficients @ columns <= upper``.

        Args:
            name: Unique name.
            coefficients: Shape (k,).
            columns: Column numbers, shape (k,), without repeats.
            lower: Lower limit.
            upper: Upper limit.

        Raises:
            ModelError: P303 if there are no columns.
        """
        terms: list[tuple[Number, Ints]] = [(1.0, columns[:1])] if len(columns) else []
        rows = self.add(name, terms, lower=lower, upper=upper)
        more = len(columns) - 1
        self._indices.more(more)[:], self._data.more(more)[:] = columns[1:], coefficients[1:]
        self._data.array[self._n_data - 1] = coefficients[0]
        self._widths[-1] = (1, len(columns))
        self._pointers[name] = (self._n_data - 1, 1, len(columns))
        self._n_data += more
        return rows

    def add_cost(self, var: Var, cost: Number) -> None:
        """Set the cost of a variable that was added without one.

        Raises:
            ValueError: if it has a cost already, or the model is assembled.
        """
        if self.arrays is not None:
            raise ValueError("the model is assembled; use set_cost")
        target = np.atleast_1d(var.now)
        if np.any(self._cols["cost"].array[target]):
            raise ValueError(f"{var.name} has a cost already")
        self._cols["cost"].array[target] = self._current(cost)
        if isinstance(cost, Windowed):
            self._moving.append(_Moving("cost", int(target[0]), cost))

    def commit(self, commitment: Commitment, level_min: Number, level_max: Number) -> None:
        """Register the on/off structure of a device, with its limits as numbers that may move."""
        self._commitments.append((commitment, level_min, level_max))

    @property
    def commitments(self) -> list[Commitment]:
        """The on/off structure of all devices, with the limits of the current window."""
        return [
            replace(unit, level_min=self._limit(low), level_max=self._limit(high))
            for unit, low, high in self._commitments
        ]

    def _limit(self, number: Number) -> Floats:
        return np.broadcast_to(np.asarray(self._current(number), dtype=float), (self.length,))

    @property
    def matrix_moves(self) -> bool:
        """Whether coefficients or on/off limits differ between windows, so that what is read off a matrix expires."""
        limits = any(isinstance(n, Windowed) for _, *numbers in self._commitments for n in numbers)
        return limits or any(place.target == "data" for place in self._moving)

    def assemble(self) -> Arrays:
        """Turn the blocks into arrays; do this once, when everything is added."""
        widths = np.concatenate([np.full(count, width, dtype=np.int32) for count, width in self._widths])
        indptr = np.zeros(len(widths) + 1, dtype=np.int32)
        np.cumsum(widths, out=indptr[1:])
        self.arrays = Arrays(
            cost=self._cols["cost"].take(),
            col_lower=self._cols["col_lower"].take(),
            col_upper=self._cols["col_upper"].take(),
            integer=self._cols["integer"].take() > 0.5,
            row_lower=self._row_bounds["row_lower"].take(),
            row_upper=self._row_bounds["row_upper"].take(),
            indptr=indptr,
            indices=self._indices.take(),
            data=self._data.take(),
        )
        return self.arrays

    # ------------------------------------------------------------------ changing numbers
    def _built(self) -> Arrays:
        if self.arrays is None:
            raise ValueError("assemble the model first")
        return self.arrays

    def move(self, first: int) -> None:
        """Go on to the window that starts at ``first``: refill every :class:`Windowed` number.

        Raises:
            IndexError: if the window reaches beyond the data.
        """
        arrays = self._built()
        self.first = first
        for place in self._moving:
            values = place.value.at(first, self.length)
            target: Floats = getattr(arrays, place.target)
            span = slice(place.first, place.first + values.size * place.step, place.step)
            if place.target == "data":
                changed = np.flatnonzero(target[span] != values)
                if changed.size:
                    target[span] = values
                    self.changes.data.append((place.first + changed * place.step).astype(np.int32))
                continue
            target[span] = values
            positions = np.arange(place.first, place.first + values.size, dtype=np.int32)
            kind = {"cost": self.changes.cost, "row_lower": self.changes.rows, "row_upper": self.changes.rows}
            kind.get(place.target, self.changes.columns).append(positions)

    def moving(self) -> list[tuple[str, int, Floats]]:
        """Return every place that :meth:`move` refills: the array, its first position, the numbers of the horizon."""
        return [(place.target, place.first, place.value.full) for place in self._moving]

    def set_history(self, var: Var, values: Floats) -> None:
        """Fix the history columns of a variable, shape (history,), oldest first."""
        arrays = self._built()
        columns = var.index[: var.history]
        arrays.col_lower[columns] = values
        arrays.col_upper[columns] = values
        self.changes.columns.append(columns)

    def set_bounds(
        self, var: Var, lower: Floats | float | None = None, upper: Floats | float | None = None
    ) -> None:
        """Change the bounds of a variable's window."""
        arrays = self._built()
        columns = np.atleast_1d(var.now)
        if lower is not None:
            arrays.col_lower[columns] = lower
        if upper is not None:
            arrays.col_upper[columns] = upper
        self.changes.columns.append(columns)

    def set_cost(self, var: Var, cost: Floats | float) -> None:
        """Change the costs of a variable's window."""
        columns = np.atleast_1d(var.now)
        self._built().cost[columns] = cost
        self.changes.cost.append(columns)

    def set_limits(
        self, rows: Rows, lower: Floats | float | None = None, upper: Floats | float | None = None
    ) -> None:
        """Change the limits of a block of constraints."""
        arrays = self._built()
        index = rows.index.reshape(-1)
        if lower is not None:
            arrays.row_lower[index] = lower
        if upper is not None:
            arrays.row_upper[index] = upper
        self.changes.rows.append(index)

    def set_coefficient(self, rows: Rows, term: int, values: Floats | float) -> None:
        """Change the coefficients of one term of a block of constraints."""
        start, count, width = self._pointers[rows.name]
        positions = np.arange(start + term, start + count * width, width, dtype=np.int32)
        self._built().data[positions] = values
        self.changes.data.append(positions)

    def take_changes(self) -> Changes:
        """Return the changes since the last call and forget them."""
        changes, self.changes = self.changes, Changes()
        return changes

    # ------------------------------------------------------------------ reading
    def value(self, var: Var, x: Floats) -> Floats:
        """Return a variable's values in the window."""
        return x[var.now]

    def column_names(self) -> list[str]:
        """Return a name per column, ``unit.AMV1.fuel[3]`` (negative numbers are history)."""
        names = [""] * self._n_cols
        for var in self.vars.values():
            flat = np.atleast_1d(var.index)
            for position, column in enumerate(flat):
                names[int(column)] = f"{var.name}[{position - var.history}]" if var.index.ndim else var.name
        return names

    def row_names(self) -> list[str]:
        """Return a name per row, ``heat.area_1[3]``."""
        names = [""] * self._n_rows
        for block in self.rows.values():
            for position, row in enumerate(block.index.reshape(-1)):
                names[int(row)] = f"{block.name}[{position}]"
        return names

    def rows_of(self, row: int) -> tuple[str, int]:
        """Return the block and the position in it of one row number."""
        for block in self.rows.values():
            flat = block.index.reshape(-1)
            if flat[0] <= row <= flat[-1]:
                return block.name, int(row - flat[0])
        raise KeyError(row)


def _least(number: Number) -> float:
    return float(np.min(number.full)) if isinstance(number, Windowed) else float(np.min(number))


def _most(number: Number) -> float:
    return float(np.max(number.full)) if isinstance(number, Windowed) else float(np.max(number))


def concatenated(parts: Sequence[Any]) -> Ints:
    """Return index arrays joined into one, without repeats, in rising order."""
    return np.unique(np.concatenate(parts)).astype(np.int32) if parts else np.empty(0, dtype=np.int32)
