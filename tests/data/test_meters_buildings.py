"""The table of buildings."""

from __future__ import annotations

import numpy as np
import pytest

from varme.data.meters.buildings import ids_without_meter, read_buildings
from varme.ground.errors import DataError
from varme.ground.units import FT3_M3


def test_known_columns_are_converted_and_unknown_ones_kept(tmp_path):
    path = tmp_path / "b.csv"
    path.write_text(
        "meter;carrier;volume_ft3;floor_area_m2;construction_year;transformer;source;boundary;roof;score\n"
        "a;Gas;35314,67;140,5;1974;T1;;;flat;3,5\nb;HP;;90;;T2;Luft;h3;;4\n"
    )
    columns = read_buildings(path)
    assert columns["meter"].tolist() == ["a", "b"]
    assert columns["carrier"].tolist() == ["gas", "heat_pump"]
    assert columns["volume_m3"][0] == pytest.approx(35314.67 * FT3_M3)
    assert np.isnan(columns["volume_m3"][1])
    assert columns["floor_area_m2"].tolist() == [140.5, 90]
    assert (columns["source"].tolist(), columns["boundary"].tolist()) == (["", "air"], ["", "H3"])
    assert (columns["roof"].tolist(), columns["score"].tolist()) == (["flat", ""], [3.5, 4])


def test_every_problem_is_told_at_once_with_its_line(tmp_path):
    path = tmp_path / "b.csv"
    path.write_text(
        "meter,volume_m3,latitude_deg,carrier,dwellings_count\n"
        "a,0,50.1,gas,1\nb,-20,50.1,gas,1\nb,400,510,gas,1\n,400,50,coal,1\ne,big,50,gas,0\n"
    )
    with pytest.raises(DataError) as caught:
        read_buildings(path)
    said = str(caught.value)
    assert len(caught.value.problems) == 7
    for part in (
        "line 5: 1 rows have no meter", "lines 3, 4 = b: 1 meters occur more than once", "0 (a), -20 (b)",
        "line 4 = 510 (b): latitude_deg", "line 5 = coal", "line 6: volume_m3 holds text", "line 6 = 0 (e): dwellings",
    ):  # fmt: skip
        assert part in said, part


def test_a_missing_column_of_ids_names_the_nearest(tmp_path):
    path = tmp_path / "b.csv"
    path.write_text("meters,volume_m3\na,400\n")
    with pytest.raises(DataError, match="Did you mean meters"):
        read_buildings(path)


def test_a_header_without_rows(tmp_path):
    path = tmp_path / "b.csv"
    path.write_text("meter,volume_m3\n")
    with pytest.raises(DataError, match="P220"):
        read_buildings(path)


def test_ids_that_stand_on_one_side_only_are_findings():
    found = ids_without_meter({"meter": np.array(["a", "x"], dtype=object)}, ["a", "b", "c"])
    assert [(f.code, f.evidence["count"]) for f in found] == [
        ("building_without_meter", 1),
        ("meter_without_building", 2),
    ]
