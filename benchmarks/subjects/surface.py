"""The capacity study: how the cost of January depends on the capacities of both heat pumps."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.case import STUDY
from benchmarks.measure import cpu_s
from benchmarks.registry import Bar, Line, Options, subject
from varme.district.capacity import CapacityStudy, run
from varme.ground.context import Context
from varme.ground.spec import parse


@subject("surface", "100-point capacity surface of January, LP", slow=True)
def surface(options: Options) -> Iterator[Line]:
    """Measure the study as ``varme run`` does it: series, model, 10 x 10 points, and the one without heat pumps."""
    capacities = {
        "HP1": np.linspace(0, 600, 10).round(1).tolist(),
        "HP2": np.linspace(0, 300, 10).round(1).tolist(),
    }
    data = {
        "kind": "district-capacity", "base": STUDY.name, "start": "2011-01-01", "end": "2011-02-01", "mode": "lp",
        "combine": "grid", "capacities_mw": capacities,
    }  # fmt: skip
    study = parse(CapacityStudy, data, "benchmark")
    seconds, result = cpu_s(partial(run, study, Context(base=STUDY.parent, source="benchmark")))
    saving = result.tables["surface"]["saving_cost_percent"]
    note = f"{len(saving)} points, cost saving up to {max(saving):.2f} %"
    yield Line("study, start to end", seconds, size="744 h", bar=Bar(12.0), note=note)
