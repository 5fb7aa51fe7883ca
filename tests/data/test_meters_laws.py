"""Laws of reading meters: a panel written to a file in any form and order comes back as it was."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from varme.data.meters.read import open_meters
from varme.data.meters.sources import scatter
from varme.data.meters.spec import MeterFilesSpec
from varme.data.meters.timeline import Timeline, Zone

FIRST, LAST = date(2020, 3, 20), date(2020, 4, 8)
DAYS = [FIRST + timedelta(days=k) for k in range(20)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**31), meters=st.integers(1, 5), missing=st.floats(0, 0.6), separator=st.sampled_from(",;\t"),
    wide=st.booleans(), bucket_rows=st.sampled_from([5, 40, 10**6]),
)  # fmt: skip
def test_a_panel_survives_its_way_through_a_file(seed, meters, missing, separator, wide, bucket_rows):
    random = np.random.default_rng(seed)
    values = np.round(random.gamma(2, 3, (meters, 20)), 2)
    values[random.random(values.shape) < missing] = np.nan
    values[:, :2] = 1.25, 0.75  # two days in a row tell the step
    ids = [f"id {m:03d}" for m in range(meters)]
    cell = lambda v: "" if np.isnan(v) else f"{v:.2f}".replace(".", "," if separator == ";" else ".")  # noqa: E731
    if wide:
        lines = [[str(d), *(cell(values[m, k]) for m in range(meters))] for k, d in enumerate(DAYS)]
        head = ["date", *ids]
    else:
        lines = [[ids[m], str(d), cell(values[m, k])] for m in range(meters) for k, d in enumerate(DAYS)]
        head = ["meter", "date", "m3"]
    order = random.permutation(len(lines))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.csv"
        path.write_text("\n".join(separator.join(r) for r in [head, *(lines[i] for i in order)]) + "\n")
        spec = MeterFilesSpec(files="m.csv", unit="m3", layout="wide" if wide else "long", reading="interval")
        found = open_meters(spec, Path(folder), FIRST, LAST, "Europe/Berlin", bucket_rows=bucket_rows)
        panel = found.source.block(0, meters)
    assert panel.meters == tuple(ids)
    np.testing.assert_array_equal(panel.values, values.astype(np.float32))


@settings(max_examples=40, deadline=None)
@given(
    zone=st.sampled_from(["Europe/Berlin", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
    step_min=st.sampled_from([15, 30, 60]), day=st.integers(0, 700),
)  # fmt: skip
def test_wall_clock_to_utc_and_back_is_the_identity_but_for_the_doubled_hour(zone, step_min, day):
    # A change of half an hour doubles a single stamp of hourly data, which nothing tells apart.
    assume(zone != "Australia/Lord_Howe" or step_min < 60)
    first = np.datetime64("2019-01-01", "s").astype(np.int64) + day * 86400
    found = Zone.over(first - 86400, first + 32 * 86400, zone)
    utc = first + np.arange(0, 30 * 86400, step_min * 60)
    meter = np.zeros(len(utc), dtype=np.int64)
    back, missing = found.utc(found.local(utc), meter)
    assert not missing.any()
    np.testing.assert_array_equal(back, utc)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 6), st.integers(0, 4)), max_size=40))
def test_scattered_cells_hold_the_first_reading_and_say_what_came_again(rows):
    meter, step, value = (np.array([r[i] for r in rows], dtype=np.int64) for i in range(3))
    cells = scatter(meter, step, value.astype(float), 4, 5, np.float32)
    for m in range(4):
        for s in range(5):
            here = [v for k, t, v in rows if (k, t) == (m, s)]
            mark = 0 if cells.duplicates is None else int(cells.duplicates[m, s])
            if not here:
                assert np.isnan(cells.values[m, s])
                assert mark == 0
            else:
                assert cells.values[m, s] == here[0]
                assert mark == (0 if len(here) == 1 else 1 if len(set(here)) == 1 else 2)


def test_days_of_a_gas_day_hold_the_hours_from_six_on():
    line = Timeline(
        np.datetime64("2020-01-01"), np.datetime64("2020-12-31"), "Europe/Berlin", "Europe/Berlin", 1440, 6.0
    )
    at = np.array(["2020-03-29T05:59", "2020-03-29T06:00", "2020-03-30T05:59"], dtype="datetime64[s]").astype(
        np.int64
    )
    index, _ = line.index(at, "wall", np.zeros(3))
    assert (np.datetime64("2020-01-01") + index).astype(str).tolist() == [
        "2020-03-28",
        "2020-03-29",
        "2020-03-29",
    ]
