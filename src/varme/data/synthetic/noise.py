"""Stationary Gaussian noise with a given autocorrelation, from seeded white noise.

White noise is filtered in the frequency domain by the square root of the wanted spectrum, so any autocorrelation is
met exactly in expectation, without loops and without a start-up phase. The block is much longer than the year, so its
circular ends never meet.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Length of a noise block [h]: the next power of two above a year with its padding, twice the longest correlation.
BLOCK = 16384

Floats = NDArray[np.float64]


def white(seed: int, stream: int) -> Floats:
    """Return standard normal noise, shape (BLOCK,); every stream of a seed is independent of the others.

    Uses ``PCG64`` seeded by ``(seed, stream)``: equal on every platform for one NumPy version, and no global state.
    """
    generator = np.random.Generator(np.random.PCG64([seed, stream]))
    return np.asarray(generator.standard_normal(BLOCK), dtype=float)


def exponential(tau_h: float) -> Floats:
    """Return the autocorrelation ``exp(-k / tau)`` of an Ornstein-Uhlenbeck process, shape (BLOCK,), circular."""
    return np.asarray(np.exp(-_lags() / tau_h), dtype=float)


def smooth(tau_h: float) -> Floats:
    """Return ``(1 + k / tau) exp(-k / tau)``: a critically damped second-order process, smooth from hour to hour."""
    scaled = _lags() / tau_h
    return np.asarray((1 + scaled) * np.exp(-scaled), dtype=float)


def coloured(noise: Floats, autocorrelation: Floats) -> Floats:
    """Return white noise filtered to unit variance and the given circular autocorrelation, shape (BLOCK,)."""
    spectrum = np.maximum(np.fft.rfft(autocorrelation).real, 0.0)
    return np.asarray(np.fft.irfft(np.fft.rfft(noise) * np.sqrt(spectrum), n=BLOCK), dtype=float)


def _lags() -> Floats:
    forward = np.arange(BLOCK, dtype=float)
    return np.asarray(np.minimum(forward, BLOCK - forward), dtype=float)
