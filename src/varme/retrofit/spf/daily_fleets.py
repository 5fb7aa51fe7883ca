"""COP over outdoor temperature from two fleets of different homes, day by day.

The gas fleet tells how much heat homes want on a day, the heat-pump fleet how much electricity that takes. Four things
stand between their ratio and a COP, and each one left out bends the slope by more than its standard error:

* **hot water**: a base that does not follow the weather; it is part of both models;
* **heating limits**: at 3 C outdoors, homes that stop heating 1 K earlier shift the slope of ``log(Q / E)`` by
  ``1/11 - 1/12 = 0.0076`` per kelvin, a third of the COP's own. The days around the limit tell the difference;
* **inertia**: buildings feel yesterday, a heat pump's source does not; each fleet has lags of its own;
* **sun and wind**: they move both fleets. The residual of the gas fleet, in kelvin, enters the model of the heat-pump
  fleet with a coefficient of its own, which is the share that both have in common (regression calibration, Carroll et
  al. 2006, *Measurement Error in Nonlinear Models*, chapter 4).

Models, with the mean heating demand ``H(x) = E max(limit - x, 0)`` of homes whose limits are normally distributed::

    gas:         Q_t = base + scale * H(felt_t)                                     felt = T + lags (T before - T)
    heat pumps:  E_t = H(felt'_t + share * r_t - shift) / COP(T_t) + base' / COP_water(T_t)

``r_t`` is the gas fleet's residual in kelvin. ``log COP(T)`` is a line plus deviations at knots (defrosting, backup
heaters) that a prior holds near 0. Fitted by robust nonlinear least squares over all days, the day's error being what
sun and wind leave (in proportion to the share of homes that heat) and a constant. Standard errors are those of Newey &
West (1987) with a window of two weeks; most of the likeness of neighbouring days is taken out before by the errors'
first-order autocorrelation (Cochrane & Orcutt 1949).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import ndtr

from varme.retrofit.spf.years import MAD_TO_SD

Floats = NDArray[np.float64]

#: Knots at which log COP may leave the line [C].
KNOTS_C = np.arange(-16.0, 13.0, 4.0)
#: Knots of the COP of all heat: in summer it is that of hot water.
ALL_KNOTS_C = np.arange(-16.0, 25.0, 4.0)
#: Above this temperature the COP of neither hot water nor space heating is told from the data [C].
FLAT_ABOVE_C = 15.0
#: Days below this temperature make the slope [C].
COLD_C = 12.0
#: Days after which the errors of two days count as unrelated.
WINDOW_DAYS = 14
#: Priors (mean, standard deviation) of what two fleets of homes may differ in; all assumptions, wide against what towns
#: show: shift of the heating limit [K], log ratio of the spread of limits, share of sun and wind in common, lags,
#: weekend, hot water's slope over that of space heating (0.5-0.7 with the curves of When2Heat), deviations at knots,
#: factor of a year on a fleet (what a changed set of meters leaves).
PRIOR_SHIFT_K, PRIOR_SPREAD, PRIOR_SHARE = (0.0, 1.0), (0.0, 0.1), (0.6, 0.5)
PRIOR_LAG_SD, PRIOR_REST_SD, PRIOR_WATER_SLOPE, PRIOR_KNOT_SD, PRIOR_YEAR_SD = (
    0.08,
    0.1,
    (0.6, 0.15),
    0.02,
    0.2,
)
#: Tuning constant of the biweight (98 % efficiency under the normal distribution).
BIWEIGHT = 5.92
#: What the models leave out, as a standard deviation of the slope: homes of one fleet that differ from those of the
#: other in more than their limit (measured on development towns: what the Newey-West errors lack in coverage).
MODEL_SE = 0.001
#: Days needed, and how far their temperatures must spread [K]: below it the slope is that of the prior curve.
MIN_COLD_DAYS, MIN_SPREAD_K = 60, 2.0


@dataclass(frozen=True)
class Days:
    """The days that are fitted, and what both models need of them.

    Attributes:
        kept: Number of each day in the calendar, shape (days,).
        temperature_c: Outdoor temperature.
        before_k: Temperature of the last two days less that of the day, shape (days, 2).
        rest: 1 on weekends and holidays.
        year: One column per year, 1 where the day lies in it, shape (days, years).
    """

    kept: NDArray[np.int64]
    temperature_c: Floats
    before_k: Floats
    rest: Floats
    year: Floats


@dataclass(frozen=True)
class GasFleet:
    """The gas fleet's model.

    Attributes:
        base: Heat that does not follow the weather, over the mean day.
        scale: Heat per kelvin, over the mean day.
        limit_c: Mean heating limit.
        spread_k: Standard deviation of the limits.
        lags: Weights of the last two days, shape (2,).
        rest: Log change on weekends and holidays.
        felt_c: Temperature with inertia, shape (days,).
        surplus_k: What sun and wind add to it, by the fleet's residual, shape (days,).
    """

    base: float
    scale: float
    limit_c: float
    spread_k: float
    lags: Floats
    rest: float
    felt_c: Floats
    surplus_k: Floats


@dataclass(frozen=True)
class FleetFit:
    """What two daily fleets tell about the COP.

    Attributes:
        slope: Mean slope of log COP per kelvin on cold days, space heating.
        slope_se: Its standard error.
        all_slope: The same of all heat, hot water included.
        all_slope_se: Its standard error.
        reference_c: Mean temperature of the cold days.
        knots: Deviation of log COP from the line at :data:`KNOTS_C`, shape (knots,).
        log_cov: Covariance of slope and knots, shape (1 + knots, 1 + knots).
        all_knots: Deviation of the log COP of all heat from its line at :data:`ALL_KNOTS_C`.
        shift_k: Heating limit of the heat-pump homes less that of the gas homes.
        shift_se_k: Its standard error.
        water_ratio: COP of hot water over that of space heating at 15 C, if its share is the same in both fleets.
        space_over_all_log: Log COP of space heating less that of all heat, mean over cold days.
        limit_c: Mean heating limit of the gas homes.
        residual_share: Robust standard deviation of the heat-pump fleet's cold days over its mean day.
        cold_days: Days that made the slope.
    """

    slope: float
    slope_se: float
    all_slope: float
    all_slope_se: float
    reference_c: float
    knots: Floats
    log_cov: Floats
    all_knots: Floats
    shift_k: float
    shift_se_k: float
    water_ratio: float
    space_over_all_log: float
    limit_c: float
    residual_share: float
    cold_days: int


def days_of(
    usable: NDArray[np.bool_],
    temperature_c: Floats,
    rest: NDArray[np.bool_] | None,
    year_of_day: NDArray[np.int64] | None,
) -> Days:
    """Return the usable days; temperatures of missing days are interpolated for the lags of the days after."""
    known = np.isfinite(temperature_c)
    t = np.interp(np.arange(len(temperature_c)), np.flatnonzero(known), temperature_c[known])
    before = np.zeros((len(t), 2))
    before[1:, 0], before[2:, 1] = t[:-1] - t[1:], t[:-2] - t[2:]
    years = np.zeros(len(t)) if year_of_day is None else np.asarray(year_of_day)
    columns = (years[:, None] == np.unique(years[usable])[None, :]).astype(float)
    resting = np.zeros(len(t)) if rest is None else np.asarray(rest, dtype=float)
    return Days(np.flatnonzero(usable), t[usable], before[usable], resting[usable], columns[usable])


def mean_need(x: Floats, limit_c: float, spread_k: float) -> Floats:
    """Return ``E max(limit - x, 0)`` over homes whose limits are normal with this spread [K]."""
    z = (limit_c - x) / spread_k
    return np.asarray(spread_k * (np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) + z * ndtr(z)), dtype=float)


def _temperature_of(need: Floats, limit_c: float, spread_k: float) -> Floats:
    """Return the temperature at which homes need that much: the inverse of :func:`mean_need`, up to where few heat."""
    grid = np.linspace(limit_c + 2.5 * spread_k, limit_c - 60.0, 2000)
    return np.asarray(np.interp(need, mean_need(grid, limit_c, spread_k), grid), dtype=float)


def fit_gas_fleet(heat: Floats, days: Days) -> GasFleet:
    """Return the gas fleet's model from its heat by day, shape (days,)."""
    y, t, n = heat / heat.mean(), days.temperature_c, days.year.shape[1]
    mean = np.r_[np.log(0.3), np.log(0.12), 15.0, 0.3, 0.3, 0.1, 0.0, np.zeros(n)]
    sd = np.r_[2.0, 2.0, 3.0, 0.5, 0.5, 0.5, PRIOR_REST_SD, np.full(n, PRIOR_YEAR_SD)]

    def felt(p: Floats) -> Floats:
        return np.asarray(t + days.before_k @ p[4:6], dtype=float)

    def model(p: Floats) -> Floats:
        need = mean_need(felt(p), p[2], np.exp(p[3])) * np.exp(p[1] + p[6] * days.rest)
        return np.asarray(np.exp(days.year @ p[7:]) * (np.exp(p[0]) + need), dtype=float)

    p, _, _ = _robust_fit(y, model, mean, sd, lambda p: ndtr((p[2] - felt(p)) / np.exp(p[3])), days.kept)
    base, scale, limit, spread = np.exp(p[0]), np.exp(p[1]), p[2], np.exp(p[3])
    x, heats = felt(p), ndtr((p[2] - felt(p)) / np.exp(p[3]))
    need = (y * np.exp(-days.year @ p[7:]) - base) / (scale * np.exp(p[6] * days.rest))
    felt_by_heat = _temperature_of(need, limit, spread)
    surplus = np.clip(felt_by_heat - x, -4, 4) * np.minimum(heats / 0.3, 1.0)
    return GasFleet(base, scale, float(limit), spread, p[4:6], float(p[6]), x, surplus)


def fit_heat_pump_fleet(
    electricity: Floats, days: Days, gas: GasFleet, slope_prior: tuple[float, float] = (0.02, 0.05)
) -> FleetFit:
    """Return slope and shape of the COP from the heat-pump fleet's electricity.

    Args:
        electricity: Electricity by day [kWh], shape (days,).
        days: The days.
        gas: The gas fleet's model.
        slope_prior: Mean and standard deviation of the slope before the data; the default says next to nothing.
    """
    y, t, n = electricity / electricity.mean(), days.temperature_c, days.year.shape[1]
    flat, at_knots = np.minimum(t, FLAT_ABOVE_C), _hats(t)
    cold = (t < COLD_C) & (gas.felt_c < gas.limit_c - 1)
    centre = float(t[cold].mean())
    k = 10 + len(KNOTS_C)
    mean = np.r_[np.log(0.1), slope_prior[0], PRIOR_SHIFT_K[0], PRIOR_SPREAD[0], PRIOR_SHARE[0], gas.lags, gas.rest,
                 np.log(gas.base), PRIOR_WATER_SLOPE[0], np.zeros(len(KNOTS_C) + n)]  # fmt: skip
    sd = np.r_[2.0, slope_prior[1], PRIOR_SHIFT_K[1], PRIOR_SPREAD[1], PRIOR_SHARE[1], PRIOR_LAG_SD, PRIOR_LAG_SD,
               PRIOR_REST_SD, 1.0, PRIOR_WATER_SLOPE[1], np.full(len(KNOTS_C), PRIOR_KNOT_SD),
               np.full(n, PRIOR_YEAR_SD)]  # fmt: skip

    def need(p: Floats) -> Floats:
        x = t + days.before_k @ p[5:7] + p[4] * gas.surplus_k - p[2]
        return np.asarray(
            mean_need(x, gas.limit_c, gas.spread_k * np.exp(p[3])) * np.exp(p[7] * days.rest), dtype=float
        )

    def log_cop(p: Floats) -> Floats:
        return np.asarray(p[1] * (flat - centre) + at_knots @ p[10:k], dtype=float)

    def model(p: Floats) -> Floats:
        water = np.exp(p[8] - p[9] * p[1] * (flat - FLAT_ABOVE_C))
        return np.asarray(
            np.exp(days.year @ p[k:]) * (np.exp(p[0] - log_cop(p)) * need(p) + water), dtype=float
        )

    def log_all(p: Floats) -> Floats:
        """Return the log COP of all heat, both fleets having the same share of hot water, but for a constant."""
        heat = gas.base + gas.scale * need(p)
        return np.asarray(np.log(heat) - np.log(model(p)) + days.year @ p[k:], dtype=float)

    heats = ndtr((gas.limit_c - gas.felt_c) / gas.spread_k)
    p, cov, spread = _robust_fit(y, model, mean, sd, lambda _: heats, days.kept)
    to_line = (t[cold] - centre) / float((t[cold] - centre) @ (t[cold] - centre))
    shape = np.zeros((1 + len(KNOTS_C), len(p)))
    shape[0, 1], shape[0, 10:k] = 1.0, to_line @ at_knots[cold]
    shape[1:, 10:k] = np.eye(len(KNOTS_C))
    shape[1:] -= (KNOTS_C - centre)[:, None] * (shape[0] - np.eye(len(p))[1])[None, :]
    shape[1:, 10:k] -= at_knots[cold].mean(axis=0)
    gradient = _gradient(lambda q: float(to_line @ log_all(q)[cold]), p)
    water = (
        gas.base
        / gas.scale
        * np.exp(p[0] - (p[1] * (FLAT_ABOVE_C - centre) + _hats(np.array([15.0])) @ p[10:k]))
    )
    over = float(np.mean((np.log(gas.scale) - p[0] + log_cop(p) - log_all(p))[cold]))
    se = float(np.hypot(np.sqrt(shape[0] @ cov @ shape[0]), MODEL_SE))
    all_se = float(np.hypot(np.sqrt(gradient @ cov @ gradient), MODEL_SE))
    return FleetFit(
        float(shape[0] @ p), se, float(to_line @ log_all(p)[cold]), all_se, centre, shape[1:] @ p,
        shape @ cov @ shape.T, _deviations(log_all(p), t, cold, centre), float(p[2]), float(np.sqrt(cov[2, 2])),
        float(water[0] / np.exp(p[8])), over, gas.limit_c, spread, int(cold.sum()),
    )  # fmt: skip


def _hats(temperature_c: Floats) -> Floats:
    """Return the share of each knot in a temperature: linear between knots, constant outside, shape (days, knots)."""
    return np.stack([np.interp(temperature_c, KNOTS_C, row) for row in np.eye(len(KNOTS_C))], axis=1)


def _deviations(log_all: Floats, t: Floats, cold: NDArray[np.bool_], centre: float) -> Floats:
    """Return how far the log COP of all heat is from its line on cold days, at :data:`ALL_KNOTS_C`."""
    x = t - centre
    slope = float(x[cold] @ log_all[cold]) / float(x[cold] @ x[cold])
    left = log_all - log_all[cold].mean() - slope * x
    hats = np.stack([np.interp(t, ALL_KNOTS_C, row) for row in np.eye(len(ALL_KNOTS_C))], axis=1)
    # A small second difference is preferred: where no day is, the deviation goes on as it was.
    bend = np.diff(np.eye(len(ALL_KNOTS_C)), 2, axis=0)
    return np.asarray(np.linalg.solve(hats.T @ hats + 0.1 * bend.T @ bend + 1e-6 * np.eye(len(ALL_KNOTS_C)),
                                      hats.T @ left), dtype=float)  # fmt: skip


def _gradient(function: Callable[[Floats], float], at: Floats) -> Floats:
    """Return the gradient of a function by central differences."""
    step = 1e-5
    rows = step * np.eye(len(at))
    return np.array([(function(at + row) - function(at - row)) / (2 * step) for row in rows])


def _robust_fit(
    y: Floats,
    model: Callable[[Floats], Floats],
    mean: Floats,
    sd: Floats,
    heats: Callable[[Floats], Floats],
    kept: NDArray[np.int64],
) -> tuple[Floats, Floats, float]:
    """Return parameters, their covariance and the standard deviation of cold days.

    Tukey's biweight by reweighting, errors whitened by their autocorrelation. The scale is that of warm days, and grows
    with the share of homes that heat.

    Args:
        y: Energy by day over the mean day, shape (days,).
        model: Parameters -> expected energy.
        mean: Prior means, where the search starts.
        sd: Prior standard deviations.
        heats: Parameters -> share of homes that heat, shape (days,).
        kept: Number of each day in the calendar: days far apart are not neighbours.
    """
    p, scale, weight = mean, np.full(len(y), 0.1), np.ones(len(y))
    cold_scale, memory = 0.1, 0.0
    follows = np.r_[False, np.diff(kept) == 1]
    for _ in range(4):
        root = weight / scale

        def residual(q: Floats, root: Floats = root, memory: float = memory) -> Floats:
            error = root * (y - model(q))
            new = np.where(follows, error - memory * np.roll(error, 1), error * np.sqrt(1 - memory**2))
            return np.asarray(np.r_[new / np.sqrt(1 - memory**2), (q - mean) / sd], dtype=float)

        fit = least_squares(residual, p, x_scale=np.minimum(sd, 0.2))
        p = fit.x
        error, share = y - model(p), heats(p)
        cold, warm = share > 0.5, share <= 0.5
        cold_scale = max(MAD_TO_SD * float(np.median(np.abs(error[cold]))), 1e-5) if cold.any() else 0.1
        warm_scale = cold_scale
        if warm.sum() >= 20:
            warm_scale = min(max(MAD_TO_SD * float(np.median(np.abs(error[warm]))), 1e-5), cold_scale)
        scale = np.sqrt(warm_scale**2 + (cold_scale**2 - warm_scale**2) * share**2)
        u = error / (BIWEIGHT * scale)
        weight = np.where(np.abs(u) < 1, 1 - u**2, 1e-4)
        whole = weight * error / scale
        memory = float(np.clip(whole[follows] @ np.roll(whole, 1)[follows] / (whole @ whole), 0.0, 0.8))
    jacobian = fit.jac[: len(y)]
    score = np.zeros((int(kept[-1] - kept[0]) + 1, len(p)))
    score[kept - kept[0]] = jacobian * fit.fun[: len(y), None]
    meat = score.T @ score
    for lag in range(1, min(WINDOW_DAYS, len(score) - 1) + 1):
        together = score[lag:].T @ score[:-lag]
        meat += (1 - lag / (WINDOW_DAYS + 1)) * (together + together.T)
    prior = np.diag(1 / sd**2)
    bread = np.linalg.inv(jacobian.T @ jacobian + prior)
    return p, bread @ (meat + prior) @ bread, cold_scale
