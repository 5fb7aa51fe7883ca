r"""Where the sun stands, how global irradiance splits into beam and diffuse, and what falls on a tilted plane.

Everything here needs only NumPy. Two methods that need tables or long algorithms are left to pvlib (the extra ``pv``):
the split by DIRINT and the sky of Perez.

Sources: sun: Michalsky 1988 (doi:10.1016/0038-092X(88)90045-X), the Astronomical Almanac's formulas, 0.01 degrees from
1950 to 2050; extraterrestrial irradiance: Spencer 1971 (Search 2, 172); split: Erbs, Klein and Duffie 1982
(doi:10.1016/0038-092X(82)90302-4); sky: Hay and Davies 1980, as in Duffie and Beckman, Solar Engineering of Thermal
Processes, 4th ed. 2013, section 2.15; reflection at the glass: ASHRAE 93-77 with b0 = 0.05; cells: Faiman 2008
(doi:10.1002/pip.813).
"""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Sky = Literal["hay_davies", "isotropic", "perez"]
Split = Literal["erbs", "dirint"]

#: Solar constant [W/m2] (Kopp and Lean 2011 give 1,361; pvlib and most data use 1,366.1, ASTM E490).
SOLAR_CONSTANT_W_PER_M2 = 1366.1
#: Highest zenith angle at which the beam is taken from the global irradiance [deg]: a lower sun divides by almost 0.
ZENITH_MAX_DEG = 87.0
#: Standard test conditions: irradiance [W/m2] and temperature of the cells [C].
STC_W_PER_M2, STC_CELL_C = 1000.0, 25.0


@dataclass(frozen=True, eq=False)
class Sun:
    """The sun over time; arrays of shape (N,).

    Attributes:
        zenith_deg: Angle from the vertical, without refraction.
        azimuth_deg: Direction, 180 = south, 90 = east.
        extra_w_per_m2: Irradiance outside the atmosphere on a plane that faces the sun.
        day_share: Share of each interval in which the sun is up.
    """

    zenith_deg: Floats
    azimuth_deg: Floats
    extra_w_per_m2: Floats
    day_share: Floats

    @property
    def cosine(self) -> Floats:
        """Cosine of the zenith angle, not below 0."""
        return np.asarray(np.maximum(np.cos(np.radians(self.zenith_deg)), 0.0))


def sun_at(
    times: NDArray[np.datetime64], latitude_deg: float, longitude_deg: float, step_min: float = 0.0
) -> Sun:
    """Return the sun in intervals: its direction at the middle of the part of an interval in which it is up.

    In an interval with sunrise or sunset the middle of the whole could be night while there is irradiance; the mean
    over quarters of the interval in which the sun is up is taken instead.

    Args:
        times: Starts of the intervals, UTC, shape (N,).
        latitude_deg: North positive.
        longitude_deg: East positive.
        step_min: Length of the intervals [min]; 0 for instants.
    """
    seconds = np.asarray(times).astype("datetime64[s]").astype(np.int64).astype(float)
    parts = np.array([0.5]) if step_min == 0 else (np.arange(4) + 0.5) / 4
    at = seconds[:, None] + 60 * step_min * parts * (step_min > 0)
    zenith, azimuth = _position(at, latitude_deg, longitude_deg)
    up = zenith < 90.0
    some = up.any(axis=1)
    middle_zenith, middle_azimuth = _position(seconds + 30 * step_min, latitude_deg, longitude_deg)
    weight = up / np.maximum(up.sum(axis=1), 1)[:, None]
    edge = some & ~up.all(axis=1)
    radians = np.radians(azimuth)
    mean_azimuth = np.degrees(
        np.arctan2((weight * np.sin(radians)).sum(1), (weight * np.cos(radians)).sum(1))
    )
    day = (seconds / 86400) % 365.2425
    angle = 2 * np.pi * day / 365.2425
    extra = SOLAR_CONSTANT_W_PER_M2 * (
        1.00011 + 0.034221 * np.cos(angle) + 0.00128 * np.sin(angle)
        + 0.000719 * np.cos(2 * angle) + 7.7e-05 * np.sin(2 * angle)
    )  # fmt: skip
    return Sun(
        np.where(edge, (weight * zenith).sum(1), middle_zenith),
        np.where(edge, mean_azimuth % 360, middle_azimuth),
        extra,
        up.mean(axis=1),
    )


def _position(seconds: Floats, latitude_deg: float, longitude_deg: float) -> tuple[Floats, Floats]:
    """Return zenith and azimuth [deg] at seconds since 1970 (UTC), any shape: Michalsky 1988."""
    n = seconds / 86400 + 2440587.5 - 2451545.0
    mean_longitude = (280.460 + 0.9856474 * n) % 360
    anomaly = np.radians((357.528 + 0.9856003 * n) % 360)
    ecliptic = np.radians(mean_longitude + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly))
    tilt = np.radians(23.439 - 0.0000004 * n)
    ascension = np.arctan2(np.cos(tilt) * np.sin(ecliptic), np.cos(ecliptic))
    declination = np.arcsin(np.sin(tilt) * np.sin(ecliptic))
    hour = (seconds / 3600) % 24
    day_start = n - hour / 24
    sidereal = 6.697375 + 0.0657098242 * day_start + 1.00273791 * hour + longitude_deg / 15
    hour_angle = np.radians((sidereal * 15) % 360) - ascension
    latitude = np.radians(latitude_deg)
    sine = np.sin(declination) * np.sin(latitude) + np.cos(declination) * np.cos(latitude) * np.cos(
        hour_angle
    )
    east = -np.cos(declination) * np.sin(hour_angle)
    north = np.sin(declination) * np.cos(latitude) - np.cos(declination) * np.sin(latitude) * np.cos(
        hour_angle
    )
    zenith = np.degrees(np.arccos(np.clip(sine, -1, 1)))
    return np.asarray(zenith), np.asarray(np.degrees(np.arctan2(east, north)) % 360)


@dataclass(frozen=True, eq=False)
class Irradiance:
    """The sun's irradiance at a place; arrays of shape (N,) [W/m2].

    Attributes:
        sun: Where the sun stands.
        ghi: Global, on the horizontal plane.
        dni: Beam, on a plane that faces the sun.
        dhi: Diffuse, on the horizontal plane.
        times: Starts of the intervals (UTC), for pvlib.
        albedo_share: Share that the ground reflects.
        sky: How the diffuse part falls on a tilted plane.
    """

    sun: Sun
    ghi: Floats
    dni: Floats
    dhi: Floats
    times: NDArray[np.datetime64]
    albedo_share: float = 0.2
    sky: Sky = "hay_davies"

    def on_plane(self, tilt_deg: float, azimuth_deg: float, glazed: bool = False) -> Floats:
        """Return the irradiance on a tilted plane [W/m2], shape (N,).

        Args:
            tilt_deg: 0 is flat, 90 a wall.
            azimuth_deg: Direction that it faces, 180 = south.
            glazed: Count only what passes the glass, relative to a sun that stands upright on it.
        """
        tilt = np.radians(tilt_deg)
        cosine = self._incidence(tilt, azimuth_deg)
        passes = incidence_share(cosine) if glazed else np.ones_like(cosine)
        beam = self.dni * cosine * passes
        # Diffuse light comes at a mean angle of about 59 degrees (Duffie and Beckman 2013, figure 5.4.1).
        diffuse_passes = float(incidence_share(np.array(np.cos(np.radians(59.0))))) if glazed else 1.0
        ground = self.ghi * self.albedo_share * (1 - np.cos(tilt)) / 2 * diffuse_passes
        if self.sky == "perez":
            return np.asarray(beam + ground + diffuse_passes * self._perez(tilt_deg, azimuth_deg))
        view = (1 + np.cos(tilt)) / 2
        if self.sky == "isotropic":
            return np.asarray(beam + ground + diffuse_passes * self.dhi * view)
        share = np.clip(self.dni / self.sun.extra_w_per_m2, 0.0, 1.0)
        around_sun = np.where(self.sun.cosine > 0, cosine / np.maximum(self.sun.cosine, 0.01745), 0.0)
        diffuse = self.dhi * (share * around_sun * passes + (1 - share) * view * diffuse_passes)
        return np.asarray(beam + ground + diffuse)

    def _incidence(self, tilt: float, azimuth_deg: float) -> Floats:
        zenith = np.radians(self.sun.zenith_deg)
        turn = np.radians(self.sun.azimuth_deg - azimuth_deg)
        cosine = np.cos(zenith) * np.cos(tilt) + np.sin(zenith) * np.sin(tilt) * np.cos(turn)
        return np.asarray(np.where(self.sun.zenith_deg < 90, np.maximum(cosine, 0.0), 0.0))

    def _perez(self, tilt_deg: float, azimuth_deg: float) -> Floats:
        pvlib = _pvlib()
        mass = pvlib.atmosphere.get_relative_airmass(self.sun.zenith_deg)
        found = pvlib.irradiance.perez(
            tilt_deg, azimuth_deg, self.dhi, self.dni, self.sun.extra_w_per_m2, self.sun.zenith_deg,
            self.sun.azimuth_deg, mass,
        )  # fmt: skip
        return np.asarray(np.nan_to_num(np.asarray(found, dtype=float)))


def incidence_share(cosine: ArrayLike) -> Floats:
    r"""Return what glass lets through relative to a sun that stands upright on it (ASHRAE 93-77, b0 = 0.05).

    .. math:: 1 - b_0 (1 / \cos \theta - 1)

    Args:
        cosine: Cosine of the angle of incidence, any shape.
    """
    c = np.asarray(cosine, dtype=float)
    return np.asarray(np.where(c > 0, np.clip(1 - 0.05 * (1 / np.maximum(c, 1e-6) - 1), 0.0, 1.0), 0.0))


def irradiance(
    times: NDArray[np.datetime64],
    step_min: float,
    latitude_deg: float,
    longitude_deg: float,
    ghi: Floats,
    dni: Floats | None = None,
    dhi: Floats | None = None,
    *,
    albedo_share: float = 0.2,
    sky: Sky = "hay_davies",
    split: Split = "erbs",
) -> Irradiance:
    """Return the irradiance at a place; what is not measured follows from the rest.

    Global and diffuse give the beam, global and beam the diffuse part; global alone is split by a model.

    Args:
        times: Starts of the intervals, UTC, shape (N,).
        step_min: Length of the intervals [min].
        latitude_deg: North positive.
        longitude_deg: East positive.
        ghi: Global irradiance on the horizontal plane [W/m2], shape (N,).
        dni: Beam on a plane that faces the sun [W/m2], if it is measured.
        dhi: Diffuse on the horizontal plane [W/m2], if it is measured.
        albedo_share: Share that the ground reflects.
        sky: Model of the diffuse sky; ``perez`` needs pvlib.
        split: Model that splits global irradiance; ``dirint`` needs pvlib.

    Raises:
        ImportError: if a method needs pvlib and it is not there.
    """
    if sky == "perez":
        _pvlib()
    sun = sun_at(times, latitude_deg, longitude_deg, step_min)
    ghi = np.asarray(ghi, dtype=float)
    up = sun.zenith_deg < ZENITH_MAX_DEG
    cosine = np.maximum(sun.cosine, np.cos(np.radians(ZENITH_MAX_DEG)))
    if dhi is not None and dni is None:
        dni = np.where(up, np.minimum(np.maximum(ghi - dhi, 0.0) / cosine, sun.extra_w_per_m2), 0.0)
    elif dni is not None and dhi is None:
        dhi = np.maximum(ghi - dni * sun.cosine, 0.0)
    elif dni is None:
        dni = _dirint(ghi, sun, times) if split == "dirint" else beam_by_erbs(ghi, sun)
        dhi = np.maximum(ghi - dni * sun.cosine, 0.0)
    assert dni is not None
    assert dhi is not None
    return Irradiance(sun, ghi, np.asarray(dni, float), np.asarray(dhi, float), times, albedo_share, sky)


def beam_by_erbs(ghi: Floats, sun: Sun) -> Floats:
    r"""Return the beam irradiance that goes with a global one [W/m2] (Erbs, Klein and Duffie 1982), shape (N,).

    The diffuse share falls with the clearness :math:`k_t`, global irradiance over that outside the atmosphere.
    """
    up = (sun.zenith_deg < ZENITH_MAX_DEG) & (ghi > 0)
    outside = sun.extra_w_per_m2 * np.maximum(sun.cosine, np.cos(np.radians(ZENITH_MAX_DEG)))
    k = np.clip(ghi / outside, 0.0, 1.0)
    middle = 0.9511 - 0.1604 * k + 4.388 * k**2 - 16.638 * k**3 + 12.336 * k**4
    share = np.where(k <= 0.22, 1 - 0.09 * k, np.where(k <= 0.8, middle, 0.165))
    beam = ghi * (1 - share) / np.maximum(sun.cosine, np.cos(np.radians(ZENITH_MAX_DEG)))
    return np.asarray(np.where(up, np.minimum(beam, sun.extra_w_per_m2), 0.0))


def _dirint(ghi: Floats, sun: Sun, times: NDArray[np.datetime64]) -> Floats:
    pvlib = _pvlib()
    import pandas as pd

    index = pd.DatetimeIndex(np.asarray(times).astype("datetime64[ns]"), tz="UTC")
    with warnings.catch_warnings():
        # pvlib 0.16 uses what pandas 3 deprecates.
        warnings.simplefilter("ignore")
        found = pvlib.irradiance.dirint(
            pd.Series(ghi, index=index),
            pd.Series(sun.zenith_deg, index=index),
            index,
            max_zenith=ZENITH_MAX_DEG,
        )
    return np.asarray(np.clip(np.nan_to_num(np.asarray(found, dtype=float)), 0.0, sun.extra_w_per_m2))


def has_pvlib() -> bool:
    """Return whether pvlib is installed."""
    return importlib.util.find_spec("pvlib") is not None


def _pvlib() -> Any:
    if not has_pvlib():
        raise ImportError("pvlib is not installed")
    import pvlib

    return pvlib


def cell_c(
    plane_w_per_m2: ArrayLike,
    air_c: ArrayLike,
    wind_m_per_s: ArrayLike = 1.0,
    u0: float = 25.0,
    u1: float = 6.84,
) -> Floats:
    r"""Return the temperature of PV cells [C] (Faiman 2008).

    .. math:: T_c = T_a + \frac{G}{u_0 + u_1 v}

    Args:
        plane_w_per_m2: Irradiance on the modules, any shape.
        air_c: Air temperature.
        wind_m_per_s: Wind at the modules.
        u0: Heat loss without wind [W/(m2 K)].
        u1: Heat loss per wind speed [W s/(m3 K)].
    """
    return np.asarray(np.asarray(air_c) + np.asarray(plane_w_per_m2) / (u0 + u1 * np.asarray(wind_m_per_s)))
