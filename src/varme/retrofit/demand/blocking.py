"""Blocking times of a controllable tariff: heat pumps stand still in given hours and catch up around them.

The building's heat capacity and the tank carry the blocked hours. What is not drawn in them is drawn before (a share,
by pre-heating) and after (the rebound), in the nearest free steps of the same day first, never above the heat pump's
power. What finds no room is not drawn at all and reported: those homes get colder, or need a larger heat pump.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import Collector
from varme.retrofit.demand.hourly import StepGrid

Floats = NDArray[np.float64]

WINDOW = re.compile(r"^([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)$")


@dataclass(frozen=True)
class Blocking:
    """When heat pumps stand still.

    Attributes:
        windows_min: First and last minute (exclusive) of the day of each window.
        preheat_share: Share of a window's energy that is drawn before it.
        reach_h: How far before and after a window energy is moved [h].
        all_days: Whether weekends are blocked too.
    """

    windows_min: tuple[tuple[int, int], ...]
    preheat_share: float = 0.3
    reach_h: float = 6.0
    all_days: bool = True


def read_windows(texts: list[str], where: str, step_min: int = 60) -> tuple[tuple[int, int], ...]:
    """Return the windows of texts such as ``11:00-13:00``, in the order of the day.

    Args:
        texts: Windows in local time; ``24:00`` is the end of the day, a window does not pass midnight.
        where: Field, for messages.
        step_min: Step of the load [min]; windows begin and end on steps.

    Raises:
        InputError: P126 with every window that is no window, ends before it begins, overlaps another or lies between
            steps, and if the day has less than two free hours left.
    """
    problems = Collector()
    found: list[tuple[int, int]] = []
    for text in texts:
        match = WINDOW.match(text.strip())
        if match is None:
            problems.add(
                "P126", where, "not a window of the day", value=text, limit="HH:MM-HH:MM, 00:00 to 24:00"
            )
            continue
        a, b, c, d = (int(part) for part in match.groups())
        start, end = 60 * a + b, 60 * c + d
        if not start < end <= 1440:
            problems.add("P126", where, "the window ends before it begins, or after the day", value=text)
        elif start % step_min or end % step_min:
            problems.add(
                "P126", where, "the window lies between steps", value=text, limit=f"steps of {step_min} min"
            )
        else:
            found.append((start, end))
    found.sort()
    for (_, end), (start, _) in pairwise(found):
        if start < end:
            problems.add("P126", where, "two windows overlap", value=f"{start // 60:02d}:{start % 60:02d}")
    blocked = sum(end - start for start, end in found)
    if blocked > 1440 - 120:
        problems.add(
            "P126", where, "too much of the day is blocked", value=f"{blocked / 60:g} h", limit="22 h"
        )
    problems.raise_if_any()
    return tuple(found)


@dataclass(frozen=True)
class BlockedLoad:
    """Load under blocking.

    Attributes:
        load_kwh: Energy by group (or home) and step [kWh], shape (groups, steps).
        moved_kwh: Energy moved out of the windows by group and day, shape (groups, days).
        unserved_kwh: Energy that found no room in the day and is not drawn, shape (groups, days).
        blocked: Whether a step is blocked, shape (steps,).
    """

    load_kwh: Floats
    moved_kwh: Floats
    unserved_kwh: Floats
    blocked: NDArray[np.bool_]

    @property
    def unserved_share(self) -> float:
        """Energy that is not drawn, of all that was asked for."""
        total = float(self.load_kwh.sum(dtype=np.float64) + self.unserved_kwh.sum())
        return float(self.unserved_kwh.sum()) / total if total > 0 else 0.0


def block(
    load: Floats, max_kw: Floats, blocking: Blocking, grid: StepGrid, weekend: NDArray[np.bool_] | None = None
) -> BlockedLoad:
    """Return the load with the blocking windows kept free; energy stays within its day.

    Args:
        load: Energy by group and step without blocking [kWh], shape (groups, steps).
        max_kw: Highest electric power of the group's heat pumps [kW], shape (groups,); a step that draws more already
            takes nothing on.
        blocking: The windows.
        grid: The steps.
        weekend: Whether a day is a Saturday or Sunday, shape (days,); needed unless all days are blocked.
    """
    out = np.array(load, dtype=np.float64)
    steps = grid.steps_per_day
    minute = grid.local_step * (1440 // steps)
    free_day = np.zeros(grid.days, dtype=bool)
    if not blocking.all_days and weekend is not None:
        free_day = weekend
    window_of = np.full(len(minute), -1)
    for k, (start, end) in enumerate(blocking.windows_min):
        window_of[(minute >= start) & (minute < end) & ~free_day[grid.local_day]] = k
    blocked = window_of >= 0
    limit = np.asarray(max_kw, dtype=float) * grid.step_h
    moved = np.zeros((len(out), grid.days))
    unserved = np.zeros_like(moved)
    reach = round(blocking.reach_h / grid.step_h)
    for k in range(len(blocking.windows_min)):
        mine = np.flatnonzero(window_of == k)
        if len(mine) == 0:
            continue
        days = np.unique(grid.local_day[mine])
        first = mine[np.searchsorted(grid.local_day[mine], days, side="left")]
        last = mine[np.searchsorted(grid.local_day[mine], days, side="right") - 1]
        energy = np.add.reduceat(out[:, mine], np.searchsorted(grid.local_day[mine], days), axis=1)
        out[:, mine] = 0
        moved[:, days] += energy
        before = _fill(out, energy * blocking.preheat_share, limit, first, -1, days, grid, blocked, reach)
        after = _fill(
            out, energy * (1 - blocking.preheat_share) + before, limit, last, 1, days, grid, blocked, reach
        )
        unserved[:, days] += _fill(out, after, limit, first, -1, days, grid, blocked, reach)
    return BlockedLoad(out, moved - unserved, unserved, blocked)


def _fill(
    out: Floats,
    energy: Floats,
    limit: Floats,
    origin: NDArray[np.int64],
    direction: int,
    days: NDArray[np.int64],
    grid: StepGrid,
    blocked: NDArray[np.bool_],
    reach: int,
) -> Floats:
    """Put energy into the free steps of the same day, nearest first; return what is left, shape (groups, days)."""
    left = np.array(energy)
    for away in range(1, reach + 1):
        step = origin + direction * away
        inside = (step >= 0) & (step < len(blocked))
        place = np.where(inside, step, 0)
        inside &= (grid.local_day[place] == days) & ~blocked[place]
        if not inside.any():
            continue
        place = place[inside]
        room = np.maximum(limit[:, None] - out[:, place], 0)
        put = np.minimum(room, left[:, inside])
        out[:, place] += put
        left[:, inside] -= put
    return left
