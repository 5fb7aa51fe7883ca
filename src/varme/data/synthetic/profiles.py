"""Hourly shapes fitted to measured years, as plain figures. The measured files themselves are not part of varme.

Electricity: DK2 load of 2019 (Energinet, Energi Data Service, ElectricityBalanceNonv, CC BY 4.0) and DK2 consumption
of 2012 (Balmorel, Nord Pool), 17,494 hours together, each year divided by its own mean. Regression per day type and
hour on ``1, cos, sin`` of the day of the year (phase 0 on 1 January), with a second annual harmonic, the July holidays
and Christmas in common; R2 0.952.

Heat: Greater Copenhagen 2020 (Varmelast; CTR and VEKS networks), 8,760 hours, as ratio to the temperature law.
"""

from __future__ import annotations

from typing import Final

import numpy as np

#: Mean of relative load, by day type (working day, Saturday, Sunday or holiday) and hour of the local day [-].
LOAD_MEAN: Final = np.array([
    (0.803, 0.765, 0.749, 0.749, 0.763, 0.816, 0.956, 1.105, 1.169, 1.197, 1.213, 1.205,
     1.198, 1.193, 1.175, 1.155, 1.171, 1.239, 1.228, 1.164, 1.098, 1.038, 0.961, 0.876),
    (0.822, 0.779, 0.754, 0.746, 0.743, 0.753, 0.788, 0.861, 0.951, 1.018, 1.055, 1.058,
     1.051, 1.040, 1.027, 1.023, 1.051, 1.120, 1.125, 1.066, 1.014, 0.972, 0.924, 0.866),
    (0.811, 0.768, 0.744, 0.733, 0.727, 0.733, 0.764, 0.826, 0.909, 0.977, 1.017, 1.030,
     1.027, 1.017, 1.007, 1.006, 1.042, 1.119, 1.128, 1.080, 1.028, 0.981, 0.916, 0.844),
])  # fmt: skip
#: Its annual cosine, by day type and hour [-].
LOAD_COSINE: Final = np.array([
    (0.093, 0.093, 0.094, 0.098, 0.108, 0.126, 0.154, 0.176, 0.164, 0.151, 0.142, 0.136,
     0.130, 0.127, 0.127, 0.138, 0.177, 0.215, 0.213, 0.196, 0.171, 0.141, 0.108, 0.097),
    (0.104, 0.102, 0.101, 0.103, 0.113, 0.126, 0.134, 0.136, 0.134, 0.135, 0.139, 0.140,
     0.138, 0.136, 0.140, 0.152, 0.188, 0.221, 0.217, 0.191, 0.163, 0.137, 0.113, 0.105),
    (0.105, 0.105, 0.104, 0.104, 0.113, 0.125, 0.132, 0.129, 0.125, 0.130, 0.135, 0.140,
     0.140, 0.138, 0.141, 0.152, 0.185, 0.207, 0.196, 0.177, 0.154, 0.129, 0.105, 0.099),
])  # fmt: skip
#: Its annual sine, the same for all hours within 0.02 [-].
LOAD_SINE: Final = 0.025
#: Second annual harmonic: cosine, sine [-].
LOAD_SECOND: Final = (0.025, 0.015)
#: Fall of relative load in the July holidays (days 186-213) and at Christmas (day 355 to 1 January) [-].
LOAD_JULY: Final = 0.058
LOAD_CHRISTMAS: Final = 0.076
#: Noise of relative load: standard deviation and correlation time [h] of the daily and the hourly part.
LOAD_NOISE_SLOW: Final = (0.025, 80.0)
LOAD_NOISE_FAST: Final = (0.020, 2.0)

#: Two-day mean temperatures at which the heat profiles hold [C]; between them they are interpolated.
HEAT_NODES_C: Final = np.array([4.1, 7.9, 16.1])
#: Heat relative to the temperature law, by node, day type (working day, weekend) and hour of the local day [-].
HEAT_PROFILE: Final = np.array([
    [(0.944, 0.946, 0.947, 0.955, 0.985, 1.033, 1.081, 1.111, 1.094, 1.058, 1.033, 1.011,
      1.001, 0.991, 0.986, 0.994, 1.002, 1.015, 1.032, 1.031, 1.013, 0.995, 0.970, 0.946),
     (0.933, 0.935, 0.934, 0.940, 0.951, 0.974, 0.990, 1.000, 1.009, 1.017, 1.010, 0.999,
      0.981, 0.975, 0.969, 0.972, 0.986, 1.010, 1.023, 1.025, 1.014, 0.999, 0.979, 0.961)],
    [(0.951, 0.951, 0.955, 0.975, 1.013, 1.069, 1.116, 1.125, 1.100, 1.057, 1.018, 0.995,
      0.982, 0.972, 0.974, 0.980, 0.990, 0.998, 1.017, 1.033, 1.036, 1.026, 0.998, 0.969),
     (0.935, 0.945, 0.945, 0.946, 0.960, 0.989, 1.005, 1.000, 0.991, 0.978, 0.970, 0.959,
      0.947, 0.932, 0.932, 0.932, 0.948, 0.961, 0.977, 0.992, 0.999, 0.985, 0.967, 0.945)],
    [(0.986, 0.981, 0.983, 0.988, 1.029, 1.076, 1.131, 1.152, 1.112, 1.062, 1.021, 0.988,
      0.965, 0.946, 0.928, 0.919, 0.921, 0.941, 0.975, 1.013, 1.033, 1.037, 1.030, 1.002),
     (0.958, 0.957, 0.957, 0.947, 0.954, 0.965, 0.968, 0.963, 0.972, 0.987, 0.991, 0.990,
      0.981, 0.978, 0.966, 0.949, 0.949, 0.966, 0.994, 1.018, 1.026, 1.031, 1.023, 0.998)],
])  # fmt: skip
