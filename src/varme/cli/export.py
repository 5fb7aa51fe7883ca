"""``varme export``, ``varme new``, ``varme schema``: what writes files and texts for other programs."""

from __future__ import annotations

import contextlib
import difflib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from varme.ground.context import Context
from varme.ground.errors import InputError, Problem, RunError
from varme.ground.parquet import write_parquet
from varme.ground.result import Result, write_text
from varme.home.emhass import Imported, from_emhass, read_configuration
from varme.study.file import read_study
from varme.study.registry import find
from varme.study.run import load
from varme.study.schema import main_file, schema, write_template

TABLES = ("csv", "parquet", "json")
MODELS = ("mps", "lp")


def export_run(
    folder: Path, form: str, out: Path | None, tables: list[str], device: Path | None = None
) -> int:
    """``varme export``."""
    if device is not None:
        paths = [_device(load(folder), device)]
    else:
        paths = _written(folder, form, out, tables)
    for path in paths:
        print(path)
    return 0


def _written(folder: Path, form: str, out: Path | None, tables: list[str]) -> list[Path]:
    target = out or folder / "export"
    if form in MODELS:
        return _model(folder, form, target)
    if form in TABLES:
        return _tables(load(folder), form, target, tables)
    result = load(folder)
    own = find(result.kind).exports
    known("format", form, [*TABLES, *own, *MODELS])
    apart = out or target / form  # files of several formats may have the same name
    with writing(apart):
        apart.mkdir(parents=True, exist_ok=True)
        return own[form](result, apart)


def _device(result: Result, path: Path) -> Path:
    kind = find(result.kind)
    if kind.device is None:
        what = f"studies of the kind {kind.name} estimate no device"
        raise InputError(
            Problem(
                "P101", "--device", what, str(path), remedy="Give a run of the kind retrofit or home-learn."
            )
        )
    text = kind.device(result)
    with writing(path):
        write_text(path, text)
    return path


def _model(folder: Path, form: str, target: Path) -> list[Path]:
    study = read_study(folder)  # study.json: a run that is unfinished, or whose model has no answer, will do
    if study.kind.write_model is None:
        what = f"studies of the kind {study.kind.name} have no single optimisation model"
        raise InputError(Problem("P101", "--format", what, form, f"formats: {', '.join(TABLES)}"))
    with writing(target):
        target.mkdir(parents=True, exist_ok=True)
        return study.kind.write_model(study.spec, Context(base=study.base, source=study.source), target, form)


def _tables(result: Result, form: str, target: Path, tables: list[str]) -> list[Path]:
    for name in tables:
        known("table", name, list(result.data))
    chosen = tables or list(result.data)
    paths = [target / f"{name}.{form}" for name in chosen]
    with writing(target):
        target.mkdir(parents=True, exist_ok=True)
        for name, path in zip(chosen, paths, strict=True):
            if form == "parquet":
                write_parquet(result.data[name], path)
            elif form == "csv":
                write_text(
                    path, result.tables[name].to_csv(index=False, lineterminator="\n", date_format=_ISO)
                )
            else:
                write_text(path, json.dumps(records(result.tables[name], 0), indent=0, allow_nan=False))
    return paths


_ISO = "%Y-%m-%dT%H:%M:%SZ"


def new_study(kind: str, folder: Path | None, emhass: Path | None = None) -> int:
    """``varme new``."""
    target = folder or Path(kind)
    found = None if emhass is None else _from_emhass(kind, emhass)
    paths = write_template(kind, target, None if found is None else {"study.toml": found.text})
    for path in paths:
        print(path)
    if found is not None:
        _told(found)
    main = main_file(kind, paths)
    print(f"Next: varme check {main}   varme run {main}")
    return 0


def _from_emhass(kind: str, path: Path) -> Imported:
    if kind != "home":
        what = "an EMHASS configuration becomes a study of the kind home"
        raise InputError(Problem("P101", "--from-emhass", what, kind, "home"))
    return from_emhass(read_configuration(path))


def _told(found: Imported) -> None:
    """Print what became of an EMHASS configuration's keys."""
    for title, entries in (("Assumed", found.assumed), ("Not carried over", found.left)):
        print(f"{title}:" if entries else f"{title}: nothing")
        for entry in entries:
            print(f"  {entry}")
    print(
        f"{len(found.irrelevant)} keys say nothing about the home (entities, forecasts, databases, things not used)."
    )
    print("Weather and household load are a synthetic year: put your own series in their place.")


def print_schema(kind: str) -> int:
    """``varme schema``."""
    print_json(schema(kind))
    return 0


def records(frame: Any, rows: int) -> Any:
    """Return the first rows of a DataFrame as plain data, one object per row; 0 rows for all."""
    part = frame if rows <= 0 else frame.head(rows)
    return json.loads(part.to_json(orient="records", date_format="iso", date_unit="s", double_precision=15))


def print_json(data: Any) -> None:
    """Print plain data as JSON."""
    print(json.dumps(data, indent=1, allow_nan=False, ensure_ascii=False))


def known(what: str, name: str, choices: list[str]) -> None:
    """Refuse a name that is none of the choices.

    Raises:
        InputError: P107, with the nearest choice.
    """
    if name not in choices:
        near = difflib.get_close_matches(name, choices, n=1)
        remedy = f"Did you mean {near[0]}?" if near else "Use one of those."
        there = f"{what}s: {', '.join(choices)}" if choices else f"the run has no {what}s"
        raise InputError(Problem("P107", f"--{what}", f"there is no such {what}", repr(name), there, remedy))


@contextlib.contextmanager
def writing(where: Path) -> Iterator[None]:
    """Turn what the system says when writing fails into P503.

    Raises:
        RunError: P503.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise RunError(Problem("P503", str(where), f"cannot write: {error.strerror or error}")) from None
