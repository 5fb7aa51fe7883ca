"""Fleets: homes drawn and read, plans as those of single homes, failures told one by one, runs that resume."""

import tomllib

import numpy as np
import pytest

from varme.components.home import Slots
from varme.ground.context import Context
from varme.ground.errors import DataError, InputError, ModelError
from varme.ground.result import Result
from varme.home.case import load_case, state_of
from varme.home.fleet.chunk import Planned, joined, plan_chunk
from varme.home.fleet.compile import Typical, compiled_home, differing
from varme.home.fleet.exports import EXPORTS, flexibility_of
from varme.home.fleet.homes_file import fields_of_homes, read_homes
from varme.home.fleet.population import drawn_homes
from varme.home.fleet.run import by_likeness, chunks_of, fingerprint
from varme.home.fleet.spec import FleetStudy, HomesFileSpec, PopulationSpec, SpreadSpec
from varme.home.fleet.study import run as run_fleet
from varme.home.fleet.templates import fleet_files
from varme.home.schedule.plan import make_plan
from varme.study.run import run


def study_of(count=6, seed=4, **sections):
    data = tomllib.loads(fleet_files()["study.toml"])
    data["population"] = {"homes_count": count, "seed": seed}
    data["feeder"] = {}
    return data | sections


def spec_of(**parts):
    return FleetStudy(**study_of(**parts))


# ---------------------------------------------------------------------------------------------- population
def test_a_population_repeats_itself_and_a_larger_one_begins_with_the_smaller():
    spec = spec_of()
    few = drawn_homes(spec, PopulationSpec(homes_count=5, seed=9))
    many = drawn_homes(spec, PopulationSpec(homes_count=50, seed=9))
    for i in range(5):
        assert few.row(i) == many.row(i)
    other = drawn_homes(spec, PopulationSpec(homes_count=5, seed=10))
    assert other.row(0) != few.row(0)


def test_shares_and_spreads_come_out_as_asked():
    spec = spec_of()
    population = PopulationSpec(
        homes_count=4000, seed=2, photovoltaics_share=0.3, vehicle_share=0.6, battery_share=0.5,
        floor_area_m2=SpreadSpec(median=100.0, spread_share=0.2, min=60.0, max=160.0),
    )  # fmt: skip
    homes = drawn_homes(spec, population)
    area = homes.columns["floor_area_m2"]
    assert np.median(area) == pytest.approx(100, rel=0.02)
    assert area.min() >= 60
    assert area.max() <= 160
    assert np.mean(homes.columns["photovoltaics.peak_kwp"] > 0) == pytest.approx(0.3, abs=0.03)
    assert np.mean(homes.columns["vehicles.capacity_kwh"] > 0) == pytest.approx(0.6, abs=0.03)
    with_battery = homes.columns["battery.capacity_kwh"] > 0
    assert with_battery.mean() == pytest.approx(0.15, abs=0.03)
    assert np.all(homes.columns["photovoltaics.peak_kwp"][with_battery] > 0)


def test_heat_pumps_fit_their_houses():
    """Heat over the loss at the design temperature stays within the spread and one step of size."""
    spec = spec_of()
    homes = drawn_homes(spec, PopulationSpec(homes_count=500, seed=3))
    need = homes.columns["house.heat_loss_w_per_k"] / 1e3 * (20 - spec.house.design_outdoor_c)
    ratio = homes.columns["heat_pump.rated_kw"] / need
    big = homes.columns["heat_pump.rated_kw"] > 3
    assert ratio[big].max() <= 1.5 + 1.0 / need[big].min()
    assert ratio.min() >= 0.5


def test_one_column_changes_without_the_others():
    """Each property has its own random numbers: another share of vehicles leaves houses and tanks as they were."""
    spec = spec_of()
    a = drawn_homes(spec, PopulationSpec(homes_count=40, seed=3, vehicle_share=0.1))
    b = drawn_homes(spec, PopulationSpec(homes_count=40, seed=3, vehicle_share=0.9))
    for name in ("house.heat_loss_w_per_k", "hot_water.volume_l", "photovoltaics.peak_kwp"):
        assert np.array_equal(a.columns[name], b.columns[name])
    assert not np.array_equal(a.columns["vehicles.capacity_kwh"], b.columns["vehicles.capacity_kwh"])


def test_the_typical_home_is_the_home_of_the_kind_home():
    """A row without differences is the same plant as that of a single home's study."""
    spec = spec_of()
    plant, state = compiled_home(Typical(spec, Context()), {})
    case = load_case(spec, Context())
    assert plant.house.gains_kw == pytest.approx(case.plant.house.gains_kw)
    assert plant.heat_pump.heat_max_kw == pytest.approx(case.plant.heat_pump.heat_max_kw)
    assert plant.grid.load_kw == pytest.approx(case.plant.grid.load_kw)
    assert state.house_c == pytest.approx(state_of(spec.state, spec, case.plant).house_c)


def test_a_home_of_a_fleet_is_planned_as_it_would_be_alone():
    spec = spec_of(count=2)
    typical, homes = Typical(spec, Context()), drawn_homes(spec, spec.population)
    plant, state = compiled_home(typical, homes.row(1))
    alone = make_plan(plant, Slots.even(0, 96, 0.25), state, spec.plan)
    chunk = next(iter(chunks_of(spec, homes, Context())))
    planned = Planned.from_arrays(plan_chunk(chunk))
    at = int(np.flatnonzero(planned.index == 1)[0])
    gap = alone.certificate.gap_abs + planned.figure("gap_cent")[at]
    assert planned.figure("objective_cent")[at] == pytest.approx(alone.certificate.objective, abs=gap + 1e-6)
    assert planned.figure("bound_cent")[at] <= alone.certificate.objective + 1e-6


def test_a_size_of_zero_removes_the_device_and_a_missing_one_can_be_added():
    spec = spec_of()
    typical = Typical(spec, Context())
    none = {"battery.capacity_kwh": 0.0, "vehicles.capacity_kwh": 0.0, "photovoltaics.peak_kwp": 0.0}
    without = differing(typical, none)
    assert without.battery is None
    assert without.vehicles == []
    assert without.photovoltaics == []
    bare = FleetStudy(**{k: v for k, v in study_of().items() if k != "battery"})
    added = differing(Typical(bare, Context()), {"battery.capacity_kwh": 7.0, "battery.power_kw": 3.0})
    assert added.battery.capacity_kwh == 7.0
    assert differing(Typical(bare, Context()), {"battery.power_kw": 3.0}).battery is None


def test_scattered_loads_keep_their_energy_and_their_ratio():
    spec = spec_of()
    typical = Typical(spec, Context())
    plain, _ = compiled_home(typical, {})
    other, _ = compiled_home(
        typical, {"load_ratio": 1.7, "shift_h": 1.0, "noise_seed": 5.0, "draw_ratio": 0.5}
    )
    assert other.grid.load_kw.sum() == pytest.approx(1.7 * plain.grid.load_kw.sum())
    assert other.tank.draw_kw.sum() == pytest.approx(0.5 * plain.tank.draw_kw.sum())
    assert not np.allclose(other.grid.load_kw, 1.7 * plain.grid.load_kw)


# ---------------------------------------------------------------------------------------------- whole runs
def test_a_run_gives_one_row_a_home_and_totals_that_add_up(tmp_path):
    result = run(study_of(), out=tmp_path / "out")
    slots, homes = result.data["fleet_slots"], result.data["fleet_homes"]
    assert len(homes) == 6
    hours = 0.25
    assert slots.column("import_kw").sum() * hours == pytest.approx(
        homes.column("import_kwh").sum(), rel=1e-5
    )
    assert slots.column("export_kw").sum() * hours == pytest.approx(
        homes.column("export_kwh").sum(), abs=1e-3
    )
    drawn = sum(slots.column(f"{k}_kw") for k in ("load", "heat_pump", "backup", "vehicle", "battery"))
    net = slots.column("import_kw") - slots.column("export_kw")
    assert drawn - slots.column("pv_kw") == pytest.approx(net, abs=1e-3)
    assert np.all(homes.column("gap_cent") >= 0)
    for chart in result.charts:
        assert len(chart.data(result.data)) > 0
    loaded = Result.load(tmp_path / "out")
    assert set(loaded.data) == set(result.data)


def test_envelopes_in_the_tables_add_up_and_are_handed_over(tmp_path):
    result = run(study_of(count=4))
    total, each = result.data["fleet_flexibility"], result.data["fleet_envelope"]
    first = each.column("duration_min") == 60
    noon = each.column("time") == total.column("time")[48]
    here = (total.column("duration_min") == 60) & (total.column("time") == total.column("time")[48])
    assert each.column("up_kw")[first & noon].sum() == pytest.approx(total.column("up_kw")[here][0], abs=1e-4)
    handed = flexibility_of(result)
    assert len(handed) == len(total)
    assert handed.column("baseline_kw")[0] == pytest.approx(
        result.data["fleet_slots"].column("import_kw")[0] - result.data["fleet_slots"].column("export_kw")[0]
    )
    for write in EXPORTS.values():
        (path,) = write(result, tmp_path)
        assert path.stat().st_size > 100
    text = (tmp_path / "flexibility.csv").read_text(encoding="utf-8").splitlines()
    assert text[0].startswith("time,duration_min,baseline_kw")
    assert text[1].startswith("2025-01-13T23:00:00Z,15,")


def test_a_run_without_durations_has_no_envelope_to_hand_over():
    result = run(study_of(count=1, flexibility={"durations_min": []}))
    assert "fleet_flexibility" not in result.data
    with pytest.raises(InputError, match="P185"):
        flexibility_of(result)


@pytest.mark.slow
def test_the_number_of_workers_and_the_number_of_runs_change_nothing():
    one = run(study_of(count=3, plan={"chunk_homes_count": 1}), jobs=1)
    two = run(study_of(count=3, plan={"chunk_homes_count": 1}), jobs=2)
    for name, table in one.data.items():
        for column in table.data:
            mine, other = table.data[column], two.data[name].data[column]
            assert np.array_equal(mine, other, equal_nan=mine.dtype.kind == "f")


def test_chunks_hold_similar_homes_and_every_home_once():
    spec = spec_of(count=90, plan={"chunk_homes_count": 20})
    homes = drawn_homes(spec, spec.population)
    order = by_likeness(homes)
    assert sorted(order) == list(range(90))
    chunks = list(chunks_of(spec, homes, Context()))
    assert [len(c.homes) for c in chunks] == [20, 20, 20, 20, 10]
    has = homes.columns["vehicles.capacity_kwh"][order] > 0
    assert np.sum(np.diff(has.astype(int)) != 0) == 1


def test_homes_that_fail_are_told_one_by_one_and_the_others_go_on(tmp_path):
    """A home whose load is above its connection, and one with a negative capacity: both named, two others planned."""
    table = tmp_path / "homes.csv"
    table.write_text(
        "name,grid.import_max_kw,house.capacity_kwh_per_k,load_ratio\n"
        "good,17,10,1\nsmall connection,0.05,10,20\nno mass,17,-3,1\nalso good,17,8,1.2\n",
        encoding="utf-8",
    )
    data = {k: v for k, v in study_of().items() if k != "population"} | {"homes": {"file": "homes.csv"}}
    del data["photovoltaics"], data["battery"]
    result = run(data, base=tmp_path)
    failures = result.data["fleet_failures"]
    assert sorted(failures.column("home")) == ["no mass", "small connection"]
    assert result["failed_count"] == 2
    told = {f.where for f in result.findings if f.code == "fleet_home_failed"}
    assert told == {"small connection", "no mass"}
    assert any(f.code == "fleet_homes_failed" and f.severity == "alarm" for f in result.findings)
    homes = result.data["fleet_homes"]
    assert list(homes.column("planned")) == [True, False, False, True]
    assert np.isnan(homes.column("cost_eur")[1])


def test_a_fleet_in_which_every_home_fails_is_an_error():
    with pytest.raises(ModelError, match="P182"):
        run(study_of(count=2, grid={"import_max_kw": 0.001}))


def test_a_chunk_kept_in_a_file_is_the_chunk(tmp_path):
    spec = spec_of(count=2)
    chunk = next(iter(chunks_of(spec, drawn_homes(spec, spec.population), Context())))
    arrays = plan_chunk(chunk)
    np.savez(tmp_path / "x.npz", **arrays)
    with np.load(tmp_path / "x.npz", allow_pickle=False) as stored:
        again = Planned.from_arrays({k: stored[k] for k in stored.files})
    assert np.array_equal(again.figures, arrays["figures"])
    assert again.reasons == []
    assert len(joined([again, again]).index) == 4


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    """Chunks that were kept are not planned again: their file is changed, and the change shows."""
    spec = spec_of(count=4, plan={"chunk_homes_count": 2})
    from_scratch = run(study_of(count=4, plan={"chunk_homes_count": 2}))
    homes = drawn_homes(spec, spec.population)
    hashes = load_case(spec, Context()).data_hashes
    work = tmp_path / "work"
    store = Context(work=work).checkpoints("homes", fingerprint(spec, homes, hashes))
    chunk = next(iter(chunks_of(spec, homes, Context())))
    arrays = plan_chunk(chunk)
    arrays["figures"] = arrays["figures"] + 1000.0
    store.save("chunk_00000", arrays)
    resumed = run_fleet(spec, Context(work=work, resume=True))
    difference = resumed.data["fleet_homes"].column("cost_eur") - from_scratch.data["fleet_homes"].column(
        "cost_eur"
    )
    assert np.sum(difference > 9.0) == 2
    assert np.sum(np.abs(difference) < 1e-9) == 2


DAYS = [("2025-03-30", "2025-03-31", 92), ("2025-10-26", "2025-10-27", 100), ("2025-12-31", "2026-01-01", 96)]


@pytest.mark.parametrize("day", DAYS)
def test_days_of_the_clock_change_and_the_end_of_the_year_work(day):
    start, end, steps = day
    time = tomllib.loads(f"start = {start}\nend = {end}") | {"step_min": 15, "timezone": "Europe/Copenhagen"}
    result = run(study_of(count=2, time=time))
    assert len(result.data["fleet_slots"]) == steps
    assert result["failed_count"] == 0


def test_an_odd_horizon_and_step_work():
    time = tomllib.loads("start = 2025-02-03T05:30:00+01:00\nend = 2025-02-03T17:00:00+01:00") | {
        "step_min": 30,
        "timezone": "Europe/Copenhagen",
    }
    result = run(study_of(count=2, time=time, flexibility={"durations_min": [30, 1440]}))
    assert len(result.data["fleet_slots"]) == 23
    long = result.data["fleet_flexibility"].column("duration_min") == 1440
    assert np.isnan(result.data["fleet_flexibility"].column("up_kw")[long]).all()


# ---------------------------------------------------------------------------------------------- bad input
def test_both_or_no_source_of_homes_is_refused():
    for change in ({"homes": {"file": "x.csv"}}, {"population": None}):
        with pytest.raises(InputError, match="P180"):
            run(study_of() | change)


def test_durations_that_are_no_multiple_of_the_step_are_refused():
    with pytest.raises(InputError, match="P181"):
        run(study_of(flexibility={"durations_min": [15, 20]}))


def test_an_unknown_column_is_refused_with_the_nearest_name(tmp_path):
    (tmp_path / "h.csv").write_text("name,house.heat_loss_w_per_kk\na,150\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"P183.*house\.heat_loss_w_per_k"):
        read_homes(HomesFileSpec(file="h.csv"), tmp_path)


def test_cells_that_are_no_numbers_and_names_that_repeat_are_all_told(tmp_path):
    text = "name,house.heat_loss_w_per_k,house.emitter\na,150,floor\nb,many,radiator\na,170,\n"
    (tmp_path / "h.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as error:
        read_homes(HomesFileSpec(file="h.csv"), tmp_path)
    told = str(error.value)
    assert "line 3" in told
    assert "line 4" in told


def test_a_missing_file_of_homes_is_told(tmp_path):
    with pytest.raises(DataError, match="P200"):
        read_homes(HomesFileSpec(file="nowhere.csv"), tmp_path)


def test_an_empty_cell_leaves_the_typical_value(tmp_path):
    (tmp_path / "h.csv").write_text(
        "name,house.heat_loss_w_per_k,house.emitter\na,,\nb,90,radiator\n", encoding="utf-8"
    )
    homes = read_homes(HomesFileSpec(file="h.csv"), tmp_path)
    assert homes.row(0) == {}
    assert homes.row(1) == {"house.heat_loss_w_per_k": 90.0, "house.emitter": "radiator"}


def test_every_column_of_a_drawn_home_may_stand_in_a_file():
    spec = spec_of()
    homes = drawn_homes(spec, spec.population)
    assert set(homes.columns) <= set(fields_of_homes())
