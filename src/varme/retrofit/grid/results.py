"""Everything that the grid part of a study finds, computed in one call and masked for showing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.retrofit.grid import moments
from varme.retrofit.grid.adoption import Adoption, adoption_path
from varme.retrofit.grid.assemble import Transformers
from varme.retrofit.grid.peaks import PeakCase, simulate
from varme.retrofit.grid.privacy import Masked, mask_groups
from varme.retrofit.grid.ratio import Ratios
from varme.retrofit.grid.simultaneity import Simultaneity
from varme.retrofit.grid.spec import AdoptionSpec, GridSpec, PrivacySpec
from varme.retrofit.grid.transformers import (
    FeederPeaks,
    TransformerPeaks,
    feeder_peaks,
    group_peaks,
    method_for,
    transformer_peaks,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class TransformerHours:
    """Load by group shown and hour, each of shape (groups, hours).

    Attributes:
        times_utc: Starts of the hours, shape (hours,).
        heat_pumps_kw: Expected power of the heat pumps.
        base_kw: Expected base load.
        p95_kw: 95th percentile of both together in that hour (of the hour, not of the annual peak).
    """

    times_utc: NDArray[np.datetime64]
    heat_pumps_kw: Floats
    base_kw: Floats
    p95_kw: Floats


@dataclass(frozen=True)
class GridResults:
    """What the grid part of a study finds.

    Attributes:
        case: What peaks were drawn from.
        transformers: What is known of the transformers.
        peaks: Their peaks with all homes switched.
        feeders: Peaks of feeders and town.
        paths: Adoption paths.
        masked: Which transformers may be shown, and what the others are merged into.
        shown_p50_kw: Median peak of each group shown (a transformer, or "other") [kW].
        shown_p95_kw: 95th percentile.
        shown_base_kw: Base peak.
        simultaneity: Measured simultaneity, if there are hourly heat-pump meters.
        ratios: Heat-pump over household electricity, if households are known.
        hours: Load by hour, if it was asked for.
    """

    case: PeakCase
    transformers: Transformers
    peaks: TransformerPeaks
    feeders: FeederPeaks
    paths: tuple[Adoption, ...]
    masked: Masked
    shown_p50_kw: Floats
    shown_p95_kw: Floats
    shown_base_kw: Floats
    simultaneity: Simultaneity | None = None
    ratios: Ratios | None = None
    hours: TransformerHours | None = None

    @property
    def may_name(self) -> NDArray[np.bool_]:
        """Whether a transformer is shown by itself: only of those may single figures be told, shape (transformers,)."""
        target = self.masked.target
        alone = np.bincount(target[target >= 0], minlength=max(len(self.masked.names), 1)) == 1
        return np.asarray((target >= 0) & alone[target], dtype=bool)


def grid_results(
    case: PeakCase,
    transformers: Transformers,
    grid: GridSpec,
    adoption: AdoptionSpec,
    privacy: PrivacySpec,
    *,
    furnace_year: Floats | None = None,
    simultaneity: Simultaneity | None = None,
    ratios: Ratios | None = None,
    hourly_kw: Floats | None = None,
    times_utc: NDArray[np.datetime64] | None = None,
    step_day: Ints | None = None,
    step_slot: Ints | None = None,
) -> GridResults:
    """Return the peaks, the adoption path, what may be shown, and the load by hour.

    Args:
        case: What peaks are drawn from.
        transformers: What is known of the transformers.
        grid: Draws, method, hours.
        adoption: Shares and order.
        privacy: Smallest group.
        furnace_year: Year of construction of each furnace of the case's homes, shape (homes,).
        simultaneity: Passed through.
        ratios: Passed through.
        hourly_kw: Expected power of the heat pumps by transformer and step [kW], shape (transformers, steps): already
            cut to the hours that are wanted (:func:`hours_wanted`).
        times_utc: Starts of these steps.
        step_day: Number of the local day of each step.
        step_slot: Slot of the local day of each step.

    Raises:
        InputError: P130 for an order of adoption that cannot be.
    """
    table = moments.build_table(case, seed=grid.seed)
    chosen = method_for(case) if grid.method == "auto" else grid.method
    simulation = simulate(case, grid.draws_count, grid.seed) if chosen == "monte_carlo" else None
    peaks = transformer_peaks(
        case, draws=grid.draws_count, seed=grid.seed, method=chosen, table=table, simulation=simulation
    )
    feeders = feeder_peaks(case, peaks, table=table, simulation=simulation)
    path = adoption_path(
        case, np.asarray(adoption.shares, dtype=float), adoption.order, furnace_year=furnace_year,
        draws=grid.draws_count, seed=grid.seed, method=grid.method,
    )  # fmt: skip
    masked = mask_groups(peaks.homes, privacy.k_count, case.names, case.feeder)
    p50, p95, base = _shown(case, peaks, masked, table)
    hours = None
    if hourly_kw is not None and times_utc is not None and step_day is not None and step_slot is not None:
        hours = hours_of(case, masked, table, hourly_kw, times_utc, step_day, step_slot)
    return GridResults(
        case, transformers, peaks, feeders, (path,), masked, p50, p95, base, simultaneity, ratios, hours
    )


def _shown(
    case: PeakCase, peaks: TransformerPeaks, masked: Masked, table: moments.PeakTable
) -> tuple[Floats, Floats, Floats]:
    """Return P50, P95 and base peak of the groups shown; of an "other" from the moments of its homes."""
    count = len(masked.names)
    if not count:
        return np.empty(0), np.empty(0), np.empty(0)
    p50, p95 = group_peaks(case, table, masked.target, count)
    base = masked.summed(peaks.base_kw)
    alone = np.bincount(masked.target[masked.target >= 0], minlength=count) == 1
    for i in np.flatnonzero(masked.target >= 0).tolist():
        if alone[masked.target[i]]:
            p50[masked.target[i]], p95[masked.target[i]] = peaks.p50_kw[i], peaks.p95_kw[i]
    return p50, p95, base


def hours_wanted(
    town_kw: Floats, times_utc: NDArray[np.datetime64], wanted: str, step_min: int = 60
) -> slice:
    """Return the steps of the table by hour: the week around the town's peak, or the peak's calendar year (UTC).

    Args:
        town_kw: Power of the town by step, shape (steps,).
        times_utc: Starts of the steps.
        wanted: ``peak_week`` or ``year``.
        step_min: Step [min].
    """
    peak = int(np.nanargmax(town_kw))
    if wanted == "year":
        year = times_utc.astype("datetime64[Y]")
        mine = np.flatnonzero(year == year[peak])
        return slice(int(mine[0]), int(mine[-1]) + 1)
    per_day = 24 * 60 // step_min
    first = max(min(peak - 3 * per_day - peak % per_day, len(town_kw) - 7 * per_day), 0)
    return slice(first, min(first + 7 * per_day, len(town_kw)))


def hours_of(
    case: PeakCase,
    masked: Masked,
    table: moments.PeakTable,
    hourly_kw: Floats,
    times_utc: NDArray[np.datetime64],
    step_day: Ints,
    step_slot: Ints,
) -> TransformerHours:
    """Return the load of each group shown by hour, with the 95th percentile of each hour.

    The scatter of an hour has a part that falls with the number of homes and a part that all share, both measured by
    slot from the profiles of days like the candidate days (taken for all days), and that of the households.
    """
    energy = moments.peak_day_energy(case.energy_kwh, table)
    target = masked.target[case.transformer]
    seen = target >= 0
    size = moments.moments_of(energy[seen], target[seen], len(masked.names)).size
    alike = np.unique(np.concatenate(case.library.pools(case.temperature_c)))
    relative = case.library.relative[alike].astype(np.float64)
    by_day = relative.mean(axis=1)
    mean = by_day.mean(axis=0)
    own = relative.std(axis=1).mean(axis=0) / mean
    common = by_day.std(axis=0) / mean
    pumps = masked.summed(hourly_kw)
    base_group = masked.summed(case.base.mean_kw)
    base = base_group[:, None] * case.base.relative[step_day, step_slot][None, :]
    noise = masked.summed((case.base.mean_kw * case.base.noise_share) ** 2)
    household = np.sqrt(noise) / np.maximum(base_group, 1e-12)
    scatter = (
        own[step_slot][None, :] ** 2 / size[:, None] + common[step_slot][None, :] ** 2 + case.spf_log_sd**2
    )
    spread = np.sqrt(pumps**2 * scatter + (base * household[:, None]) ** 2)
    return TransformerHours(times_utc, pumps, base, pumps + base + 1.645 * spread)
