"""The table of meter files: what was understood of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from varme.ground.tables import Column, Table, TableSchema

METER_FILES = TableSchema(
    "meter_files",
    "Meter files as they were understood",
    (
        Column("file", "text", "File, and how many others of the same form"),
        Column("layout", "text", "long, single (a file per meter), wide, transposed, or a data set's name"),
        Column("meter_column", "text", "Column of the meters' ids"),
        Column("time_column", "text", "Column of the stamps"),
        Column("value_column", "text", "Column of the readings"),
        Column("unit", "text", "Unit of the file, and what it was turned into"),
        Column("reading", "text", "interval (used in the step) or register (where the counter stood)"),
        Column("step", "text", "Commonest time between two readings of a meter"),
        Column("clock", "text", "Clock of the stamps"),
        Column("label", "text", "Whether a stamp marks start or end of its interval"),
        Column("rows_count", "integer", "Rows with a meter, a time and a reading"),
        Column("meters_count", "integer", "Meters"),
        Column("first", "text", "First stamp as in the file"),
        Column("last", "text", "Last stamp as in the file"),
        Column("found", "text", "What was stated and what was detected"),
    ),
)
SCHEMAS: tuple[TableSchema, ...] = (METER_FILES,)


def meter_files(understood: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table of what was understood.

    Args:
        understood: Rows, as :class:`~varme.data.meters.read.OpenedMeters` has them.
    """
    return Table(METER_FILES, {c.name: [row[c.name] for row in understood] for c in METER_FILES.columns})
