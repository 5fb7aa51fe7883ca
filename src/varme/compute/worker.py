"""The worker's side: runs tasks that arrive by pipe, one at a time, and tells how far each is.

Nothing here may import NumPy or a solver: a worker sets its thread counts before those are loaded.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from varme.ground.errors import Problem, RunError

#: Called with steps done, steps in all, and whatever else a task tells.
Report = Callable[[float, float, Mapping[str, Any]], None]

#: What numerical libraries read when they are loaded: one thread each, for the processes are the parallelism.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

#: Least time between two progress messages of a task [s]; what comes sooner is dropped, but for the last.
PROGRESS_INTERVAL_S = 0.05

_REPORT: ContextVar[Report | None] = ContextVar("_REPORT", default=None)


def progress(done: float, total: float, info: Mapping[str, Any] | None = None) -> None:
    """Tell how far the running task is; do nothing outside a task.

    Call it as often as is natural: messages that follow each other within 0.05 s are dropped, but for the first of a
    task and those with ``done >= total``.

    Args:
        done: Steps done, in any unit.
        total: Steps in all.
        info: Whatever else is worth showing (stage, cost so far, gap); must be picklable.
    """
    report = _REPORT.get()
    if report is not None:
        report(done, total, info or {})


@dataclass(frozen=True)
class Ready:
    """The worker can take tasks."""


@dataclass(frozen=True)
class Unfit:
    """The worker's initializer raised; no task can run."""

    text: str


@dataclass(frozen=True)
class Step:
    """The running task's progress."""

    done: float
    total: float
    info: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """A task's end: value or error."""

    value: Any
    error: Exception | None
    traceback_text: str
    seconds: float


def execute(payload: bytes, report: Report) -> Outcome:
    """Run one pickled ``(function, task)`` and return what came of it.

    Args:
        payload: The pickled pair.
        report: Receives what the task tells through :func:`progress`.
    """
    token = _REPORT.set(_thinned(report))
    begin = time.perf_counter()
    try:
        function, task = pickle.loads(payload)
        value = function(task)
        return Outcome(value, None, "", time.perf_counter() - begin)
    except Exception as error:  # noqa: BLE001 - handed to the caller, typed
        text = _traceback(error)
        error.__traceback__ = None  # frames would keep the task's arrays alive
        return Outcome(None, error, text, time.perf_counter() - begin)
    except SystemExit as error:
        problem = Problem(
            "P507", "worker", "the task asked the process to end", f"SystemExit({error.code!r})"
        )
        return Outcome(None, RunError(problem), _traceback(error), time.perf_counter() - begin)
    finally:
        _REPORT.reset(token)


def sendable(outcome: Outcome) -> bytes:
    """Return the pickled outcome; what cannot travel is replaced by a :class:`RunError` (P507) that says so."""
    try:
        data = pickle.dumps(outcome, pickle.HIGHEST_PROTOCOL)
        if outcome.error is not None:
            pickle.loads(data)  # some exceptions can be pickled and then not be read
        return data
    except Exception as error:  # noqa: BLE001 - pickling runs foreign code
        if outcome.error is None:
            what, text = f"the task's value cannot be sent: {error}", _traceback(error)
        else:
            what, text = f"{type(outcome.error).__name__}: {outcome.error}", outcome.traceback_text
        problem = Problem("P507", "worker", what)
        return pickle.dumps(Outcome(None, RunError(problem), text, outcome.seconds))


def serve(connection: Connection, initializer: bytes) -> None:
    """Run tasks from the pipe until it says ``None`` or breaks; the entry point of a worker process.

    Args:
        connection: The worker's end of the pipe.
        initializer: A pickled function without arguments, or a pickled ``None``.
    """
    _ignore_interrupt()
    for name in ONE_THREAD:
        os.environ[name] = "1"
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        begin = pickle.loads(initializer)
        if begin is not None:
            begin()
    except Exception as error:  # noqa: BLE001 - told to the caller, who raises it
        connection.send(Unfit(_traceback(error)))
        return

    def report(done: float, total: float, info: Mapping[str, Any]) -> None:
        connection.send(Step(done, total, info))

    connection.send(Ready())
    while True:
        try:
            payload = connection.recv_bytes()
        except (EOFError, OSError):
            return
        if not payload:
            return
        connection.send_bytes(sendable(execute(payload, report)))


def _ignore_interrupt() -> None:
    """Leave Ctrl-C to the parent, which ends its workers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _end_with_parent() -> None:
    """End this process as soon as its parent is gone, whatever it is doing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _thinned(report: Report) -> Report:
    """Return ``report`` with all messages dropped that follow too soon."""
    last = float("-inf")

    def thinned(done: float, total: float, info: Mapping[str, Any]) -> None:
        nonlocal last
        now = time.monotonic()
        if done >= total or now - last >= PROGRESS_INTERVAL_S:
            last = now
            report(done, total, info)

    return thinned


def _traceback(error: BaseException) -> str:
    """Return the traceback as text, without this module's own frame."""
    frames = error.__traceback__
    below = frames.tb_next if frames is not None and frames.tb_next is not None else frames
    return "".join(traceback.format_exception(type(error), error, below))
