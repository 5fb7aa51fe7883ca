"""What the chosen sizes mean: costs by part, a year's operation, heat load, bivalence, payback, full plans of days."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from varme.components.home import Slots
from varme.ground.size import Decision
from varme.home.case import HomeCase
from varme.home.plant import State
from varme.home.schedule.plan import make_plan
from varme.home.sizing.equipment import Equipment, kind_of, model_yearly_eur
from varme.home.sizing.operation import Year
from varme.home.sizing.scaled import HEAT_PUMP, TANK
from varme.home.sizing.search import Evaluated, Search
from varme.home.sizing.spec import ModelSpec, ReferenceSpec
from varme.home.spec import PlanSpec
from varme.kernel.highs import Solver
from varme.kernel.model import Floats

#: Years over which payback is drawn.
PAYBACK_YEARS = 25
#: Heat for hot water that a heat load adds [kW per person] (EN 12831 leaves it to the planner; 0.25 is the usual
#: addition
#: in German practice for homes with a tank).
WATER_KW_PER_PERSON = 0.25


@dataclass(frozen=True, eq=False)
class Operation:
    """A year's operation, step by step: name -> values in kW (levels in kWh or C), shape (N,)."""

    step_h: float
    series: dict[str, Floats]

    def kwh(self, name: str) -> float:
        """Return the sum of a power over the year."""
        return float(self.series[name].sum() * self.step_h)


@dataclass(frozen=True)
class CostPart:
    """A part of the yearly cost, and the investment behind it."""

    part: str
    kind: str
    eur_year: float
    investment_eur: float
    low_eur: float
    high_eur: float


def operation_of(year: Year, found: Evaluated, scenario: int = 0) -> Operation:
    """Return the operation of a scenario at evaluated sizes."""
    values = found.years[scenario].x
    seen = year.scaled.plant.seen

    def take(name: str) -> Floats:
        parts = [
            x[p.model.vars[name].now] if name in p.model.vars else np.zeros(s.n)
            for x, p, s in zip(values, year.programs, year.slots, strict=True)
        ]
        return np.concatenate(parts)

    scaled, plant = year.scaled, year.scaled.plant
    out: dict[str, Floats] = {"outdoor_c": seen.outdoor_c, "load_kw": plant.grid.load_kw}
    electric = np.zeros(seen.grid.n)
    room, water = np.zeros(seen.grid.n), np.zeros(seen.grid.n)
    capacity = np.zeros(seen.grid.n)
    if plant.heat_pump is not None:
        names = scaled.names
        capacity = scaled.high[0] * found.sizes[names.index(HEAT_PUMP)]
        for m, mode in enumerate(plant.heat_pump.modes):
            on, more = take(f"heat_pump.{mode}_on"), take(f"heat_pump.{mode}_more")
            single = f"heat_pump.{mode}_more" not in year.programs[0].model.vars
            span = np.maximum(scaled.high[m] - scaled.low[m], 1e-9)
            slope = (scaled.electric_high[m] - scaled.electric_low[m]) / span
            heat = scaled.high[m] * on if single else scaled.low[m] * on + more
            electric += scaled.electric_high[m] * on if single else scaled.electric_low[m] * on + slope * more
            room, water = (room, water + heat) if mode == "water" else (room + heat * (mode == "room"), water)
        electric += plant.heat_pump.standby_kw
    sizes = dict(zip(scaled.names, found.sizes, strict=True))
    pv = sum(
        (
            sizes[n] * p
            for n, p in zip([n for n in sizes if n.startswith("pv")], scaled.pv_kw_per_kwp, strict=True)
        ),
        start=np.zeros(seen.grid.n),
    )
    out |= {
        "heat_pump_kw": electric, "backup_kw": take("backup.room") + take("backup.water"), "room_heat_kw": room,
        "water_heat_kw": water, "capacity_kw": capacity, "pv_kw": pv - take("grid.cut"), "pv_cut_kw": take("grid.cut"),
        "import_kw": take("grid.import"), "export_kw": take("grid.export"), "battery_charge_kw": take("battery.charge"),
        "battery_discharge_kw": take("battery.discharge"), "cold_k": take("house.cold"), "warm_k": take("house.warm"),
    }  # fmt: skip
    if plant.tank is not None:
        out["missed_k"] = take("tank.missed") / plant.tank.capacity_kwh_per_k
    return Operation(seen.grid.step_h, out)


def cost_parts(equipment: Equipment, search: Search, found: Evaluated) -> list[CostPart]:
    """Return the yearly cost by part: capital of every size, energy, wishes missed."""
    state = search.states[found.branch]
    out = []
    for size, value in zip(state.branch.sizes, found.sizes, strict=True):
        decision = equipment.sizes[size.name]
        if isinstance(decision, Decision) and size.high > size.low:
            invested = decision.investment_eur(float(value), kind_of(size.name)[0])
            net = invested - decision.subsidy_of_eur(invested)
            spread = decision.eur_range_share * invested
            yearly = size.yearly_eur(float(value))
            out.append(CostPart(size.name, "capital", yearly, net, net - spread, net + spread))
    model = model_named(equipment, found.branch)
    if model is not None:
        net, spread = max(model.eur - model.subsidy_eur, 0.0), model.eur_range_share * model.eur
        out.append(CostPart(model.name, "capital", model_yearly_eur(model), net, net - spread, net + spread))
    energy: dict[str, float] = {}
    for c, (year, operated) in enumerate(zip(search.years, found.years, strict=True)):
        for program, x in zip(year.programs, operated.x, strict=True):
            for part, columns in program.parts.items():
                amount = float(program.base.cost[columns] @ x[columns]) / 100
                energy[part] = energy.get(part, 0.0) + search.weights[c] * search.scale[c] * amount
    return out + [CostPart(part, "operation", eur, 0.0, 0.0, 0.0) for part, eur in energy.items()]


def model_named(equipment: Equipment, name: str) -> ModelSpec | None:
    """Return a catalogue's model by its name."""
    return next((m for m in equipment.models if m.name == name), None)


# ---------------------------------------------------------------------- the house and its heat pump
def heat_load_kw(case: HomeCase) -> tuple[float, float]:
    """Return the heat load of the house at its design temperature, and the addition for hot water [kW].

    Heat loss times the difference between the lower end of comfort (at least 20 C) and the design outdoor temperature,
    as the standard heat load of EN 12831-1 for a house whose coefficient holds transmission and ventilation; no gains.
    """
    house, spec = case.plant.house, case.study.house
    if house is None or spec is None:
        return 0.0, 0.0
    room = max(20.0, float(np.max(house.low_c)))
    load = house.network.heat_loss_kw_per_k * (room - spec.design_outdoor_c)
    persons = getattr(getattr(case.study, "sizing", None), "persons_count", 0.0)
    return load, WATER_KW_PER_PERSON * persons if case.plant.tank is not None else 0.0


def bivalence_c(year: Year, heat_pump_kw: float, case: HomeCase) -> float | None:
    """Return the outdoor temperature below which the heat pump alone does not carry the house [C]; ``None`` if none.

    Capacity against ``heat loss x (room - outdoor) - mean gains``, both binned over the year's hours.
    """
    house, scaled = year.scaled.plant.house, year.scaled
    if house is None or scaled.plant.heat_pump is None or "room" not in scaled.plant.heat_pump.modes:
        return None
    capacity = scaled.high[scaled.plant.heat_pump.modes.index("room")] * heat_pump_kw
    outdoor = scaled.plant.seen.outdoor_c
    order = np.argsort(outdoor)
    line = np.polynomial.Polynomial.fit(outdoor[order], capacity[order], 2)
    gains = float(np.median(house.gains_kw))
    grid = np.linspace(min(-20.0, float(outdoor.min())), 18.0, 400)
    edge = np.clip(grid, float(outdoor.min()), float(outdoor.max()))
    need = house.network.heat_loss_kw_per_k * (float(np.mean(house.low_c)) - grid) - gains
    short = np.flatnonzero(line(edge) < need)
    return float(grid[short[-1]]) if len(short) else None


# ---------------------------------------------------------------------- what exists
@dataclass(frozen=True, eq=False)
class Compared:
    """The optimum against what would be done otherwise.

    Attributes:
        name: Name of the reference.
        operation_eur: Its yearly cost without capital.
        cost_eur: Its yearly cost with capital.
        co2_kg: Its emissions a year.
        extra_eur: Investment of the optimum above the reference's, after subsidies; with its range.
        saving_eur: Yearly saving in operation; with its range over scenarios.
        years: Payback without interest; with its range. Infinite if nothing is saved.
    """

    name: str
    operation_eur: float
    cost_eur: float
    co2_kg: float
    extra_eur: tuple[float, float, float]
    saving_eur: tuple[float, float, float]
    years: tuple[float, float, float]


def compared(
    equipment: Equipment,
    search: Search,
    found: Evaluated,
    spec: ReferenceSpec,
    fuel_eur_per_kwh: list[Floats],
) -> Compared:
    """Return the comparison with a boiler that delivers the same heat, without PV and battery.

    Args:
        equipment: What is decided.
        search: The search.
        found: The optimum.
        spec: The reference.
        fuel_eur_per_kwh: Price of its fuel in every scenario, each of shape (N,).
    """
    running, co2 = [], []
    for c, year in enumerate(search.years):
        done, grid = operation_of(year, found, c), year.scaled.plant.grid
        heat = np.maximum(
            done.series["room_heat_kw"] + done.series["water_heat_kw"] + done.series["backup_kw"], 0.0
        )
        power = grid.load_kw + spec.electric_share * heat
        fuel = heat / spec.efficiency_share
        hours, scale = done.step_h, search.scale[c]
        bill = float(power @ grid.import_cent_per_kwh) / 100 + float(fuel @ fuel_eur_per_kwh[c])
        running.append(bill * hours * scale + spec.fixed_om_eur_year)
        kg = float(power @ grid.co2_g_per_kwh) + float(fuel.sum()) * spec.fuel_co2_g_per_kwh
        co2.append(kg * hours * scale / 1e3)
    operation = float(search.weights @ np.array(running))
    capital = [p for p in cost_parts(equipment, search, found) if p.kind == "capital"]
    extra = [
        sum(getattr(p, f) for p in capital) - spec.eur for f in ("investment_eur", "low_eur", "high_eur")
    ]
    om = found.capital_eur - _annuities(equipment, search, found)
    ours = found.operation_eur + om
    savings = np.array(running) - ours
    saving = (float(search.weights @ savings), float(savings.min()), float(savings.max()))
    annuity = Decision(max=1.0, life_years=spec.life_years).annuity_share * spec.eur
    years = (_years(extra[0], saving[0]), _years(extra[1], saving[2]), _years(extra[2], saving[1]))
    return Compared(
        spec.name, operation, operation + annuity, float(search.weights @ np.array(co2)),
        (extra[0], extra[1], extra[2]), saving, years,
    )  # fmt: skip


def _annuities(equipment: Equipment, search: Search, found: Evaluated) -> float:
    total = 0.0
    for size, value in zip(search.states[found.branch].branch.sizes, found.sizes, strict=True):
        decision = equipment.sizes[size.name]
        if isinstance(decision, Decision) and size.high > size.low:
            invested = decision.investment_eur(float(value), kind_of(size.name)[0])
            total += decision.annuity_share * (invested - decision.subsidy_of_eur(invested))
    model = model_named(equipment, found.branch)
    return total + (model_yearly_eur(model) - model.fixed_om_eur_year if model is not None else 0.0)


def _years(extra_eur: float, saving_eur: float) -> float:
    if extra_eur <= 0:
        return 0.0
    return extra_eur / saving_eur if saving_eur > 0 else float("inf")


def replacements_eur(
    equipment: Equipment, search: Search, found: Evaluated, years: int = PAYBACK_YEARS
) -> Floats:
    """Return what is invested anew at the end of each part's life, in each year from 0, shape (years + 1,)."""
    out = np.zeros(years + 1)
    lives: list[tuple[float, float]] = []
    for size, value in zip(search.states[found.branch].branch.sizes, found.sizes, strict=True):
        decision = equipment.sizes[size.name]
        if isinstance(decision, Decision) and size.high > size.low:
            lives.append((decision.life_years, decision.investment_eur(float(value), kind_of(size.name)[0])))
    model = model_named(equipment, found.branch)
    if model is not None:
        lives.append((model.life_years, model.eur))
    for life, eur in lives:
        for year in np.arange(life, years + 1e-9, life):
            out[min(int(np.ceil(year)), years)] += eur
    return out


# ---------------------------------------------------------------------- the re-check by full plans
@dataclass(frozen=True)
class DayCheck:
    """A day planned in full at the chosen sizes: on/off, starts and minimum times, against its relaxation."""

    first: int
    what: str
    relaxed_cent: float
    plan_cent: float
    starts: int
    missed_k_h: float


def check_days(year: Year, found: Evaluated, case: HomeCase, count: int) -> list[DayCheck]:
    """Plan some days in full at the chosen sizes: the coldest, the dearest, and days spread over the year.

    Args:
        year: The year that the sizes were found with.
        found: The sizes and their operation in that year.
        case: The home compiled at these sizes.
        count: Days to plan.
    """
    seen = case.plant.seen
    each = round(24 / seen.grid.step_h)
    days = seen.grid.n // each
    warm = seen.outdoor_c[: days * each].reshape(days, each).mean(axis=1)
    chosen: dict[int, str] = {int(warm[:-1].argmin()): "coldest day"} if count else {}
    for number in range(max(count - 1, 0)):
        day = int((number + 0.5) * (days - 1) / max(count - 1, 1))
        chosen.setdefault(day, "day in between")
    return [_check_day(year, found, case, day * each, each, what) for day, what in sorted(chosen.items())]


def _check_day(year: Year, found: Evaluated, case: HomeCase, first: int, length: int, what: str) -> DayCheck:
    slots = Slots.even(first, length, case.plant.seen.grid.step_h)
    plan = make_plan(case.plant, slots, state_at(year, found, first, case), PlanSpec())
    solver = Solver(plan.problem.arrays)
    solver.relax(True)
    relaxed = solver.run()
    started = plan.value("heat_pump.start").sum()
    missed = (plan.value("house.cold") + plan.value("house.warm") + plan.value("tank.missed")) @ slots.step_h
    return DayCheck(
        first, what, relaxed.objective, plan.certificate.objective, round(float(started)), float(missed)
    )


def state_at(year: Year, found: Evaluated, step: int, case: HomeCase, scenario: int = 0) -> State:
    """Return the state of the home at a step of the year's operation."""
    k = int(np.searchsorted([s.first for s in year.slots], step, side="right") - 1)
    program, x = year.programs[k], found.years[scenario].x[k]
    back = program.model.length - (step - year.slots[k].first)
    if step == year.slots[k].first:
        levels = x[program.starts]
    else:
        levels = np.array([sum(w * x[c - back] for w, c in end) for end in program.ends])
    plant, position = case.plant, 0
    house_c, tank_c, battery = np.zeros(0), np.zeros(0), 0.0
    if plant.house is not None:
        position = plant.house.network.nodes
        house_c = levels[:position]
    if plant.tank is not None:
        sizes = dict(zip(year.scaled.names, found.sizes, strict=True))
        per_k = plant.tank.capacity_kwh_per_k * sizes[TANK] / max(sizes[TANK], 1e-9)
        warm = float(np.min(plant.tank.low_c)) + levels[position] / per_k
        tank_c, position = np.full(plant.tank.layers, warm), position + 1
    if plant.battery is not None:
        battery, position = min(float(levels[position]), plant.battery.capacity_kwh), position + 1
    base = State(house_c=house_c, tank_c=tank_c, battery_kwh=battery)
    return replace(base, vehicle_kwh=tuple(float(v) for v in levels[position:]))
