"""What a result holds: tables, charts and findings of every part of the study, put together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from varme.data.clean import tables as clean_tables
from varme.data.clean.tables import CleaningResult
from varme.ground.charts import Chart
from varme.ground.findings import Finding
from varme.ground.tables import Table, TableSchema
from varme.retrofit import checks, conversion
from varme.retrofit import tables as whole
from varme.retrofit.analysis import Metered
from varme.retrofit.case import RetrofitCase
from varme.retrofit.demand import change_point_tables, normalise
from varme.retrofit.demand import tables as demand_tables
from varme.retrofit.demand.normalise import Normalised
from varme.retrofit.grid import tables as grid_tables
from varme.retrofit.grid.charts import grid_charts
from varme.retrofit.grid.findings import grid_findings
from varme.retrofit.grid.privacy import pseudonyms
from varme.retrofit.levels import Levels, mean_of_years
from varme.retrofit.monitored import COMPARISON_UNPAIRED, unpaired_table
from varme.retrofit.outlook import Outlook
from varme.retrofit.spf import tables as spf_tables
from varme.retrofit.spf import tornado, years_tables
from varme.retrofit.spf.tornado import SpfInterval
from varme.retrofit.spf.years_findings import years_findings
from varme.retrofit.stream import MeterYears
from varme.retrofit.truth import COMPARISON_TRUTH, truth_table

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """Everything that a run found."""

    case: RetrofitCase
    meters: Metered
    levels: Levels
    outlook: Outlook

    @property
    def fleets(self) -> dict[str, MeterYears]:
        """Carrier -> its meters."""
        out = {"gas": self.meters.gas}
        if self.meters.pumps is not None:
            out["heat_pump"] = self.meters.pumps
        return out

    @property
    def intervals(self) -> dict[str, SpfInterval]:
        """Year, or ``all years`` -> B and SPF with everything that is not known."""
        return {"all years": self.levels.interval} | {
            str(y): interval for y, interval in self.levels.interval_by_year.items()
        }

    @cached_property
    def names(self) -> dict[str, list[str]]:
        """Carrier -> what to call each meter in tables by meter: its id only if the study says so."""
        return names_of(self)

    @cached_property
    def cleaned(self) -> list[CleaningResult]:
        """What cleaning did, by carrier; meters go by the names that may be shown."""
        names = self.names
        return [
            CleaningResult(
                carrier, tuple(names[carrier]), fleet.years,
                {rule: steps.astype(np.int64) for rule, steps in fleet.counts.items()}, fleet.audit,
                fleet.valid_days.astype(np.int64),
                fleet.usable, fleet.reason,
            )
            for carrier, fleet in self.fleets.items()
        ]  # fmt: skip

    @cached_property
    def normalised(self) -> Normalised:
        """Heat of the gas meters in the mean weather of the years."""
        case, gas = self.case, self.meters.gas
        days = case.days.astype("datetime64[D]")
        weather = normalise.weather_of_years(days, case.temperature_c, gas.years)
        return normalise.normalise(gas.fits, gas.energy, days, case.temperature_c, gas.years, weather)

    @property
    def has_volume(self) -> bool:
        """Whether the building table knows volumes."""
        return self.case.buildings.has("volume_m3")


def names_of(found: Found) -> dict[str, list[str]]:
    """Return what to call each meter in tables by meter: its id only if the study says so."""
    privacy = found.case.study.privacy
    out: dict[str, list[str]] = {}
    for carrier, fleet in found.fleets.items():
        if privacy.show_meters:
            out[carrier] = list(fleet.meters)
        else:
            known = pseudonyms(fleet.meters, privacy.seed, "G" if carrier == "gas" else "H")
            out[carrier] = [known[m] for m in fleet.meters]
    return out


def all_tables(found: Found) -> dict[str, Table]:
    """Return the tables of a result, in the order of the report."""
    case = found.case
    made: list[Table] = []
    if case.monitored is not None and case.study.monitored is not None:
        made.append(unpaired_table(case.monitored, case.study.monitored, case.study.spf))
    truth = truth_table(case, found.levels, found.outlook)
    made += [truth] if truth is not None else []
    made += [*_meter_tables(found), *_spf_tables(found), *_demand_tables(found)]
    return {table.schema.name: table for table in made}


def _meter_tables(found: Found) -> list[Table]:
    case, k, gas = found.case, found.case.study.privacy.k_count, found.meters.gas
    out = [whole.files_table(case.meter_files)] if case.meter_files else []
    cleaned = found.cleaned
    out += [
        clean_tables.cleaning_table(cleaned),
        clean_tables.dropped_table(cleaned),
        conversion.furnace_table(found.meters.conversion, k),
        conversion.gas_factor_table(found.meters.conversion, case.days),
    ]
    out.append(whole.distribution_table(found.fleets, k))
    if found.has_volume:
        pairs = {
            carrier: (
                np.asarray(case.buildings.of(fleet.meters, "volume_m3"), dtype=float),
                mean_of_years(fleet.energy),
            )
            for carrier, fleet in found.fleets.items()
        }
        out.append(whole.volume_table(pairs, k))
    out += [
        whole.fleet_days_table(case.days, case.temperature_c, gas, found.meters.pumps, k),
        change_point_tables.limits_table(gas.fits, k),
        change_point_tables.fleet_table(
            case.days.astype("datetime64[D]"), case.temperature_c, gas.fleet_days, gas.usable, gas.years, k
        ),
        change_point_tables.normalised_table(found.normalised, gas.energy, k),
    ]
    if case.study.privacy.show_meters:
        names = found.names
        out += [
            whole.annual_table(found.fleets, names),
            clean_tables.meters_used_table(cleaned),
            clean_tables.audit_table(cleaned),
            change_point_tables.change_point_table(gas.fits, names["gas"]),
        ]
    return out


def _spf_tables(found: Found) -> list[Table]:
    levels, spec = found.levels, found.case.study.spf
    out = [tornado.interval_table(found.intervals), tornado.tornado_table(found.intervals)]
    if levels.by_year:
        out += [
            spf_tables.spf_table(levels.by_year, spec),
            spf_tables.methods_table(levels.methods, spec),
            spf_tables.divergence_table(levels.methods),
            spf_tables.covariates_table(levels.by_year),
            spf_tables.identifiability_table(levels.by_year, spec, levels.methods),
        ]
    if levels.power is not None:
        out.append(spf_tables.power_table(levels.power))
    if levels.joint is not None:
        out += [
            years_tables.years_table(levels.joint, levels.panel, spec.gamma_share),
            years_tables.changes_table(levels.joint, levels.panel),
            years_tables.intervals_table(levels.joint, levels.panel, levels.mixture),
            years_tables.sensitivity_table(levels.joint),
        ]
    if levels.towns is not None:
        out.append(whole.towns_table(levels.towns))
    if levels.mixture is not None:
        out.append(years_tables.mixture_table(levels.mixture))
    out.append(
        years_tables.curve_table(
            levels.curve, found.meters.gas.fleet_days, found.case.temperature_c, spec.confidence_share,
            checks.ground_share(found.case, found.meters),
        )
    )  # fmt: skip
    return [*out, *checks.check_tables(found.case, found.meters, levels)]


def _demand_tables(found: Found) -> list[Table]:
    study, outlook = found.case.study, found.outlook
    names = tuple(found.names["gas"]) if study.privacy.show_meters else None
    made = demand_tables.tables(
        outlook.demand, household_kw=household_kw(found), meters=names, k_count=study.privacy.k_count
    )
    out = list(made.values())
    if outlook.grid is not None:
        out += grid_tables.grid_tables(outlook.grid, study.grid.hours_transformers_count)
    return out


def household_kw(found: Found) -> Floats | None:
    """Return what the town draws already, by step of the demand [kW]; ``None`` where nothing tells."""
    grid, steps = found.outlook.grid, found.outlook.demand.grid
    if grid is None or not grid.case.base.mean_kw.any():
        return None
    base = grid.case.base
    slots = base.relative.shape[1]
    slot = steps.local_step * slots // steps.steps_per_day
    return np.asarray(base.mean_kw.sum() * base.relative[steps.local_day, slot], dtype=float)


def all_charts(found: Found, tables: dict[str, Table]) -> list[Chart]:
    """Return the charts of a result, in the order of the report."""
    levels, outlook = found.levels, found.outlook
    out = whole.fleet_charts(has_pumps=found.meters.pumps is not None, has_volume=found.has_volume)
    out += change_point_tables.charts()
    out += clean_tables.charts(found.cleaned)
    if levels.by_year:
        out += spf_tables.methods_chart(tables["spf_methods"]) if "spf_methods" in tables else []
        out += spf_tables.divergence_charts(tables["divergence"]) if "divergence" in tables else []
    out += tornado.tornado_chart(found.intervals, "all years")
    if levels.power is not None:
        out += spf_tables.power_chart(tables["spf_power"])
    out += years_tables.years_charts(tables)
    out += checks.check_charts(found.case, levels)
    out += demand_tables.charts(outlook.demand, household=household_kw(found) is not None)
    if outlook.grid is not None:
        out += grid_charts(outlook.grid)
    return out


def all_findings(found: Found) -> Iterable[Finding]:
    """Return what a reader of a result must know, each thing once."""
    levels, outlook, spec = found.levels, found.outlook, found.case.study.spf
    out = [*found.case.findings, *found.meters.conversion.findings, *levels.findings, *outlook.findings]
    out += checks.check_findings(found.case, found.meters, levels)
    gas = found.meters.gas
    out += clean_tables.findings(found.cleaned)
    out += change_point_tables.findings(gas.fits, gas.filled_days)
    out += change_point_tables.normalised_findings(found.normalised)
    out += years_findings(levels.joint, levels.panel, levels.curve, levels.mixture)
    if levels.by_year:
        told = spf_tables.estimate_findings(levels.by_year, spec, levels.methods)
        out += told if spec.method == "paper" else _beside(told)
    if levels.power is not None:
        out += spf_tables.power_findings(levels.power)
    out += tornado.tornado_findings(found.intervals)
    out += demand_tables.findings(outlook.demand)
    if outlook.grid is not None:
        out += grid_findings(outlook.grid)
    return out


def _beside(told: list[Finding]) -> list[Finding]:
    """Return findings with those on the published method, which only stands beside ours, put into one note."""
    flat = [f for f in told if f.code == "divergence_flat"]
    out = [f for f in told if f.code != "divergence_flat"]
    if flat:
        low = min(float(f.evidence["low_ratio"]) for f in flat)
        high = max(float(f.evidence["high_ratio"]) for f in flat)
        text = (
            f"The published method (divergence of histograms) stands beside ours for comparison; its minimum wanders "
            f"from {low:.2f} to {high:.2f} when meters are drawn anew, so its figures by year say little."
        )
        out.append(
            Finding(
                "divergence_flat",
                "note",
                "spf",
                text,
                {"low_ratio": low, "high_ratio": high, "curves": len(flat)},
            )
        )
    return out


def all_schemas() -> tuple[TableSchema, ...]:
    """Return the schemas of all tables of a result."""
    return (
        COMPARISON_TRUTH,
        COMPARISON_UNPAIRED,
        *whole.SCHEMAS,
        *clean_tables.SCHEMAS,
        *conversion.SCHEMAS,
        *change_point_tables.SCHEMAS,
        *spf_tables.SCHEMAS,
        *years_tables.SCHEMAS,
        *tornado.SCHEMAS,
        *checks.SCHEMAS,
        *demand_tables.SCHEMAS,
        *grid_tables.SCHEMAS,
    )
