"""Flow (Sankey) charts: links between nodes without cycles, and where nodes and links stand on paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from varme.ground.units import unit_of
from varme.report.numbers import unit_label
from varme.report.palette import ACCENT, group_text

if TYPE_CHECKING:
    import pandas as pd

    from varme.ground.charts import Chart

#: Share of the height that is left between nodes.
GAPS = 0.35


@dataclass(frozen=True)
class Flows:
    """Nodes (name -> colour) and links (source, target, value > 0) of a flow chart, without cycles."""

    nodes: dict[str, str]
    links: tuple[tuple[str, str, float], ...]
    unit: str
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Box:
    """Where a node stands: its column, and bottom and height in units of the flow's height (0 to 1)."""

    column: int
    bottom: float
    height: float


def flows_of(chart: Chart, frame: pd.DataFrame, palette: dict[str, str]) -> Flows:
    """Return the links of a chart: equal ones added up, those of zero or less left out, cycles cut open.

    A link that would close a cycle ends at a second node, "NAME (back)".
    """
    totals: dict[tuple[str, str], float] = {}
    for source, target, value in zip(frame[chart.x], frame[chart.y[0]], frame[chart.y[1]], strict=True):
        key = (group_text(source), group_text(target))
        totals[key] = totals.get(key, 0.0) + (float(value) if np.isfinite(value) else 0.0)
    positive = {key: value for key, value in totals.items() if value > 0}
    remarks = []
    if any(value < 0 for value in totals.values()):
        remarks.append("Flows below zero are left out.")
    links, cut = _without_cycles(positive)
    if cut:
        remarks.append("Flows that run in a circle end at a second node marked (back).")
    nodes: dict[str, str] = {}
    for source, target, _ in links:
        for name in (source, target):
            nodes[name] = palette.get(name.removesuffix(BACK), ACCENT)
    return Flows(nodes, tuple(links), unit_label(unit_of(chart.y[1])), tuple(remarks))


BACK = " (back)"


def _without_cycles(links: dict[tuple[str, str], float]) -> tuple[list[tuple[str, str, float]], bool]:
    follows: dict[str, set[str]] = {}
    out: list[tuple[str, str, float]] = []
    cut = False
    for (source, target), value in links.items():
        if _reaches(target, source, follows):
            target, cut = target + BACK, True
        follows.setdefault(source, set()).add(target)
        out.append((source, target, value))
    return out, cut


def _reaches(start: str, goal: str, follows: dict[str, set[str]]) -> bool:
    seen, open_ = {start}, [start]
    while open_:
        node = open_.pop()
        if node == goal:
            return True
        new = follows.get(node, set()) - seen
        seen |= new
        open_.extend(new)
    return False


def columns_of(flows: Flows) -> dict[str, int]:
    """Return the column of each node: one after the last of its sources; what nothing leaves stands in the last."""
    column = dict.fromkeys(flows.nodes, 0)
    for _ in flows.nodes:
        for source, target, _value in flows.links:
            column[target] = max(column[target], column[source] + 1)
    last = max(column.values(), default=0)
    leaving = {source for source, _, _ in flows.links}
    return {name: place if name in leaving else last for name, place in column.items()}


def boxes_of(flows: Flows) -> dict[str, Box]:
    """Return the place of each node for a drawing of height 1."""
    column = columns_of(flows)
    leaving = dict.fromkeys(flows.nodes, 0.0)
    arriving = dict.fromkeys(flows.nodes, 0.0)
    for source, target, value in flows.links:
        leaving[source] += value
        arriving[target] += value
    size = {name: max(leaving[name], arriving[name]) for name in flows.nodes}
    members: dict[int, list[str]] = {}
    for name, place in column.items():
        members.setdefault(place, []).append(name)
    scale = (1 - GAPS) / max(sum(size[n] for n in names) for names in members.values())
    boxes: dict[str, Box] = {}
    for place in sorted(members):
        names = sorted(members[place], key=lambda name: -_source_height(name, flows, boxes))
        gap = (1 - scale * sum(size[n] for n in names)) / (len(names) + 1)
        top = 1 - gap
        for name in names:
            height = scale * size[name]
            boxes[name] = Box(place, top - height, height)
            top -= height + gap
    return boxes


def _source_height(name: str, flows: Flows, boxes: dict[str, Box]) -> float:
    """Return the mean height at which the sources of a node stand, weighted by flow; 0 for a first node."""
    links = [
        (value, boxes[source]) for source, target, value in flows.links if target == name and source in boxes
    ]
    total = sum(value for value, _ in links)
    return sum(value * (box.bottom + box.height / 2) for value, box in links) / total if total else 0.0
