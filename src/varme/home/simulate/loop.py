"""The loop over time of :mod:`varme.home.simulate.fleet`: every operation writes into arrays that exist already.

Room and tank stand in one array, so many operations serve both. Names that end in 2 have the rows room and tank (of a
house: mass and room), those that end in 3 have mass, room and tank.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from varme.home.simulate.inputs import Numbers, Rows, Series
from varme.kernel.model import Floats

if TYPE_CHECKING:
    from varme.home.simulate.fleet import FleetRun

#: What a stretch keeps of every step, shape (steps, H) or, for the pairs, (steps, 2, H).
SINGLE = ("spare", "power", "battery", "car", "stranded", "short")


class Stretch:
    """Buffers of one stretch of steps: inputs and what happened."""

    def __init__(self, run: FleetRun, steps: int) -> None:
        block = run.block
        self.shape = (steps, block.homes)
        self.inputs: dict[str, Numbers] = {}
        names = (
            "switch_on", "switch_off", "asked", "heat_min", "heat_max", "electric_on", "electric_slope", "rest",
            "tank_rest", "spare", "backup_below",
        )  # fmt: skip
        self.rows: dict[str, Rows] = {name: getattr(run, name) for name in names}
        if run.cars:
            self.rows |= run.car_rows
        if run.sunny or run.cars:
            self.rows["pv_load"] = run.pv_load
        for name, rows in self.rows.items():
            count = rows.flat.shape[1] // block.homes
            if rows.steady is not None:
                self.inputs[name] = np.broadcast_to(rows.steady, (steps, *rows.steady.shape))
            else:
                self.inputs[name] = np.empty((steps, count, block.homes), dtype=block.dtype)
        homes, dtype = block.homes, block.dtype
        self.state = np.zeros((steps, 3, homes), dtype=dtype)
        self.heat, self.backup = (np.zeros((steps, 2, homes), dtype=dtype) for _ in range(2))
        self.single = {name: np.zeros((steps, homes), dtype=dtype) for name in SINGLE}
        #: Whether a backup heater ran in the stretch.
        self.helped = False
        self.scratch = np.zeros((steps, homes), dtype=dtype)
        self.on = np.zeros((steps, block.homes), dtype=np.uint8)
        self.water = np.zeros((steps, block.homes), dtype=np.uint8)

    def fill(self, first: int, steps: int) -> None:
        """Read the inputs of the steps from ``first`` on."""
        for name, rows in self.rows.items():
            if rows.steady is None:
                rows.fill(first, self.inputs[name][:steps])


def advance(run: FleetRun, s: Stretch, first: int, steps: int) -> None:
    """Simulate a stretch; the states of the run are changed in place."""
    homes, dtype = run.block.homes, run.block.dtype
    cross2, a2 = (np.empty((2, homes), dtype=dtype) for _ in range(2))
    a, b, c, room_flag, tank_flag = (np.empty(homes, dtype=dtype) for _ in range(5))
    want2, keep2, cold2 = (np.empty((2, homes), dtype=bool) for _ in range(3))
    want, keep = want2.view(np.uint8), keep2.view(np.uint8)
    wants, locked, change = (np.empty(homes, dtype=np.uint8) for _ in range(3))
    lock, on, old3 = run.lock, run.on, run.state
    run_more = run.run_left - run.pause_left
    inputs = s.inputs
    np.copyto(want, run.memory)
    s.backup[...] = 0
    s.helped = False
    for i in range(steps):
        both = old3[1:]
        asked, need = inputs["asked"][i, 0], run.need
        # Hysteresis of room and tank.
        first2, last2 = inputs["switch_on"][i], inputs["switch_off"][i]
        if run.sunny:
            asked, need, first2, last2 = _sunny(run, inputs["pv_load"][i, 0], asked, first2, last2)
        np.less(both, last2, out=keep2)
        np.bitwise_and(want, keep, out=keep)
        np.less(both, first2, out=want2)
        np.bitwise_or(want, keep, out=want)
        if run.allowed is not None:
            want2[1] &= _allowed(run, first + i, inputs, i) | (old3[2] < run.tank_low)
        # The compressor: shortest run and pause in steps that are left.
        np.bitwise_or(want[0], want[1], out=wants)
        np.minimum(lock, 1, out=locked)
        np.subtract(lock, locked, out=lock)
        np.bitwise_xor(wants, on, out=change)
        np.bitwise_xor(locked, 1, out=locked)
        np.bitwise_and(change, locked, out=change)
        now, water = s.on[i], s.water[i]
        np.bitwise_xor(on, change, out=now)
        if run.blocked is not None:
            np.bitwise_and(now, run.blocked[first + i], out=now)
            np.bitwise_xor(on, now, out=change)
        np.multiply(now, run_more, out=locked)
        np.add(locked, run.pause_left, out=locked)
        np.multiply(locked, change, out=locked)
        np.maximum(lock, locked, out=lock)
        on = now
        np.bitwise_and(now, want[1] if run.houseless is None else want[1] | run.houseless, out=water)
        np.copyto(tank_flag, water)
        np.copyto(room_flag, np.bitwise_xor(now, water, out=wants))
        # Heat and electricity.
        heat = s.heat[i]
        room, tank = heat
        np.multiply(both, run.gain, out=heat)
        np.subtract(asked, room, out=room)
        np.subtract(need, tank, out=tank)
        if run.houseless is not None:
            np.maximum(tank, 0, out=tank)
        np.maximum(room, inputs["heat_min"][i, 0], out=room)
        np.minimum(heat, inputs["heat_max"][i], out=heat)
        np.multiply(room, room_flag, out=room)
        np.multiply(tank, tank_flag, out=tank)
        np.multiply(heat, inputs["electric_slope"][i], out=a2)
        power = s.single["power"][i]
        np.multiply(room_flag, inputs["electric_on"][i, 0], out=power)
        np.add(power, a2[0], out=power)
        np.add(power, a2[1], out=power)
        spare = s.single["spare"][i]
        np.subtract(inputs["spare"][i, 0], power, out=spare)
        # Backup heaters, if anywhere it is cold enough.
        extra = s.backup[i]
        below = inputs["backup_below"][i]
        np.less(both, below, out=cold2)
        if cold2.any():
            s.helped = True
            np.subtract(below, both, out=extra)
            np.multiply(extra, run.backup_gain, out=extra)
            np.multiply(extra, cold2, out=extra)
            np.minimum(extra[0], run.backup, out=extra[0])
            np.subtract(run.backup, extra[0], out=a)
            np.minimum(extra[1], a, out=extra[1])
            np.subtract(spare, extra[0], out=spare)
            np.subtract(spare, extra[1], out=spare)
            room, tank = np.add(heat, extra, out=a2)
        # Temperatures.
        new3 = s.state[i]
        house = new3[:2]
        np.multiply(old3, run.diagonal, out=new3)
        np.multiply(old3[1::-1], run.cross, out=cross2)
        np.add(house, cross2, out=house)
        np.add(house, inputs["rest"][i], out=house)
        np.multiply(run.heat[:2], room, out=cross2)
        np.add(house, cross2, out=house)
        np.multiply(run.heat[2], tank, out=a)
        np.add(new3[2], a, out=new3[2])
        np.add(new3[2], inputs["tank_rest"][i, 0], out=new3[2])
        old3 = new3
        # Vehicle, battery.
        if run.cars:
            _car(run, s, first + i, i, power + extra[0] + extra[1])
            np.subtract(spare, s.single["car"][i], out=spare)
        if run.has_battery:
            flow = s.single["battery"][i]
            np.minimum(spare, run.power, out=a)
            np.maximum(a, run.power_back, out=a)
            np.multiply(a, run.charge_rate, out=b)
            np.multiply(a, run.give_rate, out=a)
            np.minimum(a, b, out=a)
            np.add(run.battery, a, out=a)
            np.maximum(a, 0, out=a)
            np.minimum(a, run.capacity, out=a)
            np.subtract(a, run.battery, out=b)
            run.battery, a = a, run.battery
            np.multiply(b, run.per_charge, out=c)
            np.multiply(b, run.per_give, out=b)
            np.maximum(b, c, out=flow)
            np.subtract(spare, flow, out=spare)
    run.state, run.on, run.memory = old3.copy(), on.copy(), want.copy()


def _allowed(run: FleetRun, at: int, inputs: dict[str, Numbers], i: int) -> NDArray[np.bool_]:
    """Return where the tank may be heated in a step: in its hours, and with surplus PV."""
    assert run.allowed is not None
    allowed = run.allowed[at]
    sun = (inputs["pv_load"][i, 0] > run.surplus) if run.sunny else allowed
    return np.asarray(allowed | sun, dtype=bool)


def _sunny(
    run: FleetRun, pv_load: Numbers, asked: Numbers, first2: Numbers, last2: Numbers
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Return what is asked for, and the thresholds, with set points raised where PV leaves a surplus."""
    sun = (pv_load > run.surplus).astype(run.block.dtype)
    room = sun * run.surplus_room
    first2 = np.stack([first2[0] + room, first2[1] + sun * run.surplus_wait])
    last2 = np.stack([last2[0] + room, last2[1] + sun * run.surplus_tank])
    return asked + sun * run.surplus_asked, run.need + sun * run.surplus_need, first2, last2


def _car(run: FleetRun, s: Stretch, at: int, i: int, power: Numbers) -> None:
    """Charge and drive the vehicles of one step."""
    k, hours = run.car_numbers, run.block.hours
    home = s.inputs["car_home"][i, 0]
    wanted = np.maximum(k["wish"] - run.car, 0) / (k["eta"] * hours)
    charge = np.minimum(wanted, k["kw"]) * run.charging[at]
    charge = np.where((charge > 0) & (charge < k["min"]), k["min"], charge)
    if run.by_sun.any():
        spare = np.maximum(s.inputs["pv_load"][i, 0] - power - k["standby"], 0)
        sun = np.where(spare >= k["min"], np.minimum(spare, k["kw"]), 0)
        room = (k["kwh"] - run.car) / (k["eta"] * hours)
        sun = np.where(room >= k["min"], np.minimum(sun, room), 0)
        charge = np.where(run.by_sun, np.maximum(charge, sun), charge)
    charge = np.minimum(charge * home, np.maximum(k["kwh"] - run.car, 0) / (k["eta"] * hours))
    level = run.car + charge * k["eta"] * hours - s.inputs["car_trip"][i, 0]
    stranded = np.maximum(-level, 0)
    run.car = level + stranded
    s.single["car"][i] = charge
    s.single["stranded"][i] = stranded
    s.single["short"][i] = np.maximum(s.inputs["car_wished"][i, 0] - run.car, 0)


def sums_of(
    run: FleetRun, s: Stretch, first: int, steps: int, before_on: NDArray[np.uint8]
) -> dict[str, Floats]:
    """Return the sums of a stretch for each home."""
    k, hours = run.block.number, run.block.hours
    one = {name: values[:steps] for name, values in s.single.items()}
    every = np.ones((1, steps), dtype=run.block.dtype)
    scratch = s.scratch[:steps]

    def total(values: Numbers) -> Floats:
        flat = values if values.ndim == 2 else values.reshape(steps, -1)
        return np.asarray(every @ flat, dtype=float).reshape(values.shape[1:]) * hours

    heat = total(s.heat[:steps])
    backup = total(s.backup[:steps]) if s.helped else np.zeros((2, run.block.homes))
    out = _traded(run, s, first, steps)
    nothing = np.zeros(run.block.homes)
    charge = total(np.maximum(one["battery"], 0, out=scratch)) if run.has_battery else nothing
    out |= {
        "heat_pump_kwh": total(one["power"]) + k["standby"] * hours * steps,
        "backup_room_kwh": backup[0], "backup_water_kwh": backup[1],
        "room_heat_kwh": heat[0], "water_heat_kwh": heat[1],
        "charge_kwh": charge, "discharge_kwh": np.maximum(charge - total(one["battery"]), 0.0),
        "room_mean_c": total(s.state[:steps, 1]),
        "vehicle_kwh": total(one["car"]) if run.cars else nothing,
        "stranded_kwh": total(one["stranded"]) / hours if run.cars else nothing,
        "short_kwh": total(one["short"]) / hours if run.cars else nothing,
    }  # fmt: skip
    out["run_h"] = s.on[:steps].sum(axis=0, dtype=np.uint8) * hours
    started = np.greater(s.on[1:steps], s.on[: steps - 1]).view(np.uint8).sum(axis=0, dtype=np.uint8)
    out["starts_count"] = started.astype(float) + (s.on[0] > before_on)
    wear = k["battery_wear"] * out["discharge_kwh"] + k["start"] * out["starts_count"]
    out["cost_cent"] = out["electricity_cent"] + wear
    low, high = (run.comfort[name][first : first + steps] for name in ("low", "high"))
    room, tank = s.state[:steps, 1], s.state[:steps, 2]
    out["cold_k_h"] = total(np.maximum(np.subtract(low, room, out=scratch), 0, out=scratch)) * k["house"]
    out["warm_k_h"] = total(np.maximum(np.subtract(room, high, out=scratch), 0, out=scratch)) * k["house"]
    missed = np.maximum(np.subtract(run.tank_low, tank, out=scratch), 0, out=scratch)
    out["water_missed_k_h"] = total(missed) * k["tank"]
    return out


def _traded(run: FleetRun, s: Stretch, first: int, steps: int) -> dict[str, Floats]:
    """Return what was bought, sold and cut in a stretch, what it cost, and its emissions."""
    hours, dtype = run.block.hours, run.block.dtype
    spare, scratch = s.single["spare"][:steps], s.scratch[:steps]
    every = np.ones((1, steps), dtype=dtype)

    def total(values: Numbers) -> Floats:
        return np.asarray((every @ values)[0] * hours, dtype=float)

    bought = np.negative(np.minimum(spare, 0, out=scratch), out=scratch)
    import_kwh = total(bought)
    cost, carbon = (_valued(run.prices[name], first, bought, hours) for name in ("buy", "co2"))
    price = run.prices["sell"].part(first, steps)
    limit = run.export_max if price.min() >= 0 else (price >= 0).astype(dtype) * run.export_max
    sold = np.minimum(np.maximum(spare, 0, out=scratch), limit, out=scratch)
    export_kwh = total(sold)
    return {
        "import_kwh": import_kwh, "export_kwh": export_kwh,
        "cut_kwh": np.maximum(import_kwh + total(spare) - export_kwh, 0.0),
        "electricity_cent": cost - _valued(run.prices["sell"], first, sold, hours), "co2_kg": carbon / 1e3,
    }  # fmt: skip


def _valued(price: Series, first: int, power: Numbers, hours: float) -> Floats:
    """Return power times price, summed over a stretch, shape (H,): each column of the price's basis is summed once."""
    part = slice(first, first + len(power))
    if price.whole is not None:
        return np.asarray((price.whole[part] * power).sum(axis=0, dtype=float)) * hours
    sums = np.asarray(price.basis[part].T.astype(power.dtype) @ power, dtype=float)
    return np.asarray((price.weights * sums).sum(axis=0), dtype=float) * hours
