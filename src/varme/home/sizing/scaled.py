"""A home's numbers per unit of size: what a plant of any size is, linear in its sizes.

A :class:`~varme.home.plant.Plant` is compiled at one set of sizes. Here its numbers are divided by these sizes, so that

- heat and electricity of the heat pump are in proportion to its rated heat at each instant,
- PV is in proportion to its peak power, the battery's level and power to its capacity,
- the tank's usable energy is in proportion to its volume, its standing loss linear in it; the rate at which stored
  energy decays is that of the reference volume.

The heat pump's flow temperatures come from the plant: they are those of the reference size, which the search therefore
sets anew at the optimum (:mod:`varme.home.sizing.study`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from varme.components.home import WATER_KWH_PER_L_K
from varme.home.plant import Plant
from varme.kernel.model import Floats

#: Names of the sizes of a home, in this order; PV fields follow as ``pv_kwp``, ``pv_2_kwp``...
HEAT_PUMP, TANK, BATTERY, BACKUP = "heat_pump_kw", "tank_l", "battery_kwh", "backup_kw"


def pv_name(field: int) -> str:
    """Return the name of a PV field's size."""
    return "pv_kwp" if field == 0 else f"pv_{field + 1}_kwp"


@dataclass(frozen=True, eq=False)
class ScaledPlant:
    """A plant per unit of size, over its base grid of N steps; M modes of the heat pump, F fields of PV.

    Attributes:
        plant: The plant at its reference sizes.
        reference: Name of a size -> what the plant was compiled at.
        low: Least heat when on per rated kW, shape (M, N).
        high: Heat at full load per rated kW, shape (M, N).
        electric_low: Electricity at least heat per rated kW, shape (M, N).
        electric_high: Electricity at full load per rated kW, shape (M, N).
        pv_kw_per_kwp: Shape (F, N).
        tank_kwh_per_l: Usable energy of the tank between its lowest and highest temperature.
        tank_loss_kw: Standing loss at the lowest temperature that does not depend on the volume.
        tank_loss_kw_per_l: Standing loss at the lowest temperature per litre.
        tank_decay_per_h: Share of the stored energy that is lost in an hour.
        battery_kw_per_kwh: Largest power per capacity.
    """

    plant: Plant
    reference: dict[str, float]
    low: Floats
    high: Floats
    electric_low: Floats
    electric_high: Floats
    pv_kw_per_kwp: Floats
    tank_kwh_per_l: float = 0.0
    tank_loss_kw: float = 0.0
    tank_loss_kw_per_l: float = 0.0
    tank_decay_per_h: float = 0.0
    battery_kw_per_kwh: float = 0.5

    @property
    def names(self) -> list[str]:
        """Names of the sizes."""
        plant = self.plant
        out = [HEAT_PUMP, BACKUP] if plant.heat_pump is not None else []
        out += [TANK] if plant.tank is not None else []
        out += [BATTERY] if plant.battery is not None else []
        return out + [pv_name(k) for k in range(len(self.pv_kw_per_kwp))]


def scaled(
    plant: Plant,
    reference: dict[str, float],
    pv_kw_per_kwp: Floats,
    other_tank: tuple[float, float] | None = None,
    battery_kw_per_kwh: float = 0.5,
) -> ScaledPlant:
    """Return a plant per unit of size.

    Args:
        plant: The plant, compiled at the reference sizes.
        reference: Name of a size -> the size.
        pv_kw_per_kwp: Power per peak power of each field, shape (F, N).
        other_tank: Another volume [l] and its loss [kW/K]: the loss is linear between it and the reference.
        battery_kw_per_kwh: Largest power per capacity.
    """
    n = plant.seen.grid.n
    pump, tank = plant.heat_pump, plant.tank
    empty = np.zeros((0, n))
    low = high = electric_low = electric_high = empty
    if pump is not None:
        size = reference[HEAT_PUMP]
        low, high = pump.heat_min_kw / size, pump.heat_max_kw / size
        electric_low = pump.electric_on_kw / size + pump.electric_per_heat * low
        electric_high = pump.electric_on_kw / size + pump.electric_per_heat * high
    out = ScaledPlant(plant, reference, low, high, electric_low, electric_high, pv_kw_per_kwp)
    numbers: dict[str, float] = {"battery_kw_per_kwh": battery_kw_per_kwh}
    if tank is not None:
        volume, excess = reference[TANK], tank.low_c - tank.surroundings_c
        per_l = 0.0
        if other_tank is not None and other_tank[0] != volume:
            per_l = (tank.loss_kw_per_k - other_tank[1]) / (volume - other_tank[0])
        numbers |= {
            "tank_kwh_per_l": WATER_KWH_PER_L_K * (tank.high_c - tank.low_c),
            "tank_loss_kw": (tank.loss_kw_per_k - per_l * volume) * excess,
            "tank_loss_kw_per_l": per_l * excess,
            "tank_decay_per_h": tank.loss_kw_per_k / tank.capacity_kwh_per_k,
        }
    return ScaledPlant(**{**out.__dict__, **numbers})
