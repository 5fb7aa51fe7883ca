"""The gas day: decided by all meters of a block together, by each alone where the block tells nothing."""

import numpy as np
import pytest

from tests.data.test_clean_rules import N, T, cleaned, homes
from varme.data.clean.rules_gas_day import EVIDENCE, EVIDENCE_PER_METER, mixture_of, shown_ahead

SHARE = 0.25


def slow_walls(n, seed=5):
    """Return homes that answer to three days, each with an inertia of its own."""
    y = homes(n, seed)
    one = np.random.default_rng(seed).uniform(0.2, 0.45, (n, 1)).astype(np.float32)
    y[:, 2:] = (0.9 - one) * y[:, 2:] + one * y[:, 1:-1] + 0.1 * y[:, :-2]
    return y


def read_at_six(y):
    out = y.copy()
    out[:, :-1] = (1 - SHARE) * y[:, :-1] + SHARE * y[:, 1:]
    return out


def found(y):
    count = cleaned(y).counts.get("gas_day")
    return np.zeros(len(y), dtype=bool) if count is None else count > 0


def lags(n, gas, seed, common=0.0):
    """Return shares of tomorrow and yesterday, and errors, of meters of which the first have a gas day."""
    rng = np.random.default_rng(seed)
    behind, error = rng.uniform(0.25, 0.55, n), rng.uniform(0.015, 0.03, n)
    ahead = common + rng.normal(0, np.sqrt(0.018**2 + error**2 / 2))
    ahead[:gas] += shown_ahead(SHARE, behind[:gas])
    return ahead, behind, error


def limit(n):
    return EVIDENCE + EVIDENCE_PER_METER * n


def test_what_a_gas_day_shows_of_tomorrow_is_that_of_two_mixed_days():
    # A home that answers to today, yesterday and the day before with 0.6, 0.3 and 0.1.
    yesterday = (1 - SHARE) * 0.3 + SHARE * 0.1
    assert shown_ahead(SHARE, np.array([yesterday])) == pytest.approx([SHARE * 0.6])
    # One without walls shows the whole share.
    assert shown_ahead(SHARE, np.array([0.0])) == pytest.approx([SHARE])


@pytest.mark.parametrize("n", [1, 5, 40, 1000])
@pytest.mark.parametrize("common", [-0.03, 0.0, 0.03])
def test_calendar_days_give_no_evidence_also_where_the_weather_moves_all_meters(n, common):
    for seed in range(8):
        assert mixture_of(*lags(n, 0, seed, common)).gain < limit(n)


@pytest.mark.parametrize(("n", "gas"), [(40, 8), (200, 40), (200, 100), (200, 200), (1000, 50)])
def test_the_share_of_meters_with_a_gas_day_is_found(n, gas):
    mixture = mixture_of(*lags(n, gas, 3))
    assert mixture.gain > limit(n)
    assert mixture.part == pytest.approx(gas / n, abs=0.08)
    assert mixture.share == pytest.approx(SHARE, abs=0.05)


def test_the_order_of_the_meters_does_not_matter_to_the_mixture():
    values = lags(60, 20, 4)
    order = np.random.default_rng(1).permutation(60)
    one, other = mixture_of(*values), mixture_of(*(v[order] for v in values))
    assert other.likely == pytest.approx(one.likely[order], abs=1e-6)


def test_a_file_that_is_read_at_six_is_found_whole_behind_slow_walls():
    assert found(read_at_six(slow_walls(60))).all()


def test_a_file_of_calendar_days_behind_slow_walls_stays_as_it_is():
    assert cleaned(slow_walls(60)).counts == {}


def test_a_fifth_of_the_meters_that_is_read_at_six_is_told_from_the_others():
    y = slow_walls(100)
    y[:20] = read_at_six(y[:20])
    hit = found(y)
    assert hit[:20].mean() >= 0.9
    assert hit[20:].mean() <= 0.02


def test_a_small_last_block_of_a_file_is_judged_as_the_whole_file_is():
    y = read_at_six(slow_walls(60))
    for size in (3, 10, 25):
        assert found(y[:size]).mean() >= 0.9
    calendar = slow_walls(60)
    assert not found(calendar[:1]).any()
    assert not found(calendar[:3]).any()


def test_nothing_is_said_of_nothing():
    assert mixture_of(*(np.zeros(0) for _ in range(3))).gain == 0
    assert len(T) == N
