"""Thousands of homes under rules in one loop over time: the fast view of the same physics.

One Python loop over the steps, NumPy over the homes: room and tank stand in one array, decisions are bytes, sums are
taken over stretches of steps, and what the loop reads of weather and machines is a small matrix product
(:mod:`varme.home.simulate.inputs`). In single precision the homes are taken in blocks that stay in the processor's
second cache; double precision keeps every series whole and agrees with :class:`~varme.home.simulate.engine.Simulator`
under :class:`~varme.home.simulate.rules.RuleController`.

Layers and buffers of water, second heaters and vehicles that give are left to the engine: a tank is mixed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from varme.home.plant import Plant, State
from varme.home.simulate.inputs import Numbers, Rows, Series, constant, series_of
from varme.home.simulate.loop import Stretch, advance, sums_of
from varme.home.simulate.rules import (
    BACKUP_K,
    STOP_K,
    Rules,
    charge_hours,
    heating_curve,
    vehicle_wish,
    within_hours,
)
from varme.kernel.model import Floats

#: Homes in a block: their state and scratch arrays fill about half of a second cache of 2 MB in single precision.
BLOCK = 4096
#: Steps of a stretch.
STRETCH = 24
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class PlantBlock:
    """Homes of one base grid as arrays over homes.

    Attributes:
        plants: The homes.
        dtype: Precision.
        n: Base steps.
        hours: Length of a step [h].
        number: Numbers of each home by name, shape (H,).
        series: Series of the homes by name.
    """

    plants: tuple[Plant, ...]
    dtype: DTypeLike
    n: int
    hours: float
    number: dict[str, Floats]
    series: dict[str, Series]

    @property
    def homes(self) -> int:
        """Number of homes."""
        return len(self.plants)


def stack(plants: Sequence[Plant], dtype: DTypeLike = np.float32) -> PlantBlock:
    """Return homes as one block.

    Args:
        plants: Homes over one base grid.
        dtype: Single precision looks for series that are combinations of a few; double keeps them whole.

    Raises:
        ValueError: if the grids differ, or a home has a second heater, more than one vehicle, or a house of more than
            two nodes.
    """
    first = plants[0].seen.grid
    if any(p.seen.grid != first for p in plants):
        raise ValueError("homes of one block need one base grid")
    if any(p.second_heater is not None for p in plants):
        raise ValueError("a block holds homes without a second heater")
    if any(len(p.vehicles) > 1 for p in plants):
        raise ValueError("a block holds homes of at most one vehicle")
    compress = np.dtype(dtype) == np.float32
    hours, n = first.step_h, first.n
    zero = np.zeros(n)
    distinct = {id(p): p for p in plants}
    numbers = {key: _numbers(p, hours) for key, p in distinct.items()}
    known = {key: _rows(p, zero) for key, p in distinct.items()}
    number = {k: np.array([numbers[id(p)][k] for p in plants]) for k in next(iter(numbers.values()))}
    rows = [known[id(p)] for p in plants]
    series = {k: series_of([r[k] for r in rows], compress=compress) for k in rows[0]}
    return PlantBlock(tuple(plants), dtype, n, hours, number, series)


def _numbers(plant: Plant, hours: float) -> dict[str, float]:
    """Return the numbers of one home; a device that it lacks has none that would do anything."""
    loss, design = heating_curve(plant)
    out = {"loss": loss, "design": design, "a00": 0.0, "a01": 0.0, "a10": 0.0, "a11": 0.0}
    out |= {f"{kind}{k}": 0.0 for kind in ("heat", "gain", "out") for k in (0, 1)}
    if plant.house is not None:
        a, heat, gain, outdoor = plant.house.network.step(hours)
        if len(a) > 2:
            raise ValueError("a block holds houses of at most two nodes")
        for k in range(len(a)):
            out |= {f"heat{k}": heat[k], f"gain{k}": gain[k], f"out{k}": outdoor[k]}
            out |= {f"a{k}{j}": a[k, j] for j in range(len(a))}
    tank, store, pump, grid = plant.tank, plant.battery, plant.heat_pump, plant.grid
    keep = 1.0 if tank is None else float(np.exp(-tank.loss_kw_per_k * hours / tank.capacity_kwh_per_k))
    out |= {
        "house": float(plant.house is not None), "tank": float(tank is not None),
        "keep": keep, "tank_gain": 0.0 if tank is None else (1 - keep) / tank.loss_kw_per_k,
        "around": 0.0 if tank is None else tank.surroundings_c,
        "tank_kwh_per_k": 0.0 if tank is None else tank.capacity_kwh_per_k,
        "tank_low": 0.0 if tank is None else tank.low_c, "tank_high": 0.0 if tank is None else tank.high_c,
        "battery_kwh": 0.0 if store is None else store.capacity_kwh,
        "battery_kw": 0.0 if store is None else store.power_kw,
        "one_way": 1.0 if store is None else store.one_way_share,
        "battery_wear": 0.0 if store is None else store.wear_cent_per_kwh,
        "run": 0.0 if pump is None else pump.run_min, "pause": 0.0 if pump is None else pump.pause_min,
        "standby": 0.0 if pump is None else pump.standby_kw, "backup": 0.0 if pump is None else pump.backup_kw,
        "start": 0.0 if pump is None else pump.start_cent, "pump": float(pump is not None),
        "export_max": grid.export_max_kw,
    }  # fmt: skip
    car = plant.vehicles[0] if plant.vehicles else None
    out |= {
        "car_kwh": 0.0 if car is None else car.capacity_kwh, "car_kw": 0.0 if car is None else car.charge_max_kw,
        "car_min": 0.0 if car is None else car.charge_min_kw,
        "car_eta": 1.0 if car is None else car.charge_efficiency_share,
        "car_wish": 0.0 if car is None else vehicle_wish(car),
    }  # fmt: skip
    return out


def _rows(plant: Plant, zero: Floats) -> dict[str, Floats]:
    """Return the series of one home."""
    house, tank, pump, grid = plant.house, plant.tank, plant.heat_pump, plant.grid
    out = {
        "outdoor": plant.seen.outdoor_c, "gains": zero if house is None else house.gains_kw,
        "low": zero if house is None else house.low_c, "high": zero if house is None else house.high_c,
        "draw": zero if tank is None else tank.draw_kw, "load": grid.load_kw, "pv": grid.pv_kw,
        "buy": grid.import_cent_per_kwh, "sell": grid.export_cent_per_kwh, "co2": grid.co2_g_per_kwh,
        "available": zero if pump is None else pump.available,
    }  # fmt: skip
    for name in ("room", "water"):
        m = pump.modes.index(name) if pump is not None and name in pump.modes else None
        if pump is None or m is None:
            out |= {f"{name}_{k}": zero for k in ("min", "max", "on", "slope", "full")}
            continue
        high, on, slope = pump.heat_max_kw[m], pump.electric_on_kw[m], pump.electric_per_heat[m]
        out |= {f"{name}_min": pump.heat_min_kw[m], f"{name}_max": high}
        if name == "room":
            out |= {"room_on": on, "room_slope": slope}
        else:
            out["water_full"] = on / high + slope
    car = plant.vehicles[0] if plant.vehicles else None
    out |= {"car_home": zero if car is None else car.home, "car_trip": zero if car is None else car.trip_kwh}
    out["car_wished"] = zero if car is None else car.wish_kwh
    return {k: v for k, v in out.items() if k not in {"room_full", "water_on", "water_slope", "water_min"}}


@dataclass(eq=False)
class FleetResult:
    """Sums of a simulation for each home, arrays of shape (H,), and the states at the end.

    Attributes:
        sums: Energy [kWh], cost [cent], emissions [kg], degree-hours [K h], starts, hours, by name.
        end: State of each home at the end: ``mass_c``, ``room_c``, ``tank_c``, ``battery_kwh``, ``vehicle_kwh``.
        traces: Power and temperatures of every step by name, shape (N, H), if they were asked for.
    """

    sums: dict[str, Floats]
    end: dict[str, Floats]
    traces: dict[str, Floats] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Floats:
        return self.sums[name]


def simulate_fleet(
    plants: Sequence[Plant],
    states: Sequence[State],
    rules: Sequence[Rules] | Rules,
    dtype: DTypeLike = np.float32,
) -> FleetResult:
    """Simulate homes under rules over the whole base grid, in blocks.

    Args:
        plants: Homes over one base grid.
        states: Their states at the start.
        rules: Rules of each home, or of all.
        dtype: Precision.
    """
    each = [rules] * len(plants) if isinstance(rules, Rules) else list(rules)
    parts = []
    for first in range(0, len(plants), BLOCK):
        part = slice(first, first + BLOCK)
        parts.append(FleetRun(stack(plants[part], dtype), states[part], each[part]).run())
    return FleetResult(
        {k: np.concatenate([p.sums[k] for p in parts]) for k in parts[0].sums},
        {k: np.concatenate([p.end[k] for p in parts]) for k in parts[0].end},
    )


class FleetRun:
    """A block of homes under rules.

    Args:
        block: The homes.
        states: Their states at the start.
        rules: Rules of each home, or of all.
        record: Whether to keep every step.
    """

    def __init__(
        self,
        block: PlantBlock,
        states: Sequence[State],
        rules: Sequence[Rules] | Rules,
        *,
        record: bool = False,
    ) -> None:
        self.block, self.record = block, record
        each = [rules] * block.homes if isinstance(rules, Rules) else list(rules)
        self.rules = each
        self.first_seen = block.plants[0].seen
        self._states(states)
        self._constants(each)
        self._inputs(each)

    def _array(self, values: Any) -> Any:
        return np.ascontiguousarray(np.asarray(values, dtype=self.block.dtype))

    def _states(self, states: Sequence[State]) -> None:
        k = self.block.number
        mass = [s.house_c[1] if len(s.house_c) > 1 else 0.0 for s in states]
        room = [s.house_c[0] if len(s.house_c) else 0.0 for s in states]
        tank = [float(np.mean(s.tank_c)) if len(s.tank_c) else 0.0 for s in states]
        self.state = self._array(np.array([mass, room, tank]))
        self.battery = self._array(np.array([s.battery_kwh for s in states]) * (k["battery_kwh"] > 0))
        self.car = self._array(np.array([s.vehicle_kwh[0] if s.vehicle_kwh else 0.0 for s in states]))
        self.on: Bytes = np.array([s.mode != "off" for s in states]).astype(np.uint8)
        step = self.block.hours * 60
        lasted = np.array([s.mode_min for s in states])
        left = np.where(self.on > 0, k["run"], k["pause"]) - lasted
        self.lock: Bytes = np.clip(np.ceil(left / step - 1e-9), 0, 255).astype(np.uint8)
        self.run_left = np.clip(np.ceil(k["run"] / step - 1e-9) - 1, 0, 255).astype(np.uint8)
        self.pause_left = np.clip(np.ceil(k["pause"] / step - 1e-9) - 1, 0, 255).astype(np.uint8)

    def _constants(self, rules: Sequence[Rules]) -> None:
        k, hours = self.block.number, self.block.hours
        r = {n: np.array([float(getattr(x, n)) for x in rules]) for n in _RULE_NUMBERS}
        self.rule = r
        self.diagonal = self._array(np.stack([k["a11"], k["a00"], k["keep"]]))
        self.cross = self._array(np.stack([k["a10"], k["a01"]]))
        self.heat = self._array(np.stack([k["heat1"], k["heat0"], k["tank_gain"]]))
        off = np.minimum(k["tank_low"] + r["water_off_k"], k["tank_high"])
        self.tank_off = off
        per_k = k["tank_kwh_per_k"] / hours
        self.tank_per_k = self._array(per_k)
        self.gain = self._array(np.stack([r["gain_share_per_k"] * k["design"], per_k]))
        self.backup_gain = self._array(np.stack([k["design"], per_k]))
        self.backup = self._array(k["backup"])
        self_use = np.array([x.battery == "self" for x in rules])
        power = np.where(self_use, k["battery_kw"], 0.0)
        self.power, self.power_back = self._array(power), self._array(-power)
        self.charge_rate, self.give_rate = (
            self._array(k["one_way"] * hours),
            self._array(hours / k["one_way"]),
        )
        self.per_charge, self.per_give = (
            self._array(1 / (k["one_way"] * hours)),
            self._array(k["one_way"] / hours),
        )
        self.capacity = self._array(k["battery_kwh"])
        self.has_battery = bool((power * k["battery_kwh"] > 0).any())
        self.houseless = None if k["house"].all() else (k["house"] == 0).astype(np.uint8)
        self.memory = np.zeros((2, self.block.homes), dtype=np.uint8)

    def _inputs(self, rules: Sequence[Rules]) -> None:
        """Put together what the loop reads in every step."""
        k, s, r, n, dtype = self.block.number, self.block.series, self.rule, self.block.n, self.block.dtype
        local = self.first_seen.local_h
        setback = series_of([1.0 * x.setback_k * within_hours(local, x.setback_h) for x in rules])
        target = [s["low"], constant(r["room_k"], n), setback.scaled(-1.0)]
        exists = np.where(k["house"] * k["pump"] > 0, 1.0, 0.0)
        self.target = target
        never = constant(np.where(exists > 0, 0.0, -1e9), n)
        tank = np.where(k["tank"] * k["pump"] > 0, k["tank_low"], -1e9)
        band = r["band_k"] / 2 * exists
        room = [*(x.scaled(exists) for x in target), never]
        off = constant(np.where(k["tank"] * k["pump"] > 0, self.tank_off - STOP_K, -1e9), n)
        self.switch_on = Rows([[*room, constant(-band, n)], [constant(tank + r["water_on_k"], n)]], dtype)
        self.switch_off = Rows([[*room, constant(band, n)], [off]], dtype)
        curve = k["loss"] + r["gain_share_per_k"] * k["design"]
        self.asked = Rows([[*(x.scaled(curve) for x in target), s["outdoor"].scaled(-k["loss"])]], dtype)
        self.need = self._array(self.tank_off * k["tank_kwh_per_k"] / self.block.hours)
        self.heat_min = Rows([[s["room_min"]]], dtype)
        self.heat_max = Rows([[s["room_max"]], [s["water_max"]]], dtype)
        self.electric_on = Rows([[s["room_on"]]], dtype)
        self.electric_slope = Rows([[s["room_slope"]], [s["water_full"]]], dtype)
        rest = [[s["gains"].scaled(k[f"gain{j}"]), s["outdoor"].scaled(k[f"out{j}"])] for j in (1, 0)]
        around = constant((1 - k["keep"]) * k["around"], n)
        self.rest = Rows(rest, dtype)
        self.tank_rest = Rows([[around, s["draw"].scaled(-k["tank_gain"])]], dtype)
        self.spare = Rows([[s["pv"], s["load"].scaled(-1.0), constant(-k["standby"], n)]], dtype)
        has = k["backup"] > 0
        below = [*(x.scaled(1.0 * has) for x in target), constant(np.where(has, -BACKUP_K, -1e9), n)]
        tank_below = constant(np.where(has * k["tank"] > 0, k["tank_low"] - BACKUP_K, -1e9), n)
        self.backup_below = Rows([below, [tank_below]], dtype)
        self._special(rules)

    def _special(self, rules: Sequence[Rules]) -> None:
        """Put together what only some rules and homes need; steps without it are skipped."""
        k, s, n, dtype = self.block.number, self.block.series, self.block.n, self.block.dtype
        local = self.first_seen.local_h
        every = np.ones(n, dtype=bool)
        allowed = [every if x.water_h is None else within_hours(local, x.water_h) for x in rules]
        self.timed = any(x.water_h is not None for x in rules)
        self.allowed = np.stack(allowed, axis=1) if self.timed else None
        available = s["available"]
        blocked = available.whole is not None or np.any(available.basis @ available.weights[:, :1] < 0.5)
        pumps = self.block.plants
        self.blocked = (
            np.stack(
                [np.zeros(n, bool) if p.heat_pump is None else p.heat_pump.available > 0.5 for p in pumps],
                axis=1,
            ).astype(np.uint8)
            if blocked
            else None
        )
        self.sunny = bool(np.isfinite(self.rule["surplus_kw"]).any())
        self.cars = bool((k["car_kwh"] > 0).any())
        if self.cars:
            self.charging = np.stack(
                [charge_hours(x, p) for x, p in zip(rules, self.block.plants, strict=True)], axis=1
            ).astype(dtype)
            self.by_sun = np.array([x.vehicle == "surplus" for x in rules])
            self.car_rows = {c: Rows([[s[c]]], dtype) for c in ("car_home", "car_trip", "car_wished")}
        if self.sunny or self.cars:
            self.pv_load = Rows([[s["pv"], s["load"].scaled(-1.0)]], dtype)

        k, r = {name: self._array(v) for name, v in k.items()}, self.rule
        self.surplus = self._array(r["surplus_kw"])
        self.surplus_room = self._array(r["surplus_room_k"])
        curve = self.block.number["loss"] + r["gain_share_per_k"] * self.block.number["design"]
        self.surplus_asked = self._array(curve * r["surplus_room_k"])
        raised = np.minimum(
            self.block.number["tank_low"] + r["water_off_k"] + r["surplus_water_k"],
            self.block.number["tank_high"],
        )
        self.surplus_tank = self._array(raised - self.tank_off)
        self.surplus_wait = self._array(raised - 2.0 - self.block.number["tank_low"] - r["water_on_k"])
        self.surplus_need = self._array(
            (raised - self.tank_off) * self.block.number["tank_kwh_per_k"] / self.block.hours
        )
        self.tank_low = k["tank_low"]
        self.car_numbers = {
            "kwh": k["car_kwh"], "kw": k["car_kw"], "min": k["car_min"], "eta": k["car_eta"], "wish": k["car_wish"],
            "standby": k["standby"],
        }  # fmt: skip
        self.export_max = k["export_max"]
        self.prices = {name: s[name] for name in ("buy", "sell", "co2")}
        self.comfort = {name: s[name].part(0, n).astype(dtype) for name in ("low", "high")}

    def run(self) -> FleetResult:
        """Simulate the whole base grid."""
        n, before = self.block.n, self.on.copy()
        sums: dict[str, Floats] = {}
        stretch = Stretch(self, min(STRETCH, n))
        traces: dict[str, list[Numbers]] = {}
        for first in range(0, n, STRETCH):
            steps = min(STRETCH, n - first)
            stretch.fill(first, steps)
            advance(self, stretch, first, steps)
            for name, values in sums_of(self, stretch, first, steps, before).items():
                sums[name] = np.asarray(sums[name] + values, dtype=float) if name in sums else values
            before = self.on.copy()
            if self.record:
                for name, kept in _traced(stretch, steps).items():
                    traces.setdefault(name, []).append(kept)
        sums["room_mean_c"] = np.asarray(sums["room_mean_c"] / (n * self.block.hours), dtype=float)
        end: dict[str, Numbers] = dict(zip(("mass_c", "room_c", "tank_c"), self.state, strict=True))
        end |= {"battery_kwh": self.battery, "vehicle_kwh": self.car}
        return FleetResult(
            sums, {k: np.asarray(v, dtype=float) for k, v in end.items()},
            {k: np.concatenate(v).astype(float) for k, v in traces.items()},
        )  # fmt: skip


def _traced(stretch: Stretch, steps: int) -> dict[str, Numbers]:
    """Return copies of what happened in a stretch."""
    out = {name: values[:steps].copy() for name, values in stretch.single.items()}
    out |= {"room_c": stretch.state[:steps, 1].copy(), "tank_c": stretch.state[:steps, 2].copy()}
    out |= {"room_heat_kw": stretch.heat[:steps, 0].copy(), "water_heat_kw": stretch.heat[:steps, 1].copy()}
    out |= {
        "backup_room_kw": stretch.backup[:steps, 0].copy(),
        "backup_water_kw": stretch.backup[:steps, 1].copy(),
    }
    out |= {"mass_c": stretch.state[:steps, 0].copy(), "on": stretch.on[:steps].copy()}
    return out


_RULE_NUMBERS = (
    "room_k", "band_k", "gain_share_per_k", "setback_k", "water_on_k", "water_off_k", "surplus_kw", "surplus_room_k",
    "surplus_water_k",
)  # fmt: skip
