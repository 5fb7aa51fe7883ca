"""Heat-pump performance over source temperature, flow temperature and load, from certified points or from Carnot.

The COP is the Carnot COP times an exergetic efficiency that depends on the source temperature; the efficiency is
interpolated between known points. Capacity is linear between points and held beyond them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from varme.physics.cop import carnot_cop

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PerformancePoint:
    """A certified or data-sheet point: source and flow temperature, COP, and the heat at full load if it is known."""

    source_c: float
    flow_c: float
    cop: float
    heat_kw: float | None = None


@dataclass(frozen=True)
class PerformanceMap:
    """COP and capacity of one heat pump.

    Attributes:
        source_c: Knots of the source temperature, rising, shape (k,).
        efficiency_share: COP over Carnot COP at the knots, shape (k,).
        capacity_kw: Heat at full load at the knots, shape (k,).
        minimum_share: Smallest heat over full load at the knots, shape (k,).
        capacity_share_per_k: Change of capacity per kelvin of flow temperature above 35 C.
        part_load_share: Relative gain of COP at minimum load over full load at equal temperatures.
    """

    source_c: Floats
    efficiency_share: Floats
    capacity_kw: Floats
    minimum_share: Floats
    capacity_share_per_k: float = -0.005
    part_load_share: float = 0.0

    def cop(self, source_c: ArrayLike, flow_c: ArrayLike, load_share: ArrayLike = 1.0) -> Floats:
        """Return the COP; ``load_share`` is the heat over full load at these temperatures."""
        efficiency = np.interp(np.asarray(source_c, dtype=float), self.source_c, self.efficiency_share)
        part = 1.0 + self.part_load_share * (1.0 - np.asarray(load_share, dtype=float))
        return np.asarray(np.maximum(efficiency * carnot_cop(source_c, flow_c) * part, 1.0))

    def heat_max_kw(self, source_c: ArrayLike, flow_c: ArrayLike) -> Floats:
        """Return the heat at full load [kW]."""
        at_35 = np.interp(np.asarray(source_c, dtype=float), self.source_c, self.capacity_kw)
        return np.asarray(
            at_35 * np.maximum(1.0 + self.capacity_share_per_k * (np.asarray(flow_c) - 35.0), 0.3)
        )

    def heat_min_kw(self, source_c: ArrayLike, flow_c: ArrayLike) -> Floats:
        """Return the smallest heat when on [kW]."""
        share = np.interp(np.asarray(source_c, dtype=float), self.source_c, self.minimum_share)
        return np.asarray(share * self.heat_max_kw(source_c, flow_c))


#: Carnot efficiency at -7, 2, 7, 12 C: medians of the Keymark's air/water machines (35 C use), see physics docs.
MEDIAN_EFFICIENCY = ((-7.0, 0.40), (2.0, 0.42), (7.0, 0.42), (12.0, 0.36))


def map_from(
    points: Sequence[PerformancePoint],
    rated_kw: float,
    minimum_share: float = 0.3,
) -> PerformanceMap:
    """Return the map through known points; the median machine's shape without any."""
    knots = np.array([t for t, _ in MEDIAN_EFFICIENCY])
    shape = np.array([e for _, e in MEDIAN_EFFICIENCY])
    if points:
        own = [p.cop / float(carnot_cop(p.source_c, p.flow_c)) for p in points]
        level = float(
            np.mean([o / np.interp(p.source_c, knots, shape) for o, p in zip(own, points, strict=True)])
        )
        shape = shape * level
    capacity = rated_kw * (1.0 + 0.025 * (knots + 7.0))
    return PerformanceMap(
        knots, shape, capacity, np.full(len(knots), minimum_share) / (capacity / capacity[0])
    )
