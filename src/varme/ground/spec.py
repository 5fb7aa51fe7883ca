"""Specs: frozen pydantic models that refuse unknown fields and report all problems at once.

Fields are named with their unit; a user may write another unit of the same dimension (``heat_max_kw`` for
``heat_max_mw``): numbers and lists of numbers are converted, so nothing depends on remembering which one a device uses.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Any, TypeVar, get_origin

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema

from varme.ground.errors import CODES, Collector, InputError, Problem
from varme.ground.units import UNITS, conversion_factor, dimension_of, label_of, stem_of, unit_of


def _make_strict(schema: Any) -> None:
    if isinstance(schema, dict):
        if schema.get("type") in ("float", "int", "bool"):
            schema["strict"] = True
        for part in schema.values():
            _make_strict(part)
    elif isinstance(schema, (list, tuple)):
        for part in schema:
            _make_strict(part)


class Spec(BaseModel):
    """Base of everything that is read from a study file."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        arbitrary_types_allowed=True,
        validate_default=False,
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Take numbers for numbers only: ``true`` is not 1.0 and ``"5"`` is not 5."""
        schema = handler(source)
        _make_strict(schema)
        return schema

    @model_validator(mode="before")
    @classmethod
    def _convert_units(cls, data: Any) -> Any:
        """Turn ``heat_max_kw`` into ``heat_max_mw`` where the model has only the latter."""
        if not isinstance(data, dict):
            return data
        unknown = [key for key in data if isinstance(key, str) and key not in cls.model_fields]
        if not unknown:
            return data
        out = dict(data)
        for key in unknown:
            target = _same_dimension_field(key, cls)
            if target is None or target in out:
                continue
            factor = conversion_factor(str(unit_of(key)), str(unit_of(target)))
            converted = _scaled(out[key], factor)
            if converted is not None:
                out[target] = converted
                del out[key]
        return out


SpecT = TypeVar("SpecT", bound=Spec)


def _same_dimension_field(key: str, model: type[BaseModel]) -> str | None:
    unit = unit_of(key)
    if unit is None or not _is_physical(key):
        return None
    for name in model.model_fields:
        other = unit_of(name) if _is_physical(name) else None
        if other and stem_of(name) == stem_of(key) and dimension_of(other) == dimension_of(unit):
            return name
    return None


def _is_physical(name: str) -> bool:
    """Return whether a name can be converted: ``min`` and ``c`` alone are no minutes and degrees."""
    return bool(stem_of(name)) or "_per_" in name


def _scaled(value: Any, factor: float) -> Any:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value * factor
    if isinstance(value, list) and all(
        isinstance(v, (int, float)) and not isinstance(v, bool) for v in value
    ):
        return [v * factor for v in value]
    return None


def read_file(path: Path) -> dict[str, Any]:
    """Read a TOML or JSON file into plain data.

    Raises:
        InputError: P100 if it is absent, unreadable or not valid.
    """
    problems = Collector()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        near = _nearest_file(path)
        problems.add("P100", str(path), "no such file", remedy=f"Did you mean {near}?" if near else "")
    except (OSError, UnicodeDecodeError) as error:
        problems.add("P100", str(path), f"cannot be read: {error}")
    problems.raise_if_any()
    try:
        data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        problems.add("P100", str(path), f"not valid {'JSON' if path.suffix == '.json' else 'TOML'}: {error}")
    problems.raise_if_any()
    if not isinstance(data, dict):
        problems.add("P100", str(path), "a study is a table of fields", value=type(data).__name__)
    problems.raise_if_any()
    return dict(data)


def _nearest_file(path: Path) -> str:
    folder = path.parent if path.parent.is_dir() else Path()
    names = [p.name for p in folder.glob("*.toml")]
    names += [f"{p.parent.name}/{p.name}" for p in folder.glob("*/study.toml")]
    match = difflib.get_close_matches(path.name, names, n=1, cutoff=0.4)
    return str(folder / match[0]) if match else ""


def parse(model: type[SpecT], data: dict[str, Any], source: str) -> SpecT:
    """Validate plain data against a spec.

    Args:
        model: The spec class.
        data: Plain data, as read from TOML or JSON.
        source: Shown in the headline of the error.

    Raises:
        InputError: with every problem found: P101 limits, P102 types, P103 missing, P104 unknown, P105 wrong unit,
            P106 unknown kind, P108 contradictions, P109 energy created.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InputError(_problems_of(error, model, data), source) from None


#: Where a problem is that belongs to no field in particular.
_WHOLE = "study"


@dataclass
class _Place:
    """Where an error is, followed through the model and the data side by side.

    Attributes:
        path: Keys and indices as the user wrote them.
        owner: The model that the leaf belongs to.
        field: The leaf's field, if it is one.
        value: What the user wrote there; ``None`` if nothing.
        branch: Depth of the location at which a union branches, and the branch's label; ``None`` outside unions.
    """

    path: list[str | int] = dataclass_field(default_factory=list)
    owner: type[BaseModel] | None = None
    field: FieldInfo | None = None
    value: Any = None
    branch: tuple[int, str] | None = None

    def text(self) -> str:
        """Return the path as ``devices.HP1.cop[3]``."""
        out = ""
        for part in self.path:
            out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else part
        return out or _WHOLE


def _follow(model: type[BaseModel], data: Any, location: tuple[int | str, ...]) -> _Place:
    """Follow an error's location; what the data do not hold is a branch that pydantic names, not the user."""
    place, owners, value, mapping = _Place(), [model], data, False
    for depth, part in enumerate(location):
        if isinstance(part, int):
            place.path.append(part)
            value = value[part] if isinstance(value, (list, tuple)) and part < len(value) else None
            continue
        info = (
            None if mapping else next((o.model_fields[part] for o in owners if part in o.model_fields), None)
        )
        key = _key_in(value, part, info is not None)
        if key is None:
            tagged = [o for o in owners if _tag_of(o) == part]
            owners = tagged or [o for o in owners if o.__name__ in part] or owners
            place.branch = place.branch or (None if tagged else (depth, part))
            continue
        place.path.append(key)
        place.owner, place.field = owners[0] if owners else None, info
        if info is not None:
            place.owner = next(o for o in owners if part in o.model_fields)
            owners = models_in(info.annotation)
            mapping = get_origin(info.annotation) is dict
        else:
            mapping = False
        value = value.get(key) if isinstance(value, dict) else None
    place.value = value
    return place


def _key_in(value: Any, part: str, is_field: bool) -> str | None:
    """Return the key that the user wrote for a location's part, or ``None`` if it is no key."""
    if not isinstance(value, dict):
        return None
    if part in value:
        return part
    if not is_field:
        return None
    unit = unit_of(part)
    same = [k for k in value if isinstance(k, str) and unit_of(k) and stem_of(k) == stem_of(part)]
    return (
        next((k for k in same if dimension_of(str(unit_of(k))) == dimension_of(str(unit))), part)
        if unit
        else part
    )


def _problems_of(error: ValidationError, model: type[BaseModel], data: dict[str, Any]) -> list[Problem]:
    problems = Collector()
    items = [(item, _follow(model, data, item["loc"])) for item in error.errors(include_url=False)]
    items = _meant_branches(items, problems, model, data)
    for item, place in items:
        _one_problem(problems, item, place)
    return list(dict.fromkeys(problems.problems))


def _one_problem(problems: Collector, item: Any, place: _Place) -> None:
    path, kind, context = place.text(), str(item["type"]), item.get("ctx", {})
    meaning = (place.field.description or "").split("\n")[0].rstrip(".") if place.field is not None else ""
    shown = _shown(place.value)
    if kind == "missing":
        if place.path and place.value is None:
            problems.add("P103", path, f"must be given. {meaning}".strip(" ."))
    elif kind == "extra_forbidden":
        _unknown_field(problems, place, str(item["loc"][-1]), shown)
    elif kind == "union_tag_invalid":
        tag, name = str(context["tag"]), str(context["discriminator"]).strip("'")
        _no_choice(problems, f"{path}.{name}", repr(tag), str(context["expected_tags"]))
    elif kind in {"literal_error", "enum"}:
        _no_choice(problems, path, shown, str(context.get("expected", "")))
    elif kind == "union_tag_not_found":
        name = str(context.get("discriminator", "type")).strip("'")
        problems.add("P103", f"{path}.{name}", "must be given: it says which fields there are")
    elif kind == "value_error":
        _custom(problems, path, str(context.get("error", item["msg"])), place.value)
    elif kind in _LIMITS:
        limit = _LIMITS[kind].format(*context.values())
        problems.add("P101", path, f"outside its limits. {meaning}".strip(" ."), value=shown, limit=limit)
    else:
        what = _TYPES.get(kind, str(item["msg"]).replace("Input should be", "must be"))
        problems.add("P102", path, f"{what}. {meaning}".strip(" ."), value=shown)


_LIMITS = {
    "greater_than": "must be > {0:g}",
    "greater_than_equal": "must be >= {0:g}",
    "less_than": "must be < {0:g}",
    "less_than_equal": "must be <= {0:g}",
    "finite_number": "must be a finite number",
    "too_short": "must have at least {1} entries",
    "too_long": "must have at most {1} entries",
}
_TYPES = {
    **dict.fromkeys(("float_type", "float_parsing"), "must be a number"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "must be a whole number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    **dict.fromkeys(("list_type", "tuple_type"), "must be a list"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "must be a table of fields"),
    "string_type": "must be text",
    "none_required": "must be left out",
}


def _meant_branches(
    items: list[tuple[Any, _Place]], problems: Collector, model: type[BaseModel], data: Any
) -> list[tuple[Any, _Place]]:
    """Of a union, keep what concerns the alternative that the user meant; say what there is if none was meant."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for number, (item, place) in enumerate(items):
        if place.branch is not None:
            groups.setdefault(item["loc"][: place.branch[0]], []).append(number)
    drop: set[int] = set()
    for location, members in groups.items():
        labels = list(dict.fromkeys(items[m][1].branch[1] for m in members))  # type: ignore[index]
        parent = _follow(model, data, location)
        models = models_in(parent.field.annotation) if parent.field is not None else []
        meant = _meant(parent.value, labels, models)
        if meant is None:
            choices = ", or ".join(dict.fromkeys(_described(label, models) for label in labels))
            meaning = (
                (parent.field.description or "").split("\n")[0].rstrip(".")
                if parent.field is not None
                else ""
            )
            problems.add(
                "P102", parent.text(), f"must be {choices}. {meaning}".strip(" ."), value=_shown(parent.value)
            )
        drop |= {m for m in members if items[m][1].branch[1] != meant}  # type: ignore[index]
    return [pair for number, pair in enumerate(items) if number not in drop]


def _meant(value: Any, labels: list[str], models: list[type[BaseModel]]) -> str | None:
    """Return the label of the alternative that a value was meant to be, or ``None``."""
    if isinstance(value, list):
        return next((label for label in labels if label.startswith("list[")), None)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return next((label for label in labels if label in _NUMBERS or "constrained-" in label), None)
    if not isinstance(value, dict):
        return None
    best, most = None, 0.0
    for label in labels:
        for model in models:
            if model.__name__ in label:
                fields = list(model.model_fields)
                near = [
                    1.0 if k in fields else 0.5
                    for k in value
                    if difflib.get_close_matches(str(k), fields, 1, 0.6)
                ]
                best, most = (label, sum(near)) if sum(near) > most else (best, most)
    return best


_NUMBERS = {"float": "a number", "int": "a whole number", "str": "text", "bool": "true or false"}
_MOMENTS = ("date", "datetime")


def _described(label: str, models: list[type[BaseModel]]) -> str:
    for model in models:
        if model.__name__ in label:
            needed = [name for name, info in model.model_fields.items() if info.is_required()]
            return f"a table {{ {', '.join(f'{name} = ...' for name in needed)} }}"
    if label in _MOMENTS:
        return "a date (2011-01-31) or a date with time (2011-01-31T12:00)"
    return "a list of numbers" if label.startswith("list[") else _NUMBERS.get(label, "a number")


def _no_choice(problems: Collector, path: str, shown: str, choices: str) -> None:
    near = difflib.get_close_matches(shown.strip("'"), re.findall(r"'([^']*)'", choices), n=1)
    remedy = f"Did you mean {near[0]}?" if near else ""
    problems.add("P106", path, "is not a known choice", value=shown, limit=choices, remedy=remedy)


def _custom(problems: Collector, path: str, message: str, value: Any) -> None:
    """Add a problem raised by a validator.

    ``P109: text | remedy`` states its own code and, if it likes, a remedy; ``P101 cop: text`` also the field.
    """
    head, separator, rest = message.partition(": ")
    code, _, name = head.partition(" ")
    if separator and code in CODES and not name.count(" "):
        what, _, remedy = rest.partition(" | ")
        inner = value.get(name) if name and isinstance(value, dict) else value
        shown = _shown(inner) if isinstance(inner, (int, float, str)) else ""
        where = name if name and path == _WHOLE else f"{path}.{name}" if name else path
        problems.add(code, where, what, value=shown, remedy=remedy)
    else:
        problems.add(
            "P108", path, message, value=_shown(value) if isinstance(value, (int, float, str)) else ""
        )


def _unknown_field(problems: Collector, place: _Place, key: str, shown: str) -> None:
    path, fields = place.text(), list(place.owner.model_fields) if place.owner is not None else []
    target = _same_dimension_field(key, place.owner) if place.owner is not None else None
    if target is not None:
        if isinstance(place.value, (int, float)) and not isinstance(place.value, bool):
            problems.add(
                "P108", path, f"{target} is given too, which is the same field in another unit", value=shown
            )
        else:
            what = f"only numbers are converted from {unit_of(key)} to {unit_of(target)}; give {target} itself here"
            problems.add("P105", path, what, value=shown, remedy=f"Use {target}.")
        return
    unit = unit_of(key)
    for name in fields:
        other = unit_of(name)
        if unit and other and stem_of(name) and stem_of(name) == stem_of(key):
            problems.add(
                "P105", path, f"{_with_article(dimension_of(unit))} stands where {_with_article(dimension_of(other))} "
                "belongs", value=shown, remedy=f"Use {name} [{label_of(other)}], or a unit of the same dimension.",
            )  # fmt: skip
            return
    near = difflib.get_close_matches(key, fields, n=1, cutoff=0.5)
    if near:
        problems.add(
            "P104", path, f"unknown field; did you mean {near[0]}?", value=shown, remedy=f"Use {near[0]}."
        )
    else:
        problems.add(
            "P104", path, "unknown field", value=shown, limit=f"fields: {', '.join(fields)}" if fields else ""
        )


def _with_article(dimension: str) -> str:
    return f"an {dimension}" if dimension[0] in "aeiou" else f"a {dimension}"


def _tag_of(model: type[BaseModel]) -> str:
    for name in ("type", "kind"):
        info = model.model_fields.get(name)
        if info is not None and isinstance(info.default, str):
            return info.default
    return ""


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the pydantic models that occur in a type annotation (unions, lists and dicts are searched)."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    found: list[type[BaseModel]] = []
    for argument in getattr(annotation, "__args__", ()):
        found += [m for m in models_in(argument) if m not in found]
    return found


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def unit_suffix_problems(model: type[BaseModel]) -> list[str]:
    """Return the names of the numeric fields of a spec that end in no known unit (for the naming test)."""
    return [
        f"{model.__name__}.{name}"
        for name, info in model.model_fields.items()
        if unit_of(name) is None and _holds_floats(info.annotation)
    ]


def _holds_floats(annotation: Any) -> bool:
    """Return whether numbers may stand in a field: alone, in a list, or as one of several alternatives."""
    return annotation is float or any(_holds_floats(a) for a in getattr(annotation, "__args__", ()))


__all__ = ["UNITS", "Spec", "models_in", "parse", "read_file", "unit_suffix_problems"]
