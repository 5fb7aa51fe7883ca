"""One interface for running many independent tasks: in worker processes, or in this one.

The standard library's pool gives up all tasks when one worker dies; here the worker is replaced and its task begins
anew.
"""

from __future__ import annotations

import pickle
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, Self, TypeVar

from varme.compute.outcome import Progress, TaskResult, cancelled, failure, lost
from varme.compute.process import Worker, WorkerLostError
from varme.compute.worker import Outcome, Ready, Step, Unfit, execute
from varme.ground.errors import InputError, Problem, RunError

T = TypeVar("T")
R = TypeVar("R")
OnProgress = Callable[[Progress], None]

#: Longest time that a cancellation from another thread goes unnoticed [s].
POLL_S = 0.1


class Executor:
    """Runs tasks in parallel; a context manager that ends its workers.

    Tasks are independent, and a value does not depend on how many workers there are: each task is sent as a pickled
    copy, with ``jobs=1`` too. Workers start when they are first needed and serve several calls of :meth:`map`.

    >>> import math
    >>> with Executor(jobs=1) as executor:
    ...     [result.get() for result in executor.map(math.sqrt, [4.0, 9.0])]
    [2.0, 3.0]

    Args:
        jobs: Number of worker processes. 1 runs in this process, unless ``inline`` is false.
        retries: How often a task begins anew after its worker was lost.
        inline: Whether ``jobs=1`` runs in this process.
        initializer: Called once in each worker before its first task, for example to set a solver's threads to 1.
            A worker's numerical libraries are held to one thread in any case.

    Raises:
        InputError: P101 if ``jobs`` < 1 or ``retries`` < 0.
    """

    def __init__(
        self,
        jobs: int = 2,
        *,
        retries: int = 2,
        inline: bool = True,
        initializer: Callable[[], object] | None = None,
    ) -> None:
        if jobs < 1:
            raise InputError(Problem("P101", "jobs", "too few worker processes", str(jobs), "at least 1"))
        if retries < 0:
            raise InputError(Problem("P101", "retries", "cannot be negative", str(retries), "at least 0"))
        self.jobs = jobs
        self.retries = retries
        self._inline = inline and jobs == 1
        self._initializer = initializer
        self._initialized = False
        self._workers: list[Worker] = []
        self._cancelled = threading.Event()
        self._busy = False
        self._failed_starts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(now=error is not None)

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the workers that run at this moment; empty when tasks run in this process."""
        return tuple(worker.pid for worker in self._workers if worker.pid is not None)

    @property
    def is_cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._cancelled.is_set()

    def map(
        self,
        function: Callable[[T], R],
        tasks: Iterable[T],
        *,
        on_progress: OnProgress | None = None,
        labels: Sequence[str] | None = None,
    ) -> Iterator[TaskResult[R]]:
        """Run ``function(task)`` for each task and yield one result per task, in the order of their ends.

        A task that raises, or whose worker is lost once too often, gives a result with an error; the others go on.
        Leaving the iteration early ends the tasks that still run. Workers get their next task, and tell their progress,
        while the iteration waits: do not hold it up for long.

        Args:
            function: Defined in a module that a worker can import.
            tasks: Its arguments, picklable.
            on_progress: Called in this process with what the tasks tell through :func:`~varme.compute.progress`.
            labels: A name for each task, for progress and errors; ``task 1``, ``task 2``, ... if not given.

        Returns:
            An iterator over the results; :func:`~varme.compute.in_order` makes it a list of values.

        Raises:
            InputError: P102 if the function cannot be sent to a worker; P108 if there are not as many labels as tasks.
            RunError: P507 while iterating, if the workers' initializer fails; P504 if workers cannot be started.
            KeyboardInterrupt: on Ctrl-C while iterating, after all workers have been ended.
        """
        batch = _Batch(function, list(tasks), labels, on_progress)
        batch.check_function()
        return self._exclusive(batch)

    def cancel(self) -> None:
        """Stop: what runs is ended, what waits never starts, and each such task gives an error result (P506).

        May be called from another thread, a signal handler or ``on_progress``. Final: later calls of :meth:`map` give
        cancelled results only. In this process (``jobs=1``) a task stops when it next tells its progress.
        """
        self._cancelled.set()

    def close(self, *, now: bool = False) -> None:
        """End all workers; what still runs is killed.

        Args:
            now: Kill idle workers too, instead of letting them end by themselves.
        """
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.ask_to_end()
        for worker in workers:
            worker.end(now=now or worker.task is not None or not worker.ready)

    def _exclusive(self, batch: _Batch) -> Iterator[TaskResult[Any]]:
        """Run the batch, and end whatever of it still runs when the iteration is left."""
        if self._busy:
            raise RuntimeError("this Executor already runs a map; finish or close that iteration first")
        self._busy = True
        try:
            yield from self._run_here(batch) if self._inline else self._run_in_workers(batch)
        except KeyboardInterrupt:
            self.cancel()
            self.close(now=True)
            raise
        finally:
            self._busy = False
            for worker in [worker for worker in self._workers if worker.task is not None]:
                self._workers.remove(worker)
                worker.end(now=True)

    # ------------------------------------------------------------------------------------------- in this process

    def _run_here(self, batch: _Batch) -> Iterator[TaskResult[Any]]:
        self._initialize_here()
        while batch.waiting:
            index = batch.waiting.popleft()
            if self._cancelled.is_set():
                yield batch.cancelled(index)
                continue
            try:
                payload = batch.payload(index)
            except Exception as error:  # noqa: BLE001 - pickling runs foreign code; the result carries the error
                yield batch.unsendable(index, error)
                continue
            batch.attempts[index] += 1
            try:
                outcome = execute(payload, self._report_here(batch, index))
            except _CancelledHere:
                yield batch.cancelled(index)
            else:
                yield batch.ended(index, outcome)

    def _initialize_here(self) -> None:
        if self._initializer is not None and not self._initialized:
            try:
                self._initializer()
            except Exception as error:
                raise RunError(Problem("P507", "initializer", f"{type(error).__name__}: {error}")) from error
        self._initialized = True

    def _report_here(self, batch: _Batch, index: int) -> Callable[[float, float, Mapping[str, Any]], None]:
        def report(done: float, total: float, info: Mapping[str, Any]) -> None:
            batch.tell(index, Step(done, total, info))
            if self._cancelled.is_set():
                raise _CancelledHere

        return report

    # ---------------------------------------------------------------------------------------------- in workers

    def _run_in_workers(self, batch: _Batch) -> Iterator[TaskResult[Any]]:
        self._failed_starts = 0
        while True:
            if self._cancelled.is_set():
                yield from self._cancel_all(batch)
                return
            yield from self._hand_out(batch)
            if not batch.waiting and not self._running():
                return
            ready = set(wait([handle for worker in self._workers for handle in worker.handles], POLL_S))
            for worker in [worker for worker in self._workers if ready.intersection(worker.handles)]:
                result = self._listen(worker, batch)
                if result is not None:
                    yield result

    def _running(self) -> list[Worker]:
        return [worker for worker in self._workers if worker.task is not None]

    def _hand_out(self, batch: _Batch) -> Iterator[TaskResult[Any]]:
        """Start the workers that are missing and give each idle one a task."""
        wanted = min(self.jobs, len(batch.waiting) + len(self._running()))
        while len(self._workers) < wanted:
            self._workers.append(Worker(self._initializer))
        for worker in [worker for worker in self._workers if worker.ready and worker.task is None]:
            while batch.waiting:
                index = batch.waiting.popleft()
                try:
                    payload = batch.payload(index)
                except Exception as error:  # noqa: BLE001 - pickling runs foreign code; the result carries the error
                    yield batch.unsendable(index, error)
                    continue
                try:
                    worker.send(payload)
                except WorkerLostError:  # it died while idle: no attempt of this task
                    self._workers.remove(worker)
                    batch.waiting.appendleft(index)
                else:
                    worker.task = index
                    batch.attempts[index] += 1
                break

    def _listen(self, worker: Worker, batch: _Batch) -> TaskResult[Any] | None:
        """Take one message, or note that the worker is lost; return a result if a task came to its end."""
        index = worker.task
        try:
            message = worker.receive()
        except WorkerLostError as error:
            self._workers.remove(worker)
            return self._after_loss(index, str(error), worker.ready, batch)
        except Exception as error:  # noqa: BLE001 - unpickling runs foreign code; the result carries the error
            self._workers.remove(worker)
            worker.end(now=True)
            return None if index is None else batch.unreadable(index, error)
        match message:
            case Ready():
                worker.ready = True
                self._failed_starts = 0
            case Unfit(text=text):
                raise RunError(Problem("P507", "initializer", f"raised in a worker process:\n{text}"))
            case Step() if index is not None:
                batch.tell(index, message)
            case Outcome() if index is not None:
                worker.task = None
                return batch.ended(index, message)
        return None

    def _after_loss(
        self, index: int | None, how: str, was_ready: bool, batch: _Batch
    ) -> TaskResult[Any] | None:
        """Queue the lost worker's task again, or give it up."""
        if not was_ready:
            self._failed_starts += 1
            if self._failed_starts > self.retries:
                what = f"worker processes end before they can take a task, {self._failed_starts} in a row"
                raise RunError(Problem("P504", "worker processes", what, how))
        if index is None:
            return None
        if batch.attempts[index] > self.retries:
            return batch.lost(index, how)
        batch.waiting.appendleft(index)
        return None

    def _cancel_all(self, batch: _Batch) -> Iterator[TaskResult[Any]]:
        running = [worker.task for worker in self._workers if worker.task is not None]
        self.close(now=True)
        for index in sorted([*running, *batch.waiting]):
            yield batch.cancelled(index)


class _CancelledHere(BaseException):
    """Ends a task that runs in this process; not an Exception, so that the task does not catch it."""


class _Batch:
    """The tasks of one :meth:`Executor.map`: which wait, how often each was tried, what to call them."""

    def __init__(
        self,
        function: Callable[[Any], Any],
        tasks: list[Any],
        labels: Sequence[str] | None,
        on_progress: OnProgress | None,
    ) -> None:
        if labels is not None and len(labels) != len(tasks):
            raise InputError(
                Problem(
                    "P108", "labels", "one label per task", f"{len(labels)} labels", f"{len(tasks)} tasks"
                )
            )
        self.function = function
        self.tasks = tasks
        self.labels = (
            [f"task {i + 1}" for i in range(len(tasks))] if labels is None else [str(x) for x in labels]
        )
        self.on_progress = on_progress
        self.waiting = deque(range(len(tasks)))
        self.attempts = [0] * len(tasks)

    def check_function(self) -> None:
        """Refuse a function that a worker could not find."""
        inner = self.function
        while isinstance(inner, partial):
            inner = inner.func
        name = getattr(inner, "__qualname__", repr(inner))
        limit = "a function at the top level of an importable module"
        if getattr(inner, "__module__", None) == "__main__":
            raise InputError(
                Problem("P102", "function", "is defined in the script that is running", name, limit)
            )
        try:
            pickle.dumps(self.function)
        except Exception as error:
            raise InputError(
                Problem("P102", "function", f"cannot be sent to a worker process: {error}", name, limit)
            ) from error

    def payload(self, index: int) -> bytes:
        return pickle.dumps((self.function, self.tasks[index]), pickle.HIGHEST_PROTOCOL)

    def tell(self, index: int, step: Step) -> None:
        if self.on_progress is not None:
            told = Progress(index, self.labels[index], step.done, step.total, step.info, self.attempts[index])
            self.on_progress(told)

    def ended(self, index: int, outcome: Outcome) -> TaskResult[Any]:
        label, tries = self.labels[index], self.attempts[index]
        if outcome.error is not None:
            return failure(index, label, outcome.error, outcome.traceback_text, tries, outcome.seconds)
        return TaskResult(index, label, outcome.value, None, "", tries, outcome.seconds)

    def cancelled(self, index: int) -> TaskResult[Any]:
        return cancelled(index, self.labels[index], self.attempts[index])

    def lost(self, index: int, how: str) -> TaskResult[Any]:
        return lost(index, self.labels[index], how, self.attempts[index])

    def unsendable(self, index: int, error: Exception) -> TaskResult[Any]:
        problem = Problem("P507", self.labels[index], f"the task cannot be sent to a worker: {error}")
        return failure(index, self.labels[index], RunError(problem), attempts=self.attempts[index])

    def unreadable(self, index: int, error: Exception) -> TaskResult[Any]:
        problem = Problem("P507", self.labels[index], f"the task's value cannot be read back: {error}")
        return failure(index, self.labels[index], RunError(problem), attempts=self.attempts[index])
