"""Colours: one per series name, the same in every chart of a result, told apart by colour-blind readers.

The hues are those of Okabe & Ito (2008), the yellow darkened so that a line of it can be seen on white paper; where a
chart needs more than eight, darker and lighter shades of the same hues follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from varme.report.numbers import label_with_unit, words_of

if TYPE_CHECKING:
    from varme.ground.charts import Chart
    from varme.ground.result import Result

HUES: Final = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#D6C11A", "#8A8F98")
#: Colour of the only series of a chart.
ACCENT: Final = HUES[0]
#: Colours of a heat map from low to high (cividis; Nunez, Anderton & Renslow 2018), readable without colour vision.
SCALE: Final = ("#00224E", "#2A3F6D", "#575D6D", "#7D7C78", "#A59C74", "#D2C060", "#FEE838")
#: Colours of series whose meaning has one in the trade.
KNOWN: Final = {
    "coal": "#4A4F57", "natural gas": "#E69F00", "gas": "#E69F00", "wood": "#009E73", "biomass": "#009E73",
    "wood pellets": "#009E73", "straw": "#D6C11A", "oil": "#8B4A00", "waste": "#8A8F98", "wind": "#56B4E9",
    "pv": "#D6C11A", "solar": "#D6C11A", "heat pump": "#D55E00", "heat pumps": "#D55E00",
    "household": "#8A8F98", "backup heater": "#9B2242", "second heater": "#8B4A00", "battery": "#00674B",
    "from the battery": "#009E73", "car": "#0072B2", "from the car": "#6FB1DA", "bought": "#56B4E9", "sold": "#2B5A74",
    "price": "#1D2733", "outdoor": "#5B6775", "outside": "#A9C8B5", "room": "#E69F00", "hot water": "#CC79A7",
    "tank": "#CC79A7", "heat in the room": "#E69F00", "heat in the tank": "#CC79A7", "comfort, lower end": "#56B4E9",
    "comfort, upper end": "#D08A8A", "temperature expected": "#56B4E9", "upper end": "#D08A8A",
    "under plans": "#0072B2", "under the rule": "#E69F00", "best so far": "#0072B2", "proven bound": "#8A8F98",
}  # fmt: skip


def mixed(colour: str, other: str, share: float) -> str:
    """Return a colour mixed with a share of another one, both as ``#RRGGBB``."""
    pairs = [(int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in pairs)


def _shades() -> tuple[str, ...]:
    steps = (("#000000", 0.0), ("#000000", 0.38), ("#FFFFFF", 0.5), ("#000000", 0.6), ("#FFFFFF", 0.28))
    return tuple(mixed(hue, other, share) for other, share in steps for hue in HUES)


#: Forty colours in the order in which they are given out.
COLOURS: Final = _shades()


def colours_of(result: Result) -> dict[str, str]:
    """Return the colour of every series name that a result's charts show.

    Names that meet in one chart get different colours as long as there are enough; a name that is always alone gets
    the accent.
    """
    groups = [series_names(chart, result) for chart in result.charts]
    return assign(groups)


def assign(groups: Sequence[Sequence[str]]) -> dict[str, str]:
    """Return a colour per name, so that names of one group differ."""
    meets: dict[str, set[str]] = {}
    for names in groups:
        for name in names:
            meets.setdefault(name, set()).update(n for n in names if n != name)
    known = {name: KNOWN[_key(name)] for name in meets if _key(name) in KNOWN}
    colours: dict[str, str] = {}
    for name, others in meets.items():
        taken = {colours.get(o) or known.get(o) for o in others}
        if name in known and known[name] not in {colours.get(o) for o in others}:
            colours[name] = known[name]
        elif not others:
            colours[name] = ACCENT
        else:
            free = next((c for c in COLOURS if c not in taken), None)
            colours[name] = free or COLOURS[len(colours) % len(COLOURS)]
    return colours


def _key(name: str) -> str:
    return name.lower().replace("_", " ")


def series_names(chart: Chart, result: Result) -> list[str]:
    """Return the names of the series of a chart, in order; empty if its table or a column is missing."""
    table = result.data.get(chart.table)
    if table is None or chart.kind == "heatmap":
        return []
    try:
        if chart.kind == "sankey":
            return _distinct([*table.column(chart.x), *table.column(chart.y[0])])
        words = column_words(chart)
        if chart.group is None:
            return list(words.values())
        values = table.column(chart.group)
        allowed = chart.where.get(chart.group)
        texts = table.categories.get(chart.group)
        groups = texts if texts is not None else [group_text(v) for v in np.unique(values)]
        if allowed is not None:
            groups = [g for g in groups if g in {group_text(a) for a in allowed}]
        groups = [chart.words.get(g, g) for g in groups]
    except KeyError:
        return []
    names = [trace_name(group, words[column], len(chart.y)) for column in chart.y for group in groups]
    return _distinct([*names, *(words[c] for c in chart.y2)])


def column_words(chart: Chart) -> dict[str, str]:
    """Return the words for each column that a chart draws; with the unit where the words alone would not differ."""
    columns = (*chart.y, *chart.y2)
    words = {c: chart.words.get(c) or words_of(c) for c in columns}
    if len(set(words.values())) < len(words):
        words = {c: chart.words.get(c) or label_with_unit(c) for c in columns}
    return words


def group_text(value: object) -> str:
    """Return a group's value as the name of its series: ``4.0`` as ``4``."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (float, np.floating)):
        return f"{value:g}"
    return str(value)


def trace_name(group: str | None, words: str, columns: int) -> str:
    """Return the name of a series from its group and its column's words."""
    if group is None:
        return words
    return group if columns == 1 else f"{group} \u00b7 {words}"


def _distinct(names: Iterable[object]) -> list[str]:
    return list(dict.fromkeys(str(n) for n in names))
