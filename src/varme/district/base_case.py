"""Studies on top of a district study: reading the study that they vary, and evaluating one point of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

import numpy as np

from varme.components.heat_pump import HeatPump
from varme.district.build import SystemModel, build, initial_state
from varme.district.case import Case, load_case
from varme.district.operate import operate
from varme.district.spec import DistrictStudy
from varme.district.summary import Reading
from varme.ground.context import Context
from varme.ground.errors import Collector, InputError
from varme.ground.spec import Spec, parse, read_file
from varme.kernel.highs import Solver, require_optimal
from varme.kernel.model import Arrays, Floats


class BaseSpec(Spec):
    """Fields of every study on top of a district study."""

    title: str = ""
    """Title of the report; the base study's title if empty."""
    base: str
    """Path of the district study that is varied, relative to this file."""
    start: datetime | date | None = None
    """First instant; the base study's if not given. The Copenhagen paper varies January."""
    end: datetime | date | None = None
    """First instant after the horizon; the base study's if not given."""
    mode: Literal["lp", "milp"] = "lp"
    """`lp`: one-shot relaxations, hot-started: quick, no integer noise. `milp`: each point rolled with statuses."""
    quality: Literal["fast", "precise"] = "precise"
    """Search quality of the MILP points: savings of tenths of a percent need `precise`."""


def load_base(spec: BaseSpec, context: Context) -> Case:
    """Return the case that a study varies, on the horizon and in the mode that the study asks for.

    Raises:
        InputError: with every problem of the base study.
        DataError: with every problem of its series.
    """
    path = (context.base / spec.base).resolve()
    data = read_file(path)
    if data.get("kind") != "district":
        problems = Collector()
        problems.add("P106", "base", "must be a study of kind district", value=str(data.get("kind")))
        problems.raise_if_any(InputError, context.source)
    study = parse(DistrictStudy, data, path.name)
    time = study.time.model_copy(
        update={key: value for key, value in (("start", spec.start), ("end", spec.end)) if value is not None}
    )
    solve = study.solve.model_copy(update={"mode": spec.mode, "quality": spec.quality})
    study = study.model_copy(
        update={"time": time, "solve": solve, "reference": None, "published_table": None}
    )
    inner = replace(context, base=path.parent, source=path.name)
    return load_case(study, inner)


@dataclass(frozen=True)
class Point:
    """What one point of a study gives.

    Attributes:
        cost_eur: Real cost, without shortfall.
        apart_eur: Price of shortfall.
        fuel_mwh: Fuel energy.
        gap_eur: How much of the cost is not proven.
        heat_mwh: Device -> heat delivered, for heat pumps and electric boilers.
        hours: Device -> hours of operation, likewise.
    """

    cost_eur: float
    apart_eur: float
    fuel_mwh: float
    gap_eur: float
    heat_mwh: dict[str, float]
    hours: dict[str, float]

    def as_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return the point as arrays, for checkpoints."""
        names = list(self.heat_mwh)
        return {
            "figures": np.array([self.cost_eur, self.apart_eur, self.fuel_mwh, self.gap_eur]),
            "names": np.array(names, dtype=np.str_),
            "heat": np.array([self.heat_mwh[n] for n in names]),
            "hours": np.array([self.hours[n] for n in names]),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray[Any, Any]]) -> Point:
        """Return the point that :meth:`as_arrays` wrote."""
        names = [str(n) for n in arrays["names"]]
        heat = dict(zip(names, arrays["heat"].tolist(), strict=True))
        hours = dict(zip(names, arrays["hours"].tolist(), strict=True))
        cost, apart, fuel, gap = arrays["figures"].tolist()
        return cls(cost, apart, fuel, gap, heat, hours)


def watched(case: Case) -> list[str]:
    """Return the heat pumps and electric boilers of a case."""
    return [n for n, d in case.devices.items() if isinstance(d, HeatPump) or d.type == "electric_boiler"]


def evaluate(case: Case) -> Point:
    """Operate a case and return the point: one shot for an LP, rolled for a MILP."""
    if case.study.solve.mode == "lp":
        return HotCase(case).solve({})
    reading = Reading.of(operate(case))
    step = case.env.step_h
    names = watched(case)
    return Point(
        cost_eur=reading.cost_eur,
        apart_eur=reading.apart_eur,
        fuel_mwh=reading.fuel_mwh,
        gap_eur=float(reading.operation.trajectories.column("gap_abs").sum()),
        heat_mwh={n: float(reading.flows[n].heat_out_mw.sum()) * step for n in names},
        hours={n: float(np.count_nonzero(reading.flows[n].heat_out_mw > 0.01)) * step for n in names},
    )


class HotCase:
    """The relaxation of a whole horizon, kept hot in one solver while capacities change."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.system: SystemModel = build(case, case.grid.n)
        self.arrays: Arrays = self.system.model.assemble()
        for name, values in initial_state(case).items():
            if name in self.system.model.vars:
                self.system.model.set_history(self.system.model.vars[name], values[-1:])
        self.solver = Solver(self.arrays)
        self.solver.relax(True)

    def solve(self, capacities_mw: dict[str, float]) -> Point:
        """Return the point with these capacities (heat pumps and electric boilers by name) [MW].

        Raises:
            ModelError: P301 if there is no plan.
        """
        model = self.system.model
        for name, capacity in capacities_mw.items():
            share = self.case.env.inputs[name].get("available_share", 1.0)
            model.set_bounds(model.vars[f"{name}.heat"], upper=capacity * np.asarray(share))
        self.solver.push(model)
        found = require_optimal(self.solver.run(), "capacity study")
        return self._point(found.x)

    def _point(self, x: Floats) -> Point:
        case, system = self.case, self.system
        model, step = system.model, case.env.step_h
        apart = 0.0
        for bus in system.buses.values():
            if bus.shortfall is not None:
                apart += float(x[bus.shortfall.now].sum()) * bus.shortfall_eur_per_mwh * step
        fuel = sum(
            float(x[term.var.now].sum())
            for block in system.blocks.values()
            for term in block.readings.get("fuel_mw", ())
        )
        names = watched(case)
        heat = {n: x[model.vars[f"{n}.heat"].now] for n in names}
        return Point(
            cost_eur=float(self.arrays.cost @ x) - apart,
            apart_eur=apart,
            fuel_mwh=fuel * step,
            gap_eur=0.0,
            heat_mwh={n: float(v.sum()) * step for n, v in heat.items()},
            hours={n: float(np.count_nonzero(v > 0.01)) * step for n, v in heat.items()},
        )


def percent(part: float, whole: float) -> float:
    """Return a part as percent of a whole; 0 of nothing."""
    return 100 * part / whole if whole else 0.0
