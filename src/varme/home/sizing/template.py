"""The files of a new sizing study."""

from __future__ import annotations

_SIZING = """\
kind = "home-sizing"
title = "Which heat pump, tank, PV and battery?"
description = "A house of the 1990s in a synthetic Danish year. Investments are assumptions: put quotes in."

[time]
start = 2025-01-01
end = 2026-01-01
step_min = 60
timezone = "Europe/Copenhagen"

# A seeded synthetic year; replace { synthetic = "..." } by your own series: { file = "...", column = "..." }.
[synthetic]
year = 2025
seed = 1

[weather]
outdoor_c = { synthetic = "outdoor_c" }
ghi_w_per_m2 = { synthetic = "ghi_w_per_m2" }

[house]
heat_loss_w_per_k = 160
capacity_kwh_per_k = 10

[heat_pump]
backup_kw = 6

[hot_water]
draw_kw = { synthetic = "draw_kw" }

[battery]

[[photovoltaics]]
tilt_deg = 35
azimuth_deg = 180

[household]
load_kw = { synthetic = "load_kw" }

[tariff]
energy_eur_per_kwh = { synthetic = "spot_eur_per_kwh" }
co2_g_per_kwh = { synthetic = "co2_g_per_kwh" }
tax_eur_per_kwh = 0.10

# What is decided. A cost has a part that does not depend on the size (eur_fixed) and one that does.
[sizing]
gap_share = 0.001            # the search ends when the sizes are proven to be this near to the best
pareto_count = 0             # points of the front of cost against CO2

[sizing.heat_pump_kw]
min = 3
max = 14
eur_fixed = 8000
eur_per_kw = 550
fixed_om_eur_year = 250
life_years = 18
price_year = 2024
source = "assumption"
eur_range_share = 0.2

[sizing.tank_l]
min = 150
max = 500
eur_fixed = 1000
eur_per_l = 6
life_years = 25
price_year = 2024
source = "assumption"
eur_range_share = 0.2

[sizing.battery_kwh]
max = 15
eur_fixed = 1500
eur_per_kwh = 400
life_years = 15
price_year = 2024
source = "assumption"
eur_range_share = 0.3

[sizing.pv_kwp]
max = 12
eur_fixed = 2000
eur_per_kwp = 1000
fixed_om_share = 0.01
life_years = 30
price_year = 2024
source = "assumption"
eur_range_share = 0.15

# What the home is compared with.
[reference]
name = "gas boiler"
fuel_eur_per_kwh = 0.11
efficiency_share = 0.92
fixed_om_eur_year = 350
"""


def sizing_files() -> dict[str, str]:
    """Return the files of a new study of the kind ``home-sizing``."""
    return {"study.toml": _SIZING}
