"""Gas: from what a meter counts to energy. Every energy names its base: gross (Hs) or net (Hi)."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from varme.ground.units import FT3_M3, THERM_KWH

#: Gross over net calorific value of natural gas (H gas; DVGW G 260 gives 1.10-1.11).
GROSS_PER_NET: Final = 1.108
#: Energy of one MJ [kWh] (exact).
MJ_KWH: Final = 1 / 3.6
#: Normal temperature [K] and normal pressure [mbar] (DIN 1343).
NORMAL_K, NORMAL_MBAR = 273.15, 1013.25
#: Units of gas readings that count volume, with the cubic metres of one.
VOLUMES_M3: Final[dict[str, float]] = {"m3": 1.0, "ft3": FT3_M3}
#: Units that are energy already, with their gross energy [kWh Hs]. A therm is gross by definition of its trade; MJ is
#: billed gross where gas is billed in MJ (Australia, New Zealand, Japan).
ENERGIES_KWH_HS: Final[dict[str, float]] = {
    "kwh_hs": 1.0,
    "mwh_hs": 1e3,
    "kwh_hi": GROSS_PER_NET,
    "mwh_hi": 1e3 * GROSS_PER_NET,
    "therm": THERM_KWH,
    "mj": MJ_KWH,
}

Base = Literal["hs", "hi"]


def z_number(
    altitude_m: ArrayLike,
    gauge_pressure_mbar: ArrayLike = 22.0,
    temperature_c: ArrayLike = 15.0,
    *,
    compensated: bool = False,
) -> NDArray[np.float64]:
    r"""Return the z-number (state number): normal volume per volume at the meter.

    .. math:: z = \frac{T_n}{T_n + t}\,\frac{p_{amb} + p_e}{p_n},\quad p_{amb} = 1016 - 0.12 H

    Source: DVGW G 685 (Gasabrechnung), with T_n = 273.15 K, p_n = 1013.25 mbar. The gas is taken as ideal (K = 1),
    which holds below 1 bar.

    Args:
        altitude_m: Altitude of the supply zone [m].
        gauge_pressure_mbar: Pressure at the meter above the ambient [mbar].
        temperature_c: Temperature of the gas [C]; 15 by rule.
        compensated: Whether the meter turns its volume to the normal temperature itself: then the first factor is 1.
    """
    altitude, gauge = np.asarray(altitude_m, dtype=float), np.asarray(gauge_pressure_mbar, dtype=float)
    kelvin = NORMAL_K + np.asarray(temperature_c, dtype=float)
    factor = 1.0 if compensated else NORMAL_K / kelvin
    return np.asarray(factor * (1016 - 0.12 * altitude + gauge) / NORMAL_MBAR, dtype=np.float64)


def gross_energy_kwh_hs(
    volume_m3: ArrayLike, z_share: ArrayLike, calorific_kwh_hs_per_m3: ArrayLike
) -> NDArray[np.float64]:
    """Return the gross energy of a volume at the meter: E = V z Hs (DVGW G 685).

    Args:
        volume_m3: Volume that the meter counted [m3].
        z_share: z-number, see :func:`z_number`.
        calorific_kwh_hs_per_m3: Gross calorific value of a normal cubic metre [kWh/m3].
    """
    volume, z = np.asarray(volume_m3, dtype=float), np.asarray(z_share, dtype=float)
    return np.asarray(volume * z * np.asarray(calorific_kwh_hs_per_m3, dtype=float), dtype=np.float64)


def efficiency_on_hs(efficiency_share: ArrayLike, base: Base) -> NDArray[np.float64]:
    """Return an efficiency on the gross calorific value; one on the net value is 10.8 % larger for the same furnace.

    Args:
        efficiency_share: Efficiency on the base that it was stated on.
        base: ``hs`` (gross) or ``hi`` (net).
    """
    factor = 1.0 if base == "hs" else 1 / GROSS_PER_NET
    return np.asarray(np.asarray(efficiency_share, dtype=float) * factor, dtype=np.float64)
