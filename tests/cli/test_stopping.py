"""Runs that are stopped: by Ctrl-C, by the system, by a full disk; and resumed, with the same bytes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

SLOW = ["--set", "solve.sleep_s=0.25", "--set", "windows=8"]


def wait_for(condition, process, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def stop_after(varme, count, signal_number, *words, part="out/work/toy/w*.npz"):
    """Start a run, stop it after so many finished parts, and return exit code, output and errors."""
    process = varme.start(*words)
    wait_for(lambda: len(list(varme.folder.glob(part))) >= count, process)
    process.send_signal(signal_number)
    out, errors = process.communicate(timeout=60)
    return process.returncode, out, errors


def comparable(folder):
    """Return everything that must be equal: the bytes of the tables, and result.json without its clock times."""
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    del result["provenance"]["timing"]
    tables = {p.name: p.read_bytes() for p in sorted((folder / "tables").iterdir())}
    return json.dumps(result), tables


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130)])
def test_ctrl_c_keeps_what_is_finished_and_tells_the_way_on(varme, study, number, code):
    returned, _, errors = stop_after(varme, 2, number, "run", study, *SLOW, "--out", "out")
    assert returned == code
    assert "P506" in errors
    assert "varme run out --resume" in errors
    assert "Traceback" not in errors
    state = json.loads((varme.folder / "out" / "partial.json").read_text())
    assert state["state"] == "interrupted"
    assert state["total"] == 8
    assert 2 <= state["done"] < 8
    assert state["info"]["cost_eur"] > 0
    shown = varme("show", "out")
    assert shown.returncode == 0
    assert f"interrupted; {state['done']} of 8" in shown.stdout
    assert json.loads(varme("show", "out", "--json").stdout)["state"]["done"] == state["done"]
    assert "P502" in varme("compare", "out", "out").stderr
    resumed = varme("run", "out", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert not (varme.folder / "out" / "partial.json").exists()
    assert not (varme.folder / "out" / "work").exists()


def test_a_killed_run_resumes_to_the_same_bytes(varme, study):
    assert varme("run", study, *SLOW, "--out", "whole").returncode == 0
    stop_after(varme, 3, signal.SIGKILL, "run", study, *SLOW, "--out", "out")
    assert "the run is stopped" in varme("show", "out").stdout
    refused = varme("run", study, *SLOW, "--out", "out")
    assert refused.returncode == 6
    assert "holds an unfinished run" in refused.stderr
    finished = {p.name: p.stat().st_mtime_ns for p in (varme.folder / "out/work/toy").glob("*.npz")}
    assert len(finished) >= 3
    resumed = varme("run", study, *SLOW, "--out", "out", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert comparable(varme.folder / "out") == comparable(varme.folder / "whole")


def test_resume_refuses_another_study(varme, study):
    stop_after(varme, 2, signal.SIGKILL, "run", study, *SLOW, "--out", "out")
    refused = varme("run", study, *SLOW, "--set", "devices.A.heat_max_mw=9", "--out", "out", "--resume")
    assert refused.returncode == 6
    assert "P505" in refused.stderr
    assert len(list((varme.folder / "out/work/toy").glob("*.npz"))) >= 2


def test_resume_of_a_finished_run_returns_it(varme, study, done):
    before = (done / "result.json").read_bytes()
    assert varme("run", study, "--out", "done", "--resume").returncode == 0
    assert (done / "result.json").read_bytes() == before


def test_resume_without_out_finds_the_last_unfinished_run(varme, study):
    part = f"runs/{varme.folder.name}/work/toy/w*.npz"
    stop_after(varme, 2, signal.SIGKILL, "run", study, *SLOW, part=part)
    resumed = varme("run", study, *SLOW, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert [p.name for p in (varme.folder / "runs").iterdir()] == [varme.folder.name]


@pytest.mark.skipif(sys.platform == "win32", reason="no lock there")
def test_two_runs_never_share_a_folder(varme, study):
    slow = ["--set", "solve.sleep_s=0.25", "--set", "windows=1000"]
    first = varme.start("run", study, *slow, "--out", "out")
    wait_for(lambda: (varme.folder / "out/work/toy/w0.npz").exists(), first)
    shown = varme("show", "out")
    assert "the run is running" in shown.stdout
    second = varme("run", study, *slow, "--out", "out", "--resume")
    assert second.returncode == 6
    assert "another process works in this folder" in second.stderr
    assert first.poll() is None
    first.send_signal(signal.SIGINT)
    _, errors = first.communicate(timeout=60)
    assert first.returncode == 130, errors


def test_a_killed_sweep_resumes_to_the_same_bytes(varme, study):
    words = ["--vary", "devices.A.heat_max_mw=1,2,3,4", "--set", "solve.sleep_s=0.1"]
    assert varme("sweep", study, *words, "--out", "whole").returncode == 0
    stop_after(
        varme, 2, signal.SIGKILL, "sweep", study, *words, "--out", "out", part="out/work/points/*.json"
    )
    assert "varme sweep out --resume" in varme("show", "out").stdout
    resumed = varme("sweep", "out", "--resume", "-j", "2")
    assert resumed.returncode == 0, resumed.stderr
    timing = json.loads((varme.folder / "out" / "result.json").read_text())["provenance"]["timing"]
    assert timing["points_resumed_count"] >= 2
    assert comparable(varme.folder / "out") == comparable(varme.folder / "whole")


def test_a_log_gets_lines_and_no_bars(varme, study):
    done = varme("run", study, *SLOW, "--out", "out")
    lines = done.stderr.splitlines()
    assert 2 <= len(lines) <= 10
    assert lines[-1].startswith("windows: 8/8  cost 800,000 EUR, gap 0.1 %")
    assert "\r" not in done.stderr
    assert "\x1b" not in done.stderr


def test_a_quick_run_shows_no_progress(varme, study):
    assert varme("run", study, "--out", "out").stderr == ""


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 kB, where the machine allows one."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = shutil.which("mount")
    if mount is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    words = [mount, "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(path)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(varme, study, small_disk):
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 40_000)
    words = ["--set", "windows=20", "--out", small_disk / "out"]
    failed = varme("run", study, *words)
    assert failed.returncode == 6, failed.stdout + failed.stderr
    assert "P503" in failed.stderr
    assert "No space left on device" in failed.stderr
    assert not (small_disk / "out" / "result.json").exists()
    assert "failed" in varme("show", small_disk / "out").stdout
    ballast.unlink()
    shutil.copytree(small_disk / "out", varme.folder / "moved")
    resumed = varme("run", varme.folder / "moved", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert varme("run", study, "--set", "windows=20", "--out", "whole").returncode == 0
    assert comparable(varme.folder / "moved") == comparable(varme.folder / "whole")
