"""The actuation guard: what stands between a plan and the devices, whatever the plan says.

The compressor keeps its shortest run and pause, its starts per day and its blocking times; a tank that is too hot is
not heated on; a plan that is too old gives way to a thermostat; whoever overrides by hand wins over the plan, but not
over what protects the machine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.components.home_heat_pump import MODE_CODES, HeatPumpNumbers
from varme.home.plant import Mode
from varme.home.simulate.state import Codes, Homes

#: Above the highest temperature of the tank by this much, the compressor no longer heats it [K] (assumption: the
#: hysteresis of a tank thermostat).
TANK_MARGIN_K = 1.0
#: Rounding of minutes.
TOLERANCE_MIN = 1e-6


@dataclass(frozen=True)
class Override:
    """A wish by hand, which wins over plans.

    Attributes:
        mode: What the compressor should do.
        first: First base step in which it holds.
        last: Last base step in which it holds.
    """

    mode: Mode
    first: int
    last: int


@dataclass(frozen=True)
class Guard:
    """Limits that hold whatever is asked for.

    Attributes:
        stale_min: Age at which a plan is no longer followed [min].
        overrides: Wishes by hand.
    """

    stale_min: float = 120.0
    overrides: tuple[Override, ...] = ()

    def stale(self, age_min: float) -> bool:
        """Return whether a plan of some age is too old to be followed."""
        return age_min > self.stale_min

    def wished(self, at: int, mode: Codes) -> Codes:
        """Return the modes asked for in a base step, those of overrides first."""
        for wish in self.overrides:
            if wish.first <= at <= wish.last:
                mode = np.full(mode.shape, MODE_CODES[wish.mode], dtype=np.int8)
        return mode


def protected(
    pump: HeatPumpNumbers, at: int, homes: Homes, wanted: Codes, tank_max_c: float | None
) -> tuple[Codes, NDArray[np.bool_]]:
    """Return what the compressors do, and where that is not what was asked for.

    Args:
        pump: The heat pump over the base grid.
        at: Base step.
        homes: States before the step.
        wanted: Modes asked for, as codes, shape (H,).
        tank_max_c: Highest temperature of the tank; ``None`` without one.
    """
    mode = np.broadcast_to(wanted, homes.mode.shape).copy()
    if tank_max_c is not None:
        hot = (mode == MODE_CODES["water"]) & (
            homes.tank_c.max(axis=1, initial=-np.inf) > tank_max_c + TANK_MARGIN_K
        )
        mode[hot] = 0
    on, asked = homes.mode > 0, mode > 0
    early_stop = on & ~asked & (homes.mode_min < pump.run_min - TOLERANCE_MIN)
    mode[early_stop] = homes.mode[early_stop]
    if tank_max_c is not None:
        mode[
            early_stop
            & (mode == MODE_CODES["water"])
            & (homes.tank_c.max(axis=1, initial=-np.inf) > tank_max_c)
        ] = MODE_CODES["room"] if "room" in pump.modes else 0
    early_start = ~on & asked & (homes.mode_min < pump.pause_min - TOLERANCE_MIN)
    spent = ~on & asked & (homes.starts_today >= pump.starts_per_day_max)
    mode[early_start | spent] = 0
    if pump.available[at] < 0.5:
        mode[:] = 0
    return mode, mode != wanted
