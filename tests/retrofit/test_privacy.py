"""k-anonymity: laws that hold for all towns."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from varme.retrofit.grid.privacy import dominated, mask_groups, pseudonyms
from varme.retrofit.grid.tables import shown_shares

COUNTS = st.lists(st.integers(0, 40), min_size=1, max_size=30)


@given(counts=COUNTS, k=st.integers(1, 12))
@settings(max_examples=300, deadline=None)
def test_nothing_below_k_is_shown(counts, k):
    masked = mask_groups(counts, k)
    assert (masked.counts >= k).all()


@given(counts=COUNTS, k=st.integers(1, 12))
@settings(max_examples=300, deadline=None)
def test_no_building_is_lost_unless_all_are_fewer_than_k(counts, k):
    masked = mask_groups(counts, k)
    shown = int(masked.counts.sum())
    assert shown == (sum(counts) if sum(counts) >= k else 0)
    assert masked.summed(np.array(counts)).astype(int).tolist() == masked.counts.tolist()


@given(counts=COUNTS, k=st.integers(2, 12))
@settings(max_examples=300, deadline=None)
def test_the_total_minus_what_is_shown_never_tells_a_small_group(counts, k):
    masked = mask_groups(counts, k)
    hidden = sum(counts) - int(masked.counts.sum())
    assert hidden == 0 or sum(counts) < k
    joined = np.bincount(masked.target[masked.target >= 0], minlength=len(masked.names))
    small = np.flatnonzero((np.array(counts) > 0) & (np.array(counts) < k))
    for group in small.tolist():
        if masked.target[group] >= 0:
            assert joined[masked.target[group]] >= 2


@given(data=st.data(), k=st.integers(2, 10))
@settings(max_examples=200, deadline=None)
def test_within_a_feeder_that_is_shown_nothing_small_follows_from_its_total(data, k):
    counts = np.array(data.draw(COUNTS))
    feeder = np.array(data.draw(st.lists(st.integers(0, 4), min_size=len(counts), max_size=len(counts))))
    masked = mask_groups(counts, k, parent=feeder)
    feeders = mask_groups(np.bincount(feeder, counts, minlength=5).astype(int), k)
    joined = np.bincount(feeders.target[feeders.target >= 0], minlength=5)
    alone = [f for f in range(5) if feeders.target[f] >= 0 and joined[feeders.target[f]] == 1]
    assert (masked.counts >= k).all()
    for f in range(5):
        mine = (feeder == f) & (counts > 0)
        if f not in alone:
            continue
        rows = set(masked.target[mine].tolist())
        spread = [r for r in rows if ((masked.target == r) & ~mine & (counts > 0)).any()]
        assert spread == []
        assert sum(masked.counts[r] for r in rows) == counts[mine].sum()


def test_one_small_group_takes_the_next_smallest_with_it():
    masked = mask_groups([3, 20, 8, 30], 5, ["A", "B", "C", "D"])
    assert masked.names == ("B", "D", "other")
    assert masked.counts.tolist() == [20, 30, 11]
    assert masked.target.tolist() == [2, 0, 2, 1]
    assert masked.merged == 2


def test_small_groups_that_reach_k_together_need_no_other():
    masked = mask_groups([3, 3, 20], 5, ["A", "B", "C"])
    assert masked.names == ("C", "other")
    assert masked.counts.tolist() == [20, 6]


def test_a_town_below_k_shows_nothing():
    masked = mask_groups([1, 2], 5)
    assert masked.names == ()
    assert masked.hidden == 2


def test_k_of_one_shows_everything():
    assert mask_groups([1, 2, 0], 1, ["A", "B", "C"]).names == ("A", "B")


def test_a_group_called_other_keeps_its_name():
    masked = mask_groups([20, 2, 4], 5, ["other", "A", "B"])
    assert len(set(masked.names)) == len(masked.names) == 2


@given(
    ids=st.sets(st.text("ABC0123", min_size=1, max_size=5), min_size=1, max_size=60), seed=st.integers(0, 99)
)
@settings(max_examples=100, deadline=None)
def test_pseudonyms_are_one_to_one_and_do_not_depend_on_the_order_of_the_file(ids, seed):
    listed = sorted(ids)
    forth, back = pseudonyms(listed, seed), pseudonyms(listed[::-1], seed)
    assert forth == back
    assert len(set(forth.values())) == len(listed)


def test_pseudonyms_do_not_tell_the_order():
    names = pseudonyms([f"{i:04d}" for i in range(200)], 7)
    number = np.array([int(v[1:]) for v in names.values()])
    assert abs(np.corrcoef(np.arange(200), number)[0, 1]) < 0.3
    assert sorted(number.tolist()) == list(range(1, 201))
    assert names != pseudonyms([f"{i:04d}" for i in range(200)], 8)


def test_one_building_that_draws_nearly_all_is_noticed():
    energy = np.array([90.0, 2, 3, 1, 2, 10, 10, 10, 10, 10])
    assert dominated(energy, np.repeat([0, 1], 5), 2).tolist() == [True, False]


@given(steps=st.lists(st.integers(0, 15), min_size=1, max_size=12), k=st.integers(1, 9))
@settings(max_examples=200, deadline=None)
def test_two_rows_of_an_adoption_path_never_differ_by_fewer_than_k_homes(steps, k):
    switched = np.cumsum(steps)
    shown = switched[shown_shares(switched, k)]
    assert all(n == 0 or n >= k for n in shown)
    assert all(b - a >= k for a, b in zip(shown[shown > 0], shown[shown > 0][1:], strict=False))
    assert switched[-1] < k or switched[-1] in shown
