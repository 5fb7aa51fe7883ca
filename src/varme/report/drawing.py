"""From a chart's description and a result to what is drawn: axes and series as arrays, for any drawing library.

``browser`` and ``png`` both draw what :func:`draw` returns, so that a chart shows the same in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from varme.ground.units import unit_of
from varme.report.flows import Flows, flows_of
from varme.report.localtime import time_labels, zone_of
from varme.report.numbers import label_with_unit, unit_label
from varme.report.palette import ACCENT, colours_of, column_words, group_text, trace_name

if TYPE_CHECKING:
    import pandas as pd

    from varme.ground.charts import Chart
    from varme.ground.result import Result

AxisKind = Literal["time", "number", "category"]


@dataclass(frozen=True)
class Axis:
    """An axis: UTC times, numbers, or the texts of categories (with the values that they stand for)."""

    kind: AxisKind
    label: str
    values: NDArray[Any]
    texts: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Trace:
    """A series: values along the x axis (NaN where there is none)."""

    name: str
    unit: str
    colour: str
    values: NDArray[np.float64]
    second: bool = False


def is_temperature(traces: list[Trace]) -> bool:
    """Return whether series are temperatures, whose zero means nothing, so that an axis need not begin there."""
    return bool(traces) and all("°C" in trace.unit for trace in traces)


def is_far_from_zero(traces: list[Trace]) -> bool:
    """Return whether a second axis need not begin at zero: temperatures, and values that all lie far above it."""
    values = np.concatenate([t.values[np.isfinite(t.values)] for t in traces] or [np.zeros(0)])
    return is_temperature(traces) or (len(values) > 1 and 0.35 * float(values.max()) < float(values.min()))


def is_free_of_zero(chart: Chart, body: Curves) -> bool:
    """Return whether the left axis need not begin at zero: temperatures, and lines over numbers far above it."""
    first = [t for t in body.traces if not t.second]
    if is_temperature(first) or body.y_label.endswith("[°C]"):
        return True
    values = np.concatenate([t.values[np.isfinite(t.values)] for t in first] or [np.zeros(0)])
    if chart.kind != "line" or body.x.kind != "number" or chart.threshold or len(values) < 2:
        return False
    return 0.6 * float(values.max()) < float(values.min())


@dataclass(frozen=True)
class Curves:
    """Series over one x axis: lines, steps, areas or bars."""

    x: Axis
    y_label: str
    y2_label: str
    traces: tuple[Trace, ...]
    bridged: bool = False


@dataclass(frozen=True)
class Cells:
    """A heat map: rows and columns of cells, each with a value or NaN; ``values[y, x]``."""

    x: Axis
    y: Axis
    colour_label: str
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Boxes:
    """Box plots: per series and category the 5 %, 25 %, 50 %, 75 % and 95 % quantiles; ``five[:, category]``."""

    x: Axis
    y_label: str
    series: tuple[tuple[str, str, NDArray[np.float64]], ...]


@dataclass(frozen=True)
class Cloud:
    """Points of one series of a scatter chart."""

    name: str
    colour: str
    x: NDArray[Any]
    y: NDArray[np.float64]


@dataclass(frozen=True)
class Clouds:
    """A scatter chart; ``x`` holds the axis only."""

    x: Axis
    y_label: str
    x_unit: str
    y_unit: str
    series: tuple[Cloud, ...]


@dataclass(frozen=True)
class Drawing:
    """A chart with all that is needed to draw it."""

    chart: Chart
    zone: str
    body: Curves | Cells | Boxes | Clouds | Flows
    remarks: tuple[str, ...] = field(default=())

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        body = self.body
        if isinstance(body, Curves):
            return not any(np.isfinite(t.values).any() for t in body.traces)
        if isinstance(body, Cells):
            return not np.isfinite(body.values).any()
        if isinstance(body, Boxes):
            return not any(np.isfinite(five).any() for _, _, five in body.series)
        if isinstance(body, Clouds):
            return not any(len(cloud.x) for cloud in body.series)
        return not body.links


def draw(chart: Chart, result: Result, colours: dict[str, str] | None = None) -> Drawing:
    """Return what a chart shows.

    Args:
        chart: The description.
        result: The result that holds its table.
        colours: Colour per series name; by default those of the whole result.

    Raises:
        KeyError: if the table or a column does not exist.
        ValueError: if a column that is drawn holds no numbers.
    """
    frame = chart.data(result.data)
    palette = colours if colours is not None else colours_of(result)
    zone = zone_of(result)
    _refuse_text(chart, frame)
    if chart.kind not in {"duration", "sankey"}:
        frame = frame[frame[chart.x].notna()]
    if chart.kind == "heatmap":
        return Drawing(chart, zone, _cells(chart, frame, zone))
    if chart.kind == "box":
        says_whiskers = "whisker" in chart.note.lower()  # a chart may have quantiles of its own
        return Drawing(
            chart, zone, _boxes(chart, frame, zone, palette), () if says_whiskers else (BOX_REMARK,)
        )
    if chart.kind == "scatter":
        return Drawing(chart, zone, _clouds(chart, frame, zone, palette))
    if chart.kind == "sankey":
        flows = flows_of(chart, frame, palette)
        return Drawing(chart, zone, flows, flows.remarks)
    if chart.kind == "duration":
        return Drawing(chart, zone, _duration(chart, frame, palette))
    curves = _curves(chart, frame, zone, palette)
    return Drawing(
        chart, zone, curves, (MEANS_REMARK,) if chart.kind == "stack" and len(curves.x) > RESAMPLED else ()
    )


#: Stacked areas over more rows than this are drawn as means over blocks (the browser computes them anew at each zoom).
RESAMPLED = 500
MEANS_REMARK = "Long spans are drawn as means over several hours; the hours themselves show when zoomed in."
BOX_REMARK = "Boxes from the lower to the upper quartile with the median; whiskers from 5 % to 95 %."


def _refuse_text(chart: Chart, frame: pd.DataFrame) -> None:
    numbers = [c for c in (*chart.y, *chart.y2, chart.colour) if c]
    if chart.kind == "heatmap":
        numbers = [c for c in numbers if c == chart.colour]
    if chart.kind == "sankey":
        numbers = list(chart.y[1:2])
    for column in numbers:
        if frame[column].dtype.kind not in "fiub":
            raise ValueError(f"chart {chart.name}: column {column} of table {chart.table} holds no numbers")


def _axis(
    values: pd.Series[Any],
    label: str,
    zone: str,
    categories: bool,
    words: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Axis, NDArray[np.intp]]:
    """Return the axis of a column's distinct values, and each row's place on it."""
    name = str(values.name)
    kind = values.dtype.kind if hasattr(values.dtype, "kind") else "O"
    if kind == "M":
        times = values.dt.tz_localize(None).to_numpy().astype("datetime64[s]")
        distinct, place = np.unique(times, return_inverse=True)
        texts = tuple(time_labels(distinct, zone)) if categories else ()
        axis_label = label or f"Time ({zone})"
        return Axis("category" if categories else "time", axis_label, distinct, texts), place
    if kind in "fiu" and not (name == "year" or name.endswith("_year")):
        distinct, place = np.unique(values.to_numpy(), return_inverse=True)
        texts = number_texts(distinct.tolist()) if categories else ()
        return Axis(
            "category" if categories else "number", label or label_with_unit(name), distinct, texts
        ), place
    texts_of_rows = [words.get(t, t) for t in map(group_text, values.tolist())]
    order = {text: i for i, text in enumerate(dict.fromkeys(texts_of_rows))}
    place = np.asarray([order[t] for t in texts_of_rows], dtype=np.intp)
    return Axis("category", label or label_with_unit(name), np.arange(len(order)), tuple(order)), place


def number_texts(values: list[float]) -> tuple[str, ...]:
    """Return numbers as the texts of categories: four digits where more would only repeat a fraction.

    >>> number_texts([2.0, 3.6666667]), number_texts([12.25, 12.5])
    (('2', '3.667'), ('12.25', '12.5'))
    """
    whole = [f"{v:.6g}" for v in values]
    short = [f"{v:.4g}" for v in values]
    longest = max((len(t.strip("-").replace(".", "")) for t in whole), default=0)
    good = longest > 5 and len(set(short)) == len(short) and not any("e" in t for t in short)
    return tuple(short if good else whole)


def _groups(chart: Chart, frame: pd.DataFrame) -> tuple[list[str | None], NDArray[np.intp]]:
    if chart.group is None:
        return [None], np.zeros(len(frame), dtype=np.intp)
    codes, values = frame[chart.group].factorize(use_na_sentinel=False)
    return [chart.words.get(t, t) for t in map(group_text, values)], np.asarray(codes, dtype=np.intp)


def _gathered(
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    shape: tuple[int, int],
    values: NDArray[Any],
    mean: bool,
) -> NDArray[np.float64]:
    """Return values summed (or averaged) into a matrix; NaN where there are none."""
    flat = rows * shape[1] + columns
    size = shape[0] * shape[1]
    numbers = np.asarray(values, dtype=np.float64)
    count = np.bincount(flat, minlength=size)
    total = np.bincount(flat, weights=numbers, minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        out = np.where(count > 0, total / np.maximum(count, 1) if mean else total, np.nan)
    return out.reshape(shape)


def _curves(chart: Chart, frame: pd.DataFrame, zone: str, palette: dict[str, str]) -> Curves:
    bars = chart.kind in {"bars", "stacked_bars"}
    summed = bars or chart.kind == "stack"
    x, place = _axis(frame[chart.x], chart.x_label, zone, categories=bars, words=chart.words)
    if chart.kind == "stack" and len(x) == 1 and x.kind == "time":
        x, place = _axis(frame[chart.x], chart.x_label, zone, categories=True, words=chart.words)
    groups, member = _groups(chart, frame)
    words = column_words(chart)
    traces = []
    for column in chart.y:
        matrix = _gathered(member, place, (len(groups), len(x)), frame[column].to_numpy(), mean=not summed)
        for row, group in enumerate(groups):
            name = trace_name(group, words[column], len(chart.y))
            traces.append(Trace(name, unit_label(unit_of(column)), palette.get(name, ACCENT), matrix[row]))
    for column in chart.y2:
        line = _gathered(np.zeros_like(place), place, (1, len(x)), frame[column].to_numpy(), mean=True)[0]
        name, unit = words[column], unit_label(unit_of(column))
        traces.append(Trace(name, unit, palette.get(name, ACCENT), line, second=True))
    label, second = chart.y_label or _y_label(chart.y), chart.y2_label or _y_label(chart.y2)
    bridged = chart.group is not None and x.kind != "time"
    return Curves(x, label, second, tuple(traces), bridged)


def _y_label(columns: tuple[str, ...]) -> str:
    if len(columns) == 1:
        return label_with_unit(columns[0])
    units = list(dict.fromkeys(unit_label(unit_of(c)) for c in columns))
    return ", ".join(u for u in units if u)


def _duration(chart: Chart, frame: pd.DataFrame, palette: dict[str, str]) -> Curves:
    groups, member = _groups(chart, frame)
    words = column_words(chart)
    step_h = _step_h(frame[chart.x])
    found: list[tuple[str, str, NDArray[np.float64]]] = []
    for column in chart.y:
        numbers = frame[column].to_numpy().astype(np.float64)
        for code, group in enumerate(groups):
            own = numbers[(member == code) & np.isfinite(numbers)]
            name = trace_name(group, words[column], len(chart.y))
            found.append((name, unit_label(unit_of(column)), np.sort(own)[::-1]))
    length = max((len(values) for _, _, values in found), default=0)
    traces = []
    for name, unit, values in found:
        padded = np.full(length, np.nan)
        padded[: len(values)] = values
        traces.append(Trace(name, unit, palette.get(name, ACCENT), padded))
    x = Axis("number", chart.x_label or "Hours [h]", np.arange(length) * step_h)
    return Curves(x, chart.y_label or _y_label(chart.y), "", tuple(traces))


def _step_h(times: pd.Series[Any]) -> float:
    if getattr(times.dtype, "kind", "O") != "M" or len(times) < 2:
        return 1.0
    gaps = np.diff(np.unique(times.dt.tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64)))
    return float(np.median(gaps)) / 3600 if len(gaps) else 1.0


def _cells(chart: Chart, frame: pd.DataFrame, zone: str) -> Cells:
    if chart.colour is None:
        raise ValueError(f"chart {chart.name}: a heat map needs the column that gives the colour")
    x, column = _axis(frame[chart.x], chart.x_label, zone, categories=True, words=chart.words)
    y, row = _axis(frame[chart.y[0]], chart.y_label, zone, categories=True)
    values = _gathered(row, column, (len(y), len(x)), frame[chart.colour].to_numpy(), mean=True)
    return Cells(x, y, chart.words.get(chart.colour) or label_with_unit(chart.colour), values)


def _boxes(chart: Chart, frame: pd.DataFrame, zone: str, palette: dict[str, str]) -> Boxes:
    x, place = _axis(frame[chart.x], chart.x_label, zone, categories=True, words=chart.words)
    groups, member = _groups(chart, frame)
    words = column_words(chart)
    series = []
    for column in chart.y:
        numbers = frame[column].to_numpy().astype(np.float64)
        good = np.isfinite(numbers)
        for code, group in enumerate(groups):
            five = np.full((5, len(x)), np.nan)
            for at in range(len(x)):
                own = numbers[good & (member == code) & (place == at)]
                if len(own):
                    five[:, at] = np.quantile(own, [0.05, 0.25, 0.5, 0.75, 0.95])
            name = trace_name(group, words[column], len(chart.y))
            series.append((name, palette.get(name, ACCENT), five))
    return Boxes(x, chart.y_label or _y_label(chart.y), tuple(series))


def _clouds(chart: Chart, frame: pd.DataFrame, zone: str, palette: dict[str, str]) -> Clouds:
    x, place = _axis(frame[chart.x], chart.x_label, zone, categories=False, words=chart.words)
    groups, member = _groups(chart, frame)
    words = column_words(chart)
    across = x.values[place] if len(x) else x.values
    series = []
    for column in chart.y:
        numbers = frame[column].to_numpy().astype(np.float64)
        good = np.isfinite(numbers)
        if x.kind == "number":
            good &= np.isfinite(across.astype(np.float64))
        for code, group in enumerate(groups):
            own = good & (member == code)
            name = trace_name(group, words[column], len(chart.y))
            series.append(Cloud(name, palette.get(name, ACCENT), across[own], numbers[own]))
    label = chart.y_label or _y_label(chart.y)
    return Clouds(x, label, unit_label(unit_of(chart.x)), unit_label(unit_of(chart.y[0])), tuple(series))
