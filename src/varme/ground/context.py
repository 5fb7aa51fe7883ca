"""What a run is given besides its study: folders, parallelism, progress, checkpoints. And what a study kind offers.

Capabilities know these small types only; the ``study`` room fills them, so a capability never sees the command line.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from varme.ground.errors import Problem, RunError
from varme.ground.findings import Finding
from varme.ground.result import Result, write_text
from varme.ground.spec import Spec
from varme.ground.tables import TableSchema


class Progress(Protocol):
    """Where a run reports how far it is."""

    def stage(self, name: str, total: int) -> None:
        """A stage of ``total`` parts begins (windows, points...)."""

    def advance(self, done: int, info: Mapping[str, object]) -> None:
        """``done`` parts of the stage are finished; ``info`` holds figures to show (cost so far, gap)."""


class Silent:
    """Progress that is shown to nobody."""

    def stage(self, name: str, total: int) -> None:
        """See :class:`Progress`."""

    def advance(self, done: int, info: Mapping[str, object]) -> None:
        """See :class:`Progress`."""


class Checkpoints:
    """Finished parts of a run, each a file of arrays, so that a killed run can be resumed.

    A folder of checkpoints belongs to one fingerprint (study, data and version); another fingerprint is refused.
    """

    def __init__(self, folder: Path, fingerprint: str, *, resume: bool) -> None:
        self.folder = folder
        label = folder / "fingerprint.json"
        if resume and label.exists():
            found = str(json.loads(label.read_text(encoding="utf-8")).get("fingerprint", ""))
            if found != fingerprint:
                what = "the unfinished run belongs to another study, other data or another version"
                raise RunError(Problem("P505", str(folder), what, found[:12], f"now {fingerprint[:12]}"))
        else:
            for old in folder.glob("*.npz"):
                old.unlink()
            self._write(label, json.dumps({"fingerprint": fingerprint}))

    def _write(self, path: Path, text: str) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, text)
        except OSError as error:
            raise RunError(Problem("P503", str(path), f"cannot write: {error.strerror or error}")) from None

    def load(self, key: str) -> dict[str, NDArray[Any]] | None:
        """Return the arrays saved under a key, or ``None`` if that part is not finished."""
        path = self.folder / f"{key}.npz"
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}

    def save(self, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Save the arrays of a finished part, under a temporary name, then renamed.

        Raises:
            RunError: P503 if the disk is full or the folder not writable.
        """
        path = self.folder / f"{key}.npz"
        buffer = io.BytesIO()
        np.savez(buffer, **dict(arrays))  # type: ignore[arg-type]
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            temporary.write_bytes(buffer.getvalue())
            temporary.replace(path)
        except OSError as error:
            raise RunError(Problem("P503", str(path), f"cannot write: {error.strerror or error}")) from None
        finally:
            temporary.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove the folder: the result is whole."""
        for path in self.folder.glob("*"):
            path.unlink()
        self.folder.rmdir()


@dataclass(frozen=True)
class Context:
    """What a run is given besides its study.

    Attributes:
        base: Folder of the study file; relative paths in the study start there.
        work: Folder for checkpoints, or ``None`` to keep none.
        resume: Whether finished parts in ``work`` are used.
        jobs: Worker processes.
        progress: Where to report.
        source: Name of the study file, for messages.
        brief: Whether only the study itself is wanted, without what is put beside it for a report: a point of a sweep.
    """

    base: Path = field(default_factory=Path)
    work: Path | None = None
    resume: bool = False
    jobs: int = 1
    progress: Progress = field(default_factory=Silent)
    source: str = "study"
    brief: bool = False

    def checkpoints(self, name: str, fingerprint: str) -> Checkpoints | None:
        """Return the checkpoints of one part of the run, or ``None`` if none are kept."""
        return None if self.work is None else Checkpoints(self.work / name, fingerprint, resume=self.resume)


@dataclass(frozen=True)
class Kind:
    """A kind of study: what the ``study`` room, the command line and the documentation need to know of it.

    Attributes:
        name: The ``kind`` of the study file.
        title: What it answers, one line.
        spec: Spec of the study file.
        run: Runs a study.
        check: Checks a study and its data without solving; returns findings, raises what is wrong.
        write_model: Writes the optimisation model(s) as MPS or LP into a folder; returns the paths.
        template: Files of a new study: name -> text; one of them is ``study.toml``.
        tables: Schemas of the result tables, for the reference.
        exports: Formats of its own for ``varme export --format``: name -> writes a result into a folder, returns paths.
        device: Text of a device file made from a result, for ``varme export --device``.
    """

    name: str
    title: str
    spec: type[Spec]
    run: Callable[[Any, Context], Result]
    check: Callable[[Any, Context], list[Finding]]
    write_model: Callable[[Any, Context, Path, str], list[Path]] | None = None
    template: Callable[[], dict[str, str]] | None = None
    tables: Callable[[], list[TableSchema]] | None = None
    exports: Mapping[str, Callable[[Result, Path], list[Path]]] = field(default_factory=dict)
    device: Callable[[Result], str] | None = None
