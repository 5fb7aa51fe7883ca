"""How columns and values are written in the legends of a home's charts: the same thing alike in every chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Columns and values of the tables of all kinds of home studies -> what stands in a legend.
WORDS: Final[Mapping[str, str]] = {
    # Flows of electricity.
    "load_kw": "Household", "heat_pump_kw": "Heat pump", "backup_kw": "Backup heater", "pv_kw": "PV",
    "import_kw": "Bought", "export_kw": "Sold", "battery_charge_kw": "Battery", "vehicle_charge_kw": "Car",
    "battery_discharge_kw": "From the battery", "vehicle_discharge_kw": "From the car",
    "deferrable_kw": "Deferrable loads", "vehicle_kw": "Car", "battery_kw": "Battery",
    "import_cent_per_kwh": "Price", "outdoor_c": "Outdoor",
    # Compressor.
    "room_on_share": "Room", "water_on_share": "Hot water", "cool_on_share": "Cooling", "room_share": "Room",
    "water_share": "Hot water",
    # Temperatures and levels.
    "room_c": "Room", "room_low_c": "Comfort, lower end", "room_high_c": "Comfort, upper end", "tank_c": "Tank",
    "tank_low_c": "Temperature expected", "tank_high_c": "Upper end", "battery_kwh": "Battery", "vehicle_kwh": "Car",
    # Devices, reasons and stores.
    "heat_pump": "Heat pump", "backup": "Backup heater", "second_heater": "Second heater", "battery": "Battery",
    "car": "Car", "must_heat": "Must heat", "pv_surplus": "PV surplus", "negative_price": "Negative price",
    "cheap_hour": "Cheap hour", "expensive_hour": "Expensive hour", "minimum_run": "Shortest run",
    "legionella": "Legionella duty", "blocked": "Blocked", "limit": "Limit of power", "capped": "Cap of import",
    "end_value": "Worth at the end", "own_use": "Own use", "warm_enough": "Warm enough",
    "minimum_pause": "Shortest pause", "before_departure": "Before departure", "away": "Away", "full": "Full",
    "electricity": "Electricity", "room (heat)": "Heat in the room", "tank (heat)": "Heat in the tank",
    # Who controls.
    "plan": "Plan", "perfect": "Perfect forecast", "thermostat": "Thermostat", "timer": "Timer",
    "scenarios": "Scenario plan", "thermostat_night_car": "Thermostat, car at night", "no_storage": "No storage",
    # Sizes and what they cost.
    "heat_pump_kwh": "Heat pump", "backup_kwh": "Backup heater", "load_kwh": "Household",
    "heat_pump_heat_kw": "Heat pump", "tank_l": "Tank", "pv_kwp": "PV",
    "discomfort": "Discomfort, priced", "hot water missed": "Hot water missed", "battery wear": "Battery wear",
    "electricity bought": "Bought", "electricity sold": "Sold", "short at the end": "Missing at the end",
    "optimum": "Best sizes",
}  # fmt: skip
#: Sizes -> what is sized, and its unit.
SIZE_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "heat_pump_kw": ("heat pump", "kW"), "tank_l": ("tank", "l"), "pv_kwp": ("PV", "kWp"),
    "battery_kwh": ("battery", "kWh"), "backup_kw": ("backup heater", "kW"),
}  # fmt: skip


def size_words(name: str) -> str:
    """Return what a size is of: ``heat_pump_kw`` as ``heat pump``."""
    return SIZE_WORDS[name][0] if name in SIZE_WORDS else name.rpartition("_")[0].replace("_", " ")


def size_label(name: str) -> str:
    """Return the text of an axis of sizes: ``heat_pump_kw`` as ``Heat pump [kW]``."""
    words = size_words(name)
    unit = SIZE_WORDS[name][1] if name in SIZE_WORDS else name.rpartition("_")[2]
    return f"{words[:1].upper()}{words[1:]} [{unit}]"
