"""What a result holds: tables, charts and findings of every part of the study, put together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.ground.charts import Chart
from varme.ground.findings import Finding
from varme.ground.tables import Table, TableSchema
from varme.retrofit import checks
from varme.retrofit import tables as whole
from varme.retrofit.analysis import Metered
from varme.retrofit.case import RetrofitCase
from varme.retrofit.demand import tables as demand_tables
from varme.retrofit.grid import tables as grid_tables
from varme.retrofit.grid.charts import grid_charts
from varme.retrofit.grid.findings import grid_findings
from varme.retrofit.grid.privacy import pseudonyms
from varme.retrofit.levels import Levels
from varme.retrofit.monitored import COMPARISON_UNPAIRED
from varme.retrofit.outlook import Outlook
from varme.retrofit.spf import tables as spf_tables
from varme.retrofit.spf import tornado
from varme.retrofit.spf.tornado import SpfInterval
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
    truth = truth_table(found.case, found.levels, found.outlook)
    made = [
        *([truth] if truth is not None else []),
        *_meter_tables(found),
        *_spf_tables(found),
        *_demand_tables(found),
    ]
    return {table.schema.name: table for table in made}


def _meter_tables(found: Found) -> list[Table]:
    case, k = found.case, found.case.study.privacy.k_count
    out = [whole.files_table(case.meter_files)] if case.meter_files else []
    out.append(whole.distribution_table(found.fleets, k))
    if found.has_volume:
        pairs = {
            carrier: (
                np.asarray(case.buildings.of(fleet.meters, "volume_m3"), dtype=float),
                mean_of_years(fleet),
            )
            for carrier, fleet in found.fleets.items()
        }
        out.append(whole.volume_table(pairs, k))
    out.append(whole.fleet_days_table(case.days, case.temperature_c, found.meters.gas, found.meters.pumps))
    if case.study.privacy.show_meters:
        out.append(whole.annual_table(found.fleets, names_of(found)))
    return out


def mean_of_years(fleet: MeterYears) -> Floats:
    """Return each meter's mean annual energy over its usable years, NaN without one."""
    count = np.isfinite(fleet.energy).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(count > 0, np.nansum(fleet.energy, axis=1) / count, np.nan), dtype=float)


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
    return [*out, *checks.check_tables(found.case, found.meters, levels)]


def _demand_tables(found: Found) -> list[Table]:
    study, outlook = found.case.study, found.outlook
    names = tuple(names_of(found)["gas"]) if study.privacy.show_meters else None
    out = list(demand_tables.tables(outlook.demand, meters=names, k_count=study.privacy.k_count).values())
    if outlook.grid is not None:
        out += grid_tables.grid_tables(outlook.grid, study.grid.hours_transformers_count)
    return out


def all_charts(found: Found, tables: dict[str, Table]) -> list[Chart]:
    """Return the charts of a result, in the order of the report."""
    levels, outlook = found.levels, found.outlook
    out = whole.fleet_charts(has_pumps=found.meters.pumps is not None, has_volume=found.has_volume)
    if levels.by_year:
        out += spf_tables.methods_chart(tables["spf_methods"]) if "spf_methods" in tables else []
        out += spf_tables.divergence_charts(tables["divergence"]) if "divergence" in tables else []
    out += tornado.tornado_chart(found.intervals, "all years")
    if levels.power is not None:
        out += spf_tables.power_chart(tables["spf_power"])
    out += checks.check_charts(found.case, levels)
    out += demand_tables.charts(outlook.demand)
    if outlook.grid is not None:
        out += grid_charts(outlook.grid)
    return out


def all_findings(found: Found) -> Iterable[Finding]:
    """Return what a reader of a result must know, each thing once."""
    levels, outlook, spec = found.levels, found.outlook, found.case.study.spf
    out = [*found.case.findings, *levels.findings, *outlook.findings]
    out += checks.check_findings(found.case, found.meters, levels)
    if levels.by_year:
        out += spf_tables.estimate_findings(levels.by_year, spec, levels.methods)
    if levels.power is not None:
        out += spf_tables.power_findings(levels.power)
    out += tornado.tornado_findings(found.intervals)
    out += demand_tables.findings(outlook.demand)
    if outlook.grid is not None:
        out += grid_findings(outlook.grid)
    return out


def all_schemas() -> tuple[TableSchema, ...]:
    """Return the schemas of all tables of a result."""
    return (
        *whole.SCHEMAS,
        *spf_tables.SCHEMAS,
        *tornado.SCHEMAS,
        *demand_tables.SCHEMAS,
        *grid_tables.SCHEMAS,
        *checks.SCHEMAS,
        COMPARISON_TRUTH,
        COMPARISON_UNPAIRED,
    )
