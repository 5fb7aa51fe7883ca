"""Key figures of a controller over a span: cost, heat, comfort, self-consumption, wear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from varme.home.plant import Plant, State
from varme.home.replay.loop import Run
from varme.kernel.model import Floats
from varme.markets.bill import peaks_cent

#: Below the comfort band by more than this [K], an hour counts as missed.
MISSED_K = 0.1


@dataclass(frozen=True)
class Kpis:
    """Key figures; names end in their unit.

    Attributes:
        cost_eur: Electricity, fuel, wear and starts, less what is left more in the stores than at the start.
        electricity_eur: Electricity bought less sold, peak charges included.
        wishes_eur: Comfort, hot water and departures missed, at the study's prices; not money.
        stored_eur: What the stores hold more at the end than at the start.
        co2_kg: Emissions of the electricity bought, and of fuel.
        import_kwh: Electricity bought.
        export_kwh: Electricity sold.
        heat_pump_kwh: Electricity of the heat pump with standby, without backup heater.
        backup_kwh: Electricity of the backup heater.
        room_heat_kwh: Heat for the room, backup included.
        water_heat_kwh: Heat for hot water, backup included.
        spf: Heat over electricity of heat pump and backup heater.
        self_consumption_share: PV that is not sold or cut, over PV.
        self_sufficiency_share: Demand that is not bought, over demand.
        peak_kw: Highest import in a step.
        starts_count: Starts of the compressor.
        room_mean_c: Mean room temperature.
        cold_h: Hours below the comfort band.
        cold_k_h: Degree-hours below it.
        warm_k_h: Degree-hours above it.
        water_missed_h: Hours in which the tank was colder than expected.
        water_missed_k_h: Degree-hours of it.
        vehicle_short_kwh: Missing at departures.
        battery_cycles_count: Energy discharged over capacity.
    """

    cost_eur: float
    electricity_eur: float
    wishes_eur: float
    stored_eur: float
    co2_kg: float
    import_kwh: float
    export_kwh: float
    heat_pump_kwh: float
    backup_kwh: float
    room_heat_kwh: float
    water_heat_kwh: float
    spf: float
    self_consumption_share: float
    self_sufficiency_share: float
    peak_kw: float
    starts_count: float
    room_mean_c: float
    cold_h: float
    cold_k_h: float
    warm_k_h: float
    water_missed_h: float
    water_missed_k_h: float
    vehicle_short_kwh: float
    battery_cycles_count: float


@dataclass(frozen=True)
class Stored:
    """What stores are worth: cents per kelvin of house and tank, per kWh of battery and vehicles."""

    room_cent_per_k: Floats
    tank_cent_per_k: float
    electric_cent_per_kwh: float

    @classmethod
    def of(cls, plant: Plant) -> Stored:
        """Return the worth of stored heat and electricity: what it costs to make it anew at mean prices."""
        price = max(float(np.mean(plant.grid.import_cent_per_kwh)), 0.0)
        heat, pump = price, plant.heat_pump
        if pump is not None:
            full = pump.electric_on_kw / np.maximum(pump.heat_max_kw, 1e-9) + pump.electric_per_heat
            heat = price * float(np.median(full))
        second = plant.second_heater
        if second is not None and np.any(second.heat_max_kw > 0):
            own = (
                float(np.mean(second.heat_cent_per_kwh[second.heat_max_kw > 0]))
                + price * second.electric_per_heat
            )
            heat = own if pump is None else min(heat, own)
        room = np.zeros(0) if plant.house is None else heat * plant.house.network.capacity_kwh_per_k
        tank = 0.0 if plant.tank is None else heat * plant.tank.capacity_kwh_per_k
        return cls(room, tank, price)

    def value_cent(self, state: State) -> float:
        """Return what a state is worth."""
        out = self.electric_cent_per_kwh * (state.battery_kwh + sum(state.vehicle_kwh))
        out += self.tank_cent_per_k * float(np.mean(state.tank_c)) if len(state.tank_c) else 0.0
        return out + float(self.room_cent_per_k @ state.house_c) if len(state.house_c) else out

    def series_cent(self, flows: dict[str, Floats]) -> Floats:
        """Return what room, tank, battery and vehicles are worth at the end of each step; the mass as the room."""
        out = self.electric_cent_per_kwh * (flows["battery_kwh"] + flows["vehicle_kwh"])
        out = out + self.tank_cent_per_k * flows["tank_c"]
        return np.asarray(out + self.room_cent_per_k.sum() * flows["room_c"])


def step_cost_cent(plant: Plant, flows: dict[str, Floats]) -> Floats:
    """Return what each step costs: electricity, fuel, wear and starts, without peak charges; shape (N,) [cent]."""
    grid, h = plant.grid, plant.seen.grid.step_h
    cost = (grid.import_cent_per_kwh * flows["import_kw"] - grid.export_cent_per_kwh * flows["export_kw"]) * h
    if plant.battery is not None:
        cost = cost + plant.battery.wear_cent_per_kwh * flows["discharge_kw"] * h
    if plant.vehicles:
        wear = float(np.mean([v.wear_cent_per_kwh for v in plant.vehicles]))
        cost = cost + wear * flows["vehicle_discharge_kw"] * h
    if plant.heat_pump is not None:
        cost = cost + plant.heat_pump.start_cent * flows["start"]
    return np.asarray(cost + fuel_cent(plant, flows))


def peak_cent(plant: Plant, import_kw: Floats) -> float:
    """Return what the highest imports of months or years cost above what is paid anyhow [cent]."""
    return peaks_cent(plant.grid.peaks, import_kw, plant.seen.grid.step_h)


def fuel_cent(plant: Plant, flows: dict[str, Floats]) -> Floats:
    """Return what the second heater's fuel or heat costs in each step, shape (N,) [cent]."""
    second = plant.second_heater
    if second is None:
        return np.zeros(plant.seen.grid.n)
    heat = flows["second_room_kw"] + flows["second_water_kw"]
    return np.asarray(second.heat_cent_per_kwh * heat * plant.seen.grid.step_h)


def missed(plant: Plant, flows: dict[str, Floats]) -> dict[str, Floats]:
    """Return by how much comfort was missed in each step [K], shape (N,): ``cold``, ``warm``, ``water``."""
    zero = np.zeros(plant.seen.grid.n)
    out = {"cold": zero, "warm": zero, "water": zero}
    if plant.house is not None:
        out["cold"] = np.maximum(plant.house.low_c - flows["room_c"], 0.0)
        out["warm"] = np.maximum(flows["room_c"] - plant.house.high_c, 0.0)
    if plant.tank is not None:
        out["water"] = np.maximum(plant.tank.low_c - flows["tank_c"], 0.0)
    return out


def kpis(plant: Plant, run: Run, start: State, stored: Stored) -> Kpis:
    """Return the key figures of a controller.

    Args:
        plant: The home as it is.
        run: What happened.
        start: State at the start.
        stored: What stores are worth.
    """
    flows, h, grid = run.flows, plant.seen.grid.step_h, plant.grid
    wished = missed(plant, flows)

    def energy(*names: str) -> float:
        return float(sum(flows[name].sum() for name in names) * h)

    peaks = peak_cent(plant, flows["import_kw"])
    cost = float(step_cost_cent(plant, flows).sum()) + peaks
    left = stored.value_cent(run.end) - stored.value_cent(start)
    electric = energy("heat_pump_kw", "backup_kw")
    room, water = energy("room_heat_kw", "backup_room_kw"), energy("water_heat_kw", "backup_water_kw")
    pv, sold = float(grid.pv_kw.sum() * h), energy("export_kw", "cut_kw")
    demand = float(grid.load_kw.sum() * h) + electric + energy("vehicle_charge_kw", "loads_kw")
    wishes = {"cold": 0.0, "warm": 0.0, "water": 0.0}
    if plant.house is not None:
        wishes |= dict.fromkeys(("cold", "warm"), plant.house.discomfort_cent_per_k_h)
    if plant.tank is not None:
        wishes["water"] = plant.tank.missed_cent_per_k_h
    second = plant.second_heater
    heated = energy("second_room_kw", "second_water_kw")
    burnt = 0.0 if second is None else heated * second.co2_g_per_kwh / 1e3
    demand += 0.0 if second is None else heated * second.electric_per_heat
    short = float(flows["short_kwh"].sum())
    price = float(np.mean([v.short_cent_per_kwh for v in plant.vehicles])) if plant.vehicles else 0.0
    battery = 0.0 if plant.battery is None else energy("discharge_kw") / max(plant.battery.capacity_kwh, 1e-9)
    sold_cent = float(
        (grid.import_cent_per_kwh @ flows["import_kw"] - grid.export_cent_per_kwh @ flows["export_kw"]) * h
    )
    return Kpis(
        cost_eur=(cost - left) / 100,
        electricity_eur=(sold_cent + peaks) / 100,
        wishes_eur=(sum(p * float(wished[k].sum()) * h for k, p in wishes.items()) + price * short) / 100,
        stored_eur=left / 100,
        co2_kg=float(grid.co2_g_per_kwh @ flows["import_kw"]) * h / 1e3 + burnt,
        import_kwh=energy("import_kw"),
        export_kwh=energy("export_kw"),
        heat_pump_kwh=energy("heat_pump_kw"),
        backup_kwh=energy("backup_kw"),
        room_heat_kwh=room,
        water_heat_kwh=water,
        spf=(room + water) / electric if electric > 0 else float("nan"),
        self_consumption_share=1 - sold / pv if pv > 0 else float("nan"),
        self_sufficiency_share=1 - energy("import_kw") / demand if demand > 0 else float("nan"),
        peak_kw=float(flows["import_kw"].max()),
        starts_count=float(flows["start"].sum()),
        room_mean_c=float(flows["room_c"].mean()) if plant.house is not None else float("nan"),
        cold_h=float(np.count_nonzero(wished["cold"] > MISSED_K)) * h,
        cold_k_h=float(wished["cold"].sum()) * h,
        warm_k_h=float(wished["warm"].sum()) * h,
        water_missed_h=float(np.count_nonzero(wished["water"] > MISSED_K)) * h,
        water_missed_k_h=float(wished["water"].sum()) * h,
        vehicle_short_kwh=short,
        battery_cycles_count=battery,
    )
