"""Large heat pumps: constant COP, COP series, or a Lorenz or Carnot share of the temperatures; part load; on/off.

Electricity at heat ``q`` of at most ``H``::

    e = (1 - n) / COP * q + n * H / COP * x

with the no-load share ``n`` (0: proportional) and the status ``x``. At full load ``e = H / COP`` whatever ``n``.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from varme.components.base import (
    Block,
    CommittedSpec,
    Cost,
    Env,
    Port,
    commit,
    number,
    status_readings,
    times,
    with_size,
)
from varme.ground.series import SeriesSpec
from varme.ground.size import Decision, Size, largest
from varme.kernel.model import Floats, Model, Number, Windowed
from varme.physics.cop import carnot_cop, lorenz_cop

COP_LIMITS = (1.0, 15.0)


class HeatPump(CommittedSpec):
    """A heat pump between a source and a district-heating network."""

    type: Literal["heat_pump"] = "heat_pump"
    """Kind of device."""
    node: str
    """Electricity node that it draws from."""
    area: str
    """Heat area that it feeds."""
    heat_max_mw: Size
    """Heat at full load [MW]: a number, or a decision with limits and costs."""
    cop: SeriesSpec | None = None
    """Coefficient of performance, 1 to 15: a number or a series. Leave it out to compute it from temperatures."""
    source_c: SeriesSpec | None = None
    """Temperature of the source entering the evaporator [C]."""
    source_drop_k: float = Field(default=5.0, ge=0)
    """How far the source is cooled [K]."""
    supply_c: SeriesSpec | None = None
    """Supply temperature of the network [C]."""
    return_c: SeriesSpec | None = None
    """Return temperature of the network [C]; needed for the Lorenz form."""
    lorenz_share: float | None = Field(default=None, gt=0, le=1)
    """COP as a share of the reversible COP between gliding temperatures (Lorenz)."""
    carnot_share: float | None = Field(default=None, gt=0, le=1)
    """COP as a share of the reversible COP between source and supply temperature (Carnot)."""
    available_share: SeriesSpec = 1.0
    """Share of the capacity that is available, for example falling with the source's temperature."""
    no_load_share: float = Field(default=0.0, ge=0, lt=1)
    """Share of the full-load electricity that is drawn at any load when on: poorer COP at part load."""
    ramp_share_per_h: float = Field(default=1.0, gt=0)
    """Largest change of heat, as a share of the capacity per hour; 1 is no limit at hourly steps."""
    electricity_fee_eur_per_mwh: float = Field(default=0.0, ge=0)
    """Tax and network charge on the electricity that it draws [EUR/MWh]."""

    @model_validator(mode="after")
    def _one_cop(self) -> HeatPump:
        given = [n for n in ("cop", "lorenz_share", "carnot_share") if getattr(self, n) is not None]
        if len(given) != 1:
            found = " and ".join(given) if given else "none"
            raise ValueError(f"P108: give exactly one of cop, lorenz_share, carnot_share (found {found})")
        needed = {
            "lorenz_share": ("source_c", "supply_c", "return_c"),
            "carnot_share": ("source_c", "supply_c"),
        }
        missing = [n for n in needed.get(given[0], ()) if getattr(self, n) is None]
        if missing:
            raise ValueError(f"P103: {given[0]} needs {', '.join(missing)}")
        if isinstance(self.heat_max_mw, Decision) and (self.always_committed() or self.no_load_share):
            raise ValueError(
                "P108: a size that is decided cannot have min load, start cost, minimum times or a no-load share | "
                "Decide the size first, then fix it and add them."
            )
        if isinstance(self.cop, float) and not COP_LIMITS[0] <= self.cop <= COP_LIMITS[1]:
            raise ValueError(f"P101 cop: a COP must lie between {COP_LIMITS[0]:g} and {COP_LIMITS[1]:g}")
        return self

    def buses(self) -> dict[str, str]:
        """Return the buses that the heat pump stands on."""
        return {"node": f"electricity:{self.node}", "area": f"heat:{self.area}"}

    def supplies(self) -> set[str]:
        """Return the heat area; the node only feeds it."""
        return {f"heat:{self.area}"}

    def cop_of(self, name: str, env: Env) -> float | Floats:
        """Return the COP: a number, or one per step of the horizon, shape (n,)."""
        if self.cop is not None:
            return env.input(name, "cop")
        source, supply = env.input(name, "source_c"), env.input(name, "supply_c")
        if self.carnot_share is not None:
            values = self.carnot_share * carnot_cop(source, supply)
        else:
            cold = np.asarray(source) - self.source_drop_k
            values = float(self.lorenz_share or 0) * lorenz_cop(
                source, cold, supply, env.input(name, "return_c")
            )
        clipped = np.clip(values, *COP_LIMITS)
        return clipped if clipped.ndim else float(clipped)

    def block(self, name: str, model: Model, env: Env) -> Block:
        """Add heat, and status, ramps or the size where they are needed."""
        cop = self.cop_of(name, env)
        electricity = number(1 / cop)
        limit = number(_product(largest(self.heat_max_mw), env.input(name, "available_share")))
        fee = times(electricity, self.electricity_fee_eur_per_mwh * env.step_h * (1 - self.no_load_share))
        care = self.variable_om_eur_per_mwh * env.step_h
        heat = model.var(f"{name}.heat", upper=limit, cost=_plus(fee, care), history=1)
        costs = [Cost("fees", heat, fee)] if self.electricity_fee_eur_per_mwh else []
        costs += [Cost("operation and maintenance", heat, care)] if care else []
        node = f"electricity:{self.node}"
        ports = [
            Port(f"heat:{self.area}", heat, 1.0),
            Port(node, heat, times(electricity, -(1 - self.no_load_share))),
        ]
        block = Block(name, ports, costs)
        decided = isinstance(self.heat_max_mw, Decision)
        ramped = self.ramp_share_per_h * env.step_h < 1
        if self.always_committed() or self.no_load_share or (ramped and not decided):
            block = self._committed(block, name, model, env, electricity, limit)
        share = env.input(name, "available_share")
        per_size = number(1 / np.maximum(share, 1e-6)) if np.any(np.asarray(share) != 1.0) else 1.0
        block = with_size(block, self.heat_max_mw, model, env, (per_size, heat), "size_mw")
        if decided and ramped:
            self._sized_ramp(name, model, env)
        return block

    def _sized_ramp(self, name: str, model: Model, env: Env) -> None:
        """Limit the change of heat to a share of the size that is decided."""
        heat, size = model.vars[f"{name}.heat"], model.vars[f"{name}.size"]
        share = self.ramp_share_per_h * env.step_h
        for way, sign in (("ramp_up", 1.0), ("ramp_down", -1.0)):
            change = [(sign, heat.now), (-sign, heat.lag(1)), (-share, size.now)]
            model.add(f"{name}.{way}", change, upper=0.0)

    def _committed(
        self, block: Block, name: str, model: Model, env: Env, electricity: Number, limit: Number
    ) -> Block:
        """Return the block with its on/off structure, and the no-load electricity on the status."""
        heat = block.ports[0].var
        unit = commit(self, name, model, env, heat, limit, self.ramp_share_per_h)
        readings, start_costs = status_readings(unit, self)
        ports, costs = list(block.ports), [*block.costs, *start_costs]
        if self.no_load_share:
            idle = times(electricity, self.no_load_share * largest(self.heat_max_mw))
            ports.append(Port(f"electricity:{self.node}", unit.status, times(idle, -1.0)))
            if self.electricity_fee_eur_per_mwh:
                fee = times(idle, self.electricity_fee_eur_per_mwh * env.step_h)
                model.add_cost(unit.status, fee)
                costs.append(Cost("fees", unit.status, fee))
        return Block(name, ports, costs, readings)


def _product(limit: float, share: float | Floats) -> float | Floats:
    return limit * share


def _plus(number_: Number, value: float) -> Number:
    return Windowed(number_.full + value) if isinstance(number_, Windowed) else number_ + value
