"""Gas: from what a meter counts to energy. Every energy names its base: gross (Hs) or net (Hi)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Gross over net calorific value of natural gas (H gas; DVGW G 260 gives 1.10-1.11).
GROSS_PER_NET = 1.108


def z_number(
    altitude_m: ArrayLike, gauge_pressure_mbar: ArrayLike = 22.0, temperature_c: ArrayLike = 15.0
) -> NDArray[np.float64]:
    r"""Return the z-number (state number): normal volume per volume at the meter.

    .. math:: z = \frac{T_n}{T_n + t}\,\frac{p_{amb} + p_e}{p_n},\quad p_{amb} = 1016 - 0.12 H

    Source: DVGW G 685 (Gasabrechnung), with T_n = 273.15 K, p_n = 1013.25 mbar.

    Args:
        altitude_m: Altitude of the supply zone [m].
        gauge_pressure_mbar: Pressure at the meter above the ambient [mbar].
        temperature_c: Temperature of the gas [C]; 15 by rule.
    """
    altitude, gauge = np.asarray(altitude_m, dtype=float), np.asarray(gauge_pressure_mbar, dtype=float)
    kelvin = 273.15 + np.asarray(temperature_c, dtype=float)
    return np.asarray(273.15 / kelvin * (1016 - 0.12 * altitude + gauge) / 1013.25, dtype=np.float64)
