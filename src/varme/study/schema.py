"""JSON schemas of the kinds of study, and the files of a new study."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from varme.ground.context import Kind
from varme.ground.errors import InputError, Problem, RunError
from varme.ground.result import write_text
from varme.ground.units import LABELS, UNITS, dimension_of, stem_of, unit_of
from varme.study.registry import find

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(kind: str) -> dict[str, Any]:
    """Return the JSON schema of a kind of study (draft 2020-12).

    Descriptions are the docstrings of the fields; physical fields carry their unit as ``x-unit``. A field may be given
    in another unit of its dimension (``heat_max_kw``): that is a pattern beside the properties.

    Raises:
        InputError: P106 if there is no such kind.
    """
    found = find(kind, "KIND")
    data = found.spec.model_json_schema()
    for model in _objects(data):
        _add_units(model)
    properties = data.get("properties", {})
    if "kind" in properties:
        data["required"] = ["kind", *data.get("required", [])]
    return {"$schema": _DIALECT, "title": f"varme study: {kind}", "description": found.title} | {
        key: value for key, value in data.items() if key not in {"title", "description"}
    }


def _objects(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield data
    yield from data.get("$defs", {}).values()


def _add_units(model: dict[str, Any]) -> None:
    patterns: dict[str, Any] = {}
    choices: list[dict[str, Any]] = []
    properties = model.get("properties", {})
    for name, entry in properties.items():
        unit = unit_of(name)
        if unit is None or not (stem_of(name) or "_per_" in name):  # a field `min` is no time
            continue
        entry["x-unit"] = LABELS[unit]
        others = [u for u in UNITS if u != unit and dimension_of(u) == dimension_of(unit)]
        stem = f"{stem_of(name)}_" if stem_of(name) else ""
        others = [u for u in others if f"{stem}{u}" not in properties]
        if not others:
            continue
        meaning = f"{name} in another unit: it is converted to {LABELS[unit]}."
        patterns[f"^{stem}({'|'.join(others)})$"] = {"description": meaning}
        if name in model.get("required", []):
            model["required"].remove(name)
            names = [name, *(f"{stem}{u}" for u in others)]
            choices.append({"anyOf": [{"required": [n]} for n in names]})
    if patterns:
        model["patternProperties"] = patterns
    if choices:
        model["allOf"] = choices


def template(kind: str) -> dict[str, str]:
    """Return the files of a new study, name -> text; a study on top of another brings that one, too.

    A kind without a template of its own gets a file with its required fields, and the others as comments.

    Raises:
        InputError: P106 if there is no such kind.
    """
    found = find(kind, "KIND")
    return found.template() if found.template is not None else {"study.toml": _outline(found)}


def _outline(kind: Kind) -> str:
    lines = [f"# {kind.title}", f"# All fields: varme schema {kind.name}", "", f'kind = "{kind.name}"']
    sections: list[str] = []
    for name, info in kind.spec.model_fields.items():
        if name == "kind":
            continue
        meaning = " ".join((info.description or "").split())
        default = info.get_default(call_default_factory=True, validated_data={})
        if info.is_required():
            sections += ["", f"# {meaning}", f"# {name} = ...   # must be given"]
        elif isinstance(default, bool):
            lines.append(f"# {name} = {str(default).lower()}   # {meaning}")
        elif isinstance(default, (str, int, float)):
            lines.append(f"# {name} = {default!r}   # {meaning}".replace("'", '"'))
        else:
            sections += ["", f"# {meaning}", f"# [{name}]"]
    return "\n".join(lines + sections) + "\n"


def main_file(kind: str, files: Iterable[Path]) -> Path:
    """Return which of the files of a new study is the one of that kind."""
    toml = [path for path in files if path.suffix == ".toml"]
    return next((path for path in toml if _kind_in(path) == kind), toml[0])


def _kind_in(path: Path) -> str:
    return str(tomllib.loads(path.read_text(encoding="utf-8")).get("kind", ""))


def write_template(kind: str, folder: Path, files: dict[str, str] | None = None) -> list[Path]:
    """Write a new study into a folder and return the paths; nothing is overwritten.

    Args:
        kind: Kind of study.
        folder: Where to write it.
        files: Texts by file name, in place of the kind's template.

    Raises:
        InputError: P106 if there is no such kind.
        RunError: P501 if one of the files exists (then nothing is written), P503 if writing fails.
    """
    files = template(kind) if files is None else files
    there = [folder / name for name in files if (folder / name).exists()]
    if there:
        what = "exists already, and nothing is overwritten"
        remedy = "Name another folder: varme new KIND DIR."
        raise RunError([Problem("P501", str(path), what, remedy=remedy) for path in there])
    for name in files:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise InputError(Problem("P101", name, "a template may only name files inside its folder"))
    try:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_text(folder / name, text)
    except OSError as error:
        raise RunError(Problem("P503", str(folder), f"cannot write: {error.strerror or error}")) from None
    return [folder / name for name in files]
