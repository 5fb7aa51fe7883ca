"""Tariffs of end users: what a kWh costs and earns in each step, what peaks cost, and what is paid anyhow.

The price of an imported kWh is

    (energy * multiplier + supplier + tax + network) * (1 + VAT)

each part with VAT only where `vat_on` says so, never above `import_cap_eur_per_kwh`. Presets (`varme.markets.presets`)
hold the Danish, German, Belgian and British forms; every figure of a preset can be overridden in the study.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from varme.ground.peaks import PeakCharge
from varme.ground.series import SeriesSpec
from varme.ground.spec import Spec
from varme.kernel.model import Floats
from varme.markets.presets import PRESETS

Days = Literal["all", "working", "weekend"]
Part = Literal["energy", "tax", "network", "subscription", "peak"]
#: The months of a year.
ALL_MONTHS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]


class NetworkPeriod(Spec):
    """A period of the day in which the network charge differs."""

    from_h: float = Field(ge=0, lt=24)
    """Wall-clock hour at which it begins."""
    to_h: float = Field(gt=0, le=24)
    """Wall-clock hour at which it ends; before `from_h` for a period over midnight."""
    months: list[int] = Field(default=ALL_MONTHS)
    """Months in which it holds."""
    days: Days = "all"
    """Days of the week on which it holds: `working` Monday to Friday, `weekend` Saturday and Sunday. Public holidays
    count as the weekday that they fall on."""
    charge_eur_per_kwh: float = Field(ge=0)
    """Network charge, without VAT."""


class PeakChargeSpec(Spec):
    """A charge on the highest import of a month or a year."""

    name: str = "peak"
    """What it is called on the bill."""
    charge_eur_per_kw_year: float = Field(ge=0)
    """Price of a kilowatt for a whole year, without VAT: of the yearly peak, or of the mean of the twelve monthly
    peaks."""
    period: Literal["month", "year"] = "month"
    """Whether each month has its own peak (Flanders), or the year (Germany)."""
    minimum_kw: float = Field(default=0.0, ge=0)
    """Peak that is billed at least, in every period (Flanders: 2.5)."""
    free_kw: float = Field(default=0.0, ge=0)
    """Import that costs nothing."""
    so_far_kw: float = Field(default=0.0, ge=0)
    """Highest import so far in the period in which the study begins."""
    expected_kw: float = Field(default=0.0, ge=0)
    """Peak that the home will reach in the period anyhow (last month's, say): a plan uses it freely, bills do not."""
    from_h: float = Field(default=0.0, ge=0, lt=24)
    """Wall-clock hour from which import counts."""
    to_h: float = Field(default=24.0, gt=0, le=24)
    """Wall-clock hour until which it counts."""
    months: list[int] = Field(default=ALL_MONTHS)
    """Months in which it counts."""
    days: Days = "all"
    """Days on which it counts."""
    interval_min: Literal[15, 30, 60] = 15
    """Metering interval whose mean counts [min]."""


class TariffSpec(Spec):
    """An electricity tariff. All figures are without VAT unless stated."""

    preset: str = ""
    """Form of a country and year, with its figures as defaults: `dk-2025`, `dk-2025-heated`, `de-2025`,
    `de-2025-module-2`, `de-2025-module-3`, `de-2025-peak`, `be-2023`, `gb-agile-2023`, `gb-duos-2023`. Sources:
    `varme.markets.presets`. Every other field overrides it."""
    energy_eur_per_kwh: SeriesSpec = 0.10
    """Energy price without taxes: a day-ahead series, or a number."""
    prices_beyond: Literal["refuse", "persistence"] = "refuse"
    """What to do where prices are missing for the last hours: refuse (P248), or repeat those of the day before, which
    is reported."""
    energy_multiplier_ratio: float = Field(default=1.0, gt=0)
    """Factor on the energy price (Octopus Agile: 2.2, as network and levies are in it)."""
    supplier_eur_per_kwh: float = 0.01
    """Mark-up of the supplier. Default: an assumption."""
    tax_eur_per_kwh: float = Field(default=0.0, ge=0)
    """Electricity tax and levies."""
    tax_reduced_eur_per_kwh: float | None = Field(default=None, ge=0)
    """Tax of a home that is heated by electricity, on what it uses above `tax_full_kwh` a year (Denmark). A home that
    uses more than that pays this rate for every further kWh, whenever it uses it; so it is the rate of the plan, and
    the full rate on the first `tax_full_kwh` is a fixed cost on the bill. Leave it out for a home that uses less."""
    tax_full_kwh: float = Field(default=4000.0, ge=0)
    """Consumption of a year on which the full tax is paid although the home is heated by electricity."""
    network_eur_per_kwh: float = Field(default=0.04, ge=0)
    """Network charge outside the periods. Default: an assumption."""
    network_periods: list[NetworkPeriod] = Field(default=[])
    """Periods with another network charge; they may not overlap."""
    network_reduction_share: float = Field(default=0.0, ge=0, le=1)
    """Reduction of all network charges per kWh (14a EnWG module 2: 0.6, for a heat pump with its own meter)."""
    vat_share: float = Field(default=0.25, ge=0, lt=1)
    """Value-added tax on what is bought. Default: Denmark."""
    vat_on: list[Part] = Field(default=["energy", "tax", "network", "subscription", "peak"])
    """Parts of the bill that carry VAT."""
    import_cap_eur_per_kwh: float | None = None
    """Highest price of an imported kWh, with VAT (Octopus Agile: a price cap)."""
    feed_in: Literal["paid", "net", "none"] = "paid"
    """`paid`: export earns `feed_in_eur_per_kwh`, or the energy price less the fee; `net`: it cancels import at
    the price of the same step (net metering); `none`: it earns nothing."""
    feed_in_eur_per_kwh: float | None = None
    """What exported electricity earns; the energy price less `feed_in_fee_eur_per_kwh` if not given."""
    feed_in_fee_eur_per_kwh: float = Field(default=0.01, ge=0)
    """Fee on exported electricity. Default: an assumption."""
    subscription_eur_per_month: float = Field(default=0.0, ge=0)
    """Subscriptions of network, system and supplier."""
    network_credit_eur_per_month: float = Field(default=0.0, ge=0)
    """Lump reduction of the network charge (Germany, 14a EnWG module 1, as a twelfth of the year's)."""
    peaks: list[PeakChargeSpec] = Field(default=[])
    """Charges on the highest import."""
    co2_g_per_kwh: SeriesSpec = 0.0
    """Emissions of imported electricity [g/kWh]."""

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, data: Any) -> Any:
        """Lay the study's figures over those of the preset."""
        if not isinstance(data, dict) or not data.get("preset"):
            return data
        name = data["preset"]
        if name not in PRESETS:
            country = [preset for preset in PRESETS if preset[:3].lower() == str(name)[:3].lower()]
            near = country[:1] or difflib.get_close_matches(str(name), PRESETS, n=1, cutoff=0.6)
            meant = f"Did you mean {near[0]}? " if near else ""
            raise ValueError(
                f"P176 preset: there is no tariff of this name | {meant}Known: {', '.join(PRESETS)}."
            )
        return {**PRESETS[name].values, **data}

    @model_validator(mode="after")
    def _consistent(self) -> TariffSpec:
        seen = np.zeros((12, 7, 96), dtype=np.int64)
        for period in self.network_periods:
            if any(not 1 <= month <= 12 for month in period.months):
                raise ValueError("P177 network_periods: months are numbers from 1 to 12 | Correct `months`.")
            hours = _within(np.arange(96) / 4, period.from_h, period.to_h)
            seen += (
                np.isin(np.arange(1, 13), period.months)[:, None, None]
                * _on(np.arange(7), period.days)[None, :, None] * hours[None, None, :]
            )  # fmt: skip
        if seen.max(initial=0) > 1:
            month, day, quarter = (int(k[0]) for k in np.nonzero(seen > 1))
            raise ValueError(
                f"P177 network_periods: two periods hold at {quarter // 4:02d}:{15 * (quarter % 4):02d} in month "
                f"{month + 1} (weekday {day + 1}) | Let them follow one another; a charge must be one."
            )
        if self.tax_reduced_eur_per_kwh is not None and self.tax_reduced_eur_per_kwh > self.tax_eur_per_kwh:
            raise ValueError("P177 tax_reduced_eur_per_kwh: lies above `tax_eur_per_kwh` | Swap them.")
        if self.feed_in != "paid" and self.feed_in_eur_per_kwh is not None:
            raise ValueError(
                f'P177 feed_in_eur_per_kwh: is given although feed_in = "{self.feed_in}" | Leave one of them out.'
            )
        return self


@dataclass(frozen=True, eq=False)
class Prices:
    """A tariff over the base grid, arrays of shape (N,).

    Attributes:
        import_cent_per_kwh: Price of an imported kWh, everything included.
        export_cent_per_kwh: What an exported kWh earns.
        co2_g_per_kwh: Emissions of imported electricity.
        peaks: Charges on the highest import, with VAT.
        parts_cent_per_kwh: The import price by part (`energy`, `network`, `tax`, `VAT`); they add up to it.
        fixed_cent: What is paid in each step anyhow, by part (`subscription`, `network credit`, `tax`, `peak minimum`,
            `VAT`).
        peak_vat_share: VAT inside the prices of peaks.
    """

    import_cent_per_kwh: Floats
    export_cent_per_kwh: Floats
    co2_g_per_kwh: Floats
    peaks: tuple[PeakCharge, ...] = ()
    parts_cent_per_kwh: dict[str, Floats] = field(default_factory=dict)
    fixed_cent: dict[str, Floats] = field(default_factory=dict)
    peak_vat_share: float = 0.0


def compiled(
    spec: TariffSpec,
    energy_eur_per_kwh: Floats,
    co2_g_per_kwh: Floats,
    local_h: Floats,
    month: Floats,
    *,
    local: NDArray[np.datetime64] | None = None,
    step_h: float = 0.25,
) -> Prices:
    """Return what a kWh costs and earns in each step, and what peaks cost.

    Args:
        spec: The tariff.
        energy_eur_per_kwh: Energy price, shape (N,).
        co2_g_per_kwh: Emissions, shape (N,).
        local_h: Wall-clock hour of each step, shape (N,).
        month: Month of each step, shape (N,).
        local: Wall-clock start of each step, shape (N,); needed for weekdays, peaks and what is paid by month.
        step_h: Length of a step [h].

    Raises:
        ValueError: if the tariff tells weekdays or has peaks, and `local` is not given.
    """
    weekday = None if local is None else (local.astype("datetime64[D]").astype(np.int64) + 3) % 7
    holds = partial(_holds, local_h=local_h, month=month, weekday=weekday)
    network = np.full(len(local_h), spec.network_eur_per_kwh)
    for period in spec.network_periods:
        network[holds(period)] = period.charge_eur_per_kwh
    network = network * (1 - spec.network_reduction_share)
    tax = spec.tax_eur_per_kwh if spec.tax_reduced_eur_per_kwh is None else spec.tax_reduced_eur_per_kwh
    energy = energy_eur_per_kwh * spec.energy_multiplier_ratio + spec.supplier_eur_per_kwh
    parts = {"energy": 100 * energy, "network": 100 * network, "tax": np.full(len(local_h), 100 * tax)}
    parts["VAT"] = sum(
        (spec.vat_share * parts[k] for k in parts if k in spec.vat_on), start=np.zeros(len(local_h))
    )
    bought = sum(parts.values(), start=np.zeros(len(local_h)))
    if spec.import_cap_eur_per_kwh is not None:
        above = np.maximum(bought - 100 * spec.import_cap_eur_per_kwh, 0.0)
        inside = above / (1 + spec.vat_share) if "energy" in spec.vat_on else above
        parts["energy"], parts["VAT"] = parts["energy"] - inside, parts["VAT"] - (above - inside)
        bought = bought - above
    vat = spec.vat_share if "peak" in spec.vat_on else 0.0
    return Prices(
        bought, _sold(spec, energy_eur_per_kwh, bought), co2_g_per_kwh,
        tuple(_peak(one, local, holds(one), vat) for one in spec.peaks), parts,
        {} if local is None else _fixed(spec, local, step_h), vat,
    )  # fmt: skip


def _sold(spec: TariffSpec, energy: Floats, bought: Floats) -> Floats:
    """Return what an exported kWh earns [cent/kWh], shape (N,)."""
    if spec.feed_in == "none":
        return np.zeros(len(energy))
    if spec.feed_in == "net":
        return bought.copy()
    if spec.feed_in_eur_per_kwh is not None:
        return np.full(len(energy), 100 * spec.feed_in_eur_per_kwh)
    return np.asarray(100 * (energy - spec.feed_in_fee_eur_per_kwh))


def _within(hour: Floats, from_h: float, to_h: float) -> NDArray[np.bool_]:
    if from_h < to_h:
        return np.asarray((hour >= from_h) & (hour < to_h))
    return np.asarray((hour >= from_h) | (hour < to_h))


def _on(weekday: NDArray[np.int64], days: Days) -> NDArray[np.bool_]:
    return np.asarray(
        (weekday < 5) if days == "working" else (weekday >= 5) if days == "weekend" else weekday >= 0
    )


def _holds(
    period: NetworkPeriod | PeakChargeSpec, local_h: Floats, month: Floats, weekday: NDArray[np.int64] | None
) -> NDArray[np.bool_]:
    """Return where a period holds, shape (N,)."""
    inside = _within(local_h, period.from_h, period.to_h) & np.isin(month, period.months)
    if period.days == "all":
        return inside
    if weekday is None:
        raise ValueError("a tariff with working days needs the local time of the steps")
    return inside & _on(weekday, period.days)


def _peak(
    spec: PeakChargeSpec, local: NDArray[np.datetime64] | None, counts: NDArray[np.bool_], vat_share: float
) -> PeakCharge:
    if local is None:
        raise ValueError("a tariff with peak charges needs the local time of the steps")
    unit, per_year = ("datetime64[M]", 12) if spec.period == "month" else ("datetime64[Y]", 1)
    return PeakCharge(
        spec.name, 100 * spec.charge_eur_per_kw_year / per_year * (1 + vat_share), local.astype(unit).astype(np.int64),
        counts, spec.free_kw, spec.so_far_kw, spec.expected_kw, spec.minimum_kw, spec.interval_min,
    )  # fmt: skip


def _fixed(spec: TariffSpec, local: NDArray[np.datetime64], step_h: float) -> dict[str, Floats]:
    """Return what is paid in each step anyhow [cent], by part; a calendar year adds up to twelve months.

    A month is spread over its days of 24 h by the wall clock, so March is paid for 743 and October for 745 hours.
    """
    months = local.astype("datetime64[M]")
    share = step_h / ((months + 1).astype("datetime64[h]") - months.astype("datetime64[h]")).astype(
        np.float64
    )
    month = {
        "subscription": 100 * spec.subscription_eur_per_month,
        "network credit": -100 * spec.network_credit_eur_per_month,
        "tax": 0.0,
        "peak minimum": sum(100 * p.charge_eur_per_kw_year / 12 * p.minimum_kw for p in spec.peaks),
    }
    if spec.tax_reduced_eur_per_kwh is not None:
        month["tax"] = 100 * (spec.tax_eur_per_kwh - spec.tax_reduced_eur_per_kwh) * spec.tax_full_kwh / 12
    vat_of = {
        "subscription": "subscription",
        "network credit": "network",
        "tax": "tax",
        "peak minimum": "peak",
    }
    month["VAT"] = spec.vat_share * sum(month[part] for part, kind in vat_of.items() if kind in spec.vat_on)
    return {part: amount * share for part, amount in month.items() if amount}
