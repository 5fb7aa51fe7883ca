"""The vehicle: trips by the clock, smallest charge, departures that cannot be met, V2H, models by name."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.components.around import Solved, slots, surroundings
from varme.components.electric_vehicle import (
    DAYS,
    ElectricVehicle,
    block,
    check_trips,
    compiled,
    step,
    trips_of,
    unreachable,
    unreachable_findings,
)
from varme.components.home import Slots
from varme.data.catalogue.electric_vehicles import read_vehicles
from varme.ground.errors import DataError, InputError
from varme.ground.spec import parse
from varme.kernel.model import Model

MODELS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "home" / "ev_models_2025.csv"


def vehicle(**fields):
    return parse(ElectricVehicle, fields, "test")


def refused(**fields):
    with pytest.raises(InputError) as caught:
        vehicle(**fields)
    return str(caught.value)


def week(**fields):
    seen = surroundings(date(2025, 1, 13), date(2025, 1, 20), 15)  # Monday to Sunday
    return compiled(vehicle(**fields), seen), seen


def test_two_trips_a_day_and_a_weekend_trip():
    numbers, seen = week(
        trips=[
            {"days": ["mon", "tue"], "leave_h": 7.5, "return_h": 12, "energy_kwh": 5},
            {"days": ["mon", "tue"], "leave_h": 13, "return_h": 17, "energy_kwh": 7},
            {"days": ["fri"], "leave_h": 16, "return_h": 20, "nights_count": 2, "energy_kwh": 40},
        ]
    )
    assert numbers.trip_kwh.sum() == pytest.approx(5 * 2 + 7 * 2 + 40)
    assert np.flatnonzero(numbers.wish_kwh)[:2].tolist() == [29, 51]
    away = (numbers.home < 0.5).sum() / 4
    assert away == pytest.approx(2 * 4.5 + 2 * 4 + 52)
    assert (
        seen.grid.label(int(np.flatnonzero(numbers.trip_kwh)[-1]) + 1, seen.timezone)[:16]
        == "2025-01-19 20:00"
    )


def test_a_trip_over_night_comes_back_the_next_morning():
    numbers, _ = week(trips=[{"days": ["wed"], "leave_h": 22, "return_h": 6, "energy_kwh": 9}])
    away = np.flatnonzero(numbers.home < 0.5)
    assert (away[0], away[-1]) == (2 * 96 + 88, 3 * 96 + 23)
    assert numbers.trip_kwh[3 * 96 + 23] == 9


def test_a_trip_that_began_before_the_plan_is_still_away():
    seen = surroundings(date(2025, 1, 16), date(2025, 1, 17))  # Thursday
    numbers = compiled(
        vehicle(trips=[{"days": ["wed"], "leave_h": 22, "return_h": 6, "energy_kwh": 9}]), seen
    )
    assert np.all(numbers.home[:24] == 0)
    assert np.all(numbers.home[24:] == 1)
    assert numbers.trip_kwh[23] == 9
    assert numbers.wish_kwh.sum() == 0


def test_a_departure_right_after_the_plan_is_wished_for_at_its_end():
    seen = surroundings(date(2025, 1, 14), date(2025, 1, 15))
    numbers = compiled(vehicle(trips=[{"days": ["wed"], "leave_h": 0.0, "return_h": 6}]), seen)
    assert numbers.wish_kwh[-1] == pytest.approx(48.0)
    assert np.all(numbers.home == 1)


def test_trips_by_date_and_by_distance():
    numbers, _ = week(
        consumption_kwh_per_100km=20.0,
        trips=[
            {
                "dates": ["2025-01-15"],
                "leave_h": 9,
                "return_h": 15,
                "distance_km": 120,
                "departure_min_share": 1.0,
            }
        ],
    )
    assert numbers.trip_kwh.sum() == pytest.approx(24.0)
    assert numbers.wish_kwh.max() == pytest.approx(60.0)
    assert int(np.flatnonzero(numbers.wish_kwh)[0]) == 2 * 96 + 35


@pytest.mark.parametrize(("day", "quarters"), [(date(2025, 3, 30), 92), (date(2025, 10, 26), 100)])
def test_departures_keep_to_the_clock_on_days_that_change_it(day, quarters):
    seen = surroundings(day, date.fromordinal(day.toordinal() + 1))
    numbers = compiled(vehicle(trips=[{"days": ["sun"], "leave_h": 7.5, "return_h": 17}]), seen)
    assert numbers.home.size == quarters
    away = np.flatnonzero(numbers.home < 0.5)
    assert seen.grid.label(int(away[0]), seen.timezone)[11:16] == "07:30"
    assert seen.grid.label(int(away[-1]) + 1, seen.timezone)[11:16] == "17:00"


def test_a_step_that_a_trip_touches_is_away():
    seen = surroundings(step_min=60)
    numbers = compiled(vehicle(trips=[{"days": ["tue"], "leave_h": 7.5, "return_h": 16.25}]), seen)
    assert np.flatnonzero(numbers.home < 0.5).tolist() == list(range(7, 17))
    assert numbers.wish_kwh[6] > 0


def test_overlapping_trips_are_told_with_their_time():
    seen = surroundings(date(2025, 1, 13), date(2025, 1, 20))
    spec = vehicle(trips=[{"leave_h": 7, "return_h": 17}, {"days": ["wed"], "leave_h": 16, "return_h": 20}])
    (problem,) = check_trips(spec, seen, "vehicles[0]")
    assert problem.code == "P155"
    assert "2025-01-15 16:00" in problem.what
    touching = vehicle(trips=[{"leave_h": 7, "return_h": 17}, {"leave_h": 17, "return_h": 20}])
    assert check_trips(touching, seen, "vehicles[0]") == []
    assert len(trips_of(touching, seen).leave) >= 10


def test_contradictions_are_refused():
    assert "P108" in refused(trips=[{"leave_h": 17, "return_h": 8, "nights_count": 0}])
    assert "P108" in refused(trips=[{"energy_kwh": 5, "distance_km": 30}])
    assert "P108" in refused(trips=[{"days": ["sat"], "dates": ["2025-01-15"]}])
    assert "P101" in refused(trips=[{"days": ["monday"]}])
    assert "P103" in refused(catalogue="cars.csv")


def test_smallest_charge_is_six_ampere_on_its_phases():
    assert vehicle().least_kw == pytest.approx(4.14)
    assert vehicle(phases_count=1, charge_max_kw=3.7).least_kw == pytest.approx(1.38)
    assert vehicle(phase_switching=True).least_kw == pytest.approx(1.38)
    assert vehicle(charge_min_kw=2.0).least_kw == 2.0
    assert vehicle(charge_max_kw=2.3).least_kw == pytest.approx(2.3)


def test_a_car_that_leaves_too_early_is_told_with_kwh_and_time():
    seen = surroundings()
    spec = vehicle(charge_max_kw=3.7, phases_count=1, trips=[{"days": ["tue"], "leave_h": 6, "return_h": 17}])
    numbers = compiled(spec, seen)
    (late,) = unreachable(numbers, 12.0, 0.25)
    assert late.missing_kwh == pytest.approx(48 - 12 - 6 * 3.7 * 0.9)
    (finding,) = unreachable_findings(numbers, 12.0, seen, "vehicles[0]")
    assert finding.code == "vehicle_cannot_be_full"
    assert "16.0 kWh are missing at 2025-01-14 06:00" in finding.message
    assert unreachable(numbers, 40.0, 0.25) == []


def plan_of(spec, seen, price, start, worth=0.0):
    even = slots(seen)
    numbers = compiled(spec, seen).take(even)
    model = Model(even.n)
    price = np.broadcast_to(np.asarray(price, dtype=float), (even.n,))
    made = block(numbers, model, even, worth, price)
    bought = model.var("import", upper=30.0, cost=price * even.step_h)
    sold = model.var("export", upper=30.0)
    terms = [(p.coefficient, p.var.now) for p in made.ports] + [(1.0, bought.now), (-1.0, sold.now)]
    model.add("balance", terms, lower=1.0, upper=1.0)
    return Solved(model, {f"vehicle.{spec.name}.level": start}), numbers


def test_the_plan_reaches_what_can_be_reached_and_reports_the_rest():
    seen = surroundings(step_min=60)
    spec = vehicle(charge_max_kw=3.7, phases_count=1, trips=[{"days": ["tue"], "leave_h": 6, "return_h": 17}])
    solved, numbers = plan_of(spec, seen, 30.0, 12.0)
    assert solved.value("vehicle.car.short").sum() == pytest.approx(
        unreachable(numbers, 12.0, 1.0)[0].missing_kwh
    )


def test_it_charges_at_cheap_hours_never_below_its_smallest_power():
    seen = surroundings(step_min=60)
    price = np.where(np.arange(24) < 3, 5.0, 30.0)
    solved, numbers = plan_of(
        vehicle(trips=[{"days": ["tue"], "leave_h": 8, "return_h": 17}]), seen, price, 36.0
    )
    charge = solved.value("vehicle.car.charge")
    assert charge[3:].sum() == pytest.approx(0.0, abs=1e-7)
    assert charge[:3].sum() * 0.9 == pytest.approx(12.0, abs=1e-6)
    assert np.all((charge < 1e-7) | (charge >= numbers.charge_min_kw - 1e-7))


def test_v2h_serves_the_house_and_still_leaves_as_wished():
    seen = surroundings(step_min=60)
    price = np.where((np.arange(24) >= 18) & (np.arange(24) < 21), 60.0, 10.0)
    spec = vehicle(discharge_max_kw=5.0, trips=[{"days": ["wed"], "leave_h": 0.0, "return_h": 6}])
    solved, _ = plan_of(spec, seen, price, 50.0)
    assert solved.value("vehicle.car.discharge")[18:21] == pytest.approx([1.0] * 3, abs=1e-6)
    assert solved.value("vehicle.car.level")[-1] >= 48 - 1e-6


def test_v2h_does_not_burn_electricity_at_negative_prices():
    seen = surroundings(step_min=60)
    solved, _ = plan_of(vehicle(discharge_max_kw=5.0, wear_eur_per_kwh=0.0, trips=[]), seen, -10.0, 60.0)
    both = np.minimum(solved.value("vehicle.car.charge"), solved.value("vehicle.car.discharge"))
    assert both.max() == pytest.approx(0.0, abs=1e-7)


def test_a_car_that_comes_back_empty_is_stranded_not_impossible():
    seen = surroundings(step_min=60)
    spec = vehicle(trips=[{"days": ["tue"], "leave_h": 0.5, "return_h": 17, "energy_kwh": 30}])
    solved, _ = plan_of(spec, seen, 30.0, 5.0)
    assert solved.value("vehicle.car.stranded").sum() == pytest.approx(25.0, abs=1e-6)


def test_coarse_slots_wish_before_the_departure_and_keep_the_energy():
    seen = surroundings()
    numbers = compiled(
        vehicle(trips=[{"days": ["tue"], "leave_h": 7.5, "return_h": 17, "energy_kwh": 9}]), seen
    )
    coarse = Slots(0, np.full(24, 4, dtype=np.int32), 0.25)
    taken = numbers.take(coarse)
    assert taken.trip_kwh.sum() == pytest.approx(9.0)
    assert np.flatnonzero(taken.wish_kwh).tolist() == [6]
    assert np.flatnonzero(taken.home < 0.5).tolist() == list(range(7, 17))


SMALL = """brand,model,variant,release_year,usable_battery_kwh,ac_phases,ac_max_kw,consumption_kwh_per_100km
Volkswagen,ID.3,Pro,2020,58.0,3,11,16.0
Volkswagen,ID.3,Pro,2023,59.0,3,11,16.6
Volkswagen,ID.3,Pure,2023,52.0,3,11,16.4
Nissan,Leaf,,2022,39.0,1,6.6,17.1
Broken,Row,,2022,,1,6.6,17.1
"""


def small(tmp_path):
    path = tmp_path / "cars.csv"
    path.write_text(SMALL, encoding="utf-8")
    return read_vehicles(path)


def test_a_model_gives_what_is_not_stated(tmp_path):
    cars = small(tmp_path)
    assert len(cars.models) == 4
    found = vehicle(model="vw id3 pro", catalogue="cars.csv", charge_max_kw=7.4).with_model(
        cars.find("vw id3 pro")
    )
    assert (found.capacity_kwh, found.charge_max_kw, found.phases_count) == (59.0, 7.4, 3)
    leaf = vehicle(model="Leaf", catalogue="cars.csv").with_model(cars.find("leaf"))
    assert (leaf.phases_count, leaf.least_kw) == (1, pytest.approx(1.38))


def test_unknown_and_ambiguous_names_offer_what_there_is(tmp_path):
    cars = small(tmp_path)
    with pytest.raises(InputError, match="Did you mean Nissan Leaf") as caught:
        cars.find("Nissan Leef")
    assert caught.value.problems[0].code == "P156"
    with pytest.raises(InputError, match=r"has 2 models of that name.*ID\.3 Pro.*ID\.3 Pure"):
        cars.find("Volkswagen ID.3")


def test_a_table_that_is_no_catalogue_is_refused(tmp_path):
    path = tmp_path / "cars.csv"
    path.write_text("brand,model\nVW,Golf\n", encoding="utf-8")
    with pytest.raises(DataError, match="lacks the columns usable_battery_kwh, ac_max_kw"):
        read_vehicles(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_vehicles(tmp_path / "none.csv")


@pytest.mark.skipif(not MODELS.exists(), reason="the extract of Open EV Data is not here")
def test_the_extract_of_open_ev_data_is_read():
    cars = read_vehicles(MODELS)
    assert len(cars.models) == 1321
    assert cars.find("Volkswagen ID.3 Pro").usable_battery_kwh == 58.0


def away_by_hand(seen, trips):
    """Return which steps are away, minute by minute on the wall clock, and the energy of the trips that come back."""
    local = seen.grid.local(seen.timezone)
    step = np.timedelta64(round(seen.grid.step_h * 60), "m")
    away = np.zeros(seen.grid.n, dtype=bool)
    for trip in trips:
        nights = trip.get("nights_count", int(trip["return_h"] <= trip["leave_h"]))
        for back in range(32):
            for k, begin in enumerate(local):
                day = begin.astype("datetime64[D]") - np.timedelta64(back, "D")
                if DAYS[int((day.astype(int) + 3) % 7)] not in trip["days"]:
                    continue
                first = day + np.timedelta64(round(60 * trip["leave_h"]), "m")
                last = day + np.timedelta64(24 * 60 * nights + round(60 * trip["return_h"]), "m")
                away[k] |= bool(begin < last and begin + step > first)
    return away


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 95), st.integers(1, 95), st.integers(0, 2), st.sets(st.sampled_from(DAYS), min_size=1, max_size=3),
    st.sampled_from([date(2025, 1, 14), date(2025, 6, 1)]),
)  # fmt: skip
def test_away_agrees_with_the_clock_minute_by_minute(leave, back, nights, days, start):
    if nights == 0 and back <= leave:
        nights = 1
    trips = [{"days": sorted(days), "leave_h": leave / 4, "return_h": back / 4, "nights_count": nights}]
    seen = surroundings(start, date.fromordinal(start.toordinal() + 2), 30)
    numbers = compiled(vehicle(trips=trips), seen)
    assert (numbers.home < 0.5).tolist() == away_by_hand(seen, trips).tolist()


def test_a_plan_replayed_by_steps_has_the_same_levels():
    seen = surroundings(step_min=60)
    price = np.random.default_rng(1).uniform(5, 40, 24)
    spec = vehicle(
        discharge_max_kw=5.0, trips=[{"days": ["tue"], "leave_h": 8, "return_h": 12, "energy_kwh": 9}]
    )
    solved, numbers = plan_of(spec, seen, price, 30.0)
    level = np.array([30.0])
    for t in range(24):
        done = step(
            numbers, t, level, solved.value("vehicle.car.charge")[t : t + 1],
            solved.value("vehicle.car.discharge")[t : t + 1], 1.0,
        )  # fmt: skip
        level = done.level_kwh
        assert level[0] == pytest.approx(solved.value("vehicle.car.level")[t], abs=1e-6)
        assert done.short_kwh[0] == pytest.approx(solved.value("vehicle.car.short")[t], abs=1e-6)
