"""Adoption: nested, ordered, seeded; and the same story by draws and by moments."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.retrofit.grid_towns import case_of, flat_library, household_base
from varme.ground.errors import InputError
from varme.retrofit.grid.adoption import adoption_path, bracket_maker

SHARES = np.array([0.1, 0.25, 0.5, 1.0])


@given(
    homes=st.integers(1, 200),
    groups=st.integers(1, 9),
    order=st.sampled_from(["random", "by_transformer", "oldest_furnace"]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=100, deadline=None)
def test_a_home_that_has_switched_stays_and_shares_are_met(homes, groups, order, seed):
    rng = np.random.default_rng(seed)
    year = rng.integers(1980, 2022, homes).astype(float)
    year[1:][rng.random(homes - 1) < 0.2] = np.nan
    bracket = bracket_maker(order, SHARES, rng.integers(0, groups, homes), year)(rng)
    for b, share in enumerate(SHARES):
        assert (bracket <= b).sum() == round(share * homes)  # nested: one bracket per home


def test_oldest_furnaces_switch_first_and_unknown_ones_are_spread():
    year = np.r_[np.arange(1980.0, 2020.0), np.full(40, np.nan)]
    make = bracket_maker("oldest_furnace", SHARES, np.zeros(80, dtype=int), year)
    first = np.array([make(np.random.default_rng(s)) for s in range(200)])
    known = first[:, :40].mean(axis=0)
    assert (np.diff(known) >= -1e-9).all()
    unknown = first[:, 40:].mean()
    assert known[0] < unknown < known[-1]


def test_by_transformer_fills_one_after_the_other():
    transformer = np.repeat(np.arange(4), 10)
    bracket = bracket_maker("by_transformer", np.array([0.25, 0.5, 0.75, 1.0]), transformer)(
        np.random.default_rng(1)
    )
    assert sorted(bracket[::10].tolist()) == [0, 1, 2, 3]
    assert all(len(set(bracket[i : i + 10].tolist())) == 1 for i in range(0, 40, 10))


def test_orders_that_cannot_be_are_refused():
    with pytest.raises(InputError, match=r"P130 adoption\.order = oldest_furnace.*furnace_year"):
        bracket_maker("oldest_furnace", SHARES, np.zeros(3, dtype=int), np.full(3, np.nan))
    with pytest.raises(InputError, match="P130"):
        bracket_maker("alphabetical", SHARES, np.zeros(3, dtype=int))


def test_without_chance_the_town_peak_is_the_share_of_the_whole():
    case = case_of(400, 4, library=flat_library(), log_spread=0.0)
    path = adoption_path(case, SHARES, draws=20, method="monte_carlo")
    whole = case.energy_kwh[:, 0].sum() / 24
    assert path.town_p50_kw == pytest.approx(SHARES * whole, rel=1e-4)
    assert path.energy_kwh == pytest.approx(SHARES * case.annual_kwh.sum(), rel=1e-6)
    assert path.switched.tolist() == [40, 100, 200, 400]


def test_everything_rises_with_the_share():
    case = case_of(300, 6, base=household_base(np.full(6, 50)), rating_kva=220.0, spf_log_sd=0.05)
    for order in ("random", "by_transformer"):
        path = adoption_path(case, SHARES, order, draws=60)
        assert (np.diff(path.town_p50_kw) > 0).all()
        assert (np.diff(path.overloaded_p50_count) >= 0).all()
        assert (path.overloaded_p95_count >= path.overloaded_p50_count).all()
        assert (np.diff(path.overload_share, axis=0) >= 0).all()


def test_clustering_overloads_transformers_earlier_but_ends_where_random_does():
    case = case_of(300, 6, base=household_base(np.full(6, 50)), rating_kva=200.0)
    random = adoption_path(case, SHARES, "random", draws=100)
    worst = adoption_path(case, SHARES, "by_transformer", draws=100)
    assert worst.overloaded_p50_count[1] > random.overloaded_p50_count[1]
    assert worst.first_share < random.first_share
    assert worst.overloaded_p50_count[-1] == pytest.approx(random.overloaded_p50_count[-1], abs=1)
    assert worst.town_p50_kw[-1] == pytest.approx(random.town_p50_kw[-1], rel=0.02)


def test_the_first_overloaded_transformer_is_the_weak_one():
    case = case_of(300, 6)
    rating = np.full(6, 1000.0)
    rating[2] = 60.0
    path = adoption_path(replace(case, rating_kva=rating), SHARES, draws=50)
    assert path.first == "T03"
    assert path.first_share in SHARES
    strong = adoption_path(replace(case, rating_kva=np.full(6, 1e5)), SHARES, draws=50)
    assert strong.first == ""
    assert np.isnan(strong.first_share)


def test_moments_tell_the_same_as_draws():
    case = case_of(900, 12, base=household_base(np.full(12, 75)), rating_kva=330.0, spf_log_sd=0.06)
    drawn = adoption_path(case, SHARES, draws=200, method="monte_carlo")
    read = adoption_path(case, SHARES, draws=200, method="moments")
    assert read.town_p50_kw == pytest.approx(drawn.town_p50_kw, rel=0.05)
    assert read.loading_p95_share == pytest.approx(drawn.loading_p95_share, rel=0.10)
    assert read.loading_p50_share.mean(axis=1) == pytest.approx(
        drawn.loading_p50_share.mean(axis=1), rel=0.03
    )
    assert read.overloaded_p50_count == pytest.approx(drawn.overloaded_p50_count, abs=2)


def test_equal_seeds_give_equal_bytes():
    case = case_of(100, 4)
    for method in ("monte_carlo", "moments"):
        a, b = (adoption_path(case, SHARES, draws=20, seed=3, method=method) for _ in range(2))
        assert a.loading_p95_share.tobytes() == b.loading_p95_share.tobytes()
