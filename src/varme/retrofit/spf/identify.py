"""What the meters can tell, and what they cannot: the verdict that stands beside every figure.

B is a scale: it is found only because homes with heat pumps are taken to need the heat of the gas homes, up to
1 - gamma. gamma itself is never in the data. Everything else that can make the answer hollow is tested here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from varme.ground.findings import Finding
from varme.retrofit.spf.estimate import Estimate
from varme.retrofit.spf.spec import SpfSpec

#: Range of fleet SPF in field trials for 76 % air and 24 % ground source: the harmonic mix of the ranges that Bayer &
#: Pruckner 2023 quote (air 2.3-3.1, ground 2.9-4.0). An interval wider than this says no more than the literature.
FIELD_RANGE_SPF = (2.4, 3.3)
#: Fewer heat pumps than this are run, with a warning.
FEW_HEAT_PUMPS = 10
#: Above this share of left-out or doubted meters there is a warning.
DOUBTED_SHARE = 0.10
#: Difference of the groups' mean covariate, in standard deviations, above which the regression extrapolates.
DIFFERENCE_SD = 0.8

#: What :mod:`varme.retrofit.alarms` says with figures of its own; the table of verdicts has it too.
SAID_BY_ALARMS = frozenset({"gamma_not_estimable", "few_heat_pumps"})

Status = Literal["yes", "partly", "no"]


@dataclass(frozen=True)
class Verdict:
    """One question of identifiability.

    Attributes:
        what: What is asked for.
        identifiable: ``yes``, ``partly`` or ``no``.
        why: One sentence with the figures.
        code: Code of the finding.
        severity: Severity of the finding.
        evidence: The figures.
    """

    what: str
    identifiable: Status
    why: str
    code: str
    severity: Literal["note", "warning", "alarm"]
    evidence: dict[str, float | int | str]


def verdicts(estimate: Estimate, spec: SpfSpec, others: Sequence[Estimate] = ()) -> list[Verdict]:
    """Return what can be known in this town, question by question.

    Args:
        estimate: The study's estimate of one year.
        spec: How it was made.
        others: The other methods on the same totals.
    """
    found = [_gamma(spec), _level(estimate, spec), _count(estimate)]
    found += _covariates(estimate)
    found += _flat([estimate, *others])
    found += _agreement(estimate, others, spec)
    found += _doubted(estimate)
    return found


def findings(
    estimate: Estimate, spec: SpfSpec, others: Sequence[Estimate] = (), where: str = "spf"
) -> list[Finding]:
    """Return the verdicts that a reader must know as findings, but for those that the alarms say.

    Args:
        estimate: The study's estimate of one year.
        spec: How it was made.
        others: The other methods on the same totals.
        where: Place, for example ``spf 2019``.
    """
    return [
        Finding(v.code, v.severity, where, v.why, dict(v.evidence))
        for v in verdicts(estimate, spec, others)
        if v.identifiable != "yes" and v.code not in SAID_BY_ALARMS
    ]


def _gamma(spec: SpfSpec) -> Verdict:
    share = spec.gamma_sd_share / (1 - spec.gamma_share)
    return Verdict(
        "gamma: how much less heat homes with heat pumps need", "no",
        f"The SPF is B times 1 - gamma, and no meter tells gamma: it is taken as {100 * spec.gamma_share:.1f} % "
        f"+- {100 * spec.gamma_sd_share:.1f} points, which alone leaves +- {196 * share:.1f} % of the SPF open.",
        "gamma_not_estimable", "note", {"gamma_share": spec.gamma_share, "gamma_sd_share": spec.gamma_sd_share},
    )  # fmt: skip


def _level(estimate: Estimate, spec: SpfSpec) -> Verdict:
    width = (estimate.high_ratio - estimate.low_ratio) * (1 - spec.gamma_share)
    field = FIELD_RANGE_SPF[1] - FIELD_RANGE_SPF[0]
    wide = width > field
    return Verdict(
        "B: heat per electricity", "partly" if wide else "yes",
        f"The interval of the SPF is {width:.2f} wide, {'wider' if wide else 'narrower'} than the {field:.1f} by which "
        "field trials differ" + (": the meters say no more than the literature." if wide else "."),
        "spf_interval_wider_than_field", "warning", {"width_spf": width, "field_width_spf": field},
    )  # fmt: skip


def _count(estimate: Estimate) -> Verdict:
    m = estimate.electricity_meters
    few = m < FEW_HEAT_PUMPS
    half = (estimate.high_ratio - estimate.low_ratio) / 2 / estimate.b_ratio
    return Verdict(
        "a fleet from the heat pumps at hand", "partly" if few else "yes",
        f"{m} heat-pump meters give B within +- {100 * half:.0f} %"
        + (f"; below {FEW_HEAT_PUMPS} a single odd meter moves it, and dirt looks like difference." if few else "."),
        "few_heat_pumps", "warning", {"heat_pumps_count": m, "half_width_share": half},
    )  # fmt: skip


def _covariates(estimate: Estimate) -> list[Verdict]:
    """Return what became of every covariate asked for, and whether the groups overlap in it."""
    found = []
    for note in estimate.covariate_notes:
        name = str(note["name"])
        what = f"homes compared at equal {name}"
        if not note["used"]:
            found.append(
                Verdict(
                    what, "no", f"{name} was not used: {note['reason']}. Without it the interval is wider, and a "
                    "difference of the homes in it goes into B.", "covariate_not_used", "warning",
                    {"covariate": name, "reason": str(note["reason"])},
                )
            )  # fmt: skip
            continue
        apart, overlap = float(note["difference_sd"]), float(note["overlap_share"])
        missing = max(float(note["missing_heat_share"]), float(note["missing_electricity_share"]))
        poor = abs(apart) > DIFFERENCE_SD or overlap < 0.9
        why = (
            f"In {name}, heat-pump homes lie {apart:+.2f} standard deviations from the gas homes and "
            f"{100 * overlap:.0f} % of them within the gas homes' range"
            + (": the regression extrapolates." if poor else ".")
        )
        evidence: dict[str, float | int | str] = {
            "covariate": name,
            "difference_sd": apart,
            "overlap_share": overlap,
            "missing_share": missing,
        }
        found.append(
            Verdict(what, "partly" if poor else "yes", why, "covariate_overlap_poor", "warning", evidence)
        )
        if missing > 0.05:
            text = (
                f"{name} is missing for {100 * missing:.0f} % of a group; its mean stands in, with its error."
            )
            found.append(
                Verdict(f"{name} of every home", "partly", text, "covariate_missing", "note", evidence)
            )
    return found


def _flat(estimates: Sequence[Estimate]) -> list[Verdict]:
    found = []
    for e in estimates:
        if e.scan is None or not e.details.get("flat"):
            continue
        grid = e.scan.b_ratio
        found.append(
            Verdict(
                "the minimum of the histogram divergence", "no",
                f"The divergence of {e.method} is flat: in resamples its minimum wanders from {e.low_ratio:.2f} to "
                f"{e.high_ratio:.2f} on a grid from {grid[0]:g} to {grid[-1]:g}, {100 * e.details['edge_share']:.0f} % "
                "of them at its edge.",
                "divergence_flat", "warning",
                {"method": e.method, "low_ratio": e.low_ratio, "high_ratio": e.high_ratio},
            )
        )  # fmt: skip
    return found


def _agreement(estimate: Estimate, others: Sequence[Estimate], spec: SpfSpec) -> list[Verdict]:
    """Return the pairs of robust methods that disagree beyond both intervals, and whether any do."""
    worst, name = 0.0, ""
    for other in others:
        if other.refused or other.method in {estimate.method, "ratio_of_means", "log_mean", "paper_jeffreys"}:
            continue
        se = float(np.hypot(estimate.log_se, other.log_se))
        apart = abs(float(np.log(other.b_ratio / estimate.b_ratio))) / max(se, 1e-12)
        if apart > worst:
            worst, name = apart, other.method
    if not name:
        return []
    limit = float(stats.norm.ppf(0.5 + spec.confidence_share / 2))
    bad = worst > limit
    return [
        Verdict(
            "one answer, whatever the method", "partly" if bad else "yes",
            f"The estimate and {name} are {worst:.1f} standard errors apart"
            + (": the two groups of homes differ in more than a scale, or meters are dirty." if bad else "."),
            "methods_disagree", "warning", {"method": name, "standard_errors": worst},
        )
    ]  # fmt: skip


def _doubted(estimate: Estimate) -> list[Verdict]:
    """Return whether many meters look dirty."""
    m, n = estimate.electricity_meters, estimate.heat_meters
    doubted = int(estimate.details.get("heat_pumps_doubted_count", 0))
    left_out = int(estimate.details.get("gas_left_out_count", 0))
    found = []
    for count, total, what in ((doubted, m, "heat-pump"), (left_out, n, "gas")):
        many = count > DOUBTED_SHARE * total
        found.append(
            Verdict(
                f"sound {what} meters", "partly" if many else "yes",
                f"{count} of {total} {what} meters have totals that do not fit their homes (part of the year, PV "
                "behind the meter, a wrong unit, several homes, a cooker alone); they hardly count.",
                "totals_doubted", "warning", {"count": count, "total": total, "meters": what},
            )
        )  # fmt: skip
    return found
