"""Sizing: the certificate against one program, fixed costs against enumeration, one physics, what is refused."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from varme.components.home import Slots
from varme.data.catalogue.costs import PRESETS, read_costs
from varme.ground.context import Context
from varme.ground.errors import InputError, ModelError
from varme.ground.size import Decision
from varme.ground.spec import parse
from varme.home.plant import State
from varme.home.schedule.problem import Worth, build
from varme.home.sizing.advice import flat_ranges, mixed_cost, sizes_map
from varme.home.sizing.equipment import Equipment, equip, first_reference
from varme.home.sizing.joint import solve_joint
from varme.home.sizing.master import SizeCost
from varme.home.sizing.operation import Year
from varme.home.sizing.preview import preview, typical_days
from varme.home.sizing.search import Branch, Search, Sized
from varme.home.sizing.spec import SizingStudy
from varme.home.sizing.study import check, run
from varme.home.sizing.template import sizing_files
from varme.kernel.highs import Solver
from varme.kernel.model import Floats
from varme.study.registry import find

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
COSTS: dict[str, Any] = {
    "heat_pump_kw": {"min": 2.0, "max": 12.0, "eur_per_kw": 500.0, "eur_fixed": 7000.0, "life_years": 18.0},
    "tank_l": {"min": 100.0, "max": 400.0, "eur_per_l": 5.0, "eur_fixed": 1000.0},
    "battery_kwh": {"max": 12.0, "eur_per_kwh": 350.0, "eur_fixed": 300.0, "life_years": 15.0},
    "pv_kwp": {"max": 10.0, "eur_per_kwp": 700.0, "eur_fixed": 800.0},
}


def study(days: int = 9, **more: Any) -> SizingStudy:
    """Return a short sizing study; ``more`` replaces sections."""
    data: dict[str, Any] = {
        "kind": "home-sizing",
        "time": {"start": date(2025, 3, 1), "end": date(2025, 3, 1 + days), "step_min": 60},
        "synthetic": {"year": 2025, "seed": 3},
        "weather": {
            "outdoor_c": {"synthetic": "outdoor_c"}, "ghi_w_per_m2": {"synthetic": "ghi_w_per_m2"},
        },
        "house": {}, "heat_pump": {}, "hot_water": {"draw_kw": {"synthetic": "draw_kw"}}, "battery": {},
        "photovoltaics": [{}], "household": {"load_kw": {"synthetic": "load_kw"}},
        "tariff": {
            "energy_eur_per_kwh": {"synthetic": "spot_eur_per_kwh"}, "tax_eur_per_kwh": 0.10,
            "co2_g_per_kwh": {"synthetic": "co2_g_per_kwh"},
        },
        "sizing": {**COSTS, "check_days_count": 0, "advice": "none", "period_days": 3, "missed_max_k_h": 1e4},
    }  # fmt: skip
    for name, section in more.items():
        data[name] = {**data[name], **section} if isinstance(data.get(name), dict) else section
    return parse(SizingStudy, data, "test")


def equipped(**more: Any) -> Equipment:
    return equip(study(**more), Context())


def searched(equipment: Equipment, gap: float = 2e-4) -> tuple[Search, Sized]:
    branches = equipment.branches(first_reference(equipment.sizes))
    search = Search(branches, equipment.weights, equipment.hours, equipment.study.sizing.period_days)
    start = {
        b.name: np.array([min(max((s.low + s.high) / 2, s.low), s.high) for s in b.sizes]) for b in branches
    }
    return search, search.run(start, gap, 60)


def one_shot(branch: Branch, fixed: Floats | None = None, sizes: list[SizeCost] | None = None) -> float:
    """Return the optimum of all periods in one program, linked."""
    year = Year(branch.years[0], 3)
    hours = sum(s.n for s in year.slots)
    weights = np.full(len(year.programs), 8760.0 / hours / 100)
    return solve_joint(year.programs, weights, sizes or list(branch.sizes), year.start, fixed).value


@pytest.fixture(scope="module")
def small() -> tuple[Equipment, Search, Sized]:
    """Return nine days sized once."""
    equipment = equipped()
    return (equipment, *searched(equipment))


def test_the_bound_and_the_cost_enclose_the_one_shot_optimum(small: tuple[Equipment, Search, Sized]) -> None:
    """Bound <= optimum of all periods in one program <= cost, and the claimed gap holds."""
    _, search, sized = small
    optimum = one_shot(search.states[""].branch)
    assert sized.closed
    assert sized.bound_eur <= optimum * (1 + 1e-5)
    assert optimum <= sized.best.cost_eur * (1 + 1e-5)
    assert sized.best.cost_eur - optimum <= 2e-4 * optimum * 1.05


def test_fixed_costs_agree_with_enumeration(small: tuple[Equipment, Search, Sized]) -> None:
    """What is built is decided as by trying every pattern of PV and battery."""
    _, search, sized = small
    branch = search.states[""].branch
    costs = []
    for pattern in itertools.product((False, True), repeat=2):
        built = dict(zip(("battery_kwh", "pv_kwp"), pattern, strict=True))
        sizes = [
            replace(s, high=s.high if built[s.name] else 0.0, lines=s.lines if built[s.name] else ((0.0, 0.0),))
            if s.name in built else s
            for s in branch.sizes
        ]  # fmt: skip
        fixed = [replace(s, lines=((0.0, 0.0),)) for s in sizes]
        capital = sum(max(f for _, f in s.lines) for s in sizes if s.name in built and s.high)
        lines = [
            replace(f, lines=tuple((p, 0.0) for p, _ in s.lines)) if s.name in built else s
            for f, s in zip(fixed, sizes, strict=True)
        ]
        costs.append(one_shot(branch, sizes=lines) + capital)
    assert min(costs) == pytest.approx(sized.best.cost_eur, rel=4e-4)


def test_the_planes_never_lie_above_the_cost(small: tuple[Equipment, Search, Sized]) -> None:
    """At any sizes the master's value is at most what the one-shot program says of them."""
    _, search, _ = small
    state = search.states[""]
    rng = np.random.default_rng(5)
    for _ in range(4):
        sizes = np.array([rng.uniform(s.low, s.high) for s in state.branch.sizes])
        assert state.master.at(sizes)[0] <= one_shot(state.branch, sizes) * (1 + 1e-6)


def test_an_evaluated_year_is_feasible_and_not_below_the_one_shot_year(
    small: tuple[Equipment, Search, Sized],
) -> None:
    """A plan period by period holds every constraint, and costs at least the optimum and little more."""
    _, search, sized = small
    exact = one_shot(search.states[""].branch, sized.best.sizes)
    assert max(o.violation for o in sized.best.years) < 1e-6
    assert exact * (1 - 1e-6) <= sized.best.cost_eur <= exact * (1 + 5e-4)


def test_the_cut_into_periods_does_not_matter() -> None:
    """Periods of two, three and nine days give the same cost within the gaps."""
    costs = []
    for days in (2, 3, 9):
        _, sized = searched(equipped(sizing={"period_days": days}), 5e-4)
        assert sized.closed
        costs.append((sized.bound_eur, sized.best.cost_eur))
    assert max(low for low, _ in costs) <= min(high for _, high in costs) * (1 + 1e-6)


def test_two_runs_are_equal() -> None:
    """Nothing is left to chance."""
    first, second = (searched(equipped(days=4))[1] for _ in range(2))
    assert np.array_equal(first.best.sizes, second.best.sizes)
    assert first.bound_eur == second.bound_eur


def test_a_day_costs_what_the_planner_says_without_on_off() -> None:
    """The program of a period is the planner's model with on/off relaxed: the same optimum from the same state."""
    pump = {"run_min": 0.0, "pause_min": 0.0, "start_cost_eur": 0.0, "backup_kw": 3.0}
    equipment = equipped(heat_pump=pump)
    reference = first_reference(equipment.sizes)
    case = equipment.at(0, reference)
    year = Year(equipment.branches(reference)[0].years[0], 1)
    sizes = np.array([reference[n] for n in year.scaled.names])
    year.worth[:] = 0.0
    operated, _ = year.plan(sizes)
    ours = float(year.programs[0].base.cost @ operated.x[0])
    plant = case.plant
    assert plant.house is not None
    assert plant.tank is not None
    low = float(np.min(plant.tank.low_c))
    nodes = plant.house.network.nodes
    state = State(house_c=year.start[:nodes], tank_c=np.full(plant.tank.layers, low))
    zero = Worth(np.zeros(nodes), 0.0, 0.0, 0.0)
    problem = build(plant, Slots.even(0, 24, 1.0), state, zero)
    solver = Solver(problem.arrays)
    solver.relax(True)
    assert ours == pytest.approx(solver.run().objective, rel=0.02)


def test_electricity_closes_in_every_step(small: tuple[Equipment, Search, Sized]) -> None:
    """Import, export, PV, battery, heat pump and load add up to 1e-6 kW, from the numbers alone."""
    _, search, sized = small
    year, worst = search.years[0], 0.0
    for program, x in zip(year.programs, sized.best.years[0].x, strict=True):
        rows = program.model.rows["electricity"].index
        base = program.base
        for d, slopes in enumerate(program.slopes):
            base.row_lower[slopes.rows] += 0.0 * sized.best.sizes[d]
        limits = base.row_lower[rows].copy()
        for d, slopes in enumerate(program.slopes):
            own = np.isin(slopes.rows, rows)
            limits[slopes.rows[own] - rows[0]] += sized.best.sizes[d] * slopes.row_slope[own]
        products = base.data * x[base.indices]
        activity = np.add.reduceat(products, base.indptr[:-1].astype(np.intp))[rows]
        worst = max(worst, float(np.abs(activity - limits).max()))
    assert worst < 1e-6


def test_a_flat_range_is_proven_by_evaluation(small: tuple[Equipment, Search, Sized]) -> None:
    """Both ends hold the optimum between them, and the possible ends enclose the proven ones."""
    _, search, sized = small
    ranges = {r.name: r for r in flat_ranges(search, sized, 0.02)}
    assert {"heat_pump_kw", "tank_l", "battery_kwh", "pv_kwp"} <= set(ranges)
    for one in ranges.values():
        assert one.low_possible <= one.low + 1e-6
        assert one.low <= one.best + 1e-6 <= one.high + 2e-6
        assert one.high <= one.high_possible + 1e-6


def test_a_map_holds_the_cost_between_its_bounds(small: tuple[Equipment, Search, Sized]) -> None:
    """Each place of a map lies between its proven bounds; they meet where a year was evaluated."""
    _, search, sized = small
    found = sizes_map(search, sized, "pv_kwp", "battery_kwh", points=3, exact=2)
    sizes = sized.best.sizes.copy()
    names = [s.name for s in search.states[""].branch.sizes]
    sizes[names.index("pv_kwp")], sizes[names.index("battery_kwh")] = found.x_size[4], found.y_size[4]
    cost = search.evaluate("", sizes).cost_eur
    assert found.least_eur[4] <= cost * (1 + 1e-6)
    assert np.isnan(found.most_eur[4]) or cost <= found.most_eur[4] * (1 + 1e-3)


def test_a_mix_of_known_costs_is_an_upper_bound_of_a_convex_cost() -> None:
    """Between two known points the cost is at most their mean; outside nothing is claimed."""
    places, costs = np.array([[0.0], [2.0]]), np.array([4.0, 0.0])
    assert mixed_cost(places, costs, np.array([1.0])) == pytest.approx(2.0)
    assert np.isnan(mixed_cost(places, costs, np.array([3.0])))


def test_typical_days_stand_for_all_days_with_the_coldest_among_them(
    small: tuple[Equipment, Search, Sized],
) -> None:
    """Weights add up to the days, and the coldest day stands for itself."""
    _, search, _ = small
    scaled = search.years[0].scaled
    days, counts = typical_days(scaled, 3)
    daily = scaled.plant.seen.outdoor_c.reshape(-1, 24).mean(axis=1)
    assert counts.sum() == len(daily)
    assert int(daily.argmin()) in days.tolist()


def test_a_preview_is_near_but_no_result(small: tuple[Equipment, Search, Sized]) -> None:
    """Typical days give sizes inside the limits, whose real cost is at least the optimum."""
    equipment, search, sized = small
    first = preview(search.states[""].branch, equipment.weights, 3)
    real = search.evaluate("", np.clip(first.sizes, [s.low for s in search.states[""].branch.sizes], None))
    assert real.cost_eur >= sized.bound_eur * (1 - 1e-9)
    assert real.cost_eur <= 1.2 * sized.best.cost_eur


def test_a_catalogue_gives_the_best_of_its_models() -> None:
    """Branches end with the model that is cheapest when each is sized alone, and none is missed."""
    models = [
        {"name": f"M{kw}", "rated_kw": kw, "eur": 7000.0 + 500.0 * kw, "life_years": 18.0} for kw in (4.0, 6.0, 9.0)
    ]  # fmt: skip
    costs = {k: v for k, v in COSTS.items() if k != "heat_pump_kw"}
    sizing = {**costs, "heat_pump_kw": None}
    _, whole = searched(equipped(days=5, sizing={**sizing, "models": models}), 5e-4)
    alone = [searched(equipped(days=5, sizing={**sizing, "models": [m]}), 5e-4)[1] for m in models]
    cheapest = min(range(3), key=lambda k: alone[k].best.cost_eur)
    assert whole.best.cost_eur == pytest.approx(alone[cheapest].best.cost_eur, rel=1e-3)
    assert whole.bound_eur <= min(a.best.cost_eur for a in alone) * (1 + 1e-9)


def test_scenarios_are_weighed() -> None:
    """With twice the price in a scenario of weight 1 of 2 the cost lies between the two years' own optima."""
    dear = {"name": "dear", "energy_scale_share": 2.0}
    _, both = searched(equipped(days=4, scenarios=[dear]), 1e-3)
    _, cheap = searched(equipped(days=4), 1e-3)
    assert both.best.operation_eur[1] > both.best.operation_eur[0]
    assert both.best.cost_eur > cheap.best.cost_eur
    mean = both.best.capital_eur + both.best.operation_eur.mean()
    assert both.best.cost_eur == pytest.approx(mean)


# ---------------------------------------------------------------------- money
def test_a_subsidy_with_a_limit_makes_a_convex_cost() -> None:
    """Below the limit the share is paid, above it the whole price, and the yearly cost is the larger line."""
    size = Decision(
        max=10, eur_per_kwp=1000, life_years=10, interest_share=0, subsidy_share=0.5, subsidy_max_eur=2000
    )
    cost = SizeCost("pv_kwp", 0, 10, size.yearly_lines("kwp"))
    assert cost.yearly_eur(2) == pytest.approx((2000 - 1000) / 10)
    assert cost.yearly_eur(8) == pytest.approx((8000 - 2000) / 10)
    assert size.subsidy_of_eur(size.investment_eur(8, "kwp")) == 2000
    assert cost.yearly_eur(0) == 0


def test_costs_of_homes_are_read_in_their_units() -> None:
    """EUR/kW becomes EUR per kW of a size in kW, maintenance comes as share, sum and per kW."""
    data = {"max": 10.0, "eur_per_kw": 400.0, "eur_fixed": 6000.0, "fixed_om_share": 0.01, "interest_share": 0.0,
            "life_years": 20.0}  # fmt: skip
    size = parse(Decision, data, "test")
    cost = SizeCost("heat_pump_kw", 2, 10, size.yearly_lines("kw"))
    assert size.investment_eur(5, "kw") == pytest.approx(8000)
    assert cost.yearly_eur(5) == pytest.approx(8000 / 20 + 80)


def test_a_cost_per_another_unit_is_refused() -> None:
    """EUR/kWh at a heat pump is told with its place."""
    with pytest.raises(InputError, match="P171"):
        equipped(sizing={"heat_pump_kw": {"max": 10.0, "eur_per_kwh": 5.0}})


def test_money_of_different_years_is_not_added() -> None:
    """Costs of 2015 and 2024 need an index; with one, 2015 money is raised."""
    old = {**COSTS["heat_pump_kw"], "price_year": 2015}
    new = {**COSTS["pv_kwp"], "price_year": 2024}
    with pytest.raises(InputError, match="P172"):
        equipped(sizing={"heat_pump_kw": old, "pv_kwp": new})
    index = {"2015": 100.0, "2024": 130.0}
    done = equipped(sizing={"heat_pump_kw": old, "pv_kwp": new, "price_index": index, "price_year": 2024})
    assert done.decisions["heat_pump_kw"].eur_fixed == pytest.approx(7000 * 1.3)
    assert done.decisions["pv_kwp"].eur_fixed == pytest.approx(800)
    assert done.price_year == 2024


def test_the_presets_state_source_and_year_and_have_a_fixed_part() -> None:
    """No preset turns the price of a unit into EUR/kW: 10 kW cost 9,800 EUR, of which 5,800 are fixed."""
    pump = PRESETS["dea-2020"]["heat_pump"]
    assert pump.eur(10) == pytest.approx(9800)
    assert pump.eur_fixed > 0.5 * pump.eur(10)
    assert all(c.source and c.price_year for c in PRESETS["dea-2020"].values())


def test_a_preset_is_used_where_no_cost_is_stated() -> None:
    """The set fills a decision without costs, adds the tariff's VAT, and asks for an index across price years."""
    sizing: dict[str, Any] = {k: {"min": v.get("min", 0.0), "max": v["max"]} for k, v in COSTS.items()}
    index = {"2015": 100.0, "2020": 105.0}
    with pytest.raises(InputError, match="P172"):
        equipped(sizing={**sizing, "costs": "dea-2020"})
    done = equipped(sizing={**sizing, "costs": "dea-2020", "price_index": index, "price_year": 2020})
    assert done.decisions["heat_pump_kw"].eur_fixed == pytest.approx(5800 * 1.25 * 1.05)
    assert any(f.code == "cost_preset" for f in done.findings)


@pytest.mark.skipif(not (SHARED / "home").is_dir(), reason="the catalogue's extract is not on this machine")
def test_the_presets_are_the_fits_of_the_extract() -> None:
    """What the package ships is what the reader finds in the Danish Energy Agency's figures."""
    for name, cost in read_costs(SHARED / "home").items():
        own = PRESETS["dea-2020"][name]
        assert cost.eur_fixed == pytest.approx(own.eur_fixed, rel=0.01)
        assert cost.eur_per_unit == pytest.approx(own.eur_per_unit, rel=0.01)


# ---------------------------------------------------------------------- what is refused
def test_nothing_to_decide_is_refused() -> None:
    """A study of numbers alone, and a decision for a device that is not there, are told."""
    with pytest.raises(InputError, match="P170"):
        equipped(sizing=dict.fromkeys(COSTS))
    with pytest.raises(InputError, match=r"P170 sizing\.battery_kwh"):
        equip(study().model_copy(update={"battery": None}), Context())


def test_a_horizon_of_a_day_is_refused() -> None:
    """A year is asked for, two days at least."""
    with pytest.raises(InputError, match="P174"):
        equipped(days=1)


def test_models_need_different_names() -> None:
    """Two models of one name cannot be told apart."""
    model = {"name": "A", "rated_kw": 5.0, "eur": 9000.0}
    with pytest.raises(InputError, match="P173"):
        study(sizing={"heat_pump_kw": None, "models": [model, model]})


def test_a_load_above_the_connection_is_told_with_its_time() -> None:
    """Watts taken for kilowatts end here, not in an infeasible model."""
    with pytest.raises((ModelError, InputError), match=r"2025-03-0.*above the largest import|load"):
        check(study(household={"load_kw": 30.0}), Context())


def test_a_heat_pump_too_small_is_told_with_the_missing_power() -> None:
    """Without a backup heater a small machine leaves the house cold: the message holds kW and time."""
    small = {"min": 0.5, "max": 1.0, "eur_per_kw": 500.0}
    asked = study(days=4, heat_pump={"backup_kw": 0.0}, sizing={"heat_pump_kw": small, "missed_max_k_h": 5.0})
    with pytest.raises(ModelError, match=r"P346.*lacks \d+\.\d kW"):
        run(asked, Context())


def test_a_co2_limit_out_of_reach_is_told() -> None:
    """Zero emissions cannot be had from the grid."""
    asked = study(days=3, sizing={"co2_max_kg": 1.0})
    with pytest.raises(ModelError, match="P347"):
        run(asked, Context())


def test_a_co2_limit_is_held_and_costs_more() -> None:
    """Within a limit emissions are below it, at a cost that is not below the free optimum."""
    free = run(study(days=3), Context())
    limit = 0.97 * float(free["co2_kg"])
    held = run(study(days=3, sizing={"co2_max_kg": limit}), Context())
    assert float(held["co2_kg"]) <= limit * (1 + 1e-9)
    assert float(held["cost_eur"]) >= float(free["bound_eur"]) * (1 - 1e-9)


def test_a_study_runs_from_file_to_result() -> None:
    """All tables are there with their advice, the reference is compared, the certificate stands in the provenance."""
    asked = study(
        days=5, sizing={"advice": "full", "check_days_count": 2, "pareto_count": 2},
        reference={"fuel_eur_per_kwh": 0.11},
    )  # fmt: skip
    result = run(asked, Context())
    assert result.provenance["gap_share"] <= 1e-3
    assert len(result.data["candidates"]) > 4
    assert len(result.data["sizes_map"]) == 98
    assert len(result.data["pareto"]) == 2
    assert len(result.data["checks"]) == 2
    assert len(result.data["payback"]) == 26
    assert np.all(result.data["candidates"].column("regret_percent") > -0.2)
    assert {"sizing_relaxed", "flat_optimum"} <= {f.code for f in result.findings}
    costs = result.data["costs"]
    own = costs.column("variant") == "optimum"
    assert costs.column("cost_eur")[own].sum() == pytest.approx(result["cost_eur"], rel=1e-6)
    for chart in result.charts:
        assert len(chart.data(result.data)) > 0


def test_the_kind_is_registered_with_a_template_that_is_read() -> None:
    """``varme new home-sizing`` makes a study that can be checked."""
    kind = find("home-sizing")
    assert kind.template is sizing_files
    assert len(kind.tables()) == 11  # type: ignore[misc]


def test_a_trace_of_a_size_with_a_fixed_cost_is_nothing(small: tuple[Equipment, Search, Sized]) -> None:
    """A battery of a millionth of a kWh would pay the whole fixed cost: it is none, and its cost says so."""
    _, search, _ = small
    state = search.states[""]
    names = [s.name for s in state.branch.sizes]
    sizes = np.array([(s.low + s.high) / 2 for s in state.branch.sizes])
    sizes[names.index("battery_kwh")] = 1e-6
    snapped = state.master.snapped(sizes)
    assert snapped[names.index("battery_kwh")] == 0.0
    without = sizes.copy()
    without[names.index("battery_kwh")] = 0.0
    assert (
        state.master.yearly_eur(snapped) == state.master.yearly_eur(without) < state.master.yearly_eur(sizes)
    )
