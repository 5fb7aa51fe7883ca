"""The loop over time of :mod:`varme.home.simulate.fleet`: every operation writes into arrays that exist already.

Room and tank stand in one array, so each operation serves both. Names: ``x2`` has the rows room and tank, ``x3`` mass,
room and tank.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from varme.home.simulate.inputs import Numbers, Rows
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
        self.rows: dict[str, Rows] = {
            "switch": run.switch, "asked": run.asked, "heat_min": run.heat_min, "heat_max": run.heat_max,
            "electric_on": run.electric_on, "electric_slope": run.electric_slope, "rest": run.rest,
            "spare": run.spare, "backup_low": run.backup_low,
        }  # fmt: skip
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
    x3, old3 = np.empty((3, homes), dtype=dtype), np.empty((3, homes), dtype=dtype)
    cross2, a2, b2, flag2 = (np.empty((2, homes), dtype=dtype) for _ in range(4))
    threshold2 = np.empty((2, homes), dtype=dtype)
    cold2 = np.empty((2, homes), dtype=bool)
    wants, locked, change = (np.empty(homes, dtype=np.uint8) for _ in range(3))
    a, b, c = (np.empty(homes, dtype=dtype) for _ in range(3))
    old3[...] = run.state
    memory, lock, on = run.memory, run.lock, run.on.copy()
    want2 = np.empty((2, homes), dtype=bool)
    room_wants, water_wants = want2.view(np.uint8)
    pump_off, run_more = run.pause_left, run.run_left - run.pause_left
    inputs = s.inputs
    surplus = run.sunny
    for i in range(steps):
        both = old3[1:]
        # Hysteresis of room and tank.
        np.multiply(memory, run.band, out=threshold2)
        np.add(threshold2, inputs["switch"][i], out=threshold2)
        asked = inputs["asked"][i]
        if surplus:
            asked = _sunny(run, inputs["pv_load"][i, 0], asked, threshold2, memory)
        np.less(both, threshold2, out=want2)
        if run.timed and run.allowed is not None:
            want2[1] &= run.allowed[first + i] | (old3[2] < run.tank_low)
        np.copyto(memory, want2)
        # The compressor: shortest run and pause in steps that are left.
        np.bitwise_or(room_wants, water_wants, out=wants)
        np.minimum(lock, 1, out=locked)
        np.subtract(lock, locked, out=lock)
        np.bitwise_xor(wants, on, out=change)
        np.bitwise_and(change, np.subtract(1, locked, out=locked), out=change)
        now = s.on[i]
        np.bitwise_xor(on, change, out=now)
        if run.blocked is not None:
            np.bitwise_and(now, run.blocked[first + i], out=now)
            np.bitwise_xor(on, now, out=change)
        np.multiply(now, run_more, out=locked)
        np.add(locked, pump_off, out=locked)
        np.multiply(locked, change, out=locked)
        np.maximum(lock, locked, out=lock)
        on = now
        water = s.water[i]
        np.bitwise_and(now, water_wants, out=water)
        np.copyto(flag2[1], water)
        np.copyto(flag2[0], np.bitwise_xor(now, water, out=wants))
        # Heat and electricity.
        heat = s.heat[i]
        np.multiply(both, run.gain, out=heat)
        np.subtract(asked, heat, out=heat)
        np.maximum(heat, inputs["heat_min"][i], out=heat)
        np.minimum(heat, inputs["heat_max"][i], out=heat)
        np.multiply(heat, flag2, out=heat)
        np.multiply(heat, inputs["electric_slope"][i], out=a2)
        np.multiply(flag2[0], inputs["electric_on"][i, 0], out=b2[0])
        power = s.single["power"][i]
        np.add(a2[0], a2[1], out=power)
        np.add(power, b2[0], out=power)
        # Backup heaters, if anywhere it is cold enough.
        np.multiply(both, run.backup_gain, out=a2)
        np.less(a2, inputs["backup_low"][i], out=cold2)
        extra = s.backup[i]
        helped = cold2.any()
        if helped:
            np.subtract(inputs["backup_low"][i], a2, out=extra)
            np.maximum(extra, 0, out=extra)
            np.minimum(extra[0], run.backup, out=extra[0])
            np.subtract(run.backup, extra[0], out=a)
            np.minimum(extra[1], a, out=extra[1])
        else:
            extra[...] = 0
        # Temperatures.
        x3 = s.state[i]
        np.multiply(old3, run.diagonal, out=x3)
        np.multiply(old3[1::-1], run.cross, out=cross2)
        np.add(x3[:2], cross2, out=x3[:2])
        np.add(x3, inputs["rest"][i], out=x3)
        if helped:
            np.add(heat, extra, out=a2)
            room_heat, tank_heat = a2
        else:
            room_heat, tank_heat = heat
        np.multiply(run.heat[:2], room_heat, out=cross2)
        np.add(x3[:2], cross2, out=x3[:2])
        np.multiply(run.heat[2], tank_heat, out=a)
        np.add(x3[2], a, out=x3[2])
        old3 = x3
        # Vehicle, battery, grid.
        spare = s.single["spare"][i]
        np.subtract(inputs["spare"][i, 0], power, out=spare)
        if helped:
            spare -= extra[0]
            spare -= extra[1]
        if run.cars:
            _car(run, s, first + i, i, power if not helped else power + extra[0] + extra[1])
            spare -= s.single["car"][i]
        if run.has_battery:
            flow = s.single["battery"][i]
            np.minimum(spare, run.power, out=a)
            np.maximum(a, np.negative(run.power, out=b), out=a)
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
    run.state = old3.copy()
    run.on = on.copy()


def _sunny(run: FleetRun, pv_load: Numbers, asked: Numbers, threshold2: Numbers, memory: Numbers) -> Numbers:
    """Raise set points where PV leaves a surplus: change the thresholds, return what is asked for."""
    sun = (pv_load > run.surplus).astype(run.block.dtype)
    threshold2[0] += sun * run.surplus_room
    waits = run.surplus_wait * (1 - memory[1]) + run.surplus_tank * memory[1]
    threshold2[1] += sun * waits
    return np.stack([asked[0] + sun * run.surplus_asked, asked[1] + sun * run.surplus_need])


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
    k, hours, block = run.block.number, run.block.hours, run.block
    one = {name: values[:steps] for name, values in s.single.items()}
    wide = np.float64

    def total(values: NDArray[Any]) -> Floats:
        return np.asarray(values.sum(axis=0, dtype=wide)) * hours

    bought = np.maximum(-one["spare"], 0)
    surplus = np.maximum(one["spare"], 0)
    buy, sell, co2 = (run.prices[name][first : first + steps] for name in ("buy", "sell", "co2"))
    most = np.where(sell < 0, 0.0, k["export_max"] if np.ndim(sell) == 2 else k["export_max"][None])
    sold = np.minimum(surplus, most.astype(block.dtype))
    out = {
        "import_kwh": total(bought), "export_kwh": total(sold), "cut_kwh": total(surplus - sold),
        "heat_pump_kwh": total(one["power"]) + k["standby"] * hours * steps,
        "backup_room_kwh": total(s.backup[:steps, 0]), "backup_water_kwh": total(s.backup[:steps, 1]),
        "room_heat_kwh": total(s.heat[:steps, 0]), "water_heat_kwh": total(s.heat[:steps, 1]),
        "charge_kwh": total(np.maximum(one["battery"], 0)), "discharge_kwh": total(np.maximum(-one["battery"], 0)),
        "vehicle_kwh": total(one["car"]), "stranded_kwh": total(one["stranded"]) / hours,
        "short_kwh": total(one["short"]) / hours,
        "run_h": total(s.on[:steps]),
    }  # fmt: skip
    starts = np.count_nonzero(s.on[1:steps] > s.on[: steps - 1], axis=0) + (s.on[0] > before_on)
    out["starts_count"] = starts.astype(wide)
    out["electricity_cent"] = _valued(buy, bought, hours) - _valued(sell, sold, hours)
    out["cost_cent"] = (
        out["electricity_cent"] + k["battery_wear"] * out["discharge_kwh"] + k["start"] * starts
    )
    out["co2_kg"] = _valued(co2, bought, hours) / 1e3
    low, high = (run.comfort[name][first : first + steps] for name in ("low", "high"))
    room, tank = s.state[:steps, 1], s.state[:steps, 2]
    out["cold_k_h"] = total(np.maximum(low - room, 0)) * (k["house"] > 0)
    out["warm_k_h"] = total(np.maximum(room - high, 0)) * (k["house"] > 0)
    out["water_missed_k_h"] = total(np.maximum(run.tank_low - tank, 0)) * (k["tank"] > 0)
    out["room_mean_c"] = total(room)
    return out


def _valued(price: Floats, power: Numbers, hours: float) -> Floats:
    """Return power times price; prices of shape (steps, 1), equal for all homes, or (steps, H)."""
    if price.shape[1] == 1:
        return np.asarray(price[:, 0].astype(power.dtype) @ power, dtype=float) * hours
    return np.asarray((price * power).sum(axis=0, dtype=float)) * hours
