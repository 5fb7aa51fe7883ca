"""Learning a home: known truths are found again, and what the data cannot tell is said."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest

import varme
from varme.components.house import House
from varme.ground.errors import DataError, InputError
from varme.ground.spec import parse
from varme.home.learn import devices
from varme.home.learn.estimates import judged, resolution_k
from varme.home.learn.grey_box import Record, fit_house
from varme.home.learn.learning import house_estimates
from varme.home.learn.study import device_text
from varme.home.learn.template import learn_files, record_csv

TRUTH = {"heat_loss_w_per_k": 160.0, "capacity_kwh_per_k": 10.0, "solar_aperture_m2": 4.0}


def study_in(folder, csv, change=lambda text: text):
    (folder / "record.csv").write_text(csv, encoding="utf-8")
    (folder / "study.toml").write_text(change(learn_files_text()), encoding="utf-8")
    return folder / "study.toml"


def learn_files_text():
    return learn_files()["study.toml"]


def learnt(result):
    table = result.data["learnt"]
    keys = ("value", "low", "high", "verdict", "need")
    return {
        str(table.column("parameter")[i]): {key: table.column(key)[i] for key in keys}
        for i in range(len(table))
    }


@pytest.fixture(scope="module")
def three_weeks(tmp_path_factory):
    return varme.run(study_in(tmp_path_factory.mktemp("learn"), record_csv(seed=3)))


def test_three_weeks_at_a_tenth_of_a_degree_tell_the_house_within_a_tenth(three_weeks):
    found = learnt(three_weeks)
    for name, truth in TRUTH.items():
        assert found[name]["verdict"] == "identified", name
        assert found[name]["value"] == pytest.approx(truth, rel=0.10), name
        assert (
            found[name]["low"] < truth < found[name]["high"] or abs(found[name]["value"] / truth - 1) < 0.05
        ), name


def test_the_heat_pump_is_found_at_the_level_of_its_own_map(three_weeks):
    found = learnt(three_weeks)
    assert found["cop_level_ratio"]["value"] == pytest.approx(1.0, abs=1e-3)
    assert 2.0 < found["spf"]["value"] < 4.5


def test_the_fitted_house_alone_stays_near_the_measured_room_for_three_weeks(three_weeks):
    table = three_weeks.data["room_fit"]
    drift = table.column("model_c") - table.column("room_c")
    assert np.sqrt(np.mean(drift**2)) < 0.5
    assert np.std(table.column("error_k")) < 0.2


def test_whole_degrees_are_refused_for_the_dynamics(tmp_path):
    result = varme.run(study_in(tmp_path, record_csv(seed=3, resolution_k=1.0)))
    found = learnt(result)
    for name in ("capacity_kwh_per_k", "solar_aperture_m2"):
        assert found[name]["verdict"] == "not identifiable"
        assert "sensor" in found[name]["need"]
    assert found["heat_loss_w_per_k"]["low"] < 160 < found["heat_loss_w_per_k"]["high"]
    assert "not_identifiable" in {f.code for f in result.findings}


def test_without_a_heat_meter_the_interval_holds_the_maps_uncertainty(tmp_path, three_weeks):
    result = varme.run(
        study_in(
            tmp_path, record_csv(seed=3),
            lambda text: "\n".join(line for line in text.splitlines() if not line.startswith("heat_kw")),
        )
    )  # fmt: skip
    blind, seen = learnt(result)["heat_loss_w_per_k"], learnt(three_weeks)["heat_loss_w_per_k"]
    assert blind["high"] - blind["low"] > 3 * (seen["high"] - seen["low"])
    assert blind["low"] < 160 < blind["high"]
    assert learnt(result)["spf"]["verdict"] == "not identifiable"


def test_missing_values_are_left_out_and_do_not_move_the_house(tmp_path, three_weeks):
    rng = np.random.default_rng(5)
    lines = record_csv(seed=3).splitlines()
    holes = set((rng.choice(len(lines) - 1, size=60, replace=False) + 1).tolist()) | set(range(700, 780))
    holed = []
    for number, line in enumerate(lines):
        cells = line.split(",")
        holed.append(",".join([*cells[:3], "", *cells[4:]]) if number in holes and number > 1100 else line)
    # holes in scattered places leave stretches; one of a day and more cuts the record in two
    holed[700:780] = [",".join([*line.split(",")[:3], "", *line.split(",")[4:]]) for line in lines[700:780]]
    found = learnt(varme.run(study_in(tmp_path, "\n".join(holed) + "\n")))
    assert found["heat_loss_w_per_k"]["value"] == pytest.approx(
        learnt(three_weeks)["heat_loss_w_per_k"]["value"], rel=0.08
    )


def test_gaps_are_refused_unless_they_are_kept(tmp_path):
    lines = record_csv(seed=3).splitlines()
    cells = lines[500].split(",")
    lines[500] = ",".join([*cells[:3], "", *cells[4:]])
    path = study_in(tmp_path, "\n".join(lines) + "\n", lambda text: text.replace(', gaps = "keep"', ""))
    with pytest.raises(DataError, match="P203"):
        varme.run(path)


def test_a_study_without_measurements_is_refused(tmp_path):
    path = study_in(
        tmp_path, record_csv(seed=3, days=2),
        lambda text: "\n".join(line for line in text.splitlines() if "gaps" not in line).replace("27T", "08T"),
    )  # fmt: skip
    with pytest.raises(InputError, match="P103"):
        varme.run(path)


def test_the_learnt_house_is_handed_over_as_a_section_that_parses(three_weeks):
    sections = tomllib.loads(device_text(three_weeks))
    house = parse(House, sections["house"], "learnt")
    assert house.heat_loss_w_per_k == pytest.approx(160, rel=0.1)


def still_record(setback=0.0):
    rng = np.random.default_rng(4)
    n = 96 * 14
    outdoor = 4 + 3 * np.sin(2 * np.pi * np.arange(n) / 96) + np.repeat(rng.normal(size=14), 96)
    room = np.full(n, 21.0) + 0.05 * rng.normal(size=n)
    heat = 0.16 * (21.0 - outdoor)
    return Record(0.25, room, outdoor, np.zeros(n), heat)


def test_a_room_that_never_changes_does_not_tell_its_capacity():
    record = still_record()
    found = {e.name: e for e in house_estimates(fit_house(record, 1, blocks=0), record, 0.05, 0.95, 0.0)}
    assert found["capacity_kwh_per_k"].verdict == "not identifiable"


def test_the_steps_of_a_sensor_are_seen():
    values = np.array([20.0, 20.5, 21.0, 21.5, np.nan, 20.5])
    assert resolution_k(values) == pytest.approx(0.5)
    assert resolution_k(np.round(np.random.default_rng(1).normal(20, 1, 500), 2)) == pytest.approx(0.01)
    assert resolution_k(np.full(9, 20.0)) == np.inf


def test_an_interval_decides_the_verdict():
    assert judged("x", 10.0, 9.0, 11.0, "more", "how").verdict == "identified"
    assert judged("x", 10.0, 6.0, 14.0, "more", "how").verdict == "weak"
    assert judged("x", 10.0, 1.0, 90.0, "more", "how").verdict == "not identifiable"
    assert judged("x", 10.0, 9.0, 11.0, "more", "how").need == ""


def battery_record(efficiency=0.95, standing_kw=0.02, noise=0.01):
    rng = np.random.default_rng(8)
    n, level, levels = 96 * 10, 5.0, []
    hour = np.arange(n) / 4 % 24
    charge = np.where((hour > 10) & (hour < 13), 2.0, 0.0)
    discharge = np.where((hour > 18) & (hour < 20.4), 2.0, 0.0)
    for k in range(n):
        level += 0.25 * (efficiency * charge[k] - discharge[k] / efficiency - standing_kw)
        levels.append(level)
    return charge, discharge, np.array(levels) + noise * rng.normal(size=n), np.arange(n) // 96


def test_the_round_trip_of_a_battery_is_found():
    charge, discharge, level, days = battery_record()
    trip, standing = devices.battery_efficiency(charge, discharge, level, 0.25, days, 0.95, 1)
    assert trip.value == pytest.approx(0.95**2, abs=0.01)
    assert trip.low < 0.95**2 < trip.high
    assert standing.value == pytest.approx(20.0, abs=6.0)


def test_a_battery_that_never_cycles_is_not_told():
    trip, _ = devices.battery_efficiency(
        *(np.zeros(960),) * 2, np.full(960, 5.0), 0.25, np.arange(960) // 96, 0.95, 1
    )
    assert trip.verdict == "not identifiable"


def test_loss_and_draw_of_a_tank_are_found():
    rng = np.random.default_rng(2)
    n, capacity, loss, tank = 96 * 14, 0.2326, 1.5e-3, 52.0
    hour = np.arange(n) / 4 % 24
    draw = np.where(((hour >= 7) & (hour < 7.5)) | ((hour >= 19) & (hour < 19.5)), rng.uniform(3, 5, n), 0.0)
    heat, temperatures = np.zeros(n), np.zeros(n)
    for k in range(n):
        heat[k] = 3.0 if tank < 44 or (k and heat[k - 1] > 0 and tank < 52) else 0.0
        tank += 0.25 * (heat[k] - draw[k] - loss * (tank - 18.0)) / capacity
        temperatures[k] = tank
    found, by_hour = devices.hot_water(
        temperatures + 0.02 * rng.normal(size=n),
        heat,
        capacity,
        18.0,
        0.25,
        np.arange(n) // 96,
        hour,
        0.95,
        1,
    )
    standing, daily = found
    assert daily.value == pytest.approx(draw.sum() * 0.25 / 14, rel=0.08)
    assert standing.value == pytest.approx(1.5, rel=0.35)
    assert by_hour[7] > 5 * abs(by_hour[3])


def test_the_slope_of_electricity_is_found_with_its_balance():
    rng = np.random.default_rng(6)
    days = np.repeat(np.arange(60), 24)
    outdoor = np.repeat(rng.uniform(-5, 20, 60), 24)
    power = 0.2 + 0.060 * np.maximum(15.0 - outdoor, 0.0) + 0.02 * rng.normal(size=60 * 24)
    slope, balance = devices.electricity_slope(power, outdoor, days, 0.95, 1)
    assert slope.value == pytest.approx(60.0, rel=0.05)
    assert balance.value == pytest.approx(15.0, abs=0.75)


def test_a_record_of_winter_days_alone_does_not_tell_where_heating_begins():
    rng = np.random.default_rng(6)
    days = np.repeat(np.arange(30), 24)
    outdoor = np.repeat(rng.uniform(-8, 3, 30), 24)
    _, balance = devices.electricity_slope(0.06 * (15.0 - outdoor), outdoor, days, 0.95, 1)
    assert balance.verdict == "not identifiable"
