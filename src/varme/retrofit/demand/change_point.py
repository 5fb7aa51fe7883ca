r"""Change-point heating models of all meters at once: base load, heating limit, slope.

.. math:: q_t = b + s \max(L - T_t, 0) + e_t,\qquad b \ge 0,\ s \ge 0

The three-parameter heating model of ASHRAE Guideline 14 and the IPMVP, the signature of VDI 3807. For a given limit
the rest is a straight line, so the sum of squares is profiled over a grid of limits by one matrix product for all
meters, and the best cell is refined by Gauss-Newton steps on the exact sums.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from varme.retrofit.demand import least_squares
from varme.retrofit.demand.heating_grid import LIMITS_C, HeatingGrid
from varme.retrofit.demand.least_squares import At, Quality, Rows, Work

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]

#: Verdicts, by code.
VERDICTS = ("no data", "no heating", "ambiguous", "heating")
NO_DATA, NO_HEATING, AMBIGUOUS, HEATING = range(4)

#: Fewest valid days of a fit, and fewest that are colder than the limit: assumption; below, nothing can be said.
LEAST_DAYS, LEAST_COLD_DAYS = 60, 15
#: Least F of the heating term. The limit is searched for, so this is well above the 3.8 of a fixed one: with it 0.1 %
#: of meters without any heating pass (``tests/retrofit/test_change_point.py`` measures it).
LEAST_F = 15.0
#: A meter heats if at least this share of its energy follows the temperature; it does not if the share's upper end is
#: below this, or below twice this where the heating term is not even clear (assumptions).
LEAST_HEAT_SHARE = 0.1
#: A meter is fitted anew, robustly, if its largest residual exceeds so many standard deviations, taken to grow with the
#: expected energy above the mean (assumptions).
SUSPICIOUS_SD = 6.0
#: Huber's constant: 95 % efficiency with normal errors (Huber & Ronchetti, Robust Statistics, 2nd ed., 4.5).
HUBER = 1.345
#: Least-squares fits of the robust estimate.
ROBUST_TURNS = 6
#: Confidence of all intervals.
CONFIDENCE = 0.95
#: Meters that are fitted at a time: a block and its work arrays stay in the cache.
ROWS = 512
#: Readings that are fitted at a time, where rows are short: the cost of a call is spread over more of them.
READINGS = 600_000


@dataclass(frozen=True)
class ChangePoints:
    """Parameters of ``q = base + slope * max(limit - T, 0)`` by meter, each of shape (meters,).

    Standard errors allow for residuals that are larger on cold days (White's sandwich) and that follow each other
    (times (1 + rho) / (1 - rho), the effective sample size of ASHRAE Guideline 14-2014, annex B).

    Attributes:
        base: Energy of a day without heating [unit/day].
        slope: Energy per day and kelvin below the limit.
        limit_c: Heating limit [C].
        r2: Share of the variance explained.
        residual_sd: Standard deviation of the residuals [unit/day].
        days: Days used.
        base_se: Standard error of the base; NaN where it is held at zero.
        slope_se: Standard error of the slope.
        limit_se_c: Standard error of the limit [K].
        limit_low_c: Lower end of the profile interval of the limit; the grid's end where it is open.
        limit_high_c: Upper end.
        rho: Correlation of the residuals of following days.
        cv_rmse: Residual standard deviation over the mean.
        heat_share: Share of the energy that follows the temperature.
        verdict: Code in :data:`VERDICTS`.
        robust: Whether outliers were held back (Huber).
    """

    base: Floats
    slope: Floats
    limit_c: Floats
    r2: Floats
    residual_sd: Floats
    days: NDArray[np.int64]
    base_se: Floats
    slope_se: Floats
    limit_se_c: Floats
    limit_low_c: Floats
    limit_high_c: Floats
    rho: Floats
    cv_rmse: Floats
    heat_share: Floats
    verdict: NDArray[np.int8]
    robust: NDArray[np.bool_]

    def predict(self, temperature_c: Floats) -> Floats:
        """Return the energy of days with these temperatures, shape (meters, days)."""
        need = np.maximum(self.limit_c[:, None] - temperature_c[None, :], 0)
        return np.asarray(self.base[:, None] + self.slope[:, None] * need, dtype=float)

    def at(self, rows: NDArray[np.int64], temperature_c: Floats) -> Floats:
        """Return the energy of single days: of meter ``rows[i]`` at ``temperature_c[i]``."""
        need = np.maximum(self.limit_c[rows] - temperature_c, 0)
        return np.asarray(self.base[rows] + self.slope[rows] * need, dtype=float)

    def rows(self, chosen: slice | NDArray[np.int64] | NDArray[np.bool_]) -> ChangePoints:
        """Return the models of some meters."""
        return ChangePoints(*(getattr(self, f.name)[chosen] for f in fields(self)))

    def verdict_names(self) -> NDArray[np.object_]:
        """Return the verdicts in words."""
        return np.asarray(np.array(VERDICTS, dtype=object)[self.verdict])

    @classmethod
    def empty(cls, meters: int) -> ChangePoints:
        """Return models to be filled."""
        made = {f.name: np.full(meters, np.nan) for f in fields(cls)}
        made |= {"days": np.zeros(meters, np.int64), "verdict": np.zeros(meters, np.int8)}
        return cls(**(made | {"robust": np.zeros(meters, bool)}))

    @classmethod
    def join(cls, parts: list[ChangePoints]) -> ChangePoints:
        """Return the models of several lists of meters as one."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))


def fit_change_points(
    values: Floats32,
    temperature_c: Floats,
    limits_c: Floats = LIMITS_C,
    *,
    robust: bool = True,
    grid: HeatingGrid | None = None,
) -> ChangePoints:
    """Fit the model to every row by least squares.

    Args:
        values: Energy by meter and day, shape (meters, days), NaN where missing.
        temperature_c: Outdoor temperature by day [C], shape (days,); days without one are not used.
        limits_c: Grid of heating limits [C], rising.
        robust: Whether meters with outliers are fitted anew with Huber's estimate.
        grid: ``HeatingGrid.of(temperature_c, limits_c)``, if it is there already.
    """
    grid = grid or HeatingGrid.of(np.asarray(temperature_c, dtype=float), limits_c)
    found = ChangePoints.empty(len(values))
    if grid.days == 0:
        return found
    whole = bool(grid.chosen.all())
    rows = max(ROWS, READINGS // grid.days)
    work = Work(min(rows, len(values)), grid.days)
    for first in range(0, len(values), rows):
        block = values[first : first + rows]
        block = block if whole else block[:, grid.chosen]
        odd = _fit_block(block, grid, work, found, np.arange(first, first + len(block)))
        if robust and len(odd):
            _fit_robust(block[odd], grid, work, found, first + odd)
    return found


def _fit_block(block: Floats32, grid: HeatingGrid, work: Work, found: ChangePoints, place: Ints) -> Ints:
    """Fit a block by least squares and return the rows with a suspicious residual."""
    rows = least_squares.centre(block, work)
    sse, start = least_squares.profile(rows, grid, work)
    at = least_squares.fit(rows, grid, start, work)
    spread = np.sqrt(at.sse / np.maximum(rows.n - 3, 1))
    residual = least_squares.residuals(rows, at, work)
    found_quality = least_squares.quality(rows, at, sse, residual, grid, work, CONFIDENCE)
    r2 = np.where(rows.square > 0, 1 - at.sse / np.where(rows.square > 0, rows.square, 1), 0.0)
    _store(found, place, rows, at, found_quality, spread, r2)
    expected = at.base + at.slope * found_quality.worst_need
    local = spread * np.maximum(1, expected / np.maximum(rows.mean, np.finfo(float).tiny))
    return np.flatnonzero((found_quality.worst > SUSPICIOUS_SD * local) & (rows.n >= LEAST_DAYS))


def _fit_robust(y: Floats32, grid: HeatingGrid, work: Work, found: ChangePoints, place: Ints) -> None:
    """Fit rows anew with Huber's estimate, by least squares on modified residuals (Huber & Ronchetti, 7.8).

    Residuals beyond 1.345 scales are bent back to it and the fit is repeated. The scale is that of the median absolute
    residual, taken once from the first fit and once more near the end.
    """
    gaps = ~np.isfinite(y)
    limit = found.limit_c[place]
    rows = least_squares.centre(y, work)
    square = rows.square
    at = least_squares.fit(rows, grid, limit, work, steps=0)
    left = least_squares.residuals(rows, at, work).copy()
    scale = _scale(left, gaps, rows.n)
    for turn in range(ROBUST_TURNS):
        held = np.clip(left, -HUBER * scale, HUBER * scale)
        modified = y - left + held
        rows = least_squares.centre(modified, work)
        if turn == ROBUST_TURNS - 1:
            break
        at = least_squares.fit(rows, grid, at.limit, work)
        left = least_squares.residuals(rows, at, work) + (y - modified)
        left[gaps] = 0
        if turn == ROBUST_TURNS - 3:
            scale = _scale(left, gaps, rows.n)
    sse, start = least_squares.profile(rows, grid, work)
    at = least_squares.fit(rows, grid, start, work)
    residual = least_squares.residuals(rows, at, work)
    plain = residual + np.where(gaps, 0, y - modified)
    r2 = np.where(square > 0, 1 - np.vecdot(plain, plain) / np.where(square > 0, square, 1), 0.0)
    free = np.maximum(1 - (np.abs(plain) > HUBER * scale).sum(axis=1) / np.maximum(rows.n, 1), 0.5)
    found_quality = least_squares.quality(rows, at, sse, residual, grid, work, CONFIDENCE)
    errors = (found_quality.base_se / free, found_quality.slope_se / free, found_quality.limit_se / free)
    found_quality = replace(found_quality, base_se=errors[0], slope_se=errors[1], limit_se=errors[2])
    _store(found, place, rows, at, found_quality, np.sqrt(at.sse / np.maximum(rows.n - 3, 1)) / free, r2)
    found.robust[place] = True


def _scale(residual: Floats32, gaps: NDArray[np.bool_], n: Floats) -> Floats32:
    """Return the scale of the residuals by row from their median size, shape (rows, 1)."""
    size = np.sort(np.where(gaps, np.inf, np.abs(residual)), axis=1)
    middle = size[np.arange(len(size)), np.maximum(n.astype(np.int64) - 1, 0) // 2]
    return np.asarray((middle / 0.6745).astype(np.float32)[:, None])


def _store(
    found: ChangePoints, place: Ints, rows: Rows, at: At, quality: Quality, spread: Floats, r2: Floats
) -> None:
    none, mean = rows.n == 0, rows.mean
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(mean > 0, at.slope * at.need / np.maximum(rows.n, 1) / mean, 0.0)
        figures = {
            "base": at.base, "slope": at.slope, "limit_c": at.limit, "r2": r2, "residual_sd": spread,
            "base_se": quality.base_se, "slope_se": quality.slope_se, "limit_se_c": quality.limit_se,
            "limit_low_c": quality.limit_low, "limit_high_c": quality.limit_high, "rho": quality.rho,
            "cv_rmse": np.where(mean > 0, spread / mean, np.nan), "heat_share": share,
        }  # fmt: skip
    for name, value in figures.items():
        getattr(found, name)[place] = np.where(none, np.nan, value)
    found.days[place] = rows.n.astype(np.int64)
    found.verdict[place] = _verdict(rows, at, quality, share)


def _verdict(rows: Rows, at: At, quality: Quality, share: Floats) -> NDArray[np.int8]:
    gain = np.maximum(rows.square - at.sse, 0)
    noise = at.sse / np.maximum(quality.effective - 3, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        clear = np.where(noise > 0, gain / noise, np.where(gain > 0, np.inf, 0.0)) >= LEAST_F
        most = np.where(at.slope > 0, share * (1 + 1.96 * quality.slope_se / at.slope), 0.0)
    enough = rows.n >= LEAST_DAYS
    out = np.full(len(share), AMBIGUOUS, dtype=np.int8)
    out[enough & (most < np.where(clear, 1, 2) * LEAST_HEAT_SHARE)] = NO_HEATING
    out[enough & clear & (share >= LEAST_HEAT_SHARE) & (at.active >= LEAST_COLD_DAYS)] = HEATING
    out[rows.n == 0] = NO_DATA
    return out
