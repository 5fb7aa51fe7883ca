"""Filters of series: first-order memory and the moving mean. Small enough not to load a signal library for them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def first_order(series: Floats, memory: float, gain: float = 1.0) -> Floats:
    """Return ``y[t] = memory * y[t-1] + gain * x[t]``, beginning at rest, shape (n,).

    Args:
        series: x, shape (n,).
        memory: Share that is kept from step to step.
        gain: Weight of the new value.
    """
    out, last = [], 0.0
    for value in (gain * np.asarray(series, dtype=np.float64)).tolist():
        last = memory * last + value
        out.append(last)
    return np.array(out)


def centred_mean(series: Floats, length: int) -> Floats:
    """Return the mean over ``length`` values (odd) around each one, the series mirrored at its ends, shape (n,)."""
    half = length // 2
    padded = np.pad(np.asarray(series, dtype=np.float64), half, mode="symmetric")
    sums = np.concatenate([[0.0], np.cumsum(padded)])
    return np.asarray((sums[length:] - sums[:-length]) / length)
