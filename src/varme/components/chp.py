"""Combined heat and power plants: back pressure, extraction (cb, cv), and any convex or piecewise P-Q-F diagram.

=========================  ===================================================  ==========
symbol                     meaning                                              unit
=========================  ===================================================  ==========
f                          fuel (``fuel_max_mw`` at full load)                  MW
q                          heat                                                 MW
eta_e, eta_q               electric and heat efficiency in back pressure        -
cv                         power lost per heat extracted                        MW/MW
eta_c = eta_e + cv eta_q   electric efficiency without heat                     -
=========================  ===================================================  ==========

Back pressure: ``p = eta_e f``, ``q = eta_q f``. Extraction: ``p = eta_c f - cv q`` with ``0 <= q <= eta_q f``: this is
the four-cornered diagram of the paper (full-load and minimum-load cv lines, back-pressure line, no heat). A diagram by
corners is their convex hull, ``(p, q, f) = sum of weight_k corner_k`` with ``sum of weight_k = x``; several
pieces are a
union: one binary a piece. Source: Ommen, Markussen and Elmegaard 2013; corners as in the convex CHP model of Lahdelma
and Hakonen 2003 (doi:10.1016/S0377-2217(02)00460-5).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from varme.components.base import (
    Block,
    Cost,
    Env,
    FuelledSpec,
    Port,
    Quantity,
    Term,
    commit,
    fuel_terms,
    status_readings,
)
from varme.kernel.model import Model, Var
from varme.physics.cogeneration import (
    TOTAL_EFFICIENCY_MAX,
    Nameplate,
    condensing_efficiency,
    heat_efficiency,
    nameplate,
)

HISTORY = 1


class _Plant(FuelledSpec):
    """Fields of every plant with a boiler."""

    node: str
    """Electricity node that the plant feeds."""
    fuel_max_mw: float = Field(gt=0)
    """Boiler capacity: fuel at full load [MW]."""
    power_efficiency_share: float = Field(gt=0, le=1)
    """Electric efficiency; of CHP plants at full-load back pressure."""
    ramp_share_per_h: float = Field(default=1.0, gt=0)
    """Largest change of fuel, as a share of boiler capacity per hour; 1 is no limit at hourly steps."""


class BackPressure(_Plant):
    """A plant whose power and heat stand in a fixed ratio."""

    type: Literal["back_pressure"] = "back_pressure"
    """Kind of device."""
    area: str
    """Heat area that the plant feeds."""
    total_efficiency_share: float = Field(gt=0)
    """Fuel utilisation, power and heat together, in full-load back pressure."""

    @model_validator(mode="after")
    def _efficiencies(self) -> BackPressure:
        _check_efficiencies(self.power_efficiency_share, self.total_efficiency_share)
        return self

    @property
    def heat_efficiency_share(self) -> float:
        """Heat efficiency."""
        return heat_efficiency(self.power_efficiency_share, self.total_efficiency_share)

    def nameplate(self) -> Nameplate:
        """Return heat and power at full load."""
        return nameplate(self.fuel_max_mw, self.power_efficiency_share, self.heat_efficiency_share)

    def buses(self) -> dict[str, str]:
        """Return the buses that the plant stands on."""
        return {"node": f"electricity:{self.node}", "area": f"heat:{self.area}"}

    def block(self, name: str, model: Model, env: Env) -> Block:
        """Add fuel, status and ramps; power and heat follow from the fuel."""
        fuel, readings, costs, co2 = _boiler(self, name, model, env)
        ports = [
            Port(f"electricity:{self.node}", fuel, self.power_efficiency_share),
            Port(f"heat:{self.area}", fuel, self.heat_efficiency_share),
        ]
        return Block(name, ports, costs, readings, self.fuel, co2)


class PowerPlant(_Plant):
    """A condensing plant, engine or turbine that makes electricity only."""

    type: Literal["power_plant"] = "power_plant"
    """Kind of device."""

    def nameplate(self) -> Nameplate:
        """Return power at full load."""
        return nameplate(self.fuel_max_mw, self.power_efficiency_share, 0.0)

    def buses(self) -> dict[str, str]:
        """Return the bus that the plant stands on."""
        return {"node": f"electricity:{self.node}"}

    def block(self, name: str, model: Model, env: Env) -> Block:
        """Add fuel, status and ramps; power follows from the fuel."""
        fuel, readings, costs, co2 = _boiler(self, name, model, env)
        ports = [Port(f"electricity:{self.node}", fuel, self.power_efficiency_share)]
        return Block(name, ports, costs, readings, self.fuel, co2)


class Extraction(_Plant):
    """A plant that trades power for heat along cv lines, or within a diagram of corners."""

    type: Literal["extraction"] = "extraction"
    """Kind of device."""
    area: str
    """Heat area that the plant feeds."""
    total_efficiency_share: float = Field(gt=0)
    """Fuel utilisation, power and heat together, in full-load back pressure."""
    cv_mw_per_mw: float = Field(ge=0, le=1)
    """Power lost per heat extracted."""
    heat_min_mw: float = Field(default=0.0, ge=0)
    """Smallest heat when on [MW]."""
    corners: list[tuple[float, float, float]] = Field(default=[])
    """Corners of the diagram as [power MW, heat MW, fuel MW]; replaces cv, min load and efficiencies if given."""
    pieces: list[list[tuple[float, float, float]]] = Field(default=[])
    """Several convex diagrams, of which the plant works in one at a time: part-load data that are not convex."""

    @model_validator(mode="after")
    def _diagram(self) -> Extraction:
        _check_efficiencies(self.power_efficiency_share, self.total_efficiency_share)
        if self.corners and self.pieces:
            raise ValueError("P108: give either corners or pieces, not both")
        for piece in self.diagrams():
            _check_corners(piece, self.fuel_max_mw)
        return self

    @property
    def heat_efficiency_share(self) -> float:
        """Heat efficiency in back pressure."""
        return heat_efficiency(self.power_efficiency_share, self.total_efficiency_share)

    @property
    def condensing_efficiency_share(self) -> float:
        """Electric efficiency without heat."""
        return condensing_efficiency(
            self.power_efficiency_share, self.heat_efficiency_share, self.cv_mw_per_mw
        )

    def diagrams(self) -> list[list[tuple[float, float, float]]]:
        """Return the convex pieces given by corners; empty for the standard diagram."""
        return self.pieces or ([self.corners] if self.corners else [])

    def nameplate(self) -> Nameplate:
        """Return heat and power at full load."""
        return nameplate(
            self.fuel_max_mw, self.power_efficiency_share, self.heat_efficiency_share, self.cv_mw_per_mw
        )

    def buses(self) -> dict[str, str]:
        """Return the buses that the plant stands on."""
        return {"node": f"electricity:{self.node}", "area": f"heat:{self.area}"}

    def block(self, name: str, model: Model, env: Env) -> Block:
        """Add fuel, heat, status and ramps, and the diagram that ties them."""
        fuel, readings, costs, co2 = _boiler(self, name, model, env)
        status = readings["status"][0].var
        node, area = f"electricity:{self.node}", f"heat:{self.area}"
        if self.diagrams():
            ports = self._weights(name, model, fuel, status, node, area)
        else:
            heat = model.var(f"{name}.heat", upper=self.fuel_max_mw * self.heat_efficiency_share)
            back_pressure = [(1.0, heat.now), (-self.heat_efficiency_share, fuel.now)]
            model.add(f"{name}.back_pressure", back_pressure, upper=0.0)
            if self.heat_min_mw:
                model.add(f"{name}.heat_min", [(1.0, heat.now), (-self.heat_min_mw, status.now)], lower=0.0)
            ports = [
                Port(node, fuel, self.condensing_efficiency_share),
                Port(node, heat, -self.cv_mw_per_mw),
                Port(area, heat, 1.0),
            ]
        return Block(name, ports, costs, readings, self.fuel, co2)

    def _weights(self, name: str, model: Model, fuel: Var, status: Var, node: str, area: str) -> list[Port]:
        """Add the weights of the corners: fuel, power and heat are their weighted sums."""
        ports: list[Port] = []
        fuel_sum = [(-1.0, fuel.now)]
        pieces = self.diagrams()
        chosen = []
        for piece_number, piece in enumerate(pieces):
            weights = [model.var(f"{name}.weight_{piece_number}_{k}", upper=1.0) for k in range(len(piece))]
            on = status
            if len(pieces) > 1:
                on = model.var(f"{name}.piece_{piece_number}", upper=1.0, integer=True)
                chosen.append((1.0, on.now))
            total = [(1.0, w.now) for w in weights]
            model.add(f"{name}.weights_{piece_number}", [*total, (-1.0, on.now)], lower=0.0, upper=0.0)
            fuel_sum += [(corner[2], w.now) for corner, w in zip(piece, weights, strict=True)]
            for (power, heat, _), weight in zip(piece, weights, strict=True):
                ports += [Port(node, weight, power)] if power else []
                ports += [Port(area, weight, heat)] if heat else []
        model.add(f"{name}.fuel_of_weights", fuel_sum, lower=0.0, upper=0.0)
        if chosen:
            model.add(f"{name}.one_piece", [*chosen, (-1.0, status.now)], lower=0.0, upper=0.0)
        return ports


def _boiler(
    spec: _Plant, name: str, model: Model, env: Env
) -> tuple[Var, dict[Quantity, list[Term]], list[Cost], list[Term]]:
    """Add a plant's fuel with its cost, on/off structure and ramps."""
    cost, parts, co2_t = fuel_terms(spec, name, env)
    fuel = model.var(f"{name}.fuel", upper=spec.fuel_max_mw, cost=cost, history=HISTORY)
    unit = commit(spec, name, model, env, fuel, spec.fuel_max_mw, spec.ramp_share_per_h)
    readings, costs = status_readings(unit, spec)
    readings["fuel_mw"] = [Term(fuel, 1.0)]
    costs += [Cost(category, fuel, coefficient) for category, coefficient in parts]
    return fuel, readings, costs, [Term(fuel, co2_t)] if co2_t else []


def _check_efficiencies(power: float, total: float) -> None:
    if total < power:
        raise ValueError(
            f"P108: total_efficiency_share {total:g} is below power_efficiency_share {power:g} | "
            "The total is power and heat together."
        )
    if total > TOTAL_EFFICIENCY_MAX:
        raise ValueError(
            f"P109: power and heat are {total:g} of the fuel, above {TOTAL_EFFICIENCY_MAX:g}: energy from nothing"
        )


def _check_corners(corners: list[tuple[float, float, float]], fuel_max_mw: float) -> None:
    points = np.asarray(corners, dtype=float)
    if len(points) < 2:
        raise ValueError("P108: a diagram needs at least two corners")
    if (points < 0).any():
        raise ValueError("P101: a corner of the diagram is negative")
    if (points[:, 2] > fuel_max_mw * (1 + 1e-9)).any():
        raise ValueError(f"P101: a corner burns {points[:, 2].max():g} MW, above fuel_max_mw {fuel_max_mw:g}")
    if (points[:, 0] + points[:, 1] > TOTAL_EFFICIENCY_MAX * points[:, 2]).any():
        raise ValueError(
            f"P109: a corner gives more than {TOTAL_EFFICIENCY_MAX:g} of its fuel: energy from nothing"
        )
