"""Parallel execution: many independent tasks in worker processes, behind one interface."""

from varme.compute.executor import Executor
from varme.compute.outcome import Progress, TaskResult, in_order
from varme.compute.worker import progress

__all__ = ["Executor", "Progress", "TaskResult", "in_order", "progress"]
