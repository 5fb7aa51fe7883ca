"""Homes in a few words: a small study as plain data, changed by keywords, run in memory."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np

import varme
from varme.ground.result import Result

#: A winter's day in one-hour steps, with every device. Prices are low at night and high in the evening.
PRICES = [0.05] * 6 + [0.15] * 10 + [0.40] * 4 + [0.10] * 4
TINY: dict[str, Any] = {
    "kind": "home",
    "time": {
        "start": "2025-01-14T00:00:00Z",
        "end": "2025-01-15T00:00:00Z",
        "step_min": 60,
        "timezone": "UTC",
    },
    "weather": {"outdoor_c": 0.0},
    "house": {"heat_loss_w_per_k": 160.0, "capacity_kwh_per_k": 10.0},
    "heat_pump": {"rated_kw": 6.0},
    "hot_water": {"volume_l": 200.0, "draw_kw": 0.2},
    "battery": {"capacity_kwh": 5.0},
    "household": {"load_kw": 0.4},
    "tariff": {"energy_eur_per_kwh": PRICES},
}


def home(**changes: Any) -> dict[str, Any]:
    """Return the tiny home with sections changed: ``house={"heat_loss_w_per_k": 100}``; ``None`` takes one away."""
    study = copy.deepcopy(TINY)
    for section, fields in changes.items():
        if fields is None:
            study.pop(section, None)
        elif isinstance(fields, dict) and isinstance(study.get(section), dict):
            study[section] |= fields
        else:
            study[section] = fields
    return study


def run(**changes: Any) -> Result:
    """Run the tiny home with changes."""
    return varme.run(home(**changes))


def column(result: Result, table: str, name: str) -> np.ndarray:
    """Return a column of a table of a result."""
    return np.asarray(result.data[table].column(name))


def write(folder: Path, text: str) -> Path:
    """Write a study file and return its path."""
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path
