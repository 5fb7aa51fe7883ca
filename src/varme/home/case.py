"""From the study file to a plant: series as arrays, devices as numbers, every problem at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from varme.components import battery as battery_of
from varme.components import buffer_tank as buffer_of
from varme.components import deferrable_load as load_of
from varme.components import electric_vehicle as vehicle_of
from varme.components import home_heat_pump as heat_pump_of
from varme.components import hot_water_tank as tank_of
from varme.components import house as house_of
from varme.components import second_heater as second_heater_of
from varme.components.grid_connection import GridNumbers
from varme.components.heat_pump_machine import looked_up, size_kw
from varme.components.home import Surroundings
from varme.components.photovoltaics import power_kw_per_kwp
from varme.data.catalogue.heat_pumps import HeatPumpModel
from varme.data.series import LoadedSeries, load_series
from varme.data.synthetic.home import build_home_year
from varme.ground.context import Context
from varme.ground.errors import Collector, DataError, InputError
from varme.ground.findings import Finding
from varme.ground.series import FileSeries, SyntheticSeries
from varme.ground.size import largest
from varme.ground.timegrid import TimeGrid
from varme.home.checks import check_home, check_pump
from varme.home.devices import check_devices, with_heat_loss, with_models
from varme.home.heating import check_heating, with_rules
from varme.home.plant import Plant, State
from varme.home.spec import HomeFields, StateSpec
from varme.kernel.model import Floats
from varme.markets import tariffs
from varme.markets.bill import tariff_findings
from varme.markets.price_series import hash_of, load_prices
from varme.physics.sun import Irradiance, has_pvlib, irradiance

#: What a comfort band may be [C].
ROOM_C = (0.0, 45.0)
#: What the energy part of a price may be: twice the limits of the European day-ahead auction (-0.5 to 5) and more.
PRICES_EUR_PER_KWH = (-10.0, 10.0)


@dataclass(frozen=True)
class HomeCase:
    """A home with everything resolved.

    Attributes:
        study: The study.
        grid: The base grid.
        plant: The home as numbers; sizes that are decisions stand at their largest.
        findings: What the data's readers noticed.
        data_hashes: Series -> hash of its numbers.
        prices: The tariff over the base grid, by part, for bills.
        pump_model: The heat pump's model of the catalogue, if it was given by name.
    """

    study: HomeFields
    grid: TimeGrid
    plant: Plant
    findings: list[Finding] = field(default_factory=list)
    data_hashes: dict[str, str] = field(default_factory=dict)
    prices: tariffs.Prices | None = None
    pump_model: HeatPumpModel | None = None


def load_case(study: HomeFields, context: Context, memory: dict[str, Any] | None = None) -> HomeCase:
    """Resolve a study.

    Args:
        study: The study.
        context: Where its files are.
        memory: Series that were read for other homes of one study, on the same grid; filled as more are read.

    Raises:
        InputError: with every problem of the study.
        DataError: likewise, if only the data are wrong.
    """
    problems = Collector()
    time = study.time
    try:
        grid = TimeGrid.between(time.start, time.end, step_min=time.step_min, timezone=time.timezone)
    except InputError as error:
        problems.problems += error.problems
        _refuse(problems, context.source)
    reader = _Reader(study, context, grid, problems, memory)
    study, named = with_models(study, context, problems, reader.memory)
    outdoor = reader.read(study.weather.outdoor_c, "c", "weather.outdoor_c", (-60.0, 60.0))
    ghi = reader.read(study.weather.ghi_w_per_m2, "w_per_m2", "weather.ghi_w_per_m2", (0.0, 1500.0))
    light = reader.light(study, ghi)
    seen = Surroundings(
        grid, time.timezone, outdoor, np.full(grid.n, study.weather.ground_c),
        np.full(grid.n, study.weather.cold_water_c), reader.on_windows(light), light,
    )  # fmt: skip
    load = reader.read(study.household.load_kw, "kw", "household.load_kw", (0.0, 1e3))
    energy = reader.prices(study.tariff, time.timezone)
    co2 = reader.read(study.tariff.co2_g_per_kwh, "g_per_kwh", "tariff.co2_g_per_kwh", (0.0, 5e3))
    house = study.house
    gains = (
        reader.read(house.internal_gains_kw, "kw", "house.internal_gains_kw", (0.0, 1e3)) if house else None
    )
    low = reader.read(house.temperature_min_c, "c", "house.temperature_min_c", ROOM_C) if house else None
    high = reader.read(house.temperature_max_c, "c", "house.temperature_max_c", ROOM_C) if house else None
    draw = reader.draw(study.hot_water, seen) if study.hot_water else None
    other = study.second_heater
    fuel = (
        reader.read(other.price_eur_per_kwh, "eur_per_kwh", "second_heater.price_eur_per_kwh")
        if other
        else 0.0
    )
    pump_model = None if study.heat_pump is None else looked_up(study.heat_pump, context.base, problems)
    if study.hot_water is not None and gains is not None:
        gains = gains + study.hot_water.loss_gain_kw
    if house is not None and gains is not None and low is not None and high is not None:
        house, answers = with_heat_loss(house, seen, (gains, low, high), problems)
        study, named = study.model_copy(update={"house": house}), named + answers
    check_pump(study, problems)
    if len(problems):
        _refuse(problems, context.source)
    prices = tariffs.compiled(
        study.tariff, energy, co2, seen.local_h, grid.months(time.timezone).astype(float),
        local=grid.local(time.timezone), step_h=grid.step_h,
    )  # fmt: skip
    pv = sum(
        (largest(p.peak_kwp) * power_kw_per_kwp(p, seen) for p in study.photovoltaics), start=np.zeros(grid.n)
    )
    plant = Plant(
        seen,
        GridNumbers(
            study.grid.import_max_kw, study.grid.export_max_kw, prices.import_cent_per_kwh,
            prices.export_cent_per_kwh, prices.co2_g_per_kwh, load, pv, prices.peaks,
        ),
        None if house is None else house_of.compiled(house, seen, gains, low, high),  # type: ignore[arg-type]
        None if study.heat_pump is None else heat_pump_of.compiled(
            study.heat_pump, seen, house, study.hot_water, size_kw(study.heat_pump, pump_model), pump_model
        ),
        None if study.hot_water is None else tank_of.compiled(
            study.hot_water, draw, grid.n, study.weather.cold_water_c  # type: ignore[arg-type]
        ),
        None if study.battery is None else battery_of.compiled(study.battery, largest(study.battery.capacity_kwh)),
        tuple(vehicle_of.compiled(v, seen) for v in study.vehicles),
        tuple(load_of.compiled(one, seen) for one in study.deferrable_loads),
        None if study.buffer is None or house is None else buffer_of.compiled(study.buffer, house, seen),
        None if study.second_heater is None else second_heater_of.compiled(study.second_heater, seen, fuel),
    )  # fmt: skip
    plant = with_rules(study, plant)
    check_home(study, plant, problems)
    told = named + check_devices(study, plant, problems)
    told += check_heating(study, plant, pump_model, problems)
    if len(problems):
        _refuse(problems, context.source)
    told += tariff_findings(study.tariff, prices, grid, time.timezone)
    return HomeCase(study, grid, plant, [*reader.findings, *told], reader.hashes, prices, pump_model)


def state_of(spec: StateSpec, study: HomeFields, plant: Plant) -> State:
    """Return the state at the start of a plan; the mass of the house is in balance with the room and the first day."""
    house_c = np.zeros(0)
    if plant.house is not None:
        day = max(1, round(24 / plant.seen.grid.step_h))
        house_c = plant.house.network.steady_c(spec.room_c, float(plant.house.outdoor_c[:day].mean()))
    tank = np.full(plant.tank.layers, spec.tank_c) if plant.tank is not None else np.zeros(0)
    level = spec.battery_share * plant.battery.capacity_kwh if plant.battery is not None else 0.0
    vehicles = tuple(spec.vehicle_share * v.capacity_kwh for v in plant.vehicles)
    return State(
        house_c, tank, level, vehicles, spec.compressor, spec.compressor_min, buffer_c=spec.buffer_c,
        legionella_h=24 * spec.legionella_days, loads=tuple(load_of.LoadState() for _ in plant.loads),
    )  # fmt: skip


def _refuse(problems: Collector, source: str) -> NoReturn:
    only_data = all(problem.code.startswith("P2") for problem in problems.problems)
    raise (DataError if only_data else InputError)(problems.problems, source)


class _Reader:
    """Turns series specs into arrays over the base grid, and collects everything that is wrong with them."""

    def __init__(
        self,
        study: HomeFields,
        context: Context,
        grid: TimeGrid,
        problems: Collector,
        memory: dict[str, Any] | None = None,
    ) -> None:
        self.context, self.grid, self.problems = context, grid, problems
        self.findings: list[Finding] = []
        self.hashes: dict[str, str] = {}
        self.memory = {} if memory is None else memory
        if study.synthetic is not None and "synthetic" not in self.memory:
            self.memory["synthetic"] = build_home_year(study.synthetic)
        self._year = None if study.synthetic is None else self.memory["synthetic"]

    def read(self, spec: Any, unit: str, where: str, limits: tuple[float, float] | None = None) -> Floats:
        """Return one series, shape (N,); zeros if it could not be read."""
        key = f"{where}={spec!r}"
        if key not in self.memory:
            before = len(self.problems)
            values = self._read(spec, unit, where, limits)
            if len(self.problems) > before:
                return values
            self.memory[key] = values
        return np.asarray(self.memory[key], dtype=float)

    def prices(self, spec: tariffs.TariffSpec, timezone: str) -> Floats:
        """Return energy prices, shape (N,); missing last hours are refused or repeated, as the tariff asks."""
        where, series = "tariff.energy_eur_per_kwh", spec.energy_eur_per_kwh
        key = f"{where}={series!r}"
        if not isinstance(series, FileSeries) or (spec.prices_beyond == "refuse" and key in self.memory):
            return self.read(series, "eur_per_kwh", where, PRICES_EUR_PER_KWH)
        try:
            loaded = load_prices(
                series,
                self.grid,
                base=self.context.base,
                where=where,
                beyond=spec.prices_beyond,
                timezone=timezone,
            )
        except DataError as error:
            self.problems.problems += error.problems
            return np.zeros(self.grid.n)
        wild = np.flatnonzero(np.abs(loaded.values) > PRICES_EUR_PER_KWH[1])
        if wild.size:
            self._not_a_price(where, loaded.values[wild[0]], int(wild.size))
            return np.zeros(self.grid.n)
        self.findings += [f for f in loaded.findings if f not in self.findings]
        self.hashes[where] = hash_of(loaded.values)
        if spec.prices_beyond == "refuse":
            self.memory[key] = loaded.values
        return loaded.values

    def _not_a_price(self, where: str, value: float, count: int) -> None:
        self.problems.add(
            "P210", where, f"{count} of {self.grid.n} values are no prices of a kWh", value=f"{value:g} EUR/kWh",
            limit=f"{PRICES_EUR_PER_KWH[0]:g} to {PRICES_EUR_PER_KWH[1]:g} EUR/kWh",
            remedy='State the unit of the column, for example `unit = "EUR/MWh"`.',
        )  # fmt: skip

    def light(self, study: HomeFields, ghi: Floats) -> Irradiance:
        """Return the irradiance by direction; a method that needs pvlib is a problem without it."""
        place, weather = study.place, study.weather
        beam, diffuse = (
            None if spec is None else self.read(spec, "w_per_m2", f"weather.{name}", (0.0, 1500.0))
            for spec, name in ((weather.dni_w_per_m2, "dni_w_per_m2"), (weather.dhi_w_per_m2, "dhi_w_per_m2"))
        )
        sky, split = place.sky, place.split
        wants = [f"place.{n}" for n, v in (("sky", sky == "perez"), ("split", split == "dirint")) if v]
        if wants and not has_pvlib():
            for where in wants:
                self.problems.add("P157", where, "needs pvlib, which is not installed")
            sky, split = "hay_davies", "erbs"
        key = f"light={place!r}{weather.ghi_w_per_m2!r}{weather.dni_w_per_m2!r}{weather.dhi_w_per_m2!r}"
        if key not in self.memory:
            self.memory[key] = irradiance(
                self.grid.times, self.grid.step_min, place.latitude_deg, place.longitude_deg, ghi, beam, diffuse,
                albedo_share=place.albedo_share, sky=sky, split=split,
            )  # fmt: skip
        found: Irradiance = self.memory[key]
        return found

    def on_windows(self, light: Irradiance) -> Floats:
        """Return what passes the glass of windows that look in all four directions, shape (N,)."""
        key = f"windows={id(light)}"
        if key not in self.memory:
            self.memory[key] = np.mean(
                [light.on_plane(90.0, a, True) for a in (0.0, 90.0, 180.0, 270.0)], axis=0
            )
        return np.asarray(self.memory[key])

    def draw(self, spec: tank_of.HotWaterTank, seen: Surroundings) -> Floats:
        """Return the heat drawn: the series of the spec, or what its profile or its people draw."""
        if spec.draws_by_spec:
            return tank_of.draw_of(spec, seen)
        return self.read(spec.draw_kw, "kw", "hot_water.draw_kw", (0.0, 1e3))

    def _read(self, spec: Any, unit: str, where: str, limits: tuple[float, float] | None) -> Floats:
        low, high = limits or (None, None)
        if isinstance(spec, SyntheticSeries):
            return self._synthetic(spec, where)
        try:
            loaded: LoadedSeries = load_series(
                spec,
                self.grid,
                base=self.context.base,
                quantity_unit=unit,
                where=where,
                minimum=low,
                maximum=high,
            )
        except DataError as error:
            self.problems.problems += error.problems
            return np.zeros(self.grid.n)
        self.findings += [f for f in loaded.findings if f not in self.findings]
        self.hashes[where] = hashlib.sha256(np.ascontiguousarray(loaded.values).tobytes()).hexdigest()
        return loaded.values

    def _synthetic(self, spec: SyntheticSeries, where: str) -> Floats:
        if self._year is None:
            self.problems.add(
                "P103", where, "asks for a synthetic year that is not stated", value=spec.synthetic
            )
            return np.zeros(self.grid.n)
        if spec.synthetic not in self._year.series:
            known = ", ".join(self._year.series)
            self.problems.add("P201", where, "is not a synthetic quantity", value=spec.synthetic, limit=known)
            return np.zeros(self.grid.n)
        return np.asarray(
            spec.scale_share * self._year.on(self.grid, [spec.synthetic])[spec.synthetic], dtype=float
        )
