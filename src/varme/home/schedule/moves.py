"""Moves from one pattern of the compressor to others, and what a relaxed plan asks of it."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from varme.home.schedule.problem import Problem
from varme.home.schedule.runs import Asked, Pattern, Rules
from varme.kernel.highs import Solution
from varme.kernel.model import Floats


def asked(problem: Problem, found: Solution, swings: tuple[float, float]) -> Asked:
    """Return what a relaxed plan asks of the compressor.

    Args:
        problem: The problem.
        found: The relaxed plan.
        swings: How far a pattern may run ahead or behind at will, in shortest runs: for room and hot water.
    """
    plant, hours = problem.plant, problem.slots.step_h
    pump = plant.heat_pump
    assert pump is not None
    heat = np.stack([problem.value(f"heat_pump.{mode}_heat", found.x) for mode in pump.modes]) * hours
    below, above = np.full(heat.shape, np.inf), np.full(heat.shape, np.inf)
    for m, mode in enumerate(pump.modes):
        if mode == "water" and plant.tank is not None:
            level, capacity = problem.value("tank.temperature", found.x), plant.tank.capacity_kwh_per_k
            top = problem.arrays.col_upper[problem.model.vars["tank.temperature"].now]
            below[m], above[m] = (level - plant.tank.low_c) * capacity, (top - level) * capacity
        elif plant.house is not None:
            level = problem.value("house.temperature_0", found.x)
            capacity = 0.5 * float(plant.house.network.capacity_kwh_per_k.sum())
            below[m], above[m] = (
                (level - plant.house.low_c) * capacity,
                (plant.house.high_c - level) * capacity,
            )
            if mode == "cool":
                below[m], above[m] = above[m].copy(), below[m].copy()
    span = max(1, round(max(pump.run_min, 30.0) / 60 / float(np.median(hours))))
    due = np.full(heat.shape, -np.inf)
    sums = np.cumsum(heat, axis=1)
    start = sums - heat
    for lead in range(span + 1):
        last = np.minimum(np.arange(heat.shape[1]) + lead, heat.shape[1] - 1)
        due = np.maximum(due, sums[:, last] - start - np.maximum(below[:, last], 0.0))
        above = np.minimum(above, above[:, last])
    run = pump.heat_min_kw.mean(axis=1) * max(pump.run_min / 60, float(hours.min()))
    room, water = swings
    swing = run * np.array([water if mode == "water" else room for mode in pump.modes])
    return Asked(heat, pump.heat_min_kw * hours, pump.heat_max_kw * hours, due, np.maximum(above, 0.0), swing)


def pattern_moves(rules: Rules, pattern: Pattern, d: Floats) -> list[tuple[float, Pattern]]:
    """Return patterns one move away with their estimates: the reduced costs of what changes, and starts.

    Moves: a run begins or ends some slots earlier or later, is shifted, left out or split; a pause is filled; a run is
    added; part of a run changes its mode.

    Args:
        rules: The compressor's rules.
        pattern: The pattern.
        d: Reduced costs of the statuses with the pattern fixed, shape (modes, n).
    """
    n = rules.n
    proposed: list[Pattern] = []
    slot = np.arange(n)
    best = d.argmin(axis=0)
    into = d[best, slot]
    leave = np.where(pattern >= 0, d[np.maximum(pattern, 0), slot], 0.0)

    def propose(changed: Pattern) -> None:
        proposed.append(changed)

    def with_part(first: int, end: int, value: Pattern | int) -> Pattern:
        changed = pattern.copy()
        changed[first:end] = value
        return changed

    runs = rules.runs(pattern)
    for start, stop in runs:
        propose(with_part(start, stop, -1))
        for k in (1, 2, 3, 4):
            if start - k >= 0:
                propose(with_part(start - k, start, best[start - k : start]))
                moved = with_part(start - k, start, best[start - k : start])
                moved[stop - k : stop] = -1
                propose(moved)
            if stop + k <= n:
                propose(with_part(stop, stop + k, best[stop : stop + k]))
                moved = with_part(stop, stop + k, best[stop : stop + k])
                moved[start : start + k] = -1
                propose(moved)
            propose(with_part(start, min(start + k, stop), -1))
            propose(with_part(max(stop - k, start), stop, -1))
        if (best[start:stop] != pattern[start:stop]).any():
            gain = np.where(
                into[start:stop] < leave[start:stop] - 1e-9, best[start:stop], pattern[start:stop]
            )
            propose(with_part(start, stop, gain))
            propose(_largest_block(pattern, start, stop, best, leave - into))
        propose(_split(rules, pattern, start, stop, leave))
    for (_, stop), (start, _) in itertools.pairwise(runs):
        propose(with_part(stop, start, best[stop:start]))
    sums = np.concatenate([[0.0], np.cumsum(np.where(pattern < 0, into, 0.0))])
    ends = np.array(rules.run_end)
    added = sums[ends] - sums[:-1]
    for start in np.argsort(added)[:4].tolist():
        propose(with_part(start, rules.run_end[start], best[start : rules.run_end[start]]))
    return _estimated(rules, pattern, np.unique(np.array(proposed), axis=0), d, leave)


def _estimated(
    rules: Rules, pattern: Pattern, proposed: NDArray[np.int64], d: Floats, leave: Floats
) -> list[tuple[float, Pattern]]:
    """Return those of the proposed patterns, shape (moves, n), whose estimate promises something."""
    differs = proposed != pattern
    cost = np.where(proposed >= 0, d[np.maximum(proposed, 0), np.arange(rules.n)], 0.0)
    on = np.concatenate([np.full((len(proposed), 1), rules.on_before), proposed >= 0], axis=1)
    starts = np.sum(on[:, 1:] & ~on[:, :-1], axis=1) - _starts(pattern, rules.on_before)
    estimate = np.sum(np.where(differs, cost - leave, 0.0), axis=1) + rules.start_cent * starts
    return [(float(estimate[k]), proposed[k]) for k in np.flatnonzero(estimate < -1e-2)]


def _largest_block(pattern: Pattern, start: int, stop: int, best: Pattern, gain: Floats) -> Pattern:
    """Return the pattern with the contiguous block of a run in which a change of mode promises most changed."""
    good = (gain[start:stop] > 1e-9) & (best[start:stop] != pattern[start:stop])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
    changed = pattern.copy()
    if len(edges):
        sums = [gain[start + a : start + b].sum() for a, b in zip(edges[::2], edges[1::2], strict=True)]
        at = int(np.argmax(sums))
        a, b = start + edges[2 * at], start + edges[2 * at + 1]
        changed[a:b] = best[a:b]
    return changed


def _split(rules: Rules, pattern: Pattern, start: int, stop: int, leave: Floats) -> Pattern:
    """Return the pattern with the part of a run left out that promises most, if both rests are long enough."""
    changed, top = pattern.copy(), 0.0
    sums = np.concatenate([[0.0], np.cumsum(leave)])
    first = rules.run_end[start]
    for a in range(first, stop - 1):
        low = rules.pause_end[a]
        if low >= stop or rules.run_end[low] > stop:
            break
        gain = float(sums[low] - sums[a])
        if gain > top:
            top, changed = gain, pattern.copy()
            changed[a:low] = -1
    return changed


def _starts(pattern: Pattern, on_before: bool) -> int:
    on = np.concatenate([[on_before], pattern >= 0])
    return int(np.sum(on[1:] & ~on[:-1]))
