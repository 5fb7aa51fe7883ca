"""Lines between two heat areas or two electricity nodes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from varme.components.base import Block, Cost, DeviceSpec, Env, Port
from varme.kernel.model import Model


class Line(DeviceSpec):
    """A transmission pipe or cable; what leaves one end arrives at the other, less the losses."""

    type: Literal["line"] = "line"
    """Kind of device."""
    carrier: Literal["heat", "electricity"] = "heat"
    """What is carried."""
    from_bus: str
    """Area or node where it begins."""
    to_bus: str
    """Area or node where it ends."""
    capacity_mw: float = Field(gt=0)
    """Largest flow at the sending end [MW]."""
    back_capacity_mw: float = Field(default=0.0, ge=0)
    """Largest flow in the other direction [MW]; 0 for one way."""
    loss_share: float = Field(default=0.0, ge=0, lt=1)
    """Share that is lost on the way."""
    pumping_eur_per_mwh: float = Field(default=0.0, ge=0)
    """Cost of carrying [EUR/MWh at the sending end]."""

    @model_validator(mode="after")
    def _two_ends(self) -> Line:
        if self.from_bus == self.to_bus:
            raise ValueError("P108: a line needs two different ends")
        return self

    def buses(self) -> dict[str, str]:
        """Return the buses at both ends."""
        return {"from_bus": f"{self.carrier}:{self.from_bus}", "to_bus": f"{self.carrier}:{self.to_bus}"}

    def supplies(self) -> set[str]:
        """Return the receiving end, and the sending end if the flow may turn round."""
        ends = self.buses()
        return {ends["to_bus"], ends["from_bus"]} if self.back_capacity_mw else {ends["to_bus"]}

    def block(self, name: str, model: Model, env: Env) -> Block:
        """Add a flow for each direction."""
        ends = self.buses()
        cost = self.pumping_eur_per_mwh * env.step_h
        ports: list[Port] = []
        costs: list[Cost] = []
        flows = [
            ("flow", self.capacity_mw, "from_bus", "to_bus"),
            ("back", self.back_capacity_mw, "to_bus", "from_bus"),
        ]
        for part, limit, sender, receiver in flows:
            if limit:
                flow = model.var(f"{name}.{part}", upper=limit, cost=cost)
                ports += [Port(ends[sender], flow, -1.0), Port(ends[receiver], flow, 1 - self.loss_share)]
                costs += [Cost("transmission", flow, cost)] if cost else []
        return Block(name, ports, costs)
