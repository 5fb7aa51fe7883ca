"""Heat pump, hot water, battery, PV and household from telemetry: ratios and regressions over whole days.

Intervals come from drawing days anew, so that what repeats within a day does not make them too narrow.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from varme.home.learn.estimates import Estimate, bootstrapped, judged, refused, unknown

Floats = NDArray[np.float64]
Days = NDArray[np.int64]

#: Electricity from which on a heat pump counts as running [kW].
RUNNING_KW = 0.15


def seasonal_performance(
    heat_kw: Floats, electricity_kw: Floats, days: Days, share: float, seed: int
) -> Estimate:
    """Return the SPF over the record: heat over electricity, both measured.

    Args:
        heat_kw: Heat, shape (N,), NaN where missing.
        electricity_kw: Electricity, likewise.
        days: Number of the day of each step.
        share: Confidence of the interval.
        seed: Seed of the interval.
    """
    need = "a heat meter and a meter of the heat pump's electricity over at least three days of heating"
    good = np.isfinite(heat_kw + electricity_kw)
    heat, electricity, of = heat_kw[good], electricity_kw[good], days[good]
    if electricity.sum() <= 0 or len(np.unique(of)) < 3:
        return unknown("spf", need, "heat over electricity")
    value, low, high = bootstrapped(
        of, lambda w: float((w * heat).sum() / max((w * electricity).sum(), 1e-9)), share, seed
    )
    return judged("spf", value, low, high, need, "measured heat over measured electricity, days drawn anew")


def performance_level(
    heat_kw: Floats, electricity_kw: Floats, map_cop: Floats, days: Days, share: float, seed: int
) -> Estimate:
    """Return how much better or worse the heat pump is than its map: measured heat over what the map makes of power.

    Args:
        heat_kw: Heat, shape (N,).
        electricity_kw: Electricity, shape (N,).
        map_cop: COP of the map at the step's temperatures, shape (N,).
        days: Number of the day of each step.
        share: Confidence of the interval.
        seed: Seed of the interval.
    """
    need = "a heat meter beside the heat pump's electricity"
    good = np.isfinite(heat_kw + electricity_kw + map_cop) & (electricity_kw > RUNNING_KW)
    heat, expected, of = heat_kw[good], electricity_kw[good] * map_cop[good], days[good]
    if expected.sum() <= 0 or len(np.unique(of)) < 3:
        return unknown("cop_level_ratio", need, "measured heat over the map's")
    value, low, high = bootstrapped(
        of, lambda w: float((w * heat).sum() / max((w * expected).sum(), 1e-9)), share, seed
    )
    return judged(
        "cop_level_ratio", value, low, high, need, "measured heat over what the map makes of the power"
    )


def electricity_slope(
    electricity_kw: Floats, outdoor_c: Floats, days: Days, share: float, seed: int
) -> list[Estimate]:
    """Return electricity per kelvin below a balance temperature, from daily means: heat loss over SPF.

    Args:
        electricity_kw: Electricity of the heat pump, or of the whole home, shape (N,).
        outdoor_c: Outdoor temperature, shape (N,).
        days: Number of the day of each step.
        share: Confidence of the interval.
        seed: Seed of the interval.
    """
    need = "at least three weeks with days that differ by 8 K or more"
    how = "daily electricity over outdoor temperature, with a balance temperature"
    _, member, counts = np.unique(days, return_inverse=True, return_counts=True)
    whole = (
        np.bincount(member, weights=np.isfinite(electricity_kw + outdoor_c).astype(float))
        > 0.9 * counts.max()
    )
    power = np.bincount(member, weights=np.nan_to_num(electricity_kw)) / counts
    outside = np.bincount(member, weights=np.nan_to_num(outdoor_c)) / counts
    power, outside = power[whole], outside[whole]
    if len(power) < 10 or np.ptp(outside) < 5:
        return [unknown("electricity_w_per_k", need, how), unknown("balance_c", need, how)]
    knots = np.arange(8.0, 20.1, 0.25)

    def fit(weights: Floats) -> tuple[float, float]:
        best = (np.inf, np.nan, np.nan)
        root = np.sqrt(weights)
        for knot in knots:
            matrix = np.column_stack([np.ones(len(outside)), np.maximum(knot - outside, 0.0)]) * root[:, None]
            beta, *_ = np.linalg.lstsq(matrix, power * root, rcond=1e-10)
            rest = power * root - matrix @ beta
            if rest @ rest < best[0] - 1e-12:
                best = (float(rest @ rest), float(beta[1]) * 1e3, float(knot))
        return best[1], best[2]

    own = np.arange(len(power))
    slope = bootstrapped(own, lambda w: fit(w)[0], share, seed, draws=150)
    knot = bootstrapped(own, lambda w: fit(w)[1], share, seed, draws=150)
    balance = judged("balance_c", *knot, need, how)
    if np.mean(outside > knot[0]) < 0.1:
        balance = refused(balance, "days that are too warm for heating as well")
    return [judged("electricity_w_per_k", *slope, need, how), balance]


def battery_efficiency(
    charge_kw: Floats,
    discharge_kw: Floats,
    level_kwh: Floats,
    step_h: float,
    days: Days,
    share: float,
    seed: int,
) -> list[Estimate]:
    """Return round-trip efficiency and standing loss of a battery from its flows and its level.

    ``L[t] - L[t-1] = h (a c - b d) - s h`` by least squares; the round trip is ``a / b``.

    Args:
        charge_kw: Charge, shape (N,).
        discharge_kw: Discharge, shape (N,).
        level_kwh: Level at the end of each step, shape (N,).
        step_h: Length of a step.
        days: Number of the day of each step.
        share: Confidence of the interval.
        seed: Seed of the interval.
    """
    need = "charge, discharge and level of the battery over at least five days with full cycles"
    how = "change of level over charge and discharge, least squares"
    change = np.diff(level_kwh, prepend=np.nan)
    good = np.isfinite(change + charge_kw + discharge_kw)
    if good.sum() < 50 or np.nansum(discharge_kw) * step_h < 2 * max(np.nanmax(level_kwh, initial=0.0), 1e-9):
        return [unknown("round_trip_share", need, how), unknown("battery_standing_w", need, how)]
    matrix = step_h * np.column_stack([charge_kw[good], -discharge_kw[good], -np.ones(good.sum())])
    target, of = change[good], days[good]

    def fit(weights: Floats) -> Floats:
        root = np.sqrt(weights)[:, None]
        beta, *_ = np.linalg.lstsq(matrix * root, target * root[:, 0], rcond=1e-10)
        return np.asarray(beta)

    trip = bootstrapped(of, lambda w: float(fit(w)[0] / fit(w)[1]), share, seed)
    loss = bootstrapped(of, lambda w: float(1e3 * fit(w)[2]), share, seed)
    return [judged("round_trip_share", *trip, need, how), judged("battery_standing_w", *loss, need, how)]


def hot_water(
    tank_c: Floats,
    heat_kw: Floats,
    capacity_kwh_per_k: float,
    around_c: float,
    step_h: float,
    days: Days,
    hours: Floats,
    share: float,
    seed: int,
) -> tuple[list[Estimate], Floats]:
    """Return standing loss and daily draw of a tank, and the mean draw by hour of the day.

    The loss is the slope of the slow cooling: steps without heat in which the temperature falls least (below the median
    of its falls at that temperature) have no draw. What falls beyond it, with the heat put in, was drawn.

    Args:
        tank_c: Temperature of the tank at the end of each step, shape (N,).
        heat_kw: Heat into the tank, shape (N,).
        capacity_kwh_per_k: Heat capacity of its water.
        around_c: Temperature around it.
        step_h: Length of a step.
        days: Number of the day of each step.
        hours: Wall-clock hour of each step.
        share: Confidence of the interval.
        seed: Seed of the interval.

    Returns:
        Estimates ``loss_w_per_k`` and ``draw_kwh_per_day``; mean draw by hour, shape (24,) [kW].
    """
    need = "the tank's temperature (0.1 to 0.5 K steps) and the heat pump's mode over at least ten days"
    how = "cooling of the tank without draw; what falls beyond it was drawn"
    fall = -np.diff(tank_c, prepend=np.nan) * capacity_kwh_per_k / step_h
    before = np.concatenate([[np.nan], tank_c[:-1]])
    good = np.isfinite(fall + before + heat_kw)
    still = good & (heat_kw < 1e-3)
    if still.sum() < 100 or len(np.unique(days[good])) < 5:
        return [unknown("loss_w_per_k", need, how), unknown("draw_kwh_per_day", need, how)], np.full(
            24, np.nan
        )
    excess = np.maximum(before - around_c, 1.0)
    rate = np.where(still, fall / excess, np.nan)

    def loss_of(weights: Floats) -> float:
        used = still & (weights > 0)
        return float(np.quantile(np.repeat(rate[used], weights[used].astype(int)), 0.35)) * 1e3

    loss = bootstrapped(days, loss_of, share, seed, draws=200)
    drawn = np.where(good, heat_kw + fall - loss[0] / 1e3 * excess, np.nan)
    covered = good.sum() * step_h / 24

    def draw_of(weights: Floats) -> float:
        return float(np.nansum(weights * drawn) * step_h / max(np.sum(weights * good) * step_h / 24, 1e-9))

    draw = bootstrapped(days, draw_of, share, seed)
    by_hour = np.array(
        [np.nanmean(drawn[good & (hours.astype(int) == h)]) if covered else np.nan for h in range(24)]
    )
    return [judged("loss_w_per_k", *loss, need, how), judged("draw_kwh_per_day", *draw, need, how)], by_hour


def level_of(
    measured_kw: Floats, model_kw: Floats, days: Days, name: str, share: float, seed: int
) -> Estimate:
    """Return measured over modelled power (PV), with its interval.

    Args:
        measured_kw: Measured, shape (N,).
        model_kw: Modelled, shape (N,).
        days: Number of the day of each step.
        name: Name of the estimate.
        share: Confidence of the interval.
        seed: Seed of the interval.
    """
    need = "at least three days with sun"
    good = np.isfinite(measured_kw + model_kw)
    if model_kw[good].sum() <= 0 or len(np.unique(days[good])) < 3:
        return unknown(name, need, "measured over modelled")
    top, bottom, of = measured_kw[good], model_kw[good], days[good]
    found = bootstrapped(of, lambda w: float((w * top).sum() / max((w * bottom).sum(), 1e-9)), share, seed)
    return judged(name, *found, need, "measured over modelled power")


def profile(power_kw: Floats, hours: Floats, weekday: NDArray[np.int64]) -> Floats:
    """Return the mean power by hour on weekdays and at weekends, shape (2, 24) [kW]."""
    out = np.full((2, 24), np.nan)
    for row, inside in enumerate((weekday < 5, weekday >= 5)):
        for hour in range(24):
            found = power_kw[inside & (hours.astype(int) == hour) & np.isfinite(power_kw)]
            out[row, hour] = found.mean() if len(found) else np.nan
    return out
