"""The synthetic town: reproducible, with the marginals of the paper, and with a truth that its meters keep."""

import time

import numpy as np
import pytest

from varme.data.synthetic.town import TownSpec, build_town, retrofitted_hours
from varme.data.synthetic.town_files import write_town
from varme.data.synthetic.town_weather import town_weather
from varme.ground.errors import InputError
from varme.ground.spec import parse
from varme.physics.gas import z_number

SMALL = {"gas_meters_count": 60, "heat_pumps_count": 12, "transformers_count": 4, "faults": False}


@pytest.fixture(scope="module")
def clean():
    return build_town(TownSpec(seed=1, faults=False, pv_share=0))


@pytest.fixture(scope="module")
def small():
    return build_town(TownSpec(seed=3, **SMALL))


def by_year(town, daily):
    first = np.searchsorted(town.days.astype("datetime64[Y]").astype(int) + 1970, town.spec.years)
    return np.add.reduceat(daily, first, axis=-1, dtype=float)


def by_day(town, hourly):
    return np.add.reduceat(hourly, town_weather(town.spec).edges, axis=-1, dtype=float)


def test_equal_specs_give_equal_towns_and_other_seeds_others():
    spec = TownSpec(seed=5, **SMALL)
    one, two, other = build_town(spec), build_town(spec), build_town(spec.model_copy(update={"seed": 6}))
    assert one.gas.values.tobytes() == two.gas.values.tobytes()
    assert one.heat_pumps.values.tobytes() == two.heat_pumps.values.tobytes()
    assert all((one.buildings[k] == two.buildings[k]).all() for k in ("meter", "volume_m3", "transformer"))
    assert one.gas.values.tobytes() != other.gas.values.tobytes()


def test_a_town_as_large_as_the_papers_takes_less_than_two_seconds_of_cpu():
    start = time.process_time()
    build_town(TownSpec(seed=2))
    assert time.process_time() - start < 2.0


def test_correlations_are_those_of_the_paper(clean):
    """Heat pumps with temperature -0.92..-0.95, with gas 0.97..0.99; gas with temperature -0.92..-0.96; two digits."""
    t = town_weather(clean.spec).daily_c
    gas, pumps = clean.gas.values.mean(axis=0), by_day(clean, clean.heat_pumps.values).mean(axis=0)
    year = clean.days.astype("datetime64[Y]").astype(int) + 1970
    for y in clean.spec.years:
        mine = year == y
        assert -0.95 <= round(np.corrcoef(pumps[mine], t[mine])[0, 1], 2) <= -0.91
        assert -0.96 <= round(np.corrcoef(gas[mine], t[mine])[0, 1], 2) <= -0.91
        assert 0.97 <= round(np.corrcoef(gas[mine], pumps[mine])[0, 1], 2) <= 0.99


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_spread_volume_and_winter_are_what_was_asked_for(clean, seed):
    town = clean if seed == 1 else build_town(TownSpec(seed=seed, faults=False))
    n = town.spec.gas_meters_count
    heat, volume = town.truth["heat_kwh_th"][:n], town.buildings["volume_m3"][:n]
    correlation = np.mean([np.corrcoef(volume, heat[:, k])[0, 1] for k in range(3)])
    assert abs(correlation - 0.64) < 0.01
    assert abs(np.log(heat).std(axis=0).mean() - 0.5) < 0.02
    assert heat.mean() == pytest.approx(22600, rel=0.01)
    days = town.days - town.days.astype("datetime64[Y]").astype("datetime64[D]")
    winter = (days.astype(int) <= 50) | (days.astype(int) >= 304)
    year, daily = town.days.astype("datetime64[Y]").astype(int) + 1970, town_weather(town.spec).daily_c
    for y, wanted in zip(town.spec.years, town.spec.winters_c(), strict=True):
        assert daily[winter & (year == y)].mean() == pytest.approx(wanted, abs=0.01)


def test_homes_with_heat_pumps_need_less_by_gamma_in_the_long_run():
    many = TownSpec(seed=4, gas_meters_count=1500, heat_pumps_count=1500, years=(2019,), winter_mean_c=(3.8,))
    heat = build_town(many.model_copy(update={"faults": False})).truth["heat_kwh_th"][:, 0]
    assert heat[1500:].mean() / heat[:1500].mean() == pytest.approx(1 - 0.105, rel=0.05)


def test_hourly_meters_keep_the_energy_of_the_truth(clean):
    metered = by_year(clean, by_day(clean, clean.heat_pumps.values))
    np.testing.assert_allclose(metered, clean.truth["electricity_kwh"], rtol=1e-4)
    assert clean.truth["fleet_day_kwh"].sum() == pytest.approx(metered.sum(), rel=1e-4)


def test_every_heat_pump_has_its_spf_over_the_whole_period():
    one_kind = TownSpec(
        seed=3, **SMALL, spf_air=3.0, spf_log_spread_share=0, ground_source_share=0, boundary_h2_share=0,
        boundary_h4_share=0,
    )  # fmt: skip
    truth = build_town(one_kind).truth
    heat = truth["heat_kwh_th"][SMALL["gas_meters_count"] :].sum(axis=1)
    np.testing.assert_allclose(heat / truth["electricity_kwh"].sum(axis=1), 3.0, rtol=2e-3)


def test_b_of_each_year_is_the_one_that_was_asked_for():
    truth = build_town(TownSpec(seed=3, **SMALL, b_by_year_ratio=(3.3, 3.5, 3.0))).truth
    np.testing.assert_allclose(truth["b_ratio"], (3.3, 3.5, 3.0), rtol=1e-4)
    np.testing.assert_allclose(truth["spf_fleet"], np.array((3.3, 3.5, 3.0)) * 0.895, rtol=1e-4)


def test_the_three_spf_differ_and_stand_in_their_order(clean):
    truth = clean.truth
    assert (truth["spf_geometric"] < truth["spf_arithmetic"]).all()
    assert (np.abs(truth["spf_fleet"] / truth["spf_geometric"] - 1) < 0.06).all()
    assert (truth["spf_fleet"] != truth["spf_geometric"]).all()


def test_gas_is_heat_over_efficiency_z_and_calorific_value():
    spec = TownSpec(seed=3, **SMALL, cooking_share=0, solar_thermal_share=0)
    assert spec.z_share == pytest.approx(float(z_number(225.0)), rel=1e-12)
    town = build_town(spec)
    zone = np.array([int(z[1:]) - 1 for z in town.buildings["zone"][:60]])
    months = town.days.astype("datetime64[M]").astype(int)
    table = town.calorific["calorific_kwh_hs_per_m3"].reshape(2, -1)
    hs = table[zone][:, months - months[0]]
    heat = town.gas.values * spec.z_share * hs * town.truth["efficiency_share"][:, None]
    np.testing.assert_allclose(by_year(town, heat), town.truth["heat_kwh_th"][:60], rtol=1e-3)


def test_whole_cubic_metres_give_zeros_then_jumps_and_lose_nothing():
    fine = build_town(TownSpec(seed=3, **SMALL)).gas.values
    coarse = build_town(TownSpec(seed=3, **SMALL, resolution_m3=1.0)).gas.values
    assert (coarse == np.round(coarse)).all()
    summer = slice(180, 230)
    assert (coarse[:, summer] == 0).mean() > 2 * (fine[:, summer] == 0).mean()
    assert np.abs(coarse.sum(axis=1) - fine.sum(axis=1)).max() <= 1.1


def test_hours_are_all_or_little_and_peaks_do_not_coincide(clean):
    values = clean.heat_pumps.values
    assert 0.3 < (values == 0).mean() < 0.8
    assert (values >= 0).all()
    one, few, all_of_them = (values[:n].sum(axis=0).max() / values[:n].max(axis=1).sum() for n in (1, 10, 73))
    assert one == pytest.approx(1.0)
    assert one > few > all_of_them
    assert 0.4 < all_of_them < 0.85


def test_cop_rises_with_temperature_and_hot_water_hides_some_of_it(clean):
    truth = clean.truth
    assert 0.012 < truth["cop_slope_share_per_k"] < truth["cop_slope_space_share_per_k"] < 0.026


def test_a_constant_spf_would_understate_the_peak_day(clean):
    """The paper replaces gas profiles by scaled ones; with a COP that falls in the cold the coldest day is higher."""
    truth = clean.truth
    gas_heat = clean.gas.values.sum(axis=0, dtype=float)
    flat = gas_heat * truth["retrofit_day_kwh"].sum() / gas_heat.sum()
    peak = truth["retrofit_peak_day"]
    assert flat[peak] < 0.9 * truth["retrofit_peak_day_kwh"]


def test_blocked_hours_are_empty_and_their_energy_comes_later():
    free = build_town(TownSpec(seed=3, **SMALL))
    blocked = build_town(TownSpec(seed=3, **SMALL, blocking_h=(11, 17)))
    hour = town_weather(blocked.spec).hour_of_day
    assert blocked.heat_pumps.values[:, np.isin(hour, (11, 17))].max() < 1e-6
    np.testing.assert_allclose(blocked.truth["electricity_kwh"], free.truth["electricity_kwh"], rtol=1e-3)


def test_photovoltaics_behind_the_meter_hide_sunny_hours_only():
    without, hidden = (build_town(TownSpec(seed=3, **SMALL, pv_share=s)) for s in (0.0, 1.0))
    hour = town_weather(hidden.spec).hour_of_day
    night = (hour < 6) | (hour > 20)
    np.testing.assert_array_equal(hidden.heat_pumps.values[:, night], without.heat_pumps.values[:, night])
    seen, real = hidden.heat_pumps.values[:, hour == 13].sum(), without.heat_pumps.values[:, hour == 13].sum()
    assert seen < 0.8 * real
    np.testing.assert_array_equal(hidden.truth["electricity_kwh"], without.truth["electricity_kwh"])


def test_the_retrofitted_town_by_hour_is_the_one_by_day(small):
    hourly = retrofitted_hours(small.spec, block=17)
    assert hourly.shape == (4, len(small.hours_utc))
    year = by_year(small, by_day(small, hourly.sum(axis=0)))
    np.testing.assert_allclose(year, small.truth["retrofit_year_kwh"], rtol=2e-3)
    assert hourly.sum(axis=0).max() * 24 > small.truth["retrofit_peak_day_kwh"]


def test_faults_stand_where_the_truth_says_and_nowhere_else():
    faulty = build_town(TownSpec(seed=3, **{**SMALL, "faults": True, "fault_share": 0.3}))
    clean = build_town(TownSpec(seed=3, **SMALL))
    marked = {f.meter for f in faulty.truth["faults"]}
    assert 10 < len(marked) < 40
    for name in ("gas", "heat_pumps"):
        one, other = getattr(faulty, name), getattr(clean, name)
        free = [k for k, meter in enumerate(one.meters) if meter not in marked]
        np.testing.assert_array_equal(one.values[free], other.values[free])
    np.testing.assert_array_equal(faulty.truth["heat_kwh_th"], clean.truth["heat_kwh_th"])


def test_every_building_has_a_transformer_near_it_and_a_zone(small):
    b, t = small.buildings, small.transformers
    place = {name: k for k, name in enumerate(t["transformer"])}
    index = np.array([place[name] for name in b["transformer"]])
    assert np.hypot(b["x_m"] - t["x_m"][index], b["y_m"] - t["y_m"][index]).max() < 500
    assert (np.bincount(index, minlength=4) == t["homes_count"]).all()
    assert set(b["zone"]) <= set(small.calorific["zone"])
    assert (t["rating_kva"] > t["base_peak_kw"]).all()


def test_files_hold_what_the_meters_hold_and_not_the_truth(small, tmp_path):
    import duckdb

    paths = write_town(small, tmp_path / "town")
    assert sorted(p.name for p in (tmp_path / "town").iterdir()) == sorted(p.name for p in paths)
    count, total = duckdb.sql(f"SELECT count(*), sum(gas_m3::DOUBLE) FROM '{paths[0]}'").fetchall()[0]
    assert (count, total) == (small.gas.values.size, pytest.approx(small.gas.values.sum(dtype=float)))
    first = duckdb.sql(f"SELECT min(time_utc) FROM '{paths[1]}'").fetchall()[0][0]
    assert np.datetime64(first, "s") == small.hours_utc[0]
    text = (tmp_path / "town" / "buildings.csv").read_text()
    assert "efficiency" not in text
    assert len(text.splitlines()) == 73
    before = [p.read_bytes() for p in paths]
    assert [p.read_bytes() for p in write_town(small, tmp_path / "town")] == before


def test_a_folder_that_cannot_be_written_leaves_nothing_behind(small, tmp_path):
    (tmp_path / "gas.parquet").mkdir()
    with pytest.raises(OSError, match="gas"):
        write_town(small, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["gas.parquet"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"years": [2019, 2021], "winter_mean_c": [3.0, 3.0]}, "P108"),
        ({"winter_mean_c": [3.0]}, "P108"),
        ({"b_by_year_ratio": [3.3]}, "P108"),
        ({"b_by_year_ratio": [3.3, 0.5, 3.0]}, "P101"),
        ({"boundary_h2_share": 0.6, "boundary_h4_share": 0.6}, "P108"),
        ({"blocking_h": [25]}, "P101"),
        ({"gas_meters_count": 0}, "P101"),
    ],
)
def test_impossible_towns_are_refused(fields, code):
    with pytest.raises(InputError) as caught:
        parse(TownSpec, fields, "study.toml")
    assert [p.code for p in caught.value.problems] == [code]


def test_a_town_without_heat_pumps_and_with_one_gas_meter_can_be_built():
    town = build_town(TownSpec(gas_meters_count=1, heat_pumps_count=0, transformers_count=1, faults=False))
    assert town.gas.values.shape == (1, 1096)
    assert town.heat_pumps.values.shape[0] == 0
    assert np.isnan(town.truth["spf_fleet"]).all()


def test_faults_of_whole_files_are_not_given_to_single_meters():
    town = build_town(TownSpec(seed=2, gas_meters_count=300, heat_pumps_count=60, fault_share=1.0))
    pumps = set(town.heat_pumps.meters)
    kinds = {(f.meter in pumps, f.kind) for f in town.truth["faults"]}
    assert len(kinds) > 15
    assert not kinds & {(False, "gas_day"), (True, "time_slip"), (True, "dst_hours")}
    assert (False, "time_slip") in kinds
