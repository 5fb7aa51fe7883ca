"""Unit-commitment patterns against their definitions: every status sequence is tried."""

import itertools

import numpy as np
import pytest

from varme.kernel.highs import Solver
from varme.kernel.model import Model, Windowed
from varme.kernel.patterns import on_off, ramp, sized

T = 7
SEQUENCES = list(itertools.product((0, 1), repeat=T))


def with_history(model, unit, past):
    """Hand over the statuses before the window, oldest first, with the starts and stops that they hold."""
    past = np.asarray(past, dtype=float)
    change = np.diff(past)
    for var, values in (
        (unit.status, past),
        (unit.start, np.maximum(change, 0)),
        (unit.stop, np.maximum(-change, 0)),
    ):
        if var is not None:
            model.set_history(var, values[len(values) - var.history :])


def runs_are_long_enough(past, now, min_up, min_down):
    """Definition: a run that began after the first known step and ended before the last is at least the minimum."""
    states = [*past, *now]
    begin = 0
    for t in range(1, len(states) + 1):
        if t == len(states) or states[t] != states[begin]:
            least = min_up if states[begin] else min_down
            if begin > 0 and t < len(states) and t - begin < least:
                return False
            begin = t
    return True


@pytest.mark.parametrize(
    ("min_up", "min_down", "past"),
    [
        (3, 1, [0] * 8),
        (1, 3, [1] * 8),
        (3, 2, [0] * 7 + [1]),
        (5, 1, [0] * 6 + [1, 1]),
        (1, 5, [1] * 6 + [0, 0]),
        (4, 3, [1] * 7 + [0]),
        (2, 2, [0, 0, 0, 0, 1, 1, 0, 0]),
        (7, 4, [0] * 5 + [1] * 3),
        (1, 1, [0] * 8),
    ],
)
def test_minimum_times_allow_exactly_the_sequences_of_the_definition(min_up, min_down, past):
    """Too tight forbids plans, too loose lets a unit blink; across the seam both were bugs of other frameworks.

    The start and stop columns are continuous, so this also proves that they need not be integer.
    """
    model = Model(T)
    level = model.var("u", upper=10.0, history=1)
    unit = on_off(
        model, "u", level, level_min=0.0, level_max=10.0, min_up=min_up, min_down=min_down, start_cost=1.0
    )
    model.assemble()
    with_history(model, unit, past)
    solver = Solver(model.arrays)
    solver.push(model)
    solver.relax(True)
    wrong = []
    for sequence in SEQUENCES:
        fixed = np.array(sequence, dtype=float)
        solver.change_bounds(unit.status.now, fixed, fixed)
        found = solver.run()
        allowed = runs_are_long_enough(past, sequence, min_up, min_down)
        if (found.status == "optimal") is not allowed:
            wrong.append(sequence)
        elif allowed:
            starts = sum(b > a for a, b in itertools.pairwise([past[-1], *sequence]))
            assert found.objective == pytest.approx(starts, abs=1e-9), sequence
    assert wrong == []


@pytest.mark.parametrize("initial", [0, 1])
@pytest.mark.parametrize(
    ("rate", "least"),
    [(2.0, 3.5), (3.0, 1.0), (2.0, 0.0)],
    ids=["min load above ramp", "below", "no min load"],
)
def test_ramps_know_starts_and_stops(rate, least, initial):
    """The largest and the smallest trajectory of every status sequence equal the definition's.

    A plain |change| <= rate with a minimum load above it lets a unit never start: costs off, no error message.
    """
    most, n = 10.0, 6
    before = least + rate / 2 if initial else 0.0
    model = Model(n)
    level = model.var("u", upper=most, history=1)
    unit = on_off(model, "u", level, level_min=least, level_max=most)
    ramp(model, "u", level, up=rate, down=rate, level_min=least, status=unit.status)
    model.assemble()
    model.set_history(unit.status, np.array([float(initial)]))
    model.set_history(level, np.array([before]))
    solver = Solver(model.arrays)
    solver.push(model)
    solver.relax(True)
    first = max(rate, least)
    for sequence in itertools.product((0, 1), repeat=n):
        fixed = np.array(sequence, dtype=float)
        solver.change_bounds(unit.status.now, fixed, fixed)
        high = [before, *([most] * n)]
        for t, on in enumerate(sequence, start=1):
            was = ([initial, *sequence])[t - 1]
            high[t] = (min(most, high[t - 1] + rate) if was else first) if on else 0.0
        for t in range(n - 1, 0, -1):
            if sequence[t - 1]:
                high[t] = min(high[t], (high[t + 1] + rate) if sequence[t] else first)
        possible = before <= (first if not sequence[0] else high[1] + rate) + 1e-9 if initial else True
        model.set_cost(level, -1.0)
        solver.push(model)
        found = solver.run()
        assert (found.status == "optimal") is possible, sequence
        if possible:
            assert -found.objective == pytest.approx(sum(high[1:]), abs=1e-7), sequence


def test_a_level_is_zero_or_between_its_limits_that_change_in_time():
    model = Model(3)
    level = model.var("u", upper=10.0, history=1)
    limits = Windowed(np.array([10.0, 4.0, 8.0, 2.0]))
    unit = on_off(model, "u", level, level_min=Windowed(limits.full / 2), level_max=limits, cost_on=3.0)
    model.assemble()
    solver = Solver(model.arrays)
    for first, expected in ((0, [10, 4, 8]), (1, [4, 8, 2])):
        model.move(first)
        for sign, on, values in (
            (-1.0, 1.0, expected),
            (1.0, 1.0, np.array(expected) / 2),
            (1.0, 0.0, [0, 0, 0]),
        ):
            model.set_cost(level, sign)
            model.set_bounds(unit.status, on, on)
            solver.push(model)
            found = solver.run()
            assert found.x[level.now] == pytest.approx(np.array(values))
            assert found.objective == pytest.approx(sign * sum(values) + 9.0 * on)
    assert (unit.start, unit.stop) == (None, None)
    [known] = model.commitments
    assert (known.name, known.min_up, known.level_max.tolist()) == ("u", 1, [4, 8, 2])


def test_the_relaxation_is_the_convex_hull_of_one_unit():
    """The tight minimum-time rows: for random costs the LP of one unit is already integer (Rajan and Takriti)."""
    rng = np.random.default_rng(3)
    for _ in range(40):
        model = Model(8)
        level = model.var("u", upper=1.0, history=1)
        unit = on_off(
            model, "u", level, level_min=0.0, level_max=1.0, min_up=3, min_down=2, start_cost=float(rng.random()),
            cost_on=rng.normal(size=8),
        )  # fmt: skip
        model.assemble()
        with_history(model, unit, [0] * 4)
        solver = Solver(model.arrays)
        solver.push(model)
        solver.relax(True)
        status = solver.run().x[unit.status.now]
        assert status == pytest.approx(np.round(status), abs=1e-7)


@pytest.mark.parametrize(
    ("income", "size_min", "cost_build", "expected"),
    [
        (3.0, 0.0, 0.0, 8.0), (1.5, 0.0, 0.0, 0.0), (3.0, 0.0, 7.9, 8.0), (3.0, 0.0, 8.1, 0.0), (1.5, 2.0, 0.0, 2.0),
        (1.5, 2.0, 1.0, 0.0),
    ],
)  # fmt: skip
def test_a_size_is_all_or_nothing_with_a_fixed_cost(income, size_min, cost_build, expected):
    """Income 3 a unit against 2: 8 units earn 8, so a fixed cost of 7.9 pays and one of 8.1 does not."""
    model = Model(1)
    size = sized(model, "u", size_min=size_min, size_max=8.0, cost_per_unit=2.0, cost_build=cost_build)
    level = model.var("level", cost=-income)
    model.add("within", [(1.0, level.now), (-1.0, size.now)], upper=0.0)
    found = Solver(model.assemble(), mip_rel_gap=0.0).run()
    assert found.x[size.now] == pytest.approx(expected, abs=1e-9)
