"""The house: one or two temperatures, solar and internal gains, and comfort as a priced wish.

``T[t] = A T[t-1] + b_heat * heat[t] + d[t]`` exactly over each slot (:mod:`varme.physics.building`), and
``low <= T_room + cold - warm <= high`` with ``cold`` and ``warm`` priced per kelvin and hour, and reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from varme.components.base import Block, Cost, Port
from varme.components.home import Slots, Surroundings
from varme.ground.series import SeriesSpec
from varme.ground.spec import Spec
from varme.kernel.model import Floats, Ints, Model, Number
from varme.physics.building import ThermalNetwork, emitter_flow_c, one_node, two_nodes


class House(Spec):
    """A house or flat."""

    nodes_count: Literal[1, 2] = 2
    """Temperatures of the model: 1 (1R1C) or 2 (2R2C: room and mass)."""
    heat_loss_w_per_k: float = Field(default=160.0, gt=0)
    """Steady heat per kelvin between inside and outside. Default: about 150 m2 of the 1990s (assumption)."""
    capacity_kwh_per_k: float = Field(default=10.0, gt=0)
    """Heat capacity of the whole house. Default: medium weight, 150 m2 (assumption)."""
    room_capacity_share: float = Field(default=0.2, gt=0, lt=1)
    """Share of the capacity in air, furniture and inner surfaces (assumption)."""
    coupling_ratio: float = Field(default=6.0, gt=1)
    """Conductance between room and mass, relative to the heat loss (assumption)."""
    direct_share: float = Field(default=0.4, ge=0, lt=1)
    """Share of the loss that leaves the room directly: ventilation and windows (assumption)."""
    solar_aperture_m2: float = Field(default=4.0, ge=0)
    """Effective window area: irradiance on the windows times this is the solar gain."""
    internal_gains_kw: SeriesSpec = 0.3
    """Heat of people and appliances [kW]."""
    temperature_min_c: SeriesSpec = 20.0
    """Lower end of the comfort band [C]."""
    temperature_max_c: SeriesSpec = 23.0
    """Upper end of the comfort band [C]."""
    discomfort_eur_per_k_h: float = Field(default=1.0, gt=0)
    """What a kelvin outside the band is worth per hour."""
    emitter: Literal["floor", "radiator"] = "floor"
    """Kind of emitters: floor heating feeds the mass, radiators the room."""
    design_outdoor_c: float = -12.0
    """Outdoor temperature for which the emitters are laid out [C]."""
    design_flow_c: float = Field(default=35.0, gt=22)
    """Flow temperature at the design outdoor temperature [C]: 35 for floors, 55 for radiators."""
    design_return_c: float = Field(default=30.0, gt=21)
    """Return temperature at the design outdoor temperature [C]."""

    @model_validator(mode="after")
    def _ordered(self) -> House:
        if self.design_return_c >= self.design_flow_c:
            raise ValueError("P108 design_return_c: must be below design_flow_c")
        return self

    @property
    def design_heat_kw(self) -> float:
        """Heat loss at 20 C inside and the design outdoor temperature, without gains [kW]."""
        return self.heat_loss_w_per_k / 1e3 * (20.0 - self.design_outdoor_c)

    def flow_c(self, heat_kw: Floats | float, room_c: Floats | float = 20.0) -> Floats:
        """Return the flow temperature at which the emitters give a heat [C]."""
        exponent = 1.1 if self.emitter == "floor" else 1.3
        return emitter_flow_c(
            heat_kw, room_c, self.design_heat_kw, self.design_flow_c, self.design_return_c, exponent
        )

    def network(self) -> ThermalNetwork:
        """Return the house as a thermal network."""
        loss = self.heat_loss_w_per_k / 1e3
        if self.nodes_count == 1:
            return one_node(loss, self.capacity_kwh_per_k)
        room = self.room_capacity_share * self.capacity_kwh_per_k
        to_mass = 0.7 if self.emitter == "floor" else 0.0
        return two_nodes(
            loss, room, self.capacity_kwh_per_k - room, self.coupling_ratio * loss, self.direct_share, to_mass
        )


@dataclass(frozen=True, eq=False)
class HouseNumbers:
    """A house compiled over the base grid (N steps).

    Attributes:
        network: Thermal network, k nodes; node 0 is the room.
        gains_kw: Solar and internal gains, shape (N,).
        outdoor_c: Outdoor temperature, shape (N,).
        low_c: Lower end of comfort, shape (N,).
        high_c: Upper end of comfort, shape (N,).
        discomfort_cent_per_k_h: Price of discomfort.
        emitter_max_kw: Largest heat that the emitters give.
    """

    network: ThermalNetwork
    gains_kw: Floats
    outdoor_c: Floats
    low_c: Floats
    high_c: Floats
    discomfort_cent_per_k_h: float
    emitter_max_kw: float

    def take(self, slots: Slots) -> HouseNumbers:
        """Return the numbers over slots, arrays of shape (n,)."""
        return HouseNumbers(
            self.network, slots.mean(self.gains_kw), slots.mean(self.outdoor_c), slots.last(self.low_c),
            slots.last(self.high_c), self.discomfort_cent_per_k_h, self.emitter_max_kw,
        )  # fmt: skip

    def steps(self, step_h: Floats) -> tuple[Floats, Floats, Floats]:
        """Return A (n, k, k), b_heat (n, k) and the disturbance d (n, k) of slots of given lengths (n,)."""
        lengths, which = np.unique(step_h, return_inverse=True)
        parts = [self.network.step(float(h)) for h in lengths]
        a, heat, gain, out = (np.stack([p[i] for p in parts])[which] for i in range(4))
        return a, heat, gain * self.gains_kw[:, None] + out * self.outdoor_c[:, None]


def compiled(
    spec: House, seen: Surroundings, gains_kw: Floats | float, low_c: Floats | float, high_c: Floats | float
) -> HouseNumbers:
    """Return the numbers of a house; the series are those of the spec on the base grid."""
    n = seen.grid.n
    solar = spec.solar_aperture_m2 * seen.window_w_per_m2 / 1e3
    full = [np.broadcast_to(np.asarray(v, dtype=float), (n,)) for v in (gains_kw, low_c, high_c)]
    return HouseNumbers(
        spec.network(), full[0] + solar, seen.outdoor_c, full[1], full[2], 100 * spec.discomfort_eur_per_k_h,
        2.0 * spec.design_heat_kw,
    )  # fmt: skip


def block(
    numbers: HouseNumbers, model: Model, slots: Slots, feeds: Sequence[Port], worth_cent_per_k: Floats
) -> Block:
    """Add temperatures, comfort and the balance of each node.

    Args:
        numbers: The house over the slots.
        model: The model.
        slots: The slots.
        feeds: What the other devices put into the room [kW per unit of their variable].
        worth_cent_per_k: Value of a kelvin of each node at the end of the plan, shape (k,).
    """
    a, heat, rest = numbers.steps(slots.step_h)
    nodes = []
    for k in range(numbers.network.nodes):
        worth = np.zeros(slots.n)
        worth[-1] = -worth_cent_per_k[k]
        nodes.append(model.var(f"house.temperature_{k}", lower=-np.inf, cost=worth, history=1))
    for k, node in enumerate(nodes):
        terms: list[tuple[Number, Ints]] = [(1.0, node.now)]
        terms += [(-a[:, k, j], other.lag(1)) for j, other in enumerate(nodes)]
        terms += [(-heat[:, k] * np.asarray(port.coefficient), port.var.now) for port in feeds]
        model.add(f"house.balance_{k}", terms, lower=rest[:, k], upper=rest[:, k])
    price = numbers.discomfort_cent_per_k_h * slots.step_h
    cold = model.var("house.cold", cost=price)
    warm = model.var("house.warm", cost=price)
    comfort = [(1.0, nodes[0].now), (1.0, cold.now), (-1.0, warm.now)]
    model.add("house.comfort", comfort, lower=numbers.low_c, upper=numbers.high_c)
    costs = [Cost("discomfort", cold, price), Cost("discomfort", warm, price)]
    return Block("house", (), costs)


def step(temperatures_c: Floats, heat_kw: Floats, a: Floats, heat: Floats, rest: Floats) -> Floats:
    """Return the temperatures after a step (simulation view); a, heat and rest are those of :meth:`HouseNumbers.steps`.

    Args:
        temperatures_c: Temperatures before the step, shape (homes, k).
        heat_kw: Heat of all heaters into the room, less what cooling takes, shape (homes,).
        a: Shape (k, k), or (homes, k, k).
        heat: Kelvin per kilowatt, shape (k,) or (homes, k).
        rest: Part of weather and gains, shape (k,) or (homes, k).
    """
    kept = np.einsum("...ij,...j->...i", a, temperatures_c)
    return np.asarray(kept + heat * heat_kw[..., None] + rest)
