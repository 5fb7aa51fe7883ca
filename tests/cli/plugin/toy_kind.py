"""A made-up kind of study, offered as a plug-in: windows of random walks, with checkpoints, slow if asked for."""

import hashlib
import json
import time
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from varme.ground.charts import Chart
from varme.ground.context import Kind
from varme.ground.errors import ModelError, Problem
from varme.ground.findings import Finding
from varme.ground.result import Figure, Result
from varme.ground.size import Decision
from varme.ground.spec import Spec
from varme.ground.tables import Column, Table, TableSchema


class Part(Spec):
    """A part."""

    type: Literal["part"] = "part"
    """Type."""
    heat_max_mw: float | Decision = Field(default=10.0)
    """Largest heat output [MW]."""
    label: str = ""
    """Name in charts."""


class Other(Spec):
    """Another part."""

    type: Literal["other"]
    """Type."""
    power_max_mw: float = Field(default=10.0, gt=0)
    """Largest power [MW]."""


class Solve(Spec):
    """How it is solved."""

    mode: Literal["lp", "milp"] = "milp"
    """Kind of model."""
    quality: Literal["fast", "precise"] = "fast"
    """How good."""
    sleep_s: float = Field(default=0.0, ge=0)
    """Time per window [s]."""


class Toy(Spec):
    """A made-up study."""

    kind: Literal["toy"] = "toy"
    """Kind of study."""
    title: str = "Toy"
    """Title."""
    start: str = "2011-01-01"
    """First day, as text."""
    windows: int = Field(default=5, ge=1)
    """Windows."""
    fail_above: float = 1e9
    """Heat from which the model has no answer."""
    bug: bool = False
    """Raise an unexpected error."""
    solve: Solve = Solve()
    """How it is solved."""
    fuels: dict[str, float] = Field(default={"gas": 1.0})
    """Prices by name."""
    devices: dict[str, Annotated[Part | Other, Field(discriminator="type")]] = Field(default={})
    """Devices by name."""
    rows: list[Part] = Field(default=[])
    """Parts in a list."""


SCHEMA = TableSchema(
    "trace",
    "A trace",
    (
        Column("time", "time", "start of the interval"),
        Column("unit", "text", "unit"),
        Column("heat_mw", "number", "heat"),
        Column("on", "flag", "whether it runs"),
    ),
)


def heat_of(study):
    heat = 0.0
    for device in study.devices.values():
        size = getattr(device, "heat_max_mw", 0.0)
        heat += size if isinstance(size, float) else size.max
    return heat


def run(study, context):
    if study.bug:
        raise RuntimeError("oh dear")
    heat = heat_of(study)
    if heat > study.fail_above:
        raise ModelError(
            Problem("P301", "heat:toy", f"short by {heat - study.fail_above:g} MW"), context.source
        )
    label = hashlib.sha256(json.dumps(study.model_dump(mode="json")).encode()).hexdigest()
    store = context.checkpoints("toy", label)
    context.progress.stage("windows", study.windows)
    parts = []
    for number in range(study.windows):
        part = store.load(f"w{number}") if store else None
        if part is None:
            time.sleep(study.solve.sleep_s)
            part = {"heat_mw": np.random.default_rng(number).normal(heat, 1.0, 24)}
            if store:
                store.save(f"w{number}", part)
        parts.append(part["heat_mw"])
        context.progress.advance(number + 1, {"cost_eur": 1e5 * (number + 1), "gap_share": 0.001})
    values = np.concatenate(parts)
    n = len(values)
    times = np.datetime64("2011-01-01", "s") + np.arange(n) * np.timedelta64(3600, "s")
    table = Table(SCHEMA, {"time": times, "unit": ["A"] * n, "heat_mw": values, "on": values > heat})
    figures = [
        Figure("cost_eur", float(values.sum()), "Cost of operation"),
        Figure("heat_mean_mw", float(values.mean()), "Mean heat", band=(0.0, 5.0), reference="nobody"),
        Figure("gap_share", 0.001, "Gap"),
        Figure("mode", study.solve.mode, "Mode"),
    ]
    return Result(
        kind="toy",
        title=study.title,
        summary={f.name: f for f in figures},
        data={"trace": table},
        findings=(Finding("made_up", "warning", "devices", "Everything here is made up.", {}),),
        charts=(Chart("trace", "line", "A trace", "trace", "time", ("heat_mw",)),),
        provenance={"seed": 1, "timing": {"cpu_s": time.process_time()}},
    )


def check(study, context):
    return [Finding("checked", "note", "", f"{study.windows} windows.", {})]


def write_model(study, context, folder, suffix):
    path = folder / f"model.{suffix}"
    path.write_text(f"{study.windows} windows from {context.base.name}\n")
    return [path]


KIND = Kind("toy", "A made-up study", Toy, run, check, write_model, tables=lambda: [SCHEMA])
