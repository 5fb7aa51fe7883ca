"""Numbers as people read them: thousands separators, significant digits, units from a name's suffix."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from varme.ground.units import LABELS, conversion_factor, unit_of

#: What stands where a number is missing.
MISSING: Final = "\u2013"
#: From this size on a quantity is shown in a larger unit, if there is one.
LARGE: Final = 1e5
#: Suffixes that say what a number is, and stay in its words.
NAMED: Final = {"cop"}
#: Units of money whose broken amounts below a hundred have two decimals.
MONEY: Final = {"eur", "cent"}
#: Short words of the trade that are written in capitals.
ACRONYMS: Final = {
    "cop": "COP", "spf": "SPF", "chp": "CHP", "pv": "PV", "co2": "CO\u2082", "lp": "LP", "milp": "MILP", "utc": "UTC",
    "hp": "HP", "ev": "EV", "dso": "DSO",
}  # fmt: skip
#: Unit suffix -> larger units of the same dimension that readers expect.
LARGER: Final[dict[str, tuple[str, ...]]] = {
    "eur": ("meur",),
    "kwh": ("mwh", "gwh", "twh"),
    "mwh": ("gwh", "twh"),
    "gwh": ("twh",),
    "kg": ("t", "kt"),
    "t": ("kt",),
    "gj": ("tj",),
}


@dataclass(frozen=True)
class Quantity:
    """A number as text, and its unit as it is written (empty for none)."""

    text: str
    unit: str

    def __str__(self) -> str:
        return f"{self.text}\u00a0{self.unit}" if self.unit else self.text


def format_number(value: float | int | None, significant: int = 5) -> str:
    """Return a number with thousands separators, rounded to significant digits, never to less than a whole number.

    >>> format_number(1234567.8), format_number(0.0112346), format_number(12)
    ('1,234,568', '0.011235', '12')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if isinstance(value, (int, np.integer)):
        return f"{int(value):,}".replace("-", "\u2212")
    size = abs(float(value))
    if size >= 1e15 or 0 < size < 1e-4:
        return f"{value:.{max(significant - 2, 1)}g}".replace("e-0", "e-").replace("-", "\u2212")
    decimals = 0 if size == 0 else max(0, significant - 1 - math.floor(math.log10(size)))
    text = f"{value:,.{min(decimals, 9)}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", "\u2212")


def format_fixed(value: float | int | None, decimals: int) -> str:
    """Return a number with thousands separators and a fixed number of decimals, for a table column.

    >>> format_fixed(1234.5, 2)
    '1,234.50'
    """
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{value:,.{decimals}f}"
    return (text[1:] if text.startswith("-") and not text.strip("-0.,") else text).replace("-", "\u2212")


def decimals_for(values: NDArray[Any], significant: int = 5) -> int:
    """Return how many decimals a table column needs: enough for its largest value, none if all are whole."""
    numbers = np.asarray(values, dtype=float)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers) or np.all(numbers == np.round(numbers)):
        return 0
    largest = float(np.max(np.abs(numbers)))
    return int(min(max(significant - 1 - math.floor(math.log10(largest)), 0), 6))


def display_unit(value: Any, unit: str | None) -> str | None:
    """Return the unit suffix in which a quantity is best shown: a larger one for large numbers, % for shares.

    >>> display_unit(14.0e6, "mwh"), display_unit(120.0, "mwh"), display_unit(0.0112, "share")
    ('twh', 'mwh', 'percent')
    """
    if unit is None or isinstance(value, (str, bool)) or value is None:
        return unit
    if unit == "share":
        return "percent"
    best = unit
    if math.isfinite(value) and abs(value) >= LARGE:
        for larger in LARGER.get(unit, ()):
            if abs(value) * conversion_factor(unit, larger) >= 10:
                best = larger
    return best


def format_quantity(
    value: Any, unit: str | None, shown_in: str | None = None, significant: int = 5
) -> Quantity:
    r"""Return a value of a unit suffix as text and unit, by default in the unit that :func:`display_unit` picks.

    >>> str(format_quantity(12_345_678.0, "eur"))
    '12.346\xa0MEUR'
    """
    if isinstance(value, bool):
        return Quantity("yes" if value else "no", "")
    if isinstance(value, str):
        return Quantity(value, "")
    target = shown_in or display_unit(value, unit)
    label = unit_label(target)
    if value is None or unit is None or target is None:
        return Quantity(format_number(value, significant), label if value is not None else "")
    if target != unit:
        value = float(value) * conversion_factor(unit, target)
    if target in MONEY and isinstance(value, float) and 0.1 <= abs(value) < 100 and value != round(value):
        return Quantity(format_fixed(value, 2), label)
    return Quantity(format_number(value, significant), label)


def unit_label(unit: str | None) -> str:
    """Return how a unit suffix is written, ``""`` for none and for pure numbers."""
    label = LABELS.get(unit, "") if unit else ""
    return "" if label == "-" else label


def words_of(name: str) -> str:
    """Return a snake_case name without its unit as words.

    >>> words_of("heat_max_mw"), words_of("mw"), words_of("mean_cop")
    ('Heat max', 'MW', 'Mean COP')
    """
    unit = unit_of(name)
    stem = name if unit is None or unit in NAMED else name[: -len(unit)].rstrip("_")
    words = [ACRONYMS.get(word, word) for word in stem.split("_") if word]
    text = " ".join(words) or unit_label(unit) or name
    return text[0].upper() + text[1:]


def label_with_unit(name: str) -> str:
    """Return a column's name as words with its unit in brackets, for an axis.

    >>> label_with_unit("price_eur_per_mwh")
    'Price [EUR/MWh]'
    """
    unit = unit_label(unit_of(name))
    return f"{words_of(name)} [{unit}]" if unit else words_of(name)


def rounded(values: NDArray[Any], significant: int = 5) -> NDArray[np.float64]:
    """Return numbers rounded to significant digits each; what is below 1e-8 of the largest becomes 0."""
    numbers = np.array(values, dtype=np.float64)
    good = np.isfinite(numbers)
    if not good.any():
        return numbers
    largest = float(np.max(np.abs(numbers[good])))
    numbers[good & (np.abs(numbers) < largest * 1e-8)] = 0.0
    some = good & (numbers != 0)
    power = np.floor(np.log10(np.abs(numbers[some])))
    decimals = np.clip(significant - 1 - power, -300, 300).astype(int)
    part = numbers[some]
    for places in np.unique(decimals):
        chosen = decimals == places
        part[chosen] = np.round(part[chosen], int(places))
    numbers[some] = part
    return numbers


def json_numbers(values: NDArray[Any], significant: int | None = None) -> list[float | int | None]:
    """Return numbers as a list for JSON: rounded, whole ones without decimals, ``None`` for NaN and infinity.

    By default long series (over 500 values) keep 5 significant digits, short ones 9.
    """
    digits = significant or (5 if len(values) > 500 else 9)
    out: list[float | int | None] = []
    for value in rounded(values, digits).tolist():
        if not math.isfinite(value):
            out.append(None)
        elif value == int(value):
            out.append(int(value))
        else:
            out.append(value)
    return out
