"""Errors on the command line: one place that turns them into text (or JSON) and an exit code, never a traceback.

===== ==========================================================
0     done
1     an error without a better code
2-6   the class of a :class:`~varme.ground.errors.VarmeError`
70    a bug: an unexpected error; its traceback is in a file
130   stopped with Ctrl-C; 143: ended by SIGTERM
===== ==========================================================
"""

from __future__ import annotations

import functools
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec

from varme.ground.errors import Problem, VarmeError

P = ParamSpec("P")

#: Exit code of a bug (EX_SOFTWARE).
BUG = 70
INTERRUPTED = 130


def guarded(command: Callable[P, int]) -> Callable[P, int]:
    """Return the command with its errors shown and turned into exit codes."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> int:
        as_json = bool(kwargs.get("as_json"))
        try:
            return command(*args, **kwargs)
        except VarmeError as error:
            _tell(error.problems, error.text(), as_json=as_json)
            return error.exit_code
        except KeyboardInterrupt as error:
            problem = getattr(error, "problem", None)
            _tell([problem] if problem else [], str(problem or "Stopped."), as_json=as_json)
            return int(getattr(error, "exit_code", INTERRUPTED))
        except BrokenPipeError:  # varme show ... | head
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except Exception as error:  # noqa: BLE001 - the last place that can say something useful
            return _bug(error, as_json=as_json)

    return wrapped


def usage_failure(error: Exception) -> int | None:
    """Show a wrong use of the command line; return its exit code, or ``None`` if the error is none of Typer's."""
    if not hasattr(error, "format_message"):
        return None
    context = getattr(error, "ctx", None)
    text = str(error.format_message())
    if "--json" in sys.argv:
        print(json.dumps({"error": {"problems": [], "message": text}}))
    elif not text or type(error).__name__ == "NoArgsIsHelpError":
        print(text)
    else:
        path = getattr(context, "command_path", "varme")
        print(f"{text}\nSee: {path} --help", file=sys.stderr)
    return int(getattr(error, "exit_code", 2))


def _tell(problems: Any, text: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": {"problems": [_parts(p) for p in problems], "message": text}}, indent=1))
        return
    if not sys.stderr.isatty() or os.environ.get("NO_COLOR"):
        print(text, file=sys.stderr)
        return
    head, separator, rest = text.partition("\n")
    print(f"\x1b[1;31m{head}\x1b[0m{separator}{rest}", file=sys.stderr)


def _parts(problem: Problem) -> dict[str, str]:
    return problem.as_dict() | {"text": str(problem)}


def _bug(error: Exception, *, as_json: bool) -> int:
    text = "".join(traceback.format_exception(error))
    command = " ".join(sys.argv[1:])
    try:
        handle, name = tempfile.mkstemp(prefix="varme-bug-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"varme {command}\n\n{text}")
        where = f"The details are in {Path(name)}; please report them, with the study."
    except OSError:
        where = f"The details could not be saved; they are:\n{text}"
    what = f"This is a bug in varme, not in your study: {type(error).__name__}: {error}"
    _tell([], f"{what}\n  {where}", as_json=as_json)
    return BUG
