"""B and SPF of one year from annual totals of unpaired meters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from varme.retrofit.spf.spec import SpfSpec

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """An estimate of B = SPF / (1 - gamma), with its interval.

    Attributes:
        method: Name of the method.
        b_ratio: Estimate of the fleet's B: sum of heat over sum of electricity.
        low_ratio: Lower end of the interval.
        high_ratio: Upper end.
        log_se: Standard error of log B from sampling alone.
        df: Degrees of freedom of the interval.
        heat_meters: Gas meters used.
        electricity_meters: Heat-pump meters used.
        covariates: Covariates that were used.
        estimands: ``fleet``, ``geometric`` and ``arithmetic`` B.
        details: Whatever the method wants to show.
    """

    method: str
    b_ratio: float
    low_ratio: float
    high_ratio: float
    log_se: float
    df: float
    heat_meters: int
    electricity_meters: int
    covariates: tuple[str, ...] = ()
    estimands: dict[str, float] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)


def estimate_b(
    heat: Floats,
    electricity: Floats,
    spec: SpfSpec,
    covariates_heat: Mapping[str, Floats] | None = None,
    covariates_electricity: Mapping[str, Floats] | None = None,
) -> Estimate:
    """Return B of one year from the annual useful heat of gas homes and the annual electricity of heat pumps.

    Args:
        heat: Useful heat by gas home [kWh], shape (n,).
        electricity: Electricity by heat pump [kWh], shape (m,).
        spec: Method and confidence.
        covariates_heat: Name -> values by gas home, shape (n,); NaN where not known.
        covariates_electricity: Name -> values by heat pump, shape (m,).
    """
    x, y = np.log(heat), np.log(electricity)
    shift = float(x.mean() - y.mean())
    vx, vy = x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)
    se = float(np.sqrt(vx + vy))
    df = float((vx + vy) ** 2 / (vx**2 / (len(x) - 1) + vy**2 / (len(y) - 1)))
    t = float(stats.t.ppf(0.5 + spec.confidence_share / 2, df))
    b = float(np.exp(shift))
    return Estimate(
        spec.method, b, b * np.exp(-t * se), b * np.exp(t * se), se, df, len(x), len(y),
        estimands={"fleet": b, "geometric": b, "arithmetic": b},
    )  # fmt: skip
