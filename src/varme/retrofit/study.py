"""The study kind ``retrofit``: read, clean, estimate, project, report."""

from __future__ import annotations

import numpy as np

from varme.ground.charts import Chart
from varme.ground.context import Context, Kind
from varme.ground.findings import Finding
from varme.ground.result import Figure, Result
from varme.ground.tables import Column, Table, TableSchema
from varme.retrofit.analysis import metered
from varme.retrofit.case import load_case
from varme.retrofit.demand.load import electricity_by_day, electricity_by_hour, measured_shapes
from varme.retrofit.grid.assemble import assemble_case, slot_of, transformers_of
from varme.retrofit.grid.library import measured_library
from varme.retrofit.grid.transformers import transformer_peaks
from varme.retrofit.spec import RetrofitStudy
from varme.retrofit.spf.curve import fit_cop_curve
from varme.retrofit.spf.estimate import estimate_b

SPF = TableSchema(
    "spf",
    "B and SPF by year",
    (
        Column("year", "integer", "calendar year"),
        Column("method", "text", "method of estimation"),
        Column("b_ratio", "number", "B = SPF / (1 - gamma)"),
        Column("b_low_ratio", "number", "lower end of the interval of B"),
        Column("b_high_ratio", "number", "upper end of the interval of B"),
        Column("fleet_spf", "number", "SPF of the fleet: sum of heat over sum of electricity"),
    ),
)


def check(study: RetrofitStudy, context: Context) -> list[Finding]:
    """Check a study and its data without estimating."""
    return list(load_case(study, context).findings)


def run(study: RetrofitStudy, context: Context) -> Result:
    """Run a study."""
    case = load_case(study, context)
    years = study.years
    found = metered(case, context)
    gas, pumps, names = found.gas, found.pumps, found.groups
    assert pumps is not None
    assert found.sample is not None
    rows: dict[str, list[object]] = {c.name: [] for c in SPF.columns}
    for k, year in enumerate(years):
        q, e = gas.energy[:, k], pumps.energy[:, k]
        estimate = estimate_b(q[np.isfinite(q)], e[np.isfinite(e)], study.spf)
        values = (year, estimate.method, estimate.b_ratio, estimate.low_ratio, estimate.high_ratio,
                  estimate.b_ratio * (1 - study.spf.gamma_share))  # fmt: skip
        for column, value in zip(SPF.columns, values, strict=True):
            rows[column.name].append(value)
    spf = float(np.mean(rows["fleet_spf"]))  # type: ignore[arg-type]
    curve = fit_cop_curve(gas.fleet_days, pumps.fleet_days, case.temperature_c)
    curve = curve.scaled_to(spf, gas.fleet_days, case.temperature_c)
    daily = electricity_by_day(gas.group_days, case.temperature_c, curve, study.spf.gamma_share)
    shapes = measured_shapes(found.sample.values, case.clock.day, case.clock.hour, case.temperature_c)
    hourly = electricity_by_hour(daily, case.temperature_c, shapes, case.clock.day, case.clock.hour)
    temperature_c, gamma = case.temperature_c, study.spf.gamma_share
    sample_clock = found.sample_clock
    assert sample_clock is not None
    slot = slot_of(sample_clock.times_utc, sample_clock.hour, sample_clock.step_min)
    library = measured_library(
        found.sample.values,
        sample_clock.day,
        slot,
        temperature_c,
        curve,
        slots=24 * 60 // sample_clock.step_min,
    )
    grid_case = assemble_case(
        study.grid,
        transformers_of(names, study.grid, case.town.transformers if case.town else None),
        found.group,
        lambda rows, days: electricity_by_day(
            gas.fits.rows(rows).predict(temperature_c[days]), temperature_c[days], curve, gamma
        ),
        days=case.days,
        temperature_c=temperature_c,
        town_kwh=daily.sum(axis=0),
        library=library,
    )
    peaks = transformer_peaks(grid_case, draws=study.grid.draws_count, seed=study.grid.seed)
    figures = [
        Figure("fleet_spf", spf, "SPF of the fleet"),
        Figure("electricity_gwh", daily.sum() / 1e6 / len(years), "Electricity of all heat pumps in a year"),
        Figure("peak_mw", hourly.sum(axis=0).max() / 1e3, "Highest hour of the town"),
        Figure(
            "worst_loading_percent",
            100 * peaks.loading_p95_share.max(),
            "Loading of the worst transformer, P95",
        ),
    ]
    return Result(
        kind=study.kind,
        title=study.title or "Retrofit",
        summary={f.name: f for f in figures},
        data={"spf": Table(SPF, rows)},
        findings=case.findings,
        charts=(
            Chart(
                "spf",
                "line",
                "B by year",
                "spf",
                "year",
                ("b_ratio", "b_low_ratio", "b_high_ratio"),
                x_label="year",
                y_label="B [-]",
            ),
        ),
    )


KIND = Kind(
    name="retrofit",
    title="From gas and heat-pump meters to SPF, retrofitted demand, peaks and transformers",
    spec=RetrofitStudy,
    run=run,
    check=check,
    tables=lambda: [SPF],
)
