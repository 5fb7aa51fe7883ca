r"""Hot-water tanks: capacity, standing losses, the exact step of a mixed tank, and a layered tank.

Mixed: ``C dT/dt = q - d - UA (T - T_a)``, whose step under constant heat and draw is exact.

Layered (layer 0 on top): a draw takes water from the top and lets cold water in below, so the same volume moves up
through all layers; heat enters the coldest layers first (a coil or charging circuit from below), and where a layer
would be warmer than the one above it, the two mix. This is the multi-node model of tanks (Duffie and Beckman, Solar
Engineering of Thermal Processes, 4th ed. 2013, section 8.4) with buoyancy as mixing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

#: Heat capacity of water [kWh per litre and kelvin]: 4.186 kJ/(kg K) at 1 kg/l.
WATER_KWH_PER_L_K = 4.186 / 3600


def standing_loss_w(volume_l: float, energy_class: str = "B") -> float:
    r"""Return the most standing loss that an energy class allows at a tank of 65 C in a room of 20 C [W].

    .. math:: S = a + b V^{0.4}

    Source: Regulation (EU) 812/2013, annex II, table 2, for tanks of up to 500 l. Divided by 45 K it is a loss
    coefficient.

    Raises:
        KeyError: for another class than A+, A, B, C, D, E, F.
    """
    a, b = _CLASSES[energy_class]
    return float(a + b * volume_l**0.4)


#: Upper limit of each class: a and b of ``a + b V^0.4`` (EU 812/2013, annex II, table 2).
_CLASSES = {
    "A+": (5.5, 3.16), "A": (8.5, 4.25), "B": (12.0, 5.93), "C": (16.66, 8.33), "D": (21.0, 10.33),
    "E": (26.0, 13.66), "F": (31.0, 16.66),
}  # fmt: skip


def mixed_step(
    temperature_c: ArrayLike,
    heat_kw: ArrayLike,
    draw_kw: ArrayLike,
    hours: float,
    capacity_kwh_per_k: ArrayLike,
    loss_kw_per_k: ArrayLike,
    surroundings_c: ArrayLike,
) -> Floats:
    """Return a mixed tank after a step of constant heat and draw [C]; exact, all shapes broadcast."""
    keep = np.exp(-np.asarray(loss_kw_per_k) * hours / np.asarray(capacity_kwh_per_k))
    steady = np.asarray(surroundings_c) + (np.asarray(heat_kw) - np.asarray(draw_kw)) / np.asarray(
        loss_kw_per_k
    )
    return np.asarray(keep * np.asarray(temperature_c) + (1 - keep) * steady)


def stored_kwh(temperature_c: ArrayLike, capacity_kwh_per_k: ArrayLike, reference_c: ArrayLike) -> Floats:
    """Return the heat that a tank holds above a reference [kWh]; layers on the last axis hold equal volumes."""
    layers = np.asarray(temperature_c, dtype=float)
    return np.asarray(np.asarray(capacity_kwh_per_k) * (layers.mean(axis=-1) - np.asarray(reference_c)))


def settled(layers_c: ArrayLike) -> Floats:
    """Return layers (last axis, top first) after warm water has risen: no layer is warmer than the one above.

    Neighbours that are upside down mix to their mean: the pool-adjacent-violators solution, written as the largest of
    all lower-end means over the smallest of all upper-end means. Heat is kept exactly up to rounding.
    """
    layers = np.asarray(layers_c, dtype=float)
    k = layers.shape[-1]
    if k == 1:
        return layers.copy()
    sums = np.concatenate([np.zeros((*layers.shape[:-1], 1)), np.cumsum(layers, axis=-1)], axis=-1)
    out = np.empty_like(layers)
    for i in range(k):
        best = np.full(layers.shape[:-1], np.inf)
        for first in range(i + 1):
            means = [(sums[..., last + 1] - sums[..., first]) / (last + 1 - first) for last in range(i, k)]
            best = np.minimum(best, np.max(np.stack(means), axis=0))
        out[..., i] = best
    return out


def charged(layers_c: ArrayLike, heat_kwh: ArrayLike, capacity_kwh_per_k: ArrayLike) -> Floats:
    """Return layers after heat has entered at the bottom [C]; heat and capacity have the shape without layers.

    The bottom layer is warmed until it is as warm as the next, then both, and so on.
    """
    layers = np.array(layers_c, dtype=float)
    layers[..., -1] += np.asarray(heat_kwh) / (np.asarray(capacity_kwh_per_k) / layers.shape[-1])
    return settled(layers)


def drawn(
    layers_c: ArrayLike, draw_kwh: ArrayLike, cold_c: ArrayLike, capacity_kwh_per_k: ArrayLike
) -> tuple[Floats, Floats]:
    """Return layers after hot water was drawn from the top, and the heat that was really drawn [kWh].

    The volume drawn is what carries ``draw_kwh`` above the cold water's temperature; it leaves from the top downwards,
    everything moves up, cold water follows below, and each layer mixes. If the tank holds less heat than asked for,
    everything leaves.

    Args:
        layers_c: Temperatures, shape (..., layers), top first.
        draw_kwh: Heat asked for, shape (...).
        cold_c: Cold water, broadcast.
        capacity_kwh_per_k: Capacity of the whole tank, broadcast.
    """
    layers = np.asarray(layers_c, dtype=float)
    k = layers.shape[-1]
    part = np.asarray(capacity_kwh_per_k, dtype=float)[..., None] / k
    held = np.maximum(layers - np.asarray(cold_c, dtype=float)[..., None], 0.0) * part
    through = np.cumsum(held, axis=-1)
    before = through - held
    asked = np.asarray(draw_kwh, dtype=float)[..., None]
    taken = np.clip((asked - before) / np.maximum(held, 1e-12), 0.0, 1.0)
    taken = np.where(asked > before, taken, 0.0)
    volume = taken.sum(axis=-1)  # in layers
    edges = np.arange(k)
    content = np.concatenate(
        [layers, np.broadcast_to(np.asarray(cold_c, dtype=float)[..., None], layers.shape)], -1
    )
    out = np.empty_like(layers)
    cumulative = np.concatenate([np.zeros((*content.shape[:-1], 1)), np.cumsum(content, axis=-1)], axis=-1)
    for i in edges:
        low, high = i + volume, i + 1 + volume
        out[..., i] = _integral(cumulative, content, high) - _integral(cumulative, content, low)
    given = (held * taken).sum(axis=-1)
    return out, given


def _integral(cumulative: Floats, content: Floats, at: Floats) -> Floats:
    """Return the integral of a step function from 0 to ``at`` along the last axis."""
    whole = np.minimum(np.floor(at).astype(int), content.shape[-1] - 1)
    base = np.take_along_axis(cumulative, whole[..., None], axis=-1)[..., 0]
    return np.asarray(base + np.take_along_axis(content, whole[..., None], axis=-1)[..., 0] * (at - whole))


def layered_step(
    layers_c: ArrayLike,
    heat_kwh: ArrayLike,
    draw_kwh: ArrayLike,
    hours: float,
    capacity_kwh_per_k: ArrayLike,
    loss_kw_per_k: ArrayLike,
    surroundings_c: ArrayLike,
    cold_c: ArrayLike,
) -> tuple[Floats, Floats]:
    """Return a layered tank after a step, and the heat really drawn [kWh].

    First the draw, then the heat from below, then the losses (each layer in proportion to its share, exactly), then
    mixing. One layer gives a mixed tank; the order of draw, heat and loss is an error of the second order of the step.

    Args:
        layers_c: Temperatures, shape (..., layers), top first.
        heat_kwh: Heat into the tank in the step, shape (...).
        draw_kwh: Heat drawn in the step above the cold water, shape (...).
        hours: Length of the step [h].
        capacity_kwh_per_k: Capacity of the whole tank, broadcast.
        loss_kw_per_k: Loss of the whole tank, broadcast.
        surroundings_c: Temperature around it, broadcast.
        cold_c: Cold water, broadcast.
    """
    capacity = np.asarray(capacity_kwh_per_k, dtype=float)
    after, given = drawn(layers_c, draw_kwh, cold_c, capacity)
    after = charged(after, heat_kwh, capacity)
    keep = np.exp(-np.asarray(loss_kw_per_k, dtype=float) * hours / capacity)[..., None]
    around = np.asarray(surroundings_c, dtype=float)[..., None]
    return settled(around + keep * (after - around)), given


def mean_when_top_reaches(top_c: float, full_c: float, cold_c: float, layers: int, parts: int = 50) -> float:
    """Return the mean temperature at which a full tank, drawn without heating, has its top layer down at ``top_c`` [C].

    With one layer it is ``top_c``; layers keep hot water above cold, so more can be drawn before the tap feels it.
    """
    if layers == 1 or full_c <= top_c:
        return float(top_c)
    state = np.full(layers, full_c)
    mean = float(full_c)
    step_kwh = (full_c - cold_c) / (layers * parts)  # capacity 1 kWh/K
    for _ in range(20 * layers * parts):
        after, _given = drawn(state, step_kwh, cold_c, 1.0)
        if after[0] < top_c:
            share = (state[0] - top_c) / max(state[0] - after[0], 1e-12)
            return float(mean + share * (after.mean() - mean))
        state, mean = after, float(after.mean())
    return mean
