"""Must-take production: wind, sun and decentral plants whose output is given, with or without curtailment."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from varme.components.base import Block, Cost, DeviceSpec, Env, Port, Term, number
from varme.ground.series import SeriesSpec
from varme.kernel.model import Model


class MustTake(DeviceSpec):
    """Production that is given as a series."""

    type: Literal["must_take"] = "must_take"
    """Kind of device."""
    node: str | None = None
    """Electricity node that it feeds; give `node` or `area`."""
    area: str | None = None
    """Heat area that it feeds."""
    available_mw: SeriesSpec
    """Production that is available [MW]."""
    curtailable: bool = False
    """Whether less than what is available may be taken."""
    curtail_eur_per_mwh: float = Field(default=0.0, ge=0)
    """Compensation for what is curtailed [EUR/MWh]."""

    @model_validator(mode="after")
    def _one_bus(self) -> MustTake:
        if (self.node is None) == (self.area is None):
            raise ValueError("P108: give exactly one of node and area")
        return self

    def buses(self) -> dict[str, str]:
        """Return the bus that it feeds."""
        return {"node": f"electricity:{self.node}"} if self.node else {"area": f"heat:{self.area}"}

    def block(self, name: str, model: Model, env: Env) -> Block:
        """Add the production as a fixed column, or the curtailed part beside it."""
        available = number(env.input(name, "available_mw"))
        bus = next(iter(self.buses().values()))
        output = model.var(f"{name}.output", lower=available, upper=available)
        ports, costs = [Port(bus, output, 1.0)], []
        readings = {"available_mw": [Term(output, 1.0)]}
        if self.curtailable:
            cost = self.curtail_eur_per_mwh * env.step_h
            curtailed = model.var(f"{name}.curtailed", upper=available, cost=cost)
            ports.append(Port(bus, curtailed, -1.0))
            costs = [Cost("curtailment", curtailed, cost)] if cost else []
        return Block(name, ports, costs, readings)  # type: ignore[arg-type]
