"""All that can be learnt from the record of a home, each with its interval and verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from varme.components.home import WATER_KWH_PER_L_K
from varme.home.learn import devices
from varme.home.learn.estimates import Estimate, judged, refused, resolution_k, unknown
from varme.home.learn.grey_box import HouseFit, Record, fit_house
from varme.home.learn.spec import HomeLearnStudy
from varme.home.plant import Plant

Floats = NDArray[np.float64]

#: Sensor step from which on dynamics are not believed [K]: half the noise that three weeks can average out.
COARSE_K = 0.45
#: Sensor step that is good enough for them [K].
FINE_K = 0.2
#: Range of the room temperature below which its capacity cannot be told [K].
STILL_K = 0.8


@dataclass(frozen=True)
class Learnt:
    """What was learnt.

    Attributes:
        estimates: All estimates.
        house: The fitted house, ``None`` if there is none.
        record: What it was fitted to.
        draw_kw: Mean draw of hot water by hour, shape (24,).
        load_kw: Mean load by hour on weekdays and at weekends, shape (2, 24).
        resolution_k: Step in which the room sensor shows.
    """

    estimates: tuple[Estimate, ...]
    house: HouseFit | None
    record: Record | None
    draw_kw: Floats
    load_kw: Floats
    resolution_k: float

    def __getitem__(self, name: str) -> Estimate:
        for estimate in self.estimates:
            if estimate.name == name:
                return estimate
        raise KeyError(name)


def learn(study: HomeLearnStudy, plant: Plant, measured: Mapping[str, Floats]) -> Learnt:
    """Learn what the record tells.

    Args:
        study: The study.
        plant: The home as numbers: weather on the grid, and the heat pump's map.
        measured: Name of the field -> values, NaN where missing, shape (N,).
    """
    days, share, seed = plant.seen.local_day, study.learn.confidence_share, study.learn.seed
    found: list[Estimate] = []
    record, known = _record(study, plant, measured)
    fit, coarse = None, 0.0
    if record is None:
        need = "the room temperature, and the heat (heat_kw) or the heat pump's electricity (heat_pump_kw) with a map"
        found += [
            unknown(name, need, "grey-box model") for name in ("heat_loss_w_per_k", "capacity_kwh_per_k")
        ]
    elif not record.stretches(math.ceil(24 / record.step_h)):
        need = "whole days without missing values of room temperature, heat and weather"
        found += [
            unknown(name, need, "grey-box model") for name in ("heat_loss_w_per_k", "capacity_kwh_per_k")
        ]
    else:
        coarse = resolution_k(record.room_c)
        fit = fit_house(record, study.learn.nodes_count)
        found += house_estimates(fit, record, coarse, share, 0.0 if known else study.learn.level_sd_share)
    found += _heat_pump(study, plant, measured, days)
    draws, by_hour = _hot_water(study, plant, measured, days)
    found += draws
    if "charge_kw" in measured or study.battery is not None:
        none = np.full(len(days), np.nan)
        charge, discharge, level = (
            measured.get(key, none) for key in ("charge_kw", "discharge_kw", "battery_kwh")
        )
        found += devices.battery_efficiency(
            charge, discharge, level, plant.seen.grid.step_h, days, share, seed
        )
    if "pv_kw" in measured:
        found.append(
            devices.level_of(measured["pv_kw"], plant.grid.pv_kw, days, "pv_level_ratio", share, seed)
        )
    load = measured.get("load_kw", np.full(len(days), np.nan))
    profile = devices.profile(load, plant.seen.local_h, plant.seen.weekday)
    return Learnt(tuple(found), fit, record, by_hour, profile, coarse)


def _record(
    study: HomeLearnStudy, plant: Plant, measured: Mapping[str, Floats]
) -> tuple[Record | None, bool]:
    """Return the record of the house, and whether its heat was measured."""
    if "room_c" not in measured:
        return None, False
    known = "heat_kw" in measured
    if known:
        heat = measured["heat_kw"]
    elif "heat_pump_kw" in measured and plant.heat_pump is not None and "room" in plant.heat_pump.modes:
        heat = heat_from_electricity(plant, measured["heat_pump_kw"])
    else:
        return None, False
    floor = study.house is not None and study.house.emitter == "floor"
    return Record(
        plant.seen.grid.step_h, measured["room_c"], plant.seen.outdoor_c, plant.seen.window_w_per_m2 / 1e3, heat,
        0.7 if floor else 0.0, 0.0, plant.seen.local_h if study.learn.gains_follow_day else None,
    ), known  # fmt: skip


def heat_from_electricity(plant: Plant, electricity_kw: Floats) -> Floats:
    """Return the heat into the room that the heat pump's map makes of its electricity, shape (N,)."""
    pump = plant.heat_pump
    if pump is None:
        raise ValueError("the home has no heat pump")
    mode = pump.modes.index("room")
    net = np.maximum(electricity_kw - pump.standby_kw, 0.0)
    heat = np.maximum(net - pump.electric_on_kw[mode], 0.0) / pump.electric_per_heat[mode]
    return np.where(net > devices.RUNNING_KW, heat, 0.0)


def house_estimates(
    fit: HouseFit, record: Record, resolution: float, share: float, level_sd_share: float
) -> list[Estimate]:
    """Return the estimates of a fitted house, with verdicts.

    Args:
        fit: The fit.
        record: What it was fitted to.
        resolution: Step in which the sensor shows [K].
        share: Confidence of the intervals.
        level_sd_share: Standard deviation of the level of the heat; 0 if it was measured.
    """
    z = float(ndtri((1 + share) / 2))
    how = "grey-box model of the room temperature" + (
        "" if level_sd_share == 0 else ", heat from the heat pump's map"
    )
    need = (
        "a longer record with night set-back or other changes of the room temperature, and different weather"
    )
    if level_sd_share:
        need = "a heat meter: without it heat loss, capacity and aperture are known only relative to the SPF"
    out = []
    for name in fit.names:
        value = fit[name]
        low, high = fit.interval(name, z)
        if level_sd_share and name in _SCALE_WITH_HEAT:
            low, high = _widened(value, low, high, z * level_sd_share)
        factor = 1e3 if name == "heat_loss_kw_per_k" else 1.0
        shown = "heat_loss_w_per_k" if factor > 1 else name
        estimate = judged(shown, value * factor, low * factor, high * factor, need, how)
        out.append(_believed(estimate, fit, name, record, resolution))
    return out


_SCALE_WITH_HEAT = ("heat_loss_kw_per_k", "capacity_kwh_per_k", "solar_aperture_m2", "gains_kw")
_DYNAMIC = ("capacity_kwh_per_k", "room_capacity_share", "coupling_ratio", "solar_aperture_m2")


def _widened(value: float, low: float, high: float, reach: float) -> tuple[float, float]:
    """Return an interval with the uncertainty of the level of the heat added in squares."""
    below = math.hypot(value - low, value * (1 - math.exp(-reach)))
    above = math.hypot(high - value, value * (math.exp(reach) - 1))
    return value - below, value + above


def _believed(estimate: Estimate, fit: HouseFit, name: str, record: Record, resolution: float) -> Estimate:
    """Refuse what the interval cannot know: a coarse sensor, a room that never changed, a search at its limit."""
    if name in _DYNAMIC and resolution > COARSE_K:
        shown = f"{resolution:.2g} K"
        return refused(
            estimate, f"a sensor that shows {FINE_K:g} K or finer; this one shows steps of {shown}"
        )
    if name in fit.limits_hit:
        return refused(estimate, "a record that tells it: the search ended at its limit")
    if name in _DYNAMIC[:3]:
        low, high = np.nanquantile(record.room_c, [0.02, 0.98])
        if high - low < STILL_K:
            return refused(
                estimate, "changes of the room temperature by 1 K or more, for example a night set-back"
            )
    return estimate


def _heat_pump(
    study: HomeLearnStudy, plant: Plant, measured: Mapping[str, Floats], days: NDArray[np.int64]
) -> list[Estimate]:
    share, seed = study.learn.confidence_share, study.learn.seed
    none = np.full(len(days), np.nan)
    heat, power = measured.get("heat_kw", none), measured.get("heat_pump_kw", none)
    found = [devices.seasonal_performance(heat, power, days, share, seed)]
    if plant.heat_pump is not None and "heat_pump_kw" in measured:
        expected = heat_from_electricity(plant, power)
        cop = np.where(power > devices.RUNNING_KW, expected / np.maximum(power, 1e-9), np.nan)
        found.append(devices.performance_level(heat, power, cop, days, share, seed))
    whole = measured.get("heat_pump_kw", measured.get("meter_kw"))
    if whole is not None:
        found += devices.electricity_slope(whole, plant.seen.outdoor_c, days, share, seed)
    return found


def _hot_water(
    study: HomeLearnStudy, plant: Plant, measured: Mapping[str, Floats], days: NDArray[np.int64]
) -> tuple[list[Estimate], Floats]:
    if study.hot_water is None or "tank_c" not in measured:
        need = (
            "the tank's temperature (tank_c), its volume ([hot_water]) and the heat into it (water_heat_kw)"
        )
        return [unknown("draw_kwh_per_day", need, "hot water")], np.full(24, np.nan)
    heat = measured.get("water_heat_kw", np.zeros(len(days)))
    return devices.hot_water(
        measured["tank_c"], heat, study.hot_water.volume_l * WATER_KWH_PER_L_K, study.hot_water.surroundings_c,
        plant.seen.grid.step_h, days, plant.seen.local_h, study.learn.confidence_share, study.learn.seed,
    )  # fmt: skip
