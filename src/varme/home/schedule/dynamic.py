"""Patterns of the compressor by dynamic programming forwards over the states of compressor, tank and house.

A label is a state that some pattern reaches: what the compressor does and until when it must, the temperatures of
tank and house exactly as the model's recursions give them, and what the pattern has cost. From slot to slot every
label is taken through every action: off, or a mode at its smallest heat, at full load, or between. Of labels that
fall into the same cell (compressor, tank, heat in the house) the best is kept, and of all cells the best ``width``;
best is cost so far less what the state is worth at the prices of an LP. With cells that tell every state apart and
enough labels it is an enumeration.

Electricity in a slot costs what a convex function says: export that is lost, charge of battery and vehicles that is
given up, discharge, import, in the order of their prices; stored energy is priced with the LP's duals. So a pattern is
priced with all that a linear program would trickle through, but a compressor runs whole. The pattern is then polished
by the LP of the planner, whose duals are the prices of the next round.

Sources: dynamic programming, Bellman 1957; labels with resources and dominance, Desrochers and Soumis 1988
(doi:10.1080/03155986.1988.11732063); keeping the best states only, Ow and Morton 1988
(doi:10.1080/00207548808947840).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from varme.components.home_heat_pump import HeatPumpNumbers
from varme.home.schedule.problem import VENT_CENT_PER_KWH, Problem
from varme.home.schedule.runs import Pattern, Rules
from varme.kernel.check import row_activity
from varme.kernel.model import Floats, Ints

#: Price of a kelvin below what the legionella duty asks for, per slot: it leads, the LP decides.
TOO_COLD_CENT_PER_K = 200.0
#: Most cells that are looked up in a table; above it they are sorted.
LARGEST_TABLE = 500_000


@dataclass(frozen=True)
class Cells:
    """How finely states are told apart, and how many are kept.

    Attributes:
        tank_kwh: Width of a cell of the tank.
        house_kwh: Width of a cell of the house.
        width: Most labels after a slot.
        levels: Shares of the span between smallest heat and full load that a mode may run at.
    """

    tank_kwh: float
    house_kwh: float
    width: int = 400
    levels: tuple[float, ...] = (0.0, 1.0)

    @classmethod
    def of(cls, pump: HeatPumpNumbers, width: int = 400) -> Cells:
        """Return cells of a fifth of a shortest run."""
        run = float(pump.heat_min_kw.mean()) * max(pump.run_min, 30.0) / 60
        return cls(0.2 * run, 0.2 * run, width)


@dataclass(frozen=True, eq=False)
class Actions:
    """What the compressor may do in each slot; arrays (n, actions).

    Attributes:
        mode: Mode of each action, -1 for off, shape (actions,).
        room_kw: Heat into the house.
        water_kw: Heat into the tank.
        cost_cent: What the electricity costs more than without the compressor.
    """

    mode: Ints
    room_kw: Floats
    water_kw: Floats
    cost_cent: Floats


@dataclass(frozen=True, eq=False)
class Stage:
    """The recursions of house and tank over the slots, and what the states are worth after each of them.

    Attributes:
        house: A (n, k, k) and rest (n, k); ``None`` without a house.
        comfort: Lower and upper end of comfort, and the price of a kelvin beyond, arrays (n,).
        room_k: What the actions warm each node by, shape (k, n, actions).
        capacity_kwh_per_k: Capacity of the nodes, shape (k,).
        tank: What is kept, rest, lowest and highest temperature, price of a missing kelvin, arrays (n,), and the price
            of a kelvin above the highest; ``None`` without a tank.
        water_k: What the actions warm the tank by, shape (n, actions).
        tank_kwh_per_k: Capacity of the tank.
        house_cent_per_k: What a kelvin of each node is worth after each slot, shape (n, k).
        tank_cent_per_k: What a kelvin of the tank is worth after each slot, shape (n,).
        hot_c: Temperature that the legionella duty asks for, shape (n,); ``None`` without a duty.
        pump_top_c: Highest temperature with a duty: the compressor alone does not get there, shape (n, actions).
    """

    house: tuple[Floats, Floats] | None
    comfort: tuple[Floats, Floats, Floats]
    room_k: Floats
    capacity_kwh_per_k: Floats
    tank: tuple[Floats, Floats, Floats, Floats, Floats, float] | None
    water_k: Floats
    tank_kwh_per_k: float
    house_cent_per_k: Floats
    tank_cent_per_k: Floats
    hot_c: Floats | None = None
    pump_top_c: Floats | None = None


@dataclass(eq=False)
class _Labels:
    """Labels after a slot: temperatures of nodes (k, labels) and tank (labels,), cost, whether it runs, until when."""

    house_c: Floats
    tank_c: Floats
    cost: Floats
    on: NDArray[np.bool_]
    until: Ints


@dataclass(eq=False)
class Dynamic:
    """The dynamic program of a problem at the prices of an LP.

    Attributes:
        problem: The problem.
        rules: The compressor's rules.
        row_dual: Row duals of an LP of the problem, in the numbering of the whole model.
        cells: How finely states are told apart.
        x: Values of an LP in which the legionella duty has its slot: the tank is then held hot there.
        actions: What the compressor may do.
        stage: The recursions, and what states are worth.
        runs: 1 for actions in which it runs, 0 for others, shape (actions,).
        of_kind: Number of actions in which it does not run, and in which it does.
        net_cent: Cost of an action less what its heat in the house is worth, shape (n, actions, 1).
        room_cell: That heat in cells above the smallest of the slot, shape (n, actions, 1).
    """

    problem: Problem
    rules: Rules
    row_dual: Floats
    cells: Cells
    x: Floats | None = None
    actions: Actions = field(init=False)
    stage: Stage = field(init=False)
    runs: Ints = field(init=False)
    of_kind: Ints = field(init=False)
    net_cent: Floats = field(init=False)
    room_cell: Floats = field(init=False)

    def __post_init__(self) -> None:
        """Prepare what does not depend on the states."""
        self.actions = actions_of(self.problem, self.row_dual, self.cells.levels, self.x)
        self.stage = _stage(self.problem, self.row_dual, self.actions, self.x)
        self.runs = (self.actions.mode >= 0).astype(np.int32)
        self.of_kind = np.bincount(self.runs, minlength=2).astype(np.int32)
        room_k = self.stage.room_k
        worth = np.einsum("tk,kta->ta", self.stage.house_cent_per_k, room_k)
        self.net_cent = (self.actions.cost_cent - worth)[:, :, None]
        heat = np.einsum("k,kta->ta", self.stage.capacity_kwh_per_k, room_k) * (1.0 / self.cells.house_kwh)
        self.room_cell = (heat - heat.min(axis=1, keepdims=True))[:, :, None]

    def run(self) -> tuple[Pattern, float] | None:
        """Return the best pattern and its cost by the dynamic program [cent]; ``None`` if no label is left.

        The cost holds what the compressor adds to electricity, starts, missed wishes and the worth of what is left.
        """
        state, rules, n = self.problem.state, self.rules, self.rules.n
        until = rules.held if rules.on_before else rules.rested
        tank_c = float(np.mean(state.tank_c)) if self.stage.tank is not None else 0.0
        labels = _Labels(
            state.house_c[: len(self.stage.room_k), None], np.array([tank_c]), np.zeros(1),
            np.array([rules.on_before]), np.array([until], dtype=np.int32),
        )  # fmt: skip
        taken: list[Ints] = []
        for t in range(n):
            labels, came = self._after(t, labels)
            if not came.size:
                return None
            taken.append(came)
        total = labels.cost - self._worth(n - 1, labels.house_c, labels.tank_c)
        at = int(np.argmin(total))
        cost, out = float(total[at]), np.empty(n, dtype=np.int64)
        for t in range(n - 1, -1, -1):
            action, at = taken[t][:, at].tolist()
            out[t] = self.actions.mode[action]
        return out, cost

    def _worth(self, t: int, house_c: Floats, tank_c: Floats) -> Floats:
        worth = tank_c * self.stage.tank_cent_per_k[t]
        for node, price in zip(house_c, self.stage.house_cent_per_k[t].tolist(), strict=True):
            worth = worth + node * price
        return np.asarray(worth)

    def _after(self, t: int, labels: _Labels) -> tuple[_Labels, Ints]:
        """Return the labels after a slot, and where each comes from: action (0, labels) and label before (1, labels).

        A score is the cost less the worth of the state; all of it that is linear is added up for labels and for
        actions apart, so what remains on (actions, labels) is what is not.
        """
        rules, acts, stage, on = self.rules, self.actions, self.stage, labels.on
        free, runs = labels.until <= t, self.runs
        off = ~on
        may = np.zeros((2, len(on)), dtype=np.bool_)
        may[0] = off | free
        if rules.available[t]:
            may[1] = on | free
        count = int(may.sum(axis=1) @ self.of_kind)
        if not count:
            return labels, np.zeros((2, 0), dtype=np.int32)
        until = np.empty((2, len(on)), dtype=np.int32)
        until[:] = labels.until
        until[0, on], until[1, off] = rules.pause_end[t], rules.run_end[t]
        wait = 2 * np.maximum(until - (t + 1), 0)
        wait[1] += 1
        begun = np.zeros(may.shape)
        begun[1, off] = rules.start_cent
        house_c, room = labels.house_c, stage.room_k[:, t]
        if stage.house is not None:
            a, rest = stage.house
            house_c = a[t] @ house_c + rest[t][:, None]
        missed, tank_c, worth = self._missed(t, house_c, labels.tank_c)
        known = np.where(may, begun + (labels.cost - stage.house_cent_per_k[t] @ house_c), np.inf)
        score = known[runs]
        score += self.net_cent[t]
        score += missed
        if worth is not None:
            score -= worth
        heat = (stage.capacity_kwh_per_k @ house_c) * (1.0 / self.cells.house_kwh)
        cell = (self.room_cell[t] + (heat - heat.min())).astype(np.int64)
        cell += wait[runs] * (int(cell.max()) + 1)
        if stage.tank is not None:
            stored = ((tank_c - tank_c.min()) * (stage.tank_kwh_per_k / self.cells.tank_kwh)).astype(np.int64)
            cell *= int(stored.max()) + 1
            cell += stored
        kept = _best(score.ravel(), cell.ravel(), count, self.cells.width)
        action, label = np.divmod(kept, len(on))
        paid = begun[runs[action], label] + missed.ravel()[kept]
        after = _Labels(
            house_c.take(label, axis=1) + room.take(action, axis=1), tank_c.ravel()[kept],
            labels.cost[label] + acts.cost_cent[t][action] + paid, runs[action] > 0, until[runs[action], label],
        )  # fmt: skip
        return after, np.array([action, label])

    def _missed(self, t: int, house_c: Floats, before_c: Floats) -> tuple[Floats, Floats, Floats | None]:
        """Return the price of missed wishes, the tank's temperature, and what it is worth; arrays (actions, labels).

        Args:
            t: The slot.
            house_c: Temperatures of the house after the slot without the compressor, shape (k, labels).
            before_c: Temperature of the tank before the slot, shape (labels,).
        """
        stage = self.stage
        missed: Floats | None = None
        if stage.house is not None:
            low, high, price = stage.comfort
            air = house_c[0] + stage.room_k[0, t][:, None]
            missed = np.abs(air - np.minimum(np.maximum(air, low[t]), high[t])) * price[t]
        if stage.tank is None:
            none = np.zeros((len(self.runs), len(before_c)))
            return (none if missed is None else missed), none, None
        keep, left, lowest, top, short, vent = stage.tank
        raw = (keep[t] * before_c + left[t]) + stage.water_k[t][:, None]
        tank_c = np.minimum(raw, top[t] if stage.pump_top_c is None else stage.pump_top_c[t][:, None])
        lost = (raw - tank_c) * vent
        missed = lost if missed is None else missed + lost
        missed += np.maximum(lowest[t] - tank_c, 0.0) * short[t]
        if stage.hot_c is not None and stage.hot_c[t] > lowest[t]:
            missed += TOO_COLD_CENT_PER_K * np.maximum(stage.hot_c[t] - tank_c, 0.0)
        return missed, tank_c, stage.tank_cent_per_k[t] * tank_c


def _best(score: Floats, cell: Ints, count: int, width: int) -> Ints:
    """Return the best of each cell, the best cells first, at most ``width``; the ``count`` least scores are allowed."""
    order = np.argsort(score, kind="stable")[:count]
    cell, place = cell[order], np.arange(count, dtype=np.int32)
    span = int(cell.max()) + 1
    if span > LARGEST_TABLE:
        first = np.sort(np.unique(cell, return_index=True)[1])
        return np.asarray(order[first[:width]])
    # Of several writes to one cell the last stays: that of the best score. Cells never written are never read.
    table = np.empty(span, dtype=np.int32)
    table[cell[::-1]] = place[::-1]
    return np.asarray(order[table[cell] == place][:width])


def fits(problem: Problem) -> bool:
    """Return whether the dynamic program knows all heat of a home: a compressor, no buffer, no second heater."""
    plant = problem.plant
    return plant.heat_pump is not None and plant.buffer is None and plant.second_heater is None


def actions_of(
    problem: Problem, row_dual: Floats, levels: tuple[float, ...], x: Floats | None = None
) -> Actions:
    """Return the actions of the compressor with their heat and the cost of their electricity.

    A backup heater may charge the tank while the compressor is off; where an LP uses it for the room, it may also go
    along with full load.

    Args:
        problem: The problem.
        row_dual: Row duals of an LP of the problem.
        levels: Shares of the span between smallest heat and full load.
        x: Values of that LP.
    """
    pump, hours = problem.plant.heat_pump, problem.slots.step_h
    assert pump is not None
    none = np.zeros(len(hours))
    found: list[tuple[int, Floats, Floats, Floats]] = [(-1, none, none, none)]
    for m, name in enumerate(pump.modes):
        for level in levels:
            heat = pump.heat_min_kw[m] + level * (pump.heat_max_kw[m] - pump.heat_min_kw[m])
            power = pump.electric_on_kw[m] + pump.electric_per_heat[m] * heat
            sign = -1.0 if name == "cool" else 1.0
            found.append(
                (m, none if name == "water" else sign * heat, heat if name == "water" else none, power)
            )
    backup, full = np.full(len(hours), pump.backup_kw), found[len(levels) :: len(levels)]
    if pump.backup_kw and "backup.water" in problem.model.vars:
        found.insert(1, (-1, none, 0.5 * backup, 0.5 * backup))
        if "tank.duty" in problem.model.vars:
            found.insert(1, (-1, none, backup, backup))
            found += [
                (m, room, water + backup, power + backup)
                for m, room, water, power in found
                if m >= 0 and pump.modes[m] == "room"
            ]
    if pump.backup_kw and x is not None and float(problem.value("backup.room", x).sum()) > 1e-6:
        full = [one for one in found if one[0] >= 0 and pump.modes[one[0]] != "cool"][
            len(levels) - 1 :: len(levels)
        ]
        found += [(m, room + backup, water, power + backup) for m, room, water, power in full]
    drawn = np.stack([power for _, _, _, power in found], axis=1)
    cost = extra_cost(problem, row_dual, drawn) * hours[:, None]
    mode = np.array([m for m, _, _, _ in found], dtype=np.int32)
    room, water = (np.stack([one[k] for one in found], axis=1) for k in (1, 2))
    return Actions(mode, room, water, cost)


def extra_cost(problem: Problem, row_dual: Floats, drawn_kw: Floats) -> Floats:
    """Return what more power costs in each slot [cent per hour], shape (n, powers): convex in the power.

    Battery and vehicles bid for surplus with what stored energy is worth to an LP, and the battery offers; export and
    import take the rest.

    Args:
        problem: The problem.
        row_dual: Row duals of an LP of the problem.
        drawn_kw: Power of the compressor, shape (n, powers).
    """
    plant, model = problem.plant, problem.model
    grid, n = plant.grid, problem.slots.n
    low = np.where(problem.arrays.col_upper[model.vars["grid.cut"].now] > 0,
                   np.maximum(grid.export_cent_per_kwh, 0.0), grid.export_cent_per_kwh)  # fmt: skip
    high = np.maximum(grid.import_cent_per_kwh, low)
    standby = 0.0 if plant.heat_pump is None else plant.heat_pump.standby_kw
    need = grid.load_kw - grid.pv_kw + standby
    prices, lengths, first = [], [], need.copy()
    if plant.battery is not None:
        store = plant.battery
        worth = -row_dual[model.rows["battery.balance"].index]
        prices += [store.one_way_share * worth, worth / store.one_way_share + store.wear_cent_per_kwh]
        lengths += [np.full(n, store.power_kw), np.full(n, store.power_kw)]
        first += store.power_kw
    for vehicle in plant.vehicles:
        worth = -row_dual[model.rows[f"vehicle.{vehicle.name}.balance"].index]
        most = vehicle.home * vehicle.charge_max_kw
        prices.append(vehicle.charge_efficiency_share * worth)
        lengths.append(most)
        first += most
    if not prices:
        return _between(first, np.zeros((n, 0)), np.zeros((n, 0)), low, high, drawn_kw)
    price = np.clip(np.stack(prices, axis=1), low[:, None], high[:, None])
    order = np.argsort(price, axis=1, kind="stable")
    length = np.take_along_axis(np.stack(lengths, axis=1), order, axis=1)
    return _between(first, np.take_along_axis(price, order, axis=1), length, low, high, drawn_kw)


def _between(
    first: Floats, price: Floats, length: Floats, low: Floats, high: Floats, drawn: Floats
) -> Floats:
    """Return the cost of going from a net demand ``first`` to ``first + drawn``, shape (n, powers).

    Below 0 a kilowatt costs ``low``; above it the segments one after the other, and ``high`` beyond them.
    """
    ends = np.concatenate([np.zeros((len(first), 1)), np.cumsum(length, axis=1)], axis=1)
    steps = np.diff(np.concatenate([low[:, None], price, high[:, None]], axis=1), axis=1)

    def total(at: Floats) -> Floats:
        above = np.maximum(at[:, :, None] - ends[:, None, :], 0.0)
        return np.asarray(low[:, None] * at + np.einsum("npk,nk->np", above, steps))

    return total(first[:, None] + drawn) - total(first[:, None])


def _stage(problem: Problem, row_dual: Floats, actions: Actions, x: Floats | None) -> Stage:
    """Return the recursions and the worth of states: the duals of the balance a slot later, carried back a slot."""
    plant, model, hours, n = problem.plant, problem.model, problem.slots.step_h, problem.slots.n
    house = tank = None
    none = np.zeros(n)
    comfort, room_k, capacity = (none, none, none), np.zeros((0, n, len(actions.mode))), np.zeros(0)
    house_worth, tank_worth = np.zeros((n, 0)), np.zeros(n)
    if plant.house is not None:
        a, per_kw, rest = plant.house.steps(hours)
        house, capacity = (a, rest), plant.house.network.capacity_kwh_per_k
        comfort = plant.house.low_c, plant.house.high_c, plant.house.discomfort_cent_per_k_h * hours
        room_k = per_kw.T[:, :, None] * actions.room_kw
        rows = [model.rows[f"house.balance_{k}"].index for k in range(plant.house.network.nodes)]
        duals = np.stack([row_dual[row] for row in rows], axis=1)
        house_worth = np.empty(duals.shape)
        house_worth[:-1] = -np.einsum("tij,ti->tj", a[1:], duals[1:])
        house_worth[-1] = problem.worth.room_cent_per_k
    water_k, of_tank = np.zeros((n, len(actions.mode))), 0.0
    if plant.tank is not None:
        one, of_tank = plant.tank, plant.tank.capacity_kwh_per_k
        keep = np.exp(-one.loss_kw_per_k * hours / of_tank)
        water_k = ((1 - keep) / one.loss_kw_per_k)[:, None] * actions.water_kw
        balance = model.rows["tank.balance"].index
        top = problem.arrays.col_upper[model.vars["tank.temperature"].now]
        low = np.broadcast_to(np.asarray(one.low_c, dtype=float), (n,))
        tank = (
            keep, problem.arrays.row_lower[balance], low, top, one.missed_cent_per_k_h * hours,
            10 * VENT_CENT_PER_KWH * of_tank,
        )  # fmt: skip
        tank_worth[:-1] = -(keep * row_dual[balance])[1:]
        tank_worth[-1] = problem.worth.tank_cent_per_k
    return Stage(
        house, comfort, room_k, capacity, tank, water_k, of_tank, house_worth, tank_worth, _hot_c(problem, x),
        _pump_top_c(problem, actions),
    )  # fmt: skip


def _pump_top_c(problem: Problem, actions: Actions) -> Floats | None:
    """Return the highest tank temperature with each action, shape (n, actions); ``None`` without a duty."""
    pump, model = problem.plant.heat_pump, problem.model
    if pump is None or "tank.duty_pump" not in model.rows:
        return None
    top = problem.arrays.col_upper[model.vars["tank.temperature"].now][:, None]
    water = np.array([m >= 0 and pump.modes[m] == "water" for m in actions.mode])
    return np.asarray(np.where(water, np.minimum(top, pump.water_max_c), top))


def _hot_c(problem: Problem, x: Floats | None) -> Floats | None:
    """Return the temperature that a legionella duty with a decided slot asks for, shape (n,)."""
    rows = problem.model.rows
    if x is None or "tank.duty_hot" not in rows:
        return None
    index = rows["tank.duty_hot"].index
    rest = (problem.arrays.row_lower - row_activity(problem.arrays, x))[index]
    return np.asarray(rest + x[problem.model.vars["tank.temperature"].now])
