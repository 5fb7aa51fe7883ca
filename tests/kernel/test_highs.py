"""HiGHS behind one checked place: statuses, options, limits, duals, starts, files; and a canary for wrong optima."""

import time

import highspy
import numpy as np
import pytest

from tests.kernel.brute import best_by_enumeration
from varme.ground.errors import ModelError, SolverError
from varme.kernel.highs import Solver, require_optimal
from varme.kernel.model import INF, Model
from varme.kernel.patterns import on_off, ramp


def knapsack(seed=0, steps=40):
    """Return a MILP that takes HiGHS long: many equal items, many rows."""
    rng = np.random.default_rng(seed)
    model = Model(steps)
    items = [model.var(f"x{k}", upper=1, integer=True, cost=-rng.random()) for k in range(30)]
    for r in range(20):
        model.add(f"r{r}", [(rng.random() * 10, x.now) for x in items], upper=20.0 + r)
    model.add_row("all", np.ones(30 * steps), np.concatenate([x.now for x in items]), upper=6.5 * steps)
    return model


# --------------------------------------------------------------------------------------------- statuses


def lp(**limits):
    model = Model(1)
    x = model.var("x", lower=-INF, cost=1.0)
    y = model.var("y", integer=limits.pop("integer", False), upper=limits.pop("y_max", 1.0))
    model.add("r", [(1.0, x.now), (1.0, y.now)], **limits)
    return Solver(model.assemble())


@pytest.mark.parametrize("integer", [False, True])
def test_unbounded_and_infeasible_are_told_apart(integer):
    """Presolve says 'one of the two'; calling an unbounded model infeasible sends the user to the wrong limits."""
    assert lp(upper=1.0, integer=integer).run().status == "unbounded"
    assert lp(lower=3.0, upper=2.0, integer=integer).run().status == "infeasible"
    assert lp(lower=3.0, integer=integer).run().status == "optimal"


def test_after_telling_apart_the_costs_stand_as_before():
    solver = lp(upper=1.0, integer=True)
    solver.run()
    assert list(solver.highs.getLp().col_cost_) == [1.0, 0.0]


def test_statuses_become_errors_with_their_codes():
    with pytest.raises(ModelError, match="P301 plan"):
        require_optimal(lp(lower=3.0, upper=2.0).run(), "plan")
    with pytest.raises(ModelError, match="P302 plan"):
        require_optimal(lp(upper=1.0).run(), "plan")
    with pytest.raises(SolverError, match="P402 plan"):
        require_optimal(Solver(knapsack().assemble(), time_limit=0.0).run(), "plan")
    solver = lp(lower=3.0)
    solver.set(simplex_iteration_limit=0, presolve="off")
    with pytest.raises(SolverError, match="P401 plan = limit"):
        require_optimal(solver.run(), "plan")
    assert require_optimal(lp(lower=3.0).run(), "plan").objective == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [("nonsense", 1), ("time_limit", "soon"), ("mip_rel_gap", -1.0), ("solver", "gurobi"), ("threads", 4)],
)
def test_refused_options_say_so(name, value):
    """HiGHS itself prints a line and goes on with the old value."""
    with pytest.raises(SolverError) as caught:
        Solver(knapsack().assemble(), **{name: value})
    assert [(p.code, p.where) for p in caught.value.problems] == [("P404", f"option {name}")]


def test_a_time_limit_leaves_the_best_plan_with_its_bound_and_the_next_lp_its_own_time():
    """HiGHS counts the time of an LP from the object's birth: after a MIP at its limit every LP failed at once."""
    solver = Solver(knapsack().assemble(), time_limit=0.5)
    started = time.perf_counter()
    found = solver.run()
    assert time.perf_counter() - started < 10
    assert found.status == "time_limit"
    assert found.feasible
    assert found.bound < found.objective
    solver.relax(True)
    relaxed = solver.run()
    assert relaxed.status == "optimal"
    assert relaxed.objective <= found.objective


def test_no_thread_but_one():
    solver = Solver(knapsack().assemble())
    assert solver.highs.getOptionValue("threads")[1] == 1
    assert solver.highs.getOptionValue("output_flag")[1] is False


# -------------------------------------------------------------------------------------- answers by name


def test_duals_by_name_are_the_prices():
    """Demand 7 from a plant of 5 at 10 and one of 5 at 30: the dearer sets the price, the cheaper earns 20."""
    model = Model(2)
    cheap, dear = model.var("cheap", upper=5.0, cost=10.0), model.var("dear", upper=5.0, cost=30.0)
    demand = np.array([7.0, 3.0])
    rows = model.add("balance", [(1.0, cheap.now), (1.0, dear.now)], lower=demand, upper=demand)
    model.add("spare", [(1.0, cheap.now)], upper=100.0)
    found = Solver(model.assemble()).run()
    assert found.objective == pytest.approx(5 * 10 + 2 * 30 + 3 * 10)
    assert found.row_dual[rows.index] == pytest.approx([30, 10])
    assert found.row_dual[model.rows["spare"].index] == pytest.approx([0, 0])
    assert found.reduced_cost[cheap.now] == pytest.approx([-20, 0])
    assert found.reduced_cost[dear.now] == pytest.approx([0, 20])


def test_a_mip_has_no_duals():
    found = Solver(lp_mip().assemble()).run()
    assert not found.row_dual.any()
    assert not found.reduced_cost.any()


def lp_mip():
    model = Model(3)
    x = model.var("x", upper=10.0, cost=2.0, history=1)
    unit = on_off(model, "x", x, level_min=4.0, level_max=10.0, start_cost=5.0)
    model.add("need", [(1.0, x.now)], lower=np.array([1.0, 6.0, 0.0]))
    assert unit.start is not None
    return model


def test_a_mip_start_is_taken_and_a_wrong_one_does_no_harm():
    solver = Solver(knapsack().assemble(), time_limit=0.5)
    good = solver.run()
    again = Solver(knapsack().assemble(), time_limit=0.2)
    again.start_from(good.x)
    found = again.run()
    assert found.objective <= good.objective + 1e-9
    bad = Solver(lp_mip().assemble())
    bad.start_from(np.full(len(bad.arrays.cost), 0.5))
    assert bad.run().objective == pytest.approx(Solver(lp_mip().assemble()).run().objective)


def test_a_basis_comes_back_and_saves_the_work():
    model = knapsack()
    solver = Solver(model.assemble())
    solver.relax(True)
    cold = solver.run()
    other = Solver(model.arrays)
    other.relax(True)
    other.set_basis(solver.basis())
    hot = other.run()
    assert hot.objective == pytest.approx(cold.objective, rel=1e-12)
    assert hot.iterations == 0 < cold.iterations


# ------------------------------------------------------------------------------------------------ files


@pytest.mark.parametrize("suffix", ["mps", "lp"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_written_model_read_by_highs_has_the_same_optimum_and_the_names(tmp_path, suffix, seed):
    """Colons, blanks, dashes and Ø in names make LP files unreadable, or HiGHS drops all names without a word."""
    rng = np.random.default_rng(seed)
    model = Model(4)
    x = model.var("heat:area 1.Ærø-x", upper=5.0, cost=rng.random(4), history=1)
    one, two = model.var("a-1.on", upper=3.0, cost=2.0), model.var("a_1.on", upper=3.0, cost=2.0)
    model.var("2nd", upper=1.0, cost=1.0)
    model.var("inf", lower=-1.0, upper=1.0, cost=1.0)
    on_off(model, "e5", x, level_min=2.0, level_max=5.0, start_cost=0.7, min_up=2)
    model.add("heat:area 1", [(1.0, x.now), (1.0, one.now), (1.0, two.now)], lower=rng.random(4) * 4)
    solver = Solver(model.assemble())
    expected = solver.run().objective
    path = tmp_path / f"model.{suffix}"
    solver.write(path, model.column_names(), model.row_names())
    reader = highspy.Highs()
    reader.setOptionValue("output_flag", False)
    assert reader.readModel(str(path)) == highspy.HighsStatus.kOk
    reader.run()
    read = reader.getLp()
    assert reader.getInfo().objective_function_value == pytest.approx(expected, rel=1e-9)
    assert (read.num_row_, read.num_col_) == (len(model.arrays.row_lower), len(model.arrays.cost))
    assert "heat_area_1(0)" in read.row_names_
    assert "heat_area_1._r__x(m1)" in read.col_names_
    assert len(set(read.col_names_)) == read.num_col_


def test_a_file_that_cannot_be_written_is_an_error(tmp_path):
    model = lp_mip()
    with pytest.raises(SolverError, match="P401"):
        Solver(model.assemble()).write(tmp_path / "none" / "x.mps", model.column_names(), model.row_names())


# ----------------------------------------------------------------------------------------------- canary


@pytest.mark.parametrize("seed", range(8))
def test_canary_small_big_m_models_have_their_true_optimum(seed):
    """HiGHS 1.14.0 returned wrong optima of exactly such models (big-M, on/off, ramps) as 'Optimal'."""
    rng = np.random.default_rng(seed)
    model = Model(4)
    terms = []
    for k in range(2):
        level = model.var(f"u{k}", upper=1e4, cost=float(rng.integers(1, 9)), history=1)
        unit = on_off(
            model, f"u{k}", level, level_min=float(rng.integers(2, 6)), level_max=1e4,
            start_cost=float(rng.integers(0, 30)), min_up=int(rng.integers(1, 3)),
        )  # fmt: skip
        ramp(model, f"u{k}", level, up=3.0, down=3.0, level_min=5.0, status=unit.status)
        terms.append((1.0, level.now))
    slack = model.var("slack", upper=50.0, cost=25.0)
    model.add("need", [*terms, (1.0, slack.now)], lower=rng.integers(0, 12, 4).astype(float))
    arrays = model.assemble()
    for var in model.vars.values():
        if var.history:
            model.set_history(var, np.zeros(var.history))
    expected = best_by_enumeration(arrays)
    found = Solver(arrays, mip_rel_gap=0.0).run()
    assert found.status == "optimal"
    assert found.objective == pytest.approx(expected, rel=1e-7, abs=1e-7)
    assert np.isfinite(expected)


def test_the_solver_is_not_the_version_with_wrong_optima():
    assert not highspy.Highs().version().startswith("1.14")
