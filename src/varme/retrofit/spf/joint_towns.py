"""Several towns at once: each level is drawn to the others as far as it is uncertain (partial pooling)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from varme.retrofit.spf.curve import CopCurve
from varme.retrofit.spf.joint import GRID, JointEstimate, Priors, YearLevel, joint_estimate, posterior_of_grid
from varme.retrofit.spf.years import PanelYears

Floats = NDArray[np.float64]

#: Scale of the half-Cauchy prior of differences between towns, in log B (assumption; SPF H4 by trial: EST 2.45,
#: RHPP 2.36, EoH 2.81).
TOWN_SCALE = 0.1


@dataclass(frozen=True)
class TownEvidence:
    """What is known of one town; see :func:`joint_estimate`."""

    levels: Sequence[YearLevel]
    panel: PanelYears | None = None
    curve: CopCurve | None = None
    temperature_c: Floats | None = None
    expected_log: Floats | None = None


@dataclass(frozen=True)
class JointTowns:
    """Several towns with partial pooling of their levels.

    Attributes:
        towns: Name -> estimate.
        alone: Name -> estimate without the other towns.
        between_sd: Posterior mean of the standard deviation of log B between towns.
        mean_b_ratio: B of the mean town (geometric).
    """

    towns: dict[str, JointEstimate]
    alone: dict[str, JointEstimate]
    between_sd: float
    mean_b_ratio: float


def joint_towns(
    towns: Mapping[str, TownEvidence],
    confidence_share: float = 0.95,
    town_scale: float = TOWN_SCALE,
    priors: Priors | None = None,
) -> JointTowns:
    """Return the estimates of several towns, each drawn to the others as far as their levels are uncertain.

    The level of each town has the predictive distribution of the others as its prior: ``mu_k ~ N(M, omega^2)``, omega
    half-Cauchy, both estimated without the town itself.

    Args:
        towns: Name -> what is known of it.
        confidence_share: Confidence of the intervals.
        town_scale: Scale of the half-Cauchy prior of the differences between towns.
        priors: What is assumed within each town.
    """
    given = priors or Priors()
    alone = {
        name: joint_estimate(t.levels, t.panel, t.curve, t.temperature_c, confidence_share, t.expected_log, given,
                             sensitivity=False)
        for name, t in towns.items()
    }  # fmt: skip
    mean = np.array([e.log_mean.mean() for e in alone.values()])
    variance = np.array([e.log_cov.mean() for e in alone.values()])
    out = {}
    for k, (name, t) in enumerate(towns.items()):
        others = np.arange(len(mean)) != k
        if not others.any():
            out[name] = alone[name]
            continue
        centre, spread, _ = _pooled(mean[others], variance[others], town_scale)
        drawn = replace(given, level=(centre, spread))
        out[name] = joint_estimate(
            t.levels, t.panel, t.curve, t.temperature_c, confidence_share, t.expected_log, drawn
        )
    centre, _, between = _pooled(mean, variance, town_scale)
    return JointTowns(out, alone, between, float(np.exp(centre)))


def _pooled(mean: Floats, variance: Floats, scale: float) -> tuple[float, float, float]:
    """Return the mean of towns, the predictive standard deviation of another one, and their spread."""
    weight = 1 / (variance[None, :] + GRID[:, None] ** 2)
    centre = (weight @ mean) / weight.sum(axis=1)
    left = (mean[None, :] - centre[:, None]) ** 2 * weight
    log_like = 0.5 * np.log(weight).sum(axis=1) - 0.5 * left.sum(axis=1) - 0.5 * np.log(weight.sum(axis=1))
    p = posterior_of_grid(log_like, scale)
    total = GRID**2 + 1 / weight.sum(axis=1)
    middle = float(p @ centre)
    return middle, float(np.sqrt(p @ (total + (centre - middle) ** 2))), float(p @ GRID)
