"""Profiles of measured heat pumps, relative to what each of them would be expected to draw on the day.

``r[k, d, h] = x[k, d, h] / (e_k(T_d) / slots)``: 1 means that heat pump k runs in slot h of day d at the mean power
that its own change-point model expects of a day of that temperature. So r holds everything that a model of daily energy
leaves out: the shape of the day, what is peculiar to the heat pump, and what all of them have in common on that day
(wind, sun, a cold spell that lasts). A peak is drawn by taking one measured day for all homes together, and one
measured heat pump for each home: what is common stays common, what is not is independent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import InputError, Problem
from varme.retrofit.demand.change_point import fit_change_points
from varme.retrofit.spf.curve import CopCurve

Floats = NDArray[np.float64]

#: Measured days within this distance of a day's temperature can stand for it [K] (assumption).
NEAR_K = 2.0
#: A heat pump's day counts as unfit if it is so many times what its own model expects: a fault, not a cold day
#: (assumption; clean heat pumps stay below 3).
MOST_OF_EXPECTED = 4.0
#: A day can always be stood for by so many measured days, the nearest ones (assumption).
LEAST_DAYS = 8


@dataclass(frozen=True)
class ProfileLibrary:
    """Relative profiles of measured heat pumps.

    Attributes:
        relative: r, shape (days, meters, slots); a meter's missing day holds that of another meter, drawn once.
        temperature_c: Temperature of these days, shape (days,).
        meters: Heat pumps behind it.
        dropped: Heat pumps left out because they have too few whole days.
        filled_share: Share of days of single meters that were missing or unfit and drawn from another meter.
        unfit_days: Days of single meters that were there, but negative or far above what the meter's model expects.
        source: Where it comes from.
    """

    relative: NDArray[np.float32]
    temperature_c: Floats
    meters: int
    dropped: int
    filled_share: float
    source: str
    unfit_days: int = 0

    @property
    def slots(self) -> int:
        """Steps of a day: 24 for hours."""
        return int(self.relative.shape[2])

    def pools(self, temperature_c: Floats) -> list[NDArray[np.int64]]:
        """Return the measured days that can stand for days of these temperatures, one array each."""
        distance = np.abs(self.temperature_c[None, :] - np.asarray(temperature_c, dtype=float)[:, None])
        order = np.argsort(distance, axis=1, kind="stable")
        least = min(LEAST_DAYS, len(self.temperature_c))
        count = np.maximum((distance <= NEAR_K).sum(axis=1), least)
        return [np.sort(order[i, : count[i]]) for i in range(len(order))]

    def level_days(self) -> ProfileLibrary:
        """Return the library with every day's mean over heat pumps and slots made 1.

        For candidate days whose common deviation from the model is known from measured gas (see
        :func:`varme.retrofit.grid.peaks.day_factors`): it is then not drawn a second time.
        """
        mean = self.relative.mean(axis=(1, 2), keepdims=True, dtype=np.float64)
        return replace(self, relative=(self.relative / np.maximum(mean, 1e-6)).astype(np.float32))


def measured_library(
    hourly: NDArray[np.float32],
    local_day: NDArray[np.int64],
    slot: NDArray[np.int64],
    temperature_c: Floats,
    curve: CopCurve,
    *,
    slots: int = 24,
    below_c: float = 8.0,
    seed: int = 1,
    min_days: int = 20,
) -> ProfileLibrary:
    """Return the profiles of the town's own heat pumps.

    Args:
        hourly: Electricity by heat pump and step [kWh], shape (meters, steps), NaN where missing.
        local_day: Day number of each step, shape (steps,).
        slot: Slot of the local day of each step, shape (steps,): its hour, or quarter-hour.
        temperature_c: Outdoor temperature by day [C], shape (days,).
        curve: COP curve; the expectation is the change-point model of ``electricity * COP(T)`` over ``COP(T)``, the
            same form by which the electricity of gas homes is predicted.
        slots: Slots of a day.
        below_c: Only colder days are kept: peaks do not lie elsewhere. The coldest eighth of all days is kept anyway.
        seed: Seed of what missing days are filled with.
        min_days: Whole cold days that a heat pump needs.

    Raises:
        InputError: P129 if no heat pump has enough whole days.
    """
    known = np.isfinite(temperature_c)
    day_sum = _by_day(hourly, local_day, len(temperature_c))
    cop = curve.cop(np.where(known, temperature_c, 10.0))
    heat_like = np.where(known[None, :], day_sum * cop[None, :], np.nan)
    fits = fit_change_points(heat_like.astype(np.float32), np.where(known, temperature_c, np.nan))
    expected = fits.predict(np.where(known, temperature_c, 10.0)) / cop[None, :]
    days = _cold_days(temperature_c, below_c)
    cube, whole = _cube(hourly, local_day, slot, days, slots)
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = cube / (expected[:, days] / slots)[:, :, None].astype(np.float32)
    there = whole & (expected[:, days] > 0)
    usual = np.zeros((len(cube), 1))
    some = whole.any(axis=1)
    usual[some, 0] = np.nanmedian(np.where(whole[some], cube[some].sum(axis=2), np.nan), axis=1)
    fit = (relative >= 0).all(axis=2) & (relative.mean(axis=2) <= MOST_OF_EXPECTED)
    whole = there & fit & (expected[:, days] > 0.2 * usual)
    unfit = int((there & ~fit).sum())
    good = whole.sum(axis=1) >= min(min_days, max(len(days) // 2, 1))
    if not good.any():
        raise InputError(
            Problem("P129", "heat_pump_meters", "no heat pump has enough whole cold days",
                    value=str(int(whole.sum(axis=1).max(initial=0))), limit=f"at least {min_days} days")
        )  # fmt: skip
    relative, whole = relative[good], whole[good]
    some = whole.any(axis=0)
    relative, whole, days = relative[:, some], whole[:, some], days[some]
    filled = _filled(relative, whole, np.random.default_rng(seed))
    return ProfileLibrary(
        np.ascontiguousarray(filled.transpose(1, 0, 2)), temperature_c[days].astype(float), int(good.sum()),
        int((~good).sum()), float(1 - whole.mean()), "heat-pump meters of the town", unfit,
    )  # fmt: skip


def library_from_shape(
    share: Floats,
    temperature_c: Floats,
    *,
    spread_share: float = 0.5,
    meters: int = 60,
    seed: int = 1,
    source: str = "",
) -> ProfileLibrary:
    """Return made-up profiles where no heat pump was measured: a given shape, with scatter around it.

    Args:
        share: Share of the day's energy by slot, shape (slots,) or (days, slots).
        temperature_c: Temperature of the days, shape (days,).
        spread_share: Standard deviation of a single home's slot about the shape, relative (assumption: 0.5; measured
            towns show 0.4 to 0.8). It decides the P95 of small groups, so results built on it carry a finding.
        meters: Profiles made.
        seed: Seed.
        source: Where the shape comes from.
    """
    shape = np.atleast_2d(share) * np.shape(share)[-1]
    shape = np.broadcast_to(shape, (len(temperature_c), shape.shape[1]))
    k = 1 / max(spread_share, 1e-6) ** 2
    scatter = np.random.default_rng(seed).gamma(
        k, 1 / k, (len(temperature_c), meters, shape.shape[1])
    ).astype(np.float32)  # fmt: skip
    return ProfileLibrary(
        shape[:, None, :].astype(np.float32) * scatter, np.asarray(temperature_c, dtype=float), 0, 0, 0.0, source
    )  # fmt: skip


def _by_day(hourly: NDArray[np.float32], local_day: NDArray[np.int64], days: int) -> Floats:
    """Return sums by local day, NaN where a step is missing, shape (meters, days). ``local_day`` rises."""
    starts = np.searchsorted(local_day, np.arange(days))
    has = np.bincount(local_day, minlength=days)[:days] > 0
    out = np.full((len(hourly), days), np.nan)
    out[:, has] = np.add.reduceat(hourly, starts[has], axis=1, dtype=np.float64)
    return out


def _cold_days(temperature_c: Floats, below_c: float) -> NDArray[np.int64]:
    known = np.isfinite(temperature_c)
    limit = max(below_c, float(np.quantile(temperature_c[known], 0.125))) if known.any() else below_c
    return np.flatnonzero(known & (temperature_c <= limit))


def _cube(
    hourly: NDArray[np.float32],
    local_day: NDArray[np.int64],
    slot: NDArray[np.int64],
    days: NDArray[np.int64],
    slots: int,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the steps of ordinary days, shape (meters, days, slots), and whether a meter has the whole day.

    Days of 23 or 25 hours are nobody's: they are left out.
    """
    place = np.full(int(local_day.max(initial=0)) + 1, -1)
    place[days] = np.arange(len(days))
    mine = place[local_day] >= 0
    at = place[local_day[mine]] * slots + slot[mine]
    count = np.bincount(at, minlength=len(days) * slots).reshape(len(days), slots)
    cube = np.full((len(hourly), len(days) * slots), np.nan, dtype=np.float32)
    cube[:, at] = hourly[:, mine]
    shaped = cube.reshape(len(hourly), len(days), slots)
    ordinary = (count == 1).all(axis=1)
    return shaped, np.isfinite(shaped).all(axis=2) & ordinary[None, :]


def _filled(
    relative: NDArray[np.float32], whole: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Fill a meter's missing day with that of another meter that has it, drawn at random."""
    score = np.where(whole, rng.random(whole.shape), np.inf)
    ranked = np.argsort(score, axis=0)
    count = whole.sum(axis=0)
    pick = ranked[
        (rng.random(whole.shape) * count[None, :]).astype(np.int64), np.arange(whole.shape[1])[None, :]
    ]
    giver = np.where(whole, np.arange(len(whole))[:, None], pick)
    return np.asarray(relative[giver, np.arange(whole.shape[1])[None, :]], dtype=np.float32)
