"""From Parquet of a million meters to transformer peaks: CPU seconds, memory, and where the time goes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from benchmarks.measure import ROOT
from benchmarks.meter_town import PUMPS_PER_1000, TRUE_B, Town, data_folder, make_town
from benchmarks.registry import Bar, Line, Options, subject

WORKERS = 2
#: Gas meters -> seed of what is reported (development used seeds below 1000), bar [s].
SIZES = {100_000: (100_007, 12.0), 1_000_000: (100_001, 120.0)}


@subject(
    "retrofit-scale", "daily Parquet of three years -> cleaned -> fits -> SPF -> transformer peaks", slow=True
)
def retrofit_scale(options: Options) -> Iterator[Line]:
    """Measure the chain in a fresh process with two workers; the towns are written once."""
    for meters, (seed, most_s) in SIZES.items():
        if options.quick and meters > 100_000:
            continue
        town = make_town(meters, seed, data_folder())
        yield from _lines(town, run_chain(town), most_s)


def run_chain(town: Town) -> dict[str, Any]:
    """Run the chain in a fresh process.

    Raises:
        RuntimeError: if it failed.
    """
    command = [sys.executable, "-m", "benchmarks.retrofit_chain", str(town.folder), str(WORKERS)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"the chain failed: {done.stderr.strip()[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _lines(town: Town, found: dict[str, Any], most_s: float) -> Iterator[Line]:
    name = f"{town.meters:,} meters"
    pumps = town.meters * PUMPS_PER_1000 // 1000
    size = f"{town.rows:,} rows, {pumps:,} heat pumps, 2 % of readings faulty"
    note = f"CPU seconds of all processes over {WORKERS}; wall clock {found['wall_s']:.0f} s on this (shared) machine"
    yield Line(f"{name}, the whole chain", found["cpu_s"] / WORKERS, size=size, bar=Bar(most_s), note=note)
    bar = Bar(4096.0) if town.meters >= 1_000_000 else None
    note = f"own process {found['peak_own_mb']:.0f} MB, each of {WORKERS} workers {found['peak_worker_mb']:.0f} MB"
    yield Line(f"{name}, peak memory, all processes", found["peak_mb"], "MB", bar=bar, note=note)
    rows = town.rows / (1 + PUMPS_PER_1000 / 1000)
    for stage, seconds in found["gas_stages"].items():
        note = f"{rows / max(seconds, 1e-9) / 1e6:.0f} M rows/s a core" if seconds else ""
        yield Line(f"{name}, CPU of: {stage} (gas)", seconds, note=note)
    yield Line(f"{name}, CPU of: heat-pump meters", sum(found["pump_stages"].values()))
    for stage in ("open", "gas, own process", "SPF, 1,000 bootstraps", "transformer peaks"):
        yield Line(f"{name}, CPU of: {stage}", found["stages"][stage])
    mean = sum(found["b"]) / len(found["b"])
    apart = 100 * abs(mean / TRUE_B - 1)
    text = ", ".join(f"{b:.3f}" for b in found["b"])
    note = f"by year {text}, truth over all years {TRUE_B:.3f} (a warm year has a higher B)"
    yield Line(f"{name}, error of B", apart, "%", bar=Bar(1.0), note=note)
