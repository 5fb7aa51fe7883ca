"""Infeasible models explained: the right rows, the right amounts, and why."""

import numpy as np
import pytest

from varme.kernel.explain import explain
from varme.kernel.model import Model
from varme.kernel.patterns import on_off


def heat(demand, least=0.0, most=10.0, **other):
    """Return a plant against a demand of heat, and a plant against a demand of electricity that always fits."""
    demand = np.asarray(demand, dtype=float)
    model = Model(len(demand))
    level = model.var("plant.fuel", upper=most, history=1)
    on_off(model, "plant", level, level_min=least, level_max=most, **other)
    power = model.var("power", upper=5.0)
    model.add("heat", [(1.0, level.now)], lower=demand, upper=demand)
    model.add("power", [(1.0, power.now)], lower=3.0, upper=3.0)
    model.assemble()
    return model


def test_a_shortage_is_found_in_its_bus_its_hours_and_its_amount():
    found = explain(heat([8.0, 12.5, 10.0, 11.0]), ["heat", "power"])
    [shortage] = found.shortages
    assert shortage.name == "heat"
    assert shortage.short == pytest.approx([0, 2.5, 0, 1.0])
    assert shortage.over == pytest.approx([0, 0, 0, 0])
    assert (found.all_rows, found.switching) == (False, False)
    assert found.x[:1].size == 1


def test_a_surplus_is_no_shortage():
    [surplus] = explain(heat([8.0, -2.0]), ["heat", "power"]).shortages
    assert surplus.over == pytest.approx([0, 2.0])
    assert surplus.short == pytest.approx([0, 0])


def test_what_only_the_minimum_load_forbids_is_told_so():
    """The relaxation fits, so an elastic LP alone finds nothing missing and says nothing."""
    found = explain(heat([8.0, 3.0], least=4.0), ["heat", "power"])
    assert found.switching
    [surplus] = found.shortages
    assert surplus.over == pytest.approx([0, 1.0])


def test_when_the_buses_are_not_to_blame_all_rows_are_asked():
    model = heat([0.0, 0.0], min_up=2, min_down=1)
    model.set_history(model.vars["plant.status"], np.array([0.0, 1.0]))
    model.set_history(model.vars["plant.start"], np.array([1.0]))
    model.set_history(model.vars["plant.stop"], np.array([0.0]))
    model.set_bounds(model.vars["plant.status"], upper=0.0)
    found = explain(model, ["heat", "power"])
    assert found.all_rows
    assert {s.name for s in found.shortages} <= {"plant.min_up", "plant.switch"}


def test_contradicting_bounds_are_beyond_any_row():
    model = heat([1.0])
    model.set_bounds(model.vars["power"], lower=6.0)
    assert explain(model, ["heat"]) is None


def test_a_feasible_model_misses_nothing():
    found = explain(heat([1.0, 2.0]), ["heat", "power"])
    assert found.shortages == []
