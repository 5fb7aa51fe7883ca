"""Studies from Python: read, run, checked, loaded, compared."""

import errno
import json
from pathlib import Path

import pytest

import varme
from varme.ground.context import Kind
from varme.ground.errors import InputError, RunError
from varme.study import registry
from varme.study.compare import compare
from varme.study.file import read_study
from varme.study.folder import RunFolder
from varme.study.run import Interrupted, worker_count


def test_without_out_nothing_is_written(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = varme.run(toy)
    assert len(result.tables["trace"]) == 48
    assert list(tmp_path.iterdir()) == []


def test_provenance(toy):
    result = varme.run(toy, set=["title=Other"])
    known = result.provenance
    assert known["versions"]["varme"] == varme.__version__
    assert {"python", "numpy", "highspy"} <= set(known["versions"])
    assert known["seed"] == 1  # the kind's own
    assert {"started", "seconds", "jobs", "resumed", "cpu_s"} == set(known["timing"])
    assert result.study["title"] == "Other"
    assert known["study_hash"] == read_study(toy, ["title=Other"]).hash


def test_the_hash_is_that_of_the_content(toy, tmp_path):
    path = tmp_path / "s.toml"
    text = 'windows = 2\nkind = "toy"\n'
    tables = (
        '[devices.B]\ntype = "other"\npower_max_kw = 2000.0\n[devices.A]\nheat_max_mw = 3.5\ntype = "part"\n'
    )
    rows = '[[rows]]\nlabel = "first"\n[[rows]]\nlabel = "second"\n'
    path.write_text(text + tables + rows + "# a remark\n")
    assert read_study(path).hash == read_study(toy).hash
    assert read_study(path, ["windows=3"]).hash != read_study(toy).hash


def test_dates_are_the_same_from_toml_and_from_json(tmp_path):
    """TOML has dates of its own; a run folder keeps JSON, and resuming must find the same study in it."""
    text = 'kind = "district"\n[time]\nstart = 2011-01-01\nend = 2011-01-02T00:00:00\n'
    (tmp_path / "s.toml").write_text(text)
    data = {"kind": "district", "time": {"start": "2011-01-01", "end": "2011-01-02T00:00:00"}}
    assert read_study(tmp_path / "s.toml").hash == read_study(data).hash
    assert read_study(data, ["time.start=2011-01-01"]).hash == read_study(data).hash


def test_the_fingerprint_sees_the_data_files(toy, tmp_path):
    study = read_study(toy, base=tmp_path)
    study.data["devices_table"] = "units.csv"
    before = study.fingerprint
    (tmp_path / "units.csv").write_text("name")
    assert study.fingerprint != before


def test_json_files_and_folders(toy, tmp_path):
    (tmp_path / "study.json").write_text(json.dumps(toy))
    assert read_study(tmp_path / "study.json").hash == read_study(toy).hash
    assert read_study(tmp_path).base == tmp_path.resolve()


def test_load_gives_what_was_saved(toy, tmp_path):
    result = varme.run(toy, out=tmp_path / "out")
    again = varme.load(tmp_path / "out")
    assert again.as_dict() == json.loads(json.dumps(result.as_dict()))
    assert again.tables["trace"].equals(result.tables["trace"])


def test_resume_and_force_need_a_folder(toy):
    with pytest.raises(InputError, match="P108"):
        varme.run(toy, resume=True)
    with pytest.raises(InputError, match="P108"):
        varme.run(toy, force=True)


@pytest.mark.parametrize("jobs", [-1])
def test_jobs(toy, jobs):
    with pytest.raises(InputError, match="P101"):
        varme.run(toy, jobs=jobs)
    assert worker_count(0) >= 1


def test_ctrl_c_is_a_keyboard_interrupt_with_the_way_on(toy, tmp_path):
    class Impatient:
        def stage(self, name, total): ...

        def advance(self, done, info):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="P506") as caught:
        varme.run(toy, out=tmp_path / "out", progress=Impatient())
    assert isinstance(caught.value, Interrupted)
    assert caught.value.state.done == 1
    with pytest.raises(RunError, match="1 of 2"):
        varme.load(tmp_path / "out")
    assert len(varme.run(toy, out=tmp_path / "out", resume=True).data["trace"]) == 48


@pytest.mark.parametrize("name", ["w1.npz", "result.json", "trace.parquet"])
def test_a_full_disk_leaves_nothing_half_written(toy, tmp_path, monkeypatch, name):
    replace = Path.replace

    def full(self, target):
        if Path(target).name == name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(RunError, match=r"P503.*No space left on device"):
        varme.run(toy, out=tmp_path / "out")
    assert not (tmp_path / "out" / "result.json").exists()
    assert (tmp_path / "out" / "work" / "toy" / "w0.npz").exists()
    assert list((tmp_path / "out").rglob("*.tmp")) == []
    monkeypatch.undo()
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "cli" / "plugin"))
    assert len(varme.run(toy, out=tmp_path / "out", resume=True).data["trace"]) == 48


def test_a_folder_that_cannot_be_written(toy, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"P50[13]"):
        varme.run(toy, out=tmp_path / "file" / "out")
    with pytest.raises(RunError, match="P501"):
        varme.run(toy, out=tmp_path / "file")


def test_clear_removes_only_what_varme_wrote(tmp_path):
    for name in ("result.json", "notes.md", "tables/a.parquet", "work/x/y.npz"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    RunFolder(tmp_path).clear()
    assert [p.name for p in tmp_path.rglob("*")] == ["notes.md"]


def test_check(toy):
    assert [f.code for f in varme.check(toy)] == ["checked"]


def test_kinds(toy, monkeypatch):
    monkeypatch.setattr(registry, "_REGISTERED", {})
    own = registry.find("toy")
    assert "toy" in registry.names()
    registry.register(Kind("mine", "Mine", own.spec, own.run, own.check))
    assert registry.find("mine").title == "Mine"
    assert "mine" in registry.names()
    assert registry.sendable(own) == "toy"
    with pytest.raises(ValueError, match="varme's own"):
        registry.register(Kind("district", "Mine", own.spec, own.run, own.check))
    with pytest.raises(InputError, match=r"P106.*Did you mean toy\?"):
        varme.run(toy | {"kind": "tooy"})
    with pytest.raises(InputError, match="P103"):
        varme.run({})


def test_compare_by_hand(toy):
    """3.5 MW against 7 MW: the mean differs by 3.5 MW, whatever the random part is."""
    first = varme.run(toy)
    second = varme.run(toy, set={"devices.A.heat_max_mw": 7.0, "solve.mode": "lp"})
    comparison = compare([first, second], ["a", "a"])
    assert comparison.labels == ("a", "a (2)")
    rows = {row.name: row for row in comparison.rows}
    assert rows["heat_mean_mw"].differences()[1] == pytest.approx(3.5)
    mean = first.data["trace"].column("heat_mw").mean()
    assert rows["heat_mean_mw"].percents() == [0.0, pytest.approx(350 / mean)]
    assert rows["gap_share"].equal
    assert rows["mode"].values == ("milp", "lp")
    assert rows["mode"].differences() == [None, None]
    table = comparison.table()
    assert set(table.column("figure")) == {"cost_eur", "heat_mean_mw", "gap_share"}
    with pytest.raises(ValueError, match="labels"):
        compare([first], ["a", "b"])
