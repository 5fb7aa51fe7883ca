r"""A house from its temperatures: heat loss, heat capacity, solar aperture, gains, with intervals.

The house is the thermal network that plans use (:mod:`varme.physics.building`), with noise in its states and in the
sensor. The likelihood of the measured room temperature is that of the innovations of a Kalman filter with its steady
gain. The innovations are linear in what multiplies an input (solar aperture, gains) and in the states at the start, so
these are found by least squares inside; only heat loss, capacity, the split of the capacity, the coupling and the ratio
of the noises are searched. Unknown gains may follow the day by two harmonics: people are at home
when the heating runs, and a house fitted with constant gains comes out 15 % too light.

Intervals are the larger of two: the observed information, and a jackknife that leaves out one block of days at a time,
which also knows what the model does not (wind, open windows).

Sources: grey-box models of houses and their likelihood, Bacher and Madsen 2011 (doi:10.1016/j.enbuild.2011.02.005),
Madsen and Holst 1995 (doi:10.1016/0378-7788(94)00904-X).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, solve_discrete_are
from scipy.optimize import minimize
from scipy.signal import lfilter

from varme.physics.building import ThermalNetwork, one_node, two_nodes

Floats = NDArray[np.float64]

#: Share of the heat loss that leaves the room directly; not identifiable from one temperature, taken as in ``House``.
DIRECT_SHARE = 0.4
#: Limits of the search: heat loss [kW/K], capacity [kWh/K], share of the room, coupling over loss, log noise ratio.
LIMITS = ((0.01, 2.0), (0.3, 100.0), (0.02, 0.9), (1.3, 60.0), (1e-4, 1e2))


@dataclass(frozen=True)
class Record:
    """What was measured, on a regular grid of N steps; NaN where nothing was.

    Attributes:
        step_h: Length of a step.
        room_c: Room temperature at the end of each step, shape (N,).
        outdoor_c: Outdoor temperature, mean of each step.
        sun_kw_per_m2: Irradiance on the windows.
        heat_kw: Heat into the room: measured, or what the heat pump's map makes of its electricity. Where its level is
            not known, neither are those of heat loss, capacity and aperture, which scale with it; who calls says so.
        heat_to_mass_share: Share of the heat that enters the mass: 0.7 for floor heating, 0 for radiators.
        gains_kw: Known internal gains, 0 if unknown.
        local_h: Wall-clock hour of each step, shape (N,): unknown gains may then follow the day; ``None`` for a
            constant.
    """

    step_h: float
    room_c: Floats
    outdoor_c: Floats
    sun_kw_per_m2: Floats
    heat_kw: Floats
    heat_to_mass_share: float = 0.0
    gains_kw: float = 0.0
    local_h: Floats | None = None

    def waves(self) -> list[Floats]:
        """Return the shapes that unknown gains may have over the day: two harmonics; none without a clock."""
        if self.local_h is None:
            return []
        angle = 2 * np.pi * self.local_h / 24
        return [np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle)]

    def stretches(self, at_least: int) -> list[tuple[int, int]]:
        """Return the stretches (first, after last) without missing values of at least some steps."""
        whole = np.isfinite(self.room_c + self.outdoor_c + self.sun_kw_per_m2 + self.heat_kw)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], whole, [False]]).astype(int)))
        pairs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
        return [(first, last) for first, last in pairs if last - first >= at_least]


@dataclass(frozen=True)
class HouseFit:
    """A fitted house.

    Attributes:
        nodes: Temperatures of the model.
        names: Names of the parameters, with their units.
        values: Their values, shape (p,).
        deviations: Their standard deviations, shape (p,); infinite where the data do not tell.
        log_scale: Whether the deviation is one of the logarithm (a factor) or of the value.
        innovations_k: One-step errors of the prediction, shape (N,); NaN where nothing was measured.
        predicted_c: Simulated room temperature over each stretch, from its first measurement on, shape (N,).
        noise_k: Standard deviation of the innovations.
        deviance: -2 log likelihood.
        autocorrelation_share: Autocorrelation of the innovations at one step.
        limits_hit: Parameters that stand at a limit of the search.
    """

    nodes: int
    names: tuple[str, ...]
    values: Floats
    deviations: Floats
    log_scale: NDArray[np.bool_]
    innovations_k: Floats
    predicted_c: Floats
    noise_k: float
    deviance: float
    autocorrelation_share: float
    limits_hit: tuple[str, ...]

    def __getitem__(self, name: str) -> float:
        return float(self.values[self.names.index(name)])

    def interval(self, name: str, z: float) -> tuple[float, float]:
        """Return the interval of a parameter at ``z`` standard deviations."""
        place = self.names.index(name)
        value, deviation = float(self.values[place]), float(self.deviations[place])
        if self.log_scale[place]:
            reach = float(np.exp(min(z * deviation, 50.0)))
            return value / reach, value * reach
        return value - z * deviation, value + z * deviation


def network_of(searched: Floats, record: Record) -> ThermalNetwork:
    """Return the network of searched parameters (logarithms): loss, capacity and, for two nodes, share and coupling."""
    loss, capacity = np.exp(searched[:2])
    if len(searched) == 3:
        return one_node(float(loss), float(capacity))
    share, coupling = np.exp(searched[2:4])
    return two_nodes(
        float(loss), float(share * capacity), float((1 - share) * capacity), float(coupling * loss), DIRECT_SHARE,
        record.heat_to_mass_share,
    )  # fmt: skip


class _Filter:
    """The innovations of a steady Kalman filter, as linear filters of its inputs."""

    def __init__(self, network: ThermalNetwork, step_h: float, noise_ratio: float) -> None:
        self.a, self.heat, self.gain, self.out = network.step(step_h)
        k = network.nodes
        spread = np.diag(1.0 / network.capacity_kwh_per_k * network.capacity_kwh_per_k.max()) ** 2 * step_h
        state_noise = noise_ratio * spread / np.trace(spread)
        look = np.eye(k)[:, :1]
        covariance = solve_discrete_are(self.a.T, look, state_noise, np.eye(1))
        self.variance = float(covariance[0, 0] + 1.0)  # in units of the sensor's variance
        self.k_gain = self.a @ covariance[:, 0] / self.variance
        self.m = self.a - np.outer(self.k_gain, look[:, 0])
        self.modes, vectors = np.linalg.eig(self.m)
        self.seen, self.into = vectors[0], np.linalg.inv(vectors)

    def respond(self, vector: Floats, series: Floats) -> Floats:
        """Return the predicted room temperature that an input causes: input vector (k,), series (n,) -> (n,)."""
        weights = self.seen * (self.into @ vector)
        late = np.concatenate([[0.0], series[:-1]])
        out = np.zeros(len(series))
        for w, mode in zip(weights, self.modes, strict=True):
            out += np.real(w * lfilter([1.0], [1.0, -mode], late))
        return out

    def impulse(self, node: int, n: int) -> Floats:
        """Return the predicted room temperature of a unit start of one node, shape (n,)."""
        weights = self.seen * self.into[:, node]
        return np.asarray(
            np.real(sum(w * mode ** np.arange(n) for w, mode in zip(weights, self.modes, strict=True)))
        )


@dataclass(frozen=True)
class _Columns:
    """Innovations of the measurement and regressors, one row per measured step."""

    target: Floats
    matrix: Floats
    relative_variance: float


def _columns(searched: Floats, record: Record, pieces: Sequence[tuple[int, int]]) -> _Columns:
    network = network_of(searched, record)
    filter_ = _Filter(network, record.step_h, float(np.exp(searched[-1])))
    targets, blocks = [], []
    n_states = network.nodes
    for number, (first, last) in enumerate(pieces):
        part = slice(first, last)
        n = last - first
        # The state at the start of a step predicts its end; inputs of a step act at its end: shift by one.
        room = record.room_c[part]
        inputs_next = slice(first + 1, last)
        known = filter_.respond(filter_.k_gain, room)
        out = filter_.respond(filter_.out, _ahead(record.outdoor_c[inputs_next]))
        heat = filter_.respond(filter_.heat, _ahead(record.heat_kw[inputs_next]))
        sun = filter_.respond(filter_.gain, _ahead(record.sun_kw_per_m2[inputs_next]))
        gain = filter_.respond(filter_.gain, np.ones(n))
        fixed = known + out + heat + gain * record.gains_kw
        regressors = [sun, gain]
        regressors += [filter_.respond(filter_.gain, _ahead(w[inputs_next])) for w in record.waves()]
        starts = np.zeros((n, n_states * len(pieces)))
        for node in range(n_states):
            starts[:, number * n_states + node] = filter_.impulse(node, n)
        targets.append(room - fixed)
        blocks.append(np.column_stack([*regressors, starts]))
    return _Columns(np.concatenate(targets), np.concatenate(blocks), filter_.variance)


def _ahead(series: Floats) -> Floats:
    """Return a series of inputs of the next steps, one longer (the last one is not used)."""
    return np.concatenate([series, series[-1:]])


def _deviance(searched: Floats, record: Record, pieces: Sequence[tuple[int, int]]) -> float:
    try:
        columns = _columns(searched, record, pieces)
    except (ValueError, LinAlgError):
        return 1e12
    scale = columns.matrix.std(axis=0) + 1e-9
    beta, *_ = np.linalg.lstsq(columns.matrix / scale, columns.target, rcond=1e-10)
    rest = columns.target - columns.matrix @ (beta / scale)
    n = len(rest)
    return float(n * np.log(max(rest @ rest / n, 1e-14)))


def fit_house(record: Record, nodes: int = 2, blocks: int = 6) -> HouseFit:
    """Fit a house to a record.

    Args:
        record: What was measured.
        nodes: 1 (1R1C) or 2 (2R2C).
        blocks: Blocks of the jackknife; 0 for none.

    Raises:
        ValueError: if no stretch of a day without missing values is left.
    """
    pieces = record.stretches(int(np.ceil(24 / record.step_h)))
    if not pieces:
        raise ValueError("no day without missing values")
    best = min(
        (_search(start, record, pieces) for start in _starts(record, nodes)), key=lambda found: found[1]
    )
    fit = _finished(best[0], best[1], record, pieces, nodes)
    return fit if blocks < 3 else _jackknifed(fit, best[0], record, blocks)


def _jackknifed(fit: HouseFit, searched: Floats, record: Record, blocks: int) -> HouseFit:
    """Return the fit with deviations at least as large as those of leaving out one block of days at a time."""
    edges = np.linspace(0, len(record.room_c), blocks + 1).astype(int)
    found = []
    for first, last in pairwise(edges):
        room = record.room_c.copy()
        room[first:last] = np.nan
        part = replace(record, room_c=room)
        pieces = part.stretches(int(np.ceil(24 / record.step_h)))
        if pieces:
            again = _search(searched, part, pieces)
            found.append(_values(again[0], part, pieces)[1])
    if len(found) < 3:
        return fit
    moved = np.array(found)
    moved[:, fit.log_scale] = np.log(np.maximum(moved[:, fit.log_scale], 1e-12))
    n = len(moved)
    spread = np.sqrt((n - 1) / n * np.sum((moved - moved.mean(axis=0)) ** 2, axis=0))
    return replace(fit, deviations=np.maximum(fit.deviations, spread))


def _values(searched: Floats, record: Record, pieces: Sequence[tuple[int, int]]) -> tuple[Floats, Floats]:
    """Return all linear parameters, and the parameters that are shown: loss, capacity... and aperture, gains."""
    columns = _columns(searched, record, pieces)
    beta, *_ = np.linalg.lstsq(columns.matrix, columns.target, rcond=1e-12)
    return np.asarray(beta, dtype=float), np.concatenate([np.exp(searched[:-1]), beta[:2]])


def _starts(record: Record, nodes: int) -> list[Floats]:
    """Return starting points of the search: a heat loss from the mean balance, light and heavy, quiet and noisy."""
    difference = float(np.nanmean(record.room_c)) - float(np.nanmean(record.outdoor_c))
    loss = float(np.clip((float(np.nanmean(record.heat_kw)) + 0.3) / max(difference, 2.0), 0.03, 1.0))
    starts = []
    for hours in (25.0, 70.0):
        base = [np.log(loss), np.log(np.clip(loss * hours, 0.5, 80.0))]
        rest = [np.log(0.2), np.log(6.0)] if nodes == 2 else []
        starts.append(np.array([*base, *rest, np.log(0.05)]))
    return starts


def _bounds(nodes: int) -> list[tuple[float, float]]:
    rows = LIMITS if nodes == 2 else (LIMITS[0], LIMITS[1], LIMITS[4])
    return [(float(np.log(low)), float(np.log(high))) for low, high in rows]


def _search(start: Floats, record: Record, pieces: Sequence[tuple[int, int]]) -> tuple[Floats, float]:
    nodes = 1 if len(start) == 3 else 2
    found = minimize(
        _deviance, start, args=(record, pieces), method="L-BFGS-B", bounds=_bounds(nodes),
        options={"maxiter": 150, "maxfun": 2500, "ftol": 1e-10, "gtol": 1e-4, "eps": 1e-4},
    )  # fmt: skip
    return np.asarray(found.x), float(found.fun)


def _finished(
    searched: Floats, deviance: float, record: Record, pieces: Sequence[tuple[int, int]], nodes: int
) -> HouseFit:
    columns = _columns(searched, record, pieces)
    beta, values = _values(searched, record, pieces)
    rest = columns.target - columns.matrix @ beta
    n = len(rest)
    variance = float(rest @ rest / n)
    lag = min(max(float(np.corrcoef(rest[:-1], rest[1:])[0, 1]), -0.99), 0.99)
    deviations = _deviations(searched, beta, record, pieces, variance) * np.sqrt(
        max((1 + lag) / (1 - lag), 1.0)
    )
    shown = len(searched) - 1
    free = ["solar_aperture_m2", "gains_kw"]
    names = ["heat_loss_kw_per_k", "capacity_kwh_per_k", "room_capacity_share", "coupling_ratio"][
        :shown
    ] + free
    spread = np.concatenate([deviations[:shown], deviations[len(searched) : len(searched) + len(free)]])
    hit = [
        name
        for name, x, (low, high) in zip(names, searched, _bounds(nodes), strict=False)
        if min(x - low, high - x) < 1e-3
    ]
    innovations, predicted = np.full(len(record.room_c), np.nan), np.full(len(record.room_c), np.nan)
    at = 0
    for first, last in pieces:
        innovations[first:last] = rest[at : at + last - first]
        at += last - first
    _simulate(predicted, searched, beta, record, pieces)
    return HouseFit(
        nodes, tuple(names), values, spread, np.arange(len(names)) < shown, innovations, predicted,
        float(np.sqrt(variance)), deviance, lag, tuple(hit),
    )  # fmt: skip


def _deviations(
    searched: Floats, beta: Floats, record: Record, pieces: Sequence[tuple[int, int]], variance: float
) -> Floats:
    """Return standard deviations from the Gauss-Newton information of searched and linear parameters together."""
    base = _columns(searched, record, pieces)
    slopes = []
    for place in range(len(searched)):
        change = np.zeros(len(searched))
        change[place] = 1e-3
        up, down = (_columns(searched + s * change, record, pieces) for s in (1, -1))
        moved = (up.target - up.matrix @ beta) - (down.target - down.matrix @ beta)
        slopes.append(-moved / 2e-3)
    jacobian = np.column_stack([*slopes, base.matrix])
    scale = np.sqrt(np.sum(jacobian**2, axis=0)) + 1e-300
    information = (jacobian / scale).T @ (jacobian / scale)
    values, vectors = np.linalg.eigh(information)
    inverse = vectors @ np.diag(1.0 / np.maximum(values, 1e-13)) @ vectors.T
    return np.asarray(np.sqrt(variance * np.diag(inverse)) / scale)


def _simulate(
    predicted: Floats, searched: Floats, beta: Floats, record: Record, pieces: Sequence[tuple[int, int]]
) -> None:
    """Fill in the simulated room temperature: the model alone, without looking at measurements after the start."""
    network = network_of(searched, record)
    a, heat, gain, out = network.step(record.step_h)
    waves = record.waves()
    offset = 2 + len(waves)
    daily = sum((beta[2 + i] * w for i, w in enumerate(waves)), start=np.zeros(len(record.room_c)))
    drive = (
        record.heat_kw[:, None] * heat
        + (beta[0] * record.sun_kw_per_m2 + beta[1] + record.gains_kw + daily)[:, None] * gain
        + record.outdoor_c[:, None] * out
    )
    for number, (first, last) in enumerate(pieces):
        state = beta[offset + number * network.nodes : offset + (number + 1) * network.nodes]
        predicted[first] = state[0]
        for step in range(first + 1, last):
            state = a @ state + drive[step]
            predicted[step] = state[0]
