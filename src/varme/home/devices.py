"""What devices need before they are numbers: models by name, a house from its yearly demand; and what is wrong there.

Everything that was found out, and not stated in the study, is told in a finding.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from varme.components import electric_vehicle as vehicle_of
from varme.components import hot_water_tank as tank_of
from varme.components.electric_vehicle import ElectricVehicle
from varme.components.home import Slots, Surroundings
from varme.components.house import House, comfort_band, network_of, solar_kw
from varme.data.catalogue.electric_vehicles import ATTRIBUTION, VehicleCatalogue, read_vehicles
from varme.ground.context import Context
from varme.ground.errors import Collector, DataError, InputError
from varme.ground.findings import Finding
from varme.ground.size import Decision
from varme.home.plant import Plant
from varme.home.spec import HomeFields
from varme.kernel.model import Floats
from varme.physics.building import heat_loss_for

#: Days from which on weather counts as a year.
YEAR_DAYS = 360.0
#: Global irradiance with the sun below the horizon that is worth telling [W/m2].
NIGHT_W_PER_M2 = 20.0


def with_models(
    study: HomeFields, context: Context, problems: Collector, memory: dict[str, Any]
) -> tuple[HomeFields, list[Finding]]:
    """Return the study with its vehicles' models looked up in their catalogues.

    Args:
        study: The study.
        context: Where its files are.
        problems: Takes P156 and P245.
        memory: Catalogues that were read before.
    """
    vehicles: list[ElectricVehicle] = []
    findings: list[Finding] = []
    for number, vehicle in enumerate(study.vehicles):
        where = f"vehicles[{number}]"
        if vehicle.model is None:
            vehicles.append(vehicle)
            continue
        if vehicle.catalogue is None:
            problems.add("P103", f"{where}.catalogue", "must be given with a model", value=vehicle.model)
            continue
        path = context.base / vehicle.catalogue
        try:
            key = f"vehicles={path}"
            if key not in memory:
                memory[key] = read_vehicles(path, f"{where}.catalogue")
            catalogue: VehicleCatalogue = memory[key]
            found = catalogue.find(vehicle.model, f"{where}.model")
        except (DataError, InputError) as error:
            problems.problems += error.problems
            continue
        vehicles.append(vehicle.with_model(found))
        text = (
            f"{vehicle.name} is a {found.full_title}: {vehicles[-1].capacity_kwh:g} kWh, "
            f"{vehicles[-1].charge_max_kw:g} kW on {vehicles[-1].phases_count} phases. Source: {ATTRIBUTION}."
        )
        findings.append(Finding("vehicle_from_catalogue", "note", where, text, {"model": found.full_title}))
    if len(vehicles) < len(study.vehicles):
        return study, findings
    return study.model_copy(update={"vehicles": vehicles}), findings


def with_heat_loss(
    house: House, seen: Surroundings, bands: tuple[Floats, Floats, Floats], problems: Collector
) -> tuple[House, list[Finding]]:
    """Return the house with the heat loss that its yearly heat demand gives, and how its figures came about.

    Args:
        house: The house.
        seen: Its surroundings.
        bands: Internal gains [kW], lower and upper end of comfort [C], each of shape (N,).
        problems: Takes P154.
    """
    if house.heat_demand_kwh_th is None:
        return house, _answers(house)
    days = seen.grid.n * seen.grid.step_h / 24
    if house.degree_days_k_days is not None:
        loss = house.heat_demand_kwh_th / (24 * house.degree_days_k_days)
        how = f"{house.degree_days_k_days:g} K d"
    elif days < YEAR_DAYS:
        problems.add(
            "P154", "house.heat_demand_kwh_th", "the weather of the study covers no year", value=f"{days:.3g} days",
            limit=f"at least {YEAR_DAYS:g} days",
            remedy="Give degree_days_k_days of the year that the demand belongs to, or heat_loss_w_per_k.",
        )  # fmt: skip
        return house, []
    else:
        slots = Slots.even(0, seen.grid.n, seen.grid.step_h)
        whole = max(1, round(1 / seen.grid.step_h))
        if whole > 1 and seen.grid.n % whole == 0:
            counts = np.full(seen.grid.n // whole, whole, dtype=np.int32)
            slots = Slots(0, counts, seen.grid.step_h)
        low, high = comfort_band(house, seen, bands[1], bands[2])
        series = [
            slots.mean(np.asarray(v)) for v in (bands[0] + solar_kw(house, seen), seen.outdoor_c, low, high)
        ]
        try:
            loss = heat_loss_for(
                house.heat_demand_kwh_th * days / 365.2425, lambda x: network_of(house, x), series[0], series[1],
                series[2], series[3], float(slots.step_h[0]),
            )  # fmt: skip
        except ValueError as error:
            problems.add(
                "P154", "house.heat_demand_kwh_th", "no heat loss gives this demand in the weather of the study",
                value=f"{house.heat_demand_kwh_th:g} kWh a year", limit=str(error),
                remedy="Check the demand: it is useful heat of a year, without hot water.",
            )  # fmt: skip
            return house, []
        how = "the weather of the study"
    found = house.model_copy(update={"heat_loss_w_per_k": 1e3 * loss})
    text = (
        f"A heat demand of {house.heat_demand_kwh_th:.0f} kWh a year and {how} give a heat loss of "
        f"{1e3 * loss:.0f} W/K, {found.heat_load_kw():.1f} kW at {house.design_outdoor_c:g} C."
    )
    evidence = {"heat_loss_w_per_k": round(1e3 * loss, 2), "heat_load_kw": round(found.heat_load_kw(), 3)}
    return found, [Finding("heat_loss_from_demand", "note", "house.heat_demand_kwh_th", text, evidence)]


def _answers(house: House) -> list[Finding]:
    """Tell what floor area and year of construction were taken to mean."""
    if house.floor_area_m2 is None:
        return []
    text = (
        f"A {house.weight} house of {house.floor_area_m2:g} m2"
        + (f", built {house.built_year}" if house.built_year is not None else "")
        + f", is taken to lose {house.heat_loss_w_per_k:.0f} W/K ({house.heat_load_kw():.1f} kW at "
        f"{house.design_outdoor_c:g} C), to hold {house.capacity_kwh_per_k:.1f} kWh/K and to have effective windows of "
        f"{house.solar_aperture_m2:.1f} m2. These are assumptions by type; a meter's year is better."
    )
    evidence = {
        "heat_loss_w_per_k": round(house.heat_loss_w_per_k, 2),
        "capacity_kwh_per_k": round(house.capacity_kwh_per_k, 3),
        "solar_aperture_m2": round(house.solar_aperture_m2, 3),
    }  # fmt: skip
    return [Finding("house_from_answers", "note", "house", text, evidence)]


def check_devices(study: HomeFields, plant: Plant, problems: Collector) -> list[Finding]:
    """Look for what is wrong with stores, emitters, trips and the sun.

    Args:
        study: The study.
        plant: The home as numbers.
        problems: Takes P108, P150, P151, P153, P155 and P158.
    """
    if study.buffer is not None and study.house is None:
        problems.add("P108", "buffer", "a buffer tank of the heating circuit needs a house")
    for number, vehicle in enumerate(study.vehicles):
        problems.problems += vehicle_of.check_trips(vehicle, plant.seen, f"vehicles[{number}]")
    if study.house is not None and study.house.emitter_max_kw < study.house.design_heat_kw * (1 - 1e-9):
        problems.add(
            "P158", "house.flow_max_c",
            f"the emitters give {study.house.emitter_max_kw:.1f} kW at {study.house.highest_flow_c:g} C, the house "
            f"needs {study.house.design_heat_kw:.1f} kW at {study.house.design_outdoor_c:g} C",
            value=study.house.highest_flow_c,
        )  # fmt: skip
    return [*_tank(study, plant, problems), *_sun(study, plant)]


def _sized(study: HomeFields) -> bool:
    """Return whether the study is about sizes, or leaves that of the heat pump open."""
    pump = study.heat_pump
    return getattr(study, "kind", "") == "home-sizing" or (
        pump is not None and isinstance(pump.rated_kw, Decision)
    )


def _tank(study: HomeFields, plant: Plant, problems: Collector) -> list[Finding]:
    tank, pump = plant.tank, plant.heat_pump
    if tank is None:
        return []
    lows = np.zeros(1)
    if pump is not None and "water" in pump.modes:
        lows = pump.heat_min_kw[pump.modes.index("water")]
    step_h = plant.seen.grid.step_h
    wrong = tank_of.check_step(tank, float(lows.min()), step_h)
    if _sized(study):
        # The heat pump stands at its largest: what is built may be smaller.
        coarse_only, wrong = wrong, [p for p in wrong if p.code != "P150"]
    else:
        coarse_only = []
    problems.problems += wrong
    other = getattr(plant, "second_heater", None) is not None
    alone = pump is not None and not other and pump.backup_kw <= 0
    if tank.duty is not None and pump is not None and alone and pump.water_max_c < tank.duty.temperature_c:
        problems.add(
            "P153", "hot_water.legionella.temperature_c",
            f"the compressor heats a tank to {pump.water_max_c:.0f} C at most, and there is no other heater",
            value=f"{tank.duty.temperature_c:g} C", limit=f"<= {pump.water_max_c:.0f} C",
        )  # fmt: skip
    coarse = coarse_only or ([] if wrong else tank_of.check_step(tank, float(lows.max()), step_h))
    return [
        Finding("tank_small_for_step", "warning", "hot_water", f"At times {p.what}. {p.remedy}", {})
        for p in coarse
    ]


def _sun(study: HomeFields, plant: Plant) -> list[Finding]:
    """Tell that the place is assumed, and irradiance at night: a clock that is off, or another place."""
    light = plant.seen.light
    if light is None or not light.ghi.any():
        return []
    out = []
    if "place" not in study.model_fields_set and (study.photovoltaics or study.house is not None):
        text = (
            f"The place is not stated: the sun stands as in Copenhagen ({study.place.latitude_deg:g} N, "
            f"{study.place.longitude_deg:g} E)."
        )
        out.append(Finding("place_assumed", "note", "place", text, {}))
    night = (light.sun.day_share == 0) & (light.ghi > NIGHT_W_PER_M2)
    if night.any():
        first = int(np.flatnonzero(night)[0])
        text = (
            f"In {int(night.sum())} steps there is irradiance while the sun is below the horizon, first at "
            f"{plant.seen.grid.label(first, plant.seen.timezone)} ({light.ghi[first]:.0f} W/m2): the clock or the "
            "label of the weather's stamps is off, or it belongs to another place."
        )
        out.append(
            Finding("irradiance_at_night", "warning", "weather.ghi_w_per_m2", text, {"steps_count": int(night.sum())})
        )  # fmt: skip
    return out
