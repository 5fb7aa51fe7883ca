"""One round of prices for a chunk of homes: each answers a price of the feeder with its least cost and its profile.

The answer to a price is either the relaxed LP (a bound, and a profile in which on/off decisions may be fractions) or a
plan that can be carried out. Costs are always told without the feeder's price.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from varme.components.home import Slots
from varme.ground.errors import VarmeError
from varme.home.fleet.chunk import QUICK, Chunk
from varme.home.fleet.compile import Typical, compiled_home
from varme.home.plant import Plant, State
from varme.home.schedule.plan import Plan, make_plan
from varme.home.schedule.problem import Worth, build, worth_of
from varme.home.schedule.relaxed import Relaxed
from varme.home.schedule.search import Choice
from varme.home.schedule.warm import Warm, basis_from, warm_of
from varme.kernel.highs import require_optimal
from varme.kernel.model import Floats


@dataclass(frozen=True, eq=False)
class Asked:
    """A round's question to a chunk.

    Attributes:
        chunk: The homes; those without a plan are left out.
        price_cent: Price of the feeder on import less export, in each slot [cent/kWh], (n,), or one for each home,
            (H, n); what export earns rises by it, what import costs too.
        kind: ``relaxed`` for bounds, ``plan`` for plans.
        cap_kw: Largest import of each home, (H,); ``None`` for its own.
        warm: What each home's last answer left; ``None`` where there was none.
        compiled: The homes as numbers, from an earlier answer; empty to compile them anew.
        keep: Whether to send the homes back as numbers.
    """

    chunk: Chunk
    price_cent: Floats
    kind: Literal["relaxed", "plan"]
    cap_kw: Floats | None = None
    warm: tuple[Warm | None, ...] = ()
    compiled: tuple[tuple[Plant, State], ...] = ()
    keep: bool = False


@dataclass(frozen=True, eq=False)
class Answered:
    """A chunk's answer; H homes.

    Attributes:
        objective_cent: Cost of the answer with wishes missed and what is left in stores, less the feeder's price, (H,).
        money_cent: Cost of electricity, wear and starts alone, (H,); NaN for ``relaxed``.
        bound_cent: Proven least of cost and feeder's price together, (H,).
        net_kw: Import less export, (H, n).
        missed_k_h: Degree-hours outside comfort, (H,).
        failed: Homes that have no plan under a cap, (H,).
        warm: What each home's answer left.
        compiled: The homes as numbers, if asked for.
    """

    objective_cent: Floats
    money_cent: Floats
    bound_cent: Floats
    net_kw: NDArray[np.float64]
    missed_k_h: Floats
    failed: NDArray[np.bool_]
    warm: tuple[Warm | None, ...]
    compiled: tuple[tuple[Plant, State], ...] = ()


def answer(asked: Asked) -> Answered:
    """Return a chunk's answer to a price."""
    typical = Typical(asked.chunk.study, asked.chunk.context)
    count, n = len(asked.chunk.homes), asked.price_cent.shape[-1]
    prices = np.broadcast_to(asked.price_cent, (count, n))
    figures, net = np.full((count, 4), np.nan), np.zeros((count, n))
    failed, warm = np.zeros(count, dtype=bool), [*asked.warm] or [None] * count
    last: Warm | None = None
    rows = asked.chunk.homes
    homes = asked.compiled or tuple(compiled_home(typical, rows.row(i)) for i in range(count))
    for number, (plant, state) in enumerate(homes):
        start = warm[number] or last
        cap = None if asked.cap_kw is None else float(asked.cap_kw[number])
        work = _relaxed if asked.kind == "relaxed" else _planned
        try:
            figures[number], net[number], left = work(plant, state, prices[number], start, cap)
        except VarmeError:
            if asked.cap_kw is None:
                raise
            failed[number] = True
            continue
        warm[number] = last = left or start
    return Answered(
        figures[:, 0],
        figures[:, 1],
        figures[:, 2],
        net,
        figures[:, 3],
        failed,
        tuple(warm),
        homes if asked.keep else (),
    )


def priced(plant: Plant, price_cent: Floats, cap_kw: float | None = None) -> tuple[Plant, Slots, Worth]:
    """Return a home that sees the feeder's price, its slots, and its terminal values without that price."""
    slots = Slots.even(0, plant.seen.grid.n, plant.seen.grid.step_h)
    worth, grid = worth_of(plant.take(slots), slots), plant.grid
    cap = grid.import_max_kw if cap_kw is None else min(cap_kw, float(np.max(grid.import_max_kw)))
    grid = replace(
        grid, import_cent_per_kwh=grid.import_cent_per_kwh + price_cent,
        export_cent_per_kwh=grid.export_cent_per_kwh + price_cent, import_max_kw=cap,
    )  # fmt: skip
    return replace(plant, grid=grid), slots, worth


def _relaxed(
    plant: Plant, state: State, price_cent: Floats, warm: Warm | None, cap_kw: float | None
) -> tuple[list[float], Floats, Warm | None]:
    seen, slots, worth = priced(plant, price_cent, cap_kw)
    problem = build(seen, slots, state, worth)
    relaxed = Relaxed(problem, None if warm is None else lambda part: basis_from(warm, problem, part))
    relaxed.solver.set(simplex_strategy=4 if warm is not None else 1)
    found = require_optimal(relaxed.run(), "home")
    x = found.x
    net = problem.value("grid.import", x) - problem.value("grid.export", x)
    paid = float(net @ (price_cent * slots.step_h))
    pattern, charging = (np.full(slots.n, -1), ()) if warm is None else (warm.pattern, warm.charging)
    left = warm_of(problem, relaxed.part, relaxed.solver.basis(), Choice(pattern, charging), None)
    missed = float((problem.value("house.cold", x) + problem.value("house.warm", x)) @ slots.step_h)
    return [found.objective - paid, np.nan, found.objective, missed], net, left


def _planned(
    plant: Plant, state: State, price_cent: Floats, warm: Warm | None, cap_kw: float | None
) -> tuple[list[float], Floats, Warm | None]:
    seen, slots, worth = priced(plant, price_cent, cap_kw)
    plan: Plan = make_plan(seen, slots, state, None, worth, warm=warm, effort=QUICK)
    net = plan.value("grid.import") - plan.value("grid.export")
    paid = float(net @ (price_cent * slots.step_h))
    missed = float((plan.value("house.cold") + plan.value("house.warm")) @ slots.step_h)
    certificate = plan.certificate
    return [certificate.objective - paid, plan.cost_cent - paid, certificate.bound, missed], net, plan.warm
