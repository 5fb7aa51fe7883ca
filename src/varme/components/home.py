"""What the devices of a home share: slots, the surroundings, the buses, and where heat and electricity meet.

A home is compiled once: each device turns its spec into *numbers*, a frozen dataclass of scalars and of arrays over the
base grid of the run (steps of equal length). Plans, simulations, sizing and learning all work on these numbers. A plan
has *slots*: groups of base steps, short at first and longer later if asked for;
``numbers.take(slots)`` averages over them.

Inside the models of homes power is in kW, energy in kWh, money in euro cents.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from varme.ground.timegrid import TimeGrid
from varme.kernel.model import Floats, Ints
from varme.physics.sun import Irradiance
from varme.physics.tank import WATER_KWH_PER_L_K as WATER_KWH_PER_L_K

#: Buses of a home.
ELECTRICITY, ROOM, WATER, BUFFER = "electricity", "room", "water", "buffer"


@dataclass(frozen=True)
class Slots:
    """Slots of a plan as groups of base steps.

    Attributes:
        first: Base step at which the plan starts.
        counts: Base steps in each slot, shape (n,).
        base_h: Length of a base step [h].
    """

    first: int
    counts: Ints
    base_h: float

    @classmethod
    def even(cls, first: int, length: int, base_h: float) -> Slots:
        """Return slots of one base step each."""
        return cls(first, np.ones(length, dtype=np.int32), base_h)

    @property
    def n(self) -> int:
        """Number of slots."""
        return len(self.counts)

    @cached_property
    def step_h(self) -> Floats:
        """Length of each slot [h], shape (n,)."""
        return np.asarray(self.counts * self.base_h, dtype=float)

    @cached_property
    def edges(self) -> NDArray[np.int64]:
        """First base step of each slot and the one after the last, shape (n + 1,)."""
        return np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int64) + self.first

    @cached_property
    def start_h(self) -> Floats:
        """Hours from the start of the plan to the start of each slot, shape (n,)."""
        return np.asarray((self.edges[:-1] - self.first) * self.base_h, dtype=float)

    def mean(self, values: Floats) -> Floats:
        """Return the mean of an array over the base grid (time last) in each slot."""
        part = values[..., self.edges[0] : self.edges[-1]]
        if len(self.counts) == part.shape[-1]:
            return np.asarray(part, dtype=float)
        sums = np.add.reduceat(part, self.edges[:-1] - self.first, axis=-1)
        return np.asarray(sums / self.counts, dtype=float)

    def total(self, values: Floats) -> Floats:
        """Return the sum over each slot."""
        return np.asarray(self.mean(values) * self.counts)

    def least(self, values: Floats) -> Floats:
        """Return the smallest value in each slot."""
        part = values[..., self.edges[0] : self.edges[-1]]
        return np.asarray(np.minimum.reduceat(part, self.edges[:-1] - self.first, axis=-1), dtype=float)

    def most(self, values: Floats) -> Floats:
        """Return the largest value in each slot."""
        return np.asarray(-self.least(-np.asarray(values, dtype=float)), dtype=float)

    def last(self, values: Floats) -> Floats:
        """Return the value of the last base step of each slot."""
        return np.asarray(values[..., self.edges[1:] - 1], dtype=float)


@dataclass(frozen=True)
class Surroundings:
    """What all devices of a home see over the base grid; arrays of shape (N,).

    Attributes:
        grid: The base grid.
        timezone: Wall clock of the home.
        outdoor_c: Air temperature.
        ground_c: Temperature of brine or ground water as it enters a heat pump.
        cold_water_c: Cold water.
        window_w_per_m2: Irradiance on the windows (for solar gains): what passes the glass, mean of four walls.
        light: Irradiance by direction, for PV and for windows that face one way; ``None`` if it is not known.
    """

    grid: TimeGrid
    timezone: str
    outdoor_c: Floats
    ground_c: Floats
    cold_water_c: Floats
    window_w_per_m2: Floats
    light: Irradiance | None = None

    @cached_property
    def local_h(self) -> Floats:
        """Wall-clock hour at the start of each step, 0 to 24, shape (N,)."""
        local = self.grid.local(self.timezone)
        return np.asarray((local - local.astype("datetime64[D]")).astype(np.float64) / 3600)

    @cached_property
    def local_day(self) -> NDArray[np.int64]:
        """Number of the local calendar day of each step (days since 1970), shape (N,)."""
        return np.asarray(self.grid.local(self.timezone).astype("datetime64[D]").astype(np.int64))

    @cached_property
    def weekday(self) -> NDArray[np.int64]:
        """Local day of the week, 0 = Monday, shape (N,)."""
        return np.asarray((self.local_day + 3) % 7)
