"""Why a plan does what it does: one reason per slot and device, with the figures behind it.

A reason is not read off the solver. For every slot of heating the heat of that slot alone is taken away, and the
temperatures that follow are computed with the same physics: the first instant at which comfort would be missed is what
the heat is for. Whether it is made there and then, or earlier, and what for (surplus PV, a lower price, a limit),
follows from comparing the two instants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from varme.ground.tables import Column, Table, TableSchema
from varme.home.schedule.duty import duty_slots
from varme.home.schedule.flows import Flows, flows_of
from varme.home.schedule.plan import Plan
from varme.kernel.model import Floats

ReasonCode = Literal[
    "must_heat", "pv_surplus", "negative_price", "cheap_hour", "minimum_run", "legionella", "blocked", "limit",
    "end_value", "expensive_hour", "own_use", "warm_enough", "minimum_pause", "before_departure", "away", "full",
    "capped",
]  # fmt: skip
#: Temperature below which a missed degree is no rounding [K].
MISSED_K = 1e-3
#: Prices closer than this count as equal [ct/kWh].
SAME_CENT = 0.05

REASONS = TableSchema(
    "reasons",
    "Why each device does what it does, slot by slot",
    (
        Column("time", "time", "start of the slot (UTC)"),
        Column("device", "text", "heat_pump, backup, battery, or a vehicle"),
        Column("action", "text", "what it does"),
        Column("power_kw", "number", "its electricity in the slot"),
        Column("reason", "text", "reason, one word"),
        Column("price_cent_per_kwh", "number", "price of imported electricity in the slot"),
        Column("needed", "time", "when comfort would be missed without this slot; the slot itself if never"),
        Column("needed_price_cent_per_kwh", "number", "price when it would be needed; NaN if never"),
        Column("text", "text", "the reason in words"),
    ),
)

REASON_HOURS = TableSchema(
    "reason_hours",
    "Hours by device and reason",
    (
        Column("device", "text", "device"),
        Column("reason", "text", "reason"),
        Column("duration_h", "number", "hours in which it did what it did for that reason"),
    ),
)


@dataclass(frozen=True)
class Reason:
    """Why one device does what it does in one slot."""

    slot: int
    device: str
    action: str
    power_kw: float
    code: ReasonCode
    needed: int
    text: str


def room_response(plan: Plan, heat_kw: Floats) -> Floats:
    """Return how much colder the room would be at the end of each slot without the heat of one slot.

    Args:
        plan: The plan.
        heat_kw: Heat of each slot, shape (n,).

    Returns:
        Shape (n, n): row = slot whose heat is taken away, column = slot at whose end the room is looked at [K].
    """
    house = plan.problem.plant.house
    n = plan.slots.n
    out = np.zeros((n, n))
    if house is None:
        return out
    a, heat, _ = house.steps(plan.slots.step_h)
    missing = np.zeros((n, house.network.nodes))
    for slot in range(n):
        missing[:slot] = missing[:slot] @ a[slot].T
        missing[slot] = heat[slot] * heat_kw[slot]
        out[: slot + 1, slot] = missing[: slot + 1, 0]
    return out


def tank_response(plan: Plan, heat_kw: Floats) -> Floats:
    """Return how much colder the tank would be at the end of each slot without the heat of one slot, (n, n) [K]."""
    tank, hours = plan.problem.plant.tank, plan.slots.step_h
    n = plan.slots.n
    if tank is None:
        return np.zeros((n, n))
    keep = np.exp(-tank.loss_kw_per_k * hours / tank.capacity_kwh_per_k)
    first = (1 - keep) / tank.loss_kw_per_k * heat_kw
    kept = np.concatenate([[0.0], np.cumsum(np.log(keep))])
    decay = np.exp(np.minimum(kept[None, 1:] - kept[1:, None], 0.0))
    return np.asarray(np.triu(first[:, None] * decay))


def needed_at(plan: Plan, heat_kw: Floats, what: Literal["room", "water"]) -> NDArray[np.int64]:
    """Return for each slot the first slot in which comfort is missed without its heat; -1 for never, shape (n,)."""
    plant = plan.problem.plant
    if what == "room":
        colder = room_response(plan, heat_kw if plant.buffer is None else plan.value("buffer.to_room"))
        room = plan.value("house.temperature_0")
        low = plant.house.low_c if plant.house is not None else np.full(plan.slots.n, -np.inf)
        spare = room - low
    else:
        colder = tank_response(plan, heat_kw)
        spare = plan.value("tank.temperature") - (plant.tank.low_c if plant.tank is not None else -np.inf)
    missed = colder > np.maximum(spare, 0.0)[None, :] + MISSED_K
    return np.where(missed.any(axis=1), missed.argmax(axis=1), -1)


def reasons_of(plan: Plan) -> list[Reason]:
    """Return the reasons of a plan, by slot and device."""
    flows = flows_of(plan)
    found = [
        *_heat_pump(plan, flows),
        *_backup(plan, flows),
        *_battery(plan, flows),
        *_vehicles(plan, flows),
        *_deferrable(plan, flows),
    ]
    return sorted(found, key=lambda r: (r.slot, r.device))


def reasons_table(plan: Plan, reasons: Sequence[Reason]) -> Table:
    """Return the reasons as a table."""
    times = plan.problem.plant.seen.grid.times[plan.slots.edges[:-1]]
    price = plan.problem.plant.grid.import_cent_per_kwh
    slots = np.array([r.slot for r in reasons], dtype=np.int64)
    needed = np.array([r.needed for r in reasons], dtype=np.int64)
    place = np.where(needed >= 0, needed, slots)
    data = {
        "time": times[slots],
        "device": [r.device for r in reasons],
        "action": [r.action for r in reasons],
        "power_kw": [r.power_kw for r in reasons],
        "reason": [r.code for r in reasons],
        "price_cent_per_kwh": price[slots],
        "needed": times[place],
        "needed_price_cent_per_kwh": np.where(needed >= 0, price[place], np.nan),
        "text": [r.text for r in reasons],
    }
    return Table(REASONS, data)


def hours_table(plan: Plan, reasons: Sequence[Reason]) -> Table:
    """Return hours by device and reason."""
    hours = plan.slots.step_h
    found: dict[tuple[str, str], float] = {}
    for reason in reasons:
        key = (reason.device, reason.code)
        found[key] = found.get(key, 0.0) + float(hours[reason.slot])
    keys = sorted(found)
    return Table(
        REASON_HOURS,
        {
            "device": [d for d, _ in keys],
            "reason": [r for _, r in keys],
            "duration_h": [found[k] for k in keys],
        },
    )


def _clock(plan: Plan, slot: int) -> str:
    seen = plan.problem.plant.seen
    return seen.grid.label(int(plan.slots.edges[slot]), seen.timezone)[11:16]


def _end(plan: Plan, slot: int) -> str:
    """Return the wall clock at the end of a slot, where temperatures stand."""
    return _clock(plan, slot + 1)


def _surplus(plan: Plan, flows: Flows) -> NDArray[np.bool_]:
    """Return the slots in which the sun gives more than the household takes, and nothing is bought."""
    return np.asarray((flows.pv_kw > flows.load_kw + 1e-6) & (flows.import_kw < 0.05), dtype=bool)


def _heat_pump(plan: Plan, flows: Flows) -> list[Reason]:
    pump = plan.problem.plant.heat_pump
    if pump is None:
        return []
    modes, price = plan.modes, plan.problem.plant.grid.import_cent_per_kwh
    heat = {"room": flows.room_heat_kw, "water": flows.water_heat_kw}
    need = {"room": needed_at(plan, heat["room"], "room"), "water": needed_at(plan, heat["water"], "water")}
    surplus, duty = _surplus(plan, flows), duty_slots(plan)
    out = []
    for slot, mode in enumerate(modes):
        power = float(flows.heat_pump_kw[slot])
        if mode == "off":
            code, text = _why_off(plan, slot, price)
            out.append(Reason(slot, "heat_pump", "off", power, code, -1, text))
            continue
        if mode == "cool":
            text = "The room would become too warm."
            out.append(Reason(slot, "heat_pump", "cooling", power, "must_heat", slot, text))
            continue
        if mode == "water" and duty[slot]:
            text = "The tank is made hot against legionella: the duty may be shifted, not skipped."
            out.append(Reason(slot, "heat_pump", "hot water", power, "legionella", slot, text))
            continue
        needed = int(need[mode][slot])
        code, text = _why_heat(plan, slot, mode, needed, bool(surplus[slot]), price)
        action = "hot water" if mode == "water" else "heating"
        out.append(Reason(slot, "heat_pump", action, power, code, needed, text))
    return out


def _why_heat(
    plan: Plan, slot: int, mode: str, needed: int, surplus: bool, price: Floats
) -> tuple[ReasonCode, str]:
    what = "the tank" if mode == "water" else "the room"
    if price[slot] < 0:
        return "negative_price", f"Electricity is paid for: {price[slot]:.1f} ct/kWh."
    if 0 <= needed <= slot + 1:
        return "must_heat", f"Without it {what} would fall below its limit by {_end(plan, needed)}."
    if surplus:
        return "pv_surplus", f"Surplus PV is kept as heat in {what}."
    if needed < 0:
        return "end_value", f"The heat stays in {what} for after the plan's end."
    saved = price[needed] - price[slot]
    when = _end(plan, needed)
    if saved > SAME_CENT:
        text = f"{price[slot]:.1f} ct/kWh now, {price[needed]:.1f} by {when}, when {what} would need it."
        return "cheap_hour", text
    if _within_run(plan, slot):
        return "minimum_run", f"The compressor started less than {_run_min(plan):.0f} min ago."
    return "limit", f"Needed by {when}, and the heat pump cannot make all of it then."


def _run_min(plan: Plan) -> float:
    pump = plan.problem.plant.heat_pump
    return 0.0 if pump is None else pump.run_min


def _within_run(plan: Plan, slot: int) -> bool:
    """Return whether a start binds the compressor in a slot."""
    modes, start = plan.modes, plan.slots.start_h * 60
    first = slot
    while first > 0 and modes[first - 1] != "off":
        first -= 1
    before = plan.problem.state.mode_min if first == 0 and plan.problem.state.mode != "off" else 0.0
    return bool(start[slot] - start[first] + before < _run_min(plan) - 1e-9)


def _why_off(plan: Plan, slot: int, price: Floats) -> tuple[ReasonCode, str]:
    pump = plan.problem.plant.heat_pump
    if pump is not None and pump.available[slot] < 0.5:
        return "blocked", "The heat pump is blocked in this slot."
    modes, start = plan.modes, plan.slots.start_h * 60
    last = slot
    while last > 0 and modes[last - 1] == "off":
        last -= 1
    stopped = last > 0 or plan.problem.state.mode != "off"
    if pump is not None and stopped and start[slot] - start[last] < pump.pause_min - 1e-9:
        return "minimum_pause", f"The compressor stopped less than {pump.pause_min:.0f} min ago."
    later = [s for s in range(slot + 1, len(modes)) if modes[s] != "off"]
    if later and price[slot] > price[later[0]] + SAME_CENT:
        text = f"{price[slot]:.1f} ct/kWh now, {price[later[0]]:.1f} at {_clock(plan, later[0])}, when it runs next."
        return "expensive_hour", text
    return "warm_enough", "Room and tank stay within their limits without it."


def _backup(plan: Plan, flows: Flows) -> list[Reason]:
    out = []
    duty, price = duty_slots(plan), plan.problem.plant.grid.import_cent_per_kwh
    for slot in np.flatnonzero(flows.backup_kw > 1e-6):
        power = float(flows.backup_kw[slot])
        water = bool(flows.backup_water_kw[slot] > flows.backup_room_kw[slot])
        reason: tuple[ReasonCode, str] = ("limit", "The heat pump alone cannot keep the limit.")
        if water and duty[slot]:
            reason = ("legionella", "The heat pump does not reach the temperature that the duty asks for.")
        elif price[slot] < 0:
            reason = ("negative_price", f"Electricity is paid for: {price[slot]:.1f} ct/kWh.")
        what = "hot water" if water else "heating"
        out.append(Reason(int(slot), "backup", what, power, reason[0], int(slot), reason[1]))
    return out


def _deferrable(plan: Plan, flows: Flows) -> list[Reason]:
    """Return why the loads that may wait run when they do."""
    price, surplus = plan.problem.plant.grid.import_cent_per_kwh, _surplus(plan, flows)
    out = []
    for load in plan.problem.plant.loads:
        power = plan.value(f"load.{load.name}.power")
        for slot in np.flatnonzero(power > 1e-6):
            reason: tuple[ReasonCode, str] = (
                "cheap_hour",
                f"The window allows it, and {price[slot]:.1f} ct/kWh is cheap.",
            )
            if surplus[slot]:
                reason = ("pv_surplus", "Surplus PV runs it.")
            elif price[slot] > np.median(price):
                reason = ("limit", "Its window leaves no cheaper time, or its run must go on.")
            out.append(Reason(int(slot), load.name, "run", float(power[slot]), reason[0], -1, reason[1]))
    return out


def _battery(plan: Plan, flows: Flows) -> list[Reason]:
    if plan.problem.plant.battery is None:
        return []
    price, surplus = plan.problem.plant.grid.import_cent_per_kwh, _surplus(plan, flows)
    out = []
    for slot in range(plan.slots.n):
        give, take = float(flows.discharge_kw[slot]), float(flows.charge_kw[slot])
        if max(give, take) < 1e-6:
            continue
        reason: tuple[ReasonCode, str]
        if take > give:
            later = np.flatnonzero(flows.discharge_kw[slot + 1 :] > 1e-6)
            if surplus[slot] or flows.import_kw[slot] < 0.05:
                reason = ("pv_surplus", "Surplus PV is kept for later.")
            elif price[slot] < 0:
                reason = ("negative_price", f"Electricity is paid for: {price[slot]:.1f} ct/kWh.")
            elif len(later):
                use = slot + 1 + int(later[np.argmax(price[slot + 1 :][later])])
                text = f"{price[slot]:.1f} ct/kWh now, up to {price[use]:.1f} at {_clock(plan, use)}."
                reason = ("cheap_hour", text)
            else:
                reason = ("end_value", "The energy stays in the battery for after the plan's end.")
            out.append(Reason(slot, "battery", "charge", take, reason[0], -1, reason[1]))
        else:
            sold = flows.export_kw[slot] > flows.load_kw[slot]
            code: ReasonCode = "expensive_hour" if sold or price[slot] > np.median(price) else "own_use"
            text = (
                f"It saves buying at {price[slot]:.1f} ct/kWh."
                if not sold
                else "The price is high: it is sold."
            )
            out.append(Reason(slot, "battery", "discharge", give, code, -1, text))
    return out


def _vehicles(plan: Plan, flows: Flows) -> list[Reason]:
    price, surplus = plan.problem.plant.grid.import_cent_per_kwh, _surplus(plan, flows)
    out = []
    for vehicle in plan.problem.plant.vehicles:
        name = f"vehicle.{vehicle.name}"
        take, give = plan.value(f"{name}.charge"), plan.value(f"{name}.discharge")
        departures = np.flatnonzero(vehicle.wish_kwh > 0)
        for slot in np.flatnonzero(np.maximum(take, give) > 1e-6):
            nxt = departures[departures >= slot]
            leave = int(nxt[0]) if len(nxt) else -1
            if give[slot] > take[slot]:
                text = f"It saves buying at {price[slot]:.1f} ct/kWh."
                out.append(
                    Reason(int(slot), vehicle.name, "discharge", float(give[slot]), "own_use", leave, text)
                )
                continue
            code, text = _why_charge(plan, int(slot), leave, vehicle.home, bool(surplus[slot]), price)
            out.append(Reason(int(slot), vehicle.name, "charge", float(take[slot]), code, leave, text))
    return out


def _why_charge(
    plan: Plan, slot: int, leave: int, home: Floats, surplus: bool, price: Floats
) -> tuple[ReasonCode, str]:
    if surplus:
        return "pv_surplus", "Surplus PV goes into the car."
    if price[slot] < 0:
        return "negative_price", f"Electricity is paid for: {price[slot]:.1f} ct/kWh."
    if leave < 0:
        return "end_value", "The energy stays in the car for after the plan's end."
    choice = price[slot : leave + 1][home[slot : leave + 1] > 0.5]
    if len(choice) and price[slot] <= np.quantile(choice, 0.5) + SAME_CENT:
        return (
            "cheap_hour",
            f"{price[slot]:.1f} ct/kWh is among the cheapest until it leaves at {_end(plan, leave)}.",
        )
    return "before_departure", f"It leaves at {_end(plan, leave)}, and the cheaper slots do not suffice."
