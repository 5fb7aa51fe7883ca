"""Electricity consumption, heat and decentral production of a synthetic year, and an optional price."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from varme.data.synthetic import profiles
from varme.data.synthetic.calendar import YEAR_DAYS, Clock
from varme.data.synthetic.noise import coloured, exponential, smooth, white
from varme.data.synthetic.spec import HeatAreaSpec, SyntheticSpec

Floats = NDArray[np.float64]

STREAM_LOAD_SLOW, STREAM_LOAD_FAST, STREAM_DECENTRAL, STREAM_SPOT = 10, 11, 12, 13
STREAM_HEAT = 20


def gross_consumption(spec: SyntheticSpec, clock: Clock, temperature_c: Floats) -> Floats:
    """Return gross electricity consumption [MW], shape (clock.grid.n,): sum and maximum of the year as in the spec.

    Day type, hour and season by :mod:`~varme.data.synthetic.profiles`, plus a rise on days colder than the season, plus
    noise; then one straight line brings mean and maximum to the targets.
    """
    n = clock.grid.n
    angle = 2 * np.pi * clock.day_of_year / YEAR_DAYS
    shape = profiles.LOAD_MEAN[clock.day_type, clock.hour]
    shape = shape + profiles.LOAD_COSINE[clock.day_type, clock.hour] * np.cos(angle)
    shape += profiles.LOAD_SINE * np.sin(angle)
    shape += profiles.LOAD_SECOND[0] * np.cos(2 * angle) + profiles.LOAD_SECOND[1] * np.sin(2 * angle)
    day = clock.day_of_year
    shape -= profiles.LOAD_JULY * ((day >= 186) & (day < 214))
    shape -= profiles.LOAD_CHRISTMAS * ((day >= 355) | (day < 2))
    winter = (1 + clock.season(15)) / 2
    normal = moving_mean(temperature_c, 30 * 24, 30 * 24)
    shape += spec.electricity_share_per_k * winter * (normal - moving_mean(temperature_c, 24, 0))
    for (deviation, tau_h), stream, kind in (
        (profiles.LOAD_NOISE_SLOW, STREAM_LOAD_SLOW, exponential),
        (profiles.LOAD_NOISE_FAST, STREAM_LOAD_FAST, smooth),
    ):
        shape *= 1 + deviation * coloured(white(spec.seed, stream), kind(tau_h))[:n]
    inside = shape[clock.inside]
    mean_mw = spec.gross_consumption_twh * 1e6 / inside.size
    stretch = (spec.gross_max_mw - mean_mw) / (inside.max() - inside.mean())
    return np.asarray(np.maximum(mean_mw + stretch * (shape - inside.mean()), 0.0), dtype=float)


def heat(spec: SyntheticSpec, area: HeatAreaSpec, number: int, clock: Clock, temperature_c: Floats) -> Floats:
    """Return the heat demand of one area [MW], shape (clock.grid.n,); the calendar year sums to its target.

    The two-day mean temperature gives the level, day type and hour the profile (a morning peak that is sharper in
    summer), noise of three days and of some hours the rest.
    """
    n = clock.grid.n
    two_day = moving_mean(temperature_c, 36, 12)
    law = area.base_mw + area.slope_mw_per_k * np.maximum(0.0, area.limit_c - two_day)
    nodes = profiles.HEAT_NODES_C
    column = profiles.HEAT_PROFILE[:, np.minimum(clock.day_type, 1), clock.hour]
    position = np.clip(np.interp(two_day, nodes, np.arange(nodes.size)), 0, nodes.size - 1)
    lower = np.minimum(position.astype(np.int64), nodes.size - 2)
    weight = position - lower
    rows = np.arange(n)
    profile = (1 - weight) * column[lower, rows] + weight * column[lower + 1, rows]
    noise = np.sqrt(0.85) * coloured(white(spec.seed, STREAM_HEAT + 2 * number), exponential(70.0))[:n]
    noise += np.sqrt(0.15) * coloured(white(spec.seed, STREAM_HEAT + 2 * number + 1), smooth(2.0))[:n]
    deviation = area.noise_share * np.minimum(1.0, law[clock.inside].mean() / law)
    demand = law * profile * np.exp(deviation * np.clip(noise, -2.5, 2.5) - deviation**2 / 2)
    return _scaled_and_bent(demand, area, clock.inside)


def _scaled_and_bent(demand: Floats, area: HeatAreaSpec, inside: NDArray[np.bool_]) -> Floats:
    """Return demand scaled to the year's sum, bent below ``max_mw`` from 80 % of it on."""
    wanted = area.annual_twh * 1e6
    scale, bent = wanted / float(demand[inside].sum()), demand
    for _ in range(100):
        bent = demand * scale
        if area.max_mw is not None:
            knee = 0.8 * area.max_mw
            room = area.max_mw - knee
            above = np.maximum(bent - knee, 0.0)
            bent = np.minimum(bent, knee) + room * -np.expm1(-above / room)
        reached = float(bent[inside].sum())
        if abs(reached / wanted - 1) < 1e-13:
            break
        scale *= wanted / reached
    return np.asarray(bent, dtype=float)


def decentral(spec: SyntheticSpec, clock: Clock, temperature_c: Floats) -> Floats:
    """Return decentral electricity [MW], shape (clock.grid.n,); the calendar year sums to its target.

    A flat part (waste, industry) and a part that follows the heat demand of small networks (the law of the first heat
    area, or of the default one) and the tariff: more by day on working days.
    """
    area = spec.heat_areas[0] if spec.heat_areas else HeatAreaSpec(name="default", annual_twh=1.0)
    two_day = moving_mean(temperature_c, 36, 12)
    driven = area.base_mw + area.slope_mw_per_k * np.maximum(0.0, area.limit_c - two_day)
    by_day = (clock.day_type == 0) & (clock.hour >= 7) & (clock.hour < 21)
    driven = driven * np.where(by_day, 1.0, spec.decentral_night_share)
    noise = coloured(white(spec.seed, STREAM_DECENTRAL), exponential(24.0))[: clock.grid.n]
    driven *= np.exp(0.08 * noise)
    share = spec.decentral_heat_driven_share
    relative = (1 - share) + share * driven / driven[clock.inside].mean()
    hours = np.count_nonzero(clock.inside)
    return np.asarray(
        relative * (spec.decentral_twh * 1e6 / hours / relative[clock.inside].mean()), dtype=float
    )


def spot_price(spec: SyntheticSpec, clock: Clock, residual_mw: Floats) -> Floats:
    """Return a day-ahead price [EUR/MWh], shape (clock.grid.n,), with the spec's mean and standard deviation.

    Half of the variance follows residual load (consumption less wind and decentral), half is slow noise (water values,
    neighbours). A stand-in for shape only: no bidding behaviour, no price spikes.
    """
    if spec.spot_mean_eur_per_mwh is None:
        raise ValueError("the spec asks for no price")
    inside = clock.inside
    load = (residual_mw - residual_mw[inside].mean()) / residual_mw[inside].std()
    raw = load + coloured(white(spec.seed, STREAM_SPOT), exponential(120.0))[: clock.grid.n]
    scaled = (raw - raw[inside].mean()) / raw[inside].std()
    return np.asarray(spec.spot_mean_eur_per_mwh + spec.spot_sd_eur_per_mwh * scaled, dtype=float)


def moving_mean(values: Floats, before: int, after: int) -> Floats:
    """Return the mean over ``before`` hours up to and ``after`` hours from each hour; shorter windows at the ends."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(values.size)
    first = np.maximum(index - before + 1, 0) if after == 0 else np.maximum(index - before, 0)
    last = np.minimum(index + max(after, 1), values.size)
    return np.asarray((total[last] - total[first]) / (last - first), dtype=float)
