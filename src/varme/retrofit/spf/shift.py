"""The covariate-adjusted robust log shift: log B as the coefficient of a group in one robust regression.

``log E_j + log B = log Q_i`` in distribution, once both are compared at equal covariates:

    y = a - (log B) g + b' z + e,   g = 1 for heat-pump homes,

with y the log of heat or electricity, z standardised covariates and e of a spread of its own in each group. The fit
is an MM-type estimate: a start of high breakdown (least absolute deviations with leverage weights, then the median
absolute deviation of each group), then Tukey's bisquare (Yohai 1987; Maronna, Martin, Yohai & Salibian-Barrera 2019).
Errors are sandwich errors with the leave-one-out leverage of HC3 (MacKinnon & White 1985).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import integrate

from varme.retrofit.spf.covariates import Prepared

Floats = NDArray[np.float64]

#: Tuning constant of the bisquare in the fit: 98 % efficiency at the normal (4.685 is 95 %). Chosen on development
#: seeds of the synthetic towns as the best compromise of clean and dirty meters.
BISQUARE = 6.0
#: The first steps look at about this many homes of each group; the last one looks at all.
THINNED_COUNT = 20_000
#: Tuning constant of the first steps, from which far-off homes are left out of the scale.
CAUTIOUS = 4.0
#: Consistency of the median absolute deviation at the normal.
MAD_NORMAL = 1.4826
#: Heat pumps' worth of weight given to the gas homes' scale where the scale of few heat pumps is found.
SCALE_PRIOR_COUNT = 20.0
#: Variance that the SPF adds to log electricity in that prior (sd of log SPF 0.14).
SPF_VARIANCE = 0.02


@dataclass(frozen=True)
class ShiftFit:
    """A fitted shift.

    Attributes:
        shift_log: log of the geometric B.
        variance_heat: Part of its variance that the gas meters cause.
        variance_electricity: Part that the heat-pump meters cause.
        slopes: Coefficients of the standardised covariates, shape (k,).
        slope_variances: Their variances, shape (k,).
        residual_heat: Residuals of the gas homes, shape (n,).
        residual_electricity: Residuals of the heat-pump homes, shape (m,).
        weight_heat: Robust weights, 1 for trusted, 0 for left out, shape (n,).
        weight_electricity: Robust weights, shape (m,).
        scale_heat: Robust spread of the residuals of the gas homes.
        scale_electricity: The same of the heat-pump homes.
    """

    shift_log: float
    variance_heat: float
    variance_electricity: float
    slopes: Floats
    slope_variances: Floats
    residual_heat: Floats
    residual_electricity: Floats
    weight_heat: Floats
    weight_electricity: Floats
    scale_heat: float
    scale_electricity: float

    @property
    def variance(self) -> float:
        """Variance of log B."""
        return self.variance_heat + self.variance_electricity

    @property
    def df(self) -> float:
        """Degrees of freedom (Welch-Satterthwaite) from the sums of robust weights."""
        n = max(float(self.weight_heat.sum()) - 1 - len(self.slopes), 1.0)
        m = max(float(self.weight_electricity.sum()) - 1, 1.0)
        parts = self.variance_heat**2 / n + self.variance_electricity**2 / m
        return float(np.clip(self.variance**2 / max(parts, 1e-300), 1.0, n + m))


def _weights(u: Floats, tuning: float) -> Floats:
    """Return Tukey's bisquare weights of scaled residuals."""
    return np.asarray(np.square(np.maximum(1 - np.square(u / tuning), 0.0)))


def _psi_slope(u: Floats, tuning: float) -> Floats:
    """Return the derivative of the bisquare's psi."""
    t = np.square(u / tuning)
    return np.asarray(np.where(t < 1, (1 - t) * (1 - 5 * t), 0.0))


@cache
def variance_consistency(tuning: float) -> float:
    """Return the weighted variance of a standard normal under bisquare weights: what robust variances divide by."""

    def density(u: float) -> float:
        return float(np.exp(-u * u / 2) * (1 - (u / tuning) ** 2) ** 2)

    top = integrate.quad(lambda u: u * u * density(u), 0, tuning)[0]
    return float(top / integrate.quad(density, 0, tuning)[0])


def robust_variance(
    residual: Floats, scale: float, prior_weight: Floats | None = None, tuning: float = 4.0
) -> float:
    """Return the variance of a normal core: bisquare-weighted second moment about the weighted mean, made consistent.

    Args:
        residual: Residuals, shape (n,).
        scale: Their robust scale.
        prior_weight: Weights from design, shape (n,).
        tuning: Tuning constant of the bisquare.
    """
    if scale <= 0:
        return 0.0
    w = _weights(residual / scale, tuning) * (1.0 if prior_weight is None else prior_weight)
    total = float(w.sum())
    if total <= 1:
        return scale**2
    mean = float(w @ residual) / total
    return float(w @ np.square(residual - mean)) / total / variance_consistency(tuning)


def _shorth(values: Floats) -> float:
    """Return the middle of the shortest half: where most homes are, even if a third of them are cookers or empty."""
    ordered = np.sort(values)
    half = (len(ordered) + 1) // 2
    width = ordered[half - 1 :] - ordered[: len(ordered) - half + 1]
    best = int(np.argmin(width))
    return float(np.median(ordered[best : best + half]))


def _mad(residual: Floats, weight: Floats) -> float:
    """Return the normalised median of absolute residuals, of the homes with the full weight if they are enough."""
    if not len(residual):
        return 0.0
    full = residual[weight >= 0.999 * weight.max()]
    chosen = full if len(full) >= max(5, len(residual) // 4) else residual
    return float(MAD_NORMAL * np.median(np.abs(chosen - np.median(chosen))))


def _solve(X: Floats, w: Floats, y: Floats) -> Floats:
    """Return weighted least squares; a tiny ridge keeps collinear covariates from failing."""
    Xw = X * w[:, None]
    A = Xw.T @ X
    A[np.diag_indices_from(A)] += 1e-10 * max(float(np.trace(A)), 1e-300) / len(A)
    return np.asarray(np.linalg.solve(A, Xw.T @ y), dtype=float)


def _start(X: Floats, y: Floats, w: Floats, iterations: int = 12) -> Floats:
    """Return least absolute deviations with leverage weights, by iterated least squares."""
    if X.shape[1] > 2:
        leverage = np.abs(X[:, 2:]).max(axis=1)
        w = w * np.minimum(1.0, np.square(2.0 / np.maximum(leverage, 1e-9)))
    beta = np.zeros(X.shape[1])
    group = X[:, 1] > 0
    middle = np.median(y[~group])
    beta[:2] = middle, np.median(y[group]) - middle
    for _ in range(iterations):
        r = np.abs(y - X @ beta)
        beta = _solve(X, w / np.maximum(r, 0.05 * np.median(r) + 1e-12), y)
    return beta


def _thinned(n: int, m: int) -> NDArray[np.int64]:
    """Return the homes that the first steps look at: all, or every k-th of each group in a large region."""
    heat, el = (np.arange(0, count, max(1, count // THINNED_COUNT)) for count in (n, m))
    return np.concatenate([heat, n + el])


def fit_shift(x: Floats, y: Floats, covariates: Prepared, tuning: float = BISQUARE) -> ShiftFit:
    """Return the robust adjusted shift of log heat above log electricity.

    Args:
        x: Log heat of the gas homes, shape (n,).
        y: Log electricity of the heat-pump homes, shape (m,).
        covariates: Prepared covariates of both groups.
        tuning: Tuning constant of the bisquare.
    """
    n, m, k = len(x), len(y), covariates.heat.shape[1]
    both = np.concatenate([x, y])
    X = np.empty((n + m, 2 + k))
    X[:, 0] = 1.0
    X[:n, 1], X[n:, 1] = 0.0, 1.0
    X[:n, 2:], X[n:, 2:] = covariates.heat, covariates.electricity
    design = np.concatenate([covariates.weight_heat, covariates.weight_electricity])
    some = _thinned(n, m)
    beta = _start(X[some], both[some], design[some])
    n_some = int((some < n).sum())
    first = both[some] - X[some] @ beta
    beta[0] += _shorth(first[:n_some])
    beta[1] += float(np.median(first[n_some:])) - _shorth(first[:n_some])
    kept = np.ones(n + m, dtype=bool)
    for step in (CAUTIOUS, tuning):
        s_heat, s_el, w0 = _scales(both - X @ beta, n, covariates, beta[2:], design, kept)
        spread = np.concatenate([s_heat, s_el])
        part = some if step == CAUTIOUS else slice(None)
        beta = _bisquare(X[part], both[part], beta, w0[part], spread[part], step)
        kept = np.abs(both - X @ beta) < CAUTIOUS * spread
    return _result(X, both, beta, n, covariates, tuning, (s_heat, s_el, w0))


def _scales(
    residual: Floats, n: int, covariates: Prepared, slopes: Floats, design: Floats, kept: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats]:
    """Return the scale of each home's residual by group, and its weight in the regression.

    A home whose covariate is imputed has a wider residual, by the slopes; its weight also carries what is not known
    about the mean that was imputed (double sampling), see :class:`varme.retrofit.spf.covariates.Prepared`.
    """
    scale_heat = _mad(residual[:n][kept[:n]], covariates.weight_heat[kept[:n]])
    scale_el = _mad(residual[n:][kept[n:]], covariates.weight_electricity[kept[n:]])
    m = len(residual) - n
    floor = 1e-9 + 1e-3 * (scale_heat + scale_el)
    prior = np.sqrt(scale_heat**2 + SPF_VARIANCE)
    share = m / (m + SCALE_PRIOR_COUNT)
    scale_el = float(np.exp(share * np.log(max(scale_el, floor)) + (1 - share) * np.log(max(prior, floor))))
    scale_heat = max(scale_heat, floor)
    out = []
    for scale, extra in (
        (scale_heat, covariates.imputed_heat),
        (scale_el, covariates.imputed_electricity),
    ):
        out.append(
            np.sqrt(scale**2 + extra @ np.square(slopes)) if extra.size else np.full(len(extra), scale)
        )
    s = np.concatenate(out)
    doubled = np.concatenate([covariates.double_heat, covariates.double_electricity])
    extra = np.concatenate([covariates.imputed_heat, covariates.imputed_electricity])
    w0 = design / (s**2 + (doubled * (extra @ np.square(slopes)) if extra.shape[1] else 0.0))
    return out[0], out[1], w0


def _bisquare(X: Floats, y: Floats, beta: Floats, w0: Floats, s: Floats, tuning: float) -> Floats:
    """Iterate weighted least squares to the nearest bisquare solution."""
    for _ in range(60):
        new = _solve(X, w0 * _weights((y - X @ beta) / s, tuning), y)
        done = float(np.max(np.abs(new - beta))) < 1e-9
        beta = new
        if done:
            break
    return beta


def _result(
    X: Floats,
    y: Floats,
    beta: Floats,
    n: int,
    covariates: Prepared,
    tuning: float,
    scales: tuple[Floats, Floats, Floats],
) -> ShiftFit:
    """Return the fit with its sandwich variance, split by the group that causes it."""
    s_heat, s_el, w0 = scales
    r, s = y - X @ beta, np.concatenate([s_heat, s_el])
    u = r / s
    curvature = w0 * _psi_slope(u, tuning)
    robust = _weights(u, tuning)
    A = (X * curvature[:, None]).T @ X
    # A local minimum can have negative curvature in small, dirty samples: then the weights stand in for it.
    if np.linalg.eigvalsh(A).min() <= 1e-9 * np.trace(A):
        A = (X * (w0 * robust)[:, None]).T @ X
    A[np.diag_indices_from(A)] += 1e-10 * np.trace(A) / len(A)
    inverse = np.linalg.inv(A)
    row = X @ inverse
    leverage = np.clip(np.einsum("ij,ij->i", row, X) * w0 * robust, 0.0, 0.5)
    score = w0 * robust * r / (1 - leverage)
    influence = row * score[:, None]
    by_group = [np.square(influence[:n]).sum(axis=0), np.square(influence[n:]).sum(axis=0)]
    slopes = beta[2:]
    extra = [
        _imputation_variance(w0[:n] * robust[:n], covariates.imputed_heat, covariates.known_heat, slopes),
        _imputation_variance(w0[n:] * robust[n:], covariates.imputed_electricity, covariates.known_electricity, slopes),
    ]  # fmt: skip
    return ShiftFit(
        shift_log=-float(beta[1]),
        variance_heat=float(by_group[0][1]) + extra[0],
        variance_electricity=float(by_group[1][1]) + extra[1],
        slopes=slopes,
        slope_variances=(by_group[0] + by_group[1])[2:],
        residual_heat=r[:n],
        residual_electricity=r[n:],
        weight_heat=robust[:n],
        weight_electricity=robust[n:],
        scale_heat=float(s_heat.min()),
        scale_electricity=float(s_el.min()),
    )


def _imputation_variance(weight: Floats, imputed: Floats, known: Floats, slopes: Floats) -> float:
    """Return the variance that imputed means add to a group's level: share^2 b^2 var / known, by covariate."""
    if not len(slopes) or not imputed.any():
        return 0.0
    missing = imputed > 0
    share = (weight[:, None] * missing).sum(axis=0) / max(float(weight.sum()), 1e-300)
    return float(np.sum(np.square(share * slopes) * imputed.max(axis=0) / np.maximum(known, 1)))
