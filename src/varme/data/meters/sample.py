"""What a sample of meters tells: how long a step is, and whether values are registers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.data.meters.panel import DAY_MIN
from varme.ground.errors import Collector

#: Meters that are looked at.
SAMPLED = 60
#: Least step of a panel [min]; finer data are put together.
FINEST_MIN = 15


@dataclass(frozen=True)
class Sample:
    """Rows of some meters, in the order of the file.

    Attributes:
        meter: Number of the meter, shape (rows,).
        t: Seconds as in the file, shape (rows,).
        value: Readings, shape (rows,).
    """

    meter: NDArray[Any]
    t: NDArray[np.int64]
    value: NDArray[np.float64]


def step_of(sample: Sample) -> int:
    """Return the time between two readings of a meter [s], 0 if there is none.

    It is the commonest one, or a shorter one that a tenth of the readings have and that nearly all are multiples of:
    of daily readings of which every second one is missing, most are two days apart or more.
    """
    order = np.lexsort((sample.t, sample.meter))
    gap = np.diff(sample.t[order])
    gap = gap[(np.diff(sample.meter[order]) == 0) & (gap > 0)]
    if not len(gap):
        return 0
    length, count = np.unique(gap, return_counts=True)
    often = length[count >= 0.1 * count.sum()]
    whole = [int(g) for g in often if count[length % g == 0].sum() >= 0.95 * count.sum()]
    return whole[0] if whole else int(length[np.argmax(count)])


def is_register(sample: Sample) -> float:
    """Return the share of sampled meters whose values look like a register.

    A register does not fall (but for a swap or roll-over now and then) and stands far above what is added at a time.
    """
    order = np.lexsort((sample.t, sample.meter))
    meter, value = sample.meter[order], sample.value[order]
    edges = np.flatnonzero(np.r_[True, meter[1:] != meter[:-1], True])
    votes = [_looks_like_register(value[a:b]) for a, b in itertools.pairwise(edges)]
    known = [v for v in votes if v is not None]
    return float(np.mean(known)) if known else 0.0


def _looks_like_register(value: NDArray[np.float64]) -> bool | None:
    value = value[np.isfinite(value)]
    added = np.diff(value)
    if len(added) < 3 or not (added != 0).any():
        return None
    rising = float(np.mean(added >= 0))
    usual = float(np.median(np.abs(added[added != 0])))
    climbed = float(value[-1] - value[0]) >= 0.5 * float(added[added > 0].sum())
    return rising >= 0.97 and climbed and float(np.median(value)) > 4 * usual


def step_min_of(
    seconds: int, *, dates: bool, register: bool, files: Sequence[str], where: str, problems: Collector
) -> int:
    """Return the step of the panel [min]; a step that cannot be used becomes a problem."""
    named = f"{where}.files, {', '.join(files[:3])}"
    if seconds == 0:
        if dates:
            return DAY_MIN
        problems.add("P218", named, "no meter has two readings at different times")
        return DAY_MIN
    if seconds >= 23 * 3600:
        if seconds <= 25 * 3600 or register:
            return DAY_MIN
        problems.add(
            "P218", named, "consumption per day or finer is needed; sparse readings can be used as registers only",
            value=f"one reading every {seconds / 86400:.3g} days",
            remedy='If the values are where the register stood, state reading = "register".',
        )  # fmt: skip
        return DAY_MIN
    if 86400 % seconds == 0 and seconds % 60 == 0:
        step = seconds // 60
        return step if step >= FINEST_MIN else FINEST_MIN
    if FINEST_MIN * 60 % seconds == 0 or register:
        return FINEST_MIN
    problems.add(
        "P218", named, "a day is not a whole number of steps", value=f"{seconds / 60:g} min",
        limit="1, 2, 3, 5, 10, 15, 20, 30, 60 min... 1 day",
    )  # fmt: skip
    return DAY_MIN
