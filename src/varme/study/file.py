"""Study files: read, hashed, and with their provenance. Overrides are in :mod:`varme.study.overrides`."""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata
import json
import os
import platform
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from varme.ground.context import Kind
from varme.ground.errors import InputError, Problem
from varme.ground.result import plain
from varme.ground.spec import Spec, parse, read_file
from varme.study.overrides import overridden
from varme.study.registry import find

#: What may be given as overrides: ``{"section.field": value}`` or ``["section.field=value"]``.
Overrides = Mapping[str, Any] | Iterable[str]

#: Packages whose versions a result states, because they can change its numbers.
_PACKAGES = ("highspy", "numpy", "scipy", "duckdb", "pandas", "pydantic")


@dataclass(frozen=True)
class Study:
    """A study that was read and understood.

    Attributes:
        kind: Its kind.
        data: Its plain data, overrides applied.
        spec: The same, validated.
        base: Folder where its relative paths start.
        source: Name for messages.
    """

    kind: Kind
    data: dict[str, Any]
    spec: Spec
    base: Path
    source: str

    @property
    def hash(self) -> str:
        """Hash of the study's content: equal for equal studies, however they are written."""
        return canonical_hash({"kind": self.kind.name, "study": self.spec.model_dump(mode="json")})

    @property
    def fingerprint(self) -> str:
        """Hash of the study, the bytes of its data files and the version of varme."""
        found = sorted(files_of(self.data, self.base))
        files = {os.path.relpath(path, self.base): file_hash(path) for path in found}
        return canonical_hash({"study": self.hash, "files": files, "varme": varme_version()})

    def changed(self, overrides: Overrides) -> Study:
        """Return the study with other values.

        Raises:
            InputError: P111 for paths that name no field, or what the spec finds wrong.
        """
        data = undated(overridden(self.kind.spec, self.data, overrides, self.source))
        return replace(self, data=data, spec=parse(self.kind.spec, data, self.source))


def read_study(
    study: str | Path | Mapping[str, Any], overrides: Overrides | None = None, base: Path | None = None
) -> Study:
    """Read a study from a file, a folder that holds ``study.toml``, a run folder, or plain data.

    Args:
        study: Path or plain data.
        overrides: Values that replace those of the study.
        base: Folder where relative paths start; by default that of the file, or the current one for plain data.

    Raises:
        InputError: with everything that is wrong with the study.
    """
    data, home, source = _plain_study(study)
    if "kind" not in data:
        raise InputError(Problem("P103", "kind", "must be given: which kind of study this is"), source)
    try:
        kind = find(str(data["kind"]))
    except InputError as error:
        raise InputError(error.problems, source) from None
    data = undated(overridden(kind.spec, data, overrides, source) if overrides else data)
    where = (base or home).resolve()
    return Study(kind=kind, data=data, spec=parse(kind.spec, data, source), base=where, source=source)


def _plain_study(study: str | Path | Mapping[str, Any]) -> tuple[dict[str, Any], Path, str]:
    if isinstance(study, Mapping):
        return dict(study), Path(), "study"
    path = Path(study)
    if path.is_dir():
        path = next(
            (path / n for n in ("study.toml", "study.json") if (path / n).is_file()), path / "study.toml"
        )
    data = read_file(path)
    if "varme_run" in data:  # study.json of a run folder: the study as it was run, and where it came from
        return dict(data["study"]), Path(data["base"]), str(data["source"])
    return data, path.parent, path.name


def undated(value: Any) -> Any:
    """Return plain data with TOML's dates and times as texts, so that a study is the same from TOML and from JSON."""
    if isinstance(value, Mapping):
        return {key: undated(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [undated(inner) for inner in value]
    return value.isoformat() if isinstance(value, (datetime.date, datetime.time)) else value


def as_run(study: Study, **more: Any) -> dict[str, Any]:
    """Return what ``study.json`` of a run folder holds."""
    return {
        "varme_run": 1,
        "varme": varme_version(),
        "hash": study.hash,
        "fingerprint": study.fingerprint,
        "base": str(study.base),
        "source": study.source,
        "study": plain(study.data),
        **plain(more),
    }


def canonical_hash(data: Any) -> str:
    """Return the SHA-256 of plain data, independent of the order of its keys."""
    text = json.dumps(plain(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes; ``""`` if it cannot be read."""
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError:
        return ""


def files_of(data: Any, base: Path) -> set[Path]:
    """Return the files that a study names, relative to its folder, and those that a study among them names.

    Studies may name each other in a circle (a study and the studies on top of it).
    """
    found: set[Path] = set()
    _collect_files(data, base, found)
    return found


def _collect_files(data: Any, base: Path, found: set[Path]) -> None:
    for text in _texts(data):
        if len(text) > 400 or "\n" in text or "." not in text:
            continue
        path = (base / text).resolve()
        if not path.is_file() or path in found:
            continue
        found.add(path)
        if path.suffix == ".toml":
            try:
                inner = tomllib.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            _collect_files(inner, path.parent, found)


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for value in data.values():
            yield from _texts(value)
    elif isinstance(data, list):
        for value in data:
            yield from _texts(value)


def varme_version() -> str:
    """Return the version of varme; read from the loaded package, as nothing inside may import its root."""
    return str(getattr(sys.modules["varme"], "__version__", ""))


def versions() -> dict[str, str]:
    """Return the versions of everything that can change a result."""
    found = {
        "varme": varme_version(),
        "python": platform.python_version(),
        "system": platform.system().lower(),
    }
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
