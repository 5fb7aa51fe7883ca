"""A plan that does not exist, in the words of a home: what is missing, when, what stands there, and what would help.

The model is made elastic (:mod:`varme.kernel.explain`): first the electricity balance may give way, then every rule.
The smallest violation says what is short and when. Nothing is relaxed in the plan itself: there is none.
"""

from __future__ import annotations

import numpy as np

from varme.components.home import Slots
from varme.ground.errors import ModelError
from varme.ground.errors import Problem as Trouble
from varme.home.plant import Plant, State
from varme.home.schedule.problem import Problem, build
from varme.kernel.explain import Explanation, Shortage, explain
from varme.kernel.model import Floats

#: Violations that are told at most.
MOST = 6

#: First part of a rule's name -> field, what it means, remedy.
RULES = {
    "heat_pump.exclusive": (
        "state.compressor", "the compressor must run or rest longer than the plan allows",
        "Check run_min, pause_min and the state at the start.",
    ),
    "heat_pump.run_min": (
        "heat_pump.run_min", "the compressor would have to stop before its shortest run is over",
        "Lower run_min, or let the tank or the room take more heat.",
    ),
    "heat_pump.pause_min": (
        "heat_pump.pause_min", "the compressor would have to start before its shortest pause is over",
        "Lower pause_min.",
    ),
    "heat_pump.starts": (
        "heat_pump.starts_per_day_max", "more starts are needed than a day allows", "Raise starts_per_day_max.",
    ),
    "heat_pump.limit": (
        "heat_pump.dimming", "the limit of controllable power cannot be kept", "Check the hours and the limit.",
    ),
    "tank": (
        "hot_water", "the tank cannot take the heat that a run makes at least, or give what is asked of it",
        "Use a larger tank, a wider band (temperature_max_c) or shorter steps.",
    ),
    "buffer": (
        "buffer", "the buffer cannot take the heat that a run makes at least",
        "Use a larger buffer or a higher temperature_max_c.",
    ),
    "house": ("house", "the house cannot follow", "Check capacity and state at the start."),
    "battery": ("battery", "the level at the start does not fit its limits", "Check state.battery_share."),
    "vehicle": ("vehicles", "the level of the vehicle cannot be kept", "Check trips, power and state.vehicle_share."),
    "load": (
        "deferrable_loads", "the load cannot be finished within its window", "Widen its window or shorten it."
    ),
    "grid": ("grid", "import or export cannot be kept within their limits", "Raise import_max_kw or export_max_kw."),
}  # fmt: skip


def infeasible(plant: Plant, slots: Slots, state: State, error: ModelError, source: str = "") -> ModelError:
    """Return an error that says why there is no plan; the original if it is of another kind or nothing explains it.

    Args:
        plant: The home over its base grid.
        slots: The slots of the plan.
        state: The state at the start.
        error: What the planner raised.
        source: Name of the study, for the message.
    """
    if all(problem.code != "P301" for problem in error.problems):
        return error
    problem = build(plant, slots, state)
    found = explain(problem.model, ["electricity"])
    if found is None or not found.shortages:
        return error
    told = [
        _electricity(problem, found, s) if s.name == "electricity" else _rule(problem, s)
        for s in found.shortages[:MOST]
    ]
    return ModelError(told, source)


def _electricity(problem: Problem, found: Explanation, shortage: Shortage) -> Trouble:
    """Return what is short on the electricity side: power, time, and what stands on it."""
    hours = problem.slots.step_h
    # The balance is supply less use: a sum that is too small means power is missing.
    missing, surplus = shortage.short, shortage.over
    values, word = (missing, "short") if missing.sum() >= surplus.sum() else (surplus, "in surplus")
    slots = np.flatnonzero(values > 1e-6)
    worst = int(values.argmax())
    energy = float(np.sum(values * hours))
    what = (
        f"electricity {word} by up to {values.max():.2f} kW in {len(slots)} slot{'s' if len(slots) > 1 else ''} "
        f"({energy:.2f} kWh), from {_when(problem, int(slots[0]))} to {_when(problem, int(slots[-1]) + 1)}; worst at "
        f"{_when(problem, worst)}: {_stands(problem, found.x, worst)}"
    )
    remedy = "Raise grid.import_max_kw, start with a fuller battery, or lower the load."
    if word == "in surplus":
        remedy = "Raise grid.export_max_kw."
    return Trouble("P301", "grid.import_max_kw", what, remedy=remedy)


def _stands(problem: Problem, x: Floats, slot: int) -> str:
    """Return what stands on the electricity side in a slot."""
    grid = problem.plant.grid
    parts = [f"load {grid.load_kw[slot]:.2f} kW", f"PV {grid.pv_kw[slot]:.2f} kW"]
    for name, text in (
        ("grid.import", "import {:.2f} of " + f"{grid.import_max_kw:g} kW"),
        ("battery.discharge", "battery gives {:.2f} kW"),
        ("battery.level", "and holds {:.2f} kWh"),
        ("backup.room", "backup heater {:.2f} kW"),
        ("backup.water", "backup heater for hot water {:.2f} kW"),
    ):
        if name in problem.model.vars:
            parts.append(text.format(float(problem.value(name, x)[slot])))
    return ", ".join(parts)


def _rule(problem: Problem, shortage: Shortage) -> Trouble:
    """Return which rule cannot be kept, by how much and when."""
    values = np.maximum(shortage.short, shortage.over).reshape(-1)
    worst = int(values.argmax())
    slot = min(worst, problem.slots.n - 1)
    names = [name for name in RULES if shortage.name == name or shortage.name.startswith(name)]
    known = max(names, key=len, default="")
    field, what, remedy = RULES.get(known, (shortage.name, "this rule contradicts the others", ""))
    text = f"{what} (missed by {values[worst]:.3g} at {_when(problem, slot)})"
    return Trouble("P301", field, text, remedy=remedy)


def _when(problem: Problem, slot: int) -> str:
    seen = problem.plant.seen
    return seen.grid.label(int(problem.slots.edges[min(slot, problem.slots.n)]), seen.timezone)
