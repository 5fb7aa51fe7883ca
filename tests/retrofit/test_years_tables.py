"""Tables, charts and findings of years, curve and sources: they say what the estimates say."""

import numpy as np
import pytest

from tests.retrofit.fleets import make_fleets
from varme.ground.result import Result
from varme.report.png import write_pngs
from varme.retrofit.spf.curve import CopCurve, fit_cop_curve, prior_cop_curve
from varme.retrofit.spf.joint import YearLevel, joint_estimate
from varme.retrofit.spf.mixture import estimate_mixture
from varme.retrofit.spf.years import panel_changes
from varme.retrofit.spf.years_findings import years_findings
from varme.retrofit.spf.years_tables import (
    SCHEMAS,
    changes_table,
    curve_table,
    intervals_table,
    mixture_table,
    sensitivity_table,
    years_charts,
    years_table,
)

YEARS, WINTER_C = (2019, 2020, 2021), np.array([3.8, 4.6, 2.8])


@pytest.fixture(scope="module")
def town():
    rng = np.random.default_rng(1)
    q = rng.normal(0, 0.5, 400)[:, None] + rng.normal(0, 0.08, (400, 3))
    e = rng.normal(0, 0.5, 73)[:, None] + rng.normal(0, 0.08, (73, 3)) - np.log(3.3)
    panel = panel_changes(np.exp(q), np.exp(e), YEARS, WINTER_C)
    levels = [YearLevel(y, np.log(b), 0.06, 75) for y, b in zip(YEARS, (3.3, 3.7, 3.0), strict=True)]
    fleets = make_fleets(1, own_felt_k=0.3)
    curve = fit_cop_curve(fleets.heat, fleets.electricity, fleets.temperature_c)
    curve = curve.scaled_to(3.0, fleets.heat, fleets.temperature_c)
    return (
        panel,
        joint_estimate(levels, panel, curve, WINTER_C),
        curve,
        fleets,
        estimate_mixture(q[:, 0], e[:, 0]),
    )


@pytest.fixture(scope="module")
def tables(town):
    panel, joint, curve, fleets, mixture = town
    made = [
        years_table(joint, panel, 0.105), changes_table(joint, panel), intervals_table(joint, panel, mixture),
        curve_table(curve, fleets.heat, fleets.temperature_c), sensitivity_table(joint), mixture_table(mixture),
    ]  # fmt: skip
    return {table.schema.name: table for table in made}


def test_every_schema_has_its_table(tables):
    assert set(tables) == {schema.name for schema in SCHEMAS}
    assert all(len(table) for table in tables.values())


def test_years_hold_estimate_and_interval(tables, town):
    years, joint = tables["years"], town[1]
    assert (years.column("joint_low_ratio") < years.column("joint_b_ratio")).all()
    np.testing.assert_allclose(years.column("joint_spf"), joint.b_ratio * 0.895)
    np.testing.assert_allclose(years.column("level_b_ratio"), [3.3, 3.7, 3.0])
    low, high = years.column("panel_low_share"), years.column("panel_high_share")
    assert ((low < years.column("panel_effect_share")) & (years.column("panel_effect_share") < high)).all()


def test_box_plots_show_the_very_interval(tables, town):
    table, joint = tables["year_intervals"], town[1]
    mine = (table.column("label") == "2019") & (table.column("way") == "years joined")
    five = np.quantile(table.column("b_ratio")[mine], [0.05, 0.5, 0.95])
    np.testing.assert_allclose(five, [joint.low_ratio[0], joint.b_ratio[0], joint.high_ratio[0]])


def test_all_heat_has_the_spf_and_space_heating_a_better_cop(tables, town):
    table, fleets = tables["cop_curve"], town[3]
    t = table.column("temperature_c")
    all_heat = np.interp(fleets.temperature_c, t, table.column("all_heat_cop"))
    assert fleets.heat.sum() / (fleets.heat / all_heat).sum() == pytest.approx(3.0, rel=0.01)
    mild = (t > 0) & (t < 12)
    assert (table.column("space_cop")[mild] > table.column("all_heat_cop")[mild]).all()
    assert (table.column("low_cop") <= table.column("space_cop")).all()
    assert table.column("measured")[np.abs(t - 5) < 0.1].all()
    assert not table.column("measured")[t < fleets.temperature_c.min() - 1].any()


def test_charts_draw(tables, tmp_path):
    charts = years_charts(tables)
    assert [c.name for c in charts] == ["cop_curve", "b_by_year", "year_changes", "b_by_source"]
    result = Result(kind="retrofit", title="x", summary={}, data=tables, charts=tuple(charts))
    assert all(
        path.stat().st_size > 5000 for path in write_pngs(result, tmp_path, width_px=400, height_px=300)
    )


def test_without_panel_and_sources_nothing_is_made_up():
    joint = joint_estimate([YearLevel(2019, np.log(3.3), 0.06)])
    tables = {t.schema.name: t for t in (years_table(joint, None, 0.1), intervals_table(joint))}
    assert len(changes_table(joint, None)) == 0
    assert np.isnan(tables["years"].column("panel_effect_share")).all()
    assert [c.name for c in years_charts(tables)] == ["b_by_year"]


def codes(*args):
    return {f.code: f.severity for f in years_findings(*args)}


def test_swings_of_single_years_that_the_panel_does_not_see_are_found(town):
    panel, joint, curve, _, mixture = town
    found = codes(joint, panel, curve, mixture)
    assert found["year_change_unsupported"] == "warning"
    assert found["sources_not_told_apart"] == "note"
    assert "cop_slope_implausible" not in found


def test_a_real_change_is_told_as_one():
    rng = np.random.default_rng(3)
    q = rng.normal(0, 0.5, 400)[:, None] + rng.normal(0, 0.05, (400, 3))
    e = rng.normal(0, 0.5, 73)[:, None] + rng.normal(0, 0.05, (73, 3)) - [0.0, 0.25, 0.0]
    panel = panel_changes(np.exp(q), np.exp(e), YEARS, WINTER_C)
    joint = joint_estimate(
        [YearLevel(y, 1.2 + c, 0.06) for y, c in zip(YEARS, (0.0, 0.25, 0.0), strict=True)], panel
    )
    assert "year_beyond_temperature" in codes(joint, panel, CopCurve(3.0, 5.0, 0.022, 0.002))


@pytest.mark.parametrize(
    ("curve", "code"),
    [
        (prior_cop_curve(), "cop_curve_from_prior"),
        (CopCurve(3.0, 5.0, 0.05, 0.002), "cop_slope_implausible"),
        (CopCurve(3.0, 5.0, 0.001, 0.002), "cop_slope_implausible"),
        (CopCurve(3.0, 5.0, 0.02, 0.002, limit_shift_k=-1.2, limit_shift_se_k=0.2), "heating_limits_differ"),
    ],
)
def test_what_is_odd_about_a_curve_is_found(curve, code):
    assert set(codes(None, None, curve)) == {code}


def test_years_without_common_meters_are_found():
    rng = np.random.default_rng(4)
    heat, used = np.exp(rng.normal(size=(60, 2))), np.exp(rng.normal(size=(60, 2)))
    used[:30, 0] = np.nan
    used[30:, 1] = np.nan
    panel = panel_changes(heat, used, (2019, 2020))
    joint = joint_estimate([YearLevel(2019, 1.2, 0.06), YearLevel(2020, 1.2, 0.06)], panel)
    assert "years_not_linked" in codes(joint, panel, CopCurve(3.0, 5.0, 0.02, 0.002))
