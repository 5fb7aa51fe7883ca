"""Dense pictures of models, and brute force for tiny MILPs."""

import itertools

import numpy as np
from scipy.optimize import linprog

from varme.kernel.model import Arrays


def dense(arrays: Arrays) -> np.ndarray:
    """Return the matrix of a model, entry by entry, repeats added."""
    out = np.zeros(arrays.shape[:2])
    for row in range(len(arrays.row_lower)):
        for k in range(arrays.indptr[row], arrays.indptr[row + 1]):
            out[row, arrays.indices[k]] += arrays.data[k]
    return out


def best_by_enumeration(arrays: Arrays) -> float:
    """Return the optimum of a tiny MILP by an LP for every combination of its binaries; inf if there is none."""
    matrix, binaries = dense(arrays), np.flatnonzero(arrays.integer)
    finite_up, finite_low = np.isfinite(arrays.row_upper), np.isfinite(arrays.row_lower)
    a_ub = np.vstack([matrix[finite_up], -matrix[finite_low]])
    b_ub = np.concatenate([arrays.row_upper[finite_up], -arrays.row_lower[finite_low]])
    best = np.inf
    for values in itertools.product((0.0, 1.0), repeat=len(binaries)):
        low, high = arrays.col_lower.copy(), arrays.col_upper.copy()
        low[binaries] = high[binaries] = values
        found = linprog(arrays.cost, A_ub=a_ub, b_ub=b_ub, bounds=np.column_stack([low, high]))
        best = min(best, found.fun + arrays.offset) if found.status == 0 else best
    return best
