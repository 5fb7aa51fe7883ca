r"""Scenarios: forecast errors drawn from a seed, and the home as each scenario has it.

The error of each quantity is first-order autoregressive from zero now,

.. math:: r_t = a r_{t-1} + \sqrt{1 - a^2} \sigma e_t, \quad a = \exp(-h / \tau)

so its standard deviation grows with lead time t to :math:`\sigma \sqrt{1 - a^{2 t}}`. The innovations e of temperature,
sun and price are correlated. Scenarios come in pairs of opposite errors (antithetic), which keeps their mean at the
forecast: the variance of the expected cost falls, nothing else changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from varme.components.electric_vehicle import ElectricVehicle
from varme.data.synthetic.filters import first_order
from varme.ground.context import Context
from varme.home.case import load_case
from varme.home.plant import Plant
from varme.home.scenarios.spec import ScenariosSpec
from varme.home.spec import HomeFields
from varme.kernel.model import Floats


@dataclass(frozen=True, eq=False)
class Scenario:
    """What differs from the forecast, over n base steps.

    Attributes:
        temperature_k: Error of the outdoor temperature, (n,).
        sun_ratio: PV and solar gains over the forecast, (n,).
        price_eur_per_kwh: Error of the energy price, (n,).
        load_ratio: Household load over the forecast, (n,).
        draw_ratio: Draws over the forecast, (n,).
        return_h: By how much each vehicle returns later.
        trip_ratio: Electricity of each vehicle's trips over the forecast.
    """

    temperature_k: Floats
    sun_ratio: Floats
    price_eur_per_kwh: Floats
    load_ratio: Floats
    draw_ratio: Floats
    return_h: Floats
    trip_ratio: Floats


def forecast(n: int, vehicles: int) -> Scenario:
    """Return the scenario in which the forecast comes true."""
    one, zero = np.ones(n), np.zeros(n)
    return Scenario(zero, one, zero, one, one, np.zeros(vehicles), np.ones(vehicles))


def drawn(spec: ScenariosSpec, count: int, n: int, step_h: float, vehicles: int, seed: int) -> list[Scenario]:
    """Draw scenarios. Pure: equal arguments give equal scenarios; more scenarios begin with the same ones.

    Args:
        spec: Spreads, memories, correlations.
        count: Scenarios.
        n: Base steps.
        step_h: Length of a step [h].
        vehicles: Vehicles.
        seed: Seed.
    """
    return [_one(spec, seed, number, n, step_h, vehicles) for number in range(count)]


def _one(spec: ScenariosSpec, seed: int, number: int, n: int, step_h: float, vehicles: int) -> Scenario:
    rng = np.random.default_rng([seed, number // 2, 350])
    sign = 1.0 if number % 2 == 0 else -1.0
    root = np.linalg.cholesky(spec.correlation + 1e-9 * np.eye(3))
    weather = sign * (root @ rng.normal(size=(3, n)))
    people = sign * rng.normal(size=(2, n))
    cars = sign * rng.normal(size=(2, vehicles))
    lead = np.arange(n) * step_h
    price = spec.price_spread_eur_per_kwh * _fading(weather[2], spec.price_memory_h, step_h)
    return Scenario(
        temperature_k=spec.temperature_spread_k * _fading(weather[0], spec.temperature_memory_h, step_h),
        sun_ratio=_ratio(weather[1], spec.sun_spread_share, spec.sun_memory_h, step_h),
        price_eur_per_kwh=np.where(lead < spec.price_known_h, 0.0, price),
        load_ratio=_ratio(people[0], spec.load_spread_share, spec.load_memory_h, step_h),
        draw_ratio=_ratio(people[1], spec.draw_spread_share, spec.draw_memory_h, step_h),
        return_h=spec.return_spread_h * cars[0],
        trip_ratio=np.exp(spec.trip_spread_share * cars[1] - spec.trip_spread_share**2 / 2),
    )


def _fading(innovations: Floats, memory_h: float, step_h: float) -> Floats:
    """Return an error of unit spread that is zero at the start, (n,)."""
    keep = float(np.exp(-step_h / memory_h))
    first = np.concatenate([[0.0], innovations[1:]])
    return first_order(first, keep, float(np.sqrt(1 - keep**2)))


def _ratio(innovations: Floats, spread: float, memory_h: float, step_h: float) -> Floats:
    """Return a log-normal ratio of mean 1 at every lead time, (n,)."""
    keep = float(np.exp(-step_h / memory_h))
    variance = spread**2 * (1 - keep ** (2 * np.arange(len(innovations))))
    return np.asarray(np.exp(spread * _fading(innovations, memory_h, step_h) - variance / 2))


@dataclass(frozen=True, eq=False)
class Maker:
    """Makes the home as a scenario has it; series are read once.

    Attributes:
        study: The study.
        context: Where its files are.
        memory: Series that were read.
        forecast: The home as it is forecast.
        energy_eur_per_kwh: Energy price, (N,).
        internal_kw: Heat of people and appliances, (N,).
    """

    study: HomeFields
    context: Context
    memory: dict[str, Any]
    forecast: Plant
    energy_eur_per_kwh: Floats
    internal_kw: Floats

    @classmethod
    def of(cls, study: HomeFields, context: Context) -> Maker:
        """Read the forecast.

        Raises:
            VarmeError: with every problem of the study.
        """
        memory: dict[str, Any] = {}
        plant = load_case(study, context, memory).plant

        def read(where: str) -> Floats:
            found = [v for k, v in memory.items() if k.startswith(f"{where}=")]
            return np.asarray(found[0], dtype=float) if found else np.zeros(plant.seen.grid.n)

        energy, internal = read("tariff.energy_eur_per_kwh"), read("house.internal_gains_kw")
        return cls(study, context, memory, plant, energy, internal)

    def plant(self, scenario: Scenario) -> Plant:
        """Return the home as a scenario has it.

        Raises:
            InputError: if the scenario leaves the limits of a series.
        """
        study, base = self.study, self.forecast
        outdoor = np.clip(base.seen.outdoor_c + scenario.temperature_k, -59.0, 59.0)
        update: dict[str, Any] = {
            "weather": study.weather.model_copy(update={"outdoor_c": outdoor.tolist()}),
            "tariff": study.tariff.model_copy(
                update={"energy_eur_per_kwh": (self.energy_eur_per_kwh + scenario.price_eur_per_kwh).tolist()}
            ),
            "vehicles": [_returning(v, scenario.return_h[k]) for k, v in enumerate(study.vehicles)],
        }
        fresh = dict(self.memory)
        plant = load_case(study.model_copy(update=update), self.context, fresh).plant
        grid = replace(
            plant.grid, load_kw=plant.grid.load_kw * scenario.load_ratio, pv_kw=plant.grid.pv_kw * scenario.sun_ratio
        )  # fmt: skip
        house, tank = plant.house, plant.tank
        if house is not None:
            solar = house.gains_kw - self.internal_kw
            house = replace(house, gains_kw=house.gains_kw + solar * (scenario.sun_ratio - 1))
        if tank is not None:
            tank = replace(tank, draw_kw=tank.draw_kw * scenario.draw_ratio)
        cars = tuple(
            replace(v, trip_kwh=v.trip_kwh * float(scenario.trip_ratio[k]))
            for k, v in enumerate(plant.vehicles)
        )
        return replace(plant, grid=grid, house=house, tank=tank, vehicles=cars)


def _returning(vehicle: ElectricVehicle, later_h: float) -> ElectricVehicle:
    """Return a vehicle whose trips of a day end at another hour."""
    trips = []
    for trip in vehicle.trips:
        back = float(np.clip(trip.return_h + later_h, trip.leave_h + 0.5, 23.99))
        one_day = trip.return_h > trip.leave_h + 0.5 and not trip.nights
        trips.append(trip.model_copy(update={"return_h": back}) if one_day else trip)
    return vehicle.model_copy(update={"trips": trips})
