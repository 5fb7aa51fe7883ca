"""The files of a new replay."""

from __future__ import annotations

_REPLAY = """\
kind = "home-replay"
title = "Four weeks of a home in closed loop"
description = "What plans from plain forecasts save against a thermostat, a timer and a PV-surplus rule."

[time]
start = 2025-02-03
end = 2025-03-03
step_min = 15
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

[house]
heat_loss_w_per_k = 160
capacity_kwh_per_k = 10
emitter = "floor"
temperature_min_c = 20.0
temperature_max_c = 23.0

[heat_pump]
rated_kw = 7                 # at -7 C outside and 35 C flow
points = [
    { source_c = -7, flow_c = 35, point_cop = 2.9 },
    { source_c = 7, flow_c = 35, point_cop = 4.8 },
]
run_min = 30
pause_min = 15

[hot_water]
volume_l = 200
draw_kw = { synthetic = "draw_kw" }

[battery]
capacity_kwh = 8
power_kw = 4

[[photovoltaics]]
peak_kwp = 6

[household]
load_kw = { synthetic = "load_kw" }

[tariff]
preset = "dk-2025-heated"
energy_eur_per_kwh = { synthetic = "spot_eur_per_kwh" }
co2_g_per_kwh = { synthetic = "co2_g_per_kwh" }

# What the planner knows: yesterday's and last week's same hour, and prices up to what is published at 13:00.
[forecast]
method = "persistence"
published_h = 13

[replay]
replan_min = 120             # 60 is closer to what a controller does, and takes twice as long
horizon_h = 30
fine_h = 6                   # quarter-hours at first...
coarse_min = 60              # ...then hours
simulation_min = 15          # 1 or 5 for a finer home
baselines = ["thermostat", "timer", "pv_surplus"]
compare_with = "thermostat"
confidence_share = 0.90
"""


def replay_files() -> dict[str, str]:
    """Return the files of a new study of the kind ``home-replay``."""
    return {"study.toml": _REPLAY}
