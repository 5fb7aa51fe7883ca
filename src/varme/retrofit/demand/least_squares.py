"""Least squares of the change-point model for a block of meters: matrix products over a grid, then exact sums.

Rows are centred first, so that single precision loses nothing: the sums that are compared are of the size of the
variance, not of the squared mean.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from varme.retrofit.demand.heating_grid import HeatingGrid, LimitSums

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]

#: Most that the correlation of following residuals is taken for: beyond, the errors would have no bound.
MOST_RHO = 0.95
#: Share of missing days below which they are summed one by one.
SPARSE_SHARE = 0.05


class Work:
    """Work arrays of a block: made once, used by every block.

    Args:
        rows: Most rows of a block.
        days: Days.
    """

    def __init__(self, rows: int, days: int) -> None:
        self._floats = [np.empty((rows, days), dtype=np.float32) for _ in range(3)]
        self._flags = np.empty((rows, days), dtype=bool)

    def floats(self, which: int, rows: int) -> Floats32:
        """Return one of three arrays of single precision, shape (rows, days)."""
        return self._floats[which][:rows]

    def flags(self, rows: int) -> NDArray[np.bool_]:
        """Return the array of flags, shape (rows, days)."""
        return self._flags[:rows]


@dataclass(frozen=True)
class Rows:
    """Rows of a block less their means, 0 where there is no value.

    Attributes:
        values: Values less ``centre``, shape (rows, days).
        centre: What was taken off: the mean in single precision, shape (rows,).
        left: Sum of ``values``: what single precision left of it.
        n: Valid days.
        square: Sum of the squared deviations from the mean.
        gap_row: Row of each missing value, shape (gaps,).
        gap_day: Day of each missing value.
    """

    values: Floats32
    centre: Floats
    left: Floats
    n: Floats
    square: Floats
    gap_row: Ints
    gap_day: Ints

    @property
    def mean(self) -> Floats:
        """Mean of the valid days."""
        return np.asarray(self.centre + self.left / np.maximum(self.n, 1))


@dataclass
class At:
    """Fits at one limit per row, each of shape (rows,).

    Attributes:
        limit: Heating limit.
        slope: Slope.
        base: Base.
        sse: Sum of squared residuals.
        held: Whether the base is held at zero.
        active: Days colder than the limit.
        need: Sum of the degree days.
        need2: Sum of their squares.
    """

    limit: Floats
    slope: Floats
    base: Floats
    sse: Floats
    held: NDArray[np.bool_]
    active: Floats
    need: Floats
    need2: Floats

    def where(self, take: NDArray[np.bool_], other: At) -> At:
        """Return these fits where ``take`` holds, the others elsewhere."""
        return At(*(np.where(take, getattr(self, f.name), getattr(other, f.name)) for f in fields(At)))

    def rows(self, chosen: Ints) -> At:
        """Return the fits of some rows."""
        return At(*(getattr(self, f.name)[chosen] for f in fields(At)))


@dataclass(frozen=True)
class Quality:
    """What the residuals say, each of shape (rows,).

    Attributes:
        rho: Correlation of following days.
        effective: Days that are worth an independent one.
        base_se: Standard error of the base, NaN where it is held at zero.
        slope_se: Standard error of the slope.
        limit_se: Standard error of the limit.
        limit_low: Lower end of the profile interval of the limit.
        limit_high: Upper end.
        worst: Largest residual, without its sign.
        worst_need: Degree days of its day.
    """

    rho: Floats
    effective: Floats
    base_se: Floats
    slope_se: Floats
    limit_se: Floats
    limit_low: Floats
    limit_high: Floats
    worst: Floats
    worst_need: Floats


def centre(values: Floats32, work: Work) -> Rows:
    """Return rows less their means; they stay in ``work`` array 0."""
    k, days = values.shape
    c, flags = work.floats(0, k), work.flags(k)
    np.copyto(c, values)
    np.isfinite(c, out=flags)
    gaps = np.flatnonzero(np.logical_not(flags, out=flags))
    row, day = np.divmod(gaps, days)
    n = days - np.bincount(row, minlength=k).astype(float)
    c.reshape(-1)[gaps] = 0
    middle = (c.sum(axis=1) / np.maximum(n, 1)).astype(np.float32)
    c -= middle[:, None]
    c.reshape(-1)[gaps] = 0
    left = c.sum(axis=1).astype(float)
    square = np.maximum(np.vecdot(c, c).astype(float) - left**2 / np.maximum(n, 1), 0)
    return Rows(c, middle.astype(float), left, n, square, row, day)


def profile(rows: Rows, grid: HeatingGrid, work: Work) -> tuple[Floats32, Floats]:
    """Return the least sum of squares by row and limit of the grid, and where the parabola of its minimum lies."""
    count = len(grid.limits_c)
    cov = rows.values @ grid.centred
    n = np.maximum(rows.n, 1).astype(np.float32)[:, None]
    mean_need: Floats32 = grid.mean.astype(np.float32)[None, :]
    variance: Floats32 = grid.variance.astype(np.float32)[None, :]
    if len(rows.gap_row):
        lost = _sums_of_gaps(rows, grid, work)
        off = -lost[:, :count]
        variance = np.asarray(variance - lost[:, count:] - off * off / n, dtype=np.float32)
        mean_need = np.asarray(mean_need + off / n, dtype=np.float32)
        cov -= off * (rows.left.astype(np.float32)[:, None] / n)
    variance = np.maximum(variance, np.float32(1e-4))
    slope: Floats32 = np.maximum(cov, 0) / variance
    sse: Floats32 = rows.square.astype(np.float32)[:, None] - slope * cov
    mean = rows.mean.astype(np.float32)[:, None]
    below = (slope * mean_need > mean).any(axis=1)
    if below.any():
        b = np.flatnonzero(below)
        v, u = (np.broadcast_to(x, sse.shape)[b].astype(float) for x in (variance, mean_need))
        held, n1, m1 = slope[b] * u > mean[b], rows.n[b, None], rows.mean[b, None]
        cross, square = np.maximum(cov[b] + n1 * m1 * u, 0), v + n1 * u**2
        zero = rows.square[b, None] + n1 * m1**2 - cross**2 / np.maximum(square, 1e-4)
        sse[b] = np.where(held, zero, sse[b])
    return sse, _parabola(sse, grid.limits_c)


def _sums_of_gaps(rows: Rows, grid: HeatingGrid, work: Work) -> Floats32:
    """Return what the missing days would have added to the sums over the grid, shape (rows, 2 limits)."""
    k, days = rows.values.shape
    if len(rows.gap_row) < SPARSE_SHARE * k * days:
        ends = np.searchsorted(rows.gap_row, np.arange(k + 1))
        ones = np.ones(len(rows.gap_row), dtype=np.float32)
        return np.asarray(sparse.csr_matrix((ones, rows.gap_day, ends), shape=(k, days)) @ grid.both)
    gone = work.floats(1, k)
    gone.fill(0)
    gone[rows.gap_row, rows.gap_day] = 1
    return np.asarray(gone @ grid.both)


def _parabola(sse: Floats32, limits: Floats) -> Floats:
    best = np.argmin(sse, axis=1)
    inner = np.clip(best, 1, len(limits) - 2)
    at = np.arange(len(sse))
    a, b, c = (sse[at, inner + i].astype(float) for i in (-1, 0, 1))
    curve = a - 2 * b + c
    step = np.where(curve > 0, 0.5 * (a - c) / np.where(curve > 0, curve, 1), 0.0)
    step = np.where(best == inner, np.clip(step, -0.5, 0.5), 0.0)
    return np.asarray(limits[best] + step * (limits[1] - limits[0]))


def fit(rows: Rows, grid: HeatingGrid, limit: Floats, work: Work, *, steps: int = 1) -> At:
    """Return the best fit near a limit; what :func:`_capped` made for it stays in ``work`` array 1.

    Args:
        rows: Centred rows.
        grid: Degree days.
        limit: Where to begin [C], shape (rows,).
        work: Work arrays.
        steps: Gauss-Newton steps of the limit; a step that makes the fit worse is taken back.
    """
    capped = work.floats(1, len(limit))
    limit = limit.astype(np.float32).astype(float)
    best = _at(rows, grid, limit, _capped(limit, grid, capped))
    for _ in range(steps):
        moved = best.limit + np.clip(_step(rows, best, capped, work), -0.5, 0.5)
        moved = np.clip(moved, grid.limits_c[0], grid.limits_c[-1]).astype(np.float32).astype(float)
        new = _at(rows, grid, moved, _capped(moved, grid, capped))
        better = new.sse < best.sse
        best = new.where(better, best)
        worse = np.flatnonzero(~better)
        if len(worse):
            capped[worse] = np.minimum(best.limit[worse].astype(np.float32)[:, None], grid.temperature_c)
    return best


def _capped(limit: Floats, grid: HeatingGrid, out: Floats32) -> Floats32:
    """Return temperatures capped at the limit: limit less degree days, in one pass instead of two."""
    return np.minimum(grid.temperature_c[None, :], limit.astype(np.float32)[:, None], out=out)


def _at(rows: Rows, grid: HeatingGrid, limit: Floats, capped: Floats32) -> At:
    """Return the fit at a limit."""
    sums = _sums(rows, grid, limit)
    n, mean = np.maximum(rows.n, 1), rows.mean
    mean_need = sums.need / n
    cross = limit * rows.left - np.vecdot(rows.values, capped).astype(float)
    cov = cross - mean_need * rows.left
    variance = np.maximum(sums.need2 - sums.need * mean_need, 1e-4)
    slope = np.maximum(cov, 0) / variance
    sse = rows.square - slope * cov
    base = mean - slope * mean_need
    held = base < 0
    raw = np.maximum(cov + sums.need * mean, 0)
    slope = np.where(held, raw / np.maximum(sums.need2, 1e-4), slope)
    sse = np.where(held, rows.square + n * mean**2 - raw * slope, sse)
    return At(
        limit, slope, np.where(held, 0, base), np.maximum(sse, 0), held, sums.active, sums.need, sums.need2
    )


def _sums(rows: Rows, grid: HeatingGrid, limit: Floats) -> LimitSums:
    whole = grid.sums(limit)
    if not len(rows.gap_row):
        return whole
    k = len(limit)
    gone = np.maximum(limit[rows.gap_row] - grid.temperature_c[rows.gap_day], 0)
    return LimitSums(
        whole.active - np.bincount(rows.gap_row, gone > 0, k),
        whole.need - np.bincount(rows.gap_row, gone, k),
        whole.need2 - np.bincount(rows.gap_row, gone * gone, k),
    )


def _step(rows: Rows, at: At, capped: Floats32, work: Work) -> Floats:
    """Return the Gauss-Newton step of the limit: the coefficient of the cold days' indicator over the slope.

    With 1, degree days and indicator as regressors, the line of the cold days and the mean of the warm ones are free;
    they cross at the new limit (Muggeo 2003, Statistics in Medicine 22, 3055-3071). With the base at zero the line of
    the cold days crosses zero there.
    """
    cold = _cold(at.limit, capped, work.flags(len(capped)), work.floats(2, len(capped)))
    n = np.maximum(rows.n, 1)
    ybar = rows.mean
    cold_y = np.vecdot(rows.values, cold).astype(float) + at.active * rows.centre
    warm = rows.n - at.active
    need_y = at.slope * at.need2 + at.base * at.need  # holds at the optimum of slope and base
    with np.errstate(divide="ignore", invalid="ignore"):
        need_bar, y_bar = at.need / at.active, cold_y / at.active
        slope = (need_y - at.need * y_bar) / (at.need2 - at.need * need_bar)
        base = np.where(at.held, 0.0, (n * ybar - cold_y) / warm)
        # On cold days y = y_bar + slope (need - need_bar); it meets the base at need = -step.
        step = (y_bar - base) / slope - need_bar
    return np.asarray(np.where(np.isfinite(step) & (slope > 0), step, 0.0))


def _cold(limit: Floats, capped: Floats32, flags: NDArray[np.bool_], out: Floats32) -> Floats32:
    """Return 1 on days that are colder than the limit, else 0."""
    np.less(capped, limit.astype(np.float32)[:, None], out=flags)
    np.copyto(out, flags)
    return out


def residuals(rows: Rows, at: At, work: Work) -> Floats32:
    """Return what a fit leaves, 0 where there is no value; its capped temperatures are in ``work`` array 1."""
    capped, out = work.floats(1, len(at.limit)), work.floats(2, len(at.limit))
    np.multiply(capped, at.slope.astype(np.float32)[:, None], out=out)
    out += rows.values
    out += (rows.centre - at.base - at.slope * at.limit).astype(np.float32)[:, None]
    out[rows.gap_row, rows.gap_day] = 0
    return out


def quality(
    rows: Rows, at: At, sse: Floats32, residual: Floats32, grid: HeatingGrid, work: Work, confidence: float
) -> Quality:
    """Return standard errors and intervals; overwrites the work arrays.

    Args:
        rows: Centred rows.
        at: Fits.
        sse: Sum of squares over the grid of limits.
        residual: Residuals.
        grid: Degree days.
        work: Work arrays.
        confidence: Confidence of the interval of the limit.
    """
    capped = work.floats(1, len(at.limit))
    n = np.maximum(rows.n, 1)
    follow = np.vecdot(residual[:, 1:], residual[:, :-1]).astype(float)
    np.square(residual, out=residual)
    power = residual.sum(axis=1).astype(float)
    rho = np.clip(follow / np.maximum(n - 1, 1) / np.maximum(power / n, np.finfo(float).tiny), 0.0, MOST_RHO)
    inflate = (1 + rho) / (1 - rho)
    first = np.vecdot(residual, capped).astype(float)
    cold = _cold(at.limit, capped, work.flags(len(n)), work.floats(0, len(n)))
    with_cold = np.vecdot(residual, cold).astype(float)
    day, row = residual.argmax(axis=1), np.arange(len(n))
    worst = np.sqrt(residual[row, day].astype(float))
    worst_need = np.maximum(at.limit - capped[row, day], 0)
    np.square(capped, out=capped)
    second = np.vecdot(residual, capped).astype(float)
    with_need = np.maximum(at.limit * power - first, 0)
    with_need2 = np.maximum(at.limit**2 * power - 2 * at.limit * first + second, 0)
    meat = np.stack([power, with_need, with_need2, with_cold])
    variance = at.sse / np.maximum(rows.n - 3, 1) * inflate
    base, slope, limit, plain = _errors(n, at, meat * (inflate * n / np.maximum(n - 3, 1)), variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        wider = np.where(np.isfinite(limit / plain), limit / plain, 1.0)
    t = NormalDist().inv_cdf(0.5 + confidence / 2) * wider
    low, high = _interval(sse, at, variance * t**2, grid.limits_c)
    return Quality(rho, rows.n / inflate, base, slope, limit, low, high, worst, worst_need)


def _errors(n: Floats, at: At, meat: Floats, variance: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return standard errors of base, slope and limit (sandwich), and that of the limit with equal variances.

    The regressors are 1, degree days and slope times the indicator of cold days; the inverse of
    [[n, s1, m], [s1, s2, s1], [m, s1, m]] is written out, and that of [[s2, s1], [s1, m]] for a base held at zero.
    """
    s1, s2, m = at.need, at.need2, at.active
    r0, r1, r2, rc = meat
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = s2 * m - s1**2
        det = np.where((inner > 1e-9 * s2 * m) & (m < n), inner * (n - m), np.nan)
        # Rows of the inverse: the base has the mean of the warm days only.
        b = (inner / det, np.zeros_like(det), -inner / det)
        s = (np.zeros_like(det), (n * m - m**2) / det, -(n - m) * s1 / det)
        d = (b[2], s[2], (n * s2 - s1**2) / det)

        def spread(row: tuple[Floats, Floats, Floats]) -> Floats:
            x, y, z = row
            total = x**2 * r0 + y**2 * r2 + z**2 * rc + 2 * (x * y * r1 + x * z * rc + y * z * r1)
            return np.asarray(np.sqrt(np.maximum(total, 0)))

        inner = np.where(inner > 1e-9 * s2 * m, inner, np.nan)
        held = (np.zeros_like(det), m / inner, -s1 / inner), (np.zeros_like(det), -s1 / inner, s2 / inner)
        base = np.where(at.held, np.nan, spread(b))
        slope = np.where(at.held, spread(held[0]), spread(s))
        limit = np.where(at.held, spread(held[1]), spread(d)) / at.slope
        plain = np.sqrt(variance * np.where(at.held, s2 / inner, d[2])) / at.slope
    none = at.slope <= 0
    return base, np.where(none, np.nan, slope), np.where(none, np.nan, limit), plain


def _interval(sse: Floats32, at: At, allowed: Floats, limits: Floats) -> tuple[Floats, Floats]:
    """Return the limits between which the sum of squares rises by no more than allowed.

    Between grid points the square root of the rise, which is nearly straight, is interpolated. The end of the grid is
    returned where the interval is open.
    """
    count = len(limits)
    beyond = sse > (at.sse + allowed).astype(np.float32)[:, None]
    cell = np.searchsorted(limits, at.limit)  # limits[cell - 1] < limit <= limits[cell]
    k = np.arange(count)[None, :]
    left = np.where(beyond & (k < cell[:, None]), k, -1).max(axis=1)
    right = np.where(beyond & (k >= cell[:, None]), k, count).min(axis=1)
    return _crossing(left, 1, sse, at, allowed, limits), _crossing(right, -1, sse, at, allowed, limits)


def _crossing(outer: Ints, inwards: int, sse: Floats32, at: At, allowed: Floats, limits: Floats) -> Floats:
    """Return where the rise crosses what is allowed, between an outer grid point and the next one inwards."""
    last = len(limits) - 1
    o, i = np.clip(outer, 0, last), np.clip(outer + inwards, 0, last)
    row = np.arange(len(outer))
    r0, r1 = (np.sqrt(np.maximum(sse[row, x] - at.sse, 0)) for x in (o, i))
    past = (limits[i] - at.limit) * inwards >= 0  # the optimum itself lies before the next grid point
    x1, r1 = np.where(past, at.limit, limits[i]), np.where(past, 0.0, r1)
    part = np.clip((r0 - np.sqrt(allowed)) / np.maximum(r0 - r1, 1e-12), 0, 1)
    there = (outer >= 0) & (outer <= last)
    edge = limits[0] if inwards > 0 else limits[-1]
    return np.asarray(np.where(there, limits[o] + part * (x1 - limits[o]), edge))
