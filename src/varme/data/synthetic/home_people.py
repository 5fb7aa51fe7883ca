"""The people of a home's year: electricity and hot water as single events of one household, not a mean of many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from varme.data.reference_years import household_load
from varme.data.synthetic.home_clock import Floats, HomeClock, Ints

#: Random streams.
LOAD, DRAW, AWAY = range(48, 51)
#: Share of the year's electricity that never stops: standby, refrigerator and freezer (an assumption; the 5 %
#: quantile of single SimBench homes is 0.15 to 0.30 of their mean).
BASE_SHARE = 0.30

#: Most heat drawn in a quarter-hour [kW]: two showers one after the other (an assumption).
DRAW_MAX_KW = 12.0


@dataclass(frozen=True)
class Habit:
    """An event that people repeat.

    Attributes:
        name: What it is.
        per_day: Events a day and home: fixed part, and part per person.
        power_kw: Least and largest power (of heat, for draws).
        minutes: Shortest and longest duration [min].
        work: (hour, spread [h], weight) of the times at which it begins on working days.
        free: The same on free days.
    """

    name: str
    per_day: tuple[float, float]
    power_kw: tuple[float, float]
    minutes: tuple[float, float]
    work: tuple[tuple[float, float, float], ...]
    free: tuple[tuple[float, float, float], ...]


_AWAKE = ((8.0, 1.5, 1.0), (12.0, 3.0, 0.5), (18.5, 2.5, 2.0))
#: Electric habits. Powers are ratings of household appliances, rates and times assumptions.
ELECTRIC: tuple[Habit, ...] = (
    Habit("cooking", (0.5, 0.22), (0.7, 2.4), (20, 60),
          ((17.9, 0.8, 4.0), (7.2, 0.6, 0.4)), ((12.5, 1.0, 1.5), (18.2, 1.0, 3))),
    Habit("kettle", (0.5, 0.7), (1.8, 2.2), (3, 6),
          ((6.9, 0.7, 2.0), (19.5, 2.0, 1.5)), ((9.0, 1.2, 2.0), (16.0, 3.0, 2.0))),
    Habit("small", (2.0, 1.5), (0.3, 1.5), (5, 25),
          _AWAKE, ((10.0, 2.5, 1.0), (18.0, 3.0, 1.5))),
    Habit("washing", (0.05, 0.13), (0.9, 2.0), (30, 60),
          ((18.5, 2.0, 1.0), (10.0, 2.0, 0.5)), ((11.0, 2.5, 2.0),)),
    Habit("drying", (0.0, 0.07), (1.5, 2.4), (50, 80),
          ((20.0, 1.5, 1.0),), ((14.0, 2.5, 1.0),)),
    Habit("dishes", (0.3, 0.12), (1.2, 2.0), (30, 60),
          ((19.8, 1.2, 2.0), (8.5, 0.7, 0.4)), ((20.0, 1.5, 2.0), (13.5, 1, 1))),
    Habit("screens", (1.0, 0.7), (0.08, 0.25), (60, 200),
          ((19.0, 2.0, 3.0), (9.5, 3.0, 1.0)), ((14.0, 4.0, 1), (20, 2, 2))),
)  # fmt: skip
#: Draws of hot water, as power of heat: a shower is 40 l warmed by 28 K in 6-8 min, 1.3 kWh (an assumption; the
#: tapping profile M of EN 16147 has showers of 1.4 kWh and small draws of 0.105 kWh).
DRAWS: tuple[Habit, ...] = (
    Habit("shower", (0.0, 0.62), (9.0, 13.0), (4, 10),
          ((6.8, 0.6, 3.0), (20.8, 1.3, 2.0)), ((9.3, 1.3, 3.0), (19.5, 2.5, 1.5))),
    Habit("bath", (0.0, 0.03), (12.0, 14.0), (12, 18),
          ((19.5, 1.0, 1.0),), ((18.0, 2.0, 1.0),)),
    Habit("kitchen", (0.8, 0.3), (6.0, 9.0), (1, 5),
          ((18.8, 1.2, 3.0), (7.5, 0.8, 1.0)), ((13, 1.5, 1.5), (19.0, 1.2, 2.0))),
    Habit("basin", (0.5, 2.6), (4.0, 6.0), (0.5, 2),
          ((7.0, 0.8, 2.0), (18.5, 3.0, 2.0)), ((9.5, 2.0, 1), (18.0, 3.5, 1.5))),
)  # fmt: skip


def home_people(clock: HomeClock) -> tuple[Floats, Floats]:
    """Return the household's load [kW] and the heat drawn as hot water [kW], each of shape (grid.n,)."""
    spec, grid = clock.spec, clock.grid
    home = ~_away(clock)
    if spec.load_shape == "h0":
        return _standard(clock), _draws(clock, home)
    rng = _stream(clock, LOAD)
    rate = spec.load_kwh / 3500.0
    used = np.zeros(grid.n)
    for habit in ELECTRIC:
        used += _events(clock, habit, home, rng, rate)
    used += _lights(clock, home, rng) * rate
    used *= (1 - BASE_SHARE) * spec.load_kwh * 4 / used[clock.inside].sum()
    load = used + _base(clock, rng)
    load *= spec.load_kwh * 4 / load[clock.inside].sum()
    return load, _draws(clock, home)


def _standard(clock: HomeClock) -> Floats:
    """Return the BDEW household profile on the wall clock; the padding takes the days of the calendar year."""
    profile = household_load(clock.spec.load_kwh, clock.spec.year)
    first = np.datetime64(f"{clock.spec.year}-01-01", "s").astype(np.int64)
    index = ((clock.local.astype(np.int64) - first) // 900) % len(profile)
    load = profile[index]
    return np.asarray(load * (clock.spec.load_kwh * 4 / load[clock.inside].sum()))


def _draws(clock: HomeClock, home: NDArray[np.bool_]) -> Floats:
    """Return the heat drawn as hot water [kW], shape (grid.n,)."""
    spec = clock.spec
    rng = _stream(clock, DRAW)
    drawn = np.zeros(clock.grid.n)
    for habit in DRAWS:
        drawn += _events(clock, habit, home, rng, 1.0)
    drawn *= spec.draw_mean_w / 1000 / drawn[clock.inside].mean()
    most = max(DRAW_MAX_KW, 60 * spec.draw_mean_w / 1000)
    for _ in range(6):  # who finds the water taken waits for the next quarter-hour
        waits = np.maximum(drawn - most, 0.0)
        drawn += np.concatenate([[0.0], waits[:-1]]) - waits
    return np.asarray(drawn * (spec.draw_mean_w / 1000 / drawn[clock.inside].mean()))


def _stream(clock: HomeClock, stream: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([clock.spec.seed, stream]))


def _away(clock: HomeClock) -> NDArray[np.bool_]:
    """Return the local days on which nobody is at home: one block in the summer holidays, shape (d,)."""
    july = "07" if clock.spec.latitude_deg >= 0 else "01"
    first = np.datetime64(f"{clock.spec.year}-{july}-03", "D").astype(np.int64)
    first += _stream(clock, AWAY).integers(0, 29 - clock.spec.away_days)
    return np.asarray((clock.days >= first) & (clock.days < first + clock.spec.away_days))


def _events(
    clock: HomeClock, habit: Habit, home: NDArray[np.bool_], rng: np.random.Generator, rate: float
) -> Floats:
    """Return the mean power of a habit's events in each quarter-hour, shape (grid.n,); partial quarters count."""
    persons = clock.spec.persons_count
    free = clock.free(clock.days)
    wanted = rate * (habit.per_day[0] + habit.per_day[1] * persons) * home * np.where(free, 1.15, 0.94)
    day = np.repeat(np.arange(len(clock.days)), rng.poisson(wanted))
    share, normal, power, length, within = rng.random((5, len(day)))
    begin = np.where(free[day], _begin(habit.free, share, normal), _begin(habit.work, share, normal))
    minutes = habit.minutes[0] + (habit.minutes[1] - habit.minutes[0]) * length
    kw = habit.power_kw[0] + (habit.power_kw[1] - habit.power_kw[0]) * power
    return _spread(clock.grid.n, clock.index_of(day, begin), within * 15, minutes, kw)


def _begin(times: tuple[tuple[float, float, float], ...], share: Floats, normal: Floats) -> Floats:
    """Return the wall-clock hour at which events begin, from two uniform numbers each."""
    hour, spread, weight = np.array(times, dtype=float).T
    which = np.searchsorted(np.cumsum(weight) / weight.sum(), share)
    which = np.minimum(which, len(hour) - 1)
    return np.asarray((hour[which] + spread[which] * ndtri(np.clip(normal, 1e-6, 1 - 1e-6))) % 24)


def _spread(n: int, first: Ints, late_min: Floats, minutes: Floats, kw: Floats) -> Floats:
    """Return the mean power of events in each quarter-hour.

    Args:
        n: Quarter-hours.
        first: Quarter-hour in which each event begins, shape (k,).
        late_min: How late in it [min], shape (k,).
        minutes: Duration [min], shape (k,).
        kw: Power, shape (k,).
    """
    longest = int(np.ceil((float(minutes.max(initial=0.0)) + 15) / 15)) + 1
    start = np.arange(longest)[:, None] * 15.0
    overlap = np.clip(np.minimum(start + 15, late_min + minutes) - np.maximum(start, late_min), 0.0, 15.0)
    index = np.minimum(first + np.arange(longest)[:, None], n - 1)
    return np.asarray(np.bincount(index.ravel(), (overlap / 15 * kw).ravel(), minlength=n), dtype=float)


def _lights(clock: HomeClock, home: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """Return the power of lamps and of what runs beside people: dark hours in which somebody is awake."""
    present = np.zeros(clock.grid.n)
    wake = clock.index_of(
        np.arange(len(clock.days)), 6.5 + 0.4 * rng.standard_normal(len(clock.days)).clip(-2, 2)
    )
    sleep = clock.index_of(
        np.arange(len(clock.days)), 22.8 + 0.4 * rng.standard_normal(len(clock.days)).clip(-2, 2)
    )
    np.add.at(present, wake[home], 1.0)
    np.add.at(present, sleep[home], -1.0)
    awake = np.cumsum(present)
    working = ~clock.free(clock.days)
    leave = clock.index_of(np.arange(len(clock.days)), np.full(len(clock.days), 8.0))
    back = clock.index_of(np.arange(len(clock.days)), np.full(len(clock.days), 16.0))
    gone = np.zeros(clock.grid.n)
    np.add.at(gone, leave[home & working], 1.0)
    np.add.at(gone, back[home & working], -1.0)
    dark = 1 / (1 + np.exp(clock.sun * 25 - 1.5))
    steps = np.exp(0.35 * np.repeat(rng.standard_normal(-(-clock.grid.n // 2)), 2)[: clock.grid.n])
    return np.asarray(awake * (1 - 0.8 * np.cumsum(gone)) * (0.07 + 0.26 * dark) * steps)


def _base(clock: HomeClock, rng: np.random.Generator) -> Floats:
    """Return what never stops [kW]: standby, and compressors of refrigerator and freezer that cycle."""
    mean = BASE_SHARE * clock.spec.load_kwh / 8766
    phase = 2 * np.pi * (np.arange(clock.grid.n) / np.array([[3.3], [4.7]]) + rng.random((2, 1)))
    cycles = np.clip(0.5 + 1.2 * np.sin(phase), 0.0, 1.0).sum(axis=0)
    return np.asarray(mean * (0.55 + 0.45 * cycles))
