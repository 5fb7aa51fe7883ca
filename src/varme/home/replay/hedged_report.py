"""What the controller under scenarios adds to a replay: its savings over the deterministic one, paired in time."""

from __future__ import annotations

import numpy as np

from varme.ground.charts import Chart
from varme.ground.findings import Finding
from varme.ground.result import Figure
from varme.ground.tables import Column, Table, TableSchema
from varme.home.replay.hedged import GAP_CENT
from varme.home.replay.kpis import missed
from varme.home.replay.savings import Saving, running, saving
from varme.home.replay.spec import ReplaySpec
from varme.home.replay.tables import Replayed
from varme.kernel.model import Floats

#: Name of the controller.
SCENARIOS = "scenarios"

REPLAY_SCENARIOS = TableSchema(
    "replay_scenarios",
    "Scenario plans beside deterministic ones, block by block (weeks, or days in short spans)",
    (
        Column("time", "time", "end of the block (UTC)"),
        Column("plan_eur", "number", "cost under deterministic plans, stores valued"),
        Column("scenarios_eur", "number", "cost under scenario plans, stores valued"),
        Column("plan_wishes_eur", "number", "what deterministic plans missed, at the study's prices"),
        Column("scenarios_wishes_eur", "number", "what scenario plans missed, at the study's prices"),
        Column("saved_eur", "number", "saving in the block by scenarios"),
        Column("total_eur", "number", "saving since the start"),
        Column("low_eur", "number", "lower end of its interval"),
        Column("high_eur", "number", "upper end of its interval"),
        Column("with_wishes_eur", "number", "saving since the start, what was missed counted at its price"),
    ),
)


def wishes_cent(found: Replayed, name: str) -> Floats:
    """Return what a controller missed in each step, at the study's prices, shape (N,) [cent]."""
    plant, flows = found.plant, found.runs[name].flows
    h, wished = plant.seen.grid.step_h, missed(plant, flows)
    out = np.zeros(plant.seen.grid.n)
    if plant.house is not None:
        out = out + plant.house.discomfort_cent_per_k_h * (wished["cold"] + wished["warm"]) * h
    if plant.tank is not None:
        out = out + plant.tank.missed_cent_per_k_h * wished["water"] * h
    if plant.vehicles:
        price = float(np.mean([v.short_cent_per_kwh for v in plant.vehicles]))
        out = out + price * flows["short_kwh"]
    return np.asarray(out)


def blocks_cent(found: Replayed, name: str) -> tuple[Floats, Floats]:
    """Return cost and priced wishes of a controller in each block, shape (blocks,) each [cent]."""
    return found.blocks.sums(found.costs(name)), found.blocks.sums(wishes_cent(found, name))


def whole_saving(found: Replayed, spec: ReplaySpec) -> Saving:
    """Return the saving by scenarios over deterministic plans with what was missed at its price, paired by blocks."""
    (ours, our_wishes), (theirs, their_wishes) = (blocks_cent(found, n) for n in (SCENARIOS, "plan"))
    return saving(
        (SCENARIOS, "plan"), ours + our_wishes, theirs + their_wishes, "all", spec.confidence_share, spec.draws,
        spec.seed,
    )  # fmt: skip


def scenarios_table(found: Replayed, spec: ReplaySpec) -> Table:
    """Return both planners block by block."""
    (ours, our_wishes), (theirs, their_wishes) = (blocks_cent(found, n) for n in (SCENARIOS, "plan"))
    total, low, high = running(ours, theirs, spec.confidence_share, spec.draws, spec.seed)
    times = found.plant.seen.grid.times
    return Table(
        REPLAY_SCENARIOS,
        {
            "time": times[found.blocks.edges[1:] - 1] + (times[1] - times[0]),
            "plan_eur": theirs / 100,
            "scenarios_eur": ours / 100,
            "plan_wishes_eur": their_wishes / 100,
            "scenarios_wishes_eur": our_wishes / 100,
            "saved_eur": (theirs - ours) / 100,
            "total_eur": total,
            "low_eur": low,
            "high_eur": high,
            "with_wishes_eur": total + np.cumsum(their_wishes - our_wishes) / 100,
        },
    )


def scenarios_chart() -> Chart:
    """Return the chart of what scenarios save over deterministic plans."""
    return Chart(
        "scenarios_saving", "line", "Cumulated saving by scenario plans against deterministic plans",
        REPLAY_SCENARIOS.name, "time", ("total_eur", "low_eur", "high_eur", "with_wishes_eur"), x_label="Time",
        y_label="Saving [EUR]", section="Scenarios",
        note="The same home, weather and guard; below zero the scenarios cost more. With wishes: what was missed in "
        "room and tank counts at the study's prices.",
    )  # fmt: skip


def scenarios_figures(found: Replayed, spec: ReplaySpec) -> list[Figure]:
    """Return the summary of the comparison."""
    money = next(
        s for s in found.savings if (s.controller, s.against, s.season) == (SCENARIOS, "plan", "all")
    )
    whole, share = whole_saving(found, spec), round(100 * spec.confidence_share)
    own = found.figures[SCENARIOS]
    meaning = "the same, what was missed counted at its price"
    return [
        Figure("scenarios_cost_eur", own.cost_eur, "cost under scenario plans, stores valued"),
        Figure(
            "scenarios_saving_eur", money.saving_eur, "saving by scenario plans against deterministic ones"
        ),
        Figure("scenarios_saving_low_eur", money.low_eur, f"lower end of the {share} % interval"),
        Figure("scenarios_saving_high_eur", money.high_eur, f"upper end of the {share} % interval"),
        Figure("scenarios_gain_eur", whole.saving_eur, meaning),
        Figure("scenarios_gain_low_eur", whole.low_eur, f"lower end of the {share} % interval"),
        Figure("scenarios_gain_high_eur", whole.high_eur, f"upper end of the {share} % interval"),
        Figure(
            "scenarios_cold_k_h", own.cold_k_h, "degree-hours below the comfort band, under scenario plans"
        ),
        Figure(
            "scenarios_water_missed_k_h", own.water_missed_k_h, "degree-hours of a too cold tank, likewise"
        ),
    ]


def scenarios_findings(found: Replayed, spec: ReplaySpec) -> list[Finding]:
    """Return what a reader must know of the comparison."""
    out, whole = [], whole_saving(found, spec)
    evidence = {
        "gain_eur": round(whole.saving_eur, 2),
        "low_eur": round(whole.low_eur, 2),
        "high_eur": round(whole.high_eur, 2),
    }
    if not whole.low_eur > 0:
        ends = (
            "no interval" if np.isnan(whole.low_eur) else f"{whole.low_eur:.2f} to {whole.high_eur:.2f} EUR"
        )
        text = (
            f"Scenario plans are not shown to pay here: with what was missed at its price they save "
            f"{whole.saving_eur:.2f} EUR against deterministic plans ({ends})."
        )
        out.append(Finding("scenarios_do_not_pay", "note", "replay_scenarios", text, evidence))
    gaps = found.runs[SCENARIOS].planned["gap_cent"]
    wide = float(np.mean(np.nan_to_num(gaps) > 2 * GAP_CENT))
    if wide > 0.05:
        text = (
            f"{100 * wide:.0f} % of the scenario plans ended with a gap above {2 * GAP_CENT:g} ct: a shorter time "
            "between plans or fewer scenarios close it."
        )
        seen = {"share": round(wide, 3), "largest_cent": round(float(np.nanmax(gaps)), 2)}
        out.append(Finding("scenario_gaps_wide", "warning", SCENARIOS, text, seen))
    return out
