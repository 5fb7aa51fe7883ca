"""Forecasts: nothing later than the step before is read, prices are known as they are published, errors are counted."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varme.components.home import Surroundings
from varme.forecast.base import Forecast, Given
from varme.forecast.persistence import MeanOfDays, Persistence, PublishedPrice
from varme.forecast.score import score
from varme.ground.timegrid import TimeGrid

DAY = 96


def surroundings(start, days, timezone="Europe/Copenhagen"):
    grid = TimeGrid(start, 15, days * DAY)
    zero = np.zeros(grid.n)
    return Surroundings(grid, timezone, zero, zero, zero, zero)


@settings(max_examples=60, deadline=None)
@given(
    step=st.integers(0, 500), kind=st.sampled_from(["day", "week", "scaled", "mean"]), seed=st.integers(0, 50)
)
def test_a_forecast_does_not_change_when_the_future_does(step, kind, seed):
    """Whatever comes at or after the step of the forecast leaves it as it is."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.1, 5.0, size=700)
    other = values.copy()
    other[max(step, 1) :] = rng.uniform(10, 20, size=len(values) - max(step, 1))
    made: dict[str, Callable[[np.ndarray], Forecast]] = {
        "day": lambda v: Persistence(v, DAY, window=24),
        "week": lambda v: Persistence(v, 7 * DAY, window=8),
        "scaled": lambda v: Persistence(v, DAY, window=12, scaled=True, lower=0.0),
        "mean": lambda v: MeanOfDays(v, DAY, smooth=4),
    }
    one = made[kind]
    assert np.array_equal(one(values).at(step, 150), one(other).at(step, 150))


def test_a_periodic_series_is_foreseen_without_error():
    """A day that repeats is known after one day, whatever the correction."""
    values = np.tile(np.sin(np.linspace(0, 2 * np.pi, DAY, endpoint=False)), 5)
    for forecast in (Persistence(values, DAY, window=12), MeanOfDays(values, DAY)):
        assert forecast.at(2 * DAY + 7, 200) == pytest.approx(values[2 * DAY + 7 : 2 * DAY + 207], abs=1e-12)


def test_the_correction_takes_over_a_shift_and_fades():
    """Today is 3 K warmer than yesterday: so will the next hour be, and tomorrow hardly."""
    values = np.concatenate([np.zeros(DAY), np.full(DAY, 3.0)])
    ahead = Persistence(values, DAY, window=12, fade=10.0).at(DAY + 48, 100)
    assert ahead[0] == pytest.approx(3.0)
    assert ahead[10] == pytest.approx(3.0 * np.exp(-1.0))
    assert ahead[47] < 0.1


def test_tomorrows_prices_are_known_from_one_o_clock():
    """At 12:45 local time the prices end at midnight, at 13:00 at the midnight after; beyond stands the same hour."""
    seen = surroundings(datetime(2025, 6, 1, 22, tzinfo=UTC), 4)
    values = np.arange(seen.grid.n, dtype=float)
    price = PublishedPrice(values, seen.local_day, seen.local_h, 13.0, DAY)
    assert price.known(51) == DAY
    assert price.known(52) == 2 * DAY
    before, after = price.at(51, 100), price.at(52, 100)
    assert before[: DAY - 51] == pytest.approx(values[51:DAY])
    assert before[DAY - 51] == values[0]
    assert after == pytest.approx(values[52:152])


@pytest.mark.parametrize(("month", "day", "quarters"), [(3, 30, 92), (10, 26, 100)])
def test_a_day_of_the_clock_change_is_known_to_its_end(month, day, quarters):
    """The day of 92 or 100 quarter-hours is known whole, no quarter more."""
    midnight = datetime(2025, month, day, tzinfo=UTC) - timedelta(hours=2 if month == 10 else 1)
    seen = surroundings(midnight, 3)
    price = PublishedPrice(np.zeros(seen.grid.n), seen.local_day, seen.local_h, 13.0, DAY)
    assert price.known(0) == quarters


def test_scores_count_errors_by_lead_time():
    """A forecast that is off by one everywhere has a bias and a mean error of one at every lead; the truth has none."""
    truth = np.random.default_rng(3).normal(size=300)
    off = score(Given(truth + 1.0), truth, 20, 7)
    assert off.bias == pytest.approx(np.ones(20))
    assert off.mean_abs == pytest.approx(np.ones(20))
    assert score(Given(truth), truth, 20, 7).root_mean_square.max() == 0.0
