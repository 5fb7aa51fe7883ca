"""Findings of a fleet: what a reader must know of homes without a plan, of gaps and of missed wishes."""

from __future__ import annotations

import numpy as np

from varme.ground.findings import Finding
from varme.home.fleet.chunk import Planned
from varme.home.fleet.coordinate import Coordination, Limits
from varme.home.fleet.population import Homes

#: Most findings of single homes; all stand in the table ``fleet_failures``.
MOST = 20


def feeder_findings(done: Coordination, limits: Limits) -> list[Finding]:
    """Return what a reader of a coordination must know."""
    out = []
    excess = np.abs(done.excess_kw)
    limit = min(limits.import_kw, limits.export_kw)
    if excess.max() > 1e-3:
        slots = int((excess > 1e-3).sum())
        why = "plans that keep it were not found, though relaxed ones exist: more rounds, or a little more room, may do"
        if done.relaxed_excess_kw > 1e-3:
            why = (
                "no mix of answers to the prices tried keeps it: the load that cannot be shifted is too high"
            )
        text = f"The feeder's limit is exceeded by up to {excess.max():.1f} kW in {slots} slots: {why}."
        severe = excess.max() > 0.01 * limit
        evidence = {"excess_kw": float(excess.max()), "slots_count": slots}
        out.append(
            Finding("fleet_feeder_exceeded", "alarm" if severe else "warning", "fleet_slots", text, evidence)
        )
        if severe:  # what keeps no limit is compared with nothing
            return out
    gap, cost = done.gap_cent, float(done.objective_cent.sum())
    text = f"The coordinated plans cost at most {gap / 100:.2f} EUR ({gap / abs(cost):.2%}) more than the best could."
    out.append(Finding("fleet_coordination_gap", "note", "fleet_coordination", text, {"gap_eur": gap / 100}))
    return out


def fleet_findings(planned: Planned, homes: Homes) -> list[Finding]:
    """Return the findings of a fleet."""
    out = []
    count = len(homes)
    if len(planned.failed):
        share = len(planned.failed) / count
        out.append(
            Finding(
                "fleet_homes_failed", "alarm" if share > 0.05 else "warning", "fleet_failures",
                f"{len(planned.failed)} of {count} homes have no plan and are missing in all totals; "
                f"the table fleet_failures says why.",
                {"failed_count": len(planned.failed), "homes_count": count},
            )
        )  # fmt: skip
    for index, code, reason in list(zip(planned.failed, planned.codes, planned.reasons, strict=True))[:MOST]:
        out.append(Finding("fleet_home_failed", "warning", homes.names[index], reason, {"code": code}))
    missed = planned.figure("missed_k_h")
    cold = np.flatnonzero(missed > 1.0)
    if len(cold):
        worst = int(np.argmax(missed))
        name = homes.names[planned.index[worst]]
        out.append(
            Finding(
                "fleet_comfort_missed", "note", name,
                f"{len(cold)} homes miss more than 1 K h of comfort; {name} most, with {missed[worst]:.1f} K h.",
                {"homes_count": len(cold), "most_k_h": float(missed[worst])},
            )
        )  # fmt: skip
    gaps = planned.figure("gap_cent")
    wide = gaps > 10.0
    if wide.mean() > 0.05:
        out.append(
            Finding(
                "fleet_gaps_wide", "warning", "fleet_homes",
                f"The plans of {int(wide.sum())} homes may be more than 10 ct from their best; the median is "
                f"{np.median(gaps):.1f} ct.",
                {"homes_count": int(wide.sum()), "median_cent": float(np.median(gaps))},
            )
        )  # fmt: skip
    return out
