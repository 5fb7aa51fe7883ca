"""Tariff forms of Denmark, Germany, Belgium and Great Britain, each figure with its source.

A figure whose source says "assumption" could not be verified; it is of the right order and must be replaced by
that of the home's own bill. Network charges differ by company and change every year: the presets show the *form* with
the figures of one company. Figures are without VAT.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

#: Danish kroner per euro: the central rate of the fixed-exchange-rate policy (746.038 kr per 100 euro).
DKK_PER_EUR: Final = 7.46038
#: Euro per pound: an assumption for 2023.
EUR_PER_GBP: Final = 1.15


@dataclass(frozen=True)
class Preset:
    """A tariff form.

    Attributes:
        title: What it is.
        values: Fields of ``TariffSpec``.
        sources: Field -> where its figure comes from, with the year; "assumption" where it could not be verified.
    """

    title: str
    values: Mapping[str, Any]
    sources: Mapping[str, str]


def _dkk(amount: float) -> float:
    return round(amount / DKK_PER_EUR, 6)


def _gbp(amount: float) -> float:
    return round(amount * EUR_PER_GBP, 6)


_WINTER, _SUMMER = [1, 2, 3, 10, 11, 12], [4, 5, 6, 7, 8, 9]
_TSO_DKK = 0.074 + 0.051


def _danish_periods() -> list[dict[str, Any]]:
    """Return the periods of tariff model 3.0 with the charges of N1 (their figures include VAT)."""
    charge = {"low": 0.1083, "high": 0.3250, "peak": 0.9751, "high summer": 0.1625, "peak summer": 0.4225}

    def period(from_h: int, to_h: int, months: list[int], level: str) -> dict[str, Any]:
        eur = _dkk(charge[level] / 1.25 + _TSO_DKK)
        return {"from_h": from_h, "to_h": to_h, "months": months, "charge_eur_per_kwh": eur}

    return [
        period(0, 6, _WINTER, "low"), period(6, 17, _WINTER, "high"), period(17, 21, _WINTER, "peak"),
        period(21, 24, _WINTER, "high"), period(0, 6, _SUMMER, "low"), period(6, 17, _SUMMER, "high summer"),
        period(17, 21, _SUMMER, "peak summer"), period(21, 24, _SUMMER, "high summer"),
    ]  # fmt: skip


_DK: dict[str, Any] = {
    "supplier_eur_per_kwh": 0.01,
    "tax_eur_per_kwh": _dkk(0.72),
    "network_eur_per_kwh": _dkk(0.1083 / 1.25 + _TSO_DKK),
    "network_periods": _danish_periods(),
    "vat_share": 0.25,
    "subscription_eur_per_month": round(_dkk(400.30 / 1.25 + 180) / 12, 4),
    "feed_in_fee_eur_per_kwh": round(_dkk(0.0137 / 1.25 + 0.003 + 0.0016) + 0.005, 6),
}
_N1 = (
    "N1, prices from 1 January 2025 (n1.dk, with VAT: its 81.25 kr for own producers are the 65 kr of earlier years "
    "plus 25 %)"
)
_DK_SOURCES = {
    "supplier_eur_per_kwh": "assumption",
    "tax_eur_per_kwh": "Electricity tax 2025: 90 oere with VAT (Bornholms Energi & Forsyning, beof.dk)",
    "network_eur_per_kwh": _N1 + "; Energinet 2024: 7.4 + 5.1 oere (verdo.com)",
    "network_periods": _N1 + "; periods of tariff model 3.0: low 0-6, high 6-17 and 21-24, peak 17-21, winter October "
    "to March (voreselnet.dk, dinel.dk); Energinet 2024: 7.4 + 5.1 oere (verdo.com)",
    "vat_share": "Danish VAT, 25 %",
    "subscription_eur_per_month": _N1 + "; Energinet 180 kr a year from 2024 (energinet.dk); supplier: none",
    "feed_in_fee_eur_per_kwh": _N1 + "; Energinet 2023: 0.3 + 0.16 oere (energinet.dk); supplier 0.5 cent: assumption",
}  # fmt: skip

_DE: dict[str, Any] = {
    "supplier_eur_per_kwh": 0.015,
    "tax_eur_per_kwh": 0.06021,
    "network_eur_per_kwh": 0.0862,
    "vat_share": 0.19,
    "feed_in_eur_per_kwh": 0.0794,
    "subscription_eur_per_month": 10.0,
}
_WANFRIED = "E-Werk Wanfried, price sheet 2025 (ewwanfried.de)"
_DE_SOURCES = {
    "supplier_eur_per_kwh": "assumption",
    "tax_eur_per_kwh": "2025: Stromsteuer 2.050, KWKG 0.277, offshore 0.816, section 19 StromNEV 1.558, "
    "Konzessionsabgabe 1.32 ct/kWh (ew-segeberg.de; the first four also sw-blaustein.de)",
    "network_eur_per_kwh": _WANFRIED + ": 8.62 ct/kWh",
    "vat_share": "German VAT, 19 % (ew-segeberg.de)",
    "feed_in_eur_per_kwh": "assumption: EEG 2023 surplus feed-in up to 10 kWp, first half of 2025",
    "subscription_eur_per_month": "assumption: network base price 60 EUR a year (Stadtwerke Malchow 2025), meter and "
    "supplier 60 EUR",
}  # fmt: skip
_MODULE_1 = {"network_credit_eur_per_month": 10.99}
_MODULE_1_SOURCE = {
    "network_credit_eur_per_month": _WANFRIED + ": 131.88 EUR a year, section 14a EnWG module 1",
}


def _german_windows() -> list[dict[str, Any]]:
    months = [1, 2, 3, 10, 11, 12]
    return [
        {"from_h": 1, "to_h": 4, "months": months, "charge_eur_per_kwh": 0.0345},
        {"from_h": 17, "to_h": 19, "months": months, "charge_eur_per_kwh": 0.1084},
    ]


def _duos() -> list[dict[str, Any]]:
    def period(from_h: int, to_h: int, pence: float) -> dict[str, Any]:
        return {
            "from_h": from_h,
            "to_h": to_h,
            "days": "working",
            "charge_eur_per_kwh": _gbp(pence / 100 + 0.02),
        }

    return [period(7, 16, 1.0), period(16, 19, 9.0), period(19, 23, 1.0)]


_GB: dict[str, Any] = {
    "vat_share": 0.05,
    "subscription_eur_per_month": round(_gbp(0.4366) / 1.05 * 365 / 12, 4),
    "tax_eur_per_kwh": 0.0,
}
_GB_SOURCES = {
    "vat_share": "assumption: reduced rate on domestic energy, 5 %",
    "subscription_eur_per_month": "standing charge 43.66 p a day with VAT, one region, July to September 2023 (a "
    "customer in forums.moneysavingexpert.com); 1.15 EUR per GBP: assumption",
    "tax_eur_per_kwh": "levies are in the multiplier, or in the network charge",
}  # fmt: skip
_OCTOPUS = "octopus.energy/blog/agile-pricing-explained"

PRESETS: Final[Mapping[str, Preset]] = MappingProxyType({
    "dk-2025": Preset("Denmark 2025, household, tariff model 3.0 (N1)", _DK, _DK_SOURCES),
    "dk-2025-heated": Preset(
        "Denmark 2025, household heated by electricity that uses more than 4,000 kWh a year",
        {**_DK, "tax_reduced_eur_per_kwh": _dkk(0.008), "tax_full_kwh": 4000.0},
        {
            **_DK_SOURCES,
            "tax_reduced_eur_per_kwh": "Electricity tax 2025 above 4,000 kWh: 1 oere with VAT (beof.dk)",
            "tax_full_kwh": "4,000 kWh a year, as one block (beof.dk, new method of 2025)",
        },
    ),
    "de-2025": Preset(
        "Germany 2025, one meter, section 14a EnWG module 1 (lump reduction)",
        {**_DE, **_MODULE_1}, {**_DE_SOURCES, **_MODULE_1_SOURCE},
    ),
    "de-2025-module-2": Preset(
        "Germany 2025, a heat pump behind its own meter, section 14a EnWG module 2 (60 % off the network's kWh charge)",
        {**_DE, "network_reduction_share": 0.6, "subscription_eur_per_month": 5.0},
        {
            **_DE_SOURCES,
            "network_reduction_share": _WANFRIED + ": 60 %; also bs-netz.de",
            "subscription_eur_per_month": "assumption; module 2 has no network base price (blog.get-ag.com)",
        },
    ),
    "de-2025-module-3": Preset(
        "Germany 2025, one meter, section 14a EnWG modules 1 and 3 (time-variable network charge)",
        {**_DE, **_MODULE_1, "network_periods": _german_windows()},
        {
            **_DE_SOURCES, **_MODULE_1_SOURCE,
            "network_periods": _WANFRIED + ": first and fourth quarter low 1-4 h 3.45, high 17-19 h 10.84, "
            "else 8.62 ct/kWh",
        },
    ),
    "de-2025-peak": Preset(
        "Germany 2025, metered load: price of the yearly quarter-hour peak (below 2,500 h of use)",
        {**_DE, "network_eur_per_kwh": 0.0680,
         "peaks": [{"name": "Leistungspreis", "charge_eur_per_kw_year": 34.29, "period": "year",
                    "expected_kw": 6.0}]},
        {
            **_DE_SOURCES,
            "network_eur_per_kwh": "Stadtwerke Malchow 2025, low voltage, below 2,500 h: 6.80 ct/kWh",
            "peaks": "Stadtwerke Malchow 2025, below 2,500 h: 34.29 EUR/kW and year; expected 6 kW: assumption",
        },
    ),
    "be-2023": Preset(
        "Flanders 2023, digital meter, capacity tariff (mean of twelve monthly quarter-hour peaks, at least 2.5 kW)",
        {
            "supplier_eur_per_kwh": 0.01, "tax_eur_per_kwh": 0.05, "network_eur_per_kwh": 0.05, "vat_share": 0.06,
            "subscription_eur_per_month": 8.0, "feed_in_fee_eur_per_kwh": 0.01,
            "peaks": [
                {"name": "capaciteitstarief", "charge_eur_per_kw_year": 40.4, "period": "month", "minimum_kw": 2.5,
                 "expected_kw": 4.37}
            ],
        },
        {
            "supplier_eur_per_kwh": "assumption",
            "tax_eur_per_kwh": "assumption: federal excise and energy contribution",
            "network_eur_per_kwh": "assumption: the part of the network charge that is left per kWh, with levies",
            "vat_share": "assumption: 6 % on household electricity",
            "subscription_eur_per_month": "assumption: data management and supplier",
            "feed_in_fee_eur_per_kwh": "assumption",
            "peaks": "Fluvius, mean of Flanders 2023: 40.4 EUR/kW and year without VAT (fluvius.be); at least 2.5 kW "
            "(futech.be, groepsaankoop.be), applied here month by month; expected 4.37 kW: mean monthly peak of "
            "Flemish homes (VREG, January 2023, by futech.be)",
        },
    ),
    "gb-agile-2023": Preset(
        "Great Britain 2023, half-hourly agile price with a peak premium from 16 to 19 h, export at a fixed rate",
        {
            **_GB, "energy_multiplier_ratio": 2.2, "supplier_eur_per_kwh": 0.0, "network_eur_per_kwh": 0.0,
            "network_periods": [{"from_h": 16, "to_h": 19, "charge_eur_per_kwh": _gbp(0.12)}],
            "import_cap_eur_per_kwh": _gbp(1.00), "feed_in_eur_per_kwh": _gbp(0.15),
        },
        {
            **_GB_SOURCES,
            "energy_multiplier_ratio": f"2.20 times wholesale with network and levies; differs by region ({_OCTOPUS})",
            "supplier_eur_per_kwh": "in the multiplier",
            "network_eur_per_kwh": "in the multiplier",
            "network_periods": f"peak premium 12 p from 16 to 19 h, without VAT ({_OCTOPUS})",
            "import_cap_eur_per_kwh": "assumption: cap of 100 p with VAT (it was 78 p in 2022 by the same page)",
            "feed_in_eur_per_kwh": "Outgoing Octopus fixed, 15 p from October 2022 (dreamgreenhouse.com)",
        },
    ),
    "gb-duos-2023": Preset(
        "Great Britain, half-hourly wholesale price with red, amber and green network charges, export at a fixed rate",
        {
            **_GB, "supplier_eur_per_kwh": 0.02, "tax_eur_per_kwh": 0.07, "network_eur_per_kwh": _gbp(0.021),
            "network_periods": _duos(), "feed_in_eur_per_kwh": _gbp(0.15),
        },
        {
            **_GB_SOURCES,
            "supplier_eur_per_kwh": "assumption",
            "tax_eur_per_kwh": "assumption: policy levies",
            "network_eur_per_kwh": "assumption: green 0.1 p plus 2 p of other network charges",
            "network_periods": "red 16-19 h on working days (jharg.com/duos, purelyenergy.co.uk); amber 7-16 and 19-23 "
            "h and all rates (red 9 p, amber 1 p): assumption, they differ by region",
            "feed_in_eur_per_kwh": "Outgoing Octopus fixed, 15 p from October 2022 (dreamgreenhouse.com)",
        },
    ),
})  # fmt: skip
