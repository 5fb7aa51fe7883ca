r"""What a certified heat pump's efficiency is before, and after, some of its points are known: a pooled Gaussian.

The efficiency :math:`\eta` is the COP over the Carnot COP. Its logarithm is taken as Gaussian over the machines of the
market: a mean and a covariance at *anchors*, the points of EN 14825 (average climate) at which every certified machine
was measured, and a smooth interpolation between and beyond them over source and flow temperature:

.. math:: \log \eta(x) = m(x) + w(x)^T z + e(x), \quad z \sim N(0, \Sigma)

with the trend m of an internal lift (a machine works between temperatures that lie outside those of the water and the
air), kriging weights w that are 1 at an anchor itself, and a remainder e of a squared-exponential kernel that grows
away from the anchors. Any known points, of a data sheet or a certificate, condition the whole by Bayes' rule: the
result has a mean and a standard deviation everywhere.

Sources: Gaussian conditioning and kriging as in Rasmussen and Williams 2006, chapters 2 and 4. Figures: fitted from the
Heat Pump Keymark's EN 14825 points in hplib's collection of October 2024 (FZJ-IEK3-VSA/hplib; data CC BY 4.0 by its
README): :data:`FIGURES` says how many machines of how many manufacturers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from varme.ground.units import ZERO_CELSIUS_K
from varme.physics.cop import LIFT_MIN_K

Floats = NDArray[np.float64]
HeatSource = Literal["air", "brine"]

#: EN 14825, average climate, variable outlet: outdoor and flow temperature [C] of the low (35 C) and medium (55 C)
#: temperature use, and of the operation limit -10 C.
AIR_ANCHORS = (
    (-7.0, 34.0), (2.0, 30.0), (7.0, 27.0), (12.0, 24.0), (-7.0, 52.0), (2.0, 42.0), (7.0, 36.0), (12.0, 30.0),
    (-10.0, 35.0), (-10.0, 55.0),
)  # fmt: skip
#: The same for brine at 0 C; the two uses meet at a flow of 30 C. W24 is left out: machines are certified there at the
#: lowest load, which for machines of one speed says more of the load than of the flow.
BRINE_ANCHORS = ((0.0, 34.0), (0.0, 30.0), (0.0, 27.0), (0.0, 52.0), (0.0, 42.0), (0.0, 36.0))
#: Source temperature above which the trend of the efficiency is held [C]: no certified point is warmer than 12 C.
TREND_HELD_C = 15.0
#: Over how many kelvin of source and of flow temperature fades what is a certified point's own (assumption: the points
#: lie 5 K and more apart, so that the certificates cannot tell).
OWN_SCALES_K = (3.0, 5.0)
#: Standard error of any COP on paper: two digits after the point, and the accuracy of a test bench, at its best
#: (assumption). Keeps points that nearly coincide from pulling the map apart between them.
POINT_ERROR_SHARE = 0.005
#: Where the shipped figures lie.
FIGURES = "figures/efficiency_prior.json"


def lift_k(source_c: ArrayLike, flow_c: ArrayLike) -> Floats:
    """Return the lift from source to flow, not below :data:`LIFT_MIN_K` (also when the source is warmer) [K]."""
    return np.asarray(
        np.maximum(np.asarray(flow_c, dtype=float) - np.asarray(source_c, dtype=float), LIFT_MIN_K)
    )


def log_efficiency(cop: ArrayLike, source_c: ArrayLike, flow_c: ArrayLike) -> Floats:
    """Return the logarithm of COP over Carnot COP."""
    return np.log(
        np.asarray(cop, dtype=float) * lift_k(source_c, flow_c) / (np.asarray(flow_c) + ZERO_CELSIUS_K)
    )


@dataclass(frozen=True, eq=False)
class EfficiencyPrior:
    """Mean and covariance of the log efficiency at k anchors, and how they are carried to other temperatures.

    Attributes:
        source: ``air`` or ``brine``.
        anchor_source_c: Source temperature of the anchors, shape (k,).
        anchor_flow_c: Flow temperature of the anchors, shape (k,).
        trend: Constant, change per 10 K of source, change per 10 K of flow of the trend.
        internal_lift_k: How much further apart than source and flow the machine's inner temperatures are.
        residual: Mean log efficiency above the trend at the anchors, shape (k,), of refrigerants that are not listed.
        refrigerants: What a refrigerant adds to the mean at the anchors, each of shape (k,).
        covariance: Covariance at the anchors, shape (k, k).
        level_std: Standard deviation of the kernel's constant part.
        local_std: Standard deviation of its smooth part.
        source_scale_k: Length of the smooth part over source temperature.
        flow_scale_k: Length of the smooth part over flow temperature.
        own_std: Standard deviation of what is a point's own, which fades within :data:`OWN_SCALES_K`.
        part_load_exponent: Elasticity e of the COP to the load: ``COP ~ load^-e`` at equal temperatures.
        part_load_error: Its standard error.
        line_source_c: Source temperatures of the load line, rising.
        line_share: Median heat of the certified points over full load at these source temperatures.
        machine_count: Distinct machines that it was fitted from.
        manufacturer_count: Their manufacturers.
    """

    source: HeatSource
    anchor_source_c: Floats
    anchor_flow_c: Floats
    trend: Floats
    internal_lift_k: float
    residual: Floats
    refrigerants: Mapping[str, Floats]
    covariance: Floats
    level_std: float
    local_std: float
    source_scale_k: float
    flow_scale_k: float
    own_std: float
    part_load_exponent: float = 0.0
    part_load_error: float = 0.0
    line_source_c: Floats = field(default_factory=lambda: np.array([-10.0, 20.0]))
    line_share: Floats = field(default_factory=lambda: np.ones(2))
    machine_count: int = 0
    manufacturer_count: int = 0

    @cached_property
    def _weights(self) -> Floats:
        """Inverse of the kernel between the anchors, with a nugget that keeps it invertible, shape (k, k)."""
        k = self._kernel(self.anchor_source_c, self.anchor_flow_c, self.anchor_source_c, self.anchor_flow_c)
        return np.asarray(np.linalg.inv(k + 1e-6 * np.eye(len(k))))

    def _kernel(
        self, source_c: Floats, flow_c: Floats, other_source_c: Floats, other_flow_c: Floats
    ) -> Floats:
        """Return the kernel between (n,) and (m,) points, shape (n, m)."""
        ds, df = (source_c[:, None] - other_source_c) ** 2, (flow_c[:, None] - other_flow_c) ** 2
        smooth = np.exp(-0.5 * (ds / self.source_scale_k**2 + df / self.flow_scale_k**2))
        own = np.exp(-0.5 * (ds / OWN_SCALES_K[0] ** 2 + df / OWN_SCALES_K[1] ** 2))
        return np.asarray(self.level_std**2 + self.local_std**2 * smooth + self.own_std**2 * own)

    @property
    def _kernel_variance(self) -> float:
        return self.level_std**2 + self.local_std**2 + self.own_std**2

    def trend_at(self, source_c: Floats, flow_c: Floats) -> Floats:
        """Return the trend of the log efficiency, shape (n,)."""
        return _trend(source_c, flow_c, self.internal_lift_k) + _basis(source_c, flow_c) @ self.trend

    def weights(self, source_c: Floats, flow_c: Floats) -> Floats:
        """Return the kriging weights of the anchors, shape (n, k); the unit vector at an anchor itself."""
        near = self._kernel(source_c, flow_c, self.anchor_source_c, self.anchor_flow_c)
        return np.asarray(near @ self._weights)

    def mean(self, source_c: Floats, flow_c: Floats, refrigerant: str | None = None) -> Floats:
        """Return the mean log efficiency, shape (n,)."""
        shift = self.refrigerants.get((refrigerant or "").upper(), np.zeros(len(self.residual)))
        return np.asarray(
            self.trend_at(source_c, flow_c) + self.weights(source_c, flow_c) @ (self.residual + shift)
        )

    def covariance_of(
        self, source_c: Floats, flow_c: Floats, other_source_c: Floats, other_flow_c: Floats
    ) -> Floats:
        """Return the covariance of the log efficiency between (n,) and (m,) points, shape (n, m)."""
        w, v = self.weights(source_c, flow_c), self.weights(other_source_c, other_flow_c)
        near = self._kernel(other_source_c, other_flow_c, self.anchor_source_c, self.anchor_flow_c)
        rest = self._kernel(source_c, flow_c, other_source_c, other_flow_c) - w @ near.T
        return np.asarray(w @ self.covariance @ v.T + rest)

    def variance(self, source_c: Floats, flow_c: Floats) -> Floats:
        """Return the variance of the log efficiency, shape (n,)."""
        w = self.weights(source_c, flow_c)
        near = self._kernel(source_c, flow_c, self.anchor_source_c, self.anchor_flow_c)
        rest = self._kernel_variance - np.sum(w * near, axis=1)
        return np.asarray(np.sum((w @ self.covariance) * w, axis=1) + np.maximum(rest, 0.0))

    def line(self, source_c: ArrayLike) -> Floats:
        """Return the load share at which machines were certified, at a source temperature."""
        return np.asarray(np.interp(np.asarray(source_c, dtype=float), self.line_source_c, self.line_share))

    def is_anchor(self, source_c: float, flow_c: float) -> bool:
        """Return whether a point is one of EN 14825, within half a kelvin."""
        near = np.abs(self.anchor_source_c - source_c) + np.abs(self.anchor_flow_c - flow_c)
        return bool(near.min() <= 0.5)

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as plain data, rounded to 6 digits after the point."""
        out: dict[str, Any] = {}
        for key, value in asdict(self).items():
            if isinstance(value, np.ndarray):
                out[key] = np.round(value, 6).tolist()
            elif isinstance(value, dict):
                out[key] = {k: np.round(v, 6).tolist() for k, v in value.items()}
            else:
                out[key] = round(value, 6) if isinstance(value, float) else value
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> EfficiencyPrior:
        """Return the prior of :meth:`as_dict` data."""
        parts: dict[str, Any] = {
            k: np.asarray(v, dtype=float) if isinstance(v, list) else v for k, v in data.items()
        }
        parts["refrigerants"] = {k: np.asarray(v) for k, v in data["refrigerants"].items()}
        return cls(**parts)


def _trend(source_c: Floats, flow_c: Floats, internal_lift_k: float) -> Floats:
    lift = lift_k(source_c, flow_c)
    return np.asarray(np.log(lift / (lift + internal_lift_k)))


def _basis(source_c: Floats, flow_c: Floats) -> Floats:
    held = np.minimum(source_c, TREND_HELD_C)
    return np.stack([np.ones(len(source_c)), held / 10, (flow_c - 40) / 10], axis=-1)


@cache
def prior_of(source: HeatSource) -> EfficiencyPrior:
    """Return the shipped prior of air/water or brine/water machines."""
    text = files("varme.physics").joinpath(FIGURES).read_text(encoding="utf-8")
    return EfficiencyPrior.from_dict(json.loads(text)[source])


@dataclass(frozen=True, eq=False)
class Efficiency:
    """The log efficiency of one machine: the prior, conditioned on p known points.

    Attributes:
        prior: The prior.
        refrigerant: Refrigerant, or ``None``.
        known_source_c: Source temperature of the known points, shape (p,).
        known_flow_c: Flow temperature of the known points, shape (p,).
        inverse: Inverse of the covariance of the known points, shape (p, p).
        coefficients: That inverse times what the known points lie above the mean, shape (p,).
    """

    prior: EfficiencyPrior
    refrigerant: str | None
    known_source_c: Floats
    known_flow_c: Floats
    inverse: Floats
    coefficients: Floats

    @cached_property
    def _centres(self) -> tuple[Floats, Floats, Floats]:
        """Source and flow temperature of anchors and known points, and the factors of their kernels in the mean."""
        prior, s, f = self.prior, self.known_source_c, self.known_flow_c
        shift = prior.refrigerants.get((self.refrigerant or "").upper(), np.zeros(len(prior.residual)))
        own = prior.residual + shift
        if len(s):
            near = prior._kernel(s, f, prior.anchor_source_c, prior.anchor_flow_c)
            own = own + (prior.covariance @ prior.weights(s, f).T - near.T) @ self.coefficients
        factors = np.concatenate([prior._weights @ own, self.coefficients])
        return np.concatenate([prior.anchor_source_c, s]), np.concatenate([prior.anchor_flow_c, f]), factors

    def log_mean(self, source_c: ArrayLike, flow_c: ArrayLike) -> Floats:
        """Return the mean log efficiency on the certified load line, in the broadcast shape."""
        s, f, shape = _flat(source_c, flow_c)
        at_c, at_flow_c, factors = self._centres
        kernel = self.prior._kernel(s, f, at_c, at_flow_c)
        return np.asarray(self.prior.trend_at(s, f) + kernel @ factors).reshape(shape)

    def log_std(self, source_c: ArrayLike, flow_c: ArrayLike) -> Floats:
        """Return the standard deviation of the log efficiency: the relative standard error of the COP."""
        s, f, shape = _flat(source_c, flow_c)
        out = self.prior.variance(s, f)
        if len(self.coefficients):
            cross = self.prior.covariance_of(s, f, self.known_source_c, self.known_flow_c)
            out = out - np.sum((cross @ self.inverse) * cross, axis=1)
        return np.sqrt(np.maximum(out, 0.0)).reshape(shape)


def _flat(source_c: ArrayLike, flow_c: ArrayLike) -> tuple[Floats, Floats, tuple[int, ...]]:
    s, f = np.broadcast_arrays(np.asarray(source_c, dtype=float), np.asarray(flow_c, dtype=float))
    return s.ravel(), f.ravel(), s.shape


def condition(
    prior: EfficiencyPrior,
    source_c: ArrayLike,
    flow_c: ArrayLike,
    log_eta: ArrayLike,
    error_share: ArrayLike = 0.0,
    refrigerant: str | None = None,
) -> Efficiency:
    """Return the efficiency of a machine of which p points are known.

    Args:
        prior: The prior.
        source_c: Source temperatures of the points, shape (p,).
        flow_c: Flow temperatures of the points, shape (p,).
        log_eta: Log efficiencies on the certified load line, shape (p,).
        error_share: Standard errors of the COPs, broadcast to (p,).
        refrigerant: Refrigerant (``R290``), or ``None``.
    """
    s, f = np.atleast_1d(np.asarray(source_c, dtype=float)), np.atleast_1d(np.asarray(flow_c, dtype=float))
    noise = np.broadcast_to(np.asarray(error_share, dtype=float), s.shape) ** 2 + POINT_ERROR_SHARE**2
    inverse = (
        np.asarray(np.linalg.inv(prior.covariance_of(s, f, s, f) + np.diag(noise)))
        if len(s)
        else np.zeros((0, 0))
    )
    above = np.asarray(log_eta, dtype=float) - prior.mean(s, f, refrigerant)
    return Efficiency(prior, refrigerant, s, f, inverse, inverse @ above)


# ---------------------------------------------------------------------------------------------------------------- fit


def fit_anchors(
    log_eta: Floats, refrigerant: Sequence[str], listed: Sequence[str]
) -> tuple[Floats, dict[str, Floats], Floats]:
    """Return mean, shift of each listed refrigerant, and covariance at the anchors from m machines.

    Args:
        log_eta: Log efficiencies, shape (m, k).
        refrigerant: Refrigerant of each machine.
        listed: Refrigerants with a shift of their own.
    """
    names = np.char.upper(np.asarray(refrigerant, dtype=str))
    design = np.stack([np.ones(len(names)), *(names == r for r in listed)], axis=1).astype(float)
    found = np.linalg.lstsq(design, log_eta, rcond=None)[0]
    rest = log_eta - design @ found
    shifts = {r: found[i + 1] for i, r in enumerate(listed)}
    return found[0], shifts, np.asarray(rest.T @ rest / (len(rest) - design.shape[1]))


def fit_prior(
    source: HeatSource,
    anchors: Sequence[tuple[float, float]],
    log_eta: Floats,
    refrigerant: Sequence[str],
    listed: Sequence[str] = (),
    internal_lift_k: float = 20.0,
    **more: Any,
) -> EfficiencyPrior:
    """Fit a prior from machines of which all anchors are known.

    Trend by least squares over the anchors' means; the kernel by maximum likelihood of the anchors' covariance, which
    has an error of its own at each anchor.

    Args:
        source: ``air`` or ``brine``.
        anchors: Source and flow temperature of the k anchors.
        log_eta: Log efficiencies, shape (m, k).
        refrigerant: Refrigerant of each machine.
        listed: Refrigerants with a shift of their own.
        internal_lift_k: See :class:`EfficiencyPrior`; 20 K fits the air/water anchors best (17 to 25 are as good).
        more: Further fields of the prior.
    """
    s, f = np.array(anchors).T
    mean, shifts, covariance = fit_anchors(log_eta, refrigerant, listed)
    above, basis = mean - _trend(s, f, internal_lift_k), _basis(s, f)
    if np.ptp(s) == 0:
        basis[:, 1] = 0.0
    trend = np.asarray(np.linalg.lstsq(basis, above, rcond=None)[0])
    scales = _fit_kernel(s, f, covariance)
    return EfficiencyPrior(
        source, s, f, trend, internal_lift_k, above - basis @ trend, shifts, covariance, *scales,
        machine_count=len(log_eta), **more,
    )  # fmt: skip


def _fit_kernel(s: Floats, f: Floats, covariance: Floats) -> tuple[float, float, float, float, float]:
    """Return level, smooth part, both lengths and own part of the kernel that make a covariance most likely."""
    ds, df = s[:, None] - s, f[:, None] - f

    def loss(p: Floats) -> float:
        level, local, ls, lf, own = np.exp(p)
        k = level**2 + local**2 * np.exp(-0.5 * ((ds / ls) ** 2 + (df / lf) ** 2)) + own**2 * np.eye(len(s))
        return float(np.linalg.slogdet(k)[1] + np.trace(np.linalg.solve(k, covariance)))

    start = np.log([0.05, 0.09, 10.0, 20.0, 0.05])
    bounds = (
        [(np.log(0.01), np.log(0.5))] * 2 + [(np.log(5.0), np.log(40.0))] * 2 + [(np.log(0.01), np.log(0.5))]
    )
    from scipy.optimize import minimize  # only fitting needs it

    level, local, ls, lf, own = np.exp(minimize(loss, start, method="L-BFGS-B", bounds=bounds).x)
    return float(level), float(local), float(ls), float(lf), float(own)
