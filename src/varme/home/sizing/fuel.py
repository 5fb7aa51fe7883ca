"""Prices of the reference's fuel over the scenarios."""

from __future__ import annotations

import numpy as np

from varme.data.series import load_series
from varme.ground.context import Context
from varme.home.sizing.equipment import Equipment
from varme.home.sizing.spec import ReferenceSpec
from varme.kernel.model import Floats


def fuel_prices(spec: ReferenceSpec, equipment: Equipment, context: Context) -> list[Floats]:
    """Return the price of the fuel in every scenario, each of shape (N,) [EUR/kWh].

    Raises:
        DataError: if the series cannot be read.
    """
    out = []
    for case in equipment.cases:
        if isinstance(spec.fuel_eur_per_kwh, (int, float)):
            out.append(np.full(case.grid.n, float(spec.fuel_eur_per_kwh)))
            continue
        loaded = load_series(
            spec.fuel_eur_per_kwh, case.grid, base=context.base, quantity_unit="eur_per_kwh",
            where="reference.fuel_eur_per_kwh",
        )  # fmt: skip
        out.append(loaded.values)
    return out
