"""Change-point fits of daily meters: microseconds per meter and year, beside OpenDSM's daily model."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import median_cpu_s
from benchmarks.meter_town import daily_gas, data_folder, days_of, temperature
from benchmarks.peers import with_opendsm
from benchmarks.registry import Bar, Line, Options, subject
from varme.retrofit.demand.change_point import ChangePoints, fit_change_points

#: Seed of what is reported; development used seeds below 1000.
SEED = 100_011
METERS, PEER_METERS = 8192, 20


@subject("change-point", "change-point heating models of daily meters, with intervals and verdicts")
def change_point(options: Options) -> Iterator[Line]:
    """Measure fits of three years and of one, and OpenDSM's daily model on some of the same meters."""
    rng = np.random.default_rng(SEED)
    t = temperature(SEED)
    values = daily_gas(np.exp(rng.normal(np.log(15000), 0.5, METERS)), t, rng)
    gaps = values.copy()
    gaps[rng.random(values.shape) < 0.02] = np.nan
    size = f"{METERS:,} meters, {len(t):,} days"
    for name, y in (("fit, three years", values), ("fit, three years, 2 % of days missing", gaps)):
        micro = 1e6 * median_cpu_s(partial(fit_change_points, y, t), options.repeats) / METERS / 3
        yield Line(name, micro, "us/m-y", size=size, bar=Bar(5.0), note="per meter and year")
    days = days_of()
    year = slice(365, 730)
    one = np.ascontiguousarray(gaps[:, year])
    micro = 1e6 * median_cpu_s(partial(fit_change_points, one, t[year]), options.repeats) / METERS
    python = with_opendsm.environment(data_folder())
    if python is None:
        yield Line(
            "fit, one year", micro, "us/m-y", peer="OpenDSM", bar=Bar(1e5, "faster"), note="not installed"
        )
        return
    some = one[: 5 if options.quick else PEER_METERS]
    found = with_opendsm.measure(python, data_folder(), some, t[year], str(days[year][0]))
    theirs = 1e6 * float(np.mean(found["seconds"]))
    note = f"{with_opendsm.PIN}; mean of {len(some)} meters, its start ({found['start_s']:.0f} s) not counted"
    yield Line(
        "fit, one year",
        micro,
        "us/m-y",
        peer="OpenDSM daily",
        peer_value=theirs,
        bar=Bar(1e5, "faster"),
        note=note,
    )
    ours = fit_change_points(some, t[year])
    yield from _agreement(ours, found, t[year])


def _agreement(ours: ChangePoints, found: dict[str, Any], t: NDArray[np.float64]) -> Iterator[Line]:
    daily = np.array(found["daily"], dtype=float)
    known = np.isfinite(daily)
    annual = np.where(known, ours.predict(t), 0).sum(axis=1)
    apart = 100 * np.abs(annual / np.where(known, daily, 0).sum(axis=1) - 1)
    note = f"predicted by both models over the days that OpenDSM predicts; largest {apart.max():.2f} %"
    yield Line(
        "annual energy, mean distance from OpenDSM's", float(apart.mean()), "%", bar=Bar(1.0), note=note
    )
    limits = np.array([np.nan if x is None else x for x in found["limit_c"]], dtype=float)
    distance = np.abs(ours.limit_c - limits)
    note = "OpenDSM smooths the change point and may split the year, so its limit means something else"
    yield Line("heating limit, median distance", float(np.nanmedian(distance)), "K", note=note)
