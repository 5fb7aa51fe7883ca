r"""Photovoltaics: power from the irradiance on the modules' plane, the temperature of the cells, and the inverter.

.. math:: p = \min \left( (1 - l) \frac{G}{G_0} (1 - \gamma (T_c - 25)), p_{inv} \right)

per kWp, with G the irradiance that passes the glass (:mod:`varme.physics.sun`). The linear temperature coefficient is
that of data sheets (PVWatts version 5, NREL/TP-6A20-62641).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from varme.components.home import Surroundings
from varme.ground.size import Size
from varme.ground.spec import Spec
from varme.kernel.model import Floats
from varme.physics.sun import STC_CELL_C, STC_W_PER_M2, cell_c

#: Heat loss of modules without wind [W/(m2 K)]: free-standing (Faiman 2008), and on a roof with a gap behind (PVsyst's
#: recommendation for semi-integrated modules, wind included).
U0_W_PER_M2_K = {"free": (25.0, 6.84), "roof": (20.0, 0.0)}


class Photovoltaics(Spec):
    """A field of PV modules that face one way."""

    name: str = ""
    """Name, for tables."""
    peak_kwp: Size = 6.0
    """Peak power."""
    tilt_deg: float = Field(default=35.0, ge=0, le=90)
    """Tilt; 0 is flat."""
    azimuth_deg: float = Field(default=180.0, ge=0, le=360)
    """Direction that it faces: 180 is south, 90 east."""
    loss_share: float = Field(default=0.14, ge=0, lt=1)
    """Losses of cables, dirt, mismatch and inverter (the default of PVGIS)."""
    power_loss_percent_per_k: float = Field(default=0.35, ge=0, le=1)
    """Power lost per kelvin above 25 C (assumption: today's silicon modules have 0.30 to 0.40 on their data sheets)."""
    mounting: Literal["roof", "free"] = "roof"
    """On a roof, or free-standing and cooler."""
    inverter_kw_per_kwp: float | None = Field(default=None, gt=0, le=3)
    """Largest power of the inverter over peak power; no limit if not given. Often 0.7 to 1.0."""


def power_kw_per_kwp(spec: Photovoltaics, seen: Surroundings) -> Floats:
    """Return the power per peak power, shape (N,).

    Surroundings without light by direction (made by hand, for tests and benchmarks) give the irradiance of the windows.
    """
    if seen.light is None:
        plane = seen.window_w_per_m2
    else:
        plane = seen.light.on_plane(spec.tilt_deg, spec.azimuth_deg, glazed=True)
    u0, u1 = U0_W_PER_M2_K[spec.mounting]
    warm = cell_c(plane, seen.outdoor_c, 1.0, u0, u1)
    share = plane / STC_W_PER_M2 * (1 - spec.power_loss_percent_per_k / 100 * (warm - STC_CELL_C))
    power = np.maximum(share, 0.0) * (1 - spec.loss_share)
    return np.asarray(
        power if spec.inverter_kw_per_kwp is None else np.minimum(power, spec.inverter_kw_per_kwp)
    )
