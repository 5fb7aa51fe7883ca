"""Hot water: how much, at which COP, and the weekly heating-up against legionella."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varme.retrofit.demand.load import CopSource

Floats = NDArray[np.float64]

#: Heat capacity of a litre of water [kWh/K]: 4.18 kJ/(kg K).
LITRE_KWH_PER_K = 4.18 / 3600
#: Days warmer than this are taken as days without heating [C] (assumption: above the usual heating limits).
WARM_C = 18.0
#: Days colder than this tell the COP of heating [C] (assumption, as in the fit of the COP curve).
COLD_C = 12.0
#: Standard deviation of the logarithm of the COP of hot water against that of space heat, where it is read from both
#: fleets (assumption, from three of 5 to 12 % each): how much hot water the homes of either fleet use, what furnaces
#: waste in summer, and whether gamma holds for hot water too.
WATER_LOG_SD = 0.15
#: Warm days needed before a COP of hot water is read from them (assumption).
WARM_DAYS = 20


@dataclass(frozen=True)
class WaterCop:
    """COP of hot water: the curve's, times a ratio, or one figure for the whole year.

    Attributes:
        curve: COP of space heat.
        ratio: Hot water's COP over that of space heat on the same day.
        fixed_cop: One COP, whatever the weather; ``None`` to follow the curve.
        days: Warm days behind ``ratio``.
        source: Where it comes from.
    """

    curve: CopSource
    ratio: float = 1.0
    fixed_cop: float | None = None
    days: int = 0
    source: str = "that of space heat"

    def cop(self, temperature_c: Floats | float) -> Floats:
        """Return the COP of hot water at outdoor temperatures."""
        plain = self.curve.cop(temperature_c)
        if self.fixed_cop is not None:
            return np.full(plain.shape, self.fixed_cop)
        return np.asarray(plain * self.ratio, dtype=float)


def water_cop_of_fleets(
    heat_by_day: Floats,
    electricity_by_day: Floats,
    temperature_c: Floats,
    curve: CopSource,
    gamma_share: float = 0.0,
) -> WaterCop:
    """Return the COP of hot water, relative to the curve, from the days on which nobody heats.

    Heat of the gas homes over electricity of the heat-pump homes on warm days, against the same on cold days less the
    hot water of a warm day: the unknown level of the two fleets drops out. Homes with heat pumps need less heat for
    their rooms (gamma), but people shower as others do: the ratio of room heat is corrected for that. What else gas
    does in summer (cooking, a furnace standing by that wastes more than its annual efficiency says) makes the ratio
    too high; it is held between 0.4 and 1.5.

    Args:
        heat_by_day: Useful heat of the gas homes by day [kWh], shape (days,).
        electricity_by_day: Electricity of the heat pumps by day [kWh], shape (days,).
        temperature_c: Mean outdoor temperature by day [C].
        curve: COP of space heat.
        gamma_share: How much less heat the heat-pump homes need for their rooms.
    """
    good = (heat_by_day > 0) & (electricity_by_day > 0) & np.isfinite(temperature_c)
    warm, cold = good & (temperature_c >= WARM_C), good & (temperature_c < COLD_C)
    if warm.sum() < WARM_DAYS or cold.sum() < WARM_DAYS:
        return WaterCop(curve, source="that of space heat: too few warm days tell more")
    water, for_water = heat_by_day[warm].mean(), electricity_by_day[warm].mean()
    cop_cold = curve.cop(temperature_c[cold])
    room = float((heat_by_day[cold] - water).sum() / ((electricity_by_day[cold] - for_water) @ cop_cold))
    tap = float(heat_by_day[warm].sum() / (electricity_by_day[warm] @ curve.cop(temperature_c[warm])))
    if not room > 0:
        return WaterCop(curve, source="that of space heat: cold days use no more than warm ones")
    ratio = float(np.clip(tap / (room * (1 - gamma_share)), 0.4, 1.5))
    return WaterCop(curve, ratio, None, int(warm.sum()), "days without heating of both fleets")


def seasonal_water(base: Floats, day_of_year: NDArray[np.int64], swing_share: float) -> Floats:
    """Return hot water by day, shape (groups, days): flat, or with more in winter when the mains are cold.

    ``base`` is what warm days show. The mains are coldest at the end of February; the draw then is higher by
    ``2 swing / (1 - swing)`` than in late August (a cosine: assumption).

    Args:
        base: Hot water of a summer day by group [kWh], shape (groups,).
        day_of_year: 0 to 365, shape (days,).
        swing_share: Half the range over the year, of the mean; 0 for flat.
    """
    wave = 1 + swing_share * np.cos(2 * np.pi * (day_of_year - 55) / 365.25)
    return np.asarray(base[:, None] * (wave / (1 - swing_share))[None, :], dtype=float)


def legionella_kwh_by_day(
    homes: Floats, weekday: NDArray[np.int64], *, tank_l: float, stored_c: float, target_c: float, on: int = 6
) -> Floats:
    """Return the electricity of the weekly heating-up by group and day [kWh], shape (groups, days), by the rod, COP 1.

    Args:
        homes: Heat pumps by group, shape (groups,).
        weekday: 0 for Monday to 6 for Sunday, shape (days,).
        tank_l: Volume of a home's tank [l].
        stored_c: Temperature that the heat pump keeps [C].
        target_c: Temperature of the weekly heating-up [C] (DVGW W 551: 60 C at the outlet).
        on: Weekday of the heating-up.
    """
    once = LITRE_KWH_PER_K * tank_l * max(target_c - stored_c, 0)
    return np.asarray(homes[:, None] * (once * (weekday == on))[None, :], dtype=float)
