"""ECharts options against the data of the tables, for each kind of chart."""

import dataclasses
import json
import math

import numpy as np
import pytest

from tests.report.made_up import made_up, table
from tests.report.tiny import hours, long_table, of_every_kind, result_of, wide_table
from varme.ground.charts import Chart
from varme.report.browser import chart_option, nice_above

MS = 3_600_000
START = 1_546_300_800_000  # 2019-01-01 00:00 UTC


def option(chart, *tables, **more):
    return chart_option(chart, result_of(tables, [chart], **more))


def test_line_gives_each_column_a_series_and_keeps_gaps():
    out = option(
        Chart("c", "line", "T", "wide", "time_utc", ("heat_mw",), y2=("price_eur_per_mwh",)), wide_table()
    )
    assert out["dataset"]["source"] == {
        "x": [START, START + MS, START + 2 * MS],
        "s0": [1, None, 3],
        "s1": [10, 20, 30],
    }
    assert [s["name"] for s in out["series"]] == ["Heat", "Price"]
    assert [s.get("yAxisIndex", 0) for s in out["series"]] == [0, 1]
    assert [a["name"] for a in out["yAxis"]] == ["Heat [MW]", "Price [EUR/MWh]"]
    assert out["xAxis"] == {"type": "time", "name": "Time (UTC)"}
    assert out["series"][0]["connectNulls"] is False
    assert out["varme"]["units"] == {"Heat": "MW", "Price": "EUR/MWh"}


def test_steps_hold_the_last_value_to_the_end_of_its_interval():
    out = option(Chart("c", "steps", "T", "wide", "time_utc", ("heat_mw",)), wide_table())
    assert out["series"][0]["step"] == "end"
    assert out["dataset"]["source"]["x"][-1] == START + 3 * MS
    assert out["dataset"]["source"]["s0"] == [1, None, 3, 3]
    assert out["varme"]["rows"] == 3


def test_time_stands_in_the_zone_of_the_study():
    study = {"time": {"timezone": "Europe/Copenhagen"}}
    out = option(Chart("c", "line", "T", "wide", "time_utc", ("heat_mw",)), wide_table(), study=study)
    assert out["dataset"]["source"]["x"][0] == START + MS
    assert out["varme"]["utc"][0] == START
    assert out["varme"]["zone"] == "Europe/Copenhagen"


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../../etc/passwd", "", 7, None])
def test_an_unknown_zone_is_utc(zone):
    chart = Chart("c", "line", "T", "wide", "time_utc", ("heat_mw",))
    assert option(chart, wide_table(), study={"time": {"timezone": zone}})["varme"]["zone"] == "UTC"
    assert option(chart, wide_table(), study={"time": "2011"})["varme"]["zone"] == "UTC"


def test_stack_spreads_groups_in_the_order_of_the_rows():
    out = option(Chart("c", "stack", "T", "long", "time_utc", ("heat_mw",), "unit"), long_table())
    assert [s["name"] for s in out["series"]] == ["b", "a"]
    assert out["dataset"]["source"]["s0"][:3] == [0, 10, 20]
    assert out["dataset"]["source"]["s1"][:3] == [1, 11, 21]
    assert {s["stack"] for s in out["series"]} == {"all"}
    assert out["varme"]["stacked"] is True


def test_stack_of_one_hour_is_a_bar():
    out = option(Chart("c", "stack", "T", "long", "time_utc", ("heat_mw",), "unit"), long_table(count=1))
    assert [s["type"] for s in out["series"]] == ["bar", "bar"]
    assert out["dataset"]["source"] == {"x": ["1 Jan 2019 00:00"], "s0": [0], "s1": [1]}


def test_stacks_and_bars_add_up_rows_that_fall_together_and_lines_average_them():
    source = table(
        "t",
        "T",
        [("month", "text", "m"), ("heat_mwh", "number", "q")],
        {"month": ["x", "x", "y"], "heat_mwh": [1.0, 2.0, 4.0]},
    )
    bars = option(Chart("c", "bars", "T", "t", "month", ("heat_mwh",)), source)
    assert bars["dataset"]["source"] == {"x": ["x", "y"], "s0": [3, 4]}
    line = option(Chart("c", "line", "T", "t", "month", ("heat_mwh",)), source)
    assert line["dataset"]["source"]["s0"] == [1.5, 4]


def test_grouped_bars_stand_side_by_side_and_stacked_bars_on_each_other():
    grouped = option(Chart("c", "bars", "T", "long", "time_utc", ("heat_mw",), "unit"), long_table())
    stacked = option(Chart("c", "stacked_bars", "T", "long", "time_utc", ("heat_mw",), "unit"), long_table())
    assert [s.get("stack") for s in grouped["series"]] == [None, None]
    assert [s.get("stack") for s in stacked["series"]] == ["all", "all"]
    assert grouped["xAxis"]["data"] == ["1 Jan 00:00", "1 Jan 01:00", "1 Jan 02:00"]


def test_where_and_rows_choose_what_is_drawn():
    chart = Chart(
        "c", "line", "T", "long", "time_utc", ("heat_mw",), "unit", where={"unit": ("a",)}, rows=(1, 3)
    )
    out = option(chart, long_table())
    assert [s["name"] for s in out["series"]] == ["a"]
    assert out["dataset"]["source"]["s0"] == [11, 21]


def test_lines_of_groups_over_numbers_bridge_points_that_others_have():
    source = table(
        "t",
        "T",
        [("cop", "number", "c"), ("case", "text", "k"), ("saving_percent", "number", "s")],
        {"cop": [4.0, 2.0, 3.0], "case": ["a", "a", "b"], "saving_percent": [1.0, 2.0, 3.0]},
    )
    out = option(Chart("c", "line", "T", "t", "cop", ("saving_percent",), "case"), source)
    assert out["dataset"]["source"] == {"x": [2, 3, 4], "s0": [2, None, 1], "s1": [None, 3, None]}
    assert all(s["connectNulls"] and s["showSymbol"] for s in out["series"])
    assert out["xAxis"]["axisTick"]["customValues"] == [2.0, 3.0, 4.0]


def test_heatmap_cells_point_at_their_row_and_column_and_skip_missing_ones():
    source = table(
        "t",
        "T",
        [("a_mw", "number", "a"), ("b_mw", "number", "b"), ("saving_percent", "number", "s")],
        {
            "a_mw": [0.0, 0.0, 10.0, 10.0],
            "b_mw": [5.0, 6.0, 5.0, 6.0],
            "saving_percent": [1.0, 2.0, 3.0, math.nan],
        },
    )
    out = option(Chart("c", "heatmap", "T", "t", "a_mw", ("b_mw",), colour="saving_percent"), source)
    assert out["dataset"]["source"] == {"x": [0, 1, 0], "y": [0, 0, 1], "v": [1, 3, 2]}
    assert out["xAxis"]["data"] == ["0", "10"]
    assert out["yAxis"]["data"] == ["5", "6"]
    assert (out["visualMap"]["min"], out["visualMap"]["max"]) == (1.0, 3.0)


def test_heatmap_of_one_value_has_a_scale_that_is_wider_than_nothing():
    source = table(
        "t",
        "T",
        [("a", "text", "a"), ("b", "text", "b"), ("v_mw", "number", "v")],
        {"a": ["x"], "b": ["y"], "v_mw": [0.0]},
    )
    out = option(Chart("c", "heatmap", "T", "t", "a", ("b",), colour="v_mw"), source)
    assert out["visualMap"]["max"] > out["visualMap"]["min"]


def test_duration_sorts_each_series_and_counts_hours():
    source = table(
        "t",
        "T",
        [("time_utc", "time", "t"), ("heat_mw", "number", "q")],
        {
            "time_utc": np.datetime64("2019-01-01", "s") + np.arange(4) * np.timedelta64(1800, "s"),
            "heat_mw": [1.0, 3.0, math.nan, 2.0],
        },
    )
    out = option(Chart("c", "duration", "T", "t", "time_utc", ("heat_mw",)), source)
    assert out["dataset"]["source"] == {"x": [0, 0.5, 1, 1.5], "s0": [3, 2, 1, 1]}
    assert out["varme"]["rows"] == 3


def test_box_shows_five_quantiles():
    source = table(
        "t",
        "T",
        [("hour", "integer", "h"), ("price_eur_per_mwh", "number", "p")],
        {"hour": [1] * 101 + [2], "price_eur_per_mwh": [*map(float, range(101)), math.nan]},
    )
    out = option(Chart("c", "box", "T", "t", "hour", ("price_eur_per_mwh",)), source)
    keys = out["series"][0]["encode"]["y"]
    assert [out["dataset"]["source"][k] for k in keys] == [
        [5, None],
        [25, None],
        [50, None],
        [75, None],
        [95, None],
    ]
    assert out["xAxis"]["data"] == ["1", "2"]


def test_scatter_gives_each_group_its_points():
    source = table(
        "t",
        "T",
        [("heat_mw", "number", "q"), ("power_mw", "number", "p"), ("unit", "text", "u")],
        {"heat_mw": [3.0, 1.0, 2.0], "power_mw": [30.0, 10.0, math.nan], "unit": ["a", "b", "a"]},
    )
    out = option(Chart("c", "scatter", "T", "t", "heat_mw", ("power_mw",), "unit"), source)
    assert out["dataset"] == [
        {"name": "a", "source": {"x": [3], "y": [30]}},
        {"name": "b", "source": {"x": [1], "y": [10]}},
    ]


def test_sankey_adds_up_links_drops_empty_ones_and_cuts_circles():
    source = table(
        "t",
        "T",
        [("source", "text", "s"), ("target", "text", "t"), ("e_mwh", "number", "e")],
        {
            "source": ["a", "a", "b", "c", "a", "c"],
            "target": ["b", "b", "c", "a", "d", "c"],
            "e_mwh": [1.0, 2.0, 3.0, 1.0, 0.0, 0.5],
        },
    )
    out = option(Chart("c", "sankey", "T", "t", "source", ("target", "e_mwh")), source)
    links = [(k["source"], k["target"], k["value"]) for k in out["series"][0]["links"]]
    assert links == [("a", "b", 3), ("b", "c", 3), ("c", "a (back)", 1), ("c", "c (back)", 0.5)]
    assert {n["name"] for n in out["series"][0]["data"]} == {"a", "b", "c", "a (back)", "c (back)"}


def test_thresholds_are_lines_that_the_axis_reaches():
    chart = Chart(
        "c", "line", "T", "wide", "time_utc", ("heat_mw",), threshold={"limit": 50.0, "floor": -7.0}
    )
    out = option(chart, wide_table())
    assert [(d["name"], d["yAxis"]) for d in out["series"][0]["markLine"]["data"]] == [
        ("limit", 50.0),
        ("floor", -7.0),
    ]
    assert out["yAxis"]["max"] == nice_above(50.0) > 50
    assert out["yAxis"]["min"] < -7
    inside = option(dataclasses.replace(chart, threshold={"mean": 2.0}), wide_table())
    assert "max" not in inside["yAxis"]


def test_long_series_can_be_zoomed_and_are_sampled():
    values = tuple(float(i) for i in range(1000))
    chart = Chart("c", "line", "T", "wide", "time_utc", ("heat_mw",))
    out = option(chart, wide_table(values=values, second=values))
    assert [z["type"] for z in out["dataZoom"]] == ["slider", "inside"]
    assert out["series"][0]["sampling"] == "lttb"
    assert option(chart, wide_table())["dataZoom"] == []


def test_years_are_categories_and_are_written_without_separators():
    source = table(
        "t",
        "T",
        [("year", "integer", "y"), ("cost_eur", "number", "c")],
        {"year": [2011, 2012], "cost_eur": [1.0, 2.0]},
    )
    out = option(Chart("c", "line", "T", "t", "year", ("cost_eur",)), source)
    assert out["xAxis"] == {"type": "category", "name": "Year", "data": ["2011", "2012"]}


def test_columns_that_would_have_one_name_are_told_apart_by_their_units():
    source = table(
        "t",
        "T",
        [("time_utc", "time", "t"), ("heat_mw", "number", "q"), ("heat_mwh", "number", "e")],
        {"time_utc": hours(1), "heat_mw": [1.0], "heat_mwh": [2.0]},
    )
    out = option(Chart("c", "line", "T", "t", "time_utc", ("heat_mw", "heat_mwh")), source)
    assert [s["name"] for s in out["series"]] == ["Heat [MW]", "Heat [MWh]"]


def test_a_series_has_one_colour_in_all_charts():
    result = made_up(days=2)
    options = [chart_option(c, result) for c in result.charts]
    seen: dict[str, set[str]] = {}
    for out in options:
        for series in out["series"]:
            if series["type"] in {"line", "bar", "scatter"}:
                seen.setdefault(series["name"], set()).add(series["itemStyle"]["color"])
    assert len(seen) > 20
    assert all(len(colours) == 1 for colours in seen.values())


def test_wrong_columns_are_refused_by_name():
    with pytest.raises(KeyError, match="no column nothing_mw"):
        option(Chart("c", "line", "T", "wide", "time_utc", ("nothing_mw",)), wide_table())
    with pytest.raises(ValueError, match="column what of table wide holds no numbers"):
        option(Chart("c", "line", "T", "wide", "time_utc", ("what",)), wide_table())


@pytest.mark.parametrize("rows", [0, 1, 2])
@pytest.mark.parametrize("count", [1, 60])
def test_every_kind_is_drawn_from_few_rows_and_many_series(rows, count):
    tables, charts = of_every_kind(rows, [f"series {i}" for i in range(count)])
    result = result_of(tables, charts)
    for chart in charts:
        out = chart_option(chart, result)
        json.dumps(out, allow_nan=False)
        assert out["varme"]["empty"] is (rows == 0 or (chart.kind == "sankey" and count == 1))


def test_the_option_is_plain_json_for_the_whole_made_up_year():
    result = made_up(days=20)
    for chart in result.charts:
        assert (
            json.loads(json.dumps(chart_option(chart, result), allow_nan=False))["varme"]["name"]
            == chart.name
        )


def test_rows_without_a_place_on_the_axis_are_left_out_and_groups_without_a_name_kept():
    source = table(
        "t",
        "T",
        [("a_mw", "number", "a"), ("b_mw", "number", "b"), ("g", "number", "g")],
        {"a_mw": [1.0, math.nan, 2.0], "b_mw": [1.0, 2.0, math.inf], "g": [math.nan, 1.0, 1.0]},
    )
    out = option(Chart("c", "line", "T", "t", "a_mw", ("b_mw",), "g"), source)
    assert [s["name"] for s in out["series"]] == ["nan", "1"]
    assert out["dataset"]["source"] == {"x": [1, 2], "s0": [1, None], "s1": [None, None]}
