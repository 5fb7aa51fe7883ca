"""What a reader of a sizing must know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from varme.ground.errors import Collector, ModelError
from varme.ground.findings import Finding
from varme.ground.size import Decision
from varme.ground.tables import Table
from varme.home.case import HomeCase
from varme.home.chart_words import SIZE_WORDS, size_words
from varme.home.sizing.equipment import Equipment
from varme.home.sizing.outcome import Compared, DayCheck, Operation
from varme.home.sizing.scaled import BACKUP, HEAT_PUMP

if TYPE_CHECKING:
    from varme.home.sizing.study import Found

#: A size is at its limit when it is this near to it, as a share of the limit.
AT_LIMIT = 1e-3


def left_out(equipment: Equipment) -> list[Finding]:
    """Return what the sizing does not hold of the home, and refuse what would mislead.

    Raises:
        ModelError: P345 if the household needs more than the connection gives; P348 for a device without equations
        here.
    """
    problems, missing = Collector(), []
    case = equipment.cases[0]
    plant = case.plant
    for name, one in zip(equipment.names, equipment.cases, strict=True):
        grid = one.plant.grid
        worst = int(np.argmax(grid.load_kw))
        if grid.load_kw[worst] > grid.import_max_kw:
            when = np.datetime_as_string(one.grid.times[worst], unit="m")
            problems.add(
                "P345", "household.load_kw", f"at {when} (UTC, year {name}) the load is above the largest import",
                value=f"{grid.load_kw[worst]:.2f} kW", limit=f"<= {grid.import_max_kw:g} kW",
            )  # fmt: skip
    if plant.buffer is not None:
        problems.add("P348", "buffer", "the sizing has no buffer tank of the heating circuit")
    if getattr(plant, "second_heater", None) is not None:
        problems.add("P348", "second_heater", "the sizing has no second heater beside the electric backup")
    problems.raise_if_any(ModelError)
    if plant.loads:
        missing.append("loads that may wait (their energy is not in the cost)")
    if plant.tank is not None and getattr(plant.tank, "duty", None) is not None:
        missing.append("the legionella duty")
    if plant.grid.peaks:
        missing.append("charges on peaks of the import")
    pump = plant.heat_pump
    if pump is not None and getattr(pump, "electric_max_kw", None) is not None:
        missing.append("dimming by the grid operator")
    if not missing:
        return []
    text = f"The sizing leaves out {', '.join(missing)}: check the chosen sizes with a study of the kind `home-replay`."
    return [Finding("sizing_left_out", "warning", "sizing", text, {"left_out": missing})]


def sizing_findings(
    found: Found,
    case: HomeCase,
    done: Operation,
    data: dict[str, Table],
    other: Compared | None,
    checks: list[DayCheck],
) -> list[Finding]:
    """Return what a reader of a sizing must know.

    Raises:
        ModelError: P346 if the best sizes leave the house or the water colder than the study allows.
    """
    missed_k_h = _comfort(found, done)
    out = left_out(found.equipment)
    out.append(_relaxed(checks))
    if not found.sized.closed:
        gap, asked = found.sized.gap_share, found.equipment.study.sizing.gap_share
        text = (
            f"The search ended at a gap of {100 * gap:.2f} %, not at {100 * asked:.2g} %: the sizes are good, "
            f"not proven."
        )
        out.append(Finding("sizing_gap_open", "warning", "sizing.gap_share", text, {"gap_share": gap}))
    hours = case.grid.n * case.grid.step_h
    if not 8000 <= hours <= 9500:
        text = (
            f"The horizon has {hours / 24:.0f} days, and their operation is scaled to a year of 8,760 h: sizes and "
            "costs are those of a year of such days. Give a whole year for a decision."
        )
        out.append(Finding("span_scaled", "warning", "time", text, {"days": hours / 24}))
    out += _limits(found)
    out += _flat(found, data["optimum"])
    if missed_k_h > 1.0:
        text = (
            f"The best sizes leave {missed_k_h:.0f} degree-hours a year outside comfort, at the price that the "
            f"study puts on them."
        )
        out.append(Finding("comfort_missed", "note", "house", text, {"missed_k_h": missed_k_h}))
    if found.equipment.price_year is not None:
        year = found.equipment.price_year
        text = (
            f"Investments are in money of {year}; energy prices are those of the study's series. They are not "
            f"today's quotes."
        )
        out.append(Finding("price_year", "note", "sizing", text, {"price_year": year}))
    if other is not None and not np.isfinite(other.years[0]):
        text = (
            f"Against the {other.name} nothing is saved in operation, so the investment is never paid back."
        )
        out.append(
            Finding("never_paid_back", "warning", "reference", text, {"saving_eur": other.saving_eur[0]})
        )
    if np.any(case.plant.grid.export_cent_per_kwh > case.plant.grid.import_cent_per_kwh):
        hours = (
            float(np.sum(case.plant.grid.export_cent_per_kwh > case.plant.grid.import_cent_per_kwh))
            * case.grid.step_h
        )
        text = f"In {hours:.0f} hours export earns more than import costs; export is valued at the import price then."
        out.append(Finding("export_price_bounded", "note", "tariff", text, {"hours": hours}))
    return out


def _relaxed(checks: list[DayCheck]) -> Finding:
    text = (
        "On/off is relaxed in the year: a share of the compressor may run, without starts, minimum times "
        "and smallest load, "
        "with perfect foresight."
    )
    evidence = {}
    if checks:
        relaxed, plan = sum(c.relaxed_cent for c in checks), sum(c.plan_cent for c in checks)
        evidence = {"relaxed_cent": relaxed, "plan_cent": plan, "days": len(checks)}
        text += f" Planned in full, {len(checks)} days cost {plan - relaxed:.1f} cents ({_percent(plan, relaxed)}) "
        text += "more."
    return Finding("sizing_relaxed", "note", "sizing", text, evidence)


def _percent(value: float, base: float) -> str:
    return f"{100 * (value - base) / abs(base):.1f} %" if abs(base) > 1 else "of next to nothing"


def _comfort(found: Found, done: Operation) -> float:
    """Return the degree-hours missed, and refuse sizes that leave too many."""
    study = found.equipment.study
    cold = done.series["cold_k"] + done.series.get("missed_k", np.zeros_like(done.series["cold_k"]))
    missed = float(cold.sum() * done.step_h)
    total = missed + float(done.series["warm_k"].sum() * done.step_h)
    if missed <= study.sizing.missed_max_k_h:
        return total
    worst = int(np.argmax(cold))
    year = found.search.years[0]
    when = np.datetime_as_string(year.scaled.plant.seen.grid.times[worst], unit="h")
    house, gap = year.scaled.plant.house, 0.0
    if house is not None:
        outdoor = float(done.series["outdoor_c"][worst])
        need = house.network.heat_loss_kw_per_k * (float(house.low_c[worst]) - outdoor) - float(
            house.gains_kw[worst]
        )
        sizes = found.sizes
        able = float(done.series["capacity_kw"][worst]) + sizes.get(BACKUP, 0.0)
        gap = max(0.0, need - able)
    most = {
        n: (d.max if isinstance(d, Decision) else d)
        for n, d in found.equipment.sizes.items()
        if n in (HEAT_PUMP, BACKUP)
    }
    problems = Collector()
    problems.add(
        "P346", "sizing.heat_pump_kw",
        f"{missed:.0f} degree-hours a year stay below comfort or warm water; worst at {when} (UTC): the "
        f"house alone lacks "
        f"{gap:.1f} kW",
        value=", ".join(f"{n} at most {v:g}" for n, v in most.items()),
        limit=f"<= {study.sizing.missed_max_k_h:g} degree-hours (sizing.missed_max_k_h)",
        remedy=f"Allow {gap:.1f} kW more of heat pump or backup heater, or price comfort higher.",
    )  # fmt: skip
    problems.raise_if_any(ModelError)
    return total


def _limits(found: Found) -> list[Finding]:
    out = []
    for name, value in found.sizes.items():
        decision = found.equipment.decisions.get(name)
        if decision is not None and value >= decision.max * (1 - AT_LIMIT):
            text = f"The best {name} is at its upper limit of {decision.max:g}: a larger one may be cheaper still."
            out.append(Finding("size_at_limit", "note", f"sizing.{name}", text, {"value": value}))
    return out


def _flat(found: Found, optimum: Table) -> list[Finding]:
    share = found.equipment.study.sizing.flat_share
    parts, evidence = [], {}
    low, high = optimum.column("flat_low"), optimum.column("flat_high")
    for name, a, b in zip(optimum.column("size"), low, high, strict=True):
        if np.isfinite(a):
            parts.append(
                f"{size_words(name)} from {a:.3g} to {b:.3g} {SIZE_WORDS.get(name, (name, ''))[1]}".rstrip()
            )
            evidence[str(name)] = [round(float(a), 3), round(float(b), 3)]
    if not parts:
        return []
    text = f"Within {100 * share:g} % of the best cost lie: {'; '.join(parts)} (each alone, the others following)."
    return [Finding("flat_optimum", "note", "sizing", text, evidence)]
