"""Which cleaning rules apply, and when a meter's year may be used."""

from __future__ import annotations

from pydantic import Field

from varme.ground.spec import Spec


class CleaningSpec(Spec):
    """Cleaning rules and what is enough."""

    valid_days_share: float = Field(default=0.9, gt=0, le=1)
    """Share of a year's days that must be valid for the year to be used (CalTRACK 2.2: 0.9)."""
    valid_hours_share: float = Field(default=0.5, gt=0, le=1)
    """Share of a day's hours that must be valid for a daily sum (CalTRACK 2.2: 0.5); the sum is the mean times the
    hours of the day."""
