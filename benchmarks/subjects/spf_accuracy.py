"""Accuracy of B from annual totals: synthetic towns whose truth is known, and real systems whose SPF is metered.

The seeds are not those of development (below 1,000). Every method sees the same totals.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.registry import Bar, Line, Options, subject
from varme.data.synthetic.population import SCENARIOS, AnnualTown, PopulationSpec, sample_town
from varme.retrofit.spf import paper
from varme.retrofit.spf.energy import rank_shift
from varme.retrofit.spf.estimate import Estimate, estimate_b
from varme.retrofit.spf.spec import SpfSpec

Floats = NDArray[np.float64]

FIRST_SEED = 100_000
FIRST_SPLIT = 200_000
#: RMSE of B, by scenario.
BARS = {"ideal": 0.155, "mixed": 0.175, "dirty": 0.20, "shifted": None}
COVERAGE = Bar(0.965, "between", low=0.94)
COVERAGE_DIRTY = Bar(0.92, "at_least")
STRESS = (
    "log_correlation", "student_tails", "contaminated", "gamma", "weibull", "copula", "volume_missing",
    "volume_missing_shifted", "attics", "b_2.3", "b_2.8", "b_3.8", "pumps_20", "pumps_300",
)  # fmt: skip
REAL = Path(__file__).resolve().parents[3] / "shared/data/retrofit/heatpumpmonitor_systems_365d_2026.csv.gz"
#: What predicts the heat of a home and stands in an installer's record: size of the home, rating of the machine.
REAL_COVARIATES = ("floor_area", "hp_output")
PRINTED = [SpfSpec(divergence="jeffreys", bins_count=bins) for bins in (20, 50)]
LIN = SpfSpec()


def _estimate(town: AnnualTown, spec: SpfSpec) -> Estimate:
    known = ({"volume_m3": town.gas_volume_m3}, {"volume_m3": town.pump_volume_m3})
    return estimate_b(town.heat_kwh_th, town.electricity_kwh, spec, *known)


def _plausible(values: Floats) -> Floats:
    """Return totals within a factor of 20 of their median: a wrong unit would leave the peer one bin."""
    return values[np.abs(np.log(values / np.median(values))) < np.log(20)]


def _rmse(errors: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))


@subject("spf-accuracy", "B from annual totals of 1,400 gas and 73 heat-pump meters, truth known", slow=True)
def accuracy(options: Options) -> Iterator[Line]:
    """Measure error and coverage by scenario, beside the published method on the same towns."""
    towns, for_coverage = (200, 200) if options.quick else (1000, 4000)
    for scenario, bar in BARS.items():
        yield from _scenario(scenario, bar, towns, for_coverage)
    for scenario in STRESS:
        yield from _stress(scenario, 100 if options.quick else 400)
    yield from _real(200 if options.quick else 1000)
    yield from _speed()


def _scenario(scenario: str, bar: float | None, towns: int, for_coverage: int) -> Iterator[Line]:
    spec = SCENARIOS[scenario]
    errors, inside, lin = [], [], []
    printed: list[list[float]] = [[], []]
    for seed in range(FIRST_SEED, FIRST_SEED + for_coverage):
        town = sample_town(spec, seed)
        found = _estimate(town, LIN)
        inside.append(found.low_ratio <= town.fleet_b_ratio <= found.high_ratio)
        if seed - FIRST_SEED >= towns:
            continue
        errors.append(found.b_ratio - town.fleet_b_ratio)
        q, e = _plausible(town.heat_kwh_th), _plausible(town.electricity_kwh)
        for k, reading in enumerate(PRINTED):
            printed[k].append(paper.scan(q, e, reading).best_ratio - town.fleet_b_ratio)
        lin.append(paper.scan(q, e, LIN).best_ratio - town.fleet_b_ratio)
    ours, share = np.array(errors), float(np.mean(inside))
    readings = [_rmse(np.array(p)) for p in printed]
    yield Line(
        f"{scenario}: RMSE of B", _rmse(ours), "B", size=f"{towns} towns, true B 3.3", peer="Eq. 6, 20 bins",
        peer_value=readings[0], bar=Bar(bar) if bar else None,
        note=f"bias {ours.mean():+.3f}; Eq. 6, 50 bins {readings[1]:.3f}; JSD (Lin), 20 bins {_rmse(np.array(lin)):.3f}"
        + ("; these without totals in a wrong unit" if scenario == "dirty" else ""),
    )  # fmt: skip
    limit = COVERAGE_DIRTY if scenario == "dirty" else COVERAGE
    first = float(np.mean(inside[:towns]))
    yield Line(
        f"{scenario}: 95 % intervals cover", share, "share", bar=limit,
        note=f"{for_coverage} towns; the first {towns}: {first:.3f}",
    )  # fmt: skip


def _stress(scenario: str, towns: int) -> Iterator[Line]:
    """Measure where an assumption fails; no bar, but it must be seen."""
    errors, inside, theirs = [], [], []
    for seed in range(FIRST_SEED, FIRST_SEED + towns):
        town = sample_town(SCENARIOS[scenario], seed)
        found = _estimate(town, LIN)
        errors.append(found.b_ratio - town.fleet_b_ratio)
        inside.append(found.low_ratio <= town.fleet_b_ratio <= found.high_ratio)
        theirs.append(
            paper.scan(town.heat_kwh_th, town.electricity_kwh, PRINTED[0]).best_ratio - town.fleet_b_ratio
        )
    yield Line(
        f"{scenario}: RMSE of B", _rmse(np.array(errors)), "B", peer="Eq. 6, 20 bins",
        peer_value=_rmse(np.array(theirs)),
        note=f"{towns} towns; bias {np.mean(errors):+.3f}; intervals cover {np.mean(inside):.3f}",
    )  # fmt: skip


def _real(splits: int) -> Iterator[Line]:
    """Measure on monitored systems: the heat of 83 against the electricity of the other 73."""
    if not REAL.exists():
        yield Line(
            "real systems: RMSE of the SPF", None, "SPF", bar=Bar(0.45, "share_of_peer"), note="data absent"
        )
        return
    import pandas as pd

    data = pd.read_csv(REAL)
    q, e = data.combined_heat_kwh.to_numpy(float), data.combined_elec_kwh.to_numpy(float)
    known = {n: data[n].to_numpy(float) for n in REAL_COVARIATES}
    truth = float(q.sum() / e.sum())
    spec = SpfSpec(covariates=list(REAL_COVARIATES))
    highs = {high: [s.model_copy(update={"b_max_ratio": high}) for s in PRINTED] for high in (6.0, 5.0, 4.0)}
    ours, bare, inside = [], [], []
    theirs: dict[float, list[list[float]]] = {high: [[], []] for high in highs}
    for seed in range(FIRST_SPLIT, FIRST_SPLIT + splits):
        order = np.random.default_rng([seed, 83]).permutation(len(q))
        a, b = order[:83], order[83:]
        found = estimate_b(
            q[a], e[b], spec, {n: v[a] for n, v in known.items()}, {n: v[b] for n, v in known.items()}
        )
        ours.append(found.b_ratio - truth)
        inside.append(found.low_ratio <= truth <= found.high_ratio)
        bare.append(estimate_b(q[a], e[b], spec).b_ratio - truth)
        for high, readings in highs.items():
            for k, reading in enumerate(readings):
                theirs[high][k].append(paper.scan(q[a], e[b], reading).best_ratio - truth)
    rmse = _rmse(np.array(ours))
    best = {high: [_rmse(np.array(x)) for x in found] for high, found in theirs.items()}
    for k, bins in enumerate((20, 50)):
        narrower = ", ".join(f"up to {high:g}: {best[high][k]:.3f}" for high in (5.0, 4.0))
        yield Line(
            "real systems: RMSE of the SPF", rmse, "SPF", peer=f"Eq. 6, {bins} bins", peer_value=best[6.0][k],
            bar=Bar(0.45, "share_of_peer"),
            note=f"{splits} splits; covariates {' and '.join(REAL_COVARIATES)}, without {_rmse(np.array(bare)):.3f}; "
            f"Eq. 6 on a grid to 6 ({narrower}, where its errors are cut off: the truth is {truth:.2f})",
        )  # fmt: skip
    yield Line(
        "real systems: absolute bias", abs(float(np.mean(ours))), "SPF", bar=Bar(0.03),
        note=f"{np.mean(ours):+.4f}; intervals cover {np.mean(inside):.3f}",
    )  # fmt: skip


def _speed() -> Iterator[Line]:
    """Measure the CPU time of one town and of a large region."""
    town = sample_town(SCENARIOS["mixed"], FIRST_SEED)
    fine = SpfSpec(b_min_ratio=1.5, b_max_ratio=5.65, b_step_ratio=0.01)
    large = sample_town(PopulationSpec(gas_meters_count=1_000_000, heat_pumps_count=50_000), FIRST_SEED)
    x, y = np.log(large.heat_kwh_th), np.log(large.electricity_kwh)
    jobs = {
        "adjusted estimate with interval, 1,400 + 73": lambda: _estimate(town, LIN),
        "divergence at 416 scales, 1,400 + 73": lambda: paper.scan(
            town.heat_kwh_th, town.electricity_kwh, fine
        ),
        "the same with 1,000 bootstraps at 26 scales": lambda: paper.scan(
            town.heat_kwh_th, town.electricity_kwh, LIN, resamples=1000
        ),
        "energy distance with interval, 1 M + 50 k": lambda: rank_shift(x, y, 0.95),
        "adjusted estimate with interval, 1 M + 50 k": lambda: _estimate(large, LIN),
    }
    bars = (0.02, 0.015, 0.15, 0.2, 5.0)
    for (name, job), bar in zip(jobs.items(), bars, strict=True):
        job()
        started = time.process_time()
        job()
        yield Line(name, time.process_time() - started, bar=Bar(bar))
