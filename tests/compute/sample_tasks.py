"""Tasks for the executor's tests; workers import this module, so it stays light."""

import os
import signal
import time
from pathlib import Path

from varme.compute import progress
from varme.ground.errors import DataError, Problem

PATIENCE_S = 60.0


class WrongTideError(ValueError):
    """A typed error of a task."""


class UnreadableError(Exception):
    """Can be pickled, and then not be read back."""

    def __init__(self, first, second):
        super().__init__(first)
        self.second = second


def double(x):
    return 2 * x


def total(values):
    return sum(values)


def spoil(values):
    values.append("spoilt")
    return len(values)


def pid(_):
    return os.getpid()


def environment(names):
    return {name: os.environ.get(name) for name in names}


def wait_for(path):
    """Return when the file appears."""
    end = time.monotonic() + PATIENCE_S
    while not Path(path).exists():
        if time.monotonic() > end:
            raise TimeoutError(path)
        time.sleep(0.01)
    return str(path)


def wait_if_given(path):
    return wait_for(path) if path else ""


def hang(step):
    """Tell that it has begun, then run until it is ended."""
    progress(0, 1, {"pid": os.getpid()})
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        time.sleep(0.1)
        progress(0.5, 1)
    return step


def hang_or_wait(path):
    return wait_for(path) if path else hang(path)


def steps(count):
    for done in range(count + 1):
        progress(done, count, {"stage": "dispatch", "cost_eur": 10.0 * done})
    return count


def fail(kind):
    match kind:
        case "typed":
            raise WrongTideError("the tide is out")
        case "varme":
            raise DataError(Problem("P203", "demand.csv: row 7", "an interval is missing"))
        case "unreadable":
            raise UnreadableError("first", "second")
        case "exit":
            raise SystemExit(4)
        case "value":
            return lambda: None
    return kind


def die_once(marker):
    """Be killed on the first attempt; succeed on the next."""
    if marker and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def die(how):
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "exit":
        os._exit(3)
    return how


def raise_at_start():
    raise WrongTideError("no licence")


def mark_environment():
    os.environ["SAMPLE_INITIALIZED"] = os.environ.get("SAMPLE_INITIALIZED", "") + "x"
