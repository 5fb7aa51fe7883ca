"""Tiny results for tests of charts: a few rows that can be followed by hand."""

import math

import numpy as np

from tests.report.made_up import table
from varme.ground.charts import Chart
from varme.ground.findings import Finding
from varme.ground.result import Figure, Result

HOUR = np.timedelta64(3600, "s")
NASTY = "</script><script>alert('x')</script> <b>&\"quoted\" $x$ {b|y} \u2028"


def hours(count, start="2019-01-01T00:00:00"):
    """Return hourly UTC times."""
    return np.datetime64(start, "s") + np.arange(count) * HOUR


def result_of(tables, charts, **more):
    """Return a result of hand-made tables and charts."""
    data = {t.schema.name: t for t in tables}
    parts = {"kind": "district", "title": "Tiny", "summary": {}, "data": data, "charts": tuple(charts)} | more
    return Result(**parts)


def long_table(name="long", count=3, groups=("b", "a")):
    """Return time_utc, unit, heat_mw in long format: heat = 10 * hour + group number."""
    times, n = hours(count), len(groups)
    return table(
        name,
        "Long",
        [("time_utc", "time", "t"), ("unit", "text", "u"), ("heat_mw", "number", "q")],
        {
            "time_utc": np.repeat(times, n),
            "unit": (np.tile(np.arange(n), count), list(groups)),
            "heat_mw": [10.0 * h + g for h in range(count) for g in range(n)],
        },
    )


def wide_table(name="wide", values=(1.0, math.nan, 3.0), second=(10.0, 20.0, 30.0)):
    """Return time_utc, heat_mw, price_eur_per_mwh and a text column ``what``."""
    return table(
        name,
        "Wide",
        [
            ("time_utc", "time", "t"),
            ("heat_mw", "number", "q"),
            ("price_eur_per_mwh", "number", "p"),
            ("what", "text", "w"),
        ],
        {
            "time_utc": hours(len(values)),
            "heat_mw": list(values),
            "price_eur_per_mwh": list(second),
            "what": [f"case {i}" for i in range(len(values))],
        },
    )


def of_every_kind(rows, names, suffix=""):
    """Return tables and one chart per kind over ``rows`` rows and series called ``names``."""
    n = len(names)
    base = long_table("base", rows, names)
    flows = table(
        "flows",
        NASTY,
        [("source", "text", "s"), ("target", "text", "t"), ("energy_gwh", "number", "e")],
        {
            "source": list(names) if rows else [],
            "target": [f"to {name}" for name in names] if rows else [],
            "energy_gwh": [float(i) for i in range(n)] if rows else [],
        },
    )
    title = f"Chart of {NASTY}{suffix}"
    over_time = [
        Chart(kind, kind, title, "base", "time_utc", ("heat_mw",), "unit", note=NASTY, section=NASTY)
        for kind in ("line", "steps", "stack", "bars", "stacked_bars", "duration")
    ]
    rest = [
        Chart("heatmap", "heatmap", title, "base", "time_utc", ("unit",), colour="heat_mw"),
        Chart("box", "box", title, "base", "unit", ("heat_mw",)),
        Chart("scatter", "scatter", title, "base", "time_utc", ("heat_mw",), "unit", threshold={NASTY: 5.0}),
        Chart("sankey", "sankey", title, "flows", "source", ("target", "energy_gwh")),
    ]
    return [base, flows], [*over_time, *rest]


def nasty_result(rows=30, names=(NASTY, "plain", "long " * 40)):
    """Return a result whose every text tries to break out of the page."""
    tables, charts = of_every_kind(rows, names)
    return result_of(
        tables,
        charts,
        title=NASTY,
        summary={"x_mw": Figure("x_mw", 1.5, NASTY, (1.0, 2.0), NASTY), "t": Figure("t", NASTY, "text")},
        findings=(Finding("nasty", "alarm", NASTY, NASTY, {NASTY: NASTY, "list": [1, {"a": NASTY}]}),),
        provenance={NASTY: NASTY, "nested": {"deep": {"deeper": NASTY}}, "empty": {}},
        study={"title": NASTY, "time": {"timezone": "Europe/Copenhagen"}},
    )
