"""The study kind ``home-sizing``: sizes over whole years with a certificate, and advice around them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np

from varme.ground.context import Context, Kind
from varme.ground.errors import Collector, ModelError
from varme.ground.findings import Finding
from varme.ground.result import Figure, Result
from varme.ground.tables import Table, TableSchema
from varme.home.case import HomeCase
from varme.home.chart_words import size_words
from varme.home.sizing import advice, outcome, pareto, tables
from varme.home.sizing.charts import sizing_charts
from varme.home.sizing.equipment import Equipment, equip, first_reference
from varme.home.sizing.findings import left_out, sizing_findings
from varme.home.sizing.fuel import fuel_prices
from varme.home.sizing.preview import Preview, preview
from varme.home.sizing.scaled import BATTERY, HEAT_PUMP, TANK
from varme.home.sizing.search import Round, Search, Sized
from varme.home.sizing.spec import SizingStudy
from varme.home.sizing.template import sizing_files
from varme.kernel.check import FEASIBILITY_TOLERANCE
from varme.kernel.model import Floats

#: How far the heat pump may lie from the size that its performance was compiled at before the search is repeated there.
REFERENCE_SHARE = 0.07
#: Most repetitions of the search at another reference.
REFERENCE_ROUNDS = 4
#: Gap at which the first repetition ends: near enough to compile the heat pump anew.
ROUGH_SHARE = 0.025


@dataclass(eq=False)
class Found:
    """A sizing, with what advice needs.

    Attributes:
        equipment: What was decided.
        search: The search, hot.
        sized: What it found.
        preview: The first answer.
        reference: Sizes that the home was compiled at.
        front: Points of cost against CO2.
        cpu_s: CPU seconds: preview, search (all repetitions).
        rounds: Rounds of all repetitions.
    """

    equipment: Equipment
    search: Search
    sized: Sized
    preview: Preview
    reference: dict[str, float]
    front: list[pareto.FrontPoint] = field(default_factory=list)
    cpu_s: dict[str, float] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Names of the sizes."""
        return [s.name for s in self.search.states[self.sized.best.branch].branch.sizes]

    @property
    def sizes(self) -> dict[str, float]:
        """The best sizes by name."""
        return dict(zip(self.names, map(float, self.sized.best.sizes), strict=True))


def check(study: SizingStudy, context: Context) -> list[Finding]:
    """Check a study and its data without sizing.

    Raises:
        InputError: with every problem of the study.
        DataError: with every problem of the data.
    """
    equipment = equip(study, context)
    return [*equipment.findings, *left_out(equipment)]


def size(equipment: Equipment, context: Context) -> Found:
    """Find the best sizes.

    Raises:
        ModelError: P345, P347, P348.
    """
    left_out(equipment)
    asked, began = equipment.study.sizing, time.process_time()
    reference = first_reference(equipment.sizes)
    branches = equipment.branches(reference)
    first = preview(branches[0], equipment.weights)
    seconds = {"preview": time.process_time() - began}
    context.progress.stage("sizing", asked.rounds_count)

    def told(one: Round) -> None:
        context.progress.advance(one.number, {"cost_eur": one.best_eur, "bound_eur": one.bound_eur})

    names = [s.name for s in branches[0].sizes]
    reference = _reference(equipment, names, first.sizes, reference)
    branches = equipment.branches(reference)
    search = Search(branches, equipment.weights, equipment.hours, asked.period_days)
    start = {b.name: _inside(b.sizes, first.sizes) for b in branches}
    rounds: list[Round] = []
    for repetition in range(REFERENCE_ROUNDS):
        rough = not equipment.models and repetition == 0
        gap = max(asked.gap_share, ROUGH_SHARE) if rough else asked.gap_share
        sized = search.run(start, gap, max(asked.rounds_count - len(rounds), 1), told)
        rounds += [replace(r, number=r.number + len(rounds)) for r in sized.rounds]
        chosen = dict(zip(names, sized.best.sizes, strict=True)).get(HEAT_PUMP, 0.0)
        moved = abs(chosen / max(reference.get(HEAT_PUMP, 1.0), 0.1) - 1)
        last = repetition + 1 == REFERENCE_ROUNDS or len(rounds) >= asked.rounds_count
        if equipment.models or last or (moved <= REFERENCE_SHARE and not rough):
            break
        if moved > REFERENCE_SHARE:
            reference = _reference(equipment, names, sized.best.sizes, reference)
            search.recompile(equipment.branches(reference))
        start = {"": sized.best.sizes}
    sized = replace(sized, rounds=tuple(rounds))
    found = Found(equipment, search, sized, first, reference, cpu_s=seconds)
    if asked.co2_max_kg is not None and sized.best.co2_kg > asked.co2_max_kg:
        found = _limited(found, asked.co2_max_kg)
    seconds["search"] = time.process_time() - began - seconds["preview"]
    return found


def _reference(
    equipment: Equipment, names: list[str], sizes: Floats, before: dict[str, float]
) -> dict[str, float]:
    """Return sizes to compile the home at: those of a first answer, inside what a device can be."""
    out = dict(before)
    for name, value in zip(names, sizes, strict=True):
        if name in (HEAT_PUMP, TANK) and name in equipment.decisions and value > 0.2:
            out[name] = float(value)
    return out


def _inside(sizes: tuple[object, ...], start: Floats) -> Floats:
    low = np.array([s.low if not s.optional else 0.0 for s in sizes])  # type: ignore[attr-defined]
    high = np.array([s.high for s in sizes])  # type: ignore[attr-defined]
    return np.clip(start, low, high)


def _limited(found: Found, limit_kg: float) -> Found:
    """Return the cheapest sizes within a limit on emissions."""
    asked, best = found.equipment.study.sizing, found.sized.best
    start = {name: _inside(state.branch.sizes, best.sizes) for name, state in found.search.states.items()}
    tried, chosen, bound = pareto.within_limit(
        found.search, start, limit_kg, asked.co2_price_max_eur_per_t, asked.gap_share
    )
    cost = chosen.found.cost_eur
    sized = Sized(
        chosen.found,
        bound,
        cost - bound <= asked.gap_share * abs(cost),
        found.sized.rounds,
        found.sized.evaluated,
    )
    return Found(found.equipment, found.search, sized, found.preview, found.reference, tried, found.cpu_s)


def run(study: SizingStudy, context: Context) -> Result:
    """Size a home.

    Raises:
        VarmeError: as :func:`check`; P345 to P349.
    """
    began = time.process_time()
    equipment = equip(study, context)
    found = size(equipment, context)
    best = found.sized.best
    worst = max(o.violation for o in best.years)
    if worst > FEASIBILITY_TOLERANCE:
        problems = Collector()
        problems.add("P349", "sizing", "a constraint is violated", value=f"{worst:.2g}")
        problems.raise_if_any(ModelError)
    case = equipment.at(0, found.reference | found.sizes, outcome.model_named(equipment, best.branch))
    done = outcome.operation_of(found.search.years[0], best)
    parts = outcome.cost_parts(equipment, found.search, best)
    other = _compared(found, context)
    checks = outcome.check_days(found.search.years[0], best, case, study.sizing.check_days_count)
    data = _tables(found, case, done, parts, other, checks)
    found.cpu_s["all"] = time.process_time() - began
    told = sizing_findings(found, case, done, data, other, checks)
    bivalence = outcome.bivalence_c(found.search.years[0], found.sizes.get(HEAT_PUMP, 0.0), case)
    figures = _figures(found, case, done, other, bivalence)
    return Result(
        kind=study.kind,
        title=study.title or "Sizes of a home's heat pump, tank, PV and battery",
        summary={f.name: f for f in figures},
        data=data,
        findings=(*equipment.findings, *told),
        charts=tuple(sizing_charts(data, best.cost_eur, bivalence)),
        provenance={
            "data_hashes": {
                f"{name}.{k}": v
                for name, c in zip(equipment.names, equipment.cases, strict=True)
                for k, v in c.data_hashes.items()
            },
            "solver_status": "gap reached" if found.sized.closed else "rounds spent",
            "bound_eur": found.sized.bound_eur,
            "gap_share": found.sized.gap_share,
            "price_year": equipment.price_year,
            "timing": {f"{k}_cpu_s": round(v, 3) for k, v in found.cpu_s.items()},
        },
        study=study.model_dump(mode="json"),
    )


def _compared(found: Found, context: Context) -> outcome.Compared | None:
    spec = found.equipment.study.reference
    if spec is None:
        return None
    prices = fuel_prices(spec, found.equipment, context)
    return outcome.compared(found.equipment, found.search, found.sized.best, spec, prices)


def _tables(
    found: Found,
    case: HomeCase,
    done: outcome.Operation,
    parts: list[outcome.CostPart],
    other: outcome.Compared | None,
    checks: list[outcome.DayCheck],
) -> dict[str, Table]:
    asked, search, sized = found.equipment.study.sizing, found.search, found.sized
    flat: list[advice.FlatRange] = []
    others: list[advice.Candidate] = []
    maps: list[advice.SizesMap] = []
    load = sum(outcome.heat_load_kw(case))
    convergence = tables.convergence_table(sized)
    replaced = outcome.replacements_eur(found.equipment, search, sized.best)
    if asked.advice == "full":
        flat = advice.flat_ranges(search, sized, asked.flat_share)
        others = advice.candidates(found.equipment, search, sized, load)
        maps = [advice.sizes_map(search, sized, x, y) for x, y in _map_pairs(found)]
    if asked.pareto_count and not found.front:
        prices = np.concatenate(
            [[0.0], np.geomspace(25.0, asked.co2_price_max_eur_per_t, max(asked.pareto_count - 1, 1))]
        )
        start = {n: _inside(s.branch.sizes, sized.best.sizes) for n, s in search.states.items()}
        found.front = pareto.front(search, start, prices, max(asked.gap_share, 2e-3))
    grid = case.grid
    return {
        "optimum": tables.optimum_table(search, sized, set(found.equipment.decisions), flat),
        "candidates": tables.candidates_table(search, sized, others),
        "models": tables.models_table(search, sized),
        "sizes_map": tables.map_table(maps, sized.best.cost_eur, asked.flat_share),
        "pareto": tables.pareto_table(found.names, found.front),
        "costs": tables.costs_table(parts, other),
        "months": tables.months_table(done, grid.months(case.study.time.timezone).astype(float)),
        "load_duration": tables.duration_table(done),
        "convergence": convergence,
        "payback": tables.payback_table(other, replaced),
        "checks": tables.checks_table(checks, grid.times),
    }


def _map_pairs(found: Found) -> list[tuple[str, str]]:
    free = [
        n
        for n in found.names
        if n in found.equipment.decisions and not (n == HEAT_PUMP and found.equipment.models)
    ]
    pairs = [(HEAT_PUMP, TANK), ("pv_kwp", BATTERY)]
    out = [(x, y) for x, y in pairs if x in free and y in free]
    return out or [(free[0], free[1])] if len(free) > 1 else []


def _figures(
    found: Found,
    case: HomeCase,
    done: outcome.Operation,
    other: outcome.Compared | None,
    bivalence: float | None,
) -> list[Figure]:
    best, sized = found.sized.best, found.sized
    house_kw, water_kw = outcome.heat_load_kw(case)
    out = [
        Figure("cost_eur", best.cost_eur, "Yearly cost of the best sizes: capital, maintenance, energy"),
        Figure("bound_eur", sized.bound_eur, "Proven: no sizes within the limits cost less"),
        Figure("gap_percent", 100 * sized.gap_share, "Largest possible loss against the best sizes"),
    ]
    if best.branch:
        out.append(Figure("heat_pump", best.branch, "Heat pump chosen from the catalogue"))
    out += [
        Figure(
            name,
            value,
            f"{'Best' if name in found.equipment.decisions else 'Given'} size: {size_words(name)}",
        )
        for name, value in found.sizes.items()
    ]
    out += [
        Figure("capital_eur", best.capital_eur, "Of which annuities and maintenance"),
        Figure("co2_kg", best.co2_kg, "Emissions of bought electricity a year"),
        Figure(
            "heat_load_kw",
            house_kw,
            "Heat load of the house at its design temperature (EN 12831-like), no gains",
        ),
        Figure("heat_load_water_kw", water_kw, "Addition for hot water by rule of thumb"),
        Figure("bivalence_c", bivalence, "Outdoor temperature below which the backup must help"),
        Figure("backup_kwh", done.kwh("backup_kw"), "Electricity of the backup heater a year"),
        Figure("preview_eur", found.preview.cost_eur, "First answer by typical days; not a result"),
    ]
    if other is not None:
        out += [
            Figure("reference_eur", other.cost_eur, f"Yearly cost of the {other.name}"),
            Figure("saving_eur", other.cost_eur - best.cost_eur, f"Yearly saving against the {other.name}"),
            Figure("payback_years", other.years[0], "Payback without interest"),
            Figure(
                "payback_low_years", other.years[1], "With cheap equipment and the scenario that saves most"
            ),
            Figure(
                "payback_high_years", other.years[2], "With dear equipment and the scenario that saves least"
            ),
            Figure("reference_co2_kg", other.co2_kg, f"Emissions of the {other.name} a year"),
        ]
    if found.equipment.price_year is not None:
        out.append(Figure("price_year", found.equipment.price_year, "Year of the money of investments"))
    return out


def schemas() -> list[TableSchema]:
    """Return the schemas of all tables of a result."""
    return tables.SCHEMAS


KIND = Kind(
    name="home-sizing",
    title="Sizes of heat pump, tank, PV and battery of a home over whole years, certified, with advice",
    spec=SizingStudy,
    run=run,
    check=check,
    template=sizing_files,
    tables=schemas,
)
