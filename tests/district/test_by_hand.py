"""Tiny systems solved by hand: what each proves, and what a wrong model would give."""

import numpy as np
import pytest

from tests.district.tiny import EXACT, FUELS, LP, boiler, extraction, market, plan, pump, store
from varme.ground.errors import InputError, ModelError

MODES = pytest.mark.parametrize("solve", [EXACT, LP, {"mode": "milp"}], ids=["exact", "lp", "search"])


def near(values, **tolerance):
    return pytest.approx(values, abs=1e-6, **tolerance)


# ------------------------------------------------------------------------------------- one unit, one store


@MODES
def test_one_boiler_and_one_store(solve):
    """Demand 5, 15, 10 from a boiler of 10: the 5 missing in hour 1 are stored in hour 0. Cost 30 x 30 = 900.

    A store that forgets what was charged is infeasible; one that counts the level before charging is late by an hour.
    """
    got = plan({"B": boiler(heat=10.0), "S": store()}, heat=[5.0, 15.0, 10.0], solve=solve)
    assert got.of("B") == near([10, 10, 10])
    assert got.level() == near([5, 0, 0])
    assert got.cost == near(900.0)
    assert got.of("S", "heat_in_mw") == near([5, 0, 0])
    assert got.of("S") == near([0, 5, 0])


def test_store_losses_and_efficiencies():
    """9 MW in hour 1 with eta 0.9 take 10 MWh out of a level that lost 20 %: 12.5, so 12.5 / 0.8 = 15.625 in.

    Losses taken from the new level, or efficiencies multiplied the wrong way, give 12 or 14.4.
    """
    fields = {"loss_share_per_h": 0.2, "charge_efficiency_share": 0.8, "discharge_efficiency_share": 0.9}
    cheap_then_dear = FUELS | {"gas": {"price_eur_per_mwh": [1.0, 1000.0]}}
    got = plan({"B": boiler(heat=50.0), "S": store(**fields)}, heat=[0.0, 9.0], fuels=cheap_then_dear)
    assert got.of("S", "heat_in_mw") == near([15.625, 0])
    assert got.level() == near([12.5, 0.0])
    assert got.of("S") == near([0, 9.0])
    assert got.cost == near(15.625)


@pytest.mark.parametrize(("step_min", "steps"), [(15, 4), (60, 1), (360, 1), (1440, 1)])
def test_losses_are_those_of_the_hours_whatever_the_step(step_min, steps):
    """10 % an hour leaves 0.9 to the power of the hours. A day's step with 1 - 0.1 x 24 leaves less than none."""
    got = plan(
        {"B": boiler(), "S": store(100.0, level_start_share=1.0, loss_share_per_h=0.1, discharge_max_mw=1e-9)},
        heat=[0.0] * steps, step_min=step_min,
    )  # fmt: skip
    assert got.level()[-1] == pytest.approx(100 * 0.9 ** (step_min * steps / 60), rel=1e-6)


def test_charge_and_discharge_limits_and_capacity_bind():
    """Free heat for two hours at 8 MW into 10 MWh, 6 MW in and 4 MW out; then 5 MW are wanted: 1 is short."""
    free = {"type": "must_take", "area": "a", "available_mw": [8.0, 8.0, 0.0, 0.0], "curtailable": True}
    devices = {"F": free, "S": store(10.0, charge_max_mw=6.0, discharge_max_mw=4.0), "B": boiler("gas")}
    got = plan(devices, heat=[0.0, 0.0, 5.0, 5.0])
    assert got.of("S") == near([0, 0, 4, 4])
    assert max(got.of("S", "heat_in_mw")) <= 6 + 1e-6
    assert max(got.level()) <= 10 + 1e-6
    assert got.of("B") == near([0, 0, 1, 1])


def test_an_end_level_is_kept():
    got = plan({"B": boiler(heat=20.0), "S": store(10.0, level_end_min_share=0.8)}, heat=[5.0, 5.0])
    assert got.level()[-1] == near(8.0)
    assert got.cost == near(30 * 18.0)


@pytest.mark.parametrize(("keep", "overlap", "hours"), [(4, 2, 10), (2, 2, 8), (3, 0, 9), (3, 1, 8)])
def test_an_end_level_is_kept_in_a_rolling_horizon_too(keep, overlap, hours):
    """With windows of equal length the last one is the moved first one: a row added to it alone would be lost."""
    solve = {"mode": "lp", "keep_h": keep, "overlap_h": overlap}
    devices = {"B": boiler(heat=20.0), "S": store(10.0, level_end_min_share=0.8, level_start_share=0.5)}
    got = plan(devices, heat=[5.0] * hours, solve=solve)
    assert got.level()[-1] == near(8.0)


def test_heat_left_in_a_store_has_its_value_and_no_more():
    """At 31 EUR/MWh it pays to fill the store with heat at 30, at 29 it does not; the credit is no cost."""
    for value, level in ((29.0, 0.0), (31.0, 10.0)):
        got = plan({"B": boiler(heat=50.0), "S": store(10.0, terminal_eur_per_mwh=value)}, heat=[5.0])
        assert got.level() == near([level])
        assert got.cost == near(30 * (5 + level))
        assert got.apart == near(-value * level)
        assert got.objective == near(got.cost + got.apart)


# ------------------------------------------------------------------------------------ extraction plants


@pytest.mark.parametrize(
    ("power_price", "heat_price_boiler", "extracts"),
    [(40.0, 30.0, True), (100.0, 30.0, True), (280.0, 30.0, False), (270.0, 30.0, True), (40.0, 4.0, False)],
)
def test_the_cv_trade_off(power_price, heat_price_boiler, extracts):
    """A MWh of heat from the turbine costs cv = 0.11 MWh of power: 0.11 x 40 = 4.4 EUR against the boiler's price.

    A wrong sign of cv makes heat free; cb instead of cv makes it 0.65 x the power price.
    """
    devices = {"C": extraction(), "B": boiler("own", 500.0), "M": market(power_price)}
    own = {"own": {"price_eur_per_mwh": heat_price_boiler}, "coal": FUELS["coal"]}
    got = plan(devices, heat=[100.0], fuels=own)
    assert (got.of("C")[0] > 50) is extracts
    assert got.of("C") == near([100.0 if extracts else 0.0])
    assert got.of("C", "power_out_mw") == near([252.3 - 0.11 * (100.0 if extracts else 0.0)])
    assert got.price() == near([min(0.11 * power_price, heat_price_boiler)])
    assert got.setter() == ["C" if extracts else "B"]
    assert got.price("electricity:n") == near([power_price])


def test_full_back_pressure_is_the_corner_of_the_diagram():
    """At 330 MW of heat the plant gives 216 MW; one more MW is dearer than cv: it needs more of another unit."""
    got = plan({"C": extraction(), "B": boiler("gas", 500.0), "M": market(40.0)}, heat=[330.0, 340.0])
    assert got.of("C", "power_out_mw") == near([216.0, 216.0])
    assert got.of("C") == near([330.0, 330.0])
    assert got.unit("C", "full_back_pressure_h") == 2
    assert got.price()[1] == near(30.0)


def test_corners_give_the_same_plan_as_the_formula():
    """The four corners [P, Q, F] of the standard diagram without minimum load: 0, condensing, back pressure."""
    corners = [[0.0, 0.0, 0.0], [252.3, 0.0, 600.0], [216.0, 330.0, 600.0]]
    for heat in ([100.0, 330.0, 0.0], [10.0, 200.0, 331.0]):
        plans = [
            plan(
                {"C": extraction(**extra), "B": boiler("gas", 500.0), "M": market([12.0, 40.0, 300.0])},
                heat=heat,
            )
            for extra in ({}, {"corners": corners})
        ]
        assert plans[0].cost == pytest.approx(plans[1].cost, rel=1e-9)
        assert plans[0].of("C", "power_out_mw") == near(plans[1].of("C", "power_out_mw"))


def test_pieces_are_a_union_not_their_hull():
    """Two pieces: a low one without heat, a high one with heat. Half-way between is in the hull, but in neither.

    A demand of 5 MW of heat from the pieces needs the second, at no less than 50 MW of fuel.
    """
    pieces = [
        [[0.0, 0.0, 1.0], [4.0, 0.0, 10.0]],
        [[15.0, 20.0, 50.0], [20.0, 5.0, 50.0], [30.0, 40.0, 100.0]],
    ]
    got = plan({"C": extraction(fuel_max_mw=100.0, pieces=pieces), "M": market(10.0)}, heat=[5.0])
    assert got.of("C", "fuel_mw") == near([50.0])
    assert got.of("C", "power_out_mw") == near([20.0])


def test_smallest_heat_when_on():
    devices = {
        "C": extraction(heat_min_mw=60.0, min_load_share=0.3),
        "B": boiler("straw", 100.0),
        "M": market(200.0),
    }
    assert plan(devices, heat=[60.0]).of("C") == near([60.0])
    assert plan(devices, heat=[50.0]).of("C", "fuel_mw") == near([0.0])


def test_back_pressure_makes_power_in_a_fixed_ratio():
    """50 MW of heat at 0.69 / 0.21 is 15.217 MW of power, sold at 100: heat costs (20 - 0.21 x 100) / 0.69 = -1.45."""
    chp = {
        "type": "back_pressure", "node": "n", "area": "a", "fuel": "straw", "fuel_max_mw": 365.0,
        "power_efficiency_share": 0.21, "total_efficiency_share": 0.90,
    }  # fmt: skip
    got = plan({"C": chp, "M": market(100.0), "B": boiler()}, heat=[50.0])
    assert got.of("C") == near([50.0])
    assert got.of("C", "power_out_mw") == near([50 / 0.69 * 0.21])
    assert got.price() == near([(20 - 21) / 0.69])
    assert got.setter() == ["C"]
    assert got.cost == near(50 / 0.69 * (20 - 21))


# ---------------------------------------------------------------------------------- starts, ramps, minimum times


@pytest.mark.parametrize(("least", "ramp"), [(0.5, 0.2), (0.3, 0.3), (0.1, 0.4)])
def test_a_start_with_the_minimum_load_above_the_ramp(least, ramp):
    """The paper's trap: ramp 0.2, minimum 0.35. A plain ramp never lets the unit start; the dear boiler would run.

    From off the first step may reach max(ramp, minimum), then rise by the ramp: 50, 70, 90, 100.
    """
    unit = boiler("coal", 100.0, min_load_share=least, ramp_share_per_h=ramp, initial="off")
    got = plan({"U": unit, "B": boiler("gas")}, heat=[100.0] * 6)
    first = 100 * max(least, ramp)
    assert got.of("U") == near([min(100.0, first + 100 * ramp * t) for t in range(6)])
    assert got.unit("U", "starts_count") == 1
    assert len(got.findings("ramp_below_min_load")) == (1 if ramp < least else 0)


def test_a_stop_is_foreseen():
    """From 100 to 0 with ramp 0.3 and minimum 0.4: 70 is not yet stoppable, 40 is. A blind plan is infeasible."""
    unit = boiler("coal", 100.0, min_load_share=0.4, ramp_share_per_h=0.3)
    got = plan({"U": unit, "B": boiler("gas")}, heat=[100.0, 100.0, 100.0, 0.0])
    assert got.of("U") == near([100, 70, 40, 0])


ROLLED = EXACT | {"horizon": "rolling", "keep_h": 2, "overlap_h": 5}


@pytest.mark.parametrize("solve", [EXACT, ROLLED], ids=["one-shot", "rolled"])
def test_minimum_up_time_holds_across_seams(solve):
    """Heat is wanted for 2 hours; the unit stays on for 4, at its minimum of 2 MW, which is cooled away."""
    unit = boiler("coal", 10.0, min_load_share=0.2, min_up_h=4.0, initial="off")
    got = plan(
        {"U": unit}, heat=[0.0, 0.0, 10.0, 10.0, 0.0, 0.0, 0.0, 0.0], area={"spill": True}, solve=solve
    )
    on = got.column("dispatch", "on", unit="U").tolist()
    assert sum(on) == 4
    assert on[2:4] == [True, True]
    assert got.cost == near(10 * (20 + 4))
    assert sum(got.bus("spill_mw")) == near(4.0)


@pytest.mark.parametrize("solve", [EXACT, ROLLED], ids=["one-shot", "rolled"])
def test_minimum_down_time_holds_across_seams(solve):
    """The unit must rest in hour 2, and so for 4 hours; the dear boiler stands in: 3 more hours than without."""
    unit = boiler("coal", 10.0, min_load_share=0.5, min_down_h=4.0, initial="on")
    got = plan(
        {"U": unit, "B": boiler("gas")}, heat=[10.0, 10.0, 2.0, 10.0, 10.0, 10.0, 10.0, 10.0], solve=solve
    )
    rests = [t for t, on in enumerate(got.column("dispatch", "on", unit="U").tolist()) if not on]
    assert len(rests) == 4 == rests[-1] - rests[0] + 1
    assert 2 in rests
    assert got.cost == near(10 * 40 + 30 * 32)


@pytest.mark.parametrize(
    ("initial", "starts", "cost"), [("off", 1, 57.0), ("on", 0, 50.0), ("free", 0, 50.0)]
)
def test_a_start_in_the_first_step_is_paid_and_counted_if_the_unit_was_off(initial, starts, cost):
    unit = boiler("coal", 10.0, start_cost_eur=7.0, initial=initial, min_load_share=0.1)
    got = plan({"U": unit}, heat=[5.0])
    assert got.cost == near(cost)
    assert got.unit("U", "starts_count") == starts
    assert got.costs().get(("U", "starts"), 0.0) == near(cost - 50.0)


def test_start_costs_against_staying_on():
    """A pause of 2 hours: staying on at 2 MW costs 2 x 2 x 10 = 40 of lost heat; a start costs 39 or 41."""
    for start, starts in ((39.0, 1), (41.0, 0)):
        unit = boiler("coal", 10.0, min_load_share=0.2, start_cost_eur=start)
        got = plan({"U": unit}, heat=[10.0, 0.0, 0.0, 10.0], area={"spill": True})
        assert got.unit("U", "starts_count") == starts
        assert got.cost == near(200 + min(start, 40.0))


def test_committed_at_no_output_is_not_running():
    """Without a minimum load the status may be 1 at no cost; hours of operation count output only."""
    unit = boiler("gas", 100.0, ramp_share_per_h=0.5)
    got = plan({"U": unit, "C": boiler("coal", 100.0)}, heat=[50.0, 50.0])
    assert got.unit("U", "operating_h") == 0
    assert got.column("dispatch", "on", unit="U").tolist() == [False, False]


# ------------------------------------------------------------------------------------------------ heat pumps


@pytest.mark.parametrize(("price", "pumps"), [(89.0, True), (91.0, False)])
def test_a_heat_pump_runs_while_power_is_below_cop_times_the_boilers_price(price, pumps):
    """Boiler heat at 30, COP 3: the switch is at 90 EUR/MWh. A COP applied the wrong way round switches at 10."""
    got = plan({"H": pump(20.0), "B": boiler("gas"), "M": market(price)}, heat=[15.0])
    assert got.of("H") == near([15.0 if pumps else 0.0])
    assert got.of("H", "power_in_mw") == near([5.0 if pumps else 0.0])
    assert got.price() == near([min(price / 3, 30.0)])
    assert got.setter() == ["H" if pumps else "B"]


def test_cop_series_fees_and_operation():
    got = plan(
        {"H": pump(20.0, [2.0, 4.0], electricity_fee_eur_per_mwh=10.0, variable_om_eur_per_mwh=1.0), "M": market(50.0)},
        heat=[8.0, 8.0],
    )  # fmt: skip
    assert got.of("H", "power_in_mw") == near([4, 2])
    assert got.price() == near([60 / 2 + 1, 60 / 4 + 1])
    assert got.costs() == {
        ("H", "fees"): near(60.0), ("H", "operation and maintenance"): near(16.0),
        ("M", "electricity bought"): near(300.0), ("M", "electricity sold"): near(0.0),
    }  # fmt: skip


def test_temperatures_make_the_cop_in_kelvin():
    """Carnot 10 -> 80 C is 353.15 / 70; half of it is 2.5225. In Celsius it would be 0.57."""
    fields = {"cop": None, "carnot_share": 0.5, "source_c": 10.0, "supply_c": [80.0, 60.0]}
    got = plan({"H": pump(20.0, **fields), "M": market(50.0)}, heat=[10.0, 10.0])
    assert got.of("H", "power_in_mw") == near([10 / (0.5 * 353.15 / 70), 10 / (0.5 * 333.15 / 50)])


def test_no_load_share_makes_part_load_poorer_and_full_load_the_same():
    """n = 0.2, H = 30, COP 3: e = 0.8 q / 3 + 0.2 x 30 / 3. At 30: 10 MW, at 15: 6 MW (COP 2.5), off: nothing."""
    got = plan(
        {"H": pump(30.0, no_load_share=0.2), "B": boiler("gas"), "M": market(30.0)}, heat=[30.0, 15.0, 0.0]
    )
    assert got.of("H", "power_in_mw") == near([10, 6, 0])
    assert got.unit("H", "operating_h") == 2


def test_no_load_makes_small_demands_the_boilers():
    """At 3 MW the pump draws 2.8 MW for 90 x 2.8 = 252 EUR; the boiler makes it for 90."""
    got = plan({"H": pump(30.0, no_load_share=0.2), "B": boiler("gas"), "M": market(80.0)}, heat=[3.0, 30.0])
    assert got.of("H") == near([0, 30])


def test_an_available_share_limits_and_nothing_else():
    got = plan(
        {"H": pump(20.0, available_share=[1.0, 0.5, 0.0]), "B": boiler("gas"), "M": market(30.0)},
        heat=[20.0] * 3,
    )
    assert got.of("H") == near([20, 10, 0])
    assert got.of("B") == near([0, 10, 20])


def test_minimum_load_of_a_heat_pump_falls_with_its_availability():
    got = plan(
        {"H": pump(20.0, available_share=[1.0, 0.5], min_load_share=0.5), "B": boiler("gas"), "M": market(30.0)},
        heat=[6.0, 6.0],
    )  # fmt: skip
    assert got.of("H") == near([0, 6])


def test_an_electric_boiler_turns_surplus_into_heat():
    """Power at -20 with eta 0.95: heat at -20 / 0.95; the boiler is limited on the heat side."""
    heater = {
        "type": "electric_boiler",
        "node": "n",
        "area": "a",
        "heat_max_mw": 10.0,
        "efficiency_share": 0.95,
    }
    got = plan({"E": heater, "B": boiler("gas"), "M": market([-20.0, 40.0])}, heat=[8.0, 8.0])
    assert got.of("E") == near([8, 0])
    assert got.of("E", "power_in_mw") == near([8 / 0.95, 0])
    assert got.price() == near([-20 / 0.95, 30.0])


# --------------------------------------------------------------------------------------------- surplus and shortage


def wind(available, **fields):
    return {"type": "must_take", "node": "n", "available_mw": available} | fields


def test_surplus_is_spilled_curtailed_or_impossible():
    """Wind of 12 against a demand of 5: 7 MW must go somewhere, and the study says where."""
    devices = {"W": wind([12.0])}
    spilled = plan(devices, power=[5.0], node={"spill": True, "spill_eur_per_mwh": 2.0})
    assert spilled.bus("spill_mw", "electricity:n") == near([7.0])
    assert spilled.cost == near(14.0)
    assert spilled.setter("electricity:n") == ["spill"]
    assert spilled.price("electricity:n") == near([-2.0])
    curtailed = plan({"W": wind([12.0], curtailable=True, curtail_eur_per_mwh=3.0)}, power=[5.0])
    assert curtailed.of("W", "power_out_mw") == near([5.0])
    assert curtailed.cost == near(21.0)
    with pytest.raises(ModelError) as caught:
        plan(devices, power=[5.0])
    [problem] = caught.value.problems
    assert (problem.code, problem.where) == ("P301", "electricity.n")
    assert (
        "electricity in surplus by up to 7.0 MW in 1 step (7.0 MWh), from 2011-01-01 00:00 +0000"
        in problem.what
    )
    assert "electricity.n.spill = true" in problem.remedy


def test_an_islands_surplus_is_eaten_by_heat_pumps_first():
    """Spill is the last resort: 12 of wind, 5 of demand, the pump takes 6, one is spilled. Heat is then free."""
    got = plan(
        {"W": wind([12.0]), "H": pump(18.0), "B": boiler("gas")},
        power=[5.0],
        heat=[30.0],
        node={"spill": True},
    )
    assert got.of("H") == near([18.0])
    assert got.bus("spill_mw", "electricity:n") == near([1.0])
    assert got.price("electricity:n") == near([0.0])


def test_demand_above_all_capacity_is_explained_in_the_fields_words():
    """Which bus, which hours, how much, which limits: not 'infeasible'."""
    devices = {"B": boiler("gas", 10.0), "S": store(4.0, 2.0, level_start_share=1.0)}
    with pytest.raises(ModelError) as caught:
        plan(devices, heat=[8.0, 14.0, 13.0, 8.0])
    [problem] = caught.value.problems
    assert (problem.code, problem.where) == ("P301", "heat.a")
    assert "heat short by up to " in problem.what
    assert "(3.0 MWh)" in problem.what
    assert "B at its limit of 10 MW fuel" in problem.what
    assert "S holds" in problem.what
    assert "from 2011-01-01 01:00 +0000 to 2011-01-01 0" in problem.what
    assert "heat.a.shortfall_eur_per_mwh" in problem.remedy


def test_what_only_the_minimum_load_forbids_is_explained_too():
    with pytest.raises(ModelError) as caught:
        plan({"B": boiler("gas", 10.0, min_load_share=0.5)}, heat=[8.0, 3.0])
    [problem] = caught.value.problems
    assert (problem.code, problem.where) == ("P301", "heat.a")
    assert "heat in surplus by up to 2.0 MW" in problem.what
    assert "at their minimum load" in problem.what
    assert "min_load_share" in problem.remedy


def test_a_shortfall_is_priced_and_kept_apart_from_the_cost():
    """4 MW are missing in hour 1. A saving that counts their price, or their absence, is a fairy tale."""
    got = plan({"B": boiler("gas", 10.0)}, heat=[8.0, 14.0], area={"shortfall_eur_per_mwh": 1000.0})
    assert got.bus("shortfall_mw") == near([0, 4])
    assert got.cost == near(30 * 18)
    assert got.apart == near(4000.0)
    assert got.objective == near(4540.0)
    assert got.price() == near([30, 1000])
    assert got.setter() == ["B", "shortfall"]
    assert got.result["unserved_mwh"] == near(4.0)
    [finding] = got.findings("unserved_energy")
    assert finding.severity == "alarm"
    assert finding.evidence["unserved_mwh"] == near(4.0)
    assert got.costs()["heat:a", "shortfall"] == near(4000.0)


def test_no_demand_costs_nothing_and_a_single_hour_is_a_horizon():
    got = plan(
        {"B": boiler("gas", min_load_share=0.3), "S": store(), "C": extraction(), "M": market(15.0)},
        heat=[0.0],
    )
    assert got.cost == near(0.0)
    assert got.of("C", "fuel_mw") == got.of("B", "fuel_mw") == near([0.0])
    assert len(got.of("B")) == 1
    rolled = plan({"B": boiler("gas")}, heat=[5.0], solve={"mode": "milp"})
    assert rolled.cost == near(150.0)
    assert rolled.column("windows", "keep_h").tolist() == [1.0]


def test_a_study_without_any_demand_or_device():
    """Nothing to plan is told so; nothing to do is a plan."""
    with pytest.raises(InputError, match="P103 devices: "):
        plan({}, hours=3)
    assert plan({"B": boiler()}, hours=2, solve=LP).of("B") == near([0, 0])


def test_negative_demand_is_production():
    got = plan({"H": pump(30.0), "B": boiler("gas")}, power=[-5.0], heat=[20.0])
    assert got.of("H") == near([15.0])


# ------------------------------------------------------------------------------------------ market, lines, CO2


def test_import_and_export_at_prices_of_both_signs():
    """Wind 10 of 10 sold at 50 less the fee; at -20 power is taken: demand 4 imported, wind curtailed."""
    devices = {
        "W": wind([10.0, 10.0], curtailable=True),
        "M": market([50.0, -20.0], 6.0, 6.0, export_fee_eur_per_mwh=1.0),
    }
    got = plan(devices, power=[4.0, 4.0])
    assert got.of("M", "power_in_mw") == near([6, 0])
    assert got.of("M", "power_out_mw") == near([0, 4])
    assert got.of("W", "power_out_mw") == near([10, 0])
    assert got.cost == near(-6 * 49 - 4 * 20)
    assert got.costs() == {
        ("M", "electricity bought"): near(-80.0), ("M", "electricity sold"): near(-300.0), ("M", "fees"): near(6.0)
    }  # fmt: skip


def test_a_market_never_trades_with_itself_for_profit():
    """Buying and selling in one hour nets out: with fees on both it never pays, without fees it earns nothing."""
    got = plan({"M": market([50.0, -50.0])}, power=[0.0, 0.0])
    assert got.cost == near(0.0)


def test_line_losses_and_pumping():
    """10 MW arriving need 10 / 0.95 sent; at the far end a MWh costs (30 + 1) / 0.95."""
    line = {"type": "line", "from_bus": "a", "to_bus": "b", "capacity_mw": 20.0, "loss_share": 0.05}
    line |= {"pumping_eur_per_mwh": 1.0}
    heat = {"a": {}, "b": {"demand_mw": [10.0]}}
    devices = {"B": boiler("gas"), "L": line, "D": boiler("own", area="b")}
    got = plan_two(devices, heat)
    assert got.of("L", "heat_in_mw") == near([10 / 0.95])
    assert got.of("L") == near([10.0])
    assert got.price("heat:b") == near([31 / 0.95])
    assert got.setter("heat:b") == ["L"]
    assert got.cost == near(310 / 0.95)


def plan_two(devices, heat, **parts):
    """Plan with heat areas of one's own."""
    fuels = FUELS | {"own": {"price_eur_per_mwh": 33.0}}
    return plan(devices, hours=1, fuels=fuels, areas=heat, **parts)


def test_a_line_carries_back_only_if_it_may():
    heat = {"a": {"demand_mw": [10.0]}, "b": {}}
    for back, price in ((0.0, 33.0), (4.0, 33.0), (12.0, 10.0)):
        line = {"type": "line", "from_bus": "a", "to_bus": "b", "capacity_mw": 20.0, "back_capacity_mw": back}
        got = plan_two({"A": boiler("own"), "L": line, "B": boiler("coal", area="b")}, heat)
        assert got.of("B") == near([min(back, 10.0)])
        assert got.price() == near([price])


@pytest.mark.parametrize(("price", "first"), [(130.0, "coal"), (140.0, "gas")])
def test_a_co2_price_switches_the_merit_order(price, first):
    """Coal 10 + 0.35 p against gas 30 + 0.2 p: equal at 133.33 EUR/t."""
    got = plan({"K": boiler("coal"), "G": boiler("gas")}, heat=[10.0], carbon={"price_eur_per_t": price})
    assert got.of("K") == near([10.0 if first == "coal" else 0.0])
    factor, fuel = (0.35, 10.0) if first == "coal" else (0.2, 30.0)
    assert got.cost == near(10 * (fuel + factor * price))
    assert got.costs()["K" if first == "coal" else "G", "co2"] == near(10 * factor * price)


def test_taxes_and_emissions_are_counted_per_fuel():
    fuels = {"gas": {"price_eur_per_mwh": 30.0, "tax_eur_per_mwh": 5.0, "co2_t_per_mwh": 0.2}}
    got = plan({"G": boiler("gas", efficiency=0.8)}, heat=[8.0], fuels=fuels)
    assert got.cost == near(350.0)
    assert got.unit("G", "co2_t") == near(2.0)
    assert got.costs() == {("G", "fuel"): near(300.0), ("G", "tax"): near(50.0)}


# ------------------------------------------------------------------------------------------------- sizes


def decided(cost, most=50.0, **fields):
    """Return a size at a cost per MW and hour of the horizon: interest 0, life of one year."""
    return {
        "min": 0.0,
        "max": most,
        "eur_per_mw": cost * 8760,
        "life_years": 1.0,
        "interest_share": 0.0,
    } | fields


@pytest.mark.parametrize(
    ("cost", "size"), [(35.0, 30.0), (15.0, 40.0), (45.0, 20.0), (65.0, 10.0), (85.0, 0.0)]
)
def test_a_size_is_the_one_of_the_screening_curve(cost, size):
    """Heat from the pump at 10, from the boiler at 30: a MW pays if 20 EUR x its hours of use are more than its cost.

    The loads 10, 20, 30, 40 use the first 10 MW for 4 hours, the next for 3, 2 and 1: they save 80, 60, 40, 20 a MW.
    """
    devices = {"H": pump(decided(cost / 4), 3.0), "B": boiler("gas"), "M": market(30.0)}
    got = plan(devices, heat=[10.0, 20.0, 30.0, 40.0])
    assert got.result["H_size_mw"] == near(size)
    assert got.column("sizes", "cost_eur").tolist() == near([cost * size])
    assert got.of("H") == near([min(size, q) for q in (10, 20, 30, 40)])


@pytest.mark.parametrize(("fixed", "size"), [(749.0, 30.0), (751.0, 0.0)])
def test_a_fixed_cost_makes_it_all_or_nothing(fixed, size):
    """At 35 a MW 30 MW save 450 + 250 + 50 = 750; a relaxed yes or no would build at 30 / 50 of the fixed cost."""
    devices = {
        "H": pump(decided(35 / 4, eur_fixed=fixed * 8760 / 4), 3.0), "B": boiler("gas"), "M": market(30.0)
    }  # fmt: skip
    got = plan(devices, heat=[10.0, 20.0, 30.0, 40.0])
    assert got.result["H_size_mw"] == near(size)


def test_the_location_is_decided_where_it_is_worth_most():
    """The same pump may stand in a (against gas at 30) or b (against straw at 20): all goes to a."""
    heat = {"a": {"demand_mw": [10.0]}, "b": {"demand_mw": [10.0]}}
    devices = {
        "HA": pump(decided(8.0, 30.0)), "HB": pump(decided(8.0, 30.0), area="b"), "M": market(30.0),
        "A": boiler("gas"), "B": boiler("straw", area="b"),
    }  # fmt: skip
    got = plan_two(devices, heat)
    assert (got.result["HA_size_mw"], got.result["HB_size_mw"]) == (near(10.0), near(10.0))
    devices |= {"HA": pump(decided(12.0, 30.0)), "HB": pump(decided(12.0, 30.0), area="b")}
    got = plan_two(devices, heat)
    assert (got.result["HA_size_mw"], got.result["HB_size_mw"]) == (near(10.0), near(0.0))


def test_the_size_of_a_store_and_a_ramp_that_follows_a_size():
    """Cheap heat in hour 0 for 12 MWh in hour 1: a store of 12 MWh, at 5 a MWh against 1000 - 10 saved."""
    fuels = FUELS | {"gas": {"price_eur_per_mwh": [10.0, 1000.0]}}
    got = plan({"B": boiler("gas", 50.0), "S": store(decided(2.5, 100.0))}, heat=[0.0, 12.0], fuels=fuels)
    assert got.result["S_size_mwh"] == near(12.0)
    assert got.level() == near([12, 0])
    # From 0 to 10 in one step at 20 % an hour takes a pump of 50, if it began at 0 in hour 0.
    pumped = {
        "H": pump(decided(0.1, 100.0), ramp_share_per_h=0.2, initial="off"),
        "B": boiler("gas"),
        "M": market(3.0),
    }
    got = plan(pumped, heat=[0.0, 10.0])
    assert got.result["H_size_mw"] == near(50.0)


# ------------------------------------------------------------------------------------------- prices and time


def test_the_price_is_the_dual_and_the_marginal_unit_is_named():
    """Merit order: straw 5 MW at 20, gas at 30. Price 20 at demand 4, 30 at 7."""
    got = plan({"A": boiler("straw", 5.0), "B": boiler("gas", 50.0)}, heat=[4.0, 7.0])
    assert got.price() == near([20, 30])
    assert got.setter() == ["A", "B"]
    for hour, price in enumerate((20, 30)):
        more = [4.0, 7.0]
        more[hour] += 0.5
        assert plan({"A": boiler("straw", 5.0), "B": boiler("gas", 50.0)}, heat=more).cost - got.cost == near(
            price / 2
        )


def test_quarter_hours_cost_a_quarter():
    hourly = plan({"B": boiler()}, heat=[10.0, 20.0])
    quarters = plan({"B": boiler()}, heat=[10.0] * 4 + [20.0] * 4, step_min=15)
    assert quarters.cost == near(hourly.cost) == near(900.0)
    assert quarters.price() == near([30.0] * 8)
    assert quarters.unit("B", "operating_h") == 2.0


def test_ramps_and_minimum_times_are_hours_not_steps():
    unit = boiler("coal", 100.0, ramp_share_per_h=0.4, initial="off", min_up_h=0.5)
    got = plan({"U": unit, "B": boiler("gas")}, heat=[100.0] * 4, step_min=15)
    assert got.of("U") == near([10, 20, 30, 40])


@pytest.mark.parametrize(
    ("start", "end", "n"), [("2011-01-01", "2012-01-01", 8760), ("2012-01-01", "2013-01-01", 8784)]
)
def test_years_of_a_zone_with_summer_time_have_all_their_hours(start, end, n):
    time = {"start": start, "end": end, "timezone": "Europe/Copenhagen", "step_min": 60}
    got = plan({"B": boiler(), "H": pump(10.0), "M": market(30.0)}, heat=10.0, time=time, solve=LP)
    assert len(got.of("B")) == n
    assert got.cost == pytest.approx(10.0 * 10 * n)
    months = got.column("heat_pump_months", "operating_h", unit="H")
    assert months[[0, 2, 9]].tolist() == [744, 743, 745]
    assert (
        got.result.tables["dispatch"]["time_utc"].iloc[0].isoformat()
        == f"{int(start[:4]) - 1}-12-31T23:00:00+00:00"
    )


def test_cost_tables_add_up_to_the_objective():
    devices = {
        "C": extraction(min_load_share=0.3, ramp_share_per_h=0.2, variable_om_eur_per_mwh=1.5, start_cost_eur=500.0),
        "H": pump(50.0, electricity_fee_eur_per_mwh=7.0, no_load_share=0.1), "B": boiler("gas"), "S": store(200.0),
        "M": market([20.0, 90.0, -10.0, 60.0], 300.0, 300.0, import_fee_eur_per_mwh=3.0, export_fee_eur_per_mwh=1.0),
    }  # fmt: skip
    got = plan(
        devices, heat=[150.0, 400.0, 90.0, 380.0], power=[100.0] * 4, carbon={"price_eur_per_t": 25.0},
        area={"shortfall_eur_per_mwh": 500.0},
    )  # fmt: skip
    apart = sum(
        v
        for (_, category), v in got.costs().items()
        if category in {"shortfall", "co2 cap", "heat left in store"}
    )
    assert sum(got.costs().values()) == pytest.approx(got.objective, rel=1e-9)
    assert got.cost + got.apart == pytest.approx(got.objective, rel=1e-9)
    assert got.apart == near(apart)
    assert np.isfinite(got.column("units", "cost_eur")).all()
    assert got.column("units", "cost_eur").sum() == pytest.approx(got.cost, rel=1e-9)


# ------------------------------------------------------------------------------------------------ CO2 caps

ROLLING_LP = {"mode": "lp", "keep_h": 1, "overlap_h": 1}


@pytest.mark.parametrize("cap_t", [2.0, 3.6])
def test_a_cap_that_leaves_no_choice(cap_t):
    """10 MWh of heat: 2 t are gas alone, 3.5 t coal alone. A cap of 3.6 does not bind and has no price."""
    got = plan(
        {"K": boiler("coal"), "G": boiler("gas")},
        heat=[4.0, 2.0, 1.0, 3.0],
        carbon={"cap_kt": cap_t / 1000},
        solve=LP,
    )
    assert got.result["co2_kt"] == near(min(cap_t, 3.5) / 1000)
    assert got.cost == near(300.0 if cap_t == 2.0 else 100.0)


@pytest.mark.parametrize("solve", [LP, EXACT, ROLLING_LP], ids=["lp", "milp", "rolling"])
def test_a_cap_in_between_is_met_and_used(solve):
    """3 t: 0.35 k + 0.2 (10 - k) = 3, so 6.667 MWh of coal and 3.333 of gas for 166.67 EUR. All gas costs 300."""
    got = plan(
        {"K": boiler("coal"), "G": boiler("gas")},
        heat=[4.0, 2.0, 1.0, 3.0],
        carbon={"cap_kt": 0.003},
        solve=solve,
    )
    assert got.result["co2_kt"] == pytest.approx(0.003, rel=1e-4)
    assert got.cost == pytest.approx(500 / 3, rel=1e-4)


def test_a_cap_that_cannot_be_met_is_explained():
    with pytest.raises(ModelError) as caught:
        plan({"K": boiler("coal"), "G": boiler("gas")}, heat=[10.0], carbon={"cap_kt": 0.001}, solve=LP)
    assert [p.code for p in caught.value.problems] == ["P301"]


def test_imports_count_under_a_cap():
    """Imports of 0.5 t/MWh at 30 against own coal power of 0.35 / 0.4 = 0.875 t/MWh at 25: the cap prices both."""
    plant = {
        "type": "power_plant",
        "node": "n",
        "fuel": "coal",
        "fuel_max_mw": 100.0,
        "power_efficiency_share": 0.4,
    }
    devices = {"P": plant, "M": market(30.0, co2_t_per_mwh=0.5)}
    got = plan(devices, power=[10.0], carbon={"cap_kt": 0.005}, solve=LP)
    assert got.of("M", "power_out_mw") == near([10.0])
    assert got.result["co2_kt"] == near(0.005)
    assert got.apart == near(0.0)


def test_a_missed_cap_is_an_alarm(monkeypatch):
    """Without a budget the plan burns coal alone, 3.5 t against 3 t: that must never pass unsaid."""
    monkeypatch.setattr("varme.district.operate._with_cap", lambda case, progress: case)
    got = plan({"K": boiler("coal"), "G": boiler("gas")}, heat=[10.0], carbon={"cap_kt": 0.003}, solve=LP)
    [finding] = got.findings("co2_cap_missed")
    assert (finding.severity, finding.where) == ("alarm", "carbon.cap_kt")
    assert finding.evidence == {"co2_kt": near(0.0035), "cap_kt": 0.003}


def test_a_lossy_store_cannot_do_both_at_full_power():
    """A full store of 10 MW both ways, efficiencies 0.5, can burn surplus by cycling: 0.5 c = 2 d, so d = c / 4.
    Sharing the hour, c / 10 + d / 10 <= 1, it takes c - d = 8 - 2 = 6 MW at most; 7 MW too much is refused. A model
    that lets it charge and discharge at full power at once takes 10 - 2.5 = 7.5 MW and calls that a plan."""
    lossy = {"charge_efficiency_share": 0.5, "discharge_efficiency_share": 0.5, "level_start_share": 1.0}
    devices = {
        "S": store(capacity=1.0, rate=10.0, **lossy),
        "sun": {"type": "must_take", "area": "a", "available_mw": [9.0, 9.0, 9.0]},
    }
    got = plan(devices, heat=[3.0, 3.0, 3.0], solve=LP)
    assert got.of("S", "heat_in_mw") == near([6.0, 6.0, 6.0])  # net of both
    assert got.level() == near([1.0, 1.0, 1.0])
    with pytest.raises(ModelError, match="in surplus"):
        plan(devices, heat=[2.0, 2.0, 2.0], solve=LP)
