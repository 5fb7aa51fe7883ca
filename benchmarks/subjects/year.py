"""The full year as an LP: built in one piece, and operated window by window."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.case import KEEP_H, WINDOW_H, east_denmark, size_of, solved_as, without_min_load
from benchmarks.measure import cpu_s, in_fresh_process, installed, median_cpu_s
from benchmarks.registry import Bar, Line, Options, subject
from varme.district.build import build
from varme.district.operate import dispatch
from varme.kernel.highs import Solver


@subject("year-build", "the full year as one LP, built and handed to HiGHS")
def year_build(options: Options) -> Iterator[Line]:
    """Measure CPU time and peak memory; peers in fresh processes, once each."""
    case = east_denmark()

    def ours() -> Solver:
        return Solver(build(case, case.grid.n).model.assemble())

    size = size_of(ours().arrays)
    value = median_cpu_s(ours, options.repeats)
    memory = in_fresh_process("varme-year")["peak_mb"]
    yield Line("build and pass", value, size=size, bar=Bar(0.4))
    yield Line("peak memory of the process", memory, "MB", bar=Bar(260))
    for peer, factor in (("linopy", 4.0), ("pypsa", 10.0)):
        found: dict[str, float] = {}
        if installed(peer) and not options.quick:
            found = in_fresh_process(f"{peer}-year")
        note = "" if found else ("not measured with --quick" if options.quick else "not installed")
        bar = Bar(factor, "faster") if found or not options.quick else None
        yield Line("build and pass", value, peer=peer, peer_value=found.get("cpu_s"), bar=bar, note=note)
        yield Line("peak memory of the process", memory, "MB", peer=peer, peer_value=found.get("peak_mb"))


@subject("year-rolling", "the full year as an LP, 52 windows of 168 + 48 h")
def year_rolling(options: Options) -> Iterator[Line]:
    """Measure the rolling, every window re-checked, beside PyPSA's rolling horizon on a sample of windows."""
    case = solved_as(east_denmark(), mode="lp")
    repeats = [cpu_s(partial(dispatch, case)) for _ in range(1 if options.quick else 3)]
    value, dispatched = sorted(repeats, key=lambda item: item[0])[len(repeats) // 2]
    extra, found = cpu_s(dispatched.finish)
    windows = len(found.trajectories.records)
    worst = found.trajectories.column("violation").max()
    iterations = found.trajectories.column("iterations").sum()
    note = f"{iterations:,.0f} simplex iterations, cost {found.cost:,.0f} EUR, largest violation {worst:.1g}"
    yield Line("roll, every window re-checked", value, size=f"{windows} windows", bar=Bar(4.0), note=note)
    share = found.cost / found.year_bound - 1
    note = f"cost {share:.4%} above the proven bound of the whole year"
    yield Line("then: bound of the whole year", extra, note=note)
    if not installed("pypsa"):
        yield Line("roll", value, peer="pypsa", bar=Bar(15, "faster"), note="not installed")
        return
    per_window, count = _pypsa_windows(quick=options.quick)
    note = f"scaled from {count} windows, {per_window:.2f} s each; LP with plain ramps"
    yield Line("roll", value, peer="pypsa", peer_value=per_window * windows, bar=Bar(15, "faster"), note=note)


def _pypsa_windows(*, quick: bool) -> tuple[float, int]:
    """Return PyPSA's CPU seconds per window of its rolling horizon, over windows of winter and summer."""
    from benchmarks.peers import with_pypsa
    from benchmarks.peers.system import system_of

    case = without_min_load(east_denmark())
    windows = 2 if quick else 4
    total = 0.0
    for first in (0, case.grid.n // 2):
        system = system_of(case, first, WINDOW_H + KEEP_H * (windows - 1))
        network = with_pypsa.network(system, committable=False)
        total += cpu_s(partial(with_pypsa.roll, network, system, WINDOW_H, WINDOW_H - KEEP_H))[0]
    return total / (2 * windows), 2 * windows
