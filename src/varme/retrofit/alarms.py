"""Consistency alarms: boundaries, years, numbers of meters and what cannot be known, before an SPF is believed.

Every function takes plain arrays and returns findings with the figures behind them; none changes anything. Totals and
meter sets are judged in :mod:`varme.retrofit.consistency`, the course of meters in :mod:`varme.retrofit.meter_alarms`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from varme.ground.findings import Finding, Severity
from varme.physics.gas import GROSS_PER_NET
from varme.retrofit.field_trials import BOUNDARY_RATIO

Floats = NDArray[np.float64]

#: Fewer heat pumps than this are an alarm.
FEW_HEAT_PUMPS = 10


def boundary_findings(boundary: Sequence[str]) -> list[Finding]:
    """Return what the boundary of the heat-pump meters means: not stated, mixed, or what the SPF is of.

    Args:
        boundary: ``H1`` to ``H4`` (SEPEMO) by heat pump; anything else counts as not stated.
    """
    names = [str(b).strip().upper() for b in boundary]
    counts = {b: names.count(b) for b in BOUNDARY_RATIO if b in names}
    unknown = len(names) - sum(counts.values())
    evidence = {"meters": counts, "not_stated": unknown, "spf_over_h3": dict(BOUNDARY_RATIO)}
    spread = 100 * (BOUNDARY_RATIO["H1"] / BOUNDARY_RATIO["H4"] - 1)
    if not counts:
        return [
            Finding(
                "boundary_unknown", "warning", "heat-pump meters",
                "It is not stated what the heat-pump meters include (H1 the machine, H2 its source, H3 the backup "
                "heater, "
                f"H4 the pumps of the heating circuit): from H1 to H4 the SPF falls by about {spread:.0f} %, and "
                f"with much "
                "backup heating by more. State `boundary` in the table of buildings.",
                evidence,
            )
        ]  # fmt: skip
    if len(counts) == 1 and not unknown:
        only = next(iter(counts))
        return [
            Finding(
                "boundary_stated",
                "note",
                "heat-pump meters",
                f"The SPF is that of the boundary {only}.",
                evidence,
            )
        ]
    shares = np.array([counts[b] for b in counts]) / sum(counts.values())
    mean = float(1 / (shares / np.array([BOUNDARY_RATIO[b] for b in counts])).sum())
    listed = ", ".join(f"{n} x {b}" for b, n in counts.items()) + (
        f", {unknown} not stated" if unknown else ""
    )
    return [
        Finding(
            "boundary_mixed", "warning", "heat-pump meters",
            f"The heat-pump meters have different boundaries ({listed}): the SPF is a mixture, about "
            f"{100 * (mean - 1):+.1f} % against H3.",
            evidence | {"mixture_over_h3": mean},
        )
    ]  # fmt: skip


def years_findings(gas_years: Sequence[int], heat_pump_years: Sequence[int]) -> list[Finding]:
    """Return a finding where gas and heat pumps are not of the same years.

    Args:
        gas_years: Years with usable gas meters.
        heat_pump_years: Years with usable heat-pump meters.
    """
    gas, pumps = set(gas_years), set(heat_pump_years)
    if gas == pumps:
        return []
    shared = sorted(gas & pumps)
    evidence = {"gas_years": sorted(gas), "heat_pump_years": sorted(pumps), "shared_years": shared}
    if shared:
        text = f"only {', '.join(map(str, shared))} can be estimated; the other years are left out."
        return [
            Finding(
                "years_differ",
                "warning",
                "period",
                f"Gas and heat pumps share some years only: {text}",
                evidence,
            )
        ]
    return [
        Finding(
            "years_differ", "alarm", "period",
            f"Gas meters are of {sorted(gas)}, heat pumps of {sorted(pumps)}: no year has both. A winter that is 1 "
            f"K colder "
            "means about 5 % more heat, which would go straight into B. Normalise both to the same weather first.",
            evidence,
        )
    ]  # fmt: skip


def few_heat_pump_findings(
    heat_pumps: int, gas_meters: int, log_spread: float = 0.5, confidence_share: float = 0.95
) -> list[Finding]:
    """Return what fewer than ten heat pumps mean: the half-width of the interval that any method has.

    The standard error of log B is at least ``s sqrt(1/n + 1/m)`` for a spread s of log annual energy over homes.

    Args:
        heat_pumps: Heat-pump meters used, m.
        gas_meters: Gas meters used, n.
        log_spread: Spread of the logarithm that covariates leave.
        confidence_share: Confidence of the interval.
    """
    if heat_pumps >= FEW_HEAT_PUMPS:
        return []
    if heat_pumps < 2:
        text = "there is no interval at all." if heat_pumps else "there is no estimate of B or SPF."
        return [
            Finding(
                "few_heat_pumps", "alarm", "heat-pump meters", f"{heat_pumps} heat-pump meter(s): {text}",
                {"heat_pumps": heat_pumps},
            )
        ]  # fmt: skip
    se = log_spread * np.sqrt(1 / max(gas_meters, 1) + 1 / heat_pumps)
    half = float(stats.t.ppf(0.5 + confidence_share / 2, heat_pumps - 1)) * se
    needed = int(np.ceil((1.96 * log_spread / np.log(1.1)) ** 2))
    return [
        Finding(
            "few_heat_pumps", "alarm", "heat-pump meters",
            f"{heat_pumps} heat pumps: B is known to a factor of {np.exp(half):.2f} either way at best "
            f"({100 * confidence_share:.0f} "
            f"% interval, spread of homes {log_spread:.2f}). About {needed} are needed for +-10 %. Read the result "
            f"as an order of "
            "magnitude.",
            {"heat_pumps": heat_pumps, "log_half_width": half, "needed_for_10_percent": needed},
        )
    ]  # fmt: skip


def gamma_findings(gamma_share: float, gamma_sd_share: float) -> list[Finding]:
    """Return the note that gamma is an assumption, with what it moves.

    Args:
        gamma_share: Gamma of the study.
        gamma_sd_share: What is not known about it.
    """
    move = 100 * 0.05 / (1 - gamma_share)
    severity: Severity = "note" if gamma_sd_share > 0 else "warning"
    known = "" if gamma_sd_share > 0 else " It is treated as known exactly: give `spf.gamma_sd_share`."
    return [
        Finding(
            "gamma_not_estimable", severity, "spf.gamma_share",
            f"Gamma, {100 * gamma_share:.1f} %, cannot be estimated from meters: they tell B = SPF / (1 - gamma) only. "
            f"Five points of gamma move the SPF by {move:.1f} %.{known}",
            {"gamma_share": gamma_share, "gamma_sd_share": gamma_sd_share, "spf_percent_per_5_points": move},
        )
    ]  # fmt: skip


def household_findings(
    total_kwh: Floats, years: Sequence[int], tolerance_share: float = 0.05
) -> list[Finding]:
    """Return a finding where household electricity jumps from year to year, which habits do not do.

    Args:
        total_kwh: Household electricity of the same homes by year, shape (years,).
        years: Calendar years.
        tolerance_share: Change that is let pass.
    """
    change = total_kwh / total_kwh[0] - 1
    worst = int(np.nanargmax(np.abs(change)))
    if not abs(change[worst]) > tolerance_share:
        return []
    return [
        Finding(
            "household_demand_inconsistent", "warning", "household electricity",
            f"Household electricity changes by {100 * change[worst]:+.1f} % from {years[0]} to {years[worst]}: the "
            f"homes "
            "behind it changed, or readings are missing. Ratios of heat-pump to household electricity inherit it.",
            {"years": list(years), "total_kwh": total_kwh.tolist(), "change_share": change.tolist()},
        )
    ]  # fmt: skip


def gross_net_findings(b_ratio: float, low_ratio: float, high_ratio: float, unit: str) -> list[Finding]:
    """Return the note that a mix-up of gross and net cannot be seen, with what it would make of B.

    Args:
        b_ratio: Estimate of B.
        low_ratio: Lower end of its interval.
        high_ratio: Upper end.
        unit: Unit of the gas readings; volumes turn gross by the calorific value, energies by their name.
    """
    up, down = b_ratio * GROSS_PER_NET, b_ratio / GROSS_PER_NET
    hidden = low_ratio <= down or up <= high_ratio
    return [
        Finding(
            "gross_net_unseen", "note", "gas",
            f"If the gas ({unit}) or the efficiency were on the net calorific value where gross is assumed, or the "
            f"other "
            f"way, B would be {up:.2f} or {down:.2f} instead of {b_ratio:.2f}. Nothing in the data can show it"
            + (": both lie within the interval." if hidden and low_ratio <= down and up <= high_ratio else "."),
            {"b_ratio": b_ratio, "if_net_ratio": up, "if_gross_ratio": down, "gross_per_net": GROSS_PER_NET},
        )
    ]  # fmt: skip
