"""The planner under scenarios in closed loop: same plant, same weather, nothing seen that comes later."""

import json
import tomllib

import numpy as np
import pytest

from varme.ground.context import Context
from varme.ground.errors import InputError, ModelError, Problem
from varme.ground.spec import parse
from varme.home.case import load_case, state_of
from varme.home.replay import hedged
from varme.home.replay.beliefs import Belief
from varme.home.replay.hedged import GAP_CENT, Hedged
from varme.home.replay.spec import HomeReplayStudy
from varme.home.replay.study import run
from varme.home.replay.template import replay_files
from varme.home.replay.uncertain import Cloud
from varme.home.scenarios.spec import ScenariosSpec
from varme.home.scenarios.two_stage import Recourse, first_of, scenario_plan
from varme.home.schedule.plan import make_plan

NO_SPREAD = {
    "temperature_spread_k": 0.0,
    "sun_spread_share": 0.0,
    "price_spread_eur_per_kwh": 0.0,
    "load_spread_share": 0.0,
    "draw_spread_share": 0.0,
}


def study(days=2, **scenarios):
    data = tomllib.loads(replay_files()["study.toml"])
    data["time"]["end"] = data["time"]["start"].replace(day=3 + days)
    data["time"]["step_min"] = 30
    data["replay"] |= {"replan_min": 120, "horizon_h": 24, "baselines": ["thermostat"], "perfect": False}
    data["scenarios"] = {"scenarios_count": 4} | scenarios
    return data


def parsed(data):
    return parse(HomeReplayStudy, json.loads(json.dumps(data, default=str)), "study")


@pytest.fixture(scope="module")
def result():
    return run(parsed(study()), Context())


def test_scenarios_are_a_controller_beside_the_planner(result):
    """Its key figures, its savings over the plan and its table are there, and say the same."""
    kpis, savings, table = (result.data[n] for n in ("replay_kpis", "savings", "replay_scenarios"))
    names = list(kpis.column("controller"))
    assert names == ["plan", "scenarios", "thermostat"]
    pairs = list(zip(savings.column("controller"), savings.column("against"), strict=True))
    row = pairs.index(("scenarios", "plan"))
    assert savings.data["saving_eur"][row] == pytest.approx(table.data["saved_eur"].sum())
    cost = kpis.data["cost_eur"]
    assert table.data["scenarios_eur"].sum() == pytest.approx(cost[names.index("scenarios")], abs=0.3)
    assert kpis.data["starts_count"][1] > 0
    assert not any(f.code == "plan_failed" for f in result.findings)
    chart = next(c for c in result.charts if c.name == "scenarios_saving")
    assert len(chart.data(result.data)) == len(table)


def test_wishes_of_the_blocks_are_those_of_the_key_figures(result):
    """Priced wishes by block add up to the key figure."""
    kpis, table = result.data["replay_kpis"], result.data["replay_scenarios"]
    assert table.data["plan_wishes_eur"].sum() == pytest.approx(kpis.data["wishes_eur"][0])
    assert table.data["scenarios_wishes_eur"].sum() == pytest.approx(kpis.data["wishes_eur"][1])


def test_without_the_section_nothing_of_it_is_run():
    """Off by default: no controller, no table, no figure."""
    data = study()
    del data["scenarios"]
    found = run(parsed(data), Context())
    assert "replay_scenarios" not in found.data
    assert list(found.data["replay_kpis"].column("controller")) == ["plan", "thermostat"]


def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path, monkeypatch, result):
    """Killed within the scenarios' run and resumed: every table has the bytes of an earlier whole run."""
    made, count = scenario_plan, [0]

    def dies(*arguments, **named):
        count[0] += 1
        if count[0] > 5:
            raise KeyboardInterrupt
        return made(*arguments, **named)

    monkeypatch.setattr(hedged, "scenario_plan", dies)
    with pytest.raises(KeyboardInterrupt):
        run(parsed(study()), Context(work=tmp_path))
    monkeypatch.setattr(hedged, "scenario_plan", made)
    again = run(parsed(study()), Context(work=tmp_path, resume=True))
    for name, table in result.data.items():
        for column, values in table.data.items():
            assert values.tobytes() == again.data[name].data[column].tobytes(), (name, column)


def _planner(data):
    spec = parsed(data)
    case = load_case(spec, Context())
    belief = Belief(case.plant, spec.forecast)
    return (
        case,
        state_of(spec.state, spec, case.plant),
        Hedged(belief, spec.replay, spec.plan, spec.scenarios, spec.tariff.vat_share),
    )


def test_without_spread_the_first_decisions_are_as_good_as_the_deterministic_ones():
    """All scenarios are the forecast: in its model the decisions cost no more than the deterministic plan's, and the
    deterministic planner loses no more than both gaps and what the relaxed rest cannot see."""
    data = study(**NO_SPREAD)
    data["replay"]["scenario_errors"] = "spec"
    _, state, planner = _planner(data)
    at = 48
    answer = planner(at, state, None)
    slots, count = planner.slots(at)
    believed, plants = planner.cloud.around(at, int(slots.counts.sum()))
    certain = make_plan(believed, slots, state, planner.plan_spec)
    problem = hedged._like(believed, certain)
    first = first_of(problem, count)
    one = Recourse(problem, first)
    ours, theirs = (one.cost(x[first.columns])[0] for x in (answer.plan.x, certain.x))
    assert ours <= theirs + 1e-6
    assert ours >= answer.plan.certificate.bound - 1e-6
    assert answer.plan.certificate.gap_abs <= 2 * GAP_CENT
    assert answer.plan.certificate.bound <= certain.certificate.objective + 1e-6
    for plant in plants:
        assert np.array_equal(plant.grid.pv_kw[at : at + 48], believed.grid.pv_kw[at : at + 48])
        assert np.array_equal(plant.tank.draw_kw[at : at + 48], believed.tank.draw_kw[at : at + 48])


def test_what_is_decided_is_whole_and_reaches_to_the_next_plan():
    """On/off decisions up to the next plan are whole numbers, one mode at a time."""
    _, state, planner = _planner(study())
    answer = planner(24, state, None)
    steps = round(planner.spec.replan_min / 60 / planner.belief.truth.seen.grid.step_h)
    assert answer.until - 24 == steps
    count = int(np.searchsorted(answer.plan.slots.edges, answer.until))
    on = np.stack([answer.plan.value(f"heat_pump.{m}_on")[:count] for m in ("room", "water")])
    assert np.isin(on, (0.0, 1.0)).all()
    assert on.sum(axis=0).max() <= 1


def test_seen_errors_are_of_the_past_only_and_known_prices_are_certain():
    """Another future changes no scenario; prices that are published are the same in all of them."""
    data = study(days=10, scenarios_count=8)
    case, _, planner = _planner(data)
    at, count = 48 * 7, 48
    assert all(begin + count <= at for begin in planner.cloud.origins(at, count))
    assert len(planner.cloud.origins(at, count)) == 8
    _, plants = planner.cloud.around(at, count)
    before = [p.house.outdoor_c[at : at + count].copy() for p in plants]
    known = planner.cloud.known_steps(at)
    prices = np.stack([p.grid.import_cent_per_kwh[at : at + count] for p in plants])
    assert np.ptp(prices[:, :known], axis=0).max() == 0
    assert np.ptp(np.stack(before), axis=0).max() > 0.5
    for values in (case.plant.seen.outdoor_c, case.plant.grid.load_kw, case.plant.tank.draw_kw):
        values.setflags(write=True)
        values[at:] += 3.0
    again = Belief(case.plant, planner.belief.spec)
    cloud = Cloud(again, planner.scenarios, "seen", 0.25)
    _, others = cloud.around(at, count)
    for old, new in zip(before, others, strict=True):
        assert new.house.outdoor_c[at : at + count] == pytest.approx(old)


def test_drawn_errors_stay_possible_and_follow_the_seed():
    """Nothing negative; another seed, other scenarios; the same seed at another hour, others too."""
    data = study(scenarios_count=6, sun_spread_share=1.0, draw_spread_share=2.0)
    data["replay"]["scenario_errors"] = "spec"
    case, _, planner = _planner(data)

    def water(seed, at):
        spec = ScenariosSpec(scenarios_count=6, seed=seed)
        _, plants = Cloud(planner.belief, spec, "spec", 0.25).around(at, 48)
        for plant in plants:
            assert plant.tank.draw_kw.min() >= 0
            assert plant.grid.pv_kw.min() >= 0
        return np.stack([p.tank.draw_kw[at : at + 48] for p in plants])

    assert np.array_equal(water(1, 16), water(1, 16))
    assert not np.array_equal(water(1, 16), water(2, 16))
    assert case.plant.tank.draw_kw.min() >= 0


def test_a_scenario_plan_that_fails_is_told(monkeypatch):
    """All of them fail: a thermostat runs the home, and a finding counts them."""

    def fails(*arguments, **named):
        raise ModelError(Problem("P301", "home", "no plan"))

    monkeypatch.setattr(hedged, "scenario_plan", fails)
    found = run(parsed(study()), Context())
    told = next(f for f in found.findings if f.code == "plan_failed")
    assert told.evidence["failed"] == 24
    assert found["scenarios_cold_k_h"] < 30


def test_scenarios_around_perfect_forecasts_are_refused():
    data = study()
    data["forecast"]["method"] = "perfect"
    with pytest.raises(InputError) as caught:
        parsed(data)
    assert caught.value.problems[0].code == "P108"
