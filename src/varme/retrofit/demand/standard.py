"""Standard heat profiles (BDEW through demandlib, When2Heat's hourly factors) and how heat becomes electricity by hour.

A standard profile spreads *heat* over the day by classes of the reference temperature (5 K wide) and knows hot water
apart. Two faults of its users are kept out: space heat gets the space-heat profile and hot water the hot-water profile
(PyPSA-Eur had them exchanged for years: issues 159 and 527), and there is no space heat above the heating limit,
where the sigmoid function of the standard profile still gives some (districtgenerator 20, pvcompare 60 and 136).
"""

from __future__ import annotations

import csv
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import Collector, InputError, Problem
from varme.retrofit.demand.load import CopSource
from varme.retrofit.demand.profiles import ShapesOfDays, refine

Floats = NDArray[np.float64]
Building = Literal["SFH", "MFH", "COM"]

#: Upper ends of the temperature classes [C] (BDEW guideline; the first and the last are open).
CLASSES_C = np.arange(-15.0, 31.0, 5.0)


@dataclass(frozen=True)
class HeatFactors:
    """Hourly factors of a standard heat profile.

    Attributes:
        space: Share of the day's heat by weekday (Monday first), temperature class and hour, shape (7, 10, 24).
        water: Share of the day's hot water by weekday and hour, shape (7, 24).
        source: Where they come from.
    """

    space: Floats
    water: Floats
    source: str


def reference_temperature(daily_c: Floats) -> Floats:
    """Return the reference temperature of each day: the day and the three before it, weights 1, 1/2, 1/4, 1/8 [C].

    BDEW guideline, "Allokationstemperatur (geometrische Reihe)". The first days stand in for those before them.
    """
    before = np.concatenate([np.full(3, daily_c[0]), daily_c])
    n = len(daily_c)
    return np.asarray(sum(0.5**i * before[3 - i : 3 - i + n] for i in range(4)) / 1.875, dtype=float)


def temperature_class(reference_c: Floats) -> NDArray[np.int64]:
    """Return the class of each day: 0 up to -15 C, then 5 K each (upper end included), 9 above 25 C."""
    return np.asarray(np.clip(np.ceil(reference_c / 5) + 3, 0, 9), dtype=np.int64)


def when2heat_factors(folder: str | Path, building: Building = "SFH") -> HeatFactors:
    """Return the hourly factors of a folder with When2Heat's parameter files.

    The files are read as When2Heat ships them (``hourly_factors_SFH.csv`` and so on: semicolons, decimal commas, one
    column per temperature class -15 to 30). Hot water takes the factors of the highest class, as When2Heat does.

    Args:
        folder: Folder with the files.
        building: ``SFH`` single-family, ``MFH`` multi-family, ``COM`` commerce (which has factors by weekday).

    Raises:
        InputError: P124 if folder or file is missing, P125 if the file is not such a table.
    """
    rows = _table(Path(folder), f"hourly_factors_{building}.csv")
    lead = 2 if building == "COM" else 1
    where = str(Path(folder) / f"hourly_factors_{building}.csv")
    head = [cell.strip() for cell in rows[0][lead:]]
    wanted = [f"{c:g}" for c in CLASSES_C]
    problems = Collector()
    if head != wanted:
        problems.add(
            "P125",
            where,
            "the columns are not the temperature classes",
            value=" ".join(head),
            limit=" ".join(wanted),
        )
    days = 7 if building == "COM" else 1
    body = [row for row in rows[1:] if any(cell.strip() for cell in row)]
    if len(body) != 24 * days:
        problems.add("P125", where, "not one line per hour", value=len(body), limit=str(24 * days))
    problems.raise_if_any(InputError)
    values = np.array([[_number(cell, where, i + 2) for cell in row[lead:]] for i, row in enumerate(body)])
    table = values.reshape(days, 24, len(CLASSES_C)).transpose(0, 2, 1)
    sums = table.sum(axis=2)
    # Commerce holds the weight of the weekday too: its seven days have a mean of 1. The meters know the day's energy.
    week_mean = sums.mean(axis=0)
    if np.abs(week_mean - 1).max() > 0.02:
        off = float(week_mean[np.abs(week_mean - 1).argmax()])
        problems.add(
            "P125", where, "the factors of a day do not sum to 1", value=f"{off:.3f}", limit="0.98 to 1.02"
        )
        problems.raise_if_any(InputError)
    table = table / sums[:, :, None]
    # When2Heat counts weekdays from Sunday; here Monday is first.
    week = np.roll(table, -1, axis=0) if days == 7 else np.repeat(table, 7, axis=0)
    return HeatFactors(week, week[:, -1], f"When2Heat hourly factors, {building} ({where})")


def when2heat_threshold_c(folder: str | Path, country: str) -> float:
    """Return the heating threshold of a country [C] from ``heating_thresholds.csv``.

    Raises:
        InputError: P124 if folder or file is missing, P125 if the country is not in it.
    """
    rows = {
        row[0].strip(): row[1] for row in _table(Path(folder), "heating_thresholds.csv")[1:] if len(row) > 1
    }
    where = str(Path(folder) / "heating_thresholds.csv")
    if country not in rows:
        raise InputError(
            Problem(
                "P125", where, "no heating threshold of this country", repr(country), ", ".join(sorted(rows))
            )
        )
    return _number(rows[country], where, 0)


def _table(folder: Path, name: str) -> list[list[str]]:
    path = folder / name
    if not path.is_file():
        what = "the folder does not exist" if not folder.is_dir() else f"the folder has no {name}"
        raise InputError(
            Problem(
                "P124", "demand.profile_folder", what, str(folder),
                remedy="Name the folder with When2Heat's files: hourly_factors_SFH.csv, hourly_factors_MFH.csv, "
                "hourly_factors_COM.csv, heating_thresholds.csv.",
            )
        )  # fmt: skip
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream, delimiter=";"))
    if not rows or len(rows[0]) < 2:
        raise InputError(Problem("P125", str(path), "not a table separated by semicolons"))
    return rows


def _number(cell: str, where: str, line: int) -> float:
    try:
        return float(cell.strip().replace(",", "."))
    except ValueError:
        place = f"{where}, line {line}" if line else where
        raise InputError(Problem("P125", place, "not a number with a decimal comma", repr(cell))) from None


def bdew_factors(building_class: int = 5, kind: Literal["EFH", "MFH"] = "EFH") -> HeatFactors:
    """Return the hourly factors of the BDEW gas standard profile, as demandlib computes them.

    A stretch of days of constant temperature is put through demandlib for every class, with and without hot water;
    only its public interface is used.

    Args:
        building_class: Building class of demandlib, 1 to 11 (by the share of old buildings).
        kind: ``EFH`` single-family, ``MFH`` multi-family.

    Raises:
        InputError: P124 if demandlib is not installed.
    """
    if importlib.util.find_spec("demandlib") is None:
        raise InputError(
            Problem(
                "P124", "demand.shapes", "BDEW profiles need demandlib, which is not installed", '"bdew"',
                remedy='Install it with `pip install "varme[profiles]"`, or use shapes = "measured" or "when2heat".',
            )
        )  # fmt: skip
    import warnings

    import pandas as pd
    from demandlib import bdew

    days = 6  # the geometric series looks back three days; the last of them is past what came before
    middles = CLASSES_C - 2.5
    index = pd.date_range("2023-01-02", periods=24 * days * len(middles), freq="h")
    with warnings.catch_warnings():  # demandlib 0.2.2 uses what pandas 3 will drop
        warnings.simplefilter("ignore", DeprecationWarning)
        profile = bdew.HeatBuilding(
            index,
            temperature=pd.Series(np.repeat(middles, 24 * days), index=index),
            shlp_type=kind,
            building_class=building_class,
            wind_class=0,
            annual_heat_demand=1.0,
            name=kind,
            ww_incl=True,
        ).get_bdew_profile()
    block = np.asarray(profile, dtype=float).reshape(len(middles), days, 24)[:, -1]
    table = np.repeat((block / block.sum(axis=1, keepdims=True))[None], 7, axis=0)
    return HeatFactors(
        table, table[:, -1], f"BDEW gas standard profile {kind}, class {building_class} (demandlib)"
    )


def heat_shapes(
    factors: HeatFactors, reference_c: Floats, weekday: NDArray[np.int64], water_share: Floats
) -> tuple[Floats, Floats]:
    """Return the shares of heat of every day by hour: rooms and hot water, each of shape (days, 24), rows sum to 1.

    The factors of a class describe all heat of such a day. What hot water takes of it, at its own factors, is taken
    out hour by hour (not below zero); the rest is the shape of the space heat.

    Args:
        factors: Hourly factors.
        reference_c: Reference temperature of each day [C], shape (days,).
        weekday: 0 for Monday to 6 for Sunday, shape (days,).
        water_share: Share of hot water in the day's heat, 0 to 1, shape (days,).
    """
    together = factors.space[weekday, temperature_class(reference_c)]
    water = factors.water[weekday]
    space = np.maximum(together - water_share[:, None] * water, 0)
    total = space.sum(axis=1, keepdims=True)
    space = np.where(total > 1e-9, space / np.maximum(total, 1e-9), together)
    return np.asarray(space, dtype=float), np.asarray(water, dtype=float)


def by_local_step(
    values: Floats, local_day: NDArray[np.int64], local_step: NDArray[np.int64], steps_per_day: int
) -> Floats:
    """Return a series of steps as a table of days and local steps, shape (days, steps of a day).

    The hour that the clock skips takes the day's mean; of the hour that comes twice, both count.
    """
    n_days = int(local_day[-1]) + 1
    place = local_day * steps_per_day + local_step
    count = np.bincount(place, minlength=n_days * steps_per_day)
    total = np.bincount(place, values, minlength=n_days * steps_per_day)
    table = (total / np.maximum(count, 1)).reshape(n_days, steps_per_day)
    count = count.reshape(n_days, steps_per_day)
    mean = total.reshape(n_days, -1).sum(axis=1) / np.maximum(count.sum(axis=1), 1)
    return np.asarray(np.where(count > 0, table, mean[:, None]), dtype=float)


def electric_shapes(
    space_heat: Floats,
    water_heat: Floats,
    temperature_c: Floats,
    curve: CopSource,
    water_cop: CopSource,
    source: str,
) -> tuple[ShapesOfDays, Floats, Floats]:
    """Return electricity shares by step from shares of heat, and the COP of each day that follows from them.

    Args:
        space_heat: Share of the day's space heat by step, shape (days, steps); rows sum to 1.
        water_heat: The same of hot water.
        temperature_c: Outdoor temperature by day and local step [C] (:func:`by_local_step`), same shape.
        curve: COP of space heat.
        water_cop: COP of hot water.
        source: Where the shares come from.

    Returns:
        The shares, the COP of space heat by day, and that of hot water, each (days,): ``1 / sum(share / COP)``.
    """
    n = temperature_c.shape[1]
    space = refine(space_heat, n) / curve.cop(temperature_c)
    water = refine(water_heat, n) / water_cop.cop(temperature_c)
    per_space, per_water = space.sum(axis=1), water.sum(axis=1)
    shapes = ShapesOfDays(
        np.asarray(space / per_space[:, None]), np.asarray(water / per_water[:, None]), source
    )
    return shapes, np.asarray(1 / per_space), np.asarray(1 / per_water)
