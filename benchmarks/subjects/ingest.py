"""Meter files in: rows of CSV and of Parquet that become panels, per second of CPU."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from benchmarks.measure import installed
from benchmarks.registry import Bar, Line, Options, subject

#: Seed of the values: reported figures use seeds from 100,000 on.
SEED = 100_101
DAYS = 1096
SPAN = (np.datetime64("2019-01-01"), np.datetime64("2021-12-31"))


def data_folder() -> Path:
    """Return the folder in which benchmark data are kept between runs."""
    folder = Path(os.environ.get("VARME_BENCH_DATA", "/tmp/varme-bench"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def made(meters: int, form: str, order: str = "m, d") -> Path:
    """Return a file of three years of daily readings, made once."""
    path = data_folder() / f"ingest_{meters}_{order.replace(', ', '')}.{form}"
    if path.is_file():
        return path
    temporary = path.with_suffix(".tmp")
    value = f"round((hash(m * 1096 + d + {SEED}) % 100000) / 7919, 2)"
    options = "(FORMAT parquet, COMPRESSION zstd)" if form == "parquet" else "(FORMAT csv, HEADER)"
    rows = (
        "SELECT (m * 7 + 13)::INTEGER AS meter, DATE '2019-01-01' + d::INTEGER AS date, "
        f"{value}::FLOAT AS m3 FROM range({meters}) t(m), range({DAYS}) s(d) ORDER BY {order}"
    )
    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        connection.execute(f"COPY ({rows}) TO '{temporary}' {options}")
    return temporary.replace(path)


def panels(path: Path) -> int:
    """Read a file into panels of 4,000 meters and return the readings in them."""
    from varme.data.meters.read import open_meters
    from varme.data.meters.spec import MeterFilesSpec

    found = open_meters(MeterFilesSpec(files=path.name), path.parent, *SPAN, "Europe/Berlin")
    total = len(found.source.meters)
    return sum(int(np.isfinite(found.source.block(k, k + 4000).values).sum()) for k in range(0, total, 4000))


def rate(action: Any, repeats: int) -> float:
    """Return the best million rows per CPU second of some runs (the others were disturbed)."""
    best = 0.0
    for _ in range(repeats):
        started = time.process_time()
        rows = action()
        best = max(best, rows / (time.process_time() - started) / 1e6)
    return best


@subject("ingest", "meter files to panels")
def ingest(options: Options) -> Iterator[Line]:
    """Measure CSV, long and daily, in two orders, and sorted Parquet; pandas reads a smaller file of the same form."""
    meters = 2000 if options.quick else 9125
    repeats = 2 if options.quick else 3
    panels(made(200, "csv"))  # imports
    size = f"{meters * DAYS / 1e6:.1f} M rows"
    peer = rate(lambda: _pandas(made(1000, "csv")), 1) if installed("pandas") else None
    value = rate(lambda: panels(made(meters, "csv")), repeats)
    yield Line(
        "CSV by meter to panels", value, "M rows/s", size=size, peer="pandas (1.1 M rows)", peer_value=peer,
        bar=Bar(3.0, "at_least"), note="read, checked, units found, placed on the grid and read back; per core",
    )  # fmt: skip
    value = rate(lambda: panels(made(meters, "csv", "d, m")), repeats)
    yield Line("CSV by day to panels", value, "M rows/s", note="the order that is worst for a panel by meter")
    meters = 4000 if options.quick else 36_500
    value = rate(lambda: panels(made(meters, "parquet")), repeats)
    yield Line(
        "sorted Parquet to panels", value, "M rows/s", size=f"{meters * DAYS / 1e6:.1f} M rows",
        bar=Bar(25.0, "at_least"), note="read where it lies, every row checked for its meter and day",
    )  # fmt: skip


def _pandas(path: Path) -> int:
    """Return the readings that pandas places on the same grid."""
    import pandas as pd

    frame = pd.read_csv(path, parse_dates=["date"])
    panel = frame.pivot(index="meter", columns="date", values="m3").to_numpy(dtype=np.float32)
    return int(np.isfinite(panel).sum())
