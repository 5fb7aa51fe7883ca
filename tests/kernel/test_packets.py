"""Packets: no plan is cut off, the relaxed bound rises, and the counts are those of enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varme.kernel.highs import Solver
from varme.kernel.model import Floats, Model
from varme.kernel.packets import Store, add_counts


def schedules(n: int) -> Floats:
    return np.array(list(itertools.product((0.0, 1.0), repeat=n)))


def store_of(seed: int, n: int = 8) -> Store:
    rng = np.random.default_rng(seed)
    return Store(
        keep=rng.uniform(0.8, 1.0, n), gain=rng.uniform(0.5, 3.0, n), rest=-rng.uniform(0.0, 1.5, n),
        low=np.full(n, rng.uniform(-1, 1)), high=np.full(n, rng.uniform(4, 7)), start=rng.uniform(1, 4),
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_every_schedule_within_the_band_has_counts_within_the_limits(seed: int) -> None:
    store = store_of(seed)
    least, most = store.counts()
    every = schedules(8)
    counts = np.cumsum(every[store.allows(every)], axis=1)
    assert (counts >= least - 1e-9).all()
    assert (counts <= most + 1e-9).all()


def test_a_path_is_the_recursion_written_out() -> None:
    store = Store(
        np.array([0.5, 1.0]), np.array([2.0, 3.0]), np.array([1.0, -1.0]), np.zeros(2), np.full(2, 9.0), 4.0
    )
    assert store.path(np.array([1.0, 0.0])).tolist() == [5.0, 4.0]
    assert store.path(np.array([[0.0, 1.0], [0.0, 0.0]])).tolist() == [[3.0, 5.0], [3.0, 2.0]]


def test_without_losses_the_counts_are_the_fewest_and_the_most_of_enumeration() -> None:
    n = 7
    store = Store(np.ones(n), np.full(n, 2.0), np.full(n, -0.7), np.full(n, 0.0), np.full(n, 4.0), 1.0)
    every = schedules(n)
    counts = np.cumsum(every[store.allows(every)], axis=1)
    least, most = store.counts()
    assert least.tolist() == counts.min(axis=0).tolist()
    assert most.tolist() == counts.max(axis=0).tolist()


def test_a_store_that_asks_for_nothing_has_no_counts() -> None:
    store = Store(np.ones(3), np.ones(3), np.zeros(3), np.full(3, -np.inf), np.full(3, np.inf), 0.0)
    least, most = store.counts()
    assert least.tolist() == [0, 0, 0]
    assert most.tolist() == [1, 2, 3]


@pytest.mark.parametrize("seed", range(6))
def test_the_relaxed_bound_rises_and_never_passes_the_optimum(seed: int) -> None:
    store, price = store_of(seed), np.random.default_rng(seed + 100).uniform(1, 5, 8)
    every = schedules(8)
    fits = store.allows(every)
    if not fits.any():
        pytest.skip("this store has no schedule")
    best = float((every[fits] @ price).min())
    bounds = []
    for counted in (False, True):
        model = Model(8)
        on = model.var("on", upper=1.0, cost=price)
        level = model.var("level", lower=store.low, upper=store.high, history=1)
        rows = [(1.0, level.now), (-store.keep, level.lag(1)), (-store.gain, on.now)]
        model.add("balance", rows, lower=store.rest, upper=store.rest)
        if counted:
            add_counts(model, "count", on.now, 1.0, store.counts())
        model.assemble()
        model.set_history(level, np.array([store.start]))
        if counted:
            model.set_history(model.vars["count"], np.zeros(1))
        bounds.append(Solver(model.arrays).run().objective)
    assert bounds[0] <= bounds[1] + 1e-9 <= best + 2e-9


def test_a_single_packet_that_must_come_is_seen_by_the_relaxed_model() -> None:
    """Half a packet would do for the LP; a whole one must be bought."""
    store = Store(np.ones(4), np.full(4, 4.0), np.full(4, -0.5), np.zeros(4), np.full(4, 5.0), 0.0)
    assert store.counts()[0].tolist() == [1, 1, 1, 1]
