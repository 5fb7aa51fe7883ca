"""SG-Ready: every sequence that is made keeps the rules, sequences that break them are refused, states mean limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varme.components.sg_ready import (
    CONTACTS,
    FORCED,
    LOCK,
    NORMAL,
    RECOMMENDED,
    check_signal,
    contacts,
    limits_of,
    signal_of,
    state_of,
)
from varme.ground.errors import InputError


def test_a_plan_becomes_states_by_heat_against_need():
    heat = np.array([0.0, 0.0, 5.0, 5.0, 2.0, 2.0])
    need = np.array([2.0, 2.0, 2.0, 2.0, 2.0, 2.0])
    assert list(signal_of(heat, need, 15)) == [LOCK, LOCK, RECOMMENDED, RECOMMENDED, NORMAL, NORMAL]


def test_a_lock_ends_after_two_hours_and_does_not_come_back_at_once():
    states = signal_of(np.zeros(24), np.ones(24), 15)
    assert list(states[:8]) == [LOCK] * 8
    assert list(states[8:12]) == [NORMAL] * 4
    assert list(states[12:20]) == [LOCK] * 8


def test_a_lock_goes_on_over_the_seam_of_two_plans():
    """An hour of lock before the plan leaves one more hour."""
    states = signal_of(np.zeros(12), np.ones(12), 15, before=(LOCK, 60.0))
    assert list(states[:5]) == [LOCK] * 4 + [NORMAL]


def test_no_state_is_left_before_its_dwell_time():
    heat, need = np.array([0.0, 5.0] * 10), np.ones(20)
    states = signal_of(heat, need, 5)
    check_signal(states, 5)
    assert np.all(states[:-1] == NORMAL)


def test_a_state_before_the_plan_is_held_for_its_dwell_time():
    states = signal_of(np.full(6, 5.0), np.ones(6), 1, before=(NORMAL, 4.0))
    assert list(states) == [NORMAL] * 6


@given(
    heat=st.lists(st.sampled_from([0.0, 1.0, 5.0]), min_size=1, max_size=200),
    step_min=st.sampled_from([1.0, 5.0, 15.0, 60.0]),
    before=st.tuples(st.sampled_from([1, 2, 3, 4]), st.floats(0, 120)),
    seed=st.integers(0, 10),
)
@settings(max_examples=150, deadline=None)
def test_every_sequence_that_is_made_keeps_the_rules(heat, step_min, before, seed):
    rng = np.random.default_rng(seed)
    n = len(heat)
    states = signal_of(
        np.array(heat), rng.choice([0.0, 1.0], n), step_min, forced=rng.random(n) < 0.05,
        locked_wish=rng.random(n) < 0.2, before=before,
    )  # fmt: skip
    check_signal(states, step_min, before=before)
    assert len(states) == n


@pytest.mark.parametrize(
    ("states", "step_min", "what"),
    [
        ([2, 3, 2, 2], 5, "lasts 5 min"),
        ([1] * 9 + [2], 15, "lock of 135 min"),
        ([2, 5, 5], 15, "none of"),
    ],
)
def test_sequences_that_break_the_rules_are_refused(states, step_min, what):
    with pytest.raises(InputError) as caught:
        check_signal(np.array(states), step_min)
    assert {p.code for p in caught.value.problems} == {"P149"}
    assert any(what in p.what for p in caught.value.problems)


def test_a_change_too_soon_after_the_state_before_is_refused():
    with pytest.raises(InputError):
        check_signal(np.array([3, 3, 3]), 15, before=(NORMAL, 3.0))
    check_signal(np.array([3, 3, 3]), 15, before=(NORMAL, 30.0))


def test_states_mean_what_the_label_says():
    found = limits_of(np.array([LOCK, NORMAL, RECOMMENDED, FORCED]))
    assert list(found.available) == [0, 1, 1, 1]
    assert list(found.must_run) == [0, 0, 0, 1]
    assert list(found.backup_allowed) == [0, 0, 0, 1]
    assert np.all(np.diff(found.water_shift_k[1:]) > 0)
    assert found.room_shift_k[0] == 0


def test_contacts_and_states_are_each_others_inverse():
    one, two = contacts(np.array([1, 2, 3, 4]))
    assert [state_of(a, b) for a, b in zip(one, two, strict=True)] == [1, 2, 3, 4]
    assert CONTACTS[LOCK] == (1, 0)
    assert CONTACTS[FORCED] == (1, 1)


def test_a_step_longer_than_a_lock_cannot_be_signalled():
    with pytest.raises(ValueError, match="longest lock"):
        signal_of(np.zeros(3), np.ones(3), 180)
