"""Annual figures by dwelling: the National Energy Efficiency Data-Framework (NEED) of England and Wales."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from varme.data.tabular import fetch_cells, open_table
from varme.ground.errors import DataError, Problem

_GAS = re.compile(r"^Gcons(\d{4})$", re.IGNORECASE)
_POWER = re.compile(r"^Econs(\d{4})$", re.IGNORECASE)


@dataclass(frozen=True)
class AnnualMeters:
    """Annual consumption of dwellings.

    Attributes:
        meters: Ids, shape (dwellings,).
        years: Calendar (gas: weather) years, shape (years,).
        energy: Consumption, NaN where it is not valid, shape (dwellings, years).
        unit: ``kwh_hs`` for gas, ``kwh`` for electricity.
        covariates: Column -> values, shape (dwellings,): bands of floor area and age, type, main heating fuel...
    """

    meters: NDArray[np.object_]
    years: NDArray[np.int64]
    energy: NDArray[np.float64]
    unit: str
    covariates: dict[str, NDArray[Any]]


def open_annual(
    path: Path, carrier: Literal["gas", "electricity"] = "gas", where: str = "annual"
) -> AnnualMeters:
    """Read a file of NEED (50,000 or 4 million dwellings; DESNZ, Open Government Licence).

    Source of the schema: the published anonymised files ``need_public_use_file_2014.csv`` (``HH_ID``, ``Gcons2005``,
    ``Gcons2005Valid``, ..., ``FLOOR_AREA_BAND``, ``PROP_AGE``, ``PROP_TYPE``, ``MAIN_HEAT_FUEL``) and those of 2019
    and later (``Gcons2005``, ..., ``GasValFlag2005``, ``Econs2005``, ``ElecValFlag2005``, ``PROP_AGE_BAND``); commas.
    A figure counts where its flag is ``V`` (valid). Gas is taken as gross (practice in the UK; the file does not say);
    dwellings without an id are numbered.

    Args:
        path: The file.
        carrier: Gas or electricity.
        where: Field that names it, for messages.

    Raises:
        DataError: P200 unreadable, P223 if it has no annual columns, P209 with the line of a cell that is no number.
    """
    table = open_table(path, where)
    pattern, flag = (_GAS, "Gas") if carrier == "gas" else (_POWER, "Elec")
    found = {int(m.group(1)): c for c in table.columns if (m := pattern.match(c))}
    if not found:
        raise DataError(
            Problem(
                "P223",
                where,
                "no annual columns of NEED",
                path.name,
                "Gcons2012..., GasValFlag2012... and the like",
            )
        )
    years = sorted(found)
    flags = {y: _flag(table.columns, found[y], flag, y) for y in years}
    consumption = re.compile(r"^[EG]cons\d{4}(Valid)?$|^(Gas|Elec)ValFlag\d{4}$", re.IGNORECASE)
    ids = next((c for c in table.columns if c.upper() in {"HH_ID", "ID", "PROPERTY_ID"}), None)
    others = [c for c in table.columns if not consumption.match(c) and c != ids]
    texts = [*([ids] if ids else []), *(f for f in flags.values() if f), *others]
    cells = fetch_cells(table, texts, [found[y] for y in years], where)
    energy = np.stack([cells.numbers[found[y]] for y in years], axis=1)
    for k, y in enumerate(years):
        bad = np.flatnonzero(cells.bad[found[y]])
        if len(bad):
            line = int(cells.line[bad[0]])
            raise DataError(
                Problem("P209", f"{where}, line {line}", f"{found[y]} holds text where a number belongs")
            )
        if flags[y]:
            energy[cells.texts[str(flags[y])] != "V", k] = np.nan
    meters = cells.texts[ids] if ids else np.array([f"{i + 1}" for i in range(len(energy))], dtype=object)
    unit = "kwh_hs" if carrier == "gas" else "kwh"
    return AnnualMeters(
        meters, np.array(years, dtype=np.int64), energy, unit, {c: cells.texts[c] for c in others}
    )


def _flag(columns: tuple[str, ...], column: str, carrier: str, year: int) -> str | None:
    return next((f for f in (f"{column}Valid", f"{carrier}ValFlag{year}") if f in columns), None)
