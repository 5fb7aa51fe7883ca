"""The kinds of faults: each works one fault into one row of a bench, and says where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from varme.data.meters.panel import DAY_MIN, MeterPanel
from varme.data.synthetic.fault_bench import Bench, Found, Kind, local_hours

#: Units that are mixed up: how many of the wrong one make the right one (10.55 kWh gross and 11.1 kWh per m3 at the
#: calorific values of L and H gas, 35.31 ft3 per m3, 1,000 Wh per kWh, 3.6 MJ per kWh).
GAS_FACTORS = (10.55, 11.1, 35.3147, 0.0283168, 1 / 10.55)
ELECTRIC_FACTORS = (1000.0, 0.001, 3.6)


@dataclass(frozen=True)
class KindOf:
    """A kind of fault: how it is worked in, and which panels can have it."""

    work: Kind
    reading: tuple[Literal["interval", "register"], ...] = ("interval",)
    daily: bool = True
    hourly: bool = True
    heat_pump: bool = True


def kinds_for(panel: MeterPanel) -> list[str]:
    """Return the names of the kinds that a panel can have."""
    daily = panel.step_min == DAY_MIN
    electric = panel.unit in {"kwh", "wh", "mwh"}
    leap = any(str(day).endswith("02-29") for day in panel.steps.astype("datetime64[D]"))
    return [
        name
        for name, kind in KINDS.items()
        if panel.reading in kind.reading
        and (kind.daily if daily else kind.hourly)
        and (kind.heat_pump or not electric)
        and (name != "leap_day" or leap)
    ]


def kinds_alone(panel: MeterPanel) -> list[str]:
    """Return the names of the kinds that a single meter of a panel can have, and the others not (:data:`SHARED`)."""
    shared = SHARED[panel.step_min == DAY_MIN]
    return [kind for kind in kinds_for(panel) if kind not in shared]


def roll_over(bench: Bench, row: int) -> Found:
    """Let the register pass 99,999 (or 999,999) and begin at 0 again.

    Intervals that were made from such a register show one large negative value.
    """
    found = bench.span(row, (0, 0), season=0.0)
    if found is None:
        return None
    first = found[0]
    turn = 10.0 ** int(bench.rng.choice([5, 6]))
    if bench.register:
        y = bench.values[row].astype(np.float64)
        if np.nanmax(y) - np.nanmin(y) > 0.9 * turn:
            return None
        shifted = y - y[first] + (y[first] - y[first - 1]) * 0.5
        bench.values[row] = np.where(shifted < 0, shifted + turn, shifted)
        first = int(np.argmax(shifted >= 0))
    else:
        bench.values[row, first] -= turn
    return first, first, turn


def register_swap(bench: Bench, row: int) -> Found:
    """Replace the meter: the register begins anew, at 0 (a third) or at what the new one shows (up to 60)."""
    found = bench.span(row, (0, 0), season=0.0)
    if found is None:
        return None
    first = found[0]
    start = 0.0 if bench.rng.random() < 1 / 3 else float(bench.rng.uniform(0, 60))
    if bench.register:
        y = bench.values[row].astype(np.float64)
        if y[first - 1] < 200:
            return None
        bench.values[row, first:] = y[first:] - y[first - 1] + start
    else:
        bench.values[row, first] += start - float(bench.rng.uniform(2000, 60000))
    return first, first, start


def duplicate_same(bench: Bench, row: int) -> Found:
    """Deliver 1 to 20 days twice, with equal values."""
    found = bench.span(row, (1, 20), season=0.0)
    if found is None:
        return None
    bench.duplicates[row, found[0] : found[1] + 1] = 1
    return *found, 1.0


def duplicate_conflict(bench: Bench, row: int) -> Found:
    """Deliver 1 to 6 days twice, with values that differ by a factor of 0.3 to 3; one of the two is kept, by chance."""
    found = bench.span(row, (1, 6), season=0.0)
    if found is None:
        return None
    part = slice(found[0], found[1] + 1)
    bench.duplicates[row, part] = 2
    if not bench.register:
        other = bench.rng.random(found[1] + 1 - found[0]) < 0.5
        factor = np.exp(bench.rng.uniform(-1.1, 1.1, len(other)))
        bench.values[row, part] *= np.where(other, factor, 1).astype(np.float32)
    return *found, 2.0


def estimated(bench: Bench, row: int) -> Found:
    """Estimate 6 to 40 days flat, at 0.4 to 1.6 of the truth; the next actual reading catches up."""
    found = bench.span(row, (6, 40), season=0.5, whole_days=True)
    if found is None:
        return None
    first, last = found
    part = slice(first, last)
    total = float(bench.truth[row, first : last + 1].sum(dtype=np.float64))
    factor = float(bench.rng.choice([bench.rng.uniform(0.4, 0.85), bench.rng.uniform(1.15, 1.6)]))
    if bench.register:
        before, after = float(bench.truth[row, first - 1]), float(bench.truth[row, last])
        guess = before + factor * (after - before) / (last - first + 1) * np.arange(1, last - first + 1)
        bench.values[row, part] = guess
        bench.estimated[row, part] = True
        return first, last, factor
    bench.values[row, part] = factor * total / (last - first + 1)
    bench.values[row, last] = total - float(bench.values[row, part].sum(dtype=np.float64))
    if bench.rng.random() < bench.spec.flagged_share:
        bench.estimated[row, part] = True
    return first, last, factor


def stuck_register(bench: Bench, row: int) -> Found:
    """Let the register stand for 3 to 20 days and then show everything at once."""
    found = bench.span(row, (3, 20), season=0.9, whole_days=True)
    if found is None:
        return None
    first, last = found
    if bench.register:
        bench.values[row, first:last] = bench.values[row, first - 1]
        return first, last, 0.0
    total = float(bench.values[row, first : last + 1].sum(dtype=np.float64))
    bench.values[row, first:last] = 0
    bench.values[row, last] = total
    return first, last, 0.0


def stuck_value(bench: Bench, row: int) -> Found:
    """Repeat one value for 4 to 25 days; what was used in them is lost."""
    found = bench.span(row, (4, 25), season=0.5)
    if found is None or not bench.values[row, found[0]] > 0:
        return None
    bench.values[row, found[0] + 1 : found[1] + 1] = bench.values[row, found[0]]
    return *found, 0.0


def whole_units(bench: Bench, row: int) -> Found:
    """Count whole m3 (daily) or tenths of kWh (hourly) only: 0, 1, 0, 0, 1 in summer. No energy is lost."""
    unit = 1.0 if bench.step_min == DAY_MIN else 0.1
    level = np.nanmean(bench.values[row])
    if not level > 2 * unit:
        return None
    total = np.cumsum(np.nan_to_num(bench.values[row]), dtype=np.float64) + bench.rng.uniform(0, unit)
    whole = np.floor(total / unit) * unit
    steps = np.diff(whole, prepend=0.0)
    ok = np.isfinite(bench.values[row])
    bench.values[row, ok] = np.round(steps[ok], 3)
    return 0, bench.values.shape[1] - 1, unit


def zeros_missing(bench: Bench, row: int) -> Found:
    """Write 0 for 1 to 25 days of the heating season that were not read."""
    found = bench.span(row, (1, 25), season=1.0, whole_days=True)
    if found is None:
        return None
    bench.values[row, found[0] : found[1] + 1] = 0
    return *found, 0.0


def spike(bench: Bench, row: int) -> Found:
    """Add 5 to 60 times the meter's mean day (or, hourly, 30 to 300 times its mean hour) to one step."""
    found = bench.span(row, (0, 0), season=0.0)
    if found is None:
        return None
    low, high = (5, 60) if bench.step_min == DAY_MIN else (30, 300)
    factor = float(np.exp(bench.rng.uniform(np.log(low), np.log(high))))
    bench.values[row, found[0]] += np.float32(factor * np.nanmean(bench.truth[row]))
    return found[0], found[0], factor


def clipped(bench: Bench, row: int) -> Found:
    """Cut the highest 1.5 to 8 % of the values."""
    y = bench.values[row]
    if not np.isfinite(y).any():
        return None
    limit = np.float32(np.nanquantile(y, 1 - bench.rng.uniform(0.015, 0.08)))
    places = np.flatnonzero(y >= limit)
    if limit <= 0 or len(places) < 5:
        return None
    y[places] = limit
    return int(places[0]), int(places[-1]), float(limit)


def dst_hours(bench: Bench, row: int) -> Found:
    """Sum the doubled hour of each autumn into one step and leave the other without a value (or 0)."""
    offset = local_hours(bench.steps, bench.spec.timezone)
    back = np.flatnonzero(np.diff(offset) < 0) + 1
    hour = bench.per_day // 24
    back = back[(back >= hour) & (back < len(offset) - hour)]
    back = back[bench.values[row, back] + bench.values[row, back - hour] > 0]
    if not len(back):
        return None
    other = np.nan if bench.rng.random() < 0.5 else 0.0
    for k in range(hour):
        bench.values[row, back - hour + k] += bench.values[row, back + k]
        bench.values[row, back + k] = other
    return int(back[0] - hour), int(back[-1] + hour - 1), float(len(back))


def leap_day(bench: Bench, row: int) -> Found:
    """Lose 29 February: no value, or 0."""
    day = bench.steps.astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    leap = ((day - month.astype("datetime64[D]")).astype(int) == 28) & (month.astype(int) % 12 == 1)
    places = np.flatnonzero(leap & np.isfinite(bench.values[row]))
    if not len(places):
        return None
    bench.values[row, places] = np.nan if bench.rng.random() < 0.5 else 0.0
    return int(places[0]), int(places[-1]), 0.0


def time_slip(bench: Bench, row: int) -> Found:
    """Shift 60 to 200 days by one day either way (hourly: by 1 or 2 hours for 150 to 250 days)."""
    daily = bench.step_min == DAY_MIN
    found = bench.span(row, (60, 200) if daily else (150, 250), season=0.6, whole_days=True)
    if found is None:
        return None
    steps = 1 if daily else int(bench.rng.integers(1, 3)) * bench.per_day // 24
    shift = steps * int(bench.rng.choice([-1, 1]))
    first, last = found
    y = bench.values[row]
    part = np.roll(y[first : last + 1], shift)
    y[first : last + 1] = part
    return first, last, float(shift)


def part_year(bench: Bench, row: int) -> Found:
    """Let the meter start late, or stop early, by 60 to 700 days: no values, or zeros."""
    n = bench.values.shape[1]
    longest = min(700 * bench.per_day, int(0.7 * n))
    if longest <= 60 * bench.per_day:
        return None
    length = int(bench.rng.integers(60 * bench.per_day, longest))
    first = 0 if bench.rng.random() < 0.5 else n - length
    bench.values[row, first : first + length] = np.nan if bench.rng.random() < 0.5 else 0.0
    return first, first + length - 1, 0.0


def vacancy(bench: Bench, row: int) -> Found:
    """Leave the home for 50 to 200 days: nothing is used (a third), or frost protection, on colder days, and standby.

    Frost protection uses 3 to 12 % of what a day is above the median day of the span; standby 1 % of the mean day.
    """
    found = bench.span(row, (50, 200), season=0.7, whole_days=True)
    if found is None:
        return None
    part = slice(found[0], found[1] + 1)
    usual = bench.values[row, part].astype(np.float64)
    factor = 0.0 if bench.rng.random() < 1 / 3 else float(bench.rng.uniform(0.03, 0.12))
    low = factor * np.maximum(usual - np.median(usual), 0)
    if factor:
        low += 0.01 * float(np.nanmean(bench.values[row])) * bench.rng.gamma(4.0, 0.25, len(low))
    bench.values[row, part] = low
    bench.truth[row, part] = bench.values[row, part]
    return *found, factor


def gas_day(bench: Bench, row: int) -> Found:
    """Read at 06:00: a day has 22 to 27 % of the next one and lacks as much of its own."""
    y = bench.values[row].astype(np.float64)
    share = float(bench.rng.uniform(0.22, 0.27))
    after = np.r_[y[1:], y[-1]]
    bench.values[row] = (1 - share) * y + share * np.where(np.isfinite(after), after, y)
    return 0, len(y) - 1, share


def mixed_units(bench: Bench, row: int) -> Found:
    """Deliver 30 to 250 days in another unit."""
    found = bench.span(row, (30, 250), season=0.3, whole_days=True)
    if found is None:
        return None
    factors = GAS_FACTORS if bench.step_min == DAY_MIN else ELECTRIC_FACTORS
    factor = float(bench.rng.choice(factors))
    bench.values[row, found[0] : found[1] + 1] *= np.float32(factor)
    return *found, factor


def multi_family(bench: Bench, row: int) -> Found:
    """Heat 10 to 30 dwellings with one meter, each with 0.65 of the mean home's use."""
    homes = int(bench.rng.integers(10, 31))
    level = float(np.nanmean(bench.values[row]))
    if not level > 0:
        return None
    bench.values[row] *= np.float32(0.65 * homes * bench.level / level)
    bench.truth[row] = bench.values[row]
    return 0, bench.values.shape[1] - 1, float(homes)


def cooking_only(bench: Bench, row: int) -> Found:
    """Cook with gas and heat with something else: 1.2 to 4 % of the mean home, whatever the weather."""
    n = bench.values.shape[1]
    level = bench.level * float(bench.rng.uniform(0.012, 0.04))
    use = np.asarray(level * bench.rng.gamma(2.0, 0.5, n) * (bench.rng.random(n) > 0.06) / 0.94)
    ok = np.isfinite(bench.values[row])
    bench.values[row, ok] = use[ok].astype(np.float32)
    bench.truth[row, ok] = bench.values[row, ok]
    return 0, n - 1, level


_BOTH: tuple[Literal["interval", "register"], ...] = ("interval", "register")

#: All kinds, by name.
KINDS: dict[str, KindOf] = {
    "roll_over": KindOf(roll_over, _BOTH),
    "register_swap": KindOf(register_swap, _BOTH),
    "duplicate_same": KindOf(duplicate_same, _BOTH),
    "duplicate_conflict": KindOf(duplicate_conflict, _BOTH),
    "estimated": KindOf(estimated, _BOTH),
    "stuck_register": KindOf(stuck_register, _BOTH),
    "stuck_value": KindOf(stuck_value),
    "whole_units": KindOf(whole_units),
    "zeros_missing": KindOf(zeros_missing),
    "spike": KindOf(spike),
    "clipped": KindOf(clipped),
    "dst_hours": KindOf(dst_hours, daily=False),
    "leap_day": KindOf(leap_day),
    "time_slip": KindOf(time_slip),
    "part_year": KindOf(part_year),
    "vacancy": KindOf(vacancy),
    "gas_day": KindOf(gas_day, hourly=False, heat_pump=False),
    "mixed_units": KindOf(mixed_units),
    "multi_family": KindOf(multi_family, hourly=False, heat_pump=False),
    "cooking_only": KindOf(cooking_only, hourly=False, heat_pump=False),
}

#: Kinds that one meter of a file does not have alone, by whether its readings are daily: the reading hour and the time
#: zone belong to whoever reads them all. They are worked in only when asked for by name.
SHARED = {True: frozenset({"gas_day"}), False: frozenset({"time_slip", "dst_hours"})}
