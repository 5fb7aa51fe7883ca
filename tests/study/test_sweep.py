"""Sweeps from Python."""

import math

import pytest

import varme
from varme.ground.errors import InputError, ModelError, RunError
from varme.study.sweep import sweep


def test_one_field(toy):
    result = sweep(toy, {"devices.A.heat_max_mw": [1, 2, 4]})
    table = result.data["points"]
    assert list(table.column("heat_max_mw")) == [1, 2, 4]
    single = varme.run(toy, set={"devices.A.heat_max_mw": 2})
    assert table.column("cost_eur")[1] == single["cost_eur"]
    assert table.column("gap_share")[0] == 0.001
    assert [c.kind for c in result.charts] == ["line", "line"]  # cost and mean; the gap does not vary
    assert len(result.charts[0].data(result.data)) == 3
    assert result["points_count"] == 3


def test_text_fields_make_bars_and_two_fields_maps(toy):
    bars = sweep(toy, [{"solve.mode": "lp", "windows": 1}, {"solve.mode": "milp", "windows": 2}])
    assert list(bars.data["points"].column("mode")) == ["lp", "milp"]
    bars = sweep(toy, {"title": ["a", "b"]})
    assert bars.charts == ()  # nothing varies
    maps = sweep(toy, ["devices.A.heat_max_mw=1,2", "windows=1,2"])
    assert {c.kind for c in maps.charts} == {"heatmap"}
    assert maps.charts[0].x == "heat_max_mw"
    assert maps.charts[0].y == ("windows",)


def test_more_workers_give_the_same(toy):
    vary = ["devices.A.heat_max_mw=1:4:1"]
    one, two = sweep(toy, vary), sweep(toy, vary, jobs=2)
    assert one.tables["points"].equals(two.tables["points"])


def test_a_point_given_twice_runs_once(toy):
    result = sweep(toy, [{"windows": 1}, {"windows": 2}, {"windows": 1}])
    assert list(result.data["points"].column("windows")) == [1, 2, 1]
    assert len(set(result.data["points"].column("key"))) == 2


def test_failed_points(toy):
    result = sweep(toy | {"fail_above": 3.0}, {"devices.A.heat_max_mw": [1, 9]})
    assert list(result.data["points"].column("status")) == ["done", "failed"]
    assert math.isnan(result.data["points"].column("cost_eur")[1])
    assert [f.code for f in result.findings] == ["point_failed"]
    assert "short by 6 MW" in result.findings[0].message
    assert result["points_failed_count"] == 1


def test_a_value_that_does_not_fit_fails_at_its_point(toy):
    result = sweep(toy, {"windows": [0, 1]})
    assert "P101" in result.findings[0].message


def test_a_bug_at_a_point_is_an_alarm_with_its_traceback(toy):
    result = sweep(toy, {"bug": [False, True]})
    assert result.findings[0].severity == "alarm"
    assert "oh dear" in result.findings[0].evidence["traceback"]


def test_if_all_points_fail_the_first_error_is_raised(toy):
    with pytest.raises(ModelError, match="short by 4"):
        sweep(toy | {"fail_above": 1.0}, {"devices.A.heat_max_mw": [5, 9]})


def test_whole_results_can_be_kept(toy, tmp_path):
    result = sweep(toy, {"windows": [1, 2]}, out=tmp_path / "out", keep=True)
    for key, windows in zip(result.data["points"].column("key"), (1, 2), strict=True):
        assert len(varme.load(tmp_path / "out" / "points" / key).data["trace"]) == 24 * windows
    assert varme.load(tmp_path / "out").tables["points"].equals(result.tables["points"])


def test_failed_points_are_tried_again_and_finished_ones_are_not(toy, tmp_path):
    class Stop:
        def stage(self, name, total): ...

        def advance(self, done, info):
            if done == 2:
                raise KeyboardInterrupt

    vary = {"devices.A.heat_max_mw": [9, 1, 2]}
    with pytest.raises(KeyboardInterrupt):
        sweep(toy | {"fail_above": 3.0}, vary, out=tmp_path / "out", progress=Stop())
    result = sweep(toy | {"fail_above": 3.0}, out=tmp_path / "out", resume=True)
    assert result.provenance["timing"]["points_resumed_count"] == 1
    assert list(result.data["points"].column("status")) == ["failed", "done", "done"]


def test_refusals(toy, tmp_path):
    with pytest.raises(InputError, match=r"P111 --vary windws"):
        sweep(toy, {"windws": [1]})
    with pytest.raises(InputError, match="P108"):
        sweep(toy, {"windows": [1]}, keep=True)
    with pytest.raises(RunError, match="no sweep to go on with"):
        sweep(toy, out=tmp_path / "none", resume=True)
    sweep(toy, {"windows": [1]}, out=tmp_path / "out")
    with pytest.raises(RunError, match="P501"):
        sweep(toy, {"windows": [1]}, out=tmp_path / "out")
    with pytest.raises(RunError, match="P505"):
        sweep(toy, {"windows": [1, 2]}, out=tmp_path / "out", resume=True)
