"""Findings of the grid part: what a reader of peaks and transformers must know."""

from __future__ import annotations

import numpy as np

from varme.ground.findings import Finding
from varme.retrofit.grid.privacy import dominated
from varme.retrofit.grid.results import GridResults
from varme.retrofit.grid.simultaneity import Simultaneity

#: Fewer heat-pump meters than this carry no curve that one should build on (assumption).
FEW_METERS = 20
#: More missing steps than this are said.
MUCH_FILLED = 0.05
#: Days so much colder than the coldest measured one are extrapolated [K].
COLDER_K = 1.0


def grid_findings(results: GridResults) -> list[Finding]:
    """Return the findings of what was found."""
    found = _overload(results) + _inputs(results) + _profiles(results) + _privacy(results)
    if results.simultaneity is not None:
        found += simultaneity_findings(results.simultaneity)
    if results.ratios is not None:
        found += _ratio(results)
    return found


def _overload(results: GridResults) -> list[Finding]:
    peaks, names, may_name = results.peaks, results.case.names, results.may_name
    out = []
    likely = peaks.overload_share > 0.5
    maybe = (peaks.overload_share > 0.05) & ~likely
    if likely.any() or maybe.any():
        order = np.argsort(-peaks.loading_p95_share, kind="stable")
        worst = [i for i in order.tolist() if may_name[i] and (likely[i] or maybe[i])][:5]
        parts = ", ".join(f"{names[i]} {100 * peaks.loading_p95_share[i]:.0f} %" for i in worst)
        out.append(Finding(
            "transformers_overloaded", "alarm" if likely.any() else "warning", "transformers",
            f"With all gas homes switched, {int(likely.sum())} of {len(names)} transformers probably exceed their "
            f"rating, and {int(maybe.sum())} more may (probability above 5 %). Highest P95 loading: {parts}.",
            {"probable": int(likely.sum()), "possible": int(maybe.sum()), "transformers": len(names)},
        ))  # fmt: skip
    today = peaks.base_kw > results.case.rated_kw
    if today.any():
        out.append(Finding(
            "overloaded_today", "warning", "transformers",
            f"{int(today.sum())} transformers exceed their rating by the base load alone: check ratings, the "
            "assignment of homes, and the base load.", {"count": int(today.sum())},
        ))  # fmt: skip
    path = results.paths[0]
    if path.first and np.isfinite(path.first_share):
        place = names.index(path.first)
        who = f" (most often {path.first})" if may_name[place] else ""
        out.append(Finding(
            "first_overload", "note", "adoption",
            f"In the order {path.order}, the first transformer{who} is above its rating when "
            f"{100 * path.first_share:.0f} % of the gas homes have switched, in half of the draws.",
            {"share": path.first_share, "order": path.order},
        ))  # fmt: skip
    return out


def _inputs(results: GridResults) -> list[Finding]:
    known, out = results.transformers, []
    if known.defaulted:
        out.append(Finding(
            "ratings_assumed", "warning", "transformers",
            f"{known.defaulted} of {len(known.names)} transformers have no rating in the table: `grid.rating_kva` "
            "counts for them.", {"count": known.defaulted},
        ))  # fmt: skip
    if known.unmetered.sum():
        total = int(known.unmetered.sum())
        out.append(Finding(
            "unmetered_homes", "note", "transformers",
            f"{total} homes behind the transformers have no meter in the data: they are in the base load, but no heat "
            "pump is assumed for them.", {"count": total},
        ))  # fmt: skip
    if "profile" in results.case.base.source:
        out.append(Finding(
            "base_load_assumed", "note", "grid.base_profile",
            f"What transformers carry today is not measured everywhere ({results.case.base.source}): households' "
            "annual electricity times a standard profile. Give `base_peak_kw` in the table of transformers.",
            {"source": results.case.base.source},
        ))  # fmt: skip
    return out


def _profiles(results: GridResults) -> list[Finding]:
    case, out = results.case, []
    library = case.library
    if not library.meters:
        out.append(Finding(
            "profiles_assumed", "warning", "heat_pump_meters",
            f"No hourly heat-pump meter: peaks are drawn from a standard shape ({library.source}) with assumed "
            "scatter. P95 of small groups is an assumption.", {"source": library.source},
        ))  # fmt: skip
    elif library.meters < FEW_METERS:
        out.append(Finding(
            "few_profiles", "warning", "heat_pump_meters",
            f"Peaks are drawn from {library.meters} heat pumps only: the spread of small groups is hardly known.",
            {"meters": library.meters},
        ))  # fmt: skip
    coldest = float(case.temperature_c.min()) if len(case.temperature_c) else float("nan")
    measured = float(library.temperature_c.min()) if len(library.temperature_c) else float("nan")
    if coldest < measured - COLDER_K:
        out.append(Finding(
            "peaks_extrapolated", "warning", "grid",
            f"The coldest day has {coldest:.1f} °C, the coldest day with measured profiles {measured:.1f} °C: the "
            "shape of the coldest days is taken from milder ones.", {"coldest_c": coldest, "measured_c": measured},
        ))  # fmt: skip
    step_min = 24 * 60 // library.slots
    if step_min >= 60 and case.resolution_ratio == 1.0:
        out.append(Finding(
            "hourly_peaks", "note", "grid.peak_ratio",
            "Peaks are means over an hour. Within the hour they are higher, the more so the fewer the homes: compare "
            "with a rating that stands an hour, or give `grid.peak_ratio`.", {"step_min": step_min},
        ))  # fmt: skip
    if library.filled_share > MUCH_FILLED or library.unfit_days:
        out.append(Finding(
            "profiles_filled", "note", "heat_pump_meters",
            f"{100 * library.filled_share:.1f} % of the heat pumps' cold days were missing or unfit and taken from "
            f"another heat pump of the same day ({library.unfit_days} unfit: negative, or far above the own model).",
            {"share": library.filled_share, "unfit_days": library.unfit_days},
        ))  # fmt: skip
    return out


def simultaneity_findings(found: Simultaneity) -> list[Finding]:
    """Return the findings of the measured simultaneity."""
    out = []
    if found.meters < FEW_METERS:
        out.append(Finding(
            "few_meters_simultaneity", "warning", "heat_pump_meters",
            f"Simultaneity is measured on {found.meters} heat pumps: groups of more than {found.measured_to_count} are "
            "extrapolated by the fitted curve, whose interval is wide.", {"meters": found.meters},
        ))  # fmt: skip
    if found.dropped:
        out.append(Finding(
            "meters_without_winter", "note", "heat_pump_meters",
            f"{found.dropped} heat pumps miss too much of the cold days to know their own peak: left out of the "
            "simultaneity.", {"dropped": found.dropped},
        ))  # fmt: skip
    return out


def _privacy(results: GridResults) -> list[Finding]:
    masked, case, out = results.masked, results.case, []
    if masked.merged or masked.hidden:
        out.append(Finding(
            "groups_masked", "note", "privacy.k_count",
            f"{masked.merged} transformers are shown together as \"other\" and {masked.hidden} not at all, so that no "
            f"figure is of fewer than {masked.k} buildings, nor follows from the totals.",
            {"merged": masked.merged, "hidden": masked.hidden, "k": masked.k},
        ))  # fmt: skip
    if masked.k > 1 and case.annual_kwh is not None and len(masked.names):
        target = masked.target[case.transformer[: case.gas_homes]]
        seen = target >= 0
        one = dominated(case.annual_kwh[: case.gas_homes][seen], target[seen], len(masked.names))
        if one.any():
            out.append(Finding(
                "group_dominated", "warning", "privacy",
                f"In {int(one.sum())} groups one building draws more than 80 % of the electricity: the group's figure "
                "nearly tells that building's. Leave these out of what you publish.", {"count": int(one.sum())},
            ))  # fmt: skip
    return out


def _ratio(results: GridResults) -> list[Finding]:
    ratios = results.ratios
    assert ratios is not None
    out = []
    excluded, clipped = int(ratios.excluded.sum()), int(ratios.clipped.sum())
    if excluded:
        out.append(Finding(
            "ratio_without_household", "note", "buildings.household_kwh",
            f"{excluded} buildings have no household electricity: they have no ratio and are left out.",
            {"excluded": excluded},
        ))  # fmt: skip
    if clipped:
        out.append(Finding(
            "ratio_beyond_chart", "note", "electricity_ratio",
            f"{clipped} buildings have a ratio above {ratios.clip:g}; they are in the last bar of the chart and whole "
            "in all figures.", {"clipped": clipped},
        ))  # fmt: skip
    return out
