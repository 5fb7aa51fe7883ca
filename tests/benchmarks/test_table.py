"""The benchmarks: a bar is reached or missed by the figure that it is about, and a missing peer is a miss."""

import json

import pytest

from benchmarks.command import main
from benchmarks.registry import SUBJECTS, Bar, Line
from benchmarks.table import row


@pytest.mark.parametrize(
    ("line", "passed"),
    [
        (Line("build", 0.4, bar=Bar(0.4)), True),
        (Line("build", 0.41, bar=Bar(0.4)), False),
        (Line("build", None, bar=Bar(0.4)), False),
        (Line("build", 0.1, peer="other", peer_value=1.0, bar=Bar(10, "faster")), True),
        (Line("build", 0.1, peer="other", peer_value=0.9, bar=Bar(10, "faster")), False),
        (Line("build", 0.1, peer="other", bar=Bar(10, "faster"), note="not installed"), False),
        (Line("build", 0.1, peer="other", peer_value=1.0), None),
    ],
)
def test_a_bar_is_judged_by_its_own_figure(line, passed):
    """``at_most`` looks at ours, ``faster`` at the peer's over ours; no figure, no pass; no bar, no verdict."""
    assert line.passed is passed
    assert ("MISS" in row(line)) == (passed is False)
    assert ("pass" in row(line)) == (passed is True)


def test_a_row_shows_both_figures_and_the_ratio():
    text = row(Line("build", 0.1, peer="other", peer_value=1.0, bar=Bar(5, "faster"), note="scaled"))
    assert text.split()[1:] == ["0.1", "s", "other", "1", "s", "10", "x", ">=", "5", "x", "pass", "scaled"]


def test_the_command_measures_prints_and_writes(tmp_path, capsys):
    """``--only`` takes one subject, ``--json`` holds what the table shows, with machine and sizes."""
    path = tmp_path / "figures.json"
    assert main(["--only", "next-window", "--quick", "--json", str(path)]) == 0
    out = capsys.readouterr().out
    assert "next-window" in out
    assert "cores" in out
    found = json.loads(path.read_text())
    [line] = found["subjects"]["next-window"]
    assert line["unit"] == "ms"
    assert line["value"] > 0
    assert "binaries" in line["size"]
    assert found["machine"]["highspy"]


def test_an_unknown_subject_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--only", "nothing"])
    assert "there are: window" in capsys.readouterr().err


def test_every_bar_of_the_project_has_a_subject():
    """The tables of the project's goals, by study."""
    district = {"window", "next-window", "year-build", "year-rolling", "milp-fast", "milp-precise", "surface"}
    retrofit = {
        "ingest", "cleaning", "change-point", "retrofit-scale", "spf-accuracy", "spf-years", "hourly", "peak-day",
        "transformers", "town",
    }  # fmt: skip
    home = {
        "home-learn", "cop-held-out", "emhass", "emhass-on-off", "home-build", "fleet", "home-scenarios",
        "home-sizing", "home-simulation", "home-replay", "home-plan",
    }  # fmt: skip
    assert set(SUBJECTS) == district | retrofit | home
