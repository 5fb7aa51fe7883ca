"""The hot-water tank: band, draws, a step that is too long, the legionella duty, layers behind a plan."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tests.components.around import Solved, slots, surroundings
from varme.components import hot_water_tank
from varme.components.base import Port
from varme.components.home import WATER, Slots
from varme.components.hot_water_tank import (
    DutyDue,
    HotWaterTank,
    block,
    check_step,
    compiled,
    draw_of,
    duty_in,
    duty_step,
    earliest_slot,
    highest_c,
    missed_kwh,
    step,
)
from varme.ground.errors import InputError
from varme.ground.spec import parse
from varme.kernel.model import Model


def tank(**fields):
    return parse(HotWaterTank, fields, "test")


def refused(**fields):
    with pytest.raises(InputError) as caught:
        tank(**fields)
    return str(caught.value)


def test_profile_people_and_series_exclude_each_other():
    assert "P108" in refused(draw_profile="m", persons_count=3)
    assert "P108" in refused(draw_kw=0.5, persons_count=3)
    assert tank(persons_count=3).draws_by_spec
    assert not tank(draw_kw=0.5).draws_by_spec


def test_a_duty_below_the_band_is_no_duty():
    assert "P151" in refused(temperature_min_c=52, temperature_max_c=60, legionella={"temperature_c": 50})


def test_cycle_and_people_draw_their_days():
    seen = surroundings(date(2025, 1, 14), date(2025, 1, 21))
    assert draw_of(tank(draw_profile="l"), seen).sum() / 4 == pytest.approx(7 * 11.655, abs=1e-9)
    people = draw_of(tank(persons_count=4, person_l_per_day=40), seen).sum() / 4 / 7
    assert people == pytest.approx(4 * 40 * 4.186 / 3600 * 35, rel=0.4)
    with pytest.raises(ValueError, match="series"):
        draw_of(tank(), seen)


@pytest.mark.parametrize(("day", "quarters"), [(date(2025, 3, 30), 92), (date(2025, 10, 26), 100)])
def test_days_that_change_the_clock_hold_a_whole_cycle(day, quarters):
    seen = surroundings(day, date.fromordinal(day.toordinal() + 1))
    power = draw_of(tank(draw_profile="m"), seen)
    assert power.size == quarters
    assert power.sum() / 4 == pytest.approx(5.845, abs=1e-9)


def test_a_tank_too_small_for_the_step_says_what_helps():
    small = compiled(tank(volume_l=90, temperature_min_c=45, temperature_max_c=58), 0.2, 48)
    problems = check_step(small, 3.0, 0.5)
    text = str(problems[0])
    assert problems[0].code == "P150"
    assert "45 and 58 C: one 30-min step of 3 kW raises it by 14 K" in text
    assert "20-min steps, a wider band or a tank of 100 l" in text
    assert check_step(small, 3.0, 1 / 3) == []
    assert check_step(replace(small, capacity_kwh_per_k=100 * 4.186 / 3600), 3.0, 0.5) == []


def test_a_tank_that_only_the_shortest_run_is_too_long_for_is_told_so():
    numbers = compiled(tank(volume_l=60), 0.2, 96)
    assert check_step(numbers, 2.5, 0.25) == []
    (problem,) = check_step(numbers, 2.5, 0.25, run_min=60)
    assert "shortest run of 60 min" in problem.what
    assert "steps" not in problem.remedy


def test_a_band_below_the_cold_water_is_refused():
    numbers = compiled(tank(temperature_min_c=25, temperature_max_c=40), 0.2, 96, cold_c=28.0)
    assert [p.code for p in check_step(numbers, 1.0, 0.25)] == ["P151"]


def plan_of(
    spec, price=1.0, start=50.0, draw=0.3, hours=24, heater_kw=3.0, due=None, cold=10.0, pump_max=None
):
    """Return a plan of a tank with one heater, in one-hour slots (or half-hours)."""
    n = int(hours)
    even = Slots.even(0, n, 1.0)
    numbers = compiled(spec, draw, n, cold).take(even)
    model = Model(n)
    heater = model.var("heater", upper=heater_kw, cost=price)
    feeds = [Port(WATER, heater, 1.0)]
    duty = None
    if pump_max is not None:
        on = model.var("pump_on", upper=1.0, integer=True)
        pump = model.var("pump", upper=5.0, cost=0.1)
        model.add("pump_max", [(1.0, pump.now), (-5.0, on.now)], upper=0.0)
        feeds.append(Port(WATER, pump, 1.0))
        duty = DutyDue(due, pump_max, on)
    elif due is not None:
        duty = DutyDue(due)
    block(numbers, model, even, feeds, 0.0, start, 0.0, duty)
    history = {"tank.temperature": start}
    if duty is not None:
        history["tank.duty"] = 0.0
    return Solved(model, history), numbers


def test_a_plans_tank_is_the_exact_mixed_tank():
    solved, numbers = plan_of(tank(), price=np.linspace(1, 2, 24))
    state = np.array([50.0])
    for heat, level in zip(solved.value("heater"), solved.value("tank.temperature"), strict=True):
        state = step(numbers, state, np.array([heat]), 0.3, 1.0)
        assert state[0] == pytest.approx(level, abs=1e-9)
    assert np.all(solved.value("tank.temperature") >= 45 - 1e-6)


def test_hot_water_is_missed_rather_than_impossible():
    solved, _ = plan_of(tank(), draw=5.0, heater_kw=1.0)
    assert solved.value("tank.missed").max() > 10


def test_a_tank_that_starts_above_its_band_cools_down_and_is_not_refused():
    solved, numbers = plan_of(tank(), start=70.0, draw=0.1)
    assert solved.value("tank.temperature")[0] > numbers.high_c
    assert solved.value("heater")[0] == pytest.approx(0.0, abs=1e-9)
    limit = highest_c(numbers, Slots.even(0, 24, 1.0), 70.0)
    assert np.all(np.diff(limit) <= 0)
    assert limit[-1] >= numbers.high_c


def test_a_run_that_must_be_finished_lifts_the_limit():
    numbers = compiled(tank(), 0.0, 4)
    even = Slots.even(0, 4, 0.25)
    plain, forced = highest_c(numbers, even, 54.9), highest_c(numbers, even, 54.9, forced_kwh=1.0)
    assert np.all(plain == 55.0)
    assert forced[0] > 54.9 + 1.0 / numbers.capacity_kwh_per_k - 0.1


LEGIONELLA = tank(legionella={"temperature_c": 60, "hold_min": 60, "interval_days": 7})


def test_the_duty_comes_into_a_plan_when_it_is_due_and_not_before():
    numbers = compiled(LEGIONELLA, 0.2, 24)
    even = Slots.even(0, 24, 1.0)
    assert duty_in(numbers, even, 24 * 5.0) is None
    assert duty_in(numbers, even, 24 * 6.5) == pytest.approx(12.0)
    assert duty_in(numbers, even, 24 * 8.0) == pytest.approx(-24.0)
    assert duty_in(compiled(tank(), 0.2, 24), even, 1e4) is None


def test_the_duty_is_done_in_time_at_the_cheapest_hour_and_held():
    prices = np.full(24, 10.0)
    prices[5] = 1.0
    solved, _ = plan_of(LEGIONELLA, price=prices, due=12.0, heater_kw=6.0)
    level = solved.value("tank.temperature")
    begin = int(np.flatnonzero(solved.value("tank.duty") > 0.5)[0])
    assert begin in (5, 6)
    assert np.all(level[begin : begin + 2] >= 60 - 1e-6)
    assert level.max() <= 63 + 1e-6
    assert solved.value("tank.duty").sum() == pytest.approx(1.0)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_duties_in_short_horizons_stand(n):
    solved, _ = plan_of(tank(legionella={"hold_min": 30}), due=0.5, heater_kw=9.0, hours=n)
    assert solved.value("tank.temperature").max() >= 60 - 1e-6


def test_the_duty_is_not_skipped_even_if_heat_is_dear():
    solved, _ = plan_of(LEGIONELLA, price=500.0, due=3.0, heater_kw=6.0)
    assert solved.value("tank.temperature")[:3].max() >= 60 - 1e-6


def test_a_duty_that_cannot_be_in_time_is_done_late_and_not_later_than_it_must():
    solved, _ = plan_of(LEGIONELLA, due=-10.0, heater_kw=1.0, draw=0.1, start=45.0)
    begin = int(np.flatnonzero(solved.value("tank.duty") > 0.5)[0])
    level = solved.value("tank.temperature")
    assert np.all(np.diff(level[: begin + 1]) > 0)  # full power until it is done
    assert level[begin] >= 60 - 1e-6
    assert begin > 2


def test_a_duty_that_no_heater_can_do_is_skipped_with_an_alarm_and_the_plan_stands():
    solved, _ = plan_of(LEGIONELLA, due=5.0, heater_kw=0.3, draw=0.2)
    missing = float(solved.value("tank.duty_skipped")) > 0.5 or solved.value("tank.duty_short").max() > 1.0
    assert missing
    assert solved.value("tank.temperature").max() < 60


def test_the_first_slot_of_a_duty_counts_what_heats_and_what_is_drawn():
    numbers = compiled(LEGIONELLA, 0.0, 24)
    even = Slots.even(0, 24, 0.25)
    pump = np.full(24, 5.0)
    alone = earliest_slot(numbers.take(even), even, 50.0, pump, 3.0, 55.0)
    rise = 0.85 * 3.0 * 0.25 / numbers.capacity_kwh_per_k
    assert alone == int(np.ceil(10.0 / rise)) - 1
    assert earliest_slot(numbers.take(even), even, 50.0, pump, 0.0, 65.0) < alone
    assert earliest_slot(numbers.take(even), even, 50.0, pump, 0.0, 55.0) == 23
    drawing = compiled(LEGIONELLA, 1.5, 24)
    assert earliest_slot(drawing.take(even), even, 50.0, pump, 3.0, 55.0) > alone


def test_above_its_limit_the_compressor_hands_over_to_the_backup_heater():
    solved, _ = plan_of(LEGIONELLA, price=20.0, due=12.0, heater_kw=3.0, pump_max=55.0)
    level, pump = solved.value("tank.temperature"), solved.value("pump")
    assert np.all(pump[level > 55.0 + 1e-6] <= 1e-9)
    assert solved.value("heater").max() > 0
    assert level.max() >= 60 - 1e-6


def test_the_clock_of_the_duty_runs_until_the_whole_tank_was_hot_for_long_enough():
    numbers = compiled(LEGIONELLA, 0.2, 24)
    since, hot = np.array([100.0, 100.0]), np.zeros(2)
    for coldest in ([61.0, 61.0], [61.0, 59.0], [40.0, 61.0], [40.0, 61.0]):
        since, hot = duty_step(numbers, since, hot, np.array(coldest), 0.5)
    assert since[0] == pytest.approx(1.0)  # done after an hour, an hour ago
    assert since[1] == pytest.approx(0.0)


def test_layers_widen_the_band_of_the_plan_and_the_simulation_keeps_the_tap_warm():
    mixed, layered = (compiled(tank(layers_count=k, layers_trust_share=1.0), 0.2, 96) for k in (1, 3))
    assert layered.low_c < mixed.low_c
    careful = compiled(tank(layers_count=3), 0.2, 96)
    assert careful.low_c == pytest.approx((layered.low_c + 45.0) / 2)
    assert layered.top_low_c == 45.0
    state = np.full((1, 3), 55.0)
    while state.mean() > layered.low_c:
        state = step(layered, state, np.zeros(1), 5.0, 0.01)
    assert state[0, 0] == pytest.approx(45.0, abs=1.0)


def test_missed_heat_is_in_proportion_to_what_is_missing():
    numbers = compiled(tank(), 0.2, 4, cold_c=10.0)
    missed = missed_kwh(numbers, np.array([50.0, 45.0, 27.5, 10.0]), np.full(4, 2.0), 0.5)
    assert missed == pytest.approx([0.0, 0.0, 0.5, 1.0])


def test_losses_to_the_room_are_a_gain_of_the_house():
    assert tank(loss_to_room_share=1.0).loss_gain_kw == pytest.approx(1.5e-3 * (50 - 18))
    assert tank().loss_gain_kw == 0.0


def test_slots_of_uneven_length_are_exact():
    seen = surroundings()
    uneven = Slots(0, np.array([1, 1, 2, 4], dtype=np.int32), 0.25)
    numbers = compiled(tank(), np.arange(96) / 50, 96)
    taken = numbers.take(uneven)
    assert taken.draw_kw == pytest.approx([0.0, 0.02, 0.05, 0.11])
    assert taken.low_c == numbers.low_c
    assert slots(seen).n == 96


@pytest.mark.parametrize("seed", range(4))
def test_what_other_heaters_must_lift_tightens_the_bound_and_keeps_the_optimum(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    prices, even = rng.uniform(5, 40, 24), Slots.even(0, 24, 1.0)
    numbers = compiled(LEGIONELLA, rng.uniform(0, 0.5, 24), 24).take(even)

    def objective(relaxed):
        model = Model(24)
        on = model.var("heat_pump.water_on", upper=1.0, integer=not relaxed)
        pump = model.var("heat_pump.water", upper=4.0, cost=prices / 3)
        model.add("pump_max", [(1.0, pump.now), (-4.0, on.now)], upper=0.0)
        backup = model.var("backup.water", upper=3.0, cost=prices)
        feeds = [Port(WATER, pump, 1.0), Port(WATER, backup, 1.0)]
        block(numbers, model, even, feeds, 0.0, 50.0, 0.0, DutyDue(20.0, 55.0, on))
        solved = Solved(model, {"tank.temperature": 50.0, "tank.duty": 0.0}, relaxed=relaxed)
        return solved.objective

    whole, bound = objective(False), objective(True)
    monkeypatch.setattr(hot_water_tank, "_lift", lambda *_: None)
    assert objective(False) == pytest.approx(whole, abs=1e-5)
    assert objective(True) < bound - 1.0
    assert bound <= whole + 1e-6
