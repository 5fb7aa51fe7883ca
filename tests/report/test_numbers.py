"""Numbers, units, times and colours of reports."""

import doctest
import math

import numpy as np
import pytest

from varme.report import browser, localtime, numbers, palette, parts
from varme.report.numbers import (
    display_unit,
    format_fixed,
    format_number,
    format_quantity,
    json_numbers,
    label_with_unit,
    rounded,
)


@pytest.mark.parametrize("module", [numbers, parts, browser, palette, localtime])
def test_examples_in_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567.8, "1,234,568"),
        (12, "12"),
        (-1234, "\u22121,234"),
        (0.0, "0"),
        (-0.0, "0"),
        (None, "\u2013"),
        (math.nan, "\u2013"),
        (math.inf, "\u2013"),
        (0.0112346, "0.011235"),
        (3.0, "3"),
        (1.23456e-7, "1.23e\u22127"),
        (2.5e16, "2.5e+16"),
        (99999.6, "100,000"),
        (-0.5, "\u22120.5"),
    ],
)
def test_numbers_read_as_people_write_them(value, text):
    assert format_number(value) == text


def test_fixed_decimals_line_up_and_zero_has_no_sign():
    assert [format_fixed(v, 2) for v in (1234.5, -0.001, -3.0)] == ["1,234.50", "0.00", "\u22123.00"]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (14.012e6, "mwh", "14.012\u00a0TWh"),
        (9.731e6, "mwh", "9,731\u00a0GWh"),
        (120.0, "mwh", "120\u00a0MWh"),
        (611_234_567.0, "eur", "611.23\u00a0MEUR"),
        (1_523_456.0, "eur", "1,523,456\u00a0EUR"),
        (0.0112, "share", "1.12\u00a0%"),
        (412, "count", "412"),
        (True, None, "yes"),
        ("coal", None, "coal"),
        (None, "mw", "\u2013"),
        (3.01, None, "3.01"),
        (61.234, "eur_per_mwh", "61.234\u00a0EUR/MWh"),
        (21.5, "c", "21.5\u00a0\u00b0C"),
    ],
)
def test_quantities_carry_the_unit_of_their_name(value, unit, text):
    assert str(format_quantity(value, unit)) == text


def test_small_numbers_keep_their_unit():
    assert display_unit(99_999.0, "mwh") == "mwh"
    assert display_unit(math.nan, "mwh") == "mwh"


def test_axis_labels_name_the_unit_and_write_short_words_of_the_trade_in_capitals():
    assert label_with_unit("price_eur_per_mwh") == "Price [EUR/MWh]"
    assert label_with_unit("mean_cop") == "Mean COP"


def test_rounding_keeps_five_digits_of_each_value_and_drops_noise():
    out = rounded(np.asarray([123456.7, 0.0123456, -9.87654321, 1e-12, math.nan]))
    np.testing.assert_allclose(out[:4], [123460.0, 0.012346, -9.8765, 0.0])
    assert math.isnan(out[4])


def test_numbers_for_json_have_no_nan_and_no_needless_decimals():
    assert json_numbers(np.asarray([1.0, math.nan, math.inf, 2.5])) == [1, None, None, 2.5]
    assert all(type(v) is int for v in json_numbers(np.zeros(600)))


def test_local_time_never_runs_back_when_clocks_do():
    """Quarter-hours over the end of summer time: 02:00 to 03:00 exists twice and is squeezed into one hour."""
    times = np.datetime64("2019-10-26T22:00:00") + np.arange(40) * np.timedelta64(900, "s")
    seconds = localtime.axis_seconds(times, "Europe/Copenhagen")
    assert (np.diff(seconds) > 0).all()
    day = np.datetime64("2019-10-27T00:00:00").astype("datetime64[s]").astype(int)
    hours = (seconds - day) / 3600
    assert hours[0] == 0.0
    assert hours[4 * 2] == 2.0  # 00:00 UTC, the first 02:00
    assert hours[4 * 3] == 2.5  # 01:00 UTC, the second 02:00
    assert hours[4 * 4] == 3.0  # 02:00 UTC, 03:00


def test_local_time_jumps_forward_in_spring():
    times = np.datetime64("2019-03-30T23:00:00") + np.arange(5) * np.timedelta64(3600, "s")
    hours = np.diff(localtime.axis_seconds(times, "Europe/Copenhagen")) / 3600
    assert hours.tolist() == [1, 2, 1, 1]


def test_labels_of_months_days_and_hours():
    months = np.asarray(["2010-12-31T23:00", "2011-01-31T23:00", "2011-03-31T22:00"], dtype="datetime64[s]")
    assert localtime.time_labels(months, "Europe/Copenhagen") == ["Jan", "Feb", "Apr"]
    assert localtime.time_labels(months[:0], "Europe/Copenhagen") == []
    utc_months = np.asarray(["2011-01-01", "2011-05-01"], dtype="datetime64[s]")
    assert localtime.time_labels(utc_months, "Europe/Copenhagen") == ["Jan", "May"]
    hours = np.asarray(["2011-06-01T10:00", "2012-06-01T11:00"], dtype="datetime64[s]")
    assert localtime.time_labels(hours, "UTC") == ["1 Jun 2011 10:00", "1 Jun 2012 11:00"]


def test_forty_colours_differ_and_names_that_meet_never_share_one():
    assert len(set(palette.COLOURS)) == 40
    names = [f"unit {i}" for i in range(22)]
    colours = palette.assign([names, names[3:5], ["alone"], ["unit 1", "new"]])
    assert len({colours[n] for n in names}) == 22
    assert colours["alone"] == palette.ACCENT
    assert colours["new"] != colours["unit 1"]


def test_fuels_have_the_colours_of_the_trade():
    colours = palette.assign([["a", "wind", "coal", "heat_pump"]])
    assert colours["wind"] == palette.KNOWN["wind"]
    assert colours["heat_pump"] == palette.KNOWN["heat pump"]
    assert len(set(colours.values())) == 4
