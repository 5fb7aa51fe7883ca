"""A fleet: 10,000 homes planned day-ahead, 24 h in quarter-hours, with envelopes; a feeder's limit kept by prices."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterator

import numpy as np

from benchmarks.measure import silence
from benchmarks.registry import Bar, Line, Options, subject
from varme.ground.context import Context
from varme.home.fleet.chunk import Planned, joined, plan_chunk
from varme.home.fleet.coordinate import coordinate, kept_chunks
from varme.home.fleet.run import chunks_of
from varme.home.fleet.spec import FeederSpec, FleetStudy
from varme.home.fleet.study import homes_of
from varme.home.fleet.tables import gap_shares
from varme.home.fleet.templates import fleet_files

#: Homes of the whole measurement, and of a quick one, whose time is scaled.
WHOLE, SAMPLE = 10_000, 500
#: Homes behind the feeder.
FEEDER = 60
#: Seed of what is reported; development uses seeds below 1000.
SEED = 100_181
#: CPU seconds of 120 s on two cores.
LIMIT_S = 240.0


def study_of(homes: int) -> FleetStudy:
    """Return the template's fleet with another number of homes and the reporting seed."""
    data = tomllib.loads(fleet_files()["study.toml"])
    data["population"] = {"homes_count": homes, "seed": SEED}
    data["synthetic"]["seed"] = SEED
    return FleetStudy(**data)


@subject("fleet", "10,000 homes day-ahead, 24 h / 15 min, certified, with flexibility envelopes", slow=True)
def fleet(options: Options) -> Iterator[Line]:
    """Measure CPU time of a fleet: compiling, planning, certifying and the envelopes of four durations."""
    count = SAMPLE if options.quick else WHOLE
    study = study_of(count)
    with silence():
        started = time.process_time()
        homes = homes_of(study, Context())
        chunks = list(chunks_of(study, homes, Context()))
        planned = joined([Planned.from_arrays(plan_chunk(c)) for c in chunks])
        seconds = time.process_time() - started
    scaled = seconds * WHOLE / count
    note = "240 CPU s are 120 s on 2 cores"
    if count < WHOLE:
        note = f"measured on {count} homes, scaled to {WHOLE}; {note}"
    yield Line("10,000 homes", scaled, size=f"{WHOLE} homes", bar=Bar(LIMIT_S), note=note)
    each = planned.figure("plan_cpu_s") * 1e3
    yield Line("a home, median", float(np.median(each)), "ms")
    yield Line("a home, 95 %", float(np.quantile(each, 0.95)), "ms")
    gaps, shares = planned.figure("gap_cent"), gap_shares(planned) * 100
    yield Line("gap, median", float(np.median(shares)), "%", note=f"{np.median(gaps):.1f} ct")
    yield Line("gap, 95 %", float(np.quantile(shares, 0.95)), "%", note=f"{np.quantile(gaps, 0.95):.1f} ct")
    yield Line("homes without a plan", float(len(planned.failed)), "", bar=Bar(0.0))
    yield from _feeder()


def _feeder() -> Iterator[Line]:
    """Measure the coordination of a small feeder at 40 % of its uncoordinated peak."""
    study = study_of(FEEDER)
    homes = homes_of(study, Context())
    chunks = list(chunks_of(study, homes, Context()))
    planned = joined([Planned.from_arrays(plan_chunk(c)) for c in chunks])
    net = (planned.power("import") - planned.power("export")).sum(axis=0)
    spec = FeederSpec(import_max_kw=0.4 * float(net.max()), compare_equal_caps=False)
    with silence():
        started = time.process_time()
        done = coordinate(kept_chunks(chunks, planned.index), planned, spec, 0.25, Context())
        seconds = time.process_time() - started
    share = 100 * done.gap_cent / abs(float(done.objective_cent.sum()))
    own = 100 * float(planned.figure("gap_cent").sum()) / abs(float(planned.figure("objective_cent").sum()))
    yield Line(
        f"feeder of {FEEDER} homes, limit at 40 % of the peak", seconds, note=f"{len(done.steps)} rounds"
    )
    yield Line("feeder: gap of the coordinated plans", share, "%", note=f"{own:.2f} % without a limit")
    yield Line("feeder: limit exceeded by", float(np.abs(done.excess_kw).max()), "kW")
