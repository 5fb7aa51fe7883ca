"""Years, peak days and peak hours of retrofitted heat pumps, with what is not known about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Percentiles of every interval of demand: 5, 50, 95.
LEVELS = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class DemandDraws:
    """What is not known, as draws.

    Attributes:
        level_ratio: Electricity of the draw over the estimate (B is uncertain), shape (draws,).
        scores: Standard normal draws of what moves energy between days, shape (draws, modes).
        modes: What one standard deviation of each does to the logarithm of a day's electricity, shape (modes, days).
    """

    level_ratio: Floats
    scores: Floats
    modes: Floats


def demand_draws(*, log_se: float, df: float, modes: Floats, count: int, seed: int) -> DemandDraws:
    """Return draws of the level and of the course over the year, independent of each other.

    Args:
        log_se: Standard error of log B, with all that enters it.
        df: Degrees of freedom of its t distribution.
        modes: What one standard deviation of each unknown does to log electricity by day, shape (modes, days).
        count: Draws.
        seed: Seed.
    """
    rng = np.random.default_rng([seed, 20])
    level = np.exp(-log_se * rng.standard_t(max(df, 2.0), count))
    return DemandDraws(level, rng.normal(size=(count, len(modes))), modes)


def drawn_days(daily: Floats, draws: DemandDraws) -> Floats:
    """Return the electricity of every draw and day [kWh], shape (draws, days); the modes keep the sum of all days.

    Args:
        daily: Electricity by day [kWh], shape (days,).
        draws: What is not known.
    """
    out = daily[None, :] * np.exp(draws.scores @ draws.modes)
    total = float(daily.sum())
    if total > 0:
        out *= (draws.level_ratio * total / out.sum(axis=1))[:, None]
    return np.asarray(out, dtype=float)


@dataclass(frozen=True)
class YearDemand:
    """Demand of all retrofitted heat pumps in one year; intervals are P5, P50, P95.

    Attributes:
        year: Calendar year.
        heat_gwh_th: Useful heat of the heat pumps.
        electricity_gwh: Electricity: low, mid, high.
        backup_share: Share of the electricity that backup heaters use, where they are modelled.
        peak_day: Day with the highest demand.
        peak_day_c: Its mean outdoor temperature.
        peak_day_mwh: Its electricity: low, mid, high. The highest day of each draw, whichever it is.
        peak_hour_utc: Start of the hour (step) with the highest demand.
        peak_hour_mw: Its mean power: low, mid, high.
        full_load_h: Electricity over the peak.
        constant_spf_peak_day_mwh: Peak day that a constant SPF gives.
        spf: Heat over electricity.
    """

    year: int
    heat_gwh_th: float
    electricity_gwh: tuple[float, float, float]
    backup_share: float
    peak_day: np.datetime64
    peak_day_c: float
    peak_day_mwh: tuple[float, float, float]
    peak_hour_utc: np.datetime64
    peak_hour_mw: tuple[float, float, float]
    full_load_h: float
    constant_spf_peak_day_mwh: float
    spf: float

    @property
    def understated_share(self) -> float:
        """How much of the peak day a constant SPF leaves out."""
        return 1 - self.constant_spf_peak_day_mwh / self.peak_day_mwh[1]


def _band(values: Floats, middle: float, scale: float) -> tuple[float, float, float]:
    """Return low, estimate, high: the ends from the draws, the middle as estimated."""
    low, high = np.quantile(values, (LEVELS[0], LEVELS[2]))
    return float(min(low, middle) * scale), float(middle * scale), float(max(high, middle) * scale)


def yearly(
    days: NDArray[np.datetime64],
    temperature_c: Floats,
    heat: Floats,
    daily: Floats,
    backup: Floats,
    hourly: Floats,
    hours_utc: NDArray[np.datetime64],
    local_day: NDArray[np.int64],
    step_h: float,
    draws: DemandDraws,
) -> list[YearDemand]:
    """Return the demand of every calendar year of the period, for the town as a whole.

    Args:
        days: Local days, shape (days,).
        temperature_c: Outdoor temperature by day [C].
        heat: Useful heat that the heat pumps give by day [kWh], after gamma, shape (days,).
        daily: Electricity by day [kWh].
        backup: The backup heaters' part of it.
        hourly: Electricity by step [kWh], shape (steps,).
        hours_utc: Starts of the steps.
        local_day: Day number of each step.
        step_h: Length of a step [h].
        draws: What is not known.
    """
    cloud = drawn_days(daily, draws)
    top = np.zeros(len(days))
    np.maximum.at(top, local_day, hourly)
    ratio = np.where(daily > 0, top / np.where(daily > 0, daily, 1), 0) / step_h
    year = days.astype("datetime64[Y]").astype(int) + 1970
    spf_all = float(heat.sum() / daily.sum()) if daily.sum() > 0 else np.nan
    out: list[YearDemand] = []
    for y in np.unique(year):
        mine = np.flatnonzero(year == y)
        steps = np.flatnonzero(year[local_day] == y)
        total, peak = float(daily[mine].sum()), int(mine[daily[mine].argmax()])
        at = int(steps[hourly[steps].argmax()])
        peak_kw = float(hourly[at]) / step_h
        out.append(
            YearDemand(
                int(y), float(heat[mine].sum()) / 1e6, _band(cloud[:, mine].sum(axis=1), total, 1e-6),
                float(backup[mine].sum()) / total if total > 0 else 0.0, days[peak], float(temperature_c[peak]),
                _band(cloud[:, mine].max(axis=1), float(daily[peak]), 1e-3), hours_utc[at],
                _band((cloud[:, mine] * ratio[mine]).max(axis=1), peak_kw, 1e-3),
                total / peak_kw if peak_kw > 0 else 0.0, float(heat[mine].max()) / spf_all / 1e3,
                float(heat[mine].sum()) / total if total > 0 else np.nan,
            )
        )  # fmt: skip
    return out
