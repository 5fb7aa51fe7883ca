"""The files of a new study: a synthetic town that runs in seconds, to be changed into one's own meters."""

from __future__ import annotations

_STUDY = """\
kind = "retrofit"
title = "A town and its heat pumps"
description = "A synthetic town, so that the study runs at once. Replace [town] by your own files, below."

# A seeded synthetic town: its meters have the faults of real ones, and the truth is known.
[town]
seed = 1
gas_meters_count = 400
heat_pumps_count = 60
transformers_count = 8

# Your own meters instead of [town]: CSV or Parquet, long or wide, readings or registers, 15 min to days.
# [period]
# years = [2021, 2022, 2023]
# timezone = "Europe/Berlin"
#
# [gas_meters]
# files = "meters/gas/*.csv"          # a file, a folder, a pattern, or a list of those
# unit = "m3"                         # m3, ft3, therm, kwh_hs (gross), kwh_hi (net)...; leave it out if the file tells
#
# [heat_pump_meters]
# files = "meters/heat_pumps.parquet" # hourly or finer; daily works too, with a standard profile
#
# [temperature_c]
# file = "weather.csv"
# column = "temperature_c"
# timezone = "UTC"
#
# [buildings]
# file = "buildings.csv"              # meter, volume_m3, transformer, rating_kva, furnace_year, household_kwh...

[gas]
calorific_kwh_hs_per_m3 = 11.3        # on the bills: gross, of a normal cubic metre
altitude_m = 225

[spf]
gamma_share = 0.105                   # how much less heat the homes with heat pumps need; the meters cannot tell
gamma_sd_share = 0.03                 # how sure you are of it

[adoption]
order = "random"                      # or "oldest_furnace", "by_transformer"
shares = [0.1, 0.2, 0.3, 0.5, 0.7, 1.0]

[privacy]
k_count = 5                           # no figures of fewer buildings
"""


def retrofit_files() -> dict[str, str]:
    """Return the files of a new study of the kind ``retrofit``."""
    return {"study.toml": _STUDY}
