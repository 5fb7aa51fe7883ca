"""Shapes of the day: measured, BDEW, When2Heat; each use at its own profile, and nobody heats in July."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from varme.ground.errors import InputError
from varme.retrofit.demand.load import electricity_by_hour
from varme.retrofit.demand.profiles import fleet_days, measured_shapes, of_measured, refine
from varme.retrofit.demand.standard import (
    bdew_factors,
    by_local_step,
    electric_shapes,
    heat_shapes,
    reference_temperature,
    temperature_class,
    when2heat_factors,
    when2heat_threshold_c,
)

Floats = NDArray[np.float64]
WHEN2HEAT = Path(__file__).resolve().parents[3] / "shared" / "data" / "profiles" / "when2heat_parameters"


@dataclass(frozen=True)
class Line:
    """COP 3 at 5 C, some per cent per kelvin."""

    slope: float = 0.02
    level: float = 3.0

    def cop(self, temperature_c: Floats | float) -> Floats:
        return self.level * np.exp(self.slope * (np.asarray(temperature_c, dtype=float) - 5))


def calendar(days: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return day and hour of so many days of 24 hours."""
    return np.repeat(np.arange(days), 24), np.tile(np.arange(24), days)


def pumps(t: Floats, weekend: NDArray[np.bool_], meters: int = 5, seed: int = 1) -> NDArray[np.float32]:
    """Return meters whose morning peak grows in the cold, and comes two hours later at the weekend."""
    rng = np.random.default_rng(seed)
    hour = np.arange(24)
    peak = np.where(weekend, 9, 7)[:, None]
    height = np.clip((15 - t) / 20, 0.1, 1.5)[:, None]
    shape = 1 + height * np.exp(-(((hour - peak) / 1.5) ** 2))
    energy = np.maximum(16 - t, 1)[:, None] * shape / shape.sum(axis=1, keepdims=True)
    out = (
        energy.ravel()[None, :]
        * rng.lognormal(0, 0.3, (meters, 1))
        * rng.lognormal(0, 0.05, (meters, len(t) * 24))
    )
    return np.asarray(out, dtype=np.float32)


def truth(t: float, weekend: bool) -> Floats:
    hour = np.arange(24)
    shape = 1 + np.clip((15 - t) / 20, 0.1, 1.5) * np.exp(-(((hour - (9 if weekend else 7)) / 1.5) ** 2))
    return np.asarray(shape / shape.sum())


# ------------------------------------------------------------------------------------------------------ measured


def test_measured_shapes_follow_temperature_and_weekend():
    """The shape at each temperature is found, for weekdays and weekends, and every row sums to one."""
    rng = np.random.default_rng(1)
    t = rng.uniform(-10, 20, 800)
    weekend = np.arange(800) % 7 >= 5
    day, hour = calendar(800)
    shapes = measured_shapes(pumps(t, weekend), day, hour, t, weekend=weekend)
    assert shapes.weekend_share is not None
    for rows in (shapes.share, shapes.weekend_share):
        assert rows.sum(axis=1) == pytest.approx(1)
    asked = np.array([-6.0, 0.0, 8.0])
    for kind in (False, True):
        found = shapes.of_days(asked, np.full(3, kind))
        for row, at in zip(found, asked, strict=True):
            assert np.abs(row - truth(at, kind)).max() < 0.006
    assert (shapes.low_c, shapes.high_c) == (t.min(), t.max())


def test_rare_temperatures_borrow_from_their_neighbours():
    """One cold day among mild ones: its shape rests on more than itself, and its row says how far it borrowed."""
    t = np.concatenate([np.random.default_rng(2).uniform(2, 12, 300), [-9.0]])
    day, hour = calendar(301)
    values = pumps(t, np.zeros(301, dtype=bool))
    values[:, -24:] = 0
    values[:, -24] = 50.0
    shapes = measured_shapes(values, day, hour, t)
    row = shapes.of_days(np.array([-9.0]))[0]
    assert shapes.bandwidth_k is not None
    assert shapes.bandwidth_k[0] > 3
    assert row[0] < 0.95
    assert shapes.effective_days is not None
    assert (shapes.effective_days[shapes.edges_c.searchsorted([5.0])] > 15).all()


def test_a_gap_bends_no_shape():
    """A meter that misses half of each day is left out of that day instead of pulling the other hours up."""
    t = np.full(60, 3.0)
    day, hour = calendar(60)
    values = pumps(t, np.zeros(60, dtype=bool))
    whole = measured_shapes(values, day, hour, t)
    holed = values.copy()
    holed[0, hour < 12] = np.nan
    got = measured_shapes(holed, day, hour, t)
    naive = np.nansum(holed, axis=0).reshape(60, 24).sum(axis=0)
    assert np.abs(got.share - whole.share).max() < 0.002
    assert np.abs(naive / naive.sum() - whole.share[0]).max() > 0.004


def test_days_of_changed_clocks_are_left_out_and_still_served():
    """23 and 25 hours teach no shape, but a day of 23 hours gets all its energy, and so does one of 25."""
    length = np.array([24] * 30 + [23] + [24] * 30 + [25])
    day = np.repeat(np.arange(62), length)
    hour = np.concatenate(
        [np.arange(24)] * 30 + [np.r_[0:2, 3:24]] + [np.arange(24)] * 30 + [np.r_[0:3, 2:24]]
    )
    values = np.ones((2, len(day)), dtype=np.float32)
    cube, meters = fleet_days(values, day, hour, 24)
    assert np.isnan(cube[[30, 61]]).all()
    assert np.isfinite(np.delete(cube, [30, 61], axis=0)).all()
    assert meters.tolist() == [2] * 62
    t = np.full(62, 5.0)
    shapes = measured_shapes(values, day, hour, t)
    load = electricity_by_hour(np.full((1, 62), 10.0), t, shapes, day, hour)
    assert np.bincount(day, load[0]) == pytest.approx(10.0)


def test_nothing_measured_is_said():
    """No whole day anywhere: an error, not a shape of nothing."""
    day, hour = calendar(3)
    with pytest.raises(ValueError, match="no day has a whole"):
        measured_shapes(np.full((2, 72), np.nan, dtype=np.float32), day, hour, np.zeros(3))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), parts=st.sampled_from([2, 4]))
def test_refining_keeps_every_hour_and_makes_no_new_peak(seed, parts):
    """Quarter-hours of an hour sum to it, none is negative or higher than what its hour and the next two allow."""
    share = np.random.default_rng(seed).gamma(0.7, 1, (3, 24))
    share /= share.sum(axis=1, keepdims=True)
    fine = refine(share, 24 * parts)
    assert fine.reshape(3, 24, parts).sum(axis=2) == pytest.approx(share)
    assert fine.min() >= 0
    assert (fine * parts).max() <= share.max() + 1e-12
    assert refine(fine, 24) == pytest.approx(share)


def test_steps_that_do_not_divide_are_refused():
    """24 hours do not become 36 steps."""
    with pytest.raises(ValueError, match="cannot become"):
        refine(np.full((1, 24), 1 / 24), 36)


def test_measured_quarter_hours_stay_quarter_hours():
    """Meters of 15 minutes give shapes of 96 steps; a peak within the hour is kept."""
    day, step = np.repeat(np.arange(30), 96), np.tile(np.arange(96), 30)
    values = np.where(step % 4 == 1, 3.0, 1.0)[None, :].astype(np.float32)
    shapes = measured_shapes(values, day, step, np.full(30, 2.0), steps_per_day=96)
    assert shapes.steps_per_day == 96
    assert shapes.share[0].max() == pytest.approx(3 / (24 * 6))
    assert shapes.refined(24).share[0] == pytest.approx(1 / 24)


# ------------------------------------------------------------------------------------------- standard profiles


def test_reference_temperature_is_the_geometric_series():
    """A single cold day counts 8/15 on its day, then half of that each day, and is gone after four."""
    t = np.zeros(8)
    t[3] = -15.0
    assert reference_temperature(t) == pytest.approx([0, 0, 0, -8, -4, -2, -1, 0])


def test_temperature_classes_are_upper_ends_included():
    """The class of BDEW: up to -15, then steps of 5 K with their upper end."""
    asked = np.array([-30, -15, -14.9, -10, 0, 0.1, 5, 24.9, 25, 25.1, 45])
    assert temperature_class(asked).tolist() == [0, 0, 1, 1, 3, 4, 4, 8, 8, 9, 9]


def when2heat_folder(path: Path) -> Path:
    """Write made-up files in When2Heat's layout: a night profile in the cold, hot water at six in the evening."""
    head = ";" + ";".join(f"{c}" for c in range(-15, 31, 5))
    lines = [head]
    for hour in range(24):
        cells = ["0,125" if hour < 8 else "0,0"] * 9 + ["1,0" if hour == 18 else "0,0"]
        lines.append(f"{hour:02d}:00;" + ";".join(cells))
    for name in ("SFH", "MFH"):
        (path / f"hourly_factors_{name}.csv").write_text("\ufeff" + "\n".join(lines) + "\n", encoding="utf-8")
    (path / "heating_thresholds.csv").write_text(
        "\ufeff;Heating threshold\nDE;13,98\nDK;15,2\n", encoding="utf-8"
    )
    return path


def test_each_use_has_its_own_profile(tmp_path: Path):
    """PyPSA-Eur's fault: room heat is at night and hot water at six in the evening, and not the other way round."""
    factors = when2heat_factors(when2heat_folder(tmp_path))
    cold = reference_temperature(np.full(5, -3.0))
    space, water = heat_shapes(factors, cold, np.zeros(5, dtype=np.int64), np.full(5, 0.1))
    assert space[:, :8] == pytest.approx(0.125)
    assert water[:, 18] == pytest.approx(1.0)
    assert space[:, 18].max() == 0
    rows, _, _ = electric_shapes(space, water, np.full((5, 24), -3.0), Line(), Line(), "made up")
    heating, tap = 40.0, 5.0
    load = heating * rows.space[0] + tap * rows.water[0]
    assert load[:8].sum() == pytest.approx(heating)
    assert load[18] == pytest.approx(tap)


def test_electricity_follows_the_cop_of_each_hour():
    """Flat heat over a day of -5 C by night and 5 C by day: the night's share is higher by the ratio of the COPs."""
    t = np.where(np.arange(24) < 12, -5.0, 5.0)[None, :]
    flat = np.full((1, 24), 1 / 24)
    rows, space_cop, _ = electric_shapes(flat, flat, t, Line(), Line(0.0), "made up")
    assert rows.space[0, 0] / rows.space[0, 23] == pytest.approx(np.exp(0.2))
    assert rows.water[0] == pytest.approx(1 / 24)
    assert space_cop[0] == pytest.approx(1 / np.mean(1 / Line().cop(t[0])))


def test_when2heat_files_that_do_not_fit_are_named(tmp_path: Path):
    """Missing folder, missing file, decimal points, lost columns, lost hours: each says what and where."""
    with pytest.raises(InputError, match=r"P124.*folder does not exist"):
        when2heat_factors(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"P124.*no hourly_factors_SFH.csv"):
        when2heat_factors(tmp_path)
    folder = when2heat_folder(tmp_path)
    file = folder / "hourly_factors_SFH.csv"
    good = file.read_text(encoding="utf-8")
    cases = {
        r"not a table separated by semicolons": good.replace(";", ","),
        r"not one line per hour.*24": "\n".join(good.splitlines()[:20]),
        r"not the temperature classes": good.replace(";-15;", ";-20;"),
        r"line 2.*not a number": good.replace("0,125", "ca. 0,1", 1),
        r"do not sum to 1": good.replace("0,125", "0,225"),
    }
    for text, content in cases.items():
        file.write_text(content, encoding="utf-8")
        with pytest.raises(InputError, match=f"P125.*{text}|(?s:P125.*{text})"):
            when2heat_factors(folder)


def test_thresholds_of_when2heat(tmp_path: Path):
    """Decimal commas are read; an unknown country is answered with those that there are."""
    folder = when2heat_folder(tmp_path)
    assert when2heat_threshold_c(folder, "DK") == 15.2
    with pytest.raises(InputError, match=r"P125.*DE, DK"):
        when2heat_threshold_c(folder, "XX")


def test_the_shipped_when2heat_files():
    """The real files: every class sums to one, cold days are flat, warm ones have a morning peak of hot water."""
    if not WHEN2HEAT.is_dir():
        pytest.skip(
            f"When2Heat's parameter files are not here ({WHEN2HEAT}); they are not part of the project"
        )
    for building in ("SFH", "MFH", "COM"):
        factors = when2heat_factors(WHEN2HEAT, building)
        assert factors.space.shape == (7, 10, 24)
        assert factors.space.sum(axis=2) == pytest.approx(1)
    single = when2heat_factors(WHEN2HEAT, "SFH")
    assert single.space[0, 0].max() < 0.06
    assert single.water[0].argmax() == 6
    assert when2heat_threshold_c(WHEN2HEAT, "DE") == 13.98


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_bdew_factors_are_those_of_demandlib():
    """The factors that are read out of demandlib give its own hourly profile of a cold week back."""
    pytest.importorskip("demandlib")
    import pandas as pd
    from demandlib import bdew

    factors = bdew_factors(5, "EFH")
    assert factors.space.sum(axis=2) == pytest.approx(1)
    index = pd.date_range("2023-01-02", periods=24 * 10, freq="h")
    cold = pd.Series(np.full(240, -3.2), index=index)
    profile = bdew.HeatBuilding(
        index,
        temperature=cold,
        shlp_type="EFH",
        building_class=5,
        wind_class=0,
        annual_heat_demand=1.0,
        name="EFH",
    ).get_bdew_profile()
    last = np.asarray(profile)[-24:]
    space, _ = heat_shapes(factors, np.array([-3.2]), np.zeros(1, dtype=np.int64), np.zeros(1))
    assert space[0] == pytest.approx(last / last.sum())


def test_without_demandlib_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch):
    """The pip command and the other sources are in the message."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"P124.*pip install"):
        bdew_factors()


def test_local_steps_serve_skipped_and_doubled_hours():
    """The skipped hour has the day's mean, the doubled one the mean of both."""
    day = np.repeat([0, 1], [23, 25])
    hour = np.concatenate([np.r_[0:2, 3:24], np.r_[0:3, 2:24]])
    values = np.ones(48)
    values[23 + 2], values[23 + 3] = 4.0, 8.0
    table = by_local_step(values, day, hour, 24)
    assert table[0] == pytest.approx(1.0)
    assert table[1, 2] == pytest.approx(6.0)


def test_meters_give_one_shape_to_both_uses():
    """A meter cannot tell room heat from hot water: both follow what it measured."""
    t = np.full(40, 4.0)
    day, hour = calendar(40)
    shapes = measured_shapes(pumps(t, np.zeros(40, dtype=bool)), day, hour, t)
    rows = of_measured(shapes, t)
    assert rows.space is rows.water
    assert rows.source == "heat-pump meters of the town"
