"""The study kind ``district-capacity``: capacity and location of heat pumps, swept and as decisions."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from varme.components.base import Device
from varme.compute.executor import Executor
from varme.district.base_case import BaseSpec, HotCase, Point, evaluate, load_base, percent, watched
from varme.district.case import Case, fingerprint
from varme.district.operate import decide_sizes
from varme.district.templates import capacity_files
from varme.ground.charts import Chart
from varme.ground.context import Checkpoints, Context, Kind
from varme.ground.errors import Collector, InputError
from varme.ground.findings import Finding
from varme.ground.result import Figure, Result
from varme.ground.size import Decision
from varme.ground.spec import Spec
from varme.ground.tables import Column, Table, TableSchema

#: Points of a chain of LPs that are one checkpoint.
CHAIN_BLOCK = 25


class InvestSpec(Spec):
    """Costs of building heat pumps; with them capacity and location become decisions."""

    eur_per_mw: float = Field(ge=0)
    """Investment per heat capacity [EUR/MW]."""
    fixed_om_eur_per_mw_year: float = Field(default=0.0, ge=0)
    """Fixed operation and maintenance per capacity and year [EUR/MW and year]."""
    life_years: float = Field(default=25.0, gt=0)
    """Life [years]."""
    interest_share: float = Field(default=0.04, ge=0, le=1)
    """Real interest rate [share a year]."""

    def decision(self, most_mw: float) -> Decision:
        """Return the decision of a size up to ``most_mw``."""
        return Decision(
            max=most_mw,
            eur_per_mw=self.eur_per_mw,
            fixed_om_eur_per_mw_year=self.fixed_om_eur_per_mw_year,
            life_years=self.life_years,
            interest_share=self.interest_share,
        )


class CapacityStudy(BaseSpec):
    """How the saving depends on the heat pumps' capacity and area."""

    kind: Literal["district-capacity"] = "district-capacity"
    """Kind of study."""
    capacities_mw: dict[str, list[float]] = Field(min_length=1)
    """Heat pump or electric boiler of the base study -> heat capacities to try [MW]."""
    combine: Literal["each", "grid"] = "each"
    """`each`: one device at a time, the others at 0 (the Copenhagen paper's Fig. 3). `grid`: all combinations."""
    invest: InvestSpec | None = None
    """With costs, the optimiser also decides capacity and location, and is checked against the surface."""

    @model_validator(mode="after")
    def _positive(self) -> CapacityStudy:
        bad = [f"{n} = {c:g}" for n, values in self.capacities_mw.items() for c in values if c < 0]
        if bad:
            raise ValueError(f"P101: a capacity is negative: {', '.join(bad)}")
        return self

    def points(self) -> list[dict[str, float]]:
        """Return the capacities of every point, device -> MW, in an order that keeps neighbours together."""
        names = list(self.capacities_mw)
        if self.combine == "grid":
            axes = [sorted(self.capacities_mw[n], reverse=bool(k % 2)) for k, n in enumerate(names)]
            return [dict(zip(names, values, strict=True)) for values in itertools.product(*axes)]
        zero = dict.fromkeys(names, 0.0)
        return [zero | {name: capacity} for name in names for capacity in sorted(self.capacities_mw[name])]


SURFACE = TableSchema(
    "surface",
    "Saving and use over capacity and location",
    (
        Column("device", "text", "the device that is varied, or all of them in a grid"),
        Column("area", "text", "its heat area"),
        Column("capacity_mw", "number", "heat capacity of the varied device (sum in a grid)"),
        Column("cost_eur", "number", "cost of operation"),
        Column("saving_cost_percent", "number", "saving in cost against the point without any"),
        Column("saving_fuel_percent", "number", "saving in fuel energy"),
        Column("noise_percent", "number", "what the proven gaps leave open"),
        Column("heat_mwh", "number", "heat from the varied devices"),
        Column("capacity_ratio_share", "number", "heat divided by capacity times hours"),
        Column(
            "electric_boiler_ratio_share", "number", "the same for the electric boilers of the base study"
        ),
        Column("annuity_eur", "number", "annuity of the capacity over the horizon; 0 without costs"),
        Column("total_eur", "number", "cost of operation and annuity"),
        Column("capacities", "text", "capacity of every varied device [MW]"),
    ),
)
DECISION = TableSchema(
    "decision",
    "Capacity and location as decisions, beside the surface",
    (
        Column("device", "text", "heat pump"),
        Column("area", "text", "heat area"),
        Column("decided_mw", "number", "capacity that the optimiser chose"),
        Column("best_point_mw", "number", "capacity at the cheapest point of the surface"),
    ),
)


def _load(study: CapacityStudy, context: Context) -> Case:
    case = load_base(study, context)
    problems = Collector()
    for name in study.capacities_mw:
        if name not in watched(case):
            limit = f"there are: {', '.join(watched(case)) or 'none'}"
            problems.add(
                "P107",
                f"capacities_mw.{name}",
                "no such heat pump or electric boiler",
                value=name,
                limit=limit,
            )
        elif getattr(case.devices[name], "always_committed", bool)() and study.mode == "lp":
            problems.add("P108", f"capacities_mw.{name}", 'min load and starts need mode = "milp"')
    problems.raise_if_any(InputError, context.source)
    largest = {n: max(values) for n, values in study.capacities_mw.items()}
    return case.with_devices(_resized(case, largest))


def _resized(case: Case, sizes: dict[str, float]) -> dict[str, Device]:
    devices = dict(case.devices)
    for name, size in sizes.items():
        devices[name] = devices[name].model_copy(update={"heat_max_mw": size})  # type: ignore[attr-defined]
    return devices


def _milp_point(task: tuple[Case, dict[str, float]]) -> Point:
    case, sizes = task
    return evaluate(case.with_devices(_resized(case, sizes)))


def solve_points(case: Case, points: list[dict[str, float]], context: Context, part: str) -> list[Point]:
    """Return every point, from checkpoints where they are finished: hot LPs in a chain, or MILPs in parallel.

    Args:
        case: The case, each varied device at its largest capacity.
        points: Capacities per point.
        context: Where checkpoints and progress go.
        part: Name of the stage.
    """
    store = context.checkpoints(part, fingerprint(case, f"{part}:{points!r}"))
    context.progress.stage(part, len(points))
    solve = _chain if case.study.solve.mode == "lp" else _side_by_side
    done: dict[int, Point] = {}
    for number, point in solve(case, points, store, context):
        done[number] = point
        context.progress.advance(len(done), {"cost_meur": round(point.cost_eur / 1e6, 2)})
    return [done[n] for n in range(len(points))]


def chain_order(points: list[dict[str, float]]) -> list[int]:
    """Return the points from the largest capacities down, to and fro, so that neighbours differ little.

    >>> chain_order([{"A": a, "B": b} for a in (1.0, 2.0) for b in (1.0, 2.0)])
    [3, 2, 0, 1]
    """
    values = [tuple(sizes.values()) for sizes in points]
    outer = sorted({first[0] for first in values}, reverse=True)
    return sorted(
        range(len(points)),
        key=lambda n: (
            -values[n][0],
            *(v if outer.index(values[n][0]) % 2 else -v for v in values[n][1:]),
        ),
    )


def _chain(
    case: Case, points: list[dict[str, float]], store: Checkpoints | None, context: Context
) -> Iterator[tuple[int, Point]]:
    """Solve LPs one after another on a hot solver, a block of points at a time.

    A block starts from the basis that the one before left, set explicitly: a resumed study gives the same bytes.
    """
    order = chain_order(points)
    hot: HotCase | None = None
    basis: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None = None
    for first in range(0, len(order), CHAIN_BLOCK):
        block = order[first : first + CHAIN_BLOCK]
        key = f"block-{first:05d}"
        saved = store.load(key) if store else None
        if saved is not None:
            basis = (saved["basis:columns"], saved["basis:rows"])
            yield from ((n, Point.from_arrays(_unpacked(saved, n))) for n in block)
            continue
        hot = hot or HotCase(case)
        hot.solver.forget()
        if basis is not None:
            hot.solver.set_basis(basis)
        packed: dict[str, np.ndarray[Any, Any]] = {}
        for number in block:
            point = hot.solve(points[number])
            packed |= {f"{number}:{name}": values for name, values in point.as_arrays().items()}
            yield number, point
        basis = hot.solver.basis()
        if store:
            store.save(key, packed | {"basis:columns": basis[0], "basis:rows": basis[1]})


def _unpacked(saved: dict[str, np.ndarray[Any, Any]], number: int) -> dict[str, np.ndarray[Any, Any]]:
    return {key.partition(":")[2]: values for key, values in saved.items() if key.startswith(f"{number}:")}


def _side_by_side(
    case: Case, points: list[dict[str, float]], store: Checkpoints | None, context: Context
) -> Iterator[tuple[int, Point]]:
    """Solve MILPs in worker processes; each is a part of its own."""
    todo = []
    for number in range(len(points)):
        saved = store.load(f"point-{number:05d}") if store else None
        if saved is None:
            todo.append(number)
        else:
            yield number, Point.from_arrays(saved)
    with Executor(context.jobs) as executor:
        for result in executor.map(_milp_point, [(case, points[n]) for n in todo]):
            number, point = todo[result.index], result.get()
            if store:
                store.save(f"point-{number:05d}", point.as_arrays())
            yield number, point


def run(study: CapacityStudy, context: Context) -> Result:
    """Run a capacity study.

    Raises:
        VarmeError: for bad input, and if a point has no plan.
    """
    started = time.process_time()
    case = _load(study, context)
    names = list(study.capacities_mw)
    points = [dict.fromkeys(names, 0.0), *study.points()]
    solved = solve_points(case, points, context, "capacity")
    surface = _surface(study, case, points[1:], solved[1:], solved[0])
    tables = {"surface": surface}
    figures = _figures(surface, solved[0])
    findings = _findings(surface)
    if study.invest is not None:
        tables["decision"], extra = _decide(study, case, surface, points[1:], context)
        figures |= extra
    return Result(
        kind=study.kind,
        title=study.title or f"Capacity and location: {case.study.title}",
        summary=figures,
        data=tables,
        findings=tuple(findings),
        charts=tuple(_charts(study)),
        provenance={
            "base": study.base, "points": len(points), "data_hashes": case.data_hashes, "synthetic": case.synthetic,
            "timing": {"cpu_s": time.process_time() - started},
        },
        study=study.model_dump(mode="json") | {"time": case.study.time.model_dump(mode="json")},
    )  # fmt: skip


def _surface(
    study: CapacityStudy, case: Case, points: list[dict[str, float]], solved: list[Point], none: Point
) -> Table:
    hours = case.env.hours
    boilers = [
        n for n in watched(case) if n not in study.capacities_mw and case.devices[n].type == "electric_boiler"
    ]
    boiler_mw = sum(float(getattr(case.devices[n], "heat_max_mw", 0.0)) for n in boilers)
    yearly = study.invest.decision(1.0).eur_per_unit(hours) if study.invest else 0.0
    rows: dict[str, list[object]] = {c.name: [] for c in SURFACE.columns}
    for sizes, point in zip(points, solved, strict=True):
        used = [n for n, size in sizes.items() if size > 0] or list(sizes)[:1]
        capacity = sum(sizes.values())
        heat = sum(point.heat_mwh[n] for n in sizes)
        boiler_heat = sum(point.heat_mwh[n] for n in boilers)
        rows["device"].append(" + ".join(used) if study.combine == "each" else "all")
        rows["area"].append(" + ".join(str(getattr(case.devices[n], "area", "")) for n in used))
        rows["capacity_mw"].append(capacity)
        rows["cost_eur"].append(point.cost_eur)
        rows["saving_cost_percent"].append(percent(none.cost_eur - point.cost_eur, none.cost_eur))
        rows["saving_fuel_percent"].append(percent(none.fuel_mwh - point.fuel_mwh, none.fuel_mwh))
        rows["noise_percent"].append(percent(max(none.gap_eur, point.gap_eur), none.cost_eur))
        rows["heat_mwh"].append(heat)
        rows["capacity_ratio_share"].append(heat / (capacity * hours) if capacity else 0.0)
        rows["electric_boiler_ratio_share"].append(boiler_heat / (boiler_mw * hours) if boiler_mw else 0.0)
        rows["annuity_eur"].append(yearly * capacity)
        rows["total_eur"].append(point.cost_eur + point.apart_eur + yearly * capacity)
        rows["capacities"].append(", ".join(f"{n} {size:g}" for n, size in sizes.items()))
    return Table(SURFACE, rows)


def _decide(
    study: CapacityStudy, case: Case, surface: Table, points: list[dict[str, float]], context: Context
) -> tuple[Table, dict[str, Figure]]:
    """Let the optimiser choose the capacities, and hold its optimum against the surface."""
    invest = study.invest
    assert invest is not None
    devices = dict(case.devices)
    for name, values in study.capacities_mw.items():
        devices[name] = devices[name].model_copy(update={"heat_max_mw": invest.decision(max(values))})  # type: ignore[attr-defined]
    _, sizes = decide_sizes(case.with_devices(devices), context.progress)
    relaxed = case
    point = HotCase(relaxed.with_devices(_resized(case, sizes))).solve({})
    total = (
        point.cost_eur
        + point.apart_eur
        + sum(invest.decision(1.0).eur_per_unit(case.env.hours) * size for size in sizes.values())
    )
    totals = surface.column("total_eur")
    best = int(totals.argmin())
    names = list(sizes)
    table = Table(
        DECISION,
        {
            "device": names,
            "area": [str(getattr(case.devices[n], "area", "")) for n in names],
            "decided_mw": [sizes[n] for n in names],
            "best_point_mw": [points[best][n] for n in names],
        },
    )
    figures = [
        Figure(
            "decided_total_meur",
            total / 1e6,
            "Cost with the capacities that the optimiser chose, annuity included",
        ),
        Figure(
            "best_point_total_meur", float(totals[best]) / 1e6, "Cost at the cheapest point of the surface"
        ),
        Figure(
            "decision_gain_eur",
            float(totals[best]) - total,
            "How much the decision is below the cheapest point",
        ),
        *(Figure(f"{n}_decided_mw", sizes[n], f"{n}: decided capacity") for n in names),
    ]
    return table, {f.name: f for f in figures}


def _figures(surface: Table, none: Point) -> dict[str, Figure]:
    saving = surface.column("saving_cost_percent")
    best = int(saving.argmax())
    out = [
        Figure("points_count", len(surface), "Points of the surface"),
        Figure("reference_cost_meur", none.cost_eur / 1e6, "Cost without any of the varied devices"),
        Figure("best_saving_cost_percent", float(saving[best]), "Largest saving in cost"),
        Figure("best_saving_capacities", str(surface.column("capacities")[best]), "at the capacities [MW]"),
        Figure(
            "best_saving_fuel_percent",
            float(surface.column("saving_fuel_percent")[best]),
            "Saving in fuel energy there",
        ),
    ]
    return {f.name: f for f in out}


def _findings(surface: Table) -> list[Finding]:
    saving, noise = surface.column("saving_cost_percent"), surface.column("noise_percent")
    weak = int(np.count_nonzero((np.abs(saving) < noise) & (surface.column("capacity_mw") > 0)))
    if not weak:
        return []
    text = f'{weak} points save less than the proven gaps leave open: their savings may be noise. Use mode = "lp".'
    return [Finding("saving_within_noise", "warning", "surface", text, {"points": weak})]


def _charts(study: CapacityStudy) -> list[Chart]:
    shared = {"each": "device", "grid": None}[study.combine]
    charts = [
        Chart(
            name, "line", title, "surface", "capacity_mw", (column,), group=shared, x_label="heat capacity [MW]",
            y_label=label, section="Capacity",
        )
        for name, title, column, label in (
            ("saving_cost", "Saving in cost over capacity", "saving_cost_percent", "saving in cost [%]"),
            ("saving_fuel", "Saving in fuel energy over capacity", "saving_fuel_percent", "saving in fuel energy [%]"),
            ("capacity_ratio", "Use of the heat pumps over capacity", "capacity_ratio_share", "capacity ratio [-]"),
            ("boiler_ratio", "Use of the electric boiler over heat pump capacity", "electric_boiler_ratio_share",
             "capacity ratio [-]"),
        )
    ]  # fmt: skip
    if study.invest is not None:
        charts.append(
            Chart(
                "total", "line", "Cost of operation and annuity over capacity", "surface", "capacity_mw",
                ("total_eur",), group=shared, x_label="heat capacity [MW]", y_label="cost [EUR]", section="Capacity",
            )
        )  # fmt: skip
    return charts


def check(study: CapacityStudy, context: Context) -> list[Finding]:
    """Check a study and the one that it varies, without solving.

    Raises:
        InputError: with every problem of the studies.
        DataError: with every problem of the data.
    """
    return list(_load(study, context).findings)


KIND = Kind(
    name="district-capacity",
    title="Capacity and location of heat pumps: swept over a district study, and as decisions with annuity costs",
    spec=CapacityStudy,
    run=run,
    check=check,
    template=capacity_files,
    tables=lambda: [SURFACE, DECISION],
)
