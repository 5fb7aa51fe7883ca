"""Weather of a home's year: fronts, cold spells, sun through clouds, a daily wave that follows the sun, wind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from varme.data.reference_years import ReferenceYear, try_weather
from varme.data.synthetic.filters import centred_mean, first_order
from varme.data.synthetic.home_clock import Floats, HomeClock, sun_height
from varme.data.synthetic.noise import coloured, exponential, smooth, white
from varme.ground.errors import Collector

#: Random streams (the synthetic district uses 0 to 9).
FRONT, CLOUD, WIND, GUST, FLICKER = range(40, 45)
#: Correlation of the fronts' warmth with clear sky and with wind, times the cosine of the year: clear winter days are
#: cold and clear summer days warm (Copenhagen 2019: daily -0.1 and +0.4), mild winters windy (DK2 2019: +0.5, -0.3).
CLEAR_WARM, WIND_WARM = -0.30, 0.45
#: Correlation of clear sky with wind (an assumption: fronts bring clouds).
CLEAR_WIND = -0.25
#: Daily wave: kelvin per kW/m2 of sun after a first-order lag of this time [h]; gives a mean daily range of 3.5 K in
#: winter and 7 K in summer with the fronts, as in Copenhagen 2019 (3.5 and 6.7), and its maximum 2-3 h after noon.
WAVE_K_PER_KW_M2, WAVE_LAG_H = 15.0, 4.0
#: Solar constant [W/m2] (Kopp and Lean 2011, rounded).
SOLAR_CONSTANT = 1361.0


@dataclass(frozen=True)
class Weather:
    """Weather of the padded year, arrays of shape (grid.n,), and hourly scores that the market follows."""

    outdoor_c: Floats
    ghi: Floats
    dni: Floats
    dhi: Floats
    wind_m_per_s: Floats
    wind_score: Floats
    warm_score: Floats


def home_weather(clock: HomeClock) -> Weather:
    """Return the weather of a year.

    Raises:
        InputError: P175 if the irradiation or the coldest temperature cannot be reached at this place.
    """
    spec = clock.spec
    if spec.try_region is not None:
        return _reference(clock, try_weather(spec.try_region))
    hours = clock.grid.n // 4
    season = clock.hourly(clock.winter)
    front = coloured(white(spec.seed, FRONT), (smooth(22.0) + exponential(110.0)) / 2)[:hours]
    blow = coloured(white(spec.seed, WIND), exponential(45.0))[:hours]
    rho = 0.1 + WIND_WARM * season
    blow = rho * front + np.sqrt(1 - rho**2) * blow
    sky = coloured(white(spec.seed, CLOUD), exponential(20.0))[:hours]
    rho = CLEAR_WARM * season
    sky = rho * front + CLEAR_WIND * blow + np.sqrt(1 - rho**2 - CLEAR_WIND**2) * sky
    ghi = _irradiance(clock, sky)
    dhi = _diffuse(clock, ghi)
    height = np.maximum(clock.sun, 1e-9)
    dni = np.where(clock.sun > 0, (ghi - dhi) / height, 0.0)
    outdoor = _temperature(clock, clock.fine(front), ghi)
    gust = coloured(white(spec.seed, GUST), exponential(5.0))[:hours]
    score = np.sqrt(0.7) * blow + np.sqrt(0.3) * gust + 0.3 * season
    # Weibull with shape 2.2: sd/mean 0.46-0.48, as in Copenhagen 2019 (0.46).
    speed = clock.fine((-np.log(np.maximum(ndtr(-score / np.sqrt(1.045)), 1e-12))) ** (1 / 2.2))
    speed *= spec.wind_mean_m_per_s / speed[clock.inside].mean()
    return Weather(outdoor, ghi, dni, dhi, speed, score, front)


def _reference(clock: HomeClock, year: ReferenceYear) -> Weather:
    """Return the weather of a test reference year: hourly means kept, irradiance shaped by the sun within each hour."""
    rows = year.rows(clock.grid.times.astype(np.int64)[::4])
    height = np.maximum(
        sun_height(clock.grid.times.astype(np.int64) + 450, year.latitude_deg, year.longitude_deg), 0
    )
    hourly = np.repeat(clock.hourly(height), 4)
    shape = np.where(hourly > 0, height / np.maximum(hourly, 1e-9), 0.0)
    diffuse = np.repeat(year.diffuse_w_per_m2[rows], 4) * shape
    direct = np.repeat(year.direct_w_per_m2[rows], 4) * shape
    beam = np.where(height < 0.026, 0.0, np.minimum(direct, 1000 * height))  # as for the made weather
    diffuse += direct - beam
    wind, outdoor = year.wind_m_per_s[rows], year.outdoor_c[rows]
    warm = (outdoor - centred_mean(outdoor, 721)) / 3.5
    score = ndtri((np.argsort(np.argsort(wind, kind="stable")) + 0.5) / len(wind))
    return Weather(
        clock.fine(outdoor), beam + diffuse, beam / np.maximum(height, 0.026), diffuse,
        np.maximum(clock.fine(wind), 0.0), score, warm,
    )  # fmt: skip


def _irradiance(clock: HomeClock, sky: Floats) -> Floats:
    """Return global irradiance [W/m2]: clear sky (Haurwitz 1945, as in pvlib) times an index of two time scales.

    The index is bimodal, overcast or clear, ``0.08 + 0.96 sin(pi u / 2)**(2 g)``; ``g`` is solved for the year's sum.
    """
    spec = clock.spec
    height = np.maximum(clock.sun, 0.0)
    clear = np.where(height > 0, 1098 * height * np.exp(-0.059 / np.maximum(height, 1e-3)), 0.0)
    memory = np.exp(-0.25 / 0.9)  # of the flicker of clouds: 0.9 h
    noise = np.random.Generator(np.random.PCG64([spec.seed, FLICKER])).standard_normal(clock.grid.n)
    flicker = first_order(noise, memory, float(np.sqrt(1 - memory**2)))
    u = ndtr(np.sqrt(0.65) * clock.fine(sky) + np.sqrt(0.35) * flicker - 0.15 * clock.winter)
    rise = np.log(np.maximum(np.sin(np.pi / 2 * u), 1e-9))
    lit = clock.inside & (clear > 0)
    most = float(clear[lit].sum()) / 4000
    wanted, low, high = spec.ghi_kwh_per_m2, 0.01, 20.0

    def year(g: float) -> float:
        return float((clear[lit] * (0.08 + 0.96 * np.exp(2 * g * rise[lit]))).sum()) / 4000

    if not year(high) < wanted < year(low):
        problems = Collector()
        problems.add(
            "P175", "synthetic.ghi_kwh_per_m2", "cannot be reached at this latitude", value=f"{wanted:g} kWh/m2",
            limit=f"{year(high):.0f} to {year(low):.0f} kWh/m2 (clear sky: {most:.0f})",
        )  # fmt: skip
        problems.raise_if_any()
    for _ in range(40):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if year(float(middle)) > wanted else (low, middle)
    ghi = clear * (0.08 + 0.96 * np.exp(2 * np.sqrt(low * high) * rise))
    return np.asarray(ghi * (wanted * 4000 / ghi[clock.inside].sum()))


def _diffuse(clock: HomeClock, ghi: Floats) -> Floats:
    """Return diffuse irradiance by the fractions of Erbs, Klein and Duffie (1982), Solar Energy 28(4), 293-302."""
    height = clock.sun
    day = clock.grid.times.astype(np.int64) / 86400
    outside = SOLAR_CONSTANT * (1 + 0.033 * np.cos(2 * np.pi * (day - 10960) / 365.25))
    kt = np.clip(ghi / (outside * np.maximum(height, 0.02)), 0.0, 1.0)
    middle = 0.9511 - 0.1604 * kt + 4.388 * kt**2 - 16.638 * kt**3 + 12.336 * kt**4
    share = np.where(kt <= 0.22, 1 - 0.09 * kt, np.where(kt <= 0.8, middle, 0.165))
    # No beam stronger than 1,000 W/m2, and none from a sun below 1.5 degrees.
    share = np.where(height < 0.026, 1.0, np.maximum(share, 1 - 1000 * height / np.maximum(ghi, 1e-9)))
    return np.asarray(np.clip(share, 0.0, 1.0) * ghi)


def _temperature(clock: HomeClock, front: Floats, ghi: Floats) -> Floats:
    """Return the outdoor temperature [C]: season, fronts with a cold tail in winter, a wave that lags the sun.

    The strength of the cold tail is solved so that the coldest quarter-hour is ``coldest_c``, with the mean held.

    Raises:
        InputError: P175 if no strength gives it.
    """
    spec, winter, inside = clock.spec, clock.winter, clock.inside
    memory = np.exp(-0.25 / WAVE_LAG_H)
    warmed = first_order(ghi, memory, 1 - memory) / 1000
    wave = WAVE_K_PER_KW_M2 * (warmed - centred_mean(warmed, 97))
    middle = (spec.weather_sd_winter_k + spec.weather_sd_summer_k) / 2
    swing = (spec.weather_sd_winter_k - spec.weather_sd_summer_k) / 2
    plain = -spec.season_k * winter + wave + (middle + swing * winter) * front
    tail = np.maximum(-front - 0.5, 0.0) ** 1.5 * np.clip(0.5 + winter, 0.0, 1.5)

    def year(strength: float) -> Floats:
        made = plain - strength * tail
        return np.asarray(made + (spec.mean_c - made[inside].mean()))

    low, high = -0.8, 12.0
    coldest = [float(year(k)[inside].min()) for k in (low, high)]
    if not coldest[1] <= spec.coldest_c <= coldest[0]:
        problems = Collector()
        problems.add(
            "P175", "synthetic.coldest_c", "cannot be reached with this mean, season and weather",
            value=f"{spec.coldest_c:g} C", limit=f"{coldest[1]:.1f} to {coldest[0]:.1f} C for this seed",
            remedy="Move it, or change `weather_sd_winter_k` or `season_k`.",
        )  # fmt: skip
        problems.raise_if_any()
    for _ in range(40):
        half = (low + high) / 2
        low, high = (half, high) if float(year(half)[inside].min()) > spec.coldest_c else (low, half)
    return year((low + high) / 2)
