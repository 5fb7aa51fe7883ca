"""What a saved fleet can be turned into: a table of flexibility for bids of a pool or trades of an exchange."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from varme.ground.errors import InputError, Problem
from varme.ground.parquet import write_parquet
from varme.ground.result import Result, write_text
from varme.ground.tables import Column, Table, TableSchema

FLEXIBILITY = TableSchema(
    "flexibility",
    "Baseline and flexibility of a fleet, by slot and duration",
    (
        Column("time", "time", "start of the window (UTC)"),
        Column("duration_min", "integer", "length of the window"),
        Column("baseline_kw", "number", "import less export as planned in the first slot, homes alone"),
        Column("up_kw", "number", "more power, in every slot of the window; NaN beyond the plan"),
        Column("down_kw", "number", "less power, in every slot of the window; NaN beyond the plan"),
        Column("import_cent_per_kwh", "number", "price of imported electricity in the first slot"),
    ),
)


def flexibility_of(result: Result) -> Table:
    """Return baseline and flexibility of a saved fleet, for bids.

    The envelope is that of the homes' own plans, so the baseline is theirs too, not the coordinated one.

    Raises:
        InputError: P185 if the result has no envelope.
    """
    if "fleet_flexibility" not in result.data:
        what = "the run has no table fleet_flexibility"
        raise InputError(Problem("P185", "tables", what))
    envelope, slots = result.data["fleet_flexibility"], result.data["fleet_slots"]
    at = np.searchsorted(slots.column("time"), envelope.column("time"))
    net = slots.column("import_kw") - slots.column("export_kw")
    return Table(
        FLEXIBILITY,
        {
            "time": envelope.column("time"), "duration_min": envelope.column("duration_min"), "baseline_kw": net[at],
            "up_kw": envelope.column("up_kw"), "down_kw": envelope.column("down_kw"),
            "import_cent_per_kwh": slots.column("import_cent_per_kwh")[at],
        },
    )  # fmt: skip


def _csv(result: Result, folder: Path) -> list[Path]:
    """Write the fleet's flexibility as CSV."""
    table, path = flexibility_of(result), folder / "flexibility.csv"
    names = [c.name for c in table.schema.columns]
    times = [f"{t}Z" for t in np.datetime_as_string(table.column("time"), unit="s")]
    numbers = [table.column(name).astype(float) for name in names[1:]]
    columns = [times, *([f"{v:.6g}" if np.isfinite(v) else "" for v in values] for values in numbers)]
    lines = [",".join(names), *(",".join(row) for row in zip(*columns, strict=True))]
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path, "\n".join(lines) + "\n")
    return [path]


def _parquet(result: Result, folder: Path) -> list[Path]:
    """Write the fleet's flexibility as Parquet."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "flexibility.parquet"
    write_parquet(flexibility_of(result), path)
    return [path]


#: Format of ``varme export --format`` -> writer.
EXPORTS: dict[str, Callable[[Result, Path], list[Path]]] = {
    "flexibility": _csv,
    "flexibility-parquet": _parquet,
}
