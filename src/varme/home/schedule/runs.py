"""What a compressor may do over the slots of a plan: runs, pauses, and the cheapest schedule at given prices.

A pattern is an array over the slots: the number of the mode, or -1 for off. Modes may change within a run (the 3-way
valve turns); minimum run and pause belong to the compressor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.components.home import Slots
from varme.components.home_heat_pump import HeatPumpNumbers
from varme.home.plant import State
from varme.home.schedule.problem import holding
from varme.kernel.model import Floats

Pattern = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Asked:
    """Heat that a relaxed plan asks of a compressor, and how far a pattern may differ from it; arrays (modes, n) [kWh].

    Attributes:
        heat: Heat of each slot.
        least: Heat of a slot at the least power.
        most: Heat of a slot at full load.
        due: Most that will be asked for within the next shortest run beyond what the store can do without.
        ahead: What the store takes in addition.
        swing: Heat by which what is given may run ahead or behind at will, shape (modes,).
    """

    heat: Floats
    least: Floats
    most: Floats
    due: Floats
    ahead: Floats
    swing: Floats


@dataclass(frozen=True, eq=False)
class Rules:
    """The rules of a compressor over the slots of a plan.

    Attributes:
        n: Slots.
        modes: Modes.
        run_end: First slot in which a run that starts in a slot may have ended, shape (n,), at most n.
        pause_end: First slot in which the compressor may start again after it stopped at a slot, shape (n + 1,).
        held: Slots at the start in which it must go on.
        rested: Slots at the start in which it must not start.
        on_before: Whether it runs at the start.
        available: Whether it may run, shape (n,).
        start_cent: Cost of a start.
        starts_left: Most starts.
    """

    n: int
    modes: int
    run_end: list[int]
    pause_end: list[int]
    held: int
    rested: int
    on_before: bool
    available: NDArray[np.bool_]
    start_cent: float
    starts_left: float

    @classmethod
    def of(cls, pump: HeatPumpNumbers, slots: Slots, state: State) -> Rules:
        """Return the rules of a heat pump from a state on."""
        begins = np.append(slots.start_h, slots.start_h[-1] + slots.step_h[-1]) * 60
        run_end = np.searchsorted(begins, begins[:-1] + pump.run_min - 1e-9)
        run_end = np.minimum(np.maximum(run_end, np.arange(slots.n) + 1), slots.n)
        pause_end = np.searchsorted(begins, begins + pump.pause_min - 1e-9)
        pause_end = np.minimum(np.maximum(pause_end, np.arange(slots.n + 1) + 1), slots.n)
        held, rested = holding(pump, slots, state)
        left = pump.starts_per_day_max - state.starts_today
        return cls(
            slots.n, len(pump.modes), run_end.tolist(), pause_end.tolist(), len(held), len(rested), state.mode != "off",
            pump.available > 0.5, pump.start_cent, left,
        )  # fmt: skip

    def allows(self, pattern: Pattern) -> bool:
        """Return whether a pattern keeps minimum run and pause, the state's duties and blocking times."""
        on = pattern >= 0
        if not on[: self.held].all() or (on & ~self.available).any():
            return False
        if not self.on_before and on[: self.rested].any():
            return False
        runs = self.runs(pattern)
        begun = [(start, stop) for start, stop in runs if start > 0 or not self.on_before]
        if any(stop < self.run_end[start] for start, stop in begun) or len(begun) > self.starts_left:
            return False
        stops = [stop for _, stop in runs]
        if self.on_before and not on[0]:
            stops = [0, *stops]
        later = [start for start, _ in runs]
        later = later if self.on_before and not on[0] else later[1:]
        return all(start >= self.pause_end[stop] for stop, start in zip(stops, later, strict=False))

    def runs(self, pattern: Pattern) -> list[tuple[int, int]]:
        """Return the first slot of each run and the one after its last."""
        edges = np.flatnonzero(
            np.diff(np.concatenate([[False], pattern >= 0, [False]]).astype(np.int8))
        ).tolist()
        return list(zip(edges[::2], edges[1::2], strict=True))

    def cheapest(self, cost: Floats) -> Pattern:
        """Return the pattern that costs least, by dynamic programming over switches (backwards).

        Args:
            cost: Cost of running in each mode and slot over being off, shape (modes, n).
        """
        n = self.n
        blocked = np.where(self.available, 0.0, 1e9)
        best = cost.argmin(axis=0)
        on = (cost[best, np.arange(n)] + blocked).tolist()
        total = np.concatenate([[0.0], np.cumsum(on)]).tolist()
        off, run = [0.0] * (n + 1), [0.0] * (n + 1)
        starts, stops = [False] * n, [False] * n
        for t in range(n - 1, -1, -1):
            end, rest = self.run_end[t], self.pause_end[t]
            begin = self.start_cent + total[end] - total[t] + run[end]
            starts[t] = begin < off[t + 1]
            off[t] = min(begin, off[t + 1])
            stops[t] = off[rest] < on[t] + run[t + 1]
            run[t] = min(off[rest], on[t] + run[t + 1])
        status = np.zeros(n, dtype=bool)
        t, running = 0, self.on_before
        if running:
            status[: self.held] = True
            t = self.held
        else:
            t = self.rested
        while t < n:
            if running:
                if stops[t]:
                    t, running = self.pause_end[t], False
                else:
                    status[t] = True
                    t += 1
            elif starts[t]:
                status[t : self.run_end[t]] = True
                t, running = self.run_end[t], True
            else:
                t += 1
        return np.where(status & self.available, best, -1)

    def following(self, ask: Asked, before: Pattern | None = None) -> Pattern:
        """Return a pattern that gives each mode its heat in runs, and keeps what it owes within the stores' margins.

        It starts when something owed within the next shortest run would go beyond the margin, or beyond the swing; it
        stops when everything is the swing ahead, or no store can take more.

        Args:
            ask: What a relaxed plan asks for.
            before: What is decided already, from the first slot on; sums begin after it.
        """
        n, modes = self.n, range(self.modes)
        owed = [0.0] * self.modes
        heat, least, most = ask.heat.tolist(), ask.least.tolist(), ask.most.tolist()
        due, ahead, swing, free = (
            ask.due.tolist(),
            ask.ahead.tolist(),
            ask.swing.tolist(),
            self.available.tolist(),
        )
        out = [-1] * n
        running, until, first, at = self.on_before, self.held, self.rested, 0
        if before is not None and len(before):
            at, out[: len(before)] = len(before), before.tolist()
            running, until, first = self._standing(before)
        for t in range(at, n):
            need = [owed[m] + due[m][t] for m in modes]
            for m in modes:
                owed[m] += heat[m][t]
            fits = [owed[m] - least[m][t] >= -ahead[m][t] for m in modes]
            if (
                running
                and t >= until
                and (
                    not free[t]
                    or not any(fits[m] and (need[m] > 0 or owed[m] - least[m][t] > -swing[m]) for m in modes)
                )
            ):
                running, first = False, self.pause_end[t]
            if (
                not running
                and t >= first
                and free[t]
                and any(need[m] > 0 or owed[m] >= swing[m] for m in modes)
            ):
                running, until = True, self.run_end[t]
            if running and free[t]:
                m = max(
                    modes,
                    key=lambda k: (fits[k], need[k] > 0, need[k] if need[k] > 0 else owed[k] / swing[k]),
                )
                out[t] = m
                owed[m] -= min(max(least[m][t], owed[m]), most[m][t])
        return np.array(out, dtype=np.int64)

    def _standing(self, before: Pattern) -> tuple[bool, int, int]:
        """Return whether it runs after some slots, until when it must, and from when on it may start."""
        runs = self.runs(before)
        running = bool(before[-1] >= 0)
        if not runs:
            return False, 0, max(self.rested, self.pause_end[0] if self.on_before else 0)
        start, stop = runs[-1]
        until = self.held if start == 0 and self.on_before else self.run_end[start]
        return running, until, 0 if running else self.pause_end[stop]
