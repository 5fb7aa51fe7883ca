"""The grid and who switches when."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from varme.ground.spec import Spec


class GridSpec(Spec):
    """Transformers and what they carry."""

    rating_kva: float = Field(default=400.0, gt=0)
    """Rating of a transformer, where the table of transformers gives none (a usual size in European towns;
    assumption)."""
    power_factor_share: float = Field(default=0.97, gt=0, le=1)
    """Power factor of the load (assumption)."""
    draws_count: int = Field(default=200, ge=20, le=100000)
    """Monte Carlo draws."""
    seed: int = Field(default=1, ge=0)
    """Seed of the draws."""
    method: Literal["auto", "monte_carlo", "moments"] = "auto"
    """`monte_carlo` draws home by home; `moments` reads peaks from a table that is drawn once, for very many homes;
    `auto` takes the former up to 20,000 homes."""
    candidate_days_count: int = Field(default=10, ge=3, le=60)
    """Days of each year on which its peak is looked for: those with the most electricity. With 30 instead of 10 the P95
    moves by less than 1 % (tests)."""
    base_profile: Literal["household", "h0", "none"] = "household"
    """What transformers carry already: `household` is the mean winter shape of SimBench's household profiles; `h0` the
    BDEW standard profile (needs the extra `profiles`); `none` leaves it out."""
    household_kwh: float = Field(default=3500.0, ge=0)
    """Annual electricity of a household, where the building table gives none (assumption)."""
    household_spread_share: float = Field(default=0.7, ge=0, le=3)
    """Scatter of one household's hour about the profile (SimBench household profiles: 0.3 to 0.8); that of n is this
    over the square root of n. It does not apply where a transformer's base peak is given."""
    peak_ratio: float = Field(default=1.0, ge=1, le=3)
    """Factor from the peak of the meters' step to that of the step wanted: hourly means hide the peaks within the hour.
    1 leaves peaks as they are measured, which a finding says."""
    own_peak: Literal["annual", "bin"] = "annual"
    """Own peak of a heat pump in the simultaneity factor: its highest step of all, or of the temperature bin."""
    hours: Literal["peak_week", "year"] = "peak_week"
    """Hours of the table by transformer and hour: the week around the town's peak, or the whole year of the peak."""
    hours_transformers_count: int = Field(default=500, ge=1)
    """Transformers in that table, those with the highest loading first."""


class AdoptionSpec(Spec):
    """Who switches from gas to a heat pump, and in which order."""

    shares: list[float] = Field(default=[0.1, 0.2, 0.3, 0.5, 0.7, 1.0], min_length=1)
    """Shares of the gas homes that have switched."""
    order: Literal["random", "oldest_furnace", "by_transformer"] = "random"
    """Who switches first."""


class PrivacySpec(Spec):
    """What may be shown."""

    k_count: int = Field(default=5, ge=1)
    """Smallest group of buildings of which figures are shown (k-anonymity)."""
    show_meters: bool = False
    """Whether tables by single meter carry the meters' ids; otherwise they are numbered."""
    seed: int = Field(default=1, ge=0)
    """Seed of the numbers that stand for meters; as secret as their ids."""
