"""Bad input: every kind of it gets its code, its place, its value, its limit and a remedy. All problems at once."""

import json
import subprocess
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.district.tiny import EXACT, FUELS, boiler, checked, data, extraction, market, plan, pump, store
from varme.district.spec import DistrictStudy
from varme.district.study import check, run
from varme.ground.context import Context
from varme.ground.errors import DataError, InputError, ModelError, RunError, SolverError, VarmeError
from varme.ground.spec import parse, read_file

HOURS = 48


def refused(devices=None, error=VarmeError, base=None, **parts):
    """Return the problems with which a study is refused, by `check` and by `run` alike."""
    found = []
    devices = {"B": boiler()} if devices is None else devices
    for action in (checked, plan):
        with pytest.raises(error) as caught:
            action(devices, **({"base": base} if base else {}), **parts)
        found.append(caught.value.problems)
    assert found[0] == found[1]
    assert all(p.code in str(caught.value) for p in found[0])
    return found[0]


def one(*args, **parts):
    [problem] = refused(*args, **parts)
    return problem


# ------------------------------------------------------------------------------------------------ the study

SAME_DIMENSION = "Use heat_max_mw [MW], or a unit of the same dimension."
WIND = {"type": "must_take", "node": "n", "available_mw": 3.0}


@pytest.mark.parametrize(
    ("device", "code", "where", "value", "limit", "remedy"),
    [
        (pump(heat_maxx_mw=3), "P104", "devices.X.heat_maxx_mw", "3", "", "Use heat_max_mw."),
        (pump(-5.0), "P101", "devices.X.heat_max_mw", "-5.0", "must be >= 0", ""),
        (pump(heat_max_mwh=5), "P105", "devices.X.heat_max_mwh", "5", "", SAME_DIMENSION),
        (pump("5 MW"), "P102", "devices.X.heat_max_mw", "'5 MW'", "", ""),
        (boiler(heat=-1.0), "P101", "devices.X.heat_max_mw", "-1.0", "must be > 0", ""),
        (boiler(efficiency=1.2), "P101", "devices.X.efficiency_share", "1.2", "must be <= 1.1", ""),
        (boiler(min_load_share=1.2), "P101", "devices.X.min_load_share", "1.2", "must be <= 1", ""),
        (boiler(ramp_share_per_h=0.0), "P101", "devices.X.ramp_share_per_h", "0.0", "must be > 0", ""),
        (store(-3.0), "P101", "devices.X.capacity_mwh", "-3.0", "must be >= 0", ""),
        (store(loss_share_per_h=1.0), "P101", "devices.X.loss_share_per_h", "1.0", "must be < 1", ""),
        (extraction(total_efficiency_share=1.27), "P109", "devices.X", "", "", ""),
        (extraction(fuel_max_mw=0.0), "P101", "devices.X.fuel_max_mw", "0.0", "must be > 0", ""),
        (extraction(corners=[[500.0, 330.0, 600.0], [0.0, 0.0, 0.0]]), "P109", "devices.X", "", "", ""),
        (extraction(corners=[[100.0, 330.0, 700.0], [0.0, 0.0, 0.0]]), "P101", "devices.X", "", "", ""),
        (pump(carnot_share=0.5), "P108", "devices.X", "", "", ""),
        (pump(cop=None, lorenz_share=0.5, source_c=5.0), "P103", "devices.X", "", "", ""),
        (market(30.0, 0.0, 0.0), "P108", "devices.X", "", "", ""),
        ({"type": "line", "from_bus": "a", "to_bus": "a", "capacity_mw": 3.0}, "P108", "devices.X", "", "", ""),
        ({"type": "must_take", "available_mw": 3.0}, "P108", "devices.X", "", "", ""),
        (pump(type="heatpump"), "P106", "devices.X.type", "'heatpump'", "", "Did you mean heat_pump?"),
    ],
)  # fmt: skip
def test_a_device_that_cannot_be(device, code, where, value, limit, remedy):
    found = one({"B": boiler(), "X": device})
    assert (found.code, found.where, found.value) == (code, where, value)
    assert limit in found.limit
    assert (bool(found.limit) is bool(limit)) or code in {"P106"}
    assert found.remedy == remedy


def test_names_that_stand_for_nothing():
    devices = {
        "B": boiler("oil"),
        "H": pump(area="q", node="m"),
        "L": {"type": "line", "from_bus": "a", "to_bus": "z", "capacity_mw": 1.0},
    }
    found = refused(devices, heat=[1.0], reference={"without": ["H", "HP9"]})
    assert [(p.code, p.where, p.value, p.limit) for p in found] == [
        ("P107", "devices.B.fuel", "oil", "there are: gas, coal, straw"),
        ("P107", "devices.H.node", "m", "there are: n"),
        ("P107", "devices.H.area", "q", "there are: a"),
        ("P107", "devices.L.to_bus", "z", "there are: a"),
        ("P107", "reference.without", "HP9", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("devices", "parts", "where"),
    [
        ({"B": boiler()}, {"power": [5.0]}, "electricity.n"),
        ({"B": boiler(), "H": pump()}, {"power": [5.0]}, "electricity.n"),  # a consumer supplies nothing
        ({"S": store()}, {"heat": [5.0]}, "heat.a"),  # a store gives only what others fed
        ({"M": market(30.0, 0.0, 10.0)}, {"power": [5.0]}, "electricity.n"),  # export alone
        ({"B": boiler(), "W": WIND}, {"areas": {"a": {}, "b": {"demand_mw": [2.0]}}}, "heat.b"),
    ],
)  # fmt: skip
def test_a_bus_that_nothing_supplies(devices, parts, where):
    found = one(devices, **parts)
    assert (found.code, found.where) == ("P110", where)
    assert "shortfall price" in str(found)


def test_a_bus_fed_by_a_line_is_supplied():
    line = {"type": "line", "from_bus": "a", "to_bus": "b", "capacity_mw": 9.0}
    got = plan({"B": boiler(), "L": line}, hours=1, areas={"a": {}, "b": {"demand_mw": [2.0]}})
    assert got.of("B") == pytest.approx([2.0])
    back = {"type": "line", "from_bus": "b", "to_bus": "a", "capacity_mw": 9.0}
    assert (
        one({"B": boiler(), "L": back}, hours=1, areas={"a": {}, "b": {"demand_mw": [2.0]}}).where == "heat.b"
    )


@pytest.mark.parametrize(
    ("time", "where", "value"),
    [
        ({"end": "2010-01-01"}, "time.end", None),
        ({"timezone": "Europe/Kopenhagen"}, "time.timezone", "Europe/Kopenhagen"),
        ({"step_min": 7}, "time.step_min", "7"),
        ({"step_min": 0}, "time.step_min", "0"),
        ({"end": "2011-01-01T00:30"}, "time.end", "30 min"),
    ],
)
def test_a_horizon_that_is_none(time, where, value):
    found = one(time={"start": "2011-01-01", "end": "2011-01-02"} | time)
    assert (found.code, found.where) == ("P101", where)
    assert value is None or found.value == value


def test_a_ramp_below_the_minimum_load_is_allowed_handled_and_mentioned():
    got = plan(
        {"U": boiler("gas", 10.0, min_load_share=0.35, ramp_share_per_h=0.2, initial="off")}, heat=[3.5, 5.5]
    )
    assert got.of("U") == pytest.approx([3.5, 5.5])
    [finding] = got.findings("ramp_below_min_load")
    assert (finding.severity, finding.where) == ("note", "U")
    assert "minimum load" in finding.message


def test_demand_above_capacity_is_seen_before_solving():
    [finding] = checked({"B": boiler(heat=10.0)}, heat=[8.0, 14.0, 12.0])
    assert (finding.code, finding.severity, finding.where) == ("demand_above_capacity", "warning", "heat:a")
    assert finding.evidence == {"demand_mw": 14.0, "capacity_mw": 10.0}
    with pytest.raises(ModelError) as caught:
        plan({"B": boiler(heat=10.0)}, heat=[8.0, 14.0, 12.0])
    assert [(p.code, p.where) for p in caught.value.problems] == [("P301", "heat.a")]


def test_several_short_areas_are_all_named():
    heat = {"a": {"demand_mw": [9.0, 1.0]}, "b": {"demand_mw": [1.0, 9.0]}}
    devices = {"A": boiler(heat=5.0), "B": boiler(heat=5.0, area="b")}
    with pytest.raises(ModelError) as caught:
        plan(devices, hours=2, areas=heat)
    assert [p.where for p in caught.value.problems] == ["heat.a", "heat.b"]
    assert "01:00" in caught.value.problems[1].what


# ----------------------------------------------------------------------------------------------- series


def stamps(hours=HOURS, first=datetime(2011, 1, 1), step=timedelta(hours=1)):  # noqa: DTZ001
    return [first + k * step for k in range(hours)]


def csv(folder, rows, name="heat.csv", head="time,heat_mw"):
    (folder / name).write_text("\n".join([head, *(f"{t:%Y-%m-%d %H:%M},{v}" for t, v in rows)]) + "\n")


def rows(hours=HOURS, **other):
    return [(t, 5.0) for t in stamps(hours, **other)]


def without(entries, *positions):
    return [e for k, e in enumerate(entries) if k not in positions]


SERIES = {
    "too short": (rows(40), "P202"),
    "a gap": (without(rows(), 10, 11), "P203"),
    "a NaN": ([(t, "NaN" if k == 7 else 5.0) for k, (t, _) in enumerate(rows())], "P203"),
    "an empty cell": ([(t, "" if k == 7 else 5.0) for k, (t, _) in enumerate(rows())], "P203"),
    "a duplicate hour": (rows()[:20] + rows()[19:], "P204"),
    "half an hour off": (rows(49, first=datetime(2010, 12, 31, 23, 30)), "P205"),  # noqa: DTZ001
    "text": ([(t, "many" if k == 3 else 5.0) for k, (t, _) in enumerate(rows())], "P209"),
}


@pytest.mark.parametrize(("entries", "code"), SERIES.values(), ids=SERIES.keys())
def test_a_series_that_is_unfit(tmp_path, entries, code):
    csv(tmp_path, entries)
    found = refused(
        error=DataError, base=tmp_path, hours=HOURS, heat={"file": "heat.csv", "column": "heat_mw"}
    )
    assert (found[0].code, found[0].where) == (code, "heat.a.demand_mw")


def test_shifted_hours_show_as_too_short(tmp_path):
    """Labels of another clock, an hour early: the last hour is missing, and is named."""
    csv(tmp_path, rows(first=datetime(2010, 12, 31, 23)))  # noqa: DTZ001
    [found] = refused(
        error=DataError, base=tmp_path, hours=HOURS, heat={"file": "heat.csv", "column": "heat_mw"}
    )
    assert (found.code, found.where) == ("P202", "heat.a.demand_mw")
    assert "2011-01-02 23:00" in str(found)


@pytest.mark.parametrize(("day", "hours", "code"), [("2011-03-27", 24, "P206"), ("2011-10-30", 24, "P20")])
def test_a_clock_that_ignores_summer_time(tmp_path, day, hours, code):
    """24 hours on the day of 23 or 25."""
    first = datetime.fromisoformat(day)
    csv(tmp_path, rows(hours, first=first))
    time = {
        "start": day,
        "end": (first + timedelta(days=1)).date().isoformat(),
        "timezone": "Europe/Copenhagen",
    }
    spec = {"file": "heat.csv", "column": "heat_mw", "timezone": "Europe/Copenhagen"}
    found = refused(error=DataError, base=tmp_path, heat=spec, time=time)
    assert found[0].code.startswith(code)
    assert found[0].where == "heat.a.demand_mw"
    assert ZoneInfo("Europe/Copenhagen") is not None


def test_lists_of_another_length():
    found = one(heat=[5.0, 5.0], power=[1.0, 2.0, 3.0], node={"shortfall_eur_per_mwh": 1.0})
    assert (found.code, found.where, found.value) == ("P207", "heat.a.demand_mw", "2 values")
    assert "3 intervals" in found.limit


def test_series_in_wrong_units_places_and_limits(tmp_path):
    csv(tmp_path, rows(), head="time,heat_c")
    found = one(base=tmp_path, hours=HOURS, heat={"file": "heat.csv", "column": "heat_c"})
    assert (found.code, found.where) == ("P208", "heat.a.demand_mw")
    found = one(base=tmp_path, hours=HOURS, heat={"file": "heat.csv", "column": "heat_mw"})
    assert (found.code, found.where) == ("P201", "heat.a.demand_mw")
    found = one(base=tmp_path, hours=HOURS, heat={"file": "heta.csv"})
    assert (found.code, found.where) == ("P200", "heat.a.demand_mw")
    found = one({"B": boiler(), "H": pump(cop=[3.0, 0.4])}, heat=[1.0, 1.0])
    assert (found.code, found.where) == ("P210", "devices.H.cop")
    assert "at least 1" in found.limit
    found = one({"B": boiler(), "H": pump(available_share=1.5)}, heat=[1.0])
    assert (found.code, found.where, found.value, found.limit) == (
        "P101",
        "devices.H.available_share",
        "1.5",
        "0 to 1",
    )


def test_a_synthetic_quantity_without_a_generator():
    found = one(heat={"synthetic": "heat_area_1_mw"}, hours=24)
    assert (found.code, found.where) == ("P201", "heat.a.demand_mw")


# -------------------------------------------------------------------------------------- the plant table

TABLE = "name,type,area,fuel,heat_max_mw,efficiency_share,min_load_share\n"


def table(folder, *lines, head=TABLE):
    (folder / "units.csv").write_text("# a comment\n" + head + "\n".join(lines) + "\n")


def test_problems_of_the_plant_table_stand_at_their_lines(tmp_path):
    table(
        tmp_path, "A,boiler,a,gas,-5,0.9,", "", "C,boilr,a,gas,5,0.9,", "D,boiler,a,gas,5,1.3,0.2",
        "B,boiler,a,gas,5,0.9,", "E,boiler,a,gas,five,0.9,", "F,,a,gas,5,0.9,", "G,boiler,q,oil,5,0.9,",
    )  # fmt: skip
    found = refused(base=tmp_path, heat=[1.0], devices_table="units.csv")
    assert [(p.code, p.where, p.value) for p in found] == [
        ("P101", "units.csv line 3 (A): heat_max_mw", "-5"),
        ("P106", "units.csv line 5 (C): type", "'boilr'"),
        ("P101", "units.csv line 6 (D): efficiency_share", "1.3"),
        ("P112", "units.csv line 7", "B"),
        ("P102", "units.csv line 8 (E): heat_max_mw", "'five'"),
        ("P103", "units.csv line 9 (F): type", ""),
        ("P107", "devices.G.area", "q"),
        ("P107", "devices.G.fuel", "oil"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "code", "text"),
    [
        (["A,boiler,a,gas,5,0.9,", "A,boiler,a,gas,5,0.9,"], "P213", "line 4"),
        ([",boiler,a,gas,5,0.9,"], "P213", "line 3"),
        (["A,boiler,a,gas,5,0.9,0.1,0.2"], "P213", "8 cells"),
    ],
)
def test_rows_that_do_not_fit_the_table(tmp_path, lines, code, text):
    table(tmp_path, *lines)
    found = one(base=tmp_path, heat=[1.0], devices_table="units.csv")
    assert found.code == code
    assert text in str(found)


def test_a_table_that_is_not_there(tmp_path):
    found = one(base=tmp_path, heat=[1.0], devices_table="unit.csv")
    assert found.code == "P200"
    assert "unit.csv" in str(found)


def test_numbers_that_are_names_stay_names(tmp_path):
    """A label of 2011 and an area called 1 are text, whatever they look like."""
    table(tmp_path, "A,boiler,1,gas,5,0.9,2011", head=TABLE.replace("min_load_share", "label"))
    got = plan({}, base=tmp_path, hours=1, devices_table="units.csv", areas={"1": {"demand_mw": 2.0}})
    assert got.of("A") == pytest.approx([2.0])


# -------------------------------------------------------------------------------- several; time; a full disk


def test_problems_of_study_table_names_and_series_are_told_together(tmp_path):
    table(tmp_path, "A,boiler,a,gas,-5,0.9,", "G,boiler,q,gas,5,0.9,")
    csv(tmp_path, rows(40))
    found = refused(
        error=InputError, base=tmp_path, hours=HOURS, heat={"file": "heat.csv", "column": "heat_mw"},
        power=[1.0, 2.0], devices_table="units.csv", fuels=FUELS | {"x": {"price_eur_per_mwh": [1.0]}},
    )  # fmt: skip
    assert [(p.code, p.where) for p in found] == [
        ("P101", "units.csv line 3 (A): heat_max_mw"),
        ("P107", "devices.G.area"),
        ("P207", "fuels.x.price_eur_per_mwh"),
        ("P207", "electricity.n.demand_mw"),
        ("P202", "heat.a.demand_mw"),
    ]


def hard(solve):
    """Return a study whose MILP takes long: many equal units with minimum loads and start costs."""
    units = {
        f"U{k}": boiler(
            "gas", 10.0 + 0.01 * k, min_load_share=0.7, start_cost_eur=40.0 + k, min_up_h=5.0, min_down_h=3.0
        )
        for k in range(14)
    }
    heat = [round(60 + 55 * ((k * 37 % 24) / 24), 2) for k in range(72)]
    return units, {"heat": heat, "area": {"spill": True, "shortfall_eur_per_mwh": 400.0}, "solve": solve}


def test_a_time_limit_gives_the_best_plan_with_its_gap():
    units, parts = hard(EXACT | {"time_limit_s": 1.5})
    got = plan(units, **parts)
    assert got.column("windows", "status").tolist() == ["time_limit"]
    assert got.result["gap_worst_percent"] > 0
    [finding] = got.findings("time_limit")
    assert (finding.severity, finding.evidence) == ("warning", {"windows": 1})
    assert got.result["violation_mw"] <= 1e-6


def test_a_time_limit_before_any_plan_is_a_plain_refusal():
    units, parts = hard(EXACT | {"time_limit_s": 1e-4})
    with pytest.raises(SolverError) as caught:
        plan(units, **parts)
    [problem] = caught.value.problems
    assert problem.code == "P402"
    assert "Raise `time_limit_s`" in str(problem)


def test_a_disk_that_fills_during_a_run_leaves_the_finished_windows(tmp_path, monkeypatch):
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=80k", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if done.returncode:
        pytest.skip("only root may mount a small file system")
    try:
        solve = {"mode": "lp", "keep_h": 6, "overlap_h": 6}
        devices = {"B": boiler(), "S": store(), "H": pump(), "M": market(50.0)}
        study = parse(DistrictStudy, data(devices, heat=[5.0] * 240, solve=solve), "study.toml")
        with pytest.raises(RunError) as caught:
            run(study, Context(work=folder / "work"))
        [problem] = caught.value.problems
        assert problem.code == "P503"
        assert "No space left" in problem.what
        kept = sorted(p.name for p in (folder / "work" / "case").iterdir())
        assert "window-00000.npz" in kept
        assert not [name for name in kept if name.endswith(".tmp")]
        before = len(kept) - 1
        subprocess.run(["mount", "-o", "remount,size=8m", str(folder)], check=True)
        again = run(study, Context(work=folder / "work", resume=True))
        whole = run(study, Context())
        assert again.provenance["objective_eur"] == whole.provenance["objective_eur"]
        assert 0 < before < 40
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_study_file_is_checked_as_a_file(tmp_path):
    """From the file on: the headline names it, and JSON and TOML say the same."""
    content = data({"B": boiler(heat=-3.0)}, heat=[1.0])
    (tmp_path / "study.json").write_text(json.dumps(content))
    with pytest.raises(InputError) as caught:
        parse(DistrictStudy, read_file(tmp_path / "study.json"), "study.json")
    assert str(caught.value).startswith("study.json: 1 problem\n  P101 devices.B.heat_max_mw = -3.0: ")
    good = parse(DistrictStudy, content | {"devices": {"B": boiler()}}, "study.json")
    assert check(good, Context(base=tmp_path)) == []
