"""What is asked of the meter readers, and what they say they understood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from varme.data.meters.data_sets import Recipe
from varme.data.meters.find import FileGroup, described
from varme.data.meters.meter_units import Carrier, MeterUnit
from varme.data.meters.roles import Roles
from varme.data.meters.spec import MeterFilesSpec


@dataclass(frozen=True)
class Request:
    """What is asked for, and by which field of the study."""

    spec: MeterFilesSpec
    base: Path
    first_day: np.datetime64
    last_day: np.datetime64
    timezone: str
    where: str
    carrier: Carrier
    recipe: Recipe

    @property
    def clock(self) -> str:
        """Clock of stamps without an offset."""
        return self.spec.timezone or self.timezone


def row_of(
    request: Request, group: FileGroup, roles: Roles, table: dict[str, MeterUnit], reading: str, seconds: int,
    step_min: int, kind: str, rows: int, found: Sequence[Any], how: dict[str, str],
) -> dict[str, Any]:  # fmt: skip
    """Return a row of the table ``meter_files``: what was understood of a group of files."""
    name = described(group.files[0], request.base)
    more = f" and {len(group.files) - 1} more" if len(group.files) > 1 else ""
    stamp = [str(np.datetime64(int(t), "s")).replace("T", " ") for t in found[1:3]]
    clock = {"date": "local days", "wall": request.clock, "utc": "UTC"}[kind]
    step = (
        f"{seconds / 60:g} min"
        if 0 < seconds < 82800
        else "1 day"
        if seconds <= 90000
        else f"{seconds / 86400:.3g} days"
    )
    return {
        "file": name + more,
        "layout": roles.layout,
        "meter_column": roles.meter or ("file name" if roles.layout == "single" else "column names"),
        "time_column": roles.time or "column names",
        "value_column": roles.values[0] if len(roles.values) == 1 else f"{len(roles.values)} columns",
        "unit": ", ".join(
            f"{t} -> {u.unit} x {u.factor:.6g}" if u.factor != 1 else f"{t} -> {u.unit}"
            for t, u in table.items()
        ),
        "reading": reading,
        "step": step
        if seconds >= step_min * 60 or not seconds
        else f"{step}, put together to {step_min} min",
        "clock": clock,
        "label": request.spec.label,
        "rows_count": int(rows),
        "meters_count": int(found[0]),
        "first": stamp[0],
        "last": stamp[1],
        "found": ", ".join(f"{k}: {v}" for k, v in how.items()),
    }
