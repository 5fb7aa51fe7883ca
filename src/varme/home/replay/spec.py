"""The study file of the kind ``home-replay``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from varme.ground.series import SeriesSpec
from varme.ground.spec import Spec
from varme.home.scenarios.spec import ScenariosSpec
from varme.home.spec import HomeFields, PlanSpec, StateSpec

ErrorSource = Literal["seen", "spec"]


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
    horizon_h: float = Field(default=24.0, ge=6, le=168)
    """Length of a plan. Default: in three weeks of the synthetic year 24 h cost less than 30 and 36 h, whose last hours
    rest on weak forecasts."""
    fine_h: float = Field(default=3.0, ge=1)
    """How far a plan has slots of the study's step; after it they are longer. Default: likewise, against 2 and 6 h."""
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
    scenario_errors: ErrorSource = "seen"
    """Errors of the scenarios, if there are any: `seen`: those that the same forecasts made so far in the replay (at
    the start, while there are too few, the spreads of `[scenarios]`); `spec`: those spreads throughout."""
    scenario_water_reserve_k: float | None = Field(default=None, ge=0, le=10)
    """The planner's reserve of hot water under scenarios [K]; that of `forecast` if not given."""

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
    scenarios: ScenariosSpec | None = None
    """A controller beside the planner whose decisions until the next plan suit many scenarios; none if not given. Of
    the section, `fresh_count` has no meaning here, `first_min` is at least the time between plans, prices are known
    until they are published, and trips are as expected."""

    @model_validator(mode="after")
    def _uncertain(self) -> HomeReplayStudy:
        if self.scenarios is not None and self.forecast.method == "perfect":
            what = "scenarios need forecasts that err, and `forecast.method` is `perfect`"
            raise ValueError(f"P108 scenarios: {what} | Leave the section out, or take `persistence`.")
        return self
