"""Charts as descriptions over tables; ``report`` draws them, and every chart can hand out its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from varme.ground.tables import Table

if TYPE_CHECKING:
    import pandas as pd

ChartKind = Literal[
    "line", "steps", "stack", "bars", "stacked_bars", "heatmap", "duration", "box", "scatter", "sankey"
]


@dataclass(frozen=True)
class Chart:
    """What to draw, from which table.

    Attributes:
        name: Key in snake_case, unique in a result; also the file name of the PNG.
        kind: ``line``, ``steps``, ``stack`` (stacked areas), ``bars`` (grouped), ``stacked_bars``, ``heatmap``,
            ``duration`` (each series sorted from high to low, x = hours), ``box``, ``scatter``, ``sankey``.
        title: One line that says what is seen.
        table: Name of the table in the result.
        x: Column on the x axis (for ``sankey``: the source column; for ``duration`` it is ignored).
        y: Columns on the y axis; several columns make several series (for ``sankey``: target column, then value).
        group: Column whose values split the rows into series; ``None`` for none.
        where: Column -> allowed values: the rows that are drawn.
        colour: For ``heatmap``: the column that gives the colour; y[0] is then the vertical axis.
        x_label: Axis text with unit.
        y_label: Axis text with unit.
        y2: Columns drawn on a second axis at the right, as lines.
        y2_label: Text of the second axis.
        note: A sentence under the chart: provenance, how to read it.
        section: Heading in the report under which the chart stands.
        rows: First and last row (exclusive) of the table after filtering, for long tables; ``None`` for all.
        threshold: Horizontal lines: label -> value.
        words: Column, or value of a text column -> how it is written in the legend and along an axis of categories;
            by default the words of its name.
        low: Whether the chart is a low strip, because there is nothing to read from its height.
    """

    name: str
    kind: ChartKind
    title: str
    table: str
    x: str
    y: tuple[str, ...]
    group: str | None = None
    where: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    colour: str | None = None
    x_label: str = ""
    y_label: str = ""
    y2: tuple[str, ...] = ()
    y2_label: str = ""
    note: str = ""
    section: str = "Charts"
    rows: tuple[int, int] | None = None
    threshold: Mapping[str, float] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    low: bool = False

    def columns(self) -> list[str]:
        """Return the names of the columns that the chart uses, in order."""
        extra = [c for c in (self.group, self.colour) if c]
        used = [self.x, *self.y, *self.y2, *extra]
        return list(dict.fromkeys(used))

    def data(self, tables: Mapping[str, Table]) -> pd.DataFrame:
        """Return the rows and columns that the chart shows, as a DataFrame.

        Raises:
            KeyError: if the table or a column does not exist.
        """
        table = tables[self.table]
        keep = np.ones(len(table), dtype=bool)
        for column, allowed in self.where.items():
            keep &= _allowed_rows(table, column, allowed)
        for column in self.columns():
            table.schema[column]
        frame = table.frame().loc[keep, self.columns()]
        if self.rows is not None:
            frame = frame.iloc[self.rows[0] : self.rows[1]]
        return frame.reset_index(drop=True)

    def as_dict(self) -> dict[str, Any]:
        """Return the description as plain data, for JSON."""
        return {key: dict(v) if isinstance(v, Mapping) else v for key, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Chart:
        """Return a chart from :meth:`as_dict` data, also after a trip through JSON."""
        parts = dict(data)
        for name in ("y", "y2"):
            parts[name] = tuple(parts[name])
        parts["rows"] = tuple(parts["rows"]) if parts["rows"] is not None else None
        parts["where"] = {k: tuple(v) for k, v in parts["where"].items()}
        return cls(**parts)


def _allowed_rows(table: Table, column: str, allowed: tuple[Any, ...]) -> NDArray[np.bool_]:
    """Return which rows hold an allowed value; times may also be given as text, as they come back from JSON."""
    values = table.data[table.schema[column].name]
    if column in table.categories:
        codes = [code for code, text in enumerate(table.categories[column]) if text in allowed]
        return np.asarray(np.isin(values, codes), dtype=bool)
    if table.schema[column].dtype == "time":
        return np.asarray(np.isin(values, np.asarray(allowed, dtype="datetime64[s]")), dtype=bool)
    return np.asarray(np.isin(values, np.asarray(allowed)), dtype=bool)
