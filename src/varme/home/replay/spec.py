"""The study file of the kind ``home-replay``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from varme.ground.series import SeriesSpec
from varme.ground.spec import Spec
from varme.home.spec import HomeFields, PlanSpec, StateSpec


class ForecastSpec(Spec):
    """What the planner knows of what comes."""

    method: Literal["persistence", "perfect"] = "persistence"
    """`persistence`: the same hour of yesterday (weather, hot water) or of last week (load), corrected by the errors of
    the last hours; `perfect`: the truth, a bound that no controller reaches."""
    published_h: float = Field(default=13.0, ge=0, le=24)
    """Wall-clock hour from which tomorrow's prices are known: 13 (day-ahead auctions publish at about 12:57 CET)."""
    water_reserve_k: float = Field(default=4.0, ge=0, le=10)
    """By how much warmer than expected the planner keeps the tank, for draws that it does not foresee [K]
    (assumption); none with perfect forecasts."""
    outdoor_c: SeriesSpec | None = None
    """A forecast of the outdoor temperature as it was given [C], instead of the method; one value per step, whatever
    the lead."""
    pv_kw: SeriesSpec | None = None
    """Likewise of the power of PV [kW]."""
    load_kw: SeriesSpec | None = None
    """Likewise of the household's load [kW]."""


class ReplaySpec(Spec):
    """How the home is run."""

    replan_min: int = Field(default=60, ge=5, le=1440)
    """Time between plans [min]."""
    horizon_h: float = Field(default=36.0, ge=6, le=168)
    """Length of a plan."""
    fine_h: float = Field(default=6.0, ge=1)
    """How far a plan has slots of the study's step; after it they are longer."""
    coarse_min: int = Field(default=60, ge=5, le=240)
    """Length of the later slots [min]."""
    simulation_min: int = Field(default=15, ge=1, le=60)
    """Step of the simulated home [min]."""
    real_temperatures: bool = True
    """Whether the simulated heat pump has the limits and COP of the real temperatures; else those of plans."""
    perfect: bool = True
    """Whether the run with perfect forecasts is made as well, as a bound."""
    baselines: list[Literal["thermostat", "timer", "no_storage", "pv_surplus"]] = Field(
        default=["thermostat", "timer", "pv_surplus"], min_length=1
    )
    """Rules that are run in the same weather, each with its set points tuned to the span."""
    compare_with: Literal["thermostat", "timer", "no_storage", "pv_surplus"] = "thermostat"
    """Rule that savings are counted against."""
    confidence_share: float = Field(default=0.90, gt=0.5, lt=1)
    """Confidence of the intervals of savings."""
    draws: int = Field(default=2000, ge=100, le=100_000)
    """Draws of the bootstrap over weeks."""
    seed: int = Field(default=1, ge=0)
    """Seed of the bootstrap."""

    @model_validator(mode="after")
    def _fits(self) -> ReplaySpec:
        if self.compare_with not in self.baselines:
            raise ValueError("P108 compare_with: must be one of the baselines | Add it to `baselines`.")
        if self.horizon_h * 60 <= self.replan_min:
            raise ValueError("P165 horizon_h: a plan must reach beyond the next one | Give a longer horizon.")
        return self


class HomeReplayStudy(HomeFields):
    """A home in closed loop over a span, against rules in the same weather."""

    kind: Literal["home-replay"] = "home-replay"
    """Kind of study."""
    state: StateSpec = StateSpec()
    """The state at the start."""
    plan: PlanSpec = PlanSpec()
    """How plans are made."""
    forecast: ForecastSpec = ForecastSpec()
    """What the planner knows of what comes."""
    replay: ReplaySpec = ReplaySpec()
    """How the home is run."""
