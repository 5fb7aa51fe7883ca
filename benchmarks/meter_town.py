"""A town's daily meters as Parquet, written once: what ``retrofit-scale`` reads. Vectorised, seeded, with faults."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]

#: Meters in a file, and in a row group: 912 meters of 1,096 days are 1e6 rows.
FILE_METERS, ROW_GROUP = 20_000, 1_000_000
#: Meters that are made at a time.
BLOCK_METERS = 5_000
#: Heat pumps per 1,000 gas meters, homes behind a transformer.
PUMPS_PER_1000, HOMES_PER_TRANSFORMER = 50, 125
#: Gross energy of a cubic metre in this town, efficiency of its furnaces, and the truth to find.
KWH_PER_M3, EFFICIENCY, HEAT_PER_ELECTRICITY = 10.65, 0.87, 3.3
#: Standard deviation of a day's gas about its mean, relative. It is lognormal with the median 1, so it adds a little to
#: the gas of a year; the heat pumps' electricity of a year is exact.
DAY_NOISE = 0.15
#: B that is to be found over all years.
TRUE_B = HEAT_PER_ELECTRICITY * float(np.exp(DAY_NOISE**2 / 2))
#: Share of the readings that a run of missing days, of zeros, or a spike begins at; together 2 % are faulty.
GAP_STARTS, ZERO_STARTS, SPIKES = 0.0025, 0.0015, 0.0015
VERSION = 3


@dataclass(frozen=True)
class Town:
    """A town on disk.

    Attributes:
        folder: Where it lies: ``gas/*.parquet``, ``pumps/*.parquet`` (meter INTEGER, date DATE, value FLOAT; sorted by
            meter and date; missing days have no row), ``town.npz``.
        meters: Gas meters.
        rows: Rows of all files.
        faulty: Readings that are missing or wrong, of all that there should be.
    """

    folder: Path
    meters: int
    rows: int
    faulty: int


def days_of(years: tuple[int, ...] = (2019, 2020, 2021)) -> NDArray[np.datetime64]:
    """Return the days of the town."""
    return np.arange(f"{years[0]}-01-01", f"{years[-1] + 1}-01-01", dtype="datetime64[D]")


def temperature(seed: int) -> Floats:
    """Return daily temperatures: a yearly wave and weather that lasts some days (first-order autoregression)."""
    from scipy.signal import lfilter

    days = len(days_of())
    noise = lfilter([1.0], [1.0, -0.75], np.random.default_rng(seed).normal(0, 2.0, days))
    return np.asarray(10.0 - 8.5 * np.cos(2 * np.pi * (np.arange(days) - 15) / 365.25) + noise)


def make_town(meters: int, seed: int, folder: Path) -> Town:
    """Return the town of so many gas meters; written if it is not there yet (a whole one: the note comes last)."""
    place = folder / f"meters-{meters}-{seed}-v{VERSION}"
    note = place / "town.json"
    if not note.exists():
        shutil.rmtree(place, ignore_errors=True)
        rng = np.random.default_rng(seed)
        t = temperature(seed)
        volume = np.exp(rng.normal(6.3, 0.35, meters))
        heat = volume**0.9 * np.exp(rng.normal(np.log(55.0), 0.38, meters))
        group = rng.permutation(np.arange(meters) // HOMES_PER_TRANSFORMER)
        pumps = meters * PUMPS_PER_1000 // 1000
        pump_volume = np.exp(rng.normal(6.3, 0.35, pumps))
        pump_heat = pump_volume**0.9 * np.exp(rng.normal(np.log(55.0), 0.38, pumps))
        gas = _write(place / "gas", heat / (KWH_PER_M3 * EFFICIENCY), t, rng, daily_gas, faults=True)
        electric = _write(
            place / "pumps", pump_heat / HEAT_PER_ELECTRICITY, t, rng, daily_electricity, faults=False
        )
        np.savez(place / "town.npz", temperature_c=t, volume=volume, group=group, pump_volume=pump_volume)
        town = Town(place, meters, gas[0] + electric[0], gas[1])
        note.write_text(
            json.dumps({k: v for k, v in asdict(town).items() if k != "folder"}), encoding="utf-8"
        )
    found = json.loads(note.read_text(encoding="utf-8"))
    return Town(place, found["meters"], found["rows"], found["faulty"])


def daily_gas(annual: Floats, t: Floats, rng: np.random.Generator) -> Floats32:
    """Return daily gas of homes [m3]: hot water and cooking, and what heating needs below each home's limit."""
    share = rng.uniform(0.12, 0.3, len(annual)).astype(np.float32)
    limit = rng.normal(15.5, 1.2, len(annual)).astype(np.float32)
    need = np.maximum(limit[:, None] - t.astype(np.float32)[None, :], 0)
    slope = (annual * 3 * (1 - share) / need.sum(axis=1)).astype(np.float32)
    need *= slope[:, None]
    need += (annual * share / 365.25).astype(np.float32)[:, None]
    noise = rng.standard_normal(need.shape, dtype=np.float32)
    noise *= DAY_NOISE
    need *= np.exp(noise)
    return need


def daily_electricity(annual: Floats, t: Floats, rng: np.random.Generator) -> Floats32:
    """Return daily electricity of heat pumps [kWh], whose COP falls by 2 % per kelvin; so much a year as asked for."""
    load = daily_gas(annual, t, rng)
    load *= np.exp(-0.02 * (np.minimum(t, 15) - 5)).astype(np.float32)[None, :]
    load *= (annual * 3 / load.sum(axis=1)).astype(np.float32)[:, None]
    return load


def _write(
    folder: Path, annual: Floats, t: Floats, rng: np.random.Generator,
    make: Callable[[Floats, Floats, np.random.Generator], Floats32], *, faults: bool,
) -> tuple[int, int]:  # fmt: skip
    """Write the meters' files and return rows and faulty readings."""
    import duckdb

    folder.mkdir(parents=True)
    days, start, rows, faulty = len(t), str(days_of()[0]), 0, 0
    for first in range(0, len(annual), FILE_METERS):
        with duckdb.connect(":memory:", config={"threads": 1}) as connection:
            connection.execute("SET enable_progress_bar = false")
            connection.execute("CREATE TABLE readings (meter INTEGER, date DATE, value FLOAT)")
            for a in range(first, min(first + FILE_METERS, len(annual)), BLOCK_METERS):
                b = min(a + BLOCK_METERS, first + FILE_METERS, len(annual))
                values = np.round(make(annual[a:b], t, rng), 2)
                gone = np.zeros(values.shape, dtype=bool)
                if faults:
                    gone, wrong = _spoil(values, rng)
                    faulty += int(gone.sum()) + wrong
                kept = np.flatnonzero(~gone)
                meter, day = (x.astype(np.int32) for x in np.divmod(kept, days))
                block = {"meter": meter + np.int32(a), "day": day, "value": values.reshape(-1)[kept]}  # noqa: F841
                connection.execute(
                    f"INSERT INTO readings SELECT meter, DATE '{start}' + day, value FROM block"
                )
                rows += len(kept)
            target = folder / f"part-{first // FILE_METERS:03d}.parquet"
            connection.execute(
                f"COPY readings TO '{target}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
            )
    return rows, faulty


def _spoil(values: Floats32, rng: np.random.Generator) -> tuple[NDArray[np.bool_], int]:
    """Put zeros and spikes into readings; return which are missing, and how many are wrong."""
    size = values.size
    gone = np.zeros(values.shape, dtype=bool)
    flat, missing = values.reshape(-1), gone.reshape(-1)
    begin = rng.integers(0, size, int(size * GAP_STARTS))
    for k in range(10):  # gaps of 1 to 10 days
        some = begin[k * len(begin) // 10 :] + k
        missing[some[some < size]] = True
    begin = rng.integers(0, size, int(size * ZERO_STARTS))
    for k in range(5):
        some = begin[k * len(begin) // 5 :] + k
        flat[some[some < size]] = 0
    spikes = rng.integers(0, size, int(size * SPIKES))
    flat[spikes] = flat[spikes] * 15 + 50
    return gone, int(size * (ZERO_STARTS * 3 + SPIKES))


def data_folder() -> Path:
    """Return where benchmarks keep what they have made."""
    return Path(os.environ.get("VARME_BENCH_DATA", "/tmp/varme-bench"))
