"""Operating a case: sizes decided first, then window by window (or all at once), as an LP or a MILP."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from varme.components.base import Device
from varme.district.build import CAP_TOTAL, SystemModel, build, initial_state, sized_start_levels
from varme.district.case import Case
from varme.district.explain import infeasible
from varme.ground.context import Checkpoints, Progress, Silent
from varme.ground.errors import ModelError
from varme.ground.size import Decision
from varme.kernel.bound import horizon_bound
from varme.kernel.highs import Solver, require_optimal
from varme.kernel.horizon import Solve, Trajectories, plan_windows, roll
from varme.kernel.model import Model
from varme.kernel.solve import HighsSolve, LpSolve, SearchSolve


@dataclass(frozen=True, eq=False)
class Operation:
    """A case operated over its horizon.

    Attributes:
        case: The case, with decided sizes put in.
        system: The model of the whole horizon, for reading the trajectories.
        trajectories: Values, prices and the record of each window.
        year_bound: Proven lower bound of the cost over the whole horizon [EUR].
        cost: Cost of the trajectories, with shortfall and shadow prices as the plan saw them [EUR].
        sizes: Device -> decided size.
        decisions: Device -> the decision that was made.
        cpu_s: CPU seconds.
    """

    case: Case
    system: SystemModel
    trajectories: Trajectories
    year_bound: float
    cost: float
    sizes: dict[str, float]
    decisions: dict[str, Decision]
    cpu_s: float


@dataclass(frozen=True, eq=False)
class Dispatched:
    """What :func:`dispatch` found, without the model: small enough to travel between processes.

    Attributes:
        case: The case, with decided sizes put in.
        trajectories: Values, prices and the record of each window.
        sizes: Device -> decided size.
        decisions: Device -> the decision that was made.
        cpu_s: CPU seconds.
    """

    case: Case
    trajectories: Trajectories
    sizes: dict[str, float]
    decisions: dict[str, Decision]
    cpu_s: float

    def finish(self) -> Operation:
        """Return the operation: the model of the whole horizon beside the trajectories, and the proven bound."""
        started = time.process_time()
        system = build(self.case, self.case.grid.n)
        bound, cost = bound_and_cost(self.case, system, self.trajectories)
        cpu_s = self.cpu_s + time.process_time() - started
        return Operation(self.case, system, self.trajectories, bound, cost, self.sizes, self.decisions, cpu_s)


def operate(
    case: Case,
    *,
    store: Checkpoints | None = None,
    progress: Progress | None = None,
    stage: str = "operation",
) -> Operation:
    """Operate a case; see :func:`dispatch`."""
    return dispatch(case, store=store, progress=progress, stage=stage).finish()


def dispatch(
    case: Case,
    *,
    store: Checkpoints | None = None,
    progress: Progress | None = None,
    stage: str = "operation",
) -> Dispatched:
    """Decide the sizes of a case and dispatch it, window by window or all at once.

    Args:
        case: The case.
        store: Where finished windows are kept.
        progress: Where to report.
        stage: Name of the stage in the progress.

    Raises:
        ModelError: P301 in domain words if there is no plan.
        SolverError: if the solver fails or an answer does not pass the re-check.
    """
    started = time.process_time()
    progress = progress or Silent()
    decisions = {n: getattr(d, f) for n, d in case.devices.items() for f in _decisions(d)}
    case, sizes = decide_sizes(case, progress)
    case = _with_cap(case, progress)
    keep, overlap = window_steps(case)
    progress.stage(stage, len(plan_windows(case.grid.n, keep, overlap)))

    def on_window(done: int, total: int, so_far: Trajectories) -> None:
        gap = so_far.column("gap_share")
        cost = float((so_far.column("objective") * so_far.column("keep") / so_far.column("length")).sum())
        gap_percent = round(100 * float(gap.mean()), 3)
        progress.advance(done, {"cost_meur": round(cost / 1e6, 1), "gap_percent": gap_percent})

    built: list[Model] = []

    def build_window(length: int, first: int) -> Model:
        built.append(build(case, length, first).model)
        return built[-1]

    try:
        found = roll(
            build_window, case.grid.n, keep, overlap, solver_of(case), initial=initial_state(case), store=store,
            on_window=on_window,
        )  # fmt: skip
    except ModelError as error:
        if not built or built[-1].arrays is None:
            raise
        raise infeasible(case, built[-1], error, stage) from None
    return Dispatched(case, found, sizes, decisions, time.process_time() - started)


def window_steps(case: Case) -> tuple[int, int]:
    """Return how many steps a window keeps and how many it plans beyond."""
    spec = case.study.solve
    if spec.horizon == "one-shot":
        return case.grid.n, 0
    return case.env.steps(spec.keep_h), round(spec.overlap_h / case.env.step_h)


def solver_of(case: Case) -> Solve:
    """Return how windows are solved, from the study's `[solve]` section."""
    spec = case.study.solve
    if spec.mode == "lp":
        return LpSolve()
    if spec.solver == "highs":
        return HighsSolve(gap_share=spec.gap_share or 1e-3, time_limit_s=spec.time_limit_s)
    return SearchSolve(quality=spec.quality, gap_share=spec.gap_share, time_limit_s=spec.time_limit_s)


def bound_and_cost(case: Case, system: SystemModel, found: Trajectories) -> tuple[float, float]:
    """Return the proven lower bound over the whole horizon and the cost of the trajectories [EUR].

    See :func:`varme.kernel.bound.horizon_bound`.
    """
    model = system.model
    arrays = model.assemble()
    for name, values in initial_state(case).items():
        if name in model.vars:
            past = model.vars[name].history
            model.set_history(model.vars[name], np.full(past, values[0]))
    cost = sum(
        float(np.sum(arrays.cost[np.atleast_1d(var.now)] * found.values[name]))
        for name, var in model.vars.items()
    )
    bound = horizon_bound(model, found)
    if len(found.records) == 1:
        bound = max(bound, float(found.column("bound")[0]))
    return min(bound, cost), cost


def decide_sizes(case: Case, progress: Progress) -> tuple[Case, dict[str, float]]:
    """Return the case with its size decisions made, by one model over the whole horizon with relaxed statuses."""
    wanted = {name: field for name, device in case.devices.items() for field in _decisions(device)}
    if not wanted:
        return case, {}
    progress.stage("sizes", 1)
    system = build(case, case.grid.n)
    sized_start_levels(case, system)
    model = system.model
    arrays = model.assemble()
    built = [int(np.atleast_1d(v.now)[0]) for n, v in model.vars.items() if n.endswith(".built")]
    mask = np.zeros(len(arrays.cost), dtype=bool)
    mask[built] = True
    for name, values in initial_state(case).items():
        if name in model.vars:
            model.set_history(model.vars[name], np.full(model.vars[name].history, values[0]))
    solver = Solver(replace(arrays, integer=mask), mip_rel_gap=1e-6)
    try:
        found = require_optimal(solver.run(), "sizes")
    except ModelError as error:
        raise infeasible(case, model, error) from None
    sizes = {name: float(found.x[int(np.atleast_1d(model.vars[f"{name}.size"].now)[0])]) for name in wanted}
    devices: dict[str, Device] = dict(case.devices)
    for name, field in wanted.items():
        devices[name] = devices[name].model_copy(update={field: sizes[name]})  # type: ignore[attr-defined]
    progress.advance(1, {name: round(size, 1) for name, size in sizes.items()})
    return case.with_devices(devices), sizes


def _decisions(device: Device) -> list[str]:
    fields = type(device).model_fields  # type: ignore[attr-defined]
    return [name for name in fields if isinstance(getattr(device, name), Decision)]


#: Least price of being above a CO2 budget in a rolling horizon [EUR/t and step].
EXCESS_EUR_PER_T = 1000.0


def _with_cap(case: Case, progress: Progress) -> Case:
    """Return the case with the budget that its CO2 cap gives every step.

    One shot: what is emitted so far may never exceed the cap. Rolling: a window does not know the year, so the
    one-shot relaxation divides the cap over the windows: by the end of what a window keeps, no more may have been
    emitted than on its path. What a window saves is there for the next ones; what one cannot help is priced, and a
    missed cap is an alarm.
    """
    cap = case.study.carbon.cap_kt
    if cap is None:
        return case
    n = case.grid.n
    hard = replace(case, env=replace(case.env, co2_budget_kt=np.full(n, cap)))
    keep, _ = window_steps(case)
    if keep >= n:
        return hard
    progress.stage("CO2 cap", 1)
    model = build(hard, n).model
    arrays = model.assemble()
    for name, values in initial_state(hard).items():
        if name in model.vars:
            model.set_history(model.vars[name], np.full(model.vars[name].history, values[0]))
    solver = Solver(arrays)
    solver.relax(True)
    try:
        found = require_optimal(solver.run(), "CO2 cap")
    except ModelError as error:
        raise infeasible(hard, model, error) from None
    if "co2.limit" not in model.rows:
        return case
    shadow = -float(found.row_dual[model.rows["co2.limit"].index].sum()) / 1e3
    progress.advance(1, {"shadow_eur_per_t": round(shadow, 2)})
    path = found.x[model.vars[CAP_TOTAL].now]
    ends = np.minimum((np.arange(n) // keep + 1) * keep, n) - 1
    budget = path[ends] if shadow > 1e-9 else np.full(n, cap)
    price = max(EXCESS_EUR_PER_T, 20 * shadow)
    return replace(case, env=replace(case.env, co2_budget_kt=budget, co2_excess_eur_per_t=price))
