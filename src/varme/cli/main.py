"""Commands of ``varme``: their arguments, options and help texts; what they do is in :mod:`varme.cli.actions`.

``varme --help`` must stay quick (0.2 s CPU): this module imports Typer and nothing else that is heavy, every command
imports its work when it is called, and help is plain text (Typer's rich panels alone cost 0.15 s).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from varme.cli.failures import guarded, usage_failure

# Threads of the numerical libraries would wait busily beside the solver and gain nothing: varme computes in processes.
for _library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

_HELP = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="varme",
    help="Heat pumps, from meter data to market. Begin with: varme demo",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=_HELP,
)

StudyPath = Annotated[
    Path, typer.Argument(metavar="STUDY", help="Study file, or a folder that holds study.toml.")
]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Replace a value of the study; may be repeated."),
]
Jobs = Annotated[
    int, typer.Option("--jobs", "-j", metavar="N", help="Worker processes; 0 = one per processor.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")]
Force = Annotated[bool, typer.Option("--force", help="Begin anew in a folder that holds a run.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines; errors too.")]
Opened = Annotated[bool, typer.Option("--open/--no-open", help="Open the report in a browser.")]
Kind = Annotated[str, typer.Argument(metavar="KIND", help="Kind of study; see: varme kinds")]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"varme {getattr(sys.modules['varme'], '__version__', '')}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command("run")
@guarded
def run_command(
    study: StudyPath,
    settings: Settings = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Run folder; by default a new one under runs/."),
    ] = None,
    jobs: Jobs = 1,
    resume: Resume = False,
    force: Force = False,
    quality: Annotated[
        str | None,
        typer.Option(
            "--quality",
            metavar="NAME",
            help="How good a plan: fast or precise; homes: fast, thorough or exact.",
        ),
    ] = None,
    mode: Annotated[str | None, typer.Option("--mode", metavar="lp|milp", help="Kind of model.")] = None,
    opened: Opened = False,
) -> int:
    """Run a study. Its result and report go into a run folder."""
    from varme.cli import actions

    shortcuts = {"quality": quality, "mode": mode}
    return actions.run_study(
        study, settings or [], shortcuts, out, jobs, resume=resume, force=force, opened=opened
    )


@app.command("replay")
@guarded
def replay_command(
    study: StudyPath,
    settings: Settings = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Run folder; by default a new one under runs/."),
    ] = None,
    jobs: Jobs = 1,
    resume: Resume = False,
    force: Force = False,
    opened: Opened = False,
) -> int:
    """Run a home in closed loop. Planned anew every hour, against rules in the same weather."""
    from varme.cli import actions

    return actions.replay_study(study, settings or [], out, jobs, resume=resume, force=force, opened=opened)


@app.command("check")
@guarded
def check_command(study: StudyPath, settings: Settings = None, as_json: AsJson = False) -> int:
    """Check a study and its data without solving it."""
    from varme.cli import actions

    return actions.check_study(study, settings or [], as_json=as_json)


@app.command("show")
@guarded
def show_command(
    run: RunPath,
    table: Annotated[str | None, typer.Option("--table", metavar="NAME", help="Print a table.")] = None,
    rows: Annotated[int, typer.Option("--rows", metavar="N", help="Rows of the table; 0 = all.")] = 20,
    chart: Annotated[
        str | None, typer.Option("--chart", metavar="NAME", help="Print a chart's data.")
    ] = None,
    png: Annotated[
        Path | None, typer.Option("--png", metavar="FILE", help="Draw the chart into a file.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Show a run. Figures, findings, tables and charts, or how far an unfinished one is."""
    from varme.cli import actions

    return actions.show_run(run, table, rows, chart, png, as_json=as_json)


@app.command("compare")
@guarded
def compare_command(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Folders of runs.")],
    every: Annotated[bool, typer.Option("--all", help="Figures that are equal, too.")] = False,
    as_json: AsJson = False,
) -> int:
    """Set runs side by side. Their figures, with the differences to the first run."""
    from varme.cli import actions

    return actions.compare_runs(runs, every=every, as_json=as_json)


@app.command("sweep")
@guarded
def sweep_command(
    study: StudyPath,
    vary: Annotated[
        list[str] | None,
        typer.Option("--vary", metavar="FIELD=VALUES", help="a,b,c or from:to:step; may be repeated."),
    ] = None,
    settings: Settings = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Run folder; by default a new one under runs/."),
    ] = None,
    jobs: Jobs = 1,
    resume: Resume = False,
    force: Force = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the whole result of each point, not its summary only.")
    ] = False,
    opened: Opened = False,
) -> int:
    """Run a study for many values. All combinations of those given by --vary, in parallel with --jobs."""
    from varme.cli import actions

    return actions.sweep_study(
        study, vary or [], settings or [], out, jobs, resume=resume, force=force, keep=keep, opened=opened
    )


@app.command("new")
@guarded
def new_command(
    kind: Kind,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Folder; by default named like the kind.")
    ] = None,
    emhass: Annotated[
        Path | None,
        typer.Option(
            "--from-emhass", metavar="FILE", help="A config.json of EMHASS: a study of the kind home."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="The same as DIR.")] = None,
) -> int:
    """Write a small study to begin with. Nothing is overwritten."""
    from varme.cli import export

    return export.new_study(kind, folder or out, emhass)


@app.command("schema")
@guarded
def schema_command(kind: Kind) -> int:
    """Print the JSON schema of a kind. For editors and forms."""
    from varme.cli import export

    return export.print_schema(kind)


@app.command("kinds")
@guarded
def kinds_command() -> int:
    """List the kinds of study."""
    from varme.cli import actions

    return actions.list_kinds()


@app.command("export")
@guarded
def export_command(
    run: RunPath,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="csv, parquet or json (tables); mps or lp (model); of retrofit also pandapower, opendss, simbench.",
        ),
    ] = "csv",
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="By default RUN/export.")] = None,
    table: Annotated[
        list[str] | None, typer.Option("--table", metavar="NAME", help="These tables only.")
    ] = None,
    device: Annotated[
        Path | None,
        typer.Option(
            "--device", metavar="FILE", help="Write the estimated heat pump as a device (TOML) instead."
        ),
    ] = None,
) -> int:
    """Write tables, the model or a device as files. Tables as CSV, Parquet or JSON; the model as MPS or LP."""
    from varme.cli import export

    return export.export_run(run, form, out, table or [], device)


@app.command("report")
@guarded
def report_command(
    run: RunPath,
    png: Annotated[bool, typer.Option("--png", help="Draw every chart as a PNG, too.")] = False,
    opened: Opened = False,
) -> int:
    """Write the report of a run anew."""
    from varme.cli import actions

    return actions.rewrite_report(run, png=png, opened=opened)


@app.command("demo")
@guarded
def demo_command(
    study: Annotated[
        str,
        typer.Argument(
            metavar="[STUDY]",
            help="district: East Denmark 2011; retrofit: a synthetic town; home: a winter's day.",
        ),
    ] = "district",
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="By default runs/demo.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="East Denmark: four weeks as a linear model, instead of a year.")
    ] = False,
    jobs: Jobs = 1,
    opened: Annotated[
        bool | None,
        typer.Option("--open/--no-open", help="Open the report; by default where there is a screen."),
    ] = None,
) -> int:
    """Run a bundled example. Heat pumps in East Denmark, in place of a town's furnaces, or in a home."""
    from varme.cli import actions

    return actions.run_demo(study, out, quick=quick, jobs=jobs, opened=opened)


@app.command("explain")
@guarded
def explain_command(
    code: Annotated[str, typer.Argument(metavar="CODE", help="An error code, such as P301.")],
) -> int:
    """Explain an error code. What it means, and what to do."""
    from varme.cli import actions

    return actions.explain(code)


def _help_of_command() -> str | None:
    """Print the help of a command if that is all that is wanted, without going through the options above it.

    Typer reads those with pydantic, which it imports for this alone (0.2 s CPU).
    """
    words = sys.argv[1:]
    if len(words) == 2 and words[1] in {"-h", "--help"}:
        command = getattr(typer.main.get_command(app), "commands", {}).get(words[0])
        if command is not None:
            command.main(words[1:], prog_name=f"varme {words[0]}", standalone_mode=False, **_HELP)
            return "shown"
    return None


def main() -> None:
    """Run the command line and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure") and "utf" not in (stream.encoding or "").lower():
            stream.reconfigure(errors="replace")
    try:
        code = _help_of_command() or app(prog_name="varme", standalone_mode=False)
    except Exception as error:
        code = usage_failure(error)
        if code is None:
            raise
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
