"""Load of retrofitted heat pumps by day: space heat and hot water apart, each with its COP, and a backup heater.

Equation 4 of Bayer & Pruckner 2023, with a COP for every day instead of one SPF for the year:
``E = Q (1 - gamma) (1 - s) / COP(T) + Q (1 - gamma) s``, where s is the share that a resistive backup heater gives.
A constant SPF puts 18-38 % too little on the coldest day (ten station-years of real weather, When2Heat curves).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import InputError, Problem
from varme.retrofit.demand.profiles import HourShapes, measured_shapes

__all__ = [
    "CopSource", "DayElectricity", "DayHeat", "Efficiency", "HourShapes", "Scaled", "day_mean", "efficiency_by_day",
    "electricity_by_day", "electricity_by_hour", "heat_by_group", "heat_weighted_cop", "level_factor",
    "measured_shapes", "retrofitted", "scaled_to", "split_heat", "sum_by_group",
]  # fmt: skip

Floats = NDArray[np.float64]


class CopSource(Protocol):
    """Anything that knows a COP by outdoor temperature."""

    def cop(self, temperature_c: Floats | float) -> Floats:
        """Return the COP at outdoor temperatures [C]."""


def electricity_by_day(
    heat: Floats, temperature_c: Floats, curve: CopSource, gamma: float, *, cop: Floats | None = None
) -> Floats:
    """Return electricity by group and day [kWh]: E = Q (1 - gamma) / COP(T), shape as ``heat`` (groups, days).

    The short form: one COP for space heat and hot water, no backup. See :func:`retrofitted` for the whole one.

    Args:
        heat: Useful heat by group and day [kWh], shape (groups, days).
        temperature_c: Outdoor temperature by day [C], shape (days,).
        curve: COP over outdoor temperature.
        gamma: How much less heat the homes need with a heat pump.
        cop: COP by day, if it is known better than by the day's mean (:func:`heat_weighted_cop`).
    """
    cop = curve.cop(temperature_c) if cop is None else cop
    return np.asarray(heat * ((1 - gamma) / cop)[None, :], dtype=float)


@dataclass(frozen=True)
class DayHeat:
    """Useful heat by group (or building) and day, what it is for told apart.

    Attributes:
        space_kwh_th: For rooms, shape (groups, days).
        water_kwh_th: For hot water, shape (groups, days).
        standby_kwh_th: What the furnace lost standing by and no heat pump replaces, shape (groups, days).
    """

    space_kwh_th: Floats
    water_kwh_th: Floats
    standby_kwh_th: Floats

    @property
    def useful_kwh_th(self) -> Floats:
        """Heat that a heat pump must give, shape (groups, days)."""
        return np.asarray(self.space_kwh_th + self.water_kwh_th, dtype=float)


def split_heat(
    heat: Floats,
    base: Floats,
    temperature_c: Floats,
    *,
    limit_c: float | None = None,
    standby_share: float = 0.0,
) -> DayHeat:
    """Return space heat and hot water of measured heat.

    Hot water is what is used on days without heating, every day of the year (the base load of the change-point
    model); the rest is space heat. Above the heating limit there is no space heat, whatever the day's noise: profiles
    that heat in July are a known fault of sigmoid profiles.

    Args:
        heat: Useful heat by group and day [kWh], shape (groups, days).
        base: Heat of a day without heating, shape (groups,) or (groups, days).
        temperature_c: Outdoor temperature by day [C], shape (days,).
        limit_c: Daily temperature from which on nobody heats [C]; ``None`` for no such day.
        standby_share: Share of the base load that is lost by the furnace standing by, not used (0 if not known).
    """
    level = np.broadcast_to(base[:, None] if base.ndim == 1 else base, heat.shape)
    summer = np.minimum(heat, np.maximum(level, 0))
    if limit_c is not None:
        summer = np.where(temperature_c[None, :] >= limit_c, heat, summer)
    return DayHeat(
        np.asarray(heat - summer, dtype=float),
        np.asarray(summer * (1 - standby_share), dtype=float),
        np.asarray(summer * standby_share, dtype=float),
    )


def sum_by_group(
    values: Floats,
    usable: NDArray[np.bool_],
    group: NDArray[np.int64],
    groups: int,
    year_of_day: NDArray[np.int64],
) -> Floats:
    """Return a constant of each meter summed over the usable meters of a group, by day, shape (groups, days).

    Args:
        values: A figure of each meter (base load of a day), shape (meters,).
        usable: Whether a meter counts in a year, shape (meters, years).
        group: Group of each meter, negative for none, shape (meters,).
        groups: Number of groups.
        year_of_day: Index of each day's year, shape (days,).
    """
    sums = np.zeros((groups, usable.shape[1]))
    chosen = group >= 0
    np.add.at(sums, group[chosen], np.where(usable, np.nan_to_num(values)[:, None], 0.0)[chosen])
    return np.asarray(sums[:, year_of_day], dtype=float)


#: Heating limits are put together to this width where groups are summed [K]: the heat of a day changes by less than
#: slope x width / 2.
LIMIT_STEP_C = 0.05


def heat_by_group(
    slope: Floats, limit_c: Floats, group: NDArray[np.int64], groups: int, temperature_c: Floats
) -> Floats:
    """Return the space heat that change-point models give for any weather, by group and day, shape (groups, days).

    Args:
        slope: Heat per day and kelvin below the limit, by meter [kWh/K]; NaN counts as none.
        limit_c: Heating limit by meter [C].
        group: Group of each meter, negative for none.
        groups: Number of groups.
        temperature_c: Mean outdoor temperature by day [C], shape (days,).
    """
    chosen = (group >= 0) & np.isfinite(slope) & np.isfinite(limit_c)
    cell = np.round(limit_c[chosen] / LIMIT_STEP_C).astype(np.int64)
    cells, place = np.unique(cell, return_inverse=True)
    slopes = np.zeros((groups, len(cells)))
    np.add.at(slopes, (group[chosen], place), slope[chosen])
    need = np.maximum(cells[:, None] * LIMIT_STEP_C - temperature_c[None, :], 0)
    return np.asarray(slopes @ need, dtype=float)


def day_mean(values: Floats, local_day: NDArray[np.int64]) -> Floats:
    """Return the mean by local day of an hourly series, shape (days,); days of 23 and 25 hours included."""
    return np.asarray(np.bincount(local_day, values) / np.bincount(local_day), dtype=float)


def heat_weighted_cop(
    curve: CopSource,
    temperature_step_c: Floats,
    local_day: NDArray[np.int64],
    *,
    heat_share: Floats | None = None,
    electricity_share: Floats | None = None,
) -> Floats:
    """Return the COP of each day from its hours: heat over electricity of the whole day, shape (days,).

    With shares of heat q it is ``1 / sum(q / COP)``, with shares of electricity e it is ``sum(e COP)``; both are the
    same day seen from its two meters. Cold nights in which much heat is given count for what they are.

    Args:
        curve: COP over outdoor temperature.
        temperature_step_c: Outdoor temperature by step [C], shape (steps,).
        local_day: Day number of each step, shape (steps,).
        heat_share: Share of the day's heat in each step, shape (steps,); need not sum to 1.
        electricity_share: Share of the day's electricity in each step; flat heat if neither is given.
    """
    cop = curve.cop(temperature_step_c)
    if electricity_share is not None:
        return np.asarray(
            np.bincount(local_day, electricity_share * cop) / np.bincount(local_day, electricity_share),
            dtype=float,
        )
    q = np.ones(len(cop)) if heat_share is None else heat_share
    return np.asarray(np.bincount(local_day, q) / np.bincount(local_day, q / cop), dtype=float)


@dataclass(frozen=True)
class Efficiency:
    """How heat becomes electricity, by day.

    Attributes:
        space_cop: COP of space heat, shape (days,).
        water_cop: COP of hot water, shape (days,).
        backup_share: Share of the space heat that the resistive backup heater gives, shape (days,) or (groups, days).
    """

    space_cop: Floats
    water_cop: Floats
    backup_share: Floats


def efficiency_by_day(
    curve: CopSource,
    temperature_c: Floats,
    *,
    space_cop: Floats | None = None,
    water_cop: Floats | float | None = None,
    backup_share: Floats | None = None,
) -> Efficiency:
    """Return the efficiency of each day.

    Args:
        curve: COP over outdoor temperature.
        temperature_c: Outdoor temperature by day [C], shape (days,).
        space_cop: COP of space heat by day, from its hours (:func:`heat_weighted_cop`); the day's mean if not given.
        water_cop: COP of hot water (one, or by day); the curve's if not given.
        backup_share: Share of the space heat from the backup heater; none if not given.
    """
    plain = curve.cop(temperature_c)
    water = plain if water_cop is None else np.broadcast_to(np.asarray(water_cop, dtype=float), plain.shape)
    return Efficiency(
        plain if space_cop is None else space_cop,
        np.asarray(water, dtype=float),
        np.zeros(len(plain)) if backup_share is None else backup_share,
    )


@dataclass(frozen=True)
class Scaled:
    """A COP curve at another level.

    Attributes:
        curve: The curve.
        factor_ratio: Factor on its COP.
    """

    curve: CopSource
    factor_ratio: float

    def cop(self, temperature_c: Floats | float) -> Floats:
        """Return the COP at outdoor temperatures."""
        return np.asarray(self.curve.cop(temperature_c) * self.factor_ratio, dtype=float)


def level_factor(efficiency: Efficiency, spf: float, heat: DayHeat, *, keep_water: bool = False) -> float:
    """Return the factor on the COPs with which this heat has this SPF, backup heaters included.

    Args:
        efficiency: COPs by day at any level, and backup shares.
        spf: SPF of all heat over all days.
        heat: Useful heat.
        keep_water: Whether the COP of hot water stays as it is.

    Raises:
        InputError: P123 if backup heaters (and hot water, if it is kept) alone would use more than the SPF leaves.
    """
    pumped = (heat.space_kwh_th * (1 - efficiency.backup_share)).sum(axis=0)
    fixed = float((heat.space_kwh_th * efficiency.backup_share).sum())
    space = float((pumped / efficiency.space_cop).sum())
    water = float((heat.water_kwh_th.sum(axis=0) / efficiency.water_cop).sum())
    if keep_water:
        fixed, water = fixed + water, 0.0
    total = float(heat.useful_kwh_th.sum()) / spf
    if total - fixed <= 0:
        raise InputError(
            Problem(
                "P123", "demand.backup", "backup heaters and hot water alone would use more than the SPF leaves",
                f"{fixed:.4g} kWh", f"SPF {spf:.3g} leaves {total:.4g} kWh for all",
            )
        )  # fmt: skip
    return (space + water) / (total - fixed)


def scaled_to(efficiency: Efficiency, spf: float, heat: DayHeat, *, keep_water: bool = False) -> Efficiency:
    """Return the efficiency with its COPs scaled so that this heat has this SPF; see :func:`level_factor`.

    Raises:
        InputError: P123 as there.
    """
    factor = level_factor(efficiency, spf, heat, keep_water=keep_water)
    return replace(
        efficiency,
        space_cop=np.asarray(efficiency.space_cop * factor),
        water_cop=np.asarray(efficiency.water_cop * (1.0 if keep_water else factor)),
    )


@dataclass(frozen=True)
class DayElectricity:
    """Electricity of retrofitted heat pumps by group (or building) and day.

    Attributes:
        space_kwh: Compressor and auxiliaries for rooms, shape (groups, days).
        water_kwh: For hot water.
        backup_kwh: The resistive backup heater.
    """

    space_kwh: Floats
    water_kwh: Floats
    backup_kwh: Floats

    @property
    def total_kwh(self) -> Floats:
        """All of it, shape (groups, days)."""
        return np.asarray(self.space_kwh + self.water_kwh + self.backup_kwh, dtype=float)

    @property
    def heating_kwh(self) -> Floats:
        """For rooms, backup included."""
        return np.asarray(self.space_kwh + self.backup_kwh, dtype=float)


def retrofitted(heat: DayHeat, efficiency: Efficiency, gamma: float) -> DayElectricity:
    """Return the electricity of heat pumps that replace the furnaces.

    Args:
        heat: Useful heat of the gas homes.
        efficiency: COPs and backup by day.
        gamma: How much less heat the homes need with a heat pump (Eq. 2 of Bayer & Pruckner; all heat, as there).
    """
    space = heat.space_kwh_th * (1 - gamma)
    return DayElectricity(
        np.asarray(space * (1 - efficiency.backup_share) / efficiency.space_cop, dtype=float),
        np.asarray(heat.water_kwh_th * (1 - gamma) / efficiency.water_cop, dtype=float),
        np.asarray(space * efficiency.backup_share, dtype=float),
    )


def electricity_by_hour(
    daily: Floats,
    temperature_c: Floats,
    shapes: HourShapes,
    local_day: NDArray[np.int64],
    local_hour: NDArray[np.int64],
    weekend: NDArray[np.bool_] | None = None,
) -> Floats:
    """Return electricity by group and step [kWh], shape (groups, steps); sums by local day are those of ``daily``.

    Args:
        daily: Electricity by group and day [kWh], shape (groups, days).
        temperature_c: Outdoor temperature by day [C], shape (days,).
        shapes: Shapes of the day.
        local_day: Day number of each step, shape (steps,).
        local_hour: Local step of the day of each step (the hour, for hourly shapes).
        weekend: Whether a day is a Saturday or Sunday, shape (days,).
    """
    shape = shapes.of_days(temperature_c, weekend)[local_day, local_hour]
    total = np.bincount(local_day, shape, minlength=daily.shape[1])
    return np.asarray(daily[:, local_day] * (shape / total[local_day])[None, :], dtype=float)
