"""COP over outdoor temperature from daily fleets: one town yields the slope although the level is uncertain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CopCurve:
    """``COP(T) = level * exp(slope * (T - reference))``, flat above a limit where there is no heating to tell.

    Attributes:
        level_cop: COP at the reference temperature.
        reference_c: Reference temperature [C].
        slope_share_per_k: Rise of log COP per kelvin.
        slope_se_share_per_k: Its standard error.
        flat_above_c: Above this temperature the COP stays what it is there.
    """

    level_cop: float
    reference_c: float
    slope_share_per_k: float
    slope_se_share_per_k: float
    flat_above_c: float = 15.0

    def cop(self, temperature_c: Floats | float) -> Floats:
        """Return the COP at outdoor temperatures."""
        t = np.minimum(np.asarray(temperature_c, dtype=float), self.flat_above_c)
        return np.asarray(
            self.level_cop * np.exp(self.slope_share_per_k * (t - self.reference_c)), dtype=float
        )

    def scaled_to(self, spf: float, heat: Floats, temperature_c: Floats) -> CopCurve:
        """Return the curve with the level at which this heat, drawn at these temperatures, has this SPF."""
        now = float(heat.sum() / (heat / self.cop(temperature_c)).sum())
        return CopCurve(
            self.level_cop * spf / now, self.reference_c, self.slope_share_per_k, self.slope_se_share_per_k,
            self.flat_above_c,
        )  # fmt: skip


def fit_cop_curve(heat_by_day: Floats, electricity_by_day: Floats, temperature_c: Floats) -> CopCurve:
    """Return the curve from the fleet's daily heat (gas homes) and daily electricity (heat pumps).

    The two fleets are different homes: only the shape is used, the level is set by :meth:`CopCurve.scaled_to`.

    Args:
        heat_by_day: Useful heat of the gas homes by day [kWh], shape (days,).
        electricity_by_day: Electricity of the heat pumps by day [kWh], shape (days,).
        temperature_c: Outdoor temperature by day [C], shape (days,).
    """
    cold = (temperature_c < 12) & (heat_by_day > 0) & (electricity_by_day > 0)
    t, r = temperature_c[cold], np.log(heat_by_day[cold] / electricity_by_day[cold])
    t0 = t.mean()
    slope = float(((t - t0) @ (r - r.mean())) / ((t - t0) @ (t - t0)))
    left = r - r.mean() - slope * (t - t0)
    se = float(np.sqrt(left @ left / max(len(t) - 2, 1) / ((t - t0) @ (t - t0))))
    return CopCurve(float(np.exp(r.mean())), float(t0), slope, se)
