"""One learnt parameter: value, interval, verdict, and what would be needed to tell it better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Verdict = Literal["identified", "weak", "not identifiable"]

#: Half-width of a 95 % interval, relative to the value, up to which a parameter counts as identified, and as weak.
IDENTIFIED_SHARE, WEAK_SHARE = 0.25, 0.60


@dataclass(frozen=True)
class Estimate:
    """A learnt parameter.

    Attributes:
        name: Name, ending in its unit; that of the field of a home study, where there is one.
        value: Value; ``nan`` where nothing can be said.
        low: Lower end of the interval.
        high: Upper end.
        verdict: ``identified``, ``weak`` (interval wider than a quarter of the value) or ``not identifiable``.
        need: What would tell it better; ``""`` if nothing is needed.
        how: What it was learnt from.
    """

    name: str
    value: float
    low: float
    high: float
    verdict: Verdict
    need: str
    how: str


def judged(name: str, value: float, low: float, high: float, need: str, how: str) -> Estimate:
    """Return an estimate with the verdict that its interval deserves."""
    half = max(value - low, high - value) / abs(value) if value else np.inf
    verdict: Verdict = "not identifiable"
    if half <= IDENTIFIED_SHARE:
        verdict = "identified"
    elif half <= WEAK_SHARE:
        verdict = "weak"
    return Estimate(name, value, low, high, verdict, "" if verdict == "identified" else need, how)


def unknown(name: str, need: str, how: str) -> Estimate:
    """Return the estimate of what cannot be told at all."""
    return Estimate(name, float("nan"), float("nan"), float("nan"), "not identifiable", need, how)


def refused(estimate: Estimate, need: str) -> Estimate:
    """Return an estimate whose interval must not be believed, for a reason that the interval does not know."""
    return Estimate(
        estimate.name, estimate.value, estimate.low, estimate.high, "not identifiable", need, estimate.how
    )


def bootstrapped(
    days: NDArray[np.int64], statistic: Callable[[Floats], float], share: float, seed: int, draws: int = 400
) -> tuple[float, float, float]:
    """Return a statistic with its interval from drawing whole days anew.

    Args:
        days: Number of the day of each value, shape (n,).
        statistic: Statistic of the weights of the values, shape (n,); weight 1 for each is the record itself.
        share: Share of draws inside the interval.
        seed: Seed.
        draws: Draws.
    """
    names, member = np.unique(days, return_inverse=True)
    rng = np.random.default_rng([seed, 7])
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    found = np.array([statistic(row[member].astype(float)) for row in counts])
    found = found[np.isfinite(found)]
    value = statistic(np.ones(len(days)))
    if len(names) < 3 or len(found) < draws // 2:
        return value, -np.inf, np.inf
    low, high = np.quantile(found, [(1 - share) / 2, (1 + share) / 2])
    return value, float(low), float(high)


def resolution_k(values: Floats) -> float:
    """Return the step in which a sensor shows temperatures: 1 for whole degrees, about 0 for a fine one [K].

    The step is the smallest distance between values that occur, if nearly all distances are multiples of it.
    """
    seen = np.unique(np.round(values[np.isfinite(values)], 4))
    if len(seen) < 2:
        return np.inf if len(seen) else 0.0
    return float(np.min(np.diff(seen)))
