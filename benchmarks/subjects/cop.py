"""The COP of heat pumps whose makers were held out, from a few known points, beside one Carnot number and hplib's form.

Every certified machine is predicted by a prior that has seen no machine of its maker; manufacturers that sell one and
the same machine count as one maker. Known points are every pair (28) or seven (8) of the eight certified ones; the
error is that of the points that are not known.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.keymark import KEYMARK, LISTED, Machines, machines
from benchmarks.measure import median_cpu_s
from benchmarks.registry import Bar, Line, Options, subject
from varme.data.catalogue.heat_pumps import CERTIFIED
from varme.physics.efficiency_prior import EfficiencyPrior, fit_anchors, prior_of
from varme.physics.performance_map import PerformancePoint, map_from

Floats = NDArray[np.float64]
SEEDS = tuple(range(100_000, 100_005))
FOLDS = 10
MONITORED = KEYMARK.parents[1] / "retrofit" / "heatpumpmonitor_systems_365d_2026.csv.gz"
#: Places of the pair that data sheets nearly always hold: -7 and 7 C at the low temperature use.
USUAL_PAIR = (0, 2)


@subject("cop-held-out", "COP of certified air/water machines of held-out makers")
def cop_held_out(options: Options) -> Iterator[Line]:
    """Measure errors of prediction, their peers', whether the intervals hold, and the time of a year of COPs."""
    if not KEYMARK.exists():
        yield Line("two points known", None, "%", bar=Bar(6.5), note=f"{KEYMARK.name} is not here")
        return
    found = machines("air")
    size = f"{len(found.models)} machines, {len(np.unique(found.maker))} makers"
    runs = [errors(found, seed) for seed in SEEDS[: 1 if options.quick else None]]
    one_number, linear = carnot_error(found), linear_error(found)

    def mean(key: str) -> float:
        return 100 * float(np.mean([run[key] for run in runs]))

    yield Line(
        "two points known",
        mean("two"),
        "%",
        size,
        "one Carnot number",
        one_number,
        Bar(6.5),
        "mean of all pairs",
    )
    yield Line("seven points known", mean("seven"), "%", "", "hplib form, in sample", linear[0], Bar(5.0))
    yield Line(
        "-7 and 7 C known", mean("usual"), "%", "", "hplib form, one left out", linear[1], note="low use"
    )
    yield Line("nothing known", mean("none"), "%", note="the median machine of its refrigerant")
    note = "of the points that were not known, two points known"
    yield Line("within the 95 % interval", mean("inside"), "%", bar=Bar(98, "between", 92), note=note)
    machine = map_from([PerformancePoint(2, 35, 4.0), PerformancePoint(-7, 55, 2.2)], 6.0)
    source = np.random.default_rng(0).normal(8.0, 7.0, 35_040)
    flow = 35.0 - 0.7 * (source - 8.0)
    seconds = median_cpu_s(lambda: machine.cop(source, flow, 0.6), options.repeats)
    yield Line("35,040 COPs", 1000 * seconds, "ms", bar=Bar(50), note="two points known")
    yield from _monitored()


def errors(found: Machines, seed: int) -> dict[str, float]:
    """Return mean relative errors by what is known, and the share of points inside their 95 % interval."""
    rng = np.random.default_rng(seed)
    makers = rng.permutation(np.unique(found.maker))
    out: dict[str, list[Floats]] = {k: [] for k in ("none", "two", "seven", "usual", "inside")}
    for part in np.array_split(makers, FOLDS):
        test = np.isin(found.maker, part)
        prior = _prior(found, ~test)
        above = found.log_eta[test, :8] - _mean(prior, [found.refrigerant[i] for i in np.flatnonzero(test)])
        covariance = prior.covariance[:8, :8]
        out["none"].append(_share(above))
        for pair in itertools.combinations(range(8), 2):
            rest, variance = _predicted(above, covariance, pair)
            out["two"].append(_share(rest))
            out["inside"].append(np.abs(rest) <= 1.96 * np.sqrt(variance))
            if pair == USUAL_PAIR:
                out["usual"].append(_share(rest))
        for left in range(8):
            rest, _ = _predicted(above, covariance, tuple(j for j in range(8) if j != left))
            out["seven"].append(_share(rest))
    return {key: float(np.mean(np.concatenate([p.ravel() for p in parts]))) for key, parts in out.items()}


def _prior(found: Machines, train: NDArray[np.bool_]) -> EfficiencyPrior:
    """Return the shipped prior with the anchors' figures of the training machines alone."""
    names = [found.refrigerant[i] for i in np.flatnonzero(train)]
    mean, shifts, covariance = fit_anchors(found.log_eta[train], names, LISTED["air"])
    shipped = prior_of("air")
    trend = shipped.trend_at(shipped.anchor_source_c, shipped.anchor_flow_c)
    return replace(shipped, residual=mean - trend, refrigerants=shifts, covariance=covariance)


def _mean(prior: EfficiencyPrior, refrigerants: Sequence[str]) -> Floats:
    """Return the mean log efficiency at the certified points of machines with given refrigerants, shape (m, 8)."""
    s, f = prior.anchor_source_c[:8], prior.anchor_flow_c[:8]
    by_name = {name: prior.mean(s, f, name) for name in set(refrigerants)}
    return np.array([by_name[name] for name in refrigerants]).reshape(-1, 8)


def _predicted(above: Floats, covariance: Floats, known: Sequence[int]) -> tuple[Floats, Floats]:
    """Return what is left of the unknown points once some are known (m, u), and its variance (u,)."""
    k, u = list(known), [j for j in range(8) if j not in known]
    weights = np.linalg.solve(covariance[np.ix_(k, k)], covariance[np.ix_(k, u)])
    variance = np.diag(covariance)[u] - np.sum(covariance[np.ix_(k, u)] * weights, axis=0)
    return above[:, u] - above[:, k] @ weights, np.asarray(variance)


def _share(rest: Floats) -> Floats:
    """Return relative errors of the COP from errors of its logarithm (measured less predicted)."""
    return np.asarray(np.abs(np.exp(-rest) - 1.0))


def carnot_error(found: Machines, share: float = 0.40) -> float:
    """Return the mean relative error of one Carnot number (0.40, the better of the usual 0.40 and 0.42) [%]."""
    return 100 * float(np.mean(np.abs(share / np.exp(found.log_eta[:, :8]) - 1.0)))


def linear_error(found: Machines) -> tuple[float, float]:
    """Return mean errors of ``COP = a T_outdoor + b T_flow + c`` per machine: in sample, and one point left out [%]."""
    uses = np.array([[1.0, t, f] for _, t, f in CERTIFIED])
    y = found.cop
    hat = uses @ np.linalg.pinv(uses)
    rest = y - y @ hat.T
    return 100 * float(np.mean(np.abs(rest / y))), 100 * float(np.mean(np.abs(rest / (1 - np.diag(hat)) / y)))


def _monitored() -> Iterator[Line]:
    """Measure the SPF of monitored systems: the map at their mean temperatures times one in-use factor.

    The factor is the median of measured over predicted of the other half of the systems; without it the error is that
    of taking laboratory COPs for a year of real use (hot water and heating at one mean temperature, cycling, standby).
    """
    if not MONITORED.exists():
        yield Line("SPF of monitored systems", None, "%", bar=Bar(8.0), note=f"{MONITORED.name} is not here")
        return
    ratio = _measured_over_predicted(MONITORED)
    raw = 100 * float(np.median(np.abs(1 / ratio - 1)))
    found, factors = [], []
    for seed in SEEDS:
        order = np.random.default_rng(seed).permutation(len(ratio))
        for half in (order[: len(order) // 2], order[len(order) // 2 :]):
            factor = float(np.median(np.delete(ratio, half)))
            factors.append(factor)
            found.append(float(np.median(np.abs(factor / ratio[half] - 1))))
    note = f"one in-use factor of {np.mean(factors):.2f} from the other half"
    yield Line(
        "SPF of monitored systems",
        100 * float(np.mean(found)),
        "%",
        f"{len(ratio)} systems",
        "without the factor",
        raw,
        Bar(8.0),
        note,
    )


@cache
def _measured_over_predicted(path: Path) -> Floats:
    """Return measured SPF over the map's COP at the mean temperatures of air-source systems with ten months of data."""
    rows = csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode("utf-8")))
    out = []
    for row in rows:
        try:
            spf, flow, outdoor, seconds = (
                float(row[k])
                for k in ("combined_cop", "weighted_flowT", "weighted_outsideT", "combined_data_length")
            )
        except ValueError:
            continue
        sound = row["hp_type"] == "Air Source" and seconds > 300 * 86_400 and 1.5 < spf < 7
        if sound and outdoor < 14 and 20 < flow < 60:
            machine = map_from((), 6.0, refrigerant=row["refrigerant"])
            out.append(spf / float(machine.cop(outdoor, flow, 0.4)))
    return np.array(out)
