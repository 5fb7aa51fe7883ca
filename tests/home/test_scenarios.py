"""The plan under uncertainty: against the model written out whole, its laws, its generator, and a run from a file."""

import dataclasses
import tomllib
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from varme.components.home import Slots
from varme.ground.context import Context
from varme.home.case import state_of
from varme.home.scenarios.compare import first_count, plan_under_uncertainty, slots_of
from varme.home.scenarios.generate import Maker, drawn, forecast
from varme.home.scenarios.spec import ScenariosSpec
from varme.home.scenarios.two_stage import Master, Recourse, Risk, first_of, scenario_plan
from varme.home.schedule.problem import build, worth_of
from varme.home.spec import HomeStudy
from varme.kernel.highs import Solver
from varme.kernel.model import Arrays
from varme.study.run import run

ROOT = Path(__file__).resolve().parents[2]


def home_of(start="2025-03-03", end="2025-03-04", seed=3, **sections):
    data = tomllib.loads((ROOT / "examples/home-day/study.toml").read_text(encoding="utf-8"))
    data["time"] |= {"start": tomllib.loads(f"x = {start}")["x"], "end": tomllib.loads(f"x = {end}")["x"]}
    data["synthetic"]["seed"] = seed
    return HomeStudy(**(data | sections))


@pytest.fixture(scope="module")
def setting():
    """A home, five scenarios of it, coarse slots."""
    study = home_of()
    maker = Maker.of(study, Context(base=ROOT))
    grid = maker.forecast.seen.grid
    spec = ScenariosSpec()
    slots = slots_of(spec, 0, grid.n, grid.step_h)
    plants = [maker.plant(s) for s in drawn(spec, 5, grid.n, grid.step_h, len(study.vehicles), 11)]
    return study, maker, slots, plants, state_of(study.state, study, maker.forecast)


def written_out(plants, slots, state, risk, count):
    """Return the optimum of the model written out whole: all scenarios side by side, first decisions tied."""
    worth = worth_of(plants[0].take(slots), slots)
    problems = [build(p, slots, state, worth) for p in plants]
    first = first_of(problems[0], count)
    d, s = len(first.columns), len(plants)
    parts = [Recourse(p, first).solver.arrays for p in problems]
    sizes = [(len(a.row_lower), len(a.cost), len(a.data)) for a in parts]
    offsets = np.concatenate([[0], np.cumsum([c for _, c, _ in sizes])])
    whole = int(offsets[-1])
    x0, eta, theta, z = whole, whole + d, whole + d + 1, whole + d + 1 + s
    n = whole + d + 1 + 2 * s
    rows: list[tuple[np.ndarray, np.ndarray, float, float]] = []
    for k, a in enumerate(parts):
        for r in range(len(a.row_lower)):
            span = slice(a.indptr[r], a.indptr[r + 1])
            index, data, low, high = (
                a.indices[span] + offsets[k],
                a.data[span],
                a.row_lower[r],
                a.row_upper[r],
            )
            link = r - (len(a.row_lower) - d)
            if link >= 0:
                index, data, low, high = np.append(index, x0 + link), np.append(data, -1.0), 0.0, 0.0
            rows.append((index, data, low, high))
        paid = np.flatnonzero(a.cost)
        rows.append(
            (np.append(paid + offsets[k], theta + k), np.append(-a.cost[paid], 1.0), a.offset, np.inf)
        )
        rows.append((np.array([z + k, theta + k, eta]), np.array([1.0, -1.0, 1.0]), 0.0, np.inf))
    lower, upper, cost = np.zeros(n), np.full(n, np.inf), np.zeros(n)
    for k, a in enumerate(parts):
        lower[offsets[k] : offsets[k + 1]], upper[offsets[k] : offsets[k + 1]] = a.col_lower, a.col_upper
    lower[x0 : x0 + d], upper[x0 : x0 + d] = first.lower, first.upper
    lower[eta : theta + s] = -np.inf
    whole_numbers = np.zeros(n, dtype=bool)
    whole_numbers[x0 : x0 + d] = first.whole
    cost[theta : theta + s] = (1 - risk.share) / s
    cost[eta] = risk.share
    cost[z:] = risk.share / (1 - risk.confidence_share) / s
    if not risk.share:
        lower[eta] = upper[eta] = 0.0
    arrays = Arrays(
        cost, lower, upper, whole_numbers, np.array([r[2] for r in rows]), np.array([r[3] for r in rows]),
        np.concatenate([[0], np.cumsum([len(r[0]) for r in rows])]).astype(np.int32),
        np.concatenate([r[0] for r in rows]).astype(np.int32), np.concatenate([r[1] for r in rows]),
    )  # fmt: skip
    found = Solver(arrays, mip_rel_gap=0.0, mip_abs_gap=1e-4).run()
    assert found.status == "optimal"
    return found.objective


@pytest.mark.parametrize("risk", [Risk(0.0), Risk(0.5, 0.6)])
def test_cutting_planes_find_the_optimum_of_the_model_written_out_whole(setting, risk):
    """Bound <= optimum <= plan, and both meet: HiGHS on all scenarios side by side is the oracle."""
    _, _, slots, plants, state = setting
    plan = scenario_plan(plants[:3], slots, state, risk=risk, first_count=2, gap_cent=0.01)
    oracle = written_out(plants[:3], slots, state, risk, 2)
    assert plan.bound_cent - 1e-3 <= oracle <= plan.objective_cent + 1e-3
    assert plan.objective_cent == pytest.approx(oracle, abs=0.05)


def test_one_scenario_is_the_deterministic_plan(setting):
    """With one scenario nothing is uncertain: the cost is that of the relaxed model with whole first decisions."""
    _, maker, slots, _, state = setting
    plan = scenario_plan([maker.forecast], slots, state, first_count=2, gap_cent=0.01)
    oracle = written_out([maker.forecast], slots, state, Risk(), 2)
    assert plan.objective_cent == pytest.approx(oracle, abs=0.02)


def test_equal_scenarios_are_the_deterministic_plan(setting):
    _, maker, slots, _, state = setting
    one = scenario_plan([maker.forecast], slots, state, first_count=2, gap_cent=0.01)
    three = scenario_plan(
        [maker.forecast] * 3, slots, state, risk=Risk(0.7, 0.5), first_count=2, gap_cent=0.01
    )
    assert three.objective_cent == pytest.approx(one.objective_cent, abs=0.03)
    assert three.information_cent == pytest.approx(one.information_cent, abs=0.03)


def test_permuting_scenarios_changes_nothing(setting):
    _, _, slots, plants, state = setting
    worth = worth_of(plants[0].take(slots), slots)
    risk = Risk(0.3, 0.6)
    forth = scenario_plan(plants, slots, state, worth=worth, risk=risk, gap_cent=0.01)
    back = scenario_plan(plants[::-1], slots, state, worth=worth, risk=risk, gap_cent=0.01)
    assert forth.objective_cent == pytest.approx(back.objective_cent, abs=0.03)
    assert np.sort(forth.alone_cent) == pytest.approx(np.sort(back.alone_cent), abs=1e-6)


def test_first_decisions_of_the_scenario_plan_cost_least_on_average(setting):
    """On its own scenarios no other first decision is better than within the gap; the deterministic one is tried."""
    _, maker, slots, plants, state = setting
    worth = worth_of(maker.forecast.take(slots), slots)
    plan = scenario_plan(plants, slots, state, worth=worth, gap_cent=0.01)
    certain = scenario_plan([maker.forecast], slots, state, worth=worth, gap_cent=0.01)
    other = np.array([r.cost(certain.x)[0] for r in plan.recourses])
    assert plan.objective_cent <= float(plan.weights @ other) + plan.gap_cent + 1e-6
    assert plan.objective_cent >= float(plan.weights @ plan.alone_cent) - 1e-6


def test_risk_lowers_the_tail_and_raises_the_mean(setting):
    _, _, slots, plants, state = setting
    mean = scenario_plan(plants, slots, state, risk=Risk(0.0, 0.7), gap_cent=0.01)
    tail = scenario_plan(plants, slots, state, risk=Risk(1.0, 0.7), gap_cent=0.01)
    risk = Risk(1.0, 0.7)
    weights = mean.weights
    assert risk.tail(tail.costs_cent, weights) <= risk.tail(mean.costs_cent, weights) + 0.02
    assert weights @ mean.costs_cent <= weights @ tail.costs_cent + 0.02


def test_cvar_is_the_mean_of_the_worst_cases():
    """Four equal scenarios: the worst half costs (30 + 20) / 2; at 0 it is the mean; weights split a scenario."""
    costs, equal = np.array([10.0, 30.0, 20.0, 0.0]), np.full(4, 0.25)
    assert Risk(1.0, 0.5).of(costs, equal) == pytest.approx(25.0)
    assert Risk(1.0, 0.0).of(costs, equal) == pytest.approx(15.0)
    assert Risk(0.0, 0.9).of(costs, equal) == pytest.approx(15.0)
    assert Risk(0.4, 0.5).of(costs, equal) == pytest.approx(0.6 * 15 + 0.4 * 25)
    assert Risk(1.0, 0.6).of(costs, equal) == pytest.approx((0.25 * 30 + 0.15 * 20) / 0.4)


def test_decisions_that_cannot_be_carried_out_are_cut_back_and_told(setting):
    """A battery that is full cannot be charged for an hour: the scenario deviates, and says so."""
    study, _, slots, plants, state = setting
    full = dataclasses.replace(state, battery_kwh=plants[0].battery.capacity_kwh)
    problem = build(plants[0], slots, full)
    one = Recourse(problem, first_of(problem, 4))
    power = study.battery.power_kw
    x = np.array([power if name == "battery.charge" else 0.0 for name in one.first.names])
    cost, slope = one.cost(x)
    assert one.deviation() > 0.9 * power
    assert np.isfinite(cost)
    assert slope.shape == x.shape


def test_slopes_are_those_of_the_cost(setting):
    """Costs are convex in the first decisions: every cut lies below the cost at any other point."""
    _, _, slots, plants, state = setting
    problem = build(plants[0], slots, state)
    one = Recourse(problem, first_of(problem, 2))
    rng = np.random.default_rng(5)
    points = [
        one.first.lower + rng.random(len(one.first.lower)) * np.minimum(one.first.upper, 3) for _ in range(6)
    ]
    answers = [(x, *one.cost(x)) for x in points]
    for x, cost, slope in answers:
        for y, other, _ in answers:
            assert other >= cost + slope @ (y - x) - 1e-4


def test_no_mode_runs_beside_another_in_the_first_slots(setting):
    _, _, slots, plants, state = setting
    problem = build(plants[0], slots, state)
    first = first_of(problem, 2)
    master = Master(first, np.array([0.0, 1.0]), np.full(2, 0.5), Risk(), problem)
    wish = np.where(first.whole, 0.8, 0.0)
    x = master.nearest(wish)
    for slot in (0, 1):
        modes = [first.value(x, f"heat_pump.{m}_on", slot) for m in ("room", "water")]
        assert sum(modes) <= 1


def test_errors_are_zero_now_grow_with_lead_time_and_keep_their_mean():
    spec = ScenariosSpec(temperature_spread_k=2.0, sun_spread_share=0.4, price_known_h=0.0)
    many = drawn(spec, 600, 96, 0.25, 1, 4)
    outdoor = np.stack([s.temperature_k for s in many])
    sun = np.stack([s.sun_ratio for s in many])
    assert np.all(outdoor[:, 0] == 0)
    assert np.all(sun[:, 0] == 1)
    spread = outdoor.std(axis=0)
    assert spread[4] < spread[20] < spread[90]
    expected = 2.0 * np.sqrt(1 - np.exp(-2 * 0.25 * 95 / 12.0))
    assert spread[95] == pytest.approx(expected, rel=0.1)
    assert np.abs(outdoor.mean(axis=0)).max() < 1e-9
    assert sun.mean(axis=0) == pytest.approx(np.ones(96), abs=0.08)


def test_errors_are_correlated_as_asked():
    spec = ScenariosSpec(price_known_h=0.0, price_sun_correlation_share=-0.6, sun_memory_h=8.0)
    many = drawn(spec, 2000, 48, 0.25, 0, 9)
    sun = np.log(np.stack([s.sun_ratio for s in many])[:, -1])
    price = np.stack([s.price_eur_per_kwh for s in many])[:, -1]
    assert np.corrcoef(sun, price)[0, 1] == pytest.approx(-0.6, abs=0.06)


def test_scenarios_repeat_themselves_and_more_of_them_begin_with_the_same():
    spec = ScenariosSpec()
    few, more = drawn(spec, 4, 96, 0.25, 1, 7), drawn(spec, 9, 96, 0.25, 1, 7)
    for a, b in zip(few, more, strict=False):
        for each in dataclasses.fields(a):
            assert np.array_equal(getattr(a, each.name), getattr(b, each.name))
    assert not np.array_equal(more[0].load_ratio, drawn(spec, 1, 96, 0.25, 1, 8)[0].load_ratio)


def test_known_prices_have_no_error():
    spec = ScenariosSpec(price_known_h=6.0)
    one = drawn(spec, 2, 96, 0.25, 0, 1)[1]
    assert np.all(one.price_eur_per_kwh[:24] == 0)
    assert np.any(one.price_eur_per_kwh[24:] != 0)


def test_the_forecast_as_a_scenario_is_the_home_itself(setting):
    study, maker, _, _, _ = setting
    same = maker.plant(forecast(maker.forecast.seen.grid.n, len(study.vehicles)))
    assert same.grid.import_cent_per_kwh == pytest.approx(maker.forecast.grid.import_cent_per_kwh)
    assert same.grid.pv_kw == pytest.approx(maker.forecast.grid.pv_kw)
    assert same.house.gains_kw == pytest.approx(maker.forecast.house.gains_kw)
    assert same.heat_pump.heat_max_kw == pytest.approx(maker.forecast.heat_pump.heat_max_kw)
    assert same.vehicles[0].home == pytest.approx(maker.forecast.vehicles[0].home)


def test_warmer_scenarios_have_a_stronger_heat_pump_and_dearer_ones_dearer_electricity(setting):
    """The scenario reaches the machine and the bill, not only the house."""
    study, maker, _, _, _ = setting
    n = maker.forecast.seen.grid.n
    base = forecast(n, len(study.vehicles))
    warm = maker.plant(dataclasses.replace(base, temperature_k=np.full(n, 3.0)))
    dear = maker.plant(dataclasses.replace(base, price_eur_per_kwh=np.full(n, 0.10)))
    assert np.all(warm.house.outdoor_c == maker.forecast.house.outdoor_c + 3.0)
    warmer, usual = (
        p.electric_per_heat + p.electric_on_kw / p.heat_max_kw
        for p in (warm.heat_pump, maker.forecast.heat_pump)
    )
    assert np.all(warmer < usual)
    vat = 1 + study.tariff.vat_share
    assert dear.grid.import_cent_per_kwh - maker.forecast.grid.import_cent_per_kwh == pytest.approx(
        10.0 * vat
    )


@pytest.mark.parametrize(
    ("length", "base_h"), [(1, 0.25), (7, 0.25), (92, 0.25), (100, 0.25), (24, 1.0), (193, 0.25)]
)
def test_growing_slots_cover_the_horizon_whatever_its_length(length, base_h):
    slots = slots_of(ScenariosSpec(), 0, length, base_h)
    assert slots.counts.sum() == length
    assert np.all(slots.counts > 0)
    assert first_count(ScenariosSpec(first_min=30), slots) >= 1


DAYS = [("2025-03-30", "2025-03-31", 92), ("2025-10-26", "2025-10-27", 100), ("2024-02-29", "2024-03-01", 96)]


@pytest.mark.parametrize("day", DAYS)
def test_days_of_the_clock_change_and_leap_days_work(day):
    start, end, steps = day
    study = home_of(start, end, synthetic={"year": int(start[:4]), "seed": 2})
    state = state_of(study.state, study, Maker.of(study, Context(base=ROOT)).forecast)
    spec = ScenariosSpec(scenarios_count=2, fresh_count=0)
    outcome = plan_under_uncertainty(study, spec, Context(base=ROOT), state)
    assert outcome.slots.counts.sum() == steps
    assert outcome.plan.gap_cent <= 0.5


def test_correlations_that_cannot_hold_together_are_refused():
    with pytest.raises(ValidationError, match="P350"):
        ScenariosSpec(
            temperature_sun_correlation_share=0.9,
            price_sun_correlation_share=-0.9,
            price_temperature_correlation_share=0.9,
        )


def test_a_study_file_with_scenarios_compares_with_the_deterministic_plan(tmp_path):
    """Tables, charts and figures are there, fresh scenarios are counted, and a second run gives the same numbers."""
    text = (ROOT / "examples/home-day/study.toml").read_text(encoding="utf-8")
    study = tomllib.loads(text) | {"scenarios": {"scenarios_count": 4, "fresh_count": 6}}
    result, again = run(study, base=tmp_path), run(study, base=tmp_path)
    comparison = result.data["scenario_comparison"]
    assert list(comparison.column("scenarios_count")) == [4, 4, 6, 6]
    assert len(result.data["scenarios"]) == 4
    for chart in result.charts:
        assert len(chart.data(result.data)) > 0
    assert result["scenario_gap_cent"] <= 0.5
    for name in ("scenarios", "scenario_fan", "scenario_decisions", "scenario_comparison"):
        for column in result.data[name].data:
            assert np.array_equal(result.data[name].data[column], again.data[name].data[column])


def test_an_even_plan_of_one_slot_works(setting):
    _, maker, _, _, state = setting
    plan = scenario_plan([maker.forecast], Slots.even(0, 1, 0.25), state, first_count=2)
    assert plan.first.slots.max() == 0
    assert plan.gap_cent <= 0.5
