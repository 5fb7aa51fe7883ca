"""The command line with the district study: some days of East Denmark as a linear model."""

import json
import signal
from pathlib import Path

import pytest

from tests.cli.test_stopping import comparable, stop_after

EXAMPLE = Path(__file__).parents[2] / "examples" / "district-east-denmark-2011"
SHORT = [
    "--set",
    "on_top=[]",
    "--set",
    "solve.mode=lp",
    "--set",
    "solve.keep_h=24",
    "--set",
    "solve.overlap_h=24",
]
WEEKS = [*SHORT, "--set", "time.end=2011-01-29"]


def test_check_and_schema(varme):
    assert varme("check", EXAMPLE).returncode == 0
    assert json.loads(varme("schema", "district").stdout)["properties"]["solve"]


def test_a_misspelt_device_field(varme):
    done = varme("check", EXAMPLE, "--set", "devices.HP1.copp=3")
    assert done.returncode == 2
    assert "Did you mean devices.HP1.cop?" in done.stderr


@pytest.mark.slow
def test_a_killed_month_resumes_to_the_same_bytes(varme):
    whole = varme("run", EXAMPLE, *WEEKS, "--out", "whole")
    assert whole.returncode == 0, whole.stderr
    for text in ("Cost of operation", "Saving in cost", "Proven:", "MEUR"):
        assert text in whole.stdout
    stop_after(varme, 2, signal.SIGKILL, "run", EXAMPLE, *WEEKS, "--out", "out", part="out/work/**/*.npz")
    resumed = varme("run", "out", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert comparable(varme.folder / "out") == comparable(varme.folder / "whole")
    exported = varme("export", "whole", "--format", "mps")
    assert exported.returncode == 0, exported.stderr
    assert Path(varme.folder / exported.stdout.strip()).stat().st_size > 10_000


@pytest.mark.slow
def test_a_sweep_of_capacities(varme):
    words = ["--vary", "devices.HP1.heat_max_mw=100,300", "--set", "time.end=2011-01-05", *SHORT]
    done = varme("sweep", EXAMPLE, *words, "--jobs", "2", "--out", "sw")
    assert done.returncode == 0, done.stderr
    rows = json.loads(varme("show", "sw", "--table", "points", "--json").stdout)
    assert rows[1]["cost_meur"] < rows[0]["cost_meur"]  # a larger heat pump never costs operation


@pytest.mark.slow
def test_demo(varme):
    done = varme("demo", "--quick", "--no-open")
    assert done.returncode == 0, done.stderr
    assert "East Denmark" in done.stdout
    assert (varme.folder / "runs" / "demo" / "report.html").stat().st_size > 100_000
