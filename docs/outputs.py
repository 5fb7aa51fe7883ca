"""Run the tutorial's commands and keep what they print and draw: ``python -m docs.outputs [NAME ...]``.

The texts go to ``docs/tutorial/outputs/NAME.txt``, from where ``docs.generate`` puts them into the pages; the
pictures to ``docs/tutorial/pictures``. Run it when results change; the year takes some minutes. Then read the tutorial:
its prose talks about these figures.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parent
OUTPUTS = DOCS / "tutorial" / "outputs"
PICTURES = DOCS / "tutorial" / "pictures"
EXAMPLE = "examples/district-east-denmark-2011"
YEAR = "runs/district-east-denmark-2011"
JANUARY = "--mode lp --set time.end=2011-02-01 --set 'on_top=[]' --set solve.compare_lp=false"


@dataclass(frozen=True)
class Shown:
    """One command of the tutorial.

    Attributes:
        name: Name of the text.
        command: What a reader types.
        first: Lines that are kept from the top; 0 for all.
        last: Lines that are kept from the end, if not all.
        fails: Whether the command is meant to fail.
        makes: Folder that the command makes; removed before.
    """

    name: str
    command: str
    first: int = 0
    last: int = 0
    fails: bool = False
    makes: str = ""


TOWN = "runs/retrofit-town"
HOME = "runs/home-day"
COMMANDS = (
    Shown("home-check", "varme check examples/home-day"),
    Shown("home-run", "varme run examples/home-day", makes=HOME),
    Shown("home-reasons", f"varme show {HOME} --table reasons --rows 14"),
    Shown("home-baselines", f"varme show {HOME} --table baselines"),
    Shown("town-check", "varme check examples/retrofit-town"),
    Shown("town-run", "varme run examples/retrofit-town --jobs 2", makes=TOWN),
    Shown("town-dropped", f"varme show {TOWN} --table dropped --rows 6"),
    Shown("town-cleaning", f"varme show {TOWN} --table cleaning --rows 8"),
    Shown("town-intervals", f"varme show {TOWN} --table spf_intervals"),
    Shown("town-methods", f"varme show {TOWN} --table spf_methods --rows 9"),
    Shown("town-changes", f"varme show {TOWN} --table year_changes"),
    Shown("town-truth", f"varme show {TOWN} --table comparison_truth"),
    Shown("town-demand", f"varme show {TOWN} --table demand_years"),
    Shown("town-transformers", f"varme show {TOWN} --table transformers --rows 6"),
    Shown("town-adoption", f"varme show {TOWN} --table adoption"),
    Shown(
        "town-paper",
        "varme run examples/retrofit-town/paper.toml --out runs/paper",
        first=1,
        last=2,
        makes="runs/paper",
    ),
    Shown("town-published", "varme show runs/paper --table published --rows 9"),
    Shown("check", f"varme check {EXAMPLE}"),
    Shown("run", f"varme run {EXAMPLE} --jobs 2", makes=YEAR),
    Shown("contents", f"varme show {YEAR}", last=36),
    Shown("units", f"varme show {YEAR} --table units --rows 10"),
    Shown("windows", f"varme show {YEAR} --table windows --rows 6"),
    Shown("lp-milp", f"varme show {YEAR} --table comparison_lp_milp --rows 14"),
    Shown("prices", f"varme show {YEAR} --table balance --rows 6"),
    Shown(
        "january", f"varme run {EXAMPLE} {JANUARY} --out runs/january", first=1, last=2, makes="runs/january"
    ),
    Shown(
        "january-better",
        f"varme run {EXAMPLE} {JANUARY} --set devices.HP1.cop=3.5 --out runs/january-better",
        first=1,
        last=2,
        makes="runs/january-better",
    ),
    Shown("compare", "varme compare runs/january runs/january-better"),
    Shown("capacity", f"varme run {EXAMPLE}/capacity.toml", makes="runs/capacity"),
    Shown("decision", "varme show runs/capacity --table decision"),
    Shown("parameters", f"varme run {EXAMPLE}/parameters.toml --jobs 2", makes="runs/parameters"),
    Shown("parameters-table", "varme show runs/parameters --table parameters --rows 12"),
    Shown("new", "varme new district mytown", makes="mytown"),
    Shown("new-check", "varme check mytown"),
    Shown("new-run", "varme run mytown", makes="runs/mytown"),
    Shown("typo", f"varme check {EXAMPLE} --set devices.HP1.copp=4", fails=True),
    Shown(
        "no-plan",
        "varme run broken --set devices.heat_pump.heat_max_mw=4 --set devices.peak_boiler.heat_max_mw=4",
        fails=True,
    ),
    Shown(
        "sweep",
        "varme sweep mytown --vary devices.heat_pump.heat_max_mw=0:40:10 --jobs 2",
        last=9,
        makes="runs/mytown-sweep",
    ),
)
CHARTS = {
    HOME: ("schedule", "room", "worth"),
    TOWN: (
        "heat_pump_temperature",
        "tornado",
        "cop_curve",
        "demand_duration",
        "transformer_heat_map",
        "simultaneity",
    ),
    YEAR: (
        "week_heat",
        "week_power",
        "pq_scatter",
        "heat_pump_hours",
        "price_duration",
        "gap",
    ),
    "runs/capacity": ("saving_cost", "capacity_ratio", "total"),
    "runs/parameters": ("factors_same_base", "factors_original_base"),
}


def main(wanted: list[str]) -> int:
    """Run the commands, or those named; ``--in DIR`` works in a folder that stays."""
    place = Path(wanted[wanted.index("--in") + 1]) if "--in" in wanted else Path(tempfile.mkdtemp())
    names = {w for w in wanted if not w.startswith("--") and w != str(place)}
    place.mkdir(parents=True, exist_ok=True)
    if not (place / "examples").exists():
        (place / "examples").symlink_to(DOCS.parent / "examples")
    OUTPUTS.mkdir(parents=True, exist_ok=True)
    PICTURES.mkdir(parents=True, exist_ok=True)
    for shown in COMMANDS:
        if not names or shown.name in names:
            prepare(shown, place)
            (OUTPUTS / f"{shown.name}.txt").write_text(printed(shown, place), encoding="utf-8")
            print(f"written: {shown.name}")
    if not names or "pictures" in names:
        for run, charts in CHARTS.items():
            for chart in charts:
                draw(place, run, chart)
    return 0


def prepare(shown: Shown, place: Path) -> None:
    """Make what a command needs: a study without a price for missing heat, or a free run folder."""
    if shown.makes:
        shutil.rmtree(place / shown.makes, ignore_errors=True)
    if shown.name == "no-plan":
        shutil.copytree(place / "mytown", place / "broken", dirs_exist_ok=True)
        text = (place / "broken" / "study.toml").read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if not line.startswith("shortfall_eur_per_mwh")]
        (place / "broken" / "study.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def printed(shown: Shown, place: Path) -> str:
    """Run a command and return what it prints, the problems too if it is meant to fail."""
    done = call(shlex.split(shown.command)[1:], place)
    if (done.returncode != 0) != shown.fails:
        raise RuntimeError(f"{shown.command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    text = (done.stderr if shown.fails else "") + done.stdout
    lines = [re.sub(r"\s+$", "", line) for line in text.splitlines()]
    if shown.fails:
        lines = [line for line in lines if not re.match(r"^\w+: \d+/\d+ ", line)]
    if shown.first and shown.last:
        lines = [*lines[: shown.first], "...", *lines[-shown.last :]]
    elif shown.last:
        lines = lines[-shown.last :]
    elif shown.first:
        lines = lines[: shown.first]
    lines = [part for line in lines for part in wrapped(line)]
    return f"$ {shown.command}\n" + "\n".join(lines).strip("\n") + "\n"


def wrapped(line: str) -> list[str]:
    """Return a message on lines that fit a page; tables stay as they are."""
    if not re.match(r"^(note|warning|alarm|Next:|  P\d{3}) ", line):
        return [line]
    return textwrap.wrap(line, 104, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def call(arguments: list[str], place: Path) -> subprocess.CompletedProcess[str]:
    """Run ``varme`` in a folder."""
    environment = {**os.environ, "COLUMNS": "120", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "varme", *arguments]
    return subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)


def draw(place: Path, run: str, chart: str) -> None:
    """Draw a chart of a run into the pictures."""
    done = call(["show", run, "--chart", chart, "--png", str(PICTURES / f"{chart}.png")], place)
    if done.returncode:
        raise RuntimeError(f"{chart} of {run}: {done.stderr}")
    print(f"drawn: {chart}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
