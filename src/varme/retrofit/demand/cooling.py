r"""Heating and cooling at once: the five-parameter change-point model, for heat pumps that cool; and weekends.

.. math:: q_t = b + s \max(L_h - T_t, 0) + c \max(T_t - L_c, 0), \qquad L_c \ge L_h + 2

The five-parameter model of ASHRAE Guideline 14, by the grid over both limits; heat pumps are few, so no refinement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.retrofit.demand.change_point import LEAST_DAYS, LEAST_F, ChangePoints

Floats = NDArray[np.float64]

#: Limits that are tried [C], and their least distance [K] (assumptions).
HEATING_C, COOLING_C, LEAST_BAND_K = np.arange(8.0, 20.1, 0.5), np.arange(16.0, 28.1, 0.5), 2.0


@dataclass(frozen=True)
class HeatingCooling:
    """Five parameters by meter, each of shape (meters,).

    Attributes:
        base: Energy of a day without heating or cooling [unit/day].
        heating_slope: Energy per day and kelvin below the heating limit.
        heating_limit_c: Heating limit [C].
        cooling_slope: Energy per day and kelvin above the cooling limit; 0 where no cooling is seen.
        cooling_limit_c: Cooling limit [C], NaN where no cooling is seen.
        r2: Share of the variance explained.
        cools: Whether the cooling term is clear.
    """

    base: Floats
    heating_slope: Floats
    heating_limit_c: Floats
    cooling_slope: Floats
    cooling_limit_c: Floats
    r2: Floats
    cools: NDArray[np.bool_]

    def predict(self, temperature_c: Floats) -> Floats:
        """Return the energy of days with these temperatures, shape (meters, days)."""
        cold = np.maximum(self.heating_limit_c[:, None] - temperature_c, 0)
        warm = np.maximum(temperature_c - np.where(self.cools, self.cooling_limit_c, np.inf)[:, None], 0)
        return np.asarray(
            self.base[:, None] + self.heating_slope[:, None] * cold + self.cooling_slope[:, None] * warm
        )


def fit_heating_cooling(values: NDArray[np.float32], temperature_c: Floats) -> HeatingCooling:
    """Fit the five-parameter model to every row by least squares.

    Args:
        values: Energy by meter and day, shape (meters, days), NaN where missing.
        temperature_c: Outdoor temperature by day [C], shape (days,).
    """
    known = np.isfinite(temperature_c)
    t, y = temperature_c[known], values[:, known].astype(float)
    ok = np.isfinite(y)
    w, n = ok.astype(float), np.maximum(ok.sum(axis=1), 1)[:, None]
    mean = np.where(ok, y, 0).sum(axis=1, keepdims=True) / n
    y = np.where(ok, y - mean, 0)
    cold, warm = np.maximum(HEATING_C - t[:, None], 0), np.maximum(t[:, None] - COOLING_C, 0)
    (sh, sc), (yh, yc) = (w @ cold, w @ warm), (y @ cold, y @ warm)
    hh, cc = np.maximum(w @ cold**2 - sh**2 / n, 1e-9), np.maximum(w @ warm**2 - sc**2 / n, 1e-9)
    total = np.maximum((y**2).sum(axis=1), 1e-12)
    rows = np.arange(len(y))
    alone = np.maximum(yh, 0) ** 2 / hh
    only = alone.max(axis=1)
    gain, pick = np.full(len(y), -np.inf), np.zeros((2, len(y)), dtype=np.int64)
    slopes = np.zeros((2, len(y)))
    for i, limit in enumerate(HEATING_C):
        some = np.flatnonzero(limit + LEAST_BAND_K <= COOLING_C)
        mixed = -sh[:, [i]] * sc[:, some] / n  # a day is never both cold and warm
        det = np.maximum(hh[:, [i]] * cc[:, some] - mixed**2, 1e-9)
        s = (cc[:, some] * yh[:, [i]] - mixed * yc[:, some]) / det
        c = (hh[:, [i]] * yc[:, some] - mixed * yh[:, [i]]) / det
        both = (s > 0) & (c > 0)
        s1, c1 = np.maximum(yh[:, [i]] / hh[:, [i]], 0), np.maximum(yc[:, some] / cc[:, some], 0)
        heats = s1 * yh[:, [i]] >= c1 * yc[:, some]
        s = np.where(both, s, np.where(heats, s1, 0))
        c = np.where(both, c, np.where(heats, 0, c1))
        found = s * yh[:, [i]] + c * yc[:, some]
        k = found.argmax(axis=1)
        better = found[rows, k] > gain
        gain = np.where(better, found[rows, k], gain)
        pick = np.where(better, np.stack([np.full(len(y), i), some[k]]), pick)
        slopes = np.where(better, np.stack([s[rows, k], c[rows, k]]), slopes)
    left = np.maximum(total - gain, 1e-12)
    clear = (gain - only) / (left / np.maximum(n[:, 0] - 5, 1)) >= LEAST_F
    cools = clear & (slopes[1] > 0) & (n[:, 0] >= LEAST_DAYS)
    h = np.where(cools, pick[0], alone.argmax(axis=1))
    s = np.where(cools, slopes[0], np.maximum(yh[rows, h], 0) / hh[rows, h])
    c = np.where(cools, slopes[1], 0.0)
    base = mean[:, 0] - s * sh[rows, h] / n[:, 0] - c * sc[rows, pick[1]] / n[:, 0]
    return HeatingCooling(
        np.maximum(base, 0), s, HEATING_C[h], c, np.where(cools, COOLING_C[pick[1]], np.nan),
        np.where(cools, gain, only) / total, cools,
    )  # fmt: skip


def weekend_effect(
    values: NDArray[np.float32], temperature_c: Floats, fits: ChangePoints, weekend: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Return what a weekend day takes more than other days of its temperature, and the standard error, shape (meters,).

    The mean residual of weekends less that of the other days; weekends are alike at all temperatures, so leaving them
    out of the fit of the other parameters changes nothing that matters.

    Args:
        values: Energy by meter and day, shape (meters, days), NaN where missing.
        temperature_c: Outdoor temperature by day [C], shape (days,).
        fits: Models of the meters.
        weekend: Whether a day is a weekend or a holiday, shape (days,).
    """
    left = values - fits.predict(np.where(np.isfinite(temperature_c), temperature_c, np.nan))
    ok = np.isfinite(left)
    out, variance = np.zeros(len(values)), np.zeros(len(values))
    for sign, days in ((1, weekend), (-1, ~weekend)):
        n = np.maximum(ok[:, days].sum(axis=1), 1)
        part = np.where(ok[:, days], left[:, days], 0)
        mean = part.sum(axis=1) / n
        out += sign * mean
        variance += np.maximum((part**2).sum(axis=1) / n - mean**2, 0) / n
    return out, np.sqrt(variance)
