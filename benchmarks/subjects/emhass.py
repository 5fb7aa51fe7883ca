"""The same home planned by EMHASS 0.18 and by varme: modulating, and strictly on or off."""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.home_parity import Parity, draw_case, folder, lean
from benchmarks.home_plant import planned
from benchmarks.measure import silence
from benchmarks.peers import emhass_peer
from benchmarks.registry import Bar, Line, Options, subject
from varme.kernel.highs import Solver
from varme.kernel.model import Floats
from varme.kernel.switched import LP_OPTIONS, Limits, Switched, plan

#: First seed of the homes that are reported; development used seeds below 1000.
FIRST_SEED = 100_000
#: Re-solves with nearly the same data: EMHASS's own best case. The load is scaled by these factors.
WARM = 3
Case = tuple[int, int, bool, float]


@functools.cache
def _python() -> str | None:
    found = emhass_peer.environment(folder())
    return None if found is None else str(found)


def _limits(gap: float, *, strict: bool) -> Limits:
    """Return how far varme goes: a pump at one power has its bound, and so its gap, from branch and bound."""
    if strict:
        return Limits(gap_share=gap, stages=(8,), moves=0, time_limit_s=600.0)
    return Limits(gap_share=gap, time_limit_s=600.0)


def cold(case: Parity, gap: float) -> tuple[float, Switched]:
    """Return CPU seconds from numbers to plan, and the plan."""
    began = time.process_time()
    model, modes, start = lean(case)
    assert model.arrays is not None
    found = plan(model.arrays, modes, _limits(gap, strict=case.strict), start=start)
    return time.process_time() - began, found


def warm(case: Parity, gap: float) -> list[float]:
    """Return CPU seconds of re-solves: only the load has changed, the basis and the last pattern are kept."""
    model, modes, start = lean(case)
    assert model.arrays is not None
    arrays, limits = model.arrays, _limits(gap, strict=case.strict)
    solver = Solver(arrays, **LP_OPTIONS)
    before = plan(arrays, modes, limits, start=start, hot=solver)
    rows, seconds = model.rows["electricity"], []
    for number in range(WARM):
        began = time.process_time()
        demand = case.load * (1.0 + 0.005 * (number + 1)) - case.pv
        model.set_limits(rows, lower=demand, upper=demand)
        solver.push(model)
        before = plan(arrays, modes, limits, hot=solver, first=[before.pattern])
        seconds.append(time.process_time() - began)
    return seconds


def _cases(hours: int, step_min: int, count: int, *, strict: bool = False) -> list[Parity]:
    seeds = range(FIRST_SEED, FIRST_SEED + count)
    return [draw_case(seed, hours, step_min, strict=strict) for seed in seeds]


def _theirs(cases: list[Parity], gap: float, again: int) -> list[dict[str, Any]]:
    python = _python()
    if python is None:
        return []
    return emhass_peer.plan(python, [c.as_json() for c in cases], gap=gap, warm=again, limit_s=900.0)


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


def _note(cases: list[Parity], ours: list[tuple[float, Switched]], theirs: list[dict[str, Any]]) -> str:
    gaps: Floats = np.array([found.gap_share for _, found in ours])
    times = np.array([seconds for seconds, _ in ours])
    text = f"{len(cases)} homes; gap median {100 * np.median(gaps):.2f} %, largest {100 * gaps.max():.2f} %"
    text += f"; slowest {times.max():.2f} s"
    if not theirs:
        return text + "; EMHASS not installed"
    apart = [100 * (t["cent"] / o.objective - 1) for t, (_, o) in zip(theirs, ours, strict=False)]
    text += f"; EMHASS {len(theirs)} homes, {min(t['cold_s'] for t in theirs):.2f}-"
    text += (
        f"{max(t['cold_s'] for t in theirs):.2f} s, its cost {min(apart):+.2f} to {max(apart):+.2f} % of ours"
    )
    rows, columns, whole = (theirs[0][k] for k in ("rows", "columns", "binaries"))
    return text + f" ({rows} x {columns}, {whole} binaries)"


def _size(case: Parity) -> str:
    arrays = lean(case)[0].arrays
    assert arrays is not None
    return f"{arrays.shape[0]} x {arrays.shape[1]}"


@subject("emhass", "the home that EMHASS 0.18 plans too: day and two days, modulating", slow=True)
def modulating(options: Options) -> Iterator[Line]:
    """Measure plans at a gap of 1 %, cold and warm, and whether both find the same optimum."""
    yield _agreement(options)
    day = ((24, 30, 20, 20), (24, 15, 20, 20), (48, 15, 20, 10), (48, 5, 20, 3))
    for hours, step, count, peer_count in day:
        if options.quick:
            count, peer_count = 5, min(peer_count, 2)
        cases = _cases(hours, step, count)
        with silence():
            cold(draw_case(1, hours, step), 0.01)
            ours = [cold(case, 0.01) for case in cases]
        again = WARM if (hours, step) == (24, 15) else 0
        theirs = _theirs(cases[:peer_count], 0.01, again)
        name, bar = f"{hours} h / {step} min", {(24, 15): 15.0, (48, 5): 50.0}.get((hours, step))
        yield Line(
            f"{name}, cold", _median([s for s, _ in ours]), size=_size(cases[0]), peer="EMHASS",
            peer_value=_median([t["cold_s"] for t in theirs]), bar=Bar(bar, "faster") if bar else None,
            note=_note(cases, ours, theirs),
        )  # fmt: skip
        if not again:
            continue
        yield _product(cases, theirs)
        with silence():
            mine = [s for case in cases for s in warm(case, 0.01)]
        peer = _median([s for t in theirs for s in t["warm_s"]])
        hot = f"both warm: the load changes by 0.5 % a time; varme 90 % within {np.quantile(mine, 0.9):.3f} s"
        yield Line(
            f"{name}, re-solved",
            _median(mine),
            peer="EMHASS",
            peer_value=peer,
            bar=Bar(3.0, "faster"),
            note=hot,
        )
        cool = "varme cold against EMHASS's re-solve"
        yield Line(
            f"{name}, re-solved", _median([s for s, _ in ours]), peer="EMHASS", peer_value=peer, note=cool
        )


def _product(cases: list[Parity], theirs: list[dict[str, Any]]) -> Line:
    """Measure the product's planner on the same home as a plant of varme's components."""
    seconds, gaps = [], []
    with silence():
        planned(draw_case(1, 24, 15), 0.01)
        for case in cases:
            began = time.process_time()
            planner = planned(case, 0.01)
            seconds.append(time.process_time() - began)
            if planner.best is not None:
                gaps.append(100 * (1 - planner.bound / planner.best.objective))
    note = f"`home.schedule` on a plant of our components; plans for {len(gaps)} of {len(cases)}"
    note += f"; gap median {np.median(gaps):.2f} %, largest {max(gaps):.2f} %" if gaps else ""
    peer = _median([t["cold_s"] for t in theirs])
    return Line(
        "24 h / 15 min, the product's planner", _median(seconds), peer="EMHASS", peer_value=peer, note=note
    )


def _agreement(options: Options) -> Line:
    """Solve small homes to a tight gap on both sides; the largest relative difference of the optima."""
    cases = _cases(24, 30, 2 if options.quick else 4)
    theirs = _theirs(cases, 1e-5, 0)
    with silence():
        ours = [cold(case, 1e-5)[1] for case in cases[: len(theirs)]]
    apart = [abs(t["cent"] / o.objective - 1) for t, o in zip(theirs, ours, strict=True)]
    note = f"{len(apart)} homes at 24 h / 30 min, both to a gap of 1e-5" if apart else "EMHASS not installed"
    return Line("optima differ by", max(apart) if apart else None, "share", bar=Bar(1e-4), note=note)


@subject("emhass-on-off", "the same home, heat pump at full power or off", slow=True)
def on_off(options: Options) -> Iterator[Line]:
    """Measure plans certified to 0.5 %, with the counts of packets and without them, beside EMHASS."""
    count, peer_count = (4, 1) if options.quick else (20, 4)
    cases = _cases(24, 15, count, strict=True)
    with silence():
        cold(draw_case(1, 24, 15, strict=True), 0.005)
        ours = [cold(case, 0.005) for case in cases]
    theirs = _theirs(cases[:peer_count], 0.01, 0)
    note = "EMHASS stops at its default gap of 1 %, varme at 0.5 %; " + _note(cases, ours, theirs)
    yield Line(
        "24 h / 15 min, certified 0.5 %", _median([s for s, _ in ours]), size=_size(cases[0]), peer="EMHASS",
        peer_value=_median([t["cold_s"] for t in theirs]), bar=Bar(20.0, "faster"), note=note,
    )  # fmt: skip
    loosest = max(100 * found.gap_share for _, found in ours)
    yield Line("largest gap", loosest, "%", bar=Bar(0.5), note="of all homes")
