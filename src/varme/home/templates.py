"""The files of new studies of homes."""

from __future__ import annotations

_HOME = """\
kind = "home"
title = "A winter's day of a home with a heat pump"
description = "What heat pump, tank, battery and car should do in each quarter-hour, why, and what it saves."

[time]
start = 2025-01-14
end = 2025-01-15
step_min = 15                # 5 to 60
timezone = "Europe/Copenhagen"

# A seeded synthetic year; replace { synthetic = "..." } by your own series: { file = "load.csv", column = "load_kw" }.
[synthetic]
year = 2025
seed = 1

[place]
latitude_deg = 55.68
longitude_deg = 12.57

[weather]
outdoor_c = { synthetic = "outdoor_c" }
ghi_w_per_m2 = { synthetic = "ghi_w_per_m2" }

# Area and year are enough; heat_loss_w_per_k, capacity_kwh_per_k... or heat_demand_kwh_th say it better.
[house]
floor_area_m2 = 150
built_year = 1985
emitter = "radiator"
temperature_min_c = 20.0
temperature_max_c = 23.0

# Points of the data sheet: two give the COP within about 6 %.
[heat_pump]
rated_kw = 9                 # at -7 C outside and 35 C flow
points = [
    { source_c = -7, flow_c = 35, point_cop = 2.9 },
    { source_c = 7, flow_c = 35, point_cop = 4.8 },
]
run_min = 30
pause_min = 15

[hot_water]
volume_l = 200
temperature_min_c = 45
temperature_max_c = 55
draw_kw = { synthetic = "draw_kw" }
legionella = { temperature_c = 60, hold_min = 30, interval_days = 7 }

[battery]
capacity_kwh = 8
power_kw = 4

[[vehicles]]
name = "car"
capacity_kwh = 60
charge_max_kw = 11
departure_min_share = 0.8

[[photovoltaics]]
peak_kwp = 6
tilt_deg = 35
azimuth_deg = 180

[household]
load_kw = { synthetic = "load_kw" }

[grid]
import_max_kw = 17           # 3 x 25 A

[tariff]
preset = "dk-2025-heated"    # or de-..., be-..., gb-...; every figure can be stated
energy_eur_per_kwh = { synthetic = "spot_eur_per_kwh" }
co2_g_per_kwh = { synthetic = "co2_g_per_kwh" }

# `fast`: tens of milliseconds; `thorough`: bound and plan improved for a second or a few; `exact`.
[plan]
quality = "thorough"

# How things stand at the start.
[state]
room_c = 20.5
tank_c = 48
battery_share = 0.3
vehicle_share = 0.45
legionella_days = 6.5
"""


def home_files() -> dict[str, str]:
    """Return the files of a new study of the kind ``home``."""
    return {"study.toml": _HOME}
