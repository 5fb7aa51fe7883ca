"""Cost against CO2: the front by prices on emissions, and the cheapest sizes within a limit.

With a price ``p`` on emissions the search gives a point of the front and a proven bound ``B(p)`` of ``cost + p CO2``.
For a limit ``L`` on emissions ``B(p) - p L`` is a lower bound of the cost at every ``p`` (Lagrange), so the cheapest
point within the limit comes with a certificate too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from varme.ground.errors import ModelError, Problem
from varme.home.sizing.search import Evaluated, Search, Sized
from varme.kernel.model import Floats


@dataclass(frozen=True, eq=False)
class FrontPoint:
    """A point of the front: the price that it answers [EUR/t], what was found, the bound of ``cost + price CO2``."""

    price_eur_per_t: float
    found: Evaluated
    bound_eur: float


def front(
    search: Search, start: dict[str, Floats], prices_eur_per_t: Floats, gap_share: float, rounds_max: int = 25
) -> list[FrontPoint]:
    """Return points of the front, each from the sizes of the one before.

    Args:
        search: A search; its price on emissions is changed.
        start: Sizes to begin with.
        prices_eur_per_t: Prices on emissions, rising.
        gap_share: Gap at which each search ends.
        rounds_max: Most rounds of each search.
    """
    out = []
    for price in prices_eur_per_t:
        sized = _at_price(search, start, float(price), gap_share, rounds_max)
        out.append(FrontPoint(float(price), sized.best, sized.bound_eur))
        start = {sized.best.branch: sized.best.sizes} | {
            k: v for k, v in start.items() if k != sized.best.branch
        }
    return out


def within_limit(
    search: Search, start: dict[str, Floats], limit_kg: float, price_max_eur_per_t: float, gap_share: float
) -> tuple[list[FrontPoint], FrontPoint, float]:
    """Return the points tried, the cheapest one within the limit, and the proven lower bound of the cost.

    Raises:
        ModelError: P347 if the limit is not met at the highest price.
    """
    tried = front(search, start, np.array([0.0]), gap_share)
    if tried[0].found.co2_kg > limit_kg:
        dear = front(search, start, np.array([price_max_eur_per_t]), gap_share)[0]
        tried.append(dear)
        if dear.found.co2_kg > limit_kg:
            raise ModelError(
                Problem(
                    "P347", "sizing.co2_max_kg", f"at {price_max_eur_per_t:g} EUR/t there remain",
                    f"{dear.found.co2_kg:.0f} kg", f"<= {limit_kg:g} kg",
                    "Raise the limit, the largest PV and battery, or co2_price_max_eur_per_t.",
                )
            )  # fmt: skip
        low, high = 0.0, price_max_eur_per_t
        for _ in range(6):
            middle = high / 8 if low == 0 else float(np.sqrt(low * high))
            point = front(search, start, np.array([middle]), gap_share)[0]
            tried.append(point)
            low, high = (low, middle) if point.found.co2_kg <= limit_kg else (middle, high)
    inside = [p for p in tried if p.found.co2_kg <= limit_kg]
    best = min(inside, key=lambda p: p.found.cost_eur)
    bound = max(p.bound_eur - p.price_eur_per_t / 1e3 * limit_kg for p in tried)
    return tried, best, min(bound, best.found.cost_eur)


def _at_price(
    search: Search, start: dict[str, Floats], price_eur_per_t: float, gap_share: float, rounds_max: int
) -> Sized:
    search.price_emissions(price_eur_per_t / 10.0)
    return search.run(start, gap_share, rounds_max)
