"""Overrides: ``section.name.field=value`` on the plain data of a study, checked against its spec.

Values are written as in TOML (``8.5``, ``true``, ``[1, 2]``, ``{ min = 0, max = 9 }``, ``"text"``); a bare word is
text.
"""

from __future__ import annotations

import copy
import difflib
import tomllib
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from varme.ground.errors import Collector, InputError
from varme.ground.units import dimension_of, stem_of, unit_of

_QUOTED = ("[", "{", '"', "'")
_DEPTH = 6


@dataclass(frozen=True)
class Shape:
    """What an annotation admits: models, tables with free keys, lists; and whether it is plain text."""

    models: tuple[type[BaseModel], ...]
    values: tuple[Any, ...]
    items: tuple[Any, ...]
    text: bool


def shape_of(annotation: Any) -> Shape:
    """Return what an annotation admits, unions and ``Annotated`` taken apart."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return shape_of(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        parts = [shape_of(a) for a in get_args(annotation) if a is not type(None)]
        return Shape(
            tuple(m for p in parts for m in p.models),
            tuple(v for p in parts for v in p.values),
            tuple(i for p in parts for i in p.items),
            all(p.text for p in parts),
        )
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return Shape((annotation,), (), (), False)
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return Shape((), (get_args(annotation)[1],), (), False)
    if origin in (list, tuple):
        return Shape((), (), (get_args(annotation)[0],), False)
    return Shape((), (), (), annotation is str)


def overridden(
    model: type[BaseModel], data: Mapping[str, Any], overrides: Any, source: str
) -> dict[str, Any]:
    """Return a copy of a study's plain data with some values replaced.

    Args:
        model: Spec of the study.
        data: Plain data.
        overrides: ``{path: value}``, or texts ``path=value``.
        source: Shown in the headline of the error.

    Raises:
        InputError: P111 for every path that names no field and every text that is not ``path=value``.
    """
    out: dict[str, Any] = copy.deepcopy(dict(data))
    problems = Collector()
    for path, value, raw in _pairs(problems, overrides):
        _Placing(model, out, path, problems).place(value, raw)
    problems.raise_if_any(InputError, source)
    return out


def _pairs(
    problems: Collector, overrides: Mapping[str, Any] | Iterable[str]
) -> Iterator[tuple[str, Any, str | None]]:
    """Yield path, value, and the text of the value if it came as text."""
    if isinstance(overrides, Mapping):
        for path, value in overrides.items():
            yield str(path), value, None
        return
    for text in [overrides] if isinstance(overrides, str) else overrides:
        path, separator, raw = text.partition("=")
        if not separator or not path.strip():
            problems.add("P111", f"--set {text}", "is not of the form field=value")
            continue
        try:
            yield path.strip(), value_of(raw.strip()), raw.strip()
        except ValueError as error:
            problems.add("P111", f"--set {text}", f"the value is not valid TOML: {error}", value=raw.strip())


def value_of(text: str) -> Any:
    """Return the value that a text stands for: TOML, or the text itself if it is a bare word.

    >>> value_of("8.5"), value_of("fast"), value_of("[1, 2]")
    (8.5, 'fast', [1, 2])

    Raises:
        ValueError: if it begins like a TOML list, table or quoted text and is none.
    """
    try:
        parsed = tomllib.loads(f"value = {text}\n")
    except tomllib.TOMLDecodeError as error:
        if text.startswith(_QUOTED):
            raise ValueError(str(error)) from None
        return text
    return parsed["value"] if list(parsed) == ["value"] else text


def _is_free(values: tuple[Any, ...]) -> bool:
    """Return whether the values of a table are tables of anything, so that any name may begin one."""
    return any(get_origin(value) in (dict, Mapping) for value in values)


class _Placing:
    """Follows one path through spec and data together."""

    def __init__(self, model: type[BaseModel], data: dict[str, Any], path: str, problems: Collector) -> None:
        self.model = model
        self.path = path
        self.problems = problems
        self.node: Any = data
        self.shape = Shape((model,), (), (), False)
        self.trail: list[str] = []

    def place(self, value: Any, raw: str | None) -> None:
        """Put the value where the path leads, or note why it cannot be."""
        parts = self.path.replace("[", ".").replace("]", "").split(".")
        for part in parts[:-1]:
            if not self._descend(part):
                return
        self._set(parts[-1], value, raw)

    def _descend(self, part: str) -> bool:
        if isinstance(self.node, list):
            return self._descend_list(part)
        if not isinstance(self.node, dict):
            holder = ".".join(self.trail)
            self._bad(
                f"{holder} is {self.node!r} here, not a table", f"Give the whole table: {holder}={{ ... }}."
            )
            return False
        field = self._field(part)
        if field is not None:
            if part not in self.node or self.node[part] is None:
                self.node[part] = _default(field)
            self.shape = shape_of(field.annotation)
        elif self.shape.values and (part in self.node or _is_free(self.shape.values)):
            self.node.setdefault(part, {})
            self.shape = _joined(self.shape.values)
        else:
            self._unknown(part, self._keys())
            return False
        self.node = self.node[part]
        self.trail.append(part)
        return True

    def _descend_list(self, part: str) -> bool:
        index = next(
            (i for i, v in enumerate(self.node) if isinstance(v, dict) and v.get("name") == part), None
        )
        if index is None and part.isdigit() and int(part) < len(self.node):
            index = int(part)
        if index is None:
            named = [str(v["name"]) for v in self.node if isinstance(v, dict) and "name" in v]
            self._unknown(part, named or [str(i) for i in range(len(self.node))])
            return False
        self.node = self.node[index]
        self.shape = _joined(self.shape.items)
        self.trail.append(part)
        return True

    def _set(self, part: str, value: Any, raw: str | None) -> None:
        if isinstance(self.node, list):
            if part.isdigit() and int(part) < len(self.node):
                self.node[int(part)] = value
            else:
                self._unknown(part, [str(i) for i in range(len(self.node))])
            return
        if not isinstance(self.node, dict):
            self._descend(part)
            return
        field = self._field(part)
        twin = next((name for name in self._fields() if _same_quantity(part, name)), None)
        entry = bool(self.shape.values) and (
            part in self.node or isinstance(value, dict) or Any in self.shape.values
        )
        if field is None and twin is None and not entry:
            self._unknown(part, self._keys())
            return
        for other in [k for k in self.node if k != part and _same_quantity(k, part)]:
            del self.node[other]
        is_text = field is not None and shape_of(field.annotation).text
        self.node[part] = raw if is_text and raw is not None and not isinstance(value, str) else value

    def _fields(self) -> dict[str, FieldInfo]:
        """Return the fields that may stand here; a table's ``type`` narrows a union of models."""
        models = self.shape.models
        tag = self.node.get("type") if isinstance(self.node, dict) else None
        tagged = [m for m in models if "type" in m.model_fields and tag in _tags(m.model_fields["type"])]
        return {name: info for m in (tagged or models) for name, info in m.model_fields.items()}

    def _field(self, part: str) -> FieldInfo | None:
        return self._fields().get(part)

    def _keys(self) -> list[str]:
        free = [str(k) for k in self.node] if self.shape.values and isinstance(self.node, dict) else []
        return list(dict.fromkeys([*self._fields(), *free]))

    def _unknown(self, part: str, choices: list[str]) -> None:
        near = difflib.get_close_matches(part, choices, n=1, cutoff=0.6)
        holder = ".".join(self.trail)
        what = f"{holder or 'the study'} has no {part}"
        if near:
            rest = self.path.split(".")[len(self.trail) + 1 :]
            self._bad(what, f"Did you mean {'.'.join([*self.trail, near[0], *rest])}?")
            return
        leaf = self.path.split(".")[-1]
        elsewhere = [p for p in field_paths(self.model) if p.split(".")[-1] == leaf]
        if elsewhere and not self.trail:
            self._bad(what, f"Did you mean {elsewhere[0]}?")
        else:
            self._bad(what, "", f"there are: {', '.join(choices)}" if choices else "")

    def _bad(self, what: str, remedy: str, limit: str = "") -> None:
        self.problems.add("P111", f"--set {self.path}", what, limit=limit, remedy=remedy)


def _tags(field: FieldInfo) -> tuple[Any, ...]:
    return get_args(field.annotation) if get_origin(field.annotation) is Literal else (field.default,)


def _default(field: FieldInfo) -> Any:
    default = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(default, BaseModel):
        return default.model_dump(mode="json")
    if isinstance(default, Mapping):
        return {k: v.model_dump(mode="json") if isinstance(v, BaseModel) else v for k, v in default.items()}
    if isinstance(default, (list, tuple)):
        return [v.model_dump(mode="json") if isinstance(v, BaseModel) else v for v in default]
    return {} if field.is_required() or default is None else default


def _joined(annotations: tuple[Any, ...]) -> Shape:
    return shape_of(annotations[0] if len(annotations) == 1 else Union[annotations])  # noqa: UP007


def _same_quantity(one: str, other: str) -> bool:
    """Tell whether two names are one quantity in two units of a dimension (``heat_max_kw``, ``heat_max_mw``)."""
    first, second = unit_of(one), unit_of(other)
    if first is None or second is None or one == other:
        return False
    return stem_of(one) == stem_of(other) and dimension_of(first) == dimension_of(second)


def field_paths(model: type[BaseModel], prefix: str = "", depth: int = _DEPTH) -> list[str]:
    """Return the paths of all fields of a spec; ``NAME`` stands for a free key, ``0`` for a place in a list."""
    found: list[str] = []
    for name, info in model.model_fields.items():
        path = f"{prefix}{name}"
        found.append(path)
        if depth <= 0:
            continue
        shape = shape_of(info.annotation)
        inner = [(m, f"{path}.") for m in shape.models]
        inner += [(m, f"{path}.NAME.") for v in shape.values for m in shape_of(v).models]
        inner += [(m, f"{path}.0.") for v in shape.items for m in shape_of(v).models]
        for below, start in inner:
            found += [p for p in field_paths(below, start, depth - 1) if p not in found]
    return found
