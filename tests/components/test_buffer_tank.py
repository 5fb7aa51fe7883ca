"""The buffer tank: exact temperatures, emitters that need warm water, starts above its limit, replay by its step."""

import numpy as np
import pytest

from tests.components.around import Solved, slots, surroundings
from varme.components.base import Port
from varme.components.buffer_tank import BufferTank, block, compiled, highest_c, step
from varme.components.home import ROOM, Slots
from varme.components.house import House
from varme.ground.errors import InputError
from varme.ground.spec import parse
from varme.kernel.model import Model


def buffer(**fields):
    return parse(BufferTank, fields, "test")


RADIATORS = parse(House, {"emitter": "radiator"}, "test")


def numbers_of(outdoor_c=-2.0, house=RADIATORS, **fields):
    seen = surroundings(step_min=60, outdoor_c=outdoor_c)
    return compiled(buffer(**fields), house, seen), seen


def plan_of(needed, price, start=30.0, outdoor_c=-2.0, heater_kw=10.0, **fields):
    """Return a plan of a buffer that must give a heat in each hour."""
    numbers, seen = numbers_of(outdoor_c, **fields)
    model = Model(24)
    heater = model.var("heater", upper=heater_kw, cost=price)
    made = block(numbers.take(slots(seen)), model, slots(seen), [Port(ROOM, heater, 1.0)], 0.0, start)
    short = model.var("short", cost=1e3)
    model.add("need", [(1.0, made.ports[0].var.now), (1.0, short.now)], lower=needed, upper=needed)
    return Solved(model, {"buffer.temperature": start}), numbers


def test_the_emitters_line_is_exact_at_the_steady_load():
    numbers, _ = numbers_of(-2.0)
    load = 0.16 * 22
    flow = float(RADIATORS.flow_c(load))
    line = numbers.emitter_kw_per_k[0] * (flow - numbers.emitter_from_c)
    assert line == pytest.approx(load, rel=1e-9)
    assert numbers.emitter_kw(flow) == pytest.approx(load, rel=1e-6)


def test_above_the_steady_load_the_line_is_on_the_safe_side():
    numbers, _ = numbers_of(2.0)
    warm = np.linspace(float(RADIATORS.flow_c(0.16 * 18)), 50.0, 20)
    line = numbers.emitter_kw_per_k[0] * (warm - numbers.emitter_from_c)
    assert np.all(line <= numbers.emitter_kw(warm) + 1e-9)


def test_heat_is_made_at_cheap_hours_and_given_later():
    price = np.where(np.arange(24) % 2 == 0, 1.0, 10.0)
    solved, _ = plan_of(np.full(24, 2.0), price, volume_l=500, temperature_max_c=60)
    assert solved.value("short").sum() == pytest.approx(0.0, abs=1e-7)
    assert solved.value("heater")[0::2].sum() > 5 * solved.value("heater")[1::2].sum()
    assert solved.value("buffer.temperature").max() <= 60 + 1e-9


def test_a_cold_buffer_gives_nothing_until_it_is_warm():
    solved, _ = plan_of(np.full(24, 4.0), 1.0, start=18.0, heater_kw=2.0, volume_l=1000)
    assert solved.value("short")[0] > 3.0


def test_a_plan_balances_and_its_step_gives_the_same_temperatures():
    rng = np.random.default_rng(1)
    solved, numbers = plan_of(rng.uniform(0, 3, 24), rng.uniform(1, 5, 24), volume_l=300)
    level = np.array([30.0])
    for t in range(24):
        out = np.array([solved.value("buffer.to_room")[t]])
        level, given = step(numbers, level, np.array([solved.value("heater")[t]]), out * 0, 1.0)
        assert given[0] == 0.0
        per_kw = (1 - np.exp(-numbers.loss_kw_per_k / numbers.capacity_kwh_per_k)) / numbers.loss_kw_per_k
        level = level - per_kw * out
        assert level[0] == pytest.approx(solved.value("buffer.temperature")[t], abs=1e-9)


def test_in_summer_it_may_cool_to_its_surroundings():
    solved, _ = plan_of(np.zeros(24), 1.0, start=19.0, outdoor_c=25.0, loss_w_per_k=50.0)
    assert solved.value("heater").sum() == pytest.approx(0.0, abs=1e-9)
    assert solved.value("buffer.temperature")[-1] < 19.0


def test_a_start_above_the_limit_or_below_the_surroundings_is_planned():
    hot, _ = plan_of(np.zeros(24), 1.0, start=70.0)
    assert hot.value("buffer.temperature")[0] > 60
    cold, _ = plan_of(np.full(24, 1.0), 1.0, start=5.0)
    assert cold.value("buffer.temperature")[-1] > 5.0
    numbers, _ = numbers_of()
    assert highest_c(numbers, Slots.even(0, 4, 0.25), 49.0, forced_kwh=1.0)[0] > 50.0


def test_the_simulation_gives_no_more_than_the_emitters_take():
    numbers, _ = numbers_of()
    after, given = step(numbers, np.array([25.0, 50.0]), np.zeros(2), np.full(2, 4.0), 0.25, 21.0)
    assert given[0] < 0.7
    assert given[1] == pytest.approx(4.0)
    assert np.all(after < [25.0, 50.0])


def test_limits_are_refused_in_words():
    with pytest.raises(InputError, match="P101"):
        buffer(temperature_max_c=120)
    with pytest.raises(InputError, match="P101"):
        buffer(volume_l=0)
