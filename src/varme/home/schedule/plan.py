"""The planner: a bound, a plan, the gap between them in cents, and what every slot and store is worth."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np

from varme.components.home import Slots
from varme.ground.errors import ModelError, SolverError
from varme.ground.errors import Problem as Trouble
from varme.home.plant import Mode, Plant, State
from varme.home.schedule.problem import Problem, Worth, build
from varme.home.schedule.relaxed import Relaxed
from varme.home.schedule.search import Choice, Effort, Planner
from varme.home.schedule.settle import residual_kwh, settled
from varme.home.schedule.thorough import Thoroughness, close
from varme.home.schedule.warm import Warm, basis_from, choice_from, places, warm_of
from varme.home.spec import PlanSpec
from varme.kernel.blocks import BLOCK_OPTIONS
from varme.kernel.check import Certificate, certify
from varme.kernel.highs import Solver, require_optimal
from varme.kernel.model import Floats

__all__ = ["WISHES", "Plan", "Warm", "make_plan"]


@dataclass(frozen=True, eq=False)
class Plan:
    """A plan of a home.

    Attributes:
        problem: The model that was solved.
        x: Values of its columns.
        certificate: Objective [cent], bound [cent], violation.
        row_dual: Duals of the rows with the on/off decisions fixed [cent per unit].
        status: ``optimal``, ``gap reached`` or ``effort spent``.
        warm: What a similar next plan can start from.
        residual_kwh: Largest amount by which a balance does not close in a slot.
        solves: LPs that were solved.
        water_error_kwh: How far its electricity for hot water is from that at its own tank temperatures.
    """

    problem: Problem
    x: Floats
    certificate: Certificate
    row_dual: Floats
    status: str
    warm: Warm | None = None
    residual_kwh: float = 0.0
    solves: int = 0
    water_error_kwh: float = 0.0

    @property
    def slots(self) -> Slots:
        """The slots."""
        return self.problem.slots

    def value(self, name: str) -> Floats:
        """Return a variable over the slots; zeros if the plan has no such variable."""
        return self.problem.value(name, self.x)

    @property
    def cost_cent(self) -> float:
        """What the plan costs, without the value of what is left in the stores and without wishes missed [cent]."""
        return sum(v for k, v in self.costs().items() if k not in WISHES)

    def costs(self) -> dict[str, float]:
        """Return cost by category [cent]."""
        out: dict[str, float] = {}
        for block in self.problem.blocks.values():
            for cost in block.costs:
                amount = float(np.sum(np.asarray(cost.coefficient) * self.x[cost.var.now]))
                out[cost.category] = out.get(cost.category, 0.0) + amount
        return out

    @property
    def modes(self) -> list[Mode]:
        """What the compressor does in each slot: off, room, water or cool."""
        out = np.full(self.slots.n, "off", dtype=object)
        pump = self.problem.plant.heat_pump
        for mode in pump.modes if pump is not None else ():
            out[self.value(f"heat_pump.{mode}_on") > 0.5] = mode
        return list(out)

    def first_state_after(self, slots: int) -> State:
        """Return the state after the first slots of the plan, by its own recursion.

        Args:
            slots: Number of slots, at least 1.
        """
        plant, state = self.problem.plant, self.problem.state
        at = slots - 1
        modes = self.modes
        mode, minutes, starts = _compressor_after(state, modes[:slots], (self.slots.step_h * 60)[:slots])
        day = plant.seen.local_day[self.slots.edges]
        first_today = int(np.argmax(day == day[slots])) if day[slots] != day[0] else 0
        if first_today:
            starts = _starts(modes[first_today - 1], modes[first_today:slots])
        else:
            starts += state.starts_today
        house, tank = state.house_c, state.tank_c
        if plant.tank is not None:
            tank = np.full(len(tank), self.value("tank.temperature")[at])
        if plant.house is not None:
            house = np.array(
                [self.value(f"house.temperature_{k}")[at] for k in range(plant.house.network.nodes)]
            )
        hours = float(self.slots.step_h[:slots].sum())
        since = state.legionella_h + hours
        begun = np.flatnonzero(self.value("tank.duty")[:slots] > 0.5)
        if len(begun):
            since = hours - float(self.slots.start_h[begun[-1]] + self.slots.step_h[begun[-1]])
        buffer_c = float(self.value("buffer.temperature")[at]) if plant.buffer is not None else state.buffer_c
        return replace(
            state,
            buffer_c=buffer_c,
            legionella_h=since,
            house_c=house,
            tank_c=tank,
            battery_kwh=state.battery_kwh if plant.battery is None else float(self.value("battery.level")[at]),
            vehicle_kwh=tuple(float(self.value(f"vehicle.{v.name}.level")[at]) for v in plant.vehicles),
            mode=mode,
            mode_min=minutes,
            starts_today=starts,
            peak_kw=self._peak_after(state, slots),
        )  # fmt: skip

    def _peak_after(self, state: State, slots: int) -> float:
        """Return the highest import so far in the period of the slot after some slots [kW]."""
        bought, charges = self.value("grid.import")[:slots], self.problem.plant.grid.peaks
        if charges:
            return charges[0].reached_kw(state.peak_kw, bought, 0, slots)
        return max(state.peak_kw, float(bought.max()))


def _compressor_after(state: State, modes: list[Mode], minutes: Floats) -> tuple[Mode, float, int]:
    """Return mode, minutes on or off, and starts after some slots."""
    on, spent, starts = state.mode != "off", state.mode_min, 0
    for mode, length in zip(modes, minutes.tolist(), strict=True):
        runs = mode != "off"
        if runs != on:
            starts += runs
            on, spent = runs, 0.0
        spent += length
    return modes[-1], spent, starts


def _starts(before: Mode, modes: list[Mode]) -> int:
    on = [m != "off" for m in (before, *modes)]
    return sum(now and not then for then, now in itertools.pairwise(on))


#: Categories that price what was missed; they are reported apart from the cost.
WISHES = ("discomfort", "hot water missed", "missing at departure", "legionella late", "load not run")


#: Error of the electricity for hot water, over the electricity bought, above which the plan is made once more at its
#: own tank temperatures: with the patterns found, their neighbours left alone.
WATER_ERROR_SHARE = 0.002
#: The effort of that second time.
AGAIN = Effort(labels=0, thresholds=(), moves=0, stages=0.0, others=False)


def make_plan(
    plant: Plant,
    slots: Slots,
    state: State,
    spec: PlanSpec | None = None,
    worth: Worth | None = None,
    *,
    warm: Warm | None = None,
    effort: Effort | None = None,
) -> Plan:
    """Plan a home.

    The COP of hot water is taken at the tank temperatures to be expected. If the plan's own differ so much that its
    electricity is wrong by more than :data:`WATER_ERROR_SHARE`, it is made once more at those.

    Args:
        plant: The home over its base grid.
        slots: The slots of the plan.
        state: The state at the start.
        spec: How the plan is made.
        worth: Terminal values.
        warm: What an earlier plan of this home, or of a similar one, left.
        effort: How far the fast planner goes.

    Raises:
        ModelError: P301 if there is no plan.
        SolverError: P402 if none was found within the effort.
    """
    spec = spec or PlanSpec()
    plan = _planned(plant, slots, state, spec, worth, warm, effort or Effort())
    bought = float(plan.value("grid.import") @ slots.step_h)
    if plan.warm is None or plan.water_error_kwh <= max(WATER_ERROR_SHARE * bought, 1e-3):
        return plan
    again = _planned(plant, slots, state, spec, plan.problem.worth, plan.warm, AGAIN)
    return replace(again, solves=plan.solves + again.solves)


def _planned(
    plant: Plant,
    slots: Slots,
    state: State,
    spec: PlanSpec,
    worth: Worth | None,
    warm: Warm | None,
    effort: Effort,
) -> Plan:
    """Return a plan at the tank temperatures to be expected."""
    problem, relaxed, sketch = _prepared(plant, slots, state, worth, warm, effort)
    planner = Planner(problem, relaxed, effort if sketch is None else replace(effort, labels=0))
    planner.told = sketch is not None
    first = sketch
    if first is None and warm is not None:
        first = choice_from(warm, problem, len(planner.vehicles))
    require_optimal(planner.run([first] if first is not None else []), "home")
    stands = planner.best is not None and planner.stands(planner.best)
    if spec.quality != "fast" and stands:
        close(planner, spec.gap_cent, 0.0 if spec.quality == "exact" else Thoroughness.gap_share)
    if not stands or (spec.quality == "exact" and not planner.done()):
        _exact(problem, planner, spec)
    assert planner.best is not None
    best = planner.best
    x = settled(problem, planner.whole(best))
    objective = float(problem.arrays.cost @ x) + problem.arrays.offset
    certificate = certify(problem.arrays, x, objective, min(planner.bound, objective), "home")
    left = None
    if planner.basis is not None:
        left = warm_of(problem, relaxed.part, planner.basis, best.choice, tank_between(problem, x))
    prices = _prices(problem, relaxed.duals(best.solution), x)
    return Plan(
        problem, x, certificate, prices, planner.status, left, residual_kwh(problem, x), relaxed.solves,
        water_error_kwh(problem, x),
    )  # fmt: skip


def _prepared(
    plant: Plant, slots: Slots, state: State, worth: Worth | None, warm: Warm | None, effort: Effort
) -> tuple[Problem, Relaxed, Choice | None]:
    """Return the problem and its LP, with the COP of hot water at the tank temperatures to be expected.

    They are those of the last plan. Without one they are those of a first model at the mean temperature: with the
    pattern of the dynamic program, which is returned too, or of its relaxed LP where there is none.
    """
    pump = plant.heat_pump
    depends = pump is not None and pump.water_heat_min_kw is not None and plant.tank is not None
    expected = warm.water_c[places(warm, slots)] if warm is not None and warm.water_c is not None else None
    problem = build(plant, slots, state, worth, water_c=expected if depends else None)
    before, sketch = warm, None
    if depends and expected is None:
        relaxed = Relaxed(problem, None if warm is None else (lambda part: basis_from(warm, problem, part)))
        planner = Planner(problem, relaxed, effort)
        planner.sketch()
        if planner.basis is None:
            return problem, relaxed, None
        best = planner.best
        if best is not None and planner.stands(best):
            sketch = best.choice
        between = tank_between(problem, planner.root.x if sketch is None or best is None else best.solution.x)
        nothing = Choice(np.full(slots.n, -1))
        before = warm_of(problem, relaxed.part, planner.basis, nothing, between)
        problem = build(plant, slots, state, problem.worth, water_c=between)
    if before is None:
        return problem, Relaxed(problem), sketch
    known, last = before, problem
    return problem, Relaxed(problem, lambda part: basis_from(known, last, part)), sketch


def _prices(problem: Problem, duals: Floats, x: Floats) -> Floats:
    """Return the duals with those of tightened rows where they belong: at the electricity of a slot whose device runs.

    With the statuses fixed a tightened row says what the balance says, and a dual may stand at either. Moving it keeps
    the answer optimal: export, charging and cutting are 0 where both bind.
    """
    duals = duals.copy()
    plant, rows = problem.plant, problem.model.rows
    for name, slot in problem.pulses.items():
        index = rows[f"pulse.{name}"].index
        if name == "heat_pump" and plant.heat_pump is not None:
            on = sum(
                (problem.value(f"heat_pump.{m}_on", x) for m in plant.heat_pump.modes),
                np.zeros(problem.slots.n),
            )
        else:
            on = problem.value(f"vehicle.{name}.charging", x)
        runs = on[slot] > 0.5
        duals[problem.balance.index[slot[runs]]] += duals[index[runs]]
        duals[index] = 0.0
    return duals


def tank_between(problem: Problem, x: Floats) -> Floats | None:
    """Return the tank temperature halfway through each slot, shape (n,); ``None`` without a tank."""
    if problem.plant.tank is None:
        return None
    ends = problem.value("tank.temperature", x)
    begins = np.concatenate([[float(np.mean(problem.state.tank_c))], ends[:-1]])
    return np.asarray((begins + ends) / 2)


def water_error_kwh(problem: Problem, x: Floats) -> float:
    """Return how far the electricity for hot water is from that at the plan's own tank temperatures [kWh]."""
    pump, between = problem.plant.heat_pump, tank_between(problem, x)
    if pump is None or between is None or "water" not in pump.modes or pump.water_heat_min_kw is None:
        return 0.0
    m, on = pump.modes.index("water"), problem.value("heat_pump.water_on", x)
    heat = problem.value("heat_pump.water_heat", x)
    _, _, a, b = pump.water_at(between)
    differs = (a - pump.electric_on_kw[m]) * on + (b - pump.electric_per_heat[m]) * heat
    return float(np.sum(np.abs(differs) * problem.slots.step_h))


def _exact(problem: Problem, planner: Planner, spec: PlanSpec) -> None:
    """Go on with branch and bound on the tightened model, from the best plan so far, until the gap is closed.

    Raises:
        ModelError: P301 if there is no plan.
        SolverError: P402 if none was found within the nodes.
    """
    stands = planner.best is not None and planner.stands(planner.best)
    solver = Solver(problem.arrays, **(BLOCK_OPTIONS if stands else {}))
    if planner.best is not None and stands:
        solver.start_from(planner.whole(planner.best))
    solver.set(mip_rel_gap=0.0, mip_abs_gap=spec.gap_cent, mip_max_nodes=spec.exact_nodes_count)
    found = solver.run()
    if found.status == "infeasible":
        raise ModelError(Trouble("P301", "home", "the model has no feasible point"))
    if not found.feasible:
        raise SolverError(
            Trouble(
                "P402", "plan", f"no plan was found within {spec.exact_nodes_count} nodes of branch and bound",
                remedy="Raise `plan.exact_nodes_count`, or widen what is hard: the tank's band, blocked hours.",
            )
        )  # fmt: skip
    planner.adopt(found.x)
    planner.bound = max(planner.bound, min(found.bound, planner.best.objective if planner.best else np.inf))
