"""The study kind ``fleet``: thousands of homes planned in parallel, their flexibility, a feeder's limit."""

from __future__ import annotations

import time

import numpy as np

from varme.ground.context import Context, Kind
from varme.ground.findings import Finding
from varme.ground.result import Figure, Result
from varme.ground.tables import Table, TableSchema
from varme.home.case import HomeCase, load_case
from varme.home.fleet import tables
from varme.home.fleet.charts import fleet_charts
from varme.home.fleet.chunk import Planned
from varme.home.fleet.findings import fleet_findings
from varme.home.fleet.homes_file import read_homes
from varme.home.fleet.population import Homes, drawn_homes
from varme.home.fleet.run import plan_fleet
from varme.home.fleet.spec import FleetStudy
from varme.home.fleet.templates import fleet_files


def homes_of(study: FleetStudy, context: Context) -> Homes:
    """Return the homes: drawn, or read from the file.

    Raises:
        DataError: with every problem of the file.
    """
    if study.population is not None:
        return drawn_homes(study, study.population)
    assert study.homes is not None
    return read_homes(study.homes, context.base)


def check(study: FleetStudy, context: Context) -> list[Finding]:
    """Check a study and its data without planning.

    Raises:
        InputError: with every problem of the study.
        DataError: with every problem of the data.
    """
    case = load_case(study, context)
    homes_of(study, context)
    return case.findings


def run(study: FleetStudy, context: Context) -> Result:
    """Plan a fleet.

    Raises:
        VarmeError: as :func:`check`, and if no home can be planned.
    """
    started = time.process_time()
    case = load_case(study, context)
    homes = homes_of(study, context)
    planned = plan_fleet(study, homes, context, case.data_hashes)
    data = _tables(study, case, homes, planned)
    return Result(
        kind=study.kind,
        title=study.title or "A fleet of homes",
        summary={f.name: f for f in figures(planned, homes)},
        data=data,
        findings=(*case.findings, *fleet_findings(planned, homes)),
        charts=tuple(fleet_charts(study, coordinated=False)),
        provenance={
            "data_hashes": case.data_hashes,
            "seed": None if study.population is None else study.population.seed,
            "bound_cent": float(planned.figure("bound_cent").sum()),
            "gap_cent": float(planned.figure("gap_cent").sum()),
            "timing": {
                "cpu_s": round(time.process_time() - started, 3),
                "homes_cpu_s": round(float(planned.figure("plan_cpu_s").sum()), 3),
            },
        },
        study=study.model_dump(mode="json"),
    )


def _tables(study: FleetStudy, case: HomeCase, homes: Homes, planned: Planned) -> dict[str, Table]:
    grid, durations = case.grid, study.flexibility.durations_min
    out = {
        "fleet_slots": tables.slots_table(
            planned, grid, case.plant.grid.import_cent_per_kwh, case.plant.seen.outdoor_c,
            study.feeder.base_load_kw, None, None,
        ),
        "fleet_homes": tables.homes_table(study, homes, planned, None),
    }  # fmt: skip
    if durations:
        out["fleet_flexibility"] = tables.flexibility_table(planned, grid, durations)
        if study.flexibility.keep_envelopes:
            out["fleet_envelope"] = tables.home_envelope_table(planned, homes, grid, durations)
    if len(planned.failed):
        out["fleet_failures"] = tables.failures_table(planned, homes)
    return out


def figures(planned: Planned, homes: Homes) -> list[Figure]:
    """Return the summary of a fleet."""
    gaps, shares = planned.figure("gap_cent"), tables.gap_shares(planned)
    net = (planned.power("import") - planned.power("export")).sum(axis=0)
    return [
        Figure("homes_count", len(homes), "homes"),
        Figure("failed_count", len(planned.failed), "homes without a plan"),
        Figure("cost_eur", float(planned.figure("cost_cent").sum()) / 100, "what all plans cost"),
        Figure("peak_kw", float(net.max()), "highest import of all homes together"),
        Figure("own_peaks_kw", float(planned.figure("peak_kw").sum()), "sum of the homes' own highest imports"),
        Figure("gap_median_cent", float(np.median(gaps)), "median gap of a plan: largest possible loss"),
        Figure("gap_p95_cent", float(np.quantile(gaps, 0.95)), "gap that 95 % of the plans keep"),
        Figure("gap_median_share", float(np.median(shares)), "median gap, relative to the home's cost"),
        Figure("gap_p95_share", float(np.quantile(shares, 0.95)), "gap that 95 % keep, relative to the home's cost"),
    ]  # fmt: skip


def schemas() -> list[TableSchema]:
    """Return the schemas of all tables of a result."""
    return [tables.SLOTS, tables.HOMES, tables.ENVELOPE, tables.HOME_ENVELOPE, tables.FAILURES]


KIND = Kind(
    name="fleet",
    title="A fleet of homes: each planned and certified, with flexibility envelopes and a feeder's limit",
    spec=FleetStudy,
    run=run,
    check=check,
    template=fleet_files,
    tables=schemas,
)
