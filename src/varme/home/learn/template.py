"""The files of a new study of the kind ``home-learn``: three weeks of a made-up house, to be replaced by one's own."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from varme.data.synthetic.home import HomeYearSpec, build_home_year
from varme.ground.context import Context
from varme.ground.spec import parse
from varme.home.case import load_case
from varme.home.spec import HomeFields

_STUDY = """\
kind = "home-learn"
title = "What my house is"
description = "Three weeks of a made-up house whose truth is known: 160 W/K, 10 kWh/K, 4 m2, SPF from its own heat."

[time]
start = 2025-01-06T00:00:00Z
end = 2025-01-27T00:00:00Z
step_min = 15
timezone = "Europe/Copenhagen"

[weather]
outdoor_c = { file = "record.csv", column = "outdoor_c" }
ghi_w_per_m2 = { file = "record.csv", column = "ghi_w_per_m2" }

# What was measured; leave out what was not. Gaps are left out, not filled.
[measured]
room_c = { file = "record.csv", column = "room_c", gaps = "keep" }
heat_kw = { file = "record.csv", column = "heat_kw", gaps = "keep" }
heat_pump_kw = { file = "record.csv", column = "heat_pump_kw", gaps = "keep" }

[house]
emitter = "radiator"

[heat_pump]
rated_kw = 8
"""


def record_csv(
    seed: int = 1, days: int = 21, resolution_k: float = 0.1, noise_k: float = 0.1, setback_k: float = 2.0
) -> str:
    """Return a made-up record as CSV: a 2R2C house of 160 W/K, 10 kWh/K and 4 m2 with radiators and a heat pump.

    The weather is that of the synthetic year; the house is simulated with the physics that plans use, with gains of
    people that nobody measures.

    Args:
        seed: Seed.
        days: Days from 6 January on.
        resolution_k: Step in which the sensor shows.
        noise_k: Noise of the sensor.
        setback_k: Night set-back from 22 to 5.
    """
    rng = np.random.default_rng([seed, 11])
    n = 96 * days
    hours = np.arange(n) / 4.0 % 24
    gains = 0.3 + 0.25 * rng.gamma(1.0, 1.0, size=n) * ((hours > 6) & (hours < 23))
    plant = load_case(_truth(seed, days, gains), Context()).plant
    house, pump = plant.house, plant.heat_pump
    if house is None or pump is None:
        raise ValueError("the made-up home has a house and a heat pump")
    a, per_heat, rest = house.steps(np.full(n, 0.25))
    clock, outdoor = plant.seen.local_h, plant.seen.outdoor_c
    state, room, heat = np.array([21.0, 20.0]), np.zeros(n), np.zeros(n)
    for k in range(n):
        wish = 21.0 - setback_k * float(clock[k] > 22 or clock[k] < 5)
        asked = 1.5 * (wish - state[0]) + 0.15 * (wish - outdoor[k])
        heat[k] = 0.0 if asked < pump.heat_min_kw[0, k] else min(asked, pump.heat_max_kw[0, k])
        state = a[k] @ state + per_heat[k] * heat[k] + rest[k]
        room[k] = state[0]
    on = heat > 0
    power = pump.standby_kw + pump.electric_on_kw[0] * on + pump.electric_per_heat[0] * heat
    shown = np.round((room + noise_k * rng.normal(size=n)) / resolution_k) * resolution_k
    ghi = build_home_year(HomeYearSpec(year=2025, seed=seed)).on(plant.seen.grid, ["ghi_w_per_m2"])[
        "ghi_w_per_m2"
    ]
    columns = np.column_stack([outdoor, ghi, shown, heat, power])
    text = io.StringIO()
    text.write("time,outdoor_c,ghi_w_per_m2,room_c,heat_kw,heat_pump_kw\n")
    for stamp, row in zip(plant.seen.grid.times.astype(str), columns, strict=True):
        text.write(f"{stamp}Z,{row[0]:.2f},{row[1]:.1f},{row[2]:.2f},{row[3]:.3f},{row[4]:.3f}\n")
    return text.getvalue()


def _truth(seed: int, days: int, gains_kw: NDArray[np.float64]) -> HomeFields:
    start = datetime(2025, 1, 6, tzinfo=UTC)
    return parse(
        HomeFields,
        {
            "time": {"start": start, "end": start + timedelta(days=days), "step_min": 15},
            "synthetic": {"year": 2025, "seed": seed},
            "weather": {"outdoor_c": {"synthetic": "outdoor_c"}, "ghi_w_per_m2": {"synthetic": "ghi_w_per_m2"}},
            "house": {
                "heat_loss_w_per_k": 160.0, "capacity_kwh_per_k": 10.0, "solar_aperture_m2": 4.0,
                "emitter": "radiator", "internal_gains_kw": gains_kw.tolist(),
            },
            "heat_pump": {"rated_kw": 8.0},
        },
        "made-up home",
    )  # fmt: skip


def learn_files() -> dict[str, str]:
    """Return the files of a new study of the kind ``home-learn``."""
    return {"study.toml": _STUDY, "record.csv": record_csv()}
