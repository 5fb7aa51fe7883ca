"""The ledger of cleaning: what each rule found, by meter, with counters that are complete and lines that are capped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from varme.data.clean.runs import Runs


@dataclass(frozen=True)
class AuditLine:
    """One thing that a rule found: what it was, where, and what was done.

    Attributes:
        rule: Name of the rule.
        meter: Id of the meter.
        first: First step concerned (day or instant).
        last: Last step concerned.
        steps: Number of steps.
        action: What was done (``removed``, ``corrected``, ``flagged``).
        detail: The figures behind it.
    """

    rule: str
    meter: str
    first: np.datetime64
    last: np.datetime64
    steps: int
    action: str
    detail: str = ""


@dataclass
class Ledger:
    """What the rules found in one panel.

    Attributes:
        meters: Number of meters.
        counts: Rule -> steps touched, by meter.
    """

    meters: int
    counts: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    _entries: list[tuple[str, Runs, str, str, NDArray[np.float64], NDArray[np.int64]]] = field(
        default_factory=list
    )

    def add(
        self,
        rule: str,
        runs: Runs,
        action: str,
        text: str = "",
        figures: ArrayLike | None = None,
        steps: NDArray[np.int64] | None = None,
    ) -> None:
        """Enter what a rule found.

        Args:
            rule: Name of the rule.
            runs: Where.
            action: ``removed``, ``corrected`` or ``flagged``.
            text: Sentence with a place for each figure (``{0:.1f}``).
            figures: One row of figures per run (or one figure).
            steps: Steps touched, where that is not the length of the run.
        """
        if not len(runs):
            return
        count = self.counts.setdefault(rule, np.zeros(self.meters, dtype=np.int64))
        touched = runs.length if steps is None else steps
        np.add.at(count, runs.row, touched)
        numbers = np.zeros((len(runs), 0)) if figures is None else np.asarray(figures, dtype=np.float64)
        self._entries.append((rule, runs, action, text, numbers.reshape(len(runs), -1), touched))

    def events(self) -> Iterator[tuple[str, int, int, int]]:
        """Yield rule, row, first and last step of everything that was found, in the order of the rules."""
        for rule, runs, *_ in self._entries:
            yield from zip(
                [rule] * len(runs), runs.row.tolist(), runs.first.tolist(), runs.last.tolist(), strict=True
            )

    def lines(self, meters: tuple[str, ...], steps: NDArray[Any], most: int) -> tuple[AuditLine, ...]:
        """Return audit lines in the order of meters and times, at most so many; every rule keeps its first ones."""
        if not self._entries:
            return ()
        which = np.concatenate([np.full(len(e[1]), i) for i, e in enumerate(self._entries)])
        inside = np.concatenate([np.arange(len(e[1])) for e in self._entries])
        rules = sorted(self.counts)
        rule = np.array([rules.index(e[0]) for e in self._entries])[which]
        row = np.concatenate([e[1].row for e in self._entries])
        first = np.concatenate([e[1].first for e in self._entries])
        order = np.lexsort((rule, first, row))
        if len(order) > most:
            rank = np.zeros(len(order), dtype=np.int64)
            for r in range(len(rules)):
                mine = order[rule[order] == r]
                rank[mine] = np.arange(len(mine))
            kept = np.zeros(len(order), dtype=bool)
            kept[np.lexsort((first, row, rank))[:most]] = True
            order = order[kept[order]]
        out = []
        for i in order.tolist():
            name, runs, action, text, figures, touched = self._entries[which[i]]
            k = int(inside[i])
            row_of, begin, end = int(runs.row[k]), steps[int(runs.first[k])], steps[int(runs.last[k])]
            detail = text.format(*figures[k].tolist())
            out.append(AuditLine(name, meters[row_of], begin, end, int(touched[k]), action, detail))
        return tuple(out)
