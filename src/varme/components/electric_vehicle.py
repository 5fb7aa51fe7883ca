"""The electric vehicle: trips, a state of charge that it should leave with, a smallest charging power, V2H.

``L[t] = L[t-1] + h (eta c - d / eta) - trip``; ``low z <= c <= high z`` with z whole; at departure
``L + short >= wish``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field, model_validator

from varme.components.base import Block, Cost, Port
from varme.components.home import ELECTRICITY, Slots, Surroundings
from varme.ground.spec import Spec
from varme.kernel.model import Floats, Ints, Model, Number


class TripSpec(Spec):
    """A trip that repeats on some days of the week."""

    days: list[str] = Field(default=["mon", "tue", "wed", "thu", "fri"], min_length=1)
    """Days of the week: mon, tue, wed, thu, fri, sat, sun."""
    leave_h: float = Field(default=7.5, ge=0, lt=24)
    """Wall-clock hour of departure."""
    return_h: float = Field(default=17.0, gt=0, le=24)
    """Wall-clock hour of return on the same day."""
    energy_kwh: float = Field(default=8.0, ge=0)
    """Electricity of the trip."""

    @model_validator(mode="after")
    def _ordered(self) -> TripSpec:
        if self.return_h <= self.leave_h:
            raise ValueError("P108 return_h: must be after leave_h")
        unknown = [d for d in self.days if d not in DAYS]
        if unknown:
            raise ValueError(f"P101 days: {', '.join(unknown)} unknown | Days are {', '.join(DAYS)}.")
        return self


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class ElectricVehicle(Spec):
    """An electric vehicle that is charged at home."""

    name: str = "car"
    """Name, for tables and charts."""
    capacity_kwh: float = Field(default=60.0, gt=0)
    """Usable capacity."""
    charge_max_kw: float = Field(default=11.0, gt=0)
    """Largest charge."""
    charge_min_kw: float = Field(default=1.4, ge=0)
    """Smallest charge when it charges: 6 A (IEC 61851), 1.4 kW on one phase, 4.1 kW on three."""
    discharge_max_kw: float = Field(default=0.0, ge=0)
    """Largest discharge into the house (V2H); 0 for none."""
    charge_efficiency_share: float = Field(default=0.90, gt=0, le=1)
    """Electricity into the battery over electricity from the socket."""
    wear_eur_per_kwh: float = Field(default=0.05, ge=0)
    """Wear per kWh given to the house."""
    departure_min_share: float = Field(default=0.8, ge=0, le=1)
    """State of charge that it should leave with."""
    short_eur_per_kwh: float = Field(default=1.0, gt=0)
    """What a kWh missing at departure is worth."""
    trips: list[TripSpec] = Field(default=[TripSpec()])
    """Trips."""


@dataclass(frozen=True, eq=False)
class VehicleNumbers:
    """A vehicle compiled over the base grid.

    Attributes:
        name: Name.
        capacity_kwh: Usable capacity.
        charge_max_kw: Largest charge.
        charge_min_kw: Smallest charge.
        discharge_max_kw: Largest discharge.
        charge_efficiency_share: Efficiency of charging.
        wear_cent_per_kwh: Wear of discharging.
        short_cent_per_kwh: Price of energy missing at departure.
        home: 1 where it is plugged in, shape (N,).
        trip_kwh: Electricity used in each step, shape (N,); stands at the step of return.
        wish_kwh: Level wished at the end of each step: the wish in the step before departure, 0 elsewhere, shape (N,).
    """

    name: str
    capacity_kwh: float
    charge_max_kw: float
    charge_min_kw: float
    discharge_max_kw: float
    charge_efficiency_share: float
    wear_cent_per_kwh: float
    short_cent_per_kwh: float
    home: Floats
    trip_kwh: Floats
    wish_kwh: Floats

    def take(self, slots: Slots) -> VehicleNumbers:
        """Return the numbers over slots."""
        return VehicleNumbers(
            self.name, self.capacity_kwh, self.charge_max_kw, self.charge_min_kw, self.discharge_max_kw,
            self.charge_efficiency_share, self.wear_cent_per_kwh, self.short_cent_per_kwh, slots.least(self.home),
            slots.total(self.trip_kwh), slots.most(self.wish_kwh),
        )  # fmt: skip


def compiled(spec: ElectricVehicle, seen: Surroundings) -> VehicleNumbers:
    """Return the numbers of a vehicle."""
    n = seen.grid.n
    home, trip, wish = np.ones(n), np.zeros(n), np.zeros(n)
    for one in spec.trips:
        on_day = np.isin(seen.weekday, [DAYS.index(d) for d in one.days])
        away = on_day & (seen.local_h >= one.leave_h) & (seen.local_h < one.return_h)
        home[away] = 0.0
        leaves = away & ~np.concatenate([[False], away[:-1]])
        returns = away & ~np.concatenate([away[1:], [False]])
        trip[returns] += one.energy_kwh
        first = np.flatnonzero(leaves)
        wish[first[first > 0] - 1] = spec.departure_min_share * spec.capacity_kwh
    return VehicleNumbers(
        spec.name, spec.capacity_kwh, spec.charge_max_kw, spec.charge_min_kw, spec.discharge_max_kw,
        spec.charge_efficiency_share, 100 * spec.wear_eur_per_kwh, 100 * spec.short_eur_per_kwh, home, trip, wish,
    )  # fmt: skip


def block(numbers: VehicleNumbers, model: Model, slots: Slots, worth_cent_per_kwh: float) -> Block:
    """Add level, charge, discharge and what is missing at departure."""
    name, hours, eta = f"vehicle.{numbers.name}", slots.step_h, numbers.charge_efficiency_share
    charge = model.var(f"{name}.charge", upper=numbers.home * numbers.charge_max_kw)
    worth = np.zeros(slots.n)
    worth[-1] = -worth_cent_per_kwh
    level = model.var(f"{name}.level", upper=numbers.capacity_kwh, cost=worth, history=1)
    terms: list[tuple[Number, Ints]] = [(1.0, level.now), (-1.0, level.lag(1)), (-eta * hours, charge.now)]
    ports, costs = [Port(ELECTRICITY, charge, -1.0)], []
    if numbers.discharge_max_kw:
        wear = numbers.wear_cent_per_kwh * hours
        give = model.var(f"{name}.discharge", upper=numbers.home * numbers.discharge_max_kw, cost=wear)
        terms.append((hours / eta, give.now))
        ports.append(Port(ELECTRICITY, give, 1.0))
        costs.append(Cost("vehicle wear", give, wear))
    stranded = model.var(f"{name}.stranded", upper=numbers.trip_kwh, cost=2 * numbers.short_cent_per_kwh)
    terms.append((-1.0, stranded.now))
    model.add(f"{name}.balance", terms, lower=-numbers.trip_kwh, upper=-numbers.trip_kwh)
    short = model.var(f"{name}.short", upper=numbers.wish_kwh, cost=numbers.short_cent_per_kwh)
    model.add(f"{name}.departure", [(1.0, level.now), (1.0, short.now)], lower=numbers.wish_kwh)
    if numbers.charge_min_kw:
        on = model.var(f"{name}.charging", upper=numbers.home, integer=True)
        model.add(f"{name}.charge_max", [(1.0, charge.now), (-numbers.charge_max_kw, on.now)], upper=0.0)
        model.add(f"{name}.charge_min", [(1.0, charge.now), (-numbers.charge_min_kw, on.now)], lower=0.0)
    costs += [Cost("missing at departure", short, numbers.short_cent_per_kwh)]
    costs += [Cost("missing at departure", stranded, 2 * numbers.short_cent_per_kwh)]
    return Block(name, ports, costs)


@dataclass(frozen=True, eq=False)
class VehicleStep:
    """What a vehicle did in a step, arrays of shape (homes,): level after it, powers, and energy that was missing."""

    level_kwh: Floats
    charge_kw: Floats
    discharge_kw: Floats
    stranded_kwh: Floats
    short_kwh: Floats


def step(
    numbers: VehicleNumbers,
    at: int,
    level_kwh: Floats,
    charge_kw: Floats,
    discharge_kw: Floats,
    hours: float,
    *,
    last: bool = True,
) -> VehicleStep:
    """Return a vehicle after a step (simulation view): what is asked for, within the limits.

    A base step may be simulated in parts; trips are taken, and departures counted, in its last part.

    Args:
        numbers: The vehicle over the base grid.
        at: Base step.
        level_kwh: Levels before the step, shape (homes,).
        charge_kw: Charge asked for, shape (homes,); below the smallest charge it does not charge.
        discharge_kw: Discharge asked for, shape (homes,).
        hours: Length of the part [h].
        last: Whether this is the last part of the base step.
    """
    eta = numbers.charge_efficiency_share
    room = np.maximum(numbers.capacity_kwh - level_kwh, 0.0)
    charge = np.clip(charge_kw, 0.0, numbers.home[at] * numbers.charge_max_kw)
    charge = np.where(charge < numbers.charge_min_kw - 1e-6, 0.0, np.minimum(charge, room / (eta * hours)))
    give = np.clip(discharge_kw, 0.0, numbers.home[at] * numbers.discharge_max_kw)
    give = np.minimum(give, np.maximum(level_kwh, 0.0) * eta / hours)
    level = level_kwh + hours * (eta * charge - give / eta)
    trip, wish = (float(numbers.trip_kwh[at]), float(numbers.wish_kwh[at])) if last else (0.0, 0.0)
    stranded = np.maximum(trip - level, 0.0)
    after = level - trip + stranded
    return VehicleStep(after, charge, give, stranded, np.maximum(wish - after, 0.0))
