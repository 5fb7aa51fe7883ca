"""Peaks of transformers and feeders when gas homes switch to heat pumps: P50, P95, loading, probability of overload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from varme.retrofit.grid import moments
from varme.retrofit.grid.moments import PeakTable
from varme.retrofit.grid.peaks import PeakCase, Simulation, simulate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Method = Literal["auto", "monte_carlo", "moments"]

#: Above so many homes, or numbers in one draw, ``auto`` takes the moments.
HOMES_BY_DRAWS, NUMBERS_IN_A_DRAW = 20_000, 30_000_000
#: Shares of the homes at which hosting capacity is searched.
SHARES = np.linspace(0.0, 1.0, 41)


@dataclass(frozen=True)
class TransformerPeaks:
    """Annual peak by transformer when all its gas homes have switched, each of shape (transformers,).

    Attributes:
        p50_kw: Median of the annual peak of base load and heat pumps together [kW].
        p95_kw: 95th percentile [kW].
        base_kw: Expected peak of what the transformer carries already [kW].
        loading_p50_share: Median peak over the rated active power.
        loading_p95_share: 95th percentile.
        heat_pumps_p50_kw: Median of the annual peak of the heat pumps alone [kW].
        heat_pumps_p95_kw: 95th percentile.
        overload_share: Probability that the annual peak exceeds the rating.
        full_p50_share: Share of the homes (switching in random order) at which the median peak reaches the rating; 1
            where it never does, see ``hosts_all``.
        full_p95_share: The same for the 95th percentile: the hosting capacity.
        hosts_all: Whether the 95th percentile stays below the rating with all homes switched.
        hours_above_h: Median of the hours above the rating in a year (candidate days only); NaN by moments.
        peak_day: Number of the candidate day on which the peak falls most often; -1 by moments.
        peak_slot: Slot of the day at which it does; -1 by moments.
        homes: Gas homes behind each transformer.
        method: ``monte_carlo`` or ``moments``.
    """

    p50_kw: Floats
    p95_kw: Floats
    base_kw: Floats
    loading_p50_share: Floats
    loading_p95_share: Floats
    heat_pumps_p50_kw: Floats
    heat_pumps_p95_kw: Floats
    overload_share: Floats
    full_p50_share: Floats
    full_p95_share: Floats
    hosts_all: NDArray[np.bool_]
    hours_above_h: Floats
    peak_day: Ints
    peak_slot: Ints
    homes: Ints
    method: str


def method_for(case: PeakCase, brackets: int = 1) -> Literal["monte_carlo", "moments"]:
    """Return how ``auto`` decides: home by home as long as that is quick and small."""
    kinds = case.library.relative.shape[1]
    numbers = (brackets + 1) * len(case.names) * kinds * len(case.days)
    small = len(case.transformer) <= HOMES_BY_DRAWS and numbers <= NUMBERS_IN_A_DRAW
    return "monte_carlo" if small else "moments"


def transformer_peaks(
    case: PeakCase,
    *,
    draws: int = 200,
    seed: int = 1,
    method: Method = "auto",
    table: PeakTable | None = None,
    simulation: Simulation | None = None,
) -> TransformerPeaks:
    """Return the peaks of all transformers.

    Args:
        case: What is drawn from.
        draws: Draws.
        seed: Seed.
        method: ``monte_carlo`` draws home by home, ``moments`` reads a table, ``auto`` does the former for small
            towns.
        table: Table of the moments, if it is built already.
        simulation: Draws that are made already (their last bracket is taken).
    """
    chosen = method_for(case) if method == "auto" else method
    table = table or moments.build_table(case, seed=seed)
    quick = _by_moments(case, table)
    if chosen == "moments":
        return quick
    found = simulation or simulate(case, draws, seed)
    peak = _pooled(found.peak_kw[:, -1])
    pumps = _pooled(found.heat_pumps_kw)
    p50, p95 = np.quantile(peak, [0.5, 0.95], axis=0)
    pumps_p50, pumps_p95 = np.quantile(pumps, [0.5, 0.95], axis=0)
    rated = case.rated_kw
    place = found.when.reshape(len(case.names), -1).argmax(axis=1)
    full_p50, full_p95, _ = hosting_shares(case, table, _over(p50, quick.p50_kw), _over(p95, quick.p95_kw))
    return TransformerPeaks(
        p50, p95, quick.base_kw, p50 / rated, p95 / rated, pumps_p50, pumps_p95,
        (peak > rated[None, :]).mean(axis=0), full_p50, full_p95, p95 <= rated,
        np.median(found.hours_above, axis=0), place // case.library.slots, place % case.library.slots, case.homes,
        "monte_carlo",
    )  # fmt: skip


def _over(drawn: Floats, read: Floats) -> Floats:
    """Return drawn over read peaks, 1 where there is no load at all."""
    return np.where(read > 0, drawn / np.where(read > 0, read, 1.0), 1.0)


def _pooled(values: Floats) -> Floats:
    """Return draws and years in one axis: (draws, groups, years) to (draws * years, groups)."""
    return np.moveaxis(values, 2, 1).reshape(-1, values.shape[1])


def _by_moments(case: PeakCase, table: PeakTable) -> TransformerPeaks:
    groups = len(case.names)
    energy = moments.peak_day_energy(case.energy_kwh, table)
    mine = moments.moments_of(energy, case.transformer, groups)
    base_peak = case.base_kw.max(axis=(1, 2), initial=0.0)
    found = moments.quantiles_kw(table, mine, case.base.mean_kw, case.base.noise_share, base_peak)
    alone = moments.quantiles_kw(table, mine, np.zeros(groups), np.zeros(groups), np.zeros(groups))
    p50, p95 = found[:, LEVEL_50], found[:, LEVEL_95]
    rated = case.rated_kw
    ones = np.ones(groups)
    full_p50, full_p95, _ = hosting_shares(case, table, ones, ones)
    return TransformerPeaks(
        p50, p95, base_peak, p50 / rated, p95 / rated, alone[:, LEVEL_50], alone[:, LEVEL_95],
        moments.probability_above(found, rated), full_p50, full_p95, p95 <= rated, np.full(groups, np.nan),
        np.full(groups, -1), np.full(groups, -1), case.homes, "moments",
    )  # fmt: skip


LEVEL_50 = int(np.flatnonzero(moments.LEVELS == 0.5)[0])
LEVEL_95 = int(np.flatnonzero(moments.LEVELS == 0.95)[0])


def hosting_shares(
    case: PeakCase, table: PeakTable, scale_p50: Floats, scale_p95: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return the shares of homes at which each transformer is full, and the loading by share.

    The homes switch in random order: a share s of them draws s of the energy and is worth s of the homes. Heat pumps
    that are there already run at any share.

    Args:
        case: The case.
        table: Table of the moments.
        scale_p50: Factor on the median heat-pump part that makes it meet a Monte Carlo result at 100 %, shape
            (transformers,); ones for none.
        scale_p95: The same for the 95th percentile.

    Returns:
        Share at which the P50 reaches the rating, share at which the P95 does (1 where it never does, 0 where it is
        above from the start), and the P95 loading by transformer and share, shape (transformers, shares).
    """
    energy = moments.peak_day_energy(case.energy_kwh, table)
    n, groups = case.gas_homes, len(case.names)
    gas = moments.moments_of(energy[:n], case.transformer[:n], groups)
    there = moments.moments_of(energy[n:], case.transformer[n:], groups)
    base_peak = case.base_kw.max(axis=(1, 2), initial=0.0)
    p50, p95 = np.empty((2, len(case.names), len(SHARES)))
    for s, share in enumerate(SHARES.tolist()):
        part = moments.Moments(
            gas.energy_kwh * share + there.energy_kwh, gas.square_kwh2 * share + there.square_kwh2, gas.homes
        )
        found = moments.quantiles_kw(table, part, case.base.mean_kw, case.base.noise_share, base_peak)
        p50[:, s] = found[:, LEVEL_50] * (1 + (scale_p50 - 1) * share)
        p95[:, s] = found[:, LEVEL_95] * (1 + (scale_p95 - 1) * share)
    loading = p95 / case.rated_kw[:, None]
    return _crossing(p50, case.rated_kw), _crossing(p95, case.rated_kw), loading


def _crossing(peak: Floats, rated: Floats) -> Floats:
    """Return the share at which a peak that rises with the share reaches the rating."""
    above = peak > rated[:, None]
    first = np.where(above.any(axis=1), above.argmax(axis=1), len(SHARES) - 1)
    rows = np.arange(len(peak))
    before = np.maximum(first - 1, 0)
    low, high = peak[rows, before], peak[rows, first]
    part = np.where(high > low, (rated - low) / np.maximum(high - low, 1e-12), 1.0)
    share = SHARES[before] + np.clip(part, 0, 1) * (SHARES[first] - SHARES[before])
    return np.asarray(np.where(above.any(axis=1), np.where(first == 0, 0.0, share), 1.0), dtype=float)


@dataclass(frozen=True)
class FeederPeaks:
    """Annual peak by feeder and of the town when all gas homes have switched.

    Attributes:
        names: Feeders.
        p50_kw: Median by feeder [kW], shape (feeders,).
        p95_kw: 95th percentile.
        sum_of_transformers_kw: Sum of the transformers' P95: what adding up peaks would give.
        town_p50_kw: Median of the town's peak.
        town_p95_kw: 95th percentile.
    """

    names: tuple[str, ...]
    p50_kw: Floats
    p95_kw: Floats
    sum_of_transformers_kw: Floats
    town_p50_kw: float
    town_p95_kw: float


def feeder_peaks(
    case: PeakCase,
    peaks: TransformerPeaks,
    *,
    table: PeakTable | None = None,
    simulation: Simulation | None = None,
) -> FeederPeaks:
    """Return the peaks of all feeders: of the sum of their transformers, not the sum of their peaks.

    Args:
        case: The case.
        peaks: Peaks of the transformers.
        table: Table of the moments, for towns that are not drawn home by home.
        simulation: Draws; without them the table is read.
    """
    count = len(case.feeders)
    summed = np.bincount(case.feeder, peaks.p95_kw, minlength=count).astype(float)
    if simulation is not None:
        p50, p95 = np.quantile(_pooled(simulation.feeder_kw[:, -1]), [0.5, 0.95], axis=0)
        town = np.quantile(simulation.town_kw[:, -1], [0.5, 0.95])
        return FeederPeaks(case.feeders, p50, p95, summed, float(town[0]), float(town[1]))
    table = table or moments.build_table(case)
    energy = moments.peak_day_energy(case.energy_kwh, table)
    p50, p95 = _grouped_by_moments(case, table, energy, case.feeder, count)
    t50, t95 = _grouped_by_moments(case, table, energy, np.zeros_like(case.feeder), 1)
    return FeederPeaks(case.feeders, p50, p95, summed, float(t50[0]), float(t95[0]))


def _grouped_by_moments(
    case: PeakCase, table: PeakTable, energy: Floats, of: Ints, count: int
) -> tuple[Floats, Floats]:
    mine = moments.moments_of(energy, of[case.transformer], count)
    mean = np.bincount(of, case.base.mean_kw, minlength=count).astype(float)
    scatter = np.sqrt(np.bincount(of, (case.base.mean_kw * case.base.noise_share) ** 2, minlength=count))
    shape = case.base.relative[case.days].max(initial=0.0)
    found = moments.quantiles_kw(table, mine, mean, scatter / np.maximum(mean, 1e-12), mean * shape)
    return found[:, LEVEL_50], found[:, LEVEL_95]


def group_peaks(case: PeakCase, table: PeakTable, target: Ints, count: int) -> tuple[Floats, Floats]:
    """Return P50 and P95 of any groups of transformers, shape (count,), by moments.

    Args:
        case: The case.
        table: Table of the moments.
        target: Group of each transformer, -1 for none, shape (transformers,).
        count: Number of groups.
    """
    of = np.where(target >= 0, target, count)
    p50, p95 = _grouped_by_moments(
        case, table, moments.peak_day_energy(case.energy_kwh, table), of, count + 1
    )
    return p50[:count], p95[:count]
