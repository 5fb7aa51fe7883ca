"""DuckDB as the meter readers use it: in memory, quiet, with a memory limit, and names and texts quoted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

#: Memory that DuckDB may use before it spills to disk, unless told otherwise.
MEMORY = "2GB"


def connect(threads: int = 1, memory: str = MEMORY, folder: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Return an in-memory connection.

    Args:
        threads: Threads that it may use.
        memory: Memory limit (``512MB``, ``2GB``).
        folder: Where it may spill to.
    """
    settings: dict[str, Any] = {"threads": threads, "memory_limit": memory}
    if folder is not None:
        settings["temp_directory"] = str(folder)
    connection = duckdb.connect(":memory:", config=settings)
    connection.execute("SET enable_progress_bar = false")
    return connection


def name(column: str) -> str:
    """Return a column's name, quoted."""
    return '"' + column.replace('"', '""') + '"'


def text(value: str) -> str:
    """Return a text literal, quoted."""
    return "'" + value.replace("'", "''") + "'"


def texts(values: list[str]) -> str:
    """Return a list of text literals."""
    return "[" + ", ".join(text(v) for v in values) + "]"


def plain(values: Any, missing: float = np.nan) -> NDArray[Any]:
    """Return a fetched column as a plain array; missing numbers become ``missing``."""
    if np.ma.isMaskedArray(values):
        if values.dtype.kind == "f":
            return np.asarray(np.ma.filled(values, missing))
        return np.asarray(np.ma.getdata(values))
    return np.asarray(values)
