"""Results: there and back unchanged, equal bytes for equal results, and nothing half-written on a full disk."""

import json
import os
import subprocess
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from varme.ground import parquet
from varme.ground import result as result_module
from varme.ground.charts import Chart
from varme.ground.context import Checkpoints, Context
from varme.ground.errors import RunError
from varme.ground.findings import Finding
from varme.ground.result import SCHEMA_VERSION, Figure, Result, plain
from varme.ground.tables import Column, Table, TableSchema

SCHEMA = TableSchema(
    "mixed",
    "All types",
    (
        Column("time_utc", "time", "start of the interval"),
        Column("unit", "text", "name"),
        Column("power_mw", "number", "power"),
        Column("starts_count", "integer", "starts"),
        Column("on", "flag", "running"),
    ),
)
TIMES = np.datetime64("2011-03-26T23:00:00") + np.arange(4) * np.timedelta64(900, "s")
FIRST, LAST = np.datetime64("1990-01-01T00").item(), np.datetime64("2100-01-01T00").item()
CHART = Chart(
    "week", "stack", "A week", "mixed", "time_utc", ("power_mw",), group="unit", where={"unit": ("B", "Ærø")}
)


def table(n=4, schema=SCHEMA):
    data = {
        "time_utc": np.resize(TIMES, n), "unit": ["B", "Ærø", "A", "B"][:n], "power_mw": [1.5, np.nan, -0.0, 1e300][:n],
        "starts_count": [0, -3, 2**62, 1][:n], "on": [True, False, True, False][:n],
    }  # fmt: skip
    return Table(schema, data)


def result(tables=None, **parts):
    fields = {
        "kind": "district",
        "title": "Wärme – 熱",
        "summary": {
            "cost_meur": Figure("cost_meur", 1.5, "cost", (1.0, 2.0), "paper"),
            "none": Figure("none", None, ""),
        },
        "data": tables if tables is not None else {"mixed": table()},
        "findings": (Finding("gap_filled", "warning", "x", "text", {"count": np.int64(3), "t": TIMES[0]}),),
        "charts": (CHART,),
        "provenance": {"seed": 1, "gap": np.float64(0.25), "hashes": {"a": "b"}},
        "study": {"kind": "district", "list": [1, 2.5, None, True]},
    }
    return Result(**(fields | parts))


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def assert_same_tables(one, two):
    assert list(one) == list(two)
    for name in one:
        assert one[name].schema == two[name].schema
        for column in one[name].schema.columns:
            np.testing.assert_array_equal(one[name].column(column.name), two[name].column(column.name))


# --------------------------------------------------------------------------------------- there and back


def test_a_result_comes_back_as_it_was(tmp_path):
    saved = result()
    assert saved.save(tmp_path) == tmp_path / "result.json"
    loaded = Result.load(tmp_path)
    assert_same_tables(saved.data, loaded.data)
    assert (loaded.kind, loaded.title, loaded.summary) == (saved.kind, saved.title, saved.summary)
    assert (loaded.charts, loaded.study) == (saved.charts, saved.study)
    assert loaded.provenance == {"seed": 1, "gap": 0.25, "hashes": {"a": "b"}}
    assert loaded.findings[0].evidence["count"] == 3
    assert loaded["cost_meur"] == 1.5
    assert Result.load(tmp_path / "result.json").title == saved.title
    assert set(files(tmp_path)) == {"result.json", "tables/mixed.parquet"}


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(
    rows=st.lists(
        st.tuples(
            st.datetimes(min_value=FIRST, max_value=LAST),
            texts,
            st.floats(allow_nan=True, allow_infinity=True),
            st.integers(-(2**63), 2**63 - 1),
            st.booleans(),
        ),
        max_size=6,
    ),
    title=texts,
    value=st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    evidence=st.dictionaries(texts, st.floats() | texts | st.lists(st.integers(-5, 5)), max_size=3),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_rows_come_back_and_are_written_with_the_same_bytes(
    tmp_path_factory, rows, title, value, evidence
):
    columns = list(zip(*rows, strict=True)) if rows else [()] * 5
    data = {c.name: list(values) for c, values in zip(SCHEMA.columns, columns, strict=True)}
    one = result(
        {"mixed": Table(SCHEMA, data)}, title=title, summary={"v": Figure("v", value, "x")},
        findings=(Finding("c", "note", "w", "m", evidence),),
    )  # fmt: skip
    first, second = tmp_path_factory.mktemp("a"), tmp_path_factory.mktemp("b")
    one.save(first)
    loaded = Result.load(first)
    assert_same_tables(one.data, loaded.data)
    assert (loaded.title, loaded.summary["v"].value) == (title, value)
    loaded.save(second)
    assert files(first) == files(second)


def test_equal_results_give_equal_bytes(tmp_path):
    for name in ("a", "b"):
        result().save(tmp_path / name)
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_codes_and_texts_of_a_column_are_the_same_table(tmp_path):
    """Big tables are given as codes; the order of the categories is no part of the content."""
    given_as_codes = Table(SCHEMA, {**table().data, "unit": (np.array([1, 0, 2, 1]), ["Ærø", "B", "A"])})
    result().save(tmp_path / "a")
    result({"mixed": given_as_codes}).save(tmp_path / "b")
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_an_empty_table_keeps_its_columns(tmp_path):
    result({"mixed": table(0)}).save(tmp_path)
    frame = Result.load(tmp_path).tables["mixed"]
    assert list(frame.columns) == [c.name for c in SCHEMA.columns]
    assert len(frame) == 0


def test_frames_know_their_units_and_their_clock():
    frame = result().tables["mixed"]
    assert str(frame["time_utc"].dt.tz) == "UTC"
    assert frame.attrs["units"] == {"power_mw": "mw", "starts_count": "count"}
    assert frame["unit"].tolist() == ["B", "Ærø", "A", "B"]
    assert [len(result().tables), list(result().tables)] == [1, ["mixed"]]
    with pytest.raises(KeyError, match="tables: mixed"):
        result().tables["dispatch"]
    with pytest.raises(KeyError, match="charts: week"):
        result().chart("month")


def test_tables_refuse_what_does_not_fit_the_schema():
    with pytest.raises(ValueError, match="differ in length"):
        Table(SCHEMA, {**table().data, "unit": ["A"], "on": [True]})
    with pytest.raises(ValueError, match="columns"):
        Table(SCHEMA, {"unit": []})
    with pytest.raises(KeyError, match="has no column"):
        table().column("x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64("nan"), None),
        (float("inf"), None),
        (np.int32(3), 3),
        (np.bool_(True), True),
        ((1, np.array([1.5, np.nan])), [1, [1.5, None]]),
        ({1: Path("a/b")}, {"1": "a/b"}),
        (TIMES[0], "2011-03-26 23:00:00"),
    ],
)
def test_plain_data_are_json(value, expected):
    assert plain(value) == expected
    json.dumps(plain(value), allow_nan=False)


# -------------------------------------------------------------------------------------- not a result


def test_folders_that_hold_no_result(tmp_path):
    def found(folder):
        with pytest.raises(RunError) as caught:
            Result.load(folder)
        [problem] = caught.value.problems
        assert problem.code == "P502"
        return str(problem)

    assert "result.json is missing" in found(tmp_path)
    assert "result.json is missing" in found(tmp_path / "nowhere")
    (tmp_path / "result.json").write_text("{}")
    assert "not a result of varme" in found(tmp_path)
    (tmp_path / "result.json").write_text("no json")
    assert "not a result of varme" in found(tmp_path)
    (tmp_path / "result.json").write_text(json.dumps({"schema_version": SCHEMA_VERSION + 1}))
    assert "newer varme" in found(tmp_path)
    result().save(tmp_path)
    (tmp_path / "tables" / "mixed.parquet").write_bytes(b"PAR1 rubbish PAR1")
    assert "not a result of varme" in found(tmp_path)
    (tmp_path / "tables" / "mixed.parquet").unlink()
    assert "mixed.parquet is missing" in found(tmp_path)


# ----------------------------------------------------------------------------------------- a full disk


def no_space(*_, **__):
    raise OSError(28, os.strerror(28))


@pytest.mark.parametrize("breaks", ["write_aside", "_write_text_aside", "mkdir", "fsync"])
def test_a_failed_save_leaves_the_older_result_as_it_was(tmp_path, monkeypatch, breaks):
    """Tables of the new result beside the old summary would be a result that nobody computed."""
    result().save(tmp_path)
    before = files(tmp_path)
    newer = result({"first": table(2), "mixed": table(3)}, title="newer")
    if breaks == "write_aside":
        real = parquet.write_aside
        monkeypatch.setattr(
            result_module,
            "write_aside",
            lambda t, path: no_space() if "mixed" in path.name else real(t, path),
        )
    elif breaks == "_write_text_aside":
        monkeypatch.setattr(result_module, "_write_text_aside", no_space)
    else:
        monkeypatch.setattr(Path if breaks == "mkdir" else os, breaks, no_space)
    with pytest.raises(RunError) as caught:
        newer.save(tmp_path)
    monkeypatch.undo()
    [problem] = caught.value.problems
    assert (problem.code, problem.where) == ("P503", str(tmp_path))
    assert "No space left on device" in problem.what
    assert files(tmp_path) == before
    assert Result.load(tmp_path).title == "Wärme – 熱"


def test_the_parquet_writer_turns_its_errors_into_plain_ones(tmp_path):
    with pytest.raises(OSError, match="cannot write"):
        parquet.write_parquet(table(), tmp_path / "none" / "x.parquet")
    path = tmp_path / "it's.parquet"
    parquet.write_parquet(table(), path)
    assert len(parquet.read_parquet(SCHEMA, path)) == 4
    assert [p.name for p in tmp_path.iterdir()] == ["it's.parquet"]
    with pytest.raises(FileNotFoundError):
        parquet.read_parquet(SCHEMA, tmp_path / "y.parquet")
    other = TableSchema("o", "o", (Column("other_mw", "number", "x"),))
    with pytest.raises(OSError, match="cannot read"):
        parquet.read_parquet(other, path)
    assert issubclass(duckdb.Error, Exception)


@pytest.fixture
def tiny_disk(tmp_path):
    """Return a file system of 256 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("only root may mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(tiny_disk):
    n = 60_000
    rng = np.random.default_rng(1)
    big = Table(
        SCHEMA,
        {
            "time_utc": np.resize(TIMES, n), "unit": (np.zeros(n, dtype=int), ["A"]), "power_mw": rng.random(n),
            "starts_count": np.zeros(n), "on": np.zeros(n),
        },
    )  # fmt: skip
    result().save(tiny_disk)
    before = files(tiny_disk)
    with pytest.raises(RunError) as caught:
        result({"mixed": big}, title="newer").save(tiny_disk)
    assert caught.value.problems[0].code == "P503"
    assert files(tiny_disk) == before
    store = Checkpoints(tiny_disk / "work", "f", resume=False)
    with pytest.raises(RunError, match="P503"):
        store.save("window-00000", {"x": rng.random(n)})
    assert set(files(tiny_disk)) == {*before, "work/fingerprint.json"}


# ----------------------------------------------------------------------------------------- checkpoints


def test_checkpoints_belong_to_one_fingerprint(tmp_path):
    store = Checkpoints(tmp_path / "a", "one", resume=False)
    assert store.load("w") is None
    store.save("w", {"x": np.arange(3), "name": np.array("A")})
    again = Checkpoints(tmp_path / "a", "one", resume=True)
    found = again.load("w")
    assert found["x"].tolist() == [0, 1, 2]
    assert str(found["name"]) == "A"
    with pytest.raises(RunError) as caught:
        Checkpoints(tmp_path / "a", "two", resume=True)
    assert caught.value.problems[0].code == "P505"
    assert Checkpoints(tmp_path / "a", "two", resume=False).load("w") is None
    again.clear()
    assert not (tmp_path / "a").exists()


def test_a_context_without_a_folder_keeps_no_checkpoints(tmp_path):
    assert Context().checkpoints("case", "f") is None
    assert Context(work=tmp_path).checkpoints("case", "f").folder == tmp_path / "case"


# ------------------------------------------------------------------------------------------------ charts


def test_charts_hand_out_the_rows_that_they_show():
    frame = CHART.data(result().data)
    assert list(frame.columns) == ["time_utc", "power_mw", "unit"]
    assert frame["unit"].tolist() == ["B", "Ærø", "B"]
    part = Chart("x", "line", "x", "mixed", "time_utc", ("power_mw",), rows=(1, 3)).data(result().data)
    assert part["power_mw"].isna().tolist() == [True, False]
    with pytest.raises(KeyError):
        Chart("x", "line", "x", "mixed", "time_utc", ("nothing",)).data(result().data)
    with pytest.raises(KeyError):
        Chart("x", "line", "x", "nowhere", "time_utc", ("power_mw",)).data(result().data)


@pytest.mark.parametrize(
    "where",
    [
        {"time_utc": tuple(TIMES[1:3].tolist())},
        {"starts_count": (0, -3)},
        {"on": (True,)},
        {"unit": ("nobody",)},
        {"unit": ("A", "B"), "on": (True,)},
    ],
)
def test_a_loaded_chart_shows_what_the_fresh_one_showed(tmp_path, where):
    """Times turn into text in JSON; a filter that then finds nothing leaves an empty picture."""
    chart = Chart(
        "x",
        "line",
        "x",
        "mixed",
        "time_utc",
        ("power_mw",),
        group="unit",
        where=where,
        threshold={"full": 2.0},
    )
    saved = result(charts=(chart,))
    saved.save(tmp_path)
    loaded = Result.load(tmp_path)
    fresh, again = chart.data(saved.data), loaded.chart("x").data(loaded.data)
    assert fresh.astype({"unit": str}).equals(again.astype({"unit": str}))
    assert (len(fresh) == 0) is (where == {"unit": ("nobody",)})
