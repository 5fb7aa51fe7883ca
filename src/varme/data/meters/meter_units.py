"""Units of gas and electricity meters as files write them.

Gas energy has a base: gross (Hs, GCV, HHV, Brennwert) or net (Hi, NCV, LHV, Heizwert). Natural gas has 10.8 % more
gross than net energy (DVGW G 260: Hs/Hi about 1.108), so a file that says only "kWh" is refused for gas.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from varme.ground.units import FT3_M3, THERM_KWH

Carrier = Literal["gas", "electricity"]


@dataclass(frozen=True)
class MeterUnit:
    """A unit: what it is turned into.

    Attributes:
        unit: Unit of the panel (``m3``, ``kwh_hs``, ``kwh_hi``, ``kwh``); ``ambiguous`` for gas energy without a base.
        factor: What a reading is multiplied with.
        power: Whether it is a mean power [kW] that is still to be multiplied with the hours of a step.
    """

    unit: str
    factor: float
    power: bool = False


_VOLUMES = {
    "m3": 1.0, "m³": 1.0, "cbm": 1.0, "cubicmetre": 1.0, "cubicmeter": 1.0, "cubicmetres": 1.0, "cubicmeters": 1.0,
    "dm3": 1e-3, "l": 1e-3, "litre": 1e-3, "liter": 1e-3, "ft3": FT3_M3, "ft³": FT3_M3, "cf": FT3_M3, "cuft": FT3_M3,
    "ccf": 100 * FT3_M3, "hcf": 100 * FT3_M3, "100ft3": 100 * FT3_M3, "100cf": 100 * FT3_M3, "mcf": 1000 * FT3_M3,
    "1000ft3": 1000 * FT3_M3,
}  # fmt: skip
_THERMS = {
    "therm": THERM_KWH,
    "therms": THERM_KWH,
    "thm": THERM_KWH,
    "dth": 10 * THERM_KWH,
    "dekatherm": 10 * THERM_KWH,
}
_ENERGIES = {"wh": 1e-3, "kwh": 1.0, "mwh": 1e3, "gwh": 1e6, "mj": 1 / 3.6, "gj": 1e3 / 3.6, "kj": 1e-3 / 3.6}
_POWERS = {"w": 1e-3, "kw": 1.0, "mw": 1e3}
_GROSS = {"hs", "ho", "gross", "gcv", "hhv", "brennwert", "pcs", "upper"}
_NET = {"hi", "hu", "net", "ncv", "lhv", "heizwert", "pci", "lower"}
#: What may be stated, for messages.
KNOWN = "m3, l, ft3, ccf (100 ft3), mcf, therm, kwh_hs, kwh_hi, mj_hs, mj_hi, kwh, wh, mwh, mj, kw, w, pulses"
AMBIGUOUS = (
    'kWh of gas may be gross or net, and gross is 10.8 % more: state unit = "kwh_hs" (gross calorific value, Hs, GCV, '
    'Brennwert: what suppliers bill) or unit = "kwh_hi" (net, Hi, LHV, Heizwert).'
)
_SPLIT = re.compile(r"[^a-z0-9³]+")
_ENERGY = re.compile(r"[kmg]wh", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_BRACKET = re.compile(r"[\[(]\s*([^\[\]()]+?)\s*[\])]")


def meter_unit(text: str, carrier: Carrier, m3_per_pulse: float | None = None) -> MeterUnit | None:
    """Return the unit that a text names, ``None`` if it names none.

    >>> meter_unit("kWh (Hs)", "gas"), meter_unit("ccf", "gas").unit, meter_unit("kWh", "gas").unit
    (MeterUnit(unit='kwh_hs', factor=1.0, power=False), 'm3', 'ambiguous')

    Args:
        text: As in a unit column, or as stated.
        carrier: What flows through the meter: decides what a bare energy means.
        m3_per_pulse: Volume of a pulse [m3].
    """
    words = [w for w in _SPLIT.split(text.strip().lower()) if w]
    if not words:
        return None
    bases = {"hs" if w in _GROSS else "hi" for w in words if w in _GROSS | _NET}
    words = [w for w in words if w not in _GROSS | _NET and w not in {"th", "gas", "per", "day", "d", "h"}]
    word = "".join(words)
    if word in _VOLUMES:
        return MeterUnit("m3", _VOLUMES[word])
    if word in _THERMS:
        return MeterUnit("kwh_hs", _THERMS[word])
    if word in {"pulse", "pulses", "impulse", "impulses", "imp"} and m3_per_pulse is not None:
        return MeterUnit("m3", m3_per_pulse)
    if word in _ENERGIES:
        if carrier == "electricity":
            return MeterUnit("kwh", _ENERGIES[word]) if not bases else None
        return MeterUnit(f"kwh_{bases.pop()}" if len(bases) == 1 else "ambiguous", _ENERGIES[word])
    if word in _POWERS and carrier == "electricity":
        return MeterUnit("kwh", _POWERS[word], power=True)
    return None


def unit_of_name(column: str, carrier: Carrier, m3_per_pulse: float | None = None) -> MeterUnit | None:
    """Return the unit that a column's name ends in or has in brackets, ``None`` if it states none.

    >>> unit_of_name("Volume_Afname_kWh", "electricity").unit, unit_of_name("gas_kwh_hs", "gas").unit
    ('kwh', 'kwh_hs')
    """
    bracket = _BRACKET.search(column)
    if bracket:
        found = meter_unit(bracket.group(1), carrier, m3_per_pulse)
        if found:
            return found
    spaced = _CAMEL.sub("_", _ENERGY.sub(lambda m: f"_{m[0].lower()}_", column.strip()))
    words = [w for w in _SPLIT.split(spaced.lower()) if w]
    for first in range(len(words)):
        found = meter_unit(" ".join(words[first:]), carrier, m3_per_pulse)
        if found and words[first] not in _GROSS | _NET:
            return found
    for word in words:  # kWh_received_HeatPump: the unit comes first
        if word in {"wh", "kwh", "mwh", "gwh"}:
            return meter_unit(word, carrier, m3_per_pulse)
    return None


def is_pulses(text: str) -> bool:
    """Return whether a text names pulses."""
    return any(w in {"pulse", "pulses", "impulse", "impulses", "imp"} for w in _SPLIT.split(text.lower()))
