"""The grid connection: import and export with their limits and prices; PV that may be cut; the household's load."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from varme.components import peak_charge
from varme.components.base import Block, Cost, Port
from varme.components.home import ELECTRICITY, Slots
from varme.ground.peaks import PeakCharge
from varme.ground.spec import Spec
from varme.kernel.model import Floats, Ints, Model, Number


class GridConnection(Spec):
    """The connection to the grid."""

    import_max_kw: float = Field(default=17.0, gt=0)
    """Largest import. Default: 3 x 25 A at 230 V."""
    export_max_kw: float = Field(default=17.0, ge=0)
    """Largest export."""


@dataclass(frozen=True, eq=False)
class GridNumbers:
    """The connection compiled over the base grid; arrays of shape (N,).

    Attributes:
        import_max_kw: Largest import.
        export_max_kw: Largest export.
        import_cent_per_kwh: Price of imported electricity, everything included.
        export_cent_per_kwh: What exported electricity earns.
        co2_g_per_kwh: Emissions of imported electricity.
        load_kw: The household's load.
        pv_kw: What PV could give.
        peaks: Charges on the highest import of a month or year.
        import_limit_kw: Most import in each step where that is less than ``import_max_kw`` (dimming), shape (N,).
    """

    import_max_kw: float
    export_max_kw: float
    import_cent_per_kwh: Floats
    export_cent_per_kwh: Floats
    co2_g_per_kwh: Floats
    load_kw: Floats
    pv_kw: Floats
    peaks: tuple[PeakCharge, ...] = ()
    import_limit_kw: Floats | None = None

    def take(self, slots: Slots) -> GridNumbers:
        """Return the numbers over slots."""
        return GridNumbers(
            self.import_max_kw, self.export_max_kw, slots.mean(self.import_cent_per_kwh),
            slots.mean(self.export_cent_per_kwh), slots.mean(self.co2_g_per_kwh), slots.mean(self.load_kw),
            slots.mean(self.pv_kw), tuple(p.take(slots.edges) for p in self.peaks),
            None if self.import_limit_kw is None else slots.least(self.import_limit_kw),
        )  # fmt: skip


def block(numbers: GridNumbers, model: Model, slots: Slots, peak_kw: float = 0.0) -> Block:
    """Add import, export and cut PV; a slot in which export earns more than import costs is made one-way.

    Args:
        numbers: The connection over the slots.
        model: The model.
        slots: The slots.
        peak_kw: Highest import so far in the period of a peak charge: it costs nothing more.
    """
    hours = slots.step_h
    buy, sell = numbers.import_cent_per_kwh * hours, -numbers.export_cent_per_kwh * hours
    most = numbers.import_max_kw
    limit = most if numbers.import_limit_kw is None else np.minimum(numbers.import_limit_kw, most)
    bought = model.var("grid.import", upper=limit, cost=buy)
    sold = model.var("grid.export", upper=numbers.export_max_kw, cost=sell)
    useful = (numbers.export_cent_per_kwh <= 0) | (numbers.pv_kw > numbers.export_max_kw)
    cut = model.var("grid.cut", upper=np.where(useful, np.maximum(numbers.pv_kw, 0.0), 0.0))
    loop = np.flatnonzero(numbers.export_cent_per_kwh > numbers.import_cent_per_kwh)
    if len(loop):
        way = model.var("grid.importing", upper=1.0, integer=True)
        inward: list[tuple[Number, Ints]] = [(1.0, bought.now[loop]), (-numbers.import_max_kw, way.now[loop])]
        model.add("grid.one_way_in", inward, upper=0.0)
        outward: list[tuple[Number, Ints]] = [(1.0, sold.now[loop]), (numbers.export_max_kw, way.now[loop])]
        model.add("grid.one_way_out", outward, upper=numbers.export_max_kw)
    ports = [Port(ELECTRICITY, bought, 1.0), Port(ELECTRICITY, sold, -1.0), Port(ELECTRICITY, cut, -1.0)]
    costs = [Cost("electricity bought", bought, buy), Cost("electricity sold", sold, sell)]
    return Block("grid", ports, costs + peak_charge.add(numbers.peaks, model, bought, peak_kw))


def step(
    numbers: GridNumbers, at: int, demand_kw: Floats, pv_kw: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return import, export, PV that is cut, and import above the limit in a step (simulation view), shape (homes,).

    PV is cut where exporting costs money, and above the export limit.

    Args:
        numbers: The connection over the base grid.
        at: Base step.
        demand_kw: What all devices draw, less what batteries and vehicles give, shape (homes,).
        pv_kw: What PV could give, shape (homes,).
    """
    surplus = np.maximum(pv_kw - demand_kw, 0.0)
    most = 0.0 if numbers.export_cent_per_kwh[at] < 0 else numbers.export_max_kw
    cut = np.minimum(np.maximum(surplus - most, 0.0), np.maximum(pv_kw, 0.0))
    bought = np.maximum(demand_kw - pv_kw, 0.0)
    return bought, surplus - cut, cut, np.maximum(bought - numbers.import_max_kw, 0.0)
