"""A seeded synthetic year of a home: weather, prices, load, hot-water draws."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from varme.data.resample import resample
from varme.ground.spec import Spec
from varme.ground.timegrid import TimeGrid

Floats = NDArray[np.float64]


class HomeYearSpec(Spec):
    """A synthetic year of a home."""

    year: int = Field(default=2025, ge=1950, le=2200)
    """Calendar year."""
    seed: int = Field(default=1, ge=0)
    """Seed."""


@dataclass(frozen=True)
class HomeYear:
    """The quarter-hours of a calendar year, padded by two weeks at both ends (UTC).

    Attributes:
        spec: What was asked for.
        grid: The padded grid.
        series: ``outdoor_c``, ``ghi_w_per_m2``, ``spot_eur_per_kwh``, ``load_kw``, ``draw_kw``, ``co2_g_per_kwh``.
    """

    spec: HomeYearSpec
    grid: TimeGrid
    series: dict[str, Floats]

    def on(self, grid: TimeGrid, names: list[str]) -> dict[str, Floats]:
        """Return series on a grid inside the year."""
        return {name: resample(self.series[name], self.grid, grid) for name in names}


def build_home_year(spec: HomeYearSpec) -> HomeYear:
    """Return the synthetic year. Pure: equal specs give equal numbers."""
    first = datetime(spec.year, 1, 1, tzinfo=UTC) - timedelta(days=14)
    days = (datetime(spec.year + 1, 1, 1, tzinfo=UTC) - datetime(spec.year, 1, 1, tzinfo=UTC)).days + 28
    grid = TimeGrid(first, 15, days * 96)
    rng = np.random.default_rng([spec.seed, 4])
    hour = np.arange(grid.n) / 4.0
    day = np.arange(grid.n) // 96
    season = np.cos(2 * np.pi * (hour / 24 - 14 - 20) / 365.25)
    daily = rng.normal(size=days)
    for k in range(1, days):
        daily[k] = 0.75 * daily[k - 1] + 0.66 * daily[k]
    sun = np.maximum(np.sin(np.pi * ((hour % 24) - 6 + 2 * season) / (12 - 4 * season)), 0.0) * (
        0.55 - 0.4 * season
    )
    clear = rng.uniform(0.25, 1.0, size=days)[day]
    ghi = 1000 * sun * clear
    outdoor = (
        8.7
        - 8.5 * season
        + 3.0 * daily[day]
        + 3.0 * np.sin(2 * np.pi * (hour - 9) / 24) * (0.6 - 0.4 * season)
    )
    wind = rng.normal(size=days)[day]
    clock = hour % 24
    peak = np.exp(-0.5 * ((clock - 18) / 2) ** 2) + 0.7 * np.exp(-0.5 * ((clock - 8) / 1.5) ** 2)
    spot = 0.08 + 0.05 * peak - 0.03 * wind - 0.08 * sun * clear + 0.02 * season
    load = 0.25 + 0.5 * peak + 0.1 * rng.gamma(1.0, 1.0, size=grid.n)
    morning = np.exp(-0.5 * ((clock - 7) / 0.7) ** 2) + 0.8 * np.exp(-0.5 * ((clock - 20) / 1.2) ** 2)
    draw = 1.2 * morning * rng.gamma(0.5, 2.0, size=grid.n)
    series = {
        "outdoor_c": outdoor, "ghi_w_per_m2": ghi, "spot_eur_per_kwh": spot, "load_kw": load, "draw_kw": draw,
        "co2_g_per_kwh": 150 + 80 * peak - 60 * wind,
    }  # fmt: skip
    return HomeYear(spec, grid, {k: np.round(v, 5) for k, v in series.items()})
