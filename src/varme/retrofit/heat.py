"""Gas to useful heat: Eq. 1 of Bayer & Pruckner, with every factor's base and uncertainty named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from varme.data.meters.panel import MeterPanel
from varme.ground.spec import Spec
from varme.physics.gas import GROSS_PER_NET, z_number


class GasSpec(Spec):
    """The gas, and how a meter's volume becomes energy."""

    calorific_kwh_hs_per_m3: float = Field(default=11.3, gt=5, lt=16)
    """Gross calorific value (Hs) of a normal cubic metre [kWh/m3]."""
    altitude_m: float = Field(default=225.0, ge=-10, le=4000)
    """Altitude of the supply zone [m]."""


class FurnaceSpec(Spec):
    """Efficiency of the furnaces that the meters feed."""

    efficiency_share: float = Field(default=0.87, gt=0.4, le=1.0)
    """Annual efficiency on the gross calorific value."""
    efficiency_sd_share: float = Field(default=0.03, ge=0, lt=0.3)
    """Standard deviation of what is not known about the mean of the efficiency."""


@dataclass(frozen=True)
class Prior:
    """A factor that shifts every home alike: what is not known about it enters every estimate of B.

    Attributes:
        name: What it is (``furnace efficiency``).
        log_sd: Standard deviation of its logarithm.
        enters: ``b`` if it scales heat (and so B and the SPF), ``spf`` if it scales the SPF only (gamma).
        source: Where the figure comes from.
    """

    name: str
    log_sd: float
    enters: str
    source: str = ""


def gross_per_unit(unit: str, gas: GasSpec) -> float:
    """Return gross gas energy [kWh] per unit of a meter."""
    z = float(z_number(gas.altitude_m))
    return {
        "m3": z * gas.calorific_kwh_hs_per_m3,
        "kwh_hs": 1.0,
        "kwh_hi": GROSS_PER_NET,
    }[unit]


def priors(furnace: FurnaceSpec) -> list[Prior]:
    """Return what is not known about the factors that all homes share."""
    return [Prior("furnace efficiency", furnace.efficiency_sd_share / furnace.efficiency_share, "b", "study")]


def efficiency_of(furnace: FurnaceSpec, n: int) -> NDArray[np.float64]:
    """Return the efficiency of each furnace, shape (n,)."""
    return np.full(n, furnace.efficiency_share)


@dataclass(frozen=True)
class ToHeat:
    """Turns cleaned daily gas of a range of meters into useful heat; can be sent to a worker process.

    Attributes:
        gas: The gas.
        furnace: The furnaces.
        efficiency_share: Efficiency of each meter's furnace, shape (all meters,).
    """

    gas: GasSpec
    furnace: FurnaceSpec
    efficiency_share: NDArray[np.float64]

    def __call__(self, panel: MeterPanel, first: int, last: int) -> MeterPanel:
        """Return the panel of the meters ``first`` to ``last`` as useful heat [kWh]."""
        factor = gross_per_unit(panel.unit, self.gas) * self.efficiency_share[first:last]
        values = panel.values * factor.astype(np.float32)[:, None]
        return MeterPanel(panel.meters, panel.start, panel.step_min, values, "kwh_th", panel.reading)
