"""Progress on the command line: a bar where a person looks on, a line per tenth where a log is written."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as TimeLeftColumn

from varme.ground.units import unit_of
from varme.report.numbers import format_quantity, words_of

#: Runs shorter than this show no progress [s].
PATIENCE_S = 1.0
#: A log gets a line for each of so many parts of a stage.
LINES = 10


class Shown:
    """Implements :class:`varme.ground.context.Progress`; a context manager around the run.

    Args:
        console: Where to write, normally standard error.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.live = console.is_terminal
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeLeftColumn(),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None
        self._timer = threading.Timer(PATIENCE_S, self._bars.start)
        self._timer.daemon = True
        self._began = self._stage_began = time.monotonic()
        self._name, self._total, self._line = "", 0, 0

    def __enter__(self) -> Self:
        if self.live:
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self.live and self._bars.live.is_started:
            self._bars.stop()

    def stage(self, name: str, total: int) -> None:
        """A stage of ``total`` parts begins."""
        self._name, self._total, self._line = name, total, 0
        self._stage_began = time.monotonic()
        if self.live:
            if self._task is not None:
                self._bars.update(self._task, completed=self._bars.tasks[-1].total)
            self._task = self._bars.add_task(name, total=total, figures="")

    def advance(self, done: int, info: Mapping[str, object]) -> None:
        """``done`` parts of the stage are finished; a ``total`` among the figures corrects that of the stage."""
        figures = figures_of(info)
        total = info.get("total")
        self._total = total if isinstance(total, int) else self._total
        if self.live:
            if self._task is not None:
                self._bars.update(self._task, completed=done, total=self._total, figures=figures)
            return
        now = time.monotonic()
        line = LINES * done // max(self._total, 1)
        if line > self._line and now - self._began >= PATIENCE_S:
            self._line = line
            left = (now - self._stage_began) * (self._total - done) / max(done, 1)
            parts = [
                f"{self._name}: {done}/{self._total}",
                figures,
                f"{_clock(left)} left" if done < self._total else "",
            ]
            self.console.print(
                "  ".join(p for p in parts if p), markup=False, highlight=False, soft_wrap=True
            )


def figures_of(info: Mapping[str, object]) -> str:
    """Return the figures of a progress message as text: ``cost 12.3 MEUR, gap 0.11 %``."""
    parts = []
    for name, value in info.items():
        if isinstance(value, (int, float, str)) and value != "" and name != "total":
            shown = format_quantity(value, unit_of(name), significant=4)
            parts.append(f"{words_of(name).lower()} {str(shown).replace(chr(160), ' ')}")
    return ", ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
