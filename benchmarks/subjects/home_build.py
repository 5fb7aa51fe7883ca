"""A home's model built and handed to HiGHS: by varme, cvxpy, Pyomo and linopy, and whether the optima agree."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.home_parity import build, draw_case, folder
from benchmarks.measure import installed, median_cpu_s, silence
from benchmarks.peers import emhass_peer, home_models
from benchmarks.registry import Bar, Line, Options, subject
from varme.kernel.highs import Solver

#: The home that is built: modulating, a seed that development did not use.
SEED = 100_000
#: Peer -> how many times faster varme must be.
BARS = {"cvxpy": 5.0, "Pyomo": 30.0, "linopy": 30.0}


@subject("home-build", "a home's MILP built and handed to HiGHS, beside modelling languages")
def home_build(options: Options) -> Iterator[Line]:
    """Measure building and passing the same matrix, and compare the optima."""
    python = emhass_peer.environment(folder())
    optima: list[float] = []
    for hours, step in ((24, 15), (48, 15)):
        case = draw_case(SEED, hours, step)
        home = case.as_json()

        def ours(case=case) -> Solver:
            arrays = build(case).arrays
            assert arrays is not None
            return Solver(arrays)

        value = median_cpu_s(ours, 4 * options.repeats)
        solver = ours()
        first = f"{solver.arrays.shape[0]} x {solver.arrays.shape[1]}"
        if hours == 24:
            with silence():
                optima.append(home_models.optimum(solver.highs))
        for peer, factor in BARS.items():
            found, note = None, "not installed"
            if peer == "linopy" and installed("linopy"):
                with silence():
                    found, note = home_models.measure(peer, home, options.repeats), ""
            elif peer != "linopy" and python is not None:
                found, note = home_models.in_environment(str(python), peer, home, options.repeats), ""
            if found is not None and hours == 24:
                optima.append(found["optimum"])
            yield Line(
                f"{hours} h / {step} min", value, size=first, peer=peer, bar=Bar(factor, "faster"), note=note,
                peer_value=None if found is None else found["seconds"],
            )  # fmt: skip
            first = ""
    apart = max(optima) - min(optima)
    note = f"{len(optima)} optima, {optima[0]:.6f} cent; all solved to 1e-9"
    yield Line("optima differ by", apart / max(abs(optima[0]), 1e-9), "share", bar=Bar(1e-6), note=note)
