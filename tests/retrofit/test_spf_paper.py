"""The published divergence: both readings of it, solved by hand, and its edges refused."""

from __future__ import annotations

import numpy as np
import pytest

from varme.data.synthetic.population import SCENARIOS, sample_town
from varme.ground.errors import InputError, ModelError
from varme.ground.spec import parse
from varme.retrofit.spf.estimate import all_methods, estimate_b
from varme.retrofit.spf.paper import bin_edges, divergence_of, scale_grid, scan
from varme.retrofit.spf.spec import SpfSpec

LIN, PRINTED = SpfSpec(divergence="lin"), SpfSpec(divergence="jeffreys")
TOWN = sample_town(SCENARIOS["ideal"], 3)


def test_lin_by_hand():
    """Half in one bin against all in the other: JSD of (1, 0) and (1/2, 1/2)."""
    p, q = np.array([1.0, 0.0]), np.array([0.5, 0.5])
    by_hand = 0.5 * np.log(1 / 0.75) + 0.5 * (0.5 * np.log(0.5 / 0.75) + 0.5 * np.log(0.5 / 0.25))
    assert divergence_of(p, q, LIN) == pytest.approx(by_hand)


def test_lin_is_at_most_ln_2_and_symmetric():
    p, q = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert divergence_of(p, q, LIN) == pytest.approx(np.log(2))
    r, s = np.array([0.2, 0.3, 0.5]), np.array([0.6, 0.3, 0.1])
    assert divergence_of(r, s, LIN) == pytest.approx(divergence_of(s, r, LIN))


def test_the_printed_equation_is_half_of_jeffreys_by_hand():
    p, q = np.array([0.2, 0.8]), np.array([0.5, 0.5])
    kl = 0.2 * np.log(0.2 / 0.5) + 0.8 * np.log(0.8 / 0.5)
    lk = 0.5 * np.log(0.5 / 0.2) + 0.5 * np.log(0.5 / 0.8)
    assert divergence_of(p, q, PRINTED) == pytest.approx((kl + lk) / 2)
    assert divergence_of(p, q, PRINTED) > divergence_of(p, q, LIN)


def test_the_printed_equation_is_infinite_with_an_empty_bin():
    p, q = np.array([0.0, 1.0]), np.array([0.5, 0.5])
    assert np.isinf(divergence_of(p, q, SpfSpec(divergence="jeffreys", floor_share=0.0)))
    assert np.isfinite(divergence_of(p, q, PRINTED))
    assert divergence_of(p, q, SpfSpec(divergence="jeffreys", empty_bins="drop")) == pytest.approx(0.0)
    assert np.isfinite(divergence_of(p, q, LIN))


def test_as_printed_it_has_no_answer_in_a_town_and_says_so():
    with pytest.raises(ModelError, match=r"P312.*infinite at every scale") as caught:
        scan(
            TOWN.heat_kwh_th,
            TOWN.electricity_kwh,
            SpfSpec(divergence="jeffreys", floor_share=0.0, bins_count=50),
        )
    assert "lin" in str(caught.value)


@pytest.mark.parametrize("log_bins", [False, True])
@pytest.mark.parametrize("divergence", ["lin", "jeffreys"])
def test_all_scales_at_once_are_those_counted_one_by_one(log_bins, divergence):
    spec = SpfSpec(divergence=divergence, log_bins=log_bins, bins_count=13)
    q, e = TOWN.heat_kwh_th, TOWN.electricity_kwh
    found = scan(q, e, spec)
    for b, d in zip(found.b_ratio, found.divergence, strict=True):
        edges = bin_edges(q, e, np.array([b]), 13, log_bins)[0]
        edges[-1] *= 1 + 1e-12
        edges[0] *= 1 - 1e-12
        p, r = np.histogram(q, edges)[0], np.histogram(e * b, edges)[0]
        assert d == pytest.approx(float(divergence_of(p / p.sum(), r / r.sum(), spec)), rel=1e-9, abs=1e-12)


def test_the_grid_is_that_of_the_paper():
    grid = scale_grid(SpfSpec())
    assert len(grid) == 26
    assert grid[0] == 1.5
    assert grid[-1] == pytest.approx(4.0)


def test_an_optimum_at_the_edge_is_refused_with_the_field_to_change():
    spec = SpfSpec(method="paper", b_min_ratio=1.5, b_max_ratio=2.5)
    with pytest.raises(ModelError, match=r"P310 spf\.b_max_ratio = 2\.5.*edge") as caught:
        estimate_b(TOWN.heat_kwh_th, TOWN.electricity_kwh, spec)
    assert "Raise b_max_ratio" in str(caught.value)
    low = SpfSpec(method="paper", b_min_ratio=4.5, b_max_ratio=8.0)
    with pytest.raises(ModelError, match=r"Lower b_min_ratio"):
        estimate_b(TOWN.heat_kwh_th, TOWN.electricity_kwh, low)


def test_a_comparison_shows_the_refusal_instead_of_failing():
    spec = SpfSpec(b_min_ratio=1.5, b_max_ratio=2.5)
    found = {e.method: e for e in all_methods(TOWN.heat_kwh_th, TOWN.electricity_kwh, spec)}
    assert "P310" in found["paper_lin"].refused
    assert np.isnan(found["paper_lin"].b_ratio)
    assert found["adjusted"].b_ratio == pytest.approx(3.3, abs=0.8)


def test_an_impossible_grid_is_refused_on_reading():
    with pytest.raises(InputError, match=r"P101 .*b_max_ratio"):
        parse(SpfSpec, {"b_min_ratio": 4.0, "b_max_ratio": 2.0}, "study.toml")


def test_resamples_are_seeded_and_around_the_estimate():
    spec = SpfSpec(method="paper", b_max_ratio=6.0)
    a, b = (estimate_b(TOWN.heat_kwh_th, TOWN.electricity_kwh, spec) for _ in range(2))
    assert (a.low_ratio, a.high_ratio) == (b.low_ratio, b.high_ratio)
    assert a.low_ratio < a.b_ratio < a.high_ratio
    assert a.high_ratio - a.low_ratio > 0.4  # about 1 is its known width at 73 heat pumps


def test_resampled_counts_are_a_bootstrap():
    """Their spread is that of drawing meters one by one."""
    spec = SpfSpec(b_max_ratio=6.0, log_bins=True)
    q, e = TOWN.heat_kwh_th, TOWN.electricity_kwh
    fast = np.std(scan(q, e, spec, resamples=600).resampled_ratio)
    rng = np.random.default_rng(5)
    slow = np.std([scan(rng.choice(q, len(q)), rng.choice(e, len(e)), spec).best_ratio for _ in range(300)])
    assert fast == pytest.approx(slow, rel=0.35)


def test_binning_alone_moves_the_answer():
    """The same town, the same method, other bins: the reason why this is not the default."""
    found = [
        scan(
            TOWN.heat_kwh_th, TOWN.electricity_kwh, SpfSpec(bins_count=bins, log_bins=log, b_max_ratio=6.0)
        ).best_ratio
        for bins in (10, 20, 50, 100)
        for log in (False, True)
    ]
    assert max(found) - min(found) >= 0.2
