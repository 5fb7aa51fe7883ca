"""Buses and their balances, written once: electricity nodes and heat areas.

Each bus: ``sum of ports + shortfall - spill = demand``. Shortfall is unserved energy at a stated price
(reported apart from
the cost); spill is surplus that nobody takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from varme.components.base import Block, Env, Port, number
from varme.ground.series import SeriesSpec
from varme.ground.spec import Spec
from varme.kernel.model import Floats, Ints, Model, Number, Rows, Var


class _BusSpec(Spec):
    """Fields of every bus."""

    label: str = ""
    """Text for charts and tables; the bus's name if empty."""
    demand_mw: SeriesSpec = 0.0
    """Demand, as mean power over each interval [MW]; may be negative where production is netted into it."""
    shortfall_eur_per_mwh: float | None = Field(default=None, gt=0)
    """Price of unserved energy [EUR/MWh]; reported apart from the cost. Not given: demand must be met."""


class ElectricityNode(_BusSpec):
    """An electricity node: an island, unless devices of type `electricity_market` or `line` connect it."""

    spill: bool = True
    """Whether surplus electricity that nobody takes may be spilled. The Copenhagen paper is silent; without spill its
    island has no solution in many hours."""
    spill_eur_per_mwh: float = Field(default=0.0, ge=0)
    """Cost of spilled electricity [EUR/MWh]."""


class HeatArea(_BusSpec):
    """A heat area: one district-heating network."""

    spill: bool = False
    """Whether surplus heat may be cooled away."""
    spill_eur_per_mwh: float = Field(default=0.0, ge=0)
    """Cost of heat that is cooled away [EUR/MWh]."""


@dataclass(frozen=True, eq=False)
class BusBlock:
    """A bus in the model: its balance, and its shortfall and spill if it has them."""

    bus: str
    balance: Rows
    ports: Sequence[Port]
    shortfall: Var | None
    spill: Var | None
    shortfall_eur_per_mwh: float
    spill_eur_per_mwh: float


def add_bus(
    bus: str,
    spec: ElectricityNode | HeatArea,
    demand: float | Floats,
    blocks: Mapping[str, Block],
    model: Model,
    env: Env,
) -> BusBlock:
    """Write the balance of one bus.

    Args:
        bus: ``electricity:NODE`` or ``heat:AREA``.
        spec: The bus.
        demand: Demand over the horizon [MW], float or shape (n,).
        blocks: All devices.
        model: The model.
        env: The environment.
    """
    ports = [port for block in blocks.values() for port in block.ports if port.bus == bus]
    terms: list[tuple[Number, Ints]] = [(port.coefficient, port.var.now) for port in ports]
    shortfall = spill = None
    if spec.shortfall_eur_per_mwh is not None:
        shortfall = model.var(f"{bus}.shortfall", cost=spec.shortfall_eur_per_mwh * env.step_h)
        terms.append((1.0, shortfall.now))
    if spec.spill:
        spill = model.var(f"{bus}.spill", cost=spec.spill_eur_per_mwh * env.step_h)
        terms.append((-1.0, spill.now))
    limits = number(demand)
    balance = model.add(bus, terms, lower=limits, upper=limits)
    return BusBlock(
        bus, balance, ports, shortfall, spill, spec.shortfall_eur_per_mwh or 0.0, spec.spill_eur_per_mwh
    )
