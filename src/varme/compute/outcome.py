"""What a task tells: how far it is while it runs, and what came of it in the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from varme.ground.errors import Problem, RunError, VarmeError

R = TypeVar("R")


@dataclass(frozen=True)
class Progress:
    """How far a running task is.

    Attributes:
        index: Position of the task in the list that was handed over.
        label: Name of the task.
        done: Steps done, in the task's own unit.
        total: Steps in all.
        info: Whatever else the task tells (stage, cost so far, gap).
        attempt: 1 for the first try; more when a worker was lost and the task began anew.
    """

    index: int
    label: str
    done: float
    total: float
    info: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 1


@dataclass(frozen=True)
class TaskResult(Generic[R]):
    """What came of one task: a value or an error, never neither.

    Attributes:
        index: Position of the task in the list that was handed over.
        label: Name of the task.
        value: What the function returned; ``None`` if it failed.
        error: The exception that the task raised, of its own type; a :class:`RunError` if its worker was lost (P504),
            if it was cancelled (P506), or if its exception or value could not be sent (P507).
        traceback_text: Where the task raised, as text; empty if nothing was raised.
        attempts: Number of times that the task was started.
        seconds: Wall-clock time of the last attempt [s]; 0 if it never ended.
    """

    index: int
    label: str
    value: R | None = None
    error: Exception | None = None
    traceback_text: str = ""
    attempts: int = 1
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the task returned."""
        return self.error is None

    def get(self) -> R:
        """Return the value.

        Raises:
            Exception: what the task raised, if it failed.
        """
        if self.error is not None:
            raise self.error
        return cast("R", self.value)


def in_order(results: Iterable[TaskResult[R]]) -> list[R]:
    """Wait for all results and return their values in the order of the tasks.

    Raises:
        Exception: the error of the first failed task, by position, with a note that names the other failed ones.
    """
    ordered = sorted(results, key=lambda result: result.index)
    failed = [result for result in ordered if result.error is not None]
    if failed:
        error = cast("Exception", failed[0].error)
        if len(failed) > 1:
            error.add_note(f"{len(failed)} tasks failed: {', '.join(result.label for result in failed)}")
        raise error
    return [result.get() for result in ordered]


def failure(
    index: int, label: str, error: Exception, text: str = "", attempts: int = 1, seconds: float = 0.0
) -> TaskResult[Any]:
    """Return the result of a failed task; an unexpected error carries its traceback as a note."""
    if text and not isinstance(error, VarmeError):
        error.add_note(f"raised in {label}:\n{text}")
    return TaskResult(index, label, None, error, text, attempts, seconds)


def lost(index: int, label: str, how: str, attempts: int) -> TaskResult[Any]:
    """Return the result of a task whose worker was lost too often (P504)."""
    times = f"{attempts} times in a row" if attempts > 1 else "once"
    problem = Problem(
        "P504",
        label,
        f"its worker process ended {times} before the task did",
        how,
        f"at most {attempts} attempts",
    )
    return TaskResult(index, label, None, RunError(problem), "", attempts)


def cancelled(index: int, label: str, attempts: int) -> TaskResult[Any]:
    """Return the result of a task that was cancelled before its end (P506)."""
    return TaskResult(
        index, label, None, RunError(Problem("P506", label, "cancelled before its end")), "", attempts
    )
