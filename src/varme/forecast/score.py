"""How good forecasts were: error by lead time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.forecast.base import Forecast

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Score:
    """Errors of a forecast by lead time, arrays of shape (leads,).

    Attributes:
        lead: Steps ahead.
        bias: Mean of forecast less truth.
        mean_abs: Mean absolute error.
        root_mean_square: Root of the mean square error.
    """

    lead: NDArray[np.int64]
    bias: Floats
    mean_abs: Floats
    root_mean_square: Floats


def score(forecast: Forecast, truth: Floats, leads: int, every: int) -> Score:
    """Return the errors of a forecast that is made every so many steps.

    Args:
        forecast: The forecast.
        truth: What came, shape (N,).
        leads: Steps ahead that are looked at.
        every: Steps between forecasts.
    """
    starts = np.arange(0, len(truth) - leads + 1, every)
    errors = np.stack([forecast.at(int(s), leads) - truth[s : s + leads] for s in starts])
    return Score(
        np.arange(leads), errors.mean(axis=0), np.abs(errors).mean(axis=0), np.sqrt((errors**2).mean(axis=0))
    )
