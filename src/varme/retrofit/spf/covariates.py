"""What is known of the homes, made comparable: logarithms, robust standard scores, missing values, overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Standard scores beyond this are pulled back to it: volumes with attics, typing errors.
WINSOR_SCORE = 3.5
#: Values whose 95th percentile is this many times the 5th are taken as logarithms.
LOG_SPAN = 2.0
#: Homes whose scores lie beyond the first figure count less, and from the second on not at all: no home with a heat
#: pump is there to be compared with them (of 73 normal scores the largest is 2.4), and multi-family meters are.
SUPPORT_SCORES = (2.2, 3.6)
#: A covariate must be known for this share of each group, and for this many homes.
KNOWN_SHARE, KNOWN_COUNT = 0.3, 8
#: A covariate is used if this share of heat-pump homes lies within the central 98 % of the gas homes.
OVERLAP_SHARE = 0.5


@dataclass(frozen=True)
class Prepared:
    """Standardised covariates of both groups, without missing values.

    A missing value is replaced by the mean of its own group, so that homes with heat pumps that are larger than the
    others stay so. What is not known about it widens the home's residual (``imputed``), and the imputed mean is itself
    estimated from the homes that are known (``double``), as in double sampling.

    Attributes:
        names: Covariates used, in the order of the columns.
        heat: Scores of the gas homes, shape (n, k).
        electricity: Scores of the heat-pump homes, shape (m, k).
        imputed_heat: Variance of the score where it was imputed, else 0, shape (n, k).
        imputed_electricity: The same, shape (m, k).
        double_heat: Imputed homes per known home, where imputed, else 0, shape (n,).
        double_electricity: The same, shape (m,).
        known_heat: Known values by covariate, shape (k,).
        known_electricity: The same, shape (k,).
        weight_heat: Weights from design (overlap), shape (n,).
        weight_electricity: The same, shape (m,).
        notes: One entry per covariate asked for: name, used, reason, missing shares, difference of the groups.
    """

    names: tuple[str, ...]
    heat: Floats
    electricity: Floats
    imputed_heat: Floats
    imputed_electricity: Floats
    double_heat: Floats
    double_electricity: Floats
    known_heat: Floats
    known_electricity: Floats
    weight_heat: Floats
    weight_electricity: Floats
    notes: tuple[dict[str, Any], ...] = field(default=())


def without(n: int, m: int, notes: Sequence[dict[str, Any]] = ()) -> Prepared:
    """Return no covariates, for n gas homes and m heat-pump homes."""
    return Prepared(
        (), np.zeros((n, 0)), np.zeros((m, 0)), np.zeros((n, 0)), np.zeros((m, 0)), np.zeros(n), np.zeros(m),
        np.zeros(0), np.zeros(0), np.ones(n), np.ones(m), tuple(notes),
    )  # fmt: skip


def prepare(
    heat: Mapping[str, Floats] | None,
    electricity: Mapping[str, Floats] | None,
    names: Sequence[str],
    n: int,
    m: int,
    *,
    overlap_weights: bool = False,
) -> Prepared:
    """Return the covariates that both groups have, standardised.

    Args:
        heat: Name -> values by gas home, shape (n,); NaN where not known.
        electricity: Name -> values by heat-pump home, shape (m,).
        names: Covariates asked for, in order of preference: at most one per 10 heat pumps is used.
        n: Gas homes.
        m: Heat-pump homes.
        overlap_weights: Whether to weigh homes by overlap.
    """
    columns: list[tuple[str, Floats, Floats]] = []
    notes: list[dict[str, Any]] = []
    for name in names:
        note: dict[str, Any] = {"name": name, "used": False, "reason": ""}
        notes.append(note)
        if heat is None or electricity is None or name not in heat or name not in electricity:
            note["reason"] = "not known for both groups"
        elif len(columns) >= max(1, m // 10):
            note["reason"] = "more than one covariate per 10 heat pumps"
        else:
            pair = _scored(
                np.asarray(heat[name], dtype=float), np.asarray(electricity[name], dtype=float), note
            )
            if pair is not None:
                columns.append((name, *pair))
                note["used"] = True
    if not columns:
        return without(n, m, notes)
    filled = [_fill(np.column_stack([c[side] for c in columns])) for side in (1, 2)]
    (zh, ih, dh, kh), (ze, ie, de, ke) = filled
    wh, we = overlap(zh, ze) if overlap_weights else (np.ones(n), np.ones(m))
    wh, we = wh * _support(zh), we * _support(ze)
    return Prepared(tuple(c[0] for c in columns), zh, ze, ih, ie, dh, de, kh, ke, wh, we, tuple(notes))


def _support(scores: Floats) -> Floats:
    """Return weights that fall from 1 to 0 where the covariates leave the support that both groups share."""
    inner, outer = SUPPORT_SCORES
    return np.asarray(np.square(np.clip((outer - np.abs(scores).max(axis=1)) / (outer - inner), 0.0, 1.0)))


def _scored(heat: Floats, electricity: Floats, note: dict[str, Any]) -> tuple[Floats, Floats] | None:
    """Return robust standard scores of a covariate in both groups, or None with the reason in the note."""
    pooled = np.concatenate([heat, electricity])
    known = np.isfinite(pooled)
    if known.any() and np.nanmin(pooled) >= 0:
        known &= pooled > 0  # a volume of 0 is not known
    at_heat, at_el = known[: len(heat)], known[len(heat) :]
    note["missing_heat_share"], note["missing_electricity_share"] = 1 - at_heat.mean(), 1 - at_el.mean()
    if min(at_heat.mean(), at_el.mean()) < KNOWN_SHARE or min(at_heat.sum(), at_el.sum()) < KNOWN_COUNT:
        note["reason"] = "known for too few homes"
        return None
    values = pooled[known]
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    note["log"] = bool(values.min() > 0 and high > LOG_SPAN * low)
    scores = np.full(len(pooled), np.nan)
    scores[known] = np.log(values / middle) if note["log"] else values - middle
    spread = 1.4826 * np.median(np.abs(scores[known])) or float(scores[known].std())
    if not spread > 1e-12 * max(abs(middle), 1.0):
        note["reason"] = "the same for all homes"
        return None
    scores = np.clip(scores / spread, -WINSOR_SCORE, WINSOR_SCORE)
    h, e = scores[: len(heat)], scores[len(heat) :]
    inner = np.quantile(h[at_heat], [0.01, 0.99])
    note["overlap_share"] = float(np.mean((e[at_el] >= inner[0]) & (e[at_el] <= inner[1])))
    note["difference_sd"] = float(e[at_el].mean() - h[at_heat].mean())
    if note["overlap_share"] < OVERLAP_SHARE:
        note["reason"] = "the groups do not overlap"
        return None
    return h, e


def _fill(scores: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return scores with missing ones replaced by what the group's known ones say, their variance, and the counts.

    With several covariates a missing one is regressed on the others of the same home (one pass, from mean-filled
    scores), so that a home of known floor area does not get the mean volume.
    """
    missing = ~np.isfinite(scores)
    known = (~missing).sum(axis=0).astype(float)
    means = np.nanmean(scores, axis=0)
    filled = np.where(missing, means, scores)
    variance = np.nanvar(scores, axis=0)
    out, extra = filled.copy(), np.where(missing, variance, 0.0)
    if scores.shape[1] > 1:
        for k in np.flatnonzero(missing.any(axis=0)):
            others = np.delete(filled, k, axis=1) - np.delete(means, k)
            rows = ~missing[:, k]
            A = others[rows].T @ others[rows] + 1e-6 * rows.sum() * np.eye(others.shape[1])
            slope = np.linalg.solve(A, others[rows].T @ (filled[rows, k] - means[k]))
            guess = means[k] + others @ slope
            left = float(np.var(filled[rows, k] - guess[rows]))
            out[missing[:, k], k] = guess[missing[:, k]]
            extra[missing[:, k], k] = left
    any_missing = missing.any(axis=1)
    ratio = missing.sum(axis=0) / np.maximum(known, 1)
    double = np.where(any_missing, (missing * ratio).max(axis=1), 0.0)
    return out, extra, double, known


def propensity(heat: Floats, electricity: Floats) -> tuple[Floats, Floats]:
    """Return the probability that a home has a heat pump, given its covariates and equal group sizes (logistic).

    The groups are given equal total weight, so that 73 of 1,473 homes do not make every probability small.

    Args:
        heat: Scores of the gas homes, shape (n, k).
        electricity: Scores of the heat-pump homes, shape (m, k).
    """
    n, m = len(heat), len(electricity)
    X = np.column_stack([np.ones(n + m), np.vstack([heat, electricity])])
    t = np.repeat([0.0, 1.0], [n, m])
    w = np.repeat([0.5 / n, 0.5 / m], [n, m]) * (n + m)
    beta, ridge = np.zeros(X.shape[1]), np.eye(X.shape[1])
    ridge[0, 0] = 0.0
    for _ in range(30):
        p = 1 / (1 + np.exp(-np.clip(X @ beta, -30, 30)))
        step = np.linalg.solve(
            (X * (w * p * (1 - p))[:, None]).T @ X + ridge + 1e-9 * np.eye(len(beta)),
            X.T @ (w * (t - p)) - ridge @ beta,
        )
        beta = beta + step
        if np.abs(step).max() < 1e-9:
            break
    p = 1 / (1 + np.exp(-np.clip(X @ beta, -30, 30)))
    return p[:n], p[n:]


def overlap(heat: Floats, electricity: Floats) -> tuple[Floats, Floats]:
    """Return overlap weights with mean 1 in each group (Li, Morgan & Zaslavsky 2018, J. Am. Stat. Assoc. 113)."""
    p_heat, p_el = propensity(heat, electricity)
    return p_heat / p_heat.mean(), (1 - p_el) / (1 - p_el).mean()
