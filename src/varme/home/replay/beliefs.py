"""What the planner believes: the home with forecasts in place of what is not known yet.

The believed home has its own copies of the series that are uncertain; before each plan, forecasts are written into the
steps that the plan covers. The numbers of the heat pump follow the forecast of the outdoor temperature.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from varme.components.home_heat_pump import HeatPumpNumbers
from varme.forecast.base import Forecast, Given
from varme.forecast.persistence import MeanOfDays, Persistence, PublishedPrice
from varme.home.plant import Plant
from varme.home.replay.spec import ForecastSpec
from varme.kernel.model import Floats

#: Steps of the table by which a heat pump's numbers follow the source temperature.
TABLE = 601
#: Arrays of a heat pump that follow the source temperature.
FOLLOWING = (
    "heat_min_kw", "heat_max_kw", "electric_on_kw", "electric_per_heat", "water_heat_min_kw", "water_heat_max_kw",
    "water_electric_on_kw", "water_electric_per_heat", "flow_c",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class PumpTable:
    """The numbers of a heat pump over its source temperature.

    Attributes:
        low_c: First temperature.
        step_k: Steps of the table.
        names: Arrays in the table, with their rows.
        values: Shape (rows, TABLE).
    """

    low_c: float
    step_k: float
    names: tuple[tuple[str, slice], ...]
    values: Floats

    @classmethod
    def of(cls, pump: HeatPumpNumbers, source_c: Floats) -> PumpTable:
        """Return the table of a heat pump from its numbers at all source temperatures of the span."""
        known, where = np.unique(source_c, return_index=True)
        grid = np.linspace(known[0], max(known[-1], known[0] + 1.0), TABLE)
        names: list[tuple[str, slice]] = []
        rows: list[Floats] = []
        for name in FOLLOWING:
            values = getattr(pump, name)
            if values is None:
                continue
            names.append((name, slice(len(rows), len(rows) + len(values))))
            rows += [np.interp(grid, known, row[where]) for row in values]
        return cls(float(grid[0]), float(grid[1] - grid[0]), tuple(names), np.stack(rows))

    def write(self, pump: HeatPumpNumbers, first: int, source_c: Floats) -> None:
        """Write the numbers at forecast source temperatures into the steps from ``first`` on."""
        place = np.clip((source_c - self.low_c) / self.step_k, 0.0, TABLE - 1.000001)
        index = place.astype(int)
        share = place - index
        values = self.values[:, index] * (1 - share) + self.values[:, index + 1] * share
        for name, rows in self.names:
            getattr(pump, name)[:, first : first + len(source_c)] = values[rows]


class Belief:
    """The home as the planner sees it.

    Args:
        plant: The home as it is.
        spec: What is known of what comes.
        given: Forecasts that were given: ``outdoor_c``, ``pv_kw``, ``load_kw``.
    """

    def __init__(self, plant: Plant, spec: ForecastSpec, given: dict[str, Floats] | None = None) -> None:
        self.truth, self.spec = plant, spec
        self.perfect = spec.method == "perfect"
        self.plant = plant if self.perfect else _reserved(copied(plant), spec.water_reserve_k)
        self.table: PumpTable | None = None
        self.follows_outdoor = False
        pump = plant.heat_pump
        if pump is not None and not self.perfect:
            source = pump.machine.source_c if pump.machine is not None else plant.seen.outdoor_c
            self.follows_outdoor = bool(np.array_equal(source, plant.seen.outdoor_c))
            if self.follows_outdoor:
                self.table = PumpTable.of(pump, source)
        self.forecasts = {} if self.perfect else forecasts_of(plant, spec, given or {})

    def truths(self) -> dict[str, Floats]:
        """Return each series that is forecast as it comes out, shape (N,)."""
        plant = self.truth
        every = {
            "outdoor_c": plant.seen.outdoor_c, "pv_kw": plant.grid.pv_kw, "load_kw": plant.grid.load_kw,
            "import_cent_per_kwh": plant.grid.import_cent_per_kwh,
            "export_cent_per_kwh": plant.grid.export_cent_per_kwh,
        }  # fmt: skip
        if plant.house is not None:
            every["gains_kw"] = plant.house.gains_kw
        if plant.tank is not None:
            every["draw_kw"] = plant.tank.draw_kw
        return {name: values for name, values in every.items() if name in self.forecasts}

    def look(self, first: int, count: int) -> Plant:
        """Return the home with forecasts for the steps ``first`` to ``first + count``, made just before ``first``."""
        if self.perfect:
            return self.plant
        seen = {name: f.at(first, count) for name, f in self.forecasts.items()}
        part = slice(first, first + count)
        plant = self.plant
        plant.grid.pv_kw[part], plant.grid.load_kw[part] = seen["pv_kw"], seen["load_kw"]
        plant.grid.import_cent_per_kwh[part] = seen["import_cent_per_kwh"]
        plant.grid.export_cent_per_kwh[part] = seen["export_cent_per_kwh"]
        if plant.house is not None:
            plant.house.outdoor_c[part], plant.house.gains_kw[part] = seen["outdoor_c"], seen["gains_kw"]
        if plant.tank is not None:
            plant.tank.draw_kw[part] = seen["draw_kw"]
        if self.table is not None and plant.heat_pump is not None:
            self.table.write(plant.heat_pump, first, seen["outdoor_c"])
        return plant


def copied(plant: Plant) -> Plant:
    """Return a home with its own copies of the series that forecasts are written into."""
    grid, house, tank, pump = plant.grid, plant.house, plant.tank, plant.heat_pump
    names = ("pv_kw", "load_kw", "import_cent_per_kwh", "export_cent_per_kwh")
    return replace(
        plant,
        grid=_fresh(grid, names),
        house=None if house is None else _fresh(house, ("outdoor_c", "gains_kw")),
        tank=None if tank is None else _fresh(tank, ("draw_kw",)),
        heat_pump=None if pump is None else _fresh(pump, FOLLOWING),
    )


def _reserved(plant: Plant, reserve_k: float) -> Plant:
    """Return a home whose planner keeps hot water in reserve for draws that it does not foresee."""
    tank = plant.tank
    if tank is None:
        return plant
    low = min(tank.low_c + reserve_k, tank.high_c - 1.0)
    return replace(plant, tank=replace(tank, low_c=max(low, tank.low_c)))


def _fresh(numbers: Any, names: tuple[str, ...]) -> Any:
    """Return a device's numbers with copies of some arrays."""
    found = {name: getattr(numbers, name) for name in names}
    return replace(numbers, **{name: np.array(v) for name, v in found.items() if v is not None})


def forecasts_of(plant: Plant, spec: ForecastSpec, given: dict[str, Floats]) -> dict[str, Forecast]:
    """Return a forecast for each uncertain series of a home."""
    seen, grid = plant.seen, plant.grid
    day = round(24 / seen.grid.step_h)
    hours = day // 24

    def price(values: Floats) -> Forecast:
        return PublishedPrice(values, seen.local_day, seen.local_h, spec.published_h, day)

    out: dict[str, Forecast] = {
        "outdoor_c": Persistence(seen.outdoor_c, day, window=6 * hours, fade=18.0 * hours),
        "pv_kw": Persistence(grid.pv_kw, day, window=3 * hours, fade=4.0 * hours, lower=0.0, scaled=True),
        "load_kw": Persistence(grid.load_kw, 7 * day, window=2 * hours, fade=1.0 * hours, lower=0.0),
        "import_cent_per_kwh": price(grid.import_cent_per_kwh),
        "export_cent_per_kwh": price(grid.export_cent_per_kwh),
    }
    if plant.house is not None:
        out["gains_kw"] = Persistence(
            plant.house.gains_kw, day, window=3 * hours, fade=4.0 * hours, lower=0.0, scaled=True
        )
    if plant.tank is not None:
        out["draw_kw"] = MeanOfDays(plant.tank.draw_kw, day, smooth=max(1, hours))
    return out | {name: Given(values) for name, values in given.items()}
