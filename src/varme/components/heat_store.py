"""Heat stores: level, losses, charge and discharge limits and efficiencies, terminal level or value.

``L[t] = (1 - loss)^step L[t-1] + step * (eta_c c[t] - d[t] / eta_d)``, ``0 <= L <= C``, with the step in hours.

With efficiencies below 1, charging and discharging share a step, one after the other: ``c / c_max + d / d_max <= 1``,
so that a store cannot burn more surplus than it really could.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from varme.components.base import TERMINAL_CATEGORY, Block, Cost, DeviceSpec, Env, Port, Term, with_size
from varme.ground.size import Decision, Size, largest
from varme.kernel.model import Model, Number, Windowed


class HeatStore(DeviceSpec):
    """A hot-water tank, pit or cavern in a heat area."""

    type: Literal["heat_store"] = "heat_store"
    """Kind of device."""
    area: str
    """Heat area that it stands in."""
    capacity_mwh: Size
    """Heat that it can hold [MWh]: a number or a decision."""
    charge_max_mw: float = Field(gt=0)
    """Largest heat into the store [MW]."""
    discharge_max_mw: float = Field(gt=0)
    """Largest heat out of the store [MW]."""
    charge_efficiency_share: float = Field(default=1.0, gt=0, le=1)
    """Heat that arrives in the store per heat taken from the network."""
    discharge_efficiency_share: float = Field(default=1.0, gt=0, le=1)
    """Heat that arrives in the network per heat taken from the store."""
    loss_share_per_h: float = Field(default=0.0, ge=0, lt=1)
    """Share of the level that is lost per hour."""
    level_start_share: float = Field(default=0.5, ge=0, le=1)
    """Level before the horizon, as a share of the capacity. The Copenhagen paper states none: half full."""
    level_end_min_share: float = Field(default=0.0, ge=0, le=1)
    """Smallest level at the end of the horizon, as a share of the capacity. Default 0: a free end."""
    terminal_eur_per_mwh: float = Field(default=0.0, ge=0)
    """Value of heat left in the store at the end of each planning window [EUR/MWh]; reported apart from the cost."""

    @model_validator(mode="after")
    def _decided(self) -> HeatStore:
        if not isinstance(self.capacity_mwh, float) and self.level_end_min_share > self.level_start_share:
            raise ValueError("P108: a store whose size is decided cannot end fuller than it starts")
        return self

    def buses(self) -> dict[str, str]:
        """Return the bus that the store stands on."""
        return {"area": f"heat:{self.area}"}

    def supplies(self) -> set[str]:
        """Return nothing: a store gives only what others fed."""
        return set()

    def _least(self, env: Env) -> Number:
        """Return the smallest level of each step: the final level, where one is asked for, stands at the last one."""
        if isinstance(self.capacity_mwh, Decision) or not self.level_end_min_share:
            return 0.0
        least = np.zeros(env.grid.n)
        least[-1] = self.level_end_min_share * self.capacity_mwh
        return Windowed(least)

    def block(self, name: str, model: Model, env: Env) -> Block:
        """Add level, charge and discharge and the balance of the store."""
        step = env.step_h
        charge = model.var(f"{name}.charge", upper=self.charge_max_mw)
        discharge = model.var(f"{name}.discharge", upper=self.discharge_max_mw)
        worth = np.zeros(model.length)
        worth[-1] = -self.terminal_eur_per_mwh
        level = model.var(
            f"{name}.level", lower=self._least(env), upper=largest(self.capacity_mwh), cost=worth, history=1
        )
        terms = [
            (1.0, level.now),
            (-((1 - self.loss_share_per_h) ** step), level.lag(1)),
            (-self.charge_efficiency_share * step, charge.now),
            (step / self.discharge_efficiency_share, discharge.now),
        ]
        model.add(f"{name}.balance", terms, lower=0.0, upper=0.0)
        if self.charge_efficiency_share * self.discharge_efficiency_share < 1:
            shares = [(1 / self.charge_max_mw, charge.now), (1 / self.discharge_max_mw, discharge.now)]
            model.add(f"{name}.one_way", shares, upper=1.0)
        area = f"heat:{self.area}"
        ports = [Port(area, discharge, 1.0), Port(area, charge, -1.0)]
        costs = [Cost(TERMINAL_CATEGORY, level, worth)] if self.terminal_eur_per_mwh else []
        block = Block(name, ports, costs, {"level_mwh": [Term(level, 1.0)]})
        return with_size(block, self.capacity_mwh, model, env, (1.0, level), "size_mwh")
