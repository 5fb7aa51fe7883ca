"""The study kind ``retrofit``: read, clean, estimate, project, report."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from varme.ground.context import Context, Kind
from varme.ground.findings import Finding
from varme.ground.result import Result
from varme.ground.tables import TableSchema
from varme.retrofit.analysis import metered
from varme.retrofit.case import RetrofitCase, load_case
from varme.retrofit.contents import Found, all_charts, all_findings, all_schemas, all_tables
from varme.retrofit.exports import EXPORTS, device_text
from varme.retrofit.levels import Levels, find_levels
from varme.retrofit.outlook import look_ahead
from varme.retrofit.spec import RetrofitStudy
from varme.retrofit.summary import figures
from varme.retrofit.templates import retrofit_files


def check(study: RetrofitStudy, context: Context) -> list[Finding]:
    """Check a study and its data without estimating.

    Raises:
        InputError: with every problem of the study.
        DataError: with every problem of the data.
    """
    case = load_case(study, context)
    return [*(understood(row) for row in case.meter_files), *case.findings]


def understood(row: Mapping[str, Any]) -> Finding:
    """Return what was understood of meter files, as a note: the same as the table ``meter_files`` of a run."""
    text = (
        f"{row['file']}: {row['layout']}; meter from {row['meter_column']}, time from {row['time_column']}, value from "
        f"{row['value_column']}; unit {row['unit']}; {row['reading']}, {row['step']}, clock {row['clock']}; "
        f"{row['meters_count']:,} meters, {row['rows_count']:,} readings, {row['first']} to {row['last']}."
    )
    return Finding("meters_understood", "note", str(row["meters"]), text, {k: str(v) for k, v in row.items()})


def run(study: RetrofitStudy, context: Context) -> Result:
    """Run a study.

    Raises:
        VarmeError: as :func:`check`, and if no estimate is possible.
    """
    started = time.process_time()
    case = load_case(study, context)
    meters = metered(case, context)
    levels = find_levels(case, meters)
    found = Found(case, meters, levels, look_ahead(case, meters, levels))
    tables = all_tables(found)
    summary = figures(found)
    return Result(
        kind=study.kind,
        title=study.title or "Heat pumps in place of gas furnaces",
        summary={f.name: f for f in summary},
        data=tables,
        findings=tuple(all_findings(found)),
        charts=tuple(c for c in all_charts(found, tables) if c.table in tables),
        provenance=_provenance(case, levels) | {"timing": {"cpu_s": round(time.process_time() - started, 2)}},
        study=study.model_dump(mode="json"),
    )


def _provenance(case: RetrofitCase, levels: Levels) -> dict[str, object]:
    study = case.study
    return {
        "data_hashes": case.data_hashes,
        "gas_meters": len(case.gas.meters),
        "heat_pump_meters": 0 if case.heat_pumps is None else len(case.heat_pumps.meters),
        "years": list(study.years),
        "synthetic": None if study.town is None else f"seed {study.town.seed}",
        "method": levels.pooled.method,
        "cop_source": levels.curve.source,
    }


def schemas() -> list[TableSchema]:
    """Return the schemas of all tables of a result."""
    return list(all_schemas())


KIND = Kind(
    name="retrofit",
    title="From gas and heat-pump meters to SPF, retrofitted demand, peaks and transformers",
    spec=RetrofitStudy,
    run=run,
    check=check,
    template=retrofit_files,
    tables=schemas,
    exports=EXPORTS,
    device=device_text,
)
