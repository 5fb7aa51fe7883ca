"""Day-ahead prices onto the grid of a plan, and what to do where they are missing for the last hours."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from varme.data.series import LoadedSeries, load_series
from varme.ground.errors import DataError, Problem
from varme.ground.findings import Finding
from varme.ground.series import FileSeries, SeriesSpec
from varme.ground.timegrid import TimeGrid
from varme.kernel.model import Floats

#: Codes that a series has when it ends before the grid does.
_SHORT = {"P202", "P203"}


def load_prices(
    spec: SeriesSpec,
    grid: TimeGrid,
    *,
    base: Path,
    where: str = "tariff.energy_eur_per_kwh",
    beyond: str = "refuse",
    timezone: str = "UTC",
) -> LoadedSeries:
    """Return energy prices [EUR/kWh] on a grid.

    Day-ahead prices are known until midnight of tomorrow at most, so a plan of 48 h often reaches beyond them.

    Args:
        spec: The series.
        grid: The grid.
        base: Folder that paths are relative to.
        where: Field, for messages.
        beyond: `refuse`, or `persistence`: the last 24 h that are known are repeated, which is a finding.
        timezone: Wall clock, for messages.

    Raises:
        DataError: P248 if prices are missing for the last hours and `beyond` is `refuse`; P249 if less than 24 h are
            known for persistence; else as ``load_series``.
    """
    try:
        return load_series(spec, grid, base=base, quantity_unit="eur_per_kwh", where=where)
    except DataError as error:
        if not isinstance(spec, FileSeries) or {p.code for p in error.problems} - _SHORT:
            raise
        known = None if _reaches_end(spec, grid, base, where) else _known(spec, grid, base, where)
        if known is None:
            raise
    n = len(known.values)
    first, last = grid.label(n, timezone), grid.label(grid.n, timezone)
    if beyond != "persistence":
        raise DataError(Problem(
            "P248", where, f"prices are missing from {first} to {last}",
            value=f"{(grid.n - n) * grid.step_h:g} h missing", limit=f"known until {first}",
            remedy=f'End the horizon at {first} (`time.end`), give a file that reaches further, or state '
            '`prices_beyond = "persistence"` to repeat the last known day; it is reported.',
        ))  # fmt: skip
    day = round(24 / grid.step_h)
    if n < day:
        raise DataError(Problem(
            "P249", where, "less than a day of prices is known, so there is no day to repeat",
            value=f"{n * grid.step_h:g} h known", limit="24 h",
            remedy="Give a file that reaches further back or ahead, or shorten the horizon.",
        ))  # fmt: skip
    filled = np.concatenate([known.values, _repeated(known.values[n - day :], grid.n - n)])
    found = Finding(
        "prices_persisted", "warning", where,
        f"Prices are missing from {first} to {last}; those of the last known 24 h were repeated there.",
        {"from": first, "to": last, "hours_h": round((grid.n - n) * grid.step_h, 2)},
    )  # fmt: skip
    return LoadedSeries(filled, (*known.findings, found), {**known.source, "persisted_from": first})


def hash_of(values: Floats) -> str:
    """Return the hash of a series' numbers, for provenance."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def _repeated(day: Floats, count: int) -> Floats:
    return np.tile(day, -(-count // len(day)))[:count]


def _reaches_end(spec: FileSeries, grid: TimeGrid, base: Path, where: str) -> bool:
    """Return whether the last hour can be read, so that what is missing is a gap and not the end."""
    count = min(max(round(1 / grid.step_h), 1), grid.n)
    try:
        load_series(
            spec, grid.slice(grid.n - count, count), base=base, quantity_unit="eur_per_kwh", where=where
        )
    except DataError:
        return False
    return True


def _known(spec: FileSeries, grid: TimeGrid, base: Path, where: str) -> LoadedSeries | None:
    """Return the longest start of the series that can be read, in whole hours; ``None`` if not even an hour can."""
    hour = max(round(1 / grid.step_h), 1)
    low, high, found = 0, grid.n // hour + 1, None
    while high - low > 1:
        middle = (low + high) // 2
        try:
            part = grid.slice(0, min(middle * hour, grid.n))
            found = load_series(spec, part, base=base, quantity_unit="eur_per_kwh", where=where)
            low = middle
        except DataError:
            high = middle
    return found
