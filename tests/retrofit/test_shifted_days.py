"""A file that is one day off is called that; inertia alone is not."""

from __future__ import annotations

import numpy as np
import pytest

from varme.data.synthetic.town import TownSpec, build_town
from varme.retrofit.meter_alarms import shifted_days_findings


@pytest.fixture(scope="module", params=[11, 12])
def fleet(request):
    town = build_town(TownSpec(seed=request.param, gas_meters_count=120, heat_pumps_count=2, faults=False))
    hour = (town.hours_utc + np.timedelta64(3600, "s")).astype("datetime64[D]")
    day = np.clip((hour - town.days[0]).astype(int), 0, len(town.days) - 1)
    return town.truth["fleet_heat_day_kwh_th"], np.bincount(day, town.temperature_c) / np.bincount(day)


def test_days_in_their_place_are_no_finding(fleet):
    assert shifted_days_findings(fleet[0], fleet[1], "gas meters") == []


@pytest.mark.parametrize("shift", [1, -1])
def test_a_file_one_day_off_is_found_with_its_direction(fleet, shift):
    heat, t = fleet
    found = shifted_days_findings(np.roll(heat, shift), t, "gas meters")
    assert [f.code for f in found] == ["days_shifted"]
    assert found[0].evidence["shift_days"] == shift


def test_without_readings_there_is_nothing_to_say(fleet):
    assert shifted_days_findings(np.full(len(fleet[1]), np.nan), fleet[1], "gas meters") == []
