"""What a plan under uncertainty adds to a result: tables, charts, figures, findings."""

from __future__ import annotations

import numpy as np

from varme.ground.charts import Chart
from varme.ground.findings import Finding
from varme.ground.result import Figure
from varme.ground.tables import Column, Table, TableSchema
from varme.home.scenarios.compare import Outcome
from varme.kernel.model import Floats

SCENARIOS = TableSchema(
    "scenarios",
    "The scenarios, and what each costs after the first decisions",
    (
        Column("scenario_count", "integer", "number"),
        Column("weight_share", "number", "weight"),
        Column("cost_eur", "number", "cost after the plan's first decisions; what is left in stores counts"),
        Column("alone_eur", "number", "cost if this scenario were known"),
        Column("forecast_plan_eur", "number", "cost after the deterministic plan's first decisions"),
        Column("outdoor_c", "number", "mean outdoor temperature"),
        Column("price_cent_per_kwh", "number", "mean price of imported electricity"),
        Column("pv_kwh", "number", "electricity that PV could give"),
        Column("load_kwh", "number", "household load"),
        Column("draw_kwh", "number", "heat drawn with hot water"),
    ),
)
FAN = TableSchema(
    "scenario_fan",
    "Quantiles over the scenarios after the first decisions, slot by slot",
    (
        Column("time", "time", "start of the slot (UTC)"),
        Column("quantity", "text", "room, tank, battery, import, price or cost so far"),
        Column("low_ratio", "number", "10 % of the scenarios lie below, in the unit of the quantity's name"),
        Column("middle_ratio", "number", "median"),
        Column("high_ratio", "number", "10 % of the scenarios lie above"),
    ),
)
DECISIONS = TableSchema(
    "scenario_decisions",
    "The first decisions: of the scenario plan and of the deterministic plan",
    (
        Column("time", "time", "start of the slot (UTC)"),
        Column(
            "decision",
            "text",
            "variable: `_on` is a mode of the compressor, `_above` kW of heat above its least",
        ),
        Column("scenario_ratio", "number", "scenario plan [kW, or 0/1]"),
        Column("forecast_ratio", "number", "deterministic plan [kW, or 0/1]"),
    ),
)
COMPARISON = TableSchema(
    "scenario_comparison",
    "Scenario plan and deterministic plan, judged by the same model",
    (
        Column("judged_on", "text", "scenarios of the plan, or fresh ones"),
        Column("plan", "text", "scenario plan or deterministic plan"),
        Column("scenarios_count", "integer", "scenarios"),
        Column("expected_eur", "number", "mean cost; what is left in stores counts"),
        Column("tail_eur", "number", "mean of the worst cases (CVaR)"),
        Column("worst_eur", "number", "worst scenario"),
        Column("saved_cent", "number", "mean saving against the deterministic plan"),
        Column("saved_error_cent", "number", "its standard error"),
    ),
)
#: Quantity -> variable of the problem.
QUANTITIES = {
    "room_c": "house.temperature_0",
    "tank_c": "tank.temperature",
    "battery_kwh": "battery.level",
    "import_kw": "grid.import",
}


def scenario_tables(outcome: Outcome) -> dict[str, Table]:
    """Return the tables of a plan under uncertainty."""
    return {
        t.schema.name: t
        for t in (_scenarios(outcome), _fan(outcome), _decisions(outcome), _comparison(outcome))
    }


def _scenarios(outcome: Outcome) -> Table:
    plan, slots = outcome.plan, outcome.slots
    span = slice(slots.edges[0], slots.edges[-1])
    plants, h = outcome.plants, slots.base_h

    def each(values: list[Floats]) -> Floats:
        return np.array([v[span].mean() for v in values])

    total = h * (slots.edges[-1] - slots.edges[0])
    draws = [p.tank.draw_kw if p.tank is not None else np.zeros(p.seen.grid.n) for p in plants]
    return Table(
        SCENARIOS,
        {
            "scenario_count": np.arange(1, len(plants) + 1), "weight_share": plan.weights,
            "cost_eur": plan.costs_cent / 100, "alone_eur": plan.alone_cent / 100,
            "forecast_plan_eur": outcome.inside.forecast_cent / 100,
            "outdoor_c": each([p.seen.outdoor_c for p in plants]),
            "price_cent_per_kwh": each([p.grid.import_cent_per_kwh for p in plants]),
            "pv_kwh": total * each([p.grid.pv_kw for p in plants]),
            "load_kwh": total * each([p.grid.load_kw for p in plants]), "draw_kwh": total * each(draws),
        },
    )  # fmt: skip


def _fan(outcome: Outcome) -> Table:
    slots, recourses = outcome.slots, outcome.plan.recourses
    times = outcome.plants[0].seen.grid.times[slots.edges[:-1]]
    paths: dict[str, Floats] = {}
    for quantity, name in QUANTITIES.items():
        found = [r.problem.model.vars.get(name) for r in recourses]
        if all(v is not None for v in found):
            paths[quantity] = np.stack(
                [r.last.x[v.now] for r, v in zip(recourses, found, strict=True) if r.last is not None and v is not None]
            )  # fmt: skip
    paths["price_cent_per_kwh"] = np.stack([slots.mean(p.grid.import_cent_per_kwh) for p in outcome.plants])
    paths["cost_eur"] = np.stack([_cost_so_far(r) for r in recourses])
    low, middle, high = (
        np.concatenate([np.quantile(p, q, axis=0) for p in paths.values()]) for q in (0.1, 0.5, 0.9)
    )
    return Table(
        FAN,
        {
            "time": np.tile(times, len(paths)), "quantity": np.repeat(list(paths), slots.n), "low_ratio": low,
            "middle_ratio": middle, "high_ratio": high,
        },
    )  # fmt: skip


def _cost_so_far(recourse: object) -> Floats:
    problem, last = recourse.problem, recourse.last  # type: ignore[attr-defined]
    total = np.zeros(problem.slots.n)
    for block in problem.blocks.values():
        for cost in block.costs:
            amount = np.asarray(cost.coefficient) * last.x[cost.var.now]
            if np.shape(amount) == total.shape:
                total += amount
    return np.asarray(np.cumsum(total) / 100)


def _decisions(outcome: Outcome) -> Table:
    first, slots = outcome.plan.first, outcome.slots
    times = outcome.plants[0].seen.grid.times[slots.edges[:-1]]
    return Table(
        DECISIONS,
        {
            "time": times[first.slots], "decision": first.names, "scenario_ratio": outcome.plan.x,
            "forecast_ratio": outcome.certain.x,
        },
    )  # fmt: skip


def _comparison(outcome: Outcome) -> Table:
    rows = []
    risk = outcome.plan.risk
    for judged_on, judged in (
        ("scenarios of the plan", outcome.inside),
        ("fresh scenarios", outcome.outside),
    ):
        if judged is None:
            continue
        own = judged_on.startswith("scenarios")
        weights = (
            outcome.plan.weights if own else np.full(len(judged.scenario_cent), 1 / len(judged.scenario_cent))
        )
        for name, costs in (
            ("scenario plan", judged.scenario_cent),
            ("deterministic plan", judged.forecast_cent),
        ):
            ours = name == "scenario plan"
            saved = float(weights @ (judged.forecast_cent - costs))
            error = judged.saved_error_cent if ours else 0.0
            rows.append(
                (judged_on, name, len(costs), float(weights @ costs) / 100, risk.tail(costs, weights) / 100,
                 float(costs.max()) / 100, saved, error)
            )  # fmt: skip
    columns = [list(c) for c in zip(*rows, strict=True)]
    names = [c.name for c in COMPARISON.columns]
    return Table(COMPARISON, dict(zip(names, columns, strict=True)))


def scenario_figures(outcome: Outcome) -> list[Figure]:
    """Return what a plan under uncertainty adds to the summary."""
    plan = outcome.plan
    out = [
        Figure("scenario_gap_cent", round(plan.gap_cent, 3), "Gap of the scenario plan"),
        Figure("information_cent", plan.information_cent, "What it would be worth to know the scenario beforehand"),
        Figure("scenario_saved_cent", outcome.inside.saved_cent, "Saving by the scenario plan on its own scenarios"),
    ]  # fmt: skip
    if outcome.outside is not None:
        text = "Saving by the scenario plan on fresh scenarios, mean"
        out.append(Figure("scenario_saved_fresh_cent", outcome.outside.saved_cent, text))
        out.append(
            Figure(
                "scenario_saved_fresh_error_cent",
                round(outcome.outside.saved_error_cent, 3),
                "Standard error of that saving",
            )
        )
    return out


def scenario_findings(outcome: Outcome) -> list[Finding]:
    """Return what a reader of a plan under uncertainty must know."""
    out = []
    plan = outcome.plan
    same = np.allclose(plan.x, outcome.certain.x, atol=1e-3)
    if same:
        text = "All scenarios want the same first decisions as the forecast: the uncertainty does not matter now."
        out.append(Finding("scenario_plan_same", "note", "scenario_decisions", text))
    off = sum(one.deviation() for one in plan.recourses)
    if off >= 0.005:  # less is rounding, and would be shown as 0.00 kW
        text = f"In some scenarios a first decision cannot be carried out in full; {off:.2f} kW are cut back in all."
        out.append(Finding("scenario_decision_cut", "note", "scenario_decisions", text, {"deviation": off}))
    judged = outcome.outside
    if judged is not None and not same and judged.saved_cent < -2 * judged.saved_error_cent:
        text = (
            f"On fresh scenarios the scenario plan costs {-judged.saved_cent:.1f} ct more on average than the "
            "deterministic one: that is the price of its lower risk, or of too few scenarios."
        )
        out.append(Finding("scenario_plan_dearer", "warning", "scenario_comparison", text))
    return out


def scenario_charts(outcome: Outcome) -> list[Chart]:
    """Return the charts of a plan under uncertainty."""
    labels = {
        "room_c": "Room temperature [°C]", "tank_c": "Tank temperature [°C]", "battery_kwh": "Battery [kWh]",
        "price_cent_per_kwh": "Import price [ct/kWh]", "cost_eur": "Cost so far [EUR]",
    }  # fmt: skip
    present = set(_fan(outcome).column("quantity"))
    return [
        Chart(
            f"fan_{quantity.partition('_')[0]}", "steps", f"{label.partition(' [')[0]} over the scenarios",
            "scenario_fan", "time", ("low_ratio", "middle_ratio", "high_ratio"), where={"quantity": (quantity,)},
            x_label="Time", y_label=label, section="Uncertainty",
            words={"low_ratio": "10 % lie below", "middle_ratio": "Median", "high_ratio": "10 % lie above"},
            note="Median, and the values that 10 % of the scenarios lie below and above.",
        )
        for quantity, label in labels.items()
        if quantity in present
    ]  # fmt: skip


def scenario_schemas() -> list[TableSchema]:
    """Return the schemas of the tables that scenarios add."""
    return [SCENARIOS, FAN, DECISIONS, COMPARISON]
