"""Alarms: each is raised by what it is for, with the figures, and stays silent on a sound town."""

from pathlib import Path

import numpy as np
import pytest

from varme.data.synthetic.town import TownSpec, build_town
from varme.data.synthetic.town_weather import town_weather
from varme.retrofit.alarms import (
    boundary_findings,
    few_heat_pump_findings,
    gamma_findings,
    gross_net_findings,
    household_findings,
    years_findings,
)
from varme.retrofit.consistency import (
    consistency_chart,
    consistency_table,
    degree_days,
    expected_by_degree_days,
    meter_set_findings,
    totals_findings,
)
from varme.retrofit.field_trials import (
    TRIALS,
    field_trial_chart,
    field_trial_findings,
    field_trial_table,
    mixed_range,
)
from varme.retrofit.meter_alarms import (
    cooling,
    cooling_findings,
    noon_ratio,
    photovoltaics_behind,
    photovoltaics_findings,
)

YEARS = (2019, 2020, 2021)


@pytest.fixture(scope="module")
def town():
    return build_town(TownSpec(seed=1, pv_share=0.05, faults=False))


def codes(findings):
    return [(f.code, f.severity) for f in findings]


def town_days(town):
    weather = town_weather(town.spec)
    return degree_days(weather.daily_c, weather.year, YEARS)


# ------------------------------------------------------------------------------------------------ totals and sets


def test_degree_days_by_hand():
    """Four days of 5 C and one of 20 C in a year of five days: 4 x 10 K = 40 K d; a missing day counts as the mean."""
    year = np.full(5, 2019)
    assert degree_days(np.array([5, 5, 5, 5, 20.0]), year, [2019])[0] == pytest.approx(40)
    assert degree_days(np.array([5, 5, 5, np.nan, 5.0]), year, [2019])[0] == pytest.approx(50)


def test_expected_totals_by_hand():
    """Degree days 90 and 110, half the heat without weather: 0.95 and 1.05 of the mean."""
    out = expected_by_degree_days(np.array([100.0, 100.0]), np.array([90.0, 110.0]), base_share=0.5)
    np.testing.assert_allclose(out, [95, 105])


def test_a_sound_town_follows_its_degree_days(town):
    mean = town.truth["heat_kwh_th"][:1400].mean(axis=0)
    assert totals_findings(mean, town_days(town), YEARS) == []


def test_a_cold_year_with_the_lower_total_is_an_alarm():
    found = totals_findings(np.array([31.7, 30.3]), np.array([2100.0, 2200.0]), (2019, 2021))
    assert codes(found) == [("totals_against_degree_days", "alarm")]
    assert "the colder year has the lower total" in found[0].message
    assert found[0].evidence["deviation_share"] < -0.05


def test_a_year_too_far_off_in_the_right_direction_is_a_warning():
    found = totals_findings(np.array([30.0, 36.0]), np.array([2100.0, 2200.0]), (2019, 2021))
    assert codes(found) == [("totals_against_degree_days", "warning")]


@pytest.mark.parametrize("homes", [40, 400])
def test_unchanged_towns_of_any_size_are_hardly_ever_accused(homes):
    """Eight towns, one finding at most: sun, wind and the homes' own noise are no inconsistency."""
    found = 0
    for seed in range(20, 28):
        small = build_town(TownSpec(seed=seed, gas_meters_count=homes, heat_pumps_count=2, faults=False))
        mean = small.truth["heat_kwh_th"][:homes].mean(axis=0)
        found += len(totals_findings(mean, town_days(small), YEARS, meters_count=homes))
    assert found <= 1


def test_years_without_figures_are_passed_over():
    assert totals_findings(np.array([np.nan, 30.0]), np.array([2100.0, 2200.0]), (2019, 2021)) == []


def test_gaps_that_pull_down_one_year_are_found(town):
    """A fifth of the largest meters missing in the coldest year: mean and meter set both speak."""
    heat = town.truth["heat_kwh_th"][:1400].copy()
    heat[np.argsort(heat[:, 2])[-280:], 2] = np.nan
    with_gaps = np.nanmean(heat, axis=0)
    assert codes(totals_findings(with_gaps, town_days(town), YEARS)) == [
        ("totals_against_degree_days", "alarm")
    ]
    found = meter_set_findings(heat, YEARS)
    assert codes(found) == [("meter_set_changed", "alarm")]
    assert found[0].evidence["in_every_year"] == 1120
    table = consistency_table(heat, town_days(town), YEARS)
    assert table.column("meters_count").tolist() == [1400, 1400, 1120]
    assert table.column("deviation_percent")[2] < -10
    assert np.abs(table.column("panel_deviation_percent")).max() < 3
    panel = table.column("panel_mean_kwh_th")
    assert totals_findings(panel, town_days(town), YEARS) == []
    assert set(consistency_chart()[0].y) <= {c.name for c in table.schema.columns}


def test_the_same_meters_in_all_years_are_no_finding(town):
    assert meter_set_findings(town.truth["heat_kwh_th"], YEARS) == []


def test_years_without_a_common_meter_are_an_alarm():
    energy = np.array([[1.0, np.nan], [np.nan, 1.0]])
    assert codes(meter_set_findings(energy, (2019, 2020))) == [("meter_set_changed", "alarm")]


def test_meters_lost_at_random_are_a_warning_only(town):
    heat = town.truth["heat_kwh_th"][:1400].copy()
    heat[np.random.default_rng(5).permutation(1400)[:140], 1] = np.nan
    assert codes(meter_set_findings(heat, YEARS)) == [("meter_set_changed", "warning")]


CAMBRIDGE = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "retrofit"


@pytest.mark.skipif(not CAMBRIDGE.is_dir(), reason="the Cambridge estates data are not beside the checkout")
def test_real_estates_whose_meters_come_and_go_are_found():
    """Cambridge estates 2018-2022: 61, 79, 74, 82 and 76 gas meters, missing values written as zeros."""
    import duckdb

    years = (2018, 2019, 2020, 2021, 2022)
    source = CAMBRIDGE / "cambridge_estates_daily_2018_2022.parquet"
    rows = duckdb.sql(
        f"SELECT meter, year(date) AS y, sum(kwh) AS kwh FROM '{source}' WHERE carrier = 'gas' AND kwh > 0 "
        "GROUP BY 1, 2 HAVING count(*) > 250"
    ).fetchall()
    meters = sorted({r[0] for r in rows})
    energy = np.full((len(meters), len(years)), np.nan)
    for meter, year, kwh in rows:
        energy[meters.index(meter), years.index(year)] = kwh
    found = meter_set_findings(energy, years)
    assert codes(found) == [("meter_set_changed", "alarm")]
    assert found[0].evidence["in_every_year"] < 0.9 * found[0].evidence["in_some_year"]


# ------------------------------------------------------------------------------------------------ boundary and years


@pytest.mark.parametrize(
    ("boundary", "code", "severity"),
    [
        (["", "", ""], "boundary_unknown", "warning"),
        (["H4", "h4 ", "H4"], "boundary_stated", "note"),
        (["H2", "H4", "H4"], "boundary_mixed", "warning"),
        (["H3", "H3", ""], "boundary_mixed", "warning"),
    ],
)
def test_the_boundary_is_asked_for_and_mixtures_are_said(boundary, code, severity):
    assert codes(boundary_findings(boundary)) == [(code, severity)]


def test_a_mixture_of_boundaries_shifts_between_its_parts():
    evidence = boundary_findings(["H2"] * 5 + ["H4"] * 5)[0].evidence
    assert 0.98 < evidence["mixture_over_h3"] < 1.02


@pytest.mark.parametrize(
    ("gas", "pumps", "expected"),
    [
        (YEARS, YEARS, []),
        (YEARS, (2020, 2021), [("years_differ", "warning")]),
        ((2018,), (2021,), [("years_differ", "alarm")]),
    ],
)
def test_gas_and_heat_pumps_from_different_years(gas, pumps, expected):
    assert codes(years_findings(gas, pumps)) == expected


# ------------------------------------------------------------------------------------------------ what cannot be known


def test_few_heat_pumps_say_what_they_mean():
    """By hand for 5: t(4) = 2.776, 0.5 sqrt(1/1400 + 1/5) = 0.2240: a factor of exp(0.622) = 1.86."""
    found = few_heat_pump_findings(5, 1400)
    assert codes(found) == [("few_heat_pumps", "alarm")]
    assert found[0].evidence["log_half_width"] == pytest.approx(0.622, abs=0.002)
    assert "1.86" in found[0].message
    assert few_heat_pump_findings(10, 1400) == []


@pytest.mark.parametrize("count", [0, 1])
def test_one_or_no_heat_pump_has_no_interval(count):
    assert codes(few_heat_pump_findings(count, 1400)) == [("few_heat_pumps", "alarm")]


def test_gamma_is_said_to_be_an_assumption():
    known, treated_as_known = gamma_findings(0.105, 0.03), gamma_findings(0.105, 0.0)
    assert known[0].evidence["spf_percent_per_5_points"] == pytest.approx(5.6, abs=0.05)
    assert (known[0].severity, treated_as_known[0].severity) == ("note", "warning")


def test_gross_and_net_are_said_to_be_unseen():
    wide, narrow = gross_net_findings(3.3, 2.9, 3.8, "m3"), gross_net_findings(3.3, 3.2, 3.4, "m3")
    assert "within the interval" in wide[0].message
    assert "within the interval" not in narrow[0].message
    assert wide[0].evidence["if_net_ratio"] == pytest.approx(3.656, abs=1e-3)


def test_household_demand_that_jumps_is_a_warning():
    assert household_findings(np.array([6.44, 6.4, 6.5]), YEARS) == []
    assert codes(household_findings(np.array([6.44, 5.76, 5.91]), YEARS)) == [
        ("household_demand_inconsistent", "warning")
    ]


# ------------------------------------------------------------------------------------------------ courses of meters


def test_photovoltaics_behind_the_meter_are_found_and_nobody_else():
    town = build_town(TownSpec(seed=2, gas_meters_count=50, heat_pumps_count=150, pv_share=0.1, faults=False))
    weather = town_weather(town.spec)
    ratio = noon_ratio(
        town.heat_pumps.values, weather.day_of_hour, weather.hour_of_day, town.days, weather.daily_c
    )
    behind, truth = photovoltaics_behind(ratio), town.buildings["pv"][50:]
    assert (behind & truth).sum() >= 0.9 * truth.sum()
    assert (behind & ~truth).sum() <= 0.02 * (~truth).sum()
    found = photovoltaics_findings(ratio, town.truth["electricity_kwh"].sum(axis=1))
    assert codes(found) == [("pv_behind_meter", "warning")]
    assert found[0].evidence["meters"] == behind.sum()


def test_without_photovoltaics_there_is_no_finding():
    town = build_town(TownSpec(seed=3, gas_meters_count=50, heat_pumps_count=100, pv_share=0, faults=False))
    weather = town_weather(town.spec)
    ratio = noon_ratio(
        town.heat_pumps.values, weather.day_of_hour, weather.hour_of_day, town.days, weather.daily_c
    )
    assert photovoltaics_findings(ratio, np.ones(100)) == []


def test_a_winter_alone_tells_nothing_of_photovoltaics():
    days = np.arange(np.datetime64("2020-11-01"), np.datetime64("2020-12-01"))
    day = np.repeat(np.arange(30), 24)
    ratio = noon_ratio(np.ones((2, 720), np.float32), day, np.tile(np.arange(24), 30), days, np.full(30, 5.0))
    assert np.isnan(ratio).all()


def test_cooling_shows_on_hot_days():
    temperature = np.r_[np.full(30, 17.0), np.full(10, 25.0), np.full(60, 0.0)]
    heats = np.where(temperature < 15, 30.0, 2.0)
    cools = heats + np.where(temperature > 23, 8.0, 0.0)
    daily = np.stack([heats, cools, np.full(100, np.nan)])
    assert cooling(daily, temperature).tolist() == [False, True, False]
    found = cooling_findings(daily, temperature)
    assert codes(found) == [("cooling_in_summer", "warning")]
    assert found[0].evidence["rows"] == [1]
    assert cooling_findings(daily[:1], temperature) == []


# ------------------------------------------------------------------------------------------------ field trials


def test_the_mixture_of_the_papers_ranges_is_2_4_to_3_3():
    """The reference: for 76/24 the harmonic mixture is 2.4-3.3. By hand: 1/(0.76/2.3 + 0.24/2.9) = 2.42."""
    low, high = mixed_range(0.24)
    assert (low, high) == (pytest.approx(2.42, abs=0.005), pytest.approx(3.277, abs=0.005))
    assert mixed_range(0.0) == (pytest.approx(2.3), pytest.approx(3.1))


def test_an_spf_outside_the_trials_is_a_warning_and_inside_proves_little():
    assert codes(field_trial_findings(4.2, 3.8, 4.6, 0.24)) == [("spf_outside_trials", "warning")]
    assert "above" in field_trial_findings(4.2, 3.8, 4.6, 0.24)[0].message
    assert "below" in field_trial_findings(1.8, 1.6, 2.0, 0.24)[0].message
    inside = field_trial_findings(2.95, 2.7, 3.2, 0.24)
    assert codes(inside) == [("trials_prove_little", "note")]
    assert inside[0].evidence["covered_share"] == pytest.approx(
        np.log(3.2 / 2.7) / np.log(3.277 / 2.42), abs=0.01
    )


def test_trials_are_brought_to_the_boundary_of_the_meters():
    at_h4, at_h2 = (field_trial_table(2.95, 2.7, 3.2, 0.24, b) for b in ("H4", "H2"))
    trial = at_h4.column("trial") == "EoH air"
    assert at_h4.column("low_spf")[trial][0] == pytest.approx(2.81)
    assert at_h2.column("low_spf")[trial][0] == pytest.approx(2.81 * 1.02 / 0.98)
    assert len(at_h4) == len(TRIALS) + 1
    assert set(at_h4.column("verdict")) == {"above", "below", "overlaps"}
    assert set(field_trial_chart(2.95, 2.7, 3.2)[0].y) <= {c.name for c in at_h4.schema.columns}
