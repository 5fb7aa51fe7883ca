"""A first answer from typical days, in tenths of a second: where the search begins, never its result.

Days are grouped by their mean temperature, irradiance, price and load (Ward's method, as in the aggregation that
Hoffmann et al. 2020 review, doi:10.3390/en13030641); the day nearest to the middle of its group stands for all of
them, and the coldest day of the year stands for itself. Each day ends at least where it began. Sizes from such days
cost up to 2 % more in the real year and their cost is off by several percent, not even monotonically in the number of
days (measured, see the documentation), which is why they are a start and no answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from varme.components.home import Slots
from varme.home.sizing.joint import solve_joint
from varme.home.sizing.period import build_period
from varme.home.sizing.scaled import ScaledPlant
from varme.home.sizing.search import Branch
from varme.kernel.model import Floats

#: Groups of days.
DAYS = 9


@dataclass(frozen=True, eq=False)
class Preview:
    """Sizes and yearly cost [EUR] by typical days, and which days stand for how many."""

    sizes: Floats
    cost_eur: float
    days: NDArray[np.int64]
    weights: Floats


def preview(branch: Branch, weights: Floats, groups: int = DAYS) -> Preview:
    """Return sizes by typical days of the first scenarios' years.

    Args:
        branch: The equipment.
        weights: Weights of the scenarios; the heaviest one is looked at.
        groups: Groups of days.
    """
    scaled = branch.years[int(np.argmax(weights))]
    days, counts = typical_days(scaled, groups)
    grid = scaled.plant.seen.grid
    each = round(24 / grid.step_h)
    programs = [build_period(scaled, Slots.even(int(d) * each, each, grid.step_h)) for d in days]
    scale = 365.0 / counts.sum() / 100.0
    found = solve_joint(programs, counts * scale, list(branch.sizes), rounded=True)
    return Preview(found.sizes, found.value + branch.yearly_eur, days, counts)


def typical_days(scaled: ScaledPlant, groups: int = DAYS) -> tuple[NDArray[np.int64], Floats]:
    """Return the days that stand for groups of days, and how many days each stands for."""
    grid, plant = scaled.plant.seen.grid, scaled.plant
    each = round(24 / grid.step_h)
    count = grid.n // each
    numbers = [
        plant.seen.outdoor_c,
        plant.grid.import_cent_per_kwh,
        plant.grid.load_kw,
        *scaled.pv_kw_per_kwp[:1],
    ]
    means = np.stack([v[: count * each].reshape(count, each).mean(axis=1) for v in numbers], axis=1)
    spread = np.maximum(means.std(axis=0), 1e-9)
    points = (means - means.mean(axis=0)) / spread
    coldest = int(means[:, 0].argmin())
    if count <= groups + 1:
        return np.arange(count), np.ones(count)
    group = fcluster(linkage(points, "ward"), groups, criterion="maxclust")
    group[coldest] = 0
    days, counts = [], []
    for number in np.unique(group):
        members = np.flatnonzero(group == number)
        middle = points[members].mean(axis=0)
        days.append(int(members[((points[members] - middle) ** 2).sum(axis=1).argmin()]))
        counts.append(float(len(members)))
    return np.array(days), np.array(counts)
