"""The plain numbers of a district case, for peers that know nothing of varme's devices.

Symbols as in the equations of the explanation pages: fuel ``f <= F``, heat ``q``, power ``p``, status ``x``; back
pressure ``p = eta_e f``, ``q = eta_q f``; extraction ``p = eta_c f - cv q`` with ``0 <= q <= eta_q f``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.district.case import Case

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Plant:
    """A plant with a boiler: back pressure, extraction (``cv`` above 0), or electricity only (no area)."""

    name: str
    node: str
    area: str | None
    fuel_max: float
    power_share: float
    heat_share: float
    cv: float
    extraction: bool
    ramp_share: float
    min_load: float
    price: float

    @property
    def condensing_share(self) -> float:
        """Electric efficiency without heat: ``eta_e + cv eta_q``."""
        return self.power_share + self.cv * self.heat_share

    @property
    def limits_ramp(self) -> bool:
        """Whether the ramp is a limit at hourly steps."""
        return self.ramp_share < 1


@dataclass(frozen=True)
class Store:
    """A heat store."""

    name: str
    area: str
    capacity: float
    charge_max: float
    discharge_max: float
    start: float


@dataclass(frozen=True)
class Converter:
    """A heat pump or an electric boiler: heat per electricity."""

    name: str
    node: str
    area: str
    heat_max: float
    heat_per_power: float


@dataclass(frozen=True)
class Bus:
    """A node or an area: demand net of must-take production, price of shortfall, whether surplus is spilled free."""

    name: str
    demand: Floats
    shortfall: float | None
    spill: bool


@dataclass(frozen=True)
class System:
    """Everything of a window of ``hours`` hourly steps."""

    hours: int
    plants: tuple[Plant, ...]
    stores: tuple[Store, ...]
    converters: tuple[Converter, ...]
    buses: tuple[Bus, ...]


def system_of(case: Case, first: int, hours: int) -> System:
    """Return the numbers of a window.

    Raises:
        ValueError: for anything that these peers do not model: a benchmark must not compare different systems.
    """
    if case.env.step_h != 1.0:
        raise ValueError("the peers are written for hourly steps")
    plants, stores, converters = [], [], []
    taken: dict[str, Floats] = {}
    span = slice(first, first + hours)
    for name, device in case.devices.items():
        spec: Any = device
        if device.type in {"back_pressure", "extraction", "power_plant"}:
            plants.append(_plant(name, spec, case))
        elif device.type == "heat_store":
            _plain(name, spec, charge_efficiency_share=1, discharge_efficiency_share=1, loss_share_per_h=0)
            _plain(name, spec, level_end_min_share=0, terminal_eur_per_mwh=0)
            level = spec.level_start_share * spec.capacity_mwh
            stores.append(
                Store(name, spec.area, spec.capacity_mwh, spec.charge_max_mw, spec.discharge_max_mw, level)
            )
        elif device.type == "heat_pump":
            _plain(name, spec, min_load_share=0, start_cost_eur=0, min_up_h=0, min_down_h=0, no_load_share=0)
            _plain(name, spec, ramp_share_per_h=1, available_share=1, electricity_fee_eur_per_mwh=0)
            converters.append(Converter(name, spec.node, spec.area, spec.heat_max_mw, float(spec.cop)))
        elif device.type == "electric_boiler":
            _plain(name, spec, electricity_fee_eur_per_mwh=0)
            converters.append(Converter(name, spec.node, spec.area, spec.heat_max_mw, spec.efficiency_share))
        elif device.type == "must_take":
            _plain(name, spec, curtailable=False)
            bus = next(iter(spec.buses().values()))
            series = np.broadcast_to(case.env.input(name, "available_mw"), case.grid.n)[span]
            taken[bus] = taken.get(bus, np.zeros(hours)) + series
        else:
            raise ValueError(f"{name}: the peers do not model a {device.type}")
    buses = []
    for name, bus_spec in case.buses.items():
        if bus_spec.spill and bus_spec.spill_eur_per_mwh:
            raise ValueError(f"{name}: the peers spill free of charge")
        demand = np.broadcast_to(case.demand[name], case.grid.n)[span] - taken.get(name, np.zeros(hours))
        buses.append(Bus(name.partition(":")[2], demand, bus_spec.shortfall_eur_per_mwh, bus_spec.spill))
    return System(hours, tuple(plants), tuple(stores), tuple(converters), tuple(buses))


def _plain(name: str, spec: Any, **expected: float) -> None:
    for key, value in expected.items():
        if getattr(spec, key) != value:
            raise ValueError(f"{name}.{key}: the peers model {value} only")


def _plant(name: str, spec: Any, case: Case) -> Plant:
    _plain(name, spec, start_cost_eur=0, min_up_h=0, min_down_h=0, variable_om_eur_per_mwh=0)
    price, tax, factor = case.env.fuels[spec.fuel]
    co2 = case.env.co2_price
    if not isinstance(price, float) or not isinstance(co2, float) or spec.fuel_price_eur_per_mwh is not None:
        raise ValueError(f"{name}: the peers model constant prices only")
    total = getattr(spec, "total_efficiency_share", spec.power_efficiency_share)
    if getattr(spec, "corners", None) or getattr(spec, "pieces", None) or getattr(spec, "heat_min_mw", 0):
        raise ValueError(f"{name}: the peers model cv lines only")
    return Plant(
        name=name,
        node=spec.node,
        area=getattr(spec, "area", None),
        fuel_max=spec.fuel_max_mw,
        power_share=spec.power_efficiency_share,
        heat_share=total - spec.power_efficiency_share,
        cv=getattr(spec, "cv_mw_per_mw", 0.0),
        extraction=spec.type == "extraction",
        ramp_share=spec.ramp_share_per_h,
        min_load=spec.min_load_share,
        price=price + tax + factor * co2,
    )
