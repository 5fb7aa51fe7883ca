"""The files of a new study: a small town that runs in seconds, to be changed into one's own."""

from __future__ import annotations

_PLANTS = """\
# One device a row: name, type, and the fields of that type; an empty cell takes the field's default.
name,type,node,area,fuel,fuel_max_mw,power_efficiency_share,total_efficiency_share,ramp_share_per_h,cv_mw_per_mw,min_load_share
CHP1,back_pressure,grid,town,wood_chips,60,0.25,0.95,0.3,,0.40
CHP2,extraction,grid,town,natural_gas,80,0.40,0.90,0.5,0.12,0.30
"""

_STUDY = """\
kind = "district"
title = "A small town"
description = "Two CHP plants, a peak boiler, a store and a heat pump. Replace the synthetic series by your own."
devices_table = "plants.csv"

[time]
start = 2023-01-01
end = 2023-02-01
timezone = "Europe/Copenhagen"     # of start, end and the axes of the report
step_min = 60

[solve]
mode = "milp"          # "lp" relaxes the on/off decisions
quality = "fast"       # or "precise"; both report the proven gap
keep_h = 168
overlap_h = 48

# Your own series instead: { file = "heat.csv", column = "demand_mw", timezone = "Europe/Copenhagen" }
[synthetic]
year = 2023
seed = 1
gross_consumption_twh = 0.5
gross_max_mw = 90
wind_twh = 0.05
wind_capacity_mw = 20
decentral_twh = 0.0
spot_mean_eur_per_mwh = 60
heat_areas = [ { name = "town", annual_twh = 0.3 } ]

[fuels]
wood_chips = { price_eur_per_gj = 6.5 }
natural_gas = { price_eur_per_gj = 9.0, co2_t_per_mwh = 0.204 }

[carbon]
price_eur_per_t = 60

[electricity.grid]
demand_mw = { synthetic = "gross_mw" }

[heat.town]
demand_mw = { synthetic = "heat_town_mw" }
shortfall_eur_per_mwh = 1000       # leave it out to insist that all demand is met

[devices.market]
type = "electricity_market"
node = "grid"
price_eur_per_mwh = { synthetic = "spot_eur_per_mwh" }
import_max_mw = 120
export_max_mw = 120

[devices.wind]
type = "must_take"
node = "grid"
available_mw = { synthetic = "wind_mw" }

[devices.peak_boiler]
type = "boiler"
area = "town"
fuel = "natural_gas"
heat_max_mw = 80
efficiency_share = 0.95

[devices.store]
type = "heat_store"
area = "town"
capacity_mwh = 200
charge_max_mw = 30
discharge_max_mw = 30
loss_share_per_h = 0.0005

[devices.heat_pump]
type = "heat_pump"
node = "grid"
area = "town"
heat_max_mw = 20       # or a decision: { min = 0, max = 60, eur_per_mw = 700000, life_years = 25 }
cop = 3.2

[reference]
without = ["heat_pump"]
"""

_CAPACITY = """\
kind = "district-capacity"
title = "How large a heat pump?"
base = "study.toml"    # the district study that is varied
mode = "lp"
combine = "each"

[capacities_mw]
heat_pump = [5, 10, 20, 30, 40, 60]

[invest]               # with costs, the capacity is also a decision of the optimiser
eur_per_mw = 700_000
fixed_om_eur_per_mw_year = 2_000
life_years = 25
interest_share = 0.04
"""

_PARAMETERS = """\
kind = "district-parameters"
title = "What does the saving depend on?"
base = "study.toml"    # the district study that is varied
mode = "lp"
without = ["heat_pump"]

[parameters.COP]
field = "cop"
devices = ["heat_pump"]
factors = [0.8, 0.9, 1.1, 1.2]

[parameters.gas_price]
field = "price_eur_per_mwh"
fuels = ["natural_gas"]
factors = [0.5, 0.75, 1.25, 1.5]

[parameters.store]
field = "capacity_mwh"
types = ["heat_store"]
factors = [0.5, 2.0]
"""


def district_files() -> dict[str, str]:
    """Return the files of a new district study."""
    return {"study.toml": _STUDY, "plants.csv": _PLANTS}


def capacity_files() -> dict[str, str]:
    """Return the files of a new capacity study, with the study that it varies."""
    return district_files() | {"capacity.toml": _CAPACITY}


def parameters_files() -> dict[str, str]:
    """Return the files of a new parameter study, with the study that it varies."""
    return district_files() | {"parameters.toml": _PARAMETERS}
