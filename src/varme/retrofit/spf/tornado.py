"""What the interval of the SPF is made of: sampling, and every factor that all homes share (a tornado).

The meters tell B = SPF / (1 - gamma) times what the efficiency, the calorific value and the other common factors are
off by; no number of meters averages those out. They enter as priors on the logarithm, gamma as a prior on itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from varme.ground.charts import Chart
from varme.ground.errors import Collector, InputError
from varme.ground.findings import Finding
from varme.ground.tables import Column, Table, TableSchema
from varme.retrofit.heat import Prior
from varme.retrofit.spf.estimate import Estimate

Floats = NDArray[np.float64]

#: Points at which the prior of gamma is taken: equally likely slices of it.
GAMMA_POINTS = 401
#: Gamma is believed to lie below this.
GAMMA_MOST = 0.9

TORNADO = TableSchema(
    "tornado",
    "What the intervals of B and SPF are made of",
    (
        Column("year", "text", "calendar year, or what the estimate is of"),
        Column("quantity", "text", "B or SPF"),
        Column("factor", "text", "sampling, or a factor that all homes share"),
        Column("log_sd_share", "number", "standard deviation of its logarithm"),
        Column("variance_share", "number", "its share in the variance of the logarithm"),
        Column("low_ratio", "number", "the quantity with this factor at the lower end of its interval, others unmoved"),
        Column("high_ratio", "number", "the same at the upper end"),
        Column("below_ratio", "number", "low_ratio less the estimate"),
        Column("above_ratio", "number", "high_ratio less the estimate"),
        Column("source", "text", "where the figure comes from"),
    ),
)  # fmt: skip
SPF_INTERVALS = TableSchema(
    "spf_intervals",
    "B and SPF with everything that is not known",
    (
        Column("year", "text", "calendar year, or what the estimate is of"),
        Column("b_ratio", "number", "B = SPF / (1 - gamma)"),
        Column("b_sampling_low_ratio", "number", "lower end of the interval of B from sampling alone"),
        Column("b_sampling_high_ratio", "number", "upper end"),
        Column(
            "b_low_ratio", "number", "lower end with the priors of efficiency, calorific value and others"
        ),
        Column("b_high_ratio", "number", "upper end"),
        Column("fleet_spf", "number", "SPF of the fleet"),
        Column("low_spf", "number", "lower end of its interval, with gamma's prior too"),
        Column("high_spf", "number", "upper end"),
        Column("confidence_share", "number", "confidence of the intervals"),
    ),
)
SCHEMAS = (TORNADO, SPF_INTERVALS)


@dataclass(frozen=True)
class Contribution:
    """One factor's part of an interval.

    Attributes:
        factor: ``sampling``, or the name of a prior.
        log_sd: Standard deviation of its logarithm.
        share_b: Share in the variance of log B; 0 for a factor that enters the SPF only.
        share_spf: Share in the variance of log SPF.
        source: Where the figure comes from.
    """

    factor: str
    log_sd: float
    share_b: float
    share_spf: float
    source: str = ""


@dataclass(frozen=True)
class SpfInterval:
    """B and SPF of the fleet, each with its interval.

    Attributes:
        spf: SPF of the fleet, B (1 - gamma).
        low: Lower end of its interval: sampling, common factors and gamma.
        high: Upper end.
        b: Estimate of B.
        b_low: Lower end of its interval: sampling and common factors.
        b_high: Upper end.
        b_sampling_low: Lower end from sampling alone.
        b_sampling_high: Upper end.
        confidence: Confidence of the intervals.
        contributions: Parts, the largest in the SPF first.
    """

    spf: float
    low: float
    high: float
    b: float
    b_low: float
    b_high: float
    b_sampling_low: float
    b_sampling_high: float
    confidence: float
    contributions: tuple[Contribution, ...]

    @property
    def shares(self) -> dict[str, float]:
        """Share of each factor in the variance of log SPF; they add up to 1."""
        return {c.factor: c.share_spf for c in self.contributions}


def combine(
    estimate: Estimate,
    priors: Sequence[Prior],
    gamma_share: float,
    gamma_sd_share: float,
    confidence_share: float = 0.95,
) -> SpfInterval:
    """Return B and SPF with intervals that hold sampling and everything else that is not known.

    Sampling is a scaled t distribution on log B; the priors of common factors are normal on log B, and join it with the
    degrees of freedom of Welch and Satterthwaite. Gamma is normal, cut at 0 and 0.9; the distribution of
    SPF = B (1 - gamma) is the mean over its equally likely slices, so a wide gamma makes the interval as skew as it is.

    Args:
        estimate: Estimate of B; if its ``log_se`` is not known, it is taken from the interval.
        priors: Common factors; one that enters ``spf`` and is called ``gamma`` is ignored in favour of ``gamma_share``.
        gamma_share: How much less heat the homes with heat pumps need.
        gamma_sd_share: What is not known about it.
        confidence_share: Confidence of the intervals.

    Raises:
        InputError: P101 for a gamma outside 0 to 0.9, a negative spread, or an estimate without any interval.
    """
    se, df = _sampling(estimate, confidence_share)
    _check(estimate, priors, gamma_share, gamma_sd_share, se)
    common = [p for p in priors if p.enters == "b"]
    only_spf = [p for p in priors if p.enters == "spf" and p.name != "gamma"]
    var_b = se**2 + sum(p.log_sd**2 for p in common)
    tail = 0.5 + confidence_share / 2
    half_sampling = float(stats.t.ppf(tail, df)) * se
    half_b = float(stats.t.ppf(tail, _joint_df(se, df, var_b))) * np.sqrt(var_b)
    var_rest = var_b + sum(p.log_sd**2 for p in only_spf)
    slices = _gamma_slices(gamma_share, gamma_sd_share)
    low, high = (
        _quantile(q, np.log(estimate.b_ratio), np.sqrt(var_rest), _joint_df(se, df, var_rest), slices)
        for q in (1 - tail, tail)
    )
    var_gamma = float(np.log1p(-slices).var())
    total = var_rest + var_gamma
    parts = [Contribution("sampling", se, _part(se**2, var_b), _part(se**2, total), f"{estimate.method}")]
    parts += [
        Contribution(p.name, p.log_sd, _part(p.log_sd**2, var_b), _part(p.log_sd**2, total), p.source)
        for p in common
    ]
    parts += [Contribution(p.name, p.log_sd, 0.0, _part(p.log_sd**2, total), p.source) for p in only_spf]
    parts.append(
        Contribution(
            "gamma", float(np.sqrt(var_gamma)), 0.0, _part(var_gamma, total), "study: spf.gamma_sd_share"
        )
    )
    b = estimate.b_ratio
    return SpfInterval(
        b * (1 - gamma_share), low, high, b, b * np.exp(-half_b), b * np.exp(half_b), b * np.exp(-half_sampling),
        b * np.exp(half_sampling), confidence_share, tuple(sorted(parts, key=lambda c: (-c.share_spf, c.factor))),
    )  # fmt: skip


def _part(variance: float, total: float) -> float:
    return variance / total if total > 0 else 0.0


def _sampling(estimate: Estimate, confidence: float) -> tuple[float, float]:
    """Return standard error and degrees of freedom of log B from sampling; from the interval if it is all there is."""
    df = estimate.df if np.isfinite(estimate.df) and estimate.df > 0 else 1e6
    if np.isfinite(estimate.log_se):
        return float(estimate.log_se), float(df)
    width = np.log(estimate.high_ratio / estimate.low_ratio)
    return float(width / 2 / stats.t.ppf(0.5 + confidence / 2, df)), float(df)


def _check(
    estimate: Estimate, priors: Sequence[Prior], gamma_share: float, gamma_sd_share: float, se: float
) -> None:
    problems = Collector()
    if not 0 <= gamma_share < GAMMA_MOST:
        problems.add("P101", "spf.gamma_share", "outside its limits", value=gamma_share, limit="0 to 0.9")
    if gamma_sd_share < 0 or any(p.log_sd < 0 for p in priors):
        problems.add("P101", "priors", "a standard deviation must not be negative")
    if not (np.isfinite(se) and np.isfinite(estimate.b_ratio) and estimate.b_ratio > 0):
        problems.add("P101", "estimate", f"the method {estimate.method} gave no estimate with an interval")
    problems.raise_if_any(InputError)


def _joint_df(se: float, df: float, variance: float) -> float:
    """Return the degrees of freedom of a t part and normal parts together (Welch 1947, Satterthwaite 1946)."""
    return float(min(variance**2 / (se**4 / df), 1e6)) if se > 0 else 1e6


def _gamma_slices(gamma: float, sd: float) -> Floats:
    """Return equally likely values of gamma: a normal distribution cut at 0 and 0.9."""
    if sd == 0:
        return np.array([gamma])
    u = (np.arange(GAMMA_POINTS) + 0.5) / GAMMA_POINTS
    low, high = (0 - gamma) / sd, (GAMMA_MOST - gamma) / sd
    return np.asarray(stats.truncnorm.ppf(u, low, high, loc=gamma, scale=sd), dtype=np.float64)


def _quantile(q: float, log_b: float, sd: float, df: float, gamma: Floats) -> float:
    """Return a quantile of B (1 - gamma)."""
    shift = log_b + np.log1p(-gamma)
    if sd == 0:
        return float(np.exp(np.quantile(shift, q)))
    reach = float(abs(stats.t.ppf(min(q, 1 - q) / 4, df))) * sd
    return float(
        np.exp(
            optimize.brentq(
                lambda x: float(special.stdtr(df, (x - shift) / sd).mean()) - q,
                shift.min() - reach,
                shift.max() + reach,
            )
        )
    )


def tornado_table(intervals: Mapping[str, SpfInterval]) -> Table:
    """Return the parts of each interval, the largest first.

    Args:
        intervals: Year, or what the estimate is of -> interval.
    """
    rows: list[tuple[object, ...]] = []
    for year, interval in intervals.items():
        z = float(stats.norm.ppf(0.5 + interval.confidence / 2))
        for quantity, value in (("SPF", interval.spf), ("B", interval.b)):
            for part in interval.contributions:
                share = part.share_spf if quantity == "SPF" else part.share_b
                if share == 0:
                    continue
                low, high = value * np.exp(-z * part.log_sd), value * np.exp(z * part.log_sd)
                rows.append(
                    (
                        year,
                        quantity,
                        part.factor,
                        part.log_sd,
                        share,
                        low,
                        high,
                        low - value,
                        high - value,
                        part.source,
                    )
                )
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(TORNADO.columns)
    return Table(TORNADO, {c.name: list(v) for c, v in zip(TORNADO.columns, columns, strict=True)})


def interval_table(intervals: Mapping[str, SpfInterval]) -> Table:
    """Return B and SPF by year with their intervals.

    Args:
        intervals: Year, or what the estimate is of -> interval.
    """
    rows = [
        (
            year, i.b, i.b_sampling_low, i.b_sampling_high, i.b_low, i.b_high, i.spf, i.low, i.high, i.confidence,
        )
        for year, i in intervals.items()
    ]  # fmt: skip
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(SPF_INTERVALS.columns)
    return Table(
        SPF_INTERVALS, {c.name: list(v) for c, v in zip(SPF_INTERVALS.columns, columns, strict=True)}
    )


def tornado_chart(intervals: Mapping[str, SpfInterval], year: str | None = None) -> list[Chart]:
    """Return the tornado of one year (the last if not given): how far each factor alone moves the SPF.

    Args:
        intervals: Year, or what the estimate is of -> interval.
        year: Which one is drawn.
    """
    if not intervals:
        return []
    year = year if year is not None else list(intervals)[-1]
    interval = intervals[year]
    first = interval.contributions[0]
    return [
        Chart(
            "tornado", "stacked_bars", f"What the interval of the SPF is made of, {year}", "tornado", "factor",
            ("below_ratio", "above_ratio"), where={"year": (year,), "quantity": ("SPF",)}, x_label="",
            y_label="change of SPF [-]", section="Seasonal performance factor",
            note=f"Each bar moves one factor to the ends of its {100 * interval.confidence:.0f} % interval, the others "
            f"stay; SPF {interval.spf:.2f}, interval {interval.low:.2f} to {interval.high:.2f}. The largest, "
            f"{first.factor}, makes {100 * first.share_spf:.0f} % of the variance. Only sampling shrinks with meters.",
        )
    ]  # fmt: skip


def tornado_findings(intervals: Mapping[str, SpfInterval]) -> list[Finding]:
    """Return a note for every year in which what no meter can tell makes up most of the interval."""
    findings = []
    for year, interval in intervals.items():
        common = 1 - interval.shares["sampling"]
        if common > 0.5:
            parts = ", ".join(
                f"{c.factor} {100 * c.share_spf:.0f} %"
                for c in interval.contributions
                if c.factor != "sampling"
            )
            findings.append(
                Finding(
                    "interval_not_from_meters", "note", f"SPF {year}",
                    f"{100 * common:.0f} % of the variance of the SPF comes from what no meter tells ({parts}): more "
                    "meters will hardly narrow it, a better gamma or efficiency will.",
                    {"year": year, **interval.shares},
                )
            )  # fmt: skip
    return findings
