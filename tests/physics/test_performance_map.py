"""COP and capacity of one machine: against the Gaussian written out, by hand, and by the laws of heat pumps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.keymark import fitted, machines
from benchmarks.subjects.cop import carnot_error, errors, linear_error
from varme.physics.efficiency_prior import (
    AIR_ANCHORS,
    POINT_ERROR_SHARE,
    condition,
    lift_k,
    log_efficiency,
    prior_of,
)
from varme.physics.performance_map import (
    COP_MAX,
    PerformancePoint,
    constant_map,
    cooling_from,
    cycling_cop,
    map_from,
)

KEYMARK = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "heatpumps"
needs_keymark = pytest.mark.skipif(not KEYMARK.exists(), reason="the Keymark's points are not here")
temperatures = st.floats(-25.0, 40.0)
flows = st.floats(20.0, 70.0)


def point(source_c=2.0, flow_c=35.0, cop=4.0, **more):
    return PerformancePoint(source_c, flow_c, cop, **more)


def test_conditioning_at_the_anchors_is_the_gaussian_written_out():
    """Known points at anchors leave the others as mu_u + K_uk (K_kk + noise)^-1 (y_k - mu_k) says."""
    prior = prior_of("air")
    s, f = np.array(AIR_ANCHORS).T
    known, rest = [0, 6], [1, 2, 3, 4, 5, 7, 8, 9]
    mu = prior.mean(s, f)
    y = mu[known] + np.array([0.1, -0.05])
    found = condition(prior, s[known], f[known], y)
    k = prior.covariance
    noise = POINT_ERROR_SHARE**2 * np.eye(2)
    weights = np.linalg.solve(k[np.ix_(known, known)] + noise, k[np.ix_(known, rest)])
    np.testing.assert_allclose(
        found.log_mean(s[rest], f[rest]), mu[rest] + (y - mu[known]) @ weights, atol=2e-4
    )
    variance = np.diag(k)[rest] - np.sum(k[np.ix_(known, rest)] * weights, axis=0)
    np.testing.assert_allclose(found.log_std(s[rest], f[rest]), np.sqrt(variance), atol=1e-3)


def test_a_known_point_comes_back_and_is_certain():
    machine = map_from([point(-7.0, 52.0, 2.4)], 6.0)
    share = machine.certified_load(-7.0, 52.0)
    assert float(machine.cop(-7.0, 52.0, share)) == pytest.approx(2.4, rel=1e-3)
    assert float(machine.cop_error_share(-7.0, 52.0)) < 0.01


def test_a_point_of_a_data_sheet_is_met_at_full_load_and_is_better_at_part_load():
    machine = map_from([point(2.0, 35.0, 4.2)], 6.0)
    assert float(machine.cop(2.0, 35.0, 1.0)) == pytest.approx(4.2, rel=0.01)
    assert float(machine.cop(2.0, 35.0, 0.5)) > float(machine.cop(2.0, 35.0, 1.0))


@given(s=temperatures, f=flows, a=st.floats(2.0, 5.0), b=st.floats(1.5, 3.0))
@settings(max_examples=60, deadline=None)
def test_knowing_more_never_makes_less_certain(s, f, a, b):
    none, one = map_from((), 6.0), map_from([point(2.0, 35.0, a)], 6.0)
    two = map_from([point(2.0, 35.0, a), point(-7.0, 55.0, b)], 6.0)
    spread = [float(m.cop_error_share(s, f)) for m in (none, one, two)]
    assert spread[2] <= spread[1] + 1e-9 <= spread[0] + 2e-9


@given(s=temperatures, f=flows, load=st.floats(0.05, 1.0), source=st.sampled_from(["air", "brine"]))
@settings(max_examples=100, deadline=None)
def test_the_cop_is_finite_between_1_and_its_highest_also_where_the_source_is_warmer(s, f, load, source):
    machine = map_from((), 6.0, source=source)
    cop = float(machine.cop(s, f, load))
    assert 1.0 <= cop <= COP_MAX
    assert float(machine.heat_min_kw(s, f)) <= float(machine.heat_max_kw(s, f)) + 1e-12


def test_the_cop_is_not_1_when_it_is_warm_outside():
    """EMHASS sets it to 1 once the outdoor air is warmer than the supply."""
    machine = map_from((), 6.0)
    assert float(machine.cop(30.0, 28.0)) > 5.0
    assert float(machine.cop(35.0, 50.0)) > 4.0


@pytest.mark.parametrize("source", ["air", "brine"])
def test_the_cop_falls_with_the_flow_and_rises_with_the_source(source):
    machine = map_from((), 6.0, source=source)
    s, f = np.meshgrid(np.arange(-20.0, 20.1, 1.0), np.arange(25.0, 65.1, 1.0), indexing="ij")
    cop = machine.unbounded_cop(s, f, 0.6)
    assert np.all(np.diff(cop, axis=1) < 0)
    assert np.all(np.diff(cop, axis=0) > 0)


def test_hot_water_has_another_cop_than_the_floor():
    machine = map_from((), 6.0)
    assert float(machine.cop(2.0, 55.0)) < 0.75 * float(machine.cop(2.0, 33.0))


def test_carnot_is_taken_in_kelvin():
    assert float(constant_map(0.5, 6.0).cop(0.0, 35.0)) == pytest.approx(0.5 * 308.15 / 35.0)
    assert float(np.exp(log_efficiency(4.0, 0.0, 35.0))) == pytest.approx(4.0 * 35.0 / 308.15)
    assert float(lift_k(30.0, 20.0)) == 5.0


def test_lorenz_lies_above_carnot_at_equal_shares():
    """The mean temperatures of gliding source and water lie closer together than their outer ends."""
    carnot, lorenz = (constant_map(0.45, 6.0, form=form) for form in ("carnot", "lorenz"))
    assert float(lorenz.cop(7.0, 45.0)) == pytest.approx(float(carnot.cop(7.0, 45.0)), rel=0.1)
    assert float(lorenz.cop(7.0, 45.0)) != float(carnot.cop(7.0, 45.0))


def test_defrosting_costs_near_zero_only_and_only_constant_shares():
    plain, frosted = constant_map(0.42, 6.0), constant_map(0.42, 6.0, defrost_share=0.1)
    assert float(frosted.cop(2.0, 35.0)) == pytest.approx(0.9 * float(plain.cop(2.0, 35.0)))
    assert float(frosted.cop(10.0, 35.0)) == float(plain.cop(10.0, 35.0))
    assert float(frosted.heat_max_kw(2.0, 35.0)) == pytest.approx(0.9 * float(plain.heat_max_kw(2.0, 35.0)))
    assert map_from((), 6.0).defrost_share == 0.0


def test_impossible_points_are_refused():
    with pytest.raises(ValueError, match="of Carnot's"):
        map_from([point(2.0, 35.0, 8.5)], 6.0)
    assert not point(2.0, 35.0, 0.9).possible
    assert point(2.0, 35.0, 4.4).possible


def test_the_median_machine_modulates_as_the_keymark_says():
    """At +12 C not below 0.44 of the rated output (full load at -7 C is 0.885 of it); falling with the source."""
    machine = map_from((), 8.85)
    assert float(machine.heat_min_kw(12.0, 30.0)) / 10.0 == pytest.approx(0.44, abs=0.01)
    low = machine.heat_min_kw(np.array([-15.0, -7.0, 2.0, 12.0]), 35.0)
    assert np.all(np.diff(low) > 0)
    assert low[1] / 8.85 == pytest.approx(0.305, abs=0.01)


def test_a_machine_of_one_speed_runs_at_full_load():
    machine = map_from((), 6.0, regulated=False)
    t = np.array([-10.0, 0.0, 15.0])
    np.testing.assert_allclose(machine.heat_min_kw(t, 35.0), machine.heat_max_kw(t, 35.0))


def test_capacity_follows_the_heats_of_the_points():
    """Heats on a line of 3 %/K from 6 kW at -7 C: level and most of the slope come back; none given: the Keymark's."""
    heats = [
        point(t, 35.0, 4.0 if t > 0 else 2.9, heat_kw=6.0 * (1 + 0.03 * (t + 7)))
        for t in (-15.0, -7.0, 2.0, 7.0)
    ]
    machine = map_from(heats, None)
    assert machine.rated_kw == pytest.approx(6.0, rel=0.01)
    assert 0.027 < machine.capacity_per_k <= 0.031
    assert map_from((), 6.0).capacity_per_k == pytest.approx(0.0195)
    with pytest.raises(ValueError, match="neither a rated heat"):
        map_from([point()], None)


def test_capacity_scales_with_the_rated_heat_and_not_the_cop():
    small, large = map_from((), 4.0), map_from((), 12.0)
    assert float(large.heat_max_kw(-3.0, 40.0)) == pytest.approx(3 * float(small.heat_max_kw(-3.0, 40.0)))
    assert float(large.cop(-3.0, 40.0)) == float(small.cop(-3.0, 40.0))


def test_a_refrigerant_sharpens_the_mean():
    cop = {r: float(map_from((), 6.0, refrigerant=r).cop(-7.0, 52.0)) for r in ("R290", "R410A", None)}
    assert cop["R290"] > cop["R410A"]
    assert cop["R290"] > cop[None]


def test_points_of_a_fit_are_believed_less():
    exact = map_from([point(2.0, 42.0, 4.2)], 6.0)
    fuzzy = map_from([point(2.0, 42.0, 4.2, error_share=0.12)], 6.0)
    none = map_from((), 6.0)
    load = exact.certified_load(2.0, 42.0)
    cops = [float(m.cop(2.0, 42.0, load)) for m in (none, fuzzy, exact)]
    assert cops[0] < cops[1] < cops[2]


def test_cycling_costs_as_en_14825_says():
    """At half of the smallest heat 4.0 becomes 4.0 x 0.5 / (0.9 x 0.5 + 0.1) = 3.64; at full it stays."""
    np.testing.assert_allclose(cycling_cop(4.0, [1.0, 0.5, 2.0]), [4.0, 2.0 / 0.55, 4.0])
    assert float(cycling_cop(4.0, 0.0)) == 0.0


def test_what_was_learnt_in_use_scales_the_cop_and_not_the_heat():
    machine = map_from((), 6.0)
    used = replace(machine, in_use_ratio=0.8)
    assert float(used.cop(2.0, 35.0)) == pytest.approx(0.8 * float(machine.cop(2.0, 35.0)))
    assert float(used.heat_max_kw(2.0, 35.0)) == float(machine.heat_max_kw(2.0, 35.0))


def test_cooling_is_worse_when_hotter_and_follows_its_points():
    machine = cooling_from(6.0)
    assert float(machine.eer(35.0, 7.0)) == pytest.approx(3.1, abs=0.6)
    eer = machine.eer(np.array([20.0, 25.0, 30.0, 35.0]), 18.0)
    assert np.all(np.diff(eer) < 0)
    assert float(machine.eer(35.0, 18.0)) > float(machine.eer(35.0, 7.0))
    better = cooling_from(6.0, [PerformancePoint(35.0, 7.0, 4.5, heat_kw=5.0)])
    assert float(machine.eer(35.0, 7.0)) < float(better.eer(35.0, 7.0)) < 4.5
    assert float(better.cold_max_kw(35.0, 7.0)) == pytest.approx(5.0)


@needs_keymark
def test_the_shipped_figures_are_what_the_fit_gives():
    for source in ("air", "brine"):
        found = fitted(source, machines(source)).as_dict()
        shipped = prior_of(source).as_dict()
        assert found.keys() == shipped.keys()
        for key in ("residual", "covariance", "trend", "line_share"):
            np.testing.assert_allclose(found[key], shipped[key], atol=2e-4)
        assert found["machine_count"] == shipped["machine_count"]


@needs_keymark
def test_held_out_makers_are_predicted_as_well_as_promised():
    """Development seed; the benchmark reports others. One number and hplib's form are worse."""
    found = machines("air")
    error = errors(found, seed=1)
    assert error["two"] <= 0.065
    assert error["seven"] <= 0.05
    assert 0.92 <= error["inside"] <= 0.98
    assert carnot_error(found) > 10.0
    assert linear_error(found)[0] > 10.0
    assert len(np.unique(found.maker)) < len({m.manufacturer for m in found.models})
