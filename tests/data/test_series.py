"""Series onto a grid: what is right, and one clear error for everything that is wrong."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from varme.data.series import LoadedSeries, SeriesRequest, load_all, load_series
from varme.data.synthetic import SyntheticSpec, build_year
from varme.ground.errors import DataError, Problem
from varme.ground.series import FileSeries, SeriesSpec, SyntheticSeries
from varme.ground.timegrid import TimeGrid

START = datetime(2011, 1, 1, tzinfo=UTC)
Write = Callable[..., str]


def hours(n: int = 4, start: datetime = START, step_min: int = 60) -> TimeGrid:
    return TimeGrid(start, step_min, n)


def load(
    spec: SeriesSpec, grid: TimeGrid, base: Path, unit: str | None = "mw", **limits: Any
) -> LoadedSeries:
    return load_series(spec, grid, base=base, quantity_unit=unit, where="demand_mw", **limits)


def problems(
    spec: SeriesSpec, grid: TimeGrid, base: Path, unit: str | None = "mw", **limits: Any
) -> list[Problem]:
    with pytest.raises(DataError) as caught:
        load(spec, grid, base, unit, **limits)
    assert all(p.where.startswith("demand_mw") for p in caught.value.problems)
    return list(caught.value.problems)


def rows(n: int, *, start: datetime = START, step_min: int = 60, form: str = "%Y-%m-%dT%H:%MZ") -> list[str]:
    return [f"{(start + timedelta(minutes=step_min * k)).strftime(form)},{k + 1}" for k in range(n)]


# ------------------------------------------------------------------------------------------------ what is right


def test_a_number_fills_the_grid(tmp_path: Path) -> None:
    assert load(2.5, hours(3), tmp_path).values.tolist() == [2.5, 2.5, 2.5]


def test_a_list_is_taken_by_position(tmp_path: Path) -> None:
    assert load([1.0, 2.0], hours(2), tmp_path).values.tolist() == [1.0, 2.0]


def test_a_column_is_placed_by_time_whatever_the_order_of_rows(tmp_path: Path, write: Write) -> None:
    lines = rows(6)
    file = write("time_utc,x_mw", *lines[::-2], *lines[::2])
    loaded = load(FileSeries(file=file), hours(4, START + timedelta(hours=1)), tmp_path)
    assert loaded.values.tolist() == [2.0, 3.0, 4.0, 5.0]
    assert loaded.source["columns"] == ["x_mw"]
    assert len(loaded.source["sha256"]) == 64
    assert loaded.findings == ()


@pytest.mark.parametrize(
    ("header", "line", "value"),
    [
        ("time,x_mw", "2011-01-01 00:00,1.5", 1.5),
        ("time;x_mw", "2011-01-01 00:00:00;1,5", 1.5),
        ("time;x_mw", "01.01.2011 00:00;1.234,5", 1234.5),
        ("time\tx_mw", "2011-01-01T00:00:00.000Z\t1.5", 1.5),
        ("time,x_mw", "2011-01-01T01:00+01:00,1.5", 1.5),
        ("time,x_mw", "2011-01-01 01:00:00+0100,-1.5e1", -15.0),
        ("time,x_mw", "01/01/2011 00:00:00 - 01/01/2011 01:00:00,1.5", 1.5),
        ("time,x_mw", "01.01.2011 00:00 - 01.01.2011 01:00,+.5", 0.5),
        ("time,x_kw", "2011-01-01,1500", 1.5),
        ("time,x_mwh", "2011-01-01,1.5", 1.5),
        ("time,x_gj", "2011-01-01,3.6", 1.0),
        ("time,X [MW]", "2011-01-01,1.5", 1.5),
        ("time,TotalKWh_kWh", "2011-01-01,1500", 1.5),
        ('"time","x, total [MW]"', '"2011-01-01","1.5"', 1.5),
    ],
)
def test_dialects_stamps_and_units(
    tmp_path: Path, write: Write, header: str, line: str, value: float
) -> None:
    assert load(FileSeries(file=write(header, line)), hours(1), tmp_path).values.tolist() == [
        pytest.approx(value)
    ]


def test_comments_byte_order_mark_and_gzip(tmp_path: Path) -> None:
    text = "\ufeff# made up\n\n# twice\ntime_utc,x_mw\n" + "\n".join(rows(2)) + "\n"
    with gzip.open(tmp_path / "a.csv.gz", "wt", encoding="utf-8") as file:
        file.write(text)
    (tmp_path / "b.csv").write_text(text.replace("made up", "hjemmelavet på Sjælland"), encoding="utf-8")
    (tmp_path / "c.csv").write_text(
        "time;last_på_net_mw\n01.01.2011 00:00;1\n01.01.2011 01:00;2\n", encoding="latin-1"
    )
    for name in ("a.csv.gz", "b.csv", "c.csv"):
        assert load(FileSeries(file=name), hours(2), tmp_path).values.tolist() == [1.0, 2.0], name


@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMPTZ", "VARCHAR"])
def test_parquet(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "data.parquet"
    with duckdb.connect(":memory:") as connection:
        text = "strftime(TIMESTAMP '2011-01-01 00:00' + INTERVAL (i) HOUR, '%Y-%m-%dT%H:%M:%S')"
        stamp = {"VARCHAR": f"{text} || 'Z'", "TIMESTAMP": f"CAST({text} AS TIMESTAMP)"}.get(
            kind, "to_timestamp(1293840000 + 3600 * i)"
        )
        connection.execute(
            f"COPY (SELECT {stamp} AS t, i + 0.5 AS x_mw, i AS n FROM range(4) r(i)) TO '{target}' (FORMAT parquet)"
        )
    assert load(FileSeries(file="data.parquet", column="x_mw"), hours(4), tmp_path).values.tolist() == [
        0.5,
        1.5,
        2.5,
        3.5,
    ]


def test_scale_unit_and_end_labels(tmp_path: Path, write: Write) -> None:
    file = write("time,x", *rows(3, start=START + timedelta(hours=1)))
    spec = FileSeries(file=file, unit="kW", scale_share=2.0, label="end")
    assert load(spec, hours(3), tmp_path).values == pytest.approx([0.002, 0.004, 0.006])


def test_a_column_without_unit_is_taken_as_the_fields_and_reported(tmp_path: Path, write: Write) -> None:
    loaded = load(FileSeries(file=write("time,demand", *rows(2))), hours(2), tmp_path)
    assert loaded.values.tolist() == [1.0, 2.0]
    assert [f.code for f in loaded.findings] == ["unit_assumed"]


def test_hours_are_repeated_and_quarters_averaged(tmp_path: Path, write: Write) -> None:
    down = load(
        FileSeries(file=write("time,x_mw", *rows(2))), hours(6, START + timedelta(minutes=30), 15), tmp_path
    )
    assert down.values.tolist() == [1.0, 1.0, 2.0, 2.0, 2.0, 2.0]
    assert [f.code for f in down.findings] == ["resampled"]
    up = load(FileSeries(file=write("time,x_mw", *rows(8, step_min=15))), hours(2), tmp_path)
    assert up.values.tolist() == [2.5, 6.5]


def test_energy_per_interval_becomes_mean_power_and_back(tmp_path: Path, write: Write) -> None:
    file = write("time,x_kwh", *rows(4, step_min=15))
    assert load(FileSeries(file=file), hours(1), tmp_path).values == pytest.approx([0.01])
    assert load(FileSeries(file=file), hours(1), tmp_path, "kwh").values == pytest.approx([10.0])
    power = write("time,x_kw", *rows(2))
    assert load(FileSeries(file=power), hours(8, step_min=15), tmp_path, "kwh").values == pytest.approx(
        [0.25] * 4 + [0.5] * 4
    )


def test_short_gaps_are_interpolated_when_asked_and_reported(tmp_path: Path, write: Write) -> None:
    lines = rows(8)
    file = write("time,x_mw", *lines[:2], lines[2].split(",")[0] + ",", *lines[4:])
    loaded = load(FileSeries(file=file, gaps="interpolate"), hours(8), tmp_path)
    assert loaded.values == pytest.approx(np.arange(1.0, 9.0))
    finding = loaded.findings[0]
    assert (finding.code, finding.evidence["values_count"], finding.evidence["longest_h"]) == (
        "gap_filled",
        2,
        2.0,
    )


def test_years_can_be_shifted_and_29_february_is_left_out(tmp_path: Path, write: Write) -> None:
    leap = datetime(2012, 2, 28, tzinfo=UTC)
    file = write("time,x_mw", *rows(72, start=leap))
    grid = hours(48, datetime(2011, 2, 28, tzinfo=UTC))
    loaded = load(FileSeries(file=file, shift_years=-1), grid, tmp_path)
    assert loaded.values.tolist() == [*range(1, 25), *range(49, 73)]
    assert loaded.findings[0].evidence["dropped_count"] == 24


def test_synthetic_quantities(tmp_path: Path) -> None:
    year = build_year(SyntheticSpec())
    grid = year.year_grid
    request = {"base": tmp_path, "quantity_unit": "kw", "where": "wind_kw", "synthetic": year}
    loaded = load_series(SyntheticSeries(synthetic="wind_mw"), grid, **request)
    assert loaded.values.sum() == pytest.approx(2.45e9, rel=1e-9)
    with pytest.raises(DataError, match=r"P201 .*winds_mw.*Did you mean wind_mw"):
        load_series(SyntheticSeries(synthetic="winds_mw"), grid, **request)
    with pytest.raises(DataError, match=r"P201 .*not stated"):
        load(SyntheticSeries(synthetic="wind_mw"), grid, tmp_path)


# ------------------------------------------------------------------------------------------------ what is wrong


def test_a_list_of_another_length(tmp_path: Path) -> None:
    (problem,) = problems([1.0, 2.0], hours(3), tmp_path)
    assert (problem.code, problem.value) == ("P207", "2 values")
    assert problem.limit.startswith("3 intervals")


def test_no_such_file_names_the_nearest(tmp_path: Path, write: Write) -> None:
    write("time,x_mw", *rows(1), name="demand.csv")
    (problem,) = problems(FileSeries(file="demnad.csv"), hours(1), tmp_path)
    assert (problem.code, problem.remedy) == ("P200", "Did you mean demand.csv?")


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", b""), ("a.csv", b"\n\n"), ("a.csv", b"\x00\x01\x02"), ("a.csv.gz", b"no gzip"), ("a.parquet", b"PAR1xx"),
     ("a.csv", b"t,x_mw,x_mw\n2011-01-01,1,2\n"), ("a.csv", b"time,x_mw\n2011-01-01,1,2\n")],
)  # fmt: skip
def test_unreadable_files(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    (problem,) = problems(FileSeries(file=name), hours(1), tmp_path)
    assert problem.code == "P200"
    assert name in problem.value


def test_unknown_column_names_the_nearest(tmp_path: Path, write: Write) -> None:
    file = write("time,heat_demand_mw,wind_mw", "2011-01-01,1,2")
    (problem,) = problems(FileSeries(file=file, column="heat_demnd_mw"), hours(1), tmp_path)
    assert (problem.code, problem.remedy) == ("P201", "Did you mean heat_demand_mw?")
    (problem,) = problems(FileSeries(file=file), hours(1), tmp_path)
    assert problem.code == "P201"
    assert "heat_demand_mw, wind_mw" in problem.limit
    (problem,) = problems(FileSeries(file=file, column="wind_mw", time_column="hour"), hours(1), tmp_path)
    assert (problem.code, problem.value) == ("P201", "hour")


def test_no_time_column(tmp_path: Path, write: Write) -> None:
    (problem,) = problems(FileSeries(file=write("hour,x_mw", "1,1", "2,2")), hours(2), tmp_path, None)[:1]
    assert problem.code == "P201"
    assert "time stamps" in problem.what


def test_too_short(tmp_path: Path, write: Write) -> None:
    (problem,) = problems(FileSeries(file=write("time,x_mw", *rows(3))), hours(8), tmp_path)
    assert (problem.code, problem.what) == ("P202", "5 of 8 intervals of 60 min lie outside the data")
    assert "2011-01-01 03:00 UTC" in problem.limit


def test_another_year_suggests_the_shift(tmp_path: Path, write: Write) -> None:
    file = write("time,x_mw", *rows(4, start=datetime(2009, 1, 1, tzinfo=UTC)))
    (problem,) = problems(FileSeries(file=file), hours(4), tmp_path)
    assert problem.code == "P202"
    assert "shift_years = 2" in problem.remedy


def test_gaps_are_counted_with_first_and_last(tmp_path: Path, write: Write) -> None:
    lines = rows(12)
    empty = lines[8].split(",")[0] + ",NaN"
    file = write("time,x_mw", *lines[:2], *lines[4:8], empty, *lines[9:])
    (problem,) = problems(FileSeries(file=file), hours(12), tmp_path)
    assert (problem.code, problem.what) == ("P203", "3 values missing in 2 gaps")
    assert problem.value == "first 2011-01-01 02:00 +0000, last 2011-01-01 08:00 +0000"
    assert problem.limit == "longest 2 h"


def test_long_gaps_are_not_interpolated(tmp_path: Path, write: Write) -> None:
    lines = rows(12)
    file = write("time,x_mw", *lines[:2], *lines[6:])
    (problem,) = problems(FileSeries(file=file, gaps="interpolate"), hours(12), tmp_path)
    assert (problem.code, "gap_max_h = 3" in problem.limit) == ("P203", True)


def test_duplicates(tmp_path: Path, write: Write) -> None:
    lines = rows(4)
    (problem,) = problems(FileSeries(file=write("time,x_mw", *lines, lines[1])), hours(4), tmp_path)
    assert (problem.code, problem.value) == ("P204", "2011-01-01 01:00 UTC")


def test_stamps_beside_the_grid(tmp_path: Path, write: Write) -> None:
    late = write("time,x_mw", *rows(5, start=START - timedelta(minutes=30)))
    (problem,) = problems(FileSeries(file=late), hours(4), tmp_path)
    assert (problem.code, problem.what) == ("P205", "all stamps lie 30 min after the grid's intervals begin")
    lines = rows(8)
    odd = write("time,x_mw", *lines[:5], "2011-01-01T05:20Z,6", *lines[6:])
    (problem,) = problems(FileSeries(file=odd), hours(8), tmp_path)
    assert (problem.code, problem.value) == ("P205", "2011-01-01 05:20 UTC")
    steps = write("time,x_mw", *rows(9, step_min=40))
    (problem,) = problems(FileSeries(file=steps), hours(4), tmp_path)
    assert (problem.code, "40 min" in problem.what) == ("P205", True)


def test_labels_at_the_end_are_recognised(tmp_path: Path, write: Write) -> None:
    file = write("time,x_mw", *rows(24, start=START + timedelta(hours=1)))
    (problem,) = problems(FileSeries(file=file), hours(24), tmp_path)
    assert problem.code == "P205"
    assert 'label = "end"' in problem.remedy
    file = write("time,x_mw", *rows(24))
    (problem,) = problems(FileSeries(file=file, label="end"), hours(24), tmp_path)
    assert (problem.code, problem.remedy) == ("P205", 'Leave out label = "end".')


def test_local_time_by_its_name_needs_a_zone(tmp_path: Path, write: Write) -> None:
    file = write("time_local,x_mw", *rows(4, form="%Y-%m-%d %H:%M"))
    (problem,) = problems(FileSeries(file=file), hours(4), tmp_path)
    assert (problem.code, "Europe/Copenhagen" in problem.remedy) == ("P205", True)
    assert load(FileSeries(file=file, timezone="UTC"), hours(4), tmp_path).values.sum() == 10


def test_units_that_do_not_fit(tmp_path: Path, write: Write) -> None:
    file = write("time,x_mw,price_eur_mwh,price_dkk_mwh", "2011-01-01,1,2,3")
    (problem,) = problems(FileSeries(file=file, column="x_mw"), hours(1), tmp_path, "eur_per_mwh")
    assert (problem.code, "the field wants EUR/MWh" in problem.what) == ("P208", True)
    (problem,) = problems(FileSeries(file=file, column="price_dkk_mwh"), hours(1), tmp_path, "eur_per_mwh")
    assert (problem.code, "scale_share = 0.1340" in problem.remedy) == ("P208", True)
    (problem,) = problems(FileSeries(file=file, column="x_mw", unit="furlong"), hours(1), tmp_path)
    assert (problem.code, problem.value) == ("P208", "furlong")
    rate = FileSeries(file=file, column="price_dkk_mwh", unit="EUR/MWh", scale_share=1 / 7.46)
    assert load(rate, hours(1), tmp_path, "eur_per_mwh").values == pytest.approx([3 / 7.46])


def test_text_in_number_cells_and_bad_stamps_name_their_lines(tmp_path: Path, write: Write) -> None:
    lines = rows(6)
    file = write(
        "# made up", "time,x_mw", *lines[:2], lines[2].split(",")[0] + ",about 3", "yesterday,4", *lines[4:]
    )
    found = {p.code: p for p in problems(FileSeries(file=file), hours(6), tmp_path)}
    assert found["P209"].value == "line 5"
    assert found["P212"].value == "line 6"
    assert found["P203"].what == "2 values missing in 1 gap"


def test_values_outside_the_fields_limits(tmp_path: Path) -> None:
    (problem,) = problems([1.0, -2.0, -3.0], hours(3), tmp_path, minimum=0.0)
    assert (problem.code, problem.value, problem.limit) == ("P210", "-2 MW", "at least 0 MW")
    assert "2 of 3 values" in problem.what
    (problem,) = problems([float("nan"), 9.0], hours(2), tmp_path, maximum=10.0)
    assert (problem.code, problem.limit) == ("P210", "a finite number")


def test_thousands_are_not_taken_as_decimals(tmp_path: Path, write: Write) -> None:
    (problem, gap) = problems(
        FileSeries(file=write("time,x_mw", '2011-01-01,"1,234"'), column="x_mw"), hours(1), tmp_path
    )
    assert (problem.code, gap.code) == ("P209", "P203")


def test_header_without_rows_and_empty_columns(tmp_path: Path, write: Write) -> None:
    (problem,) = problems(
        FileSeries(file=write("time,x_mw"), column="x_mw", time_column="time"), hours(1), tmp_path
    )
    assert problem.code == "P202"
    empty = [line.split(",")[0] + "," for line in rows(3)]
    (problem,) = problems(FileSeries(file=write("time,x_mw", *empty), gaps="interpolate"), hours(3), tmp_path)
    assert (problem.code, problem.what) == ("P203", "3 values missing in 1 gap")


def test_rows_that_are_too_long_or_too_short(tmp_path: Path, write: Write) -> None:
    (problem,) = problems(FileSeries(file=write("time,x_mw", "2011-01-01T00:00Z,1,2")), hours(1), tmp_path)
    assert problem.code == "P200"
    (problem,) = problems(
        FileSeries(file=write("time,x_mw", *rows(2), "2011-01-01T02:00Z")), hours(3), tmp_path
    )
    assert problem.code == "P203"


def test_odd_file_names_and_column_names(tmp_path: Path, write: Write) -> None:
    file = write(
        'time,it\'s "x" [MW]'.replace('"', '""').replace(",it", ',"it') + '"', *rows(2), name="it's [a] *.csv"
    )
    assert load(FileSeries(file=file), hours(2), tmp_path).values.tolist() == [1.0, 2.0]


def test_local_time_read_as_utc_is_not_silent(tmp_path: Path, write: Write) -> None:
    """Danish clock time over an autumn change, declared as UTC: the doubled hour gives it away."""
    grid = TimeGrid(datetime(2011, 10, 29, 22, tzinfo=UTC), 60, 48)
    stamps = np.char.replace(grid.local("Europe/Copenhagen").astype(str), "T", " ")
    file = write("time,x_mw", *(f"{t},1" for t in stamps))
    found = problems(FileSeries(file=file), TimeGrid(datetime(2011, 10, 30, tzinfo=UTC), 60, 24), tmp_path)
    assert [p.code for p in found] == ["P204"]
    assert "time zone" in str(found[0])


def test_unknown_layout(tmp_path: Path, write: Write) -> None:
    (problem,) = problems(
        FileSeries(file=write("time,x_mw", *rows(1)), layout="eds_settlment"), hours(1), tmp_path
    )
    assert (problem.code, problem.remedy) == ("P211", "Did you mean eds_settlement?")


def test_unknown_zone(tmp_path: Path, write: Write) -> None:
    with pytest.raises(DataError, match=r"P101 .*Europe/Kopenhagen"):
        load(
            FileSeries(
                file=write("time,x_mw", *rows(1, form="%Y-%m-%d %H:%M")), timezone="Europe/Kopenhagen"
            ),
            hours(1),
            tmp_path,
        )


def test_all_problems_of_all_series_at_once(tmp_path: Path, write: Write) -> None:
    file = write("time,x_mw", *rows(2))
    requests = {
        "good": SeriesRequest(FileSeries(file=file), "mw", "a"),
        "list": SeriesRequest([1.0], "mw", "b"),
        "file": SeriesRequest(FileSeries(file="none.csv"), "mw", "c"),
        "column": SeriesRequest(FileSeries(file=file, column="y"), "mw", "d"),
    }
    with pytest.raises(DataError) as caught:
        load_all(requests, hours(2), base=tmp_path)
    assert [(p.code, p.where) for p in caught.value.problems] == [("P207", "b"), ("P200", "c"), ("P201", "d")]
    assert load_all({"good": requests["good"]}, hours(2), base=tmp_path)["good"].values.tolist() == [1.0, 2.0]


# ------------------------------------------------------------------------------------------------ properties


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.integers(0, 400 * 24 * 4),
    n=st.integers(2, 60),
    step=st.sampled_from([15, 30, 60]),
    seed=st.integers(0, 99),
)
def test_round_trip_in_any_order(tmp_path: Path, first: int, n: int, step: int, seed: int) -> None:
    """What is written by time comes back by time: over leap days, year ends, in any order of rows."""
    start = datetime(2011, 12, 1, tzinfo=UTC) + timedelta(minutes=15 * first)
    values = np.round(np.random.default_rng(seed).normal(0, 100, n), 4)
    lines = [f"{(start + timedelta(minutes=step * k)):%Y-%m-%dT%H:%MZ},{values[k]}" for k in range(n)]
    order = np.random.default_rng(seed + 1).permutation(n)
    (tmp_path / "p.csv").write_text("time,x_mw\n" + "\n".join(lines[k] for k in order) + "\n")
    loaded = load(FileSeries(file="p.csv"), TimeGrid(start, step, n), tmp_path)
    assert loaded.values.tolist() == values.tolist()
    assert loaded.findings == ()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    day=st.integers(0, 730), days=st.integers(1, 4), step=st.sampled_from([15, 60]), falling=st.booleans(),
    zone=st.sampled_from(["Europe/Copenhagen", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
)  # fmt: skip
def test_local_time_with_summer_time(
    tmp_path: Path, day: int, days: int, step: int, falling: bool, zone: str
) -> None:
    """Wall-clock stamps in time order (or backwards) are resolved, days of 23 and 25 hours included."""
    # The clock of Lord Howe changes by half an hour: no hourly grid holds it.
    assume(step < 60 or zone != "Australia/Lord_Howe")
    grid = TimeGrid(datetime(2011, 1, 1, tzinfo=UTC) + timedelta(days=day), step, days * 24 * 60 // step)
    lines = [f"{t},{k}" for k, t in enumerate(np.char.replace(grid.local(zone).astype(str), "T", " "))]
    (tmp_path / "l.csv").write_text("time,x_mw\n" + "\n".join(lines[::-1] if falling else lines) + "\n")
    loaded = load(FileSeries(file="l.csv", timezone=zone), grid, tmp_path)
    assert loaded.values.tolist() == list(range(grid.n))


@pytest.mark.parametrize("step", [15, 60])
@pytest.mark.parametrize(("day", "missing"), [("2011-03-26", False), ("2011-10-29", True)])
def test_24_hour_days_at_clock_changes_are_refused(
    tmp_path: Path, day: str, missing: bool, step: int
) -> None:
    """A file with 24 hours on the day of 23 (25) hours has one hour too many (too few): P206, not a guess."""
    walls = np.datetime64(day) + np.arange(3 * 24 * 60 // step) * np.timedelta64(step, "m")
    (tmp_path / "d.csv").write_text("time,x_mw\n" + "\n".join(f"{t},1" for t in walls.astype(str)) + "\n")
    first = datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(hours=2)
    spec = FileSeries(file="d.csv", timezone="Europe/Copenhagen")
    grid = TimeGrid(first + timedelta(hours=2), step, 60 * 60 // step)
    found = problems(spec, grid, tmp_path)
    assert [p.code for p in found] == ["P206"]
    assert ("is missing" in found[0].what) is missing
    fixed = load(spec.model_copy(update={"timezone": "Etc/GMT-1"}), grid, tmp_path)
    assert fixed.values.sum() == grid.n


def test_the_whole_year_in_local_time_has_8760_hours(tmp_path: Path) -> None:
    grid = TimeGrid(datetime(2011, 12, 31, 23, tzinfo=UTC), 60, 8784)
    stamps = np.char.replace(grid.local("Europe/Copenhagen").astype(str), "T", " ")
    (tmp_path / "y.csv").write_text("t,x_mw\n" + "\n".join(f"{t},{k}" for k, t in enumerate(stamps)) + "\n")
    loaded = load(FileSeries(file="y.csv", timezone="Europe/Copenhagen"), grid, tmp_path)
    assert np.array_equal(loaded.values, np.arange(8784))


def test_a_million_rows_take_seconds(tmp_path: Path) -> None:
    grid = TimeGrid(datetime(2000, 1, 1, tzinfo=UTC), 15, 1_000_000)
    stamps = grid.times.astype(str)
    (tmp_path / "m.csv").write_text(
        "time_utc,x_mw\n" + "\n".join(f"{t}Z,{k % 97}" for k, t in enumerate(stamps)) + "\n"
    )
    import time

    begin = time.process_time()
    loaded = load(FileSeries(file="m.csv"), grid, tmp_path)
    assert np.array_equal(loaded.values, np.arange(1_000_000) % 97)
    assert time.process_time() - begin < 20
