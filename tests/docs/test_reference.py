"""The docs are complete and up to date: what has no line, or another line than the code, fails here."""

import ast
import json
import re
from pathlib import Path

import pytest

from docs import generate
from varme.ground.context import Kind
from varme.ground.errors import CODES
from varme.ground.spec import Spec
from varme.ground.tables import Column, TableSchema
from varme.ground.units import UNITS
from varme.study import reference
from varme.study.registry import find
from varme.study.schema import schema

ROOT = Path(__file__).parents[2]


def test_everything_has_a_line():
    """Fields and specs without a docstring, tables, columns, codes, layouts, commands and options without a text."""
    assert generate.missing() == []


def test_generated_pages_are_up_to_date():
    late = [path.name for path in generate.stale()]
    assert late == [], "run: .venv/bin/python -m docs.generate"


def test_every_code_is_on_the_page():
    page = (generate.DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    assert [code for code in CODES if f"{{ #{code.lower()} }}" not in page] == []


def test_every_command_and_option_is_on_the_page():
    page = (generate.DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    options = {
        o for c in generate.commands().values() for p in c.params for o in p.opts if o.startswith("--")
    }
    wanted = [f"## `varme {name}`" for name in generate.commands()] + [f"`{o}`" for o in options - {"--help"}]
    assert [text for text in wanted if text not in page] == []


def schema_fields(kind):
    """Return the names of all fields in the JSON schema of a kind: another source than the pages are made from."""
    data = schema(kind)
    return {name for model in [data, *data.get("$defs", {}).values()] for name in model.get("properties", {})}


@pytest.mark.parametrize("kind", generate.KINDS)
def test_every_field_is_on_its_page(kind):
    names = (f"{kind}.md", "synthetic.md")
    text = "".join((generate.DOCS / "reference" / name).read_text(encoding="utf-8") for name in names)
    assert [field for field in schema_fields(kind) if f"| `{field}` |" not in text] == []


def test_every_unit_is_in_the_nomenclature():
    page = (generate.DOCS / "reference" / "nomenclature.md").read_text(encoding="utf-8")
    assert [unit for unit in UNITS if f"`_{unit}`" not in page] == []


def finding_codes():
    """Return code -> severity of all findings that the sources make; ``""`` where it is not written out."""
    found = {}
    for path in sorted((ROOT / "src" / "varme").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in {"Finding", "finding"} and isinstance(node.args[0].value, str):
                    severity = node.args[1] if len(node.args) > 1 else None
                    found[node.args[0].value] = severity.value if isinstance(severity, ast.Constant) else ""
    return found


def test_every_finding_has_a_line():
    page = (generate.DOCS / "reference" / "findings.md").read_text(encoding="utf-8")
    codes = finding_codes()
    assert "unserved_energy" in codes
    wanted = {
        code: f"| `{code}` | {severity} |" if severity else f"| `{code}` |"
        for code, severity in codes.items()
    }
    assert [code for code, text in wanted.items() if text not in page] == []


# ------------------------------------------------------------------------- the search for silent things finds them


class Silent(Spec):
    loud_mw: float = 1.0
    """Has a line."""
    silent_mw: float


def test_silent_fields_models_and_columns_are_found():
    tables = [TableSchema("empty", " ", (Column("silent_mwh", "number", ""),))]
    kind = Kind("made-up", "A kind.", Silent, run=None, check=None, tables=lambda: tables)
    assert reference.undocumented([kind]) == [
        "made-up: table empty",
        "made-up: table empty, column silent_mwh",
        "made-up: top level (class Silent)",
        "made-up: top level (class Silent), field silent_mw",
    ]


def test_a_changed_page_is_found(tmp_path, monkeypatch):
    pages = generate.pages()
    errors = generate.DOCS / "reference" / "errors.md"
    copy = tmp_path / "errors.md"
    copy.write_text(pages[errors].replace("P301", "P999"), encoding="utf-8")
    monkeypatch.setattr(generate, "pages", lambda: {copy: pages[errors], tmp_path / "absent.md": ""})
    assert [path.name for path in generate.stale()] == ["errors.md", "absent.md"]


# ------------------------------------------------------------------------------------------- how things are shown


def row_of(kind, heading, field):
    page = reference.kind_page(find(kind))
    part = page.split(heading, 1)[1]
    return re.split(r"(?<!\\)\|", next(line for line in part.splitlines() if f"| `{field}` |" in line))


@pytest.mark.parametrize(
    ("heading", "field", "kind", "unit", "default"),
    [
        (
            "{ #devices-heat-pump }",
            "heat_max_mw",
            "number, ≥ 0 or [decision](#decision)",
            "MW",
            "**required**",
        ),
        ("{ #devices-heat-pump }", "cop", "[series](#series)", "-", "none"),
        ("{ #devices-heat-pump }", "lorenz_share", "number, > 0, ≤ 1", "-", "none"),
        ("{ #devices-heat-pump }", "initial", '`"free"`, `"on"`, `"off"`', "", '`"free"`'),
        ("{ #electricity }", "spill", "true or false", "", "`true`"),
        ("{ #time }", "step_min", "whole number, ≥ 1, ≤ 1440", "min", "`60`"),
        ("{ #decision }", "max", "number, > 0", "", "**required**"),
    ],
)
def test_fields_are_shown_with_type_limits_unit_and_default(heading, field, kind, unit, default):
    cells = [cell.strip() for cell in row_of("district", heading, field)]
    assert cells[2:5] == [kind, unit, default]


def test_lists_are_shown_as_they_are_written_in_a_study():
    cells = row_of("district", "{ #top }", "on_top")
    assert json.loads(cells[4].strip().strip("`")) == []
