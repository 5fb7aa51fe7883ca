"""Peaks of transformers: simultaneity of a town's meters, a town drawn home by home, a million homes by moments."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np

from benchmarks.measure import ROOT, cpu_s, median_cpu_s
from benchmarks.registry import Bar, Line, Options, subject
from varme.retrofit.grid import moments
from varme.retrofit.grid.base_load import base_from_households, household_profile
from varme.retrofit.grid.library import ProfileLibrary, measured_library
from varme.retrofit.grid.peaks import PeakCase, simulate
from varme.retrofit.grid.simultaneity import measure_simultaneity
from varme.retrofit.grid.transformers import transformer_peaks
from varme.retrofit.spf.curve import CopCurve

#: Reporting seed; development used seeds below 1000.
SEED = 100_000
YEARS = (2019, 2020, 2021)
DAYS = np.arange(np.datetime64("2019-01-01"), np.datetime64("2022-01-01"))
CURVE = CopCurve(3.0, 5.0, 0.02, 0.001)


def _meters(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return hourly heat pumps [kWh], day and hour of each step, and the temperature of each day."""
    rng = np.random.default_rng(seed)
    days = len(DAYS)
    season = -9.0 * np.cos(2 * np.pi * (np.arange(days) - 17) / 365.25)
    noise = np.convolve(rng.normal(0, 2.4, days + 8), 0.75 ** np.arange(9), "valid")
    temperature = 10.2 + season + noise
    level = rng.lognormal(0, 0.5, count)
    daily = (4 + 3.2 * np.maximum(15 - temperature, 0)) / CURVE.cop(temperature)
    daily = level[:, None] * daily[None, :] * np.exp(rng.normal(0, 0.08, (1, days)))
    hour = np.arange(24)
    shape = 1 + 0.25 * np.cos(2 * np.pi * (hour - 7) / 24)
    hourly = daily[:, :, None] / 24 * shape * rng.gamma(4.0, 0.25, (count, days, 24))
    flat = hourly.reshape(count, -1).astype(np.float32)
    return flat, np.repeat(np.arange(days), 24), np.tile(hour, days), temperature


def _case(homes: int, groups: int, library: ProfileLibrary, temperature: np.ndarray, seed: int) -> PeakCase:
    rng = np.random.default_rng([seed, 1])
    year = DAYS.astype("datetime64[Y]").astype(int) + 1970
    town = np.maximum(15 - temperature, 0) / CURVE.cop(temperature)
    chosen = np.sort(
        np.concatenate([np.flatnonzero(year == y)[np.argsort(-town[year == y])[:10]] for y in YEARS])
    )
    slope = (3.2 * rng.lognormal(-0.125, 0.5, homes)).astype(np.float32)
    limit = rng.normal(15, 1.2, homes).astype(np.float32)
    need = np.maximum(limit[:, None] - temperature[chosen].astype(np.float32)[None, :], 0)
    energy = (4 + slope[:, None] * need) / CURVE.cop(temperature[chosen]).astype(np.float32)[None, :]
    place = rng.choice(groups, homes, p=rng.dirichlet(np.full(groups, 6.0)))
    count = np.bincount(place, minlength=groups)
    base = base_from_households(3500.0 * count, count, household_profile(DAYS), "household")
    return PeakCase(
        energy.astype(np.float32), place, tuple(f"T{i:05d}" for i in range(groups)), np.full(groups, 400.0), 0.97,
        chosen, year[chosen], temperature[chosen], base, library, np.zeros(groups, dtype=np.int64), ("all",), 0.06,
    )  # fmt: skip


def million() -> dict[str, float]:
    """Measure a million homes behind 15,000 transformers: seconds of CPU, and the peak memory of the process."""
    hourly, day, hour, temperature = _meters(73, SEED)
    library = measured_library(hourly, day, hour, temperature, CURVE)
    case = _case(1_000_000, 15_000, library, temperature, SEED)
    started = time.process_time()
    table = moments.build_table(case, seed=SEED)
    built = time.process_time() - started
    found = transformer_peaks(case, method="moments", table=table)
    spent = time.process_time() - started
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": spent, "table": built, "peak_gb": after / 2**20,
        "overloaded": float((found.overload_share > 0.5).sum()),
    }  # fmt: skip


def _in_fresh_process() -> dict[str, float]:
    code = "import json; from benchmarks.subjects.transformers import million; print(json.dumps(million()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


@subject("transformers", "peaks of transformers and simultaneity")
def transformers(options: Options) -> Iterator[Line]:
    """Measure the curve of simultaneity, a town by draws, moments against draws, and a million homes."""
    hourly, day, hour, temperature = _meters(73, SEED)
    curve = median_cpu_s(
        lambda: measure_simultaneity(hourly, day, temperature, draws=200), min(options.repeats, 5)
    )
    yield Line(
        "simultaneity curve, 6 bins",
        curve,
        size=f"73 meters x {hourly.shape[1]:,} h, 200 draws",
        bar=Bar(3.0),
    )
    spent, library = cpu_s(lambda: measured_library(hourly, day, hour, temperature, CURVE))
    yield Line("profiles of the heat pumps", spent)
    case = _case(1400, 24, library, temperature, SEED)
    spent, simulation = cpu_s(lambda: simulate(case, 200, SEED))
    yield Line(
        "a town drawn home by home", spent, size="1,400 homes, 24 transformers, 200 draws", bar=Bar(5.0)
    )
    table = moments.build_table(case, seed=SEED)
    many = simulate(case, 500 if options.quick else 2000, SEED + 1)
    drawn = transformer_peaks(case, method="monte_carlo", table=table, simulation=many)
    read = transformer_peaks(case, method="moments", table=table)
    for name, text in (("p50_kw", "P50"), ("p95_kw", "P95")):
        off = float(np.abs(getattr(read, name) / getattr(drawn, name) - 1).max()) * 100
        yield Line(f"{text} by moments, largest deviation from draws", off, "%", bar=Bar(5.0))
    found = _in_fresh_process()
    yield Line(
        "peaks of 15,000 transformers by moments", found["seconds"], size="1,000,000 homes, 30 candidate days",
        bar=Bar(10.0), note=f"of which the table {found['table']:.2f} s",
    )  # fmt: skip
    yield Line(
        "peak memory",
        found["peak_gb"],
        "GB",
        bar=Bar(2.0),
        note="whole process, making the homes included",
    )
    del simulation
