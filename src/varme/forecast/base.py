"""What a forecast is: at a step, values for the steps from it on, made from nothing later than the step before.

Prices are special: those of tomorrow are published at an hour of today.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Forecast(Protocol):
    """A forecast of one series on a regular grid."""

    def at(self, step: int, count: int) -> Floats:
        """Return values for the steps ``step`` to ``step + count``, known just before ``step``; shape (count,)."""


@dataclass(frozen=True, eq=False)
class Given:
    """A series that is known beforehand: a perfect forecast if it is the truth, else a forecast that was given.

    Attributes:
        values: Shape (N,).
    """

    values: Floats

    def at(self, step: int, count: int) -> Floats:
        """See :class:`Forecast`."""
        return self.values[step : step + count]
