"""The full year as a MILP, rolled by the certified search, beside plain HiGHS on a sample of windows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

from benchmarks.case import KEEP_H, WINDOW_H, east_denmark, solved_as
from benchmarks.measure import cpu_s
from benchmarks.registry import Bar, Line, Options, subject
from varme.district.build import build
from varme.district.operate import dispatch
from varme.kernel.highs import Solver
from varme.kernel.solve import HighsSolve

#: Windows for plain HiGHS: one a season.
SAMPLE = (4, 17, 30, 43)
#: What plain HiGHS is asked for; its time hardly depends on it, the root node takes most.
PLAIN_GAP, PLAIN_LIMIT_S = 1e-3, 120.0


def _year(quality: str, most_s: float, mean_percent: float, worst_percent: float) -> Iterator[Line]:
    case = solved_as(east_denmark(), mode="milp", quality=quality, solver="search")
    seconds, found = cpu_s(partial(dispatch, case))
    gaps = 100 * found.trajectories.column("gap_share")
    violation = found.trajectories.column("violation").max()
    note = f"{len(gaps)} windows, largest violation of any row {violation:.1g}"
    yield Line(
        "roll, every window re-checked", seconds, size=f"quality {quality}", bar=Bar(most_s), note=note
    )
    yield Line("proven gap, mean of the windows", float(gaps.mean()), "%", bar=Bar(mean_percent))
    yield Line("proven gap, worst window", float(gaps.max()), "%", bar=Bar(worst_percent))
    yield Line("proven gap of the whole year", _year_gap_percent(found), "%")


def _year_gap_percent(found: object) -> float:
    operation = found.finish()  # type: ignore[attr-defined]
    return 100 * (operation.cost - operation.year_bound) / operation.cost


@subject("milp-fast", "the full year as a MILP, quality fast", slow=True)
def milp_fast(options: Options) -> Iterator[Line]:
    """Measure the certified search at quality ``fast``."""
    yield from _year("fast", 12.0, 0.5, 1.0)


@subject("milp-precise", "the full year as a MILP, quality precise", slow=True)
def milp_precise(options: Options) -> Iterator[Line]:
    """Measure the certified search at quality ``precise``, and plain HiGHS on a sample of windows."""
    lines = list(_year("precise", 65.0, 0.1, 0.5))
    yield from lines
    seconds, gaps = zip(*(_plain_highs(number) for number in SAMPLE), strict=True)
    windows = len(range(0, east_denmark().grid.n - WINDOW_H + KEEP_H, KEEP_H))
    taken, reached = ", ".join(f"{s:.0f}" for s in seconds), ", ".join(f"{100 * g:.2f}" for g in gaps)
    note = (
        f"scaled from windows {', '.join(map(str, SAMPLE))}: {taken} s, gaps {reached} % "
        f"(asked for {100 * PLAIN_GAP:g} %, at most {PLAIN_LIMIT_S:g} s each)"
    )
    total = sum(seconds) / len(seconds) * windows
    yield Line("roll", lines[0].value, peer="plain HiGHS", peer_value=total, note=note)


def _plain_highs(number: int) -> tuple[float, float]:
    """Return CPU seconds and gap of plain branch and bound on one window, its state before left free."""
    model = build(east_denmark(), WINDOW_H, number * KEEP_H).model
    solver = Solver(model.assemble())
    started = time.process_time()
    answer = HighsSolve(gap_share=PLAIN_GAP, time_limit_s=PLAIN_LIMIT_S)(model, solver)
    return time.process_time() - started, (answer.objective - answer.bound) / answer.objective
