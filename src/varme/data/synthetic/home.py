"""A seeded synthetic year of a home: weather, prices, load, hot-water draws, at 15 min.

>>> year = build_home_year(HomeYearSpec(year=2025, seed=1))
>>> sorted(year.series)[:3]
['co2_g_per_kwh', 'dhi_w_per_m2', 'dni_w_per_m2']
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

from varme.data.reference_years import try_weather
from varme.data.resample import resample
from varme.data.synthetic.home_clock import home_clock
from varme.data.synthetic.home_market import home_market
from varme.data.synthetic.home_people import home_people
from varme.data.synthetic.home_spec import HomeYearSpec
from varme.data.synthetic.home_weather import home_weather
from varme.ground.errors import DataError, Problem
from varme.ground.timegrid import TimeGrid

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class HomeYear:
    """The quarter-hours of a calendar year, padded by two weeks at both ends (UTC).

    Attributes:
        spec: What was asked for.
        grid: The padded grid.
        series: ``outdoor_c``, ``ghi_w_per_m2``, ``dni_w_per_m2``, ``dhi_w_per_m2``, ``wind_m_per_s``,
            ``spot_eur_per_kwh`` (hourly blocks), ``co2_g_per_kwh`` (hourly blocks), ``load_kw``, ``draw_kw``; means
            over each quarter-hour, shape (grid.n,). ``ghi = dhi + dni sin(height)`` holds in the middle of each.
    """

    spec: HomeYearSpec
    grid: TimeGrid
    series: dict[str, Floats]

    @property
    def place_deg(self) -> tuple[float, float]:
        """Latitude and longitude of the weather: those of the spec, or of the test reference year's station."""
        if self.spec.try_region is None:
            return self.spec.latitude_deg, self.spec.longitude_deg
        year = try_weather(self.spec.try_region)
        return year.latitude_deg, year.longitude_deg

    def on(self, grid: TimeGrid, names: list[str]) -> dict[str, Floats]:
        """Return series on a grid inside the padded year, whatever its step.

        Raises:
            DataError: P202 if the grid reaches beyond the year and its two weeks of padding.
        """
        own = self.grid
        if grid.start < own.start or grid.end > own.end:
            problem = Problem(
                "P202", "synthetic.year", f"{self.spec.year} does not cover {grid.label(0)} to {grid.label(grid.n)}",
                str(self.spec.year), f"{own.label(0)} to {own.label(own.n)}",
                "State `synthetic.year` so that it fits `time.start`.",
            )  # fmt: skip
            raise DataError(problem)
        offset = round((grid.start - own.start) / timedelta(minutes=1))
        step = gcd(gcd(own.step_min, grid.step_min), offset)
        first, last = own.index_at(grid.start), own.index_at(grid.end - timedelta(minutes=1)) + 1
        part = own.slice(first, last - first)
        fine = TimeGrid(part.start, step, part.n * (own.step_min // step))
        return {
            name: resample(resample(self.series[name][first:last], part, fine), fine, grid) for name in names
        }


@lru_cache(maxsize=8)
def build_home_year(spec: HomeYearSpec) -> HomeYear:
    """Return the synthetic year. Pure: equal specs give equal bytes; the arrays are read-only and shared.

    Raises:
        InputError: P175 if a total of the weather cannot be reached at the place; P101 for an unknown time zone.
    """
    clock = home_clock(spec)
    weather = home_weather(clock)
    price, emission = home_market(clock, weather)
    load, draw = home_people(clock)
    series = {
        "outdoor_c": weather.outdoor_c, "ghi_w_per_m2": weather.ghi, "dni_w_per_m2": weather.dni,
        "dhi_w_per_m2": weather.dhi, "wind_m_per_s": weather.wind_m_per_s, "spot_eur_per_kwh": price,
        "co2_g_per_kwh": emission, "load_kw": load, "draw_kw": draw,
    }  # fmt: skip
    for values in series.values():
        values.flags.writeable = False
    return HomeYear(spec, clock.grid, series)


__all__ = ["HomeYear", "HomeYearSpec", "build_home_year"]
