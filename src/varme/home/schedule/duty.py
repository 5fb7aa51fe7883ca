"""The legionella duty of a plan: when it is done, which slots heat for it, and what is told about it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from varme.ground.findings import Finding
from varme.home.schedule.plan import Plan

#: A disinfection that lacks more than this is none [K].
SHORT_K = 0.1


def duty_slot(plan: Plan) -> int | None:
    """Return the slot at whose end the tank is disinfected from on; ``None`` if the plan holds no duty or skips it."""
    begins = np.flatnonzero(plan.value("tank.duty") > 0.5)
    return int(begins[0]) if begins.size else None


def duty_slots(plan: Plan) -> NDArray[np.bool_]:
    """Return the slots that heat the tank above its ordinary band for the duty, shape (n,)."""
    tank, slot = plan.problem.plant.tank, duty_slot(plan)
    out = np.zeros(plan.slots.n, dtype=bool)
    if tank is None or tank.duty is None or slot is None:
        return out
    heat = sum(plan.value(name) for name in ("heat_pump.water_heat", "backup.water", "second_heater.water"))
    level = plan.value("tank.temperature")
    ends = np.cumsum(plan.slots.step_h)
    hold = ends <= ends[slot] + tank.duty.hold_min / 60 + 1e-9
    warm = level > min(tank.high_c, tank.duty.temperature_c - 0.5) + 1e-6
    below = np.flatnonzero(~warm[: slot + 1])
    first = int(below[-1]) + 1 if below.size else 0
    out[first:] = (np.asarray(heat) > 1e-6)[first:] & hold[first:]
    return out


def duty_findings(plan: Plan) -> list[Finding]:
    """Return what is to be known of the duty: when it is done, and an alarm if it is late or cannot be done."""
    tank = plan.problem.plant.tank
    if tank is None or tank.duty is None or "tank.duty" not in plan.problem.model.vars:
        return []
    wanted, seen = tank.duty.temperature_c, plan.problem.plant.seen
    due_h = 24 * tank.duty.interval_days - plan.problem.state.legionella_h
    slot = duty_slot(plan)
    if slot is None or float(plan.value("tank.duty_short").max(initial=0.0)) > SHORT_K:
        text = (
            f"The legionella duty is due, and the tank cannot reach {wanted:g} C within this plan: no heater is "
            "strong or free enough."
        )
        return [
            Finding("legionella_missed", "alarm", "hot_water.legionella", text, {"due_h": round(due_h, 3)})
        ]
    when = seen.grid.label(int(plan.slots.edges[slot + 1]), seen.timezone)
    done_h = float(np.cumsum(plan.slots.step_h)[slot])
    evidence = {"time": when, "due_h": round(due_h, 3), "done_h": round(done_h, 3)}
    if done_h > max(due_h, 0.0) + 1.0:
        text = (
            f"The legionella duty is done at {when}, {done_h - due_h:.1f} h later than it is due: "
            "no earlier slot could."
        )
        return [Finding("legionella_late", "warning", "hot_water.legionella", text, evidence)]
    text = (
        f"The tank is held at {wanted:g} C or more from {when} on for {tank.duty.hold_min:g} min, "
        "as the legionella duty asks for."
    )
    return [Finding("legionella_planned", "note", "hot_water.legionella", text, evidence)]
