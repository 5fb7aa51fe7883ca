"""Results: a summary, named tables, findings, charts and provenance; saved as ``result.json`` and Parquet.

A folder of a result holds ``result.json`` (schema version inside) and ``tables/NAME.parquet``. Everything is written
under a temporary name and renamed into place, ``result.json`` last, so that a folder with a ``result.json`` is whole.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from varme.ground.charts import Chart
from varme.ground.errors import Collector, Problem, RunError
from varme.ground.findings import Finding
from varme.ground.parquet import read_parquet, temporary_of, write_aside
from varme.ground.tables import Column, Table, TableSchema

if TYPE_CHECKING:
    import pandas as pd

#: Version of the result format; raised when a reader of the old one would misread the new one.
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Figure:
    """One number of the summary.

    Attributes:
        name: Key, ending in its unit.
        value: The number, text or flag; ``None`` if it could not be determined.
        meaning: What it is, in a few words; the label in reports.
        band: Lower and upper limit to compare with, if there is one.
        reference: Where the band or a published value comes from.
    """

    name: str
    value: float | int | str | bool | None
    meaning: str
    band: tuple[float, float] | None = None
    reference: str = ""


class Frames(Mapping[str, "pd.DataFrame"]):
    """The tables of a result as pandas DataFrames, made when asked for."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self.raw = tables

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self.raw:
            raise KeyError(f"no table {name!r}; tables: {', '.join(self.raw)}")
        return self.raw[name].frame()

    def __iter__(self) -> Iterator[str]:
        return iter(self.raw)

    def __len__(self) -> int:
        return len(self.raw)


@dataclass(frozen=True)
class Result:
    """What a study found.

    Attributes:
        kind: Kind of the study (``district``...).
        title: Title of the study.
        summary: Figures by name, in the order in which they are shown.
        data: Tables by name.
        findings: What a reader must know.
        charts: Descriptions of the charts.
        provenance: Study hash, data hashes, versions, seed, solver status, bound, gap, seconds.
        study: The study as plain data, as it was run.
    """

    kind: str
    title: str
    summary: dict[str, Figure]
    data: dict[str, Table]
    findings: tuple[Finding, ...] = ()
    charts: tuple[Chart, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)
    study: dict[str, Any] = field(default_factory=dict)

    @property
    def tables(self) -> Frames:
        """The tables as pandas DataFrames: ``result.tables["dispatch"]``."""
        return Frames(self.data)

    def __getitem__(self, name: str) -> float | int | str | bool | None:
        return self.summary[name].value

    def chart(self, name: str) -> Chart:
        """Return a chart by name.

        Raises:
            KeyError: if there is none of that name.
        """
        for chart in self.charts:
            if chart.name == name:
                return chart
        raise KeyError(f"no chart {name!r}; charts: {', '.join(c.name for c in self.charts)}")

    def save(self, folder: Path) -> Path:
        """Write the result into a folder and return the path of ``result.json``.

        Raises:
            RunError: P503 if writing fails; an older result in the folder then stays as it was.
        """
        target = folder / "result.json"
        text = json.dumps(self.as_dict(), indent=1, allow_nan=False)
        written: list[tuple[Path, Path]] = []
        try:
            (folder / "tables").mkdir(parents=True, exist_ok=True)
            for name, table in self.data.items():
                path = folder / "tables" / f"{name}.parquet"
                written.append((write_aside(table, path), path))
            written.append((_write_text_aside(target, text), target))
            for temporary, path in written:
                temporary.replace(path)
        except OSError as error:
            what = f"cannot write the result: {error.strerror or error}"
            raise RunError(Problem("P503", str(folder), what)) from None
        finally:
            for temporary, _ in written:
                temporary.unlink(missing_ok=True)
        return target

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the tables' rows as plain JSON data."""
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": self.kind,
            "title": self.title,
            "summary": {name: plain(asdict(figure)) for name, figure in self.summary.items()},
            "findings": [plain(f.as_dict()) for f in self.findings],
            "charts": [plain(c.as_dict()) for c in self.charts],
            "tables": {name: schema_as_dict(t.schema) | {"rows": len(t)} for name, t in self.data.items()},
            "provenance": plain(self.provenance),
            "study": plain(self.study),
        }

    @classmethod
    def load(cls, folder: Path) -> Result:
        """Read a result that :meth:`save` wrote.

        Raises:
            RunError: P502 if the folder holds none, or one of a newer format.
        """
        path = folder if folder.name == "result.json" else folder / "result.json"
        problems = Collector()
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["schema_version"] > SCHEMA_VERSION:
                problems.add("P502", str(path), "made by a newer varme", value=data["schema_version"])
                problems.raise_if_any(RunError)
            tables = {
                name: read_parquet(schema_from_dict(name, entry), path.parent / "tables" / f"{name}.parquet")
                for name, entry in data["tables"].items()
            }
            return cls(
                kind=data["kind"],
                title=data["title"],
                summary={name: _figure(entry) for name, entry in data["summary"].items()},
                data=tables,
                findings=tuple(Finding(**entry) for entry in data["findings"]),
                charts=tuple(Chart.from_dict(entry) for entry in data["charts"]),
                provenance=data["provenance"],
                study=data["study"],
            )
        except FileNotFoundError as error:
            problems.add("P502", str(folder), f"{Path(str(error.filename)).name} is missing")
        except (json.JSONDecodeError, KeyError, TypeError, OSError) as error:
            problems.add("P502", str(path), f"not a result of varme: {type(error).__name__}: {error}")
        problems.raise_if_any(RunError)
        raise AssertionError("unreachable")


def _figure(entry: dict[str, Any]) -> Figure:
    band = entry.get("band")
    return Figure(**(entry | {"band": tuple(band) if band else None}))


def schema_as_dict(schema: TableSchema) -> dict[str, Any]:
    """Return a table schema as plain data."""
    return {"title": schema.title, "columns": [asdict(c) | {"unit": c.unit} for c in schema.columns]}


def schema_from_dict(name: str, entry: dict[str, Any]) -> TableSchema:
    """Return the schema that :func:`schema_as_dict` described."""
    columns = tuple(Column(c["name"], c["dtype"], c["meaning"]) for c in entry["columns"])
    return TableSchema(name, entry["title"], columns)


def plain(value: Any) -> Any:
    """Return a value as JSON data: NumPy scalars and arrays, tuples, paths and times become plain; NaN becomes None."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return [plain(v) for v in value.tolist()]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int, bool)):
        return value
    return str(value)


def write_text(path: Path, text: str) -> None:
    """Write a text file under a temporary name and rename it into place.

    Raises:
        OSError: if the disk is full or the folder not writable; nothing half-written stays.
    """
    _write_text_aside(path, text).replace(path)


def _write_text_aside(path: Path, text: str) -> Path:
    """Write a text file beside its place and return the temporary file, for the caller to rename."""
    temporary = temporary_of(path)
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary
