"""Random homes and days from a seed: the homes that plans, fleets and replays are measured on.

Development uses seeds below 1000; what is reported uses seeds from 100000 on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np

from varme.components import battery as battery_of
from varme.components import electric_vehicle as vehicle_of
from varme.components import home_heat_pump as heat_pump_of
from varme.components import hot_water_tank as tank_of
from varme.components import house as house_of
from varme.components.battery import Battery
from varme.components.electric_vehicle import ElectricVehicle, TripSpec
from varme.components.grid_connection import GridNumbers
from varme.components.home import Slots, Surroundings
from varme.components.home_heat_pump import HomeHeatPump
from varme.components.hot_water_tank import HotWaterTank
from varme.components.house import House
from varme.components.photovoltaics import Photovoltaics, power_kw_per_kwp
from varme.data.synthetic.home import HomeYear, HomeYearSpec, build_home_year
from varme.ground.timegrid import TimeGrid
from varme.home.plant import Plant, State
from varme.markets import tariffs
from varme.markets.tariffs import TariffSpec

#: First seed of what is reported; development uses seeds below 1000.
REPORTED = 100_000


@dataclass(frozen=True)
class RandomHome:
    """A random home on a random day.

    Attributes:
        plant: The home over its base grid.
        state: The state at the start of the grid.
        seed: Its seed.
    """

    plant: Plant
    state: State
    seed: int

    def slots(self, hours: float, step_min: int) -> Slots:
        """Return even slots from the start of the grid."""
        base_h = self.plant.seen.grid.step_h
        each = max(1, round(step_min / 60 / base_h))
        return Slots(0, np.full(round(hours / base_h / each), each, dtype=np.int32), base_h)


@lru_cache(maxsize=8)
def _year(seed: int) -> HomeYear:
    return build_home_year(HomeYearSpec(year=2025, seed=seed))


def random_home(seed: int, *, days: int = 3, step_min: int = 15, day: int | None = None) -> RandomHome:
    """Return a home with every device of the full model, on a day that the seed draws.

    House of 80 to 280 W/K with two nodes, heat pump near its design load with a shortest run of 1 h and pause of
    0.5 h, tank of 150 to 400 l, battery of 4 to 14 kWh, PV of 3 to 11 kWp, a vehicle that needs at least 1.4 kW, and
    a dynamic tariff of the synthetic year.

    Args:
        seed: Seed of the home and the day.
        days: Length of the base grid.
        step_min: Base step.
        day: Day of the year at which the grid starts; drawn if not given.
    """
    rng = np.random.default_rng([seed, 11])
    drawn = int(rng.integers(0, 362))
    first = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=drawn if day is None else day)
    grid = TimeGrid(first, step_min, days * 24 * 60 // step_min)
    names = ["outdoor_c", "ghi_w_per_m2", "spot_eur_per_kwh", "load_kw", "draw_kw", "co2_g_per_kwh"]
    series = _year(seed % 8).on(grid, names)
    n = grid.n
    seen = Surroundings(
        grid, "Europe/Copenhagen", series["outdoor_c"], np.full(n, 8.0), np.full(n, 10.0), 0.7 * series["ghi_w_per_m2"]
    )  # fmt: skip
    loss = float(rng.uniform(80, 280))
    floor = bool(rng.random() < 0.5)
    house = House(
        heat_loss_w_per_k=loss, capacity_kwh_per_k=loss / 1e3 * float(rng.uniform(40, 90)),
        solar_aperture_m2=float(rng.uniform(1, 6)), emitter="floor" if floor else "radiator",
        design_flow_c=35.0 if floor else 50.0, design_return_c=30.0 if floor else 42.0,
    )  # fmt: skip
    tank = HotWaterTank(volume_l=float(rng.uniform(150, 400)))
    rated = house.design_heat_kw * float(rng.uniform(0.7, 1.3))
    pump = HomeHeatPump(
        rated_kw=rated, minimum_share=float(rng.uniform(0.25, 0.5)), run_min=60.0, pause_min=30.0,
        start_cost_eur=float(rng.uniform(0.01, 0.05)),
    )  # fmt: skip
    store = Battery(capacity_kwh=float(rng.uniform(4, 14)), power_kw=float(rng.uniform(2, 6)))
    car = ElectricVehicle(
        capacity_kwh=float(rng.uniform(40, 80)),
        charge_min_kw=1.4,
        trips=[TripSpec(energy_kwh=float(rng.uniform(3, 20)))],
    )
    tariff = TariffSpec(tax_eur_per_kwh=float(rng.uniform(0.02, 0.12)))
    prices = tariffs.compiled(
        tariff, series["spot_eur_per_kwh"], series["co2_g_per_kwh"], seen.local_h,
        grid.months("Europe/Copenhagen").astype(float),
    )  # fmt: skip
    roof = Photovoltaics(peak_kwp=1.0)
    plant = Plant(
        seen,
        GridNumbers(
            17.0, 17.0, prices.import_cent_per_kwh, prices.export_cent_per_kwh, prices.co2_g_per_kwh,
            series["load_kw"] * float(rng.uniform(0.5, 2.0)), float(rng.uniform(3, 11)) * power_kw_per_kwp(roof, seen),
        ),
        house_of.compiled(house, seen, 0.3, 20.0, 23.0),
        heat_pump_of.compiled(pump, seen, house, tank, rated),
        tank_of.compiled(tank, series["draw_kw"] * float(rng.uniform(0.5, 1.5)), n),
        battery_of.compiled(store, float(store.capacity_kwh)),
        (vehicle_of.compiled(car, seen),),
    )  # fmt: skip
    assert plant.house is not None
    state = State(
        plant.house.network.steady_c(float(rng.uniform(20.2, 22.0)), float(seen.outdoor_c[:96].mean())),
        np.array([float(rng.uniform(46, 54))]), float(rng.uniform(0.1, 0.9)) * float(store.capacity_kwh),
        (float(rng.uniform(0.4, 0.8)) * car.capacity_kwh,),
    )  # fmt: skip
    return RandomHome(plant, state, seed)
