"""Start costs and minimum times against the plainest oracle there is: every on/off pattern, looked at one by one.

A pattern is judged by the definitions in words (a run of hours on is at least so long, a run of hours off likewise, a
start costs so much), not by inequalities; the dispatch of a pattern is the merit order of the devices that are on.
"""

import itertools
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from varme.district.case import load_case
from varme.district.operate import operate
from varme.district.spec import DistrictStudy
from varme.ground.context import Context
from varme.ground.spec import parse

HOURS = 7
DEAR = 500.0
FUELS = {"coal": {"price_eur_per_mwh": 10.0}, "gas": {"price_eur_per_mwh": 25.0}}
BIG = {"fuel": "coal", "heat_max_mw": 60.0, "min_load_share": 0.5}
SMALL = {"fuel": "gas", "heat_max_mw": 30.0, "min_load_share": 0.4}


def runs(pattern):
    """Return (value, first, length) of the runs of a pattern."""
    out, first = [], 0
    for value, group in itertools.groupby(pattern):
        length = len(list(group))
        out.append((value, first, length))
        first += length
    return out


def allowed(pattern, device, initial):
    """Whether the runs are long enough. What was before is long over, or free; the end cuts runs short."""
    least = {1: device.get("min_up_h", 0), 0: device.get("min_down_h", 0)}
    for value, first, length in runs(pattern):
        begins_here = first > 0 or initial == ("off" if value else "on")
        if begins_here and first + length < HOURS and length < least[value]:
            return False
    return True


def starts(pattern, initial):
    first = 1 if pattern[0] and initial == "off" else 0
    return first + sum(1 for old, new in itertools.pairwise(pattern) if new and not old)


def dispatch(on, demand, devices):
    """Return the cheapest cost of an hour with these devices on; heat cannot be cooled away."""
    least = [d["min_load_share"] * d["heat_max_mw"] * x for d, x in zip(devices, on, strict=True)]
    left = demand - sum(least)
    if left < -1e-9:
        return np.inf
    price = [FUELS[d["fuel"]]["price_eur_per_mwh"] for d in devices]
    cost = sum(p * q for p, q in zip(price, least, strict=True))
    for k in np.argsort(price):
        more = min(left, devices[k]["heat_max_mw"] * on[k] - least[k])
        cost, left = cost + price[k] * more, left - more
    return cost + DEAR * left


def by_enumeration(demand, devices, initial):
    patterns = [
        [p for p in itertools.product((0, 1), repeat=HOURS) if allowed(p, device, initial)]
        for device in devices
    ]
    hourly = {
        (t, on): dispatch(on, demand[t], devices)
        for t in range(HOURS)
        for on in itertools.product((0, 1), repeat=len(devices))
    }
    prices = [device.get("start_cost_eur", 0.0) for device in devices]
    fees = [{p: starts(p, initial) * price for p in ps} for ps, price in zip(patterns, prices, strict=True)]
    return min(
        sum(hourly[t, on] for t, on in enumerate(zip(*choice, strict=True)))
        + sum(fee[p] for fee, p in zip(fees, choice, strict=True))
        for choice in itertools.product(*patterns)
    )


def by_varme(demand, devices, initial, solver):
    start = datetime(2020, 1, 1, tzinfo=UTC)
    plants = {
        f"unit {k}": {"type": "boiler", "area": "a", "efficiency_share": 1.0, "initial": initial, **device}
        for k, device in enumerate(devices)
    }
    data = {
        "kind": "district",
        "time": {"start": start, "end": start + timedelta(hours=HOURS)},
        "solve": {
            "mode": "milp",
            "solver": solver,
            "horizon": "one-shot",
            "gap_share": 1e-9,
            "quality": "precise",
        },
        "fuels": FUELS,
        "heat": {"a": {"demand_mw": list(demand), "shortfall_eur_per_mwh": DEAR}},
        "devices": plants,
    }
    return operate(load_case(parse(DistrictStudy, data, "enumeration"), Context()))


TIMES = [
    {},
    {"start_cost_eur": 400.0},
    {"min_up_h": 3.0},
    {"min_down_h": 3.0},
    {"min_up_h": 4.0, "min_down_h": 2.0, "start_cost_eur": 250.0},
]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("initial", ["free", "on", "off"])
@pytest.mark.parametrize("times", TIMES, ids=lambda t: "+".join(t) or "plain")
def test_the_optimum_is_that_of_all_patterns(times, initial, seed):
    """Branch and bound finds the best pattern of all, for every state before, and never one that is not allowed."""
    demand = np.random.default_rng(seed).uniform(14, 85, HOURS).round(1)
    devices = [BIG | times, SMALL | times]
    expected = by_enumeration(demand, devices, initial)
    assert by_varme(demand, devices, initial, "highs").cost == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_search_proves_no_more_than_what_is_true(seed):
    """The certified search's bound lies below the true optimum, and its plan above it."""
    demand = np.random.default_rng(10 + seed).uniform(14, 85, HOURS).round(1)
    devices = [BIG | TIMES[-1], SMALL | TIMES[-1]]
    expected = by_enumeration(demand, devices, "off")
    found = by_varme(demand, devices, "off", "search")
    [bound] = found.trajectories.column("bound")
    assert bound <= expected * (1 + 1e-9)
    assert found.cost >= expected * (1 - 1e-9)
