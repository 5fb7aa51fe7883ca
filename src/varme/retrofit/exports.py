"""What a saved retrofit result can be turned into: grid tables of other tools, and the heat pump as a device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from varme.ground.errors import InputError, Problem
from varme.ground.result import Result
from varme.retrofit.device import DeviceFacts, heat_pump_device
from varme.retrofit.grid.handover import KINDS, loads_from_tables, write_handover


def _writer(kind: str) -> Callable[[Result, Path], list[Path]]:
    def write(result: Result, folder: Path) -> list[Path]:
        grid: dict[str, Any] = result.study.get("grid", {})
        loads = loads_from_tables(result.data, float(grid.get("power_factor_share", 0.97)))
        return write_handover(folder, kind, loads)

    write.__doc__ = f"Write the transformers' loads for {kind}."
    return write


#: Format of ``varme export --format`` -> writer.
EXPORTS: dict[str, Callable[[Result, Path], list[Path]]] = {kind: _writer(kind) for kind in KINDS}


def device_text(result: Result) -> str:
    """Return the estimated heat pump as a device file (TOML) for the other studies.

    Raises:
        InputError: P131 if the result has no COP curve.
        ModelError: P318 if the curve makes no device.
    """
    if "cop_curve" not in result.data:
        raise InputError(Problem("P131", "tables", "the run has no table cop_curve"))
    curve = result.data["cop_curve"]

    def three(name: str, low: str, high: str) -> tuple[float, float, float]:
        return float(result[name] or 0), float(result[low] or 0), float(result[high] or 0)

    count = result.summary.get("heat_pump_usable_count")
    facts = DeviceFacts(
        spf=three("fleet_spf", "fleet_low_spf", "fleet_high_spf"),
        b_ratio=three("b_ratio", "b_low_ratio", "b_high_ratio"),
        years=tuple(int(y) for y in result.provenance.get("years", ())),
        source=str(result.provenance.get("cop_source", "")),
        heat_pumps_count=int(count.value or 0) if count is not None else 0,
        title=result.title,
    )
    return heat_pump_device((curve.column("temperature_c"), curve.column("space_cop")), facts)
