"""COP over outdoor temperature: one town yields the slope although the level is uncertain.

The slope comes from daily fleets (:mod:`varme.retrofit.spf.daily_fleets`), the level from the annual totals
(:meth:`CopCurve.scaled_to`). Without daily data, or with too few cold days, the curve is that of physics
(:mod:`varme.retrofit.spf.lift`), and says so in ``source``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from varme.ground.errors import Collector, ModelError
from varme.retrofit.spf.daily_fleets import (
    ALL_KNOTS_C,
    FLAT_ABOVE_C,
    KNOTS_C,
    MIN_COLD_DAYS,
    MIN_SPREAD_K,
    MODEL_SE,
    FleetFit,
    days_of,
    fit_gas_fleet,
    fit_heat_pump_fleet,
)
from varme.retrofit.spf.lift import fleet_lift_cop, lift_cop

Floats = NDArray[np.float64]

#: Slopes of log COP that a heat pump can have [1/K]: 0.5 to 4 % per kelvin. Ground source with floor heating is at the
#: lower end, air source with radiators at the upper one (When2Heat's curves: 0.6 to 3.6 %).
SLOPE_LIMITS = (0.005, 0.04)
#: What is not known about the slope of the prior curve [1/K]: half the difference between floors and radiators.
PRIOR_SLOPE_SE = 0.006
#: The same where daily data are there: wider, so that three winters outweigh it twenty to one (assumption).
WEAK_SLOPE_SE = 0.008


@dataclass(frozen=True)
class CopCurve:
    """``COP(T) = level * exp(slope * (T - reference) + deviation(T))``, flat above a limit.

    Attributes:
        level_cop: COP at the reference temperature, but for the deviation there.
        reference_c: Reference temperature: the mean of the cold days [C].
        slope_share_per_k: Rise of log COP per kelvin, mean over the cold days.
        slope_se_share_per_k: Its standard error.
        flat_above_c: Above this temperature the COP stays what it is there.
        source: ``daily fleets`` or ``prior``.
        knots_c: Temperatures at which log COP deviates from the line [C]; linear in between, constant outside.
        knots_log: The deviations (defrosting, backup heaters).
        band_log_se: Standard error of log COP against its mean, at the knots; empty if only the slope's is known.
        water_ratio: COP of hot water over that of space heating, at 15 C outdoors and under the assumption that the
            share of hot water is the same in both fleets; NaN if not known.
        limit_shift_k: How much higher the heating limit of the heat-pump homes was found [K].
        limit_shift_se_k: Its standard error.
        cold_days_count: Days behind the slope.
        whole: Curve of all heat, hot water included, for heat that is not split; ``None`` if not known. It assumes
            that the share of hot water is the same in both fleets: a fifth more in one of them makes 3.5 % on the
            coldest days.
        space_over_whole_log: Log COP of space heating less that of all heat, at the reference temperature; NaN if
            not known.
    """

    level_cop: float
    reference_c: float
    slope_share_per_k: float
    slope_se_share_per_k: float
    flat_above_c: float = FLAT_ABOVE_C
    source: Literal["daily fleets", "prior"] = "daily fleets"
    knots_c: tuple[float, ...] = ()
    knots_log: tuple[float, ...] = ()
    band_log_se: tuple[float, ...] = ()
    water_ratio: float = np.nan
    limit_shift_k: float = 0.0
    limit_shift_se_k: float = np.nan
    cold_days_count: int = 0
    whole: CopCurve | None = None
    space_over_whole_log: float = np.nan

    def log_shape(self, temperature_c: Floats | float) -> Floats:
        """Return log COP less its level at outdoor temperatures."""
        t = np.minimum(np.asarray(temperature_c, dtype=float), self.flat_above_c)
        shape = self.slope_share_per_k * (t - self.reference_c)
        return np.asarray(
            shape + np.interp(t, self.knots_c, self.knots_log) if self.knots_c else shape, dtype=float
        )

    def cop(self, temperature_c: Floats | float) -> Floats:
        """Return the COP of space heating at outdoor temperatures."""
        return np.asarray(self.level_cop * np.exp(self.log_shape(temperature_c)), dtype=float)

    def log_se(self, temperature_c: Floats | float, level_log_se: float = 0.0) -> Floats:
        """Return the standard error of log COP at outdoor temperatures, with that of the level if it is given."""
        t = np.minimum(np.asarray(temperature_c, dtype=float), self.flat_above_c)
        from_slope = self.slope_se_share_per_k * np.abs(t - self.reference_c)
        known = np.interp(t, self.knots_c, self.band_log_se) if self.band_log_se else from_slope
        outside = (t < self.knots_c[0]) if self.knots_c else np.zeros(t.shape, dtype=bool)
        return np.asarray(
            np.hypot(np.where(outside, np.maximum(known, from_slope), known), level_log_se), dtype=float
        )

    def band(
        self, temperature_c: Floats | float, confidence_share: float = 0.95, level_log_se: float = 0.0
    ) -> tuple[Floats, Floats]:
        """Return the lower and upper end of the pointwise interval of the COP at outdoor temperatures."""
        width = float(ndtri(0.5 + confidence_share / 2)) * self.log_se(temperature_c, level_log_se)
        middle = self.cop(temperature_c)
        return np.asarray(middle * np.exp(-width), dtype=float), np.asarray(
            middle * np.exp(width), dtype=float
        )

    def scaled_to(self, spf: float, heat: Floats, temperature_c: Floats) -> CopCurve:
        """Return the curve with the level at which this heat, drawn at these temperatures, has this SPF.

        Args:
            spf: Seasonal performance factor: sum of heat over sum of electricity.
            heat: Heat by day [kWh], shape (days,); NaN and days without temperature are left out.
            temperature_c: Outdoor temperature by day [C], shape (days,).
        """
        h, t = np.asarray(heat, dtype=float), np.asarray(temperature_c, dtype=float)
        known = np.isfinite(h) & np.isfinite(t)
        now = float(h[known].sum() / (h[known] / self.cop(t[known])).sum())
        whole = None if self.whole is None else self.whole.scaled_to(spf, h, t)
        return replace(self, level_cop=self.level_cop * spf / now, whole=whole)

    def split_to(self, spf: float, space: Floats, water: Floats, temperature_c: Floats) -> CopCurve:
        """Return the curve whose space heating and hot water together have this SPF; see :meth:`electricity`.

        Args:
            spf: Seasonal performance factor of both.
            space: Space heating by day [kWh], shape (days,).
            water: Hot water by day [kWh], shape (days,).
            temperature_c: Outdoor temperature by day [C], shape (days,).
        """
        now = float((space + water).sum() / self.electricity(space, water, temperature_c).sum())
        return replace(self, level_cop=self.level_cop * spf / now)

    def electricity(self, space: Floats, water: Floats, temperature_c: Floats) -> Floats:
        """Return the electricity for space heating and hot water [kWh], shape as ``space`` (..., days).

        Hot water keeps the COP that it has at 15 C outdoors, times the share of its slope in that of space heating
        (0.6, from the curves of When2Heat: 50 C against a flow temperature that follows the weather).
        """
        ratio = self.water_ratio if np.isfinite(self.water_ratio) else _prior_water_ratio()
        water_cop = (
            ratio
            * self.cop(FLAT_ABOVE_C)
            * np.exp(0.6 * (self.log_shape(temperature_c) - self.log_shape(15.0)))
        )
        return np.asarray(space / self.cop(temperature_c) + water / water_cop, dtype=float)


def fit_cop_curve(
    heat_by_day: Floats,
    electricity_by_day: Floats,
    temperature_c: Floats,
    rest_day: NDArray[np.bool_] | None = None,
    year_of_day: NDArray[np.int64] | None = None,
    ground_share: float = 0.24,
) -> CopCurve:
    """Return the curve from the fleet's daily heat (gas homes) and daily electricity (heat pumps).

    The two fleets are different homes: only the shape is used, the level is set by :meth:`CopCurve.scaled_to`. Means
    per meter are better than sums: a set of meters that changes within a year looks like a change of the COP.

    Args:
        heat_by_day: Useful heat of the gas homes by day [kWh], shape (days,); NaN or 0 where it is not known.
        electricity_by_day: Electricity of the heat pumps by day [kWh], shape (days,); the same.
        temperature_c: Mean outdoor temperature by day [C], shape (days,), one day after the other.
        rest_day: Whether a day is a weekend or a holiday, shape (days,).
        year_of_day: Calendar year of each day, if the sets of meters differ between years, shape (days,).
        ground_share: Share of ground source in the heat, for the curve of physics: the weak prior of the slope, and
            the curve itself where the days tell nothing.

    Returns:
        The curve; that of physics (``source = "prior"``) with fewer than 60 cold days or temperatures all alike.

    Raises:
        ModelError: P316 if the arrays differ in length.
    """
    heat, used = np.asarray(heat_by_day, dtype=float), np.asarray(electricity_by_day, dtype=float)
    t = np.asarray(temperature_c, dtype=float)
    _check(heat, used, t, rest_day, year_of_day)
    usable = np.isfinite(heat) & np.isfinite(used) & np.isfinite(t) & (heat > 0) & (used > 0)
    level = float(heat[usable].sum() / used[usable].sum()) if usable.any() else 3.0
    cold = usable & (t < 12)
    if cold.sum() < MIN_COLD_DAYS or float(np.std(t[cold])) < MIN_SPREAD_K:
        curve = prior_cop_curve(ground_share)
    else:
        days = days_of(usable, t, rest_day, year_of_day)
        physics = prior_cop_curve(ground_share).slope_share_per_k
        gas = fit_gas_fleet(heat[usable], days)
        curve = _curve_of(fit_heat_pump_fleet(used[usable], days, gas, (physics, WEAK_SLOPE_SE)))
    return curve.scaled_to(level, heat[usable], t[usable]) if usable.any() else curve


def fit_cop_curves_by_source(
    heat_by_day: Floats,
    electricity_by_source: Mapping[str, Floats],
    temperature_c: Floats,
    rest_day: NDArray[np.bool_] | None = None,
    year_of_day: NDArray[np.int64] | None = None,
) -> dict[str, CopCurve]:
    """Return one curve per source of heat, where the source of each heat pump is known; see :func:`fit_cop_curve`.

    Args:
        heat_by_day: Useful heat of the gas homes by day [kWh], shape (days,).
        electricity_by_source: Source (``air``, ``ground``) -> electricity of its heat pumps by day [kWh].
        temperature_c: Mean outdoor temperature by day [C], shape (days,).
        rest_day: Whether a day is a weekend or a holiday, shape (days,).
        year_of_day: Calendar year of each day, shape (days,).
    """
    return {
        source: fit_cop_curve(
            heat_by_day, used, temperature_c, rest_day, year_of_day, 1.0 if source == "ground" else 0.0
        )
        for source, used in electricity_by_source.items()
    }


def prior_cop_curve(ground_share: float = 0.24, floor_share: float = 0.5, spf: float = 3.0) -> CopCurve:
    """Return the curve of physics, for when no daily data tell it (Ruhnau et al. 2019, see ``spf/lift.py``).

    Args:
        ground_share: Share of ground source in the heat.
        floor_share: Share of the heat that goes into floors (assumption).
        spf: COP at the reference temperature; :meth:`CopCurve.scaled_to` sets the level.
    """
    t = np.arange(-16.0, FLAT_ABOVE_C + 0.5, 1.0)
    reference = 4.0
    log_cop = np.log(fleet_lift_cop(t, ground_share, floor_share))
    inside = (t >= -8) & (t <= 12)
    slope, at_zero = np.polyfit(t[inside] - reference, log_cop[inside], 1)
    left = log_cop - at_zero - slope * (t - reference)
    return CopCurve(
        spf, reference, float(slope), PRIOR_SLOPE_SE, source="prior",
        knots_c=tuple(KNOTS_C.tolist()), knots_log=tuple(np.interp(KNOTS_C, t, left).tolist()),
        water_ratio=_prior_water_ratio(ground_share, floor_share),
    )  # fmt: skip


def _prior_water_ratio(ground_share: float = 0.24, floor_share: float = 0.5) -> float:
    """Return the COP of hot water over that of space heating at 15 C, by physics.

    The lift to a floor at 15 C is less than heat pumps can use; at 5 C, where most heat is drawn, the curves are sound.
    """
    t = np.array([5.0])
    water = 1 / (
        (1 - ground_share) / lift_cop(t, "air", "water") + ground_share / lift_cop(t, "ground", "water")
    )
    return float((water / fleet_lift_cop(t, ground_share, floor_share))[0])


def _check(
    heat: Floats,
    used: Floats,
    t: Floats,
    rest_day: NDArray[np.bool_] | None,
    year_of_day: NDArray[np.int64] | None,
) -> None:
    problems = Collector()
    others = {
        "electricity_by_day": used,
        "temperature_c": t,
        "rest_day": rest_day,
        "year_of_day": year_of_day,
    }
    for name, values in others.items():
        if values is not None and np.shape(values) != heat.shape:
            problems.add("P316", f"cop_curve.{name}", "its days are not those of the heat", value=str(np.shape(values)),
                         limit=f"{heat.shape} days of heat")  # fmt: skip
    problems.raise_if_any(ModelError)


def _curve_of(fit: FleetFit) -> CopCurve:
    """Return the curve of a fit, with its band at the knots and the curve of all heat beside it."""
    at_knot = np.zeros((len(KNOTS_C), 1 + len(KNOTS_C)))
    at_knot[:, 0] = KNOTS_C - fit.reference_c
    at_knot[:, 1:] = np.eye(len(KNOTS_C))
    variance = np.einsum("ij,jk,ik->i", at_knot, fit.log_cov, at_knot)
    band = np.sqrt(np.maximum(variance, 0) + (MODEL_SE * (KNOTS_C - fit.reference_c)) ** 2)
    whole = CopCurve(
        1.0, fit.reference_c, fit.all_slope, fit.all_slope_se, float(ALL_KNOTS_C[-1]),
        knots_c=tuple(ALL_KNOTS_C.tolist()), knots_log=tuple(fit.all_knots.tolist()), cold_days_count=fit.cold_days,
    )  # fmt: skip
    return CopCurve(
        1.0, fit.reference_c, fit.slope, fit.slope_se, knots_c=tuple(KNOTS_C.tolist()),
        knots_log=tuple(fit.knots.tolist()), band_log_se=tuple(band.tolist()), water_ratio=fit.water_ratio,
        limit_shift_k=fit.shift_k, limit_shift_se_k=fit.shift_se_k, cold_days_count=fit.cold_days, whole=whole,
        space_over_whole_log=fit.space_over_all_log,
    )  # fmt: skip
