"""Terminal values: what is left in house, tank, battery and vehicle at the end of a plan is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.components.home import Slots
from varme.home.plant import Plant
from varme.kernel.model import Floats


@dataclass(frozen=True, eq=False)
class Worth:
    """What is left at the end of a plan is worth: the terminal values.

    Attributes:
        room_cent_per_k: Value of a kelvin of each node of the house, shape (k,).
        tank_cent_per_k: Value of a kelvin of the tank.
        battery_cent_per_kwh: Value of a kWh in the battery.
        vehicle_cent_per_kwh: Value of a kWh in a vehicle.
    """

    room_cent_per_k: Floats
    tank_cent_per_k: float
    battery_cent_per_kwh: float
    vehicle_cent_per_kwh: float


def worth_of(plant: Plant, slots: Slots) -> Worth:
    """Return terminal values: what it would cost to make heat and electricity anew after the end.

    A day like the last one of the plan is expected to follow. Electricity is valued at the mean of the cheaper half of
    its prices, weighted by time; heat in addition at the COP at full load, or at the price of the second heater where
    that is lower, and only as far as heating will be needed:

    * the house would settle at ``T_free`` without heating; a kelvin of a node is worth its capacity times the price of
      heat times ``n / (n + 1/2)`` with ``n = T_low - T_free`` (0 if it is not positive), since half a kelvin more
      loses ``1/(2 n)`` of the heat that is needed anyway while it is used up;
    * the tank's heat is used up by draws within a day: half a day's losses are taken off.

    Args:
        plant: The home over the slots.
        slots: The slots.
    """
    end_h = slots.start_h + slots.step_h
    last = np.flatnonzero(end_h > end_h[-1] - 24.0 - 1e-9)
    hours = slots.step_h[last]
    price = _cheap(plant.grid.import_cent_per_kwh[last], hours)
    per_heat = {"room": price, "water": price}
    pump = plant.heat_pump
    for m, mode in enumerate(pump.modes if pump is not None else ()):
        assert pump is not None
        full = pump.electric_on_kw[m] / np.maximum(pump.heat_max_kw[m], 1e-9) + pump.electric_per_heat[m]
        per_heat[mode] = _cheap(plant.grid.import_cent_per_kwh[last] * full[last], hours)
    per_heat |= _by_second_heater(plant, per_heat, price, last, hours)
    room = np.zeros(0)
    if plant.house is not None:
        house, network = plant.house, plant.house.network
        response = np.linalg.inv(network.conductance_kw_per_k)
        outdoor = float(np.average(house.outdoor_c[last], weights=hours))
        gains = float(np.average(house.gains_kw[last], weights=hours))
        settled = response @ (network.to_outdoor_kw_per_k * outdoor + network.gain_share * gains)
        need = float(np.average(house.low_c[last], weights=hours)) - float(settled[0])
        share = need / (need + 0.5) if need > 0 else 0.0
        room = share * per_heat["room"] * network.capacity_kwh_per_k
    tank = 0.0
    if plant.tank is not None:
        kept = float(np.exp(-12.0 * plant.tank.loss_kw_per_k / plant.tank.capacity_kwh_per_k))
        tank = kept * per_heat["water"] * plant.tank.capacity_kwh_per_k
    battery = 0.0
    if plant.battery is not None:
        battery = max(0.0, plant.battery.one_way_share * price - plant.battery.wear_cent_per_kwh)
    car = 0.0
    if plant.vehicles:
        car = max(0.0, price / plant.vehicles[0].charge_efficiency_share) * 0.98
    return Worth(room, tank, battery, car)


def _by_second_heater(
    plant: Plant, per_heat: dict[str, float], price: float, last: NDArray[np.int64], hours: Floats
) -> dict[str, float]:
    """Return what heat costs where a second heater makes it cheaper, or alone, by bus [cent/kWh]."""
    second = plant.second_heater
    if second is None:
        return {}
    runs = second.heat_max_kw[last] > 0
    if not runs.any():
        return {}
    own = _cheap((second.heat_cent_per_kwh[last] + price * second.electric_per_heat)[runs], hours[runs])
    alone = plant.heat_pump is None
    return {bus: own if alone else min(own, per_heat[bus]) for bus in second.buses}


def _cheap(values: Floats, hours: Floats) -> float:
    """Return the mean of the cheaper half of the time."""
    order = np.argsort(values)
    weight = np.minimum(
        np.maximum(0.5 * hours.sum() - (np.cumsum(hours[order]) - hours[order]), 0.0), hours[order]
    )
    return float(np.sum(values[order] * weight) / max(weight.sum(), 1e-12))
