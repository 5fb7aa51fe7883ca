"""Starting bases: a better path to the same optimum, repeated bit by bit, whatever the windows before were."""

import numpy as np
import pytest

from varme.kernel.highs import Solver
from varme.kernel.horizon import roll
from varme.kernel.model import Model, Windowed
from varme.kernel.patterns import on_off, ramp
from varme.kernel.solve import LpSolve
from varme.kernel.start import Solved, Starter

N, KEEP, OVERLAP = 24 * 14, 48, 24
HOURS = np.arange(N)
RANDOM = np.random.default_rng(7)
DEMAND = 50 + 30 * np.sin(2 * np.pi * HOURS / 24) + RANDOM.normal(0, 8, N)
WIND = np.clip(20 + RANDOM.normal(0, 12, N), 0, None)


def a_system(length, first):
    """Return two slow plants, a dear one, a store, wind that must be taken, and one balance."""
    model = Model(length, first)
    supply = []
    for name, most, cost in (("coal", 60.0, 10.0), ("gas", 50.0, 30.0)):
        level = model.var(f"{name}.level", upper=most, cost=cost, history=1)
        unit = on_off(model, name, level, level_min=0.3 * most, level_max=most)
        ramp(model, name, level, up=0.2 * most, down=0.2 * most, level_min=0.3 * most, status=unit.status)
        supply.append((1.0, level.now))
    wind = model.var("wind", lower=Windowed(WIND), upper=Windowed(WIND))
    dear, spill = model.var("dear", cost=200.0), model.var("spill")
    flow = model.var("flow", lower=-15.0, upper=15.0)
    level = model.var("store.level", upper=80.0, history=1)
    model.add("store", [(1.0, level.now), (-1.0, level.lag(1)), (1.0, flow.now)], lower=0.0, upper=0.0)
    terms = [*supply, (1.0, wind.now), (1.0, dear.now), (-1.0, spill.now), (1.0, flow.now)]
    model.add("balance", terms, lower=Windowed(DEMAND), upper=Windowed(DEMAND))
    return model


class Shelf(dict):
    """Finished windows, kept in memory."""

    def load(self, key):
        return self.get(key)

    def save(self, key, arrays):
        self[key] = arrays


def rolled(store=None):
    return roll(a_system, N, KEEP, OVERLAP, LpSolve(), initial={"store.level": np.array([40.0])}, store=store)


def test_every_window_reaches_the_same_optimum_as_from_scratch(monkeypatch):
    """The starting basis chooses the path only: each window's optimum is that of a fresh solve of the same numbers."""
    optima = []

    class Checked(LpSolve):
        def __call__(self, model, solver):
            answer = super().__call__(model, solver)
            fresh = Solver(model.arrays)
            fresh.relax(True)
            optima.append((answer.objective, fresh.run().objective))
            return answer

    roll(a_system, N, KEEP, OVERLAP, Checked(), initial={"store.level": np.array([40.0])})
    assert len(optima) > 5
    for ours, cold in optima:
        assert ours == pytest.approx(cold, rel=1e-9)


def test_a_resumed_run_repeats_the_bits():
    """Windows that are read from the store give the same starting bases as windows that were just solved."""
    whole = Shelf()
    expected = rolled(whole)
    half = Shelf({key: whole[key] for key in sorted(whole)[: len(whole) // 2]})
    found = rolled(half)
    for name, values in expected.values.items():
        assert np.array_equal(found.values[name], values), name
    assert expected.column("iterations").tolist() == found.column("iterations").tolist()


def test_fewer_iterations_than_from_scratch(monkeypatch):
    """A wrong pattern (shifted columns, mixed-up windows) would cost more iterations than no basis at all."""
    warm = rolled().column("iterations")[1:].sum()
    monkeypatch.setattr(Solver, "set_basis", lambda *_, **__: None)
    cold = rolled().column("iterations")[1:].sum()
    assert warm < 0.7 * cold


def test_steps_that_were_planned_take_over_their_own_pattern():
    """The overlap of two windows gets the latest window's pattern of the same step, not that of a similar step."""
    model = a_system(6, 0)
    model.assemble()
    columns = np.zeros(len(model.arrays.cost), dtype=np.int8)
    rows = np.zeros(len(model.arrays.row_lower), dtype=np.int8)
    dear, balance = model.vars["dear"].now, model.rows["balance"].index
    columns[dear], rows[balance] = [0, 1, 2, 0, 1, 2], [2, 1, 0, 2, 1, 0]
    model.move(4)
    found = Starter(model, N).basis(4, [Solved(0, (columns, rows))])
    assert found[0][dear][:2].tolist() == [1, 2]
    assert found[1][balance][:2].tolist() == [1, 0]


def test_must_take_is_netted_from_the_demand():
    """The number that steps are compared by is the demand less the wind, since the wind leaves no choice."""
    model = a_system(6, 0)
    model.assemble()
    starter = Starter(model, N)
    net = DEMAND - WIND
    own = starter.marks[:, starter.marks.shape[1] // 2]
    assert np.corrcoef(own, net)[0, 1] == pytest.approx(1.0)


def test_a_model_of_constant_numbers_keeps_the_positions():
    """Without anything that changes over time, each step takes over the pattern of its own position."""
    model = Model(4)
    x = model.var("x", upper=1.0)
    model.add("row", [(1.0, x.now)], upper=2.0)
    model.assemble()
    columns, rows = np.array([0, 1, 2, 0], dtype=np.int8), np.array([1, 0, 1, 1], dtype=np.int8)
    found = Starter(model, 40).basis(8, [Solved(0, (columns, rows)), Solved(4, (columns, rows))])
    assert found[0].tolist() == columns.tolist()
    assert found[1].tolist() == rows.tolist()


def test_the_basis_read_back_is_optimal_at_once():
    """A basis read from the basic variables and the solution is HiGHS's own: from it, no iteration is left."""
    model = a_system(48, 0)
    solver = Solver(model.assemble())
    solver.relax(True)
    first = solver.run()
    basis = solver.basis()
    solver.highs.clearSolver()
    solver.set_basis(basis)
    again = solver.run()
    assert first.iterations > 0
    assert again.iterations == 0
    assert again.objective == pytest.approx(first.objective, rel=1e-12)
