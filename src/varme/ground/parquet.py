"""Tables to Parquet files and back, through an in-memory DuckDB connection."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from varme.ground.tables import Table, TableSchema

_SQL_TYPES = {
    "time": "TIMESTAMP",
    "text": "VARCHAR",
    "number": "DOUBLE",
    "integer": "BIGINT",
    "flag": "BOOLEAN",
}


def temporary_of(path: Path) -> Path:
    """Return the name under which a file is written before it is renamed into place."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def write_parquet(table: Table, path: Path) -> None:
    """Write a table as Parquet, under a temporary name, then renamed; equal tables give equal bytes.

    Raises:
        OSError: if writing fails; nothing half-written stays.
    """
    write_aside(table, path).replace(path)


def write_aside(table: Table, path: Path) -> Path:
    """Write a table as Parquet beside its place and return the temporary file, for the caller to rename.

    Raises:
        OSError: if writing fails; nothing half-written stays.
    """
    import duckdb

    temporary = temporary_of(path)
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.register("source", table.frame_for_storage())
        columns = ", ".join(
            f'CAST("{c.name}" AS {_SQL_TYPES[c.dtype]}) AS "{c.name}"' for c in table.schema.columns
        )
        try:
            target = str(temporary).replace("'", "''")
            connection.execute(
                f"COPY (SELECT {columns} FROM source) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
            )
        except duckdb.Error as error:
            temporary.unlink(missing_ok=True)
            raise OSError(f"cannot write {path}: {error}") from None
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    return temporary


def read_parquet(schema: TableSchema, path: Path) -> Table:
    """Read a table that :func:`write_parquet` wrote.

    Raises:
        FileNotFoundError: if there is no such file.
        OSError: if it is not a Parquet file with the schema's columns.
    """
    import duckdb

    if not path.is_file():
        raise FileNotFoundError(2, "no such file", str(path))
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        try:
            names = ", ".join(f'"{c.name}"' for c in schema.columns)
            source = str(path).replace("'", "''")
            found: dict[str, Any] = connection.execute(
                f"SELECT {names} FROM read_parquet('{source}')"
            ).fetchnumpy()
        except duckdb.Error as error:
            raise OSError(f"cannot read {path}: {error}") from None
    data: dict[str, Any] = {}
    for column in schema.columns:
        values = found[column.name]
        masked = np.ma.isMaskedArray(values) and values.dtype.kind == "f"
        data[column.name] = np.ma.filled(values, np.nan) if masked else np.ma.getdata(values)
    return Table(schema, data)
