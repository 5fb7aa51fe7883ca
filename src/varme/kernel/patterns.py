"""Unit-commitment patterns: on/off, start and stop, minimum times, start/stop-aware ramps, investment.

Sources: the three-binary form and the tight minimum up/down inequalities are Rajan and Takriti 2005 (IBM RC23628) and
Ostrowski, Anjos and Vannelli 2012 (doi:10.1109/TPWRS.2011.2162008); ramps with start and stop limits as in Carrion and
Arroyo 2006 (doi:10.1109/TPWRS.2006.876672).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from varme.kernel.model import Commitment, Model, Number, Var, Windowed


@dataclass(frozen=True, eq=False)
class OnOff:
    """The columns of an on/off device: status, and start and stop where they are needed."""

    status: Var
    start: Var | None
    stop: Var | None


def on_off(
    model: Model,
    name: str,
    level: Var,
    *,
    level_min: Number,
    level_max: Number,
    start_cost: Number = 0.0,
    cost_on: Number = 0.0,
    min_up: int = 1,
    min_down: int = 1,
) -> OnOff:
    """Make a dispatch variable semi-continuous: 0, or between ``level_min`` and ``level_max``.

    ``level_min * x <= level <= level_max * x``; with start cost or minimum times also ``y - z = x - x[-1]``,
    ``sum of y over min_up steps <= x``, ``sum of z over min_down steps <= 1 - x``.

    Args:
        model: The model.
        name: Name of the device.
        level: The dispatch variable, with a history of at least 1.
        level_min: Minimum when on.
        level_max: Maximum when on.
        start_cost: Cost of a start.
        cost_on: Cost per step on.
        min_up: Minimum steps on (1 = none).
        min_down: Minimum steps off (1 = none).
    """
    needs_starts = min_up > 1 or min_down > 1 or _any_positive(start_cost)
    past = max(1, min_up, min_down)
    status = model.var(f"{name}.status", upper=1.0, cost=cost_on, integer=True, history=past)
    model.add(f"{name}.max", [(1.0, level.now), (negative(level_max), status.now)], upper=0.0)
    if _any_positive(level_min):
        model.add(f"{name}.min", [(1.0, level.now), (negative(level_min), status.now)], lower=0.0)
    start = stop = None
    if needs_starts:
        start = model.var(f"{name}.start", upper=1.0, cost=start_cost, history=max(1, min_up - 1))
        stop = model.var(f"{name}.stop", upper=1.0, history=max(1, min_down - 1))
        terms = [(1.0, start.now), (-1.0, stop.now), (-1.0, status.now), (1.0, status.lag(1))]
        model.add(f"{name}.switch", terms, lower=0.0, upper=0.0)
        up = [(1.0, start.now), *((1.0, start.lag(k)) for k in range(1, min_up)), (-1.0, status.now)]
        model.add(f"{name}.min_up", up, upper=0.0)
        down = [(1.0, stop.now), *((1.0, stop.lag(k)) for k in range(1, min_down)), (1.0, status.now)]
        model.add(f"{name}.min_down", down, upper=1.0)
    length = model.length
    model.commit(
        Commitment(
            name=name,
            status=status.now,
            level=level.now,
            level_min=np.broadcast_to(np.asarray(current(model, level_min), dtype=float), (length,)),
            level_max=np.broadcast_to(np.asarray(current(model, level_max), dtype=float), (length,)),
            start=None if start is None else start.now,
            stop=None if stop is None else stop.now,
            min_up=min_up,
            min_down=min_down,
        ),
        level_min,
        level_max,
    )
    return OnOff(status, start, stop)


def ramp(
    model: Model,
    name: str,
    level: Var,
    *,
    up: float,
    down: float,
    level_min: float = 0.0,
    status: Var | None = None,
) -> None:
    """Limit the change of a variable per step, aware of starts and stops.

    With a status ``x``, SU = max(up, level_min) and SD = max(down, level_min)::

        level - level[-1] <= up * x[-1] + SU * (x - x[-1])
        level[-1] - level <= down * x + SD * (x[-1] - x)

    A plain ``|change| <= up`` with a minimum above it would keep the device from ever starting.

    Args:
        model: The model.
        name: Name of the device.
        level: The variable, with a history of at least 1.
        up: Largest rise per step, in the variable's unit.
        down: Largest fall per step.
        level_min: Minimum when on.
        status: The on/off variable, with a history of at least 1, or ``None``.
    """
    rise = [(1.0, level.now), (-1.0, level.lag(1))]
    fall = [(1.0, level.lag(1)), (-1.0, level.now)]
    if status is None:
        model.add(f"{name}.ramp_up", rise, upper=up)
        model.add(f"{name}.ramp_down", fall, upper=down)
        return
    start, stop = max(up, level_min), max(down, level_min)
    model.add(f"{name}.ramp_up", [*rise, (-start, status.now), (start - up, status.lag(1))], upper=0.0)
    model.add(f"{name}.ramp_down", [*fall, (-stop, status.lag(1)), (stop - down, status.now)], upper=0.0)


def sized(
    model: Model,
    name: str,
    *,
    size_min: float,
    size_max: float,
    cost_per_unit: float,
    cost_build: float = 0.0,
) -> Var:
    """Add a size that the optimiser chooses, a scalar column; with ``cost_build`` also a yes/no decision to build.

    Args:
        model: The model.
        name: Name of the device.
        size_min: Smallest size if built.
        size_max: Largest size.
        cost_per_unit: Cost per unit of size over the horizon.
        cost_build: Fixed cost over the horizon once anything is built.
    """
    if cost_build <= 0:
        return model.var(f"{name}.size", lower=size_min, upper=size_max, cost=cost_per_unit, scalar=True)
    size = model.var(f"{name}.size", upper=size_max, cost=cost_per_unit, scalar=True)
    built = model.var(f"{name}.built", upper=1.0, cost=cost_build, integer=True, scalar=True)
    model.add(
        f"{name}.size_max", [(1.0, np.atleast_1d(size.now)), (-size_max, np.atleast_1d(built.now))], upper=0.0
    )
    if size_min > 0:
        model.add(
            f"{name}.size_min",
            [(1.0, np.atleast_1d(size.now)), (-size_min, np.atleast_1d(built.now))],
            lower=0.0,
        )
    return size


def negative(number: Number) -> Number:
    """Return minus a number of any form."""
    return Windowed(-number.full) if isinstance(number, Windowed) else -number


def current(model: Model, number: Number) -> object:
    """Return a number's values in the model's current window."""
    return number.at(model.first, model.length) if isinstance(number, Windowed) else number


def _any_positive(number: Number) -> bool:
    values = number.full if isinstance(number, Windowed) else number
    return bool(np.any(np.asarray(values) > 0))
