"""Whether a heat pump fits its house and its tank: what stops a study, and what its reader must know."""

from __future__ import annotations

from typing import Any

import numpy as np

from varme.components.heat_pump_machine import (
    Machine,
    full_load_kw,
    operation_limit_c,
    size_kw,
    source_of,
)
from varme.components.heat_pump_spec import HomeHeatPump
from varme.components.home import Surroundings
from varme.components.home_heat_pump import HeatPumpNumbers
from varme.components.hot_water_tank import HotWaterTank
from varme.components.house import House, HouseNumbers
from varme.data.catalogue.heat_pumps import HeatPumpModel
from varme.ground.errors import Collector
from varme.ground.findings import Finding
from varme.kernel.model import Floats

#: Shortage of heat at the design temperature that is not worth a word, as a share of the heat load.
SHORT_SHARE = 0.01
#: Share of the heat of the whole horizon that may be missing before the study is refused.
HOPELESS_SHARE = 0.3
#: Longest blocking time and most blocked hours of a day that German grid operators ask for [h] (tariffs before 2024).
BLOCKED_MAX_H = (2.0, 6.0)


def check_heat_pump(
    spec: HomeHeatPump,
    numbers: HeatPumpNumbers,
    seen: Surroundings,
    problems: Collector,
    *,
    house: House | None = None,
    room: HouseNumbers | None = None,
    tank: HotWaterTank | None = None,
    draw_kw: Floats | float = 0.0,
    second_kw: float = 0.0,
    model: HeatPumpModel | None = None,
) -> list[Finding]:
    """Check a heat pump against what it must do; problems are collected, the rest is returned.

    Args:
        spec: The heat pump.
        numbers: The same, compiled.
        seen: The surroundings.
        problems: Takes what makes a plan meaningless.
        house: The house.
        room: The same, compiled.
        tank: The tank.
        draw_kw: Heat drawn from it, shape (N,) or a number.
        second_kw: Heat of a second heater.
        model: Its model of a catalogue.
    """
    machine = numbers.machine
    if machine is None:
        return []
    _below_one(numbers, machine, problems)
    out = _how_known(spec, numbers, model)
    out += _flow(spec, machine, house, tank, problems)
    out += _blocked(spec)
    if house is not None:
        out += design_shortage(spec, machine, house, second_kw, model)
        if spec.reversible and not house.can_cool:
            text = "The heat pump is reversible, and radiators cannot cool: it only heats."
            out.append(Finding("emitters_cannot_cool", "warning", "house.emitter", text))
    if room is not None:
        out += horizon_shortage(numbers, room, seen, problems, draw_kw, second_kw)
    return out


def _below_one(numbers: HeatPumpNumbers, machine: Machine, problems: Collector) -> None:
    """Refuse a machine whose formula asks for more electricity than it gives heat, anywhere in the study."""
    if numbers.flow_c is None:
        return
    for mode, flow in zip(numbers.modes, numbers.flow_c, strict=True):
        if mode == "cool":
            continue
        raw = np.where(
            numbers.available > 0.5, machine.performance.unbounded_cop(machine.source_c, flow, 1.0), np.inf
        )
        worst = int(np.argmin(raw))
        if raw[worst] < 1.0:
            at = f"source {machine.source_c[worst]:.1f} C, flow {flow[worst]:.1f} C"
            problems.add(
                "P147", "heat_pump", f"its COP would be {raw[worst]:.2f} at {at} ({mode})", limit=">= 1"
            )


def _how_known(spec: HomeHeatPump, numbers: HeatPumpNumbers, model: HeatPumpModel | None) -> list[Finding]:
    error = numbers.cop_error_share
    evidence: dict[str, Any] = {"cop_error_share": round(error, 4)}
    if model is None and not spec.points and spec.carnot_share is None and spec.lorenz_share is None:
        text = (
            f"Nothing is known of the heat pump's COP: the median {spec.source}/water machine of the Keymark is taken, "
            f"which is right within {100 * error:.0f} % (one standard deviation). Points of the data sheet narrow that."
        )
        return [Finding("heat_pump_median", "note", "heat_pump", text, evidence)]
    if spec.carnot_share is not None or spec.lorenz_share is not None:
        text = (
            "The COP is one share of Carnot's or Lorenz' everywhere: against certified machines that errs by 11 to "
            "12 % on average, most when it is mild. Two points of the data sheet give about 6 %."
        )
        return [Finding("heat_pump_one_share", "note", "heat_pump", text, evidence)]
    if model is not None and model.full_kw and model.manufacturer != "typical":
        stated, own = size_kw(spec, model), model.full_kw
        if abs(stated / own - 1) > 0.1:
            text = f"{model.title} gives {own:.1f} kW at full load; the study scales it to {stated:.1f} kW."
            return [
                Finding(
                    "heat_pump_scaled", "warning", "heat_pump.rated_kw", text, evidence | {"model_kw": own}
                )
            ]
    return []


def _flow(
    spec: HomeHeatPump, machine: Machine, house: House | None, tank: HotWaterTank | None, problems: Collector
) -> list[Finding]:
    """Look for flow temperatures beyond the machine's highest."""
    highest, out = machine.performance.flow_max_c, []
    if house is not None and house.design_flow_c > highest + 1e-9:
        gives = float(house.emitter_heat_kw(highest))
        text = (
            f"The emitters need {house.design_flow_c:g} C at the design temperature; the heat pump makes "
            f"{highest:g} C: it gives at most {gives:.1f} of {house.design_heat_kw:.1f} kW there. "
            "Larger emitters would help."
        )
        evidence = {"flow_max_c": highest, "heat_kw": round(gives, 3)}
        out.append(Finding("flow_out_of_reach", "warning", "house.design_flow_c", text, evidence))
    if tank is None:
        return out
    reaches = highest - spec.water_approach_k
    if tank.temperature_min_c > reaches and not spec.backup_kw:
        problems.add(
            "P145", "hot_water.temperature_min_c",
            f"the heat pump warms water to {reaches:g} C, and there is no backup heater",
            value=f"{tank.temperature_min_c:g} C", limit=f"<= {reaches:g} C",
        )  # fmt: skip
    elif tank.temperature_max_c > reaches + 1e-9:
        text = (
            f"The tank may be {tank.temperature_max_c:g} C; the heat pump warms it to {reaches:g} C (flow "
            f"{highest:g} C less {spec.water_approach_k:g} K); above that only a backup heater does."
        )
        out.append(
            Finding(
                "water_out_of_reach", "note", "hot_water.temperature_max_c", text, {"water_max_c": reaches}
            )
        )
    return out


def _blocked(spec: HomeHeatPump) -> list[Finding]:
    longest, day = max((h.length_h for h in spec.blocked), default=0.0), sum(h.length_h for h in spec.blocked)
    if longest <= BLOCKED_MAX_H[0] and day <= BLOCKED_MAX_H[1]:
        return []
    text = (
        f"Blocking times of {longest:g} h at once and {day:g} h a day are longer than what grid operators usually ask "
        "(2 and 6 h)."
    )
    return [Finding("blocked_long", "note", "heat_pump.blocked", text, {"longest_h": longest, "day_h": day})]


def design_supply_kw(
    spec: HomeHeatPump, machine: Machine, house: House, outdoor_c: float, model: HeatPumpModel | None = None
) -> float:
    """Return the heat of the compressor into the emitters at an outdoor temperature [kW]; 0 below its limit."""
    if outdoor_c < operation_limit_c(spec, model):
        return 0.0
    source = outdoor_c if source_of(spec, model) == "air" else float(np.mean(machine.source_c))
    return float(full_load_kw(machine.performance, house, np.array([source]))[0])


def bivalence_c(
    spec: HomeHeatPump, machine: Machine, house: House, model: HeatPumpModel | None = None
) -> float | None:
    """Return the outdoor temperature at which the compressor alone just carries the house [C].

    Heat load without gains at 20 C inside, as EN 12831 takes it. ``None`` if the compressor carries it at the design
    temperature and below, down to -30 C. On a grid of 0.1 K.
    """
    outdoor = np.arange(200, -301, -1) / 10.0
    need = house.heat_loss_w_per_k / 1e3 * (20.0 - outdoor)
    source = (
        outdoor
        if source_of(spec, model) == "air"
        else np.full(len(outdoor), float(np.mean(machine.source_c)))
    )
    supply = np.where(
        outdoor >= operation_limit_c(spec, model), full_load_kw(machine.performance, house, source), 0.0
    )
    short = np.flatnonzero(supply < need)
    return None if not len(short) else float(outdoor[max(short[0] - 1, 0)])


def design_shortage(
    spec: HomeHeatPump,
    machine: Machine,
    house: House,
    second_kw: float = 0.0,
    model: HeatPumpModel | None = None,
) -> list[Finding]:
    """Return the finding that the house cannot be carried at its design temperature, with the missing kW and when."""
    need = house.heat_load_kw()
    compressor = design_supply_kw(spec, machine, house, house.design_outdoor_c, model)
    missing = need - compressor - spec.backup_kw - second_kw
    if missing <= SHORT_SHARE * need:
        return []
    outdoor = np.arange(int(10 * house.design_outdoor_c), 201) / 10.0
    supply = np.array([design_supply_kw(spec, machine, house, float(t), model) for t in outdoor[::5]])
    load = house.heat_loss_w_per_k / 1e3 * (20.0 - outdoor[::5])
    enough = np.flatnonzero(supply + spec.backup_kw + second_kw >= load)
    until = float(outdoor[::5][enough[0]]) if len(enough) else 20.0
    helpers = spec.backup_kw + second_kw
    text = (
        f"At the design temperature of {house.design_outdoor_c:g} C the house needs {need:.1f} kW; heat pump "
        f"({compressor:.1f} kW) and other heaters ({helpers:.1f} kW) are {missing:.1f} kW short. They carry it down to "
        f"{until:.0f} C outdoors."
    )
    evidence = {
        "missing_kw": round(missing, 3), "need_kw": round(need, 3), "heat_pump_kw": round(compressor, 3),
        "other_kw": helpers, "carried_to_c": until,
    }  # fmt: skip
    return [Finding("heat_pump_too_small", "warning", "heat_pump.rated_kw", text, evidence)]


def horizon_shortage(
    numbers: HeatPumpNumbers,
    room: HouseNumbers,
    seen: Surroundings,
    problems: Collector,
    draw_kw: Floats | float = 0.0,
    second_kw: float = 0.0,
) -> list[Finding]:
    """Tell on which days of the study the heat is short, by daily means; refuse a study in which it is hopeless.

    Need: heat loss at the lower end of comfort less gains, and the hot water drawn. Supply: compressor at full load
    where it may run, backup and second heater.
    """
    if "room" not in numbers.modes:
        return []
    loss = room.network.heat_loss_kw_per_k
    need = np.maximum(loss * (room.low_c - room.outdoor_c) - room.gains_kw, 0.0) + np.asarray(draw_kw)
    supply = (
        numbers.heat_max_kw[numbers.modes.index("room")] * numbers.available + numbers.backup_kw + second_kw
    )
    day = seen.local_day - seen.local_day[0]
    count = np.bincount(day)
    missing = (np.bincount(day, need) - np.bincount(day, np.minimum(supply, 1e6))) / np.maximum(count, 1)
    short = np.flatnonzero(
        missing > SHORT_SHARE * np.maximum(np.bincount(day, need) / np.maximum(count, 1), 1e-9)
    )
    if not len(short):
        return []
    worst = int(np.argmax(missing))
    when = np.datetime64(int(seen.local_day[0]) + worst, "D")
    text = f"short by {missing[worst]:.1f} kW in the mean of {when}, and on {len(short)} of {len(count)} days"
    lost = float(np.sum(np.maximum(missing, 0.0) * count)) / max(float(np.sum(need)), 1e-9)
    if lost > HOPELESS_SHARE:
        problems.add(
            "P144",
            "heat_pump.rated_kw",
            f"cannot carry the house: {text}",
            value=f"{100 * lost:.0f} % missing",
        )
        return []
    message = f"The heaters cannot carry the house at its lower comfort temperature: {text}. The house cools down then."
    evidence = {
        "missing_kw": round(float(missing[worst]), 3),
        "days_count": len(short),
        "worst_day": str(when),
    }
    return [Finding("heat_short", "alarm", "heat_pump.rated_kw", message, evidence)]
