"""The files of a new fleet study."""

from __future__ import annotations

_FLEET = """\
kind = "fleet"
title = "A hundred homes behind a feeder"

[time]
start = 2025-01-14
end = 2025-01-15
step_min = 15
timezone = "Europe/Copenhagen"

# The typical home: what all homes share, and about which they differ.
[synthetic]
year = 2025
seed = 1

[weather]
outdoor_c = { synthetic = "outdoor_c" }
ghi_w_per_m2 = { synthetic = "ghi_w_per_m2" }

[house]
[heat_pump]
[hot_water]
draw_kw = { synthetic = "draw_kw" }

[battery]
[[vehicles]]
[[photovoltaics]]

[household]
load_kw = { synthetic = "load_kw" }

[tariff]
energy_eur_per_kwh = { synthetic = "spot_eur_per_kwh" }
tax_eur_per_kwh = 0.10

# How homes differ: `varme schema fleet` lists every spread. Or [homes] file = "homes.csv": one row per home.
[population]
homes_count = 100
seed = 1

[feeder]
import_max_kw = 400

[flexibility]
durations_min = [15, 60, 120, 240]
"""


def fleet_files() -> dict[str, str]:
    """Return the files of a new study of the kind ``fleet``."""
    return {"study.toml": _FLEET}
