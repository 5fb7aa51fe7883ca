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
    mean, share = 0.0, PRIOR_COUNTS[0] / sum(PRIOR_COUNTS)
    top = 0.5 * float(np.median(spread))
    for _ in range(100):
        bend, gradient, _, sound = _curvature(residual - mean, spread, weight, share)
        move, new_share = _careful_step(gradient, spread, weight, sound, bend[0, 0], top)
        if bend[0, 0] < 0 and np.linalg.det(bend) > 0:
            newton = -np.linalg.solve(bend, gradient)
            if abs(newton[0]) < top:
                move = float(newton[0])
                new_share = float(np.clip(share + newton[1], 0.2 * share, min(5 * share, 0.9)))
        done = abs(move) < 1e-8 and abs(new_share - share) < 1e-7
        mean, share = mean + move, new_share
        if done:
            break
    bend, _, middle, sound = _curvature(residual - mean, spread, weight, share)
    return CoreLevel(mean, _sandwich(bend, middle), share, sound)


def _careful_step(
    gradient: Floats, spread: Floats, weight: Floats, sound: Floats, bend: float, top: float
) -> tuple[float, float]:
    """Return a step that never goes astray: of expectation and maximisation for the share, bounded for the level."""
    safe = min(-float(weight @ (sound / spread**2)), -1e-9)
    move = float(np.clip(-gradient[0] / min(bend, 0.3 * safe), -top, top))
    total = float(weight.sum()) + sum(PRIOR_COUNTS)
    return move, (float(weight @ (1 - sound)) + PRIOR_COUNTS[0]) / total


def _curvature(r: Floats, s: Floats, weight: Floats, share: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the posterior's second and first derivatives by level and share, the squared scores, and soundness.

    Args:
        r: Residuals less the level, shape (m,).
        s: Spread by home, shape (m,).
        weight: Weights, shape (m,).
        share: Share of dirt.
    """
    h, hs = 1e-4, min(1e-4, share / 2)
    level, dirt, sound = _scores(r, s, share)
    up, down = _scores(r - h, s, share), _scores(r + h, s, share)
    more, less = _scores(r, s, share + hs), _scores(r, s, share - hs)
    by_level = [float(weight @ (up[i] - down[i])) / (2 * h) for i in (0, 1)]
    by_share = [float(weight @ (more[i] - less[i])) / (2 * hs) for i in (0, 1)]
    a, b = PRIOR_COUNTS
    cross = (by_level[1] + by_share[0]) / 2
    # The prior is one more, independent, source about the share.
    prior = a / share**2 + b / (1 - share) ** 2
    bend = np.array([[by_level[0], cross], [cross, by_share[1] - prior]])
    gradient = np.array([weight @ level, weight @ dirt + a / share - b / (1 - share)])
    scores = np.column_stack([level, dirt]) * weight[:, None]
    middle = scores.T @ scores * (len(r) / max(len(r) - 1, 1))
    middle[1, 1] += prior
    return bend, gradient, middle, sound


def _sandwich(bend: Floats, middle: Floats) -> float:
    """Return the sandwich variance of the level, with the share of dirt estimated beside it."""
    if not (bend[0, 0] < 0 and np.linalg.det(bend) > 0):
        return float(middle[0, 0] / min(bend[0, 0], -1e-12) ** 2)
    bread = np.linalg.inv(bend)
    return float((bread @ middle @ bread)[0, 0])
