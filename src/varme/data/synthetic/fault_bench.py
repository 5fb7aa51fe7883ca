"""What faults are worked into: copies of a panel's arrays, and random places in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from varme.data.meters.panel import DAY_MIN, MeterPanel
from varme.ground.spec import Spec
from varme.ground.timegrid import utc_offset_s


class FaultSpec(Spec):
    """Which faults a panel gets."""

    share: float = Field(default=0.2, ge=0, le=1)
    """Share of meters with a fault (assumption; 13 % of the systems of Electrification of Heat needed a correction)."""
    kinds: list[str] = Field(default=[])
    """Kinds of faults, each as likely as the others; if empty, all that fit and that a meter may have alone."""
    flagged_share: float = Field(default=0.7, ge=0, le=1)
    """Share of estimated readings that the supplier marked as such (assumption)."""
    timezone: str = "Europe/Berlin"
    """Clock of the town, for the hours that daylight saving doubles."""


@dataclass
class Bench:
    """The arrays that faults are worked into; one row at a time is passed to a kind."""

    values: NDArray[np.float32]
    truth: NDArray[np.float32]
    estimated: NDArray[np.bool_]
    duplicates: NDArray[np.uint8]
    season: NDArray[np.bool_]
    steps: NDArray[np.datetime64]
    step_min: int
    level: float
    register: bool
    spec: FaultSpec
    rng: np.random.Generator = field(repr=False)

    @property
    def per_day(self) -> int:
        """Steps of a day."""
        return DAY_MIN // self.step_min

    def span(
        self, row: int, days: tuple[float, float], *, season: float = 0.8, whole_days: bool = False
    ) -> tuple[int, int] | None:
        """Return a random span of so many days with readings throughout, or ``None`` if none was found.

        Args:
            row: The meter.
            days: Shortest and longest span [days].
            season: Share of the span that must lie in the heating season.
            whole_days: Whether it must begin where a (UTC) day does.
        """
        n = self.values.shape[1]
        for _ in range(60):
            length = max(1, round(float(self.rng.uniform(*days)) * self.per_day))
            if length + 4 * self.per_day > n:
                continue
            first = int(self.rng.integers(2 * self.per_day, n - length - self.per_day))
            if whole_days:
                first -= first % self.per_day
            part = slice(first, first + length)
            around = slice(first - self.per_day, first + length + self.per_day)
            if self.season[part].mean() >= season and np.isfinite(self.values[row, around]).all():
                return first, first + length - 1
        return None


Found = tuple[int, int, float] | None
Kind = Callable[[Bench, int], Found]


def bench_of(panel: MeterPanel, spec: FaultSpec, rng: np.random.Generator) -> Bench:
    """Return the bench of a panel: its arrays copied, its heating season found from the mean of its meters."""
    values = np.array(panel.values, dtype=np.float32)
    used = values if panel.reading == "interval" else np.diff(values, axis=1, prepend=values[:, :1])
    ok = np.isfinite(used)
    fleet = np.where(ok, used, 0).sum(axis=0, dtype=np.float64) / np.maximum(ok.sum(axis=0), 1)
    per_day = DAY_MIN // panel.step_min
    smooth = np.convolve(fleet, np.ones(15 * per_day) / (15 * per_day), mode="same")
    estimated = np.zeros(values.shape, dtype=bool) if panel.estimated is None else panel.estimated.copy()
    duplicates = np.zeros(values.shape, np.uint8) if panel.duplicates is None else panel.duplicates.copy()
    return Bench(
        values=values, truth=values.copy(), estimated=estimated, duplicates=duplicates,
        season=smooth > 1.1 * smooth.mean(), steps=panel.steps, step_min=panel.step_min,
        level=float(fleet.mean()), register=panel.reading == "register", spec=spec, rng=rng,
    )  # fmt: skip


def local_hours(steps: NDArray[np.datetime64], timezone: str) -> NDArray[np.int64]:
    """Return the offset of a zone from UTC by step [h]: where it changes, daylight saving begins or ends."""
    return np.asarray(utc_offset_s(steps, timezone) // 3600, dtype=np.int64)
