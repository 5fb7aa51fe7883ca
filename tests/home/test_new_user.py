"""What a first-time user meets: mistakes that must be told, and figures that must not surprise."""

from __future__ import annotations

import numpy as np
import pytest

import varme
from tests.home.tiny import column, home, run
from varme.ground.errors import Problem, SolverError, VarmeError
from varme.home.emhass import from_emhass
from varme.kernel.highs import Solver
from varme.study.compare import Row

NOBODY = {"house": None, "hot_water": None}
REFUSED = {
    "a heat pump with nothing to heat": (NOBODY, "P190", "heat_pump", "Add [house]"),
    "a heat pump of no size": ({"heat_pump": {"rated_kw": 0.0}}, "P101", "heat_pump.rated_kw", "leave [heat_pump] out"),
    "a price in EUR/MWh": ({"tariff": {"energy_eur_per_kwh": 80.0}}, "P210", "tariff.energy_eur_per_kwh", "10 EUR/kWh"),
    "a room in kelvin": (
        {"house": {"temperature_min_c": 293.0, "temperature_max_c": 296.0}}, "P210", "house.temperature_min_c", "45",
    ),
    "a tank like a lake": ({"hot_water": {"volume_l": 1e9}}, "P101", "hot_water.volume_l", "100000"),
    "a house that holds no heat": ({"house": {"capacity_kwh_per_k": 1e-6}}, "P101", "house.capacity_kwh_per_k", "0.01"),
    "a tariff of another year": ({"tariff": {"preset": "be-2030"}}, "P176", "tariff.preset", "Did you mean be-"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=list(REFUSED))
def test_a_beginners_mistake_is_refused_with_its_place_and_limit(case):
    changes, code, where, word = REFUSED[case]
    with pytest.raises(VarmeError) as caught:
        run(**changes)
    found = [p for p in caught.value.problems if p.code == code and p.where == where]
    assert found, str(caught.value)
    assert word in str(found[0])


def test_a_floor_area_that_is_no_number_is_one_problem_and_not_five():
    with pytest.raises(VarmeError) as caught:
        run(house={"floor_area_m2": float("nan"), "built_year": 1985})
    assert [p.where for p in caught.value.problems] == ["house.floor_area_m2"]


def test_a_file_of_prices_in_euro_per_mwh_without_a_unit_is_not_taken_for_euro_per_kwh(tmp_path):
    lines = [f"2025-01-14T{h:02d}:00Z,{80 + h}" for h in range(24)]
    (tmp_path / "prices.csv").write_text("\n".join(["time,SpotPriceEUR", *lines]) + "\n", encoding="utf-8")
    series = {"file": str(tmp_path / "prices.csv"), "column": "SpotPriceEUR"}
    with pytest.raises(VarmeError, match=r'unit = "EUR/MWh"'):
        varme.run(home(tariff={"energy_eur_per_kwh": series}))
    result = varme.run(home(tariff={"energy_eur_per_kwh": series | {"unit": "EUR/MWh"}}))
    assert column(result, "plan", "import_cent_per_kwh").max() < 50.0


def test_at_equal_prices_nothing_is_bought_and_sold_at_once():
    flat = {"energy_eur_per_kwh": 0.2, "feed_in": "net"}
    result = run(house=None, hot_water=None, heat_pump=None, photovoltaics=[{"peak_kwp": 4.0}], tariff=flat)
    bought, sold = column(result, "plan", "import_kw"), column(result, "plan", "export_kw")
    assert np.minimum(bought, sold).max() <= 1e-9


def test_a_home_without_heat_has_a_gap_of_nothing_and_not_of_rounding():
    result = run(house=None, hot_water=None, heat_pump=None)
    assert result["gap_cent"] == 0.0


def test_a_room_that_is_too_warm_is_not_told_that_more_heat_is_impossible():
    result = run(hot_water=None, weather={"outdoor_c": 24.0}, state={"room_c": 23.0})
    told = next(f.message for f in result.findings if f.code == "comfort_missed")
    assert "above its comfort band" in told
    assert "more heat" not in told


def test_an_emhass_configuration_with_a_step_of_text_is_told_once_and_no_bug():
    with pytest.raises(VarmeError) as caught:
        from_emhass({"optimization_time_step": "abc"})
    assert [(p.code, p.where) for p in caught.value.problems] == [("P162", "optimization_time_step")]


def test_figures_that_differ_by_rounding_are_equal_in_a_comparison():
    assert Row("peak_kw", "Highest import", (17.0, 17.0 - 1.2e-13)).equal
    assert not Row("peak_kw", "Highest import", (17.0, 16.9)).equal


def test_an_lp_that_the_solver_gives_up_on_is_solved_once_more_from_the_beginning(monkeypatch):
    usual = run()["cost_eur"]
    failures = iter([True])
    plain = Solver.run

    def failing(self):
        if next(failures, False):
            raise SolverError(Problem("P401", "HiGHS", "solving failed"))
        return plain(self)

    monkeypatch.setattr(Solver, "run", failing)
    result = run()
    assert next(failures, None) is None  # it did fail once
    assert abs(result["cost_eur"] - usual) < 0.02 * abs(usual) + 0.05
