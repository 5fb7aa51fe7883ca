"""Heat pumps by name: a file is read as it stands, machines count once, and names that fail are helped."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from varme.data.catalogue.heat_pumps import (
    CERTIFIED,
    HPLIB_SOURCES,
    read_catalogue,
    typical_heat_pumps,
)
from varme.ground.errors import DataError, InputError

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "heatpumps"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="the Keymark's points are not here")
COPS = (3.0, 4.6, 6.2, 7.6, 2.2, 3.4, 4.6, 6.0)
BASE = {
    "types": "Outdoor Air/Water", "refrigerants": "R290", "p_rated_l": 8.0, "t_biv": -7.0, "tol": -20.0,
    "p_th_tbiv_l": 7.08, "p_th_12_l": 3.2, "wtols": 70.0, "psbs": 12.0, "cop_tol_l": 2.6, "p_th_tol_l": 6.9,
    "cop_tol_h": 1.9, "p_th_tol_h": 6.5, "eer_35_l": 3.2, "pdcs_35_l": 6.5,
}  # fmt: skip


def row(name, manufacturer="Maker", cops=COPS, family="Family", **more):
    certified = {f"cop_{s}": cop for (s, _, _), cop in zip(CERTIFIED, cops, strict=True)}
    return {"manufacturers": manufacturer, "titel": name, "models": family, **BASE, **certified, **more}


def written(folder, rows, name="points.csv"):
    columns = list(dict.fromkeys(key for r in rows for key in r))
    lines = [",".join(columns)] + [",".join(str(r.get(c, "")) for c in columns) for r in rows]
    path = folder / name
    text = "\n".join(lines) + "\n"
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def test_a_row_is_read_as_it_stands(tmp_path):
    [model] = read_catalogue(written(tmp_path, [row("Alpha 8")])).models
    assert (model.title, model.source, model.refrigerant, model.standby_w) == (
        "Maker Alpha 8",
        "air",
        "R290",
        12.0,
    )
    assert [p.cop for p in model.points[:8]] == list(COPS)
    assert [(p.source_c, p.flow_c, p.full_load) for p in model.points[8:]] == [
        (-10.0, 35.0, True),
        (-10.0, 55.0, True),
    ]
    assert model.full_kw == pytest.approx(7.08)
    assert (model.minimum_kw, model.regulated, model.operation_limit_c) == (3.2, True, -20.0)
    assert [(p.source_c, p.flow_c, p.cop, p.heat_kw) for p in model.cooling_points] == [(35.0, 7.0, 3.2, 6.5)]


def test_compressed_and_plain_files_are_the_same(tmp_path):
    plain = read_catalogue(written(tmp_path, [row("Alpha 8")]))
    packed = read_catalogue(written(tmp_path, [row("Alpha 8")], "points.csv.gz"))
    assert plain.models[0].points == packed.models[0].points


def test_names_of_one_machine_count_once(tmp_path):
    """The same certificate under three names of two manufacturers is one machine."""
    rows = [row("Alpha 8"), row("Alpha 8 SP"), row("Beta 8", "Other"), row("Alpha 12", cops=(2.9, *COPS[1:]))]
    catalogue = read_catalogue(written(tmp_path, rows))
    assert len(catalogue.models) == 4
    assert catalogue.machine_count == 2
    assert [m.name for m in catalogue.distinct()] == ["Alpha 8", "Alpha 12"]


def test_a_name_is_found_without_regard_to_case_and_spaces_and_by_its_family(tmp_path):
    catalogue = read_catalogue(written(tmp_path, [row("Alpha 8"), row("Alpha 8 SP")]))
    for name in ("Alpha 8", "ALPHA-8", "maker alpha 8", "family"):
        assert catalogue.find(name).machine == 0


def test_an_unknown_name_is_refused_with_the_nearest_ones(tmp_path):
    catalogue = read_catalogue(written(tmp_path, [row("Alpha 8"), row("Alpha 12"), row("Gamma 300")]))
    with pytest.raises(InputError) as caught:
        catalogue.find("Alpa 8")
    [problem] = caught.value.problems
    assert problem.code == "P140"
    assert "Maker Alpha 8" in problem.remedy
    assert "Gamma" not in problem.remedy.split(",")[0]


def test_an_ambiguous_name_is_refused_with_its_choices(tmp_path):
    rows = [row("One", family="Twin"), row("Two", family="Twin", cops=(2.5, *COPS[1:]))]
    with pytest.raises(InputError) as caught:
        read_catalogue(written(tmp_path, rows)).find("Twin")
    [problem] = caught.value.problems
    assert problem.code == "P141"
    assert "Maker One" in problem.remedy
    assert "Maker Two" in problem.remedy


def test_the_manufacturer_tells_equal_names_apart(tmp_path):
    rows = [row("X1", "North"), row("X1", "South", cops=(2.5, *COPS[1:]))]
    catalogue = read_catalogue(written(tmp_path, rows))
    with pytest.raises(InputError):
        catalogue.find("X1")
    assert catalogue.find("South X1").points[0].cop == 2.5


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"cop_2_l": 0.9}, "cop_2_l = 0.9"),
        ({"cop_7_l": 40.0}, "cop_7_l = 40"),
        ({"cop_7_h": ""}, "missing"),
        ({"types": "Exhaust Air/Water"}, "Exhaust"),
    ],
)
def test_an_impossible_row_is_left_out_and_said_so(tmp_path, change, reason):
    catalogue = read_catalogue(written(tmp_path, [row("Bad") | change, row("Good")]))
    assert [m.name for m in catalogue.models] == ["Good"]
    assert reason in catalogue.skipped[2]


def test_files_that_are_no_catalogue_are_refused(tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n", encoding="utf-8")
    broken = tmp_path / "broken.csv.gz"
    broken.write_bytes(b"\x1f\x8bnot really")
    cases = [
        (other, "P240"), (tmp_path / "absent.csv", "P200"), (broken, "P200"),
        (written(tmp_path, [row("Bad", types="Exhaust Air/Water")]), "P241"),
    ]  # fmt: skip
    for path, code in cases:
        with pytest.raises(DataError) as caught:
            read_catalogue(path)
        assert caught.value.problems[0].code == code


def test_a_file_that_changed_is_read_again(tmp_path):
    path = written(tmp_path, [row("Alpha 8")])
    assert read_catalogue(path).models[0].name == "Alpha 8"
    written(tmp_path, [row("Omega 8")])
    assert read_catalogue(path).models[0].name == "Omega 8"


def test_hplib_parameters_become_points_with_the_error_of_their_fit(tmp_path):
    """COP = -0.1 T_out + 7 + 0.1 T_amb at A7/W36: 7 - 3.6 + 0.7; group 4 is on/off."""
    line = {
        "Manufacturer": "Maker", "Model": "H1", "Group": 4, "Refrigerant": "R32", "P_th_h_ref [W]": 6000,
        "p1_COP [-]": 0.0, "p2_COP [-]": -0.1, "p3_COP [-]": 7.0, "p4_COP [-]": 0.1, "MAPE_COP": 9.0, "PSB [W]": 11,
    }  # fmt: skip
    [model] = read_catalogue(written(tmp_path, [line])).models
    cop = {(p.source_c, p.flow_c): p.cop for p in model.points}
    assert cop[(7.0, 36.0)] == pytest.approx(4.1)
    assert model.cop_error_share == pytest.approx(0.09)
    assert not model.regulated
    assert HPLIB_SOURCES[2] == "brine"


def test_typical_machines_are_ordered_and_credited():
    catalogue = typical_heat_pumps()
    cops = {
        w: [p.cop for p in catalogue.find(f"{w} air/water R290").points] for w in ("weak", "median", "good")
    }
    assert np.all(np.array(cops["weak"]) < np.array(cops["good"]))
    assert np.mean(cops["weak"]) < np.mean(cops["median"]) < np.mean(cops["good"])
    assert "CC BY 4.0" in catalogue.models[0].origin


@needs_data
def test_the_real_files_hold_what_their_reference_counts():
    """1,399 distinct air machines by their eight points, as the reference counted; rows are not machines."""
    keymark = read_catalogue(DATA / "keymark_en14825_points_2024.csv.gz")
    air = {tuple(p.cop for p in m.points[:8]) for m in keymark.models if m.source == "air"}
    assert 1390 <= len(air) <= 1400
    assert len(keymark.models) > 9000 > 2000 > keymark.machine_count
    hplib = read_catalogue(DATA / "hplib_parameters_2022.csv.gz")
    assert len(hplib.models) > 4000
    assert {m.source for m in hplib.models} == {"air", "brine"}
    with pytest.raises(InputError) as caught:
        keymark.find("Acond PRO")
    assert "Acond PRO-N" in caught.value.problems[0].remedy
