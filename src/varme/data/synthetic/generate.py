"""One synthetic year from its spec, put on any grid, with the targets it reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.data.resample import resample
from varme.data.synthetic import demand, weather
from varme.data.synthetic.calendar import PADDING_DAYS, Clock, clock_of
from varme.data.synthetic.spec import SyntheticSpec
from varme.ground.errors import InputError, Problem
from varme.ground.timegrid import TimeGrid

Floats = NDArray[np.float64]

#: Decimals kept, so that the last bits of a platform's arithmetic do not show [MW, C, EUR/MWh].
DECIMALS = 6


@dataclass(frozen=True)
class SyntheticYear:
    """The hours of a calendar year, padded by two weeks at both ends.

    Attributes:
        spec: What was asked for.
        grid: The padded hourly grid (UTC).
        inside: True in the calendar year itself, shape (grid.n,).
        series: Name -> values, each of shape (grid.n,); names end in the unit.
        provenance: Generator, seed and a table ``targets`` of rows ``target, wanted, reached, source``.
    """

    spec: SyntheticSpec
    grid: TimeGrid
    inside: NDArray[np.bool_]
    series: dict[str, Floats]
    provenance: dict[str, Any]

    @property
    def year_grid(self) -> TimeGrid:
        """The calendar year itself, hourly: the grid on which the totals hold exactly."""
        return self.grid.slice(24 * PADDING_DAYS, int(np.count_nonzero(self.inside)))

    def on(self, grid: TimeGrid, names: Sequence[str] | None = None) -> dict[str, Floats]:
        """Return the series (or those named) on a grid: hours repeated in shorter steps, averaged in longer ones.

        Raises:
            InputError: P101 if the grid reaches more than two weeks beyond the calendar year, or does not divide hours.
        """
        chosen = self.series if names is None else {name: self.series[name] for name in names}
        try:
            return {name: resample(values, self.grid, grid) for name, values in chosen.items()}
        except ValueError as error:
            first, last = self.grid.label(0), self.grid.label(self.grid.n - 1)
            raise InputError(
                Problem("P101", "time", f"the synthetic year {self.spec.year} does not fit the horizon: {error}",
                        limit=f"{first} to {last}", remedy="Change the horizon, or the year of the synthetic series.")
            ) from None  # fmt: skip


def quantities(spec: SyntheticSpec) -> dict[str, str]:
    """Return the names of the series that a spec produces, with their meaning."""
    names = {
        "gross_mw": "gross electricity consumption",
        "wind_mw": "wind power",
        "decentral_mw": "decentral electricity (small CHP, waste, industry)",
        "temperature_c": "outdoor temperature",
    }
    names |= {f"heat_{area.name}_mw": f"heat demand of area {area.name}" for area in spec.heat_areas}
    if spec.spot_mean_eur_per_mwh is not None:
        names["spot_eur_per_mwh"] = "day-ahead price"
    return names


def build_year(spec: SyntheticSpec) -> SyntheticYear:
    """Return the whole synthetic year. Pure: equal specs give equal numbers, on every platform.

    Raises:
        InputError: P101 if the time zone is unknown.
    """
    clock = clock_of(spec)
    outdoor = weather.temperature(spec, clock)
    series = {
        "gross_mw": demand.gross_consumption(spec, clock, outdoor),
        "wind_mw": weather.wind(spec, clock),
        "decentral_mw": demand.decentral(spec, clock, outdoor),
        "temperature_c": outdoor,
    }
    for number, area in enumerate(spec.heat_areas):
        series[f"heat_{area.name}_mw"] = demand.heat(spec, area, number, clock, outdoor)
    if spec.spot_mean_eur_per_mwh is not None:
        residual = series["gross_mw"] - series["wind_mw"] - series["decentral_mw"]
        series["spot_eur_per_mwh"] = demand.spot_price(spec, clock, residual)
    series = {name: np.round(values, DECIMALS) for name, values in series.items()}
    return SyntheticYear(spec, clock.grid, clock.inside, series, _provenance(spec, clock, series))


def generate(spec: SyntheticSpec, grid: TimeGrid) -> dict[str, Floats]:
    """Return every series of a synthetic year on a grid.

    Args:
        spec: Targets and seed.
        grid: Any grid inside the calendar year (in ``spec.timezone``) and two weeks around it, of a step that
            divides an hour or that an hour divides.

    Returns:
        Name (:func:`quantities`) -> interval means, shape (grid.n,).

    Raises:
        InputError: P101 if the grid does not fit the year, or the time zone is unknown.
    """
    return build_year(spec).on(grid)


def _provenance(spec: SyntheticSpec, clock: Clock, series: dict[str, Floats]) -> dict[str, Any]:
    year = {name: values[clock.inside] for name, values in series.items()}
    hours_of_month = np.bincount(clock.month[clock.inside], minlength=12)
    reached: list[tuple[str, str, float, float]] = [
        ("gross_consumption_twh", "gross_consumption_twh", spec.gross_consumption_twh, year["gross_mw"].sum() / 1e6),
        ("gross_max_mw", "gross_max_mw", spec.gross_max_mw, year["gross_mw"].max()),
        ("wind_twh", "wind_twh", spec.wind_twh, year["wind_mw"].sum() / 1e6),
        ("decentral_twh", "decentral_twh", spec.decentral_twh, year["decentral_mw"].sum() / 1e6),
        ("temperature_mean_c", "monthly_mean_c", float(np.average(spec.monthly_mean_c, weights=hours_of_month)),
         year["temperature_c"].mean()),
    ]  # fmt: skip
    for area in spec.heat_areas:
        demand_mw = year[f"heat_{area.name}_mw"]
        reached.append((f"heat_{area.name}_twh", "heat_areas", area.annual_twh, demand_mw.sum() / 1e6))
    fields = type(spec).model_fields
    return {
        "kind": "synthetic",
        "generator": "varme.data.synthetic 1 (PCG64)",
        "year": spec.year,
        "seed": spec.seed,
        "timezone": spec.timezone,
        "targets": [
            {
                "target": target,
                "wanted": wanted,
                "reached": float(value),
                "source": " ".join((fields[field].description or "").split()),
            }
            for target, field, wanted, value in reached
        ],
    }
