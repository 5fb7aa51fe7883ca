"""One planning window as a MILP: built and handed over, and moved on to the next by changing numbers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.case import KEEP_H, WINDOW_H, east_denmark, size_of
from benchmarks.measure import installed, median_cpu_s
from benchmarks.registry import Bar, Line, Options, subject
from varme.district.build import build, initial_state
from varme.kernel.highs import Solver


@subject("window", "a 216-h MILP window, built and handed to HiGHS")
def window(options: Options) -> Iterator[Line]:
    """Measure building and passing, beside peers that build the same window (start-aware ramps, binaries)."""
    case = east_denmark()

    def ours() -> Solver:
        return Solver(build(case, WINDOW_H).model.assemble())

    value = median_cpu_s(ours, max(20, options.repeats))
    yield Line("build and pass", value, size=size_of(ours().arrays), bar=Bar(0.015))
    peers = {"linopy": (_linopy, 30.0), "pypsa": (_pypsa, 100.0), "oemof.solph": (_solph, 100.0)}
    for peer, (measure, factor) in peers.items():
        if installed(peer):
            seconds, note = measure(options)
        else:
            seconds, note = None, "not installed"
        yield Line(
            "build and pass", value, peer=peer, peer_value=seconds, bar=Bar(factor, "faster"), note=note
        )


def _linopy(options: Options) -> tuple[float, str]:
    from benchmarks.peers import with_linopy
    from benchmarks.peers.system import system_of

    system = system_of(east_denmark(), 0, WINDOW_H)
    action = lambda: with_linopy.hand_over(with_linopy.build(system, binary=True))  # noqa: E731
    return median_cpu_s(action, options.repeats), ""


def _pypsa(options: Options) -> tuple[float, str]:
    from benchmarks.peers import with_pypsa
    from benchmarks.peers.system import system_of

    system = system_of(east_denmark(), 0, WINDOW_H)
    network = with_pypsa.network(system, committable=True)
    action = lambda: with_pypsa.hand_over(with_pypsa.build(network, system))  # noqa: E731
    return median_cpu_s(action, options.repeats), "making the network itself (Network.add) is not counted"


def _solph(options: Options) -> tuple[float, str]:
    from benchmarks.peers import with_solph
    from benchmarks.peers.system import system_of

    system = system_of(east_denmark(), 0, WINDOW_H)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "window.lp"

        def action() -> None:
            model = with_solph.build(with_solph.energy_system(system, nonconvex=True), system, nonconvex=True)
            with_solph.write(model, path)

        return median_cpu_s(action, options.repeats), "its LP file is written, not yet read by the solver"


@subject("next-window", "the next window, by changing numbers")
def next_window(options: Options) -> Iterator[Line]:
    """Measure moving on: series, state and the hand-over to HiGHS, without the basis and the solve."""
    case = east_denmark()
    model = build(case, WINDOW_H).model
    solver = Solver(model.assemble())
    state = {name: values for name, values in initial_state(case).items() if name in model.vars}
    state |= {v.name: np.zeros(v.history) for v in model.vars.values() if v.history and v.name not in state}
    position = [0]

    def ours() -> None:
        position[0] = (position[0] + KEEP_H) % (case.grid.n - WINDOW_H)
        model.move(position[0])
        for name, values in state.items():
            var = model.vars[name]
            model.set_history(var, np.resize(values, var.history))
        solver.push(model)

    value = 1000 * median_cpu_s(ours, 5 * options.repeats)
    yield Line("move, hand over state, push", value, "ms", size=size_of(solver.arrays), bar=Bar(1.0))
