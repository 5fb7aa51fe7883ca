"""The parent's side of one worker process: start, talk, end."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any

from varme.compute.worker import serve

#: Time that an idle worker has to end by itself before it is killed [s].
GRACE_S = 2.0

_STARTING = threading.Lock()


class WorkerLostError(Exception):
    """The worker process ended, or its pipe broke; the text says how."""


class Worker:
    """One worker process with its pipe.

    Args:
        initializer: Called once in the worker before its first task; must be importable there.

    Attributes:
        ready: Whether the worker has said that it can take tasks.
        task: Index of the task that it runs, or ``None``.
        pid: Process id.
    """

    def __init__(self, initializer: Callable[[], object] | None = None) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=serve, args=(theirs, pickle.dumps(initializer)), name="varme worker", daemon=True
        )
        with _quiet_start():
            self._process.start()
        theirs.close()
        self.pid = self._process.pid
        self.ready = False
        self.task: int | None = None

    @property
    def handles(self) -> tuple[Connection, int]:
        """What becomes ready when the worker says something or ends."""
        return self._connection, self._process.sentinel

    def alive(self) -> bool:
        """Return whether the process runs."""
        return self._process.is_alive()

    def send(self, payload: bytes) -> None:
        """Hand over a task.

        Raises:
            WorkerLostError: if the worker is gone.
        """
        try:
            self._connection.send_bytes(payload)
        except OSError as error:
            raise WorkerLostError(self.end(now=False)) from error

    def receive(self) -> Any:
        """Return the next message.

        Raises:
            WorkerLostError: if the worker is gone and has left nothing to read.
        """
        try:
            if self._connection.poll():
                return self._connection.recv()
        except (EOFError, OSError) as error:
            raise WorkerLostError(self.end(now=False)) from error
        raise WorkerLostError(self.end(now=False))

    def ask_to_end(self) -> None:
        """Tell an idle worker to end; :meth:`end` collects it."""
        if self.ready and self.task is None:
            try:
                self._connection.send_bytes(b"")
            except OSError:
                return

    def end(self, *, now: bool) -> str:
        """Wait for the process to end, kill it if it does not, and return how it ended.

        Args:
            now: Kill it at once.
        """
        if now:
            self._process.kill()
        self._process.join(GRACE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        code = self._process.exitcode
        self._connection.close()
        self._process.close()
        return _how(code)


def _how(code: int | None) -> str:
    """Return an exit code in words."""
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"{name} (often: the machine ran out of memory)" if name == "SIGKILL" else name


@contextmanager
def _quiet_start() -> Iterator[None]:
    """Start processes that neither run the caller's script again nor take the caller's Ctrl-C.

    A spawned process imports the main script once more, so that functions defined in it are found. Tasks live in
    modules, so that is of no use here, and harmful: a script without a ``__main__`` guard would start itself anew, and
    its imports would come before the worker's thread counts are set. The signal mask is inherited: Ctrl-C waits until
    the worker ignores it.
    """
    with _STARTING, _interrupt_blocked():
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


@contextmanager
def _interrupt_blocked() -> Iterator[None]:
    """Hold back Ctrl-C, where the system has signal masks."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
