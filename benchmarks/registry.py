"""The registry: what is measured (subject x phase), the bars, and the lines that a measurement prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Bar:
    """What a figure must reach.

    Attributes:
        limit: The limit, in the line's unit, or a factor for ``faster``.
        kind: ``at_most``, ``at_least`` or ``between`` (``low`` and ``limit``) for the figure itself, ``faster`` for the
            peer's figure over ours, ``share_of_peer`` for ours over the peer's.
        low: Lower limit of ``between``.
    """

    limit: float
    kind: Literal["at_most", "at_least", "between", "faster", "share_of_peer"] = "at_most"
    low: float = 0.0

    def text(self, figure: Callable[[float], str]) -> str:
        """Return the bar as the table shows it; ``figure`` writes a number with its unit."""
        return {
            "at_most": f"<= {figure(self.limit)}",
            "at_least": f">= {figure(self.limit)}",
            "between": f"{self.low:g}-{figure(self.limit)}",
            "faster": f">= {self.limit:g} x",
            "share_of_peer": f"<= {self.limit:g} of it",
        }[self.kind]

    def reached(self, value: float | None, ratio: float | None) -> bool:
        """Return whether a figure, or the peer's figure over ours, reaches the bar; a missing one does not."""
        figure = ratio if self.kind in {"faster", "share_of_peer"} else value
        if figure is None:
            return False
        return {
            "at_most": figure <= self.limit,
            "at_least": figure >= self.limit,
            "between": self.low <= figure <= self.limit,
            "faster": figure >= self.limit,
            "share_of_peer": figure > 0 and 1 / figure <= self.limit,
        }[self.kind]


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Attributes:
        phase: What was done (``build and pass``, ``peak memory``...).
        value: varme's figure.
        unit: Its unit: ``s`` are CPU seconds.
        size: Size of the model, for the line that begins a subject.
        peer: Who was measured beside us.
        peer_value: The peer's figure in the same unit, from the same run.
        bar: What must be reached, or ``None`` for information.
        note: What a reader must know to judge the figure.
    """

    phase: str
    value: float | None
    unit: str = "s"
    size: str = ""
    peer: str = ""
    peer_value: float | None = None
    bar: Bar | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The peer's figure over ours."""
        return self.peer_value / self.value if self.peer_value is not None and self.value else None

    @property
    def passed(self) -> bool | None:
        """Whether the bar was reached; ``None`` without a bar. A figure that is missing has not reached it."""
        return None if self.bar is None else self.bar.reached(self.value, self.ratio)


@dataclass(frozen=True)
class Options:
    """How thoroughly to measure: ``quick`` takes fewer repetitions and leaves out what takes minutes."""

    quick: bool = False

    @property
    def repeats(self) -> int:
        """Repetitions of short measurements; their median counts."""
        return 5 if self.quick else 9


Measure = Callable[[Options], Iterator[Line]]


@dataclass(frozen=True)
class Subject:
    """A subject of the registry: a name for ``--only``, a title, whether it takes minutes, and how it is measured."""

    name: str
    title: str
    slow: bool
    measure: Measure


SUBJECTS: dict[str, Subject] = {}


def subject(name: str, title: str, *, slow: bool = False) -> Callable[[Measure], Measure]:
    """Register a function that measures a subject."""

    def register(measure: Measure) -> Measure:
        SUBJECTS[name] = Subject(name, title, slow, measure)
        return measure

    return register
