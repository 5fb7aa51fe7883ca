"""The home that EMHASS plans too: varme's optimum against linopy's and HiGHS's own, modulating and on/off."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.home_parity import build, draw_case, lean, store
from benchmarks.home_plant import problem_of
from benchmarks.peers import home_models
from varme.kernel.highs import Solver
from varme.kernel.switched import Limits, plan


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_the_optimum_is_that_of_linopy(seed: int) -> None:
    pytest.importorskip("linopy")
    case = draw_case(seed, 24, 60)
    theirs = home_models.optimum(home_models.linopy_handed_over(case.as_json()))
    model, modes, start = lean(case)
    assert model.arrays is not None
    found = plan(model.arrays, modes, Limits(gap_share=1e-7), start=start)
    assert found.objective == pytest.approx(theirs, rel=1e-6)
    assert found.bound == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("seed", [1, 6])
def test_counts_of_packets_cut_no_plan_off_and_raise_the_bound(seed: int) -> None:
    case = draw_case(seed, 24, 15, strict=True)
    bounds = []
    for counted in (False, True):
        arrays = lean(case, counts=counted)[0].arrays
        assert arrays is not None
        bounds.append(Solver(arrays).run().objective)
    model, modes, start = lean(case)
    assert model.arrays is not None
    found = plan(
        model.arrays, modes, Limits(gap_share=0.005, stages=(8,), moves=0, time_limit_s=30), start=start
    )
    assert bounds[0] < bounds[1] <= found.objective
    assert found.gap_share <= 0.005
    # The plan is one of the model with statuses and without counts.
    full = build(case)
    solver = Solver(full.arrays)
    solver.relax(True)
    for name, m in (("room", 0), ("water", 1)):
        on = (found.pattern == m).astype(float)
        solver.change_bounds(full.vars[f"{name}_on"].now, on, on)
        assert bool(store(case, name).allows(on, 1e-6))
    assert solver.run().objective == pytest.approx(found.objective, rel=1e-7)


def test_two_equal_runs_give_equal_plans() -> None:
    case = draw_case(3, 24, 15)
    plans = []
    for _ in range(2):
        model, modes, start = lean(case)
        assert model.arrays is not None
        plans.append(plan(model.arrays, modes, start=start))
    assert np.array_equal(plans[0].x, plans[1].x)
    assert plans[0].bound == plans[1].bound


@pytest.mark.parametrize("seed", [2, 5])
def test_a_plant_of_our_components_has_the_optimum_of_the_parity_model(seed: int) -> None:
    case = draw_case(seed, 24, 60)
    problem = problem_of(case)
    solver = Solver(problem.arrays, mip_rel_gap=2e-3, time_limit=30.0)
    ours = solver.run()
    assert ours.feasible
    model, modes, start = lean(case)
    assert model.arrays is not None
    found = plan(model.arrays, modes, Limits(gap_share=1e-4), start=start)
    assert ours.objective >= found.bound * (1 - 1e-5)
    assert ours.bound <= found.objective * (1 + 1e-5)
    assert ours.objective == pytest.approx(found.objective, rel=2.2e-3)
