"""Bad input on the command line: the text, the exit code, JSON, and never a traceback."""

import json
import re
from pathlib import Path

import pytest


def failed(done, exit_code, *texts):
    assert done.returncode == exit_code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for text in texts:
        assert text in done.stderr
    return True


def test_all_bad_settings_are_told_at_once(varme, study):
    words = [
        "windws=3",
        "devices.A.heat_mx_mw=1",
        "heat_max_mw=1",
        "devices.C.label=x",
        "nothing",
        "title=[1",
    ]
    done = varme("check", study, *[w for word in words for w in ("--set", word)])
    assert failed(
        done, 2, "6 problems", "Did you mean windows?", "Did you mean devices.A.heat_max_mw?",
        "Did you mean devices.NAME.heat_max_mw?", "devices has no C (there are: A, B)", "not of the form field=value",
        "not valid TOML",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ('kind = "toi"', "P106", "Did you mean toy?"),
        ("title = 1", "P103", "kind"),
        ('kind = "toy"\nwindow = 3', "P104", "did you mean windows?"),
        ('kind = "toy"\n[devices.A]\ntype = "part"\nheat_max_mwh = 3', "P105", "heat_max_mw"),
        ('kind = "toy"\nwindows = 0', "P101", "windows = 0"),
        ('kind = "toy"\n\ntitle = "open\nwindows = 3', "P100", "line 3"),
    ],
)
def test_bad_study_files(varme, study, text, code, hint):
    study.write_text(text)
    assert failed(varme("run", study, "--out", "out"), 2, "study.toml", code, hint)
    assert not (varme.folder / "out").exists()


def test_a_missing_file(varme, study):
    assert failed(varme("check", "studdy.toml"), 2, "P100", "no such file", "Did you mean study.toml?")


def test_an_unknown_option_and_an_unknown_command(varme):
    assert failed(varme("run", "x.toml", "--resum"), 2, "--resume", "See: varme run --help")
    assert failed(varme("chek", "x.toml"), 2, "Did you mean 'check'")
    assert failed(varme("run"), 2, "STUDY")


def test_a_model_without_an_answer_leaves_no_folder(varme, study):
    assert failed(
        varme("run", study, "--out", "out", "--set", "fail_above=1"), 4, "P301 heat:toy: short by 2.5 MW"
    )
    assert not (varme.folder / "out").exists()


def test_a_bug_says_so_and_keeps_the_traceback(varme, study):
    done = varme("run", study, "--out", "out", "--set", "bug=true")
    assert failed(done, 70, "bug in varme", "RuntimeError: oh dear")
    path = Path(re.findall(r"details are in (\S+);", done.stderr)[0])
    try:
        text = path.read_text()
    finally:
        path.unlink()
    assert "Traceback" in text
    assert "--set bug=true" in text


def test_errors_as_json(varme, study):
    done = varme("check", study, "--set", "windws=3", "--set", "titel=x", "--json")
    assert done.returncode == 2
    problems = json.loads(done.stdout)["error"]["problems"]
    assert [p["code"] for p in problems] == ["P111", "P111"]
    assert problems[0]["remedy"] == "Did you mean windows?"
    assert set(problems[0]) == {"code", "where", "what", "value", "limit", "remedy", "text"}
    usage = json.loads(varme("show", "--rows", "many", "x", "--json").stdout)
    assert usage["error"]["problems"] == []
    assert "--rows" in usage["error"]["message"]
    assert json.loads(varme("compare", "a", "b", "--json").stdout)["error"]["problems"][0]["code"] == "P502"


def test_no_colour_in_a_pipe_nor_with_no_color(varme, study):
    done = varme("check", study, "--set", "x", NO_COLOR="1")
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize(
    "words", [["--vary", "windows"], ["--vary", "windws=1,2"], ["--vary", "windows=3:1:1"], []]
)
def test_bad_axes(varme, study, words):
    assert failed(varme("sweep", study, *words, "--out", "sw"), 2, "P111", "--vary")
    assert not (varme.folder / "sw").exists()


def test_failed_points_are_findings_and_the_others_are_kept(varme, study):
    words = ["--vary", "devices.A.heat_max_mw=1,2,9", "--set", "fail_above=5", "--out", "sw", "-j", "2"]
    done = varme("sweep", study, *words)
    assert done.returncode == 0, done.stderr
    assert "devices.A.heat_max_mw=9: this point failed: P301" in done.stdout
    rows = json.loads(varme("show", "sw", "--table", "points", "--json").stdout)
    assert [r["status"] for r in rows] == ["done", "done", "failed"]
    assert failed(
        varme("sweep", study, "--vary", "devices.A.heat_max_mw=8,9", "--set", "fail_above=5"), 4, "P301"
    )
