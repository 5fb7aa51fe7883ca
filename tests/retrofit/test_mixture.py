"""Air and ground source: what 73 heat pumps can tell, and what only a prior or the sources themselves do."""

import numpy as np
import pytest

from varme.ground.errors import ModelError
from varme.retrofit.spf.mixture import estimate_mixture, pooled_by_source, without_prior


def population(seed, n=1400, m=73, b_air=3.1, ratio=1.3, share=0.24, spread=0.5, scatter=0.14):
    """Log heat, log electricity and which heat pumps are ground source."""
    rng = np.random.default_rng(seed)
    ground = rng.permutation(np.arange(m) < round(share * m))
    log_b = np.log(b_air) + np.where(ground, np.log(ratio), 0) + scatter * rng.normal(size=m)
    return 9.8 + spread * rng.normal(size=n), 9.8 + spread * rng.normal(size=m) - log_b, ground


def test_with_a_prior_both_sources_are_near_the_truth_and_intervals_cover():
    inside, error = [], []
    for seed in range(60):
        q, e, _ = population(seed, n=600)
        found = estimate_mixture(q, e)
        error.append([np.log(found.b_air_ratio / 3.1), np.log(found.b_ground_ratio / 4.03)])
        inside.append([found.air_low_ratio <= 3.1 <= found.air_high_ratio,
                       found.ground_low_ratio <= 4.03 <= found.ground_high_ratio])  # fmt: skip
    assert np.abs(np.mean(error, axis=0)).max() < 0.03
    assert np.mean(inside, axis=0).min() >= 0.88


def test_73_heat_pumps_do_not_tell_the_sources_apart():
    """Without a prior the ratio could be almost anything; with one, the answer is the prior's, and both say so."""
    q, e, _ = population(1)
    found = estimate_mixture(q, e)
    plain = without_prior(q, e, found)
    assert not plain.identifiable
    assert plain.verdict.startswith("not identifiable")
    assert np.log(plain.ratio_high / plain.ratio_low) > 1.0
    assert found.learned_share < 0.2
    assert "prior" in found.verdict


def test_many_heat_pumps_with_sources_far_apart_are_told_apart():
    q, e, _ = population(2, n=4000, m=4000, ratio=2.0, spread=0.15, scatter=0.05)
    found = estimate_mixture(q, e, ratio_limits=None, spf_spread=0.05)
    assert found.identifiable
    assert found.ratio == pytest.approx(2.0, rel=0.05)
    assert found.b_air_ratio == pytest.approx(3.1, rel=0.03)


def test_the_fleet_is_the_harmonic_mean():
    q, e, _ = population(3)
    found = estimate_mixture(q, e)
    by_hand = 1 / (0.76 / found.b_air_ratio + 0.24 / found.b_ground_ratio)
    assert found.b_ratio == pytest.approx(by_hand, rel=0.01)
    assert found.b_air_ratio < found.b_ratio < found.b_ground_ratio


def test_a_share_that_is_not_certain_widens_the_answer():
    q, e, _ = population(4)
    fixed, loose = estimate_mixture(q, e), estimate_mixture(q, e, ground_share_count=20)
    assert np.log(loose.air_high_ratio / loose.air_low_ratio) > np.log(
        fixed.air_high_ratio / fixed.air_low_ratio
    )


def test_a_wild_meter_moves_little():
    q, e, _ = population(5)
    before = estimate_mixture(q, e).b_air_ratio
    e[0] += 4.0
    assert estimate_mixture(q, e).b_air_ratio == pytest.approx(before, rel=0.03)


def test_known_sources_by_hand():
    """Equal standard errors s, prior sd p: the ratio is drawn by 2 s^2 / (2 s^2 + p^2), half of it at each source."""
    s, p = 0.06, np.log(1.4 / 1.2) / (2 * 1.96)
    found = pooled_by_source({"air": (np.log(3.0), s, 55), "ground": (np.log(3.0), s, 18)})
    prior = np.log(1.2 * 1.4) / 2
    drawn = prior * 2 * s**2 / (2 * s**2 + p**2)
    assert np.log(found.ratio) == pytest.approx(drawn)
    assert found.b_air_ratio == pytest.approx(3.0 * np.exp(-drawn / 2))
    assert found.known_sources


def test_known_sources_without_a_prior_stay_as_they_are():
    found = pooled_by_source({"air": (np.log(3.0), 0.05, 55), "ground": (np.log(4.2), 0.1, 18)}, None)
    assert (found.b_air_ratio, found.b_ground_ratio) == pytest.approx((3.0, 4.2), rel=1e-6)
    assert found.ground_share == pytest.approx(18 / 73)


def test_a_missing_source_and_too_few_meters_are_refused():
    with pytest.raises(ModelError, match="ground"):
        pooled_by_source({"air": (1.0, 0.1, 50)})
    with pytest.raises(ModelError, match="too few"):
        estimate_mixture(np.zeros(100), np.zeros(5))
