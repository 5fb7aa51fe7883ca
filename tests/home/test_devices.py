"""Devices of homes from study file to result: what is refused, what is told, and duties that plans keep."""

from datetime import date

import numpy as np
import pytest

import varme
from tests.components.around import surroundings
from tests.home.tiny import column, home, run
from varme.components.house import House
from varme.ground.context import Context
from varme.ground.errors import Collector, InputError, VarmeError
from varme.ground.spec import parse
from varme.home import case as case_module
from varme.home.case import load_case
from varme.home.devices import with_heat_loss
from varme.home.spec import HomeStudy

CARS = (
    "brand,model,variant,release_year,usable_battery_kwh,ac_phases,ac_max_kw,consumption_kwh_per_100km\n"
    "Renault,Zoe,R135,2020,52.0,3,22,17.0\n"
)


def codes(**changes):
    with pytest.raises(VarmeError) as caught:
        run(**changes)
    return [p.code for p in caught.value.problems], str(caught.value)


def findings(result):
    return {f.code: f for f in result.findings}


def loaded(**changes):
    return load_case(parse(HomeStudy, home(**changes), "test"), Context())


def test_a_tank_too_small_for_the_step_is_refused_with_three_remedies():
    found, text = codes(hot_water={"volume_l": 40.0, "temperature_min_c": 50, "temperature_max_c": 55})
    assert "P150" in found
    assert "one 60-min step" in text
    assert "a wider band or a tank of" in text


def test_a_vehicle_from_a_catalogue_is_told_with_its_source(tmp_path):
    (tmp_path / "cars.csv").write_text(CARS, encoding="utf-8")
    study = home(vehicles=[{"name": "zoe", "model": "Renault Zoe", "catalogue": "cars.csv"}])
    case = load_case(parse(HomeStudy, study, "test"), Context(base=tmp_path))
    (car,) = case.plant.vehicles
    assert (car.capacity_kwh, car.charge_max_kw, car.charge_min_kw) == (52.0, 22.0, pytest.approx(4.14))
    told = next(f for f in case.findings if f.code == "vehicle_from_catalogue")
    assert "Open EV Data (https://github.com/KilowattApp/open-ev-data)" in told.message


def test_an_unknown_model_and_other_problems_are_told_at_once(tmp_path):
    (tmp_path / "cars.csv").write_text(CARS, encoding="utf-8")
    study = home(
        vehicles=[{"model": "Renault Zoo", "catalogue": "cars.csv"}], household={"load_kw": [0.1] * 5}
    )
    with pytest.raises(InputError) as caught:
        load_case(parse(HomeStudy, study, "test"), Context(base=tmp_path))
    assert {p.code for p in caught.value.problems} == {"P156", "P207"}
    assert "Did you mean Renault Zoe" in str(caught.value)


def test_a_model_without_a_catalogue_is_refused():
    found, _ = codes(vehicles=[{"model": "Renault Zoe"}])
    assert found == ["P103"]


def test_a_car_that_leaves_too_early_is_told_and_planned():
    trips = [{"days": ["tue"], "leave_h": 5, "return_h": 17, "energy_kwh": 5}]
    result = run(
        vehicles=[{"charge_max_kw": 3.7, "phases_count": 1, "trips": trips}], state={"vehicle_share": 0.1}
    )
    told = findings(result)["vehicle_cannot_be_full"]
    assert told.evidence["missing_kwh"] == pytest.approx(48 - 6 - 5 * 3.7 * 0.9)
    assert "2025-01-14 05:00" in told.message


def test_overlapping_trips_are_refused():
    trips = [{"leave_h": 5, "return_h": 17}, {"days": ["tue"], "leave_h": 16, "return_h": 18}]
    assert codes(vehicles=[{"trips": trips}])[0] == ["P155"]


def test_the_duty_is_planned_before_it_is_due_and_told():
    result = run(
        hot_water={"volume_l": 200.0, "draw_kw": 0.2, "legionella": {"temperature_c": 60}},
        state={"legionella_days": 6.6},
    )
    told = findings(result)["legionella_planned"]
    assert told.evidence["done_h"] <= 24 * 0.4 + 1
    assert column(result, "plan", "tank_c").max() >= 60 - 1e-6


def test_without_a_due_duty_the_tank_stays_in_its_band():
    result = run(
        hot_water={"volume_l": 200.0, "draw_kw": 0.2, "legionella": {"temperature_c": 60}},
        state={"legionella_days": 1.0},
    )
    assert "legionella_planned" not in findings(result)
    assert column(result, "plan", "tank_c").max() <= 55 + 1e-6


def test_a_duty_that_no_heater_reaches_is_refused():
    found, text = codes(
        heat_pump={"rated_kw": 6.0, "backup_kw": 0.0},
        hot_water={"volume_l": 200.0, "draw_kw": 0.2, "legionella": {"temperature_c": 75}},
    )
    assert "P153" in found
    assert "no other heater" in text


def test_a_buffer_carries_the_house_through_an_expensive_evening():
    plain = run()
    buffered = run(buffer={"volume_l": 500.0, "temperature_max_c": 50.0})
    assert "comfort_missed" not in findings(buffered)
    assert plain.summary["cost_eur"].value > 0
    assert buffered.summary["room_missed_k_h"].value == pytest.approx(0.0, abs=1e-6)


def test_a_buffer_without_a_house_is_refused():
    found, _ = codes(buffer={"volume_l": 100.0}, house=None)
    assert "P108" in found


def test_emitters_that_cannot_carry_the_house_are_refused():
    found, text = codes(house={"emitter": "radiator", "emitter_design_kw": 3.0})
    assert found == ["P158"]
    assert "4.1 kW at 65 C, the house needs 5.1 kW at -12 C" in text
    assert loaded(house={"emitter": "radiator", "emitter_design_kw": 4.5}).plant.house is not None


def test_a_start_outside_the_band_is_told_and_planned():
    result = run(state={"tank_c": 68.0, "room_c": 15.0})
    told = [f for f in result.findings if f.code == "start_outside_band"]
    assert len(told) == 2
    assert column(result, "plan", "tank_c")[0] > 60


def test_methods_of_pvlib_are_refused_without_it(monkeypatch):
    monkeypatch.setattr(case_module, "has_pvlib", lambda: False)
    with pytest.raises(InputError) as caught:
        loaded(place={"sky": "perez", "split": "dirint"})
    assert [p.code for p in caught.value.problems] == ["P157", "P157"]
    assert "varme[pv]" in str(caught.value)


def test_perez_and_our_own_sky_give_nearly_the_same_plan():
    pytest.importorskip("pvlib", reason="the extra pv is not installed")
    ghi = [0.0] * 9 + [60.0, 120.0, 150.0, 140.0, 90.0] + [0.0] * 10
    own, theirs = (
        loaded(
            weather={"ghi_w_per_m2": ghi}, photovoltaics=[{"peak_kwp": 5}], place={"sky": sky}
        ).plant.grid.pv_kw
        for sky in ("hay_davies", "perez")
    )
    assert own.sum() > 1
    assert theirs.sum() == pytest.approx(own.sum(), rel=0.15)


def test_irradiance_at_night_is_told():
    ghi = [200.0] * 3 + [0.0] * 21
    case = loaded(weather={"ghi_w_per_m2": ghi}, photovoltaics=[{"peak_kwp": 5}])
    told = next(f for f in case.findings if f.code == "irradiance_at_night")
    assert told.severity == "warning"
    assert told.evidence["steps_count"] == 3
    assert any(f.code == "place_assumed" for f in case.findings)
    assert not any(f.code == "place_assumed" for f in loaded(place={"latitude_deg": 48.0}).findings)


def test_a_house_from_five_answers_is_told():
    study = home(house=None) | {"house": {"floor_area_m2": 120.0, "built_year": 1965}}
    case = load_case(parse(HomeStudy, study, "test"), Context())
    told = next(f for f in case.findings if f.code == "house_from_answers")
    assert told.evidence["heat_loss_w_per_k"] == pytest.approx(2.3 * 120)


def test_a_demand_with_degree_days_gives_a_loss_on_a_day_and_without_is_refused():
    house = {"heat_demand_kwh_th": 14_400.0, "degree_days_k_days": 3000.0}
    case = loaded(house=house)
    assert case.study.house is not None
    assert case.study.house.heat_loss_w_per_k == pytest.approx(200.0)
    with pytest.raises(InputError) as caught:
        loaded(house={"heat_demand_kwh_th": 14_400.0})
    assert caught.value.problems[0].code == "P154"
    assert "covers no year" in str(caught.value)


def test_a_demand_and_a_years_weather_give_a_loss_that_needs_this_demand():
    seen = surroundings(date(2025, 1, 1), date(2026, 1, 1), 60)
    cold = 8.0 - 9.0 * np.cos(2 * np.pi * np.arange(seen.grid.n) / seen.grid.n)
    seen = surroundings(date(2025, 1, 1), date(2026, 1, 1), 60, outdoor_c=cold)
    house = parse(House, {"floor_area_m2": 150.0, "heat_demand_kwh_th": 16_000.0}, "test")
    problems = Collector()
    n = seen.grid.n
    found, told = with_heat_loss(house, seen, (np.full(n, 0.4), np.full(n, 20.0), np.full(n, 23.0)), problems)
    assert len(problems) == 0
    assert told[0].code == "heat_loss_from_demand"
    # By hand: degree hours of the sinus against 20 C, less gains in hours with heating, within the mass's smoothing.
    steady = np.maximum(found.heat_loss_w_per_k / 1e3 * (20.0 - cold) - 0.4, 0).sum()
    assert steady == pytest.approx(16_000.0, rel=0.02)


def test_a_demand_that_no_house_has_is_refused():
    seen = surroundings(date(2025, 1, 1), date(2026, 1, 1), 60, outdoor_c=19.9)
    house = parse(House, {"heat_demand_kwh_th": 90_000.0}, "test")
    problems = Collector()
    n = seen.grid.n
    with_heat_loss(house, seen, (np.full(n, 0.4), np.full(n, 20.0), np.full(n, 23.0)), problems)
    assert [p.code for p in problems.problems] == ["P154"]


def test_draws_by_people_and_cycle_reach_the_plan():
    for fields in ({"draw_profile": "m"}, {"persons_count": 3}):
        study = home(hot_water=None) | {"hot_water": {"volume_l": 200.0, **fields}}
        case = load_case(parse(HomeStudy, study, "test"), Context())
        assert case.plant.tank is not None
        assert 2 < case.plant.tank.draw_kw.sum() < 14


def test_tank_losses_in_the_house_warm_it():
    without, within = (
        loaded(hot_water={"loss_to_room_share": share}).plant.house.gains_kw.mean() for share in (0.0, 1.0)
    )
    assert within - without == pytest.approx(1.5e-3 * 32)


def test_equal_runs_with_drawn_water_are_equal():
    study = home(hot_water=None) | {"hot_water": {"persons_count": 3}}
    first, second = varme.run(study), varme.run(study)
    assert column(first, "plan", "tank_c") == pytest.approx(column(second, "plan", "tank_c"), abs=0)


def test_emitters_take_no_more_than_they_can_where_heat_is_paid_for():
    prices = [-1.0] * 4 + [0.3] * 20
    result = run(
        tariff={"energy_eur_per_kwh": prices}, heat_pump={"rated_kw": 14.0, "backup_kw": 9.0},
        hot_water={"volume_l": 600.0, "draw_kw": 0.2},
        house={"heat_loss_w_per_k": 160.0, "capacity_kwh_per_k": 10.0, "temperature_max_c": 26.0},
    )  # fmt: skip
    limit = parse(House, {}, "test").emitter_max_kw
    assert limit == pytest.approx(8.9, abs=0.05)
    assert column(result, "plan", "room_heat_kw").max() <= limit + 1e-6


@pytest.mark.parametrize(("emitter", "missed"), [("floor", False), ("fan_coil", False), ("radiator", True)])
def test_floors_and_fan_coils_cool_a_summer_day_and_radiators_cannot(emitter, missed):
    warm = [25 + 6 * np.sin(2 * np.pi * (h - 9) / 24) for h in range(24)]
    result = run(
        hot_water=None, weather={"outdoor_c": warm}, heat_pump={"rated_kw": 6.0, "reversible": True},
        house={"emitter": emitter, "internal_gains_kw": 1.0, "temperature_max_c": 24.0}, state={"room_c": 24.0},
    )  # fmt: skip
    modes = {str(m) for m in result.data["plan"].column("mode")}
    assert ("cool" in modes) is not missed
    assert (result.summary["room_missed_k_h"].value > 1.0) is missed
