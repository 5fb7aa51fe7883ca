"""Sound heat-pump meters and dirty ones: the level of the core of their residuals, with the dirt modelled.

Annual totals of heat-pump meters are wrong more often on one side than on the other: a meter that saw part of the
year, or stands behind PV, is too low. A symmetric robust mean keeps what it cannot tell from the core and is shifted
by it. Here the residual of a home about the level mu is a mixture

    (1 - e) N(0, s^2) + e [0.65 low + 0.20 high + 0.15 anywhere],

low: the log of a seen share that is uniform between 0.1 and 0.95, with the home's own N(0, s^2); high: too much by a
factor between 1 and 5 (the whole home on the meter), log-uniform; anywhere: uniform over e^-8 to e^8 (a wrong unit).
mu and the share e are found together, e with a Beta(2, 21) prior (mode 4.8 %; in the trial Electrification of Heat 13
% of the systems needed correction). The proportions and limits are assumptions. Clean meters pull e towards 0 and mu
towards their plain mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]

#: Share of the year that a dirty meter saw, lower and upper end.
SEEN_SHARE = (0.1, 0.95)
#: log of how much too high a dirty meter is at most.
HIGH_LOG = float(np.log(5.0))
#: Half width of the part that can be anywhere.
ANYWHERE_LOG = 8.0
#: Proportions of the dirt: low, high, anywhere.
PROPORTIONS = (0.65, 0.20, 0.15)
#: Pseudo-counts of the prior of the share of dirt: dirty and sound meters.
PRIOR_COUNTS = (1.0, 20.0)
_ROOT = float(np.sqrt(2 * np.pi))


@dataclass(frozen=True)
class CoreLevel:
    """The level of the sound meters.

    Attributes:
        mean: Level of the core of the residuals.
        variance: Its sampling variance, what is not known about the share of dirt included.
        dirt_share: Share of dirty meters.
        sound: Probability of each meter to be sound, shape (m,).
    """

    mean: float
    variance: float
    dirt_share: float
    sound: Floats


def _densities(r: Floats, s: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the density of core and dirt at residuals and their derivatives."""
    u = r / s
    core = np.exp(-0.5 * np.square(u)) / (s * _ROOT)
    a, b = np.log(SEEN_SHARE[0]), np.log(SEEN_SHARE[1])
    ua, ub = (a - r - s**2) / s, (b - r - s**2) / s
    tilt = np.exp(np.minimum(r + s**2 / 2, 50.0)) / (SEEN_SHARE[1] - SEEN_SHARE[0])
    low = tilt * (ndtr(ub) - ndtr(ua))
    low_slope = low - tilt * (np.exp(-0.5 * np.square(ub)) - np.exp(-0.5 * np.square(ua))) / (s * _ROOT)
    v = (r - HIGH_LOG) / s
    high = (ndtr(u) - ndtr(v)) / HIGH_LOG
    high_slope = (np.exp(-0.5 * np.square(u)) - np.exp(-0.5 * np.square(v))) / (s * _ROOT * HIGH_LOG)
    p = PROPORTIONS
    dirt = p[0] * low + p[1] * high + p[2] / (2 * ANYWHERE_LOG)
    return core, dirt, -u / s * core, p[0] * low_slope + p[1] * high_slope


def _scores(r: Floats, s: Floats, share: float) -> tuple[Floats, Floats, Floats]:
    """Return the score of the level, the score of the share, and the probability of being sound."""
    core, dirt, core_slope, dirt_slope = _densities(r, s)
    density = (1 - share) * core + share * dirt
    level = -((1 - share) * core_slope + share * dirt_slope) / density
    return level, (dirt - core) / density, (1 - share) * core / density


def core_level(residual: Floats, spread: Floats, weight: Floats) -> CoreLevel:
    """Return the level of the sound meters of a group.

    Args:
        residual: Log residuals about a robust first level, shape (m,).
        spread: Spread of the residual of a sound meter, by home, shape (m,).
        weight: Weights from design, 1 for a plain home, shape (m,).
    """
    mean, share, total = 0.0, PRIOR_COUNTS[0] / sum(PRIOR_COUNTS), float(weight.sum())
    step, top = 1e-4, 0.5 * float(np.median(spread))
    for _ in range(80):
        score, _, sound = _scores(residual - mean, spread, share)
        above, below = (_scores(residual - mean - h, spread, share)[0] for h in (step, -step))
        slope = float(weight @ (above - below)) / (2 * step)
        # Far from a maximum the curvature can be positive; the expected one of the core is always a safe step.
        safe = -float(weight @ (sound / spread**2))
        move = float(np.clip(-float(weight @ score) / min(slope, 0.3 * safe), -top, top))
        new_share = (float(weight @ (1 - sound)) + PRIOR_COUNTS[0]) / (total + sum(PRIOR_COUNTS))
        done = abs(move) < 1e-8 and abs(new_share - share) < 1e-8
        mean, share = mean + move, float(new_share)
        if done:
            break
    return CoreLevel(
        mean,
        _variance(residual - mean, spread, weight, share),
        share,
        _scores(residual - mean, spread, share)[2],
    )


def _variance(r: Floats, s: Floats, weight: Floats, share: float) -> float:
    """Return the sandwich variance of the level, with the share of dirt estimated beside it."""
    h = 1e-4
    level, dirt, _ = _scores(r, s, share)
    by_level = [(_scores(r - k, s, share)) for k in (h, -h)]
    hs = min(h, share / 2)
    by_share = [(_scores(r, s, share + k)) for k in (hs, -hs)]
    H = np.empty((2, 2))
    for i in range(2):
        H[i, 0] = weight @ (by_level[0][i] - by_level[1][i]) / (2 * h)
        H[i, 1] = weight @ (by_share[0][i] - by_share[1][i]) / (2 * hs)
    H[1, 1] -= PRIOR_COUNTS[0] / share**2 + PRIOR_COUNTS[1] / (1 - share) ** 2
    U = np.column_stack([level, dirt]) * weight[:, None]
    m = len(r)
    middle = U.T @ U * (m / max(m - 1, 1))
    # The prior is one more, independent, source about the share.
    middle[1, 1] += PRIOR_COUNTS[0] / share**2 + PRIOR_COUNTS[1] / (1 - share) ** 2
    H = (H + H.T) / 2
    if not (H[0, 0] < 0 and np.linalg.det(H) > 0):
        return float(middle[0, 0] / min(H[0, 0], -1e-12) ** 2)
    bread = np.linalg.inv(H)
    return float((bread @ middle @ bread)[0, 0])
