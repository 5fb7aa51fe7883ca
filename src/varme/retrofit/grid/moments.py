r"""Annual peaks of very many transformers from their moments, with the extremes taken from measured profiles.

What a group of homes draws at its peak depends on few numbers: its electricity E on the peak days, how many homes of
equal size it is worth, n_eff = (sum e)^2 / sum e^2, and what it carries besides. For these a table is drawn once from
the profiles (so it carries the measured simultaneity, day by day and hour by hour):

.. math:: z = \max_{d,h}\Big(s\,\bar e_d\,\tfrac1n\sum_j r_{k_j,d}(h) + \varrho\, b_d(h)\,(1 + \nu\,\xi_{d,h})\Big)

with the town's mean course of electricity over the candidate days :math:`\bar e_d` (1 on the highest), base load over
heat pumps :math:`\varrho`, its shape b and its scatter :math:`\nu`. A transformer's peak is ``E / 24 h * z``; its P50
and P95 are read from the table. A million homes take seconds, because nothing is drawn for the single home.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from varme.retrofit.grid.peaks import PeakCase

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Homes of equal size, base load over heat pumps, scatter of the base load, and probabilities of the table.
SIZES = np.array([1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 150, 300, 1000], dtype=float)
RATIOS = np.array([0.0, 0.05, 0.1, 0.2, 0.4, 0.7, 1.2, 2.0, 4.0, 10.0])
SCATTERS = np.array([0.0, 0.08, 0.18, 0.35, 0.7])
LEVELS = np.array(
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99, 0.995]
)


@dataclass(frozen=True)
class PeakTable:
    """Quantiles of the annual peak per unit of mean heat-pump power on the highest day.

    Attributes:
        quantile: Shape (sizes, ratios, scatters, levels).
        day_weight: How often the peak of a large group lay on each candidate day, shape (days,); sums to 1.
        course: Mean electricity of a home by candidate day over that of the highest one, shape (days,).
    """

    quantile: Floats
    day_weight: Floats
    course: Floats

    def at(self, size: Floats, ratio: Floats, scatter: Floats) -> Floats:
        """Return the quantiles at :data:`LEVELS` of groups, shape (groups, levels): linear between the table's points.

        Args:
            size: Homes of equal size that each group is worth, shape (groups,).
            ratio: Base load (annual mean) over heat pumps (mean of the highest day), shape (groups,).
            scatter: Scatter of the base load, shape (groups,).
        """
        # The spread falls with 1/sqrt(n), so the table is read along that.
        i, u = _place(-1 / np.sqrt(SIZES), -1 / np.sqrt(np.clip(size, SIZES[0], SIZES[-1])))
        j, v = _place(RATIOS, np.clip(ratio, 0, RATIOS[-1]))
        k, w = _place(SCATTERS, np.clip(scatter, 0, SCATTERS[-1]))
        out = np.zeros((len(i), self.quantile.shape[-1]))
        for a in (0, 1):
            for b in (0, 1):
                for c in (0, 1):
                    weight = np.abs(1 - a - u) * np.abs(1 - b - v) * np.abs(1 - c - w)
                    out += weight[:, None] * self.quantile[i + a, j + b, k + c]
        # Beyond the last ratio the base load rules: it grows in proportion.
        beyond = np.maximum(ratio - RATIOS[-1], 0)
        slope = (self.quantile[-1, -1, 0] - self.quantile[-1, -2, 0]) / (RATIOS[-1] - RATIOS[-2])
        return np.asarray(out + beyond[:, None] * slope[None, :], dtype=float)


def _place(grid: Floats, values: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Return the cell of each value and its place in it, 0 to 1."""
    cell = np.clip(np.searchsorted(grid, values, side="right") - 1, 0, len(grid) - 2)
    return cell, (values - grid[cell]) / (grid[cell + 1] - grid[cell])


def build_table(
    case: PeakCase, draws: int = 600, seed: int = 1, *, course: Floats | None = None, block: int = 25
) -> PeakTable:
    """Draw the table from a case's library, candidate days and base-load shape.

    Args:
        case: The case; of its homes only the mean course over the candidate days is used.
        draws: Draws.
        seed: Seed.
        course: Mean electricity by candidate day, if it is known already, shape (days,).
        block: Draws at once.
    """
    if course is None:
        course = (
            case.energy_kwh.mean(axis=0, dtype=np.float64)
            if len(case.energy_kwh)
            else np.ones(len(case.days))
        )
    mean = np.asarray(course, dtype=float)
    mean = mean / max(float(mean.max()), 1e-12)
    starts = np.flatnonzero(np.r_[True, case.year[1:] != case.year[:-1]])
    pools = case.library.pools(case.temperature_c)
    shape = case.base.relative[case.days]
    # Without base load there is one ratio, without its scatter one scatter.
    ratios = RATIOS if shape.any() else RATIOS[:1]
    scatters = SCATTERS if shape.any() and case.base.noise_share.any() else SCATTERS[:1]
    peaks = np.empty((draws, len(starts), len(SIZES), len(ratios), len(scatters)), dtype=np.float32)
    top = np.zeros(len(mean))
    for first in range(0, draws, block):
        rows = slice(first, min(first + block, draws))
        count = rows.stop - first
        rng = np.random.default_rng([seed, first])
        pumps = _group_loads(case, mean, pools, count, rng)
        factor = np.exp(case.spf_log_sd * rng.standard_normal(count)).astype(np.float32)
        pumps *= (factor * case.resolution_ratio)[:, None, None, None]
        alone = pumps.max(axis=3)
        top += _top_days(alone[:, -3], starts)
        peaks[rows, :, :, 0, :] = np.maximum.reduceat(alone, starts, axis=2).transpose(0, 2, 1)[..., None]
        noise = rng.standard_normal((count, *shape.shape)).astype(np.float32)
        for c, scatter in enumerate(scatters):
            base = (shape[None] * np.maximum(1 + scatter * noise, 0)).astype(np.float32)
            for b, ratio in enumerate(ratios[1:], start=1):
                daily = (pumps + np.float32(ratio) * base[:, None]).max(axis=3)
                peaks[rows, :, :, b, c] = np.maximum.reduceat(daily, starts, axis=2).transpose(0, 2, 1)
    found = np.moveaxis(np.quantile(peaks.reshape(-1, *peaks.shape[2:]), LEVELS, axis=0), 0, -1)
    whole = np.broadcast_to(found, (len(SIZES), len(RATIOS), len(SCATTERS), len(LEVELS)))
    return PeakTable(whole.astype(float), top / top.sum(), mean)


def _group_loads(
    case: PeakCase, course: Floats, pools: list[Ints], count: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return mean relative power of groups of every size, shape (count, sizes, days, slots)."""
    kinds = case.library.relative.shape[1]
    share = np.empty((count, len(SIZES), kinds), dtype=np.float32)
    for i, n in enumerate(SIZES.astype(int).tolist()):
        share[:, i] = rng.multinomial(n, np.full(kinds, 1 / kinds), count) / n
    out = np.empty((count, len(SIZES), len(course), case.library.slots), dtype=np.float32)
    for d, pool in enumerate(pools):
        drawn = pool[(rng.random(count) * len(pool)).astype(np.int64)]
        out[:, :, d] = (share @ case.library.relative[drawn]) * np.float32(course[d])
    return out


def _top_days(daily: NDArray[np.float32], starts: NDArray[np.intp]) -> Floats:
    """Return how often a year's peak lay on each day; ``daily`` has shape (draws, days)."""
    out = np.zeros(daily.shape[1])
    for first, last in zip(starts, [*starts[1:], daily.shape[1]], strict=True):
        out[first:last] += np.bincount(daily[:, first:last].argmax(axis=1), minlength=last - first)
    return out


@dataclass(frozen=True)
class Moments:
    """First two moments of the homes behind each transformer or feeder.

    Attributes:
        energy_kwh: Sum of the homes' electricity on the highest candidate day [kWh], shape (groups,).
        square_kwh2: Sum of its squares [kWh2].
        homes: Number of homes.
    """

    energy_kwh: Floats
    square_kwh2: Floats
    homes: Ints

    @property
    def size(self) -> Floats:
        """Homes of equal size that each group is worth; 1 for an empty group."""
        with np.errstate(invalid="ignore", divide="ignore"):
            size = self.energy_kwh**2 / self.square_kwh2
        return np.where(self.square_kwh2 > 0, size, 1.0)


def peak_day_energy(energy_kwh: NDArray[np.float32], table: PeakTable) -> Floats:
    """Return each home's electricity on the highest day [kWh], averaged over the days of peaks, shape (homes,)."""
    weight = table.day_weight / np.maximum(table.course, 1e-12)
    return np.asarray(energy_kwh @ weight.astype(np.float32), dtype=np.float64)


def moments_of(energy: Floats, group: Ints, groups: int) -> Moments:
    """Return the moments of groups of homes.

    Args:
        energy: Electricity of each home on the highest day [kWh], shape (homes,).
        group: Group of each home.
        groups: Number of groups.
    """
    return Moments(
        np.bincount(group, energy, minlength=groups).astype(float),
        np.bincount(group, energy * energy, minlength=groups).astype(float),
        np.bincount(group, minlength=groups),
    )


def quantiles_kw(
    table: PeakTable, moments: Moments, base_kw: Floats, scatter: Floats, no_pumps: Floats
) -> Floats:
    """Return the quantiles of the annual peak at :data:`LEVELS` [kW], shape (groups, levels).

    Args:
        table: The table.
        moments: Moments of the heat pumps in each group.
        base_kw: Annual mean of the base load [kW], shape (groups,).
        scatter: Its scatter, shape (groups,).
        no_pumps: Peak of the base load alone [kW], for groups without heat pumps, shape (groups,).
    """
    power = moments.energy_kwh / 24
    ratio = np.where(power > 0, base_kw / np.maximum(power, 1e-12), 0.0)
    found = table.at(moments.size, ratio, scatter) * power[:, None]
    return np.where(power[:, None] > 0, np.maximum(found, no_pumps[:, None]), no_pumps[:, None])


def probability_above(quantiles: Floats, limit: Floats) -> Floats:
    """Return the probability that the peak exceeds a limit, shape (groups,): 0 or 1 beyond the outermost quantiles."""
    below = (quantiles < limit[:, None]).sum(axis=1)
    left, right = np.clip(below - 1, 0, len(LEVELS) - 1), np.clip(below, 0, len(LEVELS) - 1)
    rows = np.arange(len(quantiles))
    low, high = quantiles[rows, left], quantiles[rows, right]
    part = np.where(high > low, (limit - low) / np.maximum(high - low, 1e-12), 0.0)
    level = LEVELS[left] + np.clip(part, 0, 1) * (LEVELS[right] - LEVELS[left])
    level = np.where(below == 0, 0.0, np.where(below == len(LEVELS), 1.0, level))
    return np.asarray(1 - level, dtype=float)


def without_spf_doubt(case: PeakCase) -> PeakCase:
    """Return the case with the SPF taken as known: for tables whose common factor is drawn by the caller."""
    return replace(case, spf_log_sd=0.0)


def value_at(quantiles: Floats, level: Floats) -> Floats:
    """Return each group's value at a probability of its own, shape (groups,), linear between the levels."""
    right = np.clip(np.searchsorted(LEVELS, level), 1, len(LEVELS) - 1)
    left = right - 1
    part = np.clip((level - LEVELS[left]) / (LEVELS[right] - LEVELS[left]), 0, 1)
    rows = np.arange(len(quantiles))
    return np.asarray(quantiles[rows, left] * (1 - part) + quantiles[rows, right] * part, dtype=float)
