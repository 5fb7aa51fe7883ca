"""The second heater and dimming: prices by hand, what a plan makes of it, and the legal minimum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.components.around import Solved, slots, surroundings
from tests.home.tiny import column, home, run
from varme.components.dimming import LEAST_KW, Dimming, least_kw, limits
from varme.components.home import ROOM
from varme.components.second_heater import SecondHeater, block, compiled, step
from varme.ground.context import Context
from varme.ground.errors import InputError
from varme.ground.spec import parse
from varme.home.case import load_case
from varme.home.spec import HomeStudy
from varme.kernel.model import Model


def heater(**changes: Any) -> SecondHeater:
    return parse(SecondHeater, changes, "second_heater")


def problem_of(spec: type, **changes: Any):
    with pytest.raises(InputError) as caught:
        parse(spec, changes, "study")
    return caught.value.problems[0]


def case(**changes: Any):
    return load_case(parse(HomeStudy, home(**changes), "study"), Context())


def test_gas_is_sold_gross_and_boilers_are_rated_net():
    """0.10 EUR/kWh gross at 95 % of net: 1.108 / 0.95 kWh of gas per kWh of heat, 11.66 cent."""
    found = compiled(heater(price_eur_per_kwh=0.10, efficiency_share=0.95), surroundings(), 0.10)
    assert found.heat_cent_per_kwh[0] == pytest.approx(100 * 0.10 * 1.108 / 0.95)
    assert found.fuel_per_heat == pytest.approx(1.108 / 0.95)
    assert found.co2_g_per_kwh == pytest.approx(56.1 * 3.6 / 0.95)


@pytest.mark.parametrize(
    ("changes", "per_heat"),
    [
        ({"price_base": "hi", "efficiency_base": "hi"}, 1 / 0.9),
        ({"price_base": "hs", "efficiency_base": "hs"}, 1 / 0.9),
        ({"price_base": "hi", "efficiency_base": "hs"}, 1 / 0.9 / 1.108),
        ({"fuel": "oil", "price_base": "hs", "efficiency_base": "hi"}, 1.06 / 0.9),
        ({"fuel": "district_heat", "co2_g_per_kwh": 80}, 1.0),
    ],
)
def test_every_base_of_price_and_efficiency(changes, per_heat):
    found = compiled(heater(efficiency_share=0.9, **changes), surroundings(), 0.08)
    assert found.fuel_per_heat == pytest.approx(per_heat)


def test_bivalence_splits_the_year():
    seen = surroundings(outdoor_c=np.linspace(-10, 10, 96))
    cold = seen.outdoor_c < -2.0
    alone = compiled(heater(operation="alternative", bivalence_c=-2), seen, 0.1)
    beside = compiled(heater(operation="parallel", bivalence_c=-2), seen, 0.1)
    free = compiled(heater(), seen, 0.1)
    np.testing.assert_array_equal(alone.heat_max_kw > 0, cold)
    np.testing.assert_array_equal(beside.heat_max_kw > 0, cold)
    np.testing.assert_array_equal(alone.pump_available > 0, ~cold)
    assert np.all(beside.pump_available == 1)
    assert np.all(free.heat_max_kw == 20)


@pytest.mark.parametrize(
    "changes",
    [
        {"heat_min_kw": 25.0},
        {"operation": "parallel"},
        {"bivalence_c": -3.0},
        {"efficiency_share": 1.05, "efficiency_base": "hs"},
        {"fuel": "district_heat"},
    ],
)
def test_contradictions_are_refused(changes):
    problem = problem_of(SecondHeater, **changes)
    assert problem.code == "P148"
    assert problem.remedy


def test_the_block_heats_at_least_cost_within_its_limits_and_never_below_its_smallest_heat():
    """Demand 3 kW in every slot, smallest heat 5 kW, a spare of 8 cent: on only where fuel costs less than 8 cent."""
    seen = surroundings(step_min=60)
    price = np.where(np.arange(24) < 12, 0.05, 0.20)
    found = compiled(
        heater(heat_min_kw=5, price_base="hi", efficiency_share=1.0, serves=["room"]), seen, price
    )
    model = Model(24)
    made = block(found, model, slots(seen))
    other = model.var("other", cost=8.0)
    spill = model.var("spill")
    [port] = [p for p in made.ports if p.bus == ROOM]
    demand = np.full(24, 5.0)
    model.add("heat", [(1.0, port.var.now), (1.0, other.now), (-1.0, spill.now)], lower=demand, upper=demand)
    solved = Solved(model)
    heat = solved.value("second_heater.room")
    np.testing.assert_allclose(heat, np.where(np.arange(24) < 12, 5.0, 0.0), atol=1e-6)
    assert solved.objective == pytest.approx(12 * 5 * 5.0 + 12 * 5 * 8.0)


def test_room_and_water_share_its_power():
    seen = surroundings(step_min=60)
    found = compiled(heater(heat_max_kw=4, price_base="hi"), seen, -0.10)
    model = Model(24)
    block(found, model, slots(seen))
    solved = Solved(model)
    total = solved.value("second_heater.room") + solved.value("second_heater.water")
    np.testing.assert_allclose(total, 4.0, atol=1e-7)


@given(room=st.floats(0, 40), water=st.floats(0, 40))
@settings(max_examples=40, deadline=None)
def test_the_simulation_gives_hot_water_first_and_never_more_than_it_can(room, water):
    found = compiled(heater(heat_max_kw=12), surroundings(), 0.1)
    out = step(found, 3, np.array([room]), np.array([water]))
    assert out.water_kw[0] == pytest.approx(min(water, 12.0))
    assert out.room_kw[0] + out.water_kw[0] <= 12.0 + 1e-9
    heat = out.room_kw + out.water_kw
    np.testing.assert_allclose(out.cost_cent_per_h, heat * found.heat_cent_per_kwh[3])
    np.testing.assert_allclose(out.fuel_kw, heat / (0.95 / 1.108))


def test_a_plan_heats_with_the_cheaper_of_both():
    dear = run(second_heater={"price_eur_per_kwh": 0.60})
    cheap = run(second_heater={"price_eur_per_kwh": 0.005})
    costs = dict(zip(column(cheap, "costs", "category"), column(cheap, "costs", "amount_eur"), strict=True))
    assert costs["fuel"] > 0
    assert cheap["cost_eur"] < dear["cost_eur"]
    heat = costs["fuel"] / (0.005 * 1.108 / 0.95)
    bought = column(cheap, "plan", "import_kw") * column(cheap, "plan", "length_min") / 60
    grid_kg = cheap["co2_kg"] - heat * 56.1 * 3.6 / 0.95 / 1e3
    assert -1e-6 <= grid_kg <= bought.sum()
    assert np.all(column(cheap, "plan", "room_heat_kw") >= 0)
    spent = dict(zip(column(dear, "costs", "category"), column(dear, "costs", "amount_eur"), strict=True))
    assert spent.get("fuel", 0.0) == pytest.approx(0.0, abs=1e-9)


def test_below_the_bivalence_point_the_heat_pump_rests():
    found = case(
        weather={"outdoor_c": [-8.0] * 12 + [5.0] * 12},
        second_heater={"operation": "alternative", "bivalence_c": -2.0},
    )
    np.testing.assert_array_equal(found.plant.heat_pump.available, [0.0] * 12 + [1.0] * 12)


def test_the_legal_minimum_is_never_0_and_grows_with_the_loads():
    """4.2 kW for one load; two: 4.2 + 0.8 x 4.2; a pump of 19.7 kW: 0.4 of it (7.88 kW), as manufacturers compute."""
    assert least_kw(3.0, 0) == LEAST_KW
    assert least_kw(6.0, 0) == pytest.approx(4.2)
    assert least_kw(19.7, 0) == pytest.approx(7.88)
    assert least_kw(6.0, 1) == pytest.approx(4.2 + 0.8 * 4.2)
    assert least_kw(6.0, 2) == pytest.approx(4.2 + 2 * 0.75 * 4.2)
    assert all(np.diff([least_kw(6.0, n) for n in range(12)]) > 0)


def test_own_pv_comes_on_top_and_the_household_is_not_touched():
    seen = surroundings(step_min=60)
    spec = parse(Dimming, {"hours": [{"from_h": 17, "until_h": 19}]}, "dimming")
    load, sun = np.full(24, 1.5), np.zeros(24)
    sun[18] = 4.0
    found = limits(spec, seen, load, sun, 6.0, 0)
    assert list(np.flatnonzero(np.isfinite(found.import_kw))) == [17, 18]
    assert found.import_kw[17] == pytest.approx(4.2 + 1.5)
    assert found.import_kw[18] == pytest.approx(4.2)
    assert np.all(np.isinf(found.heat_pump_kw))


def test_a_single_load_that_is_dimmed_itself_keeps_its_own_minimum():
    seen = surroundings(step_min=60)
    spec = parse(Dimming, {"hours": [{"from_h": 17, "until_h": 19}], "control": "device"}, "dimming")
    found = limits(spec, seen, np.zeros(24), np.zeros(24), 14.0, 1)
    assert found.heat_pump_kw[17] == pytest.approx(5.6)
    assert found.import_kw[17] == pytest.approx(5.6 + 4.2)


def test_dimming_to_nothing_is_refused():
    problem = problem_of(Dimming, hours=[{"from_h": 17, "until_h": 19}], limit_kw=0.0)
    assert problem.code == "P146"
    assert "4.2" in problem.what


def test_a_dimmed_home_stays_within_its_limit_and_warm():
    result = run(
        dimming={"hours": [{"from_h": 0, "until_h": 6}]}, vehicles=[{"name": "car"}], state={"room_c": 20.2}
    )
    bought, load = column(result, "plan", "import_kw"), column(result, "plan", "load_kw")
    allowed = least_kw(20.0, 1)
    assert np.all(bought[:6] <= load[:6] + allowed + 1e-6)
    assert result["room_missed_k_h"] < 0.5


def test_dimming_of_the_heat_pump_alone_limits_compressor_and_backup():
    found = case(dimming={"hours": [{"from_h": 8, "until_h": 10}], "control": "device"})
    limit = found.plant.heat_pump.electric_max_kw
    assert limit is not None
    assert list(np.flatnonzero(np.isfinite(limit))) == [8, 9]
    assert limit[8] >= LEAST_KW - found.plant.heat_pump.standby_kw - 1e-9
