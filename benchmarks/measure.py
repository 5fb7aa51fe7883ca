"""Measuring: medians of CPU seconds in this process, peak memory of fresh processes, peers that may be absent."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keep what C libraries print to standard output (HiGHS its banner) out of the table."""
    sys.stdout.flush()
    kept = os.dup(1)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nothing)


def median_cpu_s(action: Callable[[], Any], repeats: int, *, warm_up: bool = True) -> float:
    """Return the median CPU time of an action; the first run, which pays for imports and caches, is left out."""
    seconds = []
    with silence():
        if warm_up:
            action()
        gc.collect()
        for _ in range(repeats):
            started = time.process_time()
            action()
            seconds.append(time.process_time() - started)
    return statistics.median(seconds)


def cpu_s(action: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU time of one run and what it returned."""
    gc.collect()
    with silence():
        started = time.process_time()
        out = action()
        return time.process_time() - started, out


def in_fresh_process(task: str) -> dict[str, float]:
    """Run a task of :mod:`benchmarks.fresh` in a process of its own and return what it measured.

    Raises:
        RuntimeError: if the process failed.
    """
    command = [sys.executable, "-m", "benchmarks.fresh", task]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{task} failed: {done.stderr.strip()[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def installed(package: str) -> bool:
    """Return whether a peer can be imported."""
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False
