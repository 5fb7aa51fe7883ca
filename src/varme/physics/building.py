"""Buildings as thermal networks: conductances, capacities, exact steps, emitters.

One node (1R1C): the whole house. Two nodes (2R2C): room (air, furniture, inner surfaces) and mass (walls, slabs).

Sources: grey-box models of houses as in Bacher and Madsen 2011 (doi:10.1016/j.enbuild.2011.02.005); the exact step of
a linear system under piecewise constant inputs is the matrix exponential (Van Loan 1978, doi:10.1109/TAC.1978.1101743);
emitters follow EN 442: heat in proportion to the excess temperature to the power of an exponent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import expm

Floats = NDArray[np.float64]
#: Steps of networks that are known already: plans take the same ones thousands of times.
_STEPS: WeakKeyDictionary[ThermalNetwork, dict[float, tuple[Floats, Floats, Floats, Floats]]] = (
    WeakKeyDictionary()
)


@dataclass(frozen=True, eq=False)
class ThermalNetwork:
    """A house as a linear system ``C dT/dt = -G T + g_out T_out + heat``.

    Attributes:
        capacity_kwh_per_k: Capacity of each node, shape (k,).
        conductance_kw_per_k: Matrix G of conductances, shape (k, k): diagonal = sum of what leaves a node.
        to_outdoor_kw_per_k: Conductance of each node to the outside, shape (k,).
        heat_share: Share of the heating's heat that enters each node, shape (k,).
        gain_share: Share of solar and internal gains that enters each node, shape (k,).
    """

    capacity_kwh_per_k: Floats
    conductance_kw_per_k: Floats
    to_outdoor_kw_per_k: Floats
    heat_share: Floats
    gain_share: Floats

    @property
    def nodes(self) -> int:
        """Number of temperatures."""
        return len(self.capacity_kwh_per_k)

    @property
    def heat_loss_kw_per_k(self) -> float:
        """Steady heat per kelvin between room and outside, with the heat entering the room node."""
        steady = np.linalg.solve(self.conductance_kw_per_k, np.eye(self.nodes)[0])
        return float(1.0 / steady[0])

    def step(self, hours: float) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the exact step over some hours: ``T' = A T + heat * b_heat + gain * b_gain + T_out * b_out``.

        Returns:
            A, shape (k, k); b_heat [K/kW], b_gain [K/kW], b_out [-], each of shape (k,).
        """
        known = _STEPS.setdefault(self, {})
        if hours in known:
            return known[hours]
        k = self.nodes
        inverse = 1.0 / self.capacity_kwh_per_k[:, None]
        inputs = np.stack([self.heat_share, self.gain_share, self.to_outdoor_kw_per_k], axis=1)
        whole = np.zeros((k + 3, k + 3))
        whole[:k, :k] = -self.conductance_kw_per_k * inverse
        whole[:k, k:] = inputs * inverse
        stepped = expm(whole * hours)
        known[hours] = stepped[:k, :k], stepped[:k, k], stepped[:k, k + 1], stepped[:k, k + 2]
        return known[hours]

    def steady_c(self, room_c: float, outdoor_c: float) -> Floats:
        """Return the node temperatures of a steady state without gains in which the room is at ``room_c``, (k,)."""
        response = np.linalg.solve(self.conductance_kw_per_k, np.eye(self.nodes))
        base = response @ (self.to_outdoor_kw_per_k * outdoor_c)
        per_kw = response @ self.heat_share
        heat = (room_c - base[0]) / per_kw[0]
        return np.asarray(base + per_kw * heat)


def one_node(heat_loss_kw_per_k: float, capacity_kwh_per_k: float) -> ThermalNetwork:
    """Return the house as one node (1R1C)."""
    loss = np.array([heat_loss_kw_per_k])
    return ThermalNetwork(np.array([capacity_kwh_per_k]), loss.reshape(1, 1), loss, np.ones(1), np.ones(1))


def two_nodes(
    heat_loss_kw_per_k: float,
    room_capacity_kwh_per_k: float,
    mass_capacity_kwh_per_k: float,
    coupling_kw_per_k: float,
    direct_share: float,
    heat_to_mass_share: float = 0.0,
    gain_to_mass_share: float = 0.3,
) -> ThermalNetwork:
    """Return the house as two nodes (2R2C).

    Args:
        heat_loss_kw_per_k: Steady heat per kelvin between room and outside (heat entering the room).
        room_capacity_kwh_per_k: Capacity of air, furniture and inner surfaces.
        mass_capacity_kwh_per_k: Capacity of walls and slabs.
        coupling_kw_per_k: Conductance between room and mass; above ``(1 - direct_share) * heat_loss_kw_per_k``.
        direct_share: Share of the loss that leaves the room directly (ventilation, windows).
        heat_to_mass_share: Share of the heating's heat that enters the mass (floor heating).
        gain_to_mass_share: Share of the gains that enters the mass.

    Raises:
        ValueError: if the coupling is too small to carry the loss through the mass.
    """
    through = (1 - direct_share) * heat_loss_kw_per_k
    if coupling_kw_per_k <= through:
        raise ValueError(f"coupling {coupling_kw_per_k:g} kW/K must be above {through:g} kW/K")
    direct = direct_share * heat_loss_kw_per_k
    outer = 1.0 / (1.0 / through - 1.0 / coupling_kw_per_k) if through > 0 else 0.0
    matrix = np.array(
        [[direct + coupling_kw_per_k, -coupling_kw_per_k], [-coupling_kw_per_k, outer + coupling_kw_per_k]]
    )
    return ThermalNetwork(
        np.array([room_capacity_kwh_per_k, mass_capacity_kwh_per_k]), matrix, np.array([direct, outer]),
        np.array([1 - heat_to_mass_share, heat_to_mass_share]), np.array([1 - gain_to_mass_share, gain_to_mass_share]),
    )  # fmt: skip


def emitter_flow_c(
    heat_kw: ArrayLike,
    room_c: ArrayLike,
    design_heat_kw: float,
    design_flow_c: float,
    design_return_c: float,
    exponent: float,
    design_room_c: float = 20.0,
) -> Floats:
    r"""Return the flow temperature at which emitters give a heat, at constant water flow [C].

    .. math:: T_m = T_{room} + (T_{m,d} - T_{room,d}) (q / q_d)^{1/n}

    with the mean water temperature of flow and return, whose spread falls in proportion to the heat (EN 442).

    Args:
        heat_kw: Heat [kW], any shape.
        room_c: Room temperature [C], broadcast.
        design_heat_kw: Heat at design conditions [kW].
        design_flow_c: Flow temperature at design conditions [C].
        design_return_c: Return temperature at design conditions [C].
        exponent: 1.1 for floor heating, 1.3 for radiators.
        design_room_c: Room temperature at design conditions [C].
    """
    load = np.maximum(np.asarray(heat_kw, dtype=float), 0.0) / design_heat_kw
    excess = (design_flow_c + design_return_c) / 2 - design_room_c
    spread = design_flow_c - design_return_c
    return np.asarray(np.asarray(room_c) + excess * load ** (1 / exponent) + spread * load / 2)


def emitter_heat_kw(
    flow_c: ArrayLike,
    room_c: ArrayLike,
    design_heat_kw: float,
    design_flow_c: float,
    design_return_c: float,
    exponent: float,
    design_room_c: float = 20.0,
) -> Floats:
    """Return the heat of emitters at a flow temperature and constant water flow [kW].

    The inverse of :func:`emitter_flow_c`, by Newton's method on ``u = (q / q_d)^(1/n)``: ``excess u + spread u^n / 2``
    is convex and rises, so the steps from above go down to the root and cannot leave it.

    Args:
        flow_c: Flow temperature [C], any shape.
        room_c: Room temperature [C], broadcast.
        design_heat_kw: Heat at design conditions [kW].
        design_flow_c: Flow temperature at design conditions [C].
        design_return_c: Return temperature at design conditions [C].
        exponent: 1.1 for floor heating, 1.3 for radiators, 1.0 for fan coils.
        design_room_c: Room temperature at design conditions [C].
    """
    above = np.maximum(np.asarray(flow_c, dtype=float) - np.asarray(room_c, dtype=float), 0.0)
    excess = (design_flow_c + design_return_c) / 2 - design_room_c
    half = (design_flow_c - design_return_c) / 2
    u = above / excess
    for _ in range(30):
        value = excess * u + half * u**exponent - above
        slope = excess + half * exponent * np.maximum(u, 1e-12) ** (exponent - 1)
        u = np.maximum(u - value / slope, 0.0)
        if np.max(np.abs(value), initial=0.0) < 1e-10:
            break
    return np.asarray(design_heat_kw * u**exponent)


def heat_demand_kwh(
    heat_loss_kw_per_k: ArrayLike,
    network: Callable[[float], ThermalNetwork],
    gains_kw: Floats,
    outdoor_c: Floats,
    low_c: Floats,
    high_c: Floats,
    step_h: float,
) -> Floats:
    """Return the heat that keeps houses at the lower end of their comfort over a time [kWh], one per heat loss.

    The heater is ideal: its heat enters the room and is just enough. Above the upper end windows are opened. The house
    starts in balance with the mean of the first week.

    Args:
        heat_loss_kw_per_k: Heat losses, shape (m,).
        network: Gives the house of a heat loss.
        gains_kw: Solar and internal gains, shape (N,).
        outdoor_c: Outdoor temperature, shape (N,).
        low_c: Lower end of comfort, shape (N,).
        high_c: Upper end, shape (N,).
        step_h: Length of a step [h].
    """
    losses = np.atleast_1d(np.asarray(heat_loss_kw_per_k, dtype=float))
    houses = [network(float(loss)) for loss in losses]
    parts = [house.step(step_h) for house in houses]
    a = np.stack([p[0] for p in parts])  # (m, k, k)
    gain, out = (np.stack([p[i] for p in parts]) for i in (2, 3))
    # The ideal heater heats node 0.
    heat = np.stack([_room_response(house, step_h) for house in houses])
    week = max(1, min(len(outdoor_c), round(168 / step_h)))
    start = np.stack([house.steady_c(float(low_c[0]), float(outdoor_c[:week].mean())) for house in houses])
    rest = gains_kw[:, None, None] * gain + outdoor_c[:, None, None] * out
    state, per_kw = start[:, :, None], heat[:, :, None]
    needed, total = np.zeros((len(losses), 1)), np.zeros((len(losses), 1))
    for t in range(len(outdoor_c)):
        state = a @ state
        state[:, :, 0] += rest[t]
        np.maximum((low_c[t] - state[:, 0]) / per_kw[:, 0], 0.0, out=needed)
        total += needed
        state += per_kw * needed[:, None]
        np.minimum(state[:, 0], high_c[t], out=state[:, 0])
    return np.asarray(total[:, 0] * step_h)


def _room_response(house: ThermalNetwork, step_h: float) -> Floats:
    first = np.zeros(house.nodes)
    first[0] = 1.0
    return replace(house, heat_share=first).step(step_h)[1]


def heat_loss_for(
    demand_kwh: float,
    network: Callable[[float], ThermalNetwork],
    gains_kw: Floats,
    outdoor_c: Floats,
    low_c: Floats,
    high_c: Floats,
    step_h: float,
) -> float:
    """Return the heat loss of the house that needs a given heat over a time [kW/K]; see :func:`heat_demand_kwh`.

    Demand rises with the loss, so the range is cut into 29 parts three times, and the last part, less than a thousandth
    of the loss wide, by a straight line.

    Raises:
        ValueError: if no loss between 5 W/K and 20 kW/K gives it.
    """
    losses = np.geomspace(0.005, 20.0, 30)
    for _ in range(3):
        found = heat_demand_kwh(losses, network, gains_kw, outdoor_c, low_c, high_c, step_h)
        if not found[0] <= demand_kwh <= found[-1]:
            raise ValueError(f"between {found[0]:.0f} and {found[-1]:.0f} kWh")
        at = int(np.clip(np.searchsorted(found, demand_kwh), 1, len(losses) - 1))
        pair = found[at - 1 : at + 1], losses[at - 1 : at + 1]
        losses = np.linspace(losses[at - 1], losses[at], 30)
    return float(np.interp(demand_kwh, *pair))
