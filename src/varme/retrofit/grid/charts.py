"""Charts of the grid part, over the tables of :mod:`varme.retrofit.grid.tables`."""

from __future__ import annotations

import numpy as np

from varme.ground.charts import Chart
from varme.retrofit.grid.results import GridResults
from varme.retrofit.grid.simultaneity import Simultaneity
from varme.retrofit.grid.tables import rated_loading, shown_order

#: Heading in the report.
SECTION = "Transformers and peaks"
#: Bars and rows that one chart shows at most.
MOST = 40


def grid_charts(results: GridResults) -> list[Chart]:
    """Return the charts of what was found."""
    charts = [_loading(results), _heat_map(results), _adoption_town(), _adoption_count()]
    if results.transformers.x_m.size and not all(results.transformers.x_m != results.transformers.x_m):
        charts.insert(1, _map())
    if results.hours is not None and len(results.masked.names):
        charts.append(_worst_week(results))
    if results.simultaneity is not None:
        charts += simultaneity_charts(results.simultaneity)
    if results.ratios is not None:
        charts.append(_ratio(results))
    return charts


def _loading(results: GridResults) -> Chart:
    rated = int(
        np.isfinite(rated_loading(results)).sum()
    )  # those shown together have no rating, and come last
    return Chart(
        "transformer_loading", "bars", "Loading of transformers with all gas homes switched", "transformers",
        "transformer", ("loading_p50_percent", "loading_p95_percent"), x_label="transformer",
        y_label="annual peak over rating [%]", threshold={"rating": 100.0}, rows=(0, min(rated, MOST) or MOST),
        section=SECTION,
        note="Highest hour of a year, median and 95th percentile over draws of heat pumps, days, weather years and the "
        f"SPF. At most {MOST} transformers, the most loaded first.",
    )  # fmt: skip


def _map() -> Chart:
    return Chart(
        "transformer_map", "scatter", "Where transformers are loaded", "transformers", "x_m", ("y_m",),
        group="loading_class", x_label="east [m]", y_label="north [m]", section=SECTION,
        note="One point per transformer, by the class of its loading (95th percentile, all gas homes switched).",
    )  # fmt: skip


def _heat_map(results: GridResults) -> Chart:
    names = [results.masked.names[i] for i in shown_order(results)[:MOST].tolist()]
    return Chart(
        "transformer_heat_map", "heatmap", "Loading of transformers as gas homes switch", "transformer_adoption",
        "switched_percent", ("transformer",), colour="loading_p95_percent", where={"transformer": tuple(names)},
        x_label="gas homes of the town that have switched [%]", y_label="transformer", section=SECTION,
        note=f"95th percentile of the annual peak over the rating [%]; order: {results.paths[0].order}. "
        f"At most {MOST} transformers.",
    )  # fmt: skip


def _adoption_town() -> Chart:
    return Chart(
        "adoption_peak", "line", "Peak of the town as gas homes switch", "adoption", "switched_percent",
        ("town_p50_kw", "town_p95_kw"), x_label="gas homes that have switched [%]", y_label="annual peak [kW]",
        section=SECTION, note="Base load included; median and 95th percentile over draws.",
    )  # fmt: skip


def _adoption_count() -> Chart:
    return Chart(
        "adoption_overloaded", "line", "Transformers above their rating as gas homes switch", "adoption",
        "switched_percent", ("overloaded_p50_count", "overloaded_p95_count"),
        x_label="gas homes that have switched [%]", y_label="transformers above their rating", section=SECTION,
        note="Median and 95th percentile over draws, each with its own order and SPF.",
    )  # fmt: skip


def _worst_week(results: GridResults) -> Chart:
    worst = int(shown_order(results)[0])
    name = results.masked.names[worst]
    place = results.case.names.index(name) if name in results.case.names else -1
    limit = {"rating": float(results.case.rated_kw[place])} if place >= 0 else {}
    return Chart(
        "worst_transformer", "line", f"The most loaded transformer, {name}, with all gas homes switched",
        "transformer_hours", "time_utc", ("base_kw", "heat_pumps_kw", "p95_kw"), where={"transformer": (name,)},
        y_label="power [kW]", threshold=limit, section=SECTION,
        note="Expected base load and heat pumps, and the 95th percentile of both together in each hour of this "
        "weather. The annual peaks of the table of transformers pool all weather years.",
    )  # fmt: skip


def simultaneity_charts(found: Simultaneity) -> list[Chart]:
    """Return the charts of the simultaneity, up to about as many heat pumps as were measured."""
    drawn = tuple(int(n) for n in found.count)
    return [
        Chart(
            "simultaneity", "line", "Simultaneity of heat pumps by their number", "simultaneity", "homes_count",
            ("p05_share", "p50_share", "p95_share", "fitted_share", "kerber_share"),
            where={"days": ("all days",), "homes_count": drawn},
            x_label="heat pumps in the group", y_label="peak of the sum over sum of own peaks", section=SECTION,
            note="Random groups of the town's own heat pumps: median and 5th to 95th percentile up to half of the "
            "meters, the fitted curve, and the curve with the exponent 3/4 that other tools assume.",
        ),
        Chart(
            "simultaneity_cold", "line", "Simultaneity of heat pumps by outdoor temperature", "simultaneity",
            "homes_count", ("p50_share",), group="days", where={"homes_count": drawn},
            x_label="heat pumps in the group", y_label="peak of the sum over sum of own peaks", section=SECTION,
            note="The coldest days decide: on mild days heat pumps stay far below their own peaks.",
        ),
    ]  # fmt: skip


def _ratio(results: GridResults) -> Chart:
    assert results.ratios is not None
    beyond = int(results.ratios.clipped.sum())
    left_out = int(results.ratios.excluded.sum())
    return Chart(
        "electricity_ratio", "bars", "Heat-pump over household electricity by building", "ratio_histogram", "ratios",
        ("buildings_count",), x_label="annual electricity of the heat pump over that of the household",
        y_label="buildings", section=SECTION,
        note=f"Fig. 2 of Bayer & Pruckner 2023. {beyond} buildings lie above {results.ratios.clip:g} and are in the "
        f"last bar; {left_out} without household electricity are left out.",
    )  # fmt: skip
