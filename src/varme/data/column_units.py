"""The unit of a data column: read from its name, converted to the unit of the field that wants it."""

from __future__ import annotations

import re

from varme.ground.units import LABELS, UNITS, conversion_factor, dimension_of, label_of, unit_of

#: How files write units (lower case, no spaces) -> varme's suffix.
ALIASES = {
    "eur_mwh": "eur_per_mwh", "eur/mwh": "eur_per_mwh", "€/mwh": "eur_per_mwh", "eur/kwh": "eur_per_kwh",
    "eur_kwh": "eur_per_kwh", "eur/gj": "eur_per_gj", "eur_gj": "eur_per_gj", "mwh/h": "mw", "kwh/h": "kw",
    "°c": "c", "degc": "c", "deg_c": "c", "celsius": "c", "%": "percent", "pct": "percent", "cf": "share",
    "kg/mwh": "kg_per_mwh", "kg_mwh": "kg_per_mwh", "t/mwh": "t_per_mwh", "t_mwh": "t_per_mwh", "mj/s": "mw",
    "dkk/mwh": "dkk_per_mwh", "dkk_mwh": "dkk_per_mwh", "dkk/kwh": "dkk_per_kwh", "dkk_kwh": "dkk_per_kwh",
    "dkk_per_mwh": "dkk_per_mwh", "dkk_per_kwh": "dkk_per_kwh", "dkk": "dkk_per_mwh",
}  # fmt: skip
#: Units of Danish kroner: known, and refused, because the rate of the day is not varme's to guess.
KRONER = {"dkk_per_mwh": ("eur_per_mwh", 1.0), "dkk_per_kwh": ("eur_per_mwh", 1000.0)}
_TRAILING = re.compile(r"(?:^|[^A-Za-z]|(?<=[a-z0-9]))(TWh|GWh|MWh|kWh|GW|MW|kW|TJ|GJ)$")
_BRACKET = re.compile(r"[\[(]([^\[\]()]+)[\])]\s*$")


class UnitMismatchError(ValueError):
    """A unit cannot be turned into the one that is wanted; the text says why and what to do."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.remedy = remedy


def normal_unit(text: str) -> str | None:
    """Return varme's suffix for a unit as people write it; ``None`` if unknown.

    >>> normal_unit("EUR/MWh"), normal_unit("MW"), normal_unit("furlong")
    ('eur_per_mwh', 'mw', None)
    """
    key = text.strip().lower().replace(" ", "")
    if key in UNITS:
        return key
    return ALIASES.get(key)


def unit_of_column(column: str) -> str | None:
    """Return the unit that a column's name states; ``None`` if it states none.

    >>> unit_of_column("dk2_spot_eur_mwh"), unit_of_column("GrossConsumptionMWh"), unit_of_column("Load [MW]")
    ('eur_per_mwh', 'mwh', 'mw')
    """
    bracket = _BRACKET.search(column)
    if bracket:
        unit = normal_unit(bracket.group(1))
        if unit:
            return unit
    lower = column.strip().lower()
    for alias, unit in sorted(ALIASES.items(), key=lambda item: -len(item[0])):
        if lower.endswith("_" + alias):
            return unit
    trailing = _TRAILING.search(column.strip())
    if trailing:
        return trailing.group(1).lower()
    return unit_of(lower)


def factor_between(unit: str, wanted: str, step_h: float) -> float:
    """Return the factor from a column's unit to a field's.

    Energy per interval becomes mean power, and power energy per interval, by the length of the data's interval.

    Args:
        unit: Unit of the data (suffix).
        wanted: Unit of the field (suffix).
        step_h: Length of the data's interval [h].

    Raises:
        UnitMismatchError: if the dimensions differ, or the data are in kroner.
    """
    if unit in KRONER:
        euro, to_mwh = KRONER[unit]
        scale = to_mwh / 7.46
        raise UnitMismatchError(
            f"the data are in Danish kroner ({unit}), and no exchange rate is built in",
            f'Use the column in EUR, or state the rate: unit = "{euro}", scale_share = {scale:.4f} (at 7.46 DKK/EUR).',
        )
    source, target = dimension_of(unit), dimension_of(wanted)
    if source == "energy" and target == "power":
        return conversion_factor(unit, "mwh") / step_h * conversion_factor("mw", wanted)
    if source == "power" and target == "energy":
        return conversion_factor(unit, "mw") * step_h * conversion_factor("mwh", wanted)
    if source != target:
        raise UnitMismatchError(
            f"the data are in {label_of(unit)} ({source}), the field wants {LABELS[wanted]} ({target})"
        )
    return conversion_factor(unit, wanted)
