"""The files of new studies of homes."""

from __future__ import annotations

_HOME = """\
kind = "home"
title = "A day of a home with a heat pump"

[time]
start = 2025-01-14
end = 2025-01-15
step_min = 15
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
rated_kw = 6

[hot_water]
volume_l = 200
draw_kw = { synthetic = "draw_kw" }

[battery]
capacity_kwh = 8

[[vehicles]]
name = "car"

[[photovoltaics]]
peak_kwp = 6

[household]
load_kw = { synthetic = "load_kw" }

[tariff]
energy_eur_per_kwh = { synthetic = "spot_eur_per_kwh" }
tax_eur_per_kwh = 0.10
"""


def home_files() -> dict[str, str]:
    """Return the files of a new study of the kind ``home``."""
    return {"study.toml": _HOME}
