"""The study kind ``home-learn``: read what was measured, learn, report, and hand the house over."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from varme.components.house import House
from varme.data.series import load_series
from varme.ground.context import Context, Kind
from varme.ground.errors import Collector, DataError, InputError
from varme.ground.findings import Finding
from varme.ground.result import Figure, Result
from varme.ground.tables import TableSchema
from varme.ground.units import unit_of
from varme.home.case import HomeCase, load_case
from varme.home.learn.learning import Learnt, learn
from varme.home.learn.spec import HomeLearnStudy, MeasuredSpec
from varme.home.learn.tables import (
    FIT,
    LEARNT,
    PROFILES,
    fit_table,
    learnt_charts,
    learnt_findings,
    learnt_table,
    profiles_table,
)
from varme.home.learn.template import learn_files

#: Limits of measured values by unit.
LIMITS = {"c": (-60.0, 110.0), "kw": (-200.0, 200.0), "kwh": (-1.0, 2000.0)}

#: Parameter -> what it is, for people.
MEANINGS = {
    "heat_loss_w_per_k": "Heat loss of the house",
    "capacity_kwh_per_k": "Heat capacity of the house",
    "room_capacity_share": "Share of it in air and furniture",
    "coupling_ratio": "Coupling of room and walls, over the heat loss",
    "solar_aperture_m2": "Solar aperture",
    "gains_kw": "Gains of people and appliances",
    "spf": "SPF over the record",
    "cop_level_ratio": "COP over that of the map",
    "electricity_w_per_k": "Electricity per kelvin of cold",
    "balance_c": "Outdoor temperature at which heating begins",
    "loss_w_per_k": "Standing loss of the tank",
    "draw_kwh_per_day": "Hot water drawn",
    "round_trip_share": "Round trip of the battery",
    "battery_standing_w": "Standing loss of the battery",
    "pv_level_ratio": "PV over its model",
}


def load_measured(
    study: HomeLearnStudy, case: HomeCase, context: Context
) -> tuple[dict[str, NDArray[np.float64]], list[Finding], dict[str, str]]:
    """Read what was measured: field -> values (NaN where missing), findings, hashes.

    Raises:
        InputError: P103 if nothing was measured.
        DataError: with every problem of the files.
    """
    problems = Collector()
    values: dict[str, NDArray[np.float64]] = {}
    findings: list[Finding] = []
    hashes: dict[str, str] = {}
    for name in MeasuredSpec.model_fields:
        spec = getattr(study.measured, name)
        if spec is None:
            continue
        unit = unit_of(name) or ""
        low, high = LIMITS[unit]
        where = f"measured.{name}"
        try:
            loaded = load_series(
                spec, case.grid, base=context.base, quantity_unit=unit, where=where, minimum=low, maximum=high,
                may_miss=True,
            )  # fmt: skip
        except DataError as error:
            problems.problems += error.problems
            continue
        values[name] = loaded.values
        findings += [f for f in loaded.findings if f not in findings]
        hashes[where] = hashlib.sha256(np.ascontiguousarray(loaded.values).tobytes()).hexdigest()
    if not values and not len(problems):
        remedy = "Give at least measured.room_c and measured.heat_kw or measured.heat_pump_kw."
        problems.add("P103", "measured", "nothing was measured, so nothing can be learnt", remedy=remedy)
        raise InputError(problems.problems, context.source)
    if len(problems):
        raise DataError(problems.problems, context.source)
    return values, findings, hashes


def check(study: HomeLearnStudy, context: Context) -> list[Finding]:
    """Check a study and its data without learning.

    Raises:
        InputError: with every problem of the study.
        DataError: with every problem of the data.
    """
    case = load_case(study, context)
    return [*case.findings, *load_measured(study, case, context)[1]]


def run(study: HomeLearnStudy, context: Context) -> Result:
    """Learn what the record tells.

    Raises:
        VarmeError: as :func:`check`.
    """
    started = time.process_time()
    case = load_case(study, context)
    values, told, hashes = load_measured(study, case, context)
    learnt = learn(study, case.plant, values)
    made = [learnt_table(learnt), profiles_table(learnt)]
    if learnt.house is not None:
        made.append(fit_table(learnt, case.grid))
    summary = figures(learnt)
    return Result(
        kind=study.kind,
        title=study.title or "What a home is, from what was measured",
        summary={f.name: f for f in summary},
        data={table.schema.name: table for table in made},
        findings=(*case.findings, *told, *learnt_findings(learnt)),
        charts=tuple(learnt_charts(learnt)),
        provenance={
            "data_hashes": case.data_hashes | hashes,
            "seed": study.learn.seed,
            "timing": {"cpu_s": round(time.process_time() - started, 2)},
        },
        study=study.model_dump(mode="json"),
    )


def figures(learnt: Learnt) -> list[Figure]:
    """Return the summary: value and interval of all that can be told, and what cannot."""
    out = []
    for estimate in learnt.estimates:
        if estimate.verdict == "not identifiable":
            out.append(Figure(estimate.name, None, f"{MEANINGS[estimate.name]}: not identifiable"))
            continue
        low, high, unit = estimate.low, estimate.high, ""
        if estimate.name.endswith("_share"):
            low, high, unit = 100 * low, 100 * high, " %"
        text = f"{MEANINGS[estimate.name]}: {estimate.verdict}, {low:.4g} to {high:.4g}{unit}"
        out.append(Figure(estimate.name, estimate.value, text))
    return out


def device_text(result: Result) -> str:
    """Return the learnt home as sections of a study file, for ``varme export --device``.

    What was identified is written, and what the study states of the house beside it, so that the house that is planned
    is the one that was learnt; the rest stands as comments with what it would take.
    """
    table = result.data["learnt"]
    rows = {
        str(table.column("parameter")[i]): {
            key: table.column(key)[i] for key in ("value", "low", "high", "verdict", "need")
        }
        for i in range(len(table))
    }
    sections = {
        "house": (
            "heat_loss_w_per_k",
            "capacity_kwh_per_k",
            "room_capacity_share",
            "coupling_ratio",
            "solar_aperture_m2",
            "gains_kw",
        ),
        "hot_water": ("loss_w_per_k",),
        "battery": ("round_trip_share",),
    }
    lines = [f"# Learnt by varme: {result.title}"]
    for section, names in sections.items():
        body = []
        for name in names:
            row = rows.get(name)
            if row is None:
                continue
            if row["verdict"] == "not identifiable":
                body.append(f"# {FIELD_OF.get(name, name)}: not identifiable; it takes {row['need']}")
            else:
                width = f"{row['low']:.4g} to {row['high']:.4g}"
                body.append(f"{FIELD_OF.get(name, name)} = {row['value']:.4g}  # {row['verdict']}, {width}")
        if section == "house":
            body += _stated_house(result, [line.split(" ")[0] for line in body])
        if body:
            lines += ["", f"[{section}]", *body]
    return "\n".join(lines) + "\n"


#: Learnt parameter -> field of the house, where they differ.
FIELD_OF = {"gains_kw": "internal_gains_kw"}
#: Fields of a house that say the heat loss in another way: what was measured says it better.
INSTEAD_OF_LOSS = ("built_year", "heat_demand_kwh_th", "degree_days_k_days")


def _stated_house(result: Result, learnt_names: Sequence[str]) -> list[str]:
    """Return the lines of a house that the study states and that were not learnt: kind of emitters, comfort..."""
    stated = result.study.get("house")
    if not isinstance(stated, dict):
        return []
    usual, lines = House().model_dump(mode="json"), []
    for name, value in stated.items():
        if name in learnt_names or name in INSTEAD_OF_LOSS or value == usual.get(name):
            continue
        if isinstance(value, (str, int, float)):
            lines.append(f"{name} = {json.dumps(value)}")
        else:
            lines.append(f"# {name}: as in the study")
    return lines


def schemas() -> list[TableSchema]:
    """Return the schemas of all tables of a result."""
    return [LEARNT, FIT, PROFILES]


KIND = Kind(
    name="home-learn",
    title="What a house, its heat pump, tank and battery are, from what was measured",
    spec=HomeLearnStudy,
    run=run,
    check=check,
    template=learn_files,
    tables=schemas,
    device=device_text,
)
