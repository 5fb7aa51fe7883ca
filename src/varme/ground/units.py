"""Units: the suffixes that names end in, conversion between units of one dimension, and constants.

Every physical field, column and JSON key of varme ends in its unit: ``heat_max_mw``, ``price_eur_per_mwh``.
"""

from __future__ import annotations

from typing import Final

#: Zero of the Celsius scale [K] (BIPM, SI Brochure, 9th edition, 2.3.1).
ZERO_CELSIUS_K: Final = 273.15
#: Energy in one MWh [GJ] (exact).
GJ_PER_MWH: Final = 3.6
#: Hours in one day.
HOURS_PER_DAY: Final = 24.0

#: Energy of one therm [kWh]: 100,000 Btu (International Table), gross by custom.
THERM_KWH: Final = 29.3071070172
#: Volume of one cubic foot [m3] (exact, 0.3048 cubed).
FT3_M3: Final = 0.028316846592

#: Unit suffix -> (dimension, factor to the dimension's first unit). Order: longest suffixes first where they overlap.
UNITS: Final[dict[str, tuple[str, float]]] = {
    "mw": ("power", 1.0),
    "kw": ("power", 1e-3),
    "gw": ("power", 1e3),
    "w": ("power", 1e-6),
    "mwh": ("energy", 1.0),
    "kwh": ("energy", 1e-3),
    "gwh": ("energy", 1e3),
    "twh": ("energy", 1e6),
    "mj": ("energy", 1e-3 / GJ_PER_MWH),
    "gj": ("energy", 1 / GJ_PER_MWH),
    "tj": ("energy", 1e3 / GJ_PER_MWH),
    "eur_per_mwh": ("price of energy", 1.0),
    "eur_per_kwh": ("price of energy", 1e3),
    "eur_per_gj": ("price of energy", GJ_PER_MWH),
    "eur_per_mw": ("price of power", 1.0),
    "eur_per_kw": ("price of power", 1e3),
    "eur_per_mw_year": ("price of power and year", 1.0),
    "eur_per_kw_year": ("price of power and year", 1e3),
    "eur_per_t": ("price of mass", 1.0),
    "eur": ("money", 1.0),
    "meur": ("money", 1e6),
    "t_per_mwh": ("emission factor", 1.0),
    "kg_per_mwh": ("emission factor", 1e-3),
    "kg_per_gj": ("emission factor", 1e-3 * GJ_PER_MWH),
    "t": ("mass", 1.0),
    "kt": ("mass", 1e3),
    "kg": ("mass", 1e-3),
    "c": ("temperature", 1.0),
    "k": ("temperature difference", 1.0),
    "mw_per_k": ("power per temperature difference", 1.0),
    "kw_per_k": ("power per temperature difference", 1e-3),
    "share_per_k": ("share per temperature difference", 1.0),
    "h": ("time", 1.0),
    "min": ("time", 1 / 60),
    "s": ("time", 1 / 3600),
    "years": ("years", 1.0),
    "share": ("share", 1.0),
    "percent": ("share", 0.01),
    "share_per_h": ("share per hour", 1.0),
    "percent_per_h": ("share per hour", 0.01),
    "m3": ("volume", 1.0),
    "l": ("volume", 1e-3),
    "mw_per_mw": ("power ratio", 1.0),
    "cop": ("coefficient of performance", 1.0),
    "count": ("count", 1.0),
    # Gas names its base, and useful heat is neither: three dimensions, so that nothing converts one into another.
    "kwh_hs": ("gross gas energy", 1.0),
    "mwh_hs": ("gross gas energy", 1e3),
    "gwh_hs": ("gross gas energy", 1e6),
    "therm": ("gross gas energy", THERM_KWH),
    "kwh_hi": ("net gas energy", 1.0),
    "mwh_hi": ("net gas energy", 1e3),
    "kwh_th": ("useful heat", 1.0),
    "mwh_th": ("useful heat", 1e3),
    "gwh_th": ("useful heat", 1e6),
    "kwh_th_per_day": ("useful heat per day", 1.0),
    "kwh_th_per_k_day": ("useful heat per day and kelvin", 1.0),
    "kwh_hs_per_m3": ("calorific value, gross", 1.0),
    "mj_hs_per_m3": ("calorific value, gross", 1 / 3.6),
    "ft3": ("volume", FT3_M3),
    "pulses": ("pulses", 1.0),
    "kwh_per_day": ("energy per day", 1.0),
    "kwh_per_k_day": ("energy per day and kelvin", 1.0),
    "kwh_per_k": ("energy per temperature difference", 1.0),
    "kva": ("apparent power", 1.0),
    "mbar": ("pressure", 1.0),
    "m": ("length", 1.0),
    "km": ("length", 1e3),
    "m2": ("area", 1.0),
    "days": ("days", 1.0),
    "k_days": ("degree days", 1.0),
    "deg": ("angle", 1.0),
    "spf": ("seasonal performance factor", 1.0),
    "ratio": ("ratio", 1.0),
    "year": ("calendar year", 1.0),
    "percent_per_k": ("share per temperature difference", 0.01),
    # Homes.
    "cent": ("money", 0.01),
    "cent_per_kwh": ("price of energy", 10.0),
    "eur_per_kwp": ("price of peak power", 1.0),
    "eur_per_kwh_year": ("price of energy capacity and year", 1.0),
    "eur_per_l": ("price of volume", 1e3),
    "eur_per_m3": ("price of volume", 1.0),
    "eur_per_month": ("money per month", 1.0),
    "eur_per_k_h": ("price of degree hours", 1.0),
    "k_h": ("degree hours", 1.0),
    "kwp": ("peak power", 1.0),
    "kw_per_kwp": ("power per peak power", 1.0),
    "kwh_per_kwp": ("energy per peak power", 1.0),
    "w_per_m2": ("irradiance", 1.0),
    "kwh_per_m2": ("irradiation", 1.0),
    "w_per_k": ("power per temperature difference", 1e-6),
    "m_per_s": ("speed", 1.0),
    "g_per_kwh": ("emission factor", 1e-3),
    "l_per_day": ("volume per day", 1.0),
    "kwh_per_100km": ("energy per distance", 1.0),
    "home_years": ("home-years", 1.0),
}

#: Suffix -> how it is written on an axis or in a table head.
LABELS: Final[dict[str, str]] = {
    "mw": "MW", "kw": "kW", "gw": "GW", "w": "W", "mwh": "MWh", "kwh": "kWh", "gwh": "GWh", "twh": "TWh",
    "gj": "GJ", "tj": "TJ", "eur_per_mwh": "EUR/MWh", "eur_per_kwh": "EUR/kWh", "eur_per_gj": "EUR/GJ",
    "eur_per_mw": "EUR/MW", "eur_per_kw": "EUR/kW", "eur_per_mw_year": "EUR/MW/year", "eur_per_kw_year": "EUR/kW/year",
    "eur_per_t": "EUR/t", "eur": "EUR", "meur": "MEUR",
    "t_per_mwh": "t/MWh", "kg_per_mwh": "kg/MWh", "kg_per_gj": "kg/GJ", "t": "t", "kt": "kt", "kg": "kg", "c": "°C",
    "k": "K", "mw_per_k": "MW/K", "kw_per_k": "kW/K", "share_per_k": "1/K",
    "h": "h", "min": "min", "s": "s", "years": "years", "share": "-", "percent": "%",
    "share_per_h": "1/h", "percent_per_h": "%/h", "m3": "m³", "l": "l", "mw_per_mw": "MW/MW", "cop": "-", "count": "-",
    "mj": "MJ", "kwh_hs": "kWh Hs", "mwh_hs": "MWh Hs", "gwh_hs": "GWh Hs", "therm": "therm", "kwh_hi": "kWh Hi",
    "mwh_hi": "MWh Hi", "kwh_th": "kWh th", "mwh_th": "MWh th", "gwh_th": "GWh th", "kwh_th_per_day": "kWh th/d",
    "kwh_th_per_k_day": "kWh th/(K d)", "kwh_hs_per_m3": "kWh Hs/m³", "mj_hs_per_m3": "MJ Hs/m³", "ft3": "ft³",
    "pulses": "pulses", "kwh_per_day": "kWh/d", "kwh_per_k_day": "kWh/(K d)", "kwh_per_k": "kWh/K", "kva": "kVA",
    "mbar": "mbar", "m": "m", "km": "km", "m2": "m²", "days": "days", "k_days": "K d", "deg": "°", "spf": "-",
    "ratio": "-", "year": "-", "percent_per_k": "%/K", "cent": "ct", "cent_per_kwh": "ct/kWh",
    "eur_per_kwh_year": "EUR/kWh/year", "eur_per_kwp": "EUR/kWp", "eur_per_l": "EUR/l",
    "eur_per_m3": "EUR/m³", "eur_per_month": "EUR/month", "eur_per_k_h": "EUR/(K h)", "k_h": "K h",
    "kwp": "kWp", "kw_per_kwp": "kW/kWp", "kwh_per_kwp": "kWh/kWp", "w_per_m2": "W/m²",
    "kwh_per_m2": "kWh/m²", "w_per_k": "W/K", "m_per_s": "m/s", "g_per_kwh": "g/kWh", "l_per_day": "l/d",
    "kwh_per_100km": "kWh/100 km", "home_years": "home-years",
}  # fmt: skip


def unit_of(name: str) -> str | None:
    """Return the unit suffix of a name, or ``None`` if it has none.

    The longest matching suffix wins, so ``price_eur_per_mwh`` has the unit ``eur_per_mwh``.

    >>> unit_of("heat_max_mw"), unit_of("price_eur_per_mwh"), unit_of("title")
    ('mw', 'eur_per_mwh', None)
    """
    tokens = name.split("_")
    for first in range(len(tokens)):
        suffix = "_".join(tokens[first:])
        if suffix in UNITS:
            return suffix
    return None


def stem_of(name: str) -> str:
    """Return the name without its unit suffix.

    >>> stem_of("heat_max_mw")
    'heat_max'
    """
    unit = unit_of(name)
    return name if unit is None else name[: -len(unit)].rstrip("_")


def dimension_of(unit: str) -> str:
    """Return the dimension of a unit suffix.

    Raises:
        KeyError: if the suffix is unknown.
    """
    return UNITS[unit][0]


def conversion_factor(source: str, target: str) -> float:
    """Return the factor that turns a number in ``source`` into ``target``.

    >>> conversion_factor("kw", "mw")
    0.001

    Raises:
        ValueError: if the two units have different dimensions.
    """
    source_dimension, source_factor = UNITS[source]
    target_dimension, target_factor = UNITS[target]
    if source_dimension != target_dimension:
        raise ValueError(f"{source} is a {source_dimension}, {target} is a {target_dimension}")
    return source_factor / target_factor


def label_of(unit: str | None) -> str:
    """Return how a unit is written on an axis or in a table head (``""`` for none)."""
    return "" if unit is None else LABELS[unit]
