"""Dimming of controllable loads by the grid operator: German EnWG section 14a, never to 0 W.

Since 2024 a grid operator may reduce what controllable loads (heat pumps with their backup heaters, charging points,
air conditioning, charging of batteries) take from the grid, and must leave a minimum: 4.2 kW to a single load, 0.4 of
its power to a heat pump above 11 kW. Through an energy management system n loads have, together,

    4.2 kW + (n - 1) * g * 4.2 kW      with g = 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5, 0.45 for n = 2 ... 8, from 9,

or ``0.4 * P`` of the heat pumps above 11 kW in place of the first 4.2 kW. What counts is what comes from the grid:
own generation may be used on top. The household's other load is not touched.

Source: Bundesnetzagentur, decision BK6-22-300 of 27 November 2023, annex 1, sections 4.5.2 and 4.5.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from varme.components.home import Surroundings
from varme.components.hours import Hours
from varme.ground.spec import Spec
from varme.kernel.model import Floats

#: What a single load keeps [kW], power of a heat pump from which on it keeps a share of it [kW], and that share.
LEAST_KW, LARGE_KW, LARGE_SHARE = 4.2, 11.0, 0.4
#: Simultaneity factor by the number of controllable loads.
SIMULTANEITY = {1: 0.0, 2: 0.8, 3: 0.75, 4: 0.7, 5: 0.65, 6: 0.6, 7: 0.55, 8: 0.5}
SIMULTANEITY_MANY = 0.45


class Dimming(Spec):
    """Hours in which the grid operator dims the controllable loads."""

    hours: list[Hours] = Field(min_length=1)
    """When it dims."""
    limit_kw: float | None = None
    """What all controllable loads together may take from the grid. Default: the legal minimum of these loads."""
    control: Literal["home", "device"] = "home"
    """`home`: an energy management system shares the limit among the loads, and own PV comes on top; `device`: the
    heat pump has 4.2 kW (or 0.4 of its power) of its own, and all loads together as many times 4.2 kW as there are."""

    @model_validator(mode="after")
    def _legal(self) -> Dimming:
        if self.limit_kw is not None and self.limit_kw < LEAST_KW:
            raise ValueError(
                f"P146 limit_kw: {self.limit_kw:g} kW is less than the {LEAST_KW:g} kW that must be left | For hours "
                "in which the heat pump is switched off use heat_pump.blocked."
            )
        return self


@dataclass(frozen=True, eq=False)
class DimmingLimits:
    """Limits by dimming over the base grid, infinite where nobody dims; arrays of shape (N,).

    Attributes:
        import_kw: What the home may take from the grid: the loads' limit and what the household draws beyond its PV.
        heat_pump_kw: What compressor and backup heater may draw.
    """

    import_kw: Floats
    heat_pump_kw: Floats


def least_kw(heat_pump_kw: float, others_count: int) -> float:
    """Return what the controllable loads of a home must be left together [kW].

    Args:
        heat_pump_kw: Electricity of heat pump and backup heater at full load; loads up to 4.2 kW do not count.
        others_count: Other controllable loads above 4.2 kW: charging points, batteries that charge from the grid.
    """
    large = heat_pump_kw > LARGE_KW
    count = others_count + (heat_pump_kw > LEAST_KW)
    if count == 0:
        return LEAST_KW
    first = LARGE_SHARE * heat_pump_kw if large else LEAST_KW
    factor = SIMULTANEITY.get(count, SIMULTANEITY_MANY)
    return max(first, LEAST_KW) + (count - 1) * factor * LEAST_KW


def limits(
    spec: Dimming, seen: Surroundings, load_kw: Floats, pv_kw: Floats, heat_pump_kw: float, others_count: int
) -> DimmingLimits:
    """Return the limits of a home.

    Args:
        spec: The dimming.
        seen: The surroundings.
        load_kw: The household's load, shape (N,).
        pv_kw: What PV gives, shape (N,).
        heat_pump_kw: Electricity of heat pump and backup heater at full load.
        others_count: Other controllable loads above 4.2 kW.
    """
    when = np.zeros(seen.grid.n, dtype=bool)
    for hours in spec.hours:
        when |= hours.mask(seen)
    household = np.maximum(load_kw - pv_kw, 0.0)
    if spec.control == "home":
        together = least_kw(heat_pump_kw, others_count) if spec.limit_kw is None else spec.limit_kw
        return DimmingLimits(np.where(when, together + household, np.inf), np.full(seen.grid.n, np.inf))
    pump = max(LARGE_SHARE * heat_pump_kw if heat_pump_kw > LARGE_KW else LEAST_KW, spec.limit_kw or 0.0)
    others = others_count * max(LEAST_KW, spec.limit_kw or 0.0)
    return DimmingLimits(np.where(when, pump + others + household, np.inf), np.where(when, pump, np.inf))
