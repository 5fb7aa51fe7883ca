"""Runs of steps in many rows at once: where they begin and end, sums over them, energy spread within them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Runs:
    """Runs of steps, in the order of rows and steps: arrays of equal length.

    Attributes:
        row: Row of each run.
        first: Its first step.
        last: Its last step.
    """

    row: Ints
    first: Ints
    last: Ints

    def __len__(self) -> int:
        return len(self.row)

    @property
    def length(self) -> Ints:
        """Steps of each run."""
        return self.last - self.first + 1

    def chosen(self, mask: NDArray[np.bool_]) -> Runs:
        """Return the runs of a mask."""
        return Runs(self.row[mask], self.first[mask], self.last[mask])

    def flat(self, columns: int) -> tuple[Ints, Ints]:
        """Return the positions of all steps of all runs in the flattened rows, and where each run begins there."""
        length = self.length
        begin = np.cumsum(length) - length
        inside = np.arange(int(length.sum())) - np.repeat(begin, length)
        return np.repeat(self.row * columns + self.first, length) + inside, begin

    def sums(self, values: NDArray[np.float32]) -> Floats:
        """Return the sum of each run; what is missing counts as 0."""
        if not len(self):
            return np.zeros(0)
        place, begin = self.flat(values.shape[1])
        picked = np.nan_to_num(values.reshape(-1)[place].astype(np.float64))
        return np.asarray(np.add.reduceat(picked, begin), dtype=np.float64)

    def with_next(self) -> Runs:
        """Return the runs with the step after each."""
        return Runs(self.row, self.first, self.last + 1)


def runs_of(mask: NDArray[np.bool_], rows: Ints | None = None) -> Runs:
    """Return the runs of true values of each row of a mask.

    Args:
        mask: Shape (rows, steps).
        rows: Number that each row of the mask has in the panel; its own if not given.
    """
    height, width = mask.shape
    padded = np.zeros((height, width + 1), dtype=np.int8)
    padded[:, :width] = mask
    change = np.diff(padded.reshape(-1), prepend=np.int8(0))
    begin, end = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    row, first = np.divmod(begin, width + 1)
    last = end % (width + 1) - 1
    return Runs(row if rows is None else rows[row], first, last)


def spread(values: NDArray[np.float32], runs: Runs, totals: Floats, weights: NDArray[np.float32]) -> None:
    """Set each run's steps so that they add up to a total, in proportion to weights; works in place.

    Args:
        values: Rows to be changed.
        runs: Where.
        totals: Sum of each run.
        weights: What is expected of each step, same shape as ``values``; a little is added to each, so that no run is
            without weight.
    """
    if not len(runs):
        return
    place, begin = runs.flat(values.shape[1])
    share = np.nan_to_num(weights.reshape(-1)[place].astype(np.float64))
    length = runs.length
    share += np.repeat(1e-3 * np.add.reduceat(share, begin) / length + 1e-9, length)
    share /= np.repeat(np.add.reduceat(share, begin), length)
    values.reshape(-1)[place] = (share * np.repeat(totals, length)).astype(np.float32)


def best_segments(score: Floats) -> tuple[Floats, Ints, Ints]:
    """Return the largest sum over consecutive columns of each row, with its first and last column.

    Kadane's problem, for all rows at once: the largest difference between a cumulative sum and its running minimum. Of
    equal spans the shortest is taken.

    Args:
        score: Shape (rows, columns).
    """
    total = np.zeros((score.shape[0], score.shape[1] + 1))
    np.cumsum(score, axis=1, out=total[:, 1:])
    lowest = np.minimum.accumulate(total, axis=1)
    gain = total[:, 1:] - lowest[:, :-1]
    last = np.argmax(gain, axis=1)
    rows = np.arange(len(score))
    columns = np.arange(score.shape[1])
    before = np.where(columns[None, :] <= last[:, None], total[:, :-1], np.inf)[:, ::-1]
    first = columns[-1] - np.argmin(before, axis=1)
    return gain[rows, last], first, last
