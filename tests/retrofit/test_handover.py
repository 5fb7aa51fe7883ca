"""Hand-over: read back by parsers of the formats' own rules; tables, charts and findings of the grid part."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.retrofit.grid_towns import DAYS, case_of, household_base, lively_library
from varme.ground.errors import InputError, RunError
from varme.ground.result import Result
from varme.ground.units import UNITS
from varme.retrofit.grid.assemble import transformers_of
from varme.retrofit.grid.charts import grid_charts
from varme.retrofit.grid.findings import grid_findings
from varme.retrofit.grid.handover import KINDS, Loads, loads_from_tables, safe_names, write_handover
from varme.retrofit.grid.ratio import electricity_ratio
from varme.retrofit.grid.results import grid_results, hours_wanted
from varme.retrofit.grid.simultaneity import measure_simultaneity
from varme.retrofit.grid.spec import AdoptionSpec, GridSpec, PrivacySpec
from varme.retrofit.grid.tables import SCHEMAS, grid_tables

TIMES = np.arange("2021-01-11T23:00", "2021-01-12T23:00", 60, dtype="datetime64[m]").astype("datetime64[s]")


@pytest.fixture
def loads():
    rng = np.random.default_rng(0)
    names = ("Main St. 1", "main st 1", "Brücke=3", "7")
    return Loads(names, TIMES, 50 + 200 * rng.random((4, 24)), 0.95, np.array([400.0, 250, np.nan, 630]))


def read_csv(path: Path, separator: str = ",") -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.reader(handle, delimiter=separator))


def test_pandapower_profiles_give_the_power_back(tmp_path, loads):
    write_handover(tmp_path, "pandapower", loads)
    element = read_csv(tmp_path / "load.csv")
    head, rows = element[0], element[1:]
    assert {"name", "p_mw", "q_mvar", "profile_name"} <= set(head)
    profile = read_csv(tmp_path / "profiles_p_mw.csv")
    reactive = read_csv(tmp_path / "profiles_q_mvar.csv")
    assert [r[0] for r in profile[1:]] == [str(i) for i in range(24)]  # DFData wants the time step as index
    p_mw = np.array([r[1:] for r in profile[1:]], dtype=float)
    q_mvar = np.array([r[1:] for r in reactive[1:]], dtype=float)
    back_kw = p_mw.T * 1000
    assert back_kw == pytest.approx(loads.p_kw, rel=1e-9)
    assert p_mw / np.hypot(p_mw, q_mvar) == pytest.approx(0.95, rel=1e-7)
    column = head.index("profile_name")
    assert [r[column] for r in rows] == profile[0][1:]
    assert [float(r[head.index("p_mw")]) for r in rows] == pytest.approx(loads.p_kw.max(axis=1) / 1000)
    assert read_csv(tmp_path / "time_steps.csv")[1] == ["0", "2021-01-11T23:00:00Z"]


def test_opendss_scripts_give_the_power_back(tmp_path, loads):
    write_handover(tmp_path, "opendss", loads)
    shape_text = (tmp_path / "loadshapes.dss").read_text(encoding="utf-8")
    load_text = (tmp_path / "loads.dss").read_text(encoding="utf-8")
    shapes = {
        m["name"].lower(): m
        for m in re.finditer(
            r"^New LoadShape\.(?P<name>\w+) npts=(?P<npts>\d+) minterval=(?P<step>\d+) "
            r"mult=\(file=(?P<file>\S+), col=(?P<col>\d+), header=yes\)$", shape_text, re.MULTILINE,
        )
    }  # fmt: skip
    found = {
        m["name"]: m
        for m in re.finditer(
            r"^New Load\.(?P<name>\w+) bus1=\w+ phases=3 conn=wye kV=0\.4 kW=(?P<kw>\S+) pf=(?P<pf>\S+) model=1 "
            r"yearly=(?P<yearly>\w+) daily=\w+$", load_text, re.MULTILINE,
        )
    }  # fmt: skip
    assert len(found) == len(shapes) == 4
    values = np.array(read_csv(tmp_path / "profiles.csv")[1:], dtype=float)
    total = np.zeros(24)
    for one in found.values():
        shape = shapes[one["yearly"].lower()]
        assert (int(shape["npts"]), int(shape["step"])) == (24, 60)
        mult = values[:, int(shape["col"]) - 1]
        assert mult.max() == pytest.approx(1.0)
        assert float(one["pf"]) == 0.95
        total += float(one["kw"]) * mult
    assert total == pytest.approx(loads.p_kw.sum(axis=0), rel=1e-8)
    assert "Redirect loadshapes.dss" in (tmp_path / "redirect.dss").read_text(encoding="utf-8")


def test_simbench_tables_give_the_power_back(tmp_path, loads):
    write_handover(tmp_path, "simbench", loads)
    element = read_csv(tmp_path / "Load.csv", ";")
    assert element[0] == ["id", "node", "profile", "pLoad", "qLoad", "sR", "subnet", "voltLvl"]
    profile = read_csv(tmp_path / "LoadProfile.csv", ";")
    assert profile[1][0] == "11.01.2021 23:00"
    head = profile[0]
    values = np.array([r[1:] for r in profile[1:]], dtype=float)
    assert values.max() == pytest.approx(1.0)
    for row, kw in zip(element[1:], loads.p_kw, strict=True):
        _, _, name, p, q, s, _, level = row
        assert level == "7"
        p_mw = float(p) * values[:, head.index(f"{name}_pload") - 1]
        q_mvar = float(q) * values[:, head.index(f"{name}_qload") - 1]
        assert 1000 * p_mw == pytest.approx(kw, rel=1e-8)
        assert p_mw / np.hypot(p_mw, q_mvar) == pytest.approx(0.95, rel=1e-7)
        assert float(s) == pytest.approx(np.hypot(float(p), float(q)), rel=1e-8)


@given(names=st.lists(st.text(max_size=12), min_size=1, max_size=20))
@settings(max_examples=200, deadline=None)
def test_names_are_safe_and_different_in_any_case(names):
    safe = safe_names(names)
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", s) for s in safe)
    assert len({s.lower() for s in safe}) == len(names)


def test_the_names_of_the_study_are_kept_beside(tmp_path, loads):
    write_handover(tmp_path, "opendss", loads)
    assert [r[1] for r in read_csv(tmp_path / "names.csv")[1:]] == list(loads.names)


@pytest.mark.parametrize("kind", KINDS)
def test_writing_twice_gives_equal_bytes_and_leaves_no_temporary_files(tmp_path, loads, kind):
    first = {p.name: p.read_bytes() for p in write_handover(tmp_path / "a", kind, loads)}
    second = {p.name: p.read_bytes() for p in write_handover(tmp_path / "b", kind, loads)}
    assert first == second
    assert {p.name for p in (tmp_path / "a").iterdir()} == set(first)


def test_what_cannot_be_handed_over_is_refused(tmp_path, loads):
    with pytest.raises(InputError, match="P131 format = matpower: unknown"):
        write_handover(tmp_path, "matpower", loads)
    bad = loads.p_kw.copy()
    bad[1, 3] = np.nan
    with pytest.raises(InputError, match=r"P131 transformer_hours\.main st 1"):
        write_handover(tmp_path, "simbench", replace(loads, p_kw=bad))
    times = TIMES.copy()
    times[-1] += 3600
    with pytest.raises(InputError, match="not regular"):
        write_handover(tmp_path, "simbench", replace(loads, times_utc=times))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_an_error_of_varme(tmp_path, loads):
    (tmp_path / "x").write_text("")
    with pytest.raises(RunError, match="P503"):
        write_handover(tmp_path / "x", "opendss", loads)


# ---------------------------------------------------------------------------------------- tables, charts, findings


@pytest.fixture(scope="module")
def results():
    case = case_of(300, 6, base=household_base(np.full(6, 60)), rating_kva=260.0, spf_log_sd=0.05)
    group = np.r_[np.zeros(3, int), np.arange(3, 300) % 5 + 1]  # T01 has three homes only
    case = replace(case, transformer=group)
    known = transformers_of(
        case.names, GridSpec(),
        {"transformer": np.array(case.names), "rating_kva": case.rating_kva, "x_m": np.arange(6.0), "y_m": np.ones(6)},
    )  # fmt: skip
    known = replace(known, feeder=case.feeder, feeders=case.feeders)
    library = lively_library()
    panel = library.relative.transpose(1, 0, 2).reshape(60, -1)
    simultaneity = measure_simultaneity(panel, np.repeat(np.arange(40), 24), library.temperature_c, draws=20)
    house = np.where(np.arange(300) < 4, 0, 3500.0)
    day = np.repeat(np.arange(8, 15), 24)
    times = DAYS[8].astype("datetime64[s]") + 3600 * np.arange(168)
    hourly = np.bincount(group, case.energy_kwh[:, 0])[:, None] / 24 * np.ones(168)
    return grid_results(
        case, known, GridSpec(draws_count=60), AdoptionSpec(shares=[0.2, 0.6, 1.0]), PrivacySpec(),
        simultaneity=simultaneity, ratios=electricity_ratio(case.annual_kwh, house), hourly_kw=hourly, times_utc=times,
        step_day=day, step_slot=np.tile(np.arange(24), 7),
    )  # fmt: skip


def test_all_tables_come_and_charts_find_their_columns(results, tmp_path):
    tables = {t.schema.name: t for t in grid_tables(results)}
    assert set(tables) == {s.name for s in SCHEMAS}
    result = Result(
        "retrofit",
        "",
        {},
        tables,
        tuple(grid_findings(results)),
        tuple(grid_charts(results)),
        {"timezone": "UTC"},
    )
    assert len(result.charts) == 9
    for chart in result.charts:
        assert len(chart.data(tables)) > 0, chart.name
    result.save(tmp_path)
    again = Result.load(tmp_path)
    loads = loads_from_tables(again.data, 0.97)
    shown = tables["transformers"].column("transformer").tolist()
    assert sorted(loads.names) == sorted(shown)
    for kind in KINDS:
        assert write_handover(tmp_path / kind, kind, loads)


def test_names_of_physical_columns_end_in_their_unit():
    for schema in SCHEMAS:
        for column in schema.columns:
            if column.dtype in {"number", "integer"}:
                assert column.unit in UNITS, f"{schema.name}.{column.name}"


def test_no_row_is_of_fewer_than_k_homes_and_totals_do_not_tell(results):
    table = {t.schema.name: t for t in grid_tables(results)}["transformers"]
    homes = table.column("homes_count")
    assert (homes >= 5).all()
    assert homes.sum() == 300
    assert "T01" not in table.column("transformer").tolist()
    assert "T01" not in {n for t in grid_tables(results) for c in t.categories.values() for n in c}
    assert [f.evidence["merged"] for f in grid_findings(results) if f.code == "groups_masked"] == [2]
    for finding in grid_findings(results):
        assert "T01" not in finding.message


def test_the_expected_load_keeps_the_energy(results):
    tables = {t.schema.name: t for t in grid_tables(results)}
    loads = loads_from_tables(tables, 0.97, power="expected", base=False)
    want = results.case.energy_kwh[:, 0].sum() * 7
    assert loads.p_kw.sum() == pytest.approx(want, rel=1e-5)
    higher = loads_from_tables(tables, 0.97)
    assert (higher.p_kw > loads.p_kw).all()


def test_findings_say_what_was_assumed_and_what_is_overloaded(results):
    codes = {f.code for f in grid_findings(results)}
    assert {"transformers_overloaded", "hourly_peaks", "groups_masked", "ratio_without_household"} <= codes
    few = replace(results, simultaneity=replace(results.simultaneity, meters=8, dropped=3))
    assert {"few_meters_simultaneity", "meters_without_winter"} <= {f.code for f in grid_findings(few)}
    made_up = replace(results, case=replace(results.case, library=replace(results.case.library, meters=0)))
    assert "profiles_assumed" in {f.code for f in grid_findings(made_up)}
    colder = replace(results, case=replace(results.case, temperature_c=results.case.temperature_c - 10))
    assert "peaks_extrapolated" in {f.code for f in grid_findings(colder)}


def test_a_run_without_transformers_cannot_be_handed_over():
    with pytest.raises(InputError, match="P131"):
        loads_from_tables({}, 0.97)


def test_the_peak_week_holds_the_peak_and_the_year_is_whole():
    times = np.arange("2019-12-01", "2021-02-01", 60, dtype="datetime64[m]").astype("datetime64[s]")
    town = np.ones(len(times))
    town[9000] = 5
    week = hours_wanted(town, times, "peak_week")
    assert week.start <= 9000 < week.stop
    assert week.stop - week.start == 168
    year = hours_wanted(town, times, "year")
    assert year.stop - year.start == 366 * 24
    town[3] = 9
    assert hours_wanted(town, times, "peak_week").start == 0
