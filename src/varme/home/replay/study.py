"""The study kind ``home-replay``: a home in closed loop over a span, against rules in the same weather."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from importlib.metadata import version

import numpy as np

from varme.data.series import load_series
from varme.forecast.score import Score, score
from varme.ground.context import Checkpoints, Context, Kind
from varme.ground.errors import Collector, DataError
from varme.ground.findings import Finding
from varme.ground.result import Figure, Result
from varme.ground.tables import Table, TableSchema
from varme.home.case import HomeCase, load_case, state_of
from varme.home.plant import State
from varme.home.replay.beliefs import Belief
from varme.home.replay.charts import replay_charts
from varme.home.replay.hedged import Hedged
from varme.home.replay.hedged_report import (
    REPLAY_SCENARIOS,
    SCENARIOS,
    scenarios_figures,
    scenarios_findings,
    scenarios_table,
)
from varme.home.replay.kpis import Stored, kpis
from varme.home.replay.loop import Planner, Run, closed_loop, condensed
from varme.home.replay.savings import Blocks, running, savings_by_season
from varme.home.replay.spec import HomeReplayStudy
from varme.home.replay.tables import (
    FORECAST_LOSS,
    FORECASTS,
    REPLAY,
    REPLAY_DAYS,
    REPLAY_KPIS,
    SAVINGS,
    SAVINGS_WEEKS,
    Replayed,
    days_table,
    forecasts_table,
    kpis_table,
    replay_table,
    savings_table,
    weeks_table,
)
from varme.home.replay.template import replay_files
from varme.home.simulate.baselines import tuned
from varme.home.simulate.engine import Simulator
from varme.home.simulate.rules import RuleController, Rules
from varme.home.simulate.state import Homes
from varme.kernel.model import Floats

#: Steps simulated at a time for the rules: keeps what is noted of them small.
STRETCH = 2688


def check(study: HomeReplayStudy, context: Context) -> list[Finding]:
    """Check a study and its data without running it.

    Raises:
        InputError: with every problem of the study.
        DataError: with every problem of the data.
    """
    case = load_case(study, context)
    given_forecasts(study, case, context)
    return case.findings


def run(study: HomeReplayStudy, context: Context) -> Result:
    """Run a home in closed loop, and the rules beside it.

    Raises:
        VarmeError: as :func:`check`, and P301 if there is no plan.
    """
    started = time.process_time()
    case = load_case(study, context)
    given = given_forecasts(study, case, context)
    state = state_of(study.state, study, case.plant)
    belief = Belief(case.plant, study.forecast, given)
    runs: dict[str, Run] = {}
    seconds: dict[str, float] = {}
    for name, (mind, planner) in _minds(study, case, belief, given).items():
        begun = time.process_time()
        runs[name] = _closed(name, study, case, state, mind, planner, context)
        seconds[name] = round(time.process_time() - begun, 2)
    begun = time.process_time()
    rules: dict[str, Rules] = dict(
        zip(study.replay.baselines, tuned(case.plant, state, study.replay.baselines), strict=True)
    )
    runs |= rule_runs(study, case, state, rules)
    seconds["rules"] = round(time.process_time() - begun, 2)
    found = judge(study, case, state, runs, rules)
    tables, more = _tables(study, found, belief)
    return Result(
        kind=study.kind,
        title=study.title or "A home in closed loop",
        summary={f.name: f for f in figures(found, study)},
        data=tables,
        findings=(*case.findings, *findings(found, study)),
        charts=tuple(replay_charts(found, tables)),
        provenance={
            "data_hashes": case.data_hashes,
            "plans": {name: r.plans for name, r in runs.items() if r.plans},
            "timing": {"cpu_s": round(time.process_time() - started, 3), **seconds},
            **more,
        },
        study=study.model_dump(mode="json"),
    )


def _minds(
    study: HomeReplayStudy, case: HomeCase, belief: Belief, given: dict[str, Floats]
) -> dict[str, tuple[Belief, Planner | None]]:
    """Return the planners that are run: the study's, that under scenarios, and the one that knows the future."""
    out: dict[str, tuple[Belief, Planner | None]] = {"plan": (belief, None)}
    if study.scenarios is not None:
        own, reserve_k = belief, study.replay.scenario_water_reserve_k
        if reserve_k is not None:
            forecast = study.forecast.model_copy(update={"water_reserve_k": reserve_k})
            own = Belief(case.plant, forecast, given)
        vat = study.tariff.vat_share
        out[SCENARIOS] = own, Hedged(own, study.replay, study.plan, study.scenarios, vat)
    if study.replay.perfect and study.forecast.method != "perfect":
        perfect = study.forecast.model_copy(update={"method": "perfect"})
        out["perfect"] = Belief(case.plant, perfect), None
    return out


def _closed(
    name: str,
    study: HomeReplayStudy,
    case: HomeCase,
    state: State,
    belief: Belief,
    planner: Planner | None,
    context: Context,
) -> Run:
    context.progress.stage(name, case.grid.n)
    store: Checkpoints | None = context.checkpoints(name, fingerprint(study, case, name))
    return closed_loop(
        name, case.plant, state, belief, study.replay, study.plan, planner=planner, store=store,
        told=lambda done: context.progress.advance(done, {}),
    )  # fmt: skip


def fingerprint(study: HomeReplayStudy, case: HomeCase, part: str) -> str:
    """Return a hash of everything that a run's numbers depend on: version, study, data, part of the run."""
    content = [version("varme"), study.model_dump(mode="json"), case.data_hashes, part]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def given_forecasts(study: HomeReplayStudy, case: HomeCase, context: Context) -> dict[str, Floats]:
    """Return the forecasts that were given, on the grid.

    Raises:
        DataError: with every problem of them.
    """
    problems, out = Collector(), {}
    for name, unit in (("outdoor_c", "c"), ("pv_kw", "kw"), ("load_kw", "kw")):
        spec = getattr(study.forecast, name)
        if spec is None:
            continue
        where = f"forecast.{name}"
        try:
            loaded = load_series(spec, case.grid, base=context.base, quantity_unit=unit, where=where)
        except DataError as error:
            problems.problems += error.problems
            continue
        out[name] = loaded.values
        case.data_hashes[where] = hashlib.sha256(np.ascontiguousarray(loaded.values).tobytes()).hexdigest()
    if len(problems):
        raise DataError(problems.problems, context.source)
    return out


def rule_runs(
    study: HomeReplayStudy, case: HomeCase, state: State, rules: dict[str, Rules]
) -> dict[str, Run]:
    """Run rules side by side in the same weather, with the same simulated home."""
    plant, n = case.plant, case.grid.n
    parts = max(1, round(case.grid.step_min / study.replay.simulation_min))
    simulator = Simulator(plant, parts=parts, exact=study.replay.real_temperatures)
    homes = Homes.of(state, len(rules))
    controller = RuleController(plant, list(rules.values()), simulator.hours)
    pieces: list[list[dict[str, Floats]]] = [[] for _ in rules]
    for first in range(0, n, STRETCH):
        trace = simulator.run(homes, first, min(STRETCH, n - first), controller)
        for k, kept in enumerate(pieces):
            kept.append(condensed(trace, k))
    out = {}
    for k, name in enumerate(rules):
        flows = {key: np.concatenate([piece[key] for piece in pieces[k]]) for key in pieces[k][0]}
        out[name] = Run(name, flows, homes.state(k))
    return out


def judge(
    study: HomeReplayStudy, case: HomeCase, state: State, runs: dict[str, Run], rules: dict[str, Rules]
) -> Replayed:
    """Return key figures and savings of all controllers."""
    plant, spec = case.plant, study.replay
    stored = Stored.of(plant)
    grid = case.grid
    blocks = Blocks.of(grid.n, grid.step_h, grid.months(plant.seen.timezone))
    found = Replayed(
        plant, state, runs, rules, {name: kpis(plant, r, state, stored) for name, r in runs.items()}, stored, blocks,
        [], spec.compare_with,
    )  # fmt: skip
    costs = {name: blocks.sums(found.costs(name)) for name in runs}
    savings = []
    for name in ("plan", SCENARIOS, "perfect"):
        others = [*rules, "plan"] if name == SCENARIOS else list(rules)
        for rule in others if name in runs else ():
            savings += savings_by_season(
                (name, rule), costs[name], costs[rule], blocks, spec.confidence_share, spec.draws, spec.seed
            )
    return replace(found, savings=savings)


def _tables(
    study: HomeReplayStudy, found: Replayed, belief: Belief
) -> tuple[dict[str, Table], dict[str, object]]:
    spec, blocks = study.replay, found.blocks
    costs = {name: blocks.sums(found.costs(name)) for name in found.runs}
    total = running(costs["plan"], costs[found.rule], spec.confidence_share, spec.draws, spec.seed)
    perfect = np.cumsum(costs[found.rule] - costs["perfect"]) / 100 if "perfect" in costs else None
    tables = {
        "replay": replay_table(found),
        "replay_days": days_table(found),
        "replay_kpis": kpis_table(found),
        "savings": savings_table(found.savings),
        "savings_weeks": weeks_table(found, total, perfect),
    }
    if SCENARIOS in found.runs:
        tables["replay_scenarios"] = scenarios_table(found, spec)
    if belief.forecasts:
        tables["forecasts"] = forecasts_table(_scores(study, belief), found.plant.seen.grid.step_h)
        if perfect is not None:
            tables["forecast_loss"] = _loss_table(found, belief)
    return tables, {"block": blocks.unit}


def _scores(study: HomeReplayStudy, belief: Belief) -> dict[str, Score]:
    """Return the errors of the forecasts, made every six hours."""
    step_h, told = belief.truth.seen.grid.step_h, ("export_cent_per_kwh", "gains_kw")
    leads = min(round(study.replay.horizon_h / step_h), belief.truth.seen.grid.n // 2)
    every = max(1, round(6 / step_h))
    return {
        name: score(belief.forecasts[name], truth, leads, every)
        for name, truth in belief.truths().items()
        if name not in told
    }


def _loss_table(found: Replayed, belief: Belief) -> Table:
    """Return errors a day ahead and the loss by local day."""
    seen, h = found.plant.seen, found.plant.seen.grid.step_h
    days, first = np.unique(seen.local_day, return_index=True)
    last = np.append(first[1:], seen.grid.n)
    errors: dict[str, list[float]] = {"outdoor_c": [], "pv_kw": [], "load_kw": []}
    truths = belief.truths()
    for begin, end in zip(first.tolist(), last.tolist(), strict=True):
        for name, out in errors.items():
            ahead = belief.forecasts[name].at(begin, end - begin)
            out.append(float(np.abs(ahead - truths[name][begin:end]).sum()) * h)
    lost = np.add.reduceat(found.costs("plan") - found.costs("perfect"), first)
    return Table(
        FORECAST_LOSS,
        {
            "day": days.astype("datetime64[D]").astype("datetime64[s]"),
            "outdoor_error_k": np.array(errors["outdoor_c"]) / ((last - first) * h),
            "pv_error_kwh": errors["pv_kw"],
            "load_error_kwh": errors["load_kw"],
            "loss_cent": lost,
        },
    )


def figures(found: Replayed, study: HomeReplayStudy) -> list[Figure]:
    """Return the summary of a replay."""
    plan, rule = found.figures["plan"], found.figures[found.rule]
    whole = {s.controller: s for s in found.savings if s.season == "all" and s.against == found.rule}
    saved = whole["plan"]
    share = round(100 * study.replay.confidence_share)
    out = [
        Figure("cost_eur", plan.cost_eur, "Cost under plans, stores valued"),
        Figure("rule_cost_eur", rule.cost_eur, f"Cost under the rule: {found.rule}"),
        Figure("saving_eur", saved.saving_eur, f"Saving against {found.rule}"),
        Figure("saving_low_eur", saved.low_eur, f"Lower end of the {share} % interval"),
        Figure("saving_high_eur", saved.high_eur, f"Upper end of the {share} % interval"),
        Figure("saving_percent", saved.percent, f"Saving over the cost under {found.rule}"),
    ]
    if "perfect" in whole:
        out.append(
            Figure("saving_bound_eur", whole["perfect"].saving_eur, "Saving with perfect forecasts: a bound")
        )
    if SCENARIOS in found.runs:
        out += scenarios_figures(found, study.replay)
    return [
        *out,
        Figure("spf", plan.spf, "Heat over electricity of heat pump and backup heater"),
        Figure("cold_k_h", plan.cold_k_h, "Degree-hours below the comfort band"),
        Figure("rule_cold_k_h", rule.cold_k_h, "Degree-hours below the comfort band, under the rule"),
        Figure(
            "water_missed_k_h",
            plan.water_missed_k_h,
            "Degree-hours in which the tank was colder than expected",
        ),
        Figure("rule_water_missed_k_h", rule.water_missed_k_h, "Degree-hours of the tank, under the rule"),
        Figure("starts_count", plan.starts_count, "Starts of the compressor"),
        Figure("self_sufficiency_share", plan.self_sufficiency_share, "Demand that is not bought"),
        Figure("co2_kg", plan.co2_kg, "Emissions of the electricity bought"),
        Figure("peak_kw", plan.peak_kw, "Highest import"),
    ]


def findings(found: Replayed, study: HomeReplayStudy) -> list[Finding]:
    """Return what a reader of a replay must know."""
    out = []
    whole = next(
        s for s in found.savings if s.controller == "plan" and s.against == found.rule and s.season == "all"
    )
    evidence = {"saving_eur": round(whole.saving_eur, 2), "blocks": whole.blocks}
    if np.isnan(whole.low_eur):
        text = f"The span has {whole.blocks} {found.blocks.unit}s: too few for an interval of the saving."
        out.append(Finding("saving_without_interval", "warning", "savings", text, evidence))
    elif found.blocks.unit == "day":
        text = "The span is shorter than three weeks: the interval is drawn from days, which depend on each other."
        out.append(Finding("saving_from_days", "warning", "savings", text, evidence))
    elif whole.low_eur <= 0 <= whole.high_eur:
        text = f"The saving of {whole.saving_eur:.2f} EUR may be chance: its interval holds 0."
        out.append(Finding("saving_uncertain", "warning", "savings", text, evidence))
    plan, rule = found.figures["plan"], found.figures[found.rule]
    if plan.wishes_eur > rule.wishes_eur + 0.02 * abs(rule.cost_eur):
        text = (
            f"Plans missed more comfort than the rule: {plan.cold_k_h:.1f} against {rule.cold_k_h:.1f} K h in the "
            f"room, {plan.water_missed_k_h:.1f} against {rule.water_missed_k_h:.1f} K h in the tank. "
            "The saving is not for the same comfort."
        )
        seen = {"plan_wishes_eur": round(plan.wishes_eur, 2), "rule_wishes_eur": round(rule.wishes_eur, 2)}
        out.append(Finding("comfort_below_rule", "warning", "replay_kpis", text, seen))
    held = float(found.runs["plan"].flows["held"].mean())
    if held > 0.001:
        text = (
            f"In {100 * held:.2g} % of the time the guard did not let the compressor do what the plan wanted."
        )
        out.append(Finding("guard_held", "note", "replay", text, {"held_share": round(held, 5)}))
    if SCENARIOS in found.runs:
        out += scenarios_findings(found, study.replay)
    for name in ("plan", SCENARIOS, "perfect"):
        failed = int(found.runs[name].planned["failed"].sum()) if name in found.runs else 0
        if failed:
            text = (
                f"{failed} of {found.runs[name].plans} plans of the controller {name} failed: the plan before was "
                "followed until it was two hours old, then a thermostat."
            )
            out.append(Finding("plan_failed", "warning", name, text, {"failed": failed}))
    if study.forecast.method == "perfect":
        text = "Plans knew the future: what they save is a bound, not a promise."
        out.append(Finding("perfect_foresight", "warning", "forecast.method", text, {}))
    return out


def schemas() -> list[TableSchema]:
    """Return the schemas of all tables of a result."""
    return [
        REPLAY,
        REPLAY_DAYS,
        REPLAY_KPIS,
        SAVINGS,
        SAVINGS_WEEKS,
        REPLAY_SCENARIOS,
        FORECASTS,
        FORECAST_LOSS,
    ]


KIND = Kind(
    name="home-replay",
    title="A home in closed loop, planned anew every hour, against rules in the same weather",
    spec=HomeReplayStudy,
    run=run,
    check=check,
    template=replay_files,
    tables=schemas,
)
