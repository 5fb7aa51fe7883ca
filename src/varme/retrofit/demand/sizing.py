"""Size of each building's heat pump: design load, bivalence point, backup heater, running hours; all buildings at once.

The building's heating line (slope and limit of its change-point model) meets the heat pump's capacity, which falls with
the outdoor temperature, at the bivalence point; below it a backup heater helps (parallel) or takes over (alternative).
Everything is closed form over the cumulated hours of the weather record, so a million buildings take a second.

Sources: EN 12831-1 (design load = loss coefficient x difference to the design temperature; design outdoor temperature
= lowest two-day mean that is reached or undercut ten times in twenty years, national annex of DIN EN 12831); EN 14825
(bivalence temperature, operation limit). The fall of capacity is the median over 7,420 outdoor-air/water models of the
Heat Pump Keymark at 55 C flow (hplib's collection, October 2024, MIT): capacity at the operation limit against capacity
at the bivalence temperature, per kelvin between them; quartiles 0.0 and 0.038; at 35 C flow the median is 0.0065.
Brine: median of 165 models. Above the bivalence temperature the Keymark tests part load, not capacity: that the same
straight line goes on there is an assumption.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from varme.retrofit.demand.load import CopSource

Floats = NDArray[np.float64]
Rule = Literal["monovalent", "bivalent_parallel", "bivalent_alternative"]

#: Fall of capacity per kelvin of outdoor temperature, of the capacity at the reference (see the module's sources).
AIR_FALL_SHARE_PER_K = 0.0195
GROUND_FALL_SHARE_PER_K = 0.0032
#: Outdoor temperature at which capacities are stated [C]: EN 14825, condition A of the average climate.
REFERENCE_C = -7.0
#: Rated sizes that are on the market [kW]: the whole numbers that are frequent in the Keymark, larger ones as found.
CATALOGUE_KW = (3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 12.0, 14.0, 16.0, 18.0, 22.0, 26.0, 30.0, 40.0, 58.0)
#: Times per year that the design temperature is reached or undercut: ten times in twenty years (DIN EN 12831).
TIMES_A_YEAR = 0.5
#: A cold spell lasts while two-day means stay within so much of its lowest [K], and some days to both sides of that
#: belong to it (assumption).
SPELL_K, APART_DAYS = 5.0, 5
#: Hours of an average year.
YEAR_H = 8766.0
#: Buildings worked on together where a table over temperatures is made.
BLOCK = 20000


class HeatingLines(Protocol):
    """What sizing needs of change-point models: heat per day, kelvin and building."""

    @property
    def base(self) -> Floats:
        """Heat of a day without heating [kWh], shape (buildings,)."""

    @property
    def slope(self) -> Floats:
        """Heat per day and kelvin below the limit [kWh/K], shape (buildings,)."""

    @property
    def limit_c(self) -> Floats:
        """Heating limit [C], shape (buildings,)."""


def design_temperature_c(daily_c: Floats, times_a_year: float = TIMES_A_YEAR) -> float:
    """Return the design outdoor temperature of a record [C]: its two-day mean that is undercut so often in a year.

    The lowest two-day means of cold spells are ranked, each spell once; between ranks it is interpolated. Short
    records know little: three years hold one or two such spells, twenty are asked for.

    Args:
        daily_c: Mean outdoor temperature by day [C], gaps as NaN.
        times_a_year: How often a year the temperature is reached or undercut.

    Raises:
        ValueError: if no two days in a row are known.
    """
    pairs = (daily_c[1:] + daily_c[:-1]) / 2
    known = np.isfinite(pairs)
    if not known.any():
        raise ValueError("no two days in a row have a temperature")
    wanted = max(times_a_year * len(daily_c) / 365.25, 1.0)
    left = np.where(known, pairs, np.inf)
    lowest: list[float] = []
    while len(lowest) < int(np.ceil(wanted)) and np.isfinite(left.min()):
        at = int(left.argmin())
        lowest.append(float(left[at]))
        warm = np.flatnonzero(left > lowest[-1] + SPELL_K)  # days that were taken before count as warm
        first = warm[warm < at].max(initial=-1) + 1
        last = warm[warm > at].min(initial=len(left))
        left[max(first - APART_DAYS, 0) : last + APART_DAYS] = np.inf
    return float(np.interp(wanted, np.arange(1, len(lowest) + 1), lowest))


def cold_spell(temperature_c: Floats, local_day: NDArray[np.int64], design_c: float, days: int = 7) -> Floats:
    """Return the hours of a design cold spell [C]: the record's coldest days, moved to meet the design.

    Args:
        temperature_c: Outdoor temperature by hour [C], shape (hours,).
        local_day: Day number of each hour, shape (hours,).
        design_c: Design outdoor temperature [C].
        days: Length of the spell.

    Returns:
        Temperature by hour of ``days`` days, shape (hours of those days,).
    """
    daily = np.bincount(local_day, temperature_c) / np.bincount(local_day)
    span = min(days, len(daily))
    mean = np.convolve(daily, np.ones(span) / span, mode="valid")
    first = int(mean.argmin())
    inside = daily[first : first + span]
    lowest = ((inside[1:] + inside[:-1]) / 2).min() if span > 1 else inside[0]
    hours = (local_day >= first) & (local_day < first + span)
    return np.asarray(temperature_c[hours] + (design_c - lowest), dtype=float)


@dataclass(frozen=True)
class SizingRule:
    """How heat pumps are chosen.

    Attributes:
        rule: ``monovalent``: the heat pump alone at the design temperature; ``bivalent_parallel``: a backup heater
            helps below the bivalence temperature; ``bivalent_alternative``: it takes over there.
        design_c: Design outdoor temperature [C].
        bivalence_c: Bivalence temperature that is aimed at (EN 14825: at most 2 C in the average climate).
        indoor_c: Indoor temperature for the design load without any gains (EN 12831); ``None`` takes the building's
            measured heating limit, with the gains that it had.
        fall_share_per_k: Fall of capacity per kelvin.
        operation_limit_c: Below it the heat pump stands still [C].
        catalogue_kw: Sizes on the market; empty for any size.
        blocked_h: Hours a day in which the grid operator blocks the heat pump.
        electric_backup: Whether the backup heater is electric (otherwise the old furnace stays).
    """

    rule: Rule = "bivalent_parallel"
    design_c: float = -12.0
    bivalence_c: float = -5.0
    indoor_c: float | None = None
    fall_share_per_k: float = AIR_FALL_SHARE_PER_K
    operation_limit_c: float = -20.0
    catalogue_kw: tuple[float, ...] = CATALOGUE_KW
    blocked_h: float = 0.0
    electric_backup: bool = True


@dataclass(frozen=True)
class Sizing:
    """Heat pumps chosen, one per building; every field of shape (buildings,) unless said otherwise.

    Attributes:
        rule: How they were chosen.
        loss_kw_per_k: Loss coefficient: slope of the heating line.
        limit_c: Heating limit.
        water_kw: Hot water, mean over the day.
        design_kw: Heat load at the design temperature, hot water included.
        design_low_kw: Lower end of its interval.
        design_high_kw: Upper end.
        size_kw: Capacity of the heat pump at ``REFERENCE_C``, units together.
        units: Machines side by side; more than one where the load is larger than the largest size.
        bivalence_c: Temperature at which capacity and load meet.
        backup_kw: Power of the backup heater at the design temperature.
        heat_kwh_th: Heat in an average year of the record.
        backup_share: Share of that heat from the backup heater.
        full_load_h: Heat of the heat pump over its capacity.
        running_h: Hours in which rooms are heated.
        electric_kw: Highest electric power at the design temperature: the heat pump at its capacity, and the backup
            heater if electric.
    """

    rule: SizingRule
    loss_kw_per_k: Floats
    limit_c: Floats
    water_kw: Floats
    design_kw: Floats
    design_low_kw: Floats
    design_high_kw: Floats
    size_kw: Floats
    units: NDArray[np.int64]
    bivalence_c: Floats
    backup_kw: Floats
    heat_kwh_th: Floats
    backup_share: Floats
    full_load_h: Floats
    running_h: Floats
    electric_kw: Floats

    def capacity_kw(self, temperature_c: Floats | float) -> Floats:
        """Return the capacity of every heat pump at an outdoor temperature [kW], 0 below the operation limit."""
        return capacity(self.size_kw, temperature_c, self.rule)


def capacity(size_kw: Floats, temperature_c: Floats | float, rule: SizingRule) -> Floats:
    """Return capacity at outdoor temperatures [kW]: a straight line, 0 below the operation limit and never negative."""
    t = np.asarray(temperature_c, dtype=float)
    line = np.maximum(1 + rule.fall_share_per_k * (t - REFERENCE_C), 0)
    return np.asarray(size_kw * np.where(t >= rule.operation_limit_c, line, 0), dtype=float)


class Weather:
    """Hours of a record, cumulated from cold to warm: hours below a temperature and their kelvin-hours, per year.

    Args:
        temperature_c: Outdoor temperature by hour [C]; NaN are left out.
    """

    def __init__(self, temperature_c: Floats) -> None:
        t = np.sort(temperature_c[np.isfinite(temperature_c)])
        self.scale = YEAR_H / len(t)
        self.sorted_c = t
        self.sums = np.concatenate([[0.0], np.cumsum(t)])

    def below(self, limit_c: Floats | float) -> tuple[Floats, Floats]:
        """Return the hours of a year below temperatures, and the sum of the temperatures of those hours."""
        n = np.searchsorted(self.sorted_c, limit_c)
        return np.asarray(n * self.scale), np.asarray(self.sums[n] * self.scale)


def size_heat_pumps(
    lines: HeatingLines,
    temperature_c: Floats,
    curve: CopSource,
    rule: SizingRule,
    *,
    gamma: float = 0.0,
    slope_se: Floats | None = None,
    confidence_z: float = 1.96,
    water_share: float = 1.0,
) -> Sizing:
    """Return the heat pump of every building.

    Args:
        lines: Change-point models of useful heat.
        temperature_c: Outdoor temperature by hour (or day) of the record [C].
        curve: COP over outdoor temperature, for the electric power at the design temperature.
        rule: How to choose.
        gamma: How much less heat the homes need with a heat pump.
        slope_se: Standard error of the slope by building; it gives the interval of the design load.
        confidence_z: Normal quantile of that interval.
        water_share: Share of the base load that is hot water (the rest is the furnace standing by).
    """
    h = np.asarray(lines.slope, dtype=float) * (1 - gamma) / 24
    water = np.maximum(np.asarray(lines.base, dtype=float), 0) * (1 - gamma) * water_share / 24
    limit = np.asarray(lines.limit_c, dtype=float)
    top = limit if rule.indoor_c is None else np.full(len(h), rule.indoor_c)
    need_k = np.maximum(top - rule.design_c, 0)
    design = h * need_k + water
    doubt = np.zeros(len(h)) if slope_se is None else slope_se * (1 - gamma) / 24 * need_k * confidence_z
    size, units = _chosen(design, h * np.maximum(top - rule.bivalence_c, 0) + water, rule)
    k, r = rule.fall_share_per_k, REFERENCE_C
    a, b = h * limit + water - size * (1 - k * r), h + size * k
    bivalence = np.minimum(a / np.maximum(b, 1e-12), limit)
    bivalence = np.maximum(bivalence, rule.operation_limit_c)
    heat, backup = _year(Weather(temperature_c), h, limit, water, a, b, bivalence, rule)
    running, _ = Weather(temperature_c).below(limit)
    at_design = capacity(size, rule.design_c, rule)
    helped = bivalence > rule.design_c
    alone = np.where(helped & (rule.rule == "bivalent_alternative"), 0.0, np.minimum(at_design, design))
    backup_kw = np.maximum(design - alone, 0)
    electric = _electric(size, at_design, backup_kw, bivalence, helped, curve, rule)
    return Sizing(
        rule, h, limit, water, design, np.maximum(design - doubt, 0), design + doubt, size, units, bivalence, backup_kw,
        heat, np.clip(backup / np.maximum(heat, 1e-12), 0, 1), (heat - backup) / np.maximum(size, 1e-12), running,
        electric,
    )  # fmt: skip


def _electric(
    size: Floats,
    at_design: Floats,
    backup_kw: Floats,
    bivalence: Floats,
    helped: NDArray[np.bool_],
    curve: CopSource,
    rule: SizingRule,
) -> Floats:
    """Return the highest electric power [kW]; of an alternative system, the larger of heat pump and backup heater."""
    rod = backup_kw if rule.electric_backup else np.zeros(len(size))
    compressor = at_design / curve.cop(rule.design_c)
    if rule.rule != "bivalent_alternative":
        return np.asarray(compressor + rod, dtype=float)
    meeting = np.maximum(bivalence, rule.design_c)
    line = np.maximum(1 + rule.fall_share_per_k * (meeting - REFERENCE_C), 0)
    return np.asarray(
        np.where(helped, np.maximum(size * line / curve.cop(meeting), rod), compressor), dtype=float
    )


def _chosen(design: Floats, bivalent: Floats, rule: SizingRule) -> tuple[Floats, NDArray[np.int64]]:
    """Return the capacity at the reference [kW] and the number of units: the next size up, several of the largest."""
    target_c = rule.design_c if rule.rule == "monovalent" else max(rule.bivalence_c, rule.design_c)
    load = design if rule.rule == "monovalent" else np.minimum(bivalent, design)
    per_kw = float(capacity(np.ones(1), target_c, rule)[0])
    wanted = load * 24 / (24 - rule.blocked_h) / max(per_kw, 1e-9)
    if not rule.catalogue_kw:
        return wanted, np.ones(len(wanted), dtype=np.int64)
    sizes = np.sort(np.asarray(rule.catalogue_kw, dtype=float))
    units = np.maximum(np.ceil(wanted / sizes[-1] - 1e-9), 1).astype(np.int64)
    return sizes[np.searchsorted(sizes, wanted / units - 1e-9).clip(0, len(sizes) - 1)] * units, units


def _year(
    weather: Weather,
    h: Floats,
    limit: Floats,
    water: Floats,
    a: Floats,
    b: Floats,
    bivalence: Floats,
    rule: SizingRule,
) -> tuple[Floats, Floats]:
    """Return heat and backup heat of an average year [kWh]; load less capacity is a - b T below the bivalence point."""
    n, s = weather.below(limit)
    heat = h * (limit * n - s) + water * YEAR_H
    n_biv, s_biv = weather.below(bivalence)
    if rule.rule == "bivalent_alternative":
        return heat, h * (limit * n_biv - s_biv) + water * n_biv
    n_off, s_off = weather.below(rule.operation_limit_c)
    off = h * (limit * n_off - s_off) + water * n_off
    return heat, np.maximum(a * (n_biv - n_off) - b * (s_biv - s_off), 0) + off


def backup_by_temperature(
    sizing: Sizing, temperature_c: Floats, group: NDArray[np.int64] | None = None, groups: int = 1
) -> Floats:
    """Return the share of room heat that backup heaters give at outdoor temperatures, shape (groups, temperatures).

    Args:
        sizing: Heat pumps chosen.
        temperature_c: Outdoor temperatures [C]: the means of days, shape (days,), or any.
        group: Group of each building, negative for none; all are one group if not given.
        groups: Number of groups.
    """
    low, high = (
        float(np.nanmin(temperature_c)),
        float(max(np.nanmax(sizing.bivalence_c), np.nanmin(temperature_c))),
    )
    grid = np.arange(np.floor(low), np.ceil(high) + 0.75, 0.25)
    where = np.zeros(len(sizing.size_kw), dtype=np.int64) if group is None else group
    backup, room = np.zeros((groups, len(grid))), np.zeros((groups, len(grid)))
    for first in range(0, len(where), BLOCK):
        part = slice(first, first + BLOCK)
        rooms = sizing.loss_kw_per_k[part, None] * np.maximum(sizing.limit_c[part, None] - grid, 0)
        able = capacity(sizing.size_kw[part, None], grid, sizing.rule)
        if sizing.rule.rule == "bivalent_alternative":
            able = np.where(grid < sizing.bivalence_c[part, None], 0, able)
        short = np.clip(rooms + sizing.water_kw[part, None] - able, 0, rooms)
        mine = where[part] >= 0
        np.add.at(backup, where[part][mine], short[mine])
        np.add.at(room, where[part][mine], rooms[mine])
    share = backup / np.maximum(room, 1e-12)
    place = np.clip((temperature_c - grid[0]) / 0.25, 0, len(grid) - 1)
    left = np.minimum(place.astype(np.int64), max(len(grid) - 2, 0))
    part_share = np.clip(place - left, 0, 1)
    out = share[:, left] * (1 - part_share) + share[:, np.minimum(left + 1, len(grid) - 1)] * part_share
    return np.asarray(np.where(temperature_c > high, 0, out), dtype=float)
