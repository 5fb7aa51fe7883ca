# ruff: noqa: DTZ001  (naive times are what is tested)
"""The time grid: days of 23 and 25 hours, leap days, year ends, zones, steps from a minute to a day."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varme.ground.errors import InputError
from varme.ground.timegrid import TimeGrid, utc_offset_s, zone_of

CPH = "Europe/Copenhagen"


def between(start, end, step=60, zone=CPH):
    return TimeGrid.between(start, end, step_min=step, timezone=zone)


@pytest.mark.parametrize(
    ("start", "end", "step", "n"),
    [
        (date(2011, 3, 27), date(2011, 3, 28), 60, 23),
        (date(2011, 10, 30), date(2011, 10, 31), 60, 25),
        (date(2011, 3, 27), date(2011, 3, 28), 15, 92),
        (date(2011, 10, 30), date(2011, 10, 31), 15, 100),
        (date(2011, 6, 1), date(2011, 6, 2), 15, 96),
        (date(2011, 1, 1), date(2012, 1, 1), 60, 8760),
        (date(2012, 1, 1), date(2013, 1, 1), 60, 8784),
        (date(2012, 2, 28), date(2012, 3, 1), 60, 48),
        (date(2011, 2, 28), date(2011, 3, 1), 60, 24),
        (date(2011, 1, 1), date(2011, 1, 2), 1, 1440),
        (date(2011, 1, 1), date(2011, 1, 3), 1440, 2),
    ],
)
def test_lengths_of_local_days_and_years(start, end, step, n):
    """Counting local days as 24 hours shifts everything after March by an hour."""
    assert between(start, end, step).n == n


def test_a_local_year_starts_an_hour_before_the_utc_year():
    grid = between(date(2011, 1, 1), date(2012, 1, 1))
    assert grid.times[0] == np.datetime64("2010-12-31T23:00:00")
    assert grid.times[-1] == np.datetime64("2011-12-31T22:00:00")
    assert grid.end == datetime(2011, 12, 31, 23, tzinfo=UTC)
    assert np.all(np.diff(grid.times) == np.timedelta64(3600, "s"))


def test_the_wall_clock_skips_and_repeats_an_hour():
    spring = between(date(2011, 3, 27), date(2011, 3, 28)).local(CPH)
    autumn = between(date(2011, 10, 30), date(2011, 10, 31)).local(CPH)
    hours = lambda clock: (clock.astype("datetime64[h]").astype(int) % 24).tolist()  # noqa: E731
    assert hours(spring) == [0, 1, *range(3, 24)]
    assert hours(autumn) == [0, 1, 2, 2, *range(3, 24)]


def test_months_are_those_of_the_local_clock():
    """In UTC the first hour of the local year would count for December."""
    months = between(date(2011, 1, 1), date(2012, 1, 1)).months(CPH)
    assert months[0] == 1
    assert np.bincount(months, minlength=13)[1:].tolist() == [
        744, 672, 743, 720, 744, 720, 744, 744, 720, 745, 720, 744,
    ]  # fmt: skip


@given(
    stamp=st.integers(min_value=int(datetime(1990, 1, 1, tzinfo=UTC).timestamp()), max_value=2**31),
    zone=st.sampled_from(
        [CPH, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC", "Africa/Casablanca"]
    ),
    step=st.sampled_from([1, 5, 15, 30, 60, 180]),
)
@settings(max_examples=60, deadline=None)
def test_offsets_equal_the_standard_library_one_by_one(stamp, zone, step):
    """The look-up by day must not lose a change within a day, also of half an hour (Lord Howe)."""
    start = datetime.fromtimestamp(stamp - stamp % 60, UTC)
    grid = TimeGrid(start, step, 60)
    expected = [
        datetime.fromtimestamp(int(t), UTC).astimezone(ZoneInfo(zone)).utcoffset().total_seconds()
        for t in grid.times.astype(np.int64)
    ]
    assert utc_offset_s(grid.times, zone).tolist() == expected


@given(step=st.integers(-5, 2000))
@settings(max_examples=100, deadline=None)
def test_only_steps_that_divide_a_day_are_taken(step):
    make = lambda: between(datetime(2011, 1, 1), datetime(2011, 1, 2), step, "UTC")  # noqa: E731
    if 1 <= step <= 1440 and 1440 % step == 0:
        assert make().n * step == 1440
    else:
        with pytest.raises(InputError) as caught:
            make()
        [problem] = caught.value.problems
        assert (problem.code, problem.where, problem.value) == ("P101", "time.step_min", str(step))
        assert problem.limit == "1 min to 1 day"


@pytest.mark.parametrize(
    ("start", "end", "step", "where"),
    [
        (date(2011, 1, 2), date(2011, 1, 1), 60, "time.end"),
        (date(2011, 1, 1), date(2011, 1, 1), 60, "time.end"),
        (datetime(2011, 1, 1), datetime(2011, 1, 1, 0, 30), 60, "time.end"),
        (date(2011, 3, 27), date(2011, 3, 28), 1440, "time.end"),  # a day of 23 hours is no whole day
    ],
)
def test_horizons_that_are_no_horizon(start, end, step, where):
    with pytest.raises(InputError) as caught:
        between(start, end, step)
    assert [(p.code, p.where) for p in caught.value.problems] == [("P101", where)]


def test_a_grid_needs_a_zone_and_a_whole_minute():
    with pytest.raises(InputError, match="time zone"):
        TimeGrid(datetime(2011, 1, 1), 60, 1)
    with pytest.raises(InputError, match="whole minute"):
        TimeGrid(datetime(2011, 1, 1, 0, 0, 1, tzinfo=UTC), 60, 1)
    with pytest.raises(InputError, match="no interval"):
        TimeGrid(datetime(2011, 1, 1, tzinfo=UTC), 60, 0)


@pytest.mark.parametrize("zone", ["Europe/Kopenhagen", "", "../etc/passwd", "CET+1:xx"])
def test_unknown_zones_are_refused_by_name(zone):
    with pytest.raises(InputError) as caught:
        zone_of(zone)
    assert [(p.code, p.where, p.value) for p in caught.value.problems] == [("P101", "time.timezone", zone)]


def test_other_clocks_of_the_same_instant_are_the_same_grid():
    plus_two = timezone(timedelta(hours=2))
    grid = TimeGrid(datetime(2011, 6, 1, 2, tzinfo=plus_two), 60, 3)
    assert grid.start == datetime(2011, 6, 1, tzinfo=UTC)
    assert grid == TimeGrid(datetime(2011, 6, 1, tzinfo=UTC), 60, 3)
    assert between(datetime(2011, 6, 1, 2, tzinfo=plus_two), datetime(2011, 6, 1, 5, tzinfo=plus_two)).n == 3


def test_slices_labels_and_indices_agree():
    grid = between(date(2011, 10, 30), date(2011, 10, 31))
    part = grid.slice(2, 3)
    assert part.times.tolist() == grid.times[2:5].tolist()
    assert [grid.label(k, CPH) for k in (2, 3)] == ["2011-10-30 02:00 +0200", "2011-10-30 02:00 +0100"]
    assert [
        grid.index_at(part.start + timedelta(minutes=59)),
        grid.index_at(grid.start - timedelta(hours=1)),
    ] == [2, -1]
    assert grid.step_h == 1.0
