"""Series of many homes as products of a few: what a fleet's time loop reads of weather, load, PV and machines.

The series of a thousand homes are seldom a thousand different ones: the weather is one, loads are profiles times a
factor, and the numbers of heat pumps are smooth functions of one outdoor temperature. So each series is looked for as
``values[t, home] = sum over r of basis[t, r] weights[r, home]``: columns of the homes are taken as basis, one by one,
until all others are combinations of them, which is then checked at every time. Where that fails, the series is
kept whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from varme.kernel.model import Floats

Numbers = NDArray[np.floating]
#: Most columns of a basis.
RANK_MAX = 48
#: Largest error of a combination, as a share of the series' largest value: below single precision's own.
TOLERANCE_SHARE = 1e-6


@dataclass(frozen=True, eq=False)
class Series:
    """One quantity of H homes over N steps.

    Attributes:
        basis: Shape (N, r).
        weights: Shape (r, H).
        whole: Shape (N, H) if the series are not combinations of a few; then the others are empty.
    """

    basis: Numbers
    weights: Numbers
    whole: Numbers | None = None

    @property
    def rank(self) -> int:
        """Columns of the basis."""
        return int(self.basis.shape[1])

    def part(self, first: int, steps: int) -> Numbers:
        """Return some steps, shape (steps, H), or (steps, 1) if all homes have the same."""
        if self.whole is not None:
            return self.whole[first : first + steps]
        same = bool(np.all(self.weights == self.weights[:, :1]))
        return np.asarray(self.basis[first : first + steps] @ (self.weights[:, :1] if same else self.weights))

    def scaled(self, factor: Numbers | float) -> Series:
        """Return the series times a factor for each home."""
        if self.whole is not None:
            return Series(self.basis, self.weights, self.whole * factor)
        return Series(self.basis, self.weights * factor)


def series_of(rows: Sequence[Numbers], *, compress: bool = True) -> Series:
    """Return the series of H homes.

    Args:
        rows: One array of shape (N,) for each home; equal objects are taken once.
        compress: Whether to look for combinations; else the series are kept whole unless they are one.
    """
    distinct: dict[int, int] = {}
    index = np.array([distinct.setdefault(id(row), len(distinct)) for row in rows])
    firsts = np.unique(index, return_index=True)[1]
    columns = np.stack([rows[i] for i in firsts], axis=1).astype(float)
    if columns.shape[1] == 1:
        return Series(columns, np.ones((1, len(rows))))
    if compress:
        found = _combined(columns)
        if found is not None:
            return Series(found[0], found[1][:, index])
    return Series(np.zeros((len(columns), 0)), np.zeros((0, len(rows))), columns[:, index])


def _combined(columns: Floats) -> tuple[Floats, Floats] | None:
    """Return basis and weights of columns, or ``None`` if too many would be needed."""
    n = len(columns)
    sample = columns[np.unique(np.linspace(0, n - 1, min(n, 509)).astype(int))]
    size = np.maximum(np.abs(columns).max(axis=0), 1e-12)
    rest = sample / size
    chosen: list[int] = []
    for _ in range(min(RANK_MAX, columns.shape[1])):
        error = np.abs(rest).max(axis=0)
        worst = int(np.argmax(error))
        if error[worst] <= 0.2 * TOLERANCE_SHARE:
            break
        chosen.append(worst)
        direction = rest[:, worst] / np.linalg.norm(rest[:, worst])
        rest = rest - np.outer(direction, direction @ rest)
    if not chosen:
        return columns[:, :1], np.zeros((1, columns.shape[1]))
    basis = columns[:, chosen]
    weights = np.linalg.lstsq(sample[:, chosen] / size[chosen], sample, rcond=None)[0] / size[chosen][:, None]
    weights[:, chosen] = np.eye(len(chosen))
    for first in range(0, n, 4096):
        part = slice(first, first + 4096)
        if np.any(np.abs(basis[part] @ weights - columns[part]) > TOLERANCE_SHARE * size):
            return None
    return basis, weights


def constant(values: Floats, n: int) -> Series:
    """Return a quantity that does not change in time, shape (H,) for N steps."""
    return Series(np.ones((n, 1)), np.asarray(values, dtype=float)[None])


class Rows:
    """A sum of series, written for a stretch of time at once into a buffer.

    Args:
        parts: The series that are added, one list for each of the rows that stand on top of each other.
        dtype: Precision.
    """

    def __init__(self, parts: Sequence[Sequence[Series]], dtype: DTypeLike) -> None:
        self.homes = parts[0][0].weights.shape[1]
        count = len(parts)
        low = {id(s.basis): s.basis for row in parts for s in row if s.whole is None}
        place = dict(zip(low, np.cumsum([0, *(b.shape[1] for b in low.values())]), strict=False))
        self.basis = np.ascontiguousarray(np.hstack(list(low.values())).astype(dtype)) if low else None
        weights = np.zeros((sum(b.shape[1] for b in low.values()), count, self.homes))
        for number, row in enumerate(parts):
            for s in row:
                if s.whole is None:
                    at = int(place[id(s.basis)])
                    weights[at : at + s.rank, number] += s.weights
        self.weights = weights.astype(dtype)
        self.whole = [
            (k, s.whole.astype(dtype)) for k, row in enumerate(parts) for s in row if s.whole is not None
        ]
        self.flat = self.weights.reshape(len(self.weights), count * self.homes)
        steady = self.basis is None or bool(np.all(self.basis == self.basis[:1]))
        #: Shape (rows, H) if nothing changes in time.
        self.steady: Numbers | None = None
        if steady and not self.whole and self.basis is not None:
            self.steady = (self.basis[0] @ self.flat).reshape(count, self.homes)

    def fill(self, first: int, out: Numbers) -> None:
        """Write the steps from ``first`` on into ``out``, shape (steps, rows, H)."""
        steps = len(out)
        if self.basis is None:
            out[...] = 0
        else:
            np.matmul(self.basis[first : first + steps], self.flat, out=out.reshape(steps, -1))
        for row, values in self.whole:
            out[:, row] += values[first : first + steps]
