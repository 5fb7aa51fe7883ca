"""Run folders: what lies in them while a run goes on, after it, and after it was stopped.

::

    study.json      the study as it was run, and the folder where its relative paths start
    result.json     the result, last to be written: a folder that holds it is whole
    tables/         one Parquet file per table
    report.html     the page
    work/           finished parts of a run that goes on or was stopped; gone when the result is saved
    partial.json    how far a run is, or was when it stopped; gone when the result is saved
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from varme.ground.context import Progress
from varme.ground.errors import Problem, RunError, VarmeError
from varme.ground.result import plain, write_text

#: Names that varme writes into a run folder; only these are ever removed.
OWN_FILES = ("study.json", "partial.json", "result.json", "report.html")
OWN_FOLDERS = ("tables", "charts", "work", "points")


@dataclass(frozen=True)
class State:
    """Where a run stands.

    Attributes:
        state: ``finished``, ``running``, ``interrupted`` (Ctrl-C), ``failed`` (an error), ``stopped`` (killed, or the
            machine went down) or ``empty``.
        stage: Stage that was under way.
        done: Parts of the stage that were finished (windows, points...).
        total: Parts of the stage.
        info: Figures last reported (cost so far, gap).
        problems: What went wrong, if it failed.
        folder: The run folder.
        command: How to go on.
    """

    state: str
    stage: str = ""
    done: int = 0
    total: int = 0
    info: dict[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    folder: str = ""
    command: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the parts as plain data, for JSON."""
        return asdict(self)

    def text(self) -> str:
        """Return it as a sentence."""
        parts = f"; {self.done} of {self.total} of “{self.stage}” are finished" if self.total else ""
        return f"the run is {self.state}{parts}"


class RunFolder:
    """A run folder, while varme works in it.

    Args:
        path: The folder; need not exist.
        verb: Command that goes on with it (``run`` or ``sweep``).
    """

    def __init__(self, path: Path, verb: str = "run") -> None:
        self.path = path
        self.verb = verb
        self._existed = path.exists()

    @property
    def work(self) -> Path:
        """Folder of the finished parts."""
        return self.path / "work"

    @property
    def command(self) -> str:
        """Command that goes on with a run that was stopped."""
        return f"varme {self.verb} {_quoted(str(self.path))} --resume"

    def refuse_unless_free(self) -> None:
        """Refuse a folder that holds something.

        Raises:
            RunError: P501 if it exists and is not an empty folder.
        """
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            whole = (self.path / "result.json").exists()
            found = read_state(self.path)
            what = "holds a finished run" if whole else "already holds something"
            remedy = ""
            if found.state not in {"finished", "empty"}:
                what = f"holds an unfinished run: {found.text()}"
                remedy = f"Go on with {self.command}, or begin anew with --force or another --out."
            raise RunError(Problem("P501", str(self.path), what, remedy=remedy))

    def clear(self) -> None:
        """Remove what varme wrote here; other files stay."""
        for name in OWN_FILES:
            (self.path / name).unlink(missing_ok=True)
        for name in OWN_FOLDERS:
            shutil.rmtree(self.path / name, ignore_errors=True)

    @contextlib.contextmanager
    def held(self, study: Mapping[str, Any], progress: Progress) -> Iterator[Recorder]:
        """Hold the folder during a run: ``study.json`` is written, progress is kept, the end is noted.

        Raises:
            RunError: P501 if another process works in the folder; P503 if it cannot be written.
        """
        recorder = Recorder(progress, self)
        try:
            self.work.mkdir(parents=True, exist_ok=True)
            lock = _locked(self.work / "lock")
            if lock is None:
                what = "another process works in this folder"
                raise RunError(
                    Problem("P501", str(self.path), what, remedy="Wait for it, or give another --out.")
                )
            write_text(self.path / "study.json", json.dumps(study, indent=1))
        except OSError as error:
            what = f"cannot write: {error.strerror or error}"
            raise RunError(Problem("P503", str(self.path), what)) from None
        with lock:
            try:
                yield recorder
            except KeyboardInterrupt:
                recorder.note("interrupted")
                raise
            except VarmeError as error:
                recorder.note("failed", error)
                self._leave_no_trace()
                raise
            except Exception:
                recorder.note("failed")
                raise
        self.finish()

    def finish(self) -> None:
        """Remove what only an unfinished run needs."""
        shutil.rmtree(self.work, ignore_errors=True)
        (self.path / "partial.json").unlink(missing_ok=True)

    def _leave_no_trace(self) -> None:
        """Remove what a run wrote that failed before any part was finished: the same command can be repeated."""
        labels = {"lock", "fingerprint.json"}
        parts = [p for p in self.work.rglob("*") if p.is_file() and p.name not in labels]
        if parts or (self.path / "result.json").exists():
            return
        with contextlib.suppress(OSError):
            self.finish()
            (self.path / "study.json").unlink(missing_ok=True)
            shutil.rmtree(self.path / "tables", ignore_errors=True)
            if not self._existed:
                self.path.rmdir()


class Recorder:
    """Passes progress on, and keeps ``partial.json`` up to date for whoever looks at a run from outside."""

    #: Least time between two writes [s].
    PAUSE_S = 1.0

    def __init__(self, inner: Progress, folder: RunFolder) -> None:
        self.inner = inner
        self.folder = folder
        self.last: dict[str, Any] = {"stage": "", "done": 0, "total": 0, "info": {}}
        self._written = 0.0

    def stage(self, name: str, total: int) -> None:
        """See :class:`varme.ground.context.Progress`."""
        self.last = {"stage": name, "done": 0, "total": total, "info": {}}
        self.note("running")
        self.inner.stage(name, total)

    def advance(self, done: int, info: Mapping[str, object]) -> None:
        """See :class:`varme.ground.context.Progress`."""
        figures = plain(dict(info))
        self.last |= {"total": figures.pop("total", self.last["total"]), "done": done, "info": figures}
        if time.monotonic() - self._written >= self.PAUSE_S or done == self.last["total"]:
            self.note("running")
        self.inner.advance(done, info)

    def note(self, state: str, error: VarmeError | None = None) -> None:
        """Write ``partial.json``. A full disk is no reason to stop here: what matters is written elsewhere."""
        problems = [str(p) for p in error.problems] if error else []
        data = {
            "state": state,
            **self.last,
            "problems": problems,
            "at": datetime.now(UTC).isoformat("T", "seconds"),
        }
        text = json.dumps(data | {"command": self.folder.command}, indent=1)
        path = self.folder.path / "partial.json"
        try:
            write_text(path, text)
        except OSError:  # a full disk has no room for a new file, but the old one can be written over
            with contextlib.suppress(OSError), path.open("r+", encoding="utf-8") as handle:
                handle.write(text)
                handle.truncate()
        self._written = time.monotonic()


def read_state(path: Path) -> State:
    """Return where the run in a folder stands."""
    if (path / "result.json").exists():
        return State("finished", folder=str(path))
    if not (path / "study.json").exists():
        return State("empty", folder=str(path))
    try:
        verb = str(json.loads((path / "study.json").read_text(encoding="utf-8")).get("verb", "run"))
    except (OSError, ValueError):
        verb = "run"
    command = RunFolder(path, verb).command
    try:
        data = json.loads((path / "partial.json").read_text(encoding="utf-8"))
        state = str(data["state"])
        if state == "running" and not _is_locked(path / "work" / "lock"):
            state = "stopped"
        parts = {name: data[name] for name in ("stage", "done", "total", "info")}
        return State(state, **parts, problems=tuple(data["problems"]), folder=str(path), command=command)
    except (OSError, ValueError, KeyError):
        return State("stopped", folder=str(path), command=command)


def _locked(path: Path) -> IO[bytes] | None:
    """Open and lock a file; ``None`` if another process holds it. The system frees it when the process ends."""
    handle = path.open("ab")
    try:
        import fcntl
    except ImportError:  # Windows: no protection against a second run in the same folder
        return handle
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    except OSError:  # a file system without locks
        pass
    return handle


def _is_locked(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        handle = _locked(path)
    except OSError:
        return False
    if handle is None:
        return True
    handle.close()
    return False


def _quoted(text: str) -> str:
    return f'"{text}"' if any(c in text for c in " \"'$&()") else text
