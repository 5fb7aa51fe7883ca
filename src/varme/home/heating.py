"""Heating of a home: heat pump beside a second heater, dimming, and whether they carry the house."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from varme.components import dimming
from varme.components.heat_pump_checks import check_heat_pump
from varme.data.catalogue.heat_pumps import HeatPumpModel
from varme.ground.errors import Collector
from varme.ground.findings import Finding
from varme.home.plant import Plant
from varme.home.spec import HomeFields

#: Charging power above which a vehicle or a battery is a controllable load of its own [kW].
CONTROLLABLE_KW = 4.2


def with_rules(study: HomeFields, plant: Plant) -> Plant:
    """Return the home with the rules between its devices: who heats below the bivalence point, and dimming."""
    pump = plant.heat_pump
    if pump is not None and plant.second_heater is not None:
        allowed = np.minimum(pump.available, plant.second_heater.pump_available)
        pump = replace(pump, available=allowed)
        plant = replace(plant, heat_pump=pump)
    if study.dimming is None:
        return plant
    power = 0.0
    if pump is not None:
        full = pump.electric_on_kw + pump.electric_per_heat * pump.heat_max_kw
        power = float(full.max()) + pump.standby_kw + pump.backup_kw
    others = sum(v.charge_max_kw > CONTROLLABLE_KW for v in plant.vehicles)
    others += plant.battery is not None and plant.battery.power_kw > CONTROLLABLE_KW
    limits = dimming.limits(study.dimming, plant.seen, plant.grid.load_kw, plant.grid.pv_kw, power, others)
    if pump is not None and np.isfinite(limits.heat_pump_kw).any():
        plant = replace(plant, heat_pump=replace(pump, electric_max_kw=limits.heat_pump_kw - pump.standby_kw))
    return replace(plant, grid=replace(plant.grid, import_limit_kw=limits.import_kw))


def check_heating(
    study: HomeFields, plant: Plant, model: HeatPumpModel | None, problems: Collector
) -> list[Finding]:
    """Check the heat pump against house, tank and second heater.

    Args:
        study: The study.
        plant: The home as numbers.
        model: The heat pump's model of a catalogue.
        problems: Takes what makes a plan meaningless.
    """
    if study.heat_pump is None or plant.heat_pump is None:
        return []
    second = plant.second_heater
    serves = second is not None and "room" in second.buses
    return check_heat_pump(
        study.heat_pump, plant.heat_pump, plant.seen, problems, house=study.house, room=plant.house,
        tank=study.hot_water, draw_kw=0.0 if plant.tank is None else plant.tank.draw_kw,
        second_kw=float(second.heat_max_kw.max()) if second is not None and serves else 0.0, model=model,
    )  # fmt: skip
