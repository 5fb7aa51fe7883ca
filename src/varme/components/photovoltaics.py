"""Photovoltaics: power from irradiance on a tilted plane and air temperature."""

from __future__ import annotations

from pydantic import Field

from varme.components.home import Surroundings
from varme.ground.size import Size
from varme.ground.spec import Spec
from varme.kernel.model import Floats


class Photovoltaics(Spec):
    """A field of PV modules."""

    peak_kwp: Size = 6.0
    """Peak power."""
    tilt_deg: float = Field(default=35.0, ge=0, le=90)
    """Tilt; 0 is flat."""
    azimuth_deg: float = Field(default=180.0, ge=0, le=360)
    """Direction that it faces: 180 is south, 90 east."""
    loss_share: float = Field(default=0.14, ge=0, lt=1)
    """Losses of cables, dirt and inverter (PVGIS's default)."""


def power_kw_per_kwp(spec: Photovoltaics, seen: Surroundings) -> Floats:
    """Return the power per peak power, shape (N,)."""
    return seen.window_w_per_m2 / 1000.0 * (1 - spec.loss_share)
