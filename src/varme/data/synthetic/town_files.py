"""A synthetic town as the files that a user would have: meters, temperatures, buildings, calorific values."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.data.meters.panel import DAY_MIN, MeterPanel
from varme.data.synthetic.town import Town
from varme.ground.parquet import temporary_of
from varme.ground.result import write_text

#: Decimals of the columns of CSV files; other numbers are written in full.
_DECIMALS = {"volume_m3": 1, "floor_area_m2": 1, "x_m": 1, "y_m": 1, "household_kwh": 0, "base_peak_kw": 1}


def write_town(town: Town, folder: Path) -> list[Path]:
    """Write a town as files; what is in ``town.truth`` is not among them.

    ``gas.parquet`` (meter, date, gas_m3), ``heat_pumps.parquet`` (meter, time_utc, electricity_kwh; stamps are UTC),
    ``temperature.csv`` (time_utc, temperature_c), ``buildings.csv``, ``transformers.csv`` and ``calorific.csv``.
    Missing readings have no row; a column ``estimated`` is there if a supplier marked readings. Every file is written
    under a temporary name and renamed.

    Args:
        town: The town.
        folder: Where to write; made if it does not exist.

    Returns:
        The paths, in the order above.

    Raises:
        OSError: if writing fails; nothing half-written stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    gas, pumps = folder / "gas.parquet", folder / "heat_pumps.parquet"
    _write_panel(town.gas, "gas_m3", gas)
    _write_panel(town.heat_pumps, "electricity_kwh", pumps)
    stamps = np.char.add(np.datetime_as_string(town.hours_utc, unit="m"), "Z")
    tables: dict[str, Mapping[str, NDArray[Any]]] = {
        "temperature.csv": {"time_utc": stamps, "temperature_c": np.round(town.temperature_c, 2)},
        "buildings.csv": town.buildings,
        "transformers.csv": town.transformers,
        "calorific.csv": town.calorific,
    }
    for name, columns in tables.items():
        write_text(folder / name, _csv(columns))
    return [gas, pumps, *(folder / name for name in tables)]


def _csv(columns: Mapping[str, NDArray[Any]]) -> str:
    texts = []
    for name, values in columns.items():
        if values.dtype == bool:
            texts.append(np.where(values, "yes", "no").tolist())
        elif values.dtype.kind == "f":
            shown = np.round(values, _DECIMALS.get(name, 6)).tolist()
            texts.append(["" if v != v else f"{v:.10g}" for v in shown])
        else:
            texts.append(values.astype(str).tolist())
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*texts, strict=True))
    return buffer.getvalue()


def _write_panel(panel: MeterPanel, column: str, path: Path) -> None:
    """Write a panel in long form, sorted by meter and time."""
    import duckdb
    import pandas as pd

    rows, steps = np.nonzero(np.isfinite(panel.values))
    stamp = "date" if panel.step_min == DAY_MIN else "time_utc"
    data: dict[str, Any] = {
        "meter": pd.Categorical.from_codes(rows.astype(np.int32), categories=pd.Index(list(panel.meters))),
        stamp: panel.steps.astype("datetime64[s]")[steps],
        column: panel.values[rows, steps],
    }
    if panel.estimated is not None:
        data["estimated"] = panel.estimated[rows, steps]
    kind = "DATE" if stamp == "date" else "TIMESTAMP"
    temporary = temporary_of(path)
    target = str(temporary).replace("'", "''")
    try:
        with duckdb.connect(":memory:", config={"threads": 1}) as connection:
            connection.register("source", pd.DataFrame(data))
            connection.execute(
                f"COPY (SELECT CAST(meter AS VARCHAR) AS meter, CAST({stamp} AS {kind}) AS {stamp}, "
                f"* EXCLUDE (meter, {stamp}) FROM source) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
            )
        temporary.replace(path)
    except duckdb.Error as error:
        raise OSError(f"cannot write {path}: {error}") from None
    finally:
        temporary.unlink(missing_ok=True)
