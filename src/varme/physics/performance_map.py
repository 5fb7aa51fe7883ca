r"""COP and capacity of one heat pump over source temperature, flow temperature and load, with the COP's uncertainty.

.. math:: COP = \eta(T_s, T_f) \frac{T_f}{T_f - T_s} \left(\frac{l}{l_0(T_s)}\right)^{-e}

with the efficiency from certified points and a pooled prior (:mod:`varme.physics.efficiency_prior`), or a constant
share of Carnot's or Lorenz' COP; l is the heat over full load, l0 the load at which machines are certified at that
source temperature (EN 14825: low when it is mild), e the elasticity of the COP to the load.

Capacity: a straight line over the source up to 7 C and level above, a straight line over the flow. Figures fitted from
the Heat Pump Keymark (hplib's collection of October 2024, CC BY 4.0) stand with their constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from varme.ground.units import ZERO_CELSIUS_K
from varme.physics.cop import LIFT_MIN_K, lorenz_cop
from varme.physics.efficiency_prior import (
    Efficiency,
    HeatSource,
    condition,
    lift_k,
    log_efficiency,
    prior_of,
)

Floats = NDArray[np.float64]

#: Highest COP that the maps give: the highest certified one is 11.7 (A12/W24).
COP_MAX = 12.0
#: Share of the Carnot COP above which a point is taken as a mistake; of 1,545 machines in the
#: Keymark the best reaches 0.74 at its best point, 99.9 % of the air/water machines stay below 0.56.
CARNOT_MAX_SHARE = 0.75
#: Reference source temperature of the rated heat [C].
REFERENCE_C: dict[HeatSource, float] = {"air": -7.0, "brine": 0.0}
#: Full-load heat: change per kelvin of source, of that at the reference (Keymark; see varme.retrofit.demand.sizing).
CAPACITY_PER_K: dict[HeatSource, float] = {"air": 0.0195, "brine": 0.025}
#: Source temperature above which full-load heat is held [C]: the inverter limits regulated machines (assumption).
CAPACITY_HELD_C: dict[HeatSource, float] = {"air": 7.0, "brine": 10.0}
#: Full-load heat: change per kelvin of flow above 35 C. Keymark: 0.966 (median) from 34 to 52 C at the bivalence point.
CAPACITY_PER_FLOW_K = -0.002
#: Smallest heat at a source of 12 C, of full load at the reference: median of the Keymark's air/water machines
#: (quartiles 0.37 and 0.64); brine/water: regulated ones.
MINIMUM_SHARE: dict[HeatSource, float] = {"air": 0.50, "brine": 0.30}
#: Its change per kelvin (exponential): the smallest heat at 12 C is 1.14 times that at 7 C (median of 786 machines).
MINIMUM_PER_K: dict[HeatSource, float] = {"air": 0.026, "brine": 0.0}
#: Cooling: log of EER over Carnot's EER with an inner lift that is larger by :data:`COOLING_INNER_LIFT_K`; standard
#: deviation over 194 machines 0.13, within a machine 0.15.
COOLING_LOG_EFFICIENCY = -0.682
COOLING_INNER_LIFT_K = 12.0
COOLING_LEVEL_STD = 0.13
COOLING_POINT_STD = 0.15
#: Cold at full load over full-load heat at the reference, at 35 C outdoors and water of 7 C (median of 193 machines),
#: and its change per kelvin of water (1.13 at 18 C, 90 machines) and of outdoor temperature (assumption).
COOLING_SHARE = 1.0
COOLING_PER_WATER_K = 0.012
COOLING_PER_K = -0.01
#: Smallest cold over full load (median of the certified points at 20 to 25 C).
COOLING_MINIMUM_SHARE = 0.41
#: Defrosting, for efficiencies that do not contain it: full at the knots where air is damp and near 0 C (assumption).
DEFROST_C = (-15.0, -7.0, 0.0, 3.0, 7.0)
DEFROST_SHARE = (0.3, 0.6, 1.0, 1.0, 0.0)


@dataclass(frozen=True)
class PerformancePoint:
    """A certified or data-sheet point.

    Attributes:
        source_c: Source temperature.
        flow_c: Flow temperature.
        cop: COP.
        heat_kw: Heat at full load, if it is known.
        load_share: Heat over full load at which the COP was measured. ``None``: the certified load line at the points
            of EN 14825, full load elsewhere (EN 14511).
        error_share: Standard error of the COP, for points that come from a fit.
    """

    source_c: float
    flow_c: float
    cop: float
    heat_kw: float | None = None
    load_share: float | None = None
    error_share: float = 0.0

    @property
    def carnot_share(self) -> float:
        """COP over Carnot COP."""
        return float(np.exp(log_efficiency(self.cop, self.source_c, self.flow_c)))

    @property
    def possible(self) -> bool:
        """Whether a machine can reach it: above 1, and not too near to Carnot."""
        return self.cop > 1.0 and self.carnot_share <= CARNOT_MAX_SHARE


@dataclass(frozen=True)
class ConstantEfficiency:
    """A constant share of Carnot's or Lorenz' COP.

    Attributes:
        share: The share.
        form: ``carnot`` or ``lorenz`` (source cooled by 5 K, water warmed by 5 K; EN 14511 brine and heating water).
        error_share: Standard error of the COP that it stands for. Default: mean error of one Carnot number against
            certified machines, 11 to 12 %, as a standard deviation.
    """

    share: float
    form: Literal["carnot", "lorenz"] = "carnot"
    error_share: float = 0.14

    def log_mean(self, source_c: ArrayLike, flow_c: ArrayLike) -> Floats:
        """Return the log of COP over Carnot COP, in the broadcast shape."""
        s, f = np.broadcast_arrays(np.asarray(source_c, dtype=float), np.asarray(flow_c, dtype=float))
        if self.form == "carnot":
            return np.full(s.shape, np.log(self.share))
        return log_efficiency(self.share * lorenz_cop(s, s - 5.0, f, f - 5.0), s, f)

    def log_std(self, source_c: ArrayLike, flow_c: ArrayLike) -> Floats:
        """Return its standard deviation, in the broadcast shape."""
        shape = np.broadcast_shapes(np.shape(source_c), np.shape(flow_c))
        return np.full(shape, self.error_share)


@dataclass(frozen=True, eq=False)
class Cooling:
    """Cooling of a reversible machine.

    Attributes:
        log_efficiency: Log of EER over Carnot's EER with the inner lift.
        capacity_kw: Cold at full load at 35 C outdoors and water of 7 C.
        minimum_share: Smallest cold over full load.
    """

    log_efficiency: float
    capacity_kw: float
    minimum_share: float = COOLING_MINIMUM_SHARE

    def eer(self, outdoor_c: ArrayLike, water_c: ArrayLike) -> Floats:
        """Return the EER, at most 2 x :data:`COP_MAX`."""
        raw = np.exp(self.log_efficiency - _cooling_base(outdoor_c, water_c))
        return np.asarray(np.clip(raw, 1.0, 2 * COP_MAX))

    def cold_max_kw(self, outdoor_c: ArrayLike, water_c: ArrayLike) -> Floats:
        """Return the cold at full load [kW]."""
        change = 1 + COOLING_PER_K * (np.asarray(outdoor_c, dtype=float) - 35.0)
        water = 1 + COOLING_PER_WATER_K * (np.asarray(water_c, dtype=float) - 7.0)
        return np.asarray(self.capacity_kw * np.clip(change, 0.3, 1.2) * water)

    def cold_min_kw(self, outdoor_c: ArrayLike, water_c: ArrayLike) -> Floats:
        """Return the smallest cold when on [kW]."""
        return np.asarray(self.minimum_share * self.cold_max_kw(outdoor_c, water_c))


def _cooling_base(outdoor_c: ArrayLike, water_c: ArrayLike) -> Floats:
    """Return the log of (inner lift over cold temperature): minus the log of Carnot's EER with the inner lift."""
    water = np.asarray(water_c, dtype=float)
    lift = np.maximum(np.asarray(outdoor_c, dtype=float) - water, 0.0) + COOLING_INNER_LIFT_K
    return np.asarray(np.log(lift / (water + ZERO_CELSIUS_K)))


def cooling_from(full_load_heat_kw: float, points: Sequence[PerformancePoint] = ()) -> Cooling:
    """Return the cooling of a machine, from certified points (EER as ``cop``) and the Keymark's median.

    The level of the efficiency is the mean of prior and points weighted by their variances.

    Args:
        full_load_heat_kw: Heat at full load at the reference.
        points: Outdoor temperature as source, water temperature as flow, EER; ``heat_kw`` is the cold at full load.
    """
    own = [np.log(p.cop) + float(_cooling_base(p.source_c, p.flow_c)) for p in points]
    weight = len(own) / COOLING_POINT_STD**2
    prior = 1 / COOLING_LEVEL_STD**2
    level = (prior * COOLING_LOG_EFFICIENCY + weight * (float(np.mean(own)) if own else 0.0)) / (
        prior + weight
    )
    whole = Cooling(level, COOLING_SHARE * full_load_heat_kw)
    known = [
        p.heat_kw / float(whole.cold_max_kw(p.source_c, p.flow_c)) for p in points if p.heat_kw is not None
    ]
    return replace(whole, capacity_kw=whole.capacity_kw * float(np.mean(known))) if known else whole


@dataclass(frozen=True, eq=False)
class PerformanceMap:
    """COP and capacity of one heat pump.

    Attributes:
        efficiency: Log of COP over Carnot COP over source and flow temperature.
        rated_kw: Heat at full load at the reference source temperature and a flow of 35 C.
        source: ``air`` or ``brine``.
        minimum_share: Smallest heat at a source of 12 C over ``rated_kw``.
        minimum_per_k: Its relative change per kelvin of source.
        capacity_per_k: Change of full-load heat per kelvin of source, of that at the reference.
        capacity_per_flow_k: Change of full-load heat per kelvin of flow above 35 C.
        part_load_exponent: Elasticity of the COP to the load; 0 for none.
        defrost_share: COP and heat that defrosting takes at worst; 0 if the efficiency contains it.
        flow_max_c: Highest flow temperature that it makes.
        points: The points that it was made from.
        cooling: Cooling, of a reversible machine.
        in_use_ratio: COP in use over that of the map, learnt from measurements; 1 for none.
    """

    efficiency: Efficiency | ConstantEfficiency
    rated_kw: float
    source: HeatSource = "air"
    minimum_share: float = 0.5
    minimum_per_k: float = 0.0
    capacity_per_k: float = 0.0
    capacity_per_flow_k: float = CAPACITY_PER_FLOW_K
    part_load_exponent: float = 0.0
    defrost_share: float = 0.0
    flow_max_c: float = np.inf
    points: tuple[PerformancePoint, ...] = field(default=())
    cooling: Cooling | None = None
    in_use_ratio: float = 1.0

    def unbounded_cop(self, source_c: ArrayLike, flow_c: ArrayLike, load_share: ArrayLike = 1.0) -> Floats:
        """Return the COP as the formula gives it, also below 1 or above :data:`COP_MAX`."""
        flow = np.asarray(flow_c, dtype=float)
        log_cop = self.efficiency.log_mean(source_c, flow)
        log_cop = log_cop + np.log((flow + ZERO_CELSIUS_K) / lift_k(source_c, flow))
        if self.part_load_exponent:
            load = np.clip(np.asarray(load_share, dtype=float), 0.1, 1.0)
            log_cop = log_cop - self.part_load_exponent * np.log(load / prior_of(self.source).line(source_c))
        return np.asarray(self.in_use_ratio * np.exp(log_cop) * self._defrosted(source_c))

    def cop(self, source_c: ArrayLike, flow_c: ArrayLike, load_share: ArrayLike = 1.0) -> Floats:
        """Return the COP, between 1 and :data:`COP_MAX`, in the broadcast shape.

        Args:
            source_c: Source temperature. It may be warmer than the flow: the lift is held at 5 K.
            flow_c: Flow temperature.
            load_share: Heat over full load at these temperatures.
        """
        return np.asarray(np.clip(self.unbounded_cop(source_c, flow_c, load_share), 1.0, COP_MAX))

    def cop_error_share(self, source_c: ArrayLike, flow_c: ArrayLike) -> Floats:
        """Return the standard deviation of the COP as a share of it, in the broadcast shape."""
        return self.efficiency.log_std(source_c, flow_c)

    def certified_load(self, source_c: float, flow_c: float) -> float:
        """Return the load at which a point that states none was measured: the certified one of EN 14825, else full."""
        return _load(PerformancePoint(source_c, flow_c, 2.0), self.source)

    def heat_max_kw(self, source_c: ArrayLike, flow_c: ArrayLike) -> Floats:
        """Return the heat at full load [kW]."""
        source = np.minimum(np.asarray(source_c, dtype=float), CAPACITY_HELD_C[self.source])
        at_35 = np.maximum(1.0 + self.capacity_per_k * (source - REFERENCE_C[self.source]), 0.2)
        flow = np.maximum(1.0 + self.capacity_per_flow_k * (np.asarray(flow_c, dtype=float) - 35.0), 0.3)
        return np.asarray(self.rated_kw * at_35 * flow * self._defrosted(source_c))

    def heat_min_kw(self, source_c: ArrayLike, flow_c: ArrayLike) -> Floats:
        """Return the smallest heat when on [kW]: it falls with the source at the compressor's lowest speed."""
        source = np.asarray(source_c, dtype=float)
        change = np.exp(self.minimum_per_k * (np.clip(source, -30.0, 20.0) - 12.0))
        low = self.rated_kw * self.minimum_share * change
        return np.asarray(np.minimum(low, self.heat_max_kw(source, flow_c)))

    def _defrosted(self, source_c: ArrayLike) -> Floats | float:
        if not self.defrost_share:
            return 1.0
        worst = np.interp(np.asarray(source_c, dtype=float), DEFROST_C, DEFROST_SHARE)
        return np.asarray(1.0 - self.defrost_share * worst)


def map_from(
    points: Sequence[PerformancePoint],
    rated_kw: float | None,
    minimum_share: float | None = None,
    *,
    source: HeatSource = "air",
    refrigerant: str | None = None,
    regulated: bool = True,
    minimum_kw: float | None = None,
    flow_max_c: float = np.inf,
) -> PerformanceMap:
    """Return the map of a machine of which some points are known, or none (the median machine).

    Args:
        points: Certified or data-sheet points; their heats at full load shape the capacity.
        rated_kw: Heat at full load at the reference source temperature and a flow of 35 C; ``None``: as the heats of
            the points say.
        minimum_share: Smallest heat over full load at the reference; ``None``: the Keymark's median.
        source: ``air`` or ``brine``.
        refrigerant: Refrigerant; R290 and R410A have means of their own.
        regulated: Whether the speed is variable; if not, the smallest heat is the full one.
        minimum_kw: Smallest heat at 12 C outdoors [kW] of a machine of ``rated_kw``, instead of ``minimum_share``.
        flow_max_c: Highest flow temperature.

    Raises:
        ValueError: if a point is impossible, or neither ``rated_kw`` nor a point's heat is given.
    """
    bad = [p for p in points if not p.possible]
    if bad:
        p = bad[0]
        raise ValueError(
            f"COP {p.cop:g} at {p.source_c:g}/{p.flow_c:g} C is {p.carnot_share:.2f} of Carnot's"
        )
    prior = prior_of(source)
    e = prior.part_load_exponent
    load = np.array([_load(p, source) for p in points])
    at = np.array([[p.source_c, p.flow_c] for p in points]).reshape(-1, 2)
    line = np.log(load / prior.line(at[:, 0])) if len(points) else np.zeros(0)
    log_eta = np.array([float(log_efficiency(p.cop, p.source_c, p.flow_c)) for p in points]) + e * line
    error = np.hypot([p.error_share for p in points], prior.part_load_error * np.abs(line))
    efficiency = condition(prior, at[:, 0], at[:, 1], log_eta, error, refrigerant)
    rated, per_k = _capacity(points, source, rated_kw)
    per_minimum_k = MINIMUM_PER_K[source]
    share = MINIMUM_SHARE[source]
    if minimum_share is not None:
        share = minimum_share * float(np.exp(per_minimum_k * (12.0 - REFERENCE_C[source])))
    if minimum_kw is not None:
        share = minimum_kw / rated
    if not regulated:
        share, per_minimum_k = 10.0, 0.0
    return PerformanceMap(
        efficiency, rated, source, share, per_minimum_k, per_k, part_load_exponent=e, flow_max_c=flow_max_c,
        points=tuple(points),
    )  # fmt: skip


def constant_map(
    share: float,
    rated_kw: float,
    minimum_share: float | None = None,
    *,
    source: HeatSource = "air",
    form: Literal["carnot", "lorenz"] = "carnot",
    defrost_share: float = 0.0,
    regulated: bool = True,
) -> PerformanceMap:
    """Return the map of a machine with a constant share of Carnot's or Lorenz' COP.

    Args:
        share: The share.
        rated_kw: Heat at full load at the reference source temperature and a flow of 35 C.
        minimum_share: Smallest heat over full load at the reference; ``None``: the Keymark's median.
        source: ``air`` or ``brine``.
        form: ``carnot`` or ``lorenz``.
        defrost_share: What defrosting takes at worst.
        regulated: Whether the speed is variable.
    """
    whole = map_from((), rated_kw, minimum_share, source=source, regulated=regulated)
    return replace(
        whole, efficiency=ConstantEfficiency(share, form), part_load_exponent=0.0,
        defrost_share=defrost_share if source == "air" else 0.0,
    )  # fmt: skip


def cycling_cop(cop: ArrayLike, load_ratio: ArrayLike, degradation: float = 0.9) -> Floats:
    r"""Return the mean COP of a machine that starts and stops because less is asked for than its smallest heat.

    .. math:: COP \cdot \frac{r}{c r + 1 - c}

    with the heat asked for over the smallest heat r (1 and above: no cycling) and the degradation coefficient c.

    Source: EN 14825, part-load COP of water-based units; 0.9 is its default where the coefficient was not measured.
    Plans and simulations of varme switch the machine instead, and draw its standby; this is for longer steps.

    Args:
        cop: COP at the smallest heat.
        load_ratio: Heat asked for over smallest heat, broadcast.
        degradation: Coefficient c, 0 to 1.
    """
    r = np.clip(np.asarray(load_ratio, dtype=float), 0.0, 1.0)
    return np.asarray(
        np.asarray(cop, dtype=float) * r / np.maximum(degradation * r + 1.0 - degradation, 1e-12)
    )


def _load(point: PerformancePoint, source: HeatSource) -> float:
    """Return the load share at which a point was measured."""
    prior = prior_of(source)
    if point.load_share is not None:
        return min(max(point.load_share, 0.1), 1.0)
    return float(prior.line(point.source_c)) if prior.is_anchor(point.source_c, point.flow_c) else 1.0


def _capacity(
    points: Sequence[PerformancePoint], source: HeatSource, rated_kw: float | None
) -> tuple[float, float]:
    """Return rated heat and change of capacity per kelvin of source: the Keymark's slope, moved by the points' heats.

    Ridge regression of the points' heats at full load on level and slope; the slope's prior has a standard deviation of
    0.01 per kelvin (quartiles of 46 machines whose bivalence point lies above the operation limit: 0.001 and 0.03), the
    points an error of 3 %.

    Raises:
        ValueError: if neither a rated heat nor a point's heat is given.
    """
    slope, zero = CAPACITY_PER_K[source], REFERENCE_C[source]
    known = [p for p in points if p.heat_kw is not None]
    if not known:
        if rated_kw is None:
            raise ValueError("neither a rated heat nor the heat of a point is given")
        return rated_kw, slope
    t = np.array([min(p.source_c, CAPACITY_HELD_C[source]) - zero for p in known])
    flow = 1.0 + CAPACITY_PER_FLOW_K * (np.array([p.flow_c for p in known]) - 35.0)
    heat = np.array([p.heat_kw for p in known], dtype=float) / flow
    level = float(np.mean(heat / np.maximum(1 + slope * t, 0.2)))
    design = np.stack([np.ones(len(known)), t], axis=1)
    ridge = np.diag([0.0, (0.03 / 0.01) ** 2])
    found = np.linalg.solve(design.T @ design + ridge, design.T @ (heat / level - (1 + slope * t)))
    at_zero = 1.0 + found[0]
    per_k = float(np.clip((slope + found[1]) / at_zero, 0.0, 0.05))
    return (level * float(at_zero) if rated_kw is None else rated_kw), per_k


__all__ = [
    "COP_MAX", "LIFT_MIN_K", "ConstantEfficiency", "Cooling", "PerformanceMap", "PerformancePoint", "constant_map",
    "cooling_from", "cycling_cop", "map_from",
]  # fmt: skip
