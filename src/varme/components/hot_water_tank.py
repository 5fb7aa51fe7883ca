"""The hot-water tank: temperature, draws, losses, and the temperature that people expect at the tap.

One layer: ``T[t] = f T[t-1] + (1 - f) T_around + (1 - f) / UA * (heat - draw)`` with ``f = exp(-UA h / C)``, exact for
constant heat and draw within a slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field, model_validator

from varme.components.base import Block, Cost, Port
from varme.components.home import WATER_KWH_PER_L_K, Slots
from varme.ground.series import SeriesSpec
from varme.ground.spec import Spec
from varme.kernel.model import Floats, Ints, Model, Number


class HotWaterTank(Spec):
    """A hot-water tank that the heat pump charges."""

    volume_l: float = Field(default=200.0, gt=0)
    """Volume."""
    loss_w_per_k: float = Field(default=1.5, gt=0)
    """Heat loss per kelvin above its surroundings. Default: 60 W at 40 K, class B of 200 l (EU 812/2013)."""
    surroundings_c: float = 18.0
    """Temperature of the room that it stands in [C]."""
    temperature_min_c: float = Field(default=45.0, gt=20)
    """Temperature that people expect [C]; below it hot water is missed."""
    temperature_max_c: float = Field(default=55.0, gt=25)
    """Highest temperature that the heat pump makes [C]."""
    draw_kw: SeriesSpec = 0.2
    """Heat drawn with the hot water, mean over each interval [kW]."""
    missed_eur_per_k_h: float = Field(default=0.5, gt=0)
    """What a kelvin below the expected temperature is worth per hour."""

    @model_validator(mode="after")
    def _ordered(self) -> HotWaterTank:
        if self.temperature_min_c >= self.temperature_max_c:
            raise ValueError("P108 temperature_min_c: must be below temperature_max_c")
        return self


@dataclass(frozen=True, eq=False)
class TankNumbers:
    """A tank compiled over the base grid.

    Attributes:
        capacity_kwh_per_k: Heat capacity.
        loss_kw_per_k: Heat loss per kelvin.
        surroundings_c: Temperature around it.
        low_c: Temperature that people expect.
        high_c: Highest temperature.
        draw_kw: Heat drawn, shape (N,).
        missed_cent_per_k_h: Price of missing warmth.
    """

    capacity_kwh_per_k: float
    loss_kw_per_k: float
    surroundings_c: float
    low_c: float
    high_c: float
    draw_kw: Floats
    missed_cent_per_k_h: float

    def take(self, slots: Slots) -> TankNumbers:
        """Return the numbers over slots."""
        return TankNumbers(
            self.capacity_kwh_per_k, self.loss_kw_per_k, self.surroundings_c, self.low_c, self.high_c,
            slots.mean(self.draw_kw), self.missed_cent_per_k_h,
        )  # fmt: skip


def compiled(spec: HotWaterTank, draw_kw: Floats | float, n: int) -> TankNumbers:
    """Return the numbers of a tank; the draw is that of the spec on the base grid."""
    return TankNumbers(
        spec.volume_l * WATER_KWH_PER_L_K, spec.loss_w_per_k / 1e3, spec.surroundings_c, spec.temperature_min_c,
        spec.temperature_max_c, np.broadcast_to(np.asarray(draw_kw, dtype=float), (n,)), 100 * spec.missed_eur_per_k_h,
    )  # fmt: skip


def block(
    numbers: TankNumbers, model: Model, slots: Slots, feeds: Sequence[Port], worth_cent_per_k: float
) -> Block:
    """Add temperature, missing warmth and the balance of the tank.

    Args:
        numbers: The tank over the slots.
        model: The model.
        slots: The slots.
        feeds: What the other devices put into the tank [kW per unit of their variable].
        worth_cent_per_k: Value of a kelvin at the end of the plan.
    """
    keep = np.exp(-numbers.loss_kw_per_k * slots.step_h / numbers.capacity_kwh_per_k)
    per_kw = (1 - keep) / numbers.loss_kw_per_k
    worth = np.zeros(slots.n)
    worth[-1] = -worth_cent_per_k
    level = model.var("tank.temperature", lower=-np.inf, upper=numbers.high_c, cost=worth, history=1)
    terms: list[tuple[Number, Ints]] = [(1.0, level.now), (-keep, level.lag(1))]
    terms += [(-per_kw * np.asarray(port.coefficient), port.var.now) for port in feeds]
    rest = (1 - keep) * numbers.surroundings_c - per_kw * numbers.draw_kw
    model.add("tank.balance", terms, lower=rest, upper=rest)
    price = numbers.missed_cent_per_k_h * slots.step_h
    missed = model.var("tank.missed", cost=price)
    model.add("tank.comfort", [(1.0, level.now), (1.0, missed.now)], lower=numbers.low_c)
    return Block("tank", (), [Cost("hot water missed", missed, price)])


def step(
    numbers: TankNumbers, tank_c: Floats, heat_kw: Floats, draw_kw: Floats | float, hours: float
) -> Floats:
    """Return the tank temperatures after a step (simulation view), shape as ``tank_c``.

    Args:
        numbers: The tank.
        tank_c: Temperatures before the step, shape (homes,).
        heat_kw: Heat into the tank, shape (homes,).
        draw_kw: Heat drawn.
        hours: Length of the step [h].
    """
    keep = np.exp(-numbers.loss_kw_per_k * hours / numbers.capacity_kwh_per_k)
    gain = (1 - keep) / numbers.loss_kw_per_k
    return np.asarray(keep * tank_c + (1 - keep) * numbers.surroundings_c + gain * (heat_kw - draw_kw))
