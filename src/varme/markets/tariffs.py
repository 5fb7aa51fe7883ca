"""Tariffs of end users: what a kWh costs and earns in each step, and what peaks cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from varme.ground.series import SeriesSpec
from varme.ground.spec import Spec
from varme.kernel.model import Floats


class NetworkPeriod(Spec):
    """A period of the day in which the network charge differs."""

    from_h: float = Field(ge=0, lt=24)
    """Wall-clock hour at which it begins."""
    to_h: float = Field(gt=0, le=24)
    """Wall-clock hour at which it ends."""
    months: list[int] = Field(default=[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    """Months in which it holds."""
    charge_eur_per_kwh: float = Field(ge=0)
    """Network charge, without VAT."""


class TariffSpec(Spec):
    """An electricity tariff."""

    energy_eur_per_kwh: SeriesSpec = 0.10
    """Energy price without taxes: a day-ahead series, or a number."""
    supplier_eur_per_kwh: float = 0.01
    """Mark-up of the supplier."""
    tax_eur_per_kwh: float = Field(default=0.0, ge=0)
    """Electricity tax and levies."""
    network_eur_per_kwh: float = Field(default=0.04, ge=0)
    """Network charge outside the periods."""
    network_periods: list[NetworkPeriod] = Field(default=[])
    """Periods with another network charge."""
    vat_share: float = Field(default=0.25, ge=0, lt=1)
    """Value-added tax, on everything that is bought."""
    feed_in_eur_per_kwh: float | None = None
    """What exported electricity earns; the energy price less `feed_in_fee_eur_per_kwh` if not given."""
    feed_in_fee_eur_per_kwh: float = Field(default=0.01, ge=0)
    """Fee on exported electricity."""
    co2_g_per_kwh: SeriesSpec = 0.0
    """Emissions of imported electricity [g/kWh]."""


@dataclass(frozen=True, eq=False)
class Prices:
    """A tariff over the base grid, arrays of shape (N,), with everything included."""

    import_cent_per_kwh: Floats
    export_cent_per_kwh: Floats
    co2_g_per_kwh: Floats


def compiled(
    spec: TariffSpec, energy_eur_per_kwh: Floats, co2_g_per_kwh: Floats, local_h: Floats, month: Floats
) -> Prices:
    """Return what a kWh costs and earns in each step.

    Args:
        spec: The tariff.
        energy_eur_per_kwh: Energy price, shape (N,).
        co2_g_per_kwh: Emissions, shape (N,).
        local_h: Wall-clock hour of each step, shape (N,).
        month: Month of each step, shape (N,).
    """
    network = np.full(len(local_h), spec.network_eur_per_kwh)
    for period in spec.network_periods:
        inside = (local_h >= period.from_h) & (local_h < period.to_h) & np.isin(month, period.months)
        network[inside] = period.charge_eur_per_kwh
    bought = energy_eur_per_kwh + spec.supplier_eur_per_kwh + spec.tax_eur_per_kwh + network
    sold = energy_eur_per_kwh - spec.feed_in_fee_eur_per_kwh
    if spec.feed_in_eur_per_kwh is not None:
        sold = np.full(len(local_h), spec.feed_in_eur_per_kwh)
    return Prices(100 * bought * (1 + spec.vat_share), 100 * sold, co2_g_per_kwh)
