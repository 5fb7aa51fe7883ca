"""Hourly and quarter-hourly load of many homes: microseconds a home, beside demandlib's building-year."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import installed, median_cpu_s
from benchmarks.registry import Bar, Line, Options, subject
from varme.ground.timegrid import utc_offset_s
from varme.retrofit.demand.hourly import (
    ShapeLibrary,
    StepGrid,
    shape_library,
    synthesise,
    synthesise_individual,
)
from varme.retrofit.demand.load import day_mean
from varme.retrofit.demand.profiles import HourShapes, measured_shapes

#: Seed of what is reported; development used seeds below 1000.
SEED = 100_021
HOMES, QUARTER_HOMES, METERS = 2000, 500, 73

Floats32 = NDArray[np.float32]


@dataclass(frozen=True)
class Year:
    """A year of weather and heat-pump meters to take shapes from."""

    grid: StepGrid
    quarters: StepGrid
    temperature_c: NDArray[np.float64]
    hourly_c: NDArray[np.float64]
    weekend: NDArray[np.bool_]
    shapes: HourShapes
    library: ShapeLibrary


def year() -> Year:
    """Return 2021 in Berlin's clock, with days of 23 and 25 hours."""
    rng = np.random.default_rng(SEED)
    first, last = (np.datetime64(f"{y}-01-01", "s") - 3600 for y in (2021, 2022))
    hours = np.arange(first, last, np.timedelta64(3600, "s"))
    local = hours + utc_offset_s(hours, "Europe/Berlin").astype("timedelta64[s]")
    day = (local.astype("datetime64[D]") - np.datetime64("2021-01-01")).astype(np.int64)
    hour = (local - local.astype("datetime64[D]")).astype("timedelta64[h]").astype(np.int64)
    season = 10 - 9 * np.cos(2 * np.pi * (day - 17) / 365.25)
    hourly_c = season + rng.normal(0, 3.5, 365)[day] + 3 * np.cos(2 * np.pi * (hour - 15) / 24)
    daily_c = day_mean(hourly_c, day)
    weekend = (np.arange(365) + 4) % 7 >= 5
    values = (rng.gamma(1.5, 1, (METERS, len(hours))) * np.maximum(16 - daily_c, 1)[day]).astype(np.float32)
    grid = StepGrid.of_hours(day, hour)
    return Year(
        grid, StepGrid.of_hours(day, hour, 15), daily_c, hourly_c, weekend,
        measured_shapes(values, day, hour, daily_c, weekend=weekend),
        shape_library(values, grid, daily_c, weekend),
    )  # fmt: skip


def homes_of(y: Year, count: int) -> Callable[[], Floats32]:
    """Return what makes the daily electricity of homes out of their heating lines, float32, shape (homes, 365)."""
    rng = np.random.default_rng(SEED + 1)
    slope, limit, base = (
        v.astype(np.float32)
        for v in (rng.gamma(4, 1.3, count), rng.normal(15, 1.2, count), rng.gamma(3, 3, count))
    )
    t = y.temperature_c.astype(np.float32)
    per_cop = (1 / (3 * np.exp(0.022 * (np.minimum(t, 15) - 5)))).astype(np.float32)

    def daily() -> Floats32:
        out = np.subtract(limit[:, None], t)
        np.maximum(out, 0, out=out)
        out *= slope[:, None]
        out += base[:, None]
        out *= per_cop
        return out

    return daily


@subject("hourly", "hourly load of a home and year, from its heating line or its days")
def hourly(options: Options) -> Iterator[Line]:
    """Measure the synthesis with the mean shape and with days drawn for each home, and demandlib's building."""
    y = year()
    make = homes_of(y, HOMES)
    daily = make()
    rows = y.shapes.of_days(y.temperature_c, y.weekend)
    out = np.empty((HOMES, len(y.grid.local_day)), dtype=np.float32)
    peer, note = _demandlib(y, options)

    def drawn() -> Floats32:
        return synthesise_individual(daily, y.library, y.grid, y.temperature_c, y.weekend, seed=SEED, out=out)

    cases: list[tuple[str, Callable[[], Any]]] = [
        ("8,760 h, mean shape of the day", lambda: synthesise(daily, rows, y.grid, out)),
        ("8,760 h, from the heating line on", lambda: synthesise(make(), rows, y.grid, out)),
        ("8,760 h, days drawn for each home", drawn),
    ]
    for name, action in cases:
        value = 1e6 * median_cpu_s(action, options.repeats) / HOMES
        yield Line(name, value, "us", size=f"{HOMES:,} homes", bar=Bar(50.0), note="per home")
        yield Line(name, value, "us", peer="demandlib", peer_value=peer, bar=Bar(500.0, "faster"), note=note)
    few = daily[:QUARTER_HOMES]
    fine = y.shapes.refined(96).of_days(y.temperature_c, y.weekend)
    place = np.empty((QUARTER_HOMES, len(y.quarters.local_day)), dtype=np.float32)
    value = (
        1e6 * median_cpu_s(lambda: synthesise(few, fine, y.quarters, place), options.repeats) / QUARTER_HOMES
    )
    yield Line("35,040 quarter-hours, mean shape of the day", value, "us", note="per home")


def _demandlib(y: Year, options: Options) -> tuple[float | None, str]:
    """Return the microseconds of one building-year of demandlib, its objects made anew, as a user does."""
    if not installed("demandlib"):
        return None, "not installed"
    import warnings
    from importlib.metadata import version

    import pandas as pd
    from demandlib import bdew

    index = pd.date_range("2021-01-01", periods=8760, freq="h")
    temperature = pd.Series(y.hourly_c, index=index)

    def building() -> Any:
        return bdew.HeatBuilding(
            index, temperature=temperature, shlp_type="EFH", building_class=5, wind_class=0,
            annual_heat_demand=20000, name="EFH",
        ).get_bdew_profile()  # fmt: skip

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        seconds = median_cpu_s(building, options.repeats)
    return 1e6 * seconds, f"demandlib {version('demandlib')}: one building, BDEW EFH"
