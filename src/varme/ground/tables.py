"""Tables: named columns with unit and meaning, held as NumPy arrays, handed out as pandas DataFrames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from varme.ground.units import UNITS, label_of, unit_of

if TYPE_CHECKING:
    import pandas as pd

DType = Literal["time", "text", "number", "integer", "flag"]


@dataclass(frozen=True)
class Column:
    """A column: its name (ending in its unit, if it is physical), its type and what it means."""

    name: str
    dtype: DType
    meaning: str

    @property
    def unit(self) -> str | None:
        """Unit suffix of the name; ``None`` for text, times and flags."""
        return unit_of(self.name) if self.dtype in {"number", "integer"} else None

    @property
    def label(self) -> str:
        """Name and unit as they are written in a table head."""
        unit = label_of(self.unit) if self.unit in UNITS else ""
        return f"{self.name} [{unit}]" if unit and unit != "-" else self.name


@dataclass(frozen=True)
class TableSchema:
    """A table's name, title and columns."""

    name: str
    title: str
    columns: tuple[Column, ...]

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} has no column {name}; columns: {[c.name for c in self.columns]}")


class Table:
    """A schema with its data: one array per column, all of one length.

    Text columns may be given as a pair (codes, categories): integer codes and the list of texts that they stand for;
    that keeps a table of a million rows small.

    Raises:
        ValueError: if a column is missing, unknown, or of another length.
    """

    def __init__(self, schema: TableSchema, data: Mapping[str, Any]) -> None:
        names = [c.name for c in schema.columns]
        if set(names) != set(data):
            raise ValueError(f"table {schema.name}: columns {sorted(data)} are not {sorted(names)}")
        self.schema = schema
        self.categories: dict[str, list[str]] = {}
        self.data: dict[str, NDArray[Any]] = {}
        for column in schema.columns:
            self.data[column.name] = self._array(column, data[column.name])
        lengths = {name: len(values) for name, values in self.data.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"table {schema.name}: columns differ in length: {lengths}")

    def _array(self, column: Column, values: Any) -> NDArray[Any]:
        if column.dtype == "text":
            if isinstance(values, tuple):
                codes, categories = values
                self.categories[column.name] = [str(c) for c in categories]
                return np.asarray(codes, dtype=np.int32)
            texts = np.asarray([str(v) for v in values], dtype=object)
            categories, codes = np.unique(texts.astype(str), return_inverse=True) if len(texts) else ([], [])
            self.categories[column.name] = [str(c) for c in categories]
            return np.asarray(codes, dtype=np.int32)
        if column.dtype == "time":
            return np.asarray(values, dtype="datetime64[s]")
        if column.dtype == "integer":
            return np.asarray(values, dtype=np.int64)
        if column.dtype == "flag":
            return np.asarray(values, dtype=bool)
        return np.asarray(values, dtype=np.float64)

    def __len__(self) -> int:
        return len(next(iter(self.data.values()))) if self.data else 0

    def column(self, name: str) -> NDArray[Any]:
        """Return a column's values; text columns as an object array of str."""
        self.schema[name]
        values = self.data[name]
        if name in self.categories:
            texts = np.asarray(self.categories[name], dtype=object)
            return texts[values] if len(texts) else np.empty(0, dtype=object)
        return values

    def frame(self) -> pd.DataFrame:
        """Return the table as a pandas DataFrame (pandas is imported here, when asked for).

        Times are timezone-aware UTC; text columns are categoricals.
        """
        import pandas as pd

        columns: dict[str, Any] = {}
        for column in self.schema.columns:
            values = self.data[column.name]
            if column.dtype == "time":
                columns[column.name] = pd.DatetimeIndex(values).tz_localize("UTC")
            elif column.name in self.categories:
                columns[column.name] = pd.Categorical.from_codes(
                    values, categories=pd.Index(self.categories[column.name])
                )
            else:
                columns[column.name] = values
        frame = pd.DataFrame(columns, columns=[c.name for c in self.schema.columns])
        frame.attrs["units"] = {c.name: c.unit for c in self.schema.columns if c.unit}
        return frame

    def frame_for_storage(self) -> pd.DataFrame:
        """Return the table as a DataFrame without time zones, as it is written to Parquet (times are UTC)."""
        frame = self.frame()
        for column in self.schema.columns:
            if column.dtype == "time":
                frame[column.name] = self.data[column.name]
        return frame
