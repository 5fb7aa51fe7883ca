"""Synthesis of hours: energy closes on every day, homes have peaks of their own, blocking keeps its rules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from varme.ground.errors import InputError
from varme.ground.timegrid import utc_offset_s
from varme.retrofit.demand.blocking import Blocking, block, read_windows
from varme.retrofit.demand.hourly import (
    StepGrid,
    by_use,
    shape_library,
    synthesise,
    synthesise_individual,
)
from varme.retrofit.demand.profiles import ShapesOfDays

Floats = NDArray[np.float64]


def berlin(year: int, step_min: int = 60) -> tuple[StepGrid, NDArray[np.datetime64]]:
    """Return the steps of a calendar year in Berlin, and the starts of its hours in UTC."""
    first, last = np.datetime64(f"{year}-01-01", "s"), np.datetime64(f"{year + 1}-01-01", "s")
    hours = np.arange(first - 3600, last - 3600, np.timedelta64(3600, "s"))
    local = hours + utc_offset_s(hours, "Europe/Berlin").astype("timedelta64[s]")
    day = (local.astype("datetime64[D]") - first.astype("datetime64[D]")).astype(np.int64)
    hour = (local - local.astype("datetime64[D]")).astype("timedelta64[h]").astype(np.int64)
    return StepGrid.of_hours(day, hour, step_min), hours


def rows(days: int, steps: int, seed: int = 1) -> Floats:
    share = np.random.default_rng(seed).gamma(2, 1, (days, steps))
    return np.asarray(share / share.sum(axis=1, keepdims=True))


@pytest.mark.parametrize(("year", "step_min"), [(2021, 60), (2020, 60), (2021, 15), (2021, 30)])
def test_every_day_keeps_its_energy(year: int, step_min: int):
    """Leap years, 23-hour and 25-hour days, hours and quarter-hours: the steps of a day sum to the day."""
    grid, hours = berlin(year, step_min)
    assert len(grid.local_day) == (8784 if year == 2020 else 8760) * 60 // step_min
    daily = np.random.default_rng(2).gamma(2, 10, (7, grid.days)).astype(np.float32)
    load = synthesise(daily, rows(grid.days, grid.steps_per_day), grid)
    for k in range(7):
        assert np.bincount(grid.local_day, load[k]) == pytest.approx(daily[k], rel=1e-5)
    assert grid.utc_of(hours)[1] - grid.utc_of(hours)[0] == np.timedelta64(step_min * 60, "s")


def test_hours_lie_where_the_clock_shows_them():
    """A load at seven in the morning is at 06:00 UTC in winter and at 05:00 UTC in summer."""
    grid, hours = berlin(2021)
    share = np.zeros((grid.days, 24))
    share[:, 7] = 1
    load = synthesise(np.ones((1, grid.days), dtype=np.float32), share, grid)[0]
    at = hours[load > 0.5]
    assert len(at) == 365
    assert {str(h)[11:13] for h in at[:60]} == {"06"}
    assert {str(h)[11:13] for h in at[150:200]} == {"05"}


def test_each_use_keeps_its_own_hours():
    """Room heat at night and hot water at noon add up, and neither is put at the other's hours."""
    grid, _ = berlin(2021)
    night, noon = np.zeros((2, grid.days, 24))
    night[:, :6], noon[:, 12] = 1 / 6, 1
    ones = np.ones((2, grid.days), dtype=np.float32)
    load = by_use(6 * ones, 2 * ones, ShapesOfDays(night, noon, "made up"), grid)
    ordinary = np.flatnonzero(grid.local_day == 100)
    assert load[0, ordinary[:6]] == pytest.approx(1.0)
    assert load[0, ordinary[12]] == pytest.approx(2.0)
    same = ShapesOfDays(night, night, "made up")
    assert by_use(6 * ones, 2 * ones, same, grid).sum() == pytest.approx(2 * 8 * grid.days, rel=1e-5)


def library_town(seed: int = 3):
    """Return heat pumps that run in one block of three hours a day, each at hours of its own, and their weather."""
    grid, _ = berlin(2021)
    rng = np.random.default_rng(seed)
    t = 10 - 9 * np.cos(2 * np.pi * np.arange(grid.days) / 365) + rng.normal(0, 3, grid.days)
    weekend = (np.arange(grid.days) + 4) % 7 >= 5
    values = np.zeros((12, len(grid.local_day)), dtype=np.float32)
    for m in range(12):
        start = (m * 2 + rng.integers(0, 2, grid.days)) % 22
        on = (grid.local_step >= start[grid.local_day]) & (grid.local_step < start[grid.local_day] + 3)
        values[m] = np.where(on, np.maximum(18 - t, 1)[grid.local_day] / 3, 0)
    return grid, t, weekend, values


def test_single_homes_have_real_peaks_and_keep_their_energy():
    """Each home runs three hours a day like its donor; the mean shape would have shown a sixth of that peak."""
    grid, t, weekend, values = library_town()
    library = shape_library(values, grid, t, weekend)
    daily = np.random.default_rng(4).gamma(3, 8, (40, grid.days)).astype(np.float32)
    own = synthesise_individual(daily, library, grid, t, weekend, seed=1)
    for k in (0, 17, 39):
        assert np.bincount(grid.local_day, own[k]) == pytest.approx(daily[k], rel=1e-4)
    top = own.reshape(40, -1).max(axis=1) / daily.max(axis=1)
    assert np.median(top) == pytest.approx(1 / 3, rel=0.05)
    mean = synthesise(daily, np.full((grid.days, 24), 1 / 24), grid)
    assert np.median(mean.max(axis=1) / daily.max(axis=1)) < 0.05


def test_a_home_does_not_depend_on_who_else_is_asked_for():
    """Homes 10 to 19 alone are bit for bit homes 10 to 19 of all; another seed gives other days."""
    grid, t, weekend, values = library_town()
    library = shape_library(values, grid, t, weekend)
    daily = np.ones((25, grid.days), dtype=np.float32)
    every = synthesise_individual(daily, library, grid, t, weekend, seed=7)
    part = synthesise_individual(daily[10:20], library, grid, t, weekend, seed=7, first_home=10)
    assert np.array_equal(every[10:20], part)
    assert not np.array_equal(every, synthesise_individual(daily, library, grid, t, weekend, seed=8))
    assert len(np.unique(every.argmax(axis=1))) > 10


def test_days_are_drawn_from_days_of_their_temperature_and_kind():
    """Donors that mark their days by temperature and weekend: what is drawn lies near what was asked."""
    grid, _ = berlin(2021)
    t = np.linspace(-10, 25, grid.days)
    weekend = np.arange(grid.days) % 7 >= 5
    marked = (
        np.where(weekend, 12, 0)[grid.local_day] + np.clip((t + 10) / 3.2, 0, 10).astype(int)[grid.local_day]
    )
    values = (grid.local_step == marked).astype(np.float32)[None, :]
    library = shape_library(values, grid, t, weekend, least_days=3)
    own = synthesise_individual(np.ones((6, grid.days), dtype=np.float32), library, grid, t, weekend, seed=1)
    for k in range(6):
        for day in (20, 100, 251, 340):
            hours = own[k, grid.local_day == day]
            drawn = int(hours.argmax())
            assert (drawn >= 12) == weekend[day]
            assert abs(drawn % 12 - np.clip((t[day] + 10) / 3.2, 0, 10)) <= 2.5


def test_donors_of_every_kind_of_day_are_used_even_without_weekends():
    """A meter that has no weekend at all lends its weekdays."""
    grid, _ = berlin(2021)
    t, weekend = np.full(grid.days, 5.0), np.arange(grid.days) % 7 >= 5
    values = np.ones((1, len(grid.local_day)), dtype=np.float32)
    values[:, weekend[grid.local_day]] = np.nan
    library = shape_library(values, grid, t, weekend)
    own = synthesise_individual(np.ones((2, grid.days), dtype=np.float32), library, grid, t, weekend, seed=1)
    assert own.sum() == pytest.approx(2 * grid.days, rel=1e-5)
    with pytest.raises(ValueError, match="no heat-pump meter"):
        shape_library(np.full_like(values, np.nan), grid, t, weekend)


# ------------------------------------------------------------------------------------------------------ blocking


def test_blocked_hours_are_free_and_energy_stays_within_the_day():
    """Three windows of two hours, with room enough: nothing in them, every day's energy kept, power limit held."""
    grid, _ = berlin(2021)
    load = np.random.default_rng(1).gamma(4, 0.25, (3, len(grid.local_day)))
    windows = read_windows(["06:00-08:00", "11:00-13:00", "17:00-19:00"], "demand.blocking")
    done = block(load, np.full(3, 4.0), Blocking(windows), grid)
    assert done.load_kwh[:, done.blocked].max() == 0
    for k in range(3):
        assert np.bincount(grid.local_day, done.load_kwh[k]) == pytest.approx(
            np.bincount(grid.local_day, load[k])
        )
    assert (done.load_kwh <= np.maximum(load, 4.0) + 1e-9).all()
    assert done.unserved_share == 0
    assert done.moved_kwh.sum() == pytest.approx(load[:, done.blocked].sum())


def test_the_rebound_comes_next_to_the_window():
    """2 kWh of two blocked hours, 30 % before: 0.6 in the hour before, 1.4 after, at most 2 kW: 1 + 0.4."""
    grid = StepGrid(np.zeros(24, dtype=np.int64), np.arange(24), 24)
    done = block(np.ones((1, 24)), np.array([2.0]), Blocking(((11 * 60, 13 * 60),), 0.3), grid)
    assert done.load_kwh[0, 9:16] == pytest.approx([1, 1.6, 0, 0, 2, 1.4, 1])


def test_what_finds_no_room_is_reported_not_drawn():
    """A heat pump that runs at its limit all day cannot catch up: the blocked energy is unserved, and counted."""
    grid = StepGrid(np.zeros(24, dtype=np.int64), np.arange(24), 24)
    done = block(np.ones((1, 24)), np.array([1.0]), Blocking(((11 * 60, 13 * 60),)), grid)
    assert done.unserved_kwh[0, 0] == pytest.approx(2)
    assert done.load_kwh.sum() == pytest.approx(22)
    assert done.unserved_share == pytest.approx(2 / 24)
    assert done.moved_kwh[0, 0] == pytest.approx(0)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), power=st.floats(0.3, 5), share=st.floats(0, 1), reach=st.floats(1, 12))
def test_blocking_laws(seed, power, share, reach):
    """Whatever is asked: served and unserved are all of the load, windows are empty, no step is pushed above power."""
    grid, _ = berlin(2021)
    load = np.random.default_rng(seed).gamma(1, 1, (2, len(grid.local_day)))
    rule = Blocking(((0, 120), (720, 840), (1320, 1440)), share, reach)
    done = block(load, np.full(2, power), rule, grid)
    assert done.load_kwh.sum() + done.unserved_kwh.sum() == pytest.approx(load.sum())
    assert done.load_kwh[:, done.blocked].sum() == 0
    free = ~done.blocked
    assert (done.load_kwh[:, free] >= load[:, free] - 1e-12).all()
    assert (done.load_kwh <= np.maximum(load, power) + 1e-9).all()


def test_weekends_can_stay_free():
    """With blocking on weekdays only, Saturday and Sunday are untouched."""
    grid, _ = berlin(2021)
    weekend = (np.arange(grid.days) + 4) % 7 >= 5
    load = np.ones((1, len(grid.local_day)))
    done = block(load, np.array([9.0]), Blocking(((600, 720),), all_days=False), grid, weekend)
    assert (done.load_kwh[0, weekend[grid.local_day]] == 1).all()
    assert done.blocked.sum() == 2 * (~weekend).sum()


def test_windows_that_are_none_are_all_named():
    """Every wrong window in one message: no window, backwards, overlapping, between steps, too much of the day."""
    assert read_windows(["17:00-19:00", "06:00-08:00"], "x") == ((360, 480), (1020, 1140))
    with pytest.raises(InputError) as caught:
        read_windows(
            ["11-13", "13:00-11:00", "06:00-08:00", "07:00-09:00", "10:30-11:00"], "demand.blocking", 60
        )
    text = str(caught.value)
    assert text.count("P126") == 4
    for part in ("11-13", "13:00-11:00", "07:00: two windows overlap", "10:30-11:00"):
        assert part.split(":")[0] in text
    with pytest.raises(InputError, match="too much of the day"):
        read_windows(["00:00-23:00"], "demand.blocking")
