"""Plant tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from varme.data.plant_table import lines_of, read_plant_table
from varme.ground.errors import DataError


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "plants.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_become_fields_and_blanks_defaults(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "\ufeff# table 1\nname, area, type, fuel_max_mw, ramp_share, must_run\n\n"
        "AMV1,1,back_pressure,365,0.2,true\n# electricity only\nKYB1,,electricity_only, 850 ,,\n",
    )
    assert read_plant_table(path) == [
        {
            "name": "AMV1",
            "area": "1",
            "type": "back_pressure",
            "fuel_max_mw": 365,
            "ramp_share": 0.2,
            "must_run": True,
        },
        {"name": "KYB1", "type": "electricity_only", "fuel_max_mw": 850},
    ]
    assert lines_of(path) == [4, 6]


def test_semicolons_decimal_commas_and_quotes(tmp_path: Path) -> None:
    path = table(tmp_path, 'name;title;eta_share\nA;"coal; old";0,36\nB;wood;1,5e-1\n')
    assert read_plant_table(path) == [
        {"name": "A", "title": "coal; old", "eta_share": 0.36},
        {"name": "B", "title": "wood", "eta_share": 0.15},
    ]


def test_a_short_row_means_defaults(tmp_path: Path) -> None:
    assert read_plant_table(table(tmp_path, "name,x_mw,y_mw\nA,1\n")) == [{"name": "A", "x_mw": 1}]


def test_all_bad_rows_at_once_with_their_lines(tmp_path: Path) -> None:
    path = table(tmp_path, "name,x_mw\n# a comment\nA,1\nA,2\n,3\nB,4,5\n")
    with pytest.raises(DataError) as caught:
        read_plant_table(path, "units_file")
    found = [(p.code, p.where.rsplit(" ", 1)[1], p.what) for p in caught.value.problems]
    assert found == [
        ("P213", "6", "the row has 3 cells, the header 2"),
        ("P213", "4", "the name occurs in line 3 too"),
        ("P213", "5", "the row has no name"),
    ]
    assert all(p.where.startswith("units_file: plants.csv line") for p in caught.value.problems)


@pytest.mark.parametrize(
    ("text", "what"),
    [("", "empty"), ("# x\n", "empty"), ("name,,x\nA,1,2\n", "2"), ("name,x,x\nA,1,2\n", "x")],
)
def test_bad_headers(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(DataError, match=rf"P200 .*{what}"):
        read_plant_table(table(tmp_path, text))


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"P200 .*no such file"):
        read_plant_table(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes("name\nÅ\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"P200 .*cannot be read"):
        read_plant_table(tmp_path / "latin.csv")
