"""The closed loop: a plan from what is believed, its first hour done to the home as it is, and again.

The span is run week by week. A week ends with its state and what happened, which are kept as a checkpoint, and the next
one begins with a plan that starts from nothing but that state: so a run that was killed goes on to the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from varme.components.home import Slots
from varme.components.home_heat_pump import MODE_CODES
from varme.ground.context import Checkpoints
from varme.ground.errors import ModelError, SolverError
from varme.home.plant import Plant, State
from varme.home.replay.beliefs import Belief
from varme.home.replay.spec import ReplaySpec
from varme.home.schedule.plan import Plan, Warm, make_plan
from varme.home.schedule.search import QUICK
from varme.home.simulate.engine import Controller, Simulator
from varme.home.simulate.guard import Guard
from varme.home.simulate.replay_plan import FollowPlan
from varme.home.simulate.rules import THERMOSTAT, RuleController
from varme.home.simulate.state import NOTED, Command, Homes, Trace
from varme.home.spec import PlanSpec
from varme.kernel.model import Floats

#: How far plans go that are made anew every hour.
EFFORT = QUICK
#: Below this, power counts as none [kW].
NONE_KW = 1e-3
#: A tank that was colder than expected is heated until it is warmer by this [K] (assumption).
RESCUE_K = 3.0
#: What of a plan is kept for the tables, by hour.
PLANNED = ("planned_import_kw", "planned_heat_pump_kw", "planned_cost_cent", "gap_cent", "failed")
#: Parts of a state as arrays.
STATE = (
    "house_c", "tank_c", "battery_kwh", "vehicle_kwh", "mode", "mode_min", "starts_today", "peak_kw", "buffer_c",
    "legionella_h", "hot_h", "load_min", "load_on",
)  # fmt: skip


@dataclass(eq=False)
class Run:
    """One controller over the span.

    Attributes:
        name: Name of the controller.
        flows: What happened in each base step by name of :data:`~varme.home.simulate.state.NOTED`, shape (N,): means
            of powers, sums of starts and shortfalls, temperatures and levels at the end.
        end: State at the end.
        planned: What plans said of their first hour, by name of :data:`PLANNED`, one value per plan.
        plans: Number of plans.
    """

    name: str
    flows: dict[str, Floats]
    end: State
    planned: dict[str, Floats] = field(default_factory=dict)
    plans: int = 0


@dataclass(frozen=True, eq=False)
class Answer:
    """What a planner answers.

    Attributes:
        plan: The plan.
        until: Base step up to which it can be followed.
        warm: What the next plan can start from.
    """

    plan: Plan
    until: int
    warm: Warm | None


class Planner(Protocol):
    """Plans a home at an instant."""

    def __call__(self, at: int, state: State, warm: Warm | None) -> Answer:
        """Return a plan from a base step on.

        Raises:
            ModelError: P301 if there is no plan.
        """


#: Quantities that are summed over the parts of a base step, and those that are taken at its end.
SUMMED = ("stranded_kwh", "short_kwh", "start")
AT_END = ("room_c", "tank_c", "top_c", "battery_kwh", "vehicle_kwh", "buffer_c", "legionella_h", "mode")


def condensed(trace: Trace, home: int = 0) -> dict[str, Floats]:
    """Return what happened in each base step of one home of a simulation, shape (N,)."""
    out = {}
    for name in NOTED:
        if name in SUMMED:
            out[name] = trace.base(name)[:, home] * trace.parts
        else:
            out[name] = (trace.at_end(name) if name in AT_END else trace.base(name))[:, home]
    return out


def slots_from(first: int, n: int, base_h: float, spec: ReplaySpec) -> Slots:
    """Return the slots of a plan: fine at first, coarse later, up to its horizon or the end of the span."""
    length = min(round(spec.horizon_h / base_h), n - first)
    fine = min(round(spec.fine_h / base_h), length)
    each = max(1, round(spec.coarse_min / 60 / base_h))
    coarse, rest = divmod(length - fine, each)
    counts = [1] * fine + [each] * coarse + ([rest] if rest else [])
    return Slots(first, np.array(counts, dtype=np.int32), base_h)


class Steered(FollowPlan):
    """Follows a plan in a world that differs from its forecasts.

    Heat and vehicles are as planned. The battery keeps the plan's sense: where the plan neither buys nor sells it
    balances the home; what it was to take from the sun or give to the home it takes and gives as far as there is sun
    and demand.
    """

    def __init__(self, plan: Plan, truth: Plant, guard: Guard | None = None) -> None:
        super().__init__(plan, "heat", guard)
        self.truth, self.hours, self.rescues = truth, truth.seen.grid.step_h, False
        counts = plan.slots.counts
        self.buys = np.repeat(plan.value("grid.import") > NONE_KW, counts)
        self.sells = np.repeat(plan.value("grid.export") > NONE_KW, counts)

    def __call__(self, at: int, part: int, homes: Homes) -> Command:
        """Return what is asked for in a base step."""
        command = super().__call__(at, part, homes)
        self._rescue(homes, command)
        if self.truth.battery is None:
            return command
        t = at - self.first
        net = self._demand(at, command) - self.truth.grid.pv_kw[at]
        charge, give = float(self.charge[t, 0]), float(self.discharge[t, 0])
        if not self.buys[t] and not self.sells[t]:
            charge, give = max(-net, 0.0), max(net, 0.0)
        elif give > NONE_KW:
            give = give if self.sells[t] else min(give, max(net, 0.0))
            charge = 0.0
        elif charge > NONE_KW:
            charge = charge if self.buys[t] else min(charge, max(-net, 0.0))
        command.charge_kw, command.discharge_kw = np.array([charge]), np.array([give])
        return command

    def _rescue(self, homes: Homes, command: Command) -> None:
        """Make hot water at once where the tank is colder than expected: the machine's own thermostat."""
        tank, pump = self.truth.tank, self.truth.heat_pump
        if tank is None or pump is None or "water" not in pump.modes:
            return
        level = float(homes.tank_c[0].mean())
        self.rescues = level < tank.low_c + (RESCUE_K if self.rescues else 0.0)
        if self.rescues and command.mode[0] != MODE_CODES["water"]:
            missing = (tank.low_c + RESCUE_K + 1.0 - level) * tank.capacity_kwh_per_k / self.hours
            command.mode = np.array([MODE_CODES["water"]], dtype=np.int8)
            command.heat_kw, command.part_run = np.array([missing]), np.array([True])

    def _demand(self, at: int, command: Command) -> float:
        """Return what the home will about draw, without battery [kW]."""
        grid, pump = self.truth.grid, self.truth.heat_pump
        out = float(grid.load_kw[at] + command.vehicle_charge_kw.sum() - command.vehicle_discharge_kw.sum())
        out += float(command.load_kw.sum())
        if self.truth.second_heater is not None:
            heat = float(command.second_room_kw[0] + command.second_water_kw[0])
            out += self.truth.second_heater.electric_per_heat * heat
        if pump is None:
            return out
        out += pump.standby_kw + float(command.backup_room_kw[0] + command.backup_water_kw[0])
        for m, mode in enumerate(pump.modes):
            if command.mode[0] == MODE_CODES[mode]:
                out += float(pump.electric_on_kw[m, at] + pump.electric_per_heat[m, at] * command.heat_kw[0])
        return out


def closed_loop(
    name: str,
    plant: Plant,
    state: State,
    belief: Belief,
    spec: ReplaySpec,
    plan_spec: PlanSpec,
    *,
    planner: Planner | None = None,
    store: Checkpoints | None = None,
    told: Callable[[int], None] | None = None,
) -> Run:
    """Run a home in closed loop over its whole grid.

    Args:
        name: Name of the controller.
        plant: The home as it is.
        state: Its state at the start.
        belief: The home as the planner sees it.
        spec: How it is run.
        plan_spec: How plans are made.
        planner: Who plans; a deterministic planner on the belief if not given.
        store: Checkpoints of weeks.
        told: Is told how many base steps are done.
    """
    n, base_h = plant.seen.grid.n, plant.seen.grid.step_h
    parts = max(1, round(base_h * 60 / spec.simulation_min))
    simulator = Simulator(plant, parts=parts, exact=spec.real_temperatures)
    every = max(1, round(spec.replan_min / 60 / base_h))
    week = round(168 / base_h)
    planner = planner or Certain(belief, spec, plan_spec)
    flows: dict[str, list[Floats]] = {}
    planned: dict[str, list[Floats]] = {}
    homes, plans = Homes.of(state), 0
    for number, first in enumerate(range(0, n, week)):
        last = min(first + week, n)
        key = f"{name}-{number:03d}"
        kept = None if store is None else store.load(key)
        if kept is None:
            kept = _week(simulator, homes, planner, (first, last, every))
            if store is not None:
                store.save(key, kept)
        homes = _restored(kept)
        plans += len(kept["plan.gap_cent"])
        for column, values in kept.items():
            kind, _, what = column.partition(".")
            if kind == "flow":
                flows.setdefault(what, []).append(values)
            elif kind == "plan":
                planned.setdefault(what, []).append(values)
        if told is not None:
            told(last)
    whole = {k: np.concatenate(v) for k, v in flows.items()}
    return Run(name, whole, homes.state(), {k: np.concatenate(v) for k, v in planned.items()}, plans)


def _week(
    simulator: Simulator, homes: Homes, planner: Planner, span: tuple[int, int, int]
) -> dict[str, Floats]:
    """Run one week and return what happened and the state at its end as arrays."""
    first, last, every = span
    plant = simulator.plant
    base_h = plant.seen.grid.step_h
    answer: Answer | None = None
    planned_at, guard = first, Guard()
    rule = RuleController(plant, [THERMOSTAT], simulator.hours)
    flows: dict[str, list[Floats]] = {name: [] for name in NOTED}
    planned: dict[str, list[float]] = {name: [] for name in PLANNED}
    for at in range(first, last, every):
        count = min(every, last - at)
        if at and plant.seen.local_day[at] != plant.seen.local_day[at - 1]:
            homes.starts_today[:] = 0
        new = _asked(planner, at, homes.state(), None if answer is None else answer.warm)
        if new is not None:
            answer, planned_at = new, at
        age_min = 60 * (at - planned_at) * base_h
        controller: Controller = rule
        if answer is not None and not guard.stale(age_min) and at + count <= answer.until:
            controller = Steered(answer.plan, plant, guard)
        trace = simulator.run(homes, at, count, controller)
        said = dict.fromkeys(PLANNED, np.nan) if new is None else _said(new.plan, count)
        for name, values in condensed(trace).items():
            flows[name].append(values)
        for name, value in (said | {"failed": float(new is None)}).items():
            planned[name].append(value)
    out = {f"flow.{name}": np.concatenate(values) for name, values in flows.items()}
    out |= {f"plan.{name}": np.array(values) for name, values in planned.items()}
    return out | {f"state.{name}": np.asarray(getattr(homes, name)) for name in STATE}


class Certain:
    """The deterministic planner: what is believed comes true.

    Args:
        belief: The home as the planner sees it.
        spec: How the home is run.
        plan_spec: How plans are made.
    """

    def __init__(self, belief: Belief, spec: ReplaySpec, plan_spec: PlanSpec) -> None:
        self.belief, self.spec, self.plan_spec = belief, spec, plan_spec

    def __call__(self, at: int, state: State, warm: Warm | None) -> Answer:
        """See :class:`Planner`."""
        grid = self.belief.truth.seen.grid
        slots = slots_from(at, grid.n, grid.step_h, self.spec)
        believed = self.belief.look(at, int(slots.counts.sum()))
        plan = make_plan(believed, slots, state, self.plan_spec, warm=warm)
        return Answer(plan, int(slots.edges[-1]), plan.warm)


def _asked(planner: Planner, at: int, state: State, warm: Warm | None) -> Answer | None:
    """Return a plan, or ``None``: then the last one is followed until it is stale, and after that a thermostat."""
    try:
        return planner(at, state, warm)
    except (ModelError, SolverError):
        return None


def _restored(kept: dict[str, Floats]) -> Homes:
    parts: dict[str, Any] = {name: np.array(kept[f"state.{name}"]) for name in STATE}
    return Homes(**parts)


def _said(plan: Plan, count: int) -> dict[str, float]:
    """Return what a plan says of its first base steps."""
    slots, grid = plan.slots, plan.problem.plant.grid
    inside = np.minimum(np.maximum(count - (slots.edges[:-1] - slots.edges[0]), 0), slots.counts)
    share = inside / inside.sum()
    hours = inside * slots.base_h
    bought, sold = plan.value("grid.import"), plan.value("grid.export")
    pump = plan.problem.plant.heat_pump
    electric = np.zeros(slots.n)
    if pump is not None:
        electric += pump.standby_kw
        for m, mode in enumerate(pump.modes):
            electric += pump.electric_on_kw[m] * plan.value(f"heat_pump.{mode}_on")
            electric += pump.electric_per_heat[m] * plan.value(f"heat_pump.{mode}_heat")
    cost = grid.import_cent_per_kwh * bought - grid.export_cent_per_kwh * sold
    return {
        "planned_import_kw": float(bought @ share),
        "planned_heat_pump_kw": float(electric @ share),
        "planned_cost_cent": float(cost @ hours),
        "gap_cent": float(plan.certificate.gap_abs),
    }
