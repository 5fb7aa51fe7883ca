"""A retrofit study with its data read: meters, temperatures, buildings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.data.meters.panel import MeterPanel, MeterSource, PanelSource
from varme.data.synthetic.town import Town, build_town
from varme.ground.context import Context
from varme.ground.findings import Finding
from varme.ground.timegrid import utc_offset_s
from varme.retrofit.spec import RetrofitStudy

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Buildings:
    """What is known of each meter's building, by meter id.

    Attributes:
        columns: Name -> values, one per building; ``meter`` holds the ids.
    """

    columns: dict[str, NDArray[Any]]

    def of(self, meters: tuple[str, ...], column: str, default: Any = np.nan) -> NDArray[Any]:
        """Return a column for these meters, ``default`` where a meter or the column is not known."""
        if column not in self.columns:
            return np.full(len(meters), default, dtype=object if isinstance(default, str) else float)
        values = self.columns[column]
        place = {m: i for i, m in enumerate(self.columns["meter"])}
        index = np.array([place.get(m, -1) for m in meters])
        out = values[np.maximum(index, 0)]
        return np.asarray(np.where(index >= 0, out, default))


@dataclass(frozen=True)
class RetrofitCase:
    """A study with its data.

    Attributes:
        study: The study.
        days: Local calendar days of the period, shape (days,).
        hours_utc: Hours of the period, shape (hours,), ``datetime64[s]``.
        day_of_hour: Number of the local day of each hour, shape (hours,).
        hour_of_day: Local hour of each hour, 0 to 23.
        temperature_c: Mean outdoor temperature by day, shape (days,).
        temperature_hour_c: The same by hour.
        gas: Gas meters.
        heat_pumps: Heat-pump meters, hourly or daily.
        buildings: Buildings by meter.
        findings: What reading found.
        town: The synthetic town, if there is one: it knows the truth.
    """

    study: RetrofitStudy
    days: NDArray[np.datetime64]
    hours_utc: NDArray[np.datetime64]
    day_of_hour: NDArray[np.int64]
    hour_of_day: NDArray[np.int64]
    temperature_c: Floats
    temperature_hour_c: Floats
    gas: MeterSource
    heat_pumps: MeterPanel
    buildings: Buildings
    findings: tuple[Finding, ...] = ()
    town: Town | None = None
    data_hashes: dict[str, str] = field(default_factory=dict)


def load_case(study: RetrofitStudy, context: Context) -> RetrofitCase:
    """Read everything that a study names.

    Raises:
        InputError: with every problem of the study.
        DataError: with every problem of the data.
    """
    if study.town is None:
        raise NotImplementedError
    town = build_town(study.town)
    hours = town.hours_utc
    local = hours + utc_offset_s(hours, study.town.timezone).astype("timedelta64[s]")
    day = (local.astype("datetime64[D]") - town.days[0]).astype(np.int64)
    hour = (local - local.astype("datetime64[D]")).astype("timedelta64[h]").astype(np.int64)
    daily = np.bincount(day, town.temperature_c) / np.bincount(day)
    return RetrofitCase(
        study, town.days, hours, day, hour, daily, town.temperature_c, PanelSource(town.gas), town.heat_pumps,
        Buildings(town.buildings), town=town,
    )  # fmt: skip
