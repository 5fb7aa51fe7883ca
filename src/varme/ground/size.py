"""Sizes: a number, or a decision with limits and costs.

``heat_max_mw = 300`` is a size; ``heat_max_mw = { min = 0, max = 600, eur_per_mw = 700000, life_years = 25 }`` lets the
optimiser choose, and charges the annuity of the investment to the horizon in proportion to its length.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from varme.ground.spec import Spec

HOURS_PER_YEAR = 8760.0


class Decision(Spec):
    """A size that the optimiser chooses, between ``min`` and ``max`` in the unit of the field that it stands in."""

    min: float = Field(default=0.0, ge=0)
    """Smallest size, in the unit of the field."""
    max: float = Field(gt=0)
    """Largest size, in the unit of the field."""
    eur_per_mw: float = Field(default=0.0, ge=0)
    """Investment per unit of size [EUR per MW, or per MWh for a store]."""
    eur_fixed: float = Field(default=0.0, ge=0)
    """Investment that does not depend on the size, spent once anything is built [EUR]; makes building an integer
    decision."""
    fixed_om_eur_per_mw_year: float = Field(default=0.0, ge=0)
    """Fixed operation and maintenance per unit of size and year [EUR per MW and year]."""
    life_years: float = Field(default=25.0, gt=0)
    """Life over which the investment is paid back [years]."""
    interest_share: float = Field(default=0.04, ge=0, le=1)
    """Real interest rate [share a year]."""

    @model_validator(mode="after")
    def _limits(self) -> Decision:
        if self.min > self.max:
            raise ValueError(f"P108: min {self.min:g} is above max {self.max:g}")
        return self

    @property
    def annuity_share(self) -> float:
        """Yearly share of the investment: ``i / (1 - (1 + i)**-n)``, or ``1/n`` without interest."""
        rate, years = self.interest_share, self.life_years
        return 1 / years if rate == 0 else rate / (1 - (1 + rate) ** -years)

    def eur_per_unit(self, hours: float) -> float:
        """Return the cost of one unit of size over a horizon of ``hours`` [EUR per MW or MWh]."""
        yearly = self.eur_per_mw * self.annuity_share + self.fixed_om_eur_per_mw_year
        return yearly * hours / HOURS_PER_YEAR

    def eur_build(self, hours: float) -> float:
        """Return the fixed cost of building at all, over a horizon of ``hours`` [EUR]."""
        return self.eur_fixed * self.annuity_share * hours / HOURS_PER_YEAR


Size = Annotated[float, Field(ge=0)] | Decision


def largest(size: Size) -> float:
    """Return the number, or the upper limit of a decision."""
    return size.max if isinstance(size, Decision) else float(size)
