"""Specs: frozen pydantic models that refuse unknown fields and report all problems at once.

Fields are named with their unit; a user may write another unit of the same dimension (``heat_max_kw`` for
``heat_max_mw``): numbers and lists of numbers are converted, so nothing depends on remembering which one a device uses.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.fields import FieldInfo

from varme.ground.errors import Collector, InputError
from varme.ground.units import UNITS, conversion_factor, dimension_of, stem_of, unit_of


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
    if unit is None:
        return None
    for name in model.model_fields:
        other = unit_of(name)
        if other and stem_of(name) == stem_of(key) and dimension_of(other) == dimension_of(unit):
            return name
    return None


def _scaled(value: Any, factor: float) -> Any:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value * factor
    if isinstance(value, list) and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in value):
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


def _problems_of(error: ValidationError, model: type[BaseModel], data: dict[str, Any]) -> list[Any]:
    problems = Collector()
    for item in error.errors(include_url=False):
        path = _field_path(item["loc"])
        kind = str(item["type"])
        context = item.get("ctx", {})
        owner, field = _owner_and_field(model, item["loc"])
        meaning = (field.description or "").split("\n")[0] if field is not None else ""
        shown = _shown(item.get("input"))
        if kind == "missing":
            problems.add("P103", path, f"must be given. {meaning}".strip())
        elif kind == "extra_forbidden":
            _unknown_field(problems, path, str(item["loc"][-1]), owner, shown)
        elif kind in {"union_tag_invalid", "literal_error", "enum"}:
            choices = str(context.get("expected_tags") or context.get("expected", ""))
            near = difflib.get_close_matches(shown.strip("'"), choices.replace("'", "").replace(",", "").split(), n=1)
            remedy = f"Did you mean {near[0]}?" if near else ""
            problems.add("P106", path, "is not a known choice", value=shown, limit=choices, remedy=remedy)
        elif kind == "union_tag_not_found":
            problems.add("P103", path, f"must name its {context.get('discriminator', 'type')}")
        elif kind == "value_error":
            _custom(problems, path, str(context.get("error", item["msg"])), shown)
        elif kind.startswith(("greater_than", "less_than", "multiple_of", "too_", "string_too", "finite")):
            what = str(item["msg"]).replace("Input should be", "must be")
            problems.add("P101", path, f"{what}. {meaning}".strip(". "), value=shown)
        else:
            what = str(item["msg"]).replace("Input should be", "must be")
            problems.add("P102", path, f"{what}. {meaning}".strip(". "), value=shown)
    return problems.problems


def _custom(problems: Collector, path: str, message: str, shown: str) -> None:
    """Add a problem raised by a validator; ``P109: text`` states its own code."""
    code, separator, rest = message.partition(": ")
    if separator and len(code) == 4 and code[0] == "P" and code[1:].isdigit():
        what, _, remedy = rest.partition(" | ")
        problems.add(code, path, what, remedy=remedy)
    else:
        problems.add("P108", path, message, value=shown if len(shown) < 60 else "")


def _unknown_field(problems: Collector, path: str, key: str, owner: type[BaseModel] | None, shown: str) -> None:
    fields = list(owner.model_fields) if owner is not None else []
    unit = unit_of(key)
    for name in fields:
        if unit and unit_of(name) and stem_of(name) == stem_of(key):
            same = dimension_of(unit) == dimension_of(str(unit_of(name)))
            if same:
                what = f"give {name} itself here" if shown else "unknown field"
                problems.add("P105", path, f"only numbers are converted from {unit} to {unit_of(name)}; {what}")
            else:
                problems.add(
                    "P105", path, f"a {dimension_of(unit)} stands where a {dimension_of(str(unit_of(name)))} belongs",
                    value=shown, remedy=f"Use {name} [{unit_of(name)}], or another unit of the same dimension.",
                )  # fmt: skip
            return
    near = difflib.get_close_matches(key, fields, n=1, cutoff=0.5)
    if near:
        problems.add("P104", path, f"unknown field; did you mean {near[0]}?", value=shown, remedy=f"Use {near[0]}.")
    else:
        problems.add("P104", path, "unknown field", value=shown, limit=f"fields: {', '.join(fields)}" if fields else "")


def _field_path(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part and not _is_internal(part):
            text += f".{part}" if text else part
    return text or "study"


def _is_internal(part: str) -> bool:
    """Pydantic puts tags and validator names of unions into the location; people do not write those."""
    return part.startswith(("function-", "constrained-", "list[", "tagged-")) or part in {"float", "int", "str", "bool"}


def _owner_and_field(
    model: type[BaseModel], location: tuple[int | str, ...]
) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """Follow a location through nested models; return the last model and, if the leaf is known, its field."""
    owners: list[type[BaseModel]] = [model]
    field: FieldInfo | None = None
    for part in location:
        found = next((o.model_fields[part] for o in owners if isinstance(part, str) and part in o.model_fields), None)
        if found is not None:
            field = found
            owners = models_in(found.annotation) or owners
        elif isinstance(part, str):
            tagged = [o for o in owners if o.__name__ == part or _tag_of(o) == part]
            owners = tagged or owners
            field = None if not tagged else field
    last = location[-1] if location else None
    for owner in owners:
        if isinstance(last, str) and last in owner.model_fields:
            return owner, owner.model_fields[last]
    return owners[0] if owners else None, field


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
    bad = []
    for name, info in model.model_fields.items():
        if info.annotation in {float, float | None} and unit_of(name) is None:
            bad.append(f"{model.__name__}.{name}")
    return bad


__all__ = ["UNITS", "Spec", "models_in", "parse", "read_file", "unit_suffix_problems"]
