"""The independent re-check: whatever is tampered with, it is found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernel.brute import best_by_enumeration, dense
from varme.ground.errors import SolverError
from varme.kernel.bound import dual_bound
from varme.kernel.check import certify, row_activity, violation
from varme.kernel.highs import Solver
from varme.kernel.model import INF, Arrays, Model


def problem():
    """Two plants, one of them on or off, over three steps: demand 7, 3, 9."""
    model = Model(3)
    cheap = model.var("cheap", upper=5.0, cost=10.0)
    dear = model.var("dear", upper=8.0, cost=30.0)
    on = model.var("on", upper=1.0, integer=True, cost=4.0)
    model.add("max", [(1.0, dear.now), (-8.0, on.now)], upper=0.0)
    demand = np.array([7.0, 3.0, 9.0])
    model.add("balance", [(1.0, cheap.now), (1.0, dear.now)], lower=demand, upper=demand)
    return model


def solved():
    model = problem()
    found = Solver(model.assemble(), mip_rel_gap=0.0).run()
    assert found.status == "optimal"
    return model, found


def test_a_true_answer_passes_and_gets_its_certificate():
    model, found = solved()
    certificate = certify(model.arrays, found.x, found.objective, found.bound, "plan")
    assert certificate.objective == pytest.approx(5 * 10 + 2 * 30 + 3 * 10 + 5 * 10 + 4 * 30 + 2 * 4)
    assert certificate.max_violation <= 1e-9
    assert certificate.gap_abs == pytest.approx(0, abs=1e-6)
    assert certify(model.arrays, found.x, found.objective, 300.0, "plan").gap_share == pytest.approx(18 / 318)


@pytest.mark.parametrize(
    ("tamper", "text"),
    [
        (lambda m, x: x.__setitem__(m.vars["cheap"].now[0], 4.9), "row "),  # demand missed
        (lambda m, x: x.__setitem__(m.vars["cheap"].now[:1], 7.0), "row "),
        (lambda m, x: x.__setitem__(m.vars["on"].now[0], 0.0), "row "),  # runs while off
        (lambda m, x: x.__setitem__(m.vars["on"].now[1], 1.001), "column "),
        (lambda m, x: x.__setitem__(m.vars["on"].now[1], 0.25), "integrality of "),
        (lambda m, x: x.__setitem__(m.vars["cheap"].now[1], np.nan), ""),
        (lambda m, x: x.__setitem__(m.vars["cheap"].now[1], np.inf), ""),
    ],
)
def test_tampered_plans_are_found(tamper, text):
    model, found = solved()
    x = found.x.copy()
    tamper(model, x)
    objective = float(model.arrays.cost @ np.nan_to_num(x, posinf=0.0))
    with pytest.raises(SolverError) as caught:
        certify(model.arrays, x, objective, found.bound, "week 3")
    [trouble] = caught.value.problems
    assert (trouble.code, trouble.where) == ("P403", "week 3")
    assert text in trouble.what


def test_swapping_two_units_within_the_rows_still_changes_the_objective():
    model, found = solved()
    with pytest.raises(SolverError, match="objective does not add up"):
        certify(model.arrays, found.x, found.objective * (1 + 1e-5), found.bound, "plan")


def test_a_bound_above_the_objective_is_a_lie():
    model, found = solved()
    with pytest.raises(SolverError, match="bound lies above the objective"):
        certify(model.arrays, found.x, found.objective, found.objective * (1 + 1e-5), "plan")
    tiny = certify(model.arrays, found.x, found.objective, found.objective * (1 + 1e-9), "plan")
    assert tiny.gap_abs == 0.0


def test_the_tolerance_is_a_millionth():
    model, found = solved()
    for push, passes in ((5e-7, True), (5e-6, False)):
        x = found.x.copy()
        x[model.vars["cheap"].now[1]] += push
        worst, where = violation(model.arrays, x)
        assert worst == pytest.approx(push, rel=1e-3)
        assert where == f"row {model.rows['balance'].index[1]}"
        assert (worst <= 1e-6) is passes


def test_relaxed_answers_may_be_fractional_but_nothing_else():
    model, found = solved()
    x = found.x.copy()
    x[model.vars["on"].now[1]] = 0.25
    assert violation(model.arrays, x, relaxed=True)[0] <= 1e-9
    x[model.vars["cheap"].now[0]] = -1.0
    assert violation(model.arrays, x, relaxed=True)[0] >= 1.0


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_row_sums_equal_the_dense_product(seed):
    rng = np.random.default_rng(seed)
    model = problem()
    arrays = model.assemble()
    x = rng.normal(size=len(arrays.cost))
    assert row_activity(arrays, x) == pytest.approx(dense(arrays) @ x, abs=1e-12)


# ----------------------------------------------------------------------------------------- dual bound


def random_arrays(rng, rows=4, columns=4, integers=True, unbounded=False):
    matrix = rng.integers(-3, 4, (rows, columns)).astype(float)
    matrix[matrix == 0] = 1.0
    centre = matrix @ rng.random(columns)  # a point within the unit box satisfies every row
    upper = np.where(rng.random(rows) < 0.3, INF, centre + rng.random(rows))
    lower = np.where(rng.random(rows) < 0.3, -INF, centre - rng.random(rows))
    return Arrays(
        cost=rng.normal(size=columns), col_lower=np.zeros(columns),
        col_upper=np.where(rng.random(columns) < 0.5, INF, 1.0) if unbounded else np.ones(columns),
        integer=rng.random(columns) < 0.5 if integers else np.zeros(columns, dtype=bool),
        row_lower=lower, row_upper=upper, indptr=np.arange(0, rows * columns + 1, columns, dtype=np.int32),
        indices=np.tile(np.arange(columns, dtype=np.int32), rows), data=matrix.reshape(-1), offset=float(rng.normal()),
    )  # fmt: skip


@given(seed=st.integers(0, 100_000), scale=st.sampled_from([0.0, 0.1, 1.0, 50.0]), unbounded=st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_duals_prove_a_lower_bound(seed, scale, unbounded):
    """Weak duality for duals of any sign and size: a bound above the optimum would be a false proof."""
    rng = np.random.default_rng(seed)
    arrays = random_arrays(rng, unbounded=unbounded)
    bound = dual_bound(arrays, scale * rng.normal(size=len(arrays.row_lower)))
    best = best_by_enumeration(arrays)
    assert bound <= best + 1e-9 * max(1.0, abs(bound))


@given(seed=st.integers(0, 100_000))
@settings(max_examples=40, deadline=None)
def test_the_optimal_duals_prove_the_optimum_of_the_relaxation(seed):
    arrays = random_arrays(np.random.default_rng(seed), rows=5, columns=6, integers=False)
    found = Solver(arrays).run()
    if found.status == "optimal":
        assert dual_bound(arrays, found.row_dual) == pytest.approx(found.objective, rel=1e-9, abs=1e-9)
    assert found.status in {"optimal", "infeasible"}


def test_a_column_without_a_bound_gives_no_bound_rather_than_a_wrong_one():
    model = Model(1)
    model.var("x", cost=1.0)
    y = model.var("y", lower=-INF, cost=1.0)
    model.add("r", [(1.0, y.now)], lower=2.0)
    arrays = model.assemble()
    assert dual_bound(arrays, np.array([0.0])) == -np.inf
    assert dual_bound(arrays, np.array([1.0])) == pytest.approx(2.0)
    assert dual_bound(arrays, np.array([-1.0])) == -np.inf  # the wrong sign counts as 0
