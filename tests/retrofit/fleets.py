"""Two made-up daily fleets whose COP is known: what a real pair of fleets differs in can be switched on."""

from dataclasses import dataclass

import numpy as np

from varme.retrofit.spf.daily_fleets import mean_need


@dataclass
class Fleets:
    """Heat, electricity, temperature by day, and the truth."""

    heat: np.ndarray
    electricity: np.ndarray
    temperature_c: np.ndarray
    days: np.ndarray
    space: np.ndarray
    water: np.ndarray
    rest: np.ndarray


def make_fleets(
    seed=0, slope=0.022, shift_k=0.0, water=0.25, water_power=1.0, own_felt_k=0.0, noise=0.0, dip=0.0, weekend=0.0,
    years=3, lag=0.4,
):  # fmt: skip
    """Fleets with limits of 15 +- 1.2 C, a lag, sun and wind in common (1 K) and of their own."""
    rng = np.random.default_rng(seed)
    days = np.arange(np.datetime64("2019-01-01"), np.datetime64(f"{2019 + years}-01-01"))
    n = len(days)
    weather = np.zeros(n)
    for i in range(1, n):
        weather[i] = 0.75 * weather[i - 1] + rng.normal(0, 2.4)
    day_of_year = (days - days.astype("datetime64[Y]")).astype(int)
    t = 10.2 - 9 * np.cos(2 * np.pi * (day_of_year - 17) / 365.25) + weather
    felt = t + lag * (np.r_[t[:1], t[:-1]] - t) + rng.normal(0, 1.0, n)
    rest = (days.astype(int) + 3) % 7 >= 5
    busy = np.exp(weekend * rest)
    own = own_felt_k * rng.normal(size=(2, n))
    heat = (mean_need(felt + own[0], 15.0, 1.2) * busy + 2.5) * np.exp(noise * rng.normal(size=n))
    space = mean_need(felt + own[1] - shift_k, 15.0, 1.2) * busy
    warm = np.minimum(t, 15.0)
    log_cop = slope * (warm - 5) + np.log1p(-dip * np.exp(-(((t - 2) / 3) ** 2)))
    used = space / (3 * np.exp(log_cop)) + water * 10 / (2.4 * np.exp(water_power * log_cop))
    used = used * np.exp(noise * rng.normal(size=n))
    return Fleets(1000 * heat, 52 * used, t, days, space * 52, np.full(n, 52 * 10 * water), rest)
