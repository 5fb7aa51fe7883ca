"""How each kind of drawing is put on matplotlib axes; used by ``png`` only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from varme.report.drawing import (
    Axis,
    Boxes,
    Cells,
    Clouds,
    Curves,
    Drawing,
    Trace,
    is_far_from_zero,
    is_free_of_zero,
)
from varme.report.flows import Box, Flows, boxes_of
from varme.report.localtime import axis_seconds
from varme.report.numbers import format_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

from varme.report.palette import SCALE

TEXT: Final = "#1d2733"
SOFT: Final = "#5b6775"
LINE: Final = "#c9d0d8"
GRID: Final = "#e8ebef"
LIMIT: Final = "#8a1c1c"
#: Line types by which series of one shade are told apart.
DASHES: Final = ("-", "--", ":")
#: Stacked areas over more rows than this show means over blocks of rows.
BLOCKS: Final = 500
#: Hours over which such means are taken.
NICE_HOURS: Final = (1, 2, 3, 4, 6, 8, 12, 24, 48, 96, 168, 336, 672)
#: Heat maps with no more cells than this show their values.
LABELLED_CELLS: Final = 150


def literal(text: str) -> str:
    """Return text as matplotlib shows it letter by letter, dollar signs included."""
    return text.replace("$", r"\$")


def shortened(text: str, letters: int = 24) -> str:
    """Return text cut to a number of letters."""
    return text if len(text) <= letters else text[: letters - 1] + "\u2026"


def plain_axes(axes: Axes) -> None:
    """Give axes the quiet look of the report: level grid lines, no frame."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.tick_params(colors=SOFT, labelsize=10, length=0)
    axes.grid(visible=True, axis="y", color=GRID, linewidth=0.9)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_number(float(value))))


def _x_axis(axes: Axes, axis: Axis, zone: str) -> NDArray[Any]:
    """Set up the horizontal axis and return the positions of its values."""
    axes.set_xlabel(literal(axis.label), fontsize=10, color=SOFT, labelpad=8)
    if axis.kind == "time":
        locator = AutoDateLocator(minticks=4, maxticks=10)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(
            ConciseDateFormatter(  # type: ignore[no-untyped-call]
                locator,
                formats=["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%H:%M"],
                zero_formats=["", "%Y", "%d %b", "%d %b", "%H:%M", "%H:%M"],
                show_offset=False,
            )
        )
        return axis_seconds(axis.values, zone).astype("datetime64[s]")
    if axis.kind == "category":
        _categories(axes, axis, "x")
        return np.arange(len(axis))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_number(float(value))))
    gaps = np.diff(axis.values) if 1 < len(axis) <= 12 else np.zeros(0)
    if len(gaps) and gaps.min() > 0.04 * gaps.sum():
        axes.set_xticks(axis.values)
    return axis.values


def _categories(axes: Axes, axis: Axis, which: str, shift: float = 0.0) -> None:
    stride = max(1, -(-len(axis) // 40))
    places = np.arange(0, len(axis), stride)
    texts = [literal(shortened(axis.texts[i])) for i in places]
    if which == "y":
        axes.set_yticks(places + shift, texts)
        return
    turned = sum(len(t) + 2 for t in texts) > 130
    axes.set_xticks(
        places + shift,
        texts,
        rotation=40 if turned else 0,
        ha="right" if turned else "center",
        rotation_mode="anchor",
    )


def ink_curves(drawing: Drawing, body: Curves, axes: Axes) -> None:
    """Draw lines, steps, areas, bars or duration curves; a second axis at the right where it is asked for."""
    kind = drawing.chart.kind
    x = _x_axis(axes, body.x, drawing.zone)
    first = [t for t in body.traces if not t.second]
    second = [t for t in body.traces if t.second]
    if kind in {"bars", "stacked_bars"} or (kind == "stack" and len(x) == 1):
        _bars(axes, x, first, stacked=kind != "bars")
    elif kind == "stack":
        _areas(axes, x, first, body.x)
    else:
        for place, trace in enumerate(first):
            _line(axes, x, trace, DASHES[place // 8 % 3] if len(first) > 8 else "-", kind, body)
        if kind == "duration" and len(first) == 1:
            axes.fill_between(x, first[0].values, step="post", color=first[0].colour, alpha=0.15, linewidth=0)
    axes.set_ylabel(literal(body.y_label))
    axes.margins(x=0.01 if body.x.kind != "category" else 0.02)
    if not is_free_of_zero(drawing.chart, body):
        _from_zero(axes, first)
    if second:
        other = axes.twinx()
        plain_axes(other)
        other.grid(visible=False)
        other.set_ylabel(literal(body.y2_label))
        for trace in second:
            _line(other, x, trace, "-", "line", body)
        if not is_far_from_zero(second):
            _from_zero(other, second)


def _from_zero(axes: Axes, traces: list[Trace]) -> None:
    """Let the axis begin at zero where no value is below it."""
    lowest = min((float(np.nanmin(t.values)) for t in traces if np.isfinite(t.values).any()), default=0.0)
    if lowest >= 0:
        axes.set_ylim(bottom=0.0)


def _line(axes: Axes, x: NDArray[Any], trace: Trace, dash: str, kind: str, body: Curves) -> None:
    values = trace.values
    if body.bridged:
        good = np.isfinite(values)
        x, values = x[good], values[good]
    marked = len(x) == 1 or (body.x.kind != "time" and kind == "line" and len(x) <= 40)
    stepped = kind in {"steps", "duration"} and not trace.second
    if stepped and len(x) > 1:
        x, values = np.append(x, x[-1] + (x[-1] - x[-2])), np.append(values, values[-1])
    width = 0.9 if len(x) > 1000 else 1.7
    style = "steps-post" if stepped else "default"
    axes.plot(
        x, values, color=trace.colour, linewidth=width, linestyle=dash, drawstyle=style, marker="o" if marked else "",
        markersize=4.5, zorder=3,
    )  # fmt: skip


def _bars(axes: Axes, x: NDArray[Any], traces: list[Trace], stacked: bool) -> None:
    above, below = np.zeros(len(x)), np.zeros(len(x))
    places = np.arange(len(x))
    width = 0.66 if stacked else 0.8 / max(1, len(traces))
    for place, trace in enumerate(traces):
        values = np.nan_to_num(trace.values)
        if not stacked:
            offset = (place - (len(traces) - 1) / 2) * width
            axes.bar(places + offset, values, width * 0.94, color=trace.colour)
            continue
        axes.bar(places, values, width, bottom=np.where(values >= 0, above, below), color=trace.colour)
        above += np.maximum(values, 0)
        below += np.minimum(values, 0)


def _areas(axes: Axes, x: NDArray[Any], traces: list[Trace], axis: Axis) -> None:
    matrix = np.nan_to_num(np.vstack([t.values for t in traces]))
    size = block_rows(axis)
    if size > 1:
        starts = np.arange(0, len(x), size)
        count = np.diff(np.append(starts, len(x)))
        matrix = np.add.reduceat(matrix, starts, axis=1) / count
        x = np.append(x[starts], x[-1])
    elif axis.kind == "category":
        axes.stackplot(x, matrix, colors=[t.colour for t in traces], linewidth=0)
        return
    else:
        x = np.append(x, x[-1] + (x[-1] - x[-2]))
    matrix = np.concatenate((matrix, matrix[:, -1:]), axis=1)
    above, below = np.zeros(matrix.shape[1]), np.zeros(matrix.shape[1])
    for place, trace in enumerate(traces):
        up, down = np.maximum(matrix[place], 0), np.minimum(matrix[place], 0)
        axes.fill_between(x, above, above + up, step="post", color=trace.colour, linewidth=0)
        if down.any():
            axes.fill_between(x, below, below + down, step="post", color=trace.colour, linewidth=0)
        above, below = above + up, below + down


def block_rows(axis: Axis) -> int:
    """Return over how many rows stacked areas are averaged, so that no more than 500 steps are drawn."""
    rows = len(axis)
    if rows <= BLOCKS:
        return 1
    per_hour = 1.0
    if axis.kind == "time":
        per_hour = 3600 / float((axis.values[1] - axis.values[0]).astype("timedelta64[s]").astype(int))
    for hours in NICE_HOURS:
        size = hours * per_hour
        if size >= 1 and size == int(size) and rows / size <= BLOCKS:
            return int(size)
    return -(-rows // BLOCKS)


def ink_cells(body: Cells, axes: Axes) -> None:
    """Draw a heat map with its colour bar."""
    scale = LinearSegmentedColormap.from_list("varme", list(SCALE))
    values = np.ma.masked_invalid(body.values)
    lines = body.values.size <= LABELLED_CELLS
    mesh = axes.pcolormesh(
        values, cmap=scale, edgecolors="white" if lines else "none", linewidth=1 if lines else 0
    )
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    for axis, which in ((body.x, "x"), (body.y, "y")):
        _categories(axes, axis, which, shift=0.5)
    axes.set_xlabel(literal(body.x.label), fontsize=10, color=SOFT, labelpad=8)
    axes.set_ylabel(literal(body.y.label))
    low, high = float(values.min()), float(values.max())
    digits = max(0, 2 - int(np.floor(np.log10(max(abs(low), abs(high)) or 1))))
    if lines:
        for row, column in np.argwhere(np.isfinite(body.values)):
            value = float(body.values[row, column])
            ink = "#10141a" if value > (low + high) / 2 else "white"
            axes.text(
                column + 0.5,
                row + 0.5,
                f"{value:,.{digits}f}",
                ha="center",
                va="center",
                color=ink,
                fontsize=9,
            )
    bar_axes = axes.inset_axes((1.02, 0.0, 0.016, 1.0))
    bar = axes.figure.colorbar(mesh, cax=bar_axes)
    bar.outline.set_visible(False)
    bar_axes.tick_params(colors=SOFT, labelsize=9, length=0)
    label = literal(shortened(body.colour_label))
    bar_axes.text(
        1.0, 1.03, label, transform=bar_axes.transAxes, ha="right", va="bottom", fontsize=9, color=SOFT
    )
    bar_axes.yaxis.set_major_locator(MaxNLocator(5))
    bar_axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_number(float(value))))


def ink_boxes(body: Boxes, axes: Axes) -> None:
    """Draw box plots from quantiles."""
    _categories(axes, body.x, "x")
    axes.set_xlabel(literal(body.x.label), fontsize=10, color=SOFT, labelpad=8)
    axes.set_ylabel(literal(body.y_label))
    width = 0.7 / max(1, len(body.series))
    for place, (_, colour, five) in enumerate(body.series):
        good = np.nonzero(np.isfinite(five[2]))[0]
        keys = ("whislo", "q1", "med", "q3", "whishi")
        stats = [dict(zip(keys, five[:, at].tolist(), strict=True)) for at in good]
        offset = (place - (len(body.series) - 1) / 2) * width
        line = {"color": colour, "linewidth": 1.3}
        box = {"facecolor": colour + "55", "edgecolor": colour, "linewidth": 1.3}
        axes.bxp(
            stats, positions=good + offset, widths=width * 0.86, showfliers=False, patch_artist=True,
            manage_ticks=False, boxprops=box, medianprops=line, whiskerprops=line, capprops=line,
        )  # fmt: skip
    axes.set_xlim(-0.6, len(body.x) - 0.4)


def ink_clouds(drawing: Drawing, body: Clouds, axes: Axes) -> None:
    """Draw a scatter chart."""
    _x_axis(axes, Axis(body.x.kind, body.x.label, body.x.values[:0] if body.x.kind != "category" else body.x.values,
                       body.x.texts), drawing.zone)  # fmt: skip
    many = sum(len(cloud.x) for cloud in body.series) > 2000
    for cloud in body.series:
        across = cloud.x
        if body.x.kind == "time":
            across = axis_seconds(cloud.x, drawing.zone).astype("datetime64[s]")
        axes.scatter(
            across,
            cloud.y,
            s=5 if many else 28,
            color=cloud.colour,
            alpha=0.35 if many else 0.8,
            linewidths=0,
            zorder=3,
        )
    axes.set_ylabel(literal(body.y_label))


def ink_flows(body: Flows, axes: Axes) -> None:
    """Draw a flow chart: nodes as bars, links as ribbons."""
    boxes = boxes_of(body)
    last = max(box.column for box in boxes.values())
    axes.set_axis_off()
    axes.set_xlim(0, last + 0.45)
    axes.set_ylim(0, 1)
    scale = _flow_scale(body, boxes)
    starts = _tops(body, boxes, scale, from_source=True)
    ends = _tops(body, boxes, scale, from_source=False)
    for place, (source, target, value) in enumerate(body.links):
        start, end = boxes[source].column + 0.05, float(boxes[target].column)
        outline = _ribbon(start, starts[place], end, ends[place], value * scale)
        axes.add_patch(PathPatch(outline, facecolor=body.nodes[source], alpha=0.32, linewidth=0))
    for name, box in boxes.items():
        axes.add_patch(
            Rectangle((box.column, box.bottom), 0.05, box.height, color=body.nodes[name], linewidth=0)
        )
        text = literal(shortened(name))
        axes.text(
            box.column + 0.07,
            box.bottom + box.height / 2,
            text,
            va="center",
            fontsize=10,
            color=TEXT,
            zorder=5,
        )


def _tops(body: Flows, boxes: dict[str, Box], scale: float, from_source: bool) -> list[float]:
    """Return the upper edge of each link at its source or its target: in the order of the nodes at the other end."""
    near, far = (0, 1) if from_source else (1, 0)
    free = {name: box.bottom + box.height for name, box in boxes.items()}
    tops = [0.0] * len(body.links)
    ends = [(link[:2][near], link[:2][far]) for link in body.links]
    for place in sorted(range(len(ends)), key=lambda i: -boxes[ends[i][1]].bottom):
        tops[place] = free[ends[place][0]]
        free[ends[place][0]] -= body.links[place][2] * scale
    return tops


def _flow_scale(body: Flows, boxes: dict[str, Box]) -> float:
    total = dict.fromkeys(boxes, 0.0)
    arrived = dict.fromkeys(boxes, 0.0)
    for source, target, value in body.links:
        total[source] += value
        arrived[target] += value
    name = next(iter(boxes))
    return boxes[name].height / max(total[name], arrived[name])


def _ribbon(x0: float, y0: float, x1: float, y1: float, thick: float) -> Outline:
    middle = (x0 + x1) / 2
    corners = [
        (x0, y0), (middle, y0), (middle, y1), (x1, y1), (x1, y1 - thick), (middle, y1 - thick), (middle, y0 - thick),
        (x0, y0 - thick), (x0, y0),
    ]  # fmt: skip
    curve, line = Outline.CURVE4, Outline.LINETO
    return Outline(corners, [Outline.MOVETO, curve, curve, curve, line, curve, curve, curve, line])
