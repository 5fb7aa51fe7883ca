"""The rolling horizon: windows with overlap, full state hand-over, and the trajectories that the kept parts form.

A window covers ``keep + overlap`` steps, of which ``keep`` are kept. Everything with a history (levels, fuel, status,
starts, stops) is handed over at the seam; the next window changes numbers only and starts from a basis put together
from those of the windows before. A window starts from nothing but its numbers and that basis, so a resumed run gives
the same bytes as one that was not killed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from varme.kernel.check import certify
from varme.kernel.highs import Solver
from varme.kernel.model import Arrays, Floats, Model
from varme.kernel.start import Basis, Solved, Starter


@dataclass(frozen=True)
class Window:
    """Steps ``first`` to ``first + length``, of which the first ``keep`` are kept."""

    first: int
    length: int
    keep: int


def plan_windows(n: int, keep: int, overlap: int) -> list[Window]:
    """Return the windows of a horizon of ``n`` steps.

    The last window keeps everything up to the end, so it is never longer than the others and no window is left
    over that
    an earlier one has covered.

    >>> [(w.first, w.length, w.keep) for w in plan_windows(10, 4, 2)]
    [(0, 6, 4), (4, 6, 6)]
    """
    windows: list[Window] = []
    first = 0
    while True:
        length = min(keep + overlap, n - first)
        if first + length >= n:
            windows.append(Window(first, length, length))
            return windows
        windows.append(Window(first, length, keep))
        first += keep


@dataclass(frozen=True)
class Answer:
    """What a window's solve returns.

    Attributes:
        x: Values of all columns.
        objective: Objective of ``x``.
        bound: Proven lower bound.
        row_dual: Duals of the rows at ``x`` with the integers fixed, shape (m,): prices.
        bound_dual: Duals that prove the LP bound (of the relaxation), shape (m,).
        status: ``optimal``, or what cut the search short.
        iterations: Simplex iterations.
        nodes: Branch-and-bound nodes.
        basis: Basis to start the next window from.
        relaxed: Whether integrality was given up on purpose.
    """

    x: Floats
    objective: float
    bound: float
    row_dual: Floats
    bound_dual: Floats
    status: str
    iterations: int
    nodes: int
    basis: Basis | None
    relaxed: bool = False


class Solve(Protocol):
    """How a window is solved."""

    def __call__(self, model: Model, solver: Solver) -> Answer:
        """Solve the model as it stands in the solver."""


RECORD_FIELDS = (
    "first", "length", "keep", "objective", "bound", "gap_abs", "gap_share", "violation", "iterations", "nodes",
    "cpu_s",
)  # fmt: skip


@dataclass
class Trajectories:
    """The kept parts of all windows, joined.

    Attributes:
        values: Variable -> values over the horizon, shape (n,), or () for scalars.
        duals: Constraint block -> price duals over the horizon, shape (n,).
        bound_duals: Constraint block -> duals of the relaxation, shape (n,).
        bound_tails: Constraint block -> per window, the duals of its overlap beyond what is kept.
        records: Per window: the fields of :data:`RECORD_FIELDS`.
        statuses: Per window: status.
        models: The models that were built, by length; the last window's numbers are in them.
    """

    values: dict[str, Floats]
    duals: dict[str, Floats]
    bound_duals: dict[str, Floats]
    bound_tails: dict[str, list[Floats]] = field(default_factory=dict)
    records: list[tuple[float, ...]] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)

    def column(self, name: str) -> Floats:
        """Return one field of the records, shape (windows,)."""
        return np.array([record[RECORD_FIELDS.index(name)] for record in self.records])


class Store(Protocol):
    """Where finished windows are kept."""

    def load(self, key: str) -> dict[str, NDArray[Any]] | None:
        """Return a finished window, or ``None``."""

    def save(self, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep a finished window."""


#: How many windows back starting bases are taken from.
WINDOWS_BACK = 8


@dataclass
class _State:
    history: dict[str, Floats]
    length: int = 0
    solved: deque[Solved] = field(default_factory=lambda: deque(maxlen=WINDOWS_BACK))


def roll(
    build: Callable[[int, int], Model],
    n: int,
    keep: int,
    overlap: int,
    solve: Solve,
    *,
    initial: Mapping[str, Floats] | None = None,
    store: Store | None = None,
    on_window: Callable[[int, int, Trajectories], None] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Trajectories:
    """Solve a horizon window by window.

    Args:
        build: Makes the model of a window from its length and first step.
        n: Steps of the horizon.
        keep: Steps kept per window.
        overlap: Steps planned beyond.
        solve: Solves one window.
        initial: Variable -> its history before the horizon; variables that are absent start free.
        store: Where finished windows are kept; those that are there already are not solved again.
        on_window: Called after each window with (done, total, trajectories so far).
        options: HiGHS options.

    Raises:
        VarmeError: from ``solve``; P403 if an answer does not pass the re-check.
    """
    windows = plan_windows(n, keep, overlap)
    state = _State(dict(initial or {}))
    out = Trajectories({}, {}, {})
    model: Model | None = None
    solver: Solver | None = None
    starter: Starter | None = None
    for number, window in enumerate(windows):
        part = store.load(_key(number)) if store else None
        if part is None:
            started = time.process_time()
            if model is None or solver is None or model.length != window.length:
                model = build(window.length, window.first)
                solver = Solver(model.assemble(), **dict(options or {}))
                starter = None
            else:
                model.move(window.first)
            _hand_over(model, state)
            solver.push(model)
            solver.forget()
            if state.solved and state.length == window.length:
                starter = starter or Starter(model, n)
                solver.set_basis(starter.basis(window.first, state.solved), alien=True)
            answer = solve(model, solver)
            part = _part_of(model, window, answer, time.process_time() - started)
            if store:
                store.save(_key(number), part)
        _append(out, part, window, n, state)
        if on_window:
            on_window(number + 1, len(windows), out)
    return out


def _key(number: int) -> str:
    return f"window-{number:05d}"


def _hand_over(model: Model, state: _State) -> None:
    for name, values in state.history.items():
        var = model.vars.get(name)
        if var is not None and var.history:
            if len(values) < var.history:
                values = np.concatenate([np.full(var.history - len(values), values[0]), values])
            model.set_history(var, values[len(values) - var.history :])


def _part_of(model: Model, window: Window, answer: Answer, cpu_s: float) -> dict[str, NDArray[Any]]:
    """Re-check an answer and return what is kept of it, as arrays."""
    arrays: Arrays = model.arrays  # type: ignore[assignment]
    where = f"window at step {window.first}"
    certificate = certify(arrays, answer.x, answer.objective, answer.bound, where, relaxed=answer.relaxed)
    record = [
        window.first, window.length, window.keep, certificate.objective, certificate.bound, certificate.gap_abs,
        certificate.gap_share, certificate.max_violation, answer.iterations, answer.nodes, cpu_s,
    ]  # fmt: skip
    part: dict[str, NDArray[Any]] = {
        "record": np.array(record),
        "status": np.array(answer.status),
    }
    for var in model.vars.values():
        values = answer.x[var.index]
        part[f"value:{var.name}"] = values
    for rows in model.rows.values():
        part[f"dual:{rows.name}"] = answer.row_dual[rows.index]
        part[f"bound:{rows.name}"] = answer.bound_dual[rows.index]
    part["histories"] = np.array(
        [f"{v.name}={v.history}" for v in model.vars.values() if v.history], dtype=np.str_
    )
    if answer.basis is not None:
        part["basis:columns"], part["basis:rows"] = answer.basis
    return part


def _append(
    out: Trajectories, part: Mapping[str, NDArray[Any]], window: Window, n: int, state: _State
) -> None:
    histories = dict(text.rsplit("=", 1) for text in part["histories"].tolist())
    span = slice(window.first, window.first + window.keep)
    targets = {"value": out.values, "dual": out.duals, "bound": out.bound_duals}
    for key, values in part.items():
        kind, _, name = key.partition(":")
        if kind not in targets:
            continue
        target = targets[kind]
        if values.ndim == 0 or len(values) == 1 != window.length:
            target[name] = values
            continue
        past = int(histories.get(name, 0)) if kind == "value" else 0
        if name not in target:
            target[name] = np.zeros(n)
        target[name][span] = values[past : past + window.keep]
        if kind == "bound":
            out.bound_tails.setdefault(name, []).append(values[window.keep :])
        if past:
            state.history[name] = values[window.keep : window.keep + past]
    if "basis:columns" in part:
        if state.length != window.length:
            state.solved.clear()
        state.length = window.length
        state.solved.append(Solved(window.first, (part["basis:columns"], part["basis:rows"])))
    out.records.append(tuple(float(v) for v in part["record"]))
    out.statuses.append(str(part["status"]))
