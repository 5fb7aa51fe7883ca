"""Models: the arrays equal dense matrices written by hand, and moving a model equals building it anew."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernel.brute import dense
from varme.ground.errors import ModelError
from varme.kernel.highs import Solver
from varme.kernel.model import INF, Model, Windowed

N = 12
numbers = st.integers(-4, 4).map(float)


@st.composite
def windowed(draw, values=numbers):
    """Return a number, one per step of the window, or one per step of the horizon."""
    form = draw(st.sampled_from(["number", "windowed"]))
    return (
        draw(values)
        if form == "number"
        else Windowed(np.array(draw(st.lists(values, min_size=N, max_size=N))))
    )


def at(number, first, length):
    return number.full[first : first + length] if isinstance(number, Windowed) else np.full(length, number)


@st.composite
def recipes(draw):
    """Return a random model as plain data, from which both the model and its dense picture are made."""
    n_vars = draw(st.integers(1, 3))
    variables = [
        {
            "lower": draw(windowed()), "span": draw(windowed(st.integers(0, 6).map(float))), "cost": draw(windowed()),
            "history": draw(st.integers(0, 3)), "integer": draw(st.booleans()),
        }
        for _ in range(n_vars)
    ]  # fmt: skip
    places = [(k, lag) for k, v in enumerate(variables) for lag in range(v["history"] + 1)]
    rows = [
        {
            "terms": [
                (draw(windowed()), v, lag)
                for v, lag in draw(st.lists(st.sampled_from(places), unique=True, min_size=1, max_size=4))
            ],
            "lower": draw(windowed()), "upper": draw(st.one_of(st.just(INF), windowed())),
        }
        for _ in range(draw(st.integers(1, 3)))
    ]  # fmt: skip
    return variables, rows


def built(recipe, length, first):
    variables, rows = recipe
    model = Model(length, first)
    made = []
    for k, v in enumerate(variables):
        upper = Windowed(at(v["lower"], 0, N) + at(v["span"], 0, N))
        made.append(
            model.var(
                f"v{k}",
                lower=v["lower"],
                upper=upper,
                cost=v["cost"],
                integer=v["integer"],
                history=v["history"],
            )
        )
    for k, r in enumerate(rows):
        terms = [(c, made[v].lag(lag)) for c, v, lag in r["terms"]]
        model.add(f"r{k}", terms, lower=r["lower"], upper=r["upper"])
    model.assemble()
    return model, made


@given(recipe=recipes(), length=st.integers(1, 5), first=st.integers(0, N - 5))
@settings(max_examples=80, deadline=None)
def test_the_arrays_equal_the_dense_picture(recipe, length, first):
    """Each entry is computed from the recipe alone: one wrong stride would shift a coefficient in time."""
    model, made = built(recipe, length, first)
    arrays, (variables, rows) = model.arrays, recipe
    expected = np.zeros((len(rows) * length, sum(v["history"] + length for v in variables)))
    starts = np.cumsum([0] + [v["history"] + length for v in variables])
    for k, r in enumerate(rows):
        for c, v, lag in r["terms"]:
            history = variables[v]["history"]
            for t in range(length):
                expected[k * length + t, starts[v] + history + t - lag] += at(c, first, length)[t]
        np.testing.assert_array_equal(arrays.row_lower[k * length :][:length], at(r["lower"], first, length))
        np.testing.assert_array_equal(arrays.row_upper[k * length :][:length], at(r["upper"], first, length))
    np.testing.assert_array_equal(dense(arrays), expected)
    for v, var in zip(variables, made, strict=True):
        np.testing.assert_array_equal(arrays.cost[var.now], at(v["cost"], first, length))
        np.testing.assert_array_equal(arrays.col_lower[var.now], at(v["lower"], first, length))
        assert np.all(arrays.cost[var.index[: var.history]] == 0)
        assert not arrays.integer[var.index[: var.history]].any()
        assert np.all(arrays.integer[var.now] == v["integer"])
    assert arrays.shape == (expected.shape[0], expected.shape[1], len(arrays.data))


@given(
    recipe=recipes(), length=st.integers(1, 4), path=st.lists(st.integers(0, N - 4), min_size=1, max_size=4)
)
@settings(max_examples=60, deadline=None)
def test_moving_equals_building_anew_at_every_window(recipe, length, path):
    """Costs, bounds, limits and coefficients, in the arrays and in HiGHS: one number left behind is a wrong plan."""
    model, made = built(recipe, length, 0)
    solver = Solver(model.arrays)
    for first in path:
        model.move(first)
        for k, var in enumerate(made):
            model.set_history(var, np.full(var.history, float(k)))
        solver.push(model)
        fresh, fresh_vars = built(recipe, length, first)
        for k, var in enumerate(fresh_vars):
            fresh.set_history(var, np.full(var.history, float(k)))
        for name in ("cost", "col_lower", "col_upper", "row_lower", "row_upper", "data", "indices", "indptr"):
            np.testing.assert_array_equal(
                getattr(model.arrays, name), getattr(fresh.arrays, name), err_msg=name
            )
        held, other = solver.highs.getLp(), Solver(fresh.arrays).highs.getLp()
        for name in ("col_cost_", "col_lower_", "col_upper_", "row_lower_", "row_upper_"):
            np.testing.assert_array_equal(getattr(held, name), getattr(other, name), err_msg=name)
        assert matrix_of(held) == matrix_of(other)


def matrix_of(lp):
    """Return the entries that are not zero (HiGHS may keep zeros that it was given)."""
    a = lp.a_matrix_
    out: dict[tuple[int, int], float] = {}
    for k in range(len(a.start_) - 1):
        for p in range(a.start_[k], a.start_[k + 1]):
            place = (k, a.index_[p]) if "Row" in str(a.format_) else (a.index_[p], k)
            out[place] = out.get(place, 0.0) + a.value_[p]
    return {place: value for place, value in out.items() if value}


def test_history_is_fixed_where_it_is_set_and_free_where_not():
    model = Model(3)
    x = model.var("x", lower=1.0, upper=Windowed(np.array([2.0, 9.0, 3.0])), history=2)
    model.add("r", [(1.0, x.now), (-1.0, x.lag(2))], lower=0.0)
    arrays = model.assemble()
    assert arrays.col_lower[x.index].tolist() == [1, 1, 1, 1, 1]
    assert arrays.col_upper[x.index].tolist() == [9, 9, 2, 9, 3]
    model.set_history(x, np.array([4.0, 5.0]))
    assert arrays.col_lower[:2].tolist() == arrays.col_upper[:2].tolist() == [4, 5]
    solver = Solver(arrays)
    solver.push(model)
    assert solver.run().status == "infeasible"  # x[0] >= history 4 with at most 2


def test_looking_back_further_than_the_history_is_refused():
    model = Model(3)
    with pytest.raises(ValueError, match="looks back 2 steps but has a history of 1"):
        model.var("x", history=1).lag(2)


def test_names_are_taken_once_and_blocks_are_never_empty():
    """Zero constraints built is an error: PyPSA-Eur lost its CHP constraints to a name that matched nothing."""
    model = Model(2)
    x = model.var("x")
    model.add("r", [(1.0, x.now)], upper=1.0)
    with pytest.raises(ValueError, match="variable x exists"):
        model.var("x")
    with pytest.raises(ValueError, match="constraint r exists"):
        model.add("r", [(1.0, x.now)])
    for terms in ([], [(1.0, x.now[:0])]):
        with pytest.raises(ModelError) as caught:
            model.add("empty", terms)
        assert [(p.code, p.where) for p in caught.value.problems] == [("P303", "empty")]
    with pytest.raises(ModelError, match="P303"):
        model.add_row("sum", np.ones(0), x.now[:0])


def test_a_window_beyond_the_data_is_refused():
    model = Model(3)
    x = model.var("x", cost=Windowed(np.arange(4.0)))
    model.add("r", [(1.0, x.now)], upper=1.0)
    model.assemble()
    model.move(1)
    assert model.arrays.cost.tolist() == [1, 2, 3]
    with pytest.raises(IndexError, match="beyond 4 steps"):
        model.move(2)


def test_changes_by_hand_reach_the_solver():
    model = Model(2)
    x, size = model.var("x", upper=5.0), model.var("size", upper=9.0, scalar=True)
    rows = model.add("r", [(1.0, x.now), (-1.0, size.now)], lower=-INF, upper=0.0)
    model.add_row("total", np.array([1.0, 2.0]), x.now, upper=7.0)
    model.assemble()
    solver = Solver(model.arrays)
    model.set_cost(x, np.array([-1.0, -2.0]))
    model.set_cost(size, 0.5)
    model.set_bounds(x, upper=4.0)
    model.set_coefficient(rows, 1, np.array([-0.5, -1.0]))
    model.set_limits(model.rows["total"], upper=8.0)
    solver.push(model)
    found = solver.run()
    # x = (2 or less) by size: x0 <= size/2, x1 <= size, x0 + 2 x1 <= 8, x <= 4: x = (0, 4) or (8/5...)
    assert found.status == "optimal"
    fresh = Solver(model.arrays).run()
    assert found.objective == pytest.approx(fresh.objective, abs=1e-12)
    assert model.take_changes().cost == []


def test_names_of_columns_and_rows():
    model = Model(2)
    x, s = model.var("x", history=1), model.var("s", scalar=True)
    model.add("r", [(1.0, x.now), (1.0, s.now)], upper=1.0)
    model.add_row("one", np.ones(2), x.now, upper=1.0)
    assert model.column_names() == ["x[-1]", "x[0]", "x[1]", "s"]
    assert model.row_names() == ["r[0]", "r[1]", "one[0]"]
    assert [model.rows_of(k) for k in range(3)] == [("r", 0), ("r", 1), ("one", 0)]
    with pytest.raises(KeyError):
        model.rows_of(3)
