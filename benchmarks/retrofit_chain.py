"""The chain of ``retrofit-scale`` in a process of its own: Parquet -> cleaned -> fits -> SPF -> transformer peaks.

``python -m benchmarks.retrofit_chain FOLDER WORKERS`` prints what it took as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.fresh import peak_mb
from benchmarks.meter_town import EFFICIENCY, KWH_PER_M3, days_of
from varme.data.clean.clean import Surroundings
from varme.data.clean.spec import CleaningSpec
from varme.data.meters.read import open_meters
from varme.data.meters.spec import MeterFilesSpec
from varme.physics.gas import z_number
from varme.retrofit.demand.load import electricity_by_day
from varme.retrofit.grid.assemble import assemble_case, transformers_of
from varme.retrofit.grid.library import library_from_shape
from varme.retrofit.grid.spec import GridSpec
from varme.retrofit.grid.transformers import transformer_peaks
from varme.retrofit.heat import FurnaceSpec, GasSpec, ToHeat
from varme.retrofit.spf.curve import fit_cop_curve
from varme.retrofit.spf.estimate import Estimate, all_methods
from varme.retrofit.spf.spec import SpfSpec
from varme.retrofit.stream import MeterYears, summarise

YEARS = (2019, 2020, 2021)
GAMMA = 0.105
ZONE = "Europe/Berlin"


class _Stages:
    """CPU seconds of this process by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.process_time()

    def lap(self, name: str) -> None:
        now = time.process_time()
        self.seconds[name] = round(now - self._last, 3)
        self._last = now


def chain(folder: Path, workers: int) -> dict[str, Any]:
    """Run the chain and return figures of it."""
    began, stages = time.perf_counter(), _Stages()
    with np.load(folder / "town.npz") as stored:
        t, volume, group, pump_volume = (
            stored[k] for k in ("temperature_c", "volume", "group", "pump_volume")
        )
    groups = int(group.max()) + 1
    first, last = days_of()[0], days_of()[-1]
    opened = [
        open_meters(MeterFilesSpec(files=f"{n}/*.parquet", unit=u), folder, first, last, ZONE, carrier=c)
        for n, u, c in (("gas", "m3", "gas"), ("pumps", "kwh", "electricity"))
    ]
    gas_source, pump_source = opened[0].source, opened[1].source
    stages.lap("open")
    around = Surroundings("gas", ZONE, YEARS, t)
    calorific = float(KWH_PER_M3 / z_number(225.0))
    to_heat = ToHeat(
        GasSpec(calorific_kwh_hs_per_m3=calorific), FurnaceSpec(), np.full(len(volume), EFFICIENCY)
    )
    gas = summarise(
        gas_source, CleaningSpec(), around, group, groups, to_heat, jobs=workers, stage="gas meters"
    )
    stages.lap("gas, own process")
    electric = Surroundings("heat_pump", ZONE, YEARS, t)
    none = np.zeros(len(pump_volume), dtype=np.int64)
    pumps = summarise(pump_source, CleaningSpec(), electric, none, 1, jobs=workers, stage="heat pumps")
    stages.lap("heat pumps, own process")
    estimates = _spf(gas, pumps, volume, pump_volume)
    stages.lap("SPF, 1,000 bootstraps")
    loading = _peaks(gas, pumps, t, group, groups, estimates)
    stages.lap("transformer peaks")
    return {
        "wall_s": time.perf_counter() - began, "stages": stages.seconds,
        "gas_stages": {k: round(v, 3) for k, v in gas.seconds.items()},
        "pump_stages": {k: round(v, 3) for k, v in pumps.seconds.items()},
        "b": [e.b_ratio for e in estimates], "low": [e.low_ratio for e in estimates],
        "high": [e.high_ratio for e in estimates], "usable": float(gas.usable.mean()),
        "heating": float(np.mean(gas.fits.verdict == 3)), "loading_median": float(np.median(loading)),
        "fleet_gwh": gas.fleet_days.sum() / 1e6, "touched": int(sum(int(c.sum()) for c in gas.counts.values())),
    }  # fmt: skip


def _spf(
    gas: MeterYears, pumps: MeterYears, volume: NDArray[Any], pump_volume: NDArray[Any]
) -> list[Estimate]:
    spec = SpfSpec(gamma_share=GAMMA, bootstraps_count=1000)
    found = []
    for k in range(len(YEARS)):
        q, e = np.isfinite(gas.energy[:, k]), np.isfinite(pumps.energy[:, k])
        methods = all_methods(
            gas.energy[q, k],
            pumps.energy[e, k],
            spec,
            {"volume_m3": volume[q]},
            {"volume_m3": pump_volume[e]},
        )
        found.append(methods[0])
    return found


def _peaks(
    gas: MeterYears,
    pumps: MeterYears,
    t: NDArray[Any],
    group: NDArray[Any],
    groups: int,
    found: list[Estimate],
) -> NDArray[Any]:
    spf = float(np.mean([e.b_ratio for e in found])) * (1 - GAMMA)
    curve = fit_cop_curve(gas.fleet_days, pumps.fleet_days, t).scaled_to(spf, gas.fleet_days, t)
    town = electricity_by_day(gas.fleet_days[None, :], t, curve, GAMMA)[0]
    hours = np.arange(24)
    share = 1 + 0.3 * np.cos(2 * np.pi * (hours - 7) / 12)
    library = library_from_shape(
        share / share.sum(), t[np.argsort(t)[:120]], source="made up for the benchmark"
    )
    spec = GridSpec()
    case = assemble_case(
        spec, transformers_of([f"T{i:05d}" for i in range(groups)], spec), group,
        lambda rows, days: electricity_by_day(gas.fits.rows(rows).predict(t[days]), t[days], curve, GAMMA),
        days=days_of(), temperature_c=t, town_kwh=town, library=library,
    )  # fmt: skip
    return np.asarray(transformer_peaks(case, draws=spec.draws_count, seed=spec.seed).loading_p95_share)


def main() -> int:
    """Run the chain and print what it took."""
    folder, workers = Path(sys.argv[1]), int(sys.argv[2])
    figures = chain(folder, workers)
    own, below = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    figures["cpu_s"] = own.ru_utime + own.ru_stime + below.ru_utime + below.ru_stime
    figures["peak_mb"] = peak_mb() + workers * below.ru_maxrss / 1024
    figures["peak_own_mb"], figures["peak_worker_mb"] = peak_mb(), below.ru_maxrss / 1024
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    from benchmarks.retrofit_chain import (
        main as importable,
    )  # what workers are sent must not live in __main__

    sys.exit(importable())
