"""How many heat-pump meters a wanted precision takes, and the floor that no method on annual totals goes below."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from varme.retrofit.spf.estimate import Estimate

#: Numbers of heat pumps that the table shows.
SHOWN = (10, 20, 40, 73, 150, 300, 600, 1200)
#: Half widths of the interval for which the number of heat pumps is looked for.
WANTED = (0.20, 0.10, 0.05, 0.03)


@dataclass(frozen=True)
class Power:
    """Precision over the number of heat pumps, from the town's own spread.

    Attributes:
        heat_pumps: Numbers of heat-pump meters, shape (k,).
        half_width: Half width of the interval as a share of B, with the covariates used, shape (k,).
        floor: The same of the best method without covariates, shape (k,).
        needed: Wanted half width -> heat pumps needed; ``None`` if no number reaches it with these gas meters.
        now: Heat pumps that the estimate used.
        now_half_width: Half width that it reached.
        gas_meters: Gas meters that it used.
        inflation: Variance of the estimate over that of an ideal one at the same spread.
    """

    heat_pumps: np.ndarray
    half_width: np.ndarray
    floor: np.ndarray
    needed: dict[float, int | None]
    now: int
    now_half_width: float
    gas_meters: int
    inflation: float


def half_width(
    spread_heat: float, spread_electricity: float, gas: int, heat_pumps: float, confidence_share: float,
    inflation: float = 1.0,
) -> float:  # fmt: skip
    """Return the half width of the interval of B, as a share of it.

    ``sd(log B) = sqrt(s_Q^2 / n + s_E^2 / m)``, times t with m - 1 degrees of freedom: the floor that the numbers of
    meters set, whatever the method.

    Args:
        spread_heat: Spread of log heat that is left.
        spread_electricity: Spread of log electricity that is left.
        gas: Gas meters, n.
        heat_pumps: Heat-pump meters, m.
        confidence_share: Confidence.
        inflation: Factor on the variance.
    """
    se = np.sqrt(inflation * (spread_heat**2 / gas + spread_electricity**2 / heat_pumps))
    return float(np.sinh(stats.t.ppf(0.5 + confidence_share / 2, max(heat_pumps - 1, 1)) * se))


def heat_pumps_needed(
    wanted: float, spread_heat: float, spread_electricity: float, gas: int, confidence_share: float,
    inflation: float = 1.0,
) -> int | None:  # fmt: skip
    """Return how many heat pumps give an interval of +- this share; ``None`` if the gas meters alone are too few.

    Args:
        wanted: Half width as a share.
        spread_heat: Spread of log heat that is left.
        spread_electricity: Spread of log electricity that is left.
        gas: Gas meters.
        confidence_share: Confidence.
        inflation: Factor on the variance.
    """

    def excess(log_m: float) -> float:
        return (
            half_width(spread_heat, spread_electricity, gas, np.exp(log_m), confidence_share, inflation)
            - wanted
        )

    low, high = np.log(3.0), np.log(1e7)
    if excess(high) > 0:
        return None
    if excess(low) < 0:
        return 3
    return int(np.ceil(np.exp(optimize.brentq(excess, low, high, xtol=1e-6))))


def power(estimate: Estimate, confidence_share: float) -> Power:
    """Return the precision that other numbers of heat pumps would have in this town.

    Args:
        estimate: An ``adjusted`` or ``energy_distance`` estimate: it knows the spread that covariates leave.
        confidence_share: Confidence.
    """
    n, m = estimate.heat_meters, estimate.electricity_meters
    s_q, s_e = estimate.residual_spread_heat, estimate.residual_spread_electricity
    ideal = s_q**2 / n + s_e**2 / m
    inflation = max(1.0, estimate.log_se**2 / ideal)
    # Without covariates both spreads are wider by what these explained of heat.
    explained = max(estimate.spread_heat**2 - s_q**2, 0.0)
    bare = np.sqrt(s_q**2 + explained), np.sqrt(s_e**2 + explained)
    shown = np.unique([*SHOWN, m])
    return Power(
        heat_pumps=shown,
        half_width=np.array([half_width(s_q, s_e, n, k, confidence_share, inflation) for k in shown]),
        floor=np.array([half_width(*bare, n, k, confidence_share) for k in shown]),
        needed={w: heat_pumps_needed(w, s_q, s_e, n, confidence_share, inflation) for w in WANTED},
        now=m,
        now_half_width=float((estimate.high_ratio - estimate.low_ratio) / 2 / estimate.b_ratio),
        gas_meters=n,
        inflation=float(inflation),
    )
