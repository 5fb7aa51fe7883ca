"""Charts as PNG files by matplotlib, from the same drawings as in the browser, with the same colours.

matplotlib is imported by this module and ``inks`` only; import them where a PNG is wanted, not before.
"""

from __future__ import annotations

import os
import textwrap
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from varme.report.drawing import Boxes, Cells, Clouds, Curves, Drawing, draw
from varme.report.inks import (
    LIMIT,
    SOFT,
    TEXT,
    ink_boxes,
    ink_cells,
    ink_clouds,
    ink_curves,
    ink_flows,
    literal,
    plain_axes,
    shortened,
)
from varme.report.palette import colours_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from varme.ground.charts import Chart
    from varme.ground.result import Result

DPI: Final = 100
#: Legends with more names than this stand at the right.
SIDE_LEGEND: Final = 8
#: Rows of a legend at the right before a second column starts.
SIDE_ROWS: Final = 30
#: Height of a low chart over that of others.
LOW: Final = 0.4


def draw_png(
    chart: Chart,
    result: Result,
    path: Path,
    *,
    width_px: int = 1200,
    height_px: int = 700,
    colours: dict[str, str] | None = None,
) -> Path:
    """Draw a chart of a result as a PNG file and return its path.

    Args:
        chart: The description.
        result: The result that holds its table.
        path: The file to write; its folder must exist.
        width_px: Width of the image [px].
        height_px: Height of the image [px].
        colours: Colour per series name; by default those of the whole result.

    Raises:
        KeyError: if the table or a column does not exist.
        ValueError: if a drawn column holds no numbers.
        OSError: if the file cannot be written; an older one then stays as it was.
    """
    drawing = draw(chart, result, colours)
    height_px = round(height_px * LOW) if chart.low else height_px
    figure = Figure(figsize=(width_px / DPI, height_px / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    lines = textwrap.wrap(chart.title, max(20, width_px // 12))[:2] or [""]
    head = 1 - (14 + 24 * len(lines)) / height_px
    figure.text(
        14 / width_px,
        1 - 14 / height_px,
        literal("\n".join(lines)),
        fontsize=14,
        color=TEXT,
        va="top",
        weight="bold",
    )
    axes = figure.add_axes((0.08, 0.14, 0.88, head - 0.24))
    if drawing.empty:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "There is nothing to draw.", ha="center", va="center", color=SOFT, fontsize=13)
    else:
        _ink(drawing, axes)
        _lay_out(figure, axes, drawing, head, (width_px, height_px))
    _save(figure, path)
    return path


def write_pngs(result: Result, folder: Path, *, width_px: int = 1200, height_px: int = 700) -> list[Path]:
    """Draw every chart of a result into a folder, which is made if it is missing; ``NAME.png`` each.

    Raises:
        KeyError: if a table or a column does not exist.
        ValueError: if a drawn column holds no numbers.
        OSError: if a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    colours = colours_of(result)
    return [
        draw_png(
            chart,
            result,
            folder / f"{chart.name}.png",
            width_px=width_px,
            height_px=height_px,
            colours=colours,
        )
        for chart in result.charts
    ]


def _ink(drawing: Drawing, axes: Axes) -> None:
    body = drawing.body
    plain_axes(axes)
    if isinstance(body, Curves):
        ink_curves(drawing, body, axes)
    elif isinstance(body, Cells):
        ink_cells(body, axes)
    elif isinstance(body, Boxes):
        ink_boxes(body, axes)
    elif isinstance(body, Clouds):
        ink_clouds(drawing, body, axes)
    else:
        ink_flows(body, axes)
    limits = list(drawing.chart.threshold.values())
    if limits:
        low, high = axes.get_ylim()
        axes.set_ylim(min(low, min(limits) * 1.05), max(high, max(limits) * 1.05))
    for label, value in drawing.chart.threshold.items():
        axes.axhline(value, color=LIMIT, linestyle="--", linewidth=1.1, zorder=6)
        axes.annotate(
            literal(shortened(str(label), 60)), (1, value), xycoords=("axes fraction", "data"), xytext=(-4, 3),
            textcoords="offset points", ha="right", color=LIMIT, fontsize=9, zorder=7,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1},
        )  # fmt: skip


def _legend_entries(drawing: Drawing) -> list[tuple[str, str]]:
    body = drawing.body
    if isinstance(body, Curves):
        pairs = [(t.name + (" (right)" if t.second else ""), t.colour) for t in body.traces]
    elif isinstance(body, Boxes):
        pairs = [(name, colour) for name, colour, _ in body.series]
    elif isinstance(body, Clouds):
        pairs = [(cloud.name, cloud.colour) for cloud in body.series]
    else:
        return []
    return list(dict.fromkeys(pairs)) if len(pairs) > 1 else []


def _lay_out(figure: Figure, axes: Axes, drawing: Drawing, head: float, size: tuple[int, int]) -> None:
    """Place axes, legend and the labels of the vertical axes; measure texts so that nothing is cut off."""
    width, height = size
    entries = _legend_entries(drawing)
    side = len(entries) > SIDE_LEGEND
    top = head - 12 / height
    right = 1 - 24 / width
    if entries:
        handles = [Patch(color=colour) for _, colour in entries]
        names = [literal(shortened(name)) for name, _ in entries]
        if side and drawing.chart.kind in {"stack", "stacked_bars"}:
            handles, names = handles[::-1], names[::-1]
        columns = -(-len(entries) // SIDE_ROWS)
        if not side:
            columns = max(1, min(len(entries), int(width / (60 + 7 * max(map(len, names))))))
        anchor = (1 - 8 / width, head - 30 / height) if side else (6 / width, head + 4 / height)
        legend = figure.legend(
            handles, names, loc="upper right" if side else "upper left", ncols=columns, bbox_to_anchor=anchor,
            frameon=False, fontsize=9 if side else 10, labelcolor=TEXT, handlelength=1.1, handleheight=0.8,
            borderaxespad=0.2, columnspacing=1.4, handletextpad=0.5,
        )  # fmt: skip
        box = legend.get_window_extent()
        if side:
            right -= (box.width + 12) / width
        else:
            top -= (box.height - 6) / height
    _vertical_labels(figure, axes, top, right, size)
    top -= 26 / height
    _fit(figure, axes, right, top, size)


def _vertical_labels(figure: Figure, axes: Axes, top: float, right: float, size: tuple[int, int]) -> None:
    """Write the labels of the vertical axes level above them, where they are read without turning the head."""
    y = top - 6 / size[1]
    label = axes.get_ylabel()
    axes.set_ylabel("")
    figure.text(14 / size[0], y, label, fontsize=10, color=SOFT, va="center")
    for other in figure.axes:
        if other is not axes and other.get_ylabel():
            figure.text(
                right + 6 / size[0], y, other.get_ylabel(), fontsize=10, color=SOFT, va="center", ha="right"
            )
            other.set_ylabel("")


def _fit(figure: Figure, axes: Axes, right: float, top: float, size: tuple[int, int]) -> None:
    """Move the edges of the axes until tick labels and the axis text lie within the image."""
    width, height = size
    limit, left, bottom = right, 60 / width, 60 / height
    for _ in range(2):
        axes.set_position((left, bottom, max(right - left, 0.2), max(top - bottom, 0.2)))
        figure.draw_without_rendering()
        extent = axes.get_tightbbox()
        if extent is None:
            return
        left += (16 - extent.x0) / width
        bottom += (12 - extent.y0) / height
        twins = [other.get_tightbbox() for other in figure.axes if other is not axes]
        reach = max([extent.x1, *(t.x1 for t in twins if t is not None)])
        right -= max(0.0, (reach - (limit * width + 10)) / width)
    axes.set_position((left, bottom, max(right - left, 0.2), max(top - bottom, 0.2)))


def _save(figure: Figure, path: Path) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing")
            figure.savefig(temporary, format="png", dpi=DPI)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
