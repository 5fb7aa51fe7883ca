"""Charts as ECharts options: plain JSON data, without functions.

What only a browser can do (tooltips, colours of a dark page, layout by width) is added by ``assets/charts.js``, which
reads the entry ``varme`` of an option: the kind, units, time zone and what the data button hands out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from varme.report.drawing import (
    RESAMPLED,
    Axis,
    Boxes,
    Cells,
    Clouds,
    Curves,
    Drawing,
    Trace,
    draw,
    is_far_from_zero,
    is_free_of_zero,
)
from varme.report.flows import Flows
from varme.report.localtime import axis_seconds
from varme.report.numbers import json_numbers
from varme.report.palette import SCALE

if TYPE_CHECKING:
    from varme.ground.charts import Chart
    from varme.ground.result import Result

#: More points than this get a zoom slider.
LONG: Final = 200
#: Heat maps with no more cells than this show their values.
LABELLED_CELLS: Final = 150
#: Lines over numbers with no more points than this show them.
MARKED: Final = 40
#: Axes of no more different numbers than this have a tick at each.
TICKS: Final = 12
#: Line types by which series of one shade are told apart, in turn after each eight.
DASHES: Final = ("solid", "dashed", "dotted")


def chart_option(chart: Chart, result: Result, colours: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the ECharts option of a chart.

    Args:
        chart: The description.
        result: The result that holds its table.
        colours: Colour per series name (``palette.colours_of``); computed from the result if not given.

    Raises:
        KeyError: if the table or a column does not exist.
        ValueError: if a drawn column holds no numbers.
    """
    return option_of(draw(chart, result, colours))


def option_of(drawing: Drawing) -> dict[str, Any]:
    """Return the ECharts option of a drawing."""
    body = drawing.body
    if isinstance(body, Curves):
        parts = _curves(drawing, body)
    elif isinstance(body, Cells):
        parts = _cells(body)
    elif isinstance(body, Boxes):
        parts = _boxes(body)
    elif isinstance(body, Clouds):
        parts = _clouds(drawing, body)
    else:
        parts = _flows(body)
    chart = drawing.chart
    description = f"{chart.title}. {chart.note}".strip()
    meta = {
        "name": chart.name, "kind": chart.kind, "title": chart.title, "zone": drawing.zone, "empty": drawing.empty,
    } | parts.pop("varme")  # fmt: skip
    common: dict[str, Any] = {
        "animation": False, "useUTC": True, "aria": {"enabled": True, "label": {"description": description}},
    }  # fmt: skip
    return common | parts | {"varme": meta}


def _legend(names: list[str]) -> dict[str, Any]:
    distinct = list(dict.fromkeys(names))
    return {"type": "scroll", "show": len(distinct) > 1, "data": distinct}


def _value_axis(label: str, **more: Any) -> dict[str, Any]:
    return {"type": "value", "name": label, **more}


def _x_axis(axis: Axis) -> dict[str, Any]:
    if axis.kind == "category":
        return {"type": "category", "name": axis.label, "data": list(axis.texts)}
    if axis.kind == "time":
        return {"type": "time", "name": axis.label}
    out: dict[str, Any] = {"type": "value", "name": axis.label, "min": "dataMin", "max": "dataMax"}
    if 1 < len(axis) <= TICKS:
        ticks = [float(v) for v in axis.values]
        out |= {"axisLabel": {"customValues": ticks}, "axisTick": {"customValues": ticks}}
    return out


def _x_data(axis: Axis, zone: str) -> list[Any]:
    if axis.kind == "category":
        return list(axis.texts)
    if axis.kind == "time":
        return [int(s) * 1000 for s in axis_seconds(axis.values, zone)]
    return json_numbers(axis.values)


def _utc_ms(axis: Axis) -> list[int] | None:
    """Return the UTC times behind an axis, for tooltips and the data button."""
    if not np.issubdtype(axis.values.dtype, np.datetime64):
        return None
    return [int(s) * 1000 for s in axis.values.astype("datetime64[s]").astype(np.int64)]


def _head(name: str, unit: str) -> str:
    return f"{name} [{unit}]" if unit and not name.endswith(f"[{unit}]") else name


def _curves(drawing: Drawing, body: Curves) -> dict[str, Any]:
    chart, rows = drawing.chart, len(body.x)
    held = chart.kind in {"steps", "stack", "duration"} and body.x.kind != "category" and rows > 1
    x = _x_data(body.x, drawing.zone)
    source: dict[str, list[Any]] = {"x": [*x, x[-1] + (x[-1] - x[-2])] if held else x}
    series = []
    for place, trace in enumerate(body.traces):
        values = json_numbers(trace.values)
        source[f"s{place}"] = [*values, values[-1]] if held else values
        series.append(_series(drawing, body, trace, place, held))
    if series and chart.threshold:
        series[0]["markLine"] = _mark_line(chart.threshold)
    second = any(t.second for t in body.traces)
    left = is_free_of_zero(chart, body)
    axes = [_value_axis(body.y_label, **_reach(chart, body), **({"scale": True} if left else {}))]
    if second:
        right = {"scale": True} if is_far_from_zero([t for t in body.traces if t.second]) else {}
        axes.append(_value_axis(body.y2_label, position="right", splitLine={"show": False}, **right))
    columns = [{"key": f"s{i}", "head": _head(t.name, t.unit)} for i, t in enumerate(body.traces)]
    stacked = chart.kind in {"stack", "stacked_bars"}
    bars = chart.kind in {"bars", "stacked_bars"}
    return {
        "legend": _legend([t.name for t in body.traces]),
        "tooltip": {"trigger": "axis"},
        "dataset": {"source": source},
        "xAxis": _x_axis(body.x) | ({"axisLine": {"onZero": False}} if left else {}),
        "yAxis": axes if second else axes[0],
        "series": series,
        "dataZoom": _zoom(rows > (40 if bars else LONG) and chart.kind != "duration"),
        "varme": {
            "x": body.x.kind, "x_head": body.x.label, "rows": rows, "utc": _utc_ms(body.x), "columns": columns,
            "units": {t.name: t.unit for t in body.traces}, "stacked": stacked,
            "resample": chart.kind == "stack" and rows > RESAMPLED,
        },
    }  # fmt: skip


def _series(drawing: Drawing, body: Curves, trace: Trace, place: int, held: bool) -> dict[str, Any]:
    kind, rows = drawing.chart.kind, len(body.x)
    entry: dict[str, Any] = {
        "name": trace.name, "encode": {"x": "x", "y": f"s{place}"}, "itemStyle": {"color": trace.colour},
    }  # fmt: skip
    bars = kind in {"bars", "stacked_bars"} or (kind == "stack" and body.x.kind == "category" and rows == 1)
    if trace.second:
        entry["yAxisIndex"] = 1
    elif bars:
        entry |= {"type": "bar", "barMaxWidth": 48}
        return entry | ({"stack": "all"} if kind != "bars" else {})
    same_kind = [t for t in body.traces if not t.second]
    dash = DASHES[place // 8 % 3] if kind != "stack" and len(same_kind) > 8 else "solid"
    marked = (
        rows == 1 or (body.x.kind != "time" and kind == "line" and rows <= MARKED) or (trace.second and bars)
    )
    entry |= {"type": "line", "showSymbol": marked, "symbolSize": 6, "connectNulls": body.bridged}
    entry["lineStyle"] = {"width": 1.2 if rows > 1000 else 2, "type": dash, "color": trace.colour}
    if held and not trace.second:
        entry["step"] = "end"
    if kind == "stack" and not trace.second:
        entry |= {"stack": "all", "areaStyle": {"opacity": 1, "color": trace.colour}, "symbol": "none"}
        entry["lineStyle"] = {"width": 1, "color": trace.colour}
    elif kind == "duration" and len(same_kind) == 1:
        entry["areaStyle"] = {"opacity": 0.15, "color": trace.colour}
    elif rows > LONG:
        entry["sampling"] = "lttb"
    return entry


def _mark_line(threshold: Any) -> dict[str, Any]:
    data = [{"name": str(label), "yAxis": float(value)} for label, value in threshold.items()]
    label = {"position": "insideEndTop", "formatter": "{b}"}
    return {"symbol": "none", "silent": True, "data": data, "label": label, "lineStyle": {"type": "dashed"}}


def _reach(chart: Chart, body: Curves) -> dict[str, Any]:
    """Return axis limits that bring thresholds into view; none if the data already reach them."""
    limits = [float(v) for v in chart.threshold.values() if math.isfinite(v)]
    first = [t.values for t in body.traces if not t.second]
    if not limits or not first:
        return {}
    matrix = np.nan_to_num(np.vstack(first))
    stacked = chart.kind in {"stack", "stacked_bars"}
    high = float((np.maximum(matrix, 0).sum(axis=0) if stacked else matrix).max(initial=0.0))
    low = float((np.minimum(matrix, 0).sum(axis=0) if stacked else matrix).min(initial=0.0))
    out: dict[str, Any] = {}
    if max(limits) > high:
        out["max"] = nice_above(max(limits))
    if min(limits) < low:
        out["min"] = -nice_above(-min(limits))
    return out


def nice_above(value: float) -> float:
    """Return the next round number (two digits) at least 3 % above a positive value.

    >>> nice_above(1234.0)
    1300.0
    """
    if value <= 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(round(value * 1.03 / step, 6)) * step:.12g}")


def _zoom(long: bool, **more: Any) -> list[dict[str, Any]]:
    if not long:
        return []
    return [
        {"type": "slider", **more},
        {"type": "inside", "zoomOnMouseWheel": "ctrl", "moveOnMouseMove": False, **more},
    ]


def _cells(body: Cells) -> dict[str, Any]:
    y, x = np.nonzero(np.isfinite(body.values))
    values = body.values[y, x]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    if low == high:
        high = low + (abs(low) or 1.0)
    source = {"x": x.tolist(), "y": y.tolist(), "v": json_numbers(values)}
    label, unit = body.colour_label, _bracketed(body.colour_label)
    return {
        "legend": {"show": False},
        "tooltip": {"trigger": "item"},
        "dataset": {"source": source},
        "xAxis": {"type": "category", "name": body.x.label, "data": list(body.x.texts)},
        "yAxis": {"type": "category", "name": body.y.label, "data": list(body.y.texts)},
        "visualMap": {
            "min": low, "max": high, "dimension": "v", "calculable": True, "text": [label, ""],
            "inRange": {"color": list(SCALE)}, "itemHeight": 160,
        },
        "series": [{
            "type": "heatmap", "name": label, "encode": {"x": "x", "y": "y", "value": "v"},
            "label": {"show": body.values.size <= LABELLED_CELLS},
        }],
        "dataZoom": [],
        "varme": {
            "x": "category", "rows": len(values), "units": {label: unit},
            "columns": [
                {"key": "x", "head": body.x.label, "texts": "x"}, {"key": "y", "head": body.y.label, "texts": "y"},
                {"key": "v", "head": label},
            ],
        },
    }  # fmt: skip


def _bracketed(label: str) -> str:
    return label[label.rindex("[") + 1 : -1] if label.endswith("]") else ""


FIVE: Final = (("low", "5 %"), ("q1", "25 %"), ("median", "50 %"), ("q3", "75 %"), ("high", "95 %"))


def _boxes(body: Boxes) -> dict[str, Any]:
    source: dict[str, list[Any]] = {"x": list(body.x.texts)}
    series, columns = [], []
    for place, (name, colour, five) in enumerate(body.series):
        keys = [f"b{place}_{key}" for key, _ in FIVE]
        for row, key in enumerate(keys):
            source[key] = json_numbers(five[row])
            columns.append({"key": key, "head": f"{name} {FIVE[row][1]}"})
        style = {"color": colour + "55", "borderColor": colour, "borderWidth": 1.5}
        encode = {"x": "x", "y": keys}
        series.append(
            {"type": "boxplot", "name": name, "encode": encode, "itemStyle": style, "boxWidth": [4, 36]}
        )
    return {
        "legend": _legend([name for name, _, _ in body.series]),
        "tooltip": {"trigger": "item"},
        "dataset": {"source": source},
        "xAxis": {"type": "category", "name": body.x.label, "data": list(body.x.texts)},
        "yAxis": _value_axis(body.y_label, scale=True),
        "series": series,
        "dataZoom": [],
        "varme": {
            "x": "category", "x_head": body.x.label, "rows": len(body.x), "columns": columns,
            "units": {name: _bracketed(body.y_label) for name, _, _ in body.series},
        },
    }  # fmt: skip


def _clouds(drawing: Drawing, body: Clouds) -> dict[str, Any]:
    datasets, series = [], []
    many = sum(len(cloud.x) for cloud in body.series) > 2000
    for place, cloud in enumerate(body.series):
        axis = Axis(body.x.kind, "", cloud.x)
        texts = [body.x.texts[int(i)] for i in cloud.x] if body.x.kind == "category" else []
        across = texts or _x_data(axis, drawing.zone)
        datasets.append({"name": cloud.name, "source": {"x": across, "y": json_numbers(cloud.y)}})
        series.append({
            "type": "scatter", "name": cloud.name, "datasetIndex": place, "encode": {"x": "x", "y": "y"},
            "symbolSize": 3 if many else 8, "itemStyle": {"color": cloud.colour, "opacity": 0.35 if many else 0.8},
            "large": many, "largeThreshold": 2000,
        })  # fmt: skip
    if series and drawing.chart.threshold:
        series[0]["markLine"] = _mark_line(drawing.chart.threshold)
    x_axis = _x_axis(body.x)
    for key in ("min", "max", "axisLabel", "axisTick"):
        x_axis.pop(key, None)
    return {
        "legend": _legend([cloud.name for cloud in body.series]),
        "tooltip": {"trigger": "item"},
        "dataset": datasets,
        "xAxis": x_axis,
        "yAxis": _value_axis(body.y_label),
        "series": series,
        "dataZoom": [],
        "varme": {
            "x": body.x.kind, "rows": sum(len(c.x) for c in body.series),
            "columns": [{"key": "x", "head": body.x.label}, {"key": "y", "head": body.y_label}],
            "units": {c.name: body.y_unit for c in body.series}, "x_unit": body.x_unit,
        },
    }  # fmt: skip


def _flows(body: Flows) -> dict[str, Any]:
    nodes = [{"name": name, "itemStyle": {"color": colour}} for name, colour in body.nodes.items()]
    values = json_numbers(np.asarray([v for _, _, v in body.links], dtype=float))
    links = [{"source": s, "target": t, "value": v} for (s, t, _), v in zip(body.links, values, strict=True)]
    source = {
        "source": [link["source"] for link in links], "target": [link["target"] for link in links], "value": values,
    }  # fmt: skip
    head = f"value [{body.unit}]" if body.unit else "value"
    return {
        "legend": {"show": False},
        "tooltip": {"trigger": "item"},
        "dataset": {"source": source},
        "series": [{
            "type": "sankey", "data": nodes, "links": links, "nodeGap": 14, "nodeWidth": 16, "draggable": False,
            "lineStyle": {"color": "gradient", "opacity": 0.35}, "emphasis": {"focus": "adjacency"},
        }],
        "dataZoom": [],
        "varme": {
            "x": "category", "rows": len(links), "units": {}, "unit": body.unit,
            "columns": [
                {"key": "source", "head": "from"}, {"key": "target", "head": "to"}, {"key": "value", "head": head},
            ],
        },
    }  # fmt: skip
