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
        kind: ``at_most`` for the figure itself, ``faster`` for the peer's figure over ours.
    """

    limit: float
    kind: Literal["at_most", "faster"] = "at_most"


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
        if self.bar is None:
            return None
        figure = self.value if self.bar.kind == "at_most" else self.ratio
        if figure is None:
            return False
        return figure <= self.bar.limit if self.bar.kind == "at_most" else figure >= self.bar.limit


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
