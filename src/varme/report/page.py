"""One self-contained HTML file per result: figures, findings, charts, tables, provenance; no network needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from varme.ground.result import write_text
from varme.report.browser import option_of
from varme.report.drawing import draw
from varme.report.palette import colours_of
from varme.report.parts import (
    FigureRow,
    TableView,
    anchor,
    figure_rows,
    finding_groups,
    provenance_rows,
    study_text,
    table_view,
)
from varme.report.payload import Columns, script_json

if TYPE_CHECKING:
    from varme.ground.charts import Chart
    from varme.ground.result import Result

#: So many of the first figures stand at the top in large type.
HEADLINES: Final = 6
#: Tables whose name starts so are shown whole, before the charts.
COMPARISON: Final = "comparison"
#: What a kind of study is called at the top of the page.
KINDS: Final = {
    "retrofit": "Heat pumps in place of gas furnaces",
    "home": "Heat pump, storage and PV in a house",
    "home-sizing": "Sizes of heat pump, tank, PV and battery for a house",
    "home-replay": "A house with a heat pump, replanned in closed loop",
    "home-learn": "What meters tell about a house",
    "fleet": "Plans of many homes with heat pumps",
    "pool": "Pool of large heat pumps in the markets",
    "exchange": "Exchange of power and heat between homes",
    "district": "Heat pumps in a district-heating system",
}


@dataclass(frozen=True)
class Section:
    """A section of its own in a page.

    Attributes:
        title: Heading.
        html: Content as HTML, written into the page as it is: whoever makes it escapes what it quotes
            (``html.escape``).
    """

    title: str
    html: str

    @property
    def anchor(self) -> str:
        """Id of the section in the page."""
        return anchor("more", self.title)


@dataclass(frozen=True)
class ChartView:
    """A chart as the template needs it; ``problem`` is set where it could not be drawn."""

    name: str
    kind: str
    title: str
    note: str
    remarks: tuple[str, ...]
    problem: str = ""
    low: bool = False


@dataclass(frozen=True)
class ChartSection:
    """The charts under one heading."""

    title: str
    anchor: str
    charts: list[ChartView]


def write_page(result: Result, path: Path, *, extra_sections: Sequence[Section] = ()) -> Path:
    """Write the report of a result as one HTML file and return its path.

    The file needs no network and no other file. It is written under a temporary name and renamed into place.

    Args:
        result: What is reported.
        path: The file to write; its folder must exist.
        extra_sections: Sections that stand before the charts.

    Raises:
        OSError: if the file cannot be written; an older one then stays as it was.
    """
    write_text(path, page_text(result, extra_sections=extra_sections))
    return path


def page_text(result: Result, *, extra_sections: Sequence[Section] = ()) -> str:
    """Return the report of a result as HTML text."""
    options, columns, sections = _charts(result)
    figures = figure_rows(result)
    views = [table_view(table) for name, table in result.data.items() if not name.startswith(COMPARISON)]
    compared = [table_view(t, whole=True) for name, t in result.data.items() if name.startswith(COMPARISON)]
    context: dict[str, Any] = {
        "result": result,
        "kind": KINDS.get(result.kind, result.kind),
        "headlines": _headlines(figures),
        "figures": figures,
        "banded": any(row.band for row in figures),
        "referenced": any(row.reference for row in figures),
        "finding_groups": finding_groups(result.findings),
        "description": " ".join(str(result.study.get("description") or "").split()),
        "comparisons": compared,
        "extra_sections": extra_sections,
        "sections": sections,
        "tables": views,
        "provenance": provenance_rows(result.provenance),
        "study": study_text(result.study),
        "contents": _contents(result, sections, compared, views, extra_sections),
        "style": Markup(_asset("page.css")),
        "scripts": [Markup(_asset(name)) for name in ("echarts.min.js", "charts.js", "page.js")],
        "options": Markup(script_json(options)),
        "columns": Markup(script_json(columns)),
    }
    return _environment().get_template("page.html").render(context)


def _charts(result: Result) -> tuple[dict[str, Any], list[Any], list[ChartSection]]:
    colours, columns = colours_of(result), Columns()
    options: dict[str, Any] = {}
    sections: dict[str, ChartSection] = {}
    for chart in result.charts:
        if chart.section not in sections:
            taken = {section.anchor for section in sections.values()}
            place = anchor("charts", chart.section)
            place = f"{place}-{len(sections) + 1}" if place in taken else place
            sections[chart.section] = ChartSection(chart.section, place, [])
        section = sections[chart.section]
        view, option = _chart(chart, result, colours)
        section.charts.append(view)
        if option is not None:
            options[chart.name] = columns.pack_option(option)
    return options, columns.packed, list(sections.values())


def _chart(chart: Chart, result: Result, colours: dict[str, str]) -> tuple[ChartView, dict[str, Any] | None]:
    problem, option = "", None
    remarks: tuple[str, ...] = ()
    try:
        drawing = draw(chart, result, colours)
        remarks = drawing.remarks
        if drawing.empty:
            problem = "There is nothing to draw: the table holds no values for this chart."
        else:
            option = option_of(drawing)
    except (KeyError, ValueError) as error:
        problem = f"This chart could not be drawn: {error.args[0] if error.args else error}"
    return ChartView(chart.name, chart.kind, chart.title, chart.note, remarks, problem, chart.low), option


def _headlines(figures: list[FigureRow]) -> list[FigureRow]:
    return [row for row in figures if row.is_number][:HEADLINES]


def _contents(
    result: Result,
    sections: list[ChartSection],
    compared: list[TableView],
    views: list[TableView],
    extra: Sequence[Section],
) -> list[tuple[str, str]]:
    entries = [("figures", "Main figures")] if result.summary else []
    entries += [("findings", "Findings")]
    entries += [(section.anchor, section.title) for section in extra]
    entries += [(section.anchor, section.title) for section in sections]
    entries += [("comparison", "Comparison")] if compared else []
    entries += [("tables", "Tables")] if views else []
    entries += [("provenance", "Provenance")]
    entries += [("study", "The study as it was run")] if result.study else []
    return entries


@lru_cache(maxsize=8)
def _asset(name: str) -> str:
    return resources.files("varme.report").joinpath("assets", name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("varme.report"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
