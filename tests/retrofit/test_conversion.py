"""Conversion: zones, furnaces and hot water of a town reach the right meters, and their tables say so."""

import numpy as np
import pytest

from varme.data.synthetic.town import TownSpec, build_town
from varme.data.synthetic.town_files import write_town
from varme.data.synthetic.town_weather import town_weather
from varme.retrofit.conversion import conversion_of, furnace_table, gas_factor_table, hot_water
from varme.retrofit.demand.change_point import fit_change_points
from varme.retrofit.heat import FurnaceSpec, GasSpec

N = 300


@pytest.fixture(scope="module")
def town():
    return build_town(TownSpec(seed=7, gas_meters_count=N, heat_pumps_count=5, faults=False))


@pytest.fixture(scope="module")
def conversion(town):
    b = town.buildings
    return conversion_of(
        GasSpec(), FurnaceSpec(), N, town.days, kind=b["furnace_type"][:N], year=b["furnace_year"][:N],
        zone=b["zone"][:N], columns=town.calorific,
    )  # fmt: skip


def test_what_the_buildings_tell_makes_heat_better_than_the_mix(town, conversion):
    truth = town.truth["heat_kwh_th"][:N].sum(axis=1)
    known = conversion.to_heat(town.gas, 0, N).values.sum(axis=1, dtype=float)
    mixed = (
        conversion_of(GasSpec(), FurnaceSpec(), N, town.days)
        .to_heat(town.gas, 0, N)
        .values.sum(axis=1, dtype=float)
    )
    assert np.std(np.log(known / truth)) < 0.85 * np.std(np.log(mixed / truth))
    assert known.sum() == pytest.approx(truth.sum(), rel=0.02)


def test_a_file_and_columns_in_memory_give_the_same(town, conversion, tmp_path):
    write_town(town, tmp_path)
    b = town.buildings
    filed = conversion_of(
        GasSpec(calorific_file="calorific.csv"), FurnaceSpec(), N, town.days, kind=b["furnace_type"][:N],
        zone=b["zone"][:N], folder=tmp_path,
    )  # fmt: skip
    one, other = (c.to_heat(town.gas, 0, N).values for c in (filed, conversion))
    np.testing.assert_array_equal(one, other)


def test_tables_show_furnaces_and_factors(conversion, town):
    furnaces = furnace_table(conversion)
    assert furnaces.column("meters_count").sum() == N
    assert set(furnaces.column("furnace")) <= {"constant_temperature", "low_temperature", "condensing"}
    hidden = furnace_table(conversion, k_count=100)
    assert 0 in hidden.column("meters_count")
    factors = gas_factor_table(conversion, town.days)
    assert len(factors) == 2 * 36
    np.testing.assert_allclose(
        factors.column("calorific_kwh_hs_per_m3"), town.calorific["calorific_kwh_hs_per_m3"]
    )


def test_a_town_without_furnace_data_shows_the_mix(town):
    bare = conversion_of(GasSpec(), FurnaceSpec(), N, town.days)
    assert furnace_table(bare).column("furnace").tolist() == ["mix"]
    assert bare.findings == ()


def test_meters_without_a_zone_are_said(town):
    zone = town.buildings["zone"][:N].astype(object)
    zone[:7] = "elsewhere"
    found = conversion_of(GasSpec(), FurnaceSpec(), N, town.days, zone=zone, columns=town.calorific).findings
    assert [(f.code, f.evidence["meters"]) for f in found] == [("zone_unknown", 7)]


def test_hot_water_by_hand():
    """5 kWh a day of 18,262.5 kWh a year is 10 %; a base of 0.2 kWh is none."""
    water = hot_water(
        np.array([5.0, 0.2, np.nan]), np.array([0.5, 0.1, 0.1]), np.array([18262.5, 10000.0, 1.0])
    )
    assert water.share[0] == pytest.approx(0.1)
    assert water.none.tolist() == [False, True, False]
    assert water.low_kwh_th_per_day[0] == pytest.approx(4.02, abs=0.01)
    assert water.high_kwh_th_per_day[0] == pytest.approx(5.98, abs=0.01)
    assert np.isnan(water.share[2])


def test_hot_water_of_a_town_is_found_from_its_summers(town, conversion):
    heat = conversion.to_heat(town.gas, 0, N)
    fits = fit_change_points(heat.values, town_weather(town.spec).daily_c)
    water = hot_water(fits.base, fits.base_se, heat.values.sum(axis=1, dtype=float) / 3)
    solar, cooks = town.buildings["solar_thermal"][:N], town.buildings["gas_cooking"][:N]
    plain = ~solar & ~cooks
    ratio = water.kwh_th_per_day[plain] / town.truth["water_kwh_th_per_day"][:N][plain]
    assert 0.85 < np.median(ratio) < 1.15
    assert np.median(water.share[solar]) < 0.7 * np.median(water.share[plain])
    assert 0.06 < water.town_share < 0.14
