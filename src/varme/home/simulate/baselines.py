"""What rules would cost: each with its set points tuned, so that the comparison is with a rule that is well set.

Two questions are asked. For one plan: what would a rule cost that delivers **the same heat** to room and tank, with
what is left in the stores at the end valued as in the plan? For a span: which set points of a rule are cheapest,
comfort included, knowing the weather of the span (which favours the rule)?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from varme.components.home import Slots
from varme.home.plant import Plant, State
from varme.home.simulate.engine import Simulator
from varme.home.simulate.fleet import FleetRun, stack
from varme.home.simulate.replay_plan import replayed_cent
from varme.home.simulate.rules import NIGHT_CAR, NO_STORAGE, SURPLUS, THERMOSTAT, TIMER, RuleController, Rules
from varme.home.simulate.state import Homes, Trace
from varme.kernel.model import Floats
from varme.markets.bill import peaks_cent

#: Rules by name.
RULES = {r.name: r for r in (THERMOSTAT, NIGHT_CAR, TIMER, NO_STORAGE, SURPLUS)}
#: Set points that are tried, of the room above the lower end of comfort and of the tank's switching on [K].
ROOM_K = (0.0, 0.2, 0.4, 0.7, 1.0, 1.5)
WATER_K = (0.5, 2.0, 4.0, 6.0)
#: Search of set points for the same heat: store (0 room, 1 tank), reach [K] and number of set points that are tried
#: side by side. Heat need not grow with a set point (a tank is charged once more or not), so there is no bisection.
SEARCH = ((0, 5.0, 81), (1, 8.0, 65), (0, 0.5, 41), (1, 0.5, 41))
#: Base steps of a home with a second heater that are simulated at a time.
STRETCH = 672
#: Largest difference of the heat that counts as the same.
SAME_HEAT_SHARE = 0.01


@dataclass(frozen=True, eq=False)
class Baseline:
    """A rule beside a plan.

    Attributes:
        name: Name of the rule.
        rules: The rule with its set points.
        cost_cent: Electricity, peaks, fuel, wear and starts, less what it leaves more in the stores than the plan.
        electricity_cent: Electricity bought less sold.
        room_heat_kwh: Heat into the room, backup and second heater included.
        water_heat_kwh: Heat into the tank, likewise.
        cold_k_h: Degree-hours below the comfort band.
        warm_k_h: Degree-hours above it.
        water_missed_k_h: Degree-hours in which the tank was colder than expected.
        short_kwh: Missing at departures.
        starts: Starts of the compressor.
        import_kw: Import in each base step, shape (steps,).
        room_c: Room temperature at the end of each base step.
        tank_c: Tank temperature.
        peak_cent: Charges on peaks in its cost.
        same_heat: Whether room and tank got the plan's heat within :data:`SAME_HEAT_SHARE`.
    """

    name: str
    rules: Rules
    cost_cent: float
    electricity_cent: float
    room_heat_kwh: float
    water_heat_kwh: float
    cold_k_h: float
    warm_k_h: float
    water_missed_k_h: float
    short_kwh: float
    starts: int
    import_kw: Floats
    room_c: Floats
    tank_c: Floats
    same_heat: bool
    peak_cent: float = 0.0


@dataclass(frozen=True)
class EndWorth:
    """What is left at the end is worth, as in a plan: per kelvin of house nodes and tank, per kWh of electricity."""

    room_cent_per_k: Floats
    tank_cent_per_k: float
    battery_cent_per_kwh: float
    vehicle_cent_per_kwh: float

    def of(self, homes: Homes, home: int) -> float:
        """Return what one home's state is worth [cent]."""
        out = self.battery_cent_per_kwh * float(homes.battery_kwh[home])
        out += self.vehicle_cent_per_kwh * float(homes.vehicle_kwh[home].sum())
        if homes.tank_c.shape[1]:
            out += self.tank_cent_per_k * float(homes.tank_c[home].mean())
        if homes.house_c.shape[1]:
            out += float(self.room_cent_per_k @ homes.house_c[home])
        return out


def simulated(plant: Plant, state: State, slots: Slots, rules: Sequence[Rules]) -> tuple[Trace, Homes]:
    """Run rules side by side over the steps of some slots, with the numbers that plans use."""
    simulator, homes = Simulator(plant), Homes.of(state, len(rules))
    controller = RuleController(plant, rules, simulator.hours)
    return simulator.run(homes, int(slots.edges[0]), int(slots.counts.sum()), controller), homes


def baseline_costs(
    plant: Plant,
    slots: Slots,
    state: State,
    heat_kwh: tuple[float, float],
    worth: EndWorth,
    end_cent: float,
    names: Sequence[str] = ("thermostat", "timer", "no_storage"),
) -> list[Baseline]:
    """Return what rules would cost that deliver the same heat as a plan.

    The set point of the room, then that of the tank, and both once more, are found by :data:`SEARCH`. Where no set
    point gives the heat of the plan (a tank that has to be charged once or not at all), the nearest one stands, and
    what is left in the stores is valued in any case.

    Args:
        plant: The home over its base grid.
        slots: The slots of the plan.
        state: The state at the start.
        heat_kwh: Heat of the plan into room and tank, backup and second heater included.
        worth: Terminal values of the plan.
        end_cent: What the plan's end state is worth at them.
        names: Rules, of :data:`RULES`.
    """
    rules = [RULES[name] for name in names]
    count = len(rules)
    points = np.array([[r.room_k for r in rules], [r.water_on_k for r in rules]])
    for row, reach, number in SEARCH:
        offsets = np.linspace(-reach, reach, number)
        tried = np.repeat(points[:, :, None], number, axis=2)
        tried[row] += offsets
        trace, _ = simulated(
            plant,
            state,
            slots,
            _at(list(np.repeat(np.array(rules, dtype=object), number)), tried.reshape(2, -1)),
        )
        error = np.abs(_heat(trace)[row].reshape(count, number) - heat_kwh[row])
        points[row] = tried[row, np.arange(count), error.argmin(axis=1)]
    final = _at(rules, points)
    trace, homes = simulated(plant, state, slots, final)
    out = []
    for k, rule in enumerate(rules):
        one = replace(final[k], name=rule.name)
        out.append(_baseline(plant, trace, homes, k, one, worth, end_cent, heat_kwh, state.peak_kw))
    return out


def _at(rules: Sequence[Rules], points: Floats) -> list[Rules]:
    """Return rules with set points of room and tank, shape (2, rules); the tank's hysteresis keeps its width."""
    out = []
    for rule, room, water in zip(rules, *points, strict=True):
        width = rule.water_off_k - rule.water_on_k
        out.append(
            replace(rule, room_k=float(room), water_on_k=float(water), water_off_k=float(water) + width)
        )
    return out


def _heat(trace: Trace) -> Floats:
    """Return heat into room and tank, shape (2, homes) [kWh]."""
    room = (trace["room_heat_kw"] + trace["backup_room_kw"] + trace["second_room_kw"]).sum(axis=0)
    water = (trace["water_heat_kw"] + trace["backup_water_kw"] + trace["second_water_kw"]).sum(axis=0)
    return np.stack([room, water]) * trace.hours


def _baseline(
    plant: Plant,
    trace: Trace,
    homes: Homes,
    k: int,
    rules: Rules,
    worth: EndWorth,
    end_cent: float,
    heat_kwh: tuple[float, float],
    peak_kw: float,
) -> Baseline:
    part = slice(trace.first, trace.first + trace.steps)
    grid, h = plant.grid, trace.hours
    flows = {name: values[:, k] for name, values in trace.data.items()}
    electricity = float(
        (
            grid.import_cent_per_kwh[part] @ flows["import_kw"]
            - grid.export_cent_per_kwh[part] @ flows["export_kw"]
        )
        * h
    )
    cost = replayed_cent(plant, trace, k, peak_kw)
    cold = warm = water = 0.0
    if plant.house is not None:
        cold = float(np.maximum(plant.house.low_c[part] - flows["room_c"], 0).sum()) * h
        warm = float(np.maximum(flows["room_c"] - plant.house.high_c[part], 0).sum()) * h
    if plant.tank is not None:
        water = float(np.maximum(plant.tank.low_c - flows["tank_c"], 0).sum()) * h
    given = _heat(trace)[:, k]
    same = bool(np.all(np.abs(given - np.array(heat_kwh)) <= SAME_HEAT_SHARE * np.maximum(heat_kwh, 1.0)))
    return Baseline(
        rules.name, rules, cost - (worth.of(homes, k) - end_cent), electricity, float(given[0]),
        float(given[1]), cold, warm, water, float(flows["short_kwh"].sum()), int(flows["start"].sum()),
        flows["import_kw"].copy(), flows["room_c"].copy(), flows["tank_c"].copy(), same,
        peaks_cent(grid.peaks, flows["import_kw"], h, first=trace.first, so_far_kw=peak_kw, planning=True),
    )  # fmt: skip


def tuned(plant: Plant, state: State, names: Sequence[str]) -> list[Rules]:
    """Return rules with the set points that are cheapest over the whole grid, comfort at its price included.

    All combinations of :data:`ROOM_K` and :data:`WATER_K` are run over the span, knowing its weather.

    Args:
        plant: The home as it is.
        state: The state at the start.
        names: Rules, of :data:`RULES`.
    """
    tried = [rule for name in names for rule in _variants(RULES[name])]
    found = _summed(plant, state, tried)
    price = 0.0 if plant.house is None else plant.house.discomfort_cent_per_k_h
    wishes = price * (found["cold_k_h"] + found["warm_k_h"])
    if plant.tank is not None:
        wishes = wishes + plant.tank.missed_cent_per_k_h * found["water_missed_k_h"]
    cost = (found["cost_cent"] + wishes).reshape(len(names), -1)
    best = cost.argmin(axis=1)
    per_rule = len(tried) // len(names)
    return [tried[k * per_rule + int(best[k])] for k in range(len(names))]


def _summed(plant: Plant, state: State, tried: Sequence[Rules]) -> dict[str, Floats]:
    """Return cost and missed comfort of rules over the whole grid, shape (rules,) each.

    By the fast loop, which knows no second heater: homes that have one are run by the simulator, in stretches.
    """
    if plant.second_heater is None:
        simple = replace(plant, vehicles=plant.vehicles[:1], loads=(), buffer=None)
        return FleetRun(stack([simple] * len(tried), np.float64), [state] * len(tried), tried).run().sums
    simulator, homes = Simulator(plant), Homes.of(state, len(tried))
    controller = RuleController(plant, tried, simulator.hours)
    out = {name: np.zeros(len(tried)) for name in ("cost_cent", "cold_k_h", "warm_k_h", "water_missed_k_h")}
    h, n = simulator.hours, plant.seen.grid.n
    for first in range(0, n, STRETCH):
        trace = simulator.run(homes, first, min(STRETCH, n - first), controller)
        part = slice(first, first + trace.steps)
        out["cost_cent"] += [replayed_cent(plant, trace, k) for k in range(len(tried))]
        if plant.house is not None:
            low, high = plant.house.low_c[part, None], plant.house.high_c[part, None]
            out["cold_k_h"] += np.maximum(low - trace["room_c"], 0).sum(axis=0) * h
            out["warm_k_h"] += np.maximum(trace["room_c"] - high, 0).sum(axis=0) * h
        if plant.tank is not None:
            out["water_missed_k_h"] += np.maximum(plant.tank.low_c - trace["tank_c"], 0).sum(axis=0) * h
    return out


def _variants(rule: Rules) -> list[Rules]:
    points = [(room, water) for room in ROOM_K for water in WATER_K]
    return _at([rule] * len(points), np.array(points).T)
