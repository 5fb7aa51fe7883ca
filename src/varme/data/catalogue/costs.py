"""Costs of equipment of homes, as a fixed and a variable part with source, price year and range.

Two ways to have them: :func:`read_costs` fits them from an extract of the Danish Energy Agency's technology catalogues
that the user has, and :data:`PRESETS` is the small table of such fits that comes with the package.

A catalogue states the price of a unit of some size. Divided by that size it misleads: 9,400 EUR for a heat pump of 10
kW is about 5,800 EUR and 400 EUR/kW (8,000 EUR at 5 kW, 12,000 EUR at 15 kW), and a tank at 420 EUR/kWh is one of 90
litres. So the fit goes through the stated sizes, by least squares. Money stays that of the source's year; nothing here
is today's price.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from varme.ground.errors import DataError, Problem


@dataclass(frozen=True)
class FittedCost:
    """The cost of a kind of equipment.

    Attributes:
        name: What it is: ``heat_pump``, ``tank``, ``pv``, ``battery``, ``gas_boiler``.
        unit: Unit of its size: ``kw``, ``l``, ``kwp``, ``kwh``.
        eur_fixed: Investment that does not depend on the size [EUR].
        eur_per_unit: Investment per unit of size.
        low: Smallest size that the fit rests on.
        high: Largest size that the fit rests on.
        range_share: How far prices lie above or below, as a share.
        life_years: Technical life [years].
        om_eur_year: Fixed operation and maintenance a year [EUR].
        om_eur_per_unit_year: The same per unit of size and year.
        price_year: Year of the money.
        vat: Whether value-added tax is inside.
        source: Where it comes from.
        note: What a reader must know.
    """

    name: str
    unit: str
    eur_fixed: float
    eur_per_unit: float
    low: float
    high: float
    range_share: float
    life_years: float
    om_eur_year: float
    om_eur_per_unit_year: float
    price_year: int
    source: str
    vat: bool = False
    note: str = ""

    def eur(self, size: float) -> float:
        """Return the investment of a size [EUR]; 0 for none."""
        return self.eur_fixed + self.eur_per_unit * size if size > 0 else 0.0


_HEATING = "Danish Energy Agency, Technology Data for heating installations (2016-2018)"
_STORAGE = "Danish Energy Agency, Technology Data for energy storage"
_POWER = "Danish Energy Agency, Technology Data for electricity and district heating"

#: Fits that come with the package; figures credited to the Danish Energy Agency, the battery's also to
#: PyPSA's collection.
PRESETS: dict[str, dict[str, FittedCost]] = {
    "dea-2020": {
        "heat_pump": FittedCost(
            "heat_pump", "kw", 5800.0, 400.0, 5.0, 15.0, 0.15, 18.0, 215.3, 7.2, 2015, f"{_HEATING}, sheet 207.3",
            note="air to water, existing house; fit through 5, 10 and 15 kW; the range is an assumption",
        ),
        "tank": FittedCost(
            "tank", "l", 735.0, 5.97, 50.0, 300.0, 0.25, 30.0, 24.0, 0.19, 2020, f"{_STORAGE}, sheet 142",
            note="fit through 50, 90 and 300 l; the sheet's price base is not stated; the range is an assumption",
        ),
        "pv": FittedCost(
            "pv", "kwp", 1575.0, 933.0, 6.3, 6.3, 0.05, 35.0, 0.0, 12.8, 2020, f"{_POWER}, sheet 22",
            note="1,183 EUR/kWp at 6.3 kWp; half of installation and balance of plant is taken as fixed (assumption)",
        ),
        "battery": FittedCost(
            "battery", "kwh", 1512.0, 433.0, 3.0, 15.0, 0.3, 15.0, 0.0, 0.0, 2020,
            "PyPSA/technology-data (home battery storage and inverter, 2020), from the Danish Energy "
            "Agency and LUT 2019",
            note="433 EUR/kWh and an inverter of 3 kW at 504 EUR/kW as the fixed part; life and range are assumptions",
        ),
        "gas_boiler": FittedCost(
            "gas_boiler", "kw", 2621.0, 50.0, 5.0, 35.0, 0.3, 20.0, 205.0, 0.0, 2015, f"{_HEATING}, sheet 202",
            note="3,121 EUR at 10 kW; the split is that of the stated 5 and 35 kW",
        ),
    }
}  # fmt: skip


def preset(name: str, item: str) -> FittedCost:
    """Return a cost of a set that comes with the package.

    Raises:
        KeyError: if there is none.
    """
    return PRESETS[name][item]


def read_costs(folder: Path) -> dict[str, FittedCost]:
    """Fit costs from extracts of the Danish Energy Agency's catalogues.

    Args:
        folder: Folder with ``dea_household_heating_2016_2018.csv`` and ``dea_tank_pv_battery.csv``: a row per sheet and
            parameter, columns ``y2020``, ``low2020``, ``high2020``.

    Raises:
        DataError: P200 if a file is missing, P201 if a row is.
    """
    heating = _rows(folder / "dea_household_heating_2016_2018.csv")
    small = _rows(folder / "dea_tank_pv_battery.csv")
    pump = _by_size(
        heating, "207.3", "Heat production capacity for one unit (kW)", "Specific investment (1000€/unit)"
    )
    tank_kwh = _triple(small, "142", "Energy storage capacity for one unit [kWh]")
    tank_eur = np.array(_triple(small, "142", "Specific investment [€/kWh]")) * np.array(tank_kwh)
    tank = np.polyfit(_TANK_L, tank_eur, 1)
    om = _by_size(
        heating, "207.3", "Heat production capacity for one unit (kW)", "Fixed O&M (€/unit/year)", 1.0
    )
    pv = _triple(small, "22", "Nominal investment (*total, per DC) [2020-MEUR/MW_e]")[0] * 1e3
    share = PRESETS["dea-2020"]
    return {
        "heat_pump": _with(
            share["heat_pump"], pump, om, _triple(heating, "207.3", "Technical lifetime (years)")[0]
        ),
        "tank": _with(share["tank"], (float(tank[1]), float(tank[0])), None, 30.0),
        "pv": _with(share["pv"], (1575.0, pv - 1575.0 / 6.3), None, 35.0),
    }


#: Volumes of the tanks of sheet 142: its example, and the low and high columns [l].
_TANK_L = np.array([90.0, 50.0, 300.0])


def _with(
    base: FittedCost, line: tuple[float, float], om: tuple[float, float] | None, life_years: float
) -> FittedCost:
    fixed, per = line
    om_fixed, om_per = om if om is not None else (base.om_eur_year, base.om_eur_per_unit_year)
    return FittedCost(
        base.name, base.unit, round(fixed, 1), round(per, 3), base.low, base.high, base.range_share, life_years,
        round(om_fixed, 1), round(om_per, 2), base.price_year, base.source, base.vat, base.note,
    )  # fmt: skip


def _rows(path: Path) -> dict[tuple[str, str], tuple[float, float, float]]:
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
    except OSError as error:
        raise DataError(Problem("P200", str(path), f"cannot be read: {error.strerror or error}")) from None
    out: dict[tuple[str, str], tuple[float, float, float]] = {}
    for row in rows:
        sheet = row.get("sheet", "").split(" ")[0]
        middle, low, high = (_number(row.get(c)) for c in _COLUMNS)
        out.setdefault((sheet, row.get("parameter", "")), (middle, low, high))
    return out


_COLUMNS = ("y2020", "low2020", "high2020")


def _number(text: str | None) -> float:
    try:
        return float(text) if text else float("nan")
    except ValueError:
        return float("nan")


def _triple(
    rows: dict[tuple[str, str], tuple[float, float, float]], sheet: str, parameter: str
) -> tuple[float, float, float]:
    if (sheet, parameter) not in rows:
        raise DataError(Problem("P201", f"sheet {sheet}", "the extract has no such row", parameter))
    return rows[sheet, parameter]


def _by_size(
    rows: dict[tuple[str, str], tuple[float, float, float]],
    sheet: str,
    size: str,
    price: str,
    factor: float = 1e3,
) -> tuple[float, float]:
    """Return fixed and variable part of a price stated for three sizes."""
    slope, fixed = np.polyfit(_triple(rows, sheet, size), factor * np.array(_triple(rows, sheet, price)), 1)
    return float(fixed), float(slope)
