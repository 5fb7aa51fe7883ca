"""COP over outdoor temperature by physics, for when no daily data tell it: quadratic in the lift from source to sink.

Coefficients, sinks and correction are those of When2Heat (Ruhnau, Hirth & Praktiknjo 2019, "Time series of heat demand
and heat pump efficiency for energy system modeling", Scientific Data 6:189, doi:10.1038/s41597-019-0199-y), fitted
there to manufacturers' data sheets and scaled to German field tests.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Source = Literal["air", "ground"]
Sink = Literal["radiator", "floor", "water"]

#: COP = a + b dT + c dT^2 (Ruhnau et al. 2019).
COEFFICIENTS: dict[str, tuple[float, float, float]] = {
    "air": (6.08, -0.0941, 0.000464),
    "ground": (10.29, -0.2084, 0.001322),
}
#: Flow temperature = first + second * outdoor temperature [C] (Ruhnau et al. 2019).
SINKS_C: dict[str, tuple[float, float]] = {
    "radiator": (40.0, -1.0),
    "floor": (30.0, -0.5),
    "water": (50.0, 0.0),
}
#: Smallest lift that the curves are used for [K] (Ruhnau et al. 2019).
LIFT_MIN_K = 15.0
#: Field tests over data sheets (Ruhnau et al. 2019).
FIELD_SHARE = 0.85
#: Temperature of the brine over the heating season [C]: ground at 10 C less 5 K in the exchanger (assumption; When2Heat
#: takes the soil's temperature less 5 K).
BRINE_C = 5.0


def lift_cop(temperature_c: Floats | float, source: Source = "air", sink: Sink = "radiator") -> Floats:
    """Return the COP in the field at outdoor temperatures, any shape.

    Args:
        temperature_c: Outdoor temperature [C].
        source: ``air`` (at the outdoor temperature) or ``ground`` (brine at :data:`BRINE_C`).
        sink: ``radiator``, ``floor`` or ``water`` (hot water at 50 C).
    """
    t = np.asarray(temperature_c, dtype=float)
    first, per_k = SINKS_C[sink]
    lift = np.maximum(first + per_k * t - (t if source == "air" else BRINE_C), LIFT_MIN_K)
    a, b, c = COEFFICIENTS[source]
    return np.asarray(FIELD_SHARE * (a + b * lift + c * lift**2), dtype=float)


def fleet_lift_cop(temperature_c: Floats, ground_share: float = 0.24, floor_share: float = 0.5) -> Floats:
    """Return the COP of space heating of a fleet of mixed sources and sinks: sum of heat over sum of electricity.

    Args:
        temperature_c: Outdoor temperature [C], shape (n,).
        ground_share: Share of the heat from ground-source heat pumps (0.24 of the systems in Bayer & Pruckner 2023).
        floor_share: Share of the heat that goes into floors (assumption).
    """
    used = np.zeros(np.shape(temperature_c))
    sources: tuple[tuple[Source, float], ...] = (("air", 1 - ground_share), ("ground", ground_share))
    sinks: tuple[tuple[Sink, float], ...] = (("radiator", 1 - floor_share), ("floor", floor_share))
    for source, source_share in sources:
        for sink, sink_share in sinks:
            used = used + source_share * sink_share / lift_cop(temperature_c, source, sink)
    return np.asarray(1 / used, dtype=float)
