"""Heat pumps of a synthetic town: COP over temperature, backup, metering boundary; daily electricity from heat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from varme.data.synthetic.town_spec import TownSpec
from varme.data.synthetic.town_weather import TownWeather

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Flags = NDArray[np.bool_]

#: Outdoor temperature for which heat pumps are sized [C] (DIN EN 12831, Hassfurt region: about -12).
DESIGN_C = -12.0
#: COP of heating hot water: level and exponent against that of space heating (assumption: 50-55 C against 35-45 C).
WATER_LEVEL, WATER_POWER = 0.82, 0.6
#: Reaction of a ground source's COP to the outdoor temperature (the flow temperature follows it) and to its mean over
#: 30 days (so does the ground), as shares of the air source's slope (assumption; together 0.35).
GROUND_FAST, GROUND_SLOW = 0.2, 0.15


@dataclass(frozen=True)
class Pumps:
    """What is drawn for each heat pump, arrays of shape (pumps,).

    Attributes:
        ground: Whether the source is the ground.
        spf: Seasonal performance factor, boundary H3, over the whole period.
        on_off: Whether it runs on and off.
        undersize_share: Share of the design heat that it can deliver; 2 where it is never too small.
        boundary: 2, 3 or 4: what its meter includes (SEPEMO H2, H3, H4).
        pv: Whether photovoltaics feed it behind the meter.
        size_ratio: Rated power over what the design day needs.
        water_hour: Local hours in which it heats water, shape (pumps, 2).
        setback: Kind of the day's course: 0 none, 1 less at night, 2 more by day.
    """

    ground: Flags
    spf: Floats
    on_off: Flags
    undersize_share: Floats
    boundary: NDArray[np.int64]
    pv: Flags
    size_ratio: Floats
    water_hour: NDArray[np.int64]
    setback: NDArray[np.int64]


@dataclass(frozen=True)
class PumpDays:
    """Electricity of heat pumps by day [kWh], each of shape (pumps, days).

    Attributes:
        space: Compressor and source pump, space heating.
        water: The same, hot water.
        backup: Electric backup heater.
        circuit: Pumps of the heating circuit.
        design_kw: Electric power of the compressor on the design day, shape (pumps,).
        cop_space: COP of space heating by day.
    """

    space: Floats32
    water: Floats32
    backup: Floats32
    circuit: Floats32
    design_kw: Floats
    cop_space: Floats32

    @property
    def h3(self) -> Floats32:
        """Electricity within the boundary H3: heat pump, source pump and backup."""
        return np.asarray(self.space + self.water + self.backup)

    def metered(self, boundary: NDArray[np.int64]) -> Floats32:
        """Electricity that the meters include, by boundary of each."""
        out = (
            self.space + self.water + np.where(boundary >= 3, 1, 0).astype(np.float32)[:, None] * self.backup
        )
        return np.asarray(
            out + np.where(boundary >= 4, 1, 0).astype(np.float32)[:, None] * self.circuit, dtype=np.float32
        )


def draw_pumps(spec: TownSpec, rng: np.random.Generator, log_heat: Floats) -> Pumps:
    """Return the heat pumps of homes with these standardised logarithms of heat, shape (pumps,)."""
    m = len(log_heat)
    ground = rng.permutation(np.arange(m) < round(m * spec.ground_source_share))
    score = rng.normal(size=m)
    if spec.even_draws and m:
        score = rng.permutation(ndtri((np.arange(m) + 0.5) / m))
    rho = spec.heat_spf_correlation_share
    centred = log_heat - (log_heat.mean() if m else 0.0)
    score = rho * centred + np.sqrt(1 - rho**2) * score
    level = np.where(ground, spec.spf_ground, spec.spf_air)
    weak = ~ground & (rng.random(m) < spec.backup_share)
    boundary = np.where(
        (u := rng.random(m)) < spec.boundary_h2_share, 2, np.where(u > 1 - spec.boundary_h4_share, 4, 3)
    )
    hours = np.stack([rng.choice([3, 4, 5, 12, 13, 14], m), rng.choice([16, 17, 20, 21, 22], m)], axis=1)
    hours[rng.random(m) < 0.6, 1] = -1
    return Pumps(
        ground,
        level * np.exp(spec.spf_log_spread_share * score),
        rng.random(m) < spec.on_off_share,
        np.where(weak, rng.uniform(0.55, 0.8, m), 2.0),
        boundary.astype(np.int64),
        rng.permutation(np.arange(m) < round(m * spec.pv_share)),
        rng.uniform(1.1, 1.5, m),
        hours,
        rng.choice(3, m, p=[0.45, 0.4, 0.15]),
    )


def log_cop(spec: TownSpec, weather: TownWeather, ground: Flags) -> Floats32:
    """Return the logarithm of the COP of space heating over its level, shape (pumps, days).

    Air: linear in the temperature up to 15 C, less a dip by defrosting around 2 C. Ground: a fifth of the slope at
    once, some more with the mean of 30 days.
    """
    t = np.minimum(weather.daily_c, 15.0)
    slow = np.convolve(
        np.r_[np.full(29, weather.daily_c[:29].mean()), weather.daily_c], np.ones(30) / 30, "valid"
    )
    air = spec.cop_slope_per_k_share * (t - 5) + np.log1p(
        -spec.defrost_dip_share * np.exp(-(((t - 2) / 3) ** 2))
    )
    earth = spec.cop_slope_per_k_share * (GROUND_FAST * (t - 5) + GROUND_SLOW * (slow - 5))
    return np.where(ground[:, None], earth[None, :], air[None, :]).astype(np.float32)


def electricity(
    spec: TownSpec, pumps: Pumps, weather: TownWeather, space: Floats32, water: Floats32, design_kwh: Floats
) -> PumpDays:
    """Return the electricity of heat pumps that deliver this heat.

    The level of each COP is such that the SPF over the whole period, boundary H3, is exactly the pump's. A heat pump
    that is too small delivers what it can; its capacity falls by 1.2 % per kelvin; the backup heater does the rest.

    Args:
        spec: The town.
        pumps: The heat pumps.
        weather: The weather.
        space: Space heating by pump and day [kWh].
        water: Hot water by pump and day [kWh].
        design_kwh: Heat of the design day, shape (pumps,).
    """
    log_c = log_cop(spec, weather, pumps.ground)
    able = (pumps.undersize_share * design_kwh)[:, None] * (1 + 0.012 * (weather.daily_c - DESIGN_C)[None, :])
    backup = np.maximum(space + water - able.astype(np.float32), 0)
    np.minimum(backup, space, out=backup)
    by_pump = (space - backup) * np.exp(-log_c)
    for_water = water * np.exp(-WATER_POWER * log_c)
    for_water /= np.float32(WATER_LEVEL)
    heat = space.sum(axis=1, dtype=float) + water.sum(axis=1, dtype=float)
    left = heat / pumps.spf - backup.sum(axis=1, dtype=float)
    raw = by_pump.sum(axis=1, dtype=float) + for_water.sum(axis=1, dtype=float)
    level = raw / np.maximum(left, 0.2 * heat / pumps.spf)
    by_pump /= level.astype(np.float32)[:, None]
    for_water /= level.astype(np.float32)[:, None]
    circuit = (0.03 * (space > 0.05 * design_kwh[:, None].astype(np.float32))).astype(np.float32)
    circuit *= (24 * np.sqrt(design_kwh / 200)).astype(np.float32)[:, None]
    coldest = np.where(
        pumps.ground,
        spec.cop_slope_per_k_share * (GROUND_FAST * (DESIGN_C - 5) - GROUND_SLOW * 5),
        spec.cop_slope_per_k_share * (DESIGN_C - 5),
    )
    design_kw = np.minimum(pumps.undersize_share, 1.0) * design_kwh / 24 / (level * np.exp(coldest))
    cop = np.exp(log_c) * level.astype(np.float32)[:, None]
    return PumpDays(by_pump, for_water, backup, circuit, np.maximum(design_kw, 0.2), cop.astype(np.float32))
