"""Power, identifiability, tables and charts: what a reader is told beside the figure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from varme.data.synthetic.population import SCENARIOS, PopulationSpec, sample_town
from varme.ground.result import Result
from varme.report.png import write_pngs
from varme.retrofit.spf import identify, tables
from varme.retrofit.spf.estimate import all_methods, estimate_b
from varme.retrofit.spf.power import half_width, heat_pumps_needed, power
from varme.retrofit.spf.spec import SpfSpec

SPEC = SpfSpec()


def estimates(town, spec=SPEC):
    known = ({"volume_m3": town.gas_volume_m3}, {"volume_m3": town.pump_volume_m3})
    arguments = (town.heat_kwh_th, town.electricity_kwh, spec, *known)
    return estimate_b(*arguments), all_methods(*arguments)


ONE, ALL = estimates(sample_town(SCENARIOS["mixed"], 3))


def codes(found):
    return {f.code for f in found}


# Power


def test_the_floor_is_that_of_two_means_by_hand():
    """s = 0.5: sd(log B) = 0.5 sqrt(1/1400 + 1/73) = 6.0 %, times t with 72 degrees of freedom."""
    assert half_width(0.5, 0.5, 1400, 73, 0.95) == pytest.approx(np.sinh(1.9935 * 0.0600), rel=0.002)


def test_seventy_three_heat_pumps_give_ten_percent_and_three_hundred_five():
    found = power(ONE, 0.95)
    assert found.now == 73
    assert 0.085 < found.now_half_width < 0.115
    at = dict(zip(found.heat_pumps.tolist(), found.half_width.tolist(), strict=True))
    assert at[300] == pytest.approx(0.05, abs=0.008)
    assert 240 < found.needed[0.05] < 420
    assert found.needed[0.20] < 30


def test_more_heat_pumps_are_never_worse_and_covariates_never_worse_than_none():
    found = power(ONE, 0.95)
    assert (np.diff(found.half_width) < 0).all()
    assert (found.half_width < found.floor * 1.02).all()


def test_the_number_needed_reaches_the_width_and_one_less_does_not():
    m = heat_pumps_needed(0.08, 0.38, 0.42, 1400, 0.95)
    assert half_width(0.38, 0.42, 1400, m, 0.95) <= 0.08 < half_width(0.38, 0.42, 1400, m - 1, 0.95)


def test_too_few_gas_meters_cannot_be_made_up_for():
    assert heat_pumps_needed(0.05, 0.5, 0.5, 100, 0.95) is None
    few = power(replace(ONE, heat_meters=150), 0.95)
    assert "out of reach with 150 gas meters" in tables.power_findings(few)[0].message


def test_the_simulated_spread_is_the_predicted_one():
    """Power is a promise: towns with 300 heat pumps have the interval that a town with 73 was told."""
    spec = SCENARIOS["pumps_300"]
    widths = []
    for seed in range(20):
        e, _ = estimates_only(sample_town(spec, seed))
        widths.append((e.high_ratio - e.low_ratio) / 2 / e.b_ratio)
    at = dict(
        zip(*(v.tolist() for v in (power(ONE, 0.95).heat_pumps, power(ONE, 0.95).half_width)), strict=True)
    )
    assert np.mean(widths) == pytest.approx(at[300], rel=0.12)


def estimates_only(town):
    known = ({"volume_m3": town.gas_volume_m3}, {"volume_m3": town.pump_volume_m3})
    return estimate_b(town.heat_kwh_th, town.electricity_kwh, SPEC, *known), None


# Identifiability


def test_gamma_is_never_identifiable():
    verdict = identify.verdicts(ONE, SPEC, ALL)[0]
    assert verdict.identifiable == "no"
    assert "no meter tells gamma" in verdict.why


def test_a_sound_town_has_nothing_but_the_flat_divergence():
    found = identify.findings(ONE, SPEC, ALL)
    assert codes(found) <= {"divergence_flat"}


def test_few_heat_pumps_are_said():
    one, others = estimates(sample_town(PopulationSpec(heat_pumps_count=6), 4))
    verdict = next(v for v in identify.verdicts(one, SPEC, others) if v.code == "few_heat_pumps")
    assert verdict.identifiable == "partly"
    assert "6 heat-pump meters" in verdict.why
    assert "spf_interval_wider_than_field" in codes(identify.findings(one, SPEC, others))


def test_groups_that_lie_apart_are_said():
    one, _ = estimates(sample_town(SCENARIOS["mixed"].model_copy(update={"size_ratio": 1.9}), 4))
    found = {f.code: f for f in identify.findings(one, SPEC)}
    assert found["covariate_overlap_poor"].evidence["difference_sd"] > 0.8


def test_missing_covariates_are_said():
    one, _ = estimates(sample_town(SCENARIOS["volume_missing"], 4))
    assert "covariate_missing" in codes(identify.findings(one, SPEC))
    bare = estimate_b(np.exp(np.random.default_rng(1).normal(10, 0.5, 99)), np.linspace(3000, 9000, 20), SPEC)
    assert "covariate_not_used" in codes(identify.findings(bare, SPEC))


def test_methods_that_disagree_are_said():
    far = replace(ALL[1], b_ratio=2 * ONE.b_ratio, log_se=0.02)
    found = {f.code: f for f in identify.findings(ONE, SPEC, [far])}
    assert found["methods_disagree"].evidence["method"] == far.method


def test_many_dirty_meters_are_said():
    town = sample_town(SCENARIOS["mixed"], 5)
    town.electricity_kwh[:12] *= 1000
    one, _ = estimates(town)
    found = {f.code: f for f in identify.findings(one, SPEC)}
    assert found["totals_doubted"].evidence == {"count": 12, "total": 73, "meters": "heat-pump"}


# Tables and charts


def test_spf_is_b_times_one_less_gamma_in_the_table():
    table = tables.spf_table({2019: ONE, 2020: ONE}, SPEC)
    assert len(table) == 2
    assert table.column("fleet_spf")[0] == pytest.approx(ONE.b_ratio * 0.895)
    assert table.column("b_ratio")[0] == ONE.b_ratio


def test_a_refused_method_has_no_figure_and_its_reason():
    _, found = estimates(sample_town(SCENARIOS["mixed"], 3), SpfSpec(b_max_ratio=2.5))
    table = tables.methods_table({2019: found}, SPEC)
    at = table.column("method").tolist().index("paper_lin")
    assert np.isnan(table.column("b_ratio")[at])
    assert "edge of the grid" in table.column("remark")[at]


def test_the_divergence_is_marked_at_its_minimum_and_within_the_interval():
    table = tables.divergence_table({2019: ALL})
    lin = table.column("kind") == "lin"
    d, minimum, inside = (
        table.column(c)[lin] for c in ("divergence_ratio", "minimum_ratio", "interval_ratio")
    )
    assert np.isfinite(minimum).sum() == 1
    assert np.nanmin(minimum) == d.min()
    e = next(e for e in ALL if e.method == "paper_lin")
    b = table.column("b_ratio")[lin]
    assert np.array_equal(np.isfinite(inside), (b >= e.low_ratio) & (b <= e.high_ratio))


def test_what_holds_in_every_year_is_said_once():
    bare = estimate_b(np.exp(np.random.default_rng(1).normal(10, 0.5, 99)), np.linspace(3000, 9000, 20), SPEC)
    found = tables.estimate_findings({2019: bare, 2020: bare, 2021: bare}, SPEC)
    assert [f.code for f in found].count("covariate_not_used") == 1


def test_left_out_totals_are_a_finding():
    found = tables.estimate_findings({2019: replace(ONE, left_out={"heat": 3, "electricity": 0})}, SPEC)
    left = [f for f in found if f.code == "totals_left_out"]
    assert len(left) == 1
    assert left[0].message.startswith("3 gas meters")


def test_every_table_is_built_and_every_chart_is_drawn(tmp_path):
    town = sample_town(SCENARIOS["dirty"], 3)
    one, found = estimates(town)
    years, others = {2019: one, 2020: ONE}, {2019: found, 2020: ALL}
    built = [
        tables.spf_table(years, SPEC), tables.methods_table(others, SPEC), tables.divergence_table(others),
        tables.power_table(power(one, 0.95)), tables.covariates_table(years),
        tables.identifiability_table(years, SPEC, others),
    ]  # fmt: skip
    assert [t.schema.name for t in built] == [s.name for s in tables.SCHEMAS]
    by_name = {t.schema.name: t for t in built}
    charts = [
        *tables.divergence_charts(by_name["divergence"]), *tables.methods_chart(by_name["spf_methods"]),
        *tables.power_chart(by_name["spf_power"]),
    ]  # fmt: skip
    result = Result(kind="retrofit", title="t", summary={}, data=by_name, findings=(), charts=tuple(charts))
    drawn = write_pngs(result, tmp_path)
    assert {p.stem for p in drawn} == {"divergence_lin", "divergence_jeffreys", "spf_methods", "spf_power"}
    assert all(p.stat().st_size > 5000 for p in drawn)
