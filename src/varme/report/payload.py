"""Chart options packed for a page: each column once, runs of times as steps, safe inside a ``<script>`` element.

A packed column is ``{"$": 3}``, a place in the list of columns. A column there is a plain list, or
``{"first": t, "runs": [[step, count], ...]}`` for whole numbers that grow in equal steps (times, cell numbers).
"""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np

#: Shorter lists stay where they are.
SHORT: Final = 24


class Columns:
    """The columns of a page, each kept once."""

    def __init__(self) -> None:
        self.packed: list[Any] = []
        self._places: dict[str, int] = {}

    def pack_option(self, option: dict[str, Any]) -> dict[str, Any]:
        """Return an option whose datasets and UTC times point at columns."""
        packed = dict(option)
        dataset = option.get("dataset")
        if isinstance(dataset, list):
            packed["dataset"] = [self._pack_dataset(part) for part in dataset]
        elif dataset is not None:
            packed["dataset"] = self._pack_dataset(dataset)
        meta = dict(option["varme"])
        if meta.get("utc"):
            meta["utc"] = self.pack(meta["utc"])
        packed["varme"] = meta
        return packed

    def _pack_dataset(self, dataset: dict[str, Any]) -> dict[str, Any]:
        return dataset | {"source": {key: self.pack(values) for key, values in dataset["source"].items()}}

    def pack(self, values: list[Any]) -> Any:
        """Return a list as it is if it is short, else its place among the columns."""
        if len(values) <= SHORT:
            return values
        column = _runs(values) or values
        text = json.dumps(column, separators=(",", ":"), allow_nan=False)
        place = self._places.setdefault(text, len(self.packed))
        if place == len(self.packed):
            self.packed.append(column)
        return {"$": place}


def _runs(values: list[Any]) -> dict[str, Any] | None:
    """Return whole numbers as runs of equal steps, or ``None`` where that is no shorter."""
    if not all(type(v) is int for v in values):
        return None
    steps = np.diff(np.asarray(values, dtype=np.int64))
    starts = np.concatenate(([0], np.nonzero(np.diff(steps))[0] + 1))
    if 2 * len(starts) >= len(values):
        return None
    counts = np.diff(np.concatenate((starts, [len(steps)])))
    return {
        "first": values[0],
        "runs": [[int(steps[s]), int(c)] for s, c in zip(starts, counts, strict=True)],
    }


def script_json(data: Any) -> str:
    """Return data as JSON that is safe inside a ``<script>`` element."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
