"""The rolling horizon: windows that cover, states that are handed over, runs that resume with the same bytes."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernel.test_patterns import runs_are_long_enough
from varme.ground.context import Checkpoints
from varme.ground.errors import ModelError, SolverError
from varme.kernel.bound import dual_bound, horizon_bound
from varme.kernel.highs import Solver
from varme.kernel.horizon import Answer, plan_windows, roll
from varme.kernel.model import Model, Windowed
from varme.kernel.patterns import on_off, ramp
from varme.kernel.solve import HighsSolve, LpSolve, SearchSolve

N = 30


@given(n=st.integers(1, 400), keep=st.integers(1, 60), overlap=st.integers(0, 40))
@settings(max_examples=200, deadline=None)
def test_windows_cover_every_step_once_and_look_ahead(n, keep, overlap):
    windows = plan_windows(n, keep, overlap)
    kept = [t for w in windows for t in range(w.first, w.first + w.keep)]
    assert kept == list(range(n))
    assert all(w.first + w.length <= n for w in windows)
    for w in windows[:-1]:
        assert (w.keep, w.length) == (keep, keep + overlap)
    assert windows[-1].keep == windows[-1].length <= keep + overlap


# --------------------------------------------------------------------------------------- a small system


def system(length, first=0, *, n=N, min_up=5, min_down=3, integer=True):
    """Return a plant (min load above its ramp, min up and down), a store and a dear reserve against a demand."""
    rng = np.random.default_rng(5)
    demand = Windowed(np.round(4 + 3 * np.sin(np.arange(n) / 3) + rng.random(n), 2))
    price = Windowed(np.round(10 + 5 * rng.random(n), 2))
    model = Model(length, first)
    level = model.var("plant.fuel", upper=10.0, cost=price, history=1)
    unit = on_off(
        model,
        "plant",
        level,
        level_min=4.0,
        level_max=10.0,
        start_cost=15.0,
        min_up=min_up,
        min_down=min_down,
    )
    ramp(model, "plant", level, up=2.0, down=2.0, level_min=4.0, status=unit.status)
    store = model.var("store.level", upper=6.0, history=1)
    flow = model.var("store.flow", lower=-2.0, upper=2.0)
    model.add(
        "store.balance", [(1.0, store.now), (-0.99, store.lag(1)), (-1.0, flow.now)], lower=0.0, upper=0.0
    )
    reserve = model.var("reserve", cost=60.0)
    spill = model.var("spill", cost=1.0)
    terms = [(1.0, level.now), (-1.0, flow.now), (1.0, reserve.now), (-1.0, spill.now)]
    model.add("balance", terms, lower=demand, upper=demand)
    return model


START = {
    "plant.fuel": np.array([0.0]), "plant.status": np.array([0.0]), "plant.start": np.array([0.0]),
    "plant.stop": np.array([0.0]), "store.level": np.array([3.0]),
}  # fmt: skip
EXACT = HighsSolve(gap_share=1e-9)


def replayed(found):
    """Put the kept trajectories into the model of the whole horizon and return its largest violation and its cost."""
    model = system(N)
    arrays = model.assemble()
    x = np.zeros(len(arrays.cost))
    for name, var in model.vars.items():
        before = START.get(name, np.zeros(1))
        past = np.full(var.history, before[-1])
        x[var.index] = np.concatenate([past, found.values[name]])
    activity = np.add.reduceat(arrays.data * x[arrays.indices], arrays.indptr[:-1])
    worst = max(np.max(arrays.row_lower - activity), np.max(activity - arrays.row_upper))
    worst = max(worst, np.max(arrays.col_lower[: len(x)] - x), np.max(x - arrays.col_upper))
    return worst, float(arrays.cost @ x)


@pytest.mark.parametrize("solve", [EXACT, LpSolve()], ids=["milp", "lp"])
@pytest.mark.parametrize(
    ("keep", "overlap"), [(1, 6), (3, 9), (4, 0), (7, 5), (10, 20), (30, 0), (29, 1), (2, 1)]
)
def test_the_kept_parts_together_obey_every_constraint_of_the_horizon(keep, overlap, solve):
    """Levels, ramps, starts, hours up and down: whatever is lost at a seam shows up as a violated row."""
    found = roll(system, N, keep, overlap, solve, initial=START)
    worst, cost = replayed(found)
    assert worst <= 1e-6
    one = roll(system, N, N, 0, solve, initial=START)
    assert cost >= one.column("objective")[0] - 1e-6
    assert replayed(one)[1] == pytest.approx(one.column("objective")[0])


@pytest.mark.parametrize(("keep", "overlap"), [(1, 2), (2, 1), (3, 1), (4, 2), (6, 3)])
def test_minimum_times_hold_across_seams_shorter_than_themselves(keep, overlap):
    """PyPSA #771, #780: a unit with a minimum down time of 24 h was down for 3 h."""
    found = roll(system, N, keep, overlap, EXACT, initial=START)
    status = np.round(found.values["plant.status"]).astype(int).tolist()
    assert runs_are_long_enough([0] * 6, status, 5, 3)
    assert 0 < sum(status) < N
    starts = [float(b > a) for a, b in itertools.pairwise([0, *status])]
    assert found.values["plant.start"] == pytest.approx(starts, abs=1e-6)


def test_full_overlap_finds_the_plan_of_one_shot():
    """With the whole rest of the horizon in view, the first kept steps are those of a one-shot optimum."""
    one = roll(system, N, N, 0, EXACT, initial=START)
    rolled = roll(system, N, 5, N, EXACT, initial=START)
    assert len(rolled.records) == 1
    assert replayed(rolled)[1] == pytest.approx(replayed(one)[1], rel=1e-9)
    seen = roll(system, N, 1, N - 1, EXACT, initial=START)
    assert replayed(seen)[1] == pytest.approx(replayed(one)[1], rel=1e-7)


def test_more_overlap_is_better_and_none_is_worse():
    costs = [replayed(roll(system, N, 3, overlap, LpSolve(), initial=START))[1] for overlap in (0, 3, 12)]
    one = replayed(roll(system, N, N, 0, LpSolve(), initial=START))[1]
    assert costs[0] > costs[1] > costs[2] - 1e-9
    assert costs[0] > one * 1.01
    assert costs[2] == pytest.approx(one, rel=2e-3)


def test_the_bound_of_the_horizon_stays_below_its_optimum():
    one = roll(system, N, N, 0, EXACT, initial=START).column("objective")[0]
    relaxed = roll(system, N, N, 0, LpSolve(), initial=START).column("objective")[0]
    whole = system(N)
    whole.assemble()
    for name, values in START.items():
        whole.set_history(whole.vars[name], np.full(whole.vars[name].history, values[0]))
    for keep, overlap in ((30, 0), (5, 5), (10, 10), (7, 0)):
        found = roll(system, N, keep, overlap, EXACT, initial=START)
        bound = horizon_bound(whole, found)
        assert bound <= relaxed + 1e-6 <= one + 2e-6
        assert bound >= 0.5 * relaxed
    assert horizon_bound(whole, roll(system, N, N, 0, EXACT, initial=START)) == pytest.approx(
        relaxed, rel=1e-9
    )
    assert dual_bound(whole.arrays, np.zeros(len(whole.arrays.row_lower))) <= relaxed


def test_a_free_state_is_chosen_without_cost():
    """PyPSA #1766: an unknown status that counts as off makes a false start, or a false infeasibility."""
    free = roll(system, N, N, 0, EXACT, initial={"store.level": np.array([3.0])})
    off = roll(system, N, N, 0, EXACT, initial=START)
    assert free.column("objective")[0] <= off.column("objective")[0] + 1e-6
    assert free.values["plant.start"][0] == pytest.approx(0.0, abs=1e-6)


# ---------------------------------------------------------------------------------------------- resume


class KilledError(Exception):
    pass


@pytest.mark.parametrize("solve", [EXACT, LpSolve(), SearchSolve("fast")], ids=["highs", "lp", "search"])
def test_a_killed_run_resumes_with_the_same_bytes(tmp_path, solve):
    """A window may depend on its numbers and its basis only, not on what the solver object did before."""

    def kill_after(number):
        def on_window(done, total, so_far):
            if done == number:
                raise KilledError

        return on_window

    whole = roll(system, N, 4, 5, solve, initial=START, store=Checkpoints(tmp_path / "a", "f", resume=False))
    for number in (1, 2, 5):
        store = Checkpoints(tmp_path / "b", "f", resume=number > 1)
        with pytest.raises(KilledError):
            roll(system, N, 4, 5, solve, initial=START, store=store, on_window=kill_after(number))
    resumed = roll(system, N, 4, 5, solve, initial=START, store=Checkpoints(tmp_path / "b", "f", resume=True))
    assert resumed.values.keys() == whole.values.keys()
    for kind in ("values", "duals", "bound_duals"):
        for name, values in getattr(whole, kind).items():
            assert getattr(resumed, kind)[name].tobytes() == values.tobytes(), (kind, name)
    assert [r[:-1] for r in resumed.records] == [r[:-1] for r in whole.records]  # all but the CPU time
    assert resumed.statuses == whole.statuses


def test_finished_windows_are_not_solved_again(tmp_path):
    calls = []

    def counting(model, solver):
        calls.append(model.first)
        return LpSolve()(model, solver)

    for _ in range(2):
        found = roll(system, N, 4, 5, counting, initial=START, store=Checkpoints(tmp_path, "f", resume=True))
    assert calls == [0, 4, 8, 12, 16, 20, 24]
    assert len(found.records) == 7


# --------------------------------------------------------------------------------------------- mistakes


def test_a_wrong_answer_of_a_search_stops_the_run():
    def lying(model, solver):
        answer = LpSolve()(model, solver)
        x = answer.x.copy()
        x[model.vars["reserve"].now[2]] += 1.0
        return Answer(**{**vars(answer), "x": x})

    with pytest.raises(SolverError) as caught:
        roll(system, N, 10, 5, lying, initial=START)
    assert [(p.code, p.where) for p in caught.value.problems] == [("P403", "window at step 0")]


def test_integer_answers_are_checked_for_integrality():
    def lazy(model, solver):
        return Answer(**{**vars(LpSolve()(model, solver)), "relaxed": False})

    with pytest.raises(SolverError, match="integrality of"):
        roll(system, N, 10, 5, lazy, initial=START)


def test_a_time_limit_gives_the_best_plan_with_its_gap_or_a_plain_refusal():
    def hard(length, first):
        rng = np.random.default_rng(0)
        model = Model(length, first)
        items = [model.var(f"x{k}", upper=1, integer=True, cost=-rng.random()) for k in range(30)]
        for r in range(20):
            model.add(f"r{r}", [(rng.random() * 10, x.now) for x in items], upper=20.0 + r)
        model.add_row("all", np.ones(30 * length), np.concatenate([x.now for x in items]), upper=6.5 * length)
        return model

    found = roll(hard, 80, 40, 0, HighsSolve(gap_share=1e-9, time_limit_s=0.5))
    assert found.statuses == ["time_limit", "time_limit"]
    assert (found.column("gap_share") > 1e-4).all()
    assert (found.column("bound") < found.column("objective")).all()

    def impossible(length, first):
        """Return a market split: no plan is found in no time."""
        rng = np.random.default_rng(1)
        model = Model(length, first)
        items = [model.var(f"x{k}", upper=1, integer=True) for k in range(50)]
        weights = rng.integers(1, 100, (6, 50)).astype(float)
        for r in range(6):
            half = float(weights[r].sum() // 2)
            model.add(
                f"r{r}", [(w, x.now) for w, x in zip(weights[r], items, strict=True)], lower=half, upper=half
            )
        return model

    with pytest.raises(SolverError) as caught:
        roll(impossible, 1, 1, 0, HighsSolve(time_limit_s=0.3))
    assert [p.code for p in caught.value.problems] == ["P402"]


def test_an_infeasible_window_stops_the_run_at_once():
    def short(length, first):
        model = Model(length, first)
        x = model.var("x", upper=Windowed(np.array([5.0, 5, 5, 1, 5, 5])))
        model.add("need", [(1.0, x.now)], lower=3.0)
        return model

    with pytest.raises(ModelError, match="P301"):
        roll(short, 6, 2, 0, LpSolve())


def test_progress_counts_windows():
    seen = []
    roll(
        system,
        N,
        10,
        5,
        LpSolve(),
        initial=START,
        on_window=lambda d, t, so_far: seen.append((d, t, len(so_far.records))),
    )
    assert seen == [(1, 3, 1), (2, 3, 2), (3, 3, 3)]


@pytest.mark.parametrize("quality", ["fast", "precise"])
def test_the_search_agrees_with_plain_branch_and_bound_within_both_gaps(quality):
    plain = roll(system, N, 15, 5, EXACT, initial=START)
    searched = roll(system, N, 15, 5, SearchSolve(quality), initial=START)
    first = searched.records[0]
    assert first[4] <= plain.records[0][3] + 1e-6  # the search's bound is below the optimum
    assert first[3] >= plain.records[0][4] - 1e-6  # its plan is above the bound
    assert replayed(searched)[0] <= 1e-6
    assert Solver(system(5).assemble()).relaxed is False
