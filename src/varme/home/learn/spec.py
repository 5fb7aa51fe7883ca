"""The study file of the kind ``home-learn``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from varme.ground.series import SeriesSpec
from varme.ground.spec import Spec
from varme.home.spec import HomeFields


class MeasuredSpec(Spec):
    """What was measured. Everything is optional; what is missing is told as what it would take.

    Files may have gaps: `gaps = "keep"` leaves the missing values out.
    """

    room_c: SeriesSpec | None = None
    """Room temperature [C]."""
    heat_kw: SeriesSpec | None = None
    """Heat into the rooms, from a heat meter [kW]."""
    heat_pump_kw: SeriesSpec | None = None
    """Electricity of the heat pump while it heats the rooms; of all modes, if hot water is not told apart [kW]."""
    water_heat_kw: SeriesSpec | None = None
    """Heat into the hot-water tank [kW]."""
    tank_c: SeriesSpec | None = None
    """Temperature of the tank [C]."""
    meter_kw: SeriesSpec | None = None
    """Electricity of the whole home, from the smart meter [kW]."""
    load_kw: SeriesSpec | None = None
    """Electricity of the household alone [kW]."""
    pv_kw: SeriesSpec | None = None
    """PV power [kW]."""
    charge_kw: SeriesSpec | None = None
    """Charge of the battery [kW]."""
    discharge_kw: SeriesSpec | None = None
    """Discharge of the battery [kW]."""
    battery_kwh: SeriesSpec | None = None
    """Level of the battery at the end of each interval [kWh]."""


class LearnSpec(Spec):
    """How it is learnt."""

    nodes_count: Literal[1, 2] = 2
    """Temperatures of the house: 1 (1R1C) or 2 (2R2C)."""
    confidence_share: float = Field(default=0.95, gt=0.5, lt=1)
    """Confidence of the intervals."""
    level_sd_share: float = Field(default=0.12, gt=0, lt=1)
    """How far the heat pump's map may be off, as a standard deviation, where the heat was not measured (assumption: 6 %
    for the map from two certified points, 10 % from certificate to installation)."""
    gains_follow_day: bool = True
    """Whether unknown gains may follow the hours of the day."""
    seed: int = Field(default=1, ge=0)
    """Seed of the intervals that are drawn."""


class HomeLearnStudy(HomeFields):
    """What a house, its heat pump, tank and battery are, from what was measured."""

    kind: Literal["home-learn"] = "home-learn"
    """Kind of study."""
    measured: MeasuredSpec = MeasuredSpec()
    """What was measured."""
    learn: LearnSpec = LearnSpec()
    """How it is learnt."""
