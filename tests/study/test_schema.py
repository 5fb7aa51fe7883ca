"""JSON schemas and templates."""

from pathlib import Path

import pytest

from tests.study.json_schema import problems
from varme.ground.errors import InputError, RunError
from varme.ground.result import plain
from varme.ground.spec import read_file
from varme.ground.units import LABELS, stem_of, unit_of
from varme.study import registry
from varme.study.file import read_study
from varme.study.schema import main_file, schema, template, write_template

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*/*.toml"))
OWN = [name for name in registry.names() if name != "toy"]


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_the_examples_fit_their_schema(path):
    data = plain(read_file(path))
    assert problems(schema(data["kind"]), data) == []


def test_the_schema_accepts_other_units_and_refuses_what_the_spec_refuses(toy):
    kind = schema("toy")
    assert problems(kind, toy) == []
    toy["devices"]["A"] = {"type": "part", "heat_max_kw": 3500}
    assert problems(kind, toy) == []
    assert read_study(toy).spec.model_dump()["devices"]["A"]["heat_max_mw"] == 3.5
    toy["devices"]["A"] = {"type": "part", "heat_max_mwh": 3500}
    assert problems(kind, toy) != []
    assert problems(kind, {"kind": "toy", "windows": 0}) == [".windows: 0 is outside"]
    assert problems(kind, {"windows": 1}) == [".kind is missing"]


@pytest.mark.parametrize("name", OWN)
def test_every_field_has_a_description_and_every_physical_one_its_unit(name):
    data = schema(name)
    assert data["description"]
    for model in [data, *data["$defs"].values()]:
        for field, entry in model.get("properties", {}).items():
            assert entry.get("description") or "$ref" in entry, f"{model.get('title')}.{field}"
            unit = unit_of(field)
            if unit and stem_of(field):
                assert entry["x-unit"] == LABELS[unit]


@pytest.mark.parametrize("name", OWN)
def test_templates_are_studies(name, tmp_path):
    paths = write_template(name, tmp_path / "new")
    assert read_study(main_file(name, paths)).kind.name == name
    with pytest.raises(RunError, match="P501"):
        write_template(name, tmp_path / "new")


def test_a_kind_without_a_template_gets_an_outline():
    text = template("toy")["study.toml"]
    assert 'kind = "toy"' in text
    assert "# windows = 5   # Windows." in text


def test_an_unknown_kind():
    with pytest.raises(InputError, match=r"P106.*Did you mean toy\?"):
        schema("toi")
