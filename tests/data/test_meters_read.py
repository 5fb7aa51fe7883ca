"""Meter files of every common form become the same panel."""

from __future__ import annotations

import gzip
import pickle
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from varme.data.meters.meter_units import unit_of_name
from varme.data.meters.read import OpenedMeters, open_meters
from varme.data.meters.spec import MeterFilesSpec
from varme.data.meters.tables import meter_files
from varme.ground.units import FT3_M3, THERM_KWH

FIRST, LAST = date(2020, 1, 1), date(2020, 12, 31)
DAYS = [FIRST + timedelta(days=k) for k in range(366)]
ROWS = [(m, d, round(1 + 0.37 * m + 0.1 * (k * 37 % 23), 2)) for m in range(3) for k, d in enumerate(DAYS)]
#: Days that begin in summer time.
SUMMER = (date(2020, 3, 30), date(2020, 10, 25))
EXPECTED = np.array([v for _, _, v in ROWS], dtype=np.float32).reshape(3, 366)


def opened(path: Path, *, where: str = "gas_meters", zone: str = "Europe/Berlin", **stated) -> OpenedMeters:
    options = {k: stated.pop(k) for k in ("threads", "memory", "bucket_rows", "work") if k in stated}
    spec = MeterFilesSpec(files=str(path), **stated)
    return open_meters(spec, path.parent, FIRST, LAST, zone, where=where, **options)


def panel_of(found: OpenedMeters):
    return found.source.block(0, len(found.source.meters))


def comma(value: float) -> str:
    return f"{value:.2f}".replace(".", ",")


FORMS = {
    "comma": lambda: "meter,date,gas_m3\n" + "".join(f"m{m},{d},{v}\n" for m, d, v in ROWS),
    "decimal comma": lambda: "Zählpunkt;Datum;Verbrauch [m³]\n"
    + "".join(f"m{m};{d:%d.%m.%Y};{comma(v)}\n" for m, d, v in ROWS),
    "tab and time": lambda: "meter_id\tday\tvalue m3\n" + "".join(f"m{m}\t{d} 00:00\t{v}\n" for m, d, v in ROWS),
    "quoted": lambda: '"meter","date","value_m3"\n' + "".join(f'"m{m}","{d}","{v}"\n' for m, d, v in ROWS),
    "slashes": lambda: "meter,date,value_m3\n" + "".join(f"m{m},{d:%d/%m/%Y},{v}\n" for m, d, v in ROWS),
    "month first": lambda: "meter,date,value_m3\n" + "".join(f"m{m},{d:%m/%d/%Y},{v}\n" for m, d, v in ROWS),
    "compact": lambda: "meter,date,value_m3\n" + "".join(f"m{m},{d:%Y%m%d},{v}\n" for m, d, v in ROWS),
    "by day": lambda: "meter,date,value_m3\n"
    + "".join(f"m{m},{d},{v}\n" for m, d, v in sorted(ROWS, key=lambda r: (r[1], -r[0]))),
    "unit column": lambda: "meter,date,value,unit\n" + "".join(f"m{m},{d},{v},m3\n" for m, d, v in ROWS),
    "wide": lambda: "date,m0,m1,m2\n"
    + "".join(f"{d},{EXPECTED[0, k]},{EXPECTED[1, k]},{EXPECTED[2, k]}\n" for k, d in enumerate(DAYS)),
    "transposed": lambda: "meter," + ",".join(map(str, DAYS)) + "\n"
    + "".join(f"m{m}," + ",".join(map(str, EXPECTED[m])) + "\n" for m in range(3)),
    "local midnight as UTC": lambda: "meter,time,value_m3\n"
    + "".join(f"m{m},{d}T00:00:00{'+02:00' if SUMMER[0] <= d <= SUMMER[1] else '+01:00'},{v}\n" for m, d, v in ROWS),
    "UTC days": lambda: "meter,time,value_m3\n" + "".join(f"m{m},{d}T00:00:00Z,{v}\n" for m, d, v in ROWS),
    "epoch": lambda: "meter,timestamp,value_m3\n"
    + "".join(f"m{m},{(d - date(1970, 1, 1)).days * 86400},{v}\n" for m, d, v in ROWS),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_panel(form, tmp_path):
    path = tmp_path / "meters.csv"
    path.write_text(FORMS[form](), encoding="utf-8")
    stated = {"unit": "m3"} if form in {"wide", "transposed"} else {}
    found = opened(path, **stated)
    panel = panel_of(found)
    assert panel.meters == ("m0", "m1", "m2")
    np.testing.assert_allclose(panel.values, EXPECTED, rtol=1e-6)
    assert (found.unit, found.reading, panel.step_min, panel.duplicates) == ("m3", "interval", 1440, None)
    assert panel.start == np.datetime64("2020-01-01")


@pytest.mark.parametrize(
    ("encoding", "suffix"), [("utf-8-sig", ".csv"), ("latin-1", ".csv"), ("utf-8", ".csv.gz")]
)
def test_encodings_and_compression(encoding, suffix, tmp_path):
    text = "Zähler;Datum;Verbrauch m3\n" + "".join(f"Müller{m};{d};{comma(v)}\n" for m, d, v in ROWS)
    path = tmp_path / f"meters{suffix}"
    raw = text.encode(encoding)
    path.write_bytes(gzip.compress(raw) if suffix.endswith("gz") else raw)
    panel = panel_of(opened(path))
    assert panel.meters == ("Müller0", "Müller1", "Müller2")
    np.testing.assert_allclose(panel.values, EXPECTED, rtol=1e-6)


def parquet(path: Path, query: str) -> Path:
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 4096)")
    return path


MADE = (
    "SELECT {id} AS meter, DATE '2020-01-01' + d::INTEGER AS date, (1 + m * 0.37 + (d * 37 % 23) * 0.1)::FLOAT AS m3 "
    "FROM range(300) t(m), range(366) s(d) ORDER BY m, d"
)


@pytest.mark.parametrize("ids", ["m::INTEGER", "printf('id%05d', m)"])
def test_sorted_parquet_is_read_where_it_lies_and_equals_the_store(ids, tmp_path, monkeypatch):
    path = parquet(tmp_path / "m.parquet", MADE.format(id=ids))
    stored = opened(path)
    monkeypatch.setattr("varme.data.meters.direct.LEAST_ROWS", 0)
    direct = opened(path)
    assert (type(stored.source).__name__, type(direct.source).__name__) == ("DenseStore", "SortedParquet")
    assert tuple(stored.source.meters) == tuple(direct.source.meters)
    for first, last in ((0, 300), (17, 18), (250, 400)):
        np.testing.assert_array_equal(
            stored.source.block(first, last).values, direct.source.block(first, last).values
        )
    assert stored.understood == direct.understood


def test_sorted_parquet_with_gaps_duplicates_and_rows_out_of_order_still_places_every_reading(
    tmp_path, monkeypatch
):
    query = (
        f"SELECT * FROM ({MADE.format(id='m::INTEGER')}) WHERE NOT (meter = 5 AND date = DATE '2020-02-01') "
    )
    twice = "UNION ALL SELECT 7, DATE '2020-03-01', 99.0::FLOAT"
    path = parquet(tmp_path / "m.parquet", f"SELECT * FROM ({query} {twice}) ORDER BY meter, date DESC, m3")
    monkeypatch.setattr("varme.data.meters.direct.LEAST_ROWS", 0)
    found = opened(path)
    panel = found.source.block(4, 9)
    assert type(found.source).__name__ == "SortedParquet"
    day = np.datetime64("2020-02-01") - np.datetime64("2020-01-01")
    assert np.isnan(panel.values[1, int(day.astype(int))])
    assert np.isfinite(panel.values).sum() == 5 * 366 - 1
    assert panel.duplicates is not None
    assert panel.duplicates[3, 60] == 2
    assert panel.values[3, 60] == pytest.approx(1 + 7 * 0.37 + 60 * 37 % 23 * 0.1)


def test_a_source_can_be_sent_to_another_process(tmp_path, monkeypatch):
    path = parquet(tmp_path / "m.parquet", MADE.format(id="m::INTEGER"))
    for least in (0, 10**9):
        monkeypatch.setattr("varme.data.meters.direct.LEAST_ROWS", least)
        source = opened(path, work=tmp_path / f"work{least}").source
        sent = pickle.dumps(source)
        assert len(sent) < 3000  # ids stay on disk
        np.testing.assert_array_equal(pickle.loads(sent).block(3, 9).values, source.block(3, 9).values)


def test_rows_of_a_picked_value_only(tmp_path):
    path = tmp_path / "m.csv"
    rows = "".join(f"gas,a,{d},{v}\nelec,a,{d},{9 * v}\n" for m, d, v in ROWS if m == 0)
    path.write_text("carrier,meter,date,kwh\n" + rows)
    panel = panel_of(opened(path, unit="kwh_hs", pick={"carrier": "gas"}))
    np.testing.assert_allclose(panel.values, EXPECTED[:1], rtol=1e-6)


@pytest.mark.parametrize(
    ("unit", "factor", "target"),
    [
        ("ft3", FT3_M3, "m3"), ("ccf", 100 * FT3_M3, "m3"), ("therm", THERM_KWH, "kwh_hs"), ("kWh (Hs)", 1, "kwh_hs"),
        ("kWh Heizwert", 1, "kwh_hi"), ("MJ gross", 1 / 3.6, "kwh_hs"), ("pulses", 0.01, "m3"), ("m³", 1, "m3"),
    ],
)  # fmt: skip
def test_units_are_converted(unit, factor, target, tmp_path):
    path = tmp_path / "m.csv"
    path.write_text(
        "meter,date,value,unit\n" + "".join(f"m{m},{d},{v},{unit}\n" for m, d, v in ROWS), "utf-8"
    )
    found = opened(path, m3_per_pulse_m3=0.01)
    assert found.unit == target
    np.testing.assert_allclose(panel_of(found).values, EXPECTED * factor, rtol=1e-5)


def test_mixed_units_of_one_dimension_are_converted_row_by_row(tmp_path):
    path = tmp_path / "m.csv"
    rows = [f"m{m},{d},{v if m else v / FT3_M3},{'m3' if m else 'ft3'}" for m, d, v in ROWS]
    path.write_text("meter,date,value,unit\n" + "\n".join(rows) + "\n")
    np.testing.assert_allclose(panel_of(opened(path)).values, EXPECTED, rtol=1e-5)


def test_registers_are_recognised_and_keep_their_digits(tmp_path):
    path = tmp_path / "m.csv"
    stand = 123_456.789 + np.cumsum(EXPECTED.astype(float), axis=1)
    lines = [f"m{m},{d},{stand[m, k]:.3f}" for m in range(3) for k, d in enumerate(DAYS)]
    before = [f"m{m},2019-12-31,{123_456.789:.3f}" for m in range(3)]
    path.write_text("meter,date,m3\n" + "\n".join([*before, *lines]) + "\n")
    panel = panel_of(opened(path))
    assert panel.reading == "register"
    assert panel.before is not None
    used = np.diff(np.c_[panel.before, panel.values], axis=1)
    np.testing.assert_allclose(used, EXPECTED, atol=0.0011)  # float32 would be off by 0.008


def test_a_register_read_at_the_start_of_its_day_is_that_of_the_evening_before(tmp_path):
    days = np.arange(FIRST - np.timedelta64(1, "D"), LAST + np.timedelta64(2, "D"))
    stands = 1000 + np.cumsum(np.arange(len(days)) % 5 + 1.0)
    for name, shift in (("evening", 0), ("morning", 1)):
        rows = "".join(f"a,{d + np.timedelta64(shift, 'D')},{v}\n" for d, v in zip(days, stands, strict=True))
        (tmp_path / f"{name}.csv").write_text("meter,date,register_m3\n" + rows)
    evening = panel_of(opened(tmp_path / "evening.csv", reading="register"))
    morning = panel_of(opened(tmp_path / "morning.csv", reading="register", register_day="start"))
    off = panel_of(opened(tmp_path / "morning.csv", reading="register"))
    np.testing.assert_array_equal(evening.values, morning.values)
    assert not np.array_equal(evening.values, off.values)


def test_registers_read_now_and_then_stand_at_their_days(tmp_path):
    path = tmp_path / "m.csv"
    days = ["2020-01-15", "2020-02-14", "2020-03-16", "2020-04-15"]
    path.write_text(
        "meter,date,zaehlerstand_m3\n" + "".join(f"a,{d},{1000 + 90 * k}\n" for k, d in enumerate(days))
    )
    panel = panel_of(opened(path, reading="register"))
    at = np.flatnonzero(np.isfinite(panel.values[0]))
    assert panel.steps[at].astype(str).tolist() == days


def hourly(first: str, hours: int) -> np.ndarray:
    return np.datetime64(first, "s") + np.arange(hours) * np.timedelta64(3600, "s")


def test_local_hours_with_the_doubled_hour_become_utc(tmp_path):
    path = tmp_path / "m.csv"
    utc = hourly("2019-12-31T23:00", 366 * 24)
    summer = (utc >= np.datetime64("2020-03-29T01:00")) & (utc < np.datetime64("2020-10-25T01:00"))
    wall = utc + np.where(summer, 7200, 3600).astype("timedelta64[s]")
    values = np.arange(len(utc)) % 97 + 0.5
    path.write_text(
        "meter,time,kwh\n"
        + "".join(f"a,{str(w).replace('T', ' ')},{v}\n" for w, v in zip(wall, values, strict=True))
    )
    found = opened(path, where="heat_pump_meters")
    panel = panel_of(found)
    assert (panel.step_min, panel.start, found.unit) == (60, np.datetime64("2019-12-31T23:00:00"), "kwh")
    np.testing.assert_allclose(panel.values[0], values)
    assert panel.duplicates is None


def test_hours_labelled_at_their_end_and_hours_with_offsets_agree(tmp_path):
    utc = hourly("2019-12-31T23:00", 366 * 24)
    values = np.arange(len(utc)) % 89 + 0.5
    ends = [f"a,{w + np.timedelta64(3600, 's')}Z,{v}" for w, v in zip(utc, values, strict=True)]
    east = [f"a,{w + np.timedelta64(19800, 's')}+05:30,{v}" for w, v in zip(utc, values, strict=True)]
    for rows, label in ((ends, "end"), (east, "start")):
        path = tmp_path / f"{label}.csv"
        path.write_text("meter,time,kwh\n" + "\n".join(rows) + "\n")
        panel = panel_of(opened(path, where="heat_pump_meters", label=label))
        np.testing.assert_allclose(panel.values[0], values)


def test_a_clock_without_summer_time_loses_no_hour_if_it_is_stated(tmp_path):
    path = tmp_path / "m.csv"
    wall = hourly("2020-01-01T00:00", 366 * 24)
    path.write_text("meter,time,kwh\n" + "".join(f"a,{w},1.5\n" for w in wall))
    guessed = opened(path, where="heat_pump_meters")
    assert "time_in_skipped_hour" in {f.code for f in guessed.findings}
    stated = opened(path, where="heat_pump_meters", timezone="Etc/GMT-1")
    assert np.isfinite(panel_of(stated).values).all()
    assert not stated.findings


def test_the_gas_day_belongs_to_the_day_on_which_it_starts(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("meter,time,m3\n" + "".join(f"m{m},{d} 06:00,{v}\n" for m, d, v in ROWS))
    panel = panel_of(opened(path, day_start_h=6))
    assert panel.day_start_h == 6
    np.testing.assert_allclose(panel.values, EXPECTED, rtol=1e-6)


def test_five_minute_readings_are_put_together_to_quarter_hours(tmp_path):
    path = tmp_path / "m.csv"
    times = np.datetime64("2020-05-01T00:00", "s") + np.arange(288 * 3) * np.timedelta64(300, "s")
    rows = [f"a,{t}Z,0.5" for k, t in enumerate(times) if k != 4]
    path.write_text("meter,time,kwh\n" + "\n".join(rows) + "\n")
    panel = panel_of(opened(path, where="heat_pump_meters"))
    known = panel.values[0][np.isfinite(panel.values[0])]
    assert panel.step_min == 15
    assert (known == 1.5).all()
    assert len(known) == 288 - 1  # the quarter-hour that lacks a reading is not known


def test_power_becomes_energy(tmp_path):
    path = tmp_path / "m.csv"
    times = np.datetime64("2020-05-01T00:00", "s") + np.arange(96 * 3) * np.timedelta64(900, "s")
    path.write_text("meter,time,power_kW\n" + "".join(f"a,{t}Z,2.0\n" for t in times))
    panel = panel_of(opened(path, where="heat_pump_meters"))
    assert np.nanmax(panel.values) == pytest.approx(0.5)


def test_duplicates_are_marked_and_the_first_of_the_file_is_kept(tmp_path):
    path = tmp_path / "m.csv"
    lines = [f"a,{d},{k % 7 + 1}" for k, d in enumerate(DAYS)]
    path.write_text("meter,date,m3\n" + "\n".join([*lines, f"a,{DAYS[3]},4", f"a,{DAYS[5]},99"]) + "\n")
    found = opened(path)
    panel = panel_of(found)
    assert panel.duplicates is not None
    assert panel.duplicates[0, [3, 4, 5]].tolist() == [1, 0, 2]
    assert panel.values[0, 5] == 6
    assert {f.code: f.evidence["count"] for f in found.findings} == {
        "duplicate_readings": 1,
        "conflicting_readings": 1,
    }


def test_estimated_readings_are_marked(tmp_path):
    path = tmp_path / "m.csv"
    marks = ["E" if k in {2, 9} else "A" for k in range(366)]
    path.write_text(
        "meter,date,m3,read_type\n" + "".join(f"a,{d},{k % 7},{marks[k]}\n" for k, d in enumerate(DAYS))
    )
    panel = panel_of(opened(path))
    assert panel.estimated is not None
    assert np.flatnonzero(panel.estimated[0]).tolist() == [2, 9]


def test_a_folder_of_one_file_per_meter(tmp_path):
    for m in range(3):
        rows = "".join(f"{d},{v}\n" for k, d, v in ROWS if k == m)
        (tmp_path / f"home{m}.csv").write_text("date,m3\n" + rows)
    spec = MeterFilesSpec(files=".")
    found = open_meters(spec, tmp_path, FIRST, LAST, "Europe/Berlin")
    assert tuple(found.source.meters) == ("home0", "home1", "home2")
    np.testing.assert_allclose(panel_of(found).values, EXPECTED, rtol=1e-6)
    assert len(found.understood) == 1  # one form, three files
    assert set(found.data_hashes) == {"home0.csv", "home1.csv", "home2.csv"}


def test_files_of_different_forms_and_years_are_joined(tmp_path):
    early = "".join(f"m{m},{d},{v}\n" for m, d, v in ROWS if d.month < 7)
    late = "".join(f"m{m};{d:%d.%m.%Y};{comma(v)}\n" for m, d, v in ROWS if d.month >= 7)
    (tmp_path / "a.csv").write_text("meter,date,m3\n" + early)
    (tmp_path / "b.csv").write_text("zaehler;datum;verbrauch_m3\n" + late)
    found = open_meters(MeterFilesSpec(files="*.csv"), tmp_path, FIRST, LAST, "Europe/Berlin")
    np.testing.assert_allclose(panel_of(found).values, EXPECTED, rtol=1e-6)
    assert not found.findings


@pytest.mark.parametrize("bucket_rows", [10**9, 700, 366])
def test_the_number_of_buckets_changes_nothing(bucket_rows, tmp_path, monkeypatch):
    path = tmp_path / "m.csv"
    shuffled = np.random.default_rng(3).permutation(len(ROWS))
    rows = [ROWS[i] for i in shuffled] + [(1, DAYS[9], 50.0), (2, DAYS[9], ROWS[2 * 366 + 9][2])]
    path.write_text("meter,date,m3\n" + "".join(f"m{m},{d},{v}\n" for m, d, v in rows))
    found = opened(path, bucket_rows=bucket_rows)
    panel = panel_of(found)
    expected = EXPECTED.copy()
    at = next(v for m, d, v in rows if (m, d) == (1, DAYS[9]))
    expected[1, 9] = at
    np.testing.assert_allclose(panel.values, expected, rtol=1e-6)
    assert panel.duplicates is not None
    assert panel.duplicates.sum() == 3


def test_the_order_of_threads_changes_nothing(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text(FORMS["by day"]())
    one, two = (panel_of(opened(path, threads=n)).values.tobytes() for n in (1, 2))
    assert one == two


def test_what_was_understood_is_told(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text(FORMS["decimal comma"](), encoding="utf-8")
    row = opened(path).understood[0]
    assert (row["layout"], row["meter_column"], row["time_column"]) == ("long", "Zählpunkt", "Datum")
    assert (row["value_column"], row["reading"], row["step"]) == ("Verbrauch [m³]", "interval", "1 day")
    assert (row["rows_count"], row["meters_count"], row["first"][:10]) == (3 * 366, 3, "2020-01-01")
    assert "unit: detected" in row["found"]


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("gas_m3", "m3"), ("kWh_received_HeatPump", "ambiguous"), ("Gas (m³)", "m3"), ("temperature_c", None),
        ("value", None),
    ],
)  # fmt: skip
def test_units_in_names_of_columns(column, unit):
    found = unit_of_name(column, "gas")
    assert (found.unit if found else None) == unit


def test_stamps_of_a_column_named_utc_are_utc(tmp_path):
    path = tmp_path / "m.csv"
    utc = hourly("2019-12-31T23:00", 366 * 24)
    values = np.arange(len(utc)) % 89 + 0.5
    path.write_text("meter,t_utc,kwh\n" + "".join(f"a,{t},{v}\n" for t, v in zip(utc, values, strict=True)))
    found = opened(path, where="heat_pump_meters")
    np.testing.assert_allclose(panel_of(found).values[0], values)
    assert not found.findings


def test_the_table_of_files_holds_a_row_per_form(tmp_path):
    (tmp_path / "a.csv").write_text(FORMS["comma"]())
    (tmp_path / "b.csv").write_text(FORMS["tab and time"]())
    found = open_meters(MeterFilesSpec(files="*.csv"), tmp_path, FIRST, LAST, "Europe/Berlin")
    table = meter_files(found.understood)
    assert table.column("file").tolist() == ["a.csv", "b.csv"]
    assert table.column("rows_count").tolist() == [1098, 1098]


def test_sorted_parquet_of_hours_equals_the_store(tmp_path, monkeypatch):
    query = (
        "SELECT m::INTEGER AS meter, TIMESTAMP '2019-12-31 20:00' + to_hours(h::INTEGER) AS t_utc, "
        "((h * 7 + m) % 13)::FLOAT AS kwh FROM range(20) t(m), range(8800) s(h) ORDER BY m, h"
    )
    path = parquet(tmp_path / "m.parquet", query)
    stored = opened(path, where="heat_pump_meters")
    monkeypatch.setattr("varme.data.meters.direct.LEAST_ROWS", 0)
    direct = opened(path, where="heat_pump_meters")
    assert type(direct.source).__name__ == "SortedParquet"
    assert (direct.source.step_min, direct.source.start) == (60, stored.source.start)
    np.testing.assert_array_equal(stored.source.block(2, 9).values, direct.source.block(2, 9).values)
    assert np.isfinite(direct.source.block(0, 20).values).all()


def test_fine_registers_keep_the_last_reading_of_a_step_whatever_the_order_of_the_file(tmp_path):
    times = np.datetime64("2019-12-31T22:50", "s") + np.arange(400) * np.timedelta64(120, "s")
    rows = [f"a,{t}Z,{5000 + 0.25 * k}" for k, t in enumerate(times)]
    panels = []
    for name, lines in (("up", rows), ("down", rows[::-1])):
        path = tmp_path / f"{name}.csv"
        path.write_text("meter,time,kwh\n" + "\n".join(lines) + "\n")
        panels.append(panel_of(opened(path, where="heat_pump_meters", reading="register")))
    assert panels[0].values.tobytes() == panels[1].values.tobytes()
    assert panels[0].before is not None
    assert panels[0].before[0] == 5000 + 0.25 * 5  # the reading at 23:00 UTC, midnight in Berlin
    assert panels[0].values[0, 0] == 5000 + 0.25 * 12  # the last one before 23:15
