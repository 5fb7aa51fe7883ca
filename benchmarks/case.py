"""The case of all benchmarks: examples/district-east-denmark-2011, read as a user's study is read."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from varme.components.base import CommittedSpec
from varme.district.case import Case, load_case
from varme.district.spec import DistrictStudy, SolveSpec
from varme.ground.context import Context
from varme.ground.spec import parse, read_file
from varme.kernel.model import Arrays

STUDY = Path(__file__).parents[1] / "examples" / "district-east-denmark-2011" / "study.toml"

#: A planning window of the example: a week kept and two days beyond.
WINDOW_H = 216
KEEP_H = 168


@cache
def east_denmark() -> Case:
    """Return the case, over the whole year."""
    study = parse(DistrictStudy, read_file(STUDY), STUDY.name)
    return load_case(study, Context(base=STUDY.parent, source=STUDY.name))


def solved_as(case: Case, **changes: object) -> Case:
    """Return the case with other fields of its ``[solve]`` section."""
    solve = SolveSpec.model_validate({**case.study.solve.model_dump(), **changes})
    return replace(case, study=case.study.model_copy(update={"solve": solve}))


def without_min_load(case: Case) -> Case:
    """Return the case without minimum loads: then a start-aware ramp is the plain ramp that PyPSA and solph have."""
    devices = dict(case.devices)
    for name, device in case.devices.items():
        if isinstance(device, CommittedSpec):
            devices[name] = device.model_copy(update={"min_load_share": 0.0})
    return case.with_devices(devices)


def size_of(arrays: Arrays) -> str:
    """Return ``rows x columns x nonzeros (binaries)``."""
    rows, columns, nonzeros = arrays.shape
    return f"{rows:,} x {columns:,} x {nonzeros:,} ({int(arrays.integer.sum()):,} binaries)"
