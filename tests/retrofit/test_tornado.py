"""Tornado: intervals that add up, and gamma that moves the SPF but never B."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from varme.ground.errors import InputError
from varme.retrofit.heat import FurnaceSpec, GasSpec, Prior, priors
from varme.retrofit.spf.estimate import Estimate
from varme.retrofit.spf.tornado import (
    combine,
    interval_table,
    tornado_chart,
    tornado_findings,
    tornado_table,
)


def estimate(b=3.3, se=0.05, df=1e9):
    t = stats.t.ppf(0.975, df)
    return Estimate("adjusted", b, b * np.exp(-t * se), b * np.exp(t * se), se, df, 1400, 73)


def test_without_priors_and_with_a_known_gamma_it_is_the_interval_of_the_estimate():
    one = estimate(df=90)
    out = combine(one, [], 0.105, 0.0)
    assert (out.b_low, out.b_high) == (pytest.approx(one.low_ratio), pytest.approx(one.high_ratio))
    assert (out.low, out.high) == (
        pytest.approx(one.low_ratio * 0.895, rel=1e-9),
        pytest.approx(one.high_ratio * 0.895, rel=1e-9),
    )
    assert out.shares == {"sampling": 1.0, "gamma": 0.0}


def test_three_four_five_by_hand():
    """Sampling 0.03 and efficiency 0.04 on the logarithm make 0.05; shares 9/25 and 16/25; B 3.3 exp(+-1.96 x 0.05)."""
    out = combine(estimate(se=0.03), [Prior("furnace efficiency", 0.04, "b")], 0.1, 0.0)
    assert out.b_high == pytest.approx(3.3 * np.exp(1.959964 * 0.05), rel=1e-6)
    assert out.shares["furnace efficiency"] == pytest.approx(16 / 25)
    assert out.b_sampling_high == pytest.approx(3.3 * np.exp(1.959964 * 0.03), rel=1e-6)
    assert out.spf == pytest.approx(2.97)


def test_gamma_moves_the_spf_and_never_b():
    narrow, wide = (combine(estimate(), [], 0.105, sd) for sd in (0.0, 0.05))
    assert (narrow.b_low, narrow.b_high) == (wide.b_low, wide.b_high)
    assert wide.high - wide.low > narrow.high - narrow.low
    assert wide.spf == narrow.spf


def test_five_points_of_gamma_are_5_6_percent():
    """The reference: 5 points of gamma = 5.6 % of the SPF (0.05 / 0.895)."""
    part = next(c for c in combine(estimate(), [], 0.105, 0.05).contributions if c.factor == "gamma")
    assert part.log_sd == pytest.approx(0.056, abs=0.003)


def test_a_wide_gamma_agrees_with_monte_carlo():
    rng = np.random.default_rng(11)
    gamma = stats.truncnorm.rvs(
        -0.3 / 0.2, (0.9 - 0.3) / 0.2, loc=0.3, scale=0.2, size=400_000, random_state=rng
    )
    drawn = 3.3 * np.exp(0.06 * rng.standard_t(30, gamma.size)) * (1 - gamma)
    out = combine(estimate(se=0.06, df=30), [], 0.3, 0.2)
    assert out.low == pytest.approx(np.quantile(drawn, 0.025), rel=0.01)
    assert out.high == pytest.approx(np.quantile(drawn, 0.975), rel=0.01)
    assert out.spf / out.low > out.high / out.spf


@settings(max_examples=40, deadline=None)
@given(st.floats(0.01, 0.2), st.floats(0, 0.2), st.floats(0, 0.2), st.floats(0, 0.3), st.floats(0, 0.15))
def test_shares_add_up_and_more_ignorance_never_narrows(se, one, two, gamma, gamma_sd):
    some = [Prior("a", one, "b"), Prior("c", two, "b")]
    out, less = (
        combine(estimate(se=se, df=80), some, gamma, gamma_sd),
        combine(estimate(se=se, df=80), [], gamma, 0),
    )
    assert sum(out.shares.values()) == pytest.approx(1)
    assert sum(c.share_b for c in out.contributions) == pytest.approx(1)
    assert out.low <= less.low * 1.02
    assert out.b_low <= less.b_low * 1.001
    assert out.b_high >= less.b_high * 0.999


def test_coverage_with_sampling_efficiency_and_gamma_all_unknown():
    """95 % of truths lie inside when every part is drawn from what it is said to be (10,000 draws: +-0.4 %)."""
    rng = np.random.default_rng(7)
    n, gamma, sd = 10_000, 0.105, 0.04
    true_gamma = np.clip(rng.normal(gamma, sd, n), 0, None)
    b_hat = 3.3 * np.exp(0.06 * rng.normal(size=n) + 0.035 * rng.normal(size=n))
    out = combine(estimate(se=0.06), [Prior("furnace efficiency", 0.035, "b")], gamma, sd)
    truth = 3.3 * (1 - true_gamma)
    inside = (truth > b_hat * out.low / 3.3) & (truth < b_hat * out.high / 3.3)
    assert inside.mean() == pytest.approx(0.95, abs=0.012)


def test_an_estimate_without_standard_error_lends_it_from_its_interval():
    bare = Estimate("paper", 3.3, 3.0, 3.63, float("nan"), float("nan"), 1400, 73)
    out = combine(bare, [], 0.0, 0.0)
    assert (out.b_low, out.b_high) == (pytest.approx(3.0, rel=1e-4), pytest.approx(3.63, rel=1e-4))


@pytest.mark.parametrize(("gamma", "sd"), [(0.95, 0.0), (-0.1, 0.0), (0.1, -0.1)])
def test_an_impossible_gamma_is_refused(gamma, sd):
    with pytest.raises(InputError) as caught:
        combine(estimate(), [], gamma, sd)
    assert caught.value.problems[0].code == "P101"


def test_an_estimate_without_any_interval_is_refused():
    with pytest.raises(InputError):
        combine(Estimate("paper", 3.3, np.nan, np.nan, np.nan, np.nan, 9, 9), [], 0.1, 0.0)


def test_table_and_chart_show_spf_and_b_apart():
    known = priors(FurnaceSpec(), GasSpec(), gamma_share=0.105, gamma_sd_share=0.03)
    intervals = {str(y): combine(estimate(), known, 0.105, 0.03) for y in (2019, 2020)}
    table = tornado_table(intervals)
    quantity, factor = table.column("quantity"), table.column("factor")
    assert set(factor[quantity == "SPF"]) - set(factor[quantity == "B"]) == {"gamma"}
    assert (table.column("below_ratio") < 0).all()
    assert (table.column("above_ratio") > 0).all()
    chart = tornado_chart(intervals)[0]
    rows = chart.data({"tornado": table})
    assert next(iter(rows["factor"])) == "sampling"
    assert len(rows) == 6
    assert interval_table(intervals).column("year").tolist() == ["2019", "2020"]
    assert tornado_chart({}) == []
    assert len(tornado_table({})) == 0


def test_a_town_with_many_meters_is_told_that_more_of_them_do_not_help():
    known = priors(FurnaceSpec(), GasSpec())
    many, few = ({"2019": combine(estimate(se=se), known, 0.105, 0.03)} for se in (0.005, 0.1))
    assert [f.code for f in tornado_findings(many)] == ["interval_not_from_meters"]
    assert tornado_findings(few) == []
