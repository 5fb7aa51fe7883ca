"""What flows in a plan: power and heat by device, read off the plan once for tables, reasons and key figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from varme.home.schedule.plan import Plan
from varme.kernel.model import Floats


@dataclass(frozen=True, eq=False)
class Flows:
    """Mean power over each slot [kW], shape (n,) each.

    Attributes:
        load_kw: The household's load.
        pv_kw: PV that is used or sold.
        cut_kw: PV that is cut.
        import_kw: Electricity bought.
        export_kw: Electricity sold.
        heat_pump_kw: Electricity of the compressor and its auxiliaries, with standby, without backup.
        room_kw: Part of it for the room.
        water_kw: Part of it for hot water.
        cool_kw: Part of it for cooling.
        backup_room_kw: Electricity of the backup heater for the room.
        backup_water_kw: Electricity of the backup heater for hot water.
        room_heat_kw: Heat of the heat pump for the room (into the buffer, if there is one).
        water_heat_kw: Heat of the heat pump into the tank.
        cool_heat_kw: Heat that cooling takes out of the room.
        second_room_kw: Heat of the second heater for the room.
        second_water_kw: Heat of the second heater into the tank.
        charge_kw: Charge of the battery.
        discharge_kw: Discharge of the battery.
        vehicle_charge_kw: Charge of all vehicles.
        vehicle_discharge_kw: Discharge of all vehicles.
        deferrable_kw: Deferrable loads.
    """

    load_kw: Floats
    pv_kw: Floats
    cut_kw: Floats
    import_kw: Floats
    export_kw: Floats
    heat_pump_kw: Floats
    room_kw: Floats
    water_kw: Floats
    cool_kw: Floats
    backup_room_kw: Floats
    backup_water_kw: Floats
    room_heat_kw: Floats
    water_heat_kw: Floats
    cool_heat_kw: Floats
    second_room_kw: Floats
    second_water_kw: Floats
    charge_kw: Floats
    discharge_kw: Floats
    vehicle_charge_kw: Floats
    vehicle_discharge_kw: Floats
    deferrable_kw: Floats

    @property
    def backup_kw(self) -> Floats:
        """Electricity of the backup heater."""
        return self.backup_room_kw + self.backup_water_kw

    @property
    def demand_kw(self) -> Floats:
        """What the home uses, without battery."""
        return self.load_kw + self.heat_pump_kw + self.backup_kw + self.vehicle_charge_kw + self.deferrable_kw


def flows_of(plan: Plan) -> Flows:
    """Return what flows in a plan."""
    plant, n = plan.problem.plant, plan.slots.n
    zero = np.zeros(n)
    pump = plant.heat_pump
    electric = {"room": zero, "water": zero, "cool": zero}
    for m, mode in enumerate(pump.modes if pump is not None else ()):
        assert pump is not None
        on, heat = plan.value(f"heat_pump.{mode}_on"), plan.value(f"heat_pump.{mode}_heat")
        electric[mode] = pump.electric_on_kw[m] * on + pump.electric_per_heat[m] * heat
    standby = pump.standby_kw if pump is not None else 0.0
    vehicles = [f"vehicle.{v.name}" for v in plant.vehicles]
    cut = plan.value("grid.cut")
    return Flows(
        load_kw=plant.grid.load_kw,
        pv_kw=plant.grid.pv_kw - cut,
        cut_kw=cut,
        import_kw=plan.value("grid.import"),
        export_kw=plan.value("grid.export"),
        heat_pump_kw=sum(electric.values(), start=zero) + standby,
        room_kw=electric["room"],
        water_kw=electric["water"],
        cool_kw=electric["cool"],
        backup_room_kw=plan.value("backup.room"),
        backup_water_kw=plan.value("backup.water"),
        room_heat_kw=plan.value("heat_pump.room_heat"),
        water_heat_kw=plan.value("heat_pump.water_heat"),
        cool_heat_kw=plan.value("heat_pump.cool_heat"),
        second_room_kw=plan.value("second_heater.room"),
        second_water_kw=plan.value("second_heater.water"),
        charge_kw=plan.value("battery.charge"),
        discharge_kw=plan.value("battery.discharge"),
        vehicle_charge_kw=sum((plan.value(f"{v}.charge") for v in vehicles), start=zero),
        vehicle_discharge_kw=sum((plan.value(f"{v}.discharge") for v in vehicles), start=zero),
        deferrable_kw=sum((plan.value(f"load.{one.name}.power") for one in plant.loads), start=zero),
    )
