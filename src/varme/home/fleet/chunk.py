"""A chunk of a fleet: homes compiled, planned and measured one after the other, each from a similar one's plan.

What fails is told home by home and never stops the others. Everything that comes back is arrays, so that a finished
chunk can be kept in a file and a killed run goes on where it was.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.components.home import Slots
from varme.ground.context import Context
from varme.ground.errors import VarmeError
from varme.home.fleet.compile import Typical, compiled_home
from varme.home.fleet.envelope import Flex, envelope, flex_of, stacked
from varme.home.fleet.population import Homes
from varme.home.fleet.spec import FleetStudy
from varme.home.schedule.figures import kpis_of
from varme.home.schedule.flows import Flows, flows_of
from varme.home.schedule.plan import Plan, Warm, make_plan
from varme.home.schedule.search import Effort
from varme.kernel.model import Floats

#: How far the plan of a home in a fleet is searched: patterns near the relaxed plan, neither stages nor moves.
QUICK = Effort(labels=40, moves=0, stages=0.0)
#: Power of the fleet in each slot [kW]: columns of the table of slots.
POWERS = ("load", "pv", "import", "export", "heat_pump", "backup", "vehicle", "battery")
#: Figures of a home.
FIGURES = (
    "cost_cent", "wishes_cent", "objective_cent", "bound_cent", "gap_cent", "violation", "import_kwh", "export_kwh",
    "heat_kwh", "peak_kw", "starts_count", "missed_k_h", "missed_water_k_h", "missed_departure_kwh", "plan_cpu_s",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Chunk:
    """A task: some homes of the fleet.

    Attributes:
        study: The fleet's study.
        context: Where its files are.
        homes: The homes, similar ones together.
        index: Number of each in the fleet.
    """

    study: FleetStudy
    context: Context
    homes: Homes
    index: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Planned:
    """What came of homes of a fleet; H homes that could be planned, n slots, D durations.

    Attributes:
        index: Number of each home in the fleet, (H,).
        power_kw: :data:`POWERS`, (H, P, n), single precision.
        figures: :data:`FIGURES`, (H, F).
        up_kw: Envelope up, (H, D, n); NaN beyond the plan.
        down_kw: Envelope down, (H, D, n).
        failed: Number of each home that could not be planned.
        reasons: Why.
        codes: The code of the problem.
    """

    index: NDArray[np.int64]
    power_kw: NDArray[np.float32]
    figures: Floats
    up_kw: NDArray[np.float32]
    down_kw: NDArray[np.float32]
    failed: NDArray[np.int64]
    reasons: list[str]
    codes: list[str]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays, for a file."""
        texts = {"reasons": np.array(self.reasons, dtype=str), "codes": np.array(self.codes, dtype=str)}
        names = ("index", "power_kw", "figures", "up_kw", "down_kw", "failed")
        return {name: getattr(self, name) for name in names} | texts

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Planned:
        """Return what :meth:`arrays` gave."""
        texts = {k: [str(v) for v in arrays[k]] for k in ("reasons", "codes")}
        return cls(**{k: v for k, v in arrays.items() if k not in texts}, **texts)  # type: ignore[arg-type]

    def figure(self, name: str) -> Floats:
        """Return a figure of each home, (H,)."""
        return self.figures[:, FIGURES.index(name)]

    def power(self, name: str) -> Floats:
        """Return a power of each home in each slot, (H, n)."""
        return self.power_kw[:, POWERS.index(name)].astype(float)


def joined(parts: list[Planned]) -> Planned:
    """Return chunks as one, in the order of the homes' numbers."""
    order = np.argsort(np.concatenate([p.index for p in parts]), kind="stable")
    whole = {
        k: np.concatenate([getattr(p, k) for p in parts])[order]
        for k in ("index", "power_kw", "figures", "up_kw", "down_kw")
    }
    failed = np.concatenate([p.failed for p in parts])
    by_number = np.argsort(failed, kind="stable")
    reasons = [r for p in parts for r in p.reasons]
    codes = [c for p in parts for c in p.codes]
    return Planned(
        **whole, failed=failed[by_number], reasons=[reasons[i] for i in by_number], codes=[codes[i] for i in by_number]
    )  # fmt: skip


def plan_chunk(chunk: Chunk) -> dict[str, NDArray[Any]]:
    """Plan the homes of a chunk; returns :meth:`Planned.arrays`, so that it can be sent and kept."""
    typical = Typical(chunk.study, chunk.context)
    durations = chunk.study.flexibility.durations_min
    kept: list[int] = []
    powers: list[Floats] = []
    figures: list[list[float]] = []
    flexes: list[Flex] = []
    failed: list[int] = []
    problems: list[tuple[str, str]] = []
    warm: Warm | None = None
    for number in range(len(chunk.homes)):
        started = time.process_time()
        try:
            plan = planned(typical, chunk.homes.row(number), warm)
        except VarmeError as error:
            failed.append(int(chunk.index[number]))
            problems.append(told(error))
            continue
        warm = plan.warm or warm
        kept.append(int(chunk.index[number]))
        flows = flows_of(plan)
        powers.append(_powers(flows))
        if durations:
            flexes.append(flex_of(plan, flows))
        figures.append(_figures(plan, flows, time.process_time() - started))
    n = powers[0].shape[1] if powers else 0
    up, down = _envelopes(flexes, durations, chunk.study.time.step_min, (len(kept), len(durations), n))
    return Planned(
        np.array(kept, dtype=np.int64),
        np.array(powers, dtype=np.float32).reshape(len(kept), len(POWERS), n),
        np.array(figures, dtype=float).reshape(len(kept), len(FIGURES)),
        up, down, np.array(failed, dtype=np.int64), [p[1] for p in problems], [p[0] for p in problems],
    ).arrays()  # fmt: skip


def planned(typical: Typical, row: dict[str, Any], warm: Warm | None = None) -> Plan:
    """Return the plan of one home of the fleet.

    Args:
        typical: The typical home.
        row: What differs.
        warm: What the plan of a similar home left.

    Raises:
        VarmeError: with every problem of this home, or if there is no plan.
    """
    plant, state = compiled_home(typical, row)
    slots = Slots.even(0, plant.seen.grid.n, plant.seen.grid.step_h)
    spec = typical.study.plan
    return make_plan(plant, slots, state, spec, warm=warm, effort=None if spec.thorough else QUICK)


def told(error: VarmeError) -> tuple[str, str]:
    """Return the first code of an error, and its problems in a line."""
    problems = list(getattr(error, "problems", []))
    code = problems[0].code if problems else "P301"
    return code, "; ".join(str(p) for p in problems) or str(error)


def _powers(flows: Flows) -> Floats:
    return np.stack(
        [
            flows.load_kw, flows.pv_kw, flows.import_kw, flows.export_kw, flows.heat_pump_kw, flows.backup_kw,
            flows.vehicle_charge_kw - flows.vehicle_discharge_kw, flows.charge_kw - flows.discharge_kw,
        ]
    )  # fmt: skip


def _figures(plan: Plan, flows: Flows, seconds: float) -> list[float]:
    kpis, certificate = kpis_of(plan, flows), plan.certificate
    hours = plan.slots.step_h
    wishes = sum(v for k, v in plan.costs().items()) - plan.cost_cent
    heat = flows.room_heat_kw + flows.water_heat_kw + flows.backup_kw
    return [
        plan.cost_cent, wishes, certificate.objective, certificate.bound, certificate.gap_abs,
        certificate.max_violation, kpis.import_kwh, kpis.export_kwh, float(heat @ hours), kpis.peak_kw,
        float(kpis.starts_count), kpis.room_missed_k_h, kpis.hot_water_missed_k_h, kpis.departure_missed_kwh, seconds,
    ]  # fmt: skip


def _envelopes(
    flexes: list[Flex], durations: list[int], step_min: int, shape: tuple[int, int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return envelopes of all homes at once, (H, D, n) each."""
    up, down = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    if flexes:
        whole = stacked(flexes)
        for d, minutes in enumerate(durations):
            up[:, d], down[:, d] = envelope(whole, minutes // step_min)
    return up, down
