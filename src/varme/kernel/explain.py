"""Why a model has no feasible point: the smallest violation of chosen constraints, and what binds there.

The model is made elastic: rows of the chosen blocks may be missed at a cost of 1 per unit, everything else
costs nothing. The
optimum says how much is missing where (Chinneck 2008, "Feasibility and Infeasibility in Optimization", ch. 6: elastic
programming), in the units of the rows, instead of an irreducible set of row numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from varme.kernel.highs import Solver
from varme.kernel.model import Arrays, Floats, Model


@dataclass(frozen=True)
class Shortage:
    """By how much the rows of one block are missed.

    Attributes:
        name: Name of the block.
        short: How much the row's sum is too small, shape of the block, >= 0.
        over: How much it is too large, shape of the block, >= 0.
    """

    name: str
    short: Floats
    over: Floats


@dataclass(frozen=True)
class Explanation:
    """What is missing, and the plan that comes nearest.

    Attributes:
        shortages: Blocks that are missed by more than the tolerance.
        x: The nearest plan.
        all_rows: Whether rows beyond the chosen blocks had to give way.
        switching: Whether something is missing only because devices are either off or at their minimum at least:
            with statuses between 0 and 1 nothing would be.
    """

    shortages: list[Shortage]
    x: Floats
    all_rows: bool
    switching: bool = False


def explain(model: Model, blocks: Sequence[str], *, tolerance: float = 1e-6) -> Explanation | None:
    """Return the smallest violation that makes a model feasible, or ``None`` if nothing does.

    Args:
        model: An assembled model.
        blocks: Names of the constraint blocks that may give way; if that is not enough, all may.
        tolerance: Violations below it do not count.
    """
    for names, all_rows in ((list(blocks), False), (list(model.rows), True)):
        for switching in (False, True):
            found = _elastic(model, names, switching=switching)
            if found is None:
                continue
            short, over, x = found
            shortages = []
            for name in names:
                rows = model.rows[name].index.reshape(-1)
                if max(short[rows].max(), over[rows].max()) > tolerance:
                    shortages.append(Shortage(name, short[rows], over[rows]))
            if shortages or switching:
                return Explanation(shortages, x, all_rows, switching)
    return None


#: Where the statuses must be whole, the nearest plan need not be proven the nearest.
_INTEGER_LIMITS = {"time_limit": 60.0, "mip_rel_gap": 0.01}


def _elastic(model: Model, names: Sequence[str], *, switching: bool) -> tuple[Floats, Floats, Floats] | None:
    arrays: Arrays = model.arrays  # type: ignore[assignment]
    rows = np.concatenate([model.rows[name].index.reshape(-1) for name in names])
    n_rows, n_cols, _ = arrays.shape
    count = len(rows)
    # Two new columns per elastic row, put at the end of the row's entries.
    widths = np.diff(arrays.indptr).astype(np.int64)
    extra = np.zeros(n_rows, dtype=np.int64)
    extra[rows] = 2
    indptr = np.concatenate([[0], np.cumsum(widths + extra)])
    indices = np.empty(int(indptr[-1]), dtype=np.int32)
    data = np.empty(int(indptr[-1]))
    owner = np.repeat(np.arange(n_rows), widths)
    place = indptr[owner] + np.arange(len(arrays.data)) - arrays.indptr[owner]
    indices[place], data[place] = arrays.indices, arrays.data
    last = indptr[rows + 1]
    indices[last - 2], data[last - 2] = n_cols + np.arange(count), 1.0
    indices[last - 1], data[last - 1] = n_cols + count + np.arange(count), -1.0
    elastic = replace(
        arrays,
        cost=np.concatenate([np.zeros(n_cols), np.ones(2 * count)]),
        col_lower=np.concatenate([arrays.col_lower, np.zeros(2 * count)]),
        col_upper=np.concatenate([arrays.col_upper, np.full(2 * count, np.inf)]),
        integer=np.concatenate([arrays.integer & switching, np.zeros(2 * count, dtype=bool)]),
        indptr=indptr.astype(np.int32),
        indices=indices,
        data=data,
        offset=0.0,
    )
    found = Solver(elastic, **(_INTEGER_LIMITS if switching else {})).run()
    if not found.feasible:
        return None
    short, over = np.zeros(n_rows), np.zeros(n_rows)
    short[rows] = found.x[n_cols : n_cols + count]
    over[rows] = found.x[n_cols + count :]
    return short, over, found.x[:n_cols]
