"""Calorific values by supply zone and month, with the change-over from L gas to H gas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from varme.data.tabular import TableFile, open_table
from varme.ground.errors import Collector, DataError, InputError
from varme.ground.findings import Finding
from varme.ground.spec import Spec
from varme.physics.gas import GROSS_PER_NET

Floats = NDArray[np.float64]

#: Limits of a gross calorific value [kWh/m3]: L gas has 8.4-11.2, H gas 9.5-13.1 (DVGW G 260), biogas down to 5.
LIMITS = (5.0, 16.0)
#: A step from one month to the next that ordinary gas does not make: L to H gas is +10 to +20 %.
STEP_SHARE = 0.08
#: Columns of a table of calorific values.
COLUMNS = ("zone", "month", "calorific_kwh_hs_per_m3")


class ChangeoverSpec(Spec):
    """The day on which a supply zone changed from one gas to another."""

    zone: str = ""
    """Supply zone; left out where there is one only."""
    day: date
    """First day with the new gas."""
    before_kwh_hs_per_m3: float = Field(gt=LIMITS[0], lt=LIMITS[1])
    """Gross calorific value before that day [kWh/m3]: 9.8 for L gas."""


@dataclass(frozen=True)
class Calorific:
    """Gross calorific values [kWh/m3].

    Attributes:
        zones: Names of the supply zones; one empty name where there are none.
        first: First month, or ``None`` if the twelve months repeat every year.
        values: Values, shape (zones, months).
        changeovers: Zone number, first day with the new gas, value before that day.
    """

    zones: tuple[str, ...]
    first: np.datetime64 | None
    values: Floats
    changeovers: tuple[tuple[int, np.datetime64, float], ...] = ()

    def by_day(self, days: NDArray[np.datetime64]) -> Floats:
        """Return the value of each day, shape (zones, days).

        Raises:
            InputError: P115 if the values lack a month of the days.
        """
        months = days.astype("datetime64[M]")
        if self.first is None:
            index = months.astype(np.int64) % 12
        else:
            index = (months - self.first).astype(np.int64)
            self._check_covers(months, index)
        out = self.values[:, index]
        for zone, day, before in self.changeovers:
            out[zone, days < day] = before
        return out

    def _check_covers(self, months: NDArray[np.datetime64], index: NDArray[np.int64]) -> None:
        problems = Collector()
        outside = (index < 0) | (index >= self.values.shape[1])
        if outside.any():
            gone = np.unique(months[outside]).astype(str)
            shown = ", ".join(gone[:6].tolist()) + (" ..." if len(gone) > 6 else "")
            problems.add(
                "P115", "gas.calorific_file", "months of the meters have no calorific value", value=shown
            )
        problems.raise_if_any(InputError)

    def zone_of(self, names: NDArray[np.object_]) -> NDArray[np.int64]:
        """Return the number of each meter's zone from its name, -1 where the table has no such zone."""
        place = {name: k for k, name in enumerate(self.zones)}
        return np.array([place.get(str(name), -1) for name in names], dtype=np.int64)


def constant(values: float | list[float], changeovers: list[ChangeoverSpec]) -> Calorific:
    """Return calorific values that are the same every year: one number, or one for each month.

    Raises:
        InputError: P116 if a change-over names a zone.
    """
    months = np.resize(np.atleast_1d(np.asarray(values, dtype=float)), 12)
    return Calorific(("",), None, months[None, :], _changes(("",), changeovers))


def read_calorific(path: Path, changeovers: list[ChangeoverSpec]) -> Calorific:
    """Read a table of calorific values: ``zone``, ``month`` (YYYY-MM), ``calorific_kwh_hs_per_m3``.

    A table in ``calorific_kwh_hi_per_m3`` (net) is converted, because its name says so.

    Raises:
        DataError: P200 unreadable, P201 a column missing, P210 a value outside 5 to 16 kWh/m3.
        InputError: P115 a month missing within a zone, P116 a change-over of an unknown zone.
    """
    where = "gas.calorific_file"
    table = open_table(path, where)
    zones, months, values = _rows(table, where)
    problems = Collector()
    names = tuple(sorted(set(zones)))
    first, last = min(months), max(months)
    count = int((last - first).astype(int)) + 1
    grid = np.full((len(names), count), np.nan)
    rows = np.searchsorted(names, zones)
    grid[rows, (np.asarray(months) - first).astype(int)] = values
    for k, name in enumerate(names):
        missing = (first + np.flatnonzero(np.isnan(grid[k]))).astype(str).tolist()
        if missing:
            problems.add("P115", f"{where}: zone {name}", "months are missing", value=", ".join(missing[:6]))
    problems.raise_if_any(InputError)
    return Calorific(names, first, grid, _changes(names, changeovers))


def calorific_of(columns: Mapping[str, NDArray[Any]], changeovers: list[ChangeoverSpec]) -> Calorific:
    """Return calorific values from columns in memory, as a synthetic town has them.

    Args:
        columns: ``zone``, ``month`` (YYYY-MM), ``calorific_kwh_hs_per_m3``; every zone has every month.
        changeovers: Change-overs.
    """
    zones, place = np.unique(columns["zone"], return_inverse=True)
    months = columns["month"].astype("datetime64[M]")
    index = (months - months.min()).astype(np.int64)
    grid = np.full((len(zones), int(index.max()) + 1), np.nan)
    grid[place, index] = columns["calorific_kwh_hs_per_m3"]
    names = tuple(str(z) for z in zones)
    return Calorific(names, months.min(), grid, _changes(names, changeovers))


def _rows(table: TableFile, where: str) -> tuple[list[str], list[np.datetime64], Floats]:
    """Return zones, months and gross values of all rows."""
    problems = Collector()
    net = COLUMNS[2].replace("_hs_", "_hi_")
    column = net if net in table.columns and COLUMNS[2] not in table.columns else COLUMNS[2]
    for name in ("month", column):
        if name not in table.columns:
            problems.add("P201", where, f"no column {name}", limit=f"columns: {', '.join(table.columns)}")
    problems.raise_if_any(DataError, str(table.path))
    zone = "CAST(zone AS VARCHAR)" if "zone" in table.columns else "''"
    number = f'CAST("{column}" AS VARCHAR)'
    if table.decimal == ",":
        number = f"replace({number}, ',', '.')"
    sql = f"SELECT trim({zone}), trim(CAST(month AS VARCHAR)), TRY_CAST({number} AS DOUBLE) FROM {table.scan}"
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        rows = connection.execute(sql).fetchall()
    zones, months, values = [], [], []
    factor = GROSS_PER_NET if column == net else 1.0
    for number_of, (name, month, value) in enumerate(rows, start=1):
        place = f"{where}: {table.path.name} row {number_of}"
        parsed = _month(month)
        if parsed is None:
            problems.add("P212", place, "not a month", value=str(month), limit="YYYY-MM")
        elif value is None or not LIMITS[0] < value * factor < LIMITS[1]:
            problems.add("P210", place, "not a gross calorific value", value=value, limit="5 to 16 kWh/m3")
        else:
            zones.append(name or "")
            months.append(parsed)
            values.append(value * factor)
    if not rows:
        problems.add("P200", where, "the table is empty", value=str(table.path))
    problems.raise_if_any(DataError, str(table.path))
    return zones, months, np.asarray(values)


def _month(text: str | None) -> np.datetime64 | None:
    try:
        return np.datetime64(str(text)[:7], "M") if text else None
    except ValueError:
        return None


def _changes(
    zones: tuple[str, ...], changeovers: list[ChangeoverSpec]
) -> tuple[tuple[int, np.datetime64, float], ...]:
    problems = Collector()
    out = []
    for number, change in enumerate(changeovers):
        if change.zone not in zones:
            problems.add(
                "P116", f"gas.changeovers[{number}].zone", "no such zone", value=change.zone,
                limit=f"zones: {', '.join(z for z in zones if z) or 'none'}",
            )  # fmt: skip
        else:
            out.append(
                (zones.index(change.zone), np.datetime64(change.day, "D"), change.before_kwh_hs_per_m3)
            )
    problems.raise_if_any(InputError)
    return tuple(out)


def calorific_findings(calorific: Calorific, days: NDArray[np.datetime64]) -> list[Finding]:
    """Return a finding for every change of gas within the days: one that was stated, or a jump from month to month."""
    daily = calorific.by_day(days)
    step = daily[:, 1:] / daily[:, :-1] - 1
    findings = []
    for zone, k in zip(*np.nonzero(np.abs(step) > STEP_SHARE), strict=True):
        name, day = calorific.zones[zone] or "all", days[k + 1]
        stated = any(z == zone and d == day for z, d, _ in calorific.changeovers)
        findings.append(
            Finding(
                "gas_change_over", "note" if stated else "warning", f"zone {name}, {day}",
                f"The calorific value steps by {100 * step[zone, k]:+.1f} %, from {daily[zone, k]:.2f} to "
                f"{daily[zone, k + 1]:.2f} kWh/m3"
                + (" (the stated change-over)." if stated else ": a change-over from L to H gas? State its day in "
                   "`gas.changeovers`, months are too coarse for it."),
                {"zone": name, "day": str(day), "before_kwh_hs_per_m3": float(daily[zone, k]),
                 "after_kwh_hs_per_m3": float(daily[zone, k + 1])},
            )
        )  # fmt: skip
    return findings
