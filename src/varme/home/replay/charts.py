"""Charts of a replay."""

from __future__ import annotations

import numpy as np

from varme.ground.charts import Chart
from varme.ground.tables import Table
from varme.home.chart_words import WORDS
from varme.home.replay.hedged_report import scenarios_chart
from varme.home.replay.tables import Replayed

_WEEK_H = 168
_UNDER = dict(WORDS)


def replay_charts(found: Replayed, tables: dict[str, Table]) -> list[Chart]:
    """Return the charts of a replay."""
    section = "Savings"
    week = coldest_week(tables["replay"])
    weeks = tables["savings_weeks"]
    rule = WORDS.get(found.rule, found.rule).lower()
    band = [c for c in ("low_eur", "high_eur") if np.isfinite(weeks.column(c)).any()]
    out = [
        Chart(
            "cost_by_controller", "bars", "Cost by controller", "replay_kpis", "controller",
            ("cost_eur", "wishes_eur"), x_label="Controller", y_label="Cost [EUR]", section=section,
            words={**WORDS, "cost_eur": "Money", "wishes_eur": "Wishes missed, priced"},
            note="Electricity, wear and starts with stores valued, and beside it what was missed at the study's "
            "prices. Rules have the set points that are cheapest in this span; perfect knows the future.",
        ),
        Chart(
            "saving_over_time", "line", f"Saving against {rule} since the start", "savings_weeks", "time",
            ("total_eur", *band, "perfect_eur"), x_label="Time", y_label="Saving [EUR]",
            section=section, words={
                "total_eur": "Saved by plans", "low_eur": "Interval, lower end", "high_eur": "Interval, upper end",
                "perfect_eur": "With perfect forecasts",
            },
            note="The interval draws weeks with replacement; it needs three of them.",
        ),
        Chart(
            "room_bands", "line", "Room temperature in the coldest week, under plans and under the rule", "replay",
            "time", ("room_c", "rule_room_c", "room_low_c", "room_high_c"), rows=week, x_label="Time",
            y_label="Temperature [°C]", section="A week", y2=("import_cent_per_kwh",), y2_label="Import price [ct/kWh]",
            words=_UNDER | {"room_c": "Under plans", "rule_room_c": "Under the rule"},
        ),
        Chart(
            "tank_bands", "line", "Tank temperature in the coldest week", "replay", "time",
            ("tank_c", "rule_tank_c", "tank_low_c"), rows=week, x_label="Time", y_label="Temperature [°C]",
            section="A week", words=_UNDER | {"tank_c": "Under plans", "rule_tank_c": "Under the rule"},
        ),
        Chart(
            "compressor_strip", "stack", "What the compressor runs for in the coldest week", "replay", "time",
            ("room_share", "water_share"), rows=week, x_label="Time", y_label="Share of the hour [-]", section="A week",
            words=WORDS, low=True,
        ),
        Chart(
            "import_duration", "duration", "Import, sorted, under plans and under the rule", "replay", "time",
            ("import_kw", "rule_import_kw"), x_label="Hours [h]", y_label="Import [kW]", section="Grid",
            words={"import_kw": "Under plans", "rule_import_kw": "Under the rule"},
        ),
    ]  # fmt: skip
    if found.plant.tank is None:
        out = [c for c in out if c.name != "tank_bands"]
    if found.plant.house is None:
        out = [c for c in out if c.name != "room_bands"]
    if "replay_scenarios" in tables:
        out.append(scenarios_chart())
    if "forecasts" in tables:
        out.append(
            Chart(
                "forecast_errors", "line", "Error of the outdoor temperature's forecast by lead time", "forecasts",
                "lead_h", ("mean_abs",), where={"quantity": ("outdoor_c",)}, x_label="Time ahead [h]",
                y_label="Mean absolute error [K]", section="Forecasts",
            )
        )  # fmt: skip
    if "forecast_loss" in tables:
        out.append(
            Chart(
                "error_and_loss", "scatter", "Error of the PV forecast and what it cost, day by day", "forecast_loss",
                "pv_error_kwh", ("loss_cent",), x_label="Error of PV a day ahead [kWh]",
                y_label="Loss against perfect forecasts [ct]", section="Forecasts",
                note="A day may gain what another loses: heat and charge move over midnight.",
            )
        )  # fmt: skip
    return out


def coldest_week(table: Table) -> tuple[int, int]:
    """Return first and last row (exclusive) of the coldest week of the hourly table."""
    outdoor = np.nan_to_num(table.data["outdoor_c"])
    if len(outdoor) <= _WEEK_H:
        return 0, len(outdoor)
    sums = np.concatenate([[0.0], np.cumsum(outdoor)])
    first = int(np.argmin(sums[_WEEK_H:] - sums[:-_WEEK_H]))
    return first, first + _WEEK_H
