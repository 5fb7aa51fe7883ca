"""Tiny district studies in a few words, and their answers by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from varme.district.spec import DistrictStudy
from varme.district.study import check, run
from varme.ground.context import Context
from varme.ground.findings import Finding
from varme.ground.result import Result
from varme.ground.spec import parse

START = datetime(2011, 1, 1, tzinfo=UTC)
FUELS = {
    "gas": {"price_eur_per_mwh": 30.0, "co2_t_per_mwh": 0.2},
    "coal": {"price_eur_per_mwh": 10.0, "co2_t_per_mwh": 0.35},
    "straw": {"price_eur_per_mwh": 20.0},
}
EXACT = {"mode": "milp", "solver": "highs", "horizon": "one-shot", "gap_share": 1e-9}
LP = {"mode": "lp", "horizon": "one-shot"}


def boiler(fuel="gas", heat=100.0, efficiency=1.0, **fields):
    base = {"type": "boiler", "area": "a", "fuel": fuel, "heat_max_mw": heat, "efficiency_share": efficiency}
    return base | fields


def pump(heat=100.0, cop=3.0, **fields):
    return {"type": "heat_pump", "node": "n", "area": "a", "heat_max_mw": heat, "cop": cop} | fields


def store(capacity=100.0, rate=50.0, **fields):
    base = {
        "type": "heat_store",
        "area": "a",
        "capacity_mwh": capacity,
        "charge_max_mw": rate,
        "discharge_max_mw": rate,
    }
    return base | {"level_start_share": 0.0} | fields


def market(price, imports=1000.0, exports=1000.0, **fields):
    base = {"type": "electricity_market", "node": "n", "price_eur_per_mwh": price}
    return base | {"import_max_mw": imports, "export_max_mw": exports} | fields


def extraction(**fields):
    """Return AMV3 of the paper: 600 MW of coal, 216 + 330 MW in back pressure, 252.3 MW condensing."""
    return {
        "type": "extraction", "node": "n", "area": "a", "fuel": "coal", "fuel_max_mw": 600.0,
        "power_efficiency_share": 0.36, "total_efficiency_share": 0.91, "cv_mw_per_mw": 0.11,
    } | fields  # fmt: skip


def data(
    devices,
    *,
    heat: Any = 0.0,
    power: Any = 0.0,
    hours=None,
    solve=EXACT,
    step_min=60,
    area=None,
    node=None,
    areas=None,
    **parts,
) -> dict[str, Any]:
    """Return a study of one node ``n`` and one area ``a``; the horizon is as long as the longest list.

    ``area`` and ``node`` are further fields of the two, ``areas`` stands in place of the area; other
    parts replace those of the study.
    """
    fields = (heat, power, *(f for d in devices.values() for f in d.values()))
    lists = [v for v in fields if isinstance(v, list) and v and not isinstance(v[0], list)]
    steps = max([hours or 1, *(len(v) for v in lists)])
    study: dict[str, Any] = {
        "kind": "district",
        "time": {
            "start": START.isoformat(), "end": (START + timedelta(minutes=step_min * steps)).isoformat(),
            "step_min": step_min,
        },
        "solve": dict(solve),
        "fuels": FUELS,
        "electricity": {"n": {"demand_mw": power, "spill": False} | (node or {})},
        "heat": areas or {"a": {"demand_mw": heat} | (area or {})},
        "devices": devices,
    }  # fmt: skip
    return study | parts


@dataclass
class Answer:
    """A result, by name."""

    result: Result

    def column(self, table: str, name: str, **where: str) -> np.ndarray:
        frame = self.result.tables[table]
        for column, value in where.items():
            frame = frame[frame[column] == value]
        return frame[name].to_numpy()

    def of(self, unit: str, quantity: str = "heat_out_mw") -> list[float]:
        return self.column("dispatch", quantity, unit=unit).tolist()

    def price(self, bus: str = "heat:a") -> list[float]:
        return self.column("balance", "price_eur_per_mwh", bus=bus).tolist()

    def setter(self, bus: str = "heat:a") -> list[str]:
        return [str(s) for s in self.column("balance", "price_setter", bus=bus)]

    def bus(self, quantity: str, bus: str = "heat:a") -> list[float]:
        return self.column("balance", quantity, bus=bus).tolist()

    def level(self, unit: str = "S") -> list[float]:
        return self.column("stores", "level_mwh", unit=unit).tolist()

    @property
    def cost(self) -> float:
        return float(self.result.summary["cost_meur"].value) * 1e6

    @property
    def apart(self) -> float:
        return float(self.result.summary["apart_meur"].value) * 1e6

    @property
    def objective(self) -> float:
        return float(self.result.provenance["objective_eur"]["case"])

    def costs(self) -> dict[tuple[str, str], float]:
        frame = self.result.tables["costs"]
        return {
            (str(u), str(c)): v
            for u, c, v in zip(frame["unit"], frame["category"], frame["case_eur"], strict=True)
        }

    def unit(self, name: str, quantity: str) -> float:
        return float(self.column("units", quantity, unit=name)[0])

    def findings(self, code: str) -> list[Finding]:
        return [f for f in self.result.findings if f.code == code]


def plan(devices, *, base: Path = Path(), **parts) -> Answer:
    """Run a tiny study."""
    spec = parse(DistrictStudy, data(devices, **parts), "study.toml")
    return Answer(run(spec, Context(base=base, source="study.toml")))


def checked(devices, *, base: Path = Path(), **parts) -> list[Finding]:
    """Check a tiny study without solving."""
    spec = parse(DistrictStudy, data(devices, **parts), "study.toml")
    return check(spec, Context(base=base, source="study.toml"))
