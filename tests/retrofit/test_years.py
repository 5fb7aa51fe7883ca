"""The panel over years: hand-solved cases, laws, and what the per-year method gets wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varme.ground.errors import ModelError
from varme.retrofit.spf.years import heating_temperature_c, panel_changes, robust_location

YEARS = (2019, 2020, 2021)
WINTER_C = np.array([3.8, 4.6, 2.8])


def town(seed, n=1400, m=73, effect=(0.0, 0.0, 0.0), noise=0.08) -> tuple[np.ndarray, np.ndarray]:
    """Annual heat and electricity of a town: log spread 0.5, own noise of 8 % per home and year, B = 3.3."""
    rng = np.random.default_rng(seed)
    heat = np.exp(rng.normal(0, 0.5, n)[:, None] + rng.normal(0, noise, (n, len(effect))))
    used = np.exp(rng.normal(0, 0.5, m)[:, None] + rng.normal(0, noise, (m, len(effect))) - np.array(effect))
    return 20000 * heat, 20000 / 3.3 * used


def test_without_noise_the_effects_are_exact():
    heat, used = town(0, noise=0.0, effect=(0.0, 0.05, -0.02))
    panel = panel_changes(heat, used, YEARS, WINTER_C)
    np.testing.assert_allclose(panel.log_effect, np.array([0.0, 0.05, -0.02]) - 0.01, atol=1e-7)
    assert [c.ratio for c in panel.changes] == pytest.approx(np.exp([0.05, -0.02, -0.07]), abs=1e-7)


def test_two_years_by_hand():
    """Five homes whose heat falls by a tenth, five heat pumps that use as much as before: B falls by a tenth."""
    heat = np.array([[1.0, 0.9], [2.0, 1.8], [3.0, 2.7], [4.0, 3.6], [5.0, 4.5]]) * 1000
    used = np.array([[300.0, 300.0]] * 5)
    change = panel_changes(heat, used, (2019, 2020)).changes[0]
    assert change.ratio == pytest.approx(0.9, abs=1e-9)
    assert (change.heat_meters, change.electricity_meters) == (5, 5)


def test_unchanged_towns_never_show_a_change_of_a_half_and_the_slope_is_as_sure_as_promised():
    """Per year, the paper's method shows it in 24 to 50 % of unchanged towns."""
    panels = [panel_changes(*town(seed, n=400), YEARS, WINTER_C) for seed in range(120)]
    assert max(p.spread_ratio(3.3) for p in panels) < 0.5
    slopes = np.array([p.slope_share_per_k for p in panels])
    assert slopes.std() < 0.0092  # 0.0077 with 1,400 gas meters; sampling of 120 towns and 400 meters
    inside = [p.slope_low_share_per_k <= 0 <= p.slope_high_share_per_k for p in panels]
    assert 0.9 <= np.mean(inside) <= 0.99
    assert np.mean([p.changed for p in panels]) <= 0.1  # all pairs together: 5 % at most by construction


def test_a_real_change_of_a_half_is_found():
    effect = (0.0, np.log(3.8 / 3.3), 0.0)
    panels = [panel_changes(*town(seed, n=400, effect=effect), YEARS, WINTER_C) for seed in range(30)]
    found = [
        any(c.changed_by(3.3, 0.35) for c in p.changes if 2020 in (c.first_year, c.last_year)) for p in panels
    ]
    assert np.mean(found) >= 0.99
    assert not any(
        c.changed_by(3.3, 0.5) for p in panels for c in p.changes if 2020 not in (c.first_year, c.last_year)
    )


def test_the_level_plays_no_part():
    heat, used = town(3, n=200)
    one = panel_changes(heat, used, YEARS, WINTER_C)
    own_scale = np.random.default_rng(1).uniform(0.1, 10, (200, 1))
    other = panel_changes(heat * own_scale, used * 7, YEARS, WINTER_C)
    np.testing.assert_allclose(one.log_effect, other.log_effect, atol=1e-9)
    np.testing.assert_allclose(one.log_cov, other.log_cov, rtol=1e-5)


def test_meters_that_come_and_go_do_not_look_like_a_change():
    """Homes that join are twice as large: totals and means move, the panel does not."""
    heat, used = town(4, n=600, noise=0.02)
    heat[:200] *= 2
    heat[:200, 0] = np.nan
    used[:20, 2] = 0.0
    panel = panel_changes(heat, used, YEARS, WINTER_C)
    assert panel.linked
    assert np.abs(panel.log_effect).max() < 0.02
    assert panel.heat_pairs[0, 1] == 400
    assert panel.electricity_pairs[0, 2] == 53


def test_wild_meters_hardly_move_it():
    heat, used = town(5, n=400)
    clean = panel_changes(heat, used, YEARS, WINTER_C)
    heat[:20, 1] *= 30
    used[:4, 2] *= 0.02
    dirty = panel_changes(heat, used, YEARS, WINTER_C)
    assert np.abs(dirty.log_effect - clean.log_effect).max() < 0.012


def test_years_without_common_meters_are_not_compared():
    heat, used = town(6, n=100)
    heat[:50, 2] = np.nan
    heat[50:, :2] = np.nan
    panel = panel_changes(heat, used, YEARS, WINTER_C)
    assert not panel.linked
    assert panel.group.tolist() == [0, 0, 1]
    assert [(c.first_year, c.last_year) for c in panel.changes] == [(2019, 2020)]


def test_years_are_joined_through_a_third():
    """No meter in both 2019 and 2021, but 2020 links them: the change is the sum, and less sure than either."""
    heat, used = town(7, n=400, m=200, effect=(0.0, 0.1, 0.2), noise=0.01)
    used[:100, 0] = np.nan
    used[100:, 2] = np.nan
    panel = panel_changes(heat, used, YEARS)
    by_pair = {(c.first_year, c.last_year): c for c in panel.changes}
    far = by_pair[2019, 2021]
    assert far.electricity_meters == 0
    assert np.log(far.ratio) == pytest.approx(0.2, abs=0.01)
    assert far.log_se > max(by_pair[2019, 2020].log_se, by_pair[2020, 2021].log_se)
    assert np.isnan(panel.slope_share_per_k)


def test_one_year_has_no_changes():
    panel = panel_changes(np.ones((10, 1)), np.ones((10, 1)), (2019,), np.array([3.0]))
    assert (panel.changes, panel.linked, panel.changed) == ((), False, False)
    assert np.isnan(panel.slope_share_per_k)


def test_columns_that_are_no_years_are_refused_all_at_once():
    with pytest.raises(ModelError) as caught:
        panel_changes(np.ones((10, 2)), np.ones((10, 3)), YEARS, np.ones(4))
    assert [p.code for p in caught.value.problems] == ["P315", "P315"]


@settings(max_examples=30, deadline=None)
@given(st.permutations([0, 1, 2]), st.integers(0, 50))
def test_the_order_of_years_does_not_matter(order, seed):
    heat, used = town(seed, n=60, m=30)
    one = panel_changes(heat, used, YEARS, WINTER_C)
    other = panel_changes(heat[:, order], used[:, order], [YEARS[k] for k in order], WINTER_C[order])
    np.testing.assert_allclose(one.log_effect[order], other.log_effect, atol=1e-7)
    assert one.slope_share_per_k == pytest.approx(other.slope_share_per_k, abs=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=6, max_size=40), st.floats(-3, 3))
def test_location_moves_with_the_data_and_stays_within_them(values, shift):
    x = np.array(values)
    at, influence = robust_location(x)
    moved, _ = robust_location(x + shift)
    assert x.min() - 1e-9 <= at <= x.max() + 1e-9
    assert np.isfinite(influence).all()
    if np.median(np.abs(x - np.median(x))) > 1e-3:
        assert moved == pytest.approx(at + shift, abs=1e-6)


def test_degree_day_temperature_by_hand():
    """Days of 5 and 11 C need 10 and 4 K: (5 x 10 + 11 x 4) / 14; a summer day counts nothing."""
    got = heating_temperature_c(np.array([5.0, 11.0, 25.0, np.nan, 0.0]), np.array([2019, 2019, 2019, 2019, 2020]),
                                (2019, 2020, 2021))  # fmt: skip
    assert got[:2] == pytest.approx([94 / 14, 0.0])
    assert np.isnan(got[2])


def test_many_years_of_few_meters_are_not_overconfident():
    """Six meters of each kind in twelve years: the sample covariance is singular, the slope's error must not be."""
    slopes, ses = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        heat, used = np.exp(0.1 * rng.normal(size=(6, 12))), np.exp(0.1 * rng.normal(size=(6, 12)))
        panel = panel_changes(heat, used, range(12), np.arange(12.0))
        slopes.append(panel.slope_share_per_k)
        ses.append(panel.slope_se_share_per_k)
    assert np.mean(ses) > 0.6 * np.std(slopes)


def test_meters_that_never_vary_have_changes_without_error():
    panel = panel_changes(np.ones((6, 2)), np.ones((6, 2)), (2019, 2020), np.array([3.0, 4.0]))
    assert (panel.changes[0].ratio, panel.changes[0].log_se, panel.changes[0].df) == (1.0, 0.0, 5.0)
    assert not panel.changed
