"""Combined heat and power: efficiencies, the iron diagram and its corners.

Convention (Ommen, Markussen and Elmegaard 2013, table 1): ``eta_e`` is the electric efficiency in full-load
back pressure
and the "thermal efficiency" of the table is the *total* fuel utilisation there, so the heat efficiency is the
difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Largest total efficiency that is believed: 1.0 on the gross calorific value plus the condensation heat that shows up
#: as more than 1 on the net one (about 8 % for natural gas, up to 18 % for wet biomass; 1.1 is the contract's limit).
TOTAL_EFFICIENCY_MAX = 1.1


def heat_efficiency(power_efficiency: float, total_efficiency: float) -> float:
    """Return the heat efficiency in back pressure, ``eta_q = eta_tot - eta_e``."""
    return total_efficiency - power_efficiency


def condensing_efficiency(power_efficiency: float, heat_efficiency: float, cv: float) -> float:
    """Return the electric efficiency without heat, ``eta_c = eta_e + cv * eta_q``.

    Args:
        power_efficiency: Electric efficiency in back pressure.
        heat_efficiency: Heat efficiency in back pressure.
        cv: Power lost per heat extracted [MW/MW].
    """
    return power_efficiency + cv * heat_efficiency


@dataclass(frozen=True)
class Nameplate:
    """What follows from a unit's fuel capacity and efficiencies.

    Attributes:
        heat_mw: Heat in full-load back pressure [MW].
        power_back_pressure_mw: Power in full-load back pressure [MW].
        power_condensing_mw: Power at full load without heat [MW].
        cb: Power-to-heat ratio in back pressure.
    """

    heat_mw: float
    power_back_pressure_mw: float
    power_condensing_mw: float
    cb: float


def nameplate(
    fuel_max_mw: float, power_efficiency: float, heat_efficiency: float, cv: float = 0.0
) -> Nameplate:
    """Return heat and power at full load from fuel capacity and efficiencies."""
    return Nameplate(
        heat_mw=fuel_max_mw * heat_efficiency,
        power_back_pressure_mw=fuel_max_mw * power_efficiency,
        power_condensing_mw=fuel_max_mw * condensing_efficiency(power_efficiency, heat_efficiency, cv),
        cb=power_efficiency / heat_efficiency if heat_efficiency > 0 else float("inf"),
    )


def hull_order(corners: ArrayLike) -> NDArray[np.float64]:
    """Return (power, heat) corners in counter-clockwise order around their centre, shape (k, 2 or more)."""
    points = np.asarray(corners, dtype=np.float64)
    centre = points[:, :2].mean(axis=0)
    angle = np.arctan2(points[:, 0] - centre[0], points[:, 1] - centre[1])
    return np.asarray(points[np.argsort(angle, kind="stable")], dtype=np.float64)
