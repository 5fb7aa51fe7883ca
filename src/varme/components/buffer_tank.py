r"""The buffer tank of the heating circuit, between heat pump and emitters.

What the heat pump (and any other heater) makes for the room goes into the buffer; one variable takes heat out of it and
into the room. The buffer's temperature is exact over each slot, as the hot-water tank's. Emitters give a heat only to
water that is warm enough; the plan uses a straight line per slot,

.. math:: q \le q_t \frac{T - T_0}{T_t - T_0}

through the steady load of the weather and the temperature that the emitters need for it: exact there, safe above it
(the emitters' curve bends upwards), too good below it. The simulation uses the curve itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import Field

from varme.components.base import Block, Port
from varme.components.home import BUFFER, ROOM, Slots, Surroundings
from varme.components.house import House
from varme.ground.spec import Spec
from varme.kernel.model import Floats, Ints, Model, Number
from varme.physics.tank import WATER_KWH_PER_L_K, mixed_step


class BufferTank(Spec):
    """A buffer tank in the heating circuit."""

    volume_l: float = Field(default=100.0, gt=0, le=50_000)
    """Volume."""
    loss_w_per_k: float = Field(default=1.2, gt=0)
    """Heat loss per kelvin above its surroundings. Default: 48 W at 45 K is the limit of class B at 100 l
    (EU 812/2013, annex II), and 10 % for pipes (assumption)."""
    surroundings_c: float = Field(default=18.0, gt=-20, lt=45)
    """Temperature of the room that it stands in [C]."""
    temperature_max_c: float = Field(default=50.0, gt=22, lt=95)
    """Highest temperature [C]."""


@dataclass(frozen=True, eq=False)
class BufferNumbers:
    """A buffer tank compiled.

    Attributes:
        capacity_kwh_per_k: Heat capacity.
        loss_kw_per_k: Heat loss per kelvin.
        surroundings_c: Temperature around it.
        high_c: Highest temperature.
        emitter_max_kw: Largest heat that the emitters take.
        emitter_kw_per_k: Slope of the emitters' line, shape (N,).
        emitter_from_c: Temperature at which the line begins.
        house: The house, for the emitters' curve.
    """

    capacity_kwh_per_k: float
    loss_kw_per_k: float
    surroundings_c: float
    high_c: float
    emitter_max_kw: float
    emitter_kw_per_k: Floats
    emitter_from_c: float
    house: House

    def take(self, slots: Slots) -> BufferNumbers:
        """Return the numbers over slots."""
        return replace(self, emitter_kw_per_k=slots.mean(self.emitter_kw_per_k))

    def emitter_kw(self, temperature_c: Floats | float, room_c: Floats | float = 20.0) -> Floats:
        """Return the largest heat into the room at a buffer temperature [kW], by the emitters' curve."""
        return np.minimum(self.house.emitter_heat_kw(temperature_c, room_c), self.emitter_max_kw)


#: Smallest steady load for which the emitters' line is laid out, over the design heat.
LEAST_LOAD_SHARE = 0.2


def compiled(spec: BufferTank, house: House, seen: Surroundings) -> BufferNumbers:
    """Return the numbers of a buffer between a heat pump and the emitters of a house."""
    load = np.maximum(
        house.heat_loss_w_per_k / 1e3 * (20.0 - seen.outdoor_c), LEAST_LOAD_SHARE * house.design_heat_kw
    )
    begin = min(spec.surroundings_c, 20.0)
    highest = min(float(house.emitter_heat_kw(spec.temperature_max_c)), house.emitter_max_kw)
    return BufferNumbers(
        spec.volume_l * WATER_KWH_PER_L_K, spec.loss_w_per_k / 1e3, spec.surroundings_c, spec.temperature_max_c,
        highest, load / (house.flow_c(load) - begin), begin, house,
    )  # fmt: skip


def highest_c(numbers: BufferNumbers, slots: Slots, start_c: float, forced_kwh: float = 0.0) -> Floats:
    """Return the upper limit of the temperature at the end of each slot, shape (n,).

    A buffer that starts above its limit, or must take a run that the compressor has to finish, cools down in its time.
    """
    begin = start_c + forced_kwh / numbers.capacity_kwh_per_k
    keep = np.exp(-numbers.loss_kw_per_k * np.cumsum(slots.step_h) / numbers.capacity_kwh_per_k)
    return np.maximum(numbers.high_c, numbers.surroundings_c + keep * (begin - numbers.surroundings_c) + 1e-6)


def block(
    numbers: BufferNumbers,
    model: Model,
    slots: Slots,
    feeds: Sequence[Port],
    worth_cent_per_k: float,
    start_c: float | None = None,
    forced_kwh: float = 0.0,
) -> Block:
    """Add temperature, heat into the room and the balance of the buffer; its port feeds the room.

    Args:
        numbers: The buffer.
        model: The model.
        slots: The slots.
        feeds: What the heaters put into the buffer [kW per unit of their variable].
        worth_cent_per_k: Value of a kelvin at the end of the plan.
        start_c: Temperature at the start.
        forced_kwh: Heat of a run that the compressor must finish.
    """
    keep = np.exp(-numbers.loss_kw_per_k * slots.step_h / numbers.capacity_kwh_per_k)
    per_kw = (1 - keep) / numbers.loss_kw_per_k
    worth = np.zeros(slots.n)
    worth[-1] = -worth_cent_per_k
    top = numbers.high_c if start_c is None else highest_c(numbers, slots, start_c, forced_kwh)
    level = model.var("buffer.temperature", lower=-np.inf, upper=top, cost=worth, history=1)
    out = model.var("buffer.to_room", upper=numbers.emitter_max_kw)
    terms: list[tuple[Number, Ints]] = [(1.0, level.now), (-keep, level.lag(1)), (per_kw, out.now)]
    terms += [(-per_kw * np.asarray(port.coefficient), port.var.now) for port in feeds]
    rest = (1 - keep) * numbers.surroundings_c
    model.add("buffer.balance", terms, lower=rest, upper=rest)
    slope = numbers.emitter_kw_per_k
    begin = min(numbers.emitter_from_c, numbers.emitter_from_c if start_c is None else start_c)
    model.add("buffer.emitter", [(1.0, out.now), (-slope, level.now)], upper=-slope * begin)
    return Block("buffer", [Port(ROOM, out, 1.0), Port(BUFFER, out, -1.0)])


def step(
    numbers: BufferNumbers,
    buffer_c: Floats,
    heat_kw: Floats,
    wanted_kw: Floats,
    hours: float,
    room_c: Floats | float = 20.0,
) -> tuple[Floats, Floats]:
    """Return the temperature after a step and the heat that went into the room (simulation view), shape (homes,).

    Args:
        numbers: The buffer.
        buffer_c: Temperatures before the step, shape (homes,).
        heat_kw: Heat of the heaters, shape (homes,).
        wanted_kw: Heat asked for by the room, shape (homes,).
        hours: Length of the step [h].
        room_c: Room temperature.
    """
    given = np.minimum(np.maximum(wanted_kw, 0.0), numbers.emitter_kw(buffer_c, room_c))
    after = mixed_step(
        buffer_c, heat_kw, given, hours, numbers.capacity_kwh_per_k, numbers.loss_kw_per_k, numbers.surroundings_c
    )  # fmt: skip
    return after, given
