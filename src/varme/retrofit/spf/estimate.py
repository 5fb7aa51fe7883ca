"""B and SPF of one year from annual totals of unpaired meters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import Collector, InputError, ModelError, Problem
from varme.retrofit.spf import paper
from varme.retrofit.spf.covariates import Prepared, prepare, without
from varme.retrofit.spf.dirt import CoreLevel, core_level
from varme.retrofit.spf.energy import rank_shift
from varme.retrofit.spf.intervals import (
    Interval,
    median_resamples,
    percentile_interval,
    studentised_ratio_of_means,
    t_interval,
    welch_df,
)
from varme.retrofit.spf.shift import ShiftFit, fit_shift, robust_variance
from varme.retrofit.spf.spec import SpfSpec

Floats = NDArray[np.float64]
Covariates = Mapping[str, Floats] | None

#: Fewest meters of each kind at which there is an estimate at all.
FEWEST_METERS = 3
#: No homes are more alike than this, in log heat: totals that are all equal are an artefact.
NARROWEST_SPREAD = 0.02
#: How much wider than at the normal the sampling variance of a robust variance is.
VARIANCE_INEFFICIENCY = 1.15


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
        left_out: Totals that were not positive numbers: ``heat`` and ``electricity``.
        covariate_notes: One entry per covariate asked for, see :class:`varme.retrofit.spf.covariates.Prepared`.
        scan: Divergence over the grid, for ``paper``.
        residual_spread_heat: Spread of log heat that the covariates leave (core of the distribution).
        residual_spread_electricity: The same of log electricity.
        spread_heat: Spread of log heat before covariates.
        sound: Probability of each heat-pump meter used to be sound, in the order given; empty where not estimated.
        refused: Why there is no figure, where a comparison shows a method that refused.
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
    left_out: dict[str, int] = field(default_factory=dict)
    covariate_notes: tuple[dict[str, Any], ...] = ()
    scan: paper.DivergenceScan | None = None
    residual_spread_heat: float = float("nan")
    residual_spread_electricity: float = float("nan")
    spread_heat: float = float("nan")
    sound: Floats = field(default_factory=lambda: np.empty(0))
    refused: str = ""


@dataclass(frozen=True)
class _Totals:
    """Positive totals and their covariates."""

    heat: Floats
    electricity: Floats
    covariates: Prepared
    left_out: dict[str, int]

    @property
    def logs(self) -> tuple[Floats, Floats]:
        return np.log(self.heat), np.log(self.electricity)


def estimate_b(
    heat: Floats,
    electricity: Floats,
    spec: SpfSpec,
    covariates_heat: Covariates = None,
    covariates_electricity: Covariates = None,
) -> Estimate:
    """Return B of one year from the annual useful heat of gas homes and the annual electricity of heat pumps.

    Totals that are not positive numbers are left out and counted.

    Args:
        heat: Useful heat by gas home [kWh], shape (n,).
        electricity: Electricity by heat pump [kWh], shape (m,).
        spec: Method and confidence.
        covariates_heat: Name -> values by gas home, shape (n,); NaN where not known.
        covariates_electricity: Name -> values by heat pump, shape (m,).

    Raises:
        InputError: P120 if a covariate has another length than its totals.
        ModelError: P310 if the optimum of ``paper`` lies at the edge of its grid, P311 if there are too few meters,
            P312 if its divergence is infinite everywhere, P313 if all totals of a kind are equal.
    """
    totals = _totals(heat, electricity, spec, covariates_heat, covariates_electricity)
    if spec.method == "paper":
        return _paper(totals, spec)
    method = {"adjusted": _adjusted, "energy_distance": _energy}[spec.method]
    return method(totals, spec, _fit(totals))


def all_methods(
    heat: Floats,
    electricity: Floats,
    spec: SpfSpec,
    covariates_heat: Covariates = None,
    covariates_electricity: Covariates = None,
) -> list[Estimate]:
    """Return every estimator beside each other; one that refuses has NaN figures and says why in ``refused``.

    Args and errors are those of :func:`estimate_b`; the first entry is the study's own method, the same that
    :func:`estimate_b` returns (``paper`` is called ``paper_lin`` or ``paper_jeffreys`` here).
    """
    totals = _totals(heat, electricity, spec, covariates_heat, covariates_electricity)
    bare = replace(
        totals, covariates=without(len(totals.heat), len(totals.electricity), totals.covariates.notes)
    )
    lin, printed = (spec.model_copy(update={"divergence": d}) for d in ("lin", "jeffreys"))
    fit = _fit(totals)
    found = [_adjusted(totals, spec, fit), _energy(totals, spec, fit)]
    if totals.covariates.names:
        fit = _fit(bare)
        found += [
            replace(_adjusted(bare, spec, fit), method="robust_shift"),
            replace(_energy(bare, spec, fit), method="hodges_lehmann"),
        ]
    found += [
        _attempt(bare, lin, "paper_lin"), _attempt(bare, printed, "paper_jeffreys"), _log_mean(bare, spec),
        _ratio_of_means(bare, spec), _ratio_of_medians(bare, spec),
    ]  # fmt: skip
    own = {"paper": f"paper_{spec.divergence}"}.get(spec.method, spec.method)
    return sorted(found, key=lambda e: e.method != own)


def _totals(
    heat: Floats, electricity: Floats, spec: SpfSpec, of_heat: Covariates, of_el: Covariates
) -> _Totals:
    """Check, keep the positive totals and prepare the covariates."""
    heat, electricity = np.asarray(heat, dtype=float), np.asarray(electricity, dtype=float)
    problems, kept = Collector(), []
    for side, values, table in (("heat", heat, of_heat), ("electricity", electricity, of_el)):
        for name, column in (table or {}).items():
            if len(column) != len(values):
                problems.add(
                    "P120", f"covariates of {side}: {name}", "has another length than the totals",
                    value=len(column), limit=f"{len(values)} totals",
                )  # fmt: skip
    problems.raise_if_any(InputError)
    for side, values, table in (("heat", heat, of_heat), ("electricity", electricity, of_el)):
        keep = np.isfinite(values) & (values > 0)
        if keep.sum() < FEWEST_METERS:
            problems.add(
                "P311", f"{'gas' if side == 'heat' else 'heat-pump'} meters", "too few have a positive total",
                value=int(keep.sum()), limit=f"at least {FEWEST_METERS}, of {len(values)} given",
            )  # fmt: skip
        elif np.ptp(np.log(values[keep])) < 1e-9:
            problems.add(
                "P313", f"{'gas' if side == 'heat' else 'heat-pump'} meters", "all totals of the year are equal",
                value=f"{float(values[keep][0]):g} kWh", limit=f"{int(keep.sum())} meters",
            )  # fmt: skip
        columns = {n: np.asarray(v, dtype=float)[keep] for n, v in table.items()} if table else None
        kept.append((values[keep], columns, int((~keep).sum())))
    problems.raise_if_any(ModelError)
    (q, cq, missing_q), (e, ce, missing_e) = kept
    prepared = prepare(cq, ce, spec.covariates, len(q), len(e), overlap_weights=spec.weighting == "overlap")
    return _Totals(q, e, prepared, {"heat": missing_q, "electricity": missing_e})


@dataclass(frozen=True)
class _Fleet:
    """What turns the geometric B into the fleet's: half the variance that electricity has over heat."""

    excess: float
    variance: float
    measured: float


def _fleet(fit: ShiftFit, totals: _Totals, spec: SpfSpec, sound: Floats | None = None) -> _Fleet:
    """Return the shrunk difference of the variances of log electricity and log heat.

    With lognormal totals ``log(E[Q]/E[E]) = mean(log Q - log E) + (var log Q - var log E)/2``, whatever the correlation
    of heat and SPF. The measured difference has a standard deviation of about 0.028 at 73 heat pumps, more than what is
    to be found, so it is drawn to the prior of the study by their variances.
    """
    cov = totals.covariates
    v_heat = robust_variance(fit.residual_heat, fit.scale_heat, cov.weight_heat * (cov.double_heat == 0))
    v_el = robust_variance(
        fit.residual_electricity,
        fit.scale_electricity,
        cov.weight_electricity * (cov.double_electricity == 0),
    )
    noise = 2 * VARIANCE_INEFFICIENCY * (v_el**2 / len(totals.electricity) + v_heat**2 / len(totals.heat))
    prior = spec.spf_variance_sd_share**2
    excess = ((v_el - v_heat) * prior + spec.spf_variance_share * noise) / (prior + noise)
    return _Fleet(max(float(excess), 0.0), float(prior * noise / (prior + noise)), v_el - v_heat)


def _estimands(geometric_log: float, fleet: _Fleet, spec: SpfSpec) -> dict[str, float]:
    """Return the three means; the arithmetic one takes the spread of the SPF from the study."""
    return {
        "fleet": float(np.exp(geometric_log - fleet.excess / 2)),
        "geometric": float(np.exp(geometric_log)),
        "arithmetic": float(np.exp(geometric_log + spec.spf_log_spread_share**2 / 2)),
    }


def _fit(totals: _Totals) -> ShiftFit:
    return fit_shift(*totals.logs, totals.covariates)


def _adjusted(totals: _Totals, spec: SpfSpec, fit: ShiftFit) -> Estimate:
    """Covariate-adjusted robust log shift with the dirt of heat-pump meters modelled and the fleet correction."""
    fleet = _fleet(fit, totals, spec)
    core = _core(fit, fleet, totals)
    slopes = _slope_variance(fit, totals)
    v_heat, v_el = fit.variance_heat, core.variance + slopes
    log_b = fit.shift_log - core.mean
    df = welch_df(v_heat, v_el, float(fit.weight_heat.sum()) - 1, float(core.sound.sum()) - 1)
    variance = v_heat + v_el + fleet.variance / 4
    interval = t_interval(log_b - fleet.excess / 2, variance, df, spec.confidence_share)
    details = {
        "dirt_share": core.dirt_share,
        "gas_left_out_count": int((fit.weight_heat < 0.05).sum()),
        "heat_pumps_doubted_count": int((core.sound < 0.5).sum()),
        "variance_heat": v_heat,
        "variance_electricity": v_el,
        "slopes": dict(zip(totals.covariates.names, fit.slopes.tolist(), strict=True)),
        "slope_ses": dict(zip(totals.covariates.names, np.sqrt(fit.slope_variances).tolist(), strict=True)),
        "excess_variance": fleet.excess,
        "measured_excess_variance": fleet.measured,
    }
    found = _estimate("adjusted", totals, log_b, fleet, interval, spec, fit, details)
    return replace(found, sound=core.sound)


def _core(fit: ShiftFit, fleet: _Fleet, totals: _Totals) -> CoreLevel:
    """Return the level of the sound heat-pump meters about the robust fit."""
    cov = totals.covariates
    v_heat = robust_variance(fit.residual_heat, fit.scale_heat, cov.weight_heat * (cov.double_heat == 0))
    own = max(v_heat + fleet.excess, NARROWEST_SPREAD**2)
    extra = (
        cov.imputed_electricity @ np.square(fit.slopes)
        if len(fit.slopes)
        else np.zeros(len(totals.electricity))
    )
    spread = np.sqrt(own + extra)
    weight = cov.weight_electricity * np.square(spread) / (np.square(spread) + cov.double_electricity * extra)
    return core_level(fit.residual_electricity, spread, weight)


def _slope_variance(fit: ShiftFit, totals: _Totals) -> float:
    """Return what the slopes' own error adds, through the difference of the groups' mean covariates."""
    if not len(fit.slopes):
        return 0.0
    cov, m = totals.covariates, len(totals.electricity)
    apart = np.average(cov.electricity, axis=0, weights=cov.weight_electricity) - np.average(
        cov.heat, axis=0, weights=cov.weight_heat
    )
    share = m / (m + len(totals.heat))
    return float(np.sum(np.square(apart) * fit.slope_variances) * share)


def _estimate(
    method: str, totals: _Totals, geometric_log: float, fleet: _Fleet, interval: Interval, spec: SpfSpec,
    fit: ShiftFit | None = None, details: dict[str, Any] | None = None,
) -> Estimate:  # fmt: skip
    """Return an estimate of a log shift."""
    estimands = _estimands(geometric_log, fleet, spec)
    cov = totals.covariates
    spreads = (float("nan"), float("nan"))
    if fit is not None:
        spreads = (
            float(np.sqrt(robust_variance(fit.residual_heat, fit.scale_heat, cov.weight_heat))),
            float(np.sqrt(robust_variance(fit.residual_electricity, fit.scale_electricity, cov.weight_electricity))),
        )  # fmt: skip
    x = np.log(totals.heat)
    return Estimate(
        method=method,
        b_ratio=estimands["fleet"],
        low_ratio=interval.low,
        high_ratio=interval.high,
        log_se=interval.log_se,
        df=interval.df,
        heat_meters=len(totals.heat),
        electricity_meters=len(totals.electricity),
        covariates=cov.names,
        estimands=estimands,
        details=details or {},
        left_out=totals.left_out,
        covariate_notes=cov.notes,
        residual_spread_heat=spreads[0],
        residual_spread_electricity=spreads[1],
        spread_heat=float(1.4826 * np.median(np.abs(x - np.median(x)))),
    )


def _energy(totals: _Totals, spec: SpfSpec, fit: ShiftFit) -> Estimate:
    """Energy distance on logarithms, of residuals where there are covariates."""
    x, y = totals.logs
    cov = totals.covariates
    rank = rank_shift(x - cov.heat @ fit.slopes, y - cov.electricity @ fit.slopes, spec.confidence_share)
    fleet = _fleet(fit, totals, spec)
    variance = rank.variance(spec.confidence_share) + _slope_variance(fit, totals) + fleet.variance / 4
    interval = t_interval(rank.shift_log - fleet.excess / 2, variance, rank.df, spec.confidence_share)
    return _estimate("energy_distance", totals, rank.shift_log, fleet, interval, spec, fit)


def _paper(totals: _Totals, spec: SpfSpec) -> Estimate:
    """Histogram divergence; it does not tell one mean from another."""
    found = paper.scan(totals.heat, totals.electricity, spec, resamples=spec.bootstraps_count)
    paper.refuse_edge(found)
    interval = paper.interval_of(found, spec)
    b = found.best_ratio
    details = {"flat": paper.is_flat(found, interval), "edge_share": found.edge_share}
    return Estimate(
        "paper", b, interval.low, interval.high, interval.log_se, interval.df, len(totals.heat),
        len(totals.electricity), estimands={"fleet": b, "geometric": b, "arithmetic": b}, details=details,
        left_out=totals.left_out, scan=found,
    )  # fmt: skip


def _attempt(totals: _Totals, spec: SpfSpec, name: str) -> Estimate:
    try:
        return replace(_paper(totals, spec), method=name)
    except ModelError as error:
        nan = float("nan")
        counts = len(totals.heat), len(totals.electricity)
        first = error.problems[0]
        found = paper.scan(totals.heat, totals.electricity, spec) if first.code == "P310" else None
        return Estimate(name, nan, nan, nan, nan, nan, *counts, refused=_reason(first), scan=found)


def _reason(problem: Problem) -> str:
    return f"{problem.code}: {problem.what}"


def _log_mean(totals: _Totals, spec: SpfSpec) -> Estimate:
    """Difference of mean logarithms: the maximum-likelihood shift of lognormal totals; not robust."""
    x, y = totals.logs
    vx, vy = float(x.var(ddof=1)) / len(x), float(y.var(ddof=1)) / len(y)
    fleet = _Fleet(
        spec.spf_variance_share, spec.spf_variance_sd_share**2, float(y.var(ddof=1) - x.var(ddof=1))
    )
    shift = float(x.mean() - y.mean())
    df = welch_df(vx, vy, len(x) - 1, len(y) - 1)
    interval = t_interval(shift - fleet.excess / 2, vx + vy + fleet.variance / 4, df, spec.confidence_share)
    return _estimate("log_mean", totals, shift, fleet, interval, spec)


def _ratio_of_means(totals: _Totals, spec: SpfSpec) -> Estimate:
    """Mean heat over mean electricity: the fleet's B itself, without any robustness."""
    rng = np.random.default_rng([spec.seed, 7])
    q, e = totals.heat, totals.electricity
    interval = studentised_ratio_of_means(q, e, spec.confidence_share, spec.bootstraps_count, rng)
    fleet = _Fleet(spec.spf_variance_share, spec.spf_variance_sd_share**2, float("nan"))
    geometric = float(np.log(q.mean() / e.mean()) + fleet.excess / 2)
    return _estimate("ratio_of_means", totals, geometric, fleet, interval, spec)


def _ratio_of_medians(totals: _Totals, spec: SpfSpec) -> Estimate:
    """Median heat over median electricity."""
    rng = np.random.default_rng([spec.seed, 8])
    q, e = totals.heat, totals.electricity
    fleet = _Fleet(spec.spf_variance_share, spec.spf_variance_sd_share**2, float("nan"))
    drawn = median_resamples(q, spec.bootstraps_count, rng) / median_resamples(e, spec.bootstraps_count, rng)
    shrink = float(np.exp(-fleet.excess / 2))
    interval = percentile_interval(drawn * shrink, spec.confidence_share)
    return _estimate(
        "ratio_of_medians", totals, float(np.log(np.median(q) / np.median(e))), fleet, interval, spec
    )
