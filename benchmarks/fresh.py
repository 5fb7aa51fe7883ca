"""What is measured in a process of its own: the peak memory of building a full-year LP, imports and case included."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any


def varme_year() -> Any:
    """Build the year's LP and hand it to HiGHS."""
    from benchmarks.case import east_denmark
    from varme.district.build import build
    from varme.kernel.highs import Solver

    case = east_denmark()
    started = time.process_time()
    model = build(case, case.grid.n).model
    solver = Solver(model.assemble())
    return time.process_time() - started, solver


def linopy_year() -> Any:
    """Build the same with linopy."""
    from benchmarks.case import east_denmark
    from benchmarks.peers import with_linopy
    from benchmarks.peers.system import system_of

    case = east_denmark()
    system = system_of(case, 0, case.grid.n)
    started = time.process_time()
    highs = with_linopy.hand_over(with_linopy.build(system, binary=False))
    return time.process_time() - started, highs


def pypsa_year() -> Any:
    """Build the LP without minimum loads with PyPSA."""
    from benchmarks.case import east_denmark, without_min_load
    from benchmarks.peers import with_pypsa
    from benchmarks.peers.system import system_of

    case = without_min_load(east_denmark())
    system = system_of(case, 0, case.grid.n)
    network = with_pypsa.network(system, committable=False)
    started = time.process_time()
    highs = with_pypsa.hand_over(with_pypsa.build(network, system))
    return time.process_time() - started, highs


TASKS = {"varme-year": varme_year, "linopy-year": linopy_year, "pypsa-year": pypsa_year}


def peak_mb() -> float:
    """Return the process's peak memory.

    ``VmHWM`` where there is one: ``ru_maxrss`` also counts what the parent held when it started this process.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Run one task and print what it took."""
    seconds, highs = TASKS[sys.argv[1]]()
    print(json.dumps({"cpu_s": seconds, "peak_mb": peak_mb()}))
    del highs
    return 0


if __name__ == "__main__":
    sys.exit(main())
