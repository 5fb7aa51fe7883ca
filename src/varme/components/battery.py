"""The battery: level, losses, power limits, wear.

``L[t] = L[t-1] + h (eta c - d / eta)``, ``c / c_max + d / d_max <= 1``.

Charging and discharging at once only burns electricity. It pays where electricity has a negative price, so in such
slots a whole variable excludes it; elsewhere the plan has no reason to, and the variable is fixed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field, model_validator

from varme.components.base import Block, Cost, Port
from varme.components.home import ELECTRICITY, Slots
from varme.ground.size import HOURS_PER_YEAR, Size
from varme.ground.spec import Spec
from varme.kernel.model import Floats, Model


class Battery(Spec):
    """A battery."""

    capacity_kwh: Size = 10.0
    """Usable capacity."""
    power_kw: float = Field(default=5.0, gt=0)
    """Largest charge and discharge, at the terminals."""
    power_share_per_h: float | None = Field(default=None, gt=0, le=10)
    """Largest power over capacity [kW per kWh], instead of `power_kw`: so that power grows with a capacity that is to
    be sized. Home batteries have 0.3 to 0.7."""
    round_trip_share: float = Field(default=0.90, gt=0, le=1)
    """Electricity out over electricity in, inverter included (assumption: AC-coupled lithium iron phosphate)."""
    minimum_share: float = Field(default=0.0, ge=0, lt=1)
    """Level below which it is not discharged: a reserve, or what its maker keeps. Of the usable capacity."""
    wear_eur_per_kwh: float = Field(default=0.03, ge=0)
    """Wear per kWh discharged (assumption: 300 EUR/kWh over 10,000 full cycles)."""
    calendar_eur_per_kwh_year: float = Field(default=0.0, ge=0)
    """Ageing that goes on without use, per kWh of capacity and year. It cannot be saved by a plan, so plans report it;
    a sizing must not count it beside an investment that holds it already. Default 0: held in the investment."""

    @model_validator(mode="after")
    def _one_power(self) -> Battery:
        given = "power_kw" in self.model_fields_set and self.power_kw != 5.0
        if given and self.power_share_per_h is not None:
            raise ValueError("P108 power_share_per_h: give power_kw or power_share_per_h, not both")
        return self

    def power_of_kw(self, capacity_kwh: float) -> float:
        """Return the largest power of a battery of some capacity [kW]."""
        return self.power_kw if self.power_share_per_h is None else self.power_share_per_h * capacity_kwh


@dataclass(frozen=True, eq=False)
class BatteryNumbers:
    """A battery compiled.

    Attributes:
        capacity_kwh: Usable capacity.
        power_kw: Largest charge and discharge.
        one_way_share: Efficiency of one way.
        wear_cent_per_kwh: Wear per kWh discharged.
        minimum_kwh: Level below which it is not discharged.
        calendar_cent_per_h: Ageing without use.
    """

    capacity_kwh: float
    power_kw: float
    one_way_share: float
    wear_cent_per_kwh: float
    minimum_kwh: float = 0.0
    calendar_cent_per_h: float = 0.0

    def take(self, slots: Slots) -> BatteryNumbers:
        """Return the numbers over slots: the same."""
        return self


def compiled(spec: Battery, capacity_kwh: float) -> BatteryNumbers:
    """Return the numbers of a battery."""
    return BatteryNumbers(
        capacity_kwh, spec.power_of_kw(capacity_kwh), float(np.sqrt(spec.round_trip_share)),
        100 * spec.wear_eur_per_kwh, spec.minimum_share * capacity_kwh,
        100 * spec.calendar_eur_per_kwh_year * capacity_kwh / HOURS_PER_YEAR,
    )  # fmt: skip


def block(
    numbers: BatteryNumbers,
    model: Model,
    slots: Slots,
    worth_cent_per_kwh: float,
    price_cent_per_kwh: Floats | None = None,
    start_kwh: float | None = None,
) -> Block:
    """Add level, charge and discharge.

    Args:
        numbers: The battery.
        model: The model.
        slots: The slots.
        worth_cent_per_kwh: Value of a kWh at the end of the plan.
        price_cent_per_kwh: Price of imported electricity in each slot, shape (n,): where it is negative, charging and
            discharging exclude each other. ``None`` for never.
        start_kwh: Level at the start: one below the smallest level is not raised by force, only not lowered further.
    """
    wear = numbers.wear_cent_per_kwh * slots.step_h
    power = max(numbers.power_kw, 1e-9)
    charge = model.var("battery.charge", upper=numbers.power_kw)
    discharge = model.var("battery.discharge", upper=numbers.power_kw, cost=wear)
    worth = np.zeros(slots.n)
    worth[-1] = -worth_cent_per_kwh
    least = numbers.minimum_kwh if start_kwh is None else min(numbers.minimum_kwh, start_kwh)
    most = numbers.capacity_kwh if start_kwh is None else max(numbers.capacity_kwh, start_kwh)
    level = model.var("battery.level", lower=least, upper=most, cost=worth, history=1)
    eta = numbers.one_way_share
    flows = [(-eta * slots.step_h, charge.now), (slots.step_h / eta, discharge.now)]
    model.add("battery.balance", [(1.0, level.now), (-1.0, level.lag(1)), *flows], lower=0.0, upper=0.0)
    pays = np.zeros(slots.n, dtype=bool) if price_cent_per_kwh is None else price_cent_per_kwh < 0
    if pays.any():
        way = model.var("battery.charging", lower=(~pays).astype(float), upper=1.0, integer=True)
        limit = np.where(pays, power, 0.0)
        model.add("battery.one_way_in", [(1.0, charge.now), (-power, way.now)], upper=0.0)
        model.add("battery.one_way_out", [(1.0, discharge.now), (limit, way.now)], upper=power)
    model.add("battery.one_way", [(1 / power, charge.now), (1 / power, discharge.now)], upper=1.0)
    ports = [Port(ELECTRICITY, charge, -1.0), Port(ELECTRICITY, discharge, 1.0)]
    return Block("battery", ports, [Cost("battery wear", discharge, wear)])


def step(
    numbers: BatteryNumbers, level_kwh: Floats, charge_kw: Floats, discharge_kw: Floats, hours: float
) -> tuple[Floats, Floats, Floats]:
    """Return level, charge and discharge after a step (simulation view): what is asked for, within the limits.

    Args:
        numbers: The battery.
        level_kwh: Levels before the step, shape (homes,).
        charge_kw: Charge asked for, shape (homes,).
        discharge_kw: Discharge asked for, shape (homes,).
        hours: Length of the step [h].
    """
    eta = numbers.one_way_share
    room = np.maximum(numbers.capacity_kwh - level_kwh, 0.0)
    charge = np.clip(charge_kw, 0.0, np.minimum(numbers.power_kw, room / (eta * hours)))
    left = np.maximum(level_kwh + eta * hours * charge - numbers.minimum_kwh, 0.0)
    discharge = np.clip(discharge_kw, 0.0, np.minimum(numbers.power_kw, left * eta / hours))
    return level_kwh + hours * (eta * charge - discharge / eta), charge, discharge
