"""What all devices share: ports, blocks, the environment that a block is built in, and the fields of on/off units."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from pydantic import Field

from varme.ground.series import SeriesSpec
from varme.ground.size import Decision, Size
from varme.ground.spec import Spec
from varme.ground.timegrid import TimeGrid
from varme.kernel.model import Floats, Model, Number, Var, Windowed
from varme.kernel.patterns import OnOff, on_off, ramp, sized

Quantity = Literal["fuel_mw", "status", "level_mwh", "available_mw", "start", "size_mw", "size_mwh"]

#: Category of what the plan pays for being above a CO2 budget: it steers the plan, and is kept apart from the cost.
CAP_CATEGORY = "co2 cap"
#: Category of what the plan is credited for heat left in stores: likewise.
TERMINAL_CATEGORY = "heat left in store"
#: Categories of devices that are no cost.
APART_CATEGORIES = (CAP_CATEGORY, TERMINAL_CATEGORY)


@dataclass(frozen=True, eq=False)
class Term:
    """A coefficient times a variable, summed up to a quantity."""

    var: Var
    coefficient: Number


@dataclass(frozen=True, eq=False)
class Port:
    """What a variable puts into a bus (positive) or takes from it (negative), per unit of the variable [MW]."""

    bus: str
    var: Var
    coefficient: Number


@dataclass(frozen=True, eq=False)
class Cost:
    """A cost of a device: per step and unit of the variable [EUR], and what it is spent on."""

    category: str
    var: Var
    coefficient: Number


@dataclass(frozen=True, eq=False)
class Block:
    """The optimisation view of one device.

    Attributes:
        name: Name of the device.
        ports: What goes into and comes out of the buses.
        costs: Every cost; their sum is the cost that the model minimises.
        readings: Quantity -> terms, for what the ports do not show (fuel, status, level, size).
        fuel: Fuel burnt, ``""`` for none.
        co2: Emissions [t per step and unit of the variable].
    """

    name: str
    ports: Sequence[Port]
    costs: Sequence[Cost] = ()
    readings: Mapping[Quantity, Sequence[Term]] = field(default_factory=dict)
    fuel: str = ""
    co2: Sequence[Term] = ()


class Fuel(Spec):
    """A fuel: its price, its taxes and what it emits. All per MWh of fuel energy on the basis of the plants' data."""

    price_eur_per_mwh: SeriesSpec
    """Price at the plant [EUR/MWh of fuel]; `price_eur_per_gj` is converted."""
    tax_eur_per_mwh: float = 0.0
    """Taxes per fuel energy [EUR/MWh]."""
    co2_t_per_mwh: float = Field(default=0.0, ge=0)
    """Emission factor [t CO2 per MWh of fuel]."""


@dataclass(frozen=True)
class Env:
    """The environment that a block is built in.

    Attributes:
        grid: The whole horizon.
        inputs: Device -> field -> resolved series (float, or array of shape (n,)).
        fuels: Fuel -> (price, tax, emission factor); prices as float or array of shape (n,).
        co2_price: Price of CO2 [EUR/t], float or array of shape (n,).
        co2_budget_kt: What may have been emitted by the end of each step, cumulative [kt], shape (n,), or ``None``.
        co2_excess_eur_per_t: Price of being above the budget [EUR/t and step]; 0 if the budget is a hard limit.
    """

    grid: TimeGrid
    inputs: Mapping[str, Mapping[str, float | Floats]]
    fuels: Mapping[str, tuple[float | Floats, float, float]]
    co2_price: float | Floats = 0.0
    co2_budget_kt: Floats | None = None
    co2_excess_eur_per_t: float = 0.0

    @property
    def step_h(self) -> float:
        """Length of a step [h]."""
        return self.grid.step_h

    @property
    def hours(self) -> float:
        """Length of the horizon [h]."""
        return self.grid.step_h * self.grid.n

    def input(self, name: str, key: str) -> float | Floats:
        """Return a resolved series of a device."""
        return self.inputs[name][key]

    def steps(self, hours: float) -> int:
        """Return how many steps a duration takes, rounded up, at least 1."""
        return max(1, int(np.ceil(hours / self.step_h - 1e-9)))


def number(value: float | Floats) -> Number:
    """Return a value for the model: arrays over the horizon become windowed, scalars stay."""
    return Windowed(np.asarray(value, dtype=float)) if isinstance(value, np.ndarray) else float(value)


def times(number_: Number, factor: float) -> Number:
    """Return a number of any form times a factor."""
    return Windowed(number_.full * factor) if isinstance(number_, Windowed) else number_ * factor


class Device(Protocol):
    """What every device offers."""

    @property
    def type(self) -> str:
        """Kind of device."""

    @property
    def label(self) -> str:
        """Text for charts and tables."""

    def buses(self) -> dict[str, str]:
        """Return field -> bus name, ``electricity:NODE`` or ``heat:AREA``."""

    def supplies(self) -> set[str]:
        """Return the buses that it can feed."""

    def block(self, name: str, model: Model, env: Env) -> Block:
        """Add variables and constraints to the model and return the ports."""


class DeviceSpec(Spec):
    """Fields of every device."""

    label: str = ""
    """Text for charts and tables; the device's name if empty."""

    @abstractmethod
    def buses(self) -> dict[str, str]:
        """Return field -> bus name."""

    def supplies(self) -> set[str]:
        """Return the buses that it can feed: all that it stands on, unless it draws from one."""
        return set(self.buses().values())


class CommittedSpec(DeviceSpec):
    """Fields of every device that is switched on and off."""

    min_load_share: float = Field(default=0.0, ge=0, le=1)
    """Smallest load when on, as a share of full load. The Copenhagen paper states none; an assumption."""
    start_cost_eur: float = Field(default=0.0, ge=0)
    """Cost of a start [EUR]. Default 0: the Copenhagen paper states none."""
    min_up_h: float = Field(default=0.0, ge=0)
    """Shortest time on after a start [h]. Default 0: the Copenhagen paper states none."""
    min_down_h: float = Field(default=0.0, ge=0)
    """Shortest time off after a stop [h]. Default 0: the Copenhagen paper states none."""
    initial: Literal["free", "on", "off"] = "free"
    """State before the horizon: `on` or `off` for longer than the minimum times, or `free` (chosen without cost)."""
    variable_om_eur_per_mwh: float = Field(default=0.0, ge=0)
    """Operation and maintenance per MWh of the dispatch variable: fuel for plants and boilers, heat for heat pumps."""

    def always_committed(self) -> bool:
        """Return whether an on/off variable is needed even without a ramp."""
        return bool(self.min_load_share or self.start_cost_eur or self.min_up_h or self.min_down_h)


class FuelledSpec(CommittedSpec):
    """Fields of every device that burns a fuel."""

    fuel: str
    """Name of a fuel of the study."""
    fuel_price_eur_per_mwh: SeriesSpec | None = None
    """Price for this unit alone; the fuel's price if not given [EUR/MWh of fuel]."""


def fuel_terms(spec: FuelledSpec, name: str, env: Env) -> tuple[Number, list[tuple[str, Number]], float]:
    """Return the cost per step and MW of fuel, its parts by category, and the emissions per step and MW [t]."""
    price, tax, factor = env.fuels[spec.fuel]
    own = env.inputs.get(name, {}).get("fuel_price_eur_per_mwh")
    parts: list[tuple[str, Any]] = [("fuel", price if own is None else own)]
    if tax:
        parts.append(("tax", tax))
    if factor and np.any(np.asarray(env.co2_price)):
        parts.append(
            ("co2", np.asarray(env.co2_price) * factor if np.ndim(env.co2_price) else env.co2_price * factor)
        )
    if spec.variable_om_eur_per_mwh:
        parts.append(("operation and maintenance", spec.variable_om_eur_per_mwh))
    total = sum((part for _, part in parts), start=0.0)
    return (
        times(number(total), env.step_h),
        [(category, times(number(part), env.step_h)) for category, part in parts],
        factor * env.step_h,
    )


def commit(
    spec: CommittedSpec,
    name: str,
    model: Model,
    env: Env,
    level: Var,
    level_max: Number,
    ramp_share_per_h: float = 1.0,
) -> OnOff:
    """Give a dispatch variable its on/off structure and its ramps.

    Args:
        spec: The device.
        name: Its name.
        model: The model.
        env: The environment.
        level: Dispatch variable, with a history of 1.
        level_max: Full load.
        ramp_share_per_h: Largest change as a share of full load per hour; from 1 per step on there is no limit.
    """
    unit = on_off(
        model,
        name,
        level,
        level_min=times(level_max, spec.min_load_share),
        level_max=level_max,
        start_cost=spec.start_cost_eur,
        min_up=env.steps(spec.min_up_h) if spec.min_up_h else 1,
        min_down=env.steps(spec.min_down_h) if spec.min_down_h else 1,
    )
    share = ramp_share_per_h * env.step_h
    if share < 1:
        full = float(np.max(level_max.full)) if isinstance(level_max, Windowed) else float(np.max(level_max))
        ramp(
            model, name, level, up=share * full, down=share * full, level_min=spec.min_load_share * full,
            status=unit.status,
        )  # fmt: skip
    return unit


def status_readings(unit: OnOff, spec: CommittedSpec) -> tuple[dict[Quantity, list[Term]], list[Cost]]:
    """Return the readings and the start costs of an on/off device."""
    readings: dict[Quantity, list[Term]] = {"status": [Term(unit.status, 1.0)]}
    costs: list[Cost] = []
    if unit.start is not None:
        readings["start"] = [Term(unit.start, 1.0)]
        if spec.start_cost_eur:
            costs.append(Cost("starts", unit.start, spec.start_cost_eur))
    return readings, costs


def with_size(
    block: Block, size: Size, model: Model, env: Env, load: tuple[Number, Var], quantity: Quantity
) -> Block:
    """Return the block with its size as a variable and ``load <= size``, if the size is a decision.

    Args:
        block: The block so far.
        size: A number (the block is returned as it is) or a decision.
        model: The model.
        env: The environment; costs are charged in proportion to its length.
        load: Coefficient and variable that the size limits.
        quantity: ``size_mw`` or ``size_mwh``.
    """
    if not isinstance(size, Decision):
        return block
    per_unit, build = size.eur_per_unit(env.hours), size.eur_build(env.hours)
    column = sized(
        model, block.name, size_min=size.min, size_max=size.max, cost_per_unit=per_unit, cost_build=build
    )
    model.add(f"{block.name}.within_size", [(load[0], load[1].now), (-1.0, column.now)], upper=0.0)
    costs = [*block.costs, Cost("investment", column, per_unit)]
    if build > 0:
        costs.append(Cost("investment", model.vars[f"{block.name}.built"], build))
    readings: dict[Quantity, Sequence[Term]] = {**block.readings, quantity: [Term(column, 1.0)]}
    return Block(block.name, block.ports, costs, readings, block.fuel, block.co2)
