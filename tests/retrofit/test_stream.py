"""Streaming: blocks and worker processes change nothing, sums add up, gaps are filled by the meter's own model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from varme.data.clean.clean import Surroundings
from varme.data.clean.spec import CleaningSpec
from varme.data.meters.panel import MeterPanel, PanelSource
from varme.ground.errors import DataError, Problem, RunError
from varme.retrofit import stream
from varme.retrofit.condense import Recipe
from varme.retrofit.demand.change_point import fit_change_points
from varme.retrofit.stream import MeterYears, summarise

START = np.datetime64("2019-01-01", "D")
YEARS = (2019, 2020, 2021)
DAYS = 1096


def temperature() -> NDArray[np.float64]:
    rng = np.random.default_rng(5)
    return np.asarray(
        10 - 8.5 * np.cos(2 * np.pi * (np.arange(DAYS) - 15) / 365.25) + rng.normal(0, 2.5, DAYS)
    )


def panel(meters: int, seed: int = 1) -> MeterPanel:
    """Return heated homes, some of them with gaps, one without a second year."""
    rng, t = np.random.default_rng(seed), temperature()
    base, slope = rng.uniform(0.5, 2, meters), rng.uniform(0.3, 1.2, meters)
    mean = base[:, None] + slope[:, None] * np.maximum(15 - t, 0)
    y = mean * np.exp(rng.normal(0, 0.12, mean.shape))
    y[rng.random(y.shape) < 0.01] = np.nan
    y[3, 365:731] = np.nan
    names = tuple(f"g{i:05d}" for i in range(meters))
    return MeterPanel(names, START, 1440, y.astype(np.float32), "kwh_hs")


def around(**more: object) -> Surroundings:
    return replace(Surroundings("gas", "Europe/Berlin", YEARS, temperature()), **more)


def run(p: MeterPanel, group: NDArray[np.int64] | None = None, **options: object) -> MeterYears:
    group = np.arange(len(p.meters)) % 7 if group is None else group
    return summarise(PanelSource(p), CleaningSpec(), around(), group, 7, **options)


def doubled(daily: MeterPanel, first: int, last: int) -> MeterPanel:
    """Turn a panel into energy, with a factor that depends on the place of the meter."""
    factor = 1 + np.arange(first, last) % 2
    return replace(daily, values=daily.values * factor.astype(np.float32)[:, None])


@dataclass(frozen=True)
class Broken:
    """A source of which one block cannot be read."""

    panel: MeterPanel
    error: Exception

    @property
    def meters(self) -> Sequence[str]:
        return self.panel.meters

    @property
    def start(self) -> np.datetime64:
        return self.panel.start

    @property
    def step_min(self) -> int:
        return 1440

    @property
    def steps(self) -> int:
        return int(self.panel.values.shape[1])

    def block(self, first: int, last: int) -> MeterPanel:
        if first >= 64:
            raise self.error
        return self.panel.rows(slice(first, last))


def equal(a: MeterYears, b: MeterYears, *, exactly: bool = True) -> None:
    """Check that two summaries are the same."""
    assert a.meters == b.meters
    np.testing.assert_array_equal(a.reason, b.reason)
    np.testing.assert_array_equal(a.usable, b.usable)
    assert a.counts.keys() == b.counts.keys()
    for rule in a.counts:
        np.testing.assert_array_equal(a.counts[rule], b.counts[rule])
    tolerance = 0.0 if exactly else 1e-5
    for name in ("energy", "peak_day", "coldest_week", "filled_days", "valid_days"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=tolerance, err_msg=name)
    np.testing.assert_array_equal(a.group_meters, b.group_meters)
    np.testing.assert_allclose(a.group_days, b.group_days, rtol=100 * tolerance)
    np.testing.assert_allclose(a.fleet_days, b.fleet_days, rtol=100 * tolerance)
    np.testing.assert_allclose(a.fits.slope, b.fits.slope, rtol=200 * tolerance)


def test_the_number_of_worker_processes_changes_no_byte(monkeypatch: pytest.MonkeyPatch):
    p = panel(200)
    one = run(p, block=32, convert=doubled)
    monkeypatch.setattr(stream, "FEW_READINGS", 0)
    two = run(p, block=32, convert=doubled, jobs=2)
    equal(one, two)
    assert two.fleet_days.tobytes() == one.fleet_days.tobytes()
    assert two.group_days.tobytes() == one.group_days.tobytes()


def test_the_size_of_a_block_changes_nothing_but_the_rounding_of_sums():
    p = panel(150)
    whole, parts = run(p, block=150, convert=doubled), run(p, block=16, convert=doubled)
    equal(whole, parts, exactly=False)
    assert parts.fleet_days.sum() == pytest.approx(whole.fleet_days.sum(), rel=1e-6)


def test_groups_years_and_the_fleet_add_up():
    p = panel(90)
    found = run(p)
    total = np.nansum(found.energy)
    assert found.fleet_days.sum() == pytest.approx(total, rel=1e-5)
    assert found.group_days.sum() == pytest.approx(total, rel=1e-5)
    np.testing.assert_array_equal(found.group_meters.sum(axis=0), found.usable.sum(axis=0))
    group = np.arange(90) % 7
    for k, year in enumerate((slice(0, 365), slice(365, 731), slice(731, 1096))):
        mine = np.bincount(group, np.nan_to_num(found.energy[:, k]), 7)
        np.testing.assert_allclose(found.group_days[:, year].sum(axis=1), mine, rtol=1e-5)


def test_meters_without_a_group_are_in_the_fleet_only():
    p = panel(20)
    group = np.full(20, -1)
    group[4] = 2
    found = run(p, group)
    assert found.group_meters.sum() == found.usable[4].sum()
    np.testing.assert_allclose(found.group_days[2].sum(), np.nansum(found.energy[4]), rtol=1e-5)
    assert found.fleet_days.sum() == pytest.approx(np.nansum(found.energy), rel=1e-5)


def test_a_year_that_is_not_usable_is_in_no_sum_and_has_a_reason():
    p = panel(10)
    found = run(p)
    assert not found.usable[3, 1]
    assert found.reason[3, 1]
    assert np.isnan(found.energy[3, 1])
    assert np.isnan(found.peak_day[3, 1])
    assert found.usable[3, 0]
    assert found.reason[3, 0] == ""
    alone = run(p.rows([3]), np.array([0]))
    assert alone.fleet_days[365:731].sum() == 0
    assert alone.fleet_days[:365].min() > 0


def test_gaps_are_filled_by_the_meters_own_model_of_the_temperature():
    p = panel(12)
    whole = replace(p, values=p.values.copy())
    t = temperature()
    rng = np.random.default_rng(3)
    truth = 1.0 + 0.8 * np.maximum(15 - t, 0)
    whole.values[0] = (truth * np.exp(rng.normal(0, 0.05, DAYS))).astype(np.float32)
    holes = replace(whole, values=whole.values.copy())
    holes.values[0, 5:30] = np.nan  # the cold end of the year: filling by the mean would miss half of it
    a, b = run(whole), run(holes)
    assert b.filled_days[0, 0] >= 25
    assert b.energy[0, 0] == pytest.approx(a.energy[0, 0], rel=0.01)
    expected = fit_change_points(holes.values[:1], t).predict(t[5:30]).sum()
    rest = np.nansum(holes.values[0, :365])
    assert b.energy[0, 0] == pytest.approx(rest + expected, rel=2e-3)


def test_a_day_without_a_temperature_is_filled_at_that_of_its_neighbours_not_at_zero_degrees():
    p = panel(4)
    values = p.values.copy()
    t = temperature()
    values[:, 200] = np.nan
    t[200] = np.nan
    found = summarise(
        PanelSource(replace(p, values=values)), CleaningSpec(), around(temperature_c=t), np.zeros(4, int), 1
    )
    near = np.r_[found.fleet_days[196:200], found.fleet_days[201:205]]
    assert found.fleet_days[200] < 1.5 * near.max()


def test_the_readings_of_the_source_are_not_changed():
    p = panel(8)
    before = p.values.copy()
    run(p)
    np.testing.assert_array_equal(before, p.values)


def test_what_is_known_by_meter_goes_with_the_meters_of_the_block():
    volume = np.arange(40.0)
    recipe = Recipe(CleaningSpec(), around(volume_m3=volume), np.zeros(40, int), 1, None)
    part = recipe.around_of(10, 25)
    np.testing.assert_array_equal(part.volume_m3, volume[10:25])
    assert part.temperature_c is recipe.around.temperature_c


def test_peak_day_and_coldest_week_are_those_of_the_year():
    p = panel(5)
    found = run(p)
    t = temperature()
    k = int(np.argmin(np.convolve(t[:365], np.ones(7), "valid")))
    week = p.values[0, k : k + 7]
    if np.isfinite(week).all():
        assert found.coldest_week[0, 0] == pytest.approx(week.mean(), rel=1e-5)
    assert (found.peak_day >= found.coldest_week).all() or not found.usable.all()
    assert found.peak_day[0, 0] >= np.nanmax(p.values[0, :365]) * 0.999


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_block_that_fails_is_named_by_its_meters(jobs: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stream, "FEW_READINGS", 0)
    p = panel(160)
    source = Broken(p, ValueError("row group torn"))
    with pytest.raises(RunError, match=r"P507 meters 65 to 96 \(g00064 to g00095\).*row group torn"):
        summarise(source, CleaningSpec(), around(), np.zeros(160, int), 1, block=32, jobs=jobs)
    torn = Broken(p, DataError(Problem("P200", "gas.parquet", "cut in half")))
    with pytest.raises(DataError, match=r"meters 65 to 96.*\n.*P200 gas.parquet: cut in half"):
        summarise(torn, CleaningSpec(), around(), np.zeros(160, int), 1, block=32, jobs=jobs)


def test_no_meters_are_an_error_that_says_so():
    p = panel(5).rows(slice(0, 0))
    with pytest.raises(DataError, match=r"P202 gas meters: there are no meters"):
        run(p, stage="gas meters")


def test_audit_lines_are_capped_while_counters_are_complete():
    p = panel(60)
    p.values[:, ::40] = -3.0
    few, many = run(p, block=16, audit_lines=12), run(p, block=16)
    assert len(few.audit) <= 12
    assert few.counts.keys() == many.counts.keys()
    for rule in many.counts:
        np.testing.assert_array_equal(few.counts[rule], many.counts[rule])


def test_progress_counts_the_parts():
    told: list[tuple[str, int]] = []

    class Told:
        def stage(self, name: str, total: int) -> None:
            told.append((name, total))

        def advance(self, done: int, info: object) -> None:
            told.append(("done", done))

    run(panel(40), block=16, progress=Told(), stage="gas meters")
    assert told == [("gas meters", 3), ("done", 1), ("done", 2), ("done", 3)]
