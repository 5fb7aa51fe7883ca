"""How efficient the heat pumps are: B and SPF by year and joined, the COP curve, and what is not known about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from varme.ground.errors import ModelError, Problem
from varme.ground.findings import Finding
from varme.retrofit.analysis import Metered
from varme.retrofit.case import RetrofitCase
from varme.retrofit.heat import Prior, priors
from varme.retrofit.spf.curve import CopCurve, fit_cop_curve, prior_cop_curve
from varme.retrofit.spf.estimate import Estimate, all_methods, estimate_b
from varme.retrofit.spf.joint import JointEstimate, YearLevel, expected_effects, joint_estimate
from varme.retrofit.spf.joint_towns import JointTowns, TownEvidence, joint_towns
from varme.retrofit.spf.mixture import MixtureEstimate, estimate_mixture, pooled_by_source
from varme.retrofit.spf.power import Power, power
from varme.retrofit.spf.tornado import SpfInterval, combine
from varme.retrofit.spf.years import PanelYears, heating_temperature_c, panel_changes

Floats = NDArray[np.float64]

#: Fewest heat pumps of each source from which separate levels are estimated, and of all for a mixture.
MIN_OF_SOURCE, MIN_OF_MIXTURE = 5, 10
#: Share of ground source where it is not known (Bayer & Pruckner 2023).
GROUND_SHARE = 0.24
#: Fewest meters of either kind from which a year's level is estimated.
MIN_METERS = 3


@dataclass(frozen=True)
class Levels:
    """What is known of the heat pumps' efficiency.

    Attributes:
        source: ``unpaired`` meters, ``monitored`` heat pumps, or ``given``.
        pooled: The level over all years, as an estimate.
        interval: B and SPF of that level with everything that is not known.
        by_year: Year -> estimate from that year's totals; empty unless unpaired.
        methods: Year -> every method beside each other.
        interval_by_year: Year -> B and SPF with everything that is not known.
        panel: Year effects from the same meters, ``None`` with one year.
        joint: Level, panel and curve in one estimate, ``None`` unless unpaired.
        mixture: B of air and of ground source, ``None`` if it cannot be told.
        towns: This town and the others of the study, drawn to each other; ``None`` if none are given.
        curve: COP over outdoor temperature, at the level of the SPF.
        power: Precision that other numbers of heat pumps would have.
        priors: What is not known about factors that all homes share.
        demand_log_se: Standard error of the logarithm of electricity at given gas readings.
        demand_df: Its degrees of freedom.
        findings: What a reader must know.
    """

    source: str
    pooled: Estimate
    interval: SpfInterval
    by_year: dict[int, Estimate]
    methods: dict[int, list[Estimate]]
    interval_by_year: dict[int, SpfInterval]
    panel: PanelYears | None
    joint: JointEstimate | None
    mixture: MixtureEstimate | None
    towns: JointTowns | None
    curve: CopCurve
    power: Power | None
    priors: list[Prior]
    demand_log_se: float
    demand_df: float
    findings: tuple[Finding, ...] = ()

    @property
    def fleet_spf(self) -> float:
        """SPF of the fleet."""
        return self.interval.spf


def find_levels(case: RetrofitCase, meters: Metered) -> Levels:
    """Estimate B, SPF and the COP curve.

    Raises:
        ModelError: P310 to P324 if no estimate is possible.
    """
    common = priors(case.study.furnace, case.study.gas, unit=case.gas_unit)
    if case.study.given is not None or case.monitored is not None:
        return _stated(case, meters, common)
    assert meters.pumps is not None
    return _unpaired(case, meters, common)


def with_se(estimate: Estimate, confidence: float) -> Estimate:
    """Return an estimate whose standard error is known: from its resampled interval if the method has no other."""
    if np.isfinite(estimate.log_se) and estimate.log_se > 0:
        return estimate
    width = float(np.log(estimate.high_ratio / estimate.low_ratio))
    return replace(estimate, log_se=width / 2 / float(stats.norm.ppf(0.5 + confidence / 2)), df=1e6)


def covariates_of(case: RetrofitCase, meters: Sequence[str]) -> dict[str, Floats]:
    """Return the covariates of the study that the building table has, by meter."""
    names = [name for name in case.study.spf.covariates if case.buildings.has(name)]
    return {name: np.asarray(case.buildings.of(tuple(meters), name), dtype=float) for name in names}


def _unpaired(case: RetrofitCase, meters: Metered, common: list[Prior]) -> Levels:
    study, gas, pumps = case.study, meters.gas, meters.pumps
    assert pumps is not None
    spec = study.spf
    of_gas, of_pumps = covariates_of(case, gas.meters), covariates_of(case, pumps.meters)
    by_year: dict[int, Estimate] = {}
    methods: dict[int, list[Estimate]] = {}
    for k, year in enumerate(gas.years):
        heat, used = gas.energy[:, k], pumps.energy[:, k]
        if min(np.isfinite(heat).sum(), np.isfinite(used).sum()) < MIN_METERS:
            continue
        by_year[year] = with_se(estimate_b(heat, used, spec, of_gas, of_pumps), spec.confidence_share)
        methods[year] = all_methods(heat, used, spec, of_gas, of_pumps)
    if not by_year:
        raise ModelError(_no_common_year(case, meters))
    curve = fit_cop_curve(
        per_meter(gas.fleet_days, gas.usable, case), per_meter(pumps.fleet_days, pumps.usable, case),
        case.temperature_c, rest_days(case), year_of_day(case),
    )  # fmt: skip
    years = tuple(by_year)
    columns = [gas.years.index(y) for y in years]
    temperature = heating_temperature_c(case.temperature_c, year_of_day(case), years)
    panel = None
    if len(years) > 1:
        panel = panel_changes(
            gas.energy[:, columns], pumps.energy[:, columns], years, temperature, spec.confidence_share
        )
    joint = _joint(case, meters, by_year, panel, curve, temperature)
    towns = _towns(case, by_year, panel, curve, meters)
    if towns is not None:
        joint = towns.towns[HERE]
    pooled = _pooled(by_year, joint)
    interval = combine(pooled, common, spec.gamma_share, spec.gamma_sd_share, spec.confidence_share)
    return Levels(
        source="unpaired",
        pooled=pooled,
        interval=interval,
        by_year=by_year,
        methods=methods,
        interval_by_year={
            y: combine(e, common, spec.gamma_share, spec.gamma_sd_share, spec.confidence_share)
            for y, e in by_year.items()
        },
        panel=panel,
        joint=joint,
        towns=towns,
        mixture=_by_source(case, meters),
        curve=curve.scaled_to(interval.spf, gas.fleet_days, case.temperature_c),
        power=power(pooled, spec.confidence_share) if spec.method != "paper" else None,
        priors=common,
        # What all homes share (efficiency, calorific value) is in the heat and in B alike: it cancels in heat / B.
        demand_log_se=pooled.log_se,
        demand_df=pooled.df,
    )


#: Name of the studied town among others.
HERE = "this town"


def _towns(
    case: RetrofitCase,
    by_year: dict[int, Estimate],
    panel: PanelYears | None,
    curve: CopCurve,
    meters: Metered,
) -> JointTowns | None:
    """Return this town and the others that the study gives, drawn to each other as far as each is uncertain."""
    others, confidence = case.study.other_towns, case.study.spf.confidence_share
    if not others:
        return None
    z = float(stats.norm.ppf(0.5 + confidence / 2))
    years = tuple(by_year)
    expected = expected_effects(curve, meters.gas.fleet_days, case.temperature_c, year_of_day(case), years)
    levels = [YearLevel(y, float(np.log(e.b_ratio)), e.log_se, e.df) for y, e in by_year.items()]
    evidence = {HERE: TownEvidence(levels, panel, curve, expected_log=expected)}
    for town in others:
        log_se = float(np.log(town.high_ratio / town.low_ratio)) / (2 * z)
        evidence[town.name] = TownEvidence([YearLevel(years[0], float(np.log(town.b_ratio)), log_se, 1e6)])
    return joint_towns(evidence, confidence)


def mean_of_years(energy: Floats) -> Floats:
    """Return each meter's mean over its usable years, NaN without one, shape (meters,)."""
    count = np.isfinite(energy).sum(axis=1)
    total = np.nansum(energy, axis=1)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan), dtype=float)


def _by_source(case: RetrofitCase, meters: Metered) -> MixtureEstimate | None:
    """Return B by source: separate levels where the sources are known, else a mixture with a prior."""
    assert meters.pumps is not None
    spec = case.study.spf
    heat, used = mean_of_years(meters.gas.energy), mean_of_years(meters.pumps.energy)
    source = case.buildings.of(meters.pumps.meters, "source", "")
    of_gas, of_pumps = covariates_of(case, meters.gas.meters), covariates_of(case, meters.pumps.meters)
    known = {s: (source == s) & (used > 0) for s in ("air", "ground")}
    try:
        if all(mask.sum() >= MIN_OF_SOURCE for mask in known.values()) and spec.method != "paper":
            levels = {}
            for name, mask in known.items():
                one = estimate_b(heat, used[mask], spec, of_gas, {k: v[mask] for k, v in of_pumps.items()})
                levels[name] = (float(np.log(one.b_ratio)), one.log_se, int(mask.sum()))
            return pooled_by_source(levels, confidence_share=spec.confidence_share)
        log_heat, log_used = np.log(heat[heat > 0]), np.log(used[used > 0])
        if min(len(log_heat), len(log_used)) < MIN_OF_MIXTURE:
            return None
        return estimate_mixture(log_heat, log_used, GROUND_SHARE, confidence_share=spec.confidence_share)
    except ModelError:
        return None  # too few of a source: the fleet's level stands alone


def _joint(
    case: RetrofitCase,
    meters: Metered,
    by_year: dict[int, Estimate],
    panel: PanelYears | None,
    curve: CopCurve,
    temperature: Floats,
) -> JointEstimate | None:
    levels = [YearLevel(y, float(np.log(e.b_ratio)), e.log_se, e.df) for y, e in by_year.items()]
    if len(levels) < 2 or any(not np.isfinite(level.log_se) or level.log_se <= 0 for level in levels):
        return None
    expected = expected_effects(
        curve, meters.gas.fleet_days, case.temperature_c, year_of_day(case), tuple(by_year)
    )
    return joint_estimate(
        levels, panel, curve, temperature, case.study.spf.confidence_share, expected_log=expected
    )


def _pooled(by_year: dict[int, Estimate], joint: JointEstimate | None) -> Estimate:
    """Return the level over all years: the joint estimate's mean year, or the only year's estimate."""
    first = next(iter(by_year.values()))
    if joint is None:
        return first
    df = float(min(joint.df, 1e6))
    t = float(stats.t.ppf(0.5 + joint.confidence_share / 2, df))
    log_se = float(np.log(joint.mean_high_ratio / joint.mean_low_ratio)) / (2 * t)
    shift = joint.mean_b_ratio / first.b_ratio
    middle = max(by_year.values(), key=lambda e: e.electricity_meters)
    return replace(
        middle,
        method=f"{middle.method}, years joined",
        b_ratio=joint.mean_b_ratio,
        low_ratio=joint.mean_low_ratio,
        high_ratio=joint.mean_high_ratio,
        log_se=log_se,
        df=df,
        estimands={k: v * shift for k, v in first.estimands.items()},
    )


def _stated(case: RetrofitCase, meters: Metered, common: list[Prior]) -> Levels:
    """Return the level that monitored heat pumps measured, or that the study gives."""
    study, spec = case.study, case.study.spf
    t_level = 0.5 + spec.confidence_share / 2
    if study.given is not None:
        spf, count, df = study.given.fleet_spf, 0, 1e6
        log_se = float(np.log(study.given.high_spf / study.given.low_spf) / 2 / stats.norm.ppf(t_level))
        source, method = "given", f"given: {study.given.source}"
        each = {"fleet": spf}
    else:
        assert case.monitored is not None
        found = case.monitored
        spf, count = found.fleet_spf, len(found.meters)
        df = float(count - 1)
        log_se = found.interval(spec.confidence_share)[2]
        source, method = "monitored", "monitored: heat and electricity metered"
        each = {"fleet": spf, "geometric": found.geometric_spf, "arithmetic": found.arithmetic_spf}
    scale = 1 / (1 - spec.gamma_share)
    half = float(stats.t.ppf(t_level, df)) * log_se
    estimate = Estimate(
        method, spf * scale, spf * scale * np.exp(-half), spf * scale * np.exp(half), log_se, df, 0, count,
        estimands={k: v * scale for k, v in each.items()},
    )  # fmt: skip
    interval = combine(estimate, [], spec.gamma_share, 0.0, spec.confidence_share)
    # The SPF is what is known here, and B follows from it: gamma widens B, not the SPF.
    half = float(stats.t.ppf(t_level, df)) * float(np.hypot(log_se, spec.gamma_sd_share * scale))
    interval = replace(interval, b_low=interval.b * np.exp(-half), b_high=interval.b * np.exp(half))
    if study.given is not None:
        interval = replace(interval, low=study.given.low_spf, high=study.given.high_spf)
    curve = prior_cop_curve().scaled_to(spf, meters.gas.fleet_days, case.temperature_c)
    systematic = sum(p.log_sd**2 for p in common) + (spec.gamma_sd_share / (1 - spec.gamma_share)) ** 2
    text = (
        "The SPF does not come from these meters, so what is not known about the gas (efficiency, calorific value) and "
        "about gamma enters the demand in full; where B is estimated from the same gas it cancels."
    )
    return Levels(
        source, estimate, interval, {}, {}, {}, None, None, None, None, curve, None, common,
        float(np.hypot(log_se, np.sqrt(systematic))), df,
        (Finding("spf_from_elsewhere", "note", "spf", text, {"source": source, "systems": count}),),
    )  # fmt: skip


def per_meter(total: Floats, usable: NDArray[np.bool_], case: RetrofitCase) -> Floats:
    """Return a fleet's sums by day per usable meter, NaN in years without one, shape (days,)."""
    count = usable.sum(axis=0)[year_index(case)]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(count > 0, total / count, np.nan), dtype=float)


def year_of_day(case: RetrofitCase) -> NDArray[np.int64]:
    """Return the calendar year of each day, shape (days,)."""
    return np.asarray(case.days.astype("datetime64[Y]").astype(np.int64) + 1970)


def year_index(case: RetrofitCase) -> NDArray[np.int64]:
    """Return the number of the year of each day, shape (days,)."""
    return np.asarray(year_of_day(case) - case.study.years[0])


def rest_days(case: RetrofitCase) -> NDArray[np.bool_]:
    """Return whether each day is a Saturday or a Sunday, shape (days,)."""
    return np.asarray((case.days.astype("datetime64[D]").astype(np.int64) + 3) % 7 >= 5)


def _no_common_year(case: RetrofitCase, meters: Metered) -> Problem:
    assert meters.pumps is not None
    gas = {y: int(meters.gas.usable[:, k].sum()) for k, y in enumerate(meters.gas.years)}
    pumps = {y: int(meters.pumps.usable[:, k].sum()) for k, y in enumerate(meters.gas.years)}
    listed = "; ".join(f"{y}: {gas[y]} gas, {pumps[y]} heat pumps" for y in gas)
    return Problem(
        "P324", "spf", "no year has usable gas meters and usable heat-pump meters together",
        listed, f"at least {MIN_METERS} of each",
        "A run with [given] instead has the table `dropped` with the reasons; use other years, or relax [cleaning].",
    )  # fmt: skip
