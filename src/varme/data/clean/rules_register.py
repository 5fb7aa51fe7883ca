"""Rules for registers: differences across gaps and estimates, roll-overs, swaps, readings that went back for one step.

A register counts all energy, so what lies between two actual readings is known whatever happened between them. That
energy is spread over the steps between, later in proportion to what is expected of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.data.clean.ledger import Ledger
from varme.data.clean.runs import Runs, runs_of
from varme.data.clean.spec import CleaningSpec
from varme.data.meters.panel import DAY_MIN, MeterPanel

Floats32 = NDArray[np.float32]
Floats = NDArray[np.float64]

#: Digits of registers that roll over: 4 (old meters in 100 ft3) to 8 (Wh).
TURNS = 10.0 ** np.arange(4, 9)


@dataclass(frozen=True)
class Intervals:
    """Intervals made of registers: the values, and the runs whose total is known but not its parts.

    Attributes:
        values: Shape (meters, steps); evenly spread within the runs of ``merged``.
        merged: Runs of several steps between two actual readings.
        totals: What was used in each of them.
    """

    values: Floats32
    merged: Runs
    totals: Floats


def intervals_of(panel: MeterPanel, spec: CleaningSpec, ledger: Ledger) -> Intervals:
    """Return the intervals of a panel of registers; the first step has none.

    Estimated and conflicting readings are taken out first; the next actual reading closes the gap that they leave.

    Args:
        panel: Registers.
        spec: Which gaps are bridged.
        ledger: Takes what was found.
    """
    reads = panel.values.astype(np.float64)
    if panel.estimated is not None and panel.estimated.any():
        ledger.add(
            "estimated", runs_of(panel.estimated), "corrected", "register; merged into the next reading"
        )
        reads[panel.estimated] = np.nan
    if panel.duplicates is not None:
        conflicting = panel.duplicates == 2
        if conflicting.any():
            ledger.add(
                "duplicate_conflict", runs_of(conflicting), "removed", "register; conflicting readings"
            )
            reads[conflicting] = np.nan
    _drop_misread(reads, ledger)
    row, step = np.divmod(np.flatnonzero(np.isfinite(reads)), reads.shape[1])
    same = row[1:] == row[:-1]
    at_row, first, last = row[1:][same], step[:-1][same] + 1, step[1:][same]
    before, after = reads[row, step][:-1][same], reads[row, step][1:][same]
    used = after - before
    runs = Runs(at_row, first, last)
    usual = _usual(used, runs, len(reads))
    used = _turned(used, before, usual[at_row], runs, ledger)
    kept = np.isfinite(used) & (runs.length <= spec.bridge_days_max * DAY_MIN / panel.step_min)
    runs, used = runs.chosen(kept), used[kept]
    values = np.full(reads.shape, np.nan, dtype=np.float32)
    place, _ = runs.flat(panel.values.shape[1])
    values.reshape(-1)[place] = np.repeat(used / runs.length, runs.length)
    several = runs.length > 1
    gap = runs.chosen(several)
    ledger.add("gap_bridged", gap, "corrected", "{0:.1f} between two readings", used[several])
    return Intervals(values, gap, used[several])


def _drop_misread(reads: Floats, ledger: Ledger) -> None:
    """Take out single readings that lie below both neighbours while these fit each other, or far above both."""
    before, here, after = reads[:, :-2], reads[:, 1:-1], reads[:, 2:]
    with np.errstate(invalid="ignore"):
        fit = after >= before
        step = np.maximum(after - before, 1e-6)
        wrong = fit & ((here < before - 20 * step) | (here > after + 20 * step))
    wrong &= ~((before == here) | (after == here))
    if wrong.any():
        runs = runs_of(np.pad(wrong, ((0, 0), (1, 1))))
        ledger.add(
            "misread", runs, "removed", "register below or above both neighbours, which fit each other"
        )
        reads[:, 1:-1][wrong] = np.nan


def _usual(used: Floats, runs: Runs, meters: int) -> Floats:
    """Return a high daily use of each meter: the mean of its positive differences, times 20."""
    good = (used > 0) & (used < 0.5 * TURNS[0])
    total = np.bincount(runs.row[good], used[good], meters)
    steps = np.bincount(runs.row[good], runs.length[good].astype(float), meters)
    return np.asarray(20 * total / np.maximum(steps, 1) + 1e-9, dtype=np.float64)


def _turned(used: Floats, before: Floats, usual: Floats, runs: Runs, ledger: Ledger) -> Floats:
    """Return differences with roll-overs added and those over swaps missing."""
    out = used.copy()
    back = np.flatnonzero(used < -1e-3 * np.maximum(before, 1e-9))
    slight = (used < 0) & (used >= -1e-3 * np.maximum(before, 1e-9))
    out[slight & (used >= -0.02 * usual)] = 0.0
    if not len(back):
        return out
    candidate = used[back, None] + TURNS[None, :]
    fits = (candidate >= 0) & (candidate <= (usual * runs.length)[back, None])
    fits &= before[back, None] <= TURNS[None, :]
    turned = fits.any(axis=1)
    which = np.argmax(fits, axis=1)
    out[back] = np.where(turned, candidate[np.arange(len(back)), which], np.nan)
    mask = np.zeros(len(used), dtype=bool)
    mask[back[turned]] = True
    figures = np.stack([before[mask], (before + used)[mask], TURNS[which[turned]]], axis=1)
    ledger.add(
        "roll_over", runs.chosen(mask), "corrected", "register {0:.0f} to {1:.0f}: {2:.0f} added", figures
    )
    mask[:] = False
    mask[back[~turned]] = True
    ledger.add(
        "register_swap", runs.chosen(mask), "removed", "register {0:.0f} to {1:.0f}",
        np.stack([before[mask], (before + used)[mask]], axis=1),
    )  # fmt: skip
    return out
