"""Bad meter files: every one ends in a message that says what, where and what to do."""

from __future__ import annotations

import gzip
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from varme.data.meters.read import open_meters
from varme.data.meters.spec import MeterFilesSpec
from varme.data.tabular import open_table
from varme.ground.errors import CODES, DataError, InputError, VarmeError

FIRST, LAST = date(2020, 1, 1), date(2020, 12, 31)
DAYS = [date(2020, 1, 1) + timedelta(days=k) for k in range(40)]


def refused(
    folder: Path, text: str | bytes | None, *, name: str = "m.csv", where: str = "gas_meters", **stated
) -> VarmeError:
    if text is not None:
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    spec = MeterFilesSpec(files=stated.pop("files", name), **stated)
    with pytest.raises(VarmeError) as caught:
        open_meters(spec, folder, FIRST, LAST, "Europe/Berlin", where=where, work=folder / "work")
    assert (
        not list((folder / "work").glob("*")) if (folder / "work").exists() else True
    )  # nothing stays behind
    return caught.value


def codes(error: VarmeError) -> list[str]:
    return [p.code for p in error.problems]


def long(value: str = "m3", rows: list[str] | None = None) -> str:
    return f"meter,date,{value}\n" + "".join(rows or [f"a,{d},{k % 5 + 1}\n" for k, d in enumerate(DAYS)])


def test_an_empty_file(tmp_path):
    error = refused(tmp_path, "")
    assert codes(error) == ["P200"]
    assert "is empty" in str(error)


@pytest.mark.parametrize("text", ["meter,date,m3\n", "meter,date,m3\n\n\n"])
def test_a_header_and_nothing_else(text, tmp_path):
    error = refused(tmp_path, text)
    assert codes(error) == ["P220"]
    assert "m.csv" in str(error)


def test_a_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "gas_2020.csv").write_text(long())
    error = refused(tmp_path, None, files="gas_202.csv")
    assert codes(error) == ["P200"]
    assert "Did you mean gas_2020.csv?" in str(error)


def test_all_missing_files_are_named_at_once(tmp_path):
    error = refused(tmp_path, long(), files=["x.csv", "m.csv", "y/*.parquet"])
    assert codes(error) == ["P200", "P200"]


def test_a_separator_that_is_not_known(tmp_path):
    error = refused(tmp_path, long().replace(",", "|"))
    assert codes(error) == ["P216"]
    assert "'|'" in str(error)
    assert "comma, semicolon or tab" in str(error)


def test_decimal_commas_between_commas_name_the_row(tmp_path):
    rows = [f'a,{d},"{k % 5 + 1}.5"\n' for k, d in enumerate(DAYS)]
    rows[30] = f'a,{DAYS[30]},"x3,25"\n'
    error = refused(tmp_path, long(rows=rows))
    assert codes(error) == ["P209"]
    assert "line 32" in str(error)
    assert "x3,25" in str(error)


def test_unquoted_decimal_commas_break_the_row_and_say_so(tmp_path):
    error = refused(tmp_path, long(rows=[f"a,{d},3,25\n" for d in DAYS]))
    assert codes(error) == ["P200"]
    assert "line 2" in str(error)
    assert "Expected Number of Columns: 3 Found: 4" in str(error)


def test_text_where_a_number_belongs_names_rows_and_count(tmp_path):
    rows = [f"a,{d},{'oops' if k in {7, 21} else k % 5}\n" for k, d in enumerate(DAYS)]
    error = refused(tmp_path, long(rows=rows))
    assert codes(error) == ["P209"]
    assert "m.csv line 9 ('oops'), m.csv line 23 ('oops')" in str(error)
    assert "2 cells" in str(error)


def test_stamps_that_cannot_be_read_name_the_rows(tmp_path):
    rows = [f"a,{'2020-13-45' if k == 12 else d},{k % 5}\n" for k, d in enumerate(DAYS)]
    error = refused(tmp_path, long(rows=rows))
    assert codes(error) == ["P212"]
    assert "line 14 ('2020-13-45')" in str(error)


def test_numbers_and_stamps_that_are_wrong_are_told_together(tmp_path):
    rows = [f"a,{'soon' if k == 12 else d},{'much' if k == 3 else k % 5}\n" for k, d in enumerate(DAYS)]
    assert codes(refused(tmp_path, long(rows=rows))) == ["P209", "P212"]


@pytest.mark.parametrize("unit", [None, "furlong", "nm3"])
def test_an_unknown_unit_lists_those_that_are_known(unit, tmp_path):
    error = refused(tmp_path, long("value"), unit=unit)
    assert codes(error) == ["P214"]
    assert "therm" in str(error)
    assert "ccf (100 ft3)" in str(error)


def test_pulses_need_their_volume(tmp_path):
    error = refused(tmp_path, long("pulses"))
    assert codes(error) == ["P214"]
    assert "m3_per_pulse_m3" in str(error)


@pytest.mark.parametrize("stated", [None, "kwh", "MJ"])
def test_gas_energy_without_a_base_names_both_and_their_difference(stated, tmp_path):
    error = refused(tmp_path, long("kwh"), unit=stated)
    assert codes(error) == ["P215"]
    assert all(word in str(error) for word in ("kwh_hs", "kwh_hi", "10.8 %"))


def test_kilowatt_hours_of_electricity_need_no_base(tmp_path):
    (tmp_path / "m.csv").write_text(long("kwh"))
    found = open_meters(
        MeterFilesSpec(files="m.csv"), tmp_path, FIRST, LAST, "Europe/Berlin", where="heat_pump_meters"
    )
    assert found.unit == "kwh"


def test_gross_and_net_in_one_file_are_not_mixed(tmp_path):
    rows = [f"{m},{d},3,{u}\n" for d in DAYS for m, u in (("a", "kWh Hs"), ("b", "kWh Hi"))]
    error = refused(tmp_path, "meter,date,value,unit\n" + "".join(rows))
    assert codes(error) == ["P215"]
    assert "mixed" in str(error)


def test_volumes_and_energies_in_one_file_are_not_mixed(tmp_path):
    rows = [f"{m},{d},3,{u}\n" for d in DAYS for m, u in (("a", "m3"), ("b", "therm"))]
    assert codes(refused(tmp_path, "meter,date,value,unit\n" + "".join(rows))) == ["P214"]


def test_two_columns_that_could_be_the_reading_are_named(tmp_path):
    text = "meter,date,gas_m3,other_m3\n" + "".join(f"a,{d},1,2\n" for d in DAYS)
    error = refused(tmp_path, text)
    assert codes(error) == ["P216"]
    assert "gas_m3, other_m3" in str(error)
    assert "value_column" in str(error)


def test_a_stated_column_that_is_not_there(tmp_path):
    error = refused(tmp_path, long(), value_column="volume", meter_column="id")
    assert codes(error) == ["P201", "P201"]
    assert "meter, date, m3" in str(error)


def test_consumption_of_months_is_refused_and_registers_are_hinted_at(tmp_path):
    text = long(rows=[f"a,2020-{m:02d}-01,{90 + m % 3}\n" for m in range(1, 13)])
    error = refused(tmp_path, text)
    assert codes(error) == ["P218"]
    assert 'reading = "register"' in str(error)


def test_negative_readings_are_found_and_only_negative_ones_refused(tmp_path):
    rows = [f"a,{d},{-2 if k == 3 else k % 5}\n" for k, d in enumerate(DAYS)]
    (tmp_path / "n.csv").write_text(long(rows=rows))
    found = open_meters(MeterFilesSpec(files="n.csv"), tmp_path, FIRST, LAST, "Europe/Berlin")
    assert [(f.code, f.evidence["count"]) for f in found.findings] == [("negative_readings", 1)]
    error = refused(tmp_path, long(rows=[f"a,{d},-{k % 5 + 1}\n" for k, d in enumerate(DAYS)]))
    assert codes(error) == ["P221"]


def test_other_years_than_those_of_the_study(tmp_path):
    rows = [f"a,{d.replace(year=2015)},{k % 5}\n" for k, d in enumerate(DAYS)]
    error = refused(tmp_path, long(rows=rows))
    assert codes(error) == ["P217"]
    assert "2015-01-01" in str(error)
    assert "2020-01-01 to 2020-12-31" in str(error)


def test_ids_that_two_files_use_for_different_meters(tmp_path):
    (tmp_path / "b.csv").write_text(long(rows=[f"a,{d},{k % 7 + 20}\n" for k, d in enumerate(DAYS)]))
    error = refused(tmp_path, long(), name="a.csv", files="*.csv")
    assert codes(error) == ["P219"]
    assert "1 meters: a" in str(error)


def test_a_few_conflicts_between_files_are_a_finding(tmp_path):
    (tmp_path / "a.csv").write_text(long())
    (tmp_path / "b.csv").write_text(
        long(rows=[f"a,{d},{99 if k == 2 else k % 5 + 1}\n" for k, d in enumerate(DAYS)])
    )
    found = open_meters(MeterFilesSpec(files="*.csv"), tmp_path, FIRST, LAST, "Europe/Berlin")
    assert {"meter_in_several_files", "conflicting_readings", "duplicate_readings"} == {
        f.code for f in found.findings
    }
    assert found.source.block(0, 1).values[0, 2] == 3  # that of the first file


def test_a_parquet_file_cut_in_half(tmp_path):
    path = tmp_path / "m.parquet"
    with duckdb.connect(":memory:") as connection:
        made = "SELECT 'a' AS meter, DATE '2020-01-01' + d::INTEGER AS date, 1.0 AS m3 FROM range(366) t(d)"
        connection.execute(f"COPY ({made}) TO '{path}'")
    whole = path.read_bytes()
    error = refused(tmp_path, whole[: len(whole) // 2], name="m.parquet")
    assert codes(error) == ["P200"]
    assert "m.parquet" in str(error)


def test_a_gzip_file_cut_in_half(tmp_path):
    rows = [f"meter{k % 97},{d},{(k * 7919) % 1000}\n" for k in range(4000) for d in DAYS[:1]]
    whole = gzip.compress(long(rows=rows).encode())
    error = refused(tmp_path, whole[: len(whole) // 2], name="m.csv.gz")
    assert codes(error) == ["P200"]


def test_a_stated_register_or_interval_settles_the_doubt(tmp_path):
    rows = [f"a,{d},{1000 + k}\n" for k, d in enumerate(DAYS)]
    rows += [f"b,{d},{k % 5}\n" for k, d in enumerate(DAYS)]
    error = refused(tmp_path, long(rows=rows))
    assert codes(error) == ["P216"]
    assert "50 % of the meters only rise" in str(error)


def test_unknown_layouts_and_annual_data_sets(tmp_path):
    error = refused(tmp_path, long(), layout="heappo")
    assert isinstance(error, InputError)
    assert codes(error) == ["P211"]
    assert "heapo" in str(error)
    assert "open_annual" in str(refused(tmp_path, long(), layout="need"))


def test_a_folder_without_files_of_readings(tmp_path):
    (tmp_path / "empty").mkdir()
    error = refused(tmp_path, None, files="empty")
    assert codes(error) == ["P200"]
    assert ".parquet" in str(error)


def test_every_problem_has_a_remedy_of_its_own_or_of_its_code():
    for number in range(214, 224):
        assert CODES[f"P{number}"].remedy


def test_data_errors_are_data_errors(tmp_path):
    assert isinstance(refused(tmp_path, ""), DataError)


def test_a_time_of_day_in_a_column_of_its_own_is_not_taken_for_duplicates(tmp_path):
    rows = [f"a,{d},{h:02d}:00,{(h * 7 + k) % 11}\n" for k, d in enumerate(DAYS) for h in range(24)]
    error = refused(tmp_path, "meter,date,time,m3\n" + "".join(rows))
    assert codes(error) == ["P204"]
    assert "time of day in a column of its own" in str(error)


def test_an_unknown_time_zone(tmp_path):
    assert codes(refused(tmp_path, long(), timezone="Europe/Berlinn")) == ["P101"]


@pytest.mark.parametrize("first", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"])
def test_a_spreadsheet_is_called_that(tmp_path, first):
    (tmp_path / "meters.xlsx").write_bytes(first + bytes(range(256)) * 20)
    with pytest.raises(DataError) as caught:
        open_table(tmp_path / "meters.xlsx", "gas_meters.files")
    assert "P200" in caught.value.text()
    assert "Save the sheet as CSV" in caught.value.text()
