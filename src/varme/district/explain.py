"""An infeasible district in its own words: which bus, which hours, how much is missing, which limits bind."""

from __future__ import annotations

import numpy as np

from varme.district.case import Case
from varme.ground.errors import ModelError, Problem
from varme.kernel.explain import Explanation, Shortage, explain
from varme.kernel.model import Floats, Model

_MOST = 6


def infeasible(case: Case, model: Model, error: ModelError, run: str = "") -> ModelError:
    """Return the error in domain words; the original if it is of another kind or nothing explains it."""
    if model.arrays is None or all(problem.code != "P301" for problem in error.problems):
        return error
    cap = case.study.carbon.cap_kt
    notes = [run] if run else []
    notes += [f"under the CO2 cap of {cap:g} kt"] if cap is not None and "co2.limit" in model.rows else []
    source = f"{case.study.title} ({', '.join(notes)})" if notes else case.study.title
    balances = [bus for bus in case.buses if bus in model.rows]
    found = explain(model, balances)
    if found is None or not found.shortages:
        return error
    if found.all_rows:
        return ModelError([_contradiction(case, model, s) for s in found.shortages[:_MOST]], source)
    return ModelError([_bus_problem(case, model, found, shortage) for shortage in found.shortages], source)


def _bus_problem(case: Case, model: Model, found: Explanation, shortage: Shortage) -> Problem:
    carrier, _, name = shortage.name.partition(":")
    missing, surplus = shortage.short, shortage.over
    short = missing.sum() >= surplus.sum()
    values = missing if short else surplus
    hours = np.flatnonzero(values > 1e-6)
    worst = int(values.argmax())
    zone = case.study.time.timezone
    when = [case.grid.label(model.first + int(h), zone) for h in (hours[0], hours[-1], worst)]
    energy = float(values.sum()) * case.env.step_h
    word = "short" if short else "in surplus"
    what = (
        f"{carrier} {word} by up to {values.max():.1f} MW in {len(hours)} step{'s' if len(hours) > 1 else ''} "
        f"({energy:.1f} MWh), from {when[0]} to {when[1]}, worst at {when[2]}: "
        f"{_binding(case, model, found.x, shortage.name, worst, short=short)}"
    )
    if found.switching:
        what += "; units are off or at their minimum load at least"
        place = f"{carrier}.{name}.{'shortfall_eur_per_mwh' if short else 'spill'}"
        return Problem(
            "P301",
            f"{carrier}.{name}",
            what,
            remedy=f"Lower min_load_share, add a store, or allow it: {place}.",
        )
    remedy = (
        f"Add capacity, or allow it at a price: {carrier}.{name}.shortfall_eur_per_mwh."
        if short
        else f"Allow it to be spilled ({carrier}.{name}.spill = true), or let production be curtailed."
    )
    return Problem("P301", f"{carrier}.{name}", what, remedy=remedy)


def _binding(case: Case, model: Model, x: Floats, bus: str, step: int, *, short: bool) -> str:
    """Return what stands on the bus at a step: devices with their output and limit, stores with their level."""
    demand = case.demand[bus]
    at = model.first + step
    wanted = float(demand[at]) if isinstance(demand, np.ndarray) else float(demand)
    parts = []
    for name, device in case.devices.items():
        if bus not in device.buses().values():
            continue
        level = model.vars.get(f"{name}.level")
        if level is not None:
            parts.append(f"{name} holds {x[level.now[step]]:.0f} MWh")
            continue
        columns = [v for v in model.vars.values() if v.name.startswith(f"{name}.") and v.index.ndim]
        main = next(
            (v for v in columns if v.name.split(".")[-1] in {"fuel", "heat", "output", "import", "flow"}),
            None,
        )
        if main is not None and model.arrays is not None:
            limit = model.arrays.col_upper[main.now[step]]
            word = (
                "at its limit of" if x[main.now[step]] >= limit - 1e-6 else f"at {x[main.now[step]]:.0f} of"
            )
            parts.append(f"{name} {word} {limit:.0f} MW {main.name.split('.')[-1]}")
    text = "; ".join(parts[:_MOST]) + (f"; and {len(parts) - _MOST} more" if len(parts) > _MOST else "")
    return (
        f"demand {wanted:.1f} MW; {text or 'nothing supplies it'}"
        if short
        else f"demand {wanted:.1f} MW; {text}"
    )


def _contradiction(case: Case, model: Model, shortage: Shortage) -> Problem:
    values = np.maximum(shortage.short, shortage.over)
    when = case.grid.label(model.first + int(values.argmax()) % model.length, case.study.time.timezone)
    what = f"this limit contradicts the state before the window: missed by {values.max():.3g} at {when}"
    return Problem(
        "P301", shortage.name, what, remedy="Check minimum times, ramps, levels and caps of this device."
    )
