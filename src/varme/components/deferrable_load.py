"""A load that may wait: washing machine, dishwasher, pool pump: an amount of energy within a window of the day.

Each window of the day is one task, done by its end or missed at a price and reported. Three kinds of load:

* ``block``: one run, at a power or with a profile. ``power[t] = sum over starts s of k[t - s] start[s]``,
  ``sum of start + missed = 1`` per task.
* ``pieces``: interruptible at a fixed power. ``power <= P on``, ``sum of power h = E (1 - missed)``, the slots that are
  on no longer than needed; starts counted, priced and limited, pieces of a shortest length.
* ``free``: any power up to the largest.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from varme.components.base import Block, Cost, Port
from varme.components.home import ELECTRICITY, Slots, Surroundings
from varme.ground.spec import Spec
from varme.kernel.model import Floats, Ints, Model, Number, Var

#: Days of the week as study files name them, Monday first.
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

#: What a load's missed task is booked under: a wish, reported apart from the cost.
MISSED = "load not run"


class DeferrableLoad(Spec):
    """A load that may wait within a window of the day."""

    name: str = "washing machine"
    """Name, for tables and charts."""
    run: Literal["block", "pieces", "free"] = "block"
    """`block`: one run without a break; `pieces`: full power or off; `free`: any power up to `power_kw`."""
    power_kw: float = Field(default=2.0, gt=0)
    """Power when it runs; the largest of a `free` load [kW]. Default: a washing machine that heats (assumption)."""
    duration_min: float = Field(default=90.0, gt=0)
    """How long it runs at that power in each window [min] (assumption)."""
    profile_kw: list[float] = Field(default=[])
    """Power of a `block`, one value after another, in place of `power_kw` and `duration_min` [kW]."""
    profile_step_min: float = Field(default=15.0, gt=0)
    """Length of each value of the profile [min]."""
    from_h: float = Field(default=0.0, ge=0, lt=24)
    """Wall-clock hour from which it may run."""
    to_h: float = Field(default=24.0, gt=0, le=24)
    """Wall-clock hour by which it must be done; on the next day if it is not after `from_h`."""
    days: list[str] = Field(default=list(DAYS), min_length=1)
    """Days on which its window opens: mon, tue, wed, thu, fri, sat, sun."""
    starts_count_max: int = Field(default=0, ge=0)
    """Starts in a window at most, of `pieces`; 0 for any number."""
    piece_min: float = Field(default=0.0, ge=0)
    """Shortest piece of `pieces` [min]."""
    start_cost_eur: float = Field(default=0.0, ge=0)
    """What a start of `pieces` costs."""
    missed_eur: float = Field(default=5.0, gt=0)
    """What a run that is missed is worth (assumption)."""

    @model_validator(mode="after")
    def _possible(self) -> DeferrableLoad:
        unknown = [d for d in self.days if d not in DAYS]
        if unknown:
            raise ValueError(f"P101 days: {', '.join(unknown)} unknown | Days are {', '.join(DAYS)}.")
        if self.profile_kw and self.run != "block":
            raise ValueError('P108 profile_kw: only a `block` has a profile | Set run = "block".')
        if self.profile_kw and (min(self.profile_kw) < 0 or max(self.profile_kw) <= 0):
            raise ValueError(
                "P101 profile_kw: powers must be 0 or more, and one of them more | Correct them."
            )
        if self.needs_h > self.window_h + 1e-9:
            raise ValueError(
                f"P160 duration_min: {60 * self.needs_h:g} min do not fit into a window of {60 * self.window_h:g} min "
                "| Widen the window or shorten the run."
            )
        return self

    @property
    def window_h(self) -> float:
        """Length of the window on a day of 24 hours [h]."""
        return self.to_h - self.from_h + (24.0 if self.to_h <= self.from_h else 0.0)

    @property
    def needs_h(self) -> float:
        """How long a run takes without breaks [h]."""
        minutes = len(self.profile_kw) * self.profile_step_min if self.profile_kw else self.duration_min
        return minutes / 60

    @property
    def energy_kwh(self) -> float:
        """Electricity of a run."""
        if self.profile_kw:
            return float(sum(self.profile_kw)) * self.profile_step_min / 60
        return self.power_kw * self.duration_min / 60


@dataclass(frozen=True, eq=False)
class DeferrableNumbers:
    """A deferrable load compiled over the base grid (N steps); K tasks.

    Attributes:
        name: Name.
        run: Kind of run.
        power_kw: Largest power.
        energy_kwh: Electricity of a run.
        profile_kw: Power of a block in each base step after its start, shape (L,).
        first: First base step of each task's window, shape (K,).
        end: Base step after each task's window, shape (K,); beyond N where the window reaches beyond the grid.
        starts_max: Starts in a window at most; 0 for any number.
        piece_min: Shortest piece [min].
        start_cent: Cost of a start.
        missed_cent: Price of a run that is missed.
        slots: The slots, once taken.
    """

    name: str
    run: Literal["block", "pieces", "free"]
    power_kw: float
    energy_kwh: float
    profile_kw: Floats
    first: NDArray[np.int64]
    end: NDArray[np.int64]
    starts_max: int
    piece_min: float
    start_cent: float
    missed_cent: float
    slots: Slots | None = field(default=None, repr=False)

    def take(self, slots: Slots) -> DeferrableNumbers:
        """Return the numbers for a plan over slots: tasks keep their base steps."""
        return replace(self, slots=slots)


@dataclass(frozen=True)
class LoadState:
    """What a load has done of the task whose window is open at the start of a plan.

    Attributes:
        done_min: For how long it has run in this window [min].
        running: Whether it runs now; a block that runs goes on.
    """

    done_min: float = 0.0
    running: bool = False


def compiled(spec: DeferrableLoad, seen: Surroundings) -> DeferrableNumbers:
    """Return the numbers of a deferrable load; windows follow the wall clock, also over a change of daylight saving."""
    hours, clock, step_h = seen.grid.n, seen.local_h, seen.grid.step_h
    overnight = spec.to_h <= spec.from_h
    opens = np.isin(seen.weekday, [DAYS.index(d) for d in spec.days])
    opened_before = np.isin((seen.weekday - 1) % 7, [DAYS.index(d) for d in spec.days])
    early, late = clock < spec.to_h - 1e-9, clock >= spec.from_h - 1e-9
    inside = (opens & late) | (opened_before & early) if overnight else opens & late & early
    # Number of the local day on which the window of a step opened: what tells one task from the next.
    day = seen.local_day - (overnight & early & ~late)
    task = np.where(inside, day, -1)
    edges = np.flatnonzero(np.diff(task, prepend=-1, append=-1))
    firsts = edges[task[np.minimum(edges, hours - 1)] >= 0]
    firsts = firsts[firsts < hours]
    ends = np.array(
        [first + np.argmax(np.append(task[first:], -1) != task[first]) for first in firsts], dtype=np.int64
    )
    if len(ends) and ends[-1] == hours:
        left_h = (spec.to_h - clock[-1] - step_h) % 24.0
        ends[-1] += round(left_h / step_h) if left_h < 24.0 - 1e-6 else 0
    return DeferrableNumbers(
        spec.name, spec.run, max(spec.profile_kw, default=spec.power_kw), spec.energy_kwh, _resampled(spec, step_h),
        firsts.astype(np.int64), ends, spec.starts_count_max, spec.piece_min, 100 * spec.start_cost_eur,
        100 * spec.missed_eur,
    )  # fmt: skip


def _resampled(spec: DeferrableLoad, step_h: float) -> Floats:
    """Return the mean power of a run in each base step after its start; the energy is kept."""
    powers = np.asarray(spec.profile_kw or [spec.power_kw], dtype=float)
    each = spec.profile_step_min / 60 if spec.profile_kw else spec.duration_min / 60
    at = np.arange(len(powers) + 1) * each
    energy = np.concatenate([[0.0], np.cumsum(powers * each)])
    steps = np.arange(int(np.ceil(at[-1] / step_h - 1e-9)) + 1) * step_h
    return np.asarray(np.diff(np.interp(steps, at, energy)) / step_h)


def due(numbers: DeferrableNumbers, slots: Slots) -> list[tuple[int, NDArray[np.intp]]]:
    """Return the tasks that a plan must do, with the slots of their windows.

    A task whose window reaches beyond the plan is left to a later plan; one whose window has begun before is done as
    far as it is not done yet.
    """
    edges, out = slots.edges, []
    for k, (first, end) in enumerate(zip(numbers.first.tolist(), numbers.end.tolist(), strict=True)):
        inside = np.flatnonzero((edges[:-1] >= first) & (edges[1:] <= end))
        if len(inside) and end <= edges[-1]:
            out.append((k, inside))
    return out


def block(numbers: DeferrableNumbers, model: Model, slots: Slots, state: LoadState | None = None) -> Block:
    """Add a load: its power, its starts, and what it misses.

    Args:
        numbers: The load.
        model: The model.
        slots: The slots of the plan.
        state: What it has done of the task that is open at the start of the plan.
    """
    state, name = state or LoadState(), f"load.{numbers.name}"
    tasks = due(numbers, slots)
    inside = np.zeros(slots.n)
    for _, window in tasks:
        inside[window] = 1.0
    full_min = (
        60 * numbers.energy_kwh / numbers.power_kw if numbers.run != "block" else _length_min(numbers, slots)
    )
    begun = bool(len(numbers.first)) and any(
        numbers.first[k] <= slots.edges[0] < numbers.end[k] for k, _ in tasks[:1]
    )
    done = min(1.0, state.done_min / full_min) if begun else 0.0
    if numbers.run == "block":
        return _block(numbers, model, slots, tasks, inside, name, done if state.running or done > 0 else 0.0)
    return _pieces(numbers, model, slots, tasks, inside, name, done, state.running and begun)


def _length_min(numbers: DeferrableNumbers, slots: Slots) -> float:
    return 60 * len(numbers.profile_kw) * slots.base_h


def _block(
    numbers: DeferrableNumbers,
    model: Model,
    slots: Slots,
    tasks: list[tuple[int, NDArray[np.intp]]],
    inside: Floats,
    name: str,
    done: float,
) -> Block:
    """Add a load of one run: a whole variable per slot at which it may start."""
    edges, length = slots.edges, len(numbers.profile_kw)
    allowed = inside.copy()
    for k, window in tasks:
        allowed[window[edges[window] + length > numbers.end[k]]] = 0.0
    energy = np.concatenate([[0.0], np.cumsum(numbers.profile_kw * slots.base_h)])
    lags = int(np.max(np.searchsorted(edges, edges[:-1] + length) - np.arange(slots.n), initial=1))
    rest = np.zeros(slots.n)
    if 0 < done < 1 and tasks:  # a run that has begun goes on, and nothing else starts in its window
        gone = round(done * length)
        passed = energy[np.clip(edges - edges[0] + gone, 0, length)]
        rest = np.diff(passed) / slots.step_h
    if done > 0 and tasks:
        allowed[tasks[0][1]] = 0.0
    start = model.var(f"{name}.start", upper=allowed, integer=True, history=lags - 1)
    power = model.var(f"{name}.power", upper=numbers.power_kw)
    terms: list[tuple[Number, Ints]] = [(1.0, power.now)]
    for lag in range(lags):
        share = np.zeros(slots.n)
        since = edges[lag:] - edges[: len(edges) - lag] if lag else np.zeros(len(edges), dtype=np.int64)
        after = edges[lag + 1 :] - edges[: slots.n - lag]
        part = energy[np.clip(after, 0, length)] - energy[np.clip(since[: slots.n - lag], 0, length)]
        share[lag:] = part / slots.step_h[lag:]
        terms.append((-share, start.lag(lag)))
    model.add(f"{name}.profile", terms, lower=rest, upper=rest)
    costs = []
    for position, (k, window) in enumerate(tasks):
        missed = model.var(f"{name}.missed_{k}", upper=1.0, cost=numbers.missed_cent, scalar=True)
        columns = np.append(start.now[window], missed.index).astype(np.int32)
        whole = 0.0 if position == 0 and done > 0 else 1.0
        model.add_row(f"{name}.task_{k}", np.ones(len(columns)), columns, lower=whole, upper=whole)
        costs.append(Cost(MISSED, missed, numbers.missed_cent))
    return Block(name, [Port(ELECTRICITY, power, -1.0)], costs)


def _pieces(
    numbers: DeferrableNumbers,
    model: Model,
    slots: Slots,
    tasks: list[tuple[int, NDArray[np.intp]]],
    inside: Floats,
    name: str,
    done: float,
    running: bool,
) -> Block:
    """Add an interruptible or free load: power in each slot, and an amount of energy in each window."""
    hours, most = slots.step_h, numbers.power_kw
    power = model.var(f"{name}.power", upper=most * inside)
    costs: list[Cost] = []
    switch: tuple[Var, Var] | None = None
    if numbers.run == "pieces":
        on = model.var(f"{name}.on", upper=inside, integer=True, history=1)
        model.add(f"{name}.most", [(1.0, power.now), (-most, on.now)], upper=0.0)
        if numbers.starts_max or numbers.start_cent or numbers.piece_min > 60 * hours.min():
            switch = (on, _starts(numbers, model, slots, on, name))
            costs.append(Cost("starts", switch[1], numbers.start_cent))
    for position, (k, window) in enumerate(tasks):
        left = numbers.energy_kwh * (1.0 - done if position == 0 else 1.0)
        missed = model.var(f"{name}.missed_{k}", upper=1.0, cost=numbers.missed_cent, scalar=True)
        columns = np.append(power.now[window], missed.index).astype(np.int32)
        amounts = np.append(hours[window], left)
        model.add_row(f"{name}.task_{k}", amounts, columns, lower=left, upper=left)
        costs.append(Cost(MISSED, missed, numbers.missed_cent))
        if numbers.run != "pieces":
            continue
        # No more slots than needed: what runs for part of a slot does so once, not in many.
        longest = float(hours[window].max())
        limit = longest * np.ceil(left / most / longest - 1e-9)
        if switch is not None and numbers.piece_min > 60 * longest:
            limit = max(limit, np.ceil(numbers.piece_min / 60 / longest) * longest)
        model.add_row(f"{name}.length_{k}", hours[window], on.now[window], upper=float(limit))
        if switch is not None and numbers.starts_max:
            begun = 1.0 if running and position == 0 else 0.0
            starts = switch[1].now[window]
            model.add_row(
                f"{name}.starts_{k}", np.ones(len(window)), starts, upper=numbers.starts_max - begun
            )
    return Block(name, [Port(ELECTRICITY, power, -1.0)], costs)


def _starts(numbers: DeferrableNumbers, model: Model, slots: Slots, on: Var, name: str) -> Var:
    """Add starts, and pieces of a shortest length."""
    begin, lags = slots.start_h * 60, 1
    while lags < slots.n and np.any(begin[lags:] - begin[: slots.n - lags] < numbers.piece_min - 1e-9):
        lags += 1
    start = model.var(f"{name}.start", upper=1.0, cost=numbers.start_cent, history=max(lags - 1, 0))
    model.add(f"{name}.begin", [(1.0, start.now), (-1.0, on.now), (1.0, on.lag(1))], lower=0.0)
    terms: list[tuple[Number, Ints]] = [(-1.0, on.now)]
    for lag in range(lags):
        binds = np.zeros(slots.n)
        binds[lag:] = (begin[lag:] - begin[: slots.n - lag] < numbers.piece_min - 1e-9) | (lag == 0)
        terms.append((binds, start.lag(lag)))
    model.add(f"{name}.piece", terms, upper=0.0)
    return start


def set_start(numbers: DeferrableNumbers, model: Model, state: LoadState | None) -> None:
    """Fix the history columns of a load: whether it ran before the plan."""
    name = f"load.{numbers.name}"
    for part, value in (("start", 0.0), ("on", float(bool(state and state.running)))):
        var = model.vars.get(f"{name}.{part}")
        if var is not None and var.history:
            model.set_history(var, np.full(var.history, value))


def step(
    numbers: DeferrableNumbers, done_kwh: Floats, asked_kw: Floats, inside: Floats, hours: float
) -> tuple[Floats, Floats]:
    """Return what loads draw and what they have then done, for a vector of homes.

    Args:
        numbers: The load.
        done_kwh: Electricity of the open task so far, shape (homes,).
        asked_kw: Power that the plan asks for, shape (homes,).
        inside: 1 where the window is open, shape (homes,).
        hours: Length of the step.
    """
    left = np.maximum(numbers.energy_kwh - done_kwh, 0.0) / hours
    power = np.clip(asked_kw, 0.0, np.minimum(numbers.power_kw, left)) * inside
    return power, done_kwh + hours * power
