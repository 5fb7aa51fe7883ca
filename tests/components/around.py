"""Surroundings, slots and solutions for tests of the devices of homes."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from varme.components.home import Slots, Surroundings
from varme.ground.timegrid import TimeGrid
from varme.kernel.highs import Solver
from varme.kernel.model import Model

ZONE = "Europe/Copenhagen"


def surroundings(
    start: date = date(2025, 1, 14),
    end: date = date(2025, 1, 15),
    step_min: int = 15,
    zone: str = ZONE,
    **changes: Any,
) -> Surroundings:
    """Return surroundings at 0 C outside without sun."""
    grid = TimeGrid.between(start, end, step_min=step_min, timezone=zone)
    values: dict[str, Any] = {"outdoor_c": 0.0, "ground_c": 8.0, "cold_water_c": 10.0, "window_w_per_m2": 0.0}
    light = changes.pop("light", None)
    values |= changes
    arrays = {k: np.broadcast_to(np.asarray(v, dtype=float), (grid.n,)) for k, v in values.items()}
    return Surroundings(grid, zone, light=light, **arrays)


def slots(seen: Surroundings) -> Slots:
    return Slots.even(0, seen.grid.n, seen.grid.step_h)


class Solved:
    """A model that was solved: values by name, and its objective."""

    def __init__(self, model: Model, history: dict[str, float] | None = None, relaxed: bool = False) -> None:
        self.model = model
        arrays = model.assemble()
        for name, value in (history or {}).items():
            var = model.vars[name]
            model.set_history(var, np.full(var.history, value))
        solver = Solver(arrays)
        solver.relax(relaxed)
        solver.set(mip_rel_gap=1e-9, mip_abs_gap=1e-9)
        found = solver.run()
        assert found.feasible, found
        self.x, self.objective = found.x, float(arrays.cost @ found.x)

    def value(self, name: str) -> np.ndarray:
        return np.asarray(self.x[self.model.vars[name].now])
