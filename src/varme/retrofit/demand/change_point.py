"""Change-point heating models of all meters at once: base load, heating limit, slope (VDI 3807, IPMVP)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ChangePoints:
    """Parameters of ``q = base + slope * max(limit - T, 0)`` by meter, each of shape (meters,).

    Attributes:
        base: Energy of a day without heating [unit/day].
        slope: Energy per day and kelvin below the limit.
        limit_c: Heating limit [C].
        r2: Share of the variance explained.
        residual_sd: Standard deviation of the residuals [unit/day].
        days: Days used.
    """

    base: Floats
    slope: Floats
    limit_c: Floats
    r2: Floats
    residual_sd: Floats
    days: NDArray[np.int64]

    def predict(self, temperature_c: Floats) -> Floats:
        """Return the energy of days with these temperatures, shape (meters, days)."""
        need = np.maximum(self.limit_c[:, None] - temperature_c[None, :], 0)
        return np.asarray(self.base[:, None] + self.slope[:, None] * need, dtype=float)


#: Heating limits that are tried [C].
LIMITS_C = np.arange(9.0, 18.5, 0.5)


def fit_change_points(
    values: NDArray[np.float32], temperature_c: Floats, limits_c: Floats = LIMITS_C
) -> ChangePoints:
    """Fit the model to every row by least squares over a grid of heating limits.

    Args:
        values: Energy by meter and day, shape (meters, days), NaN where missing.
        temperature_c: Outdoor temperature by day, shape (days,).
        limits_c: Grid of heating limits [C].
    """
    ok = np.isfinite(values) & np.isfinite(temperature_c)[None, :]
    y = np.where(ok, values, 0).astype(np.float64)
    w = ok.astype(np.float64)
    n = np.maximum(w.sum(axis=1), 1)
    sy, syy = y.sum(axis=1), (y * y).sum(axis=1)
    need = np.maximum(limits_c[None, :] - np.nan_to_num(temperature_c)[:, None], 0)
    sx, sxx, sxy = w @ need, w @ (need * need), y @ need
    var = np.maximum(sxx - sx**2 / n[:, None], 1e-9)
    cov = sxy - sx * sy[:, None] / n[:, None]
    slope = np.maximum(cov / var, 0)
    sse = (syy - sy**2 / n)[:, None] - slope * cov
    best = np.argmin(sse, axis=1)
    rows = np.arange(len(y))
    s = slope[rows, best]
    base = (sy - s * sx[rows, best]) / n
    total = np.maximum(syy - sy**2 / n, 1e-12)
    left = np.maximum(sse[rows, best], 0)
    return ChangePoints(
        base,
        s,
        limits_c[best],
        1 - left / total,
        np.sqrt(left / np.maximum(n - 3, 1)),
        w.sum(axis=1).astype(np.int64),
    )
