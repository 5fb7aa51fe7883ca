"""Hot-water draws: the tapping cycles of the European energy label, and people's seeded draws.

Source of the cycles: Commission Delegated Regulation (EU) 812/2013, annex VII, table 3 (the cycles of EN 16147): useful
energy of every draw-off and its time. Draws last as long as their flow rate allows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MORNING = ("08:30", "08:45", "09:00", "09:30", "10:30", "11:30", "11:45")
_AFTERNOON = ("14:30", "15:30", "16:30", "18:00", "18:15", "18:30", "19:00")


def _at(energy_kwh: float, *times: str) -> list[tuple[int, float]]:
    return [(60 * int(t[:2]) + int(t[3:]), energy_kwh) for t in times]


#: Cycle -> (minute of the day, useful energy [kWh]) of every draw-off. Sums: 2.100, 5.845, 11.655 and 19.070 kWh.
TAPPING: dict[str, tuple[tuple[int, float], ...]] = {
    "s": tuple(
        _at(0.105, "07:00", "07:30", "08:30", "09:30", "11:30", "11:45", "18:00", "18:15")
        + _at(0.315, "12:45") + _at(0.420, "20:30") + _at(0.525, "21:30")
    ),
    "m": tuple(
        _at(0.105, "07:00", "07:30", "08:01", "08:15", *_MORNING, *_AFTERNOON, "21:15")
        + _at(1.400, "07:05", "21:30") + _at(0.315, "12:45") + _at(0.735, "20:30")
    ),
    "l": tuple(
        _at(0.105, "07:00", "07:30", "07:45", "08:25", *_MORNING, *_AFTERNOON, "21:30")
        + _at(1.400, "07:05") + _at(3.605, "08:05", "21:00") + _at(0.315, "12:45") + _at(0.735, "20:30")
    ),
    "xl": tuple(
        _at(0.105, "07:00", "07:26", "08:01", "08:15", *_MORNING, "10:00", "11:00", *_AFTERNOON, "15:00", "16:00",
            "17:00", "21:15")
        + _at(1.820, "07:15") + _at(4.420, "07:45", "20:46", "21:30") + _at(0.735, "12:45", "20:30")
    ),
}  # fmt: skip

#: Heat of a draw while it runs [kW]: 3 l/min warmed by 25 K for small ones, 6 l/min by 30 K for showers, 10 l/min by
#: 30 K for baths (flow rates and useful temperatures of the same table).
_POWER_KW = ((0.2, 5.2), (2.0, 12.6), (np.inf, 20.9))


def minutes_of(energy_kwh: Floats) -> Floats:
    """Return how long draws of given energies last [min]."""
    powers = np.select([energy_kwh <= limit for limit, _ in _POWER_KW], [power for _, power in _POWER_KW])
    return np.asarray(60 * energy_kwh / powers)


def tapping_kw(cycle: str, local_day: NDArray[np.int64], local_h: Floats, step_h: float) -> Floats:
    """Return a tapping cycle as mean power of steps [kW], shape (N,); every day holds exactly its energy.

    Args:
        cycle: ``s``, ``m``, ``l`` or ``xl``.
        local_day: Number of the local day of each step, shape (N,).
        local_h: Wall-clock hour at the start of each step, shape (N,).
        step_h: Length of a step [h].

    Raises:
        KeyError: if there is no such cycle.
    """
    start, energy = (np.array(x, dtype=float) for x in zip(*TAPPING[cycle], strict=True))
    days = _span(local_day)
    return _on_steps(np.tile(start, (days, 1)), np.tile(energy, (days, 1)), local_day, local_h, step_h)


def people_kw(
    daily_kwh: float, seed: int, local_day: NDArray[np.int64], local_h: Floats, step_h: float
) -> Floats:
    """Return draws of people as mean power of steps [kW], shape (N,); seeded by calendar day.

    A day holds the draws of cycle M at jittered times (Gaussian, 40 min; an hour and a half later on weekend mornings)
    and sizes (each draw from a gamma distribution, coefficient of variation 1), scaled so that the expected day holds
    ``daily_kwh``. Jitter and scatter are assumptions; a household's own meter is better.

    Args:
        daily_kwh: Expected heat of a day [kWh].
        seed: Seed.
        local_day: Number of the local day of each step, shape (N,).
        local_h: Wall-clock hour at the start of each step, shape (N,).
        step_h: Length of a step [h].
    """
    start, energy = (np.array(x, dtype=float) for x in zip(*TAPPING["m"], strict=True))
    first = int(local_day.min())
    days = _span(local_day)
    times, energies = np.empty((days, start.size)), np.empty((days, start.size))
    for k in range(days):
        day = first + k
        rng = np.random.default_rng([seed, day + 1_000_000])
        weekend = (day + 3) % 7 >= 5
        late = 90.0 * weekend * (start < 12 * 60)
        times[k] = start + late + 40.0 * rng.standard_normal(start.size)
        energies[k] = energy * rng.gamma(1.0, 1.0, start.size) * daily_kwh / energy.sum()
    return _on_steps(np.clip(times, 0, 1430), energies, local_day, local_h, step_h)


def _span(local_day: NDArray[np.int64]) -> int:
    return int(local_day.max() - local_day.min()) + 1


def _on_steps(
    start_min: Floats, energy_kwh: Floats, local_day: NDArray[np.int64], local_h: Floats, step_h: float
) -> Floats:
    """Return draws of days (days, draws) as mean power of steps by their wall clock; no draw runs past midnight.

    The heat drawn since the first midnight is a line with a kink where a draw begins or ends; steps take differences.
    On the day on which the clock goes forward the draws of the missing hour fall away, on the other they repeat; there
    are hardly any at that time.
    """
    length = np.maximum(minutes_of(energy_kwh), 1e-6)
    begin = (
        np.minimum(start_min, 1440 - np.minimum(length, 1440)) + 1440.0 * np.arange(len(start_min))[:, None]
    )
    at = np.concatenate([begin.ravel(), (begin + length).ravel()])
    power = (energy_kwh / length).ravel()
    order = np.argsort(at, kind="stable")
    at, slope = at[order], np.cumsum(np.concatenate([power, -power])[order])
    through = np.concatenate([[0.0], np.cumsum(slope[:-1] * np.diff(at))])
    first = (local_day - local_day.min()) * 1440 + local_h * 60
    last = np.minimum(first + step_h * 60, 1440.0 * len(start_min))
    drawn = np.interp(last, at, through) - np.interp(first, at, through)
    return np.asarray(np.maximum(drawn, 0.0) / step_h)
