"""The axes of a sweep: which fields take which values."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from varme.ground.errors import Collector, InputError
from varme.study.overrides import value_of

#: More points than this are a mistake of the step.
MOST = 100_000

#: What may be given: ``{field: values}``, ``["field=a,b,c", "field=from:to:step"]``, or points ``[{field: value}]``.
Vary = Mapping[str, Sequence[Any]] | Iterable[str] | Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Axes:
    """Fields, and the points: one value for each field.

    Attributes:
        fields: Paths of the fields.
        points: One tuple of values per point, in the order in which they are shown.
    """

    fields: tuple[str, ...]
    points: tuple[tuple[Any, ...], ...]

    def settings(self, point: tuple[Any, ...]) -> dict[str, Any]:
        """Return the overrides of a point."""
        return dict(zip(self.fields, point, strict=True))

    def columns(self) -> list[str]:
        """Return a short, unique name for each field: its last parts, as many as are needed."""
        for count in range(1, 12):
            short = ["_".join(f.replace("-", "_").split(".")[-count:]) for f in self.fields]
            if len(set(short)) == len(short):
                return short
        return list(self.fields)

    def label(self, point: tuple[Any, ...]) -> str:
        """Return a point as text."""
        return ", ".join(f"{f}={v}" for f, v in zip(self.fields, point, strict=True))


def read_axes(vary: Vary) -> Axes:
    """Return the axes that are meant.

    Raises:
        InputError: P111 for everything that is not ``field=a,b,c`` or ``field=from:to:step``, P101 for too many points.
    """
    problems = Collector()
    given = list(vary.items()) if isinstance(vary, Mapping) else list(vary)
    if given and all(isinstance(v, Mapping) for v in given):
        axes = _explicit(problems, [dict(v) for v in given if isinstance(v, Mapping)])
    else:
        axes = _product(problems, given)
    if not len(problems) and len(axes.points) > MOST:
        problems.add(
            "P101", "--vary", "so many points are a mistake", value=len(axes.points), limit=f"at most {MOST}"
        )
    problems.raise_if_any(InputError)
    return axes


def _explicit(problems: Collector, points: list[dict[str, Any]]) -> Axes:
    fields = tuple(points[0])
    for number, point in enumerate(points):
        if set(point) != set(fields):
            what = f"names {sorted(point)}, the first point {sorted(fields)}"
            problems.add("P111", f"--vary point {number + 1}", what)
    return Axes(fields, tuple(tuple(p.get(f) for f in fields) for p in points))


def _product(problems: Collector, given: list[Any]) -> Axes:
    values: dict[str, list[Any]] = {}
    for entry in given:
        if isinstance(entry, str):
            field, separator, text = entry.partition("=")
            if not separator or not field.strip() or not text.strip():
                problems.add(
                    "P111", f"--vary {entry}", "is not of the form field=a,b,c or field=from:to:step"
                )
                continue
            found = _values(problems, entry, text.strip())
        else:
            field, found = entry[0], list(entry[1])
        field = field.strip()
        if field in values:
            problems.add("P111", f"--vary {field}", "is given twice", remedy="Give all its values at once.")
        if not found and not len(problems):
            problems.add("P111", f"--vary {field}", "has no values")
        values[field] = found
    if not values and not len(problems):
        problems.add("P111", "--vary", "is missing: which field takes which values")
    if not len(problems):
        count = 1
        for found in values.values():
            count *= len(found)
        if count > MOST:
            problems.add(
                "P101", "--vary", "so many points are a mistake", value=count, limit=f"at most {MOST}"
            )
            return Axes((), ())
    return Axes(tuple(values), tuple(itertools.product(*values.values())))


def _values(problems: Collector, entry: str, text: str) -> list[Any]:
    if text.count(":") == 2 and "," not in text and not text.startswith(('"', "'")):
        return _range(problems, entry, text)
    try:
        return (
            list(value_of(f"[{text}]"))
            if text[0] in "[{\"'"
            else [value_of(t.strip()) for t in text.split(",")]
        )
    except ValueError as error:
        problems.add("P111", f"--vary {entry}", f"a value is not valid TOML: {error}")
        return []


def _range(problems: Collector, entry: str, text: str) -> list[Any]:
    """Return from, from + step, ... up to and with the end; in decimal arithmetic, so that 0.1 steps are exact."""
    try:
        first, last, step = (Decimal(part) for part in text.split(":"))
    except InvalidOperation:
        problems.add("P111", f"--vary {entry}", "from:to:step must be three numbers", value=text)
        return []
    finite = first.is_finite() and last.is_finite() and step.is_finite()
    if not finite or step == 0 or (last - first) * step < 0:
        problems.add(
            "P111", f"--vary {entry}", "the step does not lead from the first to the last value", value=text
        )
        return []
    count = int((last - first) / step) + 1
    if count > MOST:
        problems.add(
            "P101", f"--vary {entry}", "so many points are a mistake", value=count, limit=f"at most {MOST}"
        )
        return []
    whole = all(part == part.to_integral_value() and "." not in str(part) for part in (first, step))
    return [int(first + i * step) if whole else float(first + i * step) for i in range(count)]
