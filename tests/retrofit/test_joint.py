"""The joint estimate: by hand, limits, and intervals that cover although the meters are the same every year."""

import numpy as np
import pytest

from varme.ground.errors import ModelError
from varme.retrofit.spf.curve import CopCurve
from varme.retrofit.spf.joint import Priors, YearLevel, expected_effects, joint_estimate
from varme.retrofit.spf.joint_towns import TownEvidence, joint_towns
from varme.retrofit.spf.years import panel_changes

YEARS = (2019, 2020, 2021)
WINTER_C = np.array([3.8, 4.6, 2.8])
CURVE = CopCurve(3.0, 5.0, 0.022, 0.002)


def levels(values, se=0.06, df=np.inf):
    return [YearLevel(2019 + k, np.log(v), se, df) for k, v in enumerate(values)]


def a_town(seed, n=500, m=73, slope=0.0, year_sd=0.0, level=0.0):
    """Levels, panel and true log B of a town whose meters are the same in every year."""
    rng = np.random.default_rng(seed)
    true = np.log(3.3) + level + slope * (WINTER_C - WINTER_C.mean()) + year_sd * rng.normal(size=3)
    q = rng.normal(0, 0.5, n)[:, None] + rng.normal(0, 0.08, (n, 3))
    e = rng.normal(0, 0.5, m)[:, None] + rng.normal(0, 0.08, (m, 3)) - true
    found = []
    for k, year in enumerate(YEARS):
        vq, ve = q[:, k].var(ddof=1) / n, e[:, k].var(ddof=1) / m
        df = (vq + ve) ** 2 / (vq**2 / (n - 1) + ve**2 / (m - 1))
        found.append(YearLevel(year, q[:, k].mean() - e[:, k].mean(), float(np.sqrt(vq + ve)), df))
    return found, panel_changes(np.exp(q), np.exp(e), YEARS, WINTER_C), true


def test_one_year_stays_what_it_was():
    joint = joint_estimate(levels([3.3]))
    assert joint.b_ratio == pytest.approx([3.3])
    assert np.log(joint.high_ratio / joint.b_ratio) == pytest.approx([1.96 * 0.06], rel=1e-3)


def test_the_same_meters_every_year_do_not_make_the_mean_surer():
    """The trap: three years of the same heat pumps are one level. Independent levels would have 0.06 / sqrt(3)."""
    found, panel, _ = a_town(1)
    joint = joint_estimate(found, panel, CURVE, WINTER_C)
    half = np.log(joint.mean_high_ratio / joint.mean_b_ratio)
    alone = 1.96 * np.mean([level.log_se for level in found])
    assert half > 0.93 * alone
    wrong = joint_estimate(found, panel, CURVE, WINTER_C, priors=Priors(common_share=0.0))
    assert np.log(wrong.mean_high_ratio / wrong.mean_b_ratio) < 0.65 * alone


def test_intervals_cover_for_years_and_for_their_mean():
    inside, mean_inside, wrong_inside = [], [], []
    for seed in range(150):
        found, panel, true = a_town(seed, slope=0.022, year_sd=0.01)
        joint = joint_estimate(found, panel, CURVE, WINTER_C, sensitivity=False)
        inside += list((joint.low_ratio <= np.exp(true)) & (np.exp(true) <= joint.high_ratio))
        mean_inside.append(joint.mean_low_ratio <= np.exp(true.mean()) <= joint.mean_high_ratio)
        wrong = joint_estimate(
            found, panel, CURVE, WINTER_C, sensitivity=False, priors=Priors(common_share=0.0)
        )
        wrong_inside.append(wrong.mean_low_ratio <= np.exp(true.mean()) <= wrong.mean_high_ratio)
    assert 0.915 <= np.mean(inside) <= 0.99
    assert 0.9 <= np.mean(mean_inside) <= 0.99
    assert np.mean(wrong_inside) < 0.85


def test_differences_between_years_are_as_sure_as_the_panel():
    """Levels alone would leave 2 x 0.06; the panel knows 0.013; the curve a little more."""
    inside, widths = [], []
    for seed in range(100):
        found, panel, true = a_town(seed, slope=0.022, year_sd=0.01)
        joint = joint_estimate(found, panel, CURVE, WINTER_C, sensitivity=False)
        se = np.sqrt(joint.log_cov[0, 0] + joint.log_cov[2, 2] - 2 * joint.log_cov[0, 2])
        widths.append(se)
        inside.append(abs(joint.log_mean[2] - joint.log_mean[0] - (true[2] - true[0])) <= 1.96 * se)
    assert np.mean(inside) >= 0.89
    assert np.mean(widths) < 0.0145


def test_a_fleet_that_changed_is_not_talked_out_of_it():
    heavy = [a_town(seed) for seed in range(20)]
    for found, _, true in heavy:
        rng = np.random.default_rng(int(1e6 * abs(true[0])))
        q = rng.normal(0, 0.5, 400)[:, None] + rng.normal(0, 0.08, (400, 3))
        change = np.array([0.0, 0.15, 0.0])
        e = rng.normal(0, 0.5, 73)[:, None] + rng.normal(0, 0.08, (73, 3)) - change
        panel = panel_changes(np.exp(q), np.exp(e), YEARS, WINTER_C)
        moved = [YearLevel(v.year, v.log_b + c, v.log_se) for v, c in zip(found, change, strict=True)]
        joint = joint_estimate(moved, panel, CURVE, WINTER_C, sensitivity=False)
        assert joint.log_mean[1] - joint.log_mean[[0, 2]].mean() > 0.1
        assert abs(joint.beyond_log[1]) > 2 * joint.beyond_log_se[1] or joint.year_sd > 0.03


def test_per_year_swings_of_the_paper_are_drawn_together():
    """3.3 / 3.5 / 3.0 with 6 % standard errors and a panel that saw no change: the years come out within 0.1."""
    _, panel, _ = a_town(3)
    joint = joint_estimate(levels([3.3, 3.5, 3.0]), panel, CURVE, WINTER_C)
    assert np.ptp(joint.level_b_ratio) == pytest.approx(0.5)
    assert np.ptp(joint.b_ratio) < 0.25
    assert joint.mean_b_ratio == pytest.approx(np.exp(np.mean(np.log([3.3, 3.5, 3.0]))), rel=1e-6)
    assert len(joint.sensitivity) == 4


def test_without_a_panel_it_is_safe_in_both_directions():
    joint = joint_estimate(levels([3.3, 3.35, 3.25]), None, CURVE, WINTER_C)
    mean_half = np.log(joint.mean_high_ratio / joint.mean_b_ratio)
    assert mean_half >= 1.96 * 0.06
    difference = joint.log_cov[0, 0] + joint.log_cov[2, 2] - 2 * joint.log_cov[0, 2]
    assert difference > 0


def test_years_of_other_meters_are_independent_levels():
    found, _, _ = a_town(4)
    rng = np.random.default_rng(0)
    heat = np.exp(rng.normal(0, 0.5, (90, 1)) + np.zeros((90, 3)))
    used = heat.copy()
    for k in range(3):
        others = np.arange(90) // 30 != k
        used[others, k] = np.nan
    panel = panel_changes(heat, used, YEARS)
    joint = joint_estimate(found, panel, CURVE, WINTER_C, sensitivity=False)
    np.testing.assert_allclose(joint.level_correlation, np.eye(3), atol=1e-9)
    assert joint.log_cov.mean() < 0.5 * found[0].log_se ** 2


def test_a_prior_of_field_trials_is_off_unless_asked_for():
    plain = joint_estimate(levels([4.5]))
    drawn = joint_estimate(levels([4.5]), priors=Priors(level=(np.log(3.0), 0.06)))
    assert plain.b_ratio[0] == pytest.approx(4.5)
    assert drawn.b_ratio[0] == pytest.approx(np.sqrt(4.5 * 3.0), rel=1e-3)


def test_what_all_years_share_widens_all_and_moves_nothing():
    found, panel, _ = a_town(5)
    plain = joint_estimate(found, panel, CURVE, WINTER_C, sensitivity=False)
    wide = joint_estimate(
        found, panel, CURVE, WINTER_C, sensitivity=False, priors=Priors(systematic_log_sd=0.08)
    )
    np.testing.assert_allclose(plain.b_ratio, wide.b_ratio)
    np.testing.assert_allclose(wide.log_cov - plain.log_cov, 0.08**2)


def test_expected_effects_by_hand():
    """Two years of one day each at 0 and 10 C: log COP differs by the slope times 10 K."""
    effects = expected_effects(
        CURVE, np.array([5.0, 2.0]), np.array([0.0, 10.0]), np.array([2019, 2020]), (2019, 2020)
    )
    assert effects == pytest.approx([-0.11, 0.11])
    joint = joint_estimate(levels([3.3, 3.4]), None, CURVE, expected_log=effects, sensitivity=False)
    assert joint.slope_share_per_k == pytest.approx(1.0, abs=0.1)


def test_towns_are_drawn_together_as_far_as_they_are_uncertain():
    rng = np.random.default_rng(2)
    true = np.log(3.2) + 0.05 * rng.normal(size=8)
    seen = true + 0.08 * rng.normal(size=8)
    towns = {f"town{k}": TownEvidence([YearLevel(2020, v, 0.08)]) for k, v in enumerate(seen)}
    towns["sure"] = TownEvidence([YearLevel(2020, np.log(4.0), 0.005)])
    joint = joint_towns(towns)
    together = np.array([joint.towns[f"town{k}"].log_mean[0] for k in range(8)])
    assert np.sqrt(((together - true) ** 2).mean()) < np.sqrt(((seen - true) ** 2).mean())
    assert joint.towns["sure"].b_ratio[0] == pytest.approx(4.0, rel=0.01)
    assert joint_towns({"one": towns["town0"]}).towns["one"].b_ratio[0] == pytest.approx(np.exp(seen[0]))


def test_everything_that_does_not_fit_is_told_at_once():
    _, panel, _ = a_town(6)
    bad = [YearLevel(2019, np.nan, 0.05), YearLevel(2020, 1.2, 0.0)]
    with pytest.raises(ModelError) as caught:
        joint_estimate(bad, panel, None, np.array([1.0]))
    assert [p.code for p in caught.value.problems] == ["P317"] * 4
