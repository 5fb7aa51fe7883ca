"""The sheet that rules work on: the readings of a panel as intervals, what is expected of them, and the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from varme.data.clean.daily import day_sums, local_days
from varme.data.clean.expect import Expected
from varme.data.clean.ledger import Ledger
from varme.data.clean.runs import Runs
from varme.data.clean.spec import CleaningSpec
from varme.data.meters.panel import DAY_MIN, MeterPanel

Floats32 = NDArray[np.float32]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Surroundings:
    """What cleaning may know besides the readings.

    Attributes:
        carrier: ``gas`` or ``heat_pump``.
        timezone: Clock of the town.
        years: Calendar years that are judged.
        temperature_c: Outdoor temperature by local day of the panel, shape (days,); ``None`` if not known.
        dwellings_count: Dwellings that each meter serves, shape (meters,), NaN where not known; ``None`` if unknown.
        volume_m3: Volume of each meter's building [m3], likewise.
    """

    carrier: Literal["gas", "heat_pump"]
    timezone: str
    years: tuple[int, ...]
    temperature_c: NDArray[np.float64] | None = None
    dwellings_count: NDArray[np.float64] | None = None
    volume_m3: NDArray[np.float64] | None = None


@dataclass
class Sheet:
    """Readings while they are being cleaned; rules change ``y`` in place and enter what they did.

    Attributes:
        panel: The panel as it was read.
        spec: Which rules apply.
        around: What is known besides.
        ledger: What was found.
        y: Intervals, shape (meters, steps), NaN where there is none.
        merged: Steps whose energy was spread from a reading of several steps, same shape.
        vacant: Steps in which a home is vacant, same shape.
        edges: First step of each local day, shape (days,).
        length: Steps of each local day, shape (days,).
        calendar: Local days, shape (days,).
        missing: Whether a row had any NaN at the start, shape (meters,).
        resolution: Unit in which a meter counts, 0 where that is fine or not known, shape (meters,).
        limited: Whether the highest values were found to be cut off, shape (meters,).
        features: What the expectation is made of, shape (days, features).
        season: Whether a step lies in the heating season, shape (steps,).
        expected: What is expected of each meter by day.
        e: The same by step.
    """

    panel: MeterPanel
    spec: CleaningSpec
    around: Surroundings
    ledger: Ledger
    y: Floats32
    merged: Bools
    vacant: Bools
    edges: Ints
    length: Ints
    calendar: NDArray[np.datetime64]
    missing: Bools
    resolution: Floats
    limited: Bools
    features: Floats
    season: Bools
    expected: Expected
    e: Floats32

    @classmethod
    def of(
        cls, panel: MeterPanel, spec: CleaningSpec, around: Surroundings, ledger: Ledger, y: Floats32
    ) -> Sheet:
        """Return a fresh sheet; nothing is expected yet."""
        steps = y.shape[1]
        if panel.step_min == DAY_MIN:
            calendar = panel.steps.astype("datetime64[D]")
            edges, length = np.arange(steps), np.ones(steps, dtype=np.int64)
        else:
            first, edges, length = local_days(panel, around.timezone)
            calendar = first + np.arange(len(edges))
        return cls(
            panel, spec, around, ledger, y, np.zeros(y.shape, dtype=bool), np.zeros(y.shape, dtype=bool), edges, length,
            calendar, np.isnan(y.sum(axis=1)), np.zeros(len(y)),
            np.zeros(len(y), dtype=bool), np.zeros((len(edges), 0)), np.ones(steps, dtype=bool),
            Expected.nothing(len(y), len(edges)), np.zeros((len(y), 0), dtype=np.float32),
        )  # fmt: skip

    @property
    def daily(self) -> bool:
        """Whether a step is a day."""
        return self.panel.step_min == DAY_MIN

    @property
    def per_day(self) -> int:
        """Steps of a day."""
        return DAY_MIN // self.panel.step_min

    @property
    def mean(self) -> Floats:
        """Expected mean of a step, shape (meters,)."""
        return self.expected.mean / self.per_day

    @property
    def sd(self) -> Floats:
        """Typical deviation of a step from the expectation, shape (meters,): a day's, or several mean hours."""
        return self.expected.sd if self.daily else np.maximum(self.expected.sd / self.per_day, self.mean)

    def daily_values(self, rows: Ints | None) -> Floats32:
        """Return the readings of some rows (all if ``None``) by local day."""
        y = self.y if rows is None else self.y[rows]
        return y if self.daily else day_sums(y, self.edges, self.length, self.spec.valid_hours_share)

    def expect_steps(self) -> None:
        """Turn the expectation by day into one by step: in the shape that the day has for all meters together."""
        if self.daily:
            self.e = self.expected.day
            return
        day = np.repeat(np.arange(len(self.edges)), self.length)
        clock = np.arange(len(day)) - np.repeat(self.edges, self.length)
        level = np.maximum(self.mean, 1e-12)[:, None]
        relative = np.nan_to_num(np.clip(self.y / level, 0, 6))
        profile = np.bincount(clock, relative.mean(axis=0), minlength=int(self.length.max()))
        count = np.maximum(np.bincount(clock, minlength=len(profile)), 1)
        shape = (profile / count)[clock] + 1e-6
        shape /= np.repeat(np.add.reduceat(shape, self.edges), self.length)
        self.e = np.asarray(self.expected.day[:, day] * shape[None, :], dtype=np.float32)

    def filled(self) -> Floats32:
        """Return the readings, what is missing as it is expected."""
        out = np.array(self.y, order="C")
        row, step = np.divmod(np.flatnonzero(np.isnan(out)), max(out.shape[1], 1))
        out[row, step] = self.e[row, step]
        return out

    def valid_days(self) -> Bools:
        """Return which days have a trusted value, shape (meters, days)."""
        return np.isfinite(self.daily_values(None))

    def steps_of(self, days: slice) -> slice:
        """Return the steps of a range of days."""
        if days.stop <= days.start:
            return slice(0, 0)
        return slice(int(self.edges[days.start]), int(self.edges[days.stop - 1] + self.length[days.stop - 1]))

    def to_steps(self, runs: Runs) -> Runs:
        """Return runs of days as runs of steps."""
        return Runs(runs.row, self.edges[runs.first], self.edges[runs.last] + self.length[runs.last] - 1)

    def vacant_by_day(self, rows: Ints) -> Bools:
        """Return which days of some rows are vacant."""
        return self.vacant[rows][:, self.edges]

    def merged_by_day(self, rows: Ints) -> Bools:
        """Return which days of some rows hold spread energy."""
        return self.merged[rows][:, self.edges]

    def clear(self, runs: Runs) -> None:
        """Take the readings of runs out."""
        if len(runs):
            place, _ = runs.flat(self.y.shape[1])
            self.y.reshape(-1)[place] = np.nan

    def mark_vacant(self, runs: Runs) -> None:
        """Mark runs as vacant."""
        if len(runs):
            place, _ = runs.flat(self.y.shape[1])
            self.vacant.reshape(-1)[place] = True
