"""Tables of a replay: by hour, by day, key figures, savings, forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np

from varme.components.home_heat_pump import MODE_CODES
from varme.forecast.score import Score
from varme.ground.tables import Column, Table, TableSchema
from varme.home.plant import Plant, State
from varme.home.replay.kpis import Kpis, Stored, missed, step_cost_cent
from varme.home.replay.loop import Run
from varme.home.replay.savings import Blocks, Saving
from varme.home.simulate.rules import Rules
from varme.home.simulate.state import MODES
from varme.kernel.model import Floats

#: Meaning of each key figure.
MEANINGS = {
    "cost_eur": "electricity, wear and starts, less what is left more in the stores",
    "electricity_eur": "electricity bought less sold, peak charges included",
    "wishes_eur": "comfort, hot water and departures missed, at the study's prices; no money",
    "stored_eur": "what the stores hold more at the end than at the start",
    "co2_kg": "emissions of the electricity bought",
    "import_kwh": "electricity bought",
    "export_kwh": "electricity sold",
    "heat_pump_kwh": "electricity of the heat pump without backup heater",
    "backup_kwh": "electricity of the backup heater",
    "room_heat_kwh": "heat for the room, backup included",
    "water_heat_kwh": "heat for hot water, backup included",
    "spf": "heat over electricity of heat pump and backup heater",
    "self_consumption_share": "PV that is used at home",
    "self_sufficiency_share": "demand that is not bought",
    "peak_kw": "highest import",
    "starts_count": "starts of the compressor",
    "room_mean_c": "mean room temperature",
    "cold_h": "hours below the comfort band",
    "cold_k_h": "degree-hours below the comfort band",
    "warm_k_h": "degree-hours above the comfort band",
    "water_missed_h": "hours in which the tank was colder than expected",
    "water_missed_k_h": "degree-hours in which the tank was colder than expected",
    "vehicle_short_kwh": "missing at departures",
    "battery_cycles_count": "full cycles of the battery",
}

REPLAY = TableSchema(
    "replay",
    "The home hour by hour, under plans and under the rule that it is compared with",
    (
        Column("time", "time", "start of the hour (UTC)"),
        Column("outdoor_c", "number", "outdoor temperature"),
        Column("import_cent_per_kwh", "number", "price of imported electricity"),
        Column("room_c", "number", "room temperature at the end of the hour"),
        Column("rule_room_c", "number", "the same, under the rule"),
        Column("room_low_c", "number", "lower end of comfort"),
        Column("room_high_c", "number", "upper end of comfort"),
        Column("tank_c", "number", "tank temperature at the end of the hour"),
        Column("rule_tank_c", "number", "the same, under the rule"),
        Column("tank_low_c", "number", "temperature that people expect"),
        Column("mode", "text", "what the compressor does at the end of the hour"),
        Column("room_share", "number", "share of the hour in which it heats the room"),
        Column("water_share", "number", "share of the hour in which it makes hot water"),
        Column("rule_run_share", "number", "share of the hour in which it runs under the rule"),
        Column("heat_pump_kw", "number", "electricity of the heat pump"),
        Column("backup_kw", "number", "electricity of the backup heater"),
        Column("battery_kwh", "number", "level of the battery at the end of the hour"),
        Column("vehicle_charge_kw", "number", "charge of the vehicles"),
        Column("pv_kw", "number", "what PV gives"),
        Column("import_kw", "number", "import"),
        Column("export_kw", "number", "export"),
        Column("rule_import_kw", "number", "import under the rule"),
        Column("planned_import_kw", "number", "import that the last plan foresaw"),
        Column("cost_cent", "number", "cost of the hour"),
        Column("rule_cost_cent", "number", "the same, under the rule"),
        Column(
            "held_share", "number", "share of the hour in which the guard did not do what the plan wanted"
        ),
    ),
)

REPLAY_DAYS = TableSchema(
    "replay_days",
    "Days by controller",
    (
        Column("day", "time", "local day"),
        Column("controller", "text", "who controls"),
        Column("outdoor_c", "number", "mean outdoor temperature"),
        Column("cost_eur", "number", "cost of the day, less what it leaves more in the stores"),
        Column("import_kwh", "number", "electricity bought"),
        Column("export_kwh", "number", "electricity sold"),
        Column("heat_pump_kwh", "number", "electricity of heat pump and backup heater"),
        Column("starts_count", "number", "starts of the compressor"),
        Column("cold_k_h", "number", "degree-hours below the comfort band"),
        Column("water_missed_k_h", "number", "degree-hours in which the tank was colder than expected"),
        Column("peak_kw", "number", "highest import"),
    ),
)

REPLAY_KPIS = TableSchema(
    "replay_kpis",
    "Key figures by controller",
    (
        Column("controller", "text", "who controls"),
        Column("set_points", "text", "tuned set points of a rule"),
        *(Column(f.name, "number", MEANINGS[f.name]) for f in fields(Kpis)),
    ),
)

SAVINGS = TableSchema(
    "savings",
    "Savings with intervals",
    (
        Column(
            "controller",
            "text",
            "who saves; `perfect` knows the future and is a bound, `scenarios` plans for many futures",
        ),
        Column("against", "text", "compared with whom"),
        Column("season", "text", "season, or all"),
        Column("blocks_count", "integer", "weeks (days in short spans) that were drawn from"),
        Column("saving_eur", "number", "saving"),
        Column("low_eur", "number", "lower end of the interval"),
        Column("high_eur", "number", "upper end of the interval"),
        Column("saving_percent", "number", "saving over the other's cost"),
        Column("low_percent", "number", "lower end of the interval"),
        Column("high_percent", "number", "upper end of the interval"),
    ),
)

SAVINGS_WEEKS = TableSchema(
    "savings_weeks",
    "Cumulated saving with its interval",
    (
        Column("time", "time", "end of the block (UTC)"),
        Column("saved_eur", "number", "saving in the block"),
        Column("total_eur", "number", "saving since the start"),
        Column("low_eur", "number", "lower end of the interval"),
        Column("high_eur", "number", "upper end of the interval"),
        Column("perfect_eur", "number", "saving since the start with perfect forecasts"),
    ),
)

FORECASTS = TableSchema(
    "forecasts",
    "Errors of the forecasts by lead time",
    (
        Column("quantity", "text", "what was forecast"),
        Column("lead_h", "number", "hours ahead"),
        Column("bias", "number", "mean of forecast less truth"),
        Column("mean_abs", "number", "mean absolute error"),
    ),
)

FORECAST_LOSS = TableSchema(
    "forecast_loss",
    "Days: errors of the forecasts, and what perfect ones would have saved",
    (
        Column("day", "time", "local day"),
        Column("outdoor_error_k", "number", "mean absolute error of the outdoor temperature, a day ahead"),
        Column("pv_error_kwh", "number", "absolute error of PV, a day ahead"),
        Column("load_error_kwh", "number", "absolute error of the household's load, a day ahead"),
        Column("loss_cent", "number", "cost above that with perfect forecasts, stores valued"),
    ),
)


@dataclass(frozen=True, eq=False)
class Replayed:
    """Everything that a replay found.

    Attributes:
        plant: The home as it is.
        start: State at the start.
        runs: Controllers by name; ``plan`` first.
        rules: Tuned rules by name.
        figures: Key figures by controller.
        stored: What stores are worth.
        blocks: Blocks of the span.
        savings: Savings.
        rule: Rule that savings are counted against.
    """

    plant: Plant
    start: State
    runs: dict[str, Run]
    rules: dict[str, Rules]
    figures: dict[str, Kpis]
    stored: Stored
    blocks: Blocks
    savings: list[Saving]
    rule: str

    def costs(self, name: str) -> Floats:
        """Return the cost of each step, stores valued at the end of each, shape (N,) [cent]."""
        flows = self.runs[name].flows
        worth = self.stored.series_cent(flows)
        before = np.concatenate([[self.stored.value_cent(self.start)], worth[:-1]])
        return np.asarray(step_cost_cent(self.plant, flows) - (worth - before), dtype=float)


def _hourly(values: Floats, each: int, how: str = "mean") -> Floats:
    """Return a series by hour: its mean, its sum, or its last value."""
    edges = np.arange(0, len(values), each)
    if how == "last":
        return np.asarray(values[np.minimum(edges + each, len(values)) - 1], dtype=float)
    sums = np.add.reduceat(values, edges)
    counts = np.diff(np.append(edges, len(values)))
    return np.asarray(sums if how == "sum" else sums / counts, dtype=float)


def replay_table(found: Replayed) -> Table:
    """Return the plan's run and that of its rule hour by hour."""
    plant, plan, rule = found.plant, found.runs["plan"].flows, found.runs[found.rule].flows
    each = max(1, round(1 / plant.seen.grid.step_h))
    n = plant.seen.grid.n
    nan = np.full(n, np.nan)
    house, tank = plant.house, plant.tank

    def mean(values: Floats) -> Floats:
        return _hourly(values, each)

    def last(values: Floats) -> Floats:
        return _hourly(values, each, "last")

    said = found.runs["plan"].planned["planned_import_kw"]
    edges = np.arange(0, n, each)
    planned = said[np.minimum(edges * len(said) // n, len(said) - 1)]
    modes = last(plan["mode"]).round().astype(int)
    return Table(
        REPLAY,
        {
            "time": plant.seen.grid.times[edges],
            "outdoor_c": mean(plant.seen.outdoor_c),
            "import_cent_per_kwh": mean(plant.grid.import_cent_per_kwh),
            "room_c": last(plan["room_c"] if house else nan),
            "rule_room_c": last(rule["room_c"] if house else nan),
            "room_low_c": last(house.low_c if house else nan),
            "room_high_c": last(house.high_c if house else nan),
            "tank_c": last(plan["tank_c"] if tank else nan),
            "rule_tank_c": last(rule["tank_c"] if tank else nan),
            "tank_low_c": last(np.full(n, tank.low_c) if tank else nan),
            "mode": [MODES[m] for m in modes],
            "room_share": mean((plan["room_heat_kw"] > 0).astype(float)),
            "water_share": mean((plan["water_heat_kw"] > 0).astype(float)),
            "rule_run_share": mean((rule["mode"] > MODE_CODES["off"]).astype(float)),
            "heat_pump_kw": mean(plan["heat_pump_kw"]),
            "backup_kw": mean(plan["backup_kw"]),
            "battery_kwh": last(plan["battery_kwh"]),
            "vehicle_charge_kw": mean(plan["vehicle_charge_kw"]),
            "pv_kw": mean(plant.grid.pv_kw),
            "import_kw": mean(plan["import_kw"]),
            "export_kw": mean(plan["export_kw"]),
            "rule_import_kw": mean(rule["import_kw"]),
            "planned_import_kw": planned,
            "cost_cent": _hourly(step_cost_cent(plant, plan), each, "sum"),
            "rule_cost_cent": _hourly(step_cost_cent(plant, rule), each, "sum"),
            "held_share": mean(plan["held"]),
        },
    )


def days_table(found: Replayed) -> Table:
    """Return the days of all controllers."""
    plant, h = found.plant, found.plant.seen.grid.step_h
    days, first = np.unique(plant.seen.local_day, return_index=True)
    counts = np.diff(np.append(first, plant.seen.grid.n))
    rows: dict[str, list[Floats]] = {c.name: [] for c in REPLAY_DAYS.columns}
    for name, run in found.runs.items():
        flows, wished = run.flows, missed(plant, run.flows)
        sums = {
            "cost_eur": found.costs(name) / 100,
            "import_kwh": flows["import_kw"] * h,
            "export_kwh": flows["export_kw"] * h,
            "heat_pump_kwh": (flows["heat_pump_kw"] + flows["backup_kw"]) * h,
            "starts_count": flows["start"],
            "cold_k_h": wished["cold"] * h,
            "water_missed_k_h": wished["water"] * h,
        }
        rows["day"].append(days.astype("datetime64[D]").astype("datetime64[s]"))
        rows["controller"].append(np.full(len(days), name, dtype=object))
        rows["outdoor_c"].append(np.add.reduceat(plant.seen.outdoor_c, first) / counts)
        rows["peak_kw"].append(np.maximum.reduceat(flows["import_kw"], first))
        for column, values in sums.items():
            rows[column].append(np.add.reduceat(values, first))
    return Table(REPLAY_DAYS, {name: np.concatenate(parts) for name, parts in rows.items()})


def kpis_table(found: Replayed) -> Table:
    """Return the key figures of all controllers."""
    data: dict[str, list[object]] = {c.name: [] for c in REPLAY_KPIS.columns}
    for name, figures in found.figures.items():
        rule = found.rules.get(name)
        data["controller"].append(name)
        text = "" if rule is None else f"room +{rule.room_k:g} K, tank on +{rule.water_on_k:g} K"
        data["set_points"].append(text)
        for key, value in asdict(figures).items():
            data[key].append(value)
    return Table(REPLAY_KPIS, data)


def savings_table(savings: Sequence[Saving]) -> Table:
    """Return the savings."""
    return Table(
        SAVINGS,
        {
            "controller": [s.controller for s in savings],
            "against": [s.against for s in savings],
            "season": [s.season for s in savings],
            "blocks_count": [s.blocks for s in savings],
            "saving_eur": [s.saving_eur for s in savings],
            "low_eur": [s.low_eur for s in savings],
            "high_eur": [s.high_eur for s in savings],
            "saving_percent": [s.percent for s in savings],
            "low_percent": [s.low_percent for s in savings],
            "high_percent": [s.high_percent for s in savings],
        },
    )


def weeks_table(found: Replayed, total: tuple[Floats, Floats, Floats], perfect: Floats | None) -> Table:
    """Return the cumulated saving with its band."""
    times = found.plant.seen.grid.times
    ends = times[found.blocks.edges[1:] - 1] + (times[1] - times[0])
    saved = np.diff(np.concatenate([[0.0], total[0]]))
    return Table(
        SAVINGS_WEEKS,
        {
            "time": ends, "saved_eur": saved, "total_eur": total[0], "low_eur": total[1], "high_eur": total[2],
            "perfect_eur": np.full(len(ends), np.nan) if perfect is None else perfect,
        },
    )  # fmt: skip


def forecasts_table(scores: dict[str, Score], step_h: float) -> Table:
    """Return the errors of the forecasts by lead time, at whole hours."""
    each = max(1, round(1 / step_h))
    data: dict[str, list[object]] = {c.name: [] for c in FORECASTS.columns}
    for name, one in scores.items():
        for k in range(0, len(one.lead), each):
            data["quantity"].append(name)
            data["lead_h"].append(float(one.lead[k]) * step_h)
            data["bias"].append(float(one.bias[k]))
            data["mean_abs"].append(float(one.mean_abs[k]))
    return Table(FORECASTS, data)
