"""The electric vehicle: trips, a state of charge that it should leave with, a smallest charging power, V2H.

``L[t] = L[t-1] + h (eta c - d / eta) - trip``; ``low z <= c <= high z`` with z whole; at departure
``L + short >= wish``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from varme.components.base import Block, Cost, Port
from varme.components.home import ELECTRICITY, Slots, Surroundings
from varme.ground.errors import Collector, Problem
from varme.ground.findings import Finding
from varme.ground.spec import Spec
from varme.kernel.model import Floats, Ints, Model, Number

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: Smallest current of a charging car [A] (IEC 61851-1) and voltage of a phase [V].
LEAST_CURRENT_A, PHASE_V = 6.0, 230.0


class TripSpec(Spec):
    """A trip that repeats on some days of the week, or takes place on given dates."""

    days: list[str] = Field(default=["mon", "tue", "wed", "thu", "fri"], min_length=1)
    """Days of the week of departure: mon, tue, wed, thu, fri, sat, sun."""
    dates: list[date] = Field(default=[])
    """Dates of departure, instead of days of the week."""
    leave_h: float = Field(default=7.5, ge=0, lt=24)
    """Wall-clock hour of departure."""
    return_h: float = Field(default=17.0, gt=0, le=24)
    """Wall-clock hour of return; before `leave_h` it is that of the next day."""
    nights_count: int | None = Field(default=None, ge=0, le=30)
    """Nights away; 0, or 1 if it returns before the hour of departure, if not given."""
    energy_kwh: float | None = Field(default=None, ge=0)
    """Electricity of the trip; 8 kWh if neither this nor the distance is given."""
    distance_km: float | None = Field(default=None, gt=0)
    """Length of the trip, there and back, instead of `energy_kwh`."""
    departure_min_share: float | None = Field(default=None, ge=0, le=1)
    """State of charge that it should leave with on this trip; that of the vehicle if not given."""

    @model_validator(mode="after")
    def _ordered(self) -> TripSpec:
        if self.nights == 0 and self.return_h <= self.leave_h:
            raise ValueError(
                "P108 return_h: must be after leave_h | Or state the nights away in nights_count."
            )
        unknown = [d for d in self.days if d not in DAYS]
        if unknown:
            raise ValueError(f"P101 days: {', '.join(unknown)} unknown | Days are {', '.join(DAYS)}.")
        if (
            self.dates
            and "days" in self.model_fields_set
            and self.days != ["mon", "tue", "wed", "thu", "fri"]
        ):
            raise ValueError("P108 dates: give days or dates, not both")
        if self.energy_kwh is not None and self.distance_km is not None:
            raise ValueError("P108 distance_km: give energy_kwh or distance_km, not both")
        return self

    @property
    def nights(self) -> int:
        """Nights away."""
        if self.nights_count is not None:
            return self.nights_count
        return int(self.return_h <= self.leave_h)


class ElectricVehicle(Spec):
    """An electric vehicle that is charged at home."""

    name: str = "car"
    """Name, for tables and charts."""
    model: str | None = None
    """Brand and model in the catalogue, for example "VW ID.3 Pro"; gives capacity, charging power, phases and
    consumption where they are not stated."""
    catalogue: str | None = None
    """File of vehicle models in the columns of Open EV Data, relative to the study file."""
    capacity_kwh: float = Field(default=60.0, gt=0)
    """Usable capacity."""
    charge_max_kw: float = Field(default=11.0, gt=0)
    """Largest charge, from the socket."""
    phases_count: Literal[1, 3] = 3
    """Phases that it charges on."""
    phase_switching: bool = False
    """Whether the wallbox changes to one phase for small powers."""
    charge_min_kw: float | None = Field(default=None, ge=0)
    """Smallest charge when it charges; if not given, 6 A (IEC 61851-1): 1.38 kW on one phase or with phase switching,
    4.14 kW on three."""
    discharge_max_kw: float = Field(default=0.0, ge=0)
    """Largest discharge into the house (V2H); 0 for none."""
    charge_efficiency_share: float = Field(default=0.90, gt=0, le=1)
    """Electricity into the battery over electricity from the socket."""
    consumption_kwh_per_100km: float = Field(default=18.0, gt=0, le=100)
    """Electricity of driving, for trips that state a distance (assumption: a middle-sized car)."""
    wear_eur_per_kwh: float = Field(default=0.05, ge=0)
    """Wear per kWh given to the house."""
    departure_min_share: float = Field(default=0.8, ge=0, le=1)
    """State of charge that it should leave with."""
    short_eur_per_kwh: float = Field(default=1.0, gt=0)
    """What a kWh missing at departure is worth."""
    trips: list[TripSpec] = Field(default=[TripSpec()])
    """Trips."""

    @model_validator(mode="after")
    def _limits(self) -> ElectricVehicle:
        if self.catalogue is not None and self.model is None:
            raise ValueError("P103 model: must be given with a catalogue")
        return self

    @property
    def least_kw(self) -> float:
        """Smallest charge when it charges [kW]; at most the largest."""
        if self.charge_min_kw is not None:
            return self.charge_min_kw
        phases = 1 if self.phase_switching else self.phases_count
        return min(LEAST_CURRENT_A * PHASE_V * phases / 1e3, self.charge_max_kw)

    def with_model(self, found: Any) -> ElectricVehicle:
        """Return the vehicle with what a catalogue says about its model; what is stated wins.

        Args:
            found: A row of :mod:`varme.data.catalogue.electric_vehicles`.
        """
        values: dict[str, Any] = {
            "capacity_kwh": found.usable_battery_kwh, "charge_max_kw": found.ac_max_kw,
            "phases_count": found.ac_phases, "consumption_kwh_per_100km": found.consumption_kwh_per_100km,
        }  # fmt: skip
        news = {k: v for k, v in values.items() if v is not None and k not in self.model_fields_set}
        return self.model_copy(update=news)


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
        """Return the numbers over slots.

        A slot in which it leaves or comes back counts as away; a wish stands at the end of the last slot that lies
        wholly before the departure.
        """
        home = slots.least(self.home)
        return replace(
            self, home=home, trip_kwh=slots.total(self.trip_kwh), wish_kwh=self._wishes(slots, home)
        )

    def _wishes(self, slots: Slots, home: Floats) -> Floats:
        wish = slots.most(self.wish_kwh)
        if len(slots.counts) == slots.edges[-1] - slots.edges[0]:
            return wish
        out = np.where(home > 0.5, wish, 0.0)
        plugged = np.maximum.accumulate(np.where(home > 0.5, np.arange(slots.n), -1))
        inside = np.flatnonzero((wish > 0) & (home < 0.5) & (plugged >= 0))
        np.maximum.at(out, plugged[inside], wish[inside])
        return out


@dataclass(frozen=True, eq=False)
class Trips:
    """Trips on a base grid, in order of departure; T trips.

    Attributes:
        leave: Step in which it departs, shape (T,); may lie before the grid.
        back: Step from which on it is back, shape (T,); may lie behind it.
        energy_kwh: Electricity, shape (T,).
        wish_kwh: Level wished at departure, shape (T,).
    """

    leave: NDArray[np.int64]
    back: NDArray[np.int64]
    energy_kwh: Floats
    wish_kwh: Floats


def trips_of(spec: ElectricVehicle, seen: Surroundings) -> Trips:
    """Return the trips on the base grid; a step that a trip touches belongs to it.

    Hours are those of the wall clock: on the days on which the clock changes a trip begins and ends when people's
    clocks say so. Trips that began up to 31 days before the grid are there with a negative departure.
    """
    clock = np.maximum.accumulate(seen.local_day * 24.0 + seen.local_h)
    step_h, n = seen.grid.step_h, seen.grid.n
    days = np.arange(seen.local_day[0] - 31, seen.local_day[-1] + 2)

    def at(hours: Floats, right: bool) -> NDArray[np.int64]:
        """Return the step that holds an hour, or the first one from it on."""
        inside = (
            np.searchsorted(clock, hours + 1e-9, "right") - 1
            if right
            else np.searchsorted(clock, hours - 1e-9)
        )
        before = np.floor if right else np.ceil
        early = before((hours - clock[0]) / step_h + (1e-9 if right else -1e-9))
        late = n - 1 + before((hours - clock[-1]) / step_h + (1e-9 if right else -1e-9))
        return np.where(hours < clock[0], early, np.where(hours > clock[-1], late, inside)).astype(np.int64)

    parts: list[tuple[Floats, ...]] = []
    for one in spec.trips:
        if one.dates:
            on = days[np.isin(days, [d.toordinal() - date(1970, 1, 1).toordinal() for d in one.dates])]
        else:
            on = days[np.isin((days + 3) % 7, [DAYS.index(d) for d in one.days])]
        leave = at(on * 24.0 + one.leave_h, True)
        back = at((on + one.nights) * 24.0 + one.return_h, False)
        energy = 8.0 if one.energy_kwh is None else one.energy_kwh
        if one.distance_km is not None:
            energy = one.distance_km * spec.consumption_kwh_per_100km / 100
        share = spec.departure_min_share if one.departure_min_share is None else one.departure_min_share
        parts.append(
            (leave, back, np.full(on.size, energy), np.full(on.size, share * spec.capacity_kwh))  # type: ignore[arg-type]
        )
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        return Trips(none, none, np.zeros(0), np.zeros(0))
    leave, back, needed, wish = (np.concatenate(p) for p in zip(*parts, strict=True))
    order = np.lexsort((back, leave))
    keep = order[(back[order] > 0) & (leave[order] <= n)]
    return Trips(leave[keep].astype(np.int64), back[keep].astype(np.int64), needed[keep], wish[keep])


def check_trips(spec: ElectricVehicle, seen: Surroundings, where: str) -> list[Problem]:
    """Return what is wrong with the trips of a vehicle: trips that overlap."""
    problems = Collector()
    trips = trips_of(spec, seen)
    over = np.flatnonzero(trips.leave[1:] < np.maximum.accumulate(trips.back)[:-1])
    if over.size:
        step = int(np.clip(trips.leave[over[0] + 1], 0, seen.grid.n - 1))
        problems.add(
            "P155", f"{where}.trips",
            f"{over.size} trips begin before another has ended, the first at {seen.grid.label(step, seen.timezone)}",
            value=spec.name, remedy="Change days or hours of one of them.",
        )  # fmt: skip
    return problems.problems


def compiled(spec: ElectricVehicle, seen: Surroundings) -> VehicleNumbers:
    """Return the numbers of a vehicle."""
    n = seen.grid.n
    trips = trips_of(spec, seen)
    ends = np.zeros(n + 1)
    np.add.at(ends, np.clip(trips.leave, 0, n), 1.0)
    np.add.at(ends, np.clip(trips.back, 0, n), -1.0)
    home = (np.cumsum(ends)[:n] < 0.5).astype(float)
    trip, wish = np.zeros(n), np.zeros(n)
    returns = trips.back <= n
    np.add.at(trip, trips.back[returns] - 1, trips.energy_kwh[returns])
    leaves = trips.leave > 0
    np.maximum.at(wish, trips.leave[leaves] - 1, trips.wish_kwh[leaves])
    return VehicleNumbers(
        spec.name, spec.capacity_kwh, spec.charge_max_kw, spec.least_kw, spec.discharge_max_kw,
        spec.charge_efficiency_share, 100 * spec.wear_eur_per_kwh, 100 * spec.short_eur_per_kwh, home, trip, wish,
    )  # fmt: skip


@dataclass(frozen=True)
class Unreachable:
    """A departure before which a vehicle cannot be charged as wished.

    Attributes:
        step: Base step at whose end it is missing.
        missing_kwh: Energy missing at the least.
    """

    step: int
    missing_kwh: float


def unreachable(numbers: VehicleNumbers, start_kwh: float, step_h: float) -> list[Unreachable]:
    """Return the departures that are too early even if it charges at full power whenever it is plugged in.

    Args:
        numbers: The vehicle over the base grid.
        start_kwh: Level at the start.
        step_h: Length of a base step [h].
    """
    gain = numbers.charge_efficiency_share * step_h * numbers.charge_max_kw
    level, done, out = start_kwh, 0, []
    plugged = np.concatenate([[0.0], np.cumsum(numbers.home)])
    for step in np.flatnonzero((numbers.wish_kwh > 0) | (numbers.trip_kwh > 0)).tolist():
        hours = plugged[step + 1] - plugged[done]
        level = min(level + gain * hours, numbers.capacity_kwh)
        done = step + 1
        missing = float(numbers.wish_kwh[step] - level)
        if missing > 1e-6:
            out.append(Unreachable(step, missing))
        level = max(level - float(numbers.trip_kwh[step]), 0.0)
    return out


def unreachable_findings(
    numbers: VehicleNumbers, start_kwh: float, seen: Surroundings, where: str
) -> list[Finding]:
    """Return a finding for a vehicle that leaves before it can be full: how much is missing, and when."""
    late = unreachable(numbers, start_kwh, seen.grid.step_h)
    if not late:
        return []
    worst = max(late, key=lambda one: one.missing_kwh)
    when = seen.grid.label(worst.step + 1, seen.timezone)
    text = (
        f"{numbers.name} leaves before it can be charged as wished: {worst.missing_kwh:.1f} kWh are missing at {when}, "
        f"even at {numbers.charge_max_kw:g} kW whenever it is plugged in"
        + (f"; {len(late)} departures in all." if len(late) > 1 else ".")
    )
    evidence = {
        "missing_kwh": round(worst.missing_kwh, 3), "time": when, "departures_count": len(late),
    }  # fmt: skip
    return [Finding("vehicle_cannot_be_full", "warning", where, text, evidence)]


def block(
    numbers: VehicleNumbers,
    model: Model,
    slots: Slots,
    worth_cent_per_kwh: float,
    price_cent_per_kwh: Floats | None = None,
) -> Block:
    """Add level, charge, discharge and what is missing at departure.

    Args:
        numbers: The vehicle over the slots.
        model: The model.
        slots: The slots.
        worth_cent_per_kwh: Value of a kWh at the end of the plan.
        price_cent_per_kwh: Price of imported electricity in each slot, shape (n,): where it is negative, charging and
            discharging exclude each other.
    """
    name, hours, eta = f"vehicle.{numbers.name}", slots.step_h, numbers.charge_efficiency_share
    charge = model.var(f"{name}.charge", upper=numbers.home * numbers.charge_max_kw)
    worth = np.zeros(slots.n)
    worth[-1] = -worth_cent_per_kwh
    level = model.var(f"{name}.level", upper=numbers.capacity_kwh, cost=worth, history=1)
    terms: list[tuple[Number, Ints]] = [(1.0, level.now), (-1.0, level.lag(1)), (-eta * hours, charge.now)]
    ports, costs = [Port(ELECTRICITY, charge, -1.0)], []
    give = None
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
    pays = price_cent_per_kwh is not None and bool(np.any(price_cent_per_kwh < 0))
    if numbers.charge_min_kw or (give is not None and pays):
        on = model.var(f"{name}.charging", upper=numbers.home, integer=True)
        model.add(f"{name}.charge_max", [(1.0, charge.now), (-numbers.charge_max_kw, on.now)], upper=0.0)
        if numbers.charge_min_kw:
            model.add(f"{name}.charge_min", [(1.0, charge.now), (-numbers.charge_min_kw, on.now)], lower=0.0)
        if give is not None and pays:
            most = numbers.discharge_max_kw
            model.add(f"{name}.one_way", [(1.0, give.now), (most, on.now)], upper=most)
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
