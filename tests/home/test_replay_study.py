"""A home in closed loop: resumed runs, honest forecasts, savings with intervals, bad input told."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from varme.ground.context import Context
from varme.ground.errors import InputError, ModelError, Problem
from varme.ground.spec import parse
from varme.home.case import load_case
from varme.home.replay import loop
from varme.home.replay.beliefs import Belief
from varme.home.replay.loop import slots_from
from varme.home.replay.savings import Blocks, saving
from varme.home.replay.spec import ForecastSpec, HomeReplayStudy, ReplaySpec
from varme.home.replay.study import run, schemas
from varme.home.replay.template import replay_files
from varme.home.schedule.plan import make_plan
from varme.study import run as study_run

EXAMPLE = Path(__file__).parents[2] / "examples" / "home-replay" / "study.toml"


def study(**changes):
    data = tomllib.loads(replay_files()["study.toml"])
    data["time"]["end"] = data["time"]["start"].replace(day=5)
    data["replay"] |= {"replan_min": 120, "horizon_h": 24, "baselines": ["thermostat", "timer"]} | changes
    return data


def parsed(data):
    return parse(HomeReplayStudy, json.loads(json.dumps(data, default=str)), "study")


@pytest.fixture(scope="module")
def result():
    return run(parsed(study()), Context())


def test_the_result_has_what_it_promises(result):
    """All tables of the schemas, a chart for each question, figures of plan, rule and bound."""
    assert set(result.data) == {s.name for s in schemas()} - {"replay_scenarios"}
    assert {c.name for c in result.charts} >= {
        "cost_by_controller",
        "saving_over_time",
        "room_bands",
        "import_duration",
    }
    assert set(result.data["replay_kpis"].column("controller")) == {"plan", "perfect", "thermostat", "timer"}
    for chart in result.charts:
        assert len(chart.data(result.data))


def test_key_figures_add_up(result):
    """Days sum to the span, hours to the days; what is bought is demand less what PV and stores give."""
    kpis, days, hours = (result.data[n] for n in ("replay_kpis", "replay_days", "replay"))
    for name in ("plan", "thermostat"):
        row = list(kpis.column("controller")).index(name)
        mine = days.column("controller") == name
        assert days.data["import_kwh"][mine].sum() == pytest.approx(kpis.data["import_kwh"][row])
        assert days.data["cost_eur"][mine].sum() == pytest.approx(kpis.data["cost_eur"][row], abs=0.3)
    assert hours.data["import_kw"].sum() == pytest.approx(kpis.data["import_kwh"][0])
    assert np.all(hours.data["import_kw"] * hours.data["export_kw"] < 25)


def test_perfect_forecasts_are_a_bound_and_shown_apart(result):
    """The run that knows the future costs no more than the one that does not, wishes included."""
    kpis = result.data["replay_kpis"]
    total = kpis.data["cost_eur"] + kpis.data["wishes_eur"]
    names = list(kpis.column("controller"))
    assert total[names.index("perfect")] <= total[names.index("plan")] + 0.05
    assert result["saving_bound_eur"] is not None


def test_a_short_span_says_that_its_interval_is_weak(result):
    """Two days: no interval is invented, a finding says why."""
    assert "saving_without_interval" in {f.code for f in result.findings}
    assert np.isnan(result["saving_low_eur"])


def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path, monkeypatch):
    """Killed in its second week, resumed: every table has the bytes of the run that was not killed."""
    data = study(replan_min=720, perfect=False)
    data["time"]["end"] = data["time"]["start"].replace(day=12)
    spec = parsed(data)
    whole = run(spec, Context())
    plans, made = [0], make_plan

    def dies(*arguments, **named):
        plans[0] += 1
        if plans[0] > 16:
            raise KeyboardInterrupt
        return made(*arguments, **named)

    monkeypatch.setattr(loop, "make_plan", dies)
    with pytest.raises(KeyboardInterrupt):
        run(spec, Context(work=tmp_path))
    monkeypatch.setattr(loop, "make_plan", made)
    again = run(spec, Context(work=tmp_path, resume=True))
    assert plans[0] == 17
    for name, table in whole.data.items():
        for column, values in table.data.items():
            assert values.tobytes() == again.data[name].data[column].tobytes(), (name, column)


def test_a_plan_that_fails_is_followed_by_the_one_before_and_told(monkeypatch):
    """Every second plan fails: the run goes on, and a finding counts them."""
    made, count = make_plan, [0]

    def fails(*arguments, **named):
        count[0] += 1
        if count[0] % 2 == 0:
            raise ModelError(Problem("P301", "home", "no plan"))
        return made(*arguments, **named)

    monkeypatch.setattr(loop, "make_plan", fails)
    found = run(parsed(study(perfect=False, replan_min=60)), Context())
    told = next(f for f in found.findings if f.code == "plan_failed")
    assert told.evidence["failed"] == 24
    assert found["cold_k_h"] < 20


def test_the_planner_never_sees_what_comes():
    """Another future after an instant leaves the believed home at that instant as it was."""
    case = load_case(parsed(study()), Context())
    belief = Belief(case.plant, ForecastSpec())
    seen = belief.look(96, 96)
    first = [
        seen.house.outdoor_c[96:192].copy(),
        seen.grid.load_kw[96:192].copy(),
        seen.heat_pump.heat_max_kw[0, 96:192].copy(),
    ]
    for values in (case.plant.house.outdoor_c, case.plant.grid.load_kw, case.plant.grid.pv_kw):
        assert not np.shares_memory(values, seen.house.outdoor_c)
    for values in (case.plant.seen.outdoor_c, case.plant.grid.load_kw):
        values[96:] += 5.0
    again = Belief(case.plant, ForecastSpec()).look(96, 96)
    assert again.house.outdoor_c[96:192] == pytest.approx(first[0])
    assert again.grid.load_kw[96:192] == pytest.approx(first[1])


def test_the_believed_heat_pump_follows_the_forecast_of_the_weather():
    """With the true temperatures as forecast, the table gives the true numbers back."""
    case = load_case(parsed(study()), Context())
    belief = Belief(case.plant, ForecastSpec(), {"outdoor_c": case.plant.seen.outdoor_c})
    seen = belief.look(0, 192)
    for name in ("heat_max_kw", "electric_on_kw", "electric_per_heat"):
        assert getattr(seen.heat_pump, name) == pytest.approx(
            getattr(case.plant.heat_pump, name), rel=2e-3, abs=2e-3
        )


def test_slots_are_fine_at_first_and_end_with_the_span():
    spec = ReplaySpec(horizon_h=30, fine_h=6, coarse_min=60)
    slots = slots_from(0, 2000, 0.25, spec)
    assert list(slots.counts[:25]) == [1] * 24 + [4]
    assert slots.counts.sum() == 120
    assert slots_from(1990, 2000, 0.25, spec).counts.sum() == 10


def test_the_interval_of_a_saving_covers_the_truth():
    """Drawn often from weeks of a known saving, the 90 % interval holds it in 80 to 98 % of the draws."""
    rng = np.random.default_rng(5)
    hits = 0
    for k in range(200):
        theirs = rng.normal(1000, 200, size=20)
        ours = theirs - rng.normal(100, 60, size=20)
        one = saving(("plan", "rule"), ours, theirs, "all", 0.9, 400, k)
        hits += one.low_eur <= 20.0 <= one.high_eur
    assert 0.80 <= hits / 200 <= 0.98


def test_blocks_are_weeks_and_their_costs_value_what_is_left():
    """Costs of blocks add up to the span's, less what the stores hold more at its end."""
    blocks = Blocks.of(28 * 96, 0.25, np.full(28 * 96, 2))
    assert blocks.unit == "week"
    assert len(blocks.edges) == 5
    stored = np.linspace(50, 80, 28 * 96)
    costs = blocks.costs(np.full(28 * 96, 1.0), stored, 50.0)
    assert costs.sum() == pytest.approx(28 * 96 - 30)
    assert Blocks.of(10 * 96, 0.25, np.full(960, 2)).unit == "day"


def test_bad_replays_are_told_all_at_once():
    """A horizon that does not reach the next plan, and a comparison with a rule that is not run."""
    with pytest.raises(InputError) as caught:
        parsed(study(horizon_h=6, replan_min=600))
    assert caught.value.problems[0].code == "P165"
    with pytest.raises(InputError) as caught:
        parsed(study(compare_with="no_storage"))
    assert "baselines" in str(caught.value)


def test_the_example_is_the_template_and_checks(tmp_path):
    assert EXAMPLE.read_text(encoding="utf-8") == replay_files()["study.toml"]
    assert isinstance(study_run.check(EXAMPLE), list)
