"""The heat pump of a home: numbers against the machine, operating rules, and what a user is told."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tests.components.around import slots, surroundings
from tests.data.test_heat_pump_catalogue import row, written
from varme.components import house as house_of
from varme.components.heat_pump_checks import (
    bivalence_c,
    check_heat_pump,
    design_shortage,
    horizon_shortage,
)
from varme.components.heat_pump_machine import (
    full_load_kw,
    model_of,
    operation_limit_c,
    performance,
    size_kw,
    standby_w,
)
from varme.components.heat_pump_spec import HomeHeatPump
from varme.components.heat_pump_tables import bivalence_table, cop_map_table, heat_pump_charts
from varme.components.home import Slots
from varme.components.home_heat_pump import compiled, planned_room_c
from varme.components.hot_water_tank import HotWaterTank
from varme.components.house import House
from varme.data.catalogue.heat_pumps import read_catalogue
from varme.ground.errors import Collector, InputError
from varme.ground.spec import parse

HOUSE, TANK = House(), HotWaterTank()
KEYMARK = (
    Path(__file__).resolve().parents[2].parent / "shared/data/heatpumps/keymark_en14825_points_2024.csv.gz"
)


def pump(**changes):
    return parse(HomeHeatPump, changes, "heat_pump")


def numbers(spec=None, seen=None, house=HOUSE, tank=TANK, **changes):
    spec = spec or pump(**changes)
    model = model_of(spec)
    return compiled(spec, seen or surroundings(), house, tank, size_kw(spec, model), model)


def power(found, m, heat):
    return found.standby_kw + found.electric_on_kw[m] + found.electric_per_heat[m] * heat


def told(found, seen=None, **changes):
    problems = Collector()
    spec = pump(**changes)
    seen = seen or surroundings()
    room = house_of.compiled(HOUSE, seen, 0.3, 20.0, 23.0)
    made = numbers(spec, seen)
    out = check_heat_pump(spec, made, seen, problems, house=HOUSE, room=room, tank=TANK, draw_kw=0.2)
    return {f.code: f for f in out}, {p.code: p for p in problems.problems}


def problem_of(**changes):
    with pytest.raises(InputError) as caught:
        pump(**changes)
    return caught.value.problems[0]


@pytest.mark.parametrize("outdoor", [-12.0, 0.0, 10.0])
def test_a_running_machine_draws_what_its_cop_says_with_the_standby(outdoor):
    """Exact at smallest and full load, each at the flow temperature of its own heat."""
    seen = surroundings(outdoor_c=outdoor)
    found = numbers(seen=seen)
    machine = found.machine.performance
    for heat in (found.heat_min_kw[0], found.heat_max_kw[0]):
        flow = HOUSE.flow_c(heat, planned_room_c(HOUSE, outdoor))
        cop = machine.cop(outdoor, flow, heat / machine.heat_max_kw(outdoor, flow))
        np.testing.assert_allclose(power(found, 0, heat), heat / cop, rtol=1e-9)


def test_the_flow_follows_the_heat_and_the_heat_the_flow():
    """The fixed point of capacity and emitters is met to a watt-second."""
    machine = performance(pump(), 6.0)
    source = np.linspace(-20, 15, 30)
    for house in (HOUSE, House(emitter="radiator", heat_loss_w_per_k=120.0)):
        heat = full_load_kw(machine, house, source)
        free = heat < house.emitter_heat_kw(machine.flow_max_c) - 1e-9
        np.testing.assert_allclose(
            heat[free], machine.heat_max_kw(source, house.flow_c(heat))[free], atol=1e-6
        )
        assert free.any()


def test_full_load_costs_more_per_kwh_than_the_smallest_load():
    """A higher heat needs a warmer flow and more of the compressor: an LP with one COP misses it."""
    found = numbers()
    low, high = found.heat_min_kw[0, 0], found.heat_max_kw[0, 0]
    assert power(found, 0, low)[0] / low < 0.9 * power(found, 0, high)[0] / high


def test_hot_water_has_its_own_cop_and_a_hot_tank_a_worse_one():
    found = numbers()
    room, water = (power(found, m, found.heat_max_kw[m])[0] / found.heat_max_kw[m][0] for m in (0, 1))
    assert water > 1.2 * room
    cool, hot = (np.array(found.water_at(t)) for t in (45.0, 55.0))
    unit = [(x[2] + x[3] * x[1] + found.standby_kw) / x[1] for x in (cool, hot)]
    assert np.all(unit[1] > 1.1 * unit[0])
    middle = np.array(found.water_at(50.0))
    np.testing.assert_allclose(middle, (cool + hot) / 2, rtol=1e-9)


def test_the_pairs_of_the_tank_hold_at_its_ends():
    found = numbers()
    machine = found.machine.performance
    for i, tank_c in enumerate((found.water_low_c, found.water_high_c)):
        heat = found.water_heat_max_kw[i, 0]
        cop = float(machine.cop(0.0, tank_c + 5.0, 1.0))
        drawn = (
            found.standby_kw + found.water_electric_on_kw[i, 0] + found.water_electric_per_heat[i, 0] * heat
        )
        assert drawn == pytest.approx(heat / cop)
    with pytest.raises(ValueError, match="no hot water"):
        numbers(tank=None).water_at(50.0)


def test_slots_average_the_numbers_and_keep_every_blocked_step():
    seen = surroundings(outdoor_c=np.linspace(-10, 5, 96))
    found = numbers(pump(blocked=[{"from_h": 11, "until_h": 11.25}]), seen)
    taken = found.take(Slots(0, np.full(24, 4, dtype=np.int32), 0.25))
    np.testing.assert_allclose(taken.heat_max_kw[0, 0], found.heat_max_kw[0, :4].mean())
    assert taken.water_heat_max_kw.shape == (2, 24)
    assert list(np.flatnonzero(taken.available == 0)) == [11]


@pytest.mark.parametrize(
    ("day", "steps"), [(date(2025, 3, 30), 92), (date(2025, 10, 26), 100), (date(2025, 1, 14), 96)]
)
def test_blocking_times_follow_the_wall_clock_through_the_change_of_time(day, steps):
    """11 to 13 h is eight quarter-hours on every day; 2 to 3 h is none in March and eight in October."""
    seen = surroundings(day, date.fromordinal(day.toordinal() + 1))
    assert seen.grid.n == steps
    noon = numbers(pump(blocked=[{"from_h": 11, "until_h": 13}]), seen)
    assert int((noon.available == 0).sum()) == 8
    night = numbers(pump(blocked=[{"from_h": 2, "until_h": 3}]), seen)
    assert int((night.available == 0).sum()) == {92: 0, 100: 8, 96: 4}[steps]


def test_blocking_over_midnight_belongs_to_the_day_it_begins():
    seen = surroundings(date(2025, 1, 14), date(2025, 1, 16))
    found = numbers(pump(blocked=[{"from_h": 23, "until_h": 1, "days": ["tue"]}]), seen)
    off = np.flatnonzero(found.available == 0)
    assert list(off) == list(range(92, 100))


def test_below_its_operation_limit_an_air_machine_stops_and_a_brine_machine_does_not():
    seen = surroundings(outdoor_c=np.linspace(-30, 5, 96))
    assert np.array_equal(numbers(pump(), seen).available > 0, seen.outdoor_c >= -20.0)
    assert np.array_equal(numbers(pump(operation_limit_c=-10), seen).available > 0, seen.outdoor_c >= -10.0)
    assert np.all(numbers(pump(source="brine"), seen).available == 1)
    assert operation_limit_c(pump(source="brine")) == -np.inf


def test_starts_standby_and_reach_are_in_the_numbers():
    found = numbers(pump(starts_per_day_count=4, standby_w=25, flow_max_c=58))
    assert (found.starts_per_day_max, found.standby_kw, found.water_max_c) == (4.0, 0.025, 53.0)
    assert numbers().starts_per_day_max == np.inf
    assert standby_w(pump()) == 15.0
    assert standby_w(pump(source="brine")) == 10.0


def test_cooling_takes_heat_out_of_the_room_at_the_flow_the_floor_allows():
    seen = surroundings(outdoor_c=30.0)
    found = numbers(pump(reversible=True), seen)
    m = found.modes.index("cool")
    assert found.flow_c[m, 0] == HOUSE.coolest_flow_c
    assert 0 < found.heat_min_kw[m, 0] <= found.heat_max_kw[m, 0] <= HOUSE.cool_max_kw + 1e-12
    assert 3.0 < found.heat_max_kw[m, 0] / power(found, m, found.heat_max_kw[m])[0] < 15.0
    assert "cool" not in numbers(pump(reversible=True), seen, House(emitter="radiator")).modes
    assert "cool" not in numbers(pump(), seen).modes


def test_a_typical_machine_by_name_is_scaled_to_the_size_of_the_study():
    good, weak = (numbers(pump(model=f"{w} air/water R290", rated_kw=8)) for w in ("good", "weak"))
    full = [power(n, 0, n.heat_max_kw[0])[0] / n.heat_max_kw[0, 0] for n in (good, weak)]
    assert full[0] < 0.9 * full[1]
    assert good.heat_max_kw[0, 0] == pytest.approx(8 / 6 * numbers().heat_max_kw[0, 0], rel=0.05)


def test_a_model_of_a_file_gives_its_own_size_unless_one_is_stated(tmp_path):
    path = written(
        tmp_path,
        [row("Alpha 8"), row("Sole 6", types="Brine/Water", cops=(4.5, 5.2, 5.7, 6.0, 3, 3.9, 4.6, 5.2))],
    )
    spec = pump(catalogue=path.name, model="Alpha 8")
    model = model_of(spec, tmp_path)
    assert size_kw(spec, model) == pytest.approx(7.08)
    assert size_kw(pump(catalogue=path.name, model="Alpha 8", rated_kw=5), model) == 5.0
    machine = performance(spec, 7.08, model)
    load = machine.certified_load(7.0, 27.0)
    assert float(machine.cop(7.0, 27.0, load)) == pytest.approx(6.2, rel=0.01)
    assert float(machine.heat_min_kw(12.0, 30.0)) == pytest.approx(3.2)
    assert machine.flow_max_c == 70.0
    with pytest.raises(InputError) as caught:
        model_of(pump(catalogue=path.name, model="Sole 6", source="air"), tmp_path)
    assert caught.value.problems[0].code == "P142"
    brine = pump(catalogue=path.name, model="Sole 6")
    assert performance(brine, 6.0, model_of(brine, tmp_path)).source == "brine"


def test_a_cop_is_given_in_one_way_only():
    problem = problem_of(points=[{"source_c": 2, "flow_c": 35, "point_cop": 4}], carnot_share=0.4)
    assert problem.code == "P142"
    assert "points and carnot_share" in problem.what
    assert problem_of(model="x", lorenz_share=0.5).code == "P142"
    assert problem_of(catalogue="file.csv").code == "P103"


@pytest.mark.parametrize("cop", [0.9, 1.0, 8.9])
def test_impossible_points_are_refused_with_the_reason(cop):
    problem = problem_of(points=[{"source_c": 2, "flow_c": 35, "point_cop": cop}])
    assert problem.code == "P143"
    assert "A2/W35" in problem.what


@pytest.mark.skipif(not KEYMARK.exists(), reason="the Keymark's points are not here")
def test_every_third_machine_of_the_keymark_makes_a_sane_map():
    """Certified points come back within 2 % (air); hotter water never takes less, but for a few odd certificates."""
    found = read_catalogue(KEYMARK).distinct()[::3]
    s, f = np.meshgrid([-15.0, -7.0, 0.0, 7.0, 15.0, 25.0], [25.0, 35.0, 45.0, 55.0], indexing="ij")
    rising = 0
    for model in found:
        machine = performance(HomeHeatPump(model="x"), model.full_kw or 6.0, model)
        cop = machine.unbounded_cop(s, f, 1.0)
        assert 1.0 < cop.min() < cop.max() < 14.0, model.title
        rising += bool((np.diff(cop, axis=1) > 0).any())
        for p in model.points[:8] if model.source == "air" else ():
            load = machine.certified_load(p.source_c, p.flow_c)
            assert float(machine.cop(p.source_c, p.flow_c, load)) == pytest.approx(p.cop, rel=0.02), (
                model.title
            )
    assert rising <= 0.03 * len(found)


def test_two_cops_of_one_point_are_refused_unless_their_loads_differ():
    one, two = (
        {"source_c": 2, "flow_c": 35, "point_cop": 4.0},
        {"source_c": 2, "flow_c": 35, "point_cop": 4.6},
    )
    assert problem_of(points=[one, two]).code == "P143"
    spec = pump(points=[one | {"load_share": 1.0}, two | {"load_share": 0.4}])
    machine = performance(spec, 6.0)
    assert float(machine.cop(2.0, 35.0, 1.0)) == pytest.approx(4.1, rel=0.06)


def test_an_unknown_model_is_refused_with_nearest_names():
    with pytest.raises(InputError) as caught:
        model_of(pump(model="good air water R29"))
    assert caught.value.problems[0].code == "P140"
    assert "good air/water R290" in caught.value.problems[0].remedy


def test_a_share_so_low_that_electricity_exceeds_heat_is_refused():
    _, problems = told(None, surroundings(outdoor_c=-15.0), carnot_share=0.15)
    assert "P147" in problems
    assert "flow" in problems["P147"].what


def test_a_machine_that_falls_short_in_use_draws_more():
    plain, short = numbers(), numbers(pump(in_use_ratio=0.8))
    heat = plain.heat_max_kw[0]
    np.testing.assert_allclose(power(short, 0, heat), power(plain, 0, heat) / 0.8, rtol=1e-9)


def test_defrosting_is_left_to_certified_points():
    seen = surroundings(outdoor_c=1.0)
    plain, frosted = (numbers(pump(carnot_share=0.4, defrost_share=d), seen) for d in (0.0, 0.1))
    assert frosted.heat_max_kw[0, 0] == pytest.approx(0.9 * plain.heat_max_kw[0, 0], rel=0.01)
    default = [numbers(pump(defrost_share=d), seen).heat_max_kw[0, 0] for d in (0.0, 0.1)]
    assert default[0] == default[1]


def test_a_machine_too_small_says_the_missing_kw_and_down_to_where_it_carries():
    """160 W/K from 20 to -12 C are 5.12 kW; 2 kW at -7 C give less than that at -12 C."""
    spec = pump(rated_kw=2, backup_kw=1)
    found = numbers(spec)
    [finding] = design_shortage(spec, found.machine, HOUSE)
    gives = float(full_load_kw(found.machine.performance, HOUSE, np.array([-12.0]))[0])
    assert finding.evidence["missing_kw"] == pytest.approx(5.12 - gives - 1.0, abs=1e-3)
    assert f"{5.12 - gives - 1.0:.1f} kW short" in finding.message
    carried = finding.evidence["carried_to_c"]
    supply = float(full_load_kw(found.machine.performance, HOUSE, np.array([carried]))[0]) + 1.0
    assert supply >= 0.16 * (20 - carried) - 1e-9
    assert not design_shortage(spec, found.machine, HOUSE, second_kw=5.0)
    assert not design_shortage(pump(), numbers().machine, HOUSE)


def test_days_on_which_the_heat_is_short_are_told_and_hopeless_studies_refused():
    seen = surroundings(date(2025, 1, 14), date(2025, 1, 17), outdoor_c=np.repeat([5.0, -10.0, 5.0], 96))
    room = house_of.compiled(HOUSE, seen, 0.0, 20.0, 23.0)
    problems = Collector()
    spec = pump(rated_kw=3.5, backup_kw=0)
    [finding] = horizon_shortage(numbers(spec, seen), room, seen, problems)
    assert finding.severity == "alarm"
    assert finding.evidence["worst_day"] == "2025-01-15"
    assert finding.evidence["days_count"] == 1
    assert not problems.problems
    assert not horizon_shortage(numbers(pump(rated_kw=1), seen), room, seen, Collector(), second_kw=9.0)
    assert not horizon_shortage(numbers(pump(rated_kw=1, backup_kw=0), seen), room, seen, problems)
    assert problems.problems[0].code == "P144"
    assert "2025-01-15" in problems.problems[0].what


def test_what_is_not_known_is_told():
    assert "heat_pump_median" in told(None)[0]
    assert "heat_pump_one_share" in told(None, carnot_share=0.42)[0]
    points = [
        {"source_c": 2, "flow_c": 35, "point_cop": 4.0},
        {"source_c": -7, "flow_c": 55, "point_cop": 2.2},
    ]
    assert not {"heat_pump_median", "heat_pump_one_share"} & set(told(None, points=points)[0])
    assert numbers(pump(points=points)).cop_error_share < numbers().cop_error_share
    assert "blocked_long" in told(None, blocked=[{"from_h": 8, "until_h": 12}])[0]
    assert "blocked_long" not in told(None, blocked=[{"from_h": 11, "until_h": 13}])[0]


def test_flows_beyond_the_machine_are_told_and_without_a_backup_refused():
    findings, _ = told(None, flow_max_c=55)
    assert "water_out_of_reach" in findings
    findings, problems = told(None, flow_max_c=40, backup_kw=0)
    assert "P145" in problems
    hot = House(emitter="radiator", design_flow_c=65.0, design_return_c=55.0)
    spec = pump(flow_max_c=50)
    made = numbers(spec, house=hot)
    out = check_heat_pump(spec, made, surroundings(), Collector(), house=hot)
    assert "flow_out_of_reach" in {f.code for f in out}
    assert np.all(made.flow_c[0] <= 50.0 + 1e-6)


def test_the_bivalence_point_is_where_capacity_meets_the_load():
    spec = pump(rated_kw=4)
    machine = numbers(spec).machine
    at = bivalence_c(spec, machine, HOUSE)
    supply = full_load_kw(machine.performance, HOUSE, np.array([at, at - 0.2]))
    need = 0.16 * (20 - np.array([at, at - 0.2]))
    assert supply[0] >= need[0] - 1e-9
    assert supply[1] < need[1]
    assert (
        bivalence_c(pump(rated_kw=30, operation_limit_c=-40), numbers(pump(rated_kw=30)).machine, HOUSE)
        is None
    )


def test_the_tables_hold_the_points_and_the_charts_find_their_columns():
    points = [
        {"source_c": 2, "flow_c": 35, "point_cop": 4.0},
        {"source_c": -7, "flow_c": 52, "point_cop": 2.2},
    ]
    spec = pump(points=points)
    machine = numbers(spec).machine
    tables = {
        "cop_map": cop_map_table(machine.performance, spec),
        "bivalence": bivalence_table(spec, machine, HOUSE),
    }
    cop = tables["cop_map"]
    known = cop.column("row") == "point"
    np.testing.assert_allclose(cop.column("map_cop")[known], cop.column("point_cop")[known], rtol=0.02)
    assert np.all(cop.column("low_cop") <= cop.column("map_cop"))
    balance = tables["bivalence"].column("need_kw") - tables["bivalence"].column("heat_max_kw")
    assert balance[0] > 0 > balance[-1]
    for chart in heat_pump_charts():
        assert len(chart.data(tables)) > 0


def test_slots_of_a_day_take_the_whole_day():
    seen = surroundings()
    assert numbers(seen=seen).take(slots(seen)).heat_max_kw.shape == (2, 96)
