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
from varme.home.fleet.coordinate import Coordination, Limits, coordinate, kept_chunks
from varme.home.fleet.exports import EXPORTS
from varme.home.fleet.findings import feeder_findings, fleet_findings
from varme.home.fleet.homes_file import read_homes
from varme.home.fleet.population import Homes, drawn_homes
from varme.home.fleet.run import chunks_of, plan_fleet
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
    done = _coordinated(study, homes, planned, case, context)
    data = _tables(study, case, homes, planned, done)
    told = fleet_findings(planned, homes)
    summary = figures(planned, homes)
    if done is not None:
        told += feeder_findings(done, Limits.of(study.feeder))
        summary += feeder_figures(
            done, float(planned.figure("objective_cent")[np.searchsorted(planned.index, done.index)].sum())
        )
    return Result(
        kind=study.kind,
        title=study.title or "A fleet of homes",
        summary={f.name: f for f in summary},
        data=data,
        findings=(*case.findings, *told),
        charts=tuple(fleet_charts(study, coordinated=done is not None)),
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


def _coordinated(
    study: FleetStudy, homes: Homes, planned: Planned, case: HomeCase, context: Context
) -> Coordination | None:
    """Keep the feeder's limits, if there are any."""
    spec = study.feeder
    if spec.import_max_kw is None and spec.export_max_kw is None:
        return None
    chunks = kept_chunks(list(chunks_of(study, homes, context)), planned.index)
    return coordinate(chunks, planned, spec, case.grid.step_h, context)


def feeder_figures(done: Coordination, own_cent: float) -> list[Figure]:
    """Return what a coordination adds to the summary; ``own_cent``: its homes' objectives, each on its own."""
    net = done.net_kw.sum(axis=0)
    cost = float(done.objective_cent.sum())
    return [
        Figure("coordinated_peak_kw", float(net.max()), "Highest import of all homes together, coordinated"),
        Figure("coordinated_cost_eur", float(done.money_cent.sum()) / 100, "What all plans cost, coordinated"),
        Figure("coordination_cost_eur", (cost - own_cent) / 100, "Coordination costs more, with wishes and stores"),
        Figure("coordination_gap_eur", done.gap_cent / 100, "Largest possible loss against the best coordination"),
        Figure("coordination_gap_share", done.gap_cent / max(abs(cost), 1e-9), "The same, relative to the cost"),
        Figure(
            "coordination_price_max_cent_per_kwh", float(np.abs(done.price_cent).max()), "Highest price of the feeder"
        ),
    ]  # fmt: skip


def _tables(
    study: FleetStudy, case: HomeCase, homes: Homes, planned: Planned, done: Coordination | None
) -> dict[str, Table]:
    grid, durations = case.grid, study.flexibility.durations_min
    base = study.feeder.base_load_kw
    together = money = price = None
    if done is not None:
        together, price = done.net_kw.sum(axis=0) + base, done.price_cent
        money = np.empty(len(done.index))
        money[np.searchsorted(planned.index, done.index)] = done.money_cent
    out = {
        "fleet_slots": tables.slots_table(
            planned, grid, case.plant.grid.import_cent_per_kwh, case.plant.seen.outdoor_c,
            base, together, price,
        ),
        "fleet_homes": tables.homes_table(study, homes, planned, money),
    }  # fmt: skip
    if done is not None:
        out["fleet_coordination"] = tables.coordination_table(done)
        out["fleet_compared"] = tables.compared_table(planned, done, Limits.of(study.feeder), base)
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
        Figure("homes_count", len(homes), "Homes"),
        Figure("failed_count", len(planned.failed), "Homes without a plan"),
        Figure("cost_eur", float(planned.figure("cost_cent").sum()) / 100, "What all plans cost"),
        Figure("peak_kw", float(net.max()), "Highest import of all homes together"),
        Figure("own_peaks_kw", float(planned.figure("peak_kw").sum()), "Sum of the homes' own highest imports"),
        Figure("gap_median_cent", float(np.median(gaps)), "Median gap of a plan: largest possible loss"),
        Figure("gap_p95_cent", float(np.quantile(gaps, 0.95)), "Gap that 95 % of the plans keep"),
        Figure("gap_median_share", float(np.median(shares)), "Median gap, relative to the home's cost"),
        Figure("gap_p95_share", float(np.quantile(shares, 0.95)), "Gap that 95 % keep, relative to the home's cost"),
    ]  # fmt: skip


def schemas() -> list[TableSchema]:
    """Return the schemas of all tables of a result."""
    return [
        tables.SLOTS, tables.HOMES, tables.ENVELOPE, tables.HOME_ENVELOPE, tables.COORDINATION, tables.COMPARED,
        tables.FAILURES,
    ]  # fmt: skip


KIND = Kind(
    name="fleet",
    title="A fleet of homes: each planned and certified, with flexibility envelopes and a feeder's limit",
    spec=FleetStudy,
    run=run,
    check=check,
    template=fleet_files,
    tables=schemas,
    exports=EXPORTS,
)
