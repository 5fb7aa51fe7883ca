"""The command line in subprocesses, with the made-up kind ``toy`` as a plug-in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parent / "plugin"
SOURCE = Path(__file__).parents[2] / "src"

TOY = """kind = "toy"
title = "My toy"
windows = 4

[devices.A]
type = "part"
heat_max_mw = 3.5

[devices.B]
type = "other"
power_max_mw = 2
"""


def environment(**more):
    path = os.pathsep.join([str(SOURCE), str(PLUGIN)])
    return {**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "1", **more}


class Shell:
    """Runs ``varme`` in a folder."""

    def __init__(self, folder):
        self.folder = folder

    def start(self, *words):
        command = [sys.executable, "-m", "varme", *map(str, words)]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=self.folder, env=environment(), stdout=pipe, stderr=pipe, encoding="utf-8"
        )  # fmt: skip

    def __call__(self, *words, **more):
        command = [sys.executable, "-m", "varme", *map(str, words)]
        return subprocess.run(
            command, cwd=self.folder, env=environment(**more), capture_output=True, text=True, encoding="utf-8",
            timeout=300, check=False,
        )  # fmt: skip


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(TOY, encoding="utf-8")
    return path


@pytest.fixture
def varme(tmp_path):
    return Shell(tmp_path)


@pytest.fixture(scope="session")
def one_run(tmp_path_factory):
    """A finished run, made once."""
    folder = tmp_path_factory.mktemp("one_run")
    (folder / "study.toml").write_text(TOY, encoding="utf-8")
    result = Shell(folder)("run", "study.toml", "--out", "done")
    assert result.returncode == 0, result.stderr
    return folder / "done"


@pytest.fixture
def done(varme, study, one_run):
    """A finished run of the study, as a copy."""
    folder = varme.folder / "done"
    shutil.copytree(one_run, folder)
    label = folder / "study.json"
    label.write_text(label.read_text().replace(str(one_run.parent), str(varme.folder)))
    return folder
