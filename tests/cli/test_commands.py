"""Every command, from the outside."""

import json

import pytest

COMMANDS = [
    "run",
    "check",
    "show",
    "compare",
    "sweep",
    "new",
    "schema",
    "kinds",
    "export",
    "report",
    "demo",
    "explain",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(varme, command):
    done = varme(command, "--help")
    assert done.returncode == 0
    assert f"Usage: varme {command}" in done.stdout
    assert "-h, --help" in done.stdout


def test_the_top_help_lists_every_command(varme):
    done = varme("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert f"  {command} " in done.stdout
    assert "..." not in done.stdout.split("Commands:")[1]  # no text is cut off


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["--version"], ["sweep", "-h"]])
def test_help_imports_nothing_heavy(varme, words):
    done = varme(*words, PYTHONPROFILEIMPORTTIME="1")
    loaded = {
        line.split("|")[-1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")
    }
    assert "varme.cli.main" in loaded
    heavy = {"numpy", "pandas", "pydantic", "duckdb", "matplotlib", "highspy", "scipy", "rich", "jinja2"}
    assert loaded & heavy == set()


def test_version(varme):
    assert varme("--version").stdout.startswith("varme 0.")


def test_run_prints_what_a_reader_needs_and_writes_the_folder(varme, study):
    done = varme("run", study, "--out", "out")
    assert done.returncode == 0, done.stderr
    for text in (
        "Cost of operation",
        "EUR",
        "Proven: gap of the run 0.1 %",
        "made up",
        "report.html",
        "Next:",
    ):
        assert text in done.stdout
    assert "\x1b" not in done.stdout  # no colours in a pipe
    names = sorted(p.name for p in (varme.folder / "out").iterdir())
    assert names == ["report.html", "result.json", "study.json", "tables"]
    stored = json.loads((varme.folder / "out" / "study.json").read_text())
    assert stored["base"] == str(varme.folder)
    assert stored["study"]["devices"]["A"]["heat_max_mw"] == 3.5


def test_run_without_out_takes_a_new_folder_each_time(varme, study):
    assert varme("run", study).returncode == 0
    assert varme("run", study).returncode == 0
    names = sorted(p.name for p in (varme.folder / "runs").iterdir())
    assert names == [varme.folder.name, f"{varme.folder.name}-2"]


def test_shortcuts_find_their_field(varme, study):
    done = varme("run", study, "--out", "out", "--mode", "lp", "--quality", "precise")
    assert done.returncode == 0, done.stderr
    stored = json.loads((varme.folder / "out" / "study.json").read_text())
    assert stored["study"]["solve"]["mode"] == "lp"
    assert stored["study"]["solve"]["quality"] == "precise"


def test_a_run_folder_can_be_run_again(varme, done):
    again = varme("run", done, "--out", "again", "--set", "devices.A.heat_max_mw=4")
    assert again.returncode == 0, again.stderr
    stored = json.loads((varme.folder / "again" / "study.json").read_text())
    assert stored["study"]["devices"]["A"]["heat_max_mw"] == 4
    assert stored["base"] == str(varme.folder)


def test_an_existing_folder_is_refused_unless_forced(varme, study, done):
    note = done / "my-notes.txt"
    note.write_text("mine")
    before = (done / "result.json").read_bytes()
    refused = varme("run", study, "--out", "done", "--set", "title=new")
    assert refused.returncode == 6
    assert "P501" in refused.stderr
    assert (done / "result.json").read_bytes() == before
    forced = varme("run", study, "--out", "done", "--set", "title=new", "--force")
    assert forced.returncode == 0, forced.stderr
    assert json.loads((done / "result.json").read_text())["title"] == "new"
    assert note.read_text() == "mine"


def test_check_lists_findings_and_writes_nothing(varme, study):
    done = varme("check", study)
    assert done.returncode == 0
    assert "no problems, 1 finding" in done.stdout
    assert "4 windows." in done.stdout
    machine = json.loads(varme("check", study, "--json").stdout)
    assert [f["code"] for f in machine["findings"]] == ["checked"]
    assert [p.name for p in varme.folder.iterdir()] == ["study.toml"]


def test_show(varme, done):
    plain = varme("show", done)
    assert "Cost of operation" in plain.stdout
    assert "trace" in plain.stdout
    assert "within 0 to 5" in plain.stdout
    table = varme("show", done, "--table", "trace", "--rows", "3").stdout.splitlines()
    assert table[1].split() == ["time", "unit", "heat_mw", "[MW]", "on"]
    assert len(table) == 6
    assert table[-1].startswith("3 of 96 rows")
    rows = json.loads(varme("show", done, "--table", "trace", "--rows", "2", "--json").stdout)
    assert rows[0]["time"] == "2011-01-01T00:00:00Z"
    assert json.loads(varme("show", done, "--json").stdout)["kind"] == "toy"


def test_show_a_chart(varme, done):
    text = varme("show", done, "--chart", "trace", "--rows", "4")
    assert "heat_mw" in text.stdout
    drawn = varme("show", done, "--chart", "trace", "--png", "pictures/a.png")
    assert drawn.returncode == 0, drawn.stderr
    assert (varme.folder / "pictures/a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--table", "trce"], "P107", "Did you mean trace?"),
        (["--chart", "nothing"], "P107", "charts: trace"),
    ],
)
def test_show_says_what_there_is(varme, done, words, code, text):
    refused = varme("show", done, *words)
    assert refused.returncode == 2
    assert code in refused.stderr
    assert text in refused.stderr


def test_show_nothing(varme, done):
    refused = varme("show", "doen")
    assert refused.returncode == 6
    assert "P502 doen: no such folder. Did you mean done?" in refused.stderr


def test_compare(varme, study, done):
    assert varme("run", study, "--out", "b", "--set", "devices.A.heat_max_mw=7").returncode == 0
    text = varme("compare", done, "b").stdout
    assert "Cost of operation" in text
    assert "figures are equal" in text
    machine = json.loads(varme("compare", done, "b", "--json").stdout)
    heat = next(f for f in machine["figures"] if f["figure"] == "heat_mean_mw")
    assert heat["differences"][1] == pytest.approx(3.5)
    assert machine["runs"] == ["done", "b"]
    assert varme("compare", done).returncode == 2


def test_sweep(varme, study):
    words = ["--vary", "devices.A.heat_max_mw=1:2:0.5", "--vary", "devices.B.power_max_mw=1,2", "--jobs", "2"]
    done = varme("sweep", study, *words, "--out", "sw")
    assert done.returncode == 0, done.stderr
    rows = json.loads(varme("show", "sw", "--table", "points", "--rows", "0", "--json").stdout)
    assert [(r["heat_max_mw"], r["power_max_mw"]) for r in rows] == [
        (a, b) for a in (1, 1.5, 2) for b in (1, 2)
    ]
    assert "heatmap" in (varme.folder / "sw" / "result.json").read_text()


def test_new_never_overwrites(varme):
    assert varme("new", "toy", "mine").returncode == 0
    path = varme.folder / "mine" / "study.toml"
    assert varme("check", path).returncode == 0
    path.write_text("# changed")
    refused = varme("new", "toy", "mine")
    assert refused.returncode == 6
    assert "P501" in refused.stderr
    assert path.read_text() == "# changed"


def test_kinds_and_schema(varme):
    assert "A made-up study" in varme("kinds").stdout
    schema = json.loads(varme("schema", "toy").stdout)
    heat = schema["$defs"]["Part"]["properties"]["heat_max_mw"]
    assert heat["x-unit"] == "MW"
    assert heat["description"] == "Largest heat output [MW]."
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("form", ["csv", "parquet", "json"])
def test_export_tables(varme, done, form):
    out = varme("export", done, "--format", form, "--table", "trace")
    assert out.returncode == 0, out.stderr
    path = done / "export" / f"trace.{form}"
    assert out.stdout.strip() == str(path)
    if form == "csv":
        assert path.read_text().splitlines()[1].startswith("2011-01-01T00:00:00Z,A,")
    if form == "json":
        assert len(json.loads(path.read_text())) == 96


def test_export_the_model(varme, done):
    out = varme("export", done, "--format", "mps", "--out", "models")
    assert out.returncode == 0, out.stderr
    assert (varme.folder / "models" / "model.mps").read_text().startswith("4 windows")
    refused = varme("export", done, "--format", "xlsx")
    assert "formats: csv, parquet, json, mps, lp" in refused.stderr


def test_report_is_written_anew(varme, done):
    (done / "report.html").unlink()
    out = varme("report", done, "--png")
    assert out.returncode == 0, out.stderr
    assert "<html" in (done / "report.html").read_text()[:300].lower()
    assert (done / "charts" / "trace.png").exists()


def test_explain(varme):
    assert "No plan exists" in varme("explain", "p301").stdout
    assert varme("explain", "P999").returncode == 2


def test_a_pipe_that_closes_is_no_error(varme, done):
    process = varme.start("show", done, "--table", "trace", "--rows", "0")
    process.stdout.close()
    process.wait(60)
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
