"""Alarms from the course of heat-pump meters: photovoltaics behind the meter, cooling in summer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from varme.ground.findings import Finding

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Daily temperatures at which sunny and dark months are compared [C]: there is heating in both.
COMPARED_C = (3.0, 12.0)
#: Months with a high sun and with a low one, from 1; there is heating in all of them.
SUNNY_MONTHS, DARK_MONTHS = (3, 4, 5, 9), (11, 12, 1)
#: Hours around noon, and fewest days of each kind that tell something.
NOON_H, FEWEST_DAYS = (10, 16), 15
#: Noon that falls below this part of the dark months' is suspect (solar gains alone make about 0.9;
#: assumption).
NOON_RATIO = 0.8


def noon_ratio(
    hourly: NDArray[np.float32],
    day_of_hour: Ints,
    hour_of_day: Ints,
    days: NDArray[np.datetime64],
    temperature_c: Floats,
) -> Floats:
    """Return noon over the rest of the day in sunny months, over the same of dark months at the same temperatures.

    Heating and hot water have the same course at the same temperature; photovoltaics behind the meter do not.

    Args:
        hourly: Electricity by heat pump and step, NaN where missing, shape (meters, steps).
        day_of_hour: Day of each step.
        hour_of_day: Local hour of each step.
        days: Local calendar days, shape (days,).
        temperature_c: Daily mean outdoor temperature, shape (days,).

    Returns:
        Shape (meters,); NaN where there are too few days or too little electricity.
    """
    month = days.astype("datetime64[M]").astype(np.int64) % 12 + 1
    mild = (temperature_c >= COMPARED_C[0]) & (temperature_c < COMPARED_C[1])
    noon = (hour_of_day >= NOON_H[0]) & (hour_of_day < NOON_H[1])
    load = np.nan_to_num(hourly)
    shares = []
    for months in (SUNNY_MONTHS, DARK_MONTHS):
        chosen = mild & np.isin(month, months)
        if chosen.sum() < FEWEST_DAYS:
            return np.full(len(hourly), np.nan)
        step = chosen[day_of_hour]
        total = load[:, step].sum(axis=1, dtype=float)
        part = load[:, step & noon].sum(axis=1, dtype=float)
        rest = total - part
        shares.append(np.where(rest > 0, part / np.where(rest > 0, rest, 1), np.nan))
    return np.asarray(
        np.where(shares[1] > 0.02, shares[0] / np.where(shares[1] > 0.02, shares[1], 1), np.nan)
    )


def photovoltaics_behind(ratio: Floats) -> Flags:
    """Return which heat pumps look as if photovoltaics fed them behind the meter, shape (meters,).

    Those whose noon ratio is below 0.8 and below the fleet's median by three robust standard deviations at least.

    Args:
        ratio: From :func:`noon_ratio`.
    """
    known = np.isfinite(ratio) & (ratio > 0)
    out = np.isfinite(ratio) & (ratio <= 0)
    if known.sum() < 5:
        return np.asarray(out | (known & (ratio < NOON_RATIO)), dtype=bool)
    logs = np.log(np.where(known, ratio, 1.0))
    centre = np.median(logs[known])
    spread = 1.4826 * np.median(np.abs(logs[known] - centre))
    out |= known & (ratio < NOON_RATIO) & (logs < centre - 3 * spread)
    if np.median(ratio[known]) < NOON_RATIO:
        out |= known & (ratio < NOON_RATIO)
    return np.asarray(out, dtype=bool)


def photovoltaics_findings(ratio: Floats, energy: Floats) -> list[Finding]:
    """Return a finding for heat pumps with photovoltaics behind their meter, with what it may do to the SPF.

    Args:
        ratio: From :func:`noon_ratio`.
        energy: Electricity of each heat pump [kWh], shape (meters,).
    """
    behind = photovoltaics_behind(ratio)
    if not behind.any():
        return []
    share = float(np.nansum(energy[behind]) / np.nansum(energy))
    lost = 1 - np.nanmedian(ratio[behind])
    return [
        Finding(
            "pv_behind_meter", "warning", "heat-pump meters",
            f"{int(behind.sum())} of {len(ratio)} heat-pump meters draw {100 * lost:.0f} % less around noon in "
            f"sunny months "
            "than in dark ones at the same temperature: photovoltaics behind the meter hide part of their "
            "electricity. Their "
            f"SPF looks too high; they are {100 * share:.0f} % of the electricity. Leave them out if they are many.",
            {"meters": int(behind.sum()), "of": len(ratio), "rows": np.flatnonzero(behind).tolist(),
             "energy_share": share, "noon_ratio": float(np.nanmedian(ratio[behind]))},
        )
    ]  # fmt: skip


def cooling(daily: NDArray[np.floating], temperature_c: Floats) -> Flags:
    """Return which heat pumps seem to cool: their electricity rises again on hot days, shape (meters,).

    The mean of days above 23 C exceeds twice that of days between 15 and 20 C, and by more than 1 kWh.

    Args:
        daily: Electricity by heat pump and day, NaN where missing, shape (meters, days).
        temperature_c: Daily mean outdoor temperature.
    """
    hot, mild = temperature_c > 23, (temperature_c >= 15) & (temperature_c < 20)
    if hot.sum() < 5 or mild.sum() < 10:
        return np.zeros(len(daily), dtype=bool)
    means = []
    for chosen in (hot, mild):
        part = daily[:, chosen]
        count = np.isfinite(part).sum(axis=1)
        means.append(
            np.where(count >= 5, np.nansum(part, axis=1, dtype=float) / np.maximum(count, 1), np.nan)
        )
    return np.asarray((means[0] > 2 * means[1]) & (means[0] > means[1] + 1.0), dtype=bool)


def cooling_findings(daily: NDArray[np.floating], temperature_c: Floats) -> list[Finding]:
    """Return a finding for heat pumps that seem to cool in summer.

    Args:
        daily: Electricity by heat pump and day, NaN where missing, shape (meters, days).
        temperature_c: Daily mean outdoor temperature.
    """
    cools = cooling(daily, temperature_c)
    if not cools.any():
        return []
    hot = temperature_c > 20
    share = float(np.nansum(daily[np.ix_(cools, hot)], dtype=float) / np.nansum(daily, dtype=float))
    return [
        Finding(
            "cooling_in_summer", "warning", "heat-pump meters",
            f"{int(cools.sum())} of {len(daily)} heat pumps draw more on hot days than on mild ones: they seem to "
            f"cool, or "
            f"something else is on the meter. Their days above 20 C are {100 * share:.1f} % of all electricity, "
            f"which counts "
            "as heating here and makes the SPF look lower.",
            {"meters": int(cools.sum()), "of": len(daily), "rows": np.flatnonzero(cools).tolist(),
             "energy_share": share},
        )
    ]  # fmt: skip


#: How much better a neighbouring day must fit before a fleet counts as shifted. In towns and on the Cambridge estates
#: the day before fits at most as well as the day itself (inertia), and better than the day after; a shift moves that
#: by 0.1.
SHIFTED_BY = 0.03


def shifted_days_findings(
    fleet: Floats, temperature_c: Floats, what: str, limit_c: float = 14.0
) -> list[Finding]:
    """Return a warning where a fleet's days follow the temperature of a neighbouring day.

    Readings dated by the day on which they were taken, or registers that mean the start of their day, put a whole file
    one day off; peaks and the slope of the COP then come out too low. Buildings are inert, so heat follows yesterday's
    temperature nearly as well as today's, but never tomorrow's better than yesterday's.

    Args:
        fleet: Mean energy per meter by day, shape (days,), NaN where not known.
        temperature_c: Daily mean outdoor temperature [C].
        what: Which meters.
        limit_c: Only days colder than this, and whose neighbour is, count.
    """
    fit: dict[int, float] = {}
    for shift in (-1, 0, 1):
        other = np.full(len(temperature_c), np.nan)
        inside = slice(max(shift, 0), len(other) + min(shift, 0))
        other[inside] = temperature_c[max(-shift, 0) : len(other) - max(shift, 0)]
        ok = np.isfinite(fleet) & (temperature_c < limit_c) & (other < limit_c)
        if ok.sum() < FEWEST_DAYS or np.ptp(fleet[ok]) == 0 or np.ptp(other[ok]) == 0:
            return []
        fit[shift] = -float(np.corrcoef(fleet[ok], other[ok])[0, 1])
    late, early = fit[1] - fit[0] > SHIFTED_BY, fit[-1] - fit[1] > SHIFTED_BY
    if not late and not early:
        return []
    best, day = (1, "before") if late else (-1, "after")
    text = (
        f"The {what} follow the temperature of the day {day} as if it were their own (correlations: day before "
        f"-{fit[1]:.2f}, same day -{fit[0]:.2f}, day after -{fit[-1]:.2f}): their dates look one day off. Peaks and "
        "the slope of the COP come out too low. See what the dates mean: the day of the reading, the start or the end "
        "of the day; correct them in the source, or state `label`, `register_day` or `day_start_h`."
    )
    return [
        Finding(
            "days_shifted",
            "warning",
            what,
            text,
            {"before_ratio": fit[1], "own_ratio": fit[0], "after_ratio": fit[-1], "shift_days": best},
        )
    ]
