"""The battery: losses, limits, reserve, power that grows with capacity, and one way at a time at negative prices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.components.around import Solved
from varme.components.battery import Battery, block, compiled, step
from varme.components.home import Slots
from varme.ground.errors import InputError
from varme.ground.spec import parse
from varme.kernel.model import Model


def battery(**fields):
    return parse(Battery, fields, "test")


def plan_of(spec, prices, start=5.0, exclusive=True, load=0.0, worth=0.0, export_max=20.0):
    """Return a plan of a battery behind a meter at prices per slot of an hour; export earns nothing."""
    n = len(prices)
    model = Model(n)
    price = np.asarray(prices, dtype=float)
    numbers = compiled(spec, float(spec.capacity_kwh))
    made = block(numbers, model, Slots.even(0, n, 1.0), worth, price if exclusive else None, start)
    bought = model.var("import", upper=20.0, cost=price)
    sold = model.var("export", upper=export_max)
    terms = [(p.coefficient, p.var.now) for p in made.ports] + [(1.0, bought.now), (-1.0, sold.now)]
    model.add("balance", terms, lower=load, upper=load)
    return Solved(model, {"battery.level": start}), numbers


def test_it_buys_cheap_and_serves_dear_and_loses_the_round_trip():
    spec = battery(capacity_kwh=10, power_kw=5, round_trip_share=0.81, wear_eur_per_kwh=0.0)
    solved, _ = plan_of(spec, [1.0, 100.0], start=0.0, load=4.0)
    assert solved.value("battery.discharge")[1] == pytest.approx(4.0)
    assert solved.value("battery.charge")[0] == pytest.approx(4.0 / 0.81)


def test_it_rests_where_the_spread_is_below_losses_and_wear():
    spec = battery(capacity_kwh=10, power_kw=5, round_trip_share=0.9, wear_eur_per_kwh=0.05)
    solved, _ = plan_of(spec, [10.0, 15.0], start=0.0, load=4.0)
    assert solved.value("battery.discharge").max() == pytest.approx(0.0, abs=1e-9)
    worth_it, _ = plan_of(spec, [10.0, 17.0], start=0.0, load=4.0)
    assert worth_it.value("battery.discharge")[1] == pytest.approx(4.0)


def test_negative_prices_do_not_burn_electricity_in_both_ways_at_once():
    spec = battery(capacity_kwh=4, power_kw=5, wear_eur_per_kwh=0.0)
    prices = [-10.0, -10.0, -10.0, 5.0]
    burning, _ = plan_of(spec, prices, start=4.0, exclusive=False, export_max=0.0)
    honest, _ = plan_of(spec, prices, start=4.0, export_max=0.0)
    both = lambda s: np.minimum(s.value("battery.charge"), s.value("battery.discharge"))  # noqa: E731
    assert both(burning).max() > 0.5  # what a model without the rule does
    assert both(honest).max() == pytest.approx(0.0, abs=1e-7)
    assert honest.objective > burning.objective


def test_without_negative_prices_there_is_no_whole_variable():
    model = Model(4)
    block(compiled(battery(), 10.0), model, Slots.even(0, 4, 1.0), 0.0, np.array([0.0, 1.0, 2.0, 3.0]))
    assert "battery.charging" not in model.vars


def test_power_grows_with_capacity():
    spec = battery(power_share_per_h=0.5)
    assert compiled(spec, 8.0).power_kw == 4.0
    assert compiled(spec, 0.0).power_kw == 0.0
    assert compiled(battery(power_kw=3.0), 8.0).power_kw == 3.0
    with pytest.raises(InputError, match="not both"):
        battery(power_kw=3.0, power_share_per_h=0.5)


def test_a_battery_of_no_capacity_does_nothing():
    solved, _ = plan_of(battery(capacity_kwh=0.0, power_share_per_h=0.5), [1.0, 100.0], start=0.0, load=1.0)
    assert solved.value("battery.discharge").max() == pytest.approx(0.0, abs=1e-9)


def test_the_reserve_stays_and_a_start_below_it_is_no_contradiction():
    spec = battery(capacity_kwh=10, minimum_share=0.2, wear_eur_per_kwh=0.0)
    solved, numbers = plan_of(spec, [100.0, 100.0, 100.0], start=5.0, load=3.0)
    assert solved.value("battery.level").min() == pytest.approx(2.0)
    low, _ = plan_of(spec, [100.0, 1.0], start=1.0, load=3.0)
    assert low.value("battery.discharge")[0] == pytest.approx(0.0, abs=1e-9)
    assert numbers.minimum_kwh == 2.0


def test_calendar_ageing_is_counted_per_hour():
    numbers = compiled(battery(calendar_eur_per_kwh_year=8.76), 10.0)
    assert numbers.calendar_cent_per_h == pytest.approx(1.0)
    assert compiled(battery(), 10.0).calendar_cent_per_h == 0.0


@settings(max_examples=80, deadline=None)
@given(st.floats(0, 10), st.floats(0, 9), st.floats(0, 9), st.floats(0.05, 1.0), st.floats(0.0, 0.4))
def test_a_step_keeps_the_limits_and_the_energy(level, charge, discharge, hours, reserve):
    numbers = compiled(battery(capacity_kwh=10, power_kw=5, minimum_share=reserve), 10.0)
    after, c, d = step(numbers, np.array([level]), np.array([charge]), np.array([discharge]), hours)
    eta = numbers.one_way_share
    assert after == pytest.approx(level + hours * (eta * c - d / eta), abs=1e-12)
    assert min(level, numbers.minimum_kwh) - 1e-9 <= after[0] <= 10.0 + 1e-9
    assert 0 <= c[0] <= 5.0
    assert 0 <= d[0] <= 5.0


def test_a_plan_replayed_by_steps_has_the_same_levels():
    rng = np.random.default_rng(2)
    solved, numbers = plan_of(
        battery(capacity_kwh=6, power_kw=2), rng.uniform(-5, 30, 24), start=3.0, load=1.0
    )
    level = np.array([3.0])
    for t in range(24):
        c, d = solved.value("battery.charge")[t : t + 1], solved.value("battery.discharge")[t : t + 1]
        level, _, _ = step(numbers, level, c, d, 1.0)
        assert level[0] == pytest.approx(solved.value("battery.level")[t], abs=1e-6)
