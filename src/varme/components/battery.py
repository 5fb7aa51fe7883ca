"""The battery: level, losses, power limits, wear.

``L[t] = L[t-1] + h (eta c - d / eta)``, ``c / c_max + d / d_max <= 1``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from varme.components.base import Block, Cost, Port
from varme.components.home import ELECTRICITY, Slots
from varme.ground.size import Size
from varme.ground.spec import Spec
from varme.kernel.model import Floats, Model


class Battery(Spec):
    """A battery."""

    capacity_kwh: Size = 10.0
    """Usable capacity."""
    power_kw: float = Field(default=5.0, gt=0)
    """Largest charge and discharge."""
    round_trip_share: float = Field(default=0.90, gt=0, le=1)
    """Electricity out over electricity in."""
    wear_eur_per_kwh: float = Field(default=0.03, ge=0)
    """Wear per kWh discharged (assumption: 300 EUR/kWh over 10,000 full cycles)."""


@dataclass(frozen=True, eq=False)
class BatteryNumbers:
    """A battery compiled: capacity, power, one-way efficiency, wear."""

    capacity_kwh: float
    power_kw: float
    one_way_share: float
    wear_cent_per_kwh: float

    def take(self, slots: Slots) -> BatteryNumbers:
        """Return the numbers over slots: the same."""
        return self


def compiled(spec: Battery, capacity_kwh: float) -> BatteryNumbers:
    """Return the numbers of a battery."""
    return BatteryNumbers(
        capacity_kwh, spec.power_kw, float(np.sqrt(spec.round_trip_share)), 100 * spec.wear_eur_per_kwh
    )


def block(numbers: BatteryNumbers, model: Model, slots: Slots, worth_cent_per_kwh: float) -> Block:
    """Add level, charge and discharge."""
    wear = numbers.wear_cent_per_kwh * slots.step_h
    charge = model.var("battery.charge", upper=numbers.power_kw)
    discharge = model.var("battery.discharge", upper=numbers.power_kw, cost=wear)
    worth = np.zeros(slots.n)
    worth[-1] = -worth_cent_per_kwh
    level = model.var("battery.level", upper=numbers.capacity_kwh, cost=worth, history=1)
    eta = numbers.one_way_share
    flows = [(-eta * slots.step_h, charge.now), (slots.step_h / eta, discharge.now)]
    model.add("battery.balance", [(1.0, level.now), (-1.0, level.lag(1)), *flows], lower=0.0, upper=0.0)
    share = 1.0 / numbers.power_kw
    model.add("battery.one_way", [(share, charge.now), (share, discharge.now)], upper=1.0)
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
    left = np.maximum(level_kwh + eta * hours * charge, 0.0)
    discharge = np.clip(discharge_kw, 0.0, np.minimum(numbers.power_kw, left * eta / hours))
    return level_kwh + hours * (eta * charge - discharge / eta), charge, discharge
