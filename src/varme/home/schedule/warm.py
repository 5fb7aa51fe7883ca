"""What a plan leaves for the next one: where the LP's basis stood and what was decided, by name and time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.components.home import Slots
from varme.home.schedule.problem import Problem
from varme.home.schedule.relaxed import Basis, Lean, crash
from varme.home.schedule.search import Choice
from varme.kernel.highs import BASIC
from varme.kernel.model import Floats

Codes = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Warm:
    """What a similar next plan can start from: the same home some slots later, or a similar home.

    Attributes:
        begins_h: Start of each slot, in hours since the start of the base grid, shape (n,).
        columns: Variable -> basis codes over the slots.
        rows: Constraint -> basis codes over the slots.
        pattern: Mode of the compressor in each slot, -1 for off.
        charging: For each vehicle, whether it charges in each slot.
        water_c: Tank temperature at the middle of each slot; ``None`` without a tank.
    """

    begins_h: Floats
    columns: dict[str, Codes]
    rows: dict[str, Codes]
    pattern: NDArray[np.int64]
    charging: tuple[NDArray[np.bool_], ...]
    water_c: Floats | None


def warm_of(problem: Problem, part: Lean, basis: Basis, choice: Choice, water_c: Floats | None) -> Warm:
    """Return what a plan leaves for the next one."""
    n, model = problem.slots.n, problem.model
    columns = {name: basis[0][var.now] for name, var in model.vars.items() if var.now.shape == (n,)}
    full = np.full(len(problem.arrays.row_lower), BASIC, dtype=np.int8)
    full[part.rows] = basis[1]
    rows = {name: full[block.index] for name, block in model.rows.items() if block.index.shape == (n,)}
    return Warm(_begins(problem.slots), columns, rows, choice.pattern, choice.charging, water_c)


def _begins(slots: Slots) -> Floats:
    return np.asarray(slots.edges[:-1] * slots.base_h)


def places(warm: Warm, slots: Slots) -> NDArray[np.int64]:
    """Return for each new slot the old one that holds its start; the old day goes on where the old plan ends."""
    at = _begins(slots)
    end = warm.begins_h[-1] + (warm.begins_h[-1] - warm.begins_h[-2] if len(warm.begins_h) > 1 else 1.0)
    over = at >= end - 1e-9
    at[over] -= 24.0 * np.ceil((at[over] - end + 1e-6) / 24.0)
    found = np.searchsorted(warm.begins_h, at + 1e-9, side="right") - 1
    return np.clip(found, 0, len(warm.begins_h) - 1)


def basis_from(warm: Warm, problem: Problem, part: Lean) -> Basis:
    """Return a basis for a problem from what an earlier plan left; what is new stands as in the first basis."""
    where = places(warm, problem.slots)
    columns, lean_rows = crash(problem, part)
    rows = np.full(len(problem.arrays.row_lower), BASIC, dtype=np.int8)
    rows[part.rows] = lean_rows
    for name, var in problem.model.vars.items():
        if name in warm.columns and var.now.shape == (problem.slots.n,):
            columns[var.now] = warm.columns[name][where]
    for name, block in problem.model.rows.items():
        if name in warm.rows and block.index.shape == (problem.slots.n,):
            rows[block.index] = warm.rows[name][where]
    return columns, rows[part.rows]


def choice_from(warm: Warm, problem: Problem, vehicles: int) -> Choice | None:
    """Return the earlier decisions at the new slots; ``None`` if the home has other vehicles."""
    if len(warm.charging) != vehicles:
        return None
    where = places(warm, problem.slots)
    return Choice(warm.pattern[where], tuple(c[where] for c in warm.charging))
