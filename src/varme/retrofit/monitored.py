"""Heat pumps whose heat and electricity are both metered: their SPF as measured, and the unpaired check."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from varme.data.tabular import fetch_cells, open_table
from varme.ground.errors import Collector, DataError
from varme.ground.findings import Finding
from varme.ground.tables import Column, Table, TableSchema
from varme.retrofit.spec import MonitoredSpec
from varme.retrofit.spf.estimate import all_methods
from varme.retrofit.spf.spec import SpfSpec

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Monitored:
    """Monitored heat pumps.

    Attributes:
        meters: Ids, shape (systems,).
        heat_kwh: Heat of the year [kWh].
        electricity_kwh: Electricity of the year [kWh].
        covariates: Name -> values, NaN where not known.
        findings: What was left out.
    """

    meters: NDArray[np.object_]
    heat_kwh: Floats
    electricity_kwh: Floats
    covariates: dict[str, Floats]
    findings: tuple[Finding, ...] = ()

    @property
    def fleet_spf(self) -> float:
        """SPF of the fleet: sum of heat over sum of electricity."""
        return float(self.heat_kwh.sum() / self.electricity_kwh.sum())

    @property
    def geometric_spf(self) -> float:
        """Geometric mean of the systems' SPF."""
        return float(np.exp(np.mean(np.log(self.heat_kwh / self.electricity_kwh))))

    @property
    def arithmetic_spf(self) -> float:
        """Arithmetic mean of the systems' SPF."""
        return float(np.mean(self.heat_kwh / self.electricity_kwh))

    def interval(self, confidence: float) -> tuple[float, float, float]:
        """Return the interval of the fleet's SPF and the standard error of its logarithm.

        A ratio of sums is a weighted mean of the systems' SPF; its variance by linearisation (Cochran 1977, Sampling
        Techniques, section 6.4), with Student's t on systems - 1 degrees of freedom.
        """
        n, ratio = len(self.heat_kwh), self.fleet_spf
        left = self.heat_kwh - ratio * self.electricity_kwh
        se = float(np.sqrt(n / (n - 1) * (left @ left)) / self.heat_kwh.sum())
        t = float(stats.t.ppf(0.5 + confidence / 2, n - 1))
        return ratio * float(np.exp(-t * se)), ratio * float(np.exp(t * se)), se

    def halves(self, count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return two random parts: ``count`` systems for their heat (0: half), the others for their electricity."""
        order = np.random.default_rng(seed).permutation(len(self.meters))
        n = count or len(order) // 2
        return order[:n], order[n:]


def read_monitored(spec: MonitoredSpec, base: Path) -> Monitored:
    """Read the table of monitored systems.

    Raises:
        DataError: with every problem of the file: P200 unreadable, P201 no such column, P209 not a number, P210 outside
            the limits, P202 too few systems.
    """
    table = open_table(base / spec.file, "monitored.file")
    problems = Collector()
    wanted = {
        "meter_column": spec.meter_column, "heat_column": spec.heat_column,
        "electricity_column": spec.electricity_column, **{f"covariates[{k}]": c for k, c in enumerate(spec.covariates)},
    }  # fmt: skip
    for name, column in wanted.items():
        if column not in table.columns:
            listed = ", ".join(table.columns)
            problems.add(
                "P201", f"monitored.{name}", "no such column", value=column, limit=f"columns: {listed}"
            )
    problems.raise_if_any(DataError)
    numbers = [spec.heat_column, spec.electricity_column]
    cells = fetch_cells(table, [spec.meter_column], [*numbers, *spec.covariates], "monitored.file")
    for column in numbers:
        if cells.bad[column].any():
            line = int(cells.line[np.argmax(cells.bad[column])])
            problems.add(
                "P209", f"monitored.file, line {line}", f"{column} holds text where a number belongs"
            )
    problems.raise_if_any(DataError)
    return _kept(spec, cells.texts[spec.meter_column], cells.numbers, problems)


def _kept(
    spec: MonitoredSpec, meters: NDArray[np.object_], numbers: dict[str, Floats], problems: Collector
) -> Monitored:
    heat, electricity = numbers[spec.heat_column], numbers[spec.electricity_column]
    known = np.isfinite(heat) & np.isfinite(electricity) & (heat > 0) & (electricity > 0)
    spf = np.where(known, heat, np.nan) / np.where(known, electricity, np.nan)
    keep = known & (spf >= spec.spf_min) & (spf <= spec.spf_max)
    if keep.sum() < 4:
        problems.add(
            "P202",
            "monitored.file",
            "too few systems have heat and electricity",
            value=int(keep.sum()),
            limit=">= 4",
        )
    problems.raise_if_any(DataError)
    findings = []
    if not keep.all():
        dropped = {
            "without_both_count": int((~known).sum()),
            "implausible_count": int((known & ~keep).sum()),
        }
        text = (
            f"{dropped['without_both_count']} systems without heat or electricity and {dropped['implausible_count']} "
            f"with an SPF outside {spec.spf_min:g} to {spec.spf_max:g} are left out of {len(heat)}."
        )
        findings.append(Finding("monitored_left_out", "warning", "monitored", text, dropped))
    covariates = {c: np.where(numbers[c] > 0, numbers[c], np.nan)[keep] for c in spec.covariates}
    return Monitored(meters[keep], heat[keep], electricity[keep], covariates, tuple(findings))


COMPARISON_UNPAIRED = TableSchema(
    "comparison_unpaired",
    "Had they been unpaired: heat of one half against electricity of the other, with the truth known",
    (
        Column("method", "text", "method of estimation"),
        Column("covariates", "text", "covariates that were used"),
        Column("spf", "number", "what it makes of the unpaired halves"),
        Column("low_spf", "number", "lower end of its interval"),
        Column("high_spf", "number", "upper end"),
        Column("measured_spf", "number", "SPF of all systems, heat and electricity metered"),
        Column("error_percent", "number", "estimate against the measurement"),
        Column("remark", "text", "why there is no figure"),
    ),
)


def unpaired_table(found: Monitored, spec: MonitoredSpec, method: SpfSpec) -> Table:
    """Return every method on one random split of the systems, beside the SPF that was measured.

    Systems of the two halves differ by chance, so one split proves little; the benchmark `spf-accuracy` draws many.
    """
    heat, used = found.halves(spec.heat_half_count, spec.seed)
    of_heat = {name: values[heat] for name, values in found.covariates.items()}
    of_used = {name: values[used] for name, values in found.covariates.items()}
    wanted = method.model_copy(update={"covariates": list(found.covariates)})
    data: dict[str, list[object]] = {c.name: [] for c in COMPARISON_UNPAIRED.columns}
    for e in all_methods(found.heat_kwh[heat], found.electricity_kwh[used], wanted, of_heat, of_used):
        row = (
            e.method, ", ".join(e.covariates) or "-", e.b_ratio, e.low_ratio, e.high_ratio, found.fleet_spf,
            100 * (e.b_ratio / found.fleet_spf - 1), e.refused or "-",
        )  # fmt: skip
        for column, value in zip(COMPARISON_UNPAIRED.columns, row, strict=True):
            data[column.name].append(value)
    return Table(COMPARISON_UNPAIRED, data)
