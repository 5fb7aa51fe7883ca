"""The example on measured hours: a day of a home in Copenhagen, where the shared data are there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from varme.ground.context import Context
from varme.ground.spec import parse, read_file
from varme.home.case import HomeCase, load_case
from varme.home.spec import HomeStudy

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "home-real" / "study.toml"
SHARED = EXAMPLE.parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def case() -> HomeCase:
    if not (SHARED / "weather").is_dir():
        pytest.skip(f"the measured hours are not in {SHARED}")
    return load_case(parse(HomeStudy, read_file(EXAMPLE), source=str(EXAMPLE)), Context(base=EXAMPLE.parent))


def test_the_day_is_the_measured_one(case: HomeCase) -> None:
    assert case.grid.n == 96
    assert case.plant.seen.outdoor_c.mean() == pytest.approx(-1.9, abs=0.3)
    assert case.prices is not None
    energy = case.prices.parts_cent_per_kwh["energy"] - 1.0
    assert energy.max() == pytest.approx(10.945, abs=0.01), "the dearest hour of DK2 in 2019"
    assert 50 < case.plant.grid.co2_g_per_kwh.mean() < 400


def test_the_household_is_one_home_of_ordinary_size(case: HomeCase) -> None:
    load = case.plant.grid.load_kw
    assert 0.15 < load.mean() < 1.5
    assert load.max() > 2 * load.mean()


def test_what_was_assumed_and_moved_is_told(case: HomeCase) -> None:
    told = {f.code for f in case.findings}
    assert {"shifted_years", "resampled", "tariff_assumed"} <= told


def test_danish_evening_hours_carry_the_peak_charge(case: HomeCase) -> None:
    assert case.prices is not None
    network = case.prices.parts_cent_per_kwh["network"].reshape(24, 4).mean(axis=1)
    assert np.flatnonzero(network > network.min() + 5).tolist() == [17, 18, 19, 20]
