"""Peak charges in a plan: what a peak adds is paid, what is reached is not."""

from __future__ import annotations

import numpy as np
import pytest

from varme.components import peak_charge
from varme.ground.peaks import PeakCharge
from varme.kernel.highs import Solver, require_optimal
from varme.kernel.model import Floats, Model


def charge(n: int, **fields: float) -> PeakCharge:
    return PeakCharge("peak", 100.0, np.zeros(n, np.int64), np.ones(n, bool), **fields)


def planned(
    charges: list[PeakCharge], price: list[float], energy_kwh: float, so_far_kw: float | None = None
) -> tuple[Floats, float]:
    """Return import and objective of a home that needs an energy some time within the hours."""
    model = Model(len(price))
    bought = model.var("grid.import", upper=10.0, cost=np.array(price))
    costs = peak_charge.add(charges, model, bought, so_far_kw)
    model.add_row("energy", np.ones(len(price)), bought.now, lower=energy_kwh, upper=energy_kwh)
    arrays = model.assemble()
    solver = Solver(arrays)
    found = require_optimal(solver.run(), "test")
    x = found.x
    paid = sum(float(np.asarray(c.coefficient) * x[c.var.now]) for c in costs)
    assert paid + float(np.array(price) @ x[bought.now]) == pytest.approx(float(arrays.cost @ x))
    return x[bought.now], paid


def test_import_is_spread_where_the_peak_costs_more_than_the_hours_differ() -> None:
    bought, paid = planned([charge(4)], [10.0, 12.0, 14.0, 16.0], 8.0)
    assert bought == pytest.approx([2.0, 2.0, 2.0, 2.0])
    assert paid == pytest.approx(200.0)


def test_a_peak_that_is_reached_is_used_freely() -> None:
    for charges, so_far in (
        ([charge(4, so_far_kw=4.0)], None),
        ([charge(4)], 4.0),
        ([charge(4, expected_kw=4.0)], 0.0),
    ):
        bought, paid = planned(charges, [10.0, 12.0, 14.0, 16.0], 8.0, so_far)
        assert bought == pytest.approx([4.0, 4.0, 0.0, 0.0])
        assert paid == 0.0


def test_a_minimum_that_is_paid_anyhow_is_used() -> None:
    bought, paid = planned([charge(4, minimum_kw=2.5)], [10.0, 12.0, 14.0, 16.0], 8.0)
    assert bought.max() == pytest.approx(2.5)
    assert paid == 0.0


def test_hours_that_do_not_count_take_the_load() -> None:
    window = PeakCharge("peak", 100.0, np.zeros(4, np.int64), np.array([True, True, False, False]))
    bought, paid = planned([window], [10.0, 12.0, 14.0, 16.0], 8.0)
    assert bought == pytest.approx([0.0, 0.0, 8.0, 0.0])
    assert paid == 0.0


def test_each_month_has_its_own_peak() -> None:
    two = PeakCharge("peak", 1.0, np.array([0, 0, 1, 1]), np.ones(4, bool), so_far_kw=3.0)
    bought, paid = planned([two], [0.0, 9.0, 0.0, 9.0], 8.0)
    assert bought[1] == pytest.approx(0.0)
    assert paid == pytest.approx(max(bought[0] - 3.0, 0.0) + bought[2])


def test_the_plan_agrees_with_enumeration() -> None:
    rng = np.random.default_rng(9)
    for _ in range(10):
        price = rng.integers(0, 60, 3).astype(float)
        floor = float(rng.integers(0, 4))
        bought, paid = planned([charge(3, so_far_kw=floor)], price.tolist(), 6.0)
        steps = np.arange(0, 6.01, 1.0)
        grid = np.array([(a, b, 6 - a - b) for a in steps for b in steps if a + b <= 6])
        best = (grid @ price + 100 * np.maximum(grid.max(axis=1) - floor, 0)).min()
        assert float(bought @ price) + paid <= best + 1e-6
        again = float(bought @ price) + 100 * max(bought.max() - floor, 0)
        assert float(bought @ price) + paid == pytest.approx(again)


def test_a_charge_without_hours_that_count_costs_nothing() -> None:
    empty = PeakCharge("peak", 100.0, np.zeros(4, np.int64), np.zeros(4, bool))
    bought, paid = planned([empty], [1.0, 2.0, 3.0, 4.0], 8.0)
    assert bought[0] == pytest.approx(8.0)
    assert paid == 0.0
