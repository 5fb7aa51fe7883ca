"""The method of Bayer & Pruckner 2023: the scale at which two histograms differ least.

Electricity times B is compared with heat, bin by bin, for B on a grid. The paper cites the Jensen-Shannon divergence
(Lin 1991), ``JSD = KL(P|M)/2 + KL(Q|M)/2`` with ``M = (P + Q)/2``, and prints (Eq. 6) ``KL(P|Q)/2 + KL(Q|P)/2``,
which is half of Jeffreys' divergence and infinite as soon as one bin is empty on one side. Both are here. Bins, their
range and what happens to empty ones are not stated in the paper; they are fields of the study.

All scales are counted at once: with sorted totals, a histogram of ``E B`` is a binary search of ``edges / B``.
Resamples are drawn as counts between those edges, so that their cost does not depend on the number of meters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import ModelError, Problem
from varme.retrofit.spf.intervals import Interval, percentile_interval
from varme.retrofit.spf.spec import SpfSpec

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: The divergence is called flat if the interval of its minimum takes more than this share of the grid.
FLAT_SHARE = 0.4


@dataclass(frozen=True)
class DivergenceScan:
    """Divergence over the grid.

    Attributes:
        b_ratio: Scales, shape (scales,).
        divergence: Divergence at each, shape (scales,).
        kind: ``lin`` or ``jeffreys``.
        best_ratio: Scale of the smallest.
        at_edge: Whether that is the first or last scale.
        resampled_ratio: Scales of the smallest in resamples, shape (resamples,); empty if none were asked for.
    """

    b_ratio: Floats
    divergence: Floats
    kind: str
    best_ratio: float
    at_edge: bool
    resampled_ratio: Floats

    @property
    def edge_share(self) -> float:
        """Share of the resamples whose minimum lies at an edge of the grid."""
        if not len(self.resampled_ratio):
            return 0.0
        ends = (self.b_ratio[0], self.b_ratio[-1])
        return float(np.isin(self.resampled_ratio, ends).mean())


def scale_grid(spec: SpfSpec) -> Floats:
    """Return the scales from ``b_min_ratio`` to ``b_max_ratio``, both included."""
    steps = round((spec.b_max_ratio - spec.b_min_ratio) / spec.b_step_ratio)
    return np.asarray(spec.b_min_ratio + spec.b_step_ratio * np.arange(steps + 1), dtype=float)


def bin_edges(heat: Floats, electricity: Floats, scales: Floats, count: int, log_bins: bool) -> Floats:
    """Return each scale's bin edges over the range of heat and scaled electricity, shape (scales, count + 1)."""
    low = np.minimum(heat.min(), scales * electricity.min())
    high = np.maximum(heat.max(), scales * electricity.max())
    at = np.linspace(0, 1, count + 1)
    if log_bins:
        return np.asarray(np.exp(np.log(low)[:, None] + at * np.log(high / low)[:, None]))
    return np.asarray(low[:, None] + at * (high - low)[:, None])


def divergence_of(p: Floats, q: Floats, spec: SpfSpec) -> Floats:
    """Return the divergence of histograms along the last axis.

    Args:
        p: Shares, shape (..., bins).
        q: Shares, shape (..., bins).
        spec: Which divergence, and what becomes of empty bins.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        if spec.divergence == "lin":
            m = (p + q) / 2
            terms = np.where(p > 0, p * np.log(p / m), 0.0) + np.where(q > 0, q * np.log(q / m), 0.0)
            return np.asarray(terms.sum(axis=-1) / 2)
        if spec.empty_bins == "drop":
            both = (p > 0) & (q > 0)
            p, q = np.where(both, p, 0.0), np.where(both, q, 0.0)
            p, q = p / p.sum(axis=-1, keepdims=True), q / q.sum(axis=-1, keepdims=True)
            terms = np.where(both, (p - q) * np.log(p / q), 0.0)
            total = terms.sum(axis=-1)
            return np.asarray(np.where(both.any(axis=-1), total, np.inf) / 2)
        used = (p > 0) | (q > 0)
        p, q = np.where(used & (p == 0), spec.floor_share, p), np.where(used & (q == 0), spec.floor_share, q)
        terms = np.where(used & (p != q), (p - q) * np.log(p / q), 0.0)
        return np.asarray(terms.sum(axis=-1) / 2)


def scan(heat: Floats, electricity: Floats, spec: SpfSpec, *, resamples: int = 0) -> DivergenceScan:
    """Return the divergence at every scale of the grid, and the minima of resamples.

    Args:
        heat: Useful heat [kWh], shape (n,).
        electricity: Electricity [kWh], shape (m,).
        spec: Grid, bins, divergence, seed.
        resamples: Bootstrap resamples.

    Raises:
        ModelError: P312 if the divergence is infinite at every scale.
    """
    scales = scale_grid(spec)
    edges = bin_edges(heat, electricity, scales, spec.bins_count, spec.log_bins)
    at_heat = _positions(np.sort(heat), edges)
    at_el = _positions(np.sort(electricity), edges / scales[:, None])
    curve = divergence_of(_shares(at_heat), _shares(at_el), spec)
    if not np.isfinite(curve).any():
        raise ModelError(
            Problem(
                "P312", "spf.floor_share", "the divergence of Eq. 6 is infinite at every scale: a bin is always empty",
                value=f"{spec.floor_share:g}", limit=f"{spec.bins_count} bins",
                remedy='Use divergence = "lin", fewer bins, a floor_share above 0, or empty_bins = "drop".',
            )
        )  # fmt: skip
    best = int(np.argmin(curve))
    drawn = np.empty(0)
    if resamples:
        rng = np.random.default_rng([spec.seed, 6])
        drawn = scales[_resampled_minima(at_heat, at_el, spec, resamples, rng)]
    return DivergenceScan(
        scales, curve, spec.divergence, float(scales[best]), best in (0, len(scales) - 1), drawn
    )


def _positions(ordered: Floats, edges: Floats) -> Integers:
    """Return how many values lie below each edge; all of them below the last one, none below the first."""
    at = np.searchsorted(ordered, edges, side="left").astype(np.int64)
    at[:, 0], at[:, -1] = 0, len(ordered)
    return at


def _shares(cumulative: Integers) -> Floats:
    counts = np.diff(cumulative, axis=-1)
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True), dtype=float)


def _resampled_minima(
    at_heat: Integers, at_el: Integers, spec: SpfSpec, count: int, rng: np.random.Generator
) -> Integers:
    """Return the index of the best scale in each resample, shape (count,)."""
    out = np.empty(count, dtype=np.int64)
    block = max(1, 2_000_000 // at_heat.size)
    for first in range(0, count, block):
        size = min(block, count - first)
        p, q = (_shares(_resample(at, size, rng)) for at in (at_heat, at_el))
        out[first : first + size] = np.argmin(divergence_of(p, q, spec), axis=1)
    return out


def _resample(at: Integers, count: int, rng: np.random.Generator) -> Integers:
    """Return cumulative counts of resampled meters at the same edges, shape (count, scales, edges)."""
    cells, place = np.unique(at, return_inverse=True)
    total = int(cells[-1])
    drawn = rng.multinomial(total, np.diff(cells) / total, size=count)
    cumulative = np.concatenate([np.zeros((count, 1), dtype=np.int64), np.cumsum(drawn, axis=1)], axis=1)
    return np.asarray(cumulative[:, place.reshape(at.shape)], dtype=np.int64)


def refuse_edge(found: DivergenceScan) -> None:
    """Raise where the smallest divergence lies at an end of the grid: the minimum is somewhere beyond.

    Raises:
        ModelError: P310.
    """
    if found.at_edge:
        low = found.best_ratio == found.b_ratio[0]
        field, way = ("b_min_ratio", "Lower") if low else ("b_max_ratio", "Raise")
        raise ModelError(
            Problem(
                "P310", f"spf.{field}", "the divergence is smallest at the edge of the grid: its minimum is beyond",
                value=f"{found.best_ratio:g}", limit=f"grid {found.b_ratio[0]:g} to {found.b_ratio[-1]:g}",
                remedy=f"{way} {field}; if the edge is reached again, the two groups of meters do not fit each other "
                "(units, gross or net, part of the year).",
            )
        )  # fmt: skip


def interval_of(found: DivergenceScan, spec: SpfSpec) -> Interval:
    """Return the percentile interval of the resampled minima, half a step wider on both sides.

    It is too narrow at 73 heat pumps: it covers about 90 % instead of 95.
    """
    plain = percentile_interval(found.resampled_ratio, spec.confidence_share)
    half = spec.b_step_ratio / 2
    low, high = min(plain.low, found.best_ratio), max(plain.high, found.best_ratio)
    return Interval(max(low - half, 1e-6), high + half, plain.log_se)


def is_flat(found: DivergenceScan, interval: Interval) -> bool:
    """Return whether the minimum could be nearly anywhere on the grid."""
    return (interval.high - interval.low) > FLAT_SHARE * (
        found.b_ratio[-1] - found.b_ratio[0]
    ) or found.edge_share > 0.05
