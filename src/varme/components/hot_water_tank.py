"""The hot-water tank: temperature, draws, losses, and the temperature that people expect at the tap.

One layer: ``T[t] = f T[t-1] + (1 - f) T_around + (1 - f) / UA * (heat - draw)`` with ``f = exp(-UA h / C)``, exact for
constant heat and draw within a slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from varme.components.base import Block, Cost, Port
from varme.components.home import Slots, Surroundings
from varme.ground.errors import Collector, Problem
from varme.ground.series import SeriesSpec
from varme.ground.spec import Spec
from varme.kernel.model import Floats, Ints, Model, Number, Var
from varme.physics.draws import people_kw, tapping_kw
from varme.physics.tank import WATER_KWH_PER_L_K, layered_step, mean_when_top_reaches, mixed_step


class LegionellaDuty(Spec):
    """A disinfection that a plan may shift within its window, never skip.

    German DVGW W 551 asks for 60 C at the outlet of large systems (above 400 l or 3 l of pipes) and exempts one- and
    two-family houses; Danish DS 439 asks that 60 C can be reached. So there is none unless it is asked for.
    """

    temperature_c: float = Field(default=60.0, ge=50, le=80)
    """Temperature to reach in the whole tank [C] (DVGW W 551: 60)."""
    hold_min: float = Field(default=30.0, ge=0, le=600)
    """For how long [min] (assumption)."""
    interval_days: float = Field(default=7.0, gt=0.5, le=31)
    """At least once in this many days (assumption; weekly is what controllers offer)."""


class HotWaterTank(Spec):
    """A hot-water tank that the heat pump charges.

    The draw is given as a series (`draw_kw`), as a tapping cycle of the European energy label (`draw_profile`), or by
    the number of people (`persons_count`).
    """

    volume_l: float = Field(default=200.0, gt=0, le=1e5)
    """Volume."""
    layers_count: Literal[1, 2, 3] = 1
    """Layers of the simulated tank: 1 is fully mixed. A plan uses the mean temperature, and layers let that fall lower
    until the top, where the tap is, comes down to `temperature_min_c`."""
    layers_trust_share: float = Field(default=0.5, ge=0, le=1)
    """How much of what layers gain a plan relies on. 1 holds for a tank that is drawn from full without heating; heat
    in between mixes it. In a week re-planned every 4 h and simulated with 2 and 3 layers (four people, seed 1), the top
    was at the worst 1.5 and 4 K below 45 C with a share of 1, 3.5 and 7 K with 0.75, and 0.6 and 0 K with 0.5."""
    loss_w_per_k: float = Field(default=1.5, gt=0)
    """Heat loss per kelvin above its surroundings. Default: 61 W at 45 K is the limit of class B at 200 l
    (EU 812/2013, annex II), and 10 % for pipes (assumption)."""
    surroundings_c: float = Field(default=18.0, gt=-20, lt=45)
    """Temperature of the room that it stands in [C]."""
    loss_to_room_share: float = Field(default=0.0, ge=0, le=1)
    """Share of its losses that warms the house: 1 inside the heated rooms, 0 in the garage."""
    temperature_min_c: float = Field(default=45.0, gt=20, lt=90)
    """Temperature that people expect [C]; below it hot water is missed."""
    temperature_max_c: float = Field(default=55.0, gt=25, lt=95)
    """Highest temperature that the heat pump makes [C]."""
    draw_kw: SeriesSpec = 0.2
    """Heat drawn with the hot water, mean over each interval [kW]."""
    draw_profile: Literal["s", "m", "l", "xl"] | None = None
    """A tapping cycle of EU 812/2013 (EN 16147), every day: 2.1, 5.8, 11.7 or 19.1 kWh a day."""
    persons_count: float | None = Field(default=None, gt=0, le=200)
    """People; their draws are drawn from a seeded profile."""
    person_l_per_day: float = Field(default=40.0, ge=0, le=300)
    """Hot water of a person at `tap_c` (assumption)."""
    tap_c: float = Field(default=45.0, gt=20, lt=70)
    """Temperature to which `person_l_per_day` refers [C]."""
    draw_seed: int = Field(default=1, ge=0)
    """Seed of the draws by people; a calendar day's draws are the same wherever the horizon begins."""
    missed_eur_per_k_h: float = Field(default=0.5, gt=0)
    """What a kelvin below the expected temperature is worth per hour."""
    legionella: LegionellaDuty | None = None
    """The legionella duty; none if not given."""

    @model_validator(mode="after")
    def _ordered(self) -> HotWaterTank:
        if self.temperature_min_c >= self.temperature_max_c:
            raise ValueError("P108 temperature_min_c: must be below temperature_max_c")
        if self.legionella is not None and self.legionella.temperature_c <= self.temperature_min_c:
            raise ValueError(
                f"P151 legionella: {self.legionella.temperature_c:g} C is not above the tank's lower end of "
                f"{self.temperature_min_c:g} C | A duty that is always met is none: leave it out, or state 60 C."
            )
        given = [
            name for name in ("draw_kw", "draw_profile", "persons_count")
            if name in self.model_fields_set and getattr(self, name) is not None
        ]  # fmt: skip
        if len(given) > 1 and not ("draw_kw" in given and self.draw_kw == 0.2):
            raise ValueError(f"P108 {given[1]}: give one of {' and '.join(given)}")
        return self

    @property
    def capacity_kwh_per_k(self) -> float:
        """Heat capacity."""
        return self.volume_l * WATER_KWH_PER_L_K

    @property
    def loss_gain_kw(self) -> float:
        """Heat that the house gains from the tank, at the middle of its band [kW]."""
        middle = (self.temperature_min_c + self.temperature_max_c) / 2
        return self.loss_to_room_share * self.loss_w_per_k / 1e3 * (middle - self.surroundings_c)

    @property
    def draws_by_spec(self) -> bool:
        """Whether the draws follow from a profile or from people, and not from the series `draw_kw`."""
        return self.draw_profile is not None or self.persons_count is not None


def draw_of(spec: HotWaterTank, seen: Surroundings) -> Floats:
    """Return the heat drawn by a profile or by people [kW], shape (N,).

    Raises:
        ValueError: if the spec asks for neither.
    """
    if spec.draw_profile is not None:
        return tapping_kw(spec.draw_profile, seen.local_day, seen.local_h, seen.grid.step_h)
    if spec.persons_count is None:
        raise ValueError("the draws of this tank are a series")
    warm_k = max(spec.tap_c - float(seen.cold_water_c.mean()), 0.0)
    daily = spec.persons_count * spec.person_l_per_day * WATER_KWH_PER_L_K * warm_k
    return people_kw(daily, spec.draw_seed, seen.local_day, seen.local_h, seen.grid.step_h)


@dataclass(frozen=True, eq=False)
class TankNumbers:
    """A tank compiled over the base grid.

    Attributes:
        capacity_kwh_per_k: Heat capacity.
        loss_kw_per_k: Heat loss per kelvin.
        surroundings_c: Temperature around it.
        low_c: Mean temperature down to which a plan trusts the top layer to be as warm as people expect.
        high_c: Highest temperature.
        draw_kw: Heat drawn, shape (N,).
        missed_cent_per_k_h: Price of missing warmth.
        layers: Layers of the simulated tank.
        top_low_c: Temperature that people expect in the top layer; that of ``low_c`` with one layer.
        cold_c: Cold water, mean.
        duty: The legionella duty, or ``None``.
    """

    capacity_kwh_per_k: float
    loss_kw_per_k: float
    surroundings_c: float
    low_c: float
    high_c: float
    draw_kw: Floats
    missed_cent_per_k_h: float
    layers: int = 1
    top_low_c: float = np.nan
    cold_c: float = 10.0
    duty: LegionellaDuty | None = None

    def take(self, slots: Slots) -> TankNumbers:
        """Return the numbers over slots."""
        return replace(self, draw_kw=slots.mean(self.draw_kw))


def compiled(spec: HotWaterTank, draw_kw: Floats | float, n: int, cold_c: float = 10.0) -> TankNumbers:
    """Return the numbers of a tank.

    Args:
        spec: The tank.
        draw_kw: Its draw on the base grid: the series of the spec, or :func:`draw_of`.
        n: Base steps.
        cold_c: Cold water, mean.
    """
    ideal = mean_when_top_reaches(spec.temperature_min_c, spec.temperature_max_c, cold_c, spec.layers_count)
    low = spec.temperature_min_c - spec.layers_trust_share * (spec.temperature_min_c - ideal)
    return TankNumbers(
        spec.capacity_kwh_per_k, spec.loss_w_per_k / 1e3, spec.surroundings_c, low,
        spec.temperature_max_c, np.broadcast_to(np.asarray(draw_kw, dtype=float), (n,)), 100 * spec.missed_eur_per_k_h,
        spec.layers_count, spec.temperature_min_c, cold_c, spec.legionella,
    )  # fmt: skip


@dataclass(frozen=True)
class DutyDue:
    """A legionella duty that falls into a plan.

    Attributes:
        due_h: Hours from the start of the plan until it must be done; negative if it is late already.
        pump_max_c: Tank temperature above which the compressor cannot heat.
        pump_on: On/off variable of the compressor for hot water, or ``None``.
        earliest: First slot at whose end it can begin.
        hint_cent: What a slot is likely to cost, shape (n,); a thousandth of it leads a search to a good slot first.
    """

    due_h: float
    pump_max_c: float = np.inf
    pump_on: Var | None = None
    earliest: int = 0
    hint_cent: Floats | None = None


#: A duty that is due within this time after the end of a plan is done within the plan [h].
DUTY_LOOK_AHEAD_H = 6.0
#: How far the tank may be above the temperature of the duty in a plan that holds one [K].
DUTY_ROOM_K = 3.0
#: Price of a duty that is done late [cent per hour], and of one that is not done at all [cent]: far above any saving.
DUTY_LATE_CENT_PER_H, DUTY_SKIPPED_CENT = 100.0, 20_000.0
#: Price of a kelvin that a disinfected tank lacks in a slot [cent]: far above what it saves, so that it lacks none
#: where the heaters can; a search that tries an hour that is too early finds a dear plan, not none.
DUTY_SHORT_CENT_PER_K = 1000.0


def duty_in(numbers: TankNumbers, slots: Slots, since_h: float) -> float | None:
    """Return in how many hours the duty is due, if a plan must hold it; ``None`` otherwise.

    Args:
        numbers: The tank.
        slots: The slots of the plan.
        since_h: Hours since the duty was last done.
    """
    if numbers.duty is None:
        return None
    due = 24 * numbers.duty.interval_days - since_h
    return due if due < float(slots.step_h.sum()) + DUTY_LOOK_AHEAD_H else None


def earliest_slot(
    numbers: TankNumbers, slots: Slots, start_c: float, pump_kw: Floats, other_kw: float, pump_max_c: float
) -> int:
    """Return the first slot at whose end the duty can begin, heating at 85 % of full power from now on.

    Other heaters count alone if there are any: the compressor may be needed in the house.

    Args:
        numbers: The tank over the slots.
        slots: The slots.
        start_c: Mean temperature at the start.
        pump_kw: Heat of the compressor in each slot, shape (n,).
        other_kw: Heat of the other heaters.
        pump_max_c: Tank temperature above which the compressor cannot heat.

    Returns:
        The slot; the last one if it cannot be reached.
    """
    assert numbers.duty is not None
    level = start_c
    for slot in range(slots.n):
        heat = 0.85 * (other_kw if other_kw > 0 else float(pump_kw[slot]) if level < pump_max_c else 0.0)
        hours = float(slots.step_h[slot])
        level = float(
            mixed_step(
                level, heat, numbers.draw_kw[slot], hours, numbers.capacity_kwh_per_k, numbers.loss_kw_per_k,
                numbers.surroundings_c,
            )
        )  # fmt: skip
        level = min(level, max(pump_max_c, start_c)) if other_kw <= 0 else level
        if level >= numbers.duty.temperature_c:
            return slot
    return slots.n - 1


def highest_c(
    numbers: TankNumbers,
    slots: Slots,
    start_c: float | None = None,
    forced_kwh: float = 0.0,
    duty: bool = False,
) -> Floats:
    """Return the upper limit of the tank's mean temperature at the end of each slot, shape (n,).

    It is the band's upper end, or, for a tank that starts above it, what is left of its warmth after losses and draws:
    no heat pump heats it further until then. A run that the compressor must finish may raise it.

    Args:
        numbers: The tank.
        slots: The slots.
        start_c: Mean temperature at the start.
        forced_kwh: Heat of a run for hot water that must be finished.
        duty: Whether the plan holds a legionella duty.
    """
    top = numbers.high_c
    if duty and numbers.duty is not None:
        top = max(top, numbers.duty.temperature_c + DUTY_ROOM_K)
    if start_c is None:
        return np.full(slots.n, top)
    above = start_c + forced_kwh / numbers.capacity_kwh_per_k
    if above <= top:
        return np.full(slots.n, top)
    keep = np.exp(-numbers.loss_kw_per_k * slots.step_h / numbers.capacity_kwh_per_k)
    falls = (1 - keep) * (numbers.surroundings_c - numbers.draw_kw / numbers.loss_kw_per_k)
    cooling = np.empty(slots.n)
    for slot in range(slots.n):
        above = keep[slot] * above + falls[slot]
        cooling[slot] = above
    return np.maximum(top, cooling + 1e-6)


def block(
    numbers: TankNumbers,
    model: Model,
    slots: Slots,
    feeds: Sequence[Port],
    worth_cent_per_k: float,
    start_c: float | None = None,
    forced_kwh: float = 0.0,
    duty: DutyDue | None = None,
) -> Block:
    """Add temperature, missing warmth and the balance of the tank.

    The temperature is the mean of the tank: layers are simulated, not planned.

    Args:
        numbers: The tank over the slots.
        model: The model.
        slots: The slots.
        feeds: What the other devices put into the tank [kW per unit of their variable].
        worth_cent_per_k: Value of a kelvin at the end of the plan.
        start_c: Mean temperature at the start; lets a tank that starts above its band cool down.
        forced_kwh: Heat of a run for hot water that the compressor must finish.
        duty: The legionella duty, if it falls into the plan.
    """
    keep = np.exp(-numbers.loss_kw_per_k * slots.step_h / numbers.capacity_kwh_per_k)
    per_kw = (1 - keep) / numbers.loss_kw_per_k
    worth = np.zeros(slots.n)
    worth[-1] = -worth_cent_per_k
    top = highest_c(numbers, slots, start_c, forced_kwh, duty is not None)
    level = model.var("tank.temperature", lower=-np.inf, upper=top, cost=worth, history=1)
    terms: list[tuple[Number, Ints]] = [(1.0, level.now), (-keep, level.lag(1))]
    terms += [(-per_kw * np.asarray(port.coefficient), port.var.now) for port in feeds]
    rest = (1 - keep) * numbers.surroundings_c - per_kw * numbers.draw_kw
    model.add("tank.balance", terms, lower=rest, upper=rest)
    price = numbers.missed_cent_per_k_h * slots.step_h
    missed = model.var("tank.missed", cost=price)
    model.add("tank.comfort", [(1.0, level.now), (1.0, missed.now)], lower=numbers.low_c)
    costs = [Cost("hot water missed", missed, price)]
    if duty is not None:
        costs += _duty(numbers, model, slots, level, duty, top)
        _lift(numbers, model, slots, feeds, duty, start_c)
    return Block("tank", (), costs)


def _duty(
    numbers: TankNumbers, model: Model, slots: Slots, level: Var, duty: DutyDue, top: Floats
) -> list[Cost]:
    """Add the legionella duty: one slot of the window begins it, and the tank is hot from its end on for the hold time.

    Late costs more per hour than anything it could save; not at all is left for tanks that cannot get there, so that
    the rest of the plan stands and the alarm is given.
    """
    assert numbers.duty is not None
    wanted, ends = numbers.duty.temperature_c, np.cumsum(slots.step_h)
    every_hour = np.floor(slots.start_h + 1e-9) != np.floor(slots.start_h - slots.step_h + 1e-9)
    holds = ends + numbers.duty.hold_min / 60 <= ends[-1] + 1e-9
    may = (every_hour | (slots.step_h >= 1)) & holds & (np.arange(slots.n) >= duty.earliest)
    if not may.any():
        may[min(duty.earliest, slots.n - 1)] = True
    late = DUTY_LATE_CENT_PER_H * np.maximum(ends - max(duty.due_h, 0.0), 0.0)
    if duty.hint_cent is not None:
        late = late + 1e-3 * duty.hint_cent
    lags = []
    for lag in range(slots.n):
        binds = np.zeros(slots.n)
        after = ends[lag:] - ends[: slots.n - lag]
        binds[lag:] = (after < numbers.duty.hold_min / 60 + 1e-9) | (lag == 0)
        if not binds.any():
            break
        lags.append(binds)
    begin = model.var("tank.duty", upper=may.astype(float), cost=late, integer=True, history=len(lags) - 1)
    skipped = model.var("tank.duty_skipped", upper=1.0, cost=DUTY_SKIPPED_CENT, scalar=True)
    chosen = np.concatenate([begin.now[may], np.atleast_1d(skipped.index)]).astype(np.int32)
    model.add_row("tank.duty_once", np.ones(chosen.size), chosen, lower=1.0, upper=1.0)
    floor = numbers.cold_c - 60.0
    short = model.var("tank.duty_short", cost=DUTY_SHORT_CENT_PER_K)
    terms: list[tuple[Number, Ints]] = [(1.0, level.now), (1.0, short.now)]
    terms += [(-(wanted - floor) * binds, begin.lag(lag)) for lag, binds in enumerate(lags)]
    model.add("tank.duty_hot", terms, lower=floor)
    if duty.pump_on is not None and duty.pump_max_c < float(top.max()):
        room = np.maximum(top - duty.pump_max_c, 0.0)
        model.add("tank.duty_pump", [(1.0, level.now), (room, duty.pump_on.now)], upper=top)
    return [
        Cost("legionella late", begin, late),
        Cost("legionella late", skipped, DUTY_SKIPPED_CENT),
        Cost("legionella late", short, DUTY_SHORT_CENT_PER_K),
    ]


def _lift(
    numbers: TankNumbers,
    model: Model,
    slots: Slots,
    feeds: Sequence[Port],
    duty: DutyDue,
    start_c: float | None,
) -> None:
    """Add what follows from the duty for the other heaters: they alone lift the tank above what the compressor reaches.

    The whole model holds it already; the relaxed one, in which the duty is spread over many slots, does not.
    """
    assert numbers.duty is not None
    others = [
        p for p in feeds if not p.var.name.startswith("heat_pump.") and np.all(np.asarray(p.coefficient) > 0)
    ]
    lift = numbers.duty.temperature_c - max(duty.pump_max_c, -np.inf if start_c is None else start_c)
    if not others or lift <= 0 or start_c is None or duty.pump_on is None:
        return
    needed = lift * numbers.capacity_kwh_per_k
    short, skipped = model.vars["tank.duty_short"], model.vars["tank.duty_skipped"]
    parts = [
        np.broadcast_to(np.asarray(p.coefficient, dtype=float), (slots.n,)) * slots.step_h for p in others
    ]
    coefficients = np.concatenate([*parts, np.full(slots.n, numbers.capacity_kwh_per_k), [needed]])
    columns = np.concatenate([*(p.var.now for p in others), short.now, np.atleast_1d(skipped.index)])
    model.add_row("tank.duty_lift", coefficients, columns.astype(np.int32), lower=needed)


def duty_step(
    numbers: TankNumbers, since_h: Floats, hot_h: Floats, coldest_c: Floats, hours: float
) -> tuple[Floats, Floats]:
    """Return the hours since the last disinfection and for how long the tank has been hot, after a step (homes,).

    Args:
        numbers: The tank.
        since_h: Hours since the last disinfection before the step.
        hot_h: For how long the coldest layer has been at the temperature of the duty [h].
        coldest_c: Temperature of the coldest layer after the step.
        hours: Length of the step [h].
    """
    if numbers.duty is None:
        return since_h, hot_h
    hot = np.where(coldest_c >= numbers.duty.temperature_c - 1e-6, hot_h + hours, 0.0)
    done = hot >= max(numbers.duty.hold_min / 60, 1e-9) - 1e-9
    return np.where(done, 0.0, since_h + hours), hot


def check_step(
    numbers: TankNumbers, heat_min_kw: float, step_h: float, run_min: float = 0.0, where: str = "hot_water"
) -> list[Problem]:
    """Return what is wrong with a tank for a step and a heat pump: one that is too small, a band that cannot be.

    A step at the smallest heat (or the shortest run, if that is longer) must not lift the tank across its whole band.

    Args:
        numbers: The tank.
        heat_min_kw: Smallest heat of what charges it.
        step_h: Longest step of the plan [h].
        run_min: Shortest run [min].
        where: Field path for the message.
    """
    problems = Collector()
    if numbers.low_c <= numbers.cold_c:
        problems.add(
            "P151", f"{where}.temperature_min_c", "the band lies below the cold water, so nothing would ever be heated",
            value=f"{numbers.low_c:.3g} C", limit=f"> {numbers.cold_c:.3g} C",
            remedy="State the temperature that people expect at the tap, 45 C or more.",
        )  # fmt: skip
    hours = max(step_h, run_min / 60)
    rise = heat_min_kw * hours / numbers.capacity_kwh_per_k
    band = numbers.high_c - numbers.low_c
    if rise <= band:
        return problems.problems
    litres = heat_min_kw * hours / band / WATER_KWH_PER_L_K
    what = (
        f"one {60 * step_h:g}-min step" if 60 * step_h >= run_min else f"one shortest run of {run_min:g} min"
    )
    remedies = []
    if 60 * step_h > run_min and step_h * band / rise >= 1 / 60:
        remedies.append(f"{_shorter(60 * step_h * band / rise)}-min steps")
    remedies += ["a wider band", f"a tank of {10 * int(np.ceil(litres / 10))} l"]
    problems.add(
        "P150", where,
        f"the tank cannot stay between {numbers.low_c:.3g} and {numbers.high_c:.3g} C: {what} of {heat_min_kw:.2g} kW "
        f"raises it by {rise:.2g} K",
        value=f"{numbers.capacity_kwh_per_k / WATER_KWH_PER_L_K:.0f} l", limit=f"a band of {band:.3g} K",
        remedy=f"Use {', '.join(remedies[:-1])} or {remedies[-1]}.",
    )  # fmt: skip
    return problems.problems


def _shorter(minutes: float) -> int:
    """Return the longest usual step that is not longer than some minutes."""
    return max((m for m in (1, 2, 5, 10, 15, 20, 30) if m <= minutes + 1e-9), default=1)


def missed_kwh(numbers: TankNumbers, top_c: Floats, draw_kw: Floats, step_h: Floats | float) -> Floats:
    """Return the heat that was missing in the water drawn [kWh], shape of ``top_c``.

    Water that leaves too cold carries less than was asked for, in proportion to how far it is below what people expect.

    Args:
        numbers: The tank.
        top_c: Temperature at the top.
        draw_kw: Heat drawn.
        step_h: Length of the steps [h].
    """
    low = numbers.low_c if np.isnan(numbers.top_low_c) else numbers.top_low_c
    share = np.clip((low - np.asarray(top_c)) / max(low - numbers.cold_c, 1e-9), 0.0, 1.0)
    return np.asarray(share * np.asarray(draw_kw) * step_h)


def step(
    numbers: TankNumbers, tank_c: Floats, heat_kw: Floats, draw_kw: Floats | float, hours: float
) -> Floats:
    """Return the tank temperatures after a step (simulation view), shape as ``tank_c``.

    Args:
        numbers: The tank.
        tank_c: Temperatures before the step: of mixed tanks, shape (homes,), or of layers, top first,
            shape (homes, layers). One layer is mixed.
        heat_kw: Heat into the tank, shape (homes,).
        draw_kw: Heat drawn.
        hours: Length of the step [h].
    """
    if tank_c.ndim > 1 and tank_c.shape[-1] > 1:
        drawn = np.broadcast_to(np.asarray(draw_kw, dtype=float) * hours, heat_kw.shape)
        return layered_step(
            tank_c, heat_kw * hours, drawn, hours, numbers.capacity_kwh_per_k, numbers.loss_kw_per_k,
            numbers.surroundings_c, numbers.cold_c,
        )[0]  # fmt: skip
    heat = heat_kw[..., None] if tank_c.ndim > 1 else heat_kw
    return mixed_step(
        tank_c,
        heat,
        draw_kw,
        hours,
        numbers.capacity_kwh_per_k,
        numbers.loss_kw_per_k,
        numbers.surroundings_c,
    )
