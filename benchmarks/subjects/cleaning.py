"""Cleaning: injected faults found and told apart, energy kept, rows per second.

Counted in events: one for each injected fault, one for each line that a rule enters. An event is what a person would
act on, and a fault of one day weighs as much as one of a year; in meter-steps, the kinds that touch whole years would
hide all others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import median_cpu_s
from benchmarks.registry import Bar, Line, Options, subject
from varme.data.clean.clean import Cleaned, Surroundings, clean
from varme.data.clean.spec import CleaningSpec
from varme.data.meters.panel import MeterPanel
from varme.data.synthetic.faults import Fault, FaultSpec, Injected, as_register, inject
from varme.data.synthetic.town import Town, TownSpec, build_town

#: Towns of the report; those below 1,000 were used while developing, 100,101 to 100,503 were looked at once.
SEEDS = (100_601, 100_602, 100_603)
#: Rules that are the right answer to a kind of fault. A flat run that was not marked is an estimate or a stuck value;
#: only the next reading can tell.
RIGHT: dict[str, frozenset[str]] = {
    "roll_over": frozenset({"roll_over"}),
    "register_swap": frozenset({"register_swap", "negative"}),
    "duplicate_same": frozenset({"duplicate_same"}),
    "duplicate_conflict": frozenset({"duplicate_conflict", "gap_bridged"}),
    "estimated": frozenset({"estimated", "stuck_value", "gap_bridged"}),
    "stuck_register": frozenset({"stuck_register"}),
    "stuck_value": frozenset({"stuck_value", "estimated"}),
    "whole_units": frozenset({"resolution"}),
    "zeros_missing": frozenset({"zeros_missing", "leap_day"}),
    "spike": frozenset({"spike"}),
    "clipped": frozenset({"clipped"}),
    "dst_hours": frozenset({"dst_hours"}),
    "leap_day": frozenset({"leap_day"}),
    "time_slip": frozenset({"time_slip"}),
    "part_year": frozenset({"part_year"}),
    "vacancy": frozenset({"vacancy"}),
    "gas_day": frozenset({"gas_day"}),
    "mixed_units": frozenset({"mixed_units"}),
    "multi_family": frozenset({"multi_family"}),
    "cooking_only": frozenset({"cooking_only", "no_heating"}),
}


@dataclass
class Score:
    """Faults found and lines entered, by kind and by rule."""

    faults: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    lines: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    energy_error: list[float] = field(default_factory=list)
    year_errors: list[NDArray[np.float64]] = field(default_factory=list)
    misses: list[Fault] = field(default_factory=list)
    alarms: list[tuple[str, int, int, int, str]] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Share of the injected faults that the right rule found."""
        return sum(self.found.values()) / max(sum(self.faults.values()), 1)

    @property
    def precision(self) -> float:
        """Share of the entered lines that belong to an injected fault of that kind."""
        return 1 - sum(self.wrong.values()) / max(sum(self.lines.values()), 1)

    def add(self, injected: Injected, cleaned: Cleaned) -> None:
        """Count the faults and lines of one panel."""
        by_row: dict[int, list[Fault]] = {}
        for fault in injected.faults:
            by_row.setdefault(fault.row, []).append(fault)
            self.faults[fault.kind] += 1
        hit: set[tuple[int, str, int]] = set()
        for rule, row, first, last in cleaned.ledger.events():
            self.lines[rule] += 1
            right = [
                f
                for f in by_row.get(row, [])
                if rule in RIGHT[f.kind] and first <= f.last + 1 and last >= f.first - 1
            ]
            hit.update((f.row, f.kind, f.first) for f in right)
            if not right:
                self.wrong[rule] += 1
                kinds = ",".join(f.kind for f in by_row.get(row, []))
                self.alarms.append((rule, row, first, last, kinds))
        for fault in injected.faults:
            if (fault.row, fault.kind, fault.first) in hit:
                self.found[fault.kind] += 1
            else:
                self.misses.append(fault)

    def add_energy(self, truth: MeterPanel, cleaned: Cleaned, years: NDArray[np.int64]) -> None:
        """Compare the annual energy of all usable meter-years with the truth; missing days count as the valid mean."""
        wanted, got = [], []
        for k, year in enumerate(np.unique(years)):
            inside = years == year
            rows = np.flatnonzero(cleaned.usable[:, k])
            true, ours = (
                truth.values[rows][:, inside].astype(float),
                cleaned.panel.values[rows][:, inside].astype(float),
            )
            both = np.isfinite(true) & np.isfinite(ours)
            wanted.append(np.where(both, true, 0).sum(axis=1))
            got.append(np.where(both, ours, 0).sum(axis=1))
        w, g = np.concatenate(wanted), np.concatenate(got)
        self.energy_error.append(abs(g.sum() / w.sum() - 1))
        self.year_errors.append(g[w > 0] / w[w > 0] - 1)


def gas_case(seed: int, meters: int, share: float) -> tuple[Town, Injected]:
    """Return a town without faults of its own, and its gas meters with faults."""
    town = build_town(TownSpec(seed=seed, gas_meters_count=meters, heat_pumps_count=20, faults=False))
    return town, inject(town.gas, seed, FaultSpec(share=share))


def around_of(town: Town, carrier: str) -> Surroundings:
    """Return what cleaning may know of a town."""
    from varme.ground.timegrid import utc_offset_s

    hours = town.hours_utc
    local = hours + utc_offset_s(hours, town.spec.timezone).astype("timedelta64[s]")
    day = (local.astype("datetime64[D]") - town.days[0]).astype(np.int64)
    daily = np.bincount(day, town.temperature_c) / np.bincount(day)
    return Surroundings(carrier, town.spec.timezone, tuple(town.spec.years), daily)


@subject("cleaning", "cleaning of meters: injected faults, energy, speed")
def cleaning(options: Options) -> Iterator[Line]:
    """Measure recall, precision and energy on towns not used in development, and rows per second."""
    spec = CleaningSpec()
    gas, pumps, registers = Score(), Score(), Score()
    meters = 800 if options.quick else 3000
    block: tuple[MeterPanel, Surroundings] | None = None
    for seed in SEEDS[:1] if options.quick else SEEDS:
        town, injected = gas_case(seed, meters, 0.22)
        around = around_of(town, "gas")
        cleaned = clean(injected.panel, spec, around)
        gas.add(injected, cleaned)
        gas.add_energy(
            injected.truth, cleaned, injected.panel.steps.astype("datetime64[Y]").astype(int) + 1970
        )
        block = block or (injected.panel, around)
        register = inject(as_register(town.gas, seed, resolution=0.01), seed, FaultSpec(share=0.22))
        registers.add(register, clean(register.panel, spec, around))
    for seed in SEEDS[:1] if options.quick else SEEDS:
        town = build_town(TownSpec(seed=seed, gas_meters_count=10, heat_pumps_count=150, faults=False))
        faulty = inject(town.heat_pumps, seed, FaultSpec(share=0.3))
        pumps.add(faulty, clean(faulty.panel, spec, around_of(town, "heat_pump")))
    files = Score()
    for seed in SEEDS:
        town = build_town(TownSpec(seed=seed, gas_meters_count=200, heat_pumps_count=100, faults=False))
        for panel, kind, carrier in (
            (town.gas, "gas_day", "gas"),
            (town.heat_pumps, "dst_hours", "heat_pump"),
        ):
            whole = inject(panel, seed, FaultSpec(share=1.0, kinds=[kind]))
            files.add(whole, clean(whole.panel, spec, around_of(town, carrier)))
    for name, score in (
        ("whole files", files),
        ("daily gas", gas),
        ("daily gas registers", registers),
        ("hourly heat pumps", pumps),
    ):
        size = f"{sum(score.faults.values())} faults"
        yield Line(f"{name}: recall", score.recall, "", size=size, bar=Bar(0.98, "at_least"))
        yield Line(f"{name}: precision", score.precision, "", bar=Bar(0.98, "at_least"))
        for kind, count in sorted(score.faults.items()):
            yield Line(
                f"  {kind}: recall", score.found[kind] / count, "", note=f"{score.found[kind]} of {count}"
            )
        for rule, count in sorted(score.wrong.items()):
            yield Line(f"  {rule}: wrong lines", float(count), "", note=f"of {score.lines[rule]}")
    yield Line("annual energy, all kept meters", 100 * max(gas.energy_error), "%", bar=Bar(0.5))
    errors = np.abs(np.concatenate(gas.year_errors))
    yield Line("  meter-years within 0.5 %", 100 * float((errors <= 0.005).mean()), "%")
    if block is not None:
        panel, around = block
        seconds = median_cpu_s(lambda: clean(panel, spec, around), options.repeats)
        rows = panel.values.size
        yield Line(
            "rows/s/core", rows / seconds / 1e6, "M rows/s", size=f"{rows} rows", bar=Bar(12.0, "at_least")
        )
