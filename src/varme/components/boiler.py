"""Heat-only boilers by fuel, and electric boilers.

Fuel boiler: ``q = eta f``. Electric boiler: ``p = q / eta``, with ``q <= heat_max_mw`` on the heat side.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from varme.components.base import (
    Block,
    Cost,
    DeviceSpec,
    Env,
    FuelledSpec,
    Port,
    Quantity,
    Term,
    commit,
    fuel_terms,
    status_readings,
    with_size,
)
from varme.ground.size import Decision, Size
from varme.kernel.model import Model
from varme.physics.cogeneration import TOTAL_EFFICIENCY_MAX


class Boiler(FuelledSpec):
    """A boiler that burns a fuel and makes heat only."""

    type: Literal["boiler"] = "boiler"
    """Kind of device."""
    area: str
    """Heat area that the boiler feeds."""
    heat_max_mw: float = Field(gt=0)
    """Heat at full load [MW]."""
    efficiency_share: float = Field(gt=0, le=TOTAL_EFFICIENCY_MAX)
    """Heat per fuel."""
    ramp_share_per_h: float = Field(default=1.0, gt=0)
    """Largest change of fuel, as a share of full load per hour; 1 is no limit at hourly steps."""

    def buses(self) -> dict[str, str]:
        """Return the bus that the boiler stands on."""
        return {"area": f"heat:{self.area}"}

    def block(self, name: str, model: Model, env: Env) -> Block:
        """Add fuel, and status and ramps where they are needed."""
        cost, parts, co2_t = fuel_terms(self, name, env)
        full = self.heat_max_mw / self.efficiency_share
        fuel = model.var(f"{name}.fuel", upper=full, cost=cost, history=1)
        readings: dict[Quantity, list[Term]] = {}
        costs: list[Cost] = []
        if self.always_committed() or self.ramp_share_per_h * env.step_h < 1:
            unit = commit(self, name, model, env, fuel, full, self.ramp_share_per_h)
            readings, costs = status_readings(unit, self)
        readings["fuel_mw"] = [Term(fuel, 1.0)]
        costs += [Cost(category, fuel, coefficient) for category, coefficient in parts]
        ports = [Port(f"heat:{self.area}", fuel, self.efficiency_share)]
        return Block(name, ports, costs, readings, self.fuel, [Term(fuel, co2_t)] if co2_t else [])


class ElectricBoiler(DeviceSpec):
    """A boiler that turns electricity into heat."""

    type: Literal["electric_boiler"] = "electric_boiler"
    """Kind of device."""
    node: str
    """Electricity node that it draws from."""
    area: str
    """Heat area that it feeds."""
    heat_max_mw: Size
    """Heat at full load, on the heat side [MW]: a number or a decision."""
    efficiency_share: float = Field(default=0.99, gt=0, le=1)
    """Heat per electricity."""
    electricity_fee_eur_per_mwh: float = Field(default=0.0, ge=0)
    """Tax and network charge on the electricity that it draws [EUR/MWh]."""

    def buses(self) -> dict[str, str]:
        """Return the buses that the boiler stands on."""
        return {"node": f"electricity:{self.node}", "area": f"heat:{self.area}"}

    def supplies(self) -> set[str]:
        """Return the heat area; the node only feeds it."""
        return {f"heat:{self.area}"}

    def block(self, name: str, model: Model, env: Env) -> Block:
        """Add heat, and the size if it is a decision."""
        fee = self.electricity_fee_eur_per_mwh / self.efficiency_share * env.step_h
        limit = self.heat_max_mw.max if isinstance(self.heat_max_mw, Decision) else self.heat_max_mw
        heat = model.var(f"{name}.heat", upper=limit, cost=fee)
        costs = [Cost("fees", heat, fee)] if fee else []
        block = Block(
            name,
            [
                Port(f"heat:{self.area}", heat, 1.0),
                Port(f"electricity:{self.node}", heat, -1 / self.efficiency_share),
            ],
            costs,
        )
        return with_size(block, self.heat_max_mw, model, env, (1.0, heat), "size_mw")
