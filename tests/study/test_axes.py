"""The axes of a sweep."""

import pytest

from varme.ground.errors import InputError
from varme.study.axes import read_axes


def test_a_range_holds_its_end_and_is_exact():
    """0.1 + 0.1 + 0.1 is 0.30000000000000004 in binary; steps are counted in decimals."""
    assert read_axes(["a=0:0.3:0.1"]).points == ((0.0,), (0.1,), (0.2,), (0.3,))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=1:7:3", [1, 4, 7]), ("a=1:6:3", [1, 4]), ("a=5:1:-2", [5, 3, 1]), ("a=2:2:1", [2]),
        ("a=1.0:2:1", [1.0, 2.0]), ("a=x, y", ["x", "y"]), ("a=1,2.5,true", [1, 2.5, True]),
        ('a="b,c",d', ["b,c", "d"]),
        ("a={ min = 1 },2", [{"min": 1}, 2]), ("a=2011-01-01T00:00", None),
    ],
)  # fmt: skip
def test_values(text, values):
    if text == 'a="b,c",d':
        with pytest.raises(InputError):  # inside quotes everything must be TOML
            read_axes([text])
        return
    found = [p[0] for p in read_axes([text]).points]
    assert len(found) == 1 if values is None else found == values
    assert values is None or [type(v) for v in found] == [type(v) for v in values]


def test_points_are_all_combinations_the_last_field_fastest():
    axes = read_axes({"a.x_mw": [1, 2], "b.x_mw": ["u", "v"]})
    assert axes.points == ((1, "u"), (1, "v"), (2, "u"), (2, "v"))
    assert axes.columns() == ["a_x_mw", "b_x_mw"]
    assert axes.label((1, "u")) == "a.x_mw=1, b.x_mw=u"


def test_points_can_be_given_themselves():
    axes = read_axes([{"a": 1, "b": 2}, {"b": 4, "a": 3}])
    assert axes.fields == ("a", "b")
    assert axes.points == ((1, 2), (3, 4))


@pytest.mark.parametrize(
    "vary",
    [
        [], {}, ["a"], ["=1,2"], ["a="], ["a=1:2"], ["a=1:2:0"], ["a=2:1:1"], ["a=x:y:z"], ["a=1:2:nan"],
        ["a=1,2", "a=3"], {"a": []}, [{"a": 1}, {"b": 1}], ["a=[1"], ["a=0:1e9:1"], ["a=0:999:1", "b=0:999:1"],
    ],
)  # fmt: skip
def test_bad_axes(vary):
    if vary == ["a=1:2"]:
        assert read_axes(vary).points == (("1:2",),)  # a word, which the field itself will refuse
        return
    with pytest.raises(InputError) as caught:
        read_axes(vary)
    assert {p.code for p in caught.value.problems} <= {"P111", "P101"}
