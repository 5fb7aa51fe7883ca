"""What a temperature series contributes to change-point fits: made once, used by every block of meters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]

#: Heating limits that are tried [C]: wider than any plausible building, so that an optimum at the edge means that the
#: data show none (IWU's degree-day tables use 10, 12 and 15 C by insulation standard).
LIMITS_C = np.arange(6.0, 22.01, 0.5)


def effective_temperature(temperature_c: Floats, inertia_share: float) -> Floats:
    r"""Return the two-day mean temperature that a building of some mass answers to.

    .. math:: T^{eff}_t = (1 - a)\,T_t + a\,T_{t-1}

    The share is an assumption of the user, or fitted to the fleet by :func:`best_inertia`; the geometric series over
    four days of the German standard load profiles (BDEW/VKU/GEODE guideline gas) is the longer form of the same idea.

    Args:
        temperature_c: Mean outdoor temperature by day [C], shape (days,).
        inertia_share: Weight a of the day before, 0 to below 1.
    """
    before = np.concatenate([temperature_c[:1], temperature_c[:-1]])
    before = np.where(np.isfinite(before), before, temperature_c)
    return np.asarray((1 - inertia_share) * temperature_c + inertia_share * before, dtype=float)


@dataclass(frozen=True)
class LimitSums:
    """Sums over days for one heating limit per meter, each of shape (meters,).

    Attributes:
        active: Days colder than the limit.
        need: Sum of the degree days ``max(limit - T, 0)``.
        need2: Sum of their squares.
    """

    active: Floats
    need: Floats
    need2: Floats


@dataclass(frozen=True)
class HeatingGrid:
    """Degree days of a temperature series over a grid of heating limits.

    Attributes:
        temperature_c: Temperature of the days that have one, shape (days,), single precision.
        chosen: Days of the series that have a temperature, shape (all days,).
        limits_c: Grid of heating limits, shape (limits,).
        mean: Mean degree days by limit, shape (limits,).
        variance: Sum of the squared deviations from that mean, shape (limits,).
        centred: Degree days less their mean, shape (days, limits), single precision.
        both: ``centred`` and its squares side by side, shape (days, 2 limits).
    """

    temperature_c: Floats32
    chosen: NDArray[np.bool_]
    limits_c: Floats
    mean: Floats
    variance: Floats
    centred: Floats32
    both: Floats32
    _sorted: Floats
    _sum: Floats
    _sum2: Floats

    @classmethod
    def of(cls, temperature_c: Floats, limits_c: Floats = LIMITS_C) -> HeatingGrid:
        """Return the grid of a series; days without a temperature are left out.

        Args:
            temperature_c: Temperature by day [C], shape (days,), NaN where it is not known.
            limits_c: Heating limits, rising [C].
        """
        chosen = np.isfinite(temperature_c)
        single = np.asarray(temperature_c[chosen], dtype=np.float32)
        t = single.astype(float)
        need = np.maximum(limits_c[None, :] - t[:, None], 0)
        mean = need.mean(axis=0) if len(t) else np.zeros(len(limits_c))
        centred = need - mean
        ordered = np.sort(t)
        return cls(
            single,
            chosen,
            np.asarray(limits_c, dtype=float),
            mean,
            (centred**2).sum(axis=0),
            centred.astype(np.float32),
            np.concatenate([centred, centred**2], axis=1).astype(np.float32),
            ordered,
            np.concatenate([[0.0], np.cumsum(ordered)]),
            np.concatenate([[0.0], np.cumsum(ordered**2)]),
        )

    @property
    def days(self) -> int:
        """Days that have a temperature."""
        return len(self.temperature_c)

    def sums(self, limit_c: Floats) -> LimitSums:
        """Return the sums over all days for one limit per meter, from the sorted temperatures."""
        k = np.searchsorted(self._sorted, limit_c, side="left")
        s, s2 = self._sum[k], self._sum2[k]
        return LimitSums(k.astype(float), k * limit_c - s, k * limit_c**2 - 2 * limit_c * s + s2)
