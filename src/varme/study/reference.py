"""The generated reference, as Markdown: study fields, tables, error codes, units, layouts, synthetic series, Python.

Everything comes from the specs, schemas and registers that also run: the pages cannot tell another story than the code.
``docs/generate.py`` writes them; :func:`undocumented` names what has no line to print.
"""

from __future__ import annotations

import inspect
import json
import re
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from varme.data.layouts import LAYOUTS
from varme.data.synthetic.generate import quantities
from varme.data.synthetic.spec import HeatAreaSpec, SyntheticSpec
from varme.ground.context import Kind
from varme.ground.errors import CODES, DataError, InputError, ModelError, RunError, SolverError, VarmeError
from varme.ground.series import FileSeries, SyntheticSeries
from varme.ground.size import Decision
from varme.ground.spec import models_in
from varme.ground.units import LABELS, UNITS, stem_of, unit_of

#: Models that stand in many fields: described once, at the end of a page.
_SHARED: dict[type[BaseModel], str] = {
    FileSeries: "series-file",
    SyntheticSeries: "series-synthetic",
    Decision: "decision",
}
#: Models with a page of their own.
_ELSEWHERE: dict[type[BaseModel], str] = {SyntheticSpec: "synthetic.md#synthetic"}
_SERIES_TEXT = """\
## Series { #series }

A field of the type *series* takes one of four:

| written as | meaning |
|---|---|
| `demand_mw = 250.0` | the same value in every interval |
| `demand_mw = [210, 230, ...]` | one value per interval of the horizon |
| `demand_mw = { file = "heat.csv", column = "area_1_mw" }` | a column of a CSV or Parquet file, see below |
| `demand_mw = { synthetic = "heat_area_1_mw" }` | a quantity of the [synthetic year](synthetic.md), see below |
"""
_KIND_TEXT = """\
The first line of the file is `kind = "KIND"`. The same as a JSON schema, for editors: `varme schema KIND`.

A physical field may be given in any unit of its dimension: the last part of the name says which, and numbers are
converted (`heat_max_kw` for `heat_max_mw`). Unknown fields are refused, with a suggestion.
"""
_TABLES_TEXT = """\
# Tables and columns

A result's tables come as pandas DataFrames (`result.tables["dispatch"]`), lie in the run folder as
`tables/NAME.parquet`, and are printed by `varme show RUN --table NAME`. Power is the mean over an interval; an interval
is labelled by its start, in UTC. Which tables a result holds depends on the study: stores, heat pumps, a reference
case.
"""
_SWEEP_TEXT = """\
## Table of a sweep

`varme sweep` gives one table, `points`: one row per point, with a column for every varied field, a column for every
numeric figure of the summary, and whether the point failed.
"""
_ERRORS_TEXT = """\
# Error codes

Every message has a code, the place, the value found, the limit and a remedy; all problems of a study are reported at
once. `varme explain P301` prints an entry of this page. In Python they are exceptions of `varme.ground.errors`, all
below `VarmeError`; `error.problems` holds the parts.
"""
_LAYOUTS_TEXT = """\
# Data layouts

`layout` of a [series from a file](district.md#series-file) says how the file is laid out. Short names stand for a
column, or for a sum of columns; every column of the file can be given by its own name too.

## `plain` { #plain }

Any CSV or Parquet file, gzipped or not: one column of time stamps, and columns of numbers. The time column is found by
what it holds; `time_column` names it if there are several. The unit is read from the column's name (`heat_demand_mw`,
`Load [MW]`, `GrossConsumptionMWh`) or given by `unit`.
"""
_SYNTHETIC_TEXT = """\
# Synthetic series

A study may ask for a seeded synthetic year (`[synthetic]`) and use its series as `{ synthetic = "gross_mw" }`. How they
are made, and what they are not: [Synthetic data](../explanation/synthetic-data.md).

## Series { #series }

`heat_NAME_mw` follows the names of the heat areas; the price exists only if `spot_mean_eur_per_mwh` is given.
"""
_FAMILIES = {
    "P1": (InputError, "The study file or an argument is wrong"),
    "P2": (DataError, "A series or a table of data is unfit"),
    "P3": (ModelError, "The model has no answer"),
    "P4": (SolverError, "The solver failed, or its answer did not pass the re-check"),
    "P5": (RunError, "Running, saving or loading failed"),
}


@dataclass(frozen=True)
class Section:
    """A model of a study: where it stands, and what it is.

    Attributes:
        path: Path of the table in the study file; ``""`` for the top level.
        tag: ``type = "heat_pump"`` if the model is one of several; else ``""``.
        model: The model.
    """

    path: str
    tag: str
    model: type[BaseModel]

    @property
    def anchor(self) -> str:
        """Return the name of the heading, for links."""
        parts = [self.path, self.tag.split("=")[-1]]
        return re.sub(r"[^a-z0-9]+", "-", " ".join(parts).lower().replace("name", "")).strip("-") or "top"


def sections(kind: Kind) -> list[Section]:
    """Return the models of a kind of study, top level first, in the order of the fields; shared ones are left out."""
    found = [Section("", "", kind.spec)]
    for place in found:
        for name, info in place.model.model_fields.items():
            inner = [m for m in models_in(info.annotation) if m not in _SHARED and m not in _ELSEWHERE]
            path = ".".join(p for p in (place.path, name) if p) + _container(info.annotation)
            known = {s.model for s in found}
            found += [Section(path, _tag(m) if len(inner) > 1 else "", m) for m in inner if m not in known]
    return found


def _container(annotation: Any) -> str:
    origin = get_origin(annotation)
    return ".NAME" if origin is dict else "[]" if origin in (list, tuple) else ""


def _tag(model: type[BaseModel]) -> str:
    info = model.model_fields.get("type")
    return f'type = "{info.default}"' if info is not None else ""


# --------------------------------------------------------------------------------------------------- study fields


def kind_page(kind: Kind) -> str:
    """Return the page of a kind of study: every table of the study file with every field."""
    places = sections(kind)
    links = {s.model: f"#{s.anchor}" for s in places} | {m: f"#{a}" for m, a in _SHARED.items()} | _ELSEWHERE
    parts = [f"# Study `{kind.name}`", f"{kind.title}.", _KIND_TEXT.replace("KIND", kind.name)]
    for place in places:
        title = f"`[{place.path}]`" if place.path else "Top level"
        title += f" with `{place.tag}`" if place.tag else ""
        parts += [f"## {title} {{ #{place.anchor} }}", _model_text(place.model, links)]
    shared = [
        m for m in _SHARED if any(m in models_in(f.annotation) for s in places for f in _fields(s.model))
    ]
    if FileSeries in shared:
        parts.append(_SERIES_TEXT.strip())
    for model in shared:
        parts += [f"## {_shared_title(model)} {{ #{_SHARED[model]} }}", _model_text(model, links)]
    return _joined(parts)


def _fields(model: type[BaseModel]) -> Iterable[FieldInfo]:
    return model.model_fields.values()


def _shared_title(model: type[BaseModel]) -> str:
    titles: dict[type[BaseModel], str] = {
        FileSeries: "Series from a file",
        SyntheticSeries: "Series from the synthetic year",
        Decision: "Decision: a size that the optimiser chooses",
    }
    return titles[model]


def _model_text(model: type[BaseModel], links: Mapping[type[BaseModel], str]) -> str:
    rows = [
        (
            f"`{name}`",
            type_text(info.annotation, links) + _limits_text(info),
            _unit_text(name),
            _default_text(info),
            one_line(info.description),
        )
        for name, info in model.model_fields.items()
    ]
    return own_docstring(model) + "\n\n" + table(("field", "type", "unit", "default", "meaning"), rows)


def own_docstring(model: type) -> str:
    """Return a class's own docstring as Markdown; ``""`` if it has none of its own."""
    text = model.__dict__.get("__doc__") or ""
    return inspect.cleandoc(text).replace("``", "`")


def one_line(text: str | None) -> str:
    """Return a description on one line, with units in brackets kept as they are."""
    return " ".join((text or "").split())


def _unit_text(name: str) -> str:
    unit = unit_of(name)
    physical = unit is not None and (stem_of(name) or "_per_" in name or name == "cop")
    return LABELS[unit] if unit is not None and physical else ""


def type_text(annotation: Any, links: Mapping[type[BaseModel], str]) -> str:
    """Return a type as an analyst would say it: ``number``, ``list of numbers``, ``series``, a choice of words."""
    origin = get_origin(annotation)
    if origin is Annotated:
        base, *metadata = get_args(annotation)
        return type_text(base, links) + _limits_of(metadata)
    if origin in (Union, types.UnionType):
        return _union_text([a for a in get_args(annotation) if a is not type(None)], links)
    if origin is Literal:
        return ", ".join(f'`"{choice}"`' for choice in get_args(annotation))
    if origin is dict:
        return f"tables by name: {type_text(get_args(annotation)[1], links)}"
    if origin is list or (origin is tuple and get_args(annotation)[-1] is Ellipsis):
        return f"list of {_plural(type_text(get_args(annotation)[0], links))}"
    if origin is tuple:
        return f"[{', '.join(type_text(a, links) for a in get_args(annotation))}]"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{_name_of(annotation)}]({links[annotation]})"
    names = {float: "number", int: "whole number", str: "text", bool: "true or false"}
    return names.get(annotation, {date: "date", datetime: "date with time"}.get(annotation, str(annotation)))


def _plural(text: str) -> str:
    """Return ``numbers, > 0`` for ``number, > 0``."""
    word, comma, rest = text.partition(",")
    return f"{word}s{comma}{rest}" if word in {"number", "whole number"} else text


def _union_text(members: list[Any], links: Mapping[type[BaseModel], str]) -> str:
    if FileSeries in members:
        return "[series](#series)"
    models = [m for m in members if isinstance(m, type) and issubclass(m, BaseModel)]
    if len(models) > 1:
        return "one of " + ", ".join(type_text(m, links) for m in models)
    return " or ".join(type_text(m, links) for m in members)


def _name_of(model: type[BaseModel]) -> str:
    tag = model.model_fields.get("type")
    if tag is not None and tag.default:
        return f"`{tag.default}`"
    return "decision" if model is Decision else "table"


def _limits_text(info: FieldInfo) -> str:
    return _limits_of(info.metadata)


_LIMIT_WORDS = {
    "gt": "> {}", "ge": "≥ {}", "lt": "< {}", "le": "≤ {}", "multiple_of": "a multiple of {}",
    "min_length": "at least {} entries", "max_length": "at most {} entries", "pattern": "matching `{}`",
}  # fmt: skip


def _limits_of(metadata: Iterable[Any]) -> str:
    """Return the limits in a field's metadata as `` , > 0``."""
    found = []
    for entry in metadata:
        for inner in entry.metadata if isinstance(entry, FieldInfo) else [entry]:
            for key, words in _LIMIT_WORDS.items():
                limit = getattr(inner, key, None)
                if limit is not None:
                    found.append(words.format(f"{limit:g}" if isinstance(limit, float) else limit))
    return "".join(f", {text}" for text in dict.fromkeys(found))


def _default_text(info: FieldInfo) -> str:
    if info.is_required():
        return "**required**"
    default = info.get_default(call_default_factory=True, validated_data={})
    return _value_text(default)


def _value_text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, BaseModel):
        return "its defaults"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f'`"{value}"`'
    if isinstance(value, (list, tuple)):
        return "see text" if any(isinstance(v, BaseModel) for v in value) else f"`{json.dumps(list(value))}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


# --------------------------------------------------------------------------------------------------------- tables


def tables_page(kinds: Iterable[Kind]) -> str:
    """Return the page of the result tables: every table of every kind with its columns."""
    parts = [_TABLES_TEXT]
    for kind in kinds:
        parts.append(f"## Tables of `{kind.name}`")
        for schema in kind.tables() if kind.tables is not None else []:
            rows = [
                (f"`{c.name}`", c.dtype, LABELS.get(c.unit or "", ""), one_line(c.meaning))
                for c in schema.columns
            ]
            anchor = f"{kind.name}-{schema.name}"
            parts += [f"### `{schema.name}` {{ #{anchor} }}", f"{schema.title}."]
            parts.append(table(("column", "type", "unit", "meaning"), rows))
    parts.append(_SWEEP_TEXT)
    return _joined(parts)


# ---------------------------------------------------------------------------------------- errors, layouts, series


def errors_page() -> str:
    """Return the page of the error codes."""
    parts = [
        _ERRORS_TEXT,
        table(
            ("codes", "exception", "exit code", "meaning"),
            [
                (f"{f}xx", f"`{cls.__name__}`", f"{cls.exit_code}", text)
                for f, (cls, text) in _FAMILIES.items()
            ],
        ),
    ]
    for family, (error, text) in _FAMILIES.items():
        parts.append(f"## {family}xx: {text[0].lower()}{text[1:]} (`{error.__name__}`)")
        for code, entry in CODES.items():
            if code.startswith(family):
                parts += [f"### {code} {entry.title} {{ #{code.lower()} }}", entry.meaning]
                parts.append(f"**What to do:** {entry.remedy}")
    return _joined(parts)


def layouts_page() -> str:
    """Return the page of the data layouts that series files may have."""
    parts = [_LAYOUTS_TEXT]
    for name, layout in LAYOUTS.items():
        clock = (
            "named in the file's header or stamps, else `timezone`"
            if layout.clock_stated
            else "UTC, by its column"
        )
        facts = [
            ("time column", ", ".join(f"`{t.replace('*', '…')}`" for t in layout.times)),
            ("clock", clock),
            ("area", f"column `{layout.area_column}`" if layout.area_column else "part of the column's name"),
            ("unit", LABELS.get(layout.unit or "", "") or "from the column's name"),
        ]
        parts += [f"## `{name}` {{ #{name} }}", f"{layout.title}.", table(("what", "where"), facts)]
        rows = [
            (f"`{short}`", " + ".join(f"`{c.replace('*', '…')}`" for c in cs))
            for short, cs in layout.names.items()
        ]
        parts.append(table(("short name", "columns"), rows))
    return _joined(parts)


def synthetic_page() -> str:
    """Return the page of the synthetic year: its series, its fields, their defaults and where those come from."""
    example = SyntheticSpec(spot_mean_eur_per_mwh=50.0)
    rows = [(f"`{name}`", _unit_text(name), meaning) for name, meaning in quantities(example).items()]
    links: dict[type[BaseModel], str] = {HeatAreaSpec: "#heat-area"}
    return _joined(
        [
            _SYNTHETIC_TEXT,
            table(("series", "unit", "meaning"), rows),
            "## `[synthetic]` { #synthetic }",
            _model_text(SyntheticSpec, links),
            "## `[[synthetic.heat_areas]]` { #heat-area }",
            _model_text(HeatAreaSpec, links),
        ]
    )


def units_table() -> str:
    """Return every unit suffix with its symbol, its dimension and its factor to the dimension's first unit."""
    first: dict[str, str] = {}
    for suffix, (dimension, factor) in UNITS.items():
        if factor == 1.0:
            first.setdefault(dimension, suffix)
    rows = [
        (
            f"`_{suffix}`",
            LABELS[suffix],
            dimension,
            "" if factor == 1.0 else f"{factor:.6g} {_symbol(first[dimension])}",
        )
        for suffix, (dimension, factor) in UNITS.items()
    ]
    return table(("suffix", "unit", "dimension", "equals"), rows)


def _symbol(suffix: str) -> str:
    return LABELS[suffix].replace("-", "")


# --------------------------------------------------------------------------------------------------------- Python


def python_page(objects: Mapping[str, Any]) -> str:
    """Return the page of the Python interface: signatures and docstrings of functions and classes.

    Args:
        objects: Name as it is imported (``varme.run``) -> function or class.
    """
    parts = ["# Python", "The names below, and those in [Use varme from Python](../how-to/python.md)."]
    for name, item in objects.items():
        parts += [f"## `{name}` {{ #{name.replace('.', '-').lower()} }}"]
        if inspect.isclass(item):
            parts.append(_docstring_text(own_docstring(item)))
            for key, member in _members(item):
                parts += [f"### `{key}`", _docstring_text(inspect.getdoc(member) or "")]
        else:
            parts += [
                f"```python\n{_signature(name, item)}\n```",
                _docstring_text(inspect.getdoc(item) or ""),
            ]
    return _joined(parts)


def _members(item: type) -> Iterator[tuple[str, Any]]:
    for key, member in vars(item).items():
        if key.startswith("_"):
            continue
        if isinstance(member, property):
            yield key, member
        elif isinstance(member, (classmethod, staticmethod)) or inspect.isfunction(member):
            function = getattr(item, key)
            yield (
                _signature(key, function)
                .replace("\n    ", " ")
                .replace("(self, ", "(")
                .replace("(self)", "()"),
                member,
            )


def _signature(name: str, function: Any) -> str:
    text = f"{name}{inspect.signature(function)}".replace("'", "")
    if len(text) <= 100:
        return text
    head, _, rest = text.partition("(")
    inside, _, tail = rest.rpartition(")")
    return f"{head}(\n    " + ",\n    ".join(_split_arguments(inside)) + f",\n){tail}"


def _split_arguments(text: str) -> list[str]:
    out, depth = [""], 0
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            out.append("")
        else:
            out[-1] += letter
    return [part.strip() for part in out]


def _docstring_text(text: str) -> str:
    """Return a docstring in Google's form as Markdown: its sections become lists."""
    out: list[str] = []
    for line in text.replace("``", "`").splitlines():
        entry = re.match(r"^    ([\w*]+): (.*)$", line)
        if re.match(r"^(Args|Returns|Raises|Attributes):$", line):
            out += ["", f"**{line[:-1]}**", ""]
        elif entry:
            out.append(f"- `{entry[1]}`: {entry[2]}")
        elif line.startswith("        "):
            out.append(f"  {line.strip()}")
        else:
            out.append(re.sub(r":\w+:`~?([\w.]+)`", r"`\1`", line.strip()))
    return "\n".join(out).strip()


# ------------------------------------------------------------------------------------------------- what has no line


def undocumented(kinds: Iterable[Kind]) -> list[str]:
    """Return everything of the reference that says nothing: fields, models, tables, columns, codes, layouts."""
    found: list[str] = []
    models: dict[type[BaseModel], str] = dict.fromkeys(_SHARED, "value")
    models |= {SyntheticSpec: "synthetic", HeatAreaSpec: "synthetic.heat_areas"}
    for kind in kinds:
        models |= {s.model: f"{kind.name}: {s.path or 'top level'}" for s in sections(kind)}
        for schema in kind.tables() if kind.tables is not None else []:
            found += [] if schema.title.strip() else [f"{kind.name}: table {schema.name}"]
            silent = [c.name for c in schema.columns if not c.meaning.strip()]
            found += [f"{kind.name}: table {schema.name}, column {name}" for name in silent]
        found += [] if kind.tables is not None and kind.title.strip() else [f"kind {kind.name}"]
    for model, where in models.items():
        found += [] if own_docstring(model) else [f"{where} (class {model.__name__})"]
        silent = [n for n, info in model.model_fields.items() if not one_line(info.description)]
        found += [f"{where} (class {model.__name__}), field {name}" for name in silent]
    found += [c for c, e in CODES.items() if not (e.title.strip() and e.meaning.strip() and e.remedy.strip())]
    found += [c for c in CODES if c[:2] not in _FAMILIES]
    found += [f"layout {name}" for name, layout in LAYOUTS.items() if not layout.title.strip()]
    found += [error.__name__ for error in VarmeError.__subclasses__() if error not in _error_classes()]
    return found


def _error_classes() -> list[type[VarmeError]]:
    return [error for error, _ in _FAMILIES.values()]


# ------------------------------------------------------------------------------------------------------- Markdown


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table; bars and line breaks in cells are made harmless."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"
