"""Hours of the wall clock that repeat: blocking times, dimming, and the like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from varme.components.home import Surroundings
from varme.ground.spec import Spec

#: Days of the week, Monday first.
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Hours(Spec):
    """Hours of the wall clock on some days of the week."""

    from_h: float = Field(ge=0, lt=24)
    """Wall-clock hour at which they begin."""
    until_h: float = Field(gt=0, le=24)
    """Wall-clock hour at which they end; before `from_h`: on the next day."""
    days: list[str] = Field(default=list(WEEK), min_length=1)
    """Days on which they begin: mon, tue, wed, thu, fri, sat, sun."""

    @model_validator(mode="after")
    def _sensible(self) -> Hours:
        unknown = [d for d in self.days if d not in WEEK]
        if unknown:
            raise ValueError(f"P101 days: {', '.join(unknown)} unknown | Days are {', '.join(WEEK)}.")
        if self.until_h == self.from_h:
            raise ValueError("P108 until_h: must differ from from_h | 0 to 24 is the whole day.")
        return self

    @property
    def length_h(self) -> float:
        """Length on the wall clock."""
        return (self.until_h - self.from_h) % 24 or 24.0

    def mask(self, seen: Surroundings) -> NDArray[np.bool_]:
        """Return which steps begin within these hours, shape (N,)."""
        begins = np.isin(seen.weekday, [WEEK.index(d) for d in self.days])
        if self.until_h > self.from_h:
            return np.asarray(begins & (seen.local_h >= self.from_h) & (seen.local_h < self.until_h))
        before = np.isin((seen.weekday - 1) % 7, [WEEK.index(d) for d in self.days])
        return np.asarray((begins & (seen.local_h >= self.from_h)) | (before & (seen.local_h < self.until_h)))
