"""Cleaning, rule by rule: the hand-made fault that must be found, and the near miss that must be left alone."""

from dataclasses import replace

import numpy as np
import pytest

from varme.data.clean.clean import Surroundings, clean, to_daily
from varme.data.clean.spec import CleaningSpec
from varme.data.meters.panel import DAY_MIN, MeterPanel
from varme.ground.timegrid import utc_offset_s

SPEC = CleaningSpec()
DAYS = np.arange(np.datetime64("2019-01-01"), np.datetime64("2022-01-01"))
N = len(DAYS)
WINTER = int(np.flatnonzero(np.datetime64("2020-01-15") == DAYS)[0])
SUMMER = int(np.flatnonzero(np.datetime64("2020-07-10") == DAYS)[0])


def temperature(seed=3):
    rng = np.random.default_rng(seed)
    noise = np.zeros(N)
    shock = rng.normal(0, 2.3, N)
    for i in range(1, N):
        noise[i] = 0.75 * noise[i - 1] + shock[i]
    day = (DAYS - DAYS.astype("datetime64[Y]").astype("datetime64[D]")).astype(int)
    return 10 - 9 * np.cos(2 * np.pi * (day - 17) / 365.25) + noise


T = temperature()
AROUND = Surroundings("gas", "Europe/Berlin", (2019, 2020, 2021), T)


def homes(n=6, seed=5, noise=0.12):
    """Return daily gas of homes [m3]: 0.8 to 1.2 m3 for hot water, 0.6 to 1 m3 per kelvin below 14 to 16 C."""
    rng = np.random.default_rng(seed)
    base, slope = rng.uniform(0.8, 1.2, (n, 1)), rng.uniform(0.6, 1.0, (n, 1))
    need = np.maximum(rng.uniform(14, 16, (n, 1)) - T[None, :], 0)
    return ((base + slope * need) * np.exp(rng.normal(0, noise, (n, N)))).astype(np.float32)


def panel(values, **more):
    return MeterPanel(tuple(f"m{i}" for i in range(len(values))), DAYS[0], DAY_MIN, values, "m3", **more)


def cleaned(values, spec=SPEC, around=AROUND, **more):
    return clean(panel(values, **more), spec, around)


def lines(result, rule):
    return [a for a in result.audit if a.rule == rule]


def only(result, rule, row=0):
    """Assert that one rule alone found something, in one meter alone, and return its line."""
    assert set(result.counts) == {rule}, result.audit
    assert np.flatnonzero(result.counts[rule]).tolist() == [row]
    return lines(result, rule)[0]


def test_clean_meters_are_left_alone_and_all_years_are_usable():
    y = homes(40)
    result = cleaned(y)
    assert result.counts == {}
    assert np.array_equal(result.panel.values, y)
    assert result.usable.all()
    assert (result.valid_days == [365, 366, 365]).all()
    assert (result.reason == "").all()


# ------------------------------------------------------------------------------------------------------- registers


def register(y, start=5000.0):
    return (start + np.cumsum(y, axis=1, dtype=float)).astype(np.float32)


@pytest.mark.parametrize("digits", [5, 6])
def test_a_register_that_rolls_over_loses_nothing(digits):
    y = homes(3)
    reads = register(y, 10.0**digits - 40)
    reads[reads >= 10.0**digits] -= 10.0**digits
    reads[1:] = register(y)[1:]
    result = cleaned(reads, reading="register")
    assert only(result, "roll_over").action == "corrected"
    total = y[:, 1:].sum(axis=1, dtype=float)
    assert np.nansum(result.panel.values, axis=1, dtype=float) == pytest.approx(total, abs=0.3)


def test_a_new_meter_costs_one_day_and_no_energy_before_or_after():
    y = homes(3)
    reads = register(y)
    reads[0, WINTER:] += 12.0 - reads[0, WINTER - 1]
    result = cleaned(reads, reading="register")
    assert only(result, "register_swap").action == "removed"
    rest = np.delete(np.arange(1, N), WINTER - 1)
    assert np.isnan(result.panel.values[0, WINTER])
    assert result.panel.values[0, rest] == pytest.approx(y[0, rest], abs=2e-3)


def test_missing_register_readings_are_bridged_and_the_energy_is_kept():
    y = homes(3)
    reads = register(y)
    reads[0, WINTER : WINTER + 10] = np.nan
    result = cleaned(reads, reading="register")
    assert only(result, "gap_bridged").steps == 11
    part = slice(WINTER, WINTER + 11)
    assert result.panel.values[0, part].sum() == pytest.approx(y[0, part].sum(), rel=1e-4)
    assert result.merged[0, part].all()
    assert result.merged.sum() == 11


def test_an_estimated_register_reading_is_replaced_by_what_the_next_actual_one_says():
    y = homes(3)
    reads = register(y)
    marked = np.zeros(reads.shape, dtype=bool)
    marked[0, WINTER : WINTER + 5] = True
    reads[0, WINTER : WINTER + 5] += 100
    result = cleaned(reads, reading="register", estimated=marked)
    assert set(result.counts) == {"estimated", "gap_bridged"}
    part = slice(WINTER, WINTER + 6)
    assert result.panel.values[0, part].sum() == pytest.approx(y[0, part].sum(), rel=1e-4)


def test_a_single_misread_register_is_dropped_and_bridged():
    y = homes(3)
    reads = register(y)
    reads[0, WINTER] -= 4000
    result = cleaned(reads, reading="register")
    assert set(result.counts) == {"misread", "gap_bridged"}
    assert np.nansum(result.panel.values[0]) == pytest.approx(y[0, 1:].sum(dtype=float), rel=1e-4)


def test_intervals_made_over_a_roll_over_are_put_right():
    y = homes(3)
    faulty = y.copy()
    faulty[0, WINTER] -= 100_000
    result = cleaned(faulty)
    assert only(result, "roll_over").action == "corrected"
    assert result.panel.values[0, WINTER] == pytest.approx(y[0, WINTER], abs=0.01)


def test_negative_use_that_no_register_explains_is_removed():
    faulty = homes(3)
    faulty[0, WINTER] = -3.0
    faulty[1, WINTER] = -43_210.0
    result = cleaned(faulty)
    assert result.counts["negative"].tolist() == [1, 0, 0]
    assert result.counts["register_swap"].tolist() == [0, 1, 0]
    assert np.isnan(result.panel.values[:2, WINTER]).all()


# ---------------------------------------------------------------------------------------------------------- values


def test_equal_duplicates_are_counted_and_conflicting_ones_are_removed():
    y = homes(3)
    twice = np.zeros(y.shape, dtype=np.uint8)
    twice[0, 5:8] = 1
    twice[1, 9] = 2
    result = cleaned(y, duplicates=twice)
    assert result.counts["duplicate_same"].tolist() == [3, 0, 0]
    assert result.counts["duplicate_conflict"].tolist() == [0, 1, 0]
    assert np.isnan(result.panel.values[1, 9])
    assert np.isfinite(result.panel.values[0]).all()


@pytest.mark.parametrize("marked", [True, False])
def test_estimates_and_the_reading_that_catches_up_keep_their_sum(marked):
    y = homes(3)
    part = slice(WINTER, WINTER + 15)
    faulty = y.copy()
    total = float(y[0, part].sum(dtype=float))
    faulty[0, WINTER : WINTER + 14] = 0.5 * total / 15
    faulty[0, WINTER + 14] = total - float(faulty[0, WINTER : WINTER + 14].sum(dtype=float))
    flags = np.zeros(y.shape, dtype=bool)
    flags[0, WINTER : WINTER + 14] = marked
    result = cleaned(faulty, estimated=flags)
    assert only(result, "estimated").steps == 15
    assert result.panel.values[0, part].sum() == pytest.approx(total, rel=1e-5)
    assert result.merged[0, part].all()
    assert np.corrcoef(result.panel.values[0, part], y[0, part])[0, 1] > 0.5
    assert result.usable.all()


def test_estimates_without_an_actual_reading_afterwards_are_removed():
    y = homes(3)
    flags = np.zeros(y.shape, dtype=bool)
    flags[0, -20:] = True
    result = cleaned(y, estimated=flags)
    assert only(result, "estimated").action == "removed"
    assert np.isnan(result.panel.values[0, -20:]).all()


def test_a_register_that_stood_still_is_told_from_zeros_that_mean_missing():
    y = homes(4)
    faulty = y.copy()
    part = slice(WINTER, WINTER + 8)
    faulty[:2, WINTER : WINTER + 7] = 0
    faulty[0, WINTER + 7] = y[0, part].sum()
    result = cleaned(faulty)
    assert result.counts["stuck_register"].tolist() == [8, 0, 0, 0]
    assert result.counts["zeros_missing"].tolist() == [0, 7, 0, 0]
    assert result.panel.values[0, part].sum() == pytest.approx(y[0, part].sum(), rel=1e-5)
    assert np.isnan(result.panel.values[1, WINTER : WINTER + 7]).all()


def test_one_value_repeated_is_stuck_and_its_first_day_is_kept():
    faulty = homes(3)
    faulty[0, WINTER : WINTER + 9] = faulty[0, WINTER]
    result = cleaned(faulty)
    assert only(result, "stuck_value").action == "removed"
    assert np.isfinite(result.panel.values[0, WINTER])
    assert np.isnan(result.panel.values[0, WINTER + 1 : WINTER + 9]).all()


def whole(y, unit=1.0):
    return np.diff(np.floor(np.cumsum(y, axis=1, dtype=float) / unit) * unit, axis=1, prepend=0).astype(
        np.float32
    )


def test_whole_cubic_metres_are_flagged_and_their_zeros_and_repeats_are_kept():
    y = whole(homes(8) * 0.6)
    result = cleaned(y)
    assert set(result.counts) == {"resolution"}
    assert (y == 0).sum() > 100
    assert np.array_equal(result.panel.values, y)
    assert result.usable.all()


def test_whole_cubic_metres_in_kwh_are_recognised_too():
    y = panel(whole(homes(3) * 0.6) * np.float32(10.55))
    result = clean(replace(y, unit="kwh_hs"), SPEC, AROUND)
    assert set(result.counts) == {"resolution"}
    assert "10.55" in lines(result, "resolution")[0].detail


def test_long_zeros_of_winter_are_found_in_a_meter_of_whole_cubic_metres():
    y = whole(homes(3))
    y[0, WINTER : WINTER + 6] = 0
    result = cleaned(y)
    assert result.counts["zeros_missing"].tolist() == [6, 0, 0]


def test_homes_with_solar_heat_may_use_nothing_all_summer():
    y = np.maximum(homes(12) - np.float32(1.6), 0)
    assert (y == 0).sum() > 500
    result = cleaned(y)
    assert result.counts == {}


def test_a_cold_day_in_summer_without_use_is_no_missing_value():
    y = homes(3)
    y[0, SUMMER : SUMMER + 9] = 0
    assert cleaned(y).counts == {}


def test_a_spike_goes_and_a_cold_snap_stays():
    y = homes(5)
    y[0, SUMMER] += 60
    result = cleaned(y)
    assert only(result, "spike").steps == 1
    assert np.isnan(result.panel.values[0, SUMMER])
    snap = T.copy()
    snap[WINTER : WINTER + 2] = -24.0
    cold = homes(5)
    cold[:, WINTER : WINTER + 2] = 0.8 * 39 + 1
    assert cleaned(cold, around=replace(AROUND, temperature_c=snap)).counts == {}


def test_a_day_that_all_meters_have_together_is_no_spike():
    y = homes(30)
    y[:, SUMMER] += 60
    assert "spike" not in cleaned(y).counts


def test_a_limit_on_the_values_is_found_and_most_of_the_loss_is_put_back():
    y = homes(4)
    faulty = y.copy()
    limit = np.quantile(y[0], 0.95)
    faulty[0] = np.minimum(y[0], limit)
    result = cleaned(faulty)
    only(result, "clipped")
    lost = y[0].sum(dtype=float) - faulty[0].sum(dtype=float)
    assert result.panel.values[0].sum(dtype=float) == pytest.approx(y[0].sum(dtype=float), abs=0.5 * lost)


# ------------------------------------------------------------------------------------------------------------ time


@pytest.mark.parametrize("lost", [0.0, np.nan])
def test_a_lost_leap_day_is_named(lost):
    y = homes(3)
    at = int(np.flatnonzero(np.datetime64("2020-02-29") == DAYS)[0])
    y[0, at] = lost
    line = only(cleaned(y), "leap_day")
    assert line.first == np.datetime64("2020-02-29")
    assert line.steps == 1


@pytest.mark.parametrize("shift", [1, -1])
def test_days_that_slipped_are_moved_back(shift):
    y = homes(4)
    faulty = y.copy()
    a, b = WINTER - 60, WINTER + 60
    faulty[0, a:b] = np.roll(y[0, a:b], shift)
    result = cleaned(faulty)
    only(result, "time_slip")
    inner = slice(a + 10, b - 10)
    assert result.panel.values[0, inner] == pytest.approx(y[0, inner])


def test_walls_that_answer_to_yesterday_are_no_slip_and_no_gas_day():
    y = homes(20)
    y[:, 1:] = 0.55 * y[:, 1:] + 0.45 * y[:, :-1]
    assert cleaned(y).counts == {}


def test_a_gas_day_of_all_meters_is_found_and_taken_out_without_losing_energy():
    y = homes(40)
    faulty = y.copy()
    faulty[:, :-1] = 0.75 * y[:, :-1] + 0.25 * y[:, 1:]
    result = cleaned(faulty)
    assert set(result.counts) == {"gas_day"}
    assert (result.counts["gas_day"] > 0).all()
    total = faulty.sum(axis=1, dtype=float)
    assert result.panel.values.sum(axis=1, dtype=float) == pytest.approx(total, rel=2e-3)
    off = np.abs(faulty - y).sum()
    assert np.abs(result.panel.values - y).sum() < 0.75 * off


# ---------------------------------------------------------------------------------------------------------- meters


@pytest.mark.parametrize("nothing", [0.0, np.nan])
def test_a_meter_that_starts_late_keeps_its_full_years(nothing):
    y = homes(3)
    y[0, :400] = nothing
    result = cleaned(y)
    assert only(result, "part_year").steps == 400
    assert result.usable[0].tolist() == [False, False, True]
    assert result.reason[0].tolist() == ["not_this_year", "heating_gap", ""]


def test_an_empty_home_is_flagged_and_kept_and_its_year_is_not_used():
    y = homes(3)
    a, b = WINTER - 30, WINTER + 40
    y[0, a:b] = 0.1 * np.random.default_rng(1).uniform(0.5, 1.5, b - a)
    result = cleaned(y)
    only(result, "vacancy")
    assert np.isfinite(result.panel.values[0, a:b]).all()
    assert result.reason[0].tolist() == ["vacant", "vacant", ""]


def test_a_holiday_of_two_weeks_is_no_vacancy():
    y = homes(3)
    y[0, WINTER : WINTER + 14] *= 0.3
    result = cleaned(y)
    assert result.counts == {}
    assert result.usable.all()


@pytest.mark.parametrize("factor", [35.3147, 1 / 35.3147])
def test_a_span_in_another_unit_is_brought_back(factor):
    y = homes(3)
    faulty = y.copy()
    faulty[0, WINTER - 50 : WINTER + 50] *= np.float32(factor)
    result = cleaned(faulty)
    assert only(result, "mixed_units").action == "corrected"
    assert result.panel.values[0] == pytest.approx(y[0], rel=1e-4)


def test_a_span_that_two_units_explain_is_corrected_or_removed_but_never_left():
    y = homes(3, noise=0.25)
    faulty = y.copy()
    part = slice(WINTER - 20, WINTER + 20)
    faulty[0, part] *= np.float32(10.8)
    values = cleaned(faulty).panel.values[0, part]
    assert np.isnan(values).all() or values == pytest.approx(y[0, part], rel=0.05)


def test_cooking_hot_water_and_many_dwellings_get_verdicts():
    rng = np.random.default_rng(2)
    y = homes(4)
    y[0] = 0.15 * rng.gamma(2, 0.5, N)
    y[1] = 1.2 * rng.gamma(8, 1 / 8, N)
    y[2] *= 9
    result = cleaned(y)
    assert [r[0] for r in result.reason] == ["cooking_only", "no_heating", "multi_family", ""]


def test_the_number_of_dwellings_counts_more_than_the_level():
    y = homes(3)
    y[1] *= 9
    known = replace(AROUND, dwellings_count=np.array([2.0, 1.0, np.nan]))
    assert [r[0] for r in cleaned(y, around=known).reason] == ["multi_family", "", ""]


def test_a_gap_in_winter_weighs_more_than_one_in_summer():
    y = homes(3)
    y[0, WINTER : WINTER + 30] = np.nan
    y[1, SUMMER : SUMMER + 30] = np.nan
    result = cleaned(y)
    assert result.reason[:, 1].tolist() == ["heating_gap", "", ""]
    assert result.valid_days[:2, 1].tolist() == [336, 336]


# ------------------------------------------------------------------------------------------------------ other cases


def test_without_temperatures_the_rules_for_values_still_work():
    y = homes(30)
    y[0, WINTER : WINTER + 5] = 0
    y[1, SUMMER] += 80
    result = cleaned(y, around=replace(AROUND, temperature_c=None))
    assert result.counts["zeros_missing"].tolist()[:2] == [5, 0]
    assert result.counts["spike"].tolist()[:2] == [0, 1]


@pytest.mark.parametrize(
    "values", [np.zeros((0, N)), np.zeros((2, N)), np.full((2, N), np.nan), np.zeros((2, 0))]
)
def test_empty_panels_and_meters_are_no_trouble(values):
    shape = values.shape
    around = replace(AROUND, temperature_c=T[: shape[1]])
    result = clean(panel(values.astype(np.float32)), SPEC, around)
    assert result.panel.values.shape == shape
    assert not result.usable.any()
    assert np.isin(result.reason, ["no_use", "not_this_year"]).all()


def test_a_week_of_readings_is_cleaned_without_a_guess():
    y = homes(2)[:, :7]
    result = clean(panel(y), SPEC, replace(AROUND, temperature_c=T[:7]))
    assert np.array_equal(result.panel.values, y)
    assert not result.usable.any()


def test_counters_are_complete_where_the_audit_is_capped():
    y = homes(30)
    y[:, WINTER] = np.nan
    y[:20, WINTER : WINTER + 3] = 0
    result = cleaned(y, spec=CleaningSpec(audit_lines_max=5))
    assert len(result.audit) == 5
    assert result.counts["zeros_missing"].sum() >= 40


def hours_panel(n=12, seed=1):
    start = np.datetime64("2020-01-01T00:00:00")
    count = 366 * 24
    rng = np.random.default_rng(seed)
    clock = np.arange(count) % 24
    day = np.arange(count) // 24
    heat = np.maximum(16 - T[365 + np.minimum(day, 365)], 0) + 1
    y = heat * (1 + 0.5 * np.cos(2 * np.pi * (clock - 6) / 24)) * np.exp(rng.normal(0, 0.2, (n, count))) / 20
    return MeterPanel(tuple(f"h{i}" for i in range(n)), start, 60, y.astype(np.float32), "kwh")


PUMPS = Surroundings("heat_pump", "UTC", (2020,), T[365 : 365 + 366])


def test_hours_are_cleaned_and_summed_to_days():
    p = hours_panel()
    assert clean(p, SPEC, PUMPS).counts == {}
    p.values[0, 24 * 10 : 24 * 12] = 0
    p.values[1, 24 * 180] += 100
    result = clean(p, SPEC, PUMPS)
    assert result.counts["zeros_missing"].tolist()[:2] == [48, 0]
    assert result.counts["spike"].tolist()[:2] == [0, 1]
    daily = to_daily(result.panel, "UTC")
    assert np.isnan(daily.values[0, 10:12]).all()
    assert np.isfinite(daily.values[1]).all()


def test_the_doubled_hour_of_autumn_is_shared_out():
    p = hours_panel()
    at = int((np.datetime64("2020-10-25T01") - np.datetime64("2020-01-01T00")).astype(int))
    total = p.values[0, at - 1] + p.values[0, at]
    p.values[0, at - 1], p.values[0, at] = total, np.nan
    around = replace(PUMPS, timezone="Europe/Berlin", temperature_c=np.r_[PUMPS.temperature_c, 0.0])
    result = clean(p, SPEC, around)
    assert np.flatnonzero(result.counts["dst_hours"]).tolist() == [0]
    assert result.panel.values[0, at - 1 : at + 1] == pytest.approx([total / 2, total / 2])


BERLIN = replace(PUMPS, timezone="Europe/Berlin", temperature_c=np.r_[PUMPS.temperature_c, 0.0])


def pumps_with_programmes(offset_h, n=12):
    """Return heat pumps with a setback at night, by a clock so many hours (by step) ahead of UTC."""
    p = hours_panel(n)
    old = 1 + 0.5 * np.cos(2 * np.pi * (np.arange(24) - 6) / 24)
    new = np.where((np.arange(24) >= 6) & (np.arange(24) < 22), 1.2, 0.3)
    hour = np.arange(p.values.shape[1])
    values = p.values / old[hour % 24] * new[(hour + offset_h) % 24]
    return replace(p, values=values.astype(np.float32))


OFFSET = utc_offset_s(hours_panel(1).steps, "Europe/Berlin") // 3600


@pytest.mark.parametrize("clock", [np.ones_like(OFFSET), 2 * OFFSET])
def test_a_file_whose_stamps_miss_the_change_of_the_clocks_is_flagged_and_left_as_it_is(clock):
    p = pumps_with_programmes(clock)
    result = clean(p, SPEC, BERLIN)
    assert set(result.counts) == {"clock_slip"}
    assert (result.counts["clock_slip"] == p.values.shape[1]).all()
    assert "1.0 h" in lines(result, "clock_slip")[0].detail
    assert result.panel.values == pytest.approx(p.values)


def test_programmes_that_follow_the_clocks_are_no_slip_also_where_one_pump_does_not():
    p = pumps_with_programmes(OFFSET)
    assert clean(p, SPEC, BERLIN).counts == {}
    p.values[0] = pumps_with_programmes(np.ones_like(OFFSET)).values[0]
    assert "clock_slip" not in clean(p, SPEC, BERLIN).counts


def test_patterns_that_move_the_same_way_in_spring_and_autumn_are_habits_and_no_clocks():
    habits = np.where(np.arange(len(OFFSET)) < 87 * 24, 1, 2)
    habits[300 * 24 - 48 :] = 4
    assert "clock_slip" not in clean(pumps_with_programmes(habits), SPEC, BERLIN).counts


def test_smooth_patterns_that_follow_the_sun_are_no_slip():
    assert clean(hours_panel(), SPEC, BERLIN).counts == {}


def test_use_where_nothing_at_all_is_expected_is_compared_without_a_warning():
    # No hot water: in summer, 0 is expected; the first day is the best span of a meter that no unit explains.
    start = 182
    heat = 0.8 * np.maximum(15 - T, 0) * np.exp(np.random.default_rng(2).normal(0, 0.1, N))
    y = heat.astype(np.float32)[start:]
    y[0] = 0.3
    y[WINTER - start : WINTER - start + 40] *= 2.6
    p = MeterPanel(("m",), DAYS[start], DAY_MIN, y[None, :], "m3")
    result = clean(p, SPEC, replace(AROUND, temperature_c=T[start:]))
    assert "mixed_units" not in result.counts


@pytest.mark.parametrize("whole_file", [False, True])
def test_a_slip_is_found_behind_what_all_meters_have_in_common_and_in_whole_files(whole_file):
    sun = np.exp(np.random.default_rng(4).normal(0, 0.3 if not whole_file else 0.05, N)).astype(np.float32)
    y = homes(40, noise=0.08) * sun
    faulty = y.copy()
    a, b = WINTER - 60, WINTER + 60
    slipped = slice(None) if whole_file else slice(1)
    faulty[slipped, a:b] = np.roll(y[slipped, a:b], 1, axis=1)
    count = cleaned(faulty).counts["time_slip"]
    assert (count[slipped] > 0).all()
    assert whole_file or not count[1:].any()


def test_pumps_that_run_on_and_off_have_empty_hours_of_their_own():
    p = hours_panel()
    at = int((np.datetime64("2020-10-25T01") - np.datetime64("2020-01-01T00")).astype(int))
    hour = np.arange(p.values.shape[1])
    p.values[:] = np.where((hour - at) % 4 == 0, 0, p.values)  # the doubled hour among them
    p.values[:, at - 1] *= 2
    p.values[6:, at] = p.values[6:, at - 2]
    assert "dst_hours" not in clean(p, SPEC, BERLIN).counts


def test_a_warm_night_in_which_nearly_all_pumps_stand_is_no_doubled_hour():
    p = hours_panel(n=100)
    at = int((np.datetime64("2020-10-25T01") - np.datetime64("2020-01-01T00")).astype(int))
    p.values[:95, at - 3 : at + 3] = 0
    p.values[85:, at - 1] = 1.0
    p.values[:, at] = 0
    p.values[95:, at] = 1.0
    assert "dst_hours" not in clean(p, SPEC, BERLIN).counts
