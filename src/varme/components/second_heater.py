r"""The second heater of a hybrid home: a gas or oil boiler, or district heating, beside the heat pump.

Heat into the room and into the tank, together at most its power. What a kWh of heat costs and emits:

.. math:: c = \frac{p}{\eta}, \qquad \eta_{Hs} = \eta_{Hi} / 1.108

with the price p per kWh of fuel: gas is sold by gross calorific value (Hs), boilers are rated by net (Hi); both state
their base. In ``optimal`` operation the plan decides in each slot; ``parallel``: only below the bivalence temperature;
``alternative``: below it alone, above it the heat pump alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from varme.components.base import Block, Cost, Port
from varme.components.home import ELECTRICITY, ROOM, WATER, Slots, Surroundings
from varme.ground.series import SeriesSpec
from varme.ground.spec import Spec
from varme.kernel.model import Floats, Ints, Model, Number
from varme.physics.gas import GROSS_PER_NET

HeatBus = Literal["room", "water"]
#: Gross over net calorific value: natural gas as in varme.physics.gas; heating oil 1.06 (12.6 over 11.9 kWh/kg).
GROSS_PER_NET_OF = {"gas": GROSS_PER_NET, "oil": 1.06, "district_heat": 1.0}
#: Emissions per kWh of net calorific value [g]: 56.1 and 74.1 kg/GJ (IPCC 2006 guidelines, volume 2, table 2.2).
CO2_G_PER_KWH_HI = {"gas": 56.1 * 3.6, "oil": 74.1 * 3.6}


class SecondHeater(Spec):
    """A boiler or a district-heating connection beside the heat pump."""

    fuel: Literal["gas", "oil", "district_heat"] = "gas"
    """What it burns or takes."""
    price_eur_per_kwh: SeriesSpec = 0.10
    """Price of fuel or heat, taxes and CO2 price included."""
    price_base: Literal["hs", "hi"] = "hs"
    """Calorific value that the price is per: gross (`hs`, as gas is sold) or net (`hi`)."""
    heat_max_kw: float = Field(default=20.0, gt=0)
    """Largest heat, of room and hot water together."""
    heat_min_kw: float = Field(default=0.0, ge=0)
    """Smallest heat when on; 0: it may start and stop within a slot."""
    efficiency_share: float = Field(default=0.95, gt=0.3, le=1.11)
    """Heat over fuel; above 1 only for condensing boilers on the net calorific value. Default: a condensing boiler in
    use, net (assumption). Not used for district heat."""
    efficiency_base: Literal["hs", "hi"] = "hi"
    """Calorific value that the efficiency is over."""
    co2_g_per_kwh: float | None = Field(default=None, ge=0)
    """Emissions per kWh of fuel (net calorific value) or of district heat. Default: 202 for gas, 267 for oil (IPCC)."""
    auxiliary_share: float = Field(default=0.01, ge=0, le=0.1)
    """Electricity of pump and fan over heat (assumption)."""
    serves: list[HeatBus] = Field(default=["room", "water"], min_length=1)
    """What it heats: room, water."""
    operation: Literal["optimal", "parallel", "alternative"] = "optimal"
    """`optimal`: as the plan decides; `parallel`: only below `bivalence_c`; `alternative`: alone below it."""
    bivalence_c: float | None = Field(default=None, ge=-30, le=20)
    """Outdoor temperature below which it may run in `parallel` and `alternative` operation [C]."""

    @model_validator(mode="after")
    def _fits(self) -> SecondHeater:
        if self.heat_min_kw > self.heat_max_kw:
            raise ValueError(
                f"P148 heat_min_kw: {self.heat_min_kw:g} kW is above heat_max_kw, {self.heat_max_kw:g} kW "
                "| Lower it; 0 lets the heater start and stop within a slot."
            )
        if self.operation != "optimal" and self.bivalence_c is None:
            raise ValueError(
                f"P148 bivalence_c: must be given with operation = {self.operation} | For example -3 C."
            )
        if self.operation == "optimal" and self.bivalence_c is not None:
            raise ValueError(
                "P148 bivalence_c: is not used in optimal operation | State operation = parallel or alternative, or "
                "leave it out."
            )
        if self.efficiency_share > 1.0 and (self.efficiency_base == "hs" or self.fuel == "district_heat"):
            raise ValueError(
                f"P148 efficiency_share: {self.efficiency_share:g} of the gross calorific value would create energy | "
                "State efficiency_base = hi, or the gross efficiency."
            )
        if self.fuel == "district_heat" and self.co2_g_per_kwh is None:
            raise ValueError(
                "P148 co2_g_per_kwh: must be given for district heat | The supplier declares it."
            )
        return self

    @property
    def heat_per_fuel(self) -> float:
        """Heat per kWh of fuel on the base of the price."""
        if self.fuel == "district_heat":
            return 1.0
        gross = GROSS_PER_NET_OF[self.fuel]
        net = self.efficiency_share * (gross if self.efficiency_base == "hs" else 1.0)
        return net / gross if self.price_base == "hs" else net

    @property
    def co2_g_per_kwh_heat(self) -> float:
        """Emissions per kWh of heat [g]."""
        if self.fuel == "district_heat":
            return float(self.co2_g_per_kwh or 0.0)
        gross = GROSS_PER_NET_OF[self.fuel]
        net = self.efficiency_share * (gross if self.efficiency_base == "hs" else 1.0)
        return (CO2_G_PER_KWH_HI[self.fuel] if self.co2_g_per_kwh is None else self.co2_g_per_kwh) / net


@dataclass(frozen=True, eq=False)
class SecondHeaterNumbers:
    """A second heater compiled over the base grid (N steps).

    Attributes:
        buses: What it heats: room, water.
        heat_max_kw: Largest heat, shape (N,); 0 where it may not run.
        heat_min_kw: Smallest heat when on.
        heat_cent_per_kwh: Cost of its heat, shape (N,).
        fuel_per_heat: kWh of fuel, on the base of its price, per kWh of heat.
        electric_per_heat: Electricity per heat.
        co2_g_per_kwh: Emissions per kWh of heat.
        pump_available: 1 where the heat pump may run beside it, shape (N,).
    """

    buses: tuple[HeatBus, ...]
    heat_max_kw: Floats
    heat_min_kw: float
    heat_cent_per_kwh: Floats
    fuel_per_heat: float
    electric_per_heat: float
    co2_g_per_kwh: float
    pump_available: Floats

    def take(self, slots: Slots) -> SecondHeaterNumbers:
        """Return the numbers over slots."""
        return replace(
            self, heat_max_kw=slots.least(self.heat_max_kw), heat_cent_per_kwh=slots.mean(self.heat_cent_per_kwh),
            pump_available=slots.least(self.pump_available),
        )  # fmt: skip


def compiled(
    spec: SecondHeater, seen: Surroundings, price_eur_per_kwh: Floats | float
) -> SecondHeaterNumbers:
    """Return the numbers of a second heater; the price is that of the spec on the base grid."""
    n = seen.grid.n
    cold = np.ones(n, dtype=bool) if spec.bivalence_c is None else seen.outdoor_c < spec.bivalence_c
    runs = np.ones(n) if spec.operation == "optimal" else cold.astype(float)
    alone = spec.operation == "alternative"
    price = np.broadcast_to(np.asarray(price_eur_per_kwh, dtype=float), (n,))
    return SecondHeaterNumbers(
        tuple(dict.fromkeys(spec.serves)), spec.heat_max_kw * runs, spec.heat_min_kw, 100 * price / spec.heat_per_fuel,
        1 / spec.heat_per_fuel, spec.auxiliary_share, spec.co2_g_per_kwh_heat,
        np.where(cold, 0.0, 1.0) if alone else np.ones(n),
    )  # fmt: skip


def block(
    numbers: SecondHeaterNumbers, model: Model, slots: Slots, buses: tuple[str, ...] = ("room", "water")
) -> Block:
    """Add the heat into room and tank, and the on/off decision if there is a smallest heat.

    Args:
        numbers: The second heater over the slots.
        model: The model.
        slots: The slots.
        buses: The buses that the home has.
    """
    price = numbers.heat_cent_per_kwh * slots.step_h
    ports: list[Port] = []
    costs: list[Cost] = []
    sums: list[tuple[Number, Ints]] = []
    for bus in numbers.buses:
        if bus not in buses:
            continue
        heat = model.var(f"second_heater.{bus}", upper=numbers.heat_max_kw, cost=price)
        ports += [
            Port(WATER if bus == "water" else ROOM, heat, 1.0),
            Port(ELECTRICITY, heat, -numbers.electric_per_heat),
        ]
        costs.append(Cost("fuel", heat, price))
        sums.append((1.0, heat.now))
    if sums and numbers.heat_min_kw > 0:
        on = model.var("second_heater.on", upper=np.minimum(numbers.heat_max_kw, 1.0), integer=True)
        model.add("second_heater.max", [*sums, (-numbers.heat_max_kw, on.now)], upper=0.0)
        model.add("second_heater.min", [*sums, (-numbers.heat_min_kw, on.now)], lower=0.0)
    elif len(sums) > 1:
        model.add("second_heater.max", sums, upper=numbers.heat_max_kw)
    return Block("second_heater", ports, costs)


@dataclass(frozen=True, eq=False)
class SecondHeat:
    """What a second heater does in a step, arrays of shape (homes,): power [kW], cost [cent/h], emissions [g/h]."""

    room_kw: Floats
    water_kw: Floats
    fuel_kw: Floats
    electric_kw: Floats
    cost_cent_per_h: Floats
    co2_g_per_h: Floats


def step(numbers: SecondHeaterNumbers, at: int, room_kw: Floats, water_kw: Floats) -> SecondHeat:
    """Return what it does when heat is asked for (simulation view); hot water comes first.

    Less than the smallest heat becomes the smallest heat for that part of the step that gives the same energy: a boiler
    starts and stops.

    Args:
        numbers: The second heater over the base grid.
        at: Base step.
        room_kw: Heat asked for the room, shape (homes,).
        water_kw: Heat asked for the tank, shape (homes,).
    """
    largest = float(numbers.heat_max_kw[at])
    water = np.clip(water_kw, 0.0, largest if "water" in numbers.buses else 0.0)
    room = np.clip(room_kw, 0.0, largest - water if "room" in numbers.buses else 0.0)
    heat = water + room
    return SecondHeat(
        room, water, heat * numbers.fuel_per_heat, heat * numbers.electric_per_heat,
        heat * numbers.heat_cent_per_kwh[at], heat * numbers.co2_g_per_kwh,
    )  # fmt: skip
