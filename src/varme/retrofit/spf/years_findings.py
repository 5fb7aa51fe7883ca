"""Findings about years, the COP over temperature, and the sources of heat."""

from __future__ import annotations

import numpy as np

from varme.ground.findings import Finding
from varme.retrofit.spf.curve import SLOPE_LIMITS, CopCurve
from varme.retrofit.spf.joint import JointEstimate
from varme.retrofit.spf.mixture import MixtureEstimate
from varme.retrofit.spf.years import PanelYears

#: Change of B that the per-year method shows and that is worth a finding where the panel does not support it: half of
#: what Bayer & Pruckner 2023 read into their three years.
CLAIM = 0.25


def years_findings(
    joint: JointEstimate | None,
    panel: PanelYears | None,
    curve: CopCurve,
    mixture: MixtureEstimate | None = None,
) -> list[Finding]:
    """Return what a reader must know of years, curve and sources."""
    found = [*_curve_findings(curve)]
    if mixture is not None and not mixture.identifiable and not mixture.known_sources:
        found.append(
            Finding("sources_not_told_apart", "note", "spf.mixture", mixture.verdict.capitalize() + ".",
                    {"learned_share": mixture.learned_share, "ratio": mixture.ratio})
        )  # fmt: skip
    if panel is None or joint is None:
        return found
    return found + _panel_findings(joint, panel)


def _panel_findings(joint: JointEstimate, panel: PanelYears) -> list[Finding]:
    found = []
    place = {year: k for k, year in enumerate(joint.years)}
    for c in panel.changes:
        first, last = joint.level_b_ratio[place[c.first_year]], joint.level_b_ratio[place[c.last_year]]
        seen, low, high = last - first, (c.low_ratio - 1) * first, (c.high_ratio - 1) * first
        if abs(seen) >= CLAIM and not low <= seen <= high:
            message = (
                f"Year by year, B goes from {first:.2f} in {c.first_year} to {last:.2f} in {c.last_year}; the same "
                f"meters in both years show a change of {low:+.2f} to {high:+.2f} ({c.verdict})."
            )
            found.append(
                Finding("year_change_unsupported", "warning", f"spf.{c.first_year}-{c.last_year}", message,
                        {"level_change": float(seen), "low": float(low), "high": float(high)})
            )  # fmt: skip
    real = [c for c in panel.changes if c.changed]
    beyond = np.abs(joint.beyond_log) > 2 * joint.beyond_log_se
    if real and beyond.any():
        years = ", ".join(str(y) for y, b in zip(joint.years, beyond, strict=True) if b)
        size = ", ".join(
            f"{100 * np.expm1(v):+.1f} %" for v, b in zip(joint.beyond_log, beyond, strict=True) if b
        )
        message = (
            f"B of {years} differs by {size} from what temperature explains: other use, meters or heat pumps."
        )
        found.append(
            Finding("year_beyond_temperature", "warning", f"spf.{years}", message,
                    {"effect": [float(v) for v in joint.beyond_log], "se": [float(v) for v in joint.beyond_log_se]})
        )  # fmt: skip
    if len(panel.years) > 1 and not panel.linked:
        message = "Some years have fewer than 5 meters of a kind in common with the others: their levels stand alone."
        found.append(
            Finding(
                "years_not_linked", "warning", "spf.panel", message, {"group": [int(g) for g in panel.group]}
            )
        )
    return found


def _curve_findings(curve: CopCurve) -> list[Finding]:
    found = []
    slope = 100 * curve.slope_share_per_k
    evidence = {"slope_percent_per_k": slope, "se_percent_per_k": 100 * curve.slope_se_share_per_k}
    if curve.source == "prior":
        message = (
            f"The COP over temperature is that of physics ({slope:.1f} % per K, When2Heat), because there are too few "
            "cold days with gas and heat-pump meters to measure it."
        )
        found.append(Finding("cop_curve_from_prior", "warning", "spf.curve", message, evidence))
    low, high = SLOPE_LIMITS
    if not low <= curve.slope_share_per_k <= high:
        message = (
            f"The COP rises by {slope:.1f} % per K, outside of what heat pumps do ({100 * low:g} to {100 * high:g} %): "
            "the two fleets differ in more than their heat pumps, or meters of other devices are among them."
        )
        found.append(Finding("cop_slope_implausible", "alarm", "spf.curve", message, evidence))
    shift, se = curve.limit_shift_k, curve.limit_shift_se_k
    if np.isfinite(se) and abs(shift) > max(2 * se, 0.5):
        message = (
            f"The heating limit of homes with heat pumps is {abs(shift):.1f} K {'above' if shift > 0 else 'below'} "
            f"that of gas homes (+- {2 * se:.1f} K). The COP curve allows for it; a ratio of daily sums does not."
        )
        found.append(
            Finding("heating_limits_differ", "note", "spf.curve", message, {"shift_k": shift, "se_k": se})
        )
    return found
