"""Tables of a sizing."""

from __future__ import annotations

import numpy as np

from varme.ground.tables import Column, Table, TableSchema
from varme.home.sizing.advice import Candidate, FlatRange, SizesMap
from varme.home.sizing.outcome import PAYBACK_YEARS, Compared, CostPart, DayCheck, Operation
from varme.home.sizing.pareto import FrontPoint
from varme.home.sizing.search import Search, Sized
from varme.kernel.model import Floats

OPTIMUM = TableSchema(
    "optimum",
    "The best sizes, and how far each may move",
    (
        Column("size", "text", "what is sized, with its unit"),
        Column("value", "number", "best size"),
        Column("low", "number", "smallest size allowed"),
        Column("high", "number", "largest size allowed"),
        Column("decided", "flag", "whether it was decided"),
        Column("flat_low", "number", "smallest size proven to cost within the flat share"),
        Column("flat_high", "number", "largest size proven to cost within the flat share"),
        Column("flat_low_possible", "number", "below this every choice costs more than the flat share"),
        Column("flat_high_possible", "number", "above this every choice costs more than the flat share"),
        Column("capital_eur", "number", "its yearly cost"),
    ),
)
CANDIDATES = TableSchema(
    "candidates",
    "What other sizes cost, each operated over the whole year",
    (
        Column("candidate", "text", "sizes that somebody may have in mind"),
        Column("why", "text", "where they come from"),
        Column("sizes", "text", "the sizes"),
        Column("cost_eur", "number", "yearly cost"),
        Column("regret_eur", "number", "yearly cost above the optimum"),
        Column("regret_percent", "number", "the same, in percent"),
        Column("capital_eur", "number", "of which capital and maintenance"),
        Column("co2_kg", "number", "emissions of bought electricity a year"),
    ),
)
MODELS = TableSchema(
    "models",
    "The catalogue: best cost found with each heat pump, or the bound that dismissed it",
    (
        Column("model", "text", "heat pump"),
        Column("rated_kw", "number", "its rated heat"),
        Column("cost_eur", "number", "best yearly cost found with it"),
        Column("bound_eur", "number", "proven lower bound of the yearly cost with it"),
        Column("rounds_count", "integer", "rounds that it took"),
        Column("chosen", "flag", "whether it is the choice"),
    ),
)
SIZES_MAP = TableSchema(
    "sizes_map",
    "Yearly cost over two sizes, the others at the optimum",
    (
        Column("map", "text", "which two sizes"),
        Column("x_size", "number", "first size"),
        Column("y_size", "number", "second size"),
        Column("cost_eur", "number", "yearly cost: proven lower bound"),
        Column("cost_most_eur", "number", "proven upper bound, where evaluated sizes surround the place"),
        Column("flat", "flag", "whether the lower bound is within the flat share of the optimum"),
    ),
)
PARETO = TableSchema(
    "pareto",
    "Cost against CO2",
    (
        Column("price_eur_per_t", "number", "price on emissions that the point answers"),
        Column("co2_kg", "number", "emissions of bought electricity a year"),
        Column("cost_eur", "number", "yearly cost without that price"),
        Column("gap_percent", "number", "proven gap of cost and priced emissions"),
        Column("sizes", "text", "the sizes"),
    ),
)
COSTS = TableSchema(
    "costs",
    "Yearly cost by part",
    (
        Column("part", "text", "part"),
        Column("kind", "text", "capital or operation"),
        Column("cost_eur", "number", "cost a year"),
        Column("investment_eur", "number", "investment after subsidy"),
        Column("investment_low_eur", "number", "lower end of its range"),
        Column("investment_high_eur", "number", "upper end of its range"),
        Column("variant", "text", "the optimum, or what it is compared with"),
    ),
)
MONTHS = TableSchema(
    "months",
    "A year's operation by month",
    (
        Column("month", "integer", "month, local time"),
        Column("room_heat_kwh", "number", "heat into the room, without backup"),
        Column("water_heat_kwh", "number", "heat into the tank, without backup"),
        Column("heat_pump_kwh", "number", "electricity of the heat pump"),
        Column("backup_kwh", "number", "electricity of the backup heater"),
        Column("load_kwh", "number", "household"),
        Column("pv_kwh", "number", "PV that is used or sold"),
        Column("import_kwh", "number", "bought"),
        Column("export_kwh", "number", "sold"),
        Column("battery_discharge_kwh", "number", "from the battery"),
    ),
)
DURATION = TableSchema(
    "load_duration",
    "Hours sorted by heat: what heat pump and backup give",
    (
        Column("hours_h", "number", "hours in which the heat is at least this"),
        Column("heat_kw", "number", "heat of pump and backup"),
        Column("heat_pump_heat_kw", "number", "of which from the heat pump"),
        Column("backup_kw", "number", "of which from the backup heater"),
        Column("outdoor_c", "number", "outdoor temperature in that hour"),
    ),
)
CONVERGENCE = TableSchema(
    "convergence",
    "The search, round by round",
    (
        Column("round", "integer", "round"),
        Column("branch", "text", "heat pump of the catalogue that was tried"),
        Column("trial_eur", "number", "cost of the sizes tried"),
        Column("best_eur", "number", "cost of the best sizes so far"),
        Column("bound_eur", "number", "proven lower bound"),
    ),
)
PAYBACK = TableSchema(
    "payback",
    "Money in hand against the reference, year by year",
    (
        Column("years", "number", "years since the investment"),
        Column(
            "cash_eur",
            "number",
            "extra investment paid back so far, at today's prices, replacements included",
        ),
        Column("cash_low_eur", "number", "with dear equipment and the scenario that saves least"),
        Column("cash_high_eur", "number", "with cheap equipment and the scenario that saves most"),
    ),
)
CHECKS = TableSchema(
    "checks",
    "Days planned in full at the chosen sizes, against their relaxation",
    (
        Column("time", "time", "start of the day (UTC)"),
        Column("what", "text", "which day"),
        Column("relaxed_cent", "number", "cost with on/off relaxed, with the worth of what is left"),
        Column("plan_cent", "number", "cost of the full plan, likewise"),
        Column("difference_cent", "number", "what on/off, starts and minimum times cost"),
        Column("starts_count", "integer", "starts of the compressor"),
        Column("missed_k_h", "number", "degree-hours missed"),
    ),
)
SCHEMAS = [
    OPTIMUM, CANDIDATES, MODELS, SIZES_MAP, PARETO, COSTS, MONTHS, DURATION, CONVERGENCE, PAYBACK, CHECKS,
]  # fmt: skip


def sizes_text(names: list[str], sizes: Floats) -> str:
    """Return sizes as a line of text."""
    return ", ".join(f"{n} {s:.3g}" for n, s in zip(names, sizes, strict=True))


def optimum_table(search: Search, sized: Sized, decided: set[str], flat: list[FlatRange]) -> Table:
    """Return the best sizes with their flat ranges."""
    best, ranges = sized.best, {f.name: f for f in flat}
    sizes = search.states[best.branch].branch.sizes
    names = [s.name for s in sizes]

    def end(field: str) -> list[float]:
        return [getattr(ranges[n], field) if n in ranges else float("nan") for n in names]

    return Table(
        OPTIMUM,
        {
            "size": names, "value": best.sizes, "low": [s.low for s in sizes], "high": [s.high for s in sizes],
            "decided": [n in decided for n in names], "flat_low": end("low"), "flat_high": end("high"),
            "flat_low_possible": end("low_possible"), "flat_high_possible": end("high_possible"),
            "capital_eur": [s.yearly_eur(float(v)) for s, v in zip(sizes, best.sizes, strict=True)],
        },
    )  # fmt: skip


def candidates_table(search: Search, sized: Sized, others: list[Candidate]) -> Table:
    """Return the regret table: the optimum and the candidates, cheapest first."""
    best = sized.best
    names = [s.name for s in search.states[best.branch].branch.sizes]
    rows = [
        Candidate("optimum", "found by the search", best),
        *sorted(others, key=lambda c: c.found.cost_eur),
    ]
    cost = np.array([c.found.cost_eur for c in rows])
    return Table(
        CANDIDATES,
        {
            "candidate": [c.name for c in rows], "why": [c.why for c in rows],
            "sizes": [sizes_text(names, c.found.sizes) for c in rows], "cost_eur": cost,
            "regret_eur": cost - best.cost_eur, "regret_percent": 100 * (cost / best.cost_eur - 1),
            "capital_eur": [c.found.capital_eur for c in rows], "co2_kg": [c.found.co2_kg for c in rows],
        },
    )  # fmt: skip


def models_table(search: Search, sized: Sized) -> Table:
    """Return what each model of the catalogue costs at best."""
    states = list(search.states.values())
    rated = [
        next((s.high for s in st.branch.sizes if s.name == "heat_pump_kw"), float("nan")) for st in states
    ]
    return Table(
        MODELS,
        {
            "model": [s.branch.name for s in states], "rated_kw": rated,
            "cost_eur": [s.best.cost_eur if s.best else float("nan") for s in states],
            "bound_eur": [s.bound if np.isfinite(s.bound) else float("nan") for s in states],
            "rounds_count": [s.rounds for s in states],
            "chosen": [s.branch.name == sized.best.branch for s in states],
        },
    )  # fmt: skip


def map_table(maps: list[SizesMap], best_eur: float, flat_share: float) -> Table:
    """Return the maps of sizes."""
    least = np.concatenate([m.least_eur for m in maps]) if maps else np.zeros(0)
    return Table(
        SIZES_MAP,
        {
            "map": [f"{m.x} and {m.y}" for m in maps for _ in m.x_size],
            "x_size": np.concatenate([m.x_size for m in maps]) if maps else [],
            "y_size": np.concatenate([m.y_size for m in maps]) if maps else [],
            "cost_eur": least, "flat": least <= best_eur * (1 + flat_share),
            "cost_most_eur": np.concatenate([m.most_eur for m in maps]) if maps else [],
        },
    )  # fmt: skip


def pareto_table(names: list[str], points: list[FrontPoint]) -> Table:
    """Return the front."""
    points = sorted(points, key=lambda p: p.price_eur_per_t)
    value = np.array([p.found.objective_eur for p in points])
    return Table(
        PARETO,
        {
            "price_eur_per_t": [p.price_eur_per_t for p in points], "co2_kg": [p.found.co2_kg for p in points],
            "cost_eur": [p.found.cost_eur for p in points],
            "gap_percent": 100 * (value - np.array([p.bound_eur for p in points])) / np.maximum(np.abs(value), 1e-9),
            "sizes": [sizes_text(names, p.found.sizes) for p in points],
        },
    )  # fmt: skip


def costs_table(parts: list[CostPart], other: Compared | None) -> Table:
    """Return the cost by part of the optimum and of the reference."""
    rows = [(p.part, p.kind, p.eur_year, p.investment_eur, p.low_eur, p.high_eur, "optimum") for p in parts]
    if other is not None:
        capital = other.cost_eur - other.operation_eur
        rows.append((other.name, "capital", capital, 0.0, 0.0, 0.0, other.name))
        rows.append(
            (f"{other.name}: energy and upkeep", "operation", other.operation_eur, 0.0, 0.0, 0.0, other.name)
        )
    names = (
        "part",
        "kind",
        "cost_eur",
        "investment_eur",
        "investment_low_eur",
        "investment_high_eur",
        "variant",
    )
    return Table(COSTS, {n: [r[i] for r in rows] for i, n in enumerate(names)})


def months_table(done: Operation, months: Floats) -> Table:
    """Return the operation by month.

    Args:
        done: The year's operation.
        months: Month of each step, shape (N,).
    """
    numbers = np.unique(months).astype(int)
    names = [c.name for c in MONTHS.columns if c.name != "month"]

    def total(name: str) -> list[float]:
        values = done.series[name.replace("_kwh", "_kw")]
        return [float(values[months == m].sum() * done.step_h) for m in numbers]

    return Table(MONTHS, {"month": numbers, **{n: total(n) for n in names}})


def duration_table(done: Operation, points: int = 400) -> Table:
    """Return the load duration curve, thinned to some points."""
    pump = done.series["room_heat_kw"] + done.series["water_heat_kw"]
    heat = pump + done.series["backup_kw"]
    order = np.argsort(-heat, kind="stable")
    keep = np.unique(np.linspace(0, len(order) - 1, min(points, len(order))).astype(int))
    rows = order[keep]
    return Table(
        DURATION,
        {
            "hours_h": (keep + 1) * done.step_h, "heat_kw": heat[rows], "heat_pump_heat_kw": pump[rows],
            "backup_kw": done.series["backup_kw"][rows], "outdoor_c": done.series["outdoor_c"][rows],
        },
    )  # fmt: skip


def convergence_table(sized: Sized) -> Table:
    """Return the search round by round; NaN where no bound was known yet."""
    rounds = sized.rounds
    bound = np.array([r.bound_eur for r in rounds])
    return Table(
        CONVERGENCE,
        {
            "round": [r.number for r in rounds], "branch": [r.branch for r in rounds],
            "trial_eur": [r.trial_eur for r in rounds], "best_eur": [r.best_eur for r in rounds],
            "bound_eur": np.where(np.isfinite(bound), bound, np.nan),
        },
    )  # fmt: skip


def payback_table(other: Compared | None, replaced: Floats) -> Table:
    """Return money in hand year by year; empty without a reference."""
    years = np.arange(PAYBACK_YEARS + 1, dtype=float) if other is not None else np.zeros(0)
    again = np.cumsum(replaced)[: len(years)]
    extra = other.extra_eur if other is not None else (0.0, 0.0, 0.0)
    saving = other.saving_eur if other is not None else (0.0, 0.0, 0.0)
    return Table(
        PAYBACK,
        {
            "years": years, "cash_eur": years * saving[0] - extra[0] - again,
            "cash_low_eur": years * saving[1] - extra[2] - again,
            "cash_high_eur": years * saving[2] - extra[1] - again,
        },
    )  # fmt: skip


def checks_table(checks: list[DayCheck], times: np.ndarray[tuple[int], np.dtype[np.datetime64]]) -> Table:
    """Return the days that were planned in full."""
    return Table(
        CHECKS,
        {
            "time": times[[c.first for c in checks]] if checks else [], "what": [c.what for c in checks],
            "relaxed_cent": [c.relaxed_cent for c in checks], "plan_cent": [c.plan_cent for c in checks],
            "difference_cent": [c.plan_cent - c.relaxed_cent for c in checks],
            "starts_count": [c.starts for c in checks], "missed_k_h": [c.missed_k_h for c in checks],
        },
    )  # fmt: skip
