"""What users get wrong, each through a whole run: refused with place, value, limit and remedy, or planned and told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import varme
from tests.home.tiny import column, home, run
from varme.ground.errors import VarmeError

KEYMARK = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "heatpumps"

REFUSED = {
    "a tank too small for the step": (
        {"hot_water": {"volume_l": 40.0, "temperature_max_c": 50.0}}, "P150", "hot_water", "step",
    ),
    "a band below the cold water": (
        {
            "hot_water": {"temperature_min_c": 21.0, "temperature_max_c": 40.0},
            "weather": {"cold_water_c": 28.0},
        },
        "P151", "hot_water.temperature_min_c", "cold water",
    ),
    "a heat pump that cannot carry the house, alone": (
        {"heat_pump": {"rated_kw": 2.0, "backup_kw": 0.0}, "weather": {"outdoor_c": -12.0}}, "P144",
        "heat_pump.rated_kw", "kW",
    ),
    "a COP below 1": (
        {"heat_pump": {"points": [{"source_c": -7.0, "flow_c": 35.0, "point_cop": 0.8}]}}, "P143",
        "heat_pump.points[0].point_cop", "above 1",
    ),
    "a COP above Carnot": (
        {"heat_pump": {"points": [{"source_c": 2.0, "flow_c": 35.0, "point_cop": 11.0}]}}, "P143",
        "heat_pump.points[0].point_cop", "Carnot",
    ),
    "a duty that nothing reaches": (
        {"heat_pump": {"backup_kw": 0.0}, "hot_water": {"legionella": {"temperature_c": 75.0}}}, "P153",
        "hot_water.legionella.temperature_c", "compressor",
    ),
    "contradicting wishes": ({"house": {"temperature_min_c": [24.0] * 24}}, "P190", "house.temperature_min_c", "above"),
    "a typing error": ({"house": {"heat_los_w_per_k": 100.0}}, "P104", "house.heat_los_w_per_k", "heat_loss_w_per_k"),
    "energy where power belongs": ({"heat_pump": {"rated_kwh": 5.0}}, "P105", "heat_pump.rated_kwh", "power"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=list(REFUSED))
def test_it_is_refused_with_its_place_and_a_remedy(case):
    changes, code, where, word = REFUSED[case]
    with pytest.raises(VarmeError) as caught:
        run(**changes)
    found = [p for p in caught.value.problems if p.code == code and p.where == where]
    assert found, str(caught.value)
    assert word in str(found[0])
    assert len(str(found[0])) > 60  # a sentence with its remedy, not a code


def test_a_heat_pump_too_small_with_backup_is_planned_and_the_missing_power_is_told():
    result = run(heat_pump={"rated_kw": 2.0, "backup_kw": 2.0}, weather={"outdoor_c": -12.0})
    told = {f.code: f for f in result.findings}
    assert "kW short" in told["heat_pump_too_small"].message
    assert told["heat_short"].severity == "alarm"
    assert result["room_missed_k_h"] > 1
    assert np.all(column(result, "plan", "backup_kw") <= 2.0 + 1e-6)


def test_backup_for_room_and_hot_water_together_is_not_more_than_the_heater_has():
    result = run(state={"room_c": 15.0, "tank_c": 20.0}, heat_pump={"backup_kw": 6.0})
    assert column(result, "plan", "backup_kw").max() == pytest.approx(6.0, abs=1e-6)
    assert "plan_not_executable" not in {f.code for f in result.findings}


def test_an_ev_that_leaves_before_it_can_be_full_is_told_with_what_is_missing():
    trip = {"days": ["tue"], "leave_h": 2.0, "return_h": 8.0, "energy_kwh": 8.0}
    car = {"name": "car", "charge_max_kw": 3.7, "departure_min_share": 1.0, "trips": [trip]}
    result = run(vehicles=[car])
    # half of 60 kWh at the start; two hours of 3.7 kW at 90 % bring 6.66 kWh
    missing = 60.0 - 30.0 - 2 * 3.7 * 0.9
    told = {f.code: f for f in result.findings}
    assert f"{missing:.1f} kWh" in told["vehicle_cannot_be_full"].message
    assert result["departure_missed_kwh"] == pytest.approx(missing, abs=1e-6)


def test_prices_that_end_early_are_told_with_their_hours(tmp_path):
    rows = "\n".join(f"2025-01-14T{h:02d}:00:00Z,0.1" for h in range(20))
    (tmp_path / "prices.csv").write_text(f"time,price_eur_per_kwh\n{rows}\n", encoding="utf-8")
    (tmp_path / "study.json").write_text(
        json.dumps(home(tariff={"energy_eur_per_kwh": {"file": "prices.csv"}})), encoding="utf-8"
    )
    with pytest.raises(VarmeError) as caught:
        varme.run(tmp_path / "study.json")
    [problem] = caught.value.problems
    assert problem.code == "P248"
    assert "2025-01-14 20:00" in str(problem)
    assert "persistence" in str(problem)


@pytest.mark.skipif(not KEYMARK.is_dir(), reason="the heat-pump catalogue in ../shared is not here")
def test_an_unknown_model_is_refused_with_the_nearest_names():
    path = str(KEYMARK / "keymark_en14825_points_2024.csv.gz")
    with pytest.raises(VarmeError) as caught:
        run(heat_pump={"catalogue": path, "model": "Vitocal 250"})
    [problem] = caught.value.problems
    assert problem.code == "P140"
    assert str(problem).count("Vitocal 250-A") >= 3


def test_prices_below_zero_are_used_and_told():
    result = run(tariff={"energy_eur_per_kwh": [-0.5] * 4 + [0.2] * 20})
    assert "import_is_paid" in {f.code for f in result.findings}
    bought = column(result, "plan", "import_kw")
    assert bought[:4].mean() > 3 * bought[4:].mean()


def test_the_command_line_prints_problems_and_no_traceback(tmp_path):
    study = tmp_path / "study.json"
    study.write_text(json.dumps(home(house={"temperature_min_c": [30.0] * 24})), encoding="utf-8")
    words = [sys.executable, "-m", "varme", "run", str(study), "--out", str(tmp_path / "run")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "P190" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run" / "result.json").exists()
