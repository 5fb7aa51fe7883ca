r"""A feeder's limit kept by prices: Lagrangian relaxation, column generation, and plans chosen to fit together.

Homes share a feeder: :math:`-E \le \sum_i net_i(t) + base \le L` in every slot. With a price :math:`\lambda(t)` on
import less export (above 0 where import is scarce, below 0 where export is), each home plans for itself, and

.. math:: \sum_i min_x [c_i(x) + \lambda net_i(x)] - \lambda^+ (L - base) - \lambda^- (E + base)

is a lower bound of what any coordination can cost (weak duality). Prices are found by column generation: a master LP
mixes the profiles that homes answered so far (Dantzig and Wolfe 1960, doi:10.1287/opre.8.1.101), its duals, drawn
towards the best prices so far (Wentges 1997, doi:10.1016/S0969-6016(97)00001-4), are the next prices. In a large fleet
the master mixes groups of homes. Homes answer by relaxed LPs, which is quick and gives the bound; then by plans that
can be carried out, at these prices and at prices that rise where plans chosen so far still exceed the limit. Of each
home's plans one is chosen, so that the limit is kept at least cost: coordinate descent with a price on what exceeds it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from varme.compute.executor import Executor
from varme.ground.context import Context
from varme.home.fleet.chunk import Chunk, Planned
from varme.home.fleet.rounds import Answered, Asked, answer
from varme.home.fleet.spec import FeederSpec
from varme.kernel.highs import Solver, require_optimal
from varme.kernel.model import INF, Arrays, Floats

#: Most groups of homes that the master mixes.
GROUPS = 300
#: Price of what exceeds the limit, when plans are chosen [cent/kWh].
EXCESS_CENT = 5000.0
#: Highest price that homes are asked for plans at, to keep a limit [cent/kWh].
HIGHEST_CENT = 500.0
#: Homes of which the numbers are kept between rounds; larger fleets are compiled anew each time.
KEPT_HOMES = 3000
#: Rounds of plans after the prices are found.
PLAN_ROUNDS = 5
#: Rounds more while the limit is not kept.
MORE_ROUNDS = 5
#: What counts as kept, relative to the limit.
KEPT_SHARE = 1e-6


@dataclass(frozen=True)
class Limits:
    """What the homes together may import and export, what others draw taken off [kW]; infinite for no limit."""

    import_kw: float
    export_kw: float

    @classmethod
    def of(cls, spec: FeederSpec) -> Limits:
        """Return the limits of a feeder."""
        up = INF if spec.import_max_kw is None else spec.import_max_kw - spec.base_load_kw
        down = INF if spec.export_max_kw is None else spec.export_max_kw + spec.base_load_kw
        return cls(up, down)

    def excess(self, net_kw: Floats) -> Floats:
        """Return what exceeds the limits: above 0 for import, below 0 for export, (n,)."""
        return np.asarray(
            np.maximum(net_kw - self.import_kw, 0.0) - np.maximum(-net_kw - self.export_kw, 0.0)
        )

    def rent(self, price_cent: Floats, step_h: float) -> float:
        """Return what the limits cost at a price: what is subtracted in the bound [cent]."""
        up, down = np.maximum(price_cent, 0.0), np.maximum(-price_cent, 0.0)
        total = float(up.sum() * self.import_kw if up.any() else 0.0)
        return step_h * (total + float(down.sum() * self.export_kw if down.any() else 0.0))


@dataclass(frozen=True)
class Step:
    """A round: plan (``nan`` before there is one), bound, what exceeds the limits, largest price."""

    round: int
    kind: str
    plan_cent: float
    bound_cent: float
    excess_kw: float
    price_max_cent: float


@dataclass(eq=False)
class Coordination:
    """What came of a coordination; H homes in the order of the chunks.

    Attributes:
        index: Number of each home in the fleet, (H,).
        price_cent: Price in each slot [cent/kWh], (n,).
        net_kw: Import less export of the plans chosen, (H, n).
        objective_cent: Their costs, (H,).
        money_cent: Their costs of electricity, wear and starts, (H,).
        missed_k_h: Degree-hours outside comfort, (H,).
        bound_cent: Proven least cost of all homes within the limits.
        excess_kw: What still exceeds the limits, (n,).
        steps: The rounds.
        relaxed_excess_kw: What exceeds the limits, summed over the slots, even in the best mix of relaxed answers.
        capped: The same for an equal share of the limit for each home; ``None`` if not asked for.
    """

    index: NDArray[np.int64]
    price_cent: Floats
    net_kw: NDArray[np.float64]
    objective_cent: Floats
    money_cent: Floats
    missed_k_h: Floats
    bound_cent: float
    excess_kw: Floats
    steps: list[Step] = field(default_factory=list)
    relaxed_excess_kw: float = 0.0
    capped: Capped | None = None

    @property
    def gap_cent(self) -> float:
        """Largest possible loss against the best coordination."""
        return max(0.0, float(self.objective_cent.sum()) - self.bound_cent)


@dataclass(frozen=True, eq=False)
class Capped:
    """Each home with an equal share of the limit, relaxed: a lower bound of what that would cost.

    Attributes:
        cap_kw: The share.
        objective_cent: Cost of all homes that can keep it.
        coordinated_cent: Cost of the same homes' coordinated plans.
        net_kw: Import less export, (n,).
        failed: Homes whose own load is above the share at some time.
        missed_k_h: Degree-hours outside comfort.
        with_plan: Which homes have a plan, (H,).
    """

    cap_kw: float
    objective_cent: float
    coordinated_cent: float
    net_kw: Floats
    failed: int
    missed_k_h: float
    with_plan: NDArray[np.bool_]


class Answers:
    """Asks all chunks, in parallel, and keeps what each home left for the next round."""

    def __init__(self, executor: Executor, chunks: list[Chunk]) -> None:
        self.executor, self.chunks = executor, chunks
        self.warm: list[tuple[Any, ...]] = [() for _ in chunks]
        self.compiled: list[tuple[Any, ...]] = [() for _ in chunks]
        self.keep = sum(len(c.homes) for c in chunks) <= KEPT_HOMES

    def ask(
        self, price_cent: Floats, kind: Literal["relaxed", "plan"], caps_kw: Floats | None = None
    ) -> Answered:
        """Return the answers of all homes, in the order of the chunks."""
        tasks, first = [], 0
        for chunk, warm, homes in zip(self.chunks, self.warm, self.compiled, strict=True):
            last = first + len(chunk.homes)
            cap = None if caps_kw is None else caps_kw[first:last]
            seen = price_cent if price_cent.ndim == 1 else price_cent[first:last]
            tasks.append(Asked(chunk, seen, kind, cap, warm, homes, self.keep and not homes))
            first = last
        parts: list[Answered | None] = [None] * len(tasks)
        for result in self.executor.map(answer, tasks):
            parts[result.index] = result.get()
        done = [p for p in parts if p is not None]
        if caps_kw is None:
            self.warm = [p.warm for p in done]
            self.compiled = [p.compiled or old for p, old in zip(done, self.compiled, strict=True)]
        names = ("objective_cent", "money_cent", "bound_cent", "net_kw", "missed_k_h", "failed")
        whole = {k: np.concatenate([getattr(p, k) for p in done]) for k in names}
        return Answered(**whole, warm=(), compiled=())


def coordinate(
    chunks: list[Chunk], planned: Planned, spec: FeederSpec, step_h: float, context: Context
) -> Coordination:
    """Keep a feeder's limits by prices.

    Args:
        chunks: The homes that have a plan.
        planned: Their plans, each for itself.
        spec: The feeder.
        step_h: Length of a slot [h].
        context: Workers and progress.
    """
    alone = alone_of(chunks, planned)
    n = alone.net_kw.shape[1]
    limits = Limits.of(spec)
    with Executor(context.jobs) as executor:
        answers = Answers(executor, chunks)
        total = spec.rounds_count + PLAN_ROUNDS + spec.compare_equal_caps
        context.progress.stage("feeder", total)
        search = _Prices(limits, step_h, n)
        steps: list[Step] = []
        price = np.zeros(n)
        for done in range(spec.rounds_count):
            search.heard(price, answers.ask(price, "relaxed"))
            steps.append(
                Step(done, "prices", np.nan, search.bound, search.excess, float(np.abs(price).max()))
            )
            context.progress.advance(done + 1, {"bound_eur": round(search.bound / 100, 2)})
            price = search.next()
            if search.gap_cent <= spec.gap_share * abs(search.value) / 4:
                break
        choice = _Choice(limits, step_h)
        choice.add(alone)
        search.bounded(np.zeros(n), alone)
        _plans(answers, search, choice, steps, spec, context)
        out = _chosen(chunks, search, choice, steps)
        if spec.compare_equal_caps and np.isfinite(limits.import_kw):
            out.capped = _capped(answers, limits, out)
        context.progress.advance(total, {"gap_eur": round(out.gap_cent / 100, 2)})
    return out


def _plans(
    answers: Answers, search: _Prices, choice: _Choice, steps: list[Step], spec: FeederSpec, context: Context
) -> None:
    """Have the homes make plans at the prices found, and at prices that rise where the chosen ones exceed the limit.

    Homes that are alike answer alike, and one price moves them all at once: so from the second round on each sees the
    added price with a weight of its own (fixed by its place, nothing drawn anew), until the limit is kept.
    """
    extra, before = np.zeros(search.n), np.inf
    for number in range(PLAN_ROUNDS + MORE_ROUNDS):
        price = search.best + extra
        if number < 2:
            heard = answers.ask(price, "plan")
            search.bounded(price, heard)
        else:
            heard = answers.ask(search.best + _weights(len(choice.chosen), search.n, number) * extra, "plan")
        choice.add(heard)
        choice.settle(search.best)
        excess = choice.excess_kw()
        first = steps[-1].round + 1
        worst = float(np.abs(excess).max())
        steps.append(
            Step(first, "plans", choice.cost_cent(), search.bound, worst, float(np.abs(price).max()))
        )
        context.progress.advance(len(steps), {"excess_kw": round(worst, 2)})
        kept = worst <= KEPT_SHARE * max(abs(choice.net_kw()).max(), 1.0)
        cost = choice.cost_cent()
        enough = spec.gap_share * abs(cost)
        if kept and (cost - search.bound <= enough or before - cost <= 0.1 * enough):
            break
        if number >= PLAN_ROUNDS - 1 and kept:
            break
        before = cost if kept else np.inf
        sharper = np.minimum(np.maximum(np.abs(search.best), 2.0) * 2.0**number, HIGHEST_CENT)
        extra = extra + np.where(np.abs(excess) > 1e-6, np.sign(excess) * sharper, -0.3 * extra)


def _weights(homes: int, n: int, number: int) -> Floats:
    """Return each home's weight on the added price, smooth over time, between 0 and 2, (homes, n)."""
    phase = np.random.default_rng([homes, number, 181]).uniform(0, 2 * np.pi, (homes, 2, 1))
    wave = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.asarray(1 + 0.5 * (np.sin(3 * wave + phase[:, 0]) + np.sin(7 * wave + phase[:, 1])))


def _chosen(chunks: list[Chunk], search: _Prices, choice: _Choice, steps: list[Step]) -> Coordination:
    net, objective, money, missed = choice.result()
    return Coordination(
        np.concatenate([c.index for c in chunks]), search.best, net, objective, money, missed,
        min(search.bound, float(objective.sum())) if not choice.excess_kw().any() else search.bound,
        choice.excess_kw(), steps, search.beyond_kw,
    )  # fmt: skip


def _capped(answers: Answers, limits: Limits, out: Coordination) -> Capped:
    count = len(out.index)
    cap = limits.import_kw / count
    heard = answers.ask(np.zeros(out.net_kw.shape[1]), "relaxed", np.full(count, cap))
    ok = ~heard.failed
    return Capped(
        cap, float(heard.objective_cent[ok].sum()), float(out.objective_cent[ok].sum()), heard.net_kw[ok].sum(axis=0),
        int(heard.failed.sum()), float(heard.missed_k_h[ok].sum()), ok,
    )  # fmt: skip


class _Prices:
    """Column generation over the homes' answers.

    Args:
        limits: The feeder's.
        step_h: Length of a slot [h].
        n: Slots.
    """

    def __init__(self, limits: Limits, step_h: float, n: int) -> None:
        self.limits, self.step_h, self.n = limits, step_h, n
        self.bound, self.value, self.excess = -np.inf, np.inf, 0.0
        self.best: Floats = np.zeros(n)
        self.costs: list[Floats] = []
        self.nets: list[Floats] = []
        self.smoothing = 0.5
        self.reach = 5.0
        self.beyond_kw = 0.0

    @property
    def gap_cent(self) -> float:
        """Between the best mix of answers and the bound."""
        return self.value - self.bound

    def bounded(self, price: Floats, heard: Answered) -> None:
        """Take a round's bound."""
        bound = float(heard.bound_cent.sum()) - self.limits.rent(price, self.step_h)
        if bound > self.bound + 1e-9:
            self.bound, self.best = bound, price

    def heard(self, price: Floats, heard: Answered) -> None:
        """Take a round's answers."""
        self.bounded(price, heard)
        count = len(heard.objective_cent)
        size = -(-count // GROUPS)
        group = np.arange(0, count, size)
        self.costs.append(np.add.reduceat(heard.objective_cent, group))
        self.nets.append(np.add.reduceat(heard.net_kw, group, axis=0))
        self.excess = float(np.abs(self.limits.excess(heard.net_kw.sum(axis=0))).max())

    def next(self) -> Floats:
        """Return the next prices: the master's duals, drawn towards the best so far."""
        self.value, price, self.beyond_kw = self._master()
        if self.beyond_kw > 1e-6:
            self.reach = min(1.3 * self.reach, HIGHEST_CENT)
        return self.smoothing * self.best + (1 - self.smoothing) * price

    def _master(self) -> tuple[float, Floats, float]:
        """Mix the answers so that the limits are kept at least cost; return cost, price, and what exceeds the limits.

        What exceeds a limit has a price that rises from round to round, so the first masters have a solution and the
        first prices stay near those of electricity.
        """
        rounds, groups = len(self.costs), len(self.costs[0])
        cost = np.stack(self.costs, axis=1).reshape(-1)  # (groups * rounds,)
        net = np.stack(self.nets, axis=1).reshape(groups * rounds, self.n)
        tight = np.flatnonzero(self._matters(net.reshape(groups, rounds, self.n)))
        m, k = len(tight), groups * rounds
        if not m:
            return float(cost.reshape(groups, rounds).min(axis=1).sum()), np.zeros(self.n), 0.0
        slack = np.full(2 * m, self.reach * self.step_h)
        indices = np.concatenate(
            [np.concatenate([np.arange(k), [k + j, k + m + j]]) for j in range(m)] + [np.arange(k)]
        )
        data = np.concatenate([np.concatenate([net[:, t], [-1.0, 1.0]]) for t in tight] + [np.ones(k)])
        pointers = np.concatenate(
            [(k + 2) * np.arange(m + 1), (k + 2) * m + rounds * np.arange(1, groups + 1)]
        )
        arrays = Arrays(
            np.concatenate([cost, slack]), np.zeros(k + 2 * m), np.full(k + 2 * m, INF),
            np.zeros(k + 2 * m, dtype=bool),
            np.concatenate([np.full(m, -self.limits.export_kw), np.ones(groups)]),
            np.concatenate([np.full(m, self.limits.import_kw), np.ones(groups)]),
            pointers.astype(np.int32), indices.astype(np.int32), data,
        )  # fmt: skip
        found = require_optimal(Solver(arrays).run(), "feeder")
        price = np.zeros(self.n)
        price[tight] = -found.row_dual[:m] / self.step_h
        return found.objective, price, float(found.x[k:].sum())

    def _matters(self, net: Floats) -> NDArray[np.bool_]:
        """Return the slots in which a mix of answers could exceed a limit, (n,)."""
        highest, lowest = net.max(axis=1).sum(axis=0), net.min(axis=1).sum(axis=0)
        return np.asarray((highest > self.limits.import_kw) | (-lowest > self.limits.export_kw))


class _Choice:
    """One plan of each home, chosen to fit together.

    Args:
        limits: The feeder's.
        step_h: Length of a slot [h].
    """

    def __init__(self, limits: Limits, step_h: float) -> None:
        self.limits, self.step_h = limits, step_h
        self.answers: list[Answered] = []
        self.chosen: NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    def add(self, heard: Answered) -> None:
        """Add a plan of each home."""
        self.answers.append(heard)
        if len(self.answers) == 1:
            self.chosen = np.zeros(len(heard.objective_cent), dtype=np.int64)

    def settle(self, price_cent: Floats) -> None:
        """Choose anew: home by home the plan that fits best to all others, until none changes."""
        cost = np.stack([a.objective_cent for a in self.answers], axis=1)
        net = np.stack([a.net_kw for a in self.answers], axis=1)
        starts = [self.chosen, np.argmin(cost + self.step_h * (net @ price_cent), axis=1)]
        found = [_descended(cost, net, start, self.limits, self.step_h) for start in starts]
        self.chosen = min(found, key=lambda pair: pair[0])[1]

    def _take(self, name: str) -> Floats:
        values = np.stack([getattr(a, name) for a in self.answers], axis=1)
        return np.asarray(values[np.arange(len(values)), self.chosen])

    def result(self) -> tuple[NDArray[np.float64], Floats, Floats, Floats]:
        """Return profile, cost, money and missed comfort of the plans chosen."""
        return (
            self._take("net_kw"), self._take("objective_cent"), self._take("money_cent"), self._take("missed_k_h")
        )  # fmt: skip

    def net_kw(self) -> Floats:
        """Return import less export of the plans chosen, (n,)."""
        return np.asarray(self._take("net_kw").sum(axis=0))

    def excess_kw(self) -> Floats:
        """Return what exceeds the limits, (n,)."""
        return self.limits.excess(self.net_kw())

    def cost_cent(self) -> float:
        """Return the cost of the plans chosen."""
        return float(self._take("objective_cent").sum())


def _descended(
    cost: Floats, net: Floats, start: NDArray[np.int64], limits: Limits, step_h: float, passes: int = 20
) -> tuple[float, NDArray[np.int64]]:
    """Change one home's plan at a time while that lowers cost and the price of what exceeds the limits.

    Args:
        cost: Cost of each home's plans, (H, K).
        net: Their profiles, (H, K, n).
        start: The plans to start from, (H,).
        limits: The feeder's.
        step_h: Length of a slot [h].
        passes: Most passes over the homes.
    """
    homes = np.arange(len(cost))
    chosen = start.copy()
    for share in (0.001, 0.003, 0.01, 0.1, 1.0):  # a price that rises: cheap changes first
        chosen = _descent(cost, net, chosen, limits, share * EXCESS_CENT * step_h, passes)
    total = net[homes, chosen].sum(axis=0)
    excess = np.abs(limits.excess(total)).sum()
    return float(cost[homes, chosen].sum() + EXCESS_CENT * step_h * excess), chosen


def _descent(
    cost: Floats, net: Floats, start: NDArray[np.int64], limits: Limits, price: float, passes: int
) -> NDArray[np.int64]:
    """Descend at one price of what exceeds the limits [cent per kW and slot]."""
    homes, chosen = np.arange(len(cost)), start.copy()
    total = net[homes, chosen].sum(axis=0)
    for _ in range(passes):
        changed = False
        for i in homes:
            others = total - net[i, chosen[i]]
            excess = np.abs(limits.excess(others + net[i])).sum(axis=1)
            value = cost[i] + price * excess
            best = int(np.argmin(value))
            if value[best] < value[chosen[i]] - 1e-9:
                chosen[i], total, changed = best, others + net[i, best], True
        if not changed:
            break
    return chosen


def alone_of(chunks: list[Chunk], planned: Planned) -> Answered:
    """Return the homes' own plans as answers to no price at all, in the order of the chunks."""
    order = np.searchsorted(planned.index, np.concatenate([c.index for c in chunks]))
    net = (planned.power("import") - planned.power("export"))[order]
    names = ("objective_cent", "cost_cent", "bound_cent", "missed_k_h")
    objective, money, bound, missed = (planned.figure(name)[order] for name in names)
    return Answered(objective, money, bound, net, missed, np.zeros(len(order), dtype=bool), ())


def kept_chunks(chunks: list[Chunk], planned: NDArray[np.int64]) -> list[Chunk]:
    """Return chunks without the homes that have no plan."""
    out = []
    for chunk in chunks:
        keep = np.flatnonzero(np.isin(chunk.index, planned))
        if len(keep):
            out.append(replace(chunk, homes=chunk.homes.part(keep), index=chunk.index[keep]))
    return out
