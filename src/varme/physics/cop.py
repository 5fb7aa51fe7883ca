"""Coefficients of performance of heat pumps from temperatures.

Temperatures come in degrees Celsius and become kelvin inside the ratios.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from varme.ground.units import ZERO_CELSIUS_K

#: Smallest lift between source and sink that the ratios use [K]; below it a heat exchanger would do.
LIFT_MIN_K = 5.0


def log_mean_temperature_k(warm_c: ArrayLike, cold_c: ArrayLike) -> NDArray[np.float64]:
    r"""Return the logarithmic mean of two temperatures [K].

    .. math:: \bar T = \frac{T_w - T_c}{\ln (T_w / T_c)}

    Source: Lorenz 1894, as used by Ommen et al. 2014 (doi:10.1016/j.energy.2014.08.061). Equal temperatures give
    that temperature (the limit).

    Args:
        warm_c: Warmer end [C], any shape.
        cold_c: Colder end [C], broadcast against ``warm_c``.
    """
    warm, cold = np.broadcast_arrays(_kelvin(warm_c), _kelvin(cold_c))
    difference = warm - cold
    equal = difference == 0
    ratio = np.where(equal, 1.0, np.log1p(difference / cold))
    return np.asarray(np.where(equal, warm, difference / ratio), dtype=np.float64)


def lorenz_cop(
    source_in_c: ArrayLike, source_out_c: ArrayLike, supply_c: ArrayLike, return_c: ArrayLike
) -> NDArray[np.float64]:
    r"""Return the COP of the reversible heat pump between gliding temperatures (Lorenz).

    .. math:: COP_L = \frac{\bar T_{sink}}{\bar T_{sink} - \bar T_{source}}

    Args:
        source_in_c: Source entering the evaporator [C].
        source_out_c: Source leaving it [C].
        supply_c: District-heating supply leaving the condenser [C].
        return_c: District-heating return entering it [C].
    """
    sink = log_mean_temperature_k(supply_c, return_c)
    source = log_mean_temperature_k(source_in_c, source_out_c)
    return np.asarray(sink / np.maximum(sink - source, LIFT_MIN_K), dtype=np.float64)


def carnot_cop(source_c: ArrayLike, supply_c: ArrayLike) -> NDArray[np.float64]:
    r"""Return the COP of the reversible heat pump between two fixed temperatures (Carnot).

    .. math:: COP_C = \frac{T_{supply}}{T_{supply} - T_{source}}

    Args:
        source_c: Source temperature [C].
        supply_c: Supply temperature [C].
    """
    supply, source = _kelvin(supply_c), _kelvin(source_c)
    return np.asarray(supply / np.maximum(supply - source, LIFT_MIN_K), dtype=np.float64)


def _kelvin(temperature_c: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(temperature_c, dtype=np.float64) + ZERO_CELSIUS_K
