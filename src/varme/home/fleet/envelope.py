r"""Flexibility envelopes: how much more, or less, power homes can take than planned, from each slot on, how long.

For a window of slots :math:`W = \{t, ..., t + w - 1\}` the envelope is the largest deviation from the planned import
that holds in *every* slot of the window while the rest of the home stays as planned. It is the sum over devices, each
holding a constant deviation, and each within its own limits:

* *heat pump*: modulate within its limits while it runs as planned; or start in a pause (after its shortest pause,
  for at least its shortest run, or joined to a planned run); or stop in a run. Room and tank stay within comfort, with
  the exact response of house and tank to the other heat; what is below comfort in the plan is not lowered further.
* *battery*: power and level.
* *vehicle*: at home, smallest charge, level; less charge only as far as it can be made good before it leaves.

A heat pump behind a buffer tank gives no flexibility through the room here, and up to the end of a legionella duty the
tank is not made colder than planned. The sum is cut at the connection's limits. It is a safe inner bound: devices could
trade places within the window, which would allow a little more (the law that the tests hold it to: equal to a linear
program with constant deviations, never above one in which devices may trade). What the deviation changes after the
window is left to the next plan.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.home.schedule.flows import Flows, flows_of
from varme.home.schedule.plan import Plan
from varme.kernel.model import Floats

Flags = NDArray[np.bool_]
#: Modes of the compressor that an envelope may use, by row of the arrays.
MODES = ("room", "water")
_EPS = 1e-9


@dataclass(frozen=True, eq=False)
class Flex:
    """What an envelope needs of homes over n slots of equal length; H homes, V vehicles at most.

    Attributes:
        net_kw: Import less export, (H, n).
        import_max_kw: Largest import, (H, 1).
        export_max_kw: Largest export, (H, 1).
        mode: -1 off, 0 room, 1 water, 2 another mode, (H, n).
        electric_kw: Electricity of the compressor on top of its standby, (H, n).
        on_kw: a of ``electricity = a + b heat``, (H, 2, n).
        per_heat: b, (H, 2, n); infinite where the mode is missing.
        heat_min_kw: Smallest heat, (H, 2, n).
        heat_max_kw: Full load, (H, 2, n); 0 where it may not run.
        run_slots: Shortest run, (H, 1).
        pause_slots: Shortest pause, (H, 1).
        since_slots: Slots since the compressor was last switched, at the start, (H, 1).
        was_on: Whether it was on, (H, 1).
        spare_starts: Starts that are left in each slot's day, (H, n).
        room_c, room_low_c, room_high_c: Temperature at the end of each slot, and comfort, (H, n).
        room_a: Step matrix of the house, (H, 2, 2).
        room_b: Response to heat [K/kW], (H, 2).
        tank_c, tank_low_c, tank_high_c: The same of the tank, (H, n).
        tank_keep, tank_per_kw: Its step, (H, 1).
        battery_net_kw: Charge less discharge, (H, n).
        battery_kwh: Level at the end of each slot, (H, n).
        battery_max_kwh, battery_max_kw, battery_eta: The battery, (H, 1).
        car_kw: Charge, (H, V, n).
        car_kwh: Level at the end of each slot, (H, V, n).
        car_max_kw: Largest charge, 0 when away, (H, V, n).
        car_spare_kwh: Charge that could still be added from each slot on until it leaves, (H, V, n).
        car_min_kw, car_max_kwh, car_eta: The vehicle, (H, V, 1).
        step_h: Length of a slot [h].
    """

    net_kw: Floats
    import_max_kw: Floats
    export_max_kw: Floats
    mode: NDArray[np.int64]
    electric_kw: Floats
    on_kw: Floats
    per_heat: Floats
    heat_min_kw: Floats
    heat_max_kw: Floats
    run_slots: Floats
    pause_slots: Floats
    since_slots: Floats
    was_on: Floats
    spare_starts: Floats
    room_c: Floats
    room_low_c: Floats
    room_high_c: Floats
    room_a: Floats
    room_b: Floats
    tank_c: Floats
    tank_low_c: Floats
    tank_high_c: Floats
    tank_keep: Floats
    tank_per_kw: Floats
    battery_net_kw: Floats
    battery_kwh: Floats
    battery_max_kwh: Floats
    battery_max_kw: Floats
    battery_eta: Floats
    car_kw: Floats
    car_kwh: Floats
    car_max_kw: Floats
    car_spare_kwh: Floats
    car_min_kw: Floats
    car_max_kwh: Floats
    car_eta: Floats
    step_h: float


def flex_of(plan: Plan, flows: Flows | None = None) -> Flex:
    """Return what an envelope needs of one planned home (H = 1).

    Args:
        plan: The plan, of slots of equal length.
        flows: What flows in it, if that is known already.

    Raises:
        ValueError: if the slots differ in length.
    """
    slots = plan.slots
    if np.ptp(slots.counts):
        raise ValueError("envelopes need slots of equal length")
    flows, plant = flows or flows_of(plan), plan.problem.plant
    one = np.ones((1, 1))
    parts: dict[str, Floats] = {
        "net_kw": (flows.import_kw - flows.export_kw)[None],
        "import_max_kw": float(np.min(plant.grid.import_max_kw)) * one,
        "export_max_kw": float(np.min(plant.grid.export_max_kw)) * one,
    }
    parts |= _pump(plan, flows.heat_pump_kw)
    parts |= _stores(plan)
    parts |= _battery(plan) | _cars(plan)
    numbers = {k: np.asarray(v, dtype=float) for k, v in parts.items()}
    return Flex(mode=_modes(plan), step_h=float(slots.step_h[0]), **numbers)


def stacked(parts: list[Flex]) -> Flex:
    """Return many homes as one, for whole arrays at once."""
    cars = max(p.car_kw.shape[1] for p in parts)
    out = {}
    for each in fields(Flex):
        values = [getattr(p, each.name) for p in parts]
        if each.name == "step_h":
            out[each.name] = values[0]
            continue
        if each.name.startswith("car_"):
            values = [np.pad(v, ((0, 0), (0, cars - v.shape[1]), (0, 0))) for v in values]
        out[each.name] = np.concatenate(values)
    return Flex(**out)


def _modes(plan: Plan) -> NDArray[np.int64]:
    codes = {"off": -1, "room": 0, "water": 1}
    if plan.problem.plant.buffer is not None:
        codes["room"] = 2  # heat goes into the buffer: no envelope through the room
    return np.array([[codes.get(m, 2) for m in plan.modes]], dtype=np.int64)


def _pump(plan: Plan, heat_pump_kw: Floats) -> dict[str, Floats]:
    n, pump, state = plan.slots.n, plan.problem.plant.heat_pump, plan.problem.state
    on, low, high = (np.zeros((1, 2, n)) for _ in range(3))
    slope = np.full((1, 2, n), np.inf)
    one, minutes = np.ones((1, 1)), float(plan.slots.step_h[0]) * 60
    spare = np.full((1, n), np.inf)
    if pump is None:
        return {
            "electric_kw": np.zeros((1, n)), "on_kw": on, "per_heat": slope, "heat_min_kw": low, "heat_max_kw": high,
            "run_slots": one, "pause_slots": one, "since_slots": one, "was_on": 0 * one, "spare_starts": spare,
        }  # fmt: skip
    for row, mode in enumerate(MODES):
        through_buffer = mode == "room" and plan.problem.plant.buffer is not None
        if mode in pump.modes and not through_buffer:
            m = pump.modes.index(mode)
            on[0, row], slope[0, row] = pump.electric_on_kw[m], pump.electric_per_heat[m]
            low[0, row] = pump.heat_min_kw[m]
            high[0, row] = _able_kw(plan, m) * pump.available
    if np.isfinite(pump.starts_per_day_max):
        spare = np.zeros((1, n))
    return {
        "electric_kw": (heat_pump_kw - pump.standby_kw)[None], "on_kw": on, "per_heat": slope, "heat_min_kw": low,
        "heat_max_kw": high, "run_slots": np.ceil(pump.run_min / minutes - 1e-9) * one,
        "pause_slots": np.ceil(pump.pause_min / minutes - 1e-9) * one,
        "since_slots": np.floor(min(state.mode_min, 1e6) / minutes + 1e-9) * one,
        "was_on": float(state.mode != "off") * one, "spare_starts": spare,
    }  # fmt: skip


def _able_kw(plan: Plan, m: int) -> Floats:
    """Return the most heat of a mode: within full load, dimming and emitters, less the backup heater, (n,)."""
    plant = plan.problem.plant
    pump = plant.heat_pump
    assert pump is not None
    mode = pump.modes[m]
    heat = np.asarray(pump.heat_max_kw[m], dtype=float)
    backup = plan.value("backup.room") + plan.value("backup.water")
    if pump.electric_max_kw is not None:
        left = pump.electric_max_kw - pump.standby_kw - backup - pump.electric_on_kw[m]
        heat = np.minimum(heat, left / np.maximum(pump.electric_per_heat[m], 1e-9))
    if mode == "room" and plant.house is not None:
        heat = np.minimum(heat, plant.house.emitter_max_kw - backup)
    return np.asarray(np.maximum(heat, 0.0))


def _stores(plan: Plan) -> dict[str, Floats]:
    n, plant, step_h = plan.slots.n, plan.problem.plant, plan.slots.step_h
    flat = {k: np.zeros((1, n)) for k in ("room_c", "room_low_c", "room_high_c")}
    out = flat | {"room_a": np.zeros((1, 2, 2)), "room_b": np.zeros((1, 2))}
    if plant.house is not None:
        a, heat, _, _ = plant.house.network.step(float(step_h[0]))
        k = len(heat)
        out["room_a"][0, :k, :k], out["room_b"][0, :k] = a, heat
        out["room_c"] = plan.value("house.temperature_0")[None]
        out["room_low_c"], out["room_high_c"] = plant.house.low_c[None], plant.house.high_c[None]
    one = np.ones((1, 1))
    names = ("tank_c", "tank_low_c", "tank_high_c")
    tank = {k: np.zeros((1, n)) for k in names} | {"tank_keep": one, "tank_per_kw": 0 * one}
    level = plan.problem.model.vars.get("tank.temperature")
    if plant.tank is not None and level is not None:
        keep = float(np.exp(-plant.tank.loss_kw_per_k * step_h[0] / plant.tank.capacity_kwh_per_k))
        tank["tank_keep"], tank["tank_per_kw"] = keep * one, (1 - keep) / plant.tank.loss_kw_per_k * one
        tank["tank_c"] = plan.x[level.now][None]
        tank["tank_low_c"] = _tank_low_c(plan, tank["tank_c"])
        tank["tank_high_c"] = np.broadcast_to(plant.tank.high_c, (1, n))
    return out | tank


def _tank_low_c(plan: Plan, tank_c: Floats) -> Floats:
    """Return how far the tank may fall, (1, n): not at all before a legionella duty is done."""
    tank = plan.problem.plant.tank
    assert tank is not None
    low = np.array(np.broadcast_to(tank.low_c, tank_c.shape), dtype=float)
    if "tank.duty" in plan.problem.model.vars and tank.duty is not None:
        hot = np.flatnonzero(tank_c[0] >= tank.duty.temperature_c - 0.01)
        if len(hot):
            low[0, : hot[-1] + 1] = tank_c[0, : hot[-1] + 1]
    return low


def _battery(plan: Plan) -> dict[str, Floats]:
    n, battery, one = plan.slots.n, plan.problem.plant.battery, np.ones((1, 1))
    if battery is None:
        empty = np.zeros((1, n))
        return {
            "battery_net_kw": empty, "battery_kwh": empty, "battery_max_kwh": 0 * one, "battery_max_kw": 0 * one,
            "battery_eta": one,
        }  # fmt: skip
    return {
        "battery_net_kw": (plan.value("battery.charge") - plan.value("battery.discharge"))[None],
        "battery_kwh": plan.value("battery.level")[None], "battery_max_kwh": battery.capacity_kwh * one,
        "battery_max_kw": battery.power_kw * one, "battery_eta": battery.one_way_share * one,
    }  # fmt: skip


def _cars(plan: Plan) -> dict[str, Floats]:
    n, cars, h = plan.slots.n, plan.problem.plant.vehicles, float(plan.slots.step_h[0])
    count = len(cars)
    out = {k: np.zeros((1, count, n)) for k in ("car_kw", "car_kwh", "car_max_kw", "car_spare_kwh")}
    out |= {k: np.zeros((1, count, 1)) for k in ("car_min_kw", "car_max_kwh", "car_eta")}
    for v, car in enumerate(cars):
        name = f"vehicle.{car.name}"
        charge, largest = plan.value(f"{name}.charge"), car.home * car.charge_max_kw
        out["car_kw"][0, v], out["car_kwh"][0, v] = charge, plan.value(f"{name}.level")
        out["car_max_kw"][0, v] = largest
        out["car_spare_kwh"][0, v] = _until_away((largest - charge) * h, car.home > 0.5)
        out["car_min_kw"][0, v], out["car_max_kwh"][0, v] = car.charge_min_kw, car.capacity_kwh
        out["car_eta"][0, v] = car.charge_efficiency_share
    return out


def _until_away(spare_kwh: Floats, home: Flags) -> Floats:
    """Return the sum of what follows, each slot included, until the next slot in which it is away, shape (n,)."""
    total = np.concatenate([np.cumsum(spare_kwh[::-1])[::-1], [0.0]])
    away = np.flatnonzero(~home)
    following = np.searchsorted(away, np.arange(len(spare_kwh)))
    stop = np.append(away, len(spare_kwh))[following]
    return np.asarray(total[:-1] - total[stop])


# ---------------------------------------------------------------------------------------------------- the envelope
def envelope(flex: Flex, length: int) -> tuple[Floats, Floats]:
    """Return how much more and less power can be held for a number of slots, from each slot on [kW].

    Args:
        flex: The homes.
        length: Slots of the window.

    Returns:
        Up and down, shape (H, n) each, >= 0; NaN where the window reaches beyond the plan.
    """
    h, n = flex.net_kw.shape
    up, down = np.full((h, n), np.nan), np.full((h, n), np.nan)
    m = n - length + 1
    if m <= 0:
        return up, down
    more = _pump_up(flex, length) + _battery_move(flex, length, 1.0) + _cars_up(flex, length)
    less = _pump_down(flex, length) + _battery_move(flex, length, -1.0) + _cars_down(flex, length)
    room_up = _least(flex.import_max_kw - flex.net_kw, length)
    room_down = _least(flex.export_max_kw + flex.net_kw, length)
    up[:, :m] = np.maximum(np.minimum(more, room_up), 0.0)
    down[:, :m] = np.maximum(np.minimum(less, room_down), 0.0)
    return up, down


def _windows(values: NDArray[Any], length: int) -> NDArray[Any]:
    return np.lib.stride_tricks.sliding_window_view(values, length, axis=-1)


def _least(values: Floats, length: int) -> Floats:
    return np.asarray(_windows(values, length).min(axis=-1))


def _all(flags: Flags, length: int) -> Flags:
    return np.asarray(_windows(flags, length).all(axis=-1))


def _response(flex: Flex, slope: Floats, rest: Floats, length: int, store: str) -> tuple[Floats, Floats]:
    """Return the response of a store to heat ``slope * e + rest`` per slot, affine in e: (U, V), shape (H, m, w).

    Args:
        flex: The homes.
        slope: Heat per unit of the deviation in each slot, (H, n).
        rest: Heat that does not depend on it, (H, n).
        length: w.
        store: ``room`` or ``tank``.
    """
    m = slope.shape[1] - length + 1
    heat = np.stack([_windows(slope, length), _windows(rest, length)])  # (2, H, m, w)
    out = np.empty_like(heat)
    if store == "tank":
        level = np.zeros(heat.shape[:3])
        for j in range(length):
            level = flex.tank_keep * level + flex.tank_per_kw * heat[..., j]
            out[..., j] = level
        return out[0], out[1]
    state = np.zeros((2, *heat.shape[:3]))
    a, b = flex.room_a[:, :, :, None], flex.room_b[:, :, None]
    assert heat.shape[2] == m
    for j in range(length):
        state = np.stack(
            [a[:, k, 0] * state[0] + a[:, k, 1] * state[1] + b[:, k] * heat[..., j] for k in (0, 1)]
        )
        out[..., j] = state[0]
    return out[0], out[1]


def _largest_within(room: Floats, slope: Floats, rest: Floats) -> Floats:
    """Return the largest e >= 0 with ``slope * e + rest <= room`` in every slot, (H, m); 0 if there is none."""
    left = room - rest
    with np.errstate(divide="ignore", invalid="ignore"):
        e = np.where(slope > _EPS, left / slope, np.where(left >= -1e-6, np.inf, -1.0))
    return np.asarray(np.maximum(e.min(axis=-1), 0.0))


def _headroom(flex: Flex, length: int, store: str, sign: float) -> Floats:
    """Return how far a store may rise (sign 1) or fall (-1) in each slot of each window, (H, m, w)."""
    level = flex.room_c if store == "room" else flex.tank_c
    high = flex.room_high_c if store == "room" else flex.tank_high_c
    low = flex.room_low_c if store == "room" else flex.tank_low_c
    return _windows(np.maximum(high - level if sign > 0 else level - low, 0.0), length)


def _pump_up(flex: Flex, length: int) -> Floats:
    """Modulate up in a planned run, or start in a planned pause, in the mode that takes more."""
    best = _modulated(flex, length, 1.0)
    pausing = flex.mode < 0
    all_off = _all(pausing, length)
    _, pauses = _run_lengths(flex)
    m = all_off.shape[1]
    before_on = np.concatenate([flex.was_on > 0.5, ~pausing[:, :-1]], axis=1)[:, :m]
    after = np.concatenate([~pausing, np.zeros((len(pausing), 1), bool)], axis=1)[:, length : length + m]
    following = np.concatenate([pauses[1], np.full((len(pausing), 1), 1e6)], axis=1)[:, length : length + m]
    paused = pauses[0][:, :m] >= flex.pause_slots
    long_enough = length >= flex.run_slots
    may = before_on | (paused & (flex.spare_starts[:, :m] >= 1))
    ends = after | ((before_on | long_enough) & (following >= flex.pause_slots))
    # Joined at both ends: two planned runs become one; at the front only: the run is longer; at the end only: earlier.
    may &= all_off & ends
    for row, store in enumerate(("room", "tank")):
        best = np.maximum(best, np.where(may, _started(flex, length, row, store), 0.0))
    return best


def _started(flex: Flex, length: int, row: int, store: str) -> Floats:
    """Return the largest electricity of a start in one mode over each window; 0 if its smallest is too much."""
    a, b = flex.on_kw[:, row], flex.per_heat[:, row]
    able = flex.heat_max_kw[:, row] > _EPS
    slope = np.where(able, 1.0 / b, 0.0)
    safe_b = np.where(np.isfinite(b), b, 0.0)
    highest = _least(np.where(able, a + safe_b * flex.heat_max_kw[:, row], 0.0), length)
    lowest = -_least(-(a + safe_b * flex.heat_min_kw[:, row]), length)
    u, v = _response(flex, slope, -a * slope, length, store)
    e = np.minimum(highest, _largest_within(_headroom(flex, length, store, 1.0), u, v))
    return np.where((e >= lowest - 1e-9) & _all(able, length), e, 0.0)


def _modulated(flex: Flex, length: int, sign: float) -> Floats:
    """Return how far the heat pump can be modulated in windows in which it runs throughout."""
    running = (flex.mode >= 0) & (flex.mode <= 1)
    row = np.clip(flex.mode, 0, 1)[:, None]
    a, b, low, high = (
        np.take_along_axis(x, row, axis=1)[:, 0]
        for x in (flex.on_kw, flex.per_heat, flex.heat_min_kw, flex.heat_max_kw)
    )
    b = np.where(np.isfinite(b), b, 0.0)
    room = (a + b * high - flex.electric_kw) if sign > 0 else (flex.electric_kw - a - b * low)
    e = _least(np.where(running, np.maximum(room, 0.0), 0.0), length)
    for k, store in enumerate(("room", "tank")):
        slope = np.where(running & (flex.mode == k) & (b > 0), 1.0 / np.maximum(b, 1e-9), 0.0)
        u, v = _response(flex, slope, np.zeros_like(slope), length, store)
        e = np.minimum(e, _largest_within(_headroom(flex, length, store, sign), u, v))
    return np.where(_all(running, length), e, 0.0)


def _pump_down(flex: Flex, length: int) -> Floats:
    """Modulate down, or stop, in windows of a planned run."""
    best = _modulated(flex, length, -1.0)
    running = (flex.mode >= 0) & (flex.mode <= 1)
    all_on = _all(running, length)
    m = all_on.shape[1]
    runs, _ = _run_lengths(flex)
    ran, left = runs[0][:, :m], np.concatenate([runs[1], np.full((len(running), 1), 1e6)], axis=1)
    left = left[:, length : length + m]
    may = all_on & ((ran >= flex.run_slots) | (ran == 0))
    goes_on = left > 0
    restarts = goes_on & (left >= flex.run_slots) & ((length >= flex.pause_slots) | (ran == 0))
    # A stop in mid-run is one more start afterwards; where the run only begins later, it is not.
    restarts &= (ran == 0) | (flex.spare_starts[:, :m] >= 1)
    may &= restarts | ~goes_on
    heat = np.zeros_like(flex.electric_kw)
    for k, store in enumerate(("room", "tank")):
        mine = flex.mode == k
        b = np.where(mine, flex.per_heat[:, k], 1.0)
        heat = np.where(mine, np.maximum(flex.electric_kw - flex.on_kw[:, k], 0.0) / b, 0.0)
        _, v = _response(flex, np.zeros_like(heat), heat, length, store)
        may &= (v <= _headroom(flex, length, store, -1.0) + 1e-9).all(axis=-1)
    stopped = _least(np.where(running, flex.electric_kw, 0.0), length)
    return np.maximum(best, np.where(may, stopped, 0.0))


def _run_lengths(flex: Flex) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Return slots on before and from each slot, and slots off before and from each slot, each (H, n).

    A run or pause that reaches the end of the plan goes on for ever.
    """
    on = flex.mode >= 0
    out = []
    for flags, was in ((on, flex.was_on > 0.5), (~on, flex.was_on <= 0.5)):
        before, count = np.zeros(flags.shape), np.where(was, flex.since_slots, 0.0)[:, 0]
        for t in range(flags.shape[1]):
            before[:, t] = count
            count = np.where(flags[:, t], count + 1, 0.0)
        after, count = np.zeros(flags.shape), np.full(len(flags), 1e6)
        for t in range(flags.shape[1] - 1, -1, -1):
            count = np.where(flags[:, t], count + 1, 0.0)
            after[:, t] = count
        out.append((before, after))
    return out[0], out[1]


def _battery_move(flex: Flex, length: int, sign: float) -> Floats:
    """Charge more (sign 1) or give more (-1), within power and level; the safe efficiency where the direction turns."""
    power = _least(flex.battery_max_kw - sign * flex.battery_net_kw, length)
    eta = flex.battery_eta
    # Level per kW: charging more costs at most 1/eta where it gives now; giving more takes at most 1/eta.
    turning = 1 / eta if sign < 0 else np.where(flex.battery_net_kw < -_EPS, 1 / eta, eta)
    per_kw = np.broadcast_to(turning, flex.net_kw.shape)
    gained = np.cumsum(_windows(per_kw, length), axis=-1) * flex.step_h
    room = flex.battery_max_kwh - flex.battery_kwh if sign > 0 else flex.battery_kwh
    held = (_windows(np.maximum(room, 0.0), length) / gained).min(axis=-1)
    return np.asarray(np.maximum(np.minimum(power, held), 0.0))


def _cars_up(flex: Flex, length: int) -> Floats:
    """Charge more, by at least the smallest charge where it does not charge."""
    if not flex.car_kw.shape[1]:
        return np.zeros((len(flex.net_kw), flex.net_kw.shape[1] - length + 1))
    power = _least(flex.car_max_kw - flex.car_kw, length)
    room = _windows(np.maximum(flex.car_max_kwh - flex.car_kwh, 0.0), length)
    ramp = np.maximum(flex.car_eta[..., None], 1e-9) * flex.step_h * np.arange(1, length + 1)
    e = np.maximum(np.minimum(power, (room / ramp).min(axis=-1)), 0.0)
    # What is lacking to the smallest charge where it charges less than that now.
    lacking = -_least(
        -np.where(flex.car_kw < flex.car_min_kw - 1e-6, flex.car_min_kw - flex.car_kw, 0.0), length
    )
    return np.asarray(np.where(e >= lacking - 1e-9, e, 0.0).sum(axis=1))


def _cars_down(flex: Flex, length: int) -> Floats:
    """Charge less, down to the smallest charge, or not at all, if it can be made good before it leaves."""
    m = flex.net_kw.shape[1] - length + 1
    if not flex.car_kw.shape[1]:
        return np.zeros((len(flex.net_kw), m))
    spare = np.concatenate([flex.car_spare_kwh, np.zeros((*flex.car_kw.shape[:2], 1))], axis=-1)
    spare = spare[..., length : length + m]
    stays = _all(flex.car_max_kw > _EPS, length)
    within = _least(np.maximum(flex.car_kw - flex.car_min_kw, 0.0), length)
    less = np.minimum(within, np.maximum(spare, 0.0) / (length * flex.step_h))
    charged = _windows(flex.car_kw, length).sum(axis=-1) * flex.step_h
    stop = np.where(charged <= spare + 1e-9, _least(flex.car_kw, length), 0.0)
    return np.asarray(np.where(stays, np.maximum(less, stop), 0.0).sum(axis=1))
