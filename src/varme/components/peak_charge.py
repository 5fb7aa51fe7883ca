r"""Peak charges in a plan: one column per period for what import adds to the peak that is paid anyhow.

.. math:: a_p \ge import_t - floor_p, \quad a_p \ge 0, \quad cost = c \, a_p

for every slot t of p that counts.

The floor is the peak that is already reached or paid (``PeakCharge.floors``), so a plan of one day pays only for the
kilowatts that it adds, and those at the price of the whole period, because they stay.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from varme.components.base import Cost
from varme.ground.peaks import PeakCharge
from varme.kernel.model import Ints, Model, Number, Var


def add(
    charges: Sequence[PeakCharge], model: Model, bought: Var, so_far_kw: float | None = None
) -> list[Cost]:
    """Add the columns and rows of peak charges, and return their costs.

    A slot shorter than the metering interval counts as if the whole interval were like it, which is on the safe side.

    Args:
        charges: The charges over the slots of the plan.
        model: The model.
        bought: Import [kW].
        so_far_kw: Peak that is already reached in the first period; that of the tariff if not given, and the higher of
            both if it is.
    """
    costs: list[Cost] = []
    for number, charge in enumerate(charges):
        reached = None if so_far_kw is None else max(so_far_kw, charge.so_far_kw)
        for period, floor in zip(charge.periods(), charge.floors(reached), strict=True):
            inside = np.flatnonzero((charge.period == period) & charge.counts)
            if not len(inside):
                continue
            name = f"grid.peak_{number}_{period}"
            added = model.var(name, cost=charge.cent_per_kw, scalar=True)
            terms: list[tuple[Number, Ints]] = [(1.0, bought.now[inside]), (-1.0, added.now)]
            model.add(name, terms, upper=float(floor))
            costs.append(Cost(charge.name, added, charge.cent_per_kw))
    return costs
