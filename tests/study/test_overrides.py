"""Overrides: where they land, how values are read, and what is refused."""

import pytest

from varme.ground.errors import InputError
from varme.study.file import read_study
from varme.study.overrides import field_paths, value_of


def changed(toy, *texts):
    return read_study(toy, texts).spec


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8.5", 8.5), ("8", 8), ("true", True), ("fast", "fast"), ("[1, 2]", [1, 2]), ('"8"', "8"), ("", ""),
        ("{ min = 0, max = 9 }", {"min": 0, "max": 9}), ("a = 3", "a = 3"), ("1\nother = 2", "1\nother = 2"),
        ("5,5", "5,5"), ("-1e3", -1000.0),
    ],
)  # fmt: skip
def test_values_are_toml_or_bare_words(text, value):
    assert value_of(text) == value


@pytest.mark.parametrize("text", ["[1, 2", "{ a = ", '"open', "'open"])
def test_broken_toml_is_refused(text):
    with pytest.raises(ValueError, match=r"line|document"):
        value_of(text)


def test_paths(toy):
    spec = changed(
        toy, "windows=7", "solve.mode=lp", "devices.A.heat_max_mw=4", "rows.1.label=x", "rows[0].heat_max_mw=5",
        "devices.C={ type = \"part\" }", "fuels.gas=2.5",
    )  # fmt: skip
    assert spec.windows == 7
    assert spec.solve.mode == "lp"
    assert spec.devices["A"].heat_max_mw == 4
    assert [r.label for r in spec.rows] == ["first", "x"]
    assert spec.rows[0].heat_max_mw == 5
    assert spec.devices["C"].type == "part"
    assert spec.fuels == {"gas": 2.5}  # a default that was not written in the study


def test_the_study_given_is_not_changed(toy):
    changed(toy, "devices.A.heat_max_mw=4")
    assert toy["devices"]["A"]["heat_max_mw"] == 3.5


def test_another_unit_replaces_the_number_that_stands_there(toy):
    """A study that says 3.5 MW and an override of 4200 kW: without replacing, both fields would stand there."""
    assert changed(toy, "devices.A.heat_max_kw=4200").devices["A"].heat_max_mw == pytest.approx(4.2)


def test_a_size_becomes_a_decision_and_its_parts_can_be_set(toy):
    toy["devices"]["A"]["heat_max_mw"] = {"min": 1, "max": 5}
    assert changed(toy, "devices.A.heat_max_mw.max=9").devices["A"].heat_max_mw.max == 9
    assert changed(toy, "devices.A.heat_max_mw=9").devices["A"].heat_max_mw == 9


def test_text_fields_take_what_looks_like_a_date_or_a_number(toy):
    assert changed(toy, "start=2012-03-01").start == "2012-03-01"
    assert changed(toy, "title=2030").title == "2030"


def test_values_from_python(toy):
    spec = read_study(toy, {"devices.A.heat_max_mw": 9.0, "solve.mode": "lp"}).spec.model_dump()
    assert spec["devices"]["A"]["heat_max_mw"] == 9
    assert spec["solve"]["mode"] == "lp"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("windws=1", "Did you mean windows?"),
        ("devices.A.heat_max=1", "Did you mean devices.A.heat_max_mw?"),
        ("devices.B.heat_max_mw=1", "devices.B has no heat_max_mw"),
        ("device.A.heat_max_mw=1", "Did you mean devices.A.heat_max_mw?"),
        ("sleep_s=1", "Did you mean solve.sleep_s?"),
        ("devices.Z.label=x", "there are: A, B"),
        ("rows.7.label=x", "there are: 0, 1"),
        ("rows.7=x", "there are: 0, 1"),
        ("devices.A.heat_max_mw.max=1", "is 3.5 here, not a table"),
        ("windows.a.b=1", "is 2 here, not a table"),
        ("=1", "not of the form"),
        ("windows", "not of the form"),
        ("title=[1", "not valid TOML"),
    ],
)
def test_bad_paths_are_refused_with_a_suggestion(toy, text, part):
    with pytest.raises(InputError) as caught:
        changed(toy, text)
    assert [p.code for p in caught.value.problems] == ["P111"]
    assert part in str(caught.value)


def test_all_bad_paths_are_told_at_once(toy):
    with pytest.raises(InputError) as caught:
        changed(toy, "windws=1", "windows=3", "titel=x")
    assert len(caught.value.problems) == 2


def test_field_paths(toy):
    paths = field_paths(type(read_study(toy).spec))
    assert "solve.mode" in paths
    assert "devices.NAME.heat_max_mw" in paths
    assert "rows.0.label" in paths
    assert len(paths) == len(set(paths))
