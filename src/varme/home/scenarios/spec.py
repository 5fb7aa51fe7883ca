"""The section ``scenarios`` of a home study: how uncertain the forecasts are, and how much risk matters."""

from __future__ import annotations

import numpy as np
from pydantic import Field, model_validator

from varme.ground.spec import Spec


class ScenariosSpec(Spec):
    """Forecast errors as scenarios; a plan whose first decisions suit them all.

    Errors are zero now and grow with lead time to the spreads below (first-order autoregressive); errors of weather,
    price and load are correlated. Every default is an assumption: replace them by the errors of your own forecasts.
    """

    scenarios_count: int = Field(default=20, ge=1, le=200)
    """Scenarios of the plan."""
    seed: int = Field(default=1, ge=0)
    """Seed."""
    risk_share: float = Field(default=0.2, ge=0, le=1)
    """Weight of the risk in the objective: 0 is the expected cost, 1 the mean of the worst cases alone (CVaR)."""
    confidence_share: float = Field(default=0.9, ge=0, lt=1)
    """The worst cases are those beyond this share of the scenarios."""
    first_min: int = Field(default=30, ge=1)
    """For how long decisions are the same in all scenarios [min]; whole on/off decisions for so long, relaxed after."""
    coarse: bool = True
    """Whether slots grow with lead time: the base step for 2 h, twice for 6 h more, four times after."""
    fresh_count: int = Field(default=200, ge=0, le=5000)
    """Fresh scenarios on which the plan is compared with the deterministic one; 0 for no comparison."""
    temperature_spread_k: float = Field(default=1.5, ge=0)
    """Standard deviation of the outdoor temperature's error."""
    temperature_memory_h: float = Field(default=12.0, gt=0)
    """Time over which the error of the temperature fades."""
    sun_spread_share: float = Field(default=0.35, ge=0, le=1.5)
    """Spread of the sun's error, of PV and solar gains (log-normal)."""
    sun_memory_h: float = Field(default=4.0, gt=0)
    """Time over which the error of the sun fades."""
    price_spread_eur_per_kwh: float = Field(default=0.03, ge=0)
    """Standard deviation of the energy price's error, beyond the hours that are known."""
    price_memory_h: float = Field(default=8.0, gt=0)
    """Time over which the error of the price fades."""
    price_known_h: float = Field(default=12.0, ge=0)
    """For how long prices are known."""
    load_spread_share: float = Field(default=0.4, ge=0, le=2)
    """Spread of the household load's error (log-normal)."""
    load_memory_h: float = Field(default=2.0, gt=0)
    """Time over which the error of the load fades."""
    draw_spread_share: float = Field(default=0.7, ge=0, le=3)
    """Spread of the error of hot-water draws (log-normal)."""
    draw_memory_h: float = Field(default=1.5, gt=0)
    """Time over which the error of the draws fades."""
    return_spread_h: float = Field(default=1.0, ge=0, le=6)
    """Standard deviation of the hour at which vehicles return."""
    trip_spread_share: float = Field(default=0.3, ge=0, le=2)
    """Spread of the electricity of trips (log-normal)."""
    temperature_sun_correlation_share: float = Field(default=0.3, ge=-1, le=1)
    """Correlation of the errors of temperature and sun."""
    price_sun_correlation_share: float = Field(default=-0.4, ge=-1, le=1)
    """Correlation of the errors of price and sun."""
    price_temperature_correlation_share: float = Field(default=-0.2, ge=-1, le=1)
    """Correlation of the errors of price and temperature."""

    @model_validator(mode="after")
    def _correlations(self) -> ScenariosSpec:
        if np.linalg.eigvalsh(self.correlation).min() < -1e-9:
            what = "the three correlations cannot hold together"
            raise ValueError(f"P350 price_sun_correlation_share: {what} | Give smaller ones.")
        return self

    @property
    def correlation(self) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """Correlation of the errors of temperature, sun and price, shape (3, 3)."""
        ts, ps, pt = (
            self.temperature_sun_correlation_share,
            self.price_sun_correlation_share,
            self.price_temperature_correlation_share,
        )
        return np.array([[1.0, ts, pt], [ts, 1.0, ps], [pt, ps, 1.0]])
