"""The figures of a result: what a reader sees first."""

from __future__ import annotations

import numpy as np

from varme.ground.result import Figure
from varme.retrofit.contents import Found


def figures(found: Found) -> list[Figure]:
    """Return the figures, the most important first."""
    made = [*_headline(found), *_spf(found), *_demand(found), *_grid(found), *_meters(found)]
    return [f for f in made if not (isinstance(f.value, float) and np.isnan(f.value))]


def _headline(found: Found) -> list[Figure]:
    level, demand = found.levels.interval, found.outlook.demand
    years = demand.years
    worst = max(years, key=lambda y: y.peak_hour_mw[1])
    mean = float(np.mean([y.electricity_gwh[1] for y in years]))
    return [
        Figure(
            "fleet_spf", level.spf, "SPF of the heat pumps here (fleet: sum of heat over sum of electricity)"
        ),
        Figure("fleet_low_spf", level.low, "SPF of the heat pumps, lower end of the interval"),
        Figure("fleet_high_spf", level.high, "SPF of the heat pumps, upper end of the interval"),
        Figure("electricity_gwh", mean, "Electricity of all retrofitted heat pumps, mean year"),
        Figure("peak_hour_mw", worst.peak_hour_mw[1], "Highest hour of all retrofitted heat pumps"),
        _overloaded(found),
    ]


def _overloaded(found: Found) -> Figure:
    grid = found.outlook.grid
    if grid is None:
        worst = max(found.outlook.demand.years, key=lambda y: y.peak_day_mwh[1])
        return Figure("peak_day_mwh", worst.peak_day_mwh[1], "Highest day of all retrofitted heat pumps")
    count = int((grid.peaks.loading_p95_share > 1).sum())
    text = (
        f"Transformers of {len(grid.peaks.homes)} above their rating when all gas homes have switched (P95)"
    )
    return Figure("overloaded_count", count, text)


def _spf(found: Found) -> list[Figure]:
    levels = found.levels
    level = levels.interval
    out = [
        Figure("b_ratio", level.b, "B = SPF / (1 - gamma): what unpaired meters can tell"),
        Figure("b_low_ratio", level.b_low, "B, lower end of the interval"),
        Figure("b_high_ratio", level.b_high, "B, upper end of the interval"),
        Figure(
            "gamma_share",
            found.case.study.spf.gamma_share,
            "gamma: less heat in homes with heat pumps (given)",
        ),
    ]
    for name in ("geometric", "arithmetic"):
        if name in levels.pooled.estimands:
            value = levels.pooled.estimands[name] * (1 - found.case.study.spf.gamma_share)
            out.append(Figure(f"{name}_spf", value, f"{name.capitalize()} mean SPF of the heat pumps"))
    slope = levels.curve.slope_share_per_k
    out.append(
        Figure("cop_slope_percent_per_k", 100 * slope, f"Rise of the COP per kelvin ({levels.curve.source})")
    )
    return out


def _demand(found: Found) -> list[Figure]:
    demand = found.outlook.demand
    worst = max(demand.years, key=lambda y: y.peak_day_mwh[1])
    out = [
        Figure("electricity_low_gwh", _mean(found, 0), "Electricity, mean year, 5th percentile"),
        Figure("electricity_high_gwh", _mean(found, 2), "Electricity, mean year, 95th percentile"),
        Figure(
            "heat_gwh_th",
            float(np.mean([y.heat_gwh_th for y in demand.years])),
            "Heat of the heat pumps, mean year",
        ),
    ]
    if found.outlook.grid is not None:
        out.append(Figure("peak_day_mwh", worst.peak_day_mwh[1], "Highest day of all retrofitted heat pumps"))
    return [
        *out,
        Figure(
            "understated_percent",
            100 * worst.understated_share,
            "How much of it a constant SPF would leave out",
        ),
        Figure("design_c", demand.spell.design_c, "Design outdoor temperature"),
        Figure("design_peak_mw", demand.spell.peak_mw, "Highest hour in the design cold spell"),
    ]


def _mean(found: Found, which: int) -> float:
    return float(np.mean([y.electricity_gwh[which] for y in found.outlook.demand.years]))


def _grid(found: Found) -> list[Figure]:
    grid = found.outlook.grid
    if grid is None:
        return []
    shown = grid.may_name
    out = []
    if shown.any():
        out.append(
            Figure(
                "worst_loading_percent",
                100 * float(grid.peaks.loading_p95_share[shown].max()),
                "Loading of the most loaded transformer, P95, all gas homes switched",
            )
        )
    if grid.paths and grid.paths[0].first:
        path = grid.paths[0]
        if np.isfinite(path.first_share):
            name = f" ({path.first})" if shown[grid.case.names.index(path.first)] else ""
            text = f"Share of the gas homes at which the first transformer{name} is above its rating"
            out.append(Figure("first_overload_share", path.first_share, text))
    return out


def _meters(found: Found) -> list[Figure]:
    out = []
    for carrier, fleet in found.fleets.items():
        label = "Gas meters" if carrier == "gas" else "Heat-pump meters"
        out.append(Figure(f"{carrier}_meters_count", len(fleet.meters), f"{label} read"))
        used = int(fleet.usable.any(axis=1).sum())
        out.append(Figure(f"{carrier}_usable_count", used, f"{label} with at least one usable year"))
    return out
