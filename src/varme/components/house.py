"""The house: one or two temperatures, solar and internal gains, and comfort as a priced wish.

``T[t] = A T[t-1] + b_heat * heat[t] + d[t]`` exactly over each slot (:mod:`varme.physics.building`), and
``low <= T_room + cold - warm <= high`` with ``cold`` and ``warm`` priced per kelvin and hour, and reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from varme.components.base import Block, Cost, Port
from varme.components.home import Slots, Surroundings
from varme.ground.series import SeriesSpec
from varme.ground.spec import Spec
from varme.kernel.model import Floats, Ints, Model, Number
from varme.physics.building import ThermalNetwork, emitter_flow_c, emitter_heat_kw, one_node, two_nodes

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class ComfortPeriod(Spec):
    """Hours in which another comfort band counts: a night set-back, a day at work."""

    from_h: float = Field(default=22.0, ge=0, lt=24)
    """Wall-clock hour at which it begins."""
    until_h: float = Field(default=6.0, gt=0, le=24)
    """Wall-clock hour at which it ends; before `from_h`: on the next day."""
    days: list[str] = Field(default=list(DAYS), min_length=1)
    """Days on which it begins: mon, tue, wed, thu, fri, sat, sun."""
    temperature_min_c: float | None = Field(default=None, gt=0, lt=40)
    """Lower end of the band in these hours [C]; unchanged if not given."""
    temperature_max_c: float | None = Field(default=None, gt=0, lt=40)
    """Upper end of the band in these hours [C]; unchanged if not given."""

    @model_validator(mode="after")
    def _sensible(self) -> ComfortPeriod:
        unknown = [d for d in self.days if d not in DAYS]
        if unknown:
            raise ValueError(f"P101 days: {', '.join(unknown)} unknown | Days are {', '.join(DAYS)}.")
        if self.temperature_min_c is None and self.temperature_max_c is None:
            raise ValueError("P103 temperature_min_c: or temperature_max_c must be given")
        if self.until_h == self.from_h:
            raise ValueError("P108 until_h: must differ from from_h")
        return self


class WindowSpec(Spec):
    """Windows that face one way."""

    area_m2: float = Field(gt=0)
    """Area of the openings."""
    azimuth_deg: float = Field(default=180.0, ge=0, le=360)
    """Direction that they face: 180 is south, 90 east."""
    tilt_deg: float = Field(default=90.0, ge=0, le=90)
    """Tilt: 90 is a wall, 45 a roof."""
    solar_share: float = Field(default=0.35, gt=0, le=1)
    """Heat that enters over irradiance on the opening: glass 0.6, frame 0.7, dirt, curtains and shade 0.85
    (assumption)."""


@dataclass(frozen=True)
class EmitterKind:
    """What a kind of heat emitter is like.

    Attributes:
        exponent: Heat goes with the excess temperature to this power (EN 442 for radiators, EN 1264 for floors; fan
            coils are close to linear).
        design_flow_c: Usual flow temperature at the design outdoor temperature.
        design_return_c: Usual return temperature there.
        flow_max_c: Highest flow temperature.
        to_mass_share: Share of the heat that enters the mass of the house (assumption).
        cool_flow_c: Coldest flow when cooling: above the dew point for floors; ``None`` if it cannot cool.
    """

    exponent: float
    design_flow_c: float
    design_return_c: float
    flow_max_c: float
    to_mass_share: float
    cool_flow_c: float | None


EMITTERS: dict[str, EmitterKind] = {
    "floor": EmitterKind(1.1, 35.0, 30.0, 45.0, 0.7, 18.0),
    "radiator": EmitterKind(1.3, 55.0, 45.0, 65.0, 0.0, None),
    "fan_coil": EmitterKind(1.0, 45.0, 40.0, 55.0, 0.0, 8.0),
}

#: Last year of a building age class -> heat loss per floor area [W/(K m2)], transmission and ventilation, for detached
#: houses without later insulation. Assumptions of the size that the TABULA typology of European houses shows
#: (episcope.eu/building-typology); not TABULA's own figures. Semi-detached houses and flats lose less.
HEAT_LOSS_BY_YEAR: tuple[tuple[int, float], ...] = (
    (1948, 2.5), (1957, 2.5), (1968, 2.3), (1978, 2.1), (1983, 1.7), (1994, 1.4), (2001, 1.1), (2009, 0.9),
    (2015, 0.7), (9999, 0.55),
)  # fmt: skip
#: Heat capacity per floor area [kWh/(K m2)]: the classes of EN ISO 13790, table 12: 110, 165 and 260 kJ/(K m2).
CAPACITY_BY_WEIGHT = {"light": 110 / 3600, "medium": 165 / 3600, "heavy": 260 / 3600}
#: Effective solar aperture per floor area: a sixth of windows, 0.35 of it effective, half of it shaded or unused
#: (assumption).
APERTURE_PER_FLOOR = 0.03


class House(Spec):
    """A house or flat.

    Five answers are enough: `floor_area_m2`, `built_year`, `emitter` and, if known, the yearly `heat_demand_kwh_th`
    give every other number; whatever is stated wins.
    """

    floor_area_m2: float | None = Field(default=None, gt=10, lt=20_000)
    """Heated floor area; gives heat capacity, gains and, with `built_year`, the heat loss."""
    built_year: int | None = Field(default=None, ge=1000, le=2200)
    """Year of construction, or of the last thorough renovation."""
    weight: Literal["light", "medium", "heavy"] = "medium"
    """Build: timber, brick, or heavy concrete and stone (EN ISO 13790)."""
    heat_demand_kwh_th: float | None = Field(default=None, gt=0)
    """Space heat of a year; the heat loss is then found from the year's own weather."""
    degree_days_k_days: float | None = Field(default=None, gt=0)
    """Heating degree days of the year of `heat_demand_kwh_th` (base 17 C outside, inside 17 after gains), where the
    study's own weather is shorter than a year. Copenhagen has about 2,900."""
    nodes_count: Literal[1, 2] = 2
    """Temperatures of the model: 1 (1R1C) or 2 (2R2C: room and mass)."""
    heat_loss_w_per_k: float = Field(default=160.0, ge=1, le=1e6)
    """Steady heat per kelvin between inside and outside. Default: about 150 m2 of the 1990s (assumption)."""
    capacity_kwh_per_k: float = Field(default=10.0, ge=0.01, le=1e6)
    """Heat capacity of the whole house. Default: medium to heavy, 150 m2 (assumption)."""
    room_capacity_share: float = Field(default=0.2, gt=0, lt=1)
    """Share of the capacity in air, furniture and inner surfaces (assumption)."""
    coupling_ratio: float = Field(default=6.0, gt=1)
    """Conductance between room and mass, relative to the heat loss (assumption)."""
    direct_share: float = Field(default=0.4, ge=0, lt=1)
    """Share of the loss that leaves the room directly: ventilation and windows (assumption)."""
    solar_aperture_m2: float = Field(default=4.0, ge=0)
    """Effective window area, spread over the four directions: irradiance times this is the solar gain."""
    windows: list[WindowSpec] = Field(default=[])
    """Windows by direction, instead of `solar_aperture_m2`."""
    internal_gains_kw: SeriesSpec = 0.3
    """Heat of people and appliances [kW]."""
    temperature_min_c: SeriesSpec = 20.0
    """Lower end of the comfort band [C]."""
    temperature_max_c: SeriesSpec = 23.0
    """Upper end of the comfort band [C]."""
    comfort: list[ComfortPeriod] = Field(default=[])
    """Hours with another band, for example a night set-back; a later one wins."""
    discomfort_eur_per_k_h: float = Field(default=1.0, gt=0)
    """What a kelvin outside the band is worth per hour."""
    emitter: Literal["floor", "radiator", "fan_coil"] = "floor"
    """Kind of emitters: floor heating feeds the mass, radiators and fan coils the room."""
    design_outdoor_c: float = -12.0
    """Outdoor temperature for which the emitters are laid out [C]."""
    design_flow_c: float = Field(default=35.0, gt=22)
    """Flow temperature at the design outdoor temperature [C]: 35 for floors, 55 for radiators, 45 for fan coils."""
    design_return_c: float = Field(default=30.0, gt=21)
    """Return temperature at the design outdoor temperature [C]."""
    emitter_design_kw: float | None = Field(default=None, gt=0)
    """Heat that the emitters give at their design temperatures; the design heat loss if not given. Radiators that were
    laid out before a renovation give more, so the water may be colder."""
    flow_max_c: float | None = Field(default=None, gt=22)
    """Highest flow temperature [C]; 45 for floors, 65 for radiators, 55 for fan coils if not given (assumptions)."""
    cool_flow_c: float | None = Field(default=None, gt=4, lt=24)
    """Flow temperature when cooling [C]; 18 for floors (dew point), 8 for fan coils; radiators do not cool."""

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, data: Any) -> Any:
        """Fill in what follows from the kind of emitter, the floor area and the year of construction."""
        if not isinstance(data, dict):
            return data
        known = dict(data)
        kind = EMITTERS.get(str(known.get("emitter", "floor")))
        if kind is not None and "design_flow_c" not in known and "design_return_c" not in known:
            known["design_flow_c"], known["design_return_c"] = kind.design_flow_c, kind.design_return_c
        area, year = known.get("floor_area_m2"), known.get("built_year")
        if not isinstance(area, (int, float)) or isinstance(area, bool) or not np.isfinite(area):
            return known
        if isinstance(year, int) and "heat_loss_w_per_k" not in known and "heat_loss_kw_per_k" not in known:
            per_m2 = next(loss for last, loss in HEAT_LOSS_BY_YEAR if year <= last)
            known["heat_loss_w_per_k"] = per_m2 * area
        per_k = CAPACITY_BY_WEIGHT.get(str(known.get("weight", "medium")))
        if per_k is not None:
            known.setdefault("capacity_kwh_per_k", per_k * area)
        known.setdefault("solar_aperture_m2", APERTURE_PER_FLOOR * area)
        known.setdefault("internal_gains_kw", INTERNAL_GAINS_KW_PER_M2 * area)
        return known

    @model_validator(mode="after")
    def _ordered(self) -> House:
        if self.design_return_c >= self.design_flow_c:
            raise ValueError("P108 design_return_c: must be below design_flow_c")
        if self.flow_max_c is not None and self.flow_max_c < self.design_flow_c:
            raise ValueError(
                f"P108 flow_max_c: {self.flow_max_c:g} C is below the design flow temperature of "
                f"{self.design_flow_c:g} C | Raise it, or lay the emitters out for colder water."
            )
        if self.cool_flow_c is not None and EMITTERS[self.emitter].cool_flow_c is None:
            raise ValueError(
                "P108 cool_flow_c: radiators do not cool | Use floor or fan_coil, or leave it out."
            )
        if self.windows and "solar_aperture_m2" in self.model_fields_set and self.floor_area_m2 is None:
            raise ValueError("P108 windows: give windows or solar_aperture_m2, not both")
        if self.built_year is not None and self.floor_area_m2 is None:
            raise ValueError("P103 floor_area_m2: must be given with built_year")
        low, high = self.temperature_min_c, self.temperature_max_c
        if isinstance(low, (int, float)) and isinstance(high, (int, float)) and low > high:
            raise ValueError(
                f"P108 temperature_min_c: {low:g} C is above temperature_max_c, {high:g} C "
                "| Comfort needs a band: raise the upper end or lower the lower one."
            )
        return self

    @property
    def exponent(self) -> float:
        """Exponent of the emitters: heat goes with the excess temperature to this power."""
        return EMITTERS[self.emitter].exponent

    @property
    def design_heat_kw(self) -> float:
        """Heat loss at 20 C inside and the design outdoor temperature, without gains [kW]."""
        return self.heat_loss_w_per_k / 1e3 * (20.0 - self.design_outdoor_c)

    @property
    def emitter_heat_at_design_kw(self) -> float:
        """Heat of the emitters at their design temperatures [kW]."""
        return self.design_heat_kw if self.emitter_design_kw is None else self.emitter_design_kw

    @property
    def highest_flow_c(self) -> float:
        """Highest flow temperature [C]."""
        usual = max(EMITTERS[self.emitter].flow_max_c, self.design_flow_c)
        return usual if self.flow_max_c is None else self.flow_max_c

    @property
    def emitter_max_kw(self) -> float:
        """Heat that the emitters give at the highest flow temperature and 20 C in the room [kW]."""
        return float(self.emitter_heat_kw(self.highest_flow_c))

    @property
    def can_cool(self) -> bool:
        """Whether the emitters can cool."""
        return EMITTERS[self.emitter].cool_flow_c is not None

    @property
    def coolest_flow_c(self) -> float:
        """Flow temperature when cooling [C]; NaN for radiators."""
        usual = EMITTERS[self.emitter].cool_flow_c
        return float("nan") if usual is None else usual if self.cool_flow_c is None else self.cool_flow_c

    @property
    def cool_max_kw(self) -> float:
        """Cold that the emitters give at the coolest flow and 25 C in the room [kW]; 0 for radiators."""
        if not self.can_cool:
            return 0.0
        mirrored = 25.0 + (25.0 - self.coolest_flow_c)
        return float(self.emitter_heat_kw(mirrored, 25.0))

    def flow_c(self, heat_kw: Floats | float, room_c: Floats | float = 20.0) -> Floats:
        """Return the flow temperature at which the emitters give a heat [C]."""
        return emitter_flow_c(
            heat_kw,
            room_c,
            self.emitter_heat_at_design_kw,
            self.design_flow_c,
            self.design_return_c,
            self.exponent,
        )

    def emitter_heat_kw(self, flow_c: Floats | float, room_c: Floats | float = 20.0) -> Floats:
        """Return the heat that the emitters give at a flow temperature [kW]."""
        return emitter_heat_kw(
            flow_c,
            room_c,
            self.emitter_heat_at_design_kw,
            self.design_flow_c,
            self.design_return_c,
            self.exponent,
        )

    def heat_load_kw(self, inside_c: float = 20.0, reheat_w_per_m2: float = 0.0) -> float:
        """Return the design heat load by the simple form of EN 12831 [kW].

        Transmission and ventilation at the design outdoor temperature without gains, plus a heating-up power per floor
        area for houses whose heating is set back: 0 without set-back, 10 to 30 W/m2 otherwise (assumption).
        """
        steady = self.heat_loss_w_per_k / 1e3 * (inside_c - self.design_outdoor_c)
        return steady + reheat_w_per_m2 * (self.floor_area_m2 or 0.0) / 1e3

    def network(self) -> ThermalNetwork:
        """Return the house as a thermal network."""
        return network_of(self, self.heat_loss_w_per_k / 1e3)


#: Heat of people and appliances per floor area [kW/m2] (3 W/m2, the size of EN ISO 52016's residential defaults;
#: assumption).
INTERNAL_GAINS_KW_PER_M2 = 0.003


def network_of(spec: House, loss: float) -> ThermalNetwork:
    """Return a house of another heat loss [kW/K] as a thermal network."""
    if spec.nodes_count == 1:
        return one_node(loss, spec.capacity_kwh_per_k)
    room = spec.room_capacity_share * spec.capacity_kwh_per_k
    return two_nodes(
        loss, room, spec.capacity_kwh_per_k - room, spec.coupling_ratio * loss, spec.direct_share,
        EMITTERS[spec.emitter].to_mass_share,
    )  # fmt: skip


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
        cool_max_kw: Largest cold that the emitters give; 0 if they cannot cool.
    """

    network: ThermalNetwork
    gains_kw: Floats
    outdoor_c: Floats
    low_c: Floats
    high_c: Floats
    discomfort_cent_per_k_h: float
    emitter_max_kw: float
    cool_max_kw: float = 0.0

    def take(self, slots: Slots) -> HouseNumbers:
        """Return the numbers over slots, arrays of shape (n,)."""
        return HouseNumbers(
            self.network, slots.mean(self.gains_kw), slots.mean(self.outdoor_c), slots.last(self.low_c),
            slots.last(self.high_c), self.discomfort_cent_per_k_h, self.emitter_max_kw, self.cool_max_kw,
        )  # fmt: skip

    def steps(self, step_h: Floats) -> tuple[Floats, Floats, Floats]:
        """Return A (n, k, k), b_heat (n, k) and the disturbance d (n, k) of slots of given lengths (n,)."""
        lengths, which = np.unique(step_h, return_inverse=True)
        parts = [self.network.step(float(h)) for h in lengths]
        a, heat, gain, out = (np.stack([p[i] for p in parts])[which] for i in range(4))
        return a, heat, gain * self.gains_kw[:, None] + out * self.outdoor_c[:, None]


def solar_kw(spec: House, seen: Surroundings) -> Floats:
    """Return the solar gains through the windows [kW], shape (N,)."""
    if not spec.windows or seen.light is None:
        area = spec.solar_aperture_m2
        if spec.windows:
            area = sum(w.area_m2 * w.solar_share for w in spec.windows)
        return area * seen.window_w_per_m2 / 1e3
    light = seen.light
    parts = [
        w.area_m2 * w.solar_share * light.on_plane(w.tilt_deg, w.azimuth_deg, True) for w in spec.windows
    ]
    return np.asarray(np.sum(parts, axis=0) / 1e3)


def comfort_band(spec: House, seen: Surroundings, low_c: Floats, high_c: Floats) -> tuple[Floats, Floats]:
    """Return the comfort band with its periods laid over the series of the spec, shapes (N,).

    A period that ends before it begins goes on to the next day; hours are those of the wall clock.
    """
    low, high = np.array(low_c, dtype=float), np.array(high_c, dtype=float)
    for period in spec.comfort:
        days = [DAYS.index(d) for d in period.days]
        today, yesterday = np.isin(seen.weekday, days), np.isin((seen.weekday - 1) % 7, days)
        late, early = seen.local_h >= period.from_h - 1e-9, seen.local_h < period.until_h - 1e-9
        if period.until_h > period.from_h:
            inside = today & late & early
        else:
            inside = (today & late) | (yesterday & early)
        if period.temperature_min_c is not None:
            low[inside] = period.temperature_min_c
        if period.temperature_max_c is not None:
            high[inside] = period.temperature_max_c
    return low, high


def compiled(
    spec: House, seen: Surroundings, gains_kw: Floats | float, low_c: Floats | float, high_c: Floats | float
) -> HouseNumbers:
    """Return the numbers of a house; the series are those of the spec on the base grid, without its comfort periods."""
    n = seen.grid.n
    solar = solar_kw(spec, seen)
    full = [np.broadcast_to(np.asarray(v, dtype=float), (n,)) for v in (gains_kw, low_c, high_c)]
    low, high = comfort_band(spec, seen, full[1], full[2])
    return HouseNumbers(
        spec.network(), full[0] + solar, seen.outdoor_c, low, high, 100 * spec.discomfort_eur_per_k_h,
        spec.emitter_max_kw, spec.cool_max_kw,
    )  # fmt: skip


def block(
    numbers: HouseNumbers,
    model: Model,
    slots: Slots,
    feeds: Sequence[Port],
    worth_cent_per_k: Floats,
    emitters_bind: bool = False,
) -> Block:
    """Add temperatures, comfort and the balance of each node.

    Args:
        numbers: The house over the slots.
        model: The model.
        slots: The slots.
        feeds: What the other devices put into the room [kW per unit of their variable].
        worth_cent_per_k: Value of a kelvin of each node at the end of the plan, shape (k,).
        emitters_bind: Whether the heaters can give more than the emitters take, so that a limit is needed.
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
    heating = [p for p in feeds if np.any(np.asarray(p.coefficient) > 0)]
    if emitters_bind and heating:
        given: list[tuple[Number, Ints]] = [(p.coefficient, p.var.now) for p in heating]
        model.add("house.emitters", given, upper=numbers.emitter_max_kw)
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
