"""The paper's figures: derived ones to the printed digit, its inconsistent totals, and a town that has its B."""

import numpy as np
import pytest

from varme.data.synthetic.town import TownSpec, build_town
from varme.data.synthetic.town_weather import town_weather
from varme.retrofit.published import (
    GAMMA,
    GWH,
    HEAT_GWH_TH,
    HOMES,
    HOUSEHOLD_GWH,
    RISE_PERCENT,
    SPF,
    WINTER_C,
    YEARS,
    B,
    Ours,
    correlations,
    paper_findings,
    published_chart,
    published_figures,
    published_table,
    trend_findings,
    volume_correlation,
    winter_degree_days,
)
from varme.retrofit.spf.estimate import estimate_b
from varme.retrofit.spf.spec import SpfSpec
from varme.retrofit.spf.tornado import combine


def test_derived_figures_come_to_the_printed_digit():
    derived = [f for f in published_figures() if np.isfinite(f.formula)]
    assert {f.name for f in derived} == {"spf", "gwh", "rise"}
    assert all(f.reproduced for f in derived)


def test_spf_by_hand():
    """3.3 x 0.895 = 2.9535, 3.5 x 0.895 = 3.1325, 3.0 x 0.895 = 2.685."""
    assert [round(b * (1 - GAMMA), 1) for b in B] == list(SPF)


def test_electricity_and_rise_by_hand():
    """31.7 / 3.3 = 9.606; 9.6 / 6.44 = 149.07 %; heat per home 22.6, 21.8, 21.6 MWh."""
    assert [round(q / b, 1) for q, b in zip(HEAT_GWH_TH, B, strict=True)] == list(GWH)
    assert [round(100 * e / h) for e, h in zip(GWH, HOUSEHOLD_GWH, strict=True)] == list(RISE_PERCENT)
    assert [round(1000 * q / HOMES, 1) for q in HEAT_GWH_TH] == [22.6, 21.8, 21.6]


def test_a_wrong_formula_would_be_seen():
    """The prose of the paper once calls 1/B "SPF divided by 1 - gamma": with SPF = B / (1 - gamma) no digit fits."""
    assert [round(b / (1 - GAMMA), 1) for b in B] != list(SPF)


def test_the_papers_totals_are_caught():
    found = {f.code: f for f in paper_findings()}
    assert set(found) == {
        "totals_against_degree_days",
        "household_demand_inconsistent",
        "trend_of_b_not_physical",
    }
    totals = found["totals_against_degree_days"]
    assert totals.severity == "alarm"
    assert "-4.4 %" in totals.message
    assert "the colder year has the lower total" in totals.message
    assert "8.6 % per kelvin" in found["trend_of_b_not_physical"].message
    assert "cannot be told apart" in found["trend_of_b_not_physical"].message


def test_a_winter_one_kelvin_colder_means_about_five_percent_more_heat():
    days = winter_degree_days(WINTER_C)
    assert 1.04 < 1 + 0.85 * (days[2] / days[0] - 1) < 1.06


def test_a_physical_trend_is_no_finding():
    assert trend_findings((3.30, 3.33, 3.26), WINTER_C, YEARS) == []
    assert trend_findings((3.3,), (3.8,), (2019,)) == []


def test_the_table_says_what_is_implied_and_compares_ours():
    ours = {("b", 2019): Ours(3.2, 2.9, 3.5), ("spf", 2019): Ours(2.96), ("b", 2021): Ours(3.6, 3.4, 3.8)}
    table = published_table(ours)
    verdict = dict(
        zip(
            zip(table.column("figure"), table.column("year"), strict=True),
            table.column("verdict"),
            strict=True,
        )
    )
    assert verdict["B = SPF / (1 - gamma)", "2019"] == "inside our interval"
    assert verdict["B = SPF / (1 - gamma)", "2021"] == "outside our interval"
    assert verdict["SPF", "2019"] == "formula gives the printed digit; ours is the same"
    assert "no independent check" in verdict["electricity if all switch [GWh]", "2020"]
    chart = published_chart()[0]
    assert len(chart.data({"published": table})) == 3


@pytest.fixture(scope="module")
def towns():
    """Four towns with the paper's B by year and evenly drawn heat pumps, so that sampling noise is small."""
    return [
        build_town(TownSpec(seed=s, b_by_year_ratio=B, faults=False, even_draws=True))
        for s in (11, 12, 13, 14)
    ]


def estimates(town, method, *, volumes):
    n = town.spec.gas_meters_count
    heat, electricity = town.truth["heat_kwh_th"][:n], town.truth["electricity_kwh"]
    v = town.buildings["volume_m3"]
    known = ({"volume_m3": v[:n]}, {"volume_m3": v[n:]}) if volumes else (None, None)
    spec = SpfSpec(method=method, gamma_share=GAMMA)
    return [estimate_b(heat[:, k], electricity[:, k], spec, *known) for k in range(3)]


def test_the_papers_method_returns_the_papers_b_on_average(towns):
    """A grid step is 0.1 and one town's minimum has a noise of 0.3: the mean of four lies within 0.2 of the truth."""
    found = np.array([[e.b_ratio for e in estimates(t, "paper", volumes=False)] for t in towns])
    np.testing.assert_allclose(found.mean(axis=0), B, atol=0.2)
    assert np.allclose(found * 10, np.round(found * 10), atol=1e-6)


def test_the_default_method_returns_them_in_every_town_with_an_interval_that_holds_them(towns):
    for town in towns:
        found = estimates(town, "adjusted", volumes=True)
        np.testing.assert_allclose([e.b_ratio for e in found], B, atol=0.15)
        for k, estimate in enumerate(found):
            interval = combine(estimate, [], GAMMA, 0.03)
            assert interval.low < SPF[k] < interval.high
            assert interval.high - interval.low > 0.3


def test_the_towns_correlations_are_the_papers(towns):
    town = towns[0]
    weather = town_weather(town.spec)
    pumps = np.add.reduceat(town.heat_pumps.values, weather.edges, axis=1).mean(axis=0)
    ours = correlations(town.gas.values.mean(axis=0), pumps, weather.daily_c, weather.year, YEARS)
    ours |= volume_correlation(town.truth["heat_kwh_th"][:HOMES], town.buildings["volume_m3"][:HOMES])
    table = published_table(ours)
    for figure in published_figures():
        if (figure.name, figure.year) in ours:
            assert ours[figure.name, figure.year].value == pytest.approx(figure.low, abs=0.045)
    verdict = table.column("verdict").tolist()
    assert sum(bool(v) for v in verdict) == 9 + 10
    assert verdict[-1] == "ours is the same"
    assert any("within the paper's years" in v for v in verdict)
