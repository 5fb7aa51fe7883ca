"""The study kind ``district-parameters``: how the saving by heat pumps depends on COP, ramps, stores, prices..."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Literal

from pydantic import Field, model_validator

from varme.components.base import Device
from varme.compute.executor import Executor
from varme.district.base_case import BaseSpec, Point, evaluate, load_base, percent
from varme.district.case import Case, fingerprint
from varme.district.templates import parameters_files
from varme.ground.charts import Chart
from varme.ground.context import Context, Kind
from varme.ground.errors import Collector, InputError
from varme.ground.findings import Finding
from varme.ground.result import Figure, Result
from varme.ground.spec import Spec
from varme.ground.tables import Column, Table, TableSchema


class ParameterSpec(Spec):
    """A parameter and its variations."""

    field: str
    """Field that is varied: of devices (`cop`, `ramp_share_per_h`, `capacity_mwh`...), or `price_eur_per_mwh` of
    fuels."""
    devices: list[str] = Field(default=[])
    """Devices whose field is varied."""
    types: list[str] = Field(default=[])
    """Kinds of devices whose field is varied."""
    fuels: list[str] = Field(default=[])
    """Fuels whose price is varied."""
    factors: list[float] = Field(default=[])
    """Factors on the base value."""
    values: list[float] = Field(default=[])
    """Values instead of the base value."""

    @model_validator(mode="after")
    def _one_of(self) -> ParameterSpec:
        if bool(self.factors) == bool(self.values):
            raise ValueError("P108: give exactly one of factors and values")
        if not (self.devices or self.types or self.fuels):
            raise ValueError("P103: give devices, types or fuels")
        return self


class ParametersStudy(BaseSpec):
    """How the saving by heat pumps depends on parameters, one at a time (the Copenhagen paper's Fig. 6)."""

    kind: Literal["district-parameters"] = "district-parameters"
    """Kind of study."""
    without: list[str] = Field(min_length=1)
    """Devices that the reference case does not have: the heat pumps."""
    parameters: dict[str, ParameterSpec] = Field(min_length=1)
    """Parameters by name."""


PARAMETERS = TableSchema(
    "parameters",
    "Saving over parameters, with both conventions of the base case",
    (
        Column("parameter", "text", "what is varied"),
        Column("variation", "number", "factor or value"),
        Column("cost_eur", "number", "cost with the heat pumps and the parameter varied"),
        Column("reference_eur", "number", "cost without them, the parameter varied too"),
        Column(
            "saving_same_base_percent",
            "number",
            "saving in cost against the reference with the same parameter",
        ),
        Column(
            "saving_original_base_percent",
            "number",
            "saving against the reference with the original parameter",
        ),
        Column("saving_fuel_percent", "number", "saving in fuel energy, same parameter"),
        Column("noise_percent", "number", "what the proven gaps leave open"),
    ),
)


def varied(case: Case, parameter: ParameterSpec, variation: float, where: str) -> Case:
    """Return the case with one parameter varied.

    Raises:
        InputError: P107 if a device or fuel does not exist or has no such field, P101 if the new value is not allowed.
    """
    problems = Collector()
    devices: dict[str, Device] = dict(case.devices)
    inputs = {name: dict(fields) for name, fields in case.env.inputs.items()}
    chosen = [n for n, d in devices.items() if n in parameter.devices or d.type in parameter.types]
    for name in parameter.devices:
        if name not in devices:
            problems.add("P107", f"{where}.devices", "no such device", value=name)
    for kind in parameter.types:
        if kind not in {d.type for d in devices.values()}:
            problems.add("P107", f"{where}.types", "no device of this type", value=kind)
    for name in chosen:
        old = getattr(devices[name], parameter.field, None)
        if parameter.field in inputs.get(name, {}):
            base = inputs[name][parameter.field]
            inputs[name][parameter.field] = base * variation if parameter.factors else variation + 0 * base
        elif isinstance(old, (int, float)) and not isinstance(old, bool):
            new = old * variation if parameter.factors else variation
            fields = devices[name].model_dump() | {parameter.field: new}  # type: ignore[attr-defined]
            try:
                devices[name] = type(devices[name]).model_validate(fields)  # type: ignore[attr-defined]
            except ValueError as error:
                message = str(error).split("\n")[2].strip() if "\n" in str(error) else str(error)
                problems.add("P101", f"{where} on {name}", message, value=new)
        else:
            problems.add(
                "P107", f"{where}.field", f"{name} has no number of this name", value=parameter.field
            )
    fuels = dict(case.env.fuels)
    for name in parameter.fuels:
        if name not in fuels:
            problems.add(
                "P107", f"{where}.fuels", "no such fuel", value=name, limit=f"there are: {', '.join(fuels)}"
            )
            continue
        price, tax, factor = fuels[name]
        fuels[name] = (price * variation if parameter.factors else variation + 0 * price, tax, factor)
    problems.raise_if_any(InputError)
    return replace(case, devices=devices, env=replace(case.env, inputs=inputs, fuels=fuels))


def _cases(study: ParametersStudy, case: Case) -> list[tuple[str, float, Case]]:
    out = []
    problems = Collector()
    for name, parameter in study.parameters.items():
        for variation in parameter.factors or parameter.values:
            try:
                out.append((name, variation, varied(case, parameter, variation, f"parameters.{name}")))
            except InputError as error:
                problems.problems += [p for p in error.problems if p not in problems.problems]
    problems.raise_if_any(InputError)
    return out


def run(study: ParametersStudy, context: Context) -> Result:
    """Run a parameter study.

    Raises:
        VarmeError: for bad input, and if a point has no plan.
    """
    started = time.process_time()
    case, cases = _load(study, context)
    tasks = [case, case.without(study.without)]
    for _, _, changed in cases:
        tasks += [changed, changed.without(study.without)]
    points = _solve(tasks, context, fingerprint(case, repr(study.model_dump(mode="json"))))
    base, original = points[0], points[1]
    rows: dict[str, list[object]] = {c.name: [] for c in PARAMETERS.columns}
    for (name, variation, _), with_them, without in zip(cases, points[2::2], points[3::2], strict=True):
        rows["parameter"].append(name)
        rows["variation"].append(variation)
        rows["cost_eur"].append(with_them.cost_eur)
        rows["reference_eur"].append(without.cost_eur)
        rows["saving_same_base_percent"].append(
            percent(without.cost_eur - with_them.cost_eur, without.cost_eur)
        )
        rows["saving_original_base_percent"].append(
            percent(original.cost_eur - with_them.cost_eur, original.cost_eur)
        )
        rows["saving_fuel_percent"].append(percent(without.fuel_mwh - with_them.fuel_mwh, without.fuel_mwh))
        rows["noise_percent"].append(percent(max(with_them.gap_eur, without.gap_eur), without.cost_eur))
    saving = percent(original.cost_eur - base.cost_eur, original.cost_eur)
    figures = [
        Figure("base_saving_cost_percent", saving, "Saving in cost with the original parameters"),
        Figure("base_cost_meur", base.cost_eur / 1e6, "Cost with the original parameters"),
        Figure("reference_cost_meur", original.cost_eur / 1e6, "Cost without the heat pumps"),
        Figure("points_count", len(cases), "Points"),
    ]
    return Result(
        kind=study.kind,
        title=study.title or f"Parameters: {case.study.title}",
        summary={f.name: f for f in figures},
        data={"parameters": Table(PARAMETERS, rows)},
        findings=tuple(case.findings),
        charts=tuple(_charts(study)),
        provenance={
            "base": study.base, "points": len(tasks), "data_hashes": case.data_hashes, "synthetic": case.synthetic,
            "timing": {"cpu_s": time.process_time() - started},
        },
        study=study.model_dump(mode="json") | {"time": case.study.time.model_dump(mode="json")},
    )  # fmt: skip


def _solve(tasks: list[Case], context: Context, print_: str) -> list[Point]:
    store = context.checkpoints("parameters", print_)
    done: dict[int, Point] = {}
    for number in range(len(tasks)):
        saved = store.load(f"point-{number:05d}") if store else None
        if saved is not None:
            done[number] = Point.from_arrays(saved)
    context.progress.stage("parameters", len(tasks))
    todo = [n for n in range(len(tasks)) if n not in done]
    with Executor(context.jobs) as executor:
        for result in executor.map(evaluate, [tasks[n] for n in todo]):
            number = todo[result.index]
            done[number] = result.get()
            if store:
                store.save(f"point-{number:05d}", done[number].as_arrays())
            context.progress.advance(len(done), {"cost_meur": round(done[number].cost_eur / 1e6, 2)})
    return [done[n] for n in range(len(tasks))]


def _charts(study: ParametersStudy) -> list[Chart]:
    charts = []
    for unit, text in (("factors", "factor on the base value"), ("values", "value")):
        names = tuple(n for n, p in study.parameters.items() if getattr(p, unit))
        for column, base in (
            ("saving_same_base_percent", "same"),
            ("saving_original_base_percent", "original"),
        ):
            if names:
                charts.append(
                    Chart(
                        f"{unit}_{base}_base", "line", f"Saving in cost, reference: {base} parameter",
                        "parameters", "variation", (column,), group="parameter", where={"parameter": names},
                        x_label=text, y_label="saving in cost [%]", section="Parameters",
                        note="Whether the reference case has the varied parameter too changes some signs.",
                    )
                )  # fmt: skip
    return charts


def _load(study: ParametersStudy, context: Context) -> tuple[Case, list[tuple[str, float, Case]]]:
    case = load_base(study, context)
    problems = Collector()
    for name in study.without:
        if name not in case.devices:
            problems.add(
                "P107", "without", "no such device", value=name, limit=f"there are: {', '.join(case.devices)}"
            )
    problems.raise_if_any(InputError, context.source)
    return case, _cases(study, case)


def check(study: ParametersStudy, context: Context) -> list[Finding]:
    """Check a study and the one that it varies, without solving.

    Raises:
        InputError: with every problem of the studies.
        DataError: with every problem of the data.
    """
    return list(_load(study, context)[0].findings)


KIND = Kind(
    name="district-parameters",
    title="How the saving by heat pumps depends on COP, ramps, stores, prices: both base-case conventions",
    spec=ParametersStudy,
    run=run,
    check=check,
    template=parameters_files,
    tables=lambda: [PARAMETERS],
)
