"""Panels of meters: one row per meter, one column per step of a regular grid. Everything is computed in this form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

DAY_MIN = 1440

Floats32 = NDArray[np.float32]


@dataclass(frozen=True)
class MeterPanel:
    """Readings of meters on one regular grid.

    Attributes:
        meters: Ids, one per row.
        start: First step: a local calendar day (``datetime64[D]``) if ``step_min`` is a day, else an instant in UTC
            (``datetime64[s]``); steps are labelled by their start.
        step_min: Length of a step [min]; 1440 for local calendar days (of 23 to 25 hours).
        values: Readings, shape (meters, steps), NaN where there is none: what was used in the step (``interval``) or
            where the register stood at its end (``register``: float64, so that differences keep their digits).
        unit: Unit suffix of the values (``m3``, ``kwh_hs``, ``kwh``...).
        reading: ``interval`` or ``register``.
        estimated: Whether the supplier marked a reading as estimated, shape as ``values``; ``None`` if not known.
        duplicates: How often the file had the reading, shape as ``values``: 0 once, 1 more than once with the same
            value, 2 more than once with conflicting values (the first of the file is kept in ``values``); ``None`` if
            no reading came twice.
        day_start_h: Local hour at which a day of daily readings begins [h]: 6 for the gas day. The reading of a day
            holds the 23 to 25 hours from that hour on. Temperatures are to be averaged over the same hours.
        before: Where each register stood at the end of the step before the first one, NaN if not known, shape
            (meters,); ``None`` for intervals.
    """

    meters: tuple[str, ...]
    start: np.datetime64
    step_min: int
    values: Floats32
    unit: str
    reading: Literal["interval", "register"] = "interval"
    estimated: NDArray[np.bool_] | None = field(default=None, repr=False)
    duplicates: NDArray[np.uint8] | None = field(default=None, repr=False)
    day_start_h: float = 0.0
    before: NDArray[np.float64] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[0] != len(self.meters):
            raise ValueError(f"{len(self.meters)} meters do not fit values of shape {self.values.shape}")

    @property
    def steps(self) -> NDArray[np.datetime64]:
        """Starts of the steps: local days (``datetime64[D]``) or UTC instants (``datetime64[s]``)."""
        n = self.values.shape[1]
        if self.step_min == DAY_MIN:
            return np.asarray(self.start.astype("datetime64[D]") + np.arange(n))
        return np.asarray(
            self.start.astype("datetime64[s]") + np.arange(n) * np.timedelta64(self.step_min * 60, "s")
        )

    def rows(self, chosen: Sequence[int] | NDArray[np.int_] | NDArray[np.bool_] | slice) -> MeterPanel:
        """Return the panel of some meters: indices, a mask, or a slice."""
        index = np.arange(len(self.meters))[chosen]
        estimated = None if self.estimated is None else self.estimated[index]
        duplicates = None if self.duplicates is None else self.duplicates[index]
        return replace(
            self,
            meters=tuple(self.meters[i] for i in index),
            values=self.values[index],
            estimated=estimated,
            duplicates=duplicates,
            before=None if self.before is None else self.before[index],
        )


class MeterSource(Protocol):
    """Meters that may not fit into memory: any range of them can be had as a panel. Must be picklable."""

    @property
    def meters(self) -> Sequence[str]:
        """Ids of all meters, in the order of the rows."""

    @property
    def start(self) -> np.datetime64:
        """First step of every panel."""

    @property
    def step_min(self) -> int:
        """Length of a step [min]."""

    @property
    def steps(self) -> int:
        """Number of steps of every panel."""

    def block(self, first: int, last: int) -> MeterPanel:
        """Return the meters ``first`` to ``last`` (exclusive) as a panel."""


@dataclass(frozen=True)
class PanelSource:
    """A panel in memory as a source."""

    panel: MeterPanel

    @property
    def meters(self) -> Sequence[str]:
        """Ids of all meters."""
        return self.panel.meters

    @property
    def start(self) -> np.datetime64:
        """First step."""
        return self.panel.start

    @property
    def step_min(self) -> int:
        """Length of a step [min]."""
        return self.panel.step_min

    @property
    def steps(self) -> int:
        """Number of steps."""
        return int(self.panel.values.shape[1])

    def block(self, first: int, last: int) -> MeterPanel:
        """Return a range of the meters."""
        return self.panel.rows(slice(first, last))
