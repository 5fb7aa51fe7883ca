"""Coefficients of performance: hand numbers, limits, and kelvin where kelvin belong."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varme.physics.cop import LIFT_MIN_K, carnot_cop, log_mean_temperature_k, lorenz_cop

celsius = st.floats(-30, 120)


@pytest.mark.parametrize(
    ("source", "supply", "expected"),
    [
        (0.0, 100.0, 373.15 / 100),
        (10.0, 80.0, 353.15 / 70),
        (-20.0, 35.0, 308.15 / 55),
        (26.85, 76.85, 350.0 / 50),
    ],
)
def test_carnot_by_hand(source, supply, expected):
    """In Celsius 10 -> 80 would be 80 / 70 = 1.14, the field's classic bug; in kelvin it is 5.045."""
    assert float(carnot_cop(source, supply)) == pytest.approx(expected, rel=1e-12)


def test_lorenz_by_hand():
    """Sink 40 -> 80 C: (80 - 40) / ln(353.15 / 313.15) = 332.749 K; source 15 -> 5 C: 283.121 K; 332.749 / 49.628."""
    sink = 40 / math.log(353.15 / 313.15)
    source = 10 / math.log(288.15 / 278.15)
    assert sink == pytest.approx(332.749, abs=1e-3)
    assert source == pytest.approx(283.121, abs=1e-3)
    assert float(lorenz_cop(15, 5, 80, 40)) == pytest.approx(sink / (sink - source), rel=1e-12)
    assert float(lorenz_cop(15, 5, 80, 40)) == pytest.approx(6.705, abs=1e-3)


@given(temperature=celsius)
def test_the_logarithmic_mean_of_equal_temperatures_is_that_temperature(temperature):
    assert float(log_mean_temperature_k(temperature, temperature)) == pytest.approx(temperature + 273.15)
    near = float(log_mean_temperature_k(temperature + 1e-5, temperature))
    assert near == pytest.approx(temperature + 273.15, rel=1e-6)


@given(warm=celsius, cold=celsius)
def test_the_logarithmic_mean_lies_between_and_below_the_arithmetic_one(warm, cold):
    mean = float(log_mean_temperature_k(warm, cold))
    low, high = sorted((warm + 273.15, cold + 273.15))
    assert low - 1e-9 <= mean <= (low + high) / 2 + 1e-9
    assert mean == pytest.approx(float(log_mean_temperature_k(cold, warm)), rel=1e-12)


@given(source=st.floats(-20, 40), supply=st.floats(50, 110), back=st.floats(25, 49), drop=st.floats(0, 10))
def test_lorenz_is_carnot_between_means_and_never_worse(source, supply, back, drop):
    """Gliding temperatures help: the supply end alone (Carnot at the outlet) is the hardest point."""
    gliding = float(lorenz_cop(source, source - drop, supply, back))
    same = float(lorenz_cop(source, source, supply, supply))
    assert same == pytest.approx(float(carnot_cop(source, supply)), rel=1e-9)
    assert gliding >= float(carnot_cop(source - drop, supply)) - 1e-9
    assert gliding > 1


@given(source=celsius, supply=celsius)
def test_no_lift_gives_no_infinite_cop(source, supply):
    """Below the smallest lift the ratio is cut off: a warm source must not divide by zero or turn the sign."""
    cop = float(carnot_cop(source, supply))
    assert 0 < cop <= (supply + 273.15) / LIFT_MIN_K + 1e-9
    assert np.isfinite(cop)


def test_arrays_are_broadcast():
    found = lorenz_cop(np.array([0.0, 10.0]), np.array([-5.0, 5.0]), 80.0, 40.0)
    assert found.shape == (2,)
    assert found[1] > found[0]
    assert carnot_cop(np.zeros((2, 3)), 80.0).shape == (2, 3)
