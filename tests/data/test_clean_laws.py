"""Cleaning: laws that hold for any panel, the tables, faults at known places, and real meters."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.subjects.cleaning import RIGHT, Score
from tests.data.test_clean_rules import AROUND, DAYS, SPEC, N, T, cleaned, homes, hours_panel, panel
from varme.data.clean.clean import Surroundings, clean
from varme.data.clean.enough import REASONS
from varme.data.clean.runs import best_segments, runs_of, spread
from varme.data.clean.tables import RULES, CleaningResult, charts, findings, tables
from varme.data.meters.panel import DAY_MIN, MeterPanel
from varme.data.synthetic.faults import KINDS, FaultSpec, as_register, inject, kinds_for

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "retrofit"


def faulty(n=60, seed=7, share=0.8):
    return inject(panel(homes(n, seed=seed)), seed, FaultSpec(share=share))


def test_equal_seeds_give_equal_faults_and_others_do_not():
    one, two, other = faulty(), faulty(), faulty(seed=8)
    assert one.faults == two.faults
    assert np.array_equal(one.panel.values, two.panel.values, equal_nan=True)
    assert one.faults != other.faults


def test_a_panel_without_faults_stays_as_it_is():
    p = panel(homes(5))
    made = inject(p, 1, FaultSpec(share=0))
    assert made.faults == ()
    assert np.array_equal(made.panel.values, p.values)
    assert p.values is not made.panel.values


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_changes_its_own_meter_only_where_it_says(kind):
    p = panel(homes(6))
    if kind not in kinds_for(p):
        p = hours_panel()
    assert kind in kinds_for(p)
    spec = FaultSpec(share=0.5, kinds=[kind], timezone="Europe/Berlin")
    made = inject(p, 3, spec)
    assert made.faults
    rows = {f.row for f in made.faults}
    for row in range(len(p.meters)):
        changed = np.flatnonzero(~((made.panel.values[row] == p.values[row]) | np.isnan(p.values[row])))
        if row not in rows:
            assert not len(changed)
            continue
        fault = next(f for f in made.faults if f.row == row)
        assert not len(changed) or (changed.min() >= fault.first and changed.max() <= fault.last)


def test_an_unknown_kind_is_refused_with_the_choices():
    with pytest.raises(ValueError, match=r"no such fault for this panel: dst_hours; choices: .*spike"):
        inject(panel(homes(2)), 1, FaultSpec(kinds=["dst_hours"]))


def test_measuring_faults_keep_the_truth_and_vacancy_changes_it():
    p = panel(homes(10))
    assert np.array_equal(inject(p, 1, FaultSpec(share=1, kinds=["spike"])).truth.values, p.values)
    gone = inject(p, 1, FaultSpec(share=1, kinds=["vacancy"]))
    assert np.array_equal(gone.truth.values, gone.panel.values)


def test_registers_add_up_to_their_intervals():
    y = homes(4)
    reads = as_register(panel(y), 2, resolution=0.01)
    assert reads.reading == "register"
    assert np.diff(reads.values.astype(float), axis=1).sum(axis=1) == pytest.approx(
        y[:, 1:].sum(axis=1), abs=0.1
    )


# ------------------------------------------------------------------------------------------------------------ laws


def test_cleaning_what_is_clean_changes_nothing():
    once = clean(faulty().panel, SPEC, AROUND)
    twice = clean(once.panel, SPEC, AROUND)
    same = np.isclose(twice.panel.values, once.panel.values, rtol=1e-6, equal_nan=True)
    assert same.mean() > 0.9995
    assert (twice.usable == once.usable).mean() > 0.99


def test_the_order_of_the_meters_does_not_matter():
    p = faulty().panel
    order = np.random.default_rng(1).permutation(len(p.meters))
    one, other = clean(p, SPEC, AROUND), clean(p.rows(order), SPEC, AROUND)
    assert np.allclose(one.panel.values[order], other.panel.values, rtol=1e-5, atol=1e-5, equal_nan=True)
    assert np.array_equal(one.usable[order], other.usable)
    assert all(np.array_equal(one.counts[r][order], other.counts[r]) for r in one.counts)


def test_two_equal_runs_give_equal_bytes():
    p = faulty().panel
    one, two = clean(p, SPEC, AROUND), clean(p, SPEC, AROUND)
    assert one.panel.values.tobytes() == two.panel.values.tobytes()
    assert one.audit == two.audit


def test_the_panel_that_was_read_is_not_changed():
    p = faulty().panel
    before = p.values.copy()
    clean(p, SPEC, AROUND)
    assert np.array_equal(p.values, before, equal_nan=True)


def test_the_unit_of_the_readings_does_not_matter_to_rules_for_values():
    p = faulty().panel
    one = clean(p, SPEC, AROUND)
    other = clean(replace(p, values=p.values * np.float32(8)), SPEC, AROUND)
    for rule in ("zeros_missing", "spike", "stuck_value", "estimated", "time_slip", "vacancy", "clipped"):
        assert np.array_equal(one.counts.get(rule), other.counts.get(rule)), rule


def test_usable_years_keep_their_energy_to_half_a_percent():
    made = faulty(200, share=0.3)
    result = clean(made.panel, SPEC, AROUND)
    year = DAYS.astype("datetime64[Y]").astype(int)
    got = want = 0.0
    for k, y in enumerate(np.unique(year)):
        rows, inside = np.flatnonzero(result.usable[:, k]), year == y
        ours = result.panel.values[rows][:, inside].astype(float)
        true = np.where(np.isfinite(ours), made.truth.values[rows][:, inside], np.nan).astype(float)
        got, want = got + np.nansum(ours), want + np.nansum(true)
    assert got == pytest.approx(want, rel=0.005)


def test_faults_of_a_generator_that_no_rule_was_made_with_are_found():
    score = Score()
    made = faulty(400, seed=21, share=0.25)
    result = clean(made.panel, SPEC, AROUND)
    score.add(made, result)
    assert sum(score.faults.values()) >= 80
    assert score.recall >= 0.96
    assert score.precision >= 0.96


def test_every_kind_has_a_right_answer_and_every_rule_a_meaning():
    assert set(RIGHT) == set(KINDS)
    assert set().union(*RIGHT.values()) <= set(RULES)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31 - 1))
def test_any_dirt_is_cleaned_without_an_error(seed):
    rng = np.random.default_rng(seed)
    y = homes(4, seed=1)[:, : int(rng.integers(1, N))]
    for _ in range(20):
        row, at = rng.integers(4), rng.integers(y.shape[1])
        part = slice(at, at + int(rng.integers(1, 300)))
        y[row, part] = rng.choice([0, np.nan, -5, 1e9, -1e6, 3.0, np.inf])
    y[~np.isfinite(y)] = np.nan
    around = replace(AROUND, temperature_c=T[: y.shape[1]])
    result = clean(panel(y), SPEC, around)
    assert result.panel.values.shape == y.shape
    left = result.panel.values[np.isfinite(result.panel.values)]
    assert (left >= 0).all()
    assert np.array_equal(result.usable, result.reason == "")
    assert set(result.reason.reshape(-1)) <= {"", *REASONS}
    assert set(result.counts) <= set(RULES)


# ------------------------------------------------------------------------------------------------------------ runs


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=1, max_size=6))
def test_runs_are_those_that_one_counts_by_hand(rows):
    mask = np.array(rows)
    back = np.zeros_like(mask)
    runs = runs_of(mask)
    for r, a, b in zip(runs.row, runs.first, runs.last, strict=True):
        assert not back[r, a : b + 1].any()
        assert a == 0 or not mask[r, a - 1]
        assert b == 4 or not mask[r, b + 1]
        back[r, a : b + 1] = True
    assert np.array_equal(back, mask)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=12))
def test_the_best_segment_is_that_of_a_full_search(score):
    s = np.array([score], dtype=float)
    gain, first, last = best_segments(s)
    full = max(sum(score[a : b + 1]) for a in range(len(score)) for b in range(a, len(score)))
    assert gain[0] == full
    assert sum(score[first[0] : last[0] + 1]) == full


def test_spreading_keeps_the_total_also_where_nothing_is_expected():
    y, weights = np.ones((2, 6), np.float32), np.zeros((2, 6), np.float32)
    weights[1] = [0, 1, 3, 0, 0, 0]
    runs = runs_of(np.array([[0, 1, 1, 1, 0, 0], [0, 1, 1, 0, 0, 0]], dtype=bool))
    spread(y, runs, np.array([9.0, 8.0]), weights)
    assert y[0] == pytest.approx([1, 3, 3, 3, 1, 1])
    assert y[1] == pytest.approx([1, 2, 6, 1, 1, 1], rel=2e-3)


# ---------------------------------------------------------------------------------------------------------- tables


def test_tables_name_every_rule_line_meter_and_reason():
    p = faulty(80, share=0.9).panel
    result = CleaningResult.of(clean(p, SPEC, AROUND), "gas", AROUND.years)
    made = tables([result])
    assert set(made) == {"cleaning", "cleaning_audit", "meters_used", "dropped"}
    assert made["cleaning"].column("rule").tolist() == list(RULES)
    assert made["cleaning"].column("meters_count").sum() > 50
    assert len(made["cleaning_audit"]) == len(result.audit)
    assert len(made["meters_used"]) == 80 * 3
    used = made["meters_used"]
    assert np.array_equal(used.column("usable"), result.usable.reshape(-1))
    assert used.column("meter")[3] == "m1"
    dropped = int(made["dropped"].column("meters_count").sum())
    assert dropped == (~result.usable).sum()
    codes = {f.code for f in findings([result])}
    assert {"meters_dropped", "units_mixed"} <= codes
    for chart in charts([result]):
        assert len(chart.data(made))


def test_tables_of_nothing_are_empty():
    result = CleaningResult.of(cleaned(homes(0)), "gas", AROUND.years)
    made = tables([result])
    assert len(made["meters_used"]) == 0
    assert findings([result]) == []


# -------------------------------------------------------------------------------------------------------- real data


def cambridge():
    path = SHARED / "cambridge_estates_daily_2018_2022.parquet"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    import duckdb

    days = "date_diff('day', date '2018-01-01', date)"
    found = duckdb.sql(f"select meter, {days} d, kwh from '{path}' where carrier = 'gas' order by 1, 2")
    meters, day, kwh = found.fetchnumpy().values()
    ids, row = np.unique(meters.astype(str), return_inverse=True)
    values = np.full((len(ids), 1826), np.nan, dtype=np.float32)
    values[row, day.astype(int)] = kwh
    weather = SHARED / "bedford_weather_hourly_2015_2022.parquet"
    daily = duckdb.sql(
        f"select avg(air_temperature_C) t from '{weather}' where t_utc >= '2018-01-01' and t_utc < '2023-01-01' "
        "group by date_trunc('day', t_utc) order by date_trunc('day', t_utc)"
    ).fetchnumpy()["t"]
    p = MeterPanel(tuple(ids), np.datetime64("2018-01-01"), DAY_MIN, values, "kwh_hs")
    return p, Surroundings(
        "gas", "Europe/London", (2018, 2019, 2020, 2021, 2022), np.asarray(daily, dtype=float)
    )


def test_missing_written_as_zero_is_found_in_the_cambridge_meters():
    p, around = cambridge()
    result = clean(p, SPEC, around)
    assert (result.counts["zeros_missing"] > 0).sum() >= 10
    assert result.counts["part_year"].sum() > 1000
    assert 0.2 < result.usable.mean() < 0.8
    winter = np.isin(p.steps.astype("datetime64[M]").astype(int) % 12, [0, 1])
    left = (result.panel.values[:, winter] == 0).sum()
    assert left < 0.25 * (p.values[:, winter] == 0).sum()
