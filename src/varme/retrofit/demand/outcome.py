"""What the demand of a retrofitted town is computed from, and what comes out: the types of ``project``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.retrofit.demand.blocking import BlockedLoad
from varme.retrofit.demand.hot_water import WaterCop
from varme.retrofit.demand.hourly import StepGrid
from varme.retrofit.demand.load import CopSource, DayElectricity, DayHeat, Efficiency
from varme.retrofit.demand.profiles import HourShapes, ShapesOfDays
from varme.retrofit.demand.sizing import HeatingLines, Sizing
from varme.retrofit.demand.spec import DemandSpec
from varme.retrofit.demand.totals import YearDemand

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Town:
    """The calendar and weather of a town.

    Attributes:
        days: Local calendar days, shape (days,).
        hours_utc: Hours of the period, shape (hours,), ``datetime64[s]``.
        local_day: Number of the local day of each hour.
        local_hour: Local hour of each hour, 0 to 23.
        temperature_c: Outdoor temperature by hour [C].
    """

    days: NDArray[np.datetime64]
    hours_utc: NDArray[np.datetime64]
    local_day: NDArray[np.int64]
    local_hour: NDArray[np.int64]
    temperature_c: Floats

    @property
    def weekday(self) -> NDArray[np.int64]:
        """0 for Monday to 6 for Sunday, shape (days,)."""
        return np.asarray((self.days.astype("datetime64[D]").astype(np.int64) + 3) % 7)


@dataclass(frozen=True)
class GasHomes:
    """Useful heat of the gas homes.

    Attributes:
        heat: By group and day [kWh], shape (groups, days).
        base: Of a day without heating, of the same meters, by group and day [kWh]
            (:func:`~varme.retrofit.demand.load.sum_by_group`).
        homes: Homes by group, shape (groups,).
        lines: Change-point models, one per building that is sized.
        line_group: Group of each of those buildings, negative for none.
        slope_se: Standard error of their slopes; ``None`` if not known.
    """

    heat: Floats
    base: Floats
    homes: Floats
    lines: HeatingLines
    line_group: NDArray[np.int64]
    slope_se: Floats | None = None


@dataclass(frozen=True)
class HeatPumpHomes:
    """Electricity of the measured heat pumps.

    Attributes:
        fleet_heat: Heat of the gas fleet by day [kWh], for the COP of hot water; shape (days,).
        fleet_electricity: Electricity of the heat-pump fleet by day [kWh].
        values: Sub-daily readings [kWh], shape (meters, steps), NaN where missing; ``None`` if there are none.
        grid: Where those steps lie in the town's days.
    """

    fleet_heat: Floats | None = None
    fleet_electricity: Floats | None = None
    values: NDArray[np.float32] | None = None
    grid: StepGrid | None = None


@dataclass(frozen=True)
class Level:
    """What was estimated of the efficiency.

    Attributes:
        spf: SPF of the fleet over the period.
        gamma_share: How much less heat homes with heat pumps need.
        curve: COP over outdoor temperature, at any level.
        log_se: Standard error of log B, everything included.
        df: Its degrees of freedom.
        slope_se_share_per_k: Standard error of the slope of log COP [1/K].
        reference_c: Temperature around which the curve turns [C].
        flat_above_c: Above this temperature the curve is flat [C].
        measured_low_c: Coldest day on which heat pumps were measured [C].
    """

    spf: float
    gamma_share: float
    curve: CopSource
    log_se: float = 0.0
    df: float = 1e6
    slope_se_share_per_k: float = 0.0
    reference_c: float = 5.0
    flat_above_c: float = 15.0
    measured_low_c: float = -np.inf

    def tilt(self, temperature_c: Floats) -> Floats:
        """Return one standard error of log COP against its mean by day, negative in the cold, shape (days,).

        From the curve's own band where it has one (``log_se``), else from the standard error of its slope.
        """
        away = np.minimum(temperature_c, self.flat_above_c) - self.reference_c
        known = getattr(self.curve, "log_se", None)
        size = self.slope_se_share_per_k * np.abs(away) if known is None else known(temperature_c)
        return np.asarray(np.sign(away) * size, dtype=float)


@dataclass(frozen=True)
class DesignSpell:
    """The town in a design cold spell.

    Attributes:
        design_c: Design outdoor temperature: the lowest two-day mean of the spell [C].
        temperature_c: Mean outdoor temperature by day [C], shape (days,).
        electricity_mwh: Electricity by day [MWh].
        peak_mw: Highest step of the spell [MW].
    """

    design_c: float
    temperature_c: Floats
    electricity_mwh: Floats
    peak_mw: float


@dataclass(frozen=True)
class Demand:
    """Demand of the retrofitted town.

    Attributes:
        town: Calendar and weather.
        spec: How it was computed.
        level: What was estimated of the efficiency.
        temperature_c: Mean outdoor temperature by day [C], shape (days,).
        heat: Useful heat of the gas homes by group and day, before gamma.
        efficiency: COPs by day, at the level of the SPF.
        water_cop: Where the COP of hot water comes from.
        electricity: By group and day [kWh].
        grid: Steps of the load.
        times_utc: Their starts.
        load_kwh: Electricity by group and step [kWh], float32, shape (groups, steps); after blocking.
        shapes: Measured shapes by temperature; ``None`` with a standard profile.
        shape_rows: Shapes of every day.
        blocked: What blocking did; ``None`` without.
        sizing: Heat pumps of the buildings.
        years: Years, peak days, peak hours.
        day_low_kwh: P5 of the town's electricity by day.
        day_high_kwh: P95.
        spell: The design cold spell.
    """

    town: Town
    spec: DemandSpec
    level: Level
    temperature_c: Floats
    heat: DayHeat
    efficiency: Efficiency
    water_cop: WaterCop
    electricity: DayElectricity
    grid: StepGrid
    times_utc: NDArray[np.datetime64]
    load_kwh: NDArray[np.float32]
    shapes: HourShapes | None
    shape_rows: ShapesOfDays
    blocked: BlockedLoad | None
    sizing: Sizing
    years: tuple[YearDemand, ...]
    day_low_kwh: Floats
    day_high_kwh: Floats
    spell: DesignSpell

    @property
    def daily_kwh(self) -> Floats:
        """Electricity of the town by day [kWh], shape (days,)."""
        return np.asarray(self.electricity.total_kwh.sum(axis=0), dtype=float)

    @property
    def hourly_kwh(self) -> Floats:
        """Electricity of the town by step [kWh], shape (steps,)."""
        return np.asarray(self.load_kwh.sum(axis=0, dtype=np.float64))

    @property
    def constant_spf_kwh(self) -> Floats:
        """What a constant SPF makes of the same heat, by day [kWh]."""
        return np.asarray(
            self.heat.useful_kwh_th.sum(axis=0) * (1 - self.level.gamma_share) / self.level.spf, dtype=float
        )
