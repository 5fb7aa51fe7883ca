"""Specs: what is refused, at which path, with which value, limit and remedy. All problems of a study at once."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import model_validator

from varme.components.base import Fuel
from varme.district.spec import DistrictStudy
from varme.ground.errors import CODES, InputError, Problem
from varme.ground.size import Decision
from varme.ground.spec import Spec, parse, read_file

TIME = {"start": "2011-01-01", "end": "2011-01-02"}
PUMP = {"type": "heat_pump", "node": "n", "area": "a", "heat_max_mw": 5, "cop": 3}
CHP = {
    "type": "extraction", "node": "n", "area": "a", "fuel": "coal", "fuel_max_mw": 600,
    "power_efficiency_share": 0.36, "total_efficiency_share": 0.91, "cv_mw_per_mw": 0.11,
}  # fmt: skip
#: What only pydantic calls so.
INTERNAL = re.compile(
    r"function-|constrained|tagged-union|union|pydantic|instance of|model_|valid dictionary|Input should|discriminator"
    r"|FileSeries|SyntheticSeries|Decision|HeatPump|float\b"
)


def study(devices=None, **parts):
    return {
        "kind": "district",
        "time": TIME,
        "electricity": {"n": {}},
        "heat": {"a": {}},
        "devices": devices or {},
        **parts,
    }


def problems(data, model=DistrictStudy):
    with pytest.raises(InputError) as caught:
        parse(model, data, "study.toml")
    assert caught.value.source == "study.toml"
    for problem in caught.value.problems:
        assert not INTERNAL.search(problem.where + problem.what + problem.limit), problem
        assert problem.code in CODES
    return [(p.code, p.where, p.value) for p in caught.value.problems]


def only(data, model=DistrictStudy):
    with pytest.raises(InputError) as caught:
        parse(model, data, "study.toml")
    [problem] = caught.value.problems
    return problem


def pump(**fields):
    return study({"HP1": {**PUMP, **fields}})


# ----------------------------------------------------------------------------------------- one at a time


def test_unknown_field_with_a_suggestion():
    found = only(pump(heat_maxx_mw=3))
    assert (found.code, found.where, found.value) == ("P104", "devices.HP1.heat_maxx_mw", "3")
    assert "did you mean heat_max_mw?" in found.what
    assert found.remedy == "Use heat_max_mw."


def test_unknown_field_far_from_any_name_lists_the_fields():
    found = only(study(zzz=1))
    assert (found.code, found.where) == ("P104", "zzz")
    assert found.limit.startswith("fields: kind, title")


@pytest.mark.parametrize(
    ("fields", "code", "where", "value", "limit"),
    [
        ({"heat_max_mw": -5}, "P101", "devices.HP1.heat_max_mw", "-5", "must be >= 0"),
        ({"min_load_share": 1.2}, "P101", "devices.HP1.min_load_share", "1.2", "must be <= 1"),
        ({"ramp_share_per_h": 0}, "P101", "devices.HP1.ramp_share_per_h", "0", "must be > 0"),
        ({"no_load_share": 1}, "P101", "devices.HP1.no_load_share", "1", "must be < 1"),
        ({"cop": float("nan")}, "P101", "devices.HP1.cop", "nan", "must be a finite number"),
        ({"cop": [3, float("inf")]}, "P101", "devices.HP1.cop[1]", "inf", "must be a finite number"),
        ({"cop": 0.9}, "P101", "devices.HP1.cop", "0.9", ""),
        ({"cop": 20.0}, "P101", "devices.HP1.cop", "20.0", ""),
        ({"heat_max_mw": {"max": -1}}, "P101", "devices.HP1.heat_max_mw.max", "-1", "must be > 0"),
    ],
)
def test_values_outside_their_limits(fields, code, where, value, limit):
    found = only(pump(**fields))
    assert (found.code, found.where, found.value, found.limit) == (code, where, value, limit)


@pytest.mark.parametrize(
    ("fields", "where", "text"),
    [
        ({"cop": "abc"}, "devices.HP1.cop", "a number, or a list of numbers, or a table { file = ... }"),
        ({"cop": None, "carnot_share": [1]}, "devices.HP1.carnot_share", "must be a number"),
        ({"cop": [3, "x"]}, "devices.HP1.cop[1]", "must be a number"),
        ({"cop": {"file": 3}}, "devices.HP1.cop.file", "must be text"),
        ({"heat_max_mw": True}, "devices.HP1.heat_max_mw", "must be a number, or a table { max = ... }"),
        ({"heat_max_mw": "5"}, "devices.HP1.heat_max_mw", "must be a number"),
        ({"min_load_share": "0.2"}, "devices.HP1.min_load_share", "must be a number"),
        ({"min_load_share": True}, "devices.HP1.min_load_share", "must be a number"),
        ({"node": 3}, "devices.HP1.node", "must be text"),
    ],
)
def test_wrong_types_are_told_once_and_never_coerced(fields, where, text):
    """Four lines for one wrong cell hide the fault, and `true` MW of heat would be 1 MW."""
    found = only(pump(**fields))
    assert (found.code, found.where) == ("P102", where)
    assert text in found.what


def test_a_union_tells_only_what_concerns_the_alternative_that_was_meant():
    assert problems(pump(cop={"fille": "x.csv"})) == [
        ("P103", "devices.HP1.cop.file", ""),
        ("P104", "devices.HP1.cop.fille", "'x.csv'"),
    ]
    assert problems(pump(cop={"synthetic": 4, "scale": 1}))[0][:2] == ("P102", "devices.HP1.cop.synthetic")
    assert problems(pump(heat_max_mw={"min": 9, "max": 5})) == [("P108", "devices.HP1.heat_max_mw", "")]


def test_a_table_that_is_no_alternative_at_all():
    found = only(pump(cop={"qqq": 1}))
    assert (found.code, found.where) == ("P102", "devices.HP1.cop")
    assert "{ file = ... }" in found.what


def test_missing_fields_and_types():
    assert problems(study({"HP1": {"node": "n"}})) == [("P103", "devices.HP1.type", "")]
    assert problems(study({"HP1": {"type": "heat_pump", "cop": 3}})) == [
        ("P103", f"devices.HP1.{name}", "") for name in ("node", "area", "heat_max_mw")
    ]
    assert problems({"kind": "district"}) == [("P103", "time", "")]


def test_unknown_type_with_a_suggestion():
    found = only(pump(type="heatpump"))
    assert (found.code, found.where, found.value) == ("P106", "devices.HP1.type", "'heatpump'")
    assert found.remedy == "Did you mean heat_pump?"
    assert "'electric_boiler'" in found.limit


def test_unknown_choice_with_a_suggestion():
    found = only(study(solve={"mode": "mip"}))
    assert (found.code, found.where, found.value, found.remedy) == (
        "P106",
        "solve.mode",
        "'mip'",
        "Did you mean milp?",
    )


@pytest.mark.parametrize(
    "name", ["heat_pump", "float", "cop", "FileSeries", "list[float]", "type", "function-x", "a.b"]
)
def test_devices_may_bear_any_name(name):
    """A path that is cleaned by word lists would lose the device's own name."""
    with pytest.raises(InputError) as caught:
        parse(DistrictStudy, study({name: {**PUMP, "node": 3}}), "")
    assert [(p.code, p.where) for p in caught.value.problems] == [("P102", f"devices.{name}.node")]


@pytest.mark.parametrize(
    ("total", "power", "code"),
    [(1.27, 0.36, "P109"), (1.11, 0.36, "P109"), (0.3, 0.36, "P108")],
)
def test_efficiencies_that_create_energy(total, power, code):
    """0.36 + 0.91 read as two separate efficiencies give 1.27 of the fuel, and every result still looks plausible."""
    found = only(study({"C": {**CHP, "power_efficiency_share": power, "total_efficiency_share": total}}))
    assert (found.code, found.where) == (code, "devices.C")
    assert f"{total:g}" in found.what


def test_condensation_up_to_the_limit_is_believed():
    spec = parse(DistrictStudy, study({"C": {**CHP, "total_efficiency_share": 1.1}}), "")
    assert spec.devices["C"].heat_efficiency_share == pytest.approx(0.74)


@pytest.mark.parametrize("value", [2011, 20110101, 1.5, "20110101", True])
def test_a_bare_number_is_no_time(value):
    """Read as seconds since 1970, `start = 2011` would plan the first hour of 1970."""
    assert problems(study(time={**TIME, "start": value}))[0][:2] == ("P102", "time.start")


def test_text_that_is_no_time_is_told_once():
    found = only(study(time={**TIME, "end": "soon"}))
    assert (found.code, found.where, found.value) == ("P102", "time.end", "'soon'")
    assert "2011-01-31" in found.what


# ------------------------------------------------------------------------------------------------ units


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("heat_max_kw", 5000, 5.0),
        ("heat_max_gw", 0.25, 250.0),
        ("heat_max_w", 1e6, 1.0),
        ("heat_max_mw", 5, 5.0),
    ],
)
def test_other_units_of_the_same_dimension_are_converted(field, value, expected):
    data = {**PUMP, field: value}
    data = {k: v for k, v in data.items() if k == field or k != "heat_max_mw"}
    assert parse(DistrictStudy, study({"HP1": data}), "").devices["HP1"].heat_max_mw == pytest.approx(
        expected
    )


def test_prices_lists_shares_and_times_are_converted():
    spec = parse(
        DistrictStudy,
        study(
            {"HP1": {**PUMP, "min_load_percent": 35, "min_up_min": 90}},
            fuels={"coal": {"price_eur_per_gj": [3.5, 1.0], "co2_kg_per_gj": 95}},
        ),
        "",
    )
    assert spec.fuels["coal"].price_eur_per_mwh == pytest.approx([12.6, 3.6])
    assert spec.fuels["coal"].co2_t_per_mwh == pytest.approx(0.342)
    assert (spec.devices["HP1"].min_load_share, spec.devices["HP1"].min_up_h) == pytest.approx((0.35, 1.5))


def test_a_wrong_dimension_is_named():
    found = only(pump(heat_max_mwh=5))
    assert (found.code, found.where, found.value) == ("P105", "devices.HP1.heat_max_mwh", "5")
    assert found.what == "an energy stands where a power belongs"
    assert "heat_max_mw [MW]" in found.remedy


def test_only_numbers_are_converted():
    data = {k: v for k, v in PUMP.items() if k != "heat_max_mw"}
    found = only(study({"HP1": {**data, "heat_max_kw": {"max": 5}}}))
    assert (found.code, found.where, found.remedy) == ("P105", "devices.HP1.heat_max_kw", "Use heat_max_mw.")


def test_a_limit_is_told_at_the_name_that_the_user_wrote():
    data = {k: v for k, v in PUMP.items() if k != "heat_max_mw"}
    assert problems(study({"HP1": {**data, "heat_max_kw": -5}})) == [
        ("P101", "devices.HP1.heat_max_kw", "-5")
    ]


def test_the_same_field_in_two_units():
    assert problems(pump(heat_max_kw=5000)) == [("P108", "devices.HP1.heat_max_kw", "5000")]


def test_the_names_min_and_max_are_no_minutes():
    """`h = 3` inside a decision must not become min = 180."""
    assert problems({"h": 3, "max": 500}, Decision) == [("P104", "h", "3")]
    assert parse(Decision, {"max": 1.0, "eur_per_kw": 700}, "").eur_per_mw == pytest.approx(700e3)


# ------------------------------------------------------------------------------------------- all at once


def test_all_problems_of_a_study_at_once():
    data = study(
        {
            "HP1": {**PUMP, "cop": 20.0},
            "HP2": {**PUMP, "min_load_share": -1, "loadd": 3, "heat_max_mw": {"maxx": 3}},
            "X": {"type": "reactor"},
            "C": {**CHP, "total_efficiency_share": 1.27},
            "five": 5,
        },
        solve={"mode": "mip", "keep_h": 0},
        time={"end": "2011-01-02"},
    )
    assert sorted(problems(data)) == sorted([
        ("P101", "devices.HP1.cop", "20.0"),
        ("P101", "devices.HP2.min_load_share", "-1"),
        ("P103", "devices.HP2.heat_max_mw.max", ""),
        ("P104", "devices.HP2.heat_max_mw.maxx", "3"),
        ("P104", "devices.HP2.loadd", "3"),
        ("P106", "devices.X.type", "'reactor'"),
        ("P109", "devices.C", ""),
        ("P102", "devices.five", "5"),
        ("P106", "solve.mode", "'mip'"),
        ("P101", "solve.keep_h", "0"),
        ("P103", "time.start", ""),
    ])  # fmt: skip


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(-2, 2)
    | st.sampled_from(["", "milp", "heat_pump", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*DistrictStudy.model_fields, *PUMP, "file", "max", "x"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@given(
    parts=st.dictionaries(st.sampled_from(list(DistrictStudy.model_fields)), plain, max_size=4), extra=plain
)
@settings(max_examples=150, deadline=None)
def test_any_data_is_either_a_study_or_problems_in_plain_words(parts, extra):
    data = study({"HP1": {**PUMP, "cop": extra}, "Y": extra}) | parts
    found: tuple[Problem, ...] = ()
    try:
        parse(DistrictStudy, data, "study.toml")
    except InputError as error:
        found = error.problems
    for problem in found:
        assert not INTERNAL.search(problem.where), problem
        assert not INTERNAL.search(problem.what), problem


def test_specs_are_frozen_and_come_back_from_json():
    spec = parse(DistrictStudy, study({"HP1": PUMP, "C": CHP}), "")
    assert parse(DistrictStudy, json.loads(spec.model_dump_json()), "") == spec
    with pytest.raises(Exception, match="frozen"):
        setattr(spec, "title", "other")  # noqa: B010  (mypy knows that it is frozen)


def test_defaults_are_not_shared_between_studies():
    """Nothing global and mutable: two studies in one process never see each other."""
    one, two = (parse(DistrictStudy, study(), "") for _ in range(2))
    one.fuels["x"] = Fuel(price_eur_per_mwh=1.0)
    assert two.fuels == {}
    assert parse(DistrictStudy, study(), "").fuels == {}


class Named(Spec):
    low: int = 0

    @model_validator(mode="after")
    def _checked(self):
        raise ValueError({1: "P101 low: too low | Raise it.", 2: "P109: too much", 3: "they clash"}[self.low])


@pytest.mark.parametrize(
    ("low", "code", "where", "value", "remedy"),
    [(1, "P101", "low", "1", "Raise it."), (2, "P109", "study", "", ""), (3, "P108", "study", "", "")],
)
def test_validators_may_name_code_field_and_remedy(low, code, where, value, remedy):
    found = only({"low": low}, Named)
    assert (found.code, found.where, found.value, found.remedy) == (code, where, value, remedy)


# ------------------------------------------------------------------------------------------------ files


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "study.toml").write_text("title = 'x'\n")
    (tmp_path / "bad.toml").write_text("title = \n")
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "latin.toml").write_bytes("title = 'Ærø'".encode("latin-1"))
    (tmp_path / "list.json").write_text("[1]")
    expected = {
        "studdy.toml": ("no such file", "Did you mean"),
        "bad.toml": ("not valid TOML", "line 1"),
        "bad.json": ("not valid JSON", "line 1"),
        "latin.toml": ("cannot be read", ""),
        "list.json": ("a study is a table", ""),
        ".": ("cannot be read", ""),
    }
    for name, texts in expected.items():
        with pytest.raises(InputError) as caught:
            read_file(tmp_path / name)
        [problem] = caught.value.problems
        assert problem.code == "P100"
        assert problem.where == str(tmp_path / name)
        assert all(text in str(problem) for text in texts)
    assert read_file(tmp_path / "study.toml") == {"title": "x"}
