"""Write the generated pages of the documentation: ``python -m docs.generate``, run by ``make docs``.

``python -m docs.generate --check`` writes nothing and fails, with the names, if a page is out of date or if something
of varme has no line in the docs.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Any

import typer

import varme
from varme.cli.main import app
from varme.ground.context import Kind
from varme.ground.result import Figure, Result
from varme.ground.tables import Table
from varme.study import reference
from varme.study.registry import find
from varme.study.sweep import sweep

DOCS = Path(__file__).parent
#: The kinds that varme brings along; other packages document their own.
KINDS = (
    "retrofit", "home", "home-sizing", "home-replay", "home-learn", "fleet", "district", "district-capacity",
    "district-parameters",
)  # fmt: skip
NOTE = "<!-- Written by docs/generate.py: change the code, then `make docs`. -->\n\n"
_BLOCK = re.compile(r"(<!-- begin (?P<name>[\w-]+) -->\n).*?(<!-- end (?P=name) -->)", re.DOTALL)


def kinds() -> list[Kind]:
    """Return the kinds that the reference describes."""
    return [find(name) for name in KINDS]


def pages() -> dict[Path, str]:
    """Return the generated pages: path -> text."""
    out = {f"{kind.name}.md": reference.kind_page(kind) for kind in kinds()}
    out |= {
        "cli.md": cli_page(),
        "tables.md": reference.tables_page(kinds()),
        "errors.md": reference.errors_page(),
        "layouts.md": reference.layouts_page(),
        "synthetic.md": reference.synthetic_page(),
        "python.md": reference.python_page(python_objects()),
    }
    found = {DOCS / "reference" / name: NOTE + text for name, text in out.items()}
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        if path not in found and _BLOCK.search(text):
            found[path] = _BLOCK.sub(_block, text)
    return found


def _block(match: re.Match[str]) -> str:
    blocks = {"units": reference.units_table, "town": sample_town}
    name = match["name"]
    text = printed(name.removeprefix("output-")) if name.startswith("output-") else blocks[name]()
    return f"{match[1]}\n{text}\n\n{match[3]}"


def printed(name: str) -> str:
    """Return what a command of the tutorial printed, as ``docs.outputs`` kept it."""
    text = (DOCS / "tutorial" / "outputs" / f"{name}.txt").read_text(encoding="utf-8")
    command, _, rest = text.partition("\n")
    return f"```console\n{command}\n```\n\n```text\n{rest.rstrip()}\n```"


def sample_town() -> str:
    """Return the study of the how-to pages, as the text of a folded note."""
    text = (DOCS / "samples" / "town.toml").read_text(encoding="utf-8")
    return '??? note "town.toml"\n\n' + indent(f"```toml\n{text}```", "    ")


def python_objects() -> dict[str, Any]:
    """Return what the page of the Python interface describes."""
    return {
        "varme.run": varme.run,
        "varme.check": varme.check,
        "varme.load": varme.load,
        "varme.study.sweep.sweep": sweep,
        "varme.Result": Result,
        "varme.ground.result.Figure": Figure,
        "varme.ground.tables.Table": Table,
        "varme.VarmeError": varme.VarmeError,
    }


# ------------------------------------------------------------------------------------------------------ command line


def commands() -> dict[str, Any]:
    """Return the commands of ``varme``: name -> click command."""
    return dict(getattr(typer.main.get_command(app), "commands"))  # noqa: B009 - typer's group has them untyped


CLI_TEXT = """\
# Command line

`varme COMMAND --help` prints the same. `varme --version` prints the version.

Exit codes: 0 all went well, 1 a bug, 2 a wrong study or argument, 3 unfit data, 4 a model without an answer, 5 the
solver, 6 folders, disk and workers, 130 Ctrl-C. What went wrong is printed with its [code](errors.md).
"""


def cli_page() -> str:
    """Return the page of the command line."""
    parts = [
        CLI_TEXT.strip(),
        commands_table(),
    ]
    for name, command in commands().items():
        parts += [
            f"## `varme {name}` {{ #{name} }}",
            f"```console\n$ {usage(name, command)}\n```",
            help_text(command),
        ]
        rows = [
            row
            for parameter in command.params
            if parameter.name != "help"
            for row in parameter_rows(parameter)
        ]
        if rows:
            parts.append(reference.table(("argument or option", "value", "default", "meaning"), rows))
    return "\n\n".join(parts) + "\n"


def commands_table() -> str:
    """Return all commands with their first sentence."""
    rows = [(f"[`varme {n}`](#{n})", help_text(c).split(". ")[0].rstrip(".")) for n, c in commands().items()]
    return reference.table(("command", "what it does"), rows)


def usage(name: str, command: Any) -> str:
    """Return how a command is written: arguments first, then the options that must be given."""
    words = ["varme", name]
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            shown = parameter.metavar or str(parameter.name).upper()
            words.append(f"{shown} ..." if parameter.nargs != 1 else shown)
        elif parameter.required:
            words.append(f"{parameter.opts[0]} {parameter.metavar or ''}".strip())
    return " ".join([*words, "[OPTIONS]"] if len(command.params) > 1 else words)


def help_text(command: Any) -> str:
    """Return a command's help on one line."""
    return reference.one_line(command.help)


def parameter_rows(parameter: Any) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row per argument or option."""
    meaning = reference.one_line(getattr(parameter, "help", "") or "")
    if parameter.param_type_name == "argument":
        shown = parameter.metavar or str(parameter.name).upper()
        yield f"`{shown}`", "", "**required**" if parameter.required else "", meaning
        return
    names = ", ".join(f"`{o}`" for o in [*parameter.opts, *parameter.secondary_opts])
    value = "" if parameter.is_flag else f"`{parameter.metavar}`" if parameter.metavar else ""
    default = parameter.default
    plain = isinstance(default, (str, int, float)) and not isinstance(default, bool)
    yield names, value, "**required**" if parameter.required else f"`{default}`" if plain else "", meaning


def silent_commands() -> list[str]:
    """Return commands, arguments and options without a help text."""
    found = [f"varme {name}" for name, command in commands().items() if not help_text(command)]
    for name, command in commands().items():
        for parameter in command.params:
            if parameter.name != "help" and not (getattr(parameter, "help", "") or "").strip():
                found.append(f"varme {name} {parameter.opts[0]}")
    return found


# -------------------------------------------------------------------------------------------------------------- main


def missing() -> list[str]:
    """Return everything that has no line in the docs."""
    return reference.undocumented(kinds()) + silent_commands()


def stale() -> list[Path]:
    """Return the pages that are not as the code would write them."""
    return [
        path
        for path, text in pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` tell what is out of date."""
    silent = missing()
    for what in silent:
        print(f"no line in the docs: {what}")
    if "--check" in arguments:
        late = stale()
        for path in late:
            print(f"out of date: {path.relative_to(DOCS)}; run: python -m docs.generate")
        return 1 if late or silent else 0
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            print(f"written: {path.relative_to(DOCS)}")
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
