"""The regular grid of a panel, and where a stamp belongs on it: local days, or UTC steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.data.clock import transitions_utc
from varme.data.meters.panel import DAY_MIN
from varme.data.meters.stamps import Kind
from varme.ground.timegrid import utc_offset_s

DAY_S = 86400
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Zone:
    """A time zone over a span: its changes and offsets.

    Attributes:
        changes: UTC seconds of the changes, shape (changes,).
        offsets: Offset before the first and after each change [s], shape (changes + 1,).
    """

    changes: Ints
    offsets: Ints

    @classmethod
    def over(cls, first_s: int, last_s: int, timezone: str) -> Zone:
        """Return a zone from one UTC second to another."""
        changes = transitions_utc(first_s, last_s, timezone)
        at = np.r_[np.int64(first_s), changes].astype("datetime64[s]")
        return cls(changes, utc_offset_s(at, timezone))

    def local(self, utc_s: Ints) -> Ints:
        """Return the wall clock's seconds at UTC instants."""
        return np.asarray(utc_s + self.offsets[np.searchsorted(self.changes, utc_s, side="right")])

    def utc(self, wall_s: Ints, meter: NDArray[Any]) -> tuple[Ints, NDArray[np.bool_]]:
        """Return UTC seconds of wall-clock stamps, and which do not exist on that clock.

        In the hour that comes twice, the first row of a meter with a stamp is the earlier one and the next the later
        one (the other way round in a file that runs backwards); a single one is taken as the earlier.

        Args:
            wall_s: Wall-clock seconds, shape (rows,), in file order.
            meter: Number of each row's meter, shape (rows,).
        """
        before, after = self.offsets[:-1], self.offsets[1:]
        turn = self.changes + np.maximum(before, after)
        utc = wall_s - self.offsets[np.searchsorted(turn, wall_s, side="right")]
        missing = np.zeros(len(wall_s), dtype=bool)
        if not len(turn):
            return utc, missing
        change = np.searchsorted(turn, wall_s, side="right")
        odd = change < len(turn)
        gap = np.r_[np.abs(after - before), 0]
        odd &= np.r_[turn, 0][change] - wall_s <= gap[change]
        rows = np.flatnonzero(odd)
        forward = (after > before)[change[rows]]
        missing[rows[forward]] = True
        twice = rows[~forward]
        if len(twice):
            later = _second(meter[twice], wall_s[twice], _backwards(meter, wall_s))
            utc[twice[later]] += gap[change[twice[later]]]
        return utc, missing


def _backwards(meter: NDArray[Any], wall_s: Ints) -> bool:
    same = meter[1:] == meter[:-1]
    return bool(np.sign(np.diff(wall_s))[same].sum() < 0)


def _second(meter: NDArray[Any], wall_s: Ints, backwards: bool) -> NDArray[np.bool_]:
    """Return which rows are the later ones of those with equal meter and stamp."""
    order = np.lexsort((np.arange(len(meter)), wall_s, meter))
    m, w = meter[order], wall_s[order]
    new = np.r_[True, (m[1:] != m[:-1]) | (w[1:] != w[:-1])]
    start = np.maximum.accumulate(np.where(new, np.arange(len(m)), 0))
    rank = np.arange(len(m)) - start
    if backwards:
        group = np.cumsum(new) - 1
        rank = np.bincount(group)[group] - 1 - rank
    later = np.zeros(len(m), dtype=bool)
    later[order] = rank > 0
    return later


@dataclass(frozen=True)
class Timeline:
    """The grid of a panel.

    Attributes:
        first_day: First local day (``datetime64[D]``).
        last_day: Last local day.
        timezone: Clock of the town: its days.
        clock: Clock of stamps without an offset.
        step_min: Length of a step [min]; 1440 for local days.
        day_start_h: Local hour at which days begin.
        label_end: Whether stamps mark the end of an interval.
        register: Whether readings are where a register stood: a stamp is then an instant.
        register_day_start: Whether the register of a date was read at the start of that day, not at its end.
    """

    first_day: np.datetime64
    last_day: np.datetime64
    timezone: str
    clock: str
    step_min: int
    day_start_h: float = 0.0
    label_end: bool = False
    register: bool = False
    register_day_start: bool = False
    _zones: dict[str, Zone] = field(default_factory=dict, repr=False, compare=False)

    def zone(self, timezone: str) -> Zone:
        """Return a zone over the period and a few days around it."""
        if timezone not in self._zones:
            first, last = (
                int(d.astype("datetime64[s]").astype(np.int64)) for d in (self.first_day, self.last_day)
            )
            self._zones[timezone] = Zone.over(first - 4 * DAY_S, last + 5 * DAY_S, timezone)
        return self._zones[timezone]

    @cached_property
    def start(self) -> np.datetime64:
        """First step: a local day or a UTC instant."""
        if self.step_min == DAY_MIN:
            return self.first_day
        return np.datetime64(self._midnight(self.first_day), "s")

    @cached_property
    def steps(self) -> int:
        """Number of steps."""
        if self.step_min == DAY_MIN:
            return int((self.last_day - self.first_day).astype(np.int64)) + 1
        span = self._midnight(self.last_day + np.timedelta64(1, "D")) - self._midnight(self.first_day)
        return span // (self.step_min * 60)

    def _midnight(self, day: np.datetime64) -> int:
        wall = np.array([day.astype("datetime64[s]").astype(np.int64)])
        return int(self.zone(self.timezone).utc(wall, np.zeros(1, dtype=np.int64))[0][0])

    def index(self, t: Ints, kind: Kind, meter: NDArray[Any]) -> tuple[Ints, NDArray[np.bool_]]:
        """Return the step of each stamp (it may lie outside the grid), and which stamps do not exist on their clock.

        Args:
            t: Days of dates, else seconds of the wall clock or of UTC, shape (rows,).
            kind: Which of them.
            meter: Number of each row's meter, shape (rows,).
        """
        nothing = np.zeros(len(t), dtype=bool)
        if self.step_min == DAY_MIN:
            first = int(self.first_day.astype("datetime64[D]").astype(np.int64))
            if kind == "date":
                shift = 1 if (self.register_day_start if self.register else self.label_end) else 0
                return t - (first + shift), nothing
            if kind == "wall" and self.clock == self.timezone:
                wall = t
            else:
                utc, nothing = (t, nothing) if kind == "utc" else self.zone(self.clock).utc(t, meter)
                wall = self.zone(self.timezone).local(utc)
            back = 1 if self.label_end or self.register else 0
            return (wall - round(self.day_start_h * 3600) - back) // DAY_S - first, nothing
        utc, missing = (t, nothing) if kind == "utc" else self.zone(self.clock).utc(t, meter)
        step = self.step_min * 60
        start = int(self.start.astype("datetime64[s]").astype(np.int64))
        return (utc - start - (1 if self.label_end or self.register else 0)) // step, missing
