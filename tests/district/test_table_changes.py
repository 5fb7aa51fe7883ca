"""Devices of a table can be changed from the study or the command line, one or all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from varme.district.case import load_case
from varme.district.spec import DistrictStudy
from varme.ground.context import Context
from varme.ground.errors import InputError
from varme.ground.spec import parse, read_file
from varme.study.overrides import overridden

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "district-east-denmark-2011"


def _devices(*settings: str) -> dict[str, object]:
    data = overridden(DistrictStudy, read_file(FOLDER / "study.toml"), list(settings), "study.toml")
    return dict(load_case(parse(DistrictStudy, data, "study.toml"), Context(base=FOLDER)).devices)


def test_one_device_changes_and_no_other() -> None:
    """A change by name reaches that row alone."""
    devices = _devices("table_changes.AMV1.min_load_share=0.5")
    assert devices["AMV1"].min_load_share == 0.5  # type: ignore[attr-defined]
    assert devices["HCV2"].min_load_share == 0.35  # type: ignore[attr-defined]


def test_all_devices_change_where_they_have_the_field() -> None:
    """``"*"`` changes every row that fills the field, and leaves blank cells at their default."""
    devices = _devices('table_changes={ "*" = { cv_mw_per_mw = 0.2 } }')
    assert devices["AVV2"].cv_mw_per_mw == 0.2  # type: ignore[attr-defined]
    assert not hasattr(devices["AMV1"], "cv_mw_per_mw")


def test_names_and_fields_that_do_not_exist_are_refused() -> None:
    """A change of nothing is an error, with the place."""
    with pytest.raises(InputError, match=r"P107 table_changes\.AMV9"):
        _devices("table_changes.AMV9.min_load_share=0.5")
    with pytest.raises(InputError, match=r"AMV1\): min_load_shar"):
        _devices("table_changes.AMV1.min_load_shar=0.5")
