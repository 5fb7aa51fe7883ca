"""Peaks of transformers when gas homes switch to heat pumps, with P50 and P95."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TransformerPeaks:
    """Annual peak by transformer, each of shape (transformers,).

    Attributes:
        p50_kw: Median of the annual peak of the heat pumps [kW].
        p95_kw: 95th percentile [kW].
        base_kw: Peak of what the transformer carries already [kW].
        loading_p50_share: Median loading with the heat pumps, of the rating.
        loading_p95_share: 95th percentile.
    """

    p50_kw: Floats
    p95_kw: Floats
    base_kw: Floats
    loading_p50_share: Floats
    loading_p95_share: Floats


def transformer_peaks(
    hourly_kw: Floats, homes: NDArray[np.int64], rating_kva: Floats, power_factor: float, base_kw: Floats
) -> TransformerPeaks:
    """Return the peaks of the heat pumps behind each transformer.

    Args:
        hourly_kw: Mean power of the heat pumps by transformer and hour [kW], shape (transformers, hours).
        homes: Heat pumps behind each transformer, shape (transformers,).
        rating_kva: Rating [kVA], shape (transformers,).
        power_factor: Power factor of the load.
        base_kw: Peak of the other load [kW], shape (transformers,).
    """
    p50 = hourly_kw.max(axis=1)
    p95 = p50 * (1 + 1.645 * 0.5 / np.sqrt(np.maximum(homes, 1)))
    rated = rating_kva * power_factor
    return TransformerPeaks(p50, p95, base_kw, (p50 + base_kw) / rated, (p95 + base_kw) / rated)
