"""The grid and who switches when."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from varme.ground.spec import Spec


class GridSpec(Spec):
    """Transformers and what they carry."""

    rating_kva: float = Field(default=400.0, gt=0)
    """Rating of a transformer, where the table of transformers gives none."""
    power_factor_share: float = Field(default=0.97, gt=0, le=1)
    """Power factor of the load."""
    draws_count: int = Field(default=200, ge=20, le=100000)
    """Monte Carlo draws."""
    seed: int = Field(default=1, ge=0)
    """Seed of the draws."""


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
