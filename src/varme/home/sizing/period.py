"""A period of the year as a linear program whose limits are linear in the sizes.

Per step, in kW, kWh and euro cents; on/off is relaxed (a share of the step's compressor may be on):

- heat pump, per mode m: ``y`` rated kW in operation give ``low y + e`` of heat with ``0 <= e <= (high - low) y`` and
take
  ``p_low y + slope e`` of electricity; ``sum y <= size``. Where full load is as good as the least load, ``y`` alone
  stays: it gives ``high y``.
- house: ``T = A T_before + b heat + d``; the room's temperature is ``T_band - cold + warm`` with ``T_band`` inside the
  comfort band and ``cold``, ``warm`` priced.
- tank: usable energy above the expected temperature, ``E = k E_before + phi (heat - draw - standing loss)``;
  ``E = E_band - missed`` with ``0 <= E_band <= usable energy(size)``.
- battery: ``L = L_before + h (eta c - d / eta)``, ``L <= size``, ``c, d <= power(size)``.
- electricity: import - export + discharge - charge - heat pump - backup - vehicles - cut = load + standby - PV(size).

Sizes stand in bounds and right-hand sides only. So the optimal cost is convex in them, every dual solution is a
supporting plane (:class:`Cut`), and another size is a hot start of the dual simplex. A plane is computed from the duals
in NumPy by weak duality, so it holds whatever the solver's tolerances were.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from varme.components.home import Slots
from varme.home.sizing.scaled import BACKUP, BATTERY, HEAT_PUMP, TANK, ScaledPlant, pv_name
from varme.kernel.model import Arrays, Floats, Ints, Model, Number, Var

#: Price of a kWh that a store lacks at the end of the year against its start [cent]: above any price of heat.
SHORT_CENT_PER_KWH = 200.0
#: Temperatures that a house may have between two periods, around its comfort band [K].
ROOM_MARGIN_K = 15.0
#: Energy that a tank may lack below its expected temperature when a period begins [kWh].
LACK_KWH = 20.0


@dataclass(frozen=True, eq=False)
class Slopes:
    """How limits change with one size: positions and change per unit of size."""

    rows: Ints
    row_slope: Floats
    columns: Ints
    upper_slope: Floats


@dataclass(frozen=True, eq=False)
class PeriodProgram:
    """The program of one period.

    Attributes:
        model: Names of variables and constraints.
        base: The program with all sizes at 0.
        slopes: Per size, in the order of ``ScaledPlant.names``.
        starts: Columns of the stores' levels at the start, shape (S,).
        ends: Columns whose weighted sum is the stores' levels at the end, per store.
        kwh_per_unit: Energy per unit of each store's level (1 for energies, a capacity for temperatures), shape (S,).
        balances: Rows of each store's balance, shape (S, T).
        co2_kg: Emissions per unit of each column [kg], shape (n,).
        parts: Category of cost -> columns.
        implied: Upper limits of the heat pump's columns per unit of its size that the constraints imply; they make
        planes
            tight that are computed from another machine's duals.
    """

    model: Model
    base: Arrays
    slopes: tuple[Slopes, ...]
    starts: Ints
    ends: tuple[tuple[tuple[float, int], ...], ...]
    kwh_per_unit: Floats
    balances: Ints
    co2_kg: Floats
    parts: dict[str, Ints] = field(default_factory=dict)
    implied: Slopes | None = None


@dataclass(frozen=True, eq=False)
class Cut:
    """A plane below the cost of a period.

    ``cost >= constant + slope @ sizes + start_slope @ levels at the start + end_slope @ levels at the end``.

    Attributes:
        constant: In cents.
        slope: Per unit of each size, shape (D,).
        start_slope: Per unit of each store's level at the start, shape (S,).
        end_slope: Per unit of each store's level at the end, shape (S,).
    """

    constant: float
    slope: Floats
    start_slope: Floats
    end_slope: Floats


class _Builder:
    """Collects columns, terms of the balances and slopes while a period is built."""

    def __init__(self, scaled: ScaledPlant, slots: Slots) -> None:
        self.scaled, self.slots, self.plant = scaled, slots, scaled.plant.take(slots)
        self.model = Model(slots.n)
        self.electricity: list[tuple[Number, Ints]] = []
        self.room: list[tuple[Number, Ints]] = []
        self.water: list[tuple[Number, Ints]] = []
        self.names = scaled.names
        self.slopes: dict[str, list[tuple[str, Ints, Floats]]] = {name: [] for name in self.names}
        self.parts: dict[str, list[Ints]] = {}
        self.starts: list[int] = []
        self.implied: list[tuple[str, Ints, Floats]] = []
        self.ends: list[tuple[tuple[float, int], ...]] = []
        self.kwh: list[float] = []
        self.balances: list[Ints] = []
        self._limits: list[tuple[float, float]] = []

    def upper(self, size: str, columns: Ints, slope: Floats | float) -> None:
        self.slopes[size].append(
            ("column", columns, np.broadcast_to(np.asarray(slope, float), columns.shape))
        )

    def right(self, size: str, rows: Ints, slope: Floats | float) -> None:
        self.slopes[size].append(("row", rows, np.broadcast_to(np.asarray(slope, float), rows.shape)))

    def cost(self, part: str, var: Var) -> None:
        self.parts.setdefault(part, []).append(var.now)

    def store(
        self,
        start: int,
        end: tuple[tuple[float, int], ...],
        kwh: float,
        limits: tuple[float, float],
        rows: Ints,
    ) -> None:
        self.balances.append(rows)
        self.starts.append(start)
        self.ends.append(end)
        self.kwh.append(kwh)
        self._limits.append(limits)

    @property
    def start_limits(self) -> Floats:
        return np.array(self._limits, dtype=float).reshape(-1, 2).T


def build_period(scaled: ScaledPlant, slots: Slots, end_levels: Floats | None = None) -> PeriodProgram:
    """Return the program of a period.

    Args:
        scaled: The home per unit of size.
        slots: The steps of the period.
        end_levels: What the stores must hold at the end, shape (S,); what is short is paid dearly. No demand if
        ``None``.
    """
    build = _Builder(scaled, slots)
    if build.plant.heat_pump is not None:
        _heat_pump(build)
    if build.plant.house is not None:
        _house(build)
    if build.plant.tank is not None:
        _tank(build)
    if build.plant.battery is not None:
        _battery(build)
    for k in range(len(build.plant.vehicles)):
        _vehicle(build, k)
    _grid(build)
    if end_levels is not None:
        _end(build, end_levels)
    arrays = build.model.assemble()
    _history(build, arrays)
    co2 = np.zeros(len(arrays.cost))
    co2[build.model.vars["grid.import"].now] = build.plant.grid.co2_g_per_kwh * slots.step_h / 1e3
    return PeriodProgram(
        build.model, arrays, tuple(_collected(build.slopes[name]) for name in build.names),
        np.array(build.starts, dtype=np.int32), tuple(build.ends), np.array(build.kwh),
        np.array(build.balances, dtype=np.int32).reshape(-1, slots.n), co2,
        {k: np.concatenate(v) for k, v in build.parts.items()},
        _collected(build.implied) if build.implied else None,
    )  # fmt: skip


def _history(build: _Builder, arrays: Arrays) -> None:
    """Set the bounds of what was before the period: levels within physical limits, wishes missed 0."""
    starts = np.array(build.starts, dtype=np.int32)
    for var in build.model.vars.values():
        if var.history:
            arrays.col_lower[var.index[0]] = arrays.col_upper[var.index[0]] = 0.0
    arrays.col_lower[starts], arrays.col_upper[starts] = build.start_limits


def _collected(slopes: list[tuple[str, Ints, Floats]]) -> Slopes:
    none = np.zeros(0, dtype=np.int32)
    rows = [(i, v) for kind, i, v in slopes if kind == "row"]
    columns = [(i, v) for kind, i, v in slopes if kind == "column"]
    return Slopes(
        np.concatenate([none, *(i for i, _ in rows)]), np.concatenate([np.zeros(0), *(v for _, v in rows)]),
        np.concatenate([none, *(i for i, _ in columns)]), np.concatenate([np.zeros(0), *(v for _, v in columns)]),
    )  # fmt: skip


def _heat_pump(build: _Builder) -> None:
    model, slots, scaled = build.model, build.slots, build.scaled
    pump = build.plant.heat_pump
    assert pump is not None
    running: list[tuple[Number, Ints]] = []
    for m, mode in enumerate(pump.modes):
        low, high, p_low, p_high = (
            slots.mean(v[m]) for v in (scaled.low, scaled.high, scaled.electric_low, scaled.electric_high)
        )
        sign = -1.0 if mode == "cool" else 1.0
        heat = build.water if mode == "water" else build.room
        on = model.var(f"heat_pump.{mode}_on", upper=1e3)
        build.implied.append(("column", on.now, pump.available))
        running.append((1.0, on.now))
        slope = (p_high - p_low) / np.maximum(high - low, 1e-9)
        if np.all(p_low * high >= p_high * low - 1e-9):
            heat.append((sign * high, on.now))
            build.electricity.append((-p_high, on.now))
            continue
        more = model.var(f"heat_pump.{mode}_more", upper=1e3)
        build.implied.append(("column", more.now, (high - low) * pump.available))
        model.add(f"heat_pump.{mode}_max", [(1.0, more.now), (low - high, on.now)], upper=0.0)
        heat += [(sign * low, on.now), (sign, more.now)]
        build.electricity += [(-p_low, on.now), (-slope, more.now)]
    rows = model.add("heat_pump.size", running, upper=0.0)
    build.right(HEAT_PUMP, rows.index, pump.available)
    for mode, terms in (("room", build.room), ("water", build.water)):
        if mode in pump.modes:
            extra = model.var(f"backup.{mode}", upper=0.0)
            build.upper(BACKUP, extra.now, 1.0)
            terms.append((1.0, extra.now))
            build.electricity.append((-1.0, extra.now))


def _house(build: _Builder) -> None:
    model, slots, house = build.model, build.slots, build.plant.house
    assert house is not None
    a, heat, rest = house.steps(slots.step_h)
    price = house.discomfort_cent_per_k_h * slots.step_h
    count = house.network.nodes
    wide = (float(house.low_c.min()) - ROOM_MARGIN_K, float(house.high_c.max()) + ROOM_MARGIN_K)
    nodes = [
        model.var(
            f"house.temperature_{k}", lower=house.low_c if k == 0 else wide[0],
            upper=house.high_c if k == 0 else wide[1], history=1,
        )
        for k in range(count)
    ]  # fmt: skip
    cold = model.var("house.cold", cost=price, upper=ROOM_MARGIN_K, history=1)
    warm = model.var("house.warm", cost=price, upper=ROOM_MARGIN_K, history=1)
    for k, node in enumerate(nodes):
        terms: list[tuple[Number, Ints]] = [(1.0, node.now)]
        terms += [(-1.0, cold.now), (1.0, warm.now)] if k == 0 else []
        terms += [(-a[:, k, j], other.lag(1)) for j, other in enumerate(nodes)]
        terms += [(a[:, k, 0], cold.lag(1)), (-a[:, k, 0], warm.lag(1))]
        terms += [(-heat[:, k] * np.asarray(kw), columns) for kw, columns in build.room]
        rows = model.add(f"house.balance_{k}", terms, lower=rest[:, k], upper=rest[:, k])
        end: tuple[tuple[float, int], ...] = ((1.0, int(node.now[-1])),)
        if k == 0:
            end += ((-1.0, int(cold.now[-1])), (1.0, int(warm.now[-1])))
        build.store(int(node.index[0]), end, float(house.network.capacity_kwh_per_k[k]), wide, rows.index)
    build.cost("discomfort", cold)
    build.cost("discomfort", warm)


def _tank(build: _Builder) -> None:
    model, slots, scaled, tank = build.model, build.slots, build.scaled, build.plant.tank
    assert tank is not None
    keep = np.exp(-scaled.tank_decay_per_h * slots.step_h)
    per_kw = (1 - keep) / scaled.tank_decay_per_h
    level = model.var("tank.energy", upper=0.0, history=1)
    build.upper(TANK, level.now, scaled.tank_kwh_per_l)
    build.upper(TANK, level.index[:1], scaled.tank_kwh_per_l)
    price = tank.missed_cent_per_k_h * slots.step_h / tank.capacity_kwh_per_k
    missed = model.var("tank.missed", cost=price, upper=1e3, history=1)
    terms: list[tuple[Number, Ints]] = [(1.0, level.now), (-1.0, missed.now), (-keep, level.lag(1))]
    terms += [(keep, missed.lag(1))]
    terms += [(-per_kw * np.asarray(kw), columns) for kw, columns in build.water]
    rest = -per_kw * (tank.draw_kw + scaled.tank_loss_kw)
    rows = model.add("tank.balance", terms, lower=rest, upper=rest)
    build.right(TANK, rows.index, -per_kw * scaled.tank_loss_kw_per_l)
    build.store(
        int(level.index[0]),
        ((1.0, int(level.now[-1])), (-1.0, int(missed.now[-1]))),
        1.0,
        (-LACK_KWH, 0.0),
        rows.index,
    )
    build.cost("hot water missed", missed)


def _battery(build: _Builder) -> None:
    model, slots, battery = build.model, build.slots, build.plant.battery
    assert battery is not None
    wear = battery.wear_cent_per_kwh * slots.step_h
    power = build.scaled.battery_kw_per_kwh
    charge = model.var("battery.charge", upper=0.0)
    discharge = model.var("battery.discharge", upper=0.0, cost=wear)
    level = model.var("battery.level", upper=0.0, history=1)
    for columns, slope in ((charge.now, power), (discharge.now, power), (level.index, 1.0)):
        build.upper(BATTERY, columns, slope)
    eta = battery.one_way_share
    flows = [(-eta * slots.step_h, charge.now), (slots.step_h / eta, discharge.now)]
    balance = model.add(
        "battery.balance", [(1.0, level.now), (-1.0, level.lag(1)), *flows], lower=0.0, upper=0.0
    )
    negative = np.flatnonzero(build.plant.grid.import_cent_per_kwh < 0)
    if len(negative):
        both = [(1.0, charge.now[negative]), (1.0, discharge.now[negative])]
        rows = model.add("battery.one_way", both, upper=0.0)
        build.right(BATTERY, rows.index, power)
    build.electricity += [(-1.0, charge.now), (1.0, discharge.now)]
    build.store(int(level.index[0]), ((1.0, int(level.now[-1])),), 1.0, (0.0, 0.0), balance.index)
    build.cost("battery wear", discharge)


def _vehicle(build: _Builder, k: int) -> None:
    model, slots, one = build.model, build.slots, build.plant.vehicles[k]
    name, hours, eta = f"vehicle.{one.name}", slots.step_h, one.charge_efficiency_share
    charge = model.var(f"{name}.charge", upper=one.home * one.charge_max_kw)
    level = model.var(f"{name}.level", lower=one.wish_kwh, upper=one.capacity_kwh, history=1)
    wish = np.maximum(one.wish_kwh, 0.0)
    short = model.var(f"{name}.short", upper=wish, cost=one.short_cent_per_kwh, history=1)
    stranded = model.var(f"{name}.stranded", upper=one.trip_kwh, cost=2 * one.short_cent_per_kwh)
    terms: list[tuple[Number, Ints]] = [(1.0, level.now), (-1.0, short.now), (-1.0, level.lag(1))]
    terms += [(1.0, short.lag(1)), (-eta * hours, charge.now), (-1.0, stranded.now)]
    build.electricity.append((-1.0, charge.now))
    if one.discharge_max_kw:
        wear = one.wear_cent_per_kwh * hours
        give = model.var(f"{name}.discharge", upper=one.home * one.discharge_max_kw, cost=wear)
        terms.append((hours / eta, give.now))
        build.electricity.append((1.0, give.now))
        build.cost("vehicle wear", give)
    rows = model.add(f"{name}.balance", terms, lower=-one.trip_kwh, upper=-one.trip_kwh)
    end = ((1.0, int(level.now[-1])), (-1.0, int(short.now[-1])))
    build.store(int(level.index[0]), end, 1.0, (0.0, one.capacity_kwh), rows.index)
    build.cost("missing at departure", short)
    build.cost("missing at departure", stranded)


def _grid(build: _Builder) -> None:
    model, slots, scaled, grid = build.model, build.slots, build.scaled, build.plant.grid
    hours = slots.step_h
    bought = model.var("grid.import", upper=grid.import_max_kw, cost=grid.import_cent_per_kwh * hours)
    earns = np.minimum(grid.export_cent_per_kwh, grid.import_cent_per_kwh)
    sold = model.var("grid.export", upper=grid.export_max_kw, cost=-earns * hours)
    terms: list[tuple[Number, Ints]] = [(1.0, bought.now), (-1.0, sold.now), *build.electricity]
    pv = slots.mean(scaled.pv_kw_per_kwp)
    if len(pv):
        cut = model.var("grid.cut", upper=0.0)
        terms.append((-1.0, cut.now))
        for k, power in enumerate(pv):
            build.upper(pv_name(k), cut.now, power)
    pump = build.plant.heat_pump
    demand = grid.load_kw + (0.0 if pump is None else pump.standby_kw)
    rows = model.add("electricity", terms, lower=demand, upper=demand)
    for k, power in enumerate(pv):
        build.right(pv_name(k), rows.index, -power)
    build.cost("electricity bought", bought)
    build.cost("electricity sold", sold)


def _end(build: _Builder, levels: Floats) -> None:
    for store, (level, end, kwh) in enumerate(zip(levels, build.ends, build.kwh, strict=True)):
        short = build.model.var(f"end.short_{store}", cost=SHORT_CENT_PER_KWH * kwh, upper=1e3, scalar=True)
        weights = np.array([1.0, *(w for w, _ in end)])
        columns = np.array([int(short.index), *(c for _, c in end)], dtype=np.int32)
        build.model.add_row(f"end.level_{store}", weights, columns, lower=float(level))
        build.parts.setdefault("short at the end", []).append(np.atleast_1d(short.index))


def at_sizes(program: PeriodProgram, sizes: Floats) -> tuple[Floats, Floats, Floats]:
    """Return lower and upper limits of the rows and upper bounds of the columns at some sizes."""
    low, high = program.base.row_lower.copy(), program.base.row_upper.copy()
    upper = program.base.col_upper.copy()
    for size, slopes in zip(sizes, program.slopes, strict=True):
        np.add.at(low, slopes.rows, size * slopes.row_slope)
        np.add.at(high, slopes.rows, size * slopes.row_slope)
        np.add.at(upper, slopes.columns, size * slopes.upper_slope)
    return low, high, upper


def reduced_costs(base: Arrays, cost: Floats, dual: Floats) -> Floats:
    """Return ``c - A'y``, shape (n,)."""
    weights = np.repeat(dual, np.diff(base.indptr)) * base.data
    return cost - np.bincount(base.indices, weights=weights, minlength=len(cost))


def supporting_plane(
    program: PeriodProgram,
    cost: Floats,
    row_dual: Floats,
    worth_start: Floats,
    worth_end: Floats,
    levels: Floats | None = None,
) -> Cut:
    """Return the plane below the period's cost that row duals prove.

    ``min (c - A'y) x + y b(s)`` over the bounds, taken column by column: weak duality, for every ``y``; duals of the
    wrong sign for a one-sided row count as 0. It is a plane in the sizes because they stand in ``b`` and in the upper
    bounds only.

    Args:
        program: The program.
        cost: Cost of the columns with the worths of levels at start and end, shape (n,).
        row_dual: Shape (m,).
        worth_start: What ``cost`` charges for a unit at the start, shape (S,); 0 if the levels are fixed.
        worth_end: What ``cost`` pays for a unit at the end, shape (S,).
        levels: What the stores hold at the start, if that is fixed.
    """
    base = program.base
    lower, upper = base.col_lower, base.col_upper
    dual = np.where((row_dual > 0) & np.isneginf(base.row_lower), 0.0, row_dual)
    dual = np.where((dual < 0) & np.isposinf(base.row_upper), 0.0, dual)
    reduced = reduced_costs(base, cost, dual)
    limit = np.where(dual > 0, base.row_lower, base.row_upper)
    rows = np.where(dual != 0, dual * np.where(np.isfinite(limit), limit, 0.0), 0.0)
    columns = np.where(reduced > 0, reduced * lower, reduced * upper)
    falling = np.minimum(reduced, 0.0)
    implied = np.zeros(len(program.slopes))
    if program.implied is not None:
        own = program.implied.columns
        implied[0] = float(falling[own] @ program.implied.upper_slope)
        columns[own] = np.maximum(reduced[own], 0.0) * lower[own]
    start_slope = -worth_start
    if levels is not None:
        start_slope = reduced[program.starts]
        columns[program.starts] = falling[program.starts] = 0.0
    slope = [
        float(dual[s.rows] @ s.row_slope) + float(falling[s.columns] @ s.upper_slope) for s in program.slopes
    ]
    constant = float(rows.sum() + columns.sum()) + base.offset
    return Cut(constant, np.array(slope) + implied, start_slope, worth_end)
