"""Tables and findings of change-point models: what they show, what they hide, what they say."""

from __future__ import annotations

import numpy as np
import pytest

from varme.ground.units import unit_of
from varme.retrofit.demand import change_point_tables as tables
from varme.retrofit.demand.change_point import ChangePoints, fit_change_points
from varme.retrofit.demand.normalise import normalise, weather_of_years

DAYS = np.arange("2019-01-01", "2022-01-01", dtype="datetime64[D]")
YEARS = (2019, 2020, 2021)
CALENDAR = DAYS.astype("datetime64[Y]").astype(int) + 1970


@pytest.fixture(scope="module")
def town() -> tuple[np.ndarray, np.ndarray, ChangePoints]:
    rng = np.random.default_rng(2)
    day = np.arange(len(DAYS))
    t = 10 - 8.5 * np.cos(2 * np.pi * (day - 15) / 365.25) + rng.normal(0, 2.5, len(day))
    limit = np.r_[rng.normal(15, 0.6, 57), 11.0, 19.0, 19.2]
    y = 8 + 3 * np.maximum(limit[:, None] - t, 0) + rng.normal(0, 2, (60, len(t)))
    y[-1] = rng.gamma(4, 0.5, len(t))
    return t, y, fit_change_points(y.astype(np.float32), t)


def annual(y: np.ndarray) -> np.ndarray:
    return np.stack([y[:, year == CALENDAR].sum(axis=1) for year in YEARS], axis=1)


def test_every_physical_column_ends_in_its_unit():
    for schema in tables.SCHEMAS:
        for column in schema.columns:
            if column.dtype in {"number", "integer"}:
                assert unit_of(column.name), f"{schema.name}.{column.name}"


def test_the_table_of_models_has_a_row_for_each_meter_with_intervals_around_the_estimate(town):
    _, _, fits = town
    table = tables.change_point_table(fits, [f"M{i}" for i in range(60)])
    assert len(table) == 60
    assert set(table.column("verdict")) == {"heating", "no heating"}
    heats = table.column("verdict") == "heating"
    for name, unit in (("slope", "kwh_th_per_k_day"), ("limit", "c"), ("base", "kwh_th_per_day")):
        low, value, high = (table.column(f"{name}{part}_{unit}")[heats] for part in ("_low", "", "_high"))
        assert (low <= value).all(), name
        assert (value <= high).all(), name


def test_classes_of_limits_never_hold_fewer_than_k_meters_and_lose_none(town):
    _, _, fits = town
    table = tables.limits_table(fits, 5)
    counts = table.column("meters_count")
    assert counts.min() >= 5
    assert counts.sum() == 59
    assert table.column("meters_share").sum() == pytest.approx(1)
    assert len(tables.limits_table(fits.rows(slice(0, 3)), 5)) == 0


def test_the_fleets_mean_does_not_jump_when_meters_are_missing_in_a_year(town):
    t, y, _ = town
    usable = np.ones((60, 3), dtype=bool)
    usable[:40, 1] = False
    sums = np.where(CALENDAR == 2020, y[40:].sum(axis=0), y.sum(axis=0))
    table = tables.fleet_table(DAYS, t, sums, usable, YEARS)
    heat, model = table.column("heat_kwh_th_per_day"), table.column("model_kwh_th_per_day")
    assert len(table) == len(DAYS)
    assert np.abs(heat / model - 1).mean() < 0.05
    assert tables.fleet_mean(DAYS, sums, np.zeros((60, 3), bool), YEARS).size == len(DAYS)


def test_a_year_against_the_weather_is_found_and_a_cold_year_is_not(town):
    t, y, fits = town
    reference = weather_of_years(DAYS, t, YEARS)
    quiet = normalise(fits, annual(y), DAYS, t, YEARS, reference)
    assert tables.normalised_findings(quiet) == []
    energy = annual(y)
    energy[:, 2] *= 0.93
    found = tables.normalised_findings(normalise(fits, energy, DAYS, t, YEARS, reference))
    assert [f.code for f in found][-1] == "total_against_weather"
    assert "2021" in found[-1].where
    assert found[-1].evidence["unexplained"] == pytest.approx(-0.07, abs=0.01)
    table = tables.normalised_table(normalise(fits, energy, DAYS, t, YEARS, reference), energy)
    np.testing.assert_allclose(table.column("measured_gwh_th"), energy.sum(axis=0) / 1e6)
    assert (table.column("panel_low_gwh_th") <= table.column("panel_normalised_gwh_th")).all()
    assert table.column("panel_meters_count").tolist() == [60] * 3


def test_findings_count_what_is_unclear_and_what_was_filled(town):
    _, _, fits = town
    found = {f.code: f for f in tables.findings(fits, np.full((60, 3), 30, np.int16))}
    assert found["no_heating_seen"].evidence["meters"] == 1
    assert found["no_heating_seen"].severity == "note"
    assert found["filled_by_model"].severity == "warning"
    assert found["filled_by_model"].evidence["share"] == pytest.approx(30 / 365.25)
    assert "filled_by_model" not in {f.code for f in tables.findings(fits, np.zeros((60, 3), np.int16))}


def test_charts_are_drawn_over_columns_that_exist():
    schemas = {schema.name: schema for schema in tables.SCHEMAS}
    for chart in tables.charts():
        for column in chart.columns():
            assert schemas[chart.table][column].name == column
        assert chart.x_label
        assert chart.note
