"""Sizes: a number, or a decision with limits and costs.

``heat_max_mw = 300`` is a size; ``heat_max_mw = { min = 0, max = 600, eur_per_mw = 700000, life_years = 25 }`` lets the
optimiser choose, and charges the annuity of the investment to the horizon in proportion to its length.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field, model_validator

from varme.ground.errors import InputError, Problem
from varme.ground.spec import Spec

HOURS_PER_YEAR = 8760.0

#: Unit of a size -> (field of its cost per unit, factor from that field to the size's unit).
UNIT_COSTS: Final[Mapping[str, tuple[str, float]]] = {
    "mw": ("eur_per_mw", 1.0),
    "mwh": ("eur_per_mw", 1.0),
    "kw": ("eur_per_mw", 1e-3),
    "kwh": ("eur_per_kwh", 1.0),
    "kwp": ("eur_per_kwp", 1.0),
    "l": ("eur_per_l", 1.0),
}


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
    eur_per_kwh: float = Field(default=0.0, ge=0)
    """Investment per kWh, for a size in kWh (batteries of homes)."""
    eur_per_kwp: float = Field(default=0.0, ge=0)
    """Investment per kWp, for a size in kWp (PV)."""
    eur_per_l: float = Field(default=0.0, ge=0)
    """Investment per litre, for a size in litres (tanks)."""
    fixed_om_eur_year: float = Field(default=0.0, ge=0)
    """Operation and maintenance a year that does not depend on the size, once anything is built [EUR a year]."""
    fixed_om_share: float = Field(default=0.0, ge=0, le=1)
    """Operation and maintenance a year, as a share of the investment."""
    optional: bool = False
    """Whether nothing may be built although `min` is above 0: "none, or at least `min`"."""
    price_year: int | None = Field(default=None, ge=1990, le=2100)
    """Year of the money in which the costs are stated."""
    source: str = ""
    """Where the costs come from."""
    subsidy_share: float = Field(default=0.0, ge=0, le=1)
    """Share of the investment that is subsidised."""
    subsidy_eur: float = Field(default=0.0, ge=0)
    """Subsidy that does not depend on the investment, once anything is built [EUR]."""
    subsidy_max_eur: float | None = Field(default=None, ge=0)
    """Most that the subsidy comes to [EUR]; no limit if not given."""
    eur_range_share: float = Field(default=0.0, ge=0, lt=1)
    """How far the investment may lie above or below what is stated, as a share of it."""

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
        for name in ("eur_per_kwh", "eur_per_kwp", "eur_per_l"):
            if getattr(self, name):
                what = "belongs to a size in kWh, kWp or litres, and this one is in MW or MWh"
                raise InputError(Problem("P171", name, what, getattr(self, name), "", "Give eur_per_mw."))
        yearly = self.eur_per_mw * self.annuity_share + self.fixed_om_eur_per_mw_year
        return yearly * hours / HOURS_PER_YEAR

    def eur_build(self, hours: float) -> float:
        """Return the fixed cost of building at all, over a horizon of ``hours`` [EUR]."""
        return self.eur_fixed * self.annuity_share * hours / HOURS_PER_YEAR

    def misplaced(self, unit: str) -> list[str]:
        """Return the costs that do not fit a size in some unit (``kw``, ``kwh``, ``kwp``, ``l``)."""
        own = UNIT_COSTS[unit][0]
        names = ("eur_per_mw", "eur_per_kwh", "eur_per_kwp", "eur_per_l")
        return [name for name in names if name != own and getattr(self, name)]

    def investment_eur(self, size: float, unit: str) -> float:
        """Return the investment of a size in some unit, before subsidy [EUR]; 0 for none."""
        name, factor = UNIT_COSTS[unit]
        return float(getattr(self, name)) * factor * size + self.eur_fixed if size > 0 else 0.0

    def subsidy_of_eur(self, investment_eur: float) -> float:
        """Return the subsidy on an investment [EUR]."""
        asked = self.subsidy_share * investment_eur + (self.subsidy_eur if investment_eur > 0 else 0.0)
        most = investment_eur if self.subsidy_max_eur is None else min(self.subsidy_max_eur, investment_eur)
        return min(asked, most)

    def yearly_lines(self, unit: str) -> tuple[tuple[float, float], ...]:
        """Return the yearly cost as the largest of lines, each (EUR per unit and year, EUR a year) once it is built.

        Annuity of the investment less subsidy, and operation and maintenance. A subsidy with a limit makes two lines:
        below and above the investment at which the limit is reached.
        """
        name, factor = UNIT_COSTS[unit]
        per, fixed = float(getattr(self, name)) * factor, self.eur_fixed
        per_om = self.fixed_om_share * per + self.fixed_om_eur_per_mw_year * (
            factor if name == "eur_per_mw" else 0.0
        )
        fixed_om = self.fixed_om_share * fixed + self.fixed_om_eur_year
        a, share = self.annuity_share, 1 - self.subsidy_share
        lines = [(a * share * per + per_om, a * (share * fixed - self.subsidy_eur) + fixed_om)]
        if self.subsidy_max_eur is not None:
            lines.append((a * per + per_om, a * (fixed - self.subsidy_max_eur) + fixed_om))
        return (*lines, (per_om, fixed_om))


Size = Annotated[float, Field(ge=0)] | Decision


def largest(size: Size) -> float:
    """Return the number, or the upper limit of a decision."""
    return size.max if isinstance(size, Decision) else float(size)
