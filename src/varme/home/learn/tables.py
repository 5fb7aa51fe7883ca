"""Tables, charts and findings of what was learnt."""

from __future__ import annotations

import numpy as np

from varme.ground.charts import Chart
from varme.ground.findings import Finding
from varme.ground.tables import Column, Table, TableSchema
from varme.ground.timegrid import TimeGrid
from varme.home.learn.learning import Learnt

LEARNT = TableSchema(
    "learnt",
    "What was learnt, with its interval and verdict",
    (
        Column("parameter", "text", "parameter; its name ends in its unit"),
        Column("value", "number", "value; empty where nothing can be said"),
        Column("low", "number", "lower end of the interval"),
        Column("high", "number", "upper end"),
        Column("verdict", "text", "identified, weak, or not identifiable"),
        Column("need", "text", "what would tell it better"),
        Column("how", "text", "what it was learnt from"),
    ),
)
FIT = TableSchema(
    "room_fit",
    "Measured room temperature and the model alone, which sees only weather and heat after its start",
    (
        Column("time", "time", "start of the step (UTC)"),
        Column("room_c", "number", "measured"),
        Column("model_c", "number", "the model alone"),
        Column("error_k", "number", "error of the prediction one step ahead"),
        Column("heat_kw", "number", "heat into the room"),
        Column("outdoor_c", "number", "outdoor temperature"),
    ),
)
PROFILES = TableSchema(
    "profiles",
    "Mean power by hour of the day",
    (
        Column("quantity", "text", "household, weekday; household, weekend; hot water"),
        Column("clock_h", "number", "wall-clock hour"),
        Column("power_kw", "number", "mean power"),
    ),
)


def learnt_table(learnt: Learnt) -> Table:
    """Return the estimates."""
    rows = learnt.estimates
    return Table(
        LEARNT,
        {
            "parameter": [e.name for e in rows], "value": [e.value for e in rows],
            "low": [e.low if np.isfinite(e.low) else np.nan for e in rows],
            "high": [e.high if np.isfinite(e.high) else np.nan for e in rows],
            "verdict": [e.verdict for e in rows], "need": [e.need for e in rows], "how": [e.how for e in rows],
        },
    )  # fmt: skip


def fit_table(learnt: Learnt, grid: TimeGrid) -> Table:
    """Return measured and modelled room temperature."""
    if learnt.house is None or learnt.record is None:
        raise ValueError("no house was fitted")
    data = {
        "time": grid.times, "room_c": learnt.record.room_c, "model_c": learnt.house.predicted_c,
        "error_k": learnt.house.innovations_k, "heat_kw": learnt.record.heat_kw, "outdoor_c": learnt.record.outdoor_c,
    }  # fmt: skip
    return Table(FIT, data)


def profiles_table(learnt: Learnt) -> Table:
    """Return mean power by hour."""
    rows = {
        "household, weekday": learnt.load_kw[0], "household, weekend": learnt.load_kw[1], "hot water": learnt.draw_kw
    }  # fmt: skip
    known = {name: values for name, values in rows.items() if np.isfinite(values).any()}
    data: dict[str, object] = {
        "quantity": np.repeat(list(known), 24) if known else [],
        "clock_h": np.tile(np.arange(24.0), len(known)),
        "power_kw": np.concatenate(list(known.values())) if known else np.zeros(0),
    }
    return Table(PROFILES, data)


def learnt_charts(learnt: Learnt) -> list[Chart]:
    """Return the charts."""
    charts = []
    if learnt.house is not None:
        charts += [
            Chart(
                "room_fit", "line", "Room temperature: measured, and the fitted house alone", "room_fit", "time",
                ("room_c", "model_c"), x_label="Time", y_label="Temperature [°C]", y2=("outdoor_c",),
                y2_label="Outdoor [°C]", section="The house",
                words={"room_c": "Measured", "model_c": "Fitted house", "outdoor_c": "Outdoor"},
                note="The model sees weather and heat only; what it does not know (windows, guests) lets it drift.",
            ),
            Chart(
                "errors", "line", "Error of the prediction one step ahead", "room_fit", "time", ("error_k",),
                x_label="Time", y_label="Error [K]", section="The house",
                note="Without a pattern, the model has used what the data hold.",
            ),
        ]  # fmt: skip
    if np.isfinite(learnt.load_kw).any() or np.isfinite(learnt.draw_kw).any():
        charts.append(
            Chart(
                "profiles", "steps", "Mean power by hour of the day", "profiles", "clock_h", ("power_kw",),
                group="quantity", x_label="Hour of the day [h]", y_label="Power [kW]", section="Profiles",
                words={
                    "household, weekday": "Household, weekday", "household, weekend": "Household, weekend",
                    "hot water": "Hot water",
                },
            )
        )  # fmt: skip
    return charts


def learnt_findings(learnt: Learnt) -> list[Finding]:
    """Return what a reader must know: what cannot be told, and whether the model fits."""
    out = []
    open_ = [e for e in learnt.estimates if e.verdict == "not identifiable"]
    for estimate in open_:
        text = f"{estimate.name} cannot be told from these data. It takes {estimate.need}."
        out.append(Finding("not_identifiable", "warning", estimate.name, text, {"need": estimate.need}))
    house = learnt.house
    if house is not None and abs(house.autocorrelation_share) > 0.3:
        text = (
            f"Errors of the fitted house follow one another (autocorrelation {house.autocorrelation_share:.2f}): it "
            "misses something that lasts, such as an open fireplace, other heating, or a sensor in the sun."
        )
        evidence = {"autocorrelation": house.autocorrelation_share}
        out.append(Finding("errors_follow", "warning", "measured.room_c", text, evidence))
    return out
